/* SPDX-License-Identifier: MIT */
/*
 * page_model_alloc.c - the page floor without the library: CPUs' lists, and the way of a request:
 *
 *   LOW marks → MIN marks and reserves → CPUs' lists drained → set-aside blocks given back →
 *   shrinkers, lightly to desperate → the hook → failure, told ten times
 *
 * Called by the operations of target page; the program's part of the way is in its struct
 * pm_program.
 */
#include "page_model.h"

#define ROUNDS 16
#define TOLD_AT_MOST 10 /* in five seconds; in an arena no time passes */

struct request {
	unsigned int gfp, order, node, highest, type;
};

void pm_count_in_use(struct pm_model *m, uint32_t pages)
{
	m->in_use += pages;
	if (m->in_use > m->high_water)
		m->high_water = m->in_use;
}

/* ---- CPUs' lists ---- */

uint32_t pm_pcp_count(const struct pm_model *m, const struct pm_zone *z)
{
	uint32_t n = 0;

	for (unsigned int cpu = 0; cpu < m->nr_cpus; cpu++)
		n += z->pcp[cpu].count;
	return n;
}

static uint32_t refill(struct pm_model *m, struct pm_zone *z, struct pm_pcp *pcp,
		       const struct request *r, unsigned int flags)
{
	uint32_t want = z->batch, n = 0;

	if (want > 1)
		want = want >> r->order > 2 ? want >> r->order : 2;
	for (; n < want; n++) {
		uint32_t pfn = pm_take(m, z, r->order, r->type, flags);

		if (pfn == FZ_NONE)
			break;
		m->page[pfn].state = PM_LISTED;
		pm_push(m, &pcp->list[r->order * QY_MIGRATE_PCPTYPES + r->type], pfn, true);
	}
	pcp->count += n << r->order;
	pm_count_in_use(m, n << r->order);
	return n;
}

static uint32_t pcp_take(struct pm_model *m, struct pm_zone *z, const struct request *r,
			 unsigned int flags)
{
	struct pm_pcp *pcp = &z->pcp[m->cpu];
	struct pm_list *list = &pcp->list[r->order * QY_MIGRATE_PCPTYPES + r->type];

	if (!list->nr && (z->pcp_off || !refill(m, z, pcp, r, flags)))
		return FZ_NONE;
	pcp->count -= 1u << r->order;
	pcp->free_factor /= 2;
	return pm_pop(m, list, false);
}

/* At least @pages, the coldest of each list in turn. */
static uint32_t pcp_return(struct pm_model *m, struct pm_zone *z, struct pm_pcp *pcp,
			   uint32_t pages)
{
	uint32_t done = 0;

	while (done < pages && pcp->count) {
		struct pm_list *list;
		uint32_t pfn;

		pcp->next = (pcp->next + 1) % PM_PCP_LISTS;
		list = &pcp->list[pcp->next];
		if (!list->nr)
			continue;
		pfn = pm_pop(m, list, true);
		done += 1u << m->page[pfn].order;
		pcp->count -= 1u << m->page[pfn].order;
		pm_give(m, z, pfn, m->page[pfn].order);
	}
	m->in_use -= done;
	return done;
}

/* The more in a row, the more at a time; but a batch at least, and a batch stays. */
static uint32_t pcp_surplus(const struct pm_zone *z, struct pm_pcp *pcp, uint32_t high)
{
	uint32_t most = high > z->batch ? high - z->batch : 1, n = z->batch << pcp->free_factor;

	if (n < most)
		pcp->free_factor++;
	n = n > z->batch ? n : z->batch;
	return n < most ? n : most;
}

static void pcp_give(struct pm_model *m, struct pm_zone *z, uint32_t pfn, unsigned int type)
{
	struct pm_pcp *pcp = &z->pcp[m->cpu];
	unsigned int order = m->page[pfn].order;
	bool burst = pcp->free_factor && order;
	uint32_t high = z->high;

	if (type >= QY_MIGRATE_PCPTYPES)
		type = QY_MIGRATE_MOVABLE;
	m->page[pfn].state = PM_LISTED;
	pm_push(m, &pcp->list[order * QY_MIGRATE_PCPTYPES + type], pfn, false);
	pcp->count += 1u << order;
	if (m->lists_short && high > 4 * z->batch)
		high = 4 * z->batch;
	if (burst || z->pcp_off)
		pcp_return(m, z, pcp, pcp->count);
	else if (pcp->count >= high)
		pcp_return(m, z, pcp, pcp_surplus(z, pcp, high));
}

uint32_t pm_drain_zone(struct pm_model *m, struct pm_zone *z)
{
	uint32_t n = 0;

	for (unsigned int cpu = 0; cpu < m->nr_cpus; cpu++)
		n += pcp_return(m, z, &z->pcp[cpu], z->pcp[cpu].count);
	return n;
}

