/* SPDX-License-Identifier: MIT */
/*
 * test_kmalloc.c - memory by size: classes, alignment, sizes at the edges, krealloc in all
 * directions; each under every set of debug letters, for both tables of classes.
 */
#include "fixture.h"

#include <errno.h>

#define MAX_ORDER 6
#define MAX_SIZE (PAGE_BYTES << MAX_ORDER)

static const size_t kernel_classes[] = {8,   16,  32,	64,   96,   128, 192,
					256, 512, 1024, 2048, 4096, 8192};

static const char *const debug_strings[] = {
	"slab_debug=-",	 "slab_debug=F",   "slab_debug=Z",   "slab_debug=FZ",
	"slab_debug=P",	 "slab_debug=FP",  "slab_debug=ZP",  "slab_debug=FZP",
	"slab_debug=U",	 "slab_debug=FU",  "slab_debug=ZU",  "slab_debug=FZU",
	"slab_debug=PU", "slab_debug=FPU", "slab_debug=ZPU", "slab_debug=FZPU",
};
#define NR_STRINGS (sizeof(debug_strings) / sizeof(debug_strings[0]))

static void start(const char *debug, enum qy_classes classes)
{
	instance_init(&in, 512);
	in.config.debug = debug;
	in.config.classes = classes;
	instance_create(&in);
}

/* A body, for each set of letters and both tables. */
static void for_each_instance(void (*body)(void))
{
	size_t nr = is_debug_build() ? NR_STRINGS : 1;

	for (int classes = QY_CLASSES_KERNEL; classes <= QY_CLASSES_FINE; classes++)
		for (size_t i = 0; i < nr; i++) {
			start(debug_strings[i], (enum qy_classes)classes);
			body();
			if (in.reports.nr)
				printf("with %s, classes %d\n", debug_strings[i], classes);
			assert_clean(&in);
			assert_int_equal(qy_validate(in.mm), 0);
			tear_down(NULL);
		}
}

