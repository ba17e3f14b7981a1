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

/* After a free: if more than the configuration allows is resident, all large blocks go. */
static inline void qy__report_free_if_due_locked(struct qy_mm *mm, struct qy__zone *zone)
{
	if (unlikely(mm->report_free) &&
	    (size_t)zone->unreported << QY_CONFIG_PAGE_SHIFT > mm->report_free)
		qy__report_free_locked(mm, zone, mm->pageblock_order);
}

#endif
