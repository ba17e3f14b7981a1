/* SPDX-License-Identifier: MIT */
/*
 * double_free_after_realloc_0.c - realloc(p, 0) frees; the free behind it is one too many.
 *
 * expect: double-free size=32
 * allocated: malloc < main
 * freed: realloc < main
 * found: free < main
 */
#include <stdlib.h>

int main(void)
{
	void *p = malloc(32);

	if (!realloc(p, 0))
		free(p);
	return 0;
}
