/* SPDX-License-Identifier: MIT */
/*
 * size_mismatch_large.cc - operator delete is told another size than 100000.
 *
 * expect: size-mismatch size=100000 alloc=new free=new
 * allocated: operator new(unsigned long) < main
 * found: operator delete(void*, unsigned long) < main
 */
#include <new>

int main()
{
	::operator delete(::operator new(100000), 99992);
	return 0;
}
