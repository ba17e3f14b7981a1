/* SPDX-License-Identifier: MIT */
/*
 * quarry/page.h - instances, and blocks of 2^order pages.
 *
 * Context: as types.h says. Blocks of pages are taken and given back under the locks of the page
 * floor: reclaim → grow → CMA → per-CPU lists → zone. Questions about an instance or a descriptor
 * (qy_mm_base() … qy_mm_max_order(), qy_page_node(), qy_page_pfn(), …) take none, change nothing
 * and cannot fail: @page must be a descriptor of @mm, as qy_alloc_pages() or qy_page_of() gave it.
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

/** Which boot allocator an instance begins with; the result is the same. */
enum qy_early_allocator {
	QY_EARLY_MEMBLOCK,
	QY_EARLY_BOOTMEM,
};

enum qy_switch {
	QY_AUTO, /* each use says what that means */
	QY_ON,
	QY_OFF,
};

/* Where a request goes when its first zone has nothing. */
enum qy_zonelist_order {
	QY_ZONELIST_NODE, /* all zones of the nearest node first */
	QY_ZONELIST_ZONE, /* the highest zone of every node first */
};

enum qy_watermark { QY_WMARK_MIN, QY_WMARK_LOW, QY_WMARK_HIGH, QY_WMARK_PROMO, QY_NR_WMARK };

enum qy_watermarks {
	QY_WATERMARKS_NONE,   /* all marks and reserves are 0: every page can be had */
	QY_WATERMARKS_KERNEL, /* by the kernel's formulas, from the figures below */
};

#define QY_NO_RESERVE UINT32_MAX

/**
 * struct qy_watermark_config - what marks and reserves are computed from; a figure of 0 is the
 * kernel's.
 */
struct qy_watermark_config {
	enum qy_watermarks marks;
	size_t min_free_kbytes; /* 0: int_sqrt(kB below HIGHMEM * 16), 128…262144 */
	/* step from mark to mark, ten thousandths of a zone, 1…3000 (0: 10) */
	unsigned int scale_factor;
	/* most that a fallback adds, ten thousandths of HIGH (0: 15000; QY_NO_RESERVE: nothing) */
	unsigned int boost_factor;
	/* a zone keeps 1/ratio of what lies above (0: 256, 256, 32, -; QY_NO_RESERVE: nothing) */
	unsigned int lowmem_reserve_ratio[QY_NR_ZONES];
};

/* Bytes from base; for holes in the memory: [start, end), widened to whole pages. */
struct qy_range {
	size_t start, end;
};

/** struct qy_clock - a source of time; fn == NULL is CLOCK_MONOTONIC (arena: always 0). */
struct qy_clock {
	uint64_t (*fn)(void *ctx); /* nanoseconds, must not go backwards */
	void *ctx;
};

/**
 * struct qy_reclaim_hook - the last resort: called without locks when neither the free lists nor
 * the shrinkers give a block of 2^@order pages. It may free anything of this instance's.
 * Return: true: something was freed, try again (at most 16 times per request).
 */
struct qy_reclaim_hook {
	bool (*fn)(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order, void *ctx);
	void *ctx;
};

/**
 * struct qy_migrate_hook - moves a block that was allocated with QY_GFP_MOVABLE out of a range that
 * qy_alloc_contig_range() wants. It copies what @from (2^@order pages) holds to @to, lets its users
 * point there, and returns 0: the library then frees @from. Anything else: it cannot be moved; the
 * library frees @to. Called without locks; it must not free either block itself. Other threads go
 * on: that @from is still in use, and by whom, the hook finds out under the program's own lock.
 */
struct qy_migrate_hook {
	int (*fn)(struct qy_mm *mm, struct qy_page *from, struct qy_page *to, unsigned int order,
		  void *ctx);
	void *ctx;
};

/*
 * Work at every allocation and free of pages (the debug string knows them by these names, and goes
 * before the configuration). POISON takes the place of zeroing at free. Poison that was written is
 * reported (QY_REPORT_USE_AFTER_FREE), restored, and the block handed out all the same; with POISON
 * no memory of free blocks is given to the system. In an arena UNMAP sets guard pages aside, but
 * nothing traps.
 */
