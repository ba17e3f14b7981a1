/* SPDX-License-Identifier: MIT */
/*
 * overflow_aligned_new.cc - a byte behind an object of the aligned operator new.
 *
 * expect: heap-overflow offset=128 size=128 len=1 found=0x41 alloc=new free=new
 * allocated: operator new(unsigned long, std::align_val_t) < make() < main
 * found: operator delete(void*, unsigned long, std::align_val_t) < main
 */
#include <new>

struct alignas(64) wide {
	char bytes[128];
};

static wide *make()
{
	return new wide;
}

int main()
{
	wide *w = make();

	reinterpret_cast<volatile char *>(w)[128] = 'A';
	delete w;
	return 0;
}
