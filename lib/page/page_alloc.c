/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.c - the way of a request through the page floor, and of a block back.
 *
 * Place in an object's life: slub.c and kmalloc.c ask here for blocks. The first zone of the node's
 * list that the flags allow and whose mark is met serves, from the CPU's own lists (pcp.c) if the
 * block is small, else from the buddy. What happens when none does is in slow_path.c.
 *
 * Locks: one zone->lock at a time.
 */
#include "page/page_alloc.h"

#include <errno.h>
#include <string.h>

#include "page/alloc_context.h"
#include "page/page_debug.h"
#include "page/page_report.h"
#include "page/pcp.h"
#include "page/report_free.h"
#include "page/rmqueue.h"
#include "page/zone.h"
#include "page/zonelist.h"
#include "util/bitops.h"
#include "util/plant.h"

/* ---- taking ---- */

/* Boosts are no concern of a small request that may use reserves. */
static uint32_t mark_of(const struct qy__zone *zone, const struct qy__alloc_context *ac,
			unsigned int alloc_flags)
{
	enum qy_watermark mark = alloc_flags & QY__ALLOC_MARK;

	if (mark == QY_WMARK_MIN && !ac->order && (alloc_flags & QY__ALLOC_HIGH))
		return qy__load_relaxed(&zone->mark[mark]);
	return qy__wmark(zone, mark);
}

static inline bool watermark_allows(const struct qy_mm *mm, const struct qy__zone *zone,
				    const struct qy__alloc_context *ac, unsigned int alloc_flags)
{
	if (likely(!qy__load_relaxed(&mm->marks.on)) || (alloc_flags & QY__ALLOC_NO_WATERMARKS))
		return true;
	return qy__zone_watermark_ok(mm, zone, ac->order, mark_of(zone, ac, alloc_flags),
				     ac->highest, alloc_flags);
}

static struct qy_page *rmqueue_zone(struct qy_mm *mm, struct qy__zone *zone,
				    const struct qy__alloc_context *ac, unsigned int alloc_flags)
{
	struct qy_page *page;

	qy__lock(&zone->lock);
	page = qy__rmqueue_locked(mm, zone, ac->order, ac->migratetype, alloc_flags);
	if (page) {
		qy__count_in_use_locked(mm, (size_t)1 << ac->order);
		if (alloc_flags & QY__ALLOC_HIGHATOMIC)
			qy__reserve_highatomic_locked(mm, zone, qy__page_pfn(mm, page));
	}
	qy__unlock(&zone->lock);
	return page;
}

static inline struct qy_page *rmqueue(struct qy_mm *mm, struct qy__zone *zone,
				      const struct qy__alloc_context *ac, unsigned int alloc_flags)
{
	if (mm->pcp.on && ac->order < QY__PCP_ORDERS && !(alloc_flags & QY__ALLOC_HIGHATOMIC)) {
		struct qy_page *page =
			qy__pcp_alloc(mm, zone, ac->order, ac->migratetype, alloc_flags);

		if (likely(page))
			return page;
	}
	return rmqueue_zone(mm, zone, ac, alloc_flags);
}

/* The zone that should have served: the first of the list that has pages. */
static struct qy__zone *preferred_zone(struct qy_mm *mm, const struct qy__alloc_context *ac)
{
	for (const uint16_t *z = ac->list; *z != QY__ZONE_END; z++) {
		struct qy__zone *zone = &mm->zone[*z];

		if (zone->type <= ac->highest && qy__load_relaxed(&zone->managed))
			return zone;
	}
	return NULL;
}

static QY_NOINLINE void count_numa(struct qy_mm *mm, struct qy__zone *zone,
				   const struct qy__alloc_context *ac)
{
	struct qy__zone *wanted = preferred_zone(mm, ac);
	bool local = zone->node == qy__this_node(mm);

	if (zone->node == wanted->node) {
		qy__fetch_add(&zone->numa[QY__NUMA_HIT], 1);
	} else {
		qy__fetch_add(&zone->numa[QY__NUMA_MISS], 1);
		qy__fetch_add(&wanted->numa[QY__NUMA_FOREIGN], 1);
	}
	qy__fetch_add(&zone->numa[local ? QY__NUMA_LOCAL : QY__NUMA_OTHER], 1);
}

