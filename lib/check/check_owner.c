/* SPDX-License-Identifier: MIT */
/*
 * check_owner.c - C6: every page of an allocated block has a record that says so, no page of a free
 * one has; nothing was given back before it was taken.
 *
 * Only where the CPU is set by hand: else somebody may be between a block and its record. And only
 * in an arena, where the records lie in the memory that may be read.
 *
 * Locks: none.
 */
#include "check/check.h"
#include "page/page_debug.h"

static bool is_free(unsigned int type)
{
	return type == QY__PAGE_BUDDY || type == QY__PAGE_PCP || type == QY__PAGE_GUARD;
}

static bool is_used(unsigned int type)
{
	return type == QY__PAGE_ALLOC || type == QY__PAGE_SLAB || type == QY__PAGE_LARGE;
}

static void check_free(struct qy__check *ck, uint32_t pfn, const struct qy__page_owner *rec)
{
	qy__holds(ck, !rec->live, "C6", "free page %u has an owner", pfn);
	qy__holds(ck, rec->free_ts >= rec->ts, "C6",
		  "page %u was taken at %llu and given back at %llu", pfn,
		  (unsigned long long)rec->ts, (unsigned long long)rec->free_ts);
}

static void check_used(struct qy__check *ck, uint32_t pfn, const struct qy__page_owner *rec,
		       unsigned int order)
{
	qy__holds(ck, rec->live == 1, "C6", "page %u is allocated and has no owner", pfn);
	qy__holds(ck, rec->order == order, "C6",
		  "page %u is of a block of order %u, its owner says %u", pfn, order, rec->order);
}

/* The block at @pfn, which may be damaged. Return: how many pages to go on. */
static uint32_t check_block(struct qy__check *ck, const struct qy__page_owner *owner, uint32_t pfn)
{
	const struct qy_page *head = qy__check_page(ck, pfn);
	unsigned int type = head->type, order = head->order;
	uint32_t pages;

	if ((!is_free(type) && !is_used(type)) || order > ck->mm->max_order)
		return 1;
	pages = 1u << order;
	if (pages > ck->end_pfn - pfn)
		return 1;
	/* A block that was given up after a report may have been bad from the start. */
	if (qy__page_flags(head) & QY__PAGE_F_RETIRED)
		return pages;
	for (uint32_t i = 0; i < pages; i++) {
		const struct qy__page_owner *rec = owner + (pfn + i - ck->min_pfn);

		if (is_free(type))
			check_free(ck, pfn + i, rec);
		else
			check_used(ck, pfn + i, rec, order);
	}
	return pages;
}

void qy__check_owner(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	const struct qy__page_owner *owner = mm->page_debug.owner;
	size_t bytes = (size_t)(ck->end_pfn - ck->min_pfn) * sizeof(*owner);

	if (!qy__page_debug_has(mm, QY_PAGE_OWNER) || mm->cpus.provider != QY_CPU_MANUAL ||
	    mm->os.base != mm)
		return;
	if (!qy__holds(ck,
		       (uintptr_t)owner % _Alignof(struct qy__page_owner) == 0 &&
			       qy__check_readable(ck, owner, bytes),
		       "MM", "the owners' records are not in the instance"))
		return;
	for (uint32_t pfn = ck->min_pfn; pfn < ck->end_pfn;)
		pfn += check_block(ck, owner, pfn);
}
