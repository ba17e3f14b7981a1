/* SPDX-License-Identifier: MIT */
/*
 * double_free_huge.c - 8388608 bytes, freed twice.
 *
 * expect: double-free size=8388608
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
	void *p = malloc(8388608);

	finish(p);
	free(p);
	return 0;
}
