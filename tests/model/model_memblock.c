/* SPDX-License-Identifier: MIT */
/*
 * model_memblock.c - every state that memblock can reach on a short line of addresses, and from
 * each of them every call of a set, against the model of cells: no sampling.
 *
 * A state is what each cell (a page) is in both sets, where the sets' arrays are and how long, and
 * whether mirrored memory is preferred: 64 bits. The search is breadth first, so the list of calls
 * printed at a failure is a shortest one. Arrays begin with one or two regions, so that growing, to
 * where, and failing to, are what most calls are about.
 *
 * Where cells do not depend on each other the count is an oracle: all combinations turn up, which
 * is their number to the power of the length; with arrays of a fixed size, those that fit, counted
 * one by one. Where arrays grow it is as many as the first time.
 *
 *   model_memblock [SCOPE…]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CELLS_MAX 8
#include "memblock_compare.h"
#include "util/compiler.h"

#define PAGE QY_PAGE_SIZE
#define MAX_STATES (1u << 21)
#define TABLE (2 * MAX_STATES)
#define MAX_CALLS 2048
#define MAX_VALUES 7 /* a cell has 3 bits of the key */
#define MAX_ATTRS 8

enum kind { ADD, REMOVE, RESERVE, FREE, FLAG, UNFLAG, NODE, MIRROR, ALLOC, LIMIT, CAP, HANDOVER };
static const char *const kind_name[] = {
	"add",	    "remove",	   "reserve", "free",  "set flags", "clear flags",
	"set node", "mark mirror", "alloc",   "limit", "cap",	    "free all",
};

struct call {
	uint8_t kind, set;
	int8_t from, to; /* ALLOC: pages, alignment in pages */
	int8_t nid;
	bool exact, bottom_up;
	uint8_t flags;
};

struct attr {
	int nid;
	uint32_t flags;
};

struct scope {
	const char *name;
	int nr;			     /* cells */
	uint32_t max;		     /* regions of both arrays at first */
	bool resize, directions;     /* directions: both, for what may make an array grow */
	struct attr mem[MAX_ATTRS];  /* what is added; up to flags LAST */
	struct attr res[MAX_ATTRS];  /* what is reserved */
	uint32_t mem_flag, res_flag; /* set and cleared; 0: none */
	bool nodes, mirror, allocs, limits, handover, finds;
	unsigned int values[CELLS_SETS]; /* of a cell, with 0; 0: the count is no oracle */
	unsigned int states;		 /* else: as many as the first time */
};

#define LAST (~0u)

static const struct scope scopes[] = {
	{
		.name = "sets",
		.nr = 6,
		.max = 128,
		.mem = {{0, 0}, {1, 0}, {0, LAST}},
		.res = {{QY_NO_NODE, 0}, {0, LAST}},
		.nodes = true,
		.limits = true,
		.values = {3, 2},
	},
	{
		.name = "attributes",
		.nr = 3,
		.max = 128,
		.mem = {{0, 0}, {1, 0}, {1, QY_MEMBLOCK_MIRROR}, {0, LAST}},
		.res = {{QY_NO_NODE, 0}, {0, QY_MEMBLOCK_RSRV_KERN}, {0, LAST}},
		.mem_flag = QY_MEMBLOCK_MIRROR,
		.res_flag = QY_MEMBLOCK_RSRV_KERN,
		.nodes = true,
		.mirror = true,
		.allocs = true,
		.handover = true,
		.values = {5, 7},
	},
	{
		.name = "find",
		.nr = 5,
		.max = 128,
		.mem = {{0, 0}, {1, QY_MEMBLOCK_NOMAP}, {1, QY_MEMBLOCK_MIRROR}, {0, LAST}},
		.res = {{QY_NO_NODE, 0}, {0, LAST}},
		.finds = true,
		.values = {4, 2},
	},
	{
		.name = "full",
		.nr = 6,
		.max = 2,
		.mem = {{0, 0}, {1, 0}, {0, LAST}},
		.res = {{QY_NO_NODE, 0}, {QY_NO_NODE, QY_MEMBLOCK_RSRV_KERN}, {0, LAST}},
		.nodes = true,
		.allocs = true,
		.limits = true,
		.values = {3, 3},
	},
	{
		.name = "grow",
		.nr = 6,
		.max = 1,
		.resize = true,
		.directions = true,
		.mem = {{0, 0}, {0, LAST}},
		.res = {{QY_NO_NODE, 0}, {0, LAST}},
		.allocs = true,
		.limits = true,
		.states = 97084,
	},
	{
		.name = "grow-nodes",
		.nr = 4,
		.max = 1,
		.resize = true,
		.directions = true,
		.mem = {{0, 0}, {1, 0}, {0, LAST}},
		.res = {{QY_NO_NODE, 0}, {0, LAST}},
		.nodes = true,
		.handover = true,
		.states = 66369,
	},
};

