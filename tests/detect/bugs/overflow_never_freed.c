/* SPDX-License-Identifier: MIT */
/*
 * overflow_never_freed.c - the damaged object is never freed: the end of the program finds it.
 *
 * expect: heap-overflow offset=100 size=100 len=1 found=0x41 free=-
 * allocated: malloc < make < main
 */
#include <stdlib.h>

static volatile char *make(size_t size)
{
	return malloc(size);
}

int main(void)
{
	make(100)[100] = 'A';
	return 0;
}
