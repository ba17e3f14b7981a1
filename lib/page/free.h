/* SPDX-License-Identifier: MIT */
/* free.h - the way back of a block: between page_alloc.c and free.c. */
#ifndef QY_PAGE_FREE_H
#define QY_PAGE_FREE_H

#include "page/page.h"

/* Head of a block that its owner may free. */
static inline bool qy__is_allocated(const struct qy_page *page)
{
	return qy__load_relaxed(&page->type) == QY__PAGE_ALLOC &&
	       !(qy__page_flags(page) & QY__PAGE_F_RETIRED);
}

/*
 * The whole way back, for whatever a caller hands in: @page (NULL: none of ours) at @addr. 0, or,
 * after a report, -EINVAL / -ERANGE: see qy_free_pages().
 */
QY_NOINLINE int qy__free_pages_from(struct qy_mm *mm, struct qy_page *page, const void *addr,
				    unsigned int order, uintptr_t caller);

#endif
