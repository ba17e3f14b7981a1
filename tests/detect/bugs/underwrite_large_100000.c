/* SPDX-License-Identifier: MIT */
/*
 * underwrite_large_100000.c - 8 bytes in front of a large object.
 *
 * expect: heap-underwrite offset=-8 size=100000 len=8 found=0x41
 * allocated: malloc < make < main
 * found: free < main
 */
#include <stdlib.h>
#include <string.h>

static char *make(size_t size)
{
	return malloc(size);
}

int main(void)
{
	char *p = make(100000);

	memset(p - 8, 'A', 8);
	free(p);
	return 0;
}
