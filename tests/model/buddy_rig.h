/* SPDX-License-Identifier: MIT */
/*
 * buddy_rig.h - a page floor whose last pages can be put into any state of tiling.h, and compared
 * with one.
 *
 *   zone DMA                                DMA32 (may be empty)        NORMAL
 *   | instance, descriptors | all taken | start … border | border … end |
 *
 * A state is built, not replayed: heads, lists and counters as the tiling says. Whatever the
 * library may not rely on is filled with values that mislead: order, links and all the rest of
 * pages inside blocks, all but type, order and flags of allocated heads. The library is the real
 * one; of its functions only those that a search calls run between build() or restore() and
 * holds().
 */
#ifndef TESTS_MODEL_BUDDY_RIG_H
#define TESTS_MODEL_BUDDY_RIG_H

#include "page/page_alloc.h"
#include "page/rmqueue.h"
#include "rig.h"
#include "tiling.h"

struct ground {
	/* [start, border) is zone DMA32, [border, end) NORMAL; border == start: NORMAL only */
	unsigned int start, border, end;
	unsigned int max_order;
	bool behind_books; /* NORMAL has the reserved pages, too: right before start */
};

static struct {
	const struct ground *ground;
	struct qy_page *books; /* the descriptors before start, as they were */
	size_t nr_books;
	unsigned int nr_zones;
	struct qy__zone *zone[2];
	uint32_t mask[2];
} own;

/* All that operations on the pages [start, end) may change. */
static struct {
	struct qy_page page[TILING_PAGES];
	struct qy__zone zone[2];
	size_t in_use;
} saved;

/* ---- a state, in and out ---- */

static inline void save(void)
{
	const struct ground *g = own.ground;

	memcpy(saved.page, page_at(g->start), (g->end - g->start) * sizeof(struct qy_page));
	for (unsigned int z = 0; z < own.nr_zones; z++)
		memcpy(&saved.zone[z], own.zone[z], sizeof(saved.zone[z]));
	saved.in_use = rig.mm->usage.pages;
}

static inline void restore(void)
{
	const struct ground *g = own.ground;

	memcpy(page_at(g->start), saved.page, (g->end - g->start) * sizeof(struct qy_page));
	for (unsigned int z = 0; z < own.nr_zones; z++)
		memcpy(own.zone[z], &saved.zone[z], sizeof(saved.zone[z]));
	rig.mm->usage.pages = saved.in_use;
}

static inline bool is_as_saved(void)
{
	const struct ground *g = own.ground;

	if (memcmp(page_at(g->start), saved.page, (g->end - g->start) * sizeof(struct qy_page)))
		return false;
	for (unsigned int z = 0; z < own.nr_zones; z++)
		if (memcmp(own.zone[z], &saved.zone[z], sizeof(saved.zone[z])))
			return false;
	return rig.mm->usage.pages == saved.in_use;
}

static inline void move_first(unsigned int z, unsigned int order, unsigned int at)
{
	cut(&own.zone[z]->area[order], 0, page_at(at));
	put_first(&own.zone[z]->area[order], 0, page_at(at));
}

static inline void move_last(unsigned int z, unsigned int order, unsigned int at)
{
	cut(&own.zone[z]->area[order], 0, page_at(at));
	put_last(&own.zone[z]->area[order], 0, page_at(at));
}

/* Values that mislead, other ones for each state and page. */
static inline void fill_in_page(unsigned int bit, uint64_t salt, enum qy__page_type type)
{
	const struct ground *g = own.ground;

	mislead(page_at(bit), salt * TILING_PAGES + bit + 1, type, g->start, g->end - g->start,
		g->max_order);
}

static inline void build_used(const struct tiling *t, unsigned int at, uint64_t salt)
{
	unsigned int n = used_pages(t, at, own.ground->end);
	bool comp = t->comp >> at & 1;
	struct qy_page *head = page_at(at);

	fill_in_page(at, salt, QY__PAGE_ALLOC);
	head->order = (uint8_t)lowest_bit(n);
	head->flags = t->retired >> at & 1 ? QY__PAGE_F_RETIRED : 0;
	for (unsigned int i = 1; i < n; i++) {
		fill_in_page(at + i, salt, comp ? QY__PAGE_TAIL : QY__PAGE_INSIDE);
		if (comp)
			head[i].head = rig.origin + at;
	}
}

/* Lists in the order of addresses, up or down: @salt decides that, too. */
static inline void build_free(unsigned int z, const uint32_t heads[TILING_ORDERS], uint64_t salt)
{
	for (unsigned int k = 0; k <= own.ground->max_order; k++) {
		struct qy__free_area *area = &own.zone[z]->area[k];
		uint32_t rest = heads[k];
		unsigned int at;

		area->head[0] = area->tail[0] = QY__PFN_NONE;
		area->nr_free = count_bits(rest);
		while (next_bit(&rest, &at)) {
			for (unsigned int i = 0; i < 1u << k; i++)
				fill_in_page(at + i, salt, i ? QY__PAGE_INSIDE : QY__PAGE_BUDDY);
			page_at(at)->order = (uint8_t)k;
			page_at(at)->migratetype = QY_MIGRATE_UNMOVABLE;
			if (salt & 1)
				put_first(area, 0, page_at(at));
			else
				put_last(area, 0, page_at(at));
		}
	}
}

