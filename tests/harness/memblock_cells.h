/* SPDX-License-Identifier: MIT */
/*
 * memblock_cells.h - a model of memblock that knows no regions: a line of cells, each of which is
 * memory or not, reserved or not, with which node and flags.
 *
 *   memory    . 0 0 0 1 1 . . 0N.        node, N: NOMAP
 *   reserved  . . K K . . . . . .        K: RSRV_KERN
 *
 * What a call must do follows from the cells alone, and whether it must fail, too: runs of equal
 * cells are the regions, and an array has room for so many. Where a bigger array goes, what that
 * reserves and frees, is foreseen to the cell.
 *
 * Nothing of the library is used but the struct to compare with. A cell has @unit bytes; sizes,
 * bounds and limits must be multiples of it.
 */
#ifndef TESTS_HARNESS_MEMBLOCK_CELLS_H
#define TESTS_HARNESS_MEMBLOCK_CELLS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <quarry/early.h>

#ifndef CELLS_MAX
#define CELLS_MAX 768
#endif

/* 0: not in the set. */
typedef uint32_t cell_t;
#define CELL(nid, flags) (0x80000000u | (uint32_t)((nid) + 1) << 8 | (flags))

static inline int cell_nid(cell_t c)
{
	return (int)(c >> 8 & 0xffff) - 1;
}

static inline uint32_t cell_flags(cell_t c)
{
	return c & 0xff;
}

enum { CELLS_MEMORY, CELLS_RESERVED, CELLS_SETS };
enum { ARRAY_STATIC = -1, ARRAY_HOOK = -2 };

/* Where a set's regions are: in cells [at, at + len), or ARRAY_*. */
struct cells_array {
	uint32_t max;
	int at, len;
};

struct cells {
	int nr;
	uint64_t lowest, unit, page; /* address of cell 0; bytes of a cell, of a page */
	uint64_t limit;		     /* current_limit */
	uint64_t map_end;	     /* map() fails behind it; 0: there is none */
	bool bottom_up, has_mirror, movable_node, scratch_only;
	bool can_resize, hook, hook_fails; /* hook: arrays come from outside */
	unsigned int warnings;		   /* about mirrored memory, so far */
	cell_t set[CELLS_SETS][CELLS_MAX];
	struct cells_array array[CELLS_SETS];
};

/* A change of a set, as the library has it, but in cells. */
enum cells_verb { CELLS_ADD, CELLS_DROP, CELLS_KEEP, CELLS_ATTR, CELLS_SPREAD };

struct cells_change {
	enum cells_verb verb;
	int from, to; /* [from, to) */
	cell_t cell;  /* ADD */
	uint32_t set, clear;
	bool set_nid;
	int nid;
	const cell_t *nodes; /* SPREAD */
};

static inline uint64_t cells_addr(const struct cells *m, int i)
{
	return m->lowest + (uint64_t)i * m->unit;
}

static inline int cells_index(const struct cells *m, uint64_t addr)
{
	if (addr <= m->lowest)
		return 0;
	addr = (addr - m->lowest) / m->unit;
	return addr < (uint64_t)m->nr ? (int)addr : m->nr;
}

static inline uint32_t cells_runs(const cell_t *c, int nr)
{
	uint32_t runs = 0;

	for (int i = 0; i < nr; i++)
		runs += c[i] && (i == 0 || c[i - 1] != c[i]);
	return runs;
}

/* ---- changes ---- */

static inline cell_t cells_attr(cell_t c, const struct cells_change *ch)
{
	return c ? CELL(ch->set_nid ? ch->nid : cell_nid(c), (cell_flags(c) & ~ch->clear) | ch->set)
		 : 0;
}

