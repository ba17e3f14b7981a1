/* SPDX-License-Identifier: MIT */
/* test_cma.c - areas that are lent to movable pages, and wanted back. Page blocks of four pages. */
#include "machine.h"

#include <pthread.h>

#include "page/buddy.h"
#include "page/contig.h"

static struct qy_cma *area;

/* An area of @pages at 256. */
static void make_area(uint32_t pages, unsigned int order_per_bit)
{
	make();
	assert_int_equal(
		qy_cma_declare(in.mm, 256, pages, 0, 0, order_per_bit, true, "test", &area), 0);
	map_take(&before, in.mm);
}

static struct qy_cma_stat stat_of(const struct qy_cma *a)
{
	struct qy_cma_stat s = {.struct_size = sizeof(s)};

	assert_int_equal(qy_cma_stat_get(a, &s), 0);
	return s;
}

static uint32_t alloc(uint32_t count, unsigned int align_order)
{
	struct qy_page *page = qy_cma_alloc(area, count, align_order, true);

	return page ? qy_page_pfn(in.mm, page) : 0;
}

static bool release(uint32_t pfn, uint32_t count)
{
	return qy_cma_release(area, qy__pfn_page(in.mm, pfn), count);
}

/* ---- setting aside ---- */

static void refuse(uint32_t base, uint32_t pages, uint32_t limit, uint32_t align,
		   unsigned int order, bool fixed, int err)
{
	struct qy_cma *none = (struct qy_cma *)16;

	assert_int_equal(
		qy_cma_declare(in.mm, base, pages, limit, align, order, fixed, NULL, &none), err);
	assert_ptr_equal(none, (struct qy_cma *)16);
	assert_map(&before, in.mm);
}

static void wrong_sizes_borders_and_alignments_are_einval(void **state)
{
	struct qy_cma *none = NULL;

	(void)state;
	make();
	refuse(0, 0, 0, 0, 0, false, -EINVAL);
	refuse(0, 6, 0, 0, 0, false, -EINVAL); /* no whole page blocks */
	refuse(0, 8, 0, 0, 4, false, -EINVAL); /* half a bit */
	refuse(0, 8, 0, 0, 32, false, -EINVAL);
	refuse(0, 8, 0, 0, UINT32_MAX, false, -EINVAL);
	refuse(0, 8, 0, 3, 0, false, -EINVAL);
	refuse(0, 8, 0, 12, 0, false, -EINVAL);
	refuse(258, 8, 0, 0, 0, true, -EINVAL); /* not on a page block's border */
	refuse(260, 8, 0, 8, 0, true, -EINVAL); /* not on the alignment's */
	refuse(260, 8, 0, 0, 3, true, -EINVAL); /* not on a bit's */
	refuse(256, 8, 263, 0, 0, true, -EINVAL);
	refuse(256, 8, 260, 0, 0, false, -EINVAL);
	refuse(0, 8, 7, 0, 0, false, -EINVAL);
	refuse(508, 8, 0, 0, 0, true, -EINVAL);
	refuse(512, 8, 0, 0, 0, true, -EINVAL);
	refuse(0, 516, 0, 0, 0, false, -EINVAL);
	refuse(UINT32_MAX - 3, 8, 0, 0, 0, true, -EINVAL);
	refuse(0, UINT32_MAX - 3, 0, 0, 0, false, -EINVAL);
	assert_int_equal(qy_cma_declare(in.mm, 0, 8, 0, 0, 0, false, "sixteen letters!", &none),
			 -EINVAL);
	assert_null(none);
	assert_int_equal(qy_cma_declare(in.mm, 0, 8, 0, 0, 0, false, "fifteen letters", &none), 0);
	assert_string_equal(stat_of(none).name, "fifteen letters");
	assert_clean(&in);
}

