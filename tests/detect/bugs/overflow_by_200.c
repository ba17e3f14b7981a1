/* SPDX-License-Identifier: MIT */
/*
 * overflow_by_200.c - a long overflow; red zones wide enough keep it from the record of who
 * allocated the object, and from its neighbour.
 *
 * options: --red-zone=512
 * expect: heap-overflow offset=24 size=24 len=200 found=0x41
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
	char *p = make(24), *next = make(24);

	memset(p, 'A', 224);
	free(next);
	free(p);
	return 0;
}
