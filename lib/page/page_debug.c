/* SPDX-License-Identifier: MIT */
/*
 * page_debug.c - what is done to the memory of a block when it is handed out and given back.
 *
 *   online, free:  owner → 0xaa (POISON) or 0 (INIT_ON_FREE) → no access (UNMAP)
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

#include "page/page_owner.h"
#include "page/page_report.h"
#include "page/pcp.h"
#include "util/align.h"
#include "util/backtrace.h"
#include "util/module.h"
#include "util/plant.h"

#define BAD_PAGES_A_MINUTE 60u
#define NSEC_PER_MINUTE UINT64_C(60000000000)
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

/* ---- bytes ---- */

/* The first byte of [p, end) that is not @value; @end: all are. */
static uint8_t *find_not(uint8_t *p, uint8_t *end, uint8_t value)
{
	uint64_t word, all = UINT64_C(0x0101010101010101) * value;

	for (; end - p >= 8; p += 8) {
		memcpy(&word, p, 8);
		if (word != all)
			break;
	}
	while (p < end && *p == value)
		p++;
	return p;
}

/* Fresh memory of the system's is 0 and stays untouched. */
static void zero_where_needed(uint8_t *p, size_t len)
{
	uint8_t *end = p + len;

	for (; p < end; p += QY_PAGE_SIZE)
		if (find_not(p, p + QY_PAGE_SIZE, 0) < p + QY_PAGE_SIZE)
			memset(p, 0, QY_PAGE_SIZE);
}

/*
 * Each border between memory that traps and memory that does not costs a mapping, of which the
 * system keeps so many (65530). When they are used up, all memory is opened, which gives them back,
 * and none is closed any more.
 */
static void map_pages(struct qy_mm *mm, void *p, size_t len)
{
	uint32_t end = qy__load_acquire(&mm->end_pfn);

	if (likely(!mm->os.ops->access(&mm->os, p, len, true)))
		return;
	qy__store_relaxed(&mm->page_debug.unmap_off, true);
	mm->os.ops->access(&mm->os, qy__pfn_addr(mm, mm->min_pfn),
			   (size_t)(end - mm->min_pfn) << QY_CONFIG_PAGE_SHIFT, true);
}

static void unmap_pages(struct qy_mm *mm, void *p, size_t len)
{
	if (!qy__load_relaxed(&mm->page_debug.unmap_off))
		mm->os.ops->access(&mm->os, p, len, false);
}

/* ---- poison ---- */

unsigned int qy__page_backtrace(uintptr_t *pc, uintptr_t caller, bool locked)
{
	uintptr_t
		all[QY_STACK_MAX + 8]; /* the frames of page_debug.c and page_owner.c lie on top */
	unsigned int n, first = 0;

	n = locked ? qy__backtrace_fp(all, ARRAY_SIZE(all), 0)
		   : qy__backtrace(all, ARRAY_SIZE(all), 0);
	while (first < n && all[first] != caller)
		first++;
	if (first == n)
		first = 0;
	n = min(n - first, (unsigned int)QY_STACK_MAX);
	memcpy(pc, all + first, n * sizeof(*pc));
	return n;
}

static void report_poison(struct qy_mm *mm, uint8_t *start, size_t len, uint8_t *first,
			  uint8_t *last, uintptr_t caller, bool locked)
{
	bool single = first == last && qy__is_pow2(*first ^ QY__PAGE_POISON);
	uintptr_t pc[QY_STACK_MAX];
	struct qy_report r;

	qy__report_init(&r, mm, QY_REPORT_USE_AFTER_FREE, "page");
	qy__report_title(&r, "pagealloc: %s", single ? "single bit error" : "memory corruption");
	r.object = r.slab = start;
	r.object_size = r.object_dump_len = len;
	r.damage = first;
	r.damage_len = (size_t)(last - first) + 1;
	r.damage_offset = first - start;
	r.expected = QY__PAGE_POISON;
	r.found = *first;
	qy__page_owner_describe(mm, qy__page_pfn(mm, qy__addr_page(mm, first)), &r);
	r.here.nr = qy__page_backtrace(pc, caller, locked);
	r.here.pc = pc;
	r.here.tid = qy__osif_tid();
	qy__report_fix(&r, "Restoring Poison 0x%lx-0x%lx=0x%x", (unsigned long)(uintptr_t)first,
		       (unsigned long)(uintptr_t)last, QY__PAGE_POISON);
	qy__report_emit(&r);
	memset(first, QY__PAGE_POISON, r.damage_len);
}

/* One report for a block, from its first to its last damaged byte. */
static unsigned int check_poison(struct qy_mm *mm, uint8_t *start, size_t len, uintptr_t caller,
				 bool locked)
{
	uint8_t *end = start + len - (qy__planted(POISON_LAST_BYTE) ? 1 : 0);
	uint8_t *first = find_not(start, end, QY__PAGE_POISON), *last = end;

	if (likely(first == end))
		return 0;
	do
		last--;
	while (*last == QY__PAGE_POISON);
	report_poison(mm, start, len, first, last, caller, locked);
	return 1;
}