static void fixed_area_lies_where_it_was_asked_for(void **state)
{
	struct qy_cma_stat s;

	(void)state;
	make_area(16, 1);
	s = stat_of(area);
	assert_string_equal(s.name, "test");
	assert_int_equal(s.base, 256);
	assert_int_equal(s.pages, 16);
	assert_int_equal(s.used, 0);
	assert_int_equal(s.order_per_bit, 1);
	assert_int_equal(s.alloc_success + s.alloc_fail, 0);
	for (uint32_t pfn = 252; pfn < 276; pfn += 4)
		assert_int_equal(qy_page_migratetype(in.mm, qy__pfn_page(in.mm, pfn)),
				 pfn >= 256 && pfn < 272 ? QY_MIGRATE_CMA : QY_MIGRATE_MOVABLE);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_cma, 16);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_cma, 16);
	assert_clean(&in);
}

static void fixed_area_over_pages_in_use_is_ebusy(void **state)
{
	(void)state;
	make();
	assert_int_equal(qy_alloc_contig_range(in.mm, 263, 264, 0), 0);
	map_take(&before, in.mm);
	refuse(256, 16, 0, 0, 0, true, -EBUSY);
	refuse(260, 4, 0, 0, 0, true, -EBUSY);
	/* Another area's pages are nobody's either. */
	assert_int_equal(qy_cma_declare(in.mm, 256, 4, 0, 0, 0, true, NULL, &area), 0);
	map_take(&before, in.mm);
	refuse(252, 8, 0, 0, 0, true, -EBUSY);
	assert_clean(&in);
}

static void fixed_area_over_two_zones_is_einval(void **state)
{
	(void)state;
	init(512);
	in.config.zone_limit[QY_ZONE_DMA] = 256 * PAGE_BYTES;
	create();
	refuse(252, 8, 0, 0, 0, true, -EINVAL);
	assert_int_equal(qy_cma_declare(in.mm, 256, 8, 0, 0, 0, true, NULL, &area), 0);
	/* Anywhere: the highest zone; below a limit: as low as that. */
	assert_int_equal(qy_cma_declare(in.mm, 0, 8, 0, 0, 0, false, NULL, &area), 0);
	assert_int_equal(stat_of(area).base, 264);
	assert_int_equal(qy_cma_declare(in.mm, 0, 8, 256, 0, 0, false, NULL, &area), 0);
	assert_true(stat_of(area).base + 8 <= 256);
	assert_int_equal(in.mm->zone[QY_ZONE_DMA].nr_cma, 8);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_cma, 16);
	assert_clean(&in);
}

static void area_anywhere_keeps_base_limit_and_alignment(void **state)
{
	(void)state;
	make();
	assert_int_equal(qy_cma_declare(in.mm, 301, 12, 0, 0, 0, false, NULL, &area), 0);
	assert_int_equal(stat_of(area).base, 304);
	assert_int_equal(qy_cma_declare(in.mm, 301, 4, 0, 64, 0, false, NULL, &area), 0);
	assert_int_equal(stat_of(area).base, 320);
	assert_int_equal(qy_cma_declare(in.mm, 300, 32, 0, 0, 5, false, NULL, &area), 0);
	assert_int_equal(stat_of(area).base, 352);
	map_take(&before, in.mm);
	refuse(301, 8, 320, 0, 0, false, -ENOMEM);
	assert_int_equal(qy_cma_declare(in.mm, 301, 4, 320, 0, 0, false, NULL, &area), 0);
	assert_int_equal(stat_of(area).base, 316);
	map_take(&before, in.mm);
	refuse(0, 256, 0, 256, 0, false, -ENOMEM);
	assert_clean(&in);
}

static void eight_areas_with_names_of_their_own(void **state)
{
	struct qy_cma *a[8];
	char name[8];

	(void)state;
	make();
	assert_int_equal(qy_alloc_contig_range(in.mm, 401, 402, 0), 0);
	for (int i = 0; i < 8; i++) {
		/* A failure takes no slot. */
		assert_int_equal(qy_cma_declare(in.mm, 400, 4, 0, 0, 0, true, NULL, &a[i]), -EBUSY);
		assert_int_equal(qy_cma_declare(in.mm, 0, 4, 0, 0, 0, false, NULL, &a[i]), 0);
		snprintf(name, sizeof(name), "cma%d", i);
		assert_string_equal(stat_of(a[i]).name, name);
	}
	map_take(&before, in.mm);
	refuse(0, 4, 0, 0, 0, false, -ENOSPC);
	refuse(0, 0, 0, 0, 0, false, -EINVAL);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_cma, 32);
	assert_clean(&in);
}

