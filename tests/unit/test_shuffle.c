/* SPDX-License-Identifier: MIT */
/*
 * test_shuffle.c - the same blocks on the same lists, in another order.
 *
 * The zone is made by hand: 32 places for blocks of 4 pages, and lists of those that are free.
 */
#include "fixture.h"

#include "page/shuffle.h"

#define ORDER 2u
#define BLOCK (1u << ORDER)
#define BLOCKS 32u
#define PAGES (BLOCKS * BLOCK)

static struct qy_mm mm;
static struct qy__zone zone[2];
static struct qy_page pages[PAGES];

/* No page is free. */
static void hand_made(uint64_t seed)
{
	memset(&mm, 0, sizeof(mm));
	memset(zone, 0, sizeof(zone));
	memset(pages, 0, sizeof(pages));
	mm.zone = zone;
	mm.nr_zones = 2;
	mm.pages = pages;
	mm.end_pfn = mm.max_pfn = PAGES;
	mm.max_order = ORDER;
	qy__rng_seed(&mm.rng, seed);
	zone[0].end_pfn = PAGES;
	for (int z = 0; z < 2; z++)
		memset(zone[z].area, 0xff, sizeof(zone[z].area)); /* QY__PFN_NONE everywhere */
	for (unsigned int pfn = 0; pfn < PAGES; pfn++)
		pages[pfn].type = QY__PAGE_ALLOC;
}

/* To the tail of its list. */
static void put_block(uint32_t pfn, unsigned int order, unsigned int type)
{
	struct qy__free_area *area = &zone[pages[pfn].zone].area[order];

	pages[pfn].type = QY__PAGE_BUDDY;
	pages[pfn].order = (uint8_t)order;
	pages[pfn].migratetype = type;
	pages[pfn].prev = area->tail[type];
	pages[pfn].next = QY__PFN_NONE;
	if (area->tail[type] == QY__PFN_NONE)
		area->head[type] = pfn;
	else
		pages[area->tail[type]].next = pfn;
	area->tail[type] = pfn;
}

/* The pfns of a list, forwards; backwards it must be the same. Return: how many. */
static unsigned int read_list(unsigned int order, unsigned int type, uint32_t *list)
{
	const struct qy__free_area *area = &zone[0].area[order];
	uint32_t before = QY__PFN_NONE;
	unsigned int nr = 0;

	for (uint32_t pfn = area->head[type]; pfn != QY__PFN_NONE; pfn = pages[pfn].next) {
		assert_true(nr < PAGES);
		assert_int_equal(pages[pfn].prev, before);
		assert_int_equal(pages[pfn].type, QY__PAGE_BUDDY);
		assert_int_equal(pages[pfn].order, order);
		assert_int_equal(pages[pfn].migratetype, type);
		before = list[nr++] = pfn;
	}
	assert_int_equal(area->tail[type], before);
	return nr;
}

static void assert_same_set(const uint32_t *a, const uint32_t *b, unsigned int nr)
{
	bool seen[PAGES] = {false};

	for (unsigned int i = 0; i < nr; i++)
		seen[a[i]] = true;
	for (unsigned int i = 0; i < nr; i++) {
		assert_true(seen[b[i]]);
		seen[b[i]] = false;
	}
}

static void all_free(uint64_t seed)
{
	hand_made(seed);
	for (unsigned int i = 0; i < BLOCKS; i++)
		put_block(i * BLOCK, ORDER, QY_MIGRATE_MOVABLE);
}

static unsigned int in_place(const uint32_t *a, const uint32_t *b, unsigned int nr)
{
	unsigned int same = 0;

	for (unsigned int i = 0; i < nr; i++)
		same += a[i] == b[i];
	return same;
}

static void shuffle_zone_same_blocks_in_another_order(void **state)
{
	uint32_t before[PAGES], after[PAGES];

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		all_free(seed);
		assert_int_equal(read_list(ORDER, QY_MIGRATE_MOVABLE, before), BLOCKS);
		qy__shuffle_zone(&mm, &zone[0]);
		assert_int_equal(read_list(ORDER, QY_MIGRATE_MOVABLE, after), BLOCKS);
		assert_same_set(before, after, BLOCKS);
		/* Some stay where they were by chance; half of them would be none. */
		assert_true(in_place(before, after, BLOCKS) < BLOCKS / 2);
	}
}

static void shuffle_zone_order_depends_on_the_seed_alone(void **state)
{
	uint32_t first[PAGES], again[PAGES], other[PAGES];

	(void)state;
	all_free(7);
	qy__shuffle_zone(&mm, &zone[0]);
	read_list(ORDER, QY_MIGRATE_MOVABLE, first);
	all_free(7);
	qy__shuffle_zone(&mm, &zone[0]);
	read_list(ORDER, QY_MIGRATE_MOVABLE, again);
	assert_memory_equal(first, again, BLOCKS * sizeof(*first));
	all_free(8);
	qy__shuffle_zone(&mm, &zone[0]);
	read_list(ORDER, QY_MIGRATE_MOVABLE, other);
	assert_true(in_place(first, other, BLOCKS) < BLOCKS / 2);
	/* A second time is another order again. */
	qy__shuffle_zone(&mm, &zone[0]);
	read_list(ORDER, QY_MIGRATE_MOVABLE, again);
	assert_true(in_place(other, again, BLOCKS) < BLOCKS / 2);
}

