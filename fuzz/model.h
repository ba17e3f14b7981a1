/* SPDX-License-Identifier: MIT */
/*
 * model.h - what must be true, worked out without the library.
 *
 * Pages: a bit per page frame. With one migratetype the free memory of a zone has exactly one
 * decomposition into aligned blocks, the greedy one, so the model knows which block sizes exist,
 * whether a request must succeed, in which zone, and what the counters say. Objects: a bit per 8
 * bytes, so that no two live objects share a byte, and a pattern in each.
 *
 * The model's memory is its own: nothing here calls the library or lies in its arena.
 */
#ifndef QY_FUZZ_MODEL_H
#define QY_FUZZ_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FZ_PAGE_SHIFT 12
#define FZ_PAGE_SIZE (1u << FZ_PAGE_SHIFT)
#define FZ_MAX_PFN 4096
#define FZ_PFN_WORDS (FZ_MAX_PFN / 64)
#define FZ_ZONES 3
#define FZ_ORDERS 12 /* 0 … 11 */
#define FZ_NONE UINT32_MAX

struct fz_pages {
	uint32_t min_pfn, end_pfn; /* frames that exist */
	unsigned int max_order;
	uint32_t zone_start[FZ_ZONES], zone_end[FZ_ZONES]; /* DMA, DMA32, NORMAL */
	uint64_t free[FZ_PFN_WORDS];
	uint32_t count[FZ_ZONES][FZ_ORDERS]; /* blocks of the greedy decomposition */
	uint32_t nr_free;
	uint32_t in_use, high_water; /* pages handed out, at most at once */
};

/* No page is free. @limit: the end of DMA and DMA32, as page frames; 0: the zone is empty. */
void fz_pages_init(struct fz_pages *m, uint32_t min_pfn, uint32_t end_pfn, unsigned int max_order,
		   const uint32_t limit[2]);
/*
 * [pfn, pfn + n) becomes free, or not. Return: false: some of it was so before, or does not exist.
 */
bool fz_pages_set_free(struct fz_pages *m, uint32_t pfn, uint32_t n, bool free);
unsigned int fz_pages_zone(const struct fz_pages *m, uint32_t pfn);
bool fz_pages_is_free(const struct fz_pages *m, uint32_t pfn);
/* The zone that serves a request whose highest zone is @zone; -1: none, it must fail. */
int fz_pages_serving_zone(const struct fz_pages *m, unsigned int zone, unsigned int order);
/* The smallest order from @order up of which @zone has a free block. */
unsigned int fz_pages_smallest(const struct fz_pages *m, unsigned int zone, unsigned int order);
/* Order of the free block that covers @pfn (which is free). */
unsigned int fz_pages_block_order(const struct fz_pages *m, uint32_t pfn);
/* Totals over zones. */
uint32_t fz_pages_count(const struct fz_pages *m, unsigned int order);
uint32_t fz_pages_largest(const struct fz_pages *m); /* in pages */

/* ---- objects: no two share a byte ---- */

#define FZ_GRANULE 8u
struct fz_granules {
	uintptr_t base;
	size_t words;
	uint64_t bit[(size_t)FZ_MAX_PFN * FZ_PAGE_SIZE / FZ_GRANULE / 64];
};
void fz_granules_init(struct fz_granules *g, uintptr_t base, size_t size);
/* Mark [p, p + len). Return: false: outside, or some of it belongs to somebody. */
bool fz_granules_claim(struct fz_granules *g, uintptr_t p, size_t len);
void fz_granules_release(struct fz_granules *g, uintptr_t p, size_t len);
/* Is any of [p, p + len) somebody's? */
bool fz_granules_taken(const struct fz_granules *g, uintptr_t p, size_t len);

/* ---- contents ---- */

/* Large ranges: both ends and a word per page are written and looked at. */
void fz_pattern_write(void *p, size_t len, uint32_t seed);
/*
 * The first wrong byte's offset, or -1. Only [0, len) of a pattern that was written with @whole
 * bytes.
 */
ptrdiff_t fz_pattern_check(const void *p, size_t len, size_t whole, uint32_t seed);
ptrdiff_t fz_zero_check(const void *p, size_t len);

/* ---- kmalloc's promises ---- */

/* The class of a request (KERNEL or FINE); 0: page blocks. */
uint32_t fz_class_size(bool fine, size_t size);
uint32_t fz_class_align(bool fine, size_t size);

/* The layout of a slot, worked out from the flags (linux-mm §2.2). */
struct fz_layout {
	uint32_t inuse, offset, slot, red_left_pad;
	bool tracked; /* the requested size is kept */
};
void fz_layout(struct fz_layout *l, uint32_t object_size, uint32_t align, uint32_t flags, bool ctor,
	       uint32_t red_zone);

#endif
