/* SPDX-License-Identifier: MIT */
/*
 * fallback.c - when the lists of a lifetime are empty: which page block is taken from another.
 *
 * From the largest order down, so that one steal takes much and lasts long. The page block changes
 * its type for good if the block is as large as that, or if half of its pages are free or alike;
 * otherwise only what is needed leaves it, and a movable request, which does least harm to be
 * spread, takes the smallest block that will do.
 *
 * Lock: zone->lock, held by the caller throughout.
 */
#include "page/buddy.h"
#include "page/buddy_internal.h"
#include "page/watermark.h"
#include "util/plant.h"

#define OTHERS (QY_MIGRATE_PCPTYPES - 1)

/* In this order. */
static const uint8_t fallbacks[QY_MIGRATE_PCPTYPES][OTHERS] = {
	[QY_MIGRATE_UNMOVABLE] = {QY_MIGRATE_RECLAIMABLE, QY_MIGRATE_MOVABLE},
	[QY_MIGRATE_MOVABLE] = {QY_MIGRATE_RECLAIMABLE, QY_MIGRATE_UNMOVABLE},
	[QY_MIGRATE_RECLAIMABLE] = {QY_MIGRATE_UNMOVABLE, QY_MIGRATE_MOVABLE},
};

/* May a request of @type for @order take a page block for good from which it gets such a block? */
static bool can_steal(const struct qy_mm *mm, unsigned int order, unsigned int type)
{
	return order >= mm->pageblock_order / 2 || type != QY_MIGRATE_MOVABLE;
}

/* The first block on another type's list of @order; NULL: there is none. */
static struct qy_page *find_fallback(struct qy_mm *mm, const struct qy__zone *zone,
				     unsigned int order, unsigned int type)
{
	const struct qy__free_area *area = &zone->area[order];

	for (unsigned int i = 0; i < OTHERS; i++) {
		uint32_t head =
			area->head[fallbacks[type]
					    [qy__planted(FALLBACK_ORDER) ? OTHERS - 1 - i : i]];

		if (head != QY__PFN_NONE)
			return qy__pfn_page(mm, head);
	}
	return NULL;
}

/* Pages of the page block at @start: free ones, and those in use by movable requests. */
static void count_pageblock(struct qy_mm *mm, uint32_t start, uint32_t *free, uint32_t *movable)
{
	uint32_t end = start + (1u << mm->pageblock_order);

	*free = *movable = 0;
	for (uint32_t at = start, n; at < end; at += n) {
		const struct qy_page *page = qy__pfn_page(mm, at);

		n = 1;
		switch (qy__load_relaxed(&page->type)) {
		case QY__PAGE_BUDDY:
		case QY__PAGE_GUARD:
			n = 1u << page->order;
			*free += n;
			break;
		case QY__PAGE_ALLOC:
			n = min(1u << qy__load_relaxed(&page->order), end - at);
			if (qy__page_flags(page) & QY__PAGE_F_MOVABLE)
				*movable += n;
			break;
		default: break;
		}
	}
}

/* @page heads a free block smaller than its page block: does the whole become @type? */
static bool claim_pageblock(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *page,
			    unsigned int type)
{
	uint32_t n = 1u << mm->pageblock_order, free, movable, alike;
	uint32_t start = qy__page_pfn(mm, page) & ~(n - 1);
	unsigned int block_type = page->migratetype;

	qy__boost_watermark(mm, zone);
	if (!qy__pageblock_in_zone(mm, zone, start))
		return false;
	count_pageblock(mm, start, &free, &movable);
	if (type == QY_MIGRATE_MOVABLE)
		alike = movable;
	else
		alike = block_type == QY_MIGRATE_MOVABLE ? n - free - movable : 0;
	if (free + alike < n / 2 + (qy__planted(HALF_NOT_ENOUGH) ? 1 : 0))
		return false;
	return qy__move_pageblock_locked(mm, zone, start, type);
}

static struct qy_page *steal(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *page,
			     unsigned int order, unsigned int type, bool whole)
{
	if (page->order >= mm->pageblock_order) {
		unsigned int high = page->order;
		uint32_t pfn = qy__page_pfn(mm, page);

		/* All types that can be here are counted alike: only the list changes. */
		qy__unmark_free(mm, zone, page);
		qy__set_pageblocks(mm, pfn, high, type);
		qy__mark_free(mm, zone, pfn, high, type, false);
		return qy__take_block(mm, zone, page, order, type);
	}
	if (whole && claim_pageblock(mm, zone, page, type))
		return qy__rmqueue_smallest(mm, zone, order, type);
	return qy__take_block(mm, zone, page, order, page->migratetype);
}

struct qy_page *qy__rmqueue_fallback(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
				     unsigned int type)
{
	struct qy_page *page;

	for (unsigned int o = mm->max_order + 1; o-- > order;) {
		bool whole = can_steal(mm, o, type);

		page = find_fallback(mm, zone, o, type);
		if (!page)
			continue;
		if (!whole && o > order)
			break; /* the smallest will do */
		return steal(mm, zone, page, order, type, whole);
	}
	for (unsigned int o = order; o <= mm->max_order; o++) {
		page = find_fallback(mm, zone, o, type);
		if (page)
			return steal(mm, zone, page, order, type, can_steal(mm, o, type));
	}
	return NULL;
}
