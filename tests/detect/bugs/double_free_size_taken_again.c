/* SPDX-License-Identifier: MIT */
/*
 * double_free_size_taken_again.c - an object of the same size is made in between: it is another
 * one, and stays whole.
 *
 * expect: double-free size=32
 * allocated: malloc < main
 * freed: free < main
 * found: free < main
 * end: exit status 0
 */
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *p = malloc(32), *other;

	free(p);
	other = malloc(32);
	memset(other, 'A', 32);
	free(p);
	for (int i = 0; i < 32; i++)
		if (other[i] != 'A')
			return 1;
	free(other);
	return 0;
}
