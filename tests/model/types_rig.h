/* SPDX-License-Identifier: MIT */
/*
 * types_rig.h - a page floor whose zone NORMAL can be put into any state of types_model.h, and
 * compared with one.
 *
 * A state is built, not replayed; whatever the library may not rely on is filled with values that
 * mislead. See buddy_rig.h, which does that for one type and two zones. The instance and its books
 * have zone DMA, all of it taken.
 */
#ifndef TESTS_MODEL_TYPES_RIG_H
#define TESTS_MODEL_TYPES_RIG_H

#include "page/rmqueue.h"
#include "rig.h"
#include "types_model.h"

static struct {
	struct qy__zone *zone;
	uint8_t *block;	    /* types of page blocks */
	uint32_t managed;   /* of the zone, in truth */
	uint32_t pretended; /* … and for the limit of what is set aside */
} own;

static struct {
	struct qy_page page[TILING_PAGES];
	uint8_t block[MOST_BLOCKS];
	struct qy__zone zone;
} saved;

/* ---- a state, in and out ---- */

static inline size_t page_bytes(void)
{
	return (shape.end - shape.start) * sizeof(struct qy_page);
}

static inline void save(void)
{
	memcpy(saved.page, page_at(shape.start), page_bytes());
	memcpy(saved.block, own.block, nr_blocks());
	saved.zone = *own.zone;
}

static inline void restore(void)
{
	memcpy(page_at(shape.start), saved.page, page_bytes());
	memcpy(own.block, saved.block, nr_blocks());
	*own.zone = saved.zone;
}

static inline bool is_as_saved(void)
{
	return !memcmp(page_at(shape.start), saved.page, page_bytes()) &&
	       !memcmp(own.block, saved.block, nr_blocks()) &&
	       !memcmp(own.zone, &saved.zone, sizeof(saved.zone));
}

static inline void move_first(unsigned int at)
{
	struct qy_page *page = page_at(at);
	struct qy__free_area *area = &own.zone->area[page->order];

	cut(area, page->migratetype, page);
	put_first(area, page->migratetype, page);
}

static inline void move_last(unsigned int at)
{
	struct qy_page *page = page_at(at);
	struct qy__free_area *area = &own.zone->area[page->order];

	cut(area, page->migratetype, page);
	put_last(area, page->migratetype, page);
}

/* Values that mislead, other ones for each state and page. */
static inline void fill_in_page(unsigned int bit, uint64_t salt, enum qy__page_type type)
{
	mislead(page_at(bit), salt * TILING_PAGES + bit + 1, type, shape.start,
		shape.end - shape.start, shape.max_order);
}

static inline void build_block(unsigned int at, unsigned int order, enum qy__page_type type,
			       uint64_t salt)
{
	fill_in_page(at, salt, type);
	page_at(at)->order = (uint8_t)order;
	for (unsigned int i = 1; i < 1u << order; i++)
		fill_in_page(at + i, salt, QY__PAGE_INSIDE);
}

/* Lists in the order of addresses, up or down: @salt decides that, too. */
static inline void build_list(uint32_t heads, unsigned int type, unsigned int order, uint64_t salt)
{
	struct qy__free_area *area = &own.zone->area[order];
	unsigned int at;

	area->head[type] = area->tail[type] = QY__PFN_NONE;
	area->nr_free += count_bits(heads);
	while (next_bit(&heads, &at)) {
		build_block(at, order, QY__PAGE_BUDDY, salt);
		page_at(at)->migratetype = type;
		if (salt & 1)
			put_first(area, type, page_at(at));
		else
			put_last(area, type, page_at(at));
	}
}

static inline uint8_t entry_of(unsigned int state)
{
	if (state < ISOLATED)
		return (uint8_t)state;
	return (uint8_t)((state - ISOLATED) << QY__PAGEBLOCK_BEFORE_SHIFT | QY_MIGRATE_ISOLATE);
}

static inline uint32_t pages_in_large(typed_lists lists)
{
	uint32_t n = 0;

	for (unsigned int type = 0; type < QY_MIGRATE_ISOLATE; type++)
		for (unsigned int k = shape.block_order; k <= shape.max_order; k++)
			n += count_bits(lists[type][k]) << k;
	return n;
}

