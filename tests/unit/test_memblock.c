/* SPDX-License-Identifier: MIT */
/*
 * test_memblock.c - memblock's sets: union, difference, attributes, and arrays that grow; each case
 * with what is to be expected. Random calls are in test_memblock_random.c, all of them on a short
 * line in tests/model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <quarry/early.h>

#include "util/compiler.h"

static struct qy_memblock mb;

static int set_up(void **state)
{
	(void)state;
	memset(&mb, 0xee, sizeof(mb));
	qy_memblock_init(&mb);
	return 0;
}

static void assert_region(const struct qy_memblock_type *type, uint32_t i, qy_addr_t base,
			  qy_addr_t size)
{
	assert_true(i < type->cnt);
	assert_true(type->regions[i].base == base);
	assert_true(type->regions[i].size == size);
}

/* 128 regions of one page with a page between them. */
static void fill(int (*add)(qy_addr_t base))
{
	for (unsigned int i = 0; i < QY_MEMBLOCK_REGIONS; i++)
		assert_int_equal(add(0x10000 + i * 0x2000), 0);
}

static int add_page(qy_addr_t base)
{
	return qy_memblock_add(&mb, base, 0x1000, 0, 0);
}

static int reserve_page(qy_addr_t base)
{
	return qy_memblock_reserve(&mb, base, 0x1000);
}

static void init_sets_are_empty(void **state)
{
	qy_addr_t start, end;
	uint64_t cursor = 0;

	(void)state;
	assert_int_equal(mb.struct_size, sizeof(mb));
	assert_int_equal(mb.memory.cnt, 0);
	assert_int_equal(mb.reserved.cnt, 0);
	assert_false(mb.bottom_up);
	assert_false(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_int_equal(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ANYWHERE, 1, 1), 0);
	assert_int_equal(qy_memblock_alloc(&mb, 1, 1, 0, 0), 0);
	assert_false(qy_memblock_is_memory(&mb, 0));
	assert_int_equal(qy_memblock_remove(&mb, 0, 100), 0);
	assert_int_equal(qy_memblock_free(&mb, 0, 100), 0);
}

static void add_zero_size_is_success_without_effect(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0, 0, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0x1000, 0), 0);
	assert_int_equal(mb.memory.cnt + mb.reserved.cnt, 0);
}

/*
 *   there         [== node 0 ==]
 *   added    [======== node 1 ========]
 *   Expect: three regions; what was there keeps its node.
 */
static void add_around_existing_fills_the_gaps(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x3000, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x5000, 1, 0), 0);
	assert_int_equal(mb.memory.cnt, 3);
	assert_region(&mb.memory, 0, 0x1000, 0x2000);
	assert_region(&mb.memory, 1, 0x3000, 0x1000);
	assert_region(&mb.memory, 2, 0x4000, 0x2000);
	assert_int_equal(mb.memory.regions[1].nid, 0);
	assert_int_equal(mb.memory.regions[2].nid, 1);
}

static void add_touching_merges_iff_attributes_agree(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x2000, 0x1000, 0, 0), 0);
	assert_int_equal(mb.memory.cnt, 1);
	assert_int_equal(qy_memblock_add(&mb, 0x3000, 0x1000, 1, 0), 0);
	assert_int_equal(mb.memory.cnt, 2);
	assert_int_equal(qy_memblock_add(&mb, 0x4000, 0x1000, 1, QY_MEMBLOCK_HOTPLUG), 0);
	assert_int_equal(mb.memory.cnt, 3);
	assert_int_equal(qy_memblock_add(&mb, 0x6000, 0x1000, 1, QY_MEMBLOCK_HOTPLUG), 0);
	assert_int_equal(mb.memory.cnt, 4);
	assert_int_equal(qy_memblock_add(&mb, 0x5000, 0x1000, 1, QY_MEMBLOCK_HOTPLUG), 0);
	assert_int_equal(mb.memory.cnt, 3);
	assert_region(&mb.memory, 2, 0x4000, 0x3000);
}

