/* SPDX-License-Identifier: MIT */
/*
 * model_buddy.c - every state that a small zone can reach, and from each of them every operation:
 * no sampling.
 *
 * A state is a tiling (tiling.h): which pages are free and how the others are divided into
 * allocated blocks. The order of the free lists is not part of it. Instead, each block that an
 * allocation could find at the head of its list is put there, and each buddy that a free merges
 * with is put at the head, in the middle and at the end of its list. From a state, built anew
 * (buddy_rig.h), the library makes one step. What comes of it is compared page for page, list for
 * list, with what the model says (B1-B5, B8, B10); the library's own checker looks at each step in
 * small scopes, at every 1000th in large ones. The search is breadth first, so the operations
 * printed at a failure are a shortest list.
 *
 * The count of states is an oracle, too: it has a closed form, and every tiling must turn up.
 *
 * Modes: LOCKED calls qy__rmqueue_locked() and qy__free_one_locked(), one zone at a time. SWAP is
 * the same, but states that differ in swapped buddies are one; the first that turns up stands for
 * all. PUBLIC makes the public calls: compound blocks, fallback between zones, and all that must
 * be refused: each page, and what is none, freed with each order that is wrong. A block freed with
 * a wrong order is retired: that is a state, too.
 *
 *   model_buddy [-t] [SCOPE...]   -t: hold to the time limits
 *   model_buddy -p                prove that the search finds planted faults ("planted" variant)
 */
#include "buddy_rig.h"
#include "search.h"
#include "seen.h"
#include <errno.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum mode { LOCKED, SWAP, PUBLIC };

struct scope {
	const char *name, *what;
	struct ground ground;
	enum mode mode;
	uint64_t states;
	double seconds; /* of CPU time, optimised; 0: no limit */
};

static const struct scope scopes[] = {
	{"8", "8 pages", {0, 0, 8, 3, false}, LOCKED, 677, 0},
	{"16", "16 pages", {0, 0, 16, 4, false}, LOCKED, 458330, 10},
	{"32", "32 pages modulo symmetry", {0, 0, 32, 5, false}, SWAP, 2598061, 90},
	{"16-order-3", "16 pages, two blocks", {0, 0, 16, 3, false}, LOCKED, 458329, 10},
	{"16-order-2", "16 pages, four blocks", {16, 16, 32, 2, false}, LOCKED, 456976, 10},
	{"16-order-0", "16 pages, single ones", {0, 0, 16, 0, false}, LOCKED, 65536, 10},
	{"border-5", "12 pages, zones part at 5", {0, 5, 12, 4, false}, LOCKED, 13520, 0},
	{"border-6", "12 pages, zones part at 6", {0, 6, 12, 4, false}, LOCKED, 16900, 0},
	{"border-7", "from 3 to 15, zones part at 7", {3, 7, 15, 4, false}, LOCKED, 10400, 0},
	{"odd", "14 pages from 1", {1, 1, 15, 4, false}, LOCKED, 67600, 0},
	{"odd-13", "13 pages from 3", {3, 3, 16, 4, false}, LOCKED, 35204, 0},
	{"books", "11 pages from 5, behind pages in use", {5, 5, 16, 4, true}, LOCKED, 6770, 0},
	{"public-8", "8 pages, public calls", {0, 0, 8, 3, false}, PUBLIC, 29933, 0},
	{"public-3",
	 "8 pages, zones part at 3, public calls",
	 {0, 3, 8, 3, false},
	 PUBLIC,
	 20241,
	 0},
	{"public-odd", "7 pages from 1, public calls", {1, 1, 8, 3, true}, PUBLIC, 6747, 0},
};

/* Ways in which a block can be allocated: of one page, and larger. */
static const unsigned int ways[][2] = {
	[LOCKED] = {1, 1}, [SWAP] = {1, 1}, [PUBLIC] = {2, 4} /* compound or not, retired or not */
};

