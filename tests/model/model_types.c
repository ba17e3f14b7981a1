/* SPDX-License-Identifier: MIT */
/*
 * model_types.c - every state that a small zone with page blocks of different types can reach, and
 * from each of them every operation: no sampling.
 *
 * A state is what types_model.h says: who holds each page, which blocks are marked as movable, the
 * type of each page block. Free blocks and their lists follow from it. The order of a list is not
 * part of the state: each block that a request could find at the head of its list is put there,
 * and each buddy that a free merges with is put first, last and in the middle. From a state, built
 * anew (types_rig.h), the library makes one step. What comes of it is compared page for page, list
 * for list and counter for counter with what the model says: who gives (fallback table, largest
 * first), whether a page block changes its type for good, what merges (B1-B6, B10, B11, B14).
 *
 * Steps: requests of three types and all orders, frees. In scopes that say so, too: requests that
 * may take from what is set aside, with setting aside; giving that back; isolating page blocks and
 * undoing it.
 *
 * In sorted scopes states that differ in swapped buddies are one, the first that turns up stands
 * for all. Where the library chooses by address, all that it could choose in one of them follow.
 *
 *   model_types [-t] [SCOPE...]   -t: hold to the time limits
 *   model_types -p                prove that the search finds planted faults ("planted" variant)
 */
#include "page/watermark.h"
#include "search.h"
#include "seen.h"
#include "types_rig.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct scope {
	const char *name, *what;
	struct shape shape;
	bool sorted;
	unsigned int reserves; /* page blocks that can be set aside; 0: only requests and frees */
	uint32_t states;
	double seconds; /* of CPU time, optimised; 0: no limit */
};

/* Of n: pages in a page block. */
static const struct scope scopes[] = {
	{"8-2", "8 pages, of 2", {0, 8, 3, 1, true}, false, 0, 527073, 15},
	{"8-4", "8 pages, of 4", {0, 8, 3, 2, true}, false, 0, 107581, 0},
	{"odd", "7 pages from 1, of 2", {1, 8, 3, 1, true}, false, 0, 58806, 0},
	{"odd-4", "9 pages from 3, of 4, sorted", {3, 12, 3, 2, true}, true, 0, 29403, 0},
	{"12-4", "12 pages, of 4, sorted", {0, 12, 3, 2, true}, true, 0, 490050, 20},
	{"16-4", "16 pages, of 4, sorted, no marks", {0, 16, 3, 2, false}, true, 0, 157641, 0},
	{"16-8", "16 pages, of 8, sorted", {0, 16, 3, 3, true}, true, 0, 2061465, 60},
	{"24-16", "24 pages, of 16, sorted, no marks", {0, 24, 4, 4, false}, true, 0, 458079, 40},
	{"4-aside", "4 pages, of 2, set aside", {0, 4, 2, 1, true}, false, 2, 5802, 0},
	{"8-4-aside", "8 pages, of 4, set aside", {0, 8, 3, 2, true}, true, 2, 41645, 0},
	{"8-2-aside", "8 pages, of 2, set aside", {0, 8, 3, 1, false}, true, 2, 144270, 10},
	{"odd-aside", "7 pages from 1, of 4, set aside", {1, 8, 3, 2, true}, true, 1, 6912, 0},
};

/* Where a merging buddy is put in its list. */
enum place { FIRST, LAST, MIDDLE };

enum kind { ALLOC, FREE, UNRESERVE, ISOLATE, UNDO };

struct op {
	uint8_t kind;
	uint8_t order;
	uint8_t at;  /* ALLOC, UNRESERVE: block at the head of its list, or NOWHERE; else a page */
	uint8_t how; /* ALLOC, UNRESERVE: type, with ATOMIC or URGENT; FREE: enum place */
};

#define NOWHERE 0xff
#define ATOMIC 0x10 /* may take from what is set aside, and sets aside */
#define URGENT 0x20 /* takes from what is set aside if there is nothing else */
#define JUST_TYPE 0xf

static const struct scope *scope;
static bool hold_limits;

static struct seen seen;
static unsigned int depth;
static uint64_t steps, checks, checked_every;

/* What is being worked on. */
static uint32_t now;	  /* index of the state */
static struct typed from; /* … itself */
static typed_lists lists; /* … its free blocks */
static struct op op;	  /* the step */

/* ---- in words ---- */

static void print_op(const struct op *o)
{
	static const char *const place[] = {"first", "last", "in the middle"};
	static const char *const type[] = {"unmovable", "movable", "reclaimable"};

	switch (o->kind) {
	case ALLOC:
		printf("alloc order %u %s%s", o->order, type[o->how & JUST_TYPE],
		       o->how & ATOMIC	 ? " from what is set aside"
		       : o->how & URGENT ? " at last from what is set aside"
					 : "");
		break;
	case FREE:
		printf("free the block at %u, order %u, buddies are %s in their lists", o->at,
		       o->order, place[o->how]);
		return;
	case UNRESERVE: printf("give a page block back as %s", type[o->how]); break;
	default:
		printf("%s the page block at %u", o->kind == ISOLATE ? "isolate" : "undo for",
		       o->at);
		return;
	}
	if (o->at != NOWHERE)
		printf(", the block at %u is the first of its list", o->at);
}

