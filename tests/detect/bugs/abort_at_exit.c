/* SPDX-License-Identifier: MIT */
/*
 * abort_at_exit.c - with --abort damage that is found at the end makes the end a failure, too.
 *
 * options: --abort
 * expect: heap-overflow offset=20 size=20 len=1 found=0x41 free=-
 * allocated: malloc < main
 * end: killed by signal 6 (Aborted)
 */
#include <stdlib.h>

int main(void)
{
	volatile char *p = malloc(20);

	p[20] = 'A';
	return 0;
}
