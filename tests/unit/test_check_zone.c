/* SPDX-License-Identifier: MIT */
/*
 * test_check_zone.c - the checker on zones: limits, holes, marks, reserves, zonelists, counters of
 * nodes. Each test breaks one thing.
 *
 * Three nodes, three zones in the first; a hole in the last:
 *
 *   node 0: DMA 0…127, DMA32 128…159, Normal 160…383   node 1: Normal 384…575
 *   node 2: Normal 576…799, HighMem 800…1023; no memory at 700…709
 */
#include "damage.h"
#include "fixture.h"

#include "page/watermark.h"
#include "page/zonelist.h"
#include "util/rng.h"

#define PAGES ((size_t)1024)
#define NODES 3

static const uint8_t distances[NODES * NODES] = {10, 20, 30, 20, 10, 15, 30, 15, 10};
static const size_t node_limits[NODES] = {384 * PAGE_BYTES, 576 * PAGE_BYTES, PAGES *PAGE_BYTES};
static const struct qy_range hole = {700 * PAGE_BYTES, 710 * PAGE_BYTES};

static struct qy__zone *zone_at(unsigned int node, enum qy_zone_type type)
{
	return &in.mm->zone[node * QY_NR_ZONES + type];
}

static void make(enum qy_zonelist_order order, enum qy_watermarks marks)
{
	instance_init(&in, PAGES);
	in.config.nr_cpus = NODES;
	in.config.nr_nodes = NODES;
	in.config.node_limit = node_limits;
	in.config.distance = distances;
	in.config.zonelist_order = order;
	in.config.zone_limit[QY_ZONE_DMA] = 128 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_DMA32] = 160 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_NORMAL] = 800 * PAGE_BYTES;
	in.config.hole = &hole;
	in.config.nr_holes = 1;
	in.config.pageblock_order = 3;
	in.config.watermark.marks = marks;
	in.config.watermark.min_free_kbytes = 63 * PAGE_BYTES / 1024;
	in.config.watermark.lowmem_reserve_ratio[QY_ZONE_DMA] = 16;
	instance_create(&in);
	for (unsigned int node = 0; node < NODES; node++)
		for (unsigned int i = 0; i < 10; i++) {
			assert_int_equal(qy_mm_set_cpu(in.mm, i % NODES), 0);
			assert_non_null(qy_alloc_pages_node(in.mm, node, QY_GFP_KERNEL, i % 3));
		}
	assert_clean(&in);
	instance_save(&in);
}

static int set_up(void **state)
{
	(void)state;
	make(QY_ZONELIST_NODE, QY_WATERMARKS_KERNEL);
	return 0;
}