static const struct scope *scope;
static struct call calls[MAX_CALLS];
static unsigned int nr_calls;
static struct qy_memblock mb;
static struct cells m;
static char memory[CELLS_MAX * PAGE] __attribute__((aligned(PAGE))); /* address 0 */
static cell_t values[CELLS_SETS][MAX_VALUES];
static unsigned int nr_values[CELLS_SETS];

static struct {
	uint64_t key[MAX_STATES];
	uint32_t parent[MAX_STATES];
	uint16_t call[MAX_STATES];
	uint32_t table[TABLE]; /* index + 1 */
	uint32_t nr;
} seen;

static const struct qy_memblock_ops ops = {.struct_size = sizeof(ops), .map = qy_memblock_map_at};

/* ---- a failure ---- */

static void print_call(const struct call *c)
{
	printf("  %s %s", c->bottom_up ? "bottom-up" : "top-down", kind_name[c->kind]);
	if (c->kind == FLAG || c->kind == UNFLAG || c->kind == NODE)
		printf(" in %s", c->set == CELLS_MEMORY ? "memory" : "reserved");
	if (c->kind == ALLOC)
		printf(" %d pages, align %d, node %d%s\n", c->from, c->to, c->nid,
		       c->exact ? ", exact" : "");
	else
		printf(" [%d, %d) node %d flags 0x%x\n", c->from, c->to, c->nid, c->flags);
}

static void print_path(uint32_t state)
{
	if (!state)
		return;
	print_path(seen.parent[state]);
	print_call(&calls[seen.call[state]]);
}

static _Noreturn void fail(uint32_t state, const struct call *c, const char *what)
{
	static char text[4096];

	printf("%s: %s, after\n", scope->name, what);
	print_path(state);
	if (c)
		print_call(c);
	qy_memblock_dump_all(&mb, text, sizeof(text));
	printf("%s", text);
	exit(1);
}

/* ---- a state as 64 bits ---- */

static uint64_t value_index(int set, cell_t c)
{
	if (!c)
		return 0;
	for (unsigned int i = 0; i < nr_values[set]; i++)
		if (values[set][i] == c)
			return i + 1;
	if (nr_values[set] == MAX_VALUES) {
		printf("%s: a cell has more values than there are bits for\n", scope->name);
		exit(1);
	}
	values[set][nr_values[set]] = c;
	return ++nr_values[set];
}

static uint64_t encode(const struct cells *s)
{
	uint64_t key = s->has_mirror;

	for (int set = 0; set < CELLS_SETS; set++) {
		for (int i = 0; i < s->nr; i++)
			key = key << 3 | value_index(set, s->set[set][i]);
		key = key << 4 | (uint64_t)(s->array[set].at + 1);
		key = key << 4 | (unsigned int)__builtin_ctz(s->array[set].max);
	}
	return key;
}

