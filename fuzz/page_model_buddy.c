/* SPDX-License-Identifier: MIT */
/*
 * page_model_buddy.c - the page floor without the library: free lists by order and type, merging,
 * fallback to other types, page blocks that change theirs. The rules are those of linux-mm.md 1.4.
 *
 * Called by page_model_alloc.c and page_model_runs.c, and by fuzz_page.c for what it compares.
 */
#include "page_model.h"

/* ---- lists ---- */

void pm_push(struct pm_model *m, struct pm_list *list, uint32_t pfn, bool tail)
{
	struct pm_page *p = &m->page[pfn];

	p->next = p->prev = PM_END;
	if (!list->nr++) {
		list->head = list->tail = (uint16_t)pfn;
	} else if (tail) {
		p->prev = list->tail;
		m->page[list->tail].next = (uint16_t)pfn;
		list->tail = (uint16_t)pfn;
	} else {
		p->next = list->head;
		m->page[list->head].prev = (uint16_t)pfn;
		list->head = (uint16_t)pfn;
	}
}

static void unlink_page(struct pm_model *m, struct pm_list *list, uint32_t pfn)
{
	struct pm_page *p = &m->page[pfn];

	if (p->prev == PM_END)
		list->head = p->next;
	else
		m->page[p->prev].next = p->next;
	if (p->next == PM_END)
		list->tail = p->prev;
	else
		m->page[p->next].prev = p->prev;
	list->nr--;
}

uint32_t pm_pop(struct pm_model *m, struct pm_list *list, bool tail)
{
	uint32_t pfn = tail ? list->tail : list->head;

	unlink_page(m, list, pfn);
	return pfn;
}

unsigned int pm_type(const struct pm_model *m, uint32_t pfn)
{
	return m->block_type[pfn >> m->block_order];
}

/* 2^@order pages of @type more or fewer are free. */
static void count(struct pm_model *m, struct pm_zone *z, unsigned int order, unsigned int type,
		  int sign)
{
	uint32_t n = (uint32_t)(sign * (1 << order));

	if (type == QY_MIGRATE_ISOLATE) {
		z->free_isolate += n;
		return;
	}
	z->free += n;
	z->free_cma += type == QY_MIGRATE_CMA ? n : 0;
	z->free_highatomic += type == QY_MIGRATE_HIGHATOMIC ? n : 0;
	z->free_blocks += order >= m->block_order ? n : 0;
}

/* On to a list, off it; the counters follow. */
static void put(struct pm_model *m, struct pm_zone *z, uint32_t pfn, unsigned int order,
		unsigned int type, bool tail)
{
	struct pm_page *p = &m->page[pfn];

	p->state = PM_FREE;
	p->order = (uint8_t)order;
	p->type = (uint8_t)type;
	pm_push(m, &z->list[order][type], pfn, tail);
	count(m, z, order, type, 1);
}

static void pick(struct pm_model *m, struct pm_zone *z, uint32_t pfn)
{
	struct pm_page *p = &m->page[pfn];

	if (p->state == PM_FREE) {
		unlink_page(m, &z->list[p->order][p->type], pfn);
		count(m, z, p->order, p->type, -1);
	}
	p->state = PM_INSIDE;
}

static bool is_free(const struct pm_page *p)
{
	return p->state == PM_FREE || p->state == PM_GUARD;
}

static bool is_free_head(const struct pm_model *m, const struct pm_zone *z, uint32_t pfn,
			 unsigned int order)
{
	return pfn >= z->start && pfn < z->end && is_free(&m->page[pfn]) &&
	       m->page[pfn].order == order && &m->zone[m->page[pfn].zone] == z;
}

static void set_types(struct pm_model *m, uint32_t pfn, unsigned int order, unsigned int type)
{
	for (uint32_t at = pfn; at < pfn + (1u << order); at += 1u << m->block_order)
		m->block_type[at >> m->block_order] = (uint8_t)type;
}

/* ---- giving ---- */

