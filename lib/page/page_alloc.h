/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.h - page blocks for the floors above: like the public calls, without their distrust.
 */
#ifndef QY_PAGE_PAGE_ALLOC_H
#define QY_PAGE_PAGE_ALLOC_H

#include "page/page.h"

/*
 * A block of 2^order pages whose head has @type (ALLOC, SLAB, LARGE). For SLAB and LARGE, and for
 * ALLOC with QY_GFP_COMP, the other pages become TAIL. NULL as qy_alloc_pages(); nothing is
 * reported.
 */
struct qy_page *qy__alloc_block(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order,
				enum qy__page_type type);
/* The way back for such a block. @head is trusted. */
void qy__free_block(struct qy_mm *mm, struct qy_page *head);
/* Sum of nr_free_pages without locks (figures for messages). */
size_t qy__nr_free_pages(const struct qy_mm *mm);

#endif
