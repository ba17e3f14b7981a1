/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.c - memory beyond the largest page block, and kvmalloc, which is kmalloc until it ends.
 *
 *   qy__kvmalloc_request → kmalloc (a class, a page block) → else qy__vmalloc_request → an area
 *   qy__kvfree_request   → by address: a page of the instance → kmalloc; else → an area
 *
 * An instance that can map nothing (arena) gives a page block for vmalloc; its vfree then takes
 * page addresses. Locks: see vmap_area.h. Mapping and unmapping happen outside the vmap lock.
 */
#include <errno.h>
#include <string.h>

#include "page/page_alloc.h"
#include "util/align.h"
#include "vmalloc/vmap_area.h"

#define USUAL_ALIGN 16u
#define MAX_LEFT_ALIGN                                                                             \
	((size_t)64 << 10) /* beyond: no left red zone, the guard lies next to the object */

static struct qy__call call_of(const struct qy__request *req)
{
	return (struct qy__call){
		.size = req->size,
		.align = req->align,
		.family = req->family,
		.caller = req->caller,
		.sized = req->sized,
		.aligned = req->aligned,
	};
}

static struct qy__call debug_call_of(struct qy_mm *mm, const struct qy__request *req)
{
	struct qy__call call = call_of(req);

	if (QY_CONFIG_DEBUG && mm->debug)
		qy__debug_call(mm, &call);
	return call;
}

/* ---- vmalloc ---- */

