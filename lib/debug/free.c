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

/* @object was ended: it is one, without a question; @head is its slab or block. */
static void release_at(struct qy_mm *mm, struct qy_page *head, void *object)
{
	if (head->type == QY__PAGE_LARGE)
		qy__debug_large_release(mm, head);
	else
		qy__slab_debug_release(qy__object_cache(mm, head, object), head, object);
}

static void release(struct qy_mm *mm, void *object)
{
	release_at(mm, qy__page_head(mm, qy__addr_page(mm, object)), object);
}

/* @ended: 1: keep it back, or release it; else it is given up, or was never ended. */
static int keep_back(struct qy_mm *mm, struct qy_page *head, void *object, size_t bytes, int ended)
{
	if (ended <= 0)
		return ended;
	if (qy__quarantine_put(mm, object, bytes))
		qy__quarantine_reduce(mm, mm->debug->quarantine.limit);
	else
		release_at(mm, head, object);
	return 0;
}

int qy__debug_free(struct qy_cache *c, const struct qy__place *at, void *object,
		   struct qy__call *call)
{
	qy__debug_tick(c->mm);
	/* Here, not further down: each frame of ours on the stack costs the unwinder a step. */
	if (qy__debug_has(c->flags, QY_SLAB_STORE_USER))
		qy__debug_call(c->mm, call);
	return keep_back(c->mm, at->head, object, c->layout.slot,
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
	return keep_back(mm, at->head, p, QY_PAGE_SIZE << at->head->order,
			 qy__debug_large_end(mm, at->head, call));
}

void qy__quarantine_reduce(struct qy_mm *mm, size_t limit)
{
	struct qy__quarantine *q = &mm->debug->quarantine;
	void *object;

	while (qy__load_relaxed(&q->bytes) > limit && (object = qy__quarantine_take(mm, limit)))
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
