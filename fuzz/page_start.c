/* SPDX-License-Identifier: MIT */
/*
 * page_start.c - target "page": how an instance begins, and how the model comes to know it.
 *
 * The books lie at the start, and the instance holds a few pages for its own caches. Usually every
 * page is taken and given back in a known order: then all lists are known. In some inputs a second
 * instance is used as it was made: what lies on which list then follows from the hand-over, block
 * by block, and from the few requests for the caches. So it is where splits leave guard pages:
 * those cannot be taken.
 *
 * Called by harness.c (configuration) and fuzz_page.c. Compared: zones and pages with what the
 * configuration asks for; after that the model follows by itself.
 */
#include <string.h>

#include "page_state.h"

static uint32_t taken[FZ_MAX_PFN];

void fzp_configure(struct qy_mm_config *cfg)
{
	static size_t node_limit[FZ_MAX_NODES];
	static struct qy_range hole[FZ_MAX_HOLES];
	const struct fz_geometry *geo = &fz.in.geo;
	uint32_t block = 1u << geo->max_order, first = geo->start_page + (geo->skew ? 1 : 0);

	first %= block;
	cfg->nr_nodes = geo->nr_nodes;
	for (unsigned int i = 0; i < geo->nr_nodes; i++)
		node_limit[i] = (size_t)(first + geo->node_limit[i]) << FZ_PAGE_SHIFT;
	cfg->node_limit = geo->node_limits ? node_limit : NULL;
	cfg->distance = geo->distances ? geo->distance : NULL;
	cfg->cpu_node = geo->cpu_nodes ? geo->cpu_node : NULL;
	cfg->zonelist_order = geo->by_zone ? QY_ZONELIST_ZONE : QY_ZONELIST_NODE;
	if (geo->normal_pages)
		cfg->zone_limit[QY_ZONE_NORMAL] = (size_t)(first + geo->normal_pages)
						  << FZ_PAGE_SHIFT;
	for (unsigned int i = 0; i < geo->nr_holes; i++) {
		hole[i].start = (size_t)(first + geo->hole[i][0]) << FZ_PAGE_SHIFT;
		hole[i].end = ((size_t)(first + geo->hole[i][1]) << FZ_PAGE_SHIFT) - 100;
	}
	cfg->hole = hole;
	cfg->nr_holes = geo->nr_holes;
	fz_page_marks(geo->marks, geo->marks_more, &cfg->watermark);
	cfg->pageblock_order = geo->block_order;
	cfg->grouping = geo->grouping ? QY_ON : QY_OFF;
	cfg->pcp = geo->pcp ? QY_ON : QY_OFF;
	cfg->pcp_batch = geo->pcp_batch;
	cfg->pcp_high = geo->pcp_high;
	cfg->page_debug = geo->page_debug | (geo->guard_order ? QY_PAGE_UNMAP : 0);
	cfg->guardpage_minorder = geo->guard_order;
	cfg->early_allocator = geo->bootmem ? QY_EARLY_BOOTMEM : QY_EARLY_MEMBLOCK;
	if (geo->hook)
		cfg->reclaim.fn = fzp_hook;
	if (geo->migrate)
		cfg->migrate.fn = fzp_move;
}