/* Where a merging buddy is put in its list. */
enum place { FIRST, LAST, MIDDLE };

enum kind { ALLOC, FREE, BAD_FREE, BAD_ADDR };

struct op {
	uint8_t kind;
	uint8_t order; /* NO_ORDER: a very large one */
	uint8_t at;  /* ALLOC: block at the head of its list, NOWHERE: none will do; else a page */
	uint8_t how; /* ALLOC: zone or index of gfp; FREE: enum place, BY_ADDRESS */
};

#define NOWHERE 0xff
#define NO_ORDER 0xff
#define BY_ADDRESS 0x80

static const struct scope *scope;
static const struct ground *ground;
static bool hold_limits;

static struct seen seen;
static unsigned int depth;
static uint64_t steps, checks, checked_every;

/* What is being worked on. */
static uint32_t now;			  /* index of the state */
static struct tiling from;		  /* … itself */
static uint32_t blocks[2][TILING_ORDERS]; /* … its free blocks by zone and order */
static struct op op;			  /* the step */

/* ---- in words ---- */

static void draw(const struct tiling *t)
{
	uint32_t heads[2][TILING_ORDERS];
	char text[TILING_PAGES + 1];
	unsigned int at;

	memset(text, '.', sizeof(text));
	for (unsigned int z = 0; z < own.nr_zones; z++) {
		maximal_blocks(t->free & own.mask[z], ground->max_order, heads[z]);
		for (unsigned int k = 0; k <= ground->max_order; k++)
			while (next_bit(&heads[z][k], &at))
				text[at] = (char)('0' + k);
	}
	for (uint32_t rest = t->head; next_bit(&rest, &at);) {
		memset(text + at, '-', used_pages(t, at, ground->end));
		text[at] = t->retired >> at & 1 ? 'r' : t->comp >> at & 1 ? 'c' : 'x';
	}
	printf("%.*s", (int)(ground->border - ground->start), text + ground->start);
	printf("%s%.*s\n", ground->border == ground->start ? "" : "|",
	       (int)(ground->end - ground->border), text + ground->border);
}

static void draw_library(void)
{
	static const char letter[] = "?R.0x???";

	printf("  library  ");
	for (unsigned int b = ground->start; b < ground->end; b++) {
		const struct qy_page *p = page_at(b);

		if (b == ground->border && b != ground->start)
			putchar('|');
		if (p->type == QY__PAGE_BUDDY)
			putchar('0' + p->order % 10);
		else
			putchar(p->type == QY__PAGE_TAIL ? '-' : letter[p->type % 8]);
	}
	putchar('\n');
	for (unsigned int z = 0; z < own.nr_zones; z++) {
		printf("  zone %u: %u pages free;", z, own.zone[z]->nr_free_pages);
		for (unsigned int k = 0; k <= ground->max_order; k++)
			printf(" %u of order %u", own.zone[z]->area[k].nr_free, k);
		putchar('\n');
	}
}

static const char *const gfp_name[] = {"", " COMP", " DMA32", " DMA32 | COMP", " DMA"};
static const qy_gfp_t gfp_of[] = {0, QY_GFP_COMP, QY_GFP_DMA32, QY_GFP_DMA32 | QY_GFP_COMP,
				  QY_GFP_DMA};

static void print_op(const struct op *o)
{
	static const char *const place[] = {"first", "last", "in the middle"};

	switch (o->kind) {
	case ALLOC:
		if (scope->mode == PUBLIC)
			printf("alloc order %u%s", o->order, gfp_name[o->how]);
		else
			printf("alloc order %u from zone %u", o->order, o->how);
		if (o->at != NOWHERE)
			printf(", the block at %u is the first of its list", o->at);
		break;
	case FREE:
		printf("free the block at %u, order %u%s, buddies are %s in their lists", o->at,
		       o->order, o->how & BY_ADDRESS ? ", by address" : "",
		       place[o->how & ~BY_ADDRESS]);
		break;
	case BAD_FREE: printf("free page %d with order %d", (int8_t)o->at, (int8_t)o->order); break;
	default: printf("free address %u of page %u with order %u", o->how, o->at, o->order);
	}
}

