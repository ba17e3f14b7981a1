/* SPDX-License-Identifier: MIT */
/*
 * vmap_debug.c - what can be wrong with an area, and how it is told.
 *
 * Wrong pointers are told in every build; red zones, stacks, families and the areas kept after
 * their death exist in debug instances only. Lock: the vmap lock is held over a report, so that the
 * bytes it shows stay mapped.
 */
#include <string.h>

#include "util/align.h"
#include "vmalloc/vmap_area.h"

#define DUMP_OBJECT 256u /* bytes of the object shown in a report */
#define DUMP_ZONE 64u	 /* and of each red zone */
#define LEFT_CHECKED                                                                               \
	QY_PAGE_SIZE /* a huge alignment makes a huge left zone; near the object is enough */

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

/* ---- reports ---- */

static void describe_stack(const struct qy_mm *mm, struct qy_stack *s, const struct qy__track *t)
{
	if (!QY_CONFIG_DEBUG || !mm->debug)
		return;
	s->nr = qy__depot_fetch(&mm->debug->depot, t->stack, &s->pc);
	s->cpu = t->cpu;
	s->tid = t->tid;
	s->when = t->when;
}

static void describe(struct qy_report *r, struct qy_mm *mm, enum qy_report_kind kind,
		     const struct qy__vmap_area *a, const struct qy__call *call)
{
	const char *object = qy__vmap_object(a);
	size_t tail = a->len - a->offset - a->size;

	qy__report_init(r, mm, kind, "vmalloc");
	r->object = object;
	r->object_size = a->size;
	r->slab = a->start;
	r->family_alloc = a->family;
	describe_stack(mm, &r->alloc, &a->alloc);
	if (a->dead)
		describe_stack(mm, &r->free, &a->free);
	if (call) {
		struct qy__track here = {.addr = 0};

		qy__vmap_track(&here, call);
		describe_stack(mm, &r->here, &here);
		if (!r->here.nr && call->caller) { /* no unwinding here: a lock is held */
			r->here.nr = 1;
			r->here.pc = &call->caller;
		}
		r->family_free = call->family;
	}
	if (a->dead) /* no access passes */
		return;
	r->object_dump_len = min(a->size, (size_t)DUMP_OBJECT);
	if (!a->red_zone)
		return;
	r->left_len = min(a->offset, (size_t)DUMP_ZONE);
	r->left = (const uint8_t *)object - r->left_len;
	r->right_len = min(tail, (size_t)DUMP_ZONE);
	r->right = (const uint8_t *)object + a->size;
}

static void report_dead(struct qy_mm *mm, const struct qy__vmap_area *a, const void *p,
			const struct qy__call *call, enum qy_report_kind kind)
{
	struct qy_report r;

	describe(&r, mm, kind, a, call);
	r.damage_offset = (const char *)p - qy__vmap_object(a);
	if (p == qy__vmap_object(a))
		qy__report_title(&r, "Object already free");
	else
		qy__report_title(&r, "Invalid object pointer %p: inside a freed object", p);
	if (kind != QY_REPORT_BAD_REALLOC)
		qy__report_fix(&r, "Object at %p not freed", p);
	qy__report_emit(&r);
}

/* @p is in @a, but not its start. */
static void report_interior(struct qy_mm *mm, const struct qy__vmap_area *a, const void *p,
			    const struct qy__call *call, enum qy_report_kind kind)
{
	ptrdiff_t offset = (const char *)p - qy__vmap_object(a);
	struct qy_report r;

	describe(&r, mm, kind, a, call);
	r.damage_offset = offset;
	qy__report_title(&r, "Invalid object pointer %p: offset %td of the %zu-byte object %p", p,
			 offset, a->size, (void *)qy__vmap_object(a));
	if (kind == QY_REPORT_INVALID_FREE)
		qy__report_fix(&r, "Object at %p not freed", p);
	qy__report_emit(&r);
}

static void check_claim(struct qy_mm *mm, const struct qy__vmap_area *a,
			const struct qy__call *call)
{
	const struct qy__origin origin = {
		.known = true,
		.size = a->size,
		.align = a->align,
		.family = (enum qy_family)a->family,
	};
	enum qy_report_kind kind = qy__debug_mismatch(&origin, call);
	struct qy_report r;

	if (kind == QY_REPORT_NONE)
		return;
	describe(&r, mm, kind, a, call);
	qy__debug_mismatch_title(&r, &origin, call);
	qy__report_emit(&r);
}

bool qy__vmap_acceptable_locked(struct qy_mm *mm, struct qy__vmap_area *a, const void *p,
				const struct qy__call *call, enum qy_report_kind dead)
{
	if (a->dead) {
		report_dead(mm, a, p, call,
			    p == qy__vmap_object(a) ? dead : QY_REPORT_INVALID_FREE);
		return false;
	}
	if (p != qy__vmap_object(a)) {
		report_interior(mm, a, p, call,
				dead == QY_REPORT_DOUBLE_FREE ? QY_REPORT_INVALID_FREE : dead);
		return false;
	}
	if (QY_CONFIG_DEBUG && mm->debug)
		check_claim(mm, a, call);
	return true;
}

/* ---- red zones ---- */

struct zone {
	uint8_t *start;
	size_t len;
};

static struct zone left_zone(const struct qy__vmap_area *a)
{
	size_t len = min(a->offset, LEFT_CHECKED);

	return (struct zone){(uint8_t *)qy__vmap_object(a) - len, len};
}

static struct zone right_zone(const struct qy__vmap_area *a)
{
	return (struct zone){(uint8_t *)qy__vmap_object(a) + a->size, a->len - a->offset - a->size};
}

void qy__vmap_fill_red_zones(struct qy__vmap_area *a)
{
	struct zone left = left_zone(a), right = right_zone(a);

	memset(left.start, QY_RED_ACTIVE, left.len);
	memset(right.start, QY_RED_ACTIVE, right.len);
	a->red_zone = true;
}

static unsigned int check_zone(struct qy_mm *mm, struct qy__vmap_area *a, struct zone z,
			       enum qy_report_kind kind, const struct qy__call *call)
{
	const char *side = kind == QY_REPORT_UNDERWRITE ? "Left" : "Right";
	uint8_t *first = z.start, *end = z.start + z.len;
	struct qy_report r;

	while (first < end && *first == QY_RED_ACTIVE)
		first++;
	if (first == end)
		return 0;
	while (end[-1] == QY_RED_ACTIVE)
		end--;
	describe(&r, mm, kind, a, call);
	r.damage = first;
	r.damage_len = (size_t)(end - first);
	r.damage_offset = (char *)first - qy__vmap_object(a);
	r.expected = QY_RED_ACTIVE;
	r.found = *first;
	qy__report_title(&r, "%s Redzone overwritten", side);
	qy__report_fix(&r, "Restoring %s Redzone %p-%p=0x%x", side, (void *)first,
		       (void *)(end - 1), QY_RED_ACTIVE);
	qy__report_emit(&r);
	memset(first, QY_RED_ACTIVE, (size_t)(end - first));
	return 1;
}

unsigned int qy__vmap_check_red_zones_locked(struct qy_mm *mm, struct qy__vmap_area *a,
					     const struct qy__call *call)
{
	unsigned int found;

	if (!a->red_zone)
		return 0;
	found = check_zone(mm, a, left_zone(a), QY_REPORT_UNDERWRITE, call);
	return found + check_zone(mm, a, right_zone(a), QY_REPORT_OVERFLOW, call);
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
