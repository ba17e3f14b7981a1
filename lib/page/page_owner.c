/* SPDX-License-Identifier: MIT */
/*
 * page_owner.c - who allocated each page, and who gave it back.
 *
 * One record for every page, apart from the descriptors: that of a pfn is owner[pfn - min_pfn].
 * All pages of a block carry the same; what a record says about the free before stays while the
 * page is allocated again. An arena keeps its records in itself. Elsewhere they are a mapping of
 * their own, of which as much is usable as pages came in:
 *
 *   [ guard | page 0 of the records | guard: the other records, committed piece by piece ]
 *
 * Stacks: the unwinder must not run under a lock that malloc takes (util/backtrace.c). Pages of
 * slabs come and go under their cache's lock, and a request that may not wait may come from under
 * any: those stacks follow the frame pointers only.
 *
 * Locks: none. A record belongs to whoever owns the block; a reader of all of them (info/) may see
 * one that is just being written, and takes it twice.
 */
#include "page/page_owner.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "page/mm.h"
#include "page/page_alloc.h"
#include "util/align.h"
#include "util/backtrace.h"
#include "util/plant.h"
#include "util/stackdepot.h"

#define RECORD sizeof(struct qy__page_owner)

/* A pool of the depot is being allocated: its own stack must not ask for one. */
static __thread bool adding_pool __attribute__((tls_model("initial-exec")));

int qy__page_owner_init(struct qy_mm *mm)
{
	struct qy__page_debug_state *st = &mm->page_debug;
	size_t bytes = qy__align_up((mm->max_pfn - mm->min_pfn) * RECORD, QY_PAGE_SIZE);

	mm->page_debug.owner = mm->os.ops->map(&mm->os, QY_PAGE_SIZE, QY_PAGE_SIZE, bytes);
	if (mm->page_debug.owner) {
		st->owner_bytes = bytes;
		st->owner_end = mm->min_pfn;
		qy__backtrace_init();
		return 0;
	}
	mm->page_debug.owner = qy__mm_boot_alloc(mm, bytes, 64);
	st->owner_end = mm->max_pfn;
	return mm->page_debug.owner ? 0 : -ENOMEM;
}

