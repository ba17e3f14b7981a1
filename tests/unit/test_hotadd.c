/* SPDX-License-Identifier: MIT */
/*
 * test_hotadd.c - memory that comes in later: by qy_mm_add_memory(), by need, up to orders of
 * gigabytes; and all that has to follow it: zones, page blocks, marks, lists, holes, shuffling.
 */
#include "damage.h"
#include "fixture.h"
#include "os_stand_in.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "page/page_alloc.h"
#include "page/zone.h"

#define SECTION_PAGES 2048u /* what an instance begins with, at least */

/* @pages of span, of which some hold the books; blocks of at most 256 pages. */
static void prepare(size_t pages)
{
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = pages * PAGE_BYTES;
	in.config.max_order = 8;
	in.config.initial = SECTION_PAGES * PAGE_BYTES;
}

static void add(size_t pages)
{
	uint32_t end = in.mm->end_pfn;

	assert_int_equal(qy_mm_add_memory(in.mm, pages * PAGE_BYTES), 0);
	assert_int_equal(in.mm->end_pfn, end + pages);
	assert_clean(&in);
}

static size_t managed(void)
{
	struct qy_page_stats s = {.struct_size = sizeof(s)};

	qy_page_stats(in.mm, &s);
	return s.managed;
}

/* ---- qy_mm_add_memory() ---- */

static void add_memory_brings_in_just_that_many_pages(void **state)
{
	size_t before;

	(void)state;
	prepare(8192);
	instance_create(&in);
	assert_int_equal(in.mm->end_pfn, SECTION_PAGES);
	before = managed();
	add(1);
	add(255);
	add(256);
	add(3);
	add(1000);
	assert_int_equal(managed(), before + 1515);
	assert_int_equal(qy_mm_add_memory(in.mm, 1), 0); /* a part of a page is a page */
	assert_int_equal(managed(), before + 1516);
	assert_int_equal(qy_mm_add_memory(in.mm, 0), 0);
	assert_int_equal(managed(), before + 1516);
	memset(qy__pfn_addr(in.mm, in.mm->end_pfn - 1), 1, PAGE_BYTES);
	assert_clean(&in);
}

static void add_memory_up_to_the_last_page_and_no_further(void **state)
{
	uint32_t left;

	(void)state;
	prepare(4096);
	instance_create(&in);
	left = in.mm->max_pfn - in.mm->end_pfn;
	assert_int_equal(qy_mm_add_memory(in.mm, (left + 1) * PAGE_BYTES), -ENOMEM);
	assert_int_equal(qy_mm_add_memory(in.mm, SIZE_MAX), -ENOMEM);
	assert_int_equal(qy_mm_add_memory(in.mm, SIZE_MAX - PAGE_BYTES), -ENOMEM);
	assert_int_equal(qy_mm_add_memory(in.mm, (size_t)1 << 50), -ENOMEM);
	assert_int_equal(in.mm->end_pfn, SECTION_PAGES);
	add(left);
	assert_int_equal(in.mm->end_pfn, in.mm->max_pfn);
	assert_int_equal(qy_mm_add_memory(in.mm, 1), -ENOMEM);
	assert_int_equal(qy_mm_add_memory(in.mm, 0), 0);
	while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0))
		;
	assert_clean(&in);
}

static void add_memory_to_an_arena_gives_enomem(void **state)
{
	(void)state;
	instance_make(&in, 256, NULL);
	assert_int_equal(qy_mm_add_memory(in.mm, PAGE_BYTES), -ENOMEM);
	assert_int_equal(qy_mm_add_memory(in.mm, 0), 0);
	assert_clean(&in);
}

/* ---- the system refuses ---- */

static struct qy__osif_ops failing;
static const struct qy__osif_ops *working;
static int commits_left;

static int commit_until(struct qy__osif *os, void *addr, size_t len)
{
	return commits_left-- > 0 ? working->commit(os, addr, len) : -ENOMEM;
}

