// SPDX-License-Identifier: MIT
//
// replaced_lib.cc - a library that replaces forms of operator new and delete, and calls each form.
#include "replaced.h"

extern "C" void *lib_make(const kind *k, size_t size, size_t align)
{
	return make_block(k, size, align);
}

extern "C" void lib_end(const kind *k, int how, void *p, size_t size, size_t align)
{
	end_block(k, how, p, size, align);
}
