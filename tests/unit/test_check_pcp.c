/* SPDX-License-Identifier: MIT */
/*
 * test_check_pcp.c - the checker on the CPUs' page lists: each test breaks one thing.
 *
 * Two CPUs, lists of several orders and types on both:  DMA: 0…79, Normal: 80…399
 */
#include "damage.h"
#include "fixture.h"

#include <pthread.h>

#include "page/pcp.h"

static struct qy_page *held[64];
static unsigned int nr_held;

static struct qy__zone *normal(void)
{
	return &in.mm->zone[QY_ZONE_NORMAL];
}

static struct qy__page_stack *list_of(unsigned int cpu, unsigned int order, unsigned int type)
{
	return &normal()->pcp[cpu].list[order * QY_MIGRATE_PCPTYPES + type];
}

static struct qy_page *page_at(uint32_t pfn)
{
	return qy__pfn_page(in.mm, pfn);
}

static void hold(qy_gfp_t gfp, unsigned int order)
{
	struct qy_page *page = qy_alloc_pages(in.mm, gfp, order);

	assert_non_null(page);
	held[nr_held++] = page;
}

/* Refills leave blocks on the lists, and so do the frees. */
static void fill_lists(void)
{
	nr_held = 0;
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		assert_int_equal(qy_mm_set_cpu(in.mm, cpu), 0);
		do
			hold(QY_GFP_KERNEL, 0);
		while (list_of(cpu, 0, QY_MIGRATE_UNMOVABLE)->nr < 3);
		do
			hold(QY_GFP_KERNEL | QY_GFP_MOVABLE, 0);
		while (list_of(cpu, 0, QY_MIGRATE_MOVABLE)->nr < 3);
		do
			hold(QY_GFP_KERNEL, 1);
		while (list_of(cpu, 1, QY_MIGRATE_UNMOVABLE)->nr < 1);
		hold(QY_GFP_KERNEL | QY_GFP_MOVABLE, 2);
		nr_held--;
		assert_int_equal(qy_free_pages(in.mm, held[nr_held], 2), 0);
	}
}

static void configure(void)
{
	instance_init(&in, 400);
	in.config.nr_cpus = 2;
	in.config.zone_limit[QY_ZONE_DMA] = 80 * PAGE_BYTES;
	in.config.pcp = QY_ON;
	in.config.pcp_batch = 4;
	in.config.pcp_high = 48;
	in.config.grouping = QY_ON;
	in.config.pageblock_order = 4;
}

static int set_up(void **state)
{
	(void)state;
	configure();
	instance_create(&in);
	fill_lists();
	assert_clean(&in);
	instance_save(&in);
	return 0;
}

static void check_counts_P1(void **state)
{
	(void)state;
	normal()->pcp[0].count++;
	expect_violation(&in, "P1");
	normal()->pcp[1].count = 0;
	expect_violation(&in, "P1");
	in.mm->zone[QY_ZONE_DMA].pcp[0].count = 1; /* lists empty */
	expect_violation(&in, "P1");
	list_of(0, 0, 0)->nr++;
	expect_violation(&in, "P1");
	list_of(0, 0, 0)->nr--;
	expect_violation(&in, "P1");
	list_of(0, 1, 0)->nr = UINT32_MAX;
	expect_violation(&in, "P1");
	list_of(0, 3, 2)->nr = 1; /* head and tail mean nothing so far */
	expect_violation(&in, "P1");
	normal()->pcp[0].next_list = QY__PCP_LISTS;
	expect_violation(&in, "P1");
	normal()->pcp[1].free_factor = 40;
	expect_violation(&in, "P1");
}

static void check_links_P1(void **state)
{
	struct qy__page_stack *list = list_of(0, 0, 0);

	(void)state;
	list->head = UINT32_MAX;
	expect_violation(&in, "P1");
	list->head = 1u << 30;
	expect_violation(&in, "P1");
	list->head = 3; /* in the other zone */
	expect_violation(&in, "P1");
	list->head = page_at(list->head)->next;
	expect_violation(&in, "P1");
	list->tail = list->head;
	expect_violation(&in, "P1");
	page_at(list->head)->next = list->head; /* a cycle of one */
	expect_violation(&in, "P1");
	page_at(list->tail)->prev = QY__PFN_NONE;
	expect_violation(&in, "P1");
	/* A ring of the first two, the third is passed by. */
	assert_true(list->nr >= 3);
	list->tail = list->nr % 2 ? list->head : page_at(list->head)->next;
	page_at(page_at(list->head)->next)->next = list->head;
	page_at(list->head)->prev = page_at(list->head)->next;
	expect_violation(&in, "P1");
	page_at(page_at(list->head)->next)->prev = 5;
	expect_violation(&in, "P1");
}

/* What nobody reads may be anything. */
static void check_ends_of_lists_mean_nothing(void **state)
{
	struct qy__page_stack *list = list_of(0, 0, 0);

	(void)state;
	page_at(list->head)->prev = 12345;
	page_at(list->tail)->next = 1u << 31;
	list_of(0, 3, 2)->head = list_of(0, 3, 2)->tail = 7;
	assert_sound(in.mm);
	instance_restore(&in);
}

