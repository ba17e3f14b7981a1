/* SPDX-License-Identifier: MIT */
/*
 * zone_stat.c - the figures of zones, and giving free memory to the system.
 *
 * Locks: one zone->lock at a time.
 */
#include <errno.h>
#include <string.h>

#include "page/page_alloc.h"
#include "page/pcp.h"
#include "page/reclaim.h"
#include "page/report_free.h"
#include "page/zone.h"
#include "util/fmt.h"
#include "util/struct_size.h"

size_t qy__nr_free_pages(const struct qy_mm *mm)
{
	size_t n = 0;

	for (unsigned int z = 0; z < mm->nr_zones; z++)
		n += qy__load_relaxed(&mm->zone[z].nr_free_pages) + qy__pcp_count(mm, &mm->zone[z]);
	return n;
}

static void sum_zones(struct qy_mm *mm, struct qy_page_stats *stats)
{
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		struct qy__zone *zone = &mm->zone[z];

		qy__lock(&zone->lock);
		stats->spanned += zone->end_pfn - zone->start_pfn;
		stats->managed += zone->managed;
		stats->free += zone->nr_free_pages + qy__pcp_count(mm, zone);
		for (unsigned int o = 0; o <= mm->max_order; o++) {
			stats->nr_free[o] += zone->area[o].nr_free;
			if (zone->area[o].nr_free)
				stats->free_max = max(stats->free_max, (size_t)1 << o);
		}
		qy__unlock(&zone->lock);
	}
}

void qy_page_stats(struct qy_mm *mm, struct qy_page_stats *stats)
{
	struct qy_page_stats now = {0};

	sum_zones(mm, &now);
	now.high_water = qy__load_relaxed(&mm->usage.high_water);
	qy__struct_fill(stats, &now, sizeof(now));
}

static void count_lists(struct qy_mm *mm, const struct qy__zone *zone, struct qy_zone_stat *st)
{
	for (unsigned int o = 0; o <= mm->max_order; o++) {
		const struct qy__free_area *area = &zone->area[o];

		for (unsigned int t = 0; t < QY_NR_MIGRATETYPES; t++) {
			uint32_t left = area->nr_free, pfn = area->head[t];

			for (; left && pfn != QY__PFN_NONE; left--) {
				st->nr_free[o][t]++;
				pfn = qy__pfn_page(mm, pfn)->next;
			}
		}
	}
}

static void count_pageblocks(struct qy_mm *mm, const struct qy__zone *zone, struct qy_zone_stat *st)
{
	uint32_t step = 1u << mm->pageblock_order;

	for (uint32_t pfn = zone->start_pfn; pfn < zone->end_pfn; pfn = (pfn & ~(step - 1)) + step)
		st->nr_pageblocks[qy__pageblock_type(mm, pfn)]++;
}

void qy__zone_figures(const struct qy__zone *zone, struct qy_zone_stat *st)
{
	st->start_pfn = zone->start_pfn;
	st->spanned = zone->end_pfn - zone->start_pfn;
	st->present = zone->present;
	st->managed = zone->managed;
	st->free = zone->nr_free_pages;
	st->free_cma = zone->nr_free_cma;
	st->free_highatomic = zone->nr_free_highatomic;
	st->free_blocks = zone->nr_free_blocks;
	st->cma = zone->nr_cma;
	st->reserved_highatomic = zone->nr_reserved_highatomic;
	for (int i = 0; i < QY_NR_WMARK; i++)
		st->mark[i] = qy__load_relaxed(&zone->mark[i]);
	st->boost = zone->boost;
	for (int i = 0; i < QY_NR_ZONES; i++)
		st->lowmem_reserve[i] = qy__load_relaxed(&zone->lowmem_reserve[i]);
	st->numa_hit = qy__load_relaxed(&zone->numa[QY__NUMA_HIT]);
	st->numa_miss = qy__load_relaxed(&zone->numa[QY__NUMA_MISS]);
	st->numa_foreign = qy__load_relaxed(&zone->numa[QY__NUMA_FOREIGN]);
	st->numa_interleave = qy__load_relaxed(&zone->numa[QY__NUMA_INTERLEAVE]);
	st->numa_local = qy__load_relaxed(&zone->numa[QY__NUMA_LOCAL]);
	st->numa_other = qy__load_relaxed(&zone->numa[QY__NUMA_OTHER]);
}

static void fill_locked(struct qy_mm *mm, struct qy__zone *zone, struct qy_zone_stat *st)
{
	qy__zone_figures(zone, st);
	st->pcp_count = qy__pcp_count(mm, zone);
	st->pcp_batch = zone->pcp ? qy__load_relaxed(&zone->pcp_batch) : 0;
	st->pcp_high = zone->pcp ? qy__load_relaxed(&zone->pcp_high) : 0;
	count_lists(mm, zone, st);
	count_pageblocks(mm, zone, st);
}

int qy_zone_stat_get(struct qy_mm *mm, unsigned int node, enum qy_zone_type type,
		     struct qy_zone_stat *stat)
{
	struct qy__zone *zone;

	if (stat->struct_size != sizeof(*stat) || node >= mm->nr_nodes ||
	    (unsigned int)type >= QY_NR_ZONES)
		return -EINVAL;
	memset(stat, 0, sizeof(*stat));
	stat->struct_size = sizeof(*stat);
	stat->node = node;
	stat->type = type;
	zone = &mm->zone[node * QY_NR_ZONES + type];
	qy__snprintf(stat->name, sizeof(stat->name), "%s", qy__zone_name(zone->type));
	qy__lock(&zone->lock);
	fill_locked(mm, zone, stat);
	qy__unlock(&zone->lock);
	return 0;
}

size_t qy_mm_drain_pages(struct qy_mm *mm)
{
	return qy__pcp_drain_all(mm);
}

size_t qy_mm_trim(struct qy_mm *mm)
{
	size_t bytes = 0;

	qy_mm_shrink(mm, QY_GFP_KERNEL, qy__this_node(mm), 0);
	qy__pcp_drain_all(mm);
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		qy__lock(&mm->zone[z].lock);
		bytes += qy__report_free_locked(mm, &mm->zone[z], 0);
		qy__unlock(&mm->zone[z].lock);
	}
	return bytes;
}
