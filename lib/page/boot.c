/* SPDX-License-Identifier: MIT */
/*
 * boot.c - from the boot map to the buddy.
 *
 * The span's memory, without its holes, goes into the boot map; what lives as long as the instance
 * is taken from it; what is left is handed to the zones. Later pages (hot-add) skip the map.
 *
 * Locks: while an instance is made, none is needed; hot-add: grow_lock → zone->lock.
 */
#include "page/boot.h"

#include <errno.h>
#include <string.h>

#include "page/buddy.h"
#include "page/mm.h"
#include "page/page_debug.h"
#include "page/pcp.h"
#include "page/shuffle.h"
#include "page/watermark.h"
#include "page/zone.h"
#include "page/zonelist.h"
#include "util/align.h"
#include "util/assert.h"

/* ---- the boot map ---- */

static qy_addr_t pfn_bytes(const struct qy_mm *mm, uint32_t pfn)
{
	return (uintptr_t)mm->base + ((qy_addr_t)pfn << QY_CONFIG_PAGE_SHIFT);
}

static int fill_boot_map(struct qy_mm *mm)
{
	qy_addr_t first = pfn_bytes(mm, mm->min_pfn);

	qy_memblock_add(&mm->early, first, pfn_bytes(mm, mm->end_pfn) - first, 0, 0);
	qy_memblock_reserve(&mm->early, first, sizeof(*mm));
	return 0;
}

static int cut_holes(struct qy_mm *mm)
{
	for (unsigned int i = 0; i < mm->nr_holes; i++) {
		qy_addr_t from = pfn_bytes(mm, mm->hole[i].start);

		if (qy_memblock_remove(&mm->early, from, pfn_bytes(mm, mm->hole[i].end) - from))
			return -ENOMEM;
	}
	return 0;
}

void *qy__mm_boot_alloc(struct qy_mm *mm, size_t size, size_t align)
{
	qy_addr_t at;

	qy__assert(!mm->early_done);
	at = qy_memblock_alloc(&mm->early, size, align, 0, QY_MEMBLOCK_ALLOC_ACCESSIBLE);
	return at ? memset((void *)(uintptr_t)at, 0, size) : NULL;
}

/* ---- books ---- */

/* The descriptors of an arena come from its boot map. */
static int arena_books(struct qy_mm *mm)
{
	size_t pages = mm->max_pfn - mm->min_pfn;
	size_t blocks = ((mm->max_pfn - 1) >> mm->pageblock_order) - mm->pageblock_first + 1;

	mm->pageblock = qy__mm_boot_alloc(mm, blocks, 8);
	mm->pages = qy__mm_boot_alloc(mm, pages * sizeof(struct qy_page), 64);
	if (!mm->pages || !mm->pageblock)
		return -ENOMEM;
	if (!QY_CONFIG_DEBUG)
		return 0;
	mm->live = qy__mm_boot_alloc(mm, pages * QY_PAGE_SIZE / 64, 64);
	return mm->live ? 0 : -ENOMEM;
}

/* Do the limits leave pages to @zone? */
static bool zone_possible(const struct qy_mm *mm, const struct qy__zone *zone)
{
	uint32_t from = mm->min_pfn, to = mm->max_pfn;

	if (zone->node)
		from = max(from, mm->node_limit[zone->node - 1]);
	if (zone->type)
		from = max(from, mm->zone_limit[zone->type - 1]);
	to = min(to, mm->node_limit[zone->node]);
	to = min(to, mm->zone_limit[zone->type]);
	return from < to;
}

static int pcp_books(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	mm->pcp_on = cfg->pcp == QY_ON || (cfg->pcp == QY_AUTO && cfg->backing == QY_BACKING_ANON);
	if (!mm->pcp_on)
		return 0;
	if (mm->cpu_provider == QY_CPU_THREAD)
		mm->pcp_fence = !qy__osif_barrier_init();
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		struct qy__zone *zone = &mm->zone[z];

		if (!zone_possible(mm, zone))
			continue;
		zone->pcp = qy__mm_boot_alloc(mm, mm->nr_cpus * sizeof(*zone->pcp), 64);
		if (!zone->pcp)
			return -ENOMEM;
	}
	return 0;
}