/* The bitmap has no page: what was taken for the area is what it was. */
static void area_without_room_for_its_map_is_enomem(void **state)
{
	struct qy_page *page;
	uint32_t at = 0;

	(void)state;
	make();
	/* Exactly one page block is free. */
	at = free_run(in.mm, 256, 4, 4);
	assert_int_equal(qy_alloc_contig_range(in.mm, at, at + 4, 0), 0);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_NOWARN, 0)))
		;
	assert_int_equal(qy_free_contig_range(in.mm, at, 4), 0);
	map_take(&before, in.mm);
	refuse(at, 4, 0, 0, 0, true, -ENOMEM);
	refuse(0, 4, 0, 0, 0, false, -ENOMEM);
	assert_clean(&in);
}

static void area_moves_what_lies_there(void **state)
{
	(void)state;
	make();
	for (int i = 0; i < 200; i++)
		assert_non_null(users_add(&users, in.mm, 0, 0));
	for (unsigned int i = 0; i < users.nr; i += 2)
		users_drop(&users, i);
	assert_int_equal(qy_cma_declare(in.mm, 0, 64, 0, 0, 0, false, NULL, &area), 0);
	assert_true(users.moved > 0);
	users_check(&users);
	assert_sound(in.mm);
	users_drop_all(&users);
	assert_clean(&in);
}

/* What was set aside for atomic requests is so no longer; all pages can be lent at once. */
static void area_takes_page_blocks_of_any_type_from_cpus_lists(void **state)
{
	struct qy__zone *zone;
	struct qy_page *page;

	(void)state;
	init(512);
	in.config.pcp = QY_ON;
	in.config.pcp_batch = 8;
	in.config.pcp_high = 64;
	create();
	zone = &in.mm->zone[QY_ZONE_NORMAL];
	qy__lock(&zone->lock);
	assert_true(qy__move_pageblock_locked(in.mm, zone, 260, QY_MIGRATE_HIGHATOMIC));
	zone->nr_reserved_highatomic += 4;
	qy__unlock(&zone->lock);
	page = qy_alloc_pages(in.mm, QY_GFP_MOVABLE, 0);
	assert_int_equal(qy_free_pages(in.mm, page, 0), 0);
	assert_int_equal(qy_cma_declare(in.mm, 256, 12, 0, 0, 0, true, NULL, &area), 0);
	assert_int_equal(zone->nr_reserved_highatomic, 0);
	assert_int_equal(zone->nr_free_cma, 12);
	assert_int_equal(zone->pcp_disabled, 0);
	assert_clean(&in);
}

/* ---- lending ---- */

static void only_movable_pages_are_lent(void **state)
{
	struct qy_page *page;
	unsigned int lent = 0;

	(void)state;
	make_area(64, 0);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_NOWARN, 0))) {
		uint32_t pfn = qy_page_pfn(in.mm, page);

		assert_false(pfn >= 256 && pfn < 320);
	}
	while (users_add(&users, in.mm, 0, 0)) {
		uint32_t pfn = qy_page_pfn(in.mm, users.page[users.nr - 1]);

		assert_true(pfn >= 256 && pfn < 320);
		lent++;
	}
	assert_int_equal(lent, 64);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_cma, 0);
	/* Nowhere to move them to: there is nothing to be had, and nothing is lost. */
	map_take(&before, in.mm);
	assert_int_equal(alloc(1, 0), 0);
	assert_map(&before, in.mm);
	users_drop_all(&users);
	assert_int_equal(alloc(64, 0), 256);
	assert_true(release(256, 64));
	assert_clean(&in);
}