static void decode(uint64_t key)
{
	for (int set = CELLS_SETS - 1; set >= 0; set--) {
		struct cells_array *a = &m.array[set];

		a->max = 1u << (key & 15);
		a->at = (int)(key >> 4 & 15) - 1;
		a->len = a->at < 0 ? 0
				   : (int)((a->max * sizeof(struct qy_memblock_region) + PAGE - 1) /
					   PAGE);
		key >>= 8;
		for (int i = scope->nr - 1; i >= 0; i--, key >>= 3)
			m.set[set][i] = key & 7 ? values[set][(key & 7) - 1] : 0;
	}
	m.has_mirror = key & 1;
}

/* The library's struct as the model says it is. */
static void build_type(struct qy_memblock_type *t, struct qy_memblock_region *first, int set)
{
	const struct cells_array *a = &m.array[set];
	const cell_t *c = m.set[set];

	t->cnt = 0;
	t->total_size = 0;
	t->max = a->max;
	t->array_addr = a->at < 0 ? 0 : cells_addr(&m, a->at);
	t->array_size = (size_t)a->len * PAGE;
	t->regions = a->at < 0 ? first : (void *)(memory + t->array_addr);
	for (int i = 0; i < m.nr; i++) {
		if (!c[i])
			continue;
		t->total_size += PAGE;
		if (i && c[i] == c[i - 1])
			t->regions[t->cnt - 1].size += PAGE;
		else
			t->regions[t->cnt++] =
				(struct qy_memblock_region){.base = cells_addr(&m, i),
							    .size = PAGE,
							    .flags = cell_flags(c[i]),
							    .nid = cell_nid(c[i])};
	}
}

static void build(uint64_t key)
{
	decode(key);
	build_type(&mb.memory, mb.memory_regions, CELLS_MEMORY);
	build_type(&mb.reserved, mb.reserved_regions, CELLS_RESERVED);
	mb.has_mirror = m.has_mirror;
	mb.bottom_up = m.bottom_up = false;
}

/* ---- the search ---- */

static void note(uint64_t key, uint32_t parent, unsigned int call)
{
	uint64_t at = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 32;

	for (;; at++) {
		uint32_t *slot = &seen.table[at % TABLE];

		if (!*slot) {
			if (seen.nr == MAX_STATES) {
				printf("%s: more than %u states\n", scope->name, MAX_STATES);
				exit(1);
			}
			seen.key[seen.nr] = key;
			seen.parent[seen.nr] = parent;
			seen.call[seen.nr] = (uint16_t)call;
			*slot = ++seen.nr;
			return;
		}
		if (seen.key[*slot - 1] == key)
			return;
	}
}

static uint64_t given; /* a bit per page */

static void take(void *ctx, uint64_t pfn, unsigned int order)
{
	uint64_t block = ((UINT64_C(1) << (1u << order)) - 1) << pfn;

	(void)ctx;
	if (order > 2 || pfn % (UINT64_C(1) << order) || (given & block))
		given |= UINT64_C(1) << 63;
	given |= block;
}

static const char *hand_over(void)
{
	int err = cells_hand_over(&m);
	uint64_t expected = 0, pages = 0;

	given = 0;
	for (int i = 0; i < m.nr && !err; i++)
		if (!m.set[CELLS_RESERVED][i] &&
		    cells_allowed(&m, m.set[CELLS_MEMORY][i], QY_NO_NODE, 0))
			expected |= UINT64_C(1) << i;
	if (qy_memblock_free_all(&mb, 2, take, NULL, &pages) != err)
		return "MB11: free_all returns something else";
	return given == expected && pages == (unsigned int)__builtin_popcountll(given)
		       ? NULL
		       : "MB10: not the pages that are free";
}

static const char *mark_mirror(const struct call *c, qy_addr_t base, qy_addr_t size)
{
	int err = cells_flag(&m, CELLS_MEMORY, c->from, c->to, QY_MEMBLOCK_MIRROR, 0);

	m.has_mirror |= !err;
	return qy_memblock_mark_mirror(&mb, base, size) == err ? NULL : "mark_mirror returns";
}