static inline void cells_apply(const struct cells *m, cell_t *c, const struct cells_change *ch)
{
	for (int i = 0; i < m->nr; i++) {
		bool in = i >= ch->from && i < ch->to;

		switch (ch->verb) {
		case CELLS_ADD:
			if (in && !c[i])
				c[i] = ch->cell;
			break;
		case CELLS_DROP:
			if (in)
				c[i] = 0;
			break;
		case CELLS_KEEP:
			if (!in && !(cell_flags(c[i]) & ch->set))
				c[i] = 0;
			break;
		case CELLS_ATTR:
			if (in)
				c[i] = cells_attr(c[i], ch);
			break;
		case CELLS_SPREAD:
			if (c[i] && ch->nodes[i] && cell_nid(ch->nodes[i]) != QY_NO_NODE)
				c[i] = CELL(cell_nid(ch->nodes[i]), cell_flags(c[i]));
			break;
		}
	}
}

/* Borders of regions with a node, that lie inside a region of @c: one region more each. */
static inline uint32_t cells_splits(const struct cells *m, const cell_t *c, const cell_t *nodes)
{
	uint32_t nr = 0;

	for (int i = 1; i < m->nr; i++) {
		if (!c[i] || c[i] != c[i - 1] || nodes[i] == nodes[i - 1])
			continue;
		nr += nodes[i] && cell_nid(nodes[i]) != QY_NO_NODE;
		nr += nodes[i - 1] && cell_nid(nodes[i - 1]) != QY_NO_NODE;
	}
	return nr;
}

/* Make the change in @c if the result has room in @max regions. */
static inline bool cells_fit(const struct cells *m, cell_t *c, const struct cells_change *ch,
			     uint32_t max)
{
	cell_t copy[CELLS_MAX];

	memcpy(copy, c, (size_t)m->nr * sizeof(c[0]));
	cells_apply(m, copy, ch);
	if (ch->verb == CELLS_SPREAD ? cells_runs(c, m->nr) + cells_splits(m, c, ch->nodes) > max
				     : cells_runs(copy, m->nr) > max)
		return false;
	memcpy(c, copy, (size_t)m->nr * sizeof(c[0]));
	return true;
}

/* ---- what is free ---- */

/* Do node and flags let memory like @c through? */
static inline bool cells_allowed(const struct cells *m, cell_t c, int nid, uint32_t flags)
{
	uint32_t f = cell_flags(c);

	if (!c || (nid != QY_NO_NODE && nid != cell_nid(c)))
		return false;
	if ((f & QY_MEMBLOCK_NOMAP) && !(flags & QY_MEMBLOCK_NOMAP))
		return false;
	if ((f & QY_MEMBLOCK_DRIVER_MANAGED) && !(flags & QY_MEMBLOCK_DRIVER_MANAGED))
		return false;
	if (m->movable_node && (f & QY_MEMBLOCK_HOTPLUG) && !(flags & QY_MEMBLOCK_HOTPLUG))
		return false;
	if ((flags & QY_MEMBLOCK_MIRROR) && !(f & QY_MEMBLOCK_MIRROR))
		return false;
	return !(flags & QY_MEMBLOCK_KHO_SCRATCH) || (f & QY_MEMBLOCK_KHO_SCRATCH);
}

/* Every address is tried. */
static inline uint64_t cells_find(const struct cells *m, uint64_t start, uint64_t end,
				  uint64_t size, uint64_t align, int nid, uint32_t flags)
{
	const cell_t *mem = m->set[CELLS_MEMORY];
	uint64_t found = 0, run = 0; /* free bytes from cell i on, in one region */

	for (int i = m->nr - 1; i >= 0 && size; i--) {
		uint64_t addr = cells_addr(m, i);

		if (m->set[CELLS_RESERVED][i] || !cells_allowed(m, mem[i], nid, flags))
			run = 0;
		else if (run && mem[i] != mem[i + 1])
			run = m->unit;
		else
			run += m->unit;
		if (run < size || end < size || addr > end - size || addr < start ||
		    addr < m->page || addr % align)
			continue;
		if (!found || m->bottom_up)
			found = addr;
	}
	return found;
}

static inline uint32_t cells_choose(const struct cells *m)
{
	if (m->scratch_only)
		return QY_MEMBLOCK_KHO_SCRATCH;
	return m->has_mirror ? QY_MEMBLOCK_MIRROR : 0;
}

