/* SPDX-License-Identifier: MIT */
/*
 * stackdepot.c - each different stack once.
 *
 * A record is written whole before its handle is published in its bucket (release), and never
 * changes: readers need no lock. Records are only prepended, so along a chain the handles fall; a
 * chain in damaged memory cannot go round in circles.
 *
 * Lock: d->lock guards pool[], nr_pools, used, nr_stacks and the heads of the buckets; nothing is
 * called under it.
 */
#include "util/stackdepot.h"

#include <errno.h>
#include <string.h>

#include "util/align.h"
#include "util/assert.h"
#include "util/hash.h"

struct record {
	uint32_t next; /* handle: of an older stack in the same bucket */
	uint32_t hash;
	uint32_t nr;
	uint32_t seal; /* made from the handle: tells a record from the middle of one */
	uintptr_t pc[];
};

static size_t record_size(unsigned int nr)
{
	return qy__align_up(sizeof(struct record) + nr * sizeof(uintptr_t), 8);
}

static size_t pool_size(const struct qy__stackdepot *d)
{
	return (size_t)1 << d->pool_shift;
}

static uint32_t make_handle(const struct qy__stackdepot *d, uint32_t pool, size_t offset)
{
	return (pool << (d->pool_shift - 3) | (uint32_t)(offset >> 3)) + 1;
}

static uint32_t seal_of(uint32_t handle)
{
	return (uint32_t)(qy__mix64(handle) >> 32);
}

/* NULL unless all of what the handle names lies in a pool. */
static struct record *record_of(const struct qy__stackdepot *d, uint32_t handle)
{
	uint32_t nr_pools = qy__load_acquire(&d->nr_pools);
	uint32_t pool = (handle - 1) >> (d->pool_shift - 3);
	size_t offset = ((size_t)(handle - 1) << 3) & (pool_size(d) - 1);
	struct record *rec;

	if (!handle || pool >= nr_pools || offset + sizeof(*rec) > pool_size(d))
		return NULL;
	rec = (struct record *)((char *)d->pool[pool] + offset);
	if (rec->nr > (pool_size(d) - offset - sizeof(*rec)) / sizeof(rec->pc[0]))
		return NULL;
	return rec;
}

static uint32_t find(const struct qy__stackdepot *d, uint32_t handle, uint32_t hash,
		     const uintptr_t *pcs, unsigned int n)
{
	while (handle) {
		const struct record *rec = record_of(d, handle);

		if (!rec)
			return 0;
		if (rec->hash == hash && rec->nr == n && !memcmp(rec->pc, pcs, n * sizeof(*pcs)))
			return handle;
		if (rec->next >= handle)
			return 0;
		handle = rec->next;
	}
	return 0;
}

static uint32_t insert_locked(struct qy__stackdepot *d, uint32_t *bucket, uint32_t hash,
			      const uintptr_t *pcs, unsigned int n)
{
	uint32_t handle;
	struct record *rec;

	if (!d->nr_pools || d->used + record_size(n) > pool_size(d))
		return 0;
	handle = make_handle(d, d->nr_pools - 1, d->used);
	rec = (struct record *)((char *)d->pool[d->nr_pools - 1] + d->used);
	rec->next = *bucket;
	rec->hash = hash;
	rec->nr = n;
	rec->seal = seal_of(handle);
	memcpy(rec->pc, pcs, n * sizeof(*pcs));
	d->used += record_size(n);
	qy__store_relaxed(&d->nr_stacks, d->nr_stacks + 1);
	qy__store_release(bucket, handle);
	return handle;
}

void qy__depot_init(struct qy__stackdepot *d, uint32_t *bucket, uint32_t nr_buckets, void **pool,
		    uint32_t max_pools, unsigned int pool_shift)
{
	qy__assert(qy__is_pow2(nr_buckets));
	qy__assert(pool_shift >= 10 && pool_shift <= 24);
	*d = (struct qy__stackdepot){
		.pool_shift = pool_shift,
		.bucket = bucket,
		.nr_buckets = nr_buckets,
		.pool = pool,
		.max_pools = max_pools,
	};
}

int qy__depot_add_pool(struct qy__stackdepot *d, void *mem)
{
	int ret = -ENOSPC;

	qy__lock(&d->lock);
	/* Beyond the table, or beyond what 32 bits can name. */
	if (d->nr_pools < d->max_pools &&
	    (uint64_t)(d->nr_pools + 1) << (d->pool_shift - 3) <= UINT32_MAX) {
		d->pool[d->nr_pools] = mem;
		d->used = 0;
		qy__store_release(&d->nr_pools, d->nr_pools + 1);
		ret = 0;
	}
	qy__unlock(&d->lock);
	return ret;
}

uint32_t qy__depot_save(struct qy__stackdepot *d, const uintptr_t *pcs, unsigned int n,
			bool *want_pool)
{
	/* A stack longer than a pool keeps its innermost frames. */
	unsigned int most = (unsigned int)((pool_size(d) - sizeof(struct record)) / sizeof(*pcs));
	uint32_t *bucket, handle, hash;
	uint64_t h;

	*want_pool = false;
	if (!n)
		return 0;
	n = min(n, most);
	h = qy__hash_words(pcs, n, 0);
	hash = (uint32_t)(h >> 32);
	bucket = &d->bucket[h & (d->nr_buckets - 1)];

	handle = find(d, qy__load_acquire(bucket), hash, pcs, n);
	if (handle)
		return handle;

	qy__lock(&d->lock);
	handle = find(d, *bucket, hash, pcs, n); /* another thread may have been faster */
	if (!handle)
		handle = insert_locked(d, bucket, hash, pcs, n);
	qy__unlock(&d->lock);
	*want_pool = !handle;
	return handle;
}

unsigned int qy__depot_fetch(const struct qy__stackdepot *d, uint32_t handle, const uintptr_t **pcs)
{
	const struct record *rec = record_of(d, handle);

	if (!rec || !rec->nr || rec->seal != seal_of(handle))
		return 0;
	if (rec->hash != (uint32_t)(qy__hash_words(rec->pc, rec->nr, 0) >> 32))
		return 0;
	*pcs = rec->pc;
	return rec->nr;
}
