/* SPDX-License-Identifier: MIT */
/*
 * pcp.h - per-CPU page lists: the way of a small block that touches no lock and no shared line.
 *
 * A CPU's lists belong to its thread, which says so by `busy` while it is inside. Who wants to
 * touch another's lists stops them all (mm->pcp.stopped), makes the system run a barrier on every
 * CPU (membarrier), waits until nobody is busy, and is then alone until he lets them go on:
 *
 *   owner:  busy = 1;  read stopped: 0 → inside … busy = 0     (plain stores: who comes rarely
 *   other:  stopped = 1;  membarrier;  wait for busy == 0      pays for the barrier)
 *
 * Without membarrier the owner runs a full barrier after busy = 1. Whoever finds the lists stopped,
 * or has no CPU slot, goes to the zone.
 *
 * Lock order: grow_lock → pcp.lock → zone->lock. Nobody waits for busy == 0 with a zone's lock
 * held; inside the lists the zone's lock may be taken.
 * Invariants: P1-P5.
 */
#ifndef QY_PAGE_PCP_H
#define QY_PAGE_PCP_H

#include "page/page_list.h"
#include "util/plant.h"

#define QY__PCP_ORDERS 4 /* 0 … 3 */
#define QY__PCP_LISTS (QY_MIGRATE_PCPTYPES * QY__PCP_ORDERS)

struct qy__pcp {
	uint32_t busy;
	uint32_t count;	     /* pages on all lists */
	uint8_t free_factor; /* how many frees came in a row: more is given back at a time */
	uint8_t next_list;   /* where the last round of giving back ended */
	struct qy__page_stack list[QY__PCP_LISTS]; /* [qy__pcp_index()], warmest block first */
} __attribute__((aligned(QY__CACHE_LINE)));

static inline unsigned int qy__pcp_index(unsigned int order, unsigned int migratetype)
{
	return order * QY_MIGRATE_PCPTYPES + migratetype;
}

/* The only way out of the lists. */
static inline void qy__pcp_leave(struct qy__pcp *pcp)
{
	qy__store_release(&pcp->busy, 0);
}

/*
 * The only way in: the calling CPU's lists of @zone, to be left by qy__pcp_leave(). NULL: it has
 * none, or they are stopped; the caller goes to the zone.
 */
static inline struct qy__pcp *qy__pcp_enter(const struct qy_mm *mm, const struct qy__zone *zone)
{
	unsigned int cpu = qy__this_cpu(&mm->cpus);
	struct qy__pcp *pcp;

	if (unlikely(cpu >= mm->cpus.nr) || unlikely(!zone->pcp))
		return NULL;
	pcp = &zone->pcp[cpu];
	qy__store_relaxed(&pcp->busy, 1);
	if (unlikely(mm->pcp.fence))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (likely(!qy__load_acquire(&mm->pcp.stopped)))
		return pcp;
	qy__pcp_leave(pcp);
	return NULL;
}

/* The warmest block; the list is not empty, the caller inside. Head becomes ALLOC. */
static inline struct qy_page *qy__pcp_pop(const struct qy_mm *mm, const struct qy__zone *zone,
					  struct qy__pcp *pcp, unsigned int order,
					  unsigned int migratetype)
{
	struct qy__page_stack *list = &pcp->list[qy__pcp_index(order, migratetype)];
	struct qy_page *page = qy__page_stack_pop(mm, list);

	qy__store_relaxed(&pcp->count, pcp->count - (1u << order));
	pcp->free_factor >>= 1;
	/* In one store: whoever frees it loads all four bytes at once. */
	qy__store_relaxed(&page->state, QY__PAGE_STATE(QY__PAGE_ALLOC, order, zone->index, 0));
	return page;
}

/* As qy__pcp_alloc(), but only what is there already. */
static inline struct qy_page *qy__pcp_take(const struct qy_mm *mm, const struct qy__zone *zone,
					   unsigned int order, unsigned int migratetype)
{
	struct qy__pcp *pcp = qy__pcp_enter(mm, zone);
	struct qy_page *page = NULL;

	if (unlikely(!pcp))
		return NULL;
	if (likely(pcp->list[qy__pcp_index(order, migratetype)].nr))
		page = qy__pcp_pop(mm, zone, pcp, order, migratetype);
	qy__pcp_leave(pcp);
	return page;
}

