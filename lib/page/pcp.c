/* SPDX-License-Identifier: MIT */
/*
 * pcp.c - per-CPU page lists.
 *
 * Place in an object's life: between freelist.c or free.c and the zone (rmqueue.c, buddy.c). A list
 * gives out the page that came back last (its cache lines are warm); the zone is asked for a batch
 * when it is empty, and gets back the coldest when there are too many.
 *
 * Locks: see pcp.h. Only zone->lock is taken inside the lists.
 */
#include "page/pcp.h"

#include "osif/osif.h"
#include "page/page_alloc.h"
#include "page/report_free.h"
#include "page/rmqueue.h"
#include "page/watermark.h"
#include "util/assert.h"
#include "util/plant.h"

#define MOST_YIELDS 100000u /* who is inside comes out at once, unless he does not run */

/* A batch from the zone, in the order of addresses where it was cut from one block. */
static bool refill(struct qy_mm *mm, struct qy__zone *zone, struct qy__pcp *pcp, unsigned int order,
		   unsigned int type, unsigned int alloc_flags)
{
	struct qy__page_stack *list = &pcp->list[qy__pcp_index(order, type)];
	uint32_t batch = qy__load_relaxed(&zone->pcp_batch), n;

	if (qy__load_relaxed(&zone->pcp_disabled))
		return false;
	if (batch > 1)
		batch = max(batch >> order, 2u);
	qy__lock(&zone->lock);
	for (n = 0; n < batch; n++) {
		struct qy_page *page = qy__rmqueue_locked(mm, zone, order, type, alloc_flags);

		if (!page)
			break;
		page->migratetype = qy__pageblock_type(mm, qy__page_pfn(mm, page));
		qy__store_relaxed(&page->type, QY__PAGE_PCP);
		qy__page_stack_push_tail(mm, list, page);
	}
	qy__count_in_use_locked(mm, (size_t)n << order);
	qy__unlock(&zone->lock);
	qy__pcp_add_count(pcp, n << (qy__planted(REFILL_COUNT) ? 0 : order));
	return n > 0;
}

struct qy_page *qy__pcp_alloc(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
			      unsigned int type, unsigned int alloc_flags)
{
	struct qy__pcp *pcp = qy__pcp_enter(mm, zone);
	struct qy_page *page = NULL;

	if (!pcp)
		return NULL;
	if (pcp->list[qy__pcp_index(order, type)].nr ||
	    refill(mm, zone, pcp, order, type, alloc_flags))
		page = qy__pcp_pop(mm, zone, pcp, order, type);
	qy__pcp_leave(pcp);
	return page;
}

/* @pages, or a little more, go back to the zone: the coldest of each list in turn. */
static uint32_t give_back(struct qy_mm *mm, struct qy__zone *zone, struct qy__pcp *pcp,
			  uint32_t pages)
{
	unsigned int i = pcp->next_list, empty = 0;
	uint32_t done = 0;

	qy__lock(&zone->lock);
	while (done < pages && empty < QY__PCP_LISTS) {
		struct qy__page_stack *list;
		struct qy_page *page;

		i = (i + 1) % QY__PCP_LISTS;
		list = &pcp->list[i];
		if (!list->nr) {
			empty++;
			continue;
		}
		empty = 0;
		page = qy__page_stack_pop_tail(mm, list);
		done += 1u << page->order;
		qy__free_one_locked(mm, zone, qy__page_pfn(mm, page), page->order, QY__FPI_NONE);
	}
	qy__count_in_use_locked(mm, -(size_t)done);
	qy__report_free_if_due_locked(mm, zone);
	qy__unlock(&zone->lock);
	pcp->next_list = (uint8_t)i;
	qy__pcp_add_count(pcp, -done);
	return done;
}

/* The more frees follow each other, the more goes back at a time; within [batch, high - batch]. */
static uint32_t nr_to_free(struct qy__pcp *pcp, uint32_t high, uint32_t batch)
{
	uint32_t most = high > batch ? high - batch : 1, n = batch << pcp->free_factor;

	if (n < most)
		pcp->free_factor++;
	return min(max(n, batch), max(most, 1u));
}

void qy__pcp_too_many(struct qy_mm *mm, struct qy__zone *zone, struct qy__pcp *pcp, bool burst)
{
	uint32_t limit = qy__load_relaxed(&zone->pcp_limit), n = pcp->count;

	if (!burst && limit)
		n = nr_to_free(pcp, limit, qy__load_relaxed(&zone->pcp_batch));
	give_back(mm, zone, pcp, n);
}

bool qy__pcp_free(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *head, unsigned int order)
{
	return qy__pcp_put(mm, zone, head, order);
}

/* ---- from outside ---- */

static bool wait_until_left(const struct qy__pcp *pcp, bool bounded)
{
	for (uint32_t n = 0; qy__load_acquire(&pcp->busy); n++) {
		if (bounded && n == MOST_YIELDS)
			return false;
		qy__osif_yield();
	}
	return true;
}

