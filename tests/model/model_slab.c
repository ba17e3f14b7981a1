/* SPDX-License-Identifier: MIT */
/*
 * model_slab.c - every state that a cache of at most three slabs of two or three objects can reach,
 * and from each of them every operation: no sampling.
 *
 * A state (slab_state.h) is the free list of each slab, the lists of slabs and the sheaves; which
 * page is which slab makes no difference. It is reached anew by replaying the operations that lead
 * to it; then the whole arena is saved, and put back after each step. The model says what a step
 * gives and which state follows; the library must be in just that state (S1-S5, U5, U6), a bulk
 * request gives all or nothing (S13), every live object must keep what was written to it (S7), what
 * was constructed must still be (S11), and the library's own checker must be content.
 *
 * The count of states is an oracle: without sheaves it has a closed form; with them it is what was
 * counted once.
 *
 * Modes: FLAVOUR asks the flavour itself for batches and gives batches back (release caches);
 * SHEAVES goes through the sheaves of two CPUs; CHECKED is a debug cache, with every free that
 * must be refused.
 *
 *   model_slab [SCOPE...]
 *   model_slab -p            prove that the search finds planted faults ("planted" variant)
 */
#include "search.h"
#include "seen.h"
#include "slab_rig.h"
#include <errno.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define F QY_SLAB_CONSISTENCY_CHECKS
#define Z QY_SLAB_RED_ZONE
#define P QY_SLAB_POISON
#define U QY_SLAB_STORE_USER

static const struct scope scopes[] = {
	{"flavour-2x2", FLAVOUR, {2, 2, 5, false}, 1, 0, false, 0},
	{"flavour-3x3", FLAVOUR, {3, 3, 5, false}, 1, 0, true, 0},
	{"flavour-3x3-keep-0", FLAVOUR, {3, 3, 0, false}, 1, 0, true, 0},
	{"flavour-3x3-keep-1", FLAVOUR, {3, 3, 1, false}, 1, 0, false, 0},
	{"flavour-3x3-keep-2", FLAVOUR, {3, 3, 2, false}, 1, 0, false, 0},
	{"checked-3x2", CHECKED, {3, 2, 5, true}, 1, F | Z | P, false, 0},
	{"checked-3x3", CHECKED, {3, 3, 5, true}, 1, F | Z | P, false, 0},
	{"checked-3x3-keep-0", CHECKED, {3, 3, 0, true}, 1, F | Z | P, true, 0},
	{"checked-3x3-keep-2", CHECKED, {3, 3, 2, true}, 1, F | P, false, 0},
	{"checked-2x3-users", CHECKED, {2, 3, 5, true}, 1, F | Z | P | U, false, 0},
	{"sheaves-2x2", SHEAVES, {2, 2, 5, false}, 2, 0, false, 291},
	{"sheaves-2x3-one-cpu", SHEAVES, {2, 3, 5, false}, 1, 0, true, 2748},
	{"sheaves-3x2-one-cpu", SHEAVES, {3, 2, 0, false}, 1, 0, true, 780},
	{"sheaves-2x3", SHEAVES, {2, 3, 0, false}, 2, 0, false, 14061},
	{"sheaves-3x2", SHEAVES, {3, 2, 2, false}, 2, 0, false, 4822},
	{"sheaves-3x3-one-cpu", SHEAVES, {3, 3, 5, false}, 1, 0, false, 152692},
};

enum kind { ALLOC, FREE, SHRINK, BULK, REFILL, FLUSH, FLUSH_ALL, BAD_FREE };

struct op {
	uint8_t kind;
	uint8_t cpu; /* ALLOC, FREE, SHRINK */
	uint8_t a;   /* object; BULK, REFILL: how many; FLUSH_ALL: 1, from the highest on */
	uint8_t b; /* FLUSH: a second object, or NONE; BAD_FREE: bytes behind the object's start */
};

static struct seen seen;
static uint64_t steps;
static unsigned int depth;

static uint32_t now;
static struct op op;
static struct slab_state from;

/* ---- in words ---- */

static void print_object(unsigned int object)
{
	printf("%c%u", 'A' + object / OBJECTS, object % OBJECTS);
}

