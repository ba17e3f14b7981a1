/* SPDX-License-Identifier: MIT */
/*
 * contig.c - runs of pages at a place that was asked for, whatever lies there.
 *
 * If every page is free, the run is cut out of the free blocks in one go. Otherwise its page blocks
 * are emptied first:
 *
 *   CPUs' lists off  →  isolate  →  move what can be moved  →  all free? take  →  undo, lists on
 *
 *   page blocks    |  MOVABLE  |  MOVABLE  |  MOVABLE  |
 *   wanted               [ start ……………… end )
 *   isolated       |  ISOLATE  |  ISOLATE  |  MOVABLE  |      what becomes free there stays so
 *
 * An isolated page block gives nothing away. What it was before stands in the upper half of its
 * entry in mm->pageblock, so that undoing needs no memory. A page block that reaches over the
 * border of its zone cannot be isolated: of such a one only what is free anyway can be had.
 *
 * Blocks that are on their way (taken from a list and not given out yet, claimed by their owner and
 * not on a list yet) belong to nobody that could be asked: we wait for them, but not for ever.
 *
 * Locks: zone->lock, for a look, to isolate, to take, to undo; the CPUs' lists are switched off
 * outside it. None while the hook runs or a target is allocated. Another caller that wants the same
 * page blocks waits, but not for ever either: the hook may be waiting for that caller.
 * Invariants: B14.
 */
#include "page/contig.h"

#include <errno.h>

#include "page/buddy.h"
#include "page/page_alloc.h"
#include "page/page_debug.h"
#include "page/page_report.h"
#include "page/pcp.h"
#include "page/zone.h"
#include "page/zonelist.h"
#include "util/align.h"
#include "util/fail.h"
#include "util/fmt.h"
#include "util/plant.h"

#define MOST_YIELDS 1000u

/* What holds a page. */
enum holder {
	HOLDER_FREE,
	HOLDER_MOVABLE, /* allocated, and may be moved */
	HOLDER_NOBODY,	/* on its way, or on a CPU's list */
	HOLDER_FAST,	/* allocated, and stays where it is; or no page at all */
};

struct block {
	enum holder holder;
	uint32_t pfn;	    /* FREE, MOVABLE: of the head */
	unsigned int order; /* ditto; otherwise 0 */
};

struct contig {
	struct qy_mm *mm;
	struct qy__zone *zone;
	uint32_t start, end;	     /* wanted */
	uint32_t iso_start, iso_end; /* whole page blocks */
	qy_gfp_t gfp;
	unsigned int migratetype;
	uint32_t bad; /* the last page of what was in the way */
};

static enum holder holder_of_alloc(const struct qy_mm *mm, const struct qy_page *page)
{
	unsigned int flags = qy__load_acquire(&page->flags);
	uint32_t refs;

	if (!mm->migrate.fn ||
	    (flags & (QY__PAGE_F_MOVABLE | QY__PAGE_F_RETIRED)) != QY__PAGE_F_MOVABLE)
		return HOLDER_FAST;
	refs = qy__load_relaxed(&page->alloc.refcount);
	if (refs > 1 || qy__load_relaxed(&page->alloc.frag))
		return HOLDER_FAST;
	return refs ? HOLDER_MOVABLE : HOLDER_NOBODY;
}

/* The block that @pfn lies in. Only heads are marked: look at all places where one can be. */
static struct block look_at(const struct contig *c, uint32_t pfn)
{
	if (qy__page_zone(c->mm, qy__pfn_page(c->mm, pfn)) != c->zone)
		return (struct block){HOLDER_FAST, pfn, 0};
	for (unsigned int order = 0; order <= c->mm->max_order; order++) {
		uint32_t head = pfn & ~((1u << order) - 1);
		const struct qy_page *page;
		unsigned int type, size;

		if (head < c->zone->start_pfn)
			break;
		page = qy__pfn_page(c->mm, head);
		type = qy__load_relaxed(&page->type);
		if (type == QY__PAGE_INSIDE || type == QY__PAGE_TAIL)
			continue;
		if (type == QY__PAGE_RESERVED || type == QY__PAGE_OFFLINE || type == QY__PAGE_HOLE)
			return (struct block){order ? HOLDER_NOBODY : HOLDER_FAST, pfn, 0};
		size = qy__load_relaxed(&page->order);
		if (size < order)
			break;
		if (type == QY__PAGE_BUDDY)
			return (struct block){HOLDER_FREE, head, size};
		if (type == QY__PAGE_PCP)
			return (struct block){HOLDER_NOBODY, head, size};
		if (type == QY__PAGE_ALLOC)
			return (struct block){holder_of_alloc(c->mm, page), head, size};
		return (struct block){HOLDER_FAST, head, size};
	}
	return (struct block){HOLDER_NOBODY, pfn, 0};
}

