/* SPDX-License-Identifier: MIT */
/*
 * kmalloc_inline.h - the fast halves of kmalloc and kfree: a table, a sheaf, and nothing else.
 *
 * A debug cache, a size without class and a pointer that is no slab object all miss here.
 */
#ifndef QY_KMALLOC_KMALLOC_INLINE_H
#define QY_KMALLOC_KMALLOC_INLINE_H

#include "kmalloc/kmalloc.h"
#include "slab/cpu.h"

/* An object of at least @size bytes, or NULL: go the slow way. @size 0 misses. */
static QY_ALWAYS_INLINE void *qy__kmalloc_fast(const struct qy_mm *mm, size_t size)
{
	const struct qy__size_class *sc;

	if (unlikely(size - 1 >= QY__KMALLOC_MAX_CLASS))
		return NULL;
	sc = qy__size_class(mm, size);
	if (unlikely(!sc->cache))
		return NULL;
	return qy__cache_pop(sc->cache);
}

/* false: go the slow way. */
static QY_ALWAYS_INLINE bool qy__kfree_fast(const struct qy_mm *mm, void *p)
{
	const struct qy_page *page = qy__addr_page(mm, p);

	if (unlikely(!page) || unlikely(!(qy__page_flags(page) & QY__PAGE_F_SLAB)))
		return false;
	return qy__cache_push(qy__object_cache(mm, page, p), p);
}

#endif
