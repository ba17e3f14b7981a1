/* SPDX-License-Identifier: MIT */
/*
 * overflow_both_ends.c - an object written at both ends: two reports, then it is sound.
 *
 * expect: heap-underwrite offset=-2 size=50 len=2 found=0x41
 * allocated: malloc < main
 * found: free < main
 * expect: heap-overflow offset=50 size=50 len=2 found=0x41
 * allocated: malloc < main
 * found: free < main
 */
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *p = malloc(50);

	memset(p - 2, 'A', 54);
	free(p);
	return 0;
}
