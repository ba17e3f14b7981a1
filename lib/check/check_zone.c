/* SPDX-License-Identifier: MIT */
/*
 * check_zone.c - the walk over the page floor, zone by zone: spans and sums (Z1, Z8), counters (B5,
 * B7, B11, B12, B14, C1), page blocks (B6, B11). The rest of a zone: see check_page.h.
 *
 * A zone without pages is passed by after one look, unless all is asked for (QY_CHECK_ZONE).
 *
 * Locks: mm->grow_lock is held by the caller; the CPUs' lists are stopped for the walk; one
 * zone->lock at a time.
 */
#include "check/check_page.h"

#include "page/page_debug.h"

/* ---- page blocks ---- */

static uint8_t default_type(const struct qy_mm *mm)
{
	return qy__check_flag(&mm->grouping) ? QY_MIGRATE_MOVABLE : QY_MIGRATE_UNMOVABLE;
}

/* An isolated page block remembers what it was in the upper half of its entry. */
static bool entry_is_sane(unsigned int entry, unsigned int *lasting)
{
	unsigned int before = entry >> 4;

	*lasting = entry;
	if (entry < QY_NR_MIGRATETYPES)
		return true;
	*lasting = before;
	return (entry & 15) == QY_MIGRATE_ISOLATE && before < QY_MIGRATE_ISOLATE;
}

/*
 * Every page block of the zone has a type. One that reaches over the zone's border keeps the type
 * it came with; and without grouping all are alike, but CMA's.
 */
void qy__census_pageblocks(struct qy__census *c)
{
	const struct qy_mm *mm = c->ck->mm;
	uint32_t step = 1u << c->pageblock_order, pfn = c->start & ~(step - 1);
	unsigned int usual = default_type(mm);

	for (; pfn < c->end; pfn += step) {
		uint32_t nr = (pfn >> c->pageblock_order) - mm->pageblock_first;
		unsigned int entry = qy__load_relaxed(&mm->pageblock[nr]), type;
		bool whole = pfn >= c->start && step <= c->end - pfn;

		if (!qy__holds(c->ck, entry_is_sane(entry, &type), "B6",
			       QY__ZONE_FMT ": page block at %u has type %u", QY__ZONE_ARG(c), pfn,
			       entry))
			continue;
		qy__holds(c->ck, whole || entry == usual, "B6",
			  QY__ZONE_FMT ": page block at %u is not all in it, and has type %u",
			  QY__ZONE_ARG(c), pfn, entry);
		qy__holds(c->ck,
			  usual == QY_MIGRATE_MOVABLE || type == usual || type == QY_MIGRATE_CMA ||
				  type == QY_MIGRATE_ISOLATE,
			  "B6", QY__ZONE_FMT ": page block at %u has type %u without grouping",
			  QY__ZONE_ARG(c), pfn, type);
		c->cma_blocks += type == QY_MIGRATE_CMA ? step : 0;
		c->highatomic_blocks += type == QY_MIGRATE_HIGHATOMIC ? step : 0;
	}
}

static void check_pageblock_figures(struct qy__census *c)
{
	uint32_t most = c->zone->managed / 100 + (1u << c->pageblock_order);

	qy__census_pageblocks(c);
	qy__check_figure(c, "Z1", "nr_cma", c->zone->nr_cma, c->cma_blocks);
	qy__check_figure(c, "B11", "nr_reserved_highatomic", c->zone->nr_reserved_highatomic,
			 c->highatomic_blocks);
	qy__holds(c->ck, c->zone->nr_reserved_highatomic <= most, "B11",
		  QY__ZONE_FMT ": %u pages are set aside for atomic requests, at most %u may be",
		  QY__ZONE_ARG(c), c->zone->nr_reserved_highatomic, most);
}

/* ---- counters ---- */

