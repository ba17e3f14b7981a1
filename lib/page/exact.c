/* SPDX-License-Identifier: MIT */
/*
 * exact.c - blocks of pages that do not come as 2^order: split, exact, by the array.
 *
 * A split block is as many single pages, each with its own reference and its own way back:
 *
 *   9 pages asked for   [ ------------- 16 pages, order 4 ------------- ]
 *   split               [0][1][2][3][4][5][6][7][8][9][10][11][12][13][14][15]
 *   handed out          [0][1][2][3][4][5][6][7][8]       given back: seven pages
 *
 * Place in an object's life: above page_alloc.c, whose blocks are taken apart here; what is given
 * back goes page by page through the usual way, so that every page is checked, poisoned and noted
 * by itself.
 *
 * Lock: zone->lock, while a block changes from one into many: a neighbour that walks the zone sees
 * the one or the many.
 */
#include <errno.h>

#include "page/contig.h"
#include "page/page_alloc.h"
#include "page/page_debug.h"
#include "util/bitops.h"
#include "util/fail.h"
#include "util/plant.h"

/* 0: the block at @head can be taken apart. Lock: zone->lock. */
static int check_split(const struct qy_page *head, unsigned int order)
{
	if (qy__load_relaxed(&head->type) != QY__PAGE_ALLOC ||
	    (qy__page_flags(head) & QY__PAGE_F_RETIRED))
		return -EINVAL;
	if (qy__load_relaxed(&head->alloc.refcount) != 1 || qy__load_relaxed(&head->alloc.frag))
		return -EINVAL;
	if (head->order && qy__load_relaxed(&head[1].type) == QY__PAGE_TAIL)
		return -EINVAL;
	return head->order == order ? 0 : -ERANGE;
}

/* The head stays what it is, but of order 0. Lock: zone->lock. */
static void split_block(struct qy_mm *mm, struct qy_page *head)
{
	unsigned int flags = qy__page_flags(head) & QY__PAGE_F_MOVABLE, order = head->order;

	for (uint32_t i = 1; i < 1u << order; i++) {
		qy__prep_single(mm, head + i, flags);
		if (qy__planted(SPLIT_NO_REFERENCE))
			head[i].alloc.refcount = 0;
	}
	qy__store_relaxed(&head->order, 0);
}

int qy_split_page(struct qy_mm *mm, struct qy_page *page, unsigned int order)
{
	struct qy__zone *zone;
	int err;

	page = qy__check_page_pointer(mm, page);
	if (!page)
		return -EINVAL;
	zone = qy__page_zone(mm, page);
	qy__lock(&zone->lock);
	err = check_split(page, order);
	if (!err)
		split_block(mm, page);
	qy__unlock(&zone->lock);
	if (!err)
		qy__page_debug_split(mm, page, order);
	return err;
}

/* ---- exactly as many pages as hold the bytes ---- */

static size_t pages_of(size_t bytes)
{
	return (bytes >> QY_CONFIG_PAGE_SHIFT) + !!(bytes & QY_PAGE_MASK);
}

void *qy_alloc_pages_exact(struct qy_mm *mm, qy_gfp_t gfp, size_t bytes)
{
	size_t used = pages_of(bytes);
	struct qy__zone *zone;
	struct qy_page *head;
	unsigned int order;

	if (!bytes || (gfp & QY_GFP_COMP))
		return qy__fail(EINVAL);
	order = qy__get_order(bytes);
	if (order > mm->max_order)
		return qy__fail(ENOMEM);
	head = qy__alloc_block(mm, gfp, order, QY__PAGE_ALLOC);
	if (!head)
		return NULL;
	zone = qy__page_zone(mm, head);
	qy__lock(&zone->lock);
	split_block(mm, head);
	qy__unlock(&zone->lock);
	qy__page_debug_split(mm, head, order);
	for (size_t i = used + qy__planted(EXACT_KEEPS_ONE); i < (size_t)1 << order; i++)
		qy__free_block(mm, head + i);
	return qy__page_addr(mm, head);
}

/* The first page of [first, first + nr) that cannot be freed, and why; 0: all can. */
static int check_singles(const struct qy_mm *mm, uint32_t first, size_t nr, size_t *bad)
{
	for (size_t i = 0; i < nr; i++) {
		int err = -EINVAL;

		if (i < QY__PFN_NONE - first && qy__pfn_valid(mm, first + (uint32_t)i))
			err = qy__check_single(qy__pfn_page(mm, first + (uint32_t)i));
		if (!err)
			continue;
		*bad = i;
		return err;
	}
	return 0;
}

int qy_free_pages_exact(struct qy_mm *mm, const void *addr, size_t bytes)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	struct qy_page *page = qy__addr_page(mm, addr);
	size_t nr = pages_of(bytes), bad = 0;
	int err = -EINVAL;

	if (!page || !nr || qy__page_addr(mm, page) != addr) {
		qy__report_bad_free(mm, NULL, addr, -EINVAL, caller);
		return -EINVAL;
	}
	err = check_singles(mm, qy__page_pfn(mm, page), nr, &bad);
	if (err) {
		const char *at = (const char *)addr + (bad << QY_CONFIG_PAGE_SHIFT);

		qy__report_bad_free(mm, qy__addr_page(mm, at), at, err, caller);
		return err;
	}
	for (size_t i = 0; i < nr; i++) {
		int e = qy_free_pages(mm, page + i, 0);

		err = err ? err : e;
	}
	return err;
}

/* ---- single pages by the array ---- */

unsigned int qy_alloc_pages_bulk(struct qy_mm *mm, qy_gfp_t gfp, unsigned int nr,
				 struct qy_page **array)
{
	struct qy_page **empty = NULL;
	unsigned int filled = 0, got = 0;

	for (unsigned int i = 0; i < nr; i++) {
		if (array[i] && !(qy__planted(BULK_OVERWRITES) && i == 1)) {
			filled++;
			continue;
		}
		/* After a failure the rest is only counted. */
		if (empty)
			continue;
		array[i] = qy__alloc_block(mm, qy__gfp_at_once(gfp), 0, QY__PAGE_ALLOC);
		if (array[i])
			got++;
		else
			empty = &array[i];
	}
	/* One page is always worth the whole effort: a caller that waits for all comes on. */
	if (empty && !got) {
		*empty = qy__alloc_block(mm, gfp, 0, QY__PAGE_ALLOC);
		got = *empty ? 1 : 0;
	}
	return filled + got;
}
