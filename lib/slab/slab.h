/* SPDX-License-Identifier: MIT */
/*
 * slab.h - the cache head, and what a flavour has to supply.
 *
 * The head has no field of any flavour, and no pointer into the library: flavours go by number, so
 * that an image of an instance can be read by another program. Every allocation first asks the
 * CPU's sheaf (sheaf.h); only to refill it or to take back a batch is the flavour asked. A cache
 * with a debug flag has no sheaf: its fast path misses by construction, and slow path and free go
 * one object at a time through alloc_debug / free_debug.
 *
 *   slab_common.c   making and ending caches        alloc.c      the way of an object in and out
 *   registry.c      which caches there are          flavour.c    the flavours by number
 *   sheaf.{h,c}     arrays of free objects          slub.{h,c}   a flavour
 *
 * Lock order: slab_state->lock (registry) → cache->lock → quarantine → zone->lock → depot → report.
 * cache->lock protects the flavour's lists and the slab part of its pages' descriptors.
 */
#ifndef QY_SLAB_SLAB_H
#define QY_SLAB_SLAB_H

#include <quarry/debug.h>
#include <quarry/slab.h>

#include "page/page.h"
#include "slab/call.h"
#include "slab/sheaf.h"

/* What a flavour does. @slab: the head of a slab of @c. */
struct qy__slab_ops {
	const char *name;
	size_t priv_size; /* bytes of flavour state behind the head */
	/* Work out the slab order from c->layout; -ENOSPC if no order holds an object. */
	int (*init)(struct qy_cache *c);
	/* Up to @n objects into @objs; returns how many (0: no memory). */
	unsigned int (*refill)(struct qy_cache *c, qy_gfp_t gfp, void **objs, unsigned int n);
	/* Take back @n objects of this cache. */
	void (*flush)(struct qy_cache *c, void **objs, unsigned int n);
	/* Debug caches: one object with all checks; NULL: no memory. */
	void *(*alloc_debug)(struct qy_cache *c, qy_gfp_t gfp, struct qy__call *call);
	/* Put a checked object (live bit already clear) back on its slab. c->lock held. */
	void (*free_debug_locked)(struct qy_cache *c, struct qy_page *slab, void *object);
	/*
	 * The free object behind @object on the slab's freelist, the first one for NULL; NULL: the
	 * list ends. The answer is what memory says, it may be damaged.
	 */
	void *(*next_free)(const struct qy_cache *c, const struct qy_page *slab,
			   const void *object);
	/* What next_free is to answer for @object, which no freelist has. */
	void (*set_free)(struct qy_cache *c, struct qy_page *slab, void *object, void *next);
	/*
	 * Damage was found in a slab: all its objects count as used, nothing is ever taken from it
	 * or put back. c->lock held.
	 */
	void (*give_up_locked)(struct qy_cache *c, struct qy_page *slab);
	/* Counters of slabs were put right: the cache's follow. c->lock held. */
	void (*recount_locked)(struct qy_cache *c);
	/* Release empty slabs, sort partial ones. Returns 1 if slabs remain. */
	int (*shrink)(struct qy_cache *c);
	/*
	 * Walk all slabs of a debug cache (c->lock held): partial, then full. NULL starts and ends.
	 * Not bounded: use qy__slab_iter_next().
	 */
	struct qy_page *(*next_slab_locked)(struct qy_cache *c, struct qy_page *slab);
	/* Slabs that there are. c->lock held. */
	uint32_t (*nr_slabs_locked)(const struct qy_cache *c);
	void (*stats)(struct qy_cache *c, struct qy_cache_info *info);
};

/*
 * Where everything in a slot is; computed in debug/layout.c and nowhere else. Offsets from the
 * object's start; those of free pointer, tracks and request from the start of its record where
 * there are records.
 */
struct qy__layout {
	uint32_t object_size; /* bytes the user may have */
	uint32_t align;
	uint32_t inuse;	       /* end of object plus right red zone */
	uint32_t offset;       /* of the free pointer */
	uint32_t slot;	       /* distance of two objects */
	uint32_t red_left_pad; /* left red zone: [-red_left_pad, 0) */
	uint32_t track;	       /* alloc track, then free track; 0: none */
	uint32_t orig_size;    /* word with requested size and family; 0: none */
	uint32_t meta_end;     /* padding runs from here to slot - red_left_pad */
	uint32_t record;       /* bytes of a record apart from the objects; 0: all is in the slot */
};

