/* SPDX-License-Identifier: MIT */
/*
 * memblock_limit.c - less memory than the map says: limits, caps, trimming.
 *
 * None of these makes regions more, so they always fit (MB11); they refuse to take memory away
 * under an array in use.
 */
#include "early/memblock.h"

#include <errno.h>

/* The address below which there are @limit bytes of memory; the end of all: there are fewer. */
static qy_addr_t find_max_addr(const struct qy_memblock *mb, qy_addr_t limit)
{
	for (uint32_t i = 0; i < mb->memory.cnt; i++) {
		const struct qy_memblock_region *r = &mb->memory.regions[i];

		if (limit <= r->size)
			return r->base + limit;
		limit -= r->size;
	}
	return QY__ADDR_MAX;
}

int qy_memblock_enforce_memory_limit(struct qy_memblock *mb, qy_addr_t limit)
{
	qy_addr_t max_addr = limit ? find_max_addr(mb, limit) : QY__ADDR_MAX;
	struct qy__memblock_change c = {
		.verb = QY__MEMBLOCK_DROP, .base = max_addr, .end = QY__ADDR_MAX};

	if (max_addr == QY__ADDR_MAX)
		return 0;
	if (qy__memblock_holds_array(mb, max_addr, QY__ADDR_MAX))
		return -EBUSY;
	qy__memblock_apply(&mb->memory, &c);
	qy__memblock_apply(&mb->reserved, &c);
	return 0;
}

int qy_memblock_cap_memory_range(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	struct qy__memblock_change c = {
		.verb = QY__MEMBLOCK_KEEP,
		.base = base,
		.end = qy__range_end(base, size),
		.set = QY_MEMBLOCK_NOMAP,
	};

	if (c.base == c.end || !mb->memory.cnt)
		return 0;
	if (qy__memblock_holds_array(mb, 0, c.base) ||
	    qy__memblock_holds_array(mb, c.end, QY__ADDR_MAX))
		return -EBUSY;
	qy__memblock_apply(&mb->memory, &c);
	c.set = 0;
	qy__memblock_apply(&mb->reserved, &c);
	return 0;
}

int qy_memblock_mem_limit_remove_map(struct qy_memblock *mb, qy_addr_t limit)
{
	qy_addr_t max_addr = limit ? find_max_addr(mb, limit) : QY__ADDR_MAX;

	return max_addr == QY__ADDR_MAX ? 0 : qy_memblock_cap_memory_range(mb, 0, max_addr);
}

int qy_memblock_trim_memory(struct qy_memblock *mb, qy_addr_t align)
{
	struct qy__memblock_change c = {.verb = QY__MEMBLOCK_TRIM, .align = align};

	if (!align)
		return -EINVAL;
	for (uint32_t i = 0; i < mb->memory.cnt; i++) {
		const struct qy_memblock_region *r = &mb->memory.regions[i];
		qy_addr_t end = qy__region_end(r), over = r->base % align;
		qy_addr_t lo = over ? r->base + min(align - over, r->size) : r->base;

		if (qy__memblock_holds_array(mb, r->base, lo) ||
		    qy__memblock_holds_array(mb, max(lo, end - end % align), end))
			return -EBUSY;
	}
	qy__memblock_apply(&mb->memory, &c);
	return 0;
}
