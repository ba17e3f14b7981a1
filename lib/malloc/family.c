/* SPDX-License-Identifier: MIT */
/*
 * family.c - damage that a process had when it forked is told once, not by each child as well.
 *
 * A set of keys in memory that parents and children share: what damage was told. The children's
 * objects are at the addresses of their parent's, allocated at the same time: that makes the key.
 * At its end a process leaves out what is in the set. No lock; a full set takes no more.
 */
#include <sys/mman.h>

#include "malloc/malloc_internal.h"
#include "report/report.h"
#include "util/atomic.h"
#include "util/compiler.h"
#include "util/hash.h"

#define NR_KEYS 4096u
#define NR_TRIES 16u

static uint64_t *keys;
static uint32_t is_looking;

static uint64_t key_of(const struct qy_report *r)
{
	uint64_t key = qy__mix64((uint64_t)r->kind + 1);

	key = qy__mix64(key + (uintptr_t)r->object);
	key = qy__mix64(key + r->alloc.when);
	key = qy__mix64(key + (uintptr_t)r->damage + r->found);
	return key ? key : 1;
}

/* true: it was in the set. */
static bool add(uint64_t key)
{
	for (unsigned int i = 0; i < NR_TRIES; i++) {
		uint64_t *at = &keys[(key + i) % NR_KEYS], there = 0;

		if (qy__cas_acq_rel(at, &there, key))
			return false;
		if (there == key)
			return true;
	}
	return false;
}

static bool is_told(const struct qy_report *r)
{
	return r->damage && add(key_of(r)) && qy__load_relaxed(&is_looking);
}

void qy__family_init(void)
{
	void *p = mmap(NULL, NR_KEYS * sizeof(*keys), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	keys = p;
	qy__report_is_told = is_told;
}

void qy__family_look(bool on)
{
	qy__store_relaxed(&is_looking, on);
}
