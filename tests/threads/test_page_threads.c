/* SPDX-License-Identifier: MIT */
/*
 * test_page_threads.c - several threads on the page floor: per-CPU lists, drained and counted from
 * outside while their owners work; lifetimes, nodes, growth. At the end nothing is lost.
 */
#include "instance.h"

#include <pthread.h>

#define WORKERS 4
#define BOXES 256

static struct instance in;
static struct qy_page *box[BOXES]; /* exchanged atomically: freed by whoever takes one out */
static bool done;

struct worker {
	pthread_t thread;
	uint64_t rng;
	unsigned int steps;
	bool failed;
};

static uint32_t below(struct worker *w, uint32_t n)
{
	w->rng = w->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(w->rng >> 33) % n;
}

static void *stamp(struct qy_page *page)
{
	return qy_page_address(in.mm, page);
}

static void give(struct worker *w, struct qy_page *page)
{
	if (!page)
		return;
	if (*(struct qy_page **)stamp(page) != page ||
	    qy_free_pages(in.mm, page, qy_page_order(page)))
		w->failed = true;
}

static void *work(void *arg)
{
	static const qy_gfp_t gfp[] = {QY_GFP_KERNEL, QY_GFP_MOVABLE | QY_GFP_KERNEL,
				       QY_GFP_RECLAIMABLE, QY_GFP_ATOMIC};
	struct worker *w = arg;

	for (unsigned int i = 0; i < w->steps; i++) {
		unsigned int order = below(w, 16) ? below(w, 4) : below(w, 7);
		struct qy_page *page =
			qy_alloc_pages(in.mm, gfp[below(w, 4)] | QY_GFP_NOWARN, order);

		if (page)
			*(struct qy_page **)stamp(page) = page;
		give(w, __atomic_exchange_n(&box[below(w, BOXES)], page, __ATOMIC_ACQ_REL));
	}
	return NULL;
}

/* What may be called at any time by somebody else. */
static void *look_on(void *arg)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};
	struct qy_zone_stat zone = {.struct_size = sizeof(zone)};
	char text[4096];

	(void)arg;
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		qy_mm_drain_pages(in.mm);
		qy_page_stats(in.mm, &stats);
		qy_zone_stat_get(in.mm, 0, QY_ZONE_NORMAL, &zone);
		qy_buddyinfo(in.mm, text, sizeof(text));
		qy_mm_trim(in.mm);
		qy_mm_balance(in.mm);
	}
	return NULL;
}

static void run(unsigned int steps)
{
	struct qy_page_stats before = {.struct_size = sizeof(before)}, after = before;
	struct worker worker[WORKERS];
	pthread_t looker;

	qy_page_stats(in.mm, &before);
	__atomic_store_n(&done, false, __ATOMIC_RELEASE);
	assert_int_equal(pthread_create(&looker, NULL, look_on, NULL), 0);
	for (unsigned int i = 0; i < WORKERS; i++) {
		worker[i] = (struct worker){.rng = i + 1, .steps = steps};
		assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		pthread_join(worker[i].thread, NULL);
		assert_false(worker[i].failed);
	}
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	pthread_join(looker, NULL);
	for (unsigned int i = 0; i < BOXES; i++) {
		give(&worker[0], box[i]);
		box[i] = NULL;
	}
	assert_false(worker[0].failed);
	qy_page_stats(in.mm, &after);
	assert_int_equal(after.managed - after.free, before.managed - before.free);
	qy_mm_drain_pages(in.mm);
	assert_clean(&in);
	instance_destroy(&in);
}

static void make(size_t size)
{
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.base = NULL;
	in.config.size = size;
	in.config.max_order = 10;
	in.config.cpu_provider = QY_CPU_THREAD;
}

static void create(void)
{
	in.mm = qy_mm_create(&in.config);
	assert_non_null(in.mm);
}

static void lists_are_drained_while_their_owners_work(void **state)
{
	(void)state;
	make((size_t)256 << 20);
	create();
	run(20000);
}

static void memory_is_scarce(void **state)
{
	(void)state;
	make((size_t)20 << 20);
	in.config.watermark.marks = QY_WATERMARKS_KERNEL;
	in.config.grouping = QY_ON;
	create();
	run(20000);
}

static void nodes_and_small_page_blocks(void **state)
{
	(void)state;
	make((size_t)64 << 20);
	in.config.nr_nodes = 3;
	in.config.pageblock_order = 4;
	in.config.grouping = QY_ON;
	in.config.shuffle = true;
	in.config.report_free = (size_t)4 << 20;
	create();
	run(20000);
}

static void short_lists(void **state)
{
	(void)state;
	make((size_t)64 << 20);
	in.config.pcp_batch = 2;
	in.config.pcp_high = 6;
	create();
	run(20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_drained_while_their_owners_work),
		cmocka_unit_test(memory_is_scarce),
		cmocka_unit_test(nodes_and_small_page_blocks),
		cmocka_unit_test(short_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
