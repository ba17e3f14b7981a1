/* SPDX-License-Identifier: MIT */
/*
 * test_memblock_array.c - memblock's arrays: when they grow, where to, and that nothing has changed
 * when they cannot (MB8, MB11).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/early.h>

#include "util/compiler.h"

#define PAGE ((qy_addr_t)QY_PAGE_SIZE)
#define NR_PAGES 1024
#define TOP (NR_PAGES * PAGE)
/* Bytes of an array of 256. */
#define ARRAY ((256 * sizeof(struct qy_memblock_region) + PAGE - 1) / PAGE * PAGE)

static struct qy_memblock mb, before;
static char *memory; /* address 0 */
static unsigned int arrays_out;
static bool hook_fails, out_of_reach;
static unsigned int hook_left; /* times that it succeeds */
static size_t hook_offset;
static char logged[256];
static uint64_t given;

static void *map(void *ctx, qy_addr_t addr, qy_addr_t size)
{
	assert_true(addr && addr + size <= TOP);
	return out_of_reach ? NULL : qy_memblock_map_at(ctx, addr, size);
}

static void *array_alloc(void *ctx, size_t size)
{
	assert_ptr_equal(ctx, memory);
	if (hook_fails || !hook_left--)
		return NULL;
	arrays_out++;
	return (char *)malloc(size + 8) + hook_offset;
}

static void array_free(void *ctx, void *array, size_t size)
{
	assert_ptr_equal(ctx, memory);
	assert_true(size >= 2 * QY_MEMBLOCK_REGIONS * sizeof(struct qy_memblock_region));
	arrays_out--;
	free((char *)array - hook_offset);
}

static void keep_log(void *ctx, const char *text)
{
	assert_ptr_equal(ctx, memory);
	strncpy(logged, text, sizeof(logged) - 1);
}

static const struct qy_memblock_ops own = {
	.struct_size = sizeof(own), .map = map, .log = keep_log, .array_free = array_free};
static const struct qy_memblock_ops hook = {
	.struct_size = sizeof(hook), .array_alloc = array_alloc, .array_free = array_free};

static int set_up(void **state)
{
	(void)state;
	qy_memblock_init(&mb);
	assert_int_equal(qy_memblock_set_ops(&mb, &own, memory), 0);
	qy_memblock_allow_resize(&mb);
	out_of_reach = hook_fails = false;
	hook_offset = 0;
	hook_left = 1000;
	arrays_out = 0;
	given = 0;
	logged[0] = '\0';
	return 0;
}

/* The machine has pages 1 … 1023; the lowest of each 4 of the first 512 is reserved. */
static void fill_reserved(void)
{
	assert_int_equal(qy_memblock_add(&mb, PAGE, TOP - PAGE, 0, 0), 0);
	for (unsigned int i = 0; i < QY_MEMBLOCK_REGIONS; i++)
		assert_int_equal(qy_memblock_reserve(&mb, PAGE + i * 4 * PAGE, PAGE), 0);
	assert_int_equal(mb.reserved.cnt, QY_MEMBLOCK_REGIONS);
	assert_int_equal(mb.reserved.array_size, 0);
}

/* Every second page of the upper half is memory: 128 regions. */
static void fill_memory(void)
{
	for (unsigned int i = 0; i < QY_MEMBLOCK_REGIONS; i++)
		assert_int_equal(qy_memblock_add(&mb, TOP / 2 + i * 4 * PAGE, 2 * PAGE, 0, 0), 0);
	assert_int_equal(mb.memory.cnt, QY_MEMBLOCK_REGIONS);
}

static bool is_in_reserved(const struct qy_memblock_type *type)
{
	for (qy_addr_t a = type->array_addr; a < type->array_addr + type->array_size; a += PAGE)
		if (!qy_memblock_is_reserved(&mb, a))
			return false;
	return type->array_size != 0;
}

