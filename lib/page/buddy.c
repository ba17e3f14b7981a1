/* SPDX-License-Identifier: MIT */
/*
 * buddy.c - free blocks of 2^order pages.
 *
 * Place in an object's life: the last station before the system. rmqueue takes a block, expand
 * gives the upper halves back; free merges with the buddy as long as that is free, of the same
 * order and in the same zone:
 *
 *   order k    [ buddy ][ block ]   =>   order k+1   [ ---- block ---- ]
 *
 * The buddy of pfn at order k is pfn XOR 2^k, the merged head pfn AND buddy. Only the head of a
 * free block is marked (BUDDY, with its order and the list it is on); all its other pages are
 * INSIDE.
 *
 * Lifetimes are kept apart by page blocks: a free block is on the list of the type that its page
 * block has, at any time. From a page block's order on, only blocks of one type, or of types that
 * may mix, are merged. What happens when a type's lists are empty is told in fallback.c.
 *
 * Lock: zone->lock, held by the caller throughout.
 * Invariants: B1-B6, B10-B12, B14.
 */
#include "page/buddy.h"

#include "page/buddy_internal.h"
#include "page/page_debug.h"
#include "page/shuffle.h"
#include "util/assert.h"
#include "util/bitops.h"
#include "util/plant.h"

/*
 * The link, @offset bytes into a descriptor, of the list's neighbour @pfn; @list if there is none.
 * Chosen by value, not by a jump: nobody guesses which lists are empty. An integer until then, for
 * the descriptor may not exist.
 */
static inline uint32_t *link_of(const struct qy_mm *mm, uint32_t pfn, size_t offset, uint32_t *list)
{
	uintptr_t none = -(uintptr_t)(pfn == QY__PFN_NONE);
	uintptr_t page = (uintptr_t)mm->pages +
			 (uintptr_t)(pfn - mm->min_pfn) * sizeof(struct qy_page) + offset;

	return (uint32_t *)((page & ~none) | ((uintptr_t)list & none));
}

static inline void link_blocks(struct qy_mm *mm, struct qy__free_area *area, uint32_t type,
			       uint32_t prev, uint32_t next, uint32_t next_of_prev,
			       uint32_t prev_of_next)
{
	/* qy__zone_watermark_ok() looks at heads */
	qy__store_relaxed(link_of(mm, prev, offsetof(struct qy_page, next), &area->head[type]),
			  next_of_prev);
	*link_of(mm, next, offsetof(struct qy_page, prev), &area->tail[type]) = prev_of_next;
}

static inline void list_add(struct qy_mm *mm, struct qy__free_area *area, struct qy_page *page,
			    bool tail)
{
	uint32_t pfn = qy__page_pfn(mm, page), type = page->migratetype;
	uint32_t to_tail = -(uint32_t)tail; /* all bits or none; QY__PFN_NONE is all bits */

	page->prev = area->tail[type] | ~to_tail;
	page->next = area->head[type] | to_tail;
	link_blocks(mm, area, type, page->prev, page->next, pfn, pfn);
	area->nr_free++;
}

static inline void list_del(struct qy_mm *mm, struct qy__free_area *area, struct qy_page *page)
{
	link_blocks(mm, area, page->migratetype, page->prev, page->next, page->next, page->prev);
	page->next = page->prev = QY__PFN_NONE;
	if (!qy__planted(FREE_COUNT))
		area->nr_free--;
}

/* @pages (less than 0: fewer) are on the lists of @type. */
static void account(struct qy__zone *zone, int32_t pages, unsigned int type)
{
	uint32_t n = (uint32_t)pages;

	if (unlikely(type == QY_MIGRATE_ISOLATE)) {
		zone->nr_free_isolate += n;
		return;
	}
	qy__store_relaxed(&zone->nr_free_pages, zone->nr_free_pages + n);
	if (type == QY_MIGRATE_CMA)
		zone->nr_free_cma += n;
	else if (type == QY_MIGRATE_HIGHATOMIC)
		zone->nr_free_highatomic += n;
}

