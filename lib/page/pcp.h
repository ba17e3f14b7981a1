/* SPDX-License-Identifier: MIT */
/*
 * pcp.h - per-CPU page lists: the way of a small block that touches no lock and no shared line.
 *
 * A CPU's lists belong to its thread, which says so by `busy` while it is inside. Who wants to
 * touch another's lists stops them all (mm->pcp_stopped), makes the system run a barrier on every
 * CPU (membarrier), waits until nobody is busy, and is then alone until he lets them go on:
 *
 *   owner:  busy = 1;  read stopped: 0 → inside … busy = 0     (plain stores: who comes rarely
 *   other:  stopped = 1;  membarrier;  wait for busy == 0      pays for the barrier)
 *
 * Without membarrier the owner runs a full barrier after busy = 1. Whoever finds the lists stopped,
 * or has no CPU slot, goes to the zone.
 *
 * Lock order: grow_lock → pcp_lock → zone->lock. Nobody waits for busy == 0 with a zone's lock
 * held; inside the lists the zone's lock may be taken.
 * Invariants: P1-P5.
 */
#ifndef QY_PAGE_PCP_H
#define QY_PAGE_PCP_H

#include "page/page.h"

#define QY__PCP_ORDERS 4 /* 0 … 3 */
#define QY__PCP_LISTS (QY_MIGRATE_PCPTYPES * QY__PCP_ORDERS)

/* Newest first. Zeroed is empty: head and tail mean something if nr > 0. */
struct qy__pcp_list {
	uint32_t head, tail, nr;
};

struct qy__pcp {
	uint32_t busy;
	uint32_t count; /* pages on all lists */
	uint8_t free_factor; /* how many frees came in a row: more is given back at a time */
	uint8_t next_list;   /* where the last round of giving back ended */
	struct qy__pcp_list list[QY__PCP_LISTS]; /* [order * 3 + migratetype] */
} __attribute__((aligned(64)));

/*
 * A block from the calling CPU's list, refilled from the zone if it is empty. NULL: the zone has
 * none, or the lists cannot be used now (the caller goes to the zone). Head becomes ALLOC.
 */
struct qy_page *qy__pcp_alloc(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
			      unsigned int migratetype, unsigned int alloc_flags);
/* To the calling CPU's list. false: it cannot be used now, the caller goes to the zone. */
bool qy__pcp_free(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *head,
		  unsigned int order);

/* Nobody is inside any list until resume. Takes mm->pcp_lock. Nothing to do without lists. */
void qy__pcp_stop(struct qy_mm *mm);
/* The same, for those who do not trust the instance: false: somebody never comes out. */
bool qy__pcp_try_stop(struct qy_mm *mm);
void qy__pcp_resume(struct qy_mm *mm);
/* All lists of @zone (NULL: of all zones) go back to the buddy. Lists are stopped. Return: pages. */
uint32_t qy__pcp_drain_stopped(struct qy_mm *mm, struct qy__zone *zone);
/* Stop, drain, resume. */
size_t qy__pcp_drain_all(struct qy_mm *mm);
/* No page of @zone goes on a list until enabled; what is there is drained. They nest. */
void qy__zone_pcp_disable(struct qy_mm *mm, struct qy__zone *zone);
void qy__zone_pcp_enable(struct qy_mm *mm, struct qy__zone *zone);
/* Pages on all CPUs' lists of @zone; exact if they are stopped. */
uint32_t qy__pcp_count(const struct qy_mm *mm, const struct qy__zone *zone);

#endif
