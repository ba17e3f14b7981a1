/* SPDX-License-Identifier: MIT */
/*
 * page_map.h - what the page floor knows, to be compared before and after: every block with its
 * list, every page block's type, every counter. The order of blocks on a list does not count.
 *
 * And movable blocks: a table of users that the migrate hook finds its way in.
 *
 * White-box tests only.
 */
#ifndef TESTS_HARNESS_PAGE_MAP_H
#define TESTS_HARNESS_PAGE_MAP_H

#include "damage.h"

#include <errno.h>

#include "page/page.h"
#include "page/page_alloc.h"

#define MAP_PAGES 4096

struct page_map {
	uint32_t start, end;
	struct {
		uint8_t type, order, list, pageblock, zone;
	} page[MAP_PAGES];
	struct {
		uint32_t free, cma, highatomic, blocks, isolate, guard, nr_cma, reserved, managed;
		uint32_t nr[QY__NR_ORDERS];
	} zone[QY_NR_ZONES * 2];
	size_t in_use;
};

static inline void map_zone(struct page_map *map, const struct qy_mm *mm, unsigned int z)
{
	const struct qy__zone *zone = &mm->zone[z];

	map->zone[z].free = zone->nr_free_pages;
	map->zone[z].cma = zone->nr_free_cma;
	map->zone[z].highatomic = zone->nr_free_highatomic;
	map->zone[z].blocks = zone->nr_free_blocks;
	map->zone[z].isolate = zone->nr_free_isolate;
	map->zone[z].guard = zone->nr_guard;
	map->zone[z].nr_cma = zone->nr_cma;
	map->zone[z].reserved = zone->nr_reserved_highatomic;
	map->zone[z].managed = zone->managed;
	for (int order = 0; order < QY__NR_ORDERS; order++)
		map->zone[z].nr[order] = zone->area[order].nr_free;
}

static inline void map_take(struct page_map *map, const struct qy_mm *mm)
{
	memset(map, 0, sizeof(*map));
	map->start = mm->min_pfn;
	map->end = mm->end_pfn;
	map->in_use = mm->usage.pages;
	assert_true(map->end - map->start <= MAP_PAGES && mm->nr_zones <= QY_NR_ZONES * 2);
	for (uint32_t pfn = map->start; pfn < map->end; pfn++) {
		const struct qy_page *page = qy__pfn_page(mm, pfn);
		uint32_t i = pfn - map->start;

		map->page[i].type = page->type;
		map->page[i].zone = page->zone;
		map->page[i].pageblock =
			mm->pageblock[(pfn >> mm->pageblock_order) - mm->pageblock_first];
		if (page->type == QY__PAGE_INSIDE || page->type == QY__PAGE_TAIL)
			continue;
		map->page[i].order = page->order;
		if (page->type == QY__PAGE_BUDDY)
			map->page[i].list = (uint8_t)page->migratetype;
	}
	for (unsigned int z = 0; z < mm->nr_zones; z++)
		map_zone(map, mm, z);
}

#define assert_same_map(map, mm) assert_same_map_at(map, mm, __FILE__, __LINE__)
#define assert_map(map, mm) assert_map_at(map, mm, __FILE__, __LINE__)

/* All is as it was. */
static inline void assert_same_map_at(const struct page_map *map, struct qy_mm *mm,
				      const char *file, int line)
{
	static struct page_map now;

	map_take(&now, mm);
	for (uint32_t i = 0; i < map->end - map->start; i++) {
		if (!memcmp(&map->page[i], &now.page[i], sizeof(now.page[i])))
			continue;
		printf("page %u: type %u→%u order %u→%u list %u→%u page block %02x→%02x\n",
		       map->start + i, map->page[i].type, now.page[i].type, map->page[i].order,
		       now.page[i].order, map->page[i].list, now.page[i].list,
		       map->page[i].pageblock, now.page[i].pageblock);
		break;
	}
	_assert_true(!memcmp(map, &now, sizeof(now)), "all is as it was", file, line);
}

/* … and the checker finds nothing. */
static inline void assert_map_at(const struct page_map *map, struct qy_mm *mm, const char *file,
				 int line)
{
	assert_same_map_at(map, mm, file, line);
	assert_sound(mm);
}

/* ---- movable blocks ---- */

#define MAX_USERS 1024

struct users {
	struct qy_mm *mm;
	struct qy_page *page[MAX_USERS]; /* NULL: gone */
	unsigned char fill[MAX_USERS];
	unsigned int nr;
	unsigned int moved, unknown;
	int refuse; /* what the hook says instead of moving; 0: it moves */
	/* called first; NULL: nothing */
	void (*before)(struct users *u, struct qy_page *from, struct qy_page *to,
		       unsigned int order);
};

