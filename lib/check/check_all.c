/* SPDX-License-Identifier: MIT */
/*
 * check_all.c - the public call, and what has to be true before anything else can be looked at.
 *
 * The checker stands on the roof: it reads everything and writes nothing but lock words, which it
 * puts back. It is for tests, fuzzers and a person with a broken heap; so it must stand whatever it
 * finds.
 *
 * Ids are those of the list of invariants; three more name what lies before or beside them:
 *   MM  the instance's own head contradicts itself
 *   LK  a lock word is damaged, or its holder never came back
 *   CM  a contiguous-memory area and its bitmap
 *
 * Locks: grow_lock, the CPUs' page lists and one zone at a time; then the cache registry and up to
 * QY__TALLIES caches; then the areas.
 */
#include "check/check_page.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "util/align.h"
#include "util/cpu_relax.h"
#include "util/fmt.h"

/* Longer than any holder of a lock works, also on a machine that has no time for it. */
#define LOCK_PATIENCE_NS UINT64_C(10000000000)
#define LOCK_SPINS 200

void qy__violation(struct qy__check *ck, const char *id, const char *fmt, ...)
{
	struct qy_violation *v;
	struct qy__buf buf;
	va_list ap;

	if (!ck->result || ck->nr >= QY_CHECK_MAX) {
		ck->nr++;
		return;
	}
	v = &ck->result->v[ck->nr++];
	qy__snprintf(v->id, sizeof(v->id), "%s", id);
	buf = QY__BUF(v->text);
	va_start(ap, fmt);
	qy__vfmt(&buf, fmt, ap);
	va_end(ap);
}

static uint64_t now_ns(void)
{
	struct timespec ts = {.tv_sec = 0};

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* The patient half: the holder may be off its processor. errno is kept. */
static bool wait_for_lock(struct qy__lock *lock)
{
	const struct timespec nap = {.tv_sec = 0, .tv_nsec = 50000};
	uint64_t deadline = now_ns() + LOCK_PATIENCE_NS;
	int saved = errno;
	bool taken = false;

	while (qy__load_relaxed(&lock->word) <= 2 && !(taken = qy__trylock(lock)) &&
	       now_ns() < deadline)
		nanosleep(&nap, NULL);
	errno = saved;
	return taken;
}

bool qy__check_lock(struct qy__check *ck, struct qy__lock *lock, const char *what)
{
	bool taken = qy__trylock(lock);

	for (int i = 0; !taken && i < LOCK_SPINS && qy__load_relaxed(&lock->word) <= 2; i++) {
		qy__cpu_relax();
		taken = qy__trylock(lock);
	}
	/* Where the CPU is set by hand there is one caller at a time, and nobody to wait for. */
	if (!taken && ck->mm->cpus.provider != QY_CPU_MANUAL)
		taken = wait_for_lock(lock);
	return qy__holds(ck, taken, "LK", "%.31s: lock word is %x, and stays so", what,
			 qy__load_relaxed(&lock->word));
}

const uint8_t *qy__check_bytes(const void *p, uint8_t value, size_t len)
{
	const uint8_t *at = p, *end = at + len;
	uint64_t pattern = value * UINT64_C(0x0101010101010101), word;

	for (; (size_t)(end - at) >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		if (word != pattern)
			break;
	}
	for (; at < end; at++)
		if (*at != value)
			return at;
	return NULL;
}

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

/* Growing would move the end under our feet. */
static bool check_pages(struct qy__check *ck, unsigned int what)
{
	struct qy__lock *lock = &ck->mm->grow_lock;
	bool sane;

	/* Just enough to trust the lock. */
	if (!numbers_are_sane(ck) || !qy__check_lock(ck, lock, "grow lock"))
		return false;
	sane = head_is_sane(ck) && end_is_sane(ck);
	if (sane && (what & QY_CHECK_EARLY))
		qy__check_early_locked(ck);
	if (sane && (what & (QY_CHECK_BUDDY | QY_CHECK_ZONE | QY_CHECK_CONTENTS)))
		qy__check_zones_locked(ck);
	qy__unlock(lock);
	return sane;
}

unsigned int qy_check(struct qy_mm *mm, unsigned int what, struct qy_check_result *result)
{
	struct qy__check ck = {.mm = mm, .what = what};

	if (result && result->struct_size >= sizeof(*result)) {
		ck.result = result;
		for (unsigned int i = 0; i < QY_CHECK_MAX; i++)
			result->v[i].id[0] = result->v[i].text[0] = '\0';
	}
	if (qy__holds(&ck, mm != NULL, "MM", "no instance") && check_pages(&ck, what)) {
		if (what & QY_CHECK_BUDDY)
			qy__check_owner(&ck);
		if (what & QY_CHECK_SLAB)
			qy__check_slab(&ck);
		if (what & QY_CHECK_VMAP)
			qy__check_vmap(&ck);
	}
	if (ck.result) {
		result->nr = ck.nr;
		result->assertions = ck.tests;
	}
	return ck.nr;
}
