// SPDX-License-Identifier: MIT
//
// test_replaced.cc - forms of operator new and delete are replaced, here (SET) or in a library;
// each form that is not must rest on those that are, as the standard says, and nothing be reported.
//
//   malloc-replaced-SET MODE EXPECTED [PLUGIN]
//
// MODE: "debug" or "release", the drop-in that is in the process; "none": the C library's malloc,
// which proves that the program is right. EXPECTED: the set whose pairs must stand behind the forms
// that are called here. PLUGIN: a library to load and to exchange blocks with; another one may have
// come with the program.
#include <dlfcn.h>

#include <map>
#include <string>
#include <vector>

#include "check.h"
#include "replaced.h"

namespace
{

using make_fn = void *(const kind *k, size_t size, size_t align);
using end_fn = void(const kind *k, int how, void *p, size_t size, size_t align);

unsigned int expected;

void one(const kind &k, int how, size_t size, make_fn *make, end_fn *end)
{
	size_t align = k.aligned ? 64 : 16;
	unsigned int pair = pair_of(expected, k.array, k.aligned);
	void *p = make(&k, size, align), *before = malloc(24), *after = malloc(24);

	CHECK(p && reinterpret_cast<uintptr_t>(p) % align == 0);
	if (pair)
		CHECK(static_cast<uint64_t *>(p)[-2] == (MARK | pair));
	pattern_fill(before, 24, 1);
	pattern_fill(after, 24, 2);
	pattern_fill(p, size, 3);
	CHECK(pattern_is(p, size, 3) && pattern_is(before, 24, 1) && pattern_is(after, 24, 2));
	end(&k, how, p, size, align);
	void *x = malloc(20), *y = malloc(20);
	memset(x, 'x', 20);
	memset(y, 'y', 20);
	CHECK(bytes_are(x, 20, 'x') && bytes_are(y, 20, 'y'));
	CHECK(pattern_is(before, 24, 1) && pattern_is(after, 24, 2));
	free(x);
	free(y);
	free(before);
	free(after);
}

void all(make_fn *make, end_fn *end)
{
	for (unsigned int bits = 0; bits < 8; bits++) {
		kind k = {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};

		for (int how = 0; how < NR_ENDS; how++)
			for (size_t size : {size_t(1), size_t(20), size_t(500), size_t(100000)})
				one(k, how, size, make, end);
	}
}

/* The C++ library's own calls, and expressions. */
void containers()
{
	std::map<int, std::string> m;
	std::vector<std::string> v;

	for (int i = 0; i < 200; i++)
		m[i] = v.emplace_back(std::string(static_cast<size_t>(i), 'a'));
	CHECK(m[150] == v[150]);
	delete new int(4);
	delete[] new std::string[7];
}

void with_library(void *handle)
{
	make_fn *make = reinterpret_cast<make_fn *>(dlsym(handle, "lib_make"));
	end_fn *end = reinterpret_cast<end_fn *>(dlsym(handle, "lib_end"));

	if (!make)
		return;
	all(make, end);
	all(make, end_block);
	all(make_block, end);
}

} // namespace

int main(int argc, char **argv)
{
	CHECK(argc > 2);
	if (strcmp(argv[1], "none") != 0)
		require_drop_in(argc, argv);
	expected = static_cast<unsigned int>(atoi(argv[2]));
	all(make_block, end_block);
	containers();
	with_library(RTLD_DEFAULT);
	for (int i = 0; argc > 3 && i < 3; i++) { /* it goes and comes back */
		void *handle = dlopen(argv[3], RTLD_NOW);

		if (!handle)
			puts(dlerror());
		CHECK(handle);
		with_library(handle);
		containers();
		dlclose(handle);
	}
	return 0;
}
