/* SPDX-License-Identifier: MIT */
/*
 * walk.h - the registry of caches, read by checker and texts alike.
 *
 *   for (ok = qy__cache_walk_begin(&w, ck); ok && (c = qy__cache_walk_next(&w));)
 *           …                                     qy__cache_walk_end(&w) if ok
 *
 * Every head is tested before it is given out, and that it points back to the one before it: so
 * none comes twice, and the walk ends.
 */
#ifndef QY_CHECK_WALK_H
#define QY_CHECK_WALK_H

#include "check/check.h"
#include "slab/slab.h"

struct qy__cache_walk {
	struct qy__check *ck;
	struct qy__slab_state *state;
	struct qy_cache *next, *last; /* last: that was given out */
	uint32_t seen;
	bool locked;
};

/* Takes the registry's lock, if it can be had. False: nothing to walk, and nothing to end. */
bool qy__cache_walk_begin(struct qy__cache_walk *w, struct qy__check *ck);
/* The next cache; NULL: no more, or the links contradict each other. */
struct qy_cache *qy__cache_walk_next(struct qy__cache_walk *w);
/* All were given out: does the registry say so, too? */
void qy__cache_walk_check(const struct qy__cache_walk *w);
void qy__cache_walk_end(const struct qy__cache_walk *w);

#endif
