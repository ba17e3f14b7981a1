/* SPDX-License-Identifier: MIT */
/*
 * check_slab.h - what the parts of the slab walk share.
 *
 * Caches are taken in batches, so that what is counted for each fits on the stack. A batch is
 * locked as a whole: then one pass over the descriptors sees every slab of each of its caches, and
 * nothing moves meanwhile.
 */
#ifndef QY_CHECK_CHECK_SLAB_H
#define QY_CHECK_CHECK_SLAB_H

#include "check/check.h"
#include "slab/slub.h"

#define QY__TALLIES 64	      /* caches in a batch */
#define QY__FILTER_WORDS 1024 /* at most */

/* A cache of the batch, with what the pass over the descriptors counted. */
struct qy__tally {
	struct qy_cache *c;
	struct qy__slub *s;
	uint32_t ref;
	uint32_t inverse; /* 2^32 / slot, rounded up: an index without a division */
	bool sane;	  /* layout and private part may be used */
	bool debug;
	uint32_t slabs, partial, full, empty, frozen;
	uint64_t objects, inuse, live;
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

/* The tally that a slab's reference names, or NULL: no cache of this batch. */
struct qy__tally *qy__tally_find(struct qy__slab_walk *w, uint32_t ref);

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

/* ---- check_cache.c ---- */

/* The head: may it be touched at all? Called before its lock is taken. */
bool qy__check_head(struct qy__check *ck, const struct qy_cache *c);
/* Numbers of the layout, orders, flags; sets t->sane. */
void qy__check_layout(struct qy__check *ck, struct qy__tally *t);
/* Sheaves: sizes first (the filter is made to measure), then every object in them. */
void qy__check_sheaf_sizes(struct qy__slab_walk *w);
void qy__check_sheaf_objects(struct qy__slab_walk *w);
/* Is @object in a sheaf of its cache? */
bool qy__check_is_parked(const struct qy__slab_walk *w, const struct qy__tally *t,
			 const void *object);
/* The size classes. Registry lock held, not those of the caches. */
void qy__check_kmalloc(struct qy__check *ck);

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
