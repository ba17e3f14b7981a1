/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.c - memory by size.
 *
 * Place in an object's life: malloc.c and users come in here; a size class's cache answers, or,
 * above two pages (or for an alignment no class has), a page block whose head is marked LARGE and
 * remembers the request.
 */
#include "kmalloc/kmalloc.h"

#include <string.h>

#include "debug/debug.h"
#include "kmalloc/kmalloc_inline.h"
#include "page/page_alloc.h"
#include "util/align.h"
#include "util/bitops.h"
#include "util/fail.h"
#include "util/plant.h"

#define CALLER ((uintptr_t)__builtin_return_address(0))

size_t qy__kmalloc_max(const struct qy_mm *mm)
{
	return QY_PAGE_SIZE << mm->max_order;
}

/*
 * What the usual alignment of a large request is: KERNEL classes promise natural alignment to
 * powers of two.
 */
static size_t large_align(const struct qy_mm *mm, const struct qy__call *call)
{
	size_t align = max(call->align, (size_t)16);

	if (mm->classes == QY_CLASSES_KERNEL && qy__is_pow2(call->size))
		align = max(align, call->size);
	return align;
}

static bool is_debug_large(const struct qy_mm *mm)
{
	return qy__debug_large_flags(mm) != 0;
}

static void *kmalloc_large(struct qy_mm *mm, struct qy__call *call, qy_gfp_t gfp)
{
	size_t align = large_align(mm, call);
	struct qy_page *head;
	unsigned int order;

	if (call->align > qy__kmalloc_max(mm))
		return qy__fail(EINVAL);
	if (call->size > qy__kmalloc_max(mm) || align > qy__kmalloc_max(mm))
		return qy__fail(ENOMEM);
	if (is_debug_large(mm)) {
		qy__debug_tick(mm);
		return qy__debug_large_alloc(mm, align, gfp, call);
	}
	order = max(qy__get_order(call->size), qy__get_order(align));
	if (qy__planted(LARGE_ORDER) && order)
		order--;
	head = qy__alloc_block(mm, gfp, order, QY__PAGE_LARGE);
	if (!head)
		return NULL;
	head->large.size = call->size;
	head->large.live = QY__LARGE_LIVE;
	return qy__page_addr(mm, head);
}

void *qy__kmalloc_call(struct qy_mm *mm, struct qy__call *call, qy_gfp_t gfp)
{
	const struct qy__size_class *sc;

	if (!call->size && !call->libc)
		return QY_ZERO_SIZE_PTR;
	sc = qy__size_class_aligned(mm, call->size, qy__planted(ALIGN_IGNORED) ? 0 : call->align);
	if (sc && sc->cache)
		return qy__cache_alloc_slow(sc->cache, gfp, call);
	return kmalloc_large(mm, call, gfp);
}

static int free_large(struct qy_mm *mm, const struct qy__place *at, void *p, struct qy__call *call)
{
	if (is_debug_large(mm))
		return qy__debug_large_free(mm, at, p, call);
	if (at->offset && !qy__planted(LARGE_INTERIOR)) {
		qy__debug_bad_pointer(mm, QY_REPORT_INVALID_FREE, p, call);
		return -EINVAL;
	}
	qy__free_block(mm, at->head);
	return 0;
}

int qy__kfree_call(struct qy_mm *mm, void *p, struct qy__call *call)
{
	struct qy__place at;

	if (qy__is_nothing(p, call))
		return 0;
	at = qy__locate(mm, p);
	if (at.kind == QY__PLACE_LARGE)
		return free_large(mm, &at, p, call);
	if (!at.object) {
		qy__debug_bad_pointer(mm, QY_REPORT_INVALID_FREE, p, call);
		return -EINVAL;
	}
	if (qy__cache_is_debug(at.cache))
		return qy__debug_free(at.cache, &at, p, call);
	if (at.offset) {
		qy__debug_bad_pointer(mm, QY_REPORT_INVALID_FREE, p, call);
		return -EINVAL;
	}
	if (!qy__cache_push(at.cache, p))
		qy__cache_free_slow(at.cache, p);
	return 0;
}

