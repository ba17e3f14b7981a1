/* SPDX-License-Identifier: MIT */
/*
 * model_pcp.c - every state that CPUs' page lists over a small zone can reach, and from each of
 * them every operation: no sampling.
 *
 * A state (pcp_rig.h) has all lists in their order, so that nothing about a step is left open but
 * which free blocks a refill takes. Steps are public calls on each CPU, and draining, switching off
 * and on. After each the library's state is read, which looks at all links and counters, and
 * compared with what should have come of it:
 *
 *   request  the newest block of the CPU's list; if it is empty a batch from the zone, as far as
 *            there is one; if that has none all lists go back first; NULL iff then there is none
 *   free     the block is the newest of its list; when there are too many, or many came in a row,
 *            so many go back as batch and high say, the oldest of each list in turn (P2, P5)
 *   drain    all lists are empty, every page is free (P3)
 *
 * Pages are never lost nor in two places: each is in one of the places of the state (P4, B7).
 *
 *   model_pcp [SCOPE...]
 *   model_pcp -p           prove that the search finds planted faults ("planted" variant)
 */
#include "pcp_rig.h"
#include "search.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct scope {
	const char *name;
	struct shape shape;
	uint32_t states;
};

/* Pages, CPUs, batch, high. */
static const struct scope scopes[] = {
	{"8-1-2", {8, 1, 1, 2}, 16428},	  {"8-1-3", {8, 1, 1, 3}, 85648},
	{"8-1-4", {8, 1, 2, 4}, 103688},  {"6-2-2", {6, 2, 1, 2}, 10576},
	{"6-2-3", {6, 2, 2, 3}, 70932},	  {"6-2-4", {6, 2, 2, 4}, 80048},
	{"6-2-14", {6, 2, 1, 4}, 679338}, {"8-2-2", {8, 2, 1, 2}, 138584},
	{"8-2-4", {8, 2, 2, 4}, 2950240},
};

enum kind { ALLOC, FREE, DRAIN, DISABLE, ENABLE };

struct op {
	uint8_t kind, cpu, order, at;
};

static const struct scope *scope;

/* States in the order in which they were met; how, and from which. */
static struct {
	struct state *state;
	struct op *op;
	uint32_t *parent, *table; /* table: index + 1, open addressing */
	uint32_t nr, mask;
} seen;

static unsigned int depth;
static uint64_t steps;

static uint32_t now;
static struct state from, got;
static struct op op;

/* ---- in words ---- */

static void draw(const struct state *s)
{
	char text[9] = "........";
	uint32_t single = s->single, pair = s->pair;
	unsigned int at;

	for (unsigned int k = 0; k <= MAX_ORDER; k++)
		for (unsigned int i = 0; i < s->free[k].nr; i++)
			text[s->free[k].at[i]] = (char)('0' + k);
	while (next_bit(&single, &at))
		text[at] = 'x';
	while (next_bit(&pair, &at))
		memcpy(text + at, "x-", 2);
	printf("%.*s", (int)shape.pages, text);
	for (unsigned int cpu = 0; cpu < shape.cpus; cpu++) {
		printf("  CPU %u:", cpu);
		for (unsigned int k = 0; k < ORDERS; k++) {
			for (unsigned int i = 0; i < s->list[cpu][k].nr; i++)
				printf(" %u", s->list[cpu][k].at[i]);
			printf(k ? "" : " |");
		}
		printf(", factor %u, last %u", s->factor[cpu], s->last[cpu]);
	}
	printf("%s\n", s->disabled ? "  off" : "");
}

static void print_op(const struct op *o)
{
	static const char *const what[] = {"alloc", "free", "drain", "switch lists off",
					   "switch lists on"};

	printf("%s", what[o->kind]);
	if (o->kind == ALLOC)
		printf(" order %u on CPU %u", o->order, o->cpu);
	if (o->kind == FREE)
		printf(" the block at %u, order %u, on CPU %u", o->at, o->order, o->cpu);
}