static inline size_t pages_used(const struct tiling *t)
{
	return own.ground->end - own.ground->start - count_bits(t->free);
}

/*
 * Where the descriptors end (the live bits follow, which nothing here uses): one that the library
 * would love to merge with, were it a page of the zone. Not if the zonelists fitted in between.
 */
static inline void build_beyond(uint64_t salt)
{
	struct qy_page *page = page_at(own.ground->end);
	const char *lists = (const char *)rig.mm->zonelist.index;

	if (lists >= (char *)page && lists < (char *)(page + 1))
		return;
	memcpy(page, page_at(own.ground->end - 1), sizeof(*page));
	page->type = QY__PAGE_BUDDY;
	page->flags = 0;
	page->migratetype = QY_MIGRATE_UNMOVABLE;
	page->order = (uint8_t)(salt / 2 % (own.ground->max_order + 1));
	page->next = page->prev = QY__PFN_NONE;
}

/* The library in the state @t; @heads: its free blocks by zone and order. Saved, too. */
static void build(const struct tiling *t, uint32_t heads[2][TILING_ORDERS], uint64_t salt)
{
	uint32_t rest = t->head;
	unsigned int at;

	while (next_bit(&rest, &at))
		build_used(t, at, salt);
	for (unsigned int z = 0; z < own.nr_zones; z++) {
		struct qy__zone *zone = own.zone[z];
		unsigned int block = rig.mm->pageblock_order;

		build_free(z, heads[z], salt);
		zone->nr_free_pages = count_bits(t->free & own.mask[z]);
		zone->nr_free_blocks = 0;
		for (unsigned int k = block; k <= own.ground->max_order; k++)
			zone->nr_free_blocks += count_bits(heads[z][k]) << k;
		zone->unreported = zone->nr_free_blocks;
	}
	rig.mm->usage.pages = rig.taken + pages_used(t);
	build_beyond(salt);
	save();
}

/* ---- comparing ---- */

static bool head_holds(unsigned int at, enum qy__page_type type, unsigned int order,
		       unsigned int flags)
{
	const struct qy_page *p = page_at(at);
	bool merged = p->type != QY__PAGE_BUDDY || type != QY__PAGE_BUDDY || p->order >= order;

	if (p->type != type || p->order != order || p->flags != flags)
		return wrong("%s: page %u: type %u order %u flags %02x, not type %u order %u "
			     "flags %02x",
			     merged ? "B1" : "B3", at, p->type, p->order, p->flags, type, order,
			     flags);
	return true;
}

static bool rest_holds(unsigned int at, unsigned int n, bool comp)
{
	for (unsigned int i = 1; i < n; i++) {
		const struct qy_page *p = page_at(at + i);

		if (p->type != (comp ? QY__PAGE_TAIL : QY__PAGE_INSIDE) || p->flags ||
		    (comp && p->head != rig.origin + at))
			return wrong("B2: page %u in the block at %u: type %u flags %02x head %d",
				     at + i, at, p->type, p->flags, (int)(p->head - rig.origin));
	}
	return true;
}

static bool list_holds(unsigned int z, unsigned int order, uint32_t heads)
{
	const struct qy__free_area *area = &own.zone[z]->area[order];
	uint32_t prev = QY__PFN_NONE, found = 0, pfn = area->head[0];

	for (; pfn != QY__PFN_NONE; prev = pfn, pfn = page_at(bit_of(pfn))->next) {
		unsigned int bit = bit_of(pfn);

		if (bit >= TILING_PAGES || !(heads >> bit & 1) || found >> bit & 1)
			return wrong("B4: zone %u order %u: the list leads to page %d", z, order,
				     (int)bit);
		if (page_at(bit)->prev != prev)
			return wrong("B4: zone %u order %u: page %u: prev is %d, not %d", z, order,
				     bit, (int)bit_of(page_at(bit)->prev), (int)bit_of(prev));
		found |= 1u << bit;
	}
	if (found != heads || area->tail[0] != prev)
		return wrong("B4: zone %u order %u: blocks %x on the list instead of %x, tail %d",
			     z, order, found, heads, (int)bit_of(area->tail[0]));
	if (area->nr_free != count_bits(heads))
		return wrong("B4: zone %u order %u: %u blocks, nr_free says %u", z, order,
			     count_bits(heads), area->nr_free);
	return true;
}

