/* SPDX-License-Identifier: MIT */
/*
 * slab_state.h - target "slab": what the model knows of caches and objects. Shared by fuzz_slab.c
 * (caches), fuzz_kmalloc.c and fuzz_errors.c (the user's own errors).
 */
#ifndef QY_FUZZ_SLAB_STATE_H
#define QY_FUZZ_SLAB_STATE_H

#include "harness.h"

#define FZ_GHOSTS 16
#define FZ_BY_SIZE (-1)
#define FZ_DEBUG_FLAGS                                                                             \
	(QY_SLAB_CONSISTENCY_CHECKS | QY_SLAB_RED_ZONE | QY_SLAB_POISON | QY_SLAB_STORE_USER)

struct fz_cache {
	struct qy_cache *c; /* NULL: no cache in this place */
	uint32_t size, align, flags;
	bool ctor;
	bool damaged; /* slabs may have been given up: free objects are not counted on */
	uint32_t slot, objs, min_order, live;
	uint64_t ctor_calls;
	struct fz_layout layout;
};

/* Bytes that the input destroyed and nobody reported yet. */
struct fz_damage {
	enum qy_report_kind kind; /* NONE: whole */
	ptrdiff_t off;
	uint32_t len;
};

struct fz_object {
	char *p;
	size_t size, cap; /* asked for; may be used */
	uint32_t seed;
	int cache; /* FZ_BY_SIZE, or its place */
	bool large;
	struct fz_damage damage;
};

struct fz_ghost {
	char *p;
	size_t size;
	int cache;
	struct qy_cache *c; /* the cache it was of; it may be gone */
	bool debug, large;
	uint64_t epoch;
};

struct fz_page_block {
	uint32_t pfn;
	uint8_t order;
};

struct fz_slab_state {
	struct fz_cache cache[FZ_NR_CACHES];
	struct fz_object obj[FZ_NR_OBJS];
	uint64_t cobj[FZ_NR_OBJS / 64], kobj[FZ_NR_OBJS / 64]; /* live objects */
	struct fz_page_block block[FZ_NR_BLOCKS];
	uint64_t blocks[FZ_NR_BLOCKS / 64];
	struct fz_ghost ghost[FZ_GHOSTS];
	unsigned int nr_ghosts;
	uint32_t kflags;      /* of the kmalloc caches */
	uint32_t large_flags; /* of kmalloc blocks */
	uint32_t seed, turn, nr_damaged;
	bool tracks;	/* some cache keeps stacks */
	uint64_t epoch; /* grows whenever a slab may have been given back */
	size_t free_pages;
};

extern struct fz_slab_state fz_slab;
extern struct fz_granules fz_granules;

/* What a kmalloc request must get. */
struct fz_place {
	bool large, impossible;
	uint32_t class, slot, order; /* order: of the block, or the least of a slab */
	size_t cap;
	uint32_t align;
};

/* Handles. -1: none. */
int fz_find_bit(const uint64_t *a, const uint64_t *b, unsigned int words, unsigned int from,
		bool set);
int fz_find_object(unsigned int from, enum fz_kind kind);
int fz_find_new_object(unsigned int from);
int fz_find_cache(unsigned int from);
/* The live object that starts at @p, or -1. */
int fz_object_at(const void *p);
const struct fz_cache *fz_cache_of(const struct fz_object *o); /* NULL: kmalloc */
uint32_t fz_flags_of(const struct fz_object *o);
bool fz_is_debug(const struct fz_object *o);

void fz_check_aligned(const void *p, uint32_t align);
/* A new object at @p; fails if it cannot be. */
void fz_object_born(int h, void *p, size_t size, size_t cap, int cache, bool large);
/* Look at what it holds, then write the pattern. */
void fz_object_fill(int h, bool zero);
/* Contents are as written. */
void fz_object_check(int h);
/* Before it is given back: check, put the constructor's contents back. */
void fz_object_prepare_free(int h);
/* After: foresee the report of its damage, forget it. */
void fz_object_gone(int h);
void fz_object_log(int h, struct fz_log *log);
/* No damage stays unreported: validate everything and demand the reports. */
void fz_settle_all(void);
/* All damage for which a report must have come in this step; @cache: FZ_BY_SIZE - 1 for all. */
unsigned int fz_expect_damage(int cache);

/* What an allocation failed for: was there really nothing? */
void fz_must_lack(const struct fz_cache *c, size_t n);
void fz_must_lack_block(unsigned int order);
struct fz_place fz_place_of(size_t size, size_t align);

/* Validate; walk over all caches and count. */
void fz_validate(struct fz_log *log);
void fz_cache_walk(struct fz_log *log);

/* The operations; false: not one of these. */
bool fz_cache_step(const struct fz_op *op, struct fz_log *log);
bool fz_kmalloc_step(const struct fz_op *op, struct fz_log *log);
bool fz_error_step(const struct fz_op *op, struct fz_log *log);

#endif