static QY_COLD void explain_counters(struct qy__census *c, uint32_t accounted)
{
	const struct qy__zone *zone = c->zone;

	qy__check_figure(c, "B5", "nr_free_pages", zone->nr_free_pages, c->free);
	qy__check_figure(c, "B5", "nr_free_cma", zone->nr_free_cma, c->cma);
	qy__check_figure(c, "B5", "nr_free_highatomic", zone->nr_free_highatomic, c->highatomic);
	qy__check_figure(c, "B5", "nr_free_blocks", zone->nr_free_blocks, c->large);
	qy__check_figure(c, "B5", "unreported", zone->unreported, c->unreported);
	qy__check_figure(c, "B14", "nr_free_isolate", zone->nr_free_isolate, c->isolated);
	qy__check_figure(c, "B12", "nr_guard", zone->nr_guard, c->guard);
	qy__check_figure(c, "B7", "managed", zone->managed, accounted);
	qy__check_figure(c, "B7", "present", zone->present, accounted + c->reserved);
}

static void check_counters(struct qy__census *c)
{
	const struct qy__zone *zone = c->zone;
	uint32_t accounted = c->free + c->isolated + c->guard + c->pcp + c->used;

	c->ck->tests += 9;
	if (unlikely((zone->nr_free_pages ^ c->free) | (zone->nr_free_cma ^ c->cma) |
		     (zone->nr_free_highatomic ^ c->highatomic) |
		     (zone->nr_free_blocks ^ c->large) | (zone->unreported ^ c->unreported) |
		     (zone->nr_free_isolate ^ c->isolated) | (zone->nr_guard ^ c->guard) |
		     (zone->managed ^ accounted) | (zone->present ^ (accounted + c->reserved))))
		explain_counters(c, accounted);
}

/* Each request is counted once as served where it was wanted or not, and once as near or not. */
static void check_numa(struct qy__census *c)
{
	const struct qy__zone *zone = c->zone;
	const uint64_t *n = zone->numa;

	if (!qy__check_alone(c->ck))
		return;
	qy__holds(c->ck,
		  n[QY__NUMA_HIT] + n[QY__NUMA_MISS] == n[QY__NUMA_LOCAL] + n[QY__NUMA_OTHER] &&
			  n[QY__NUMA_INTERLEAVE] <= n[QY__NUMA_HIT],
		  "C1", QY__ZONE_FMT ": hit %llu, miss %llu, local %llu, other %llu",
		  QY__ZONE_ARG(c), (unsigned long long)n[QY__NUMA_HIT],
		  (unsigned long long)n[QY__NUMA_MISS], (unsigned long long)n[QY__NUMA_LOCAL],
		  (unsigned long long)n[QY__NUMA_OTHER]);
}

/* ---- zones ---- */

/* A zone that has no pages has nothing else. */
static void check_empty_zone(struct qy__census *c)
{
	const struct qy__zone *zone = c->zone;

	qy__holds(c->ck, !(zone->present | zone->managed), "Z1",
		  QY__ZONE_FMT " spans nothing: present %u, managed %u", QY__ZONE_ARG(c),
		  zone->present, zone->managed);
	check_counters(c);
	if (!c->deep)
		return;
	qy__check_no_lists(c);
	qy__check_figure(c, "Z1", "nr_cma", zone->nr_cma, 0u);
	qy__check_figure(c, "B11", "nr_reserved_highatomic", zone->nr_reserved_highatomic, 0u);
}

static bool check_extent(struct qy__census *c)
{
	const struct qy__check *ck = c->ck;
	const struct qy__zone *zone = c->zone;
	uint32_t span = c->end - c->start;

	if (!qy__holds(c->ck, c->start < c->end && c->start >= ck->min_pfn && c->end <= ck->end_pfn,
		       "Z1", QY__ZONE_FMT ": pages %u-%u of %u-%u", QY__ZONE_ARG(c), c->start,
		       c->end, ck->min_pfn, ck->end_pfn))
		return false;
	qy__holds(c->ck, zone->present <= span && zone->managed <= zone->present, "Z1",
		  QY__ZONE_FMT ": spans %u pages, present %u, managed %u", QY__ZONE_ARG(c), span,
		  zone->present, zone->managed);
	return true;
}