/* @expected: NULL: no single state; @is: NULL: it could not be read. */
QY_NORETURN static void fail(const struct state *expected, const struct state *is)
{
	static uint32_t path[1024];
	uint32_t nr = 0;

	wrong("another state than it should be");
	printf("FAILED: %s: %s\n", scope->name, rig.wrong);
	for (uint32_t at = now; at && nr < ARRAY_SIZE(path); at = seen.parent[at])
		path[nr++] = at;
	printf("  at first ");
	draw(&seen.state[0]);
	while (nr--) {
		printf("           ");
		print_op(&seen.op[path[nr]]);
		printf("\n  gives    ");
		draw(&seen.state[path[nr]]);
	}
	printf("  then     ");
	print_op(&op);
	putchar('\n');
	if (expected) {
		printf("  expected ");
		draw(expected);
	}
	if (is) {
		printf("  library  ");
		draw(is);
	}
	exit(1);
}

/* The library did not come back. */
static void on_signal(int sig)
{
	signal(sig, SIG_DFL);
	wrong("ended by signal %d", sig);
	if (seen.nr)
		fail(NULL, NULL);
	exit(1);
}

/* ---- the states seen ---- */

static void *array(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		printf("no memory\n");
		exit(2);
	}
	return p;
}

static void seen_init(uint32_t room)
{
	uint32_t slots = 16;

	while (slots < 2 * room)
		slots *= 2;
	seen.table = array(slots, sizeof(*seen.table));
	seen.state = array(room, sizeof(*seen.state));
	seen.op = array(room, sizeof(*seen.op));
	seen.parent = array(room, sizeof(*seen.parent));
	seen.mask = slots - 1;
	seen.nr = 0;
}

static void seen_drop(void)
{
	free(seen.table);
	free(seen.state);
	free(seen.op);
	free(seen.parent);
}

static uint32_t hash_of(const struct state *s)
{
	const unsigned char *byte = (const unsigned char *)s;
	uint64_t x = 0;

	for (size_t i = 0; i < sizeof(*s); i++)
		x = (x ^ byte[i]) * UINT64_C(0x9e3779b97f4a7c15) + (x >> 29);
	return (uint32_t)(x >> 32);
}

static void add_state(const struct state *s)
{
	uint32_t slot = hash_of(s) & seen.mask;

	for (; seen.table[slot]; slot = (slot + 1) & seen.mask)
		if (!memcmp(&seen.state[seen.table[slot] - 1], s, sizeof(*s)))
			return;
	if (seen.nr == scope->states) {
		wrong("there should be %u states, this is one more", scope->states);
		fail(NULL, s);
	}
	seen.state[seen.nr] = *s;
	seen.op[seen.nr] = op;
	seen.parent[seen.nr] = now;
	seen.table[slot] = ++seen.nr;
}

/* ---- what should come of it ---- */

static void push_first(struct sequence *s, unsigned int at)
{
	memmove(s->at + 1, s->at, s->nr++);
	s->at[0] = (uint8_t)at;
}

static void drop_first(struct sequence *s)
{
	memmove(s->at, s->at + 1, --s->nr);
	s->at[s->nr] = 0;
}

static void set_used(struct state *s, unsigned int at, unsigned int order)
{
	*(order ? &s->pair : &s->single) ^= (uint8_t)(1u << at);
}

/* The oldest of each list in turn, until @pages are gone. Return: what went. */
static uint32_t oldest_go(struct state *s, unsigned int cpu, unsigned int pages)
{
	unsigned int i = s->last[cpu];
	uint32_t gone = 0;

	while (count_bits(gone) < pages) {
		struct sequence *list;

		i = (i + 1) % QY__PCP_LISTS;
		if (i % QY_MIGRATE_PCPTYPES || i / QY_MIGRATE_PCPTYPES >= ORDERS)
			continue;
		list = &s->list[cpu][i / QY_MIGRATE_PCPTYPES];
		if (!list->nr)
			continue;
		gone |= block_bits(list->at[list->nr - 1], i / QY_MIGRATE_PCPTYPES);
		list->at[--list->nr] = 0;
	}
	s->last[cpu] = (uint8_t)i;
	return gone;
}

static uint32_t all_go(struct state *s)
{
	uint32_t gone = 0;

	for (unsigned int cpu = 0; cpu < shape.cpus; cpu++) {
		unsigned int pages = count_bits(pages_on_lists(s, cpu));

		if (pages)
			gone |= oldest_go(s, cpu, pages);
	}
	return gone;
}