int qy__boot_books(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	int err = fill_boot_map(mm);

	if (!err)
		err = qy__watermark_config(&mm->watermark, &cfg->watermark);
	if (!err)
		err = qy__nodes_init(mm, cfg);
	if (!err)
		err = qy__zones_init(mm, cfg);
	if (!err)
		err = cut_holes(mm);
	if (!err && cfg->backing == QY_BACKING_ARENA)
		err = arena_books(mm);
	if (!err)
		err = pcp_books(mm, cfg);
	if (err)
		return err;
	mm->marks_on = mm->watermark.marks != QY_WATERMARKS_NONE;
	mm->zonelists = qy__mm_boot_alloc(mm, qy__zonelists_bytes(mm->nr_nodes), 8);
	if (!mm->zonelists)
		return -ENOMEM;
	qy__zonelists_build(mm);
	return 0;
}

/* ---- pages come in ---- */

/* The end of the stretch from @start that is hole, or is none. */
static uint32_t stretch(const struct qy_mm *mm, uint32_t start, uint32_t end, bool *hole)
{
	*hole = false;
	for (unsigned int i = 0; i < mm->nr_holes; i++) {
		if (start < mm->hole[i].start)
			return min(end, mm->hole[i].start);
		if (start >= mm->hole[i].end)
			continue;
		*hole = true;
		return min(end, mm->hole[i].end);
	}
	return end;
}

/* Pages [start, end) exist from now on, and are of their zones; @type says what they are. */
static void add_pages(struct qy_mm *mm, uint32_t start, uint32_t end, enum qy__page_type type)
{
	uint8_t block_type = mm->grouping ? QY_MIGRATE_MOVABLE : QY_MIGRATE_UNMOVABLE;

	for (uint32_t stop; start < end; start = stop) {
		struct qy__zone *zone = qy__pfn_zone(mm, start, end, &stop);
		bool hole;

		stop = stretch(mm, start, stop, &hole);
		qy__lock(&zone->lock);
		qy__zone_add(mm, zone, start, stop);
		if (hole)
			zone->present -= stop - start;
		qy__unlock(&zone->lock);
		for (uint32_t pfn = start; pfn < stop; pfn++) {
			uint32_t block = pfn >> mm->pageblock_order;

			qy__pfn_page(mm, pfn)->type = hole ? QY__PAGE_HOLE : type;
			if (pfn == start || pfn == block << mm->pageblock_order)
				qy__store_relaxed(&mm->pageblock[block - mm->pageblock_first],
						  block_type);
		}
		if (mm->machine_nodes)
			qy__osif_bind(qy__pfn_addr(mm, start),
				      (size_t)(stop - start) << QY_CONFIG_PAGE_SHIFT, zone->node);
	}
}

/* Pages [start, end), none of them in a hole, become free pages of their zones. */
static void free_pages(struct qy_mm *mm, uint32_t start, uint32_t end)
{
	for (uint32_t stop; start < end; start = stop) {
		struct qy__zone *zone = qy__pfn_zone(mm, start, end, &stop);

		qy__page_debug_online(mm, start, stop);
		qy__lock(&zone->lock);
		qy__free_range_locked(mm, zone, start, stop);
		qy__unlock(&zone->lock);
	}
}

static void shuffle_zones(struct qy_mm *mm)
{
	for (unsigned int z = 0; mm->shuffle && z < mm->nr_zones; z++) {
		qy__lock(&mm->zone[z].lock);
		qy__shuffle_zone(mm, &mm->zone[z]);
		qy__unlock(&mm->zone[z].lock);
	}
}

int qy__mm_handover(struct qy_mm *mm)
{
	qy_addr_t from, to, base = (uintptr_t)mm->base;
	uint64_t cursor = 0;
	uint32_t pages = 0;

	add_pages(mm, mm->min_pfn, mm->end_pfn, QY__PAGE_RESERVED);
	mm->early_done = true;
	while (qy_memblock_next_free(&mm->early, &cursor, &from, &to)) {
		uint32_t start =
			(uint32_t)(qy__align_up(from - base, QY_PAGE_SIZE) >> QY_CONFIG_PAGE_SHIFT);
		uint32_t end = (uint32_t)((to - base) >> QY_CONFIG_PAGE_SHIFT);

		if (start >= end)
			continue;
		free_pages(mm, start, end);
		pages += end - start;
	}
	qy__watermarks_setup(mm);
	shuffle_zones(mm);
	return pages ? 0 : -ENOMEM;
}

void qy__boot_online(struct qy_mm *mm, uint32_t start, uint32_t end)
{
	bool hole;

	add_pages(mm, start, end, QY__PAGE_OFFLINE);
	qy__store_release(&mm->end_pfn, end);
	for (uint32_t stop; start < end; start = stop) {
		stop = stretch(mm, start, end, &hole);
		if (!hole)
			free_pages(mm, start, stop);
	}
	qy__watermarks_setup(mm);
}