#define QY_PAGE_INIT_ON_ALLOC 0x1u /* init_on_alloc: memory is zeroed when handed out */
#define QY_PAGE_INIT_ON_FREE 0x2u  /* init_on_free: … when given back */
#define QY_PAGE_POISON 0x4u	   /* page_poison: 0xaa when given back, verified when handed out */
#define QY_PAGE_UNMAP 0x8u	   /* debug_pagealloc: free pages trap (ANON; debug build) */
#define QY_PAGE_OWNER 0x10u	   /* page_owner: who took it, who gave it back (debug build) */
#define QY_PAGE_DEBUG_FLAGS 0x1fu

#define QY_NODES_MACHINE UINT32_MAX

/**
 * struct qy_mm_config - everything that shapes an instance. Start from QY_MM_CONFIG_INIT.
 *
 * The same configuration, seed and sequence of calls give the same addresses (relative to the
 * base) and the same reports.
 */
struct qy_mm_config {
	size_t struct_size; /* sizeof(struct qy_mm_config), set by the initialiser */
	enum qy_backing backing;
	void *base; /* ARENA: the buffer */
	/*
	 * bytes: ARENA the buffer's, ANON the span to reserve. 0: 64 GiB that are not reserved:
	 * address space is taken as memory comes in, and what others map there meanwhile is a hole
	 */
	size_t size;
	/*
	 * bytes, ANON: brought in at start (0: 8 MiB, of the span of 64 GiB 2 MiB; more than one
	 * node: the whole span)
	 */
	size_t initial;
	/* largest block is 2^max_order pages; 0 means the default, 10 */
	unsigned int max_order;
	bool max_order_zero; /* true: blocks of one page only (max_order is ignored) */
	/*
	 * End of each zone, bytes from base; 0: DMA and DMA32 are empty, NORMAL takes what is left.
	 * With an end for NORMAL, HIGHMEM takes what is left; its own end must be 0.
	 */
	size_t zone_limit[QY_NR_ZONES];
	enum qy_early_allocator early_allocator;
	enum qy_classes classes;
	enum qy_cpu_provider cpu_provider;
	unsigned int nr_cpus; /* MANUAL: number of CPUs, 1…64; 0 means 1 */
	uint64_t seed;
	struct qy_clock clock;
	/* e.g. "slab_debug=FZPU quarantine=64M", see debug.h; NULL: none */
	const char *debug;
	/* bytes, least size of each red zone, 8…4096 (0: 8, the kernel's) */
	unsigned int red_zone;
	struct qy_report_sink sink; /* sink.fn == NULL: text on standard error */
	enum qy_policy policy;

	/*
	 * Nodes: 0 means 1, at most QY_MAX_NODES. QY_NODES_MACHINE: number and distances are the
	 * machine's, memory is bound to them as far as the system lets us (ANON).
	 */
	unsigned int nr_nodes;
	const size_t *node_limit; /* end of each, bytes from base; NULL: equal shares */
	/* nr_nodes rows of nr_nodes, 10 on the diagonal, 11…255 elsewhere; NULL: 20 elsewhere */
	const uint8_t *distance;
	const uint8_t *cpu_node; /* of each CPU; NULL: CPU number modulo nr_nodes */
	enum qy_zonelist_order zonelist_order;
	/* memory that is not there: [nr_holes], at most 16, ascending, not at the very start */
	const struct qy_range *hole;
	unsigned int nr_holes;
	struct qy_watermark_config watermark;

	unsigned int pageblock_order; /* 0: 9; never above the largest order */
	/* lifetimes kept apart; AUTO: ANON if the span has 6 page blocks, as the kernel */
	enum qy_switch grouping;
	bool shuffle; /* free lists in random order */

	enum qy_switch pcp;	/* per-CPU page lists; AUTO: ANON has them */
	unsigned int pcp_batch; /* pages moved at a time, 0: by the kernel's formula */
	unsigned int pcp_high;	/* most pages on a CPU's lists, 0: by the kernel's formula */
	/* with 8 and more and no pcp_high: high is managed pages / this / CPUs */
	unsigned int percpu_pagelist_high_fraction;

