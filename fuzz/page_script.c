/* SPDX-License-Identifier: MIT */
/*
 * page_script.c - target "page": what the program does when the library calls it: shrinkers, the
 * hook for reclaim, the hook that moves blocks.
 *
 * Played twice. The model's side is what the model calls (struct pm_program): it plays the
 * shrinkers by the rules of linux-mm.md 1.11 and writes down each call with its answer. The
 * library's side is what the library is given: each call must be the next one written down, word by
 * word, and gets the answer that stands there. At the step's end nothing may be left.
 */
#include "page_state.h"

#include <string.h>

static struct {
	struct fzp_event ev[FZP_EVENTS];
	unsigned int nr, next;
} script;

static struct fzp_event *note(enum fzp_kind kind, unsigned int who)
{
	struct fzp_event *e;

	if (script.nr == FZP_EVENTS)
		fz_fail("model", "more events in one step than there is room for");
	e = &script.ev[script.nr++];
	*e = (struct fzp_event){.kind = kind, .who = who};
	return e;
}

void fzp_script_begin(void)
{
	script.nr = script.next = 0;
}

void fzp_script_end(void)
{
	if (script.next < script.nr)
		fz_fail("model", "%u calls of shrinkers or hook did not come",
			script.nr - script.next);
}

void fzp_same_size(struct fz_log *log, const char *what, size_t got, size_t want)
{
	fzp_script_end();
	fzp_expect_reports();
	log->ran = true;
	log->ret = (int64_t)got;
	if (got != want)
		fz_fail("model", "%s gave %zu, expected %zu", what, got, want);
}

/* ---- the model's side ---- */

/* The live handles of a word that are every third (@who), or any (< 0). */
static uint64_t candidates(unsigned int word, int who)
{
	uint64_t bits = fzp.live[word];

	if (who < 0)
		return bits;
	/* 64 = 1 modulo 3: from word to word the pattern moves by one. */
	return bits & UINT64_C(0x9249249249249249)
			      << ((unsigned int)who + 2 * (word % FZP_SHRINKERS)) % FZP_SHRINKERS;
}

/* Can the program do without it? */
static bool can_spare(unsigned int h, int node)
{
	const struct pm_page *p = &fzp.m.page[fzp.block[h].pfn];

	return !(p->flags & PM_F_RETIRED) && p->refs == 1 &&
	       (node < 0 || fzp.m.zone[p->zone].node == (unsigned int)node);
}

/* The first that it can, from the one after the last; -1: none. */
static int victim(int who, int node)
{
	unsigned int from = fzp.next_victim % FZ_NR_BLOCKS;

	for (unsigned int i = 0; i <= FZ_NR_BLOCKS / 64; i++) {
		unsigned int word = (from / 64 + i) % (FZ_NR_BLOCKS / 64);
		uint64_t bits = candidates(word, who);

		if (i == 0)
			bits &= ~UINT64_C(0) << (from % 64);
		for (; bits; bits &= bits - 1) {
			unsigned int h = word * 64 + (unsigned int)__builtin_ctzll(bits);

			if (can_spare(h, node))
				return (int)h;
		}
	}
	return -1;
}

static bool play_free(int who, int node)
{
	int h = victim(who, node);
	struct fzp_event *e;

	if (h < 0)
		return false;
	if (!fzp.moved)
		fzp_check(h);
	e = note(FZP_FREE, 0);
	e->pfn = fzp.block[h].pfn;
	e->order = fzp.m.page[e->pfn].order;
	fzp.next_victim = (unsigned int)h + 1;
	fzp_model_free(h);
	return true;
}

static size_t count_victims(unsigned int who, int node)
{
	size_t n = 0;

	for (unsigned int word = 0; word < FZ_NR_BLOCKS / 64; word++)
		for (uint64_t bits = candidates(word, (int)who); bits; bits &= bits - 1)
			n += can_spare(word * 64 + (unsigned int)__builtin_ctzll(bits), node);
	return n;
}

void fzp_unlist(unsigned int who)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < fzp.nr_registered; i++)
		if (fzp.order[i] != who)
			fzp.order[n++] = fzp.order[i];
	fzp.nr_registered = n;
	fzp.shrinker[who].registered = false;
}

static void play_take(unsigned int who)
{
	struct fzp_event *e = note(FZP_TAKE, who);
	uint32_t pfn;

	pfn = pm_alloc(&fzp.m, fzp.m.cpu_node[fzp.m.cpu], QY_GFP_KERNEL | QY_GFP_NOWARN, 0);
	e->pfn = pfn;
	if (pfn != FZ_NONE)
		pm_free(&fzp.m, pfn);
}

