/* SPDX-License-Identifier: MIT */
/*
 * model.h - what must be true, worked out without the library.
 *
 * Objects: a bit per 8 bytes, so that no two live objects share a byte, and a pattern in each.
 * Pages: see page_model.h.
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
#define FZ_NONE UINT32_MAX

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
