/* SPDX-License-Identifier: MIT */
/*
 * fuzz_bootmem.c - target "bootmem": an allocator of its own, without an instance, against the
 * model of single pages (tests/harness/bootmem_model.h).
 *
 * The model says result, address and the whole state after each operation. Besides: a failure
 * leaves maps and head as they were; what is handed out is zero and nothing else was written; the
 * hand-over gives every free page once.
 *
 * Called by harness.c through struct fz_target; what the bytes mean is in ops_bootmem.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define BM_MODEL_NODES 8
#define BM_MODEL_PAGES 192
#include "bootmem_model.h"

#define MAP_LONGS (BM_MODEL_PAGES / 8 / sizeof(unsigned long) + 1)
#define MAX_SHIFT 7 /* of memory that is really there */
#define MAX_PAGES (FZ_BM_NODES * (FZ_BM_MAX_LEN + 24) + FZ_BM_MAX_LEN + 16)
#define UNTOUCHED UINT64_C(0xdead)
#define GUARD 64u /* bytes looked at around what is handed out */

static struct bootmem_state {
	struct qy_bootmem bm;
	struct bm_model model;
	unsigned long map[BM_MODEL_NODES + 1][MAP_LONGS];
	unsigned int panics, lines;
	uint64_t zeroed_at, zeroed; /* by the callback */
	int last;		    /* what the last operation came to */
} st;

static struct {
	struct qy_bootmem bm;
	unsigned long map[BM_MODEL_NODES + 1][MAP_LONGS];
} before;

static _Alignas(64) uint8_t memory[((size_t)MAX_PAGES << MAX_SHIFT) + GUARD];
static uint8_t shadow[sizeof(memory)];
static size_t used; /* bytes of memory */

static bool has_memory(void)
{
	return fz.in.bm.zero == FZ_BM_BASE;
}

/* ---- the hooks ---- */

static void panic(void *ctx, const char *text)
{
	unsigned long long bytes;

	if (ctx != &st || sscanf(text, "bootmem alloc of %llu bytes failed!", &bytes) != 1)
		fz_fail("model", "panics with \"%s\"", text);
	st.panics++;
}

static void zero(void *ctx, qy_addr_t addr, qy_addr_t size)
{
	if (ctx != &st || st.zeroed)
		fz_fail("BM7", "zeroed twice");
	st.zeroed_at = addr;
	st.zeroed = size;
}

static void log_line(void *ctx, const char *line)
{
	if (ctx != &st || strncmp(line, "bootmem: node ", 14))
		fz_fail("model", "logs \"%s\"", line);
	st.lines++;
}

/* ---- nodes ---- */

/* A place for a map that no node has; there is one more than nodes. */
static unsigned long *free_map(void)
{
	for (unsigned int i = 0; i <= BM_MODEL_NODES; i++) {
		bool taken = false;

		for (unsigned int n = 0; n < st.bm.nr_nodes; n++)
			taken |= st.bm.node[n].map == st.map[i];
		if (!taken)
			return st.map[i];
	}
	return NULL;
}

static void make_nodes(void)
{
	const struct fz_bm_geometry *geo = &fz.in.bm;

	for (unsigned int i = 0; i < geo->nr; i++) {
		uint64_t min = geo->node[i].min, end = geo->node[i].end;
		uint64_t map_addr = QY_BOOTMEM_OUTSIDE;
		void *map = free_map();
		int err;

		if (geo->node[i].map_pfn != FZ_BM_OUTSIDE) {
			map_addr = geo->node[i].map_pfn << geo->shift;
			if (has_memory())
				map = memory + (map_addr - (geo->first << geo->shift));
		}
		err = qy_bootmem_init_node(&st.bm, geo->node[i].nid, map, map_addr, min, end);
		if (err)
			fz_fail("model", "init_node of node %d gave %d", geo->node[i].nid, err);
		bm_model_add(&st.model, geo->node[i].nid, min, end);
	}
}