static inline uint64_t cells_find_any(struct cells *m, uint64_t start, uint64_t end, uint64_t size,
				      uint64_t align)
{
	uint32_t flags = cells_choose(m);
	uint64_t at = cells_find(m, start, end, size, align, QY_NO_NODE, flags);

	if (at || !(flags & QY_MEMBLOCK_MIRROR))
		return at;
	m->warnings++;
	return cells_find(m, start, end, size, align, QY_NO_NODE, 0);
}

static inline uint64_t cells_end(const struct cells *m, uint64_t end)
{
	return end <= 1 ? m->limit : end;
}

/* ---- bigger arrays ---- */

/* An array of @max regions, outside [from, to) and outside @other; above them rather than below. */
static inline bool cells_place(struct cells *m, int from, int to, const struct cells_array *other,
			       uint32_t max, struct cells_array *a)
{
	uint64_t size = max * sizeof(struct qy_memblock_region), end = m->limit, at = 0;
	int lo[2] = {from, -1}, hi[2] = {to, -1};

	*a = (struct cells_array){.max = max, .at = ARRAY_HOOK};
	if (m->hook)
		return !m->hook_fails;
	if (!m->map_end)
		return false;
	size = (size + m->page - 1) / m->page * m->page;
	if (from >= to) /* nothing to avoid */
		lo[0] = hi[0] = -1;
	if (other && other->at >= 0) {
		lo[1] = other->at;
		hi[1] = other->at + other->len;
	}
	for (int i = 0; i < 2 && !at; i++) {
		int w = (lo[1] > lo[0]) != (i == 1);

		if (lo[w] < 0)
			continue;
		at = cells_find_any(m, cells_addr(m, hi[w]), end, size, m->page);
		if (end > cells_addr(m, lo[w]))
			end = cells_addr(m, lo[w]);
	}
	if (!at)
		at = cells_find_any(m, 0, end, size, m->page);
	if (!at || at + size > m->map_end)
		return false;
	a->at = cells_index(m, at);
	a->len = (int)(size / m->unit);
	return true;
}

/* In @reserved, the new array comes and the old one goes. */
static inline bool cells_move(const struct cells *m, cell_t *reserved, uint32_t max,
			      const struct cells_array *old, const struct cells_array *new)
{
	struct cells_change come = {.verb = CELLS_ADD,
				    .from = new->at,
				    .to = new->at + new->len,
				    .cell = CELL(QY_NO_NODE, QY_MEMBLOCK_RSRV_KERN)};
	struct cells_change go = {.verb = CELLS_DROP, .from = old->at, .to = old->at + old->len};

	return (new->at < 0 || cells_fit(m, reserved, &come, max)) &&
	       (old->at < 0 || cells_fit(m, reserved, &go, max));
}

/* `reserved` in a bigger array, with the move of memory's (or NULL) and the change (or NULL). */
static inline int cells_grow_reserved(struct cells *m, int from, int to,
				      const struct cells_array *other,
				      const struct cells_change *ch)
{
	struct cells_array new, *old = &m->array[CELLS_RESERVED];
	cell_t c[CELLS_MAX];

	for (uint32_t max = old->max * 2; max; max *= 2) {
		if (!cells_place(m, from, to, other, max, &new))
			return -ENOMEM;
		memcpy(c, m->set[CELLS_RESERVED], (size_t)m->nr * sizeof(c[0]));
		if (!cells_move(m, c, max, old, &new))
			continue;
		if (other && !cells_move(m, c, max, &m->array[CELLS_MEMORY], other))
			continue;
		if (ch && !cells_fit(m, c, ch, max))
			continue;
		memcpy(m->set[CELLS_RESERVED], c, (size_t)m->nr * sizeof(c[0]));
		*old = new;
		return 0;
	}
	return -ENOMEM;
}

