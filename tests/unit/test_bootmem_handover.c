/* SPDX-License-Identifier: MIT */
/*
 * test_bootmem_handover.c - the end of a bootmem allocator, where every free page goes to another
 * one exactly once (BM8), and its checker, which names each thing that is broken on purpose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <quarry/check.h>
#include <quarry/early.h>

#include "util/compiler.h"

#define SHIFT 12
#define PAGE ((qy_addr_t)1 << SHIFT)
#define BITS (8 * sizeof(unsigned long))
#define WORD_ORDER (BITS == 64 ? 6u : 5u)
#define MAX_PFN 2048
#define LONGS (MAX_PFN / BITS)

static struct qy_bootmem bm;
static unsigned long map[2][LONGS];
static uint8_t given[MAX_PFN]; /* how often; 100 with a block */
static uint64_t total;
static uint64_t last_given;
static int given_nid;

static void give(void *ctx, int nid, uint64_t pfn, unsigned int order)
{
	assert_ptr_equal(ctx, given);
	assert_true(order == 0 || order == WORD_ORDER);
	assert_true(pfn % (UINT64_C(1) << order) == 0);
	assert_true(pfn + (UINT64_C(1) << order) <= MAX_PFN);
	for (uint64_t p = pfn; p < pfn + (UINT64_C(1) << order); p++)
		given[p] = (uint8_t)(given[p] + (order ? 100 : 1));
	total += UINT64_C(1) << order;
	last_given = pfn;
	given_nid = nid;
}

static void make(void)
{
	struct qy_bootmem_config cfg = QY_BOOTMEM_CONFIG_INIT;

	cfg.page_shift = SHIFT;
	assert_int_equal(qy_bootmem_init(&bm, &cfg), 0);
	memset(given, 0, sizeof(given));
	total = 0;
}

static int set_up(void **state)
{
	(void)state;
	make();
	assert_int_equal(qy_bootmem_init_node(&bm, 4, map[0], QY_BOOTMEM_OUTSIDE, 10, 110), 0);
	assert_int_equal(qy_bootmem_init_node(&bm, 2, map[1], 300 * PAGE, 300, 640), 0);
	assert_int_equal(qy_bootmem_free(&bm, 11 * PAGE, 80 * PAGE), 0);
	assert_int_equal(qy_bootmem_free(&bm, 310 * PAGE, 300 * PAGE), 0);
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
	return 0;
}

/* The free pages of the set-up, one by one. */
static bool is_free(uint64_t pfn)
{
	return (pfn >= 11 && pfn < 91) || (pfn >= 310 && pfn < 610);
}

static void free_all_gives_every_free_page_once_and_the_maps(void **state)
{
	uint64_t nr = qy_bootmem_nr_free(&bm);

	(void)state;
	assert_int_equal(nr, 380);
	assert_int_equal(qy_bootmem_free_all(&bm, give, given), nr + 1);
	assert_int_equal(total, nr + 1);
	for (uint64_t pfn = 0; pfn < MAX_PFN; pfn++) {
		uint64_t block = pfn & ~(uint64_t)(BITS - 1);
		bool whole = is_free(block) && is_free(block + BITS - 1);

		assert_int_equal(given[pfn], whole		    ? 100
					     : is_free(pfn)	    ? 1
					     : pfn == 300 /* map */ ? 1
								    : 0);
	}
	assert_int_equal(last_given, 300);
	assert_int_equal(given_nid, 2);
}

static void after_free_all_there_is_no_node(void **state)
{
	qy_addr_t addr;

	(void)state;
	assert_int_equal(qy_bootmem_free_all(&bm, NULL, NULL), 381);
	assert_int_equal(bm.nr_nodes, 0);
	assert_int_equal(qy_bootmem_nr_free(&bm), 0);
	assert_int_equal(qy_bootmem_free_all(&bm, NULL, NULL), 0);
	assert_int_not_equal(qy_bootmem_alloc_nopanic(&bm, 1, 1, 0, &addr), 0);
	assert_int_not_equal(qy_bootmem_reserve(&bm, 320 * PAGE, 1, 0), 0);
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
	/* And it may begin again. */
	assert_int_equal(qy_bootmem_init_node(&bm, 4, map[0], QY_BOOTMEM_OUTSIDE, 10, 110), 0);
}

