/* SPDX-License-Identifier: MIT */
/*
 * test_memblock_limit.c - memblock: limits, names, and the hand-over; each case with what is to be
 * expected.
 */
#include "memblock_machine.h"

#include <errno.h>
#include <string.h>

#include "util/compiler.h"

static struct qy_memblock before;

static int set_up(void **state)
{
	(void)state;
	qy_memblock_init(&mb);
	return 0;
}

/* ---- limits ---- */

static void enforce_memory_limit_cuts_both_sets(void **state)
{
	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_reserve(&mb, 8 * PAGE, 4 * PAGE), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 60 * PAGE, PAGE), 0);
	before = mb;
	assert_int_equal(qy_memblock_enforce_memory_limit(&mb, 0), 0);
	assert_int_equal(qy_memblock_enforce_memory_limit(&mb, 64 * PAGE), 0);
	assert_memory_equal(&mb, &before, sizeof(mb));
	assert_int_equal(qy_memblock_enforce_memory_limit(&mb, 9 * PAGE), 0);
	assert_true(qy_memblock_phys_mem_size(&mb) == 9 * PAGE);
	assert_true(qy_memblock_end_of_DRAM(&mb) == 10 * PAGE);
	assert_true(qy_memblock_reserved_size(&mb) == 2 * PAGE);
}

static void cap_memory_range_keeps_nomap(void **state)
{
	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_mark_nomap(&mb, 2 * PAGE, PAGE), 0);
	assert_int_equal(qy_memblock_mark_nomap(&mb, 15 * PAGE, 4 * PAGE), 0); /* over the edge */
	assert_int_equal(qy_memblock_reserve(&mb, 0, 64 * PAGE), 0);
	/* Which is a matter of memory alone. */
	assert_int_equal(qy_memblock_reserve_node(&mb, 70 * PAGE, PAGE, 0, QY_MEMBLOCK_NOMAP), 0);
	before = mb;
	assert_int_equal(qy_memblock_cap_memory_range(&mb, 0, 0), 0);
	assert_memory_equal(&mb, &before, sizeof(mb));
	assert_int_equal(qy_memblock_cap_memory_range(&mb, 16 * PAGE, 16 * PAGE), 0);
	assert_int_equal(mb.memory.cnt, 4);
	assert_true(mb.memory.regions[0].base == 2 * PAGE && mb.memory.regions[0].size == PAGE);
	assert_true(mb.memory.regions[1].base == 15 * PAGE && mb.memory.regions[1].size == PAGE);
	assert_true(qy_memblock_end_of_DRAM(&mb) == 32 * PAGE);
	assert_int_equal(mb.reserved.cnt, 1);
	assert_true(mb.reserved.regions[0].base == 16 * PAGE &&
		    mb.reserved.regions[0].size == 16 * PAGE);
}

static void mem_limit_remove_map_counts_bytes(void **state)
{
	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_mark_nomap(&mb, 60 * PAGE, PAGE), 0);
	assert_int_equal(qy_memblock_mem_limit_remove_map(&mb, 0), 0);
	assert_int_equal(qy_memblock_mem_limit_remove_map(&mb, 1000 * PAGE), 0);
	assert_true(qy_memblock_phys_mem_size(&mb) == 63 * PAGE);
	assert_int_equal(qy_memblock_mem_limit_remove_map(&mb, 20 * PAGE), 0);
	assert_true(qy_memblock_phys_mem_size(&mb) == 21 * PAGE);
	assert_true(qy_memblock_is_memory(&mb, 60 * PAGE));
	assert_false(qy_memblock_is_memory(&mb, 21 * PAGE));
}

