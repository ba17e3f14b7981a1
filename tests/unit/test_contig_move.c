/* SPDX-License-Identifier: MIT */
/*
 * test_contig_move.c - a run of pages at a given place: what is movable is moved; what fails on the
 * way is undone; other threads go on.
 */
#include "contig_rig.h"

#include <pthread.h>

#include "page/buddy.h"
#include "page/pcp.h"

/* ---- what is moved ---- */

static uint32_t wanted_start, wanted_end;

/* While a run is emptied nothing in its page blocks is given away. */
static void target_lies_outside(struct users *u, struct qy_page *from, struct qy_page *to,
				unsigned int order)
{
	uint32_t pfn = qy__page_pfn(u->mm, to);
	struct qy_page *page[16];

	assert_true(pfn + (1u << order) <= (wanted_start & ~3u) || pfn >= ((wanted_end + 3) & ~3u));
	assert_int_equal(qy__pageblock_type(u->mm, qy__page_pfn(u->mm, from)), QY_MIGRATE_ISOLATE);
	for (int i = 0; i < 16; i++) {
		page[i] = qy_alloc_pages(u->mm, QY_GFP_NOWARN | (i & 1 ? QY_GFP_MOVABLE : 0), 0);
		if (!page[i])
			continue;
		pfn = qy__page_pfn(u->mm, page[i]);
		assert_true(pfn < (wanted_start & ~3u) || pfn >= ((wanted_end + 3) & ~3u));
	}
	for (int i = 0; i < 16; i++)
		if (page[i])
			assert_int_equal(qy_free_pages(u->mm, page[i], 0), 0);
}

static void movable_blocks_are_moved_and_their_users_follow(void **state)
{
	uint32_t at;

	(void)state;
	make();
	/* Blocks of all orders up to 16 pages, everywhere; then every other one goes. */
	for (unsigned int i = 0, failed = 0; failed < 5; i++)
		failed = users_add(&users, in.mm, 0, i % 5) ? 0 : failed + 1;
	for (unsigned int i = 0; i < users.nr; i += 2)
		users_drop(&users, i);
	users.before = target_lies_outside;
	for (at = 256; at + 40 <= 448; at += 23) {
		wanted_start = at;
		wanted_end = at + 40;
		assert_int_equal(take(wanted_start, wanted_end), 0);
		assert_int_equal(users.unknown, 0);
		assert_singles(in.mm, at, 40);
		for (uint32_t pfn = at; pfn < at + 40; pfn++)
			assert_int_equal(user_of(&users, pfn), -1);
		users_check(&users);
		assert_sound(in.mm);
		give(at, 40);
		assert_sound(in.mm);
	}
	assert_true(users.moved > 8);
	users_drop_all(&users);
	assert_int_equal(in.mm->usage.pages, before.in_use);
	assert_clean(&in);
}

/*
 *   page blocks   |    |    |    |    |          block of 16 pages: all four of them
 *   block         [ ------ in use ---- ]
 *   wanted                 [ )
 *   Expect: the whole block is moved, one page is ours, the other fifteen are free; types as
 *   before.
 */
static void block_larger_than_the_run_is_moved_as_a_whole(void **state)
{
	struct qy_page *page;
	uint32_t at;

	(void)state;
	make();
	at = a_free_run(64);
	for (uint32_t off = 0; off < 16; off++) {
		page = movable_at(at, 4);
		wanted_start = at + off;
		wanted_end = at + off + 1;
		assert_int_equal(take(wanted_start, wanted_end), 0);
		assert_ptr_not_equal(users.page[users.nr - 1], page);
		assert_singles(in.mm, at + off, 1);
		users_check(&users);
		assert_sound(in.mm);
		for (uint32_t i = 0; i < 16; i += 4)
			assert_int_equal(qy__pageblock_type(in.mm, at + i), QY_MIGRATE_MOVABLE);
		users_drop_all(&users);
		give(at + off, 1);
		assert_map(&before, in.mm);
	}
	assert_clean(&in);
}

