/* SPDX-License-Identifier: MIT */
/*
 * underwrite_by_32.c - 32 bytes in front of the object.
 *
 * expect: heap-underwrite offset=-32 size=200 len=32 found=0x41
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
	char *p = make(200);

	memset(p - 32, 'A', 32);
	free(p);
	return 0;
}
