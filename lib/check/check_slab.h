/* SPDX-License-Identifier: MIT */
/*
 * check_slab.h - what the parts of the slab walk share.
 *
 * Caches are taken in batches, so that what is counted for each fits on the stack. A batch is
 * locked as a whole: then one pass over the descriptors sees every slab of each of its caches, and
 * nothing moves meanwhile.
 *
 *   check_slab.c    the walk: batch by batch, descriptor by descriptor
 *   check_cache.c   heads, layouts; size classes
 *   check_slub.c    what only a flavour knows: behind struct qy__check_flavour
 *   check_sheaf.c   objects that wait for a CPU
 *   check_object.c  the bytes of debug caches
 *   tally.c         which cache a slab belongs to
 *
 * Nothing but a flavour's own file knows of its private struct, its lists, its orders of slabs and
 * how it keeps free objects.
 */
#ifndef QY_CHECK_CHECK_SLAB_H
#define QY_CHECK_CHECK_SLAB_H

#include "check/check.h"
#include "slab/slab.h"

#define QY__TALLIES 64	      /* caches in a batch */
#define QY__FILTER_WORDS 1024 /* at most */

/* A cache of the batch, with what the pass over the descriptors counted. */
struct qy__tally {
	struct qy_cache *c;
	const struct qy__check_flavour *flavour; /* NULL: its private part may not be used */
	uint32_t ref;
	uint32_t inverse; /* 2^32 / slot, rounded up: an index without a division */
	bool sane;	  /* layout and flavour may be used */
	bool debug;
	uint32_t slabs, frozen;
	uint64_t objects, inuse, live;
	struct {
		uint32_t partial, full, empty;
	} slub;
	uint64_t parked; /* objects in sheaves */
};

struct qy__slab_walk {
	struct qy__check *ck;
	unsigned int nr;
	struct qy__tally tally[QY__TALLIES];
	uint8_t index[256]; /* by hash of the reference: number of the tally + 1 */
	/* Which objects are in sheaves: a Bloom filter of one hash; a hit is looked up exactly. */
	unsigned int filter_bits;
	uint64_t filter[QY__FILTER_WORDS];
};

/*
 * The index of an object in a slab of @block bytes, or -1: not on a border. @slab's own address is
 * @start. Exact multiples of the slot give their index through the inverse as long as block < 2^32;
 * anything else fails the multiplication back.
 */
static inline int64_t qy__tally_index(const struct qy__tally *t, uintptr_t start, size_t block,
				      const void *object)
{
	uint64_t off = (uintptr_t)object - start - t->c->layout.red_left_pad, i;

	if (off >= block)
		return -1;
	i = off * t->inverse >> 32;
	return i * t->c->layout.slot == off ? (int64_t)i : -1;
}

static inline bool qy__check_live(const struct qy__check *ck, const void *object)
{
	size_t bit = ((uintptr_t)object - ck->start) / 8;

	return QY_CONFIG_DEBUG && (ck->live[bit / 64] >> (bit % 64) & 1);
}

/*
 * Where free pointer, tracks and request of an object of the slab at @pfn are: the object, or its
 * record. NULL: there is none that can be read.
 */
static inline char *qy__check_record(const struct qy__check *ck, const struct qy_cache *c,
				     uint32_t pfn, const void *object)
{
	const struct qy_page *slab = qy__check_page(ck, pfn);
	size_t off = (size_t)((const char *)object - qy__check_pfn_addr(ck, pfn));
	char *p;

	if (!QY_CONFIG_DEBUG || !c->layout.record)
		return (char *)object;
	if (!qy__check_pfn(ck, slab->records))
		return NULL;
	p = qy__check_pfn_addr(ck, slab->records) + off / c->layout.slot * c->layout.record;
	return qy__check_readable(ck, p, c->layout.record) ? p : NULL;
}

/* ---- flavours ---- */

