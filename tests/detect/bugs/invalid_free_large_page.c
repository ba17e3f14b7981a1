/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_large_page.c - offset 8128 of an object of 300000 bytes is given to free.
 *
 * expect: invalid-free offset=8128 size=300000
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
	char *p = make(300000);

	free(p + 8128);
	free(p);
	return 0;
}
