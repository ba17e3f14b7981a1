/* SPDX-License-Identifier: MIT */
/*
 * watermark.c - the formulas of marks, reserves and list sizes, the test that reads the marks, and
 * the boost.
 *
 *   pages free
 *      |   PROMO ─┐
 *      |   HIGH   ├ one step apart; balancing stops above HIGH
 *      |   LOW   ─┤ first try of a request: above LOW
 *      |   MIN   ─┘ last try: above MIN; HIGH requests go below
 *      0
 *
 * The formulas are the kernel's, pure functions of page counts; watermark_setup.c applies them to
 * an instance.
 *
 * Locks: zone->lock for the boost. What is tested is read without a lock, word by word.
 * Invariants: Z2, Z3, Z7.
 */
#include "page/watermark.h"

#include "util/bitops.h"
#include "util/plant.h"

#define MIN_FREE_LEAST 128u
#define MIN_FREE_MOST 262144u
#define MIN_FREE_FACTOR 16 /* under the root */
/* HIGHMEM's MIN: one page of so many, within these limits. */
#define HIGHMEM_SHARE 1024
#define HIGHMEM_LEAST UINT64_C(32)
#define HIGHMEM_MOST UINT64_C(128)
#define STEP_SHARE 4	   /* a step is this part of MIN at least */
#define TEN_THOUSAND 10000 /* scale and boost factors are so many parts of the whole */
/* A batch: this part of a zone, at most this many bytes, of which a quarter is moved at a time. */
#define BATCH_SHARE 1024
#define BATCH_BYTES (UINT64_C(1) << 20)
#define BATCH_QUARTER 4
#define BOOST_ZONE_BLOCKS 4 /* a zone with fewer page blocks is not boosted */

/*
 * Sums of a mark, its steps, a reserve and a boost stay below 2^32, however large a zone and its
 * factors: MOST_MIN + 3 * MOST_STEP + MOST_BOOST.
 */
#define MOST_MIN (UINT64_C(1) << 30)
#define MOST_STEP (UINT64_C(1) << 29)
#define MOST_BOOST (UINT64_C(1) << 30)
_Static_assert(MOST_MIN + 3 * MOST_STEP + MOST_BOOST <= UINT32_MAX, "a boosted mark fits 32 bits");

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
	if (lowmem_kbytes >= (uint64_t)MIN_FREE_MOST * MIN_FREE_MOST / MIN_FREE_FACTOR)
		return MIN_FREE_MOST;
	return max((size_t)int_sqrt(lowmem_kbytes * MIN_FREE_FACTOR), (size_t)MIN_FREE_LEAST);
}

uint64_t qy__mark_share(uint64_t min_free_kbytes, uint64_t managed, uint64_t lowmem_pages)
{
	uint64_t pages = min(min_free_kbytes >> QY__KB_SHIFT, MOST_MIN);

	return lowmem_pages ? min(pages * managed / lowmem_pages, MOST_MIN) : 0;
}

uint32_t qy__mark_min(uint64_t min_free_kbytes, uint64_t managed, uint64_t lowmem_pages,
		      bool highmem)
{
	if (!managed)
		return 0;
	if (highmem) /* nothing that must not fail needs this zone: a token amount */
		return (uint32_t)min(max(managed / HIGHMEM_SHARE, HIGHMEM_LEAST), HIGHMEM_MOST);
	return (uint32_t)qy__mark_share(min_free_kbytes, managed, lowmem_pages);
}

uint32_t qy__mark_step(uint64_t share, uint64_t managed, unsigned int scale_factor)
{
	return (uint32_t)min(max(share / STEP_SHARE, managed * scale_factor / TEN_THOUSAND),
			     MOST_STEP);
}

uint32_t qy__lowmem_reserve(uint64_t managed, uint64_t managed_above, unsigned int ratio)
{
	if (!managed || !ratio || ratio == QY_NO_RESERVE)
		return 0;
	return (uint32_t)(managed_above / ratio);
}

uint32_t qy__pcp_batch(uint64_t managed)
{
	uint64_t batch = min(managed / BATCH_SHARE, BATCH_BYTES / QY_PAGE_SIZE) / BATCH_QUARTER;

	/* One less than a power of two, so that runs of batches do not march in step with it. */
	batch = max(batch, UINT64_C(1));
	batch = (UINT64_C(1) << qy__ilog2(batch + batch / 2)) - 1;
	return (uint32_t)max(batch, UINT64_C(1));
}

uint32_t qy__pcp_high(uint64_t managed, uint64_t low_mark, unsigned int fraction, unsigned int cpus,
		      uint32_t batch)
{
	uint64_t pages = fraction < QY__HIGH_FRACTION_LEAST ? low_mark : managed / fraction;
	uint64_t least = (uint64_t)batch * QY__PCP_LEAST_BATCHES;

	pages /= cpus ? cpus : 1;
	return (uint32_t)min(max(pages, least), (uint64_t)UINT32_MAX);
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
	if (factor == QY_NO_RESERVE || block * BOOST_ZONE_BLOCKS > zone->managed)
		return;
	most = qy__load_relaxed(&zone->mark[QY_WMARK_HIGH]) * factor / TEN_THOUSAND;
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
