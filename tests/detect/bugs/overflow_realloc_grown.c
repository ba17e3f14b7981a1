/* SPDX-License-Identifier: MIT */
/*
 * overflow_realloc_grown.c - the red zone moves with the request: the byte behind the new size
 * is written.
 *
 * expect: heap-overflow offset=30 size=30 len=1 found=0x41
 * allocated: realloc < grow < main
 * found: free < main
 */
#include <stdlib.h>

static volatile char *grow(void *p, size_t size)
{
	return realloc(p, size);
}

int main(void)
{
	volatile char *p = grow(malloc(20), 30);

	for (int i = 0; i <= 30; i++)
		p[i] = 'A';
	free((void *)p);
	return 0;
}
