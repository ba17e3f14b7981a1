/* SPDX-License-Identifier: MIT */
/*
 * own_malloc.c - a program that brings its own malloc, with a bug that nobody sees. Built three
 * ways:
 *
 *   OWN      its malloc is seen by the dynamic linker, as usual
 *   HIDDEN   it is not: only the full symbol table shows it
 *   WRAPPER  it only counts, and calls the next malloc: the calls do arrive
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef HIDDEN
#define VISIBILITY __attribute__((visibility("hidden")))
#else
#define VISIBILITY
#endif

static unsigned int calls;

#ifdef WRAPPER

VISIBILITY void *malloc(size_t size)
{
	void *(*next)(size_t) = (void *(*)(size_t))(uintptr_t)dlsym(RTLD_NEXT, "malloc");

	calls++;
	return next(size);
}

#else

static char arena[1 << 20] __attribute__((aligned(16)));
static size_t used;

VISIBILITY void *malloc(size_t size)
{
	size_t at = used;

	calls++;
	used += (size + 31) / 16 * 16;
	return used <= sizeof(arena) ? arena + at : NULL;
}

VISIBILITY void *calloc(size_t nr, size_t size)
{
	return malloc(nr * size);
}

VISIBILITY void free(void *p)
{
	(void)p;
}

#endif

int main(void)
{
	volatile size_t size = 10; /* the compiler shall not see it */
	volatile char *p = malloc(size);

	if (!p || !calls)
		return 9;
	p[size] = 'x';
	free((void *)p);
	return 0;
}
