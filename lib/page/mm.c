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
 * Anonymous: a span of the configured size is reserved, one of the default size only claimed
 * (osif_claim.c); descriptors (and live bits) for all of it come first, outside the page frames and
 * only committed as far as pages were brought in; page frame 0 is the first largest-block border
 * behind them.
 *
 *   span: [ descriptors … | live bits … | page blocks … | pfn 0: struct qy_mm | … ]
 *
 * What others have mapped into a claimed span meanwhile becomes a hole, and growth goes on behind.
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
/*
 * Of a claimed span: many a program needs no more. A whole page block of the default order: half a
 * one is never claimed for another lifetime, and each request would have to fall back.
 */
#define SMALL_START ((size_t)2 << 20)
#define SEEK_STEP ((size_t)4 << 20) /* past other people's mappings, at least */

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

struct part {
	char *at;
	size_t len;
};

static int commit_parts(struct qy__osif *os, const struct part *part, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		uintptr_t from = qy__align_down((uintptr_t)part[i].at, QY_PAGE_SIZE);
		uintptr_t to = qy__align_up((uintptr_t)part[i].at + part[i].len, QY_PAGE_SIZE);
		int err = part[i].len ? qy__osif_ops(os)->commit(os, (void *)from, to - from) : 0;

		if (err)
			return err;
	}
	return 0;
}

/*
 * The memory of pages [start, end) becomes usable, and that of the books that describe them and the
 * hole [hole, start) before them. 0 / -ENOMEM; -EEXIST: the pages' addresses are somebody's.
 */
