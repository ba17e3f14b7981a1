/* SPDX-License-Identifier: MIT */
/*
 * test_sheaf.c - per-CPU arrays of free objects: how many they hold, when they are filled and
 * emptied, that CPUs do not touch one another's, and that the sheaf of nobody is never written.
 */
#include "damage.h"
#include "fixture.h"

#include <pthread.h>

#include "page/page_alloc.h"

static void make(unsigned int cpus)
{
	instance_init(&in, 1024);
	in.config.nr_cpus = cpus;
	instance_create(&in);
}

static struct qy_cache *cache(size_t size)
{
	struct qy_cache *c = qy_cache_create(in.mm, "c", size, 0, 0, NULL);

	assert_non_null(c);
	return c;
}

static void capacity_by_object_size(void **state)
{
	static const unsigned int row[][2] = {
		{8, 60},    {255, 60},	{256, 26},	 {1023, 26},
		{1024, 12}, {4095, 12}, {PAGE_BYTES, 4}, {100000, 4},
	};

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(qy__sheaf_capacity(row[i][0]), row[i][1]);
	make(1);
	assert_int_equal(cache(64)->sheaf_capacity, 60);
	assert_int_equal(cache(256)->sheaf_capacity, 26);
	assert_int_equal(cache(2000)->sheaf_capacity, 12);
	assert_int_equal(cache(PAGE_BYTES)->sheaf_capacity, 4);
}

static void push_and_pop_are_a_stack(void **state)
{
	struct qy__sheaf *s = calloc(1, sizeof(*s) + 5 * sizeof(void *));
	char objects[6];

	(void)state;
	s->capacity = 4;
	assert_null(qy__sheaf_pop(s));
	for (int i = 0; i < 4; i++)
		assert_true(qy__sheaf_push(s, objects + i));
	assert_false(qy__sheaf_push(s, objects + 4));
	assert_null(s->objects[4]); /* not a word beyond */
	for (int i = 3; i >= 0; i--)
		assert_ptr_equal(qy__sheaf_pop(s), objects + i);
	assert_null(qy__sheaf_pop(s));
	free(s);
}

/* It is empty and full at once, and nobody writes to it. */
static void nobody_sheaf_misses_both_ways(void **state)
{
	struct qy__sheaf *nobody;

	(void)state;
	make(1);
	nobody = &in.mm->slab->nobody;
	assert_null(qy__sheaf_pop(nobody));
	assert_false(qy__sheaf_push(nobody, nobody));
	assert_int_equal(nobody->size, 0);
	assert_int_equal(nobody->capacity, 0);
	instance_save(&in);
	nobody->size = 1;
	expect_violation(&in, "U6");
	nobody->capacity = 1;
	expect_violation(&in, "U6");
}

static void sheaf_is_made_at_the_first_use(void **state)
{
	struct qy_cache *c;
	void *p;

	(void)state;
	make(3);
	c = cache(64);
	for (unsigned int cpu = 0; cpu < 5; cpu++)
		assert_ptr_equal(c->sheaf[cpu], &in.mm->slab->nobody);
	qy_mm_set_cpu(in.mm, 1);
	p = qy_cache_alloc(c, 0);
	assert_ptr_equal(c->sheaf[0], &in.mm->slab->nobody);
	assert_ptr_not_equal(c->sheaf[1], &in.mm->slab->nobody);
	assert_int_equal(c->sheaf[1]->capacity, 60);
	/* Freed on a CPU that has none yet: it gets one, too. */
	qy_mm_set_cpu(in.mm, 2);
	qy_cache_free(c, p);
	assert_int_equal(c->sheaf[2]->size, 1);
	for (unsigned int cpu = 3; cpu < 5; cpu++)
		assert_ptr_equal(c->sheaf[cpu], &in.mm->slab->nobody);
	assert_clean(&in);
}

