/* SPDX-License-Identifier: MIT */
/*
 * check_cache.c - heads of caches, their numbers and their sheaves: S8, S12, U5, U6, U10, U11.
 *
 * U10 is checked twice: the inequalities that any layout has to meet, written down here; and that
 * the numbers are those that a cache made just now would get.
 *
 * Locks: those of the caches are held by the caller. Sheaves have none.
 */
#include "check/check_slab.h"

#include <string.h>

#include "debug/debug.h"
#include "kmalloc/size_class.h"
#include "util/align.h"
#include "util/bitops.h"

#define SMALL_FILTER_WORDS 64 /* 4096 bits: enough for a hundred objects */

bool qy__check_head(struct qy__check *ck, const struct qy_cache *c)
{
	size_t len = sizeof(*c) + ((size_t)ck->mm->cpus.nr + 2) * sizeof(c->sheaf[0]);

	return qy__holds(ck,
			 !((uintptr_t)c % QY__CACHE_ALIGN) && qy__check_readable(ck, c, len) &&
				 c->magic == QY__CACHE_MAGIC && c->mm == ck->mm,
			 "S12", "registry: 0x%llx is no cache", (unsigned long long)(uintptr_t)c);
}

/* What any layout has to meet, so that a slot can be walked without stepping on the next one. */
static bool slot_is_sane(struct qy__check *ck, const struct qy_cache *c)
{
	const struct qy__layout *l = &c->layout;
	uint32_t end = l->slot - l->red_left_pad;

	if (!qy__holds(ck, qy__is_pow2(l->align) && l->align >= sizeof(void *), "U10",
		       "%.31s: alignment %u", c->name, l->align))
		return false;
	if (!qy__holds(ck,
		       l->object_size && l->object_size <= l->inuse && l->red_left_pad < l->slot &&
			       l->inuse <= end && l->offset <= end - sizeof(void *) &&
			       l->meta_end <= end && l->inuse <= l->meta_end &&
			       end >= sizeof(void *),
		       "U10",
		       "%.31s: object %u inuse %u meta %u pad %u offset %u do not fit in slot %u",
		       c->name, l->object_size, l->inuse, l->meta_end, l->red_left_pad, l->offset,
		       l->slot))
		return false;
	if (!qy__holds(ck,
		       !(l->slot % l->align) && !(l->red_left_pad % l->align) &&
			       !(l->offset % sizeof(void *)),
		       "U10", "%.31s: slot %u, pad %u or offset %u is not aligned", c->name,
		       l->slot, l->red_left_pad, l->offset))
		return false;
	return qy__holds(
		ck,
		(!l->track || (l->track >= l->inuse && !(l->track % 8) &&
			       l->track + 2 * sizeof(struct qy__track) <= l->meta_end)) &&
			(!l->orig_size || (l->orig_size >= l->inuse && !(l->orig_size % 8) &&
					   l->orig_size + sizeof(uint64_t) <= l->meta_end)),
		"U10", "%.31s: tracks at %u or request at %u reach beyond %u", c->name, l->track,
		l->orig_size, l->meta_end);
}

/* The same numbers, from what the cache was made of. */
static void check_layout_anew(struct qy__check *ck, const struct qy_cache *c)
{
	const struct qy__debug_state *debug = ck->mm->debug;
	unsigned int red_zone = 8;
	struct qy__layout l;

	if (qy__debug_has(c->flags, QY_SLAB_RED_ZONE)) {
		if (!qy__holds(ck, qy__check_struct(ck, debug), "MM",
			       "the debug state is not where it can be"))
			return;
		red_zone = debug->config.red_zone;
	}
	qy__holds(ck,
		  !qy__layout_object(&l, c->layout.object_size, c->layout.align, c->flags,
				     c->ctor != NULL, red_zone) &&
			  !memcmp(&l, &c->layout, sizeof(l)),
		  "U10", "%.31s: object %u align %u flags %x: slot %u and offset %u, not %u and %u",
		  c->name, c->layout.object_size, c->layout.align, c->flags, l.slot, l.offset,
		  c->layout.slot, c->layout.offset);
}

