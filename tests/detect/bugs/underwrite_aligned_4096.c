/* SPDX-License-Identifier: MIT */
/*
 * underwrite_aligned_4096.c - a word in front of an object on a page border.
 *
 * expect: heap-underwrite offset=-8 size=100 len=8 found=0x41
 * allocated: aligned_alloc < make < main
 * found: free < main
 */
#include <stdlib.h>
#include <string.h>

static char *make(size_t align, size_t size)
{
	return aligned_alloc(align, size);
}

int main(void)
{
	char *p = make(4096, 100);

	memset(p - 8, 'A', 8);
	free(p);
	return 0;
}
