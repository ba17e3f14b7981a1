/* SPDX-License-Identifier: MIT */
/*
 * balance.c - what the kernel leaves to a thread of its own: bring every zone above its HIGH mark.
 *
 * A request that goes below a LOW mark leaves a note (balance_wanted) and goes on; the program
 * calls qy_mm_balance() when it suits it. Called without locks; zone->lock for the boosts only.
 */
#include "page/page_alloc.h"
#include "page/pcp.h"
#include "page/reclaim.h"
#include "page/watermark.h"
#include "util/plant.h"

/* The mark grows by the boost: a zone that a fallback took from has more to fill. */
static bool is_below_high(const struct qy__zone *zone)
{
	enum qy_watermark mark = qy__planted(BALANCE_LOW) ? QY_WMARK_LOW : QY_WMARK_HIGH;

	return qy__load_relaxed(&zone->managed) &&
	       qy__load_relaxed(&zone->nr_free_pages) < qy__wmark(zone, mark);
}

static size_t free_pages(const struct qy_mm *mm)
{
	size_t n = 0;

	for (unsigned int z = 0; z < mm->nr_zones; z++)
		n += qy__load_relaxed(&mm->zone[z].nr_free_pages);
	return n;
}

/*
 * One round from lightly to everything. A light one may find too little to scan at all: that
 * nothing was freed then says nothing about the next.
 */
static void shrink_zone(struct qy_mm *mm, const struct qy__zone *zone)
{
	for (int priority = QY__SHRINK_PRIORITY; priority >= 0 && is_below_high(zone); priority--) {
		if (qy_mm_shrink(mm, QY_GFP_KERNEL, zone->node, (unsigned int)priority))
			qy__pcp_drain_all(mm);
	}
}

/* Each further round must have brought the zone more than any before: that ends. */
static void balance_zone(struct qy_mm *mm, const struct qy__zone *zone)
{
	uint32_t best, now = qy__load_relaxed(&zone->nr_free_pages);

	do {
		best = now;
		shrink_zone(mm, zone);
		now = qy__load_relaxed(&zone->nr_free_pages);
	} while (now > best && is_below_high(zone));
}

size_t qy_mm_balance(struct qy_mm *mm)
{
	size_t before, after;
	bool drained = false;

	qy__store_relaxed(&mm->reclaim.balance_wanted, 0);
	if (!qy__load_relaxed(&mm->marks.on))
		return 0;
	before = free_pages(mm);
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		if (!is_below_high(&mm->zone[z]))
			continue;
		if (!drained)
			qy__pcp_drain_all(mm);
		drained = true;
		balance_zone(mm, &mm->zone[z]);
	}
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		qy__lock(&mm->zone[z].lock);
		qy__boost_decay(&mm->zone[z]);
		qy__unlock(&mm->zone[z].lock);
	}
	after = free_pages(mm);
	return after > before ? after - before : 0;
}

bool qy_mm_needs_balance(const struct qy_mm *mm)
{
	return qy__load_relaxed(&mm->reclaim.balance_wanted) != 0;
}