/* The n-th of the parts that are brought in together fails, for each n. */
static void growth_refused_in_any_part_changes_nothing(void **state)
{
	struct qy_page_stats before = {.struct_size = sizeof(before)}, after = before;
	struct qy_page *page;
	int n;

	(void)state;
	prepare(8192);
	instance_create(&in);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_NOWAIT | QY_GFP_NOMEMALLOC, 8)) &&
	       in.mm->end_pfn == SECTION_PAGES)
		;
	working = qy__osif_ops(&in.mm->os);
	failing = *working;
	failing.commit = commit_until;
	for (n = 0; n < 20; n++) {
		uint32_t end = in.mm->end_pfn;
		int err;

		qy_page_stats(in.mm, &before);
		os_stand_in(in.mm, &failing);
		commits_left = n;
		err = qy_mm_add_memory(in.mm, 300 * PAGE_BYTES);
		os_stand_in(in.mm, NULL);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(in.mm->end_pfn, end);
		qy_page_stats(in.mm, &after);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_clean(&in);
	}
	assert_in_range(n, 3, 4); /* descriptors, live bits, page blocks, pages */
	assert_clean(&in);
	/* By need: everything is used, then nothing, one block, and the rest can be had. */
	os_stand_in(in.mm, &failing);
	commits_left = 0;
	while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0))
		;
	qy_page_stats(in.mm, &after);
	assert_int_equal(after.free, 0);
	assert_int_equal(in.reports.nomem, 0);
	assert_clean(&in);
	os_stand_in(in.mm, NULL);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 3));
	assert_clean(&in);
}

/* A large step is refused, a small one is not: then that is taken. */
static int commit_small(struct qy__osif *os, void *addr, size_t len)
{
	return len <= 64 * PAGE_BYTES ? working->commit(os, addr, len) : -ENOMEM;
}

static void growth_by_need_takes_the_least_if_more_is_refused(void **state)
{
	uint32_t end;

	(void)state;
	prepare(8192);
	instance_create(&in);
	working = qy__osif_ops(&in.mm->os);
	failing = *working;
	failing.commit = commit_small;
	while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT | QY_GFP_THISNODE, 0) &&
	       qy__nr_free_pages(in.mm))
		;
	end = in.mm->end_pfn;
	os_stand_in(in.mm, &failing);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 5));
	assert_int_equal(in.mm->end_pfn, (end + 31) / 32 * 32 + 32);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 7));
	assert_clean(&in);
	os_stand_in(in.mm, NULL);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 7));
	assert_clean(&in);
}

/* The real thing, in a process of its own: its limit of data is what it has and a little. */
static void growth_beyond_the_limit_of_the_process_gives_enomem(void **state)
{
	struct rlimit limit = {.rlim_cur = 4 << 20, .rlim_max = 4 << 20};
	int status;
	pid_t pid;

	(void)state;
	prepare(1 << 16);
	instance_create(&in);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		uint32_t end = in.mm->end_pfn;

		if (setrlimit(RLIMIT_DATA, &limit))
			_exit(0);
		if (qy_mm_add_memory(in.mm, (size_t)64 << 20) != -ENOMEM || in.mm->end_pfn != end)
			_exit(1);
		if (qy_check(in.mm, QY_CHECK_ALL, NULL))
			_exit(2);
		while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0))
			;
		_exit(qy_check(in.mm, QY_CHECK_ALL, NULL) ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- holes and zones ---- */

/* A hole that the first section ends in, one in the next, and one larger than a step. */
static void growth_leaves_holes_out(void **state)
{
	static const struct qy_range hole[4] = {
		{2040 * PAGE_BYTES, 2060 * PAGE_BYTES},
		{2500 * PAGE_BYTES + 5, 2501 * PAGE_BYTES + 5},
		{3001 * PAGE_BYTES, 7999 * PAGE_BYTES},
		{8300 * PAGE_BYTES, (size_t)1 << 40}, /* all that is left */
	};
	struct qy_page *page;
	size_t present = 0;

	(void)state;
	for (int by_need = 0; by_need < 2; by_need++) {
		prepare(1 << 14);
		in.config.hole = hole;
		in.config.nr_holes = 4;
		in.config.grouping = by_need ? QY_ON : QY_OFF;
		in.config.early_allocator = by_need ? QY_EARLY_BOOTMEM : QY_EARLY_MEMBLOCK;
		instance_create(&in);
		assert_clean(&in);
		while (!by_need && in.mm->end_pfn < 8500)
			add(in.mm->end_pfn % 2 ? 700 : 333);
		while ((page = qy_alloc_pages(in.mm, QY_GFP_NOWAIT, by_need))) {
			uint32_t pfn = qy__page_pfn(in.mm, page);

			for (int i = 0; i < 4; i++)
				assert_true(pfn + (1u << by_need) <= hole[i].start / PAGE_BYTES ||
					    pfn * PAGE_BYTES >= hole[i].end);
			memset(qy_page_address(in.mm, page), 1, PAGE_BYTES << by_need);
		}
		present = in.mm->zone[QY_ZONE_NORMAL].present;
		assert_int_equal(present, 8300 - 20 - 2 - 4998);
		assert_int_equal(in.mm->end_pfn, in.mm->max_pfn);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void growth_fills_zones_one_after_the_other(void **state)
{
	static const uint32_t border[] = {2051, 4097, 6150};
	struct qy_page *page;

	(void)state;
	prepare(1 << 13);
	for (int z = 0; z < 3; z++)
		in.config.zone_limit[z] = border[z] * PAGE_BYTES;
	instance_create(&in);
	assert_int_equal(in.mm->zone[QY_ZONE_DMA].present, SECTION_PAGES);
	/* DMA asks for no more than is its own; who can use HIGHMEM goes on to the end. */
	while ((page = qy_alloc_pages(in.mm, QY_GFP_DMA | QY_GFP_NOWAIT, 0)))
		assert_int_equal(qy_page_zone(in.mm, page), QY_ZONE_DMA);
	assert_int_equal(in.mm->zone[QY_ZONE_DMA].present, 2051);
	assert_clean(&in);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 1)))
		assert_in_range(qy_page_zone(in.mm, page), QY_ZONE_DMA32, QY_ZONE_NORMAL);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].present, 6150 - 4097);
	assert_clean(&in);
	while (qy_alloc_pages(in.mm, QY_GFP_HIGHUSER | QY_GFP_NOWARN, 0))
		;
	assert_int_equal(in.mm->end_pfn, in.mm->max_pfn);
	assert_int_equal(in.mm->zone[QY_ZONE_HIGHMEM].present, in.mm->max_pfn - 6150);
	assert_int_equal(qy__nr_free_pages(in.mm), 0);
	assert_clean(&in);
}