static void assert_own_array(const struct qy_memblock_type *type, uint32_t max)
{
	assert_int_equal(type->max, max);
	assert_true(type->array_addr % PAGE == 0 && type->array_size % PAGE == 0);
	assert_true(type->array_size >= max * sizeof(struct qy_memblock_region));
	assert_ptr_equal(type->regions, memory + type->array_addr);
	assert_true(is_in_reserved(type));
}

static void count_pages(void *ctx, uint64_t pfn, unsigned int order)
{
	(void)ctx;
	assert_true(pfn + (UINT64_C(1) << order) <= NR_PAGES);
	given += UINT64_C(1) << order;
}

static void assert_unchanged(void)
{
	assert_memory_equal(&mb, &before, sizeof(mb));
}

static void grow_129th_region_gets_an_array_of_256(void **state)
{
	(void)state;
	fill_reserved();
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), 0);
	assert_own_array(&mb.reserved, 256);
	/* Top-down; behind the 129 there is the array's own. */
	assert_true(mb.reserved.array_addr == TOP - mb.reserved.array_size);
	assert_int_equal(mb.reserved.cnt, QY_MEMBLOCK_REGIONS + 2);
	assert_int_equal(mb.reserved.regions[130 - 1].flags, QY_MEMBLOCK_RSRV_KERN);
	assert_true(mb.reserved.regions[1].base == 3 * PAGE);
	assert_true(mb.reserved.total_size == 129 * PAGE + mb.reserved.array_size);
}

static void grow_again_frees_the_array_before(void **state)
{
	qy_addr_t first;

	(void)state;
	fill_reserved();
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), 0);
	first = mb.reserved.array_addr;
	for (qy_addr_t at = PAGE * 512; mb.reserved.max == 256; at += 2 * PAGE)
		assert_int_equal(qy_memblock_reserve(&mb, at, PAGE), 0);
	assert_own_array(&mb.reserved, 512);
	assert_false(qy_memblock_is_region_reserved(&mb, first, PAGE));
	assert_int_equal(mb.reserved.cnt, 256 + 1);
}

/*
 *   memory      [====================================]
 *   reserved    r   r   r   r   r   r   r                128 of them
 *   to reserve      [================================]
 *   Expect: the array lies before it, though there is so much room inside; a page less: -ENOMEM.
 */
static void grow_never_lands_in_the_range_to_reserve(void **state)
{
	qy_addr_t from = 2 * PAGE + ARRAY;

	(void)state;
	fill_reserved();
	before = mb;
	assert_int_equal(qy_memblock_reserve_kern(&mb, from - PAGE, TOP), -ENOMEM);
	assert_unchanged();
	assert_int_equal(qy_memblock_reserve_kern(&mb, from, TOP - from), 0);
	assert_own_array(&mb.reserved, 256);
	assert_true(mb.reserved.array_addr == 2 * PAGE);
	assert_int_equal(mb.reserved.cnt, 256);
}

static void grow_lands_beside_the_range_above_or_below(void **state)
{
	qy_addr_t from = PAGE * 600, to = TOP - ARRAY;

	(void)state;
	fill_reserved();
	/* Just as much room as it takes is left above. */
	assert_int_equal(qy_memblock_reserve(&mb, from, to - from), 0);
	assert_own_array(&mb.reserved, 256);
	assert_true(mb.reserved.array_addr == to);

	/* One page less: then below. */
	set_up(state);
	fill_reserved();
	assert_int_equal(qy_memblock_reserve(&mb, from, to + PAGE - from), 0);
	assert_own_array(&mb.reserved, 256);
	assert_true(mb.reserved.array_addr == from - ARRAY);
}

/* What is being added is no place for the array that notes it, though it will be memory. */
static void grow_never_lands_in_the_range_to_add(void **state)
{
	(void)state;
	fill_memory();
	assert_int_equal(qy_memblock_reserve(&mb, TOP / 2, TOP / 2), 0);
	before = mb;
	assert_int_equal(qy_memblock_add(&mb, PAGE, 256 * PAGE, 0, 0), -ENOMEM);
	assert_unchanged();
	/* With an island elsewhere it succeeds: that is free before the call. */
	assert_int_equal(qy_memblock_free(&mb, TOP / 2 + 4 * PAGE, 2 * PAGE), 0);
	assert_int_equal(qy_memblock_add(&mb, PAGE, 256 * PAGE, 0, 0), 0);
	assert_own_array(&mb.memory, 256);
	assert_true(mb.memory.array_addr == TOP / 2 + 6 * PAGE - ARRAY);
}