static void free_all_node_leaves_the_others(void **state)
{
	(void)state;
	assert_int_equal(qy_bootmem_free_all_node(&bm, 7, give, given), 0);
	assert_int_equal(qy_bootmem_free_all_node(&bm, 0, give, given), 0);
	assert_int_equal(qy_bootmem_free_all_node(&bm, -1, give, given), 0);
	assert_int_equal(total, 0);
	assert_int_equal(qy_bootmem_free_all_node(&bm, 4, give, given), 80);
	assert_int_equal(given_nid, 4);
	assert_int_equal(bm.nr_nodes, 1);
	assert_int_equal(bm.node[0].nid, 2);
	assert_int_equal(qy_bootmem_nr_free(&bm), 300);
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
	assert_int_equal(qy_bootmem_free_all_node(&bm, 2, give, given), 301);
}

/* Its pages would be handed out while it is read, or twice. */
static void a_map_whose_pages_are_free_still_goes_last_and_once(void **state)
{
	(void)state;
	assert_int_equal(qy_bootmem_free(&bm, 300 * PAGE, 10 * PAGE), 0);
	assert_int_equal(qy_bootmem_check(&bm, NULL), 1); /* BM3 */
	assert_int_equal(qy_bootmem_free_all_node(&bm, 2, give, given), 310);
	assert_int_equal(total, 310);
	assert_int_equal(last_given, 300);
	for (uint64_t pfn = 300; pfn < 610; pfn++)
		assert_true(given[pfn] == 1 || given[pfn] == 100);
}

/*
 * Every place of a node in its words, every length of the free run, every single page taken in it:
 * blocks are aligned, whole, as many as possible.
 */
static void free_all_gives_blocks_wherever_they_fit(void **state)
{
	(void)state;
	for (uint64_t min = BITS; min < 2 * BITS; min += 3) {
		for (uint64_t taken = 0; taken < 3 * BITS; taken += 5) {
			uint64_t end = min + 3 * BITS - taken % 7, blocks = 0;

			make();
			assert_int_equal(
				qy_bootmem_init_node(&bm, 0, map[0], QY_BOOTMEM_OUTSIDE, min, end),
				0);
			assert_int_equal(qy_bootmem_free(&bm, min * PAGE, (end - min) * PAGE), 0);
			if (min + taken < end)
				qy_bootmem_reserve(&bm, (min + taken) * PAGE, 1, 0);
			for (uint64_t b = 0; b < MAX_PFN; b += BITS)
				blocks += b >= min && b + BITS <= end &&
					  (min + taken < b || min + taken >= b + BITS);
			assert_int_equal(qy_bootmem_free_all(&bm, give, given),
					 end - min - (min + taken < end));
			for (uint64_t p = 0; p < MAX_PFN; p++) {
				bool in = p >= min && p < end && p != min + taken;

				assert_true(given[p] == 100 || given[p] == in);
				if (p % BITS == 0)
					blocks -= given[p] == 100;
			}
			assert_int_equal(blocks, 0);
		}
	}
}

