/* SPDX-License-Identifier: MIT */
/*
 * overflow_by_32.c - a loop over an array of long ends four too late.
 *
 * expect: heap-overflow offset=64 size=64 len=32 found=0x01
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
	volatile long *a = make_array(8);

	for (size_t i = 0; i < 12; i++)
		a[i] = 0x0101010101010101;
	free((void *)a);
	return 0;
}
