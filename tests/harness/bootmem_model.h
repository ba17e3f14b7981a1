/* SPDX-License-Identifier: MIT */
/*
 * bootmem_model.h - what a bootmem allocator must answer, worked out page by page.
 *
 * A page is a bool. There is no rounding of ranges and no jumping in here: a page is touched by a
 * range or it lies in it, and for an allocation every page of a node is tried as its beginning. Of
 * the library only the public structs are known, for comparing.
 */
#ifndef TESTS_HARNESS_BOOTMEM_MODEL_H
#define TESTS_HARNESS_BOOTMEM_MODEL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <quarry/early.h>

#ifndef BM_MODEL_NODES
#define BM_MODEL_NODES 4
#define BM_MODEL_PAGES 192 /* of a node, at most */
#endif

struct bm_model_node {
	int nid;
	uint64_t min, end;
	uint64_t hint; /* in pages */
	uint64_t last; /* in bytes; both count from the node's start */
	bool taken[BM_MODEL_PAGES];
};

struct bm_model {
	unsigned int shift, nr;
	struct bm_model_node node[BM_MODEL_NODES]; /* ascending */
};

enum bm_mark { BM_FREE, BM_RESERVE, BM_EXCLUSIVE };

static inline void bm_model_add(struct bm_model *m, int nid, uint64_t min, uint64_t end)
{
	unsigned int at = m->nr++;
	struct bm_model_node *n;

	for (; at && m->node[at - 1].min > min; at--)
		m->node[at] = m->node[at - 1];
	n = &m->node[at];
	memset(n, 0, sizeof(*n));
	n->nid = nid;
	n->min = min;
	n->end = end;
	memset(n->taken, true, sizeof(n->taken));
}

static inline struct bm_model_node *bm_model_find(struct bm_model *m, int nid)
{
	for (unsigned int i = 0; i < m->nr; i++)
		if (m->node[i].nid == nid)
			return &m->node[i];
	return NULL;
}

/* Does the page belong to what a call from @first to @last, both inclusive, speaks of? */
static inline bool bm_model_meant(const struct bm_model *m, enum bm_mark how, uint64_t pfn,
				  uint64_t first, uint64_t last)
{
	uint64_t page_first = pfn << m->shift;
	uint64_t page_last = page_first + ((UINT64_C(1) << m->shift) - 1);

	if (how == BM_FREE)
		return first <= page_first && page_last <= last;
	return first <= page_last && page_first <= last;
}

/*
 * Reserve or free; @nid -1: any node. All or nothing. Pages of no node are found by looking at the
 * page that each end of the range lies in, and at the holes between nodes: whatever is meant must
 * be a page of a node, and they must be as many as the range has.
 */
static inline int bm_model_mark(struct bm_model *m, int nid, uint64_t addr, uint64_t size,
				enum bm_mark how)
{
	uint64_t last = addr + size - 1, seen = 0, expected = 0;
	int err = 0;

	if (!size)
		return 0;
	if (last < addr)
		return -ERANGE;
	/* Whole pages lie between the first and the last page touched; these two may be parts. */
	expected = (last >> m->shift) - (addr >> m->shift) + 1;
	if (!bm_model_meant(m, how, addr >> m->shift, addr, last))
		expected--;
	if (last >> m->shift != addr >> m->shift &&
	    !bm_model_meant(m, how, last >> m->shift, addr, last))
		expected--;
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; i < m->nr; i++) {
			struct bm_model_node *n = &m->node[i];

			for (uint64_t p = n->min; p < n->end; p++) {
				if ((nid != -1 && nid != n->nid) ||
				    !bm_model_meant(m, how, p, addr, last))
					continue;
				if (pass == 0) {
					seen++;
					if (how == BM_FREE && !n->taken[p - n->min])
						err = -EALREADY;
					if (how == BM_EXCLUSIVE && n->taken[p - n->min])
						err = -EBUSY;
					continue;
				}
				n->taken[p - n->min] = how != BM_FREE;
				if (how == BM_FREE && n->hint > p - n->min)
					n->hint = p - n->min;
				/* Never again into a page that others speak of. */
				if (n->last % (UINT64_C(1) << m->shift) &&
				    n->last >> m->shift == p - n->min)
					n->last = 0;
			}
		}
		if (pass == 0 && seen != expected)
			return -ERANGE;
		if (err)
			return err;
	}
	return 0;
}

struct bm_model_request {
	uint64_t size, align, goal, limit;
};

/* May the allocation's run of pages begin at @pfn? */
static inline bool bm_model_fits(const struct bm_model *m, const struct bm_model_node *n,
				 uint64_t pfn, const struct bm_model_request *rq)
{
	uint64_t start = pfn << m->shift;

	if (start % rq->align && rq->align > UINT64_C(1) << m->shift)
		return false;
	if (start < rq->goal)
		return false;
	if (rq->size > (n->end << m->shift) - start)
		return false;
	for (uint64_t p = pfn; (p - pfn) << m->shift < rq->size; p++)
		if (n->taken[p - n->min] ||
		    (rq->limit && (p << m->shift) + ((UINT64_C(1) << m->shift) - 1) >= rq->limit))
			return false;
	return true;
}