static void blocks_that_reach_over_both_ends_are_moved(void **state)
{
	uint32_t at;

	(void)state;
	make();
	at = a_free_run(64);
	movable_at(at, 4);
	movable_at(at + 48, 4);
	wanted_start = at + 13;
	wanted_end = at + 50;
	assert_int_equal(take(wanted_start, wanted_end), 0);
	assert_int_equal(users.moved, 2);
	assert_singles(in.mm, wanted_start, 37);
	assert_sound(in.mm);
	users_drop_all(&users);
	give(wanted_start, 37);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void compound_block_is_moved_to_a_compound_one(void **state)
{
	struct qy_page *page, *to;
	uint32_t pfn;

	(void)state;
	make();
	page = users_add(&users, in.mm, QY_GFP_COMP, 3);
	pfn = qy__page_pfn(in.mm, page);
	assert_int_equal(take(pfn + 5, pfn + 6), 0);
	to = users.page[0];
	assert_ptr_not_equal(to, page);
	for (int i = 0; i < 8; i++)
		assert_ptr_equal(qy_page_head(in.mm, to + i), to);
	users_drop_all(&users);
	give(pfn + 5, 1);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void pages_of_the_run_are_movable_if_asked(void **state)
{
	uint32_t at;

	(void)state;
	make();
	at = a_free_run(8);
	assert_int_equal(qy_alloc_contig_range(in.mm, at, at + 2, QY_GFP_MOVABLE), 0);
	for (uint32_t i = 0; i < 2; i++) {
		users.page[i] = qy__pfn_page(in.mm, at + i);
		memset(qy__pfn_addr(in.mm, at + i), users.fill[i] = (unsigned char)(i + 9),
		       PAGE_BYTES);
	}
	users.nr = 2;
	assert_int_equal(take(at, at + 4), 0);
	assert_int_equal(users.moved, 2);
	users_drop_all(&users);
	give(at, 4);
	assert_map(&before, in.mm);
	/* And those of a split block, and of a block that was not movable, are what it was. */
	users.page[0] = qy_alloc_pages(in.mm, QY_GFP_MOVABLE, 1);
	assert_int_equal(qy_split_page(in.mm, users.page[0], 1), 0);
	users.page[1] = users.page[0] + 1;
	at = qy__page_pfn(in.mm, users.page[0]);
	users.moved = 0;
	users.nr = 2;
	for (uint32_t i = 0; i < 2; i++)
		memset(qy__pfn_addr(in.mm, at + i), users.fill[i], PAGE_BYTES);
	assert_int_equal(take(at, at + 2), 0);
	assert_int_equal(users.moved, 2);
	users_drop_all(&users);
	give(at, 2);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* Page blocks of every type in one run: each is what it was afterwards, taken or not. */
static void page_blocks_keep_their_types(void **state)
{
	static const uint8_t type[] = {QY_MIGRATE_UNMOVABLE,   QY_MIGRATE_MOVABLE,
				       QY_MIGRATE_RECLAIMABLE, QY_MIGRATE_HIGHATOMIC,
				       QY_MIGRATE_MOVABLE,     QY_MIGRATE_RECLAIMABLE};
	struct qy__zone *zone;
	uint32_t at;

	(void)state;
	make();
	zone = &in.mm->zone[QY_ZONE_NORMAL];
	at = a_free_run(64);
	for (uint32_t i = 0; i < 6; i++) {
		movable_at(at + 4 * i + 1, 0);
		qy__lock(&zone->lock);
		assert_true(qy__move_pageblock_locked(in.mm, zone, at + 4 * i, type[i]));
		zone->nr_reserved_highatomic += type[i] == QY_MIGRATE_HIGHATOMIC ? 4 : 0;
		qy__unlock(&zone->lock);
	}
	assert_sound(in.mm);
	users.refuse = -EAGAIN;
	refuse(at, at + 24, -EBUSY);
	refuse(at + 2, at + 7, -EBUSY);
	refuse(at + 9, at + 22, -EBUSY);
	users.refuse = 0;
	assert_int_equal(take(at + 2, at + 22), 0);
	assert_int_equal(users.moved, 5);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(in.mm->pageblock[(at + 4 * i) / 4 - in.mm->pageblock_first],
				 type[i]);
	assert_sound(in.mm);
	give(at + 2, 20);
	assert_sound(in.mm);
	users_drop_all(&users);
}

/* ---- what fails on the way ---- */

static void hook_that_refuses_is_ebusy_and_undone(void **state)
{
	uint32_t at;

	(void)state;
	make();
	at = a_free_run(64);
	for (unsigned int order = 0; order <= 4; order++) {
		uint32_t pfn = at + 32;

		movable_at(pfn, order);
		users.refuse = 1;
		refuse(at, at + 64, -EBUSY);
		users.refuse = -ENOMEM;
		refuse(pfn, pfn + 1, -EBUSY);
		refuse(at + 1, pfn + 1, -EBUSY);
		users.refuse = 0;
		/* A block that the program does not know. */
		users.page[users.nr - 1] = NULL;
		users.unknown = 0;
		refuse(pfn, pfn + 1, -EBUSY);
		assert_int_equal(users.unknown, 1);
		assert_int_equal(qy_free_pages(in.mm, qy__pfn_page(in.mm, pfn), order), 0);
		users.nr--;
		assert_map(&before, in.mm);
	}
	assert_clean(&in);
}

/* The first two are moved, the third is not: those have moved, the rest is as before. */
static void hook_that_refuses_late_leaves_what_was_moved(void **state)
{
	uint32_t at, where[3] = {1, 6, 11};

	(void)state;
	make();
	at = a_free_run(16);
	for (int i = 0; i < 3; i++)
		movable_at(at + where[i], 0);
	/* The third is nobody's. */
	users.page[users.nr - 1] = NULL;
	assert_int_equal(take(at, at + 16), -EBUSY);
	assert_int_equal(users.moved, 2);
	assert_int_equal(users.unknown, 1);
	assert_sound(in.mm);
	users_check(&users);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(qy__pfn_page(in.mm, at + i)->type == QY__PAGE_ALLOC, i == 11);
	assert_int_equal(qy_free_pages(in.mm, qy__pfn_page(in.mm, at + 11), 0), 0);
	users_drop_all(&users);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void no_room_to_move_to_is_enomem_and_undone(void **state)
{
	struct qy_page *page;
	struct page_map full;
	uint32_t pfn;

	(void)state;
	make();
	while (users_add(&users, in.mm, 0, 0))
		;
	page = users.page[users.nr / 2];
	pfn = qy__page_pfn(in.mm, page);
	refuse(pfn, pfn + 1, -ENOMEM);
	/* One page is free, but it lies where nothing may be put. */
	users_drop(&users, (unsigned int)user_of(&users, pfn ^ 1));
	map_take(&full, in.mm);
	refuse(pfn, pfn + 1, -ENOMEM);
	refuse(pfn & ~3u, (pfn & ~3u) + 4, -ENOMEM);
	/* One that does not. */
	users_drop(&users, (unsigned int)user_of(&users, pfn ^ 8));
	assert_int_equal(take(pfn, pfn + 1), 0);
	users_check(&users);
	assert_true(user_of(&users, pfn ^ 8) >= 0);
	give(pfn, 1);
	users_drop_all(&users);
	assert_all_back();
	assert_clean(&in);
}

/* Who needs it low has it low afterwards. */
static void moving_keeps_within_the_zone_type(void **state)
{
	struct qy_page *dma, *page;
	uint32_t pfn;

	(void)state;
	init(512);
	in.config.zone_limit[QY_ZONE_DMA] = 256 * PAGE_BYTES;
	instance_create(&in);
	users.mm = in.mm;
	dma = users_add(&users, in.mm, QY_GFP_DMA, 0);
	pfn = qy__page_pfn(in.mm, dma);
	assert_true(pfn < 256);
	assert_int_equal(take(pfn, pfn + 1), 0);
	assert_true(qy__page_pfn(in.mm, users.page[0]) < 256);
	give(pfn, 1);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_DMA | QY_GFP_NOWARN, 0)))
		assert_true(qy__page_pfn(in.mm, page) < 256);
	pfn = qy__page_pfn(in.mm, users.page[0]);
	refuse(pfn, pfn + 1, -ENOMEM);
	users_drop_all(&users);
	assert_clean(&in);
}

/*
 *   page blocks  | 252 … 255 | 256 … 259 |
 *   zones             DMA   254 ) [ NORMAL       the second-to-last page block is nobody's
 *   Expect: what is free in it is taken, what is in use stays; its type never changes.
 */
static void page_block_over_the_zone_border_gives_only_what_is_free(void **state)
{
	struct qy_page *page;

	(void)state;
	init(512);
	in.config.zone_limit[QY_ZONE_DMA] = 254 * PAGE_BYTES;
	instance_create(&in);
	users.mm = in.mm;
	map_take(&before, in.mm);
	assert_int_equal(take(248, 254), 0);
	give(248, 6);
	assert_map(&before, in.mm);
	assert_int_equal(take(254, 260), 0);
	give(254, 6);
	assert_map(&before, in.mm);
	/* Movable pages in the border block and before it. */
	while ((page = users_add(&users, in.mm, QY_GFP_DMA, 0)))
		;
	for (unsigned int i = 0; i < users.nr; i++)
		if (qy__page_pfn(in.mm, users.page[i]) < 240)
			users_drop(&users, i);
	refuse(252, 254, -EBUSY);
	refuse(249, 253, -EBUSY);
	assert_int_equal(users.moved + users.unknown, 0);
	/* Of the page blocks before it they are moved. */
	assert_int_equal(take(246, 252), 0);
	assert_int_equal(users.moved, 6);
	give(246, 6);
	users_drop(&users, (unsigned int)user_of(&users, 252));
	refuse(249, 254, -EBUSY);
	users_drop(&users, (unsigned int)user_of(&users, 253));
	assert_int_equal(take(246, 254), 0);
	assert_sound(in.mm);
	give(246, 8);
	users_drop_all(&users);
	assert_all_back();
}

static unsigned int nested;

static void take_again(struct users *u, struct qy_page *from, struct qy_page *to,
		       unsigned int order)
{
	uint32_t pfn = qy__page_pfn(u->mm, from);

	(void)to;
	(void)order;
	nested++;
	assert_int_equal(qy_alloc_contig_range(u->mm, pfn & ~3u, (pfn & ~3u) + 1, 0), -EBUSY);
}

static void hook_that_wants_the_same_run_is_ebusy(void **state)
{
	uint32_t pfn;

	(void)state;
	make();
	nested = 0;
	users.before = take_again;
	pfn = a_free_run(16) + 3;
	movable_at(pfn, 0);
	assert_int_equal(take(pfn, pfn + 1), 0);
	assert_int_equal(nested, 1);
	give(pfn, 1);
	users_drop_all(&users);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void pages_on_the_cpus_lists_are_taken(void **state)
{
	struct qy_page *page[24];
	uint32_t low = UINT32_MAX, high = 0;

	(void)state;
	init(512);
	in.config.pcp = QY_ON;
	in.config.nr_cpus = 2;
	in.config.pcp_batch = 8;
	in.config.pcp_high = 64;
	instance_create(&in);
	users.mm = in.mm;
	for (int i = 0; i < 24; i++)
		page[i] = qy_alloc_pages(in.mm, QY_GFP_MOVABLE, 0);
	for (int i = 0; i < 24; i++) {
		uint32_t pfn = qy__page_pfn(in.mm, page[i]);

		low = pfn < low ? pfn : low;
		high = pfn > high ? pfn : high;
		assert_int_equal(qy_mm_set_cpu(in.mm, i & 1), 0);
		assert_int_equal(qy_free_pages(in.mm, page[i], 0), 0);
	}
	assert_true(qy__pcp_count(in.mm, &in.mm->zone[QY_ZONE_NORMAL]) >= 24);
	assert_int_equal(take(low, high + 1), 0);
	assert_singles(in.mm, low, high + 1 - low);
	assert_int_equal(qy__pcp_count(in.mm, &in.mm->zone[QY_ZONE_NORMAL]), 0);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].pcp_disabled, 0);
	assert_sound(in.mm);
	/* They are used again afterwards, whatever the outcome. */
	refuse(low, low + 1, -EBUSY);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].pcp_disabled, 0);
	give(low, high + 1 - low);
	assert_true(qy__pcp_count(in.mm, &in.mm->zone[QY_ZONE_NORMAL]) > 0);
	assert_clean(&in);
}

