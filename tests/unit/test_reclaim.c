/* SPDX-License-Identifier: MIT */
/*
 * test_reclaim.c - shrinkers: how much they are asked for, what they may do inside, how they come
 * and go while they run, in one thread; the hook.
 */
#include "instance.h"

#include <errno.h>

#include "page/reclaim.h"

#define MANY 8

static struct instance in;

/* A cache of the program's that does as it is told. */
struct fake {
	struct qy_shrinker s;
	size_t objects;	    /* what count() says */
	bool shrinks;	    /* scan() takes them off that */
	size_t scan_part;   /* nr_scanned is nr_to_scan / this */
	unsigned int stop;  /* this scan() call says STOP (1: the first) */
	size_t returns;	    /* what scan() returns, if @lies */
	size_t scans;	    /* … and says it tried */
	bool lies;
	void (*inside)(struct fake *f); /* what scan() does besides */
	void (*counting)(struct fake *f);
	void *arg;
	/* what happened */
	unsigned int counted, scanned;
	size_t asked, last_asked;
	unsigned int node[16];
	qy_gfp_t gfp;
};

static size_t fake_count(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	struct fake *f = s->ctx;
	size_t objects = f->objects;

	f->counted++;
	f->gfp = sc->gfp;
	if (f->counting)
		f->counting(f);
	return objects;
}

static size_t fake_scan(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	struct fake *f = s->ctx;
	size_t n = sc->nr_to_scan, ret = f->lies ? f->returns : n;

	assert_int_equal(sc->nr_scanned, n);
	assert_true(n > 0);
	f->node[f->scanned++ % 16] = sc->node;
	f->last_asked = n;
	f->asked += n;
	if (f->scan_part)
		sc->nr_scanned = n / f->scan_part;
	if (f->lies)
		sc->nr_scanned = f->scans;
	if (f->shrinks)
		f->objects -= n < f->objects ? n : f->objects;
	if (f->stop && f->scanned == f->stop)
		ret = QY_SHRINK_STOP;
	if (f->inside)
		f->inside(f); /* f may be gone */
	return ret;
}

static struct fake *fake_init(struct fake *f, size_t objects)
{
	*f = (struct fake){
		.s = {.count = fake_count, .scan = fake_scan, .seeks = QY_DEFAULT_SEEKS},
		.objects = objects,
	};
	f->s.ctx = f;
	return f;
}

static struct fake *fake_new(size_t objects)
{
	struct fake *f = malloc(sizeof(*f));

	assert_non_null(f);
	return fake_init(f, objects);
}

static void join(struct fake *f)
{
	assert_int_equal(qy_shrinker_register(in.mm, &f->s), 0);
}

static void leave(struct fake *f)
{
	assert_int_equal(qy_shrinker_unregister(&f->s), 0);
}

static size_t shrink(unsigned int priority)
{
	return qy_mm_shrink(in.mm, QY_GFP_KERNEL, 0, priority);
}

