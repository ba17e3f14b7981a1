/* SPDX-License-Identifier: MIT */
/*
 * atfork_lib.c - preloaded beside the drop-in: registers fork handlers that allocate in its
 * constructor, before anybody has asked for memory.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

unsigned int atfork_lib_ran;

static void handler(void)
{
	static const size_t sizes[] = {1, 100, 1000, 30000, 300000, 5000000};

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *p = malloc(sizes[i]);

		if (p)
			memset(p, 1, sizes[i] > 4096 ? 4096 : sizes[i]);
		free(p);
	}
	atfork_lib_ran++;
}

__attribute__((constructor)) static void register_early(void)
{
	pthread_atfork(handler, handler, handler);
}