static uint8_t *pageblock_entry(const struct qy_mm *mm, uint32_t pfn)
{
	return &mm->pageblock[(pfn >> mm->pageblock_order) - mm->pageblock_first];
}

/* Of an isolated page block: what it was before. */
static unsigned int remembered_type(const struct qy_mm *mm, uint32_t pfn)
{
	return qy__load_relaxed(pageblock_entry(mm, pfn)) >> QY__PAGEBLOCK_BEFORE_SHIFT;
}

/* What @pfn's page block is, or was before it was isolated. */
static unsigned int lasting_type(const struct qy_mm *mm, uint32_t pfn)
{
	unsigned int type = qy__pageblock_type(mm, pfn);

	return type == QY_MIGRATE_ISOLATE ? remembered_type(mm, pfn) : type;
}

static bool is_isolated(const struct qy_mm *mm, uint32_t pfn)
{
	return qy__pageblock_type(mm, pfn) == QY_MIGRATE_ISOLATE;
}

/* Does the page block of @pfn lie in the zone as a whole? */
static bool can_isolate(const struct contig *c, uint32_t pfn)
{
	uint32_t n = 1u << c->mm->pageblock_order, first = pfn & ~(n - 1);

	return first >= c->zone->start_pfn && first + n <= c->zone->end_pfn;
}

/*
 * Look at the whole run: 0: all is free; -EAGAIN: what is not free can be moved or is on its way;
 * -EBUSY: c->bad is in use. CMA areas are for their owners, and those take from nowhere else.
 */
static int survey_locked(struct contig *c)
{
	bool cma = c->migratetype == QY_MIGRATE_CMA;
	int err = 0;

	for (uint32_t pfn = c->start; pfn < c->end;) {
		struct block b = look_at(c, pfn);

		c->bad = b.pfn + (1u << b.order) - 1;
		if (b.holder == HOLDER_FAST || (lasting_type(c->mm, pfn) == QY_MIGRATE_CMA) != cma)
			return -EBUSY;
		if (b.holder == HOLDER_MOVABLE && !can_isolate(c, pfn))
			return -EBUSY;
		if (b.holder != HOLDER_FREE || is_isolated(c->mm, pfn))
			err = -EAGAIN;
		pfn = c->bad + 1;
	}
	return err;
}

/* All is free: take it. */
static void take_locked(struct contig *c)
{
	unsigned int flags = c->gfp & QY_GFP_MOVABLE ? QY__PAGE_F_MOVABLE : 0;

	for (uint32_t pfn = c->start; pfn < c->end;)
		pfn += qy__take_free_locked(c->mm, c->zone, pfn, c->end);
	for (uint32_t pfn = c->start; pfn < c->end; pfn++)
		qy__prep_single(c->mm, qy__pfn_page(c->mm, pfn), flags);
	qy__count_in_use_locked(c->mm, c->end - c->start);
}

/* ---- isolation ---- */

/* false: another caller is at work on one of the page blocks. */
static bool isolate_locked(struct contig *c)
{
	struct qy_mm *mm = c->mm;
	uint32_t n = 1u << mm->pageblock_order;

	c->iso_start = c->start & ~(n - 1);
	c->iso_end = ((c->end - 1) | (n - 1)) + 1;
	for (uint32_t pfn = c->iso_start; pfn < c->iso_end; pfn += n)
		if (is_isolated(mm, pfn))
			return false;
	for (uint32_t pfn = c->iso_start; pfn < c->iso_end; pfn += n) {
		unsigned int type = qy__pageblock_type(mm, pfn);

		if (!qy__move_pageblock_locked(mm, c->zone, pfn, QY_MIGRATE_ISOLATE))
			continue;
		type = type << QY__PAGEBLOCK_BEFORE_SHIFT | QY_MIGRATE_ISOLATE;
		qy__store_relaxed(pageblock_entry(mm, pfn), (uint8_t)type);
	}
	return true;
}

/* What we could not isolate nobody else could either. */
static void undo_isolation(struct contig *c)
{
	struct qy_mm *mm = c->mm;

	qy__lock(&c->zone->lock);
	for (uint32_t pfn = c->iso_start; pfn < c->iso_end; pfn += 1u << mm->pageblock_order)
		if (is_isolated(mm, pfn))
			qy__move_pageblock_locked(mm, c->zone, pfn, remembered_type(mm, pfn));
	qy__unlock(&c->zone->lock);
}