uint32_t pm_drain(struct pm_model *m)
{
	uint32_t n = 0;

	for (unsigned int i = 0; m->pcp_on && i < m->nr_zones; i++)
		n += pm_drain_zone(m, &m->zone[i]);
	return n;
}

/* ---- giving back ---- */

void pm_free(struct pm_model *m, uint32_t pfn)
{
	struct pm_zone *z = pm_zone_of(m, pfn);
	unsigned int type = pm_type(m, pfn), order = m->page[pfn].order;

	m->page[pfn].flags = 0;
	m->page[pfn].owner = 0;
	m->page[pfn].refs = 0;
	if (m->pcp_on && order < PM_PCP_ORDERS && type != QY_MIGRATE_ISOLATE &&
	    (m->grouping || type < QY_MIGRATE_PCPTYPES)) {
		pcp_give(m, z, pfn, type);
		return;
	}
	m->in_use -= 1u << order;
	pm_give(m, z, pfn, order);
}

void pm_free_shared(struct pm_model *m, uint32_t pfn)
{
	struct pm_page *head = &m->page[pfn];
	unsigned int order = head->order;

	head->refs--;
	if (head->flags & PM_F_COMP)
		return;
	head->order = 0;
	for (unsigned int o = 0; o < order; o++) {
		uint32_t part = pfn + (1u << o);

		m->page[part].order = (uint8_t)o;
		pm_free(m, part);
	}
}

/* ---- requests ---- */

static bool mark_met(const struct pm_model *m, const struct pm_zone *z, const struct request *r,
		     unsigned int flags)
{
	uint32_t mark = z->mark[flags & 3];

	if (!m->marks_on || (flags & PM_NO_MARKS))
		return true;
	/* An urgent single page at the last mark is not kept off by a boost. */
	if (r->order || (flags & 3) != QY_WMARK_MIN || !(flags & PM_HIGH))
		mark += z->boost;
	return pm_watermark_ok(m, z, r->order, mark, r->highest, flags);
}

static uint32_t take_from(struct pm_model *m, struct pm_zone *z, const struct request *r,
			  unsigned int flags)
{
	uint32_t pfn = FZ_NONE;

	if (m->pcp_on && r->order < PM_PCP_ORDERS && !(flags & PM_HIGHATOMIC))
		pfn = pcp_take(m, z, r, flags);
	if (pfn != FZ_NONE)
		return pfn;
	pfn = pm_take(m, z, r->order, r->type, flags);
	if (pfn == FZ_NONE)
		return pfn;
	/* Its own block is in use, as far as it is counted for the reserve. */
	m->page[pfn].state = PM_USED;
	m->page[pfn].flags = 0;
	if (flags & PM_HIGHATOMIC)
		pm_reserve_highatomic(m, z, pfn);
	pm_count_in_use(m, 1u << r->order);
	return pfn;
}

static bool may_serve(const struct pm_zone *z, const struct request *r)
{
	return z->type <= r->highest && z->managed;
}

static void count_event(struct pm_model *m, struct pm_zone *z, const uint8_t *list,
			const struct request *r)
{
	if (m->nr_nodes == 1)
		return;
	while (!may_serve(&m->zone[*list], r))
		list++;
	if (m->zone[*list].node == z->node) {
		z->hit++;
	} else {
		z->miss++;
		m->zone[*list].foreign++;
	}
	if (z->node == m->cpu_node[m->cpu])
		z->local++;
	else
		z->other++;
}

static const uint8_t *list_of(const struct pm_model *m, const struct request *r)
{
	return m->zonelist[r->node][!!(r->gfp & QY_GFP_THISNODE)];
}

static uint32_t walk(struct pm_model *m, const struct request *r, unsigned int flags)
{
	for (const uint8_t *at = list_of(m, r); *at != PM_ZONE_END; at++) {
		struct pm_zone *z = &m->zone[*at];
		uint32_t pfn;

		if (!may_serve(z, r) || !mark_met(m, z, r, flags))
			continue;
		pfn = take_from(m, z, r, flags);
		if (pfn == FZ_NONE)
			continue;
		count_event(m, z, list_of(m, r), r);
		return pfn;
	}
	return FZ_NONE;
}

static bool unreserve(struct pm_model *m, const struct request *r)
{
	bool any = false;

	for (const uint8_t *at = list_of(m, r); *at != PM_ZONE_END; at++)
		any |= pm_unreserve_highatomic(m, &m->zone[*at], r->type);
	return any;
}

