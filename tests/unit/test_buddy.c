/* SPDX-License-Identifier: MIT */
/* test_buddy.c - split and merge, each state drawn; where a freed block is put; odd borders. */
#include "damage.h"
#include "fixture.h"

#include "page/buddy.h"
#include "page/page_alloc.h"

/* An instance in which nothing is free but what a test gives back. */
static struct qy_page *all[4096];
static unsigned int nr_all;

static void take_everything(void)
{
	nr_all = 0;
	while (nr_all < 4096 && (all[nr_all] = qy_alloc_pages(in.mm, 0, 0)))
		nr_all++;
	assert_int_equal(qy__nr_free_pages(in.mm), 0);
}

static void make_taken(unsigned int max_order)
{
	instance_init(&in, 512);
	in.config.max_order = max_order;
	in.config.max_order_zero = !max_order;
	instance_create(&in);
	take_everything();
}

/* A pfn from which the next 2^@order pages are all allocated single pages, aligned to 2^@order. */
static uint32_t run_of(unsigned int order)
{
	for (uint32_t pfn = 0; pfn + (1u << order) <= in.mm->end_pfn; pfn += 1u << order) {
		uint32_t n = 0;

		while (n < 1u << order && qy__pfn_valid(in.mm, pfn + n) &&
		       qy__pfn_page(in.mm, pfn + n)->type == QY__PAGE_ALLOC &&
		       !qy__pfn_page(in.mm, pfn + n)->order)
			n++;
		if (n == 1u << order)
			return pfn;
	}
	fail_msg("no run of order %u", order);
	return 0;
}

static void give(uint32_t pfn)
{
	assert_int_equal(qy_free_pages(in.mm, qy__pfn_page(in.mm, pfn), 0), 0);
}

/*
 * The free blocks from @pfn on, as a picture: one digit per head, '.' inside a free block, 'x'
 * taken.
 */
static const char *draw(uint32_t pfn, unsigned int n)
{
	static char text[65];
	uint32_t until = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct qy_page *page = qy__pfn_page(in.mm, pfn + i);

		if (page->type == QY__PAGE_BUDDY) {
			text[i] = (char)('0' + page->order);
			until = i + (1u << page->order);
		} else {
			text[i] = i < until ? '.' : 'x';
		}
	}
	text[n] = 0;
	return text;
}

static unsigned int free_blocks(unsigned int order)
{
	unsigned int n = 0;

	for (int z = 0; z < QY_NR_ZONES; z++)
		n += in.mm->zone[z].area[order].nr_free;
	return n;
}

static void free_merges_with_its_buddy_only(void **state)
{
	uint32_t p;

	(void)state;
	make_taken(6);
	p = run_of(3);
	give(p + 1);
	assert_string_equal(draw(p, 8), "x0xxxxxx");
	give(p + 2); /* a neighbour, but no buddy */
	assert_string_equal(draw(p, 8), "x00xxxxx");
	give(p);
	assert_string_equal(draw(p, 8), "1.0xxxxx");
	give(p + 3);
	assert_string_equal(draw(p, 8), "2...xxxx");
	give(p + 6);
	give(p + 7);
	assert_string_equal(draw(p, 8), "2...xx1.");
	give(p + 4);
	assert_string_equal(draw(p, 8), "2...0x1.");
	give(p + 5); /* three merges at once */
	assert_string_equal(draw(p, 8), "3.......");
	assert_clean(&in);
}

static void alloc_splits_and_gives_the_upper_halves_back(void **state)
{
	uint32_t p;
	struct qy_page *page;

	(void)state;
	make_taken(6);
	p = run_of(4);
	for (unsigned int i = 0; i < 16; i++)
		give(p + i);
	assert_string_equal(draw(p, 16), "4...............");
	page = qy_alloc_pages(in.mm, 0, 0);
	assert_int_equal(qy__page_pfn(in.mm, page), p);
	assert_string_equal(draw(p, 16), "x01.2...3.......");
	page = qy_alloc_pages(in.mm, 0, 2);
	assert_int_equal(qy__page_pfn(in.mm, page), p + 4);
	assert_string_equal(draw(p, 16), "x01.xxxx3.......");
	page = qy_alloc_pages(in.mm, 0, 1);
	assert_int_equal(qy__page_pfn(in.mm, page), p + 2);
	page = qy_alloc_pages(in.mm, 0, 1); /* out of the 8 */
	assert_int_equal(qy__page_pfn(in.mm, page), p + 8);
	assert_string_equal(draw(p, 16), "x0xxxxxxxx1.2...");
	assert_null(qy_alloc_pages(in.mm, 0, 3));
	assert_clean(&in);
}

/*
 *   7 of 16 pages free, and no run of two: external fragmentation.
 */
static void alloc_fails_when_all_free_pages_are_apart(void **state)
{
	uint32_t p;

	(void)state;
	make_taken(6);
	p = run_of(4);
	for (unsigned int i = 1; i < 14; i += 2)
		give(p + i);
	assert_int_equal(qy__nr_free_pages(in.mm), 7);
	assert_null(qy_alloc_pages(in.mm, 0, 1));
	assert_non_null(qy_alloc_pages(in.mm, 0, 0));
	assert_clean(&in);
}

/* Neighbours that are no buddies of one another never become one block: [1,2] [3,4]. */
static void free_neighbours_that_are_no_buddies_stay_apart(void **state)
{
	uint32_t p;

	(void)state;
	make_taken(6);
	p = run_of(3);
	for (unsigned int i = 1; i < 7; i++)
		give(p + i);
	assert_string_equal(draw(p, 8), "x01.1.0x");
	assert_null(qy_alloc_pages(in.mm, 0, 2));
}

