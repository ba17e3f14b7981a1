/* SPDX-License-Identifier: MIT */
/*
 * page_debug.h - work at every allocation and free of pages: zeroing, poison, unmapping, owners.
 *
 * Called for blocks in the caller's hands, without locks. mm->page_debug == 0 is the common case:
 * the inline tests below are all that it costs.
 *
 * Order (linux-mm.md 1.4): at free: owner, poison, zero, unmap; at allocation: map, verify the
 * poison, zero, owner.
 */
#ifndef QY_PAGE_PAGE_DEBUG_H
#define QY_PAGE_PAGE_DEBUG_H

#include "page/page.h"

/* Kept per page, apart from the descriptors. Debug build. */
struct qy__page_owner {
	uint64_t ts, free_ts;
	uint32_t stack, free_stack; /* handles of the stack depot */
	uint32_t gfp;
	int32_t pid, tid;
	uint8_t order;
	uint8_t live;	  /* 1: allocated, 0: was freed, or never was */
	uint8_t migrated; /* moved by alloc_contig_range() */
};

/* Before boot memory is given out: what the configuration turns on. 0 / -EINVAL / -ENOMEM. */
int qy__page_debug_init(struct qy_mm *mm, const struct qy_mm_config *cfg);
/* Pages [start, end) came in and are free now. */
void qy__page_debug_online(struct qy_mm *mm, uint32_t start, uint32_t end);
QY_COLD void qy__page_debug_alloc_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order,
				       qy_gfp_t gfp);
QY_COLD void qy__page_debug_free_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order);

/* Zeroes too, for QY_GFP_ZERO. */
static inline void qy__page_debug_alloc(struct qy_mm *mm, struct qy_page *head, unsigned int order,
					qy_gfp_t gfp)
{
	if (unlikely(mm->page_debug | (gfp & QY_GFP_ZERO)))
		qy__page_debug_alloc_slow(mm, head, order, gfp);
}

static inline void qy__page_debug_free(struct qy_mm *mm, struct qy_page *head, unsigned int order)
{
	if (unlikely(mm->page_debug))
		qy__page_debug_free_slow(mm, head, order);
}

#endif
