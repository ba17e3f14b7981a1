/* SPDX-License-Identifier: MIT */
/*
 * test_quarantine.c - freed objects kept back: first in, first out, within a limit of bytes, looked
 * at when they leave, and out at once when their cache ends or shrinks.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "debug/debug.h"
#include "page/page_alloc.h"

static struct qy_cache *c;
static struct qy__quarantine *q;

static void make(const char *debug, size_t pages)
{
	instance_make(&in, pages, debug);
	c = qy_cache_create(in.mm, "kept", 100, 0, 0, NULL);
	q = &in.mm->debug->quarantine;
}

static unsigned char *take(void)
{
	unsigned char *p = qy_cache_alloc(c, 0);

	assert_non_null(p);
	return hide(p);
}

static size_t slot(void)
{
	return c->layout.slot;
}

static void quarantine_keeps_the_youngest_within_the_limit(void **state)
{
	unsigned char *p[40];

	(void)state;
	make("slab_debug=FZPU", 512);
	q->limit = 10 * slot();
	for (int i = 0; i < 40; i++)
		p[i] = take();
	for (int i = 0; i < 40; i++) {
		qy_cache_free(c, p[i]);
		assert_int_equal(q->count, i < 10 ? i + 1 : 10);
		assert_int_equal(q->bytes, q->count * slot());
	}
	/* The oldest thirty are out: they are the only ones to come back. */
	for (int i = 0; i < 30; i++) {
		unsigned char *r = take();

		for (int k = 30; k < 40; k++)
			assert_ptr_not_equal(r, p[k]);
	}
	assert_clean(&in);
}

static void quarantine_lets_the_oldest_out_first(void **state)
{
	unsigned char *p[300];

	(void)state;
	make("slab_debug=FZPU", 1024);
	q->limit = SIZE_MAX;
	for (int i = 0; i < 300; i++)
		p[i] = take();
	for (int i = 0; i < 300; i++)
		qy_cache_free(c, p[i * 7 % 300]);
	assert_int_equal(q->count, 300); /* more than a page of entries */
	for (int i = 0; i < 300; i++) {
		unsigned char *oldest = p[i * 7 % 300];

		qy__quarantine_reduce(in.mm, q->bytes - 1);
		assert_int_equal(q->count, 299 - i);
		/* On its slab's list again, and at the head. */
		assert_ptr_equal(slab_of_object(in.mm, oldest)->type == QY__PAGE_SLAB
					 ? slab_of_object(in.mm, oldest)->slab.freelist
					 : oldest,
				 oldest);
	}
	assert_int_equal(q->bytes, 0);
	assert_clean(&in);
}

static void quarantine_limits_of_zero_one_and_just_a_slot(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU", 512);
	for (size_t i = 0; i < 4; i++) {
		const size_t limit[] = {0, 1, slot() - 1, slot()};

		q->limit = limit[i];
		p = take();
		qy_cache_free(c, p);
		assert_int_equal(q->count, i == 3);
		if (i < 3)
			assert_ptr_equal(take(), p);
		assert_int_equal(qy_cache_free(c, p), i == 3 ? -EINVAL : 0);
	}
	take_report(&in, QY_REPORT_DOUBLE_FREE);
	assert_clean(&in);
}

static void write_after_free_is_found_when_the_object_leaves(void **state)
{
	unsigned char *p, *r;
	struct record rec;

	(void)state;
	make("slab_debug=FZPU quarantine=1M", 512);
	p = take();
	r = take();
	qy_cache_free(c, p);
	qy_cache_free(c, r);
	p[7] = 0x41;
	assert_int_equal(in.reports.nr, 0);
	qy__quarantine_reduce(in.mm, 0);
	rec = take_report(&in, QY_REPORT_USE_AFTER_FREE);
	assert_ptr_equal(rec.object, p);
	assert_int_equal(rec.damage_offset, 7);
	assert_true(rec.alloc_frames && rec.free_frames);
	/* Repaired, and never handed out again; its neighbour is. */
	assert_int_equal(qy_cache_validate(c), 0);
	for (int i = 0; i < 1000; i++)
		assert_ptr_not_equal(take(), p);
	assert_clean(&in);
}

static void write_after_free_is_found_on_demand_while_it_waits(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU quarantine=1M", 512);
	p = take();
	qy_cache_free(c, p);
	p[99] = 0;
	assert_int_equal(qy_validate(in.mm), 1);
	take_report(&in, QY_REPORT_USE_AFTER_FREE);
	assert_int_equal(qy_validate(in.mm), 0);
	qy__quarantine_reduce(in.mm, 0);
	assert_clean(&in);
	assert_ptr_equal(take(), p); /* it was repaired in time */
}

static void double_free_of_a_waiting_object_is_found(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU quarantine=1M", 512);
	p = take();
	qy_cache_free(c, p);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(qy_cache_free(c, p), -EINVAL);
		take_report(&in, QY_REPORT_DOUBLE_FREE);
	}
	assert_int_equal(q->count, 1);
	assert_clean(&in);
}

