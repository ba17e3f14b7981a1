/* SPDX-License-Identifier: MIT */
/*
 * tiling.h - a model of a zone of at most 32 pages, independent of the library: which pages are
 * free, and where allocated blocks begin. Bit n stands for page n, counted from a page that is
 * aligned to the largest block.
 *
 * Nothing here splits or merges. Free pages have one right grouping (B10): a block of order k is
 * there if all its pages are free and its parent is not wholly free. The order of an allocated
 * block is the distance to whatever begins next.
 *
 * The number of tilings of a block has a closed form. Whole and allocated in one of u ways, or two
 * halves, whatever they are (two free halves are the free block):
 *
 *   f(0) = 1 + u(0)      f(k) = f(k-1)^2 + u(k)
 *
 * and if swapping two buddies makes no difference g(k) = g(k-1) (g(k-1) + 1) / 2 + u(k). A range is
 * the product of the largest aligned blocks in it, since no block reaches over their borders.
 */
#ifndef TESTS_MODEL_TILING_H
#define TESTS_MODEL_TILING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TILING_PAGES 32
#define TILING_ORDERS 6

struct tiling {
	uint32_t free;	  /* all pages of free blocks */
	uint32_t head;	  /* first pages of allocated blocks */
	uint32_t comp;	  /* … of those that are compound */
	uint32_t retired; /* … of those that are given up after a report */
};

/* Pages [from, to). */
static inline uint32_t page_bits(unsigned int from, unsigned int to)
{
	return (uint32_t)((UINT64_C(1) << to) - (UINT64_C(1) << from));
}

static inline uint32_t block_bits(unsigned int at, unsigned int order)
{
	return page_bits(at, at + (1u << order));
}

static inline unsigned int lowest_bit(uint32_t bits)
{
	return (unsigned int)__builtin_ctz(bits);
}

static inline unsigned int count_bits(uint32_t bits)
{
	return (unsigned int)__builtin_popcount(bits);
}

/* Take the lowest bit out of @rest; false: there is none. */
static inline bool next_bit(uint32_t *rest, unsigned int *at)
{
	if (!*rest)
		return false;
	*at = lowest_bit(*rest);
	*rest &= *rest - 1;
	return true;
}

/* The heads of the free blocks of each order when the pages @free of one zone are free. */
static inline void maximal_blocks(uint32_t free, unsigned int max_order,
				  uint32_t heads[TILING_ORDERS])
{
	static const uint32_t aligned[TILING_ORDERS] = {0xffffffff, 0x55555555, 0x11111111,
							0x01010101, 0x00010001, 0x00000001};
	uint32_t whole[TILING_ORDERS];

	memset(heads, 0, TILING_ORDERS * sizeof(heads[0]));
	whole[0] = free;
	for (unsigned int k = 1; k <= max_order; k++)
		whole[k] = whole[k - 1] & (whole[k - 1] >> (1u << (k - 1))) & aligned[k];
	for (unsigned int k = 0; k < max_order; k++)
		heads[k] = whole[k] & ~(whole[k + 1] | whole[k + 1] << (1u << k));
	heads[max_order] = whole[max_order];
}

/* Pages of the allocated block that begins at @at; the last one ends at @end. */
static inline unsigned int used_pages(const struct tiling *t, unsigned int at, unsigned int end)
{
	uint64_t edges = (uint64_t)(t->free | t->head) | UINT64_C(1) << end;

	return (unsigned int)__builtin_ctzll(edges >> (at + 1)) + 1;
}

static inline unsigned int used_order(const struct tiling *t, unsigned int at, unsigned int end)
{
	return lowest_bit(used_pages(t, at, end));
}

/* ---- how many there are ---- */

/* @ways: of being allocated as one block, for one page and for larger ones. */
static inline uint64_t count_block(unsigned int order, const unsigned int ways[2], bool swap)
{
	uint64_t n = 1 + ways[0];

	for (unsigned int k = 1; k <= order; k++)
		n = (swap ? n * (n + 1) / 2 : n * n) + ways[1];
	return n;
}

static inline uint64_t count_range(unsigned int from, unsigned int to, unsigned int max_order,
				   const unsigned int ways[2], bool swap)
{
	uint64_t n = 1;

	while (from < to) {
		unsigned int order = max_order;

		while (from & ((1u << order) - 1) || from + (1u << order) > to)
			order--;
		n *= count_block(order, ways, swap);
		from += 1u << order;
	}
	return n;
}

/* ---- one key for all that are the same but for swapped buddies ---- */

/*
 * The lesser half first, at each level. Two words, free and head, of 2^order bits: as good a key as
 * any, since a half without free pages and heads is only found within a larger allocated block.
 *
 * All there is for 8 pages is worked out once; see sorting_init().
 */
static uint16_t sorted_bytes[1 << 16]; /* index and value: head << 8 | free */
#define SORTED_ORDER 3
static bool sorted_ready;

static inline void sort_halves(uint32_t *free, uint32_t *head, unsigned int order)
{
	unsigned int half = order ? 1u << (order - 1) : 0;
	uint32_t low = half ? UINT32_MAX >> (32 - half) : 0;
	uint32_t f[2] = {*free & low, *free >> half}, h[2] = {*head & low, *head >> half};
	bool swap;

	if (!half)
		return;
	if (order == SORTED_ORDER && sorted_ready) {
		uint16_t pair = sorted_bytes[*head << 8 | *free];

		*free = pair & 0xff;
		*head = pair >> 8;
		return;
	}
	sort_halves(&f[0], &h[0], order - 1);
	sort_halves(&f[1], &h[1], order - 1);
	swap = f[0] != f[1] ? f[0] > f[1] : h[0] > h[1];
	*free = f[swap] | f[!swap] << half;
	*head = h[swap] | h[!swap] << half;
}

static inline void sorting_init(void)
{
	for (uint32_t i = 0; !sorted_ready && i < 1 << 16; i++) {
		uint32_t free = i & 0xff, head = i >> 8;

		sort_halves(&free, &head, SORTED_ORDER);
		sorted_bytes[i] = (uint16_t)(head << 8 | free);
	}
	sorted_ready = true;
}

#endif
