/* SPDX-License-Identifier: MIT */
/*
 * alloc.c - the way of an object in and out, and the figures of a cache.
 *
 * Place in an object's life: kmalloc.c (or the user) comes in here; the sheaf of the calling CPU
 * answers, or the flavour behind it. Debug caches have no sheaf: debug/slab_debug.c.
 *
 * Lock: cache->lock for the figures only.
 */
#include <errno.h>
#include <string.h>

#include "debug/debug.h"
#include "slab/cpu.h"
#include "util/plant.h"
#include "util/struct_size.h"

#define CALLER ((uintptr_t)__builtin_return_address(0))

/* What every allocation ends with. */
static QY_ALWAYS_INLINE void *post_alloc(struct qy_cache *c, void *object, qy_gfp_t gfp)
{
	if (unlikely(gfp & QY_GFP_ZERO) && object && !c->ctor)
		memset(object, 0, c->layout.object_size);
	return object;
}

static void *alloc_debug(struct qy_cache *c, qy_gfp_t gfp, struct qy__call *call)
{
	void *object;

	qy__debug_tick(c->mm);
	if (qy__debug_has(c->flags, QY_SLAB_STORE_USER))
		qy__debug_call(c->mm, call);
	object = qy__slab_ops(c)->alloc_debug(c, gfp, call);
	/* Zero what was asked for where that is tracked: the rest is red zone. */
	if (object && (gfp & QY_GFP_ZERO) && !c->ctor)
		memset(object, 0,
		       c->layout.orig_size ? qy__debug_object_size(c, object)
					   : c->layout.object_size);
	return object;
}

void *qy__cache_alloc_slow(struct qy_cache *c, qy_gfp_t gfp, struct qy__call *call)
{
	void *object = NULL;

	if (qy__cache_is_debug(c))
		return alloc_debug(c, gfp, call);
	if (qy__sheaf_make(c, qy__this_cpu(&c->mm->cpus))) {
		object = qy__cache_pop(c);
		if (!object)
			object = qy__sheaf_refill(c, gfp);
	} else if (qy__slab_ops(c)->refill(c, gfp, &object, 1) != 1) {
		object = NULL;
	}
	return post_alloc(c, object, gfp);
}

void *qy_cache_alloc(struct qy_cache *c, qy_gfp_t gfp)
{
	void *object = qy__cache_pop(c);

	if (unlikely(!object)) {
		struct qy__call call = {.caller = CALLER};

		return qy__cache_alloc_slow(c, gfp, &call);
	}
	return post_alloc(c, object, gfp);
}

void qy__cache_free_slow(struct qy_cache *c, void *object)
{
	unsigned int cpu = qy__this_cpu(&c->mm->cpus);

	if (!qy__sheaf_make(c, cpu)) {
		qy__slab_ops(c)->flush(c, &object, 1);
		return;
	}
	while (!qy__cache_push(c, object))
		qy__sheaf_flush(c, cpu, c->sheaf_capacity / 2);
}

int qy_cache_free(struct qy_cache *c, void *object)
{
	if (unlikely(!object))
		return 0;
	if (likely(qy__cache_push(c, object)))
		return 0;
	if (qy__cache_is_debug(c)) {
		struct qy__call call = {.caller = CALLER};

		return qy__debug_cache_free(c, object, &call);
	}
	qy__cache_free_slow(c, object);
	return 0;
}

size_t qy_cache_alloc_bulk(struct qy_cache *c, qy_gfp_t gfp, size_t n, void **objects)
{
	struct qy__call call = {.caller = CALLER};

	for (size_t got = 0; got < n; got++) {
		objects[got] = qy__cache_pop(c);
		if (objects[got])
			post_alloc(c, objects[got], gfp);
		else
			objects[got] = qy__cache_alloc_slow(c, gfp, &call);
		if (!objects[got]) {
			int why = errno;

			qy_cache_free_bulk(c, qy__planted(BULK_LEAK) && got ? got - 1 : got,
					   objects);
			errno = why;
			return 0;
		}
	}
	return n;
}

void qy_cache_free_bulk(struct qy_cache *c, size_t n, void **objects)
{
	for (size_t i = 0; i < n; i++)
		qy_cache_free(c, objects[i]);
}

int qy_cache_shrink(struct qy_cache *c)
{
	unsigned int cpu = qy__this_cpu(&c->mm->cpus);

	if (qy__cache_is_debug(c))
		qy__quarantine_drop(c->mm, c);
	if (cpu < c->mm->cpus.nr)
		qy__sheaf_flush(c, cpu, 0);
	return qy__slab_ops(c)->shrink(c);
}

unsigned int qy_cache_validate(struct qy_cache *c)
{
	return qy__debug_validate_cache(c);
}

static size_t parked_objects(const struct qy_cache *c)
{
	size_t n = 0;

	for (unsigned int cpu = 0; cpu < c->mm->cpus.nr; cpu++)
		n += qy__load_relaxed(&qy__load_acquire(&c->sheaf[cpu])->size);
	return n;
}

static size_t count_live_locked(struct qy_cache *c)
{
	struct qy__slab_iter it = qy__slab_iter_locked(c);
	struct qy_page *slab;
	size_t n = 0;

	while ((slab = qy__slab_iter_next(&it)))
		for (unsigned int i = 0; i < slab->slab.objects; i++)
			n += qy__debug_is_live(c->mm, qy__slab_object(c, slab, i));
	return n;
}

void qy__cache_figures(const struct qy_cache *c, struct qy_cache_info *info)
{
	const struct qy__layout *l = &c->layout;

	*info = (struct qy_cache_info){
		.struct_size = sizeof(*info),
		.flags = c->flags,
		.object_size = l->object_size,
		.slot_size = l->slot,
		.align = l->align,
		.objs_per_slab = c->objs_per_slab,
		.order = c->order,
		.red_left_pad = l->red_left_pad,
		.offset = l->offset,
		.inuse = l->inuse,
		.sheaf_capacity = c->sheaf_capacity,
	};
	memcpy(info->name, c->name, sizeof(info->name));
}

void qy_cache_info(struct qy_cache *c, struct qy_cache_info *info)
{
	struct qy_cache_info all;

	qy__cache_figures(c, &all);
	qy__lock(&c->lock);
	qy__slab_ops(c)->stats(c, &all);
	if (qy__cache_is_debug(c))
		all.live_objects = count_live_locked(c);
	all.high_water = c->high_water;
	qy__unlock(&c->lock);
	if (!qy__cache_is_debug(c))
		all.live_objects -= min(all.live_objects, parked_objects(c));
	qy__struct_fill(info, &all, sizeof(all));
}
