/* SPDX-License-Identifier: MIT */
/*
 * test_slub.c - slabs: which order they have, where their objects lie, which list they are on, when
 * they go.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "page/page_alloc.h"
#include "util/bitops.h"

/* ---- the order of a slab ---- */

static size_t block(unsigned int order)
{
	return PAGE_BYTES << order;
}

/*
 * The rule of the kernel in the words of a table: least order that holds enough, then least waste.
 */
static int order_by_the_book(size_t slot, unsigned int cpus, unsigned int most)
{
	unsigned int top = most < 3 ? most : 3, bits = 0, least, fraction;
	size_t want;

	while (cpus >> bits)
		bits++;
	want = 4 * (bits + 1);
	if (want > block(top) / slot)
		want = block(top) / slot;
	if (!want)
		want = 1;
	for (least = 0; block(least) < want * slot; least++)
		;
	for (fraction = 16; fraction >= 2; fraction /= 2)
		for (unsigned int o = least; o <= top; o++)
			if (block(o) % slot * fraction <= block(o))
				return (int)o;
	for (least = 0; block(least) < slot; least++)
		;
	return least <= most ? (int)least : -1;
}

static void order_matches_the_rule_for_every_slot(void **state)
{
	static const unsigned int cpus[] = {1, 2, 3, 4, 8, 16, 64};
	static const unsigned int most[] = {0, 1, 2, 3, 6, 10};

	(void)state;
	for (size_t slot = 8; slot <= 300000; slot += slot < 20000 ? 8 : 808)
		for (size_t c = 0; c < 7; c++)
			for (size_t m = 0; m < 6; m++) {
				int order = qy__slub_order(slot, cpus[c], most[m]);

				if (order != order_by_the_book(slot, cpus[c], most[m]))
					fail_msg("slot %zu cpus %u max %u: %d, not %d", slot,
						 cpus[c], most[m], order,
						 order_by_the_book(slot, cpus[c], most[m]));
			}
}

/* Figures of a running kernel (4 KiB pages, /proc/slabinfo with 16 CPUs): pages per slab. */
static void order_known_figures(void **state)
{
	(void)state;
	if (PAGE_BYTES != 4096)
		skip();
	assert_int_equal(qy__slub_order(8, 16, 10), 0);
	assert_int_equal(qy__slub_order(96, 16, 10), 0);
	assert_int_equal(qy__slub_order(192, 16, 10), 1);
	assert_int_equal(qy__slub_order(256, 16, 10), 1);
	assert_int_equal(qy__slub_order(512, 16, 10), 2);
	assert_int_equal(qy__slub_order(1024, 16, 10), 3);
	assert_int_equal(qy__slub_order(4096, 16, 10), 3);
	assert_int_equal(qy__slub_order(8192, 16, 10), 3);
	assert_int_equal(qy__slub_order(40960, 16, 10), 4);
	assert_int_equal(qy__slub_order(40960, 16, 3), -1);
}

static void cache_never_has_more_than_32767_objects_per_slab(void **state)
{
	(void)state;
	instance_init(&in, 2048);
	in.config.max_order = 9;
	instance_create(&in);
	for (size_t size = 1; size <= 64; size++) {
		struct qy_cache *c = qy_cache_create(in.mm, "small", size, 0, 0, NULL);

		assert_non_null(c);
		assert_true(c->objs_per_slab >= 1 && c->objs_per_slab <= 32767);
		assert_true((size_t)c->objs_per_slab * c->layout.slot <= block(c->order));
		assert_int_equal(qy_cache_destroy(c), 0);
	}
	assert_clean(&in);
}

/* ---- objects in a slab ---- */

static unsigned int constructed;

static void count_ctor(void *object)
{
	constructed++;
	memset(object, 0x77, 24);
}

