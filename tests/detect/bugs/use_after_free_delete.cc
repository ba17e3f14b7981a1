/* SPDX-License-Identifier: MIT */
/*
 * use_after_free_delete.cc - a member is set after delete.
 *
 * expect: use-after-free-write offset=8 size=16 len=4 found=0x09 alloc=new free=-
 * allocated: operator new(unsigned long) < main
 * freed: operator delete(void*, unsigned long) < finish(job volatile*) < main
 */
#include <new>

struct job {
	long id;
	int state, unused;
};

static void finish(volatile job *j)
{
	delete j;
}

int main()
{
	volatile job *j = new job();

	finish(j);
	j->state = 0x09090909;
	return 0;
}
