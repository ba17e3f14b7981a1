/* SPDX-License-Identifier: MIT */
/*
 * boot_map.c - the memory of an instance before there is a buddy.
 *
 * Either memblock, whose sets lie in struct qy_mm, or bootmem, with a bitmap for each node:
 *
 *   [ struct qy_mm | struct qy_bootmem | … page border ][ map of node 0 | of node 1 | … ][ free …
 *
 * The maps of all nodes lie together, so that many small nodes do not cut memory into pieces; they
 * belong to no node (QY_BOOTMEM_OUTSIDE), are reserved like a book, and their pages are the last to
 * be handed over. What no node has enough of in one piece is taken over the borders of nodes, which
 * memblock does not know at all.
 *
 * Not locked: nobody else has the instance yet.
 */
#include "page/boot_map.h"

#include <errno.h>
#include <string.h>

#include "early/bootmem.h"
#include "page/mm.h"
#include "util/align.h"
#include "util/assert.h"
#include "util/plant.h"

_Static_assert(QY_MAX_NODES <= QY_BOOTMEM_NODES, "each node has a map");

static qy_addr_t pfn_bytes(const struct qy_mm *mm, uint32_t pfn)
{
	return (uintptr_t)mm->base + ((qy_addr_t)pfn << QY_CONFIG_PAGE_SHIFT);
}

/* What lies in [start, end), less the holes, is passed to @fn. */
static int for_each_memory(struct qy_mm *mm, uint32_t start, uint32_t end,
			   int (*fn)(struct qy_mm *mm, qy_addr_t at, qy_addr_t size))
{
	qy_addr_t at, stop_at;
	uint32_t stop;
	int err = 0;

	for (unsigned int i = 0; i <= mm->topology.nr_holes && start < end && !err; i++) {
		stop = i < mm->topology.nr_holes ? min(mm->topology.hole[i].start, end) : end;
		if (qy__planted(HOLE_GIVEN) && i < mm->topology.nr_holes &&
		    stop < min(mm->topology.hole[i].end, end))
			stop++;
		if (start < stop) {
			mm->early.pages += stop - start;
			at = pfn_bytes(mm, start);
			stop_at = pfn_bytes(mm, stop);
			err = fn(mm, at, stop_at - at);
		}
		if (i < mm->topology.nr_holes)
			start = max(start, mm->topology.hole[i].end);
	}
	return err;
}

/* ---- memblock ---- */

static int add_memory(struct qy_mm *mm, qy_addr_t at, qy_addr_t size)
{
	return qy_memblock_add(&mm->early.memblock, at, size, 0, 0);
}

static int memblock_init(struct qy_mm *mm)
{
	int err = for_each_memory(mm, mm->min_pfn, mm->end_pfn, add_memory);

	return err ? err : qy_memblock_reserve(&mm->early.memblock, (uintptr_t)mm, sizeof(*mm));
}

static void *memblock_alloc(struct qy_mm *mm, size_t size, size_t align)
{
	qy_addr_t at = qy_memblock_alloc(&mm->early.memblock, size, align, 0,
					 QY_MEMBLOCK_ALLOC_ACCESSIBLE);

	return (void *)(uintptr_t)at;
}

/* ---- bootmem ---- */

/* The first @size bytes from @at on that no hole touches; NULL: none. */
static void *find_place(const struct qy_mm *mm, qy_addr_t at, qy_addr_t size)
{
	for (unsigned int i = 0; i < mm->topology.nr_holes; i++) {
		qy_addr_t from = pfn_bytes(mm, mm->topology.hole[i].start);
		qy_addr_t to = pfn_bytes(mm, mm->topology.hole[i].end);

		if (from < to && at < to && from < at + size)
			at = to;
	}
	return at + size <= pfn_bytes(mm, mm->end_pfn) ? (void *)(uintptr_t)at : NULL;
}

/* The pages of @node that are there. */
static bool node_pages(const struct qy_mm *mm, unsigned int node, uint32_t *start, uint32_t *end)
{
	*start = node ? max(mm->min_pfn, mm->topology.node_limit[node - 1]) : mm->min_pfn;
	*end = min(mm->end_pfn, mm->topology.node_limit[node]);
	return *start < *end;
}

static size_t map_bytes(const struct qy_mm *mm)
{
	uint32_t start, end;
	size_t bytes = 0;

	for (unsigned int n = 0; n < mm->nr_nodes; n++)
		if (node_pages(mm, n, &start, &end))
			bytes += qy_bootmem_map_bytes(end - start);
	return qy__align_up(bytes, QY_PAGE_SIZE);
}

static int init_nodes(struct qy_mm *mm, char *map)
{
	uint64_t base = (uintptr_t)mm->base >> QY_CONFIG_PAGE_SHIFT;
	uint32_t start, end;
	int err = 0;

	for (unsigned int n = 0; n < mm->nr_nodes && !err; n++) {
		if (!node_pages(mm, n, &start, &end))
			continue;
		err = qy_bootmem_init_node(mm->early.bootmem, (int)n, map, QY_BOOTMEM_OUTSIDE,
					   base + start, base + end);
		map += qy_bootmem_map_bytes(end - start);
	}
	return err;
}

static int free_memory(struct qy_mm *mm, qy_addr_t at, qy_addr_t size)
{
	return qy_bootmem_free(mm->early.bootmem, at, size);
}

