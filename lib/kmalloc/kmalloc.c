/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.c - memory by size.
 *
 * Place in an object's life: malloc.c and users come in here; a size class's cache answers, or,
 * above two pages (or for an alignment no class has), a page block whose head is marked LARGE and
 * remembers the request.
 */
#include "kmalloc/kmalloc.h"

#include <errno.h>
#include <string.h>

#include "debug/debug.h"
#include "kmalloc/kmalloc_inline.h"
#include "page/page_alloc.h"
#include "util/align.h"
#include "util/bitops.h"
#include "util/plant.h"

#define CALLER ((uintptr_t)__builtin_return_address(0))

static struct qy__call call_of(const struct qy__request *req)
{
	return (struct qy__call){.size = req->size,
				 .align = req->align,
				 .family = req->family,
				 .caller = req->caller,
				 .sized = req->sized,
				 .aligned = req->aligned};
}

size_t qy__kmalloc_max(const struct qy_mm *mm)
{
	return QY_PAGE_SIZE << mm->max_order;
}

/*
 * What the usual alignment of a large request is: KERNEL classes promise natural alignment to
 * powers of two.
 */
static size_t large_align(const struct qy_mm *mm, const struct qy__request *req)
{
	size_t align = max(req->align, (size_t)16);

	if (mm->classes == QY_CLASSES_KERNEL && qy__is_pow2(req->size))
		align = max(align, req->size);
	return align;
}

static void *kmalloc_large(struct qy_mm *mm, const struct qy__request *req, qy_gfp_t gfp)
{
	bool debug = qy__debug_large_flags(mm) != 0;
	struct qy__large_layout l;
	struct qy_page *head;
	unsigned int order;
	size_t align = large_align(mm, req);

	if (req->size > qy__kmalloc_max(mm) || align > qy__kmalloc_max(mm))
		return NULL;
	qy__layout_large(&l, req->size, align, debug, mm->debug->config.red_zone);
	order = max(qy__get_order(l.total), qy__get_order(align));
	if (qy__planted(LARGE_ORDER) && order)
		order--;
	if (debug) {
		struct qy__call call = call_of(req);

		qy__debug_tick(mm);
		if (qy__debug_has(qy__debug_large_flags(mm), QY_SLAB_STORE_USER))
			qy__debug_call(mm, &call);
		/* Two tail descriptors hold the tracks. */
		head = qy__alloc_block(mm, gfp & ~QY_GFP_ZERO, max(order, 2u), QY__PAGE_LARGE);
		return head ? qy__debug_large_alloc(mm, head, l.offset, gfp, &call) : NULL;
	}
	head = qy__alloc_block(mm, gfp, order, QY__PAGE_LARGE);
	if (!head)
		return NULL;
	head->large.size = req->size;
	head->large.live = QY__LARGE_LIVE;
	return qy__page_addr(mm, head);
}

void *qy__kmalloc_request(struct qy_mm *mm, const struct qy__request *req, qy_gfp_t gfp)
{
	const struct qy__size_class *sc;

	if (!req->size && !req->family)
		return QY_ZERO_SIZE_PTR;
	sc = qy__size_class_aligned(mm, req->size, qy__planted(ALIGN_IGNORED) ? 0 : req->align);
	if (sc && sc->cache) {
		struct qy__call call = call_of(req);

		return qy__cache_alloc_slow(sc->cache, gfp, &call);
	}
	return kmalloc_large(mm, req, gfp);
}

/*
 * The head of the block or slab that @p lies in, if it is one of kmalloc's or a cache's; NULL
 * otherwise.
 */
static struct qy_page *object_head(const struct qy_mm *mm, const void *p)
{
	struct qy_page *page = qy__addr_page(mm, p);

	if (!page)
		return NULL;
	page = qy__page_head(mm, page);
	return page->type == QY__PAGE_SLAB || page->type == QY__PAGE_LARGE ? page : NULL;
}

static bool is_debug_large(const struct qy_mm *mm)
{
	return qy__debug_large_flags(mm) != 0;
}

static int free_large(struct qy_mm *mm, struct qy_page *head, void *p, struct qy__call *call)
{
	if (is_debug_large(mm))
		return qy__debug_large_free(mm, head, p, call);
	if (p != qy__page_addr(mm, head) && !qy__planted(LARGE_INTERIOR)) {
		qy__debug_bad_pointer(mm, QY_REPORT_INVALID_FREE, p, call);
		return -EINVAL;
	}
	qy__free_block(mm, head);
	return 0;
}

