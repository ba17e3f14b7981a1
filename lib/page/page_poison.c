/* SPDX-License-Identifier: MIT */
/*
 * page_poison.c - what the memory of free pages holds: written, made to trap, verified.
 *
 *   comes in, is freed   0xaa (POISON), else 0 (INIT_ON_FREE)  →  no access (UNMAP)
 *   is allocated         access  →  0xaa verified
 *
 * Locks: none of the page floor's may be held, for the memory is the caller's; validation takes
 * pcp.lock, then the zones' locks.
 */
#include "page/page_poison.h"

#include <string.h>

#include "page/page_debug_report.h"
#include "page/page_owner.h"
#include "page/pcp.h"
#include "util/plant.h"

/* The first byte of [p, end) that is not @value; @end: all are. */
static uint8_t *find_not(uint8_t *p, uint8_t *end, uint8_t value)
{
	uint64_t word, all = UINT64_C(0x0101010101010101) * value;

	for (; end - p >= (ptrdiff_t)sizeof(word); p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		if (word != all)
			break;
	}
	while (p < end && *p == value)
		p++;
	return p;
}

/* Fresh memory of the system's is 0 and stays untouched. */
static void zero_where_needed(uint8_t *p, size_t len)
{
	uint8_t *end = p + len;

	for (; p < end; p += QY_PAGE_SIZE)
		if (find_not(p, p + QY_PAGE_SIZE, 0) < p + QY_PAGE_SIZE)
			memset(p, 0, QY_PAGE_SIZE);
}

/* ---- traps ---- */

/*
 * Each border between memory that traps and memory that does not costs a mapping, of which the
 * system keeps so many (65530). When they are used up, all memory is opened, which gives them back,
 * and none is closed any more.
 */
void qy__map_pages(struct qy_mm *mm, void *p, size_t len)
{
	uint32_t end = qy__load_acquire(&mm->end_pfn);

	if (likely(!qy__osif_ops(&mm->os)->access(&mm->os, p, len, true)))
		return;
	qy__store_relaxed(&mm->page_debug.unmap_off, true);
	qy__osif_ops(&mm->os)->access(&mm->os, qy__pfn_addr(mm, mm->min_pfn),
				      (size_t)(end - mm->min_pfn) << QY_CONFIG_PAGE_SHIFT, true);
}

static void unmap_pages(struct qy_mm *mm, void *p, size_t len)
{
	if (!qy__load_relaxed(&mm->page_debug.unmap_off))
		qy__osif_ops(&mm->os)->access(&mm->os, p, len, false);
}

/* ---- written ---- */

void qy__fill_free(struct qy_mm *mm, uint8_t *p, size_t len)
{
	if (qy__page_debug_has(mm, QY_PAGE_POISON))
		memset(p, QY__PAGE_POISON, qy__planted(POISON_FIRST_PAGE) ? QY_PAGE_SIZE : len);
	else if (qy__page_debug_has(mm, QY_PAGE_INIT_ON_FREE))
		memset(p, 0, len);
	if (qy__page_debug_has(mm, QY_PAGE_UNMAP))
		unmap_pages(mm, p, len);
}

void qy__page_debug_online(struct qy_mm *mm, uint32_t start, uint32_t end)
{
	size_t len = (size_t)(end - start) << QY_CONFIG_PAGE_SHIFT;
	uint8_t *p = qy__pfn_addr(mm, start);

	if (start >= end)
		return;
	if (qy__page_debug_has(mm, QY_PAGE_OWNER))
		qy__page_owner_online(mm, end);
	if (qy__page_debug_has(mm, QY_PAGE_POISON))
		memset(p, QY__PAGE_POISON, len);
	else if (qy__page_debug_has(mm, QY_PAGE_INIT_ON_FREE))
		zero_where_needed(p, len);
	if (qy__page_debug_has(mm, QY_PAGE_UNMAP))
		unmap_pages(mm, p, len);
}

/* ---- verified ---- */

unsigned int qy__check_poison(struct qy_mm *mm, uint8_t *start, size_t len, uintptr_t caller,
			      bool locked)
{
	uint8_t *end = start + len - (qy__planted(POISON_LAST_BYTE) ? 1 : 0);
	uint8_t *first = find_not(start, end, QY__PAGE_POISON), *last = end;

	if (likely(first == end))
		return 0;
	do
		last--;
	while (*last == QY__PAGE_POISON);
	qy__report_poison(mm, start, len, first, last, caller, locked);
	return 1;
}

/* @pcp: CPUs' lists are held still, too. */
static unsigned int validate_zone_locked(struct qy_mm *mm, struct qy__zone *zone, bool pcp)
{
	unsigned int found = 0;
	uint32_t pfn = zone->start_pfn;

	while (pfn < zone->end_pfn) {
		struct qy_page *page = qy__pfn_page(mm, pfn);
		unsigned int type = qy__load_relaxed(&page->type);
		bool free = (type == QY__PAGE_BUDDY || (type == QY__PAGE_PCP && pcp)) &&
			    &mm->zone[page->zone] == zone && page->order <= mm->max_order;

		if (free)
			found += qy__check_poison(mm, qy__pfn_addr(mm, pfn),
						  QY_PAGE_SIZE << page->order, 0, true);
		pfn += free ? 1u << page->order : 1u;
	}
	return found;
}

unsigned int qy__page_debug_validate(struct qy_mm *mm)
{
	unsigned int found = 0;
	bool pcp;

	/* What traps cannot be written. */
	if (!qy__page_debug_has(mm, QY_PAGE_POISON) || qy__page_debug_has(mm, QY_PAGE_UNMAP))
		return 0;
	pcp = qy__pcp_try_stop(mm);
	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		qy__lock(&mm->zone[z].lock);
		found += validate_zone_locked(mm, &mm->zone[z], pcp);
		qy__unlock(&mm->zone[z].lock);
	}
	if (pcp)
		qy__pcp_resume(mm);
	return found;
}
