/* SPDX-License-Identifier: MIT */
/*
 * test_large_kernel_debug.c - KERNEL classes under debug letters: a power of two above two pages is
 * aligned to itself, so its left red zone would be as large as it is. It has that zone where there
 * is room for it, and does without where not; the right zone is always there.
 */
#include "fixture.h"

#define MAX_ORDER 10
#define LEAST (4 * PAGE_BYTES)
#define MOST                                                                                       \
	(PAGE_BYTES << (MAX_ORDER - 1)) /* the largest that a block holds with its right zone */

static void make(void)
{
	instance_init(&in, 16384);
	in.config.debug = "slab_debug=FZPU";
	in.config.max_order = MAX_ORDER;
	instance_create(&in);
}

static unsigned char *get(size_t size, qy_gfp_t gfp)
{
	unsigned char *p = hide(qy_kmalloc(in.mm, size, gfp));

	if (!p)
		fail_msg("no memory for %zu bytes", size);
	assert_int_equal((uintptr_t)p % size, 0);
	memset(p, 1, size);
	return p;
}

/* The one report there is, of @kind, about @len bytes at @offset of an object of @size. */
static void expect(enum qy_report_kind kind, size_t size, ptrdiff_t offset, size_t len)
{
	if (in.reports.nr != 1 || in.reports.at[0].kind != kind) {
		print_reports(&in.reports);
		fail();
	}
	assert_int_equal(in.reports.at[0].object_size, size);
	assert_int_equal(in.reports.at[0].damage_offset, offset);
	assert_int_equal(in.reports.at[0].damage_len, len);
	in.reports.nr = 0;
}

static void each_power_of_two_is_had_and_watched_behind(void **state)
{
	(void)state;
	make();
	for (size_t size = LEAST; size <= MOST; size *= 2) {
		unsigned char *p = get(size, QY_GFP_KERNEL);

		assert_int_equal(qy_validate(in.mm), 0);
		p[size] = 0;
		qy_kfree(in.mm, p);
		expect(QY_REPORT_OVERFLOW, size, (ptrdiff_t)size, 1);
	}
	assert_clean(&in);
}

static void one_with_room_for_a_left_zone_is_watched_in_front(void **state)
{
	(void)state;
	make();
	for (size_t size = LEAST; size <= MOST / 2; size *= 2) {
		unsigned char *p = get(size, QY_GFP_KERNEL);

		memset(p - 4, 0, 4);
		qy_kfree(in.mm, p);
		expect(QY_REPORT_UNDERWRITE, size, -4, 4);
	}
	assert_clean(&in);
}

/* One free block of twice the object is left: enough without a left zone. */
static void little_memory_is_enough_without_a_left_zone(void **state)
{
	size_t size = MOST / 4;
	unsigned int order = MAX_ORDER - 2;
	struct qy_page *page, *last = NULL;
	unsigned char *p;

	(void)state;
	make();
	for (unsigned int o = MAX_ORDER; o >= order; o--)
		while ((page = qy_alloc_pages(in.mm, QY_GFP_NOWAIT | QY_GFP_NOWARN, o)))
			if (o == MAX_ORDER)
				last = page;
	assert_non_null(last);
	assert_int_equal(qy_free_pages(in.mm, last, MAX_ORDER), 0);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_NOWAIT | QY_GFP_NOWARN, order)))
		last = page;
	assert_int_equal(qy_free_pages(in.mm, last, order), 0);
	p = get(size, QY_GFP_NOWAIT);
	p[size + 1] = 0;
	qy_kfree(in.mm, p);
	expect(QY_REPORT_OVERFLOW, size, (ptrdiff_t)size + 1, 1);
	assert_clean(&in);
}

/* It grows and shrinks where it is, and the zone behind follows. */
static void resized_in_place_keeps_its_right_zone(void **state)
{
	(void)state;
	make();
	for (size_t size = LEAST; size <= MOST; size *= 2) {
		unsigned char *p = get(size, QY_GFP_KERNEL), *q;

		q = hide(qy_krealloc(in.mm, p, size - 100, QY_GFP_KERNEL));
		assert_ptr_equal(q, p);
		q[size - 100] = 0;
		q = hide(qy_krealloc(in.mm, q, size, QY_GFP_KERNEL));
		assert_non_null(q);
		expect(QY_REPORT_OVERFLOW, size - 100, (ptrdiff_t)size - 100, 1);
		qy_kfree(in.mm, q);
		assert_int_equal(in.reports.nr, 0);
	}
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
		T(each_power_of_two_is_had_and_watched_behind),
		T(one_with_room_for_a_left_zone_is_watched_in_front),
		T(little_memory_is_enough_without_a_left_zone),
		T(resized_in_place_keeps_its_right_zone),
#undef T
	};

	if (strcmp(qy_build_debug_letters(), "FZPU") != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
