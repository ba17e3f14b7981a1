/* SPDX-License-Identifier: MIT */
/*
 * overflow_strdup.c - memory that the C library asked for on the program's behalf.
 *
 * expect: heap-overflow offset=6 size=6 len=1 found=0x21
 * allocated: malloc < * < greet < main
 * found: free < main
 */
#include <stdlib.h>
#include <string.h>

static char *greet(void)
{
	return strdup("Hello");
}

int main(void)
{
	char *text = greet();

	text[6] = '!';
	free(text);
	return 0;
}
