/* SPDX-License-Identifier: MIT */
/*
 * page_debug.h - work at every allocation and free of pages: zeroing, poison, unmapping, owners.
 *
 * Called for blocks in the caller's hands, without the page floor's locks (slabs come and go under
 * their cache's). mm->page_debug.on == 0 is the common case: the inline tests below are all that it
 * costs.
 *
 * Order: at free: owner, poison, zero, unmap; at allocation: map, verify the
 * poison, zero, owner.
 *
 * What a free page holds, on any list: 0xaa with POISON, else 0 with INIT_ON_FREE; with UNMAP it
 * must not be touched, guard blocks included. Where POISON is on nothing may be discarded.
 */
#ifndef QY_PAGE_PAGE_DEBUG_H
#define QY_PAGE_PAGE_DEBUG_H

#include "page/page.h"

#define QY__PAGE_POISON 0xaa

/* Flags this build knows. */
#define QY__PAGE_DEBUG_MASK                                                                        \
	(QY_PAGE_INIT_ON_ALLOC | QY_PAGE_INIT_ON_FREE | QY_PAGE_POISON |                           \
	 (QY_CONFIG_DEBUG ? QY_PAGE_UNMAP | QY_PAGE_OWNER : 0u))

/* Kept per page, apart from the descriptors. Debug build. */
struct qy__page_owner {
	uint64_t ts, free_ts;
	uint32_t stack, free_stack; /* handles of the stack depot */
	uint32_t gfp;
	int32_t pid, tid, free_tid;
	uint8_t order;
	uint8_t live;	  /* 1: allocated, 0: was freed, or never was */
	uint8_t migrated; /* moved by alloc_contig_range() */
	uint8_t locked;	  /* came from under a lock, and goes under one: no unwinder */
};

/* Is any of @flags on, and compiled in? Folds to 0 where it is not. */
static inline bool qy__page_debug_has(const struct qy_mm *mm, unsigned int flags)
{
	return (qy__load_relaxed(&mm->page_debug.on) & flags & QY__PAGE_DEBUG_MASK) != 0;
}

/*
 * Before the hand-over; page_debug.on and page_debug.guard_minorder were set by debug/options.c.
 * 0 / -EINVAL: the configuration has a flag that this build does not know / -ENOMEM.
 */
int qy__page_debug_init(struct qy_mm *mm, const struct qy_mm_config *cfg);
/* The instance ends. */
void qy__page_debug_release(struct qy_mm *mm);
/*
 * Pages [start, end) come in: to be called before they are put on a free list. What they hold is
 * not known (ANON: it is 0 where nobody wrote).
 */
void qy__page_debug_online(struct qy_mm *mm, uint32_t start, uint32_t end);
QY_COLD void qy__page_debug_alloc_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order,
				       qy_gfp_t gfp);
QY_COLD void qy__page_debug_free_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order);
QY_COLD void qy__page_debug_split_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order);
QY_COLD void qy__page_debug_migrate_slow(struct qy_mm *mm, const struct qy_page *from,
					 struct qy_page *to, unsigned int order);
bool qy__check_new_page_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order);
/*
 * Verify the poison of every block that is free or on a CPU's list, report and restore. Takes
 * pcp.lock and the zones' locks. Return: reports.
 */
unsigned int qy__page_debug_validate(struct qy_mm *mm);

/* A block was taken and its head has its type. Zeroes too, for QY_GFP_ZERO. */
static inline void qy__page_debug_alloc(struct qy_mm *mm, struct qy_page *head, unsigned int order,
					qy_gfp_t gfp)
{
	if (unlikely(mm->page_debug.on | (gfp & QY_GFP_ZERO)))
		qy__page_debug_alloc_slow(mm, head, order, gfp);
}

/* A block, or a part of one, is about to be given back. */
static inline void qy__page_debug_free(struct qy_mm *mm, struct qy_page *head, unsigned int order)
{
	if (unlikely(mm->page_debug.on))
		qy__page_debug_free_slow(mm, head, order);
}

/* A live block becomes single pages (qy_split_page(), exact allocations). */
static inline void qy__page_debug_split(struct qy_mm *mm, struct qy_page *head, unsigned int order)
{
	if (qy__page_debug_has(mm, QY_PAGE_OWNER))
		qy__page_debug_split_slow(mm, head, order);
}

/* What was allocated as @from lives in @to now; @from is still to be freed. */
static inline void qy__page_debug_migrate(struct qy_mm *mm, const struct qy_page *from,
					  struct qy_page *to, unsigned int order)
{
	if (qy__page_debug_has(mm, QY_PAGE_OWNER))
		qy__page_debug_migrate_slow(mm, from, to, order);
}

/*
 * A block fresh from a list: head ALLOC, the others INSIDE, no flags but REPORTED, no
 * references. false: it is not; that was told (60 times a minute), and the block is
 * retired: take another.
 */
static inline bool qy__check_new_page(struct qy_mm *mm, struct qy_page *head, unsigned int order)
{
	return !QY_CONFIG_DEBUG || likely(qy__check_new_page_slow(mm, head, order));
}

/* Does a split leave a half of 2^order pages as a guard block, in place of a free one? */
static inline bool qy__guardpage(const struct qy_mm *mm, unsigned int order)
{
	return QY_CONFIG_DEBUG && unlikely(order < mm->page_debug.guard_minorder);
}

#endif
