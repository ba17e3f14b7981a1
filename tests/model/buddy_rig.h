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

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <quarry/quarry.h>

#include "page/mm.h"
#include "page/page_alloc.h"
#include "page/rmqueue.h"
#include "tiling.h"

/* The instance and its books have the pages before this one; a multiple of the largest block. */
#define RIG_LEAD 64u

struct ground {
	/* [start, border) is zone DMA32, [border, end) NORMAL; border == start: NORMAL only */
	unsigned int start, border, end;
	unsigned int max_order;
	bool behind_books; /* NORMAL has the reserved pages, too: right before start */
};

static struct {
	const struct ground *ground;
	char *buf;
	struct qy_mm *mm;
	uint32_t origin;       /* pfn of bit 0 */
	struct qy_page *books; /* the descriptors before start, as they were */
	size_t nr_books, taken;
	unsigned int nr_zones;
	struct qy__zone *zone[2];
	uint32_t mask[2];
	unsigned int reports; /* … of this kind */
	enum qy_report_kind kind;
	char wrong[200];
} rig;

/* All that operations on the pages [start, end) may change. */
static struct {
	struct qy_page page[TILING_PAGES];
	struct qy__zone zone[2];
	size_t in_use;
} saved;

static inline struct qy_page *page_at(unsigned int bit)
{
	return qy__pfn_page(rig.mm, rig.origin + bit);
}

static inline unsigned int bit_of(uint32_t pfn)
{
	return pfn - rig.origin;
}

/* A violation: said once, the first one. */
QY_PRINTF(1, 2) static bool wrong(const char *fmt, ...)
{
	va_list ap;

	if (*rig.wrong)
		return false;
	va_start(ap, fmt);
	vsnprintf(rig.wrong, sizeof(rig.wrong), fmt, ap);
	va_end(ap);
	return false;
}

/* ---- a state, in and out ---- */

static inline void save(void)
{
	const struct ground *g = rig.ground;

	memcpy(saved.page, page_at(g->start), (g->end - g->start) * sizeof(struct qy_page));
	for (unsigned int z = 0; z < rig.nr_zones; z++)
		memcpy(&saved.zone[z], rig.zone[z], sizeof(saved.zone[z]));
	saved.in_use = rig.mm->usage.pages;
}

static inline void restore(void)
{
	const struct ground *g = rig.ground;

	memcpy(page_at(g->start), saved.page, (g->end - g->start) * sizeof(struct qy_page));
	for (unsigned int z = 0; z < rig.nr_zones; z++)
		memcpy(rig.zone[z], &saved.zone[z], sizeof(saved.zone[z]));
	rig.mm->usage.pages = saved.in_use;
}

static inline bool is_as_saved(void)
{
	const struct ground *g = rig.ground;

	if (memcmp(page_at(g->start), saved.page, (g->end - g->start) * sizeof(struct qy_page)))
		return false;
	for (unsigned int z = 0; z < rig.nr_zones; z++)
		if (memcmp(rig.zone[z], &saved.zone[z], sizeof(saved.zone[z])))
			return false;
	return rig.mm->usage.pages == saved.in_use;
}

static inline void cut(struct qy__free_area *area, struct qy_page *page)
{
	if (page->prev == QY__PFN_NONE)
		area->head[0] = page->next;
	else
		qy__pfn_page(rig.mm, page->prev)->next = page->next;
	if (page->next == QY__PFN_NONE)
		area->tail[0] = page->prev;
	else
		qy__pfn_page(rig.mm, page->next)->prev = page->prev;
}

static inline void put_first(struct qy__free_area *area, struct qy_page *page)
{
	page->prev = QY__PFN_NONE;
	page->next = area->head[0];
	area->head[0] = qy__page_pfn(rig.mm, page);
	if (page->next == QY__PFN_NONE)
		area->tail[0] = area->head[0];
	else
		qy__pfn_page(rig.mm, page->next)->prev = area->head[0];
}

static inline void put_last(struct qy__free_area *area, struct qy_page *page)
{
	page->next = QY__PFN_NONE;
	page->prev = area->tail[0];
	area->tail[0] = qy__page_pfn(rig.mm, page);
	if (page->prev == QY__PFN_NONE)
		area->head[0] = area->tail[0];
	else
		qy__pfn_page(rig.mm, page->prev)->next = area->tail[0];
}

static inline void move_first(unsigned int z, unsigned int order, unsigned int at)
{
	cut(&rig.zone[z]->area[order], page_at(at));
	put_first(&rig.zone[z]->area[order], page_at(at));
}

static inline void move_last(unsigned int z, unsigned int order, unsigned int at)
{
	cut(&rig.zone[z]->area[order], page_at(at));
	put_last(&rig.zone[z]->area[order], page_at(at));
}