static inline int cells_grow_memory(struct cells *m, const struct cells_change *ch)
{
	struct cells_array new;
	cell_t mem[CELLS_MAX], res[CELLS_MAX];
	uint32_t max = m->array[CELLS_MEMORY].max;

	do {
		max *= 2;
		if (!cells_place(m, ch->from, ch->to, NULL, max, &new))
			return -ENOMEM;
		memcpy(mem, m->set[CELLS_MEMORY], (size_t)m->nr * sizeof(mem[0]));
	} while (!cells_fit(m, mem, ch, max));

	memcpy(res, m->set[CELLS_RESERVED], (size_t)m->nr * sizeof(res[0]));
	if (cells_move(m, res, m->array[CELLS_RESERVED].max, &m->array[CELLS_MEMORY], &new))
		memcpy(m->set[CELLS_RESERVED], res, (size_t)m->nr * sizeof(res[0]));
	else if (cells_grow_reserved(m, ch->from, ch->to, &new, NULL))
		return -ENOMEM;
	memcpy(m->set[CELLS_MEMORY], mem, (size_t)m->nr * sizeof(mem[0]));
	m->array[CELLS_MEMORY] = new;
	return 0;
}

static inline bool cells_holds_array(const struct cells *m, int from, int to)
{
	for (int s = 0; s < CELLS_SETS; s++)
		if (m->array[s].at >= 0 && from < m->array[s].at + m->array[s].len &&
		    m->array[s].at < to)
			return true;
	return false;
}

/* ---- the calls ---- */

/* Return: what the library's call must return; the model has followed. */
static inline int cells_change(struct cells *m, int set, const struct cells_change *ch)
{
	if (ch->verb == CELLS_DROP && cells_holds_array(m, ch->from, ch->to))
		return -EBUSY;
	if (ch->from == ch->to && ch->verb != CELLS_SPREAD)
		return 0;
	if (cells_fit(m, m->set[set], ch, m->array[set].max))
		return 0;
	if (!m->can_resize)
		return -ENOMEM;
	return set == CELLS_MEMORY ? cells_grow_memory(m, ch)
				   : cells_grow_reserved(m, ch->from, ch->to, NULL, ch);
}

static inline int cells_add(struct cells *m, int set, int from, int to, int nid, uint32_t flags)
{
	struct cells_change ch = {
		.verb = CELLS_ADD, .from = from, .to = to, .cell = CELL(nid, flags)};

	return cells_change(m, set, &ch);
}

static inline int cells_drop(struct cells *m, int set, int from, int to)
{
	struct cells_change ch = {.verb = CELLS_DROP, .from = from, .to = to};

	return cells_change(m, set, &ch);
}

static inline int cells_flag(struct cells *m, int set, int from, int to, uint32_t on, uint32_t off)
{
	struct cells_change ch = {
		.verb = CELLS_ATTR, .from = from, .to = to, .set = on, .clear = off};

	return cells_change(m, set, &ch);
}

static inline int cells_set_node(struct cells *m, int set, int from, int to, int nid)
{
	struct cells_change ch = {
		.verb = CELLS_ATTR, .from = from, .to = to, .set_nid = true, .nid = nid};

	return cells_change(m, set, &ch);
}

/* The nodes of memory for what is reserved, and no HOTPLUG marks any more. */
static inline int cells_hand_over(struct cells *m)
{
	struct cells_change spread = {.verb = CELLS_SPREAD, .nodes = m->set[CELLS_MEMORY]};
	int err = cells_change(m, CELLS_RESERVED, &spread);

	return err ? err : cells_flag(m, CELLS_MEMORY, 0, m->nr, 0, QY_MEMBLOCK_HOTPLUG);
}

/* The cell before which there are @limit bytes of memory; nr: there are fewer. -1: no limit. */
static inline int cells_limit_index(const struct cells *m, uint64_t limit)
{
	uint64_t bytes = 0;

	for (int i = 0; i < m->nr && limit; i++) {
		bytes += m->set[CELLS_MEMORY][i] ? m->unit : 0;
		if (bytes >= limit)
			return i + 1;
	}
	return -1;
}

