/* SPDX-License-Identifier: MIT */
/*
 * page.h - the page floor's data: descriptors, zones, the instance.
 *
 * A page frame number (pfn) counts pages from mm->base, which is aligned to the largest block, so
 * that a block of order k lies at a multiple of its own size. In an arena base may lie before the
 * buffer: pfns below min_pfn do not exist.
 *
 *   base            min_pfn                    end_pfn            max_pfn
 *    |  (no pages)  | mm, descriptors | free … | (reserved, offline) |
 *
 * States of a page:
 *   OFFLINE   not brought in yet            RESERVED  the instance's own books
 *   BUDDY     head of a free block          INSIDE    any other page of a free block, or of
 *   ALLOC     head of an allocated block              an allocated one that is not compound
 *   SLAB      head of a slab                LARGE     head of a kmalloc block
 *   TAIL      page of a compound block, a slab or a large block: `head` is its head's pfn
 *   PCP       head of a block on a CPU's list: counted neither free nor allocated
 *   GUARD     head of a block that a split left inaccessible (debug_guardpage): not free
 *   HOLE      no memory here: never handed to the buddy
 *
 * Nodes and zones are one flat array: mm->zone[node * QY_NR_ZONES + type]; page->zone is the index.
 * A page block (2^pageblock_order pages) has one migratetype, and so have the free blocks in it; a
 * block that reaches over the border of its zone never changes its type.
 *
 * Lock order: zone->lock is taken after a cache's lock and before the report lock; mm->grow_lock,
 * then mm->pcp.lock, then zone->lock. zone->lock protects the free areas, the counters, the page
 * blocks' types and the type, order and links of pages that are, or are about to be, free. The
 * owner of an allocated block owns its descriptors. A CPU's page lists belong to whoever is inside
 * them: see pcp.h.
 */
#ifndef QY_PAGE_PAGE_H
#define QY_PAGE_PAGE_H

#include <quarry/early.h>
#include <quarry/page.h>

#include "osif/osif.h"
#include "report/report.h"
#include "util/compiler.h"
#include "util/lock.h"
#include "util/percpu.h"
#include "util/rng.h"

#define QY__PFN_NONE UINT32_MAX
#define QY__NR_ORDERS 25
#define QY__DEFAULT_MAX_ORDER 10
#define QY__CACHE_LINE 64
#define QY__LIVE_BYTES (QY_PAGE_SIZE / 64) /* live bits of a page: one for 8 bytes of it */

enum qy__page_type {
	QY__PAGE_OFFLINE, /* 0: what a zeroed descriptor says */
	QY__PAGE_RESERVED,
	QY__PAGE_INSIDE,
	QY__PAGE_BUDDY,
	QY__PAGE_ALLOC,
	QY__PAGE_SLAB,
	QY__PAGE_LARGE,
	QY__PAGE_TAIL,
	QY__PAGE_PCP,
	QY__PAGE_GUARD,
	QY__PAGE_HOLE,
	QY__NR_PAGE_TYPES
};

#define QY__PAGE_F_SLAB 0x1u	  /* head or tail of a slab: slab.cache is valid */
#define QY__PAGE_F_FROZEN 0x2u	  /* slab given up after damage: nothing is taken from it again */
#define QY__PAGE_F_RETIRED 0x4u	  /* block leaked after a report: never handed out again */
#define QY__PAGE_F_FULL 0x8u	  /* slab is on its cache's full list (debug caches) */
#define QY__PAGE_F_PARTIAL 0x10u  /* slab is on its node's partial list */
#define QY__PAGE_F_REPORTED 0x20u /* free block: its memory was given to the system */
#define QY__PAGE_F_MOVABLE 0x40u  /* ALLOC: asked for with QY_GFP_MOVABLE */

/* Who allocated or freed a large block: kept in its first tail pages' descriptors. */
struct qy__page_track {
	uint64_t when;
	uint32_t stack;
	int32_t tid;
};

/*
 * What becomes of a large block: whoever made it IN_CHANGE owns it until he says what it is then.
 */
enum qy__large_state {
	QY__LARGE_FREED, /* waits in quarantine */
	QY__LARGE_LIVE,
	QY__LARGE_IN_CHANGE,
};

