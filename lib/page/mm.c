/* SPDX-License-Identifier: MIT */
/*
 * mm.c - where an instance lies, how it grows, and how it ends. What happens in between, from the
 * boot map to the buddy, is in boot.c.
 *
 * Arena: the buffer is the span. The instance and its books are cut from it by the boot map
 * (memblock), page frame 0 is the largest-block border at or below the buffer.
 *
 *   buffer: [ struct qy_mm | descriptors | live bits | page blocks | floors' state | free … ]
 *
 * Anonymous: a span is reserved; descriptors (and live bits) for all of it come first, outside the
 * page frames and only committed as far as pages were brought in; page frame 0 is the first
 * largest-block border behind them.
 *
 *   span: [ descriptors … | live bits … | page blocks … | pfn 0: struct qy_mm | … ]
 *
 * Locks: grow_lock → zone->lock.
 */
#include "page/mm.h"

#include <errno.h>
#include <string.h>

#include <quarry/slab.h>

#include "page/boot.h"
#include "page/pcp.h"
#include "page/reclaim.h"
#include "page/watermark.h"
#include "util/align.h"

#define DEFAULT_SPAN ((size_t)64 << 30)
#define LEAST_SPAN ((size_t)16 << 20)
/* The span begins at a multiple of the largest block, up to this: as many pages in every run. */
#define MOST_ALIGN ((size_t)64 << 20)
#define SECTION ((size_t)8 << 20) /* what is brought in at a time, at least */

#define DEFAULT_PAGEBLOCK_ORDER 9

#define RED_ZONE_LEAST 8
#define RED_ZONE_MOST 4096
#define GROWTH_SHARE 8 /* a span grows by one part of so many of what is there, at least */

static size_t live_bytes(size_t pages)
{
	return QY_CONFIG_DEBUG ? pages * QY__LIVE_BYTES : 0;
}

static int check_config(const struct qy_mm_config *cfg)
{
	if (cfg->struct_size != sizeof(*cfg) || cfg->max_order > QY_CONFIG_MAX_ORDER_LIMIT)
		return -EINVAL;
	if (cfg->nr_cpus > QY__MAX_MANUAL_CPUS || (unsigned int)cfg->policy > QY_POLICY_REPORT)
		return -EINVAL;
	if (cfg->red_zone && (cfg->red_zone < RED_ZONE_LEAST || cfg->red_zone > RED_ZONE_MOST))
		return -EINVAL;
	if ((unsigned int)cfg->backing > QY_BACKING_ARENA ||
	    (cfg->backing == QY_BACKING_ARENA && !cfg->base) ||
	    (unsigned int)cfg->classes > QY_CLASSES_FINE ||
	    (unsigned int)cfg->cpu_provider > QY_CPU_MANUAL)
		return -EINVAL;
	if ((unsigned int)cfg->early_allocator > QY_EARLY_BOOTMEM ||
	    (unsigned int)cfg->zonelist_order > QY_ZONELIST_ZONE ||
	    (unsigned int)cfg->grouping > QY_OFF || (unsigned int)cfg->pcp > QY_OFF)
		return -EINVAL;
	if (cfg->nr_nodes > QY_MAX_NODES && cfg->nr_nodes != QY_NODES_MACHINE)
		return -EINVAL;
	if (cfg->pcp_high && cfg->pcp_high < max(cfg->pcp_batch, 1u))
		return -EINVAL;
	if (cfg->percpu_pagelist_high_fraction &&
	    cfg->percpu_pagelist_high_fraction < QY__HIGH_FRACTION_LEAST)
		return -EINVAL;
	return cfg->pageblock_order > QY_CONFIG_MAX_ORDER_LIMIT ? -EINVAL : 0;
}

static uint32_t config_max_order(const struct qy_mm_config *cfg)
{
	if (cfg->max_order_zero)
		return 0;
	return cfg->max_order
		       ? cfg->max_order
		       : min((uint32_t)QY__DEFAULT_MAX_ORDER, (uint32_t)QY_CONFIG_MAX_ORDER_LIMIT);
}