void fzp_spoil(struct qy_mm_config *cfg, unsigned int way)
{
	static const uint8_t far[4] = {10, 20, 20, 10}, near[4] = {10, 9, 20, 10},
			     same[4] = {10, 20, 10, 10}, cpus[4] = {0, 1, 2, 0};
	static const size_t falling[2] = {(size_t)40 << FZ_PAGE_SHIFT, (size_t)30 << FZ_PAGE_SHIFT};
	static const struct qy_range holes[2] = {
		{(size_t)60 << FZ_PAGE_SHIFT, (size_t)61 << FZ_PAGE_SHIFT},
		{(size_t)50 << FZ_PAGE_SHIFT, (size_t)51 << FZ_PAGE_SHIFT}};

	cfg->size = (size_t)256 << FZ_PAGE_SHIFT;
	cfg->distance = far;
	cfg->nr_nodes = 2;
	cfg->node_limit = NULL;
	cfg->cpu_node = NULL;
	cfg->nr_cpus = 4;
	switch (way % 16) {
	case 0: cfg->nr_nodes = QY_MAX_NODES + 1; break;
	case 1: cfg->distance = near; break;
	case 2: cfg->distance = same; break;
	case 3: cfg->cpu_node = cpus; break;
	case 4:
		cfg->nr_nodes = 3;
		cfg->distance = NULL;
		cfg->node_limit = falling;
		break;
	case 5:
		cfg->hole = holes;
		cfg->nr_holes = 2;
		break;
	case 6: cfg->nr_holes = 17; break;
	case 7: cfg->watermark.scale_factor = 3001; break;
	case 8: cfg->watermark.marks = (enum qy_watermarks)2; break;
	case 9:
		cfg->pcp_batch = 9;
		cfg->pcp_high = 8;
		break;
	case 10: cfg->page_debug = 0x20; break;
	case 11: cfg->grouping = (enum qy_switch)3; break;
	case 12: cfg->zonelist_order = (enum qy_zonelist_order)2; break;
	case 13: cfg->zone_limit[QY_ZONE_HIGHMEM] = FZ_PAGE_SIZE; break;
	case 14: cfg->percpu_pagelist_high_fraction = 7; break;
	default: cfg->early_allocator = (enum qy_early_allocator)2; break;
	}
}

/* ---- what there is ---- */

static struct qy_zone_stat stat_of(unsigned int nr)
{
	struct qy_zone_stat stat = {.struct_size = sizeof(stat)};

	if (qy_zone_stat_get(fz.mm, nr / QY_NR_ZONES, (enum qy_zone_type)(nr % QY_NR_ZONES), &stat))
		fz_fail("model", "no figures of zone %u", nr);
	return stat;
}

/* The books are known only by their size: what is not managed. */
static void learn_zones(void)
{
	for (unsigned int i = 0; i < fzp.m.nr_zones; i++) {
		struct pm_zone *z = &fzp.m.zone[i];
		struct qy_zone_stat stat = stat_of(i);

		if (stat.present != z->present || stat.managed > stat.present)
			fz_fail("Z1", "zone %u: %zu pages, %zu managed, expected %u pages", i,
				stat.present, stat.managed, z->present);
		z->managed = (uint32_t)stat.managed;
	}
}

/* Every page that can be had; they come one by one from all zones of all nodes. */
static uint32_t take_all(void)
{
	unsigned int gfp = QY_GFP_HIGHMEM | QY_GFP_MOVABLE | QY_GFP_MEMALLOC | QY_GFP_NOWARN;
	struct qy_page *page;
	uint32_t n = 0;

	while ((page = qy_alloc_pages_node(fz.mm, 0, gfp, 0))) {
		uint32_t pfn = qy_page_pfn(fz.mm, page);

		if (pfn < fz.min_pfn || pfn >= fz.end_pfn || fzp.m.page[pfn].state != PM_GONE ||
		    pm_in_hole(&fzp.m, &fz.in.geo, pfn))
			fz_fail("B2", "page %u came twice, or does not exist", pfn);
		fzp.m.page[pfn].state = PM_USED;
		fzp.m.page[pfn].refs = 1;
		fzp.m.page[pfn].flags = PM_F_COMP | PM_F_MOVABLE;
		taken[n++] = pfn;
	}
	return n;
}

static void learn_types(void)
{
	uint32_t step = 1u << fzp.m.block_order;

	for (uint32_t pfn = fz.min_pfn; pfn < fz.end_pfn; pfn = (pfn & ~(step - 1)) + step)
		fzp.m.block_type[pfn >> fzp.m.block_order] =
			(uint8_t)qy_page_migratetype(fz.mm, fzp_page(pfn));
}