/* scan(): what it returns; *@scanned: what it says it tried. */
static uint64_t play_scan(unsigned int who, unsigned int gfp, unsigned int node, uint64_t n,
			  uint64_t *scanned)
{
	const struct fzp_shrinker *s = &fzp.shrinker[who];
	struct fzp_event *e = note(FZP_SCAN, who);
	uint64_t freed = 0, want = (n + s->scale - 1) / s->scale;
	int from = s->by_node ? (int)node : -1;

	*scanned = s->mode == FZP_TRIES_NOTHING ? 0 : s->mode == FZP_HALF ? n / 2 : n;
	e->gfp = gfp;
	e->node = node;
	e->n = n;
	if (s->mode == FZP_HALF)
		want /= 2;
	if (s->mode == FZP_NOTHING || s->mode == FZP_TRIES_NOTHING)
		want = 0;
	if (s->mode == FZP_GIVES_UP || s->mode == FZP_LEAVES)
		want = 1;
	while (freed < want && play_free((int)who, from))
		freed++;
	if (s->mode == FZP_TAKES)
		play_take(who);
	if (s->mode == FZP_LEAVES) {
		note(FZP_LEAVE, who);
		fzp_unlist(who);
	}
	e = note(FZP_RETURN, who);
	e->scanned = *scanned;
	e->ret = s->mode == FZP_GIVES_UP ? QY_SHRINK_STOP
		 : s->mode == FZP_BOASTS ? (freed ? SIZE_MAX - 2 : 0)
					 : freed * s->scale;
	return e->ret;
}

/* No more objects than 8 bytes each would fill the span. */
static uint64_t believe(uint64_t objects)
{
	uint64_t most = (uint64_t)(fz.end_pfn - fz.min_pfn) * (FZ_PAGE_SIZE / 8);

	if (objects == QY_SHRINK_STOP || objects == QY_SHRINK_EMPTY)
		return 0;
	return objects < most ? objects : most;
}

static uint64_t play_shrinker(unsigned int who, unsigned int gfp, unsigned int node,
			      unsigned int priority)
{
	struct fzp_shrinker *s = &fzp.shrinker[who];
	uint64_t *owed = &s->deferred[s->by_node ? node : 0], had, delta, total, left, freed = 0;
	size_t have = count_victims(who, s->by_node ? (int)node : -1) * s->scale;
	uint64_t batch = s->batch ? s->batch : 128, freeable;
	struct fzp_event *e = note(FZP_COUNT, who);

	e->gfp = gfp;
	e->node = node;
	e->ret = have ? have : s->scale > 1 ? QY_SHRINK_EMPTY : 0;
	freeable = believe(e->ret);
	if (!freeable)
		return 0;
	had = *owed;
	*owed = 0;
	delta = s->seeks ? (freeable >> priority) * 4 / s->seeks : freeable / 2;
	total = (had >> priority) + delta;
	total = left = total < 2 * freeable ? total : 2 * freeable;
	while (left >= batch || left >= freeable) {
		uint64_t scanned, ret;

		ret = play_scan(who, gfp, node, left < batch ? left : batch, &scanned);
		if (ret == QY_SHRINK_STOP)
			break;
		freed += believe(ret);
		left -= scanned < left ? scanned : left;
		if (!s->registered || !scanned)
			break;
	}
	if (!s->registered)
		return freed;
	had += delta;
	had -= had < total - left ? had : total - left;
	*owed += had;
	if (*owed > 2 * freeable)
		*owed = 2 * freeable;
	return freed;
}

size_t fzp_shrink(unsigned int gfp, unsigned int node, unsigned int nodes, unsigned int priority)
{
	uint8_t order[FZP_SHRINKERS];
	unsigned int nr = fzp.nr_registered;
	size_t freed = 0;

	if (node >= fzp.m.nr_nodes || fzp.m.reclaiming || !nr)
		return 0;
	memcpy(order, fzp.order, sizeof(order));
	fzp.m.reclaiming = true;
	for (unsigned int i = 0; i < nr; i++) {
		const struct fzp_shrinker *s = &fzp.shrinker[order[i]];
		unsigned int times = s->by_node ? nodes : 1;

		for (unsigned int n = 0; n < times && s->registered; n++)
			freed += play_shrinker(order[i], gfp, (node + n) % fzp.m.nr_nodes,
					       priority < 12 ? priority : 12);
	}
	fzp.m.reclaiming = false;
	return freed;
}

static bool play_hook(unsigned int gfp, unsigned int order)
{
	struct fzp_event *e, *end;

	if (!fz.in.geo.hook || fzp.m.reclaiming)
		return false;
	e = note(FZP_HOOK, 0);
	e->gfp = gfp;
	e->order = order;
	fzp.m.reclaiming = true;
	e->ret = fzp.hook_left && play_free(-1, -1);
	fzp.hook_left -= fzp.hook_left ? 1 : 0;
	fzp.m.reclaiming = false;
	end = note(FZP_RETURN, 0);
	end->ret = e->ret;
	return e->ret;
}

static bool can_move(void)
{
	return fz.in.geo.migrate;
}

