/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page.c - target "page": blocks of 2^order pages against the exact model.
 *
 * The model says beforehand whether a request succeeds, from which zone, and out of a block of
 * which size it is cut; and for everything that is freed, what comes back and what is reported.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define GHOSTS 16

struct block {
	uint32_t pfn;
	uint8_t order;
	bool retired; /* freed with another order: leaked, never freed again */
	uint32_t seed;
};

struct ghost {
	uint32_t pfn, order;
};

static struct page_state {
	struct fz_pages pages;
	struct block block[FZ_NR_BLOCKS];
	uint64_t live[FZ_NR_BLOCKS / 64];
	uint16_t owner[FZ_MAX_PFN]; /* handle + 1 of the block that starts at this pfn */
	struct ghost ghost[GHOSTS];
	unsigned int nr_ghosts;
	uint32_t seed;
	uint32_t base_in_use; /* pages that the instance's own caches hold */
	uint32_t managed, spanned;
	uint32_t next_look; /* whose contents are looked at next */
} st, saved;

static char saved_arena[(size_t)FZ_MAX_PFN << FZ_PAGE_SHIFT];
static bool have_saved;

static char *pfn_addr(uint32_t pfn)
{
	return fz.base + ((size_t)pfn << FZ_PAGE_SHIFT);
}

static struct qy_page *pfn_page(uint32_t pfn)
{
	return qy_page_of(fz.mm, pfn_addr(pfn));
}

/* The handle at @from or the next one whose live bit is @live; -1: none. */
static int find_handle(unsigned int from, bool live)
{
	for (unsigned int i = 0; i <= FZ_NR_BLOCKS / 64; i++) {
		unsigned int word = (from / 64 + i) % (FZ_NR_BLOCKS / 64);
		uint64_t bits = live ? st.live[word] : ~st.live[word];

		if (i == 0)
			bits &= ~UINT64_C(0) << (from % 64);
		if (bits)
			return (int)(word * 64 + (unsigned int)__builtin_ctzll(bits));
	}
	return -1;
}

static unsigned int highest_zone(unsigned int gfp)
{
	return (gfp & QY_GFP_DMA) ? 0 : (gfp & QY_GFP_DMA32) ? 1 : 2;
}

/* ---- contents: the first and the last words of every page of a block ---- */

