/* SPDX-License-Identifier: MIT */
/*
 * rng.c - splitmix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014),
 * and unbiased numbers below a bound by multiplication (Lemire, "Fast Random Integer Generation in
 * an Interval", 2019). Not for secrets.
 */
#include "util/rng.h"

#include "util/assert.h"
#include "util/atomic.h"
#include "util/hash.h"

#define GAMMA UINT64_C(0x9e3779b97f4a7c15)

void qy__rng_seed(struct qy__rng *rng, uint64_t seed)
{
	rng->state = seed;
}

uint64_t qy__rng_next(struct qy__rng *rng)
{
	rng->state += GAMMA;
	return qy__mix64(rng->state);
}

uint64_t qy__rng_next_shared(struct qy__rng *rng)
{
	return qy__mix64(qy__fetch_add(&rng->state, GAMMA) + GAMMA);
}

uint32_t qy__rng_below(struct qy__rng *rng, uint32_t n)
{
	uint64_t product;

	qy__assert(n > 0);
	/*
	 * The high word is the answer; low words below 2^32 mod n belong to a short interval and
	 * are redrawn.
	 */
	do {
		product = (qy__rng_next(rng) >> 32) * n;
	} while ((uint32_t)product < n && (uint32_t)product < -n % n);
	return (uint32_t)(product >> 32);
}
