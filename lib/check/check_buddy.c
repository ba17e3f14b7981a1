/* SPDX-License-Identifier: MIT */
/*
 * check_buddy.c - the descriptors of a zone, read in one pass from block to block: B1-B3, B6, B8,
 * B10, B12, P4, Z4. What is counted on the way (the census) is compared later with lists, counters
 * and the CPUs' lists.
 *
 *   descriptors   [ used ][ free 2 ][ free 2 ][ used ][ f0 ]   B3: two buddies, not merged
 *
 * The free pages of a zone have one right grouping, whatever their lists: the largest aligned
 * blocks. A grouping in which no two buddies could be merged (B3) is that one, and so what is all
 * free looks as it did at the start (B9). B10 computes it anew from each run of free pages, where
 * B3 failed or there is time for it. Page blocks of types that must not mix part a run; guard
 * blocks merge as if they were free.
 *
 * Lock: zone->lock, held by the caller. A block in the hands of a thread that is just taking it or
 * giving it back belongs to nobody's lock: for a verdict on the used blocks the instance must be
 * quiescent.
 */
#include "check/check_page.h"

#include "util/bitops.h"

static const char *const type_name[QY__NR_PAGE_TYPES] = {
	"offline", "reserved", "inside", "buddy", "alloc", "slab",
	"large",   "tail",     "pcp",	 "guard", "hole",
};

const char *qy__check_page_type(const struct qy_page *page)
{
	return page->type < QY__NR_PAGE_TYPES ? type_name[page->type] : "unknown";
}

static bool is_head(const struct qy_page *page)
{
	return page->type < QY__NR_PAGE_TYPES && page->type != QY__PAGE_OFFLINE &&
	       page->type != QY__PAGE_INSIDE && page->type != QY__PAGE_TAIL;
}

static inline bool is_free(const struct qy_page *page)
{
	return page->type == QY__PAGE_BUDDY || page->type == QY__PAGE_GUARD;
}

/* Is the block at @pfn aligned and inside its zone? If not, it cannot be walked. */
static inline bool fits(const struct qy__census *c, uint32_t pfn, unsigned int order)
{
	return likely(order <= c->max_order) && likely(!(pfn & ((1u << order) - 1))) &&
	       likely(1u << order <= c->end - pfn);
}

static QY_COLD void bad_extent(struct qy__census *c, uint32_t pfn, const char *id)
{
	const struct qy_page *page = qy__census_page(c, pfn);

	qy__violation(c->ck, id, QY__ZONE_FMT ": %s block at %u cannot have order %u",
		      QY__ZONE_ARG(c), qy__check_page_type(page), pfn, page->order);
}

static void check_zone_id(struct qy__census *c, uint32_t pfn)
{
	const struct qy_page *page = qy__census_page(c, pfn);

	qy__holds(c->ck, page->zone == c->z, "Z4", "page %u lies in " QY__ZONE_FMT ", says zone %u",
		  pfn, QY__ZONE_ARG(c), page->zone);
}

/* ---- the pages behind a head ---- */

/* All of them INSIDE, of this zone, without flags or references. */
static inline bool insides_are_sane(const struct qy__census *c, const struct qy_page *head,
				    uint32_t n)
{
	uint32_t mask = QY__PAGE_STATE(0xff, 0, 0xff, 0xff), bad = 0;
	uint32_t word = QY__PAGE_STATE(QY__PAGE_INSIDE, 0, c->z, 0);

	for (uint32_t i = 1; i < n; i++)
		bad |= ((head[i].state ^ word) & mask) | head[i].alloc.refcount;
	return !bad;
}

/* All of them TAIL, of this zone, pointing at their head. */
static inline bool tails_are_sane(const struct qy__census *c, const struct qy_page *head,
				  uint32_t pfn, uint32_t n)
{
	uint32_t mask = QY__PAGE_STATE(0xff, 0, 0xff, 0), bad = 0;
	uint32_t word = QY__PAGE_STATE(QY__PAGE_TAIL, 0, c->z, 0);

	for (uint32_t i = 1; i < n; i++)
		bad |= ((head[i].state ^ word) & mask) | (head[i].head ^ pfn);
	return !bad;
}

/*
 * One of them is not as it should be: say which and how; @id for what has no id of its own. Return:
 * the pages up to the first that is marked as another block's head.
 */
