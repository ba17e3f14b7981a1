/* SPDX-License-Identifier: MIT */
/*
 * overrun.c - a write that ran over more than one object: whose it was, how far it went.
 *
 *   … [left | object | right] [left | object | right] [left | object | right] …
 *             origin    ######################################  ← found here, or anywhere in it
 *
 * Damage that reaches the border of its slot goes on behind it. From where it was found one goes
 * back from slot to slot, over the border to the next slab or large block, as long as the zones
 * between are damaged; then forward again, to count the objects that were run over and to put
 * their zones right, so that the one write is one report. A live object's own bytes say nothing:
 * they are neither judged nor repaired.
 *
 * The bytes written may be the very ones of a zone. If the damage is all of one value, that value
 * is no reason to stop; the origin is then where the first byte that is really wrong lies.
 *
 * Only slots whose records lie apart (layout.c) are looked at: there nothing is between two zones
 * but the user's bytes.
 *
 * Locks: the caller holds that of the cache, or the large block, he comes from. Those of the
 * neighbours' are tried, not waited for: where they cannot be had at once, one stops.
 */
#include <string.h>

#include "debug/debug.h"
#include "util/bytes.h"

#define MOST_STEPS 65536u /* slots and foreign pages, there and back */
#define MOST_CACHES 64u	  /* locked beside the caller's */
#define CLEAN 8u	  /* so many sound bytes in a row end a run */
#define LEAST_EQUAL 8u	  /* so many equal damaged bytes make a value */
#define EDGE 64u	  /* bytes of a page between that are looked at, at each end */

/* Of one object: what may be damaged, and what must be there. */
struct unit {
	struct qy_cache *c; /* NULL: a large block */
	struct qy_page *head;
	unsigned int index;
	/* zones: [left, object), [zone, end); the slab's own padding: [end, pad_end) */
	uint8_t *left, *object, *zone, *end, *pad_end;
	uint8_t value; /* of the zones */
	bool live;
};

enum part { LEFT, BODY, RIGHT };

struct walk {
	struct qy_mm *mm;
	const struct qy__overrun *from;
	struct qy_cache *locked[MOST_CACHES];
	unsigned int nr_locked, steps;
	bool large_locked;
	uint8_t *over; /* pages without zones before this were run over */
	bool uniform;  /* the damage is all @fill */
	uint8_t fill;
	/* the first byte that is really wrong */
	uint8_t *first;
	uint8_t expected; /* there */
	struct unit holder;
	enum part part;
	struct unit start; /* the run came out of its end, and not in at its start */
	bool has_start;
};

/* What became of it. */
struct run {
	struct unit origin;
	enum qy_report_kind kind;
	uint8_t *first, *end;
	uint8_t expected, found; /* at first */
	size_t victims;
	bool at_least; /* it may have gone on in a live object */
};

/* ---- locks ---- */

static bool hold_cache(struct walk *w, struct qy_cache *c)
{
	if (c == w->from->c)
		return true;
	for (unsigned int i = 0; i < w->nr_locked; i++)
		if (w->locked[i] == c)
			return true;
	if (w->nr_locked == MOST_CACHES || !qy__trylock(&c->lock))
		return false;
	w->locked[w->nr_locked++] = c;
	return true;
}

static bool hold_large(struct walk *w)
{
	if (!w->from->large_held && !w->large_locked)
		w->large_locked = qy__trylock(&w->mm->debug->large_lock);
	return w->from->large_held || w->large_locked;
}

static void let_go(struct walk *w)
{
	for (unsigned int i = 0; i < w->nr_locked; i++)
		qy__unlock(&w->locked[i]->lock);
	if (w->large_locked)
		qy__unlock(&w->mm->debug->large_lock);
}

/* ---- units ---- */