struct qy_page {
	union {
		struct {
			/* written by the block's owner, read by his neighbours: an atomic access */
			uint8_t type;
			uint8_t order; /* of the block; valid in its head */
			uint8_t zone;
			uint8_t flags;
		};
		uint32_t state; /* the four of them, to be compared at once */
	};
	union {
		uint32_t head; /* TAIL, any page of a slab without records: pfn of the head */
		uint32_t migratetype; /* BUDDY: whose list it is on. PCP: its page block's type */
		uint32_t records; /* SLAB: pfn of its objects' records; PFN_NONE: there are none */
	};
	uint32_t next, prev; /* links of whatever list the block is on: pfns */
	union {
		struct {
			void *freelist; /* first free object */
			uint32_t cache; /* qy__cache_ref(); in tails too */
			uint16_t inuse; /* objects not on the freelist */
			uint16_t objects;
		} slab;
		struct {
			uint64_t size; /* bytes asked for */
			uint32_t
				/* of the object from the block's start (debug: left red zone) */
				offset;
			uint8_t family;
			uint8_t live;  /* enum qy__large_state */
			uint8_t align; /* order of the alignment asked for; 0: the usual */
		} large;
		struct {
			uint32_t refcount; /* 1: whoever allocated it */
			uint32_t pieces;   /* page_frag: still out, and the cache's hold */
			uint32_t frag;	   /* 1: qy_page_frag_alloc() cuts from it */
		} alloc;
		struct qy__page_track track;
	};
};
_Static_assert(sizeof(struct qy_page) <= 32, "a page descriptor is at most 32 bytes");

/* page->state of such a page. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define QY__PAGE_STATE(type, order, zone, flags)                                                   \
	((uint32_t)(type) | (uint32_t)(order) << 8 | (uint32_t)(zone) << 16 |                      \
	 (uint32_t)(flags) << 24)
#else
#define QY__PAGE_STATE(type, order, zone, flags)                                                   \
	((uint32_t)(flags) | (uint32_t)(zone) << 8 | (uint32_t)(order) << 16 |                     \
	 (uint32_t)(type) << 24)
#endif

struct qy__free_area {
	/* by migratetype: pfns, QY__PFN_NONE when empty */
	uint32_t head[QY_NR_MIGRATETYPES], tail[QY_NR_MIGRATETYPES];
	uint32_t nr_free; /* blocks, all types */
};

enum qy__numa_event {
	QY__NUMA_HIT,
	QY__NUMA_MISS,
	QY__NUMA_FOREIGN,
	QY__NUMA_INTERLEAVE,
	QY__NUMA_LOCAL,
	QY__NUMA_OTHER,
	QY__NR_NUMA_EVENTS
};

struct qy__pcp;

struct qy__zone {
	struct qy__lock lock;
	uint8_t node;
	uint8_t type;		     /* enum qy_zone_type */
	uint8_t index;		     /* in mm->zone */
	uint32_t start_pfn, end_pfn; /* span */
	uint32_t present, managed;   /* pages that exist; pages handed to the buddy */
	uint32_t nr_free_pages;	     /* on the lists; ISOLATE's are not counted */
	uint32_t nr_free_cma, nr_free_highatomic, nr_free_blocks; /* part of nr_free_pages */
	uint32_t nr_free_isolate;				  /* not part of it */
	uint32_t nr_guard;					  /* pages in guard blocks */
	uint32_t nr_cma;					  /* pages in CMA page blocks */
	uint32_t nr_reserved_highatomic;
	/* written under mm->grow_lock, read without a lock */
	uint32_t mark[QY_NR_WMARK], lowmem_reserve[QY_NR_ZONES];
	uint32_t boost; /* added to each mark; zone->lock */
	uint32_t pcp_batch, pcp_high;
	uint32_t pcp_limit; /* pages on a CPU's lists that send some back: high, or less for now */
	uint32_t pcp_disabled; /* how many callers want no page on a CPU's list */
	uint32_t unreported;   /* pages in large free blocks that the system still backs */
	uint64_t numa[QY__NR_NUMA_EVENTS]; /* counted if there are two nodes */
	struct qy__pcp *pcp;		   /* [nr_cpus], NULL: no lists */
	struct qy__free_area area[QY__NR_ORDERS];
};

struct qy__slab_state;
struct qy__kmalloc_state;
struct qy__vmap_state;
struct qy__debug_state;
struct qy__page_owner;
struct qy__stackdepot;

#define QY__MAX_HOLES 16
#define QY__MAX_MANUAL_CPUS 64
#define QY__NR_CMA 8
struct qy_cma {
	struct qy_mm *mm; /* NULL: slot is free */
	struct qy__lock lock;
	char name[16];
	uint32_t base, pages, used_bits;
	unsigned int order_per_bit;
	uint64_t alloc_success, alloc_fail;
	uint64_t *map; /* bit per 2^order_per_bit pages: handed out */
};

