/* SPDX-License-Identifier: MIT */
/*
 * check.h - what the programs of this folder share. They are plain programs: which malloc they run
 * on is decided by the runner, and require_drop_in() makes sure that it is the one that is meant.
 */
#ifndef TESTS_MALLOC_CHECK_H
#define TESTS_MALLOC_CHECK_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			check_failed(#cond, __FILE__, __LINE__);                                   \
		}                                                                                  \
	} while (0)

__attribute__((noreturn)) static inline void check_failed(const char *cond, const char *file,
							  int line)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s:%d: failed: %s\n", file, line, cond);

	if (write(2, text, (size_t)n) != n)
		_exit(2);
	_exit(1);
}

static bool is_debug_build;

/* argv[1] is "debug" or "release": the drop-in that must be in the process. */
static inline void require_drop_in(int argc, char **argv)
{
	const char *(*letters)(void);

	*(void **)&letters = dlsym(RTLD_DEFAULT, "qy_build_debug_letters");
	CHECK(argc > 1);
	CHECK(letters != NULL);
	is_debug_build = strcmp(argv[1], "debug") == 0;
	CHECK(is_debug_build == (letters()[0] != '\0'));
}

static inline void pattern_fill(void *p, size_t size, unsigned int seed)
{
	unsigned char *b = (unsigned char *)p;

	for (size_t i = 0; i < size; i++)
		b[i] = (unsigned char)(i * 13 + seed + (i >> 8) * 7);
}

static inline bool pattern_is(const void *p, size_t size, unsigned int seed)
{
	const unsigned char *b = (const unsigned char *)p;

	for (size_t i = 0; i < size; i++)
		if (b[i] != (unsigned char)(i * 13 + seed + (i >> 8) * 7))
			return false;
	return true;
}

static inline bool bytes_are(const void *p, size_t size, unsigned char byte)
{
	const unsigned char *b = (const unsigned char *)p;

	for (size_t i = 0; i < size; i++)
		if (b[i] != byte)
			return false;
	return true;
}

/* What the compiler must not know: it would work out calls of malloc by itself. */
static inline size_t opaque(size_t x)
{
	__asm__ volatile("" : "+r"(x));
	return x;
}

#endif
