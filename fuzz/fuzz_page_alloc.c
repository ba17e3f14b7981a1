/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page_alloc.c - target "page": blocks of 2^order pages, taken, held and given back; and what
 * must be refused.
 *
 * Called by fuzz_page.c; stands on page_script.c and page_state.c. Compared: the block that came
 * with the model's, the result of each free, and the report of what was refused.
 */
#include <errno.h>
#include <string.h>

#include "page_state.h"

/* ---- allocation ---- */

/* NOFAIL ends the program if it cannot be served: only asked where the model says that it can. */
static uint32_t play_request(unsigned int node, unsigned int *gfp, unsigned int order)
{
	static struct fzp_state before;
	uint32_t pfn;

	if (!(*gfp & QY_GFP_NOFAIL) || order > fzp.m.max_order)
		return pm_alloc(&fzp.m, node, *gfp, order);
	before = fzp;
	pfn = pm_alloc(&fzp.m, node, *gfp, order);
	if (pfn != FZ_NONE)
		return pfn;
	fzp = before;
	fzp_script_begin();
	*gfp &= ~QY_GFP_NOFAIL;
	return pm_alloc(&fzp.m, node, *gfp, order);
}

static struct qy_page *ask(const struct fz_op *op, int node, unsigned int gfp, unsigned int order)
{
	void *addr;
	struct qy_page *page;

	if (op->op == FZ_ALLOC_NODE && node >= 0)
		return qy_alloc_pages_node(fz.mm, (unsigned int)node, gfp, order);
	if (op->op != FZ_GET_FREE_PAGES)
		return qy_alloc_pages(fz.mm, gfp, order);
	if (!order && (gfp & QY_GFP_ZERO))
		addr = qy_get_zeroed_page(fz.mm, gfp & ~QY_GFP_ZERO);
	else
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
	int h = fzp_find(op->h % FZ_NR_BLOCKS, false), node = -1;
	uint32_t pfn = FZ_NONE;
	struct qy_page *page;

	if (h < 0)
		return;
	log->ran = true;
	if (op->op == FZ_ALLOC_NODE) {
		gfp = fz_page_gfp(op->flags, op->b);
		node = fz_page_node(op->b, &fz.in.geo);
	}
	if (node < (int)fzp.m.nr_nodes)
		pfn = play_request(node < 0 ? fzp.m.cpu_node[fzp.m.cpu] : (unsigned int)node, &gfp,
				   order);
	page = ask(op, node, gfp, order);
	log->ret = page ? 0 : FZ_LOG_NULL;
	fzp_script_end();
	fzp_same_block(pfn, page, order);
	fzp_expect_reports();
	if (!page)
		return;
	log->h = (int16_t)h;
	log->x = pfn;
	log->y = order;
	fzp_own(h, pfn, gfp);
}

/* ---- free, and what must be refused ---- */

/* What giving back the block that starts at @pfn must bring; @h: its handle, or -1. */
static int foresee(uint32_t pfn, unsigned int order, int *h)
{
	*h = -1;
	if (pfn < fz.min_pfn || pfn >= fz.end_pfn || !fzp.m.page[pfn].owner)
		return -EINVAL;
	*h = fzp.m.page[pfn].owner - 1;
	if (fzp.m.page[pfn].flags & PM_F_RETIRED)
		return -EINVAL;
	return fzp.m.page[pfn].order == order ? 0 : -ERANGE;
}

/* The report names what is wrong. */
static void expect_bad_free(uint32_t pfn)
{
	const struct fz_seen *s = fz_expect(QY_REPORT_BAD_PAGE_FREE, NULL);
	bool here = pfn >= fz.min_pfn && pfn < fz.end_pfn;
	const struct pm_page *p = &fzp.m.page[here ? pfn : 0];
	const char *want = !here ? "no page of this instance"
			   : p->state == PM_FREE || p->state == PM_LISTED || p->state == PM_GUARD
				   ? "already free"
			   : p->state == PM_USED ? "given up"
						 : "";

	if (!strstr(s->title, want))
		fz_fail("model", "free of page %u: \"%s\", expected \"%s\"", pfn, s->title, want);
}

