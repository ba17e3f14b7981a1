/* SPDX-License-Identifier: MIT */
/*
 * memblock.c - two sets of address ranges: the memory there is, and the part of it that is taken.
 *
 *   memory    [======]      [===========]
 *   reserved     [==]          [=]    [=]
 *   free      [=]           [=]   [==]
 *
 * Life: init, ranges are added and reserved, allocations; allow_resize as soon as all that must not
 * be overwritten is reserved; free_all hands over to a page allocator, discard ends it.
 *
 * MB1  Regions ascend, do not overlap, are not empty; none wraps.
 * MB2  Neighbours that touch differ in nid or flags.
 * MB3  total_size is the sum of the sizes, cnt at most max.
 * MB8  An array that memblock took from its own memory is reserved; max only doubles.
 * MB11 A change happens wholly or not at all. It is counted before it is made; what is made then
 *	needs no memory but the array and a few words.
 *
 * Not locked: the caller serialises.
 */
#include "early/memblock.h"

#include <errno.h>
#include <string.h>

#include "util/plant.h"

static bool joins(const struct qy_memblock_region *r, int32_t nid, uint32_t flags)
{
	return r->nid == nid && (r->flags == flags || qy__planted(MAP_JOINS_UNLIKE));
}

uint32_t qy__memblock_lower_bound(const struct qy_memblock_type *type, qy_addr_t addr)
{
	uint32_t lo = 0, hi = type->cnt;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (qy__region_end(&type->regions[mid]) > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* ---- union: gaps are filled ---- */

/* Of the range to add, the part between region i - 1 and region i, and whether it joins them. */
struct gap {
	qy_addr_t lo, hi;
	bool joins_prev, joins_next;
};

static bool gap_before(const struct qy_memblock_type *type, uint32_t i,
		       const struct qy__memblock_change *c, struct gap *g)
{
	const struct qy_memblock_region *prev = i ? &type->regions[i - 1] : NULL;
	const struct qy_memblock_region *next = i < type->cnt ? &type->regions[i] : NULL;

	g->lo = prev ? max(c->base, qy__region_end(prev)) : c->base;
	g->hi = next ? min(c->end, next->base) : c->end;
	if (g->lo >= g->hi)
		return false;
	g->joins_prev = prev && qy__region_end(prev) == g->lo && joins(prev, c->nid, c->set);
	g->joins_next = next && next->base == g->hi && joins(next, c->nid, c->set);
	return true;
}

/* How many regions more there will be; less than 0 if gaps vanish between regions alike. */
static int64_t count_gaps(const struct qy_memblock_type *type, uint32_t first,
			  const struct qy__memblock_change *c)
{
	int64_t more = 0;
	struct gap g;

	for (uint32_t i = first; i <= type->cnt; i++) {
		if (i > first && type->regions[i - 1].base >= c->end)
			break;
		if (gap_before(type, i, c, &g))
			more += 1 - g.joins_prev - g.joins_next;
	}
	return more;
}

static void delete_region(struct qy_memblock_type *type, uint32_t i)
{
	type->cnt--;
	memmove(&type->regions[i], &type->regions[i + 1],
		(type->cnt - i) * sizeof(type->regions[0]));
}

static void insert_region(struct qy_memblock_type *type, uint32_t i, const struct gap *g,
			  const struct qy__memblock_change *c)
{
	memmove(&type->regions[i + 1], &type->regions[i],
		(type->cnt - i) * sizeof(type->regions[0]));
	type->regions[i] = (struct qy_memblock_region){
		.base = g->lo, .size = g->hi - g->lo, .flags = c->set, .nid = c->nid};
	type->cnt++;
}

/* A gap that joins its neighbours needs no region; between two of them it even sets one free. */
static void fill_joining_gaps(struct qy_memblock_type *type, uint32_t first,
			      const struct qy__memblock_change *c)
{
	struct gap g;

	for (uint32_t i = first; i <= type->cnt; i++) {
		struct qy_memblock_region *r = type->regions;

		if (i > first && r[i - 1].base >= c->end)
			break;
		if (!gap_before(type, i, c, &g) || !(g.joins_prev || g.joins_next))
			continue;
		if (!(qy__planted(MAP_GAP_LOST) && g.joins_prev && g.joins_next))
			type->total_size += g.hi - g.lo;
		if (!g.joins_prev) {
			r[i].base = g.lo;
			r[i].size += g.hi - g.lo;
			continue;
		}
		r[i - 1].size = g.hi - r[i - 1].base;
		if (g.joins_next) {
			r[i - 1].size += r[i].size;
			delete_region(type, i--); /* the next gap has this index now */
		}
	}
}

/*
 *   there    [--- a ---]      [- b -]
 *   added         [================]
 *   result   [--- a ---][=====][- b -]
 *
 * First what joins, then what needs a region: so there are never more than in the end.
 */
static int add_range(struct qy_memblock_type *type, const struct qy__memblock_change *c)
{
	uint32_t first = qy__memblock_lower_bound(type, c->base);
	struct gap g;

	if (type->cnt + count_gaps(type, first, c) > type->max)
		return -ENOMEM;
	fill_joining_gaps(type, first, c);
	for (uint32_t i = first; i <= type->cnt; i++) {
		if (i > first && type->regions[i - 1].base >= c->end)
			break;
		if (!gap_before(type, i, c, &g))
			continue;
		type->total_size += g.hi - g.lo;
		insert_region(type, i++, &g, c); /* the region behind has moved on */
	}
	return 0;
}

/* ---- all other changes: each region becomes up to three, which may join again ---- */

/*
 * A set that is written over the one that is read, from low to high. A range has two borders to be
 * split at; so besides the last region, which the next one may join, there are never more to write
 * than slots that were read.
 */
struct rewrite {
	struct qy_memblock_type *type;
	struct qy_memblock_region last[4];
	uint32_t nr_last, written, cnt;
	qy_addr_t total;
	bool store; /* or only count */
};

static void put(struct rewrite *w, qy_addr_t base, qy_addr_t end, int32_t nid, uint32_t flags)
{
	struct qy_memblock_region *last = w->nr_last ? &w->last[w->nr_last - 1] : NULL;

	if (base >= end)
		return;
	w->total += end - base;
	if (last && qy__region_end(last) == base && joins(last, nid, flags)) {
		last->size += end - base;
		return;
	}
	w->last[w->nr_last++] = (struct qy_memblock_region){
		.base = base, .size = end - base, .flags = flags, .nid = nid};
	w->cnt++;
}

/* To their slots, all but the last @keep. */
static void settle(struct rewrite *w, uint32_t keep)
{
	uint32_t n = 0;

	for (; w->nr_last - n > keep; n++, w->written++)
		if (w->store)
			w->type->regions[w->written] = w->last[n];
	w->nr_last -= n;
	memmove(w->last, w->last + n, w->nr_last * sizeof(w->last[0]));
}

static qy_addr_t round_up(qy_addr_t addr, qy_addr_t align)
{
	qy_addr_t over = addr % align;

	return !over				     ? addr
	       : align - over <= QY__ADDR_MAX - addr ? addr + (align - over)
						     : QY__ADDR_MAX;
}

static void put_changed(struct rewrite *w, const struct qy_memblock_region *r,
			const struct qy__memblock_change *c)
{
	qy_addr_t end = qy__region_end(r), lo = max(r->base, c->base), hi = min(end, c->end);

	switch (c->verb) {
	case QY__MEMBLOCK_KEEP:
		if (r->flags & c->set)
			put(w, r->base, end, r->nid, r->flags);
		else
			put(w, lo, hi, r->nid, r->flags);
		return;
	case QY__MEMBLOCK_TRIM:
		put(w, round_up(r->base, c->align), end - end % c->align, r->nid, r->flags);
		return;
	case QY__MEMBLOCK_CHANGE:
	case QY__MEMBLOCK_DROP:
	default: break;
	}
	put(w, r->base, min(end, c->base), r->nid, r->flags);
	if (c->verb == QY__MEMBLOCK_CHANGE)
		put(w, lo, hi, c->set_nid ? c->nid : r->nid, (r->flags & ~c->clear) | c->set);
	put(w, max(r->base, c->end), end, r->nid, r->flags);
}

static uint32_t rewrite(struct qy_memblock_type *type, const struct qy__memblock_change *c,
			bool store)
{
	struct rewrite w = {.type = type, .store = store};

	for (uint32_t i = 0; i < type->cnt; i++) {
		struct qy_memblock_region r = type->regions[i]; /* slot i may be written now */

		settle(&w, 1);
		put_changed(&w, &r, c);
	}
	settle(&w, 0);
	if (store) {
		type->cnt = w.cnt;
		type->total_size = w.total;
	}
	return w.cnt;
}

/* ---- the nodes of one set for another ---- */

/* Borders of @nodes' regions inside those of @type: each splits at most one. */
static uint64_t count_splits(const struct qy_memblock_type *type,
			     const struct qy_memblock_type *nodes)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < nodes->cnt; i++) {
		const struct qy_memblock_region *n = &nodes->regions[i];
		qy_addr_t border[2] = {n->base, qy__region_end(n)};

		for (int side = 0; side < 2 && n->nid != QY_NO_NODE; side++) {
			uint32_t at = qy__memblock_lower_bound(type, border[side]);

			nr += at < type->cnt && type->regions[at].base < border[side];
		}
	}
	return nr;
}

