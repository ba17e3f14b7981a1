/* SPDX-License-Identifier: MIT */
/* overflow_static.cc - as bugs/overflow_by_300.c, in C++: the operators are the archive's, too. */
#include <cstring>
#include <string>

static char *culprit(void)
{
	return new char[10];
}

int main(void)
{
	std::string text(100, 'x');
	char *before = new char[10], *p = culprit(), *behind = new char[10];

	memset(p + 10, 'A', 300);
	delete[] before;
	delete[] behind;
	delete[] p;
	return text.size() != 100;
}
