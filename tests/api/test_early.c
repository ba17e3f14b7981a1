/* SPDX-License-Identifier: MIT */
/*
 * test_early.c - memblock on its own, as a map of a machine's memory; with a picture for each case.
 */
#include "instance.h"

#include <errno.h>

static struct qy_memblock mb;

static int set_up(void **state)
{
	(void)state;
	memset(&mb, 0xee, sizeof(mb));
	qy_memblock_init(&mb);
	return 0;
}

static void has_regions(const struct qy_memblock_type *type, uint32_t cnt, const qy_addr_t *bounds)
{
	qy_addr_t total = 0;

	assert_int_equal(type->cnt, cnt);
	for (uint32_t i = 0; i < cnt; i++) {
		assert_int_equal(type->regions[i].base, bounds[2 * i]);
		assert_int_equal(type->regions[i].base + type->regions[i].size, bounds[2 * i + 1]);
		total += type->regions[i].size;
	}
	assert_int_equal(type->total_size, total);
}
#define HAS(type, ...)                                                                             \
	has_regions(&mb.type, sizeof((qy_addr_t[]){__VA_ARGS__}) / (2 * sizeof(qy_addr_t)),        \
		    (qy_addr_t[]){__VA_ARGS__})

/*
 *   there   [---- 1 ----]        [-- 2 --]
 *   added         [=================]
 * Expect: what is there keeps its node; only the gap is added.
 */
static void add_over_what_is_there_fills_the_gap(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x3000, 1, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x8000, 0x2000, 2, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x2000, 0x7000, 3, 0), 0);
	HAS(memory, 0x1000, 0x4000, 0x4000, 0x8000, 0x8000, 0xa000);
	assert_int_equal(mb.memory.regions[0].nid, 1);
	assert_int_equal(mb.memory.regions[1].nid, 3);
	assert_int_equal(mb.memory.regions[2].nid, 2);
}

/*
 *   there   [=====][=====]    two additions that touch
 * Expect: one region, unless node or flags differ.
 */
static void add_touching_ranges_merge_if_alike(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x2000, 0x1000, 0, 0), 0);
	HAS(memory, 0x1000, 0x3000);
	assert_int_equal(qy_memblock_add(&mb, 0x3000, 0x1000, 0, QY_MEMBLOCK_HOTPLUG), 0);
	HAS(memory, 0x1000, 0x3000, 0x3000, 0x4000);
	assert_int_equal(qy_memblock_add(&mb, 0x4000, 0x1000, 1, QY_MEMBLOCK_HOTPLUG), 0);
	HAS(memory, 0x1000, 0x3000, 0x3000, 0x4000, 0x4000, 0x5000);
}

/*
 *   there     [==========================]
 *   removed        [------------]
 * Expect: two ends are left.
 */
static void remove_from_the_middle_splits(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x10000, 0, 0), 0);
	assert_int_equal(qy_memblock_remove(&mb, 0x14000, 0x8000), 0);
	HAS(memory, 0x10000, 0x14000, 0x1c000, 0x20000);
	assert_int_equal(qy_memblock_remove(&mb, 0, ~(qy_addr_t)0), 0);
	assert_int_equal(mb.memory.cnt, 0);
	assert_int_equal(mb.memory.total_size, 0);
}

static void sizes_that_wrap_or_vanish(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0, 0, 0), 0);
	assert_int_equal(mb.memory.cnt, 0);
	assert_int_equal(qy_memblock_add(&mb, ~(qy_addr_t)0 - 0xfff, 0x10000, 0, 0), 0);
	assert_int_equal(mb.memory.cnt, 1);
	assert_true(mb.memory.regions[0].base + mb.memory.regions[0].size >
		    mb.memory.regions[0].base);
}

/* 128 regions and no more; a failed call changes nothing. */
static void the_129th_region_is_refused(void **state)
{
	struct qy_memblock before;

	(void)state;
	for (qy_addr_t i = 1; i <= QY_MEMBLOCK_REGIONS; i++)
		assert_int_equal(qy_memblock_reserve(&mb, i * 0x2000, 0x1000), 0);
	before = mb;
	assert_int_equal(qy_memblock_reserve(&mb, 0x1000000, 0x1000), -ENOMEM);
	assert_memory_equal(&mb, &before, sizeof(mb));
	assert_int_equal(qy_memblock_free(&mb, 0x2400, 0x100), -ENOMEM); /* would split one */
	assert_memory_equal(&mb, &before, sizeof(mb));
	assert_int_equal(qy_memblock_reserve(&mb, 0x3000, 0x1000), 0); /* joins two */
	assert_int_equal(mb.reserved.cnt, QY_MEMBLOCK_REGIONS - 1);
}