static void refill_takes_half_flush_leaves_half(void **state)
{
	static void *p[500];

	(void)state;
	make(1);
	for (size_t size = 64; size <= 5000; size *= 4) {
		struct qy_cache *c = cache(size);
		unsigned int cap = c->sheaf_capacity;

		p[0] = qy_cache_alloc(c, 0);
		assert_true(c->sheaf[0]->size <= (cap + 1) / 2 - 1);
		for (unsigned int i = 1; i < 2 * cap; i++)
			p[i] = qy_cache_alloc(c, 0);
		while (c->sheaf[0]->size)
			p[2 * cap] = qy_cache_alloc(c, 0); /* leaked into the next lines */
		for (unsigned int i = 0; i < cap; i++) {
			qy_cache_free(c, p[i]);
			assert_int_equal(c->sheaf[0]->size, i + 1);
		}
		qy_cache_free(c, p[cap]); /* full: half of them go, the oldest */
		assert_int_equal(c->sheaf[0]->size, cap / 2 + 1);
		assert_ptr_equal(c->sheaf[0]->objects[cap / 2], p[cap]);
		assert_ptr_equal(c->sheaf[0]->objects[0], p[cap - cap / 2]);
		assert_clean(&in);
		/* Last in, first out. */
		assert_ptr_equal(qy_cache_alloc(c, 0), p[cap]);
		assert_ptr_equal(qy_cache_alloc(c, 0), p[cap - 1]);
	}
}

/* Each CPU has its own: what one frees, another does not get. */
static void manual_cpus_do_not_touch_one_anothers(void **state)
{
	void *p[64];
	struct qy_cache *c;

	(void)state;
	make(4);
	c = cache(100);
	for (int i = 0; i < 64; i++)
		p[i] = qy_cache_alloc(c, 0);
	for (int i = 0; i < 64; i++) {
		qy_mm_set_cpu(in.mm, (unsigned int)i % 4);
		qy_cache_free(c, p[i]);
	}
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		struct qy__sheaf before[1];

		qy_mm_set_cpu(in.mm, cpu);
		for (unsigned int other = 0; other < 4; other++)
			if (other != cpu) {
				before[0] = *c->sheaf[other];
				qy_cache_free(c, qy_cache_alloc(c, 0));
				assert_int_equal(c->sheaf[other]->size, before[0].size);
			}
		for (int i = 60; i >= 0; i -= 4)
			assert_ptr_equal(qy_cache_alloc(c, 0), p[i + (int)cpu]);
	}
	assert_clean(&in);
}

static void live_objects_do_not_count_parked_ones(void **state)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	struct qy_cache *c;
	void *p[10];

	(void)state;
	make(2);
	c = cache(100);
	for (int i = 0; i < 10; i++)
		p[i] = qy_cache_alloc(c, 0);
	qy_cache_info(c, &info);
	assert_int_equal(info.live_objects, 10);
	qy_mm_set_cpu(in.mm, 1);
	for (int i = 0; i < 10; i++)
		qy_cache_free(c, p[i]);
	qy_cache_info(c, &info);
	assert_int_equal(info.live_objects, 0);
	assert_true(info.total_objects >= 10);
	assert_int_equal(info.sheaf_capacity, 60);
}

static void shrink_empties_the_callers_sheaf_only(void **state)
{
	struct qy_cache *c;
	void *p, *q;

	(void)state;
	make(2);
	c = cache(100);
	p = qy_cache_alloc(c, 0);
	qy_mm_set_cpu(in.mm, 1);
	q = qy_cache_alloc(c, 0);
	assert_int_equal(qy_cache_shrink(c), 1);
	assert_int_equal(c->sheaf[1]->size, 0);
	assert_true(c->sheaf[0]->size > 0);
	qy_cache_free(c, q);
	qy_cache_free(c, p);
	qy_cache_shrink(c);
	qy_mm_set_cpu(in.mm, 0);
	assert_int_equal(qy_cache_shrink(c), 0);
	assert_clean(&in);
}

