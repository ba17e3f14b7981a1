/* SPDX-License-Identifier: MIT */
/*
 * test_memblock.c - memblock against a model of single bytes: each cell knows whether it is memory,
 * with which attributes, and whether it is reserved. What an operation must do follows from the
 * cells alone, also whether it must fail: the maximal runs of equal cells are the regions, and
 * there may be 128.
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
#include "util/rng.h"

#define NR_CELLS 700u
#define LOWEST (QY_PAGE_SIZE - 64) /* the first cells lie in page 0 */
#define NR_STEPS 6000

struct cell {
	bool present; /* in this set */
	int nid;
	uint32_t flags;
};

enum set { MEMORY, RESERVED, NR_SETS };

static struct qy_memblock mb;
static struct cell model[NR_SETS][NR_CELLS];
static struct qy__rng rng;

static int set_up(void **state)
{
	(void)state;
	qy_memblock_init(&mb);
	memset(model, 0, sizeof(model));
	qy__rng_seed(&rng, 4711);
	return 0;
}

/* --- the model ------------------------------------------------------------------------------ */

static bool is_same(const struct cell *a, const struct cell *b)
{
	return a->present == b->present &&
	       (!a->present || (a->nid == b->nid && a->flags == b->flags));
}

static unsigned int nr_regions(const struct cell *cell)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < NR_CELLS; i++)
		nr += cell[i].present && (i == 0 || !is_same(&cell[i - 1], &cell[i]));
	return nr;
}

/* First writer wins. Return: 0, or -ENOMEM without effect. */
static int model_add(enum set set, unsigned int at, unsigned int n, struct cell what)
{
	struct cell copy[NR_CELLS];

	memcpy(copy, model[set], sizeof(copy));
	for (unsigned int i = at; i < at + n; i++)
		if (!copy[i].present)
			copy[i] = what;
	if (nr_regions(copy) > QY_MEMBLOCK_REGIONS)
		return -ENOMEM;
	memcpy(model[set], copy, sizeof(copy));
	return 0;
}

static int model_remove(enum set set, unsigned int at, unsigned int n)
{
	struct cell copy[NR_CELLS];

	memcpy(copy, model[set], sizeof(copy));
	for (unsigned int i = at; i < at + n; i++)
		copy[i].present = false;
	if (nr_regions(copy) > QY_MEMBLOCK_REGIONS)
		return -ENOMEM;
	memcpy(model[set], copy, sizeof(copy));
	return 0;
}

static bool model_is_free(unsigned int i)
{
	return model[MEMORY][i].present && !(model[MEMORY][i].flags & QY_MEMBLOCK_NOMAP) &&
	       !model[RESERVED][i].present;
}

/* Every address is tried. */
static qy_addr_t model_find(qy_addr_t start, qy_addr_t end, qy_addr_t size, qy_addr_t align)
{
	unsigned int run = 0; /* free bytes from i on, within one region */
	qy_addr_t found = 0;

	for (unsigned int i = NR_CELLS; i-- > 0;) {
		qy_addr_t addr = LOWEST + i;

		if (!model_is_free(i))
			run = 0;
		else if (i + 1 < NR_CELLS && is_same(&model[MEMORY][i], &model[MEMORY][i + 1]))
			run++;
		else
			run = 1;
		/* A range that reaches over @end is cut there. */
		if (run < size || addr + size > end || addr < start || addr < QY_PAGE_SIZE ||
		    addr % align)
			continue;
		if (!found || mb.bottom_up)
			found = addr;
	}
	return found;
}

/* --- comparing ------------------------------------------------------------------------------ */

