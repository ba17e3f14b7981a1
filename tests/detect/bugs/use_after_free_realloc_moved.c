/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_realloc_moved.c - the old pointer is written after realloc moved the object.
 *
 * expect: use-after-free-write offset=4 size=24 len=4 found=0x41 free=-
 * allocated: malloc < main
 * freed: realloc < grow < main
 */
#include <stdlib.h>

static void *grow(void *p, size_t size)
{
	return realloc(p, size);
}

int main(void)
{
	volatile int *old = malloc(24);
	void *new = grow((void *)old, 5000);

	old[1] = 0x41414141;
	free(new);
	return 0;
}