/* Object @index of a slab, the last one if there are not so many. */
static bool slab_unit(struct walk *w, struct qy_page *head, unsigned int index, struct unit *u)
{
	uint32_t ref = head->slab.cache;
	struct qy_cache *c = qy__ref_cache(w->mm, ref);
	const struct qy__layout *l = &c->layout;
	uint8_t *block = qy__page_addr(w->mm, head);
	size_t size;

	if (!qy__addr_page(w->mm, c) || c->magic != QY__CACHE_MAGIC || !l->record ||
	    !hold_cache(w, c))
		return false;
	if (head->type != QY__PAGE_SLAB || head->slab.cache != ref || !head->slab.objects)
		return false;
	*u = (struct unit){.c = c, .head = head};
	u->index = min(index, head->slab.objects - 1u);
	u->object = qy__slab_object(c, head, u->index);
	u->live = qy__debug_is_live(w->mm, u->object);
	size = u->live ? qy__debug_object_size(c, u->object) : l->object_size;
	u->left = u->object - l->red_left_pad;
	u->zone = u->object + size;
	u->end = u->pad_end = u->object + l->inuse;
	u->value = u->live ? QY_RED_ACTIVE : QY_RED_INACTIVE;
	if (u->index + 1u == head->slab.objects && qy__debug_has(c->flags, QY_SLAB_POISON))
		u->pad_end = block + (QY_PAGE_SIZE << head->order);
	return true;
}

static bool large_unit(struct walk *w, struct qy_page *head, struct unit *u)
{
	bool own = head == w->from->large;

	if (!qy__debug_has(qy__debug_large_flags(w->mm), QY_SLAB_RED_ZONE) ||
	    !(own || hold_large(w)) || head->type != QY__PAGE_LARGE)
		return false;
	if (!own && head->large.live == QY__LARGE_IN_CHANGE)
		return false;
	*u = (struct unit){.head = head, .left = qy__page_addr(w->mm, head)};
	u->live = own ? !w->from->large_freed : head->large.live == QY__LARGE_LIVE;
	u->object = u->left + head->large.offset;
	u->zone = u->object + head->large.size;
	u->end = u->pad_end = u->left + (QY_PAGE_SIZE << head->order);
	u->value = u->live ? QY_RED_ACTIVE : QY_RED_INACTIVE;
	return true;
}

static bool all_equal(const uint8_t *p, size_t n, uint8_t value)
{
	return !qy__find_not(p, n, value, NULL);
}

/* May the run have gone over this page, which has no zones of ours? Only a value can tell. */
static bool goes_over(const struct walk *w, const struct qy_page *page)
{
	const uint8_t *p = qy__page_addr(w->mm, page);

	if (!w->uniform || page->type == QY__PAGE_OFFLINE || page->type == QY__PAGE_RESERVED ||
	    page->type == QY__PAGE_GUARD || page->type == QY__PAGE_HOLE ||
	    (w->mm->page_debug.on & QY_PAGE_UNMAP))
		return false;
	return all_equal(p, EDGE, w->fill) && all_equal(p + QY_PAGE_SIZE - EDGE, EDGE, w->fill);
}

/* The unit that page @pfn is part of; pages that are none are passed by, in steps of @step. */
static bool unit_from(struct walk *w, uint32_t pfn, int step, struct unit *u)
{
	for (; qy__pfn_valid(w->mm, pfn) && w->steps < MOST_STEPS; pfn += (uint32_t)step) {
		struct qy_page *page = qy__pfn_page(w->mm, pfn), *head = qy__page_head(w->mm, page);
		unsigned int type = qy__load_acquire(&head->type);

		w->steps++;
		if (type == QY__PAGE_SLAB && (qy__page_flags(head) & QY__PAGE_F_SLAB) &&
		    slab_unit(w, head, step < 0 ? UINT32_MAX : 0, u))
			return true;
		if (type == QY__PAGE_LARGE)
			return large_unit(w, head, u);
		if (!goes_over(w, page))
			return false;
		w->over = (uint8_t *)qy__page_addr(w->mm, page) + QY_PAGE_SIZE;
	}
	return false;
}

static bool unit_before(struct walk *w, const struct unit *u, struct unit *before)
{
	if (u->c && u->index)
		return w->steps++ < MOST_STEPS && slab_unit(w, u->head, u->index - 1, before);
	return unit_from(w, qy__page_pfn(w->mm, u->head) - 1, -1, before);
}