static void free_stops_at_max_order(void **state)
{
	(void)state;
	for (unsigned int most = 0; most <= 7; most++) {
		make_taken(most);
		for (unsigned int i = 0; i < nr_all; i++)
			assert_int_equal(qy_free_pages(in.mm, all[(i * 769) % nr_all], 0), 0);
		for (unsigned int o = most + 1; o < QY__NR_ORDERS; o++)
			assert_int_equal(free_blocks(o), 0);
		assert_true(free_blocks(most) > 0);
		assert_null(qy_alloc_pages(in.mm, 0, most + 1));
		assert_non_null(qy_alloc_pages(in.mm, 0, most));
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/*
 *   order 0 free; the buddy of the pair it would make is free: a larger merge is near, to the tail.
 *   Else to the head.
 */
static void free_block_goes_to_the_tail_when_a_larger_merge_is_near(void **state)
{
	struct qy__free_area *area;
	uint32_t p, q, r;

	(void)state;
	make_taken(6);
	p = run_of(4);
	area = &in.mm->zone[QY_ZONE_NORMAL].area[0];
	q = p + 8;
	r = p + 12;
	give(q); /* head */
	assert_int_equal(area->head[0], q);
	give(r);
	assert_int_equal(area->head[0], r);
	assert_int_equal(area->tail[0], q);
	/* p+2, p+3 become a free pair; then p: its pair p,p+1 would merge with that one. */
	give(p + 2);
	give(p + 3);
	give(p);
	assert_int_equal(area->tail[0], p);
	assert_int_equal(area->head[0], r);
	assert_clean(&in);
}

/*
 * Blocks handed over are the largest that fit: 1 + 2 + 4 + … at an odd start, … + 4 + 2 + 1 at an
 * odd end.
 */
static void free_range_uses_the_largest_aligned_blocks(void **state)
{
	static const struct {
		unsigned int from, to;
		const char *picture;
	} row[] = {
		{0, 16, "4..............."}, {1, 16, "x01.2...3......."},
		{1, 15, "x01.2...2...1.0x"}, {3, 5, "xxx00xxxxxxxxxxx"},
		{6, 13, "xxxxxx1.2...0xxx"}, {7, 8, "xxxxxxx0xxxxxxxx"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct qy__zone *zone;
		uint32_t p;

		make_taken(4);
		p = run_of(4);
		zone = &in.mm->zone[QY_ZONE_NORMAL];
		qy__lock(&zone->lock);
		qy__free_range_locked(in.mm, zone, p + row[i].from, p + row[i].to);
		qy__unlock(&zone->lock);
		assert_string_equal(draw(p, 16), row[i].picture);
		instance_destroy(&in);
	}
}

/*
 * A zone that begins and ends anywhere: whatever is freed in whatever order, the decomposition is
 * maximal.
 */
static void merge_at_odd_starts_and_ends_is_complete(void **state)
{
	(void)state;
	for (unsigned int off = 0; off < 9; off++) {
		size_t free_pages, blocks[QY__NR_ORDERS];

		instance_init(&in, 300 + off);
		in.config.max_order = 5;
		in.buf = aligned_alloc(PAGE_BYTES << 5, PAGE_BYTES << 9);
		in.config.base = in.buf + off * PAGE_BYTES + (off % 3 ? 100 : 0);
		in.mm = qy_mm_create(&in.config);
		assert_non_null(in.mm);
		assert_int_equal(in.mm->min_pfn, off + (off % 3 ? 1 : 0));
		free_pages = qy__nr_free_pages(in.mm);
		for (unsigned int o = 0; o <= 5; o++)
			blocks[o] = free_blocks(o);
		take_everything();
		assert_int_equal(nr_all, free_pages);
		for (unsigned int i = 0; i < nr_all; i++)
			assert_int_equal(qy_free_pages(in.mm, all[(i * 769) % nr_all], 0), 0);
		for (unsigned int o = 0; o <= 5; o++)
			assert_int_equal(free_blocks(o), blocks[o]);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* The same block again and again: nothing is lost to splitting. */
static void alloc_free_of_every_order_restores_the_state(void **state)
{
	(void)state;
	instance_make(&in, 512, NULL);
	for (unsigned int order = 0; order <= 6; order++) {
		struct qy_page_stats before = {.struct_size = sizeof(before)}, after = before;

		qy_page_stats(in.mm, &before);
		for (int i = 0; i < 100; i++) {
			struct qy_page *page = qy_alloc_pages(in.mm, 0, order);

			assert_non_null(page);
			assert_int_equal(qy__page_pfn(in.mm, page) & ((1u << order) - 1), 0);
			assert_int_equal(qy_free_pages(in.mm, page, order), 0);
		}
		qy_page_stats(in.mm, &after);
		assert_memory_equal(before.nr_free, after.nr_free, sizeof(before.nr_free));
	}
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(free_merges_with_its_buddy_only, tear_down),
		cmocka_unit_test_teardown(alloc_splits_and_gives_the_upper_halves_back, tear_down),
		cmocka_unit_test_teardown(alloc_fails_when_all_free_pages_are_apart, tear_down),
		cmocka_unit_test_teardown(free_neighbours_that_are_no_buddies_stay_apart,
					  tear_down),
		cmocka_unit_test_teardown(free_stops_at_max_order, tear_down),
		cmocka_unit_test_teardown(free_block_goes_to_the_tail_when_a_larger_merge_is_near,
					  tear_down),
		cmocka_unit_test_teardown(free_range_uses_the_largest_aligned_blocks, tear_down),
		cmocka_unit_test_teardown(merge_at_odd_starts_and_ends_is_complete, tear_down),
		cmocka_unit_test_teardown(alloc_free_of_every_order_restores_the_state, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
