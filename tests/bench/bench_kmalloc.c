/* SPDX-License-Identifier: MIT */
/*
 * bench_kmalloc.c - nanoseconds per allocation and free, beside the C library's malloc in the same
 * run. The rounds of the two alternate, and each figure is the best of its rounds: what the machine
 * does meanwhile hits both.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <quarry/quarry.h>

#define ROUNDS 9
#define PAIRS 400000
#define LIVE 1024

static struct qy_mm *mm;
static uint64_t rng = 88172645463325252u;

static uint64_t next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *libc_alloc(size_t size)
{
	return malloc(size);
}

static void libc_free(void *p)
{
	free(p);
}

static void *quarry_alloc(size_t size)
{
	return qy_kmalloc(mm, size, QY_GFP_KERNEL);
}

static void quarry_free(void *p)
{
	qy_kfree(mm, p);
}

struct heap {
	const char *name;
	void *(*alloc)(size_t size);
	void (*free)(void *p);
};

static const struct heap heaps[] = {{"libc", libc_alloc, libc_free},
				    {"quarry", quarry_alloc, quarry_free}};

/* Allocate and free the same size over and over. */
static void same_size(const struct heap *h, size_t size)
{
	for (int i = 0; i < PAIRS; i++) {
		volatile char *p = h->alloc(size);

		*p = 1;
		h->free((void *)p);
	}
}

/* A random one of LIVE objects is replaced by one of random size up to @size. */
static void mixed(const struct heap *h, size_t size)
{
	static void *live[LIVE];

	for (int i = 0; i < PAIRS; i++) {
		uint64_t r = next_random();
		size_t slot = r % LIVE;

		if (live[slot])
			h->free(live[slot]);
		live[slot] = h->alloc(1 + (r >> 32) % size);
		*(volatile char *)live[slot] = 1;
	}
	for (size_t i = 0; i < LIVE; i++) {
		h->free(live[i]);
		live[i] = NULL;
	}
}

static void compare(const char *what, void (*work)(const struct heap *, size_t), size_t size)
{
	double best[2] = {1e30, 1e30};

	for (int round = 0; round < ROUNDS; round++) {
		for (int h = 0; h < 2; h++) {
			double start = now_ns(), ns;

			work(&heaps[h], size);
			ns = (now_ns() - start) / PAIRS;
			best[h] = ns < best[h] ? ns : best[h];
		}
	}
	printf("%-28s libc %7.1f ns   quarry %7.1f ns   ratio %.2f\n", what, best[0], best[1],
	       best[1] / best[0]);
}

int main(void)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;

	config.classes = QY_CLASSES_FINE;
	mm = qy_mm_create(&config);
	if (!mm)
		return 1;
	compare("pair of 16 bytes", same_size, 16);
	compare("pair of 100 bytes", same_size, 100);
	compare("pair of 1000 bytes", same_size, 1000);
	compare("pair of 8000 bytes", same_size, 8000);
	compare("pair of 100000 bytes", same_size, 100000);
	compare("1024 live, up to 200 bytes", mixed, 200);
	compare("1024 live, up to 8000 bytes", mixed, 8000);
	return 0;
}