static struct tiling unpack(uint64_t s)
{
	if (scope->mode == PUBLIC)
		return (struct tiling){s & 0xffff, s >> 16 & 0xffff, s >> 32 & 0xffff, s >> 48};
	return (struct tiling){(uint32_t)s, (uint32_t)(s >> 32), 0, 0};
}

static uint64_t pack(const struct tiling *t)
{
	if (scope->mode == PUBLIC)
		return t->free | t->head << 16 | (uint64_t)t->comp << 32 |
		       (uint64_t)t->retired << 48;
	return t->free | (uint64_t)t->head << 32;
}

static void draw_packed(uint64_t state)
{
	struct tiling t = unpack(state);

	draw(&t);
}

static void print_packed(uint32_t packed)
{
	struct op o;

	memcpy(&o, &packed, sizeof(o));
	print_op(&o);
}

QY_NORETURN static void fail(const struct tiling *expected, bool in_step)
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

static uint64_t key_of(const struct tiling *t)
{
	uint32_t free = t->free, head = t->head;

	if (scope->mode != SWAP)
		return pack(t);
	sort_halves(&free, &head, ground->max_order);
	return free | (uint64_t)head << 32;
}

static void add_state(const struct tiling *t, uint32_t parent)
{
	uint32_t by;

	memcpy(&by, &op, sizeof(by));
	if (seen_add(&seen, key_of(t), pack(t), parent, by))
		return;
	wrong("there should be %u states, this is one more", seen.room);
	fail(t, true);
}

/* The library has made a step: is it in the state @t? */
static void arrive(const struct tiling *t)
{
	if (!holds(t))
		fail(t, true);
	if (!(steps++ % checked_every)) {
		checks++;
		if (!check_holds(t, scope->mode == PUBLIC))
			fail(t, true);
	} else if (scope->mode == PUBLIC && rig.mm->usage.pages != rig.taken + pages_used(t)) {
		wrong("B7: pages_in_use is wrong");
		fail(t, true);
	}
	if (rig.reports) {
		wrong("reported: %s", qy_report_kind_name(rig.kind));
		fail(t, true);
	}
	add_state(t, now);
}

/* The library was asked for what cannot be: nothing may be different. */
static void stay(void)
{
	if (!is_as_saved())
		fail(&from, true);
	steps++;
}

/* ---- steps ---- */

static struct qy_page *library_alloc(unsigned int order, unsigned int how)
{
	struct qy_page *page;

	if (scope->mode == PUBLIC)
		return qy_alloc_pages(rig.mm, gfp_of[how], order);
	qy__lock(&own.zone[how]->lock);
	page = qy__rmqueue_locked(rig.mm, own.zone[how], order, 0, 0);
	qy__unlock(&own.zone[how]->lock);
	return page;
}

/* The first half of the first half … of the block at @at. */
static void alloc_from(unsigned int z, unsigned int list, unsigned int at, unsigned int order,
		       unsigned int how)
{
	bool comp = scope->mode == PUBLIC && (gfp_of[how] & QY_GFP_COMP) && order;
	struct tiling to = from;
	struct qy_page *page;

	op = (struct op){ALLOC, (uint8_t)order, (uint8_t)at, (uint8_t)how};
	to.free &= ~block_bits(at, order);
	to.head |= 1u << at;
	to.comp |= (uint32_t)comp << at;
	restore();
	move_first(z, list, at);
	page = library_alloc(order, how);
	if (page != page_at(at)) {
		wrong("B8: got %s %d", page ? "page" : "nothing:",
		      page ? (int)bit_of(qy__page_pfn(rig.mm, page)) : 0);
		fail(&to, true);
	}
	arrive(&to);
}

