/* SPDX-License-Identifier: MIT */
/*
 * test_node.c - nodes: which pages are whose, whom a request is served by, and what is counted.
 *
 *   pages   0 … 199   200 … 332   333 … 599
 *   node    0         1           2            CPU n is on node n
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "page/page_alloc.h"
#include "page/zone.h"
#include "util/rng.h"

#define PAGES 600
#define MOST_ZONES (QY_MAX_NODES * QY_NR_ZONES)

static const size_t limit[3] = {200 * PAGE_BYTES, 333 * PAGE_BYTES, 0};
/* Node 1 is nearer to 2, and 2 to 1, than to 0; the way back is not as long as the way there. */
static const uint8_t distance[9] = {
	10, 30, 20, /* 0 */
	31, 10, 15, /* 1 */
	25, 11, 10, /* 2 */
};

static struct qy_page *held[PAGES];
static unsigned int nr_held;

static void prepare(void)
{
	nr_held = 0;
	instance_init(&in, PAGES);
	in.config.nr_nodes = 3;
	in.config.nr_cpus = 3;
	in.config.node_limit = limit;
	in.config.distance = distance;
	in.config.max_order = 4;
}

static void make(void)
{
	prepare();
	instance_create(&in);
}

/* Take single pages until none comes. */
static void take_all(unsigned int node, qy_gfp_t gfp)
{
	struct qy_page *page;

	nr_held = 0;
	while ((page = qy_alloc_pages_node(in.mm, node, gfp | QY_GFP_NOWARN, 0)))
		held[nr_held++] = page;
}

static void give_back_all(void)
{
	while (nr_held)
		assert_int_equal(qy_free_pages(in.mm, held[--nr_held], 0), 0);
	qy_mm_drain_pages(in.mm);
	assert_clean(&in);
}

static size_t free_of_node(unsigned int node)
{
	struct qy_zone_stat st = {.struct_size = sizeof(st)};
	size_t n = 0;

	for (int z = 0; z < QY_NR_ZONES; z++) {
		assert_int_equal(qy_zone_stat_get(in.mm, node, (enum qy_zone_type)z, &st), 0);
		n += st.free + st.pcp_count;
	}
	return n;
}

/* ---- which pages ---- */

static void nodes_end_at_their_limits(void **state)
{
	(void)state;
	make();
	assert_int_equal(qy_mm_nr_nodes(in.mm), 3);
	for (uint32_t pfn = 0; pfn < PAGES; pfn++) {
		const struct qy_page *page = qy_page_of(in.mm, in.buf + pfn * PAGE_BYTES);

		assert_int_equal(qy_page_node(in.mm, page), pfn < 200 ? 0 : pfn < 333 ? 1 : 2);
		assert_int_equal(qy_page_zone(in.mm, page), QY_ZONE_NORMAL);
	}
	assert_clean(&in);
}

/* A limit inside of a page: the page is the next node's. */
static void node_limit_inside_a_page_is_rounded_down(void **state)
{
	static const size_t askew[3] = {200 * PAGE_BYTES + 1, 334 * PAGE_BYTES - 1, 0};

	(void)state;
	prepare();
	in.config.node_limit = askew;
	instance_create(&in);
	assert_int_equal(qy_page_node(in.mm, qy__pfn_page(in.mm, 199)), 0);
	assert_int_equal(qy_page_node(in.mm, qy__pfn_page(in.mm, 200)), 1);
	assert_int_equal(qy_page_node(in.mm, qy__pfn_page(in.mm, 332)), 1);
	assert_int_equal(qy_page_node(in.mm, qy__pfn_page(in.mm, 333)), 2);
	assert_clean(&in);
}

