/* SPDX-License-Identifier: MIT */
/* fail.h - a public call has nothing to give: NULL, and errno says why. Slow paths only. */
#ifndef QY_UTIL_FAIL_H
#define QY_UTIL_FAIL_H

#include <errno.h>
#include <stddef.h>

static inline void *qy__fail(int err)
{
	errno = err;
	return NULL;
}

#endif
