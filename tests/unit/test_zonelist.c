/* SPDX-License-Identifier: MIT */
/*
 * test_zonelist.c - the order of nodes and zones.
 *
 * Most instances are made by hand: limits, distances, room for the lists. A zone is written as its
 * index: node * 4 + type.
 */
#include "instance.h"

#include "page/zonelist.h"
#include "util/rng.h"

#define DMA QY_ZONE_DMA
#define DMA32 QY_ZONE_DMA32
#define NORMAL QY_ZONE_NORMAL
#define HIGHMEM QY_ZONE_HIGHMEM
#define ON(node, type) ((node)*QY_NR_ZONES + (type))

#define NODE_PAGES 1000u

static struct qy_mm mm;
static uint8_t distance[QY_MAX_NODES * QY_MAX_NODES];
static uint16_t *lists;
static bool has_pages[QY_MAX_NODES * QY_NR_ZONES];
static struct instance in;

static int tear_down(void **state)
{
	(void)state;
	free(lists);
	lists = NULL;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

/* @nr_nodes of 1000 pages, 20 apart, one CPU each; all NORMAL. */
static void hand_made(unsigned int nr_nodes)
{
	memset(&mm, 0, sizeof(mm));
	mm.nr_nodes = nr_nodes;
	mm.nr_zones = nr_nodes * QY_NR_ZONES;
	mm.topology.distance = distance;
	mm.max_pfn = nr_nodes * NODE_PAGES;
	mm.cpus.provider = QY_CPU_MANUAL;
	mm.cpus.nr = nr_nodes;
	mm.topology.zone_limit[NORMAL] = mm.topology.zone_limit[HIGHMEM] = mm.max_pfn;
	for (unsigned int i = 0; i < nr_nodes; i++) {
		mm.topology.node_limit[i] = (i + 1) * NODE_PAGES;
		mm.topology.cpu_node[i] = (uint8_t)i;
		for (unsigned int j = 0; j < nr_nodes; j++)
			distance[i * nr_nodes + j] = i == j ? 10 : 20;
	}
}

static void set_distance(unsigned int a, unsigned int b, uint8_t far)
{
	distance[a * mm.nr_nodes + b] = distance[b * mm.nr_nodes + a] = far;
}

/* In just as many bytes as were asked for: the sanitizer watches the border. */
static void build(enum qy_zonelist_order order)
{
	free(lists);
	lists = malloc(qy__zonelists_bytes(mm.nr_nodes));
	assert_non_null(lists);
	memset(lists, 0x11, qy__zonelists_bytes(mm.nr_nodes));
	mm.zonelist.index = lists;
	mm.zonelist.order = order;
	qy__zonelists_build(&mm);
}

static unsigned int length(const uint16_t *list)
{
	unsigned int nr = 0;

	while (list[nr] != QY__ZONE_END)
		nr++;
	return nr;
}

#define assert_list(node, gfp, ...)                                                                \
	do {                                                                                       \
		static const uint16_t want[] = {__VA_ARGS__};                                      \
		const uint16_t *got = qy__zonelist(&mm, node, gfp);                                \
		assert_int_equal(length(got), ARRAY_SIZE(want));                                   \
		assert_memory_equal(got, want, sizeof(want));                                      \
	} while (0)

#define assert_order(node, load, ...)                                                              \
	do {                                                                                       \
		static const uint8_t want[] = {__VA_ARGS__};                                       \
		uint8_t got[QY_MAX_NODES];                                                         \
		assert_int_equal(mm.nr_nodes, ARRAY_SIZE(want));                                   \
		qy__node_order(&mm, node, load, got);                                              \
		assert_memory_equal(got, want, sizeof(want));                                      \
	} while (0)

static void node_order_follows_distance(void **state)
{
	unsigned int load[4] = {0};

	(void)state;
	hand_made(4);
	set_distance(0, 1, 40);
	set_distance(0, 2, 11);
	set_distance(0, 3, 255);
	set_distance(1, 2, 30);
	set_distance(1, 3, 21);
	assert_order(0, load, 0, 2, 1, 3);
	assert_order(1, load, 1, 3, 2, 0);
	assert_order(2, load, 2, 0, 3, 1);
	assert_order(3, load, 3, 2, 1, 0);
}

/* One step farther is farther, whatever the loads, CPUs and numbers say. */
static void node_order_distance_beats_every_other_reason(void **state)
{
	unsigned int load[3] = {64, 0, 0};

	(void)state;
	hand_made(3);
	set_distance(2, 0, 20);
	set_distance(2, 1, 21);
	mm.cpus.nr = 1; /* on node 0 alone */
	assert_order(2, load, 2, 0, 1);
}

static void node_order_distance_is_that_of_the_asking_node(void **state)
{
	unsigned int load[3] = {0};

	(void)state;
	hand_made(3);
	distance[0 * 3 + 1] = 30; /* 0 → 1 is far, 1 → 0 is near */
	distance[2 * 3 + 1] = 15;
	assert_order(0, load, 0, 2, 1);
	assert_order(1, load, 1, 2, 0);
	assert_order(2, load, 2, 1, 0);
}

static void node_order_equal_nodes_are_used_in_rotation(void **state)
{
	(void)state;
	for (unsigned int nr = 2; nr <= QY_MAX_NODES; nr++) {
		unsigned int load[QY_MAX_NODES] = {0};
		uint64_t second = 0;

		hand_made(nr);
		for (unsigned int node = 0; node < nr; node++) {
			uint8_t order[QY_MAX_NODES];

			qy__node_order(&mm, node, load, order);
			assert_int_equal(order[1], (node + 1) % nr);
			second |= UINT64_C(1) << order[1];
		}
		assert_true(second == UINT64_MAX >> (64 - nr)); /* each is second for one */
	}
}

/* Two near nodes, and far from them two others: of these each comes first once. */
static void node_order_first_of_each_distance_is_charged(void **state)
{
	unsigned int load[4] = {0};

	(void)state;
	hand_made(4);
	set_distance(0, 1, 12);
	set_distance(2, 3, 12);
	assert_order(0, load, 0, 1, 2, 3);
	assert_int_equal(load[1], 1);
	assert_int_equal(load[2], 1);
	assert_int_equal(load[3], 0);
	assert_order(1, load, 1, 0, 3, 2);
	assert_order(2, load, 2, 3, 0, 1);
	assert_order(3, load, 3, 2, 1, 0);
}

static void node_order_prefers_equal_nodes_without_cpus(void **state)
{
	unsigned int load[4] = {0};

	(void)state;
	hand_made(4);
	mm.cpus.nr = 3; /* 0, 1, 2 */
	assert_order(0, load, 0, 3, 1, 2);
	/* With threads nobody knows where the CPUs are: all alike. */
	mm.cpus.provider = QY_CPU_THREAD;
	memset(load, 0, sizeof(load));
	assert_order(0, load, 0, 1, 2, 3);
}

static void node_order_any_distances_give_a_sorted_permutation(void **state)
{
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 5);
	for (int round = 0; round < 200; round++) {
		unsigned int load[QY_MAX_NODES] = {0}, nr = 1 + qy__rng_below(&rng, QY_MAX_NODES);

		hand_made(nr);
		mm.cpus.nr = qy__rng_below(&rng, 64) + 1;
		for (unsigned int i = 0; i < nr * nr; i++)
			if (i % (nr + 1))
				distance[i] = (uint8_t)(11 + qy__rng_below(&rng, 1 + round % 245));
		for (unsigned int node = 0; node < nr; node++) {
			uint8_t order[QY_MAX_NODES];
			uint64_t seen = 0;

			qy__node_order(&mm, node, load, order);
			assert_int_equal(order[0], node);
			for (unsigned int i = 0; i < nr; i++) {
				assert_true(order[i] < nr);
				seen |= UINT64_C(1) << order[i];
				assert_true(!i || distance[node * nr + order[i - 1]] <=
							  distance[node * nr + order[i]]);
			}
			assert_true(seen == UINT64_MAX >> (64 - nr));
		}
	}
}

