/* SPDX-License-Identifier: MIT */
/*
 * call.h - one call of a user's, as it goes down the floors: what was asked for, by whom, how.
 *
 * The public function makes it on its stack; every floor hands the same one on. Where debugging
 * keeps stacks, qy__debug_call() adds, once, where the call came from. Read by C and C++.
 */
#ifndef QY_SLAB_CALL_H
#define QY_SLAB_CALL_H

#include <quarry/debug.h>

struct qy__call {
	size_t size, align;    /* asked for (free: claimed); 0: not said, the usual */
	enum qy_family family; /* NONE: not compared with anything */
	bool libc;	       /* C's rules hold: 0 bytes are an object, much slack is given back */
	bool sized, aligned;   /* free: size / align must match */
	uintptr_t caller;      /* return address of the public function */

	/* ---- filled by qy__debug_call() ---- */
	bool traced;	/* it was */
	uint32_t stack; /* depot handle */
	uint32_t cpu;
	int32_t tid;
	uint64_t when;
};

#endif
