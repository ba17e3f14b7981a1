/* SPDX-License-Identifier: MIT */
/*
 * slub.c - the SLUB flavour: free objects are linked inside their slabs, slabs hang on the node's
 * lists.
 *
 * Place in an object's life: behind the sheaf. A refill takes objects from partial slabs, else from
 * a new one; a flush puts them back where they came from.
 *
 * States of a slab:
 *   partial  0 < free objects; on the partial list (or empty, while few such are kept)
 *   full     no free object; on no list, in a debug cache on the full list
 *   frozen   damaged: counted as full, never taken from again (leaked)
 *
 * An empty slab goes back to the page floor when the list already holds min_partial slabs.
 *
 * Lock: cache->lock over everything here; zone->lock is taken inside it. It is given up while a new
 * slab is made, so that a constructor, a shrinker or a hook may use the instance.
 * Invariants: S1-S6, U5, U10, U11.
 */
#include "slab/slub.h"

#include <errno.h>

#include "debug/debug.h"
#include "page/page_alloc.h"
#include "util/align.h"
#include "util/assert.h"
#include "util/bitops.h"
#include "util/plant.h"

/* Slabs with so many free objects, or more, count as equally empty when they are sorted. */
#define MAX_SORTED 32

static unsigned int waste(size_t slot, unsigned int order)
{
	return (unsigned int)((QY_PAGE_SIZE << order) % slot);
}

int qy__slub_order(size_t slot, unsigned int cpus, unsigned int max_page_order)
{
	unsigned int max_order = min((unsigned int)QY__SLAB_MAX_ORDER, max_page_order);
	size_t min_objects = 4 * ((size_t)qy__fls(cpus) + 1),
	       holds = (QY_PAGE_SIZE << max_order) / slot;
	unsigned int min_order;

	min_objects = max(min(min_objects, holds), (size_t)1);
	min_order = qy__get_order(min_objects * slot);
	if ((QY_PAGE_SIZE << min_order) / slot > QY__MAX_OBJS_PER_SLAB)
		return (int)qy__get_order(slot * QY__MAX_OBJS_PER_SLAB) - 1;
	for (unsigned int fraction = 16; fraction > 1; fraction /= 2) {
		for (unsigned int order = max(min_order, qy__get_order(slot)); order <= max_order;
		     order++)
			if (waste(slot, order) <= (QY_PAGE_SIZE << order) / fraction)
				return (int)order;
	}
	return qy__get_order(slot) <= max_page_order ? (int)qy__get_order(slot) : -1;
}

static unsigned int objects_of(size_t slot, unsigned int order)
{
	size_t n = (QY_PAGE_SIZE << order) / slot + (qy__planted(ONE_OBJECT_MORE) ? 1 : 0);

	return (unsigned int)min(n, (size_t)QY__MAX_OBJS_PER_SLAB);
}

static int slub_init(struct qy_cache *c)
{
	struct qy__slub *s = qy__slub(c);
	size_t slot = c->layout.slot;
	int order = qy__slub_order(slot, min(c->mm->cpus.nr, 16u), c->mm->max_order);

	if (order < 0)
		return -ENOSPC;
	c->order = (uint32_t)order;
	c->objs_per_slab = objects_of(slot, c->order);
	c->min_order = qy__get_order(slot);
	c->min_objs = objects_of(slot, c->min_order);
	s->min_partial = min(max(qy__ilog2(slot) / 2, 5u), 10u);
	qy__page_list_init(&s->partial);
	qy__page_list_init(&s->full);
	return 0;
}

static unsigned int list_flag(const struct qy_cache *c, const struct qy__page_list *list)
{
	return list == &qy__slub(c)->full ? QY__PAGE_F_FULL : QY__PAGE_F_PARTIAL;
}

static void list_add(struct qy_cache *c, struct qy__page_list *list, struct qy_page *slab,
		     bool tail)
{
	uint32_t last = list->tail;

	if (tail)
		qy__page_list_add_tail(c->mm, list, slab);
	else
		qy__page_list_add_head(c->mm, list, slab);
	if (qy__planted(LOST_TAIL) && tail)
		list->tail = last;
	qy__page_set_flags(slab, qy__page_flags(slab) | list_flag(c, list));
}

static void list_del(struct qy_cache *c, struct qy__page_list *list, struct qy_page *slab)
{
	qy__page_list_del(c->mm, list, slab);
	qy__page_set_flags(slab, qy__page_flags(slab) & ~(QY__PAGE_F_FULL | QY__PAGE_F_PARTIAL));
}