static void check_type(const struct qy_memblock_type *type, const struct cell *cell)
{
	struct cell seen[NR_CELLS];
	qy_addr_t total = 0, end = 0;

	memset(seen, 0, sizeof(seen));
	assert_true(type->cnt <= type->max);
	assert_int_equal(type->cnt, nr_regions(cell));
	for (uint32_t i = 0; i < type->cnt; i++) {
		const struct qy_memblock_region *r = &type->regions[i];

		assert_true(r->size > 0);
		assert_true(r->base >= end && r->base + r->size > r->base);
		assert_true(r->base >= LOWEST && r->base + r->size <= LOWEST + NR_CELLS);
		for (qy_addr_t a = r->base; a < r->base + r->size; a++)
			seen[a - LOWEST] = (struct cell){true, r->nid, r->flags};
		end = r->base + r->size;
		total += r->size;
	}
	assert_true(type->total_size == total);
	for (unsigned int i = 0; i < NR_CELLS; i++)
		assert_true(is_same(&seen[i], &cell[i]));
}

static void check_free_ranges(void)
{
	bool seen[NR_CELLS] = {false};
	qy_addr_t start, end, again_start, again_end, last = 0;
	uint64_t cursor = 0, saved = 0;

	while (qy_memblock_next_free(&mb, &cursor, &start, &end)) {
		assert_true(start < end && start >= last);
		assert_true(start >= LOWEST && end <= LOWEST + NR_CELLS);
		for (qy_addr_t a = start; a < end; a++)
			seen[a - LOWEST] = true;
		last = end;
		/* A saved cursor goes on where it was. */
		assert_true(qy_memblock_next_free(&mb, &saved, &again_start, &again_end));
		assert_true(again_start == start && again_end == end && saved == cursor);
	}
	assert_false(qy_memblock_next_free(&mb, &cursor, &start, &end));
	for (unsigned int i = 0; i < NR_CELLS; i++)
		assert_int_equal(seen[i], model_is_free(i));
}

static void check_queries(void)
{
	unsigned int at = qy__rng_below(&rng, NR_CELLS);
	unsigned int n = 1 + qy__rng_below(&rng, min(20u, NR_CELLS - at));
	bool inside = true, touched = false;

	for (unsigned int i = at; i < at + n; i++) {
		inside &= model[MEMORY][i].present;
		touched |= model[RESERVED][i].present;
		assert_int_equal(qy_memblock_is_memory(&mb, LOWEST + i), model[MEMORY][i].present);
		assert_int_equal(qy_memblock_is_reserved(&mb, LOWEST + i),
				 model[RESERVED][i].present);
	}
	assert_int_equal(qy_memblock_is_region_memory(&mb, LOWEST + at, n), inside);
	assert_int_equal(qy_memblock_is_region_reserved(&mb, LOWEST + at, n), touched);
}

/* --- random operations ---------------------------------------------------------------------- */

static qy_addr_t random_address(void)
{
	return LOWEST + qy__rng_below(&rng, NR_CELLS + 1);
}

/* Any bounds, sizes and alignments, powers of two or not. */
static void step_find(bool take)
{
	static const qy_addr_t aligns[] = {1, 2, 3, 4, 7, 8, 16, 48, 64, 256};
	qy_addr_t start = random_address(), end = random_address(), size, align, expected, got;
	struct cell what = {true, -1, 0};

	size = 1 + qy__rng_below(&rng, 1u << qy__rng_below(&rng, 8));
	align = aligns[qy__rng_below(&rng, ARRAY_SIZE(aligns))];
	switch (qy__rng_below(&rng, 4)) {
	case 0: start = 0; break;
	case 1: end = QY_MEMBLOCK_ALLOC_ANYWHERE; break;
	case 2: end = QY_MEMBLOCK_ALLOC_ACCESSIBLE; break;
	default: break;
	}
	mb.bottom_up = qy__rng_below(&rng, 2);
	mb.current_limit = random_address();
	expected = model_find(start, end ? end : mb.current_limit, size, align);
	if (!take) {
		got = qy_memblock_find(&mb, start, end, size, align);
		assert_true(got == expected);
		return;
	}
	if (expected &&
	    model_add(RESERVED, (unsigned int)(expected - LOWEST), (unsigned int)size, what))
		expected = 0; /* no region left to note it in */
	got = qy_memblock_alloc(&mb, size, align, start, end);
	assert_true(got == expected);
}

