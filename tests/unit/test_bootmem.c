/* SPDX-License-Identifier: MIT */
/*
 * test_bootmem.c - bootmem, rule by rule. A page has 64 bytes here; the usual map:
 *
 *   page     4          20          30            40
 *            [  node 3  ][  node 1  ]    (hole)    [  node 0  ]  50
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

#include <quarry/check.h>
#include <quarry/early.h>

#include "util/compiler.h"

#define SHIFT 6
#define PAGE ((qy_addr_t)64)
#define FIRST 4
#define END 50
#define BITS (8 * sizeof(unsigned long))
#define MAP_LONGS 32
#define ANY QY_BOOTMEM_ANY_NODE
#define UNTOUCHED ((qy_addr_t)0xdead)

static struct qy_bootmem bm;
static unsigned long map[4][MAP_LONGS];
static char memory[(END - FIRST) * 64];
static char said[512]; /* what came out of log and panic */
static qy_addr_t addr;

/* All state; for "as before, bit for bit". */
static struct {
	struct qy_bootmem bm;
	unsigned long map[4][MAP_LONGS];
	char memory[sizeof(memory)];
} before;

static void save(void)
{
	before.bm = bm;
	memcpy(before.map, map, sizeof(map));
	memcpy(before.memory, memory, sizeof(memory));
	addr = UNTOUCHED;
	said[0] = '\0';
}

static bool is_as_saved(void)
{
	return !memcmp(&before.bm, &bm, sizeof(bm)) && !memcmp(before.map, map, sizeof(map)) &&
	       !memcmp(before.memory, memory, sizeof(memory)) && addr == UNTOUCHED && !said[0];
}

/* The call fails with @err, and that is all. */
#define FAILS(err, call)                                                                           \
	do {                                                                                       \
		save();                                                                            \
		assert_int_equal(call, err);                                                       \
		assert_true(is_as_saved());                                                        \
	} while (0)

/* The allocation succeeds and gives @at. */
#define GIVES(at, call)                                                                            \
	do {                                                                                       \
		assert_int_equal(call, 0);                                                         \
		assert_int_equal(addr, at);                                                        \
		assert_int_equal(qy_bootmem_check(&bm, NULL), 0);                                  \
	} while (0)

static void say(void *ctx, const char *text)
{
	size_t len = strlen(said);

	assert_ptr_equal(ctx, said);
	snprintf(said + len, sizeof(said) - len, "%s\n", text);
}

static void make(void)
{
	struct qy_bootmem_config cfg = QY_BOOTMEM_CONFIG_INIT;

	cfg.page_shift = SHIFT;
	cfg.base = memory;
	cfg.base_addr = FIRST * PAGE;
	cfg.panic = say;
	cfg.ctx = said;
	memset(map, 0x55, sizeof(map));
	memset(memory, 0xee, sizeof(memory));
	assert_int_equal(qy_bootmem_init(&bm, &cfg), 0);
	said[0] = '\0';
}

static void add_node(int nid, uint64_t min, uint64_t end)
{
	assert_int_equal(qy_bootmem_init_node(&bm, nid, map[nid], QY_BOOTMEM_OUTSIDE, min, end), 0);
}

static int set_up(void **state)
{
	(void)state;
	make();
	add_node(1, 20, 30);
	add_node(0, 40, END);
	add_node(3, FIRST, 20);
	return 0;
}

/* Everything is free. */
static int set_up_free(void **state)
{
	set_up(state);
	assert_int_equal(qy_bootmem_free(&bm, 4 * PAGE, 26 * PAGE), 0);
	assert_int_equal(qy_bootmem_free(&bm, 40 * PAGE, 10 * PAGE), 0);
	return 0;
}

static bool is_free(uint64_t pfn)
{
	for (unsigned int i = 0; i < bm.nr_nodes; i++) {
		const struct qy_bootmem_node *n = &bm.node[i];
		uint64_t bit = pfn - n->min_pfn;

		if (pfn >= n->min_pfn && pfn < n->end_pfn)
			return !(n->map[bit / BITS] >> bit % BITS & 1);
	}
	return false;
}

/* Pages [from, to) are free, and no other. */
static void assert_free(uint64_t from, uint64_t to)
{
	for (uint64_t pfn = 0; pfn < END + 10; pfn++)
		assert_int_equal(is_free(pfn), pfn >= from && pfn < to);
	assert_int_equal(qy_bootmem_nr_free(&bm), to - from);
}

static struct qy_bootmem_node *node(int nid)
{
	for (unsigned int i = 0; i < bm.nr_nodes; i++)
		if (bm.node[i].nid == nid)
			return &bm.node[i];
	return NULL;
}

/* ---- nodes ---- */

static void init_takes_the_configuration_or_refuses_it(void **state)
{
	struct qy_bootmem_config cfg = QY_BOOTMEM_CONFIG_INIT;

	(void)state;
	assert_int_equal(qy_bootmem_init(&bm, NULL), 0);
	assert_int_equal(bm.struct_size, sizeof(bm));
	assert_int_equal(bm.nr_nodes, 0);
	assert_int_equal(bm.cfg.page_shift, QY_CONFIG_PAGE_SHIFT);
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 1, 1, 0, 0, &addr));
	FAILS(-ERANGE, qy_bootmem_reserve(&bm, 0, 1, 0));
	cfg.page_shift = 30;
	assert_int_equal(qy_bootmem_init(&bm, &cfg), 0);
	cfg.page_shift = 31;
	FAILS(-EINVAL, qy_bootmem_init(&bm, &cfg));
	cfg.page_shift = 12;
	cfg.struct_size--;
	FAILS(-EINVAL, qy_bootmem_init(&bm, &cfg));
}

