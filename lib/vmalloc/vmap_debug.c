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
#include "util/bytes.h"
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

unsigned int qy__vmap_look(struct qy_mm *mm, struct qy__look *look)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy__vmap_area *a;
	unsigned int found = 0;

	if (!v || !qy__look_lock(look, &v->lock))
		return 0;
	for (a = qy__vmap_ceiling_locked(v, NULL); a;
	     a = qy__vmap_ceiling_locked(v, a->start + 1)) {
		char *end = qy__vmap_object(a) + a->size;

		if (!a->dead && qy__look_at(look, end, (size_t)(a->start + a->len - end)))
			found += qy__vmap_check_red_zones_locked(mm, a, NULL);
	}
	qy__unlock(&v->lock);
	return found;
}

/* ---- an access that was refused ---- */

static struct qy__vmap_area *find_with_guards_locked(const struct qy__vmap_state *v,
						     const char *addr)
{
	struct qy__vmap_area *a = qy__vmap_find_locked(v, addr);

	if (!a)
		a = qy__vmap_find_locked(v, addr - QY__VMAP_GUARD);
	return a ? a : qy__vmap_find_locked(v, addr + QY__VMAP_GUARD);
}

/* What was written before the access was stopped shows where it left the object. */
static void add_damage(struct qy_report *r, const struct qy__block *b)
{
	uint8_t *end = (uint8_t *)qy__block_object(b) + b->size, *last = NULL;
	uint8_t *first = qy__find_not(end, (size_t)((uint8_t *)b->start + b->length - end),
				      QY_RED_ACTIVE, &last);

	if (!first)
		return;
	r->damage = first;
	r->damage_len = (size_t)(last + 1 - first);
	r->damage_offset = (char *)first - qy__block_object(b);
	r->expected = QY_RED_ACTIVE;
	r->found = *first;
	qy__report_fix(r, "Restoring Right Redzone 0x%lx-0x%lx=0x%x",
		       (unsigned long)(uintptr_t)first, (unsigned long)(uintptr_t)last,
		       QY_RED_ACTIVE);
}

static void explain_locked(struct qy_mm *mm, struct qy__vmap_area *a, const char *addr,
			   const char *verb, const struct qy_stack *here)
{
	struct qy__block b = block_of(mm, a);
	ptrdiff_t offset = addr - qy__block_object(&b);
	enum qy_report_kind kind = a->dead	? QY_REPORT_USE_AFTER_FREE
				   : offset < 0 ? QY_REPORT_UNDERWRITE
						: QY_REPORT_OVERFLOW;
	struct qy_report r;

	qy__block_report(&r, &b, kind, NULL);
	r.here = *here;
	r.damage_offset = offset;
	qy__report_title(&r, "0x%lx %s: offset %td of a %s%zu-byte object",
			 (unsigned long)(uintptr_t)addr, verb, offset, a->dead ? "freed " : "",
			 b.size);
	if (kind == QY_REPORT_OVERFLOW && a->red_zone)
		add_damage(&r, &b);
	qy__report_emit(&r);
	if (r.damage)
		memset((void *)r.damage, QY_RED_ACTIVE, r.damage_len);
}

bool qy__vmap_explain(struct qy_mm *mm, const char *addr, const char *verb,
		      const struct qy_stack *here)
{
	const struct qy__look look = {.at_once = true};
	struct qy__vmap_state *v = mm->vmap;
	struct qy__vmap_area *a;

	if (!v || !qy__look_lock(&look, &v->lock))
		return false;
	a = find_with_guards_locked(v, addr);
	if (a)
		explain_locked(mm, a, addr, verb, here);
	qy__unlock(&v->lock);
	return a != NULL;
}
