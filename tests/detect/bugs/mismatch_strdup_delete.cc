/* SPDX-License-Identifier: MIT */
/*
 * mismatch_strdup_delete.cc - what strdup gave is given to delete[].
 *
 * expect: alloc-dealloc-mismatch size=6 alloc=malloc free=new[]
 * allocated: malloc < * < make() < main
 * found: operator delete[](void*) < main
 */
#include <string.h>

static char *make()
{
	return strdup("Hello");
}

int main()
{
	delete[] make();
	return 0;
}
