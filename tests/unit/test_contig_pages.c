/* SPDX-License-Identifier: MIT */
/* test_contig_pages.c - where a run is looked for, and how runs are given back. */
#include "machine.h"

static struct qy_page *run(uint32_t nr)
{
	return qy_alloc_contig_pages(in.mm, nr, 0, 0);
}

/* ---- where ---- */

static void run_is_the_lowest_that_fits(void **state)
{
	(void)state;
	make();
	for (uint32_t nr = 1; nr <= 300; nr += 1 + nr / 8) {
		uint32_t align = nr & (nr - 1) ? 1 : nr;
		struct qy_page *page = run(nr);
		uint32_t pfn;

		if (nr >= 256 && align > 1) {
			assert_null(page);
			continue;
		}
		assert_non_null(page);
		pfn = qy_page_pfn(in.mm, page);
		assert_int_equal(pfn % align, 0);
		assert_singles(in.mm, pfn, nr);
		assert_sound(in.mm);
		give(pfn, nr);
		assert_map(&before, in.mm);
		assert_int_equal(pfn, free_run(in.mm, in.mm->min_pfn, nr, align));
	}
	assert_clean(&in);
}

static void run_that_is_not_there_is_null(void **state)
{
	(void)state;
	make();
	assert_null(run(0));
	assert_null(run(512));
	assert_null(run(511));
	assert_null(run(513));
	assert_null(run(UINT32_MAX));
	assert_null(run(UINT32_MAX - 5));
	assert_null(run(1u << 31));
	assert_null(qy_alloc_contig_pages(in.mm, 1, 0, 1));
	assert_null(qy_alloc_contig_pages(in.mm, 1, 0, UINT32_MAX));
	assert_null(qy_alloc_contig_pages(in.mm, 1, QY_GFP_DMA, 0));
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/*
 *   [ in use ] … 100 free … [x] … 30 free … [x] … 60 free …
 *   Expect: 100 pages and 60 are found, the ones between are stepped over.
 */
static void pages_in_use_are_stepped_over(void **state)
{
	uint32_t at, x, y;

	(void)state;
	make();
	at = free_run(in.mm, in.mm->min_pfn, 200, 1);
	x = at + 100;
	y = x + 31;
	assert_int_equal(qy_alloc_contig_range(in.mm, x, x + 1, 0), 0);
	assert_int_equal(qy_alloc_contig_range(in.mm, y, y + 1, 0), 0);
	assert_int_equal(qy_page_pfn(in.mm, run(99)), at);
	assert_int_equal(qy_page_pfn(in.mm, run(60)), y + 1);
	assert_int_equal(qy_page_pfn(in.mm, run(29)), x + 1);
	assert_int_equal(qy_page_pfn(in.mm, run(1)), at + 99);
	assert_sound(in.mm);
	give(at, 100);
	give(x, 1);
	give(x + 1, 29);
	give(y, 1);
	give(y + 1, 60);
	assert_map(&before, in.mm);
	assert_int_equal(users.moved + users.unknown, 0);
	assert_clean(&in);
}

static void movable_blocks_give_way(void **state)
{
	struct qy_page *page;
	unsigned int kept = 0;

	(void)state;
	make();
	while (users_add(&users, in.mm, 0, kept % 3))
		kept++;
	for (unsigned int i = 0; i < users.nr; i += 2)
		users_drop(&users, i);
	page = run(64);
	assert_non_null(page);
	assert_true(users.moved > 0);
	users_check(&users);
	assert_singles(in.mm, qy_page_pfn(in.mm, page), 64);
	assert_sound(in.mm);
	give(qy_page_pfn(in.mm, page), 64);
	users_drop_all(&users);
	assert_int_equal(in.mm->usage.pages, before.in_use);
	assert_clean(&in);
}

/* The program keeps all that it has: of all pages only the two are free. */
static void movable_blocks_that_stay_are_stepped_over(void **state)
{
	uint32_t pfn;

	(void)state;
	make();
	while (users_add(&users, in.mm, 0, 0))
		;
	users.refuse = -EAGAIN;
	assert_null(run(1));
	pfn = qy_page_pfn(in.mm, users.page[users.nr / 2]) | 3;
	users_drop(&users, (unsigned int)user_of(&users, pfn));
	users_drop(&users, (unsigned int)user_of(&users, pfn + 1));
	assert_null(run(2)); /* two, but at no multiple of two */
	assert_null(run(3));
	assert_int_equal(qy_page_pfn(in.mm, run(1)), pfn);
	assert_int_equal(qy_page_pfn(in.mm, run(1)), pfn + 1);
	users_check(&users);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_isolate, 0);
	assert_clean(&in);
}

