/* SPDX-License-Identifier: MIT */
/*
 * overflow_large_10000.c - one byte behind an object too large for a slab.
 *
 * expect: heap-overflow offset=10000 size=10000 len=1 found=0x41
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
	volatile char *p = make(10000);

	p[10000] = 'A';
	free((void *)p);
	return 0;
}
