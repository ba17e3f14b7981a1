/* SPDX-License-Identifier: MIT */
/*
 * test_pcp.c - per-CPU page lists: batches, the high mark, what goes back first, draining, and that
 * no page is out of reach on another CPU's list.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "page/page_alloc.h"
#include "page/pcp.h"

static void make(unsigned int cpus, unsigned int batch, unsigned int high)
{
	instance_init(&in, 512);
	in.config.nr_cpus = cpus;
	in.config.pcp = QY_ON;
	in.config.pcp_batch = batch;
	in.config.pcp_high = high;
	instance_create(&in);
	qy_mm_drain_pages(in.mm);
}

static struct qy__zone *zone(void)
{
	return &in.mm->zone[QY_ZONE_NORMAL];
}

static const struct qy__pcp *pcp(unsigned int cpu)
{
	return &zone()->pcp[cpu];
}

static struct qy_page *take(unsigned int order)
{
	return qy_alloc_pages(in.mm, QY_GFP_NOWARN, order);
}

static void give(struct qy_page *page, unsigned int order)
{
	assert_int_equal(qy_free_pages(in.mm, page, order), 0);
}

static void a_batch_comes_at_once(void **state)
{
	uint32_t before;
	struct qy_page *page;

	(void)state;
	make(1, 4, 16);
	before = zone()->nr_free_pages;
	page = take(0);
	assert_int_equal(zone()->nr_free_pages, before - 4);
	assert_int_equal(pcp(0)->count, 3);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(take(0), page + i + 1); /* cut from one block, in order */
	assert_int_equal(pcp(0)->count, 0);
	assert_int_equal(zone()->nr_free_pages, before - 4);
	assert_clean(&in);
}

static void larger_orders_take_fewer(void **state)
{
	uint32_t before;

	(void)state;
	make(1, 8, 64);
	for (unsigned int order = 1; order < 4; order++) {
		uint32_t n = 8 >> order > 2 ? 8 >> order : 2;

		before = zone()->nr_free_pages;
		give(take(order), order);
		assert_int_equal(zone()->nr_free_pages, before - (n << order));
		qy_mm_drain_pages(in.mm);
		assert_int_equal(zone()->nr_free_pages, before);
	}
	before = zone()->nr_free_pages;
	give(take(4), 4); /* not for lists */
	assert_int_equal(zone()->nr_free_pages, before);
	assert_int_equal(pcp(0)->count, 0);
	assert_clean(&in);
}

static void what_came_last_goes_first(void **state)
{
	struct qy_page *page[6];

	(void)state;
	make(1, 4, 16);
	for (int i = 0; i < 6; i++)
		page[i] = take(0);
	for (int i = 0; i < 6; i++)
		give(page[i], 0);
	for (int i = 6; i-- > 0;)
		assert_ptr_equal(take(0), page[i]);
	assert_clean(&in);
}

/* At the high mark a batch of the coldest goes back; the more frees in a row, the more. */
static void too_many_send_the_coldest_back(void **state)
{
	struct qy_page *page[40];
	uint32_t free;

	(void)state;
	make(1, 2, 12);
	for (int i = 0; i < 40; i++)
		page[i] = take(0);
	qy_mm_drain_pages(in.mm);
	free = zone()->nr_free_pages;
	for (int i = 0; i < 11; i++)
		give(page[i], 0);
	assert_int_equal(pcp(0)->count, 11);
	give(page[11], 0);
	assert_int_equal(pcp(0)->count, 10); /* 12 is the mark, 2 a batch */
	assert_int_equal(zone()->nr_free_pages, free + 2);
	for (int i = 0; i < 12; i++)
		assert_int_equal(page[i]->type == QY__PAGE_PCP, i >= 2);
	give(page[12], 0);
	give(page[13], 0);
	assert_int_equal(pcp(0)->count, 8); /* twice a batch */
	for (int i = 14; i < 18; i++)
		give(page[i], 0);
	assert_int_equal(pcp(0)->count, 4); /* four times */
	for (int i = 18; i < 26; i++)
		give(page[i], 0);
	assert_int_equal(pcp(0)->count, 2); /* high - batch is the most */
	assert_clean(&in);
}

static void cpus_have_lists_of_their_own(void **state)
{
	struct qy_page *page;

	(void)state;
	make(2, 4, 16);
	page = take(0);
	qy_mm_set_cpu(in.mm, 1);
	assert_int_equal(pcp(1)->count, 0);
	give(page, 0);
	assert_int_equal(pcp(0)->count, 3);
	assert_int_equal(pcp(1)->count, 1);
	assert_ptr_equal(take(0), page);
	assert_clean(&in);
}

/* The last page of all lies on the other CPU's list: it is fetched before a request fails. */
static void nothing_is_out_of_reach(void **state)
{
	struct qy_page *page, *last = NULL;
	unsigned int n = 0;

	(void)state;
	make(2, 4, 16);
	while ((page = take(0))) {
		last = page;
		n++;
	}
	assert_int_equal(qy__nr_free_pages(in.mm), 0);
	give(last, 0);
	qy_mm_set_cpu(in.mm, 1);
	assert_ptr_equal(take(0), last);
	assert_null(take(0));
	/* A pair whose halves lie on two CPUs' lists. */
	give(last, 0);
	qy_mm_set_cpu(in.mm, 0);
	give(qy__pfn_page(in.mm, qy__page_pfn(in.mm, last) ^ 1), 0);
	assert_non_null(take(1));
	assert_clean(&in);
	assert_true(n > 300);
}

