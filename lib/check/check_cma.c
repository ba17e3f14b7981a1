/* SPDX-License-Identifier: MIT */
/*
 * check_cma.c - contiguous-memory areas: CM. What page blocks they are is the zones' (B6, Z1).
 *
 *   map     1 1 1 0 0 1 …     a set bit: its first page is the owner's, a block of one page;
 *   pages   |     |           a clear one: lent to what can be moved, or free
 *
 * Locks: mm->grow_lock is held by the caller; an area's lock is taken for its bitmap. Between the
 * bitmap and the pages nobody holds a lock: for a verdict on the pages the instance must be
 * quiescent.
 */
#include "check/check_page.h"

#include "util/bitops.h"

/* Where the area lies: whole page blocks of one zone. */
static bool place_is_sane(const struct qy__check *ck, const struct qy_cma *area)
{
	uint32_t block = 1u << ck->mm->pageblock_order;
	uint32_t base = area->base, pages = area->pages;

	if (area->mm != ck->mm || area->order_per_bit > 31 || !pages)
		return false;
	if (base % block || pages % block || pages & ((1u << area->order_per_bit) - 1))
		return false;
	if (!qy__check_pfn(ck, base) || pages > ck->end_pfn - base)
		return false;
	return qy__check_page(ck, base)->zone == qy__check_page(ck, base + pages - 1)->zone;
}

/* The bitmap: a block of pages of its own, outside the area. */
static bool map_is_sane(const struct qy__check *ck, const struct qy_cma *area)
{
	size_t bytes = ((area->pages >> area->order_per_bit) + 63) / 64 * sizeof(uint64_t);
	const struct qy_page *page;
	uint32_t pfn;

	if ((uintptr_t)area->map & QY_PAGE_MASK || !qy__check_readable(ck, area->map, bytes))
		return false;
	pfn = qy__check_addr_pfn(ck, area->map);
	page = qy__check_page(ck, pfn);
	return page->type == QY__PAGE_ALLOC && page->order <= ck->mm->max_order &&
	       bytes <= QY_PAGE_SIZE << page->order &&
	       (pfn < area->base || pfn >= area->base + area->pages);
}

static bool overlaps(const struct qy_mm *mm, const struct qy_cma *area)
{
	for (const struct qy_cma *o = mm->cma; o < area; o++) {
		if (o->mm && (uint64_t)o->base + o->pages > area->base &&
		    area->base + (uint64_t)area->pages > o->base)
			return true;
	}
	return false;
}

static uint32_t check_bits(struct qy__check *ck, const struct qy_cma *area)
{
	uint32_t used = 0, nr = area->pages >> area->order_per_bit;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t pfn = area->base + (i << area->order_per_bit);
		const struct qy_page *page = qy__check_page(ck, pfn);
		unsigned int flags = qy__page_flags(page), type = qy__load_relaxed(&page->type);

		if (qy__test_bit(area->map, i)) {
			used++;
			qy__holds(ck, type == QY__PAGE_ALLOC && !page->order, "CM",
				  "CMA area %.15s: page %u is taken, and %s of order %u",
				  area->name, pfn, qy__check_page_type(page), page->order);
		} else {
			/* Of the run before, the last bit may have pages to spare: only if 1:1. */
			qy__holds(ck,
				  type != QY__PAGE_ALLOC || area->order_per_bit ||
					  flags & (QY__PAGE_F_MOVABLE | QY__PAGE_F_RETIRED),
				  "CM", "CMA area %.15s: page %u is lent, and cannot be moved",
				  area->name, pfn);
		}
	}
	return used;
}

static void check_area(struct qy__check *ck, struct qy_cma *area)
{
	uint32_t used;

	if (!qy__holds(ck, place_is_sane(ck, area) && !overlaps(ck->mm, area), "CM",
		       "CMA area of %u pages at %u, %u pages to a bit", area->pages, area->base,
		       area->order_per_bit))
		return;
	if (!qy__check_lock(ck, &area->lock, "CMA area"))
		return;
	if (qy__holds(ck, map_is_sane(ck, area), "CM", "CMA area %.15s: bitmap at %p", area->name,
		      (void *)area->map)) {
		used = check_bits(ck, area);
		qy__holds(ck, used == area->used_bits, "CM",
			  "CMA area %.15s: %u bits are set, the counter says %u", area->name, used,
			  area->used_bits);
	}
	qy__check_unlock(ck, &area->lock);
}

void qy__check_cma(struct qy__check *ck)
{
	for (unsigned int i = 0; i < QY__NR_CMA; i++) {
		struct qy_cma *area = &ck->mm->cma[i];

		/* A slot that is being taken has pages before it has the instance. */
		if (qy__load_acquire(&area->mm))
			check_area(ck, area);
	}
}
