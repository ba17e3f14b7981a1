/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page_runs.c - target "page": pages that do not come as blocks of 2^order: exact, by the
 * array, split, in runs, from areas.
 *
 * Called by fuzz_page.c; stands on page_script.c and page_state.c. Compared: where a run or area
 * lies, what was refused, reports, and the figures of areas, with page_model_runs.c's.
 */
#include <errno.h>
#include <string.h>

#include "page_state.h"

/* Nobody may be ended by a request: NOFAIL is for fuzz_page_alloc.c. */
static unsigned int gfp_of(const struct fz_op *op)
{
	return fz_page_gfp(op->flags, op->b) & ~QY_GFP_NOFAIL;
}

static unsigned int this_node(void)
{
	return fzp.m.cpu_node[fzp.m.cpu];
}

/* The pages [pfn, pfn + n), each in use alone, get handles from @h on. */
static void own_pages(unsigned int h, uint32_t pfn, uint32_t n, unsigned int gfp)
{
	for (uint32_t i = 0; i < n; i++)
		fzp_own(fzp_find(h % FZ_NR_BLOCKS, false), pfn + i, gfp);
}

static void same_result(const char *what, int64_t got, int64_t want)
{
	fzp_script_end();
	if (got != want)
		fz_fail("model", "%s gave %lld, expected %lld", what, (long long)got,
			(long long)want);
}

static void expect_n(enum qy_report_kind kind, unsigned int n)
{
	while (n--)
		fz_expect(kind, NULL);
}

/* Is one of the pages the library's own? */
static bool any_own(uint32_t pfn, uint64_t n)
{
	for (uint64_t i = 0; i < n && pfn + i < fz.end_pfn; i++)
		if (fzp_is_own((uint32_t)(pfn + i)))
			return true;
	return false;
}

/* ---- exact ---- */

static unsigned int order_of(uint64_t pages)
{
	unsigned int order = 0;

	while (UINT64_C(1) << order < pages)
		order++;
	return order;
}

/* The block is taken apart, what is too much goes back page by page. */
static uint32_t play_exact(unsigned int gfp, uint64_t pages)
{
	unsigned int order = order_of(pages);
	uint32_t pfn;

	if (!pages || (gfp & QY_GFP_COMP) || order > fzp.m.max_order)
		return FZ_NONE;
	pfn = pm_alloc(&fzp.m, this_node(), gfp, order);
	if (pfn == FZ_NONE)
		return pfn;
	pm_split(&fzp.m, pfn);
	for (uint64_t i = pages; i < UINT64_C(1) << order; i++)
		pm_free(&fzp.m, pfn + (uint32_t)i);
	return pfn;
}

static void do_exact(const struct fz_op *op, struct fz_log *log)
{
	uint64_t pages = fz_value(FZ_K_PAGES, op->a, &fz.in.geo);
	size_t bytes = pages * FZ_PAGE_SIZE;
	unsigned int gfp = gfp_of(op);
	uint32_t pfn;
	void *addr;

	if (op->b & 0x40 && pages)
		bytes -= 1 + op->b % (FZ_PAGE_SIZE - 1);
	if (op->a >= 0xfff0)
		bytes = SIZE_MAX - (op->b & 0xfff), pages = UINT64_C(1) << 52;
	if (pages <= 1u << fzp.m.max_order && fzp_free_handles() < pages)
		return;
	pfn = play_exact(gfp, pages);
	addr = qy_alloc_pages_exact(fz.mm, gfp, bytes);
	log->ran = true;
	log->ret = addr ? 0 : FZ_LOG_NULL;
	fzp_script_end();
	fzp_same_block(pfn, addr ? qy_page_of(fz.mm, addr) : NULL, 0);
	fzp_expect_reports();
	if (!addr)
		return;
	log->h = (int16_t)fzp_find(op->h % FZ_NR_BLOCKS, false);
	log->x = pfn;
	log->y = (uint32_t)pages;
	own_pages(op->h, pfn, (uint32_t)pages, gfp);
}