static void check_pages_on_lists_P1(void **state)
{
	struct qy__page_stack *list = list_of(0, 0, 0), *other = list_of(0, 1, 0), swap;

	(void)state;
	page_at(list->head)->order = 1;
	expect_violation(&in, "P1");
	page_at(list->head)->type = QY__PAGE_ALLOC;
	expect_violation(&in, "P1");
	page_at(list->tail)->type = QY__PAGE_BUDDY;
	expect_violation(&in, "P1");
	page_at(list->head)->migratetype = QY_MIGRATE_ISOLATE;
	expect_violation(&in, "P1");
	page_at(list->head)->migratetype = QY_MIGRATE_CMA; /* those are on MOVABLE's only */
	expect_violation(&in, "P1");
	swap = *list; /* blocks of one page on the list for two, and the other way round */
	*list = *other;
	*other = swap;
	expect_violation(&in, "P1");
}

/* A list that is on two CPUs, while another's blocks are on none: all counts agree. */
static void check_one_block_on_two_lists_P1(void **state)
{
	struct qy__page_stack *a = list_of(0, 0, QY_MIGRATE_UNMOVABLE);
	struct qy__page_stack *b = list_of(1, 0, QY_MIGRATE_UNMOVABLE);

	(void)state;
	while (a->nr > b->nr) { /* shorten one, by a block that stays nobody's */
		uint32_t last = a->tail;

		a->tail = page_at(last)->prev;
		page_at(a->tail)->next = QY__PFN_NONE;
		page_at(last)->type = QY__PAGE_ALLOC;
		page_at(last)->alloc.refcount = 1;
		a->nr--;
		normal()->pcp[0].count--;
	}
	while (b->nr > a->nr) {
		uint32_t last = b->tail;

		b->tail = page_at(last)->prev;
		page_at(b->tail)->next = QY__PFN_NONE;
		page_at(last)->type = QY__PAGE_ALLOC;
		page_at(last)->alloc.refcount = 1;
		b->nr--;
		normal()->pcp[1].count--;
	}
	assert_sound(in.mm);
	*b = *a;
	expect_violation(&in, "P1");
}

/* Taken off its list, and the books are kept, but the block is still marked. */
static void check_block_off_its_list_P1(void **state)
{
	struct qy__page_stack *list = list_of(0, 0, 0);

	(void)state;
	list->head = page_at(list->head)->next;
	page_at(list->head)->prev = QY__PFN_NONE;
	list->nr--;
	normal()->pcp[0].count--;
	expect_violation(&in, "P1");
}

static void check_place_of_lists_P1(void **state)
{
	uintptr_t pcp = (uintptr_t)normal()->pcp;

	(void)state;
	normal()->pcp = NULL;
	expect_violation(&in, "P1");
	normal()->pcp = (struct qy__pcp *)(pcp + 8);
	expect_violation(&in, "P1");
	normal()->pcp = (struct qy__pcp *)(in.buf + in.size - 64); /* only one fits */
	expect_violation(&in, "P1");
	normal()->pcp = (struct qy__pcp *)(uintptr_t)64;
	expect_violation(&in, "P1");
	in.mm->zone[QY_ZONE_DMA32].pcp = (struct qy__pcp *)pcp; /* of a zone without pages */
	expect_violation(&in, "P1");
	in.mm->pcp.on = false;
	expect_violation(&in, "P1");
	in.mm->fast_zone = &in.mm->zone[QY_ZONE_DMA];
	expect_violation(&in, "MM");
	in.mm->fast_zone = NULL; /* requests would take the long way: a pity, and not meant */
	expect_violation(&in, "MM");
}

static void check_list_sizes_P2(void **state)
{
	(void)state;
	normal()->pcp_batch = 0;
	expect_violation(&in, "P2");
	normal()->pcp_batch = 49;
	expect_violation(&in, "P2");
	normal()->pcp_high++;
	expect_violation(&in, "P2");
	in.mm->pcp.high = 47;
	expect_violation(&in, "P2");
	in.mm->zone[QY_ZONE_DMA32].pcp_high = 1; /* no pages */
	expect_violation(&in, "P2");
	normal()->pcp_limit--;
	expect_violation(&in, "P2");
	in.mm->reclaim.short_lists = 1; /* and the limit is as high as ever */
	expect_violation(&in, "P2");
	normal()->pcp_disabled = 1; /* ditto */
	expect_violation(&in, "P2");
	normal()->pcp_disabled = 1; /* and still pages on lists */
	normal()->pcp_limit = 0;
	expect_violation(&in, "P2");
}

/* P3: what is drained goes to its zone; off, and empty, is as it should be. */
static void check_disabled_and_drained_is_sound_P3(void **state)
{
	uint32_t free = normal()->nr_free_pages, on_lists = qy__pcp_count(in.mm, normal());

	(void)state;
	assert_true(on_lists > 8);
	qy__zone_pcp_disable(in.mm, normal());
	assert_int_equal(normal()->nr_free_pages, free + on_lists);
	assert_sound(in.mm);
	qy__zone_pcp_enable(in.mm, normal());
	assert_sound(in.mm);
	instance_restore(&in);
}

