/* SPDX-License-Identifier: MIT */
/*
 * pcp_rig.h - a page floor with page lists per CPU whose zone NORMAL has a few pages, as a state
 * that can be read, and built anew.
 *
 * A state is all that the library goes by: free lists in their order, CPUs' lists in theirs, what
 * is allocated. Reading it looks at every link, counter and descriptor on the way (B1-B5, B7, B10,
 * P1, P4). The instance and its books have zone DMA, all of it taken.
 */
#ifndef TESTS_MODEL_PCP_RIG_H
#define TESTS_MODEL_PCP_RIG_H

#include "page/pcp.h"
#include "page/rmqueue.h"
#include "rig.h"
#include "tiling.h"

#define MAX_ORDER 3
#define MOST_CPUS 2
#define ORDERS 2 /* of requests */

struct sequence {
	uint8_t nr, at[8];
};

struct state {
	struct sequence free[MAX_ORDER + 1];	    /* from the head of the list */
	struct sequence list[MOST_CPUS][ORDERS];    /* newest first */
	uint8_t single, pair;			    /* heads of allocated blocks */
	uint8_t factor[MOST_CPUS], last[MOST_CPUS]; /* free_factor, next_list */
	uint8_t disabled;
};

struct shape {
	unsigned int pages, cpus, batch, high;
};

static struct shape shape;

static struct qy__zone *normal;

static struct {
	struct qy_page page[8];
	struct qy__zone zone;
	struct qy__pcp pcp[MOST_CPUS];
	size_t in_use;
} saved;

/* ---- sequences ---- */

static inline uint32_t pages_in(const struct sequence *s, unsigned int order)
{
	uint32_t pages = 0;

	for (unsigned int i = 0; i < s->nr; i++)
		pages |= block_bits(s->at[i], order);
	return pages;
}

static inline uint32_t pages_free(const struct state *s)
{
	uint32_t pages = 0;

	for (unsigned int k = 0; k <= MAX_ORDER; k++)
		pages |= pages_in(&s->free[k], k);
	return pages;
}

static inline uint32_t pages_on_lists(const struct state *s, unsigned int cpu)
{
	return pages_in(&s->list[cpu][0], 0) | pages_in(&s->list[cpu][1], 1);
}

static inline uint32_t pages_on_all(const struct state *s)
{
	uint32_t pages = 0;

	for (unsigned int cpu = 0; cpu < shape.cpus; cpu++)
		pages |= pages_on_lists(s, cpu);
	return pages;
}

static inline unsigned int pages_used(const struct state *s)
{
	return count_bits(s->single) + 2 * count_bits(s->pair);
}

/* ---- a state, out ---- */

/* The next page of a list: in the zone, marked as it should be and met for the first time. */
static inline bool read_page(struct sequence *to, uint32_t *met, uint32_t pfn,
			     enum qy__page_type type, unsigned int order)
{
	unsigned int bit = pfn - RIG_LEAD;
	const struct qy_page *page;

	if (bit >= shape.pages || bit & ((1u << order) - 1) || *met & block_bits(bit, order))
		return wrong("P1, B4: a list of order %u leads to page %d", order, (int)bit);
	page = page_at(bit);
	if (page->type != type || page->order != order || page->flags || page->alloc.refcount ||
	    page->migratetype)
		return wrong("P4, B1: page %u: type %u order %u flags %02x, %u references", bit,
			     page->type, page->order, page->flags, page->alloc.refcount);
	for (unsigned int i = 1; i < 1u << order; i++)
		if (page[i].type != QY__PAGE_INSIDE || page[i].flags)
			return wrong("B2: page %u in the block at %u: type %u", bit + i, bit,
				     page[i].type);
	*met |= block_bits(bit, order);
	to->at[to->nr++] = (uint8_t)bit;
	return true;
}

static inline bool read_free(struct state *s, unsigned int order, uint32_t *met)
{
	const struct qy__free_area *area = &normal->area[order];
	uint32_t pfn = area->head[0], prev = QY__PFN_NONE;

	for (; pfn != QY__PFN_NONE; prev = pfn, pfn = qy__pfn_page(rig.mm, pfn)->next) {
		if (!read_page(&s->free[order], met, pfn, QY__PAGE_BUDDY, order))
			return false;
		if (qy__pfn_page(rig.mm, pfn)->prev != prev)
			return wrong("B4: order %u: page %u has another prev", order,
				     pfn - RIG_LEAD);
	}
	if (area->tail[0] != prev || area->nr_free != s->free[order].nr)
		return wrong("B4: order %u: tail %d, nr_free %u", order,
			     (int)(area->tail[0] - RIG_LEAD), area->nr_free);
	return true;
}

