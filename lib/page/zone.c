/* SPDX-License-Identifier: MIT */
/*
 * zone.c - which pages belong to which node and zone.
 *
 * The span is cut twice by configured limits: into nodes, and into DMA, DMA32, NORMAL, HIGHMEM. A
 * zone is the pages that are of one node and of one of those. Pages that never existed, or are not
 * brought in yet, lie in no zone: spans grow as pages arrive.
 */
#include "page/zone.h"

#include <errno.h>
#include <string.h>

#include "page/mm.h"
#include "page/pcp.h"
#include "util/align.h"
#include "util/plant.h"

const char *qy__zone_name(unsigned int type)
{
	static const char *const name[QY_NR_ZONES] = {"DMA", "DMA32", "Normal", "HighMem"};

	return type < QY_NR_ZONES ? name[type] : "?";
}

#define LOCAL_DISTANCE 10
#define REMOTE_DISTANCE 20
#define NO_DISTANCE 255 /* a node is not there */

static uint32_t limit_pfn(size_t bytes)
{
	return (uint32_t)min(bytes >> QY_CONFIG_PAGE_SHIFT, (size_t)QY__PFN_NONE);
}

/* Ends of the four zones, ascending; the last one that is not empty takes what is left. */
static int zone_limits(struct qy_mm *mm, const size_t limit[QY_NR_ZONES])
{
	uint32_t last = 0;

	if (limit[QY_ZONE_HIGHMEM])
		return -EINVAL;
	for (int z = 0; z < QY_NR_ZONES; z++) {
		uint32_t end = limit[z] ? limit_pfn(limit[z]) : last;

		if (z == QY_ZONE_HIGHMEM || (z == QY_ZONE_NORMAL && !limit[z]))
			end = QY__PFN_NONE;
		if (end < last)
			return -EINVAL;
		mm->topology.zone_limit[z] = last = end;
	}
	return 0;
}

/* Equal shares begin at multiples of the largest block: no block reaches over two nodes. */
static int node_limits(struct qy_mm *mm, const size_t *limit)
{
	uint32_t block = 1u << mm->max_order, last = 0;
	uint64_t pages = mm->max_pfn - mm->min_pfn;

	for (unsigned int n = 0; n < mm->nr_nodes; n++) {
		uint64_t share = mm->min_pfn + pages * (n + 1) / mm->nr_nodes;
		uint32_t end = limit ? limit_pfn(limit[n])
				     : (uint32_t)qy__align_down((uintptr_t)share, block);

		if (n + 1 == mm->nr_nodes)
			end = QY__PFN_NONE;
		if (end < last)
			return -EINVAL;
		mm->topology.node_limit[n] = last = end;
	}
	return 0;
}

static int holes(struct qy_mm *mm, const struct qy_range *hole, unsigned int nr)
{
	size_t first = ((size_t)mm->min_pfn << QY_CONFIG_PAGE_SHIFT) + sizeof(struct qy_mm);
	size_t last = first;

	if (nr > QY__MAX_HOLES || (nr && !hole))
		return -EINVAL;
	for (unsigned int i = 0; i < nr; i++) {
		if (hole[i].start < last || hole[i].end < hole[i].start)
			return -EINVAL;
		mm->topology.hole[i].start = limit_pfn(hole[i].start);
		if (i && mm->topology.hole[i].start < mm->topology.hole[i - 1].end)
			mm->topology.hole[i].start =
				mm->topology.hole[i - 1].end; /* they share a page */
		mm->topology.hole[i].end =
			max(limit_pfn(hole[i].end) + !!(hole[i].end % QY_PAGE_SIZE),
			    mm->topology.hole[i].start);
		last = hole[i].end;
	}
	mm->topology.nr_holes = nr;
	if (nr && mm->topology.hole[0].start < limit_pfn(first + QY_PAGE_SIZE - 1))
		return -EINVAL; /* the instance itself lies there */
	return 0;
}

int qy__limits_init(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	uint8_t machine[QY_MAX_NODES * QY_MAX_NODES];

	mm->nr_nodes = max(cfg->nr_nodes, 1u);
	if (cfg->nr_nodes == QY_NODES_MACHINE) {
		mm->nr_nodes = qy__osif_nodes(machine, QY_MAX_NODES);
		mm->topology.machine = mm->nr_nodes > 1 && cfg->backing == QY_BACKING_ANON;
	}
	if (mm->nr_nodes > QY_MAX_NODES)
		return -EINVAL;
	mm->nr_zones = mm->nr_nodes * QY_NR_ZONES;
	if (zone_limits(mm, cfg->zone_limit) || node_limits(mm, cfg->node_limit))
		return -EINVAL;
	return holes(mm, cfg->hole, cfg->nr_holes);
}

