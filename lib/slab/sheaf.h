/* SPDX-License-Identifier: MIT */
/*
 * sheaf.h - the fast path: a per-CPU array of free objects. Pop to allocate, push to free.
 *
 * A CPU's sheaf belongs to whoever is that CPU: no lock, no atomic operation. A CPU without a sheaf
 * of its own has the instance's "nobody" sheaf, which is empty and full at once, so that both ways
 * miss. Who is that CPU, and so may use it, is cpu.h's business. An
 * object is written before the size that covers it, and read before the size that gives it up: what
 * a fork() copies is consistent at every instruction. Sizes are read by others for statistics:
 * relaxed atomics, plain moves.
 */
#ifndef QY_SLAB_SHEAF_H
#define QY_SLAB_SHEAF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/atomic.h"
#include "util/compiler.h"

#define QY__SHEAF_MAX 60 /* largest capacity */

struct qy__sheaf {
	uint32_t size, capacity;
	void *objects[];
};

struct qy_cache;

static QY_ALWAYS_INLINE void *qy__sheaf_pop(struct qy__sheaf *sheaf)
{
	uint32_t n = qy__load_relaxed(&sheaf->size);
	void *object;

	if (unlikely(!n))
		return NULL;
	object = sheaf->objects[n - 1];
	qy__barrier();
	qy__store_relaxed(&sheaf->size, n - 1);
	return object;
}

static QY_ALWAYS_INLINE bool qy__sheaf_push(struct qy__sheaf *sheaf, void *object)
{
	uint32_t n = qy__load_relaxed(&sheaf->size);

	if (unlikely(n == sheaf->capacity))
		return false;
	sheaf->objects[n] = object;
	qy__barrier();
	qy__store_relaxed(&sheaf->size, n + 1);
	return true;
}

/* ---- sheaf.c: objects held for CPUs ---- */

unsigned int qy__sheaf_capacity(size_t slot); /* by object size: 4, 12, 26, 60 */
/* Capacity of the @i-th kind of sheaf, ascending; below QY__NR_SHEAF_SIZES. */
unsigned int qy__sheaf_size(unsigned int i);
/* Makes the sheaf of @cpu at need; false: it cannot have one. */
bool qy__sheaf_make(struct qy_cache *c, unsigned int cpu);
/* An object, and a batch for the calling CPU's sheaf, which is empty. NULL: no memory. */
void *qy__sheaf_refill(struct qy_cache *c, unsigned int gfp);
/* The oldest objects of @cpu's sheaf go back to the flavour, until @keep are left. */
void qy__sheaf_flush(struct qy_cache *c, unsigned int cpu, unsigned int keep);
void qy__sheaf_drain_all(struct qy_cache *c); /* empties and frees every sheaf of the cache */

#endif
