/* SPDX-License-Identifier: MIT */
/*
 * mismatch_new_free.cc - memory of new given to free.
 *
 * expect: alloc-dealloc-mismatch size=4 alloc=new free=malloc
 * allocated: operator new(unsigned long) < make() < main
 * found: free < main
 */
#include <stdlib.h>

static int *make()
{
	return new int(5);
}

int main()
{
	free(make());
	return 0;
}