static uint32_t objects_of(uint32_t slot, uint32_t order)
{
	return (uint32_t)min((QY_PAGE_SIZE << order) / slot, (size_t)QY__MAX_OBJS_PER_SLAB);
}

static bool check_orders(struct qy__check *ck, const struct qy_cache *c)
{
	uint32_t slot = c->layout.slot, fits = qy__get_order(slot);
	int rule = qy__slub_order(slot, min(ck->mm->cpus.nr, 16u), ck->mm->max_order);

	if (!qy__holds(ck, c->order <= ck->mm->max_order && c->min_order <= c->order, "U11",
		       "%.31s: slab order %u, least %u, of %u", c->name, c->order, c->min_order,
		       ck->mm->max_order))
		return false;
	qy__holds(ck,
		  (int)c->order == rule && c->min_order == fits &&
			  c->order <= max((uint32_t)QY__SLAB_MAX_ORDER, fits),
		  "U11", "%.31s: slot %u has slab orders %u and %u, not %d and %u", c->name, slot,
		  c->order, c->min_order, rule, fits);
	return qy__holds(ck,
			 c->objs_per_slab == objects_of(slot, c->order) &&
				 c->min_objs == objects_of(slot, c->min_order) && c->min_objs > 0,
			 "U10", "%.31s: %u or %u objects per slab, should be %u or %u", c->name,
			 c->objs_per_slab, c->min_objs, objects_of(slot, c->order),
			 objects_of(slot, c->min_order));
}

static bool check_priv(struct qy__check *ck, struct qy__tally *t)
{
	const struct qy_cache *c = t->c;
	uintptr_t end = (uintptr_t)&c->sheaf[ck->mm->cpus.nr + 2], priv = (uintptr_t)c->priv;
	uint32_t least;

	if (!qy__holds(ck,
		       c->ops == &qy__slub_ops && qy__check_flag(&c->manual_cpu) ==
							  (ck->mm->cpus.provider == QY_CPU_MANUAL),
		       "S12", "%.31s: flavour or CPU provider is damaged", c->name))
		return false;
	if (!qy__holds(ck,
		       priv >= end && priv - end < 64 &&
			       qy__check_struct(ck, (struct qy__slub *)c->priv),
		       "S12", "%.31s: the flavour's part is not behind the head", c->name))
		return false;
	t->s = qy__slub(c);
	least = min(max(qy__ilog2(c->layout.slot | 1) / 2, 5u), 10u);
	qy__holds(ck, t->s->min_partial == least, "U5", "%.31s: min_partial is %u, not %u", c->name,
		  t->s->min_partial, least);
	return true;
}

void qy__check_layout(struct qy__check *ck, struct qy__tally *t)
{
	const struct qy_cache *c = t->c;

	t->debug = qy__cache_is_debug(c);
	qy__holds(ck, !(c->flags & QY_SLAB_DEBUG_FLAGS & ~QY__DEBUG_MASK), "U10",
		  "%.31s: flags %x are not in this build", c->name, c->flags);
	qy__holds(ck, c->sheaf_capacity <= (t->debug ? 0 : QY__SHEAF_MAX), "U6",
		  "%.31s: sheaf capacity is %u", c->name, c->sheaf_capacity);
	t->sane = check_priv(ck, t) && slot_is_sane(ck, c) && check_orders(ck, c);
	if (!t->sane)
		return;
	t->inverse = (uint32_t)(((UINT64_C(1) << 32) + c->layout.slot - 1) / c->layout.slot);
	check_layout_anew(ck, c);
}

/* ---- sheaves ---- */

