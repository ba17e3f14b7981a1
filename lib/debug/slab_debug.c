/* SPDX-License-Identifier: MIT */
/*
 * slab_debug.c - the way in and out of a debug cache: one object at a time, under the lock, with
 * all checks.
 *
 * It is a different path, not extra lines in the fast one: a debug cache has no sheaf, so the fast
 * path misses.
 *
 *   alloc  slub_alloc_debug → alloc_check (slab, pointer, free bytes) → alloc_done (fill, track)
 *   end    live? whole? of this family? → fill, track, not live       (free.c, then quarantine)
 *   release, when it leaves the quarantine → still whole? → back to the slab
 *
 * What fails a check is reported, repaired, and not used again: a slab is given up at allocation,
 * an object at free.
 *
 * Lock: c->lock; the registry's, without it, to look at the cache of a wrong pointer.
 */
#include <errno.h>
#include <string.h>

#include "debug/debug.h"
#include "util/plant.h"

/*
 * The free pointer of an object that waits in quarantine or is given up: should a damaged list lead
 * to it, it is not handed out, for this is no object.
 */
#define NOT_ON_A_LIST ((void *)(uintptr_t)0x6b6b6b6b6b6b6b6b)

static bool checks(const struct qy_cache *c)
{
	return qy__debug_has(c->flags, QY_SLAB_CONSISTENCY_CHECKS);
}

void qy__debug_setup_slab(struct qy_cache *c, struct qy_page *slab)
{
	char *start = qy__page_addr(c->mm, slab);

	if (qy__debug_has(c->flags, QY_SLAB_POISON))
		memset(start, QY_POISON_INUSE, QY_PAGE_SIZE << slab->order);
	for (unsigned int i = 0; i < slab->slab.objects && c->layout.track; i++)
		qy__debug_clear_tracks(c, qy__slab_object(c, slab, i));
}

static void trace(struct qy_cache *c, const struct qy_page *slab, const void *object,
		  const char *what)
{
	struct qy_report r;

	if (!qy__debug_has(c->flags, QY_SLAB_TRACE))
		return;
	qy__report_init(&r, c->mm, QY_REPORT_TRACE, c->name);
	qy__report_title(&r, "TRACE %s %s 0x%lx inuse=%u fp=0x%lx", c->name, what,
			 (unsigned long)(uintptr_t)object, slab->slab.inuse,
			 (unsigned long)(uintptr_t)slab->slab.freelist);
	qy__report_emit(&r);
}

/* May @object stand on the freelist of @slab? */
static QY_ALWAYS_INLINE bool is_free_object(const struct qy_cache *c, const struct qy_page *slab,
					    const void *object)
{
	return !object ||
	       (qy__slab_index(c, slab, object) >= 0 && !qy__debug_is_live(c->mm, object));
}

/*
 * The list goes on to another free object, and ends when all others are in use: not sooner, not
 * later.
 */
static bool next_is_sane(const struct qy_cache *c, const struct qy_page *slab, const void *object)
{
	const void *next = qy__slab_ops(c)->next_free(c, slab, object);
	bool last = slab->slab.inuse + 1u == slab->slab.objects;

	if (next == object || !is_free_object(c, slab, next))
		return false;
	return !checks(c) || slab->slab.inuse >= slab->slab.objects || last == !next;
}

static QY_ALWAYS_INLINE bool alloc_check(struct qy_cache *c, struct qy_page *slab, void *object,
					 const struct qy__call *call)
{
	static const char given_up[] = "Marking all objects used";

	if (!object || !is_free_object(c, slab, object)) {
		qy__debug_object_bug(c, slab, NULL, QY_REPORT_FREELIST,
				     "Freelist Pointer check fails", given_up, call);
		return false;
	}
	if (!next_is_sane(c, slab, object)) {
		qy__debug_object_bug(c, slab, object, QY_REPORT_FREELIST, "Freepointer corrupt",
				     given_up, call);
		return false;
	}
	if (!checks(c))
		return true;
	return !qy__debug_check_slab(c, slab, given_up, call) &&
	       !qy__debug_check_object(c, slab, object, false, given_up, call);
}

/* Who asks for memory gives none back: his family has nothing to do with a finding. */
bool qy__debug_alloc_check_locked(struct qy_cache *c, struct qy_page *slab, void *object,
				  struct qy__call *call)
{
	enum qy_family family = call->family;
	bool sound;

	call->family = QY_FAMILY_NONE;
	sound = alloc_check(c, slab, object, call);
	call->family = family;
	return sound;
}

void qy__debug_alloc_done_locked(struct qy_cache *c, struct qy_page *slab, void *object,
				 const struct qy__call *call)
{
	struct qy__origin origin = {.size = call->size || call->libc ? call->size
								     : c->layout.object_size,
				    .align = call->align,
				    .family = call->family};

	qy__debug_fill_live(c, object, &origin);
	qy__debug_set_track(c, object, QY__TRACK_ALLOC, call);
	qy__debug_set_live(c->mm, object, true);
	trace(c, slab, object, "alloc");
}

/*
 * malloc/delete, new/free, new[]/delete; sized delete with another size or alignment. Reported,
 * then freed or resized all the same.
 */
static void check_claim(struct qy_cache *c, struct qy_page *slab, void *object,
			const struct qy__call *call)
{
	struct qy__origin origin = qy__debug_object_origin(c, object);
	enum qy_report_kind kind = qy__debug_mismatch(&origin, call);
	struct qy_report r;

	if (kind == QY_REPORT_NONE)
		return;
	qy__report_init(&r, c->mm, kind, c->name);
	qy__debug_describe(&r, c, slab, object, call);
	qy__debug_mismatch_title(&r, &origin, call);
	qy__report_emit(&r);
}

