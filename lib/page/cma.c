/* SPDX-License-Identifier: MIT */
/*
 * cma.c - contiguous-memory areas: lent to movable pages, wanted back in runs.
 *
 * An area is a run of whole page blocks of type CMA. The buddy lends its pages to movable requests;
 * its owner takes runs of them by contig.c, which moves the borrowers out. A bitmap says what the
 * owner has, a bit for 2^order_per_bit pages:
 *
 *   map     1 1 1 0 0 1 1 0 …       set before the run is taken, cleared if it could not be, and
 *   pages   |   run   |             after it was given back: a set bit is nobody else's
 *
 * An area is never undone: its slot in mm->cma, its bitmap and its page blocks live as long as the
 * instance. A slot is taken when `pages` is set and there for everybody when `mm` is.
 *
 * Lock: area->lock for the slot, the bitmap and the counters; no other lock is taken under it, and
 * it is not held while a run is taken or given back.
 */
#include <errno.h>
#include <string.h>

#include "page/buddy.h"
#include "page/contig.h"
#include "page/page_alloc.h"
#include "page/page_report.h"
#include "page/pcp.h"
#include "util/align.h"
#include "util/bitops.h"
#include "util/fail.h"
#include "util/fmt.h"
#include "util/plant.h"

#define WORD_BITS 64  /* of the bitmap */
#define MOST_SHIFT 31 /* 2^order pages are counted in 32 bits */

static uint32_t nr_bits(const struct qy_cma *area)
{
	return area->pages >> area->order_per_bit;
}

/* Bits that cover @pages. */
static uint32_t bits_for(const struct qy_cma *area, uint32_t pages)
{
	return (uint32_t)(((uint64_t)pages + (UINT64_C(1) << area->order_per_bit) - 1) >>
			  area->order_per_bit);
}

/* The first bit in [from, to) that is @set, or @to. */
static uint32_t find_bit(const struct qy_cma *area, uint32_t from, uint32_t to, bool set)
{
	while (from < to) {
		uint64_t word =
			(set ? area->map[from / WORD_BITS] : ~area->map[from / WORD_BITS]) >>
			from % WORD_BITS;

		if (word)
			return min(to, from + qy__ctz(word));
		from = (from / WORD_BITS + 1) * WORD_BITS;
	}
	return to;
}

/* The first run of @n zero bits from @from on whose first pfn has the bits of @mask clear. */
static uint32_t find_run(const struct qy_cma *area, uint32_t from, uint32_t n, uint32_t mask)
{
	uint32_t offset = area->base >> area->order_per_bit, end = nr_bits(area);

	for (;;) {
		uint64_t at = (((uint64_t)from + offset + mask) & ~(uint64_t)mask) - offset;
		uint32_t busy;

		if (at + n > end)
			return end;
		busy = find_bit(area, (uint32_t)at, (uint32_t)at + n, true);
		if (busy == at + n)
			return (uint32_t)at;
		from = busy + 1;
	}
}

static void set_bits(struct qy_cma *area, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++)
		qy__set_bit(area->map, i);
	area->used_bits += n;
}

static void clear_bits(struct qy_cma *area, uint32_t from, uint32_t n)
{
	qy__lock(&area->lock);
	for (uint32_t i = from; i < from + n; i++) {
		area->used_bits -= qy__test_bit(area->map, i);
		qy__clear_bit(area->map, i);
	}
	qy__unlock(&area->lock);
}

/* ---- setting aside ---- */

/* A slot for @pages, or NULL: all are taken. */
static struct qy_cma *take_slot(struct qy_mm *mm, uint32_t pages)
{
	for (unsigned int i = 0; i < QY__NR_CMA; i++) {
		struct qy_cma *area = &mm->cma[i];
		bool taken;

		qy__lock(&area->lock);
		taken = area->pages;
		if (!taken)
			area->pages = pages;
		qy__unlock(&area->lock);
		if (!taken)
			return area;
	}
	return NULL;
}

static void drop_slot(struct qy_cma *area)
{
	qy__lock(&area->lock);
	area->pages = 0;
	qy__unlock(&area->lock);
}

struct request {
	uint32_t base, pages, limit, align;
	bool fixed;
};

static int check_request(const struct qy_mm *mm, struct request *r, unsigned int order_per_bit)
{
	uint32_t block = 1u << mm->pageblock_order, last = qy__load_relaxed(&mm->end_pfn);

	if (!r->pages || order_per_bit > MOST_SHIFT || (r->align && !qy__is_pow2(r->align)))
		return -EINVAL;
	r->align = max(r->align, block);
	r->align = max(r->align, 1u << order_per_bit);
	if (!qy__is_aligned(r->pages, block) || !qy__is_aligned(r->pages, 1u << order_per_bit))
		return -EINVAL;
	if (r->fixed && !qy__is_aligned(r->base, r->align))
		return -EINVAL;
	if (!r->base)
		r->fixed = false;
	r->limit = r->limit ? min(r->limit, last) : last;
	return (uint64_t)r->base + r->pages > r->limit ? -EINVAL : 0;
}

