/* SPDX-License-Identifier: MIT */
/*
 * track.c - who allocated an object, who freed it.
 *
 * A stack is taken before any lock (the unwinder has locks of its own), kept once in the depot, and
 * remembered in the object as a handle. The record carries a check word: one that an overflow ran
 * over is not believed.
 */
#include <errno.h>
#include <string.h>

#include "debug/debug.h"
#include "page/mm.h"
#include "page/page_owner.h"
#include "util/backtrace.h"
#include "util/bitops.h"
#include "util/hash.h"

/* Tables of the depot: in proportion to the instance. */
static int init_depot(struct qy_mm *mm, struct qy__stackdepot *d)
{
	size_t pages = mm->max_pfn - mm->min_pfn;
	uint32_t nr_buckets =
		(uint32_t)qy__roundup_pow2(min(max(pages / 2, (size_t)64), (size_t)65536));
	uint32_t max_pools = (uint32_t)min(max(pages / 8, (size_t)4), (size_t)8192);
	bool small = pages < 4096;
	uint32_t *bucket = qy__mm_boot_alloc(mm, nr_buckets * sizeof(*bucket), 64);
	void **pool = qy__mm_boot_alloc(mm, max_pools * sizeof(*pool), 64);

	if (!bucket || !pool)
		return -ENOMEM;
	qy__depot_init(d, bucket, nr_buckets, pool, max_pools,
		       small ? QY_CONFIG_PAGE_SHIFT : max(16u, (unsigned int)QY_CONFIG_PAGE_SHIFT));
	mm->depot = d;
	return 0;
}

int qy__debug_init(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	struct qy__debug_state *st = mm->debug;

	st->quarantine.limit = QY_CONFIG_QUARANTINE ? st->config.quarantine : 0;
	st->quarantine.head = st->quarantine.tail = QY__PFN_NONE;
	if (cfg->backing == QY_BACKING_ANON && (st->config.global & QY_SLAB_STORE_USER))
		qy__backtrace_init();
	return init_depot(mm, &st->depot);
}

void qy__debug_call(struct qy_mm *mm, struct qy__call *call)
{
	uintptr_t pc[QY_STACK_MAX];
	unsigned int n = qy__backtrace_from(pc, QY_STACK_MAX, call->caller);

	call->stack = qy__save_stack(mm, pc, n);
	call->tid = qy__osif_tid();
	call->cpu = qy__this_cpu(mm);
	call->when = qy__osif_now(&mm->os);
}

void qy__debug_get_stack(struct qy_mm *mm, uint32_t handle, struct qy_stack *stack)
{
	stack->nr = qy__depot_fetch(&mm->debug->depot, handle, &stack->pc);
}

static uint32_t track_check(const struct qy__track *t)
{
	return (uint32_t)qy__mix64(t->addr ^ t->when ^ ((uint64_t)t->stack << 32 | t->cpu) ^
				   (uint64_t)(uint32_t)t->tid << 16 ^ 0x51);
}

static struct qy__track *track_at(const struct qy_cache *c, const void *object, int which)
{
	return (struct qy__track *)((char *)object + c->layout.track) + which;
}

void qy__debug_set_track(struct qy_cache *c, void *object, int which, const struct qy__call *call)
{
	struct qy__track t = {.addr = call->caller,
			      .stack = call->stack,
			      .cpu = call->cpu,
			      .tid = call->tid,
			      .when = call->when};

	if (!qy__debug_has(c->flags, QY_SLAB_STORE_USER))
		return;
	t.check = track_check(&t);
	memcpy(track_at(c, object, which), &t, sizeof(t));
}

void qy__debug_get_track(const struct qy_cache *c, const void *object, int which,
			 struct qy_stack *stack)
{
	static const struct qy__track never;
	struct qy__track t;

	*stack = (struct qy_stack){0};
	if (!qy__debug_has(c->flags, QY_SLAB_STORE_USER))
		return;
	memcpy(&t, track_at(c, object, which), sizeof(t));
	if (!memcmp(&t, &never, sizeof(t)))
		return;
	if (t.check != track_check(&t)) {
		stack->damaged = true;
		return;
	}
	qy__debug_get_stack(c->mm, t.stack, stack);
	stack->cpu = t.cpu;
	stack->tid = t.tid;
	stack->when = t.when;
}
