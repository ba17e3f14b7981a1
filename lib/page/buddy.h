/* SPDX-License-Identifier: MIT */
/*
 * buddy.h - free blocks of 2^order pages: split on the way out, merged on the way in.
 * All functions: zone->lock is held by the caller.
 */
#ifndef QY_PAGE_BUDDY_H
#define QY_PAGE_BUDDY_H

#include "page/page.h"

/*
 * Take a block of exactly @order; NULL: the zone has no block of that order or more. Head becomes
 * ALLOC.
 */
struct qy_page *qy__rmqueue_locked(struct qy_mm *mm, struct qy__zone *zone, unsigned int order);
/* Give back a block whose head is @pfn. Its pages must not be on any list. */
void qy__free_one_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order);
/* Give [start, end) to the buddy in the largest aligned blocks; counts them as managed. */
void qy__free_range_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t start, uint32_t end);

#endif
