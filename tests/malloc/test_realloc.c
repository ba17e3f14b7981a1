/* SPDX-License-Identifier: MIT */
/*
 * test_realloc.c - from every size to every size, from every kind of memory: the contents stay up
 * to the smaller size, and all of the new size is there.
 */
#include <malloc.h>
#include <stdlib.h>

#include "check.h"

static const size_t sizes[] = {
	1,
	8,
	15,
	16,
	17,
	100,
	192,
	193,
	1000,
	1024,
	4000,
	4096,
	4097,
	8192,
	8193,
	12000,
	30000,
	65536,
	100000,
	131073,
	300000,
	1 << 20,
	(4 << 20) - 100,
	4 << 20,
	(4 << 20) + 1,
	5000000,
	9000000,
};
#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void from_each_to_each(void)
{
	for (size_t i = 0; i < NR_SIZES; i++) {
		for (size_t j = 0; j < NR_SIZES; j++) {
			size_t kept = sizes[i] < sizes[j] ? sizes[i] : sizes[j];
			char *p = malloc(sizes[i]), *neighbour = malloc(sizes[i]);

			CHECK(p && neighbour);
			pattern_fill(p, sizes[i], 5);
			memset(neighbour, 0x77, sizes[i]);
			p = realloc(p, opaque(sizes[j]));
			CHECK(p != NULL);
			CHECK((uintptr_t)p % 16 == 0);
			CHECK(pattern_is(p, kept, 5));
			CHECK(malloc_usable_size(p) >= sizes[j]);
			memset(p, 0x11, sizes[j]);
			CHECK(bytes_are(neighbour, sizes[i], 0x77));
			free(p);
			free(neighbour);
		}
	}
}

static void from_aligned_memory(void)
{
	for (size_t align = 16; align <= (size_t)1 << 21; align *= 4) {
		for (size_t i = 0; i < NR_SIZES; i += 2) {
			char *p = memalign(align, 1000), *q;

			CHECK(p != NULL);
			pattern_fill(p, 1000, 9);
			p = realloc(p, opaque(sizes[i]));
			CHECK(p && pattern_is(p, sizes[i] < 1000 ? sizes[i] : 1000, 9));
			memset(p, 1, sizes[i]);
			q = calloc(1, 777);
			CHECK(q && bytes_are(q, 777, 0));
			free(p);
			free(q);
		}
	}
}

/* As a growing vector or a line buffer does it. */
static void grow_and_shrink_by_small_steps(void)
{
	unsigned char *p = NULL;
	size_t n;

	for (n = 0; n < 60000; n += n / 50 + 1) {
		p = realloc(p, n + 1);
		CHECK(p != NULL);
		p[n] = (unsigned char)n;
		for (size_t i = 0; i <= n; i += i / 50 + 1)
			CHECK(p[i] == (unsigned char)i);
	}
	while (n > 1) {
		n -= n / 50 + 1;
		p = realloc(p, n + 1);
		CHECK(p != NULL && p[0] == 0);
	}
	free(p);

	p = NULL;
	for (n = 4096; n <= (size_t)128 << 20; n += n / 2) {
		p = realloc(p, n);
		CHECK(p != NULL);
		if (n > 4096)
			CHECK(p[0] == 0x3c && p[4095] == 0x3c);
		p[0] = p[4095] = p[n - 1] = 0x3c;
	}
	free(p);
}

static void impossible_realloc_leaves_all_as_it_was(void)
{
	for (size_t i = 0; i < NR_SIZES; i++) {
		char *p = malloc(sizes[i]);

		CHECK(p != NULL);
		pattern_fill(p, sizes[i], 3);
		CHECK(realloc(p, opaque((size_t)1 << 60)) == NULL);
		CHECK(pattern_is(p, sizes[i], 3));
		free(p);
	}
}

int main(int argc, char **argv)
{
	require_drop_in(argc, argv);
	from_each_to_each();
	from_aligned_memory();
	grow_and_shrink_by_small_steps();
	impossible_realloc_leaves_all_as_it_was();
	puts("realloc holds");
	return 0;
}
