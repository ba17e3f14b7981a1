/* SPDX-License-Identifier: MIT */
/*
 * double_free_large_300000.c - 300000 bytes, freed twice.
 *
 * expect: double-free size=300000
 * allocated: malloc < main
 * freed: free < finish < main
 * found: free < main
 */
#include <stdlib.h>

static void finish(void *p)
{
	free(p);
}

int main(void)
{
	void *p = malloc(300000);

	finish(p);
	free(p);
	return 0;
}
