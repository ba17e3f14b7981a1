/* SPDX-License-Identifier: MIT */
/*
 * test_size_class.c - both sets of classes: which sizes exist, how they are aligned, and that each
 * request gets the smallest class that fits.
 */
#include "fixture.h"

#include "kmalloc/size_class.h"
#include "util/align.h"

static void make(enum qy_classes classes)
{
	instance_init(&in, 512);
	in.config.classes = classes;
	instance_create(&in);
}

static size_t gcd_pow2(size_t size)
{
	size_t align = 1;

	while (size % (align * 2) == 0)
		align *= 2;
	return align;
}

static void classes_kernel_are_the_kernels(void **state)
{
	const struct qy__kmalloc_state *st;
	size_t at = 0;

	(void)state;
	make(QY_CLASSES_KERNEL);
	st = in.mm->kmalloc;
	assert_int_equal(st->nr_aligned, 0);
	for (size_t size = 8; size <= 2 * PAGE_BYTES; size *= 2) {
		assert_int_equal(st->classes[at++].size, size);
		if (size == 64)
			assert_int_equal(st->classes[at++].size, 96);
		if (size == 128)
			assert_int_equal(st->classes[at++].size, 192);
	}
	assert_int_equal(st->nr_classes, at);
}

static void classes_fine_waste_at_most_a_fifth(void **state)
{
	const struct qy__kmalloc_state *st;

	(void)state;
	make(QY_CLASSES_FINE);
	st = in.mm->kmalloc;
	for (size_t size = 1; size <= QY__KMALLOC_MAX_CLASS; size++) {
		const struct qy__size_class *sc = qy__size_class(in.mm, size);

		assert_true(sc->size >= size);
		if (size > 128)
			assert_true((sc->size - size) * 5 <= sc->size);
		else
			assert_true(sc->size - size < 16);
		assert_int_equal(sc->align % 16, 0);
	}
	for (unsigned int i = 0; i < st->nr_aligned; i++)
		assert_true(qy__is_pow2(st->classes[st->nr_classes + i].size));
}

/* Every size: the class fits, and the one below does not. */
static void size_class_each_size_gets_the_smallest_that_fits(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		make(kind ? QY_CLASSES_FINE : QY_CLASSES_KERNEL);
		for (size_t size = 1; size <= QY__KMALLOC_MAX_CLASS; size++) {
			const struct qy__size_class *sc = qy__size_class(in.mm, size);

			assert_true(sc->size >= size);
			if (sc != in.mm->kmalloc->classes)
				assert_true(sc[-1].size < size);
			assert_non_null(sc->cache);
			assert_int_equal(sc->cache->layout.object_size, sc->size);
		}
		instance_destroy(&in);
	}
}

/* Powers of two are naturally aligned, other sizes to their largest power-of-two divisor. */
static void classes_kernel_are_naturally_aligned(void **state)
{
	const struct qy__kmalloc_state *st;

	(void)state;
	make(QY_CLASSES_KERNEL);
	st = in.mm->kmalloc;
	for (unsigned int i = 0; i < st->nr_classes; i++)
		if (st->classes[i].cache)
			assert_true(st->classes[i].align >= gcd_pow2(st->classes[i].size));
}

static void aligned_request_gets_a_class_that_is_aligned_enough(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		make(kind ? QY_CLASSES_FINE : QY_CLASSES_KERNEL);
		for (size_t align = 1; align <= 4 * PAGE_BYTES; align *= 2)
			for (size_t size = 0; size <= 3 * PAGE_BYTES; size += size < 300 ? 1 : 97) {
				const struct qy__size_class *sc =
					qy__size_class_aligned(in.mm, size, align);

				if (!sc) {
					assert_true(size > QY__KMALLOC_MAX_CLASS ||
						    align > PAGE_BYTES);
					continue;
				}
				assert_true(sc->size >= size && sc->align >= align);
			}
		assert_null(qy__size_class_aligned(in.mm, SIZE_MAX, 1));
		assert_null(qy__size_class_aligned(in.mm, 1, SIZE_MAX / 2 + 1));
		instance_destroy(&in);
	}
}

/* Names are what a debug string selects by. */
static void class_names_are_the_kernels(void **state)
{
	static const char *const name[] = {"kmalloc-8",	 "kmalloc-96", "kmalloc-192", "kmalloc-512",
					   "kmalloc-1k", "kmalloc-2k", "kmalloc-4k"};
	static const size_t size[] = {8, 96, 192, 512, 1024, 2048, 4096};

	(void)state;
	make(QY_CLASSES_KERNEL);
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		assert_string_equal(qy__size_class(in.mm, size[i])->cache->name, name[i]);
}

/* A block that cannot hold two objects of a class leaves it out; such requests take page blocks. */
static void classes_too_large_for_the_largest_block_are_left_out(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < 3; order++) {
		instance_init(&in, 512);
		in.config.max_order = order;
		in.config.max_order_zero = !order;
		instance_create(&in);
		for (size_t size = 8; size <= 2 * PAGE_BYTES; size *= 2) {
			const struct qy__size_class *sc = qy__size_class(in.mm, size);
			void *p;

			if (sc->size > (PAGE_BYTES << order) / 2)
				assert_null(sc->cache);
			p = qy_kmalloc(in.mm, size, 0);
			assert_int_equal(p != NULL, size <= PAGE_BYTES << order);
			qy_kfree(in.mm, p);
		}
		assert_clean(&in);
		instance_destroy(&in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(classes_kernel_are_the_kernels, tear_down),
		cmocka_unit_test_teardown(classes_fine_waste_at_most_a_fifth, tear_down),
		cmocka_unit_test_teardown(size_class_each_size_gets_the_smallest_that_fits,
					  tear_down),
		cmocka_unit_test_teardown(classes_kernel_are_naturally_aligned, tear_down),
		cmocka_unit_test_teardown(aligned_request_gets_a_class_that_is_aligned_enough,
					  tear_down),
		cmocka_unit_test_teardown(class_names_are_the_kernels, tear_down),
		cmocka_unit_test_teardown(classes_too_large_for_the_largest_block_are_left_out,
					  tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