/* Regions shrink one by one, also where they touch; what vanishes is gone. */
static void trim_memory_shrinks_inwards(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1001, 0x2fff, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x4000, 0x1800, 1, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x5800, 0x0900, 2, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x7001, 0x0ffe, 0, 0), 0);
	assert_int_equal(qy_memblock_trim_memory(&mb, 0), -EINVAL);
	assert_int_equal(qy_memblock_trim_memory(&mb, 0x1000), 0);
	assert_int_equal(mb.memory.cnt, 2 + 0);
	assert_true(mb.memory.regions[0].base == 0x2000 && mb.memory.regions[0].size == 0x2000);
	assert_true(mb.memory.regions[1].base == 0x4000 && mb.memory.regions[1].size == 0x1000);
	assert_true(mb.memory.total_size == 0x3000);
	/* Up there rounding would wrap. */
	assert_int_equal(qy_memblock_add(&mb, ~(qy_addr_t)0 - 0x10, 0x10, 0, 0), 0);
	assert_int_equal(qy_memblock_trim_memory(&mb, 0x1000), 0);
	assert_int_equal(mb.memory.cnt, 2);
}

/* ---- names ---- */

static void reserve_named_is_found_and_released(void **state)
{
	qy_addr_t start = 1, size = 1;

	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_reserve_named(&mb, "oops", 2 * PAGE, PAGE), 0);
	assert_int_equal(qy_memblock_reserve_mem(&mb, "0x100:4k:sixteen_letters_"), 0);
	assert_true(qy_memblock_find_named(&mb, "oops", &start, &size));
	assert_true(start == 62 * PAGE && size == 2 * PAGE);
	assert_true(qy_memblock_find_named(&mb, "sixteen_letters_", &start, &size));
	assert_true(start % 4096 == 0 && size == 0x100);
	assert_int_equal(qy_memblock_reserve_named(&mb, "oops", PAGE, 0), -EBUSY);
	assert_int_equal(qy_memblock_release_named(&mb, "oops"), 0);
	assert_int_equal(qy_memblock_release_named(&mb, "oops"), -ENOENT);
	start = size = 1;
	assert_false(qy_memblock_find_named(&mb, "oops", &start, &size));
	assert_true(start == 1 && size == 1);
	assert_true(qy_memblock_find_named(&mb, "sixteen_letters_", &start, &size));
	assert_true(qy_memblock_reserved_size(&mb) == 0x100);
	assert_int_equal(qy_memblock_discard(&mb, 10, NULL, NULL), 0);
	assert_false(qy_memblock_find_named(&mb, "sixteen_letters_", &start, &size));
}

static void reserve_mem_reads_numbers_as_c_does(void **state)
{
	static const struct {
		const char *option;
		qy_addr_t size;
	} good[] = {
		{"0xaF9:64:a", 0xaf9}, {"0X1f:64:b", 0x1f}, {"019:64:x", 0},  {"017:64:c", 017},
		{"19:0x40:d", 19},     {"1k:64:e", 1024},   {"2K:1:f", 2048},
	};
	qy_addr_t start, size;

	(void)state;
	make_machine();
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const char *name = strrchr(good[i].option, ':') + 1;

		assert_int_equal(qy_memblock_reserve_mem(&mb, good[i].option),
				 good[i].size ? 0 : -EINVAL);
		if (!good[i].size)
			continue;
		assert_true(qy_memblock_find_named(&mb, name, &start, &size));
		assert_true(size == good[i].size);
	}
	/* The largest number is one; it only has no place. */
	assert_int_equal(qy_memblock_reserve_mem(&mb, "18446744073709551615:64:z"), -ENOMEM);
	assert_int_equal(qy_memblock_reserve_mem(&mb, "18446744073709551616:64:z"), -EINVAL);
	/* What is released is not found, though its letters are still there. */
	for (char name[2] = "a"; name[0] <= 'f'; name[0]++)
		assert_int_equal(qy_memblock_release_named(&mb, name), 0);
	for (char name[2] = "a"; name[0] <= 'f'; name[0]++)
		assert_false(qy_memblock_find_named(&mb, name, &start, &size));
	assert_true(qy_memblock_reserved_size(&mb) == 0);
}