/* So many pages from a block's first on; all of them single, or nothing happens. */
static void do_free_exact(const struct fz_op *op, struct fz_log *log)
{
	int h = fzp_find(op->h % FZ_NR_BLOCKS, true), want = 0;
	uint64_t pages = fz_value(FZ_K_PAGES, op->a, &fz.in.geo);
	size_t bytes = pages * FZ_PAGE_SIZE, off = op->flags % 16 == 15 ? 8 : 0;
	uint32_t pfn;

	if (h < 0)
		return;
	pfn = fzp.block[h].pfn;
	if (any_own(pfn, pages))
		return;
	if (!pages || off)
		want = -EINVAL;
	for (uint64_t i = 0; i < pages && !want; i++)
		want = pm_check_single(&fzp.m, pfn + (uint32_t)i);
	for (uint64_t i = 0; i < pages && !want; i++)
		fzp_frees(pfn + (uint32_t)i);
	*log = (struct fz_log){.ran = true, .h = (int16_t)h, .x = pfn, .y = (uint32_t)pages};
	log->ret = qy_free_pages_exact(fz.mm, fzp_addr(pfn) + off,
				       bytes - (pages && op->flags & 1 ? 5 : 0));
	same_result("free_exact", log->ret, want);
	if (want)
		fz_expect(want == -ERANGE ? QY_REPORT_PAGE_ORDER : QY_REPORT_BAD_PAGE_FREE, NULL);
}

static void do_split(const struct fz_op *op, struct fz_log *log)
{
	int h = fzp_find(op->h % FZ_NR_BLOCKS, true), want = 0;
	const struct pm_page *p;
	unsigned int order;
	uint32_t pfn;

	if (h < 0)
		return;
	pfn = fzp.block[h].pfn + (op->flags % 16 == 15 ? 1 : 0);
	if (pfn >= fz.end_pfn || fzp_is_own(pfn))
		return;
	p = &fzp.m.page[pfn];
	order = p->order + (op->flags % 8 == 7);
	if (p->state == PM_USED && fzp_free_handles() + 1 < 1u << p->order)
		return;
	if (p->state != PM_USED || (p->flags & PM_F_RETIRED) || p->refs != 1 ||
	    (p->order && (p->flags & PM_F_COMP)))
		want = -EINVAL;
	else if (order != p->order)
		want = -ERANGE;
	*log = (struct fz_log){.ran = true, .h = (int16_t)h, .x = pfn, .y = order};
	if (!want) {
		fzp_check(h);
		pm_split(&fzp.m, pfn);
	}
	log->ret = qy_split_page(fz.mm, fzp_page(pfn), order);
	same_result("split_page", log->ret, want);
	if (want)
		return;
	fzp_stamp(h);
	own_pages(op->h, pfn + 1, (1u << order) - 1, FZP_NOT_FRESH);
}

/* ---- by the array ---- */

#define MOST_BULK 16

static unsigned int bulk_gfp(unsigned int gfp)
{
	if (gfp & QY_GFP_DIRECT_RECLAIM)
		gfp &= ~QY_GFP_HIGH;
	return (gfp & ~QY_GFP_DIRECT_RECLAIM) | QY_GFP_NOWARN;
}

/* The empty slots from the left, without reclaim; if not one could be had, one with all means. */
static unsigned int play_bulk(uint32_t *want, unsigned int nr, unsigned int gfp)
{
	unsigned int filled = 0, got = 0, empty = nr;

	for (unsigned int i = 0; i < nr; i++) {
		if (want[i] != FZ_NONE) {
			filled++;
		} else if (empty == nr) {
			want[i] = pm_alloc(&fzp.m, this_node(), bulk_gfp(gfp), 0);
			if (want[i] == FZ_NONE)
				empty = i;
			else
				got++;
		}
	}
	if (empty == nr || got)
		return filled + got;
	want[empty] = pm_alloc(&fzp.m, this_node(), gfp, 0);
	return filled + (want[empty] != FZ_NONE);
}