/* A map of three pages, in the middle of words that would be whole, right before one that is. */
static void maps_of_several_pages_are_left_out_of_blocks(void **state)
{
	static unsigned long big[40000 / BITS];
	uint64_t pages = 0;

	(void)state;
	make();
	bm.cfg.page_shift = 11;
	assert_int_equal(qy_bootmem_map_pages(&bm, 39936), 3);
	assert_int_equal(qy_bootmem_init_node(&bm, 0, big, (qy_addr_t)125 << 11, 64, 40000), 0);
	assert_int_equal(qy_bootmem_free(&bm, (qy_addr_t)64 << 11, (qy_addr_t)1900 << 11), 0);
	assert_int_equal(qy_bootmem_reserve(&bm, (qy_addr_t)126 << 11, 1, 0), 0);
	assert_int_equal(qy_bootmem_free_all(&bm, give, given), 1900);
	for (uint64_t p = 0; p < MAX_PFN; p++)
		pages += given[p] == 100 || given[p] == 1;
	assert_int_equal(pages, 1900);
	assert_int_equal(given[127], 1);
	assert_int_equal(given[128], 100);
	assert_int_equal(last_given, 127);
}

/* ---- the checker ---- */

static const struct qy_bootmem *saved(void)
{
	static struct qy_bootmem copy;

	copy = bm;
	return &copy;
}

/* The state as it is now violates @id, and nothing is written. */
static void expect(const char *id)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	const struct qy_bootmem *before = saved();
	bool found = false;
	int nr = qy_bootmem_check(&bm, &r);

	assert_int_equal(r.nr, nr);
	for (unsigned int i = 0; i < r.nr && i < QY_CHECK_MAX; i++) {
		found |= !strcmp(r.v[i].id, id);
		assert_true(r.v[i].text[0]);
	}
	if (!found)
		printf("expected %s, got %d: %s %s\n", id, nr, r.v[0].id, r.v[0].text);
	assert_true(found);
	assert_int_equal(qy_bootmem_check(&bm, NULL), nr);
	assert_memory_equal(before, &bm, sizeof(bm));
}

#define BREAK(id, lvalue, value)                                                                   \
	do {                                                                                       \
		__typeof__(lvalue) was = lvalue;                                                   \
                                                                                                   \
		(lvalue) = value;                                                                  \
		expect(id);                                                                        \
		(lvalue) = was;                                                                    \
		assert_int_equal(qy_bootmem_check(&bm, NULL), 0);                                  \
	} while (0)

static void check_damaged_head_BM(void **state)
{
	(void)state;
	BREAK("BM", bm.struct_size, 8);
	BREAK("BM", bm.cfg.page_shift, 0);
	BREAK("BM", bm.cfg.page_shift, 31);
	BREAK("BM", bm.cfg.page_shift, 70);
	BREAK("BM2", bm.nr_nodes, QY_BOOTMEM_NODES + 1);
	bm.cfg.page_shift = 70;
	assert_int_equal(qy_bootmem_check(&bm, NULL), 1); /* nothing else is looked at */
}

static void check_map_BM1(void **state)
{
	qy_addr_t addr;

	(void)state;
	assert_int_equal(qy_bootmem_alloc(&bm, PAGE + 1, 1, 0, &addr), 0);
	BREAK("BM1", map[0][100 / BITS], map[0][100 / BITS] & ~(1ul << 100 % BITS));
	BREAK("BM1", map[1][(340 - 1) / BITS], map[1][(340 - 1) / BITS] & ~0ul >> 1);
	BREAK("BM1", bm.node[0].map_bytes, bm.node[0].map_bytes + sizeof(unsigned long));
	BREAK("BM1", bm.node[1].map_bytes, 0);
	BREAK("BM1", bm.node[1].end_pfn, 640 + BITS);
	BREAK("BM1", bm.node[0].map, NULL);
	BREAK("BM1", bm.node[0].map, (unsigned long *)((char *)map[0] + 1));
}

