/* SPDX-License-Identifier: MIT */
/*
 * underwrite_by_16.c - 16 bytes in front of the object.
 *
 * expect: heap-underwrite offset=-16 size=24 len=16 found=0x41
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

	memset(p - 16, 'A', 16);
	free(p);
	return 0;
}
