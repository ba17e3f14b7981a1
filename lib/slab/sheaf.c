/* SPDX-License-Identifier: MIT */
/*
 * sheaf.c - making, filling and emptying the per-CPU arrays of free objects.
 *
 * A sheaf is made when a CPU first uses its cache; it then belongs to that CPU until the cache is
 * destroyed. Sheaves are objects of four small caches that have no sheaves themselves. Objects on
 * their way from or to the flavour lie in an array of the caller's: what a fork() loses there is
 * lost for the child, no more.
 *
 * Lock: none here; the flavour locks.
 */
#include "slab/sheaf.h"

#include <string.h>

#include "page/page_alloc.h"
#include "slab/cpu.h"
#include "util/plant.h"

static const uint16_t capacities[QY__NR_SHEAF_SIZES] = {4, 12, 26, QY__SHEAF_MAX};

unsigned int qy__sheaf_size(unsigned int i)
{
	return capacities[i];
}

unsigned int qy__sheaf_capacity(size_t slot)
{
	if (slot >= QY_PAGE_SIZE)
		return capacities[0];
	if (slot >= 1024)
		return capacities[1];
	return slot >= 256 ? capacities[2] : capacities[3];
}

static struct qy_cache *cache_for(const struct qy_cache *c)
{
	for (int i = 0; i < QY__NR_SHEAF_SIZES; i++)
		if (capacities[i] == c->sheaf_capacity)
			return c->mm->slab->sheaf_cache[i];
	return NULL;
}

bool qy__sheaf_make(struct qy_cache *c, unsigned int cpu)
{
	struct qy__sheaf *sheaf;
	struct qy_cache *from;
	void *object;

	if (cpu >= c->mm->cpus.nr || !c->sheaf_capacity)
		return false;
	if (c->sheaf[cpu] != &c->mm->slab->nobody)
		return true;
	from = cache_for(c);
	if (!from || qy__slab_ops(from)->refill(from, QY_GFP_NOWAIT, &object, 1) != 1)
		return false;
	sheaf = object;
	sheaf->size = 0;
	sheaf->capacity = c->sheaf_capacity;
	qy__store_release(&c->sheaf[cpu], sheaf);
	return true;
}

/* With reclaim one object only: shrinkers that free may fill the sheaf meanwhile. */
static void *refill_one(struct qy_cache *c, qy_gfp_t gfp)
{
	void *object;

	if (qy__slab_ops(c)->refill(c, gfp, &object, 1) == 1)
		return object;
	return qy__cache_pop(c);
}

void *qy__sheaf_refill(struct qy_cache *c, unsigned int gfp)
{
	unsigned int n, want = (c->sheaf_capacity + 1u) / 2;
	qy_gfp_t at_once = qy__gfp_at_once(gfp);
	void *batch[(QY__SHEAF_MAX + 1) / 2];

	n = qy__slab_ops(c)->refill(c, at_once, batch, want);
	if (!n)
		return gfp == at_once ? NULL : refill_one(c, gfp);
	if (qy__planted(HANDED_OUT_TWICE))
		batch[n - 1] = batch[0];
	/* The lowest address, taken first from the slab, is popped first. */
	for (unsigned int i = n - 1; i > 0; i--)
		if (unlikely(!qy__cache_push(c, batch[i])))
			qy__slab_ops(c)->flush(c, &batch[i], 1);
	return batch[0];
}

/*
 * The oldest go: what was freed last is still warm. At no instruction may an object be in the sheaf
 * and back on its slab, or in the sheaf twice: a fork() would copy that. Losing some there is
 * harmless.
 */
static unsigned int take_oldest(struct qy__sheaf *sheaf, unsigned int keep, void **batch)
{
	unsigned int n = sheaf->size - keep;

	memcpy(batch, sheaf->objects, n * sizeof(void *));
	qy__store_relaxed(&sheaf->size, 0);
	qy__barrier();
	memmove(sheaf->objects, sheaf->objects + n, keep * sizeof(void *));
	qy__barrier();
	qy__store_relaxed(&sheaf->size, keep);
	return n;
}

void qy__sheaf_flush(struct qy_cache *c, unsigned int cpu, unsigned int keep)
{
	struct qy__sheaf *sheaf = c->sheaf[cpu];
	void *batch[QY__SHEAF_MAX];
	unsigned int n;

	if (sheaf->size <= keep)
		return;
	n = take_oldest(sheaf, keep, batch);
	qy__slab_ops(c)->flush(c, batch, qy__planted(SHEAF_LOSES) ? n - 1 : n);
}

void qy__sheaf_drain_all(struct qy_cache *c)
{
	struct qy_cache *from = cache_for(c);

	for (unsigned int cpu = 0; cpu < c->mm->cpus.nr; cpu++) {
		void *sheaf = c->sheaf[cpu];

		if (sheaf == &c->mm->slab->nobody)
			continue;
		qy__sheaf_flush(c, cpu, 0);
		c->sheaf[cpu] = &c->mm->slab->nobody;
		qy__slab_ops(from)->flush(from, &sheaf, 1);
	}
}
