/* SPDX-License-Identifier: MIT */
/*
 * test_ksize_debug.c - what qy_ksize() says may be used is the user's to the last byte, under each
 * set of letters: all of it is written, and nothing is found; the records of who allocated and who
 * freed are whole.
 */
#include "instance.h"

#include <errno.h>

static struct instance in;

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

static void use_it_all(struct qy_cache *c, size_t size, bool tracks)
{
	unsigned char *p = c ? qy_cache_alloc(c, QY_GFP_KERNEL)
			     : qy_kmalloc(in.mm, size, QY_GFP_KERNEL);
	unsigned char *neighbour = c ? qy_cache_alloc(c, QY_GFP_KERNEL)
				     : qy_kmalloc(in.mm, size, QY_GFP_KERNEL);
	struct record r;
	size_t n;

	assert_true(p && neighbour);
	n = qy_ksize(in.mm, p);
	assert_true(n >= size && n < size + 4 * PAGE_BYTES);
	memset(hide(neighbour), 0x77, qy_ksize(in.mm, neighbour));
	memset(hide(p), 0xff, n);
	assert_int_equal(qy_validate(in.mm), 0);
	assert_clean(&in);
	for (size_t i = 0; i < qy_ksize(in.mm, neighbour); i++)
		assert_int_equal(neighbour[i], 0x77);
	qy_kfree(in.mm, p);
	assert_clean(&in);
	/* Who it was is still known. */
	qy_kfree(in.mm, p);
	r = take_report(&in, QY_REPORT_DOUBLE_FREE);
	assert_ptr_equal(r.object, p);
	assert_int_equal(r.alloc_frames > 0, tracks);
	assert_int_equal(r.free_frames > 0, tracks);
	qy_kfree(in.mm, neighbour);
	assert_clean(&in);
}

static const char *const letters[] = {
	"slab_debug=F",	 "slab_debug=Z",   "slab_debug=P",  "slab_debug=U",
	"slab_debug=ZP", "slab_debug=ZU",  "slab_debug=PU", "slab_debug=ZPU",
	"slab_debug=FU", "slab_debug=FPU", "slab_debug=FZ", "slab_debug=FZPU",
};
#define NR_LETTERS (sizeof(letters) / sizeof(letters[0]))

static void ksize_of_cache_objects_is_all_the_users(void **state)
{
	(void)state;
	for (size_t d = 0; d < NR_LETTERS; d++) {
		instance_make(&in, 512, letters[d]);
		for (size_t size = 1; size <= 300; size += size < 70 ? 1 : 23) {
			struct qy_cache *c = qy_cache_create(in.mm, "c", size, 0, 0, NULL);

			assert_non_null(c);
			use_it_all(c, size, strchr(letters[d], 'U'));
			assert_int_equal(qy_cache_destroy(c), 0);
		}
		instance_destroy(&in);
	}
}

/* With the letter U alone there is the word's rest to be used, and the records lie behind it. */
static void ksize_with_tracks_alone_ends_at_the_word(void **state)
{
	(void)state;
	instance_make(&in, 512, "slab_debug=U");
	for (size_t size = 1; size <= 100; size++) {
		struct qy_cache *c = qy_cache_create(in.mm, "c", size, 0, 0, NULL);
		void *p = qy_cache_alloc(c, QY_GFP_KERNEL);

		assert_int_equal(qy_ksize(in.mm, p), (size + 7) / 8 * 8);
		assert_int_equal(qy_cache_free(c, p), 0);
		assert_int_equal(qy_cache_destroy(c), 0);
	}
	assert_clean(&in);
}

static void ksize_of_kmalloc_objects_is_all_the_users(void **state)
{
	(void)state;
	for (size_t d = 0; d < NR_LETTERS; d++) {
		instance_init(&in, 512);
		in.config.debug = letters[d];
		in.config.classes = d % 2 ? QY_CLASSES_FINE : QY_CLASSES_KERNEL;
		instance_create(&in);
		for (size_t size = 1; size <= 2 * PAGE_BYTES; size += size < 40 ? 1 : size / 3)
			use_it_all(NULL, size, strchr(letters[d], 'U'));
		instance_destroy(&in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
		T(ksize_of_cache_objects_is_all_the_users),
		T(ksize_with_tracks_alone_ends_at_the_word),
		T(ksize_of_kmalloc_objects_is_all_the_users),
#undef T
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
