/* SPDX-License-Identifier: MIT */
/*
 * align_mismatch_plain_delete.cc - memory of the aligned operator new given to the plain
 * delete.
 *
 * expect: size-mismatch size=64 alloc=new free=new
 * allocated: operator new(unsigned long, std::align_val_t) < main
 * found: operator delete(void*) < main
 */
#include <new>

int main()
{
	::operator delete(::operator new(64, std::align_val_t(64)));
	return 0;
}
