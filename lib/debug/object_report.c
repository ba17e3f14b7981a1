/* SPDX-License-Identifier: MIT */
/*
 * object_report.c - findings about one object or slab: what is damaged, whose it was, how it was
 * repaired.
 *
 * Context: c->lock is held. Stacks were taken before that; only the depot is read here.
 */
#include "debug/debug.h"

/* Each at most once: left zone, right zone, padding of the alignment, body, end, padding. */
#define NR_REGIONS 6
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
	r->here.cpu = call->cpu;
	r->here.tid = call->tid;
	r->here.when = call->when;
	qy__debug_get_stack(c->mm, call->stack, &r->here);
	if (!r->here.nr && call->caller) {
		r->here.pc = &call->caller;
		r->here.nr = 1;
	}
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

static void report_damage(struct qy_cache *c, struct qy_page *slab, const void *object,
			  const struct qy__damage *d, const char *then, const struct qy__call *call)
{
	struct qy_report r;

	qy__report_init(&r, c->mm, d->kind, c->name);
	qy__debug_describe(&r, c, slab, object, call);
	qy__report_title(&r, "%s overwritten", d->what);
	r.damage = d->start;
	r.damage_len = (size_t)(d->end - d->start);
	r.damage_offset = (const char *)d->start - (const char *)(object ? object : r.slab);
	r.expected = d->expected;
	r.found = *d->start;
	qy__report_fix(&r, "Restoring %s 0x%lx-0x%lx=0x%x%s%s", d->what,
		       (unsigned long)(uintptr_t)d->start, (unsigned long)(uintptr_t)(d->end - 1),
		       d->fill, then ? "; " : "", then ? then : "");
	qy__report_emit(&r);
}

unsigned int qy__debug_check_object(struct qy_cache *c, struct qy_page *slab, void *object,
				    bool live, const char *then, const struct qy__call *call)
{
	struct qy__damage d;
	unsigned int n;

	for (n = 0; n < NR_REGIONS && qy__debug_find_damage(c, object, live, &d); n++) {
		report_damage(c, slab, object, &d, then, call);
		qy__debug_repair(&d);
	}
	return n;
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

/* Objects of a slab that is not of the usual order. */
static unsigned int least_objects(const struct qy_cache *c, const struct qy_page *slab)
{
	return (unsigned int)min((QY_PAGE_SIZE << slab->order) / c->layout.slot,
				 (size_t)QY__MAX_OBJS_PER_SLAB);
}

/*
 * How many objects there are follows from the order; how many are in use is at most that. Both are
 * put right.
 */
static unsigned int check_counters(struct qy_cache *c, struct qy_page *slab,
				   const struct qy__call *call)
{
	unsigned int most = slab->order == c->order ? c->objs_per_slab : least_objects(c, slab);
	bool wrong_number = slab->slab.objects != most;
	struct qy_report r;

	if (!wrong_number && slab->slab.inuse <= most)
		return 0;
	qy__report_init(&r, c->mm, QY_REPORT_METADATA, c->name);
	qy__debug_describe(&r, c, slab, NULL, call);
	if (slab->slab.objects > most)
		qy__report_title(&r, "objects %u > max %u", slab->slab.objects, most);
	else if (wrong_number)
		qy__report_title(&r, "Wrong number of objects. Found %u but should be %u",
				 slab->slab.objects, most);
	else
		qy__report_title(&r, "inuse %u > max %u", slab->slab.inuse, most);
	qy__report_fix(&r, wrong_number ? "Number of objects adjusted" : "Object count adjusted");
	qy__report_emit(&r);
	slab->slab.objects = (uint16_t)most;
	slab->slab.inuse = (uint16_t)min((unsigned int)slab->slab.inuse, most);
	qy__slab_ops(c)->recount_locked(c);
	return 1;
}

unsigned int qy__debug_check_slab(struct qy_cache *c, struct qy_page *slab, const char *then,
				  const struct qy__call *call)
{
	unsigned int n = check_counters(c, slab, call);
	struct qy__damage d;

	if (qy__debug_find_slab_damage(c, slab, &d)) {
		report_damage(c, slab, NULL, &d, then, call);
		qy__debug_repair(&d);
		n++;
	}
	return n;
}
