/* SPDX-License-Identifier: MIT */
/*
 * test_free.c - references that threads give back at once: each learns how many are left, and just
 * one that it was the last.
 */
#include "instance.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "page/page_alloc.h"

#define PUTTERS 4
#define ROUNDS 20000

static struct instance in;

/* One block, one reference for each putter; a round begins when `round` is raised. */
static struct {
	struct qy_page *page;
	unsigned int round, ready;
	int left[PUTTERS];
} job;

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

static void *putter(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg;

	for (unsigned int round = 1; round <= ROUNDS; round++) {
		for (unsigned int n = 1; __atomic_load_n(&job.round, __ATOMIC_ACQUIRE) < round; n++)
			if (!(n % 1000))
				sched_yield();
		job.left[me] = qy_page_put(in.mm, job.page);
		__atomic_fetch_add(&job.ready, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Rounds in which the putters did not get 0, 1, 2, … each once. */
static unsigned int play(unsigned int order, qy_gfp_t gfp)
{
	unsigned int wrong = 0;

	for (unsigned int round = 1; round <= ROUNDS; round++) {
		unsigned int seen = 0;

		job.page = qy_alloc_pages(in.mm, gfp, order);
		assert_non_null(job.page);
		for (int i = 1; i < PUTTERS; i++)
			assert_int_equal(qy_page_get(in.mm, job.page), i + 1);
		__atomic_store_n(&job.ready, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&job.round, round, __ATOMIC_RELEASE);
		while (__atomic_load_n(&job.ready, __ATOMIC_ACQUIRE) < PUTTERS)
			sched_yield();
		for (int i = 0; i < PUTTERS; i++)
			seen |= job.left[i] >= 0 ? 1u << job.left[i] : 0;
		wrong += seen != (1u << PUTTERS) - 1;
	}
	return wrong;
}

static void race(unsigned int order, qy_gfp_t gfp)
{
	pthread_t thread[PUTTERS];
	size_t free_pages;
	unsigned int wrong;

	instance_init(&in, 256);
	in.config.cpu_provider = QY_CPU_THREAD;
	instance_create(&in);
	free_pages = qy__nr_free_pages(in.mm);
	job.round = 0;
	for (uintptr_t i = 0; i < PUTTERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, putter, (void *)i), 0);
	wrong = play(order, gfp);
	for (int i = 0; i < PUTTERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(wrong, 0);
	assert_int_equal(qy__nr_free_pages(in.mm), free_pages);
	assert_clean(&in);
}

static void page_put_by_many_tells_one_of_them_it_was_the_last(void **state)
{
	(void)state;
	race(0, QY_GFP_NOWARN);
}

static void page_put_of_a_compound_block_by_many_too(void **state)
{
	(void)state;
	race(2, QY_GFP_NOWARN | QY_GFP_COMP);
}

static void page_put_counts_down(void **state)
{
	struct qy_page *page;

	(void)state;
	instance_make(&in, 128, NULL);
	page = qy_alloc_pages(in.mm, QY_GFP_NOWARN, 0);
	assert_int_equal(qy_page_get(in.mm, page), 2);
	assert_int_equal(qy_page_get(in.mm, page), 3);
	for (int left = 2; left >= 0; left--)
		assert_int_equal(qy_page_put(in.mm, page), left);
	assert_clean(&in);
	assert_int_equal(qy_page_put(in.mm, page), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_clean(&in);
}

/* The head says allocated, but nobody has it: not what a program can do, short of a race. */
static void page_put_without_a_reference_is_refused(void **state)
{
	struct qy_page *page;

	(void)state;
	instance_make(&in, 128, NULL);
	page = qy_alloc_pages(in.mm, QY_GFP_NOWARN, 0);
	page->alloc.refcount = 0;
	assert_int_equal(qy_page_put(in.mm, page), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(page->alloc.refcount, 0);
	page->alloc.refcount = 1;
	assert_int_equal(qy_page_put(in.mm, page), 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(page_put_by_many_tells_one_of_them_it_was_the_last,
					  tear_down),
		cmocka_unit_test_teardown(page_put_of_a_compound_block_by_many_too, tear_down),
		cmocka_unit_test_teardown(page_put_counts_down, tear_down),
		cmocka_unit_test_teardown(page_put_without_a_reference_is_refused, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