static void nodes_without_limits_have_equal_shares_of_whole_blocks(void **state)
{
	(void)state;
	for (unsigned int nodes = 1; nodes <= 20; nodes++)
		for (unsigned int order = 1; order <= 4; order++) {
			uint32_t start = 0;

			instance_init(&in, PAGES);
			in.config.nr_nodes = nodes;
			in.config.max_order = order;
			instance_create(&in);
			for (unsigned int n = 0; n < nodes; n++) {
				uint32_t end = n + 1 < nodes ? in.mm->topology.node_limit[n]
							     : PAGES;

				assert_int_equal(end % (n + 1 < nodes ? 1u << order : 1), 0);
				assert_true(end - start + (1u << order) > PAGES / nodes);
				assert_true(end - start < PAGES / nodes + 2 + (2u << order));
				start = end;
			}
			assert_clean(&in);
			instance_destroy(&in);
		}
}

static void node_without_pages_is_served_by_others(void **state)
{
	static const size_t twice[3] = {200 * PAGE_BYTES, 200 * PAGE_BYTES, 0};
	struct qy_zone_stat st = {.struct_size = sizeof(st)};
	struct qy_page *page;

	(void)state;
	prepare();
	in.config.node_limit = twice;
	instance_create(&in);
	assert_int_equal(qy_zone_stat_get(in.mm, 1, QY_ZONE_NORMAL, &st), 0);
	assert_int_equal(st.spanned + st.present + st.managed + st.free, 0);
	page = qy_alloc_pages_node(in.mm, 1, QY_GFP_KERNEL, 0);
	assert_int_equal(qy_page_node(in.mm, page), 2); /* the nearest */
	assert_null(qy_alloc_pages_node(in.mm, 1, QY_GFP_KERNEL | QY_GFP_THISNODE, 0));
	/* Wanted from the nearest with memory, and got from it: a hit there, from elsewhere. */
	assert_int_equal(qy_zone_stat_get(in.mm, 2, QY_ZONE_NORMAL, &st), 0);
	assert_true(st.numa_hit >= 1 && st.numa_other >= 1);
	assert_clean(&in);
}

/* ---- the machine ---- */

static void distances_are_those_of_the_table(void **state)
{
	(void)state;
	make();
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int k = 0; k < 3; k++)
			assert_int_equal(qy_node_distance(in.mm, i, k), distance[3 * i + k]);
	assert_int_equal(qy_node_distance(in.mm, 3, 0), 255);
	assert_int_equal(qy_node_distance(in.mm, 0, 3), 255);
	assert_int_equal(qy_node_distance(in.mm, UINT32_MAX, 0), 255);
	instance_destroy(&in);
	prepare();
	in.config.distance = NULL;
	instance_create(&in);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(qy_node_distance(in.mm, i / 3, i % 3), i % 4 ? 20 : 10);
}

static void this_node_is_the_cpus(void **state)
{
	static const uint8_t cpu_node[5] = {2, 0, 0, 1, 2};

	(void)state;
	prepare();
	in.config.nr_cpus = 5;
	instance_create(&in);
	for (unsigned int cpu = 0; cpu < 5; cpu++) {
		assert_int_equal(qy_mm_set_cpu(in.mm, cpu), 0);
		assert_int_equal(qy_mm_this_node(in.mm), cpu % 3);
	}
	instance_destroy(&in);
	prepare();
	in.config.nr_cpus = 5;
	in.config.cpu_node = cpu_node;
	instance_create(&in);
	for (unsigned int cpu = 0; cpu < 5; cpu++) {
		struct qy_page *page;

		assert_int_equal(qy_mm_set_cpu(in.mm, cpu), 0);
		assert_int_equal(qy_mm_this_node(in.mm), cpu_node[cpu]);
		page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 1);
		assert_int_equal(qy_page_node(in.mm, page), cpu_node[cpu]);
	}
	assert_clean(&in);
}