static void check_head_of_page_floor_MM(void **state)
{
	(void)state;
	in.mm->topology.node_limit[0] = in.mm->topology.node_limit[1] + 1;
	expect_violation(&in, "MM");
	in.mm->topology.node_limit[NODES - 1] = 2000; /* what comes later is of no node */
	expect_violation(&in, "MM");
	in.mm->topology.zone_limit[QY_ZONE_DMA] = 161;
	expect_violation(&in, "MM");
	in.mm->topology.zone_limit[QY_ZONE_HIGHMEM]--;
	expect_violation(&in, "MM");
	in.mm->topology.nr_holes = QY__MAX_HOLES + 1;
	expect_violation(&in, "MM");
	in.mm->topology.nr_holes = 2; /* the second: 0…0 */
	expect_violation(&in, "MM");
	in.mm->topology.distance++;
	expect_violation(&in, "MM");
	in.mm->topology.distance = NULL;
	expect_violation(&in, "MM");
	in.mm->topology.distance[4] = 11;
	expect_violation(&in, "MM");
	in.mm->topology.distance[1] = 10;
	expect_violation(&in, "MM");
	in.mm->topology.distance[2] = 9;
	expect_violation(&in, "MM");
	in.mm->topology.cpu_node[2] = NODES;
	expect_violation(&in, "MM");
	memset(&in.mm->shuffle.on, 2, 1);
	expect_violation(&in, "MM");
	memset(&in.mm->pcp.on, 0x80, 1);
	expect_violation(&in, "MM");
	in.mm->fast_zone = zone_at(0, QY_ZONE_NORMAL); /* there are marks and nodes */
	expect_violation(&in, "MM");
	in.mm->one_zone = true;
	expect_violation(&in, "MM");
	in.mm->page_debug.on = QY_PAGE_DEBUG_FLAGS + 1;
	expect_violation(&in, "MM");
	in.mm->nr_nodes = 2;
	expect_violation(&in, "MM");
	in.mm->nr_nodes = in.mm->nr_zones = 0;
	expect_violation(&in, "MM");
	in.mm->nr_nodes = QY_MAX_NODES;
	in.mm->nr_zones = QY_MAX_NODES * QY_NR_ZONES;
	expect_violation(&in, "Z8"); /* what lies behind the zones is no zones */
	in.mm->pageblock_order = in.mm->max_order + 1;
	expect_violation(&in, "MM");
	in.mm->pageblock_first++;
	expect_violation(&in, "MM");
	in.mm->pageblock = (uint8_t *)in.mm->pageblock - in.size;
	expect_violation(&in, "MM");
	in.mm->zone = (struct qy__zone *)((char *)in.mm->zone + 4);
	expect_violation(&in, "MM");
}

static void check_spans_Z1(void **state)
{
	struct qy__zone *a = zone_at(0, QY_ZONE_NORMAL), *b = zone_at(1, QY_ZONE_NORMAL);

	(void)state;
	in.mm->topology.zone_limit[QY_ZONE_DMA] += 8; /* DMA32 begins too low now */
	expect_violation(&in, "Z1");
	in.mm->topology.node_limit[0] -= 8; /* node 0 ends too high */
	expect_violation(&in, "Z1");
	b->start_pfn -= 8;
	expect_violation(&in, "Z1");
	a->end_pfn += 8;
	expect_violation(&in, "Z1");
	a->managed = a->present + 1;
	expect_violation(&in, "Z1");
	zone_at(1, QY_ZONE_DMA)->present = 1; /* no pages there */
	a->present--;
	expect_violation(&in, "Z1");
	zone_at(1, QY_ZONE_DMA)->managed = 1;
	expect_violation(&in, "Z1");
	a->end_pfn = in.mm->end_pfn + 1;
	expect_violation(&in, "Z1");
}

static void check_zone_says_who_it_is_Z4(void **state)
{
	(void)state;
	zone_at(1, QY_ZONE_NORMAL)->node = 2;
	expect_violation(&in, "Z4");
	zone_at(2, QY_ZONE_HIGHMEM)->type = QY_ZONE_NORMAL;
	expect_violation(&in, "Z4");
	zone_at(1, QY_ZONE_DMA)->node = 0;
	expect_violation(&in, "Z4");
	zone_at(1, QY_ZONE_NORMAL)->index = 0;
	expect_violation(&in, "Z4");
	qy__pfn_page(in.mm, 390)->zone = 2; /* of node 0 */
	expect_violation(&in, "Z4");
}

static void check_holes_Z8(void **state)
{
	(void)state;
	assert_int_equal(qy__pfn_page(in.mm, 700)->type, QY__PAGE_HOLE);
	in.mm->topology.hole[0].start++; /* one page less at the front, one more at the end */
	in.mm->topology.hole[0].end++;
	expect_violation(&in, "Z8");
	qy__pfn_page(in.mm, 704)->type = QY__PAGE_RESERVED; /* memory after all? */
	expect_violation(&in, "Z8");
	find_block(in.mm, QY__PAGE_BUDDY, 0, NULL)->type = QY__PAGE_HOLE;
	expect_violation(&in, "Z8");
	zone_at(2, QY_ZONE_NORMAL)->present--;
	expect_violation(&in, "Z8");
}

