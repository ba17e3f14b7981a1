/* SPDX-License-Identifier: MIT */
/*
 * kmalloc_inline.h - the fast halves of kmalloc and kfree: a table, a sheaf, and nothing else.
 *
 * A debug cache, a size without class and a pointer that is no slab object all miss here.
 */
#ifndef QY_KMALLOC_KMALLOC_INLINE_H
#define QY_KMALLOC_KMALLOC_INLINE_H

#include "kmalloc/kmalloc.h"

static QY_ALWAYS_INLINE struct qy__sheaf *qy__this_sheaf(const struct qy_cache *c)
{
	return c->sheaf[unlikely(c->manual_cpu) ? c->mm->cpus.current : qy__thread_cpu];
}

/* An object of at least @size bytes, or NULL: go the slow way. @size 0 misses. */
static QY_ALWAYS_INLINE void *qy__kmalloc_fast(const struct qy_mm *mm, size_t size)
{
	const struct qy__size_class *sc;

	if (unlikely(size - 1 >= QY__KMALLOC_MAX_CLASS))
		return NULL;
	sc = qy__size_class(mm, size);
	if (unlikely(!sc->cache))
		return NULL;
	return qy__sheaf_pop(qy__this_sheaf(sc->cache));
}

/* false: go the slow way. */
static QY_ALWAYS_INLINE bool qy__kfree_fast(const struct qy_mm *mm, void *p)
{
	const struct qy_page *page = qy__addr_page(mm, p);

	if (unlikely(!page) || unlikely(!(qy__page_flags(page) & QY__PAGE_F_SLAB)))
		return false;
	return qy__sheaf_push(qy__this_sheaf(qy__ref_cache(mm, page->slab.cache)), p);
}

#endif
