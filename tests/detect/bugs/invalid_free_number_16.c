/* SPDX-License-Identifier: MIT */
/*
 * invalid_free_number_16.c - small numbers are no pointers, not even the kernel's that stands for
 * no bytes.
 *
 * expect: invalid-free size=0 alloc=-
 * found: free < main
 * expect: invalid-free size=0 alloc=-
 * found: free < main
 * expect: bad-realloc size=0 alloc=-
 * found: realloc < main
 * expect: bad-realloc size=0 alloc=-
 * found: malloc_usable_size < main
 */
#include <malloc.h>
#include <stdlib.h>

int main(void)
{
	free((void *)1);
	free((void *)16);
	if (realloc((void *)8, 20) || malloc_usable_size((void *)12))
		return 1;
	return 0;
}
