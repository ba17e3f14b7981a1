/* SPDX-License-Identifier: MIT */
/*
 * rmqueue.h - a block from a zone's lists, whichever may serve the request.
 * All functions: zone->lock is held by the caller.
 */
#ifndef QY_PAGE_RMQUEUE_H
#define QY_PAGE_RMQUEUE_H

#include "page/buddy.h"

/*
 * Take a block of exactly @order from page blocks of type @migratetype, falling back to others as
 * the table says; @alloc_flags: QY__ALLOC_*, of which HIGHATOMIC and CMA matter here. NULL: the
 * zone has no such block. Head becomes ALLOC.
 */
struct qy_page *qy__rmqueue_locked(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
				   unsigned int migratetype, unsigned int alloc_flags);
/* A block of QY_MIGRATE_HIGHATOMIC: the page block of @pfn is set aside, if the limit allows. */
void qy__reserve_highatomic_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn);
/* One page block is given back to @migratetype. false: none has a free page. */
bool qy__unreserve_highatomic_locked(struct qy_mm *mm, struct qy__zone *zone,
				     unsigned int migratetype);

#endif