static void print_op(const struct op *o)
{
	static const char *const what[] = {"alloc",  "free",  "shrink",	   "alloc bulk",
					   "refill", "flush", "flush all", "bad free of"};

	printf("%s", what[o->kind]);
	if (o->kind == REFILL || o->kind == BULK)
		printf(" %u", o->a);
	if (o->kind == FLUSH_ALL)
		printf(", the %s first", o->a ? "last" : "first");
	if (o->kind == FREE || o->kind == FLUSH || o->kind == BAD_FREE) {
		putchar(' ');
		print_object(o->a);
	}
	if (o->kind == FLUSH && o->b != NONE) {
		putchar(' ');
		print_object(o->b);
	}
	if (o->kind == BAD_FREE && o->b)
		printf(" + %u bytes", o->b);
	if (scope->mode == SHEAVES)
		printf(" on CPU %u", o->cpu);
	putchar('\n');
}

static void print_state(const char *what, const struct slab_state *s)
{
	printf("  %s", what);
	for (unsigned int i = 0; i < rules->slabs; i++) {
		if (!s->slab[i].exists)
			continue;
		printf(" %c free", 'A' + i);
		for (unsigned int k = 0; k < s->slab[i].nr_free; k++)
			printf(" %u", s->slab[i].free[k]);
		printf(";");
	}
	printf(" partial");
	for (unsigned int i = 0; i < s->nr_partial; i++)
		printf(" %c", 'A' + s->partial[i]);
	for (unsigned int i = 0; i < s->nr_full; i++)
		printf("%s %c", i ? "" : "; full", 'A' + s->full[i]);
	for (unsigned int cpu = 0; cpu < scope->cpus && scope->mode == SHEAVES; cpu++) {
		printf("; sheaf %u", cpu);
		for (unsigned int k = 0; k < s->sheaf[cpu].nr; k++) {
			putchar(' ');
			print_object(s->sheaf[cpu].object[k]);
		}
	}
	putchar('\n');
}

QY_NORETURN static void fail(const struct slab_state *expected, const struct slab_state *found)
{
	static uint32_t path[1024];
	unsigned int nr = seen_path(&seen, now, path, ARRAY_SIZE(path));

	printf("FAILED: %s: %s\n  no slabs; then\n", scope->name,
	       *rig.wrong ? rig.wrong : "another state follows");
	for (unsigned int i = 0; i < nr; i++) {
		struct op by;

		memcpy(&by, &seen.op[path[i]], sizeof(by));
		printf("  ");
		print_op(&by);
	}
	print_state("state   ", &from);
	printf("  ");
	print_op(&op);
	if (expected)
		print_state("expected", expected);
	if (found)
		print_state("library ", found);
	exit(1);
}

static void on_signal(int sig)
{
	signal(sig, SIG_DFL);
	wrong("ended by signal %d", sig);
	fail(NULL, NULL);
}

/* ---- one step: the library's, then the model's ---- */

static unsigned int all_live(const struct slab_state *s, bool down, uint8_t *objects)
{
	uint32_t live = live_objects(s, rules);
	unsigned int n = 0;

	for (unsigned int i = 0; i < SLABS * OBJECTS; i++) {
		unsigned int o = down ? SLABS * OBJECTS - 1 - i : i;

		if (live >> o & 1)
			objects[n++] = (uint8_t)o;
	}
	return n;
}

/* Objects of a FLUSH or FLUSH_ALL. */
static unsigned int batch_of(const struct op *o, const struct slab_state *s, uint8_t *objects)
{
	if (o->kind == FLUSH_ALL)
		return all_live(s, o->a, objects);
	objects[0] = o->a;
	objects[1] = o->b;
	return o->b == NONE ? 1 : 2;
}

static unsigned int count_slabs(const struct slab_state *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < SLABS; i++)
		n += s->slab[i].exists;
	return n;
}

