/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_inside_freed.c - a pointer into an object that was freed.
 *
 * expect: invalid-free offset=8 size=100
 * allocated: malloc < main
 * freed: free < main
 * found: free < main
 */
#include <stdlib.h>

int main(void)
{
	char *p = malloc(100);

	free(p);
	free(p + 8);
	return 0;
}
