/* SPDX-License-Identifier: MIT */
/*
 * realloc_of_stack.c - a local array is given to realloc.
 *
 * expect: bad-realloc size=0 alloc=-
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
	char local[16];

	return grow(local, 200) != NULL;
}
