/* SPDX-License-Identifier: MIT */
/*
 * page_model_runs.c - the page floor without the library: runs of pages at a place that was asked
 * for, and areas of them (linux-mm.md 1.4). What is free is taken; otherwise the page blocks are
 * isolated, what can be moved is moved, and all is put back if that was not enough.
 *
 * Called by fuzz_page_runs.c; whether and how blocks move is the program's matter (struct
 * pm_program).
 */
#include <errno.h>
#include <string.h>

#include "page_model.h"

enum holder { FREE, MOVABLE, NOBODY, FAST };

/* Who has a page: the first page of his block, and its order. */
struct holding {
	enum holder who;
	uint32_t pfn, last;
};

struct run {
	struct pm_model *m;
	struct pm_zone *z;
	uint32_t start, end, iso_start, iso_end, bad;
	unsigned int gfp, type;
};

static uint32_t up(uint64_t n, uint32_t step)
{
	return (uint32_t)((n + step - 1) / step * step);
}

static struct holding look(const struct run *r, uint32_t pfn)
{
	const struct pm_model *m = r->m;
	struct holding h = {FAST, pfn, pfn};
	const struct pm_page *p = &m->page[pfn];

	if (&m->zone[p->zone] != r->z)
		return h;
	for (unsigned int order = 0; p->state == PM_INSIDE && order < m->max_order;)
		p = &m->page[pfn >> (order + 1) << (order + 1)], order++;
	if (p->state == PM_GONE || p->state == PM_INSIDE)
		return h;
	h.pfn = (uint32_t)(p - m->page);
	h.last = h.pfn + (1u << p->order) - 1;
	if (p->state == PM_FREE)
		h.who = FREE;
	else if (p->state == PM_LISTED)
		h.who = NOBODY;
	else if (p->state == PM_USED && m->program->can_move() && p->refs == 1 &&
		 (p->flags & PM_F_MOVABLE) && !(p->flags & (PM_F_RETIRED | PM_F_FRAG)))
		h.who = MOVABLE;
	return h;
}

static unsigned int lasting_type(const struct pm_model *m, uint32_t pfn)
{
	unsigned int type = pm_type(m, pfn);

	return type == QY_MIGRATE_ISOLATE ? m->block_before[pfn >> m->block_order] : type;
}

static bool isolated(const struct pm_model *m, uint32_t pfn)
{
	return pm_type(m, pfn) == QY_MIGRATE_ISOLATE;
}

static int survey(struct run *r)
{
	uint32_t n = 1u << r->m->block_order;
	int err = 0;

	for (uint32_t pfn = r->start; pfn < r->end;) {
		struct holding h = look(r, pfn);
		uint32_t block = pfn / n * n;

		r->bad = h.last;
		if (h.who == FAST ||
		    (lasting_type(r->m, pfn) == QY_MIGRATE_CMA) != (r->type == QY_MIGRATE_CMA))
			return -EBUSY;
		if (h.who == MOVABLE && (block < r->z->start || block + n > r->z->end))
			return -EBUSY;
		if (h.who != FREE || isolated(r->m, pfn))
			err = -EAGAIN;
		pfn = h.last + 1;
	}
	return err;
}

static void take(struct run *r)
{
	for (uint32_t pfn = r->start; pfn < r->end;)
		pfn += pm_cut(r->m, r->z, pfn, r->end);
	for (uint32_t pfn = r->start; pfn < r->end; pfn++) {
		struct pm_page *p = &r->m->page[pfn];

		p->state = PM_USED;
		p->order = 0;
		p->refs = 1;
		p->owner = 0;
		p->flags = PM_F_COMP | ((r->gfp & QY_GFP_MOVABLE) ? PM_F_MOVABLE : 0);
	}
	pm_count_in_use(r->m, r->end - r->start);
}

/* Whole page blocks. */
static void isolate(struct run *r)
{
	uint32_t n = 1u << r->m->block_order;

	r->iso_start = r->start / n * n;
	r->iso_end = up(r->end, n);
	for (uint32_t pfn = r->iso_start; pfn < r->iso_end; pfn += n) {
		unsigned int before = pm_type(r->m, pfn);

		if (pm_move_block(r->m, r->z, pfn, QY_MIGRATE_ISOLATE))
			r->m->block_before[pfn >> r->m->block_order] = (uint16_t)before;
	}
}

static void undo(struct run *r)
{
	for (uint32_t pfn = r->iso_start; pfn < r->iso_end; pfn += 1u << r->m->block_order)
		if (isolated(r->m, pfn))
			pm_move_block(r->m, r->z, pfn, lasting_type(r->m, pfn));
}