static int spread_nodes(struct qy_memblock_type *type, const struct qy_memblock_type *nodes)
{
	if (type->cnt + count_splits(type, nodes) > type->max)
		return -ENOMEM;
	for (uint32_t i = 0; i < nodes->cnt; i++) {
		const struct qy_memblock_region *n = &nodes->regions[i];
		struct qy__memblock_change c = {
			.verb = QY__MEMBLOCK_CHANGE,
			.base = n->base,
			.end = qy__region_end(n),
			.set_nid = true,
			.nid = n->nid,
		};

		if (n->nid != QY_NO_NODE)
			rewrite(type, &c, true);
	}
	return 0;
}

int qy__memblock_apply(struct qy_memblock_type *type, const struct qy__memblock_change *c)
{
	if (c->verb == QY__MEMBLOCK_ADD)
		return add_range(type, c);
	if (c->verb == QY__MEMBLOCK_SPREAD)
		return spread_nodes(type, c->nodes);
	/* Two borders, at most two regions more. */
	if ((uint64_t)type->cnt + 2 > type->max && rewrite(type, c, false) > type->max)
		return -ENOMEM;
	rewrite(type, c, true);
	return 0;
}

int qy__memblock_change(struct qy_memblock *mb, struct qy_memblock_type *type,
			const struct qy__memblock_change *c)
{
	int err = qy__memblock_apply(type, c);

	return err == -ENOMEM ? qy__memblock_change_bigger(mb, type, c) : err;
}

