/* SPDX-License-Identifier: MIT */
/*
 * overflow_twice.c - an object that was repaired at realloc is damaged again: each damage has a
 * report.
 *
 * expect: heap-overflow offset=20 size=20 len=1 found=0x41
 * allocated: malloc < main
 * found: realloc < main
 * expect: heap-overflow offset=24 size=24 len=1 found=0x42
 * allocated: realloc < main
 * found: free < main
 */
#include <stdlib.h>

int main(void)
{
	volatile char *p = malloc(20);

	p[20] = 'A';
	p = realloc((void *)p, 24);
	p[24] = 'B';
	free((void *)p);
	return 0;
}
