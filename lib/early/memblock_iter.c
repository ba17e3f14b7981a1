/* SPDX-License-Identifier: MIT */
/*
 * memblock_iter.c - the parts of one set that are not in another, upwards and downwards.
 *
 *   a          [0======]      [1==========]
 *   b             [0=]           [1]    [2]
 *   gaps of b  <0>    <----1----->  <-2-> <3 …
 *
 * The cursor names the next region and the next gap that could overlap; either moves on when it
 * ends before the other. Region -1 (downwards, when all regions are done) has a low half of all
 * ones.
 *
 * MB9 Downwards gives the same parts in the opposite order; a cursor kept goes on where it was.
 */
#include "early/memblock.h"

#include "util/plant.h"

#define END (~UINT64_C(0))
#define NO_REGION UINT32_MAX

/* Flags are a matter of memory; of other sets nothing is left out. */
static bool is_skipped(const struct qy_memblock *mb, const struct qy_memblock_type *type,
		       const struct qy_memblock_region *r, int nid, uint32_t flags)
{
	const uint32_t demanded = QY_MEMBLOCK_MIRROR | QY_MEMBLOCK_KHO_SCRATCH;
	uint32_t permit = QY_MEMBLOCK_NOMAP | QY_MEMBLOCK_DRIVER_MANAGED;

	if (nid != QY_NO_NODE && nid != r->nid)
		return true;
	if (type != &mb->memory)
		return false;
	if (mb->movable_node)
		permit |= QY_MEMBLOCK_HOTPLUG;
	return (r->flags & permit & ~flags) || (flags & demanded & ~r->flags);
}

static qy_addr_t gap_start(const struct qy_memblock_type *type, uint32_t gap)
{
	return gap ? qy__region_end(&type->regions[gap - 1]) : 0;
}

static qy_addr_t gap_end(const struct qy_memblock_type *type, uint32_t gap)
{
	return gap < type->cnt ? type->regions[gap].base : QY__ADDR_MAX;
}

static uint64_t make_cursor(uint32_t region, uint32_t gap)
{
	return (uint64_t)gap << 32 | region;
}

/* The part of @r in [lo, hi), if there is one. */
static bool is_part(const struct qy_memblock_region *r, qy_addr_t lo, qy_addr_t hi,
		    qy_addr_t *start, qy_addr_t *end, int *out_nid)
{
	lo = max(r->base, lo);
	hi = min(qy__region_end(r), hi);
	if (lo >= hi)
		return false;
	*start = lo;
	*end = hi;
	if (out_nid)
		*out_nid = r->nid;
	return true;
}

bool qy_memblock_next_range(const struct qy_memblock *mb, const struct qy_memblock_type *a,
			    const struct qy_memblock_type *b, int nid, uint32_t flags,
			    uint64_t *cursor, qy_addr_t *start, qy_addr_t *end, int *out_nid)
{
	uint32_t region = (uint32_t)*cursor, gap = (uint32_t)(*cursor >> 32);

	while (region < a->cnt && (!b || gap <= b->cnt)) {
		const struct qy_memblock_region *r = &a->regions[region];
		qy_addr_t lo = b ? gap_start(b, gap) : 0, hi = b ? gap_end(b, gap) : QY__ADDR_MAX;
		bool found;

		if (is_skipped(mb, a, r, nid, flags)) {
			region++;
			continue;
		}
		found = is_part(r, lo, hi, start, end, out_nid);
		/* What ends first has nothing more to give. */
		if (qy__region_end(r) <= hi)
			region++;
		else
			gap++;
		if (found) {
			*cursor = make_cursor(region, gap);
			return true;
		}
	}
	*cursor = END;
	return false;
}

bool qy_memblock_next_range_rev(const struct qy_memblock *mb, const struct qy_memblock_type *a,
				const struct qy_memblock_type *b, int nid, uint32_t flags,
				uint64_t *cursor, qy_addr_t *start, qy_addr_t *end, int *out_nid)
{
	uint32_t region = (uint32_t)*cursor, gap = (uint32_t)(*cursor >> 32);

	if (*cursor == END) {
		region = a->cnt - 1; /* NO_REGION if there is none */
		gap = b ? b->cnt : 0;
	}
	while (region < a->cnt && (!b || gap <= b->cnt)) {
		const struct qy_memblock_region *r = &a->regions[region];
		qy_addr_t lo = b ? gap_start(b, gap) : 0, hi = b ? gap_end(b, gap) : QY__ADDR_MAX;
		bool found;

		if (is_skipped(mb, a, r, nid, flags)) {
			region--;
			continue;
		}
		found = is_part(r, lo, hi, start, end, out_nid);
		/* What begins last has nothing more to give; no region begins before gap 0. */
		if (r->base >= lo || (qy__planted(MAP_REVERSE) && gap == 1))
			region--;
		else
			gap--;
		if (found) {
			*cursor = make_cursor(region, gap);
			return true;
		}
	}
	*cursor = END;
	return false;
}

bool qy_memblock_next_pfn_range(const struct qy_memblock *mb, int nid, uint64_t *cursor,
				uint64_t *start_pfn, uint64_t *end_pfn, int *out_nid)
{
	for (uint64_t i = *cursor; i < mb->memory.cnt; i++) {
		const struct qy_memblock_region *r = &mb->memory.regions[i];
		uint64_t start = qy__pfn_up(r->base), end = qy__pfn_down(qy__region_end(r));

		if (start >= end || (nid != QY_NO_NODE && nid != r->nid))
			continue;
		*cursor = i + 1;
		*start_pfn = start;
		*end_pfn = end;
		if (out_nid)
			*out_nid = r->nid;
		return true;
	}
	*cursor = END;
	return false;
}

bool qy_memblock_next_free(const struct qy_memblock *mb, uint64_t *cursor, qy_addr_t *start,
			   qy_addr_t *end)
{
	return qy_memblock_next_range(mb, &mb->memory, &mb->reserved, QY_NO_NODE, QY_MEMBLOCK_NONE,
				      cursor, start, end, NULL);
}