/* The page that has become a slab comes first; no step but a bulk request makes more than one. */
static const uint8_t *fresh_pages(const struct slab_state *s)
{
	static uint8_t pages[SLABS];
	unsigned int n = 0;

	for (unsigned int other = 0; other < 2; other++) {
		for (unsigned int i = 0; i < rules->slabs; i++) {
			bool fresh = !s->slab[i].exists &&
				     qy__addr_page(rig.mm, own.page[i])->type == QY__PAGE_SLAB;

			if (fresh != other)
				pages[n++] = (uint8_t)i;
		}
	}
	return pages;
}

static bool step_refill(struct slab_state *s, unsigned int n)
{
	void *got[SLABS * OBJECTS + 1];
	uint8_t expected[SLABS * OBJECTS + 1];
	unsigned int nr = qy__slab_ops(own.cache)->refill(own.cache, 0, got, n);
	unsigned int right = model_refill(s, rules, fresh_pages(s), expected, n);

	if (nr != right)
		return wrong("a batch of %u instead of %u objects", nr, right);
	for (unsigned int i = 0; i < nr; i++)
		if (!take(got[i], expected[i], true))
			return false;
	return true;
}

static bool step_flush(struct slab_state *s, const struct op *o)
{
	void *p[SLABS * OBJECTS];
	uint8_t objects[SLABS * OBJECTS];
	unsigned int n = batch_of(o, s, objects);

	for (unsigned int i = 0; i < n; i++)
		p[i] = object_at(objects[i]);
	qy__slab_ops(own.cache)->flush(own.cache, p, n);
	model_flush(s, rules, objects, n);
	return true;
}

static unsigned int model_alloc(struct slab_state *s, const uint8_t *pages, unsigned int cpu)
{
	uint8_t object;

	if (scope->mode == SHEAVES)
		return model_sheaf_alloc(s, rules, pages, cpu);
	return model_refill(s, rules, pages, &object, 1) ? object : NONE;
}

static void model_free(struct slab_state *s, unsigned int cpu, uint8_t object)
{
	if (scope->mode == SHEAVES)
		model_sheaf_free(s, rules, cpu, object);
	else
		model_flush(s, rules, &object, 1);
}

static bool step_alloc(struct slab_state *s, unsigned int cpu)
{
	void *p = qy_cache_alloc(own.cache, 0);

	return take(p, model_alloc(s, fresh_pages(s), cpu), true);
}

/* All or nothing: what was had is given back, the first one first. */
static unsigned int model_bulk(struct slab_state *s, const struct op *o, const uint8_t *pages,
			       uint8_t *objects)
{
	for (unsigned int got = 0; got < o->a; got++) {
		unsigned int object = model_alloc(s, pages, o->cpu);

		if (object == NONE) {
			for (unsigned int i = 0; i < got; i++)
				model_free(s, o->cpu, objects[i]);
			return 0;
		}
		objects[got] = (uint8_t)object;
	}
	return o->a;
}

static bool is_batch(void *const *got, const uint8_t *expected, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (got[i] != object_at(expected[i]))
			return false;
	return true;
}

/* Several pages may have become slabs: in one of the orders that there are. */
static bool step_bulk(struct slab_state *s, const struct op *o)
{
	static const uint8_t orders[][SLABS] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1},
						{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	void *got[SLABS * OBJECTS + 1];
	uint8_t expected[SLABS * OBJECTS + 1];
	size_t nr = qy_cache_alloc_bulk(own.cache, 0, o->a, got), right = 0;
	struct slab_state found, to = *s;

	read_state(&found);
	for (unsigned int i = 0; i < (rules->slabs == 3 ? 6 : 2); i++) {
		to = *s;
		right = model_bulk(&to, o, orders[i], expected);
		if (right == nr && !memcmp(&to, &found, sizeof(to)) && is_batch(got, expected, nr))
			break;
	}
	*s = to;
	if (nr != right)
		return wrong("S13: %zu instead of %zu objects", nr, right);
	for (unsigned int i = 0; i < nr; i++)
		if (!take(got[i], expected[i], true))
			return false;
	return true;
}

static bool step_free(struct slab_state *s, const struct op *o)
{
	int err = qy_cache_free(own.cache, object_at(o->a));

	if (err)
		return wrong("refused: %d", err);
	model_free(s, o->cpu, o->a);
	return true;
}