static QY_COLD uint32_t explain_rest(struct qy__census *c, uint32_t pfn, uint32_t n, bool compound,
				     const char *id)
{
	const struct qy_page *head = qy__census_page(c, pfn);
	uint32_t i;

	for (i = 1; i < n; i++) {
		const struct qy_page *page = head + i;

		if (is_head(page)) {
			qy__violation(c->ck, "B2",
				      "%s block at %u of order %u reaches over the %s block at %u",
				      qy__check_page_type(head), pfn, head->order,
				      qy__check_page_type(page), pfn + i);
			break;
		}
		if (compound)
			qy__holds(c->ck, page->type == QY__PAGE_TAIL && page->head == pfn, id,
				  "page %u in the %s block at %u: %s with head %u", pfn + i,
				  qy__check_page_type(head), pfn, qy__check_page_type(page),
				  page->head);
		else
			qy__holds(c->ck,
				  page->type == QY__PAGE_INSIDE && !page->flags &&
					  !page->alloc.refcount,
				  id,
				  "page %u in the %s block at %u: %s, flags %02x, %u references",
				  pfn + i, qy__check_page_type(head), pfn,
				  qy__check_page_type(page), page->flags, page->alloc.refcount);
		check_zone_id(c, pfn + i);
	}
	return i;
}

/* ---- free blocks ---- */

/* The block is on the list of its page block's type; of all of them if it covers several. */
static inline bool type_is_sane(const struct qy__census *c, const struct qy_page *head,
				uint32_t pfn)
{
	uint32_t type = head->migratetype, step = 1u << c->pageblock_order;

	if (type >= QY_NR_MIGRATETYPES || type != qy__census_type(c, pfn))
		return false;
	for (uint32_t at = pfn + step; at < pfn + (1u << head->order); at += step)
		if (type != qy__census_type(c, at))
			return false;
	return true;
}

static QY_COLD void explain_type(struct qy__census *c, const struct qy_page *head, uint32_t pfn)
{
	uint32_t step = 1u << c->pageblock_order;

	for (uint32_t at = pfn; at < pfn + (1u << head->order); at += step)
		qy__holds(c->ck,
			  head->migratetype < QY_NR_MIGRATETYPES &&
				  head->migratetype == qy__census_type(c, at),
			  "B6",
			  QY__ZONE_FMT
			  ": free block at %u has type %u, its page block at %u has %u",
			  QY__ZONE_ARG(c), pfn, head->migratetype, at, qy__census_type(c, at));
}

/* Flags of a free block: only that its memory was given to the system, if it is a large one. */
static inline bool flags_are_sane(const struct qy__census *c, const struct qy_page *head)
{
	if (likely(!head->flags))
		return true;
	return head->flags == QY__PAGE_F_REPORTED && head->type == QY__PAGE_BUDDY &&
	       head->order >= c->pageblock_order && head->migratetype != QY_MIGRATE_ISOLATE;
}

/* Each pair of buddies is looked at once, from its upper half. */
static inline bool is_merged(const struct qy__census *c, const struct qy_page *head, uint32_t pfn)
{
	unsigned int order = head->order;
	uint32_t n = 1u << order;

	if (!(pfn & n) || order >= c->max_order || n > pfn - c->start)
		return true;
	if (!is_free(head - n) || (head - n)->order != order)
		return true;
	return order >= c->pageblock_order &&
	       !qy__types_may_mix(qy__census_type(c, pfn - n), qy__census_type(c, pfn));
}

static QY_COLD void explain_head(struct qy__census *c, const struct qy_page *head, uint32_t pfn)
{
	check_zone_id(c, pfn);
	qy__holds(c->ck, flags_are_sane(c, head) && !head->alloc.refcount, "B1",
		  "free block at %u has flags %02x, %u references", pfn, head->flags,
		  head->alloc.refcount);
	if (!type_is_sane(c, head, pfn))
		explain_type(c, head, pfn);
	if (!is_merged(c, head, pfn)) {
		c->unmerged = true;
		qy__violation(c->ck, "B3",
			      QY__ZONE_FMT ": free blocks %u and %u of order %u are not merged",
			      QY__ZONE_ARG(c), pfn - (1u << head->order), pfn, head->order);
	}
}

/* A guard block is what a split below this order left: never larger. */
static void count_guard(struct qy__census *c, const struct qy_page *head, uint32_t pfn, uint32_t n)
{
	c->guard += n;
	qy__holds(c->ck, QY_CONFIG_DEBUG && head->order < c->ck->mm->page_debug.guard_minorder,
		  "B12", QY__ZONE_FMT ": guard block at %u of order %u, below %u is allowed",
		  QY__ZONE_ARG(c), pfn, head->order, c->ck->mm->page_debug.guard_minorder);
}