/* Two wrongs that add up to the right sum. */
static void check_present_B7(void **state)
{
	(void)state;
	zone_at(0, QY_ZONE_DMA32)->present++;
	zone_at(2, QY_ZONE_NORMAL)->present--;
	expect_violation(&in, "B7");
}

/* The first page block holds books, no free block contradicts: types mean nothing here. */
static void check_type_without_grouping_B6(void **state)
{
	(void)state;
	in.mm->pageblock[0] = QY_MIGRATE_RECLAIMABLE;
	expect_violation(&in, "B6");
	in.mm->pageblock[0] = QY_MIGRATE_HIGHATOMIC;
	expect_violation(&in, "B6");
}

static void check_marks_Z2(void **state)
{
	struct qy__zone *zone = zone_at(0, QY_ZONE_NORMAL);

	(void)state;
	assert_true(zone->mark[QY_WMARK_MIN] > 0);
	for (int i = 0; i < QY_NR_WMARK; i++) {
		zone->mark[i]++;
		expect_violation(&in, "Z2");
	}
	for (int i = 0; i < QY_NR_WMARK; i++)
		zone->mark[i]++; /* the steps are equal */
	expect_violation(&in, "Z2");
	for (int i = 0; i < QY_NR_WMARK; i++)
		zone->mark[i] += (unsigned int)i;
	expect_violation(&in, "Z2");
	for (int i = 0; i < QY_NR_WMARK; i++) /* down */
		zone->mark[i] = 100u - 10u * (unsigned int)i;
	expect_violation(&in, "Z2");
	zone_at(1, QY_ZONE_DMA)->mark[QY_WMARK_HIGH] = 1; /* no pages there */
	expect_violation(&in, "Z2");
	zone_at(2, QY_ZONE_HIGHMEM)->mark[QY_WMARK_MIN]--;
	expect_violation(&in, "Z2");
	in.mm->marks.config.scale_factor = 500;
	expect_violation(&in, "Z2");
	in.mm->marks.config.min_free_kbytes = 200;
	expect_violation(&in, "Z2");
	in.mm->marks.on = false;
	expect_violation(&in, "Z2");
	in.mm->marks.config.marks = QY_WATERMARKS_NONE;
	expect_violation(&in, "Z2");
}

static void check_boost_Z2(void **state)
{
	struct qy__zone *zone = zone_at(0, QY_ZONE_NORMAL);
	uint32_t most = zone->mark[QY_WMARK_HIGH] * 15000 / 10000;

	(void)state;
	assert_true(most > 16);
	zone->boost = 8;
	assert_sound(in.mm);
	zone->boost = most;
	assert_sound(in.mm);
	zone->boost = 9; /* no page blocks */
	expect_violation(&in, "Z2");
	zone->boost = most + 1;
	expect_violation(&in, "Z2");
	zone->boost = (most / 8 + 1) * 8;
	expect_violation(&in, "Z2");
	zone->boost = 8;
	in.mm->marks.config.boost_factor = QY_NO_RESERVE;
	expect_violation(&in, "Z2");
	zone_at(1, QY_ZONE_DMA)->boost = 8; /* no pages there */
	expect_violation(&in, "Z2");
	zone_at(0, QY_ZONE_DMA32)->managed = 31; /* too small for one */
	zone_at(0, QY_ZONE_DMA32)->boost = 8;
	expect_violation(&in, "Z2");
}

