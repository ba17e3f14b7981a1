/* SPDX-License-Identifier: MIT */
/*
 * test_report_free.c - memory of free blocks goes back to the system: by itself when there is too
 * much of it, or when it is asked for. What the system really has is read with mincore().
 */
#include "damage.h"
#include "fixture.h"
#include "os_stand_in.h"

#include <sys/mman.h>

#include "page/page_alloc.h"
#include "page/report_free.h"

#define SPAN_PAGES 8192u
#define BLOCK 6u /* order of a page block: below it nothing is reported by itself */
#define BLOCK_PAGES (1u << BLOCK)

static struct qy_page *held[SPAN_PAGES];

static struct qy__osif_ops watching;
static const struct qy__osif_ops *real;
static unsigned int discards;
static bool refuse;

static size_t watch_discard(struct qy__osif *os, void *addr, size_t len)
{
	discards++;
	return refuse ? 0 : real->discard(os, addr, len);
}

static void prepare(size_t blocks_kept)
{
	refuse = false;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = SPAN_PAGES * PAGE_BYTES;
	in.config.initial = in.config.size; /* nothing comes in later, told or not */
	in.config.max_order = 8;
	in.config.pageblock_order = BLOCK;
	in.config.pcp = QY_OFF;
	in.config.report_free = blocks_kept * BLOCK_PAGES * PAGE_BYTES;
}

/* All that is free is the system's; what becomes free from now on is counted. */
static void make(void)
{
	instance_create(&in);
	qy_mm_trim(in.mm);
	real = qy__osif_ops(&in.mm->os);
	watching = *real;
	watching.discard = watch_discard;
	os_stand_in(in.mm, &watching);
	discards = 0;
}

static struct qy__zone *zone(void)
{
	return &in.mm->zone[QY_ZONE_NORMAL];
}

/* Pages of the block that the system backs. */
static size_t resident(const struct qy_page *page, unsigned int order)
{
	static unsigned char vec[SPAN_PAGES * (QY_PAGE_SIZE / 4096)];
	size_t small = PAGE_BYTES / (size_t)4096 << order, n = 0;

	assert_int_equal(mincore(qy_page_address(in.mm, page), PAGE_BYTES << order, vec), 0);
	for (size_t i = 0; i < small; i++)
		n += vec[i] & 1;
	return n;
}

static struct qy_page *take(unsigned int order)
{
	struct qy_page *page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, order);

	assert_non_null(page);
	assert_int_equal(qy__page_flags(page), 0);
	memset(qy_page_address(in.mm, page), 0x77, PAGE_BYTES << order);
	assert_true(resident(page, order) > 0);
	return page;
}

static void give(struct qy_page *page, unsigned int order)
{
	assert_int_equal(qy_free_pages(in.mm, page, order), 0);
	assert_clean(&in); /* the counter, and the marks */
}

static bool is_reported(const struct qy_page *page)
{
	return page->type == QY__PAGE_BUDDY && (qy__page_flags(page) & QY__PAGE_F_REPORTED);
}

/* The head of the free block that @page is in. */
static struct qy_page *block_of(struct qy_page *page)
{
	while (page->type == QY__PAGE_INSIDE)
		page--;
	assert_int_equal(page->type, QY__PAGE_BUDDY);
	return page;
}

/* Afterwards a small request splits a large block. */
static void use_up_small_blocks(void)
{
	struct qy_page_stats s = {.struct_size = sizeof(s)};
	unsigned int order;

	do {
		qy_page_stats(in.mm, &s);
		for (order = 0; order < BLOCK && !s.nr_free[order];)
			order++;
	} while (order < BLOCK && take(order));
}

static void report_free_off_keeps_all(void **state)
{
	struct qy_page *page;

	(void)state;
	prepare(0);
	make();
	page = take(8);
	give(page, 8);
	assert_int_equal(discards, 0);
	assert_int_equal(resident(page, 8), PAGE_BYTES / (size_t)4096 << 8);
	assert_false(is_reported(block_of(page)));
}

