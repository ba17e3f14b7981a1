/* SPDX-License-Identifier: MIT */
/* test_stackdepot.c - each stack once, handles that cannot be forged, growth, threads, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/rng.h"
#include "util/stackdepot.h"

#define NR_BUCKETS 64
#define MAX_POOLS 128
#define SHIFT 12
#define NR_THREADS 4
#define NR_STACKS 2000

static struct qy__stackdepot depot;
static uint32_t bucket[NR_BUCKETS];
static void *pool[MAX_POOLS];
static uint64_t memory[MAX_POOLS + 1][(1 << SHIFT) / 8];

static int set_up(void **state)
{
	(void)state;
	memset(bucket, 0, sizeof(bucket));
	memset(pool, 0, sizeof(pool));
	memset(memory, 0xee, sizeof(memory)); /* a pool's contents are unknown */
	qy__depot_init(&depot, bucket, NR_BUCKETS, pool, MAX_POOLS, SHIFT);
	return 0;
}

/* Stack number @id: its length and frames follow from the number. */
static unsigned int make_stack(uintptr_t *pcs, unsigned int id)
{
	struct qy__rng rng;
	unsigned int n;

	qy__rng_seed(&rng, id);
	n = 1 + qy__rng_below(&rng, 16);
	for (unsigned int i = 0; i < n; i++)
		pcs[i] = qy__rng_next(&rng);
	return n;
}

static void assert_stack(uint32_t handle, const uintptr_t *pcs, unsigned int n)
{
	const uintptr_t *got = NULL;

	assert_int_equal(qy__depot_fetch(&depot, handle, &got), n);
	assert_memory_equal(got, pcs, n * sizeof(*pcs));
}

static void depot_save_empty_stack_is_no_handle(void **state)
{
	const uintptr_t pc = 1;
	bool want = true;

	(void)state;
	assert_int_equal(qy__depot_save(&depot, &pc, 0, &want), 0);
	assert_false(want);
}

static void depot_save_without_pool_wants_one(void **state)
{
	const uintptr_t pcs[2] = {1, 2};
	bool want = false;
	uint32_t handle;

	(void)state;
	assert_int_equal(qy__depot_save(&depot, pcs, 2, &want), 0);
	assert_true(want);
	assert_int_equal(qy__depot_add_pool(&depot, memory[0]), 0);
	handle = qy__depot_save(&depot, pcs, 2, &want);
	assert_int_not_equal(handle, 0);
	assert_false(want);
	assert_stack(handle, pcs, 2);
}

static void depot_save_same_stack_same_handle(void **state)
{
	const uintptr_t a[3] = {1, 2, 3}, b[3] = {1, 2, 4};
	uint32_t ha, hb, hc;
	bool want;

	(void)state;
	qy__depot_add_pool(&depot, memory[0]);
	ha = qy__depot_save(&depot, a, 3, &want);
	hb = qy__depot_save(&depot, b, 3, &want);
	hc = qy__depot_save(&depot, a, 2, &want);
	assert_true(ha && hb && hc);
	assert_true(ha != hb && hb != hc && ha != hc);
	assert_int_equal(qy__depot_save(&depot, a, 3, &want), ha);
	assert_int_equal(qy__depot_save(&depot, b, 3, &want), hb);
	assert_int_equal(depot.nr_stacks, 3);
	assert_stack(ha, a, 3);
	assert_stack(hb, b, 3);
	assert_stack(hc, a, 2);
}

static void depot_add_pool_table_full_is_enospc(void **state)
{
	(void)state;
	for (int i = 0; i < MAX_POOLS; i++)
		assert_int_equal(qy__depot_add_pool(&depot, memory[i]), 0);
	assert_int_equal(qy__depot_add_pool(&depot, memory[MAX_POOLS]), -ENOSPC);
	assert_int_equal(depot.nr_pools, MAX_POOLS);
}

static void depot_add_pool_beyond_32_bits_is_enospc(void **state)
{
	void **table = calloc(2049, sizeof(*table));
	int ret = 0, added = 0;

	(void)state;
	/*
	 * 2^24 bytes are 2^21 handles: 2047 whole pools below 2^32. Expect: refused, never wrapped.
	 */
	qy__depot_init(&depot, bucket, NR_BUCKETS, table, 2049, 24);
	while (ret == 0 && added < 2049) {
		ret = qy__depot_add_pool(&depot, memory[0]); /* never written to */
		added += ret == 0;
	}
	assert_int_equal(ret, -ENOSPC);
	assert_int_equal(added, 2047);
	free(table);
}

static void depot_save_until_full_keeps_what_is_there(void **state)
{
	static uint32_t handle[16384];
	unsigned int nr = 0, nr_pools = 0;
	uintptr_t pcs[16];
	bool want;

	(void)state;
	for (;;) {
		unsigned int n = make_stack(pcs, nr);

		handle[nr] = qy__depot_save(&depot, pcs, n, &want);
		if (handle[nr]) {
			nr++;
			continue;
		}
		assert_true(want);
		if (qy__depot_add_pool(&depot, memory[nr_pools]))
			break;
		nr_pools++;
	}
	assert_int_equal(nr_pools, MAX_POOLS);
	assert_int_equal(depot.nr_stacks, nr);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int n = make_stack(pcs, i);

		assert_stack(handle[i], pcs, n);
		assert_int_equal(qy__depot_save(&depot, pcs, n, &want), handle[i]);
	}
}

/*
 * Stacks made of what looks like handles and lengths. Expect: every handle but those given out is
 * refused.
 */