static uint32_t walk_idle(struct pm_model *m, const struct request *r, unsigned int flags)
{
	uint32_t pfn = walk(m, r, flags);

	if (pfn == FZ_NONE && pm_drain(m))
		pfn = walk(m, r, flags);
	while (pfn == FZ_NONE && unreserve(m, r))
		pfn = walk(m, r, flags);
	return pfn;
}

static uint32_t shrink_and_walk(struct pm_model *m, const struct request *r, unsigned int flags,
				bool *progress)
{
	unsigned int nodes = r->gfp & QY_GFP_THISNODE ? 1 : m->nr_nodes;

	*progress = false;
	for (int priority = 12; priority >= (r->gfp & QY_GFP_NORETRY ? 12 : 0); priority--) {
		uint32_t pfn;

		if (!m->program->shrink(r->gfp, r->node, nodes, (unsigned int)priority))
			continue;
		*progress = true;
		pfn = walk_idle(m, r, flags);
		if (pfn != FZ_NONE)
			return pfn;
	}
	return FZ_NONE;
}

static uint32_t reclaim(struct pm_model *m, const struct request *r, unsigned int flags)
{
	bool once = (r->gfp & QY_GFP_NORETRY) || (r->order > 3 && !(r->gfp & QY_GFP_RETRY_MAYFAIL)),
	     progress = true;
	uint32_t pfn = FZ_NONE;

	for (int n = 0; n < (once ? 1 : ROUNDS) && progress && pfn == FZ_NONE; n++)
		pfn = shrink_and_walk(m, r, flags, &progress);
	if (r->gfp & QY_GFP_NORETRY)
		return pfn;
	for (int n = 0; n < ROUNDS && pfn == FZ_NONE && m->program->hook(r->gfp, r->order); n++)
		pfn = walk_idle(m, r, flags);
	return pfn;
}

static unsigned int last_flags(const struct request *r, unsigned int fast)
{
	unsigned int flags = (fast & ~3u) | QY_WMARK_MIN;

	if (r->gfp & QY_GFP_NOMEMALLOC)
		return flags;
	flags |= (r->gfp & QY_GFP_MEMALLOC) ? PM_NO_MARKS : 0;
	if (r->gfp & QY_GFP_HIGH) {
		flags |= PM_HIGH;
		if (!(r->gfp & QY_GFP_DIRECT_RECLAIM))
			flags |= PM_NON_BLOCK | (r->order ? PM_HIGHATOMIC : 0);
	}
	return flags;
}

static uint32_t request(struct pm_model *m, const struct request *r)
{
	unsigned int fast = QY_WMARK_LOW | (r->type == QY_MIGRATE_MOVABLE ? PM_CMA : 0);
	unsigned int flags = last_flags(r, fast);
	uint32_t pfn = FZ_NONE;

	if (r->order <= m->max_order) {
		pfn = walk(m, r, fast);
		if (pfn != FZ_NONE)
			return pfn;
		if (r->gfp & QY_GFP_KSWAPD_RECLAIM)
			m->balance_wanted = true;
		pfn = walk_idle(m, r, flags);
		if (pfn == FZ_NONE && (r->gfp & QY_GFP_DIRECT_RECLAIM) && !m->reclaiming) {
			m->lists_short = true;
			pfn = reclaim(m, r, flags);
			m->lists_short = false;
		}
		if (pfn == FZ_NONE && (r->gfp & QY_GFP_NOFAIL))
			pfn = walk_idle(m, r, flags | PM_NO_MARKS);
	}
	if (pfn == FZ_NONE && !(r->gfp & QY_GFP_NOWARN) && m->told < TOLD_AT_MOST) {
		m->told++;
		m->tell++;
	}
	return pfn;
}

uint32_t pm_alloc(struct pm_model *m, unsigned int node, unsigned int gfp, unsigned int order)
{
	struct request r = {
		.gfp = gfp,
		.order = order,
		.node = node,
		.highest = pm_highest_zone(gfp),
		.type = !m->grouping		     ? QY_MIGRATE_UNMOVABLE
			: (gfp & QY_GFP_MOVABLE)     ? QY_MIGRATE_MOVABLE
			: (gfp & QY_GFP_RECLAIMABLE) ? QY_MIGRATE_RECLAIMABLE
						     : QY_MIGRATE_UNMOVABLE,
	};
	uint32_t pfn = request(m, &r);
	struct pm_page *p;

	if (pfn == FZ_NONE)
		return pfn;
	p = &m->page[pfn];
	p->state = PM_USED;
	p->order = (uint8_t)order;
	p->refs = 1;
	p->owner = 0;
	p->flags = (gfp & QY_GFP_MOVABLE) ? PM_F_MOVABLE : 0;
	p->flags |= (!order || (gfp & QY_GFP_COMP)) ? PM_F_COMP : 0;
	m->program->handed_out(pfn, order);
	return pfn;
}