static inline bool read_list(struct sequence *to, const struct qy__page_stack *list,
			     unsigned int order, uint32_t *met)
{
	uint32_t pfn = list->head, prev = 0;

	for (uint32_t n = 0; n < list->nr; n++) {
		if (!read_page(to, met, pfn, QY__PAGE_PCP, order))
			return false;
		if (n && page_at(pfn - RIG_LEAD)->prev != prev)
			return wrong("P1: page %u has another prev", pfn - RIG_LEAD);
		prev = pfn;
		pfn = qy__pfn_page(rig.mm, pfn)->next;
	}
	return !list->nr || list->tail == prev || wrong("P1: order %u: wrong tail", order);
}

static inline bool read_cpu(struct state *s, unsigned int cpu, uint32_t *met)
{
	const struct qy__pcp *pcp = &normal->pcp[cpu];

	for (unsigned int i = 0; i < QY__PCP_LISTS; i++) {
		unsigned int order = i / QY_MIGRATE_PCPTYPES;

		if (i % QY_MIGRATE_PCPTYPES || order >= ORDERS) {
			if (pcp->list[i].nr)
				return wrong("P1: CPU %u: list %u has blocks", cpu, i);
		} else if (!read_list(&s->list[cpu][order], &pcp->list[i], order, met)) {
			return false;
		}
	}
	if (pcp->count != count_bits(pages_on_lists(s, cpu)) || pcp->busy)
		return wrong("P1: CPU %u: count is %u, %u pages are on its lists", cpu, pcp->count,
			     count_bits(pages_on_lists(s, cpu)));
	s->factor[cpu] = pcp->free_factor;
	s->last[cpu] = pcp->next_list;
	return true;
}

/* What no list has is allocated. */
static inline bool read_used(struct state *s, uint32_t met)
{
	for (unsigned int bit = 0; bit < shape.pages; bit++) {
		const struct qy_page *page = page_at(bit);

		if (met >> bit & 1)
			continue;
		if (page->type != QY__PAGE_ALLOC || page->order >= ORDERS ||
		    bit & ((1u << page->order) - 1) || page->alloc.refcount != 1)
			return wrong("B7: page %u is nowhere: type %u order %u", bit, page->type,
				     page->order);
		if (!page->order) {
			s->single |= (uint8_t)(1u << bit);
			continue;
		}
		if (met >> (bit + 1) & 1 || page[1].type != QY__PAGE_INSIDE)
			return wrong("B2: page %u in the block at %u: type %u", bit + 1, bit,
				     page[1].type);
		s->pair |= (uint8_t)(1u << bit++);
	}
	return true;
}

static inline bool read_books(struct state *s)
{
	const struct qy__zone *zone = normal;
	uint32_t free = pages_free(s), heads[TILING_ORDERS];

	maximal_blocks(free, MAX_ORDER, heads);
	for (unsigned int k = 0; k <= MAX_ORDER; k++)
		if (count_bits(heads[k]) != s->free[k].nr)
			return wrong("B10: %u blocks of order %u, not %u", s->free[k].nr, k,
				     count_bits(heads[k]));
	if (zone->nr_free_pages != count_bits(free))
		return wrong("B5: nr_free_pages is %u, not %u", zone->nr_free_pages,
			     count_bits(free));
	if (rig.mm->usage.pages != rig.taken + shape.pages - count_bits(free))
		return wrong("B7: %zu pages are in use, not %zu", rig.mm->usage.pages - rig.taken,
			     (size_t)shape.pages - count_bits(free));
	if (zone->pcp_disabled > 1 || zone->pcp_batch != shape.batch ||
	    zone->pcp_high != shape.high ||
	    zone->pcp_limit != (zone->pcp_disabled ? 0 : shape.high))
		return wrong("P2: limit %u, disabled %u", zone->pcp_limit, zone->pcp_disabled);
	s->disabled = (uint8_t)zone->pcp_disabled;
	return true;
}

/* The state that the library is in; false: in none. */
static inline bool read_state(struct state *s)
{
	uint32_t met = 0;

	memset(s, 0, sizeof(*s));
	for (unsigned int k = 0; k <= MAX_ORDER; k++)
		if (!read_free(s, k, &met))
			return false;
	for (unsigned int cpu = 0; cpu < shape.cpus; cpu++)
		if (!read_cpu(s, cpu, &met))
			return false;
	return read_used(s, met) && read_books(s);
}

static inline bool check_holds(void)
{
	return is_sound(QY_CHECK_BUDDY);
}

/* ---- … and in ---- */

static inline void save(void)
{
	memcpy(saved.page, page_at(0), shape.pages * sizeof(struct qy_page));
	memcpy(saved.pcp, normal->pcp, shape.cpus * sizeof(struct qy__pcp));
	saved.zone = *normal;
	saved.in_use = rig.mm->usage.pages;
}

static inline void restore(void)
{
	memcpy(page_at(0), saved.page, shape.pages * sizeof(struct qy_page));
	memcpy(normal->pcp, saved.pcp, shape.cpus * sizeof(struct qy__pcp));
	*normal = saved.zone;
	rig.mm->usage.pages = saved.in_use;
}