static void freelist_of_a_new_slab_is_in_address_order(void **state)
{
	struct qy_cache *c;
	char *last = NULL;

	(void)state;
	instance_make(&in, 256, NULL);
	/* No sheaf: a debug letter that changes nothing in the slot. */
	c = qy_cache_create(in.mm, "ordered", 40, 0, QY_SLAB_CONSISTENCY_CHECKS, NULL);
	for (unsigned int i = 0; i < c->objs_per_slab; i++) {
		char *p = qy_cache_alloc(c, 0);

		if (last)
			assert_ptr_equal(p, last + c->layout.slot);
		else
			assert_ptr_equal(p, qy__slab_first(c, slab_of_object(in.mm, p)));
		last = p;
	}
	assert_int_equal(qy__slub(c)->nr_slabs, 1);
	assert_clean(&in);
}

static void refill_gives_ascending_addresses_through_the_sheaf(void **state)
{
	struct qy_cache *c;
	char *a, *b;

	(void)state;
	instance_make(&in, 256, NULL);
	c = qy_cache_create(in.mm, "ordered", 40, 0, 0, NULL);
	a = qy_cache_alloc(c, 0);
	for (unsigned int i = 1; i < c->sheaf_capacity / 2u; i++, a = b) {
		b = qy_cache_alloc(c, 0);
		assert_ptr_equal(b, a + c->layout.slot);
	}
}

static void ctor_runs_once_per_object_and_slab(void **state)
{
	void *p[64];
	struct qy_cache *c;

	(void)state;
	instance_make(&in, 256, NULL);
	for (unsigned int flags = 0; flags < 2; flags++) {
		constructed = 0;
		c = qy_cache_create(in.mm, "built", 24, 0, flags ? QY_SLAB_POISON : 0, count_ctor);
		for (int round = 0; round < 5; round++) {
			for (int i = 0; i < 64; i++) {
				p[i] = qy_cache_alloc(c, i & 1 ? QY_GFP_ZERO : 0);
				for (int b = 0; b < 24; b++)
					assert_int_equal(((unsigned char *)p[i])[b], 0x77);
			}
			for (int i = 0; i < 64; i++)
				qy_cache_free(c, p[i]);
		}
		assert_int_equal(constructed, qy__slub(c)->total_objects);
		assert_clean(&in);
		assert_int_equal(qy_cache_destroy(c), 0);
	}
}

static void objects_keep_their_alignment_in_every_geometry(void **state)
{
	static const qy_slab_flags_t flags[] = {
		0,
		QY_SLAB_RED_ZONE,
		QY_SLAB_POISON,
		QY_SLAB_DEBUG_FLAGS & ~QY_SLAB_TRACE,
		QY_SLAB_HWCACHE_ALIGN,
	};

	(void)state;
	instance_make(&in, 1024, NULL);
	for (size_t align = 1; align <= PAGE_BYTES; align *= 2)
		for (size_t size = 1; size < 10000; size = size * 2 + 3)
			for (int f = 0; f < 5; f++) {
				struct qy_cache *c = qy_cache_create(in.mm, "aligned", size, align,
								     flags[f], NULL);
				char *a, *b;

				if (!c) /* too large for a block of this instance */
					continue;
				a = qy_cache_alloc(c, 0);
				b = qy_cache_alloc(c, 0);
				assert_true(a && b && a != b);
				assert_int_equal((uintptr_t)a % align, 0);
				assert_int_equal((uintptr_t)b % align, 0);
				memset(a, 1, size);
				memset(b, 2, size);
				assert_int_equal(a[size - 1], 1);
				qy_cache_free(c, a);
				qy_cache_free(c, b);
				assert_int_equal(qy_cache_destroy(c), 0);
			}
	assert_clean(&in);
}

static void hwcache_align_halves_the_line_for_small_objects(void **state)
{
	static const unsigned int row[][2] = {{1, 8},	{8, 8},	  {9, 16},  {16, 16}, {17, 32},
					      {32, 32}, {33, 64}, {64, 64}, {65, 64}, {500, 64}};

	(void)state;
	instance_make(&in, 256, NULL);
	for (size_t i = 0; i < 10; i++) {
		struct qy_cache *c =
			qy_cache_create(in.mm, "line", row[i][0], 0, QY_SLAB_HWCACHE_ALIGN, NULL);

		assert_int_equal(c->layout.align, row[i][1]);
		qy_cache_destroy(c);
	}
}

/* ---- lists ---- */

/* A cache without sheaf, so that each call reaches the slabs. */
static struct qy_cache *bare_cache(const char *name, size_t size)
{
	struct qy_cache *c = qy__cache_create(in.mm, name, size, 0, 0, NULL);

