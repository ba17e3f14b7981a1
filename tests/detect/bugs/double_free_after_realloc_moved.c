/* SPDX-License-Identifier: MIT */
/*
 * double_free_after_realloc_moved.c - the old pointer is freed after realloc moved the object.
 *
 * expect: double-free size=32
 * allocated: malloc < main
 * freed: realloc < main
 * found: free < main
 */
#include <stdlib.h>

int main(void)
{
	void *p = malloc(32), *new = realloc(p, 4000);

	free(p);
	free(new);
	return 0;
}
