/* SPDX-License-Identifier: MIT */
/*
 * walk.c - the bounded walk over the registry of caches, for checker and texts: S12.
 *
 * Lock: the registry's, from begin to end.
 */
#include "check/walk.h"

#include "check/check_slab.h"

#define MAX_CACHES 8192 /* more than can be made: where a walk along damaged links ends */

bool qy__cache_walk_begin(struct qy__cache_walk *w, struct qy__check *ck)
{
	struct qy__slab_state *state = ck->mm->slab;

	*w = (struct qy__cache_walk){.ck = ck, .state = state};
	if (!qy__holds(ck, qy__check_struct(ck, state), "MM",
		       "the slab floor's state is not where it can be"))
		return false;
	w->locked = qy__check_lock(ck, &state->lock, "cache registry");
	w->next = state->first;
	return true;
}

struct qy_cache *qy__cache_walk_next(struct qy__cache_walk *w)
{
	struct qy_cache *c = w->next;

	w->next = NULL;
	if (!c || w->seen == MAX_CACHES || !qy__check_head(w->ck, c))
		return NULL;
	if (!qy__holds(w->ck, c->prev == w->last, "S12", "registry: %.31s does not point back",
		       c->name))
		return NULL;
	w->seen++;
	w->last = c;
	w->next = c->next;
	return c;
}

void qy__cache_walk_check(const struct qy__cache_walk *w)
{
	const struct qy__slab_state *state = w->state;

	qy__holds(w->ck, w->seen == state->nr_caches && state->last == w->last, "S12",
		  "registry: %u caches found, the counter says %u%s", w->seen, state->nr_caches,
		  state->last == w->last ? "" : "; the last one is not the last");
}

void qy__cache_walk_end(const struct qy__cache_walk *w)
{
	if (w->locked)
		qy__check_unlock(w->ck, &w->state->lock);
}
