/* SPDX-License-Identifier: MIT */
/*
 * boot_arena.c - memory for the calls that come back to malloc while the instance is being made.
 *
 * A fixed piece of the library's own data, given out from bottom to top and never taken back: it
 * serves the thread that brings the instance up, and what it serves may live for ever. No lock: one
 * atomic add.
 *
 *   [size][object ....][pad][size][object ..]
 *
 * The word before an object is its size, for malloc_usable_size() and for realloc(), which moves it
 * into the instance.
 */
#include "malloc/malloc_internal.h"
#include "util/align.h"
#include "util/atomic.h"
#include "util/compiler.h"

#define ARENA_SIZE ((size_t)256 << 10)
#define HEADER 16u

static char arena[ARENA_SIZE] __attribute__((aligned(64)));
static size_t used;

void *qy__boot_alloc(size_t size, size_t align)
{
	size_t from, old, want;
	char *p;

	align = align < HEADER ? HEADER : align;
	if (size > ARENA_SIZE || align > ARENA_SIZE)
		return NULL;
	old = qy__load_relaxed(&used);
	do {
		from = qy__align_up((uintptr_t)arena + old + HEADER, align) - (uintptr_t)arena;
		want = qy__align_up(from + size, HEADER);
		if (want > ARENA_SIZE)
			return NULL;
	} while (!qy__cas_acq_rel(&used, &old, want));

	p = arena + from;
	*(size_t *)(void *)(p - HEADER) = size;
	return p;
}

bool qy__boot_owns(const void *p)
{
	return (uintptr_t)p - (uintptr_t)arena < ARENA_SIZE;
}

size_t qy__boot_size(const void *p)
{
	return *(const size_t *)(const void *)((const char *)p - HEADER);
}
