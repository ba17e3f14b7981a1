/* SPDX-License-Identifier: MIT */
/*
 * check_mark.c - what a zone keeps back, computed anew: Z2, Z3, B15; and the sizes of the CPUs'
 * lists: P2.
 *
 * What is only due to the formulas is told once for a zone, whatever follows from it.
 *
 * Locks: mm->grow_lock (the figures) and zone->lock (the boost), held by the caller.
 */
#include "check/check_page.h"

#include "page/watermark.h"

static bool marks_are_on(const struct qy_mm *mm)
{
	return mm->marks.config.marks == QY_WATERMARKS_KERNEL;
}

static void check_steps(struct qy__census *c)
{
	const uint32_t *mark = c->zone->mark;
	uint32_t step = mark[QY_WMARK_LOW] - mark[QY_WMARK_MIN];

	for (unsigned int i = 1; i < QY_NR_WMARK; i++) {
		qy__holds(c->ck, mark[i] >= mark[i - 1] && mark[i] - mark[i - 1] == step, "Z2",
			  QY__ZONE_FMT ": mark %u is %u, mark %u is %u; the step was %d",
			  QY__ZONE_ARG(c), i - 1, mark[i - 1], i, mark[i], (int)step);
	}
}

static void check_mark_formula(struct qy__census *c, uint64_t lowmem)
{
	const struct qy_watermark_config *cfg = &c->ck->mm->marks.config;
	const struct qy__zone *zone = c->zone;
	uint64_t managed = zone->managed, min_free = cfg->min_free_kbytes;
	uint32_t mark = 0, step = 0;

	if (marks_are_on(c->ck->mm) && managed) {
		uint32_t share;

		if (!min_free)
			min_free = qy__min_free_kbytes(lowmem << (QY_CONFIG_PAGE_SHIFT - 10));
		share = qy__mark_min(min_free, managed, lowmem, false);
		mark = qy__mark_min(min_free, managed, lowmem,
				    c->z % QY_NR_ZONES == QY_ZONE_HIGHMEM);
		step = qy__mark_step(share, managed, cfg->scale_factor);
	}
	qy__holds(c->ck,
		  zone->mark[QY_WMARK_MIN] == mark && zone->mark[QY_WMARK_LOW] == mark + step, "Z2",
		  QY__ZONE_FMT ": marks %u, %u; the formula says %u and steps of %u",
		  QY__ZONE_ARG(c), zone->mark[QY_WMARK_MIN], zone->mark[QY_WMARK_LOW], mark, step);
}

/* Whole page blocks, up to a share of HIGH or one page block; and only where there are marks. */
static void check_boost(struct qy__census *c)
{
	uint64_t factor = c->ck->mm->marks.config.boost_factor, block = 1u << c->pageblock_order;
	uint64_t boost = c->zone->boost, most;

	if (!boost)
		return;
	most = (uint64_t)c->zone->mark[QY_WMARK_HIGH] * factor / 10000;
	if (factor == QY_NO_RESERVE || !most || block * 4 > c->zone->managed)
		most = 0;
	else
		most = max(most, block);
	qy__holds(c->ck, boost == most || (boost < most && !(boost % block)), "Z2",
		  QY__ZONE_FMT ": boost is %llu, at most %llu is allowed, in page blocks",
		  QY__ZONE_ARG(c), (unsigned long long)boost, (unsigned long long)most);
}