/* All page blocks are UNMOVABLE: movable blocks are moved all the same. */
static void without_grouping_movable_blocks_are_moved(void **state)
{
	uint32_t pfn;

	(void)state;
	init(512);
	in.config.grouping = QY_OFF;
	instance_create(&in);
	users.mm = in.mm;
	map_take(&before, in.mm);
	pfn = a_free_run(8);
	movable_at(pfn, 2);
	users.refuse = -EAGAIN;
	refuse(pfn + 2, pfn + 8, -EBUSY);
	users.refuse = 0;
	assert_int_equal(take(pfn + 2, pfn + 8), 0);
	assert_int_equal(users.moved, 1);
	assert_int_equal(qy__pageblock_type(in.mm, pfn), QY_MIGRATE_UNMOVABLE);
	give(pfn + 2, 6);
	users_drop_all(&users);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* ---- threads ---- */

#define WORKERS 3
#define SHARES 48
#define ROUNDS 4000

/* What the workers have; the hook asks under the lock who knows the block. */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct qy_page *table[WORKERS][SHARES];
static unsigned int hook_moved;

static int migrate_table(struct qy_mm *mm, struct qy_page *from, struct qy_page *to,
			 unsigned int order, void *ctx)
{
	int err = -ENOENT;

	(void)ctx;
	pthread_mutex_lock(&table_lock);
	for (int i = 0; i < WORKERS * SHARES && err; i++) {
		if (table[i / SHARES][i % SHARES] != from)
			continue;
		memcpy(qy_page_address(mm, to), qy_page_address(mm, from), PAGE_BYTES << order);
		table[i / SHARES][i % SHARES] = to;
		hook_moved++;
		err = 0;
	}
	pthread_mutex_unlock(&table_lock);
	return err;
}

static unsigned char mark_of(int worker, int i)
{
	return (unsigned char)(worker * SHARES + i + 1);
}

static void *allocate_and_free(void *arg)
{
	int worker = (int)(intptr_t)arg;
	uint32_t seed = (uint32_t)worker + 1;

	for (int n = 0; n < ROUNDS; n++) {
		int i = (int)((seed = seed * 1664525 + 1013904223) >> 16) % SHARES;
		unsigned int order = (unsigned int)i % 3;
		struct qy_page *page;

		pthread_mutex_lock(&table_lock);
		page = table[worker][i];
		table[worker][i] = NULL;
		pthread_mutex_unlock(&table_lock);
		if (page) {
			unsigned char *p = qy_page_address(in.mm, page);

			assert_int_equal(p[0], mark_of(worker, i));
			assert_int_equal(p[(PAGE_BYTES << order) - 1], mark_of(worker, i));
			assert_int_equal(qy_free_pages(in.mm, page, order), 0);
			continue;
		}
		page = qy_alloc_pages(in.mm, QY_GFP_NOWARN | (i % 4 ? QY_GFP_MOVABLE : 0), order);
		if (!page)
			continue;
		memset(qy_page_address(in.mm, page), mark_of(worker, i), PAGE_BYTES << order);
		pthread_mutex_lock(&table_lock);
		table[worker][i] = page;
		pthread_mutex_unlock(&table_lock);
	}
	return NULL;
}

static void *take_runs(void *arg)
{
	uint32_t seed = 99 + (uint32_t)(uintptr_t)arg;
	unsigned int *taken = calloc(1, sizeof(*taken));

	for (int n = 0; n < ROUNDS / 4; n++) {
		uint32_t nr, at;

		seed = seed * 1664525 + 1013904223;
		nr = 1 + (seed >> 8) % 24;
		at = 64 + (seed >> 16) % (512 - 64 - nr);
		if (take(at, at + nr))
			continue;
		(*taken)++;
		memset(qy__pfn_addr(in.mm, at), 0xcc, nr * PAGE_BYTES);
		assert_int_equal(qy_free_contig_range(in.mm, at, nr), 0);
	}
	return taken;
}

static void runs_are_taken_while_others_allocate_and_free(void **state)
{
	pthread_t worker[WORKERS], taker[2];
	void *taken[2];

	(void)state;
	init(512);
	in.config.cpu_provider = QY_CPU_THREAD;
	in.config.pcp = QY_ON;
	in.config.pcp_batch = 4;
	in.config.pcp_high = 16;
	in.config.migrate = (struct qy_migrate_hook){migrate_table, NULL};
	instance_create(&in);
	memset(table, 0, sizeof(table));
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&worker[i], NULL, allocate_and_free, (void *)(intptr_t)i);
	for (int i = 0; i < 2; i++)
		pthread_create(&taker[i], NULL, take_runs, (void *)(intptr_t)i);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(taker[i], &taken[i]);
	for (int i = 0; i < WORKERS * SHARES; i++) {
		struct qy_page *page = table[i / SHARES][i % SHARES];
		unsigned int order = (unsigned int)(i % SHARES) % 3;

		if (!page)
			continue;
		assert_int_equal(*(unsigned char *)qy_page_address(in.mm, page),
				 mark_of(i / SHARES, i % SHARES));
		assert_int_equal(qy_free_pages(in.mm, page, order), 0);
	}
	assert_true(*(unsigned int *)taken[0] + *(unsigned int *)taken[1] > 0);
	assert_true(hook_moved > 0);
	free(taken[0]);
	free(taken[1]);
	qy_mm_drain_pages(in.mm);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_isolate, 0);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].pcp_disabled, 0);
	for (uint32_t i = 0; i < 512 / 4; i++)
		assert_true(in.mm->pageblock[i] < QY_MIGRATE_ISOLATE);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(movable_blocks_are_moved_and_their_users_follow,
					  tear_down),
		cmocka_unit_test_teardown(block_larger_than_the_run_is_moved_as_a_whole, tear_down),
		cmocka_unit_test_teardown(blocks_that_reach_over_both_ends_are_moved, tear_down),
		cmocka_unit_test_teardown(compound_block_is_moved_to_a_compound_one, tear_down),
		cmocka_unit_test_teardown(pages_of_the_run_are_movable_if_asked, tear_down),
		cmocka_unit_test_teardown(page_blocks_keep_their_types, tear_down),
		cmocka_unit_test_teardown(hook_that_refuses_is_ebusy_and_undone, tear_down),
		cmocka_unit_test_teardown(hook_that_refuses_late_leaves_what_was_moved, tear_down),
		cmocka_unit_test_teardown(no_room_to_move_to_is_enomem_and_undone, tear_down),
		cmocka_unit_test_teardown(moving_keeps_within_the_zone_type, tear_down),
		cmocka_unit_test_teardown(page_block_over_the_zone_border_gives_only_what_is_free,
					  tear_down),
		cmocka_unit_test_teardown(hook_that_wants_the_same_run_is_ebusy, tear_down),
		cmocka_unit_test_teardown(pages_on_the_cpus_lists_are_taken, tear_down),
		cmocka_unit_test_teardown(without_grouping_movable_blocks_are_moved, tear_down),
		cmocka_unit_test_teardown(runs_are_taken_while_others_allocate_and_free, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
