/* SPDX-License-Identifier: MIT */
/*
 * test_cache.c - caches of objects: creating, constructing, bulk, shrinking, ending; and a sweep
 * over sizes, alignments and debug letters in which nothing may be reported and nothing may
 * overlap.
 */
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define FZPU (QY_SLAB_CONSISTENCY_CHECKS | QY_SLAB_RED_ZONE | QY_SLAB_POISON | QY_SLAB_STORE_USER)

static int set_up(void **state)
{
	(void)state;
	instance_make(&in, 256, NULL);
	return 0;
}

static struct qy_cache_info info_of(struct qy_cache *c)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};

	qy_cache_info(c, &info);
	return info;
}

static struct qy_cache *make(const char *name, size_t size, qy_slab_flags_t flags)
{
	struct qy_cache *c = qy_cache_create(in.mm, name, size, 0, flags, NULL);

	assert_non_null(c);
	return c;
}

static void refused(const char *name, size_t size, size_t align, qy_slab_flags_t flags, int err)
{
	errno = 0;
	assert_null(qy_cache_create(in.mm, name, size, align, flags, NULL));
	assert_int_equal(errno, err);
}

static void cache_create_bad_arguments_are_refused(void **state)
{
	const size_t most = (PAGE_BYTES << 6) / 2;

	(void)state;
	refused(NULL, 8, 0, 0, EINVAL);
	refused("", 8, 0, 0, EINVAL);
	refused("c", 0, 0, 0, EINVAL);
	refused("c", most + 1, 0, 0, EINVAL);
	refused("c", SIZE_MAX, 0, 0, EINVAL);
	refused("c", SIZE_MAX - 4, 8, 0, EINVAL);
	refused("c", 8, 3, 0, EINVAL);
	refused("c", 8, PAGE_BYTES * 2, 0, EINVAL);
	refused("c", 8, SIZE_MAX, 0, EINVAL);
	refused("c", 8, 0, 0x1u, EINVAL);
	refused("c", 8, 0, 0x80000000u, EINVAL);
	make("most", most, 0);
	assert_non_null(qy_cache_create(in.mm, "align", 8, PAGE_BYTES, 0, NULL));
	assert_clean(&in);
}

static void cache_create_without_memory_fails(void **state)
{
	struct qy_cache *c[512];
	unsigned int n = 0;

	(void)state;
	while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0))
		;
	errno = 0;
	while (n < 512 && (c[n] = qy_cache_create(in.mm, "c", 8, 0, 0, NULL)) != NULL)
		n++;
	assert_true(n < 512);
	assert_int_equal(errno, ENOMEM);
	for (unsigned int i = 0; i < n; i++) {
		assert_null(qy_cache_alloc(c[i], QY_GFP_NOWAIT));
		assert_int_equal(qy_cache_destroy(c[i]), 0);
	}
	assert_clean(&in);
}

static void cache_create_thousands_all_work(void **state)
{
	struct qy_cache *c = NULL;

	(void)state;
	tear_down(NULL);
	instance_make(&in, 4096, NULL);
	for (unsigned int n = 0; n < 5000; n++) {
		c = qy_cache_create(in.mm, "one of many", 8, 0, 0, NULL);
		assert_non_null(c);
	}
	assert_int_equal(qy_cache_destroy(c), 0);
	make("the last", 8, 0);
	assert_clean(&in);
}

static void cache_create_panic_aborts(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGABRT, SIG_DFL); /* the test framework has a handler of its own */
		(void)!freopen("/dev/null", "w", stderr);
		(void)!qy_cache_create(in.mm, "c", 0, 0, QY_SLAB_PANIC, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	make("no reason", 8, QY_SLAB_PANIC);
}

static void cache_info_says_what_was_made(void **state)
{
	struct qy_cache_info i = {.struct_size = sizeof(i)};
	struct qy_cache *c;
	char name[] = "a name of more than thirty-one characters";

	(void)state;
	c = qy_cache_create(in.mm, name, 100, 32, FZPU, NULL);
	assert_non_null(c);
	memset(name, 'x', sizeof(name) - 1); /* it was copied */
	i = info_of(c);
	assert_string_equal(i.name, "a name of more than thirty-one ");
	assert_int_equal(i.object_size, 100);
	assert_int_equal(i.align, 32);
	assert_int_equal(i.slot_size % 32, 0);
	assert_true(i.objs_per_slab * i.slot_size <= PAGE_BYTES << i.order);
	assert_int_equal(i.nr_slabs + i.total_objects + i.live_objects, 0);
	/* What this build lacks is dropped. */
	assert_int_equal(i.flags & FZPU, is_debug_build() ? FZPU : 0);
	assert_true(is_debug_build() ? i.sheaf_capacity == 0 : i.sheaf_capacity > 0);
	assert_non_null(qy_cache_alloc(c, QY_GFP_KERNEL));
	i = info_of(c);
	assert_int_equal(i.live_objects, 1);
	assert_true(i.nr_slabs >= 1 && i.total_objects >= i.objs_per_slab && i.high_water >= 1);
}