static bool is_zero(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static bool is_all(const unsigned char *p, int value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* ---- sizes ---- */

static void kmalloc_zero_size_is_not_null(void **state)
{
	void *p;

	(void)state;
	start(NULL, QY_CLASSES_KERNEL);
	assert_ptr_equal(qy_kmalloc(in.mm, 0, QY_GFP_KERNEL), QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_kzalloc(in.mm, 0, QY_GFP_KERNEL), QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_kmalloc_aligned(in.mm, 0, 64, QY_GFP_KERNEL), QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_kmalloc_array(in.mm, 0, SIZE_MAX, QY_GFP_KERNEL), QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_kcalloc(in.mm, SIZE_MAX, 0, QY_GFP_KERNEL), QY_ZERO_SIZE_PTR);
	qy_kfree(in.mm, QY_ZERO_SIZE_PTR);
	qy_kfree(in.mm, NULL);
	assert_int_equal(qy_ksize(in.mm, NULL), 0);
	assert_int_equal(qy_ksize(in.mm, QY_ZERO_SIZE_PTR), 0);
	assert_int_equal(qy_kmalloc_size_roundup(in.mm, 0), 0);
	p = qy_krealloc(in.mm, NULL, 0, QY_GFP_KERNEL);
	assert_ptr_equal(p, QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_krealloc(in.mm, p, 0, QY_GFP_KERNEL), QY_ZERO_SIZE_PTR);
	p = qy_krealloc(in.mm, p, 20, QY_GFP_KERNEL);
	assert_non_null(p);
	assert_ptr_equal(qy_krealloc(in.mm, p, 0, QY_GFP_KERNEL), QY_ZERO_SIZE_PTR);
	assert_clean(&in);
	tear_down(NULL);
}

static void kmalloc_impossible_size_is_null(void)
{
	static const size_t sizes[] = {MAX_SIZE + 1,	 MAX_SIZE * 2,	  SIZE_MAX / 2,
				       SIZE_MAX / 2 + 1, SIZE_MAX - 4096, SIZE_MAX - 1,
				       SIZE_MAX,	 (size_t)1 << 32, ((size_t)1 << 32) + 8};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_null(qy_kmalloc(in.mm, sizes[i], QY_GFP_KERNEL | QY_GFP_NOWARN));
		assert_null(qy_kzalloc(in.mm, sizes[i], QY_GFP_KERNEL | QY_GFP_NOWARN));
		assert_null(qy_kmalloc_aligned(in.mm, sizes[i], 64, QY_GFP_NOWAIT));
		assert_null(qy_krealloc(in.mm, NULL, sizes[i], QY_GFP_NOWAIT));
		assert_int_equal(qy_kmalloc_size_roundup(in.mm, sizes[i]), sizes[i]);
	}
}

static void kmalloc_impossible_sizes_are_null(void **state)
{
	(void)state;
	for_each_instance(kmalloc_impossible_size_is_null);
}

static void kmalloc_array_overflow_is_null(void **state)
{
	static const size_t big[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 3 + 1, (size_t)1 << 63};

	(void)state;
	start(NULL, QY_CLASSES_KERNEL);
	for (int i = 0; i < 4; i++)
		for (size_t n = 3; n < 10; n++) {
			assert_null(qy_kmalloc_array(in.mm, n, big[i], QY_GFP_KERNEL));
			assert_null(qy_kmalloc_array(in.mm, big[i], n, QY_GFP_KERNEL));
			assert_null(qy_kcalloc(in.mm, n, big[i], QY_GFP_KERNEL));
			assert_null(qy_kcalloc(in.mm, big[i], n, QY_GFP_KERNEL));
		}
	/* Products that wrap to something small. */
	assert_null(qy_kcalloc(in.mm, (size_t)1 << 32, ((size_t)1 << 32) + 1, QY_GFP_KERNEL));
	assert_null(qy_kmalloc_array(in.mm, SIZE_MAX / 8 + 2, 8, QY_GFP_KERNEL));
	assert_non_null(qy_kmalloc_array(in.mm, 10, 10, QY_GFP_KERNEL));
	assert_clean(&in);
	tear_down(NULL);
}

/* By the table: the smallest class that holds it, else pages in powers of two. */
static size_t roundup_of(size_t size)
{
	size_t pages = PAGE_BYTES;

	for (size_t i = 0; i < sizeof(kernel_classes) / sizeof(kernel_classes[0]); i++)
		if (kernel_classes[i] >= size)
			return kernel_classes[i];
	while (pages < size)
		pages *= 2;
	return pages;
}

static void size_roundup_is_what_the_class_gives(void **state)
{
	(void)state;
	start(NULL, QY_CLASSES_KERNEL);
	for (size_t size = 1; size <= MAX_SIZE; size += size < 20000 ? 1 : 97)
		assert_int_equal(qy_kmalloc_size_roundup(in.mm, size), roundup_of(size));
	for (size_t i = 0; i < sizeof(kernel_classes) / sizeof(kernel_classes[0]); i++)
		for (size_t size = kernel_classes[i] - 1; size <= kernel_classes[i] + 1; size++) {
			void *p = qy_kmalloc(in.mm, size, QY_GFP_KERNEL);

			assert_int_equal(qy_kmalloc_size_roundup(in.mm, size), roundup_of(size));
			assert_int_equal(qy_ksize(in.mm, p), roundup_of(size));
			qy_kfree(in.mm, p);
		}
	for (unsigned int order = 2; order <= MAX_ORDER; order++) {
		size_t size = PAGE_BYTES << order;

		assert_int_equal(qy_kmalloc_size_roundup(in.mm, size), size);
		assert_int_equal(qy_kmalloc_size_roundup(in.mm, size - 1), size);
		assert_int_equal(qy_kmalloc_size_roundup(in.mm, size + 1),
				 order < MAX_ORDER ? 2 * size : size + 1);
	}
	assert_clean(&in);
	tear_down(NULL);
}

static void fine_classes_waste_little(void **state)
{
	size_t last = 0;

	(void)state;
	start(NULL, QY_CLASSES_FINE);
	for (size_t size = 1; size <= 2 * PAGE_BYTES; size++) {
		size_t got = qy_kmalloc_size_roundup(in.mm, size);

		assert_true(got >= size && got % 16 == 0 && got >= last);
		assert_true(size <= 16 || got - size <= 16 || (got - size) * 5 <= got);
		last = got;
	}
	tear_down(NULL);
}

/* ---- alignment, contents, ksize: every size ---- */

static size_t promised_alignment(size_t size)
{
	size_t class = qy_kmalloc_size_roundup(in.mm, size);

	return in.config.classes == QY_CLASSES_FINE ? 16 : class & -class;
}

static void kmalloc_one(size_t size)
{
	unsigned char *p = hide(qy_kmalloc(in.mm, size, QY_GFP_KERNEL | QY_GFP_NOWARN)), *q;
	size_t align = promised_alignment(size), usable;

	if (!p) /* the largest block has no room for red zones around it */
		assert_true(is_debug_build() && size > MAX_SIZE / 4);
	if (!p)
		return;
	usable = qy_ksize(in.mm, p);
	assert_true(usable >= size);
	if (align <= 2 * PAGE_BYTES && size <= 2 * PAGE_BYTES && (uintptr_t)p % align)
		fail_msg("kmalloc(%zu) is at %p, not aligned to %zu", size, (void *)p, align);
	/* Above the classes a power of two is aligned all the same. */
	if (in.config.classes == QY_CLASSES_KERNEL && !(size & (size - 1)) && (uintptr_t)p % size)
		fail_msg("kmalloc(%zu) is at %p", size, (void *)p);
	memset(p, 0xee, usable);
	q = hide(qy_kzalloc(in.mm, size, QY_GFP_KERNEL | QY_GFP_NOWARN));
	assert_true(!q || is_zero(q, size));
	assert_true(is_all(p, 0xee, usable));
	qy_kfree(in.mm, q);
	qy_kfree(in.mm, p);
	if (in.reports.nr)
		fail_msg("kmalloc(%zu)", size);
}

static void kmalloc_each_size(void)
{
	for (size_t size = 1; size <= 1100; size++)
		kmalloc_one(size);
	for (size_t size = 1100; size <= 3 * PAGE_BYTES; size += 61)
		kmalloc_one(size);
	for (size_t size = 16; size <= MAX_SIZE; size *= 2)
		for (size_t s = size - 1; s <= size + 1 && s <= MAX_SIZE; s++)
			kmalloc_one(s);
}

static void kmalloc_every_size_is_aligned_and_usable(void **state)
{
	(void)state;
	for_each_instance(kmalloc_each_size);
}

static void aligned_each(void)
{
	for (size_t align = 1; align <= MAX_SIZE / 4; align *= 2)
		for (size_t size = 1; size <= 20000; size = size * 5 / 4 + 1) {
			unsigned char *p =
				hide(qy_kmalloc_aligned(in.mm, size, align, QY_GFP_NOWAIT));

			assert_non_null(p);
			if ((uintptr_t)p % align)
				fail_msg("size %zu align %zu is at %p", size, align, (void *)p);
			memset(p, 0xdd, size);
			assert_true(qy_ksize(in.mm, p) >= size);
			qy_kfree(in.mm, p);
			assert_int_equal(in.reports.nr, 0);
		}
	assert_null(qy_kmalloc_aligned(in.mm, 8, 0, QY_GFP_NOWAIT));
	assert_null(qy_kmalloc_aligned(in.mm, 8, 3, QY_GFP_NOWAIT));
	assert_null(qy_kmalloc_aligned(in.mm, 8, 48, QY_GFP_NOWAIT));
	assert_null(qy_kmalloc_aligned(in.mm, 8, MAX_SIZE * 2, QY_GFP_NOWAIT));
	assert_null(qy_kmalloc_aligned(in.mm, 8, (size_t)1 << 63, QY_GFP_NOWAIT));
}

static void kmalloc_aligned_is_aligned(void **state)
{
	(void)state;
	for_each_instance(aligned_each);
}

/* ---- krealloc ---- */

static void fill(unsigned char *p, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		p[i] = (unsigned char)(i * 7 + 1);
}

static bool is_filled(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != (unsigned char)(i * 7 + 1))
			return false;
	return true;
}