/* Objects chained in the order of their addresses. */
static void build_freelist(struct qy_cache *c, struct qy_page *slab)
{
	for (unsigned int i = 0; i < slab->slab.objects; i++) {
		void *object = qy__slab_object(c, slab, i);

		if (qy__cache_is_debug(c))
			qy__debug_fill_free(c, object);
		if (c->ctor && !(qy__planted(CTOR_SKIPPED) && i + 1u == slab->slab.objects))
			c->ctor(object);
		qy__slub_set_free(c, object,
				  i + 1u < slab->slab.objects ? qy__slab_object(c, slab, i + 1)
							      : NULL);
	}
}

/*
 * Records of the objects, in a block of their own. Such pages count as reclaimable: where lifetimes
 * are kept apart they come from other page blocks than the objects, far from a long overflow.
 */
static bool make_records(struct qy_cache *c, struct qy_page *slab, qy_gfp_t gfp)
{
	size_t bytes = (size_t)slab->slab.objects * c->layout.record;
	struct qy_page *block;

	slab->records = QY__PFN_NONE;
	if (!QY_CONFIG_DEBUG || !bytes)
		return true;
	gfp &= ~(QY_GFP_DMA | QY_GFP_DMA32 | QY_GFP_HIGHMEM);
	block = qy__alloc_block(c->mm, gfp | QY_GFP_RECLAIMABLE, qy__get_order(bytes),
				QY__PAGE_ALLOC);
	if (!block)
		return false;
	slab->records = qy__page_pfn(c->mm, block);
	return true;
}

static void free_slab_pages(struct qy_cache *c, struct qy_page *slab)
{
	if (QY_CONFIG_DEBUG && c->layout.record)
		qy__free_block(c->mm, qy__pfn_page(c->mm, slab->records));
	qy__free_block(c->mm, slab);
}

/* A block, the number of objects that it holds, and their records. */
static struct qy_page *alloc_slab_block(struct qy_cache *c, qy_gfp_t gfp, unsigned int order)
{
	struct qy_page *slab = qy__alloc_block(c->mm, gfp, order, QY__PAGE_ALLOC);

	if (!slab)
		return NULL;
	slab->slab.objects = (uint16_t)objects_of(
		c->layout.slot, qy__planted(FALLBACK_COUNT) ? c->order : slab->order);
	if (make_records(c, slab, gfp))
		return slab;
	slab->slab.objects = 0;
	qy__free_block(c->mm, slab);
	return NULL;
}

/*
 * Pages for a slab. They are a compound block like any other until the slab is published: it has a
 * constructor to go through first, which may look at the instance.
 */
static struct qy_page *alloc_slab_page(struct qy_cache *c, qy_gfp_t gfp)
{
	qy_gfp_t at_once = qy__gfp_at_once(gfp);
	struct qy_page *slab = alloc_slab_block(c, at_once, c->order);

	if (!slab && c->min_order < c->order)
		slab = alloc_slab_block(c, at_once, c->min_order);
	if (slab || gfp == at_once)
		return slab;
	return alloc_slab_block(c, gfp, c->min_order);
}

/* A slab that nobody knows yet. No lock is held: shrinkers, hooks and constructors run here. */
static struct qy_page *make_slab(struct qy_cache *c, qy_gfp_t gfp)
{
	struct qy_page *slab;

	/* Slabs do not move: nobody may take a block away while its objects are constructed. */
	gfp = (gfp & ~(QY_GFP_ZERO | QY_GFP_MOVABLE)) | QY_GFP_COMP;
	if (c->flags & QY_SLAB_CACHE_DMA)
		gfp |= QY_GFP_DMA;
	if (c->flags & QY_SLAB_RECLAIM_ACCOUNT)
		gfp |= QY_GFP_RECLAIMABLE;
	slab = alloc_slab_page(c, gfp);
	if (!slab)
		return NULL;
	if (qy__cache_is_debug(c))
		qy__debug_setup_slab(c, slab);
	build_freelist(c, slab);
	return slab;
}

static void publish_slab_locked(struct qy_cache *c, struct qy_page *slab)
{
	struct qy__slub *s = qy__slub(c);

	slab->slab.freelist = qy__slab_first(c, slab);
	slab->slab.inuse = 0;
	for (uint32_t i = 0; i < 1u << slab->order; i++) {
		slab[i].slab.cache = qy__cache_ref(c);
		/* Of the first page, too, but where it tells of records: such caches have no sheaves. */
		if (i || !QY_CONFIG_DEBUG || !c->layout.record)
			slab[i].head = (uint32_t)qy__page_pfn(c->mm, slab);
		qy__page_set_flags(&slab[i], QY__PAGE_F_SLAB);
	}
	qy__store_relaxed(&slab->type, QY__PAGE_SLAB);
	s->nr_slabs++;
	s->total_objects += slab->slab.objects;
	list_add(c, &s->partial, slab, true);
}