/* Make the call, in the library and in the model. NULL, or what is wrong. */
static const char *make(const struct call *c)
{
	struct qy_memblock_type *type = c->set == CELLS_MEMORY ? &mb.memory : &mb.reserved;
	qy_addr_t base = cells_addr(&m, c->from), size = (qy_addr_t)(c->to - c->from) * PAGE, at;
	int want, got;

	mb.bottom_up = m.bottom_up = c->bottom_up;
	switch ((enum kind)c->kind) {
	case ADD:
		want = cells_add(&m, CELLS_MEMORY, c->from, c->to, c->nid, c->flags);
		got = qy_memblock_add(&mb, base, size, c->nid, c->flags);
		break;
	case REMOVE:
		want = cells_drop(&m, CELLS_MEMORY, c->from, c->to);
		got = qy_memblock_remove(&mb, base, size);
		break;
	case RESERVE:
		want = cells_add(&m, CELLS_RESERVED, c->from, c->to, c->nid, c->flags);
		got = qy_memblock_reserve_node(&mb, base, size, c->nid, c->flags);
		break;
	case FREE:
		want = cells_drop(&m, CELLS_RESERVED, c->from, c->to);
		got = qy_memblock_free(&mb, base, size);
		break;
	case FLAG:
		want = cells_flag(&m, c->set, c->from, c->to, c->flags, 0);
		got = qy_memblock_set_flags(&mb, type, base, size, c->flags);
		break;
	case UNFLAG:
		want = cells_flag(&m, c->set, c->from, c->to, 0, c->flags);
		got = qy_memblock_clear_flags(&mb, type, base, size, c->flags);
		break;
	case NODE:
		want = cells_set_node(&m, c->set, c->from, c->to, c->nid);
		got = qy_memblock_set_node(&mb, type, base, size, c->nid);
		break;
	case ALLOC:
		at = cells_alloc(&m, (qy_addr_t)c->from * PAGE, (qy_addr_t)c->to * PAGE, 0, 0,
				 c->nid, c->exact);
		want = 0;
		got = at != qy_memblock_alloc_range_nid(&mb, (qy_addr_t)c->from * PAGE,
							(qy_addr_t)c->to * PAGE, 0, 0, c->nid,
							c->exact);
		break;
	case LIMIT:
		want = cells_enforce_limit(&m, size);
		got = qy_memblock_enforce_memory_limit(&mb, size);
		break;
	case CAP:
		want = cells_cap(&m, c->from, c->to);
		got = qy_memblock_cap_memory_range(&mb, base, size);
		break;
	case MIRROR: return mark_mirror(c, base, size);
	case HANDOVER: return hand_over();
	default: return "no such call";
	}
	return want == got ? NULL : "the model says something else of success";
}

/* ---- what is asked of each state ---- */

/* All sizes and alignments, both directions, any node and flags. */
static bool is_find_right(qy_addr_t start, qy_addr_t end, int which)
{
	static const uint32_t flags[] = {0, QY_MEMBLOCK_MIRROR, QY_MEMBLOCK_NOMAP};
	int nid = which % 3 - 1;
	uint32_t f = flags[which / 3 % 3];
	qy_addr_t align = which / 9 % 3 ? PAGE << which / 9 % 3 : 1;
	qy_addr_t size = (qy_addr_t)(1 + which / 54) * PAGE;

	mb.bottom_up = m.bottom_up = which / 27 % 2;
	return qy_memblock_find_nid(&mb, start, end, size, align, nid, f) ==
	       cells_find(&m, start, end, size, align, nid, f);
}

static const char *ask_find(void)
{
	for (int from = 0; from < m.nr; from++) {
		for (int to = from > 0 ? from : 1; to <= m.nr; to++) {
			for (int which = 0; which < 54 * 3; which++)
				if (!is_find_right(cells_addr(&m, from), cells_addr(&m, to), which))
					return "MB6: another range is found";
		}
	}
	return NULL;
}

