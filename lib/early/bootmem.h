/* SPDX-License-Identifier: MIT */
/*
 * bootmem.h - what the boot allocator and its checker both know about a node and its map.
 *
 * A map is an array of longs, as the kernel's: its size in bytes is part of the interface.
 */
#ifndef QY_EARLY_BOOTMEM_H
#define QY_EARLY_BOOTMEM_H

#include <quarry/early.h>

#include "util/compiler.h"

#define QY__BOOTMEM_MAX_SHIFT 30
#define QY__MAP_BITS (8 * sizeof(unsigned long))

/* The first bit of [from, end) that is @set; @end if there is none. */
static inline uint64_t qy__map_find(const unsigned long *map, uint64_t from, uint64_t end, bool set)
{
	while (from < end) {
		unsigned long word = map[from / QY__MAP_BITS] ^ (set ? 0 : ~0ul);

		word >>= from % QY__MAP_BITS;
		if (word)
			return min(end, from + (unsigned int)__builtin_ctzl(word));
		from += QY__MAP_BITS - from % QY__MAP_BITS;
	}
	return end;
}

static inline bool qy__map_has(const unsigned long *map, uint64_t from, uint64_t end, bool set)
{
	return qy__map_find(map, from, end, set) < end;
}

static inline void qy__map_fill(unsigned long *map, uint64_t from, uint64_t end, bool set)
{
	while (from < end) {
		unsigned int bit = from % QY__MAP_BITS;
		unsigned int n = (unsigned int)min(QY__MAP_BITS - bit, end - from);
		unsigned long mask = ~0ul >> (QY__MAP_BITS - n) << bit;

		if (set)
			map[from / QY__MAP_BITS] |= mask;
		else
			map[from / QY__MAP_BITS] &= ~mask;
		from += n;
	}
}

static inline qy_addr_t qy__page_mask(const struct qy_bootmem *bm)
{
	return ((qy_addr_t)1 << bm->cfg.page_shift) - 1;
}

static inline uint64_t qy__pages_up(const struct qy_bootmem *bm, qy_addr_t bytes)
{
	return (bytes >> bm->cfg.page_shift) + !!(bytes & qy__page_mask(bm));
}

/* Page frames [first, end). */
struct qy__span {
	uint64_t first, end;
};

/* The pages of the node's own map; empty if it lies elsewhere. */
static inline struct qy__span qy__map_span(const struct qy_bootmem *bm,
					   const struct qy_bootmem_node *n)
{
	uint64_t first = n->map_addr >> bm->cfg.page_shift;

	if (n->map_addr == QY_BOOTMEM_OUTSIDE)
		return (struct qy__span){n->end_pfn, n->end_pfn};
	return (struct qy__span){first, first + qy__pages_up(bm, n->map_bytes)};
}

static inline bool qy__maps_overlap(const struct qy_bootmem_node *a,
				    const struct qy_bootmem_node *b)
{
	uintptr_t a_start = (uintptr_t)a->map, b_start = (uintptr_t)b->map;

	return a_start < b_start + b->map_bytes && b_start < a_start + a->map_bytes;
}

#endif
