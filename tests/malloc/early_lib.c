/* SPDX-License-Identifier: MIT */
/*
 * early_lib.c - preloaded beside the drop-in: allocates in its constructor, which may run before
 * the drop-in's, frees some of it at once, leaves some for the program, and some for its own
 * destructor.
 */
#include <stdlib.h>
#include <string.h>

#include "early_lib.h"

struct early early_left[EARLY_OBJECTS];
static void *mine;

__attribute__((constructor(102))) static void allocate_early(void)
{
	for (int i = 0; i < EARLY_OBJECTS; i++) {
		size_t size = (size_t)1 << (i % 20);
		void *gone = calloc(3, size);

		early_left[i].size = size;
		early_left[i].p = malloc(size);
		if (early_left[i].p)
			memset(early_left[i].p, i, size);
		free(gone);
	}
	mine = strdup("kept to the end");
}

__attribute__((destructor(102))) static void free_late(void)
{
	free(mine);
	free(malloc(123));
}
