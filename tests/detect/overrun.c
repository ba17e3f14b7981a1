/* SPDX-License-Identifier: MIT */
/*
 * overrun.c - a long overflow, for run_overrun.py.
 *
 *   overrun SIZE LENGTH FILL WHEN     WHEN: free, exit - what finds it
 *
 * Says where culprit() is, which allocated the object. Ends without exit handlers: what is run over
 * may be the C library's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NR 4

static char *culprit(size_t size)
{
	return malloc(size);
}

static void fill(size_t size, char **objects)
{
	for (int i = 0; i < NR; i++) {
		objects[i] = malloc(size);
		memset(objects[i], 0x11, size);
	}
}

int main(int argc, char **argv)
{
	size_t size = strtoul(argv[1], NULL, 0), length = strtoul(argv[2], NULL, 0);
	char *before[NR], *behind[NR], *p;

	(void)argc;
	fill(size, before);
	p = culprit(size);
	memset(p, 0x11, size);
	fill(size, behind);
	free(behind[NR - 1]);
	dprintf(1, "%p\n", (void *)culprit);
	memset(p + size, (int)strtol(argv[3], NULL, 0), length); /* BUG */
	if (!strcmp(argv[4], "free")) {
		free(before[0]);
		free(behind[0]);
		free(p);
	}
	_exit(0);
}
