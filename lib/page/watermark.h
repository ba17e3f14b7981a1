/* SPDX-License-Identifier: MIT */
/*
 * watermark.h - how much a zone keeps back, and whether a request may go on.
 *
 * Pure functions of figures, and what applies them to an instance.
 */
#ifndef QY_PAGE_WATERMARK_H
#define QY_PAGE_WATERMARK_H

#include "page/page.h"

/* What a request may do, as page_alloc.c and slow_path.c say. The lowest two bits name the mark. */
#define QY__ALLOC_MARK 0x3u	     /* enum qy_watermark */
#define QY__ALLOC_NO_WATERMARKS 0x4u /* all that is there */
#define QY__ALLOC_HIGH 0x8u	     /* half of the mark */
#define QY__ALLOC_NON_BLOCK 0x10u    /* with HIGH: a quarter of the rest, too */
#define QY__ALLOC_HIGHATOMIC 0x20u   /* may take from what is set aside for atomic requests */
#define QY__ALLOC_CMA 0x40u	     /* may take from CMA page blocks */

#define QY__KB_SHIFT (QY_CONFIG_PAGE_SHIFT - 10) /* from pages to kB */
_Static_assert(QY_CONFIG_PAGE_SHIFT >= 10, "a page is at least one kB");
#define QY__HIGH_FRACTION_LEAST 8u /* of percpu_pagelist_high_fraction; less: not asked for */
/* A CPU's lists may have so many batches at least, and no more while reclaim runs. */
#define QY__PCP_LEAST_BATCHES 4

/* int_sqrt(lowmem_kbytes * 16), 128 … 262144. */
size_t qy__min_free_kbytes(uint64_t lowmem_kbytes);
/* A zone's part, in pages, of what all zones together keep free. */
uint64_t qy__mark_share(uint64_t min_free_kbytes, uint64_t managed, uint64_t lowmem_pages);
/* MIN of a zone: its share of min_free; HIGHMEM: managed/1024, 32 … 128. No pages: 0. */
uint32_t qy__mark_min(uint64_t min_free_kbytes, uint64_t managed, uint64_t lowmem_pages,
		      bool highmem);
/* LOW - MIN = HIGH - LOW = PROMO - HIGH: max(share / 4, managed * scale / 10000). */
uint32_t qy__mark_step(uint64_t min_share, uint64_t managed, unsigned int scale_factor);
/* What a zone keeps from requests that might have gone higher: sum of managed above / ratio. */
uint32_t qy__lowmem_reserve(uint64_t managed, uint64_t managed_above, unsigned int ratio);
/* Pages moved at a time between a CPU's lists and the zone: 63 for large zones, 1 for 3840. */
uint32_t qy__pcp_batch(uint64_t managed);
/* Most pages on a CPU's lists. */
uint32_t qy__pcp_high(uint64_t managed, uint64_t low_mark, unsigned int fraction, unsigned int cpus,
		      uint32_t batch);

/*
 * Defaults filled in, but min_free_kbytes 0 stays: what it means changes with the memory. -EINVAL:
 * a figure is out of range (scale above 3000, min_free_kbytes above 2^32 - 1), @to is as it was.
 */
int qy__watermark_config(struct qy_watermark_config *to, const struct qy_watermark_config *from);
/*
 * Marks, reserves, batch and high of all zones, from what they manage now. Lock: mm->grow_lock
 * unless the instance is not up yet.
 */
void qy__watermarks_setup(struct qy_mm *mm);

/* Sum over zones: min(managed, largest lowmem_reserve + HIGH). */
size_t qy__totalreserve_pages(const struct qy_mm *mm);

/*
 * May a request of @order for zones up to @highest take from @zone at @mark (pages, boost
 * included)? The free counter is read without the lock; lists only if the order is above 0. Free
 * pages of HIGHATOMIC and CMA count only for those who may take them.
 */
bool qy__zone_watermark_ok(const struct qy_mm *mm, const struct qy__zone *zone, unsigned int order,
			   uint32_t mark, unsigned int highest, unsigned int alloc_flags);

/* A mark as it is tested: boost added. */
static inline uint32_t qy__wmark(const struct qy__zone *zone, enum qy_watermark mark)
{
	return qy__load_relaxed(&zone->mark[mark]) + qy__load_relaxed(&zone->boost);
}

/*
 * A fallback took less than a page block: for a while the zone keeps more. Lock: zone->lock.
 * qy__boost_decay: qy_mm_balance() was here.
 */
void qy__boost_watermark(struct qy_mm *mm, struct qy__zone *zone);
void qy__boost_decay(struct qy__zone *zone);

#endif