int qy__kfree_request(struct qy_mm *mm, void *p, const struct qy__request *req)
{
	struct qy__call call = call_of(req);
	struct qy_page *head;
	struct qy_cache *c;

	if (QY_ZERO_OR_NULL_PTR(p))
		return 0;
	head = object_head(mm, p);
	if (!head) {
		qy__debug_bad_pointer(mm, QY_REPORT_INVALID_FREE, p, &call);
		return -EINVAL;
	}
	if (head->type == QY__PAGE_LARGE)
		return free_large(mm, head, p, &call);
	c = qy__ref_cache(mm, head->slab.cache);
	if (qy__cache_is_debug(c))
		return qy__debug_cache_free(c, p, &call);
	if (!qy__sheaf_push(qy__this_sheaf(c), p))
		qy__cache_free_slow(c, p);
	return 0;
}

/* Bytes the user asked for, or may use; no checks. */
static size_t capacity(struct qy_mm *mm, struct qy_page *head, const void *p, bool *tracked)
{
	struct qy_cache *c;

	*tracked = true;
	if (head->type == QY__PAGE_LARGE) {
		if (is_debug_large(mm))
			return head->large.size;
		*tracked = false;
		return QY_PAGE_SIZE << head->order;
	}
	c = qy__ref_cache(mm, head->slab.cache);
	*tracked = c->layout.orig_size != 0;
	if (*tracked)
		return qy__debug_object_size(c, p);
	if (qy__debug_has(c->flags, QY_SLAB_RED_ZONE | QY_SLAB_POISON))
		return c->layout.object_size;
	return qy__debug_has(c->flags, QY_SLAB_STORE_USER) ? c->layout.inuse : c->layout.slot;
}

/* Is @p the start of a live object, as far as this build can tell? Reports if not. */
static struct qy_page *live_head(struct qy_mm *mm, const void *p, struct qy__call *call)
{
	struct qy_page *head = object_head(mm, p);
	struct qy_cache *c;

	if (!head || (head->type == QY__PAGE_LARGE &&
		      p != (char *)qy__page_addr(mm, head) + head->large.offset)) {
		qy__debug_bad_pointer(mm, QY_REPORT_BAD_REALLOC, p, call);
		return NULL;
	}
	if (head->type == QY__PAGE_LARGE) {
		if (head->large.live)
			return head;
		qy__debug_bad_pointer(mm, QY_REPORT_BAD_REALLOC, p, call);
		return NULL;
	}
	c = qy__ref_cache(mm, head->slab.cache);
	if (qy__cache_is_debug(c) &&
	    !qy__debug_check_live(c, (void *)p, QY_REPORT_BAD_REALLOC, call))
		return NULL;
	return head;
}

size_t qy__ksize_request(struct qy_mm *mm, const void *p, const struct qy__request *req)
{
	struct qy__call call = call_of(req);
	struct qy_page *head;
	bool tracked;

	if (QY_ZERO_OR_NULL_PTR(p))
		return 0;
	head = live_head(mm, p, &call);
	return head ? capacity(mm, head, p, &tracked) : 0;
}

/* Bytes the object could hold where it lies. */
static size_t room_in_place(struct qy_mm *mm, const struct qy_page *head)
{
	size_t room = QY_PAGE_SIZE << head->order;

	if (head->type == QY__PAGE_SLAB)
		return qy__ref_cache(mm, head->slab.cache)->layout.object_size;
	if (is_debug_large(mm))
		room -= head->large.offset + max(mm->debug->config.red_zone, 64u);
	return room;
}

/*
 * malloc gives memory back rather than sit on four times of it; kernel-style callers count on
 * staying.
 */
static bool is_wasteful(const struct qy__request *req, size_t room)
{
	return req->family && req->size < room / 4;
}

static int resize_in_place(struct qy_mm *mm, struct qy_page *head, void *p, size_t size,
			   struct qy__call *call)
{
	struct qy_cache *c;

	if (head->type == QY__PAGE_LARGE) {
		if (is_debug_large(mm))
			return qy__debug_large_resize(mm, head, p, size, call);
		head->large.size = size;
		return 0;
	}
	c = qy__ref_cache(mm, head->slab.cache);
	return qy__cache_is_debug(c) ? qy__debug_resize(c, p, size, call) : 0;
}

