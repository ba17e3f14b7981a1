/* SPDX-License-Identifier: MIT */
/*
 * memblock_query.c - questions about the sets; nothing is changed.
 *
 * MB5 is_region_memory: a subset; is_region_reserved: they intersect; is_memory: it is there.
 */
#include "early/memblock.h"

/* The index of the region that holds @addr; cnt if there is none. */
static uint32_t search(const struct qy_memblock_type *type, qy_addr_t addr)
{
	uint32_t i = qy__memblock_lower_bound(type, addr);

	return i < type->cnt && type->regions[i].base <= addr ? i : type->cnt;
}

qy_addr_t qy_memblock_phys_mem_size(const struct qy_memblock *mb)
{
	return mb->memory.total_size;
}

qy_addr_t qy_memblock_reserved_size(const struct qy_memblock *mb)
{
	return mb->reserved.total_size;
}

qy_addr_t qy_memblock_reserved_kern_size(const struct qy_memblock *mb, qy_addr_t limit, int nid)
{
	const struct qy_memblock_type *type = &mb->reserved;
	qy_addr_t total = 0;

	for (uint32_t i = 0; i < type->cnt && type->regions[i].base < limit; i++) {
		const struct qy_memblock_region *r = &type->regions[i];

		if ((r->flags & QY_MEMBLOCK_RSRV_KERN) && (nid == QY_NO_NODE || nid == r->nid))
			total += min(qy__region_end(r), limit) - r->base;
	}
	return total;
}

uint64_t qy_memblock_estimated_nr_free_pages(const struct qy_memblock *mb)
{
	qy_addr_t memory = mb->memory.total_size;

	return qy__pfn_down(memory - min(memory, mb->reserved.total_size));
}

qy_addr_t qy_memblock_start_of_DRAM(const struct qy_memblock *mb)
{
	return mb->memory.cnt ? mb->memory.regions[0].base : 0;
}

qy_addr_t qy_memblock_end_of_DRAM(const struct qy_memblock *mb)
{
	const struct qy_memblock_type *type = &mb->memory;

	return type->cnt ? qy__region_end(&type->regions[type->cnt - 1]) : 0;
}

bool qy_memblock_is_memory(const struct qy_memblock *mb, qy_addr_t addr)
{
	return search(&mb->memory, addr) < mb->memory.cnt;
}

bool qy_memblock_is_map_memory(const struct qy_memblock *mb, qy_addr_t addr)
{
	uint32_t i = search(&mb->memory, addr);

	return i < mb->memory.cnt && !(mb->memory.regions[i].flags & QY_MEMBLOCK_NOMAP);
}

bool qy_memblock_is_reserved(const struct qy_memblock *mb, qy_addr_t addr)
{
	return search(&mb->reserved, addr) < mb->reserved.cnt;
}

/* Regions that touch count as one here. An empty range is inside if its base is. */
bool qy__memblock_covers(const struct qy_memblock_type *type, qy_addr_t base, qy_addr_t end,
			 uint32_t without)
{
	uint32_t i = search(type, base);
	qy_addr_t reached = base;

	for (; i < type->cnt && type->regions[i].base <= reached; i++) {
		if (type->regions[i].flags & without)
			return false;
		reached = qy__region_end(&type->regions[i]);
		if (reached >= end)
			return true;
	}
	return false;
}

bool qy_memblock_is_region_memory(const struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return qy__memblock_covers(&mb->memory, base, qy__range_end(base, size), 0);
}

bool qy_memblock_overlaps_region(const struct qy_memblock_type *type, qy_addr_t base,
				 qy_addr_t size)
{
	qy_addr_t end = qy__range_end(base, size);
	uint32_t i = qy__memblock_lower_bound(type, base);

	return base < end && i < type->cnt && type->regions[i].base < end;
}

bool qy_memblock_is_region_reserved(const struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return qy_memblock_overlaps_region(&mb->reserved, base, size);
}

bool qy_memblock_search_pfn_nid(const struct qy_memblock *mb, uint64_t pfn, int *nid,
				uint64_t *start_pfn, uint64_t *end_pfn)
{
	const struct qy_memblock_region *r;
	uint32_t i;

	if (pfn > qy__pfn_down(QY__ADDR_MAX))
		return false;
	i = search(&mb->memory, (qy_addr_t)pfn << QY_CONFIG_PAGE_SHIFT);
	if (i == mb->memory.cnt)
		return false;
	r = &mb->memory.regions[i];
	*nid = r->nid;
	*start_pfn = qy__pfn_down(r->base);
	*end_pfn = qy__pfn_down(qy__region_end(r));
	return true;
}

bool qy_memblock_validate_numa_coverage(const struct qy_memblock *mb, qy_addr_t threshold)
{
	qy_addr_t without = 0;

	for (uint32_t i = 0; i < mb->memory.cnt; i++)
		if (mb->memory.regions[i].nid == QY_NO_NODE)
			without += mb->memory.regions[i].size;
	if (without <= threshold)
		return true;
	qy__memblock_log(mb, "NUMA: no nodes coverage for %lluMB of %lluMB RAM",
			 (unsigned long long)(without >> 20),
			 (unsigned long long)(mb->memory.total_size >> 20));
	return false;
}
