/* SPDX-License-Identifier: MIT */
/* hash.h - mixing of words (the finaliser of splitmix64, Steele, Lea, Flood 2014). */
#ifndef QY_UTIL_HASH_H
#define QY_UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t qy__mix64(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t qy__hash_words(const uintptr_t *w, size_t n, uint64_t seed)
{
	uint64_t h = seed ^ (n * UINT64_C(0x9e3779b97f4a7c15));

	for (size_t i = 0; i < n; i++)
		h = qy__mix64(h + w[i]);
	return h;
}

#endif