/* Expect: the array of memory is one range more in reserved; so both move, to different places. */
static void grow_both_when_both_are_full(void **state)
{
	(void)state;
	fill_memory();
	for (unsigned int i = 0; i < QY_MEMBLOCK_REGIONS; i++)
		assert_int_equal(qy_memblock_reserve(&mb, i * 2 * PAGE, PAGE), 0);
	assert_int_equal(qy_memblock_add(&mb, 300 * PAGE, 64 * PAGE, 0, 0), 0);
	assert_own_array(&mb.memory, 256);
	assert_own_array(&mb.reserved, 256);
	assert_int_equal(mb.memory.cnt, QY_MEMBLOCK_REGIONS + 1);
	assert_true(mb.reserved.total_size ==
		    QY_MEMBLOCK_REGIONS * PAGE + mb.memory.array_size + mb.reserved.array_size);
	assert_int_equal(qy_memblock_discard(&mb, 10, count_pages, NULL), 2 * ARRAY / PAGE);
	assert_int_equal(given, 2 * ARRAY / PAGE);
}

/* Expect: there is room for the one array, but it cannot be noted. */
static void grow_both_without_room_for_both_is_enomem(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 2 * PAGE, ARRAY, 0, 0), 0);
	for (unsigned int i = 0; i < QY_MEMBLOCK_REGIONS; i++) {
		if (i)
			assert_int_equal(qy_memblock_add(&mb, TOP / 2 + i * 2 * PAGE, PAGE, 0, 0),
					 0);
		assert_int_equal(qy_memblock_reserve(&mb, TOP / 2 + i * 2 * PAGE, PAGE), 0);
	}
	before = mb;
	assert_int_equal(qy_memblock_add(&mb, 300 * PAGE, PAGE, 0, 0), -ENOMEM);
	assert_unchanged();
	/* One less in reserved: it can. */
	assert_int_equal(qy_memblock_free(&mb, TOP / 2, PAGE), 0);
	assert_int_equal(qy_memblock_add(&mb, 300 * PAGE, PAGE, 0, 0), 0);
	assert_own_array(&mb.memory, 256);
	assert_int_equal(mb.reserved.array_size, 0);
}

static void grow_needs_permission_and_memory_in_reach(void **state)
{
	(void)state;
	fill_reserved();
	mb.can_resize = false;
	before = mb;
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), -ENOMEM);
	assert_unchanged();
	assert_string_equal(logged, "");

	mb.can_resize = true;
	out_of_reach = true;
	before = mb;
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), -ENOMEM);
	assert_unchanged();
	assert_string_equal(logged,
			    "memblock: Failed to double reserved array from 128 to 256 entries !");

	assert_int_equal(qy_memblock_set_ops(&mb, NULL, NULL), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), -ENOMEM);
	assert_int_equal(qy_memblock_set_ops(&mb, &own, memory), 0);
	out_of_reach = false;
	mb.current_limit = 2 * PAGE;
	before = mb;
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), -ENOMEM);
	assert_unchanged();
	mb.current_limit = QY_MEMBLOCK_ALLOC_ANYWHERE;
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), 0);
}

