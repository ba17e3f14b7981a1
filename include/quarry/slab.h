/* SPDX-License-Identifier: MIT */
/*
 * quarry/slab.h - caches of equal objects.
 *
 * Context: any thread; not from signal handlers. Locks: cache registry → cache → zone.
 */
#ifndef QUARRY_SLAB_H
#define QUARRY_SLAB_H

#include <quarry/types.h>

QY_BEGIN_DECLS

/** qy_ctor_fn - brings an object into its constructed state; run once per object and slab. */
typedef void (*qy_ctor_fn)(void *object);

/**
 * qy_cache_create - make a cache.
 * @name: not NULL or empty, copied (31 characters are kept).
 * @size: bytes of an object, 1 … half of the largest page block.
 * @align: power of two ≤ the page size, or 0 for the natural word.
 * @flags: QY_SLAB_*. Debug flags that this build lacks are dropped; the debug string of the
 *         instance may add some.
 * @ctor: or NULL. With a constructor, poison does not touch the object.
 *
 * Return: the cache, or NULL iff errno
 *   EINVAL: bad name, size, alignment, or unknown flag;
 *   ENOMEM: no memory for the cache's head.
 * With QY_SLAB_PANIC it aborts instead.
 */
QY_API struct qy_cache *qy_cache_create(struct qy_mm *mm, const char *name, size_t size,
					size_t align, qy_slab_flags_t flags,
					qy_ctor_fn ctor) QY_MUST_CHECK;

/**
 * qy_cache_destroy - end a cache. NULL is allowed.
 *
 * Objects still live are reported one by one with their allocation stacks, and their slabs leaked.
 * Return: 0, or -EBUSY if live objects were found (the cache is gone all the same).
 * Context: no other call on this cache may be under way.
 */
QY_API int qy_cache_destroy(struct qy_cache *cache);

/**
 * qy_cache_alloc - take an object.
 * @gfp: QY_GFP_ZERO clears it (not with a constructor: then the flag is ignored).
 * Return: the object, or NULL iff no slab with a free object exists and none could be made.
 * Complexity: O(1) from the sheaf; refill O(batch).
 */
QY_API void *qy_cache_alloc(struct qy_cache *cache, qy_gfp_t gfp) QY_MALLOC_LIKE;

/**
 * qy_cache_free - give an object back. NULL is allowed.
 * Return: 0; in the debug build also, after a report and with nothing freed, -EINVAL: not an object
 * of @cache, or already free. An object of *another* cache is reported and leaked.
 */
QY_API int qy_cache_free(struct qy_cache *cache, void *object);

/**
 * qy_cache_alloc_bulk - @n objects or none.
 * Return: @n, or 0 (also for @n == 0); then what @objects holds means nothing.
 */
QY_API size_t qy_cache_alloc_bulk(struct qy_cache *cache, qy_gfp_t gfp, size_t n,
				  void **objects) QY_MUST_CHECK;
QY_API void qy_cache_free_bulk(struct qy_cache *cache, size_t n, void **objects);

/**
 * qy_cache_shrink - empty the calling CPU's sheaf, release empty slabs, sort the partial list.
 * Return: 0 if the cache holds no slab any more, else 1.
 */
QY_API int qy_cache_shrink(struct qy_cache *cache);

/**
 * qy_cache_validate - check every byte that is not the user's, of every object.
 * Damage is reported and repaired, so a second call finds nothing.
 * Return: number of reports made; 0 on caches without debug flags.
 */
QY_API unsigned int qy_cache_validate(struct qy_cache *cache);
/**
 * qy_validate - qy_cache_validate() for all caches, plus large objects, the quarantine, and the
 * poison of free pages.
 */
QY_API unsigned int qy_validate(struct qy_mm *mm);

/** struct qy_cache_info - numbers of one cache. */
struct qy_cache_info {
	size_t struct_size;
	char name[32];
	qy_slab_flags_t flags;
	unsigned int object_size, slot_size, align, objs_per_slab, order;
	unsigned int red_left_pad, offset, inuse;
	size_t nr_slabs, nr_partial, total_objects, live_objects, high_water;
	unsigned int sheaf_capacity;
};
QY_API void qy_cache_info(struct qy_cache *cache, struct qy_cache_info *info);
/** qy_cache_at - the @i-th cache of the instance in order of creation, or NULL at the end. */
QY_API struct qy_cache *qy_cache_at(struct qy_mm *mm, unsigned int i);

QY_END_DECLS

#endif
