/* SPDX-License-Identifier: MIT */
/*
 * mismatch_malloc_delete.cc - memory of malloc given to delete.
 *
 * expect: alloc-dealloc-mismatch size=4 alloc=malloc free=new
 * allocated: malloc < make() < main
 * found: operator delete(void*, unsigned long) < drop(int*) < main
 */
#include <stdlib.h>

static int *make()
{
	return static_cast<int *>(malloc(sizeof(int)));
}

static void drop(int *p)
{
	delete p;
}

int main()
{
	drop(make());
	return 0;
}
