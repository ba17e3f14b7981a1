/* SPDX-License-Identifier: MIT */
/*
 * freelist.c - which zone serves a request: the first of the node's list that the request may use
 * and whose mark is met.
 *
 * Place in an object's life: between page_alloc.c, or its slow path, and the zone. A small block
 * comes from the CPU's own lists (pcp.c), any other from the zone's (rmqueue.c).
 *
 * Locks: one zone->lock at a time.
 */
#include "page/alloc_context.h"
#include "page/page_alloc.h"
#include "page/pcp.h"
#include "page/rmqueue.h"
#include "page/zone.h"
#include "page/zonelist.h"

/* Boosts are no concern of a small request that may use reserves. */
static uint32_t mark_of(const struct qy__zone *zone, const struct qy__alloc_context *ac,
			unsigned int alloc_flags)
{
	enum qy_watermark mark = alloc_flags & QY__ALLOC_MARK;

	if (mark == QY_WMARK_MIN && !ac->order && (alloc_flags & QY__ALLOC_HIGH))
		return qy__load_relaxed(&zone->mark[mark]);
	return qy__wmark(zone, mark);
}

static inline bool watermark_allows(const struct qy_mm *mm, const struct qy__zone *zone,
				    const struct qy__alloc_context *ac, unsigned int alloc_flags)
{
	if (likely(!qy__load_relaxed(&mm->marks.on)) || (alloc_flags & QY__ALLOC_NO_WATERMARKS))
		return true;
	return qy__zone_watermark_ok(mm, zone, ac->order, mark_of(zone, ac, alloc_flags),
				     ac->highest, alloc_flags);
}

static struct qy_page *rmqueue_zone(struct qy_mm *mm, struct qy__zone *zone,
				    const struct qy__alloc_context *ac, unsigned int alloc_flags)
{
	struct qy_page *page;

	qy__lock(&zone->lock);
	page = qy__rmqueue_locked(mm, zone, ac->order, ac->migratetype, alloc_flags);
	if (page) {
		qy__count_in_use_locked(mm, (size_t)1 << ac->order);
		if (alloc_flags & QY__ALLOC_HIGHATOMIC)
			qy__reserve_highatomic_locked(mm, zone, qy__page_pfn(mm, page));
	}
	qy__unlock(&zone->lock);
	return page;
}

static inline struct qy_page *take_from_zone(struct qy_mm *mm, struct qy__zone *zone,
					     const struct qy__alloc_context *ac,
					     unsigned int alloc_flags)
{
	if (mm->pcp.on && ac->order < QY__PCP_ORDERS && !(alloc_flags & QY__ALLOC_HIGHATOMIC)) {
		struct qy_page *page =
			qy__pcp_alloc(mm, zone, ac->order, ac->migratetype, alloc_flags);

		if (likely(page))
			return page;
	}
	return rmqueue_zone(mm, zone, ac, alloc_flags);
}

/* The zone that should have served: the first of the list that has pages. */
static struct qy__zone *preferred_zone(struct qy_mm *mm, const struct qy__alloc_context *ac)
{
	for (const uint16_t *z = ac->list; *z != QY__ZONE_END; z++) {
		struct qy__zone *zone = &mm->zone[*z];

		if (zone->type <= ac->highest && qy__load_relaxed(&zone->managed))
			return zone;
	}
	return NULL;
}

static QY_NOINLINE void count_numa(struct qy_mm *mm, struct qy__zone *zone,
				   const struct qy__alloc_context *ac)
{
	struct qy__zone *wanted = preferred_zone(mm, ac);
	bool local = zone->node == qy__this_node(mm);

	if (zone->node == wanted->node) {
		qy__fetch_add(&zone->numa[QY__NUMA_HIT], 1);
	} else {
		qy__fetch_add(&zone->numa[QY__NUMA_MISS], 1);
		qy__fetch_add(&wanted->numa[QY__NUMA_FOREIGN], 1);
	}
	qy__fetch_add(&zone->numa[local ? QY__NUMA_LOCAL : QY__NUMA_OTHER], 1);
}

struct qy_page *qy__get_page_from_freelist(struct qy_mm *mm, const struct qy__alloc_context *ac,
					   unsigned int alloc_flags)
{
	for (const uint16_t *z = ac->list; *z != QY__ZONE_END; z++) {
		struct qy__zone *zone = &mm->zone[*z];
		struct qy_page *page;

		if (zone->type > ac->highest || !qy__load_relaxed(&zone->managed))
			continue;
		if (!watermark_allows(mm, zone, ac, alloc_flags))
			continue;
		page = take_from_zone(mm, zone, ac, alloc_flags);
		if (!page)
			continue;
		if (unlikely(mm->nr_nodes > 1))
			count_numa(mm, zone, ac);
		return page;
	}
	return NULL;
}