static void add_near_the_end_is_cut(void **state)
{
	const qy_addr_t top = ~(qy_addr_t)0;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, top - 0xfff, top, 0, 0), 0);
	assert_region(&mb.memory, 0, top - 0xfff, 0xfff);
	assert_false(qy_memblock_is_memory(&mb, top));
	assert_true(qy_memblock_is_memory(&mb, top - 1));
	assert_int_equal(qy_memblock_add(&mb, top, 5, 0, 0), 0);
	assert_int_equal(mb.memory.cnt, 1);
	/* Found up there, without wrapping. */
	assert_true(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ANYWHERE, 0x100, 0x100) ==
		    top - 0x1ff);
	mb.bottom_up = true;
	assert_true(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ANYWHERE, 0x100, 0x100) ==
		    top - 0xfff);
	assert_true(qy_memblock_find(&mb, top - 5, QY_MEMBLOCK_ALLOC_ANYWHERE, 1, 0x100) == 0);
	assert_true(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ANYWHERE, top, 1) == 0);
	assert_true(qy_memblock_is_region_memory(&mb, top - 0xfff, top)); /* cut, too */
	assert_int_equal(qy_memblock_remove(&mb, 0, top), 0);
	assert_int_equal(mb.memory.cnt, 0);
}

static void add_129th_region_is_enomem_without_effect(void **state)
{
	struct qy_memblock before;

	(void)state;
	fill(add_page);
	assert_int_equal(mb.memory.cnt, QY_MEMBLOCK_REGIONS);
	before = mb;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), -ENOMEM);
	/* Two gaps at the front, one of which joins: still 129. */
	assert_int_equal(qy_memblock_add(&mb, 0xf000, 0x2000, 1, 0), -ENOMEM);
	assert_memory_equal(&mb, &before, sizeof(mb));
	/* What joins a neighbour needs no region. */
	assert_int_equal(qy_memblock_add(&mb, 0xf000, 0x1000, 0, 0), 0);
	assert_int_equal(mb.memory.cnt, QY_MEMBLOCK_REGIONS);
}

/* Expect: 127 gaps are filled at once, though there is no room to note each of them. */
static void add_over_128_regions_leaves_one(void **state)
{
	(void)state;
	fill(add_page);
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x100000, 0, 0), 0);
	assert_int_equal(mb.memory.cnt, 1);
	assert_region(&mb.memory, 0, 0x10000, 0x100000);
	assert_true(mb.memory.total_size == 0x100000);
}

static void remove_out_of_the_middle_at_128_is_enomem(void **state)
{
	struct qy_memblock before;

	(void)state;
	fill(add_page);
	before = mb;
	assert_int_equal(qy_memblock_remove(&mb, 0x10100, 0x100), -ENOMEM);
	assert_memory_equal(&mb, &before, sizeof(mb));
	assert_int_equal(qy_memblock_remove(&mb, 0x10000, 0x100), 0);
	/* Trims two and loses the three between them. */
	assert_int_equal(qy_memblock_remove(&mb, 0x12800, 0x8000), 0);
	assert_int_equal(mb.memory.cnt, QY_MEMBLOCK_REGIONS - 3);
}

static void remove_across_three_regions_trims_the_outer(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x3000, 0x1000, 1, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x5000, 0x1000, 2, 0), 0);
	assert_int_equal(qy_memblock_remove(&mb, 0x1800, 0x4000), 0);
	assert_int_equal(mb.memory.cnt, 2);
	assert_region(&mb.memory, 0, 0x1000, 0x800);
	assert_region(&mb.memory, 1, 0x5800, 0x800);
	assert_true(mb.memory.total_size == 0x1000);
	assert_int_equal(qy_memblock_remove(&mb, 0, 0x10000), 0);
	assert_int_equal(mb.memory.cnt, 0);
	assert_true(mb.memory.total_size == 0);
}

static void alloc_with_reserved_full_fails_without_effect(void **state)
{
	struct qy_memblock before;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x400000, 0, 0), 0);
	fill(reserve_page);
	before = mb;
	assert_true(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ANYWHERE, 64, 64) != 0);
	assert_int_equal(qy_memblock_alloc(&mb, 64, 64, 0, QY_MEMBLOCK_ALLOC_ANYWHERE), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0x300000, 0x1000), -ENOMEM);
	assert_int_equal(qy_memblock_free(&mb, 0x10100, 0x100), -ENOMEM);
	assert_memory_equal(&mb, &before, sizeof(mb));
	/* What touches a range that is alike needs no region. */
	assert_int_equal(
		qy_memblock_set_flags(&mb, &mb.reserved, 0x10000, 0x1000, QY_MEMBLOCK_RSRV_KERN),
		0);
	mb.bottom_up = true;
	assert_true(qy_memblock_alloc(&mb, 64, 64, 0, QY_MEMBLOCK_ALLOC_ANYWHERE) == 0x11000);
	assert_int_equal(mb.reserved.cnt, QY_MEMBLOCK_REGIONS);
}