static void realloc_each_pair(void)
{
	static const size_t sizes[] = {1,   7,	  8,	9,    18,   32,	  33,	 96,	97,
				       192, 1000, 4096, 4097, 8192, 8193, 16384, 16385, 50000};
	const size_t nr = sizeof(sizes) / sizeof(sizes[0]);

	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < nr; k++) {
			size_t from = sizes[i], to = sizes[k], keep = from < to ? from : to;
			unsigned char *p = hide(qy_kmalloc(in.mm, from, QY_GFP_KERNEL));

			assert_non_null(p);
			fill(p, 0, from);
			p = hide(qy_krealloc(in.mm, p, to, QY_GFP_KERNEL));
			assert_non_null(p);
			assert_true(is_filled(p, keep));
			fill(p, 0, to);
			assert_true(qy_ksize(in.mm, p) >= to);
			p = hide(qy_krealloc(in.mm, p, to, QY_GFP_KERNEL)); /* the same size */
			assert_true(is_filled(p, to));
			qy_kfree(in.mm, p);
			if (in.reports.nr)
				fail_msg("krealloc %zu to %zu", from, to);
		}
}

static void krealloc_in_all_directions_keeps_contents(void **state)
{
	(void)state;
	for_each_instance(realloc_each_pair);
}

static void realloc_in_slot(void)
{
	unsigned char *p = hide(qy_kmalloc(in.mm, 60, QY_GFP_KERNEL)), *q;

	q = qy_krealloc(in.mm, p, 50, QY_GFP_KERNEL);
	assert_ptr_equal(p, q);
	q = hide(qy_krealloc(in.mm, p, 64, QY_GFP_KERNEL));
	assert_ptr_equal(p, q);
	memset(q, 1, 64);
	qy_kfree(in.mm, q);
}