	struct qy_reclaim_hook reclaim;
	struct qy_migrate_hook migrate;
	unsigned int page_debug;	 /* QY_PAGE_*; what the build does not know is an error */
	unsigned int guardpage_minorder; /* with UNMAP: splits below this order leave guard pages */
	/*
	 * Free-page reporting, ANON: when more than so many bytes of a zone's large free blocks
	 * (from a page block's size on) are resident, they go back to the system. 0: only
	 * qy_mm_trim() does that.
	 */
	size_t report_free;
};

#define QY_MM_CONFIG_INIT QY_STRUCT_INIT(struct qy_mm_config)

/**
 * qy_mm_create - build an instance.
 * @config: read during the call only.
 *
 * ARENA: the instance, its page descriptors and all its books lie inside the buffer; the first
 * byte used is the buffer's first page border. A snapshot of the buffer is a snapshot of the
 * instance: restoring it at the same address restores everything.
 *
 * Return: the instance, or NULL iff
 *   errno EINVAL: struct_size unknown; ARENA without base; max_order above the build's limit;
 *                 nr_cpus > 64; red_zone out of range; zone limits, node limits or holes not
 *                 ascending; more than QY_MAX_NODES nodes; a distance below 10, or 10 between two
 *                 nodes; a CPU on a node that is not there; a watermark figure out of range;
 *                 pcp_high below pcp_batch; page_debug has a flag that this build does not know; an
 *                 enumeration out of range; debug string has an unknown item;
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
 * policy=report. More than 64 MiB of large free blocks go back to the system (report_free).
 * Return: the instance, or NULL iff it could not be made (errno as qy_mm_create()).
 */
QY_API struct qy_mm *qy_mm_default(void);

/**
 * qy_mm_set_cpu - MANUAL provider: later calls, of any thread, run on @cpu.
 * Return: 0; -EINVAL: @cpu is not below nr_cpus; -EPERM: the provider is THREAD.
 * Context: no other call on this instance may be under way.
 */
QY_API int qy_mm_set_cpu(struct qy_mm *mm, unsigned int cpu);

/**
 * qy_mm_base - the address of page frame 0. qy_mm_page_size - bytes in a page. qy_mm_max_order -
 * the largest block is 2^this pages.
 */
QY_API void *qy_mm_base(const struct qy_mm *mm);
QY_API size_t qy_mm_page_size(const struct qy_mm *mm);
QY_API unsigned int qy_mm_max_order(const struct qy_mm *mm);

/* ---- nodes and zones ---- */

/** qy_mm_nr_nodes - nodes there are; they are numbered from 0. */
QY_API unsigned int qy_mm_nr_nodes(const struct qy_mm *mm);
/** qy_node_distance - between two nodes: 10 is "the same"; 255 also if one of them is not there. */
QY_API unsigned int qy_node_distance(const struct qy_mm *mm, unsigned int from, unsigned int to);
/** qy_mm_this_node - the node of the CPU the caller is on. */
QY_API unsigned int qy_mm_this_node(const struct qy_mm *mm);
/** qy_page_node, qy_page_zone - where a page lies. */
QY_API unsigned int qy_page_node(const struct qy_mm *mm, const struct qy_page *page);
QY_API enum qy_zone_type qy_page_zone(const struct qy_mm *mm, const struct qy_page *page);
/** qy_page_migratetype - of the page block that holds @page. */
QY_API enum qy_migratetype qy_page_migratetype(const struct qy_mm *mm, const struct qy_page *page);

