/* SPDX-License-Identifier: MIT */
/*
 * types_model.h - a model of a zone whose page blocks have types, independent of the library: what
 * tiling.h says of pages, and beside it which allocated blocks are movable and what each page block
 * is. Bit n stands for page n, counted from a page that is aligned to the largest block.
 *
 * Nothing here splits or merges, and no list is kept. Free pages of types that may mix (UNMOVABLE,
 * MOVABLE, RECLAIMABLE) have one right grouping, and so have those that are set aside, and those
 * that are isolated: tiling.h, for each of the three.
 */
#ifndef TESTS_MODEL_TYPES_MODEL_H
#define TESTS_MODEL_TYPES_MODEL_H

#include <quarry/types.h>

#include "tiling.h"

#define MOST_BLOCKS 8 /* page blocks */

/* What a page block is: a type up to HIGHATOMIC, or isolated, and one of these before. */
#define MIXED 3 /* states below this one may be one block */
#define ISOLATED 4
#define ISOLATED_FROM(state) (ISOLATED + (state))

struct shape {
	unsigned int start, end, max_order, block_order;
	bool marks; /* blocks that were asked for as movable are marked so */
};

struct typed {
	uint32_t free, head;	 /* tiling.h */
	uint32_t movable;	 /* heads of blocks that are marked */
	uint8_t is[MOST_BLOCKS]; /* page blocks */
};

typedef uint32_t typed_lists[QY_NR_MIGRATETYPES][TILING_ORDERS];

static struct shape shape;

static inline unsigned int list_of(unsigned int state)
{
	return state < ISOLATED ? state : QY_MIGRATE_ISOLATE;
}

static inline unsigned int kind_of(unsigned int state)
{
	return state < MIXED ? 0 : state < ISOLATED ? 1 : 2;
}

static inline unsigned int nr_blocks(void)
{
	return ((shape.end - 1) >> shape.block_order) + 1;
}

static inline uint32_t pages_of(unsigned int block)
{
	return block_bits(block << shape.block_order, shape.block_order);
}

static inline uint32_t all_pages(void)
{
	return page_bits(shape.start, shape.end);
}

static inline bool is_whole(unsigned int block)
{
	return !(pages_of(block) & ~all_pages());
}

static inline unsigned int state_at(const struct typed *t, unsigned int page)
{
	return t->is[page >> shape.block_order];
}

/* The heads of the free blocks, by type and order. */
static inline void free_lists(const struct typed *t, typed_lists lists)
{
	uint32_t kind[3] = {0}, type[QY_NR_MIGRATETYPES] = {0}, heads[TILING_ORDERS];

	memset(lists, 0, sizeof(typed_lists));
	for (unsigned int b = 0; b < nr_blocks(); b++) {
		kind[kind_of(t->is[b])] |= pages_of(b);
		type[list_of(t->is[b])] |= pages_of(b);
	}
	for (unsigned int i = 0; i < 3; i++) {
		if (!(t->free & kind[i]))
			continue;
		maximal_blocks(t->free & kind[i], shape.max_order, heads);
		for (unsigned int k = 0; k <= shape.max_order; k++)
			for (unsigned int m = 0; heads[k] && m < QY_NR_MIGRATETYPES; m++)
				lists[m][k] |= heads[k] & type[m];
	}
}

static inline uint32_t pages_on(const struct typed *t, unsigned int type)
{
	uint32_t pages = 0;

	for (unsigned int b = 0; b < nr_blocks(); b++)
		if (list_of(t->is[b]) == type)
			pages |= pages_of(b);
	return t->free & pages;
}

/* Pages of page blocks that are set aside, isolated or not (B11). */
static inline unsigned int pages_reserved(const struct typed *t)
{
	unsigned int n = 0;

	for (unsigned int b = 0; b < nr_blocks(); b++)
		n += t->is[b] == QY_MIGRATE_HIGHATOMIC ||
		     t->is[b] == ISOLATED_FROM(QY_MIGRATE_HIGHATOMIC);
	return n << shape.block_order;
}

static inline unsigned int order_used(const struct typed *t, unsigned int at)
{
	struct tiling tiling = {.free = t->free, .head = t->head};

	return used_order(&tiling, at, shape.end);
}

/* ---- steps ---- */

/* Do all page blocks of the block at @at hold what may be one with @state? */
static inline bool all_alike(const struct typed *t, unsigned int at, unsigned int order,
			     unsigned int state)
{
	for (unsigned int page = at; page < at + (1u << order); page += 1u << shape.block_order)
		if (kind_of(state_at(t, page)) != kind_of(state))
			return false;
	return true;
}