static void krealloc_inside_the_slot_keeps_the_place(void **state)
{
	(void)state;
	for_each_instance(realloc_in_slot);
}

/*
 * Where the request is tracked ZERO speaks of the bytes behind it; else of those behind the
 * capacity.
 */
static void realloc_zero(void)
{
	for (size_t from = 1; from <= 80; from += 13)
		for (size_t to = from; to <= 400; to += 29) {
			unsigned char *p = hide(qy_kzalloc(in.mm, from, QY_GFP_KERNEL));
			size_t old;

			memset(p, 0xaa, from);
			old = qy_ksize(in.mm, p); /* the request, or the capacity */
			p = hide(qy_krealloc(in.mm, p, to, QY_GFP_KERNEL | QY_GFP_ZERO));
			assert_true(is_all(p, 0xaa, from));
			if (to > old && !is_zero(p + old, to - old))
				fail_msg("krealloc %zu to %zu: not zero behind %zu", from, to, old);
			/* kzalloc cleared the whole object: what was not written is zero. */
			if (!is_zero(p + from, to - from))
				fail_msg("krealloc %zu to %zu: not zero behind %zu", from, to,
					 from);
			qy_kfree(in.mm, p);
		}
}

static void krealloc_zero_clears_what_is_new(void **state)
{
	(void)state;
	for_each_instance(realloc_zero);
}

/* kzalloc(18), then 32 with ZERO: red zones alone, without a tracked request, once broke this. */
static void realloc_18_to_32(void)
{
	unsigned char *p = hide(qy_kzalloc(in.mm, 18, QY_GFP_KERNEL));

	assert_true(is_zero(p, 18));
	p = hide(qy_krealloc(in.mm, p, 32, QY_GFP_KERNEL | QY_GFP_ZERO));
	assert_true(is_zero(p, 32));
	qy_kfree(in.mm, p);
}

static void krealloc_zero_of_kzalloc_is_zero_under_all_letters(void **state)
{
	(void)state;
	for_each_instance(realloc_18_to_32);
}

/* What was cut off must not come back. */
static void realloc_zero_after_shrink(void)
{
	unsigned char *p = hide(qy_kzalloc(in.mm, 47, QY_GFP_KERNEL));
	bool tracked = qy_ksize(in.mm, p) == 47; /* no class has that size */

	memset(p, 0xaa, 47);
	p = hide(qy_krealloc(in.mm, p, 40, QY_GFP_KERNEL | QY_GFP_ZERO));
	p = hide(qy_krealloc(in.mm, p, 56, QY_GFP_KERNEL | QY_GFP_ZERO));
	assert_true(is_all(p, 0xaa, 40));
	if (tracked)
		assert_true(is_zero(p + 40, 16));
	p = hide(qy_krealloc(in.mm, p, 500, QY_GFP_KERNEL | QY_GFP_ZERO));
	assert_true(is_all(p, 0xaa, 40));
	if (tracked)
		assert_true(is_zero(p + 40, 460));
	assert_true(is_zero(p + 64, 436));
	qy_kfree(in.mm, p);
}