static void build_by_node_tries_all_zones_of_a_node_first(void **state)
{
	(void)state;
	hand_made(2);
	mm.topology.zone_limit[DMA] = 100;
	mm.topology.zone_limit[DMA32] = 1200;
	mm.topology.zone_limit[NORMAL] = 1800;
	build(QY_ZONELIST_NODE);
	assert_list(0, 0, ON(0, DMA32), ON(0, DMA), ON(1, HIGHMEM), ON(1, NORMAL), ON(1, DMA32));
	assert_list(1, 0, ON(1, HIGHMEM), ON(1, NORMAL), ON(1, DMA32), ON(0, DMA32), ON(0, DMA));
	assert_list(0, QY_GFP_THISNODE, ON(0, DMA32), ON(0, DMA));
	assert_list(1, QY_GFP_THISNODE, ON(1, HIGHMEM), ON(1, NORMAL), ON(1, DMA32));
}

static void build_by_zone_tries_a_zone_on_all_nodes_first(void **state)
{
	(void)state;
	hand_made(2);
	mm.topology.zone_limit[DMA] = 100;
	mm.topology.zone_limit[DMA32] = 1200;
	mm.topology.zone_limit[NORMAL] = 1800;
	build(QY_ZONELIST_ZONE);
	assert_list(0, 0, ON(1, HIGHMEM), ON(1, NORMAL), ON(0, DMA32), ON(1, DMA32), ON(0, DMA));
	assert_list(1, 0, ON(1, HIGHMEM), ON(1, NORMAL), ON(1, DMA32), ON(0, DMA32), ON(0, DMA));
	assert_list(0, QY_GFP_THISNODE, ON(0, DMA32), ON(0, DMA));
}

