/* SPDX-License-Identifier: MIT */
/*
 * size_mismatch_huge.cc - operator delete is told another size than 8388608.
 *
 * expect: size-mismatch size=8388608 alloc=new free=new
 * allocated: operator new(unsigned long) < main
 * found: operator delete(void*, unsigned long) < main
 */
#include <new>

int main()
{
	::operator delete(::operator new(8388608), 8388600);
	return 0;
}