static inline void count_free(struct qy__census *c, const struct qy_page *head, uint32_t pfn,
			      uint32_t n)
{
	uint32_t type = head->migratetype;

	if (unlikely(head->type == QY__PAGE_GUARD)) {
		count_guard(c, head, pfn, n);
		return;
	}
	if (likely(type < QY_NR_MIGRATETYPES))
		c->heads[head->order][type]++;
	if (unlikely(type == QY_MIGRATE_ISOLATE)) {
		c->isolated += n;
		return;
	}
	c->free += n;
	if (unlikely(type >= QY_MIGRATE_PCPTYPES)) {
		c->cma += type == QY_MIGRATE_CMA ? n : 0;
		c->highatomic += type == QY_MIGRATE_HIGHATOMIC ? n : 0;
	}
	if (head->order >= c->pageblock_order) {
		c->large += n;
		c->unreported += head->flags & QY__PAGE_F_REPORTED ? 0 : n;
	}
}

/* Return: the pages to step over. */
static inline uint32_t free_block(struct qy__census *c, const struct qy_page *head, uint32_t pfn)
{
	uint32_t n;

	if (unlikely(!fits(c, pfn, head->order))) {
		bad_extent(c, pfn, "B1");
		return 1;
	}
	n = 1u << head->order;
	c->ck->tests += n + 6;
	if (unlikely(head->zone != c->z || head->alloc.refcount || !flags_are_sane(c, head) ||
		     !type_is_sane(c, head, pfn) || !is_merged(c, head, pfn)))
		explain_head(c, head, pfn);
	if (unlikely(!insides_are_sane(c, head, n)))
		n = explain_rest(c, pfn, n, false, "B1");
	count_free(c, head, pfn, n);
	return n;
}

/* ---- used blocks ---- */

static bool used_head_is_sane(const struct qy__census *c, const struct qy_page *head)
{
	if (head->type != QY__PAGE_ALLOC)
		return true; /* the slab walk's */
	if (head->flags & ~(QY__PAGE_F_RETIRED | QY__PAGE_F_MOVABLE))
		return false;
	/* Between the list and the caller's hands there is a time without. */
	return !c->deep || !qy__check_alone(c->ck) || head->alloc.refcount ||
	       (head->flags & QY__PAGE_F_RETIRED);
}

static inline uint32_t used_block(struct qy__census *c, const struct qy_page *head, uint32_t pfn)
{
	unsigned int order = qy__load_relaxed(&head->order); /* its owner's: read once */
	bool compound = head->type != QY__PAGE_ALLOC;
	uint32_t n = 1;

	if (unlikely(!fits(c, pfn, order))) {
		bad_extent(c, pfn, "B8");
		return n;
	}
	n <<= order;
	c->ck->tests += n + 4;
	if (unlikely(head->zone != c->z))
		check_zone_id(c, pfn);
	if (unlikely(!used_head_is_sane(c, head)))
		qy__violation(c->ck, "B8", "alloc block at %u has flags %02x, %u references", pfn,
			      head->flags, head->alloc.refcount);
	if (n > 1 && !compound)
		compound = head[1].type == QY__PAGE_TAIL;
	if (unlikely(compound ? !tails_are_sane(c, head, pfn, n) : !insides_are_sane(c, head, n)))
		n = explain_rest(c, pfn, n, compound, "B8");
	c->used += n;
	return n;
}

static uint32_t pcp_block(struct qy__census *c, const struct qy_page *head, uint32_t pfn)
{
	unsigned int order = qy__load_relaxed(&head->order);
	uint32_t n = 1;

	if (!fits(c, pfn, order) || order >= QY__PCP_ORDERS) {
		bad_extent(c, pfn, "P4");
		return n;
	}
	n <<= order;
	c->ck->tests += n + 4;
	check_zone_id(c, pfn);
	qy__holds(c->ck,
		  !head->flags && !head->alloc.refcount && head->migratetype < QY_MIGRATE_ISOLATE,
		  "P4", "block at %u on a CPU's list: flags %02x, %u references, type %u", pfn,
		  head->flags, head->alloc.refcount, head->migratetype);
	if (unlikely(!insides_are_sane(c, head, n)))
		n = explain_rest(c, pfn, n, false, "P4");
	c->pcp_heads[order]++;
	c->pcp_sum += qy__pfn_print(pfn);
	c->pcp += n;
	return n;
}

