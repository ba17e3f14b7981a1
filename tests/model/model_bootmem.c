/* SPDX-License-Identifier: MIT */
/*
 * model_bootmem.c - every state that a small bootmem allocator can reach, and from each of them
 * every operation of a set, against the model of single pages: no sampling.
 *
 * A state is the maps, the hints and the ends of the last allocations of up to three nodes, packed
 * into 64 bits. The search is breadth first, so the list of operations printed at a failure is a
 * shortest one. Beside the model, which predicts result and next state, each transition is held to
 * what needs no prediction: a failure changes nothing, nothing is given out twice; and each state
 * to the checker and to the hand-over.
 *
 * The counts are an oracle, too: all 2^pages maps turn up; one node has as many states as the first
 * time; and since what happens in one node does not hang on another one, several nodes have as many
 * as the product of each alone.
 *
 *   model_bootmem [GEOMETRY]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <quarry/check.h>

#define BM_MODEL_NODES 3
#define BM_MODEL_PAGES 16
#include "bootmem_model.h"

#define SHIFT 4
#define PAGE (UINT64_C(1) << SHIFT)
#define MAX_STATES (1u << 20)
#define TABLE (2 * MAX_STATES)
#define MAX_OPS 4096
#define ANY QY_BOOTMEM_ANY_NODE

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct geometry {
	const char *name;
	unsigned int nr;
	struct {
		int nid;
		uint64_t min, end;
	} node[BM_MODEL_NODES]; /* ascending */
	uint64_t unit;		/* bytes in which sizes, goals and alignments differ */
	unsigned int states;	/* of one node */
};

static const struct geometry geometries[] = {
	{"one node of 8 pages", 1, {{0, 2, 10}}, 8, 16576},
	{"one node of 5 pages, quarters of a page", 1, {{0, 1, 6}}, 4, 1384},
	{"4 and 4 pages that touch, at an odd start", 2, {{1, 3, 7}, {0, 7, 11}}, 8, 0},
	{"3 and 4 pages with a hole", 2, {{0, 1, 4}, {1, 6, 10}}, 8, 0},
	{"three nodes of 2 pages that touch", 3, {{2, 2, 4}, {0, 4, 6}, {1, 6, 8}}, 8, 0},
};

enum kind { MARK, CORE, ALLOC, NR_KINDS };

struct op {
	enum kind kind;
	enum bm_mark how;
	int nid;
	uint64_t addr;		    /* MARK */
	struct bm_model_request rq; /* size of MARK, too */
};

static const struct geometry *geo;
static struct op ops[MAX_OPS];
static unsigned int nr_ops;

static struct qy_bootmem bm, template;
static unsigned long maps[BM_MODEL_NODES][3]; /* the one in the middle; the others are guards */
static struct bm_model model;

static struct {
	uint64_t key[MAX_STATES];
	uint32_t parent[MAX_STATES];
	uint16_t op[MAX_STATES];
	uint32_t table[TABLE]; /* index + 1 */
	unsigned int nr;
} seen;

/* ---- states ---- */

/* Per node 8 bits of map, 4 of hint, 8 of the last end. */
static uint64_t pack(uint64_t map, uint64_t hint, uint64_t last)
{
	return map | hint << 8 | last << 12;
}

static uint64_t library_key(void)
{
	uint64_t key = 0;

	for (unsigned int i = 0; i < geo->nr; i++) {
		const struct qy_bootmem_node *n = &bm.node[i];

		key |= pack(*n->map & 0xff, n->hint_idx, n->last_end_off) << 20 * i;
	}
	return key;
}

static uint64_t model_key(void)
{
	uint64_t key = 0;

	for (unsigned int i = 0; i < geo->nr; i++) {
		const struct bm_model_node *n = &model.node[i];
		uint64_t map = 0;

		for (unsigned int p = 0; p < 8; p++)
			map |= (uint64_t)(p >= n->end - n->min || n->taken[p]) << p;
		key |= pack(map, n->hint, n->last) << 20 * i;
	}
	return key;
}

static void restore_library(uint64_t key)
{
	for (unsigned int i = 0; i < geo->nr; i++, key >>= 20) {
		maps[i][1] = ~0xfful | (key & 0xff);
		bm.node[i].hint_idx = key >> 8 & 0xf;
		bm.node[i].last_end_off = key >> 12 & 0xff;
	}
}

static void restore_model(uint64_t key)
{
	for (unsigned int i = 0; i < geo->nr; i++, key >>= 20) {
		struct bm_model_node *n = &model.node[i];

		for (unsigned int p = 0; p < n->end - n->min; p++)
			n->taken[p] = key >> p & 1;
		n->hint = key >> 8 & 0xf;
		n->last = key >> 12 & 0xff;
	}
}

/* ---- in words ---- */