/* The map's pages are in use, as they are after every kernel's boot: reserved again at once. */
static void keep_maps(void)
{
	for (unsigned int i = 0; i < st.bm.nr_nodes; i++) {
		const struct qy_bootmem_node *n = &st.bm.node[i];

		if (n->map_addr == QY_BOOTMEM_OUTSIDE)
			continue;
		if (qy_bootmem_reserve(&st.bm, n->map_addr, n->map_bytes, QY_BOOTMEM_DEFAULT) ||
		    bm_model_mark(&st.model, -1, n->map_addr, n->map_bytes, BM_RESERVE))
			fz_fail("model", "the map of node %d cannot be reserved", n->nid);
	}
}

static int model_mark(int nid, uint64_t addr, uint64_t size, enum bm_mark how)
{
	if (nid != -1 && !bm_model_find(&st.model, nid))
		return -EINVAL;
	return bm_model_mark(&st.model, nid, addr, size, how);
}

static void bootmem_begin(void)
{
	const struct fz_bm_geometry *geo = &fz.in.bm;
	struct qy_bootmem_config cfg = QY_BOOTMEM_CONFIG_INIT;

	memset(&st, 0, sizeof(st));
	st.model.shift = geo->shift;
	cfg.page_shift = geo->shift;
	cfg.panic = panic;
	cfg.ctx = &st;
	if (geo->log)
		cfg.log = log_line;
	if (geo->zero == FZ_BM_CALLBACK)
		cfg.zero = zero;
	used = 0;
	if (has_memory()) {
		cfg.base = memory;
		cfg.base_addr = geo->first << geo->shift;
		used = (size_t)(geo->last - geo->first + FZ_BM_MAX_LEN + 8) << geo->shift;
		memset(memory, 0xee, used + GUARD);
	}
	if (qy_bootmem_init(&st.bm, &cfg))
		fz_fail("model", "init failed");
	make_nodes();
	for (unsigned int i = 0; i < geo->nr && geo->all_free; i++) {
		uint64_t addr = geo->node[i].min << geo->shift;
		uint64_t size = (geo->node[i].end - geo->node[i].min) << geo->shift;

		if (qy_bootmem_free(&st.bm, addr, size) || model_mark(-1, addr, size, BM_FREE))
			fz_fail("model", "node %d cannot be freed", geo->node[i].nid);
	}
	keep_maps();
	memcpy(shadow, memory, used + GUARD);
}

/* ---- operations ---- */

/* The part of the head that is in use. */
static size_t head_bytes(void)
{
	return offsetof(struct qy_bootmem, node) + st.bm.nr_nodes * sizeof(st.bm.node[0]);
}

static void expect(int err, int expected)
{
	st.last = err;
	if (err != expected)
		fz_fail("model", "gave %d, the model says %d", err, expected);
	if (err && (memcmp(&before.bm, &st.bm, head_bytes()) ||
		    memcmp(before.map, st.map, sizeof(st.map))))
		fz_fail("BM5", "it failed, and changed something");
}

static void do_mark(const struct fz_op *op, struct fz_log *log)
{
	const struct fz_bm_geometry *geo = &fz.in.bm;
	uint64_t addr = fz_bm_value(FZ_K_BM_ADDR, op->a, geo);
	uint64_t size = fz_bm_value(FZ_K_BM_SIZE, op->b, geo);
	int nid = fz_bm_nid(op->flags, &fz.in.bm), expected, err;
	unsigned int flags = fz_bm_flags(op->flags);

	if (op->op == FZ_BM_FREE) {
		expected = model_mark(nid, addr, size, BM_FREE);
		err = nid == -1 ? qy_bootmem_free(&st.bm, addr, size)
				: qy_bootmem_free_node(&st.bm, nid, addr, size);
	} else {
		expected = flags > 1
				   ? -EINVAL
				   : model_mark(nid, addr, size, flags ? BM_EXCLUSIVE : BM_RESERVE);
		err = nid == -1 ? qy_bootmem_reserve(&st.bm, addr, size, flags)
				: qy_bootmem_reserve_node(&st.bm, nid, addr, size, flags);
	}
	log->ran = true;
	log->ret = err;
	expect(err, expected);
	if (!err)
		keep_maps();
}

