/* SPDX-License-Identifier: MIT */
/*
 * check_slub.c - what only SLUB knows: its lists of slabs, the freelists in them, its orders of
 * slabs: S1-S5, S9, U5, U10, U11, U13.
 *
 *   cache → partial list → slab ─ freelist → object → object → NULL
 *         → full list (debug)
 *
 * A walk along a freelist that ends within `objects` steps has met no object twice, for the next
 * one is a function of the last: length and end are all that S3 needs.
 *
 * Lock: cache->lock, held by the caller.
 */
#include "check/check_slab.h"

#include <string.h>

#include "slab/slub.h"
#include "util/align.h"
#include "util/bitops.h"

/* ---- numbers ---- */

static void check_priv(struct qy__check *ck, const struct qy_cache *c)
{
	uint32_t least = min(max(qy__ilog2(c->layout.slot | 1) / 2, 5u), 10u);

	qy__holds(ck, qy__slub(c)->min_partial == least, "U5", "%.31s: min_partial is %u, not %u",
		  c->name, qy__slub(c)->min_partial, least);
}

static uint32_t objects_of(uint32_t slot, uint32_t order)
{
	return (uint32_t)min((QY_PAGE_SIZE << order) / slot, (size_t)QY__MAX_OBJS_PER_SLAB);
}

static bool check_orders(struct qy__check *ck, const struct qy_cache *c)
{
	uint32_t slot = c->layout.slot, fits = qy__get_order(slot);
	int rule = qy__slub_order(slot, min(ck->mm->cpus.nr, 16u), ck->mm->max_order);

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

/* ---- slabs ---- */

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
	t->slub.partial += !!(slab->flags & QY__PAGE_F_PARTIAL);
	t->slub.full += !!(slab->flags & QY__PAGE_F_FULL);
	t->slub.empty += !slab->slab.inuse && !(slab->flags & QY__PAGE_F_FROZEN);
}

/* What follows @object on its freelist. */
static bool read_free(struct qy__check *ck, const struct qy_cache *c, uint32_t pfn,
		      const void *object, const void **next)
{
	const char *books = qy__check_record(ck, c, pfn, object), *at = books + c->layout.offset;

	if (!qy__holds(ck, books && qy__check_readable(ck, at, sizeof(*next)), "U13",
		       "%.31s: the free pointer of 0x%llx lies outside the instance", c->name,
		       (unsigned long long)(uintptr_t)object))
		return false;
	memcpy(next, at, sizeof(*next));
	return true;
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
		qy__check_free_object(w, t, pfn, object);
		if (!read_free(ck, t->c, pfn, object, &object))
			return;
	}
	ck->tests += n;
	qy__holds(ck, n + slab->slab.inuse == slab->slab.objects, "S2",
		  "%.31s: slab at %u: %u objects in use and %u free, of %u", t->c->name, pfn,
		  slab->slab.inuse, n, slab->slab.objects);
}

/* ---- what the cache believes ---- */

static bool is_slab_of(const struct qy_page *page, uint32_t ref)
{
	return page->type == QY__PAGE_SLAB && page->slab.cache == ref;
}

/* A list of slabs; @count were seen by the pass over the descriptors with @flag. */
static void check_list(struct qy__check *ck, const struct qy__tally *t,
		       const struct qy__page_list *list, unsigned int flag, uint32_t count)
{
	const char *what = flag == QY__PAGE_F_FULL ? "full" : "partial";
	uint32_t prev = QY__PFN_NONE, n = 0;

	for (uint32_t pfn = list->head; pfn != QY__PFN_NONE && n <= count; n++) {
		const struct qy_page *slab;

		if (!qy__holds(ck, qy__check_pfn(ck, pfn), "S4",
			       "%.31s: %s list: link to page %u, not there", t->c->name, what, pfn))
			return;
		slab = qy__check_page(ck, pfn);
		if (!qy__holds(ck, is_slab_of(slab, t->ref) && (slab->flags & flag), "S4",
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

static void check_totals(struct qy__check *ck, const struct qy__tally *t)
{
	const struct qy__slub *s = qy__slub(t->c);
	const char *name = t->c->name;

	check_list(ck, t, &s->partial, QY__PAGE_F_PARTIAL, t->slub.partial);
	check_list(ck, t, &s->full, QY__PAGE_F_FULL, t->slub.full);
	qy__holds(ck, s->nr_slabs == t->slabs && s->total_objects == t->objects, "S5",
		  "%.31s: %u slabs with %llu objects, the counters say %u and %llu", name, t->slabs,
		  (unsigned long long)t->objects, s->nr_slabs,
		  (unsigned long long)s->total_objects);
	qy__holds(ck, s->inuse_objects == t->inuse, "S9",
		  "%.31s: %llu objects in use, the counter says %llu", name,
		  (unsigned long long)t->inuse, (unsigned long long)s->inuse_objects);
	qy__holds(ck, t->slub.empty <= s->min_partial, "U5",
		  "%.31s: %u empty slabs are kept, %u at most", name, t->slub.empty,
		  s->min_partial);
}

/* ---- for texts ---- */

static void stats(const struct qy_cache *c, struct qy_cache_info *info)
{
	const struct qy__slub *s = qy__slub(c);

	info->nr_slabs = s->nr_slabs;
	info->nr_partial = s->partial.nr;
	info->total_objects = s->total_objects;
	info->live_objects = s->inuse_objects;
}

/* A list that leads in circles ends, too: no more slabs than there are pages. */
static uint64_t count_live_on(const struct qy__check *ck, uint32_t ref,
			      const struct qy__page_list *list)
{
	uint32_t left = min(list->nr, ck->end_pfn - ck->min_pfn);
	uint64_t n = 0;

	for (uint32_t pfn = list->head; left && qy__check_pfn(ck, pfn); left--) {
		const struct qy_page *slab = qy__check_page(ck, pfn);

		if (!is_slab_of(slab, ref))
			break;
		n += qy__count_live_bits(ck, pfn, qy__check_block_pages(ck, pfn));
		pfn = slab->next;
	}
	return n;
}

static uint64_t count_live(const struct qy__check *ck, const struct qy_cache *c)
{
	const struct qy__slub *s = qy__slub(c);
	uint32_t ref = qy__check_cache_ref(ck, c);

	return count_live_on(ck, ref, &s->partial) + count_live_on(ck, ref, &s->full);
}

const struct qy__check_flavour qy__check_slub = {
	.priv_size = sizeof(struct qy__slub),
	.check_priv = check_priv,
	.check_orders = check_orders,
	.check_slab_state = check_slab_state,
	.check_free_objects = check_freelist,
	.check_totals = check_totals,
	.stats = stats,
	.count_live = count_live,
};