static void print_op(const struct op *op)
{
	static const char *const marks[] = {"free", "reserve", "reserve exclusively"};

	if (op->kind == MARK)
		printf("  %s 0x%llx-0x%llx", marks[op->how], (unsigned long long)op->addr,
		       (unsigned long long)(op->addr + op->rq.size));
	else
		printf("  %s size 0x%llx align 0x%llx goal 0x%llx limit 0x%llx",
		       op->kind == CORE ? "alloc_core" : "alloc", (unsigned long long)op->rq.size,
		       (unsigned long long)op->rq.align, (unsigned long long)op->rq.goal,
		       (unsigned long long)op->rq.limit);
	printf(op->nid == ANY ? "\n" : " in node %d\n", op->nid);
}

static void print_state(const char *what, uint64_t key)
{
	printf("  %s", what);
	for (unsigned int i = 0; i < geo->nr; i++, key >>= 20) {
		printf(" | node %d ", geo->node[i].nid);
		for (unsigned int p = 0; p < geo->node[i].end - geo->node[i].min; p++)
			putchar(key >> p & 1 ? '#' : '.');
		printf(" hint %u last 0x%x", (unsigned int)(key >> 8 & 0xf),
		       (unsigned int)(key >> 12 & 0xff));
	}
	putchar('\n');
}

static void fail(unsigned int state, const struct op *op, const char *what)
{
	uint32_t path[256], nr = 0;

	printf("FAILED: %s: %s\nAll pages reserved; then:\n", geo->name, what);
	for (uint32_t s = state; s && nr < ARRAY_SIZE(path); s = seen.parent[s])
		path[nr++] = s;
	while (nr--)
		print_op(&ops[seen.op[path[nr]]]);
	print_state("state   ", seen.key[state]);
	if (op) {
		print_op(op);
		print_state("library ", library_key());
		print_state("model   ", model_key());
	}
	exit(1);
}

/* ---- the set of operations ---- */

static void add_op(struct op op)
{
	if (nr_ops == MAX_OPS) {
		printf("too many operations\n");
		exit(2);
	}
	ops[nr_ops++] = op;
}

static void add_marks(int nid, uint64_t shift)
{
	uint64_t first = geo->node[0].min - 1, end = geo->node[geo->nr - 1].end + 1;

	for (uint64_t from = first; from < end; from++)
		for (uint64_t to = from + !shift; to <= end; to++)
			for (int how = BM_FREE; how <= BM_EXCLUSIVE; how++)
				add_op((struct op){.kind = MARK,
						   .how = (enum bm_mark)how,
						   .nid = nid,
						   .addr = from * PAGE + shift,
						   .rq.size = (to - from) * PAGE});
}

static void add_allocs(enum kind kind, int nid)
{
	const uint64_t unit = geo->unit;
	const uint64_t sizes[] = {unit, PAGE - unit, PAGE, PAGE + unit, 2 * PAGE + unit};
	const uint64_t aligns[] = {unit, PAGE / 2, PAGE, 2 * PAGE};
	const uint64_t goals[] = {0, (geo->node[0].min + 1) * PAGE + unit,
				  (geo->node[geo->nr - 1].end - 2) * PAGE};
	const uint64_t limits[] = {0, (geo->node[geo->nr - 1].end - 1) * PAGE + unit};

	/* At half pages some of them are the same. */
	for (unsigned int z = unit == PAGE / 2; z < ARRAY_SIZE(sizes); z++)
		for (unsigned int a = unit == PAGE / 2; a < ARRAY_SIZE(aligns); a++)
			for (unsigned int g = 0; g < ARRAY_SIZE(goals); g++)
				for (unsigned int l = 0; l < (kind == CORE ? 2 : 1); l++)
					add_op((struct op){
						.kind = kind,
						.nid = nid,
						.rq = {sizes[z], aligns[a], goals[g], limits[l]}});
}

/*
 * Whole ranges of pages, from the one before the first node to the one behind the last; the same
 * half a page off; whole ones for single nodes, too. Allocations from everywhere and from each.
 */
static void make_ops(void)
{
	nr_ops = 0;
	add_marks(ANY, 0);
	add_marks(ANY, PAGE / 2);
	add_allocs(CORE, ANY);
	add_allocs(ALLOC, ANY);
	for (unsigned int i = 0; i < geo->nr && geo->nr > 1; i++) {
		add_marks(geo->node[i].nid, 0);
		add_allocs(CORE, geo->node[i].nid);
		add_allocs(ALLOC, geo->node[i].nid);
	}
}

/* ---- one transition ---- */

