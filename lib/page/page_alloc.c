/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.c - the public entry points of the page floor.
 *
 * Place in an object's life: slub.c and kmalloc.c ask here for blocks; the block comes from the
 * highest zone the flags allow that has one, and, when none has, from a piece of the span that is
 * brought in.
 *
 * Locks: one zone->lock at a time; mm->grow_lock outside it.
 */
#include "page/page_alloc.h"

#include <errno.h>
#include <string.h>

#include "debug/report.h"
#include "page/buddy.h"
#include "page/mm.h"
#include "page/zone.h"
#include "util/bitops.h"
#include "util/plant.h"

static void count_in_use(struct qy_mm *mm, unsigned int order)
{
	size_t now = qy__fetch_add(&mm->pages_in_use, (size_t)1 << order) + ((size_t)1 << order);

	if (now > qy__load_relaxed(&mm->pages_high_water))
		qy__store_relaxed(&mm->pages_high_water, now);
}

static struct qy_page *get_page_from_zones(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order)
{
	for (int z = qy__planted(8) ? QY_ZONE_NORMAL : qy__gfp_zone(gfp); z >= 0; z--) {
		struct qy__zone *zone = &mm->zone[z];
		struct qy_page *page;

		if (!qy__load_relaxed(&zone->managed))
			continue;
		qy__lock(&zone->lock);
		page = qy__rmqueue_locked(mm, zone, order);
		qy__unlock(&zone->lock);
		if (page)
			return page;
	}
	return NULL;
}

/*
 * Pages are only ever brought in at the end of the span, so only requests that the last zone serves
 * can grow.
 */
static struct qy_page *alloc_or_grow(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order)
{
	struct qy_page *page = get_page_from_zones(mm, gfp, order);
	uint32_t seen = qy__load_acquire(&mm->end_pfn);

	while (!page && qy__gfp_zone(gfp) >= qy__pfn_zone(mm, seen)) {
		qy__lock(&mm->grow_lock);
		if (seen == mm->end_pfn && qy__mm_grow(mm, 1u << order)) {
			qy__unlock(&mm->grow_lock);
			return NULL;
		}
		seen = mm->end_pfn;
		qy__unlock(&mm->grow_lock);
		page = get_page_from_zones(mm, gfp, order);
	}
	return page;
}

static void prep_compound(struct qy_mm *mm, struct qy_page *head, unsigned int order)
{
	uint32_t pfn = qy__page_pfn(mm, head);

	for (uint32_t i = 1; i < 1u << order; i++) {
		struct qy_page *tail = head + i;

		memset(&tail->track, 0, sizeof(tail->track));
		tail->head = pfn;
		qy__store_relaxed(&tail->type, QY__PAGE_TAIL);
	}
}

struct qy_page *qy__alloc_block(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order,
				enum qy__page_type type)
{
	struct qy_page *page;

	if (order > mm->max_order)
		return NULL;
	page = alloc_or_grow(mm, gfp, order);
	if (!page)
		return NULL;
	count_in_use(mm, order);
	memset(&page->slab, 0, sizeof(page->slab));
	page->head = qy__page_pfn(mm, page);
	page->next = page->prev = QY__PFN_NONE;
	if (type == QY__PAGE_LARGE)
		page->large.live =
			QY__LARGE_IN_CHANGE; /* before it can be seen to be LARGE: see validate.c */
	qy__store_release(&page->type, (uint8_t)type);
	if (type != QY__PAGE_ALLOC || (gfp & QY_GFP_COMP))
		prep_compound(mm, page, order);
	if (gfp & QY_GFP_ZERO)
		memset(qy__page_addr(mm, page), 0,
		       (QY_PAGE_SIZE << order) - (qy__planted(9) ? 8 : 0));
	return page;
}

void qy__free_block(struct qy_mm *mm, struct qy_page *head)
{
	struct qy__zone *zone = &mm->zone[head->zone];
	unsigned int order = head->order;

	for (uint32_t i = 1; i < 1u << order; i++) {
		qy__store_relaxed(&head[i].type, QY__PAGE_INSIDE);
		qy__page_set_flags(&head[i], 0);
	}
	qy__fetch_sub(&mm->pages_in_use, (size_t)1 << order);
	qy__lock(&zone->lock);
	qy__free_one_locked(mm, zone, qy__page_pfn(mm, head), order);
	qy__unlock(&zone->lock);
}

struct qy_page *qy_alloc_pages(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order)
{
	return qy__alloc_block(mm, gfp, order, QY__PAGE_ALLOC);
}

/*
 * Take the block out of its owner's hands under the zone's lock, so that of two threads that free
 * it only one gets past. Return: 0, -EINVAL, -ERANGE.
 */
static int claim_block(struct qy_mm *mm, struct qy_page *page, unsigned int order)
{
	struct qy__zone *zone = &mm->zone[page->zone];
	int err = 0;

	qy__lock(&zone->lock);
	if (page->type != QY__PAGE_ALLOC || (qy__page_flags(page) & QY__PAGE_F_RETIRED))
		err = -EINVAL;
	else if (page->order != order && !qy__planted(6))
		err = -ERANGE;
	if (err == -ERANGE)
		qy__page_set_flags(page, qy__page_flags(page) | QY__PAGE_F_RETIRED);
	if (!err)
		page->type = QY__PAGE_INSIDE;
	qy__unlock(&zone->lock);
	return err;
}