static void check_pages_P4(void **state)
{
	struct qy_page *two = page_at(list_of(0, 1, 0)->head);
	struct qy_page *one = page_at(list_of(0, 0, 0)->head);

	(void)state;
	one->flags = QY__PAGE_F_RETIRED;
	expect_violation(&in, "P4");
	one->alloc.refcount = 1;
	expect_violation(&in, "P4");
	one->migratetype = QY_NR_MIGRATETYPES;
	expect_violation(&in, "P4");
	one->order = QY__PCP_ORDERS;
	expect_violation(&in, "P4");
	two->order = 200;
	expect_violation(&in, "P4");
	two[1].type = QY__PAGE_TAIL;
	expect_violation(&in, "P4");
	two[1].flags = 1;
	expect_violation(&in, "P4");
	two[1].alloc.refcount = 2;
	expect_violation(&in, "P4");
	two[1].type = QY__PAGE_PCP;
	expect_violation(&in, "B2");
	one->zone = QY_ZONE_DMA;
	expect_violation(&in, "Z4");
	one->type = QY__PAGE_INSIDE; /* neither free nor allocated */
	expect_violation(&in, "B2");
	one->type = QY__PAGE_RESERVED; /* no more one of the zone's */
	expect_violation(&in, "B7");
}

static void check_stopped_or_entered_LK(void **state)
{
	(void)state;
	in.mm->pcp.stopped = 1;
	expect_violation(&in, "LK");
	normal()->pcp[1].busy = 1;
	expect_violation(&in, "LK");
}

/* ---- CPUs are threads ---- */

static void make_threaded(void)
{
	configure();
	in.size = 1200 * PAGE_BYTES; /* lists for all threads that there can be */
	in.config.size = in.size;
	in.config.zone_limit[QY_ZONE_DMA] = 0;
	in.config.cpu_provider = QY_CPU_THREAD;
	in.config.nr_cpus = 0;
	instance_create(&in);
	nr_held = 0;
	for (unsigned int i = 0; i < 6; i++)
		hold(QY_GFP_KERNEL, i % 3);
	assert_true(qy__pcp_count(in.mm, normal()) > 0);
	assert_clean(&in);
	instance_save(&in);
}

/* What cannot be stopped is not looked at, and is left as it was. */
static void check_lists_that_cannot_be_stopped_LK(void **state)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	(void)state;
	tear_down(NULL);
	make_threaded();
	in.mm->pcp.stopped = 1;
	expect_violation(&in, "LK");
	in.mm->pcp.lock.word = 77;
	expect_violation(&in, "LK");
	normal()->pcp[200].busy = 1;
	assert_true(qy_check(in.mm, QY_CHECK_BUDDY, &r));
	assert_true(has_violation(&r, "LK"));
	assert_int_equal(in.mm->pcp.stopped, 0);
	assert_int_equal(in.mm->pcp.lock.word, 0);
	normal()->pcp[200].busy = 0;
	normal()->pcp[0].count++;
	expect_violation(&in, "P1");
	assert_sound(in.mm);
	tear_down(NULL);
	set_up(NULL);
}

static void *work(void *arg)
{
	struct qy_page *page[8];

	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int order = i % 3, n;

		for (n = 0; n < 8 && (page[n] = qy_alloc_pages(in.mm, QY_GFP_NOWAIT, order)); n++)
			;
		while (n--)
			assert_int_equal(qy_free_pages(in.mm, page[n], order), 0);
	}
	return arg;
}

/* The owners go on when the checker is through; what is on lists is right also meanwhile. */
static void check_beside_working_threads_comes_back(void **state)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	pthread_t thread[2];

	(void)state;
	tear_down(NULL);
	make_threaded();
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, work, NULL), 0);
	for (int i = 0; i < 100; i++) {
		qy_check(in.mm, QY_CHECK_BUDDY | QY_CHECK_ZONE, &r);
		assert_false(has_violation(&r, "LK"));
		assert_false(has_violation(&r, "P1"));
		assert_false(has_violation(&r, "P2"));
		assert_false(has_violation(&r, "B4"));
		assert_false(has_violation(&r, "B5"));
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_clean(&in);
	tear_down(NULL);
	set_up(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_counts_P1),
		cmocka_unit_test(check_links_P1),
		cmocka_unit_test(check_ends_of_lists_mean_nothing),
		cmocka_unit_test(check_pages_on_lists_P1),
		cmocka_unit_test(check_one_block_on_two_lists_P1),
		cmocka_unit_test(check_block_off_its_list_P1),
		cmocka_unit_test(check_place_of_lists_P1),
		cmocka_unit_test(check_list_sizes_P2),
		cmocka_unit_test(check_disabled_and_drained_is_sound_P3),
		cmocka_unit_test(check_pages_P4),
		cmocka_unit_test(check_stopped_or_entered_LK),
		cmocka_unit_test(check_lists_that_cannot_be_stopped_LK),
		cmocka_unit_test(check_beside_working_threads_comes_back),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