static void check_reserves_Z3(void **state)
{
	struct qy__zone *dma = zone_at(0, QY_ZONE_DMA);

	(void)state;
	assert_true(dma->lowmem_reserve[QY_ZONE_DMA32] > 0);
	assert_true(dma->lowmem_reserve[QY_ZONE_NORMAL] > dma->lowmem_reserve[QY_ZONE_DMA32]);
	dma->lowmem_reserve[QY_ZONE_DMA] = 1;
	expect_violation(&in, "Z3");
	dma->lowmem_reserve[QY_ZONE_DMA32]++;
	expect_violation(&in, "Z3");
	dma->lowmem_reserve[QY_ZONE_NORMAL] = 0;
	expect_violation(&in, "Z3");
	dma->lowmem_reserve[QY_ZONE_HIGHMEM]--;
	expect_violation(&in, "Z3");
	zone_at(1, QY_ZONE_HIGHMEM)->lowmem_reserve[QY_ZONE_HIGHMEM] = 7;
	expect_violation(&in, "Z3");
	in.mm->marks.config.lowmem_reserve_ratio[QY_ZONE_DMA] = 17;
	expect_violation(&in, "Z3");
	in.mm->marks.config.lowmem_reserve_ratio[QY_ZONE_DMA] = QY_NO_RESERVE;
	expect_violation(&in, "Z3");
	/* Changing the ratio, as one may. */
	in.mm->marks.config.lowmem_reserve_ratio[QY_ZONE_DMA] = 4;
	qy__watermarks_setup(in.mm);
	assert_sound(in.mm);
	instance_restore(&in);
}

static void check_marks_that_are_off_Z2_Z3(void **state)
{
	struct qy__zone *zone;

	(void)state;
	tear_down(NULL);
	make(QY_ZONELIST_NODE, QY_WATERMARKS_NONE);
	zone = zone_at(0, QY_ZONE_NORMAL);
	for (int i = 0; i < QY_NR_WMARK; i++)
		zone->mark[i] = 5;
	expect_violation(&in, "Z2");
	zone->boost = 8;
	expect_violation(&in, "Z2");
	in.mm->marks.on = true;
	expect_violation(&in, "Z2");
	zone_at(0, QY_ZONE_DMA)->lowmem_reserve[QY_ZONE_NORMAL] = 1;
	expect_violation(&in, "Z3");
	tear_down(NULL);
	set_up(NULL);
}

static void check_mark_is_met_and_not_a_lower_one_B15(void **state)
{
	struct qy__zone *zone = zone_at(1, QY_ZONE_NORMAL);

	(void)state;
	zone->mark[QY_WMARK_MIN] = zone->managed;
	expect_violation(&in, "B15");
	zone->mark[QY_WMARK_HIGH] = zone->managed;
	expect_violation(&in, "B15");
}

/* B15 as a rule about the function: whatever the zone says. */
static void watermark_ok_is_monotone_B15(void **state)
{
	struct qy__zone *zone = zone_at(1, QY_ZONE_NORMAL);
	unsigned int met = 0, tail_limited = 0;
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 15);
	for (int round = 0; round < 20000; round++) {
		unsigned int flags = qy__rng_below(&rng, 2) ? QY__ALLOC_HIGH : 0;
		unsigned int order = 1 + qy__rng_below(&rng, 6);
		uint32_t mark = qy__rng_below(&rng, 120);

		zone->nr_free_pages = qy__rng_below(&rng, 200);
		zone->nr_free_cma = qy__rng_below(&rng, 40);
		zone->nr_free_highatomic = qy__rng_below(&rng, 40);
		flags |= qy__rng_below(&rng, 2) ? QY__ALLOC_CMA : 0;
		for (unsigned int o = 0; o <= 6; o++)
			zone->area[o].head[0] = qy__rng_below(&rng, 3) ? QY__PFN_NONE : 400;
		if (!qy__zone_watermark_ok(in.mm, zone, order, mark, QY_ZONE_NORMAL, flags)) {
			tail_limited += qy__zone_watermark_ok(in.mm, zone, order - 1, mark,
							      QY_ZONE_NORMAL, flags);
			continue;
		}
		met++;
		assert_true(
			qy__zone_watermark_ok(in.mm, zone, order - 1, mark, QY_ZONE_NORMAL, flags));
		assert_true(
			qy__zone_watermark_ok(in.mm, zone, order, mark / 2, QY_ZONE_NORMAL, flags));
		assert_true(qy__zone_watermark_ok(in.mm, zone, order, mark, QY_ZONE_NORMAL,
						  flags | QY__ALLOC_HIGH));
	}
	assert_true(met > 1000 && tail_limited > 1000);
	instance_restore(&in);
}