/* Pages from @pfn on that are in use one after the other, up to @most, but no map's. */
static uint64_t taken_run(const struct bm_model_node *n, uint64_t pfn, uint64_t most)
{
	uint64_t nr = 0;

	for (; nr < most && pfn + nr < n->end && n->taken[pfn + nr - n->min]; nr++) {
		for (unsigned int i = 0; i < st.bm.nr_nodes; i++) {
			const struct qy_bootmem_node *b = &st.bm.node[i];

			if (b->map_addr != QY_BOOTMEM_OUTSIDE &&
			    pfn + nr >= b->map_addr >> st.model.shift &&
			    pfn + nr <= (b->map_addr + b->map_bytes - 1) >> st.model.shift)
				return nr;
		}
	}
	return nr;
}

/* Give back what is surely in use: a run of pages from some address on. */
static void do_free_run(const struct fz_op *op, struct fz_log *log)
{
	uint64_t first = fz_bm_value(FZ_K_BM_ADDR, op->a, &fz.in.bm) >> st.model.shift;

	for (unsigned int i = 0; i < st.model.nr; i++) {
		const struct bm_model_node *n = &st.model.node[i];

		for (uint64_t p = n->min < first ? first : n->min; p < n->end; p++) {
			uint64_t nr = taken_run(n, p, 1 + op->b % 64), addr = p << st.model.shift;

			if (!nr)
				continue;
			log->ran = true;
			log->x = (uint32_t)p;
			log->ret = qy_bootmem_free(&st.bm, addr, nr << st.model.shift);
			expect((int)log->ret, model_mark(-1, addr, nr << st.model.shift, BM_FREE));
			return;
		}
	}
}

static int model_alloc(unsigned int call, int nid, struct bm_model_request rq, uint64_t *addr)
{
	static struct bm_model copy;
	size_t bytes = offsetof(struct bm_model, node) + st.model.nr * sizeof(st.model.node[0]);
	bool node = call == 5 || call == 6 || call == 9;
	int err;

	memcpy(&copy, &st.model, bytes);
	if (call < 3)
		err = bm_model_core(&st.model, nid, rq, addr);
	else if (node && nid == -1)
		err = -EINVAL;
	else
		err = bm_model_alloc(&st.model, node ? nid : -1, rq, addr);
	if (err)
		memcpy(&st.model, &copy, bytes);
	return err;
}

static int library_alloc(unsigned int call, int nid, const struct bm_model_request *rq,
			 qy_addr_t *addr)
{
	struct qy_bootmem *bm = &st.bm;

	switch (call) {
	case 3: return qy_bootmem_alloc(bm, rq->size, rq->align, rq->goal, addr);
	case 4: return qy_bootmem_alloc_nopanic(bm, rq->size, rq->align, rq->goal, addr);
	case 5: return qy_bootmem_alloc_node(bm, nid, rq->size, rq->align, rq->goal, addr);
	case 6: return qy_bootmem_alloc_node_nopanic(bm, nid, rq->size, rq->align, rq->goal, addr);
	case 7: return qy_bootmem_alloc_pages(bm, rq->size, rq->goal, addr);
	case 8: return qy_bootmem_alloc_low(bm, rq->size, rq->align, rq->goal, addr);
	case 9: return qy_bootmem_alloc_low_node(bm, nid, rq->size, rq->align, rq->goal, addr);
	default:
		return qy_bootmem_alloc_core(bm, nid, rq->size, rq->align, rq->goal, rq->limit,
					     addr);
	}
}

