/* SPDX-License-Identifier: MIT */
/*
 * fuzz_slab.c - target "slab": caches of any geometry, flags and CPU, kmalloc, and page blocks that
 * make memory scarce.
 *
 * The model says where objects may lie, what they hold, how many live, when a request may fail,
 * which layout the flags give, how often a constructor runs (fuzz_cache.c, fuzz_kmalloc.c);
 * fuzz_errors.c adds the user's errors and the reports that must come.
 *
 * The target: called by harness.c through struct fz_target, calls the operations in the other
 * files. Compared here: live objects of the caches, texts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "slab_state.h"

#define st fz_slab

/* ---- page blocks, to make memory scarce ---- */

static void do_alloc_pages(const struct fz_op *op, struct fz_log *log)
{
	unsigned int order = (unsigned int)fz_value(FZ_K_ORDER, op->a, &fz.in.geo);
	int h = fz_find_bit(st.blocks, NULL, FZ_NR_BLOCKS / 64, op->h % FZ_NR_BLOCKS, false);
	struct qy_page *page;
	struct fz_page_block *b;

	if (h < 0)
		return;
	page = qy_alloc_pages(fz.mm, QY_GFP_NOWARN, order);
	log->ran = true;
	log->h = (int16_t)h;
	log->ret = page ? 0 : FZ_LOG_NULL;
	if (!page) {
		fz_must_lack_block(order);
		return;
	}
	b = &st.block[h];
	*b = (struct fz_page_block){qy_page_pfn(fz.mm, page), (uint8_t)order};
	log->x = b->pfn;
	log->y = order;
	st.blocks[h / 64] |= UINT64_C(1) << (h % 64);
	if (!fz_granules_claim(&fz_granules, (uintptr_t)qy_page_address(fz.mm, page),
			       (size_t)FZ_PAGE_SIZE << order))
		fz_fail("B2", "block %u of order %u overlaps live objects", b->pfn, order);
	memset(qy_page_address(fz.mm, page), 0x42, 64);
}

static void free_block(int h, struct fz_log *log)
{
	struct fz_page_block *b = &st.block[h];
	char *p = fz.base + ((size_t)b->pfn << FZ_PAGE_SHIFT);

	log->ran = true;
	log->h = (int16_t)h;
	log->x = b->pfn;
	log->y = b->order;
	log->ret = qy_free_pages(fz.mm, qy_page_of(fz.mm, p), b->order);
	if (log->ret)
		fz_fail("model", "free of page block %u gave %d", b->pfn, (int)log->ret);
	fz_granules_release(&fz_granules, (uintptr_t)p, (size_t)FZ_PAGE_SIZE << b->order);
	st.blocks[h / 64] &= ~(UINT64_C(1) << (h % 64));
}

static void do_free_pages(const struct fz_op *op, struct fz_log *log)
{
	int h = fz_find_bit(st.blocks, NULL, FZ_NR_BLOCKS / 64, op->h % FZ_NR_BLOCKS, true);

	if (h >= 0)
		free_block(h, log);
}

static void do_free_all_pages(struct fz_log *log)
{
	struct fz_log each;
	int h, n = 0;

	while ((h = fz_find_bit(st.blocks, NULL, FZ_NR_BLOCKS / 64, 0, true)) >= 0) {
		free_block(h, &each);
		n++;
	}
	log->ran = true;
	log->ret = n;
}

static void do_set_cpu(const struct fz_op *op, struct fz_log *log)
{
	unsigned int cpu = (unsigned int)fz_value(FZ_K_CPU, op->flags, &fz.in.geo);

	log->ran = true;
	log->ret = qy_mm_set_cpu(fz.mm, cpu);
	if (log->ret != (cpu < fz.in.geo.nr_cpus ? 0 : -EINVAL))
		fz_fail("model", "set_cpu(%u) of %u gave %d", cpu, fz.in.geo.nr_cpus,
			(int)log->ret);
}

static void do_text(struct fz_log *log)
{
	static char text[16384];
	size_t len = qy_slabinfo(fz.mm, text, sizeof(text));

	log->ran = true;
	if (len < sizeof(text) && len != strlen(text))
		fz_fail("model", "slabinfo says %zu bytes, the text has %zu", len, strlen(text));
	for (int i = 0; i < FZ_NR_CACHES; i++) {
		unsigned long active, total, size;
		char name[8];
		const char *line;

		if (!st.cache[i].c || len >= sizeof(text))
			continue;
		snprintf(name, sizeof(name), "\nc%d ", i);
		line = strstr(text, name);
		if (!line || sscanf(line + 3, "%lu %lu %lu", &active, &total, &size) != 3 ||
		    size != st.cache[i].slot || active > total || active < st.cache[i].live)
			fz_fail("model", "slabinfo, c%d with slots of %u, %u live:\n%s", i,
				st.cache[i].slot, st.cache[i].live, line ? line : text);
	}
	len = qy_buddyinfo(fz.mm, text, sizeof(text));
	if (len != strlen(text))
		fz_fail("model", "buddyinfo says %zu bytes, the text has %zu", len, strlen(text));
}