static bool mixes(unsigned int type)
{
	return type <= QY_MIGRATE_RECLAIMABLE;
}

/* A block of one type. Left alone if a larger one is nearly whole. */
static void give_one(struct pm_model *m, struct pm_zone *z, uint32_t pfn, unsigned int order)
{
	unsigned int type = pm_type(m, pfn);
	bool tail;

	for (; order < m->max_order; order++) {
		uint32_t buddy = pfn ^ (1u << order);

		if (!is_free_head(m, z, buddy, order))
			break;
		if (order >= m->block_order && m->page[buddy].type != type) {
			if (!mixes(type) || !mixes(m->page[buddy].type))
				break;
			set_types(m, buddy, order, type);
		}
		pick(m, z, buddy);
		m->page[pfn].state = PM_INSIDE;
		pfn = pfn < buddy ? pfn : buddy;
	}
	tail = order + 1 < m->max_order &&
	       is_free_head(m, z, (pfn & ~(1u << order)) ^ (2u << order), order + 1);
	put(m, z, pfn, order, type, tail);
}

void pm_give(struct pm_model *m, struct pm_zone *z, uint32_t pfn, unsigned int order)
{
	uint32_t end = pfn + (1u << order);

	m->page[pfn].state = PM_INSIDE;
	for (uint32_t at = pfn; at < end && order > m->block_order; at += 1u << m->block_order)
		if (pm_type(m, at) != pm_type(m, pfn))
			order = m->block_order;
	for (; pfn < end; pfn += 1u << order)
		give_one(m, z, pfn, order);
}

/* In the largest aligned blocks, from the left. */
static void give_range(struct pm_model *m, struct pm_zone *z, uint32_t start, uint32_t end)
{
	while (start < end) {
		unsigned int order = start ? (unsigned int)__builtin_ctz(start) : m->max_order;

		order = order < m->max_order ? order : m->max_order;
		while (start + (1u << order) > end)
			order--;
		pm_give(m, z, start, order);
		start += 1u << order;
	}
}

/* ---- taking ---- */

/* The free block at @pfn: its front goes away, the rest stays on its type's lists. */
static uint32_t cut_front(struct pm_model *m, struct pm_zone *z, uint32_t pfn, unsigned int order)
{
	unsigned int high = m->page[pfn].order, type = m->page[pfn].type;

	pick(m, z, pfn);
	while (high-- > order) {
		struct pm_page *half = &m->page[pfn + (1u << high)];

		if (high >= m->guard_order) {
			put(m, z, pfn + (1u << high), high, type, false);
			continue;
		}
		half->state = PM_GUARD;
		half->order = (uint8_t)high;
		half->type = (uint8_t)type;
	}
	return pfn;
}

static uint32_t take_smallest(struct pm_model *m, struct pm_zone *z, unsigned int order,
			      unsigned int type)
{
	for (unsigned int o = order; o <= m->max_order; o++)
		if (z->list[o][type].nr)
			return cut_front(m, z, z->list[o][type].head, order);
	return FZ_NONE;
}

static bool block_in_zone(const struct pm_model *m, const struct pm_zone *z, uint32_t pfn)
{
	uint32_t n = 1u << m->block_order, start = pfn / n * n;

	return start >= z->start && start + n <= z->end;
}

static void boost(struct pm_model *m, struct pm_zone *z)
{
	uint64_t n = UINT64_C(1) << m->block_order, factor = m->marks.boost_factor, most;

	if (factor == QY_NO_RESERVE || n * 4 > z->managed)
		return;
	most = z->mark[QY_WMARK_HIGH] * (factor ? factor : 15000) / 10000;
	if (!most)
		return;
	most = most < n ? n : most > 1u << 30 ? 1u << 30 : most;
	z->boost = (uint32_t)(z->boost + n < most ? z->boost + n : most);
}