/* All CPUs' sheaves, and their own memory, are gone with the cache. */
static void destroy_drains_every_sheaf(void **state)
{
	struct qy_cache_info before = {.struct_size = sizeof(before)}, after = before;
	struct qy_cache *c, *sheaves;
	size_t free_pages;

	(void)state;
	make(8);
	sheaves = in.mm->slab->sheaf_cache[3];
	free_pages = qy__nr_free_pages(in.mm);
	for (int round = 0; round < 20; round++) {
		qy_cache_info(sheaves, &before);
		c = cache(100);
		for (unsigned int cpu = 0; cpu < 8; cpu++) {
			qy_mm_set_cpu(in.mm, cpu);
			for (int i = 0; i < 100; i++)
				qy_cache_free(c, qy_cache_alloc(c, 0));
		}
		assert_clean(&in);
		assert_int_equal(qy_cache_destroy(c), 0);
		qy_cache_info(sheaves, &after);
		assert_int_equal(after.live_objects, before.live_objects);
		assert_clean(&in);
	}
	for (struct qy_cache *each = in.mm->slab->first; each; each = each->next)
		qy_cache_shrink(each);
	/* The cache of sheaves had no slab at the start, and has none now. */
	assert_int_equal(qy__nr_free_pages(in.mm), free_pages);
	assert_clean(&in);
}

/* No memory for a sheaf: the object itself still comes, the locked way. */
static void no_memory_for_a_sheaf_still_serves(void **state)
{
	static struct qy_page *page[2048];
	struct qy_cache *c, *sheaves;
	unsigned int nr = 0;
	void *p[8], *x;

	(void)state;
	make(8);
	c = cache(100);
	for (int i = 0; i < 4; i++)
		p[i] = qy_cache_alloc(c, 0);
	for (int i = 0; i < 4; i++) /* back to the slab */
		qy_cache_free(c, p[i]);
	qy_cache_shrink(c);
	p[0] = qy_cache_alloc(c, 0);
	while ((page[nr] = qy_alloc_pages(in.mm, 0, 0)))
		nr++;
	/* The cache of sheaves may have room in its slab: use it up. */
	sheaves = in.mm->slab->sheaf_cache[3];
	while (qy__slab_ops(sheaves)->refill(sheaves, 0, &x, 1))
		;
	qy_mm_set_cpu(in.mm, 5);
	p[1] = qy_cache_alloc(c, 0);
	assert_non_null(p[1]);
	assert_ptr_equal(c->sheaf[5], &in.mm->slab->nobody);
	qy_cache_free(c, p[1]);
	assert_ptr_equal(c->sheaf[5], &in.mm->slab->nobody);
	qy_cache_free(c, p[0]);
	assert_clean(&in);
}

static void debug_cache_has_no_sheaf(void **state)
{
	struct qy_cache *c;
	void *p;

	(void)state;
	if (!strchr(qy_build_debug_letters(), 'Z'))
		skip();
	make(2);
	c = qy_cache_create(in.mm, "d", 64, 0, QY_SLAB_RED_ZONE, NULL);
	p = qy_cache_alloc(c, 0);
	qy_cache_free(c, p);
	assert_int_equal(c->sheaf_capacity, 0);
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		assert_ptr_equal(c->sheaf[cpu], &in.mm->slab->nobody);
}

static void *on_a_thread(void *arg)
{
	struct qy_cache *c = arg;
	void *p[200];

	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 200; i++)
			memset(p[i] = qy_cache_alloc(c, 0), i, 100);
		for (int i = 0; i < 200; i++)
			qy_cache_free(c, p[i]);
	}
	return NULL;
}

/* A thread's slot, and what its sheaf holds, goes to the next thread. */
static void threads_reuse_slots_and_lose_nothing(void **state)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	struct qy_cache *c;

	(void)state;
	instance_init(&in, 2048);
	in.config.cpu_provider = QY_CPU_THREAD;
	instance_create(&in);
	c = cache(100);
	for (int round = 0; round < 10; round++) {
		pthread_t t[2];

		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_create(&t[i], NULL, on_a_thread, c), 0);
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
	}
	qy_cache_info(c, &info);
	assert_int_equal(info.live_objects, 0);
	assert_true(info.total_objects < 4000);
	assert_clean(&in);
	assert_int_equal(qy_cache_destroy(c), 0);
	assert_clean(&in);
}

/* The last objects of the cache that is asked are what the shrinker can free: into its sheaf. */
static struct {
	struct qy_cache *c;
	void *object[64];
	unsigned int nr;
} hoard;

static size_t hoard_count(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	(void)s;
	(void)sc;
	return hoard.nr;
}