/* As many as the system says; a machine with one node has that one, 10 away from itself. */
static void nodes_of_the_machine(void **state)
{
	uint8_t table[QY_MAX_NODES * QY_MAX_NODES];
	unsigned int nr = qy__osif_nodes(table, QY_MAX_NODES);

	(void)state;
	assert_in_range(nr, 1, QY_MAX_NODES);
	for (int backing = 0; backing < 2; backing++) {
		struct qy_page *page;

		instance_init(&in, 64 * 64);
		in.config.backing = backing ? QY_BACKING_ARENA : QY_BACKING_ANON;
		in.config.nr_nodes = QY_NODES_MACHINE;
		instance_create(&in);
		assert_int_equal(qy_mm_nr_nodes(in.mm), nr);
		for (unsigned int i = 0; i < nr; i++)
			for (unsigned int k = 0; k < nr; k++)
				assert_int_equal(qy_node_distance(in.mm, i, k), table[i * nr + k]);
		assert_int_equal(qy_node_distance(in.mm, 0, 0), 10);
		assert_true(qy_mm_this_node(in.mm) < nr);
		page = qy_alloc_pages_node(in.mm, nr - 1, QY_GFP_KERNEL, 0);
		assert_int_equal(qy_page_node(in.mm, page), nr - 1);
		memset(qy_page_address(in.mm, page), 1, PAGE_BYTES);
		assert_null(qy_alloc_pages_node(in.mm, nr, QY_GFP_KERNEL, 0));
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* ---- whom a request is served by ---- */

static void alloc_pages_node_of_no_such_node_gives_null(void **state)
{
	(void)state;
	make();
	assert_null(qy_alloc_pages_node(in.mm, 3, QY_GFP_KERNEL, 0));
	assert_null(qy_alloc_pages_node(in.mm, UINT32_MAX, QY_GFP_KERNEL, 0));
	assert_clean(&in);
}

/* The pages held came from the zones that the list names, each emptied before the next. */
static void assert_in_list_order(unsigned int node, qy_gfp_t gfp)
{
	uint16_t list[MOST_ZONES];
	unsigned int nr = qy_zonelist(in.mm, node, gfp, list, MOST_ZONES), at = 0;
	bool reached = false;

	for (unsigned int i = 0; i < nr_held; i++) {
		while (at < nr && held[i]->zone != list[at]) {
			at++;
			reached = false;
		}
		assert_true(at < nr);
		reached = true;
	}
	assert_true(reached);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(in.mm->zone[list[i]].nr_free_pages, 0);
}

static void alloc_pages_node_falls_back_in_the_lists_order(void **state)
{
	static const qy_gfp_t gfp[] = {QY_GFP_DMA, QY_GFP_DMA32, QY_GFP_KERNEL, QY_GFP_HIGHUSER,
				       QY_GFP_HIGHUSER_MOVABLE};

	(void)state;
	for (int order = 0; order < 4; order++) {
		prepare();
		in.config.zonelist_order = order & 1 ? QY_ZONELIST_ZONE : QY_ZONELIST_NODE;
		in.config.pcp = order & 2 ? QY_ON : QY_OFF;
		in.config.pcp_batch = 3;
		in.config.zone_limit[QY_ZONE_DMA] = 100 * PAGE_BYTES;
		in.config.zone_limit[QY_ZONE_DMA32] = 251 * PAGE_BYTES;
		in.config.zone_limit[QY_ZONE_NORMAL] = 407 * PAGE_BYTES;
		instance_create(&in);
		for (unsigned int i = 0; i < 15; i++) {
			struct qy_page_stats before = {.struct_size = sizeof(before)},
					     after = before;

			qy_mm_drain_pages(in.mm);
			qy_page_stats(in.mm, &before);
			take_all(i / 5, gfp[i % 5]);
			assert_true(nr_held > 20);
			assert_in_list_order(i / 5, gfp[i % 5]);
			give_back_all();
			qy_page_stats(in.mm, &after);
			assert_memory_equal(before.nr_free, after.nr_free, sizeof(before.nr_free));
		}
		instance_destroy(&in);
	}
}

/* Of one zone the nodes are left: nearest first. */
static void alloc_pages_node_nearest_node_first(void **state)
{
	static const unsigned int order[3][3] = {{0, 2, 1}, {1, 2, 0}, {2, 1, 0}};

	(void)state;
	make();
	for (unsigned int node = 0; node < 3; node++) {
		unsigned int place = 0;

		take_all(node, QY_GFP_KERNEL);
		for (unsigned int i = 0; i < nr_held; i++) {
			while (qy_page_node(in.mm, held[i]) != order[node][place])
				assert_true(++place < 3);
		}
		assert_int_equal(place, 2);
		give_back_all();
	}
}

static void alloc_pages_node_thisnode_never_falls_back(void **state)
{
	(void)state;
	for (int pcp = 0; pcp < 2; pcp++) {
		prepare();
		in.config.pcp = pcp ? QY_ON : QY_OFF;
		instance_create(&in);
		for (unsigned int node = 0; node < 3; node++) {
			size_t there = free_of_node(node), elsewhere = free_of_node((node + 1) % 3);

			take_all(node, QY_GFP_KERNEL | QY_GFP_THISNODE);
			assert_int_equal(nr_held, there);
			for (unsigned int i = 0; i < nr_held; i++)
				assert_int_equal(qy_page_node(in.mm, held[i]), node);
			assert_int_equal(free_of_node((node + 1) % 3), elsewhere);
			/* Without the flag there is more. */
			held[nr_held++] = qy_alloc_pages_node(in.mm, node, QY_GFP_KERNEL, 0);
			assert_true(qy_page_node(in.mm, held[nr_held - 1]) != node);
			give_back_all();
		}
		instance_destroy(&in);
	}
}

/* ---- holes ---- */

/*
 * A page that is not there, in the middle of a block of 16:
 *
 *   … 224 … 228 [229] 230 … 239 …
 *
 * Expect: 224-227, 228, 230-231, 232-239, however often all is taken and given back.
 */
static void hole_is_never_handed_out_or_merged_over(void **state)
{
	static const struct qy_range hole[2] = {
		{229 * PAGE_BYTES, 230 * PAGE_BYTES},
		{332 * PAGE_BYTES - 1, 334 * PAGE_BYTES}, /* over a node's border */
	};
	static const struct {
		uint32_t pfn;
		unsigned int order;
	} block[] = {{224, 2}, {228, 0}, {230, 1}, {232, 3}, {328, 1}, {330, 0}, {334, 1}};

	(void)state;
	for (int early = 0; early < 2; early++) {
		prepare();
		in.config.hole = hole;
		in.config.nr_holes = 2;
		in.config.early_allocator = early ? QY_EARLY_BOOTMEM : QY_EARLY_MEMBLOCK;
		instance_create(&in);
		for (int round = 0; round < 3; round++) {
			take_all(1, QY_GFP_KERNEL);
			for (unsigned int i = 0; i < nr_held; i++)
				assert_int_equal(held[i]->type, QY__PAGE_ALLOC);
			for (uint32_t pfn = 331; pfn < 334; pfn++)
				assert_int_equal(qy__pfn_page(in.mm, pfn)->type, QY__PAGE_HOLE);
			assert_int_equal(qy__pfn_page(in.mm, 229)->type, QY__PAGE_HOLE);
			give_back_all();
			for (size_t i = 0; i < sizeof(block) / sizeof(block[0]); i++) {
				const struct qy_page *page = qy__pfn_page(in.mm, block[i].pfn);

				assert_int_equal(page->type, QY__PAGE_BUDDY);
				assert_int_equal(page->order, block[i].order);
			}
		}
		assert_int_equal(in.mm->zone[1 * QY_NR_ZONES + QY_ZONE_NORMAL].present, 133 - 3);
		assert_int_equal(in.mm->zone[2 * QY_NR_ZONES + QY_ZONE_NORMAL].present, 267 - 1);
		instance_destroy(&in);
	}
}

/* ---- what is counted ---- */

static struct {
	uint64_t hit, miss, foreign, local, other;
} expected[MOST_ZONES];

static void read_counters(void)
{
	for (unsigned int z = 0; z < in.mm->nr_zones; z++) {
		struct qy_zone_stat st = {.struct_size = sizeof(st)};

		qy_zone_stat_get(in.mm, z / QY_NR_ZONES, (enum qy_zone_type)(z % QY_NR_ZONES), &st);
		expected[z].hit = st.numa_hit;
		expected[z].miss = st.numa_miss;
		expected[z].foreign = st.numa_foreign;
		expected[z].local = st.numa_local;
		expected[z].other = st.numa_other;
	}
}

static void assert_counters(void)
{
	for (unsigned int z = 0; z < in.mm->nr_zones; z++) {
		struct qy_zone_stat st = {.struct_size = sizeof(st)};

		qy_zone_stat_get(in.mm, z / QY_NR_ZONES, (enum qy_zone_type)(z % QY_NR_ZONES), &st);
		assert_int_equal(st.numa_hit, expected[z].hit);
		assert_int_equal(st.numa_miss, expected[z].miss);
		assert_int_equal(st.numa_foreign, expected[z].foreign);
		assert_int_equal(st.numa_local, expected[z].local);
		assert_int_equal(st.numa_other, expected[z].other);
		assert_int_equal(st.numa_interleave, 0);
	}
}

/* By the list alone: the first zone with pages is the one that was wanted. */
static void expect_event(unsigned int node, qy_gfp_t gfp, const struct qy_page *page)
{
	unsigned int got = page->zone, wanted = 0;
	uint16_t list[MOST_ZONES];

	qy_zonelist(in.mm, node, gfp, list, MOST_ZONES);
	while (!in.mm->zone[list[wanted]].managed)
		wanted++;
	wanted = list[wanted];
	if (got / QY_NR_ZONES == wanted / QY_NR_ZONES) {
		expected[got].hit++;
	} else {
		expected[got].miss++;
		expected[wanted].foreign++;
	}
	if (got / QY_NR_ZONES == in.mm->cpus.current % 3)
		expected[got].local++;
	else
		expected[got].other++;
}

static void numa_events_are_counted_exactly(void **state)
{
	static const qy_gfp_t gfp[] = {QY_GFP_DMA, QY_GFP_KERNEL, QY_GFP_HIGHUSER,
				       QY_GFP_KERNEL | QY_GFP_THISNODE};
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 99);
	for (int pcp = 0; pcp < 2; pcp++) {
		prepare();
		in.config.pcp = pcp ? QY_ON : QY_OFF;
		in.config.zone_limit[QY_ZONE_DMA] = 240 * PAGE_BYTES;
		in.config.zone_limit[QY_ZONE_NORMAL] = 450 * PAGE_BYTES;
		instance_create(&in);
		read_counters();
		for (int i = 0; i < 2000; i++) {
			unsigned int node = qy__rng_below(&rng, 3);
			qy_gfp_t flags = gfp[qy__rng_below(&rng, 4)];
			struct qy_page *page;

			assert_int_equal(qy_mm_set_cpu(in.mm, qy__rng_below(&rng, 3)), 0);
			page = qy_alloc_pages_node(in.mm, node, flags | QY_GFP_NOWARN, 0);
			if (page) {
				held[nr_held++] = page;
				expect_event(node, flags, page);
			}
			/* Now and then, and when nothing is left, half of them go back. */
			for (unsigned int n = !page || nr_held > 500 ? nr_held / 2 : 0; n; n--)
				assert_int_equal(qy_free_pages(in.mm, held[--nr_held], 0), 0);
			assert_counters();
		}
		give_back_all();
		assert_counters(); /* frees count nothing */
		instance_destroy(&in);
	}
}

static void numa_events_of_a_bulk_are_one_per_page(void **state)
{
	struct qy_page *page[10] = {NULL};
	struct qy_zone_stat st = {.struct_size = sizeof(st)};
	uint64_t before;

	(void)state;
	make();
	qy_zone_stat_get(in.mm, 0, QY_ZONE_NORMAL, &st);
	before = st.numa_hit;
	assert_int_equal(qy_alloc_pages_bulk(in.mm, QY_GFP_KERNEL, 10, page), 10);
	qy_zone_stat_get(in.mm, 0, QY_ZONE_NORMAL, &st);
	assert_int_equal(st.numa_hit, before + 10);
	assert_int_equal(st.numa_local, st.numa_hit);
	assert_int_equal(st.numa_miss + st.numa_other + st.numa_foreign, 0);
}

static void numa_events_of_one_node_are_not_counted(void **state)
{
	struct qy_zone_stat st = {.struct_size = sizeof(st)};

	(void)state;
	instance_make(&in, 256, NULL);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0));
	qy_zone_stat_get(in.mm, 0, QY_ZONE_NORMAL, &st);
	assert_int_equal(st.numa_hit + st.numa_local + st.numa_miss + st.numa_other, 0);
}