	assert_non_null(c);
	return c;
}

static void *take(struct qy_cache *c)
{
	void *p;

	return qy__slab_ops(c)->refill(c, 0, &p, 1) == 1 ? p : NULL;
}

static void give(struct qy_cache *c, void *p)
{
	qy__slab_ops(c)->flush(c, &p, 1);
}

static void min_partial_is_half_the_log_within_5_and_10(void **state)
{
	(void)state;
	instance_init(&in, 8192);
	in.config.max_order = 10;
	instance_create(&in);
	for (size_t size = 8; size <= (PAGE_BYTES << 10) / 2; size *= 2) {
		struct qy_cache *c = bare_cache("c", size);
		unsigned int log = 0, want;

		while (c->layout.slot >> (log + 1))
			log++;
		want = log / 2 < 5 ? 5 : log / 2 > 10 ? 10 : log / 2;
		assert_int_equal(qy__slub(c)->min_partial, want);
	}
}

/*
 *   [full][full][full]  --free one of each-->  partial: 0 1 2 (tail)  --take-->  from 0
 */
static void slab_goes_from_full_to_the_tail_of_partial(void **state)
{
	struct qy_cache *c;
	unsigned int per;
	void *p[3][1500];

	(void)state;
	instance_make(&in, 256, NULL);
	c = bare_cache("c", 500);
	per = c->objs_per_slab;
	for (int s = 0; s < 3; s++)
		for (unsigned int i = 0; i < per; i++)
			p[s][i] = take(c);
	assert_int_equal(qy__slub(c)->nr_slabs, 3);
	assert_int_equal(qy__slub(c)->partial.nr, 0);
	for (int s = 0; s < 3; s++) {
		give(c, p[s][2]);
		assert_int_equal(qy__slub(c)->partial.nr, s + 1);
		assert_int_equal(qy__slub(c)->partial.tail,
				 qy__page_pfn(in.mm, slab_of_object(in.mm, p[s][2])));
	}
	/* A second object of the first slab does not move it. */
	give(c, p[0][0]);
	assert_int_equal(qy__slub(c)->partial.head,
			 qy__page_pfn(in.mm, slab_of_object(in.mm, p[0][0])));
	assert_sound(in.mm);
	assert_ptr_equal(take(c), p[0][0]);
	assert_ptr_equal(take(c), p[0][2]);
	assert_ptr_equal(take(c), p[1][2]);
	assert_int_equal(qy__slub(c)->partial.nr, 1);
	assert_sound(in.mm);
}

static void empty_slab_is_discarded_only_beyond_min_partial(void **state)
{
	struct qy_cache *c;
	unsigned int per, least, nr;
	static void *p[12][1000];
	size_t free_before;

	(void)state;
	instance_make(&in, 512, NULL);
	c = bare_cache("c", 1000);
	per = c->objs_per_slab;
	least = qy__slub(c)->min_partial;
	free_before = qy__nr_free_pages(in.mm);
	for (nr = 0; nr < 12; nr++)
		for (unsigned int i = 0; i < per; i++)
			p[nr][i] = take(c);
	for (nr = 0; nr < 12; nr++)
		for (unsigned int i = 0; i < per; i++)
			give(c, p[nr][i]);
	assert_int_equal(qy__slub(c)->inuse_objects, 0);
	/* As the kernel counts: the slab that became empty is among those on the list. */
	assert_int_equal(qy__slub(c)->nr_slabs, least - 1);
	assert_int_equal(qy__slub(c)->partial.nr, least - 1);
	assert_int_equal(qy__nr_free_pages(in.mm), free_before - ((size_t)(least - 1) << c->order));
	assert_sound(in.mm);
	assert_int_equal(qy__slab_ops(c)->shrink(c), 0);
	assert_int_equal(qy__nr_free_pages(in.mm), free_before);
	assert_sound(in.mm);
}

