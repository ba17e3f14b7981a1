/* SPDX-License-Identifier: MIT */
/*
 * quarry/types.h - the words every other header uses: flags, handles, byte values.
 *
 * Nothing here depends on how the library was configured: a program compiled against these
 * headers links with the release and with the debug library alike.
 */
#ifndef QUARRY_TYPES_H
#define QUARRY_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define QY_BEGIN_DECLS extern "C" {
#define QY_END_DECLS }
#else
#define QY_BEGIN_DECLS
#define QY_END_DECLS
#endif

/*
 * The initialiser of a public struct: struct_size is set, all else is zero. C++ has named members
 * in initialisers only since C++20, and leaving members out of a list is a warning there.
 */
#ifdef __cplusplus
#define QY_STRUCT_INIT(type)                                                                       \
	[] {                                                                                       \
		type qy_all_zero = {};                                                             \
		qy_all_zero.struct_size = sizeof(type);                                            \
		return qy_all_zero;                                                                \
	}()
#else
#define QY_STRUCT_INIT(type)                                                                       \
	{                                                                                          \
		.struct_size = sizeof(type)                                                        \
	}
#endif

#if defined(__GNUC__)
#define QY_API __attribute__((visibility("default")))
#define QY_MALLOC_LIKE __attribute__((malloc, warn_unused_result))
#define QY_MUST_CHECK __attribute__((warn_unused_result))
#define QY_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define QY_API
#define QY_MALLOC_LIKE
#define QY_MUST_CHECK
#define QY_PRINTF(f, a)
#endif

QY_BEGIN_DECLS

/*
 * Context: where the functions of all headers may be called, unless one says otherwise (early.h,
 * which is not locked, does).
 *
 * Threads: any, any number of them at once. A call may wait for locks of the library; none is held
 *   any more when it returns.
 * Signals: not from a signal handler, which may have interrupted the holder of such a lock.
 * The program's own code: shrinkers, the reclaim hook, the migrate hook and constructors are called
 *   by the thread that asked for memory or a run, without a lock of the library: they may call it
 *   again, but for what their own text excludes. The locks that the caller itself holds are held
 *   meanwhile. Without QY_GFP_DIRECT_RECLAIM neither shrinkers nor the reclaim hook are called. A
 *   report sink is called with locks held: no call from there.
 * errno: a call that returns NULL (qy_cache_alloc_bulk(): 0) for want of something sets it, to what
 *   its "Return:" says; for memory that is ENOMEM. A call that succeeds may leave any value there.
 *   Those that return int give -errno and do not set it.
 * fork(): the child has its own copy of an instance, but for an arena in shared memory. It may go
 *   on using it if no other thread was inside the library at that moment, or if fork() was called
 *   between qy_mm_fork_prepare() and qy_mm_fork_parent() / qy_mm_fork_child().
 * An instance, a cache or an area that is being destroyed, or is gone, may be used by nobody.
 */

/** struct qy_mm - a memory manager: one span of memory with its zones, pages and caches. */
struct qy_mm;
/** struct qy_page - the descriptor of one page; an array apart from the memory it describes. */
struct qy_page;
/** struct qy_cache - a cache of equal objects. */
struct qy_cache;
/** struct qy_report - see debug.h. */
struct qy_report;

/*
 * Allocation flags. The bit values are those of Linux 6.6, so that a trace of gfp masks can be
 * read by eye; only the bits that carry a meaning in user space are named.
 *
 * Zone bits name the highest zone that may serve the request; when it has nothing the lower ones
 * are tried, never a higher one:
 *
 *   (none)    NORMAL, then DMA32, then DMA
 *   HIGHMEM   HIGHMEM, then as above: without a HIGHMEM zone the bit changes nothing
 *   DMA32     DMA32, then DMA
 *   DMA       DMA
 *
 * Of several bits the lowest zone counts: DMA before DMA32 before HIGHMEM. Where a zone ends says
 * the configuration (zone_limit); one that is empty serves nothing, so DMA and DMA32 requests fail
 * where these zones were not asked for, as in the default instance. Zone bits hold for blocks of
 * pages. An object of a cache or of a size class of kmalloc comes from whatever slab there is: for
 * objects in the DMA zone make a cache with QY_SLAB_CACHE_DMA.
 *
 * Lifetime bits: of MOVABLE and RECLAIMABLE together MOVABLE counts; neither is UNMOVABLE. They
 * have no effect in an instance that does not keep lifetimes apart (grouping).
 */