/* Pages of one type become free: all that they are one with now takes that type. */
static inline void set_free(struct typed *t, unsigned int at, unsigned int order)
{
	unsigned int state = state_at(t, at);

	t->free |= block_bits(at, order);
	for (unsigned int k = shape.max_order; k > shape.block_order; k--) {
		unsigned int first = at & ~((1u << k) - 1);

		if (block_bits(first, k) & ~t->free || !all_alike(t, first, k, state))
			continue;
		for (unsigned int b = 0; state < MIXED && b < 1u << (k - shape.block_order); b++)
			t->is[(first >> shape.block_order) + b] = (uint8_t)state;
		return;
	}
}

/* Has the block at @at got page blocks of more than one type? */
static inline bool is_mixed(const struct typed *t, unsigned int at, unsigned int order)
{
	for (unsigned int page = at; page < at + (1u << order); page += 1u << shape.block_order)
		if (list_of(state_at(t, page)) != list_of(state_at(t, at)))
			return true;
	return false;
}

/* An allocated block is given back: page block for page block if it has more than one type. */
static inline void give_back(struct typed *t, unsigned int at, unsigned int order)
{
	unsigned int piece = order;

	t->head &= ~(1u << at);
	t->movable &= ~(1u << at);
	if (is_mixed(t, at, order))
		piece = shape.block_order;
	for (unsigned int page = at; page < at + (1u << order); page += 1u << piece)
		set_free(t, page, piece);
}

/* A page block becomes @state; false: it reaches over the zone's border. */
static inline bool change_block(struct typed *t, unsigned int block, unsigned int state)
{
	if (!is_whole(block))
		return false;
	t->is[block] = (uint8_t)state;
	if (!(pages_of(block) & ~t->free))
		set_free(t, block << shape.block_order, shape.block_order);
	return true;
}

static inline void take(struct typed *t, unsigned int at, unsigned int order, bool movable)
{
	t->free &= ~block_bits(at, order);
	t->head |= 1u << at;
	t->movable |= (uint32_t)(movable && shape.marks) << at;
}

/* Where a request is served. */
struct source {
	bool foreign;  /* from page blocks of another type … */
	bool for_good; /* … of which one may be taken as a whole */
	unsigned int type, order;
	uint32_t heads; /* any of these, 0: it is not */
};

static inline struct source smallest(typed_lists lists, unsigned int order, unsigned int type)
{
	struct source s = {.type = type};

	for (s.order = order; s.order <= shape.max_order; s.order++) {
		s.heads = lists[type][s.order];
		if (s.heads)
			break;
	}
	return s;
}

/* Who gives, in this order (linux-mm.md 1.4). */
static inline bool others_have(typed_lists lists, unsigned int type, unsigned int order,
			       struct source *s)
{
	static const char givers[] = "RM"
				     "RU"
				     "UM",
			  letters[] = "UMR";

	for (unsigned int i = 0; i < 2; i++) {
		unsigned int giver =
			(unsigned int)(strchr(letters, givers[2 * type + i]) - letters);

		if (!lists[giver][order])
			continue;
		*s = (struct source){true, false, giver, order, lists[giver][order]};
		return true;
	}
	return false;
}

/*
 * All from the largest block that others have; but a movable request that finds nothing of half a
 * page block's order or more takes the smallest that will do, and no page block for good.
 */
static inline struct source from_others(typed_lists lists, unsigned int order, unsigned int type)
{
	struct source s = {.heads = 0};
	unsigned int k = shape.max_order + 1;

	while (k > order && !s.heads)
		others_have(lists, type, --k, &s);
	if (!s.heads)
		return s;
	s.for_good = type != QY_MIGRATE_MOVABLE || s.order >= shape.block_order / 2;
	for (k = order; !s.for_good && !others_have(lists, type, k, &s);)
		k++;
	return s;
}

/* Does the page block at @page change its type for good? Half of it is free, or alike. */
static inline bool claims(const struct typed *t, unsigned int page, unsigned int type)
{
	unsigned int block = page >> shape.block_order, n = 1u << shape.block_order;
	unsigned int unused = count_bits(t->free & pages_of(block)), movable = 0, alike = 0, at;

	for (uint32_t rest = t->movable & pages_of(block); next_bit(&rest, &at);)
		movable += 1u << order_used(t, at);
	if (type == QY_MIGRATE_MOVABLE)
		alike = movable;
	else if (t->is[block] == QY_MIGRATE_MOVABLE)
		alike = n - unused - movable;
	return is_whole(block) && 2 * (unused + alike) >= n;
}

