/* SPDX-License-Identifier: MIT */
/*
 * page_debug.c - what is done to a block when it is handed out and given back, in which order.
 *
 *   online, free:  owner → 0xaa (POISON) or 0 (INIT_ON_FREE) → no access (UNMAP): page_poison.c
 *   alloc:         access → 0xaa verified → 0 (ZERO, INIT_ON_ALLOC) → owner
 *
 * Poison takes the place of zeroing at free: with both, free memory is 0xaa. A block whose poison
 * was written is told, restored and handed out all the same, as the kernel does: the bytes are the
 * new owner's either way.
 *
 * Locks: none of the page floor's may be held; the memory is the caller's.
 */
#include "page/page_debug.h"

#include <errno.h>
#include <string.h>

#include "page/page_debug_report.h"
#include "page/page_owner.h"
#include "page/page_poison.h"
#include "util/plant.h"

/* What a head may bring along from its list. */
#define FREE_FLAGS QY__PAGE_F_REPORTED

int qy__page_debug_init(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	if (cfg->page_debug & ~QY__PAGE_DEBUG_MASK)
		return -EINVAL;
	mm->page_debug.on &= QY__PAGE_DEBUG_MASK;
	if (!(mm->page_debug.on & QY_PAGE_UNMAP))
		mm->page_debug.guard_minorder = 0;
	return mm->page_debug.on & QY_PAGE_OWNER ? qy__page_owner_init(mm) : 0;
}

void qy__page_debug_release(struct qy_mm *mm)
{
	qy__page_owner_release(mm);
}

/* ---- the ways of a block ---- */

/* Is the memory of a block from a free list 0 already? */
static bool is_zero_already(const struct qy_mm *mm)
{
	return !qy__page_debug_has(mm, QY_PAGE_POISON) &&
	       qy__page_debug_has(mm, QY_PAGE_INIT_ON_FREE);
}

void qy__page_debug_alloc_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order,
			       qy_gfp_t gfp)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	size_t len = QY_PAGE_SIZE << order;
	uint8_t *p = qy__page_addr(mm, head);

	if (qy__page_debug_has(mm, QY_PAGE_UNMAP))
		qy__map_pages(mm, p, len);
	if (qy__page_debug_has(mm, QY_PAGE_POISON))
		qy__check_poison(mm, p, len, caller, qy__may_be_locked(head, gfp));
	if (((gfp & QY_GFP_ZERO) || qy__page_debug_has(mm, QY_PAGE_INIT_ON_ALLOC)) &&
	    !is_zero_already(mm)) {
		if (qy__planted(ZERO_SHORT))
			len -= 8;
		if (qy__planted(INIT_SHORT) && !(gfp & QY_GFP_ZERO))
			len -= QY_PAGE_SIZE;
		memset(p, 0, len);
	}
	if (qy__page_debug_has(mm, QY_PAGE_OWNER))
		qy__page_owner_set(mm, head, order, gfp, caller);
}

void qy__page_debug_free_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order)
{
	if (qy__page_debug_has(mm, QY_PAGE_OWNER))
		qy__page_owner_reset(mm, head, order, (uintptr_t)__builtin_return_address(0));
	qy__fill_free(mm, qy__page_addr(mm, head), QY_PAGE_SIZE << order);
}

void qy__page_debug_split_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order)
{
	qy__page_owner_split(mm, head, order);
}

void qy__page_debug_migrate_slow(struct qy_mm *mm, const struct qy_page *from, struct qy_page *to,
				 unsigned int order)
{
	qy__page_owner_migrate(mm, from, to, order);
}

/* ---- bad pages ---- */

/* NULL: a page of a block that comes from a free list is as it should be. */
static const char *bad_page_reason(const struct qy_page *page, bool is_head)
{
	unsigned int type = qy__load_relaxed(&page->type);

	if (type != (is_head ? QY__PAGE_ALLOC : QY__PAGE_INSIDE))
		return "nonzero mapcount"; /* the kernel keeps a page's type there */
	if (page->alloc.refcount)
		return "nonzero _refcount";
	if (qy__page_flags(page) & ~(is_head ? FREE_FLAGS : 0u))
		return "PAGE_FLAGS_CHECK_AT_PREP flag(s) set";
	return NULL;
}

/*
 * A page of the block that seems to be somebody's is left as it is: he may be right. Only the head
 * says from now on what the block is.
 */
static void retire(struct qy_page *head)
{
	memset(&head->track, 0, sizeof(head->track));
	head->alloc.refcount = 1;
	qy__page_set_flags(head, QY__PAGE_F_RETIRED);
	qy__store_release(&head->type, QY__PAGE_ALLOC);
}

bool qy__check_new_page_slow(struct qy_mm *mm, struct qy_page *head, unsigned int order)
{
	for (uint32_t i = 0; i < 1u << order; i++) {
		const char *reason = bad_page_reason(head + i, !i);

		if (likely(!reason))
			continue;
		qy__report_bad_page_state(mm, head, head + i, order, reason,
					  (uintptr_t)__builtin_return_address(0));
		retire(head);
		return false;
	}
	return true;
}