/** struct qy_zone_stat - a consistent view of one zone; figures in pages. */
struct qy_zone_stat {
	size_t struct_size; /* set by the caller */
	unsigned int node;
	enum qy_zone_type type;
	char name[12];
	uint32_t start_pfn;
	size_t spanned, present, managed;
	size_t free, free_cma, free_highatomic;
	size_t free_blocks; /* of free: in blocks of a page block's size and more */
	size_t cma, reserved_highatomic;
	size_t mark[QY_NR_WMARK], boost;
	size_t lowmem_reserve[QY_NR_ZONES];
	size_t pcp_count; /* on all CPUs' lists; not part of free */
	unsigned int pcp_batch, pcp_high;
	/* requests that wanted this node and got it, or not; came from elsewhere; ran where */
	uint64_t numa_hit, numa_miss, numa_foreign, numa_interleave, numa_local, numa_other;
	/* free blocks by order and migratetype */
	size_t nr_free[32][QY_NR_MIGRATETYPES];
	size_t nr_pageblocks[QY_NR_MIGRATETYPES];
};
/**
 * qy_zone_stat_get - fill in @stat.
 * Return: 0; -EINVAL: no such node or zone, or struct_size unknown (@stat is untouched).
 * Context: takes the zone lock. Complexity: O(blocks of the free lists).
 */
QY_API int qy_zone_stat_get(struct qy_mm *mm, unsigned int node, enum qy_zone_type type,
			    struct qy_zone_stat *stat);
/**
 * qy_zonelist - the zones that a request of @gfp on @node tries, in order.
 * @list: filled with node * QY_NR_ZONES + zone type, at most @max; may be NULL if @max is 0.
 * Return: their number (also if larger than @max); 0 if there is no such node.
 */
QY_API unsigned int qy_zonelist(const struct qy_mm *mm, unsigned int node, qy_gfp_t gfp,
				uint16_t *list, unsigned int max);
/**
 * qy_mm_set_watermarks - compute all marks and reserves anew.
 * @config: read during the call only.
 * Return: 0; -EINVAL: @config is NULL or a figure is out of range (nothing is changed).
 */
QY_API int qy_mm_set_watermarks(struct qy_mm *mm, const struct qy_watermark_config *config);
/**
 * qy_mm_add_memory - bring in more of the span at its end (ANON; a request that finds no free page
 * does so by itself).
 * @bytes: rounded up to whole pages; 0 is success without effect.
 * Return: 0; -ENOMEM: the span has not so much left (an ARENA has nothing), or the system refuses.
 * Complexity: linear in pages.
 */
QY_API int qy_mm_add_memory(struct qy_mm *mm, size_t bytes);

/* ---- blocks of pages ---- */

/**
 * qy_alloc_pages - take a block of 2^@order pages, from the calling CPU's node if it can be.
 * @gfp: QY_GFP_*: zone and lifetime (see types.h), ZERO, COMP, NOWARN, …
 * @order: 0 … max order.
 *
 * A zone serves if it keeps more than its mark and lowmem reserve: first the LOW mark of every zone
 * the flags allow, then MIN; HIGH goes down to half of MIN, and to 3/8 without DIRECT_RECLAIM;
 * MEMALLOC and (in the end) NOFAIL go down to nothing. Before a request fails: the span grows
 * (ANON), all CPUs' lists are drained, what is set aside for atomic requests is given back; with
 * DIRECT_RECLAIM the shrinkers run, then the reclaim hook.
 *
 * Return: the head page's descriptor, or NULL iff the order is too large (errno EINVAL) or all of
 * this gave no block (ENOMEM); then, unless NOWARN, a report of kind QY_REPORT_NOMEM says so (10
 * in five seconds).
 * NOFAIL never returns NULL: when nothing can be freed any more the program is aborted, after that
 * report; a NOFAIL request above the largest order fails like any other.
 * The block is aligned to its own size, counted from page frame 0.
 * Context: with DIRECT_RECLAIM shrinkers and the reclaim hook may be called.
 * Complexity: O(max order); with grouping O(max order * migratetypes), and O(page block) when a
 * page block changes its type.
 */
QY_API struct qy_page *qy_alloc_pages(struct qy_mm *mm, qy_gfp_t gfp,
				      unsigned int order) QY_MUST_CHECK;
/**
 * qy_alloc_pages_node - as qy_alloc_pages(), preferring @node; with THISNODE from no other.
 * Return: NULL too if there is no such node (errno EINVAL).
 */
