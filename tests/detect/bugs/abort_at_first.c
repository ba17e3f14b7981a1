/* SPDX-License-Identifier: MIT */
/*
 * abort_at_first.c - with --abort the program ends at the first report; the second bug is not
 * reached.
 *
 * options: --abort
 * expect: heap-overflow offset=20 size=20 len=1 found=0x41
 * allocated: malloc < main
 * found: free < main
 * end: killed by signal 6 (Aborted)
 */
#include <stdlib.h>

int main(void)
{
	volatile char *p = malloc(20);

	p[20] = 'A';
	free((void *)p);
	free((void *)p);
	return 0;
}