/* Bytes the user asked for, or may use; no checks. */
static size_t capacity(struct qy_mm *mm, const struct qy__place *at, bool *tracked)
{
	const struct qy_cache *c = at->cache;

	*tracked = true;
	if (at->kind == QY__PLACE_LARGE) {
		if (is_debug_large(mm))
			return at->head->large.size;
		*tracked = false;
		return QY_PAGE_SIZE << at->head->order;
	}
	*tracked = c->layout.orig_size != 0;
	if (*tracked)
		return qy__debug_object_size(c, at->object);
	if (qy__debug_has(c->flags, QY_SLAB_RED_ZONE | QY_SLAB_POISON))
		return c->layout.object_size;
	return qy__debug_has(c->flags, QY_SLAB_STORE_USER) ? c->layout.inuse : c->layout.slot;
}

/* Is it the start of a live object, as far as this build can tell? Reports if not. */
static bool check_live(struct qy_mm *mm, const struct qy__place *at, const void *p,
		       struct qy__call *call)
{
	bool ok = at->object != NULL;

	if (at->kind == QY__PLACE_LARGE)
		ok = !at->offset && at->head->large.live != QY__LARGE_FREED;
	else if (ok && qy__cache_is_debug(at->cache))
		return qy__debug_check_live(at->cache, at, p, QY_REPORT_BAD_REALLOC, call);
	if (!ok)
		qy__debug_bad_pointer(mm, QY_REPORT_BAD_REALLOC, p, call);
	return ok;
}

size_t qy__ksize_call(struct qy_mm *mm, const void *p, struct qy__call *call)
{
	struct qy__place at;
	bool tracked;

	if (qy__is_nothing(p, call))
		return 0;
	at = qy__locate(mm, p);
	return check_live(mm, &at, p, call) ? capacity(mm, &at, &tracked) : 0;
}

/* Bytes the object could hold where it lies. */
static size_t room_in_place(struct qy_mm *mm, const struct qy__place *at)
{
	if (at->kind == QY__PLACE_SLAB)
		return at->cache->layout.object_size;
	return (QY_PAGE_SIZE << at->head->order) - qy__debug_large_zones(mm, at->head);
}

/*
 * C's rules: memory is given back rather than four times of it kept; kernel-style callers count on
 * staying.
 */
static bool is_wasteful(const struct qy__call *call, size_t room)
{
	return call->libc && call->size < room / 4;
}

static int resize_in_place(struct qy_mm *mm, const struct qy__place *at, struct qy__call *call)
{
	if (at->kind == QY__PLACE_LARGE) {
		if (is_debug_large(mm))
			return qy__debug_large_resize(mm, at->head, call);
		at->head->large.size = call->size;
		return 0;
	}
	return qy__cache_is_debug(at->cache) ? qy__debug_resize(at->cache, at, call) : 0;
}

static void *move(struct qy_mm *mm, void *p, size_t old, struct qy__call *call, qy_gfp_t gfp)
{
	void *to = qy__kmalloc_call(mm, call, gfp);
	struct qy__call release = *call; /* from the same place, but it claims nothing */

	if (!to)
		return NULL;
	release.size = release.align = 0;
	memcpy(to, p, min(old, call->size) - (qy__planted(REALLOC_SHORT) ? 1 : 0));
	qy__kfree_call(mm, p, &release);
	return to;
}

