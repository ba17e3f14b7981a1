/* SPDX-License-Identifier: MIT */
/*
 * page_model.h - the page floor worked out without the library: what every call must give.
 *
 * A second page floor, written for being right and not for speed: which pages are free, the lists
 * they are on in the order that the rules give (linux-mm.md 1.3, 1.4), page blocks and their
 * types, the CPUs' lists, marks and reserves, the counters. It is asked first and says which block
 * a request gets, which zone serves, what shrinkers are asked on the way; then the library does
 * it, and both are compared.
 *
 * page_model.c: zones, lists of zones, marks. page_model_buddy.c: free lists, page blocks.
 * page_model_alloc.c: requests, CPUs' lists, the way of a request that is hard to fulfil.
 * page_model_runs.c: runs of pages, areas. Whoever uses it brings a struct pm_program.
 */
#ifndef QY_FUZZ_PAGE_MODEL_H
#define QY_FUZZ_PAGE_MODEL_H

#include <quarry/quarry.h>

#include "model.h"
#include "ops.h"

#define PM_ZONES (FZ_MAX_NODES * QY_NR_ZONES)
#define PM_ORDERS 11 /* 0 … 10 */
#define PM_CPUS 4
#define PM_PCP_ORDERS 4
#define PM_PCP_LISTS (PM_PCP_ORDERS * QY_MIGRATE_PCPTYPES)
#define PM_END 0xffffu /* of a list of pages */
#define PM_ZONE_END 0xffu

enum pm_state {
	PM_GONE,   /* the instance's books, a hole, nothing */
	PM_INSIDE, /* not the first page of a block */
	PM_FREE,
	PM_GUARD,  /* a free block that nobody gets: debug_guardpage */
	PM_LISTED, /* on a CPU's list */
	PM_USED,
};

#define PM_F_MOVABLE 0x1u
#define PM_F_RETIRED 0x2u /* freed with another order: never used again */
#define PM_F_COMP 0x4u
#define PM_F_FRAG 0x8u /* pieces are cut from it */
#define PM_F_OWN 0x10u /* the library's own */
#define PM_F_HOLE 0x20u

/* Everything but state and zone is of a block's first page. */
struct pm_page {
	uint8_t state, order, zone, type; /* type: of the list it is on */
	uint16_t next, prev;
	uint16_t refs;
	uint16_t owner; /* handle + 1 */
	uint8_t flags;
};

struct pm_list {
	uint16_t head, tail, nr;
};

struct pm_pcp {
	uint32_t count; /* pages */
	unsigned int free_factor, next;
	struct pm_list list[PM_PCP_LISTS]; /* [order * 3 + type] */
};

struct pm_zone {
	unsigned int node, type;
	bool possible; /* the limits leave it pages */
	uint32_t start, end, present, managed;
	uint32_t free, free_cma, free_highatomic, free_blocks, free_isolate;
	uint32_t cma, reserved_highatomic;
	uint32_t mark[QY_NR_WMARK], reserve[QY_NR_ZONES], boost;
	uint32_t batch, high, pcp_off;
	uint64_t hit, miss, foreign, local, other;
	struct pm_list list[PM_ORDERS][QY_NR_MIGRATETYPES];
	struct pm_pcp pcp[PM_CPUS];
};

/*
 * The program that uses the page floor: what it is told, asked, and how it answers. The model knows
 * no more of it.
 */
struct pm_program {
	/* A block is handed out; of a run page by page. */
	void (*handed_out)(uint32_t pfn, unsigned int order);
	/* One page or block goes back, and with it the program's handle, if there is one. */
	void (*frees)(uint32_t pfn);
	/* Shrinkers, of @nodes nodes from @node on. Returns what they say. */
	size_t (*shrink)(unsigned int gfp, unsigned int node, unsigned int nodes,
			 unsigned int priority);
	/* The hook: has it made room? */
	bool (*hook)(unsigned int gfp, unsigned int order);
	bool (*can_move)(void);
	/* The program moves its block, or does not. */
	bool (*moves)(uint32_t from, uint32_t to);
};

struct pm_model {
	const struct pm_program *program;
	uint32_t min_pfn, end_pfn;
	unsigned int max_order, block_order, nr_nodes, nr_zones, nr_cpus, cpu;
	unsigned int guard_order; /* splits leave smaller halves as guards */
	bool pcp_on, grouping, marks_on;
	bool reclaiming;  /* a shrinker or the hook runs */
	bool lists_short; /* a request reclaims: CPUs' lists keep less */
	bool balance_wanted;
	unsigned int pcp_batch, pcp_high; /* as configured; 0: computed */
	uint8_t cpu_node[PM_CPUS];
	uint8_t zonelist[FZ_MAX_NODES][2][PM_ZONES + 1]; /* [1]: this node only */
	struct qy_watermark_config marks;
	struct pm_zone zone[PM_ZONES];
	uint32_t in_use, high_water; /* pages off the free lists */
	unsigned int told;	     /* failures, all in all */
	unsigned int tell;	     /* failures in this step that must be told */
	uint8_t block_type[FZ_MAX_PFN + 1];
	uint16_t block_before[FZ_MAX_PFN + 1]; /* isolated: what it was */
	struct pm_page page[FZ_MAX_PFN];
};

/* ---- page_model.c ---- */

