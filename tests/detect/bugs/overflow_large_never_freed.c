/* SPDX-License-Identifier: MIT */
/*
 * overflow_large_never_freed.c - a large object, overrun and never freed.
 *
 * expect: heap-overflow offset=50000 size=50000 len=4 found=0x41 free=-
 * allocated: malloc < make < main
 */
#include <stdlib.h>
#include <string.h>

static char *make(size_t size)
{
	return malloc(size);
}

int main(void)
{
	memset(make(50000) + 50000, 'A', 4);
	return 0;
}