static void check_reserve(struct qy__census *c)
{
	const struct qy_mm *mm = c->ck->mm;
	const struct qy__zone *node = &mm->zone[c->z - c->z % QY_NR_ZONES];
	const uint32_t *reserve = c->zone->lowmem_reserve;
	unsigned int type = c->z % QY_NR_ZONES;
	unsigned int ratio = mm->marks.config.lowmem_reserve_ratio[type];
	uint64_t above = 0;

	for (unsigned int j = 0; j < QY_NR_ZONES; j++) {
		uint32_t want;

		if (j > type)
			above += qy__load_relaxed(&node[j].managed);
		want = marks_are_on(mm) ? qy__lowmem_reserve(c->zone->managed, above, ratio) : 0;
		qy__holds(c->ck, reserve[j] == want, "Z3",
			  QY__ZONE_FMT ": keeps %u from requests for zone %u, the formula says %u",
			  QY__ZONE_ARG(c), reserve[j], j, want);
		qy__holds(c->ck, j <= type ? !reserve[j] : reserve[j] >= reserve[j - 1], "Z3",
			  QY__ZONE_FMT ": keeps %u from requests for zone %u: less than below it",
			  QY__ZONE_ARG(c), reserve[j], j);
	}
}

/* Where the mark is met, so are all below it. */
static void check_monotone(struct qy__census *c)
{
	const struct qy_mm *mm = c->ck->mm;
	bool met = true;

	for (unsigned int m = 0; m < QY_NR_WMARK; m++) {
		bool ok = qy__zone_watermark_ok(mm, c->zone, 0, qy__wmark(c->zone, m),
						c->z % QY_NR_ZONES, 0);

		qy__holds(c->ck, met || !ok, "B15",
			  QY__ZONE_FMT ": %u free pages meet mark %u and not the one below it",
			  QY__ZONE_ARG(c), c->zone->nr_free_pages, m);
		met = ok;
	}
}

/* How many CPUs share the pages of a node: its own, or all if it has none. */
static unsigned int sharing_cpus(const struct qy_mm *mm, unsigned int node)
{
	unsigned int cpus = 0;

	if (mm->cpus.provider == QY_CPU_THREAD)
		return mm->cpus.online;
	for (unsigned int cpu = 0; cpu < mm->cpus.nr; cpu++)
		cpus += mm->topology.cpu_node[cpu] == node;
	return cpus ? cpus : mm->cpus.nr;
}

static void check_list_sizes(struct qy__census *c)
{
	const struct qy_mm *mm = c->ck->mm;
	const struct qy__zone *zone = c->zone;
	uint32_t batch = mm->pcp.batch, high = mm->pcp.high;

	if (!batch)
		batch = qy__pcp_batch(zone->managed);
	if (!high)
		high = qy__pcp_high(zone->managed, zone->mark[QY_WMARK_LOW], mm->pcp.high_fraction,
				    sharing_cpus(mm, c->z / QY_NR_ZONES), batch);
	if (!zone->managed) {
		batch = 1;
		high = 0;
	}
	if (high)
		batch = min(batch, high);
	qy__holds(c->ck, zone->pcp_batch == batch && zone->pcp_high == high, "P2",
		  QY__ZONE_FMT ": CPUs' lists of %u pages, by %u; by the formula %u, by %u",
		  QY__ZONE_ARG(c), zone->pcp_high, zone->pcp_batch, high, batch);
	qy__holds(c->ck, zone->pcp_batch && (zone->pcp_batch <= zone->pcp_high || !zone->pcp_high),
		  "P2", QY__ZONE_FMT ": batch %u is not in 1-%u", QY__ZONE_ARG(c), zone->pcp_batch,
		  zone->pcp_high);
	if (!qy__check_alone(c->ck)) /* a thread may be about to set the limit */
		return;
	/* Less while the shrinkers run, nothing where somebody wants no page on a list. */
	if (mm->reclaim.short_lists)
		high = min(high, 4 * batch);
	if (zone->pcp_disabled)
		high = 0;
	qy__holds(c->ck, zone->pcp_limit == high, "P2",
		  QY__ZONE_FMT ": %u pages on a CPU's lists send some back, not %u",
		  QY__ZONE_ARG(c), zone->pcp_limit, high);
}

void qy__check_marks(struct qy__census *c, uint64_t lowmem)
{
	check_steps(c);
	check_mark_formula(c, lowmem);
	check_boost(c);
	check_reserve(c);
	check_monotone(c);
	check_list_sizes(c);
}
