/* SPDX-License-Identifier: MIT */
/*
 * overflow_found_by_realloc.c - the object is damaged when it is to grow: realloc says so.
 *
 * expect: heap-overflow offset=20 size=20 len=1 found=0x41
 * allocated: malloc < make < main
 * found: realloc < grow < main
 */
#include <stdlib.h>

static volatile char *make(size_t size)
{
	return malloc(size);
}

static void *grow(volatile char *p, size_t size)
{
	return realloc((void *)p, size);
}

int main(void)
{
	volatile char *p = make(20);

	p[20] = 'A';
	free(grow(p, 500));
	return 0;
}