static void learn_counters(void)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};

	qy_page_stats(fz.mm, &stats);
	fzp.m.in_use = (uint32_t)(stats.managed - stats.free);
	fzp.m.high_water = (uint32_t)stats.high_water;
	fzp.m.balance_wanted = qy_mm_needs_balance(fz.mm);
	for (unsigned int i = 0; i < fzp.m.nr_zones; i++) {
		struct qy_zone_stat stat = stat_of(i);
		struct pm_zone *z = &fzp.m.zone[i];

		z->hit = stat.numa_hit;
		z->miss = stat.numa_miss;
		z->foreign = stat.numa_foreign;
		z->local = stat.numa_local;
		z->other = stat.numa_other;
	}
}

static void give(uint32_t pfn)
{
	if (qy_free_pages(fz.mm, fzp_page(pfn), 0))
		fz_fail("model", "page %u could not be given back", pfn);
}

/*
 * All lists are empty. Where a CPU's lists will be looked at first when there are too many follows
 * from the last page that left them: let that be one we know.
 */
static void settle_lists(void)
{
	bool done[PM_ZONES] = {false};

	for (uint32_t pfn = fz.min_pfn; fzp.m.pcp_on && pfn < fz.end_pfn; pfn++) {
		struct qy_page *page;

		if (fzp.m.page[pfn].state != PM_USED || done[fzp.m.page[pfn].zone])
			continue;
		done[fzp.m.page[pfn].zone] = true;
		give(pfn);
		qy_mm_drain_pages(fz.mm);
		page = qy_alloc_pages_node(
			fz.mm, 0, QY_GFP_HIGHMEM | QY_GFP_MEMALLOC | QY_GFP_MOVABLE | QY_GFP_NOWARN,
			0);
		if (page != fzp_page(pfn))
			fz_fail("model", "only page %u is free, and it does not come", pfn);
	}
	learn_types();
	for (uint32_t pfn = fz.end_pfn; fzp.m.pcp_on && pfn-- > fz.min_pfn;)
		if (fzp.m.page[pfn].state == PM_USED)
			pm_zone_of(&fzp.m, pfn)->pcp[0].next = pm_type(&fzp.m, pfn);
}

/* @i of @n in one of four orders. */
static uint32_t place(uint32_t i, uint32_t n)
{
	switch (fz.in.geo.version == 2 ? fz.in.geo.seed & 3 : 0) {
	case 1: return n - 1 - i;
	case 2: return i / 2 + (i & 1 ? (n + 1) / 2 : 0);
	case 3: return i ^ 1u ^ (n & 1 && i == n - 1);
	default: return i;
	}
}

static void set_marks(const struct qy_watermark_config *marks)
{
	if (qy_mm_set_watermarks(fz.mm, marks))
		fz_fail("model", "the marks of the start are refused");
}

static void give_all_back(uint32_t n)
{
	set_marks(&fzp.m.marks);
	learn_counters();
	for (uint32_t i = 0; i < n; i++) {
		uint32_t pfn = taken[place(i, n) < n ? place(i, n) : i];

		if (fzp.m.page[pfn].state != PM_USED)
			continue;
		pm_free(&fzp.m, pfn);
		give(pfn);
	}
	/* An order of ours may leave one out. */
	for (uint32_t i = 0; i < n; i++) {
		if (fzp.m.page[taken[i]].state != PM_USED)
			continue;
		pm_free(&fzp.m, taken[i]);
		give(taken[i]);
	}
}

/* ---- an instance as it was made ---- */