/* What only changes rarely, and takes longer to look at. */
static void check_deep(struct qy__census *c, uint64_t lowmem)
{
	const struct qy__zone *zone = c->zone;
	uint32_t from, to;

	qy__check_limits_of(c->ck->mm, c->z, &from, &to);
	qy__holds(c->ck, c->start == c->end || (c->start >= from && c->end <= to), "Z1",
		  QY__ZONE_FMT ": pages %u-%u, by the limits %u-%u", QY__ZONE_ARG(c), c->start,
		  c->end, from, to);
	qy__holds(c->ck,
		  zone->node == c->z / QY_NR_ZONES && zone->type == c->z % QY_NR_ZONES &&
			  zone->index == c->z,
		  "Z4", QY__ZONE_FMT " says that it is zone %u of node %u, index %u",
		  QY__ZONE_ARG(c), zone->type, zone->node, zone->index);
	qy__check_marks(c, lowmem);
	check_numa(c);
}

static void check_pages_of_zone(struct qy__census *c)
{
	memset(c->heads, 0, (c->max_order + 1) * sizeof(c->heads[0]));
	qy__census_blocks(c);
	qy__check_lists(c);
	check_counters(c);
	if (c->deep) {
		check_pageblock_figures(c);
		qy__check_figure(c, "Z8", "holes", qy__check_holes_in(c->ck->mm, c->start, c->end),
				 c->holes);
	}
	qy__check_contents(c);
}

/* What is added up over the zones. */
struct sums {
	uint32_t last;	      /* end of the zones so far */
	uint64_t used, pages; /* in use; in spans */
	uint64_t lowmem;      /* managed, below HIGHMEM */
	uint64_t miss, foreign;
	bool stopped; /* the CPUs' lists can be looked at */
};

/* Zones follow each other and do not overlap; together they have every page. */
static void check_span(struct qy__census *c, struct sums *sums)
{
	if (c->start == c->end)
		return;
	qy__holds(c->ck, c->start >= sums->last, "Z1", QY__ZONE_FMT " begins at %u, before %u",
		  QY__ZONE_ARG(c), c->start, sums->last);
	sums->last = c->end;
	sums->pages += c->end - c->start;
}

static void check_zone_locked(struct qy__census *c, struct sums *sums)
{
	c->start = c->zone->start_pfn;
	c->end = c->zone->end_pfn;
	if (c->start == c->end)
		check_empty_zone(c);
	else if (check_extent(c))
		check_pages_of_zone(c);
	else
		return;
	if (sums->stopped && c->zone->pcp)
		qy__check_pcp(c);
	if (c->deep)
		check_deep(c, sums->lowmem);
	check_span(c, sums);
	sums->used += c->used + c->pcp;
	sums->miss += c->zone->numa[QY__NUMA_MISS];
	sums->foreign += c->zone->numa[QY__NUMA_FOREIGN];
}

static void check_zones(struct qy__check *ck, struct sums *sums)
{
	struct qy_mm *mm = ck->mm;

	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		struct qy__zone *zone = &mm->zone[z];
		struct qy__census c;

		if (!qy__check_lock(ck, &zone->lock, "zone"))
			continue;
		memset(&c, 0, offsetof(struct qy__census, heads));
		c.ck = ck;
		c.zone = zone;
		c.z = z;
		c.max_order = mm->max_order;
		c.pageblock_order = mm->pageblock_order;
		c.deep = (ck->what & QY_CHECK_ZONE) != 0;
		check_zone_locked(&c, sums);
		qy__check_unlock(ck, &zone->lock);
	}
}

static void check_sums(struct qy__check *ck, const struct sums *sums)
{
	const struct qy_mm *mm = ck->mm;

	qy__holds(ck, sums->pages >= ck->end_pfn - ck->min_pfn, "Z8",
		  "the zones span %llu of %u pages", (unsigned long long)sums->pages,
		  ck->end_pfn - ck->min_pfn);
	if (!qy__check_alone(ck)) /* these are counted outside the locks */
		return;
	qy__holds(ck, mm->usage.pages == sums->used && mm->usage.pages <= mm->usage.high_water,
		  "B7", "%llu pages are allocated, the counter says %zu, the high-water mark %zu",
		  (unsigned long long)sums->used, mm->usage.pages, mm->usage.high_water);
	qy__holds(ck, sums->miss == sums->foreign, "C1",
		  "%llu requests were served by another node, %llu were wanted of another",
		  (unsigned long long)sums->miss, (unsigned long long)sums->foreign);
}

