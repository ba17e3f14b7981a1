/* SPDX-License-Identifier: MIT */
/*
 * slub.h - SLUB's own part of a cache: the node's lists of slabs, linked by pfn through the
 * descriptors.
 */
#ifndef QY_SLAB_SLUB_H
#define QY_SLAB_SLUB_H

#include "slab/slab.h"

struct qy__slab_list {
	uint32_t head, tail; /* pfns */
	uint32_t nr;
};

struct qy__slub {
	struct qy__slab_list
		partial; /* slabs with free objects: taken from the head, added at the tail */
	struct qy__slab_list full; /* debug caches: slabs without; given-up slabs */
	uint32_t min_partial;	   /* so many empty slabs are kept */
	uint32_t nr_slabs;
	uint64_t total_objects;
	uint64_t inuse_objects; /* not on any slab's freelist */
};

static inline struct qy__slub *qy__slub(const struct qy_cache *c)
{
	return c->priv;
}

#define QY__SLAB_MAX_ORDER 3
#define QY__MAX_OBJS_PER_SLAB 32767u

/* The order of a slab for slots of @slot bytes, by the kernel's rule; -1: none holds one. Pure. */
int qy__slub_order(size_t slot, unsigned int cpus, unsigned int max_page_order);

/* Counters of slabs were put right: the cache's follow. c->lock held. */
void qy__slub_recount_locked(struct qy_cache *c);

/*
 * Damage was found in a slab: all its objects count as used, nothing is ever taken from it or put
 * back. c->lock held.
 */
void qy__slub_give_up_locked(struct qy_cache *c, struct qy_page *slab);

static inline void *qy__slub_get_free(const struct qy_cache *c, const void *object)
{
	void *next;

	__builtin_memcpy(&next, (const char *)object + c->layout.offset, sizeof(next));
	return next;
}

static inline void qy__slub_set_free(const struct qy_cache *c, void *object, void *next)
{
	__builtin_memcpy((char *)object + c->layout.offset, &next, sizeof(next));
}

#endif
