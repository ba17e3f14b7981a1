/* SPDX-License-Identifier: MIT */
/*
 * boot.c - from the boot map to the buddy.
 *
 * The span's memory, without its holes, goes into the boot map (boot_map.c); what lives as long as
 * the instance is taken from it; what is left is handed to the zones. Later pages (hot-add) do not
 * come by there.
 *
 * Locks: while an instance is made, none is needed; hot-add: grow_lock → zone->lock.
 */
#include "page/boot.h"

#include <errno.h>

#include "page/boot_map.h"
#include "page/buddy.h"
#include "page/mm.h"
#include "page/page_debug.h"
#include "page/pcp.h"
#include "page/shuffle.h"
#include "page/watermark.h"
#include "page/zone.h"
#include "page/zonelist.h"
#include "util/plant.h"

/* ---- books ---- */

/* The descriptors of an arena come from its boot map. */
static int arena_books(struct qy_mm *mm)
{
	size_t pages = mm->max_pfn - mm->min_pfn;
	size_t blocks = ((mm->max_pfn - 1) >> mm->pageblock_order) - mm->pageblock_first + 1;

	mm->pageblock = qy__mm_boot_alloc(mm, blocks, sizeof(uint64_t));
	mm->pages = qy__mm_boot_alloc(mm, pages * sizeof(struct qy_page), QY__CACHE_LINE);
	if (!mm->pages || !mm->pageblock)
		return -ENOMEM;
	if (!QY_CONFIG_DEBUG)
		return 0;
	mm->live = qy__mm_boot_alloc(mm, pages * QY__LIVE_BYTES, QY__CACHE_LINE);
	return mm->live ? 0 : -ENOMEM;
}

/* Do the limits leave pages to @zone? */
static bool zone_possible(const struct qy_mm *mm, const struct qy__zone *zone)
{
	uint32_t from = mm->min_pfn, to = mm->max_pfn;

	if (zone->node)
		from = max(from, mm->topology.node_limit[zone->node - 1]);
	if (zone->type)
		from = max(from, mm->topology.zone_limit[zone->type - 1]);
	to = min(to, mm->topology.node_limit[zone->node]);
	to = min(to, mm->topology.zone_limit[zone->type]);
	return from < to;
}

static bool has_one_zone(const struct qy_mm *mm)
{
	unsigned int n = 0;

	for (unsigned int z = 0; z < mm->nr_zones; z++)
		n += zone_possible(mm, &mm->zone[z]);
	return n == 1;
}

static int pcp_books(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	mm->one_zone = has_one_zone(mm);
	mm->pcp.on = cfg->pcp == QY_ON || (cfg->pcp == QY_AUTO && cfg->backing == QY_BACKING_ANON);
	if (!mm->pcp.on)
		return 0;
	if (mm->cpus.provider == QY_CPU_THREAD)
		mm->pcp.fence = !qy__osif_barrier_init();
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		struct qy__zone *zone = &mm->zone[z];

		if (!zone_possible(mm, zone))
			continue;
		zone->pcp = qy__mm_boot_alloc(mm, mm->cpus.nr * sizeof(*zone->pcp), QY__CACHE_LINE);
		if (!zone->pcp)
			return -ENOMEM;
	}
	return 0;
}

int qy__boot_books(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	int err = qy__watermark_config(&mm->marks.config, &cfg->watermark);

	if (!err)
		err = qy__limits_init(mm, cfg);
	if (!err)
		err = qy__boot_map_init(mm, cfg->early_allocator);
	if (!err)
		err = qy__zones_init(mm, cfg);
	if (!err && cfg->backing == QY_BACKING_ARENA)
		err = arena_books(mm);
	if (!err)
		err = pcp_books(mm, cfg);
	if (err)
		return err;
	mm->zonelist.index =
		qy__mm_boot_alloc(mm, qy__zonelists_bytes(mm->nr_nodes), sizeof(uint64_t));
	if (!mm->zonelist.index)
		return -ENOMEM;
	qy__zonelists_build(mm);
	return 0;
}

/* ---- pages come in ---- */

/* The end of the stretch from @start that is hole, or is none. */
static uint32_t stretch(const struct qy_mm *mm, uint32_t start, uint32_t end, bool *hole)
{
	*hole = false;
	for (unsigned int i = 0; i < mm->topology.nr_holes; i++) {
		if (start < mm->topology.hole[i].start)
			return min(end, mm->topology.hole[i].start);
		if (start >= mm->topology.hole[i].end)
			continue;
		*hole = true;
		return min(end, mm->topology.hole[i].end);
	}
	return end;
}

/*
 * What pages [start, end) and their page blocks are, before anybody can see them. A block gets its
 * type with its first page: that it was there in part already is no reason to change it.
 */
static void name_pages(struct qy_mm *mm, uint32_t start, uint32_t end, enum qy__page_type type)
{
	uint8_t block_type = mm->grouping ? QY_MIGRATE_MOVABLE : QY_MIGRATE_UNMOVABLE;
	uint32_t inside = (1u << mm->pageblock_order) - 1;

	for (uint32_t pfn = start; pfn < end; pfn++) {
		qy__pfn_page(mm, pfn)->type = (uint8_t)type;
		if (!(pfn & inside) || pfn == mm->min_pfn)
			qy__store_relaxed(
				&mm->pageblock[(pfn >> mm->pageblock_order) - mm->pageblock_first],
				block_type);
	}
}

/* Pages [start, end) exist from now on, and are of their zones; @type says what they are. */
static void add_pages(struct qy_mm *mm, uint32_t start, uint32_t end, enum qy__page_type type)
{
	for (uint32_t stop; start < end; start = stop) {
		struct qy__zone *zone = qy__pfn_zone(mm, start, end, &stop);
		bool hole;

		stop = stretch(mm, start, stop, &hole);
		name_pages(mm, start, stop, hole ? QY__PAGE_HOLE : type);
		qy__lock(&zone->lock);
		qy__zone_add(mm, zone, start, stop);
		if (hole && !qy__planted(HOLE_PRESENT))
			zone->present -= stop - start;
		qy__unlock(&zone->lock);
		if (mm->topology.machine)
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

/* Those that have some of [start, end). */
static void shuffle_zones(struct qy_mm *mm, uint32_t start, uint32_t end)
{
	for (uint32_t stop; mm->shuffle.on && start < end; start = stop) {
		struct qy__zone *zone = qy__pfn_zone(mm, start, end, &stop);

		qy__lock(&zone->lock);
		qy__shuffle_zone(mm, zone);
		qy__unlock(&zone->lock);
	}
}

int qy__mm_handover(struct qy_mm *mm)
{
	add_pages(mm, mm->min_pfn, mm->end_pfn, QY__PAGE_RESERVED);
	qy__boot_map_hand_over(mm, free_pages);
	qy__watermarks_setup(mm);
	shuffle_zones(mm, mm->min_pfn, mm->end_pfn);
	return mm->early.free ? 0 : -ENOMEM;
}

void qy__boot_online(struct qy_mm *mm, uint32_t start, uint32_t end)
{
	bool hole;

	add_pages(mm, start, end, QY__PAGE_OFFLINE);
	qy__store_release(&mm->end_pfn, end);
	for (uint32_t at = start, stop; at < end; at = stop) {
		stop = stretch(mm, at, end, &hole);
		if (!hole)
			free_pages(mm, at, stop);
	}
	qy__watermarks_setup(mm);
	shuffle_zones(mm, start, end);
}
