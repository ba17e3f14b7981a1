/* SPDX-License-Identifier: MIT */
/*
 * overflow_calloc.c - calloc's object has a red zone like any other.
 *
 * expect: heap-overflow offset=21 size=21 len=4 found=0x41
 * allocated: calloc < make < main
 * found: free < main
 */
#include <stdlib.h>
#include <string.h>

static char *make(size_t n, size_t size)
{
	return calloc(n, size);
}

int main(void)
{
	char *p = make(7, 3);

	memset(p + 21, 'A', 4);
	free(p);
	return 0;
}