struct qy__check_flavour {
	size_t priv_size;
	/* The numbers of the private part, which can be read. */
	void (*check_priv)(struct qy__check *ck, const struct qy_cache *c);
	/* Orders of slabs, none above max_order, and objects in them: may they be used? */
	bool (*check_orders)(struct qy__check *ck, const struct qy_cache *c);
	/* A slab: where it says it is, by what it holds. It is counted. */
	void (*check_slab_state)(struct qy__check *ck, struct qy__tally *t, uint32_t pfn);
	/* Its free objects; t->sane, and the number of objects is right. */
	void (*check_free_objects)(struct qy__slab_walk *w, const struct qy__tally *t,
				   uint32_t pfn);
	/* What the private part believes, against what was counted. */
	void (*check_totals)(struct qy__check *ck, const struct qy__tally *t);
	/* What it believes, for a text: nr_slabs, nr_partial, total_objects, live_objects. */
	void (*stats)(const struct qy_cache *c, struct qy_cache_info *info);
	/* Live objects of a debug cache, by the slabs on its lists. */
	uint64_t (*count_live)(const struct qy__check *ck, const struct qy_cache *c);
};

extern const struct qy__check_flavour qy__check_slub;

/* ---- tally.c ---- */

/* A cache's reference, computed from what may be believed. */
uint32_t qy__check_cache_ref(const struct qy__check *ck, const struct qy_cache *c);
void qy__tally_clear(struct qy__slab_walk *w);
void qy__tally_add(struct qy__slab_walk *w, struct qy_cache *c);
/* The tally that a slab's reference names, or NULL: no cache of this batch. */
struct qy__tally *qy__tally_find(struct qy__slab_walk *w, uint32_t ref);
/* Live bits in @pages pages from @pfn on. Debug builds. */
uint64_t qy__count_live_bits(const struct qy__check *ck, uint32_t pfn, uint32_t pages);

/* ---- check_cache.c ---- */

/* The head: may it be touched at all? Called before its lock is taken. */
bool qy__check_head(struct qy__check *ck, const struct qy_cache *c);
/* Its flavour, and that the private part is where it can be. NULL: it may not be used. */
const struct qy__check_flavour *qy__check_flavour_of(struct qy__check *ck,
						     const struct qy_cache *c);
/* Numbers of the layout, orders, flags; sets t->flavour, t->debug, t->sane. */
void qy__check_layout(struct qy__check *ck, struct qy__tally *t);
/* The size classes. Registry lock held, not those of the caches. */
void qy__check_kmalloc(struct qy__check *ck);

/* ---- check_sheaf.c ---- */

/* The sheaf of a CPU if it can be read and its numbers are right; NULL: none, or damaged. */
const struct qy__sheaf *qy__check_sheaf(const struct qy__check *ck, const struct qy_cache *c,
					unsigned int cpu);
/* Sheaves: sizes first (the filter is made to measure), then every object in them. */
void qy__check_sheaf_sizes(struct qy__slab_walk *w);
void qy__check_sheaf_objects(struct qy__slab_walk *w);
/* An object that its slab says is free: not live, and not in a sheaf as well. */
void qy__check_free_object(struct qy__slab_walk *w, const struct qy__tally *t, uint32_t pfn,
			   const void *object);

/* ---- check_object.c ---- */

/* Every byte of a debug cache's slab that is not the user's; counts live objects. */
#if QY_CONFIG_DEBUG
void qy__check_slab_bytes(struct qy__slab_walk *w, struct qy__tally *t, uint32_t pfn);
/* Ditto of a large block; with @flags, which are the same for all of them. */
qy_slab_flags_t qy__check_large_flags(struct qy__check *ck);
void qy__check_large(struct qy__check *ck, uint32_t pfn, qy_slab_flags_t flags);
#else
static inline void qy__check_slab_bytes(struct qy__slab_walk *w, struct qy__tally *t, uint32_t pfn)
{
	(void)w, (void)t, (void)pfn;
}
static inline qy_slab_flags_t qy__check_large_flags(struct qy__check *ck)
{
	(void)ck;
	return 0;
}
static inline void qy__check_large(struct qy__check *ck, uint32_t pfn, qy_slab_flags_t flags)
{
	(void)ck, (void)pfn, (void)flags;
}
#endif

#endif