static void discard_slab_locked(struct qy_cache *c, struct qy_page *slab)
{
	struct qy__slub *s = qy__slub(c);

	s->nr_slabs--;
	s->total_objects -= slab->slab.objects;
	qy__page_set_flags(slab, 0);
	free_slab_pages(c, slab);
}

/*
 * There is no partial slab: one is made, without the lock. If there are no pages for it, what
 * shrinkers freed may be in one of ours.
 */
static QY_NOINLINE struct qy_page *grow_locked(struct qy_cache *c, qy_gfp_t gfp)
{
	struct qy__slub *s = qy__slub(c);
	struct qy_page *slab;

	qy__unlock(&c->lock);
	slab = make_slab(c, gfp);
	qy__lock(&c->lock);
	/* Other threads may have made some, too: no more empty ones are kept than ever. */
	if (slab && s->partial.nr && s->partial.nr >= s->min_partial)
		free_slab_pages(c, slab);
	else if (slab)
		publish_slab_locked(c, slab);
	return qy__page_list_first(c->mm, &s->partial);
}

/*
 * A slab with a free object, a new one if there is none; NULL: no memory. The lock may be given up
 * for a while.
 */
static inline struct qy_page *get_partial_locked(struct qy_cache *c, qy_gfp_t gfp)
{
	struct qy_page *slab = qy__page_list_first(c->mm, &qy__slub(c)->partial);

	return likely(slab) ? slab : grow_locked(c, gfp);
}

/* The slab has no free object any more. */
static void slab_filled_locked(struct qy_cache *c, struct qy_page *slab)
{
	struct qy__slub *s = qy__slub(c);

	list_del(c, &s->partial, slab);
	if (qy__cache_is_debug(c))
		list_add(c, &s->full, slab, false);
}

static void count_inuse_locked(struct qy_cache *c, unsigned int n)
{
	struct qy__slub *s = qy__slub(c);

	s->inuse_objects += n;
	if (s->inuse_objects > c->high_water)
		c->high_water = s->inuse_objects;
}

static unsigned int slub_refill(struct qy_cache *c, qy_gfp_t gfp, void **objs, unsigned int n)
{
	unsigned int got = 0;

	qy__lock(&c->lock);
	while (got < n) {
		struct qy_page *slab;

		/* A batch never makes more than the one slab it must. */
		if (got && qy__page_list_is_empty(&qy__slub(c)->partial))
			break;
		slab = get_partial_locked(c, gfp);
		if (!slab)
			break;
		while (got < n && slab->slab.freelist) {
			void *object = slab->slab.freelist;

			slab->slab.freelist = qy__slub_get_free(c, object);
			slab->slab.inuse++;
			objs[got++] = object;
		}
		if (!slab->slab.freelist)
			slab_filled_locked(c, slab);
	}
	count_inuse_locked(c, got);
	qy__unlock(&c->lock);
	return got;
}

static void free_one_locked(struct qy_cache *c, struct qy_page *slab, void *object)
{
	struct qy__slub *s = qy__slub(c);
	bool was_full = !slab->slab.freelist;

	/* Nothing goes back to a slab that was given up. */
	if (slab->flags & QY__PAGE_F_FROZEN)
		return;
	qy__slub_set_free(c, object, slab->slab.freelist);
	slab->slab.freelist = object;
	if (!qy__planted(INUSE_STUCK))
		slab->slab.inuse--;
	s->inuse_objects--;
	if (was_full && (slab->flags & QY__PAGE_F_FULL))
		list_del(c, &s->full, slab);
	if (slab->slab.inuse <= (qy__planted(RELEASED_LIVE) ? 1 : 0) &&
	    s->partial.nr >= s->min_partial) {
		if (!was_full)
			list_del(c, &s->partial, slab);
		discard_slab_locked(c, slab);
	} else if (was_full && !qy__planted(LOST_PARTIAL)) {
		list_add(c, &s->partial, slab, true);
	}
}

static void slub_flush(struct qy_cache *c, void **objs, unsigned int n)
{
	qy__lock(&c->lock);
	for (unsigned int i = 0; i < n; i++) {
		struct qy_page *slab = qy__page_head(c->mm, qy__addr_page(c->mm, objs[i]));

		free_one_locked(c, slab, objs[i]);
	}
	qy__unlock(&c->lock);
}

static struct qy_page *slub_next_slab_locked(struct qy_cache *c, struct qy_page *slab)
{
	struct qy__slub *s = qy__slub(c);
	uint32_t pfn;

	if (!slab)
		pfn = s->partial.head;
	else
		pfn = slab->next;
	if (pfn == QY__PFN_NONE && (!slab || (slab->flags & QY__PAGE_F_PARTIAL)))
		pfn = s->full.head;
	return qy__pfn_valid(c->mm, pfn) ? qy__pfn_page(c->mm, pfn) : NULL;
}