static const char *ask_parts(void)
{
	static const uint32_t flags[] = {0, QY_MEMBLOCK_MIRROR, QY_MEMBLOCK_NOMAP};
	const char *wrong = NULL;

	for (int i = 0; i < 9 && !wrong; i++)
		wrong = cells_compare_parts(&m, &mb, false, true, i / 3 - 1, flags[i % 3]);
	if (!wrong)
		wrong = cells_compare_parts(&m, &mb, false, false, QY_NO_NODE, 0);
	if (!wrong)
		wrong = cells_compare_pfns(&m, &mb, 0);
	return wrong ? wrong : cells_compare_parts(&m, &mb, true, false, QY_NO_NODE, 0);
}

static const char *ask_ranges(void)
{
	for (int from = 0; from < m.nr; from++) {
		bool inside = true, touched = false;

		for (int to = from + 1; to <= m.nr; to++) {
			qy_addr_t base = cells_addr(&m, from), size = (qy_addr_t)(to - from) * PAGE;

			inside &= m.set[CELLS_MEMORY][to - 1] != 0;
			touched |= m.set[CELLS_RESERVED][to - 1] != 0;
			if (qy_memblock_is_region_memory(&mb, base, size) != inside ||
			    qy_memblock_is_region_reserved(&mb, base, size) != touched)
				return "MB5: inside, or touched";
		}
	}
	return NULL;
}

static void ask(uint32_t state)
{
	const char *wrong;

	build(seen.key[state]);
	wrong = cells_compare(&m, &mb);
	if (!wrong)
		wrong = ask_parts();
	if (!wrong)
		wrong = ask_ranges();
	if (!wrong && scope->finds)
		wrong = ask_find();
	if (wrong)
		fail(state, NULL, wrong);
}

/* ---- the calls of a scope ---- */

static void call(struct call c)
{
	bool may_grow = c.kind != LIMIT && c.kind != CAP;

	for (int up = 0; up <= (c.kind == ALLOC || (scope->directions && may_grow)); up++) {
		c.bottom_up = up;
		if (nr_calls == MAX_CALLS)
			abort();
		calls[nr_calls++] = c;
	}
}

static void calls_of_attributes(int8_t from, int8_t to)
{
	for (uint8_t set = 0; set < CELLS_SETS; set++) {
		uint8_t flag = (uint8_t)(set ? scope->res_flag : scope->mem_flag);

		if (flag) {
			call((struct call){FLAG, set, from, to, .flags = flag});
			call((struct call){UNFLAG, set, from, to, .flags = flag});
		}
		/* In reserved only where its values are meant to have nodes. */
		for (int8_t nid = 0; nid < 2 && scope->nodes && (!set || scope->handover); nid++)
			call((struct call){NODE, set, from, to, .nid = nid});
	}
	if (scope->mirror)
		call((struct call){MIRROR, 0, from, to, .flags = QY_MEMBLOCK_MIRROR});
}

static void calls_of_range(int8_t from, int8_t to)
{
	for (const struct attr *a = scope->mem; a->flags != LAST; a++)
		call((struct call){ADD, 0, from, to, .nid = (int8_t)a->nid,
				   .flags = (uint8_t)a->flags});
	for (const struct attr *a = scope->res; a->flags != LAST; a++)
		call((struct call){RESERVE, 0, from, to, .nid = (int8_t)a->nid,
				   .flags = (uint8_t)a->flags});
	call((struct call){REMOVE, 0, from, to, .nid = 0});
	call((struct call){FREE, 0, from, to, .nid = 0});
	calls_of_attributes(from, to);
	if (scope->limits)
		call((struct call){CAP, 0, from, to, .nid = 0});
}