static void depot_fetch_any_other_handle_is_refused(void **state)
{
	static uint32_t given[200];
	const uintptr_t *got;
	unsigned int nr = 0, found = 0;
	bool want;

	(void)state;
	qy__depot_add_pool(&depot, memory[0]);
	qy__depot_add_pool(&depot, memory[1]);
	for (; nr < 200; nr++) {
		uintptr_t pcs[4] = {nr, (uintptr_t)nr << 32 | 1, 1, 2};

		given[nr] = qy__depot_save(&depot, pcs, 1 + nr % 4, &want);
		if (!given[nr])
			break;
	}
	assert_true(nr > 50);
	for (uint32_t h = 0; h < 4 << (SHIFT - 3); h++) {
		bool ours = false;

		for (unsigned int i = 0; i < nr; i++)
			ours |= given[i] == h;
		assert_int_equal(qy__depot_fetch(&depot, h, &got) != 0, ours);
		found += ours;
	}
	assert_int_equal(found, nr);
	assert_int_equal(qy__depot_fetch(&depot, UINT32_MAX, &got), 0);
	assert_int_equal(qy__depot_fetch(&depot, 0x80000000u, &got), 0);
}

static void depot_save_longer_than_a_pool_is_cut(void **state)
{
	static uintptr_t pcs[1 << SHIFT];
	const uintptr_t *got;
	uint32_t handle;
	unsigned int n;
	bool want;

	(void)state;
	for (size_t i = 0; i < 1 << SHIFT; i++)
		pcs[i] = i;
	qy__depot_add_pool(&depot, memory[0]);
	handle = qy__depot_save(&depot, pcs, 1 << SHIFT, &want);
	assert_int_not_equal(handle, 0);
	n = qy__depot_fetch(&depot, handle, &got);
	assert_int_equal(n, ((1 << SHIFT) - 16) / sizeof(uintptr_t));
	assert_memory_equal(got, pcs, n * sizeof(*pcs));
	assert_int_equal(qy__depot_save(&depot, pcs, 1 << SHIFT, &want), handle);
}

/*
 * Every word of the pool is overwritten in turn with each of a few values. Expect: no crash, no
 * endless walk.
 */
static void depot_damaged_pool_is_survived(void **state)
{
	static const uint64_t bad[] = {0, 1, 0x100000001, UINT64_MAX, 0x1000000002};
	const uintptr_t *got;
	uint32_t handle[20];
	uintptr_t pcs[16];
	bool want;

	(void)state;
	qy__depot_init(&depot, bucket, 1, pool, MAX_POOLS, SHIFT); /* one chain */
	qy__depot_add_pool(&depot, memory[0]);
	for (unsigned int i = 0; i < 20; i++)
		handle[i] = qy__depot_save(&depot, pcs, make_stack(pcs, i), &want);
	for (size_t word = 0; word < depot.used / 8; word++) {
		uint64_t kept = memory[0][word];

		for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			size_t used = depot.used;
			uint32_t head = bucket[0];

			memory[0][word] = bad[k];
			for (unsigned int i = 0; i < 20; i++)
				qy__depot_fetch(&depot, handle[i], &got);
			qy__depot_save(&depot, pcs, make_stack(pcs, (unsigned int)word), &want);
			depot.used = used;
			bucket[0] = head;
		}
		memory[0][word] = kept;
	}
}

static uint32_t handle_of[NR_THREADS][NR_STACKS];
static unsigned int next_pool;
static pthread_barrier_t barrier;

static void *save_all(void *arg)
{
	unsigned int self = (unsigned int)(uintptr_t)arg;

	for (unsigned int k = 0; k < NR_STACKS; k++) {
		uintptr_t pcs[16];
		unsigned int n = make_stack(pcs, k);
		bool want;

		pthread_barrier_wait(&barrier); /* all ask for the same stack at once */
		while (!(handle_of[self][k] = qy__depot_save(&depot, pcs, n, &want))) {
			unsigned int i = __atomic_fetch_add(&next_pool, 1, __ATOMIC_RELAXED);

			if (i >= MAX_POOLS || qy__depot_add_pool(&depot, memory[i]))
				break; /* seen by the test: no handle */
		}
	}
	return NULL;
}

static void depot_save_from_threads_agrees(void **state)
{
	pthread_t thread[NR_THREADS];
	uintptr_t pcs[16];

	(void)state;
	next_pool = 0;
	pthread_barrier_init(&barrier, NULL, NR_THREADS);
	/*
	 * Two threads that find a pool full at once add one each: a pool more per thread, at worst.
	 */
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, save_all, (void *)i), 0);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned int id = 0; id < NR_STACKS; id++) {
		unsigned int n = make_stack(pcs, id);
		uint32_t handle = 0;

		for (int i = 0; i < NR_THREADS; i++) {
			assert_int_not_equal(handle_of[i][id], 0);
			assert_true(!handle || handle == handle_of[i][id]);
			handle = handle_of[i][id];
		}
		assert_stack(handle, pcs, n);
	}
	assert_int_equal(depot.nr_stacks, NR_STACKS);
	pthread_barrier_destroy(&barrier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(depot_save_empty_stack_is_no_handle, set_up),
		cmocka_unit_test_setup(depot_save_without_pool_wants_one, set_up),
		cmocka_unit_test_setup(depot_save_same_stack_same_handle, set_up),
		cmocka_unit_test_setup(depot_add_pool_table_full_is_enospc, set_up),
		cmocka_unit_test_setup(depot_add_pool_beyond_32_bits_is_enospc, set_up),
		cmocka_unit_test_setup(depot_save_until_full_keeps_what_is_there, set_up),
		cmocka_unit_test_setup(depot_fetch_any_other_handle_is_refused, set_up),
		cmocka_unit_test_setup(depot_save_longer_than_a_pool_is_cut, set_up),
		cmocka_unit_test_setup(depot_damaged_pool_is_survived, set_up),
		cmocka_unit_test_setup(depot_save_from_threads_agrees, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