static void map_bytes_is_a_bit_per_page_in_whole_longs(void **state)
{
	const size_t one = sizeof(unsigned long);

	(void)state;
	make();
	assert_int_equal(qy_bootmem_map_bytes(0), 0);
	assert_int_equal(qy_bootmem_map_bytes(1), one);
	assert_int_equal(qy_bootmem_map_bytes(BITS), one);
	assert_int_equal(qy_bootmem_map_bytes(BITS + 1), 2 * one);
	assert_int_equal(qy_bootmem_map_bytes(1 << 20), 1 << 17);
	assert_int_equal(qy_bootmem_map_pages(&bm, 1), 1);
	assert_int_equal(qy_bootmem_map_pages(&bm, 512), 1);
	assert_int_equal(qy_bootmem_map_pages(&bm, 513), 2);
}

/* BM1 */
static void init_node_reserves_every_page_and_touches_its_map_only(void **state)
{
	(void)state;
	make();
	add_node(2, 10, 10 + BITS + 3);
	for (unsigned int i = 0; i < MAP_LONGS; i++)
		assert_true(map[2][i] == (i < 2 ? ~0ul : (unsigned long)0x5555555555555555));
	assert_int_equal(node(2)->map_bytes, 2 * sizeof(unsigned long));
	assert_int_equal(node(2)->hint_idx, 0);
	assert_int_equal(node(2)->last_end_off, 0);
	assert_int_equal(qy_bootmem_nr_free(&bm), 0);
	assert_int_equal(qy_bootmem_free(&bm, 10 * PAGE, (BITS + 3) * PAGE), 0);
	assert_int_equal(qy_bootmem_nr_free(&bm), BITS + 3);
	assert_true(map[2][1] == ~0ul << 3);
}

/* BM2 */
static void nodes_ascend_whatever_the_order_they_come_in(void **state)
{
	(void)state;
	assert_int_equal(bm.nr_nodes, 3);
	assert_int_equal(bm.node[0].nid, 3);
	assert_int_equal(bm.node[1].nid, 1);
	assert_int_equal(bm.node[2].nid, 0);
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
}

static int try_node(int nid, void *at, uint64_t min, uint64_t end)
{
	return qy_bootmem_init_node(&bm, nid, at, QY_BOOTMEM_OUTSIDE, min, end);
}

static void init_node_refuses_what_makes_no_sense(void **state)
{
	const uint64_t max_pfn = ~(qy_addr_t)0 >> SHIFT;

	(void)state;
	FAILS(-EINVAL, try_node(-1, map[2], 60, 70));
	FAILS(-EINVAL, try_node(QY_BOOTMEM_NODES, map[2], 60, 70));
	FAILS(-EINVAL, try_node(2, map[2], 60, 60));
	FAILS(-EINVAL, try_node(2, map[2], 60, 59));
	FAILS(-EINVAL, try_node(2, map[2], max_pfn - 10, max_pfn + 1));
	FAILS(-EINVAL, try_node(2, map[2], FIRST - 1, FIRST)); /* before the memory begins */
	FAILS(-EINVAL, try_node(2, NULL, 60, 70));
	FAILS(-EINVAL, try_node(2, (char *)map[2] + 1, 60, 70));
	FAILS(-EINVAL, try_node(2, map[1], 60, 70));
	FAILS(-EEXIST, try_node(1, map[2], 60, 70));
	FAILS(-EEXIST, try_node(1, map[1], 20, 30));
	FAILS(-EEXIST, try_node(2, map[2], 29, 31));
	FAILS(-EEXIST, try_node(2, map[2], 0 + FIRST, END));
	FAILS(-EEXIST, try_node(2, map[2], 45, 46));
	assert_int_equal(try_node(2, map[2], 30, 40), 0);
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
}

static void init_node_takes_a_map_only_inside_of_the_node(void **state)
{
	(void)state;
	make();
	FAILS(-EINVAL, qy_bootmem_init_node(&bm, 2, map[2], 10 * PAGE + 8, 10, 20));
	FAILS(-EINVAL, qy_bootmem_init_node(&bm, 2, map[2], 9 * PAGE, 10, 20));
	FAILS(-EINVAL, qy_bootmem_init_node(&bm, 2, map[2], 20 * PAGE, 10, 20));
	/* A map of two pages at the last one. */
	FAILS(-EINVAL, qy_bootmem_init_node(&bm, 2, map[0], 722 * PAGE, 10, 723));
	assert_int_equal(qy_bootmem_init_node(&bm, 2, map[0], 721 * PAGE, 10, 723), 0);
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
}

