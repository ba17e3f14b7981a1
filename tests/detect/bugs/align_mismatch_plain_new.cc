/* SPDX-License-Identifier: MIT */
/*
 * align_mismatch_plain_new.cc - memory of the plain operator new given to the aligned delete.
 *
 * expect: size-mismatch size=64 alloc=new free=new
 * allocated: operator new(unsigned long) < main
 * found: operator delete(void*, unsigned long, std::align_val_t) < main
 */
#include <new>

int main()
{
	::operator delete(::operator new(64), 64, std::align_val_t(64));
	return 0;
}
