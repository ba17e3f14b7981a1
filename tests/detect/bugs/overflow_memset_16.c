/* SPDX-License-Identifier: MIT */
/*
 * overflow_memset_16.c - memset of twice the object's 16 bytes.
 *
 * expect: heap-overflow offset=16 size=16 len=16 found=0x00
 * allocated: malloc < make < main
 * found: free < main
 */
#include <stdlib.h>
#include <string.h>

struct pair {
	long a, b;
};

static struct pair *make(void)
{
	return malloc(sizeof(struct pair));
}

int main(void)
{
	struct pair *p = make();

	memset(p, 0, 2 * sizeof(*p));
	free(p);
	return 0;
}
