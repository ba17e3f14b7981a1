/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_validate.c - with validate=1 the very next call of malloc finds it.
 *
 * options: --validate=1
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
	malloc(1);
	raise(SIGKILL);
	return 0;
}