static int set_up(void **state)
{
	(void)state;
	instance_make(&in, 1024, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

/* ---- how much ---- */

static void shrink_follows_the_sums(void **state)
{
	static const struct {
		size_t objects, batch;
		unsigned int seeks, priority;
		uint64_t owed; /* before */
		unsigned int calls;
		size_t asked;
		uint64_t left; /* owed afterwards */
	} t[] = {
		/* objects batch seeks priority owed: calls asked left */
		{0, 0, 2, 0, 0, 0, 0, 0},
		{1000, 0, 2, 12, 0, 0, 0, 0},		 /* 1000 >> 12 is nothing */
		{8192, 0, 2, 12, 0, 0, 0, 4},		 /* 2 * 4 / 2 */
		{10000, 0, 2, 0, 0, 156, 19968, 32},	 /* twice all of them */
		{100, 0, 2, 0, 0, 1, 128, 72},
		{100, 0, 2, 1, 0, 1, 100, 0},		 /* fewer than a batch, but all */
		{100, 0, 2, 2, 0, 0, 0, 50},
		{100, 0, 2, 2, 50, 0, 0, 100},
		{100, 0, 2, 2, 200, 1, 100, 150},	 /* 200 >> 2 and 50 */
		{100, 0, 2, 2, 150, 0, 0, 200},
		{100, 0, 2, 3, 200, 0, 0, 200},		 /* at most twice all */
		{100, 0, 1, 0, 0, 1, 128, 200},		 /* 400 wanted, 200 allowed, 272 left */
		{100, 0, 4, 0, 0, 1, 100, 0},
		{100, 0, 1000, 0, 0, 0, 0, 0},
		{100, 0, 0, 12, 0, 0, 0, 50},		 /* half of them, at any priority */
		{100, 0, 0, 0, 50, 1, 100, 0},
		{1000, 0, 0, 7, 0, 3, 384, 116},
		{25, 10, 2, 0, 0, 5, 50, 0},
		{25, 10, 2, 1, 0, 2, 20, 4},
		{25, 10, 2, 1, 6, 2, 20, 10},
		{25, 1, 2, 0, 0, 50, 50, 0},
		{1, 0, 2, 0, 0, 1, 2, 0},
		{1, 0, 2, 1, 0, 0, 0, 0},
		{1, 0, 0, 0, 2, 1, 2, 0},		 /* half of one is none; two are owed */
		{100, SIZE_MAX, 2, 1, 0, 1, 100, 0},
		{127, 0, 2, 1, 0, 0, 0, 126},
		{4096, 128, 2, 6, 0, 1, 128, 0},	 /* exactly a batch */
		{4064, 128, 2, 6, 0, 0, 0, 126},
	};
	struct fake f;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fake_init(&f, t[i].objects);
		f.s.batch = t[i].batch;
		f.s.seeks = t[i].seeks;
		join(&f);
		f.s.deferred[0] = t[i].owed;
		assert_int_equal(shrink(t[i].priority), t[i].asked);
		if (f.scanned != t[i].calls || f.asked != t[i].asked ||
		    f.s.deferred[0] != t[i].left)
			printf("vector %zu: %u calls, %zu asked, %llu left\n", i, f.scanned,
			       f.asked, (unsigned long long)f.s.deferred[0]);
		assert_int_equal(f.counted, 1);
		assert_int_equal(f.scanned, t[i].calls);
		assert_int_equal(f.asked, t[i].asked);
		assert_int_equal(f.s.deferred[0], t[i].left);
		leave(&f);
	}
}

/* The same sums once more, from the book: what a call asks for and leaves. */
struct sums {
	uint64_t owed;
	size_t asked, freed;
};

static void model_shrink(struct sums *m, const struct fake *f, unsigned int priority)
{
	uint64_t all = f->objects, delta, total, tried = 0, owed = m->owed;
	uint64_t batch = f->s.batch ? f->s.batch : 128;

	m->asked = m->freed = 0;
	if (!all)
		return;
	delta = f->s.seeks ? (all >> priority) * 4 / f->s.seeks : all / 2;
	total = (owed >> priority) + delta;
	if (total > 2 * all)
		total = 2 * all;
	for (unsigned int call = 1; total >= batch || total >= all; call++) {
		uint64_t n = batch < total ? batch : total;
		uint64_t part = f->scan_part ? n / f->scan_part : n;

		m->asked += n;
		if (call == f->stop)
			break;
		m->freed += n;
		if (!part)
			break;
		total -= part;
		tried += part;
	}
	m->owed = owed + delta > tried ? owed + delta - tried : 0;
	if (m->owed > 2 * all)
		m->owed = 2 * all;
}

static void shrink_agrees_with_the_book_over_many_calls(void **state)
{
	unsigned int seed = 1;
	struct fake f;

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		struct sums m = {0};

		fake_init(&f, 0);
		f.s.seeks = (unsigned int)rand_r(&seed) % 5;
		f.s.batch = (size_t)rand_r(&seed) % 200;
		join(&f);
		for (unsigned int call = 0; call < 30; call++) {
			unsigned int priority = (unsigned int)rand_r(&seed) % 13;

			f.objects = (size_t)rand_r(&seed) % (rand_r(&seed) % 2 ? 5000 : 200);
			f.scan_part = rand_r(&seed) % 4 ? 0 : 1 + (size_t)rand_r(&seed) % 4;
			f.stop = rand_r(&seed) % 4 ? 0 : 1 + (unsigned int)rand_r(&seed) % 4;
			f.asked = f.scanned = 0;
			model_shrink(&m, &f, priority);
			assert_int_equal(shrink(priority), m.freed);
			assert_int_equal(f.asked, m.asked);
			assert_int_equal(f.s.deferred[0], m.owed);
		}
		leave(&f);
	}
}

