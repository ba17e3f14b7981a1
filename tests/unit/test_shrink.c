/* SPDX-License-Identifier: MIT */
/*
 * test_shrink.c - how much a shrinker is asked for: the kernel's sums, and that none keeps us.
 */
#include "shrinker.h"

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
		{1000, 0, 2, 12, 0, 0, 0, 0},	     /* 1000 >> 12 is nothing */
		{8192, 0, 2, 12, 0, 0, 0, 4},	     /* 2 * 4 / 2 */
		{10000, 0, 2, 0, 0, 156, 19968, 32}, /* twice all of them */
		{100, 0, 2, 0, 0, 1, 128, 72},
		{100, 0, 2, 1, 0, 1, 100, 0}, /* fewer than a batch, but all */
		{100, 0, 2, 2, 0, 0, 0, 50},
		{100, 0, 2, 2, 50, 0, 0, 100},
		{100, 0, 2, 2, 200, 1, 100, 150}, /* 200 >> 2 and 50 */
		{100, 0, 2, 2, 150, 0, 0, 200},
		{100, 0, 2, 3, 200, 0, 0, 200}, /* at most twice all */
		{100, 0, 1, 0, 0, 1, 128, 200}, /* 400 wanted, 200 allowed, 272 left */
		{100, 0, 4, 0, 0, 1, 100, 0},
		{100, 0, 1000, 0, 0, 0, 0, 0},
		{100, 0, 0, 12, 0, 0, 0, 50}, /* half of them, at any priority */
		{100, 0, 0, 0, 50, 1, 100, 0},
		{1000, 0, 0, 7, 0, 3, 384, 116},
		{25, 10, 2, 0, 0, 5, 50, 0},
		{25, 10, 2, 1, 0, 2, 20, 4},
		{25, 10, 2, 1, 6, 2, 20, 10},
		{25, 1, 2, 0, 0, 50, 50, 0},
		{1, 0, 2, 0, 0, 1, 2, 0},
		{1, 0, 2, 1, 0, 0, 0, 0},
		{1, 0, 0, 0, 2, 1, 2, 0}, /* half of one is none; two are owed */
		{100, SIZE_MAX, 2, 1, 0, 1, 100, 0},
		{127, 0, 2, 1, 0, 0, 0, 126},
		{4096, 128, 2, 6, 0, 1, 128, 0}, /* exactly a batch */
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
