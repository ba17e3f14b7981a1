/* SPDX-License-Identifier: MIT */
/*
 * test_watermark_ok.c - the test that a request has to pass, at each border, and the boost of a
 * zone's marks.
 *
 * One zone made by hand: nothing but figures and the heads of lists.
 */
#include "instance.h"

#include "page/watermark.h"
#include "util/rng.h"

#define MARK 100u
#define HIGH QY__ALLOC_HIGH
#define NON_BLOCK QY__ALLOC_NON_BLOCK

static struct qy_mm mm;
static struct qy__zone zone;

static void hand_made(uint32_t nr_free)
{
	memset(&mm, 0, sizeof(mm));
	memset(&zone, 0, sizeof(zone));
	mm.zone = &zone;
	mm.nr_nodes = 1;
	mm.max_order = 10;
	mm.pageblock_order = 9;
	memset(zone.area, 0xff, sizeof(zone.area)); /* QY__PFN_NONE everywhere */
	zone.type = QY_ZONE_DMA32;
	zone.managed = 100000;
	zone.nr_free_pages = nr_free;
}

/* A block of @order lies on the list of @type. */
static void put_block(unsigned int order, unsigned int type)
{
	zone.area[order].head[type] = zone.area[order].tail[type] = 0;
}

static void take_block(unsigned int order, unsigned int type)
{
	zone.area[order].head[type] = zone.area[order].tail[type] = QY__PFN_NONE;
}

static bool ok(unsigned int order, uint32_t mark, unsigned int flags)
{
	return qy__zone_watermark_ok(&mm, &zone, order, mark, QY_ZONE_NORMAL, flags);
}

/* @least free pages are enough for a single page, one less is not. */
static void assert_least(uint32_t least, uint32_t mark, unsigned int flags)
{
	zone.nr_free_pages = least;
	assert_true(ok(0, mark, flags));
	zone.nr_free_pages = least - 1;
	assert_false(ok(0, mark, flags));
}

static void ok_equality_is_not_enough(void **state)
{
	(void)state;
	hand_made(0);
	assert_least(MARK + 1, MARK, 0);
	assert_least(1, 0, 0); /* no mark: every page can be had */
	zone.nr_free_pages = UINT32_MAX;
	assert_true(ok(0, UINT32_MAX - 1, 0));
	assert_false(ok(0, UINT32_MAX, 0));
}

static void ok_reserve_is_that_of_the_highest_zone_allowed(void **state)
{
	(void)state;
	hand_made(0);
	zone.lowmem_reserve[QY_ZONE_NORMAL] = 20;
	zone.lowmem_reserve[QY_ZONE_HIGHMEM] = 50;
	for (unsigned int highest = QY_ZONE_DMA32; highest < QY_NR_ZONES; highest++) {
		uint32_t keep = MARK + zone.lowmem_reserve[highest];

		zone.nr_free_pages = keep;
		assert_false(qy__zone_watermark_ok(&mm, &zone, 0, MARK, highest, 0));
		zone.nr_free_pages = keep + 1;
		assert_true(qy__zone_watermark_ok(&mm, &zone, 0, MARK, highest, 0));
	}
	/* Mark and reserve together are more than 32 bits hold. */
	zone.lowmem_reserve[QY_ZONE_NORMAL] = UINT32_MAX;
	zone.nr_free_pages = UINT32_MAX;
	assert_false(ok(0, MARK, 0));
}

static void ok_high_goes_to_a_half_and_without_waiting_to_three_eighths(void **state)
{
	(void)state;
	hand_made(0);
	assert_least(51, MARK, HIGH);
	assert_least(39, MARK, HIGH | NON_BLOCK); /* 50 - 12 */
	assert_least(101, MARK, NON_BLOCK);	  /* alone it says nothing */
	assert_least(21, 39, HIGH);		  /* 39 - 19 */
	assert_least(16, 39, HIGH | NON_BLOCK);	  /* 20 - 5 */
	assert_least(2, 1, HIGH | NON_BLOCK);	  /* of one page nothing is taken off */
	/* The reserve is kept whole. */
	zone.lowmem_reserve[QY_ZONE_NORMAL] = 1000;
	assert_least(1051, MARK, HIGH);
	assert_least(1039, MARK, HIGH | NON_BLOCK);
}

static void ok_no_watermarks_passes_with_nothing_free(void **state)
{
	(void)state;
	hand_made(0);
	zone.lowmem_reserve[QY_ZONE_NORMAL] = 1000;
	assert_false(ok(0, MARK, 0));
	assert_true(ok(0, MARK, QY__ALLOC_NO_WATERMARKS));
	assert_true(ok(10, MARK, QY__ALLOC_NO_WATERMARKS));
}

