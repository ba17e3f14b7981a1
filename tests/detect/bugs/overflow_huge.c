/* SPDX-License-Identifier: MIT */
/*
 * overflow_huge.c - one byte behind 8 MiB, a mapping of its own.
 *
 * expect: heap-overflow offset=8388608 size=8388608 len=1 found=0x41
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
	volatile char *p = make(8 << 20);

	p[8 << 20] = 'A';
	free((void *)p);
	return 0;
}