static void name_zones(struct qy_mm *mm)
{
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		struct qy__zone *zone = &mm->zone[z];

		zone->index = (uint8_t)z;
		zone->node = (uint8_t)(z / QY_NR_ZONES);
		zone->type = (uint8_t)(z % QY_NR_ZONES);
		for (int order = 0; order < QY__NR_ORDERS; order++) {
			memset(zone->area[order].head, 0xff, sizeof(zone->area[order].head));
			memset(zone->area[order].tail, 0xff, sizeof(zone->area[order].tail));
		}
	}
}

/* The table as given, else 10 here and 20 elsewhere. */
static int set_distances(struct qy_mm *mm, const uint8_t *given)
{
	unsigned int nr = mm->nr_nodes;

	for (unsigned int i = 0; i < nr * nr; i++) {
		bool here = i / nr == i % nr;

		mm->topology.distance[i] = given  ? given[i]
					   : here ? LOCAL_DISTANCE
						  : REMOTE_DISTANCE;
		if (here != (mm->topology.distance[i] == LOCAL_DISTANCE) ||
		    mm->topology.distance[i] < LOCAL_DISTANCE)
			return -EINVAL;
	}
	return 0;
}

static int set_cpu_nodes(struct qy_mm *mm, const uint8_t *given)
{
	for (unsigned int cpu = 0; cpu < ARRAY_SIZE(mm->topology.cpu_node); cpu++) {
		mm->topology.cpu_node[cpu] = (uint8_t)(cpu % mm->nr_nodes);
		if (!given || mm->cpus.provider != QY_CPU_MANUAL || cpu >= mm->cpus.nr)
			continue;
		if (given[cpu] >= mm->nr_nodes)
			return -EINVAL;
		mm->topology.cpu_node[cpu] = given[cpu];
	}
	return 0;
}

int qy__zones_init(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	uint8_t machine[QY_MAX_NODES * QY_MAX_NODES];
	const uint8_t *distance = cfg->distance;

	if (cfg->nr_nodes == QY_NODES_MACHINE)
		distance = qy__osif_nodes(machine, QY_MAX_NODES) == mm->nr_nodes ? machine : NULL;
	mm->topology.distance =
		qy__mm_boot_alloc(mm, (size_t)mm->nr_nodes * mm->nr_nodes, sizeof(uint64_t));
	mm->zone = qy__mm_boot_alloc(mm, mm->nr_zones * sizeof(*mm->zone), QY__CACHE_LINE);
	if (!mm->topology.distance || !mm->zone)
		return -ENOMEM;
	name_zones(mm);
	return set_distances(mm, distance) || set_cpu_nodes(mm, cfg->cpu_node) ? -EINVAL : 0;
}

struct qy__zone *qy__pfn_zone(const struct qy_mm *mm, uint32_t pfn, uint32_t end, uint32_t *stop)
{
	unsigned int node = 0, type = 0;

	while (pfn >= mm->topology.node_limit[node])
		node++;
	while (pfn >= mm->topology.zone_limit[type])
		type++;
	*stop = min(mm->topology.node_limit[node], mm->topology.zone_limit[type]);
	*stop = min(*stop, end);
	return &mm->zone[node * QY_NR_ZONES + type];
}

void qy__zone_add(struct qy_mm *mm, struct qy__zone *zone, uint32_t start, uint32_t end)
{
	uint8_t index = (uint8_t)(zone - mm->zone);

	if (zone->start_pfn == zone->end_pfn)
		zone->start_pfn = start;
	zone->end_pfn = end;
	zone->present += end - start;
	for (; start < end; start++)
		qy__pfn_page(mm, start)->zone = index;
	if (qy__planted(NODE_BORDER) && end == mm->topology.node_limit[zone->node])
		qy__pfn_page(mm, end - 1)->zone += QY_NR_ZONES;
}

unsigned int qy__this_node_of_many(const struct qy_mm *mm)
{
	unsigned int cpu;

	if (mm->topology.machine)
		return min(qy__osif_this_node(), mm->nr_nodes - 1);
	cpu = qy__this_cpu(&mm->cpus);
	return mm->topology.cpu_node[cpu % ARRAY_SIZE(mm->topology.cpu_node)];
}

unsigned int qy_mm_nr_nodes(const struct qy_mm *mm)
{
	return mm->nr_nodes;
}

unsigned int qy_node_distance(const struct qy_mm *mm, unsigned int from, unsigned int to)
{
	if (from >= mm->nr_nodes || to >= mm->nr_nodes)
		return NO_DISTANCE;
	return mm->topology.distance[from * mm->nr_nodes + to];
}

unsigned int qy_mm_this_node(const struct qy_mm *mm)
{
	return qy__this_node(mm);
}

unsigned int qy_page_node(const struct qy_mm *mm, const struct qy_page *page)
{
	return qy__page_zone(mm, page)->node;
}

enum qy_zone_type qy_page_zone(const struct qy_mm *mm, const struct qy_page *page)
{
	return (enum qy_zone_type)qy__page_zone(mm, page)->type;
}

enum qy_migratetype qy_page_migratetype(const struct qy_mm *mm, const struct qy_page *page)
{
	return (enum qy_migratetype)qy__pageblock_type(mm, qy__page_pfn(mm, page));
}