static bool step_shrink(struct slab_state *s, unsigned int cpu)
{
	int left = qy_cache_shrink(own.cache);

	if (scope->mode == SHEAVES)
		model_sheaf_flush(s, rules, cpu, 0);
	model_shrink(s, rules);
	return left == (count_slabs(s) != 0) || wrong("shrink says that %d are left", left);
}

static bool step_bad_free(const struct slab_state *s, const struct op *o)
{
	enum qy_report_kind right = s->slab[o->a / OBJECTS].exists && !o->b
					    ? QY_REPORT_DOUBLE_FREE
					    : QY_REPORT_INVALID_FREE;
	int err = qy_cache_free(own.cache, (char *)object_at(o->a) + o->b);
	bool told = rig.reports == 1 && rig.kind == right;

	if (err != -EINVAL || !told)
		return wrong("bad free: %d, %u reports, %s instead of %s", err, rig.reports,
			     qy_report_kind_name(rig.kind), qy_report_kind_name(right));
	rig.reports = 0;
	return true;
}

/* The library does @o, the model follows in @s. */
static bool step(const struct op *o, struct slab_state *s)
{
	bool ok = true;

	rig.reports = 0;
	qy_mm_set_cpu(rig.mm, o->cpu);
	switch (o->kind) {
	case ALLOC: ok = step_alloc(s, o->cpu); break;
	case FREE: ok = step_free(s, o); break;
	case SHRINK: ok = step_shrink(s, o->cpu); break;
	case BULK: ok = step_bulk(s, o); break;
	case REFILL: ok = step_refill(s, o->a); break;
	case FLUSH:
	case FLUSH_ALL: ok = step_flush(s, o); break;
	default: ok = step_bad_free(s, o);
	}
	if (ok && rig.reports)
		return wrong("reported: %s", qy_report_kind_name(rig.kind));
	return ok;
}

/* ---- the search ---- */

static void try_op(struct op o)
{
	struct slab_state to = from, found;
	uint32_t by;

	op = o;
	memcpy(rig.buf, own.saved, ARENA_PAGES * QY_PAGE_SIZE);
	if (!step(&op, &to))
		fail(NULL, NULL);
	steps++;
	if (!read_state(&found))
		fail(&to, NULL);
	if (memcmp(&found, &to, sizeof(to)) || !objects_hold(&to) || !check_holds())
		fail(&to, &found);
	memcpy(&by, &op, sizeof(by));
	if (!seen_add(&seen, slab_key(&to), 0, now, by)) {
		wrong("there should be %u states, this is one more", seen.room);
		fail(&to, &found);
	}
}

static void try_batches(const uint8_t *live, unsigned int n)
{
	for (unsigned int k = 1; k <= rules->slabs * rules->objects + 1; k++)
		try_op((struct op){REFILL, 0, (uint8_t)k, 0});
	for (unsigned int i = 0; i < n; i++) {
		try_op((struct op){FLUSH, 0, live[i], NONE});
		for (unsigned int k = 0; k < n; k++)
			if (k != i)
				try_op((struct op){FLUSH, 0, live[i], live[k]});
	}
	try_op((struct op){FLUSH_ALL, 0, 0, 0});
	try_op((struct op){FLUSH_ALL, 0, 1, 0});
	try_op((struct op){SHRINK, 0, 0, 0});
}

static void try_bad_frees(void)
{
	uint32_t live = live_objects(&from, rules);

	for (unsigned int o = 0; o < rules->slabs * OBJECTS; o++) {
		if (o % OBJECTS >= rules->objects)
			continue;
		if (!(live >> o & 1))
			try_op((struct op){BAD_FREE, 0, (uint8_t)o, 0});
		try_op((struct op){BAD_FREE, 0, (uint8_t)o, 8});
	}
}