static void there_is_room_for_every_node_number(void **state)
{
	static unsigned long maps[QY_BOOTMEM_NODES];

	(void)state;
	make();
	for (unsigned int i = 0; i < QY_BOOTMEM_NODES; i++) {
		unsigned int nid = i * 37 % QY_BOOTMEM_NODES; /* in some order */

		assert_int_equal(try_node((int)nid, &maps[nid], 100 + nid, 101 + nid), 0);
	}
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
	assert_int_equal(qy_bootmem_free(&bm, 100 * PAGE, QY_BOOTMEM_NODES * PAGE), 0);
	assert_int_equal(qy_bootmem_nr_free(&bm), QY_BOOTMEM_NODES);
	FAILS(-EEXIST, try_node(5, map[0], 300, 301));
}

/* The last page that has an end, and the addresses behind it. */
static void the_end_of_the_address_space_is_no_trap(void **state)
{
	const uint64_t end = ~(qy_addr_t)0 >> SHIFT;
	const qy_addr_t top = end << SHIFT;

	(void)state;
	make();
	bm.cfg.base = NULL;
	add_node(2, end - 3, end);
	assert_int_equal(qy_bootmem_free(&bm, top - 3 * PAGE, 3 * PAGE), 0);
	FAILS(-ERANGE, qy_bootmem_reserve(&bm, top - PAGE, 2 * PAGE, 0)); /* wraps to 0 */
	FAILS(-ERANGE, qy_bootmem_reserve(&bm, top - PAGE, 2 * PAGE - 1, 0));
	FAILS(-ERANGE, qy_bootmem_reserve(&bm, top - 1, ~(qy_addr_t)0, 0));
	FAILS(-ERANGE, qy_bootmem_free(&bm, top - PAGE, ~(qy_addr_t)0));
	FAILS(-ERANGE, qy_bootmem_free(&bm, top, PAGE));
	FAILS(0, qy_bootmem_free(&bm, top, PAGE - 1)); /* no whole page */
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, ~(qy_addr_t)0, 1, 0, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, ~(qy_addr_t)0, 1, top - 1, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 1, (qy_addr_t)1 << 63, 0, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 1, 1, ~(qy_addr_t)0, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, ANY, 2, 1, ~(qy_addr_t)0 - 1, top, &addr));
	GIVES(top - 3 * PAGE, qy_bootmem_alloc(&bm, 3 * PAGE, 1, ~(qy_addr_t)0, &addr));
}

/* ---- reserve and free ---- */

/* BM6 */
static void free_rounds_inwards_and_reserve_outwards(void **state)
{
	(void)state;
	assert_int_equal(qy_bootmem_free(&bm, 5 * PAGE + 1, 5 * PAGE - 2), 0);
	assert_free(6, 9);
	assert_int_equal(qy_bootmem_free(&bm, 9 * PAGE, 3 * PAGE), 0);
	assert_free(6, 12);
	assert_int_equal(qy_bootmem_reserve(&bm, 11 * PAGE + 63, 1, 0), 0);
	assert_free(6, 11);
	assert_int_equal(qy_bootmem_reserve(&bm, 7 * PAGE - 1, 2, 0), 0);
	assert_free(8, 11);
	assert_int_equal(qy_bootmem_reserve(&bm, 9 * PAGE + 5, 2 * PAGE, 0), 0);
	assert_free(8, 9);
}

static void ranges_without_a_page_are_success_without_effect(void **state)
{
	(void)state;
	FAILS(0, qy_bootmem_free(&bm, 5 * PAGE + 1, PAGE));
	FAILS(0, qy_bootmem_free(&bm, 5 * PAGE, PAGE - 1));
	FAILS(0, qy_bootmem_free(&bm, 5 * PAGE, 0));
	FAILS(0, qy_bootmem_reserve(&bm, 5 * PAGE, 0, QY_BOOTMEM_EXCLUSIVE));
	FAILS(0, qy_bootmem_reserve(&bm, 5 * PAGE + 7, 0, QY_BOOTMEM_EXCLUSIVE));
	FAILS(0, qy_bootmem_free(&bm, 500 * PAGE + 1, PAGE));
	FAILS(0, qy_bootmem_reserve(&bm, 500 * PAGE, 0, 0));
}

static void ranges_may_span_nodes_that_touch(void **state)
{
	(void)state;
	assert_int_equal(qy_bootmem_free(&bm, 18 * PAGE, 5 * PAGE), 0);
	assert_free(18, 23);
	assert_int_equal(qy_bootmem_reserve(&bm, 18 * PAGE, 5 * PAGE, QY_BOOTMEM_EXCLUSIVE), 0);
	assert_free(0, 0);
}

static void pages_of_no_node_are_refused(void **state)
{
	(void)state;
	FAILS(-ERANGE, qy_bootmem_free(&bm, 3 * PAGE, 2 * PAGE));
	FAILS(-ERANGE, qy_bootmem_free(&bm, 29 * PAGE, 2 * PAGE));
	FAILS(-ERANGE, qy_bootmem_free(&bm, 20 * PAGE, 25 * PAGE)); /* over the hole */
	FAILS(-ERANGE, qy_bootmem_free(&bm, 49 * PAGE, 2 * PAGE));
	FAILS(-ERANGE, qy_bootmem_free(&bm, 0, PAGE));
	FAILS(-ERANGE, qy_bootmem_reserve(&bm, 30 * PAGE - 1, 2, 0));
	FAILS(-ERANGE, qy_bootmem_reserve(&bm, 4 * PAGE - 1, 2, 0));
	FAILS(-ERANGE, qy_bootmem_reserve(&bm, 50 * PAGE, 1, 0));
	FAILS(-ERANGE, qy_bootmem_reserve(&bm, 35 * PAGE, 1, 0));
	/* A hole is worse than a page in use. */
	FAILS(-ERANGE, qy_bootmem_reserve(&bm, 29 * PAGE, 2 * PAGE, QY_BOOTMEM_EXCLUSIVE));
}

