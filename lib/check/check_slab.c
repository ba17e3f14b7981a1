/* SPDX-License-Identifier: MIT */
/*
 * check_slab.c - caches and their slabs: S1-S7, S9, S12, U5, U13 here; the rest of S8, S10, U6,
 * U10-U14 in check_cache.c and check_object.c.
 *
 * As with the buddy, two views are compared: the descriptors say which slabs there are and what
 * they hold, the lists and counters of a cache say what it believes.
 *
 *   registry → cache → partial list → slab ─ freelist → object → object → NULL
 *                    → full list (debug)                  ↑
 *                    → sheaf per CPU ─────────────────────┘ never both
 *
 * A walk along a freelist that ends within `objects` steps has met no object twice, for the next
 * one is a function of the last: length and end are all that S3 needs.
 *
 * Locks: registry, then all caches of the batch. Sheaves belong to their CPUs: for a verdict on
 * them (U6, S9) the instance must be quiescent.
 */
#include "check/check_slab.h"

#include <string.h>

#include "util/bitops.h"

#define MAX_CACHES 8192 /* more than can be made: where a walk along damaged links ends */

static unsigned int ref_hash(uint32_t ref)
{
	return ref * UINT32_C(2654435761) >> 24;
}

struct qy__tally *qy__tally_find(struct qy__slab_walk *w, uint32_t ref)
{
	unsigned int at = ref_hash(ref), n;

	/* Fewer tallies than places: an empty one ends the search. */
	while ((n = w->index[at]) != 0) {
		if (w->tally[n - 1].ref == ref)
			return &w->tally[n - 1];
		at = (at + 1) % ARRAY_SIZE(w->index);
	}
	return NULL;
}

static void add_tally(struct qy__slab_walk *w, struct qy_cache *c)
{
	struct qy__tally *t = &w->tally[w->nr++];
	unsigned int at;

	memset(t, 0, sizeof(*t));
	t->c = c;
	t->ref = (uint32_t)(((uintptr_t)c - (uintptr_t)w->ck->mm->base) / QY__CACHE_ALIGN);
	at = ref_hash(t->ref);
	while (w->index[at])
		at = (at + 1) % ARRAY_SIZE(w->index);
	w->index[at] = (uint8_t)w->nr;
}

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

/* Which list a slab says it is on, by what it holds. */
static void check_slab_state(struct qy__check *ck, struct qy__tally *t, uint32_t pfn)
{
	const struct qy_page *slab = qy__check_page(ck, pfn);
	unsigned int state = slab->flags &
			     (QY__PAGE_F_FROZEN | QY__PAGE_F_FULL | QY__PAGE_F_PARTIAL);
	unsigned int want = t->debug ? QY__PAGE_F_FULL : 0;

	if (slab->flags & QY__PAGE_F_FROZEN)
		want = QY__PAGE_F_FROZEN | QY__PAGE_F_FULL;
	else if (slab->slab.inuse < slab->slab.objects)
		want = QY__PAGE_F_PARTIAL;
	qy__holds(ck, state == want, "S4",
		  "%.31s: slab at %u with %u of %u objects in use has flags %02x", t->c->name, pfn,
		  slab->slab.inuse, slab->slab.objects, slab->flags);
	t->slabs++;
	t->objects += slab->slab.objects;
	t->inuse += slab->slab.inuse;
	t->partial += !!(slab->flags & QY__PAGE_F_PARTIAL);
	t->full += !!(slab->flags & QY__PAGE_F_FULL);
	t->frozen += !!(slab->flags & QY__PAGE_F_FROZEN);
	t->empty += !slab->slab.inuse && !(slab->flags & QY__PAGE_F_FROZEN);
}

/* One object of a freelist: not live, and not in a sheaf as well. */
static void check_free_object(struct qy__slab_walk *w, const struct qy__tally *t, uint32_t pfn,
			      const void *object)
{
	struct qy__check *ck = w->ck;

	qy__holds(ck, !qy__check_live(ck, object), "S7",
		  "%.31s: free object +0x%zx of the slab at %u is live", t->c->name,
		  (size_t)((uintptr_t)object - (uintptr_t)qy__check_pfn_addr(ck, pfn)), pfn);
	if (t->parked)
		qy__holds(
			ck, !qy__check_is_parked(w, t, object), "U6",
			"%.31s: object +0x%zx of the slab at %u is on its freelist and in a sheaf",
			t->c->name,
			(size_t)((uintptr_t)object - (uintptr_t)qy__check_pfn_addr(ck, pfn)), pfn);
}