/* Where the object lies in its area and how long the area is; false: more than there can be. */
static bool lay_out(const struct qy_mm *mm, const struct qy__request *req, bool red_zone,
		    size_t *offset, size_t *len)
{
	size_t align = max(req->align, (size_t)USUAL_ALIGN), red = 0;

	if (req->size > PTRDIFF_MAX || !qy__is_pow2(align) || align > PTRDIFF_MAX)
		return false;
	*offset = 0;
	if (red_zone) {
		red = max((size_t)mm->debug->config.red_zone, (size_t)USUAL_ALIGN);
		if (align <= MAX_LEFT_ALIGN)
			*offset = qy__align_up(red, align);
	}
	*len = qy__align_up(*offset + req->size + red, QY_PAGE_SIZE);
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
static void *vmalloc_paged(struct qy_mm *mm, const struct qy__request *req, qy_gfp_t gfp)
{
	struct qy__request block = *req;
	void *p;

	block.align = max(block.align, QY_PAGE_SIZE);
	p = qy__kmalloc_request(mm, &block, gfp);
	if (p)
		qy__store_relaxed(&mm->vmap->paged, true);
	return p;
}

void *qy__vmalloc_request(struct qy_mm *mm, const struct qy__request *req, qy_gfp_t gfp)
{
	struct qy__vmap_state *v = mm->vmap;
	bool red_zone = qy__debug_has(qy__vmap_flags(mm), QY_SLAB_RED_ZONE);
	struct qy__vmap_area *a = NULL;
	struct qy__call call;
	bool used = false;
	size_t offset, len;
	void *p = NULL;

	if (lay_out(mm, req, red_zone, &offset, &len))
		a = qy__vmap_create(mm, len, max(req->align, QY_PAGE_SIZE), &used);
	if (!a) {
		if (!v->nr_live && req->size <= qy__kmalloc_max(mm))
			p = vmalloc_paged(mm, req, gfp);
		if (!p && !(gfp & QY_GFP_NOWARN))
			report_failure(mm, req->size);
		return p;
	}
	a->offset = offset;
	a->size = req->size;
	a->align = req->align;
	a->family = (uint8_t)req->family;
	a->red_zone = red_zone;
	if (red_zone)
		qy__vmap_fill_red_zones(a);
	if (used && (gfp & QY_GFP_ZERO))
		memset(a->start, 0, a->len);
	call = debug_call_of(mm, req);
	qy__vmap_track(&a->alloc, &call);
	p = qy__vmap_object(a); /* once it is in the tree, another thread may take it out */
	qy__lock(&v->lock);
	qy__vmap_insert_locked(v, a);
	qy__unlock(&v->lock);
	return p;
}

/* @p is in no area. */
static int free_stranger(struct qy_mm *mm, void *p, const struct qy__request *req,
			 const struct qy__call *call)
{
	if (qy__load_relaxed(&mm->vmap->paged) && qy__addr_page(mm, p))
		return qy__kfree_request(mm, p, req);
	qy__debug_bad_pointer(mm, QY_REPORT_INVALID_FREE, p, call);
	return -EINVAL;
}

int qy__vfree_request(struct qy_mm *mm, void *p, const struct qy__request *req)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy__call call = debug_call_of(mm, req);
	struct qy__vmap_area *a, *chain = NULL;
	int ret = 0;

	qy__lock(&v->lock);
	a = qy__vmap_find_locked(v, p);
	if (!a) {
		qy__unlock(&v->lock);
		return free_stranger(mm, p, req, &call);
	}
	if (!qy__vmap_acceptable_locked(mm, a, p, &call, QY_REPORT_DOUBLE_FREE)) {
		ret = -EINVAL;
	} else {
		qy__vmap_check_red_zones_locked(mm, a, &call);
		qy__vmap_track(&a->free, &call);
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

size_t qy__vsize_request(struct qy_mm *mm, const void *p, const struct qy__request *req)
{
	struct qy__vmap_state *v = mm->vmap;
	bool tracked = qy__vmap_flags(mm) != 0;
	struct qy__call call = call_of(req);
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
		return qy__ksize_request(mm, p, req);
	call = debug_call_of(mm, req);
	qy__lock(&v->lock);
	a = qy__vmap_find_locked(v, p); /* the stack was taken without the lock: look again */
	if (a)
		qy__vmap_acceptable_locked(mm, a, p, &call, QY_REPORT_BAD_REALLOC);
	qy__unlock(&v->lock);
	if (!a)
		qy__debug_bad_pointer(mm, QY_REPORT_BAD_REALLOC, p, &call);
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

void *qy__kvmalloc_request(struct qy_mm *mm, const struct qy__request *req, qy_gfp_t gfp)
{
	size_t size = max(req->size, req->align);
	void *p = NULL;

	if (size <= qy__kmalloc_max(mm)) {
		p = qy__kmalloc_request(mm, req, size > QY_PAGE_SIZE ? gfp | QY_GFP_NOWARN : gfp);
		/* A page is not to be had elsewhere if it is not to be had here. */
		if (p || size <= QY_PAGE_SIZE)
			return p;
	}
	return qy__vmalloc_request(mm, req, gfp);
}

int qy__kvfree_request(struct qy_mm *mm, void *p, const struct qy__request *req)
{
	if (QY_ZERO_OR_NULL_PTR(p))
		return 0;
	if (qy__addr_page(mm, p))
		return qy__kfree_request(mm, p, req);
	return qy__vfree_request(mm, p, req);
}

size_t qy__kvsize_request(struct qy_mm *mm, const void *p, const struct qy__request *req)
{
	if (QY_ZERO_OR_NULL_PTR(p))
		return 0;
	if (qy__addr_page(mm, p))
		return qy__ksize_request(mm, p, req);
	return qy__vsize_request(mm, p, req);
}

/*
 * The area grows or shrinks where it is, if its pages stay the same; without red zones also if it
 * loses some, which are given back.
 */
static bool resize_locked(struct qy_mm *mm, struct qy__vmap_area *a, const struct qy__request *req,
			  const struct qy__call *call, qy_gfp_t gfp)
{
	size_t red = a->red_zone ? mm->debug->config.red_zone : 0, old = capacity(a, a->red_zone),
	       need;

	if (req->size > a->len)
		return false;
	need = qy__align_up(a->offset + req->size + red, QY_PAGE_SIZE);
	if (need > a->len || (need < a->len && (a->red_zone || need < a->len / 2)))
		return false;
	if (need < a->len)
		mm->os.ops->discard(&mm->os, a->start + need, a->len - need);
	if ((gfp & QY_GFP_ZERO) && req->size > old)
		memset(qy__vmap_object(a) + old, 0, req->size - old);
	a->size = req->size;
	a->align = req->align;
	a->family = (uint8_t)req->family; /* it is realloc's from now on, as if it had moved */
	if (a->red_zone)
		qy__vmap_fill_red_zones(a);
	qy__vmap_track(&a->alloc, call);
	return true;
}

/*
 * Take a new place, move the contents. @old: bytes there are at @p; @family: NONE if it was
 * compared already.
 */
static void *move(struct qy_mm *mm, void *p, size_t old, const struct qy__request *req,
		  enum qy_family family, qy_gfp_t gfp)
{
	const struct qy__request free_req = {.family = family, .caller = req->caller};
	void *new = qy__kvmalloc_request(mm, req, gfp);

	if (!new)
		return NULL;
	memcpy(new, p, min(old, req->size));
	qy__kvfree_request(mm, p, &free_req);
	return new;
}

/*
 * A longer area takes over the pages of @a, which is out of the tree: nothing is copied. In debug
 * instances an object moves to fresh memory instead, so that the old place can be closed.
 */
static void *grow(struct qy_mm *mm, struct qy__vmap_area *a, const struct qy__request *req)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy__vmap_area *to = NULL;
	size_t offset, len;
	void *p;

	if (lay_out(mm, req, false, &offset, &len))
		to = qy__vmap_create(mm, len, QY_PAGE_SIZE, NULL);
	p = to ? to->start : NULL;
	if (to) {
		to->size = req->size;
		to->align = req->align;
		to->family = a->family;
		if (!qy__vmap_move(mm, to, a)) {
			memcpy(to->start, a->start, a->len);
			a->next = NULL;
			qy__vmap_reap(mm, a);
		}
	} else {
		to = a; /* as it was */
	}
	qy__lock(&v->lock);
	qy__vmap_insert_locked(v, to);
	qy__unlock(&v->lock);
	return p;
}

static void *vrealloc(struct qy_mm *mm, void *p, const struct qy__request *req, qy_gfp_t gfp)
{
	struct qy__vmap_state *v = mm->vmap;
	struct qy__call call = debug_call_of(mm, req);
	bool tracked = qy__vmap_flags(mm) != 0;
	struct qy__vmap_area *a;
	size_t old;

	qy__lock(&v->lock);
	a = qy__vmap_find_locked(v, p);
	if (!a) {
		qy__unlock(&v->lock);
		qy__debug_bad_pointer(mm, QY_REPORT_BAD_REALLOC, p, &call);
		return NULL;
	}
	if (!qy__vmap_acceptable_locked(mm, a, p, &call, QY_REPORT_BAD_REALLOC)) {
		qy__unlock(&v->lock);
		return NULL;
	}
	qy__vmap_check_red_zones_locked(mm, a, &call);
	old = capacity(a, tracked);
	if (resize_locked(mm, a, req, &call, gfp)) {
		qy__unlock(&v->lock);
		return p;
	}
	if (!tracked && req->size > a->len && req->align <= QY_PAGE_SIZE) {
		qy__vmap_erase_locked(v, a);
		qy__unlock(&v->lock);
		return grow(mm, a, req);
	}
	qy__unlock(&v->lock);
	return move(mm, p, old, req, QY_FAMILY_NONE, gfp);
}

/*
 * Is @p, in a page of the instance, a live object's start as far as this build can tell? Nothing is
 * reported.
 */
static bool is_live(struct qy_mm *mm, const void *p)
{
	const struct qy_page *head = qy__page_head(mm, qy__addr_page(mm, p));

	if (head->type == QY__PAGE_LARGE)
		return head->large.live == QY__LARGE_LIVE &&
		       p == (char *)qy__page_addr(mm, head) + head->large.offset;
	return head->type == QY__PAGE_SLAB &&
	       (!qy__cache_is_debug(qy__ref_cache(mm, head->slab.cache)) ||
		qy__debug_is_live(mm, p));
}

void *qy__kvrealloc_request(struct qy_mm *mm, void *p, const struct qy__request *req, qy_gfp_t gfp)
{
	void *new;

	if (QY_ZERO_OR_NULL_PTR(p))
		return qy__kvmalloc_request(mm, req, gfp);
	if (!qy__addr_page(mm, p))
		return vrealloc(mm, p, req, gfp);
	if (req->size <= qy__kmalloc_max(mm)) {
		new = qy__krealloc_request(mm, p, req, gfp | QY_GFP_NOWARN);
		/*
		 * Too large for the blocks that are free: then an area. But not if @p was to blame.
		 */
		if (new || req->size <= QY_PAGE_SIZE || !is_live(mm, p))
			return new;
	}
	if (!is_live(mm, p)) {
		qy__ksize_request(mm, p, req); /* reports it */
		return NULL;
	}
	return move(mm, p, qy__ksize_request(mm, p, req), req, req->family, gfp);
}

/* ---- the public calls ---- */

#define REQUEST(bytes)                                                                             \
	{                                                                                          \
		.size = (bytes), .caller = (uintptr_t)__builtin_return_address(0)                  \
	}

static void *vmalloc_caller(struct qy_mm *mm, size_t size, qy_gfp_t gfp, uintptr_t caller)
{
	const struct qy__request req = {.size = size, .align = QY_PAGE_SIZE, .caller = caller};

	return size ? qy__vmalloc_request(mm, &req, gfp) : NULL;
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
	const struct qy__request req = REQUEST(0);

	if (p)
		qy__vfree_request(mm, (void *)p, &req);
}

bool qy_is_vmalloc_addr(struct qy_mm *mm, const void *p)
{
	return qy__is_vmap_addr(mm, p);
}

void *qy_kvmalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp)
{
	const struct qy__request req = REQUEST(size);

	return size ? qy__kvmalloc_request(mm, &req, gfp) : QY_ZERO_SIZE_PTR;
}

void *qy_kvrealloc(struct qy_mm *mm, void *p, size_t size, qy_gfp_t gfp)
{
	const struct qy__request req = REQUEST(size);

	if (size)
		return qy__kvrealloc_request(mm, p, &req, gfp);
	qy__kvfree_request(mm, p, &req);
	return QY_ZERO_SIZE_PTR;
}

void qy_kvfree(struct qy_mm *mm, const void *p)
{
	const struct qy__request req = REQUEST(0);

	qy__kvfree_request(mm, (void *)p, &req);
}