/* An object of another cache than the caller says. */
static void report_wrong_cache(struct qy_cache *c, const struct qy__place *at, void *object,
			       enum qy_report_kind kind, const struct qy__call *call)
{
	struct qy_mm *mm = c->mm;
	char owner[sizeof(c->name)];
	struct qy_report r;

	qy__report_init(&r, mm, QY_REPORT_WRONG_CACHE, c->name);
	qy__lock(&mm->slab->lock); /* the owner stays while we look at it */
	if (!qy__registry_has_locked(mm, at->cache)) {
		qy__unlock(&mm->slab->lock);
		qy__debug_bad_pointer(mm, kind, object, call);
		return;
	}
	memcpy(owner, at->cache->name, sizeof(owner));
	if (qy__cache_is_debug(at->cache) && qy__place_is_start(at))
		qy__debug_describe(&r, at->cache, at->head, object, call);
	qy__unlock(&mm->slab->lock);
	r.object = object;
	r.cache = c->name;
	qy__report_title(&r, "Object 0x%lx belongs to different cache %s",
			 (unsigned long)(uintptr_t)object, owner);
	qy__report_fix(&r, "Object at 0x%lx not freed", (unsigned long)(uintptr_t)object);
	qy__report_emit(&r);
}

/* Is @at the start of an object of @c's, live or not? Reports if not. */
static bool is_object_of(struct qy_cache *c, const struct qy__place *at, const void *p,
			 enum qy_report_kind kind, struct qy__call *call)
{
	if (at->kind == QY__PLACE_SLAB && at->cache == c && qy__place_is_start(at))
		return true;
	if (at->kind == QY__PLACE_SLAB && at->cache && at->cache != c)
		report_wrong_cache(c, at, (void *)p, kind, call);
	else
		qy__debug_bad_pointer(c->mm, kind, p, call);
	return false;
}

/*
 * Checks and state change, as one step under the lock. 1: freed, 0: freed but given up, -EINVAL:
 * not freed.
 */
static int free_checked_locked(struct qy_cache *c, struct qy_page *slab, void *object,
			       struct qy__call *call)
{
	unsigned int damage = 0;

	if (!qy__debug_is_live(c->mm, object)) {
		if (qy__planted(DOUBLE_FREE_UNSEEN))
			return -EINVAL;
		qy__debug_object_bug(c, slab, object, QY_REPORT_DOUBLE_FREE, "Object already free",
				     "Object not freed", call);
		return -EINVAL;
	}
	if (checks(c))
		damage = qy__debug_check_slab(c, slab, NULL, call) +
			 qy__debug_check_object(c, slab, object, true, NULL, call);
	check_claim(c, slab, object, call);
	qy__debug_set_live(c->mm, object, false);
	qy__debug_set_track(c, object, QY__TRACK_FREE, call);
	trace(c, slab, object, "free");
	qy__debug_fill_free(c, object);
	qy__slab_ops(c)->set_free(c, slab, object, NOT_ON_A_LIST);
	return damage == 0;
}

int qy__slab_debug_end(struct qy_cache *c, const struct qy__place *at, void *object,
		       struct qy__call *call)
{
	int ret;

	if (!is_object_of(c, at, object, QY_REPORT_INVALID_FREE, call))
		return -EINVAL;
	qy__lock(&c->lock);
	ret = free_checked_locked(c, at->head, object, call);
	qy__unlock(&c->lock);
	return ret;
}

void qy__slab_debug_release(struct qy_cache *c, struct qy_page *slab, void *object)
{
	qy__lock(&c->lock);
	if (!checks(c) || !qy__debug_check_object(c, slab, object, false, NULL, NULL))
		qy__slab_ops(c)->free_debug_locked(c, slab, object);
	qy__unlock(&c->lock);
}

bool qy__debug_check_live(struct qy_cache *c, const struct qy__place *at, const void *p,
			  enum qy_report_kind kind, struct qy__call *call)
{
	bool live;

	if (!is_object_of(c, at, p, kind, call))
		return false;
	if (qy__debug_is_live(c->mm, p))
		return true;
	if (qy__debug_has(c->flags, QY_SLAB_STORE_USER))
		qy__debug_call(c->mm, call);
	qy__lock(&c->lock);
	live = qy__debug_is_live(c->mm, p);
	if (!live)
		qy__debug_object_bug(c, at->head, at->object, kind, "Object already free", NULL,
				     call);
	qy__unlock(&c->lock);
	return live;
}

static void resize_locked(struct qy_cache *c, struct qy_page *slab, void *object,
			  const struct qy__call *call)
{
	const struct qy__origin now = {.size = call->size, .family = call->family};
	size_t old = qy__debug_object_size(c, object);

	if (checks(c))
		qy__debug_check_object(c, slab, object, true, NULL, call);
	check_claim(c, slab, object, call);
	/* It is realloc's from now on, as if it had moved. */
	qy__debug_resize_bytes(c, object, old, &now);
	qy__debug_set_track(c, object, QY__TRACK_ALLOC, call);
}

int qy__debug_resize(struct qy_cache *c, const struct qy__place *at, struct qy__call *call)
{
	int ret = -EINVAL;

	if (qy__debug_has(c->flags, QY_SLAB_STORE_USER))
		qy__debug_call(c->mm, call);
	qy__lock(&c->lock);
	if (qy__debug_is_live(c->mm, at->object)) {
		resize_locked(c, at->head, at->object, call);
		ret = 0;
	} else {
		qy__debug_object_bug(c, at->head, at->object, QY_REPORT_BAD_REALLOC,
				     "Object already free", NULL, call);
	}
	qy__unlock(&c->lock);
	return ret;
}