/* ---- page blocks ---- */

/* A block that was there in part: later pages are of its type, and merge with what is free. */
static void growth_completes_a_page_block(void **state)
{
	const struct qy_page *page;

	(void)state;
	prepare(8192);
	in.config.grouping = QY_ON;
	in.config.pageblock_order = 6;
	instance_create(&in);
	add(13);
	assert_int_equal(qy_page_migratetype(in.mm, qy__pfn_page(in.mm, 2048)), QY_MIGRATE_MOVABLE);
	add(1);
	add(50);
	add(64);
	page = qy__pfn_page(in.mm, 2048);
	assert_int_equal(page->type, QY__PAGE_BUDDY);
	assert_int_equal(page->order, 7);
	for (uint32_t pfn = 2048; pfn < in.mm->end_pfn; pfn++)
		assert_int_equal(qy_page_migratetype(in.mm, qy__pfn_page(in.mm, pfn)),
				 QY_MIGRATE_MOVABLE);
	/* Part of a block that somebody has is taken as it is. */
	add(5);
	while (qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 0) && qy__nr_free_pages(in.mm))
		;
	add(59);
	add(64);
	assert_clean(&in);
}

/* Every cut of what comes in gives one and the same structure in the end. */
static void growth_in_any_steps_gives_the_same_blocks(void **state)
{
	static const uint32_t step[] = {1, 7, 64, 100, 255, 256, 257, 2000};
	struct qy_page_stats first = {.struct_size = sizeof(first)}, s = first;

	(void)state;
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		prepare(8192);
		in.config.grouping = QY_ON;
		instance_create(&in);
		while (in.mm->end_pfn < 4048) {
			uint32_t pages = min(step[i], 4048 - in.mm->end_pfn);

			assert_int_equal(qy_mm_add_memory(in.mm, pages * PAGE_BYTES), 0);
		}
		qy_page_stats(in.mm, i ? &s : &first);
		if (i)
			assert_memory_equal(s.nr_free, first.nr_free, sizeof(s.nr_free));
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* ---- marks, lists, order ---- */

/* In two steps or in one: the figures are those of what is there. */
static void growth_computes_marks_and_lists_anew(void **state)
{
	struct qy_zone_stat st[2][3];

	(void)state;
	for (int way = 0; way < 2; way++) {
		prepare(1 << 15);
		in.config.watermark.marks = QY_WATERMARKS_KERNEL;
		in.config.pcp = QY_ON;
		in.config.nr_cpus = 2;
		in.config.zone_limit[QY_ZONE_DMA] = 4096 * PAGE_BYTES;
		in.config.initial = (way ? 20000 : SECTION_PAGES) * PAGE_BYTES;
		in.config.zone_limit[QY_ZONE_DMA32] = 9000 * PAGE_BYTES;
		instance_create(&in);
		if (!way) {
			struct qy_zone_stat small = {.struct_size = sizeof(small)};

			assert_int_equal(qy_zone_stat_get(in.mm, 0, QY_ZONE_NORMAL, &small), 0);
			assert_int_equal(small.mark[QY_WMARK_HIGH], 0);
			add(10000);
			add(7952);
		}
		for (int z = 0; z < 3; z++) {
			st[way][z].struct_size = sizeof(st[way][z]);
			assert_int_equal(
				qy_zone_stat_get(in.mm, 0, (enum qy_zone_type)z, &st[way][z]), 0);
		}
		instance_destroy(&in);
	}
	for (int z = 0; z < 3; z++) {
		assert_int_equal(st[0][z].managed, st[1][z].managed);
		assert_memory_equal(st[0][z].mark, st[1][z].mark, sizeof(st[0][z].mark));
		assert_memory_equal(st[0][z].lowmem_reserve, st[1][z].lowmem_reserve,
				    sizeof(st[0][z].lowmem_reserve));
		assert_int_equal(st[0][z].pcp_batch, st[1][z].pcp_batch);
		assert_int_equal(st[0][z].pcp_high, st[1][z].pcp_high);
		assert_true(st[0][z].mark[QY_WMARK_MIN] && st[0][z].pcp_high);
	}
	assert_true(st[0][QY_ZONE_DMA].lowmem_reserve[QY_ZONE_NORMAL] > 0);
}

/* With marks, a request that finds a zone at its mark brings in more instead of going below. */
static void growth_comes_before_the_reserves(void **state)
{
	uint32_t end;

	(void)state;
	prepare(1 << 14);
	in.config.watermark.marks = QY_WATERMARKS_KERNEL;
	instance_create(&in);
	end = in.mm->end_pfn;
	while (in.mm->end_pfn == end) {
		const struct qy__zone *zone = &in.mm->zone[QY_ZONE_NORMAL];
		uint32_t low = zone->mark[QY_WMARK_LOW], left = zone->nr_free_pages;

		assert_non_null(qy_alloc_pages(in.mm, QY_GFP_ATOMIC, 0));
		assert_true(in.mm->end_pfn > end || left > low);
	}
	assert_clean(&in);
}

/* The largest blocks that came in, in the order in which they would be handed out. */
static unsigned int list_order(bool shuffle, uint32_t *pfn, unsigned int most)
{
	unsigned int nr = 0;

	prepare(1 << 15);
	in.config.shuffle = shuffle;
	in.config.grouping = QY_OFF;
	in.config.seed = 5;
	in.config.max_order = 4;
	instance_create(&in);
	while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0) && qy__nr_free_pages(in.mm))
		;
	add(100 * 16);
	for (uint32_t at = in.mm->zone[QY_ZONE_NORMAL].area[4].head[0];
	     at != QY__PFN_NONE && nr < most; at = qy__pfn_page(in.mm, at)->next)
		pfn[nr++] = at;
	instance_destroy(&in);
	return nr;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void growth_is_shuffled(void **state)
{
	static uint32_t plain[200], mixed[200], again[200];
	unsigned int nr = list_order(false, plain, 200), moved = 0;

	(void)state;
	assert_true(nr >= 99);
	assert_int_equal(list_order(true, mixed, 200), nr);
	assert_int_equal(list_order(true, again, 200), nr);
	assert_memory_equal(mixed, again, nr * sizeof(mixed[0]));
	/* Freed to head or tail alone, they would fall to the middle and rise from there. */
	for (unsigned int i = 2; i < nr; i++)
		moved += (mixed[i] > mixed[i - 1]) != (mixed[i - 1] > mixed[i - 2]);
	assert_true(moved > nr / 4);
	qsort(plain, nr, sizeof(plain[0]), by_number);
	qsort(mixed, nr, sizeof(mixed[0]), by_number);
	assert_memory_equal(mixed, plain, nr * sizeof(mixed[0]));
}

