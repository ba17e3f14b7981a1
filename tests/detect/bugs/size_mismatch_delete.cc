/* SPDX-License-Identifier: MIT */
/*
 * size_mismatch_delete.cc - a derived object deleted through its base, which has no virtual
 * destructor.
 *
 * expect: size-mismatch size=24 alloc=new free=new
 * allocated: operator new(unsigned long) < make() < main
 * found: operator delete(void*, unsigned long) < main
 */

struct base {
	long a;
};

struct derived : base {
	long b, c;
};

static base *make()
{
	return new derived;
}

int main()
{
	delete make();
	return 0;
}
