/* SPDX-License-Identifier: MIT */
/*
 * stackdepot.h - each different stack once; a stack is then a 32-bit handle (0: none).
 *
 * Records live in pools that the owner hands in; nothing is ever removed. Lookup takes no lock:
 * buckets are published with release stores. A handle is (pool number << pool_shift - 3 | offset /
 * 8) + 1.
 *
 *   bucket[hash] → record { next handle, hash, nr, pc[nr] } → …
 */
#ifndef QY_UTIL_STACKDEPOT_H
#define QY_UTIL_STACKDEPOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/lock.h"

struct qy__stackdepot {
	struct qy__lock lock; /* insertion; taken last of all */
	unsigned int pool_shift;
	uint32_t *bucket;
	uint32_t nr_buckets; /* power of two */
	void **pool;
	uint32_t nr_pools, max_pools;
	size_t used; /* bytes used in the newest pool */
	uint64_t nr_stacks;
};

/* Tables are given by the caller, zeroed; @pool_shift: log2 of a pool's bytes, 10…24. */
void qy__depot_init(struct qy__stackdepot *d, uint32_t *bucket, uint32_t nr_buckets, void **pool,
		    uint32_t max_pools, unsigned int pool_shift);
/* One more pool of 1 << pool_shift bytes. Return: 0, -ENOSPC when the table of pools is full. */
int qy__depot_add_pool(struct qy__stackdepot *d, void *mem);
/*
 * The handle of a stack. *@want_pool is set when there was no room: the caller adds a pool and
 * tries again.
 * Return: 0 when n == 0 or there was no room.
 */
uint32_t qy__depot_save(struct qy__stackdepot *d, const uintptr_t *pcs, unsigned int n,
			bool *want_pool);
/* The frames of a handle; 0 for 0 and for any handle that was never given out (range-checked). */
unsigned int qy__depot_fetch(const struct qy__stackdepot *d, uint32_t handle,
			     const uintptr_t **pcs);

#endif
