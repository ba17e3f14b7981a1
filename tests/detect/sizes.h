/* SPDX-License-Identifier: MIT */
/*
 * sizes.h - the sizes that both sweeps go through: all up to 1100, then by steps of an eighth, and
 * one less, equal and one more at the borders of size classes, pages and blocks, to 300,000.
 */
#ifndef TESTS_DETECT_SIZES_H
#define TESTS_DETECT_SIZES_H

#include <stddef.h>
#include <stdlib.h>

#define SIZE_LAST 300000u
#define SIZES_MAX 2048u

static size_t sizes[SIZES_MAX];
static size_t nr_sizes;

static void add_size(size_t size)
{
	if (size <= SIZE_LAST && nr_sizes < SIZES_MAX)
		sizes[nr_sizes++] = size;
}

static void add_border(size_t size)
{
	add_size(size - 1);
	add_size(size);
	add_size(size + 1);
}

static int compare_sizes(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

static void make_sizes(void)
{
	size_t n = 0;

	for (size_t size = 1; size <= 1100; size++)
		add_size(size);
	for (size_t size = 1100; size <= SIZE_LAST; size += size / 8)
		add_size(size);
	for (size_t class = 1024; class <= 8192; class += class / 4) /* four per doubling */
		for (size_t step = 0; step < 4; step++)
			add_border(class + class / 4 * step);
	for (size_t page = 1; page <= 16; page++)
		add_border(page << 12);
	for (size_t block = 1 << 13; block <= SIZE_LAST; block *= 2) {
		add_border(block);
		add_border(block - 64); /* with a red zone on one side, and on both */
		add_border(block - 128);
	}
	add_size(SIZE_LAST - 1);
	add_size(SIZE_LAST);
	qsort(sizes, nr_sizes, sizeof(sizes[0]), compare_sizes);
	for (size_t i = 0; i < nr_sizes; i++)
		if (!n || sizes[i] != sizes[n - 1])
			sizes[n++] = sizes[i];
	nr_sizes = n;
}

static const size_t overflow_lens[] = {1, 2, 3, 4, 8, 16, 31, 32};
static const size_t underwrite_lens[] = {1, 4, 16, 32};

#define NR(array) (sizeof(array) / sizeof((array)[0]))

#endif
