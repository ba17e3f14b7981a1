/* SPDX-License-Identifier: MIT */
/*
 * sheaf.c - making, filling and emptying the per-CPU arrays of free objects.
 *
 * A sheaf is made when a CPU first uses its cache; it then belongs to that CPU until the cache is
 * destroyed. Sheaves are objects of four small caches that have no sheaves themselves.
 *
 * Lock: none here; the flavour locks.
 */
#include "slab/sheaf.h"

#include <string.h>

#include "page/page_alloc.h"
#include "slab/slab.h"
#include "util/plant.h"

const struct qy__sheaf qy__nobody_sheaf = {0, 0};

static const uint16_t capacities[QY__NR_SHEAF_SIZES] = {4, 12, 26, QY__SHEAF_MAX};

unsigned int qy__sheaf_capacity(size_t slot)
{
	if (slot >= QY_PAGE_SIZE)
		return 4;
	if (slot >= 1024)
		return 12;
	return slot >= 256 ? 26 : 60;
}

static struct qy_cache *cache_for(const struct qy_cache *c)
{
	for (int i = 0; i < QY__NR_SHEAF_SIZES; i++)
		if (capacities[i] == c->sheaf_capacity)
			return c->mm->slab->sheaf_cache[i];
	return NULL;
}

struct qy__sheaf *qy__sheaf_get(struct qy_cache *c, unsigned int cpu)
{
	struct qy__sheaf *sheaf;
	struct qy_cache *from;
	void *object;

	if (cpu >= c->mm->cpus.nr || !c->sheaf_capacity)
		return NULL;
	sheaf = c->sheaf[cpu];
	if (sheaf != &qy__nobody_sheaf)
		return sheaf;
	from = cache_for(c);
	if (!from || from->ops->refill(from, QY_GFP_NOWAIT, &object, 1) != 1)
		return NULL;
	sheaf = object;
	sheaf->size = 0;
	sheaf->capacity = c->sheaf_capacity;
	qy__store_release(&c->sheaf[cpu], sheaf);
	return sheaf;
}

/* With reclaim, one object only and not into the sheaf: a shrinker may free into that meanwhile. */
static void *refill_one(struct qy_cache *c, struct qy__sheaf *sheaf, qy_gfp_t gfp)
{
	void *object;

	if (c->ops->refill(c, gfp, &object, 1) == 1)
		return object;
	return sheaf->size ? qy__sheaf_pop(sheaf) : NULL;
}

void *qy__sheaf_refill(struct qy_cache *c, struct qy__sheaf *sheaf, unsigned int gfp)
{
	qy_gfp_t at_once = qy__gfp_at_once(gfp);
	unsigned int n = c->ops->refill(c, at_once, sheaf->objects, (sheaf->capacity + 1) / 2);

	if (!n)
		return gfp == at_once ? NULL : refill_one(c, sheaf, gfp);
	/* The lowest address, taken first from the slab, is popped first. */
	for (unsigned int i = 0; i < n / 2; i++) {
		void *swap = sheaf->objects[i];

		sheaf->objects[i] = sheaf->objects[n - 1 - i];
		sheaf->objects[n - 1 - i] = swap;
	}
	if (qy__planted(HANDED_OUT_TWICE))
		sheaf->objects[0] = sheaf->objects[n - 1];
	qy__barrier();
	qy__store_relaxed(&sheaf->size, n);
	return qy__sheaf_pop(sheaf);
}

void qy__sheaf_flush(struct qy_cache *c, struct qy__sheaf *sheaf, unsigned int keep)
{
	void *batch[QY__SHEAF_MAX];
	unsigned int n = sheaf->size - keep;

	/*
	 * The oldest go: what was freed last is still warm. At no instruction may an object be in
	 * the sheaf and back on its slab, or in the sheaf twice: a fork() would copy that. Losing
	 * some there is harmless.
	 */
	memcpy(batch, sheaf->objects, n * sizeof(void *));
	qy__store_relaxed(&sheaf->size, 0);
	qy__barrier();
	memmove(sheaf->objects, sheaf->objects + n, keep * sizeof(void *));
	qy__barrier();
	qy__store_relaxed(&sheaf->size, keep);
	c->ops->flush(c, batch, qy__planted(SHEAF_LOSES) && n ? n - 1 : n);
}

void qy__sheaf_drain_all(struct qy_cache *c)
{
	struct qy_cache *from = cache_for(c);

	for (unsigned int cpu = 0; cpu < c->mm->cpus.nr; cpu++) {
		struct qy__sheaf *sheaf = c->sheaf[cpu];
		void *object = sheaf;

		if (sheaf == &qy__nobody_sheaf)
			continue;
		qy__sheaf_flush(c, sheaf, 0);
		c->sheaf[cpu] = (struct qy__sheaf *)&qy__nobody_sheaf;
		from->ops->flush(from, &object, 1);
	}
}
