/* SPDX-License-Identifier: MIT */
/* bitops.h - positions of bits, and bits in arrays of words. */
#ifndef QY_UTIL_BITOPS_H
#define QY_UTIL_BITOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/compiler.h"

/* 1-based position of the highest set bit; fls(0) = 0. */
static inline unsigned int qy__fls(uint64_t x)
{
	return x ? 64u - (unsigned int)__builtin_clzll(x) : 0;
}

/* floor(log2 x), x > 0. */
static inline unsigned int qy__ilog2(uint64_t x)
{
	return 63u - (unsigned int)__builtin_clzll(x);
}

/* 0-based position of the lowest set bit, x > 0. */
static inline unsigned int qy__ctz(uint64_t x)
{
	return (unsigned int)__builtin_ctzll(x);
}

/* The smallest order whose block holds @size bytes, size > 0. */
static inline unsigned int qy__get_order(size_t size)
{
	return size <= QY_PAGE_SIZE ? 0 : qy__fls((size - 1) >> QY_CONFIG_PAGE_SHIFT);
}

static inline size_t qy__roundup_pow2(size_t x)
{
	return x <= 1 ? 1 : (size_t)1 << qy__fls(x - 1);
}

static inline bool qy__test_bit(const uint64_t *map, size_t nr)
{
	return map[nr / 64] >> (nr % 64) & 1;
}

static inline void qy__set_bit(uint64_t *map, size_t nr)
{
	map[nr / 64] |= UINT64_C(1) << (nr % 64);
}

static inline void qy__clear_bit(uint64_t *map, size_t nr)
{
	map[nr / 64] &= ~(UINT64_C(1) << (nr % 64));
}

#endif
