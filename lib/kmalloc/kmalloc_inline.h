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

/*
 * Of an instance whose CPUs are the slots of threads, as malloc's always is (start.c), a caller
 * need not ask whether they are chosen by hand.
 */
enum { QY__ANY_CPUS, QY__THREAD_CPUS };

/* An object of at least @size bytes, or NULL: go the slow way. @size 0 misses. */
static QY_ALWAYS_INLINE void *qy__kmalloc_fast(const struct qy_mm *mm, size_t size, int cpus)
{
	const struct qy__size_class *sc;

	if (unlikely(size - 1 >= QY__KMALLOC_MAX_CLASS))
		return NULL;
	sc = qy__size_class(mm, size);
	if (unlikely(!sc->cache))
		return NULL;
	return cpus == QY__THREAD_CPUS ? qy__cache_pop_thread(sc->cache) : qy__cache_pop(sc->cache);
}

/*
 * false: go the slow way. So does a pointer into an object: what is in a sheaf is handed out again.
 * The descriptor is looked up as qy__addr_page() does, with what is needed later kept.
 */
static QY_ALWAYS_INLINE bool qy__kfree_fast(const struct qy_mm *mm, void *p, int cpus)
{
	uintptr_t rel = (uintptr_t)p - (uintptr_t)mm->base;
	uint32_t first = mm->min_pfn, pages = qy__load_relaxed(&mm->end_pfn) - first;
	size_t i = (rel >> QY_CONFIG_PAGE_SHIFT) - first;
	const struct qy_page *page = mm->pages + i;
	const struct qy_cache *c;

	if (unlikely(i >= pages) || unlikely(!(qy__page_flags(page) & QY__PAGE_F_SLAB)))
		return false;
	c = qy__object_cache(mm, page, p);
	if (unlikely(!qy__is_object_start(c, page, rel)))
		return false;
	return cpus == QY__THREAD_CPUS ? qy__cache_push_thread(c, p) : qy__cache_push(c, p);
}

#endif