static void ok_larger_block_must_leave_the_mark_after_it_is_taken(void **state)
{
	(void)state;
	hand_made(0);
	for (unsigned int order = 1; order <= 10; order++) {
		uint32_t least = MARK + (1u << order);

		put_block(order, QY_MIGRATE_UNMOVABLE);
		zone.nr_free_pages = least;
		assert_true(ok(order, MARK, 0));
		zone.nr_free_pages = least - 1;
		assert_false(ok(order, MARK, 0));
		take_block(order, QY_MIGRATE_UNMOVABLE);
	}
	/* Fewer free pages than the block has: no wrap. */
	put_block(10, QY_MIGRATE_UNMOVABLE);
	zone.nr_free_pages = 3;
	assert_false(ok(10, 0, 0));
}

static void ok_larger_block_must_be_there(void **state)
{
	(void)state;
	hand_made(50000);
	assert_true(ok(0, MARK, 0)); /* for one page the count will do */
	assert_false(ok(1, MARK, 0));
	put_block(2, QY_MIGRATE_MOVABLE);
	assert_true(ok(1, MARK, 0)); /* larger: can be split */
	assert_true(ok(2, MARK, 0));
	assert_false(ok(3, MARK, 0));
	take_block(2, QY_MIGRATE_MOVABLE);
	put_block(10, QY_MIGRATE_RECLAIMABLE);
	assert_true(ok(3, MARK, 0));
	assert_true(ok(10, MARK, 0));
	mm.max_order = 9; /* lists above the largest order do not exist */
	assert_false(ok(3, MARK, 0));
}

static void ok_larger_block_must_be_of_a_type_the_request_may_take(void **state)
{
	static const struct {
		unsigned int type, flag;
	} want[] = {
		{QY_MIGRATE_UNMOVABLE, 0},	 {QY_MIGRATE_MOVABLE, 0},
		{QY_MIGRATE_RECLAIMABLE, 0},	 {QY_MIGRATE_HIGHATOMIC, QY__ALLOC_HIGHATOMIC},
		{QY_MIGRATE_CMA, QY__ALLOC_CMA}, {QY_MIGRATE_ISOLATE, ~0u},
	};
	const unsigned int all = QY__ALLOC_HIGHATOMIC | QY__ALLOC_CMA | HIGH | NON_BLOCK;

	(void)state;
	hand_made(50000);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		unsigned int need = want[i].flag;

		put_block(4, want[i].type);
		assert_int_equal(ok(3, MARK, 0), need == 0);
		assert_int_equal(ok(3, MARK, QY__ALLOC_HIGHATOMIC),
				 need == 0 || need == QY__ALLOC_HIGHATOMIC);
		assert_int_equal(ok(3, MARK, QY__ALLOC_CMA), need == 0 || need == QY__ALLOC_CMA);
		assert_int_equal(ok(3, MARK, all), need != ~0u);
		take_block(4, want[i].type);
	}
}

static void ok_pages_the_request_may_not_take_do_not_count(void **state)
{
	(void)state;
	hand_made(0);
	zone.nr_free_cma = 30;
	assert_least(MARK + 31, MARK, 0);
	assert_least(MARK + 1, MARK, QY__ALLOC_CMA);
	assert_least(MARK + 31, MARK, QY__ALLOC_HIGHATOMIC);
	zone.nr_free_highatomic = 7;
	assert_least(MARK + 38, MARK, 0);
	assert_least(MARK + 8, MARK, QY__ALLOC_CMA);
	assert_least(MARK + 31, MARK, QY__ALLOC_HIGHATOMIC);
	assert_least(MARK + 1, MARK, QY__ALLOC_HIGHATOMIC | QY__ALLOC_CMA);
	/* What was set aside and is in use is not free, and not taken off again. */
	zone.nr_reserved_highatomic = 512;
	assert_least(MARK + 38, MARK, 0);
	/* Figures read while they change: no wrap. */
	zone.nr_free_pages = 10;
	assert_false(ok(0, 0, 0));
}

static void random_zone(struct qy__rng *rng)
{
	hand_made(qy__rng_below(rng, 600));
	mm.max_order = qy__rng_below(rng, 11);
	for (unsigned int i = 0; i < 3; i++)
		put_block(qy__rng_below(rng, mm.max_order + 1),
			  qy__rng_below(rng, QY_NR_MIGRATETYPES));
	zone.mark[QY_WMARK_MIN] = qy__rng_below(rng, 300);
	zone.boost = qy__rng_below(rng, 2) * 100;
	zone.lowmem_reserve[QY_ZONE_NORMAL] = qy__rng_below(rng, 2) * qy__rng_below(rng, 100);
	zone.nr_free_cma = qy__rng_below(rng, 2) * qy__rng_below(rng, 100);
	zone.nr_free_highatomic = qy__rng_below(rng, 2) * qy__rng_below(rng, 100);
}

