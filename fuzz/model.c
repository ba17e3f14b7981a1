/* SPDX-License-Identifier: MIT */
/*
 * model.c - the shadow model: page frames, bytes, contents, sizes. Independent of the library's
 * code.
 */
#include "model.h"

#include <string.h>

#include <quarry/types.h>

/* ---- page frames ---- */

static bool bit_test(const uint64_t *map, uint32_t i)
{
	return map[i / 64] >> (i % 64) & 1;
}

/* The first pfn in [from, end) whose bit is @value; @end if there is none. */
static uint32_t bit_next(const uint64_t *map, uint32_t from, uint32_t end, bool value)
{
	while (from < end) {
		uint64_t word = (value ? map[from / 64] : ~map[from / 64]) >> (from % 64);

		if (word) {
			from += (uint32_t)__builtin_ctzll(word);
			return from < end ? from : end;
		}
		from = (from | 63) + 1;
	}
	return end;
}

void fz_pages_init(struct fz_pages *m, uint32_t min_pfn, uint32_t end_pfn, unsigned int max_order,
		   const uint32_t limit[2])
{
	uint32_t at = min_pfn;

	memset(m, 0, sizeof(*m));
	m->min_pfn = min_pfn;
	m->end_pfn = end_pfn;
	m->max_order = max_order;
	for (int z = 0; z < FZ_ZONES; z++) {
		uint32_t end = z == FZ_ZONES - 1 ? end_pfn : limit[z];

		end = end < at ? at : end > end_pfn ? end_pfn : end;
		m->zone_start[z] = at;
		m->zone_end[z] = at = end;
	}
}

/* Greedy: from the left, the largest block that is aligned and fits what is left of the run. */
static unsigned int greedy_order(const struct fz_pages *m, uint32_t start, uint32_t end)
{
	unsigned int order = start ? (unsigned int)__builtin_ctz(start) : m->max_order;

	if (order > m->max_order)
		order = m->max_order;
	while (start + (1u << order) > end)
		order--;
	return order;
}

static void count_run(struct fz_pages *m, unsigned int zone, uint32_t start, uint32_t end, int sign)
{
	while (start < end) {
		unsigned int order = greedy_order(m, start, end);

		m->count[zone][order] += (uint32_t)sign;
		start += 1u << order;
	}
}

/* The whole run of free pages around @pfn, inside its zone. */
static void free_run(const struct fz_pages *m, unsigned int zone, uint32_t pfn, uint32_t *start,
		     uint32_t *end)
{
	uint32_t s = pfn;

	*end = bit_next(m->free, pfn, m->zone_end[zone], false);
	while (s > m->zone_start[zone]) {
		uint32_t at = s - 1;
		uint64_t word = ~m->free[at / 64]
				<< (63 - at % 64); /* not free, from @at downwards */

		if (word) {
			s -= (uint32_t)__builtin_clzll(word);
			break;
		}
		s -= at % 64 + 1;
	}
	*start = s < m->zone_start[zone] ? m->zone_start[zone] : s;
}

/* One zone's part of a change: only the run it lies in is counted anew. */
static void change_run(struct fz_pages *m, unsigned int zone, uint32_t pfn, uint32_t n, bool free)
{
	uint32_t start, end;

	if (!free) {
		free_run(m, zone, pfn, &start, &end);
		count_run(m, zone, start, end, -1);
		count_run(m, zone, start, pfn, 1);
		count_run(m, zone, pfn + n, end, 1);
	}
	for (uint32_t p = pfn; p < pfn + n; p++)
		m->free[p / 64] ^= UINT64_C(1) << (p % 64);
	if (free) {
		free_run(m, zone, pfn, &start, &end);
		count_run(m, zone, start, pfn, -1);
		count_run(m, zone, pfn + n, end, -1);
		count_run(m, zone, start, end, 1);
	}
}

bool fz_pages_set_free(struct fz_pages *m, uint32_t pfn, uint32_t n, bool free)
{
	uint32_t end = pfn + n;

	if (pfn < m->min_pfn || end > m->end_pfn || end < pfn)
		return false;
	if (bit_next(m->free, pfn, end, free) != end)
		return false;
	m->nr_free += free ? n : 0u - n;
	while (pfn < end) {
		unsigned int z = fz_pages_zone(m, pfn);
		uint32_t stop = end < m->zone_end[z] ? end : m->zone_end[z];

		change_run(m, z, pfn, stop - pfn, free);
		pfn = stop;
	}
	return true;
}

unsigned int fz_pages_zone(const struct fz_pages *m, uint32_t pfn)
{
	unsigned int z = 0;

	while (z < FZ_ZONES - 1 && pfn >= m->zone_end[z])
		z++;
	return z;
}

bool fz_pages_is_free(const struct fz_pages *m, uint32_t pfn)
{
	return pfn >= m->min_pfn && pfn < m->end_pfn && bit_test(m->free, pfn);
}

unsigned int fz_pages_smallest(const struct fz_pages *m, unsigned int zone, unsigned int order)
{
	while (order <= m->max_order && !m->count[zone][order])
		order++;
	return order <= m->max_order ? order : FZ_NONE;
}

int fz_pages_serving_zone(const struct fz_pages *m, unsigned int zone, unsigned int order)
{
	if (order > m->max_order)
		return -1;
	for (int z = zone < FZ_ZONES ? (int)zone : FZ_ZONES - 1; z >= 0; z--) {
		if (fz_pages_smallest(m, (unsigned int)z, order) != FZ_NONE)
			return z;
	}
	return -1;
}

unsigned int fz_pages_block_order(const struct fz_pages *m, uint32_t pfn)
{
	uint32_t start, end;

	free_run(m, fz_pages_zone(m, pfn), pfn, &start, &end);
	for (;;) {
		unsigned int order = greedy_order(m, start, end);

		if (pfn < start + (1u << order))
			return order;
		start += 1u << order;
	}
}

uint32_t fz_pages_count(const struct fz_pages *m, unsigned int order)
{
	uint32_t n = 0;

	for (int z = 0; z < FZ_ZONES; z++)
		n += m->count[z][order];
	return n;
}

uint32_t fz_pages_largest(const struct fz_pages *m)
{
	for (unsigned int order = m->max_order + 1; order-- > 0;) {
		if (fz_pages_count(m, order))
			return 1u << order;
	}
	return 0;
}

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
	if (zones && red_zone > 8)
		size = (object_size + red_zone + 7) & ~7u;
	else if (zones && size == object_size)
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
		uint32_t least = red_zone > 8 ? red_zone : 8;

		l->red_left_pad = (least + align - 1) / align * align;
		size += 8 + l->red_left_pad;
	}
	l->slot = (size + align - 1) / align * align;
}
