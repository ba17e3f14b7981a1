/* SPDX-License-Identifier: MIT */
/*
 * interpose.c - what all stand-ins do. It calls no function by a name that it stands in for itself,
 * but dlvsym(), malloc() and free().
 *
 * True functions are looked up at the first call, whoever makes it: the dynamic linker's own lookup
 * calls functions of the C library by addresses that cannot be stood in for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "interpose.h"

#define MOST 512

static __thread int interpose_inside __attribute__((tls_model("initial-exec")));
unsigned int interpose_count[MOST];
/* The drop-in's addresses. */
uintptr_t interpose_from, interpose_to;

/* From the program: its thread is in a call of malloc's kin from now on, or no more. */
void interpose_enter(int on)
{
	interpose_inside = on;
}

/* By its version: dlsym() is one of them, and a lookup that fails allocates. */
static void *look_up(unsigned int nr)
{
	void *at = dlvsym(RTLD_NEXT, interpose_name[nr], interpose_version[nr]);

	if (!at)
		__builtin_trap();
	return at;
}

void *interpose_note(unsigned int nr, const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	if (!__atomic_load_n(&interpose_real[nr], __ATOMIC_RELAXED)) {
		int inside = interpose_inside;

		interpose_inside = 0;
		__atomic_store_n(&interpose_real[nr], look_up(nr), __ATOMIC_RELAXED);
		interpose_inside = inside;
	}
	if (!interpose_allowed[nr] && interpose_inside && at >= interpose_from &&
	    at < interpose_to) {
		__atomic_fetch_add(&interpose_count[nr], 1, __ATOMIC_RELAXED);
		free(malloc(40)); /* as a library might: round and round, if it is called again */
	}
	return interpose_real[nr];
}