/* The sheaf of a CPU if it can be read and its numbers are right; NULL: none, or damaged. */
static const struct qy__sheaf *sheaf_of(const struct qy__check *ck, const struct qy_cache *c,
					unsigned int cpu)
{
	const struct qy__sheaf *sheaf = qy__load_acquire(&c->sheaf[cpu]);

	if (sheaf == &qy__nobody_sheaf || !qy__check_struct(ck, sheaf))
		return NULL;
	if (sheaf->capacity != c->sheaf_capacity || c->sheaf_capacity > QY__SHEAF_MAX ||
	    sheaf->size > sheaf->capacity)
		return NULL;
	/* A small one may be the last thing in the span. */
	if (!qy__check_readable(ck, sheaf->objects, sheaf->capacity * sizeof(void *)))
		return NULL;
	return sheaf;
}

void qy__check_sheaf_sizes(struct qy__slab_walk *w)
{
	struct qy__check *ck = w->ck;
	uint64_t parked = 0;

	for (unsigned int n = 0; n < w->nr; n++) {
		struct qy__tally *t = &w->tally[n];
		const struct qy_cache *c = t->c;

		for (unsigned int cpu = 0; cpu < ck->mm->cpus.nr + 2; cpu++) {
			const struct qy__sheaf *sheaf = c->sheaf[cpu];

			if (likely(sheaf == &qy__nobody_sheaf))
				continue;
			sheaf = cpu < ck->mm->cpus.nr ? sheaf_of(ck, c, cpu) : NULL;
			if (qy__holds(ck, sheaf != NULL, "U6",
				      "%.31s: the sheaf of CPU %u is damaged", c->name, cpu))
				t->parked += sheaf->size;
		}
		ck->tests += ck->mm->cpus.nr + 2;
		parked += t->parked;
	}
	if (!parked)
		return;
	w->filter_bits = parked <= 128 ? qy__ilog2(SMALL_FILTER_WORDS * 64)
				       : qy__ilog2(QY__FILTER_WORDS * 64);
	memset(w->filter, 0, (size_t)1 << (w->filter_bits - 3));
}

static unsigned int filter_bit(const struct qy__slab_walk *w, const void *object)
{
	return (unsigned int)(((uintptr_t)object >> 3) * UINT64_C(0x9e3779b97f4a7c15) >>
			      (64 - w->filter_bits));
}

/* The place of @object among the objects in the sheaves of its cache, counted from 0; or -1. */
static int64_t parked_at(const struct qy__slab_walk *w, const struct qy__tally *t,
			 const void *object)
{
	int64_t at = 0;

	for (unsigned int cpu = 0; cpu < w->ck->mm->cpus.nr; cpu++) {
		const struct qy__sheaf *sheaf = sheaf_of(w->ck, t->c, cpu);

		for (uint32_t i = 0; sheaf && i < sheaf->size; i++, at++)
			if (sheaf->objects[i] == object)
				return at;
	}
	return -1;
}

bool qy__check_is_parked(const struct qy__slab_walk *w, const struct qy__tally *t,
			 const void *object)
{
	unsigned int bit = filter_bit(w, object);

	return (w->filter[bit / 64] >> (bit % 64) & 1) && parked_at(w, t, object) >= 0;
}

/* Is @object one of @t's? Then its slab can be read, too. */
static bool is_object(struct qy__slab_walk *w, const struct qy__tally *t, const void *object)
{
	struct qy__check *ck = w->ck;
	const struct qy_page *page;
	uint32_t pfn;

	if (!qy__check_readable(ck, object, 1))
		return false;
	pfn = qy__check_addr_pfn(ck, object);
	page = qy__check_page(ck, pfn);
	if (page->type == QY__PAGE_TAIL) {
		pfn = page->head;
		if (!qy__check_pfn(ck, pfn))
			return false;
		page = qy__check_page(ck, pfn);
	}
	if (page->type != QY__PAGE_SLAB || page->slab.cache != t->ref ||
	    page->order > ck->mm->max_order)
		return false;
	return qy__tally_index(t, (uintptr_t)qy__check_pfn_addr(ck, pfn),
			       (size_t)page->slab.objects * t->c->layout.slot, object) >= 0;
}

