/* SPDX-License-Identifier: MIT */
/*
 * test_balance.c - qy_mm_balance(): when it is asked for, how far it goes, what it leaves alone.
 */
#include "fixture.h"

#include "page/pcp.h"
#include "page/reclaim.h"
#include "page/watermark.h"

#define PAGES 4096

/* A cache of single pages that can be given up. */
static struct hoard {
	struct qy_shrinker s;
	struct qy_page *page[PAGES];
	size_t nr, keeps; /* keeps: those it says it could free but does not */
	unsigned int counted, node;
	size_t freed;
	size_t (*inside)(void);
} hoard;

static size_t hoard_count(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	(void)s;
	hoard.counted++;
	hoard.node = sc->node;
	return hoard.nr + hoard.keeps;
}

static size_t hoard_scan(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	size_t n = 0;

	(void)s;
	while (hoard.nr && n < sc->nr_to_scan) {
		assert_int_equal(qy_free_pages(in.mm, hoard.page[--hoard.nr], 0), 0);
		n++;
	}
	hoard.freed += n;
	if (hoard.inside)
		assert_int_equal(hoard.inside(), 0);
	return hoard.keeps ? sc->nr_to_scan : n;
}

static void make(enum qy_watermarks marks, unsigned int nodes)
{
	instance_init(&in, PAGES);
	in.config.watermark.marks = marks;
	in.config.nr_nodes = nodes;
	instance_create(&in);
	memset(&hoard, 0, sizeof(hoard));
	hoard.s = (struct qy_shrinker){.count = hoard_count, .scan = hoard_scan, .seeks = 2};
	assert_int_equal(qy_shrinker_register(in.mm, &hoard.s), 0);
}

static struct qy_zone_stat zone(unsigned int node)
{
	struct qy_zone_stat st = {.struct_size = sizeof(st)};

	assert_int_equal(qy_zone_stat_get(in.mm, node, QY_ZONE_NORMAL, &st), 0);
	return st;
}

/* The hoard grows until @node has @left free pages. MEMALLOC: no mark holds it. */
static void take_until(unsigned int node, size_t left)
{
	qy_gfp_t gfp = QY_GFP_MEMALLOC | QY_GFP_THISNODE | QY_GFP_NOWARN;

	while (zone(node).free > left) {
		hoard.page[hoard.nr] = qy_alloc_pages_node(in.mm, node, gfp, 0);
		assert_non_null(hoard.page[hoard.nr++]);
	}
	assert_int_equal(zone(node).free, left);
}

/* What became free is what the hoard gave. */
static void balance(void)
{
	size_t grown = qy_mm_balance(in.mm);

	assert_int_equal(grown, hoard.freed);
}

static void going_below_low_asks_for_it(void **state)
{
	struct qy_zone_stat st;

	(void)state;
	make(QY_WATERMARKS_KERNEL, 1);
	st = zone(0);
	assert_true(st.mark[QY_WMARK_MIN] > 0);
	take_until(0, st.mark[QY_WMARK_LOW] + 2);
	assert_false(qy_mm_needs_balance(in.mm));
	hoard.page[hoard.nr++] = qy_alloc_pages(in.mm, QY_GFP_ATOMIC, 0);
	assert_false(qy_mm_needs_balance(in.mm));
	take_until(0, st.mark[QY_WMARK_LOW]);
	hoard.page[hoard.nr++] = qy_alloc_pages(in.mm, QY_GFP_ATOMIC, 0);
	assert_non_null(hoard.page[hoard.nr - 1]);
	assert_true(qy_mm_needs_balance(in.mm));
	assert_int_equal(hoard.counted, 0); /* it went on without reclaim */
	assert_true(qy_mm_balance(in.mm) > 0);
	assert_false(qy_mm_needs_balance(in.mm));
	assert_clean(&in);
}