static int commit_pages(struct qy__osif *os, const struct qy_mm *where, uint32_t hole,
			uint32_t start, uint32_t end)
{
	struct part pages = {where->base + ((size_t)start << QY_CONFIG_PAGE_SHIFT),
			     (size_t)(end - start) << QY_CONFIG_PAGE_SHIFT};
	struct part book[] = {
		{(char *)(where->pages + (hole - where->min_pfn)),
		 (end - hole) * sizeof(struct qy_page)},
		{(char *)where->live + live_bytes(hole - where->min_pfn), live_bytes(end - hole)},
		{(char *)where->pageblock + (hole >> where->pageblock_order),
		 nr_pageblocks(where, hole, end)},
	};
	int err = commit_parts(os, &pages, 1);

	if (err)
		return err;
	return commit_parts(os, book, ARRAY_SIZE(book)) ? -ENOMEM : 0;
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

/* Where books and page frame 0 of the span are. false: there is no room for them. */
static bool lay_out(struct qy_mm *where, const struct qy_mm_config *cfg, const struct qy__osif *os)
{
	size_t block = QY_PAGE_SIZE << config_max_order(cfg);
	size_t pages = os->size >> QY_CONFIG_PAGE_SHIFT;
	uintptr_t end = (uintptr_t)os->base + os->size;

	if (pages >= QY__PFN_NONE)
		return false;
	where->pages = os->base;
	where->live = (uint64_t *)qy__align_up((uintptr_t)(where->pages + pages), QY_PAGE_SIZE);
	where->pageblock_order = config_pageblock_order(cfg);
	where->pageblock =
		(uint8_t *)qy__align_up((uintptr_t)where->live + live_bytes(pages), QY_PAGE_SIZE);
	where->base = (char *)qy__align_up(
		(uintptr_t)where->pageblock + (pages >> where->pageblock_order) + 1, block);
	if ((uintptr_t)where->base >= end)
		return false;
	where->max_pfn = (uint32_t)((end - (uintptr_t)where->base) >> QY_CONFIG_PAGE_SHIFT);
	return (size_t)where->max_pfn << QY_CONFIG_PAGE_SHIFT >= sizeof(*where);
}

/* The first pages of the span. 0 / -ENOMEM / -EEXIST, the span is given back. */
static int first_pages(struct qy_mm *where, const struct qy_mm_config *cfg, struct qy__osif *os,
		       size_t least)
{
	size_t initial = cfg->nr_nodes > 1 ? SIZE_MAX : max(cfg->initial, least);
	int err = -ENOMEM;

	initial = min(initial, os->size);
	if (lay_out(where, cfg, os)) {
		where->end_pfn =
			(uint32_t)min((size_t)where->max_pfn,
				      qy__align_up(initial, QY_PAGE_SIZE) >> QY_CONFIG_PAGE_SHIFT);
		err = commit_pages(os, where, 0, 0, where->end_pfn);
	}
	if (err)
		qy__osif_ops(os)->release(os);
	return err;
}

static size_t span_align(const struct qy_mm_config *cfg)
{
	return min(QY_PAGE_SIZE << config_max_order(cfg), MOST_ALIGN);
}

static bool claim(struct qy_mm *where, const struct qy_mm_config *cfg, struct qy__osif *os)
{
	for (unsigned int i = 0; !qy__osif_claim(os, DEFAULT_SPAN, span_align(cfg), i); i++) {
		if (!first_pages(where, cfg, os, SMALL_START))
			return true;
	}
	return false;
}

static bool reserve(struct qy_mm *where, const struct qy_mm_config *cfg, struct qy__osif *os)
{
	size_t size = cfg->size ? cfg->size : DEFAULT_SPAN;
	size_t least = min(cfg->size ? cfg->size : LEAST_SPAN, LEAST_SPAN);

	return !qy__osif_anon(os, size, least, span_align(cfg)) &&
	       !first_pages(where, cfg, os, SECTION);
}

static struct qy_mm *place_anon(const struct qy_mm_config *cfg, struct qy__osif *os)
{
	struct qy_mm where = {0}, *mm;

	if ((cfg->size || !claim(&where, cfg, os)) && !reserve(&where, cfg, os))
		return NULL;
	os->clock = cfg->clock;
	mm = (struct qy_mm *)where.base;
	*mm = where;
	fill_in(mm, cfg, os);
	return mm;
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

enum amount {
	PLENTY, /* a section or an eighth of what is there, in whole blocks */
	LEAST,	/* one aligned run */
	EXACTLY,
};

/* How far to grow from @at for @npages. 0: there is no room. */
static uint32_t grow_end(const struct qy_mm *mm, size_t at, size_t npages, enum amount amount)
{
	size_t block = (size_t)1 << mm->max_order;
	size_t want = max(SECTION >> QY_CONFIG_PAGE_SHIFT, (size_t)mm->end_pfn / GROWTH_SHARE);
	size_t start = amount == EXACTLY ? at : qy__align_up(at, npages);
	size_t end = start + npages;

	if (end > mm->max_pfn)
		return 0;
	if (amount == PLENTY)
		end = qy__align_up(start + max(want, npages), block);
	return (uint32_t)min(end, (size_t)mm->max_pfn);
}

/* The new end for pages from @at on, all of it committed; 0: not possible, see *@err. */
static uint32_t commit_from(struct qy_mm *mm, size_t at, size_t npages, enum amount amount,
			    int *err)
{
	uint32_t end = grow_end(mm, at, npages, amount);

	*err = -ENOMEM;
	if (!end)
		return 0;
	*err = commit_pages(&mm->os, mm, mm->end_pfn, (uint32_t)at, end);
	if (*err && amount == PLENTY) {
		end = grow_end(mm, at, npages, LEAST);
		*err = commit_pages(&mm->os, mm, mm->end_pfn, (uint32_t)at, end);
	}
	return *err ? 0 : end;
}

/*
 * The addresses of pages [start, end) are somebody else's. What was to be a hole anyway becomes
 * part of it. false: no more holes can be noted.
 */
static bool note_hole(struct qy_mm *mm, uint32_t start, uint32_t end)
{
	struct qy__topology *t = &mm->topology;
	unsigned int n = 0, at = 0;

	if (start == end)
		return true;
	if (t->nr_holes == QY__MAX_HOLES)
		return false;
	for (unsigned int i = 0; i < t->nr_holes; i++) {
		if (t->hole[i].start <= end && t->hole[i].end >= start) {
			start = min(start, t->hole[i].start);
			end = max(end, t->hole[i].end);
			continue;
		}
		at += t->hole[i].end < start;
		t->hole[n++] = t->hole[i];
	}
	for (unsigned int i = n; i > at; i--)
		t->hole[i] = t->hole[i - 1];
	t->hole[at].start = start;
	t->hole[at].end = end;
	t->nr_holes = n + 1;
	return true;
}

static int grow_locked(struct qy_mm *mm, size_t npages, enum amount amount)
{
	size_t step = max(SEEK_STEP >> QY_CONFIG_PAGE_SHIFT, (size_t)1 << mm->max_order);
	uint32_t start = mm->end_pfn, end;
	size_t at = start;
	int err;

	end = commit_from(mm, at, npages, amount, &err);
	while (err == -EEXIST && at < mm->max_pfn) {
		at = qy__align_down(at, step) + step;
		end = commit_from(mm, at, npages, amount, &err);
	}
	if (!end || !note_hole(mm, start, (uint32_t)at))
		return -ENOMEM;
	qy__boot_online(mm, start, end);
	return 0;
}

int qy__mm_grow(struct qy_mm *mm, uint32_t npages)
{
	return grow_locked(mm, npages, PLENTY);
}

int qy_mm_add_memory(struct qy_mm *mm, size_t bytes)
{
	size_t pages = qy__align_up(bytes, QY_PAGE_SIZE) >> QY_CONFIG_PAGE_SHIFT;
	int err;

	if (!bytes)
		return 0;
	if (bytes > SIZE_MAX - QY_PAGE_SIZE || pages > mm->max_pfn)
		return -ENOMEM;
	qy__lock(&mm->grow_lock);
	err = grow_locked(mm, pages, EXACTLY);
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