static void grow_from_a_hook_reserves_nothing(void **state)
{
	(void)state;
	fill_reserved();
	assert_int_equal(qy_memblock_set_ops(&mb, &hook, memory), 0);
	hook_fails = true;
	before = mb;
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), -ENOMEM);
	assert_unchanged();
	hook_fails = false;
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), 0);
	assert_int_equal(arrays_out, 1);
	assert_int_equal(mb.reserved.max, 256);
	assert_true(mb.reserved.array_addr == 0 && mb.reserved.array_size != 0);
	assert_int_equal(mb.reserved.cnt, QY_MEMBLOCK_REGIONS + 1);
	for (qy_addr_t at = PAGE * 512; mb.reserved.max == 256; at += 2 * PAGE)
		assert_int_equal(qy_memblock_reserve(&mb, at, PAGE), 0);
	assert_int_equal(arrays_out, 1);
	/* Without the hook the next one is memblock's own, the hook's goes back. */
	assert_int_equal(qy_memblock_set_ops(&mb, &own, memory), 0);
	for (qy_addr_t at = PAGE * 513; mb.reserved.max == 512; at += PAGE / 8)
		assert_int_equal(qy_memblock_reserve(&mb, at, 16), 0);
	assert_int_equal(arrays_out, 0);
	assert_own_array(&mb.reserved, 1024);
}

static void grow_misaligned_array_is_refused(void **state)
{
	(void)state;
	fill_reserved();
	assert_int_equal(qy_memblock_set_ops(&mb, &hook, memory), 0);
	hook_offset = 4;
	before = mb;
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), -ENOMEM);
	assert_unchanged();
	assert_int_equal(arrays_out, 0);
}

/* Expect: as many doublings as it takes, at once. */
static void grow_more_than_twice_at_once(void **state)
{
	(void)state;
	/* 128, 129 gaps, and the array's own. */
	fill_reserved();
	assert_int_equal(qy_memblock_reserve_kern(&mb, 0, PAGE * 512), 0);
	assert_int_equal(mb.reserved.cnt, 2 * QY_MEMBLOCK_REGIONS + 1 + 1);
	assert_own_array(&mb.reserved, 512);

	set_up(state);
	assert_int_equal(qy_memblock_set_ops(&mb, &hook, memory), 0);
	fill_memory();
	assert_int_equal(qy_memblock_add(&mb, 0, TOP, 1, 0), 0);
	assert_int_equal(mb.memory.cnt, 2 * QY_MEMBLOCK_REGIONS + 1);
	assert_int_equal(mb.memory.max, 512);
	assert_int_equal(arrays_out, 1);
	for (unsigned int i = 0; i < QY_MEMBLOCK_REGIONS; i++)
		assert_int_equal(qy_memblock_reserve(&mb, PAGE + i * 4 * PAGE, PAGE), 0);
	assert_int_equal(qy_memblock_reserve_kern(&mb, 0, TOP), 0);
	assert_int_equal(mb.reserved.max, 512);
	assert_int_equal(arrays_out, 2);
	qy_memblock_discard(&mb, 0, NULL, NULL);
}

/*
 *   reserved    r r r …   [ kern | old array | kern ]     127 of them, the last one region
 *   Expect: the new array is the 128th; but without the old one that region is two. So `reserved`
 *   moves as well; and if it cannot, nothing has happened.
 */
static void grow_that_splits_a_reserved_region(void **state)
{
	qy_addr_t limit = TOP - 32 * PAGE, at, room;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, TOP / 2, TOP / 2, 0, 0), 0);
	mb.current_limit = limit;
	for (unsigned int i = 0; mb.memory.max < 256; i++)
		assert_int_equal(qy_memblock_add(&mb, PAGE + i * 64, 16, 0, 0), 0);
	at = mb.memory.array_addr;
	assert_true(at + mb.memory.array_size == limit);
	assert_int_equal(qy_memblock_reserve_kern(&mb, at - PAGE, ARRAY + 2 * PAGE), 0);
	assert_int_equal(mb.reserved.cnt, 1);
	for (unsigned int i = 0; i < 126; i++)
		assert_int_equal(qy_memblock_reserve(&mb, i * 16, 8), 0);
	for (unsigned int i = 200; mb.memory.cnt < 256; i++)
		assert_int_equal(qy_memblock_add(&mb, PAGE + i * 64, 16, 0, 0), 0);

	/* There is only room for one, and it does not touch the region. */
	mb.current_limit = at - 2 * PAGE;
	room = (512 * sizeof(struct qy_memblock_region) + PAGE - 1) / PAGE * PAGE + ARRAY - PAGE;
	assert_int_equal(qy_memblock_reserve(&mb, TOP / 2, mb.current_limit - room - TOP / 2), 0);
	assert_int_equal(qy_memblock_free(&mb, 0, 8), 0); /* 127 again */
	before = mb;
	assert_int_equal(qy_memblock_add(&mb, 300 * PAGE, 16, 0, 0), -ENOMEM);
	assert_unchanged();

	assert_int_equal(qy_memblock_free(&mb, TOP / 2, 8 * ARRAY), 0);
	assert_int_equal(mb.reserved.cnt, 127);
	mb.debug = true;
	assert_int_equal(qy_memblock_add(&mb, 300 * PAGE, 16, 0, 0), 0);
	assert_string_equal(logged, "memblock: memory array is doubled to 512 entries");
	assert_own_array(&mb.memory, 512);
	assert_own_array(&mb.reserved, 256);
	assert_false(qy_memblock_is_region_reserved(&mb, at, ARRAY));
	assert_true(qy_memblock_is_reserved(&mb, at - 1));
	assert_true(qy_memblock_is_reserved(&mb, at + ARRAY));
}