static void draw_packed(uint64_t state)
{
	struct typed t = unpack(state);

	draw(&t);
}

static void print_packed(uint32_t packed)
{
	struct op o;

	memcpy(&o, &packed, sizeof(o));
	print_op(&o);
}

QY_NORETURN static void fail(const struct typed *expected, bool in_step)
{
	printf("FAILED: %s: %s\n", scope->what, *rig.wrong ? rig.wrong : "the state changed");
	seen_print_way(&seen, now, draw_packed, print_packed);
	if (in_step) {
		printf("  then     ");
		print_op(&op);
		putchar('\n');
	}
	printf("  expected ");
	draw(expected);
	draw_library();
	exit(1);
}

/* The library did not come back. */
static void on_signal(int sig)
{
	signal(sig, SIG_DFL);
	wrong("ended by signal %d", sig);
	if (seen.nr)
		fail(&from, true);
	printf("FAILED: %s: %s\n", scope->what, rig.wrong);
	exit(1);
}

/* ---- the states seen ---- */

static void add_state(const struct typed *t, uint32_t parent)
{
	uint64_t key = scope->sorted ? symmetric_key(t) : pack(t);
	uint32_t by;

	memcpy(&by, &op, sizeof(by));
	if (seen_add(&seen, key, pack(t), parent, by))
		return;
	wrong("there should be %u states, this is one more", seen.room);
	fail(t, true);
}

/* The library has made a step: is it in the state @t? */
static void arrive(const struct typed *t)
{
	if (!holds(t))
		fail(t, true);
	if (!(steps++ % checked_every)) {
		checks++;
		if (!check_holds(t))
			fail(t, true);
	}
	if (rig.reports) {
		wrong("something was reported");
		fail(t, true);
	}
	add_state(t, now);
}

/* The library was asked for what cannot be: nothing may be different. */
static void stay(bool refused)
{
	if (!refused)
		wrong("it did what cannot be done");
	if (!refused || !is_as_saved())
		fail(&from, true);
	steps++;
}

/* ---- requests ---- */

static unsigned int flags_of(unsigned int how)
{
	return how & ATOMIC ? QY__ALLOC_HIGHATOMIC : how & URGENT ? QY__ALLOC_NON_BLOCK : 0;
}

static struct qy_page *library_alloc(unsigned int order, unsigned int how)
{
	unsigned int type = how & JUST_TYPE;
	struct qy_page *page;

	qy__lock(&own.zone->lock);
	page = qy__rmqueue_locked(rig.mm, own.zone, order, type, flags_of(how));
	if (page && how & ATOMIC)
		qy__reserve_highatomic_locked(rig.mm, own.zone, qy__page_pfn(rig.mm, page));
	qy__unlock(&own.zone->lock);
	return page;
}

static struct source where(unsigned int order, unsigned int how)
{
	struct source s = {.heads = 0};

	if (how & ATOMIC)
		s = smallest(lists, order, QY_MIGRATE_HIGHATOMIC);
	if (!s.heads)
		s = smallest(lists, order, how & JUST_TYPE);
	if (!s.heads)
		s = from_others(lists, order, how & JUST_TYPE);
	if (!s.heads && how & URGENT)
		s = smallest(lists, order, QY_MIGRATE_HIGHATOMIC);
	return s;
}

/* @at is given out; if it may, the request sets its page block aside. */
static struct typed after(const struct typed *served, unsigned int at, unsigned int order,
			  unsigned int how)
{
	uint32_t limit = own.pretended / 100;
	struct typed to = *served;

	take(&to, at, order, (how & JUST_TYPE) == QY_MIGRATE_MOVABLE);
	if (how & ATOMIC && pages_reserved(&to) <= limit && state_at(&to, at) < MIXED)
		change_block(&to, at >> shape.block_order, QY_MIGRATE_HIGHATOMIC);
	return to;
}

