/* SPDX-License-Identifier: MIT */
/*
 * zone.c - which pages belong to which zone.
 *
 * A zone is a span of pfns that ends at a configured limit. Pages that never existed, or are not
 * brought in yet, lie in no zone: spans grow as pages arrive.
 */
#include "page/zone.h"

#include <errno.h>

static const char *const zone_names[QY_NR_ZONES] = {"DMA", "DMA32", "Normal", "HighMem"};

int qy__zones_init(struct qy_mm *mm, const size_t limit[QY_NR_ZONES])
{
	size_t last = 0;

	for (int z = 0; z < QY_NR_ZONES; z++) {
		struct qy__zone *zone = &mm->zone[z];
		size_t end = limit[z] >> QY_CONFIG_PAGE_SHIFT;

		if (z == QY_ZONE_NORMAL)
			end = SIZE_MAX;
		else if (z == QY_ZONE_HIGHMEM && limit[z])
			return -EINVAL; /* frames beyond the direct map need a memfd instance */
		else if (!limit[z])
			end = last;
		if (end < last)
			return -EINVAL;
		mm->zone_limit[z] = last = end;
		zone->name = zone_names[z];
		for (int order = 0; order < QY__NR_ORDERS; order++)
			zone->area[order].head = zone->area[order].tail = QY__PFN_NONE;
	}
	return 0;
}

enum qy_zone_type qy__pfn_zone(const struct qy_mm *mm, uint32_t pfn)
{
	int z = 0;

	while (z < QY_ZONE_NORMAL && pfn >= mm->zone_limit[z])
		z++;
	return (enum qy_zone_type)z;
}

void qy__zones_add(struct qy_mm *mm, uint32_t start, uint32_t end)
{
	while (start < end) {
		enum qy_zone_type z = qy__pfn_zone(mm, start);
		struct qy__zone *zone = &mm->zone[z];
		uint32_t stop = (uint32_t)min((size_t)end, mm->zone_limit[z]);

		if (!zone->present)
			zone->start_pfn = start;
		zone->end_pfn = stop;
		zone->present += stop - start;
		for (; start < stop; start++)
			qy__pfn_page(mm, start)->zone = (uint8_t)z;
	}
}

enum qy_zone_type qy__gfp_zone(qy_gfp_t gfp)
{
	if (gfp & QY_GFP_DMA)
		return QY_ZONE_DMA;
	if (gfp & QY_GFP_DMA32)
		return QY_ZONE_DMA32;
	if (gfp & QY_GFP_HIGHMEM)
		return QY_ZONE_HIGHMEM;
	return QY_ZONE_NORMAL;
}
