/* SPDX-License-Identifier: MIT */
/*
 * vmap_area.c - the books of the areas: mapping them, finding them, keeping dead ones for a while.
 *
 * The records form a treap: a search tree by address whose nodes are also a heap by a priority that
 * is a hash of the address. Its shape depends on the addresses alone, not on the order of
 * insertion; expected depth is O(log n). See vmap_area.h for the states and the lock.
 */
#include "vmalloc/vmap_area.h"

#include <errno.h>

#include "page/mm.h"
#include "util/align.h"
#include "util/assert.h"
#include "util/hash.h"

int qy__vmap_init(struct qy_mm *mm)
{
	struct qy__vmap_state *v = qy__mm_boot_alloc(mm, sizeof(*v), 64);

	if (!v)
		return -ENOMEM;
	/* A short span means the address space is limited: dead areas must not use it up. */
	v->dead_limit = min(QY__VMAP_MAX_DEAD_BYTES, mm->os.size / 16);
	v->idle_limit = min(QY__VMAP_MAX_IDLE_BYTES, mm->os.size / 64);
	mm->vmap = v;
	return 0;
}

void qy__vmap_release(struct qy_mm *mm)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy__vmap_area *a;

	if (!v)
		return;
	qy__lock(&v->lock);
	while ((a = v->root) != NULL) {
		qy__vmap_erase_locked(v, a);
		qy__osif_ops(&mm->os)->unmap(&mm->os, a->start, a->len, QY__VMAP_GUARD);
	}
	for (a = v->idle; a; a = a->next)
		qy__osif_ops(&mm->os)->unmap(&mm->os, a->start, a->len, QY__VMAP_GUARD);
	v->idle = NULL;
	v->nr_idle = v->idle_bytes = 0;
	v->dead_first = v->dead_last = NULL;
	v->nr_live = v->live_bytes = v->nr_dead = v->dead_bytes = 0;
	qy__unlock(&v->lock);
}

void qy__vmap_lock_all(struct qy_mm *mm)
{
	if (mm->vmap)
		qy__lock(&mm->vmap->lock);
}

void qy__vmap_unlock_all(struct qy_mm *mm)
{
	if (mm->vmap)
		qy__unlock(&mm->vmap->lock);
}

/* ---- the tree ---- */

static uint64_t priority(const struct qy__vmap_area *a)
{
	return qy__mix64((uintptr_t)a->start);
}

/* Cut @t in two: what starts below @key, and the rest. */
static void split(struct qy__vmap_area *t, const char *key, struct qy__vmap_area **below,
		  struct qy__vmap_area **rest)
{
	while (t) {
		if (t->start < key) {
			*below = t;
			below = &t->right;
			t = t->right;
		} else {
			*rest = t;
			rest = &t->left;
			t = t->left;
		}
	}
	*below = *rest = NULL;
}

/* Join two trees, all of @a below all of @b, at @link. */
static void join(struct qy__vmap_area **link, struct qy__vmap_area *a, struct qy__vmap_area *b)
{
	while (a && b) {
		if (priority(a) >= priority(b)) {
			*link = a;
			link = &a->right;
			a = a->right;
		} else {
			*link = b;
			link = &b->left;
			b = b->left;
		}
	}
	*link = a ? a : b;
}

void qy__vmap_insert_locked(struct qy__vmap_state *v, struct qy__vmap_area *a)
{
	struct qy__vmap_area **link = &v->root;
	uint64_t prio = priority(a);

	while (*link && priority(*link) >= prio)
		link = a->start < (*link)->start ? &(*link)->left : &(*link)->right;
	split(*link, a->start, &a->left, &a->right);
	*link = a;
	v->nr_live++;
	v->live_bytes += a->len;
}

/* Takes a live or dead area out of the tree; counters of the dead are the caller's. */
static void unlink_area(struct qy__vmap_state *v, struct qy__vmap_area *a)
{
	struct qy__vmap_area **link = &v->root;

	while (*link != a) {
		qy__assert(*link != NULL);
		link = a->start < (*link)->start ? &(*link)->left : &(*link)->right;
	}
	join(link, a->left, a->right);
}

void qy__vmap_erase_locked(struct qy__vmap_state *v, struct qy__vmap_area *a)
{
	unlink_area(v, a);
	if (!a->dead) {
		v->nr_live--;
		v->live_bytes -= a->len;
	}
}

struct qy__vmap_area *qy__vmap_find_locked(const struct qy__vmap_state *v, const void *addr)
{
	struct qy__vmap_area *a = v->root;

	while (a) {
		if ((const char *)addr < a->start)
			a = a->left;
		else if ((size_t)((const char *)addr - a->start) < a->len)
			break;
		else
			a = a->right;
	}
	return a;
}

struct qy__vmap_area *qy__vmap_ceiling_locked(const struct qy__vmap_state *v, const void *addr)
{
	struct qy__vmap_area *a = v->root, *found = NULL;

	while (a) {
		if ((const char *)addr <= a->start) {
			found = a;
			a = a->left;
		} else {
			a = a->right;
		}
	}
	return found;
}

/* ---- dead areas ---- */

/*
 * The oldest dead areas, until at most @nr and @bytes are left; chained by next, out of the tree.
 */
static struct qy__vmap_area *exhume_locked(struct qy__vmap_state *v, size_t nr, size_t bytes)
{
	struct qy__vmap_area *a, *chain = NULL;

	while ((a = v->dead_first) != NULL && (v->nr_dead > nr || v->dead_bytes > bytes)) {
		v->dead_first = a->next;
		if (!v->dead_first)
			v->dead_last = NULL;
		v->nr_dead--;
		v->dead_bytes -= a->len;
		unlink_area(v, a);
		a->next = chain;
		chain = a;
	}
	return chain;
}