/* Expect: what is left is as if it had never been added; the next addition finds it empty. */
static void remove_last_region_leaves_none(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 3, QY_MEMBLOCK_MIRROR), 0);
	assert_int_equal(qy_memblock_remove(&mb, 0, 0x10000), 0);
	assert_int_equal(mb.memory.cnt, 0);
	assert_true(mb.memory.total_size == 0);
	assert_true(qy_memblock_start_of_DRAM(&mb) == 0 && qy_memblock_end_of_DRAM(&mb) == 0);
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	assert_int_equal(mb.memory.regions[0].nid, 0);
}

static void add_unknown_flag_is_einval(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0x80), -EINVAL);
	assert_int_equal(qy_memblock_reserve_node(&mb, 0x1000, 0x1000, 0, 1u << 31), -EINVAL);
	assert_int_equal(qy_memblock_set_flags(&mb, &mb.memory, 0, 1, 0x100), -EINVAL);
	assert_int_equal(qy_memblock_clear_flags(&mb, &mb.memory, 0, 1, 0x100), -EINVAL);
	assert_int_equal(mb.memory.cnt + mb.reserved.cnt, 0);
}

/* --- attributes --- */

/*
 *   there    [============]
 *   marked      [=====]
 *   cleared     [=====]
 *   Expect: three regions, then one again.
 */
static void set_flags_on_a_part_splits_and_clear_joins(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x10000, 1, 0), 0);
	assert_int_equal(qy_memblock_mark_hotplug(&mb, 0x14000, 0x4000), 0);
	assert_int_equal(mb.memory.cnt, 3);
	assert_region(&mb.memory, 1, 0x14000, 0x4000);
	assert_int_equal(mb.memory.regions[1].flags, QY_MEMBLOCK_HOTPLUG);
	assert_int_equal(mb.memory.regions[1].nid, 1);
	assert_int_equal(qy_memblock_mark_nomap(&mb, 0x16000, 0x4000), 0);
	assert_int_equal(mb.memory.cnt, 5);
	assert_int_equal(mb.memory.regions[2].flags, QY_MEMBLOCK_HOTPLUG | QY_MEMBLOCK_NOMAP);
	assert_int_equal(qy_memblock_clear_hotplug(&mb, 0, 0x100000), 0);
	assert_int_equal(mb.memory.cnt, 3);
	assert_region(&mb.memory, 1, 0x16000, 0x4000);
	assert_int_equal(qy_memblock_clear_nomap(&mb, 0x10000, 0x10000), 0);
	assert_int_equal(mb.memory.cnt, 1);
	assert_region(&mb.memory, 0, 0x10000, 0x10000);
	assert_true(mb.memory.total_size == 0x10000);
}

static void set_flags_each_has_its_bit(void **state)
{
	const struct qy_memblock_region *mem = mb.memory.regions, *res = mb.reserved.regions;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0x1000, 0x1000), 0);
	assert_int_equal(qy_memblock_mark_kho_scratch(&mb, 0x1000, 0x1000), 0);
	assert_int_equal(mem[0].flags, QY_MEMBLOCK_KHO_SCRATCH);
	assert_int_equal(qy_memblock_clear_kho_scratch(&mb, 0x1000, 0x1000), 0);
	assert_int_equal(mem[0].flags, 0);
	assert_false(mb.has_mirror);
	assert_int_equal(qy_memblock_mark_mirror(&mb, 0x1000, 0x1000), 0);
	assert_int_equal(mem[0].flags, QY_MEMBLOCK_MIRROR);
	assert_true(mb.has_mirror);
	assert_int_equal(qy_memblock_reserved_mark_noinit(&mb, 0x1000, 0x1000), 0);
	assert_int_equal(res[0].flags, QY_MEMBLOCK_RSRV_NOINIT);
	assert_int_equal(qy_memblock_reserved_mark_kern(&mb, 0x1000, 0x1000), 0);
	assert_int_equal(res[0].flags, QY_MEMBLOCK_RSRV_NOINIT | QY_MEMBLOCK_RSRV_KERN);
	assert_int_equal(qy_memblock_reserve_kern(&mb, 0x4000, 0x1000), 0);
	assert_int_equal(res[1].flags, QY_MEMBLOCK_RSRV_KERN);
	assert_int_equal(mem[0].flags, QY_MEMBLOCK_MIRROR);
}

