/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.c - memory beyond the largest page block, and kvmalloc, which is kmalloc until it ends.
 *
 *   qy__kvmalloc_call → kmalloc (a class, a page block) → else qy__vmalloc_call → an area
 *   qy__kvfree_call   → by address: a page of the instance → kmalloc; else → an area
 *
 * An instance that can map nothing (arena) gives a page block for vmalloc; its vfree then takes
 * page addresses. Locks: see vmap_area.h. Mapping and unmapping happen outside the vmap lock.
 */
#include <errno.h>
#include <string.h>

#include "page/page_alloc.h"
#include "util/align.h"
#include "util/fail.h"
#include "vmalloc/vmap_area.h"

#define USUAL_ALIGN 16u

/* Areas remember who made and who freed them wherever there is debugging. No lock is held. */
static void trace(struct qy_mm *mm, struct qy__call *call)
{
	if (QY_CONFIG_DEBUG && mm->debug)
		qy__debug_call(mm, call);
}

/* ---- vmalloc ---- */

/* Where the object lies in its area and how long the area is; false: more than there can be. */
static bool lay_out(const struct qy_mm *mm, struct qy__call *call, bool red_zone, size_t *offset,
		    size_t *len)
{
	size_t align = max(call->align, (size_t)USUAL_ALIGN), red = 0;

	if (call->size > PTRDIFF_MAX || !qy__is_pow2(align) || align > PTRDIFF_MAX)
		return false;
	*offset = 0;
	if (red_zone) {
		red = max((size_t)mm->debug->config.red_zone, (size_t)USUAL_ALIGN);
		if (align <= QY__MAX_LEFT_ALIGN) /* else the guard lies next to the object */
			*offset = qy__align_up(red, align);
	}
	*len = qy__align_up(*offset + call->size + red, QY_PAGE_SIZE);
	return *len <= PTRDIFF_MAX && *len > 0;
}

static void report_failure(struct qy_mm *mm, size_t size)
{
	struct qy_report r;

	qy__report_init(&r, mm, QY_REPORT_NOMEM, "vmalloc");
	r.object_size = size;
	qy__report_title(&r, "vmalloc error: size %zu, failed to map pages", size);
	qy__report_emit(&r);
}

/* There is nothing to map: a page block, where one is large enough. */
static void *vmalloc_paged(struct qy_mm *mm, struct qy__call *call, qy_gfp_t gfp)
{
	size_t align = call->align;
	void *p;

	call->align = max(align, QY_PAGE_SIZE);
	p = qy__kmalloc_call(mm, call, gfp);
	call->align = align;
	if (p)
		qy__store_relaxed(&mm->vmap->paged, true);
	return p;
}

void *qy__vmalloc_call(struct qy_mm *mm, struct qy__call *call, qy_gfp_t gfp)
{
	struct qy__vmap_state *v = mm->vmap;
	bool red_zone = qy__debug_has(qy__vmap_flags(mm), QY_SLAB_RED_ZONE);
	struct qy__vmap_area *a = NULL;
	bool used = false;
	size_t offset, len;
	void *p = NULL;

	if (lay_out(mm, call, red_zone, &offset, &len))
		a = qy__vmap_create(mm, len, max(call->align, QY_PAGE_SIZE), &used);
	if (!a) {
		if (!v->nr_live && call->size <= qy__kmalloc_max(mm))
			p = vmalloc_paged(mm, call, gfp);
		if (!p && !(gfp & QY_GFP_NOWARN))
			report_failure(mm, call->size);
		return p ? p : qy__fail(ENOMEM);
	}
	a->offset = offset;
	a->size = call->size;
	a->align = call->align;
	a->family = (uint8_t)call->family;
	a->red_zone = red_zone;
	if (red_zone)
		qy__vmap_fill_red_zones(mm, a);
	if (used && (gfp & QY_GFP_ZERO))
		memset(a->start, 0, a->len);
	trace(mm, call);
	qy__vmap_track(&a->alloc, call);
	p = qy__vmap_object(a); /* once it is in the tree, another thread may take it out */
	qy__lock(&v->lock);
	qy__vmap_insert_locked(v, a);
	qy__unlock(&v->lock);
	return p;
}

