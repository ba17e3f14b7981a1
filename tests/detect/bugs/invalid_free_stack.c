/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_stack.c - an array on the stack is given to free.
 *
 * expect: invalid-free size=0 alloc=-
 * found: free < drop < main
 * pointer: on the stack of thread
 */
#include <stdlib.h>

static void drop(char *p)
{
	free(p);
}

int main(void)
{
	char local[64];

	drop(local);
	return 0;
}
