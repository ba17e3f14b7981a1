/* SPDX-License-Identifier: MIT */
/*
 * check_list.c - the free lists of a zone, compared with the free blocks that the census found: B1,
 * B4, B6; and what free memory holds: B13.
 *
 *   census   order 2: two heads, order 0: one    lists   as many, linked both ways
 *
 * Links that agree in both directions, no more steps than there are heads, and as many steps as
 * there are: then a list holds each head once.
 *
 * Lock: zone->lock, held by the caller.
 */
#include "check/check_page.h"

#include "page/page_debug.h"

static inline bool is_listed(const struct qy_page *page, unsigned int order, unsigned int type,
			     uint32_t prev)
{
	return page->type == QY__PAGE_BUDDY && page->order == order && page->migratetype == type &&
	       page->prev == prev;
}

static QY_COLD void explain_listed(struct qy__census *c, uint32_t pfn, unsigned int order,
				   unsigned int type, uint32_t prev)
{
	const struct qy_page *page = qy__census_page(c, pfn);

	if (!qy__holds(c->ck, page->type == QY__PAGE_BUDDY && page->order == order, "B1",
		       QY__ZONE_FMT " order %u: page %u on the list is %s of order %u",
		       QY__ZONE_ARG(c), order, pfn, qy__check_page_type(page), page->order))
		return;
	if (qy__holds(c->ck, page->migratetype == type, "B6",
		      QY__ZONE_FMT " order %u: page %u of type %u is on the list of type %u",
		      QY__ZONE_ARG(c), order, pfn, page->migratetype, type))
		qy__violation(c->ck, "B4", QY__ZONE_FMT " order %u: page %u has prev %d, not %d",
			      QY__ZONE_ARG(c), order, pfn, (int)page->prev, (int)prev);
}

static void check_list(struct qy__census *c, const struct qy__free_area *area, unsigned int order,
		       unsigned int type)
{
	uint32_t prev = QY__PFN_NONE, n = 0, heads = c->heads[order][type], pfn;

	for (pfn = area->head[type]; pfn != QY__PFN_NONE && n <= heads; n++) {
		const struct qy_page *page;

		if (unlikely(pfn < c->start || pfn >= c->end)) {
			qy__violation(c->ck, "B4",
				      QY__ZONE_FMT " order %u: link to page %u, not in the zone",
				      QY__ZONE_ARG(c), order, pfn);
			return;
		}
		page = qy__census_page(c, pfn);
		if (unlikely(!is_listed(page, order, type, prev))) {
			explain_listed(c, pfn, order, type, prev);
			return;
		}
		prev = pfn;
		pfn = page->next;
	}
	c->ck->tests += 4 * n;
	if (qy__holds(c->ck, n == heads, "B4",
		      QY__ZONE_FMT " order %u type %u: %u blocks, %s%u on the list",
		      QY__ZONE_ARG(c), order, type, heads, n > heads ? "at least " : "", n))
		qy__holds(c->ck, area->tail[type] == prev, "B4",
			  QY__ZONE_FMT " order %u type %u: tail is %d, last is %d", QY__ZONE_ARG(c),
			  order, type, (int)area->tail[type], (int)prev);
}

/* Nothing on any of its lists? Heads and tails lie side by side: one look at all of them. */
static inline bool area_is_empty(const struct qy__free_area *area)
{
	uint32_t all = QY__PFN_NONE;

	_Static_assert(offsetof(struct qy__free_area, tail) == sizeof(area->head),
		       "tails follow heads");
	for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++)
		all &= area->head[type] & area->tail[type];
	return all == QY__PFN_NONE && !area->nr_free;
}

static void check_empty(struct qy__census *c, unsigned int order)
{
	const struct qy__free_area *area = &c->zone->area[order];

	qy__holds(c->ck, area_is_empty(area), "B4",
		  QY__ZONE_FMT " order %u: no blocks, but a list or nr_free (%u) says so",
		  QY__ZONE_ARG(c), order, area->nr_free);
}

void qy__check_no_lists(struct qy__census *c)
{
	for (unsigned int order = 0; order < QY__NR_ORDERS; order++)
		check_empty(c, order);
}

void qy__check_lists(struct qy__census *c)
{
	for (unsigned int order = 0; order <= c->max_order; order++) {
		const struct qy__free_area *area = &c->zone->area[order];
		const uint32_t *heads = c->heads[order];
		uint32_t blocks = 0;

		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++)
			blocks += heads[type];
		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++)
			if (heads[type] | ~area->head[type] | ~area->tail[type])
				check_list(c, area, order, type);
		qy__holds(c->ck, area->nr_free == blocks, "B4",
			  QY__ZONE_FMT " order %u: %u blocks, nr_free says %u", QY__ZONE_ARG(c),
			  order, blocks, area->nr_free);
	}
	/* What lies above is never looked at by anybody. */
	for (unsigned int order = c->max_order + 1; c->deep && order < QY__NR_ORDERS; order++)
		check_empty(c, order);
}

/* ---- contents ---- */

/* May the memory of free pages be read, and is it known? Then the byte it holds, else -1. */
static int free_byte(const struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;

	/* A debug build can make them trap, and one damaged bit would hide that from us. */
	if (QY_CONFIG_DEBUG && mm->os.base != mm)
		return -1;
	if (qy__page_debug_has(mm, QY_PAGE_UNMAP))
		return -1;
	if (qy__page_debug_has(mm, QY_PAGE_POISON))
		return QY__PAGE_POISON;
	return qy__page_debug_has(mm, QY_PAGE_INIT_ON_FREE) ? 0 : -1;
}

static void check_block_contents(struct qy__census *c, uint32_t pfn, unsigned int order, int byte)
{
	const char *start = qy__check_pfn_addr(c->ck, pfn);
	size_t len = QY_PAGE_SIZE << order;
	const uint8_t *bad;

	if (c->ck->what & QY_CHECK_CONTENTS) {
		bad = qy__check_bytes(start, (uint8_t)byte, len);
	} else { /* the ends: what overflows reach first */
		bad = qy__check_bytes(start, (uint8_t)byte, sizeof(uint64_t));
		if (!bad)
			bad = qy__check_bytes(start + len - sizeof(uint64_t), (uint8_t)byte,
					      sizeof(uint64_t));
	}
	qy__holds(c->ck, !bad, "B13", "free page %u holds %02x at offset %zu, not %02x",
		  bad ? qy__check_addr_pfn(c->ck, bad) : pfn, bad ? *bad : 0,
		  bad ? (size_t)((uintptr_t)bad & QY_PAGE_MASK) : 0, (unsigned int)byte);
}

void qy__check_contents(struct qy__census *c)
{
	int byte = free_byte(c->ck);

	if (likely(byte < 0))
		return;
	for (uint32_t pfn = c->start; pfn < c->end;) {
		const struct qy_page *page = qy__census_page(c, pfn);
		unsigned int order = page->order;
		bool free = page->type == QY__PAGE_BUDDY || page->type == QY__PAGE_PCP;

		if (!free || order > c->max_order || 1u << order > c->end - pfn) {
			pfn++;
			continue;
		}
		check_block_contents(c, pfn, order, byte);
		pfn += 1u << order;
	}
}