static inline void build_books(const struct typed *t, typed_lists lists)
{
	struct qy__zone *zone = own.zone;

	for (unsigned int b = 0; b < nr_blocks(); b++)
		own.block[b] = entry_of(t->is[b]);
	zone->nr_free_isolate = count_bits(pages_on(t, QY_MIGRATE_ISOLATE));
	zone->nr_free_highatomic = count_bits(pages_on(t, QY_MIGRATE_HIGHATOMIC));
	zone->nr_free_pages = count_bits(t->free) - zone->nr_free_isolate;
	zone->nr_free_blocks = zone->unreported = pages_in_large(lists);
	zone->nr_reserved_highatomic = pages_reserved(t);
	zone->managed = own.pretended;
}

/* The library in the state @t; @lists: its free blocks. Saved, too. */
static inline void build(const struct typed *t, typed_lists lists, uint64_t salt)
{
	uint32_t rest = t->head;
	unsigned int at;

	while (next_bit(&rest, &at)) {
		build_block(at, order_used(t, at), QY__PAGE_ALLOC, salt);
		page_at(at)->flags = t->movable >> at & 1 ? QY__PAGE_F_MOVABLE : 0;
	}
	for (unsigned int k = 0; k <= shape.max_order; k++) {
		own.zone->area[k].nr_free = 0;
		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++)
			build_list(lists[type][k], type, k, salt);
	}
	build_books(t, lists);
	save();
}

/* ---- comparing ---- */

static inline bool block_holds(unsigned int at, unsigned int order, enum qy__page_type type,
			       unsigned int flags)
{
	const struct qy_page *p = page_at(at);

	if (p->type != type || p->order != order || p->flags != flags)
		return wrong("B1: page %u: type %u order %u flags %02x, not type %u order %u "
			     "flags %02x",
			     at, p->type, p->order, p->flags, type, order, flags);
	for (unsigned int i = 1; i < 1u << order; i++)
		if (p[i].type != QY__PAGE_INSIDE || p[i].flags)
			return wrong("B2: page %u in the block at %u: type %u flags %02x", at + i,
				     at, p[i].type, p[i].flags);
	return true;
}

static inline bool list_holds(uint32_t heads, unsigned int type, unsigned int order)
{
	const struct qy__free_area *area = &own.zone->area[order];
	uint32_t prev = QY__PFN_NONE, found = 0, pfn = area->head[type];

	for (; pfn != QY__PFN_NONE; prev = pfn, pfn = page_at(bit_of(pfn))->next) {
		unsigned int bit = bit_of(pfn);

		if (bit >= TILING_PAGES || !(heads >> bit & 1) || found >> bit & 1)
			return wrong("B4, B6: type %u order %u: the list leads to page %d", type,
				     order, (int)bit);
		if (page_at(bit)->prev != prev || page_at(bit)->migratetype != type)
			return wrong("B4, B6: type %u order %u: page %u: prev %d type %u", type,
				     order, bit, (int)bit_of(page_at(bit)->prev),
				     page_at(bit)->migratetype);
		found |= 1u << bit;
		if (!block_holds(bit, order, QY__PAGE_BUDDY, 0))
			return false;
	}
	if (found != heads || area->tail[type] != prev)
		return wrong("B4, B10: type %u order %u: blocks %x on the list, not %x, tail %d",
			     type, order, found, heads, (int)bit_of(area->tail[type]));
	return true;
}

static inline bool counts(const char *what, uint32_t is, uint32_t expected)
{
	return is == expected || wrong("%s is %u, not %u", what, is, expected);
}

static inline bool books_hold(const struct typed *t, typed_lists lists)
{
	const struct qy__zone *zone = own.zone;
	uint32_t isolate = count_bits(pages_on(t, QY_MIGRATE_ISOLATE));

	for (unsigned int b = 0; b < nr_blocks(); b++)
		if (own.block[b] != entry_of(t->is[b]))
			return wrong("page block %u is %02x, not %02x", b, own.block[b],
				     entry_of(t->is[b]));
	return counts("B14: nr_free_isolate", zone->nr_free_isolate, isolate) &&
	       counts("B5: nr_free_pages", zone->nr_free_pages, count_bits(t->free) - isolate) &&
	       counts("B5: nr_free_highatomic", zone->nr_free_highatomic,
		      count_bits(pages_on(t, QY_MIGRATE_HIGHATOMIC))) &&
	       counts("B5: nr_free_blocks", zone->nr_free_blocks, pages_in_large(lists)) &&
	       counts("unreported", zone->unreported, pages_in_large(lists)) &&
	       counts("B11: nr_reserved_highatomic", zone->nr_reserved_highatomic,
		      pages_reserved(t)) &&
	       counts("nr_free_cma", zone->nr_free_cma, 0) && counts("boost", zone->boost, 0) &&
	       counts("managed", zone->managed, own.pretended) &&
	       counts("nr_guard", zone->nr_guard, 0);
}

