/* SPDX-License-Identifier: MIT */
/*
 * mismatch_new_delete_array.cc - one object given to delete[].
 *
 * expect: alloc-dealloc-mismatch size=4 alloc=new free=new[]
 * allocated: operator new(unsigned long) < make() < main
 * found: operator delete[](void*) < main
 */
#include <new>

static int *make()
{
	return new int;
}

int main()
{
	delete[] make();
	return 0;
}