static void plain_runs_do_not_take_from_areas(void **state)
{
	(void)state;
	make_area(16, 0);
	assert_int_equal(qy_alloc_contig_range(in.mm, 255, 257, 0), -EBUSY);
	assert_int_equal(qy_alloc_contig_range(in.mm, 256, 257, 0), -EBUSY);
	assert_int_equal(qy_alloc_contig_range(in.mm, 271, 272, 0), -EBUSY);
	assert_int_equal(qy__alloc_contig(in.mm, 271, 273, 0, QY_MIGRATE_CMA), -EBUSY);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* ---- runs ---- */

static void runs_are_taken_and_released(void **state)
{
	struct qy_cma_stat s;

	(void)state;
	make_area(32, 0);
	assert_int_equal(alloc(5, 0), 256);
	assert_singles(in.mm, 256, 5);
	assert_int_equal(alloc(1, 0), 261);
	assert_int_equal(alloc(8, 3), 264);
	assert_int_equal(alloc(2, 1), 262);
	assert_int_equal(alloc(3, 4), 272);
	assert_int_equal(alloc(16, 0), 0);
	assert_int_equal(alloc(13, 0), 275);
	assert_int_equal(alloc(1, 0), 0);
	s = stat_of(area);
	assert_int_equal(s.used, 32);
	assert_int_equal(s.alloc_success, 6);
	assert_int_equal(s.alloc_fail, 2);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_cma, 0);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_cma, 32);
	assert_sound(in.mm);
	assert_true(release(264, 8));
	assert_int_equal(stat_of(area).used, 24);
	assert_int_equal(alloc(8, 0), 264);
	/* In any parts. */
	assert_true(release(256, 1));
	assert_true(release(300 - 20, 8));
	assert_true(release(257, 23));
	assert_int_equal(stat_of(area).used, 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void alignment_is_that_of_the_page_frame(void **state)
{
	(void)state;
	make();
	assert_int_equal(qy_cma_declare(in.mm, 260, 60, 0, 0, 0, true, NULL, &area), 0);
	assert_int_equal(alloc(1, 4), 272);
	assert_int_equal(alloc(1, 4), 288);
	assert_int_equal(alloc(1, 5), 0); /* 288 is taken, 320 is beyond */
	assert_int_equal(alloc(4, 3), 264);
	assert_int_equal(alloc(1, 31), 0);
	assert_int_equal(alloc(1, 32), 0);
	assert_int_equal(alloc(1, UINT32_MAX), 0);
	assert_int_equal(alloc(1, 2), 260);
	assert_int_equal(stat_of(area).used, 7);
	assert_sound(in.mm);
	assert_clean(&in);
}

/*
 *   bits of four pages   [ 0 ][ 1 ][ 2 ][ 3 ]
 *   five pages            ####  #               the rest of bit 1 stays lent
 */
static void last_bit_of_a_run_is_taken_in_part(void **state)
{
	(void)state;
	make_area(16, 2);
	assert_int_equal(alloc(5, 0), 256);
	assert_int_equal(stat_of(area).used, 8);
	assert_singles(in.mm, 256, 5);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_cma, 11);
	/* A movable page may lie in the rest. */
	assert_int_equal(alloc(9, 0), 0);
	assert_int_equal(alloc(8, 0), 264);
	assert_int_equal(alloc(1, 0), 0);
	while (users_add(&users, in.mm, 0, 0))
		;
	assert_true(user_of(&users, 261) >= 0);
	assert_true(release(256, 5));
	users_check(&users);
	assert_int_equal(stat_of(area).used, 8);
	users_drop(&users, (unsigned int)user_of(&users, 40));
	users_drop(&users, (unsigned int)user_of(&users, 41));
	users_drop(&users, (unsigned int)user_of(&users, 42));
	/* All of the two bits: the borrowers are moved out. */
	assert_int_equal(alloc(8, 0), 256);
	users_check(&users);
	for (uint32_t pfn = 256; pfn < 264; pfn++)
		assert_int_equal(user_of(&users, pfn), -1);
	assert_true(release(256, 8));
	assert_true(release(264, 8));
	users_drop_all(&users);
	assert_int_equal(stat_of(area).used, 0);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_cma, 16);
	assert_clean(&in);
}