static void priority_above_twelve_is_twelve(void **state)
{
	static const unsigned int priority[] = {13, 31, 32, 63, 64, UINT32_MAX};
	struct fake f;

	(void)state;
	for (size_t i = 0; i < sizeof(priority) / sizeof(priority[0]); i++) {
		fake_init(&f, 8192);
		join(&f);
		shrink(priority[i]);
		assert_int_equal(f.s.deferred[0], 4);
		leave(&f);
	}
}

static void count_of_nothing_is_not_scanned(void **state)
{
	static const size_t nothing[] = {0, QY_SHRINK_EMPTY, QY_SHRINK_STOP};
	struct fake f;

	(void)state;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		fake_init(&f, nothing[i]);
		join(&f);
		f.s.deferred[0] = 77;
		assert_int_equal(shrink(0), 0);
		assert_int_equal(f.counted, 1);
		assert_int_equal(f.scanned, 0);
		assert_int_equal(f.s.deferred[0], 77);
		leave(&f);
	}
}

static void stop_ends_the_shrinker_but_not_the_walk(void **state)
{
	struct fake first, second;

	(void)state;
	join(fake_init(&first, 1000));
	join(fake_init(&second, 1000));
	first.stop = 1;
	second.stop = 3;
	assert_int_equal(shrink(0), 2 * 128);
	assert_int_equal(first.scanned, 1);
	assert_int_equal(first.s.deferred[0], 2000);
	assert_int_equal(second.scanned, 3);
	assert_int_equal(second.s.deferred[0], 2000 - 2 * 128);
	leave(&first);
	leave(&second);
}

static void liars_do_not_keep_us(void **state)
{
	static const struct {
		size_t count, returns, scans;
	} t[] = {
		{SIZE_MAX - 2, SIZE_MAX - 2, 1},
		{SIZE_MAX - 2, 0, 1},
		{SIZE_MAX - 2, SIZE_MAX - 2, 0},
		{SIZE_MAX - 2, SIZE_MAX - 2, SIZE_MAX},
		{SIZE_MAX - 2, QY_SHRINK_EMPTY, 128},
		{SIZE_MAX / 2, 128, 128},
		{(size_t)1 << 62, SIZE_MAX / 2, 7},
		{100, SIZE_MAX - 2, 1},
		{100, 100, SIZE_MAX - 2},
	};
	static const size_t batch[] = {0, 1, SIZE_MAX, SIZE_MAX / 2};
	struct fake f, g;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]) * 4; i++) {
		size_t most = 1024 * PAGE_BYTES / 8; /* objects, in such an arena */

		fake_init(&f, t[i / 4].count);
		f.s.batch = batch[i % 4];
		f.lies = true;
		f.returns = t[i / 4].returns;
		f.scans = t[i / 4].scans;
		join(&f);
		join(fake_init(&g, 64));
		for (unsigned int light = 0; light < 2; light++) {
			size_t freed = shrink(light * 12);

			assert_true(f.scanned <= 65536);
			assert_true(freed <= f.scanned * most + g.asked);
			assert_true(f.s.deferred[0] <= 2 * most);
			f.scanned = 0;
		}
		assert_int_equal(g.asked, 128); /* whoever is behind has his turn */
		leave(&f);
		leave(&g);
	}
}

/* ---- inside ---- */

static void allocate_inside(struct fake *f)
{
	struct qy_page *page[64];
	unsigned int nr = 0;

	(void)f;
	assert_true(qy__in_reclaim(in.mm));
	assert_int_equal(shrink(0), 0);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL, 0, 0), 0);
	assert_false(qy__reclaim_hook(in.mm, QY_GFP_KERNEL, 0));
	while (nr < 64 && (page[nr] = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 5)))
		nr++;
	while (nr)
		assert_int_equal(qy_free_pages(in.mm, page[--nr], 5), 0);
}

static void shrinker_may_allocate_without_reclaim_of_its_own(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, 100);
	f.inside = allocate_inside;
	join(&f);
	assert_int_equal(shrink(1), 100);
	assert_int_equal(f.scanned, 1);
	assert_int_equal(f.counted, 1);
	assert_false(qy__in_reclaim(in.mm));
	leave(&f);
}