static void reserve_named_refusals_change_nothing(void **state)
{
	static const char *const bad[] = {
		"",
		"4096",
		":4096:a",
		"4096:4096",
		"4096:4096:",
		"4096:4096:  ",
		"0:4096:a",
		"4096:x:a",
		"40p6:4096:a",
		"4096 4096 a",
		"09:64:a",
		"0x:64:a",
		"4096:64:17_letters_long__",
		"-1:64:a",
		"99999999999999999999:64:a",
		"20000000T:64:a",
	};

	(void)state;
	make_machine();
	before = mb;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(qy_memblock_reserve_mem(&mb, bad[i]), -EINVAL);
	assert_int_equal(qy_memblock_reserve_mem(&mb, "1G:64:a"), -ENOMEM);
	assert_int_equal(qy_memblock_reserve_mem(&mb, "1T:64:a"), -ENOMEM);
	assert_memory_equal(&mb, &before, sizeof(mb));
	for (char name[2] = "a"; name[0] < 'a' + QY_MEMBLOCK_NAMES; name[0]++)
		assert_int_equal(qy_memblock_reserve_named(&mb, name, 16, 0), 0);
	before = mb;
	assert_int_equal(qy_memblock_reserve_named(&mb, "z", 16, 0), -EBUSY);
	assert_memory_equal(&mb, &before, sizeof(mb));
	assert_int_equal(qy_memblock_release_named(&mb, "c"), 0);
	assert_int_equal(qy_memblock_reserve_mem(&mb, "020:1T:z"), -ENOMEM); /* none so aligned */
	assert_int_equal(qy_memblock_reserve_mem(&mb, "020:0:z"), 0);
}

/* ---- the end ---- */

static struct block {
	uint64_t pfn;
	unsigned int order;
} block[64];
static unsigned int nr_blocks;

static void take(void *ctx, uint64_t pfn, unsigned int order)
{
	assert_ptr_equal(ctx, block);
	block[nr_blocks++] = (struct block){pfn, order};
}

static void assert_block(unsigned int i, uint64_t pfn, unsigned int order)
{
	assert_true(block[i].pfn == pfn && block[i].order == order);
}

/*
 *   pages   0 … 5   6 … 17            18 … 31
 *           .       reserved but 6-17 …
 *   Expect: 6-7, 8-15, 16-17 as orders 1, 3, 1; with max order 2 the middle in two.
 */
static void free_all_largest_aligned_blocks(void **state)
{
	uint64_t pages = 0;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 6 * PAGE - 1, 12 * PAGE + 2, 0, 0), 0);
	nr_blocks = 0;
	assert_int_equal(qy_memblock_free_all(&mb, 10, take, block, &pages), 0);
	assert_int_equal(nr_blocks, 3);
	assert_block(0, 6, 1);
	assert_block(1, 8, 3);
	assert_block(2, 16, 1);
	assert_int_equal(pages, 12);
	nr_blocks = 0;
	assert_int_equal(qy_memblock_free_all(&mb, 2, take, block, NULL), 0);
	assert_int_equal(nr_blocks, 4);
	assert_block(1, 8, 2);
	assert_block(2, 12, 2);
}

/* Page 0 has no lowest set bit: its order is the largest that fits. */
static void free_all_from_page_zero(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0, 11 * PAGE, 0, 0), 0);
	nr_blocks = 0;
	assert_int_equal(qy_memblock_free_all(&mb, 99, take, block, NULL), 0);
	assert_int_equal(nr_blocks, 3);
	assert_block(0, 0, 3);
	assert_block(1, 8, 1);
	assert_block(2, 10, 0);
}

