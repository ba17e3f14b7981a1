/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_on_reuse.c - without quarantine the slot is handed out again at once: the next
 * malloc finds the damage.
 *
 * options: --quarantine=0
 * expect: use-after-free-write offset=8 size=48 len=1 found=0x41 free=-
 * allocated: malloc < first < main
 * freed: free < main
 * found: malloc < second < main
 */
#include <stdlib.h>

static volatile char *first(void)
{
	return malloc(48);
}

static volatile char *second(void)
{
	return malloc(48);
}

int main(void)
{
	volatile char *p = first();

	free((void *)p);
	p[8] = 'A';
	free((void *)second());
	return 0;
}