static uint32_t slub_nr_slabs_locked(const struct qy_cache *c)
{
	return qy__slub(c)->nr_slabs;
}

static void slub_recount_locked(struct qy_cache *c)
{
	struct qy__slab_iter it = qy__slab_iter_locked(c);
	struct qy__slub *s = qy__slub(c);
	struct qy_page *slab;

	s->inuse_objects = s->total_objects = 0;
	while ((slab = qy__slab_iter_next(&it))) {
		s->inuse_objects += slab->slab.inuse;
		s->total_objects += slab->slab.objects;
	}
	c->high_water = max(c->high_water, s->inuse_objects);
}

static void slub_give_up_locked(struct qy_cache *c, struct qy_page *slab)
{
	struct qy__slub *s = qy__slub(c);

	if (slab->flags & (QY__PAGE_F_PARTIAL | QY__PAGE_F_FULL))
		list_del(c, slab->flags & QY__PAGE_F_PARTIAL ? &s->partial : &s->full, slab);
	list_add(c, &s->full, slab, true);
	slab->slab.inuse = slab->slab.objects;
	slab->slab.freelist = NULL;
	qy__page_set_flags(slab, qy__page_flags(slab) | QY__PAGE_F_FROZEN);
	slub_recount_locked(c);
}

static void *slub_next_free(const struct qy_cache *c, const struct qy_page *slab,
			    const void *object)
{
	return object ? qy__slub_get_free(c, object) : slab->slab.freelist;
}

static void slub_set_free(struct qy_cache *c, struct qy_page *slab, void *object, void *next)
{
	(void)slab;
	qy__slub_set_free(c, object, next);
}

static void *slub_alloc_debug(struct qy_cache *c, qy_gfp_t gfp, struct qy__call *call)
{
	void *object = NULL;

	qy__lock(&c->lock);
	while (!object) {
		struct qy_page *slab = get_partial_locked(c, gfp);

		if (!slab)
			break;
		if (!qy__debug_alloc_check_locked(c, slab, slab->slab.freelist, call)) {
			slub_give_up_locked(c, slab);
			continue;
		}
		object = slab->slab.freelist;
		slab->slab.freelist = qy__slub_get_free(c, object);
		slab->slab.inuse++;
		count_inuse_locked(c, 1);
		if (!slab->slab.freelist)
			slab_filled_locked(c, slab);
		qy__debug_alloc_done_locked(c, slab, object, call);
	}
	qy__unlock(&c->lock);
	return object;
}

/* Empty slabs go, the rest is sorted: fullest first, so that the others have time to empty. */
static int slub_shrink(struct qy_cache *c)
{
	struct qy__page_list bucket[MAX_SORTED];
	struct qy__slub *s = qy__slub(c);
	struct qy__page_walk walk;
	struct qy_page *slab;
	bool left;

	for (size_t i = 0; i < ARRAY_SIZE(bucket); i++)
		qy__page_list_init(&bucket[i]);
	qy__lock(&c->lock);
	walk = qy__page_list_walk(&s->partial);
	while ((slab = qy__page_walk_next(c->mm, &walk))) {
		unsigned int nr_free = slab->slab.objects - slab->slab.inuse;

		if (!slab->slab.inuse) {
			list_del(c, &s->partial, slab);
			discard_slab_locked(c, slab);
		} else {
			qy__page_list_del(c->mm, &s->partial, slab);
			nr_free = max(min(nr_free, (unsigned int)MAX_SORTED), 1u);
			qy__page_list_add_tail(c->mm, &bucket[nr_free - 1], slab);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(bucket); i++)
		qy__page_list_splice_tail(c->mm, &s->partial, &bucket[i]);
	left = s->nr_slabs != 0;
	qy__unlock(&c->lock);
	return left;
}

static void slub_stats(struct qy_cache *c, struct qy_cache_info *info)
{
	const struct qy__slub *s = qy__slub(c);

	info->nr_slabs = s->nr_slabs;
	info->nr_partial = s->partial.nr;
	info->total_objects = s->total_objects;
	info->live_objects = s->inuse_objects;
}

const struct qy__slab_ops qy__slub_ops = {
	.name = "slub",
	.priv_size = sizeof(struct qy__slub),
	.init = slub_init,
	.refill = slub_refill,
	.flush = slub_flush,
	.alloc_debug = slub_alloc_debug,
	.free_debug_locked = free_one_locked,
	.shrink = slub_shrink,
	.next_free = slub_next_free,
	.set_free = slub_set_free,
	.give_up_locked = slub_give_up_locked,
	.recount_locked = slub_recount_locked,
	.next_slab_locked = slub_next_slab_locked,
	.nr_slabs_locked = slub_nr_slabs_locked,
	.stats = slub_stats,
};
