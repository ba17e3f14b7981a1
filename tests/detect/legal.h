/* SPDX-License-Identifier: MIT */
/*
 * legal.h - what programs may do: each test is a function, run by name; a wrong result ends the
 * program.
 */
#ifndef TESTS_DETECT_LEGAL_H
#define TESTS_DETECT_LEGAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			_Exit(9);                                                                  \
		}                                                                                  \
	} while (0)

struct legal_test {
	const char *name;
	void (*fn)(void);
};

static int run_test(const struct legal_test *tests, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(tests[i].name, name)) {
			tests[i].fn();
			printf("%s: done\n", name);
			return 0;
		}
	fprintf(stderr, "there is no test %s\n", name);
	return 8;
}

/* A number the compiler cannot know. */
static inline size_t opaque(size_t x)
{
	__asm__ volatile("" : "+r"(x));
	return x;
}

/* Contents that tell where they belong. */
static inline unsigned char pattern(size_t i, unsigned int seed)
{
	return (unsigned char)(i * 131 + (i >> 8) * 17 + seed);
}

static inline void fill(void *p, size_t n, unsigned int seed)
{
	for (size_t i = 0; i < n; i++)
		((unsigned char *)p)[i] = pattern(i, seed);
}

static inline int holds(const void *p, size_t n, unsigned int seed)
{
	for (size_t i = 0; i < n; i++)
		if (((const unsigned char *)p)[i] != pattern(i, seed))
			return 0;
	return 1;
}

#endif