static void check_freelist(struct qy__slab_walk *w, const struct qy__tally *t, uint32_t pfn)
{
	struct qy__check *ck = w->ck;
	const struct qy_page *slab = qy__check_page(ck, pfn);
	uintptr_t start = (uintptr_t)qy__check_pfn_addr(ck, pfn);
	size_t used = (size_t)slab->slab.objects * t->c->layout.slot; /* S1: index < objects */
	unsigned int n = 0;

	for (const void *object = slab->slab.freelist; object; n++) {
		if (unlikely(qy__tally_index(t, start, used, object) < 0)) {
			qy__violation(ck, n ? "U13" : "S1", "%.31s: %s of the slab at %u is 0x%llx",
				      t->c->name, n ? "a free pointer" : "the freelist", pfn,
				      (unsigned long long)(uintptr_t)object);
			qy__violation(
				ck, "S3",
				"%.31s: freelist of the slab at %u leaves it after %u objects",
				t->c->name, pfn, n);
			return;
		}
		if (unlikely(n >= slab->slab.objects)) {
			qy__violation(ck, "S3", "%.31s: freelist of the slab at %u has a cycle",
				      t->c->name, pfn);
			return;
		}
		check_free_object(w, t, pfn, object);
		object = qy__slub_get_free(t->c, object);
	}
	ck->tests += n;
	qy__holds(ck, n + slab->slab.inuse == slab->slab.objects, "S2",
		  "%.31s: slab at %u: %u objects in use and %u free, of %u", t->c->name, pfn,
		  slab->slab.inuse, n, slab->slab.objects);
}

/* Live bits in a block: as many as live objects were found in it. */
static void check_live_bits(struct qy__check *ck, uint32_t pfn, uint32_t pages, uint64_t expected)
{
	const uint64_t *word = ck->live + (size_t)(pfn - ck->min_pfn) * (QY_PAGE_SIZE / 512);
	uint64_t n = 0;

	for (size_t i = 0; i < pages * (QY_PAGE_SIZE / 512); i++)
		if (unlikely(word[i]))
			n += (unsigned int)__builtin_popcountll(word[i]);
	qy__holds(ck, n == expected, "S7",
		  "block at page %u: %llu live bits, but %llu live objects", pfn,
		  (unsigned long long)n, (unsigned long long)expected);
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
	check_slab_state(ck, t, pfn);
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
	check_freelist(w, t, pfn);
	if (t->debug)
		qy__check_slab_bytes(w, t, pfn);
	if (QY_CONFIG_DEBUG)
		check_live_bits(ck, pfn, 1u << slab->order, t->live - live);
}