/* Expect: the first doubling is too little, there is no room for the second: nothing happened. */
static void grow_twice_without_room_is_enomem(void **state)
{
	(void)state;
	fill_reserved();
	/* 129 gaps and the array's own make 258; pages behind 512 are taken but for one array. */
	mb.current_limit = 512 * PAGE + ARRAY;
	before = mb;
	assert_int_equal(qy_memblock_reserve_kern(&mb, 0, PAGE * 512), PAGE == 4096 ? -ENOMEM : 0);
	if (PAGE == 4096)
		assert_unchanged();
	/* The same of memory, whose array is no memory of its own. */
	set_up(state);
	fill_memory();
	assert_int_equal(qy_memblock_set_ops(&mb, &hook, memory), 0);
	hook_left = 1;
	before = mb;
	assert_int_equal(qy_memblock_add(&mb, 0, TOP, 1, 0), -ENOMEM);
	assert_unchanged();
	assert_int_equal(arrays_out, 0);
}

static void own_array_is_not_taken_away(void **state)
{
	qy_addr_t at;

	(void)state;
	fill_reserved();
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), 0);
	at = mb.reserved.array_addr;
	before = mb;
	assert_int_equal(qy_memblock_free(&mb, at, 1), -EBUSY);
	assert_int_equal(qy_memblock_free(&mb, 0, at + 1), -EBUSY);
	assert_int_equal(qy_memblock_remove(&mb, at + mb.reserved.array_size - 1, 1), -EBUSY);
	assert_int_equal(qy_memblock_remove(&mb, 0, TOP), -EBUSY);
	assert_int_equal(qy_memblock_enforce_memory_limit(&mb, TOP / 2), -EBUSY);
	assert_int_equal(qy_memblock_mem_limit_remove_map(&mb, TOP / 2), -EBUSY);
	assert_int_equal(qy_memblock_cap_memory_range(&mb, 0, at + 1), -EBUSY);
	assert_int_equal(qy_memblock_cap_memory_range(&mb, at + 1, TOP), -EBUSY);
	assert_int_equal(qy_memblock_trim_memory(&mb, TOP - PAGE), -EBUSY);
	assert_unchanged();
	/* Just beside it nothing is in the way. */
	assert_int_equal(qy_memblock_remove(&mb, 0, at), 0);
	assert_int_equal(qy_memblock_free(&mb, 0, at), 0);
	assert_int_equal(qy_memblock_cap_memory_range(&mb, at, mb.reserved.array_size), 0);
	assert_int_equal(mb.memory.cnt, 1);
	assert_own_array(&mb.reserved, 256);
}

/*
 *   memory     [=========================]      pages 1 … 1023
 *   kept           [=================]          by trimming to multiples of 4 pages
 *   Expect: refused if the array lies in one of the ends, and only then.
 */
