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

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <quarry/quarry.h>

#include "page/mm.h"
#include "page/rmqueue.h"
#include "types_model.h"

#define RIG_LEAD 64u /* pages before page 0; a multiple of the largest block */

static struct {
	char *buf;
	struct qy_mm *mm;
	struct qy__zone *zone;
	uint8_t *block;	    /* types of page blocks */
	uint32_t managed;   /* of the zone, in truth */
	uint32_t pretended; /* … and for the limit of what is set aside */
	size_t taken;
	unsigned int reports;
	char wrong[200];
} rig;

static struct {
	struct qy_page page[TILING_PAGES];
	uint8_t block[MOST_BLOCKS];
	struct qy__zone zone;
} saved;

static inline struct qy_page *page_at(unsigned int bit)
{
	return qy__pfn_page(rig.mm, RIG_LEAD + bit);
}

static inline unsigned int bit_of(uint32_t pfn)
{
	return pfn - RIG_LEAD;
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

static inline size_t page_bytes(void)
{
	return (shape.end - shape.start) * sizeof(struct qy_page);
}

static inline void save(void)
{
	memcpy(saved.page, page_at(shape.start), page_bytes());
	memcpy(saved.block, rig.block, nr_blocks());
	saved.zone = *rig.zone;
}

static inline void restore(void)
{
	memcpy(page_at(shape.start), saved.page, page_bytes());
	memcpy(rig.block, saved.block, nr_blocks());
	*rig.zone = saved.zone;
}

static inline bool is_as_saved(void)
{
	return !memcmp(page_at(shape.start), saved.page, page_bytes()) &&
	       !memcmp(rig.block, saved.block, nr_blocks()) &&
	       !memcmp(rig.zone, &saved.zone, sizeof(saved.zone));
}

static inline void cut(struct qy_page *page)
{
	struct qy__free_area *area = &rig.zone->area[page->order];

	if (page->prev == QY__PFN_NONE)
		area->head[page->migratetype] = page->next;
	else
		qy__pfn_page(rig.mm, page->prev)->next = page->next;
	if (page->next == QY__PFN_NONE)
		area->tail[page->migratetype] = page->prev;
	else
		qy__pfn_page(rig.mm, page->next)->prev = page->prev;
}

static inline void put_first(struct qy_page *page)
{
	struct qy__free_area *area = &rig.zone->area[page->order];
	uint32_t *head = &area->head[page->migratetype];

	page->prev = QY__PFN_NONE;
	page->next = *head;
	*head = qy__page_pfn(rig.mm, page);
	if (page->next == QY__PFN_NONE)
		area->tail[page->migratetype] = *head;
	else
		qy__pfn_page(rig.mm, page->next)->prev = *head;
}

static inline void put_last(struct qy_page *page)
{
	struct qy__free_area *area = &rig.zone->area[page->order];
	uint32_t *tail = &area->tail[page->migratetype];

	page->next = QY__PFN_NONE;
	page->prev = *tail;
	*tail = qy__page_pfn(rig.mm, page);
	if (page->prev == QY__PFN_NONE)
		area->head[page->migratetype] = *tail;
	else
		qy__pfn_page(rig.mm, page->prev)->next = *tail;
}

static inline void move_first(unsigned int at)
{
	cut(page_at(at));
	put_first(page_at(at));
}

static inline void move_last(unsigned int at)
{
	cut(page_at(at));
	put_last(page_at(at));
}

/* Values that mislead, other ones for each state and page. */
static inline void fill_in_page(unsigned int bit, uint64_t salt, enum qy__page_type type)
{
	uint32_t first = RIG_LEAD + shape.start, n = shape.end - shape.start;
	uint64_t x = (salt * TILING_PAGES + bit + 1) * UINT64_C(0x9e3779b97f4a7c15);
	struct qy_page *page = page_at(bit);

	page->type = (uint8_t)type;
	page->flags = 0;
	page->order = (uint8_t)((x >> 32) % (shape.max_order + 2));
	page->head = first + (uint32_t)(x >> 40) % n;
	page->next = first + (uint32_t)(x >> 45) % n;
	page->prev = first + (uint32_t)(x >> 50) % n;
	page->track.when = x;
	page->track.stack = (uint32_t)x;
	page->track.tid = (int32_t)(x >> 32);
	/* Who takes a page from a list looks at that. */
	page->alloc.refcount = type == QY__PAGE_ALLOC;
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
	struct qy__free_area *area = &rig.zone->area[order];
	unsigned int at;

	area->head[type] = area->tail[type] = QY__PFN_NONE;
	area->nr_free += count_bits(heads);
	while (next_bit(&heads, &at)) {
		build_block(at, order, QY__PAGE_BUDDY, salt);
		page_at(at)->migratetype = type;
		if (salt & 1)
			put_first(page_at(at));
		else
			put_last(page_at(at));
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
	struct qy__zone *zone = rig.zone;

	for (unsigned int b = 0; b < nr_blocks(); b++)
		rig.block[b] = entry_of(t->is[b]);
	zone->nr_free_isolate = count_bits(pages_on(t, QY_MIGRATE_ISOLATE));
	zone->nr_free_highatomic = count_bits(pages_on(t, QY_MIGRATE_HIGHATOMIC));
	zone->nr_free_pages = count_bits(t->free) - zone->nr_free_isolate;
	zone->nr_free_blocks = zone->unreported = pages_in_large(lists);
	zone->nr_reserved_highatomic = pages_reserved(t);
	zone->managed = rig.pretended;
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
		rig.zone->area[k].nr_free = 0;
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
	const struct qy__free_area *area = &rig.zone->area[order];
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
	const struct qy__zone *zone = rig.zone;
	uint32_t isolate = count_bits(pages_on(t, QY_MIGRATE_ISOLATE));

	for (unsigned int b = 0; b < nr_blocks(); b++)
		if (rig.block[b] != entry_of(t->is[b]))
			return wrong("page block %u is %02x, not %02x", b, rig.block[b],
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
	       counts("managed", zone->managed, rig.pretended) &&
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
		if (!counts("B4: nr_free", rig.zone->area[k].nr_free, n))
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
	struct qy_check_result r = {.struct_size = sizeof(r)};

	if (pages_reserved(t) > rig.managed / 100 + (1u << shape.block_order))
		return true;
	rig.mm->usage.pages = rig.taken + (shape.end - shape.start) - count_bits(t->free);
	rig.zone->managed = rig.managed;
	if (qy_check(rig.mm, QY_CHECK_BUDDY, &r) || !r.assertions)
		return wrong("qy_check: %u violations, %s: %s", r.nr, r.v[0].id, r.v[0].text);
	rig.zone->managed = rig.pretended;
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
		printf(" %02x", rig.block[b]);
	printf("\n  %u pages free\n", rig.zone->nr_free_pages);
}

/* ---- the instance ---- */

static void count_report(const struct qy_report *r, void *ctx)
{
	(void)r;
	(void)ctx;
	rig.reports++;
}

/* @reserves: how many page blocks can be set aside. */
static inline void make_rig(unsigned int reserves)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	size_t bytes = (RIG_LEAD + TILING_PAGES) * QY_PAGE_SIZE;

	memset(&rig, 0, sizeof(rig));
	rig.buf = aligned_alloc(TILING_PAGES * QY_PAGE_SIZE, bytes);
	if (!rig.buf)
		exit(2);
	memset(rig.buf, 0x11, bytes);
	cfg.backing = QY_BACKING_ARENA;
	cfg.base = rig.buf;
	cfg.size = (RIG_LEAD + shape.end) * QY_PAGE_SIZE;
	cfg.max_order = shape.max_order;
	cfg.pageblock_order = shape.block_order;
	cfg.grouping = QY_ON;
	cfg.cpu_provider = QY_CPU_MANUAL;
	cfg.policy = QY_POLICY_REPORT;
	cfg.sink.fn = count_report;
	cfg.zone_limit[QY_ZONE_DMA] = (RIG_LEAD + shape.start) * QY_PAGE_SIZE;
	rig.mm = qy__mm_place(&cfg);
	if (!rig.mm || qy__mm_handover(rig.mm)) {
		printf("no instance\n");
		exit(2);
	}
	while (qy__rmqueue_locked(rig.mm, &rig.mm->zone[QY_ZONE_DMA], 0, 0, 0))
		rig.taken++;
	rig.mm->usage.high_water = SIZE_MAX;
	rig.zone = &rig.mm->zone[QY_ZONE_NORMAL];
	rig.block = rig.mm->pageblock + (RIG_LEAD >> shape.block_order) - rig.mm->pageblock_first;
	rig.managed = rig.zone->managed;
	rig.pretended = reserves < 2 ? rig.managed : 100 * (reserves - 1) << shape.block_order;
	rig.zone->managed = rig.pretended;
	save();
}

static inline void drop_rig(void)
{
	qy__mm_release(rig.mm);
	free(rig.buf);
}

#endif
