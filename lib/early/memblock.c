/* SPDX-License-Identifier: MIT */
/*
 * memblock.c - two sets of address ranges: the memory there is, and the part of it that is taken.
 *
 *   memory    [======]      [===========]
 *   reserved     [==]          [=]    [=]
 *   free      [=]           [=]   [==]
 *
 * MB1 Regions ascend, do not overlap, are not empty.
 * MB2 Neighbours that touch differ in nid or flags.
 * MB3 total_size is the sum of the sizes, cnt at most max.
 * MB11 A change is built beside the set and copied over it when it fits: wholly or not at all.
 *
 * Free ranges do not reach across a border of regions, and leave out NOMAP memory.
 * Not locked: the caller serialises. No memory is taken but the stack (3 KiB).
 */
#include <quarry/early.h>

#include <errno.h>
#include <string.h>

#include "util/compiler.h"

#define ADDR_MAX (~(qy_addr_t)0)
#define NO_NODE (-1)
#define DEFAULT_ALIGN 64

/* A set in the making. */
struct builder {
	struct qy_memblock_region region[QY_MEMBLOCK_REGIONS];
	uint32_t cnt, max;
	qy_addr_t total;
	bool full;
};

static qy_addr_t region_end(const struct qy_memblock_region *r)
{
	return r->base + r->size;
}

/* @size, so cut that the end does not wrap. */
static qy_addr_t cap_size(qy_addr_t base, qy_addr_t size)
{
	return min(size, ADDR_MAX - base);
}

/*
 * Append [base, end), behind all that is there; it joins what it touches if the attributes are the
 * same.
 */
static void emit(struct builder *b, qy_addr_t base, qy_addr_t end, int32_t nid, uint32_t flags)
{
	struct qy_memblock_region *last = b->cnt ? &b->region[b->cnt - 1] : NULL;

	if (base >= end || b->full)
		return;
	b->total += end - base;
	if (last && region_end(last) == base && last->nid == nid && last->flags == flags) {
		last->size += end - base;
		return;
	}
	if (b->cnt == b->max) {
		b->full = true;
		return;
	}
	b->region[b->cnt++] = (struct qy_memblock_region){
		.base = base,
		.size = end - base,
		.flags = flags,
		.nid = nid,
	};
}

static void start(struct builder *b, const struct qy_memblock_type *type)
{
	b->cnt = 0;
	b->max = min(type->max, (uint32_t)QY_MEMBLOCK_REGIONS);
	b->total = 0;
	b->full = false;
}

static int finish(struct builder *b, struct qy_memblock_type *type)
{
	if (b->full)
		return -ENOMEM;
	memcpy(type->regions, b->region, b->cnt * sizeof(b->region[0]));
	type->cnt = b->cnt;
	type->total_size = b->total;
	return 0;
}

/*
 *   there    [--- a ---]      [- b -]
 *   added         [================]
 *   result   [--- a ---][=====][- b -]
 */
static int add_range(struct qy_memblock_type *type, qy_addr_t base, qy_addr_t size, int32_t nid,
		     uint32_t flags)
{
	qy_addr_t end = base + cap_size(base, size);
	struct builder b;

	if (base == end)
		return 0;
	start(&b, type);
	for (uint32_t i = 0; i < type->cnt; i++) {
		const struct qy_memblock_region *r = &type->regions[i];

		emit(&b, base, min(end, r->base), nid, flags);
		emit(&b, r->base, region_end(r), r->nid, r->flags);
		base = max(base, min(end, region_end(r)));
	}
	emit(&b, base, end, nid, flags);
	return finish(&b, type);
}

static int remove_range(struct qy_memblock_type *type, qy_addr_t base, qy_addr_t size)
{
	qy_addr_t end = base + cap_size(base, size);
	struct builder b;

	if (base == end)
		return 0;
	start(&b, type);
	for (uint32_t i = 0; i < type->cnt; i++) {
		const struct qy_memblock_region *r = &type->regions[i];

		emit(&b, r->base, min(base, region_end(r)), r->nid, r->flags);
		emit(&b, max(end, r->base), region_end(r), r->nid, r->flags);
	}
	return finish(&b, type);
}

void qy_memblock_init(struct qy_memblock *mb)
{
	memset(mb, 0, sizeof(*mb));
	mb->struct_size = sizeof(*mb);
	mb->current_limit = QY_MEMBLOCK_ALLOC_ANYWHERE;
	mb->memory.max = QY_MEMBLOCK_REGIONS;
	mb->reserved.max = QY_MEMBLOCK_REGIONS;
}

int qy_memblock_add(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size, int nid, uint32_t flags)
{
	return add_range(&mb->memory, base, size, nid, flags);
}

int qy_memblock_remove(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return remove_range(&mb->memory, base, size);
}

int qy_memblock_reserve(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return add_range(&mb->reserved, base, size, NO_NODE, QY_MEMBLOCK_NONE);
}

int qy_memblock_free(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return remove_range(&mb->reserved, base, size);
}