/* What lies in the way of the first place does not keep the next from being tried. */
static void place_that_is_busy_is_passed_over(void **state)
{
	uint32_t used;

	(void)state;
	make_area(32, 1);
	while (users_add(&users, in.mm, 0, 0))
		;
	for (unsigned int i = 0; i < users.nr; i++) {
		uint32_t pfn = qy_page_pfn(in.mm, users.page[i]);

		if (pfn != 261 && (pfn < 20 || pfn >= 256))
			users_drop(&users, i);
	}
	used = (uint32_t)in.mm->usage.pages;
	users.refuse = -EAGAIN;
	/* Of the aligned places only the first has the page. */
	assert_int_equal(alloc(8, 3), 264);
	assert_int_equal(stat_of(area).used, 8);
	assert_int_equal(alloc(6, 0), 272);
	assert_int_equal(alloc(4, 0), 256);
	assert_int_equal(stat_of(area).used, 18);
	assert_true(release(264, 8));
	assert_true(release(272, 6));
	assert_true(release(256, 4));
	assert_int_equal(in.mm->usage.pages, used);
	users.refuse = 0;
	assert_int_equal(alloc(8, 3), 256);
	assert_true(release(256, 8));
	users_drop_all(&users);
	assert_clean(&in);
}

/* The one message since the last. */
static struct record take_message(void)
{
	assert_int_equal(in.reports.nomem, 1);
	in.reports.nomem = 0;
	return in.reports.last_nomem;
}

/*
 *   bits of two pages   [ 256 x ][ 258 259 ][ 260 261 ][ 262 …
 *   Expect: three bits from the second on; not from the fourth.
 */
