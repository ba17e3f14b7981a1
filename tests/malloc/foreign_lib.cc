// SPDX-License-Identifier: MIT
//
// foreign_lib.cc - a shared library with an operator new of its own, which it calls itself (linked
// with -Bsymbolic), as one that contains a whole C++ runtime does. It gives objects away, and takes
// others'.
#include <cstdlib>
#include <new>

void *operator new(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		abort();
	return p;
}

void operator delete(void *p) noexcept
{
	free(p);
}

void operator delete(void *p, size_t) noexcept
{
	free(p);
}

extern "C" int *foreign_make(int value)
{
	return new int(value);
}

extern "C" void foreign_end(int *p)
{
	delete p;
	__asm__ volatile(""); /* no tail call: free() would seem to be called from the program */
}
