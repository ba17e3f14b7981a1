/* SPDX-License-Identifier: MIT */
/* alloc_context.h - a request on its way: from page_alloc.c to freelist.c and slow_path.c. */
#ifndef QY_PAGE_ALLOC_CONTEXT_H
#define QY_PAGE_ALLOC_CONTEXT_H

#include "page/page.h"
#include "page/watermark.h"

struct qy__alloc_context {
	qy_gfp_t gfp;
	unsigned int order, node;
	unsigned int highest; /* enum qy_zone_type */
	unsigned int migratetype;
	const uint16_t *list; /* zones, in order */
};

/* What a request may do while there is plenty. */
static inline unsigned int qy__fast_alloc_flags(const struct qy__alloc_context *ac)
{
	return QY_WMARK_LOW | (ac->migratetype == QY_MIGRATE_MOVABLE ? QY__ALLOC_CMA : 0);
}

/* freelist.c: one walk along the list. Head of the block is ALLOC, nothing else is set. */
struct qy_page *qy__get_page_from_freelist(struct qy_mm *mm, const struct qy__alloc_context *ac,
					   unsigned int alloc_flags);
/* slow_path.c: no zone is above LOW: grow, reserves, drain, reclaim, hook, message. */
QY_COLD struct qy_page *qy__alloc_slow(struct qy_mm *mm, const struct qy__alloc_context *ac);

#endif