static bool unit_behind(struct walk *w, const struct unit *u, struct unit *behind)
{
	if (u->c && u->index + 1u < u->head->slab.objects)
		return w->steps++ < MOST_STEPS && slab_unit(w, u->head, u->index + 1, behind);
	return unit_from(w, qy__page_pfn(w->mm, u->head) + (1u << u->head->order), 1, behind);
}

/* ---- runs of damaged bytes ---- */

static bool is_odd(const struct walk *w, uint8_t byte, uint8_t value)
{
	return byte != value || (w->uniform && byte == w->fill);
}

/* Bytes of a run that comes in at the start of [p, end). */
static size_t lead(const struct walk *w, const uint8_t *p, const uint8_t *end, uint8_t value)
{
	size_t run = 0, n = (size_t)(end - p);

	for (size_t i = 0; i < n && i < run + CLEAN; i++)
		if (is_odd(w, p[i], value))
			run = i + 1;
	return run;
}

/* Bytes of a run that goes out at its end. */
static size_t tail(const struct walk *w, const uint8_t *p, const uint8_t *end, uint8_t value)
{
	size_t run = 0, n = (size_t)(end - p);

	for (size_t i = 0; i < n && i < run + CLEAN; i++)
		if (is_odd(w, end[-1 - (ptrdiff_t)i], value))
			run = i + 1;
	return run;
}

static bool is_whole(size_t run, const uint8_t *p, const uint8_t *end)
{
	return run + CLEAN > (size_t)(end - p);
}

/* Damage of a freed body. */
static bool body_damage(const struct walk *w, const struct unit *u, struct qy__damage *d)
{
	if (u->live)
		return false;
	return u->c ? qy__debug_find_poison(u->c, u->object, d)
		    : qy__debug_large_find_poison(w->mm, u->head, d);
}

/* May a run that damaged the zone in front have gone on over the object? */
static bool over_body(const struct walk *w, const struct unit *u)
{
	struct qy__damage d;

	if (!u->live)
		return body_damage(w, u, &d) && d.start < u->object + CLEAN;
	return !(w->uniform && w->fill == u->value) ||
	       all_equal(u->object, (size_t)(u->zone - u->object), w->fill);
}

/* ---- back ---- */

static void note(struct walk *w, uint8_t *first, uint8_t expected, const struct unit *u,
		 enum part part)
{
	if (!first || first >= w->first)
		return;
	w->first = first;
	w->expected = expected;
	w->holder = *u;
	w->part = part;
}

static void note_zone(struct walk *w, uint8_t *from, const uint8_t *end, const struct unit *u,
		      enum part part)
{
	note(w, qy__find_not(from, (size_t)(end - from), u->value, NULL), u->value, u, part);
}

/* Does a run come out of @u at its end? */
static bool runs_out(const struct walk *w, const struct unit *u)
{
	return tail(w, u->zone, u->end, u->value) &&
	       (u->pad_end == u->end || tail(w, u->end, u->pad_end, QY_POISON_INUSE));
}

/* A run comes out of @u's object: did it come in in front of it? */
static bool ran_over(struct walk *w, const struct unit *u)
{
	struct qy__damage d;

	if (!is_whole(tail(w, u->left, u->object, u->value), u->left, u->object) ||
	    !over_body(w, u))
		return false;
	if (body_damage(w, u, &d))
		note(w, d.start, d.expected, u, BODY);
	note_zone(w, u->left, u->object, u, LEFT);
	return true;
}

static void go_back(struct walk *w, const struct unit *from, bool came_in)
{
	struct unit u = *from, before;

	while (came_in && unit_before(w, &u, &before) && runs_out(w, &before)) {
		size_t n = tail(w, before.zone, before.end, before.value);

		u = before;
		note_zone(w, u.end - n, u.end, &u, RIGHT);
		came_in = ran_over(w, &u);
		w->start = u;
		w->has_start = !came_in;
	}
}

/*
 * It did not begin right behind the object before, but ended right in front of this one: it is this
 * one's, written before its start.
 */
