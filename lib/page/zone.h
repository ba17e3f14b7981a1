/* SPDX-License-Identifier: MIT */
/* zone.h - nodes and zones: which pages belong to which, and which zones an allocation may use. */
#ifndef QY_PAGE_ZONE_H
#define QY_PAGE_ZONE_H

#include "page/page.h"

/*
 * Number of nodes, limits of nodes and zones, holes: all that the boot map has to know. 0 /
 * -EINVAL: a figure is out of range, or limits or holes are not ascending.
 */
int qy__limits_init(struct qy_mm *mm, const struct qy_mm_config *cfg);
/* The zones of all nodes, empty; distances; the CPUs' nodes. 0 / -EINVAL / -ENOMEM. */
int qy__zones_init(struct qy_mm *mm, const struct qy_mm_config *cfg);
/*
 * Pages [start, end) exist now: widen the zone they all fall in and mark them with it.
 * Lock: zone->lock, unless the instance is not up yet.
 */
void qy__zone_add(struct qy_mm *mm, struct qy__zone *zone, uint32_t start, uint32_t end);
/*
 * The zone that @pfn falls into by the limits. @stop: set to the first pfn behind it, at most @end.
 */
struct qy__zone *qy__pfn_zone(const struct qy_mm *mm, uint32_t pfn, uint32_t end, uint32_t *stop);
/* What the zone says of itself, as it stands there; not its lists and page blocks (zone_stat.c). */
void qy__zone_figures(const struct qy__zone *zone, struct qy_zone_stat *st);
/* What the kernel calls a zone of this type. */
const char *qy__zone_name(unsigned int type);
/* The highest zone type @gfp allows; fallback goes downwards from there. */
static inline enum qy_zone_type qy__gfp_zone(qy_gfp_t gfp)
{
	if (gfp & QY_GFP_DMA)
		return QY_ZONE_DMA;
	if (gfp & QY_GFP_DMA32)
		return QY_ZONE_DMA32;
	if (gfp & QY_GFP_HIGHMEM)
		return QY_ZONE_HIGHMEM;
	return QY_ZONE_NORMAL;
}
unsigned int qy__this_node_of_many(const struct qy_mm *mm);
/* The node of the CPU the caller is on. */
static inline unsigned int qy__this_node(const struct qy_mm *mm)
{
	return likely(mm->nr_nodes == 1) ? 0 : qy__this_node_of_many(mm);
}

#endif