static inline bool bm_model_alloc_node(struct bm_model *m, struct bm_model_node *n,
				       struct bm_model_request rq, uint64_t *addr)
{
	const uint64_t page = UINT64_C(1) << m->shift, base = n->min << m->shift;
	uint64_t pfn, from = n->min + n->hint, start;

	if (rq.goal >= n->end << m->shift)
		rq.goal = 0;
	for (pfn = from; pfn < n->end && !bm_model_fits(m, n, pfn, &rq);)
		pfn++;
	if (pfn == n->end)
		for (pfn = n->min; pfn < n->end && !bm_model_fits(m, n, pfn, &rq);)
			pfn++;
	if (pfn == n->end)
		return false;
	start = pfn << m->shift;
	/* Behind the last one, in the page before, if it ended there. */
	if (n->last % page && base + n->last < start && start - (base + n->last) < page) {
		uint64_t packed = base + n->last;

		while (packed % rq.align)
			packed++;
		if (packed >= rq.goal)
			start = packed;
	}
	n->last = start + rq.size - base;
	n->hint = (n->last + page - 1) / page;
	for (uint64_t i = 0; i < n->hint; i++)
		if ((n->min + i) << m->shift >= start)
			n->taken[i] = true;
	*addr = start;
	return true;
}

static inline bool bm_model_is_valid(struct bm_model *m, int nid, const struct bm_model_request *rq)
{
	if (!rq->size || __builtin_popcountll(rq->align) != 1)
		return false;
	if (rq->limit && (rq->goal + rq->size < rq->goal || rq->goal + rq->size > rq->limit))
		return false;
	return nid == -1 || bm_model_find(m, nid);
}

/* One pass. */
static inline int bm_model_core(struct bm_model *m, int nid, struct bm_model_request rq,
				uint64_t *addr)
{
	if (!bm_model_is_valid(m, nid, &rq))
		return -EINVAL;
	for (unsigned int i = 0; i < m->nr; i++) {
		struct bm_model_node *n = &m->node[i];

		if (nid == -1 ? rq.goal >= n->end << m->shift : n->nid != nid)
			continue;
		if (bm_model_alloc_node(m, n, rq, addr))
			return 0;
	}
	return -ENOMEM;
}

/* The calls that drop the goal: node with it, all with it, node without, all without. */
static inline int bm_model_alloc(struct bm_model *m, int nid, struct bm_model_request rq,
				 uint64_t *addr)
{
	int err = bm_model_core(m, nid, rq, addr);

	if (err == -ENOMEM && nid != -1)
		err = bm_model_core(m, -1, rq, addr);
	if (err != -ENOMEM || !rq.goal)
		return err;
	rq.goal = 0;
	return bm_model_alloc(m, nid, rq, addr);
}

static inline uint64_t bm_model_nr_free(const struct bm_model *m)
{
	uint64_t nr = 0;

	for (unsigned int i = 0; i < m->nr; i++)
		for (uint64_t p = 0; p < m->node[i].end - m->node[i].min; p++)
			nr += !m->node[i].taken[p];
	return nr;
}

/* Eight bools as bits. (Where the first byte is the lowest: a bool times 2^(56 - 7i).) */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && BM_MODEL_PAGES % 8 == 0, "packing");
static inline uint8_t bm_model_pack(const bool taken[8])
{
	uint64_t x;

	memcpy(&x, taken, 8);
	return (uint8_t)(x * UINT64_C(0x0102040810204080) >> 56);
}

/* What of @bm is not as it should be; NULL: nothing. What is behind a node's end is taken. */
static inline const char *bm_model_differs(const struct bm_model *m, const struct qy_bootmem *bm)
{
	if (bm->nr_nodes != m->nr)
		return "number of nodes";
	for (unsigned int i = 0; i < m->nr; i++) {
		const struct qy_bootmem_node *n = &bm->node[i];
		const struct bm_model_node *want = &m->node[i];
		const uint8_t *map = (const uint8_t *)n->map;

		if (n->nid != want->nid || n->min_pfn != want->min || n->end_pfn != want->end)
			return "node";
		if (n->hint_idx != want->hint)
			return "hint_idx";
		if (n->last_end_off != want->last)
			return "last_end_off";
		for (size_t b = 0; b < n->map_bytes; b++)
			if (map[b] !=
			    (b < BM_MODEL_PAGES / 8 ? bm_model_pack(want->taken + 8 * b) : 0xff))
				return "map";
	}
	return NULL;
}

#endif