static void node_calls_stay_in_their_node(void **state)
{
	(void)state;
	FAILS(-ERANGE, qy_bootmem_free_node(&bm, 3, 18 * PAGE, 5 * PAGE));
	FAILS(-ERANGE, qy_bootmem_free_node(&bm, 1, 18 * PAGE, 5 * PAGE));
	FAILS(-ERANGE, qy_bootmem_reserve_node(&bm, 1, 19 * PAGE, 1, 0));
	FAILS(-EINVAL, qy_bootmem_free_node(&bm, 2, 20 * PAGE, PAGE));
	FAILS(-EINVAL, qy_bootmem_free_node(&bm, ANY, 20 * PAGE, PAGE));
	FAILS(-EINVAL, qy_bootmem_reserve_node(&bm, ANY, 20 * PAGE, 0, 0));
	assert_int_equal(qy_bootmem_free_node(&bm, 1, 20 * PAGE, 5 * PAGE), 0);
	assert_int_equal(qy_bootmem_reserve_node(&bm, 1, 23 * PAGE, PAGE + 1, 1), 0);
	assert_free(20, 23);
	FAILS(-EBUSY, qy_bootmem_reserve_node(&bm, 1, 22 * PAGE, 2 * PAGE, 1));
}

static void reserve_knows_two_flags(void **state)
{
	(void)state;
	assert_int_equal(qy_bootmem_reserve(&bm, 5 * PAGE, PAGE, QY_BOOTMEM_DEFAULT), 0);
	assert_int_equal(qy_bootmem_reserve(&bm, 5 * PAGE, PAGE, QY_BOOTMEM_DEFAULT), 0);
	FAILS(-EBUSY, qy_bootmem_reserve(&bm, 5 * PAGE, PAGE, QY_BOOTMEM_EXCLUSIVE));
	FAILS(-EINVAL, qy_bootmem_reserve(&bm, 5 * PAGE, PAGE, 2));
	FAILS(-EINVAL, qy_bootmem_reserve(&bm, 5 * PAGE, 0, 4 | QY_BOOTMEM_EXCLUSIVE));
}

/*
 *   [  ....... ][x......   ]    BM5: one page in the second node is taken
 *        [-------]
 * Expect: nothing changes, neither here nor there.
 */
static void exclusive_that_fails_in_a_later_node_changes_nothing(void **state)
{
	(void)state;
	for (uint64_t taken = 15; taken < 25; taken++) {
		assert_int_equal(qy_bootmem_reserve(&bm, taken * PAGE, 1, 1), 0);
		FAILS(-EBUSY, qy_bootmem_reserve(&bm, 15 * PAGE, 10 * PAGE, QY_BOOTMEM_EXCLUSIVE));
		assert_int_equal(qy_bootmem_free(&bm, taken * PAGE, PAGE), 0);
	}
	assert_int_equal(qy_bootmem_reserve(&bm, 15 * PAGE, 10 * PAGE, 1), 0);
	assert_int_equal(node(3)->hint_idx, 0);
}

static void freeing_a_free_page_is_refused_as_a_whole(void **state)
{
	(void)state;
	assert_int_equal(qy_bootmem_reserve(&bm, 15 * PAGE, 10 * PAGE, 0), 0);
	FAILS(-EALREADY, qy_bootmem_free(&bm, 14 * PAGE, 5 * PAGE));
	FAILS(-EALREADY, qy_bootmem_free(&bm, 15 * PAGE, 11 * PAGE)); /* the last, in node 1 */
	FAILS(-EALREADY, qy_bootmem_free_node(&bm, 1, 20 * PAGE, 6 * PAGE));
	FAILS(-ERANGE, qy_bootmem_free(&bm, 14 * PAGE, 17 * PAGE));
	assert_int_equal(qy_bootmem_free(&bm, 15 * PAGE, 10 * PAGE), 0);
}

/* ---- allocation ---- */

