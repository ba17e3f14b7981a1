/* SPDX-License-Identifier: MIT */
/*
 * page_debug_report.c - what page debugging finds, told: poison that was written, and pages on a
 * free list that are not what they should be. Who had the page is asked of its owner's record.
 *
 * Locks: report.lock for the count of bad pages. The caller may hold a lock that malloc takes, if
 * he says so.
 */
#include "page/page_debug_report.h"

#include <string.h>

#include "page/page_owner.h"
#include "page/page_report.h"
#include "util/align.h"
#include "util/backtrace.h"
#include "util/module.h"

#define BAD_PAGES_A_MINUTE 60u
#define NSEC_PER_MINUTE UINT64_C(60000000000)
#define OWN_FRAMES 8 /* at most so many of the page floor's own lie on top of a stack */
#define PROGRAM_NAME 512

unsigned int qy__page_backtrace(uintptr_t *pc, uintptr_t caller, bool locked)
{
	uintptr_t all[QY_STACK_MAX + OWN_FRAMES];
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

void qy__report_poison(struct qy_mm *mm, uint8_t *start, size_t len, uint8_t *first, uint8_t *last,
		       uintptr_t caller, bool locked)
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

void qy__report_bad_page_state(struct qy_mm *mm, struct qy_page *head, const struct qy_page *page,
			       unsigned int order, const char *reason, uintptr_t caller)
{
	uint32_t untold = may_tell(mm);
	uintptr_t pc[QY_STACK_MAX];
	struct qy_report r;
	char name[PROGRAM_NAME];

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