static size_t hoard_scan(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	size_t n = 0;

	(void)s;
	while (hoard.nr && n < sc->nr_to_scan) {
		qy_cache_free(hoard.c, hoard.object[--hoard.nr]);
		n++;
	}
	return n;
}

static void reclaim_may_free_into_the_sheaf_that_waits(void **state)
{
	struct qy_shrinker s = {.count = hoard_count, .scan = hoard_scan, .seeks = 2};
	void *object[64];

	(void)state;
	for (int debug = 0; debug < 2; debug++) {
		unsigned int n = 0;

		instance_init(&in, 1024);
		in.config.debug = debug ? "slab_debug=FZPU" : NULL;
		instance_create(&in);
		hoard.c = cache(1000);
		assert_int_equal(qy_shrinker_register(in.mm, &s), 0);
		for (hoard.nr = 0; hoard.nr < 64; hoard.nr++)
			hoard.object[hoard.nr] = qy_cache_alloc(hoard.c, 0);
		while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0))
			;
		while (n < 64 &&
		       (object[n] = qy_cache_alloc(hoard.c, QY_GFP_KERNEL | QY_GFP_NOWARN)))
			memset(object[n++], 0x40, 1000);
		assert_true(n > 8);
		for (unsigned int i = 0; i < n; i++)
			for (unsigned int k = 0; k < hoard.nr; k++)
				assert_ptr_not_equal(object[i], hoard.object[k]);
		while (n)
			qy_cache_free(hoard.c, object[--n]);
		while (hoard.nr)
			qy_cache_free(hoard.c, hoard.object[--hoard.nr]);
		assert_int_equal(qy_shrinker_unregister(&s), 0);
		assert_int_equal(qy_cache_destroy(hoard.c), 0);
		assert_clean(&in);
		instance_destroy(&in);
	}
	in.mm = NULL;
}

/* Tried without reclaim first, a request that may reclaim is still not one that may not wait. */
static void first_try_leaves_the_deeper_reserves_alone(void **state)
{
	struct qy__zone *zone;
	struct qy_cache *c;

	(void)state;
	instance_init(&in, 1024);
	in.config.watermark.marks = QY_WATERMARKS_KERNEL;
	in.config.watermark.min_free_kbytes = 200 * PAGE_BYTES / 1024;
	instance_create(&in);
	zone = &in.mm->zone[QY_ZONE_NORMAL];
	c = cache(PAGE_BYTES / 2);
	while (qy_cache_alloc(c, QY_GFP_KERNEL | QY_GFP_HIGH | QY_GFP_NOWARN))
		;
	assert_in_range(zone->nr_free_pages, zone->mark[QY_WMARK_MIN] / 2,
			zone->mark[QY_WMARK_MIN]);
	while (qy_cache_alloc(c, QY_GFP_ATOMIC | QY_GFP_NOWARN))
		;
	assert_true(zone->nr_free_pages < zone->mark[QY_WMARK_MIN] / 2);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(capacity_by_object_size, tear_down),
		cmocka_unit_test(push_and_pop_are_a_stack),
		cmocka_unit_test_teardown(nobody_sheaf_misses_both_ways, tear_down),
		cmocka_unit_test_teardown(sheaf_is_made_at_the_first_use, tear_down),
		cmocka_unit_test_teardown(refill_takes_half_flush_leaves_half, tear_down),
		cmocka_unit_test_teardown(manual_cpus_do_not_touch_one_anothers, tear_down),
		cmocka_unit_test_teardown(live_objects_do_not_count_parked_ones, tear_down),
		cmocka_unit_test_teardown(shrink_empties_the_callers_sheaf_only, tear_down),
		cmocka_unit_test_teardown(destroy_drains_every_sheaf, tear_down),
		cmocka_unit_test_teardown(no_memory_for_a_sheaf_still_serves, tear_down),
		cmocka_unit_test_teardown(reclaim_may_free_into_the_sheaf_that_waits, tear_down),
		cmocka_unit_test_teardown(first_try_leaves_the_deeper_reserves_alone, tear_down),
		cmocka_unit_test_teardown(debug_cache_has_no_sheaf, tear_down),
		cmocka_unit_test_teardown(threads_reuse_slots_and_lose_nothing, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
