/* SPDX-License-Identifier: MIT */
/*
 * quarry/linux_compat.h - the kernel's own names on the default instance, for kernel-style code in
 * user space.
 *
 * Opt-in, included by nothing else. Inline functions and incomplete structs only: no function
 * macros. Flags that have no meaning in user space are accepted.
 */
#ifndef QUARRY_LINUX_COMPAT_H
#define QUARRY_LINUX_COMPAT_H

#include <string.h>

#include <quarry/kmalloc.h>
#include <quarry/page.h>
#include <quarry/slab.h>
#include <quarry/vmalloc.h>

QY_BEGIN_DECLS

struct kmem_cache;
struct page;
typedef qy_gfp_t gfp_t;
typedef qy_slab_flags_t slab_flags_t;

#define GFP_KERNEL QY_GFP_KERNEL
#define GFP_ATOMIC QY_GFP_ATOMIC
#define GFP_NOWAIT QY_GFP_NOWAIT
#define GFP_DMA QY_GFP_DMA
#define __GFP_ZERO QY_GFP_ZERO
#define __GFP_NOWARN QY_GFP_NOWARN
#define __GFP_COMP QY_GFP_COMP

#define SLAB_CONSISTENCY_CHECKS QY_SLAB_CONSISTENCY_CHECKS
#define SLAB_RED_ZONE QY_SLAB_RED_ZONE
#define SLAB_POISON QY_SLAB_POISON
#define SLAB_STORE_USER QY_SLAB_STORE_USER
#define SLAB_HWCACHE_ALIGN QY_SLAB_HWCACHE_ALIGN
#define SLAB_PANIC QY_SLAB_PANIC
#define SLAB_RECLAIM_ACCOUNT QY_SLAB_RECLAIM_ACCOUNT

#define ZERO_SIZE_PTR QY_ZERO_SIZE_PTR

static inline struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
						   unsigned int align, slab_flags_t flags,
						   void (*ctor)(void *))
{
	struct qy_mm *mm = qy_mm_default();

	return (struct kmem_cache *)(mm ? qy_cache_create(mm, name, size, align, flags, ctor)
					: NULL);
}

static inline void kmem_cache_destroy(struct kmem_cache *s)
{
	qy_cache_destroy((struct qy_cache *)s);
}

static inline void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	return qy_cache_alloc((struct qy_cache *)s, gfp);
}

static inline void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp)
{
	return qy_cache_alloc((struct qy_cache *)s, gfp | QY_GFP_ZERO);
}

static inline void kmem_cache_free(struct kmem_cache *s, void *object)
{
	qy_cache_free((struct qy_cache *)s, object);
}

static inline int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t n, void **objects)
{
	return (int)qy_cache_alloc_bulk((struct qy_cache *)s, gfp, n, objects);
}

static inline void kmem_cache_free_bulk(struct kmem_cache *s, size_t n, void **objects)
{
	qy_cache_free_bulk((struct qy_cache *)s, n, objects);
}

static inline int kmem_cache_shrink(struct kmem_cache *s)
{
	return qy_cache_shrink((struct qy_cache *)s);
}

static inline void *kmalloc(size_t size, gfp_t gfp)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? qy_kmalloc(mm, size, gfp) : NULL;
}

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | QY_GFP_ZERO);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? qy_kmalloc_array(mm, n, size, gfp) : NULL;
}

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | QY_GFP_ZERO);
}

static inline void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? qy_krealloc(mm, (void *)(uintptr_t)p, size, gfp) : NULL;
}

static inline void kfree(const void *p)
{
	struct qy_mm *mm = qy_mm_default();

	if (mm)
		qy_kfree(mm, p);
}

static inline size_t ksize(const void *p)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? qy_ksize(mm, p) : 0;
}

static inline char *kstrdup(const char *s, gfp_t gfp)
{
	size_t n = s ? strlen(s) + 1 : 0;
	char *copy = s ? (char *)kmalloc(n, gfp) : NULL;

	return copy ? (char *)memcpy(copy, s, n) : NULL;
}

static inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct qy_mm *mm = qy_mm_default();

	return (struct page *)(mm ? qy_alloc_pages(mm, gfp, order) : NULL);
}

static inline void __free_pages(struct page *page, unsigned int order)
{
	struct qy_mm *mm = qy_mm_default();

	if (mm)
		qy_free_pages(mm, (struct qy_page *)page, order);
}

static inline void *page_address(const struct page *page)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? qy_page_address(mm, (const struct qy_page *)page) : NULL;
}

static inline unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct qy_mm *mm = qy_mm_default();

	return (unsigned long)(uintptr_t)(mm ? qy_get_free_pages(mm, gfp, order) : NULL);
}

static inline void free_pages(unsigned long addr, unsigned int order)
{
	struct qy_mm *mm = qy_mm_default();

	if (mm && addr)
		qy_free_pages_addr(mm, (const void *)(uintptr_t)addr, order);
}

static inline void *vmalloc(size_t size)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? qy_vmalloc(mm, size) : NULL;
}

static inline void *vzalloc(size_t size)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? qy_vzalloc(mm, size) : NULL;
}

static inline void vfree(const void *p)
{
	struct qy_mm *mm = qy_mm_default();

	if (mm)
		qy_vfree(mm, p);
}

QY_END_DECLS

#endif
