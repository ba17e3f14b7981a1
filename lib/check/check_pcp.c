/* SPDX-License-Identifier: MIT */
/*
 * check_pcp.c - the lists of CPUs, compared with the blocks that the census found on them: P1, P2;
 * P3 follows: what is on the lists is what the zone misses (B7).
 *
 *   CPU 0  list [order * 3 + type]: head → … → tail     each block of the census on just one list
 *   CPU 1  list …                                        of one CPU; count: pages on all 12
 *
 * Links need not agree at the ends, so a list could lead in circles: the sum over all lists tells.
 *
 * How far a count may be above P2's high cannot be said between two calls: refills do not look at
 * it.
 *
 * Nobody is inside the lists (qy__pcp_try_stop()), and zone->lock is held by the caller.
 */
#include "check/check_page.h"

struct tally {
	uint32_t heads[QY__PCP_ORDERS]; /* blocks */
	uint64_t sum, pages;
};

/* On the list of (@order, @type)? Blocks may come from page blocks of another type, but CMA's. */
static inline bool is_listed(const struct qy_page *page, unsigned int order, unsigned int type)
{
	return page->type == QY__PAGE_PCP && page->order == order &&
	       page->migratetype < QY_MIGRATE_ISOLATE &&
	       (page->migratetype != QY_MIGRATE_CMA || type == QY_MIGRATE_MOVABLE);
}

/* Return: blocks seen on the list. */
static uint32_t walk(struct qy__census *c, unsigned int cpu, unsigned int i,
		     const struct qy__page_stack *list, struct tally *t)
{
	unsigned int order = i / QY_MIGRATE_PCPTYPES, type = i % QY_MIGRATE_PCPTYPES;
	uint32_t pfn = list->head, prev = 0, n;

	for (n = 0; n < list->nr; n++) {
		const struct qy_page *page;

		if (!qy__holds(c->ck, pfn >= c->start && pfn < c->end, "P1",
			       QY__ZONE_FMT " CPU %u list %u: link to page %d, not in the zone",
			       QY__ZONE_ARG(c), cpu, i, (int)pfn))
			return n;
		page = qy__census_page(c, pfn);
		if (!qy__holds(c->ck, is_listed(page, order, type), "P1",
			       QY__ZONE_FMT " CPU %u list %u: page %u is %s of order %u, type %u",
			       QY__ZONE_ARG(c), cpu, i, pfn, qy__check_page_type(page), page->order,
			       page->migratetype))
			return n;
		if (!qy__holds(c->ck, !n || page->prev == prev, "P1",
			       QY__ZONE_FMT " CPU %u list %u: page %u has prev %d, not %d",
			       QY__ZONE_ARG(c), cpu, i, pfn, (int)page->prev, (int)prev))
			return n;
		t->heads[order]++;
		t->sum += qy__pfn_print(pfn);
		prev = pfn;
		pfn = page->next;
	}
	qy__holds(c->ck, !n || prev == list->tail, "P1",
		  QY__ZONE_FMT " CPU %u list %u: last is %u, tail is %d", QY__ZONE_ARG(c), cpu, i,
		  prev, (int)list->tail);
	return n;
}

static void check_cpu(struct qy__census *c, unsigned int cpu, struct tally *t)
{
	const struct qy__pcp *pcp = &c->zone->pcp[cpu];
	uint32_t any = pcp->count;
	uint64_t pages = 0;

	/* Elsewhere somebody may just find out that he must not enter. */
	qy__holds(c->ck, !qy__check_alone(c->ck) || !pcp->busy, "LK",
		  QY__ZONE_FMT " CPU %u: somebody is inside its lists", QY__ZONE_ARG(c), cpu);
	qy__holds(c->ck, pcp->next_list < QY__PCP_LISTS && pcp->free_factor < 32, "P1",
		  QY__ZONE_FMT " CPU %u: next list is %u, free factor %u", QY__ZONE_ARG(c), cpu,
		  pcp->next_list, pcp->free_factor);
	for (unsigned int i = 0; i < QY__PCP_LISTS; i++)
		any |= pcp->list[i].nr;
	if (!any)
		return;
	for (unsigned int i = 0; i < QY__PCP_LISTS; i++) {
		/* No more blocks than the census saw: the walk ends. */
		if (qy__holds(c->ck, pcp->list[i].nr <= c->pcp, "P1",
			      QY__ZONE_FMT " CPU %u list %u: %u blocks, %u pages are on any",
			      QY__ZONE_ARG(c), cpu, i, pcp->list[i].nr, c->pcp))
			pages += (uint64_t)walk(c, cpu, i, &pcp->list[i], t)
				 << i / QY_MIGRATE_PCPTYPES;
	}
	qy__holds(c->ck, pcp->count == pages, "P1",
		  QY__ZONE_FMT " CPU %u: count is %u, %llu pages are on its lists", QY__ZONE_ARG(c),
		  cpu, pcp->count, (unsigned long long)pages);
	t->pages += pages;
}

void qy__check_pcp(struct qy__census *c)
{
	struct tally t = {.sum = 0};
	bool same = true;

	for (unsigned int cpu = 0; c->zone->pcp && cpu < c->ck->mm->cpus.nr; cpu++)
		check_cpu(c, cpu, &t);
	for (unsigned int order = 0; order < QY__PCP_ORDERS; order++)
		same &= t.heads[order] == c->pcp_heads[order];
	qy__holds(c->ck, same && t.sum == c->pcp_sum, "P1",
		  QY__ZONE_FMT
		  ": %llu pages are on CPUs' lists, %u are marked so, or they are others",
		  QY__ZONE_ARG(c), (unsigned long long)t.pages, c->pcp);
	qy__holds(c->ck, !c->zone->pcp_disabled || !t.pages, "P2",
		  QY__ZONE_FMT ": no page may be on a list now, %llu are", QY__ZONE_ARG(c),
		  (unsigned long long)t.pages);
}

bool qy__check_pcp_books(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	bool on = qy__check_flag(&mm->pcp.on), sane = true;

	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		const struct qy__pcp *pcp = mm->zone[z].pcp;
		uint32_t from, to;

		qy__check_limits_of(mm, z, &from, &to);
		sane &= qy__holds(
			ck,
			on && from < to
				? pcp && !((uintptr_t)pcp % _Alignof(struct qy__pcp)) &&
					  qy__check_readable(ck, pcp, mm->cpus.nr * sizeof(*pcp))
				: !pcp,
			"P1", "node %u zone %s: the CPUs' lists are not where they can be",
			z / QY_NR_ZONES, qy__check_zone_name(z));
	}
	return sane;
}
