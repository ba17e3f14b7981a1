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
#include "util/align.h"
#include "util/stackdepot.h"

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

/* The records of all pages, if they lie in the instance. */
static const struct qy__page_owner *records_inside(const struct qy__check *ck)
{
	const struct qy__page_owner *owner = ck->mm->page_debug.owner;
	size_t bytes = (size_t)(ck->end_pfn - ck->min_pfn) * sizeof(*owner);

	if ((uintptr_t)owner % _Alignof(struct qy__page_owner) ||
	    !qy__check_readable(ck, owner, bytes))
		return NULL;
	return owner;
}

const struct qy__page_owner *qy__check_owner_records(const struct qy__check *ck, uint32_t *end)
{
	const struct qy_mm *mm = ck->mm;
	const struct qy__page_owner *owner = mm->page_debug.owner;
	size_t bytes =
		qy__align_up((size_t)(mm->max_pfn - mm->min_pfn) * sizeof(*owner), QY_PAGE_SIZE);

	if (!QY_CONFIG_DEBUG || !owner)
		return NULL;
	*end = min(qy__load_acquire(&mm->page_debug.owner_end), ck->end_pfn);
	if (records_inside(ck))
		return owner;
	/* A mapping of their own: nothing confirms its place; and it is not in an image. */
	if (qy__is_image(mm) || mm->os.base == mm || mm->page_debug.owner_bytes != bytes ||
	    (uintptr_t)owner & QY_PAGE_MASK)
		return NULL;
	return owner;
}

const struct qy__stackdepot *qy__check_depot(const struct qy__check *ck)
{
	const struct qy__stackdepot *d = ck->mm->depot;

	if (!d || !qy__check_struct(ck, d) || d->pool_shift < 10 || d->pool_shift > 24 ||
	    d->nr_pools > d->max_pools || (uintptr_t)d->pool % _Alignof(void *) ||
	    !qy__check_readable(ck, d->pool, d->max_pools * sizeof(d->pool[0])))
		return NULL;
	for (uint32_t i = 0; i < qy__load_acquire(&d->nr_pools); i++)
		if ((uintptr_t)d->pool[i] % 8 ||
		    !qy__check_readable(ck, d->pool[i], (size_t)1 << d->pool_shift))
			return NULL;
	return d;
}

void qy__check_owner(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	const struct qy__page_owner *owner = records_inside(ck);

	if (!qy__page_debug_has(mm, QY_PAGE_OWNER) || mm->cpus.provider != QY_CPU_MANUAL ||
	    mm->os.base != mm)
		return;
	if (!qy__holds(ck, owner != NULL, "MM", "the owners' records are not in the instance"))
		return;
	for (uint32_t pfn = ck->min_pfn; pfn < ck->end_pfn;)
		pfn += check_block(ck, owner, pfn);
}