static void zone_stat_get_refuses_what_is_not_there(void **state)
{
	struct qy_zone_stat st = {.struct_size = sizeof(st)};

	(void)state;
	make();
	assert_int_equal(qy_zone_stat_get(in.mm, 3, QY_ZONE_NORMAL, &st), -EINVAL);
	assert_int_equal(qy_zone_stat_get(in.mm, 0, QY_NR_ZONES, &st), -EINVAL);
	assert_int_equal(qy_zone_stat_get(in.mm, 0, (enum qy_zone_type) - 1, &st), -EINVAL);
	st.struct_size--;
	assert_int_equal(qy_zone_stat_get(in.mm, 0, QY_ZONE_NORMAL, &st), -EINVAL);
}

/* Objects of all sizes, from all nodes and CPUs: nothing above the pages knows of nodes. */
static void kmalloc_on_many_nodes_is_sound(void **state)
{
	static void *p[200];

	(void)state;
	prepare();
	in.config.debug = is_debug_build() ? "slab_debug=FZP" : NULL;
	instance_create(&in);
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(qy_mm_set_cpu(in.mm, i % 3), 0);
		p[i] = qy_kmalloc(in.mm, 1 + i * 7919 % 3000, QY_GFP_KERNEL);
		assert_non_null(p[i]);
	}
	assert_clean(&in);
	for (unsigned int i = 0; i < 200; i++) {
		assert_int_equal(qy_mm_set_cpu(in.mm, (i + 1) % 3), 0);
		qy_kfree(in.mm, p[i]);
	}
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(nodes_end_at_their_limits, tear_down),
		cmocka_unit_test_teardown(node_limit_inside_a_page_is_rounded_down, tear_down),
		cmocka_unit_test_teardown(nodes_without_limits_have_equal_shares_of_whole_blocks,
					  tear_down),
		cmocka_unit_test_teardown(node_without_pages_is_served_by_others, tear_down),
		cmocka_unit_test_teardown(distances_are_those_of_the_table, tear_down),
		cmocka_unit_test_teardown(this_node_is_the_cpus, tear_down),
		cmocka_unit_test_teardown(nodes_of_the_machine, tear_down),
		cmocka_unit_test_teardown(alloc_pages_node_of_no_such_node_gives_null, tear_down),
		cmocka_unit_test_teardown(alloc_pages_node_falls_back_in_the_lists_order,
					  tear_down),
		cmocka_unit_test_teardown(alloc_pages_node_nearest_node_first, tear_down),
		cmocka_unit_test_teardown(alloc_pages_node_thisnode_never_falls_back, tear_down),
		cmocka_unit_test_teardown(hole_is_never_handed_out_or_merged_over, tear_down),
		cmocka_unit_test_teardown(numa_events_are_counted_exactly, tear_down),
		cmocka_unit_test_teardown(numa_events_of_a_bulk_are_one_per_page, tear_down),
		cmocka_unit_test_teardown(numa_events_of_one_node_are_not_counted, tear_down),
		cmocka_unit_test_teardown(zone_stat_get_refuses_what_is_not_there, tear_down),
		cmocka_unit_test_teardown(kmalloc_on_many_nodes_is_sound, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
