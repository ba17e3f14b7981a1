/* SPDX-License-Identifier: MIT */
/*
 * invalid_delete_second_base.cc - an object deleted through its second base: the pointer is
 * inside it.
 *
 * expect: invalid-free offset=8 size=16 alloc=new free=new
 * allocated: operator new(unsigned long) < main
 * found: operator delete(void*, unsigned long) < main
 */
#include <new>

struct first {
	long a;
};

struct second {
	long b;
};

struct both : first, second {
};

int main()
{
	second *s = new both();

	delete s;
	return 0;
}
