/* SPDX-License-Identifier: MIT */
/*
 * double_free_three_times.c - each free but the first is reported.
 *
 * expect: double-free size=32
 * allocated: malloc < main
 * freed: free < main
 * found: free < main
 * expect: double-free size=32
 * allocated: malloc < main
 * freed: free < main
 * found: free < main
 */
#include <stdlib.h>

int main(void)
{
	void *p = malloc(32);

	free(p);
	free(p);
	free(p);
	return 0;
}
