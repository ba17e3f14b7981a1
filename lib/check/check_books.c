/* SPDX-License-Identifier: MIT */
/*
 * check_books.c - what the instance says of itself: its head, its place, its pages, the books that
 * describe them. What has to be true before anything else can be looked at: MM, Z8.
 *
 *   span   [ descriptors, live bits, page blocks | mm, zones … | pages … end | not brought in ]
 *          anonymous memory only: before the      \__ the first page is the instance itself
 *          pages; an arena has them among them
 *
 * Lock: mm->grow_lock. Growing would move the end under our feet.
 */
#include "check/check_page.h"

/* Are [p, p + len) bytes of the span? */
static bool in_span(const struct qy_mm *mm, const void *p, size_t len)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)mm->os.base;

	return off < mm->os.size && len <= mm->os.size - off;
}

/* Numbers that are no addresses. */
static bool numbers_are_sane(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;

	if (!qy__holds(ck, mm->magic == QY__MM_MAGIC, "MM", "no instance: magic is 0x%llx",
		       (unsigned long long)mm->magic))
		return false;
	if (!qy__holds(ck,
		       mm->max_order < QY__NR_ORDERS && mm->max_order <= QY_CONFIG_MAX_ORDER_LIMIT,
		       "MM", "max order is %u", mm->max_order))
		return false;
	return qy__holds(ck,
			 mm->cpus.provider == QY_CPU_MANUAL
				 ? mm->cpus.nr - 1 < 64 && mm->cpus.current < mm->cpus.nr
				 : mm->cpus.nr == QY__MAX_CPUS,
			 "MM", "%u CPUs, this one is %u", mm->cpus.nr, mm->cpus.current);
}

/* Pages fill the span from the instance, which is their first, to its end. */
static bool pages_are_sane(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	uint32_t min_pfn = mm->min_pfn, end_pfn = qy__load_relaxed(&mm->end_pfn);
	uintptr_t base = (uintptr_t)mm->base;
	uintptr_t first = base + ((uintptr_t)min_pfn << QY_CONFIG_PAGE_SHIFT);
	size_t bytes = ((size_t)mm->max_pfn - min_pfn) << QY_CONFIG_PAGE_SHIFT;
	size_t before = first - (uintptr_t)mm->os.base;

	if (!qy__holds(ck, min_pfn < end_pfn && end_pfn <= mm->max_pfn, "MM",
		       "page numbers out of order: first %u, end %u, last end %u", min_pfn, end_pfn,
		       mm->max_pfn))
		return false;
	if (!qy__holds(ck,
		       first == (uintptr_t)mm && !(first & QY_PAGE_MASK) &&
			       !(base & ((QY_PAGE_SIZE << mm->max_order) - 1)),
		       "MM", "base and page %u do not give the place of the instance", min_pfn))
		return false;
	if (!qy__holds(ck,
		       in_span(mm, (void *)first, bytes) &&
			       mm->os.size - before - bytes < QY_PAGE_SIZE,
		       "MM", "pages %u-%u do not fill the span", min_pfn, mm->max_pfn))
		return false;
	ck->min_pfn = min_pfn;
	ck->end_pfn = end_pfn;
	ck->start = first;
	ck->end = first + ((size_t)(end_pfn - min_pfn) << QY_CONFIG_PAGE_SHIFT);
	return true;
}

/* A book of the page floor: in an arena it lies among the pages; else before them in the span. */
static bool book_is_sane(const struct qy__check *ck, const void *p, size_t len)
{
	const struct qy_mm *mm = ck->mm;

	if ((uintptr_t)p % 8)
		return false;
	if (mm->os.base == mm)
		return qy__check_readable(ck, p, len);
	return in_span(mm, p, len) && (uintptr_t)p + len <= ck->start;
}

/* The zones lie among the pages, the page blocks' types where the other books do. */
static bool zones_are_sane(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	size_t blocks;

	if (!qy__holds(ck,
		       mm->nr_nodes && mm->nr_nodes <= QY_MAX_NODES &&
			       mm->nr_zones == mm->nr_nodes * QY_NR_ZONES &&
			       mm->pageblock_order <= mm->max_order &&
			       mm->pageblock_first == ck->min_pfn >> mm->pageblock_order,
		       "MM", "%u nodes, %u zones, page blocks of order %u from %u", mm->nr_nodes,
		       mm->nr_zones, mm->pageblock_order, mm->pageblock_first))
		return false;
	blocks = ((ck->end_pfn - 1) >> mm->pageblock_order) - mm->pageblock_first + 1;
	return qy__holds(
		ck,
		!((uintptr_t)mm->zone % 8) && !((uintptr_t)mm->pageblock % 8) &&
			qy__check_readable(ck, mm->zone, mm->nr_zones * sizeof(*mm->zone)) &&
			book_is_sane(ck, mm->pageblock, blocks),
		"MM", "the zones or the page blocks' types are not where they can be");
}

/*
 * Pages, page numbers and books must agree with each other and with the place of the instance; each
 * is a bound for what follows. A field that lies is contradicted by the others.
 */
static bool head_is_sane(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	size_t pages;

	if (!numbers_are_sane(ck) || !pages_are_sane(ck))
		return false;
	pages = ck->end_pfn - ck->min_pfn;
	if (!qy__holds(ck,
		       book_is_sane(ck, mm->pages, pages * sizeof(struct qy_page)) &&
			       (mm->os.base == mm || mm->os.base == mm->pages),
		       "MM", "the descriptors are not where they can be"))
		return false;
	ck->pages = mm->pages;
	if (!zones_are_sane(ck))
		return false;
	if (!QY_CONFIG_DEBUG)
		return true;
	ck->live = mm->live;
	return qy__holds(ck, book_is_sane(ck, mm->live, pages * (QY_PAGE_SIZE / 64)), "MM",
			 "the live bits are not where they can be");
}

/*
 * Pages past the end were never brought in, and touching them may be fatal: the zones have to
 * confirm the end.
 */
static bool end_is_sane(struct qy__check *ck)
{
	const struct qy_mm *mm = ck->mm;
	uint64_t pages = 0;

	for (unsigned int z = 0; z < mm->nr_zones; z++)
		pages += qy__load_relaxed(&mm->zone[z].present);
	pages += qy__check_holes_in(mm, ck->min_pfn, ck->end_pfn);
	return qy__holds(ck, pages == ck->end_pfn - ck->min_pfn, "Z8",
			 "%u pages, but the zones and holes have %llu", ck->end_pfn - ck->min_pfn,
			 (unsigned long long)pages);
}

bool qy__check_books_lock(struct qy__check *ck)
{
	struct qy__lock *lock = &ck->mm->grow_lock;

	/* Just enough to trust the lock. */
	if (!numbers_are_sane(ck) || !qy__check_lock(ck, lock, "grow lock"))
		return false;
	if (head_is_sane(ck) && end_is_sane(ck))
		return true;
	qy__check_unlock(ck, lock);
	return false;
}

void qy__check_books_unlock(const struct qy__check *ck)
{
	qy__check_unlock(ck, &ck->mm->grow_lock);
}

bool qy__check_books(struct qy__check *ck)
{
	bool sane = qy__check_books_lock(ck);

	if (sane)
		qy__check_books_unlock(ck);
	return sane;
}
