/* SPDX-License-Identifier: MIT */
/*
 * object_report.c - what a report says of an object in a slab: whose it was, who asks.
 *
 * Context: c->lock is held. Stacks were taken before that; only the depot is read here.
 */
#include "debug/debug.h"

#define DUMP_ZONE 64u /* bytes of a left red zone that a report shows */

static void describe_bytes(struct qy_report *r, struct qy_cache *c, const void *object)
{
	const struct qy__layout *l = &c->layout;
	const uint8_t *p = object;

	r->object_dump_len = min(l->object_size, (uint32_t)QY_PAGE_SIZE);
	if (l->red_left_pad) {
		size_t n = min(l->red_left_pad, DUMP_ZONE);

		r->left = p - n;
		r->left_len = n;
	}
	if (qy__debug_has(c->flags, QY_SLAB_RED_ZONE)) {
		r->right = p + l->object_size;
		r->right_len = l->inuse - l->object_size;
	}
	r->padding = p + l->meta_end;
	r->padding_len = l->slot - l->red_left_pad - l->meta_end;
}

void qy__debug_describe_call(struct qy_report *r, struct qy_mm *mm, const struct qy__call *call)
{
	if (!call)
		return;
	r->here.cpu = call->cpu;
	r->here.tid = call->tid;
	r->here.when = call->when;
	qy__debug_get_stack(mm, call->stack, &r->here);
	if (!r->here.nr && call->caller) { /* no unwinding here: a lock may be held */
		r->here.pc = &call->caller;
		r->here.nr = 1;
	}
}

void qy__debug_describe(struct qy_report *r, struct qy_cache *c, struct qy_page *slab,
			const void *object, const struct qy__call *call)
{
	static const struct qy__call nobody;
	struct qy__origin origin;

	if (!call)
		call = &nobody;
	r->cache = c->name;
	r->flags = c->flags;
	r->slab = qy__page_addr(c->mm, slab);
	r->slab_objects = slab->slab.objects;
	r->slab_inuse = slab->slab.inuse;
	r->freepointer = slab->slab.freelist;
	qy__debug_describe_call(r, c->mm, call);
	if (!object)
		return;
	origin = qy__debug_object_origin(c, object);
	r->object = object;
	r->object_size = origin.size;
	r->family_alloc = origin.family;
	r->family_free = call->family;
	qy__debug_get_track(c, object, QY__TRACK_ALLOC, &r->alloc);
	qy__debug_get_track(c, object, QY__TRACK_FREE, &r->free);
	/* While it is live, the free track is that of the object before it in this slot. */
	if (r->free.when < r->alloc.when || qy__debug_is_live(c->mm, object))
		r->free = (struct qy_stack){0};
	describe_bytes(r, c, object);
}

void qy__debug_object_bug(struct qy_cache *c, struct qy_page *slab, void *object,
			  enum qy_report_kind kind, const char *title, const char *fix,
			  const struct qy__call *call)
{
	struct qy_report r;

	qy__report_init(&r, c->mm, kind, c->name);
	qy__debug_describe(&r, c, slab, object, call);
	qy__report_title(&r, "%s", title);
	if (fix)
		qy__report_fix(&r, "%s", fix);
	qy__report_emit(&r);
}
