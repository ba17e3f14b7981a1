/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.c - the doors of the page floor: taking and giving back blocks of pages, references,
 * descriptors; and the usual case of both, which needs no other file.
 *
 *   taking        ready on the CPU's list → else freelist.c, the zones in order → else slow_path.c
 *   giving back   as it was given, for the CPU's list → else free.c
 *
 * Locks: none here.
 */
#include "page/page_alloc.h"

#include <errno.h>
#include <string.h>

#include "page/alloc_context.h"
#include "page/buddy.h"
#include "page/free.h"
#include "page/page_debug.h"
#include "page/page_report.h"
#include "page/pcp.h"
#include "page/zone.h"
#include "page/zonelist.h"
#include "util/fail.h"
#include "util/plant.h"

/* ---- taking ---- */

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

/* What others look at only after the type, written last, says so. */
static inline void prep_head(struct qy_mm *mm, struct qy_page *page, qy_gfp_t gfp,
			     enum qy__page_type type)
{
	memset(&page->slab, 0, sizeof(page->slab));
	if (type == QY__PAGE_ALLOC) {
		page->alloc.refcount = 1;
		/* Last: who may move a block looks at what stands above only then (contig.c). */
		if (gfp & QY_GFP_MOVABLE)
			qy__store_release(&page->flags, QY__PAGE_F_MOVABLE);
		return; /* the type is ALLOC already, and its links mean nothing */
	}
	page->head = qy__page_pfn(mm, page);
	page->next = page->prev = QY__PFN_NONE;
	if (type == QY__PAGE_LARGE)
		page->large.live =
			QY__LARGE_IN_CHANGE; /* before it can be seen to be LARGE: see validate.c */
	qy__store_release(&page->type, (uint8_t)type);
}

static QY_NOINLINE struct qy_page *alloc_any(struct qy_mm *mm, unsigned int node, qy_gfp_t gfp,
					     unsigned int order)
{
	struct qy__alloc_context ac = {
		.gfp = gfp,
		.order = order,
		.node = node,
		.highest = qy__planted(ZONE_IGNORED) ? QY_ZONE_NORMAL : qy__gfp_zone(gfp),
		.migratetype = qy__gfp_migratetype(mm, gfp),
		.list = qy__zonelist(mm, node, gfp),
	};
	struct qy_page *page = NULL;

	if (likely(order <= mm->max_order))
		page = qy__get_page_from_freelist(mm, &ac, qy__fast_alloc_flags(&ac));
	return likely(page) ? page : qy__alloc_slow(mm, &ac);
}

/* What lies ready on the CPU's list, where no mark and no other zone has a say. */
static inline struct qy_page *alloc_ready(const struct qy_mm *mm, qy_gfp_t gfp, unsigned int order)
{
	const struct qy__zone *zone = qy__load_acquire(&mm->fast_zone);

	if (!zone || order >= QY__PCP_ORDERS ||
	    (gfp & (QY_GFP_DMA | QY_GFP_DMA32 | QY_GFP_HIGHMEM)))
		return NULL;
	return qy__pcp_take(mm, zone, order, qy__gfp_migratetype(mm, gfp));
}

static QY_ALWAYS_INLINE struct qy_page *alloc_block(struct qy_mm *mm, unsigned int node,
						    qy_gfp_t gfp, unsigned int order,
						    enum qy__page_type type)
{
	struct qy_page *page = alloc_ready(mm, gfp, order);

	if (unlikely(!page))
		page = alloc_any(mm, node, gfp, order);
	while (page && unlikely(!qy__check_new_page(mm, page, order)))
		page = alloc_any(mm, node, gfp, order);
	if (unlikely(!page))
		return NULL;
	prep_head(mm, page, gfp, type);
	if (order && (type != QY__PAGE_ALLOC || (gfp & QY_GFP_COMP)))
		prep_compound(mm, page, order);
	qy__page_debug_alloc(mm, page, order, gfp);
	return page;
}