static inline size_t block_bytes(const struct qy_page *page)
{
	return PAGE_BYTES << qy_page_order(page);
}

static inline int migrate_users(struct qy_mm *mm, struct qy_page *from, struct qy_page *to,
				unsigned int order, void *ctx)
{
	struct users *u = ctx;

	if (u->before)
		u->before(u, from, to, order);
	assert_int_equal(qy_page_order(from), order);
	assert_int_equal(qy_page_order(to), order);
	for (unsigned int i = 0; i < u->nr; i++) {
		if (u->page[i] != from)
			continue;
		if (u->refuse)
			return u->refuse;
		memcpy(qy_page_address(mm, to), qy_page_address(mm, from), PAGE_BYTES << order);
		memset(qy_page_address(mm, from), 0xee, PAGE_BYTES << order);
		u->page[i] = to;
		u->moved++;
		return 0;
	}
	u->unknown++;
	return -ENOENT;
}

static inline void users_init(struct users *u, struct qy_mm_config *cfg)
{
	memset(u, 0, sizeof(*u));
	cfg->migrate = (struct qy_migrate_hook){migrate_users, u};
}

/* A block of a new user's, filled; NULL: there is none. */
static inline struct qy_page *users_add(struct users *u, struct qy_mm *mm, qy_gfp_t gfp,
					unsigned int order)
{
	struct qy_page *page = qy_alloc_pages(mm, gfp | QY_GFP_MOVABLE | QY_GFP_NOWARN, order);

	if (!page)
		return NULL;
	assert_true(u->nr < MAX_USERS);
	u->mm = mm;
	u->page[u->nr] = page;
	u->fill[u->nr] = (unsigned char)(u->nr * 7 + 1);
	memset(qy_page_address(mm, page), u->fill[u->nr], block_bytes(page));
	u->nr++;
	return page;
}

static inline void users_check(const struct users *u)
{
	for (unsigned int i = 0; i < u->nr; i++) {
		const unsigned char *p;

		if (!u->page[i])
			continue;
		p = qy_page_address(u->mm, u->page[i]);
		assert_int_equal(p[0], u->fill[i]);
		assert_memory_equal(p, p + 1, block_bytes(u->page[i]) - 1);
	}
}

static inline void users_drop(struct users *u, unsigned int i)
{
	assert_int_equal(qy_free_pages(u->mm, u->page[i], qy_page_order(u->page[i])), 0);
	u->page[i] = NULL;
}

static inline void users_drop_all(struct users *u)
{
	users_check(u);
	for (unsigned int i = 0; i < u->nr; i++)
		if (u->page[i])
			users_drop(u, i);
	u->nr = 0;
}

/* The user of the block that has @pfn, or -1. */
static inline int user_of(const struct users *u, uint32_t pfn)
{
	for (unsigned int i = 0; i < u->nr; i++) {
		uint32_t first;

		if (!u->page[i])
			continue;
		first = qy__page_pfn(u->mm, u->page[i]);
		if (pfn >= first && pfn < first + (1u << qy_page_order(u->page[i])))
			return (int)i;
	}
	return -1;
}

/* Every page of the run is an allocated single page with one reference. */
static inline void assert_singles(const struct qy_mm *mm, uint32_t start, uint32_t nr)
{
	for (uint32_t pfn = start; pfn < start + nr; pfn++) {
		const struct qy_page *page = qy__pfn_page(mm, pfn);

		assert_int_equal(page->type, QY__PAGE_ALLOC);
		assert_int_equal(page->order, 0);
		assert_int_equal(page->alloc.refcount, 1);
		assert_int_equal(page->alloc.frag, 0);
		assert_int_equal(page->alloc.pieces, 0);
	}
}

/* From @from on, the first free run of @nr pages at a multiple of @align. */
static inline uint32_t free_run(const struct qy_mm *mm, uint32_t from, uint32_t nr, uint32_t align)
{
	uint32_t at = (from + align - 1) / align * align;

	for (; at + nr <= mm->end_pfn; at += align) {
		uint32_t n = 0;

		while (n < nr && (qy__pfn_page(mm, at + n)->type == QY__PAGE_BUDDY ||
				  qy__pfn_page(mm, at + n)->type == QY__PAGE_INSIDE))
			n++;
		if (n == nr)
			return at;
	}
	fail_msg("no free run of %u pages", nr);
	return 0;
}

#endif
