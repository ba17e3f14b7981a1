/* SPDX-License-Identifier: MIT */
/*
 * overflow_realloc_grown_moved.c - realloc finds a new place, whose end is overrun.
 *
 * expect: heap-overflow offset=1000 size=1000 len=3 found=0x41
 * allocated: realloc < grow < main
 * found: free < main
 */
#include <stdlib.h>
#include <string.h>

static char *grow(void *p, size_t size)
{
	return realloc(p, size);
}

int main(void)
{
	char *p = grow(malloc(20), 1000);

	memset(p, 'A', 1003);
	free(p);
	return 0;
}