static void next_place_begins_one_bit_later(void **state)
{
	(void)state;
	make_area(32, 1);
	assert_int_equal(qy__alloc_contig(in.mm, 257, 258, 0, QY_MIGRATE_CMA), 0);
	assert_int_equal(alloc(6, 0), 258);
	assert_true(release(258, 6));
	assert_int_equal(alloc(6, 2), 260);
	assert_true(release(260, 6));
	assert_int_equal(stat_of(area).used, 0);
	assert_int_equal(qy_free_contig_range(in.mm, 257, 1), 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* No room to move to is the end, though another place would be free: it is no better later on. */
static void no_room_is_not_tried_elsewhere(void **state)
{
	uint32_t block = 0;

	(void)state;
	make_area(16, 0);
	while (users_add(&users, in.mm, 0, 2))
		;
	while (users_add(&users, in.mm, 0, 0))
		;
	assert_true(user_of(&users, 256) >= 0);
	/* One page is free, the block of four that is in the way cannot go there. */
	block = (uint32_t)user_of(&users, 268);
	users_drop(&users, block);
	assert_non_null(users_add(&users, in.mm, 0, 1));
	assert_int_equal(user_of(&users, 268) >= 0, 1);
	assert_int_equal(user_of(&users, 270), -1);
	assert_int_equal(alloc(2, 0), 0);
	assert_int_equal(stat_of(area).used, 0);
	users_drop(&users, (unsigned int)user_of(&users, 268));
	assert_int_equal(alloc(2, 0), 256);
	users_check(&users);
	assert_sound(in.mm);
}

static void failure_clears_the_bits_and_is_told(void **state)
{
	struct record r;

	(void)state;
	make_area(16, 1);
	assert_int_equal(alloc(4, 0), 256);
	assert_int_equal(alloc(2, 2), 260);
	while (users_add(&users, in.mm, 0, 0))
		;
	map_take(&before, in.mm);
	users.refuse = -EBUSY;
	/* Nowhere to move to comes first; then the hook would refuse. */
	assert_null(qy_cma_alloc(area, 3, 0, false));
	r = take_message();
	assert_string_equal(r.title, "cma: test: alloc failed, req-size: 3 pages, ret: -12");
	assert_string_equal(r.fix, "number of available pages: 10@6=> 10 free of 16 total pages");
	assert_int_equal(stat_of(area).used, 6);
	assert_map(&before, in.mm);
	users_drop(&users, (unsigned int)user_of(&users, 40));
	users_drop(&users, (unsigned int)user_of(&users, 44));
	map_take(&before, in.mm);
	assert_null(qy_cma_alloc(area, 1, 0, false));
	r = take_message();
	assert_string_equal(r.title, "cma: test: alloc failed, req-size: 1 pages, ret: -16");
	assert_int_equal(stat_of(area).used, 6);
	assert_map(&before, in.mm);
	assert_true(release(256, 2));
	assert_null(qy_cma_alloc(area, 17, 0, false));
	r = take_message();
	assert_string_equal(r.title, "cma: test: alloc failed, req-size: 17 pages, ret: -12");
	assert_string_equal(r.fix,
			    "number of available pages: 2@0+10@6=> 12 free of 16 total pages");
	assert_null(qy_cma_alloc(area, UINT32_MAX, 0, true));
	assert_null(qy_cma_alloc(area, 0, 0, false));
	assert_int_equal(in.reports.nomem, 0);
	assert_int_equal(stat_of(area).alloc_fail, 4);
	assert_int_equal(qy_mm_reports(in.mm), 0);
	users.refuse = 0;
	users_drop_all(&users);
	assert_clean(&in);
}

static void release_of_what_is_not_ours_is_false(void **state)
{
	struct qy_cma *other;
	struct qy_page stack;

	(void)state;
	make_area(16, 1);
	assert_int_equal(qy_cma_declare(in.mm, 300, 8, 0, 0, 0, true, NULL, &other), 0);
	assert_int_equal(alloc(6, 0), 256);
	assert_int_equal(qy_page_pfn(in.mm, qy_cma_alloc(other, 8, 0, true)), 300);
	map_take(&before, in.mm);
	assert_false(release(255, 1));
	assert_false(release(255, 2));
	assert_false(release(272, 1));
	assert_false(release(270, 4));
	assert_false(release(256, 17));
	assert_false(release(258, UINT32_MAX));
	assert_false(release(300, 8));
	assert_false(release(256, 0));
	assert_false(qy_cma_release(area, NULL, 1));
	assert_false(qy_cma_release(area, &stack, 1));
	assert_map(&before, in.mm);
	assert_clean(&in);
	/* In the area, but not handed out; or from the middle of a bit on. */
	assert_false(release(262, 2));
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_false(release(260, 4));
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_false(release(257, 1));
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_map(&before, in.mm);
	assert_true(release(256, 6));
	assert_false(release(256, 6));
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(stat_of(area).used, 0);
	assert_int_equal(stat_of(other).used, 8);
	assert_sound(in.mm);
}

static void statistics_of_another_size_are_refused(void **state)
{
	struct qy_cma_stat s = {.struct_size = sizeof(s) - 1, .pages = 77};

	(void)state;
	make_area(4, 0);
	assert_int_equal(qy_cma_stat_get(area, &s), -EINVAL);
	assert_int_equal(s.pages, 77);
	s.struct_size = 0;
	assert_int_equal(qy_cma_stat_get(area, &s), -EINVAL);
}

/* A bitmap of many words: found across their borders, and at the very end. */
static void large_area_of_many_words(void **state)
{
	(void)state;
	make();
	assert_int_equal(qy_cma_declare(in.mm, 200, 200, 0, 0, 0, true, NULL, &area), 0);
	map_take(&before, in.mm);
	assert_int_equal(alloc(63, 0), 200);
	assert_int_equal(alloc(2, 0), 263);
	assert_int_equal(alloc(130, 0), 265);
	assert_int_equal(alloc(6, 0), 0);
	assert_int_equal(alloc(5, 0), 395);
	assert_int_equal(stat_of(area).used, 200);
	assert_true(release(250, 145));
	assert_int_equal(alloc(146, 0), 0);
	assert_int_equal(alloc(145, 0), 250);
	assert_true(release(200, 200));
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* ---- threads ---- */

#define ROUNDS 3000

static void *take_and_release(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;
	struct qy_page *had[4] = {0};
	uint32_t count[4] = {0};

	for (int n = 0; n < ROUNDS; n++) {
		unsigned int i = (seed = seed * 1664525 + 1013904223) >> 24 & 3;

		if (had[i]) {
			unsigned char *p = qy_page_address(in.mm, had[i]);

			for (uint32_t k = 0; k < count[i]; k++)
				assert_int_equal(p[k * PAGE_BYTES], (unsigned char)(uintptr_t)arg);
			assert_true(qy_cma_release(area, had[i], count[i]));
			had[i] = NULL;
			continue;
		}
		count[i] = 1 + (seed >> 16) % 6;
		had[i] = qy_cma_alloc(area, count[i], (seed >> 12) % 3, true);
		if (had[i])
			memset(qy_page_address(in.mm, had[i]), (int)(uintptr_t)arg,
			       count[i] * PAGE_BYTES);
	}
	for (int i = 0; i < 4; i++)
		if (had[i])
			assert_true(qy_cma_release(area, had[i], count[i]));
	return NULL;
}

/* There is room for all of them at any time: nobody's run is in another's way for long. */
static void threads_take_from_one_area(void **state)
{
	pthread_t thread[3];

	(void)state;
	init(512);
	in.config.cpu_provider = QY_CPU_THREAD;
	in.config.pcp = QY_ON;
	create();
	assert_int_equal(qy_cma_declare(in.mm, 256, 128, 0, 0, 0, true, NULL, &area), 0);
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, take_and_release, (void *)(i + 1));
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(stat_of(area).used, 0);
	assert_int_equal(stat_of(area).alloc_fail, 0);
	qy_mm_drain_pages(in.mm);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_cma, 128);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(wrong_sizes_borders_and_alignments_are_einval, tear_down),
		cmocka_unit_test_teardown(fixed_area_lies_where_it_was_asked_for, tear_down),
		cmocka_unit_test_teardown(fixed_area_over_pages_in_use_is_ebusy, tear_down),
		cmocka_unit_test_teardown(fixed_area_over_two_zones_is_einval, tear_down),
		cmocka_unit_test_teardown(area_anywhere_keeps_base_limit_and_alignment, tear_down),
		cmocka_unit_test_teardown(eight_areas_with_names_of_their_own, tear_down),
		cmocka_unit_test_teardown(area_without_room_for_its_map_is_enomem, tear_down),
		cmocka_unit_test_teardown(area_moves_what_lies_there, tear_down),
		cmocka_unit_test_teardown(area_takes_page_blocks_of_any_type_from_cpus_lists,
					  tear_down),
		cmocka_unit_test_teardown(only_movable_pages_are_lent, tear_down),
		cmocka_unit_test_teardown(plain_runs_do_not_take_from_areas, tear_down),
		cmocka_unit_test_teardown(runs_are_taken_and_released, tear_down),
		cmocka_unit_test_teardown(alignment_is_that_of_the_page_frame, tear_down),
		cmocka_unit_test_teardown(last_bit_of_a_run_is_taken_in_part, tear_down),
		cmocka_unit_test_teardown(place_that_is_busy_is_passed_over, tear_down),
		cmocka_unit_test_teardown(next_place_begins_one_bit_later, tear_down),
		cmocka_unit_test_teardown(no_room_is_not_tried_elsewhere, tear_down),
		cmocka_unit_test_teardown(failure_clears_the_bits_and_is_told, tear_down),
		cmocka_unit_test_teardown(release_of_what_is_not_ours_is_false, tear_down),
		cmocka_unit_test_teardown(statistics_of_another_size_are_refused, tear_down),
		cmocka_unit_test_teardown(large_area_of_many_words, tear_down),
		cmocka_unit_test_teardown(threads_take_from_one_area, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