void qy__page_owner_release(struct qy_mm *mm)
{
	if (mm->page_debug.owner && mm->page_debug.owner_bytes)
		mm->os.ops->unmap(&mm->os, mm->page_debug.owner, QY_PAGE_SIZE,
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
	if (!mm->os.ops->commit(&mm->os, (void *)from, to - from))
		qy__store_release(&st->owner_end, end);
}

struct qy__page_owner *qy__page_owner_of(const struct qy_mm *mm, uint32_t pfn)
{
	if (!mm->page_debug.owner || pfn < mm->min_pfn ||
	    pfn >= qy__load_acquire(&mm->page_debug.owner_end))
		return NULL;
	return mm->page_debug.owner + (pfn - mm->min_pfn);
}

/* ---- stacks ---- */

static bool add_pool(struct qy_mm *mm)
{
	struct qy__stackdepot *d = mm->depot;
	struct qy_page *pool;

	if (adding_pool)
		return false;
	adding_pool = true;
	pool = qy__alloc_block(mm, QY_GFP_NOWAIT, d->pool_shift - QY_CONFIG_PAGE_SHIFT,
			       QY__PAGE_ALLOC);
	adding_pool = false;
	if (!pool)
		return false;
	if (!qy__depot_add_pool(d, qy__page_addr(mm, pool)))
		return true;
	qy__free_block(mm, pool);
	return false;
}

uint32_t qy__save_stack(struct qy_mm *mm, const uintptr_t *pc, unsigned int n)
{
	bool want_pool = false;
	uint32_t handle;

	if (!mm->depot)
		return 0;
	handle = qy__depot_save(mm->depot, pc, n, &want_pool);
	if (want_pool && add_pool(mm))
		handle = qy__depot_save(mm->depot, pc, n, &want_pool);
	return handle;
}

static uint32_t take_stack(struct qy_mm *mm, uintptr_t caller, bool locked)
{
	uintptr_t pc[QY_STACK_MAX];
	unsigned int n = qy__page_backtrace(pc, caller, locked);

	return qy__save_stack(mm, pc, n);
}

/* ---- records ---- */

static void write_alloc(struct qy__page_owner *to, const struct qy__page_owner *from)
{
	qy__store_relaxed(&to->live, (uint8_t)0);
	qy__store_relaxed(&to->ts, from->ts);
	qy__store_relaxed(&to->stack, from->stack);
	qy__store_relaxed(&to->gfp, from->gfp);
	qy__store_relaxed(&to->pid, from->pid);
	qy__store_relaxed(&to->tid, from->tid);
	qy__store_relaxed(&to->order, from->order);
	qy__store_relaxed(&to->migrated, from->migrated);
	qy__store_relaxed(&to->locked, from->locked);
	qy__store_release(&to->live, (uint8_t)1);
}

/* The records of a whole block, or NULL: one of its pages has none. */
static struct qy__page_owner *block_records(const struct qy_mm *mm, const struct qy_page *head,
					    unsigned int order)
{
	uint32_t pfn = qy__page_pfn(mm, head);

	return qy__page_owner_of(mm, pfn + (1u << order) - 1) ? qy__page_owner_of(mm, pfn) : NULL;
}

void qy__page_owner_set(struct qy_mm *mm, const struct qy_page *head, unsigned int order,
			qy_gfp_t gfp, uintptr_t caller)
{
	struct qy__page_owner *rec = block_records(mm, head, order);
	bool locked = qy__may_be_locked(head, gfp);
	struct qy__page_owner new = {
		.gfp = gfp,
		.order = (uint8_t)order,
		.locked = locked,
	};

	if (!rec)
		return;
	new.stack = take_stack(mm, caller, locked);
	new.pid = (int32_t)getpid();
	new.tid = qy__osif_tid();
	new.ts = qy__osif_now(&mm->os);
	for (uint32_t i = 0; i < 1u << order; i++)
		write_alloc(&rec[i], &new);
}

void qy__page_owner_reset(struct qy_mm *mm, const struct qy_page *head, unsigned int order,
			  uintptr_t caller)
{
	struct qy__page_owner *rec = block_records(mm, head, order);
	uint32_t pages = (1u << order) - (qy__planted(OWNER_STAYS) ? 1 : 0), stack;
	uint64_t now;
	int32_t tid;

	if (!rec)
		return;
	stack = take_stack(mm, caller, rec->locked);
	tid = qy__osif_tid();
	now = qy__osif_now(&mm->os);
	for (uint32_t i = 0; i < pages; i++) {
		qy__store_relaxed(&rec[i].live, (uint8_t)0);
		qy__store_relaxed(&rec[i].free_stack, stack);
		qy__store_relaxed(&rec[i].free_tid, tid);
		qy__store_relaxed(&rec[i].free_ts, now);
	}
}

void qy__page_owner_split(struct qy_mm *mm, const struct qy_page *head, unsigned int order)
{
	struct qy__page_owner *rec = block_records(mm, head, order);

	for (uint32_t i = 0; rec && i < 1u << order; i++)
		qy__store_relaxed(&rec[i].order, (uint8_t)0);
}

void qy__page_owner_migrate(struct qy_mm *mm, const struct qy_page *from, const struct qy_page *to,
			    unsigned int order)
{
	const struct qy__page_owner *old = block_records(mm, from, order);
	struct qy__page_owner *rec = block_records(mm, to, order);
	struct qy__page_owner new;

	if (!old || !rec)
		return;
	new = *old;
	new.migrated = 1;
	new.order = (uint8_t)order;
	for (uint32_t i = 0; i < 1u << order; i++)
		write_alloc(&rec[i], &new);
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
