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
	if (b->freed && b->poison) {
		qy__poison_fill(object + from, b->size - from, b->poison);
		return;
	}
	memset(object + from, QY_POISON_FREE, b->size - from);
	object[b->size - 1] = (char)QY_POISON_END;
}

static bool find_in_zone(const struct qy__block *b, uint8_t *zone, size_t size,
			 enum qy_report_kind kind, struct qy__damage *d)
{
	uint8_t value = b->freed ? QY_RED_INACTIVE : QY_RED_ACTIVE, *last;
	uint8_t *first = qy__find_not(zone, size, value, &last);

	if (!first)
		return false;
	*d = (struct qy__damage){
		.kind = kind,
		.what = kind == QY_REPORT_UNDERWRITE ? "Left Redzone" : "Right Redzone",
		.start = first,
		.end = last + 1,
		.expected = value,
		.fill = value,
	};
	return true;
}

bool qy__block_find_poison(const struct qy__block *b, struct qy__damage *d)
{
	return b->freed && has(b, QY_SLAB_POISON) &&
	       qy__poison_find(qy__block_object(b), b->size, b->poison, d);
}

bool qy__block_find_damage(const struct qy__block *b, struct qy__damage *d)
{
	if (has(b, QY_SLAB_RED_ZONE) &&
	    (find_in_zone(b, left_zone(b), b->left, QY_REPORT_UNDERWRITE, d) ||
	     find_in_zone(b, right_zone(b), right_size(b), QY_REPORT_OVERFLOW, d)))
		return true;
	return qy__block_find_poison(b, d);
}

static void repair(const struct qy__damage *d)
{
	if (d->word)
		qy__poison_fill(d->start, (size_t)(d->end - d->start), d->word);
	else
		memset(d->start, d->fill, (size_t)(d->end - d->start));
	if (d->poison_end)
		d->end[-1] = QY_POISON_END;
}

void qy__block_tell_damage(const struct qy__block *b, const struct qy__damage *d,
			   const struct qy__call *call)
{
	struct qy_report r;

	qy__block_report(&r, b, d->kind, call);
	qy__report_title(&r, "%s overwritten", d->what);
	r.damage = d->start;
	r.damage_len = (size_t)(d->end - d->start);
	r.damage_offset = (char *)d->start - qy__block_object(b);
	r.expected = d->expected;
	r.found = *d->start;
	qy__report_fix(&r, "Restoring %s 0x%lx-0x%lx=0x%x", d->what,
		       (unsigned long)(uintptr_t)d->start, (unsigned long)(uintptr_t)(d->end - 1),
		       d->fill);
	qy__report_emit(&r);
	repair(d);
}

unsigned int qy__block_check(const struct qy__block *b, const struct qy__call *call)
{
	struct qy__damage d;
	unsigned int n;

	for (n = 0; n < QY__BLOCK_REGIONS && qy__block_find_damage(b, &d); n++)
		qy__block_tell_damage(b, &d, call);
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
