/* SPDX-License-Identifier: MIT */
/*
 * buddy.h - free blocks of 2^order pages: split on the way out, merged on the way in.
 * All functions: zone->lock is held by the caller.
 */
#ifndef QY_PAGE_BUDDY_H
#define QY_PAGE_BUDDY_H

#include "page/page.h"

/* How a block is given back. */
#define QY__FPI_NONE 0u
#define QY__FPI_TO_TAIL 1u /* to the end of its list: to be left alone */

/* Give back a block whose head is @pfn. Its pages must not be on any list. */
void qy__free_one_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order,
			 unsigned int fpi_flags);
/* Give [start, end) to the buddy in the largest aligned blocks; counts them as managed. */
void qy__free_range_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t start, uint32_t end);
/*
 * Take the free block that holds @pfn off its list; what lies before @pfn and from @end on is given
 * back. The pages become INSIDE, their heads are not marked: for alloc_contig_range().
 * Return: pages taken from @pfn on, 0: @pfn is not free.
 */
uint32_t qy__take_free_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, uint32_t end);
/* The head of the free block that holds @pfn; NULL: it is not free. */
struct qy_page *qy__free_block_of(struct qy_mm *mm, const struct qy__zone *zone, uint32_t pfn);
/*
 * The page block of @pfn and all free pages in it change to @migratetype. A free block larger than
 * a page block is split at the border where the types part. Return: false: the page block reaches
 * over the zone's border, nothing changed.
 */
bool qy__move_pageblock_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn,
			       unsigned int migratetype);
/* What @gfp says about lifetime; UNMOVABLE if lifetimes are not kept apart. */
static inline unsigned int qy__gfp_migratetype(const struct qy_mm *mm, qy_gfp_t gfp)
{
	if (!(gfp & (QY_GFP_MOVABLE | QY_GFP_RECLAIMABLE)) || !mm->grouping)
		return QY_MIGRATE_UNMOVABLE;
	return gfp & QY_GFP_MOVABLE ? QY_MIGRATE_MOVABLE : QY_MIGRATE_RECLAIMABLE;
}

#endif