static uint16_t *list_of(unsigned int node, bool alone)
{
	return in.mm->zonelist.index + (node * 2 + alone) * in.mm->zonelist.stride;
}

static void swap_entries(uint16_t *a, uint16_t *b)
{
	uint16_t was = *a;

	*a = *b;
	*b = was;
}

static void check_place_of_zonelists_Z5(void **state)
{
	(void)state;
	in.mm->zonelist.index = (uint16_t *)((char *)in.mm->zonelist.index + 1);
	expect_violation(&in, "Z5");
	in.mm->zonelist.index = NULL;
	expect_violation(&in, "Z5");
	in.mm->zonelist.index = (uint16_t *)(in.buf + in.size - 32);
	expect_violation(&in, "Z5");
	in.mm->zonelist.stride--;
	expect_violation(&in, "Z5");
	in.mm->zonelist.stride = 1u << 30;
	expect_violation(&in, "Z5");
	in.mm->zonelist.order = (enum qy_zonelist_order)7;
	expect_violation(&in, "Z5");
	in.mm->zonelist.order = QY_ZONELIST_ZONE; /* they were made for the other */
	expect_violation(&in, "Z5");
}

/* Node 0: its own Normal 2, DMA32 1, DMA 0; then 6 of node 1; 11 and 10 of node 2. */
static void check_zonelists_by_node_Z5(void **state)
{
	static const uint16_t expected[] = {2, 1, 0, 6, 11, 10, QY__ZONE_END};
	uint16_t *list = list_of(0, false), *alone = list_of(0, true);

	(void)state;
	assert_memory_equal(list, expected, sizeof(expected));
	list[0] = NODES * QY_NR_ZONES;
	expect_violation(&in, "Z5");
	list[1] = 2; /* again */
	expect_violation(&in, "Z5");
	swap_entries(&list[0], &list[1]); /* low before high */
	expect_violation(&in, "Z5");
	swap_entries(&list[2], &list[3]); /* the nearest node is not through */
	expect_violation(&in, "Z5");
	list[5] = QY__ZONE_END; /* one is missing */
	expect_violation(&in, "Z5");
	list[3] = 11; /* node 2 before node 1 */
	list[4] = 10;
	list[5] = 6;
	expect_violation(&in, "Z5");
	list[6] = 5; /* a zone without pages */
	list[7] = QY__ZONE_END;
	expect_violation(&in, "Z5");
	alone[3] = 6; /* of another node */
	alone[4] = QY__ZONE_END;
	expect_violation(&in, "Z5");
	alone[0] = QY__ZONE_END;
	expect_violation(&in, "Z5");
	alone = list_of(2, true);
	swap_entries(&alone[0], &alone[1]);
	expect_violation(&in, "Z5");
}

static void check_zonelist_without_end_Z5(void **state)
{
	uint16_t *list = list_of(NODES - 1, true);

	(void)state;
	/* Limits that leave every zone pages: then a list may have as many entries as fit. */
	for (unsigned int i = 0; i < in.mm->zonelist.stride; i++)
		list[i] = (uint16_t)(QY_NR_ZONES * NODES - 1 - i % (QY_NR_ZONES * NODES));
	expect_violation(&in, "Z5");
}

/* Highest zones first: 11 of node 2; Normal 2, 6, 10; DMA32 1; DMA 0. */
static void check_zonelists_by_zone_Z5(void **state)
{
	static const uint16_t expected[] = {11, 2, 6, 10, 1, 0, QY__ZONE_END};
	uint16_t *list;

	(void)state;
	tear_down(NULL);
	make(QY_ZONELIST_ZONE, QY_WATERMARKS_KERNEL);
	list = list_of(0, false);
	assert_memory_equal(list, expected, sizeof(expected));
	swap_entries(&list[0], &list[1]); /* Normal before HighMem */
	expect_violation(&in, "Z5");
	swap_entries(&list[1], &list[2]); /* the farther node first */
	expect_violation(&in, "Z5");
	swap_entries(&list[4], &list[5]);
	expect_violation(&in, "Z5");
	list[4] = list[3];
	expect_violation(&in, "Z5");
	in.mm->zonelist.order = QY_ZONELIST_NODE;
	expect_violation(&in, "Z5");
	tear_down(NULL);
	set_up(NULL);
}

