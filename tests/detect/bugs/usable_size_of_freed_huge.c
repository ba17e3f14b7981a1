/* SPDX-License-Identifier: MIT */
/*
 * usable_size_of_freed_huge.c - the size of a freed object is asked for.
 *
 * expect: bad-realloc size=8388608
 * allocated: malloc < main
 * freed: free < main
 * found: malloc_usable_size < ask < main
 * end: exit status 0
 */
#include <malloc.h>
#include <stdlib.h>

static size_t ask(void *p)
{
	return malloc_usable_size(p);
}

int main(void)
{
	void *p = malloc(8388608);

	free(p);
	return ask(p) != 0;
}