/* All allocations of @order: zones [z, …, 0] are asked, the first that can gives. */
static void try_alloc(unsigned int order, unsigned int how, int z, bool fallback)
{
	do {
		for (unsigned int k = order; z >= 0 && k <= ground->max_order; k++) {
			uint32_t rest = blocks[z][k];
			unsigned int at;

			if (!rest)
				continue;
			while (next_bit(&rest, &at))
				alloc_from((unsigned int)z, k, at, order, how);
			return;
		}
	} while (fallback && --z >= 0);
	op = (struct op){ALLOC, (uint8_t)order, NOWHERE, (uint8_t)how};
	restore();
	if (library_alloc(order, how)) {
		wrong("B2: got a block where none is free");
		fail(&from, true);
	}
	stay();
}

static void try_allocs(void)
{
	int normal = (int)own.nr_zones - 1;
	/* The highest of the zones that each gfp allows; zone DMA has nothing to give. */
	const int highest[] = {normal, normal, normal - 1, normal - 1, -1};

	if (scope->mode != PUBLIC) {
		for (int z = 0; z <= normal; z++)
			for (unsigned int k = 0; k <= ground->max_order; k++)
				try_alloc(k, (unsigned int)z, z, false);
		return;
	}
	for (unsigned int how = 0; how < ARRAY_SIZE(gfp_of); how++)
		for (unsigned int k = 0; k <= ground->max_order + 1; k++)
			try_alloc(k, how, highest[how], true);
}

static void put_in_place(unsigned int z, unsigned int order, unsigned int at, enum place place)
{
	unsigned int other;

	switch (place) {
	case FIRST: move_first(z, order, at); break;
	case LAST: move_last(z, order, at); break;
	default:
		move_first(z, order, at);
		other = bit_of(page_at(at)->next);
		if (other < TILING_PAGES)
			move_first(z, order, other);
	}
}

/*
 * A free block goes to the head of its list, unless the parent that it waits for could merge at
 * once: then to the tail, to be left alone.
 */
static void check_place(unsigned int z, unsigned int at, const struct tiling *to)
{
	uint32_t heads[TILING_ORDERS], parent;
	const struct qy_page *page;
	unsigned int k = 0;
	bool near;

	maximal_blocks(to->free & own.mask[z], ground->max_order, heads);
	while (!(heads[k] >> (at & ~((1u << k) - 1)) & 1))
		k++;
	at &= ~((1u << k) - 1);
	page = page_at(at);
	parent = at & ~((2u << k) - 1);
	near = k + 1 < ground->max_order && heads[k + 1] >> (parent ^ 2u << k) & 1;
	if (near ? page->next != QY__PFN_NONE : page->prev != QY__PFN_NONE) {
		wrong("block %u of order %u was put at the %s of its list", at, k,
		      near ? "head" : "tail");
		fail(to, true);
	}
}

static void free_block(unsigned int z, unsigned int at, unsigned int order, unsigned int how,
		       const struct tiling *to, const uint32_t merging[TILING_ORDERS])
{
	uint32_t pfn = rig.origin + at;
	int err = 0;

	op = (struct op){FREE, (uint8_t)order, (uint8_t)at, (uint8_t)how};
	restore();
	for (unsigned int k = order; k < ground->max_order; k++)
		if (merging[k])
			put_in_place(z, k, lowest_bit(merging[k]),
				     (enum place)(how & ~(unsigned int)BY_ADDRESS));
	if (scope->mode != PUBLIC) {
		page_at(at)->type = QY__PAGE_SLAB; /* its owner may have left anything in it */
		page_at(at)->flags = (uint8_t)now;
		page_at(at)->alloc.refcount = 0; /* free_block() did that */
		qy__lock(&own.zone[z]->lock);
		qy__free_one_locked(rig.mm, own.zone[z], pfn, order, QY__FPI_NONE);
		qy__unlock(&own.zone[z]->lock);
	} else if (how & BY_ADDRESS) {
		err = qy_free_pages_addr(rig.mm, qy__pfn_addr(rig.mm, pfn), order);
	} else {
		err = qy_free_pages(rig.mm, page_at(at), order);
	}
	if (err) {
		wrong("refused: %d", err);
		fail(to, true);
	}
	arrive(to);
	check_place(z, at, to);
}

