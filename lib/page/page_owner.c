/* SPDX-License-Identifier: MIT */
/*
 * page_owner.c - where the records lie that say who allocated each page, and who gave it back.
 *
 * One record for every page, apart from the descriptors: that of a pfn is owner[pfn - min_pfn].
 * All pages of a block carry the same; what a record says about the free before stays while the
 * page is allocated again. An arena keeps its records in itself. Elsewhere they are a mapping of
 * their own, of which as much is usable as pages came in:
 *
 *   [ guard | page 0 of the records | guard: the other records, committed piece by piece ]
 *
 * What is written to them, and when, is in page_owner_note.c.
 *
 * Locks: none. A record belongs to whoever owns the block; a reader of all of them (info/) may see
 * one that is just being written, and takes it twice.
 */
#include "page/page_owner.h"

#include <errno.h>

#include "page/mm.h"
#include "util/align.h"
#include "util/backtrace.h"
#include "util/stackdepot.h"

#define RECORD sizeof(struct qy__page_owner)

int qy__page_owner_init(struct qy_mm *mm)
{
	struct qy__page_debug_state *st = &mm->page_debug;
	size_t bytes = qy__align_up((mm->max_pfn - mm->min_pfn) * RECORD, QY_PAGE_SIZE);

	mm->page_debug.owner =
		qy__osif_ops(&mm->os)->map(&mm->os, QY_PAGE_SIZE, QY_PAGE_SIZE, bytes);
	if (mm->page_debug.owner) {
		st->owner_bytes = bytes;
		st->owner_end = mm->min_pfn;
		qy__backtrace_init();
		return 0;
	}
	mm->page_debug.owner = qy__mm_boot_alloc(mm, bytes, QY__CACHE_LINE);
	st->owner_end = mm->max_pfn;
	return mm->page_debug.owner ? 0 : -ENOMEM;
}

void qy__page_owner_release(struct qy_mm *mm)
{
	if (mm->page_debug.owner && mm->page_debug.owner_bytes)
		qy__osif_ops(&mm->os)->unmap(&mm->os, mm->page_debug.owner, QY_PAGE_SIZE,
					     mm->page_debug.owner_bytes);
	mm->page_debug.owner = NULL;
}

void qy__page_owner_online(struct qy_mm *mm, uint32_t end)
{
	struct qy__page_debug_state *st = &mm->page_debug;
	uintptr_t base = (uintptr_t)mm->page_debug.owner, from, to;

	if (end <= st->owner_end)
		return;
	from = qy__align_down(base + (st->owner_end - mm->min_pfn) * RECORD, QY_PAGE_SIZE);
	to = qy__align_up(base + (end - mm->min_pfn) * RECORD, QY_PAGE_SIZE);
	/* Without memory the new pages have no records: the next that come in try again. */
	if (!qy__osif_ops(&mm->os)->commit(&mm->os, (void *)from, to - from))
		qy__store_release(&st->owner_end, end);
}

struct qy__page_owner *qy__page_owner_of(const struct qy_mm *mm, uint32_t pfn)
{
	if (!mm->page_debug.owner || pfn < mm->min_pfn ||
	    pfn >= qy__load_acquire(&mm->page_debug.owner_end))
		return NULL;
	return mm->page_debug.owner + (pfn - mm->min_pfn);
}

void qy__page_owner_describe(const struct qy_mm *mm, uint32_t pfn, struct qy_report *r)
{
	const struct qy__page_owner *rec = qy__page_owner_of(mm, pfn);

	if (!rec || !mm->depot)
		return;
	r->alloc.nr = qy__depot_fetch(mm->depot, rec->stack, &r->alloc.pc);
	r->alloc.tid = rec->tid;
	r->alloc.when = rec->ts;
	r->free.nr = qy__depot_fetch(mm->depot, rec->free_stack, &r->free.pc);
	r->free.tid = rec->free_tid;
	r->free.when = rec->free_ts;
}