/*
 * A block from the calling CPU's list, refilled from the zone if it is empty. NULL: the zone has
 * none, or the lists cannot be used now (the caller goes to the zone). Head becomes ALLOC.
 */
struct qy_page *qy__pcp_alloc(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
			      unsigned int migratetype, unsigned int alloc_flags);
/* The coldest go back: as many as high and batch say, after a burst all. The caller is inside. */
QY_COLD void qy__pcp_too_many(struct qy_mm *mm, struct qy__zone *zone, struct qy__pcp *pcp,
			      bool burst);

static inline void qy__pcp_add_count(struct qy__pcp *pcp, uint32_t pages)
{
	qy__store_relaxed(&pcp->count, pcp->count + pages);
}

/* As qy__pcp_free(), inline. */
static QY_ALWAYS_INLINE bool qy__pcp_put(struct qy_mm *mm, struct qy__zone *zone,
					 struct qy_page *head, unsigned int order)
{
	unsigned int type = qy__pageblock_type(mm, qy__page_pfn(mm, head)), list = type;
	struct qy__pcp *pcp;
	bool burst;

	if (unlikely(type >= QY_MIGRATE_PCPTYPES)) {
		if (type == QY_MIGRATE_ISOLATE || !mm->grouping)
			return false;
		list = QY_MIGRATE_MOVABLE;
	}
	pcp = qy__pcp_enter(mm, zone);
	if (unlikely(!pcp))
		return false;
	head->migratetype = type;
	qy__store_relaxed(&head->alloc.refcount, 0);
	qy__store_relaxed(&head->state, QY__PAGE_STATE(QY__PAGE_PCP, order, zone->index, 0));
	list = qy__pcp_index(qy__planted(LIST_OF_ORDER_0) ? 0 : order, list);
	qy__page_stack_push(mm, &pcp->list[list], head);
	qy__pcp_add_count(pcp, 1u << order);
	burst = order && pcp->free_factor;
	if (unlikely(pcp->count >= qy__load_relaxed(&zone->pcp_limit) || burst))
		qy__pcp_too_many(mm, zone, pcp, burst);
	qy__pcp_leave(pcp);
	return true;
}

/* To the calling CPU's list. false: it cannot be used now, the caller goes to the zone. */
bool qy__pcp_free(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *head,
		  unsigned int order);

/* Nobody is inside any list until resume. Takes mm->pcp.lock. Nothing to do without lists. */
void qy__pcp_stop(struct qy_mm *mm);
/*
 * The same, for those who do not trust the instance: false: somebody never comes out, or the lists
 * were stopped by nobody; then nothing is changed.
 */
bool qy__pcp_try_stop(struct qy_mm *mm);
void qy__pcp_resume(struct qy_mm *mm);
/* All lists of @zone (NULL: of all zones) go to the buddy. Lists are stopped. Return: pages. */
uint32_t qy__pcp_drain_stopped(struct qy_mm *mm, struct qy__zone *zone);
/* Stop, drain, resume. */
size_t qy__pcp_drain_all(struct qy_mm *mm);
/* No page of @zone goes on a list until enabled; what is there is drained. They nest. */
void qy__zone_pcp_disable(struct qy_mm *mm, struct qy__zone *zone);
void qy__zone_pcp_enable(struct qy_mm *mm, struct qy__zone *zone);
/* How many pages a list may have now: fewer while reclaim runs, none when disabled. zone->lock. */
void qy__pcp_set_limit_locked(const struct qy_mm *mm, struct qy__zone *zone);
/* The same for all zones. Takes their locks. */
void qy__pcp_set_limits(struct qy_mm *mm);
/* Reclaim begins (or ends): lists stay short meanwhile. */
void qy__pcp_reclaim(struct qy_mm *mm, bool begins);
/* Pages on all CPUs' lists of @zone; exact if they are stopped. */
uint32_t qy__pcp_count(const struct qy_mm *mm, const struct qy__zone *zone);

#endif