struct qy_page *qy__get_page_from_freelist(struct qy_mm *mm, const struct qy__alloc_context *ac,
					   unsigned int alloc_flags)
{
	for (const uint16_t *z = ac->list; *z != QY__ZONE_END; z++) {
		struct qy__zone *zone = &mm->zone[*z];
		struct qy_page *page;

		if (zone->type > ac->highest || !qy__load_relaxed(&zone->managed))
			continue;
		if (!watermark_allows(mm, zone, ac, alloc_flags))
			continue;
		page = rmqueue(mm, zone, ac, alloc_flags);
		if (!page)
			continue;
		if (unlikely(mm->nr_nodes > 1))
			count_numa(mm, zone, ac);
		return page;
	}
	return NULL;
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

/* What nobody else looks at before the type says so. */
static inline void prep_head(struct qy_mm *mm, struct qy_page *page, qy_gfp_t gfp,
			     enum qy__page_type type)
{
	memset(&page->slab, 0, sizeof(page->slab));
	if (type == QY__PAGE_ALLOC) {
		page->alloc.refcount = 1;
		/* Last: who may move a block looks at what stands above only then (contig.c). */
		if (gfp & QY_GFP_MOVABLE)
			qy__store_release(&page->flags, QY__PAGE_F_MOVABLE);
		return; /* ALLOC it is already; nobody looks at its links */
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
		return NULL;
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

/* The second page says for all of them whether the block is compound. Free pages: refcount 0. */
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

static inline bool is_allocated(const struct qy_page *page)
{
	return qy__load_relaxed(&page->type) == QY__PAGE_ALLOC &&
	       !(qy__page_flags(page) & QY__PAGE_F_RETIRED);
}

/* Can @page be freed with @order? If the order is wrong, nobody will get it again. */
static inline int check_claim(struct qy_page *page, unsigned int order)
{
	if (!is_allocated(page))
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

int qy__claim_block(struct qy_page *page, unsigned int order)
{
	int err = check_claim(page, order);

	return err ? err : take_claim(page);
}

static const char *bad_free_title(const struct qy_mm *mm, const struct qy_page *page)
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
	case QY__PAGE_ALLOC: return "Free of a block that was given up after a report";
	default: return mm ? "Free of a page that is not there" : "";
	}
}

void qy__report_bad_free(struct qy_mm *mm, const struct qy_page *page, const void *addr, int err,
			 uintptr_t caller)
{
	if (err == -ERANGE)
		qy__report_bad_page(mm, QY_REPORT_PAGE_ORDER, addr, page,
				    "Page block freed with another order", caller);
	else
		qy__report_bad_page(mm, QY_REPORT_BAD_PAGE_FREE, addr, page,
				    bad_free_title(mm, page), caller);
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

void qy__page_put(struct qy_mm *mm, struct qy_page *page)
{
	if (__atomic_fetch_sub(&page->alloc.refcount, 1, __ATOMIC_ACQ_REL) > 1)
		return;
	qy__store_relaxed(&page->alloc.refcount, 1);
	if (!qy__claim_block(page, page->order)) {
		reset_tails(page, page->order);
		free_block(mm, page, page->order);
	}
}

static QY_NOINLINE int free_pages_from(struct qy_mm *mm, struct qy_page *page, const void *addr,
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
	return free_pages_from(mm, ours, page, order, (uintptr_t)__builtin_return_address(0));
}

int qy_free_pages_addr(struct qy_mm *mm, const void *addr, unsigned int order)
{
	struct qy_page *page = qy__addr_page(mm, addr);

	if (page && qy__page_addr(mm, page) != addr)
		page = NULL;
	if (likely(page) && likely(free_ready(mm, page, order)))
		return 0;
	return free_pages_from(mm, page, addr, order, (uintptr_t)__builtin_return_address(0));
}

int qy_page_get(struct qy_mm *mm, struct qy_page *page)
{
	page = qy__check_page_pointer(mm, page);
	if (!page || !is_allocated(page))
		return -EINVAL;
	return (int)qy__fetch_add(&page->alloc.refcount, 1) + 1;
}

int qy_page_put(struct qy_mm *mm, struct qy_page *page)
{
	struct qy_page *head = qy__check_page_pointer(mm, page);
	uint32_t left;

	if (!head || !is_allocated(head)) {
		qy__report_bad_free(mm, head, page, -EINVAL,
				    (uintptr_t)__builtin_return_address(0));
		return -EINVAL;
	}
	left = qy__load_relaxed(&head->alloc.refcount) - 1;
	qy__page_put(mm, head);
	return (int)left;
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

struct qy_page *qy_page_head(const struct qy_mm *mm, struct qy_page *page)
{
	return qy__page_head(mm, page);
}
