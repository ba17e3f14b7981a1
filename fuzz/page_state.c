/* SPDX-License-Identifier: MIT */
/*
 * page_state.c - target "page": what the program holds: blocks with their handles and contents, and
 * what each must be when it comes.
 *
 * Called by the operations (fuzz_page_*.c) and page_script.c. Compared: contents with what was
 * written, the block that came with the one that was due, reports with those foreseen.
 */
#include "page_state.h"

#include <string.h>

struct fzp_state fzp;

/* ---- handles ---- */

int fzp_find(unsigned int from, bool live)
{
	for (unsigned int i = 0; i <= FZ_NR_BLOCKS / 64; i++) {
		unsigned int word = (from / 64 + i) % (FZ_NR_BLOCKS / 64);
		uint64_t bits = live ? fzp.live[word] : ~fzp.live[word];

		if (i == 0)
			bits &= ~UINT64_C(0) << (from % 64);
		if (bits)
			return (int)(word * 64 + (unsigned int)__builtin_ctzll(bits));
	}
	return -1;
}

unsigned int fzp_free_handles(void)
{
	unsigned int n = FZ_NR_BLOCKS;

	for (unsigned int i = 0; i < FZ_NR_BLOCKS / 64; i++)
		n -= (unsigned int)__builtin_popcountll(fzp.live[i]);
	return n;
}

/* ---- contents: the first and the last words of every page of a block ---- */

static uint64_t stamp(uint32_t seed, uint32_t page)
{
	return ((uint64_t)seed << 32 | page) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

void fzp_stamp(int h)
{
	struct fzp_block *b = &fzp.block[h];

	b->seed = ++fzp.seed;
	for (uint32_t i = 0; i < 1u << fzp_head(h)->order; i++) {
		uint64_t w = stamp(b->seed, i);

		memcpy(fzp_addr(b->pfn + i), &w, 8);
		memcpy(fzp_addr(b->pfn + i + 1) - 8, &w, 8);
	}
}

void fzp_check(int h)
{
	const struct fzp_block *b = &fzp.block[h];

	for (uint32_t i = 0; i < 1u << fzp_head(h)->order; i++) {
		uint64_t w = stamp(b->seed, i);

		if (memcmp(fzp_addr(b->pfn + i), &w, 8) ||
		    memcmp(fzp_addr(b->pfn + i + 1) - 8, &w, 8))
			fz_fail("model", "contents of h%d (pfn %u, order %u) changed in page %u", h,
				b->pfn, fzp_head(h)->order, b->pfn + i);
	}
}

/* ---- what is handed out ---- */

/* A byte of a free page was written: whoever gets the page is told, and finds it repaired. */
void fzp_handed_out(uint32_t pfn, unsigned int order)
{
	if (fzp.stale_pfn == FZ_NONE || fzp.stale_pfn < pfn || fzp.stale_pfn >= pfn + (1u << order))
		return;
	fzp.stale_reports++;
	fzp.stale_pfn = FZ_NONE;
}

void fzp_expect_reports(void)
{
	for (; fzp.m.tell; fzp.m.tell--)
		fz_expect(QY_REPORT_NOMEM, NULL);
	for (; fzp.stale_reports; fzp.stale_reports--) {
		const struct fz_seen *s = fz_expect(QY_REPORT_USE_AFTER_FREE, NULL);

		if (s->damage_len != 1 ||
		    (size_t)((const char *)s->damage - fz.base) % FZ_PAGE_SIZE != fzp.stale_off ||
		    !strstr(s->title, "single bit") == fzp.stale_single)
			fz_fail("B13", "%zu bytes at offset %td, \"%s\": expected one at %u",
				s->damage_len, s->damage_offset, s->title, fzp.stale_off);
	}
}

void fzp_same_block(uint32_t pfn, const struct qy_page *page, unsigned int order)
{
	uint32_t got = page ? qy_page_pfn(fz.mm, page) : FZ_NONE;

	if ((got == FZ_NONE) != (pfn == FZ_NONE))
		fz_fail("model", "order %u %s, but the model says it %s", order,
			page ? "was served" : "failed",
			page ? "cannot be served" : "must be served");
	if (!page)
		return;
	if (got < fz.min_pfn || got >= fz.end_pfn || got & ((1u << order) - 1))
		fz_fail("B8", "pfn %u is not aligned to order %u, or does not exist", got, order);
	if (fzp.m.page[got].zone != fzp.m.page[pfn].zone)
		fz_fail("Z6", "pfn %u is of zone %u; pfn %u of zone %u was due", got,
			fzp.m.page[got].zone, pfn, fzp.m.page[pfn].zone);
	if (got != pfn)
		fz_fail("B10", "pfn %u came, pfn %u was due (order %u)", got, pfn, order);
	if (qy_page_order(page) != order)
		fz_fail("model", "order %u was asked for, the head says %u", order,
			qy_page_order(page));
	if (qy_page_node(fz.mm, page) != pm_zone_of(&fzp.m, pfn)->node ||
	    qy_page_zone(fz.mm, page) != (enum qy_zone_type)pm_zone_of(&fzp.m, pfn)->type)
		fz_fail("Z4", "pfn %u says node %u, zone %u", pfn, qy_page_node(fz.mm, page),
			(unsigned int)qy_page_zone(fz.mm, page));
}

/* What is in a block when it is handed out. */
static void check_fresh(uint32_t pfn, unsigned int gfp, unsigned int order)
{
	ptrdiff_t bad;

	if (!(gfp & QY_GFP_ZERO) && !(fz.in.geo.page_debug & QY_PAGE_INIT_ON_ALLOC))
		return;
	bad = fz_zero_check(fzp_addr(pfn), (size_t)FZ_PAGE_SIZE << order);
	if (bad >= 0)
		fz_fail("model", "byte %td of pfn %u is not 0", bad, pfn);
}

void fzp_own(int h, uint32_t pfn, unsigned int gfp)
{
	fzp.block[h].pfn = pfn;
	fzp.live[h / 64] |= UINT64_C(1) << (h % 64);
	fzp.m.page[pfn].owner = (uint16_t)(h + 1);
	if (gfp != FZP_NOT_FRESH)
		check_fresh(pfn, gfp, fzp.m.page[pfn].order);
	fzp_stamp(h);
}

/* ---- what goes back ---- */

static void forget(int h)
{
	uint32_t pfn = fzp.block[h].pfn;
	unsigned int i = fzp.nr_ghosts++ % FZP_GHOSTS;

	fzp.live[h / 64] &= ~(UINT64_C(1) << (h % 64));
	fzp.ghost[i].pfn = pfn;
	fzp.ghost[i].order = fzp.m.page[pfn].order;
	fzp.m.page[pfn].owner = 0;
}

void fzp_model_free(int h)
{
	forget(h);
	pm_free(&fzp.m, fzp.block[h].pfn);
}

void fzp_play_free(int h)
{
	uint32_t pfn = fzp.block[h].pfn;

	if (fzp.m.page[pfn].refs > 1)
		pm_free_shared(&fzp.m, pfn);
	else
		fzp_model_free(h);
}

void fzp_frees(uint32_t pfn)
{
	if (fzp.m.page[pfn].owner)
		fzp_play_free(fzp.m.page[pfn].owner - 1);
	else
		pm_free(&fzp.m, pfn);
}

bool fzp_is_own(uint32_t pfn)
{
	return pfn >= fz.min_pfn && pfn < fz.end_pfn && fzp.m.page[pfn].state == PM_USED &&
	       !fzp.m.page[pfn].owner;
}