/* In as many orders of the lists as make a difference to the buddies that go. */
static void try_free(unsigned int at)
{
	unsigned int order = used_order(&from, at, ground->end), longest = 1;
	unsigned int z = own.mask[0] >> at & 1 ? 0 : 1;
	uint32_t merging[TILING_ORDERS];
	struct tiling to = from;

	to.free |= block_bits(at, order);
	to.head &= ~(1u << at);
	to.comp &= ~(1u << at);
	maximal_blocks(to.free & own.mask[z], ground->max_order, merging);
	for (unsigned int k = 0; k <= ground->max_order; k++) {
		merging[k] = blocks[z][k] & ~merging[k];
		if (merging[k] && count_bits(blocks[z][k]) > longest)
			longest = count_bits(blocks[z][k]);
	}
	for (unsigned int place = 0; place < longest && place <= MIDDLE; place++) {
		free_block(z, at, order, place, &to, merging);
		if (scope->mode == PUBLIC)
			free_block(z, at, order, place | BY_ADDRESS, &to, merging);
	}
}

static void expect_refusal(int err, int expected, enum qy_report_kind kind)
{
	if (err != expected || rig.reports != 1 || rig.kind != kind) {
		wrong("%d instead of %d; %u reports, the last %s instead of %s", err, expected,
		      rig.reports, rig.reports ? qy_report_kind_name(rig.kind) : "none",
		      qy_report_kind_name(kind));
		fail(&from, true);
	}
	rig.reports = 0;
}

/*
 * Free the page @at with @order, which is wrong. The head of a live block: it is retired, and that
 * is all that changes.
 */
static void bad_free(unsigned int at, unsigned int order)
{
	bool live = (from.head & ~from.retired) >> at & 1;
	struct qy_page *page = page_at(at);
	struct tiling to = from;

	op = (struct op){BAD_FREE, (uint8_t)order, (uint8_t)at, 0};
	restore();
	expect_refusal(qy_free_pages(rig.mm, page, order == NO_ORDER ? UINT32_MAX : order),
		       live ? -ERANGE : -EINVAL,
		       live ? QY_REPORT_PAGE_ORDER : QY_REPORT_BAD_PAGE_FREE);
	if (!live) {
		stay();
		return;
	}
	to.retired |= 1u << at;
	arrive(&to);
	page->flags &= (uint8_t)~QY__PAGE_F_RETIRED;
	if (!is_as_saved())
		fail(&from, true);
}

/* What is no page at all. */
static void try_strangers(void)
{
	struct qy_page *stranger[] = {NULL, page_at(ground->start) - 1, rig.mm->pages - 1,
				      page_at(ground->end),
				      (struct qy_page *)((char *)page_at(ground->start) + 8)};

	for (unsigned int i = 0; i < ARRAY_SIZE(stranger); i++) {
		if (i == 1 && stranger[i]->type != QY__PAGE_RESERVED)
			continue; /* taken: that would be legal */
		op = (struct op){BAD_FREE, 0, (uint8_t)(-1 - (int)i), 0};
		restore();
		expect_refusal(qy_free_pages(rig.mm, stranger[i], 0), -EINVAL,
			       QY_REPORT_BAD_PAGE_FREE);
		stay();
	}
}