QY_API struct qy_page *qy_alloc_pages_node(struct qy_mm *mm, unsigned int node, qy_gfp_t gfp,
					   unsigned int order) QY_MUST_CHECK;

/**
 * qy_free_pages - give a block back.
 * @order: as it was allocated.
 *
 * If somebody else holds a reference (qy_page_get()), only his reference keeps the block; of a
 * block that is not compound all but its head page is freed at once.
 *
 * Return: 0, or, after a report and with the block left allocated (leaked),
 *   -EINVAL: @page is no page of @mm, or not the head of an allocated block (also: already free),
 *            or belongs to a slab;
 *   -ERANGE: the block has another order.
 * Complexity: O(max order).
 */
QY_API int qy_free_pages(struct qy_mm *mm, struct qy_page *page, unsigned int order);

/** qy_get_free_pages - as qy_alloc_pages(), giving the address; NULL as there. */
QY_API void *qy_get_free_pages(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order) QY_MUST_CHECK;
/** qy_get_zeroed_page - one page, zeroed, by address; NULL as qy_alloc_pages(). */
QY_API void *qy_get_zeroed_page(struct qy_mm *mm, qy_gfp_t gfp) QY_MUST_CHECK;
/**
 * qy_free_pages_addr - as qy_free_pages(), by address; -EINVAL too if it is not on a page border.
 */
QY_API int qy_free_pages_addr(struct qy_mm *mm, const void *addr, unsigned int order);

/**
 * qy_page_get, qy_page_put - one more, one less reference on an allocated block; the last put frees
 * it. A new block has one, its owner's.
 * Return: references there are now (put: 0, it was freed); -EINVAL: @page is not the head of an
 * allocated block, or a slab's (put: that is reported).
 * Context: the caller of get holds a reference or keeps the block from being freed otherwise.
 */
QY_API int qy_page_get(struct qy_mm *mm, struct qy_page *page);
QY_API int qy_page_put(struct qy_mm *mm, struct qy_page *page);
/**
 * qy_split_page - a block that is not compound becomes 2^@order single pages, each freed alone.
 * Return: 0; -EINVAL: not the head of such a block, or it has other references; -ERANGE: it has
 * another order. On failure nothing is changed.
 * Complexity: O(pages).
 */
QY_API int qy_split_page(struct qy_mm *mm, struct qy_page *page, unsigned int order);

/**
 * qy_alloc_pages_exact - as many pages as hold @bytes, in one run; what a power of two gives too
 * many goes back.
 * Return: their address; NULL as qy_get_free_pages(), and if @bytes is more than the largest block
 * (errno ENOMEM), @bytes is 0 or @gfp has COMP (EINVAL).
 * qy_free_pages_exact - give them back, with the same size.
 * Return: 0; or, after a report and with nothing freed, -EINVAL: @addr is not on a page border of
 * @mm, @bytes is 0, or one of the pages is not allocated; -ERANGE: one heads a larger block.
 */
QY_API void *qy_alloc_pages_exact(struct qy_mm *mm, qy_gfp_t gfp, size_t bytes) QY_MUST_CHECK;
QY_API int qy_free_pages_exact(struct qy_mm *mm, const void *addr, size_t bytes);

/**
 * qy_alloc_pages_bulk - fill the empty (NULL) slots of @array[@nr] with single pages, in order.
 * Return: slots that are filled now, those that were filled before included; fewer than @nr: what
 * could be had without reclaim, but at least one new page if qy_alloc_pages() has one at all.
 */
QY_API unsigned int qy_alloc_pages_bulk(struct qy_mm *mm, qy_gfp_t gfp, unsigned int nr,
					struct qy_page **array);

/**
 * struct qy_page_frag_cache - small pieces cut from the end of a block, for one thread.
 * All zero is an empty cache.
 */