/* reclaim.c */
struct qy__reclaim_walk;
struct qy__reclaim_state {
	struct qy__lock lock; /* the list, the walks and each shrinker's running, deferred */
	struct qy_shrinker *first;
	struct qy__reclaim_walk *walks; /* threads that are inside shrinkers or hook */
	int32_t fork_pid;		/* who holds the lock over fork() */
	struct qy_reclaim_hook hook;
	uint64_t warn_since;	     /* start of the present five seconds of messages */
	uint32_t warned, suppressed; /* messages in them; not told */
	uint32_t balance_wanted;
	uint32_t active;      /* walks under way */
	uint32_t short_lists; /* requests that reclaim now: lists on CPUs stay short meanwhile */
};

/* Which page is of which node and zone; see zone.c. */
struct qy__topology {
	uint32_t zone_limit[QY_NR_ZONES]; /* end pfn of each zone, ascending */
	uint32_t node_limit[QY_MAX_NODES];
	uint8_t *distance; /* nr_nodes * nr_nodes */
	struct {
		uint32_t start, end;
	} hole[QY__MAX_HOLES]; /* ascending pfns */
	unsigned int nr_holes;
	uint8_t cpu_node[QY__MAX_MANUAL_CPUS]; /* MANUAL */
	bool machine;			       /* nodes are the machine's */
};

/* In which order zones are tried: zonelist.c. */
struct qy__zonelist_state {
	/*
	 * Per node two lists of zone indexes, each ended by QY__ZONE_END: everywhere, and this node
	 * only.
	 */
	uint16_t *index;
	uint32_t stride;
	enum qy_zonelist_order order;
};

/* CPUs' page lists: pcp.h. */
struct qy__pcp_state {
	bool on, fence;	  /* fence: no membarrier, so the owner pays */
	uint32_t stopped; /* nobody may enter his page lists */
	struct qy__lock lock;
	unsigned int batch, high, high_fraction; /* as configured */
};

/* Watermarks: watermark.c. */
struct qy__mark_state {
	bool on;
	struct qy_watermark_config config; /* with every 0 replaced by its meaning */
};

/* page_debug.c, page_owner.c */
struct qy__page_debug_state {
	uint32_t on; /* QY_PAGE_* */
	uint32_t guard_minorder;
	struct qy__page_owner *owner;	 /* record of min_pfn, NULL: off */
	uint64_t bad_since;		 /* start of the present minute of bad pages; report.lock */
	uint32_t bad_shown, bad_unshown; /* told in it; not told; report.lock */
	bool unmap_off;	    /* the system keeps no more borders: nothing is made to trap */
	uint32_t owner_end; /* there are records of the pages before; ANON: grow_lock */
	size_t owner_bytes; /* ANON: of the mapping that holds the records */
};

/* The boot map: boot_map.c. */
struct qy__early_state {
	struct qy_memblock memblock;
	struct qy_bootmem *bootmem; /* early_allocator=bootmem; NULL: memblock */
	void *map;		    /* bootmem's maps, until they are handed over */
	uint32_t pages, free;	    /* of the boot map: pages in it; handed over */
	bool done;		    /* boot map handed over */
};

/* What another program must agree on before it reads an instance. */
struct qy__abi {
	uint32_t version; /* QY__ABI_VERSION: changes with the meaning of any field */
	uint32_t letters; /* QY_SLAB_DEBUG_FLAGS that are compiled in */
	uint16_t page_shift, pointer;
	uint16_t mm, page, zone; /* sizes of the structs that everything else hangs on */
	uint16_t debug;		 /* of two builds, the debug one has more in its structs */
};

struct qy_mm {
	uint64_t magic;
	struct qy__abi abi;
	uint32_t image; /* QY__MM_IMAGE: a copy of another program's, see image.c */

	/* ---- pages: where they are ---- */
	char *base;	       /* address of pfn 0 */
	struct qy_page *pages; /* descriptor of min_pfn */
	/* debug builds: bit per 8 bytes from min_pfn on: an object starts here and is live */
	uint64_t *live;
	uint8_t *pageblock; /* migratetype of each page block, the first is min_pfn's */
	uint32_t min_pfn, end_pfn, max_pfn;
	uint32_t max_order, pageblock_order, pageblock_first;

	/* ---- the floors above, each with a state of its own ---- */
	enum qy_classes classes;
	struct qy__slab_state *slab;
	struct qy__kmalloc_state *kmalloc;
	struct qy__vmap_state *vmap;
	struct qy__debug_state *debug;
	struct qy__stackdepot *depot; /* the debug state's; NULL: not there */

