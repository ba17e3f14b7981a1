/* SPDX-License-Identifier: MIT */
/* align.h - rounding to powers of two. */
#ifndef QY_UTIL_ALIGN_H
#define QY_UTIL_ALIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t qy__align_up(size_t x, size_t a)
{
	return (x + a - 1) & ~(a - 1);
}

static inline size_t qy__align_down(size_t x, size_t a)
{
	return x & ~(a - 1);
}

static inline bool qy__is_pow2(size_t x)
{
	return x && !(x & (x - 1));
}

static inline bool qy__is_aligned(uintptr_t x, size_t a)
{
	return !(x & (a - 1));
}

#endif
