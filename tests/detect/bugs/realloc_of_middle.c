/* SPDX-License-Identifier: MIT */
/*
 * realloc_of_middle.c - a pointer into an object is given to realloc; the object stays as it
 * was.
 *
 * expect: bad-realloc offset=16 size=64
 * allocated: malloc < main
 * found: realloc < main
 * end: exit status 0
 */
#include <stdlib.h>

int main(void)
{
	char *p = malloc(64);
	void *new = realloc(p + 16, 200);

	free(p);
	return new != NULL;
}
