/* SPDX-License-Identifier: MIT */
/* contig.h - runs of pages: what cma.c and exact.c share with contig.c. Locks: see contig.c. */
#ifndef QY_PAGE_CONTIG_H
#define QY_PAGE_CONTIG_H

#include <errno.h>
#include <string.h>

#include "page/page.h"

/*
 * As qy_alloc_contig_range(), from page blocks of type @migratetype, which they keep: CMA takes
 * from CMA page blocks only, any other type from all but those. 0 / -errno.
 */
int qy__alloc_contig(struct qy_mm *mm, uint32_t start, uint32_t end, qy_gfp_t gfp,
		     unsigned int migratetype);
/*
 * The lowest run of @nr pages in @zone, within [lo, hi), that begins at a multiple of @step (a
 * power of two) and can be taken. 0 and *@start, or -ENOMEM: there is none.
 */
int qy__alloc_contig_in_zone(struct qy_mm *mm, struct qy__zone *zone, uint32_t lo, uint32_t hi,
			     uint32_t nr, uint32_t step, qy_gfp_t gfp, uint32_t *start);

/*
 * @page, in the caller's hands and part of no block, becomes an allocated single page. Nothing that
 * an owner before wrote into its descriptor is left. @flags: QY__PAGE_F_MOVABLE or 0.
 */
static inline void qy__prep_single(const struct qy_mm *mm, struct qy_page *page, unsigned int flags)
{
	memset(&page->slab, 0, sizeof(page->slab));
	page->order = 0;
	page->head = qy__page_pfn(mm, page);
	page->next = page->prev = QY__PFN_NONE;
	qy__store_relaxed(&page->alloc.refcount, 1);
	qy__page_set_flags(page, flags);
	qy__store_release(&page->type, QY__PAGE_ALLOC);
}

/* 0: @page is a single page that its owner may free; -EINVAL; -ERANGE: head of a larger block. */
static inline int qy__check_single(const struct qy_page *page)
{
	if (qy__load_acquire(&page->type) != QY__PAGE_ALLOC ||
	    (qy__page_flags(page) & QY__PAGE_F_RETIRED) || qy__load_relaxed(&page->alloc.frag))
		return -EINVAL;
	return qy__load_relaxed(&page->order) ? -ERANGE : 0;
}

#endif