static struct instance other;

static void shrink_other(struct fake *f)
{
	assert_true(qy__in_reclaim(in.mm));
	assert_false(qy__in_reclaim(other.mm));
	assert_int_equal(qy_mm_shrink(other.mm, QY_GFP_KERNEL, 0, 1), 100);
	assert_true(qy__in_reclaim(in.mm));
	(void)f;
}

static void shrink_first_from_second(struct fake *f)
{
	(void)f;
	assert_true(qy__in_reclaim(in.mm));
	assert_true(qy__in_reclaim(other.mm));
	assert_int_equal(shrink(0), 0);
}

static void instances_do_not_shut_each_other_out(void **state)
{
	struct fake f, g;

	(void)state;
	instance_make(&other, 256, NULL);
	fake_init(&f, 100)->inside = shrink_other;
	fake_init(&g, 100)->inside = shrink_first_from_second;
	join(&f);
	assert_int_equal(qy_shrinker_register(other.mm, &g.s), 0);
	assert_int_equal(shrink(1), 100);
	assert_int_equal(g.scanned, 1);
	assert_int_equal(f.scanned, 1);
	leave(&f);
	leave(&g);
	instance_destroy(&other);
}

/* ---- coming and going ---- */

static void register_and_unregister_say_what_is_wrong(void **state)
{
	struct fake f, g;

	(void)state;
	fake_init(&f, 1);
	assert_int_equal(qy_shrinker_unregister(&f.s), -ENOENT);
	f.s.scan = NULL;
	assert_int_equal(qy_shrinker_register(in.mm, &f.s), -EINVAL);
	fake_init(&f, 1)->s.count = NULL;
	assert_int_equal(qy_shrinker_register(in.mm, &f.s), -EINVAL);
	assert_int_equal(qy_shrinker_unregister(&f.s), -ENOENT);
	join(fake_init(&f, 1));
	join(fake_init(&g, 1));
	assert_int_equal(qy_shrinker_register(in.mm, &f.s), -EBUSY);
	assert_int_equal(qy_shrinker_register(in.mm, &g.s), -EBUSY);
	instance_make(&other, 256, NULL);
	assert_int_equal(qy_shrinker_register(other.mm, &f.s), -EBUSY);
	leave(&f);
	assert_int_equal(qy_shrinker_unregister(&f.s), -ENOENT);
	assert_int_equal(qy_shrinker_register(other.mm, &f.s), 0);
	assert_int_equal(qy_mm_shrink(other.mm, 0, 0, 0), 2);
	shrink(0);
	assert_int_equal(f.counted, 1);
	assert_int_equal(g.counted, 1);
	leave(&f);
	leave(&g);
	instance_destroy(&other);
}

static void registering_forgets_what_was_owed(void **state)
{
	struct fake f;

	(void)state;
	join(fake_init(&f, 100));
	shrink(2);
	assert_int_equal(f.s.deferred[0], 50);
	leave(&f);
	f.s.deferred[QY_MAX_NODES - 1] = 5;
	join(&f);
	assert_int_equal(f.s.deferred[0], 0);
	assert_int_equal(f.s.deferred[QY_MAX_NODES - 1], 0);
	leave(&f);
}

static void go(struct fake *f)
{
	leave(f);
	memset(f, 0x5a, sizeof(*f));
	free(f);
}

static void leave_and_join(struct fake *f)
{
	leave(f);
	join(f);
}

/* @arg is one that goes, and is gone. */
static void send_away(struct fake *f)
{
	struct fake *victim = f->arg;

	if (!victim)
		return;
	f->arg = NULL;
	go(victim);
}

static void shrinker_may_go_from_inside(void **state)
{
	struct fake *f[3], last;

	(void)state;
	join(fake_init(&last, 100)); /* whoever came first is asked last */
	for (int i = 0; i < 3; i++) {
		f[i] = fake_new(100000);
		f[i]->s.flags = i == 2 ? QY_SHRINKER_NUMA_AWARE : 0;
		*(i == 1 ? &f[i]->counting : &f[i]->inside) = go;
		join(f[i]);
	}
	assert_int_equal(shrink(0), 2 * 128 + 128);
	assert_int_equal(last.scanned, 1);
	assert_int_equal(shrink(0), 128);
	leave(&last);
}

