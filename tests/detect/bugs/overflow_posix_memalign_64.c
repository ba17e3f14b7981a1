/* SPDX-License-Identifier: MIT */
/*
 * overflow_posix_memalign_64.c - one byte behind an object at a multiple of 64.
 *
 * expect: heap-overflow offset=100 size=100 len=1 found=0x41
 * allocated: posix_memalign < make < main
 * found: free < main
 */
#include <stdlib.h>

static volatile char *make(size_t align, size_t size)
{
	void *p = NULL;

	posix_memalign(&p, align, size);
	return p;
}

int main(void)
{
	volatile char *p = make(64, 100);

	p[100] = 'A';
	free((void *)p);
	return 0;
}
