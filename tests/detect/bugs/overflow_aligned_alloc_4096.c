/* SPDX-License-Identifier: MIT */
/*
 * overflow_aligned_alloc_4096.c - one byte behind an object of 8192 bytes at a multiple of
 * 4096.
 *
 * expect: heap-overflow offset=8192 size=8192 len=1 found=0x41
 * allocated: aligned_alloc < make < main
 * found: free < main
 */
#include <stdlib.h>

static volatile char *make(size_t align, size_t size)
{
	return aligned_alloc(align, size);
}

int main(void)
{
	volatile char *p = make(4096, 8192);

	p[8192] = 'A';
	free((void *)p);
	return 0;
}