/* Free @page or @addr, which is frame @pfn, and compare. */
static void free_and_compare(struct qy_page *page, const void *addr, uint32_t pfn,
			     unsigned int order, struct fz_log *log)
{
	int h, want = foresee(pfn, order, &h), got;

	if (h >= 0)
		fzp_check(h);
	if (!want)
		fzp_play_free(h);
	got = addr ? qy_free_pages_addr(fz.mm, addr, order) : qy_free_pages(fz.mm, page, order);
	log->ran = true;
	log->ret = got;
	log->h = (int16_t)h;
	log->x = pfn;
	log->y = order;
	if (got != want)
		fz_fail("model", "free of pfn %u, order %u gave %d, expected %d", pfn, order, got,
			want);
	if (want == -ERANGE) {
		fz_expect(QY_REPORT_PAGE_ORDER, NULL);
		fzp.m.page[pfn].flags |= PM_F_RETIRED;
	} else if (want) {
		expect_bad_free(pfn);
	}
}

static void do_free(const struct fz_op *op, struct fz_log *log, unsigned int order_change)
{
	int h = fzp_find(op->h % FZ_NR_BLOCKS, true);
	unsigned int order;
	uint32_t pfn;

	if (h < 0)
		return;
	pfn = fzp.block[h].pfn;
	order = fzp_head(h)->order;
	if (order_change)
		order = (order + order_change) % (fz.in.geo.max_order + 2);
	if (op->op == FZ_FREE_PAGES_ADDR)
		free_and_compare(NULL, fzp_addr(pfn), pfn, order, log);
	else
		free_and_compare(fzp_page(pfn), NULL, pfn, order, log);
}

static void do_free_middle(const struct fz_op *op, struct fz_log *log)
{
	int h = fzp_find(op->h % FZ_NR_BLOCKS, true);
	uint32_t pfn;

	if (h < 0 || !fzp_head(h)->order)
		return;
	pfn = fzp.block[h].pfn + 1 + op->a % ((1u << fzp_head(h)->order) - 1);
	free_and_compare(fzp_page(pfn), NULL, pfn,
			 (unsigned int)fz_value(FZ_K_ORDER, op->b, &fz.in.geo), log);
}

static void do_free_pfn(const struct fz_op *op, struct fz_log *log)
{
	uint32_t pfn = fz.min_pfn + op->a % (fz.end_pfn - fz.min_pfn + 8) - 4;
	unsigned int order = (unsigned int)fz_value(FZ_K_ORDER, op->b, &fz.in.geo);
	int h;

	if (fzp_is_own(pfn))
		return;
	/* Blocks that are in order are what free_pages is for; here all the others. */
	if (!foresee(pfn, order, &h))
		order = (order + 1) % (fz.in.geo.max_order + 2);
	free_and_compare(fzp_page(pfn), NULL, pfn, order, log);
}

static void do_free_again(const struct fz_op *op, struct fz_log *log)
{
	uint32_t pfn, order;
	unsigned int i;

	if (!fzp.nr_ghosts)
		return;
	i = op->h % (fzp.nr_ghosts < FZP_GHOSTS ? fzp.nr_ghosts : FZP_GHOSTS);
	pfn = fzp.ghost[i].pfn;
	order = fzp.ghost[i].order;
	if (fzp_is_own(pfn))
		return;
	if (op->flags & 1)
		free_and_compare(NULL, fzp_addr(pfn), pfn, order, log);
	else
		free_and_compare(fzp_page(pfn), NULL, pfn, order, log);
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
		free_and_compare((struct qy_page *)((char *)fzp_page(pfn) + 4), NULL, FZ_NONE,
				 order, log);
		break;
	case 3: free_and_compare(NULL, on_stack, FZ_NONE, order, log); break;
	case 4: /* not on a page border */
		free_and_compare(NULL, fzp_addr(pfn) + 1 + op->b % (FZ_PAGE_SIZE - 1), FZ_NONE,
				 order, log);
		break;
	default:
		free_and_compare(NULL, fzp_addr(fz.end_pfn + op->a % 9), FZ_NONE, order, log);
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
		uint32_t pfn = fzp.block[h].pfn;

		if (!fzp_is_live(h) || (fzp_head((int)h)->flags & PM_F_RETIRED))
			continue;
		free_and_compare(fzp_page(pfn), NULL, pfn, fzp_head((int)h)->order, &each);
		freed++;
	}
	log->ran = true;
	log->ret = freed;
}