static const char *bad_free_title(const struct qy_mm *mm, const struct qy_page *page)
{
	if (!page)
		return "Free of something that is no page of this instance";
	switch (page->type) {
	case QY__PAGE_BUDDY:
	case QY__PAGE_INSIDE: return "Page already free, or in the middle of a block";
	case QY__PAGE_TAIL: return "Free in the middle of a compound block";
	case QY__PAGE_SLAB:
	case QY__PAGE_LARGE: return "Free of a page that belongs to a slab or a kmalloc block";
	case QY__PAGE_RESERVED: return "Free of a reserved page";
	case QY__PAGE_ALLOC: return "Free of a block that was given up after a report";
	default: return mm ? "Free of a page that is not there" : "";
	}
}

static int free_pages_from(struct qy_mm *mm, struct qy_page *page, const void *addr,
			   unsigned int order, uintptr_t caller)
{
	int err = -EINVAL;

	if (page && page >= mm->pages && page < mm->pages + (mm->end_pfn - mm->min_pfn))
		err = claim_block(mm, page, order);
	else
		page = NULL;
	if (err == -ERANGE)
		qy__report_bad_page(mm, QY_REPORT_PAGE_ORDER, addr, page,
				    "Page block freed with another order", caller);
	else if (err)
		qy__report_bad_page(mm, QY_REPORT_BAD_PAGE_FREE, addr, page,
				    bad_free_title(mm, page), caller);
	else
		qy__free_block(mm, page);
	return err;
}

int qy_free_pages(struct qy_mm *mm, struct qy_page *page, unsigned int order)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	ptrdiff_t off = (char *)page - (char *)mm->pages;

	/* A pointer between two descriptors is no page either. */
	if (off < 0 || off % (ptrdiff_t)sizeof(*page))
		return free_pages_from(mm, NULL, page, order, caller);
	return free_pages_from(mm, page, page, order, caller);
}

void *qy_get_free_pages(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order)
{
	struct qy_page *page = qy_alloc_pages(mm, gfp, order);

	return page ? qy__page_addr(mm, page) : NULL;
}

int qy_free_pages_addr(struct qy_mm *mm, const void *addr, unsigned int order)
{
	struct qy_page *page = qy__addr_page(mm, addr);

	if (page && qy__page_addr(mm, page) != addr)
		page = NULL;
	return free_pages_from(mm, page, addr, order, (uintptr_t)__builtin_return_address(0));
}

void *qy_page_address(const struct qy_mm *mm, const struct qy_page *page)
{
	return qy__page_addr(mm, page);
}

struct qy_page *qy_page_of(const struct qy_mm *mm, const void *addr)
{
	return qy__addr_page(mm, addr);
}

uint32_t qy_page_pfn(const struct qy_mm *mm, const struct qy_page *page)
{
	return qy__page_pfn(mm, page);
}

unsigned int qy_page_order(const struct qy_page *page)
{
	return page->order;
}

size_t qy__nr_free_pages(const struct qy_mm *mm)
{
	size_t n = 0;

	for (int z = 0; z < QY_NR_ZONES; z++)
		n += qy__load_relaxed(&mm->zone[z].nr_free_pages);
	return n;
}

void qy_page_stats(struct qy_mm *mm, struct qy_page_stats *stats)
{
	*stats = (struct qy_page_stats){.struct_size = sizeof(*stats)};
	for (int z = 0; z < QY_NR_ZONES; z++) {
		struct qy__zone *zone = &mm->zone[z];

		qy__lock(&zone->lock);
		stats->spanned += zone->end_pfn - zone->start_pfn;
		stats->managed += zone->managed;
		stats->free += zone->nr_free_pages;
		for (unsigned int o = 0; o <= mm->max_order; o++) {
			stats->nr_free[o] += zone->area[o].nr_free;
			if (zone->area[o].nr_free)
				stats->free_max = max(stats->free_max, (size_t)1 << o);
		}
		qy__unlock(&zone->lock);
	}
	stats->high_water = qy__load_relaxed(&mm->pages_high_water);
}

/*
 * The lists are held still while the system takes the memory: nobody may be given a page in the
 * meantime.
 */
static size_t trim_zone_locked(struct qy_mm *mm, struct qy__zone *zone)
{
	size_t bytes = 0;

	for (unsigned int o = 0; o <= mm->max_order; o++) {
		uint32_t pfn = zone->area[o].head;

		for (uint32_t n = zone->area[o].nr_free; n && pfn != QY__PFN_NONE; n--) {
			bytes += mm->os.ops->discard(&mm->os, qy__pfn_addr(mm, pfn),
						     QY_PAGE_SIZE << o);
			pfn = qy__pfn_page(mm, pfn)->next;
		}
	}
	return bytes;
}

size_t qy_mm_trim(struct qy_mm *mm)
{
	size_t bytes = 0;

	for (int z = 0; z < QY_NR_ZONES; z++) {
		qy__lock(&mm->zone[z].lock);
		bytes += trim_zone_locked(mm, &mm->zone[z]);
		qy__unlock(&mm->zone[z].lock);
	}
	return bytes;
}