static void try_bad_frees(void)
{
	for (unsigned int at = ground->start; at < ground->end; at++) {
		unsigned int right = NO_ORDER - 1; /* none */

		if ((from.head & ~from.retired) >> at & 1) {
			right = used_order(&from, at, ground->end);
			op = (struct op){BAD_ADDR, (uint8_t)right, (uint8_t)at, 8};
			restore();
			expect_refusal(qy_free_pages_addr(
					       rig.mm,
					       (char *)qy__page_addr(rig.mm, page_at(at)) + op.how,
					       right),
				       -EINVAL, QY_REPORT_BAD_PAGE_FREE);
			stay();
		}
		for (unsigned int k = 0; k <= ground->max_order + 1; k++)
			if (k != right)
				bad_free(at, k);
		bad_free(at, NO_ORDER);
	}
	try_strangers();
}

/* ---- the search ---- */

static void visit(void)
{
	uint32_t rest;
	unsigned int at;

	from = unpack(seen.state[now]);
	for (unsigned int z = 0; z < own.nr_zones; z++)
		maximal_blocks(from.free & own.mask[z], ground->max_order, blocks[z]);
	build(&from, blocks, now);
	try_allocs();
	for (rest = from.head & ~from.retired; next_bit(&rest, &at);)
		try_free(at);
	if (scope->mode == PUBLIC)
		try_bad_frees();
}

static void search(void)
{
	struct tiling all = {.free = page_bits(ground->start, ground->end)};
	uint32_t level = 1;

	now = 0;
	add_state(&all, 0);
	if (!holds(&all) || !check_holds(&all, true))
		fail(&all, false); /* as the library itself has made it */
	for (now = 0; now < seen.nr; now++) {
		if (now == level) {
			level = seen.nr;
			depth++;
		}
		visit();
	}
}

/* The closed form: what was written down for the scope must be that. */
static uint64_t count_tilings(const struct scope *s)
{
	const struct ground *g = &s->ground;

	return count_range(g->start, g->border, g->max_order, ways[s->mode], s->mode == SWAP) *
	       count_range(g->border, g->end, g->max_order, ways[s->mode], s->mode == SWAP);
}

/* @id: with this planted fault, once the instance is there. */
static void run_scope(const struct scope *s, int id)
{
	double begin = cpu_seconds(), seconds;

	scope = s;
	ground = &s->ground;
	if (count_tilings(s) != s->states) {
		printf("FAILED: %s: %llu tilings, not %llu\n", s->what,
		       (unsigned long long)count_tilings(s), (unsigned long long)s->states);
		exit(1);
	}
	if (ground->max_order > QY_CONFIG_MAX_ORDER_LIMIT) {
		printf("%-38s left out: the library was built for smaller blocks\n", s->what);
		return;
	}
	plant(0);
	make_rig(ground);
	seen_init(&seen, (uint32_t)s->states);
	depth = 0;
	steps = checks = 0;
	checked_every = s->states < 100000 ? 1 : 1000;
	sorting_init();
	plant(id);
	search();
	seconds = cpu_seconds() - begin;
	printf("%-38s orders 0-%u: %8u states, %9llu transitions, depth %2u, %6.2f s, "
	       "%5.2f million transitions/s, %llu by qy_check\n",
	       s->what, ground->max_order, seen.nr, (unsigned long long)steps, depth, seconds,
	       (double)steps / 1e6 / seconds, (unsigned long long)checks);
	fflush(stdout);
	if (seen.nr != s->states) {
		printf("FAILED: %s: %llu states should be reached\n", s->what,
		       (unsigned long long)s->states);
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

/* The faults that these searches must find; what else is planted lies on other floors. */
static const int wanted[] = {QY__PLANT_FREE_COUNT,    QY__PLANT_MERGE_ANY_ORDER,
			     QY__PLANT_LOST_HALF,     QY__PLANT_FREE_PAGES_COUNT,
			     QY__PLANT_MISSING_MERGE, QY__PLANT_ORDER_UNCHECKED,
			     QY__PLANT_WRONG_BUDDY,   QY__PLANT_ZONE_IGNORED};
static const char *const quick[] = {"8", "border-5", "public-3"};

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
