/* SPDX-License-Identifier: MIT */
/*
 * slow_path.c - what is done for a request when no zone of its list is above LOW.
 *
 * The ladder, each step only if the one before gave no block:
 *
 *   the span grows → MIN mark and the request's reserves → all CPUs' lists are drained → page
 *   blocks set aside for atomic requests are given back → shrinkers, priority 12 to 0, as long as
 *   it helps → the reclaim hook → (NOFAIL) every page there is → message, NULL, errno
 *
 * Locks: mm->grow_lock, or none; callbacks are called without any.
 */
#include <stdlib.h>

#include "page/alloc_context.h"
#include "page/mm.h"
#include "page/pcp.h"
#include "page/reclaim.h"
#include "page/rmqueue.h"
#include "page/zone.h"
#include "util/fail.h"
#include "util/plant.h"

#define COSTLY_ORDER 3 /* above it, reclaim hardly ever makes a block */
#define MOST_ROUNDS 16 /* of reclaim, and of the hook */

static unsigned int slow_alloc_flags(const struct qy__alloc_context *ac)
{
	unsigned int flags = qy__fast_alloc_flags(ac) & ~QY__ALLOC_MARK;

	flags |= QY_WMARK_MIN;
	if (ac->gfp & QY_GFP_NOMEMALLOC)
		return flags;
	if (ac->gfp & QY_GFP_MEMALLOC)
		flags |= QY__ALLOC_NO_WATERMARKS;
	if (!(ac->gfp & QY_GFP_HIGH))
		return flags;
	flags |= QY__ALLOC_HIGH;
	if (!(ac->gfp & QY_GFP_DIRECT_RECLAIM))
		flags |= QY__ALLOC_NON_BLOCK | (ac->order ? QY__ALLOC_HIGHATOMIC : 0);
	return flags;
}

/*
 * Pages are only ever brought in at the end of the span, so only requests that the last zone serves
 * can grow.
 */
static struct qy_page *grow(struct qy_mm *mm, const struct qy__alloc_context *ac)
{
	uint32_t seen = qy__load_acquire(&mm->end_pfn), stop;
	struct qy_page *page = NULL;

	while (!page && seen < mm->max_pfn) {
		const struct qy__zone *zone = qy__pfn_zone(mm, seen, mm->max_pfn, &stop);

		if (zone->type > ac->highest)
			return NULL;
		qy__lock(&mm->grow_lock);
		if (seen == mm->end_pfn && qy__mm_grow(mm, 1u << ac->order)) {
			qy__unlock(&mm->grow_lock);
			return NULL;
		}
		seen = mm->end_pfn;
		qy__unlock(&mm->grow_lock);
		page = qy__get_page_from_freelist(mm, ac, qy__fast_alloc_flags(ac));
	}
	return page;
}

static bool unreserve_highatomic(struct qy_mm *mm, const struct qy__alloc_context *ac)
{
	bool any = false;

	for (const uint16_t *z = ac->list; *z != QY__ZONE_END; z++) {
		struct qy__zone *zone = &mm->zone[*z];

		if (!qy__load_relaxed(&zone->nr_reserved_highatomic))
			continue;
		qy__lock(&zone->lock);
		any |= qy__unreserve_highatomic_locked(mm, zone, ac->migratetype);
		qy__unlock(&zone->lock);
	}
	return any;
}

/* What lies idle, wherever it is. */
static struct qy_page *get_idle(struct qy_mm *mm, const struct qy__alloc_context *ac,
				unsigned int flags)
{
	struct qy_page *page = qy__get_page_from_freelist(mm, ac, flags);

	if (!page && qy__pcp_drain_all(mm))
		page = qy__get_page_from_freelist(mm, ac, flags);
	while (!page && unreserve_highatomic(mm, ac))
		page = qy__get_page_from_freelist(mm, ac, flags);
	return page;
}

/* From lightly to desperate; a request that must not try hard stops after the first. */
static struct qy_page *reclaim_round(struct qy_mm *mm, const struct qy__alloc_context *ac,
				     unsigned int flags, bool *progress)
{
	int last = ac->gfp & QY_GFP_NORETRY ? (int)QY__SHRINK_PRIORITY : 0;

	*progress = false;
	for (int priority = QY__SHRINK_PRIORITY; priority >= last; priority--) {
		struct qy_page *page;

		if (!qy__reclaim(mm, ac->gfp, ac->node, (unsigned int)priority))
			continue;
		*progress = true;
		page = get_idle(mm, ac, flags);
		if (page)
			return page;
	}
	return NULL;
}

static struct qy_page *reclaim(struct qy_mm *mm, const struct qy__alloc_context *ac,
			       unsigned int flags)
{
	bool once = (ac->gfp & QY_GFP_NORETRY) ||
		    (ac->order > COSTLY_ORDER && !(ac->gfp & QY_GFP_RETRY_MAYFAIL));
	struct qy_page *page = NULL;
	bool progress = true;

	for (int n = 0; !page && progress && n < (once ? 1 : MOST_ROUNDS); n++)
		page = reclaim_round(mm, ac, flags, &progress);
	if (ac->gfp & QY_GFP_NORETRY)
		return page;
	for (int n = 0; !page && n < MOST_ROUNDS && qy__reclaim_hook(mm, ac->gfp, ac->order); n++)
		page = get_idle(mm, ac, flags);
	return page;
}

struct qy_page *qy__alloc_slow(struct qy_mm *mm, const struct qy__alloc_context *ac)
{
	unsigned int flags = slow_alloc_flags(ac);
	struct qy_page *page = NULL;

	if (ac->order > mm->max_order)
		goto fail;
	if (ac->gfp & QY_GFP_KSWAPD_RECLAIM)
		qy__store_relaxed(&mm->reclaim.balance_wanted, 1);
	page = grow(mm, ac);
	if (!page)
		page = get_idle(mm, ac, flags);
	if (!page && (ac->gfp & QY_GFP_DIRECT_RECLAIM) && !qy__in_reclaim(mm)) {
		qy__pcp_reclaim(mm, true);
		page = reclaim(mm, ac, flags);
		qy__pcp_reclaim(mm, false);
	}
	if (!page && (ac->gfp & QY_GFP_NOFAIL))
		page = get_idle(mm, ac, flags | QY__ALLOC_NO_WATERMARKS);
	if (page)
		return page;
fail:
	qy__warn_alloc(mm, ac->gfp, ac->order);
	if ((ac->gfp & QY_GFP_NOFAIL) && ac->order <= mm->max_order)
		abort(); /* whoever asked so has no way to go on */
	return qy__fail(ac->order > mm->max_order ? EINVAL : ENOMEM);
}
