/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page_anon.c - target "page": a short life of a second instance: one whose memory is the
 * system's, which grows, and where what is free goes back; or one that writes down page owners.
 *
 * Where it lies is the system's business, and stacks take pages when they need them, so the model
 * says less: blocks are aligned, disjoint and keep what was written, the checker is content, and
 * nothing is reported.
 *
 * Called by fuzz_page.c; of the target's own instance and model it uses nothing.
 */
#include <stdio.h>
#include <string.h>

#include "page_state.h"

#define SPAN ((size_t)16 << 20)
#define BLOCKS 16
#define MOST_STEPS 16

static struct {
	struct qy_mm *mm;
	struct {
		struct qy_page *page;
		unsigned int order;
		uint64_t seed;
	} block[BLOCKS];
	uint64_t rng;
	unsigned int max_order;
} an;

static void sink(const struct qy_report *r, void *ctx)
{
	(void)ctx;
	if (r->kind != QY_REPORT_NOMEM)
		fz_fail("model", "in an instance of its own: %s: %s", qy_report_kind_name(r->kind),
			r->title);
}

static unsigned int draw(unsigned int n)
{
	an.rng = an.rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(an.rng >> 33) % n;
}

/* The first word of every page. */
static void stamp(unsigned int i, bool check)
{
	char *p = qy_page_address(an.mm, an.block[i].page);

	for (uint64_t n = 0; n < UINT64_C(1) << an.block[i].order; n++, p += FZ_PAGE_SIZE) {
		uint64_t w = an.block[i].seed + n;

		if (check && memcmp(p, &w, sizeof(w)))
			fz_fail("model", "in an instance of its own: page %u of a block changed",
				(unsigned int)n);
		if (!check)
			memcpy(p, &w, sizeof(w));
	}
}

static void take(unsigned int i)
{
	unsigned int most = an.max_order < 6 ? an.max_order : 6;
	unsigned int order = draw(8) ? draw(most + 1) : an.max_order;
	struct qy_page *page =
		qy_alloc_pages(an.mm, draw(2) ? QY_GFP_KERNEL : QY_GFP_MOVABLE, order);

	if (!page)
		return;
	if (qy_page_pfn(an.mm, page) & ((1u << order) - 1) || qy_page_order(page) != order)
		fz_fail("B8", "in an instance of its own: pfn %u, order %u",
			qy_page_pfn(an.mm, page), order);
	an.block[i].page = page;
	an.block[i].order = order;
	an.block[i].seed = an.rng | 1;
	stamp(i, false);
}

static void give(unsigned int i)
{
	stamp(i, true);
	if (qy_free_pages(an.mm, an.block[i].page, an.block[i].order))
		fz_fail("model", "in an instance of its own: a block cannot be given back");
	an.block[i].page = NULL;
}

static void check(void)
{
	static struct qy_check_result res;

	res.struct_size = sizeof(res);
	if (!fz.opts.no_check && qy_check(an.mm, QY_CHECK_ALL, &res))
		fz_fail(res.v[0].id, "in an instance of its own: %s", res.v[0].text);
}

static size_t free_pages(void)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};

	qy_page_stats(an.mm, &stats);
	return stats.free;
}

static void trim(void)
{
	size_t bytes = qy_mm_trim(an.mm);

	if (bytes % FZ_PAGE_SIZE || bytes > free_pages() * FZ_PAGE_SIZE)
		fz_fail("model", "in an instance of its own: trim gave %zu bytes back", bytes);
}

static void step(void)
{
	unsigned int i = draw(BLOCKS);

	switch (draw(8)) {
	case 0: trim(); break;
	case 1: qy_mm_drain_pages(an.mm); break;
	case 2:
		if (qy_mm_add_memory(an.mm, (size_t)draw(64) << FZ_PAGE_SHIFT) &&
		    qy_mm_add_memory(an.mm, 0))
			fz_fail("model", "in an instance of its own: nothing cannot be added");
		break;
	default:
		if (an.block[i].page)
			give(i);
		else
			take(i);
		break;
	}
}

static struct qy_mm *create(void)
{
	static char arena[(size_t)2 << 20];
	static const unsigned int debug[8] = {
		0, 0, 0, 0, 0, QY_PAGE_OWNER, QY_PAGE_UNMAP, QY_PAGE_OWNER | QY_PAGE_INIT_ON_ALLOC,
	};
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;

	an.max_order = 1 + draw(10);
	cfg.size = SPAN;
	cfg.max_order = an.max_order;
	cfg.pageblock_order = 1 + draw(an.max_order);
	cfg.cpu_provider = QY_CPU_MANUAL;
	cfg.pcp = draw(2) ? QY_ON : QY_OFF;
	cfg.grouping = draw(2) ? QY_ON : QY_OFF;
	cfg.report_free = draw(2) ? (size_t)1 << (12 + draw(10)) : 0;
	cfg.shuffle = draw(4) == 0;
	cfg.page_debug = debug[draw(8)];
	if (cfg.page_debug & QY_PAGE_OWNER) { /* the checker reads records in arenas only */
		cfg.backing = QY_BACKING_ARENA;
		cfg.base = arena;
		cfg.size = sizeof(arena);
	}
	if (cfg.page_debug & QY_PAGE_UNMAP)
		cfg.guardpage_minorder = draw(3);
	cfg.seed = an.rng;
	cfg.policy = QY_POLICY_REPORT;
	cfg.sink.fn = sink;
	return qy_mm_create(&cfg);
}

void fzp_anon(const struct fz_op *op, struct fz_log *log)
{
	unsigned int steps = 4 + op->b % MOST_STEPS;

	if (op->flags % 64) /* it costs as much as thousands of others */
		return;
	memset(&an, 0, sizeof(an));
	an.rng = (uint64_t)op->a << 16 | op->b;
	an.mm = create();
	if (!an.mm) /* the system's limits */
		return;
	for (log->ret = 0; log->ret < steps; log->ret++) {
		step();
		if (log->ret % 8 == 7)
			check();
	}
	for (unsigned int i = 0; i < BLOCKS; i++)
		if (an.block[i].page)
			give(i);
	check();
	qy_mm_destroy(an.mm);
	log->ran = true;
}
