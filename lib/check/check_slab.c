/* SPDX-License-Identifier: MIT */
/*
 * check_slab.c - caches and their slabs: S1, S2, S6, S7, S9, S12, U10 here; the rest in the
 * files that check_slab.h names.
 *
 * As with the buddy, two views are compared: the descriptors say which slabs there are and what
 * they hold, the lists and counters of a cache say what it believes.
 *
 *   registry → cache → lists → slab → free object
 *                    → sheaf per CPU → object         never both
 *
 * Locks: registry, then all caches of the batch. Sheaves belong to their CPUs: for a verdict on
 * them (U6, S9) the instance must be quiescent.
 */
#include "check/check_slab.h"

#include "check/walk.h"

/*
 * A slab's cache is not in the batch: it may be in another one. It may also be gone: then objects
 * were live when it was destroyed, and head and slabs stay as they were.
 */
static void check_stranger(struct qy__check *ck, uint32_t pfn, uint32_t ref)
{
	const struct qy_cache *c =
		(void *)((uintptr_t)ck->mm->base + (size_t)ref * QY__CACHE_ALIGN);

	qy__holds(ck, qy__check_struct(ck, c) && c->magic == QY__CACHE_MAGIC && c->mm == ck->mm,
		  "S6", "slab at page %u belongs to no cache (reference %u)", pfn, ref);
}

/* All pages of a slab name its cache. Tails point at the head: B8. */
static void check_slab_pages(struct qy__check *ck, const struct qy__tally *t, uint32_t pfn)
{
	const struct qy_page *slab = qy__check_page(ck, pfn);

	for (uint32_t i = 0; i < 1u << slab->order; i++)
		qy__holds(ck, (slab[i].flags & QY__PAGE_F_SLAB) && slab[i].slab.cache == t->ref,
			  "S6",
			  "%.31s: page %u of the slab at %u has flags %02x, cache reference %u",
			  t->c->name, pfn + i, pfn, slab[i].flags, slab[i].slab.cache);
}

/* Live bits in a block: as many as live objects were found in it. */
static void check_live_bits(struct qy__check *ck, uint32_t pfn, uint32_t pages, uint64_t expected)
{
	uint64_t n = qy__count_live_bits(ck, pfn, pages);

	qy__holds(ck, n == expected, "S7",
		  "block at page %u: %llu live bits, but %llu live objects", pfn,
		  (unsigned long long)n, (unsigned long long)expected);
}

/* Its objects' records: a block of their own. */
static void check_records(struct qy__check *ck, const struct qy__tally *t, uint32_t pfn)
{
	uint32_t records = qy__check_page(ck, pfn)->records;

	if (QY_CONFIG_DEBUG && t->c->layout.record)
		qy__holds(ck,
			  qy__check_pfn(ck, records) &&
				  qy__check_page(ck, records)->type == QY__PAGE_ALLOC,
			  "S6", "%.31s: the records of the slab at %u are not at %u", t->c->name,
			  pfn, records);
}

static void count_slab(struct qy__check *ck, struct qy__tally *t, uint32_t pfn)
{
	const struct qy_page *slab = qy__check_page(ck, pfn);

	if (t->flavour)
		t->flavour->check_slab_state(ck, t, pfn);
	t->slabs++;
	t->objects += slab->slab.objects;
	t->inuse += slab->slab.inuse;
	t->frozen += !!(slab->flags & QY__PAGE_F_FROZEN);
}

static void check_slab_of(struct qy__slab_walk *w, struct qy__tally *t, uint32_t pfn)
{
	struct qy__check *ck = w->ck;
	const struct qy_page *slab = qy__check_page(ck, pfn);
	const struct qy_cache *c = t->c;
	size_t block = QY_PAGE_SIZE << slab->order;
	unsigned int objects = slab->order == c->order ? c->objs_per_slab : c->min_objs;
	uint64_t live = t->live;

	check_slab_pages(ck, t, pfn);
	check_records(ck, t, pfn);
	count_slab(ck, t, pfn);
	if (!t->sane)
		return;
	qy__holds(ck, slab->order == c->order || slab->order == c->min_order, "U10",
		  "%.31s: slab at %u has order %u, not %u or %u", c->name, pfn, slab->order,
		  c->order, c->min_order);
	if (!qy__holds(ck,
		       slab->slab.objects == objects && (size_t)objects * c->layout.slot <= block &&
			       slab->slab.inuse <= objects,
		       "S2", "%.31s: slab at %u: %u of %u objects in use, there should be %u",
		       c->name, pfn, slab->slab.inuse, slab->slab.objects, objects))
		return;
	qy__holds(ck,
		  !(((uintptr_t)qy__check_pfn_addr(ck, pfn) + c->layout.red_left_pad) %
		    c->layout.align),
		  "S1", "%.31s: objects of the slab at %u are not aligned to %u", c->name, pfn,
		  c->layout.align);
	t->flavour->check_free_objects(w, t, pfn);
	if (t->debug)
		qy__check_slab_bytes(w, t, pfn);
	if (QY_CONFIG_DEBUG)
		check_live_bits(ck, pfn, 1u << slab->order, t->live - live);
}