static void shrinker_that_comes_back_is_not_called_again(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, 1000)->inside = leave_and_join;
	join(&f);
	for (unsigned int i = 1; i < 5; i++) {
		assert_int_equal(shrink(0), 128);
		assert_int_equal(f.scanned, i);
		assert_int_equal(f.s.deferred[0], 0);
	}
	leave(&f);
}

/* Any of them goes while any of them runs: the others are asked, once each. */
static void any_other_may_go_while_one_runs(void **state)
{
	(void)state;
	for (unsigned int runs = 0; runs < 4; runs++) {
		for (unsigned int goes = 0; goes < 4; goes++) {
			struct fake *f[4];

			if (runs == goes)
				continue;
			for (unsigned int i = 0; i < 4; i++)
				join(f[i] = fake_new(100));
			f[runs]->inside = send_away;
			f[runs]->arg = f[goes];
			/* Newest first: an older one has not been asked yet when it goes. */
			assert_int_equal(shrink(1), goes < runs ? 300 : 400);
			for (unsigned int i = 0; i < 4; i++) {
				if (i == goes)
					continue;
				assert_int_equal(f[i]->scanned, 1);
				go(f[i]);
			}
			assert_int_equal(shrink(0), 0);
		}
	}
}

static struct fake *crowd[MANY];

static void send_all_away(struct fake *f)
{
	for (unsigned int i = 0; i < MANY; i++) {
		struct fake *one = crowd[i];

		crowd[i] = NULL;
		if (one && one != f)
			go(one);
	}
	go(f);
}

static void all_may_go_while_one_runs(void **state)
{
	(void)state;
	for (unsigned int runs = 0; runs < MANY; runs++) {
		for (unsigned int i = 0; i < MANY; i++)
			join(crowd[i] = fake_new(100));
		crowd[runs]->inside = send_all_away;
		assert_int_equal(shrink(1), 100 * (MANY - runs));
		assert_int_equal(shrink(1), 0);
	}
}

static void bring_another(struct fake *f)
{
	struct fake *one = fake_new(100);

	one->inside = f->inside;
	crowd[f->scanned % MANY] = one;
	f->inside = NULL;
	join(one);
}

static void those_who_come_wait_for_the_next_walk(void **state)
{
	struct fake f;

	(void)state;
	memset(crowd, 0, sizeof(crowd));
	fake_init(&f, 100)->inside = bring_another;
	join(&f);
	assert_int_equal(shrink(1), 100);
	assert_non_null(crowd[1]);
	assert_int_equal(crowd[1]->counted, 0);
	crowd[1]->inside = NULL;
	assert_int_equal(shrink(1), 200);
	go(crowd[1]);
	leave(&f);
}

/* ---- nodes ---- */

static void nodes_are_told_apart_by_those_who_know_them(void **state)
{
	struct fake f, g;

	(void)state;
	instance_destroy(&in);
	instance_init(&in, 1024);
	in.config.nr_nodes = 3;
	instance_create(&in);
	fake_init(&f, 100)->s.flags = QY_SHRINKER_NUMA_AWARE;
	join(&f);
	join(fake_init(&g, 100));
	assert_int_equal(qy_mm_shrink(in.mm, QY_GFP_KERNEL, 2, 2), 0);
	assert_int_equal(f.s.deferred[2], 50);
	assert_int_equal(f.s.deferred[0], 0);
	assert_int_equal(g.s.deferred[0], 50);
	assert_int_equal(g.s.deferred[2], 0);
	assert_int_equal(f.counted, 1);
	assert_int_equal(qy_mm_shrink(in.mm, QY_GFP_KERNEL, 1, 1), 100 + 125);
	assert_int_equal(f.node[0], 1);
	assert_int_equal(f.asked, 100); /* what another node owes is another's */
	assert_int_equal(qy_mm_shrink(in.mm, QY_GFP_KERNEL, 3, 0), 0);
	assert_int_equal(f.counted, 2);
	assert_int_equal(g.counted, 2);

	/* A request asks its own node first, then the others, unless it may not go there. */
	memset(f.s.deferred, 0, sizeof(f.s.deferred));
	memset(g.s.deferred, 0, sizeof(g.s.deferred));
	f.scanned = g.scanned = 0;
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL, 1, 1), 4 * 100);
	assert_int_equal(f.scanned, 3);
	assert_int_equal(g.scanned, 1);
	assert_int_equal(f.node[0], 1);
	assert_int_equal(f.node[1], 2);
	assert_int_equal(f.node[2], 0);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL | QY_GFP_THISNODE, 2, 1), 200);
	assert_int_equal(f.scanned, 4);
	assert_int_equal(f.node[3], 2);
	leave(&f);
	leave(&g);
}

