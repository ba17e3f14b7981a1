/* SPDX-License-Identifier: MIT */
/*
 * test_validate.c - everything on demand: each damage is counted once, repaired, and gone the
 * second time; and by itself at every N-th call.
 */
#include "damage.h"
#include "fixture.h"

#include "debug/debug.h"

#define BIG (5 * PAGE_BYTES - 480) /* no size class */

static struct qy_cache *c;

static void make(const char *debug)
{
	instance_make(&in, 512, debug);
	c = qy_cache_create(in.mm, "things", 100, 0, 0, NULL);
}

static unsigned char *take(void)
{
	unsigned char *p = qy_cache_alloc(c, 0);

	assert_non_null(p);
	return hide(p);
}

/* @n findings, as many as reports; then none. */
static void expect(unsigned int n)
{
	assert_int_equal(qy_cache_validate(c), n);
	assert_int_equal(in.reports.nr, n);
	in.reports.nr = 0;
	assert_int_equal(qy_cache_validate(c), 0);
	assert_clean(&in);
}

static void validate_healthy_cache_is_silent(void **state)
{
	(void)state;
	make("slab_debug=FZPU quarantine=10K");
	expect(0);
	for (int i = 0; i < 300; i++) {
		unsigned char *p = take();

		memset(p, 0xff, 100);
		if (i % 3)
			qy_cache_free(c, p);
		if (i % 50 == 0)
			expect(0);
	}
	expect(0);
	assert_int_equal(qy_validate(in.mm), 0);
}

static void validate_counts_each_damage_once(void **state)
{
	unsigned char *p, *q, *f;

	(void)state;
	make("slab_debug=FZPU");
	p = take();
	q = take();
	f = take();
	qy_cache_free(c, f);
	p[100] = 1;
	expect(1);
	p[-1] = p[100] = 1;
	expect(2);
	p[100] = q[-1] = q[101] = 0;
	f[0] = 0x78;
	expect(4);
	f[50] = 0x9a;  /* body */
	f[100] = 0xab; /* red zone of a free object */
	expect(2);
	f[99] = 0; /* end byte */
	expect(1);
	f[c->layout.meta_end] = 0;
	p[c->layout.meta_end + 1] = 0;
	expect(2);
	/* Repaired: they can be freed without a word. */
	qy_cache_free(c, p);
	qy_cache_free(c, q);
	assert_clean(&in);
}

/* Also of objects that lie in slabs without a free one, on the full list. */
static void validate_reaches_full_slabs_and_all_caches(void **state)
{
	static void *p[400];
	unsigned char *k, *l;

	(void)state;
	make("slab_debug=FZPU");
	for (int i = 0; i < 400; i++)
		p[i] = take();
	((unsigned char *)p[0])[100] = 1;
	((unsigned char *)p[399])[100] = 1;
	expect(2);
	k = hide(qy_kmalloc(in.mm, 33, 0));
	l = hide(qy_kmalloc(in.mm, BIG, 0));
	((unsigned char *)p[5])[-2] = 1;
	k[33] = 1;
	l[BIG] = 1;
	l[-1] = 1;
	assert_int_equal(qy_validate(in.mm), 4);
	in.reports.nr = 0;
	assert_int_equal(qy_validate(in.mm), 0);
	assert_clean(&in);
}

static void validate_plain_cache_answers_zero(void **state)
{
	unsigned char *p;

	(void)state;
	make(NULL);
	p = take();
	p[103] = 1;
	assert_int_equal(qy_cache_validate(c), 0);
	assert_int_equal(qy_validate(in.mm), 0);
}

static void take_and_free(int n, void **p)
{
	for (int i = 0; i < n; i++)
		p[i] = take();
	for (int i = n - 1; i >= 0; i--)
		qy_cache_free(c, p[i]);
}

/*
 * Free lists: of length-1 and length-2 cycles, with a foreign, a misaligned and a live object, and
 * cut. The slab is given up, its live objects go on living.
 */