static void do_bulk(const struct fz_op *op, struct fz_log *log)
{
	struct qy_page *array[MOST_BULK] = {NULL}, *before[MOST_BULK];
	unsigned int nr = op->a % (MOST_BULK + 1), gfp = gfp_of(op), mask = op->a >> 5, n;
	uint32_t want[MOST_BULK];

	if (fzp_free_handles() < nr)
		return;
	for (unsigned int i = 0; i < nr; i++) {
		want[i] = FZ_NONE;
		if (!(mask >> i & 1))
			continue;
		want[i] = fz.min_pfn + i;
		array[i] = fzp_page(want[i]);
	}
	memcpy(before, array, sizeof(array));
	n = play_bulk(want, nr, gfp);
	log->ran = true;
	log->ret = qy_alloc_pages_bulk(fz.mm, gfp, nr, array);
	same_result("bulk", log->ret, n);
	fzp_expect_reports();
	for (unsigned int i = 0; i < nr; i++) {
		if (array[i] != (want[i] == FZ_NONE ? NULL : fzp_page(want[i])))
			fz_fail("model", "slot %u of %u has page %d, expected %d", i, nr,
				array[i] ? (int)qy_page_pfn(fz.mm, array[i]) : -1, (int)want[i]);
		if (array[i] && !before[i])
			fzp_own(fzp_find(op->h % FZ_NR_BLOCKS, false), want[i], gfp);
	}
}

/* ---- runs ---- */

static void do_contig_range(const struct fz_op *op, struct fz_log *log)
{
	uint64_t pages = fz_value(FZ_K_PAGES, op->b, &fz.in.geo);
	unsigned int gfp = fz_page_gfp(op->flags, op->h >> 8) & ~QY_GFP_NOFAIL;
	uint32_t start = fz.min_pfn + op->a % (fz.end_pfn - fz.min_pfn + 4) - 2;
	uint32_t end = start + (uint32_t)pages;
	int want;

	if (fzp_free_handles() < pages)
		return;
	want = pm_contig(&fzp.m, start, end, gfp, QY_MIGRATE_MOVABLE);
	*log = (struct fz_log){.ran = true, .h = -1, .x = start, .y = end};
	log->ret = qy_alloc_contig_range(fz.mm, start, end, gfp);
	same_result("contig_range", log->ret, want);
	fzp_expect_reports();
	if (!want)
		own_pages(op->h, start, (uint32_t)pages, gfp);
}

static void do_contig_pages(const struct fz_op *op, struct fz_log *log)
{
	uint64_t pages = fz_value(FZ_K_PAGES, op->a, &fz.in.geo);
	unsigned int gfp = gfp_of(op), node = op->b >> 8 & 7;
	struct qy_page *page;
	uint32_t pfn;

	if (fzp_free_handles() < pages)
		return;
	pfn = pm_contig_pages(&fzp.m, (uint32_t)pages, gfp, node);
	page = qy_alloc_contig_pages(fz.mm, (uint32_t)pages, gfp, node);
	log->ran = true;
	log->ret = page ? 0 : FZ_LOG_NULL;
	fzp_script_end();
	fzp_same_block(pfn, page, 0);
	fzp_expect_reports();
	if (!page)
		return;
	log->x = pfn;
	log->y = (uint32_t)pages;
	own_pages(op->h, pfn, (uint32_t)pages, gfp);
}