/* Is the library in the state @t, page for page? */
static inline bool holds(const struct typed *t)
{
	uint32_t rest = t->head;
	typed_lists lists;
	unsigned int at;

	free_lists(t, lists);
	for (unsigned int k = 0; k <= shape.max_order; k++) {
		uint32_t n = 0;

		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++) {
			n += count_bits(lists[type][k]);
			if (!list_holds(lists[type][k], type, k))
				return false;
		}
		if (!counts("B4: nr_free", own.zone->area[k].nr_free, n))
			return false;
	}
	while (next_bit(&rest, &at))
		if (!block_holds(at, order_used(t, at), QY__PAGE_ALLOC,
				 t->movable >> at & 1 ? QY__PAGE_F_MOVABLE : 0))
			return false;
	return books_hold(t, lists);
}

/*
 * The same in the eyes of the library's own checker, unless more is set aside than a zone of this
 * size may.
 */
static inline bool check_holds(const struct typed *t)
{
	if (pages_reserved(t) > own.managed / 100 + (1u << shape.block_order))
		return true;
	rig.mm->usage.pages = rig.taken + (shape.end - shape.start) - count_bits(t->free);
	own.zone->managed = own.managed;
	if (!is_sound(QY_CHECK_BUDDY))
		return false;
	own.zone->managed = own.pretended;
	return true;
}

/* ---- in words ---- */

static inline void draw(const struct typed *t)
{
	char text[TILING_PAGES + 1];
	typed_lists heads;
	unsigned int at;

	memset(text, '.', sizeof(text));
	free_lists(t, heads);
	for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++)
		for (unsigned int k = 0; k <= shape.max_order; k++)
			while (next_bit(&heads[type][k], &at))
				text[at] = (char)('0' + k);
	for (uint32_t rest = t->head; next_bit(&rest, &at);) {
		memset(text + at, '-', 1u << order_used(t, at));
		text[at] = t->movable >> at & 1 ? 'm' : 'x';
	}
	printf("%.*s  page blocks ", (int)(shape.end - shape.start), text + shape.start);
	for (unsigned int b = 0; b < nr_blocks(); b++)
		putchar("UMRHumrh"[t->is[b]]);
	putchar('\n');
}

static inline void draw_library(void)
{
	printf("  library  ");
	for (unsigned int b = shape.start; b < shape.end; b++) {
		const struct qy_page *p = page_at(b);
		bool movable = p->flags & QY__PAGE_F_MOVABLE;

		if (p->type == QY__PAGE_BUDDY)
			putchar('0' + p->order % 10);
		else
			putchar(p->type == QY__PAGE_ALLOC ? "xm"[movable]
							  : ".?"[p->type != QY__PAGE_INSIDE]);
	}
	printf("  page blocks ");
	for (unsigned int b = 0; b < nr_blocks(); b++)
		printf(" %02x", own.block[b]);
	printf("\n  %u pages free\n", own.zone->nr_free_pages);
}

/* ---- the instance ---- */

/* @reserves: how many page blocks can be set aside. */
static inline void make_rig(unsigned int reserves)
{
	struct qy_mm_config cfg;

	memset(&own, 0, sizeof(own));
	rig_begin(TILING_PAGES);
	cfg = rig_config(shape.start, shape.end, shape.max_order);
	cfg.pageblock_order = shape.block_order;
	cfg.grouping = QY_ON;
	rig_place(&cfg);
	rig_take_lead();
	own.zone = &rig.mm->zone[QY_ZONE_NORMAL];
	own.block = rig.mm->pageblock + (RIG_LEAD >> shape.block_order) - rig.mm->pageblock_first;
	own.managed = own.zone->managed;
	own.pretended = reserves < 2 ? own.managed : 100 * (reserves - 1) << shape.block_order;
	own.zone->managed = own.pretended;
	save();
}

static inline void drop_rig(void)
{
	rig_end();
}

#endif
