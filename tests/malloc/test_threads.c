/* SPDX-License-Identifier: MIT */
/*
 * test_threads.c - 8 threads that free each other's objects, and 2000 threads that live for a
 * moment. Every object carries a mark of its owner at both ends; memory must not grow without bound
 * from threads that come and go.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../harness/patience.h"
#include "check.h"

#define NR_THREADS 8
#define RING 256
#define NR_OBJECTS 20000
#define NR_SHORT 2000

struct object {
	size_t size;
	uint64_t mark;
	/* … and the mark again in the last eight bytes */
};

/* One writer, one reader: thread i to thread i + 1. */
static struct ring {
	_Atomic(struct object *) slot[RING];
} ring[NR_THREADS];

static struct object *make(uint64_t *x)
{
	struct object *o;
	size_t size;

	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	size = 24 + *x % (*x >> 59 ? 500 : 30000);
	o = malloc(size);
	CHECK(o != NULL);
	o->size = size;
	o->mark = *x;
	memcpy((char *)o + size - 8, x, 8);
	return o;
}

static void end(struct object *o)
{
	CHECK(memcmp((char *)o + o->size - 8, &o->mark, 8) == 0);
	free(o);
}

/* Make objects for the next thread, end those of the one before. */
static void *pass_on(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg, sent = 0, ended = 0;
	struct ring *out = &ring[me], *in = &ring[(me + NR_THREADS - 1) % NR_THREADS];
	uint64_t x = 88172645463325252u + me;

	while (sent < NR_OBJECTS || ended < NR_OBJECTS) {
		if (sent < NR_OBJECTS && !atomic_load(&out->slot[sent % RING])) {
			struct object *o = make(&x);

			if (sent % 7 == 0) {
				size_t size = o->size / 2 < 24 ? 24 : o->size / 2;

				o = realloc(o, size);
				CHECK(o != NULL);
				o->size = size;
				memcpy((char *)o + size - 8, &o->mark, 8);
			}
			atomic_store(&out->slot[sent++ % RING], o);
		}
		if (ended < NR_OBJECTS) {
			struct object *o = atomic_exchange(&in->slot[ended % RING], NULL);

			if (!o)
				continue;
			end(o);
			ended++;
		}
	}
	return NULL;
}

static void remote_frees(void)
{
	pthread_t t[NR_THREADS];

	for (uintptr_t i = 0; i < NR_THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, pass_on, (void *)i) == 0);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static pthread_key_t key;

/* Runs after, or before, the library's own hook at the thread's end. */
static void late(void *arg)
{
	free(arg);
	free(malloc(300));
}

static void *short_life(void *arg)
{
	void *p[20];

	for (int i = 0; i < 20; i++) {
		p[i] = malloc((size_t)(16 << (i % 8)));
		CHECK(p[i] != NULL);
		memset(p[i], i, (size_t)(16 << (i % 8)));
	}
	CHECK(pthread_setspecific(key, malloc(77)) == 0);
	for (int i = 0; i < 19; i++)
		free(p[i]);
	free(arg);
	return p[19];
}

static size_t resident(void)
{
	size_t size = 0, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	CHECK(f && fscanf(f, "%zu %zu", &size, &pages) == 2);
	fclose(f);
	return pages * 4096;
}

static void thread_churn(void)
{
	pthread_attr_t attr;
	size_t settled = 0;

	CHECK(pthread_key_create(&key, late) == 0);
	CHECK(pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstacksize(&attr, 128 << 10) == 0);
	for (int i = 0; i < NR_SHORT; i += 4) {
		pthread_t t[4];
		void *left;

		for (int k = 0; k < 4; k++)
			CHECK(pthread_create(&t[k], &attr, short_life, malloc(50)) == 0);
		for (int k = 0; k < 4; k++) {
			CHECK(pthread_join(t[k], &left) == 0);
			CHECK(bytes_are(left, 16 << 3, 19));
			free(left);
		}
		if (i == NR_SHORT / 2)
			settled = resident();
	}
	CHECK(resident() <
	      settled + (24u << 20)); /* the debug build's quarantine fills up meanwhile */
}

/* More threads at once than there are slots. */
static pthread_barrier_t barrier;

static void *wait_and_work(void *arg)
{
	void *p;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 50; i++) {
		p = malloc(100);
		CHECK(p != NULL);
		memset(p, 1, 100);
		free(p);
	}
	pthread_barrier_wait(&barrier);
	return arg;
}

static void many_threads_at_once(void)
{
	enum { MANY = 300 };
	static pthread_t t[MANY];
	pthread_attr_t attr;

	CHECK(pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstacksize(&attr, 128 << 10) == 0);
	CHECK(pthread_barrier_init(&barrier, NULL, MANY) == 0);
	for (int i = 0; i < MANY; i++)
		CHECK(pthread_create(&t[i], &attr, wait_and_work, NULL) == 0);
	for (int i = 0; i < MANY; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

int main(int argc, char **argv)
{
	require_drop_in(argc, argv);
	patient_alarm(200);
	remote_frees();
	thread_churn();
	many_threads_at_once();
	puts("threads hold");
	return 0;
}