static void do_free_contig(const struct fz_op *op, struct fz_log *log)
{
	int h = fzp_find(op->h % FZ_NR_BLOCKS, true);
	uint64_t pages = fz_value(FZ_K_PAGES, op->a, &fz.in.geo);
	struct pm_contig_free want;
	uint32_t pfn;

	if (h < 0 || pages > 300)
		return;
	pfn = fzp.block[h].pfn;
	if (op->flags % 16 == 15)
		pfn = fz.min_pfn + op->b % (fz.end_pfn - fz.min_pfn + 4) - 2;
	if (any_own(pfn, pages))
		return;
	want = pm_free_contig(&fzp.m, pfn, (uint32_t)pages);
	*log = (struct fz_log){.ran = true, .h = (int16_t)h, .x = pfn, .y = (uint32_t)pages};
	log->ret = qy_free_contig_range(fz.mm, pfn, (uint32_t)pages);
	same_result("free_contig_range", log->ret, want.ret);
	for (unsigned int i = 0; i < want.bad; i++)
		if (!fz_seen_find(QY_REPORT_PAGE_ORDER, NULL))
			fz_expect(QY_REPORT_BAD_PAGE_FREE, NULL);
	expect_n(QY_REPORT_BAD_PAGE_FREE, want.in_use != 0);
}

/* ---- areas ---- */

static void compare_area(unsigned int i)
{
	struct qy_cma_stat stat = {.struct_size = sizeof(stat)};
	const struct pm_area *a = &fzp.area[i];
	uint32_t used = 0;

	for (uint32_t bit = 0; bit < a->pages >> a->order_per_bit; bit++)
		used += (uint32_t)a->used[bit] << a->order_per_bit;
	if (qy_cma_stat_get(fzp.cma[i], &stat) || stat.base != a->base || stat.pages != a->pages ||
	    stat.used != used || stat.alloc_success != a->success || stat.alloc_fail != a->fail)
		fz_fail("model",
			"area %u: %u pages at %u, %u used, %llu and %llu; expected %u at %u, %u, "
			"%llu and %llu",
			i, stat.pages, stat.base, stat.used, (unsigned long long)stat.alloc_success,
			(unsigned long long)stat.alloc_fail, a->pages, a->base, used,
			(unsigned long long)a->success, (unsigned long long)a->fail);
}

static void do_declare(const struct fz_op *op, struct fz_log *log)
{
	uint32_t block = 1u << fzp.m.block_order;
	struct pm_area_request r =
				       {
					       .base = op->flags & 1
							       ? (fz.min_pfn +
								  op->a % (fz.end_pfn - fz.min_pfn))
							       : 0,
					       .pages = (1 + op->b % 4) * block,
					       .limit = op->flags & 2 ? fz.min_pfn + (op->a >> 4)
								      : 0,
					       .align = op->flags & 4 ? 1u << (op->b >> 4) % 6 : 0,
					       .order_per_bit = op->b >> 8 & 3,
					       .fixed = op->flags & 8,
				       },
			       filled;
	const char *name = op->flags & 16 ? "sixteen letters." : NULL;
	unsigned int i = fzp.nr_areas;
	struct qy_cma *area = NULL;
	int want;

	if (r.base && !(op->flags & 32))
		r.base = r.base / block * block;
	if (op->flags % 128 > 120)
		r.pages++;
	filled = r;
	if (name || !pm_area_valid(&fzp.m, &filled))
		want = -EINVAL;
	else if (i == PM_AREAS)
		want = -ENOSPC;
	else
		want = pm_declare(&fzp.m, &fzp.area[i], filled);
	log->ran = true;
	log->ret = qy_cma_declare(fz.mm, r.base, r.pages, r.limit, r.align, r.order_per_bit,
				  r.fixed, name, &area);
	same_result("cma_declare", log->ret, want);
	fzp_expect_reports();
	if (want)
		return;
	fzp.cma[i] = area;
	fzp.nr_areas++;
	compare_area(i);
}

