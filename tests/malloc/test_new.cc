// SPDX-License-Identifier: MIT
//
// test_new.cc - operator new and delete in all forms, under a real C++ library: containers,
// exceptions, new handlers.
#include <cstdlib>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "check.h"

namespace
{

struct alignas(256) wide {
	char c[300];
};

struct counted {
	static int live;
	char pad[24];
	counted()
	{
		live++;
	}
	~counted()
	{
		live--;
	}
};
int counted::live;

struct throwing {
	throwing()
	{
		throw 42;
	}
	char c[100];
};

void *opaque_ptr(void *p)
{
	__asm__ volatile("" : "+r"(p));
	return p;
}

void all_forms_of_the_operators()
{
	static const size_t sizes[] = {0, 1, 16, 100, 5000, 100000, 5000000};

	for (size_t size : sizes) {
		void *p = opaque_ptr(operator new(size));
		CHECK(p);
		memset(p, 1, size);
		operator delete(p);
		p = opaque_ptr(operator new(size));
		operator delete(p, size);
		p = opaque_ptr(operator new[](size));
		memset(p, 1, size);
		operator delete[](p);
		p = opaque_ptr(operator new[](size));
		operator delete[](p, size);
		p = opaque_ptr(operator new(size, std::nothrow));
		CHECK(p);
		operator delete(p, std::nothrow);
		p = opaque_ptr(operator new[](size, std::nothrow));
		CHECK(p);
		operator delete[](p, std::nothrow);

		for (size_t a = 1; a <= 65536; a *= 4) {
			std::align_val_t align = static_cast<std::align_val_t>(a);

			p = opaque_ptr(operator new(size, align));
			CHECK(reinterpret_cast<uintptr_t>(p) % a == 0);
			memset(p, 1, size);
			operator delete(p, align);
			p = opaque_ptr(operator new(size, align));
			operator delete(p, size, align);
			p = opaque_ptr(operator new[](size, align));
			CHECK(reinterpret_cast<uintptr_t>(p) % a == 0);
			operator delete[](p, align);
			p = opaque_ptr(operator new[](size, align));
			operator delete[](p, size, align);
			p = opaque_ptr(operator new(size, align, std::nothrow));
			CHECK(p && reinterpret_cast<uintptr_t>(p) % a == 0);
			operator delete(p, align, std::nothrow);
			p = opaque_ptr(operator new[](size, align, std::nothrow));
			CHECK(p && reinterpret_cast<uintptr_t>(p) % a == 0);
			operator delete[](p, align, std::nothrow);
		}
	}
	operator delete(nullptr);
	operator delete[](nullptr);
}

void expressions()
{
	counted *one = new counted, *many = new counted[100];
	wide *w = new wide, *ws = new wide[3];

	CHECK(counted::live == 101);
	CHECK(reinterpret_cast<uintptr_t>(w) % 256 == 0);
	CHECK(reinterpret_cast<uintptr_t>(ws) % 256 == 0);
	delete one;
	delete[] many;
	delete w;
	delete[] ws;
	CHECK(counted::live == 0);
	for (int i = 0; i < 100; i++) {
		try {
			throwing *t = new throwing;
			opaque_ptr(t);
			CHECK(!"no exception");
		} catch (int n) {
			CHECK(n == 42);
		}
		try {
			opaque_ptr(new (std::nothrow) throwing);
			CHECK(!"no exception");
		} catch (int n) {
			CHECK(n == 42);
		}
	}
}

void containers()
{
	std::map<std::string, std::vector<int>> m;
	std::unordered_map<int, std::string> u;
	std::list<std::unique_ptr<counted>> l;
	std::deque<std::shared_ptr<counted>> d;
	std::ostringstream out;

	for (int i = 0; i < 5000; i++) {
		m["a key that is too long to be kept inside " + std::to_string(i)].push_back(i);
		u[i] = std::string(static_cast<size_t>(i % 100), 'x');
		l.push_back(std::make_unique<counted>());
		d.push_back(std::make_shared<counted>());
		out << i << ' ';
	}
	CHECK(m.size() == 5000 && u.size() == 5000 && counted::live == 10000);
	CHECK(u[4999].size() == 99);
	l.clear();
	d.clear();
	CHECK(counted::live == 0);
	CHECK(out.str().size() == 10 * 2 + 90 * 3 + 900 * 4 + 4000 * 5);
}

size_t impossible()
{
	return opaque(SIZE_MAX / 2 - 100);
}

void impossible_size_throws_bad_alloc()
{
	int caught = 0;

	for (int i = 0; i < 10; i++) {
		try {
			opaque_ptr(operator new(impossible()));
		} catch (const std::bad_alloc &e) {
			CHECK(e.what()[0] != '\0');
			caught++;
		}
		try {
			opaque_ptr(operator new[](impossible(), std::align_val_t(64)));
		} catch (const std::bad_alloc &) {
			caught++;
		}
		try {
			std::vector<char> v(impossible());
		} catch (const std::bad_alloc &) {
			caught++;
		}
	}
	CHECK(caught == 30);
	CHECK(opaque_ptr(operator new(impossible(), std::nothrow)) == nullptr);
	CHECK(opaque_ptr(operator new[](impossible(), std::nothrow)) == nullptr);
	CHECK(opaque_ptr(operator new(impossible(), std::align_val_t(128), std::nothrow)) ==
	      nullptr);
	CHECK(opaque_ptr(operator new[](impossible(), std::align_val_t(128), std::nothrow)) ==
	      nullptr);
}

int calls;

void give_up_after_three()
{
	if (++calls == 3)
		std::set_new_handler(nullptr);
}

void throw_something()
{
	calls++;
	throw std::bad_alloc();
}

void new_handler_is_asked()
{
	bool caught = false;

	calls = 0;
	std::set_new_handler(give_up_after_three);
	try {
		opaque_ptr(operator new(impossible()));
	} catch (const std::bad_alloc &) {
		caught = true;
	}
	CHECK(caught && calls == 3);

	calls = 0;
	std::set_new_handler(give_up_after_three);
	CHECK(opaque_ptr(operator new(impossible(), std::nothrow)) == nullptr);
	CHECK(calls == 3);

	calls = 0;
	std::set_new_handler(throw_something);
	CHECK(opaque_ptr(operator new(impossible(), std::nothrow)) == nullptr);
	CHECK(opaque_ptr(operator new[](impossible(), std::nothrow)) == nullptr);
	CHECK(calls == 2);
	caught = false;
	try {
		opaque_ptr(operator new[](impossible()));
	} catch (const std::bad_alloc &) {
		caught = true;
	}
	CHECK(caught && calls == 3);
	std::set_new_handler(nullptr);
}

/* A string made before main, freed after it. */
std::string *early = new std::string("made by a static initialiser, long enough for the heap");
struct at_the_end {
	~at_the_end()
	{
		delete early;
	}
} at_the_end_of_it;

} // namespace

int main(int argc, char **argv)
{
	require_drop_in(argc, argv);
	CHECK(early->size() > 20);
	all_forms_of_the_operators();
	expressions();
	containers();
	impossible_size_throws_bad_alloc();
	new_handler_is_asked();
	puts("new holds");
	return 0;
}