static uint32_t config_pageblock_order(const struct qy_mm_config *cfg)
{
	uint32_t order = cfg->pageblock_order ? cfg->pageblock_order : DEFAULT_PAGEBLOCK_ORDER;

	return min(order, config_max_order(cfg));
}

/* Page blocks that [start, end) touches. */
static size_t nr_pageblocks(const struct qy_mm *mm, uint32_t start, uint32_t end)
{
	return ((end - 1) >> mm->pageblock_order) - (start >> mm->pageblock_order) + 1;
}

/* The memory of pages [start, end) and of the books that describe them becomes usable. */
static int commit_pages(struct qy__osif *os, const struct qy_mm *where, uint32_t start,
			uint32_t end)
{
	struct {
		char *at;
		size_t len;
	} part[] = {
		{(char *)(where->pages + (start - where->min_pfn)),
		 (end - start) * sizeof(struct qy_page)},
		{(char *)where->live + live_bytes(start - where->min_pfn), live_bytes(end - start)},
		{(char *)where->pageblock + (start >> where->pageblock_order),
		 nr_pageblocks(where, start, end)},
		{where->base + ((size_t)start << QY_CONFIG_PAGE_SHIFT),
		 (size_t)(end - start) << QY_CONFIG_PAGE_SHIFT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		uintptr_t from = qy__align_down((uintptr_t)part[i].at, QY_PAGE_SIZE);
		uintptr_t to = qy__align_up((uintptr_t)part[i].at + part[i].len, QY_PAGE_SIZE);

		if (part[i].len && qy__osif_ops(os)->commit(os, (void *)from, to - from))
			return -ENOMEM;
	}
	return 0;
}

static unsigned int config_cpus(const struct qy_mm_config *cfg)
{
	return cfg->cpu_provider == QY_CPU_THREAD ? QY__MAX_CPUS : max(cfg->nr_cpus, 1u);
}

/* As the kernel: not if the memory has fewer than so many page blocks. */
static bool config_grouping(const struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	if (cfg->grouping != QY_AUTO)
		return cfg->grouping == QY_ON;
	return cfg->backing == QY_BACKING_ANON &&
	       mm->max_pfn - mm->min_pfn >= (uint64_t)QY_NR_MIGRATETYPES << mm->pageblock_order;
}

/* @mm->base, min_pfn and max_pfn are set. */
static void fill_in(struct qy_mm *mm, const struct qy_mm_config *cfg, const struct qy__osif *os)
{
	mm->os = *os;
	mm->max_order = config_max_order(cfg);
	mm->pageblock_order = config_pageblock_order(cfg);
	mm->pageblock_first = mm->min_pfn >> mm->pageblock_order;
	mm->grouping = config_grouping(mm, cfg);
	mm->shuffle.on = cfg->shuffle;
	mm->cpus.provider = cfg->cpu_provider;
	mm->cpus.nr = config_cpus(cfg);
	mm->cpus.online = qy__osif_online_cpus();
	mm->classes = cfg->classes;
	mm->zonelist.order = cfg->zonelist_order;
	mm->pcp.batch = cfg->pcp_batch;
	mm->pcp.high = cfg->pcp_high;
	mm->pcp.high_fraction = cfg->percpu_pagelist_high_fraction;
	mm->reclaim.hook = cfg->reclaim;
	mm->migrate = cfg->migrate;
	mm->report_free = cfg->backing == QY_BACKING_ANON ? cfg->report_free : 0;
	mm->report.sink = cfg->sink;
	mm->report.policy = cfg->policy;
	qy__rng_seed(&mm->rng, cfg->seed);
	qy_memblock_init(&mm->early.memblock);
	mm->early.memblock.bottom_up = true;
}

static struct qy_mm *place_anon(const struct qy_mm_config *cfg, struct qy__osif *os)
{
	size_t block = QY_PAGE_SIZE << config_max_order(cfg);
	size_t initial = cfg->nr_nodes > 1 ? SIZE_MAX : max(cfg->initial, SECTION), pages;
	struct qy_mm where = {0}, *mm;

	if (qy__osif_anon(os, cfg->size ? cfg->size : DEFAULT_SPAN,
			  min(cfg->size ? cfg->size : LEAST_SPAN, LEAST_SPAN),
			  min(block, MOST_ALIGN)))
		return NULL;
	os->clock = cfg->clock;
	pages = os->size >> QY_CONFIG_PAGE_SHIFT;
	if (pages >= QY__PFN_NONE)
		goto fail;
	where.pages = os->base;
	where.live = (uint64_t *)qy__align_up((uintptr_t)(where.pages + pages), QY_PAGE_SIZE);
	where.pageblock_order = config_pageblock_order(cfg);
	where.pageblock =
		(uint8_t *)qy__align_up((uintptr_t)where.live + live_bytes(pages), QY_PAGE_SIZE);
	where.base = (char *)qy__align_up(
		(uintptr_t)where.pageblock + (pages >> where.pageblock_order) + 1, block);
	if (where.base >= (char *)os->base + os->size)
		goto fail;
	where.max_pfn =
		(uint32_t)(((char *)os->base + os->size - where.base) >> QY_CONFIG_PAGE_SHIFT);
	if ((size_t)where.max_pfn << QY_CONFIG_PAGE_SHIFT < sizeof(*mm))
		goto fail;
	initial = min(initial, os->size);
	where.end_pfn = (uint32_t)min((size_t)where.max_pfn,
				      qy__align_up(initial, QY_PAGE_SIZE) >> QY_CONFIG_PAGE_SHIFT);
	if (commit_pages(os, &where, 0, where.end_pfn))
		goto fail;
	mm = (struct qy_mm *)where.base;
	*mm = where;
	fill_in(mm, cfg, os);
	return mm;
fail:
	qy__osif_ops(os)->release(os);
	return NULL;
}

static struct qy_mm *place_arena(const struct qy_mm_config *cfg, struct qy__osif *os)
{
	size_t block = QY_PAGE_SIZE << config_max_order(cfg);
	struct qy_mm *mm;

	if (qy__osif_arena(os, cfg->base, cfg->size) ||
	    os->size < qy__align_up(sizeof(*mm), QY_PAGE_SIZE))
		return NULL;
	/* Page frame 0 may lie before the buffer: its end must have a number, too. */
	if (os->size >> QY_CONFIG_PAGE_SHIFT >= QY__PFN_NONE / 2)
		return NULL;
	os->clock = cfg->clock;
	mm = os->base;
	memset(mm, 0, sizeof(*mm));
	mm->base = (char *)qy__align_down((uintptr_t)os->base, block);
	mm->min_pfn = (uint32_t)(((char *)os->base - mm->base) >> QY_CONFIG_PAGE_SHIFT);
	mm->max_pfn = mm->end_pfn = mm->min_pfn + (uint32_t)(os->size >> QY_CONFIG_PAGE_SHIFT);
	fill_in(mm, cfg, os);
	return mm;
}

struct qy__abi qy__abi(void)
{
	return (struct qy__abi){
		.version = QY__ABI_VERSION,
		.letters = (QY_CONFIG_SLAB_CONSISTENCY_CHECKS ? QY_SLAB_CONSISTENCY_CHECKS : 0) |
			   (QY_CONFIG_SLAB_RED_ZONE ? QY_SLAB_RED_ZONE : 0) |
			   (QY_CONFIG_SLAB_POISON ? QY_SLAB_POISON : 0) |
			   (QY_CONFIG_SLAB_STORE_USER ? QY_SLAB_STORE_USER : 0),
		.page_shift = QY_CONFIG_PAGE_SHIFT,
		.pointer = sizeof(void *),
		.mm = sizeof(struct qy_mm),
		.page = sizeof(struct qy_page),
		.zone = sizeof(struct qy__zone),
		.debug = QY_CONFIG_DEBUG,
	};
}

struct qy_mm *qy__mm_place(const struct qy_mm_config *cfg)
{
	struct qy__osif os;
	struct qy_mm *mm;
	int err;

	if (check_config(cfg)) {
		errno = EINVAL;
		return NULL;
	}
	mm = cfg->backing == QY_BACKING_ARENA ? place_arena(cfg, &os) : place_anon(cfg, &os);
	if (!mm) {
		errno = ENOMEM;
		return NULL;
	}
	err = qy__boot_books(mm, cfg);
	if (err) {
		qy__mm_release(mm);
		errno = -err;
		return NULL;
	}
	mm->abi = qy__abi();
	mm->magic = QY__MM_MAGIC;
	return mm;
}

/*
 * How far to grow: a section or an eighth of what is there, in whole blocks, at least what is
 * needed now.
 */
static uint32_t grow_end(const struct qy_mm *mm, uint32_t npages, bool least)
{
	size_t block = (size_t)1 << mm->max_order;
	size_t start = qy__align_up(mm->end_pfn, npages);
	size_t want =
		least ? npages
		      : max(SECTION >> QY_CONFIG_PAGE_SHIFT, (size_t)mm->end_pfn / GROWTH_SHARE);
	size_t end = qy__align_up(start + max(want, (size_t)npages), least ? npages : block);

	if (start + npages > mm->max_pfn)
		return 0;
	return (uint32_t)min(end, (size_t)mm->max_pfn);
}

int qy__mm_grow(struct qy_mm *mm, uint32_t npages)
{
	uint32_t start = mm->end_pfn, end = grow_end(mm, npages, false);

	if (!end)
		return -ENOMEM;
	if (commit_pages(&mm->os, mm, start, end)) {
		end = grow_end(mm, npages, true);
		if (commit_pages(&mm->os, mm, start, end))
			return -ENOMEM;
	}
	qy__boot_online(mm, start, end);
	return 0;
}

int qy_mm_add_memory(struct qy_mm *mm, size_t bytes)
{
	size_t pages = qy__align_up(bytes, QY_PAGE_SIZE) >> QY_CONFIG_PAGE_SHIFT;
	uint32_t start;
	int err = 0;

	if (!bytes)
		return 0;
	if (bytes > SIZE_MAX - QY_PAGE_SIZE || pages > mm->max_pfn)
		return -ENOMEM;
	qy__lock(&mm->grow_lock);
	start = mm->end_pfn;
	if (pages > mm->max_pfn - start ||
	    commit_pages(&mm->os, mm, start, start + (uint32_t)pages))
		err = -ENOMEM;
	else
		qy__boot_online(mm, start, start + (uint32_t)pages);
	qy__unlock(&mm->grow_lock);
	return err;
}

void qy__mm_release(struct qy_mm *mm)
{
	struct qy__osif os = mm->os;

	mm->magic = 0;
	qy__osif_ops(&os)->release(&os);
}

void qy__mm_lock_all(struct qy_mm *mm)
{
	qy__reclaim_lock_all(mm);
	qy__lock(&mm->grow_lock);
	for (unsigned int i = 0; i < QY__NR_CMA; i++)
		qy__lock(&mm->cma[i].lock);
	qy__pcp_stop(mm);
	for (unsigned int z = 0; z < mm->nr_zones; z++)
		qy__lock(&mm->zone[z].lock);
}

void qy__mm_unlock_all(struct qy_mm *mm)
{
	for (unsigned int z = mm->nr_zones; z-- > 0;)
		qy__unlock(&mm->zone[z].lock);
	qy__pcp_resume(mm);
	for (unsigned int i = QY__NR_CMA; i-- > 0;)
		qy__unlock(&mm->cma[i].lock);
	qy__unlock(&mm->grow_lock);
	qy__reclaim_unlock_all(mm);
}

int qy_mm_set_cpu(struct qy_mm *mm, unsigned int cpu)
{
	return qy__percpu_set(&mm->cpus, cpu);
}

void *qy_mm_base(const struct qy_mm *mm)
{
	return mm->base;
}

size_t qy_mm_page_size(const struct qy_mm *mm)
{
	(void)mm;
	return QY_PAGE_SIZE;
}

unsigned int qy_mm_max_order(const struct qy_mm *mm)
{
	return mm->max_order;
}
