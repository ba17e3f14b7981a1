/* SPDX-License-Identifier: MIT */
/*
 * page_owner_note.c - what is noted about a page's owner, and the stacks that the notes name.
 *
 * The knot. Here, and only here, the page floor's files call each other in a circle, because what
 * they do is one:
 *
 *   page_alloc.c gives out a block → page_debug.c → here: its stack is saved → the depot has no
 *   room and gets a pool → page_alloc.c gives out a block → …    (or free.c, on the way back)
 *
 * It ends after one round: while a thread allocates a pool, `adding_pool` says so, and the stack of
 * that pool's own owner is only saved if there is room for it. No lock of the page floor is held
 * anywhere on this way.
 *
 * Stacks: the unwinder must not run under a lock that malloc takes (util/backtrace.c). Pages of
 * slabs come and go under their cache's lock, and a request that may not wait may come from under
 * any: those stacks follow the frame pointers only.
 *
 * Locks: none; see page_owner.c.
 */
#include <string.h>

#include "page/page_alloc.h"
#include "page/page_debug_report.h"
#include "page/page_owner.h"
#include "util/module.h"
#include "util/plant.h"
#include "util/stackdepot.h"
#include "util/sys.h"

/* A pool of the depot is being allocated: its own stack must not ask for one. */
static __thread bool adding_pool __attribute__((tls_model("initial-exec")));

/* ---- stacks ---- */

/* Pages that hold stacks are allocated like any other: here the way leads back to page_alloc.c. */
static bool add_pool(struct qy_mm *mm)
{
	struct qy__stackdepot *d = mm->depot;
	struct qy_page *pool;

	if (adding_pool)
		return false;
	adding_pool = true;
	/* Reclaimable: apart from the page blocks that objects lie in, if that can be. */
	pool = qy__alloc_block(mm, QY_GFP_NOWAIT | QY_GFP_RECLAIMABLE,
			       d->pool_shift - QY_CONFIG_PAGE_SHIFT, QY__PAGE_ALLOC);
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
	uint32_t handle, before;

	if (!mm->depot)
		return 0;
	before = qy__load_relaxed(&mm->depot->nr_stacks);
	handle = qy__depot_save(mm->depot, pc, n, &want_pool);
	if (want_pool && add_pool(mm))
		handle = qy__depot_save(mm->depot, pc, n, &want_pool);
	/* A stack that was there before has had its files noted. */
	if (qy__load_relaxed(&mm->depot->nr_stacks) != before)
		qy__module_note(pc, n, qy__osif_now(&mm->os));
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
	new.pid = (int32_t)qy__sys0(SYS_getpid);
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