struct qy__vmap_area *qy__vmap_bury_locked(struct qy_mm *mm, struct qy__vmap_area *a)
{
	struct qy__vmap_state *v = mm->vmap;

	qy__osif_ops(&mm->os)->protect(&mm->os, a->start, a->len);
	a->dead = true;
	v->nr_live--;
	v->live_bytes -= a->len;
	a->next = NULL;
	if (v->dead_last)
		v->dead_last->next = a;
	else
		v->dead_first = a;
	v->dead_last = a;
	v->nr_dead++;
	v->dead_bytes += a->len;
	return exhume_locked(v, QY__VMAP_MAX_DEAD, v->dead_limit);
}

/* ---- idle areas ---- */

/*
 * The oldest are at the end of the list, which is short: what is over the limits is cut off there.
 */
static struct qy__vmap_area *cut_idle_locked(struct qy__vmap_state *v, size_t nr, size_t bytes)
{
	struct qy__vmap_area **link = &v->idle, *chain;

	v->nr_idle = v->idle_bytes = 0;
	while (*link && v->nr_idle < nr && v->idle_bytes + (*link)->len <= bytes) {
		v->nr_idle++;
		v->idle_bytes += (*link)->len;
		link = &(*link)->next;
	}
	chain = *link;
	*link = NULL;
	return chain;
}

struct qy__vmap_area *qy__vmap_idle_locked(struct qy__vmap_state *v, struct qy__vmap_area *a)
{
	qy__vmap_erase_locked(v, a);
	a->next = NULL;
	if (a->len > v->idle_limit / 2)
		return a;
	a->next = v->idle;
	v->idle = a;
	return cut_idle_locked(v, QY__VMAP_MAX_IDLE, v->idle_limit);
}

/* One that fits @len without wasting more than a quarter. */
static struct qy__vmap_area *take_idle(struct qy__vmap_state *v, size_t len, size_t align)
{
	struct qy__vmap_area **link, *a;

	qy__lock(&v->lock);
	for (link = &v->idle; (a = *link) != NULL; link = &a->next) {
		if (a->len < len || a->len - len > len / 4 ||
		    !qy__is_aligned((uintptr_t)a->start, align))
			continue;
		*link = a->next;
		v->nr_idle--;
		v->idle_bytes -= a->len;
		break;
	}
	qy__unlock(&v->lock);
	return a;
}

/* ---- records and mappings ---- */

/*
 * The cache of records is made at the first area: an instance that never has one pays nothing. Two
 * threads may both make one; the slower takes its own down again.
 */
static struct qy_cache *record_cache(struct qy_mm *mm)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy_cache *none = NULL, *c = qy__load_acquire(&v->cache);

	if (c)
		return c;
	c = qy__cache_create(mm, "vmap_area", sizeof(struct qy__vmap_area), 0, QY_SLAB_NO_MERGE,
			     NULL);
	if (!c)
		return NULL;
	if (qy__cas_acq_rel(&v->cache, &none, c))
		return c;
	qy_cache_destroy(c);
	return none;
}

void qy__vmap_reap(struct qy_mm *mm, struct qy__vmap_area *chain)
{
	while (chain) {
		struct qy__vmap_area *a = chain;

		chain = a->next;
		qy__osif_ops(&mm->os)->unmap(&mm->os, a->start, a->len, QY__VMAP_GUARD);
		qy_cache_free(mm->vmap->cache, a);
	}
}

/* Everything that is kept for later. */
static struct qy__vmap_area *take_all(struct qy__vmap_state *v)
{
	struct qy__vmap_area *chain, *last;

	qy__lock(&v->lock);
	chain = exhume_locked(v, 0, 0);
	if (!chain) {
		chain = cut_idle_locked(v, 0, 0);
	} else {
		for (last = chain; last->next; last = last->next)
			;
		last->next = cut_idle_locked(v, 0, 0);
	}
	qy__unlock(&v->lock);
	return chain;
}

size_t qy__vmap_purge(struct qy_mm *mm)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy__vmap_area *chain;
	size_t bytes;

	qy__lock(&v->lock);
	bytes = v->idle_bytes;
	chain = cut_idle_locked(v, 0, 0);
	qy__unlock(&v->lock);
	qy__vmap_reap(mm, chain);
	return bytes;
}

bool qy__vmap_move(struct qy_mm *mm, struct qy__vmap_area *to, struct qy__vmap_area *from)
{
	if (!qy__osif_ops(&mm->os)->move(&mm->os, to->start, from->start, from->len,
					 QY__VMAP_GUARD))
		return false;
	qy_cache_free(mm->vmap->cache, from);
	return true;
}

struct qy__vmap_area *qy__vmap_create(struct qy_mm *mm, size_t len, size_t align, bool *used)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy_cache *cache = record_cache(mm);
	struct qy__vmap_area *a, *chain;

	a = used ? take_idle(v, len, align) : NULL;
	if (used)
		*used = a != NULL;
	if (a)
		return a;
	a = cache ? qy_cache_alloc(cache, QY_GFP_KERNEL | QY_GFP_ZERO | QY_GFP_NOWARN) : NULL;
	if (!a)
		return NULL;
	a->len = len;
	a->start = qy__osif_ops(&mm->os)->map(&mm->os, len, align, QY__VMAP_GUARD);
	if (!a->start) {
		/* The dead and the idle may hold what the living need. */
		chain = take_all(v);
		if (chain) {
			qy__vmap_reap(mm, chain);
			a->start = qy__osif_ops(&mm->os)->map(&mm->os, len, align, QY__VMAP_GUARD);
		}
	}
	if (!a->start) {
		qy_cache_free(cache, a);
		return NULL;
	}
	return a;
}
