/* SPDX-License-Identifier: MIT */
/*
 * model.c - the shadow model: bytes, contents, sizes. Independent of the library's code.
 *
 * Called by the files of targets slab and page; calls nobody. What it says of kmalloc's
 * classes and of slots is worked out from the documents (linux-mm.md 2.2), to be compared with what
 * the library does.
 */
#include "model.h"

#include <string.h>

#include <quarry/types.h>

/* ---- objects ---- */

void fz_granules_init(struct fz_granules *g, uintptr_t base, size_t size)
{
	g->base = base;
	g->words = size / FZ_GRANULE / 64 + 1;
	if (g->words > sizeof(g->bit) / sizeof(g->bit[0]))
		g->words = sizeof(g->bit) / sizeof(g->bit[0]);
	memset(g->bit, 0, g->words * sizeof(g->bit[0]));
}

/* Bits of [p, p + len) as [*first, *last]; false: not inside. */
static bool granule_range(const struct fz_granules *g, uintptr_t p, size_t len, size_t *first,
			  size_t *last)
{
	if (p < g->base || !len)
		return false;
	*first = (p - g->base) / FZ_GRANULE;
	*last = (p - g->base + len - 1) / FZ_GRANULE;
	return *last < g->words * 64 && *last >= *first;
}

static uint64_t word_mask(size_t word, size_t first, size_t last)
{
	uint64_t mask = ~UINT64_C(0);

	if (word == first / 64)
		mask &= ~UINT64_C(0) << (first % 64);
	if (word == last / 64)
		mask &= ~UINT64_C(0) >> (63 - last % 64);
	return mask;
}

bool fz_granules_taken(const struct fz_granules *g, uintptr_t p, size_t len)
{
	size_t first, last;

	if (!granule_range(g, p, len, &first, &last))
		return false;
	for (size_t w = first / 64; w <= last / 64; w++) {
		if (g->bit[w] & word_mask(w, first, last))
			return true;
	}
	return false;
}

bool fz_granules_claim(struct fz_granules *g, uintptr_t p, size_t len)
{
	size_t first, last;

	if (!granule_range(g, p, len, &first, &last) || fz_granules_taken(g, p, len))
		return false;
	for (size_t w = first / 64; w <= last / 64; w++)
		g->bit[w] |= word_mask(w, first, last);
	return true;
}

void fz_granules_release(struct fz_granules *g, uintptr_t p, size_t len)
{
	size_t first, last;

	if (!granule_range(g, p, len, &first, &last))
		return;
	for (size_t w = first / 64; w <= last / 64; w++)
		g->bit[w] &= ~word_mask(w, first, last);
}

/* ---- contents ---- */

#define WHOLE_UP_TO 1024u /* larger ranges: this many bytes at both ends, and a word per page */