/* Just these bytes are zero now; then they are somebody's. */
static void check_zeroed(uint64_t addr, uint64_t size)
{
	size_t at = (size_t)(addr - st.bm.cfg.base_addr), from = at < GUARD ? 0 : at - GUARD;

	if (fz.in.bm.zero == FZ_BM_CALLBACK && (st.zeroed_at != addr || st.zeroed != size))
		fz_fail("BM7", "zeroed 0x%llx bytes at 0x%llx", (unsigned long long)st.zeroed,
			(unsigned long long)st.zeroed_at);
	if (!has_memory())
		return;
	memset(shadow + at, 0, size);
	/* Maps lie in there, too, and change. */
	for (size_t i = from; i < at + size + GUARD; i++) {
		uint64_t pfn = (i + st.bm.cfg.base_addr) >> fz.in.bm.shift;
		bool map = false;

		for (unsigned int n = 0; n < st.bm.nr_nodes && memory[i] != shadow[i]; n++)
			map |= st.bm.node[n].map_addr >> fz.in.bm.shift <= pfn &&
			       (st.bm.node[n].map_addr + st.bm.node[n].map_bytes - 1) >>
				       fz.in.bm.shift >= pfn;
		if (memory[i] != shadow[i] && !map)
			fz_fail("BM7", "byte %td of 0x%llx is 0x%x", (ptrdiff_t)(i - at),
				(unsigned long long)size, memory[i]);
	}
	memset(memory + at, (int)(fz.step % 255) + 1, size);
	memset(shadow + at, (int)(fz.step % 255) + 1, size);
}

static void do_alloc(const struct fz_op *op, struct fz_log *log)
{
	const struct fz_bm_geometry *geo = &fz.in.bm;
	struct bm_model_request rq = {
		.size = fz_bm_value(FZ_K_BM_SIZE, op->a, geo),
		.align = fz_bm_value(FZ_K_BM_ALIGN, op->h, geo),
		.goal = fz_bm_value(FZ_K_BM_GOAL, op->b, geo),
		.limit = fz_bm_limit(op->h, geo),
	};
	unsigned int call = fz_bm_call(op->flags), panics = st.panics;
	int nid = fz_bm_nid(op->flags, &fz.in.bm), expected, err;
	uint64_t want = UNTOUCHED;
	qy_addr_t addr = UNTOUCHED;

	if (call >= 3)
		rq.limit = call >= 8 ? 0xffffffff : 0;
	if (call == 7)
		rq.align = UINT64_C(1) << geo->shift;
	st.zeroed = 0;
	expected = model_alloc(call, nid, rq, &want);
	err = library_alloc(call, nid, &rq, &addr);
	*log = (struct fz_log){.ran = true, .h = -1, .y = !err, .ret = err ? err : (int64_t)addr};
	expect(err, expected);
	if (addr != want)
		fz_fail("model", "gave 0x%llx, the model says 0x%llx", (unsigned long long)addr,
			(unsigned long long)want);
	panics += err == -ENOMEM && call >= 3 && call != 4 && call != 6;
	if (st.panics != panics)
		fz_fail("model", "the panic hook was called, or not, against the rule");
	if (err)
		return;
	if (call < 3 && nid == -1 && addr < rq.goal)
		fz_fail("BM7", "0x%llx is below the goal", (unsigned long long)addr);
	if (addr % rq.align || (rq.limit && addr + rq.size > rq.limit))
		fz_fail("BM7", "0x%llx is not aligned or above the limit",
			(unsigned long long)addr);
	check_zeroed(addr, rq.size);
}

/* A node anywhere, with a map that may be none; what must come of it is known beforehand. */
static int expected_node(int nid, const void *map, uint64_t map_addr, uint64_t min, uint64_t end)
{
	const uint64_t page = UINT64_C(1) << fz.in.bm.shift;
	uint64_t bytes = (end - min + 63) / 64 * 8;
	bool shared = false;

	if (nid < 0 || nid >= QY_BOOTMEM_NODES || min >= end || !map || (uintptr_t)map % 8 ||
	    end > UINT64_MAX / page || (has_memory() && min < fz.in.bm.first))
		return -EINVAL;
	if (map_addr != QY_BOOTMEM_OUTSIDE && (map_addr % page || map_addr / page < min ||
					       map_addr / page + (bytes + page - 1) / page > end))
		return -EINVAL;
	for (unsigned int i = 0; i < st.model.nr; i++) {
		const struct bm_model_node *n = &st.model.node[i];

		if (n->nid == nid || !(end <= n->min || n->end <= min))
			return -EEXIST;
		shared |= st.bm.node[i].map == map;
	}
	return shared ? -EINVAL : 0;
}

