/* SPDX-License-Identifier: MIT */
/*
 * underwrite_never_freed.c - a byte in front of an object that is never freed.
 *
 * expect: heap-underwrite offset=-1 size=24 len=1 found=0x41 free=-
 * allocated: malloc < make < main
 */
#include <stdlib.h>

static volatile char *make(size_t size)
{
	return malloc(size);
}

int main(void)
{
	make(24)[-1] = 'A';
	return 0;
}
