/* SPDX-License-Identifier: MIT */
/*
 * overflow_new_array.cc - a loop writes one element past an array of new[].
 *
 * expect: heap-overflow offset=40 size=40 len=4 found=0x07 alloc=new[] free=new[]
 * allocated: operator new[](unsigned long) < make(int) < main
 * found: operator delete[](void*) < main
 */
#include <new>

static volatile int *make(int n)
{
	return new int[n];
}

int main()
{
	volatile int *a = make(10);

	for (int i = 0; i <= 10; i++)
		a[i] = 0x07070707;
	delete[] a;
	return 0;
}