static uint64_t stamp(uint32_t seed, uint32_t page)
{
	return ((uint64_t)seed << 32 | page) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static void stamp_block(const struct block *b)
{
	for (uint32_t i = 0; i < 1u << b->order; i++) {
		uint64_t w = stamp(b->seed, i);

		memcpy(pfn_addr(b->pfn + i), &w, 8);
		memcpy(pfn_addr(b->pfn + i + 1) - 8, &w, 8);
	}
}

static void check_block(int h)
{
	const struct block *b = &st.block[h];

	for (uint32_t i = 0; i < 1u << b->order; i++) {
		uint64_t w = stamp(b->seed, i);

		if (memcmp(pfn_addr(b->pfn + i), &w, 8) ||
		    memcmp(pfn_addr(b->pfn + i + 1) - 8, &w, 8))
			fz_fail("model", "contents of h%d (pfn %u, order %u) changed in page %u", h,
				b->pfn, b->order, b->pfn + i);
	}
}

/* ---- allocation ---- */

/* What the model says about a block that came for (@gfp, @order). */
static void check_new_block(uint32_t pfn, unsigned int gfp, unsigned int order, int zone)
{
	unsigned int smallest = fz_pages_smallest(&st.pages, (unsigned int)zone, order);

	if (pfn & ((1u << order) - 1))
		fz_fail("B8", "pfn %u is not aligned to order %u", pfn, order);
	if (!fz_pages_is_free(&st.pages, pfn))
		fz_fail("B2", "pfn %u was not free", pfn);
	if (fz_pages_zone(&st.pages, pfn) != (unsigned int)zone)
		fz_fail("Z6", "pfn %u is in zone %u, zone %d had to serve", pfn,
			fz_pages_zone(&st.pages, pfn), zone);
	if (fz_pages_block_order(&st.pages, pfn) != smallest)
		fz_fail("B10", "pfn %u was cut from order %u, the smallest that fits is %u", pfn,
			fz_pages_block_order(&st.pages, pfn), smallest);
	if (!fz_pages_set_free(&st.pages, pfn, 1u << order, false))
		fz_fail("B2", "block %u of order %u overlaps pages in use", pfn, order);
	if (gfp & QY_GFP_ZERO) {
		ptrdiff_t bad = fz_zero_check(pfn_addr(pfn), (size_t)FZ_PAGE_SIZE << order);

		if (bad >= 0)
			fz_fail("model", "ZERO: byte %td of pfn %u is not 0", bad, pfn);
	}
}

static struct qy_page *alloc_either(const struct fz_op *op, unsigned int gfp, unsigned int order)
{
	void *addr;
	struct qy_page *page;

	if (op->op == FZ_ALLOC_PAGES)
		return qy_alloc_pages(fz.mm, gfp, order);
	addr = qy_get_free_pages(fz.mm, gfp, order);
	page = addr ? qy_page_of(fz.mm, addr) : NULL;
	if (addr && (!page || qy_page_address(fz.mm, page) != addr))
		fz_fail("model", "address %p and its page do not agree", addr);
	return page;
}

static void do_alloc(const struct fz_op *op, struct fz_log *log)
{
	unsigned int gfp = (unsigned int)fz_value(FZ_K_GFP, op->flags, &fz.in.geo);
	unsigned int order = (unsigned int)fz_value(FZ_K_ORDER, op->a, &fz.in.geo);
	int h = find_handle(op->h % FZ_NR_BLOCKS, false);
	int zone = fz_pages_serving_zone(&st.pages, highest_zone(gfp), order);
	struct qy_page *page;
	struct block *b;

	if (h < 0)
		return;
	log->ran = true;
	page = alloc_either(op, gfp, order);
	log->ret = page ? 0 : FZ_LOG_NULL;
	if (!page != (zone < 0))
		fz_fail("model", "order %u %s, but the model says it %s", order,
			page ? "was served" : "failed",
			zone < 0 ? "cannot be served" : "must be served");
	if (!page)
		return;
	b = &st.block[h];
	*b = (struct block){
		.pfn = qy_page_pfn(fz.mm, page), .order = (uint8_t)order, .seed = ++st.seed};
	log->h = (int16_t)h;
	log->x = b->pfn;
	log->y = order;
	check_new_block(b->pfn, gfp, order, zone);
	if (qy_page_order(page) != order)
		fz_fail("model", "order %u was asked for, the head says %u", order,
			qy_page_order(page));
	stamp_block(b);
	st.live[h / 64] |= UINT64_C(1) << (h % 64);
	st.owner[b->pfn] = (uint16_t)(h + 1);
	st.pages.in_use += 1u << order;
	if (st.pages.in_use > st.pages.high_water)
		st.pages.high_water = st.pages.in_use;
}

/* ---- free, and what must be refused ---- */

static void forget(int h)
{
	struct block *b = &st.block[h];

	st.live[h / 64] &= ~(UINT64_C(1) << (h % 64));
	st.owner[b->pfn] = 0;
	st.ghost[st.nr_ghosts++ % GHOSTS] = (struct ghost){b->pfn, b->order};
}

/* What freeing the block that starts at @pfn with @order must give; @h: its handle, or -1. */
static int foresee_free(uint32_t pfn, unsigned int order, int *h)
{
	*h = -1;
	if (pfn < fz.min_pfn || pfn >= fz.end_pfn || !st.owner[pfn])
		return -EINVAL;
	*h = st.owner[pfn] - 1;
	if (st.block[*h].retired)
		return -EINVAL;
	return st.block[*h].order == order ? 0 : -ERANGE;
}

/* Free @page or @addr, which is frame @pfn, and compare. */
static void free_and_compare(struct qy_page *page, const void *addr, uint32_t pfn,
			     unsigned int order, struct fz_log *log)
{
	int h, want = foresee_free(pfn, order, &h), got;

	if (h >= 0)
		check_block(h);
	got = addr ? qy_free_pages_addr(fz.mm, addr, order) : qy_free_pages(fz.mm, page, order);
	log->ran = true;
	log->ret = got;
	log->h = (int16_t)h;
	log->x = pfn;
	log->y = order;
	if (got != want)
		fz_fail("model", "free of pfn %u, order %u gave %d, expected %d", pfn, order, got,
			want);
	if (want) {
		fz_expect(want == -ERANGE ? QY_REPORT_PAGE_ORDER : QY_REPORT_BAD_PAGE_FREE, NULL);
		if (want == -ERANGE)
			st.block[h].retired = true;
		return;
	}
	st.pages.in_use -= 1u << order;
	if (!fz_pages_set_free(&st.pages, pfn, 1u << order, true))
		fz_fail("model", "the model lost block %u", pfn);
	forget(h);
}

static void do_free(const struct fz_op *op, struct fz_log *log, unsigned int order_change)
{
	int h = find_handle(op->h % FZ_NR_BLOCKS, true);
	const struct block *b;
	unsigned int order;

	if (h < 0)
		return;
	b = &st.block[h];
	order = b->order;
	if (order_change)
		order = (order + order_change) % (fz.in.geo.max_order + 2);
	if (op->op == FZ_FREE_PAGES_ADDR)
		free_and_compare(NULL, pfn_addr(b->pfn), b->pfn, order, log);
	else
		free_and_compare(pfn_page(b->pfn), NULL, b->pfn, order, log);
}

static void do_free_middle(const struct fz_op *op, struct fz_log *log)
{
	int h = find_handle(op->h % FZ_NR_BLOCKS, true);
	const struct block *b;
	uint32_t pfn;

	if (h < 0 || !st.block[h].order)
		return;
	b = &st.block[h];
	pfn = b->pfn + 1 + op->a % ((1u << b->order) - 1);
	free_and_compare(pfn_page(pfn), NULL, pfn,
			 (unsigned int)fz_value(FZ_K_ORDER, op->b, &fz.in.geo), log);
}

static void do_free_pfn(const struct fz_op *op, struct fz_log *log)
{
	uint32_t pfn = fz.min_pfn + op->a % (fz.end_pfn - fz.min_pfn + 8) - 4;
	unsigned int order = (unsigned int)fz_value(FZ_K_ORDER, op->b, &fz.in.geo);
	int h;

	/* Blocks that are in order are what free_pages is for; here all the others. */
	if (!foresee_free(pfn, order, &h))
		order = (order + 1) % (fz.in.geo.max_order + 2);
	free_and_compare(pfn_page(pfn), NULL, pfn, order, log);
}

static void do_free_again(const struct fz_op *op, struct fz_log *log)
{
	const struct ghost *g;

	if (!st.nr_ghosts)
		return;
	g = &st.ghost[op->h % (st.nr_ghosts < GHOSTS ? st.nr_ghosts : GHOSTS)];
	if (op->flags & 1)
		free_and_compare(NULL, pfn_addr(g->pfn), g->pfn, g->order, log);
	else
		free_and_compare(pfn_page(g->pfn), NULL, g->pfn, g->order, log);
}

static void do_free_foreign(const struct fz_op *op, struct fz_log *log)
{
	uint64_t on_stack[8] = {0};
	uint32_t pfn = fz.min_pfn + op->a % (fz.end_pfn - fz.min_pfn);
	unsigned int order = (unsigned int)fz_value(FZ_K_ORDER, op->b, &fz.in.geo);

	switch (op->flags % 6) {
	case 0: free_and_compare(NULL, NULL, FZ_NONE, order, log); break;
	case 1:
		free_and_compare((struct qy_page *)(void *)on_stack, NULL, FZ_NONE, order, log);
		break;
	case 2: /* between two descriptors */
		free_and_compare((struct qy_page *)((char *)pfn_page(pfn) + 4), NULL, FZ_NONE,
				 order, log);
		break;
	case 3: free_and_compare(NULL, on_stack, FZ_NONE, order, log); break;
	case 4: /* not on a page border */
		free_and_compare(NULL, pfn_addr(pfn) + 1 + op->b % (FZ_PAGE_SIZE - 1), FZ_NONE,
				 order, log);
		break;
	default:
		free_and_compare(NULL, pfn_addr(fz.end_pfn + op->a % 9), FZ_NONE, order, log);
		break;
	}
}

static void do_free_all(const struct fz_op *op, struct fz_log *log)
{
	unsigned int way = op->flags % 3, freed = 0;

	for (unsigned int i = 0; i < FZ_NR_BLOCKS; i++) {
		unsigned int h = way == 0   ? i
				 : way == 1 ? FZ_NR_BLOCKS - 1 - i
					    : i * 37 % FZ_NR_BLOCKS;
		struct fz_log each;

		if (!(st.live[h / 64] >> (h % 64) & 1) || st.block[h].retired)
			continue;
		free_and_compare(pfn_page(st.block[h].pfn), NULL, st.block[h].pfn,
				 st.block[h].order, &each);
		freed++;
	}
	log->ran = true;
	log->ret = freed;
}

/* ---- the rest ---- */

static void do_lookup(const struct fz_op *op, struct fz_log *log)
{
	uint32_t pfn = fz.min_pfn + op->a % (fz.end_pfn - fz.min_pfn + 8) - 4;
	bool exists = pfn >= fz.min_pfn && pfn < fz.end_pfn;
	struct qy_page *page = qy_page_of(fz.mm, pfn_addr(pfn) + op->b % FZ_PAGE_SIZE);

	log->ran = true;
	if (exists != (page != NULL))
		fz_fail("model", "pfn %u %s, but qy_page_of %s", pfn,
			exists ? "exists" : "does not exist",
			page ? "found it" : "did not find it");
	if (page &&
	    (qy_page_pfn(fz.mm, page) != pfn || qy_page_address(fz.mm, page) != pfn_addr(pfn)))
		fz_fail("model", "pfn %u: descriptor says %u", pfn, qy_page_pfn(fz.mm, page));
}

static void do_write(const struct fz_op *op, struct fz_log *log)
{
	int h = find_handle(op->h % FZ_NR_BLOCKS, true);
	struct block *b;

	if (h < 0)
		return;
	b = &st.block[h];
	check_block(h);
	b->seed = ++st.seed;
	memset(pfn_addr(b->pfn), (int)b->seed, (size_t)FZ_PAGE_SIZE << b->order);
	stamp_block(b);
	*log = (struct fz_log){.ran = true, .h = (int16_t)h, .x = b->pfn, .y = b->order};
}

/*
 * "Node 0, zone   Normal      1      0 …": the lines of the zones that exist, counted by the model.
 */
static void do_text(struct fz_log *log)
{
	static const char *const names[FZ_ZONES] = {"DMA", "DMA32", "Normal"};
	static char text[4096];
	size_t len = qy_buddyinfo(fz.mm, text, sizeof(text));

	log->ran = true;
	if (len != strlen(text))
		fz_fail("model", "buddyinfo says %zu bytes, the text has %zu", len, strlen(text));
	for (unsigned int z = 0; z < FZ_ZONES; z++) {
		char want[256], head[32];
		size_t n = 0;
		const char *line;

		if (st.pages.zone_start[z] == st.pages.zone_end[z])
			continue;
		snprintf(head, sizeof(head), "zone %8s ", names[z]);
		line = strstr(text, head);
		for (unsigned int o = 0; o <= st.pages.max_order; o++)
			n += (size_t)snprintf(want + n, sizeof(want) - n, "%6u ",
					      st.pages.count[z][o]);
		if (!line || strncmp(line + strlen(head), want, n))
			fz_fail("model", "buddyinfo, zone %s: expected \"%s\" in\n%s", names[z],
				want, text);
	}
}

static void do_snapshot(struct fz_log *log)
{
	memcpy(saved_arena, fz.arena, fz.arena_size);
	saved = st;
	have_saved = true;
	log->ran = true;
}

static void do_restore(struct fz_log *log)
{
	if (!have_saved)
		return;
	memcpy(fz.arena, saved_arena, fz.arena_size);
	st = saved;
	log->ran = true;
}

static void do_set_cpu(const struct fz_op *op, struct fz_log *log)
{
	unsigned int cpu = (unsigned int)fz_value(FZ_K_CPU, op->flags, &fz.in.geo);
	int want = cpu < fz.in.geo.nr_cpus ? 0 : -EINVAL;

	log->ran = true;
	log->ret = qy_mm_set_cpu(fz.mm, cpu);
	if (log->ret != want)
		fz_fail("model", "set_cpu(%u) of %u gave %d", cpu, fz.in.geo.nr_cpus,
			(int)log->ret);
}

static void page_step(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_ALLOC_PAGES:
	case FZ_GET_FREE_PAGES: do_alloc(op, log); break;
	case FZ_FREE_PAGES:
	case FZ_FREE_PAGES_ADDR: do_free(op, log, 0); break;
	case FZ_FREE_WRONG_ORDER: do_free(op, log, 1 + op->a % 3); break;
	case FZ_FREE_MIDDLE: do_free_middle(op, log); break;
	case FZ_FREE_PFN: do_free_pfn(op, log); break;
	case FZ_FREE_PAGE_AGAIN: do_free_again(op, log); break;
	case FZ_FREE_PAGE_FOREIGN: do_free_foreign(op, log); break;
	case FZ_PAGE_LOOKUP: do_lookup(op, log); break;
	case FZ_PAGE_WRITE: do_write(op, log); break;
	case FZ_PAGE_TEXT: do_text(log); break;
	case FZ_MM_TRIM:
		log->ran = true;
		log->ret = (int64_t)qy_mm_trim(fz.mm);
		if (log->ret)
			fz_fail("model", "trim of an arena gave %lld", (long long)log->ret);
		break;
	case FZ_SET_CPU: do_set_cpu(op, log); break;
	case FZ_SNAPSHOT: do_snapshot(log); break;
	case FZ_RESTORE: do_restore(log); break;
	case FZ_FREE_ALL_PAGES: do_free_all(op, log); break;
	default: break;
	}
}

