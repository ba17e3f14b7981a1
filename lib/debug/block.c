/* SPDX-License-Identifier: MIT */
/*
 * block.c - the bytes of one debugged block, and what is said about it. In every build: wrong
 * pointers into areas are told everywhere, without zones and stacks.
 */
#include "debug/block.h"

#include <string.h>

#include "debug/debug.h"
#include "util/bytes.h"

#define DUMP_ZONE ((size_t)64) /* bytes of a red zone that a report shows */

static bool has(const struct qy__block *b, qy_slab_flags_t flag)
{
	return qy__debug_has(b->flags, flag);
}

/* ---- bytes ---- */

static uint8_t *left_zone(const struct qy__block *b)
{
	return (uint8_t *)qy__block_object(b) - b->left;
}

static uint8_t *right_zone(const struct qy__block *b)
{
	return (uint8_t *)qy__block_object(b) + b->size;
}

static size_t right_size(const struct qy__block *b)
{
	return b->length - b->offset - b->size;
}

void qy__block_fill_zones(const struct qy__block *b, uint8_t value)
{
	if (!has(b, QY_SLAB_RED_ZONE))
		return;
	memset(left_zone(b), value, b->left);
	memset(right_zone(b), value, right_size(b));
}

void qy__block_fill_poison(const struct qy__block *b, size_t from)
{
	char *object = qy__block_object(b);

	if (!has(b, QY_SLAB_POISON) || b->size <= from)
		return;
	memset(object + from, QY_POISON_FREE, b->size - from);
	object[b->size - 1] = (char)QY_POISON_END;
}

/* What is damaged in [first, last], and what it is repaired with. */
struct damage {
	enum qy_report_kind kind;
	const char *what;
	uint8_t *first, *last;
	uint8_t value;
};

static unsigned int repair(const struct qy__block *b, const struct damage *d,
			   const struct qy__call *call)
{
	struct qy_report r;

	qy__block_report(&r, b, d->kind, call);
	qy__report_title(&r, "%s overwritten", d->what);
	r.damage = d->first;
	r.damage_len = (size_t)(d->last + 1 - d->first);
	r.damage_offset = (char *)d->first - qy__block_object(b);
	r.expected = d->value;
	r.found = *d->first;
	qy__report_fix(&r, "Restoring %s 0x%lx-0x%lx=0x%x", d->what,
		       (unsigned long)(uintptr_t)d->first, (unsigned long)(uintptr_t)d->last,
		       d->value);
	qy__report_emit(&r);
	memset(d->first, d->value, r.damage_len);
	return 1;
}

static unsigned int check_zone(const struct qy__block *b, uint8_t *zone, size_t size,
			       enum qy_report_kind kind, const struct qy__call *call)
{
	struct damage d = {
		.kind = kind,
		.what = kind == QY_REPORT_UNDERWRITE ? "Left Redzone" : "Right Redzone",
		.value = b->freed ? QY_RED_INACTIVE : QY_RED_ACTIVE,
	};

	d.first = qy__find_not(zone, size, d.value, &d.last);
	return d.first ? repair(b, &d, call) : 0;
}

/* One write may run over the body's end and the end byte: one finding. */
static unsigned int check_poison(const struct qy__block *b, const struct qy__call *call)
{
	uint8_t *body = (uint8_t *)qy__block_object(b), *end = body + b->size - 1;
	struct damage d = {
		.kind = QY_REPORT_USE_AFTER_FREE,
		.what = "Poison",
		.value = QY_POISON_FREE,
	};
	unsigned int n = 0;
	bool both;

	d.first = qy__find_not(body, b->size - 1, QY_POISON_FREE, &d.last);
	both = d.first && d.last + 1 == end && *end != QY_POISON_END;
	if (both)
		d.last = end;
	if (d.first)
		n = repair(b, &d, call);
	if (both)
		*end = QY_POISON_END;
	if (*end != QY_POISON_END) {
		d.what = "End Poison";
		d.value = QY_POISON_END;
		d.first = d.last = end;
		n += repair(b, &d, call);
	}
	return n;
}

unsigned int qy__block_check(const struct qy__block *b, const struct qy__call *call)
{
	unsigned int n = 0;

	if (has(b, QY_SLAB_RED_ZONE)) {
		n += check_zone(b, left_zone(b), b->left, QY_REPORT_UNDERWRITE, call);
		n += check_zone(b, right_zone(b), right_size(b), QY_REPORT_OVERFLOW, call);
	}
	if (b->freed && b->size && has(b, QY_SLAB_POISON))
		n += check_poison(b, call);
	return n;
}

/* ---- reports ---- */

static void fill_stack(struct qy_stack *s, const struct qy__block *b, const struct qy__track *t)
{
	*s = (struct qy_stack){.cpu = t->cpu, .tid = t->tid, .when = t->when};
	if (QY_CONFIG_DEBUG)
		s->nr = qy__depot_fetch(&b->mm->debug->depot, t->stack, &s->pc);
}

void qy__block_describe(struct qy_report *r, const struct qy__block *b)
{
	r->cache = b->cache;
	r->flags = b->flags;
	r->slab = b->start;
	r->object = qy__block_object(b);
	r->object_size = b->size;
	r->family_alloc = b->family;
	fill_stack(&r->alloc, b, &b->alloc);
	if (b->freed)
		fill_stack(&r->free, b, &b->free);
	if (b->closed)
		return;
	r->object_dump_len = b->size;
	if (!has(b, QY_SLAB_RED_ZONE))
		return;
	r->left_len = min(b->left, DUMP_ZONE);
	r->left = (const uint8_t *)r->object - r->left_len;
	r->right_len = min(right_size(b), DUMP_ZONE);
	r->right = right_zone(b);
}

void qy__block_report(struct qy_report *r, const struct qy__block *b, enum qy_report_kind kind,
		      const struct qy__call *call)
{
	qy__report_init(r, b->mm, kind, b->cache);
	qy__block_describe(r, b);
	if (!call)
		return;
	r->family_free = call->family;
	fill_stack(&r->here, b,
		   &(struct qy__track){.stack = call->stack,
				       .cpu = call->cpu,
				       .tid = call->tid,
				       .when = call->when});
	if (!r->here.nr && call->caller) { /* no unwinding here: a lock may be held */
		r->here.nr = 1;
		r->here.pc = &call->caller;
	}
}

void qy__block_check_claim(const struct qy__block *b, const struct qy__call *call)
{
	const struct qy__origin origin = {
		.known = true,
		.size = b->size,
		.align = b->align,
		.family = b->family,
	};
	enum qy_report_kind kind = qy__debug_mismatch(&origin, call);
	struct qy_report r;

	if (kind == QY_REPORT_NONE)
		return;
	qy__block_report(&r, b, kind, call);
	qy__debug_mismatch_title(&r, &origin, call);
	qy__report_emit(&r);
}
