/* SPDX-License-Identifier: MIT */
/*
 * contig_rig.h - runs of pages on the machine of machine.h, asked for, refused and given back: what
 * the tests of alloc_contig_range begin with.
 */
#ifndef TESTS_HARNESS_CONTIG_RIG_H
#define TESTS_HARNESS_CONTIG_RIG_H

#include "machine.h"

static inline int take(uint32_t start, uint32_t end)
{
	return qy_alloc_contig_range(in.mm, start, end, 0);
}

/* Refused with @err, nothing changed but blocks that were moved. */
static inline void refuse(uint32_t start, uint32_t end, int err)
{
	struct page_map now;

	map_take(&now, in.mm);
	in.reports.nomem = 0;
	assert_int_equal(take(start, end), err);
	assert_map(&now, in.mm);
	/* The caller has the error: there is no message. */
	assert_int_equal(in.reports.nomem, 0);
	users_check(&users);
}

/* As many pages are free as before; movable requests may have made page blocks theirs. */
static inline void assert_all_back(void)
{
	assert_int_equal(in.mm->usage.pages, before.in_use);
	assert_int_equal(qy__nr_free_pages(in.mm),
			 before.zone[QY_ZONE_NORMAL].free + before.zone[QY_ZONE_DMA].free);
	assert_clean(&in);
}

/* A run of 2^@order free pages, taken as one block of the user's. */
static inline struct qy_page *movable_at(uint32_t pfn, unsigned int order)
{
	struct qy_page *other[512], *page;
	unsigned int nr = 0;

	/* Blocks are handed out where the allocator wants: go on until it is the one. */
	while ((page = users_add(&users, in.mm, 0, order)) && qy__page_pfn(in.mm, page) != pfn)
		other[nr++] = page;
	assert_non_null(page);
	while (nr--)
		users_drop(&users, (unsigned int)user_of(&users, qy__page_pfn(in.mm, other[nr])));
	return page;
}

static inline uint32_t a_free_run(uint32_t nr)
{
	return free_run(in.mm, 0, nr, nr);
}

#endif
