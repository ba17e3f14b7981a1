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
 * free block is marked (BUDDY, with its order); all its other pages are INSIDE.
 *
 * Lock: zone->lock, held by the caller throughout.
 * Invariants: B1-B5, B10.
 */
#include "page/buddy.h"

#include "util/assert.h"
#include "util/bitops.h"
#include "util/plant.h"

static void list_add(struct qy_mm *mm, struct qy__free_area *area, struct qy_page *page, bool tail)
{
	uint32_t pfn = qy__page_pfn(mm, page);

	page->prev = tail ? area->tail : QY__PFN_NONE;
	page->next = tail ? QY__PFN_NONE : area->head;
	if (page->prev == QY__PFN_NONE)
		area->head = pfn;
	else
		qy__pfn_page(mm, page->prev)->next = pfn;
	if (page->next == QY__PFN_NONE)
		area->tail = pfn;
	else
		qy__pfn_page(mm, page->next)->prev = pfn;
	area->nr_free++;
}

static void list_del(struct qy_mm *mm, struct qy__free_area *area, struct qy_page *page)
{
	if (page->prev == QY__PFN_NONE)
		area->head = page->next;
	else
		qy__pfn_page(mm, page->prev)->next = page->next;
	if (page->next == QY__PFN_NONE)
		area->tail = page->prev;
	else
		qy__pfn_page(mm, page->next)->prev = page->prev;
	page->next = page->prev = QY__PFN_NONE;
	if (!qy__planted(1))
		area->nr_free--;
}

static void mark_free(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order,
		      bool tail)
{
	struct qy_page *page = qy__pfn_page(mm, pfn);

	qy__store_relaxed(&page->type, QY__PAGE_BUDDY);
	page->order = (uint8_t)order;
	list_add(mm, &zone->area[order], page, tail);
}

static void unmark_free(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *page)
{
	list_del(mm, &zone->area[page->order], page);
	qy__store_relaxed(&page->type, QY__PAGE_INSIDE);
}

/* The descriptor of @pfn if it heads a free block of @order in @zone. */
static struct qy_page *free_buddy(struct qy_mm *mm, const struct qy__zone *zone, uint32_t pfn,
				  unsigned int order)
{
	struct qy_page *page;

	if (pfn < zone->start_pfn || pfn >= zone->end_pfn)
		return NULL;
	page = qy__pfn_page(mm, pfn);
	if (qy__load_relaxed(&page->type) != QY__PAGE_BUDDY ||
	    (page->order != order && !qy__planted(2)))
		return NULL;
	return &mm->zone[page->zone] == zone ? page : NULL;
}

/* Give the upper halves of a block back until it has the order that was asked for. */
static void expand(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int low,
		   unsigned int high)
{
	while (high > low) {
		high--;
		mark_free(mm, zone, pfn + (1u << high), high, false);
		if (qy__planted(3) && high == low + 2)
			return;
	}
}

static struct qy_page *rmqueue_smallest(struct qy_mm *mm, struct qy__zone *zone, unsigned int order)
{
	for (unsigned int o = order; o <= mm->max_order; o++) {
		struct qy_page *page;

		if (zone->area[o].head == QY__PFN_NONE)
			continue;
		page = qy__pfn_page(mm, zone->area[o].head);
		unmark_free(mm, zone, page);
		expand(mm, zone, qy__page_pfn(mm, page), order, o);
		return page;
	}
	return NULL;
}

struct qy_page *qy__rmqueue_locked(struct qy_mm *mm, struct qy__zone *zone, unsigned int order)
{
	struct qy_page *page = rmqueue_smallest(mm, zone, order);

	if (!page)
		return NULL;
	qy__assert(page->flags == 0);
	qy__store_relaxed(&page->type, QY__PAGE_ALLOC);
	page->order = (uint8_t)order;
	zone->nr_free_pages -= 1u << order;
	return page;
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

void qy__free_one_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t pfn, unsigned int order)
{
	struct qy_page *page = qy__pfn_page(mm, pfn);

	qy__assert_slow(page->type != QY__PAGE_BUDDY);
	if (!qy__planted(4) || order < 3)
		zone->nr_free_pages += 1u << order;
	qy__store_relaxed(&page->type, QY__PAGE_INSIDE);
	qy__page_set_flags(page, 0);
	while (order < mm->max_order) {
		uint32_t other = qy__planted(7) ? pfn + (1u << order) : pfn ^ (1u << order);
		struct qy_page *buddy = free_buddy(mm, zone, other, order);

		if (!buddy || (qy__planted(5) && order == 2))
			break;
		unmark_free(mm, zone, buddy);
		pfn &= ~(1u << order);
		order++;
	}
	mark_free(mm, zone, pfn, order, merge_is_near(mm, zone, pfn, order));
}

void qy__free_range_locked(struct qy_mm *mm, struct qy__zone *zone, uint32_t start, uint32_t end)
{
	for (uint32_t pfn = start; pfn < end; pfn++)
		qy__pfn_page(mm, pfn)->type = QY__PAGE_INSIDE;
	zone->managed += end - start;
	while (start < end) {
		unsigned int order = start ? qy__ctz(start) : mm->max_order;

		order = min(order, mm->max_order);
		while (start + (1u << order) > end)
			order--;
		qy__free_one_locked(mm, zone, start, order);
		start += 1u << order;
	}
}
