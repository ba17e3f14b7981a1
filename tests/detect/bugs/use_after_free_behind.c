/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_behind.c - the red zone of a freed object is written: an overflow by the stale
 * pointer.
 *
 * expect: heap-overflow offset=64 size=64 len=1 expected=0xbb found=0x41 free=-
 * allocated: malloc < main
 * freed: free < main
 */
#include <stdlib.h>

int main(void)
{
	volatile char *p = malloc(64);

	free((void *)p);
	p[64] = 'A';
	return 0;
}