/* ---- large blocks ---- */

/* 16 MiB in one block of order 12, and what an arena of that size has for a start. */
static void order_12_in_16_mib(void **state)
{
	const unsigned int order = 24 - QY_PAGE_SHIFT;
	struct qy_page *page;

	(void)state;
	if (order > QY_CONFIG_MAX_ORDER_LIMIT)
		skip();
	instance_init(&in, (size_t)1 << order);
	in.config.max_order = order;
	instance_create(&in);
	assert_int_equal(qy_mm_max_order(in.mm), order);
	/* The books are at the start: the upper half is one block, the whole is not to be had. */
	page = qy__pfn_page(in.mm, 1u << (order - 1));
	assert_int_equal(page->type, QY__PAGE_BUDDY);
	assert_int_equal(page->order, order - 1);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, order));
	assert_ptr_equal(qy_alloc_pages(in.mm, QY_GFP_KERNEL, order - 1), page);
	assert_clean(&in);
	instance_destroy(&in);

	prepare((size_t)4 << order);
	in.config.max_order = order;
	instance_create(&in);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, order);
	assert_non_null(page);
	assert_int_equal(qy_page_pfn(in.mm, page) & ((1u << order) - 1), 0);
	assert_int_equal((uintptr_t)qy_page_address(in.mm, page) & (((size_t)16 << 20) - 1), 0);
	assert_clean(&in);
	assert_int_equal(qy_free_pages(in.mm, page, order), 0);
	assert_clean(&in);
}