static void check_nodes_BM2(void **state)
{
	struct qy_bootmem_node node = bm.node[0];

	(void)state;
	BREAK("BM2", bm.node[0].nid, -1);
	BREAK("BM2", bm.node[0].nid, QY_BOOTMEM_NODES);
	BREAK("BM2", bm.node[0].nid, 2);
	BREAK("BM2", bm.node[0].end_pfn, 10);
	BREAK("BM2", bm.node[0].end_pfn, 0);
	BREAK("BM2", bm.node[0].end_pfn, 301);
	BREAK("BM2", bm.node[1].end_pfn, UINT64_MAX);
	BREAK("BM2", bm.node[1].min_pfn, 109);
	BREAK("BM2", bm.node[1].map, map[0]);
	BREAK("BM2", bm.node[1].map, map[0] + 1);
	/* What has no pages is not looked into. */
	bm.node[0].end_pfn = 10;
	bm.node[0].last_end_off = 1;
	assert_int_equal(qy_bootmem_check(&bm, NULL), 1);
	bm.node[0] = node;
	/* In the wrong order. */
	bm.node[0] = bm.node[1];
	bm.node[1] = node;
	expect("BM2");
}

static void check_pages_in_use_BM3(void **state)
{
	qy_addr_t addr;

	(void)state;
	assert_int_equal(qy_bootmem_alloc(&bm, PAGE + 1, 1, 0, &addr), 0);
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
	BREAK("BM3", map[0][0], map[0][0] & ~(1ul << 2)); /* page 12, the second of the two */
	BREAK("BM3", map[1][0], map[1][0] & ~1ul);
	BREAK("BM3", bm.node[1].map_addr, 299 * PAGE);
	BREAK("BM3", bm.node[1].map_addr, 640 * PAGE);
	BREAK("BM3", bm.node[1].map_addr, 300 * PAGE + 1);
}

static void check_marks_BM4(void **state)
{
	(void)state;
	BREAK("BM4", bm.node[0].hint_idx, 101);
	BREAK("BM4", bm.node[0].last_end_off, 100 * PAGE + 1);
	BREAK("BM4", bm.node[0].last_end_off, UINT64_MAX);
	bm.node[0].hint_idx = 100;
	bm.node[0].last_end_off = 100 * PAGE;
	assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
}

/* More violations than a result holds; a result that is too small; how much was looked at. */
static void check_counts_what_it_cannot_describe(void **state)
{
	struct qy_check_result r = {.struct_size = sizeof(r), .v[3] = {"BM9", "stale"}};
	static unsigned long words[QY_BOOTMEM_NODES];

	(void)state;
	assert_int_equal(qy_bootmem_check(&bm, &r), 0);
	assert_int_equal(r.nr, 0);
	assert_true(r.assertions > 15);
	assert_false(r.v[3].id[0] || r.v[3].text[0]);
	make();
	for (int nid = 0; nid < 40; nid++)
		assert_int_equal(qy_bootmem_init_node(&bm, nid, &words[nid], QY_BOOTMEM_OUTSIDE,
						      2 * (unsigned int)nid,
						      2 * (unsigned int)nid + 1),
				 0);
	for (int i = 0; i < 40; i++)
		bm.node[i].hint_idx = 2;
	assert_int_equal(qy_bootmem_check(&bm, &r), 40);
	assert_int_equal(r.nr, 40);
	assert_string_equal(r.v[QY_CHECK_MAX - 1].id, "BM4");
	memset(&r, 0x11, sizeof(r));
	r.struct_size = sizeof(r) - 1;
	assert_int_equal(qy_bootmem_check(&bm, &r), 40);
	assert_int_equal(r.nr, 0x11111111);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, set_up)
		T(free_all_gives_every_free_page_once_and_the_maps),
		T(after_free_all_there_is_no_node),
		T(free_all_node_leaves_the_others),
		T(a_map_whose_pages_are_free_still_goes_last_and_once),
		T(free_all_gives_blocks_wherever_they_fit),
		T(maps_of_several_pages_are_left_out_of_blocks),
		T(check_damaged_head_BM),
		T(check_map_BM1),
		T(check_nodes_BM2),
		T(check_pages_in_use_BM3),
		T(check_marks_BM4),
		T(check_counts_what_it_cannot_describe),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