/* [start, end), without holes and books, in the largest aligned blocks. */
static void hand_over_run(struct pm_zone *z, uint32_t start, uint32_t end)
{
	for (uint32_t pfn = start; pfn < end; pfn++)
		fzp.m.page[pfn].state = PM_INSIDE;
	while (start < end) {
		unsigned int order = start ? (unsigned int)__builtin_ctz(start) : fzp.m.max_order;

		order = order < fzp.m.max_order ? order : fzp.m.max_order;
		while (start + (1u << order) > end)
			order--;
		pm_give(&fzp.m, z, start, order);
		start += 1u << order;
	}
}

/*
 * Pages that were not taken are books, as many as are not managed, then the caches': of a zone the
 * first of them.
 */
static void hand_over(const struct pm_model *learned)
{
	for (unsigned int i = 0; i < learned->nr_zones; i++) {
		struct pm_zone *z = &fzp.m.zone[i];
		uint32_t books = z->present - z->managed, start = z->end;

		for (uint32_t pfn = z->start; pfn < z->end; pfn++) {
			bool hole = pm_in_hole(&fzp.m, &fz.in.geo, pfn);
			bool book = !hole && books && learned->page[pfn].state == PM_GONE;

			books -= book;
			if (!hole && !book) {
				start = start < pfn ? start : pfn;
				continue;
			}
			hand_over_run(z, start, pfn);
			start = z->end;
		}
		hand_over_run(z, start, z->end);
	}
}

/* The caches' pages come by single requests; false: they did not. */
static bool take_caches(const struct pm_model *learned, uint32_t nr)
{
	for (; nr; nr--) {
		uint32_t pfn = pm_alloc(&fzp.m, fzp.m.cpu_node[0], QY_GFP_KERNEL, 0);

		if (pfn == FZ_NONE || learned->page[pfn].state != PM_GONE)
			return false;
		fzp.m.page[pfn].flags = PM_F_OWN;
	}
	return true;
}

static bool begin_fresh(uint32_t nr_taken)
{
	static struct pm_model learned;
	uint32_t managed = 0;
	const struct qy_watermark_config marks = fzp.m.marks, none = {0};

	learned = fzp.m;
	fz.in.geo.guard_order = fz.in.geo.guard_wanted;
	pm_init(&fzp.m, &fzp_program, &fz.in.geo, fz.min_pfn, fz.end_pfn);
	for (unsigned int i = 0; i < fzp.m.nr_zones; i++) {
		fzp.m.zone[i].managed = learned.zone[i].managed;
		managed += learned.zone[i].managed;
	}
	hand_over(&learned);
	pm_set_marks(&fzp.m, fz.in.geo.marks_late ? &none : &marks);
	if (!take_caches(&learned, managed - nr_taken)) {
		fzp.m = learned;
		fz.in.geo.guard_order = 0;
		return false;
	}
	fz_recreate();
	if (fz.in.geo.marks_late) {
		pm_set_marks(&fzp.m, &marks);
		set_marks(&marks);
	}
	return true;
}

void fzp_begin(void)
{
	struct qy_watermark_config marks;
	uint32_t n;

	memset(&fzp, 0, sizeof(fzp));
	pm_init(&fzp.m, &fzp_program, &fz.in.geo, fz.min_pfn, fz.end_pfn);
	fzp.stale_pfn = FZ_NONE;
	fzp.hook_left = 4;
	for (unsigned int i = 0; i < FZP_FRAGS; i++)
		fzp.frag[i].head = FZ_NONE;
	while (fz_seen_find(QY_REPORT_NOMEM, NULL)) /* for its caches */
		fzp.m.told++;
	fz_page_marks(fz.in.geo.marks, fz.in.geo.marks_more, &marks);
	learn_zones();
	fzp_check_zonelists();
	n = take_all();
	settle_lists();
	pm_set_marks(&fzp.m, &marks);
	/* bootmem hands its own map over last, wherever that is. */
	if (!(fz.in.geo.fresh || fz.in.geo.guard_wanted) || fz.in.geo.bootmem || !begin_fresh(n))
		give_all_back(n);
}