/* The place of an aligned @size in [lo, hi): the highest, or the lowest. 0: none (lo > 0). */
static qy_addr_t fit(qy_addr_t lo, qy_addr_t hi, qy_addr_t size, qy_addr_t align, bool lowest)
{
	qy_addr_t at;

	if (lo >= hi || hi - lo < size)
		return 0;
	if (lowest) {
		qy_addr_t over = lo % align, step = over ? align - over : 0;

		return step <= hi - lo - size ? lo + step : 0;
	}
	at = hi - size;
	at -= at % align;
	return at >= lo ? at : 0;
}

qy_addr_t qy_memblock_find(const struct qy_memblock *mb, qy_addr_t start_addr, qy_addr_t end,
			   qy_addr_t size, qy_addr_t align)
{
	qy_addr_t lo, hi, found = 0;
	uint64_t cursor = 0;

	if (!size)
		return 0;
	if (!align)
		align = 1;
	if (end == QY_MEMBLOCK_ALLOC_ACCESSIBLE)
		end = mb->current_limit;
	start_addr = max(start_addr, (qy_addr_t)QY_PAGE_SIZE); /* address 0 means failure */

	while (qy_memblock_next_free(mb, &cursor, &lo, &hi) && lo < end) {
		qy_addr_t at = fit(max(lo, start_addr), min(hi, end), size, align, mb->bottom_up);

		if (at)
			found = at; /* ranges ascend: top-down wants the last */
		if (at && mb->bottom_up)
			break;
	}
	return found;
}

qy_addr_t qy_memblock_alloc(struct qy_memblock *mb, qy_addr_t size, qy_addr_t align,
			    qy_addr_t start_addr, qy_addr_t end)
{
	qy_addr_t at = qy_memblock_find(mb, start_addr, end, size, align ? align : DEFAULT_ALIGN);

	if (at && qy_memblock_reserve(mb, at, size))
		return 0;
	return at;
}

/* The index of the region that holds @addr; cnt if there is none. */
static uint32_t search(const struct qy_memblock_type *type, qy_addr_t addr)
{
	uint32_t lo = 0, hi = type->cnt;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct qy_memblock_region *r = &type->regions[mid];

		if (addr < r->base)
			hi = mid;
		else if (addr >= region_end(r))
			lo = mid + 1;
		else
			return mid;
	}
	return type->cnt;
}

bool qy_memblock_is_memory(const struct qy_memblock *mb, qy_addr_t addr)
{
	return search(&mb->memory, addr) < mb->memory.cnt;
}

bool qy_memblock_is_reserved(const struct qy_memblock *mb, qy_addr_t addr)
{
	return search(&mb->reserved, addr) < mb->reserved.cnt;
}

/* Regions that touch count as one here. An empty range is inside if its base is. */
bool qy_memblock_is_region_memory(const struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	const struct qy_memblock_type *type = &mb->memory;
	qy_addr_t end = base + cap_size(base, size), reached;
	uint32_t i = search(type, base);

	if (i == type->cnt)
		return false;
	reached = region_end(&type->regions[i]);
	while (reached < end && ++i < type->cnt && type->regions[i].base == reached)
		reached = region_end(&type->regions[i]);
	return reached >= end;
}

bool qy_memblock_is_region_reserved(const struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	const struct qy_memblock_type *type = &mb->reserved;
	qy_addr_t end = base + cap_size(base, size);

	for (uint32_t i = 0; i < type->cnt && type->regions[i].base < end; i++)
		if (base < region_end(&type->regions[i]))
			return base < end;
	return false;
}

/*
 * The cursor: index of the memory region in the low half, in the high half index of the gap between
 * reserved regions (gap i lies before region i, the last one behind them all); all ones at the end.
 */
bool qy_memblock_next_free(const struct qy_memblock *mb, uint64_t *cursor, qy_addr_t *start_addr,
			   qy_addr_t *end)
{
	const struct qy_memblock_type *mem = &mb->memory, *res = &mb->reserved;
	uint32_t m = (uint32_t)*cursor, gap = (uint32_t)(*cursor >> 32);

	while (m < mem->cnt && gap <= res->cnt) {
		const struct qy_memblock_region *r = &mem->regions[m];
		qy_addr_t gap_start = gap ? region_end(&res->regions[gap - 1]) : 0;
		qy_addr_t gap_end = gap < res->cnt ? res->regions[gap].base : ADDR_MAX;
		qy_addr_t lo = max(r->base, gap_start), hi = min(region_end(r), gap_end);

		/* What ends first has nothing more to give. */
		if (region_end(r) <= gap_end)
			m++;
		else
			gap++;
		if (lo < hi && !(r->flags & QY_MEMBLOCK_NOMAP)) {
			*cursor = (uint64_t)gap << 32 | m;
			*start_addr = lo;
			*end = hi;
			return true;
		}
	}
	*cursor = ~UINT64_C(0);
	return false;
}