/* B15. What may be had may be had at any lower mark, in any smaller block, with any right more. */
static void ok_is_monotone_in_mark_order_and_rights(void **state)
{
	static const unsigned int right[] = {HIGH, NON_BLOCK, QY__ALLOC_HIGHATOMIC, QY__ALLOC_CMA,
					     QY__ALLOC_NO_WATERMARKS};
	unsigned int passed = 0, refused = 0;
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 15);
	for (int i = 0; i < 20000; i++) {
		unsigned int flags = qy__rng_below(&rng, 128), order;
		uint32_t mark;

		random_zone(&rng);
		order = qy__rng_below(&rng, mm.max_order + 1);
		mark = zone.mark[QY_WMARK_MIN] + zone.boost;
		if (!ok(order, mark, flags)) {
			refused++;
			continue;
		}
		passed++;
		assert_true(ok(order, mark, flags));
		if (mark)
			assert_true(ok(order, mark - 1 - qy__rng_below(&rng, mark), flags));
		if (order)
			assert_true(ok(order - 1, mark, flags));
		for (size_t k = 0; k < ARRAY_SIZE(right); k++)
			assert_true(ok(order, mark, flags | right[k]));
		zone.nr_free_pages++;
		assert_true(ok(order, mark, flags));
	}
	assert_true(passed > 1000 && refused > 1000);
}

static void boost_grows_by_page_blocks_up_to_its_limit(void **state)
{
	const uint32_t expected[] = {512, 1024, 1500, 1500};

	(void)state;
	hand_made(0);
	mm.marks.config.boost_factor = 15000;
	zone.mark[QY_WMARK_HIGH] = 1000;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		qy__boost_watermark(&mm, &zone);
		assert_int_equal(zone.boost, expected[i]);
		assert_int_equal(qy__wmark(&zone, QY_WMARK_HIGH), 1000 + expected[i]);
	}
	qy__boost_decay(&zone);
	assert_int_equal(zone.boost, 0);
	assert_int_equal(qy__wmark(&zone, QY_WMARK_HIGH), 1000);
}

static void boost_is_at_least_a_page_block(void **state)
{
	(void)state;
	hand_made(0);
	mm.marks.config.boost_factor = 1;
	zone.mark[QY_WMARK_HIGH] = 10000;
	for (int i = 0; i < 3; i++) {
		qy__boost_watermark(&mm, &zone);
		assert_int_equal(zone.boost, 512); /* the limit would be 1 */
	}
	/* A limit below one page is none at all. */
	zone.boost = 0;
	zone.mark[QY_WMARK_HIGH] = 9999;
	qy__boost_watermark(&mm, &zone);
	assert_int_equal(zone.boost, 0);
}

static void boost_small_zones_and_no_marks_get_none(void **state)
{
	(void)state;
	hand_made(0);
	mm.marks.config.boost_factor = 15000;
	zone.mark[QY_WMARK_HIGH] = 1000;
	zone.managed = 4 * 512 - 1;
	qy__boost_watermark(&mm, &zone);
	assert_int_equal(zone.boost, 0);
	zone.managed = 4 * 512;
	qy__boost_watermark(&mm, &zone);
	assert_int_equal(zone.boost, 512);
	zone.boost = 0;
	zone.mark[QY_WMARK_HIGH] = 0;
	qy__boost_watermark(&mm, &zone);
	assert_int_equal(zone.boost, 0);
	zone.mark[QY_WMARK_HIGH] = 1000;
	mm.marks.config.boost_factor = QY_NO_RESERVE;
	qy__boost_watermark(&mm, &zone);
	assert_int_equal(zone.boost, 0);
}

/* The largest figures there are: a boosted mark still fits its 32 bits. */
static void boost_largest_figures_do_not_wrap(void **state)
{
	(void)state;
	hand_made(0);
	mm.pageblock_order = 24;
	mm.marks.config.boost_factor = QY_NO_RESERVE - 1;
	zone.managed = UINT32_MAX;
	zone.mark[QY_WMARK_HIGH] = UINT32_C(1) << 31;
	for (int i = 0; i < 1000; i++)
		qy__boost_watermark(&mm, &zone);
	assert_int_equal(zone.boost, UINT32_C(1) << 30);
	assert_true(qy__wmark(&zone, QY_WMARK_HIGH) > UINT32_C(1) << 31);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ok_equality_is_not_enough),
		cmocka_unit_test(ok_reserve_is_that_of_the_highest_zone_allowed),
		cmocka_unit_test(ok_high_goes_to_a_half_and_without_waiting_to_three_eighths),
		cmocka_unit_test(ok_no_watermarks_passes_with_nothing_free),
		cmocka_unit_test(ok_larger_block_must_leave_the_mark_after_it_is_taken),
		cmocka_unit_test(ok_larger_block_must_be_there),
		cmocka_unit_test(ok_larger_block_must_be_of_a_type_the_request_may_take),
		cmocka_unit_test(ok_pages_the_request_may_not_take_do_not_count),
		cmocka_unit_test(ok_is_monotone_in_mark_order_and_rights),
		cmocka_unit_test(boost_grows_by_page_blocks_up_to_its_limit),
		cmocka_unit_test(boost_is_at_least_a_page_block),
		cmocka_unit_test(boost_small_zones_and_no_marks_get_none),
		cmocka_unit_test(boost_largest_figures_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