/* The limits decide, to the page; whether the memory was brought in yet does not matter. */
static void build_leaves_out_zones_that_the_limits_leave_no_page(void **state)
{
	(void)state;
	hand_made(2);
	mm.end_pfn = 1;
	mm.topology.zone_limit[DMA] = 1000; /* all of node 0 */
	mm.topology.zone_limit[DMA32] = 1000;
	build(QY_ZONELIST_NODE);
	assert_list(0, 0, ON(0, DMA), ON(1, NORMAL));
	mm.topology.zone_limit[DMA] = 999;
	build(QY_ZONELIST_NODE);
	assert_list(0, 0, ON(0, DMA32), ON(0, DMA), ON(1, NORMAL));
	mm.topology.zone_limit[DMA] = mm.topology.zone_limit[DMA32] = 1001;
	build(QY_ZONELIST_NODE);
	assert_list(0, 0, ON(0, DMA), ON(1, NORMAL), ON(1, DMA));
	/* Pages before the first and after the last one of the span do not exist. */
	mm.topology.zone_limit[DMA] = 200;
	mm.topology.zone_limit[DMA32] = 300;
	mm.min_pfn = 200;
	build(QY_ZONELIST_NODE);
	assert_list(0, 0, ON(0, NORMAL), ON(0, DMA32), ON(1, NORMAL));
	mm.min_pfn = 199;
	build(QY_ZONELIST_NODE);
	assert_list(0, 0, ON(0, NORMAL), ON(0, DMA32), ON(0, DMA), ON(1, NORMAL));
	mm.max_pfn = 1000;
	build(QY_ZONELIST_NODE);
	assert_list(0, 0, ON(0, NORMAL), ON(0, DMA32), ON(0, DMA));
	assert_list(1, 0, ON(0, NORMAL), ON(0, DMA32), ON(0, DMA)); /* a node without memory */
	assert_int_equal(length(qy__zonelist(&mm, 1, QY_GFP_THISNODE)), 0);
	/* No limit: up to the last page frame number. */
	mm.topology.zone_limit[NORMAL] = mm.topology.zone_limit[HIGHMEM] =
		mm.topology.node_limit[1] = UINT32_MAX;
	mm.max_pfn = UINT32_MAX;
	build(QY_ZONELIST_NODE);
	assert_list(1, QY_GFP_THISNODE, ON(1, NORMAL));
}

/* Page by page: which zones are there? */
static void find_zones(void)
{
	memset(has_pages, 0, sizeof(has_pages));
	for (unsigned int pfn = mm.min_pfn; pfn < mm.max_pfn; pfn++) {
		unsigned int node = 0, type = 0;

		while (pfn >= mm.topology.node_limit[node])
			node++;
		while (pfn >= mm.topology.zone_limit[type])
			type++;
		has_pages[ON(node, type)] = true;
	}
}