/* ---- the CPUs' lists ---- */

/* Halt them. false: they cannot be looked at; then *resume says nothing. */
static bool stop_lists(struct qy__check *ck, bool *resume)
{
	struct qy_mm *mm = ck->mm;

	*resume = false;
	if (!qy__check_flag(&mm->pcp.on) || qy__check_alone(ck) || qy__is_image(mm))
		return qy__holds(ck, !mm->pcp.stopped || !qy__check_alone(ck), "LK",
				 "the CPUs' lists are stopped, and stay so");
	/* Its word first: the call below waits long for a damaged one. */
	if (!qy__check_lock(ck, &mm->pcp.lock, "lock of the CPUs' lists"))
		return false;
	qy__check_unlock(ck, &mm->pcp.lock);
	*resume = qy__pcp_try_stop(mm);
	return qy__holds(ck, *resume, "LK", "the CPUs' lists cannot be stopped");
}

static uint64_t lowmem_pages(const struct qy_mm *mm)
{
	uint64_t pages = 0;

	for (unsigned int z = 0; z < mm->nr_zones; z++)
		if (z % QY_NR_ZONES != QY_ZONE_HIGHMEM)
			pages += qy__load_relaxed(&mm->zone[z].managed);
	return pages;
}

static bool flags_are_sane(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	const bool *const flag[] = {&mm->pcp.on,     &mm->pcp.fence, &mm->grouping,
				    &mm->shuffle.on, &mm->marks.on,  &mm->one_zone};
	bool sane = true;

	for (size_t i = 0; i < ARRAY_SIZE(flag); i++)
		sane &= *(const unsigned char *)flag[i] <= 1;
	return qy__holds(ck, sane, "MM", "a switch of the page floor is neither on nor off") &&
	       qy__holds(ck, !(mm->page_debug.on & ~QY__PAGE_DEBUG_MASK), "MM",
			 "page_debug is %x, this build knows %x", mm->page_debug.on,
			 QY__PAGE_DEBUG_MASK);
}

/* Whether a request looks at marks, where it may do without, and what may be counted how. */
static void check_ways(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	const struct qy__zone *fast = &mm->zone[QY_ZONE_NORMAL];
	unsigned int zones = 0;

	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		uint32_t from, to;

		qy__check_limits_of(mm, z, &from, &to);
		zones += from < to;
	}
	qy__holds(ck, mm->one_zone == (zones == 1), "MM", "%u zones, and there is %s one", zones,
		  mm->one_zone ? "just" : "more than");
	qy__holds(ck, mm->marks.on == (mm->marks.config.marks == QY_WATERMARKS_KERNEL), "Z2",
		  "marks are %s", mm->marks.on ? "on" : "off");
	if (mm->nr_nodes > 1 || mm->marks.on || !mm->pcp.on || !fast->managed)
		fast = NULL;
	qy__holds(ck, mm->fast_zone == fast, "MM", "small requests go to the zone at %p, not %p",
		  (const void *)mm->fast_zone, (const void *)fast);
}

void qy__check_zones_locked(struct qy__check *ck)
{
	struct sums sums = {.last = ck->min_pfn};
	bool resume = false;

	if (!flags_are_sane(ck))
		return;
	if (ck->what & QY_CHECK_ZONE) {
		if (!qy__check_limits(ck))
			return;
		sums.lowmem = lowmem_pages(ck->mm);
		check_ways(ck);
		qy__check_zonelists(ck);
		qy__check_cma(ck);
	}
	if (qy__check_pcp_books(ck))
		sums.stopped = stop_lists(ck, &resume) && ck->mm->pcp.on;
	check_zones(ck, &sums);
	if (resume)
		qy__pcp_resume(ck->mm);
	check_sums(ck, &sums);
}
