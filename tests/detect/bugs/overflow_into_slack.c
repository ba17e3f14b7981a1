/* SPDX-License-Identifier: MIT */
/*
 * overflow_into_slack.c - 20 bytes are asked for, the 21st is written: it is still inside the
 * size class.
 *
 * expect: heap-overflow offset=20 size=20 len=1 found=0x41
 * allocated: malloc < make < main
 * found: free < drop < main
 */
#include <stdlib.h>

static volatile char *make(size_t size)
{
	return malloc(size);
}

static void drop(volatile char *p)
{
	free((void *)p);
}

int main(void)
{
	volatile char *p = make(20);

	p[20] = 'A';
	drop(p);
	return 0;
}