static void it_ends_at_high(void **state)
{
	struct qy_zone_stat st;
	size_t low, high;

	(void)state;
	make(QY_WATERMARKS_KERNEL, 1);
	st = zone(0);
	low = st.mark[QY_WMARK_LOW];
	high = st.mark[QY_WMARK_HIGH];
	/* At HIGH there is nothing to do … */
	take_until(0, high);
	assert_int_equal(qy_mm_balance(in.mm), 0);
	assert_int_equal(hoard.counted, 0);
	/* … one page below there is, and lightly is enough. */
	take_until(0, high - 1);
	balance();
	assert_true(hoard.freed > 0 && hoard.freed < 512);
	assert_true(zone(0).free >= high);
	/* Below LOW. */
	hoard.freed = 0;
	take_until(0, low - 1);
	balance();
	assert_true(zone(0).free >= high);
	/* Nothing left at all. */
	hoard.freed = 0;
	take_until(0, 0);
	balance();
	assert_true(zone(0).free >= high);
	assert_true(hoard.nr > 0);
	assert_clean(&in);
}

static void it_gives_up_when_nothing_can_be_freed(void **state)
{
	(void)state;
	make(QY_WATERMARKS_KERNEL, 1);
	take_until(0, 5);
	hoard.nr = 0; /* the pages are another's now */
	assert_int_equal(qy_mm_balance(in.mm), 0);
	assert_int_equal(hoard.counted, 13); /* priorities 12 … 0, once */
	/* One that says it frees but does not. */
	hoard.counted = 0;
	hoard.keeps = SIZE_MAX - 2;
	assert_int_equal(qy_mm_balance(in.mm), 0);
	assert_int_equal(hoard.counted, 13);
	assert_clean(&in);
}

static void it_goes_on_as_long_as_pages_come(void **state)
{
	(void)state;
	make(QY_WATERMARKS_KERNEL, 1);
	take_until(0, 5);
	hoard.nr = 7; /* all it can give is not enough */
	assert_int_equal(qy_mm_balance(in.mm), 7);
	assert_int_equal(zone(0).free, 12);
	assert_int_equal(hoard.counted, 2 * 13); /* the second time nothing came */
}

static void without_marks_it_only_takes_note(void **state)
{
	(void)state;
	make(QY_WATERMARKS_NONE, 1);
	take_until(0, 0);
	hoard.keeps = 1;
	assert_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0));
	assert_int_equal(qy_mm_balance(in.mm), 0);
	assert_int_equal(hoard.counted, 0);
	assert_false(qy_mm_needs_balance(in.mm)); /* whoever loops on it comes to an end */
}

static void only_nodes_that_are_low_are_asked(void **state)
{
	struct qy_zone_stat st;

	(void)state;
	make(QY_WATERMARKS_KERNEL, 3);
	hoard.s.flags = QY_SHRINKER_NUMA_AWARE;
	st = zone(1);
	take_until(1, st.mark[QY_WMARK_MIN]);
	balance();
	assert_int_equal(hoard.node, 1);
	assert_int_equal(hoard.s.deferred[0], 0);
	assert_int_equal(hoard.s.deferred[2], 0);
	assert_true(zone(1).free >= st.mark[QY_WMARK_HIGH]);
	assert_clean(&in);
}

static void a_boost_is_served_and_then_gone(void **state)
{
	struct qy_zone_stat st;
	size_t high;

	(void)state;
	make(QY_WATERMARKS_KERNEL, 1);
	high = zone(0).mark[QY_WMARK_HIGH];
	take_until(0, high + 10);
	for (int z = 0; z < QY_NR_ZONES; z++)
		if (in.mm->zone[z].managed)
			in.mm->zone[z].boost = 40;
	balance();
	st = zone(0);
	assert_true(hoard.freed > 0);
	assert_true(st.free >= high + 40);
	assert_int_equal(st.boost, 0);
	/* One that need not be served goes, too. */
	in.mm->zone[QY_ZONE_NORMAL].boost = 1;
	hoard.freed = 0;
	assert_int_equal(qy_mm_balance(in.mm), 0);
	assert_int_equal(zone(0).boost, 0);
	assert_int_equal(hoard.freed, 0);
}