static bool stop(struct qy_mm *mm, bool bounded)
{
	qy__store_release(&mm->pcp.stopped, 1);
	if (mm->cpus.provider == QY_CPU_MANUAL)
		return true; /* the caller is on every CPU, one at a time */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!mm->pcp.fence)
		qy__osif_barrier();
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		for (unsigned int cpu = 0; mm->zone[z].pcp && cpu < mm->cpus.nr; cpu++) {
			if (!wait_until_left(&mm->zone[z].pcp[cpu], bounded))
				return false;
		}
	}
	return true;
}

void qy__pcp_stop(struct qy_mm *mm)
{
	qy__lock(&mm->pcp.lock);
	if (mm->pcp.on)
		stop(mm, false);
}

bool qy__pcp_try_stop(struct qy_mm *mm)
{
	uint32_t n = 0;

	while (!qy__trylock(&mm->pcp.lock)) {
		if (n++ == MOST_YIELDS)
			return false;
		qy__osif_yield();
	}
	if (qy__load_relaxed(&mm->pcp.stopped)) { /* by nobody: the lock was free */
		qy__unlock(&mm->pcp.lock);
		return false;
	}
	if (!mm->pcp.on || stop(mm, true))
		return true;
	qy__pcp_resume(mm);
	return false;
}

void qy__pcp_resume(struct qy_mm *mm)
{
	qy__store_release(&mm->pcp.stopped, 0);
	qy__unlock(&mm->pcp.lock);
}

static uint32_t drain_zone(struct qy_mm *mm, struct qy__zone *zone)
{
	uint32_t pages = 0;

	for (unsigned int cpu = 0; zone->pcp && cpu < mm->cpus.nr; cpu++) {
		struct qy__pcp *pcp = &zone->pcp[cpu];

		if (pcp->count)
			pages += give_back(mm, zone, pcp, pcp->count);
	}
	return pages;
}

uint32_t qy__pcp_drain_stopped(struct qy_mm *mm, struct qy__zone *zone)
{
	uint32_t pages = 0;

	if (zone)
		return drain_zone(mm, zone);
	for (unsigned int z = 0; z < mm->nr_zones; z++)
		pages += drain_zone(mm, &mm->zone[z]);
	return pages;
}

size_t qy__pcp_drain_all(struct qy_mm *mm)
{
	size_t pages;

	if (!mm->pcp.on)
		return 0;
	qy__pcp_stop(mm);
	pages = qy__pcp_drain_stopped(mm, NULL);
	qy__pcp_resume(mm);
	return pages;
}

void qy__pcp_set_limit_locked(const struct qy_mm *mm, struct qy__zone *zone)
{
	uint32_t limit = qy__load_relaxed(&zone->pcp_high);

	if (qy__load_relaxed(&mm->reclaim.short_lists))
		limit = min(limit, QY__PCP_LEAST_BATCHES * qy__load_relaxed(&zone->pcp_batch));
	if (zone->pcp_disabled)
		limit = 0;
	qy__store_relaxed(&zone->pcp_limit, limit);
}

void qy__pcp_set_limits(struct qy_mm *mm)
{
	for (unsigned int z = 0; mm->pcp.on && z < mm->nr_zones; z++) {
		struct qy__zone *zone = &mm->zone[z];

		if (!zone->pcp)
			continue;
		qy__lock(&zone->lock);
		qy__pcp_set_limit_locked(mm, zone);
		qy__unlock(&zone->lock);
	}
}

void qy__pcp_reclaim(struct qy_mm *mm, bool begins)
{
	if (begins)
		qy__fetch_add(&mm->reclaim.short_lists, 1);
	else if (qy__load_relaxed(&mm->reclaim.short_lists)) /* 0: a child forgot it */
		qy__fetch_sub(&mm->reclaim.short_lists, 1);
	qy__pcp_set_limits(mm);
}

static void disable(struct qy_mm *mm, struct qy__zone *zone, uint32_t by)
{
	qy__lock(&zone->lock);
	qy__store_relaxed(&zone->pcp_disabled, zone->pcp_disabled + by);
	qy__pcp_set_limit_locked(mm, zone);
	qy__unlock(&zone->lock);
}

void qy__zone_pcp_disable(struct qy_mm *mm, struct qy__zone *zone)
{
	qy__pcp_stop(mm);
	disable(mm, zone, 1);
	qy__pcp_drain_stopped(mm, zone);
	qy__pcp_resume(mm);
}

void qy__zone_pcp_enable(struct qy_mm *mm, struct qy__zone *zone)
{
	qy__lock(&mm->pcp.lock);
	qy__assert(zone->pcp_disabled);
	disable(mm, zone, UINT32_MAX);
	qy__unlock(&mm->pcp.lock);
}

uint32_t qy__pcp_count(const struct qy_mm *mm, const struct qy__zone *zone)
{
	uint32_t pages = 0;

	for (unsigned int cpu = 0; zone->pcp && cpu < mm->cpus.nr; cpu++)
		pages += qy__load_relaxed(&zone->pcp[cpu].count);
	return pages;
}