struct qy_page_frag_cache {
	void *va;
	uint32_t offset, size; /* bytes: where the last piece begins; of the block */
	uint32_t pieces;       /* cut from the present block */
};
/**
 * qy_page_frag_alloc - a piece of @size bytes (1 … 32 KiB), aligned to @align (a power of two,
 * 1…a page).
 * Return: the piece, or NULL: @size or @align is none of these (errno EINVAL), or there is no block
 * for it (ENOMEM).
 * qy_page_frag_free - give a piece back; the block goes when its last piece and the cache's hold
 * are gone.
 * @addr: the piece, or any address in it.
 * Return: 0; or, after a report, -EINVAL: no block has pieces there, or none of its pieces is out.
 * qy_page_frag_drain - the cache lets go of its block and is empty.
 * Context: one thread at a time uses a cache (alloc, drain); free may be called by any.
 */
QY_API void *qy_page_frag_alloc(struct qy_mm *mm, struct qy_page_frag_cache *cache, size_t size,
				qy_gfp_t gfp, size_t align) QY_MUST_CHECK;
QY_API int qy_page_frag_free(struct qy_mm *mm, const void *addr);
QY_API void qy_page_frag_drain(struct qy_mm *mm, struct qy_page_frag_cache *cache);

/* ---- runs of pages ---- */

/**
 * qy_alloc_contig_range - take the pages [@start, @end), whatever lies there: free pages are taken,
 * movable blocks are moved by the migrate hook.
 * @start, @end: page frame numbers.
 * @gfp: for the new places of what is moved: of its flags only the RECLAIM bits count.
 * Return: 0: every page of the range is a block of order 0 now; -EINVAL: empty, or not all in one
 * zone (a hole is in none); -EBUSY: a page is in use and cannot be moved, or belongs to a CMA area;
 * -ENOMEM: no room to move it to. On failure nothing is changed but that blocks may have been
 * moved.
 * Context: the migrate hook is called, with DIRECT_RECLAIM also shrinkers and the reclaim hook.
 */
QY_API int qy_alloc_contig_range(struct qy_mm *mm, uint32_t start, uint32_t end, qy_gfp_t gfp);
/**
 * qy_alloc_contig_pages - a run of @nr pages, wherever one can be made; as many as there are, not
 * only up to the largest order. If @nr is a power of two the run is aligned to it.
 * @gfp: zone and THISNODE say where; the rest as with qy_alloc_contig_range(). @node: tried first.
 * Return: the first page; each is a block of order 0. Or NULL: @nr is 0 or there is no such node
 * (errno EINVAL), or no run of a zone that may serve could be emptied (ENOMEM).
 * Context: as qy_alloc_contig_range(). Complexity: linear in the pages of these zones.
 */
QY_API struct qy_page *qy_alloc_contig_pages(struct qy_mm *mm, uint32_t nr, qy_gfp_t gfp,
					     unsigned int node) QY_MUST_CHECK;
/**
 * qy_free_contig_range - give back @nr single pages, the first has page frame number @start.
 * Return: 0; -EINVAL: a page of it is not an allocated single page (that is reported, the others
 * are freed; at a page that does not exist it ends). Pages on which somebody else has a reference
 * are counted in a report, too.
 */
QY_API int qy_free_contig_range(struct qy_mm *mm, uint32_t start, uint32_t nr);

/** struct qy_cma - a contiguous-memory area: lent to movable pages, wanted back in runs. */
struct qy_cma;
/**
 * qy_cma_declare - set an area aside.
 * @base: page frame, 0: anywhere below @limit (a page frame; 0: no limit).
 * @pages: multiple of a page block and of 2^@order_per_bit. @align: pages, 0 or a power of two.
 * @order_per_bit: the area's books count in units of 2^this pages.
 * @fixed: @base exactly. @name: at most 15 characters; NULL: "cma0", "cma1", …
 * @area: the area; it lasts as long as the instance.
 * Return: 0; -EINVAL: a size, border or alignment is wrong; -ENOSPC: 8 areas exist; -EBUSY: fixed,
 * and something lies there that cannot be moved; -ENOMEM: no such run.
 */
QY_API int qy_cma_declare(struct qy_mm *mm, uint32_t base, uint32_t pages, uint32_t limit,
			  uint32_t align, unsigned int order_per_bit, bool fixed, const char *name,
			  struct qy_cma **area);