struct qy_page *qy__alloc_block_node(struct qy_mm *mm, unsigned int node, qy_gfp_t gfp,
				     unsigned int order, enum qy__page_type type)
{
	return alloc_block(mm, node, gfp, order, type);
}

struct qy_page *qy__alloc_block(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order,
				enum qy__page_type type)
{
	return qy__alloc_block_node(mm, qy__this_node(mm), gfp, order, type);
}

struct qy_page *qy_alloc_pages(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order)
{
	return alloc_block(mm, qy__this_node(mm), gfp, order, QY__PAGE_ALLOC);
}

struct qy_page *qy_alloc_pages_node(struct qy_mm *mm, unsigned int node, qy_gfp_t gfp,
				    unsigned int order)
{
	if (node >= mm->nr_nodes)
		return qy__fail(EINVAL);
	return qy__alloc_block_node(mm, node, gfp, order, QY__PAGE_ALLOC);
}

void *qy_get_free_pages(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order)
{
	struct qy_page *page = qy_alloc_pages(mm, gfp, order);

	return page ? qy__page_addr(mm, page) : NULL;
}

void *qy_get_zeroed_page(struct qy_mm *mm, qy_gfp_t gfp)
{
	return qy_get_free_pages(mm, gfp | QY_GFP_ZERO, 0);
}

/* ---- giving back ---- */

/*
 * The usual case, release: a block of the fast zone with no other reference and nothing to be done
 * to it, for this CPU's list. false: anything else.
 */
static QY_ALWAYS_INLINE bool free_ready(struct qy_mm *mm, struct qy_page *page, unsigned int order)
{
	struct qy__zone *zone = qy__load_acquire(&mm->fast_zone);

	if (QY_CONFIG_DEBUG || !zone || order >= QY__PCP_ORDERS || mm->page_debug.on)
		return false;
	if ((qy__load_relaxed(&page->state) & ~QY__PAGE_STATE(0, 0, 0, QY__PAGE_F_MOVABLE)) !=
		    QY__PAGE_STATE(QY__PAGE_ALLOC, order, QY_ZONE_NORMAL, 0) ||
	    qy__load_relaxed(&page->alloc.refcount) != 1)
		return false;
	if (order && page[1].type == QY__PAGE_TAIL)
		return false;
	return qy__pcp_put(mm, zone, page, order);
}

int qy_free_pages(struct qy_mm *mm, struct qy_page *page, unsigned int order)
{
	struct qy_page *ours = qy__check_page_pointer(mm, page);

	if (likely(ours) && likely(free_ready(mm, ours, order)))
		return 0;
	return qy__free_pages_from(mm, ours, page, order, (uintptr_t)__builtin_return_address(0));
}

int qy_free_pages_addr(struct qy_mm *mm, const void *addr, unsigned int order)
{
	struct qy_page *page = qy__addr_page(mm, addr);

	if (page && qy__page_addr(mm, page) != addr)
		page = NULL;
	if (likely(page) && likely(free_ready(mm, page, order)))
		return 0;
	return qy__free_pages_from(mm, page, addr, order, (uintptr_t)__builtin_return_address(0));
}

int qy_page_get(struct qy_mm *mm, struct qy_page *page)
{
	page = qy__check_page_pointer(mm, page);
	if (!page || !qy__is_allocated(page))
		return -EINVAL;
	return (int)qy__fetch_add(&page->alloc.refcount, 1) + 1;
}

int qy_page_put(struct qy_mm *mm, struct qy_page *page)
{
	struct qy_page *head = qy__check_page_pointer(mm, page);
	int left = -EINVAL;

	if (head && qy__is_allocated(head))
		left = qy__page_put(mm, head);
	if (left < 0)
		qy__report_bad_free(mm, head, page, -EINVAL,
				    (uintptr_t)__builtin_return_address(0));
	return left;
}

/* ---- descriptors ---- */

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

struct qy_page *qy_page_head(const struct qy_mm *mm, struct qy_page *page)
{
	return qy__page_head(mm, page);
}