static void do_node(const struct fz_op *op, struct fz_log *log)
{
	const struct fz_bm_geometry *geo = &fz.in.bm;
	uint64_t min = fz_bm_value(FZ_K_BM_ADDR, op->a, geo) >> geo->shift;
	uint64_t end = min + op->b % FZ_BM_MAX_LEN, map_addr = QY_BOOTMEM_OUTSIDE;
	int nid = fz_bm_nid(op->flags, &fz.in.bm), expected, err;
	void *map = free_map();

	/* Where memory is really there, there is an end to it. */
	if (st.model.nr == BM_MODEL_NODES || (has_memory() && end > geo->last + FZ_BM_MAX_LEN))
		return;
	switch (op->h % 8) {
	case 1: map = NULL; break;
	case 2: map = (char *)map + 1 + op->h / 8 % 7; break;
	case 3: map = st.model.nr ? st.bm.node[op->h / 8 % st.model.nr].map : map; break;
	case 4: map_addr = (min << geo->shift) + op->h / 8 % 5; break;
	case 5: map_addr = (end - op->h / 8 % 4) << geo->shift; break;
	default: break;
	}
	expected = expected_node(nid, map, map_addr, min, end);
	err = qy_bootmem_init_node(&st.bm, nid, map, map_addr, min, end);
	log->ran = true;
	log->ret = err;
	expect(err, expected);
	if (!err)
		bm_model_add(&st.model, nid, min, end);
}

/* ---- hand-over ---- */

static void give(void *ctx, int nid, uint64_t pfn, unsigned int order)
{
	struct bm_model_node *n = bm_model_find(ctx, nid);
	const uint64_t nr = UINT64_C(1) << order;

	if (!n || pfn < n->min || pfn + nr > n->end || pfn % nr)
		fz_fail("BM8", "page 0x%llx order %u is given out of node %d",
			(unsigned long long)pfn, order, nid);
	for (uint64_t p = pfn - n->min; p < pfn - n->min + nr; p++) {
		if (n->taken[p])
			fz_fail("BM8", "page 0x%llx is given, though it is not free or was given",
				(unsigned long long)(n->min + p));
		n->taken[p] = true;
	}
}

/* The map's pages become free in the model, where they are given away. Returns pages. */
static uint64_t free_in_model(struct bm_model *m, const struct qy_bootmem_node *n)
{
	struct bm_model_node *want = bm_model_find(m, n->nid);
	uint64_t nr = 0, page = UINT64_C(1) << m->shift;

	for (uint64_t p = want->min; p < want->end; p++) {
		if (n->map_addr != QY_BOOTMEM_OUTSIDE && p * page < n->map_addr + n->map_bytes &&
		    p * page + (page - 1) >= n->map_addr)
			want->taken[p - want->min] = false;
		nr += !want->taken[p - want->min];
	}
	return nr;
}

/* All nodes, which are then made anew; or one. */
static void do_free_all(const struct fz_op *op, struct fz_log *log)
{
	static struct bm_model model;
	int nid = fz_bm_nid(op->flags, &fz.in.bm);
	uint64_t want = 0, got;
	unsigned int kept = 0;

	model = st.model;
	for (unsigned int i = 0; i < st.bm.nr_nodes; i++) {
		if (nid == -1 || st.bm.node[i].nid == nid)
			want += free_in_model(&model, &st.bm.node[i]);
		else
			st.model.node[kept++] = st.model.node[i];
	}
	st.model.nr = kept;
	got = nid == -1 ? qy_bootmem_free_all(&st.bm, give, &model)
			: qy_bootmem_free_all_node(&st.bm, nid, give, &model);
	log->ran = true;
	log->ret = (int64_t)got;
	if (got != want)
		fz_fail("BM8", "%llu pages were given, %llu are free", (unsigned long long)got,
			(unsigned long long)want);
	for (unsigned int i = 0; i < model.nr; i++)
		for (uint64_t p = 0; p < model.node[i].end - model.node[i].min; p++)
			if ((nid == -1 || model.node[i].nid == nid) && !model.node[i].taken[p])
				fz_fail("BM8", "page 0x%llx is free and was not given",
					(unsigned long long)(model.node[i].min + p));
	if (nid == -1)
		make_nodes();
	memcpy(shadow, memory, used); /* some maps are memory again */
}

