/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_global.c - a global array is given to free.
 *
 * expect: invalid-free size=0 alloc=-
 * found: free < drop < main
 * pointer: in the global variable global (/
 */
#include <stdlib.h>

static char global[64];

static void drop(char *p)
{
	free(p);
}

int main(void)
{
	drop(global);
	return 0;
}
