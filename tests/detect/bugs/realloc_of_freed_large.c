/* SPDX-License-Identifier: MIT */
/*
 * realloc_of_freed_large.c - a freed pointer is given to realloc, which gives NULL.
 *
 * expect: bad-realloc size=100000
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
	void *p = malloc(100000);

	free(p);
	return grow(p, 100100) != NULL;
}
