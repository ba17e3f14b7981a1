/* SPDX-License-Identifier: MIT */
/*
 * realloc_of_freed_huge.c - a freed pointer is given to realloc, which gives NULL.
 *
 * expect: bad-realloc size=8388608
 * allocated: malloc < main
 * freed: free < main
 * found: realloc < grow < main
 * end: exit status 0
 */
#include <stdlib.h>

static void *grow(void *p, size_t size)
{
	return realloc(p, size);
}

int main(void)
{
	void *p = malloc(8388608);

	free(p);
	return grow(p, 8388708) != NULL;
}
