/* SPDX-License-Identifier: MIT */
/*
 * check_sheaf.c - objects that wait in a CPU's sheaf: U6; and that none of them is on its slab's
 * freelist as well: S7, U6.
 *
 * Locks: those of the caches are held by the caller. Sheaves have none.
 */
#include "check/check_slab.h"

#include <string.h>

#include "util/bitops.h"

#define SMALL_FILTER_WORDS 64 /* 4096 bits: enough for a hundred objects */

/* The sheaf of a CPU that has none. */
static const struct qy__sheaf *nobody(const struct qy__check *ck)
{
	return &ck->mm->slab->nobody;
}

const struct qy__sheaf *qy__check_sheaf(const struct qy__check *ck, const struct qy_cache *c,
					unsigned int cpu)
{
	const struct qy__sheaf *sheaf = qy__load_acquire(&c->sheaf[cpu]);

	if (sheaf == nobody(ck) || !qy__check_struct(ck, sheaf))
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

	qy__holds(ck, !nobody(ck)->size && !nobody(ck)->capacity, "U6",
		  "the sheaf of CPUs that have none holds %u of %u objects", nobody(ck)->size,
		  nobody(ck)->capacity);
	for (unsigned int n = 0; n < w->nr; n++) {
		struct qy__tally *t = &w->tally[n];
		const struct qy_cache *c = t->c;

		for (unsigned int cpu = 0; cpu < ck->mm->cpus.nr + 2; cpu++) {
			const struct qy__sheaf *sheaf = c->sheaf[cpu];

			if (likely(sheaf == nobody(ck)))
				continue;
			sheaf = cpu < ck->mm->cpus.nr ? qy__check_sheaf(ck, c, cpu) : NULL;
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
		const struct qy__sheaf *sheaf = qy__check_sheaf(w->ck, t->c, cpu);

		for (uint32_t i = 0; sheaf && i < sheaf->size; i++, at++)
			if (sheaf->objects[i] == object)
				return at;
	}
	return -1;
}

static bool is_parked(const struct qy__slab_walk *w, const struct qy__tally *t, const void *object)
{
	unsigned int bit = filter_bit(w, object);

	return (w->filter[bit / 64] >> (bit % 64) & 1) && parked_at(w, t, object) >= 0;
}

void qy__check_free_object(struct qy__slab_walk *w, const struct qy__tally *t, uint32_t pfn,
			   const void *object)
{
	struct qy__check *ck = w->ck;

	qy__holds(ck, !qy__check_live(ck, object), "S7",
		  "%.31s: free object +0x%zx of the slab at %u is live", t->c->name,
		  (size_t)((uintptr_t)object - (uintptr_t)qy__check_pfn_addr(ck, pfn)), pfn);
	if (t->parked)
		qy__holds(
			ck, !is_parked(w, t, object), "U6",
			"%.31s: object +0x%zx of the slab at %u is on its freelist and in a sheaf",
			t->c->name,
			(size_t)((uintptr_t)object - (uintptr_t)qy__check_pfn_addr(ck, pfn)), pfn);
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
			const struct qy__sheaf *sheaf = qy__check_sheaf(w->ck, t->c, cpu);

			for (uint32_t i = 0; sheaf && i < sheaf->size; i++)
				check_parked_object(w, t, sheaf->objects[i], at++);
		}
	}
}
