/* SPDX-License-Identifier: MIT */
/*
 * overflow_aligned_alloc_128.c - one byte behind an object of 128 bytes at a multiple of 128.
 *
 * expect: heap-overflow offset=128 size=128 len=1 found=0x41
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
	volatile char *p = make(128, 128);

	p[128] = 'A';
	free((void *)p);
	return 0;
}
