/* SPDX-License-Identifier: MIT */
/*
 * rmqueue.c - a block from the zone: which lists are looked at, and in which order.
 *
 *   set aside for atomic requests (HIGHATOMIC: the request may)
 *   → lent from CMA areas (most of what is free is theirs) → its own lifetime → CMA, what is left
 *   → page blocks of other lifetimes (fallback.c) → set aside (the request may not wait)
 *
 * Place in an object's life: between the CPUs' page lists or freelist.c, which ask for a block, and
 * buddy.c, which cuts it.
 *
 * And what is set aside: a page block at a time, of which an atomic request got a part, up to a
 * hundredth of the zone; given back when a request finds nothing else.
 *
 * Lock: zone->lock, held by the caller throughout.
 */
#include "page/rmqueue.h"

#include "page/buddy_internal.h"
#include "page/watermark.h"
#include "util/plant.h"

/* No more page blocks are set aside once that is more than a zone's pages divided by this. */
#define HIGHATOMIC_SHARE 100u

/* CMA pages are lent out early enough to keep half of what is free for everybody. */
static struct qy_page *rmqueue_types(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
				     unsigned int type, unsigned int alloc_flags)
{
	struct qy_page *page = NULL;
	bool cma = (alloc_flags & QY__ALLOC_CMA) && zone->nr_free_cma;

	if (cma && zone->nr_free_cma > zone->nr_free_pages / 2)
		page = qy__rmqueue_smallest(mm, zone, order, QY_MIGRATE_CMA);
	if (!page)
		page = qy__rmqueue_smallest(mm, zone, order, type);
	if (!page && cma)
		page = qy__rmqueue_smallest(mm, zone, order, QY_MIGRATE_CMA);
	if (!page && mm->grouping)
		page = qy__rmqueue_fallback(mm, zone, order, type);
	return page;
}

struct qy_page *qy__rmqueue_locked(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
				   unsigned int migratetype, unsigned int alloc_flags)
{
	struct qy_page *page = NULL;

	if (alloc_flags & QY__ALLOC_HIGHATOMIC)
		page = qy__rmqueue_smallest(mm, zone, order, QY_MIGRATE_HIGHATOMIC);
	if (!page)
		page = rmqueue_types(mm, zone, order, migratetype, alloc_flags);
	if (!page && (alloc_flags & QY__ALLOC_NON_BLOCK))
		page = qy__rmqueue_smallest(mm, zone, order, QY_MIGRATE_HIGHATOMIC);
	if (!page)
		return NULL;
	qy__store_relaxed(&page->type, QY__PAGE_ALLOC);
	page->order = (uint8_t)order;
	return page;
}

/* ---- set aside ---- */

void qy__reserve_highatomic_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn)
{
	uint32_t n = 1u << mm->pageblock_order;

	if (!mm->grouping || zone->nr_reserved_highatomic > zone->managed / HIGHATOMIC_SHARE)
		return;
	if (qy__pageblock_type(mm, pfn) >= QY_MIGRATE_PCPTYPES)
		return;
	if (qy__move_pageblock_locked(mm, zone, pfn, QY_MIGRATE_HIGHATOMIC))
		zone->nr_reserved_highatomic += n;
}

bool qy__unreserve_highatomic_locked(struct qy_mm *mm, struct qy__zone *zone, unsigned int type)
{
	uint32_t n = 1u << mm->pageblock_order;

	if (!zone->nr_reserved_highatomic)
		return false;
	for (unsigned int order = 0; order <= mm->max_order; order++) {
		uint32_t head = zone->area[order].head[QY_MIGRATE_HIGHATOMIC];

		if (head == QY__PFN_NONE)
			continue;
		if (!qy__planted(RESERVE_NOT_LESS))
			zone->nr_reserved_highatomic -= n;
		return qy__move_pageblock_locked(mm, zone, head, type);
	}
	return false;
}