	/* ---- nodes and zones: where a request goes ---- */
	unsigned int nr_nodes, nr_zones; /* nr_zones: nr_nodes * QY_NR_ZONES */
	struct qy__zone *zone;		 /* [nr_zones] */
	/* one node, no marks: the zone whose lists serve small NORMAL requests; else NULL */
	struct qy__zone *fast_zone;
	bool one_zone; /* the limits leave pages to no other */
	bool grouping; /* lifetimes are kept apart */
	struct qy__zonelist_state zonelist;
	struct qy__topology topology;
	struct qy__mark_state marks;
	struct {
		bool on;
		uint64_t bits; /* dice not thrown yet */
	} shuffle;
	struct {
		size_t pages, high_water; /* off the free lists; relaxed counters */
	} usage;

	/* ---- CPUs ---- */
	struct qy__cpus cpus;
	struct qy__pcp_state pcp;

	/* ---- work on pages ---- */
	struct qy__page_debug_state page_debug;
	struct qy__reclaim_state reclaim;
	struct qy_migrate_hook migrate;
	struct qy_cma cma[QY__NR_CMA];

	/* ---- reports, dice, the system ---- */
	struct qy__report_state report;
	struct qy__rng rng;
	struct qy__lock grow_lock;
	size_t report_free;
	struct qy__osif os;
	struct qy__early_state early;
};

#define QY__ZONE_END UINT16_MAX

#define QY__ABI_VERSION 2u
#define QY__MM_IMAGE UINT32_C(0x67616d49)
#define QY__MM_MAGIC UINT64_C(0x79727261755159) /* "YQuarry" */

/*
 * A slab's list bits change under its cache's lock while others ask whether the page is a slab's at
 * all: every access is atomic, every change is made by whoever holds that lock or owns the block.
 */
static inline unsigned int qy__page_flags(const struct qy_page *page)
{
	return qy__load_relaxed(&page->flags);
}

static inline void qy__page_set_flags(struct qy_page *page, unsigned int flags)
{
	qy__store_relaxed(&page->flags, (uint8_t)flags);
}

static inline uint32_t qy__page_pfn(const struct qy_mm *mm, const struct qy_page *page)
{
	return mm->min_pfn + (uint32_t)(page - mm->pages);
}

static inline struct qy_page *qy__pfn_page(const struct qy_mm *mm, uint32_t pfn)
{
	return mm->pages + (pfn - mm->min_pfn);
}

static inline bool qy__pfn_valid(const struct qy_mm *mm, uint32_t pfn)
{
	return pfn >= mm->min_pfn && pfn < qy__load_relaxed(&mm->end_pfn);
}

static inline void *qy__pfn_addr(const struct qy_mm *mm, uint32_t pfn)
{
	return mm->base + ((size_t)pfn << QY_CONFIG_PAGE_SHIFT);
}

static inline void *qy__page_addr(const struct qy_mm *mm, const struct qy_page *page)
{
	return qy__pfn_addr(mm, qy__page_pfn(mm, page));
}

/* The descriptor of the page that holds @addr, or NULL: not a page of this instance. */
static inline struct qy_page *qy__addr_page(const struct qy_mm *mm, const void *addr)
{
	size_t pfn = ((uintptr_t)addr - (uintptr_t)mm->base) >> QY_CONFIG_PAGE_SHIFT;

	if (unlikely(pfn - mm->min_pfn >= qy__load_relaxed(&mm->end_pfn) - mm->min_pfn))
		return NULL;
	return mm->pages + (pfn - mm->min_pfn);
}

/* The head of the compound block, slab or large block that @page is part of; itself otherwise. */
static inline struct qy_page *qy__page_head(const struct qy_mm *mm, struct qy_page *page)
{
	return page->type == QY__PAGE_TAIL ? qy__pfn_page(mm, page->head) : page;
}

static inline struct qy__zone *qy__page_zone(const struct qy_mm *mm, const struct qy_page *page)
{
	return &mm->zone[qy__load_relaxed(&page->zone)];
}

/* An entry of mm->pageblock: the type, above it (ISOLATE) the type before it was isolated. */
#define QY__PAGEBLOCK_TYPE 0xfu
#define QY__PAGEBLOCK_BEFORE_SHIFT 4

/* The migratetype of the page block that holds @pfn. Changes under its zone's lock. */
static inline unsigned int qy__pageblock_type(const struct qy_mm *mm, uint32_t pfn)
{
	uint32_t nr = (pfn >> mm->pageblock_order) - mm->pageblock_first;

	return qy__load_relaxed(&mm->pageblock[nr]) & QY__PAGEBLOCK_TYPE;
}

#endif
