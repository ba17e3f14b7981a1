/* SPDX-License-Identifier: MIT */
/*
 * mismatch_malloc_delete_array.cc - memory of malloc given to delete[].
 *
 * expect: alloc-dealloc-mismatch size=40 alloc=malloc free=new[]
 * allocated: malloc < make() < main
 * found: operator delete[](void*) < main
 */
#include <stdlib.h>

static int *make()
{
	return static_cast<int *>(malloc(10 * sizeof(int)));
}

int main()
{
	delete[] make();
	return 0;
}