/* ---- runs of free pages ---- */

/* May [pfn, pfn + 2^order) be one free block, by the types of its page blocks? */
static bool types_agree(const struct qy__census *c, uint32_t pfn, unsigned int order)
{
	uint32_t step = 1u << c->pageblock_order;

	for (uint32_t at = pfn + step; at < pfn + (1u << order); at += step) {
		if (!qy__types_may_mix(qy__census_type(c, pfn), qy__census_type(c, at)))
			return false;
	}
	return true;
}

/*
 * A run of free pages ended before @pfn: take from its start the largest aligned block that fits,
 * again and again. The allocator must have just those.
 */
static void check_run(struct qy__census *c, uint32_t pfn)
{
	for (uint32_t at = c->run; at < pfn;) {
		const struct qy_page *page = qy__census_page(c, at);
		unsigned int order = at ? qy__ctz(at) : c->max_order;

		order = min(order, c->max_order);
		order = min(order, qy__ilog2(pfn - at));
		while (order > c->pageblock_order && !types_agree(c, at, order))
			order--;
		if (!qy__holds(c->ck, is_free(page) && page->order == order, "B10",
			       QY__ZONE_FMT ": free pages %u-%u begin with a block of order %u",
			       QY__ZONE_ARG(c), at, pfn - 1, order))
			return; /* the rest would only repeat it */
		at += 1u << order;
	}
}

static inline void end_run(struct qy__census *c, uint32_t pfn)
{
	if (c->run == QY__PFN_NONE)
		return;
	if (unlikely(c->deep || c->unmerged))
		check_run(c, pfn);
	c->run = QY__PFN_NONE;
	c->unmerged = false;
}

/* ---- the pass ---- */

/* Pages from @pfn on that are no block: the library's own, or no memory. Return: how many. */
static uint32_t no_blocks(struct qy__census *c, uint32_t pfn)
{
	const struct qy_page *first = qy__census_page(c, pfn);
	uint32_t mask = QY__PAGE_STATE(0xff, 0, 0xff, 0), n = 1;
	uint32_t word = QY__PAGE_STATE(first->type, 0, c->z, 0);

	check_zone_id(c, pfn);
	while (n < c->end - pfn && !((first[n].state ^ word) & mask))
		n++;
	c->ck->tests += n;
	if (first->type == QY__PAGE_RESERVED) {
		c->reserved += n;
		return n;
	}
	c->holes += n;
	qy__holds(c->ck, qy__check_holes_in(c->ck->mm, pfn, pfn + n) == n, "Z8",
		  QY__ZONE_FMT ": pages %u-%u are no memory, but no hole was said to be there",
		  QY__ZONE_ARG(c), pfn, pfn + n - 1);
	return n;
}

/* Pages that belong to no block: one violation for a run of them. Return: its length. */
static QY_COLD uint32_t orphans(struct qy__census *c, uint32_t pfn)
{
	const struct qy_page *first = qy__census_page(c, pfn), *page = first;

	qy__violation(c->ck, first->type < QY__NR_PAGE_TYPES ? "B2" : "B1",
		      QY__ZONE_FMT ": page %u (%s, type %u) belongs to no block", QY__ZONE_ARG(c),
		      pfn, qy__check_page_type(first), first->type);
	for (; pfn < c->end && !is_head(page); pfn++, page++)
		check_zone_id(c, pfn);
	return (uint32_t)(page - first);
}

void qy__census_blocks(struct qy__census *c)
{
	uint32_t pfn = c->start;

	c->run = QY__PFN_NONE;
	while (pfn < c->end) {
		const struct qy_page *page = qy__census_page(c, pfn);

		if (is_free(page)) {
			c->run = min(c->run, pfn);
			pfn += free_block(c, page, pfn);
			continue;
		}
		end_run(c, pfn);
		switch (page->type) {
		case QY__PAGE_ALLOC:
		case QY__PAGE_SLAB:
		case QY__PAGE_LARGE: pfn += used_block(c, page, pfn); break;
		case QY__PAGE_PCP: pfn += pcp_block(c, page, pfn); break;
		case QY__PAGE_RESERVED:
		case QY__PAGE_HOLE: pfn += no_blocks(c, pfn); break;
		default: pfn += orphans(c, pfn); break;
		}
	}
	end_run(c, c->end);
}