/* @p is in no area. */
static int free_stranger(struct qy_mm *mm, void *p, struct qy__call *call)
{
	if (qy__load_relaxed(&mm->vmap->paged) && qy__addr_page(mm, p))
		return qy__kfree_call(mm, p, call);
	qy__debug_bad_pointer(mm, QY_REPORT_INVALID_FREE, p, call);
	return -EINVAL;
}

int qy__vfree_call(struct qy_mm *mm, void *p, struct qy__call *call)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy__vmap_area *a, *chain = NULL;
	int ret = 0;

	trace(mm, call);
	qy__lock(&v->lock);
	a = qy__vmap_find_locked(v, p);
	if (!a) {
		qy__unlock(&v->lock);
		return free_stranger(mm, p, call);
	}
	if (!qy__vmap_acceptable_locked(mm, a, p, call, QY_REPORT_DOUBLE_FREE)) {
		ret = -EINVAL;
	} else {
		qy__vmap_check_red_zones_locked(mm, a, call);
		qy__vmap_track(&a->free, call);
		if (qy__vmap_flags(mm)) {
			chain = qy__vmap_bury_locked(mm, a);
		} else {
			chain = qy__vmap_idle_locked(v, a);
		}
	}
	qy__unlock(&v->lock);
	qy__vmap_reap(mm, chain);
	return ret;
}

/* What may be used at the start of @a. */
static size_t capacity(const struct qy__vmap_area *a, bool tracked)
{
	return tracked ? a->size : a->len - a->offset;
}

size_t qy__vsize_call(struct qy_mm *mm, const void *p, struct qy__call *call)
{
	struct qy__vmap_state *v = mm->vmap;
	bool tracked = qy__vmap_flags(mm) != 0;
	struct qy__vmap_area *a;
	size_t size = 0;

	qy__lock(&v->lock);
	a = qy__vmap_find_locked(v, p);
	if (a && !a->dead && p == qy__vmap_object(a)) {
		size = capacity(a, tracked);
		qy__unlock(&v->lock);
		return size;
	}
	qy__unlock(&v->lock);

	if (!a && qy__load_relaxed(&v->paged) && qy__addr_page(mm, p))
		return qy__ksize_call(mm, p, call);
	trace(mm, call);
	qy__lock(&v->lock);
	a = qy__vmap_find_locked(v, p); /* the stack was taken without the lock: look again */
	if (a)
		qy__vmap_acceptable_locked(mm, a, p, call, QY_REPORT_BAD_REALLOC);
	qy__unlock(&v->lock);
	if (!a)
		qy__debug_bad_pointer(mm, QY_REPORT_BAD_REALLOC, p, call);
	return 0;
}

bool qy__is_vmap_addr(struct qy_mm *mm, const void *p)
{
	const struct qy__vmap_area *a;
	bool is;

	if (!mm->vmap)
		return false;
	qy__lock(&mm->vmap->lock);
	a = qy__vmap_find_locked(mm->vmap, p);
	is = a && !a->dead;
	qy__unlock(&mm->vmap->lock);
	return is;
}

/* ---- kvmalloc ---- */

void *qy__kvmalloc_call(struct qy_mm *mm, struct qy__call *call, qy_gfp_t gfp)
{
	size_t size = max(call->size, call->align);
	void *p = NULL;

	if (size <= qy__kmalloc_max(mm)) {
		p = qy__kmalloc_call(mm, call, size > QY_PAGE_SIZE ? gfp | QY_GFP_NOWARN : gfp);
		/* A page is not to be had elsewhere if it is not to be had here. */
		if (p || size <= QY_PAGE_SIZE)
			return p;
	}
	return qy__vmalloc_call(mm, call, gfp);
}