void *qy__krealloc_call(struct qy_mm *mm, void *p, struct qy__call *call, qy_gfp_t gfp)
{
	struct qy__place at;
	bool tracked, fits;
	size_t old, room;

	if (qy__is_nothing(p, call))
		return qy__kmalloc_call(mm, call, gfp);
	if (!call->size && !call->libc) {
		qy__kfree_call(mm, p, call);
		return QY_ZERO_SIZE_PTR;
	}
	at = qy__locate(mm, p);
	if (!check_live(mm, &at, p, call))
		return qy__fail(EINVAL);
	old = capacity(mm, &at, &tracked);
	room = room_in_place(mm, &at);
	fits = call->size <= room && (!call->align || qy__is_aligned((uintptr_t)p, call->align));
	if (!fits || is_wasteful(call, room)) {
		void *to = move(mm, p, old, call, gfp);

		if (to || !fits)
			return to;
	}
	if (resize_in_place(mm, &at, call))
		return qy__fail(EINVAL);
	/*
	 * What is untracked keeps its old request's bytes: ZERO then speaks of what lies beyond the
	 * capacity.
	 */
	if ((gfp & QY_GFP_ZERO) && tracked && call->size > old && !qy__planted(REALLOC_STALE))
		memset((char *)p + old, 0, call->size - old);
	return p;
}

void *qy_kmalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp)
{
	void *object = qy__kmalloc_fast(mm, size, QY__ANY_CPUS);

	if (unlikely(!object)) {
		struct qy__call call = {.size = size, .caller = CALLER};

		return qy__kmalloc_call(mm, &call, gfp);
	}
	return unlikely(gfp & QY_GFP_ZERO) ? memset(object, 0, qy__size_class(mm, size)->size)
					   : object;
}

void *qy_kzalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp)
{
	struct qy__call call = {.size = size, .caller = CALLER};

	return qy__kmalloc_call(mm, &call, gfp | QY_GFP_ZERO);
}

void *qy_kmalloc_array(struct qy_mm *mm, size_t n, size_t size, qy_gfp_t gfp)
{
	struct qy__call call = {.caller = CALLER};

	return __builtin_mul_overflow(n, size, &call.size) && !qy__planted(ARRAY_OVERFLOW)
		       ? qy__fail(EOVERFLOW)
		       : qy__kmalloc_call(mm, &call, gfp);
}

void *qy_kcalloc(struct qy_mm *mm, size_t n, size_t size, qy_gfp_t gfp)
{
	struct qy__call call = {.caller = CALLER};

	return __builtin_mul_overflow(n, size, &call.size)
		       ? qy__fail(EOVERFLOW)
		       : qy__kmalloc_call(mm, &call, gfp | QY_GFP_ZERO);
}

void *qy_kmalloc_aligned(struct qy_mm *mm, size_t size, size_t align, qy_gfp_t gfp)
{
	struct qy__call call = {.size = size, .align = align, .caller = CALLER};

	return qy__is_pow2(align) ? qy__kmalloc_call(mm, &call, gfp) : qy__fail(EINVAL);
}

void *qy_krealloc(struct qy_mm *mm, void *p, size_t size, qy_gfp_t gfp)
{
	struct qy__call call = {.size = size, .caller = CALLER};

	return qy__krealloc_call(mm, p, &call, gfp);
}

static QY_NOINLINE void kfree_slow(struct qy_mm *mm, void *p, uintptr_t caller)
{
	struct qy__call call = {.caller = caller};

	qy__kfree_call(mm, p, &call);
}

void qy_kfree(struct qy_mm *mm, const void *p)
{
	if (unlikely(!qy__kfree_fast(mm, (void *)p, QY__ANY_CPUS)))
		kfree_slow(mm, (void *)p, CALLER);
}

size_t qy_ksize(struct qy_mm *mm, const void *p)
{
	struct qy__call call = {.caller = CALLER};

	return qy__ksize_call(mm, p, &call);
}

size_t qy_kmalloc_size_roundup(struct qy_mm *mm, size_t size)
{
	if (!size || size > qy__kmalloc_max(mm))
		return size;
	if (size <= QY__KMALLOC_MAX_CLASS && qy__size_class(mm, size)->cache)
		return qy__size_class(mm, size)->size;
	return QY_PAGE_SIZE << qy__get_order(size);
}