static bool is_long_underwrite(struct walk *w, const struct unit *found)
{
	struct unit before;

	return w->holder.object != found->object && w->first > w->holder.zone &&
	       unit_before(w, found, &before) && before.object == w->holder.object &&
	       is_odd(w, found->object[-1], found->value) &&
	       !lead(w, found->zone, found->end, found->value) &&
	       !(w->uniform && found->live && *found->object == w->fill);
}

/* A run that comes in at the start of an object's zone: is there more of it behind that? */
static bool goes_through(const struct walk *w, const struct unit *u)
{
	return w->first < u->left + CLEAN && over_body(w, u) &&
	       (!u->live || (u->zone < u->end && *u->zone != u->value));
}

/* Whose it was, by the first wrong byte. false: nothing to be said beyond where it was found. */
static bool find_origin(struct walk *w, const struct unit *found, struct run *run)
{
	run->origin = w->holder;
	switch (w->part) {
	case RIGHT:
		run->kind = QY_REPORT_OVERFLOW;
		if (is_long_underwrite(w, found)) {
			run->kind = QY_REPORT_UNDERWRITE;
			run->origin = *found;
		}
		return true;
	case BODY: run->kind = QY_REPORT_USE_AFTER_FREE; return w->holder.object != found->object;
	case LEFT: break;
	}
	/* In front of it the value cannot be seen, in the zones of live objects. */
	if (w->first == w->holder.left && w->uniform && w->fill == QY_RED_ACTIVE && w->has_start &&
	    w->start.live) {
		run->origin = w->start;
		run->kind = QY_REPORT_OVERFLOW;
		return true;
	}
	run->kind = QY_REPORT_UNDERWRITE;
	return w->holder.object != found->object || goes_through(w, found);
}

/* ---- forward ---- */

static void mend_body(struct walk *w, const struct unit *u, struct run *run)
{
	struct qy__damage d;

	while (body_damage(w, u, &d)) {
		run->end = max(run->end, d.end);
		qy__debug_repair(&d);
	}
}

/* A live object's bytes of the run's value, if it has one. */
static uint8_t *end_in_body(const struct walk *w, const struct unit *u)
{
	uint8_t *p = u->object;

	while (w->uniform && p < u->zone && *p == w->fill)
		p++;
	return p;
}

/* Repair a zone that a run comes into. true: it goes on behind it. */
static bool mend_zone(struct walk *w, uint8_t *p, uint8_t *end, uint8_t value, struct run *run)
{
	size_t n = lead(w, p, end, value);
	uint8_t *last = NULL;

	if (qy__find_not(p, n, value, &last))
		run->end = max(run->end, last + 1);
	memset(p, value, n);
	return n && is_whole(n, p, end);
}

/* Behind the object, from @from on. */
static bool mend_behind(struct walk *w, const struct unit *u, uint8_t *from, struct run *run)
{
	if (from < u->end && !mend_zone(w, from, u->end, u->value, run))
		return false;
	return u->pad_end == u->end || mend_zone(w, u->end, u->pad_end, QY_POISON_INUSE, run);
}

/* An object that was run over. true: the run goes on behind it. */
static bool mend_victim(struct walk *w, const struct unit *u, struct run *run)
{
	uint8_t *before = run->end;
	bool over = over_body(w, u), on;

	on = mend_zone(w, u->left, u->object, u->value, run) && over;
	if (on && u->live)
		run->end = max(run->end, end_in_body(w, u));
	if (on)
		mend_body(w, u, run);
	/* The run's last byte is in the object if the zone behind it is whole. */
	if (on && !lead(w, u->zone, u->end, u->value)) {
		run->at_least = u->live;
		on = false;
	}
	run->victims += run->end > before;
	return on && mend_behind(w, u, u->zone, run);
}