int qy__kvfree_call(struct qy_mm *mm, void *p, struct qy__call *call)
{
	if (qy__is_nothing(p, call))
		return 0;
	if (qy__addr_page(mm, p))
		return qy__kfree_call(mm, p, call);
	return qy__vfree_call(mm, p, call);
}

size_t qy__kvsize_call(struct qy_mm *mm, const void *p, struct qy__call *call)
{
	if (qy__is_nothing(p, call))
		return 0;
	if (qy__addr_page(mm, p))
		return qy__ksize_call(mm, p, call);
	return qy__vsize_call(mm, p, call);
}

/*
 * The area grows or shrinks where it is, if its pages stay the same; without red zones also if it
 * loses some, which are given back.
 */
static bool resize_locked(struct qy_mm *mm, struct qy__vmap_area *a, struct qy__call *call,
			  qy_gfp_t gfp)
{
	size_t red = a->red_zone ? mm->debug->config.red_zone : 0, old = capacity(a, a->red_zone),
	       need;

	if (call->size > a->len)
		return false;
	need = qy__align_up(a->offset + call->size + red, QY_PAGE_SIZE);
	if (need > a->len || (need < a->len && (a->red_zone || need < a->len / 2)))
		return false;
	if (need < a->len)
		qy__osif_ops(&mm->os)->discard(&mm->os, a->start + need, a->len - need);
	if ((gfp & QY_GFP_ZERO) && call->size > old)
		memset(qy__vmap_object(a) + old, 0, call->size - old);
	a->size = call->size;
	a->align = call->align;
	a->family = (uint8_t)call->family; /* it is realloc's from now on, as if it had moved */
	if (a->red_zone)
		qy__vmap_fill_red_zones(mm, a);
	qy__vmap_track(&a->alloc, call);
	return true;
}

/*
 * Take a new place, move the contents. @old: bytes there are at @p; @family: NONE if it was
 * compared already.
 */
static void *move(struct qy_mm *mm, void *p, size_t old, struct qy__call *call,
		  enum qy_family family, qy_gfp_t gfp)
{
	void *new = qy__kvmalloc_call(mm, call, gfp);
	struct qy__call release = *call; /* from the same place, but it claims nothing */

	if (!new)
		return NULL;
	release.size = release.align = 0;
	release.family = family;
	memcpy(new, p, min(old, call->size));
	qy__kvfree_call(mm, p, &release);
	return new;
}

/*
 * A longer area takes over the pages of @a, which is out of the tree: nothing is copied. In debug
 * instances an object moves to fresh memory instead, so that the old place can be closed.
 */
static void *grow(struct qy_mm *mm, struct qy__vmap_area *a, struct qy__call *call)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy__vmap_area *to = NULL;
	size_t offset, len;
	void *p;

	if (lay_out(mm, call, false, &offset, &len))
		to = qy__vmap_create(mm, len, QY_PAGE_SIZE, NULL);
	p = to ? to->start : NULL;
	if (to) {
		to->size = call->size;
		to->align = call->align;
		to->family = a->family;
		if (!qy__vmap_move(mm, to, a)) {
			memcpy(to->start, a->start, a->len);
			a->next = NULL;
			qy__vmap_reap(mm, a);
		}
	} else {
		to = a; /* as it was */
		errno = ENOMEM;
	}
	qy__lock(&v->lock);
	qy__vmap_insert_locked(v, to);
	qy__unlock(&v->lock);
	return p;
}

