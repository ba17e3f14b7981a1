/* SPDX-License-Identifier: MIT */
/* rng.h - splitmix64; the state is one word of the instance. */
#ifndef QY_UTIL_RNG_H
#define QY_UTIL_RNG_H

#include <stdint.h>

struct qy__rng {
	uint64_t state;
};

void qy__rng_seed(struct qy__rng *rng, uint64_t seed);
uint64_t qy__rng_next(struct qy__rng *rng);
/* The same numbers, for several threads at once; not together with the others. */
uint64_t qy__rng_next_shared(struct qy__rng *rng);
/* 0 … n-1 without bias, n > 0. */
uint32_t qy__rng_below(struct qy__rng *rng, uint32_t n);

#endif
