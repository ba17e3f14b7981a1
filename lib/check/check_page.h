/* SPDX-License-Identifier: MIT */
/*
 * check_page.h - what the parts of the page floor's walk share.
 *
 *   check_zone.c      the walk: zone by zone, and what the zones add up to
 *   check_buddy.c     a zone's descriptors, from block to block: the census
 *   check_list.c      its free lists, compared with the census
 *   check_pcp.c       its pages on CPUs' lists, ditto
 *   check_mark.c      its marks, reserves and list sizes, compared with the formulas
 *   check_zonelist.c  limits, distances, holes, and the order in which zones are tried
 *   check_cma.c       contiguous-memory areas
 *
 * The walk runs after every step of a fuzzer. So a sound block costs one test of all that is known
 * about it; only if that fails is each thing looked at for itself, and named.
 */
#ifndef QY_CHECK_CHECK_PAGE_H
#define QY_CHECK_CHECK_PAGE_H

#include <string.h>

#include "check/check.h"
#include "page/pcp.h"

/* One zone, and what the pass over its descriptors found; figures in pages but where it is said. */
struct qy__census {
	struct qy__check *ck;
	struct qy__zone *zone;
	unsigned int z;
	unsigned int max_order, pageblock_order;
	uint32_t start, end;
	/* QY_CHECK_ZONE: also what takes longer, and what only hand-made states break */
	bool deep;
	uint32_t free, used, reserved, pcp, guard, holes;
	uint32_t isolated, cma, highatomic;	/* free ones: the first is no part of free */
	uint32_t large, unreported;		/* in free blocks from a page block's size on */
	uint32_t cma_blocks, highatomic_blocks; /* pages in such page blocks, isolated ones too */
	uint32_t run;  /* where the run of free blocks began that ends here */
	bool unmerged; /* B3 was found in this run */
	/* blocks on CPUs' lists: of each order, and a sum that tells one set from another */
	uint32_t pcp_heads[QY__PCP_ORDERS];
	uint64_t pcp_sum;
	uint32_t heads[QY__NR_ORDERS][QY_NR_MIGRATETYPES]; /* free blocks; [0 … max_order] */
};

/* In a message: QY__ZONE_FMT ": …", QY__ZONE_ARG(c), … */
#define QY__ZONE_FMT "node %u zone %s"
#define QY__ZONE_ARG(c) (c)->z / QY_NR_ZONES, qy__check_zone_name((c)->z)

const char *qy__check_page_type(const struct qy_page *page);

/* Adds up to a sum that another set of pages hardly has. */
static inline uint64_t qy__pfn_print(uint32_t pfn)
{
	uint64_t x = (pfn + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);

	return (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* The descriptor of a pfn of the zone. */
static inline const struct qy_page *qy__census_page(const struct qy__census *c, uint32_t pfn)
{
	return qy__check_page(c->ck, pfn);
}

static inline unsigned int qy__census_type(const struct qy__census *c, uint32_t pfn)
{
	return qy__pageblock_type(c->ck->mm, pfn);
}

/* May pages of these two page blocks be in one free block? */
static inline bool qy__types_may_mix(unsigned int a, unsigned int b)
{
	return a == b || (a < QY_MIGRATE_PCPTYPES && b < QY_MIGRATE_PCPTYPES);
}

/* A figure of the zone's against what was counted. */
#define qy__check_figure(c, id, what, figure, found)                                               \
	({                                                                                         \
		uint32_t figure_ = (figure), found_ = (found);                                     \
                                                                                                   \
		qy__holds((c)->ck, figure_ == found_, id, QY__ZONE_FMT ": %s is %u, counted %u",   \
			  QY__ZONE_ARG(c), what, figure_, found_);                                 \
	})

/* The zone's lock is held in all of these. */
void qy__census_blocks(struct qy__census *c);
void qy__census_pageblocks(struct qy__census *c);
void qy__check_lists(struct qy__census *c);
/* Are all lists of a zone without pages empty? */
void qy__check_no_lists(struct qy__census *c);
void qy__check_pcp(struct qy__census *c);
void qy__check_marks(struct qy__census *c, uint64_t lowmem);
void qy__check_contents(struct qy__census *c);

/* Are the CPUs' lists of all zones where they can be? Before anything stops them. */
bool qy__check_pcp_books(struct qy__check *ck);
/* The pages that the limits leave to zone @z; none: *from >= *to. */
void qy__check_limits_of(const struct qy_mm *mm, unsigned int z, uint32_t *from, uint32_t *to);
/* Limits, distances, holes: may they be used? Then the zonelists. */
bool qy__check_limits(struct qy__check *ck);
void qy__check_zonelists(struct qy__check *ck);
/* How many pages of [from, to) lie in holes. */
uint32_t qy__check_holes_in(const struct qy_mm *mm, uint32_t from, uint32_t to);
void qy__check_cma(struct qy__check *ck);

#endif