static void leave_when_asked_for_the_second_node(struct fake *f)
{
	if (f->scanned == 2)
		go(f);
}

static void shrinker_may_go_between_two_nodes(void **state)
{
	struct fake *f = fake_new(100);

	(void)state;
	instance_destroy(&in);
	instance_init(&in, 1024);
	in.config.nr_nodes = 4;
	instance_create(&in);
	f->s.flags = QY_SHRINKER_NUMA_AWARE;
	f->inside = leave_when_asked_for_the_second_node;
	join(f);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL, 3, 1), 200);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL, 3, 1), 0);
}

/* ---- who may, and the hook ---- */

static void only_requests_that_may_wait_reclaim(void **state)
{
	struct fake f;

	(void)state;
	join(fake_init(&f, 100));
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_ATOMIC, 0, 1), 0);
	assert_int_equal(f.counted, 0);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_NOIO, 0, 1), 100);
	assert_int_equal(f.gfp, QY_GFP_NOIO);
	assert_int_equal(qy_mm_shrink(in.mm, QY_GFP_ATOMIC, 0, 1), 100); /* the program says so */
	leave(&f);
}

static struct {
	unsigned int calls, order;
	qy_gfp_t gfp;
	bool answer;
} hooked;

static bool hook(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order, void *ctx)
{
	assert_ptr_equal(mm, in.mm);
	assert_ptr_equal(ctx, &hooked);
	assert_true(qy__in_reclaim(mm));
	assert_int_equal(shrink(0), 0);
	assert_false(qy__reclaim_hook(mm, gfp, order));
	hooked.calls++;
	hooked.gfp = gfp;
	hooked.order = order;
	return hooked.answer;
}

static void hook_is_called_with_the_request(void **state)
{
	struct fake f;

	(void)state;
	assert_false(qy__reclaim_hook(in.mm, QY_GFP_KERNEL, 0)); /* there is none */
	instance_destroy(&in);
	instance_init(&in, 1024);
	in.config.reclaim = (struct qy_reclaim_hook){hook, &hooked};
	instance_create(&in);
	join(fake_init(&f, 100));
	for (int i = 0; i < 2; i++) {
		memset(&hooked, 0, sizeof(hooked));
		hooked.answer = i;
		assert_int_equal(qy__reclaim_hook(in.mm, QY_GFP_NOFS, 3), i);
		assert_int_equal(hooked.calls, 1);
		assert_int_equal(hooked.gfp, QY_GFP_NOFS);
		assert_int_equal(hooked.order, 3);
		assert_false(qy__in_reclaim(in.mm));
	}
	assert_false(qy__reclaim_hook(in.mm, QY_GFP_ATOMIC, 3));
	assert_int_equal(hooked.calls, 1);
	assert_int_equal(f.counted, 0);
	leave(&f);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(shrink_follows_the_sums),
		TEST(shrink_agrees_with_the_book_over_many_calls),
		TEST(priority_above_twelve_is_twelve),
		TEST(count_of_nothing_is_not_scanned),
		TEST(stop_ends_the_shrinker_but_not_the_walk),
		TEST(liars_do_not_keep_us),
		TEST(shrinker_may_allocate_without_reclaim_of_its_own),
		TEST(instances_do_not_shut_each_other_out),
		TEST(register_and_unregister_say_what_is_wrong),
		TEST(registering_forgets_what_was_owed),
		TEST(shrinker_may_go_from_inside),
		TEST(shrinker_that_comes_back_is_not_called_again),
		TEST(any_other_may_go_while_one_runs),
		TEST(all_may_go_while_one_runs),
		TEST(those_who_come_wait_for_the_next_walk),
		TEST(nodes_are_told_apart_by_those_who_know_them),
		TEST(shrinker_may_go_between_two_nodes),
		TEST(only_requests_that_may_wait_reclaim),
		TEST(hook_is_called_with_the_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