void qy__mark_free(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order,
		   unsigned int type, bool tail)
{
	struct qy_page *page = qy__pfn_page(mm, pfn);

	qy__store_relaxed(&page->type, QY__PAGE_BUDDY);
	page->order = (uint8_t)order;
	page->migratetype = type;
	list_add(mm, &zone->area[order], page, tail);
	if (order >= mm->pageblock_order && type != QY_MIGRATE_ISOLATE) {
		zone->nr_free_blocks += 1u << order;
		zone->unreported += 1u << order;
	}
}

void qy__unmark_free(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *page)
{
	unsigned int order = page->order;

	list_del(mm, &zone->area[order], page);
	qy__store_relaxed(&page->type, QY__PAGE_INSIDE);
	if (order >= mm->pageblock_order && page->migratetype != QY_MIGRATE_ISOLATE) {
		zone->nr_free_blocks -= 1u << order;
		if (!(qy__page_flags(page) & QY__PAGE_F_REPORTED))
			zone->unreported -= 1u << order;
		qy__page_set_flags(page, 0);
	}
}

static void mark_guard(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order,
		       unsigned int type)
{
	struct qy_page *page = qy__pfn_page(mm, pfn);

	qy__store_relaxed(&page->type, QY__PAGE_GUARD);
	page->order = (uint8_t)order;
	page->migratetype = type;
	page->next = page->prev = QY__PFN_NONE;
	zone->nr_guard += 1u << order;
	account(zone, -(int32_t)(1u << order), type);
}

static void unmark_guard(struct qy__zone *zone, struct qy_page *page)
{
	zone->nr_guard -= 1u << page->order;
	account(zone, (int32_t)(1u << page->order), page->migratetype);
	if (!qy__planted(GUARD_STAYS))
		qy__store_relaxed(&page->type, QY__PAGE_INSIDE);
}

/* The descriptor of @pfn if it heads a free (or guard) block of @order in @zone. */
static struct qy_page *free_buddy(struct qy_mm *mm, const struct qy__zone *zone, uint32_t pfn,
				  unsigned int order)
{
	struct qy_page *page;
	unsigned int type;

	if (pfn < zone->start_pfn || pfn >= zone->end_pfn)
		return NULL;
	page = qy__pfn_page(mm, pfn);
	type = qy__load_relaxed(&page->type);
	if (type != QY__PAGE_BUDDY && type != QY__PAGE_GUARD)
		return NULL;
	if (page->order != order && !qy__planted(MERGE_ANY_ORDER))
		return NULL;
	return &mm->zone[page->zone] == zone ? page : NULL;
}

void qy__expand(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int low,
		unsigned int high, unsigned int type)
{
	while (high > low) {
		high--;
		if (qy__guardpage(mm, high))
			mark_guard(mm, zone, pfn + (1u << high), high, type);
		else
			qy__mark_free(mm, zone, pfn + (1u << high), high, type, false);
		if (qy__planted(LOST_HALF) && high == low + 2)
			return;
	}
}

struct qy_page *qy__take_block(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *page,
			       unsigned int order, unsigned int type)
{
	unsigned int high = page->order;

	qy__unmark_free(mm, zone, page);
	account(zone, -(int32_t)(1u << order), type);
	qy__expand(mm, zone, qy__page_pfn(mm, page), order, high, type);
	return page;
}

struct qy_page *qy__rmqueue_smallest(struct qy_mm *mm, struct qy__zone *zone, unsigned int order,
				     unsigned int type)
{
	for (unsigned int o = order; o <= mm->max_order; o++) {
		uint32_t head = zone->area[o].head[type];

		if (head != QY__PFN_NONE)
			return qy__take_block(mm, zone, qy__pfn_page(mm, head), order, type);
	}
	return NULL;
}

