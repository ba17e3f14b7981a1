/* SPDX-License-Identifier: MIT */
/*
 * test_threads.c - several threads on one instance.
 *
 * What a thread allocates another one frees: objects travel through mailboxes, and whoever takes
 * one out first looks whether it still is what the sender wrote. At the end all is given back, and
 * the checker, which then has the instance for itself, finds nothing.
 */
#include "instance.h"

#include <pthread.h>

#define THREADS 6
#define BOXES 128

static struct instance in;
static void *box[BOXES]; /* exchanged atomically */
static struct qy_cache *cache[3];
static const size_t cache_size[3] = {24, 200, 1500};

struct worker {
	pthread_t thread;
	unsigned int id;
	unsigned int steps;
	uint64_t rng;
	bool failed;
};

/* How an object looks while it travels. */
struct parcel {
	uint32_t size;
	uint32_t seed;
	uint8_t bytes[];
};

static uint32_t below(struct worker *w, uint32_t n)
{
	w->rng = w->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(w->rng >> 33) % n;
}

static void *pack(struct worker *w, void *p, size_t size)
{
	struct parcel *parcel = p;

	if (!p) {
		w->failed = true;
		return NULL;
	}
	parcel->size = (uint32_t)size;
	parcel->seed = below(w, 256);
	memset(parcel->bytes, (int)parcel->seed, size - sizeof(*parcel));
	return p;
}

static void unpack(struct worker *w, void *p)
{
	const struct parcel *parcel = p;

	for (size_t i = 0; p && i < parcel->size - sizeof(*parcel); i++)
		if (parcel->bytes[i] != parcel->seed)
			w->failed = true;
}

/* Put @p into some box; what was in there is the thread's now. */
static void *swap(struct worker *w, void *p)
{
	return __atomic_exchange_n(&box[below(w, BOXES)], p, __ATOMIC_ACQ_REL);
}

static void run(void *(*body)(void *), unsigned int threads, unsigned int steps)
{
	static struct worker worker[32];

	for (unsigned int i = 0; i < threads; i++) {
		worker[i] = (struct worker){.id = i, .steps = steps, .rng = i * 7919 + 1};
		assert_int_equal(pthread_create(&worker[i].thread, NULL, body, &worker[i]), 0);
	}
	for (unsigned int i = 0; i < threads; i++) {
		assert_int_equal(pthread_join(worker[i].thread, NULL), 0);
		assert_false(worker[i].failed);
	}
}

static void start(const char *debug)
{
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = (size_t)512 << 20;
	in.config.initial = (size_t)1 << 20;
	in.config.max_order = 10;
	in.config.cpu_provider = QY_CPU_THREAD;
	in.config.nr_cpus = 0;
	in.config.debug = debug;
	instance_create(&in);
}

static void finish(void)
{
	assert_int_equal(qy_validate(in.mm), 0);
	assert_clean(&in);
	instance_destroy(&in);
}

/* ---- caches ---- */

static void *use_caches(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < w->steps; i++) {
		unsigned int c = below(w, 3);
		struct parcel *p = qy_cache_alloc(cache[c], QY_GFP_KERNEL), *q;

		q = swap(w, pack(w, p, cache_size[c]));
		unpack(w, q);
		for (c = 0; q && c < 3; c++) {
			if (q->size != cache_size[c])
				continue;
			w->failed |= qy_cache_free(cache[c], q) != 0;
			q = NULL;
		}
		if (i % 512 == 0)
			qy_cache_shrink(cache[below(w, 3)]);
	}
	return NULL;
}

static void empty_boxes(void)
{
	for (int i = 0; i < BOXES; i++) {
		qy_kvfree(in.mm, box[i]);
		box[i] = NULL;
	}
}

static void share_caches(const char *debug, unsigned int steps)
{
	start(debug);
	for (int c = 0; c < 3; c++) {
		cache[c] = qy_cache_create(in.mm, "shared", cache_size[c], 0, 0, NULL);
		assert_non_null(cache[c]);
	}
	run(use_caches, THREADS, steps);
	empty_boxes();
	for (int c = 0; c < 3; c++)
		assert_int_equal(qy_cache_destroy(cache[c]), 0);
	finish();
}

static void shared_caches_cross_thread_frees(void **state)
{
	(void)state;
	share_caches(NULL, 20000);
}

static void shared_debug_caches_cross_thread_frees(void **state)
{
	(void)state;
	share_caches("slab_debug=FZPU quarantine=256K", 2000);
}

/* ---- kmalloc, kvmalloc ---- */

static void *use_kmalloc(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < w->steps; i++) {
		size_t size = sizeof(struct parcel) + below(w, below(w, 50) ? 900 : 40000);
		struct parcel *p = qy_kmalloc(in.mm, size, QY_GFP_KERNEL), *q;

		q = swap(w, pack(w, p, size));
		unpack(w, q);
		if (q && below(w, 4) == 0) {
			size = sizeof(*q) + below(w, 2000);
			p = qy_krealloc(in.mm, q, size, QY_GFP_KERNEL);
			if (!p)
				w->failed = true;
			q = p ? pack(w, p, size) : q;
		}
		qy_kfree(in.mm, q);
	}
	return NULL;
}

static void share_kmalloc(const char *debug, unsigned int steps)
{
	start(debug);
	run(use_kmalloc, THREADS, steps);
	empty_boxes();
	finish();
}

static void kmalloc_cross_thread_frees(void **state)
{
	(void)state;
	share_kmalloc(NULL, 20000);
}