/* Two blocks may stay; the third is one too many, and all three go. */
static void report_free_above_the_limit_gives_all_large_blocks(void **state)
{
	struct qy_page *page[8];

	(void)state;
	prepare(2);
	in.config.max_order = BLOCK; /* they do not merge */
	make();
	for (int i = 0; i < 8; i++)
		page[i] = take(BLOCK);
	assert_int_equal(zone()->unreported, 0);
	give(page[0], BLOCK);
	give(page[2], BLOCK);
	assert_int_equal(discards, 0);
	assert_int_equal(zone()->unreported, 2 * BLOCK_PAGES);
	assert_int_equal(resident(page[0], BLOCK), PAGE_BYTES / (size_t)4096 << BLOCK);
	give(page[4], BLOCK);
	assert_int_equal(discards, 3);
	assert_int_equal(zone()->unreported, 0);
	for (int i = 0; i <= 4; i += 2) {
		assert_int_equal(resident(page[i], BLOCK), 0);
		assert_true(is_reported(page[i]));
	}
	/* Those that were told are not told again. */
	give(page[1], BLOCK);
	give(page[3], BLOCK);
	assert_int_equal(discards, 3);
	give(page[5], BLOCK);
	assert_int_equal(discards, 6);
}

static void reported_block_that_is_used_is_told_again(void **state)
{
	struct qy_page *page;

	(void)state;
	prepare(0);
	in.config.max_order = BLOCK;
	in.config.report_free = 1;
	in.config.grouping = QY_OFF;
	make();
	page = take(BLOCK);
	give(page, BLOCK);
	assert_int_equal(discards, 1);
	assert_true(is_reported(page));
	assert_ptr_equal(take(BLOCK), page); /* its mark is gone, too */
	assert_int_equal(zone()->unreported, 0);
	give(page, BLOCK);
	assert_int_equal(discards, 2);
	assert_int_equal(resident(page, BLOCK), 0);
	/* A part of one is used: what is left is small, the whole is told when it is whole. */
	use_up_small_blocks();
	page = take(2);
	assert_int_equal(block_of(page + 4)->order, 2);
	assert_clean(&in);
	assert_int_equal(discards, 2);
	give(page, 2);
	assert_int_equal(discards, 3);
	assert_int_equal(resident(page, 2), 0);
}

/* A block that was told becomes part of a larger one that was not: that one is told. */
static void reported_block_loses_its_mark_when_it_merges(void **state)
{
	struct qy_page *page[4];
	struct qy_page *head;

	(void)state;
	prepare(1);
	make();
	head = take(8);
	assert_int_equal(qy_split_page(in.mm, head, 8), 0);
	for (unsigned int i = 0; i < 4; i++) {
		page[i] = head + i * BLOCK_PAGES;
		for (unsigned int k = 1; k < BLOCK_PAGES; k++)
			assert_int_equal(qy_free_pages(in.mm, page[i] + k, 0), 0);
	}
	assert_int_equal(discards, 0);
	give(page[0], 0);
	give(page[3], 0); /* two of them */
	assert_int_equal(discards, 2);
	assert_true(is_reported(page[0]) && is_reported(page[3]));
	give(page[1], 0);
	/* [0 1] of order 7: 128 pages are one block too many. */
	assert_true(is_reported(page[0]) && page[0]->order == BLOCK + 1);
	assert_int_equal(discards, 3);
	give(page[2], 0);
	assert_int_equal(block_of(page[2])->order, 8);
	assert_true(is_reported(block_of(page[2])));
	assert_int_equal(zone()->unreported, 0);
	assert_int_equal(resident(head, 8), 0);
}

/* Single pages that come back by the CPU's lists make large blocks, too. */
static void report_free_counts_what_page_lists_give_back(void **state)
{
	unsigned int nr = 0;

	(void)state;
	prepare(2);
	in.config.pcp = QY_ON;
	in.config.pcp_batch = 8;
	in.config.pcp_high = 16;
	make();
	while (nr < 1024)
		held[nr++] = take(0);
	assert_int_equal(discards, 0);
	while (nr)
		assert_int_equal(qy_free_pages(in.mm, held[--nr], 0), 0);
	assert_true(discards > 0);
	assert_true(zone()->unreported <= 2 * BLOCK_PAGES);
	assert_clean(&in);
}

static void report_free_refused_by_the_system_leaves_no_mark(void **state)
{
	struct qy_page *page;

	(void)state;
	prepare(0);
	in.config.max_order = BLOCK;
	in.config.report_free = 1;
	make();
	page = take(BLOCK);
	refuse = true;
	give(page, BLOCK);
	assert_int_equal(discards, 1);
	assert_false(is_reported(page));
	assert_int_equal(zone()->unreported, BLOCK_PAGES);
	refuse = false;
	assert_true(qy_mm_trim(in.mm) >= BLOCK_PAGES * PAGE_BYTES);
	assert_true(is_reported(page));
	assert_clean(&in);
}