static void alloc_from(const struct source *s, unsigned int at, unsigned int order,
		       unsigned int how)
{
	bool movable = (how & JUST_TYPE) == QY_MIGRATE_MOVABLE;
	struct typed served = from, to;
	struct qy_page *page;
	unsigned int got;
	uint32_t pages;

	op = (struct op){ALLOC, (uint8_t)order, (uint8_t)at, (uint8_t)how};
	pages = serve(&served, s, at, order, how & JUST_TYPE);
	restore();
	move_first(at);
	page = library_alloc(order, how);
	got = page ? bit_of(qy__page_pfn(rig.mm, page)) : NOWHERE;
	if (got >= shape.end || !(pages >> got & 1)) {
		to = after(&served, lowest_bit(pages), order, how);
		wrong("B8: got page %d", got == NOWHERE ? -1 : (int)got);
		fail(&to, true);
	}
	page->flags |= movable && shape.marks ? QY__PAGE_F_MOVABLE : 0; /* page_alloc.c does */
	page->alloc.refcount = 1;
	to = after(&served, got, order, how);
	arrive(&to);
	for (pages &= scope->sorted ? ~(1u << got) : 0; next_bit(&pages, &got);) {
		to = after(&served, got, order, how);
		add_state(&to, now);
	}
}

static void try_alloc(unsigned int order, unsigned int how)
{
	struct source s = where(order, how);
	unsigned int at;

	if (!s.heads) {
		op = (struct op){ALLOC, (uint8_t)order, NOWHERE, (uint8_t)how};
		restore();
		stay(!library_alloc(order, how));
	}
	while (next_bit(&s.heads, &at))
		alloc_from(&s, at, order, how);
}

static void try_allocs(void)
{
	for (unsigned int k = 0; k <= shape.max_order; k++) {
		for (unsigned int type = 0; type < MIXED; type++)
			try_alloc(k, type);
		for (unsigned int type = 0; scope->reserves && type < MIXED; type++) {
			try_alloc(k, type | ATOMIC);
			try_alloc(k, type | URGENT);
		}
	}
}

/* ---- frees ---- */

static void put_in_place(unsigned int at, enum place place)
{
	uint32_t next;

	if (place == LAST) {
		move_last(at);
		return;
	}
	move_first(at);
	next = page_at(at)->next;
	if (place == MIDDLE && next != QY__PFN_NONE)
		move_first(bit_of(next));
}

/*
 * A free block goes to the head of its list, unless the parent that it waits for could merge at
 * once: then to the tail, to be left alone.
 */
static void check_place(unsigned int at, const struct typed *to)
{
	uint32_t heads[TILING_ORDERS] = {0};
	const struct qy_page *page;
	unsigned int k = 0;
	typed_lists after;
	bool near;

	free_lists(to, after);
	for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++)
		for (unsigned int order = 0; order <= shape.max_order; order++)
			heads[order] |= after[type][order];
	while (!(heads[k] >> (at & ~((1u << k) - 1)) & 1))
		k++;
	at &= ~((1u << k) - 1);
	page = page_at(at);
	near = k + 1 < shape.max_order && heads[k + 1] >> ((at & ~((2u << k) - 1)) ^ 2u << k) & 1;
	if (near ? page->next != QY__PFN_NONE : page->prev != QY__PFN_NONE) {
		wrong("block %u of order %u was put at the %s of its list", at, k,
		      near ? "head" : "tail");
		fail(to, true);
	}
}

static void free_block(unsigned int at, unsigned int order, enum place place, uint32_t merging,
		       const struct typed *to)
{
	unsigned int buddy;

	op = (struct op){FREE, (uint8_t)order, (uint8_t)at, (uint8_t)place};
	restore();
	while (next_bit(&merging, &buddy))
		put_in_place(buddy, place);
	page_at(at)->type = QY__PAGE_SLAB; /* its owner may have left anything in it */
	page_at(at)->flags = (uint8_t)now;
	page_at(at)->alloc.refcount = 0; /* free_block() did that */
	qy__lock(&own.zone->lock);
	qy__free_one_locked(rig.mm, own.zone, RIG_LEAD + at, order, QY__FPI_NONE);
	qy__unlock(&own.zone->lock);
	arrive(to);
	if (!is_mixed(&from, at, order))
		check_place(at, to);
}

/* In as many orders of the lists as make a difference to the buddies that go. */
static void try_free(unsigned int at)
{
	unsigned int order = order_used(&from, at), longest = 1;
	struct typed to = from;
	uint32_t merging = 0;
	typed_lists after;

	give_back(&to, at, order);
	free_lists(&to, after);
	for (unsigned int k = 0; k <= shape.max_order; k++) {
		uint32_t left = 0;

		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++)
			left |= after[type][k];
		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++) {
			uint32_t going = lists[type][k] & ~left;

			merging |= going;
			if (going && count_bits(lists[type][k]) > longest)
				longest = count_bits(lists[type][k]);
		}
	}
	for (unsigned int place = 0; place < longest && place <= MIDDLE; place++)
		free_block(at, order, (enum place)place, merging, &to);
}

/* ---- page blocks ---- */

static bool library_unreserve(unsigned int type)
{
	bool done;

	qy__lock(&own.zone->lock);
	done = qy__unreserve_highatomic_locked(rig.mm, own.zone, type);
	qy__unlock(&own.zone->lock);
	return done;
}