/* A still larger merge is likely: then the block goes to the tail, to be left alone a while. */
static bool merge_is_near(struct qy_mm *mm, const struct qy__zone *zone, uint32_t pfn,
			  unsigned int order)
{
	uint32_t higher;

	if (order + 1 >= mm->max_order)
		return false;
	higher = (pfn & ~(1u << order)) ^ (2u << order);
	return free_buddy(mm, zone, higher, order + 1) != NULL;
}

static bool to_tail(struct qy_mm *mm, const struct qy__zone *zone, uint32_t pfn, unsigned int order,
		    unsigned int fpi_flags)
{
	if (fpi_flags & QY__FPI_TO_TAIL)
		return true;
	if (mm->shuffle.on && order >= mm->max_order)
		return qy__shuffle_pick_tail(mm);
	return merge_is_near(mm, zone, pfn, order);
}

static bool may_mix(unsigned int type)
{
	return type < QY_MIGRATE_PCPTYPES;
}

/* May blocks of these page blocks' types be one? They take the first one's type then. */
static bool merge_types(struct qy_mm *mm, struct qy_page *buddy, unsigned int order,
			unsigned int type)
{
	unsigned int other = buddy->migratetype;

	if (order < mm->pageblock_order || other == type)
		return true;
	if ((!may_mix(type) || !may_mix(other)) && !qy__planted(TYPES_MIXED))
		return false;
	qy__set_pageblocks(mm, qy__page_pfn(mm, buddy), order, type);
	return true;
}

/* The block is of one type. */
static void free_one(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order,
		     unsigned int type, unsigned int fpi_flags)
{
	while (order < mm->max_order) {
		uint32_t other = qy__planted(WRONG_BUDDY) ? pfn + (1u << order)
							  : pfn ^ (1u << order);
		struct qy_page *buddy = free_buddy(mm, zone, other, order);

		if (!buddy || (qy__planted(MISSING_MERGE) && order == 2))
			break;
		if (!merge_types(mm, buddy, order, type))
			break;
		if (buddy->type == QY__PAGE_GUARD)
			unmark_guard(zone, buddy);
		else
			qy__unmark_free(mm, zone, buddy);
		pfn &= ~(1u << order);
		order++;
	}
	qy__mark_free(mm, zone, pfn, order, type, to_tail(mm, zone, pfn, order, fpi_flags));
}

void qy__give_back(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order,
		   unsigned int fpi_flags)
{
	uint32_t end = pfn + (1u << order);
	unsigned int step = min(order, mm->pageblock_order);
	unsigned int type = qy__pageblock_type(mm, pfn);

	/* Since the block was taken, page blocks in it may have got different types. */
	for (uint32_t at = pfn; step < order && at < end; at += 1u << step) {
		if (qy__pageblock_type(mm, at) != type)
			order = step;
	}
	for (; pfn < end; pfn += 1u << order) {
		type = qy__pageblock_type(mm, pfn);
		account(zone, (int32_t)(1u << order), type);
		free_one(mm, zone, pfn, order, type, fpi_flags);
	}
}

void qy__free_one_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order,
			 unsigned int fpi_flags)
{
	struct qy_page *page = qy__pfn_page(mm, pfn);

	qy__assert_slow(page->type != QY__PAGE_BUDDY);
	qy__store_relaxed(&page->type, QY__PAGE_INSIDE);
	qy__page_set_flags(page, 0);
	qy__give_back(mm, zone, pfn, order, fpi_flags);
	if (qy__planted(FREE_PAGES_COUNT) && order >= 3)
		zone->nr_free_pages -= 1u << order;
}

/* [start, end), INSIDE all of it, in the largest aligned blocks. */
static void give_range(struct qy_mm *mm, struct qy__zone *zone, uint32_t start, uint32_t end)
{
	while (start < end) {
		unsigned int order = start ? qy__ctz(start) : mm->max_order;

		order = min(order, mm->max_order);
		order = min(order, qy__ilog2(end - start));
		qy__give_back(mm, zone, start, order, QY__FPI_NONE);
		start += 1u << order;
	}
}

