/* SPDX-License-Identifier: MIT */
/*
 * quarry/page.h - instances, and blocks of 2^order pages.
 *
 * Context: unless a function says otherwise it may be called from any thread, takes at most the
 * zone lock, and must not be called from a signal handler. After fork() the child owns a copy of
 * every private instance; only the thread that called fork() may have been inside the library,
 * unless the instance was put under qy_mm_fork_prepare()/..._done().
 */
#ifndef QUARRY_PAGE_H
#define QUARRY_PAGE_H

#include <quarry/debug.h>
#include <quarry/types.h>

QY_BEGIN_DECLS

enum qy_backing {
	QY_BACKING_ANON,  /* private anonymous memory: a span is reserved and brought in by need */
	QY_BACKING_ARENA, /* a buffer of the caller's: nothing is asked of the system */
};

enum qy_classes {
	QY_CLASSES_KERNEL, /* 8 … 8192, with 96 and 192; naturally aligned */
	QY_CLASSES_FINE,   /* multiples of 16, four per doubling: what malloc uses */
};

enum qy_cpu_provider {
	QY_CPU_THREAD, /* a slot per thread, handed back when the thread ends */
	QY_CPU_MANUAL, /* the caller says which CPU it is: qy_mm_set_cpu() */
};

/** struct qy_clock - a source of time; fn == NULL is CLOCK_MONOTONIC (arena: always 0). */
struct qy_clock {
	uint64_t (*fn)(void *ctx); /* nanoseconds, must not go backwards */
	void *ctx;
};

/**
 * struct qy_mm_config - everything that shapes an instance. Start from QY_MM_CONFIG_INIT.
 *
 * The same configuration, seed and sequence of calls give the same addresses (relative to the
 * base) and the same reports.
 */
struct qy_mm_config {
	size_t struct_size;	    /* sizeof(struct qy_mm_config), set by the initialiser */
	enum qy_backing backing;
	void *base;		    /* ARENA: the buffer */
	/* bytes: ARENA the buffer's, ANON the span to reserve (0: 64 GiB) */
	size_t size;
	size_t initial;		    /* bytes, ANON: brought in at start (0: one section) */
	/* largest block is 2^max_order pages; 0 means the default, 10 */
	unsigned int max_order;
	bool max_order_zero;	    /* true: blocks of one page only (max_order is ignored) */
	size_t zone_limit[QY_NR_ZONES]; /* end of each zone, bytes from base; 0: zone is empty.
					 * NORMAL takes what is left. */
	enum qy_classes classes;
	enum qy_cpu_provider cpu_provider;
	unsigned int nr_cpus;	    /* MANUAL: number of CPUs, 1…64; 0 means 1 */
	uint64_t seed;
	struct qy_clock clock;
	/* e.g. "slab_debug=FZPU quarantine=64M", see debug.h; NULL: none */
	const char *debug;
	/* bytes, least size of each red zone, 8…4096 (0: 8, the kernel's) */
	unsigned int red_zone;
	struct qy_report_sink sink; /* sink.fn == NULL: text on standard error */
	enum qy_policy policy;
};

#define QY_MM_CONFIG_INIT                                                                          \
	{                                                                                          \
		.struct_size = sizeof(struct qy_mm_config)                                         \
	}

/**
 * qy_mm_create - build an instance.
 * @config: read during the call only.
 *
 * ARENA: the instance, its page descriptors and all its books lie inside the buffer; the first
 * byte used is the buffer's first page border. A snapshot of the buffer is a snapshot of the
 * instance: restoring it at the same address restores everything.
 *
 * Return: the instance, or NULL iff
 *   errno EINVAL: struct_size unknown; max_order above the build's limit; nr_cpus > 64; red_zone
 *                 out of range; zone limits not ascending; debug string has an unknown item;
 *   errno ENOMEM: the buffer is too small for the books plus one page; the span cannot be had.
 * Complexity: linear in the pages brought in.
 */
QY_API struct qy_mm *qy_mm_create(const struct qy_mm_config *config) QY_MUST_CHECK;

/**
 * qy_mm_destroy - give an instance's memory back (ARENA: only forget it).
 *
 * Every pointer of the instance is dead afterwards. NULL is allowed.
 * Context: no other call on this instance may be under way.
 */
