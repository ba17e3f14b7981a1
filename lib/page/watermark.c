/* SPDX-License-Identifier: MIT */
/*
 * watermark.c - marks, reserves and list sizes of zones, and the test that reads them.
 *
 *   pages free
 *      |   PROMO ─┐
 *      |   HIGH   ├ one step apart; balancing stops above HIGH
 *      |   LOW   ─┤ first try of a request: above LOW
 *      |   MIN   ─┘ last try: above MIN; HIGH requests go below
 *      0
 *
 * The formulas are the kernel's (linux-mm.md 1.3, 1.4), pure functions of page counts. They are
 * applied to an instance when it is made, when memory comes in and when the figures change. A zone
 * without pages has no marks.
 *
 * Lock order: mm->grow_lock, then zone->lock. grow_lock protects mm->marks.config and whatever is
 * computed from it; the boost is zone->lock's. All of it is read without a lock, word by word.
 * Invariants: Z2, Z3, Z7, B15.
 */
#include "page/watermark.h"

#include <errno.h>
#include <string.h>

#include "page/pcp.h"
#include "util/bitops.h"
#include "util/plant.h"

#define KB_SHIFT (QY_CONFIG_PAGE_SHIFT - 10)

#define MIN_FREE_LEAST 128u
#define MIN_FREE_MOST 262144u
#define SCALE_MOST 3000u
#define FRACTION_LEAST 8u

/*
 * Sums of a mark, its steps, a reserve and a boost stay below 2^32, however large a zone and its
 * factors: MOST_MIN + 3 * MOST_STEP + MOST_BOOST.
 */
#define MOST_MIN (UINT64_C(1) << 30)
#define MOST_STEP (UINT64_C(1) << 29)
#define MOST_BOOST (UINT64_C(1) << 30)
_Static_assert(MOST_MIN + 3 * MOST_STEP + MOST_BOOST <= UINT32_MAX, "a boosted mark fits 32 bits");
_Static_assert(QY_CONFIG_PAGE_SHIFT >= 10, "a page is at least one kB");

/* floor(sqrt(x)), one bit of the answer after the other. */
static uint64_t int_sqrt(uint64_t x)
{
	uint64_t root = 0;

	for (int shift = 31; shift >= 0; shift--) {
		uint64_t next = root | UINT64_C(1) << shift;

		if (next * next <= x)
			root = next;
	}
	return root;
}

size_t qy__min_free_kbytes(uint64_t lowmem_kbytes)
{
	/* Here the root reaches the upper limit, and no product overflows below. */
	if (lowmem_kbytes >= (uint64_t)MIN_FREE_MOST * MIN_FREE_MOST / 16)
		return MIN_FREE_MOST;
	return max((size_t)int_sqrt(lowmem_kbytes * 16), (size_t)MIN_FREE_LEAST);
}

/* A zone's part of what all zones together keep free. */
static uint64_t min_share(uint64_t min_free_kbytes, uint64_t managed, uint64_t lowmem_pages)
{
	uint64_t pages = min(min_free_kbytes >> KB_SHIFT, MOST_MIN);

	return lowmem_pages ? min(pages * managed / lowmem_pages, MOST_MIN) : 0;
}

uint32_t qy__mark_min(uint64_t min_free_kbytes, uint64_t managed, uint64_t lowmem_pages,
		      bool highmem)
{
	if (!managed)
		return 0;
	if (highmem) /* nothing that must not fail needs this zone: a token amount */
		return (uint32_t)min(max(managed / 1024, UINT64_C(32)), UINT64_C(128));
	return (uint32_t)min_share(min_free_kbytes, managed, lowmem_pages);
}

uint32_t qy__mark_step(uint64_t share, uint64_t managed, unsigned int scale_factor)
{
	return (uint32_t)min(max(share / 4, managed * scale_factor / 10000), MOST_STEP);
}

uint32_t qy__lowmem_reserve(uint64_t managed, uint64_t managed_above, unsigned int ratio)
{
	if (!managed || !ratio || ratio == QY_NO_RESERVE)
		return 0;
	return (uint32_t)(managed_above / ratio);
}

uint32_t qy__pcp_batch(uint64_t managed)
{
	uint64_t batch = min(managed / 1024, (UINT64_C(1) << 20) / QY_PAGE_SIZE) / 4;

	/* One less than a power of two, so that runs of batches do not march in step with it. */
	batch = max(batch, UINT64_C(1));
	batch = (UINT64_C(1) << qy__ilog2(batch + batch / 2)) - 1;
	return (uint32_t)max(batch, UINT64_C(1));
}

uint32_t qy__pcp_high(uint64_t managed, uint64_t low_mark, unsigned int fraction, unsigned int cpus,
		      uint32_t batch)
{
	uint64_t pages = fraction < FRACTION_LEAST ? low_mark : managed / fraction;
	uint64_t least = (uint64_t)batch * 4;

	pages /= cpus ? cpus : 1;
	return (uint32_t)min(max(pages, least), (uint64_t)UINT32_MAX);
}