/* The new place must be reached by whoever reached the old one. */
static int move(struct run *r, uint32_t from)
{
	static const unsigned int zones[QY_NR_ZONES] = {QY_GFP_DMA, QY_GFP_DMA32, 0,
							QY_GFP_HIGHMEM};
	struct pm_page *p = &r->m->page[from];
	unsigned int gfp = (r->gfp & QY_GFP_RECLAIM) | QY_GFP_MOVABLE | QY_GFP_NOWARN;
	unsigned int order = p->order;
	uint32_t to;

	gfp |= zones[r->z->type] | (order && (p->flags & PM_F_COMP) ? QY_GFP_COMP : 0);
	to = pm_alloc(r->m, r->z->node, gfp, order);
	if (to == FZ_NONE)
		return -ENOMEM;
	if (r->m->program->moves(from, to)) {
		pm_free(r->m, from);
		return 0;
	}
	pm_free(r->m, to);
	/* Reclaim, while a place was looked for, may have freed it. */
	return p->state == PM_USED ? -EBUSY : 0;
}

static int empty(struct run *r)
{
	for (uint32_t pfn = r->start; pfn < r->end;) {
		struct holding h = look(r, pfn);
		int err;

		r->bad = h.last;
		if (h.who == FREE) {
			pfn = h.last + 1;
			continue;
		}
		if (h.who != MOVABLE || !isolated(r->m, pfn))
			return -EBUSY;
		err = move(r, h.pfn);
		if (err)
			return err;
	}
	for (uint32_t pfn = r->start; pfn < r->end;) {
		struct holding h = look(r, pfn);

		r->bad = h.last;
		if (h.who != FREE)
			return -EBUSY;
		pfn = h.last + 1;
	}
	take(r);
	return 0;
}

static int take_run(struct run *r)
{
	int err = survey(r);

	if (!err)
		take(r);
	if (err != -EAGAIN)
		goto out;
	if (r->m->pcp_on) {
		r->z->pcp_off++;
		pm_drain_zone(r->m, r->z);
	}
	err = survey(r);
	if (err != -EBUSY) {
		isolate(r);
		err = empty(r);
		undo(r);
	}
	if (r->m->pcp_on)
		r->z->pcp_off--;
out:
	for (uint32_t pfn = r->start; pfn < r->end && !err; pfn++)
		r->m->program->handed_out(pfn, 0);
	return err;
}

int pm_contig(struct pm_model *m, uint32_t start, uint32_t end, unsigned int gfp, unsigned int type)
{
	struct run r = {.m = m, .start = start, .end = end, .gfp = gfp, .type = type};

	if (start >= end || start < m->min_pfn || end > m->end_pfn)
		return -EINVAL;
	for (uint32_t pfn = start; pfn < end; pfn++)
		if (m->page[pfn].zone != m->page[start].zone || (m->page[pfn].flags & PM_F_HOLE))
			return -EINVAL;
	r.z = pm_zone_of(m, start);
	return take_run(&r);
}

/* The lowest run in [lo, hi) of a zone that can be taken. */
static int contig_in_zone(struct pm_model *m, struct pm_zone *z, uint32_t lo, uint32_t hi,
			  uint32_t nr, uint32_t step, unsigned int gfp, uint32_t *start)
{
	uint64_t end = hi < z->end ? hi : z->end, pfn = up(lo > z->start ? lo : z->start, step);

	while (pfn + nr <= end) {
		struct run r = {.m = m,
				.z = z,
				.start = (uint32_t)pfn,
				.end = (uint32_t)pfn + nr,
				.gfp = gfp,
				.type = QY_MIGRATE_MOVABLE};

		*start = r.start;
		if (!take_run(&r))
			return 0;
		pfn = up((uint64_t)r.bad + 1, step);
	}
	return -ENOMEM;
}

uint32_t pm_contig_pages(struct pm_model *m, uint32_t nr, unsigned int gfp, unsigned int node)
{
	uint32_t step = nr & (nr - 1) ? 1 : nr, start;
	const uint8_t *at;

	if (!nr || node >= m->nr_nodes)
		return FZ_NONE;
	at = m->zonelist[node][!!(gfp & QY_GFP_THISNODE)];
	for (; *at != PM_ZONE_END; at++) {
		struct pm_zone *z = &m->zone[*at];

		if (z->type <= pm_highest_zone(gfp) && z->managed &&
		    !contig_in_zone(m, z, 0, UINT32_MAX, nr, step, gfp, &start))
			return start;
	}
	return FZ_NONE;
}

/* ---- single pages ---- */

int pm_check_single(const struct pm_model *m, uint32_t pfn)
{
	const struct pm_page *p = &m->page[pfn];

	if (pfn < m->min_pfn || pfn >= m->end_pfn || p->state != PM_USED ||
	    (p->flags & (PM_F_RETIRED | PM_F_FRAG)))
		return -EINVAL;
	return p->order ? -ERANGE : 0;
}

void pm_split(struct pm_model *m, uint32_t pfn)
{
	const struct pm_page head = m->page[pfn];

	for (uint32_t i = 0; i < 1u << head.order; i++) {
		struct pm_page *p = &m->page[pfn + i];

		p->state = PM_USED;
		p->order = 0;
		p->refs = 1;
		p->owner = i ? 0 : head.owner;
		p->flags = PM_F_COMP | (head.flags & PM_F_MOVABLE);
	}
}

struct pm_contig_free pm_free_contig(struct pm_model *m, uint32_t start, uint32_t nr)
{
	struct pm_contig_free f = {0};

