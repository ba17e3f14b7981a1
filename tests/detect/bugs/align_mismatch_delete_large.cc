/* SPDX-License-Identifier: MIT */
/*
 * align_mismatch_delete_large.cc - delete is told another alignment than new was.
 *
 * expect: size-mismatch size=100000 alloc=new free=new
 * allocated: operator new(unsigned long, std::align_val_t) < main
 * found: operator delete(void*, std::align_val_t) < main
 */
#include <new>

int main()
{
	void *p = ::operator new(100000, std::align_val_t(64));

	::operator delete(p, std::align_val_t(128));
	return 0;
}