static bool zone_holds(unsigned int z, const struct tiling *t, const uint32_t heads[TILING_ORDERS])
{
	unsigned int at;

	for (unsigned int k = 0; k <= own.ground->max_order; k++) {
		uint32_t rest = heads[k];

		while (next_bit(&rest, &at))
			if (!head_holds(at, QY__PAGE_BUDDY, k, 0) ||
			    !rest_holds(at, 1u << k, false))
				return false;
	}
	for (unsigned int k = 0; k <= own.ground->max_order; k++)
		if (!list_holds(z, k, heads[k]))
			return false;
	for (unsigned int k = own.ground->max_order + 1; k < QY__NR_ORDERS; k++)
		if (own.zone[z]->area[k].head[0] != QY__PFN_NONE)
			return wrong("B1: zone %u has a block of order %u", z, k);
	if (own.zone[z]->nr_free_pages != count_bits(t->free & own.mask[z]))
		return wrong("B5: zone %u: %u pages are free, nr_free_pages says %u", z,
			     count_bits(t->free & own.mask[z]), own.zone[z]->nr_free_pages);
	return true;
}

/*
 * Is the library in the state @t, page for page? Also says what is saved for the checker: what lies
 * within the ground is all described by @t.
 */
static bool holds(const struct tiling *t)
{
	uint32_t heads[TILING_ORDERS], rest = t->head;
	unsigned int at;

	for (unsigned int z = 0; z < own.nr_zones; z++) {
		maximal_blocks(t->free & own.mask[z], own.ground->max_order, heads);
		if (!zone_holds(z, t, heads))
			return false;
	}
	while (next_bit(&rest, &at)) {
		unsigned int n = used_pages(t, at, own.ground->end);
		bool retired = t->retired >> at & 1;

		if (!head_holds(at, QY__PAGE_ALLOC, lowest_bit(n),
				retired ? QY__PAGE_F_RETIRED : 0) ||
		    !rest_holds(at, n, t->comp >> at & 1))
			return false;
	}
	return true;
}

/* The same in the eyes of the library's own checker; and nothing was changed beside the ground. */
static bool check_holds(const struct tiling *t, bool counts_pages)
{
	size_t in_use = rig.mm->usage.pages;

	if (!counts_pages) /* page_alloc.c does that, above what was called */
		rig.mm->usage.pages = rig.taken + pages_used(t);
	else if (in_use != rig.taken + pages_used(t))
		return wrong("B7: %zu pages are allocated, the counter says %zu",
			     rig.taken + pages_used(t), in_use);
	if (!is_sound(QY_CHECK_BUDDY))
		return false;
	rig.mm->usage.pages = in_use;
	if (memcmp(own.books, rig.mm->pages, own.nr_books * sizeof(struct qy_page)))
		return wrong("B2: a descriptor outside the zones changed");
	return true;
}

/* ---- the instance ---- */

/* An instance whose first page lies @skip pages into the buffer. */
static void try_rig(const struct ground *g, unsigned int skip)
{
	unsigned int base = skip & ~((1u << g->max_order) - 1); /* page of the buffer with pfn 0 */
	struct qy_mm_config cfg = rig_config(g->start, g->end, g->max_order);

	cfg.base = rig.buf + skip * QY_PAGE_SIZE;
	cfg.size -= skip * QY_PAGE_SIZE;
	cfg.zone_limit[QY_ZONE_DMA] -= base * QY_PAGE_SIZE;
	if (g->behind_books)
		cfg.zone_limit[QY_ZONE_DMA] = 0;
	if (g->border != g->start)
		cfg.zone_limit[QY_ZONE_DMA32] = (RIG_LEAD + g->border - base) * QY_PAGE_SIZE;
	rig_place(&cfg);
	rig.origin = RIG_LEAD - base;
}

/* Where the first free page lies hangs on the size of the books: try until it is @start. */
static void rig_behind_books(const struct ground *g)
{
	unsigned int skip = 0;

	for (int tries = 0; tries < 8; tries++) {
		unsigned int first;

		try_rig(g, skip);
		first = rig.mm->end_pfn - rig.mm->zone[QY_ZONE_NORMAL].managed - rig.origin;
		if (first == g->start)
			return;
		skip += g->start - first;
	}
	printf("the books do not end where they should\n");
	exit(2);
}

static void make_rig(const struct ground *g)
{
	memset(&own, 0, sizeof(own));
	own.ground = g;
	rig_begin(TILING_PAGES);
	if (g->behind_books)
		rig_behind_books(g);
	else
		try_rig(g, g->start & 1); /* an odd ground on an odd instance */
	rig_take_lead();
	if (g->border != g->start) {
		own.mask[own.nr_zones] = page_bits(g->start, g->border);
		own.zone[own.nr_zones++] = &rig.mm->zone[QY_ZONE_DMA32];
	}
	own.mask[own.nr_zones] = page_bits(g->border, g->end);
	own.zone[own.nr_zones++] = &rig.mm->zone[QY_ZONE_NORMAL];
	own.nr_books = (size_t)(page_at(g->start) - rig.mm->pages);
	own.books = malloc(own.nr_books * sizeof(struct qy_page));
	if (!own.books)
		exit(2);
	memcpy(own.books, rig.mm->pages, own.nr_books * sizeof(struct qy_page));
	save();
}

static void drop_rig(void)
{
	free(own.books);
	rig_end();
}

#endif