static int isolate(struct contig *c)
{
	for (unsigned int n = 0; n < MOST_YIELDS; n++) {
		int err;

		qy__lock(&c->zone->lock);
		err = survey_locked(c);
		if (err != -EBUSY && !isolate_locked(c))
			err = -EINPROGRESS;
		qy__unlock(&c->zone->lock);
		if (err != -EINPROGRESS)
			return err == -EBUSY ? err : 0;
		qy__osif_yield();
	}
	return -EBUSY;
}

/* ---- emptying ---- */

/* The new place is reached by whoever could reach the old one: no higher zone. */
static qy_gfp_t target_gfp(const struct contig *c, bool compound)
{
	static const qy_gfp_t zone_bits[QY_NR_ZONES] = {
		[QY_ZONE_DMA] = QY_GFP_DMA,
		[QY_ZONE_DMA32] = QY_GFP_DMA32,
		[QY_ZONE_HIGHMEM] = QY_GFP_HIGHMEM,
	};

	return (c->gfp & QY_GFP_RECLAIM) | QY_GFP_MOVABLE | QY_GFP_NOWARN |
	       zone_bits[c->zone->type] | (compound ? QY_GFP_COMP : 0);
}

/*
 * The owner may be freeing @from just now: only he can say, and the hook asks him. What he lets go
 * of, by the hook or by himself, stays free: its page blocks are isolated. 0: look again.
 */
static int move_block(struct contig *c, struct qy_page *from, unsigned int order)
{
	struct qy_mm *mm = c->mm;
	bool compound = order && qy__load_relaxed(&from[1].type) == QY__PAGE_TAIL;
	struct qy_page *to;

	to = qy__alloc_block_node(mm, c->zone->node, target_gfp(c, compound), order,
				  QY__PAGE_ALLOC);
	if (!to)
		return -ENOMEM;
	/* Before the hook: afterwards the block may be its owner's to free. */
	qy__page_debug_migrate(mm, from, to, order);
	if (mm->migrate.fn(mm, from, to, order, mm->migrate.ctx)) {
		qy_free_pages(mm, to, order);
		return qy__load_relaxed(&from->type) == QY__PAGE_ALLOC ? -EBUSY : 0;
	}
	qy_free_pages(mm, from, order);
	return 0;
}

/* Everything that is not free leaves [start, end). */
static int migrate(struct contig *c)
{
	unsigned int waited = 0;

	for (uint32_t pfn = c->start; pfn < c->end;) {
		struct block b;
		int err = 0;

		qy__lock(&c->zone->lock);
		b = look_at(c, pfn);
		qy__unlock(&c->zone->lock);
		c->bad = b.pfn + (1u << b.order) - 1;
		if (b.holder == HOLDER_FREE) {
			pfn = c->bad + 1;
			continue;
		}
		if (b.holder == HOLDER_FAST || !is_isolated(c->mm, pfn))
			return -EBUSY;
		if (b.holder == HOLDER_MOVABLE)
			err = move_block(c, qy__pfn_page(c->mm, b.pfn), b.order);
		else if (waited++ < MOST_YIELDS)
			qy__osif_yield();
		else
			err = -EBUSY;
		if (err)
			return err;
	}
	return 0;
}

/* What could not be isolated may have been taken from again. */
static int take_isolated(struct contig *c)
{
	int err = 0;

	qy__lock(&c->zone->lock);
	for (uint32_t pfn = c->start; pfn < c->end && !err;) {
		struct block b = look_at(c, pfn);

		c->bad = b.pfn + (1u << b.order) - 1;
		err = b.holder == HOLDER_FREE ? 0 : -EBUSY;
		pfn = c->bad + 1;
	}
	if (!err)
		take_locked(c);
	qy__unlock(&c->zone->lock);
	return err;
}

static int empty_and_take(struct contig *c)
{
	int err;

	qy__zone_pcp_disable(c->mm, c->zone);
	err = isolate(c);
	if (!err) {
		err = migrate(c);
		if (!err)
			err = take_isolated(c);
		if (!err || !qy__planted(ISOLATED_FOR_GOOD))
			undo_isolation(c);
	}
	qy__zone_pcp_enable(c->mm, c->zone);
	return err;
}

static int take_range(struct contig *c)
{
	int err;

	qy__lock(&c->zone->lock);
	err = survey_locked(c);
	if (!err)
		take_locked(c);
	qy__unlock(&c->zone->lock);
	if (err == -EAGAIN)
		err = empty_and_take(c);
	for (uint32_t pfn = c->start; pfn < c->end && !err; pfn++)
		qy__page_debug_alloc(c->mm, qy__pfn_page(c->mm, pfn), 0, c->gfp);
	return err;
}

/* ---- entry points ---- */