/* One object per slab: full and empty at once. */
static void slab_of_one_object_goes_between_full_and_empty(void **state)
{
	void *p[16];
	struct qy_cache *c;

	(void)state;
	instance_init(&in, 256);
	in.config.max_order = 3;
	instance_create(&in);
	c = bare_cache("huge", (PAGE_BYTES << 3) * 2 / 3);
	assert_int_equal(c->objs_per_slab, 1);
	for (int i = 0; i < 16; i++)
		assert_non_null(p[i] = take(c));
	for (int i = 0; i < 16; i++)
		give(c, p[i]);
	assert_int_equal(qy__slub(c)->nr_slabs, qy__slub(c)->min_partial);
	assert_sound(in.mm);
	assert_int_equal(qy__slab_ops(c)->shrink(c), 0);
}

/* Fullest first; slabs with 32 free objects or more keep their order behind the others. */
static void shrink_sorts_partial_slabs_by_free_objects(void **state)
{
	static const unsigned int leave[] = {3, 50, 1, 31, 2, 40, 1};
	void *p[7][1500];
	struct qy_cache *c;
	unsigned int per, last = 0;

	(void)state;
	instance_make(&in, 256, NULL);
	c = bare_cache("c", 64);
	per = c->objs_per_slab;
	assert_true(per > 50);
	for (int s = 0; s < 7; s++)
		for (unsigned int i = 0; i < per; i++)
			p[s][i] = take(c);
	for (int s = 0; s < 7; s++)
		for (unsigned int i = 0; i < leave[s]; i++)
			give(c, p[s][i]);
	assert_int_equal(qy__slab_ops(c)->shrink(c), 1);
	assert_int_equal(qy__slub(c)->partial.nr, 7);
	for (uint32_t pfn = qy__slub(c)->partial.head; pfn != QY__PFN_NONE;) {
		struct qy_page *slab = qy__pfn_page(in.mm, pfn);
		unsigned int nr_free = slab->slab.objects - slab->slab.inuse;

		assert_true((nr_free < 32 ? nr_free : 32) >= last);
		last = nr_free < 32 ? nr_free : 32;
		pfn = slab->next;
	}
	assert_sound(in.mm);
	/* An empty one among them goes. */
	for (unsigned int i = leave[2]; i < per; i++)
		give(c, p[2][i]);
	assert_int_equal(qy__slab_ops(c)->shrink(c), 1);
	assert_int_equal(qy__slub(c)->nr_slabs, 6);
	assert_sound(in.mm);
}

/*
 * No block of the usual order left, single pages plenty: slabs of the least order, with fewer
 * objects. One cache then has slabs of two sizes, and every computation must use the slab's own.
 */
static void new_slab_falls_back_to_the_least_order(void **state)
{
	struct qy_page *page[1024];
	struct qy_cache *c, *d;
	unsigned int nr = 0, small;
	void *p[400];
	int got = 0;

	(void)state;
	instance_make(&in, 512, NULL);
	c = bare_cache("c", PAGE_BYTES / 6);
	d = qy_cache_create(in.mm, "d", PAGE_BYTES / 7, 0, QY_SLAB_DEBUG_FLAGS & ~QY_SLAB_TRACE,
			    NULL);
	assert_true(c->order > 0 && c->min_order == 0);
	for (int i = 0; i < 20; i++)
		p[got++] = take(c);
	p[got++] = qy_cache_alloc(d, 0);
	while (nr < 1024 && (page[nr] = qy_alloc_pages(in.mm, 0, 0)))
		nr++;
	/* Every second page of the lower half comes back: nothing of order 1. */
	for (unsigned int i = 0; i < nr; i++)
		if (qy__page_pfn(in.mm, page[i]) % 2)
			assert_int_equal(qy_free_pages(in.mm, page[i], 0), 0);
	for (int i = 0; i < 100; i++)
		assert_non_null(p[got++] = take(c));
	small = slab_of_object(in.mm, p[got - 1])->slab.objects;
	assert_int_equal(small, c->min_objs);
	assert_true(small < c->objs_per_slab);
	for (int i = 0; i < 100; i++)
		assert_non_null(p[got++] = qy_cache_alloc(d, 0));
	assert_true(slab_of_object(in.mm, p[got - 1])->order < d->order);
	assert_clean(&in);
	assert_int_equal(qy_cache_validate(d), 0);
	for (int i = 0; i < got; i++)
		if (i < 20 || (i > 20 && i < 121))
			give(c, p[i]);
		else
			assert_int_equal(qy_cache_free(d, p[i]), 0);
	assert_clean(&in);
	assert_int_equal(qy__slab_ops(c)->shrink(c), 0);
	assert_int_equal(qy_cache_destroy(d), 0);
	assert_clean(&in);
}