/* Free pages of a page block, and those in use that @type would be at home with. */
static uint32_t free_or_alike(const struct pm_model *m, uint32_t start, unsigned int from,
			      unsigned int to)
{
	uint32_t n = 1u << m->block_order, free = 0, movable = 0;

	for (uint32_t at = start; at < start + n;) {
		const struct pm_page *p = &m->page[at];
		uint32_t len = is_free(p) || p->state == PM_USED ? 1u << p->order : 1;

		len = len < start + n - at ? len : start + n - at;
		if (is_free(p))
			free += len;
		if (p->state == PM_USED && (p->flags & PM_F_MOVABLE))
			movable += len;
		at += p->state == PM_USED && (p->flags & PM_F_OWN) ? 1 : len;
	}
	if (to == QY_MIGRATE_MOVABLE)
		return free + movable;
	return from == QY_MIGRATE_MOVABLE ? n - movable : free;
}

static uint32_t steal(struct pm_model *m, struct pm_zone *z, uint32_t pfn, unsigned int order,
		      unsigned int type, bool for_good)
{
	unsigned int high = m->page[pfn].order, from = m->page[pfn].type;
	uint32_t start = pfn >> m->block_order << m->block_order;

	if (high >= m->block_order) {
		pick(m, z, pfn);
		set_types(m, pfn, high, type);
		put(m, z, pfn, high, type, false);
		return cut_front(m, z, pfn, order);
	}
	if (for_good) {
		boost(m, z);
		if (block_in_zone(m, z, pfn) &&
		    free_or_alike(m, start, from, type) >= 1u << m->block_order >> 1) {
			pm_move_block(m, z, start, type);
			return take_smallest(m, z, order, type);
		}
	}
	return cut_front(m, z, pfn, order);
}

static uint32_t take_fallback(struct pm_model *m, struct pm_zone *z, unsigned int order,
			      unsigned int type)
{
	static const uint8_t table[3][2] = {
		{QY_MIGRATE_RECLAIMABLE, QY_MIGRATE_MOVABLE},
		{QY_MIGRATE_RECLAIMABLE, QY_MIGRATE_UNMOVABLE},
		{QY_MIGRATE_UNMOVABLE, QY_MIGRATE_MOVABLE},
	};
	uint32_t found = FZ_NONE;

	/* The largest, unless it may not be stolen: then the smallest. */
	for (unsigned int o = m->max_order + 1; o-- > order;) {
		bool for_good = o >= m->block_order / 2 || type != QY_MIGRATE_MOVABLE;
		const struct pm_list *list = z->list[o];

		for (int i = 1; i >= 0; i--)
			if (list[table[type][i]].nr)
				found = list[table[type][i]].head;
		if (found != FZ_NONE && for_good)
			return steal(m, z, found, order, type, true);
	}
	return found == FZ_NONE ? FZ_NONE : steal(m, z, found, order, type, false);
}

uint32_t pm_take(struct pm_model *m, struct pm_zone *z, unsigned int order, unsigned int type,
		 unsigned int flags)
{
	bool cma = (flags & PM_CMA) && z->free_cma;
	uint32_t pfn = FZ_NONE;

	if (flags & PM_HIGHATOMIC)
		pfn = take_smallest(m, z, order, QY_MIGRATE_HIGHATOMIC);
	if (pfn == FZ_NONE && cma && z->free_cma > z->free / 2)
		pfn = take_smallest(m, z, order, QY_MIGRATE_CMA);
	if (pfn == FZ_NONE)
		pfn = take_smallest(m, z, order, type);
	if (pfn == FZ_NONE && cma)
		pfn = take_smallest(m, z, order, QY_MIGRATE_CMA);
	if (pfn == FZ_NONE && m->grouping)
		pfn = take_fallback(m, z, order, type);
	if (pfn == FZ_NONE && (flags & PM_NON_BLOCK))
		pfn = take_smallest(m, z, order, QY_MIGRATE_HIGHATOMIC);
	if (pfn != FZ_NONE)
		m->page[pfn].order = (uint8_t)order;
	return pfn;
}

