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
#define GFP_NOIO QY_GFP_NOIO
#define GFP_NOFS QY_GFP_NOFS
#define GFP_USER QY_GFP_USER
#define GFP_HIGHUSER QY_GFP_HIGHUSER
#define GFP_HIGHUSER_MOVABLE QY_GFP_HIGHUSER_MOVABLE
#define GFP_DMA QY_GFP_DMA
#define GFP_DMA32 QY_GFP_DMA32
#define __GFP_DMA QY_GFP_DMA
#define __GFP_HIGHMEM QY_GFP_HIGHMEM
#define __GFP_DMA32 QY_GFP_DMA32
#define __GFP_MOVABLE QY_GFP_MOVABLE
#define __GFP_RECLAIMABLE QY_GFP_RECLAIMABLE
#define __GFP_HIGH QY_GFP_HIGH
#define __GFP_IO QY_GFP_IO
#define __GFP_FS QY_GFP_FS
#define __GFP_ZERO QY_GFP_ZERO
#define __GFP_DIRECT_RECLAIM QY_GFP_DIRECT_RECLAIM
#define __GFP_KSWAPD_RECLAIM QY_GFP_KSWAPD_RECLAIM
#define __GFP_RECLAIM QY_GFP_RECLAIM
#define __GFP_NOWARN QY_GFP_NOWARN
#define __GFP_RETRY_MAYFAIL QY_GFP_RETRY_MAYFAIL
#define __GFP_NOFAIL QY_GFP_NOFAIL
#define __GFP_NORETRY QY_GFP_NORETRY
#define __GFP_MEMALLOC QY_GFP_MEMALLOC
#define __GFP_COMP QY_GFP_COMP
#define __GFP_NOMEMALLOC QY_GFP_NOMEMALLOC
#define __GFP_HARDWALL QY_GFP_HARDWALL
#define __GFP_THISNODE QY_GFP_THISNODE
#define __GFP_ACCOUNT QY_GFP_ACCOUNT

#define NUMA_NO_NODE (-1)

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

static inline void free_page(unsigned long addr)
{
	free_pages(addr, 0);
}

static inline void __free_page(struct page *page)
{
	__free_pages(page, 0);
}

static inline struct page *alloc_page(gfp_t gfp)
{
	return alloc_pages(gfp, 0);
}

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | QY_GFP_ZERO, 0);
}

/* @nid: NUMA_NO_NODE is the caller's. */
static inline struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	struct qy_mm *mm = qy_mm_default();

	if (nid < 0)
		return alloc_pages(gfp, order);
	return (struct page *)(mm ? qy_alloc_pages_node(mm, (unsigned int)nid, gfp, order) : NULL);
}

static inline void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? qy_alloc_pages_exact(mm, gfp, size) : NULL;
}

static inline void free_pages_exact(void *p, size_t size)
{
	struct qy_mm *mm = qy_mm_default();

	if (mm && p)
		qy_free_pages_exact(mm, p, size);
}

static inline void split_page(struct page *page, unsigned int order)
{
	struct qy_mm *mm = qy_mm_default();

	if (mm)
		qy_split_page(mm, (struct qy_page *)page, order);
}

static inline void get_page(struct page *page)
{
	struct qy_mm *mm = qy_mm_default();

	if (mm)
		qy_page_get(mm, (struct qy_page *)page);
}

static inline void put_page(struct page *page)
{
	struct qy_mm *mm = qy_mm_default();

	if (mm)
		qy_page_put(mm, (struct qy_page *)page);
}

static inline struct page *virt_to_page(const void *addr)
{
	struct qy_mm *mm = qy_mm_default();

	return (struct page *)(mm ? qy_page_of(mm, addr) : NULL);
}

static inline unsigned long page_to_pfn(const struct page *page)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? qy_page_pfn(mm, (const struct qy_page *)page) : 0;
}

static inline int page_to_nid(const struct page *page)
{
	struct qy_mm *mm = qy_mm_default();

	return mm ? (int)qy_page_node(mm, (const struct qy_page *)page) : 0;
}

static inline struct page *compound_head(struct page *page)
{
	struct qy_mm *mm = qy_mm_default();

	return (struct page *)(mm ? qy_page_head(mm, (struct qy_page *)page) : NULL);
}

static inline void drain_all_pages(void *zone)
{
	struct qy_mm *mm = qy_mm_default();

	(void)zone; /* of all zones */
	if (mm)
		qy_mm_drain_pages(mm);
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