typedef unsigned int qy_gfp_t;
#define QY_GFP_DMA 0x1u		     /* zones: DMA only */
#define QY_GFP_HIGHMEM 0x2u	     /* zones: all */
#define QY_GFP_DMA32 0x4u	     /* zones: DMA32 and below */
#define QY_GFP_MOVABLE 0x8u	     /* lifetime: the migrate hook may move it */
#define QY_GFP_RECLAIMABLE 0x10u     /* lifetime: a shrinker can free it */
#define QY_GFP_HIGH 0x20u	     /* may use half of the reserves */
#define QY_GFP_IO 0x40u		     /* accepted, no effect */
#define QY_GFP_FS 0x80u		     /* accepted, no effect */
#define QY_GFP_ZERO 0x100u	     /* memory is zeroed */
#define QY_GFP_DIRECT_RECLAIM 0x400u /* may call reclaim hooks */
#define QY_GFP_KSWAPD_RECLAIM 0x800u /* below LOW: qy_mm_balance() is called for */
#define QY_GFP_WRITE 0x1000u	     /* accepted, no effect */
#define QY_GFP_NOWARN 0x2000u	     /* no failure message */
#define QY_GFP_RETRY_MAYFAIL 0x4000u /* reclaim as long as it frees something */
#define QY_GFP_NOFAIL 0x8000u	     /* never NULL: see qy_alloc_pages() */
#define QY_GFP_NORETRY 0x10000u	     /* reclaim once, lightly */
#define QY_GFP_MEMALLOC 0x20000u     /* no watermark holds: for what frees memory itself */
#define QY_GFP_COMP 0x40000u	     /* compound page: every page knows its head */
#define QY_GFP_NOMEMALLOC 0x80000u   /* no reserves, whatever else is said */
#define QY_GFP_HARDWALL 0x100000u    /* accepted, no effect */
#define QY_GFP_THISNODE 0x200000u    /* no fallback to another node */
#define QY_GFP_ACCOUNT 0x400000u     /* accepted, no effect */

#define QY_GFP_RECLAIM (QY_GFP_DIRECT_RECLAIM | QY_GFP_KSWAPD_RECLAIM)
#define QY_GFP_KERNEL (QY_GFP_RECLAIM | QY_GFP_IO | QY_GFP_FS)
#define QY_GFP_ATOMIC (QY_GFP_HIGH | QY_GFP_KSWAPD_RECLAIM)
#define QY_GFP_NOWAIT (QY_GFP_KSWAPD_RECLAIM | QY_GFP_NOWARN)
#define QY_GFP_NOIO QY_GFP_RECLAIM
#define QY_GFP_NOFS (QY_GFP_RECLAIM | QY_GFP_IO)
#define QY_GFP_USER (QY_GFP_KERNEL | QY_GFP_HARDWALL)
#define QY_GFP_HIGHUSER (QY_GFP_USER | QY_GFP_HIGHMEM)
#define QY_GFP_HIGHUSER_MOVABLE (QY_GFP_HIGHUSER | QY_GFP_MOVABLE)

/* Cache flags (qy_cache_create). */
typedef unsigned int qy_slab_flags_t;
#define QY_SLAB_CONSISTENCY_CHECKS 0x100u /* letter F */
#define QY_SLAB_RED_ZONE 0x400u		  /* letter Z */
#define QY_SLAB_POISON 0x800u		  /* letter P */
#define QY_SLAB_KMALLOC 0x1000u		  /* the requested size is tracked (with STORE_USER) */
#define QY_SLAB_HWCACHE_ALIGN 0x2000u	  /* spread over cache lines */
#define QY_SLAB_CACHE_DMA 0x4000u	  /* pages of the DMA zone only */
#define QY_SLAB_STORE_USER 0x10000u	  /* letter U: stacks of allocation and free */
#define QY_SLAB_PANIC 0x40000u		  /* abort when the cache cannot be made */
#define QY_SLAB_TRACE 0x200000u		  /* letter T: a line for every call */
#define QY_SLAB_NO_MERGE 0x1000000u	  /* accepted, no effect: caches are never merged */
#define QY_SLAB_RECLAIM_ACCOUNT 0x20000u  /* pages count as reclaimable */
#define QY_SLAB_DEBUG_FLAGS                                                                        \
	(QY_SLAB_CONSISTENCY_CHECKS | QY_SLAB_RED_ZONE | QY_SLAB_POISON | QY_SLAB_STORE_USER |     \
	 QY_SLAB_TRACE)

/* Byte values a reader of a report meets (the kernel's). */
#define QY_RED_INACTIVE 0xbb /* red zone of a free object */
#define QY_RED_ACTIVE 0xcc   /* red zone of an object in use */
#define QY_POISON_INUSE 0x5a /* padding of slab and slot */
#define QY_POISON_FREE 0x6b  /* body of a fresh object, and of a free one but of malloc's classes */
#define QY_POISON_END 0xa5   /* its last byte */

/* What kmalloc(0) returns: not NULL, not usable, accepted by kfree. */
#define QY_ZERO_SIZE_PTR ((void *)16)
#define QY_ZERO_OR_NULL_PTR(p) ((uintptr_t)(p) <= 16)

/* Zones, lowest first. */
enum qy_zone_type { QY_ZONE_DMA, QY_ZONE_DMA32, QY_ZONE_NORMAL, QY_ZONE_HIGHMEM, QY_NR_ZONES };

/* Lifetimes are kept apart: a page block holds pages of one type. */
enum qy_migratetype {
	QY_MIGRATE_UNMOVABLE,
	QY_MIGRATE_MOVABLE,
	QY_MIGRATE_RECLAIMABLE,
	QY_MIGRATE_PCPTYPES,			     /* how many types per-CPU lists know */
	QY_MIGRATE_HIGHATOMIC = QY_MIGRATE_PCPTYPES, /* set aside for requests that may not wait */
	QY_MIGRATE_CMA,	    /* lent to movable pages until an area's owner wants it */
	QY_MIGRATE_ISOLATE, /* being emptied: nothing is taken from it */
	QY_NR_MIGRATETYPES
};

#define QY_MAX_NODES 64

QY_END_DECLS

#endif