/* Free memory that must hold poison is not given away: it would read as zero. */
static void poisoned_memory_is_never_given_back(void **state)
{
	struct qy_page *page;

	(void)state;
	prepare(0);
	in.config.report_free = 1;
	in.config.page_debug = QY_PAGE_POISON;
	make();
	page = take(8);
	give(page, 8);
	assert_int_equal(qy_mm_trim(in.mm), 0);
	assert_int_equal(discards, 0);
	assert_int_equal(*(unsigned char *)qy_page_address(in.mm, page), 0xaa);
}

/* Each free page, in blocks of any size and on any list: the system has it all afterwards. */
static void trim_gives_back_all_that_is_free(void **state)
{
	unsigned int nr = 0;
	size_t bytes, kept = 0;

	(void)state;
	prepare(0);
	in.config.pcp = QY_ON;
	make();
	while (nr < 1000)
		held[nr++] = take(0);
	for (unsigned int i = 0; i < nr; i++)
		if (i % 3)
			assert_int_equal(qy_free_pages(in.mm, held[i], 0), 0);
	bytes = qy_mm_trim(in.mm);
	assert_true(bytes >= 600 * PAGE_BYTES);
	assert_clean(&in);
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(resident(held[i], 0) > 0, i % 3 == 0);
		kept += i % 3 == 0;
		if (i % 3 == 0)
			assert_int_equal(*(char *)qy_page_address(in.mm, held[i]), 0x77);
	}
	assert_int_equal(kept, 334);
	for (unsigned int i = 0; i < nr; i += 3)
		assert_int_equal(qy_free_pages(in.mm, held[i], 0), 0);
	assert_true(qy_mm_trim(in.mm) >= 334 * PAGE_BYTES);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(resident(held[i], 0), 0);
	/* Of large blocks nothing is left to give. */
	discards = 0;
	bytes = qy_mm_trim(in.mm);
	assert_true(bytes < BLOCK_PAGES * PAGE_BYTES * QY_NR_MIGRATETYPES);
	assert_clean(&in);
}

static void trim_of_an_arena_gives_nothing(void **state)
{
	struct qy_page *page;

	(void)state;
	instance_init(&in, 512);
	in.config.report_free = 1;
	in.config.pageblock_order = 3;
	instance_create(&in);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 5);
	memset(qy_page_address(in.mm, page), 0x77, PAGE_BYTES << 5);
	assert_int_equal(qy_free_pages(in.mm, page, 5), 0);
	assert_int_equal(qy_mm_trim(in.mm), 0);
	assert_int_equal(((char *)qy_page_address(in.mm, page))[1], 0x77);
	assert_clean(&in);
}

/* B5, B1: the counter of what was not told, and a mark where there can be none. */
static void check_marks_and_counter(void **state)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	struct qy_page *page;

	(void)state;
	prepare(1);
	make();
	assert_clean(&in);
	zone()->unreported++;
	qy_check(in.mm, QY_CHECK_BUDDY, &r);
	assert_true(has_violation(&r, "B5"));
	zone()->unreported--;
	page = find_block(in.mm, QY__PAGE_BUDDY, BLOCK, NULL);
	assert_true(is_reported(page));
	qy__page_set_flags(page, 0);
	qy_check(in.mm, QY_CHECK_BUDDY, &r);
	assert_true(has_violation(&r, "B5"));
	qy__page_set_flags(page, QY__PAGE_F_REPORTED);
	assert_clean(&in);
	/* A small block has no mark. */
	take(0);
	page = find_block(in.mm, QY__PAGE_BUDDY, 0, NULL);
	while (page && page->order >= BLOCK)
		page = find_block(in.mm, QY__PAGE_BUDDY, 0, page);
	assert_non_null(page);
	qy__page_set_flags(page, QY__PAGE_F_REPORTED);
	qy_check(in.mm, QY_CHECK_BUDDY, &r);
	assert_true(has_violation(&r, "B1"));
	qy__page_set_flags(page, 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(report_free_off_keeps_all, tear_down),
		cmocka_unit_test_teardown(report_free_above_the_limit_gives_all_large_blocks,
					  tear_down),
		cmocka_unit_test_teardown(reported_block_that_is_used_is_told_again, tear_down),
		cmocka_unit_test_teardown(reported_block_loses_its_mark_when_it_merges, tear_down),
		cmocka_unit_test_teardown(report_free_counts_what_page_lists_give_back, tear_down),
		cmocka_unit_test_teardown(report_free_refused_by_the_system_leaves_no_mark,
					  tear_down),
		cmocka_unit_test_teardown(poisoned_memory_is_never_given_back, tear_down),
		cmocka_unit_test_teardown(trim_gives_back_all_that_is_free, tear_down),
		cmocka_unit_test_teardown(trim_of_an_arena_gives_nothing, tear_down),
		cmocka_unit_test_teardown(check_marks_and_counter, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