/*
 * A record: one line of the CPU's cache. Those of a slab lie in a page block of its own, in the
 * order of the objects; page->records leads there.
 */
#define QY__RECORD_SIZE 64u
#define QY__RECORD_TRACK 8u
#define QY__RECORD_REQUEST 56u

#define QY__CACHE_NAME 32
struct qy_cache {
	struct qy_mm *mm;
	qy_slab_flags_t flags;
	uint8_t flavour;  /* enum qy__flavour */
	uint8_t provider; /* copy of mm->cpus.provider */
	uint16_t sheaf_capacity;
	struct qy__layout layout;
	/* 2^32 / slot, rounded up: see qy__is_object_start(). 0: the answer is always no */
	uint32_t reciprocal;
	uint32_t order, objs_per_slab; /* "oo" */
	uint32_t min_order, min_objs;  /* what is tried when "oo" cannot be had */
	qy_ctor_fn ctor;
	void *priv; /* the flavour's own struct, behind the head */
	struct qy__lock lock;
	uint32_t magic;
	struct qy_cache *next, *prev; /* registry, in order of creation */
	uint64_t high_water;
	char name[QY__CACHE_NAME];
	struct qy__sheaf *sheaf[]; /* by CPU: mm->cpus.nr entries, then "nobody" twice */
};

#define QY__MAX_OBJS_PER_SLAB 32767u /* counters have 15 bits, as the originals' */
#define QY__PRIV_ALIGN 16u	     /* of the flavour's part behind the head */
#define QY__CACHE_MAGIC 0x51594348u
#define QY__CACHE_ALIGN 64 /* heads lie on this border, so a 32-bit reference reaches 256 GiB */

enum qy__slab_boot { QY__SLAB_DOWN, QY__SLAB_PARTIAL, QY__SLAB_UP, QY__SLAB_FULL };

#define QY__NR_SHEAF_SIZES 4
struct qy__slab_state {
	struct qy__lock lock;
	enum qy__slab_boot state;
	uint8_t flavour; /* of all caches */
	struct qy_cache *first, *last;
	uint32_t nr_caches;
	struct qy_cache *cache_cache;			  /* cache of cache heads */
	struct qy_cache *sheaf_cache[QY__NR_SHEAF_SIZES]; /* caches of sheaves */
	/*
	 * The sheaf of CPUs that have none: empty and full at once. Never written. Here and not
	 * among the library's constants, so that heads of caches only point into the instance.
	 */
	struct qy__sheaf nobody;
};

/* ---- flavour.c ---- */

enum qy__flavour { QY__FLAVOUR_SLUB, QY__NR_FLAVOURS };

extern const struct qy__slab_ops *const qy__flavours[QY__NR_FLAVOURS];

static inline const struct qy__slab_ops *qy__slab_ops(const struct qy_cache *c)
{
	return qy__flavours[c->flavour];
}

static inline uint32_t qy__cache_ref(const struct qy_cache *c)
{
	return (uint32_t)(((const char *)c - c->mm->base) / QY__CACHE_ALIGN);
}

static inline struct qy_cache *qy__ref_cache(const struct qy_mm *mm, uint32_t ref)
{
	return (struct qy_cache *)(mm->base + (size_t)ref * QY__CACHE_ALIGN);
}

static inline bool qy__cache_is_debug(const struct qy_cache *c)
{
	return (QY_CONFIG_DEBUG) && (c->flags & QY_SLAB_DEBUG_FLAGS);
}

/* The cache of the object at @p in a slab; @head: the slab's head. */
static inline struct qy_cache *qy__object_cache(const struct qy_mm *mm, const struct qy_page *head,
						const void *p)
{
	(void)p; /* a flavour whose slabs mix caches will ask it */
	return qy__ref_cache(mm, head->slab.cache);
}

/*
 * Is @rel, from the instance's start, a multiple of the slot's size from the start of the slab that
 * @page is part of? No division: the product is the remainder's, scaled, modulo 2^32; it is below
 * the reciprocal iff there is none. A no of a cache without reciprocal says nothing.
 */
static QY_ALWAYS_INLINE bool qy__is_object_start(const struct qy_cache *c,
						 const struct qy_page *page, uintptr_t rel)
{
	uint32_t offset = (uint32_t)rel - (page->head << QY_CONFIG_PAGE_SHIFT);

	return offset * c->reciprocal < c->reciprocal;
}

/* Objects of a slab lie at first + i * slot. */
static inline char *qy__slab_first(const struct qy_cache *c, const struct qy_page *slab)
{
	return (char *)qy__page_addr(c->mm, slab) + c->layout.red_left_pad;
}

