/* SPDX-License-Identifier: MIT */
/*
 * overflow_large_100000.c - one byte behind an object too large for a slab.
 *
 * expect: heap-overflow offset=100000 size=100000 len=1 found=0x41
 * allocated: malloc < make < main
 * found: free < main
 */
#include <stdlib.h>

static volatile char *make(size_t size)
{
	return malloc(size);
}

int main(void)
{
	volatile char *p = make(100000);

	p[100000] = 'A';
	free((void *)p);
	return 0;
}