/* From the first wrong byte on. */
static void go_forward(struct walk *w, struct run *run)
{
	struct unit u = w->holder, next;
	bool on;

	run->first = run->end = w->first;
	run->expected = w->expected;
	run->found = *run->first;
	on = w->part == RIGHT ? mend_behind(w, &u, run->first, run) : mend_victim(w, &u, run);
	if (u.object == run->origin.object)
		run->victims = 0;
	while (on && unit_behind(w, &u, &next)) {
		u = next;
		on = mend_victim(w, &u, run);
	}
	/* It came to pages of which nothing is known. */
	if (on) {
		run->end = max(run->end, w->over);
		run->at_least = true;
	}
	if (run->kind == QY_REPORT_UNDERWRITE && w->part == RIGHT && run->victims)
		run->victims--; /* the object itself */
}

/* ---- both ---- */

static void tell(struct walk *w, const struct run *run, const char *then,
		 const struct qy__call *call)
{
	const struct unit *o = &run->origin;
	struct qy_report r;

	qy__report_init(&r, w->mm, run->kind, o->c ? o->c->name : "kmalloc-large");
	if (o->c)
		qy__debug_describe(&r, o->c, o->head, o->object, call);
	else
		qy__debug_large_describe(&r, w->mm, o->head);
	qy__debug_describe_call(&r, w->mm, call);
	r.family_free = call ? call->family : QY_FAMILY_NONE;
	qy__report_title(&r, "%s overwritten",
			 run->kind == QY_REPORT_OVERFLOW     ? "Right Redzone"
			 : run->kind == QY_REPORT_UNDERWRITE ? "Left Redzone"
							     : "Poison");
	r.damage = run->first;
	r.damage_len = (size_t)(run->end - run->first);
	r.damage_offset = run->first - o->object;
	r.expected = run->expected;
	r.found = run->found;
	r.victims = run->victims;
	r.at_least = run->at_least;
	qy__report_fix(&r, "Restoring Redzones 0x%lx-0x%lx=0x%x%s%s",
		       (unsigned long)(uintptr_t)run->first,
		       (unsigned long)(uintptr_t)(run->end - 1), run->expected, then ? "; " : "",
		       then ? then : "");
	qy__report_emit(&r);
}

/* What is at @d: a value, and which part of the unit. */
static void begin(struct walk *w, const struct unit *u, const struct qy__damage *d)
{
	size_t len = (size_t)(d->end - d->start);

	w->fill = *d->start;
	w->uniform = len >= LEAST_EQUAL && all_equal(d->start, len, w->fill);
	w->first = (uint8_t *)UINTPTR_MAX;
	note(w, d->start, d->expected, u,
	     d->start < u->object ? LEFT
	     : d->start < u->zone ? BODY
				  : RIGHT);
}

/* Does the damage come in at the unit's start, or go out at its end? */
static bool comes_in(struct walk *w, const struct unit *u)
{
	size_t n = lead(w, u->left, u->object, u->value);

	if (w->part == LEFT)
		return w->first < u->left + CLEAN && n;
	return ran_over(w, u);
}

bool qy__debug_overrun(const struct qy__overrun *from, const struct qy__damage *d, const char *then,
		       const struct qy__call *call)
{
	struct walk w = {.mm = from->mm, .from = from};
	struct run run = {.victims = 0};
	struct unit found;
	bool told = false, in, out;

	if (!(from->c ? slab_unit(&w, from->slab, from->index, &found)
		      : large_unit(&w, from->large, &found)))
		return false;
	begin(&w, &found, d);
	/* Behind the last object: it came over that one, or out of it. */
	if (from->c && from->index >= from->slab->slab.objects) {
		in = lead(&w, found.end, found.pad_end, QY_POISON_INUSE) &&
		     tail(&w, found.zone, found.end, found.value);
		if (in)
			note_zone(&w, found.end - tail(&w, found.zone, found.end, found.value),
				  found.end, &found, RIGHT);
		out = in;
		in = in && ran_over(&w, &found);
	} else {
		in = comes_in(&w, &found);
		out = runs_out(&w, &found) && (w.part == RIGHT || in);
	}
	if (in || out) {
		go_back(&w, &found, in);
		told = find_origin(&w, &found, &run);
	}
	if (told) {
		go_forward(&w, &run);
		tell(&w, &run, then, call);
	}
	let_go(&w);
	return told;
}
