/* SPDX-License-Identifier: MIT */
/*
 * overflow_not_adjacent.c - one byte 40 past the end: the bytes between are untouched.
 *
 * expect: heap-overflow offset=140 size=100 len=1 found=0x41
 * allocated: malloc < main
 * found: free < main
 */
#include <stdlib.h>

int main(void)
{
	volatile char *p = malloc(100);

	p[140] = 'A';
	free((void *)p);
	return 0;
}