static void drained_lists_are_empty_and_pages_merge(void **state)
{
	struct qy_page_stats before = {.struct_size = sizeof(before)}, after = before;
	struct qy_page *page[30];

	(void)state;
	make(2, 4, 20);
	qy_page_stats(in.mm, &before);
	for (int i = 0; i < 30; i++) {
		qy_mm_set_cpu(in.mm, (unsigned int)i & 1);
		page[i] = take((unsigned int)i % 3);
	}
	for (int i = 0; i < 30; i++) {
		qy_mm_set_cpu(in.mm, (unsigned int)i >> 1 & 1);
		give(page[i], (unsigned int)i % 3);
	}
	qy_page_stats(in.mm, &after);
	assert_int_equal(after.free, before.free); /* pages on lists are free */
	assert_sound(in.mm);
	assert_true(qy_mm_drain_pages(in.mm) > 0);
	assert_int_equal(qy_mm_drain_pages(in.mm), 0);
	qy_page_stats(in.mm, &after);
	assert_memory_equal(after.nr_free, before.nr_free, sizeof(after.nr_free));
	assert_clean(&in);
}

static void disabled_lists_hold_nothing(void **state)
{
	struct qy_page *page;

	(void)state;
	make(1, 4, 16);
	page = take(0);
	qy__zone_pcp_disable(in.mm, zone());
	qy__zone_pcp_disable(in.mm, zone());
	assert_int_equal(pcp(0)->count, 0);
	give(page, 0);
	assert_int_equal(pcp(0)->count, 0);
	give(take(1), 1);
	assert_int_equal(pcp(0)->count, 0);
	qy__zone_pcp_enable(in.mm, zone());
	give(take(0), 0);
	assert_int_equal(pcp(0)->count, 0);
	qy__zone_pcp_enable(in.mm, zone());
	give(take(0), 0);
	assert_int_equal(pcp(0)->count, 4);
	assert_clean(&in);
}

static void a_page_on_a_list_is_not_freed_again(void **state)
{
	struct qy_page *page, *pair;

	(void)state;
	make(1, 4, 16);
	page = take(0);
	pair = take(1);
	give(page, 0);
	give(pair, 1);
	assert_int_equal(qy_free_pages(in.mm, page, 0), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages(in.mm, pair, 1), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages(in.mm, pair + 1, 0), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_clean(&in);
}

static void figures_come_from_the_formulas(void **state)
{
	(void)state;
	instance_init(&in, 512);
	in.config.pcp = QY_ON;
	instance_create(&in);
	assert_int_equal(zone()->pcp_batch, 1);
	assert_int_equal(zone()->pcp_high, 4);
	assert_clean(&in);
	instance_destroy(&in);
	instance_init(&in, 512); /* an arena has none unless told so */
	instance_create(&in);
	assert_null(zone()->pcp);
	assert_int_equal(qy_mm_drain_pages(in.mm), 0);
	assert_clean(&in);
	instance_destroy(&in);
	in.mm = NULL;
	in.config.pcp = QY_ON;
	in.config.pcp_batch = 8;
	in.config.pcp_high = 7;
	errno = 0;
	assert_null(qy_mm_create(&in.config));
	assert_int_equal(errno, EINVAL);
}

/* References: the block goes with the last one. */
static void references_keep_a_block(void **state)
{
	struct qy_page *page;
	uint32_t free;

	(void)state;
	make(1, 1, 4);
	free = (uint32_t)qy__nr_free_pages(in.mm);
	page = take(0);
	assert_int_equal(qy_page_get(in.mm, page), 2);
	give(page, 0);
	assert_int_equal(qy__nr_free_pages(in.mm), free - 1);
	assert_int_equal(qy_page_put(in.mm, page), 0);
	assert_int_equal(qy__nr_free_pages(in.mm), free);
	assert_int_equal(qy_page_put(in.mm, page), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_page_get(in.mm, page), -EINVAL);
	/* Not compound: all but the head goes at once, the head with the last reference. */
	page = take(3);
	qy_page_get(in.mm, page);
	give(page, 3);
	assert_int_equal(qy__nr_free_pages(in.mm), free - 1);
	assert_sound(in.mm);
	assert_int_equal(qy_page_put(in.mm, page), 0);
	assert_int_equal(qy__nr_free_pages(in.mm), free);
	/* Compound: nothing goes before. */
	page = qy_alloc_pages(in.mm, QY_GFP_COMP, 3);
	qy_page_get(in.mm, page);
	give(page, 3);
	assert_int_equal(qy__nr_free_pages(in.mm), free - 8);
	assert_int_equal(qy_page_put(in.mm, page), 0);
	assert_int_equal(qy__nr_free_pages(in.mm), free);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown(f, tear_down)
		T(a_batch_comes_at_once),
		T(larger_orders_take_fewer),
		T(what_came_last_goes_first),
		T(too_many_send_the_coldest_back),
		T(cpus_have_lists_of_their_own),
		T(nothing_is_out_of_reach),
		T(drained_lists_are_empty_and_pages_merge),
		T(disabled_lists_hold_nothing),
		T(a_page_on_a_list_is_not_freed_again),
		T(figures_come_from_the_formulas),
		T(references_keep_a_block),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