static int run_library(const struct op *op, qy_addr_t *addr)
{
	const struct bm_model_request *rq = &op->rq;
	unsigned int flags = op->how == BM_EXCLUSIVE ? QY_BOOTMEM_EXCLUSIVE : QY_BOOTMEM_DEFAULT;
	bool any = op->nid == ANY;

	switch (op->kind) {
	case MARK:
		if (op->how == BM_FREE)
			return any ? qy_bootmem_free(&bm, op->addr, rq->size)
				   : qy_bootmem_free_node(&bm, op->nid, op->addr, rq->size);
		return any ? qy_bootmem_reserve(&bm, op->addr, rq->size, flags)
			   : qy_bootmem_reserve_node(&bm, op->nid, op->addr, rq->size, flags);
	case CORE:
		return qy_bootmem_alloc_core(&bm, op->nid, rq->size, rq->align, rq->goal, rq->limit,
					     addr);
	default:
		return any ? qy_bootmem_alloc_nopanic(&bm, rq->size, rq->align, rq->goal, addr)
			   : qy_bootmem_alloc_node_nopanic(&bm, op->nid, rq->size, rq->align,
							   rq->goal, addr);
	}
}

static int run_model(const struct op *op, uint64_t *addr)
{
	if (op->kind == MARK)
		return bm_model_mark(&model, op->nid, op->addr, op->rq.size, op->how);
	return op->kind == CORE ? bm_model_core(&model, op->nid, op->rq, addr)
				: bm_model_alloc(&model, op->nid, op->rq, addr);
}

/* Is page @pfn available in a state? */
static bool is_free(uint64_t key, uint64_t pfn)
{
	for (unsigned int i = 0; i < geo->nr; i++)
		if (pfn >= geo->node[i].min && pfn < geo->node[i].end)
			return !(key >> 20 * i >> (pfn - geo->node[i].min) & 1);
	return false;
}

/* Is @addr behind what was allocated last in its node, in the same page? */
static bool is_packed(uint64_t key, uint64_t addr)
{
	for (unsigned int i = 0; i < geo->nr; i++) {
		uint64_t last = (key >> 20 * i >> 12 & 0xff) + geo->node[i].min * PAGE;

		if (addr / PAGE >= geo->node[i].min && addr / PAGE < geo->node[i].end)
			return last % PAGE && addr >= last && addr / PAGE == last / PAGE;
	}
	return false;
}

/* BM3 and BM7 of an allocation, without any prediction. NULL: nothing is wrong. */
static const char *judge_alloc(const struct op *op, uint64_t from, uint64_t to, uint64_t addr)
{
	const struct bm_model_request *rq = &op->rq;

	if (addr % rq->align)
		return "BM7: not aligned";
	if (op->kind == CORE && op->nid == ANY && addr < rq->goal)
		return "BM7: below the goal";
	if (rq->limit && addr + rq->size > rq->limit)
		return "BM7: above the limit";
	for (uint64_t pfn = 0; pfn < 16; pfn++) {
		bool part = pfn >= addr / PAGE && pfn <= (addr + rq->size - 1) / PAGE;

		if (!part && is_free(from, pfn) != is_free(to, pfn))
			return "a page that has nothing to do with it changed";
		if (part && is_free(to, pfn))
			return "BM3: a page of it is free";
		if (part && !is_free(from, pfn) && !(pfn == addr / PAGE && is_packed(from, addr)))
			return "BM3: a page of it belongs to somebody";
	}
	return NULL;
}

static const char *judge(const struct op *op, uint64_t from, uint64_t *to)
{
	qy_addr_t addr = 1;
	uint64_t want = 1;
	int err, expected;

	restore_library(from);
	restore_model(from);
	expected = run_model(op, &want);
	err = run_library(op, &addr);
	*to = library_key();
	if (err != expected)
		return "another result than the model's";
	if (err && (*to != from || addr != 1))
		return "BM5: it failed, and changed something";
	if (*to != model_key())
		return "another state than the model's";
	if (op->kind != MARK && !err) {
		if (addr != want)
			return "another address than the model's";
		return judge_alloc(op, from, *to, addr);
	}
	return NULL;
}

/* ---- one state ---- */

static uint64_t given;

static void give(void *ctx, int nid, uint64_t pfn, unsigned int order)
{
	(void)nid;
	if (order || given >> pfn & 1 || !is_free(*(uint64_t *)ctx, pfn))
		given |= UINT64_C(1) << 63;
	given |= UINT64_C(1) << pfn;
}