static void check_counters_of_nodes_C1(void **state)
{
	struct qy__zone *zone = zone_at(1, QY_ZONE_NORMAL);

	(void)state;
	assert_true(zone->numa[QY__NUMA_HIT] && zone->numa[QY__NUMA_OTHER]);
	zone->numa[QY__NUMA_HIT]++;
	expect_violation(&in, "C1");
	zone->numa[QY__NUMA_MISS]++;
	expect_violation(&in, "C1");
	zone->numa[QY__NUMA_LOCAL]--;
	expect_violation(&in, "C1");
	zone->numa[QY__NUMA_OTHER] = 0;
	expect_violation(&in, "C1");
	zone->numa[QY__NUMA_FOREIGN]++; /* nobody missed */
	expect_violation(&in, "C1");
	zone->numa[QY__NUMA_INTERLEAVE] = zone->numa[QY__NUMA_HIT] + 1;
	expect_violation(&in, "C1");
	zone->numa[QY__NUMA_MISS]++; /* these are as they should be */
	zone->numa[QY__NUMA_OTHER]++;
	zone_at(0, QY_ZONE_NORMAL)->numa[QY__NUMA_FOREIGN]++;
	assert_sound(in.mm);
	instance_restore(&in);
}

/* What BUDDY alone looks at after every step, and what it leaves to ZONE. */
static void check_what_is_asked_for(void **state)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	(void)state;
	zone_at(0, QY_ZONE_NORMAL)->mark[QY_WMARK_LOW]++;
	list_of(0, false)[0] = 1;
	assert_int_equal(qy_check(in.mm, QY_CHECK_BUDDY, &r), 0);
	assert_true(qy_check(in.mm, QY_CHECK_ZONE, &r) > 1);
	assert_true(has_violation(&r, "Z2") && has_violation(&r, "Z5"));
	instance_restore(&in);
	zone_at(0, QY_ZONE_NORMAL)->nr_free_pages++;
	assert_true(qy_check(in.mm, QY_CHECK_BUDDY, &r) > 0);
	assert_true(qy_check(in.mm, QY_CHECK_ZONE, &r) > 0);
	assert_true(qy_check(in.mm, QY_CHECK_CONTENTS, &r) > 0);
	assert_int_equal(qy_check(in.mm, QY_CHECK_EARLY | QY_CHECK_SLAB, &r), 0);
	instance_restore(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_head_of_page_floor_MM),
		cmocka_unit_test(check_spans_Z1),
		cmocka_unit_test(check_zone_says_who_it_is_Z4),
		cmocka_unit_test(check_holes_Z8),
		cmocka_unit_test(check_present_B7),
		cmocka_unit_test(check_type_without_grouping_B6),
		cmocka_unit_test(check_marks_Z2),
		cmocka_unit_test(check_boost_Z2),
		cmocka_unit_test(check_reserves_Z3),
		cmocka_unit_test(check_marks_that_are_off_Z2_Z3),
		cmocka_unit_test(check_mark_is_met_and_not_a_lower_one_B15),
		cmocka_unit_test(watermark_ok_is_monotone_B15),
		cmocka_unit_test(check_place_of_zonelists_Z5),
		cmocka_unit_test(check_zonelists_by_node_Z5),
		cmocka_unit_test(check_zonelist_without_end_Z5),
		cmocka_unit_test(check_zonelists_by_zone_Z5),
		cmocka_unit_test(check_counters_of_nodes_C1),
		cmocka_unit_test(check_what_is_asked_for),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
