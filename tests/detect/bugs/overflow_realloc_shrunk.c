/* SPDX-License-Identifier: MIT */
/*
 * overflow_realloc_shrunk.c - what was cut off by realloc is written: it is red zone now.
 *
 * expect: heap-overflow offset=25 size=25 len=1 found=0x41
 * allocated: realloc < shrink < main
 * found: free < main
 */
#include <stdlib.h>

static volatile char *shrink(void *p, size_t size)
{
	return realloc(p, size);
}

int main(void)
{
	volatile char *p = shrink(malloc(30), 25);

	p[25] = 'A';
	free((void *)p);
	return 0;
}