QY_API void qy_mm_destroy(struct qy_mm *mm);

/**
 * qy_mm_default - the instance that malloc and the kernel-named API use; made at the first call.
 *
 * Its debug string is that of the environment variable QUARRY_DEBUG, else (debug build)
 * "slab_debug=FZPU quarantine=16M red_zone=64"; reports abort the program unless the string says
 * policy=report.
 * Return: the instance, or NULL iff it could not be made (errno as qy_mm_create()).
 */
QY_API struct qy_mm *qy_mm_default(void);

/**
 * qy_mm_set_cpu - MANUAL provider: later calls run on @cpu. Return: 0, -EINVAL, -EPERM (THREAD).
 */
QY_API int qy_mm_set_cpu(struct qy_mm *mm, unsigned int cpu);

/** qy_mm_base - the address of page frame 0. qy_mm_page_size - bytes in a page. */
QY_API void *qy_mm_base(const struct qy_mm *mm);
QY_API size_t qy_mm_page_size(const struct qy_mm *mm);
QY_API unsigned int qy_mm_max_order(const struct qy_mm *mm);

/**
 * qy_alloc_pages - take a block of 2^@order pages.
 * @gfp: zone, ZERO, COMP, NOWARN, …
 * @order: 0 … max order.
 *
 * Return: the head page's descriptor, or NULL iff the order is too large or no zone that @gfp
 * allows has a free block of that order or more (and, ANON, the span cannot grow).
 * The block is aligned to its own size, counted from page frame 0.
 * Complexity: O(max order).
 */
QY_API struct qy_page *qy_alloc_pages(struct qy_mm *mm, qy_gfp_t gfp,
				      unsigned int order) QY_MUST_CHECK;

/**
 * qy_free_pages - give a block back.
 * @order: as it was allocated.
 *
 * Return: 0, or, after a report and with the block left allocated (leaked),
 *   -EINVAL: @page is no page of @mm, or not the head of an allocated block (also: already free),
 *            or belongs to a slab;
 *   -ERANGE: the block has another order.
 * Complexity: O(max order).
 */
QY_API int qy_free_pages(struct qy_mm *mm, struct qy_page *page, unsigned int order);

/** qy_get_free_pages - as qy_alloc_pages(), giving the address. */
QY_API void *qy_get_free_pages(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order) QY_MUST_CHECK;
/**
 * qy_free_pages_addr - as qy_free_pages(), by address; -EINVAL too if it is not on a page border.
 */
QY_API int qy_free_pages_addr(struct qy_mm *mm, const void *addr, unsigned int order);

/** qy_page_address - the memory that a descriptor describes. */
QY_API void *qy_page_address(const struct qy_mm *mm, const struct qy_page *page);
/** qy_page_of - the descriptor of the page that holds @addr, or NULL if @mm has no such page. */
QY_API struct qy_page *qy_page_of(const struct qy_mm *mm, const void *addr);
/** qy_page_pfn, qy_page_order - page frame number; order of the block headed by @page. */
QY_API uint32_t qy_page_pfn(const struct qy_mm *mm, const struct qy_page *page);
QY_API unsigned int qy_page_order(const struct qy_page *page);

/** struct qy_page_stats - a consistent view of the page floor; all figures in pages. */
struct qy_page_stats {
	size_t struct_size;
	size_t spanned, managed, free;
	size_t free_max;       /* largest free block */
	size_t high_water;     /* most pages ever in use at once */
	size_t nr_free[32];    /* free blocks by order */
};
QY_API void qy_page_stats(struct qy_mm *mm, struct qy_page_stats *stats);

/**
 * qy_mm_trim - return the memory of free blocks to the system (ANON; ARENA returns 0).
 * Return: bytes handed back. The address space stays reserved.
 */
QY_API size_t qy_mm_trim(struct qy_mm *mm);

/**
 * qy_mm_fork_prepare, qy_mm_fork_parent, qy_mm_fork_child - for pthread_atfork(): hold every lock
 * of the instance over fork(). The malloc drop-ins do this for the default instance.
 */
QY_API void qy_mm_fork_prepare(struct qy_mm *mm);
QY_API void qy_mm_fork_parent(struct qy_mm *mm);
QY_API void qy_mm_fork_child(struct qy_mm *mm);

QY_END_DECLS

#endif