	for (uint64_t pfn = start; pfn < (uint64_t)start + nr; pfn++) {
		if (pfn >= m->end_pfn || pfn < m->min_pfn) {
			f.ret = -EINVAL;
			f.bad++;
			break;
		}
		if (pm_check_single(m, (uint32_t)pfn)) {
			f.ret = -EINVAL;
			f.bad++;
			continue;
		}
		f.in_use += m->page[pfn].refs > 1;
		m->program->frees((uint32_t)pfn);
	}
	return f;
}

/* ---- areas ---- */

static uint32_t nr_bits(const struct pm_area *area)
{
	return area->pages >> area->order_per_bit;
}

static int take_area(struct pm_model *m, const struct pm_area_request *r, uint32_t *base)
{
	unsigned int gfp = QY_GFP_KERNEL | QY_GFP_NOWARN;

	*base = r->base;
	if (r->fixed)
		return pm_contig(m, r->base, r->base + r->pages, gfp, QY_MIGRATE_MOVABLE);
	for (unsigned int type = QY_NR_ZONES; type-- > 0;)
		for (unsigned int node = 0; node < m->nr_nodes; node++)
			if (!contig_in_zone(m, &m->zone[node * QY_NR_ZONES + type], r->base,
					    r->limit, r->pages, r->align, gfp, base))
				return 0;
	return -ENOMEM;
}

bool pm_area_valid(const struct pm_model *m, struct pm_area_request *r)
{
	uint32_t block = 1u << m->block_order, unit = 1u << (r->order_per_bit & 31);

	if (!r->pages || r->order_per_bit > 31 || (r->align & (r->align - 1)))
		return false;
	r->align = r->align > block ? r->align : block;
	r->align = r->align > unit ? r->align : unit;
	if (r->pages % block || r->pages % unit || (r->fixed && r->base % r->align))
		return false;
	r->fixed = r->fixed && r->base;
	if (!r->limit || r->limit > m->end_pfn)
		r->limit = m->end_pfn;
	return (uint64_t)r->base + r->pages <= r->limit;
}

/* Its page blocks are CMA's from now on, and lent. */
static void lend(struct pm_model *m, const struct pm_area *area)
{
	struct pm_zone *z = pm_zone_of(m, area->base);
	uint32_t n = 1u << m->block_order;

	for (uint32_t pfn = area->base; pfn < area->base + area->pages; pfn += n) {
		if (pm_type(m, pfn) == QY_MIGRATE_HIGHATOMIC)
			z->reserved_highatomic -= n;
		pm_move_block(m, z, pfn, QY_MIGRATE_CMA);
	}
	z->cma += area->pages;
	if (m->pcp_on) {
		z->pcp_off++;
		pm_drain_zone(m, z);
	}
	pm_free_contig(m, area->base, area->pages);
	if (m->pcp_on)
		z->pcp_off--;
}

int pm_declare(struct pm_model *m, struct pm_area *area, struct pm_area_request r)
{
	uint32_t map;
	int err;

	err = take_area(m, &r, &area->base);
	if (err)
		return err;
	area->pages = r.pages;
	area->order_per_bit = r.order_per_bit;
	map = pm_alloc(m, m->cpu_node[m->cpu], QY_GFP_KERNEL | QY_GFP_NOWARN | QY_GFP_ZERO, 0);
	if (map == FZ_NONE) {
		pm_free_contig(m, area->base, area->pages);
		area->pages = 0;
		return -ENOMEM;
	}
	m->page[map].flags |= PM_F_OWN;
	lend(m, area);
	return 0;
}

static uint32_t find_run(const struct pm_area *area, uint32_t from, uint32_t n, uint32_t mask)
{
	uint64_t offset = area->base >> area->order_per_bit, at = from;

	for (;; at++) {
		uint32_t i = 0;

		at = ((at + offset + mask) & ~(uint64_t)mask) - offset;
		if (at + n > nr_bits(area))
			return FZ_NONE;
		while (i < n && !area->used[at + i])
			i++;
		if (i == n)
			return (uint32_t)at;
	}
}

int pm_area_alloc(struct pm_model *m, struct pm_area *area, uint32_t count,
		  unsigned int align_order, uint32_t *pfn)
{
	uint64_t unit = UINT64_C(1) << area->order_per_bit;
	uint32_t n = (uint32_t)((count + unit - 1) >> area->order_per_bit), mask = 0, at = 0;
	int err = -ENOMEM;

	if (align_order > 31)
		return err;
	if (align_order > area->order_per_bit)
		mask = (1u << (align_order - area->order_per_bit)) - 1;
	for (;; at += mask + 1) {
		at = find_run(area, at, n, mask);
		if (at == FZ_NONE)
			return err;
		memset(area->used + at, 1, n);
		*pfn = area->base + (at << area->order_per_bit);
		err = pm_contig(m, *pfn, *pfn + count, QY_GFP_KERNEL, QY_MIGRATE_CMA);
		if (!err)
			return 0;
		memset(area->used + at, 0, n);
		if (err != -EBUSY)
			return err;
	}
}