/*
 *   memory     [===============]      [=======]
 *   reserved         [---]            [--]
 */
static void make_map(void)
{
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x10000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x40000, 0x8000, 0, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0x14000, 0x4000), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0x40000, 0x2000), 0);
}

static void find_takes_the_highest_or_the_lowest(void **state)
{
	(void)state;
	make_map();
	assert_int_equal(qy_memblock_find(&mb, 0, 0, 0x1000, 0x1000), 0x47000);
	assert_int_equal(qy_memblock_find(&mb, 0, 0x20000, 0x1800, 0x1000), 0x1e000);
	assert_int_equal(qy_memblock_find(&mb, 0, 0, 0x8000, 1), 0x18000);
	assert_int_equal(qy_memblock_find(&mb, 0, 0, 0x8001, 1), 0);
	assert_int_equal(qy_memblock_find(&mb, 0x45000, 0x45fff, 0x1000, 1), 0);
	mb.bottom_up = true;
	assert_int_equal(qy_memblock_find(&mb, 0, 0, 0x1000, 0x1000), 0x10000);
	assert_int_equal(qy_memblock_find(&mb, 0x10001, 0, 0x1000, 0x1000), 0x11000);
	assert_int_equal(qy_memblock_find(&mb, 0, 0, 0x5000, 0x1000), 0x18000);
	mb.current_limit = 0x12000;
	assert_int_equal(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ACCESSIBLE, 0x3000, 1), 0);
	assert_int_equal(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ANYWHERE, 0x3000, 1), 0x10000);
}

static void alloc_reserves_what_it_found(void **state)
{
	qy_addr_t at, last = 0, total = 0;

	(void)state;
	make_map();
	mb.bottom_up = true;
	while ((at = qy_memblock_alloc(&mb, 0x700, 0, 0, 0)) != 0) {
		assert_int_equal(at % 64, 0);
		assert_true(at > last);
		assert_true(qy_memblock_is_region_memory(&mb, at, 0x700));
		assert_true(qy_memblock_is_reserved(&mb, at + 0x6ff));
		last = at;
		total += 0x700;
	}
	assert_true(total > 0x10000);
	assert_true(mb.reserved.total_size >= total + 0x6000);
}

static void page_zero_is_never_given(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0, 0x3000, 0, 0), 0);
	mb.bottom_up = true;
	assert_int_equal(qy_memblock_alloc(&mb, 0x1000, 0x1000, 0, 0), 0x1000);
	assert_int_equal(qy_memblock_alloc(&mb, 0x1000, 0x1000, 0, 0), 0x2000);
	assert_int_equal(qy_memblock_alloc(&mb, 0x10, 1, 0, 0), 0);
}

static void queries_tell_inside_from_touching(void **state)
{
	(void)state;
	make_map();
	assert_true(qy_memblock_is_memory(&mb, 0x10000));
	assert_false(qy_memblock_is_memory(&mb, 0x20000));
	assert_true(qy_memblock_is_region_memory(&mb, 0x10000, 0x10000));
	assert_false(qy_memblock_is_region_memory(&mb, 0x1f000, 0x1001));
	assert_true(qy_memblock_is_region_reserved(&mb, 0x10000, 0x4001));
	assert_false(qy_memblock_is_region_reserved(&mb, 0x10000, 0x4000));
	assert_true(qy_memblock_is_region_reserved(&mb, 0x17fff, 1));
	assert_false(qy_memblock_is_region_reserved(&mb, 0x18000, 1));
}

static void free_ranges_are_memory_minus_reserved(void **state)
{
	static const qy_addr_t expected[][2] = {
		{0x10000, 0x14000}, {0x18000, 0x20000}, {0x42000, 0x48000}};
	qy_addr_t start, end;
	uint64_t cursor = 0;

	(void)state;
	make_map();
	for (int i = 0; i < 3; i++) {
		assert_true(qy_memblock_next_free(&mb, &cursor, &start, &end));
		assert_int_equal(start, expected[i][0]);
		assert_int_equal(end, expected[i][1]);
	}
	assert_false(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_false(qy_memblock_next_free(&mb, &cursor, &start, &end));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, set_up)
		T(add_over_what_is_there_fills_the_gap), T(add_touching_ranges_merge_if_alike),
		T(remove_from_the_middle_splits),	 T(sizes_that_wrap_or_vanish),
		T(the_129th_region_is_refused),		 T(find_takes_the_highest_or_the_lowest),
		T(alloc_reserves_what_it_found),	 T(page_zero_is_never_given),
		T(queries_tell_inside_from_touching),	 T(free_ranges_are_memory_minus_reserved),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