static void trim_memory_minds_the_array(void **state)
{
	(void)state;
	/* In the end that goes. */
	fill_reserved();
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), 0);
	before = mb;
	assert_int_equal(qy_memblock_trim_memory(&mb, 1000 * PAGE), -EBUSY);
	assert_unchanged();
	assert_int_equal(qy_memblock_remove(&mb, 2 * PAGE, 2 * PAGE), 0);
	assert_int_equal(qy_memblock_trim_memory(&mb, 1000 * PAGE), -EBUSY); /* the second */
	assert_int_equal(qy_memblock_trim_memory(&mb, 4 * PAGE), 0);
	assert_true(qy_memblock_start_of_DRAM(&mb) == 4 * PAGE);

	/* In the beginning. */
	set_up(state);
	fill_reserved();
	mb.bottom_up = true;
	assert_int_equal(qy_memblock_remove(&mb, 0, 9 * PAGE), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 700 * PAGE, TOP - 700 * PAGE), 0);
	assert_true(mb.reserved.array_addr == 10 * PAGE);
	before = mb;
	assert_int_equal(qy_memblock_trim_memory(&mb, 4 * PAGE), -EBUSY);
	assert_unchanged();
	assert_int_equal(qy_memblock_trim_memory(&mb, 2 * PAGE), 0);
	assert_true(qy_memblock_start_of_DRAM(&mb) == 10 * PAGE);
	assert_own_array(&mb.reserved, 256);
}

static void physmem_fifth_region_grows(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < QY_MEMBLOCK_PHYSMEM_REGIONS; i++)
		assert_int_equal(qy_memblock_physmem_add(&mb, i * 2 * PAGE, PAGE), 0);
	before = mb;
	assert_int_equal(qy_memblock_physmem_add(&mb, 0x100 * PAGE, PAGE), -ENOMEM);
	assert_unchanged();
	assert_int_equal(qy_memblock_add(&mb, PAGE, 8 * PAGE, 0, 0), 0);
	assert_int_equal(qy_memblock_physmem_add(&mb, 0x100 * PAGE, PAGE), 0);
	assert_int_equal(mb.physmem.cnt, 5);
	assert_own_array(&mb.physmem, 8);
	assert_int_equal(qy_memblock_discard(&mb, 10, count_pages, NULL), 1);
	assert_int_equal(mb.physmem.cnt, 0);
}

/*
 *   memory     [=== node 0 ===][=== node 1 ===]
 *   reserved   r r r r     [=======]               128 of them, the last over the border
 *   Expect: free_all needs 129, and one more for the array of them.
 */
static void free_all_grows_for_the_nodes(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, PAGE, 511 * PAGE, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 512 * PAGE, 512 * PAGE, 1, 0), 0);
	for (unsigned int i = 0; i < QY_MEMBLOCK_REGIONS - 1; i++)
		assert_int_equal(qy_memblock_reserve(&mb, (1 + 2 * i) * PAGE, PAGE), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 510 * PAGE, 4 * PAGE), 0);
	mb.can_resize = false;
	before = mb;
	assert_int_equal(qy_memblock_free_all(&mb, 10, count_pages, NULL, NULL), -ENOMEM);
	assert_unchanged();
	assert_int_equal(given, 0);

	mb.can_resize = true;
	assert_int_equal(qy_memblock_free_all(&mb, 10, count_pages, NULL, NULL), 0);
	assert_own_array(&mb.reserved, 256);
	assert_int_equal(mb.reserved.cnt, QY_MEMBLOCK_REGIONS + 2);
	for (uint32_t i = 0; i < mb.reserved.cnt; i++)
		assert_int_equal(mb.reserved.regions[i].nid,
				 mb.reserved.regions[i].base >= 512 * PAGE);
	assert_int_equal(given, 1023 - 127 - 4 - mb.reserved.array_size / PAGE);
	/* The end: the array's pages come, too. */
	assert_int_equal(qy_memblock_discard(&mb, 10, count_pages, NULL), ARRAY / PAGE);
	assert_int_equal(given, 1023 - 127 - 4);
}