/* Blocks that cannot be believed are stepped through. */
static uint32_t block_pages(const struct qy__check *ck, uint32_t pfn)
{
	const struct qy_page *page = qy__check_page(ck, pfn);

	if (page->type != QY__PAGE_BUDDY && page->type != QY__PAGE_ALLOC &&
	    page->type != QY__PAGE_SLAB && page->type != QY__PAGE_LARGE)
		return 1;
	if (page->order > ck->mm->max_order || 1u << page->order > ck->end_pfn - pfn)
		return 1;
	return 1u << page->order;
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

		pages = block_pages(ck, pfn);
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

/* A list of slabs; @count were seen by the pass over the descriptors with @flag. */
static void check_list(struct qy__check *ck, const struct qy__tally *t,
		       const struct qy__slab_list *list, unsigned int flag, uint32_t count)
{
	const char *what = flag == QY__PAGE_F_FULL ? "full" : "partial";
	uint32_t prev = QY__PFN_NONE, n = 0;

	for (uint32_t pfn = list->head; pfn != QY__PFN_NONE && n <= count; n++) {
		const struct qy_page *slab;

		if (!qy__holds(ck, qy__check_pfn(ck, pfn), "S4",
			       "%.31s: %s list: link to page %u, not there", t->c->name, what, pfn))
			return;
		slab = qy__check_page(ck, pfn);
		if (!qy__holds(ck,
			       slab->type == QY__PAGE_SLAB && slab->slab.cache == t->ref &&
				       (slab->flags & flag),
			       "S4",
			       "%.31s: %s list: page %u is no such slab (type %u, flags %02x)",
			       t->c->name, what, pfn, slab->type, slab->flags))
			return;
		if (!qy__holds(ck, slab->prev == prev, "S4",
			       "%.31s: %s list: page %u has prev %d, not %d", t->c->name, what, pfn,
			       (int)slab->prev, (int)prev))
			return;
		prev = pfn;
		pfn = slab->next;
	}
	qy__holds(ck, n == count, "S4", "%.31s: %u %s slabs, %s%u on the list", t->c->name, count,
		  what, n > count ? "at least " : "", n);
	qy__holds(ck, n != count || list->tail == prev, "S4",
		  "%.31s: %s list: tail is %d, last is %d", t->c->name, what, (int)list->tail,
		  (int)prev);
	qy__holds(ck, list->nr == count, "S5", "%.31s: %u %s slabs, the counter says %u",
		  t->c->name, count, what, list->nr);
}

/* What the cache believes of itself against what was seen. */
static void check_totals(struct qy__check *ck, const struct qy__tally *t)
{
	const struct qy__slub *s = t->s;
	const char *name = t->c->name;

	if (!s)
		return;
	check_list(ck, t, &s->partial, QY__PAGE_F_PARTIAL, t->partial);
	check_list(ck, t, &s->full, QY__PAGE_F_FULL, t->full);
	qy__holds(ck, s->nr_slabs == t->slabs && s->total_objects == t->objects, "S5",
		  "%.31s: %u slabs with %llu objects, the counters say %u and %llu", name, t->slabs,
		  (unsigned long long)t->objects, s->nr_slabs,
		  (unsigned long long)s->total_objects);
	qy__holds(ck, s->inuse_objects == t->inuse, "S9",
		  "%.31s: %llu objects in use, the counter says %llu", name,
		  (unsigned long long)t->inuse, (unsigned long long)s->inuse_objects);
	qy__holds(ck, t->parked <= t->inuse, "S9",
		  "%.31s: %llu objects in sheaves, only %llu in use", name,
		  (unsigned long long)t->parked, (unsigned long long)t->inuse);
	/* A frozen slab counts as full though nobody took its objects. */
	qy__holds(ck, t->frozen || t->c->high_water >= t->inuse, "S9",
		  "%.31s: %llu objects in use, high-water mark %llu", name,
		  (unsigned long long)t->inuse, (unsigned long long)t->c->high_water);
	qy__holds(ck, t->empty <= s->min_partial, "U5",
		  "%.31s: %u empty slabs are kept, %u at most", name, t->empty, s->min_partial);
}

/*
 * Heads from @c on, locked, until the batch is full. Links that agree in both directions meet no
 * head twice. Returns where the next batch begins.
 */
static struct qy_cache *take_batch(struct qy__slab_walk *w, struct qy_cache *c,
				   struct qy_cache **prev, uint32_t *seen)
{
	struct qy__check *ck = w->ck;

	w->nr = 0;
	memset(w->index, 0, sizeof(w->index));
	while (c && w->nr < QY__TALLIES && *seen < MAX_CACHES) {
		if (!qy__check_head(ck, c))
			return NULL;
		if (!qy__holds(ck, c->prev == *prev, "S12", "registry: %.31s does not point back",
			       c->name))
			return NULL;
		(*seen)++;
		*prev = c;
		if (qy__check_lock(ck, &c->lock, c->name))
			add_tally(w, c);
		c = c->next;
	}
	return c;
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
		qy__unlock(&w->tally[i].c->lock);
	}
}

void qy__check_slab(struct qy__check *ck)
{
	struct qy__slab_state *st = ck->mm->slab;
	struct qy__slab_walk w;
	struct qy_cache *c, *last = NULL;
	bool first_batch = true;
	uint32_t seen = 0;

	w.ck = ck;
	if (!qy__holds(ck, qy__check_struct(ck, st), "MM",
		       "the slab floor's state is not where it can be") ||
	    !qy__check_lock(ck, &st->lock, "cache registry"))
		return;
	c = st->first;
	do {
		c = take_batch(&w, c, &last, &seen);
		check_batch(&w, first_batch);
		first_batch = false;
	} while (c && seen < MAX_CACHES);
	qy__holds(ck, seen == st->nr_caches && st->last == last, "S12",
		  "registry: %u caches found, the counter says %u%s", seen, st->nr_caches,
		  st->last == last ? "" : "; the last one is not the last");
	qy__check_kmalloc(ck);
	qy__unlock(&st->lock);
}