/* Every block comes to every place: no corner is left out. */
static void shuffle_zone_reaches_every_place(void **state)
{
	uint64_t at_place[BLOCKS] = {0};
	uint32_t list[PAGES];

	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		all_free(seed);
		qy__shuffle_zone(&mm, &zone[0]);
		read_list(ORDER, QY_MIGRATE_MOVABLE, list);
		for (unsigned int i = 0; i < BLOCKS; i++)
			at_place[i] |= UINT64_C(1) << list[i] / BLOCK;
	}
	for (unsigned int i = 0; i < BLOCKS; i++)
		assert_true(at_place[i] == UINT64_MAX >> (64 - BLOCKS));
}

/* Neighbours are the hard case of a swap: lists of two and of three are all neighbours. */
static void shuffle_zone_short_lists_keep_their_links(void **state)
{
	/*
	 * One swap per block, so three blocks come to the odd orders only; two to the other one
	 * when one of them finds no partner.
	 */
	static const int reachable[] = {1, 1, 2, 3};

	(void)state;
	for (unsigned int nr = 0; nr <= 3; nr++) {
		unsigned int orders = 0;

		for (uint64_t seed = 0; seed < 4000; seed++) {
			uint32_t list[PAGES];
			unsigned int key = 0;

			hand_made(seed);
			for (unsigned int i = 0; i < nr; i++)
				put_block(i * BLOCK, ORDER, QY_MIGRATE_UNMOVABLE);
			zone[0].end_pfn = (nr ? nr : 1) * BLOCK;
			qy__shuffle_zone(&mm, &zone[0]);
			assert_int_equal(read_list(ORDER, QY_MIGRATE_UNMOVABLE, list), nr);
			for (unsigned int i = 0; i < nr; i++)
				key = key * 3 + list[i] / BLOCK;
			orders |= 1u << key;
		}
		assert_int_equal(__builtin_popcount(orders), reachable[nr]);
	}
}

static void shuffle_zone_types_stay_on_their_lists(void **state)
{
	uint32_t before[2][PAGES], after[PAGES];

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		hand_made(seed);
		for (unsigned int i = 0; i < BLOCKS; i++)
			put_block(i * BLOCK, ORDER, i % 2 ? QY_MIGRATE_CMA : QY_MIGRATE_UNMOVABLE);
		read_list(ORDER, QY_MIGRATE_UNMOVABLE, before[0]);
		read_list(ORDER, QY_MIGRATE_CMA, before[1]);
		qy__shuffle_zone(&mm, &zone[0]);
		for (unsigned int i = 0; i < 2; i++) {
			unsigned int type = i ? QY_MIGRATE_CMA : QY_MIGRATE_UNMOVABLE;

			assert_int_equal(read_list(ORDER, type, after), BLOCKS / 2);
			assert_same_set(before[i], after, BLOCKS / 2);
			assert_true(in_place(before[i], after, BLOCKS / 2) < BLOCKS / 4);
		}
	}
}

/* Blocks in use, smaller blocks and other zones' blocks are left alone, whatever they look like. */
static void shuffle_zone_touches_nothing_else(void **state)
{
	struct qy_page before[PAGES];
	struct qy__zone was[2];
	uint32_t list[PAGES];

	(void)state;
	hand_made(3);
	for (unsigned int i = 0; i < BLOCKS; i++) {
		uint32_t pfn = i * BLOCK;

		switch (i % 4) {
		case 0: put_block(pfn, ORDER, QY_MIGRATE_MOVABLE); break;
		case 1:
			put_block(pfn, ORDER - 1, QY_MIGRATE_MOVABLE);
			put_block(pfn + 2, ORDER - 1, QY_MIGRATE_MOVABLE);
			break;
		case 2: /* in use: its links say what they like */
			pages[pfn].order = ORDER;
			pages[pfn].migratetype = QY_MIGRATE_MOVABLE;
			pages[pfn].next = pages[pfn].prev = 1;
			break;
		default: pages[pfn].zone = 1; put_block(pfn, ORDER, QY_MIGRATE_MOVABLE);
		}
	}
	zone[0].nr_free_pages = 1234;
	zone[0].area[ORDER].nr_free = 55;
	memcpy(before, pages, sizeof(pages));
	memcpy(was, zone, sizeof(zone));
	qy__shuffle_zone(&mm, &zone[0]);
	assert_int_equal(read_list(ORDER, QY_MIGRATE_MOVABLE, list), BLOCKS / 4);
	for (unsigned int pfn = 0; pfn < PAGES; pfn++) {
		if (pfn % (4 * BLOCK) == 0)
			pages[pfn].next = before[pfn].next, pages[pfn].prev = before[pfn].prev;
		assert_memory_equal(&pages[pfn], &before[pfn], sizeof(pages[pfn]));
	}
	was[0].area[ORDER].head[QY_MIGRATE_MOVABLE] = list[0];
	was[0].area[ORDER].tail[QY_MIGRATE_MOVABLE] = list[BLOCKS / 4 - 1];
	assert_memory_equal(was, zone, sizeof(zone));
}

