/* SPDX-License-Identifier: MIT */
/*
 * check_vmap.c - areas of the address space: V1, V3, V6.
 *
 * The records are a treap (see vmalloc/vmap_area.h): one walk in order of addresses sees each once.
 * It goes on only as long as addresses ascend, and its stack is bounded, so that no damage can keep
 * it going. What an area maps is not touched: nothing here proves that it is still mapped.
 *
 * Lock: vmap_state->lock.
 */
#include "check/check.h"

#include "util/align.h"
#include "util/hash.h"
#include "vmalloc/vmap_area.h"

#define MAX_DEPTH 128 /* expected: twice the logarithm of the number of areas */

struct vmap_walk {
	struct qy__check *ck;
	const struct qy__vmap_area *last;
	size_t live, live_bytes, dead, dead_bytes;
};

static uint64_t priority(const struct qy__vmap_area *a)
{
	return qy__mix64((uintptr_t)a->start);
}

/* Everything about one area that does not need its neighbours. False: walk no further. */
static bool check_area(struct vmap_walk *k, const struct qy__vmap_area *a)
{
	struct qy__check *ck = k->ck;
	const struct qy__vmap_area *last = k->last;

	if (!qy__holds(ck, !last || (uintptr_t)a->start > (uintptr_t)last->start, "V6",
		       "area at 0x%llx is not above the one before it in the tree",
		       (unsigned long long)(uintptr_t)a->start))
		return false;
	qy__holds(ck,
		  !last || (uintptr_t)a->start - (uintptr_t)last->start >=
				   last->len + QY__VMAP_GUARD,
		  "V1", "area at 0x%llx begins in the one before it, or in its guard",
		  (unsigned long long)(uintptr_t)a->start);
	qy__holds(ck, (uintptr_t)a->start + a->len < ck->start || (uintptr_t)a->start >= ck->end,
		  "V1", "area at 0x%llx lies among the instance's pages",
		  (unsigned long long)(uintptr_t)a->start);
	qy__holds(ck,
		  a->len && !(a->len & QY_PAGE_MASK) && !((uintptr_t)a->start & QY_PAGE_MASK) &&
			  a->offset <= a->len && a->size <= a->len - a->offset,
		  "V3", "area at 0x%llx: %zu bytes at offset %zu of %zu",
		  (unsigned long long)(uintptr_t)a->start, a->size, a->offset, a->len);
	if (qy__check_flag(&a->dead)) {
		k->dead++;
		k->dead_bytes += a->len;
	} else {
		k->live++;
		k->live_bytes += a->len;
	}
	k->last = a;
	return true;
}

/* A link of the tree can be followed, and the heap's order holds along it. */
static bool check_link(struct qy__check *ck, const struct qy__vmap_area *from,
		       const struct qy__vmap_area *to)
{
	if (!to)
		return true;
	if (!qy__holds(ck, qy__check_struct(ck, to), "V6", "the tree of areas leads to 0x%llx",
		       (unsigned long long)(uintptr_t)to))
		return false;
	qy__holds(ck, !from || priority(from) >= priority(to), "V6",
		  "area at 0x%llx is above the one at 0x%llx in the tree",
		  (unsigned long long)(uintptr_t)from->start,
		  (unsigned long long)(uintptr_t)to->start);
	return true;
}

/* In order, with the way back on a stack. False: the tree is damaged, and not all was seen. */
static bool walk_tree(struct vmap_walk *k, const struct qy__vmap_area *root)
{
	const struct qy__vmap_area *stack[MAX_DEPTH], *a = root;
	unsigned int depth = 0;

	if (!check_link(k->ck, NULL, root))
		return false;
	while (a || depth) {
		for (; a; a = a->left) {
			if (!qy__holds(k->ck, depth < MAX_DEPTH, "V6",
				       "the tree of areas is too deep"))
				return false;
			if (!check_link(k->ck, a, a->left))
				return false;
			stack[depth++] = a;
		}
		a = stack[--depth];
		if (!check_area(k, a) || !check_link(k->ck, a, a->right))
			return false;
		a = a->right;
	}
	return true;
}

/* Dead areas wait in a queue; @nr of them are in the tree. */
static void check_dead(struct qy__check *ck, const struct qy__vmap_state *v, size_t nr)
{
	const struct qy__vmap_area *a = v->dead_first, *last = NULL;
	size_t n = 0;

	for (; a && n <= nr; n++) {
		if (!qy__holds(ck, qy__check_struct(ck, a) && qy__check_flag(&a->dead), "V1",
			       "the queue of dead areas leads to 0x%llx",
			       (unsigned long long)(uintptr_t)a))
			return;
		last = a;
		a = a->next;
	}
	qy__holds(ck, n == nr && last == v->dead_last, "V1", "%zu dead areas, %zu in the queue", nr,
		  n);
}

void qy__check_vmap(struct qy__check *ck)
{
	struct qy__vmap_state *v = ck->mm->vmap;
	struct vmap_walk k = {.ck = ck};

	if (!v)
		return;
	if (!qy__holds(ck, qy__check_struct(ck, v), "MM",
		       "the areas' state is not where it can be") ||
	    !qy__check_lock(ck, &v->lock, "areas"))
		return;
	if (walk_tree(&k, v->root)) {
		qy__holds(ck, k.live == v->nr_live && k.live_bytes == v->live_bytes, "V1",
			  "%zu live areas of %zu bytes, the counters say %zu and %zu", k.live,
			  k.live_bytes, v->nr_live, v->live_bytes);
		qy__holds(ck, k.dead == v->nr_dead && k.dead_bytes == v->dead_bytes, "V1",
			  "%zu dead areas of %zu bytes, the counters say %zu and %zu", k.dead,
			  k.dead_bytes, v->nr_dead, v->dead_bytes);
		check_dead(ck, v, k.dead);
	}
	qy__check_unlock(ck, &v->lock);
}