/* Z5: every zone that has pages once, in order, its own node's in both lists. */
static void assert_sorted(unsigned int node)
{
	const uint16_t *list = qy__zonelist(&mm, node, 0), *own = qy__zonelist(&mm, node, ~0u);
	bool seen[QY_MAX_NODES * QY_NR_ZONES] = {false};
	unsigned int mine = 0;

	for (unsigned int i = 0; list[i] != QY__ZONE_END; i++) {
		unsigned int n = list[i] / QY_NR_ZONES, type = list[i] % QY_NR_ZONES, far, before;

		assert_true(n < mm.nr_nodes && !seen[list[i]]);
		seen[list[i]] = true;
		if (n == node)
			assert_int_equal(own[mine++], list[i]);
		if (!i)
			continue;
		far = distance[node * mm.nr_nodes + n];
		before = distance[node * mm.nr_nodes + list[i - 1] / QY_NR_ZONES];
		if (mm.zonelist.order == QY_ZONELIST_NODE) {
			assert_true(before <= far);
			if (list[i - 1] / QY_NR_ZONES == n)
				assert_true(list[i - 1] % QY_NR_ZONES > type);
		} else {
			assert_true(list[i - 1] % QY_NR_ZONES >= type);
			if (list[i - 1] % QY_NR_ZONES == type)
				assert_true(before <= far);
		}
	}
	assert_int_equal(own[mine], QY__ZONE_END);
	assert_memory_equal(seen, has_pages, sizeof(seen));
}

static void build_any_limits_list_every_zone_that_has_pages_once(void **state)
{
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 6);
	for (int round = 0; round < 60; round++) {
		unsigned int nr = round == 0 ? QY_MAX_NODES : 1 + qy__rng_below(&rng, 6);
		uint32_t end = 0;

		hand_made(nr);
		for (unsigned int i = 0; i < nr; i++)
			mm.topology.node_limit[i] = end += 1 + qy__rng_below(&rng, 40);
		mm.max_pfn = end;
		mm.min_pfn = qy__rng_below(&rng, mm.topology.node_limit[0]);
		end = 0;
		for (unsigned int type = 0; type < HIGHMEM; type++)
			mm.topology.zone_limit[type] = end +=
				qy__rng_below(&rng, mm.max_pfn - end + 1);
		mm.topology.zone_limit[HIGHMEM] = mm.max_pfn;
		for (unsigned int i = 0; i < nr * nr; i++)
			if (i % (nr + 1))
				distance[i] = (uint8_t)(11 + qy__rng_below(&rng, 5));
		build(round % 2 ? QY_ZONELIST_ZONE : QY_ZONELIST_NODE);
		find_zones();
		for (unsigned int node = 0; node < nr; node++)
			assert_sorted(node);
	}
}

static void build_64_nodes_all_with_all_zones_fill_their_room(void **state)
{
	(void)state;
	hand_made(QY_MAX_NODES);
	for (unsigned int i = 0; i < 2; i++) {
		build(i ? QY_ZONELIST_ZONE : QY_ZONELIST_NODE);
		for (unsigned int node = 0; node < QY_MAX_NODES; node++) {
			assert_int_equal(length(qy__zonelist(&mm, node, 0)), QY_MAX_NODES);
			assert_int_equal(length(qy__zonelist(&mm, node, QY_GFP_THISNODE)), 1);
			assert_int_equal(qy__zonelist(&mm, node, 0)[0], ON(node, NORMAL));
		}
	}
	/* One node has at most four zones: lists and ends. */
	assert_int_equal(qy__zonelists_bytes(1), 2 * 5 * sizeof(uint16_t));
	assert_int_equal(qy__zonelists_bytes(64), 64 * 2 * 257 * sizeof(uint16_t));
}

static void zonelist_skips_zones_too_high_for_the_request(void **state)
{
	static const struct {
		qy_gfp_t gfp;
		unsigned int nr;
		uint16_t want[5];
	} table[] = {
		{QY_GFP_KERNEL, 4, {ON(0, DMA32), ON(0, DMA), ON(1, NORMAL), ON(1, DMA32)}},
		{QY_GFP_DMA, 1, {ON(0, DMA)}},
		{QY_GFP_DMA32, 3, {ON(0, DMA32), ON(0, DMA), ON(1, DMA32)}},
		{QY_GFP_HIGHUSER_MOVABLE,
		 5,
		 {ON(0, DMA32), ON(0, DMA), ON(1, HIGHMEM), ON(1, NORMAL), ON(1, DMA32)}},
		{QY_GFP_KERNEL | QY_GFP_THISNODE, 2, {ON(0, DMA32), ON(0, DMA)}},
		{QY_GFP_DMA | QY_GFP_THISNODE, 1, {ON(0, DMA)}},
	};
	uint16_t list[8];

	(void)state;
	hand_made(2);
	mm.topology.zone_limit[DMA] = 100;
	mm.topology.zone_limit[DMA32] = 1200;
	mm.topology.zone_limit[NORMAL] = 1800;
	build(QY_ZONELIST_NODE);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(qy_zonelist(&mm, 0, table[i].gfp, list, 8), table[i].nr);
		assert_memory_equal(list, table[i].want, table[i].nr * sizeof(*list));
	}
	assert_int_equal(qy_zonelist(&mm, 1, QY_GFP_DMA | QY_GFP_THISNODE, list, 8), 0);
}