/* Nine pages take a block of sixteen; the exact call gives seven of them back. */
static void nine_pages_take_order_4(void **state)
{
	size_t before;
	void *p;

	(void)state;
	instance_make(&in, 256, NULL);
	before = qy__nr_free_pages(in.mm);
	p = qy_get_free_pages(in.mm, QY_GFP_KERNEL, 4);
	assert_int_equal(before - qy__nr_free_pages(in.mm), 16);
	assert_int_equal(qy_free_pages_addr(in.mm, p, 4), 0);
	p = qy_alloc_pages_exact(in.mm, QY_GFP_KERNEL, 9 * PAGE_BYTES);
	assert_int_equal(before - qy__nr_free_pages(in.mm), 9);
	assert_int_equal(((char *)p - (char *)qy_mm_base(in.mm)) % (16 * PAGE_BYTES), 0);
	assert_int_equal(qy_free_pages_exact(in.mm, p, 9 * PAGE_BYTES), 0);
	assert_int_equal(qy__nr_free_pages(in.mm), before);
	assert_clean(&in);
}

/* 16 GiB of addresses; of the blocks only the first and the last byte is ever touched. */
static void high_orders_of_a_reserved_span(void **state)
{
	struct qy_page *page[32] = {NULL};
	unsigned int got = 0;

	(void)state;
	if (QY_CONFIG_MAX_ORDER_LIMIT < 20)
		skip();
	prepare(0);
	in.config.size = (size_t)16 << 30;
	in.config.max_order = 20;
	instance_try(&in);
	if (!in.mm || in.mm->max_pfn < 3u << 20)
		skip();
	for (unsigned int order = 11; order <= qy_mm_max_order(in.mm); order++) {
		char *p;

		page[order] = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, order);
		if (!page[order]) /* the system gives no more */
			continue;
		got++;
		p = qy_page_address(in.mm, page[order]);
		p[0] = p[(PAGE_BYTES << order) - 1] = (char)order;
		assert_int_equal(qy_page_pfn(in.mm, page[order]) & ((1u << order) - 1), 0);
	}
	assert_true(got >= 5);
	assert_clean(&in);
	for (unsigned int order = 11; order <= qy_mm_max_order(in.mm); order++) {
		const char *p = page[order] ? qy_page_address(in.mm, page[order]) : NULL;

		if (!p)
			continue;
		assert_int_equal(p[0], order);
		assert_int_equal(p[(PAGE_BYTES << order) - 1], order);
		assert_int_equal(qy_free_pages(in.mm, page[order], order), 0);
	}
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(add_memory_brings_in_just_that_many_pages, tear_down),
		cmocka_unit_test_teardown(add_memory_up_to_the_last_page_and_no_further, tear_down),
		cmocka_unit_test_teardown(add_memory_to_an_arena_gives_enomem, tear_down),
		cmocka_unit_test_teardown(growth_refused_in_any_part_changes_nothing, tear_down),
		cmocka_unit_test_teardown(growth_by_need_takes_the_least_if_more_is_refused,
					  tear_down),
		cmocka_unit_test_teardown(growth_beyond_the_limit_of_the_process_gives_enomem,
					  tear_down),
		cmocka_unit_test_teardown(growth_leaves_holes_out, tear_down),
		cmocka_unit_test_teardown(growth_fills_zones_one_after_the_other, tear_down),
		cmocka_unit_test_teardown(growth_completes_a_page_block, tear_down),
		cmocka_unit_test_teardown(growth_in_any_steps_gives_the_same_blocks, tear_down),
		cmocka_unit_test_teardown(growth_computes_marks_and_lists_anew, tear_down),
		cmocka_unit_test_teardown(growth_comes_before_the_reserves, tear_down),
		cmocka_unit_test_teardown(growth_is_shuffled, tear_down),
		cmocka_unit_test_teardown(order_12_in_16_mib, tear_down),
		cmocka_unit_test_teardown(nine_pages_take_order_4, tear_down),
		cmocka_unit_test_teardown(high_orders_of_a_reserved_span, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
