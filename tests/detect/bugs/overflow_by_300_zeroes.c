/* SPDX-License-Identifier: MIT */
/*
 * overflow_by_300_zeroes.c - over the next object, too: one report, of the one it came from.
 *
 * expect: heap-overflow offset=10 size=10 len=300 found=0x00
 * allocated: malloc < culprit < main
 * found: free < main
 */
#include <stdlib.h>
#include <string.h>

static char *culprit(void)
{
	return malloc(10);
}

int main(void)
{
	char *before = malloc(10), *p = culprit(), *behind = malloc(10);

	memset(p + 10, 0, 300);
	free(before);
	free(behind);
	free(p);
	return 0;
}
