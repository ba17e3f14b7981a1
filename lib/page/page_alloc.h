/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.h - page blocks for the floors above: like the public calls, without their distrust.
 */
#ifndef QY_PAGE_PAGE_ALLOC_H
#define QY_PAGE_PAGE_ALLOC_H

#include "page/page.h"

/*
 * A block of 2^order pages whose head has @type (ALLOC, SLAB, LARGE). For SLAB and LARGE, and for
 * ALLOC with QY_GFP_COMP, the other pages become TAIL. NULL as qy_alloc_pages().
 */
struct qy_page *qy__alloc_block(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order,
				enum qy__page_type type);
struct qy_page *qy__alloc_block_node(struct qy_mm *mm, unsigned int node, qy_gfp_t gfp,
				     unsigned int order, enum qy__page_type type);
/*
 * @gfp for an attempt that costs nothing: no reclaim, no message. A request that might reclaim, and
 * now does not, is not for that reason one that may not wait: it must not go deeper into the
 * reserves.
 */
static inline qy_gfp_t qy__gfp_at_once(qy_gfp_t gfp)
{
	if (gfp & QY_GFP_DIRECT_RECLAIM)
		gfp &= ~QY_GFP_HIGH;
	return (gfp & ~(QY_GFP_DIRECT_RECLAIM | QY_GFP_NOFAIL)) | QY_GFP_NOWARN;
}

/* The way back for such a block. @head is trusted. */
void qy__free_block(struct qy_mm *mm, struct qy_page *head);
/*
 * @pages more (or, negated, fewer) are off the free lists of a zone whose lock is held: if there is
 * only one, that lock keeps the counter, too.
 */
static inline void qy__count_in_use_locked(struct qy_mm *mm, size_t pages)
{
	size_t now;

	if (likely(mm->one_zone)) {
		now = qy__load_relaxed(&mm->usage.pages) + pages;
		qy__store_relaxed(&mm->usage.pages, now);
	} else {
		now = qy__fetch_add(&mm->usage.pages, pages) + pages;
	}
	if (now > qy__load_relaxed(&mm->usage.high_water))
		qy__store_relaxed(&mm->usage.high_water, now);
}

/* Sum of nr_free_pages without locks (figures for messages), and of what lies on CPUs' lists. */
size_t qy__nr_free_pages(const struct qy_mm *mm);
/*
 * One reference on an allocated block goes; with the last one, the block. Return: references left;
 * -EINVAL: there was none.
 */
int qy__page_put(struct qy_mm *mm, struct qy_page *page);
/* Say that @page (NULL: none of ours) at @addr cannot be freed: @err is what claim said. */
void qy__report_bad_free(struct qy_mm *mm, const struct qy_page *page, const void *addr, int err,
			 uintptr_t caller);
/* @page, if it is a descriptor of this instance's; else NULL. */
static inline struct qy_page *qy__check_page_pointer(const struct qy_mm *mm,
						     const struct qy_page *page)
{
	uintptr_t off = (uintptr_t)page - (uintptr_t)mm->pages;

	/* A pointer between two descriptors is no page either. */
	if (off / sizeof(*page) >= qy__load_relaxed(&mm->end_pfn) - mm->min_pfn ||
	    off % sizeof(*page))
		return NULL;
	return mm->pages + off / sizeof(*page);
}

#endif