static void try_unreserve(unsigned int type)
{
	struct source s = smallest(lists, 0, QY_MIGRATE_HIGHATOMIC);
	unsigned int at;

	if (!s.heads) {
		op = (struct op){UNRESERVE, 0, NOWHERE, (uint8_t)type};
		restore();
		stay(!library_unreserve(type));
	}
	while (next_bit(&s.heads, &at)) {
		struct typed to = from;

		op = (struct op){UNRESERVE, 0, (uint8_t)at, (uint8_t)type};
		change_block(&to, at >> shape.block_order, type);
		restore();
		move_first(at);
		if (!library_unreserve(type)) {
			wrong("B11: nothing was given back");
			fail(&to, true);
		}
		arrive(&to);
	}
}

/* As contig.c: what it was before stands in the entry. */
static bool library_change(unsigned int block, unsigned int to)
{
	uint32_t pfn = RIG_LEAD + (block << shape.block_order);
	bool done;

	qy__lock(&own.zone->lock);
	done = qy__move_pageblock_locked(rig.mm, own.zone, pfn, list_of(to));
	if (done && to >= ISOLATED)
		own.block[block] |= entry_of(to);
	qy__unlock(&own.zone->lock);
	return done;
}

static void try_isolation(unsigned int block)
{
	unsigned int state = from.is[block];
	bool undo = state >= ISOLATED;
	struct typed to = from;

	state = undo ? state - ISOLATED : ISOLATED_FROM(state);
	op = (struct op){undo ? UNDO : ISOLATE, 0, (uint8_t)(block << shape.block_order), 0};
	restore();
	if (!change_block(&to, block, state)) {
		stay(!library_change(block, state));
		return;
	}
	if (!library_change(block, state)) {
		wrong("B14: the page block stays as it is");
		fail(&to, true);
	}
	arrive(&to);
}

/* ---- the search ---- */

static void visit(void)
{
	uint32_t rest;
	unsigned int at;

	from = unpack(seen.state[now]);
	free_lists(&from, lists);
	build(&from, lists, now);
	try_allocs();
	for (rest = from.head; next_bit(&rest, &at);)
		try_free(at);
	if (!scope->reserves)
		return;
	for (unsigned int type = 0; type < MIXED; type++)
		try_unreserve(type);
	for (unsigned int b = shape.start >> shape.block_order; b < nr_blocks(); b++)
		try_isolation(b);
}

static void search(void)
{
	struct typed all = {.free = all_pages()};
	uint32_t level = 1;

	for (unsigned int b = 0; b < nr_blocks(); b++)
		all.is[b] = QY_MIGRATE_MOVABLE;
	now = 0;
	add_state(&all, 0);
	if (!holds(&all) || !check_holds(&all))
		fail(&all, false); /* as the library itself has made it */
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
	double begin = cpu_seconds(), seconds;

	scope = s;
	shape = s->shape;
	if (shape.max_order > QY_CONFIG_MAX_ORDER_LIMIT) {
		printf("%-34s left out: the library was built for smaller blocks\n", s->what);
		return;
	}
	plant(0);
	make_rig(s->reserves);
	seen_init(&seen, s->states);
	quads_init();
	depth = 0;
	steps = checks = 0;
	checked_every = s->states < 30000 ? 1 : 1000;
	plant(id);
	search();
	seconds = cpu_seconds() - begin;
	printf("%-34s %8u states, %9llu transitions, depth %2u, %6.2f s, %llu by qy_check\n",
	       s->what, seen.nr, (unsigned long long)steps, depth, seconds,
	       (unsigned long long)checks);
	fflush(stdout);
	if (seen.nr != s->states) {
		printf("FAILED: %s: %u states should be reached\n", s->what, s->states);
		exit(1);
	}
	if (hold_limits && s->seconds > 0 && seconds > s->seconds) {
		printf("FAILED: %s: %.0f s of CPU time are the limit\n", s->what, s->seconds);
		exit(1);
	}
	seen_drop(&seen);
	drop_rig();
}

/* ---- the proof that it can fail ---- */

/* The faults that these searches must find; what else is planted lies elsewhere. */
static const int wanted[] = {QY__PLANT_TYPES_MIXED, QY__PLANT_FALLBACK_ORDER,
			     QY__PLANT_HALF_NOT_ENOUGH, QY__PLANT_RESERVE_NOT_LESS};
static const char *const quick[] = {"8-4", "8-4-aside"};

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
	.hold_limits = &hold_limits,
	.wanted = wanted,
	.nr_wanted = ARRAY_SIZE(wanted),
	.quick = quick,
	.nr_quick = ARRAY_SIZE(quick),
};

int main(int argc, char **argv)
{
	return search_main(&searches, argc, argv);
}