static void slab_step(const struct fz_op *op, struct fz_log *log)
{
	/* These give back and take in one step. */
	if (op->op == FZ_KREALLOC || op->op == FZ_CACHE_ALLOC_BULK)
		st.epoch++;
	if (fz_cache_step(op, log) || fz_kmalloc_step(op, log) || fz_error_step(op, log))
		return;
	switch ((enum fz_opcode)op->op) {
	case FZ_ALLOC_PAGES: do_alloc_pages(op, log); break;
	case FZ_FREE_PAGES: do_free_pages(op, log); break;
	case FZ_FREE_ALL_PAGES: do_free_all_pages(log); break;
	case FZ_PAGE_TEXT: do_text(log); break;
	case FZ_MM_TRIM:
		log->ran = true;
		log->ret = (int64_t)qy_mm_trim(fz.mm);
		break;
	case FZ_SET_CPU: do_set_cpu(op, log); break;
	default: break;
	}
}

static void slab_begin(void)
{
	const struct fz_geometry *geo = &fz.in.geo;

	memset(&st, 0, sizeof(st));
	fz_granules_init(&fz_granules, (uintptr_t)fz.arena & ~(uintptr_t)(FZ_PAGE_SIZE - 1),
			 fz.arena_size + FZ_PAGE_SIZE);
	st.kflags = QY_SLAB_KMALLOC;
	if (geo->debug_scope == 1 || geo->debug_scope == 2)
		st.large_flags = geo->debug_flags;
	st.kflags |= st.large_flags;
	st.tracks = st.kflags & QY_SLAB_STORE_USER;
}

static void check_live_count(int at)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};

	if (!st.cache[at].c)
		return;
	qy_cache_info(st.cache[at].c, &info);
	if (info.live_objects != st.cache[at].live)
		fz_fail("S9", "c%d: %zu objects live, the model says %u", at, info.live_objects,
			st.cache[at].live);
	if (info.total_objects < info.live_objects || info.nr_partial > info.nr_slabs)
		fz_fail("S5", "c%d: %zu of %zu objects, %zu of %zu slabs partial", at,
			info.live_objects, info.total_objects, info.nr_partial, info.nr_slabs);
}

static void slab_compare(void)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};
	int h;

	qy_page_stats(fz.mm, &stats);
	if (stats.free != st.free_pages)
		st.epoch++;
	st.free_pages = stats.free;
	check_live_count((int)(st.turn % FZ_NR_CACHES));
	h = fz_find_object(st.turn * 61, FZ_K_OBJ);
	if (h >= 0)
		fz_object_check(h);
	st.turn++;
}

static void slab_end(void)
{
	struct fz_log log;

	for (int h = 0; h < FZ_NR_OBJS; h++) {
		if ((st.cobj[h / 64] | st.kobj[h / 64]) >> (h % 64) & 1)
			fz_object_check(h);
	}
	for (int i = 0; i < FZ_NR_CACHES; i++)
		check_live_count(i);
	fz_validate(&log);
	fz_cache_walk(&log);
}

/* Damage that the input did stands until somebody looks. */
static bool slab_excuses(const struct qy_violation *v)
{
	return st.nr_damaged && !strcmp(v->id, "U12");
}

static void slab_feedback(uint8_t counters[FZ_FEEDBACK])
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};

	qy_page_stats(fz.mm, &stats);
	for (unsigned int o = 0; o < 4; o++)
		counters[o * 8 + fz_bucket(stats.nr_free[o])] = 1;
	for (unsigned int i = 0; i < FZ_NR_CACHES; i++) {
		struct qy_cache_info info = {.struct_size = sizeof(info)};

		if (!st.cache[i].c || i != st.turn % FZ_NR_CACHES)
			continue;
		qy_cache_info(st.cache[i].c, &info);
		counters[32 + fz_bucket(info.nr_slabs)] = 1;
		counters[40 + fz_bucket(info.nr_partial)] = 1;
		counters[48 + fz_bucket(info.total_objects - info.live_objects)] = 1;
		counters[56 + fz_bucket(info.live_objects)] = 1;
	}
	for (unsigned int i = 0; i < fz.nr_seen; i++)
		counters[64 + fz.seen[i].kind] = 1;
}

static size_t slab_print(char *buf, size_t size)
{
	size_t n = qy_buddyinfo(fz.mm, buf, size);

	return n < size ? n + qy_slabinfo(fz.mm, buf + n, size - n) : n;
}

const struct fz_target fz_slab_target = {
	.format = &fz_slab_format,
	.check = QY_CHECK_ALL,
	.begin = slab_begin,
	.step = slab_step,
	.compare = slab_compare,
	.end = slab_end,
	.excuses = slab_excuses,
	.feedback = slab_feedback,
	.print = slab_print,
};
