/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page_frag.c - target "page": small pieces cut from the end of a block; the block goes when
 * its last piece and its cache's hold are gone.
 *
 * Called by fuzz_page.c. Compared: each piece's address with the offset that the rules give in
 * the block that the model gives, its contents, and what a free brings.
 */
#include <errno.h>

#include "page_state.h"

#define LARGEST 32768u

static uint32_t align_down(uint32_t n, uint32_t align)
{
	return n & ~(align - 1);
}

static unsigned int order_for(uint32_t bytes)
{
	unsigned int order = 0;

	while ((size_t)FZ_PAGE_SIZE << order < bytes)
		order++;
	return order;
}

/* ---- the model's side ---- */

/* Nobody holds it any more, and no piece is out. */
static void drop_if_idle(uint32_t head)
{
	if (fzp.pieces[head] || fzp.held[head])
		return;
	fzp.m.page[head].flags &= (uint8_t)~PM_F_FRAG;
	pm_free(&fzp.m, head);
}

static void play_drain(struct fzp_frag *f)
{
	uint32_t head = f->head;

	f->head = FZ_NONE;
	f->offset = f->size = 0;
	if (head == FZ_NONE)
		return;
	fzp.held[head] = false;
	drop_if_idle(head);
}

/* A large block if that costs nothing, else the least that will do. */
static uint32_t new_block(uint32_t size, unsigned int gfp)
{
	unsigned int least = order_for(size), order = order_for(LARGEST);
	unsigned int node = fzp.m.cpu_node[fzp.m.cpu];
	uint32_t head = FZ_NONE;

	order = order < fzp.m.max_order ? order : fzp.m.max_order;
	gfp = (gfp & ~QY_GFP_ZERO) | QY_GFP_COMP;
	if (least > order)
		return FZ_NONE;
	if (least < order)
		head = pm_alloc(&fzp.m, node,
				(gfp & ~QY_GFP_DIRECT_RECLAIM) | QY_GFP_NOWARN | QY_GFP_NORETRY |
					QY_GFP_NOMEMALLOC,
				order);
	return head != FZ_NONE ? head : pm_alloc(&fzp.m, node, gfp, least);
}

/* Offset of the piece in the cache's block; false: there is none. */
static bool play_alloc(struct fzp_frag *f, uint32_t size, uint32_t align, unsigned int gfp)
{
	if (f->head != FZ_NONE && f->offset < size && f->size >= size && !fzp.pieces[f->head])
		f->offset = f->size; /* all of it is free again */
	if (f->head == FZ_NONE || f->offset < size) {
		uint32_t head = new_block(size, gfp);

		if (head == FZ_NONE)
			return false;
		play_drain(f);
		fzp.m.page[head].flags |= PM_F_FRAG | PM_F_OWN;
		fzp.held[head] = true;
		fzp.pieces[head] = 0;
		f->head = head;
		f->offset = f->size = (uint32_t)FZ_PAGE_SIZE << fzp.m.page[head].order;
	}
	f->offset = align_down(f->offset - size, align);
	fzp.pieces[f->head]++;
	return true;
}

/* ---- operations ---- */

static void check_piece(const struct fzp_piece *p)
{
	ptrdiff_t bad = fz_pattern_check(p->p, p->size, p->size, p->seed);

	if (bad >= 0)
		fz_fail("model", "byte %td of a piece of %u bytes changed", bad, p->size);
}

void fzp_check_pieces(void)
{
	for (unsigned int i = 0; i < FZP_PIECES; i++)
		if (fzp.piece[i].p)
			check_piece(&fzp.piece[i]);
}

static void do_alloc(const struct fz_op *op, struct fz_log *log)
{
	static const uint16_t aligns[] = {1, 1, 8, 8, 64, 256, 4096, 3};
	struct fzp_frag *f = &fzp.frag[op->b >> 14 & 1];
	struct fzp_piece *p = NULL;
	unsigned int gfp = fz_page_gfp(op->flags, op->b) & ~QY_GFP_NOFAIL;
	size_t size = (size_t)fz_value(FZ_K_SIZE, op->a, &fz.in.geo),
	       align = aligns[op->b >> 8 & 7];
	bool want = false;
	char *got;

	for (unsigned int i = 0; i < FZP_PIECES && !p; i++)
		p = fzp.piece[i].p ? NULL : &fzp.piece[i];
	if (!p)
		return;
	if (size && size <= LARGEST && align != 3)
		want = play_alloc(f, (uint32_t)size, (uint32_t)align, gfp);
	got = qy_page_frag_alloc(fz.mm, &f->cache, size, gfp, align);
	log->ran = true;
	log->ret = got ? got - fz.base : -1;
	fzp_script_end();
	if (got != (want ? fzp_addr(f->head) + f->offset : NULL))
		fz_fail("model", "a piece of %zu bytes: at %lld, expected %lld", size,
			(long long)log->ret,
			want ? (long long)f->head * FZ_PAGE_SIZE + f->offset : -1);
	fzp_expect_reports();
	if (!got)
		return;
	if ((gfp & QY_GFP_ZERO) && fz_zero_check(got, size) >= 0)
		fz_fail("model", "ZERO: a piece is not 0");
	*p = (struct fzp_piece){got, f->head, (uint32_t)size, ++fzp.seed};
	fz_pattern_write(got, size, p->seed);
}

/* A piece that is out; the end of a block with none out; a place that no piece was cut from. */
static void do_free(const struct fz_op *op, struct fz_log *log)
{
	struct fzp_piece *p = &fzp.piece[op->a % FZP_PIECES];
	const struct fzp_frag *f = &fzp.frag[op->flags & 1];
	int want = -EINVAL;
	char *addr = p->p;

	if (op->flags % 16 == 15) {
		uint32_t pfn = fz.min_pfn + op->a % (fz.end_pfn - fz.min_pfn);

		if (fzp_is_own(pfn) || fzp.m.page[pfn].state == PM_INSIDE)
			return;
		addr = fzp_addr(pfn);
	} else if (op->flags % 16 == 14) {
		if (f->head == FZ_NONE || fzp.pieces[f->head])
			return;
		addr = fzp_addr(f->head);
	} else {
		for (unsigned int i = 0; i < FZP_PIECES && !p->p; i++)
			p = &fzp.piece[(op->a + i) % FZP_PIECES];
		addr = p->p;
		if (!addr)
			return;
		check_piece(p);
		p->p = NULL;
		fzp.pieces[p->head]--;
		drop_if_idle(p->head);
		want = 0;
	}
	log->ran = true;
	log->ret = qy_page_frag_free(fz.mm, addr);
	if (log->ret != want)
		fz_fail("model", "free of a piece gave %d, expected %d", (int)log->ret, want);
	if (want)
		fz_expect(QY_REPORT_BAD_PAGE_FREE, NULL);
}

static void do_drain(const struct fz_op *op, struct fz_log *log)
{
	struct fzp_frag *f = &fzp.frag[op->flags & 1];

	log->ran = true;
	play_drain(f);
	qy_page_frag_drain(fz.mm, &f->cache);
}

bool fzp_step_frag(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_FRAG_ALLOC: do_alloc(op, log); return true;
	case FZ_FRAG_FREE: do_free(op, log); return true;
	case FZ_FRAG_DRAIN: do_drain(op, log); return true;
	default: return false;
	}
}