/* Of the cache's objects none stays, of the others' all. */
static void destroy_and_shrink_take_their_objects_out_of_the_middle(void **state)
{
	struct qy_cache *other;
	void *p[1000], *o[1000];

	(void)state;
	make("slab_debug=FZPU quarantine=16M", 1024);
	other = qy_cache_create(in.mm, "other", 60, 0, 0, NULL);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 600; i++) {
			p[i] = take();
			o[i] = qy_cache_alloc(other, 0);
		}
		for (int i = 0; i < 600; i++) {
			qy_cache_free(c, p[i]);
			if (i % 3)
				qy_cache_free(other, o[i]);
		}
		if (!round) {
			assert_int_equal(qy_cache_shrink(c), 0);
			assert_int_equal(q->count, 400);
			assert_int_equal(q->bytes, 400 * other->layout.slot);
			assert_clean(&in);
			for (int i = 0; i < 600; i += 3)
				qy_cache_free(other, o[i]);
		}
	}
	assert_int_equal(qy_cache_destroy(c), 0);
	assert_clean(&in);
	for (int i = 0; i < 600; i += 3)
		qy_cache_free(other, o[i]);
	assert_int_equal(q->count, 1200);
	qy__quarantine_reduce(in.mm, 0);
	assert_int_equal(q->count, 0);
	assert_int_equal(q->bytes, 0);
	assert_int_equal(qy_cache_destroy(other), 0);
	assert_clean(&in);
}

static void destroy_finds_a_late_write_in_quarantine(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU quarantine=1M", 512);
	p = take();
	qy_cache_free(c, p);
	p[3] = 9;
	assert_int_equal(qy_cache_destroy(c), 0);
	take_report(&in, QY_REPORT_USE_AFTER_FREE);
	assert_clean(&in);
}

/* Entries come and go over many pages: all of them come back. */
static void entry_pages_are_given_back(void **state)
{
	static void *p[3000];
	size_t free_pages, nr = 3000;

	(void)state;
	make("slab_debug=F", 1024);
	q->limit = 500 * slot();
	for (size_t i = 0; i < nr; i++)
		p[i] = take();
	free_pages = qy__nr_free_pages(in.mm);
	for (size_t i = 0; i < nr; i++) {
		qy_cache_free(c, p[i]);
		if (i % 100 == 0)
			assert_sound(in.mm);
	}
	qy__quarantine_reduce(in.mm, 0);
	qy_cache_shrink(c);
	/* At most one page of entries stays. */
	assert_true(qy__nr_free_pages(in.mm) >= free_pages - 1);
	assert_clean(&in);
}

/* No page for entries: the object is not kept, and nothing is lost. */
static void quarantine_without_memory_frees_at_once(void **state)
{
	static struct qy_page *page[1024];
	unsigned int nr = 0;
	unsigned char *p;

	(void)state;
	make("slab_debug=FZP", 256);
	q->limit = 1 << 20;
	p = take();
	while ((page[nr] = qy_alloc_pages(in.mm, 0, 0)))
		nr++;
	assert_int_equal(qy_cache_free(c, p), 0);
	assert_int_equal(q->count, 0);
	assert_ptr_equal(take(), p);
	assert_int_equal(qy_cache_free(c, p), 0);
	while (nr)
		assert_int_equal(qy_free_pages(in.mm, page[--nr], 0), 0);
	assert_clean(&in);
}

/* Slab and large objects share the queue and the limit. */
static void large_objects_count_with_their_whole_block(void **state)
{
	void *big, *small;

	(void)state;
	make("slab_debug=FZPU", 1024);
	q->limit = 16 * PAGE_BYTES;
	small = take();
	big = qy_kmalloc(in.mm, 5 * PAGE_BYTES, 0);
	qy_cache_free(c, small);
	qy_kfree(in.mm, big);
	assert_int_equal(q->count, 2);
	assert_int_equal(q->bytes, slot() + 8 * PAGE_BYTES);
	/* Larger than the limit: never kept. */
	qy_kfree(in.mm, qy_kmalloc(in.mm, 20 * PAGE_BYTES, 0));
	assert_int_equal(q->count, 2);
	/* The next one pushes the oldest out. */
	qy_kfree(in.mm, qy_kmalloc(in.mm, 5 * PAGE_BYTES, 0));
	assert_true(q->bytes <= 16 * PAGE_BYTES);
	assert_int_equal(q->count, 1 + (q->bytes > 8 * PAGE_BYTES));
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_teardown(test, tear_down)
		T(quarantine_keeps_the_youngest_within_the_limit),
		T(quarantine_lets_the_oldest_out_first),
		T(quarantine_limits_of_zero_one_and_just_a_slot),
		T(write_after_free_is_found_when_the_object_leaves),
		T(write_after_free_is_found_on_demand_while_it_waits),
		T(double_free_of_a_waiting_object_is_found),
		T(destroy_and_shrink_take_their_objects_out_of_the_middle),
		T(destroy_finds_a_late_write_in_quarantine),
		T(entry_pages_are_given_back),
		T(quarantine_without_memory_frees_at_once),
		T(large_objects_count_with_their_whole_block),
#undef T
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
