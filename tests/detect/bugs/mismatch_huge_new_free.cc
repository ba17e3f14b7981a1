/* SPDX-License-Identifier: MIT */
/*
 * mismatch_huge_new_free.cc - 8 MiB of new[] given to free.
 *
 * expect: alloc-dealloc-mismatch size=8388608 alloc=new[] free=malloc
 * allocated: operator new[](unsigned long) < main
 * found: free < main
 */
#include <stdlib.h>

int main()
{
	free(new char[8 << 20]);
	return 0;
}