static void cache_at_is_in_order_of_creation(void **state)
{
	struct qy_cache *a = make("a", 8, 0), *b = make("b", 8, 0), *c = make("c", 8, 0);
	unsigned int i = 0;

	(void)state;
	while (qy_cache_at(in.mm, i) != a)
		i++;
	assert_ptr_equal(qy_cache_at(in.mm, i + 1), b);
	assert_ptr_equal(qy_cache_at(in.mm, i + 2), c);
	assert_null(qy_cache_at(in.mm, i + 3));
	assert_int_equal(qy_cache_destroy(b), 0);
	assert_ptr_equal(qy_cache_at(in.mm, i + 1), c);
	assert_null(qy_cache_at(in.mm, i + 2));
}

static void cache_alloc_zero_clears_the_object(void **state)
{
	static const qy_slab_flags_t flags[] = {0, FZPU, QY_SLAB_RED_ZONE, QY_SLAB_POISON};

	(void)state;
	for (int f = 0; f < 4; f++) {
		struct qy_cache *c = make("zero", 77, flags[f]);

		for (int round = 0; round < 3; round++) {
			unsigned char *p = hide(qy_cache_alloc(c, QY_GFP_KERNEL | QY_GFP_ZERO));

			for (int i = 0; i < 77; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xff, 77);
			assert_int_equal(qy_cache_free(c, p), 0);
		}
	}
	assert_clean(&in);
}

static unsigned int constructed;

static void ctor(void *object)
{
	memset(object, 0x33, 48);
	constructed++;
}

static void ctor_runs_once_per_object_and_slab(void **state)
{
	static const qy_slab_flags_t flags[] = {0, FZPU};

	(void)state;
	for (int f = 0; f < 2; f++) {
		struct qy_cache *c = qy_cache_create(in.mm, "ctor", 48, 0, flags[f], ctor);
		unsigned char *p[100];

		constructed = 0;
		for (int round = 0; round < 3; round++) {
			/* Zero is not for objects that have a state of their own. */
			for (int i = 0; i < 100; i++) {
				p[i] = hide(qy_cache_alloc(c, QY_GFP_KERNEL | QY_GFP_ZERO));
				for (int b = 0; b < 48; b++)
					assert_int_equal(p[i][b], 0x33);
			}
			assert_int_equal(constructed, info_of(c).total_objects);
			for (int i = 0; i < 100; i++)
				assert_int_equal(qy_cache_free(c, p[i]), 0);
		}
		/* It comes back as its last user left it. */
		p[0] = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
		p[0][7] = 0x44;
		qy_cache_free(c, p[0]);
		p[1] = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
		if (p[1] == p[0])
			assert_int_equal(p[1][7], 0x44);
		qy_cache_free(c, p[1]);
		assert_int_equal(qy_cache_destroy(c), 0);
	}
	assert_clean(&in);
}

static void alloc_until_memory_ends_gives_disjoint_objects(void **state)
{
	struct qy_cache *c = make("all", 600, 0);
	static unsigned char *p[4096];
	unsigned int n = 0;

	(void)state;
	while (n < 4096 && (p[n] = hide(qy_cache_alloc(c, QY_GFP_NOWAIT))) != NULL) {
		memset(p[n], (int)n, 600);
		n++;
	}
	assert_true(n > 500 && n < 4096);
	assert_int_equal(info_of(c).live_objects, n);
	assert_sound(in.mm);
	for (unsigned int i = 0; i < n; i++)
		for (int b = 0; b < 600; b += 37)
			assert_int_equal(p[i][b], i & 0xff);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(qy_cache_free(c, p[i]), 0);
	assert_int_equal(info_of(c).live_objects, 0);
	assert_int_equal(info_of(c).high_water >= n, 1);
	assert_int_equal(qy_cache_shrink(c), 0);
	assert_int_equal(info_of(c).nr_slabs, 0);
	assert_sound(in.mm);
}