static void zonelist_never_writes_more_than_there_is_room_for(void **state)
{
	uint16_t list[4] = {77, 77, 77, 77};

	(void)state;
	hand_made(3);
	build(QY_ZONELIST_NODE);
	assert_int_equal(qy_zonelist(&mm, 1, 0, NULL, 0), 3);
	assert_int_equal(qy_zonelist(&mm, 1, 0, list, 2), 3);
	assert_int_equal(list[0], ON(1, NORMAL));
	assert_int_equal(list[1], ON(2, NORMAL));
	assert_int_equal(list[2], 77);
	assert_int_equal(qy_zonelist(&mm, 1, 0, list, 4), 3);
	assert_int_equal(list[3], 77);
	assert_int_equal(qy_zonelist(&mm, 3, 0, list, 4), 0);
	assert_int_equal(qy_zonelist(&mm, UINT32_MAX, 0, list, 4), 0);
	assert_int_equal(list[0], ON(1, NORMAL));
}

/* The same through an instance: limits and distances of the configuration. */
static void zonelist_instance_follows_its_configuration(void **state)
{
	static const uint8_t far[9] = {10, 30, 20, 30, 10, 15, 20, 15, 10};
	static const uint16_t want[] = {ON(0, DMA32), ON(0, DMA), ON(2, NORMAL), ON(1, NORMAL),
					ON(1, DMA32)};
	const size_t node_limit[3] = {400 * PAGE_BYTES, 800 * PAGE_BYTES, 1200 * PAGE_BYTES};
	uint16_t list[12];

	(void)state;
	instance_init(&in, 1200);
	in.config.nr_nodes = 3;
	in.config.node_limit = node_limit;
	in.config.distance = far;
	in.config.zone_limit[DMA] = 320 * PAGE_BYTES;
	in.config.zone_limit[DMA32] = 500 * PAGE_BYTES;
	instance_create(&in);
	assert_int_equal(qy_zonelist(in.mm, 0, QY_GFP_KERNEL, list, 12), 5);
	assert_memory_equal(list, want, sizeof(want));
	assert_int_equal(qy_zonelist(in.mm, 1, QY_GFP_KERNEL, list, 12), 5);
	assert_int_equal(list[0], ON(1, NORMAL));
	assert_int_equal(list[2], ON(2, NORMAL));
	assert_int_equal(qy_zonelist(in.mm, 3, QY_GFP_KERNEL, list, 12), 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_order_follows_distance),
		cmocka_unit_test(node_order_distance_beats_every_other_reason),
		cmocka_unit_test(node_order_distance_is_that_of_the_asking_node),
		cmocka_unit_test(node_order_equal_nodes_are_used_in_rotation),
		cmocka_unit_test(node_order_first_of_each_distance_is_charged),
		cmocka_unit_test(node_order_prefers_equal_nodes_without_cpus),
		cmocka_unit_test(node_order_any_distances_give_a_sorted_permutation),
		cmocka_unit_test_teardown(build_by_node_tries_all_zones_of_a_node_first, tear_down),
		cmocka_unit_test_teardown(build_by_zone_tries_a_zone_on_all_nodes_first, tear_down),
		cmocka_unit_test_teardown(build_leaves_out_zones_that_the_limits_leave_no_page,
					  tear_down),
		cmocka_unit_test_teardown(build_any_limits_list_every_zone_that_has_pages_once,
					  tear_down),
		cmocka_unit_test_teardown(build_64_nodes_all_with_all_zones_fill_their_room,
					  tear_down),
		cmocka_unit_test_teardown(zonelist_skips_zones_too_high_for_the_request, tear_down),
		cmocka_unit_test_teardown(zonelist_never_writes_more_than_there_is_room_for,
					  tear_down),
		cmocka_unit_test_teardown(zonelist_instance_follows_its_configuration, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