/* The one zone that has all of [start, end), or NULL. */
static struct qy__zone *zone_of_range(struct qy_mm *mm, uint32_t start, uint32_t end)
{
	const struct qy_page *first;

	if (start >= end || !qy__pfn_valid(mm, start) || !qy__pfn_valid(mm, end - 1))
		return NULL;
	first = qy__pfn_page(mm, start);
	for (uint32_t i = 0; i < end - start; i++) {
		unsigned int type = qy__load_relaxed(&first[i].type);

		if (type == QY__PAGE_HOLE || type == QY__PAGE_OFFLINE)
			return NULL;
		if (qy__page_zone(mm, first + i) != qy__page_zone(mm, first))
			return NULL;
	}
	return qy__page_zone(mm, first);
}

int qy__alloc_contig(struct qy_mm *mm, uint32_t start, uint32_t end, qy_gfp_t gfp,
		     unsigned int migratetype)
{
	struct contig c = {
		.mm = mm,
		.zone = zone_of_range(mm, start, end),
		.start = start,
		.end = end,
		.gfp = gfp,
		.migratetype = migratetype,
	};

	return c.zone ? take_range(&c) : -EINVAL;
}

int qy_alloc_contig_range(struct qy_mm *mm, uint32_t start, uint32_t end, qy_gfp_t gfp)
{
	return qy__alloc_contig(mm, start, end, gfp, QY_MIGRATE_MOVABLE);
}

int qy__alloc_contig_in_zone(struct qy_mm *mm, struct qy__zone *zone, uint32_t lo, uint32_t hi,
			     uint32_t nr, uint32_t step, qy_gfp_t gfp, uint32_t *start)
{
	uint64_t end = min(hi, qy__load_relaxed(&zone->end_pfn));
	uint64_t pfn = qy__align_up(max(lo, qy__load_relaxed(&zone->start_pfn)), step);

	while (pfn + nr <= end) {
		struct contig c = {
			.mm = mm,
			.zone = zone,
			.start = (uint32_t)pfn,
			.end = (uint32_t)pfn + nr,
			.gfp = gfp,
			.migratetype = QY_MIGRATE_MOVABLE,
		};

		if (!take_range(&c)) {
			*start = c.start;
			return 0;
		}
		/* No run has the page that was in the way. */
		pfn = qy__align_up((size_t)c.bad + 1, step);
	}
	return -ENOMEM;
}

struct qy_page *qy_alloc_contig_pages(struct qy_mm *mm, uint32_t nr, qy_gfp_t gfp,
				      unsigned int node)
{
	uint32_t step = qy__is_pow2(nr) ? nr : 1, start;
	const uint16_t *list;

	if (!nr || node >= mm->nr_nodes)
		return qy__fail(EINVAL);
	for (list = qy__zonelist(mm, node, gfp); *list != QY__ZONE_END; list++) {
		struct qy__zone *zone = &mm->zone[*list];

		if (zone->type > qy__gfp_zone(gfp) || !qy__load_relaxed(&zone->managed))
			continue;
		if (!qy__alloc_contig_in_zone(mm, zone, 0, UINT32_MAX, nr, step, gfp, &start))
			return qy__pfn_page(mm, start);
	}
	return qy__fail(ENOMEM);
}

static void report_in_use(struct qy_mm *mm, uint32_t start, unsigned long pages, uintptr_t caller)
{
	char title[64];

	qy__snprintf(title, sizeof(title), "%lu pages are still in use!", pages);
	qy__report_bad_page(mm, QY_REPORT_BAD_PAGE_FREE, qy__pfn_addr(mm, start), NULL, title,
			    caller);
}

int qy_free_contig_range(struct qy_mm *mm, uint32_t start, uint32_t nr)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	unsigned long in_use = 0;
	int ret = 0;

	for (uint64_t pfn = start; pfn < (uint64_t)start + nr; pfn++) {
		struct qy_page *page = NULL;
		int err = -EINVAL;

		if (pfn < QY__PFN_NONE && qy__pfn_valid(mm, (uint32_t)pfn)) {
			page = qy__pfn_page(mm, (uint32_t)pfn);
			err = qy__check_single(page);
		}
		if (err) {
			qy__report_bad_free(mm, page, qy__pfn_addr(mm, (uint32_t)pfn), err, caller);
			ret = -EINVAL;
			/* What does not exist is told once. */
			if (!page)
				break;
			continue;
		}
		in_use += qy__load_relaxed(&page->alloc.refcount) > 1;
		if (qy_free_pages(mm, page, 0))
			ret = -EINVAL;
	}
	if (in_use)
		report_in_use(mm, start, in_use, caller);
	return ret;
}
