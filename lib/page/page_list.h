/* SPDX-License-Identifier: MIT */
/*
 * page_list.h - lists of pages, linked by page number through their descriptors.
 *
 *   list.head → [ page ] ⇄ [ page ] ⇄ [ page ] ← list.tail          list.nr: 3
 *               prev NONE             next NONE
 *
 * A page can be on one list at a time: page->next and page->prev are its only links. There are two
 * kinds, types of their own so that nobody mixes them up:
 *
 *   qy__page_list    any page can be taken off, by itself. Ends say QY__PFN_NONE; empty is
 *                    QY__PAGE_LIST_INIT. For slabs, quarantined pages, whatever is not hot.
 *   qy__page_stack   pages come and go at its ends only, and only nr says when it is empty: the
 *                    first page's prev and the last one's next, and head and tail of an empty one,
 *                    may be anything. So taking the first page does not touch the second, whose
 *                    descriptor is hardly ever in the cache, and zeroed memory is an empty stack.
 *                    For the CPUs' page lists (pcp.h).
 *
 * The buddy's free lists are a third kind, with one counter for all types of an order and links
 * that are chosen without a jump: buddy.c.
 *
 * Locks: none here. Whoever owns the list holds what protects it.
 */
#ifndef QY_PAGE_PAGE_LIST_H
#define QY_PAGE_PAGE_LIST_H

#include "page/page.h"

struct qy__page_list {
	uint32_t head, tail; /* pfns */
	uint32_t nr;	     /* pages (or blocks: only heads are linked) */
};

#define QY__PAGE_LIST_INIT                                                                         \
	{                                                                                          \
		QY__PFN_NONE, QY__PFN_NONE, 0                                                      \
	}

static inline void qy__page_list_init(struct qy__page_list *list)
{
	*list = (struct qy__page_list)QY__PAGE_LIST_INIT;
}

static inline bool qy__page_list_is_empty(const struct qy__page_list *list)
{
	return list->head == QY__PFN_NONE;
}

/* The first page; NULL: the list is empty. */
static inline struct qy_page *qy__page_list_first(const struct qy_mm *mm,
						  const struct qy__page_list *list)
{
	return qy__page_list_is_empty(list) ? NULL : qy__pfn_page(mm, list->head);
}

/* Before @page, whose next is set, comes @prev (QY__PFN_NONE: nothing); and the reverse. */
static inline void qy__page_list_link_prev(const struct qy_mm *mm, struct qy__page_list *list,
					   struct qy_page *page, uint32_t prev)
{
	page->prev = prev;
	if (prev == QY__PFN_NONE)
		list->head = qy__page_pfn(mm, page);
	else
		qy__pfn_page(mm, prev)->next = qy__page_pfn(mm, page);
}

static inline void qy__page_list_link_next(const struct qy_mm *mm, struct qy__page_list *list,
					   struct qy_page *page, uint32_t next)
{
	page->next = next;
	if (next == QY__PFN_NONE)
		list->tail = qy__page_pfn(mm, page);
	else
		qy__pfn_page(mm, next)->prev = qy__page_pfn(mm, page);
}

/* @page is on no list. */
static inline void qy__page_list_add_head(const struct qy_mm *mm, struct qy__page_list *list,
					  struct qy_page *page)
{
	qy__page_list_link_next(mm, list, page, list->head);
	qy__page_list_link_prev(mm, list, page, QY__PFN_NONE);
	list->nr++;
}

static inline void qy__page_list_add_tail(const struct qy_mm *mm, struct qy__page_list *list,
					  struct qy_page *page)
{
	qy__page_list_link_prev(mm, list, page, list->tail);
	qy__page_list_link_next(mm, list, page, QY__PFN_NONE);
	list->nr++;
}