static inline int cells_enforce_limit(struct cells *m, uint64_t limit)
{
	int at = cells_limit_index(m, limit);

	if (at < 0)
		return 0;
	if (cells_holds_array(m, at, m->nr))
		return -EBUSY;
	memset(m->set[CELLS_MEMORY] + at, 0, (size_t)(m->nr - at) * sizeof(cell_t));
	memset(m->set[CELLS_RESERVED] + at, 0, (size_t)(m->nr - at) * sizeof(cell_t));
	return 0;
}

static inline int cells_cap(struct cells *m, int from, int to)
{
	struct cells_change keep = {
		.verb = CELLS_KEEP, .from = from, .to = to, .set = QY_MEMBLOCK_NOMAP};

	if (from == to || !cells_runs(m->set[CELLS_MEMORY], m->nr))
		return 0;
	if (cells_holds_array(m, 0, from) || cells_holds_array(m, to, m->nr))
		return -EBUSY;
	cells_apply(m, m->set[CELLS_MEMORY], &keep);
	keep.set = 0;
	cells_apply(m, m->set[CELLS_RESERVED], &keep);
	return 0;
}

/* Regions shrink to multiples of @align (in bytes). */
static inline int cells_trim(struct cells *m, uint64_t align)
{
	cell_t *mem = m->set[CELLS_MEMORY], copy[CELLS_MAX] = {0};

	for (int i = 0, end; i < m->nr; i = end) {
		uint64_t skip, hi; /* bytes up to the first multiple; the last one */

		for (end = i + 1; end < m->nr && mem[end] == mem[i]; end++)
			;
		skip = (align - cells_addr(m, i) % align) % align;
		hi = cells_addr(m, end) / align * align;
		for (int k = i; k < end && mem[i]; k++) {
			if (cells_addr(m, k) - cells_addr(m, i) >= skip && cells_addr(m, k) < hi)
				copy[k] = mem[k];
			else if (cells_holds_array(m, k, k + 1))
				return -EBUSY;
		}
	}
	memcpy(mem, copy, (size_t)m->nr * sizeof(mem[0]));
	return 0;
}

struct cells_request {
	uint64_t size, align, start, end;
	int nid;
	bool exact, mapped;
};

static inline uint64_t cells_take(struct cells *m, const struct cells_request *rq, int nid,
				  uint32_t flags)
{
	uint64_t at = cells_find(m, rq->start, rq->end, rq->size, rq->align, nid, flags);
	int from = cells_index(m, at), to = cells_index(m, at + rq->size);

	if (!at || (rq->mapped && at + rq->size > m->map_end))
		return 0;
	return cells_add(m, CELLS_RESERVED, from, to, nid, QY_MEMBLOCK_RSRV_KERN) ? 0 : at;
}

/* On the node, on any, the same of all memory. */
static inline uint64_t cells_ladder(struct cells *m, const struct cells_request *rq)
{
	for (uint32_t flags = cells_choose(m);; flags = 0) {
		uint64_t at = cells_take(m, rq, rq->nid, flags);

		if (!at && rq->nid != QY_NO_NODE && !rq->exact)
			at = cells_take(m, rq, QY_NO_NODE, flags);
		if (at || !(flags & QY_MEMBLOCK_MIRROR))
			return at;
		m->warnings++;
	}
}

static inline uint64_t cells_alloc(struct cells *m, uint64_t size, uint64_t align, uint64_t start,
				   uint64_t end, int nid, bool exact)
{
	struct cells_request rq = {.size = size,
				   .align = align ? align : 64,
				   .start = start,
				   .end = cells_end(m, end),
				   .nid = nid,
				   .exact = exact};

	return cells_ladder(m, &rq);
}

static inline uint64_t cells_virt_alloc(struct cells *m, uint64_t size, uint64_t align,
					uint64_t start, uint64_t end, int nid, bool exact)
{
	struct cells_request rq = {.size = size,
				   .align = align ? align : 64,
				   .start = start,
				   .end = cells_end(m, end) < m->limit ? cells_end(m, end)
								       : m->limit,
				   .nid = nid,
				   .exact = exact,
				   .mapped = true};
	uint64_t at = cells_ladder(m, &rq);

	if (at || !start)
		return at;
	rq.start = 0;
	return cells_ladder(m, &rq);
}

#endif