static void step_change(unsigned int longest)
{
	unsigned int at = qy__rng_below(&rng, NR_CELLS);
	unsigned int n = qy__rng_below(&rng, min(longest, NR_CELLS - at) + 1);
	struct cell what = {true, (int)qy__rng_below(&rng, 2),
			    qy__rng_below(&rng, 4) ? 0 : 1u << qy__rng_below(&rng, 3)};
	struct cell taken = {true, -1, 0};
	qy_addr_t base = LOWEST + at;

	switch (qy__rng_below(&rng, 8)) {
	case 0:
	case 1:
	case 2:
		assert_int_equal(qy_memblock_add(&mb, base, n, what.nid, what.flags),
				 model_add(MEMORY, at, n, what));
		break;
	case 3:
		assert_int_equal(qy_memblock_remove(&mb, base, n), model_remove(MEMORY, at, n));
		break;
	case 4:
	case 5:
		assert_int_equal(qy_memblock_reserve(&mb, base, n),
				 model_add(RESERVED, at, n, taken));
		break;
	default:
		assert_int_equal(qy_memblock_free(&mb, base, n), model_remove(RESERVED, at, n));
		break;
	}
}

/* Short ranges fragment the sets up to their 128 regions, long ones clear them again. */
static void memblock_random_operations_equal_the_model(void **state)
{
	unsigned int most[NR_SETS] = {0};

	(void)state;
	for (unsigned int step = 0; step < NR_STEPS; step++) {
		bool long_ones = step % 1500 > 1450;

		if (qy__rng_below(&rng, 4) == 0)
			step_find(qy__rng_below(&rng, 3) == 0);
		else
			step_change(long_ones ? 300 : 3);
		check_type(&mb.memory, model[MEMORY]);
		check_type(&mb.reserved, model[RESERVED]);
		check_free_ranges();
		check_queries();
		most[MEMORY] = max(most[MEMORY], mb.memory.cnt);
		most[RESERVED] = max(most[RESERVED], mb.reserved.cnt);
	}
	/* The walk has reached what it is for. */
	assert_int_equal(most[MEMORY], QY_MEMBLOCK_REGIONS);
	assert_true(most[RESERVED] > 60);
}

/* --- directed ------------------------------------------------------------------------------- */

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
	/* Bottom-up the place found touches a reserved range: nothing new to note. */
	mb.bottom_up = true;
	assert_true(qy_memblock_alloc(&mb, 64, 64, 0, QY_MEMBLOCK_ALLOC_ANYWHERE) == 0x11000);
	assert_int_equal(mb.reserved.cnt, QY_MEMBLOCK_REGIONS);
}

static void find_first_page_is_never_given(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0, 2 * QY_PAGE_SIZE, 0, 0), 0);
	mb.bottom_up = true;
	assert_true(qy_memblock_alloc(&mb, 64, 64, 0, 0) == QY_PAGE_SIZE);
	assert_int_equal(qy_memblock_alloc(&mb, QY_PAGE_SIZE, 64, 0, 0), 0);
	mb.bottom_up = false;
	assert_int_equal(qy_memblock_alloc(&mb, 2 * QY_PAGE_SIZE, 64, 0, 0), 0);
	assert_int_equal(qy_memblock_find(&mb, 0, QY_PAGE_SIZE, 64, 64), 0);
}

static void find_zero_size_is_none(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x10000, 0, 0), 0);
	assert_int_equal(qy_memblock_find(&mb, 0, 0, 0, 1), 0);
	assert_int_equal(qy_memblock_alloc(&mb, 0, 0, 0, 0), 0);
	assert_int_equal(mb.reserved.cnt, 0);
}