static void bootmem_step(const struct fz_op *op, struct fz_log *log)
{
	memcpy(&before.bm, &st.bm, head_bytes());
	memcpy(before.map, st.map, sizeof(st.map));
	switch ((enum fz_opcode)op->op) {
	case FZ_BM_FREE:
	case FZ_BM_RESERVE: do_mark(op, log); break;
	case FZ_BM_FREE_RUN: do_free_run(op, log); break;
	case FZ_BM_ALLOC: do_alloc(op, log); break;
	case FZ_BM_NODE: do_node(op, log); break;
	case FZ_BM_FREE_ALL: do_free_all(op, log); break;
	default: break;
	}
}

/* ---- verdicts ---- */

static void bootmem_compare(void)
{
	static struct qy_check_result res;
	const char *what = bm_model_differs(&st.model, &st.bm);

	if (what)
		fz_fail("model", "not as the model says: %s", what);
	if (qy_bootmem_nr_free(&st.bm) != bm_model_nr_free(&st.model))
		fz_fail("model", "%llu pages are free, the model says %llu",
			(unsigned long long)qy_bootmem_nr_free(&st.bm),
			(unsigned long long)bm_model_nr_free(&st.model));
	if (fz.opts.no_check)
		return;
	res.struct_size = sizeof(res);
	if (qy_bootmem_check(&st.bm, &res))
		fz_fail(res.v[0].id, "%s", res.v[0].text);
	if (!res.assertions)
		fz_fail("model", "the checker looked at nothing");
}

static void bootmem_end(void)
{
	const struct fz_op all = {.op = FZ_BM_FREE_ALL};
	struct fz_log log;

	do_free_all(&all, &log);
}

static void bootmem_feedback(uint8_t counters[FZ_FEEDBACK])
{
	for (unsigned int i = 0; i < st.model.nr; i++) {
		const struct bm_model_node *n = &st.model.node[i];
		bool packs = n->last % (UINT64_C(1) << st.model.shift);

		counters[i * 16 + fz_bucket(n->hint) * 2 + packs] = 1;
	}
	counters[136 + fz_bucket(bm_model_nr_free(&st.model))] = 1;
	counters[144 + ((unsigned int)-st.last & 127)] = 1;
}

/* "node 3 0x4-0x14 hint 2 last 0x38: ####..#.…" */
static size_t bootmem_print(char *buf, size_t size)
{
	const size_t bits = 8 * sizeof(unsigned long);
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < st.bm.nr_nodes; i++) {
		const struct qy_bootmem_node *node = &st.bm.node[i];

		n += (size_t)snprintf(
			n < size ? buf + n : NULL, n < size ? size - n : 0,
			"node %d 0x%llx-0x%llx hint %llu last 0x%llx: ", node->nid,
			(unsigned long long)node->min_pfn, (unsigned long long)node->end_pfn,
			(unsigned long long)node->hint_idx, (unsigned long long)node->last_end_off);
		for (uint64_t b = 0; b <= node->end_pfn - node->min_pfn; b++, n++) {
			char c = (node->map[b / bits] >> b % bits & 1) ? '#' : '.';

			if (n + 1 >= size)
				continue;
			buf[n] = b == node->end_pfn - node->min_pfn ? '\n' : c;
			buf[n + 1] = '\0';
		}
	}
	return n;
}

const struct fz_target fz_bootmem_target = {
	.format = &fz_bootmem_format,
	.alone = true,
	.begin = bootmem_begin,
	.step = bootmem_step,
	.compare = bootmem_compare,
	.end = bootmem_end,
	.feedback = bootmem_feedback,
	.print = bootmem_print,
};