static void krealloc_zero_after_a_shrink_shows_no_stale_bytes(void **state)
{
	(void)state;
	for_each_instance(realloc_zero_after_shrink);
}

static void realloc_without_memory(void)
{
	unsigned char *p = hide(qy_kmalloc(in.mm, 100, QY_GFP_KERNEL));

	fill(p, 0, 100);
	while (qy_get_free_pages(in.mm, QY_GFP_NOWAIT, 0))
		;
	assert_null(qy_krealloc(in.mm, p, 20000, QY_GFP_NOWAIT));
	assert_null(qy_krealloc(in.mm, p, SIZE_MAX, QY_GFP_NOWAIT));
	assert_true(is_filled(p, 100));
	assert_true(qy_ksize(in.mm, p) >= 100);
	qy_kfree(in.mm, p);
}

static void krealloc_that_fails_changes_nothing(void **state)
{
	(void)state;
	for_each_instance(realloc_without_memory);
}

/* ---- wrong pointers ---- */

static void kfree_of_what_is_no_object_is_reported(void **state)
{
	char *page, *large;
	int local;

	(void)state;
	start(NULL, QY_CLASSES_KERNEL);
	large = hide(qy_kmalloc(in.mm, 3 * PAGE_BYTES, QY_GFP_KERNEL));
	page = qy_get_free_pages(in.mm, QY_GFP_KERNEL, 0);
	qy_kfree(in.mm, &local);
	take_report(&in, QY_REPORT_INVALID_FREE);
	qy_kfree(in.mm, page);
	take_report(&in, QY_REPORT_INVALID_FREE);
	qy_kfree(in.mm, large + 16);
	take_report(&in, QY_REPORT_INVALID_FREE);
	qy_kfree(in.mm, large + PAGE_BYTES);
	take_report(&in, QY_REPORT_INVALID_FREE);
	qy_kfree(in.mm, (void *)17);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_null(qy_krealloc(in.mm, &local, 100, QY_GFP_KERNEL));
	take_report(&in, QY_REPORT_BAD_REALLOC);
	assert_int_equal(qy_ksize(in.mm, &local), 0);
	take_report(&in, QY_REPORT_BAD_REALLOC);
	qy_kfree(in.mm, large);
	qy_kfree(in.mm, large); /* its pages are free again */
	assert_int_equal(in.reports.nr, 1);
	in.reports.nr = 0;
	assert_clean(&in);
	tear_down(NULL);
}

/* kfree takes objects of any cache. */
static void kfree_of_a_cache_object_is_legal(void **state)
{
	struct qy_cache *c;
	struct qy_cache_info info = {.struct_size = sizeof(info)};

	(void)state;
	start("slab_debug=FZPU", QY_CLASSES_KERNEL);
	c = qy_cache_create(in.mm, "any", 70, 0, 0, NULL);
	qy_kfree(in.mm, qy_cache_alloc(c, QY_GFP_KERNEL));
	qy_cache_info(c, &info);
	assert_int_equal(info.live_objects, 0);
	assert_clean(&in);
	tear_down(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
		T(kmalloc_zero_size_is_not_null),
		T(kmalloc_impossible_sizes_are_null),
		T(kmalloc_array_overflow_is_null),
		T(size_roundup_is_what_the_class_gives),
		T(fine_classes_waste_little),
		T(kmalloc_every_size_is_aligned_and_usable),
		T(kmalloc_aligned_is_aligned),
		T(krealloc_in_all_directions_keeps_contents),
		T(krealloc_inside_the_slot_keeps_the_place),
		T(krealloc_zero_clears_what_is_new),
		T(krealloc_zero_of_kzalloc_is_zero_under_all_letters),
		T(krealloc_zero_after_a_shrink_shows_no_stale_bytes),
		T(krealloc_that_fails_changes_nothing),
		T(kfree_of_what_is_no_object_is_reported),
		T(kfree_of_a_cache_object_is_legal),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