static void free_all_spreads_nodes_and_clears_hotplug(void **state)
{
	(void)state;
	make_machine();
	mb.movable_node = true;
	assert_int_equal(qy_memblock_mark_nomap(&mb, 63 * PAGE, PAGE), 0);
	assert_int_equal(qy_memblock_set_node(&mb, &mb.memory, PAGE, PAGE, QY_NO_NODE), 0);
	assert_int_equal(qy_memblock_reserve_node(&mb, 0, 4 * PAGE, 9, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 30 * PAGE, 4 * PAGE), 0);
	nr_blocks = 0;
	assert_int_equal(qy_memblock_free_all(&mb, 10, take, block, NULL), 0);
	/* Node 9 stays where the memory has none, or where there is none. */
	assert_int_equal(mb.reserved.cnt, 4);
	assert_int_equal(mb.reserved.regions[0].nid, 9);
	assert_true(mb.reserved.regions[0].size == 2 * PAGE);
	assert_int_equal(mb.reserved.regions[1].nid, 0);
	assert_int_equal(mb.reserved.regions[2].nid, 0);
	assert_int_equal(mb.reserved.regions[3].nid, 1);
	assert_true(mb.reserved.regions[3].base == 32 * PAGE);
	/* 4-29 and 34-62: what was hot-pluggable is given, what is not mapped is not. */
	for (unsigned int i = 0; i < nr_blocks; i++)
		assert_true(block[i].pfn >= 4 && block[i].pfn + (1u << block[i].order) <= 63);
	assert_block(nr_blocks - 1, 62, 0);
	assert_block(0, 4, 2);
}

static void free_late_gives_the_whole_pages(void **state)
{
	uint64_t pages = 0;

	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_mark_nomap(&mb, 12 * PAGE, PAGE), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 8 * PAGE, 8 * PAGE), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 100 * PAGE, PAGE), 0);
	nr_blocks = 0;
	before = mb;
	assert_int_equal(qy_memblock_free_late(&mb, 7 * PAGE, 2 * PAGE, 10, take, block, &pages),
			 -EINVAL);
	assert_int_equal(qy_memblock_free_late(&mb, 11 * PAGE, 2 * PAGE, 10, take, block, &pages),
			 -EINVAL);
	assert_int_equal(qy_memblock_free_late(&mb, 100 * PAGE, PAGE, 10, take, block, &pages),
			 -EINVAL);
	assert_memory_equal(&mb, &before, sizeof(mb));
	assert_int_equal(
		qy_memblock_free_late(&mb, 9 * PAGE + 1, 2 * PAGE, 10, take, block, &pages), 0);
	assert_int_equal(pages, 1);
	assert_int_equal(nr_blocks, 1);
	assert_block(0, 10, 0);
	assert_false(qy_memblock_is_reserved(&mb, 10 * PAGE));
	assert_int_equal(qy_memblock_free_late(&mb, 8 * PAGE, 0, 10, take, block, &pages), 0);
	assert_int_equal(pages, 0);
	assert_int_equal(qy_memblock_free_late(&mb, 200 * PAGE, 0, 10, take, block, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(enforce_memory_limit_cuts_both_sets, set_up),
		cmocka_unit_test_setup(cap_memory_range_keeps_nomap, set_up),
		cmocka_unit_test_setup(mem_limit_remove_map_counts_bytes, set_up),
		cmocka_unit_test_setup(trim_memory_shrinks_inwards, set_up),
		cmocka_unit_test_setup(reserve_named_is_found_and_released, set_up),
		cmocka_unit_test_setup(reserve_mem_reads_numbers_as_c_does, set_up),
		cmocka_unit_test_setup(reserve_named_refusals_change_nothing, set_up),
		cmocka_unit_test_setup(free_all_largest_aligned_blocks, set_up),
		cmocka_unit_test_setup(free_all_from_page_zero, set_up),
		cmocka_unit_test_setup(free_all_spreads_nodes_and_clears_hotplug, set_up),
		cmocka_unit_test_setup(free_late_gives_the_whole_pages, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