/**
 * qy_cma_alloc - a run of @count pages that begins at a multiple of 2^@align_order pages.
 * @no_warn: no report of a failure.
 * Return: the first page; each is a block of order 0. Or NULL: @count is 0 or @align_order above 31
 * (errno EINVAL), or no such run of the area is free or can be emptied (ENOMEM); unless @no_warn
 * and @count 0 a report (QY_REPORT_NOMEM) says so.
 * Context: as qy_alloc_contig_range() with QY_GFP_KERNEL. Complexity: linear in the area.
 */
QY_API struct qy_page *qy_cma_alloc(struct qy_cma *area, uint32_t count, unsigned int align_order,
				    bool no_warn) QY_MUST_CHECK;
/**
 * qy_cma_release - give back what qy_cma_alloc() gave, or a part that begins at the border of a
 * unit (order_per_bit). A unit is free for qy_cma_alloc() again when any part of it was given back.
 * @page: the first. @count: pages.
 * Return: true; false: not (wholly) of this area or @count is 0, or, after a report, not handed out
 * or not at the border of a unit; then nothing is done.
 */
QY_API bool qy_cma_release(struct qy_cma *area, struct qy_page *page, uint32_t count);
/** struct qy_cma_stat - a consistent view of an area; base is a page frame, sizes are in pages. */
struct qy_cma_stat {
	size_t struct_size; /* set by the caller */
	char name[16];
	uint32_t base, pages, used; /* used: in whole bits of 2^order_per_bit pages */
	unsigned int order_per_bit;
	uint64_t alloc_success, alloc_fail;
};
/**
 * qy_cma_stat_get - fill in @stat.
 * Return: 0; -EINVAL: struct_size is unknown (@stat is untouched). Context: takes the area's lock.
 */
QY_API int qy_cma_stat_get(const struct qy_cma *area, struct qy_cma_stat *stat);

/* ---- descriptors ---- */

/** qy_page_address - the memory that a descriptor describes. */
QY_API void *qy_page_address(const struct qy_mm *mm, const struct qy_page *page);
/** qy_page_of - the descriptor of the page that holds @addr, or NULL if @mm has no such page. */
QY_API struct qy_page *qy_page_of(const struct qy_mm *mm, const void *addr);
/**
 * qy_page_pfn - page frame number. qy_page_order - order of the block that @page is the head of;
 * of other pages it means nothing.
 */
QY_API uint32_t qy_page_pfn(const struct qy_mm *mm, const struct qy_page *page);
QY_API unsigned int qy_page_order(const struct qy_page *page);
/** qy_page_head - the head of the compound block that @page is part of; @page itself otherwise. */
QY_API struct qy_page *qy_page_head(const struct qy_mm *mm, struct qy_page *page);

/** struct qy_page_stats - a consistent view of the page floor; all figures in pages. */
struct qy_page_stats {
	size_t struct_size;	       /* set by the caller */
	size_t spanned, managed, free; /* free: per-CPU lists included */
	size_t free_max;	       /* largest free block */
	size_t high_water;	       /* most pages ever out of the free lists at once */
	size_t nr_free[32];	       /* free blocks by order, per-CPU lists not included */
};
/**
 * qy_page_stats - fill @stats, as many bytes as its struct_size says: what this library does not
 * know is 0. Nothing is written if struct_size is less than its own size or more than 4096.
 * Context: takes the zone locks, one after the other.
 */
QY_API void qy_page_stats(struct qy_mm *mm, struct qy_page_stats *stats);

/* ---- giving back ---- */

/** qy_mm_drain_pages - all CPUs' page lists go back to the buddy. Return: pages that did. */
QY_API size_t qy_mm_drain_pages(struct qy_mm *mm);
/**
 * qy_mm_trim - return the memory of free blocks to the system (ANON; ARENA returns 0), after the
 * shrinkers gave all they can and the CPUs' lists were drained.
 * Return: bytes handed back. The address space stays reserved.
 * Context: shrinkers are called. Complexity: linear in free blocks, plus the system's.
 */
