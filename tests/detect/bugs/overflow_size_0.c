/* SPDX-License-Identifier: MIT */
/*
 * overflow_size_0.c - an object of no bytes is written.
 *
 * expect: heap-overflow offset=0 size=0 len=1 found=0x41
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
	volatile char *p = make(0);

	p[0] = 'A';
	free((void *)p);
	return 0;
}
