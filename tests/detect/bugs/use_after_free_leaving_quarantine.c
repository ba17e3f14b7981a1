/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_leaving_quarantine.c - the damage is found when newer objects push the damaged
 * one out of quarantine.
 *
 * options: --quarantine=64K
 * expect: use-after-free-write offset=8 size=48 len=1 found=0x41 free=-
 * allocated: malloc < first < main
 * freed: free < main
 * end: killed by signal 9 (Killed)
 */
#include <signal.h>
#include <stdlib.h>

static volatile char *first(void)
{
	return malloc(48);
}

int main(void)
{
	volatile char *p = first();

	free((void *)p);
	p[8] = 'A';
	for (int i = 0; i < 2000; i++)
		free(malloc(100));
	raise(SIGKILL); /* no end of the program to look at the heap */
	return 0;
}
