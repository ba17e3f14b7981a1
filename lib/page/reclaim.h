/* SPDX-License-Identifier: MIT */
/*
 * reclaim.h - what happens when no zone has enough: shrinkers, hook, message.
 * Called without locks.
 */
#ifndef QY_PAGE_RECLAIM_H
#define QY_PAGE_RECLAIM_H

#include "page/page.h"

#define QY__SHRINK_PRIORITY 12u /* the lightest; 0 is everything */

/*
 * Shrinkers at @priority, for requests that may reclaim; 0 inside a shrinker of the same thread.
 * One that knows nodes is asked for @node first, then (not THISNODE) for the others.
 * Return: what they say they freed.
 */
size_t qy__reclaim(struct qy_mm *mm, qy_gfp_t gfp, unsigned int node, unsigned int priority);
/* Is the calling thread inside a shrinker or hook of @mm? Then it must not reclaim. */
bool qy__in_reclaim(const struct qy_mm *mm);
/* The hook. true: try again. */
bool qy__reclaim_hook(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order);
/*
 * "<comm>: page allocation failure: order:<n>, mode:<hex>(<names>), nodemask=<list>" as a report of
 * kind NOMEM, unless NOWARN or too many were told.
 */
void qy__warn_alloc(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order);
/* "GFP_KERNEL|__GFP_ZERO" into @buf, always terminated. Return: length of the whole text. */
size_t qy__gfp_names(qy_gfp_t gfp, char *buf, size_t size);
/* fork(): reclaim.lock. */
void qy__reclaim_lock_all(struct qy_mm *mm);
void qy__reclaim_unlock_all(struct qy_mm *mm);

#endif
