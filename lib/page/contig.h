/* SPDX-License-Identifier: MIT */
/* contig.h - runs of pages: what cma.c needs of contig.c. Locks: see contig.c. */
#ifndef QY_PAGE_CONTIG_H
#define QY_PAGE_CONTIG_H

#include "page/page.h"

/*
 * As qy_alloc_contig_range(), from page blocks of type @migratetype, which they keep. 0 / -errno.
 */
int qy__alloc_contig(struct qy_mm *mm, uint32_t start, uint32_t end, qy_gfp_t gfp,
		     unsigned int migratetype);

#endif