/* Links and all that an owner may write into mislead, unless they mean something. */
static inline void build_block(unsigned int at, unsigned int order, enum qy__page_type type,
			       uint64_t salt)
{
	for (unsigned int i = 0; i < 1u << order; i++) {
		uint64_t x = (salt * 8 + at + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
		struct qy_page *page = page_at(at + i);

		page->type = (uint8_t)(i ? QY__PAGE_INSIDE : type);
		page->order = (uint8_t)(i ? x % (MAX_ORDER + 2) : order);
		page->flags = 0;
		page->migratetype = 0;
		page->next = RIG_LEAD + (uint32_t)(x >> 40) % shape.pages;
		page->prev = RIG_LEAD + (uint32_t)(x >> 50) % shape.pages;
		page->track.when = x;
		page->alloc.refcount = type == QY__PAGE_ALLOC && !i;
		page->alloc.frag = 0;
	}
}

static inline void build_sequence(const struct sequence *s, unsigned int order,
				  enum qy__page_type type, uint64_t salt)
{
	for (unsigned int i = 0; i < s->nr; i++)
		build_block(s->at[i], order, type, salt);
	for (unsigned int i = 0; i + 1 < s->nr; i++) {
		page_at(s->at[i])->next = RIG_LEAD + s->at[i + 1];
		page_at(s->at[i + 1])->prev = RIG_LEAD + s->at[i];
	}
}

static inline void build_free(const struct sequence *s, unsigned int order, uint64_t salt)
{
	struct qy__free_area *area = &normal->area[order];

	build_sequence(s, order, QY__PAGE_BUDDY, salt);
	area->nr_free = s->nr;
	area->head[0] = s->nr ? RIG_LEAD + s->at[0] : QY__PFN_NONE;
	area->tail[0] = s->nr ? RIG_LEAD + s->at[s->nr - 1] : QY__PFN_NONE;
	if (!s->nr)
		return;
	page_at(s->at[0])->prev = QY__PFN_NONE;
	page_at(s->at[s->nr - 1])->next = QY__PFN_NONE;
}

static inline void build_cpu(const struct state *s, unsigned int cpu, uint64_t salt)
{
	struct qy__pcp *pcp = &normal->pcp[cpu];

	for (unsigned int order = 0; order < ORDERS; order++) {
		struct qy__page_stack *list = &pcp->list[qy__pcp_index(order, 0)];
		const struct sequence *from = &s->list[cpu][order];

		build_sequence(from, order, QY__PAGE_PCP, salt);
		list->nr = from->nr;
		list->head = RIG_LEAD + (from->nr ? from->at[0] : salt % shape.pages);
		list->tail = RIG_LEAD + (from->nr ? from->at[from->nr - 1] : salt % shape.pages);
	}
	pcp->count = count_bits(pages_on_lists(s, cpu));
	pcp->free_factor = s->factor[cpu];
	pcp->next_list = s->last[cpu];
}

/* The library in the state @s. Saved, too. */
static inline void build(const struct state *s, uint64_t salt)
{
	struct qy__zone *zone = normal;
	uint32_t single = s->single, pair = s->pair;
	unsigned int at;

	for (unsigned int k = 0; k <= MAX_ORDER; k++)
		build_free(&s->free[k], k, salt);
	for (unsigned int cpu = 0; cpu < shape.cpus; cpu++)
		build_cpu(s, cpu, salt);
	while (next_bit(&single, &at))
		build_block(at, 0, QY__PAGE_ALLOC, salt);
	while (next_bit(&pair, &at))
		build_block(at, 1, QY__PAGE_ALLOC, salt);
	zone->nr_free_pages = count_bits(pages_free(s));
	zone->nr_free_blocks = zone->unreported = (uint32_t)s->free[MAX_ORDER].nr << MAX_ORDER;
	zone->pcp_disabled = s->disabled;
	zone->pcp_limit = s->disabled ? 0 : shape.high;
	rig.mm->usage.pages = rig.taken + shape.pages - zone->nr_free_pages;
	save();
}

/* ---- the instance ---- */

static void ignore_report(const struct qy_report *r, void *ctx)
{
	(void)ctx;
	wrong("reported: %s", qy_report_kind_name(r->kind));
}

static inline void make_rig(void)
{
	struct qy_mm_config cfg;

	rig_begin(8);
	cfg = rig_config(0, shape.pages, MAX_ORDER);
	cfg.nr_cpus = shape.cpus;
	cfg.pcp = QY_ON;
	cfg.pcp_batch = shape.batch;
	cfg.pcp_high = shape.high;
	cfg.sink.fn = ignore_report;
	rig_place(&cfg);
	rig_take_lead();
	normal = &rig.mm->zone[QY_ZONE_NORMAL];
	save();
}

static inline void drop_rig(void)
{
	rig_end();
}

#endif
