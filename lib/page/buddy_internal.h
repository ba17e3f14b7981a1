/* SPDX-License-Identifier: MIT */
/*
 * buddy_internal.h - between buddy.c, fallback.c and rmqueue.c; zone->lock is held by the caller.
 */
#ifndef QY_PAGE_BUDDY_INTERNAL_H
#define QY_PAGE_BUDDY_INTERNAL_H

#include "page/page.h"

/* On and off the list of @type (that of the page block). Nothing is counted but blocks. */
void qy__mark_free(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order,
		   unsigned int type, bool tail);
void qy__unmark_free(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *page);
/* Give the upper halves of a block back until it has the order that was asked for. */
void qy__expand(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int low,
		unsigned int high, unsigned int type);
/* @page heads a free block: cut a block of @order from its front, the rest stays with @type. */
struct qy_page *qy__take_block(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *page,
			       unsigned int order, unsigned int type);
/* From the first list of @type that has a block, from @order upwards. */
struct qy_page *qy__rmqueue_smallest(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
				     unsigned int type);
/* From page blocks of other types. */
struct qy_page *qy__rmqueue_fallback(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
				     unsigned int type);
/* A block that no list has: merged and put where its page block belongs; counted as free. */
void qy__give_back(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order,
		   unsigned int fpi_flags);
/* The page blocks that [pfn, pfn + 2^order) touches get @type; their free pages are not moved. */
void qy__set_pageblocks(struct qy_mm *mm, uint32_t pfn, unsigned int order, unsigned int type);
/* The page block of @pfn lies in @zone as a whole. */
bool qy__pageblock_in_zone(const struct qy_mm *mm, const struct qy__zone *zone, uint32_t pfn);

#endif
