/* SPDX-License-Identifier: MIT */
/*
 * report_free.c - free-page reporting: the system learns which pages nobody needs.
 *
 * A block from a page block's size on is marked when it was told, and not told again until it has
 * been used; smaller ones come and go too fast to keep such a mark.
 *
 * Lock: zone->lock, held by the caller.
 */
#include "page/report_free.h"

#include "util/compiler.h"

static size_t discard_block(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *page)
{
	unsigned int order = page->order;
	size_t bytes;

	if (qy__page_flags(page) & QY__PAGE_F_REPORTED)
		return 0;
	bytes = qy__osif_ops(&mm->os)->discard(&mm->os, qy__page_addr(mm, page),
					       QY_PAGE_SIZE << order);
	if (bytes && order >= mm->pageblock_order && page->migratetype != QY_MIGRATE_ISOLATE) {
		qy__page_set_flags(page, QY__PAGE_F_REPORTED);
		zone->unreported -= 1u << order;
	}
	return bytes;
}

size_t qy__report_free_locked(struct qy_mm *mm, struct qy__zone *zone, unsigned int order)
{
	size_t bytes = 0;

	if (mm->page_debug.on & QY_PAGE_POISON)
		return 0; /* the poison would be lost */
	for (; order <= mm->max_order; order++) {
		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++) {
			uint32_t pfn = zone->area[order].head[type];
			uint32_t n = zone->area[order].nr_free;

			for (; n && pfn != QY__PFN_NONE; n--) {
				struct qy_page *page = qy__pfn_page(mm, pfn);

				bytes += discard_block(mm, zone, page);
				pfn = page->next;
			}
		}
	}
	return bytes;
}