/* Expect: holes stay holes; regions that become alike join, also with those outside the range. */
static void set_node_joins_across_the_border(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x2000, 0x1000, 1, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x4000, 0x1000, 2, 0), 0);
	assert_int_equal(qy_memblock_set_node(&mb, &mb.memory, 0x2000, 0x2800, 0), 0);
	assert_int_equal(mb.memory.cnt, 3);
	assert_region(&mb.memory, 0, 0x1000, 0x2000);
	assert_region(&mb.memory, 1, 0x4000, 0x800);
	assert_region(&mb.memory, 2, 0x4800, 0x800);
	assert_int_equal(mb.memory.regions[1].nid, 0);
	assert_int_equal(mb.memory.regions[2].nid, 2);
	assert_int_equal(qy_memblock_set_node(&mb, &mb.memory, 0x9000, 0x1000, 0), 0);
	assert_int_equal(qy_memblock_set_node(&mb, &mb.memory, 0x4000, 0, 7), 0);
	assert_int_equal(mb.memory.cnt, 3);
}

static void set_flags_foreign_type_is_einval(void **state)
{
	struct qy_memblock_type other = mb.memory;

	(void)state;
	assert_int_equal(qy_memblock_set_flags(&mb, &other, 0, 0x1000, 0), -EINVAL);
	assert_int_equal(qy_memblock_set_node(&mb, NULL, 0, 0x1000, 0), -EINVAL);
	assert_int_equal(qy_memblock_set_node(&mb, &mb.physmem, 0, 0x1000, 0), 0);
}

static void set_flags_at_128_fits_or_is_enomem(void **state)
{
	struct qy_memblock before;

	(void)state;
	fill(add_page);
	before = mb;
	assert_int_equal(qy_memblock_mark_nomap(&mb, 0x10000, 0x800), -ENOMEM);
	assert_int_equal(qy_memblock_mark_nomap(&mb, 0x10800, 0x2000), -ENOMEM);
	assert_int_equal(qy_memblock_mark_mirror(&mb, 0x10800, 0x100), -ENOMEM);
	assert_memory_equal(&mb, &before, sizeof(mb));
	assert_int_equal(qy_memblock_mark_nomap(&mb, 0x10000, 0x3000), 0);
	assert_int_equal(mb.memory.cnt, QY_MEMBLOCK_REGIONS);
	assert_int_equal(mb.memory.regions[1].flags, QY_MEMBLOCK_NOMAP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(init_sets_are_empty, set_up),
		cmocka_unit_test_setup(add_zero_size_is_success_without_effect, set_up),
		cmocka_unit_test_setup(add_around_existing_fills_the_gaps, set_up),
		cmocka_unit_test_setup(add_touching_merges_iff_attributes_agree, set_up),
		cmocka_unit_test_setup(add_near_the_end_is_cut, set_up),
		cmocka_unit_test_setup(add_129th_region_is_enomem_without_effect, set_up),
		cmocka_unit_test_setup(add_over_128_regions_leaves_one, set_up),
		cmocka_unit_test_setup(remove_out_of_the_middle_at_128_is_enomem, set_up),
		cmocka_unit_test_setup(remove_across_three_regions_trims_the_outer, set_up),
		cmocka_unit_test_setup(alloc_with_reserved_full_fails_without_effect, set_up),
		cmocka_unit_test_setup(remove_last_region_leaves_none, set_up),
		cmocka_unit_test_setup(add_unknown_flag_is_einval, set_up),
		cmocka_unit_test_setup(set_flags_on_a_part_splits_and_clear_joins, set_up),
		cmocka_unit_test_setup(set_flags_each_has_its_bit, set_up),
		cmocka_unit_test_setup(set_node_joins_across_the_border, set_up),
		cmocka_unit_test_setup(set_flags_foreign_type_is_einval, set_up),
		cmocka_unit_test_setup(set_flags_at_128_fits_or_is_enomem, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