uint32_t pm_free_head(const struct pm_model *m, uint32_t pfn)
{
	for (unsigned int order = 0; order <= m->max_order; order++) {
		uint32_t head = pfn >> order << order;

		if (head < m->min_pfn)
			break;
		if (m->page[head].state == PM_FREE)
			return m->page[head].order >= order ? head : FZ_NONE;
	}
	return FZ_NONE;
}

uint32_t pm_cut(struct pm_model *m, struct pm_zone *z, uint32_t pfn, uint32_t end)
{
	uint32_t head = pm_free_head(m, pfn), stop;

	if (head == FZ_NONE)
		return 0;
	stop = head + (1u << m->page[head].order);
	pick(m, z, head);
	give_range(m, z, head, pfn);
	if (end >= stop)
		return stop - pfn;
	give_range(m, z, end, stop);
	return end - pfn;
}

/* ---- page blocks ---- */

bool pm_move_block(struct pm_model *m, struct pm_zone *z, uint32_t pfn, unsigned int type)
{
	uint32_t n = 1u << m->block_order, start = pfn / n * n, head = pm_free_head(m, start);

	if (!block_in_zone(m, z, pfn))
		return false;
	if (head != FZ_NONE && m->page[head].order >= m->block_order) {
		uint32_t end = head + (1u << m->page[head].order);

		pick(m, z, head);
		set_types(m, start, m->block_order, type);
		for (; head < end; head += n)
			pm_give(m, z, head, m->block_order);
		return true;
	}
	set_types(m, start, m->block_order, type);
	for (uint32_t at = start; at < start + n; at++) {
		if (m->page[at].state == PM_GUARD)
			m->page[at].type = (uint8_t)type;
		if (m->page[at].state != PM_FREE)
			continue;
		pick(m, z, at);
		put(m, z, at, m->page[at].order, type, true);
	}
	return true;
}

void pm_reserve_highatomic(struct pm_model *m, struct pm_zone *z, uint32_t pfn)
{
	if (!m->grouping || z->reserved_highatomic > z->managed / 100 || !mixes(pm_type(m, pfn)))
		return;
	if (pm_move_block(m, z, pfn, QY_MIGRATE_HIGHATOMIC))
		z->reserved_highatomic += 1u << m->block_order;
}

bool pm_unreserve_highatomic(struct pm_model *m, struct pm_zone *z, unsigned int type)
{
	for (unsigned int o = 0; o <= m->max_order && z->reserved_highatomic; o++) {
		if (!z->list[o][QY_MIGRATE_HIGHATOMIC].nr)
			continue;
		z->reserved_highatomic -= 1u << m->block_order;
		return pm_move_block(m, z, z->list[o][QY_MIGRATE_HIGHATOMIC].head, type);
	}
	return false;
}

/* ---- B10 ---- */

static bool one_type(const struct pm_model *m, uint32_t pfn, unsigned int order)
{
	for (uint32_t at = pfn; at < pfn + (1u << order); at += 1u << m->block_order)
		if (pm_type(m, at) != pm_type(m, pfn) &&
		    (!mixes(pm_type(m, at)) || !mixes(pm_type(m, pfn))))
			return false;
	return true;
}

bool pm_is_greedy(const struct pm_model *m, const struct pm_zone *z, uint32_t *pfn)
{
	uint32_t at = z->start;

	while (at < z->end) {
		unsigned int order = at ? (unsigned int)__builtin_ctz(at) : m->max_order;
		uint32_t end = at;

		if (!is_free(&m->page[at])) {
			at++;
			continue;
		}
		while (end < z->end && is_free(&m->page[end]))
			end += 1u << m->page[end].order;
		order = order < m->max_order ? order : m->max_order;
		while (at + (1u << order) > end ||
		       (order > m->block_order && !one_type(m, at, order)))
			order--;
		if (m->page[at].order != order) {
			*pfn = at;
			return false;
		}
		at += 1u << order;
	}
	return true;
}
