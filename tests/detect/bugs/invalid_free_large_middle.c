/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_large_middle.c - offset 50000 of an object of 100000 bytes is given to free.
 *
 * expect: invalid-free offset=50000 size=100000
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
	char *p = make(100000);

	free(p + 50000);
	free(p);
	return 0;
}