/* BM1-BM4 by the checker, BM8; and nothing but state was written since the last one. */
static void judge_state(unsigned int state)
{
	uint64_t key = seen.key[state], free = 0;
	struct qy_bootmem copy;

	for (unsigned int i = 0; i < geo->nr; i++) {
		if (maps[i][0] != 0x5aul || maps[i][2] != 0xa5ul || ~maps[i][1] > 0xff)
			fail(state, NULL, "BM1: bits that are none of the node's were written");
		template.node[i].hint_idx = bm.node[i].hint_idx;
		template.node[i].last_end_off = bm.node[i].last_end_off;
	}
	if (memcmp(&template, &bm, sizeof(bm)))
		fail(state, NULL, "something of the allocator's head was written");
	restore_library(key);
	if (qy_bootmem_check(&bm, NULL))
		fail(state, NULL, "the checker objects");
	for (uint64_t pfn = 0; pfn < 16; pfn++)
		free |= (uint64_t)is_free(key, pfn) << pfn;
	if (qy_bootmem_nr_free(&bm) != (unsigned int)__builtin_popcountll(free))
		fail(state, NULL, "the number of free pages is wrong");
	copy = bm;
	given = 0;
	if (qy_bootmem_free_all(&bm, give, &key) != (unsigned int)__builtin_popcountll(free) ||
	    given != free)
		fail(state, NULL, "BM8: not what was free was handed over");
	bm = copy;
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

/* Note a state, if it is a new one. */
static void visit(uint64_t key, uint32_t parent, unsigned int op)
{
	uint64_t at = mix(key) % TABLE;

	for (; seen.table[at]; at = (at + 1) % TABLE)
		if (seen.key[seen.table[at] - 1] == key)
			return;
	if (seen.nr == MAX_STATES) {
		printf("%s: more than %u states\n", geo->name, MAX_STATES);
		exit(2);
	}
	seen.key[seen.nr] = key;
	seen.parent[seen.nr] = parent;
	seen.op[seen.nr] = (uint16_t)op;
	seen.table[at] = ++seen.nr;
}

/* ---- the search ---- */

static void make(void)
{
	struct qy_bootmem_config cfg = QY_BOOTMEM_CONFIG_INIT;

	cfg.page_shift = SHIFT;
	memset(&seen, 0, sizeof(seen));
	memset(&model, 0, sizeof(model));
	model.shift = SHIFT;
	qy_bootmem_init(&bm, &cfg);
	for (unsigned int i = 0; i < geo->nr; i++) {
		uint64_t min = geo->node[i].min, end = geo->node[i].end;

		maps[i][0] = 0x5aul;
		maps[i][2] = 0xa5ul;
		if (qy_bootmem_init_node(&bm, geo->node[i].nid, &maps[i][1], QY_BOOTMEM_OUTSIDE,
					 min, end)) {
			printf("no node %d\n", geo->node[i].nid);
			exit(2);
		}
		bm_model_add(&model, geo->node[i].nid, min, end);
	}
	template = bm;
	make_ops();
	visit(library_key(), 0, 0);
}

/* Every map there can be has been seen. */
static unsigned int count_maps(void)
{
	static uint8_t map[1 << 24];
	unsigned int nr = 0;

	memset(map, 0, sizeof(map));
	for (unsigned int s = 0; s < seen.nr; s++) {
		unsigned int m = (seen.key[s] & 0xff) | (seen.key[s] >> 20 & 0xff) << 8 |
				 (seen.key[s] >> 40 & 0xff) << 16;

		nr += !map[m];
		map[m] = 1;
	}
	return nr;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Returns the number of states. */
static unsigned int search(const struct geometry *g)
{
	unsigned int depth = 0, level_end = 1, pages = 0;
	double start = now();

	geo = g;
	make();
	for (unsigned int s = 0; s < seen.nr; s++) {
		if (s == level_end) {
			depth++;
			level_end = seen.nr;
		}
		judge_state(s);
		for (unsigned int i = 0; i < nr_ops; i++) {
			uint64_t to;
			const char *what = judge(&ops[i], seen.key[s], &to);

			if (what)
				fail(s, &ops[i], what);
			visit(to, s, i);
		}
	}
	for (unsigned int i = 0; i < geo->nr; i++)
		pages += (unsigned int)(geo->node[i].end - geo->node[i].min);
	printf("%s: %u states, %llu transitions of %u operations, depth %u, %u maps; %.1f s\n",
	       geo->name, seen.nr, (unsigned long long)seen.nr * nr_ops, nr_ops, depth,
	       count_maps(), now() - start);
	fflush(stdout);
	if (count_maps() != 1u << pages) {
		printf("FAILED: %s: expected %u maps\n", geo->name, 1u << pages);
		exit(1);
	}
	return seen.nr;
}

/* Each node alone, then together. */
static void run(const struct geometry *g)
{
	unsigned int product = 1, states;

	for (unsigned int i = 0; i < g->nr && g->nr > 1; i++) {
		struct geometry one = {.name = "  alone", .nr = 1, .unit = g->unit};

		one.node[0] = g->node[i];
		product *= search(&one);
	}
	states = search(g);
	if (g->nr == 1)
		product = g->states;
	if (states != product) {
		printf("FAILED: %s: expected %u states\n", g->name, product);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(geometries); i++)
		if (argc < 2 || (unsigned int)atoi(argv[1]) == i)
			run(&geometries[i]);
	return 0;
}