static void make_calls(void)
{
	nr_calls = 0;
	for (int8_t from = 0; from < scope->nr; from++)
		for (int8_t to = (int8_t)(from + 1); to <= scope->nr; to++)
			calls_of_range(from, to);
	for (int8_t n = 1; n <= scope->nr && scope->limits; n++)
		call((struct call){LIMIT, 0, 0, n, .nid = 0});
	for (int8_t n = 1; n <= 3 && scope->allocs; n++) {
		for (int8_t align = 1; align <= 2; align++) {
			call((struct call){ALLOC, 0, n, align, .nid = QY_NO_NODE});
			for (int8_t nid = 0; nid < 2 && scope->handover; nid++) {
				call((struct call){ALLOC, 0, n, align, .nid = nid});
				call((struct call){ALLOC, 0, n, align, .nid = nid, .exact = true});
			}
		}
	}
	if (scope->handover)
		call((struct call){.kind = HANDOVER});
}

/* ---- the oracle ---- */

static uint64_t power(uint64_t base, int n)
{
	return n ? base * power(base, n - 1) : 1;
}

/* Lines of cells with @n values beside 0, in at most @max runs: by counting them. */
static uint64_t count_lines(unsigned int n, uint32_t max)
{
	uint64_t nr = 0, all = power(n + 1, scope->nr);

	for (uint64_t line = 0; line < all; line++) {
		cell_t c[CELLS_MAX];
		uint64_t rest = line;

		for (int i = 0; i < scope->nr; i++, rest /= n + 1)
			c[i] = (cell_t)(rest % (n + 1));
		nr += cells_runs(c, scope->nr) <= max;
	}
	return nr;
}

static bool is_count_right(void)
{
	uint64_t want = 0;

	if (scope->values[0])
		want = count_lines(scope->values[0] - 1, scope->max) *
		       count_lines(scope->values[1] - 1, scope->max) * (scope->mirror ? 2 : 1);
	else
		want = scope->states;
	if (!want || want == seen.nr)
		return true;
	printf("%s: %u states, %llu expected\n", scope->name, seen.nr, (unsigned long long)want);
	return false;
}

static void prepare(void)
{
	memset(&m, 0, sizeof(m));
	m.nr = scope->nr;
	m.page = m.unit = PAGE;
	m.limit = m.map_end = QY_MEMBLOCK_ALLOC_ANYWHERE;
	m.can_resize = scope->resize;
	qy_memblock_init(&mb);
	qy_memblock_set_ops(&mb, &ops, memory);
	mb.can_resize = scope->resize;
	for (int s = 0; s < CELLS_SETS; s++)
		m.array[s] = (struct cells_array){.max = scope->max, .at = ARRAY_STATIC};
	memset(seen.table, 0, sizeof(seen.table));
	memset(nr_values, 0, sizeof(nr_values));
	seen.nr = 0;
	make_calls();
	note(encode(&m), 0, 0);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static bool search(const struct scope *s)
{
	uint64_t transitions = 0, refused = 0;
	uint32_t level_end = 1;
	unsigned int depth = 0;
	double start = now();

	scope = s;
	prepare();
	for (uint32_t state = 0; state < seen.nr; state++) {
		if (state == level_end) {
			level_end = seen.nr;
			depth++;
		}
		ask(state);
		for (unsigned int i = 0; i < nr_calls; i++, transitions++) {
			const char *wrong;
			uint64_t key;

			build(seen.key[state]);
			wrong = make(&calls[i]);
			if (!wrong)
				wrong = cells_compare(&m, &mb);
			if (wrong)
				fail(state, &calls[i], wrong);
			key = encode(&m);
			refused += key == seen.key[state];
			note(key, state, i);
		}
	}
	printf("%-11s %d pages: %8u states, %9llu transitions (%llu change nothing), depth %u, "
	       "%.1f s\n",
	       s->name, s->nr, seen.nr, (unsigned long long)transitions,
	       (unsigned long long)refused, depth, now() - start);
	return is_count_right();
}

int main(int argc, char **argv)
{
	bool right = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		bool wanted = argc == 1;

		for (int a = 1; a < argc; a++)
			wanted |= !strcmp(argv[a], scopes[i].name);
		if (wanted)
			right &= search(&scopes[i]);
	}
	return !right;
}
