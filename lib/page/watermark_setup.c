/* SPDX-License-Identifier: MIT */
/*
 * watermark_setup.c - marks, reserves and list sizes of an instance's zones, computed anew when it
 * is made, when memory comes in and when the figures change. The formulas are in watermark.c. A
 * zone without pages has no marks.
 *
 * Lock order: mm->grow_lock, then zone->lock. grow_lock protects mm->marks.config and whatever is
 * computed from it; all of it is read without a lock, word by word.
 * Invariants: Z2, Z3, B15.
 */
#include <errno.h>
#include <string.h>

#include "page/pcp.h"
#include "page/watermark.h"

#define SCALE_MOST 3000u
/* What a figure of 0 stands for, as in the kernel. */
#define DEFAULT_SCALE 10u
#define DEFAULT_BOOST 15000u

int qy__watermark_config(struct qy_watermark_config *to, const struct qy_watermark_config *from)
{
	static const unsigned int ratio[QY_NR_ZONES] = {
		[QY_ZONE_DMA] = 256,
		[QY_ZONE_DMA32] = 256,
		[QY_ZONE_NORMAL] = 32,
		[QY_ZONE_HIGHMEM] = QY_NO_RESERVE,
	};

	if ((unsigned int)from->marks > QY_WATERMARKS_KERNEL || from->scale_factor > SCALE_MOST ||
	    from->min_free_kbytes > UINT32_MAX)
		return -EINVAL;
	*to = *from; /* min_free_kbytes 0 stays: what it means changes with the memory */
	if (!to->scale_factor)
		to->scale_factor = DEFAULT_SCALE;
	if (!to->boost_factor)
		to->boost_factor = DEFAULT_BOOST;
	for (unsigned int i = 0; i < QY_NR_ZONES; i++)
		if (!to->lowmem_reserve_ratio[i])
			to->lowmem_reserve_ratio[i] = ratio[i];
	return 0;
}

static uint64_t lowmem_pages(const struct qy_mm *mm)
{
	uint64_t pages = 0;

	for (unsigned int i = 0; i < mm->nr_zones; i++)
		if (mm->zone[i].type != QY_ZONE_HIGHMEM)
			pages += qy__load_relaxed(&mm->zone[i].managed);
	return pages;
}

/* The marks as MIN, then three steps; a boost was for the old ones. */
static void setup_marks(const struct qy_mm *mm, struct qy__zone *zone, uint64_t lowmem)
{
	const struct qy_watermark_config *cfg = &mm->marks.config;
	bool highmem = zone->type == QY_ZONE_HIGHMEM;
	uint64_t managed = zone->managed, min_free = cfg->min_free_kbytes;
	uint32_t mark = 0, step = 0;

	if (!min_free)
		min_free = qy__min_free_kbytes(lowmem << QY__KB_SHIFT);
	if (cfg->marks == QY_WATERMARKS_KERNEL) {
		mark = qy__mark_min(min_free, managed, lowmem, highmem);
		step = qy__mark_step(qy__mark_share(min_free, managed, lowmem), managed,
				     cfg->scale_factor);
	}
	for (unsigned int i = 0; i < QY_NR_WMARK; i++)
		qy__store_relaxed(&zone->mark[i], mark + i * step);
	qy__store_relaxed(&zone->boost, 0);
}

/* What @zone keeps from requests that may go as high as each zone of its node. */
static void setup_reserve(const struct qy_mm *mm, struct qy__zone *zone)
{
	const struct qy__zone *node = &mm->zone[zone->node * QY_NR_ZONES];
	unsigned int ratio = mm->marks.config.lowmem_reserve_ratio[zone->type];
	uint64_t above = 0;

	if (mm->marks.config.marks != QY_WATERMARKS_KERNEL)
		ratio = QY_NO_RESERVE;
	for (unsigned int j = 0; j < QY_NR_ZONES; j++) {
		if (j > zone->type)
			above += qy__load_relaxed(&node[j].managed);
		qy__store_relaxed(&zone->lowmem_reserve[j],
				  qy__lowmem_reserve(zone->managed, above, ratio));
	}
}

/* How many CPUs share the pages of @node's zones; all of them if none is near it. */
static unsigned int node_cpus(const struct qy_mm *mm, unsigned int node)
{
	unsigned int cpus = 0;

	if (mm->cpus.provider == QY_CPU_THREAD)
		return mm->cpus.online;
	for (unsigned int cpu = 0; cpu < mm->cpus.nr; cpu++)
		cpus += mm->topology.cpu_node[cpu] == node;
	return cpus ? cpus : mm->cpus.nr;
}

static void setup_pcp(const struct qy_mm *mm, struct qy__zone *zone, unsigned int cpus)
{
	uint32_t batch = mm->pcp.batch, high = mm->pcp.high;

	if (!batch)
		batch = qy__pcp_batch(zone->managed);
	if (!high)
		high = qy__pcp_high(zone->managed, zone->mark[QY_WMARK_LOW], mm->pcp.high_fraction,
				    cpus, batch);
	if (!zone->managed) {
		batch = 1;
		high = 0;
	}
	/* A high that was asked for may be below the formula's batch. */
	qy__store_relaxed(&zone->pcp_batch, high ? min(batch, high) : batch);
	qy__store_relaxed(&zone->pcp_high, high);
	qy__pcp_set_limit_locked(mm, zone);
}

/* Where a small request need not look at marks, nor at other zones first. */
static void setup_fast_zone(struct qy_mm *mm)
{
	struct qy__zone *zone = &mm->zone[QY_ZONE_NORMAL];
	bool fast = mm->nr_nodes == 1 && mm->pcp.on && !mm->marks.on && zone->managed;

	qy__store_release(&mm->fast_zone, fast ? zone : NULL);
}

void qy__watermarks_setup(struct qy_mm *mm)
{
	uint64_t lowmem = lowmem_pages(mm);

	for (unsigned int i = 0; i < mm->nr_zones; i++) {
		struct qy__zone *zone = &mm->zone[i];

		qy__lock(&zone->lock);
		setup_marks(mm, zone, lowmem);
		setup_reserve(mm, zone);
		setup_pcp(mm, zone, node_cpus(mm, zone->node));
		qy__unlock(&zone->lock);
	}
	qy__store_relaxed(&mm->marks.on, mm->marks.config.marks == QY_WATERMARKS_KERNEL);
	setup_fast_zone(mm);
}

int qy_mm_set_watermarks(struct qy_mm *mm, const struct qy_watermark_config *config)
{
	struct qy_watermark_config filled;

	if (!config || qy__watermark_config(&filled, config))
		return -EINVAL;
	qy__lock(&mm->grow_lock);
	mm->marks.config.marks = filled.marks;
	mm->marks.config.min_free_kbytes = filled.min_free_kbytes;
	mm->marks.config.scale_factor = filled.scale_factor;
	qy__store_relaxed(&mm->marks.config.boost_factor,
			  filled.boost_factor); /* read without lock */
	memcpy(mm->marks.config.lowmem_reserve_ratio, filled.lowmem_reserve_ratio,
	       sizeof(filled.lowmem_reserve_ratio));
	qy__watermarks_setup(mm);
	qy__unlock(&mm->grow_lock);
	return 0;
}
