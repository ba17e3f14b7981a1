/* SPDX-License-Identifier: MIT */
/* report_free.h - free blocks whose memory the system may have. The caller holds zone->lock. */
#ifndef QY_PAGE_REPORT_FREE_H
#define QY_PAGE_REPORT_FREE_H

#include "page/page.h"

/*
 * Blocks of @order and more that the system still backs: it may take their memory. The lists are
 * held still meanwhile: nobody may be given such a page. Return: bytes.
 */
size_t qy__report_free_locked(struct qy_mm *mm, struct qy__zone *zone, unsigned int order);

/* After a free: more than the configuration allows is resident. */
static inline bool qy__report_free_due(const struct qy_mm *mm, const struct qy__zone *zone)
{
	return unlikely(mm->report_free) &&
	       (size_t)zone->unreported << QY_CONFIG_PAGE_SHIFT > mm->report_free;
}

#endif
