/* SPDX-License-Identifier: MIT */
/*
 * overflow_large_300000.c - one byte behind an object too large for a slab.
 *
 * expect: heap-overflow offset=300000 size=300000 len=1 found=0x41
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
	volatile char *p = make(300000);

	p[300000] = 'A';
	free((void *)p);
	return 0;
}