static void bulk_of(struct qy_cache *c)
{
	void *p[300];
	size_t live;

	assert_int_equal(qy_cache_alloc_bulk(c, QY_GFP_KERNEL, 0, p), 0);
	assert_int_equal(qy_cache_alloc_bulk(c, QY_GFP_KERNEL, 300, p), 300);
	assert_int_equal(info_of(c).live_objects, 300);
	for (int i = 0; i < 300; i++)
		for (int k = 0; k < i; k++)
			assert_ptr_not_equal(p[i], p[k]);
	qy_cache_free_bulk(c, 300, p);
	assert_int_equal(info_of(c).live_objects, 0);
	assert_sound(in.mm);

	/* All or nothing: the counts are as before. */
	while (qy_cache_alloc_bulk(c, QY_GFP_NOWAIT, 100, p) == 100)
		;
	live = info_of(c).live_objects;
	assert_int_equal(qy_cache_alloc_bulk(c, QY_GFP_NOWAIT, 300, p), 0);
	assert_int_equal(info_of(c).live_objects, live);
	assert_clean(&in);
}

static void alloc_bulk_is_all_or_nothing(void **state)
{
	(void)state;
	bulk_of(make("bulk", 400, 0));
}

static void alloc_bulk_is_all_or_nothing_with_debug_flags(void **state)
{
	(void)state;
	bulk_of(make("bulk", 400, FZPU));
}

static void free_null_is_allowed(void **state)
{
	struct qy_cache *c = make("null", 8, 0);

	(void)state;
	assert_int_equal(qy_cache_free(c, NULL), 0);
	assert_int_equal(qy_cache_destroy(NULL), 0);
	assert_clean(&in);
}

static void shrink_keeps_slabs_with_objects(void **state)
{
	struct qy_cache *c = make("shrink", 1000, 0);
	void *p[100];

	(void)state;
	for (int i = 0; i < 100; i++)
		p[i] = qy_cache_alloc(c, QY_GFP_KERNEL);
	for (int i = 1; i < 100; i++)
		qy_cache_free(c, p[i]);
	assert_int_equal(qy_cache_shrink(c), 1);
	assert_true(info_of(c).nr_slabs >= 1 && info_of(c).nr_slabs < 5);
	assert_int_equal(info_of(c).live_objects, 1);
	qy_cache_free(c, p[0]);
	assert_int_equal(qy_cache_shrink(c), 0);
	assert_clean(&in);
}

static void destroy_gives_all_pages_back(void **state)
{
	struct qy_page_stats before = {.struct_size = sizeof(before)}, after = before;
	struct qy_cache *c;
	void *p[500];

	(void)state;
	qy_cache_destroy(make("warm", 8, 0));
	qy_page_stats(in.mm, &before);
	for (size_t size = 1; size < 2000; size = size * 3 + 1) {
		c = make("pages", size, size & 1 ? FZPU : 0);
		for (int i = 0; i < 100; i++)
			p[i] = qy_cache_alloc(c, QY_GFP_KERNEL);
		qy_cache_free_bulk(c, 100, p);
		assert_int_equal(qy_cache_destroy(c), 0);
	}
	qy_page_stats(in.mm, &after);
	/* Sheaves have slabs of their own, and stacks are kept for good: a few pages. */
	assert_true(before.free - after.free <= 12);
	assert_clean(&in);
}

static void destroy_with_live_objects_reports_and_leaks(void **state)
{
	struct qy_cache *c = make("left", 64, 0), *d = make("left too", 64, FZPU), *other;
	void *p[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		p[i] = qy_cache_alloc(c, QY_GFP_KERNEL);
	qy_cache_free(c, p[1]);
	assert_int_equal(qy_cache_destroy(c), -EBUSY);
	take_report(&in, QY_REPORT_LEAK);
	assert_sound(in.mm);
	for (int i = 0; i < 3; i++)
		p[i] = qy_cache_alloc(d, QY_GFP_KERNEL);
	qy_cache_free(d, p[1]);
	assert_int_equal(qy_cache_destroy(d), -EBUSY);
	if (is_debug_build()) { /* one by one, with where it was allocated */
		assert_int_equal(in.reports.nr, 2);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(in.reports.at[i].kind, QY_REPORT_LEAK);
			assert_true(in.reports.at[i].alloc_frames > 0);
			assert_true(in.reports.at[i].object == p[0] ||
				    in.reports.at[i].object == p[2]);
		}
		in.reports.nr = 0;
	} else {
		take_report(&in, QY_REPORT_LEAK);
	}
	other = make("left", 64, 0);
	assert_non_null(qy_cache_alloc(other, QY_GFP_KERNEL));
	assert_clean(&in);
}

/* What only the debug library can tell. */
static void free_of_what_is_not_a_live_object_is_refused(void **state)
{
	struct qy_cache *c = make("mine", 64, FZPU), *other = make("yours", 64, FZPU);
	char *p, *q;

	(void)state;
	if (!is_debug_build())
		return;
	p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	q = hide(qy_cache_alloc(other, QY_GFP_KERNEL));
	assert_int_equal(qy_cache_free(c, q), -EINVAL);
	take_report(&in, QY_REPORT_WRONG_CACHE);
	assert_int_equal(qy_cache_free(c, p + 8), -EINVAL);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_int_equal(qy_cache_free(c, &in), -EINVAL);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_int_equal(info_of(c).live_objects, 1);
	assert_int_equal(qy_cache_free(c, p), 0);
	assert_int_equal(qy_cache_free(c, p), -EINVAL);
	take_report(&in, QY_REPORT_DOUBLE_FREE);
	assert_int_equal(qy_cache_free(other, q), 0);
	assert_clean(&in);
}