static void kmalloc_with_debug_cross_thread_frees(void **state)
{
	(void)state;
	share_kmalloc("slab_debug=FZPU quarantine=1M", 2000);
}

static void *use_kvmalloc(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < w->steps; i++) {
		size_t size = sizeof(struct parcel) + below(w, below(w, 3) ? 4000 : 200000);
		void *p = below(w, 2) ? qy_kvmalloc(in.mm, size, QY_GFP_KERNEL)
				      : qy_vmalloc(in.mm, size);

		p = swap(w, pack(w, p, size));
		unpack(w, p);
		qy_kvfree(in.mm, p);
	}
	return NULL;
}

static void kvmalloc_cross_thread_frees(void **state)
{
	(void)state;
	start(NULL);
	run(use_kvmalloc, THREADS, 500);
	empty_boxes();
	finish();
}

/* ---- threads that come and go ---- */

static void *live_shortly(void *arg)
{
	struct worker *w = arg;
	void *mine[20];

	for (unsigned int i = 0; i < w->steps; i++) {
		for (int k = 0; k < 20; k++)
			mine[k] = pack(w, qy_kmalloc(in.mm, 40, QY_GFP_KERNEL), 40);
		for (int k = 0; k < 20; k++) {
			void *p = swap(w, mine[k]);

			unpack(w, p);
			qy_kfree(in.mm, p);
		}
	}
	return NULL; /* and leaves a sheaf behind */
}

/*
 * Slots, and the objects in their sheaves, are handed on: memory does not grow with the number of
 * threads.
 */
static void thread_churn_hands_slots_on(void **state)
{
	struct qy_page_stats s = {.struct_size = sizeof(s)};
	size_t used = 0;

	(void)state;
	start(NULL);
	for (int wave = 0; wave < 60; wave++) {
		run(live_shortly, THREADS, 20);
		qy_page_stats(in.mm, &s);
		if (wave == 30)
			used = s.managed - s.free;
	}
	assert_true(s.managed - s.free <= used + 16);
	empty_boxes();
	finish();
}

/* More threads at once than usual: who gets no slot goes the locked way. */
static void many_threads_at_once(void **state)
{
	(void)state;
	start(NULL);
	run(use_kmalloc, 32, 500);
	empty_boxes();
	finish();
}

/* ---- caches that come and go ---- */

static void *make_caches(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < w->steps; i++) {
		struct qy_cache *c = qy_cache_create(in.mm, "mine", 8 + below(w, 500), 0,
						     i & 1 ? QY_SLAB_RED_ZONE | QY_SLAB_POISON : 0,
						     NULL);
		void *p[30];

		if (!c) {
			w->failed = true;
			return NULL;
		}
		if (qy_cache_alloc_bulk(c, QY_GFP_KERNEL, 30, p) != 30)
			w->failed = true;
		else
			qy_cache_free_bulk(c, 30, p);
		w->failed |= qy_cache_destroy(c) != 0;
		qy_kfree(in.mm, qy_kmalloc(in.mm, below(w, 3000), QY_GFP_KERNEL));
	}
	return NULL;
}

static void caches_made_and_destroyed_side_by_side(void **state)
{
	(void)state;
	start(NULL);
	run(make_caches, THREADS, 300);
	finish();
}

/* ---- pages ---- */

static void *use_pages(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < w->steps; i++) {
		unsigned int order = below(w, 5);
		struct parcel *p = qy_get_free_pages(in.mm, QY_GFP_KERNEL, order);

		p = swap(w, pack(w, p, PAGE_BYTES << order));
		unpack(w, p);
		if (!p)
			continue;
		for (order = 0; PAGE_BYTES << order < p->size;)
			order++;
		w->failed |= qy_free_pages_addr(in.mm, p, order) != 0;
	}
	return NULL;
}

static void pages_cross_thread_frees_while_growing(void **state)
{
	(void)state;
	start(NULL);
	run(use_pages, THREADS, 2000);
	for (int i = 0; i < BOXES; i++) {
		struct parcel *p = box[i];
		unsigned int order = 0;

		while (p && PAGE_BYTES << order < p->size)
			order++;
		if (p)
			assert_int_equal(qy_free_pages_addr(in.mm, p, order), 0);
		box[i] = NULL;
	}
	finish();
}

/* ---- looking while others work ---- */

static void *look_around(void *arg)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};
	struct worker *w = arg;
	char text[2000];

	if (w->id > 1)
		return use_kmalloc(arg);
	for (unsigned int i = 0; i < w->steps / 20; i++) {
		qy_page_stats(in.mm, &stats);
		w->failed |= stats.free > stats.managed || stats.managed > stats.spanned;
		w->failed |= qy_buddyinfo(in.mm, text, sizeof(text)) == 0;
		w->failed |= qy_validate(in.mm) != 0;
	}
	return NULL;
}

static void validate_while_others_work(void **state)
{
	(void)state;
	start("slab_debug=FZP quarantine=64K");
	run(look_around, THREADS, 1500);
	empty_boxes();
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_caches_cross_thread_frees),
		cmocka_unit_test(shared_debug_caches_cross_thread_frees),
		cmocka_unit_test(kmalloc_cross_thread_frees),
		cmocka_unit_test(kmalloc_with_debug_cross_thread_frees),
		cmocka_unit_test(kvmalloc_cross_thread_frees),
		cmocka_unit_test(thread_churn_hands_slots_on),
		cmocka_unit_test(many_threads_at_once),
		cmocka_unit_test(caches_made_and_destroyed_side_by_side),
		cmocka_unit_test(pages_cross_thread_frees_while_growing),
		cmocka_unit_test(validate_while_others_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