/* Two nodes of two zones: the node's own first, none below what is asked for, none of the other. */
static void zones_of_the_list_are_tried_in_order(void **state)
{
	static const size_t limit[2] = {256 * PAGE_BYTES, 512 * PAGE_BYTES};
	struct qy_page *page;

	(void)state;
	init(512);
	in.config.nr_nodes = 2;
	in.config.node_limit = limit;
	in.config.zone_limit[QY_ZONE_DMA] = 128 * PAGE_BYTES;
	create();
	page = qy_alloc_contig_pages(in.mm, 8, 0, 1);
	assert_int_equal(qy_page_node(in.mm, page), 1);
	give(qy_page_pfn(in.mm, page), 8);
	page = qy_alloc_contig_pages(in.mm, 8, 0, 0);
	assert_int_equal(qy_page_node(in.mm, page), 0);
	assert_int_equal(qy_page_zone(in.mm, page), QY_ZONE_NORMAL);
	give(qy_page_pfn(in.mm, page), 8);
	page = qy_alloc_contig_pages(in.mm, 8, QY_GFP_DMA, 1);
	assert_int_equal(qy_page_zone(in.mm, page), QY_ZONE_DMA);
	give(qy_page_pfn(in.mm, page), 8);
	/* 200 pages: only the other node has them in one zone. */
	page = qy_alloc_contig_pages(in.mm, 200, 0, 0);
	assert_int_equal(qy_page_node(in.mm, page), 1);
	assert_null(qy_alloc_contig_pages(in.mm, 200, 0, 0));
	give(qy_page_pfn(in.mm, page), 200);
	assert_null(qy_alloc_contig_pages(in.mm, 200, QY_GFP_THISNODE, 0));
	assert_null(qy_alloc_contig_pages(in.mm, 8, QY_GFP_DMA | QY_GFP_THISNODE, 1));
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void run_is_zeroed_if_asked(void **state)
{
	unsigned char *p;
	uint32_t pfn;

	(void)state;
	make();
	p = qy_page_address(in.mm, run(16));
	memset(p, 0xff, 16 * PAGE_BYTES);
	pfn = qy_page_pfn(in.mm, qy_page_of(in.mm, p));
	give(pfn, 16);
	assert_ptr_equal(qy_page_address(in.mm, qy_alloc_contig_pages(in.mm, 16, QY_GFP_ZERO, 0)),
			 p);
	for (size_t i = 0; i < 16 * PAGE_BYTES; i++)
		assert_int_equal(p[i], 0);
	give(pfn, 16);
	assert_map(&before, in.mm);
}

/* ---- back ---- */

static void free_of_nothing_changes_nothing(void **state)
{
	(void)state;
	make();
	give(100, 0);
	give(UINT32_MAX, 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* A page that is free already is told; the others go all the same. */
static void free_tells_bad_pages_and_frees_the_others(void **state)
{
	uint32_t pfn;

	(void)state;
	make();
	pfn = qy_page_pfn(in.mm, run(10));
	give(pfn + 3, 1);
	assert_int_equal(qy_free_contig_range(in.mm, pfn, 10), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_map(&before, in.mm);
	/* The head of a larger block is not a single page, nor what is behind it. */
	pfn = qy_page_pfn(in.mm, qy_alloc_pages(in.mm, 0, 1));
	assert_int_equal(qy_free_contig_range(in.mm, pfn, 2), -EINVAL);
	assert_int_equal(in.reports.nr, 2);
	assert_int_equal(in.reports.at[0].kind, QY_REPORT_PAGE_ORDER);
	assert_int_equal(in.reports.at[1].kind, QY_REPORT_BAD_PAGE_FREE);
	in.reports.nr = 0;
	assert_int_equal(qy_free_pages(in.mm, qy__pfn_page(in.mm, pfn), 1), 0);
	assert_map(&before, in.mm);
	/* What does not exist is told once. */
	assert_int_equal(qy_free_contig_range(in.mm, 512, UINT32_MAX), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_contig_range(in.mm, UINT32_MAX, UINT32_MAX), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_alloc_contig_range(in.mm, 510, 512, 0), 0);
	assert_int_equal(qy_free_contig_range(in.mm, 510, 1000), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_map(&before, in.mm);
}

static void free_counts_pages_that_others_hold(void **state)
{
	struct record r;
	uint32_t pfn;

	(void)state;
	make();
	pfn = qy_page_pfn(in.mm, run(10));
	for (uint32_t i = 2; i < 5; i++)
		assert_int_equal(qy_page_get(in.mm, qy__pfn_page(in.mm, pfn + i)), 2);
	assert_int_equal(qy_free_contig_range(in.mm, pfn, 10), 0);
	r = take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_string_equal(r.title, "3 pages are still in use!");
	assert_int_equal(in.mm->usage.pages, before.in_use + 3);
	for (uint32_t i = 2; i < 5; i++)
		assert_int_equal(qy_page_put(in.mm, qy__pfn_page(in.mm, pfn + i)), 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(run_is_the_lowest_that_fits, tear_down),
		cmocka_unit_test_teardown(run_that_is_not_there_is_null, tear_down),
		cmocka_unit_test_teardown(pages_in_use_are_stepped_over, tear_down),
		cmocka_unit_test_teardown(movable_blocks_give_way, tear_down),
		cmocka_unit_test_teardown(movable_blocks_that_stay_are_stepped_over, tear_down),
		cmocka_unit_test_teardown(zones_of_the_list_are_tried_in_order, tear_down),
		cmocka_unit_test_teardown(run_is_zeroed_if_asked, tear_down),
		cmocka_unit_test_teardown(free_of_nothing_changes_nothing, tear_down),
		cmocka_unit_test_teardown(free_tells_bad_pages_and_frees_the_others, tear_down),
		cmocka_unit_test_teardown(free_counts_pages_that_others_hold, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