/* The pages of an area, all ours. The highest zones first: the low ones are scarce. */
static int take_area(struct qy_mm *mm, const struct request *r, uint32_t *base)
{
	qy_gfp_t gfp = QY_GFP_KERNEL | QY_GFP_NOWARN;

	*base = r->base;
	if (r->fixed)
		return qy__alloc_contig(mm, r->base, r->base + r->pages, gfp, QY_MIGRATE_MOVABLE);
	for (unsigned int type = QY_NR_ZONES; type--;) {
		for (unsigned int node = 0; node < mm->nr_nodes; node++) {
			struct qy__zone *zone = &mm->zone[node * QY_NR_ZONES + type];

			if (!qy__alloc_contig_in_zone(mm, zone, r->base, r->limit, r->pages,
						      r->align, gfp, base))
				return 0;
		}
	}
	return -ENOMEM;
}

/* The page blocks change their type while all of their pages are ours; then they are lent. */
static void lend_area(struct qy_mm *mm, uint32_t base, uint32_t pages)
{
	struct qy__zone *zone = qy__page_zone(mm, qy__pfn_page(mm, base));
	uint32_t block = 1u << mm->pageblock_order;

	qy__lock(&zone->lock);
	for (uint32_t pfn = base; pfn < base + pages; pfn += block) {
		if (qy__pageblock_type(mm, pfn) == QY_MIGRATE_HIGHATOMIC)
			zone->nr_reserved_highatomic -= block;
		qy__move_pageblock_locked(mm, zone, pfn, QY_MIGRATE_CMA);
	}
	zone->nr_cma += pages;
	qy__unlock(&zone->lock);
	/* To the buddy, not to a CPU's list. */
	qy__zone_pcp_disable(mm, zone);
	qy_free_contig_range(mm, base, pages);
	qy__zone_pcp_enable(mm, zone);
}

static int declare(struct qy_cma *area, struct qy_mm *mm, const struct request *r,
		   unsigned int order_per_bit)
{
	size_t bytes = ((r->pages >> order_per_bit) + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t);
	struct qy_page *map;
	int err = take_area(mm, r, &area->base);

	if (err)
		return err;
	/* After the area: it must not lie in there. */
	map = qy__alloc_block(mm, QY_GFP_KERNEL | QY_GFP_NOWARN | QY_GFP_ZERO, qy__get_order(bytes),
			      QY__PAGE_ALLOC);
	if (!map) {
		qy_free_contig_range(mm, area->base, r->pages);
		return -ENOMEM;
	}
	area->map = qy__page_addr(mm, map);
	area->order_per_bit = order_per_bit;
	lend_area(mm, area->base, r->pages);
	return 0;
}

int qy_cma_declare(struct qy_mm *mm, uint32_t base, uint32_t pages, uint32_t limit, uint32_t align,
		   unsigned int order_per_bit, bool fixed, const char *name, struct qy_cma **area)
{
	struct request r = {base, pages, limit, align, fixed};
	int err = check_request(mm, &r, order_per_bit);
	struct qy_cma *slot;

	if (err || (name && strlen(name) >= sizeof(slot->name)))
		return -EINVAL;
	slot = take_slot(mm, pages);
	if (!slot)
		return -ENOSPC;
	err = declare(slot, mm, &r, order_per_bit);
	if (err) {
		drop_slot(slot);
		return err;
	}
	if (name)
		qy__snprintf(slot->name, sizeof(slot->name), "%s", name);
	else
		qy__snprintf(slot->name, sizeof(slot->name), "cma%u",
			     (unsigned int)(slot - mm->cma));
	qy__store_release(&slot->mm, mm);
	*area = slot;
	return 0;
}

/* ---- runs ---- */

/* "4@0+8@12=> 12 free of 64 total pages": what lies free, in pages from the area's start. */
static void describe_free(struct qy_cma *area, struct qy_report *r)
{
	struct qy__buf buf = QY__BUF(r->fix);
	uint32_t end = nr_bits(area), at = 0, total = 0;

	qy__fmt(&buf, "number of available pages: ");
	qy__lock(&area->lock);
	while ((at = find_bit(area, at, end, false)) < end) {
		uint32_t busy = find_bit(area, at, end, true), n = busy - at;

		qy__fmt(&buf, "%s%u@%u", total ? "+" : "", n << area->order_per_bit,
			at << area->order_per_bit);
		total += n << area->order_per_bit;
		at = busy;
	}
	qy__unlock(&area->lock);
	qy__fmt(&buf, "=> %u free of %u total pages", total, area->pages);
}