static inline void *qy__slab_object(const struct qy_cache *c, const struct qy_page *slab,
				    unsigned int i)
{
	return qy__slab_first(c, slab) + (size_t)i * c->layout.slot;
}

/* The index of @object in its slab, or -1: not on an object's border. */
static inline int qy__slab_index(const struct qy_cache *c, const struct qy_page *slab,
				 const void *object)
{
	size_t off = (size_t)((const char *)object - qy__slab_first(c, slab));

	if ((const char *)object < qy__slab_first(c, slab) || off % c->layout.slot ||
	    off / c->layout.slot >= slab->slab.objects)
		return -1;
	return (int)(off / c->layout.slot);
}

/* The record of an object in a slab of a cache that has records. */
static inline char *qy__slab_record(const struct qy_cache *c, const struct qy_page *slab,
				    const void *object)
{
	size_t off = (size_t)((const char *)object - (const char *)qy__page_addr(c->mm, slab));

	return (char *)qy__pfn_addr(c->mm, slab->records) + off / c->layout.slot * c->layout.record;
}

/* Where free pointer, tracks and request of an object are: its start, or that of its record. */
static inline char *qy__object_books(const struct qy_cache *c, const void *object)
{
	if (!QY_CONFIG_DEBUG || !c->layout.record)
		return (char *)object;
	return qy__slab_record(c, qy__page_head(c->mm, qy__addr_page(c->mm, object)), object);
}

/* The live bit of an object (debug builds): kept apart, out of reach of any overflow. */
static inline size_t qy__live_bit(const struct qy_mm *mm, const void *object)
{
	return ((uintptr_t)object - (uintptr_t)mm->base -
		((size_t)mm->min_pfn << QY_CONFIG_PAGE_SHIFT)) /
	       8;
}

/* A way over all slabs of a debug cache: bounded by their number when it begins. c->lock held. */
struct qy__slab_iter {
	struct qy_cache *c;
	struct qy_page *next;
	uint32_t left;
};

static inline struct qy__slab_iter qy__slab_iter_locked(struct qy_cache *c)
{
	const struct qy__slab_ops *ops = qy__slab_ops(c);

	return (struct qy__slab_iter){c, ops->next_slab_locked(c, NULL), ops->nr_slabs_locked(c)};
}

/* The next slab; it may be given up, or freed, before one asks on. NULL: the end. */
static inline struct qy_page *qy__slab_iter_next(struct qy__slab_iter *it)
{
	struct qy_page *slab = it->left ? it->next : NULL;

	if (slab && --it->left)
		it->next = qy__slab_ops(it->c)->next_slab_locked(it->c, slab);
	return slab;
}

/* ---- slab_common.c ---- */

int qy__slab_boot(struct qy_mm *mm); /* before the hand-over */
int qy__slab_init(struct qy_mm *mm);
/* An internal cache: exactly these flags, no sheaves. errno EINVAL / ENOMEM. */
struct qy_cache *qy__cache_create(struct qy_mm *mm, const char *name, size_t size, size_t align,
				  qy_slab_flags_t flags, qy_ctor_fn ctor);
/* A cache as users make them: the debug string's flags added, sheaves unless a debug flag is on. */
struct qy_cache *qy__cache_create_user(struct qy_mm *mm, const char *name, size_t size,
				       size_t align, qy_slab_flags_t flags, qy_ctor_fn ctor);

/* ---- alloc.c ---- */

/* The slow halves of alloc and free, for slab, kmalloc and malloc alike. */
void *qy__cache_alloc_slow(struct qy_cache *c, qy_gfp_t gfp, struct qy__call *call);
void qy__cache_free_slow(struct qy_cache *c, void *object);
/* What the head says: all of @info but the counts of slabs and objects, which are 0. No lock. */
void qy__cache_figures(const struct qy_cache *c, struct qy_cache_info *info);

/* ---- registry.c ---- */

void qy__registry_add(struct qy_cache *c);
void qy__registry_del(struct qy_cache *c);
/*
 * Is @c a cache of @mm? For pointers that may be damaged: only the registry is read. Its lock is
 * held, or else the cache may be gone when the answer is there.
 */
bool qy__registry_has_locked(const struct qy_mm *mm, const struct qy_cache *c);
/* fork(): the registry's lock and those of all caches. */
void qy__slab_lock_all(struct qy_mm *mm);
void qy__slab_unlock_all(struct qy_mm *mm);

#endif
