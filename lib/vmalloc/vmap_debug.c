/* SPDX-License-Identifier: MIT */
/*
 * vmap_debug.c - what can be wrong with an area, and how it is told: as of any debugged block
 * (debug/block.h).
 *
 * Wrong pointers are told in every build; red zones, stacks, families and the areas kept after
 * their death exist in debug instances only. Lock: the vmap lock is held over a report, so that the
 * bytes it shows stay mapped.
 */
#include <string.h>

#include "util/align.h"
#include "vmalloc/vmap_area.h"

#define LEFT_WATCHED                                                                               \
	QY_PAGE_SIZE /* of a left zone that a huge alignment made: next to the object */

qy_slab_flags_t qy__vmap_flags(const struct qy_mm *mm)
{
	if (!QY_CONFIG_DEBUG || !mm->debug)
		return 0;
	return qy__debug_cache_flags(&mm->debug->config, "vmalloc", 0) & QY__DEBUG_MASK;
}

void qy__vmap_track(struct qy__track *t, const struct qy__call *call)
{
	t->addr = call->caller;
	t->stack = call->stack;
	t->cpu = call->cpu;
	t->tid = call->tid;
	t->when = call->when;
}

static struct qy__block block_of(struct qy_mm *mm, const struct qy__vmap_area *a)
{
	return (struct qy__block){
		.mm = mm,
		.cache = "vmalloc",
		.flags = a->red_zone ? QY_SLAB_RED_ZONE : 0,
		.start = a->start,
		.length = a->len,
		.offset = a->offset,
		.left = min(a->offset, LEFT_WATCHED),
		.size = a->size,
		.align = a->align,
		.family = (enum qy_family)a->family,
		.alloc = a->alloc,
		.free = a->free,
		.freed = a->dead,
		.closed = a->dead,
	};
}

static void report_dead(const struct qy__block *b, const void *p, const struct qy__call *call,
			enum qy_report_kind kind)
{
	struct qy_report r;

	qy__block_report(&r, b, kind, call);
	r.damage_offset = (const char *)p - qy__block_object(b);
	if (p == qy__block_object(b))
		qy__report_title(&r, "Object already free");
	else
		qy__report_title(&r, "Invalid object pointer %p: inside a freed object", p);
	if (kind != QY_REPORT_BAD_REALLOC)
		qy__report_fix(&r, "Object at %p not freed", p);
	qy__report_emit(&r);
}

/* @p is in @b, but not its start. */
static void report_interior(const struct qy__block *b, const void *p, const struct qy__call *call,
			    enum qy_report_kind kind)
{
	ptrdiff_t offset = (const char *)p - qy__block_object(b);
	struct qy_report r;

	qy__block_report(&r, b, kind, call);
	r.damage_offset = offset;
	qy__report_title(&r, "Invalid object pointer %p: offset %td of the %zu-byte object %p", p,
			 offset, b->size, (void *)qy__block_object(b));
	if (kind == QY_REPORT_INVALID_FREE)
		qy__report_fix(&r, "Object at %p not freed", p);
	qy__report_emit(&r);
}

bool qy__vmap_acceptable_locked(struct qy_mm *mm, struct qy__vmap_area *a, const void *p,
				const struct qy__call *call, enum qy_report_kind dead)
{
	struct qy__block b = block_of(mm, a);

	if (a->dead) {
		report_dead(&b, p, call, p == qy__vmap_object(a) ? dead : QY_REPORT_INVALID_FREE);
		return false;
	}
	if (p != qy__vmap_object(a)) {
		report_interior(&b, p, call,
				dead == QY_REPORT_DOUBLE_FREE ? QY_REPORT_INVALID_FREE : dead);
		return false;
	}
	if (QY_CONFIG_DEBUG && mm->debug)
		qy__block_check_claim(&b, call);
	return true;
}

/* ---- red zones ---- */

void qy__vmap_fill_red_zones(struct qy_mm *mm, struct qy__vmap_area *a)
{
	struct qy__block b;

	a->red_zone = true;
	b = block_of(mm, a);
	qy__block_fill_zones(&b, QY_RED_ACTIVE);
}

unsigned int qy__vmap_check_red_zones_locked(struct qy_mm *mm, struct qy__vmap_area *a,
					     const struct qy__call *call)
{
	struct qy__block b;

	if (!a->red_zone)
		return 0;
	b = block_of(mm, a);
	return qy__block_check(&b, call);
}

unsigned int qy__vmap_validate(struct qy_mm *mm)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy__vmap_area *a;
	unsigned int found = 0;

	if (!v)
		return 0;
	qy__lock(&v->lock);
	for (a = qy__vmap_ceiling_locked(v, NULL); a;
	     a = qy__vmap_ceiling_locked(v, a->start + 1)) {
		if (!a->dead)
			found += qy__vmap_check_red_zones_locked(mm, a, NULL);
	}
	qy__unlock(&v->lock);
	return found;
}