static void alloc_refuses_what_makes_no_sense(void **state)
{
	(void)state;
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, ANY, 0, 1, 0, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, ANY, 1, 0, 0, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, ANY, 1, 3, 0, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, ANY, 1, PAGE + 1, 0, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, ANY, 65, 1, 9 * PAGE, 10 * PAGE, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, ANY, 10 * PAGE + 1, 1, 0, 10 * PAGE, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, ANY, 1, 1, 11 * PAGE, 10 * PAGE, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, ANY, ~(qy_addr_t)0, 1, 100, 50, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, 2, 1, 1, 0, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_core(&bm, -2, 1, 1, 0, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc(&bm, 0, 1, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_nopanic(&bm, 1, 0, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_node(&bm, 2, 1, 1, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_node(&bm, ANY, 1, 1, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_node_nopanic(&bm, ANY, 1, 1, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_node_nopanic(&bm, 1, 1, 6, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_low(&bm, 1, 1, QY_BOOTMEM_LOW_LIMIT, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_low_node(&bm, ANY, 1, 1, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_low_node(&bm, 2, 1, 1, 0, &addr));
	FAILS(-EINVAL, qy_bootmem_alloc_pages(&bm, 0, 0, &addr));
}

/*
 * The search goes on behind the last allocation, though there is room before it; at the end it
 * begins anew.
 */
static void alloc_is_next_fit_then_first_fit(void **state)
{
	(void)state;
	GIVES(4 * PAGE, qy_bootmem_alloc_core(&bm, 3, 10 * PAGE, 1, 0, 0, &addr));
	assert_int_equal(qy_bootmem_free(&bm, 6 * PAGE, PAGE), 0);
	assert_int_equal(node(3)->hint_idx, 2); /* BM4 */
	GIVES(6 * PAGE, qy_bootmem_alloc_core(&bm, 3, PAGE, 1, 0, 0, &addr));
	GIVES(14 * PAGE, qy_bootmem_alloc_core(&bm, 3, 2 * PAGE, 1, 0, 0, &addr));
	assert_int_equal(node(3)->hint_idx, 12);
	node(3)->hint_idx = 14; /* as if something had been given back before it */
	GIVES(18 * PAGE, qy_bootmem_alloc_core(&bm, 3, 2 * PAGE, 1, 0, 0, &addr));
	GIVES(16 * PAGE, qy_bootmem_alloc_core(&bm, 3, 2 * PAGE, 1, 0, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, 3, 1, 1, 0, 0, &addr));
}

/* The node begins at page 4: alignment is of the address, not of the bit. */
static void alignment_above_a_page_is_of_the_address(void **state)
{
	(void)state;
	GIVES(8 * PAGE, qy_bootmem_alloc_core(&bm, 3, 1, 8 * PAGE, 0, 0, &addr));
	GIVES(16 * PAGE, qy_bootmem_alloc_core(&bm, 3, 1, 8 * PAGE, 0, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, 3, 1, 8 * PAGE, 0, 0, &addr));
	GIVES(4 * PAGE, qy_bootmem_alloc_core(&bm, 3, 1, 4 * PAGE, 0, 0, &addr));
	GIVES(12 * PAGE, qy_bootmem_alloc_core(&bm, 3, 1, 4 * PAGE, 0, 0, &addr));
	/* A run that collides is left for the next aligned one. */
	assert_int_equal(qy_bootmem_reserve(&bm, 22 * PAGE, 1, 1), 0);
	GIVES(24 * PAGE, qy_bootmem_alloc_core(&bm, 1, 3 * PAGE, 4 * PAGE, 0, 0, &addr));
}

/* BM7: result >= goal, in whichever way it could be undercut. */
static void a_goal_is_not_undercut(void **state)
{
	(void)state;
	GIVES(10 * PAGE, qy_bootmem_alloc_core(&bm, ANY, PAGE, 1, 10 * PAGE, 0, &addr));
	/* Inside of a page: the next one. */
	GIVES(13 * PAGE, qy_bootmem_alloc_core(&bm, ANY, 8, 1, 12 * PAGE + 1, 0, &addr));
	/* Behind a small one: in its page only if the goal is not behind that. */
	GIVES(14 * PAGE, qy_bootmem_alloc_core(&bm, ANY, 8, 1, 14 * PAGE, 0, &addr));
	GIVES(15 * PAGE, qy_bootmem_alloc_core(&bm, ANY, 8, 1, 14 * PAGE + 9, 0, &addr));
	GIVES(15 * PAGE + 8, qy_bootmem_alloc_core(&bm, ANY, 8, 1, 15 * PAGE + 8, 0, &addr));
	/* Inside of the last page of a node: the next node. */
	GIVES(20 * PAGE, qy_bootmem_alloc_core(&bm, ANY, 8, 1, 20 * PAGE - 1, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, 3, 8, 1, 20 * PAGE - 1, 0, &addr));
	/* In the hole; behind everything. */
	GIVES(40 * PAGE, qy_bootmem_alloc_core(&bm, ANY, 8, 1, 33 * PAGE, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 8, 1, 50 * PAGE, 0, &addr));
}

static void a_goal_behind_the_given_node_counts_for_nothing(void **state)
{
	(void)state;
	GIVES(20 * PAGE, qy_bootmem_alloc_core(&bm, 1, 8, 1, 30 * PAGE, 0, &addr));
	GIVES(20 * PAGE + 8, qy_bootmem_alloc_core(&bm, 1, 8, 1, 44 * PAGE, 0, &addr));
	GIVES(20 * PAGE + 16, qy_bootmem_alloc_core(&bm, 1, 8, 1, 4 * PAGE, 0, &addr));
}

static void the_other_calls_drop_a_goal_they_cannot_meet(void **state)
{
	(void)state;
	assert_int_equal(qy_bootmem_reserve(&bm, 40 * PAGE, 10 * PAGE, 1), 0);
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, PAGE, 1, 30 * PAGE, 0, &addr));
	GIVES(4 * PAGE, qy_bootmem_alloc(&bm, PAGE, 1, 30 * PAGE, &addr));
	GIVES(5 * PAGE, qy_bootmem_alloc_nopanic(&bm, PAGE, 1, 45 * PAGE, &addr));
	GIVES(6 * PAGE, qy_bootmem_alloc_low(&bm, PAGE, 1, 45 * PAGE, &addr));
	GIVES(7 * PAGE, qy_bootmem_alloc_pages(&bm, PAGE, 45 * PAGE, &addr));
	/* The node without the goal comes before the others without it. */
	GIVES(20 * PAGE, qy_bootmem_alloc_node(&bm, 1, PAGE, 1, 45 * PAGE, &addr));
	GIVES(8 * PAGE, qy_bootmem_alloc_node(&bm, 0, PAGE, 1, 45 * PAGE, &addr));
	/* The others with the goal before the node without. */
	assert_int_equal(qy_bootmem_reserve(&bm, 19 * PAGE, PAGE, 1), 0);
	GIVES(21 * PAGE, qy_bootmem_alloc_node_nopanic(&bm, 3, PAGE, 1, 19 * PAGE, &addr));
}

static void node_calls_begin_with_their_node(void **state)
{
	(void)state;
	GIVES(20 * PAGE, qy_bootmem_alloc_node(&bm, 1, 9 * PAGE, 1, 0, &addr));
	GIVES(4 * PAGE, qy_bootmem_alloc_node_nopanic(&bm, 1, 2 * PAGE, 1, 0, &addr));
	GIVES(29 * PAGE, qy_bootmem_alloc_low_node(&bm, 1, PAGE, 1, 0, &addr));
	GIVES(40 * PAGE, qy_bootmem_alloc_low_node(&bm, 0, PAGE, 1, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, 1, 1, 1, 0, 0, &addr));
	GIVES(6 * PAGE, qy_bootmem_alloc(&bm, PAGE, 1, 0, &addr));
}

/* BM7: result + size <= limit; in whole pages, and none is not the same as nothing. */
static void a_limit_is_kept(void **state)
{
	(void)state;
	GIVES(4 * PAGE, qy_bootmem_alloc_core(&bm, ANY, 2 * PAGE, 1, 0, 6 * PAGE, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 1, 1, 0, 6 * PAGE, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 1, 1, 0, 7 * PAGE - 1, &addr));
	GIVES(6 * PAGE, qy_bootmem_alloc_core(&bm, ANY, PAGE, 1, 0, 7 * PAGE, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 1, 1, 0, 1, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 1, 1, 0, 2 * PAGE, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, 1, 1, 1, 0, 20 * PAGE, &addr));
	/* The goal is in the last page before the limit. */
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 4, 1, 9 * PAGE + 1, 10 * PAGE, &addr));
	/* The hint is behind the limit. */
	node(3)->hint_idx = 10;
	GIVES(7 * PAGE, qy_bootmem_alloc_core(&bm, ANY, PAGE, 1, 0, 9 * PAGE, &addr));
}

static void low_memory_ends_at_4_GiB(void **state)
{
	const uint64_t border = UINT64_C(0x100000000) / 4096;
	struct qy_bootmem_config cfg = QY_BOOTMEM_CONFIG_INIT;

	(void)state;
	cfg.page_shift = 12;
	assert_int_equal(qy_bootmem_init(&bm, &cfg), 0);
	add_node(0, border - 3, border + 10);
	assert_int_equal(qy_bootmem_free(&bm, (border - 3) << 12, 13 << 12), 0);
	/* The limit is the last byte below, so the page below is not used. */
	GIVES((border - 3) << 12, qy_bootmem_alloc_low(&bm, 8192, 8, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_low(&bm, 1, 8, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_low_node(&bm, 0, 1, 8, 0, &addr));
	GIVES((border - 1) << 12, qy_bootmem_alloc(&bm, 4096, 8, 0, &addr));
}

/* ---- packing ---- */

static void small_ones_share_a_page(void **state)
{
	(void)state;
	GIVES(4 * PAGE, qy_bootmem_alloc(&bm, 10, 1, 0, &addr));
	GIVES(4 * PAGE + 10, qy_bootmem_alloc(&bm, 3, 1, 0, &addr));
	GIVES(4 * PAGE + 16, qy_bootmem_alloc(&bm, 40, 16, 0, &addr)); /* aligned in the page */
	assert_int_equal(node(3)->last_end_off, 56);
	/* Over the border: only the second page is new. */
	GIVES(4 * PAGE + 56, qy_bootmem_alloc(&bm, 20, 8, 0, &addr));
	assert_int_equal(qy_bootmem_nr_free(&bm), 34);
	assert_int_equal(node(3)->hint_idx, 2);
	/* Up to the end of its page; then nothing is left to share. */
	GIVES(5 * PAGE + 12, qy_bootmem_alloc(&bm, 52, 4, 0, &addr));
	assert_int_equal(qy_bootmem_nr_free(&bm), 34);
	GIVES(6 * PAGE, qy_bootmem_alloc(&bm, 1, 1, 0, &addr));
	/* Aligned behind the end of the page: a page of its own. */
	GIVES(7 * PAGE, qy_bootmem_alloc(&bm, 1, 64, 0, &addr));
	GIVES(8 * PAGE, qy_bootmem_alloc(&bm, 1, 128, 0, &addr));
}

static void sharing_needs_the_very_next_page(void **state)
{
	(void)state;
	GIVES(4 * PAGE, qy_bootmem_alloc(&bm, 10, 1, 0, &addr));
	assert_int_equal(qy_bootmem_reserve(&bm, 5 * PAGE, PAGE, 1), 0);
	GIVES(6 * PAGE, qy_bootmem_alloc(&bm, 10, 1, 0, &addr));
	/* Each node has its own. */
	GIVES(20 * PAGE, qy_bootmem_alloc_node(&bm, 1, 10, 1, 0, &addr));
	GIVES(6 * PAGE + 10, qy_bootmem_alloc_node(&bm, 3, 10, 1, 0, &addr));
	GIVES(20 * PAGE + 10, qy_bootmem_alloc_node(&bm, 1, 10, 1, 0, &addr));
}

/* Whoever frees the page of the last allocation, or reserves it once more, has it for himself. */
static void a_page_that_was_given_back_is_not_filled_up(void **state)
{
	(void)state;
	GIVES(4 * PAGE, qy_bootmem_alloc(&bm, 10, 1, 0, &addr));
	assert_int_equal(qy_bootmem_free(&bm, 4 * PAGE, PAGE), 0);
	assert_int_equal(node(3)->last_end_off, 0);
	assert_int_equal(qy_bootmem_reserve(&bm, 4 * PAGE, PAGE, 1), 0);
	GIVES(5 * PAGE, qy_bootmem_alloc(&bm, 10, 1, 0, &addr));
	assert_int_equal(qy_bootmem_reserve(&bm, 5 * PAGE + 20, 1, 0), 0);
	GIVES(6 * PAGE, qy_bootmem_alloc(&bm, 10, 1, 0, &addr));
	/* Its neighbours are no matter. */
	assert_int_equal(qy_bootmem_free(&bm, 5 * PAGE, PAGE), 0);
	assert_int_equal(qy_bootmem_reserve(&bm, 5 * PAGE, PAGE, 1), 0);
	assert_int_equal(qy_bootmem_reserve(&bm, 8 * PAGE, PAGE, 1), 0);
	GIVES(6 * PAGE + 10, qy_bootmem_alloc(&bm, 10, 1, 0, &addr));
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
}

/* ---- the hooks ---- */

/* BM7: memory zero */
static void what_is_given_out_is_zero_and_nothing_else(void **state)
{
	char *at = memory + 64; /* page 5 */

	(void)state;
	assert_int_equal(qy_bootmem_reserve(&bm, 4 * PAGE, PAGE, 1), 0);
	GIVES(5 * PAGE, qy_bootmem_alloc(&bm, 100, 1, 0, &addr));
	for (int i = -64; i < 300; i++)
		assert_int_equal((unsigned char)at[i], i >= 0 && i < 100 ? 0 : 0xee);
	GIVES(5 * PAGE + 104, qy_bootmem_alloc(&bm, 10, 8, 0, &addr));
	for (int i = 100; i < 300; i++)
		assert_int_equal((unsigned char)at[i], i >= 104 && i < 114 ? 0 : 0xee);
}

static qy_addr_t zeroed_addr, zeroed_size;

static void note_zero(void *ctx, qy_addr_t at, qy_addr_t size)
{
	assert_ptr_equal(ctx, said);
	zeroed_addr = at;
	zeroed_size = size;
}

static void zeroing_may_be_the_callers_or_nobodys(void **state)
{
	(void)state;
	memcpy(before.memory, memory, sizeof(memory));
	bm.cfg.zero = note_zero;
	GIVES(4 * PAGE, qy_bootmem_alloc(&bm, 33, 1, 0, &addr));
	assert_int_equal(zeroed_addr, 4 * PAGE);
	assert_int_equal(zeroed_size, 33);
	bm.cfg.zero = NULL;
	bm.cfg.base = NULL;
	GIVES(4 * PAGE + 33, qy_bootmem_alloc(&bm, 33, 1, 0, &addr));
	assert_memory_equal(before.memory, memory, sizeof(memory));
}

static void running_out_of_memory_panics_unless_told_not_to(void **state)
{
	(void)state;
	FAILS(-ENOMEM, qy_bootmem_alloc_nopanic(&bm, 20 * PAGE, 1, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_node_nopanic(&bm, 1, 20 * PAGE, 1, 5 * PAGE, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_core(&bm, ANY, 20 * PAGE, 1, 0, 0, &addr));
	assert_int_equal(qy_bootmem_alloc(&bm, 1280, 1, 5 * PAGE, &addr), -ENOMEM);
	assert_string_equal(said, "bootmem alloc of 1280 bytes failed!\n");
	assert_int_equal(qy_bootmem_alloc_node(&bm, 1, 1281, 1, 0, &addr), -ENOMEM);
	assert_int_equal(qy_bootmem_alloc_pages(&bm, 1282, 0, &addr), -ENOMEM);
	assert_int_equal(qy_bootmem_alloc_low(&bm, 1283, 1, 0, &addr), -ENOMEM);
	assert_int_equal(qy_bootmem_alloc_low_node(&bm, 0, 1284, 1, 0, &addr), -ENOMEM);
	assert_non_null(strstr(said, "of 1281 bytes failed!\nbootmem alloc of 1282 bytes failed!\n"
				     "bootmem alloc of 1283 bytes failed!\n"
				     "bootmem alloc of 1284 bytes failed!\n"));
	assert_int_equal(addr, UNTOUCHED);
	bm.cfg.panic = NULL;
	assert_int_equal(qy_bootmem_alloc(&bm, 1280, 1, 0, &addr), -ENOMEM);
}

static void log_has_a_line_for_each_effect(void **state)
{
	(void)state;
	make();
	bm.cfg.log = say;
	add_node(2, 16, 80);
	assert_int_equal(qy_bootmem_free(&bm, 16 * PAGE, 10 * PAGE), 0);
	assert_int_equal(qy_bootmem_reserve(&bm, 20 * PAGE, PAGE, 0), 0);
	assert_int_equal(qy_bootmem_reserve(&bm, 19 * PAGE, 2 * PAGE, 0), 0);
	assert_int_equal(qy_bootmem_alloc(&bm, 100, 4, 0, &addr), 0);
	assert_int_equal(qy_bootmem_free(&bm, 16 * PAGE, PAGE - 1), 0);
	assert_int_equal(qy_bootmem_free(&bm, 16 * PAGE, 30 * PAGE), -EALREADY);
	assert_int_equal(qy_bootmem_free_all(&bm, NULL, NULL), 6);
	assert_string_equal(said, "bootmem: node 2: pages 0x10-0x50, map of 8 bytes\n"
				  "bootmem: node 2: free pages 0x10-0x1a\n"
				  "bootmem: node 2: reserve pages 0x14-0x15\n"
				  "bootmem: node 2: reserve pages 0x13-0x15, part of it once "
				  "more\n"
				  "bootmem: node 2: alloc 0x64 bytes, align 0x4: 0x400\n"
				  "bootmem: node 2: 6 pages handed over\n");
}

/* ---- the lesson ---- */

/*
 *   [#.#.#.#.#.#.#.#.]   8 pages are free, but no run of 8 exists, nor of 2.
 *
 * External fragmentation: what is free does not say what can be had.
 */
static void eight_free_pages_are_no_run_of_eight(void **state)
{
	(void)state;
	make();
	add_node(2, 16, 32);
	assert_int_equal(qy_bootmem_free(&bm, 16 * PAGE, 16 * PAGE), 0);
	for (uint64_t pfn = 16; pfn < 32; pfn++)
		GIVES(pfn * PAGE, qy_bootmem_alloc_pages(&bm, PAGE, 0, &addr));
	for (uint64_t pfn = 17; pfn < 32; pfn += 2)
		assert_int_equal(qy_bootmem_free(&bm, pfn * PAGE, PAGE), 0);
	assert_int_equal(qy_bootmem_nr_free(&bm), 8);
	FAILS(-ENOMEM, qy_bootmem_alloc_nopanic(&bm, 8 * PAGE, PAGE, 0, &addr));
	FAILS(-ENOMEM, qy_bootmem_alloc_nopanic(&bm, 2 * PAGE, PAGE, 0, &addr));
	for (uint64_t pfn = 16; pfn < 22; pfn += 2)
		assert_int_equal(qy_bootmem_free(&bm, pfn * PAGE, PAGE), 0);
	FAILS(-ENOMEM, qy_bootmem_alloc_nopanic(&bm, 8 * PAGE, PAGE, 0, &addr));
	assert_int_equal(qy_bootmem_free(&bm, 22 * PAGE, PAGE), 0);
	GIVES(16 * PAGE, qy_bootmem_alloc_pages(&bm, 8 * PAGE, 0, &addr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, set_up)
#define T_FREE(name) cmocka_unit_test_setup(name, set_up_free)
		T(init_takes_the_configuration_or_refuses_it),
		T(map_bytes_is_a_bit_per_page_in_whole_longs),
		T(init_node_reserves_every_page_and_touches_its_map_only),
		T(nodes_ascend_whatever_the_order_they_come_in),
		T(init_node_refuses_what_makes_no_sense),
		T(init_node_takes_a_map_only_inside_of_the_node),
		T(there_is_room_for_every_node_number),
		T(the_end_of_the_address_space_is_no_trap),
		T(free_rounds_inwards_and_reserve_outwards),
		T(ranges_without_a_page_are_success_without_effect),
		T(ranges_may_span_nodes_that_touch),
		T(pages_of_no_node_are_refused),
		T(node_calls_stay_in_their_node),
		T(reserve_knows_two_flags),
		T_FREE(exclusive_that_fails_in_a_later_node_changes_nothing),
		T_FREE(freeing_a_free_page_is_refused_as_a_whole),
		T_FREE(alloc_refuses_what_makes_no_sense),
		T_FREE(alloc_is_next_fit_then_first_fit),
		T_FREE(alignment_above_a_page_is_of_the_address),
		T_FREE(a_goal_is_not_undercut),
		T_FREE(a_goal_behind_the_given_node_counts_for_nothing),
		T_FREE(the_other_calls_drop_a_goal_they_cannot_meet),
		T_FREE(node_calls_begin_with_their_node),
		T_FREE(a_limit_is_kept),
		T(low_memory_ends_at_4_GiB),
		T_FREE(small_ones_share_a_page),
		T_FREE(sharing_needs_the_very_next_page),
		T_FREE(a_page_that_was_given_back_is_not_filled_up),
		T_FREE(what_is_given_out_is_zero_and_nothing_else),
		T_FREE(zeroing_may_be_the_callers_or_nobodys),
		T_FREE(running_out_of_memory_panics_unless_told_not_to),
		T(log_has_a_line_for_each_effect),
		T(eight_free_pages_are_no_run_of_eight),
#undef T
#undef T_FREE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
