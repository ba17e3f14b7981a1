/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_huge.c - a freed mapping is closed: the write traps at once, where it happens, and
 * the crash is explained.
 *
 * expect: use-after-free-write cache=vmalloc free=- offset=4096
 * allocated: malloc < main
 * freed: free < main
 * found: main
 * end: killed by signal 11 (Segmentation fault)
 */
#include <stdlib.h>

int main(void)
{
	volatile char *p = malloc(8 << 20);

	free((void *)p);
	p[4096] = 'A';
	return 0;
}