/* ---- the sweep ---- */

static void sweep_one(size_t size, size_t align, qy_slab_flags_t flags)
{
	struct qy_cache *c = qy_cache_create(in.mm, "sweep", size, align, flags, NULL);
	unsigned char *p[6];

	assert_non_null(c);
	for (int i = 0; i < 6; i++) {
		p[i] = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % (align ? align : sizeof(void *)), 0);
		memset(p[i], 0xa0 + i, size); /* all of it may be used */
	}
	assert_int_equal(qy_cache_free(c, p[2]), 0);
	assert_int_equal(qy_cache_free(c, p[4]), 0);
	p[2] = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	memset(p[2], 0xa2, size);
	assert_int_equal(qy_cache_validate(c), 0);
	for (int i = 0; i < 6; i++) {
		if (i == 4)
			continue;
		for (size_t b = 0; b < size; b++)
			if (p[i][b] != 0xa0 + i)
				fail_msg("size %zu align %zu flags %x: overlap", size, align,
					 flags);
		assert_int_equal(qy_cache_free(c, p[i]), 0);
	}
	if (size % 50 == 1)
		assert_sound(in.mm);
	assert_int_equal(qy_cache_destroy(c), 0);
	assert_int_equal(in.reports.nr, 0);
}

static void sweep(qy_slab_flags_t extra)
{
	for (size_t size = 1; size <= 300; size++)
		for (size_t align = 0; align <= PAGE_BYTES; align = align ? align * 2 : 1) {
			/* Each subset of the letters comes up, though not for each size. */
			unsigned int set = is_debug_build() ? (unsigned int)(size * 7 + align) % 16
							    : 0;

			sweep_one(size, align,
				  extra | (set & 1 ? QY_SLAB_CONSISTENCY_CHECKS : 0) |
					  (set & 2 ? QY_SLAB_RED_ZONE : 0) |
					  (set & 4 ? QY_SLAB_POISON : 0) |
					  (set & 8 ? QY_SLAB_STORE_USER : 0));
			if (size <= 24 || (size & 63) == 0)
				for (set = 0; is_debug_build() && set < 16; set++)
					sweep_one(
						size, align,
						extra | (set & 1 ? QY_SLAB_CONSISTENCY_CHECKS : 0) |
							(set & 2 ? QY_SLAB_RED_ZONE : 0) |
							(set & 4 ? QY_SLAB_POISON : 0) |
							(set & 8 ? QY_SLAB_STORE_USER : 0));
		}
	assert_clean(&in);
}

static void sweep_of_sizes_alignments_and_letters(void **state)
{
	(void)state;
	sweep(0);
}

static void sweep_of_tracked_requests(void **state)
{
	(void)state;
	sweep(QY_SLAB_KMALLOC | QY_SLAB_HWCACHE_ALIGN);
}

static void large_objects_take_the_smallest_block(void **state)
{
	(void)state;
	for (size_t size = 1024; size <= (PAGE_BYTES << 6) / 2; size += 1000) {
		struct qy_cache *c = make("large", size, 0);
		char *p = hide(qy_cache_alloc(c, QY_GFP_NOWAIT));

		assert_non_null(p);
		memset(p, 1, size);
		qy_cache_free(c, p);
		assert_int_equal(qy_cache_destroy(c), 0);
	}
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(cache_create_bad_arguments_are_refused),
		T(cache_create_without_memory_fails),
		T(cache_create_thousands_all_work),
		T(cache_create_panic_aborts),
		T(cache_info_says_what_was_made),
		T(cache_at_is_in_order_of_creation),
		T(cache_alloc_zero_clears_the_object),
		T(ctor_runs_once_per_object_and_slab),
		T(alloc_until_memory_ends_gives_disjoint_objects),
		T(alloc_bulk_is_all_or_nothing),
		T(alloc_bulk_is_all_or_nothing_with_debug_flags),
		T(free_null_is_allowed),
		T(shrink_keeps_slabs_with_objects),
		T(destroy_gives_all_pages_back),
		T(destroy_with_live_objects_reports_and_leaks),
		T(free_of_what_is_not_a_live_object_is_refused),
		T(sweep_of_sizes_alignments_and_letters),
		T(sweep_of_tracked_requests),
		T(large_objects_take_the_smallest_block),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
