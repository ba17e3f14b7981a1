/* SPDX-License-Identifier: MIT */
/*
 * page_owner.h - who allocated each page, and who gave it back; stubs where it is built out.
 * For page_debug.c and its parts; what others need of it is in page_debug.h.
 */
#ifndef QY_PAGE_PAGE_OWNER_H
#define QY_PAGE_PAGE_OWNER_H

#include <quarry/debug.h>

#include "page/page_debug.h"

/* A slab's pages, and those of a request that may not wait, may come from under a lock. */
static inline bool qy__may_be_locked(const struct qy_page *head, qy_gfp_t gfp)
{
	return head->type == QY__PAGE_SLAB || !(gfp & QY_GFP_DIRECT_RECLAIM);
}

#if QY_CONFIG_DEBUG
/* Records of all pages (ANON: of none yet), before the hand-over. 0 / -ENOMEM. */
int qy__page_owner_init(struct qy_mm *mm);
void qy__page_owner_release(struct qy_mm *mm);
/* Pages up to @end came in. */
void qy__page_owner_online(struct qy_mm *mm, uint32_t end);
/* The record of @pfn, or NULL: there is none. */
struct qy__page_owner *qy__page_owner_of(const struct qy_mm *mm, uint32_t pfn);
/* @caller: where the stack begins: see qy__page_backtrace(). */
void qy__page_owner_set(struct qy_mm *mm, const struct qy_page *head, unsigned int order,
			qy_gfp_t gfp, uintptr_t caller);
void qy__page_owner_reset(struct qy_mm *mm, const struct qy_page *head, unsigned int order,
			  uintptr_t caller);
void qy__page_owner_split(struct qy_mm *mm, const struct qy_page *head, unsigned int order);
void qy__page_owner_migrate(struct qy_mm *mm, const struct qy_page *from, const struct qy_page *to,
			    unsigned int order);
/* Who had @pfn last, for a report. */
void qy__page_owner_describe(const struct qy_mm *mm, uint32_t pfn, struct qy_report *r);
/*
 * The handle of a stack in mm->depot, which gets another pool if it has no room: not with a lock of
 * the page floor held. 0: no room.
 */
uint32_t qy__save_stack(struct qy_mm *mm, const uintptr_t *pc, unsigned int n);
#else
static inline int qy__page_owner_init(struct qy_mm *mm)
{
	(void)mm;
	return 0;
}
static inline void qy__page_owner_release(struct qy_mm *mm)
{
	(void)mm;
}
static inline void qy__page_owner_online(struct qy_mm *mm, uint32_t end)
{
	(void)mm, (void)end;
}
static inline struct qy__page_owner *qy__page_owner_of(const struct qy_mm *mm, uint32_t pfn)
{
	(void)mm, (void)pfn;
	return NULL;
}
static inline void qy__page_owner_set(struct qy_mm *mm, const struct qy_page *head,
				      unsigned int order, qy_gfp_t gfp, uintptr_t caller)
{
	(void)mm, (void)head, (void)order, (void)gfp, (void)caller;
}
static inline void qy__page_owner_reset(struct qy_mm *mm, const struct qy_page *head,
					unsigned int order, uintptr_t caller)
{
	(void)mm, (void)head, (void)order, (void)caller;
}
static inline void qy__page_owner_split(struct qy_mm *mm, const struct qy_page *head,
					unsigned int order)
{
	(void)mm, (void)head, (void)order;
}
static inline void qy__page_owner_migrate(struct qy_mm *mm, const struct qy_page *from,
					  const struct qy_page *to, unsigned int order)
{
	(void)mm, (void)from, (void)to, (void)order;
}
static inline void qy__page_owner_describe(const struct qy_mm *mm, uint32_t pfn,
					   struct qy_report *r)
{
	(void)mm, (void)pfn, (void)r;
}
#endif

#endif