static void *move(struct qy_mm *mm, void *p, size_t old, const struct qy__request *req,
		  qy_gfp_t gfp)
{
	struct qy__request free_req = {.family = req->family, .caller = req->caller};
	void *to = qy__kmalloc_request(mm, req, gfp);

	if (!to)
		return NULL;
	memcpy(to, p, min(old, req->size) - (qy__planted(REALLOC_SHORT) ? 1 : 0));
	qy__kfree_request(mm, p, &free_req);
	return to;
}

void *qy__krealloc_request(struct qy_mm *mm, void *p, const struct qy__request *req, qy_gfp_t gfp)
{
	struct qy__call call = call_of(req);
	struct qy_page *head;
	bool tracked, fits;
	size_t old, room;

	if (QY_ZERO_OR_NULL_PTR(p))
		return qy__kmalloc_request(mm, req, gfp);
	if (!req->size && !req->family) {
		qy__kfree_request(mm, p, req);
		return QY_ZERO_SIZE_PTR;
	}
	head = live_head(mm, p, &call);
	if (!head)
		return NULL;
	old = capacity(mm, head, p, &tracked);
	room = room_in_place(mm, head);
	fits = req->size <= room && (!req->align || qy__is_aligned((uintptr_t)p, req->align));
	if (!fits || is_wasteful(req, room)) {
		void *to = move(mm, p, old, req, gfp);

		if (to || !fits)
			return to;
	}
	if (resize_in_place(mm, head, p, req->size, &call))
		return NULL;
	/*
	 * What is untracked keeps its old request's bytes: ZERO then speaks of what lies beyond the
	 * capacity.
	 */
	if ((gfp & QY_GFP_ZERO) && tracked && req->size > old && !qy__planted(REALLOC_STALE))
		memset((char *)p + old, 0, req->size - old);
	return p;
}

void *qy_kmalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp)
{
	void *object = qy__kmalloc_fast(mm, size);

	if (unlikely(!object)) {
		struct qy__request req = {.size = size, .caller = CALLER};

		return qy__kmalloc_request(mm, &req, gfp);
	}
	return unlikely(gfp & QY_GFP_ZERO) ? memset(object, 0, qy__size_class(mm, size)->size)
					   : object;
}

void *qy_kzalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp)
{
	struct qy__request req = {.size = size, .caller = CALLER};

	return qy__kmalloc_request(mm, &req, gfp | QY_GFP_ZERO);
}

void *qy_kmalloc_array(struct qy_mm *mm, size_t n, size_t size, qy_gfp_t gfp)
{
	struct qy__request req = {.caller = CALLER};

	return __builtin_mul_overflow(n, size, &req.size) && !qy__planted(ARRAY_OVERFLOW)
		       ? NULL
		       : qy__kmalloc_request(mm, &req, gfp);
}

void *qy_kcalloc(struct qy_mm *mm, size_t n, size_t size, qy_gfp_t gfp)
{
	struct qy__request req = {.caller = CALLER};

	return __builtin_mul_overflow(n, size, &req.size)
		       ? NULL
		       : qy__kmalloc_request(mm, &req, gfp | QY_GFP_ZERO);
}

void *qy_kmalloc_aligned(struct qy_mm *mm, size_t size, size_t align, qy_gfp_t gfp)
{
	struct qy__request req = {.size = size, .align = align, .caller = CALLER};

	return qy__is_pow2(align) ? qy__kmalloc_request(mm, &req, gfp) : NULL;
}

void *qy_krealloc(struct qy_mm *mm, void *p, size_t size, qy_gfp_t gfp)
{
	struct qy__request req = {.size = size, .caller = CALLER};

	return qy__krealloc_request(mm, p, &req, gfp);
}

void qy_kfree(struct qy_mm *mm, const void *p)
{
	struct qy__request req = {.caller = CALLER};

	if (likely(qy__kfree_fast(mm, (void *)p)))
		return;
	qy__kfree_request(mm, (void *)p, &req);
}

size_t qy_ksize(struct qy_mm *mm, const void *p)
{
	struct qy__request req = {.caller = CALLER};

	return qy__ksize_request(mm, p, &req);
}

size_t qy_kmalloc_size_roundup(struct qy_mm *mm, size_t size)
{
	if (!size || size > qy__kmalloc_max(mm))
		return size;
	if (size <= QY__KMALLOC_MAX_CLASS && qy__size_class(mm, size)->cache)
		return qy__size_class(mm, size)->size;
	return QY_PAGE_SIZE << qy__get_order(size);
}
