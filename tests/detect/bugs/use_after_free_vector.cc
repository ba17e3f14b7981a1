/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_vector.cc - a pointer into a vector is kept while the vector grows.
 *
 * expect: use-after-free-write offset=0 size=16 len=4 found=0x41 alloc=new free=-
 * allocated: operator new(unsigned long) < *
 * freed: operator delete(void*, unsigned long) < *
 */
#include <vector>

int main()
{
	std::vector<int> v(4);
	volatile int *first = &v[0];

	v.push_back(1);
	*first = 0x41414141;
	return 0;
}