static void do_cma_alloc(const struct fz_op *op, struct fz_log *log)
{
	uint64_t pages = fz_value(FZ_K_PAGES, op->a, &fz.in.geo);
	unsigned int align = (unsigned int)fz_value(FZ_K_ALIGN_ORDER, op->b, &fz.in.geo), i;
	bool quiet = op->flags & 0x80;
	struct qy_page *page;
	uint32_t pfn = FZ_NONE;
	int err = 0;

	if (!fzp.nr_areas || fzp_free_handles() < pages)
		return;
	i = op->flags % fzp.nr_areas;
	if (pages) {
		err = pm_area_alloc(&fzp.m, &fzp.area[i], (uint32_t)pages, align, &pfn);
		if (err)
			fzp.area[i].fail++;
		else
			fzp.area[i].success++;
	}
	page = qy_cma_alloc(fzp.cma[i], (uint32_t)pages, align, quiet);
	log->ran = true;
	log->ret = page ? 0 : FZ_LOG_NULL;
	fzp_script_end();
	fzp_same_block(err || !pages ? FZ_NONE : pfn, page, 0);
	fzp_expect_reports();
	expect_n(QY_REPORT_NOMEM, err && !quiet);
	compare_area(i);
	if (!page)
		return;
	log->x = pfn;
	log->y = (uint32_t)pages;
	own_pages(op->h, pfn, (uint32_t)pages, 0);
}

static void do_cma_release(const struct fz_op *op, struct fz_log *log)
{
	int h = fzp_find(op->h % FZ_NR_BLOCKS, true);
	uint64_t pages = fz_value(FZ_K_PAGES, op->a, &fz.in.geo);
	struct pm_contig_free f = {0};
	uint32_t pfn, first, bit, n = 0;
	bool inside, ours = false;
	struct pm_area *a;
	unsigned int i;

	if (!fzp.nr_areas || h < 0 || pages > 300)
		return;
	i = op->flags % fzp.nr_areas;
	a = &fzp.area[i];
	pfn = op->b & 1 ? fzp.block[h].pfn : a->base + op->b / 2 % a->pages;
	if (any_own(pfn, pages))
		return;
	first = pfn - a->base;
	inside = pages && pfn >= a->base && first < a->pages && pages <= a->pages - first;
	bit = first >> a->order_per_bit;
	if (inside) {
		n = (uint32_t)((pages + (1u << a->order_per_bit) - 1) >> a->order_per_bit);
		ours = !(first & ((1u << a->order_per_bit) - 1));
		for (uint32_t k = 0; k < n && ours; k++)
			ours = a->used[bit + k];
	}
	if (ours) {
		f = pm_free_contig(&fzp.m, pfn, (uint32_t)pages);
		memset(a->used + bit, 0, n);
	}
	*log = (struct fz_log){.ran = true, .h = (int16_t)h, .x = pfn, .y = (uint32_t)pages};
	log->ret = qy_cma_release(fzp.cma[i], fzp_page(pfn), (uint32_t)pages);
	same_result("cma_release", log->ret, ours);
	for (unsigned int k = 0; k < f.bad; k++)
		if (!fz_seen_find(QY_REPORT_PAGE_ORDER, NULL))
			fz_expect(QY_REPORT_BAD_PAGE_FREE, NULL);
	expect_n(QY_REPORT_BAD_PAGE_FREE, (f.in_use != 0) + (inside && !ours));
	compare_area(i);
}

bool fzp_step_runs(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_ALLOC_EXACT: do_exact(op, log); return true;
	case FZ_FREE_EXACT: do_free_exact(op, log); return true;
	case FZ_SPLIT: do_split(op, log); return true;
	case FZ_BULK: do_bulk(op, log); return true;
	case FZ_CONTIG_RANGE: do_contig_range(op, log); return true;
	case FZ_CONTIG_PAGES: do_contig_pages(op, log); return true;
	case FZ_FREE_CONTIG: do_free_contig(op, log); return true;
	case FZ_CMA_DECLARE: do_declare(op, log); return true;
	case FZ_CMA_ALLOC: do_cma_alloc(op, log); return true;
	case FZ_CMA_RELEASE: do_cma_release(op, log); return true;
	default: return false;
	}
}