/* Values that mislead, other ones for each state and page. */
static inline void fill_in_page(unsigned int bit, uint64_t salt, enum qy__page_type type)
{
	const struct ground *g = rig.ground;
	struct qy_page *page = page_at(bit);
	uint64_t x = (salt * TILING_PAGES + bit + 1) * UINT64_C(0x9e3779b97f4a7c15);

	page->type = (uint8_t)type;
	page->flags = 0;
	page->order = (uint8_t)((x >> 32) % (g->max_order + 2));
	page->head = rig.origin + g->start + (uint32_t)(x >> 40) % (g->end - g->start);
	page->next = rig.origin + g->start + (uint32_t)(x >> 45) % (g->end - g->start);
	page->prev = rig.origin + g->start + (uint32_t)(x >> 50) % (g->end - g->start);
	page->track.when = x;
	page->track.stack = (uint32_t)x;
	page->track.tid = (int32_t)(x >> 32);
	/* Who takes a page from a list looks at that. */
	page->alloc.refcount = type == QY__PAGE_ALLOC;
}

static inline void build_used(const struct tiling *t, unsigned int at, uint64_t salt)
{
	unsigned int n = used_pages(t, at, rig.ground->end);
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
	for (unsigned int k = 0; k <= rig.ground->max_order; k++) {
		struct qy__free_area *area = &rig.zone[z]->area[k];
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
				put_first(area, page_at(at));
			else
				put_last(area, page_at(at));
		}
	}
}

static inline size_t pages_used(const struct tiling *t)
{
	return rig.ground->end - rig.ground->start - count_bits(t->free);
}

/*
 * Where the descriptors end (the live bits follow, which nothing here uses): one that the library
 * would love to merge with, were it a page of the zone. Not if the zonelists fitted in between.
 */
static inline void build_beyond(uint64_t salt)
{
	struct qy_page *page = page_at(rig.ground->end);
	const char *lists = (const char *)rig.mm->zonelist.index;

	if (lists >= (char *)page && lists < (char *)(page + 1))
		return;
	memcpy(page, page_at(rig.ground->end - 1), sizeof(*page));
	page->type = QY__PAGE_BUDDY;
	page->flags = 0;
	page->migratetype = QY_MIGRATE_UNMOVABLE;
	page->order = (uint8_t)(salt / 2 % (rig.ground->max_order + 1));
	page->next = page->prev = QY__PFN_NONE;
}