/* ---- the public calls ---- */

void qy__memblock_reset_type(struct qy_memblock_type *type, const char *name,
			     struct qy_memblock_region *regions, uint32_t nr)
{
	*type = (struct qy_memblock_type){.name = name, .max = nr, .regions = regions};
}

void qy__memblock_reset(struct qy_memblock *mb)
{
	qy__memblock_reset_type(&mb->memory, "memory", mb->memory_regions, QY_MEMBLOCK_REGIONS);
	qy__memblock_reset_type(&mb->reserved, "reserved", mb->reserved_regions,
				QY_MEMBLOCK_REGIONS);
	qy__memblock_reset_type(&mb->physmem, "physmem", mb->physmem_regions,
				QY_MEMBLOCK_PHYSMEM_REGIONS);
}

void qy_memblock_init(struct qy_memblock *mb)
{
	memset(mb, 0, sizeof(*mb));
	mb->struct_size = sizeof(*mb);
	mb->current_limit = QY_MEMBLOCK_ALLOC_ANYWHERE;
	qy__memblock_reset(mb);
}

static int add(struct qy_memblock *mb, struct qy_memblock_type *type, qy_addr_t base,
	       qy_addr_t size, int nid, uint32_t flags)
{
	struct qy__memblock_change c = {
		.verb = QY__MEMBLOCK_ADD,
		.base = base,
		.end = qy__range_end(base, size),
		.nid = nid,
		.set = flags,
	};

	if (flags & ~QY__MEMBLOCK_FLAGS)
		return -EINVAL;
	return c.base == c.end ? 0 : qy__memblock_change(mb, type, &c);
}

