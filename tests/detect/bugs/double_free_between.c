/* SPDX-License-Identifier: MIT */
/*
 * double_free_between.c - many other objects are made and freed between the two.
 *
 * expect: double-free size=32
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
	void *p = malloc(32);

	finish(p);
	for (int i = 0; i < 1000; i++)
		free(malloc(32));
	free(p);
	return 0;
}