/* @at: the place of this object, counted as parked_at() does. */
static void check_parked_object(struct qy__slab_walk *w, const struct qy__tally *t,
				const void *object, int64_t at)
{
	unsigned int bit = filter_bit(w, object);
	struct qy__check *ck = w->ck;

	if (!qy__holds(ck, is_object(w, t, object), "U6",
		       "%.31s: 0x%llx in a sheaf is none of its objects", t->c->name,
		       (unsigned long long)(uintptr_t)object))
		return;
	qy__holds(ck, !qy__check_live(ck, object), "U6", "%.31s: object 0x%llx in a sheaf is live",
		  t->c->name, (unsigned long long)(uintptr_t)object);
	if (w->filter[bit / 64] >> (bit % 64) & 1)
		qy__holds(ck, parked_at(w, t, object) == at, "U6",
			  "%.31s: object 0x%llx is in sheaves twice", t->c->name,
			  (unsigned long long)(uintptr_t)object);
	w->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
}

void qy__check_sheaf_objects(struct qy__slab_walk *w)
{
	for (unsigned int n = 0; n < w->nr; n++) {
		const struct qy__tally *t = &w->tally[n];
		int64_t at = 0;

		for (unsigned int cpu = 0; t->parked && t->sane && cpu < w->ck->mm->cpus.nr;
		     cpu++) {
			const struct qy__sheaf *sheaf = sheaf_of(w->ck, t->c, cpu);

			for (uint32_t i = 0; sheaf && i < sheaf->size; i++)
				check_parked_object(w, t, sheaf->objects[i], at++);
		}
	}
}

/* ---- size classes ---- */

/* The class of each size is the smallest that holds it. */
static void check_index(struct qy__check *ck, const struct qy__kmalloc_state *km)
{
	uint32_t from = 1;

	for (unsigned int i = 0; i < km->nr_classes; i++) {
		uint32_t end = km->classes[i].size / 8 + 1;
		const uint8_t *bad = NULL;

		if (!qy__holds(ck, end > from && end <= sizeof(km->index), "S8",
			       "class %u of %u bytes is not larger than the one before it", i,
			       km->classes[i].size))
			return;
		bad = qy__check_bytes(&km->index[from], (uint8_t)i, end - from);
		qy__holds(ck, !bad, "S8", "%zu bytes have class %u, not %u of %u bytes",
			  bad ? (size_t)(bad - km->index) * 8 : 0, bad ? *bad : 0, i,
			  km->classes[i].size);
		from = end;
	}
	qy__holds(ck, from == sizeof(km->index), "S8", "the largest class has %u bytes, not %zu",
		  (from - 1) * 8, (sizeof(km->index) - 1) * 8);
}

void qy__check_kmalloc(struct qy__check *ck)
{
	const struct qy__kmalloc_state *km = ck->mm->kmalloc;
	size_t most = (QY_PAGE_SIZE << ck->mm->max_order) / 2;
	unsigned int nr;

	if (!km || !qy__holds(ck, qy__check_struct(ck, km), "MM",
			      "the size classes are not where they can be"))
		return;
	nr = km->nr_classes + km->nr_aligned;
	if (!nr) /* not up yet */
		return;
	if (!qy__holds(ck, km->nr_classes <= QY__KMALLOC_CLASSES && nr <= QY__KMALLOC_CLASSES, "S8",
		       "%u and %u size classes", km->nr_classes, km->nr_aligned))
		return;
	check_index(ck, km);
	for (unsigned int i = 0; i < nr; i++) {
		const struct qy__size_class *class = &km->classes[i];

		/* A class that no block can hold, with its red zones, has none. */
		if (!class->cache) {
			qy__holds(ck, QY_CONFIG_DEBUG || class->size > most, "S8",
				  "class of %u bytes has no cache", class->size);
			continue;
		}
		if (!qy__check_head(ck, class->cache))
			return;
		qy__holds(ck,
			  class->cache->layout.object_size == class->size &&
				  class->cache->layout.align >= class->align &&
				  qy__is_pow2(class->align),
			  "S8", "class of %u bytes aligned to %u has cache %.31s", class->size,
			  class->align, class->cache->name);
	}
}