void qy__free_range_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t start, uint32_t end)
{
	for (uint32_t pfn = start; pfn < end; pfn++)
		qy__pfn_page(mm, pfn)->type = QY__PAGE_INSIDE;
	qy__store_relaxed(&zone->managed, zone->managed + (end - start));
	give_range(mm, zone, start, end);
}

struct qy_page *qy__free_block_of(struct qy_mm *mm, const struct qy__zone *zone, uint32_t pfn)
{
	for (unsigned int order = 0; order <= mm->max_order; order++) {
		uint32_t head = pfn & ~((1u << order) - 1);
		struct qy_page *page;

		if (head < zone->start_pfn)
			return NULL;
		page = qy__pfn_page(mm, head);
		if (qy__load_relaxed(&page->type) == QY__PAGE_BUDDY)
			return page->order >= order ? page : NULL;
	}
	return NULL;
}

uint32_t qy__take_free_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, uint32_t end)
{
	struct qy_page *block = qy__free_block_of(mm, zone, pfn);
	uint32_t head, stop;

	if (!block)
		return 0;
	head = qy__page_pfn(mm, block);
	stop = head + (1u << block->order);
	account(zone, -(int32_t)(1u << block->order), block->migratetype);
	qy__unmark_free(mm, zone, block);
	give_range(mm, zone, head, pfn);
	if (end < stop)
		give_range(mm, zone, end, stop);
	return min(end, stop) - pfn;
}

/* ---- page blocks ---- */

void qy__set_pageblocks(struct qy_mm *mm, uint32_t pfn, unsigned int order, unsigned int type)
{
	uint32_t step = 1u << mm->pageblock_order;

	for (uint32_t at = pfn; at < pfn + (1u << order); at += step)
		qy__store_relaxed(&mm->pageblock[(at >> mm->pageblock_order) - mm->pageblock_first],
				  (uint8_t)type);
}

bool qy__pageblock_in_zone(const struct qy_mm *mm, const struct qy__zone *zone, uint32_t pfn)
{
	uint32_t n = 1u << mm->pageblock_order, start = pfn & ~(n - 1);

	return start >= zone->start_pfn && start + n <= zone->end_pfn;
}

/* A free block as large as a page block, or larger: taken out, and given back in pieces. */
static void move_large(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *block,
		       uint32_t start, unsigned int type)
{
	uint32_t head = qy__page_pfn(mm, block), end = head + (1u << block->order);

	account(zone, -(int32_t)(1u << block->order), block->migratetype);
	qy__unmark_free(mm, zone, block);
	qy__set_pageblocks(mm, start, mm->pageblock_order, type);
	for (; head < end; head += 1u << mm->pageblock_order)
		qy__give_back(mm, zone, head, mm->pageblock_order, QY__FPI_NONE);
}

bool qy__move_pageblock_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn,
			       unsigned int type)
{
	uint32_t n = 1u << mm->pageblock_order, start = pfn & ~(n - 1), end = start + n;
	struct qy_page *block;

	if (!qy__pageblock_in_zone(mm, zone, pfn))
		return false;
	block = qy__free_block_of(mm, zone, start);
	if (block && block->order >= mm->pageblock_order) {
		move_large(mm, zone, block, start, type);
		return true;
	}
	qy__set_pageblocks(mm, start, mm->pageblock_order, type);
	while (start < end) {
		struct qy_page *page = qy__pfn_page(mm, start);
		unsigned int state = qy__load_relaxed(&page->type);
		unsigned int order = qy__load_relaxed(&page->order);

		start++;
		if (state == QY__PAGE_GUARD)
			page->migratetype = type;
		if (state != QY__PAGE_BUDDY)
			continue;
		account(zone, -(int32_t)(1u << order), page->migratetype);
		qy__unmark_free(mm, zone, page);
		account(zone, (int32_t)(1u << order), type);
		qy__mark_free(mm, zone, start - 1, order, type, true);
		start += (1u << order) - 1;
	}
	return true;
}
