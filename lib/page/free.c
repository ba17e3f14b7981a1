/* SPDX-License-Identifier: MIT */
/*
 * free.c - the way back of a block: is it one, whose is it, and where does it go.
 *
 *   claim: the head says ALLOC, of this order  →  references: the last one  →  tails become INSIDE
 *   → page_debug_free  →  the CPU's list (pcp.c), or the zone (buddy.c)
 *
 * Place in an object's life: below page_alloc.c, which gives back at once what needs none of this.
 *
 * Locks: one zone->lock at a time.
 */
#include "page/free.h"

#include <errno.h>

#include "page/buddy.h"
#include "page/page_alloc.h"
#include "page/page_debug.h"
#include "page/page_report.h"
#include "page/pcp.h"
#include "page/report_free.h"
#include "util/plant.h"

/*
 * The other pages of a compound block become INSIDE, as those of any other block are. Whether it is
 * compound its second page says. No page on a free list has a reference.
 */
static inline void reset_tails(struct qy_page *head, unsigned int order)
{
	if (!order || head[1].type != QY__PAGE_TAIL)
		return;
	for (uint32_t i = 1; i < 1u << order; i++) {
		head[i].alloc.refcount = 0;
		qy__store_relaxed(&head[i].type, QY__PAGE_INSIDE);
		qy__page_set_flags(&head[i], 0);
	}
}

static void free_to_zone(struct qy_mm *mm, struct qy__zone *zone, struct qy_page *head,
			 unsigned int order)
{
	qy__lock(&zone->lock);
	qy__count_in_use_locked(mm, -((size_t)1 << order));
	qy__free_one_locked(mm, zone, qy__page_pfn(mm, head), order, QY__FPI_NONE);
	qy__report_free_if_due_locked(mm, zone);
	qy__unlock(&zone->lock);
}

/* @head is nobody's any more, its other pages are INSIDE. */
static inline void free_block(struct qy_mm *mm, struct qy_page *head, unsigned int order)
{
	struct qy__zone *zone = qy__page_zone(mm, head);

	qy__store_relaxed(&head->alloc.refcount, 0);
	qy__page_debug_free(mm, head, order);
	if (mm->pcp.on && order < QY__PCP_ORDERS && qy__pcp_free(mm, zone, head, order))
		return;
	free_to_zone(mm, zone, head, order);
}

void qy__free_block(struct qy_mm *mm, struct qy_page *head)
{
	unsigned int order = head->order;

	reset_tails(head, order);
	free_block(mm, head, order);
}

/*
 * Can @page be freed with @order? A block freed with another order is retired: whose it is, and how
 * large, is not known any more.
 */
static inline int check_claim(struct qy_page *page, unsigned int order)
{
	if (!qy__is_allocated(page))
		return -EINVAL;
	if (likely(page->order == order) || qy__planted(ORDER_UNCHECKED))
		return 0;
	qy__page_set_flags(page, qy__page_flags(page) | QY__PAGE_F_RETIRED);
	return -ERANGE;
}

/*
 * The release build trusts that two threads do not free one block at once: no atomic
 * read-modify-write on this way.
 */
static inline int take_claim(struct qy_page *page)
{
	uint8_t type = QY__PAGE_ALLOC;

	if (QY_CONFIG_DEBUG)
		return qy__cas_acquire(&page->type, &type, QY__PAGE_INSIDE) ? 0 : -EINVAL;
	qy__store_relaxed(&page->type, QY__PAGE_INSIDE);
	return 0;
}

static const char *bad_free_title(const struct qy_page *page)
{
	if (!page)
		return "Free of something that is no page of this instance";
	switch (page->type) {
	case QY__PAGE_BUDDY:
	case QY__PAGE_PCP:
	case QY__PAGE_GUARD:
	case QY__PAGE_INSIDE: return "Page already free, or in the middle of a block";
	case QY__PAGE_TAIL: return "Free in the middle of a compound block";
	case QY__PAGE_SLAB:
	case QY__PAGE_LARGE: return "Free of a page that belongs to a slab or a kmalloc block";
	case QY__PAGE_RESERVED: return "Free of a reserved page";
	case QY__PAGE_ALLOC:
		if (!qy__load_relaxed(&page->alloc.refcount))
			return "More references given back than there were";
		return "Free of a block that was given up after a report";
	default: return "Free of a page that is not there";
	}
}

void qy__report_bad_free(struct qy_mm *mm, const struct qy_page *page, const void *addr, int err,
			 uintptr_t caller)
{
	if (err == -ERANGE)
		qy__report_bad_page(mm, QY_REPORT_PAGE_ORDER, addr, page,
				    "Page block freed with another order", caller);
	else
		qy__report_bad_page(mm, QY_REPORT_BAD_PAGE_FREE, addr, page, bad_free_title(page),
				    caller);
}

/* One reference less. Return: how many are left; -EINVAL: there was none. */
static int drop_reference(struct qy_page *page)
{
	uint32_t refs = qy__load_relaxed(&page->alloc.refcount);

	do {
		if (!refs)
			return -EINVAL;
	} while (!qy__cas_acq_rel(&page->alloc.refcount, &refs, refs - 1));
	return (int)(refs - 1);
}

int qy__page_put(struct qy_mm *mm, struct qy_page *page)
{
	int left = drop_reference(page);
	unsigned int order;

	if (left)
		return left;
	/* Only now: as long as there were others, one of them may have made it smaller. */
	order = page->order;
	if (!check_claim(page, order) && !take_claim(page)) {
		reset_tails(page, order);
		free_block(mm, page, order);
	}
	return 0;
}

/* Others hold references: only ours goes; of a block that is not compound, all but its head. */
static void put_shared(struct qy_mm *mm, struct qy_page *page, unsigned int order)
{
	bool compound = order && page[1].type == QY__PAGE_TAIL;

	if (compound || !order) {
		qy__page_put(mm, page);
		return;
	}
	page->order = 0;
	qy__page_debug_split(mm, page, order);
	for (unsigned int o = 0; o < order; o++) {
		struct qy_page *part = page + (1u << o);

		part->order = (uint8_t)o;
		free_block(mm, part, o);
	}
	qy__page_put(mm, page);
}

int qy__free_pages_from(struct qy_mm *mm, struct qy_page *page, const void *addr,
			unsigned int order, uintptr_t caller)
{
	int err = -EINVAL;

	if (likely(page))
		err = check_claim(page, order);
	if (likely(!err)) {
		if (unlikely(qy__load_relaxed(&page->alloc.refcount) > 1)) {
			put_shared(mm, page, order);
			return 0;
		}
		err = take_claim(page);
	}
	if (unlikely(err)) {
		qy__report_bad_free(mm, page, addr, err, caller);
		return err;
	}
	reset_tails(page, order);
	free_block(mm, page, order);
	return 0;
}