/* @pcp: CPUs' lists are held still, too. */
static unsigned int validate_zone_locked(struct qy_mm *mm, struct qy__zone *zone, bool pcp)
{
	unsigned int found = 0;
	uint32_t pfn = zone->start_pfn;

	while (pfn < zone->end_pfn) {
		struct qy_page *page = qy__pfn_page(mm, pfn);
		unsigned int type = qy__load_relaxed(&page->type);
		bool free = (type == QY__PAGE_BUDDY || (type == QY__PAGE_PCP && pcp)) &&
			    &mm->zone[page->zone] == zone && page->order <= mm->max_order;

		if (free)
			found += check_poison(mm, qy__pfn_addr(mm, pfn),
					      QY_PAGE_SIZE << page->order, 0, true);
		pfn += free ? 1u << page->order : 1u;
	}
	return found;
}

unsigned int qy__page_debug_validate(struct qy_mm *mm)
{
	unsigned int found = 0;
	bool pcp;

	/* What traps cannot be written. */
	if (!qy__page_debug_has(mm, QY_PAGE_POISON) || qy__page_debug_has(mm, QY_PAGE_UNMAP))
		return 0;
	pcp = qy__pcp_try_stop(mm);
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		qy__lock(&mm->zone[z].lock);
		found += validate_zone_locked(mm, &mm->zone[z], pcp);
		qy__unlock(&mm->zone[z].lock);
	}
	if (pcp)
		qy__pcp_resume(mm);
	return found;
}

/* ---- the ways of a block ---- */

static void fill_free(struct qy_mm *mm, uint8_t *p, size_t len)
{
	if (qy__page_debug_has(mm, QY_PAGE_POISON))
		memset(p, QY__PAGE_POISON, qy__planted(POISON_FIRST_PAGE) ? QY_PAGE_SIZE : len);
	else if (qy__page_debug_has(mm, QY_PAGE_INIT_ON_FREE))
		memset(p, 0, len);
	if (qy__page_debug_has(mm, QY_PAGE_UNMAP))
		unmap_pages(mm, p, len);
}

void qy__page_debug_online(struct qy_mm *mm, uint32_t start, uint32_t end)
{
	size_t len = (size_t)(end - start) << QY_CONFIG_PAGE_SHIFT;
	uint8_t *p = qy__pfn_addr(mm, start);

	if (start >= end)
		return;
	if (qy__page_debug_has(mm, QY_PAGE_OWNER))
		qy__page_owner_online(mm, end);
	if (qy__page_debug_has(mm, QY_PAGE_POISON))
		memset(p, QY__PAGE_POISON, len);
	else if (qy__page_debug_has(mm, QY_PAGE_INIT_ON_FREE))
		zero_where_needed(p, len);
	if (qy__page_debug_has(mm, QY_PAGE_UNMAP))
		unmap_pages(mm, p, len);
}

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
		map_pages(mm, p, len);
	if (qy__page_debug_has(mm, QY_PAGE_POISON))
		check_poison(mm, p, len, caller, qy__may_be_locked(head, gfp));
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
	fill_free(mm, qy__page_addr(mm, head), QY_PAGE_SIZE << order);
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

/* How many went untold before this one; UINT32_MAX: nor is this. Counted in any case. */
static uint32_t may_tell(struct qy_mm *mm)
{
	struct qy__page_debug_state *st = &mm->page_debug;
	uint64_t now = qy__osif_now(&mm->os);
	uint32_t untold = UINT32_MAX;

	qy__lock(&mm->report.lock);
	if (!st->bad_shown || now - st->bad_since >= NSEC_PER_MINUTE) {
		st->bad_since = now;
		st->bad_shown = 0;
	}
	if (st->bad_shown < BAD_PAGES_A_MINUTE) {
		st->bad_shown++;
		untold = st->bad_unshown;
		st->bad_unshown = 0;
	} else {
		st->bad_unshown++;
		mm->report.found++;
	}
	qy__unlock(&mm->report.lock);
	return untold;
}

static void report_bad_page(struct qy_mm *mm, struct qy_page *head, const struct qy_page *page,
			    unsigned int order, const char *reason, uintptr_t caller)
{
	uint32_t untold = may_tell(mm);
	uintptr_t pc[QY_STACK_MAX];
	struct qy_report r;
	char name[512];

	if (untold == UINT32_MAX)
		return;
	qy__report_init(&r, mm, QY_REPORT_METADATA, "page");
	qy__report_title(&r, "Bad page state in process %.15s  pfn:%05lx: %s",
			 qy__program_name(name, sizeof(name)),
			 (unsigned long)qy__page_pfn(mm, page), reason);
	r.object = qy__page_addr(mm, page);
	r.slab = qy__page_addr(mm, head);
	r.object_size = QY_PAGE_SIZE << order;
	qy__page_owner_describe(mm, qy__page_pfn(mm, page), &r);
	r.here.nr = qy__page_backtrace(pc, caller, true);
	r.here.pc = pc;
	r.here.tid = qy__osif_tid();
	if (untold)
		qy__report_fix(&r, "Block is never used again; %u reports before were suppressed",
			       untold);
	else
		qy__report_fix(&r, "Block is never used again");
	qy__report_emit(&r);
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
		report_bad_page(mm, head, head + i, order, reason,
				(uintptr_t)__builtin_return_address(0));
		retire(head);
		return false;
	}
	return true;
}
