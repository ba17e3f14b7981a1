/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_plus_16.c - a pointer into an object; its proper free afterwards is no error.
 *
 * expect: invalid-free offset=16 size=100
 * allocated: malloc < make < main
 * found: free < main
 */
#include <stdlib.h>

static char *make(size_t size)
{
	return malloc(size);
}

int main(void)
{
	char *p = make(100);

	free(p + 16);
	free(p);
	return 0;
}
