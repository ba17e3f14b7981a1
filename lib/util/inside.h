/* SPDX-License-Identifier: MIT */
/*
 * inside.h - is the calling thread amid a call that may hold locks of ours?
 *
 * The malloc drop-ins count their calls here, so that one that comes out of a signal handler can
 * tell that it interrupted another. Where code of others runs within such a call (the unwinder, the
 * C library), which may allocate by right, no lock of ours is held: the count is put aside.
 */
#ifndef QY_UTIL_INSIDE_H
#define QY_UTIL_INSIDE_H

#include "util/compiler.h"

extern __thread unsigned int qy__inside __attribute__((tls_model("initial-exec")));

static inline unsigned int qy__inside_put_aside(void)
{
	unsigned int depth = qy__inside;

	qy__inside = 0;
	qy__barrier();
	return depth;
}

static inline void qy__inside_restore(unsigned int depth)
{
	qy__barrier();
	qy__inside = depth;
}

#endif