static int bootmem_init(struct qy_mm *mm)
{
	qy_addr_t behind = qy__align_up((uintptr_t)(mm + 1), QY__CACHE_LINE);
	struct qy_bootmem *bm = find_place(mm, behind, sizeof(*bm));
	size_t bytes = map_bytes(mm);
	int err;

	if (!bm)
		return -ENOMEM;
	mm->early.map = find_place(mm, qy__align_up((uintptr_t)(bm + 1), QY_PAGE_SIZE), bytes);
	if (!mm->early.map)
		return -ENOMEM;
	mm->early.bootmem = bm;
	err = qy_bootmem_init(bm, NULL);
	if (!err)
		err = init_nodes(mm, mm->early.map);
	if (!err)
		err = for_each_memory(mm, mm->min_pfn, mm->end_pfn, free_memory);
	if (!err)
		err = qy_bootmem_reserve(bm, (uintptr_t)mm, sizeof(*mm), QY_BOOTMEM_DEFAULT);
	if (!err)
		err = qy_bootmem_reserve(bm, (uintptr_t)bm, sizeof(*bm), QY_BOOTMEM_DEFAULT);
	if (!err)
		err = qy_bootmem_reserve(bm, (uintptr_t)mm->early.map, bytes, QY_BOOTMEM_EXCLUSIVE);
	return err;
}

/* The first run of @pages free pages, whatever their nodes; NULL: none. */
static void *find_across(const struct qy_bootmem *bm, uint64_t pages, uint64_t step)
{
	uint64_t start = 0, end = 0;

	for (unsigned int i = 0; i < bm->nr_nodes; i++) {
		const struct qy_bootmem_node *n = &bm->node[i];
		uint64_t nr = n->end_pfn - n->min_pfn;

		for (uint64_t at = 0; at < nr; end = n->min_pfn + at) {
			uint64_t from = qy__map_find(n->map, at, nr, false);

			at = qy__map_find(n->map, from, nr, true);
			if (n->min_pfn + from != end)
				start = qy__align_up(n->min_pfn + from, step);
			if (n->min_pfn + at >= start + pages)
				return (void *)(uintptr_t)(start << QY_CONFIG_PAGE_SHIFT);
		}
	}
	return NULL;
}

static void *bootmem_alloc(struct qy_bootmem *bm, size_t size, size_t align)
{
	size_t pages = qy__align_up(size, QY_PAGE_SIZE) >> QY_CONFIG_PAGE_SHIFT;
	qy_addr_t at;
	void *p;

	if (!qy_bootmem_alloc_nopanic(bm, size, align, 0, &at))
		return (void *)(uintptr_t)at;
	p = find_across(bm, pages, max(align >> QY_CONFIG_PAGE_SHIFT, (size_t)1));
	if (p && qy_bootmem_reserve(bm, (uintptr_t)p, size, QY_BOOTMEM_EXCLUSIVE))
		return NULL;
	return p;
}

/* ---- either ---- */

int qy__boot_map_init(struct qy_mm *mm, enum qy_early_allocator which)
{
	return which == QY_EARLY_BOOTMEM ? bootmem_init(mm) : memblock_init(mm);
}

void *qy__mm_boot_alloc(struct qy_mm *mm, size_t size, size_t align)
{
	void *p;

	qy__assert(!mm->early.done);
	p = mm->early.bootmem ? bootmem_alloc(mm->early.bootmem, size, align)
			      : memblock_alloc(mm, size, align);
	return p ? memset(p, 0, size) : NULL;
}

/* Single pages and blocks come in; runs of them go on. */
struct runs {
	struct qy_mm *mm;
	void (*give)(struct qy_mm *mm, uint32_t start, uint32_t end);
	uint32_t start, end;
};

static void end_run(struct runs *runs)
{
	if (runs->start < runs->end)
		runs->give(runs->mm, runs->start, runs->end);
	runs->mm->early.free += runs->end - runs->start;
	runs->start = runs->end;
}

static void add_run(struct runs *runs, uint32_t start, uint32_t end)
{
	if (start >= end)
		return;
	if (start != runs->end) {
		end_run(runs);
		runs->start = start;
	}
	runs->end = end;
}

static void add_bootmem_block(void *ctx, int nid, uint64_t pfn, unsigned int order)
{
	struct runs *runs = ctx;
	uint32_t at = (uint32_t)(pfn - ((uintptr_t)runs->mm->base >> QY_CONFIG_PAGE_SHIFT));

	(void)nid;
	add_run(runs, at, at + (1u << order));
}

/* When free_all() is done nobody reads the maps any more. */
static void bootmem_hand_over(struct runs *runs)
{
	struct qy_mm *mm = runs->mm;
	uint32_t map = (uint32_t)(((char *)mm->early.map - mm->base) >> QY_CONFIG_PAGE_SHIFT);
	uint32_t pages = (uint32_t)(map_bytes(mm) >> QY_CONFIG_PAGE_SHIFT);

	qy_bootmem_free_all(mm->early.bootmem, add_bootmem_block, runs);
	add_run(runs, map, map + pages);
	mm->early.map = NULL;
}

static void memblock_hand_over(struct runs *runs)
{
	qy_addr_t from, to, base = (uintptr_t)runs->mm->base;
	uint64_t cursor = 0;

	while (qy_memblock_next_free(&runs->mm->early.memblock, &cursor, &from, &to)) {
		if (!qy__planted(BOOK_GIVEN))
			from = qy__align_up(from, QY_PAGE_SIZE);
		add_run(runs, (uint32_t)((from - base) >> QY_CONFIG_PAGE_SHIFT),
			(uint32_t)((to - base) >> QY_CONFIG_PAGE_SHIFT));
	}
}

void qy__boot_map_hand_over(struct qy_mm *mm,
			    void (*give)(struct qy_mm *mm, uint32_t start, uint32_t end))
{
	struct runs runs = {.mm = mm, .give = give};

	mm->early.done = true;
	if (mm->early.bootmem)
		bootmem_hand_over(&runs);
	else
		memblock_hand_over(&runs);
	end_run(&runs);
}
