/* SPDX-License-Identifier: MIT */
/*
 * slub.h - SLUB's own part of a cache: the node's lists of slabs, linked by pfn through the
 * descriptors.
 */
#ifndef QY_SLAB_SLUB_H
#define QY_SLAB_SLUB_H

#include "page/page_list.h"
#include "slab/slab.h"

struct qy__slub {
	/* slabs with free objects: taken from the head, added at the tail */
	struct qy__page_list partial;
	struct qy__page_list full; /* debug caches: slabs without; given-up slabs */
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

/* The order of a slab for slots of @slot bytes, by the kernel's rule; -1: none holds one. Pure. */
int qy__slub_order(size_t slot, unsigned int cpus, unsigned int max_page_order);

/* The free pointer in @object, as memory says. */
static inline void *qy__slub_get_free(const struct qy_cache *c, const void *object)
{
	void *next;

	__builtin_memcpy(&next, qy__object_books(c, object) + c->layout.offset, sizeof(next));
	return next;
}

static inline void qy__slub_set_free(const struct qy_cache *c, void *object, void *next)
{
	__builtin_memcpy(qy__object_books(c, object) + c->layout.offset, &next, sizeof(next));
}

extern const struct qy__slab_ops qy__slub_ops;

#endif
