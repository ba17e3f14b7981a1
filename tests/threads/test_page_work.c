/* SPDX-License-Identifier: MIT */
/*
 * test_page_work.c - threads that take, fill and give back blocks under all work on pages, while
 * one validates the free ones and reads who owns the others. No byte is lost, nothing is reported.
 */
#include "instance.h"

#include <pthread.h>

#define WORKERS 4
#define STEPS 3000
#define HELD 32

static struct instance in;
static bool done;

struct block {
	struct qy_page *page;
	unsigned int order;
	uint8_t value;
};

struct worker {
	pthread_t thread;
	unsigned int random, failed;
	struct block block[HELD];
};

static uint32_t next(struct worker *w)
{
	w->random = w->random * 1103515245 + 12345;
	return w->random >> 8;
}

/* A few bytes of each page are looked at. */
static void give_back(struct worker *w, struct block *b)
{
	const uint8_t *p = qy_page_address(in.mm, b->page);

	for (size_t i = 0; i < PAGE_BYTES << b->order; i += 511)
		w->failed += p[i] != b->value;
	w->failed += qy_free_pages(in.mm, b->page, b->order) != 0;
	b->page = NULL;
}

static void take(struct worker *w, struct block *b)
{
	uint32_t random = next(w);
	qy_gfp_t gfp = random & 1 ? QY_GFP_KERNEL | QY_GFP_ZERO : QY_GFP_ATOMIC;
	const uint8_t *p;

	b->order = random & 0x70 ? random >> 8 & 3 : 6;
	b->page = qy_alloc_pages(in.mm, gfp, b->order);
	if (!b->page) {
		w->failed++;
		return;
	}
	p = qy_page_address(in.mm, b->page);
	for (size_t i = 0; gfp & QY_GFP_ZERO && i < PAGE_BYTES << b->order; i += 509)
		w->failed += p[i] != 0;
	b->value = (uint8_t)random;
	memset(qy_page_address(in.mm, b->page), b->value, PAGE_BYTES << b->order);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < STEPS; i++) {
		struct block *b = &w->block[next(w) % HELD];

		if (b->page)
			give_back(w, b);
		else
			take(w, b);
		if (i % 64 == 0)
			qy_kfree(in.mm, qy_kmalloc(in.mm, 100 + i * 7, QY_GFP_KERNEL));
	}
	for (unsigned int i = 0; i < HELD; i++)
		if (w->block[i].page)
			give_back(w, &w->block[i]);
	return NULL;
}

static void *watch(void *arg)
{
	static char text[1 << 18];
	unsigned int *found = arg;

	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		qy_page_owner(in.mm, text, sizeof(text));
		*found += qy_validate(in.mm);
	}
	return NULL;
}

static void run(unsigned int flags)
{
	static struct worker worker[WORKERS];
	unsigned int found = 0;
	pthread_t watcher;

	memset(worker, 0, sizeof(worker));
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = 65536 * PAGE_BYTES;
	in.config.cpu_provider = QY_CPU_THREAD;
	in.config.page_debug = flags;
	in.config.guardpage_minorder = 2;
	instance_create(&in);
	done = false;
	assert_int_equal(pthread_create(&watcher, NULL, watch, &found), 0);
	for (unsigned int i = 0; i < WORKERS; i++) {
		worker[i].random = i + 1;
		assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		assert_int_equal(pthread_join(worker[i].thread, NULL), 0);
		assert_int_equal(worker[i].failed, 0);
	}
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(watcher, NULL), 0);
	assert_int_equal(found, 0);
	assert_clean(&in);
	instance_destroy(&in);
}

static void poison_is_verified_while_others_work(void **state)
{
	unsigned int known = is_debug_build() ? QY_PAGE_DEBUG_FLAGS : 7;

	(void)state;
	run(known & ~QY_PAGE_UNMAP);
}

static void pages_trap_and_open_while_others_work(void **state)
{
	(void)state;
	if (!is_debug_build())
		skip();
	run(QY_PAGE_DEBUG_FLAGS);
}

static void pages_are_zeroed_while_others_work(void **state)
{
	(void)state;
	run(QY_PAGE_INIT_ON_FREE | (is_debug_build() ? QY_PAGE_OWNER : 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(poison_is_verified_while_others_work),
		cmocka_unit_test(pages_trap_and_open_while_others_work),
		cmocka_unit_test(pages_are_zeroed_while_others_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
