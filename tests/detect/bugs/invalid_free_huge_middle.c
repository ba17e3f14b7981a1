/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_huge_middle.c - offset 4194304 of an object of 8388608 bytes is given to free.
 *
 * expect: invalid-free offset=4194304 size=8388608
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
	char *p = make(8388608);

	free(p + 4194304);
	free(p);
	return 0;
}
