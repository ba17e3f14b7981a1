/* SPDX-License-Identifier: MIT */
/*
 * quarry/slab.h - caches of equal objects.
 *
 * Context: as types.h says. Locks: cache registry → cache → zone. An object that the calling CPU
 * has at hand is taken, and one for which it has room is given back, without a lock. With
 * QY_GFP_DIRECT_RECLAIM shrinkers and the reclaim hook may be called, with no lock of the cache
 * held.
 */
#ifndef QUARRY_SLAB_H
#define QUARRY_SLAB_H

#include <quarry/types.h>

QY_BEGIN_DECLS

/**
 * qy_ctor_fn - brings an object into its constructed state.
 * @object: object_size bytes with no contents to rely on.
 *
 * Called for each object once when its slab is made, not at each allocation: whoever frees an
 * object leaves it in its constructed state. In a debug cache objects with a constructor are not
 * poisoned.
 * Context: called without a lock of the cache, in the thread whose request made the slab. May use
 * kmalloc and other caches of the instance, may ask qy_cache_info() about its own cache; must not
 * allocate from its own cache. It cannot fail.
 */
typedef void (*qy_ctor_fn)(void *object);

/**
 * qy_cache_create - make a cache.
 * @name: not NULL or empty, copied (31 characters are kept).
 * @size: bytes of an object, 1 … half of the largest page block.
 * @align: power of two ≤ the page size, or 0 for the natural word.
 * @flags: QY_SLAB_*. Debug flags that this build lacks are dropped; the debug string of the
 *         instance may add some.
 * @ctor: or NULL.
 *
 * Return: the cache, or NULL iff errno
 *   EINVAL: bad name, size, alignment, or unknown flag; or no page block can hold an object with
 *           what debug flags add to it;
 *   ENOMEM: no memory for the cache's head.
 * With QY_SLAB_PANIC it aborts instead, with a line on standard error.
 * Context: allocates with QY_GFP_KERNEL: shrinkers and the reclaim hook may be called.
 */
QY_API struct qy_cache *qy_cache_create(struct qy_mm *mm, const char *name, size_t size,
					size_t align, qy_slab_flags_t flags,
					qy_ctor_fn ctor) QY_MUST_CHECK;

/**
 * qy_cache_destroy - end a cache. NULL is allowed.
 *
 * Objects still live are reported, in a debug cache one by one with their allocation stacks, in
 * others by one report for all. Their slabs are leaked: the memory stays what it is and can never
 * be freed.
 * Return: 0, or -EBUSY if live objects were found (the cache is gone all the same).
 * Complexity: linear in slabs; in pages of the instance if objects were live.
 * Context: no other call on this cache may be under way.
 */
QY_API int qy_cache_destroy(struct qy_cache *cache);

/**
 * qy_cache_alloc - take an object.
 * @gfp: QY_GFP_ZERO clears it (not with a constructor: then the flag is ignored). The rest is for
 *       the pages of a new slab, where one is needed; for zone bits see types.h.
 * Return: the object, or NULL (errno ENOMEM) iff no slab with a free object exists and none could
 * be made, for the reasons that qy_alloc_pages() gives and reports.
 * Complexity: O(1) from the sheaf; refill O(batch).
 */
QY_API void *qy_cache_alloc(struct qy_cache *cache, qy_gfp_t gfp) QY_MALLOC_LIKE;

/**
 * qy_cache_free - give an object back. NULL is allowed.
 * Return: 0; of a cache with debug flags also, after a report and with nothing freed, -EINVAL:
 * @object is no object of @cache (one of another cache stays allocated there), or is free already.
 * A cache without debug flags believes its caller: 0 is all it returns.
 * Complexity: O(1) into the sheaf; flush O(batch).
 */
QY_API int qy_cache_free(struct qy_cache *cache, void *object);

/**
 * qy_cache_alloc_bulk - @n objects or none.
 * @objects: array of @n pointers, filled in.
 * Return: @n, or 0 (also for @n == 0) iff qy_cache_alloc() had no more (errno ENOMEM): what was
 * taken until then has been given back, and what @objects holds means nothing.
 */
QY_API size_t qy_cache_alloc_bulk(struct qy_cache *cache, qy_gfp_t gfp, size_t n,
				  void **objects) QY_MUST_CHECK;
/**
 * qy_cache_free_bulk - qy_cache_free() of @n objects, in order.
 * @objects: array of @n pointers, only read; NULLs among them are allowed.
 * Of a cache with debug flags, an object that qy_cache_free() would refuse is reported and left as
 * it is; the others are freed.
 */
QY_API void qy_cache_free_bulk(struct qy_cache *cache, size_t n, void **objects);

/**
 * qy_cache_shrink - empty the calling CPU's sheaf and, of this cache, the quarantine; release empty
 * slabs, sort the partial list.
 * Return: 0 if the cache holds no slab any more, else 1. What other CPUs' sheaves hold keeps its
 * slabs.
 * Complexity: linear in partial slabs.
 */
QY_API int qy_cache_shrink(struct qy_cache *cache);

/**
 * qy_cache_validate - check every byte that is not the user's, of every object.
 * Damage is reported and repaired, so a second call finds nothing.
 * Return: number of reports made; 0 on caches without debug flags.
 * Context: holds the cache's lock meanwhile, also while the reports are told.
 * Complexity: linear in the cache's bytes.
 */
QY_API unsigned int qy_cache_validate(struct qy_cache *cache);
/**
 * qy_validate - qy_cache_validate() for all caches, plus large objects, the quarantine, and the
 * poison of free pages.
 * Return: number of reports made. Context: the same, one cache after the other.
 */
QY_API unsigned int qy_validate(struct qy_mm *mm);

/** struct qy_cache_info - numbers of one cache; sizes and offsets in bytes. */
struct qy_cache_info {
	size_t struct_size; /* set by qy_cache_info() */
	char name[32];
	qy_slab_flags_t flags;
	unsigned int object_size, slot_size, align, objs_per_slab, order;
	unsigned int red_left_pad, offset, inuse;
	size_t nr_slabs, nr_partial, total_objects, live_objects, high_water;
	unsigned int sheaf_capacity;
};
/**
 * qy_cache_info - fill in @info. Without debug flags, live_objects is without what the sheaves
 * hold, which other threads may be changing: exact only while they leave the cache alone.
 * Context: takes the cache's lock. Complexity: O(slabs), in a debug cache O(objects).
 */
QY_API void qy_cache_info(struct qy_cache *cache, struct qy_cache_info *info);
/**
 * qy_cache_at - the @i-th cache of the instance in order of creation, the library's own included,
 * or NULL at the end. Context: takes the registry lock; that nobody destroys the cache while it is
 * looked at is the caller's business. Complexity: O(@i).
 */
QY_API struct qy_cache *qy_cache_at(struct qy_mm *mm, unsigned int i);

QY_END_DECLS

#endif
