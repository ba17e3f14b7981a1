/* SPDX-License-Identifier: MIT */
/*
 * overflow_by_8.c - a loop over an array of long ends one too late.
 *
 * expect: heap-overflow offset=40 size=40 len=8 found=0x01
 * allocated: malloc < make_array < main
 * found: free < main
 */
#include <stdlib.h>

static volatile long *make_array(size_t n)
{
	return malloc(n * sizeof(long));
}

int main(void)
{
	volatile long *a = make_array(5);

	for (size_t i = 0; i < 6; i++)
		a[i] = 0x0101010101010101;
	free((void *)a);
	return 0;
}