/* With lists of CPUs: what lies there is not left either. */
static void take_below(size_t left)
{
	while (zone(0).free + zone(0).pcp_count > left) {
		hoard.page[hoard.nr] = qy_alloc_pages(in.mm, QY_GFP_MEMALLOC, 0);
		assert_non_null(hoard.page[hoard.nr++]);
	}
}

/* What lies on CPUs' lists is not free for others: it is fetched before anybody is asked. */
static void lists_of_cpus_come_first(void **state)
{
	size_t high, idle;

	(void)state;
	instance_init(&in, PAGES);
	in.config.watermark.marks = QY_WATERMARKS_KERNEL;
	in.config.pcp = QY_ON;
	in.config.pcp_batch = 60; /* 240 may lie on a list while reclaim runs */
	in.config.pcp_high = 600;
	instance_create(&in);
	memset(&hoard, 0, sizeof(hoard));
	hoard.s = (struct qy_shrinker){.count = hoard_count, .scan = hoard_scan, .seeks = 2};
	assert_int_equal(qy_shrinker_register(in.mm, &hoard.s), 0);
	high = zone(0).mark[QY_WMARK_HIGH];
	take_below(high / 2);
	for (int i = 0; i < 400; i++)
		assert_int_equal(qy_free_pages(in.mm, hoard.page[--hoard.nr], 0), 0);
	idle = zone(0).pcp_count;
	assert_true(idle > high);
	assert_int_equal(qy_mm_balance(in.mm), idle);
	assert_int_equal(zone(0).pcp_count, 0);
	assert_int_equal(hoard.counted, 0);
	/* And what a shrinker frees onto them is fetched, too. */
	take_below(high / 2);
	qy_mm_balance(in.mm);
	assert_true(hoard.freed > 0);
	assert_true(zone(0).free >= high);
	assert_int_equal(zone(0).pcp_count, 0);
	assert_int_equal(qy_shrinker_unregister(&hoard.s), 0);
	assert_clean(&in);
}

static size_t balance_inside(void)
{
	unsigned int counted = hoard.counted;
	size_t grown = qy_mm_balance(in.mm);

	assert_int_equal(hoard.counted, counted); /* no shrinker in a shrinker */
	return grown;
}

static void it_may_be_called_from_a_shrinker(void **state)
{
	(void)state;
	make(QY_WATERMARKS_KERNEL, 1);
	take_until(0, 5);
	hoard.inside = balance_inside;
	balance();
	assert_true(zone(0).free >= zone(0).mark[QY_WMARK_HIGH]);
}

/* ---- requests ---- */

static void request_gets_what_shrinkers_give(void **state)
{
	size_t high_water;

	(void)state;
	make(QY_WATERMARKS_NONE, 1);
	take_until(0, 0);
	high_water = hoard.nr;
	for (int i = 0; i < 100; i++) {
		struct qy_page *page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);

		assert_non_null(page);
		assert_int_equal(qy_free_pages(in.mm, page, 0), 0);
		take_until(0, 0);
	}
	assert_int_equal(hoard.nr, high_water);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_ATOMIC, 0)); /* may not reclaim */
	assert_int_equal(in.reports.nomem, 1);
	assert_int_equal(hoard.nr, high_water);
	/* A large one: nearly everything has to go, and goes. */
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_RETRY_MAYFAIL, 6));
	assert_clean(&in);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, NULL, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(going_below_low_asks_for_it),
		TEST(it_ends_at_high),
		TEST(it_gives_up_when_nothing_can_be_freed),
		TEST(it_goes_on_as_long_as_pages_come),
		TEST(without_marks_it_only_takes_note),
		TEST(only_nodes_that_are_low_are_asked),
		TEST(a_boost_is_served_and_then_gone),
		TEST(lists_of_cpus_come_first),
		TEST(it_may_be_called_from_a_shrinker),
		TEST(request_gets_what_shrinkers_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
