/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_code.c - a function is given to free.
 *
 * expect: invalid-free size=0 alloc=-
 * found: free < drop < main
 * pointer: in the code of the function main (/
 */
#include <stdlib.h>

static void drop(char *p)
{
	free(p);
}

int main(void)
{
	drop((char *)main);
	return 0;
}