/* Every seventh block cannot; nor one that is gone meanwhile. */
static bool play_move(uint32_t from, uint32_t to)
{
	struct pm_page *p = &fzp.m.page[from];
	struct fzp_event *e = note(FZP_MOVE, 0);
	unsigned int h = p->owner - 1u;

	e->pfn = from;
	e->to = to;
	e->order = fzp.m.page[to].order;
	e->ret = p->state != PM_USED || !p->owner || h % 7 == 3;
	if (e->ret)
		return false;
	if (!fzp.moved)
		fzp_check((int)h);
	fzp.moved = true;
	fzp.block[h].pfn = to;
	fzp.m.page[to].owner = p->owner;
	p->owner = 0;
	return true;
}

const struct pm_program fzp_program = {
	.handed_out = fzp_handed_out,
	.frees = fzp_frees,
	.shrink = fzp_shrink,
	.hook = play_hook,
	.can_move = can_move,
	.moves = play_move,
};

/* ---- the library's side ---- */

static const struct fzp_event *next(enum fzp_kind kind, const char *what)
{
	if (script.next >= script.nr || script.ev[script.next].kind != kind)
		fz_fail("model", "%s is called, and should not be", what);
	return &script.ev[script.next++];
}

static void check_call(const struct fzp_event *e, const struct qy_shrinker *s,
		       const struct qy_shrink_control *sc, uint64_t n)
{
	if (s != &fzp.shrinker[e->who].s || sc->gfp != e->gfp || sc->node != e->node || n != e->n)
		fz_fail("model",
			"shrinker %td is asked for %llu (gfp %x, node %u), expected: %u for %llu "
			"(gfp %x, node %u)",
			(const struct fzp_shrinker *)(const void *)s - fzp.shrinker,
			(unsigned long long)n, sc->gfp, sc->node, e->who, (unsigned long long)e->n,
			e->gfp, e->node);
}

size_t fzp_count(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	const struct fzp_event *e = next(FZP_COUNT, "count()");

	check_call(e, s, sc, 0);
	return e->ret;
}

/* An allocation in here does not reclaim. */
static void take_and_give(const struct fzp_event *e)
{
	struct qy_page *page = qy_alloc_pages(fz.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 0);

	if (page ? qy_page_pfn(fz.mm, page) != e->pfn : e->pfn != FZ_NONE)
		fz_fail("model", "inside scan(): page %d came, %d was due",
			page ? (int)qy_page_pfn(fz.mm, page) : -1, (int)e->pfn);
	if (page && qy_free_pages(fz.mm, page, 0))
		fz_fail("model", "inside scan(): the page cannot be given back");
}

/* What the model did, up to its return. */
static const struct fzp_event *act(void)
{
	for (;;) {
		const struct fzp_event *e = &script.ev[script.next++];

		switch (e->kind) {
		case FZP_FREE:
			if (qy_free_pages(fz.mm, fzp_page(e->pfn), e->order))
				fz_fail("model", "block at %u cannot be given back", e->pfn);
			break;
		case FZP_TAKE: take_and_give(e); break;
		case FZP_LEAVE:
			if (qy_shrinker_unregister(&fzp.shrinker[e->who].s))
				fz_fail("model", "a shrinker cannot unregister itself");
			break;
		default: return e;
		}
	}
}

size_t fzp_scan(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	const struct fzp_event *e = next(FZP_SCAN, "scan()");

	check_call(e, s, sc, sc->nr_to_scan);
	if (sc->nr_scanned != sc->nr_to_scan)
		fz_fail("model", "nr_scanned is preset to %zu", sc->nr_scanned);
	e = act();
	sc->nr_scanned = e->scanned;
	return e->ret;
}

bool fzp_hook(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order, void *ctx)
{
	const struct fzp_event *e;

	(void)ctx;
	if (fz.starting) /* for its caches, the marks being high */
		return false;
	e = next(FZP_HOOK, "the hook");
	if (mm != fz.mm || gfp != e->gfp || order != e->order)
		fz_fail("model", "the hook is asked for order %u, gfp %x; expected %u, %x", order,
			gfp, e->order, e->gfp);
	return act()->ret;
}

int fzp_move(struct qy_mm *mm, struct qy_page *from, struct qy_page *to, unsigned int order,
	     void *ctx)
{
	const struct fzp_event *e = next(FZP_MOVE, "the migrate hook");

	(void)ctx;
	if (mm != fz.mm || order != e->order || qy_page_pfn(mm, from) != e->pfn ||
	    qy_page_pfn(mm, to) != e->to)
		fz_fail("model", "a move from %u to %u, order %u; expected %u to %u, order %u",
			qy_page_pfn(mm, from), qy_page_pfn(mm, to), order, e->pfn, e->to, e->order);
	if (!e->ret)
		memcpy(fzp_addr(e->to), fzp_addr(e->pfn), (size_t)FZ_PAGE_SIZE << order);
	return e->ret ? -1 : 0;
}
