/* SPDX-License-Identifier: MIT */
/*
 * registry.c - which caches there are: a list in the order of their creation.
 *
 * Lock: slab_state->lock, taken before any cache's. Walks are bounded by the number of caches.
 */
#include "slab/slab.h"

void qy__registry_add(struct qy_cache *c)
{
	struct qy__slab_state *st = c->mm->slab;

	qy__lock(&st->lock);
	c->prev = st->last;
	c->next = NULL;
	if (st->last)
		st->last->next = c;
	else
		st->first = c;
	st->last = c;
	st->nr_caches++;
	qy__unlock(&st->lock);
}

void qy__registry_del(struct qy_cache *c)
{
	struct qy__slab_state *st = c->mm->slab;

	qy__lock(&st->lock);
	*(c->prev ? &c->prev->next : &st->first) = c->next;
	*(c->next ? &c->next->prev : &st->last) = c->prev;
	st->nr_caches--;
	qy__unlock(&st->lock);
}

bool qy__registry_has_locked(const struct qy_mm *mm, const struct qy_cache *c)
{
	const struct qy_cache *at = mm->slab->first;

	for (uint32_t n = mm->slab->nr_caches; at && n; n--, at = at->next)
		if (at == c)
			return true;
	return false;
}

struct qy_cache *qy_cache_at(struct qy_mm *mm, unsigned int i)
{
	struct qy_cache *c = NULL;

	qy__lock(&mm->slab->lock);
	if (i < mm->slab->nr_caches)
		for (c = mm->slab->first; c && i; i--)
			c = c->next;
	qy__unlock(&mm->slab->lock);
	return c;
}

void qy__slab_lock_all(struct qy_mm *mm)
{
	struct qy_cache *c;

	qy__lock(&mm->slab->lock);
	c = mm->slab->first;
	for (uint32_t n = mm->slab->nr_caches; c && n; n--, c = c->next)
		qy__lock(&c->lock);
}

void qy__slab_unlock_all(struct qy_mm *mm)
{
	struct qy_cache *c = mm->slab->first;

	for (uint32_t n = mm->slab->nr_caches; c && n; n--, c = c->next)
		qy__unlock(&c->lock);
	qy__unlock(&mm->slab->lock);
}