static void validate_freelist_damage_isolates_the_slab(void **state)
{
	void *p[6], *live, *other;

	(void)state;
	for (int kind = 0; kind < 7; kind++) {
		make("slab_debug=FZPU");
		live = take();
		take_and_free(6, p);
		void *const link[] = {p[2],	  p[1],
				      in.buf + 8, (char *)p[3] + 4,
				      live,	  (void *)0x4141414141414141,
				      (void *)8};

		qy__slub_set_free(c, p[2], link[kind]);
		assert_true(qy_cache_validate(c) >= 1);
		assert_int_equal(in.reports.at[0].kind, QY_REPORT_FREELIST);
		in.reports.nr = 0;
		assert_int_equal(qy_cache_validate(c), 0);
		assert_clean(&in);
		assert_true(slab_of_object(in.mm, live)->flags & QY__PAGE_F_FROZEN);
		other = take();
		assert_ptr_not_equal(slab_of_object(in.mm, other), slab_of_object(in.mm, live));
		qy_cache_free(c, other);
		qy_cache_free(c, live);
		assert_int_equal(qy_cache_destroy(c), 0);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void validate_freelist_cut_adjusts_the_count(void **state)
{
	void *p[6];

	(void)state;
	make("slab_debug=FZPU");
	take_and_free(6, p);
	qy__slub_set_free(c, p[2], NULL);
	assert_int_equal(qy_cache_validate(c), 1);
	assert_non_null(strstr(take_report(&in, QY_REPORT_METADATA).title, "Wrong object count"));
	expect(0);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(take(), p[i]);
	take();
	assert_clean(&in);
}

static void validate_runs_by_itself_at_every_nth_call(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU validate=10");
	p = take();
	p[100] = 1;
	for (int i = 0; i < 20 && !in.reports.nr; i++)
		qy_cache_free(c, take());
	take_report(&in, QY_REPORT_OVERFLOW);
	for (int i = 0; i < 30; i++)
		qy_cache_free(c, take());
	qy_cache_free(c, p);
	assert_clean(&in);
	instance_destroy(&in);

	/* At every call: large ones and kmalloc count, too. */
	make("slab_debug=FZPU validate=1");
	p = take();
	p[-1] = 0;
	qy_kfree(in.mm, qy_kmalloc(in.mm, BIG, 0));
	take_report(&in, QY_REPORT_UNDERWRITE);
	p[-1] = 0;
	qy_kfree(in.mm, qy_kmalloc(in.mm, 20, 0));
	take_report(&in, QY_REPORT_UNDERWRITE);
	qy_cache_free(c, p);
	assert_clean(&in);
}

/*
 * The number of reports is what is answered, whatever is broken; the second pass is clean, whatever
 * it was.
 */
static void validate_random_damage_is_clean_the_second_time(void **state)
{
	void *p[200];

	(void)state;
	srand(3);
	for (int round = 0; round < 60; round++) {
		unsigned int found;

		make("slab_debug=FZPU");
		for (int i = 0; i < 200; i++)
			p[i] = take();
		for (int i = 0; i < 200; i += 2)
			qy_cache_free(c, p[i]);
		for (int n = 0; n < 20; n++) {
			unsigned char *at = (unsigned char *)p[rand() % 200] + rand() % 130 - 16;
			size_t len = (size_t)(rand() % 40 + 1);

			for (size_t i = 0; i < len; i++)
				at[i] = (unsigned char)rand();
		}
		in.reports.nr = 0;
		found = qy_cache_validate(c);
		assert_int_equal(found, in.reports.nr);
		in.reports.nr = 0;
		assert_int_equal(qy_cache_validate(c), 0);
		/* Still usable: allocate, free, end. */
		for (int i = 0; i < 100; i++)
			take();
		for (int i = 1; i < 200; i += 2)
			assert_int_equal(qy_cache_free(c, p[i]), 0);
		instance_destroy(&in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(validate_healthy_cache_is_silent, tear_down),
		cmocka_unit_test_teardown(validate_counts_each_damage_once, tear_down),
		cmocka_unit_test_teardown(validate_reaches_full_slabs_and_all_caches, tear_down),
		cmocka_unit_test_teardown(validate_plain_cache_answers_zero, tear_down),
		cmocka_unit_test_teardown(validate_freelist_damage_isolates_the_slab, tear_down),
		cmocka_unit_test_teardown(validate_freelist_cut_adjusts_the_count, tear_down),
		cmocka_unit_test_teardown(validate_runs_by_itself_at_every_nth_call, tear_down),
		cmocka_unit_test_teardown(validate_random_damage_is_clean_the_second_time,
					  tear_down),
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