/* The library in the state @t; @heads: its free blocks by zone and order. Saved, too. */
static void build(const struct tiling *t, uint32_t heads[2][TILING_ORDERS], uint64_t salt)
{
	uint32_t rest = t->head;
	unsigned int at;

	while (next_bit(&rest, &at))
		build_used(t, at, salt);
	for (unsigned int z = 0; z < rig.nr_zones; z++) {
		struct qy__zone *zone = rig.zone[z];
		unsigned int block = rig.mm->pageblock_order;

		build_free(z, heads[z], salt);
		zone->nr_free_pages = count_bits(t->free & rig.mask[z]);
		zone->nr_free_blocks = 0;
		for (unsigned int k = block; k <= rig.ground->max_order; k++)
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
	const struct qy__free_area *area = &rig.zone[z]->area[order];
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

	for (unsigned int k = 0; k <= rig.ground->max_order; k++) {
		uint32_t rest = heads[k];

		while (next_bit(&rest, &at))
			if (!head_holds(at, QY__PAGE_BUDDY, k, 0) ||
			    !rest_holds(at, 1u << k, false))
				return false;
	}
	for (unsigned int k = 0; k <= rig.ground->max_order; k++)
		if (!list_holds(z, k, heads[k]))
			return false;
	for (unsigned int k = rig.ground->max_order + 1; k < QY__NR_ORDERS; k++)
		if (rig.zone[z]->area[k].head[0] != QY__PFN_NONE)
			return wrong("B1: zone %u has a block of order %u", z, k);
	if (rig.zone[z]->nr_free_pages != count_bits(t->free & rig.mask[z]))
		return wrong("B5: zone %u: %u pages are free, nr_free_pages says %u", z,
			     count_bits(t->free & rig.mask[z]), rig.zone[z]->nr_free_pages);
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

	for (unsigned int z = 0; z < rig.nr_zones; z++) {
		maximal_blocks(t->free & rig.mask[z], rig.ground->max_order, heads);
		if (!zone_holds(z, t, heads))
			return false;
	}
	while (next_bit(&rest, &at)) {
		unsigned int n = used_pages(t, at, rig.ground->end);
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
	struct qy_check_result r = {.struct_size = sizeof(r)};
	size_t in_use = rig.mm->usage.pages;

	if (!counts_pages) /* page_alloc.c does that, above what was called */
		rig.mm->usage.pages = rig.taken + pages_used(t);
	else if (in_use != rig.taken + pages_used(t))
		return wrong("B7: %zu pages are allocated, the counter says %zu",
			     rig.taken + pages_used(t), in_use);
	if (qy_check(rig.mm, QY_CHECK_BUDDY, &r) || !r.assertions)
		return wrong("qy_check: %u violations, %s: %s", r.nr, r.v[0].id, r.v[0].text);
	rig.mm->usage.pages = in_use;
	if (memcmp(rig.books, rig.mm->pages, rig.nr_books * sizeof(struct qy_page)))
		return wrong("B2: a descriptor outside the zones changed");
	return true;
}

/* ---- the instance ---- */

static void count_report(const struct qy_report *r, void *ctx)
{
	(void)ctx;
	if (r->kind == QY_REPORT_NOMEM)
		return; /* the model foresees failures */
	rig.reports++;
	rig.kind = r->kind;
}

/* An instance whose first page lies @skip pages into the buffer. */
static struct qy_mm *try_rig(const struct ground *g, unsigned int skip)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	unsigned int base = skip & ~((1u << g->max_order) - 1); /* page of the buffer with pfn 0 */
	struct qy_mm *mm;

	cfg.backing = QY_BACKING_ARENA;
	cfg.base = rig.buf + skip * QY_PAGE_SIZE;
	cfg.size = (RIG_LEAD + g->end - skip) * QY_PAGE_SIZE;
	cfg.max_order = g->max_order;
	cfg.max_order_zero = !g->max_order;
	cfg.cpu_provider = QY_CPU_MANUAL;
	cfg.policy = QY_POLICY_REPORT;
	cfg.sink.fn = count_report;
	if (!g->behind_books)
		cfg.zone_limit[QY_ZONE_DMA] = (RIG_LEAD + g->start - base) * QY_PAGE_SIZE;
	if (g->border != g->start)
		cfg.zone_limit[QY_ZONE_DMA32] = (RIG_LEAD + g->border - base) * QY_PAGE_SIZE;
	memset(rig.buf, 0x11, (RIG_LEAD + TILING_PAGES) * QY_PAGE_SIZE);
	mm = qy__mm_place(&cfg);
	if (!mm || qy__mm_handover(mm)) {
		printf("no instance\n");
		exit(2);
	}
	rig.origin = RIG_LEAD - base;
	return mm;
}

/* Where the first free page lies hangs on the size of the books: try until it is @start. */
static struct qy_mm *rig_behind_books(const struct ground *g)
{
	unsigned int skip = 0;

	for (int tries = 0; tries < 8; tries++) {
		struct qy_mm *mm = try_rig(g, skip);
		unsigned int first = mm->end_pfn - mm->zone[QY_ZONE_NORMAL].managed - rig.origin;

		if (first == g->start)
			return mm;
		skip += g->start - first;
	}
	printf("the books do not end where they should\n");
	exit(2);
}

static void make_rig(const struct ground *g)
{
	size_t block = TILING_PAGES * QY_PAGE_SIZE;

	memset(&rig, 0, sizeof(rig));
	rig.ground = g;
	rig.buf = aligned_alloc(block, RIG_LEAD * QY_PAGE_SIZE + block);
	if (!rig.buf)
		exit(2);
	/* An odd ground on an odd instance. */
	rig.mm = g->behind_books ? rig_behind_books(g) : try_rig(g, g->start & 1);
	while (qy__rmqueue_locked(rig.mm, &rig.mm->zone[QY_ZONE_DMA], 0, 0, 0))
		rig.taken++;
	rig.mm->usage.pages = rig.taken;
	rig.mm->usage.high_water = SIZE_MAX;
	if (g->border != g->start) {
		rig.mask[rig.nr_zones] = page_bits(g->start, g->border);
		rig.zone[rig.nr_zones++] = &rig.mm->zone[QY_ZONE_DMA32];
	}
	rig.mask[rig.nr_zones] = page_bits(g->border, g->end);
	rig.zone[rig.nr_zones++] = &rig.mm->zone[QY_ZONE_NORMAL];
	rig.nr_books = (size_t)(page_at(g->start) - rig.mm->pages);
	rig.books = malloc(rig.nr_books * sizeof(struct qy_page));
	if (!rig.books)
		exit(2);
	memcpy(rig.books, rig.mm->pages, rig.nr_books * sizeof(struct qy_page));
	save();
}

static void drop_rig(void)
{
	qy__mm_release(rig.mm);
	free(rig.books);
	free(rig.buf);
}

#endif