static void visit(void)
{
	uint8_t live[SLABS * OBJECTS];
	unsigned int n = all_live(&from, false, live);

	if (scope->mode == FLAVOUR) {
		try_batches(live, n);
		return;
	}
	for (unsigned int cpu = 0; cpu < scope->cpus; cpu++) {
		try_op((struct op){ALLOC, (uint8_t)cpu, 0, 0});
		try_op((struct op){SHRINK, (uint8_t)cpu, 0, 0});
		for (unsigned int k = 2; k <= rules->slabs * rules->objects + 1; k++)
			try_op((struct op){BULK, (uint8_t)cpu, (uint8_t)k, 0});
		for (unsigned int i = 0; i < n; i++)
			try_op((struct op){FREE, (uint8_t)cpu, live[i], 0});
	}
	if (scope->mode == CHECKED)
		try_bad_frees();
}

/* The library, from its first state on, to that of now. */
static void replay(void)
{
	static uint32_t path[1024];
	unsigned int nr = seen_path(&seen, now, path, ARRAY_SIZE(path));

	memcpy(rig.buf, own.first, ARENA_PAGES * QY_PAGE_SIZE);
	memset(&from, 0, sizeof(from));
	for (unsigned int i = 0; i < nr; i++) {
		memcpy(&op, &seen.op[path[i]], sizeof(op));
		if (!step(&op, &from))
			fail(NULL, NULL);
	}
	memcpy(own.saved, rig.buf, ARENA_PAGES * QY_PAGE_SIZE);
	if (slab_key(&from) != seen.key[now]) {
		wrong("the same operations lead elsewhere");
		fail(&from, NULL);
	}
}

static void search(void)
{
	uint32_t level = 1;

	memset(&from, 0, sizeof(from));
	seen_add(&seen, slab_key(&from), 0, 0, 0);
	for (now = 0; now < seen.nr; now++) {
		if (now == level) {
			level = seen.nr;
			depth++;
		}
		replay();
		visit();
	}
}

/* ---- scopes ---- */

static bool is_built(const struct scope *s)
{
	return !(s->flags & F && !QY_CONFIG_SLAB_CONSISTENCY_CHECKS) &&
	       !(s->flags & Z && !QY_CONFIG_SLAB_RED_ZONE) &&
	       !(s->flags & P && !QY_CONFIG_SLAB_POISON) &&
	       !(s->flags & U && !QY_CONFIG_SLAB_STORE_USER);
}

/* @id: with this planted fault, once the instance is there. */
static void run_scope(const struct scope *s, int id)
{
	uint64_t states = s->states ? s->states : count_states(&s->rules);
	double begin = cpu_seconds();

	scope = s;
	rules = &s->rules;
	steps = depth = 0;
	if (!is_built(s)) {
		printf("%-20s left out: not in this build\n", s->name);
		return;
	}
	plant(0);
	make_rig();
	seen_init(&seen, (uint32_t)states);
	plant(id);
	search();
	printf("%-20s %u slabs of %u objects: %7u states, %8llu transitions, depth %2u, %6.2f s, "
	       "%llu by qy_check\n",
	       s->name, rules->slabs, rules->objects, seen.nr, (unsigned long long)steps, depth,
	       cpu_seconds() - begin, (unsigned long long)own.checks);
	fflush(stdout);
	if (seen.nr != states) {
		printf("FAILED: %s: %llu states should be reached\n", s->name,
		       (unsigned long long)states);
		exit(1);
	}
	seen_drop(&seen);
	drop_rig();
}

/* ---- the proof that it can fail ---- */

/* The faults that these searches must find; what else is planted lies elsewhere. */
static const int wanted[] = {QY__PLANT_INUSE_STUCK,
			     QY__PLANT_LOST_PARTIAL,
			     QY__PLANT_ONE_OBJECT_MORE,
			     QY__PLANT_HANDED_OUT_TWICE,
			     QY__PLANT_LOST_TAIL,
			     QY__PLANT_RELEASED_LIVE,
			     QY__PLANT_BULK_LEAK,
			     QY__PLANT_CTOR_SKIPPED,
			     QY__PLANT_SHEAF_LOSES,
			     QY__PLANT_DOUBLE_FREE_UNSEEN,
			     QY__PLANT_POINTER_UNDER_POISON,
			     QY__PLANT_ZONE_VALUE};
static const char *const quick[] = {"flavour-3x3-keep-0", "checked-3x2", "sheaves-2x2"};

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