/* A zone that begins and ends inside a block: the pages beyond are not even looked at. */
static void shuffle_zone_borders_inside_blocks_are_kept(void **state)
{
	(void)state;
	for (uint32_t start = 1; start < 2 * BLOCK; start++) {
		for (uint32_t end = start; end <= PAGES; end += 5) {
			uint32_t first = (start + BLOCK - 1) / BLOCK * BLOCK, list[PAGES];
			unsigned int nr = 0;

			hand_made(start * 100 + end);
			zone[0].start_pfn = mm.min_pfn = start;
			zone[0].end_pfn = mm.end_pfn = end;
			mm.pages = pages + start; /* the descriptors begin there */
			for (uint32_t pfn = first; pfn + BLOCK <= end; pfn += BLOCK, nr++)
				put_block(pfn, ORDER, QY_MIGRATE_MOVABLE);
			qy__shuffle_zone(&mm, &zone[0]);
			assert_int_equal(read_list(ORDER, QY_MIGRATE_MOVABLE, list), nr);
		}
	}
}

static void shuffle_zone_without_pages_does_nothing(void **state)
{
	(void)state;
	hand_made(1);
	qy__shuffle_zone(&mm, &zone[1]);
	zone[0].end_pfn = BLOCK - 1;
	qy__shuffle_zone(&mm, &zone[0]);
	zone[0].start_pfn = zone[0].end_pfn = UINT32_MAX - 1; /* no wrap */
	qy__shuffle_zone(&mm, &zone[0]);
}

static void shuffle_zone_single_pages_can_be_shuffled(void **state)
{
	uint32_t list[PAGES];
	unsigned int same = 0;

	(void)state;
	hand_made(1);
	mm.max_order = 0;
	for (unsigned int pfn = 0; pfn < PAGES; pfn++)
		put_block(pfn, 0, QY_MIGRATE_UNMOVABLE);
	qy__shuffle_zone(&mm, &zone[0]);
	assert_int_equal(read_list(0, QY_MIGRATE_UNMOVABLE, list), PAGES);
	for (unsigned int pfn = 0; pfn < PAGES; pfn++)
		same += list[pfn] == pfn;
	assert_true(same < PAGES / 4);
}

static void pick_tail_hands_out_every_bit_of_the_pool_once(void **state)
{
	struct qy__rng rng;

	(void)state;
	hand_made(42);
	qy__rng_seed(&rng, 42);
	for (int refill = 0; refill < 50; refill++) {
		uint64_t bits = qy__rng_next(&rng);

		for (int i = 0; i < 63; i++)
			assert_int_equal(qy__shuffle_pick_tail(&mm), bits >> i & 1);
	}
	assert_true(rng.state == mm.rng.state); /* nothing drawn in vain */
}

/* What an instance hands out first, page by page. */
static void first_pages(uint64_t seed, bool shuffle, uint32_t *pfn, unsigned int nr)
{
	instance_init(&in, 1024);
	in.config.max_order = 3;
	in.config.pageblock_order = 3;
	in.config.seed = seed;
	in.config.shuffle = shuffle;
	instance_create(&in);
	for (unsigned int i = 0; i < nr; i++) {
		struct qy_page *page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 3);

		assert_non_null(page);
		pfn[i] = qy_page_pfn(in.mm, page);
	}
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(qy_free_pages(in.mm,
					       qy_page_of(in.mm, (char *)qy_mm_base(in.mm) +
									 pfn[i] * PAGE_BYTES),
					       3),
				 0);
	assert_clean(&in);
	instance_destroy(&in);
}

static void config_shuffle_blocks_come_in_an_order_of_the_seeds(void **state)
{
	uint32_t plain[64], one[64], again[64], two[64];

	(void)state;
	first_pages(1, false, plain, 64);
	first_pages(1, true, one, 64);
	first_pages(1, true, again, 64);
	first_pages(2, true, two, 64);
	assert_memory_equal(one, again, sizeof(one));
	assert_true(in_place(plain, one, 64) < 16);
	assert_true(in_place(one, two, 64) < 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shuffle_zone_same_blocks_in_another_order),
		cmocka_unit_test(shuffle_zone_order_depends_on_the_seed_alone),
		cmocka_unit_test(shuffle_zone_reaches_every_place),
		cmocka_unit_test(shuffle_zone_short_lists_keep_their_links),
		cmocka_unit_test(shuffle_zone_types_stay_on_their_lists),
		cmocka_unit_test(shuffle_zone_touches_nothing_else),
		cmocka_unit_test(shuffle_zone_borders_inside_blocks_are_kept),
		cmocka_unit_test(shuffle_zone_without_pages_does_nothing),
		cmocka_unit_test(shuffle_zone_single_pages_can_be_shuffled),
		cmocka_unit_test(pick_tail_hands_out_every_bit_of_the_pool_once),
		cmocka_unit_test_teardown(config_shuffle_blocks_come_in_an_order_of_the_seeds,
					  tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
