/* SPDX-License-Identifier: MIT */
/*
 * track.c - who allocated an object, who freed it.
 *
 * A stack is taken before any lock (the unwinder has locks of its own), kept once in the depot, and
 * remembered beside the object or in its record as a handle. The track carries a check word: one
 * that an overflow ran over is not believed. In a record it has no address of the caller, which is
 * the stack's first frame anyway.
 */
#include <string.h>

#include "debug/debug.h"
#include "page/page_owner.h"
#include "util/backtrace.h"
#include "util/hash.h"

void qy__debug_call(struct qy_mm *mm, struct qy__call *call)
{
	uintptr_t pc[QY_STACK_MAX];
	unsigned int n;

	if (call->traced)
		return;
	call->traced = true;
	n = qy__backtrace_from(pc, QY_STACK_MAX, call->caller);
	call->stack = qy__save_stack(mm, pc, n);
	call->tid = qy__osif_tid();
	call->cpu = qy__this_cpu(&mm->cpus);
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

static size_t bytes_left_out(const struct qy_cache *c)
{
	return c->layout.record ? sizeof(uintptr_t) : 0;
}

static char *track_at(const struct qy_cache *c, const void *object, int which)
{
	size_t size = sizeof(struct qy__track) - bytes_left_out(c);

	return qy__object_books(c, object) + c->layout.track + (size_t)which * size;
}

static void write_track(const struct qy_cache *c, const void *object, int which,
			const struct qy__track *t)
{
	size_t out = bytes_left_out(c);

	memcpy(track_at(c, object, which), (const char *)t + out, sizeof(*t) - out);
}

static struct qy__track read_track(const struct qy_cache *c, const void *object, int which)
{
	size_t out = bytes_left_out(c);
	struct qy__track t = {.addr = 0};

	memcpy((char *)&t + out, track_at(c, object, which), sizeof(t) - out);
	return t;
}

void qy__debug_clear_tracks(struct qy_cache *c, void *object)
{
	static const struct qy__track never;

	write_track(c, object, QY__TRACK_ALLOC, &never);
	write_track(c, object, QY__TRACK_FREE, &never);
}

void qy__debug_set_track(struct qy_cache *c, void *object, int which, const struct qy__call *call)
{
	struct qy__track t = {.addr = c->layout.record ? 0 : call->caller,
			      .stack = call->stack,
			      .cpu = call->cpu,
			      .tid = call->tid,
			      .when = call->when};

	if (!qy__debug_has(c->flags, QY_SLAB_STORE_USER))
		return;
	t.check = track_check(&t);
	write_track(c, object, which, &t);
}

void qy__debug_get_track(const struct qy_cache *c, const void *object, int which,
			 struct qy_stack *stack)
{
	static const struct qy__track never;
	struct qy__track t;

	*stack = (struct qy_stack){0};
	if (!qy__debug_has(c->flags, QY_SLAB_STORE_USER))
		return;
	t = read_track(c, object, which);
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