/* @page is on @list. Its links say QY__PFN_NONE afterwards. */
static inline void qy__page_list_del(const struct qy_mm *mm, struct qy__page_list *list,
				     struct qy_page *page)
{
	if (page->prev == QY__PFN_NONE)
		list->head = page->next;
	else
		qy__pfn_page(mm, page->prev)->next = page->next;
	if (page->next == QY__PFN_NONE)
		list->tail = page->prev;
	else
		qy__pfn_page(mm, page->next)->prev = page->prev;
	page->next = page->prev = QY__PFN_NONE;
	list->nr--;
}

/* Take the first page off; NULL: the list is empty. */
static inline struct qy_page *qy__page_list_pop(const struct qy_mm *mm, struct qy__page_list *list)
{
	struct qy_page *page = qy__page_list_first(mm, list);

	if (page)
		qy__page_list_del(mm, list, page);
	return page;
}

/* All of @from, in its order, behind what @to has. @from is empty afterwards. O(1). */
static inline void qy__page_list_splice_tail(const struct qy_mm *mm, struct qy__page_list *to,
					     struct qy__page_list *from)
{
	if (qy__page_list_is_empty(from))
		return;
	qy__page_list_link_prev(mm, to, qy__pfn_page(mm, from->head), to->tail);
	to->tail = from->tail;
	to->nr += from->nr;
	qy__page_list_init(from);
}

/*
 * A way along a list, from its head to its tail. It ends after as many pages as the list has when
 * it begins, and at a link that leads out of the instance: a damaged list cannot hold it up. The
 * page that it gave last may be taken off the list.
 *
 *   struct qy__page_walk walk = qy__page_list_walk(list);
 *
 *   while ((page = qy__page_walk_next(mm, &walk)))
 */
struct qy__page_walk {
	uint32_t pfn;  /* comes next */
	uint32_t left; /* at most so many */
};

static inline struct qy__page_walk qy__page_list_walk(const struct qy__page_list *list)
{
	return (struct qy__page_walk){list->head, list->nr};
}

static inline struct qy_page *qy__page_walk_next(const struct qy_mm *mm, struct qy__page_walk *walk)
{
	struct qy_page *page;

	if (!walk->left || !qy__pfn_valid(mm, walk->pfn))
		return NULL;
	page = qy__pfn_page(mm, walk->pfn);
	walk->pfn = page->next;
	walk->left--;
	return page;
}

/* ---- stacks ---- */

/* head: the page that was pushed last. */
struct qy__page_stack {
	uint32_t head, tail; /* pfns */
	uint32_t nr;
};

static inline void qy__page_stack_push(const struct qy_mm *mm, struct qy__page_stack *stack,
				       struct qy_page *page)
{
	uint32_t pfn = qy__page_pfn(mm, page);

	page->next = stack->head;
	if (stack->nr)
		qy__pfn_page(mm, stack->head)->prev = pfn;
	else
		stack->tail = pfn;
	stack->head = pfn;
	stack->nr++;
}

/* The stack is not empty. */
static inline struct qy_page *qy__page_stack_pop(const struct qy_mm *mm,
						 struct qy__page_stack *stack)
{
	struct qy_page *page = qy__pfn_page(mm, stack->head);

	stack->head = page->next;
	stack->nr--;
	return page;
}

/* At the other end: pages that are to be given out last. */
static inline void qy__page_stack_push_tail(const struct qy_mm *mm, struct qy__page_stack *stack,
					    struct qy_page *page)
{
	uint32_t pfn = qy__page_pfn(mm, page);

	page->prev = stack->tail;
	if (stack->nr)
		qy__pfn_page(mm, stack->tail)->next = pfn;
	else
		stack->head = pfn;
	stack->tail = pfn;
	stack->nr++;
}

/* The one that lies there longest; the stack is not empty. */
static inline struct qy_page *qy__page_stack_pop_tail(const struct qy_mm *mm,
						      struct qy__page_stack *stack)
{
	struct qy_page *page = qy__pfn_page(mm, stack->tail);

	stack->tail = page->prev;
	stack->nr--;
	return page;
}

#endif
