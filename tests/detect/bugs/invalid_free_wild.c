/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_wild.c - an address that no memory has is given to free.
 *
 * expect: invalid-free size=0 alloc=-
 * found: free < drop < main
 */
#include <stdlib.h>

static void drop(char *p)
{
	free(p);
}

int main(void)
{
	drop((char *)0x123456789abc0);
	return 0;
}
