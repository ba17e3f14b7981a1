/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_string.c - a string constant is given to free.
 *
 * expect: invalid-free size=0 alloc=-
 * found: free < drop < main
 * pointer: in bug-invalid_free_string, not in a variable that has a name (/
 */
#include <stdlib.h>

static void drop(char *p)
{
	free(p);
}

int main(void)
{
	drop((char *)"constant");
	return 0;
}