int qy__watermark_config(struct qy_watermark_config *to, const struct qy_watermark_config *from)
{
	static const unsigned int ratio[QY_NR_ZONES] = {256, 256, 32, QY_NO_RESERVE};

	if ((unsigned int)from->marks > QY_WATERMARKS_KERNEL || from->scale_factor > SCALE_MOST ||
	    from->min_free_kbytes > UINT32_MAX)
		return -EINVAL;
	*to = *from; /* min_free_kbytes 0 stays: what it means changes with the memory */
	if (!to->scale_factor)
		to->scale_factor = 10;
	if (!to->boost_factor)
		to->boost_factor = 15000;
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
		min_free = qy__min_free_kbytes(lowmem << KB_SHIFT);
	if (cfg->marks == QY_WATERMARKS_KERNEL) {
		mark = qy__mark_min(min_free, managed, lowmem, highmem);
		step = qy__mark_step(min_share(min_free, managed, lowmem), managed,
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

size_t qy__totalreserve_pages(const struct qy_mm *mm)
{
	size_t total = 0;

	for (unsigned int i = 0; i < mm->nr_zones; i++) {
		const struct qy__zone *zone = &mm->zone[i];
		size_t reserve = 0;

		for (unsigned int j = zone->type; j < QY_NR_ZONES; j++)
			reserve = max(reserve, (size_t)qy__load_relaxed(&zone->lowmem_reserve[j]));
		reserve += qy__load_relaxed(&zone->mark[QY_WMARK_HIGH]);
		total += min(reserve, (size_t)qy__load_relaxed(&zone->managed));
	}
	return total;
}

/* Is there a block of @order or more on a list that the request may use? Not locked: a hint. */
static bool has_block(const struct qy_mm *mm, const struct qy__zone *zone, unsigned int order,
		      unsigned int alloc_flags)
{
	for (; order <= mm->max_order; order++) {
		const uint32_t *head = zone->area[order].head;

		for (unsigned int type = 0; type < QY_MIGRATE_PCPTYPES; type++)
			if (qy__load_relaxed(&head[type]) != QY__PFN_NONE)
				return true;
		if (alloc_flags & QY__ALLOC_CMA &&
		    qy__load_relaxed(&head[QY_MIGRATE_CMA]) != QY__PFN_NONE)
			return true;
		if (alloc_flags & QY__ALLOC_HIGHATOMIC &&
		    qy__load_relaxed(&head[QY_MIGRATE_HIGHATOMIC]) != QY__PFN_NONE)
			return true;
	}
	return false;
}

/* How much of @mark holds for this request. */
static int64_t effective_mark(uint32_t mark, unsigned int alloc_flags)
{
	if (!(alloc_flags & QY__ALLOC_HIGH))
		return mark;
	if (qy__planted(HIGH_TAKES_ALL))
		return 0;
	mark -= mark / 2;
	if (alloc_flags & QY__ALLOC_NON_BLOCK)
		mark -= mark / 4;
	return mark;
}

bool qy__zone_watermark_ok(const struct qy_mm *mm, const struct qy__zone *zone, unsigned int order,
			   uint32_t mark, unsigned int highest, unsigned int alloc_flags)
{
	int64_t free = qy__load_relaxed(&zone->nr_free_pages), keep;

	if (alloc_flags & QY__ALLOC_NO_WATERMARKS)
		return true;
	free -= (INT64_C(1) << order) - 1;
	if (!(alloc_flags & QY__ALLOC_HIGHATOMIC))
		free -= qy__load_relaxed(&zone->nr_free_highatomic);
	if (!(alloc_flags & QY__ALLOC_CMA))
		free -= qy__load_relaxed(&zone->nr_free_cma);
	keep = effective_mark(mark, alloc_flags);
	keep += qy__load_relaxed(
		&zone->lowmem_reserve[qy__planted(RESERVE_OWN) ? zone->type : highest]);
	if (qy__planted(MARK_EQUAL) ? free < keep : free <= keep)
		return false;
	return !order || has_block(mm, zone, order, alloc_flags);
}

void qy__boost_watermark(struct qy_mm *mm, struct qy__zone *zone)
{
	uint64_t factor = qy__load_relaxed(&mm->marks.config.boost_factor);
	uint64_t block = UINT64_C(1) << mm->pageblock_order;
	uint64_t most, boost;

	/* In a small zone the least boost would be a large part of it. */
	if (factor == QY_NO_RESERVE || block * 4 > zone->managed)
		return;
	most = qy__load_relaxed(&zone->mark[QY_WMARK_HIGH]) * factor / 10000;
	if (!most) /* no marks */
		return;
	most = min(max(most, block), MOST_BOOST);
	boost = zone->boost + block;
	if (!qy__planted(BOOST_ENDLESS))
		boost = min(boost, most);
	qy__store_relaxed(&zone->boost, (uint32_t)boost);
}

void qy__boost_decay(struct qy__zone *zone)
{
	qy__store_relaxed(&zone->boost, 0);
}