QY_API size_t qy_mm_trim(struct qy_mm *mm);

#define QY_SHRINK_STOP SIZE_MAX
#define QY_SHRINK_EMPTY (SIZE_MAX - 1)
struct qy_shrink_control {
	qy_gfp_t gfp;
	unsigned int node; /* NUMA_AWARE: of this node only */
	size_t nr_to_scan; /* scan: how many objects to try */
	size_t nr_scanned; /* scan: how many were tried; preset to nr_to_scan */
};
#define QY_SHRINKER_NUMA_AWARE 0x1u
/**
 * struct qy_shrinker - a cache of the program's that can become smaller. The caller's memory; its
 * last members are the library's.
 * @count: objects that could be freed now; 0 or QY_SHRINK_EMPTY: none; more than the span has words
 *         of 8 bytes are not believed.
 * @scan: free up to nr_to_scan; Return: freed, or QY_SHRINK_STOP: give up for now.
 * Both are called without locks, from any call that allocates with DIRECT_RECLAIM, never nested in
 * one thread: an allocation inside scan() does not reclaim. In one run scan() is called at most
 * 65536 times, and no more when it tried nothing (nr_scanned is 0).
 */
struct qy_shrinker {
	size_t (*count)(struct qy_shrinker *s, struct qy_shrink_control *sc);
	size_t (*scan)(struct qy_shrinker *s, struct qy_shrink_control *sc);
	void *ctx;
	size_t batch;	    /* objects per scan() call, 0: 128 */
	unsigned int seeks; /* cost of an object against a page's: 0 cheap, default 2 */
	unsigned int flags;
	struct qy_mm *mm; /* the library's from here: 0 before it is first registered */
	struct qy_shrinker *next;
	uint32_t running;
	uint64_t deferred[QY_MAX_NODES];
};
#define QY_DEFAULT_SEEKS 2
/**
 * qy_shrinker_register - from now on @s is asked when memory is short; a run under way does not
 * call it.
 * Return: 0; -EINVAL: no count or scan; -EBUSY: registered already.
 */
QY_API int qy_shrinker_register(struct qy_mm *mm, struct qy_shrinker *s);
/**
 * qy_shrinker_unregister - waits for calls under way in other threads (it must not hold what they
 * wait for); a shrinker may unregister itself from inside scan(), and be gone when that returns.
 * Return: 0; -ENOENT: @s is not registered.
 */
QY_API int qy_shrinker_unregister(struct qy_shrinker *s);
/**
 * qy_mm_shrink - run all shrinkers at @priority (12 lightly … 0 everything), whatever @gfp says.
 * Return: freed, as they say; 0: inside a shrinker of the same thread, or there is no such node.
 */
QY_API size_t qy_mm_shrink(struct qy_mm *mm, qy_gfp_t gfp, unsigned int node,
			   unsigned int priority);
/**
 * qy_mm_balance - what kswapd does: for every zone below its HIGH mark, drain, shrink, let boosts
 * decay, until it is met or nothing more can be freed. qy_mm_needs_balance: a request went below a
 * LOW mark since the last call. Return: pages that became free; 0 without marks.
 * Context: balance calls shrinkers; needs_balance only reads a flag.
 */
QY_API size_t qy_mm_balance(struct qy_mm *mm);
QY_API bool qy_mm_needs_balance(const struct qy_mm *mm);

/**
 * qy_mm_fork_prepare, qy_mm_fork_parent, qy_mm_fork_child - for pthread_atfork(): hold every lock
 * of the instance over fork(), so that the child finds no lock held by a thread that it does not
 * have. The malloc drop-ins do this for the default instance.
 * Context: prepare right before fork(), in the thread that calls it; parent or child right after.
 * In between that thread makes no other call. Several instances may be prepared for one fork(), by
 * all threads in the same order.
 */
QY_API void qy_mm_fork_prepare(struct qy_mm *mm);
QY_API void qy_mm_fork_parent(struct qy_mm *mm);
QY_API void qy_mm_fork_child(struct qy_mm *mm);

QY_END_DECLS

#endif