static void report_failure(struct qy_cma *area, uint32_t count, int err)
{
	struct qy_report r;

	qy__report_init(&r, area->mm, QY_REPORT_NOMEM, "cma");
	qy__report_title(&r, "cma: %s: alloc failed, req-size: %zu pages, ret: %d", area->name,
			 (size_t)count, err);
	describe_free(area, &r);
	qy__report_emit(&r);
}

/* 0 and the run's first pfn, or -errno. */
static int alloc_run(struct qy_cma *area, uint32_t count, unsigned int align_order, bool no_warn,
		     uint32_t *pfn)
{
	uint32_t n = bits_for(area, count), mask = 0, from = 0;
	qy_gfp_t gfp = QY_GFP_KERNEL | (no_warn ? QY_GFP_NOWARN : 0);
	int err = -ENOMEM;

	if (align_order > MOST_SHIFT)
		return err;
	if (align_order > area->order_per_bit)
		mask = (1u << (align_order - area->order_per_bit)) - 1;
	for (;;) {
		uint32_t at;

		qy__lock(&area->lock);
		at = find_run(area, from, n, mask);
		if (at < nr_bits(area))
			set_bits(area, at, n);
		qy__unlock(&area->lock);
		if (at >= nr_bits(area))
			return err;
		*pfn = area->base + (at << area->order_per_bit);
		err = qy__alloc_contig(area->mm, *pfn, *pfn + count, gfp, QY_MIGRATE_CMA);
		if (!err)
			return 0;
		if (!qy__planted(CMA_BITS_STAY))
			clear_bits(area, at, n);
		if (err != -EBUSY)
			return err;
		from = at + mask + 1;
	}
}

struct qy_page *qy_cma_alloc(struct qy_cma *area, uint32_t count, unsigned int align_order,
			     bool no_warn)
{
	uint32_t pfn = 0;
	int err;

	if (!count)
		return qy__fail(EINVAL);
	err = alloc_run(area, count, align_order, no_warn, &pfn);
	qy__lock(&area->lock);
	if (err)
		area->alloc_fail++;
	else
		area->alloc_success++;
	qy__unlock(&area->lock);
	if (!err)
		return qy__pfn_page(area->mm, pfn);
	if (!no_warn)
		report_failure(area, count, err);
	return qy__fail(align_order > MOST_SHIFT ? EINVAL : ENOMEM);
}

/* Does the owner have all of the bits? */
static bool has_bits(struct qy_cma *area, uint32_t from, uint32_t n)
{
	bool has;

	qy__lock(&area->lock);
	has = find_bit(area, from, from + n, false) == from + n;
	qy__unlock(&area->lock);
	return has;
}

bool qy_cma_release(struct qy_cma *area, struct qy_page *page, uint32_t count)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	struct qy_mm *mm = area->mm;
	uint32_t first, bit, n;

	page = qy__check_page_pointer(mm, page);
	if (!page || !count)
		return false;
	first = qy__page_pfn(mm, page) - area->base;
	if (first >= area->pages || count > area->pages - first)
		return false;
	bit = first >> area->order_per_bit;
	n = bits_for(area, count);
	/* The rest of a bit's pages may be lent: only its owner's own are freed. */
	if (!qy__is_aligned(first, 1u << area->order_per_bit) || !has_bits(area, bit, n)) {
		qy__report_bad_page(mm, QY_REPORT_BAD_PAGE_FREE, qy__page_addr(mm, page), page,
				    "Release of pages that the area did not hand out", caller);
		return false;
	}
	qy_free_contig_range(mm, area->base + first, count);
	clear_bits(area, bit, n);
	return true;
}

int qy_cma_stat_get(const struct qy_cma *area, struct qy_cma_stat *stat)
{
	struct qy__lock *lock = &((struct qy_cma *)area)->lock;

	if (stat->struct_size != sizeof(*stat))
		return -EINVAL;
	qy__lock(lock);
	memcpy(stat->name, area->name, sizeof(stat->name));
	stat->base = area->base;
	stat->pages = area->pages;
	stat->used = area->used_bits << area->order_per_bit;
	stat->order_per_bit = area->order_per_bit;
	stat->alloc_success = area->alloc_success;
	stat->alloc_fail = area->alloc_fail;
	qy__unlock(lock);
	return 0;
}
