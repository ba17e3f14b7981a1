/* SPDX-License-Identifier: MIT */
/*
 * mismatch_large_malloc_delete.cc - 100,000 bytes of malloc given to operator delete.
 *
 * expect: alloc-dealloc-mismatch size=100000 alloc=malloc free=new
 * allocated: malloc < main
 * found: operator delete(void*) < main
 */
#include <new>
#include <stdlib.h>

int main()
{
	::operator delete(malloc(100000));
	return 0;
}