/* Zones and lists of zones; no page is free or in use, and none is managed. */
void pm_init(struct pm_model *m, const struct pm_program *program, const struct fz_geometry *geo,
	     uint32_t min_pfn, uint32_t end_pfn);
bool pm_in_hole(const struct pm_model *m, const struct fz_geometry *geo, uint32_t pfn);
/* Marks, reserves and the sizes of the CPUs' lists. */
void pm_set_marks(struct pm_model *m, const struct qy_watermark_config *config);
bool pm_marks_valid(const struct qy_watermark_config *config);
unsigned int pm_highest_zone(unsigned int gfp);
/* May a request take 2^@order pages? @mark: boost included. */
bool pm_watermark_ok(const struct pm_model *m, const struct pm_zone *z, unsigned int order,
		     uint32_t mark, unsigned int highest, unsigned int flags);

/* ---- page_model_buddy.c ---- */

void pm_push(struct pm_model *m, struct pm_list *list, uint32_t pfn, bool tail);
uint32_t pm_pop(struct pm_model *m, struct pm_list *list, bool tail);
unsigned int pm_type(const struct pm_model *m, uint32_t pfn);
/* FZ_NONE: the zone has none. Free pages are counted, nothing else. */
uint32_t pm_take(struct pm_model *m, struct pm_zone *z, unsigned int order, unsigned int type,
		 unsigned int flags);
void pm_give(struct pm_model *m, struct pm_zone *z, uint32_t pfn, unsigned int order);
/* The head of the free block that holds @pfn, or FZ_NONE. */
uint32_t pm_free_head(const struct pm_model *m, uint32_t pfn);
/* Of the free block that holds @pfn take what lies in [pfn, end). Returns pages. */
uint32_t pm_cut(struct pm_model *m, struct pm_zone *z, uint32_t pfn, uint32_t end);
bool pm_move_block(struct pm_model *m, struct pm_zone *z, uint32_t pfn, unsigned int type);
void pm_reserve_highatomic(struct pm_model *m, struct pm_zone *z, uint32_t pfn);
bool pm_unreserve_highatomic(struct pm_model *m, struct pm_zone *z, unsigned int type);
/* The one grouping that free pages can have (B10): false, and *@pfn, where it is another. */
bool pm_is_greedy(const struct pm_model *m, const struct pm_zone *z, uint32_t *pfn);

/* ---- page_model_alloc.c ---- */

/* What a request may do, besides the mark in the lowest two bits. */
#define PM_NO_MARKS 0x4u
#define PM_HIGH 0x8u
#define PM_NON_BLOCK 0x10u
#define PM_HIGHATOMIC 0x20u
#define PM_CMA 0x40u

/* As qy_alloc_pages_node(): the block's first page, or FZ_NONE. */
uint32_t pm_alloc(struct pm_model *m, unsigned int node, unsigned int gfp, unsigned int order);
/* The block at @pfn, whose last reference is gone. */
void pm_free(struct pm_model *m, uint32_t pfn);
/* One reference goes; of a block that is not compound and has more, all but the first page. */
void pm_free_shared(struct pm_model *m, uint32_t pfn);
uint32_t pm_drain_zone(struct pm_model *m, struct pm_zone *z);
uint32_t pm_drain(struct pm_model *m);
void pm_count_in_use(struct pm_model *m, uint32_t pages);
uint32_t pm_pcp_count(const struct pm_model *m, const struct pm_zone *z);

/* ---- page_model_runs.c ---- */

#define PM_AREAS 8

/* A contiguous-memory area. */
struct pm_area {
	uint32_t base, pages;
	unsigned int order_per_bit;
	uint64_t success, fail;
	uint8_t used[FZ_MAX_PFN]; /* bits */
};

/* As qy_alloc_contig_range(); @type: MOVABLE, or CMA: from an area only. 0 / -errno. */
int pm_contig(struct pm_model *m, uint32_t start, uint32_t end, unsigned int gfp,
	      unsigned int type);
/* As qy_alloc_contig_pages(): the first page, or FZ_NONE. */
uint32_t pm_contig_pages(struct pm_model *m, uint32_t nr, unsigned int gfp, unsigned int node);
/* Page by page what a free of [start, start + nr) does: pages that may not be freed are left. */
struct pm_contig_free {
	int ret;
	unsigned int bad;    /* reports of pages that are none of the caller's */
	unsigned int in_use; /* pages with more references */
};
struct pm_contig_free pm_free_contig(struct pm_model *m, uint32_t start, uint32_t nr);
/* What an owner may free alone: 0, -EINVAL, -ERANGE: head of a larger block. */
int pm_check_single(const struct pm_model *m, uint32_t pfn);
/* The block at @pfn, in use, becomes single pages. */
void pm_split(struct pm_model *m, uint32_t pfn);
/* @area is filled in; 0 / -errno. */
struct pm_area_request {
	uint32_t base, pages, limit, align;
	unsigned int order_per_bit;
	bool fixed;
};
/* Defaults are filled in; false: a size, border or alignment is wrong. */
bool pm_area_valid(const struct pm_model *m, struct pm_area_request *r);
int pm_declare(struct pm_model *m, struct pm_area *area, struct pm_area_request r);
int pm_area_alloc(struct pm_model *m, struct pm_area *area, uint32_t count,
		  unsigned int align_order, uint32_t *pfn);

static inline struct pm_zone *pm_zone_of(struct pm_model *m, uint32_t pfn)
{
	return &m->zone[m->page[pfn].zone];
}

#endif