/* Blocks of @order that can be cut from the pages @free. */
static unsigned int blocks_in(uint32_t free, unsigned int order)
{
	uint32_t heads[TILING_ORDERS];
	unsigned int n = 0;

	maximal_blocks(free, MAX_ORDER, heads);
	for (unsigned int k = order; k <= MAX_ORDER; k++)
		n += count_bits(heads[k]) << (k - order);
	return n;
}

static unsigned int batch_of(unsigned int order)
{
	unsigned int n = shape.batch >> order;

	if (shape.batch == 1)
		return 1;
	return n < 2 ? 2 : n;
}

/* How many go back when a list is too long: more, the more came in a row. */
static unsigned int how_many(struct state *s, unsigned int cpu)
{
	unsigned int most = shape.high > shape.batch ? shape.high - shape.batch : 1;
	unsigned int n = shape.batch << s->factor[cpu];

	if (n < most)
		s->factor[cpu]++;
	return n < most ? n : most;
}

/* ---- steps ---- */

static void read_step(void)
{
	if (!read_state(&got) || *rig.wrong)
		fail(NULL, NULL);
	if (!check_holds())
		fail(NULL, &got);
	steps++;
}

/* The free pages should be @free, on whatever lists; all else is as in @to. */
static void compare(struct state *to, uint32_t free)
{
	memcpy(to->free, got.free, sizeof(to->free));
	if (pages_free(&got) != free)
		wrong("pages %02x are free, not %02x", pages_free(&got), free);
	if (*rig.wrong || memcmp(to, &got, sizeof(*to)))
		fail(to, &got);
	add_state(&got);
}

/* A batch of blocks from the pages @free: one is given out, the others are on the list. */
static void check_refill(struct state *to, uint32_t free, unsigned int at)
{
	unsigned int n = blocks_in(free, op.order), most = batch_of(op.order);
	struct sequence *list = &to->list[op.cpu][op.order];
	uint32_t taken;

	if (n > most)
		n = most;
	if (to->disabled)
		n = 1;
	else
		to->factor[op.cpu] >>= 1;
	*list = got.list[op.cpu][op.order];
	taken = block_bits(at, op.order) | pages_in(list, op.order);
	if (list->nr != n - 1 || taken & ~free || count_bits(taken) != n << op.order)
		wrong("%u blocks on the list beside page %u, not %u", list->nr, at, n - 1);
	set_used(to, at, op.order);
	compare(to, free & ~taken);
}

static void try_alloc(unsigned int cpu, unsigned int order)
{
	struct state to = from;
	uint32_t free = pages_free(&to);
	struct sequence *list = &to.list[cpu][order];
	struct qy_page *page;
	unsigned int at;

	op = (struct op){ALLOC, (uint8_t)cpu, (uint8_t)order, 0};
	restore();
	qy_mm_set_cpu(rig.mm, cpu);
	page = qy_alloc_pages(rig.mm, QY_GFP_NOWARN, order);
	at = page ? (unsigned int)(page - page_at(0)) : 0;
	read_step();
	if (at >= shape.pages) {
		wrong("B8: a page of another zone");
		fail(NULL, &got);
	}
	if (list->nr) {
		if (page != page_at(list->at[0]))
			wrong("not the newest: page %d", page ? (int)at : -1);
		set_used(&to, list->at[0], order);
		drop_first(list);
		to.factor[cpu] >>= 1;
		compare(&to, free);
		return;
	}
	if (!blocks_in(free, order))
		free |= all_go(&to);
	if (!page != !blocks_in(free, order))
		wrong("got %s",
		      page ? "a block where there is none" : "nothing, though it is there");
	if (*rig.wrong || !page)
		compare(&to, free);
	else
		check_refill(&to, free, at);
}