static void refill_batch_makes_at_most_one_new_slab(void **state)
{
	struct qy_cache *c;
	void *p[1000];
	unsigned int got;

	(void)state;
	instance_make(&in, 256, NULL);
	c = bare_cache("c", 900);
	got = qy__slab_ops(c)->refill(c, 0, p, 1000);
	assert_int_equal(got, c->objs_per_slab);
	assert_int_equal(qy__slub(c)->nr_slabs, 1);
	qy__slab_ops(c)->flush(c, p, got);
	assert_sound(in.mm);
}

/* Nothing left: NULL, nothing changed, and all comes back. */
static void exhaustion_gives_null_and_recovers(void **state)
{
	static void *p[20000];
	struct qy_cache *c;
	size_t n = 0, free_pages;

	(void)state;
	instance_make(&in, 128, NULL);
	c = bare_cache("c", 120);
	free_pages = qy__nr_free_pages(in.mm);
	while (n < 20000 && (p[n] = take(c)))
		n++;
	assert_true(n > 1000 && n < 20000);
	assert_null(take(c));
	assert_sound(in.mm);
	for (size_t i = 0; i < n; i++)
		give(c, p[i]);
	qy__slab_ops(c)->shrink(c);
	assert_int_equal(qy__nr_free_pages(in.mm), free_pages);
	assert_clean(&in);
}

/* Takes and gives drawn at random; the checker after every few steps. */
static void random_traffic_stays_sound(void **state)
{
	void *p[300] = {NULL};
	struct qy_cache *c;

	(void)state;
	instance_make(&in, 128, NULL);
	c = bare_cache("c", 200);
	srand(7);
	for (int step = 0; step < 6000; step++) {
		int i = rand() % 300;

		if (p[i]) {
			assert_int_equal(((unsigned char *)p[i])[199], i & 0xff);
			give(c, p[i]);
			p[i] = NULL;
		} else if ((p[i] = take(c))) {
			memset(p[i], i, 200);
		}
		if (step % 997 == 0)
			qy__slab_ops(c)->shrink(c);
		if (step % 101 == 0)
			assert_sound(in.mm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_matches_the_rule_for_every_slot),
		cmocka_unit_test(order_known_figures),
		cmocka_unit_test_teardown(cache_never_has_more_than_32767_objects_per_slab,
					  tear_down),
		cmocka_unit_test_teardown(freelist_of_a_new_slab_is_in_address_order, tear_down),
		cmocka_unit_test_teardown(refill_gives_ascending_addresses_through_the_sheaf,
					  tear_down),
		cmocka_unit_test_teardown(ctor_runs_once_per_object_and_slab, tear_down),
		cmocka_unit_test_teardown(objects_keep_their_alignment_in_every_geometry,
					  tear_down),
		cmocka_unit_test_teardown(hwcache_align_halves_the_line_for_small_objects,
					  tear_down),
		cmocka_unit_test_teardown(min_partial_is_half_the_log_within_5_and_10, tear_down),
		cmocka_unit_test_teardown(slab_goes_from_full_to_the_tail_of_partial, tear_down),
		cmocka_unit_test_teardown(empty_slab_is_discarded_only_beyond_min_partial,
					  tear_down),
		cmocka_unit_test_teardown(slab_of_one_object_goes_between_full_and_empty,
					  tear_down),
		cmocka_unit_test_teardown(shrink_sorts_partial_slabs_by_free_objects, tear_down),
		cmocka_unit_test_teardown(new_slab_falls_back_to_the_least_order, tear_down),
		cmocka_unit_test_teardown(refill_batch_makes_at_most_one_new_slab, tear_down),
		cmocka_unit_test_teardown(exhaustion_gives_null_and_recovers, tear_down),
		cmocka_unit_test_teardown(random_traffic_stays_sound, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
