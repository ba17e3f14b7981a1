// SPDX-License-Identifier: MIT
//
// test_foreign.cc - objects cross the border to a library that has an operator new of its own:
// legal, and no mismatch to report. The library comes after the drop-in, so this program's new and
// delete are the drop-in's.
#include "check.h"

extern "C" int *foreign_make(int value);
extern "C" void foreign_end(int *p);

int main(int argc, char **argv)
{
	require_drop_in(argc, argv);
	for (int i = 0; i < 100; i++) {
		int *p = foreign_make(i), *q = new int(i);

		CHECK(*p == i && *q == i);
		delete p;
		foreign_end(q);
	}
	puts("foreign objects pass");
	return 0;
}