static int drop(struct qy_memblock *mb, struct qy_memblock_type *type, qy_addr_t base,
		qy_addr_t size)
{
	struct qy__memblock_change c = {
		.verb = QY__MEMBLOCK_DROP, .base = base, .end = qy__range_end(base, size)};

	if (qy__memblock_holds_array(mb, c.base, c.end))
		return -EBUSY;
	return c.base == c.end ? 0 : qy__memblock_change(mb, type, &c);
}

int qy_memblock_add(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size, int nid, uint32_t flags)
{
	qy__memblock_trace(mb, "memblock_add", base, size);
	return add(mb, &mb->memory, base, size, nid, flags);
}

int qy_memblock_physmem_add(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	qy__memblock_trace(mb, "memblock_physmem_add", base, size);
	return add(mb, &mb->physmem, base, size, QY_NO_NODE, QY_MEMBLOCK_NONE);
}

int qy_memblock_remove(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	qy__memblock_trace(mb, "memblock_remove", base, size);
	return drop(mb, &mb->memory, base, size);
}

int qy_memblock_reserve(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return qy_memblock_reserve_node(mb, base, size, QY_NO_NODE, QY_MEMBLOCK_NONE);
}

int qy_memblock_reserve_node(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size, int nid,
			     uint32_t flags)
{
	qy__memblock_trace(mb, "memblock_reserve", base, size);
	return add(mb, &mb->reserved, base, size, nid, flags);
}

int qy_memblock_free(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	qy__memblock_trace(mb, "memblock_free", base, size);
	return drop(mb, &mb->reserved, base, size);
}

static int change(struct qy_memblock *mb, struct qy_memblock_type *type, qy_addr_t base,
		  qy_addr_t size, struct qy__memblock_change c)
{
	if (type != &mb->memory && type != &mb->reserved && type != &mb->physmem)
		return -EINVAL;
	if ((c.set | c.clear) & ~QY__MEMBLOCK_FLAGS)
		return -EINVAL;
	c.verb = QY__MEMBLOCK_CHANGE;
	c.base = base;
	c.end = qy__range_end(base, size);
	return c.base == c.end ? 0 : qy__memblock_change(mb, type, &c);
}

int qy_memblock_set_flags(struct qy_memblock *mb, struct qy_memblock_type *type, qy_addr_t base,
			  qy_addr_t size, uint32_t flags)
{
	return change(mb, type, base, size, (struct qy__memblock_change){.set = flags});
}

int qy_memblock_clear_flags(struct qy_memblock *mb, struct qy_memblock_type *type, qy_addr_t base,
			    qy_addr_t size, uint32_t flags)
{
	return change(mb, type, base, size, (struct qy__memblock_change){.clear = flags});
}

int qy_memblock_set_node(struct qy_memblock *mb, struct qy_memblock_type *type, qy_addr_t base,
			 qy_addr_t size, int nid)
{
	return change(mb, type, base, size,
		      (struct qy__memblock_change){.set_nid = true, .nid = nid});
}

int qy_memblock_mark_mirror(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	int err = qy_memblock_set_flags(mb, &mb->memory, base, size, QY_MEMBLOCK_MIRROR);

	mb->has_mirror |= !err;
	return err;
}
