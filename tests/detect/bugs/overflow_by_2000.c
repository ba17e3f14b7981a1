/* SPDX-License-Identifier: MIT */
/*
 * overflow_by_2000.c - over the next object, too: one report, of the one it came from.
 *
 * expect: heap-overflow offset=10 size=10 len=2000 found=0x41
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

	memset(p + 10, 'A', 2000);
	free(before);
	free(behind);
	free(p);
	return 0;
}