static void try_free(unsigned int cpu, unsigned int order, unsigned int at)
{
	struct state to = from;
	uint32_t free = pages_free(&to);
	unsigned int before = count_bits(pages_on_lists(&to, cpu)), pages;
	bool burst = order && to.factor[cpu];

	op = (struct op){FREE, (uint8_t)cpu, (uint8_t)order, (uint8_t)at};
	set_used(&to, at, order);
	push_first(&to.list[cpu][order], at);
	pages = count_bits(pages_on_lists(&to, cpu));
	if (to.disabled || burst)
		free |= oldest_go(&to, cpu, pages);
	else if (pages >= shape.high)
		free |= oldest_go(&to, cpu, how_many(&to, cpu));
	restore();
	qy_mm_set_cpu(rig.mm, cpu);
	if (qy_free_pages(rig.mm, page_at(at), order))
		wrong("refused");
	read_step();
	pages = count_bits(pages_on_lists(&got, cpu));
	if (before <= shape.high && pages >= shape.high + (1u << order))
		wrong("P2: %u pages on CPU %u's lists", pages, cpu);
	compare(&to, free);
}

static void try_drain(void)
{
	struct state to = from;
	uint32_t free = pages_free(&to), gone = all_go(&to);

	op = (struct op){.kind = DRAIN};
	restore();
	if (qy__pcp_drain_all(rig.mm) != count_bits(gone))
		wrong("P3: another number of pages");
	read_step();
	compare(&to, free | gone);
}

static void try_switch(void)
{
	struct state to = from;
	uint32_t free = pages_free(&to);

	restore();
	op = (struct op){.kind = to.disabled ? ENABLE : DISABLE};
	if (to.disabled)
		qy__zone_pcp_enable(rig.mm, normal);
	else
		qy__zone_pcp_disable(rig.mm, normal);
	read_step();
	if (!to.disabled)
		free |= all_go(&to);
	to.disabled = !to.disabled;
	compare(&to, free);
}

/* ---- the search ---- */

static void visit(void)
{
	from = seen.state[now];
	build(&from, now);
	for (unsigned int cpu = 0; cpu < shape.cpus; cpu++) {
		uint32_t single = from.single, pair = from.pair;
		unsigned int at;

		for (unsigned int order = 0; order < ORDERS; order++)
			try_alloc(cpu, order);
		while (next_bit(&single, &at))
			try_free(cpu, 0, at);
		while (next_bit(&pair, &at))
			try_free(cpu, 1, at);
	}
	try_drain();
	try_switch();
}

static void search(void)
{
	uint32_t level = 1;

	now = 0;
	if (!read_state(&got) || !check_holds() || *rig.wrong) {
		printf("FAILED: %s: at first: %s\n", scope->name, rig.wrong);
		exit(1);
	}
	add_state(&got);
	for (now = 0; now < seen.nr; now++) {
		if (now == level) {
			level = seen.nr;
			depth++;
		}
		visit();
	}
}

/* @id: with this planted fault, once the instance is there. */
static void run_scope(const struct scope *s, int id)
{
	double begin = cpu_seconds();

	scope = s;
	shape = s->shape;
	if (MAX_ORDER > QY_CONFIG_MAX_ORDER_LIMIT) {
		printf("%s left out: the library was built for smaller blocks\n", s->name);
		return;
	}
	plant(0);
	make_rig();
	seen_init(s->states);
	depth = 0;
	steps = 0;
	plant(id);
	search();
	printf("%u pages, %u CPUs, batch %u, high %u: %7u states, %8llu transitions, depth %2u, "
	       "%5.2f s\n",
	       shape.pages, shape.cpus, shape.batch, shape.high, seen.nr, (unsigned long long)steps,
	       depth, cpu_seconds() - begin);
	fflush(stdout);
	if (seen.nr != s->states) {
		printf("FAILED: %s: %u states should be reached\n", s->name, s->states);
		exit(1);
	}
	seen_drop();
	drop_rig();
}

/* ---- the proof that it can fail ---- */

static const int wanted[] = {QY__PLANT_REFILL_COUNT, QY__PLANT_LIST_OF_ORDER_0};

static const char *const quick[] = {"8-1-2"};

static const char *scope_name(size_t i)
{
	return scopes[i].name;
}

static void run(size_t i, int id)
{
	run_scope(&scopes[i], id);
}

static const struct searches searches = {
	.nr = ARRAY_SIZE(scopes),
	.name = scope_name,
	.run = run,
	.on_signal = on_signal,
	.wanted = wanted,
	.nr_wanted = ARRAY_SIZE(wanted),
	.quick = quick,
	.nr_quick = ARRAY_SIZE(quick),
};

int main(int argc, char **argv)
{
	return search_main(&searches, argc, argv);
}
