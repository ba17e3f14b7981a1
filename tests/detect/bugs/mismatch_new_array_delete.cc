/* SPDX-License-Identifier: MIT */
/*
 * mismatch_new_array_delete.cc - an array given to delete; the size that delete claims is
 * another, too: one report all the same.
 *
 * expect: alloc-dealloc-mismatch size=40 alloc=new[] free=new
 * allocated: operator new[](unsigned long) < make() < main
 * found: operator delete(void*, unsigned long) < main
 */
#include <new>

static int *make()
{
	return new int[10];
}

int main()
{
	delete make();
	return 0;
}
