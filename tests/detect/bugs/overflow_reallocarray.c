/* SPDX-License-Identifier: MIT */
/*
 * overflow_reallocarray.c - a table made by reallocarray gets one entry too many.
 *
 * expect: heap-overflow offset=120 size=120 len=8 found=0x2a
 * allocated: reallocarray < make_table < main
 * found: free < main
 */
#include <stdlib.h>

static volatile unsigned long *make_table(size_t n)
{
	return reallocarray(NULL, n, sizeof(unsigned long));
}

int main(void)
{
	volatile unsigned long *table = make_table(15);

	table[15] = 42;
	free((void *)table);
	return 0;
}
