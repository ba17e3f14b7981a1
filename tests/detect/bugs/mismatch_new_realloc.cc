/* SPDX-License-Identifier: MIT */
/*
 * mismatch_new_realloc.cc - memory of new given to realloc.
 *
 * expect: alloc-dealloc-mismatch size=40 alloc=new[] free=malloc
 * allocated: operator new[](unsigned long) < make() < main
 * found: realloc < main
 */
#include <stdlib.h>

static int *make()
{
	return new int[10];
}

int main()
{
	free(realloc(make(), 44));
	return 0;
}