static void find_directions_give_highest_and_lowest(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10010, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x20010, 0x1000, 0, 0), 0);
	assert_true(qy_memblock_find(&mb, 0, 0, 0x80, 0x100) == 0x20f00);
	mb.bottom_up = true;
	assert_true(qy_memblock_find(&mb, 0, 0, 0x80, 0x100) == 0x10100);
	assert_true(qy_memblock_find(&mb, 0x10101, 0, 0x80, 0x100) == 0x10200);
	assert_true(qy_memblock_find(&mb, 0x11000, 0, 0x80, 0x100) == 0x20100);
	assert_true(qy_memblock_find(&mb, 0, 0x10180, 0x80, 0x100) == 0x10100);
	assert_true(qy_memblock_find(&mb, 0, 0x1017f, 0x80, 0x100) == 0);
}

static void find_current_limit_binds_accessible_only(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x10000, 0, 0), 0);
	mb.current_limit = 0x14000;
	assert_true(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ACCESSIBLE, 0x1000, 1) == 0x13000);
	assert_true(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ANYWHERE, 0x1000, 1) == 0x1f000);
	assert_true(qy_memblock_find(&mb, 0, 0x18000, 0x1000, 1) == 0x17000);
}

static void alloc_align_zero_is_64(void **state)
{
	qy_addr_t at;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10001, 0x1000, 0, 0), 0);
	at = qy_memblock_alloc(&mb, 5, 0, 0, 0);
	assert_true(at && at % 64 == 0);
	assert_true(qy_memblock_is_region_reserved(&mb, at, 5));
	assert_true(mb.reserved.total_size == 5);
	/* As a range by itself, or joined to the one it touches: reserved grows by the size. */
	assert_true(qy_memblock_alloc(&mb, 64, 0, 0, 0) == at - 64);
	assert_true(mb.reserved.total_size == 69);
	assert_int_equal(mb.reserved.cnt, 1);
}

static void next_free_nomap_is_left_out(void **state)
{
	qy_addr_t start, end;
	uint64_t cursor = 0;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x1000, 0, QY_MEMBLOCK_NOMAP), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x20000, 0x1000, 0, 0), 0);
	assert_true(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_true(start == 0x20000 && end == 0x21000);
	assert_false(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_true(cursor == ~UINT64_C(0));
	assert_true(qy_memblock_is_memory(&mb, 0x10000)); /* memory it is */
}

static void is_region_edges_are_exact(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x2000, 0x1000, 1, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0x1800, 0x100), 0);
	assert_true(qy_memblock_is_region_memory(&mb, 0x1000, 0x2000)); /* both nodes */
	assert_false(qy_memblock_is_region_memory(&mb, 0x1000, 0x2001));
	assert_false(qy_memblock_is_region_memory(&mb, 0xfff, 2));
	assert_true(qy_memblock_is_region_memory(&mb, 0x1000, 0));
	assert_false(qy_memblock_is_region_memory(&mb, 0x3000, 0));
	assert_false(qy_memblock_is_region_reserved(&mb, 0x1700, 0x100));
	assert_true(qy_memblock_is_region_reserved(&mb, 0x1700, 0x101));
	assert_true(qy_memblock_is_region_reserved(&mb, 0x18ff, 1));
	assert_false(qy_memblock_is_region_reserved(&mb, 0x1900, 1));
	assert_false(qy_memblock_is_region_reserved(&mb, 0x1880, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(memblock_random_operations_equal_the_model, set_up),
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
		cmocka_unit_test_setup(find_first_page_is_never_given, set_up),
		cmocka_unit_test_setup(find_zero_size_is_none, set_up),
		cmocka_unit_test_setup(find_directions_give_highest_and_lowest, set_up),
		cmocka_unit_test_setup(find_current_limit_binds_accessible_only, set_up),
		cmocka_unit_test_setup(alloc_align_zero_is_64, set_up),
		cmocka_unit_test_setup(next_free_nomap_is_left_out, set_up),
		cmocka_unit_test_setup(is_region_edges_are_exact, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