/* One pass over the descriptors, from block to block. */
static void check_descriptors(struct qy__slab_walk *w, bool first_batch)
{
	struct qy__check *ck = w->ck;
	qy_slab_flags_t large = first_batch ? qy__check_large_flags(ck) : 0;
	uint32_t pages;

	for (uint32_t pfn = ck->min_pfn; pfn < ck->end_pfn; pfn += pages) {
		const struct qy_page *page = qy__check_page(ck, pfn);
		struct qy__tally *t;

		pages = qy__check_block_pages(ck, pfn);
		if (page->type != QY__PAGE_SLAB) {
			if (QY_CONFIG_DEBUG && first_batch)
				check_live_bits(ck, pfn, pages, 0);
			if (page->type == QY__PAGE_LARGE && pages > 1)
				qy__check_large(ck, pfn, large);
			continue;
		}
		t = qy__tally_find(w, page->slab.cache);
		if (!qy__holds(ck, page->order < 32 && pages == 1u << page->order, "S6",
			       "slab at page %u cannot have order %u", pfn, page->order))
			continue;
		if (t)
			check_slab_of(w, t, pfn);
		else if (first_batch)
			check_stranger(ck, pfn, page->slab.cache);
	}
}

/* What the cache believes of itself against what was seen. */
static void check_totals(struct qy__check *ck, const struct qy__tally *t)
{
	const char *name = t->c->name;

	if (!t->flavour)
		return;
	t->flavour->check_totals(ck, t);
	qy__holds(ck, t->parked <= t->inuse, "S9",
		  "%.31s: %llu objects in sheaves, only %llu in use", name,
		  (unsigned long long)t->parked, (unsigned long long)t->inuse);
	/* A frozen slab counts as full though nobody took its objects. */
	qy__holds(ck, t->frozen || t->c->high_water >= t->inuse, "S9",
		  "%.31s: %llu objects in use, high-water mark %llu", name,
		  (unsigned long long)t->inuse, (unsigned long long)t->c->high_water);
}

/* Heads, locked, until the batch is full. False: those were the last. */
static bool take_batch(struct qy__slab_walk *w, struct qy__cache_walk *caches)
{
	struct qy_cache *c;

	qy__tally_clear(w);
	while (w->nr < QY__TALLIES) {
		c = qy__cache_walk_next(caches);
		if (!c)
			return false;
		if (qy__check_lock(w->ck, &c->lock, c->name))
			qy__tally_add(w, c);
	}
	return true;
}

static void check_batch(struct qy__slab_walk *w, bool first_batch)
{
	for (unsigned int i = 0; i < w->nr; i++)
		qy__check_layout(w->ck, &w->tally[i]);
	qy__check_sheaf_sizes(w);
	qy__check_sheaf_objects(w);
	check_descriptors(w, first_batch);
	for (unsigned int i = 0; i < w->nr; i++) {
		check_totals(w->ck, &w->tally[i]);
		qy__check_unlock(w->ck, &w->tally[i].c->lock);
	}
}

void qy__check_slab(struct qy__check *ck)
{
	struct qy__cache_walk caches;
	struct qy__slab_walk w;
	bool first_batch = true, more = true;

	if (!qy__cache_walk_begin(&caches, ck))
		return;
	w.ck = ck;
	while (caches.locked && more) {
		more = take_batch(&w, &caches);
		check_batch(&w, first_batch);
		first_batch = false;
	}
	if (caches.locked) {
		qy__cache_walk_check(&caches);
		qy__check_kmalloc(ck);
	}
	qy__cache_walk_end(&caches);
}