/* ---- references ---- */

#define MOST_REFS 200u

/* A live block, or any page at all. */
static uint32_t pick_page(const struct fz_op *op, int *h)
{
	*h = fzp_find(op->h % FZ_NR_BLOCKS, true);
	if (*h >= 0 && op->flags % 8)
		return fzp.block[*h].pfn;
	*h = -1;
	return fz.min_pfn + op->a % (fz.end_pfn - fz.min_pfn);
}

static void do_get(const struct fz_op *op, struct fz_log *log)
{
	int h, want;
	uint32_t pfn = pick_page(op, &h);

	if (fzp_is_own(pfn))
		return;
	want = foresee(pfn, fzp.m.page[pfn].order, &h);
	if (!want && fzp.m.page[pfn].refs >= MOST_REFS)
		return;
	if (!want)
		want = ++fzp.m.page[pfn].refs;
	*log = (struct fz_log){.ran = true, .h = (int16_t)h, .x = pfn};
	log->ret = qy_page_get(fz.mm, fzp_page(pfn));
	if (log->ret != want)
		fz_fail("model", "get of pfn %u gave %d, expected %d", pfn, (int)log->ret, want);
}

static void do_put(const struct fz_op *op, struct fz_log *log)
{
	int h, want;
	uint32_t pfn = pick_page(op, &h);

	if (fzp_is_own(pfn))
		return;
	want = foresee(pfn, fzp.m.page[pfn].order, &h);
	*log = (struct fz_log){.ran = true, .h = (int16_t)h, .x = pfn};
	if (!want) {
		fzp_check(h);
		want = --fzp.m.page[pfn].refs;
		if (!want)
			fzp_model_free(h);
	}
	log->ret = qy_page_put(fz.mm, fzp_page(pfn));
	if (log->ret != want)
		fz_fail("model", "put of pfn %u gave %d, expected %d", pfn, (int)log->ret, want);
	if (want < 0)
		fz_expect(QY_REPORT_BAD_PAGE_FREE, NULL);
}

/* ---- the rest ---- */

static void do_lookup(const struct fz_op *op, struct fz_log *log)
{
	uint32_t pfn = fz.min_pfn + op->a % (fz.end_pfn - fz.min_pfn + 8) - 4;
	bool exists = pfn >= fz.min_pfn && pfn < fz.end_pfn;
	struct qy_page *page = qy_page_of(fz.mm, fzp_addr(pfn) + op->b % FZ_PAGE_SIZE);

	log->ran = true;
	if (exists != (page != NULL))
		fz_fail("model", "pfn %u %s, but qy_page_of %s", pfn,
			exists ? "exists" : "does not exist",
			page ? "found it" : "did not find it");
	if (!page)
		return;
	if (qy_page_pfn(fz.mm, page) != pfn || qy_page_address(fz.mm, page) != fzp_addr(pfn))
		fz_fail("model", "pfn %u: descriptor says %u", pfn, qy_page_pfn(fz.mm, page));
	if ((unsigned int)qy_page_migratetype(fz.mm, page) != pm_type(&fzp.m, pfn))
		fz_fail("B6", "pfn %u is in a page block of type %u, the model says %u", pfn,
			(unsigned int)qy_page_migratetype(fz.mm, page), pm_type(&fzp.m, pfn));
}

