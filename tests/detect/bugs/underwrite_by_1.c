/* SPDX-License-Identifier: MIT */
/*
 * underwrite_by_1.c - 1 byte in front of the object.
 *
 * expect: heap-underwrite offset=-1 size=24 len=1 found=0x41
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
	char *p = make(24);

	memset(p - 1, 'A', 1);
	free(p);
	return 0;
}