static void discard_gives_back_the_hooks_arrays(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_set_ops(&mb, &hook, memory), 0);
	fill_reserved();
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), 0);
	assert_int_equal(arrays_out, 1);
	assert_int_equal(qy_memblock_discard(&mb, 10, NULL, NULL), 0);
	assert_int_equal(arrays_out, 0);
	assert_int_equal(mb.memory.cnt + mb.reserved.cnt, 0);
	assert_int_equal(mb.reserved.max, QY_MEMBLOCK_REGIONS);
	assert_ptr_equal(mb.reserved.regions, mb.reserved_regions);
}

/* A hook whose memory never goes back; in the end there may not even be hooks. */
static void array_free_may_be_missing(void **state)
{
	struct qy_memblock_ops ops = hook;
	void *first, *second;

	(void)state;
	ops.array_free = NULL;
	fill_reserved();
	assert_int_equal(qy_memblock_set_ops(&mb, &ops, memory), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), 0);
	first = mb.reserved.regions;
	for (qy_addr_t at = PAGE * 512; mb.reserved.max == 256; at += 2 * PAGE)
		assert_int_equal(qy_memblock_reserve(&mb, at, PAGE), 0);
	second = mb.reserved.regions;
	assert_int_equal(arrays_out, 2);
	assert_int_equal(qy_memblock_discard(&mb, 10, count_pages, NULL), 0);
	assert_int_equal(arrays_out, 2);
	free(first);
	free(second);

	fill_reserved();
	assert_int_equal(qy_memblock_reserve(&mb, 3 * PAGE, PAGE), 0);
	first = mb.reserved.regions;
	assert_int_equal(qy_memblock_set_ops(&mb, NULL, NULL), 0);
	assert_int_equal(qy_memblock_discard(&mb, 10, count_pages, NULL), 0);
	free(first);
}

static void set_ops_unknown_size_is_einval(void **state)
{
	struct qy_memblock_ops bad = own;

	(void)state;
	bad.struct_size++;
	assert_int_equal(qy_memblock_set_ops(&mb, &bad, NULL), -EINVAL);
	assert_ptr_equal(mb.ops, &own);
}

static void map_at_does_not_wrap(void **state)
{
	(void)state;
	assert_ptr_equal(qy_memblock_map_at(NULL, 0x1000, 1), (void *)0x1000);
	assert_ptr_equal(qy_memblock_map_at(memory, 8, 8), memory + 8);
	assert_null(qy_memblock_map_at(memory, UINTPTR_MAX, 1));
	assert_null(qy_memblock_map_at((void *)0x1000, UINTPTR_MAX - 0x1000, 1));
	assert_null(qy_memblock_map_at(NULL, 0x1000, UINTPTR_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, set_up)
		T(grow_129th_region_gets_an_array_of_256),
		T(grow_again_frees_the_array_before),
		T(grow_never_lands_in_the_range_to_reserve),
		T(grow_lands_beside_the_range_above_or_below),
		T(grow_never_lands_in_the_range_to_add),
		T(grow_both_when_both_are_full),
		T(grow_both_without_room_for_both_is_enomem),
		T(grow_needs_permission_and_memory_in_reach),
		T(grow_from_a_hook_reserves_nothing),
		T(grow_misaligned_array_is_refused),
		T(grow_more_than_twice_at_once),
		T(grow_that_splits_a_reserved_region),
		T(grow_twice_without_room_is_enomem),
		T(own_array_is_not_taken_away),
		T(trim_memory_minds_the_array),
		T(physmem_fifth_region_grows),
		T(free_all_grows_for_the_nodes),
		T(discard_gives_back_the_hooks_arrays),
		T(array_free_may_be_missing),
		T(set_ops_unknown_size_is_einval),
		T(map_at_does_not_wrap),
#undef T
	};
	int failed;

	memory = aligned_alloc(QY_PAGE_SIZE, NR_PAGES * QY_PAGE_SIZE);
	failed = memory ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
	free(memory);
	return failed;
}