static uint64_t pattern_word(uint32_t seed, size_t index)
{
	return ((uint64_t)seed << 32 | (uint32_t)index) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static void write_range(uint8_t *p, size_t from, size_t to, uint32_t seed)
{
	for (; from < to; from += 8) {
		uint64_t w = pattern_word(seed, from);

		memcpy(p + from, &w, to - from < 8 ? to - from : 8);
	}
}

static ptrdiff_t check_range(const uint8_t *p, size_t from, size_t to, uint32_t seed)
{
	for (; from < to; from += 8) {
		size_t n = to - from < 8 ? to - from : 8;
		uint64_t w = pattern_word(seed, from), found = w;

		memcpy(&found, p + from, n);
		if (found == w)
			continue;
		for (size_t i = 0; i < n; i++) {
			if (p[from + i] != ((const uint8_t *)&w)[i])
				return (ptrdiff_t)(from + i);
		}
	}
	return -1;
}

void fz_pattern_write(void *p, size_t len, uint32_t seed)
{
	size_t tail;

	if (len <= 2 * WHOLE_UP_TO) {
		write_range(p, 0, len, seed);
		return;
	}
	tail = (len - WHOLE_UP_TO) & ~(size_t)7;
	write_range(p, 0, WHOLE_UP_TO, seed);
	for (size_t at = FZ_PAGE_SIZE; at < tail; at += FZ_PAGE_SIZE)
		write_range(p, at, at + 8, seed);
	write_range(p, tail, len, seed);
}

ptrdiff_t fz_pattern_check(const void *p, size_t len, size_t whole, uint32_t seed)
{
	size_t tail;
	ptrdiff_t bad;

	if (whole <= 2 * WHOLE_UP_TO)
		return check_range(p, 0, len, seed);
	tail = (whole - WHOLE_UP_TO) & ~(size_t)7;
	bad = check_range(p, 0, len < WHOLE_UP_TO ? len : WHOLE_UP_TO, seed);
	for (size_t at = FZ_PAGE_SIZE; bad < 0 && at < tail && at + 8 <= len; at += FZ_PAGE_SIZE)
		bad = check_range(p, at, at + 8, seed);
	if (bad < 0 && len > tail)
		bad = check_range(p, tail, len, seed);
	return bad;
}

ptrdiff_t fz_zero_check(const void *p, size_t len)
{
	const uint8_t *c = p;

	if (!len || (!c[0] && !memcmp(c, c + 1, len - 1)))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (c[i])
			return (ptrdiff_t)i;
	}
	return -1;
}

/* ---- sizes ---- */

static uint32_t kernel_class(size_t size)
{
	uint32_t c = 8;

	if (size > 64 && size <= 96)
		return 96;
	if (size > 128 && size <= 192)
		return 192;
	while (c < size)
		c *= 2;
	return c;
}

static uint32_t fine_class(size_t size)
{
	uint32_t doubling = 64;

	if (size <= 64)
		return ((uint32_t)size + 15) & ~15u;
	while (doubling * 2 < size)
		doubling *= 2; /* doubling < size <= 2 * doubling, in four steps */
	return ((uint32_t)size + doubling / 4 - 1) & ~(doubling / 4 - 1);
}

uint32_t fz_class_size(bool fine, size_t size)
{
	if (!size || size > 2 * FZ_PAGE_SIZE)
		return 0;
	return fine ? fine_class(size) : kernel_class(size);
}

uint32_t fz_class_align(bool fine, size_t size)
{
	uint32_t class = fz_class_size(fine, size);

	if (!class)
		return 16;
	return fine ? 16 : class & (0u - class);
}

void fz_layout(struct fz_layout *l, uint32_t object_size, uint32_t align, uint32_t flags, bool ctor,
	       uint32_t red_zone)
{
	bool zones = flags & QY_SLAB_RED_ZONE;
	bool tracks = flags & QY_SLAB_STORE_USER;
	uint32_t size = (object_size + 7) & ~7u;

	memset(l, 0, sizeof(*l));
	l->tracked = tracks && (flags & QY_SLAB_KMALLOC);
	if (zones && red_zone > 8) { /* all but the zones is kept elsewhere */
		l->red_left_pad = (red_zone + align - 1) / align * align;
		size = l->red_left_pad + object_size + red_zone;
		l->slot = (size + align - 1) / align * align;
		l->inuse = l->slot - l->red_left_pad;
		return;
	}
	if (zones && size == object_size)
		size += 8;
	l->inuse = size;
	if ((flags & QY_SLAB_POISON) || ctor || (zones && (object_size < 8 || l->tracked))) {
		l->offset = size;
		size += 8;
	} else {
		l->offset = object_size / 2 & ~7u;
	}
	size += tracks ? 64 : 0;
	size += l->tracked ? 8 : 0;
	if (zones) {
		l->red_left_pad = (8 + align - 1) / align * align;
		size += 8 + l->red_left_pad;
	}
	l->slot = (size + align - 1) / align * align;
}