static void *vrealloc(struct qy_mm *mm, void *p, struct qy__call *call, qy_gfp_t gfp)
{
	struct qy__vmap_state *v = mm->vmap;
	bool tracked = qy__vmap_flags(mm) != 0;
	struct qy__vmap_area *a;
	size_t old;

	trace(mm, call);
	qy__lock(&v->lock);
	a = qy__vmap_find_locked(v, p);
	if (!a) {
		qy__unlock(&v->lock);
		qy__debug_bad_pointer(mm, QY_REPORT_BAD_REALLOC, p, call);
		return qy__fail(EINVAL);
	}
	if (!qy__vmap_acceptable_locked(mm, a, p, call, QY_REPORT_BAD_REALLOC)) {
		qy__unlock(&v->lock);
		return qy__fail(EINVAL);
	}
	qy__vmap_check_red_zones_locked(mm, a, call);
	old = capacity(a, tracked);
	if (resize_locked(mm, a, call, gfp)) {
		qy__unlock(&v->lock);
		return p;
	}
	if (!tracked && call->size > a->len && call->align <= QY_PAGE_SIZE) {
		qy__vmap_erase_locked(v, a);
		qy__unlock(&v->lock);
		return grow(mm, a, call);
	}
	qy__unlock(&v->lock);
	return move(mm, p, old, call, QY_FAMILY_NONE, gfp);
}

/* Is @p, in a page of the instance, a live object's start as far as this build can tell? */
static bool is_live(struct qy_mm *mm, const void *p)
{
	struct qy__place at = qy__locate(mm, p);

	return qy__place_is_live(mm, &at);
}

void *qy__kvrealloc_call(struct qy_mm *mm, void *p, struct qy__call *call, qy_gfp_t gfp)
{
	void *new;

	if (qy__is_nothing(p, call))
		return qy__kvmalloc_call(mm, call, gfp);
	if (!qy__addr_page(mm, p))
		return vrealloc(mm, p, call, gfp);
	if (call->size <= qy__kmalloc_max(mm)) {
		new = qy__krealloc_call(mm, p, call, gfp | QY_GFP_NOWARN);
		/*
		 * Too large for the blocks that are free: then an area. But not if @p was to blame.
		 */
		if (new || call->size <= QY_PAGE_SIZE || !is_live(mm, p))
			return new; /* with krealloc's errno */
	}
	if (!is_live(mm, p)) {
		qy__ksize_call(mm, p, call); /* reports it */
		return qy__fail(EINVAL);
	}
	return move(mm, p, qy__ksize_call(mm, p, call), call, call->family, gfp);
}

/* ---- the public calls ---- */

#define CALL(bytes)                                                                                \
	{                                                                                          \
		.size = (bytes), .caller = (uintptr_t)__builtin_return_address(0)                  \
	}

static void *vmalloc_caller(struct qy_mm *mm, size_t size, qy_gfp_t gfp, uintptr_t caller)
{
	struct qy__call call = {.size = size, .align = QY_PAGE_SIZE, .caller = caller};

	return size ? qy__vmalloc_call(mm, &call, gfp) : qy__fail(EINVAL);
}

void *qy_vmalloc(struct qy_mm *mm, size_t size)
{
	return vmalloc_caller(mm, size, QY_GFP_KERNEL, (uintptr_t)__builtin_return_address(0));
}

void *qy_vzalloc(struct qy_mm *mm, size_t size)
{
	return vmalloc_caller(mm, size, QY_GFP_KERNEL | QY_GFP_ZERO,
			      (uintptr_t)__builtin_return_address(0));
}

void qy_vfree(struct qy_mm *mm, const void *p)
{
	struct qy__call call = CALL(0);

	if (p)
		qy__vfree_call(mm, (void *)p, &call);
}

bool qy_is_vmalloc_addr(struct qy_mm *mm, const void *p)
{
	return qy__is_vmap_addr(mm, p);
}

void *qy_kvmalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp)
{
	struct qy__call call = CALL(size);

	return size ? qy__kvmalloc_call(mm, &call, gfp) : QY_ZERO_SIZE_PTR;
}

void *qy_kvrealloc(struct qy_mm *mm, void *p, size_t size, qy_gfp_t gfp)
{
	struct qy__call call = CALL(size);

	if (size)
		return qy__kvrealloc_call(mm, p, &call, gfp);
	qy__kvfree_call(mm, p, &call);
	return QY_ZERO_SIZE_PTR;
}

void qy_kvfree(struct qy_mm *mm, const void *p)
{
	struct qy__call call = CALL(0);

	qy__kvfree_call(mm, (void *)p, &call);
}
