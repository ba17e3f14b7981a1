/* SPDX-License-Identifier: MIT */
/*
 * overflow_huge_never_freed.c - 8 MiB, overrun and never freed.
 *
 * expect: heap-overflow offset=8388608 size=8388608 len=4 found=0x41 free=-
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
	memset(make(8 << 20) + (8 << 20), 'A', 4);
	return 0;
}
