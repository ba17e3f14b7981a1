/* SPDX-License-Identifier: MIT */
/*
 * shuffle.c - free lists in random order.
 *
 * When an instance is made, each zone is walked in steps of the largest block: each that is free
 * changes places with a random other one of the same list. Positions on the list are swapped, not
 * memory:
 *
 *   … p ⇄ a ⇄ q … r ⇄ b ⇄ s …   =>   … p ⇄ b ⇄ q … r ⇄ a ⇄ s …
 *
 * Afterwards each block that is freed goes to the head or the tail of its list by one random bit.
 *
 * Lock: zone->lock, held by the caller.
 */
#include "page/shuffle.h"

#include "util/align.h"

#define TRIES 10

uint64_t qy__shuffle_refill(struct qy_mm *mm)
{
	return qy__rng_next_shared(&mm->rng) | UINT64_C(1) << 63;
}

/* The head of a free block of the largest order in @zone, or NULL. */
static struct qy_page *shuffle_page(struct qy_mm *mm, const struct qy__zone *zone, uint32_t pfn)
{
	struct qy_page *page;

	if (!qy__pfn_valid(mm, pfn))
		return NULL;
	page = qy__pfn_page(mm, pfn);
	if (qy__load_relaxed(&page->type) != QY__PAGE_BUDDY || page->order != mm->max_order)
		return NULL;
	return qy__page_zone(mm, page) == zone ? page : NULL;
}

/* Whoever is next to @page, or the list's ends, point to it. */
static void relink(struct qy_mm *mm, struct qy__free_area *area, struct qy_page *page)
{
	uint32_t pfn = qy__page_pfn(mm, page), type = page->migratetype;

	if (page->prev == QY__PFN_NONE)
		area->head[type] = pfn;
	else
		qy__pfn_page(mm, page->prev)->next = pfn;
	if (page->next == QY__PFN_NONE)
		area->tail[type] = pfn;
	else
		qy__pfn_page(mm, page->next)->prev = pfn;
}

static void swap_pfn(uint32_t *a, uint32_t *b)
{
	uint32_t c = *a;

	*a = *b;
	*b = c;
}

static void list_swap(struct qy_mm *mm, struct qy__free_area *area, struct qy_page *a,
		      struct qy_page *b)
{
	struct qy_page *const pair[2] = {a, b};

	swap_pfn(&a->prev, &b->prev);
	swap_pfn(&a->next, &b->next);
	for (int i = 0; i < 2; i++) {
		uint32_t pfn = qy__page_pfn(mm, pair[i]), other = qy__page_pfn(mm, pair[!i]);

		/* They were neighbours: whoever would be his own is the other's. */
		if (pair[i]->prev == pfn)
			pair[i]->prev = other;
		if (pair[i]->next == pfn)
			pair[i]->next = other;
	}
	relink(mm, area, a);
	relink(mm, area, b);
}

/* Some other block of the same list as @page; NULL: not met in a few tries. */
static struct qy_page *pick_partner(struct qy_mm *mm, const struct qy__zone *zone,
				    struct qy__rng *rng, const struct qy_page *page, uint32_t first,
				    uint32_t blocks)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t pfn = first + (qy__rng_below(rng, blocks) << mm->max_order);
		struct qy_page *other = shuffle_page(mm, zone, pfn);

		if (other && other != page && other->migratetype == page->migratetype)
			return other;
	}
	return NULL;
}

void qy__shuffle_zone(struct qy_mm *mm, struct qy__zone *zone)
{
	uint64_t block = UINT64_C(1) << mm->max_order, first;
	struct qy__rng rng;
	uint32_t blocks;

	first = qy__align_up(zone->start_pfn, block);
	if (first + block > zone->end_pfn)
		return;
	blocks = (uint32_t)((zone->end_pfn - first) >> mm->max_order);
	qy__rng_seed(&rng, qy__rng_next_shared(&mm->rng));
	for (uint32_t i = 0; i < blocks; i++) {
		uint32_t pfn = (uint32_t)first + (i << mm->max_order);
		struct qy_page *page = shuffle_page(mm, zone, pfn), *other;

		if (!page)
			continue;
		other = pick_partner(mm, zone, &rng, page, (uint32_t)first, blocks);
		if (other)
			list_swap(mm, &zone->area[mm->max_order], page, other);
	}
}
