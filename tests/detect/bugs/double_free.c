/* SPDX-License-Identifier: MIT */
/*
 * double_free.c - freed twice, in two functions.
 *
 * expect: double-free size=32
 * allocated: malloc < parse < main
 * freed: free < finish < main
 * found: free < cleanup < main
 */
#include <stdlib.h>

static void *parse(void)
{
	return malloc(32);
}

static void finish(void *p)
{
	free(p);
}

static void cleanup(void *p)
{
	free(p);
}

int main(void)
{
	void *p = parse();

	finish(p);
	cleanup(p);
	return 0;
}