/*
 * The block at @at of @s serves a request of @type: page blocks change as they should in @t.
 * Return: the pages of which one is given out.
 */
static inline uint32_t serve(struct typed *t, const struct source *s, unsigned int at,
			     unsigned int order, unsigned int type)
{
	typed_lists lists;

	if (!s->foreign)
		return 1u << at;
	if (s->order >= shape.block_order) {
		for (unsigned int b = 0; b < 1u << (s->order - shape.block_order); b++)
			t->is[(at >> shape.block_order) + b] = (uint8_t)type;
		return 1u << at;
	}
	if (!s->for_good || !claims(t, at, type))
		return 1u << at;
	change_block(t, at >> shape.block_order, type);
	free_lists(t, lists);
	return smallest(lists, order, type).heads;
}

/* ---- as words ---- */

#define TYPE_BITS 3

static inline uint64_t pack(const struct typed *t)
{
	unsigned int n = shape.end, at = (shape.marks ? 3 : 2) * n;
	uint64_t word = t->free | (uint64_t)t->head << n;

	if (shape.marks)
		word |= (uint64_t)t->movable << 2 * n;
	for (unsigned int b = 0; b < nr_blocks(); b++)
		word |= (uint64_t)t->is[b] << (at + b * TYPE_BITS);
	return word;
}

static inline struct typed unpack(uint64_t word)
{
	unsigned int n = shape.end, at = (shape.marks ? 3 : 2) * n;
	uint32_t mask = page_bits(0, n);
	struct typed t = {.free = (uint32_t)word & mask, .head = (uint32_t)(word >> n) & mask};

	if (shape.marks)
		t.movable = (uint32_t)(word >> 2 * n) & mask;
	for (unsigned int b = 0; b < nr_blocks(); b++)
		t.is[b] = word >> (at + b * TYPE_BITS) & ((1u << TYPE_BITS) - 1);
	return t;
}

/* All there is for four pages of one page block is worked out once; see quads_init(). */
static uint16_t sorted_quads[1 << 12]; /* index and value: movable << 8 | head << 4 | free */
static bool quads_ready;

static inline void sort_quad(struct typed *t)
{
	unsigned int quad = sorted_quads[t->movable << 8 | t->head << 4 | t->free];

	t->free = quad & 0xf;
	t->head = quad >> 4 & 0xf;
	t->movable = quad >> 8;
}

/* Puts the lesser of two buddies first, at each level; those that lie in the zone as a whole. */
static inline struct typed sort_buddies(const struct typed *t, unsigned int at, unsigned int order)
{
	unsigned int half = order ? 1u << (order - 1) : 0, blocks = half >> shape.block_order;
	uint32_t mask = block_bits(at, order);
	struct typed low, high;
	int less;

	low = (struct typed){
		(t->free & mask) >> at, (t->head & mask) >> at, (t->movable & mask) >> at, {0}};
	if (order >= shape.block_order)
		low.is[0] = t->is[at >> shape.block_order];
	if (!half || !(mask & all_pages()))
		return low;
	if (order == 2 && quads_ready && shape.block_order >= 2 && !(mask & ~all_pages())) {
		sort_quad(&low);
		return low;
	}
	low = sort_buddies(t, at, order - 1);
	high = sort_buddies(t, at + half, order - 1);
	less = memcmp(&high, &low, sizeof(low));
	if (less < 0 && !(mask & ~all_pages())) {
		struct typed other = low;

		low = high;
		high = other;
	}
	low.free |= high.free << half;
	low.head |= high.head << half;
	low.movable |= high.movable << half;
	if (blocks)
		memcpy(low.is + blocks, high.is, blocks);
	else if (order == shape.block_order)
		low.is[0] = t->is[at >> shape.block_order];
	return low;
}

static inline void quads_init(void)
{
	struct shape before = shape;

	shape = (struct shape){0, 4, 2, 2, true};
	for (uint32_t i = 0; !quads_ready && i < 1 << 12; i++) {
		struct typed t = {i & 0xf, i >> 4 & 0xf, i >> 8, {0}};

		t = sort_buddies(&t, 0, 2);
		sorted_quads[i] = (uint16_t)(t.movable << 8 | t.head << 4 | t.free);
	}
	quads_ready = true;
	shape = before;
}

/* The same for all states that differ in swapped buddies only. */
static inline uint64_t symmetric_key(const struct typed *t)
{
	unsigned int order = 0;
	struct typed sorted;

	while (1u << order < shape.end)
		order++;
	sorted = sort_buddies(t, 0, order);
	return pack(&sorted);
}

#endif
