/* SPDX-License-Identifier: MIT */
/*
 * free.c - the way of an object out, under debugging. The top of debug/: nothing here calls it.
 *
 *   locate, once → end (checked, filled, not live: slab_debug.c, large.c) → quarantine.c
 *                                                       the oldest leave ↲
 *                        release (still whole? then really freed: slab_debug.c, large.c)
 *
 * Lock: none here.
 */
#include <errno.h>

#include "debug/debug.h"

#define DROP_BATCH 64 /* objects of a cache that are taken out at a time */

static void release_at(struct qy_mm *mm, const struct qy__place *at, void *object)
{
	if (at->kind == QY__PLACE_LARGE)
		qy__debug_large_release(mm, at->head);
	else if (at->cache)
		qy__slab_debug_release(at->cache, at->head, object);
}

static void release(struct qy_mm *mm, void *object)
{
	struct qy__place at = qy__locate(mm, object);

	release_at(mm, &at, object);
}

/* @ended: 1: keep it back, or release it; else it is given up, or was never ended. */
static int keep_back(struct qy_mm *mm, const struct qy__place *at, void *object, size_t bytes,
		     int ended)
{
	if (ended <= 0)
		return ended;
	if (qy__quarantine_put(mm, object, bytes))
		qy__quarantine_reduce(mm, mm->debug->quarantine.limit);
	else
		release_at(mm, at, object);
	return 0;
}

int qy__debug_free(struct qy_cache *c, const struct qy__place *at, void *object,
		   struct qy__call *call)
{
	qy__debug_tick(c->mm);
	return keep_back(c->mm, at, object, c->layout.slot,
			 qy__slab_debug_end(c, at, object, call));
}

int qy__debug_cache_free(struct qy_cache *c, void *object, struct qy__call *call)
{
	struct qy__place at = qy__locate(c->mm, object);

	return qy__debug_free(c, &at, object, call);
}

int qy__debug_large_free(struct qy_mm *mm, const struct qy__place *at, void *p,
			 struct qy__call *call)
{
	qy__debug_tick(mm);
	if (at->offset) {
		qy__debug_bad_pointer(mm, QY_REPORT_INVALID_FREE, p, call);
		return -EINVAL;
	}
	return keep_back(mm, at, p, QY_PAGE_SIZE << at->head->order,
			 qy__debug_large_end(mm, at->head, call));
}

void qy__quarantine_reduce(struct qy_mm *mm, size_t limit)
{
	void *object;

	while ((object = qy__quarantine_take(mm, limit)))
		release(mm, object);
}

void qy__quarantine_drop(struct qy_mm *mm, const struct qy_cache *c)
{
	void *batch[DROP_BATCH];
	unsigned int n;

	do {
		n = qy__quarantine_take_of(mm, c, batch, DROP_BATCH);
		for (unsigned int i = 0; i < n; i++)
			release(mm, batch[i]);
	} while (n == DROP_BATCH);
}
