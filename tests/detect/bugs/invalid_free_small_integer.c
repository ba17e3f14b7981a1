/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_small_integer.c - a number taken for a pointer is given to free.
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
	drop((char *)0x1000);
	return 0;
}
