/* SPDX-License-Identifier: MIT */
/*
 * double_delete.cc - an object is deleted by two owners.
 *
 * expect: double-free size=24 alloc=new free=new
 * allocated: operator new(unsigned long) < main
 * freed: operator delete(void*, unsigned long) < one(node*) < main
 * found: operator delete(void*, unsigned long) < two(node*) < main
 */
#include <new>

struct node {
	node *left, *right;
	long key;
};

static void one(node *n)
{
	delete n;
}

static void two(node *n)
{
	delete n;
}

int main()
{
	node *n = new node();

	one(n);
	two(n);
	return 0;
}