static void page_begin(void)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};

	memset(&st, 0, sizeof(st));
	have_saved = false;
	fz_learn_pages(&st.pages);
	if (fz.in.geo.fresh)
		fz_recreate();
	qy_page_stats(fz.mm, &stats);
	st.managed = (uint32_t)stats.managed;
	st.spanned = fz.end_pfn - fz.min_pfn;
	st.base_in_use = st.managed - st.pages.nr_free;
	st.pages.in_use = st.base_in_use;
	st.pages.high_water = (uint32_t)stats.high_water;
}

static void page_compare(void)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};
	int h;

	qy_page_stats(fz.mm, &stats);
	if (stats.free != st.pages.nr_free)
		fz_fail("B5", "%zu pages free, the model says %u", stats.free, st.pages.nr_free);
	for (unsigned int o = 0; o <= st.pages.max_order; o++) {
		if (stats.nr_free[o] != fz_pages_count(&st.pages, o))
			fz_fail("B10", "%zu free blocks of order %u, the model says %u",
				stats.nr_free[o], o, fz_pages_count(&st.pages, o));
	}
	if (stats.free_max != fz_pages_largest(&st.pages))
		fz_fail("model", "largest free block %zu, the model says %u", stats.free_max,
			fz_pages_largest(&st.pages));
	if (stats.managed != st.managed || stats.spanned != st.spanned)
		fz_fail("Z8", "managed %zu spanned %zu, expected %u and %u", stats.managed,
			stats.spanned, st.managed, st.spanned);
	if (stats.high_water != st.pages.high_water)
		fz_fail("model", "high water %zu, the model says %u", stats.high_water,
			st.pages.high_water);
	h = find_handle(st.next_look++ % FZ_NR_BLOCKS, true);
	if (h >= 0)
		check_block(h);
}

static void page_end(void)
{
	for (int h = 0; h < FZ_NR_BLOCKS; h++) {
		if (st.live[h / 64] >> (h % 64) & 1)
			check_block(h);
	}
}

static void page_feedback(uint8_t counters[FZ_FEEDBACK])
{
	for (unsigned int z = 0; z < FZ_ZONES; z++) {
		for (unsigned int o = 0; o < FZ_ORDERS; o++)
			counters[(z * FZ_ORDERS + o) * 8 + fz_bucket(st.pages.count[z][o])] = 1;
	}
}

const struct fz_target fz_page_target = {
	.name = "page",
	.which = FZ_T_PAGE,
	.check = QY_CHECK_BUDDY,
	.begin = page_begin,
	.step = page_step,
	.compare = page_compare,
	.end = page_end,
	.feedback = page_feedback,
};