static void do_write(const struct fz_op *op, struct fz_log *log)
{
	int h = fzp_find(op->h % FZ_NR_BLOCKS, true);
	uint32_t pfn;

	if (h < 0)
		return;
	pfn = fzp.block[h].pfn;
	fzp_check(h);
	memset(fzp_addr(pfn), (int)++fzp.seed, (size_t)FZ_PAGE_SIZE << fzp_head(h)->order);
	fzp_stamp(h);
	*log = (struct fz_log){.ran = true, .h = (int16_t)h, .x = pfn, .y = fzp_head(h)->order};
}

/* The head of the block that @pfn is a page of, and lies free in some way; or FZ_NONE. */
static uint32_t idle_head(uint32_t pfn)
{
	uint32_t head = pm_free_head(&fzp.m, pfn);

	for (unsigned int o = 0; head == FZ_NONE && o < PM_PCP_ORDERS; o++) {
		uint32_t at = pfn >> o << o;

		if (at >= fz.min_pfn && fzp.m.page[at].state == PM_LISTED &&
		    fzp.m.page[at].order >= o)
			head = at;
	}
	return head;
}

/*
 * Somebody writes where he has no business: with poison that is told when the page is handed out
 * again, without it nobody minds.
 */
static void do_stale(const struct fz_op *op, struct fz_log *log)
{
	uint32_t pfn = fz.min_pfn + op->a % (fz.end_pfn - fz.min_pfn), head = idle_head(pfn);
	bool poison = fz.in.geo.page_debug & QY_PAGE_POISON;
	uint8_t *p, value;

	if (head == FZ_NONE || fzp.stale_pfn != FZ_NONE || (fz.in.geo.page_debug && !poison))
		return;
	if (op->h & 1)
		pfn = head + (1u << fzp.m.page[head].order) - 1;
	fzp.stale_off = op->h & 2 ? FZ_PAGE_SIZE - 1 : op->b % FZ_PAGE_SIZE;
	p = (uint8_t *)fzp_addr(pfn) + fzp.stale_off;
	value = (uint8_t)(*p ^ (op->flags ? op->flags : 1));
	*log = (struct fz_log){.ran = true, .h = -1, .x = pfn};
	if (poison && *p != 0xaa)
		fz_fail("B13", "byte %u of free page %u is %02x", fzp.stale_off, pfn, *p);
	fzp.stale_single = !((value ^ 0xaa) & ((value ^ 0xaa) - 1));
	*p = value;
	if (poison)
		fzp.stale_pfn = pfn;
}

bool fzp_step_alloc(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_ALLOC_PAGES:
	case FZ_ALLOC_NODE:
	case FZ_GET_FREE_PAGES: do_alloc(op, log); return true;
	case FZ_FREE_PAGES:
	case FZ_FREE_PAGES_ADDR: do_free(op, log, 0); return true;
	case FZ_FREE_WRONG_ORDER: do_free(op, log, 1 + op->a % 3); return true;
	case FZ_FREE_MIDDLE: do_free_middle(op, log); return true;
	case FZ_FREE_PFN: do_free_pfn(op, log); return true;
	case FZ_FREE_PAGE_AGAIN: do_free_again(op, log); return true;
	case FZ_FREE_PAGE_FOREIGN: do_free_foreign(op, log); return true;
	case FZ_FREE_ALL_PAGES: do_free_all(op, log); return true;
	case FZ_PAGE_GET: do_get(op, log); return true;
	case FZ_PAGE_PUT: do_put(op, log); return true;
	case FZ_PAGE_LOOKUP: do_lookup(op, log); return true;
	case FZ_PAGE_WRITE: do_write(op, log); return true;
	case FZ_STALE_PAGE: do_stale(op, log); return true;
	default: return false;
	}
}
