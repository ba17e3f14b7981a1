/* SPDX-License-Identifier: MIT */
/*
 * check_buddy.c - zones and free blocks: Z1 Z4 Z8, B1-B8 B10 B12 B14.
 *
 * Two views of a zone are compared. The descriptors, read in one pass from block to block, say
 * which pages are free and how they should be grouped; the free lists say what the allocator would
 * hand out:
 *
 *   descriptors   [ used ][ free 2 ][ free 2 ][ used ][ f0 ]   B3: two buddies, not merged
 *   lists         order 2: two heads, order 0: one             B4: as many, linked both ways
 *
 * The free pages of a zone have one right grouping, whatever their lists: B10 is that, computed
 * anew from the runs of free pages (and so B9: what is all free looks as it did at the start). Page
 * blocks of types that must not mix part a run; guard blocks merge as if they were free.
 *
 * Locks: mm->grow_lock is held by the caller; one zone->lock at a time. A block in the hands of a
 * thread that is just taking it or giving it back belongs to nobody's lock: for a verdict on the
 * used blocks the instance must be quiescent.
 */
#include "check/check.h"

#include "util/bitops.h"
#include "util/fmt.h"

static const char *const zone_name[QY_NR_ZONES] = {"DMA", "DMA32", "Normal", "HighMem"};
static const char *const type_name[QY__NR_PAGE_TYPES] = {
	"offline", "reserved", "inside", "buddy", "alloc", "slab",
	"large",   "tail",     "pcp",	 "guard", "hole",
};

/* One zone, and what the pass over its descriptors found; all figures in pages but heads. */
struct census {
	unsigned int z;
	char name[24]; /* of the zone, with its node */
	struct qy__zone *zone;
	uint32_t start, end;
	uint32_t free, used, reserved, pcp, guard, holes;
	uint32_t isolated, cma, highatomic, blocks; /* free: not counted in, and parts of, free */
	uint32_t unreported; /* of blocks */
	uint32_t heads[QY__NR_ORDERS][QY_NR_MIGRATETYPES]; /* free blocks */
	uint32_t run;		       /* where the run of free blocks began that ends here */
};

static const char *page_type(const struct qy_page *page)
{
	return page->type < QY__NR_PAGE_TYPES ? type_name[page->type] : "unknown";
}

static bool is_head(const struct qy_page *page)
{
	return page->type == QY__PAGE_BUDDY || page->type == QY__PAGE_ALLOC ||
	       page->type == QY__PAGE_SLAB || page->type == QY__PAGE_LARGE ||
	       page->type == QY__PAGE_RESERVED || page->type == QY__PAGE_PCP ||
	       page->type == QY__PAGE_GUARD || page->type == QY__PAGE_HOLE;
}

/* Is the block of @order at @pfn aligned and inside its zone? If not, it cannot be walked. */
static bool check_extent(struct qy__check *ck, const struct census *c, uint32_t pfn, const char *id)
{
	const struct qy_page *page = qy__check_page(ck, pfn);

	return qy__holds(ck,
			 page->order <= ck->mm->max_order && !(pfn & ((1u << page->order) - 1)) &&
				 1u << page->order <= c->end - pfn,
			 id, "%s: %s block at %u cannot have order %u", c->name,
			 page_type(page), pfn, page->order);
}

static void check_zone_id(struct qy__check *ck, const struct census *c, uint32_t pfn)
{
	const struct qy_page *page = qy__check_page(ck, pfn);

	qy__holds(ck, page->zone == c->z, "Z4", "page %u lies in zone %s and says zone %u", pfn,
		  c->name, page->zone);
}

static unsigned int block_type(const struct qy__check *ck, uint32_t pfn)
{
	return qy__pageblock_type(ck->mm, pfn);
}

/* May pages of these two page blocks be in one free block? */
static bool may_be_one(unsigned int a, unsigned int b)
{
	return a == b || (a < QY_MIGRATE_PCPTYPES && b < QY_MIGRATE_PCPTYPES);
}

/* A free block is on the list of its page block's type; of all of them if it covers several. */
static void check_block_type(struct qy__check *ck, struct census *c, uint32_t pfn)
{
	const struct qy_page *page = qy__check_page(ck, pfn);
	uint32_t step = 1u << ck->mm->pageblock_order;

	if (!qy__holds(ck, page->migratetype < QY_NR_MIGRATETYPES, "B6",
		       "%s: free block at %u is of type %u", c->name, pfn, page->migratetype))
		return;
	if (page->type == QY__PAGE_BUDDY)
		c->heads[page->order][page->migratetype]++;
	for (uint32_t at = pfn; at < pfn + (1u << page->order); at += step)
		qy__holds(ck, page->migratetype == block_type(ck, at), "B6",
			  "%s: free block at %u is on the list of type %u, page block of %u has %u",
			  c->name, pfn, page->migratetype, at, block_type(ck, at));
}

static bool is_free(const struct qy_page *page)
{
	return page->type == QY__PAGE_BUDDY || page->type == QY__PAGE_GUARD;
}

/* Two free buddies of one order should be one block. */
static void check_merged(struct qy__check *ck, const struct census *c, uint32_t pfn,
			 unsigned int order)
{
	uint32_t buddy = pfn ^ (1u << order);
	const struct qy_page *page;

	/* Each pair is looked at once, from its upper half. */
	if (order >= ck->mm->max_order || buddy > pfn || buddy < c->start)
		return;
	if (order >= ck->mm->pageblock_order &&
	    !may_be_one(block_type(ck, buddy), block_type(ck, pfn)))
		return;
	page = qy__check_page(ck, buddy);
	qy__holds(ck, !is_free(page) || page->order != order, "B3",
		  "%s: free blocks %u and %u of order %u are not merged", c->name, buddy, pfn,
		  order);
}

/* Returns the pages to step over: up to the first one that is marked as another block's head. */
static uint32_t check_free_block(struct qy__check *ck, struct census *c, uint32_t pfn)
{
	const struct qy_page *head = qy__check_page(ck, pfn);
	uint32_t n, i;

	qy__holds(ck, !(head->flags & ~QY__PAGE_F_REPORTED), "B1",
		  "free block at %u has flags %02x", pfn, head->flags);
	if (!check_extent(ck, c, pfn, "B1"))
		return 1;
	n = 1u << head->order;
	check_block_type(ck, c, pfn);
	check_merged(ck, c, pfn, head->order);
	for (i = 1; i < n; i++) {
		const struct qy_page *page = head + i;

		if (likely(page->type == QY__PAGE_INSIDE && page->zone == c->z && !page->flags))
			continue;
		if (is_head(page)) {
			qy__violation(
				ck, "B2",
				"free block at %u of order %u reaches over the %s block at %u", pfn,
				head->order, page_type(page), pfn + i);
			break;
		}
		qy__holds(ck, page->type == QY__PAGE_INSIDE && !page->flags, "B1",
			  "page %u in the free block at %u is marked: %s, flags %02x", pfn + i, pfn,
			  page_type(page), page->flags);
		check_zone_id(ck, c, pfn + i);
	}
	ck->tests += i - 1;
	if (head->type == QY__PAGE_GUARD)
		c->guard += i;
	else if (head->migratetype == QY_MIGRATE_ISOLATE)
		c->isolated += i;
	else
		c->free += i;
	if (head->migratetype == QY_MIGRATE_CMA)
		c->cma += head->type == QY__PAGE_BUDDY ? i : 0;
	if (head->migratetype == QY_MIGRATE_HIGHATOMIC)
		c->highatomic += head->type == QY__PAGE_BUDDY ? i : 0;
	if (head->type == QY__PAGE_BUDDY && head->order >= ck->mm->pageblock_order &&
	    head->migratetype != QY_MIGRATE_ISOLATE) {
		c->blocks += i;
		c->unreported += head->flags & QY__PAGE_F_REPORTED ? 0 : i;
	} else {
		qy__holds(ck, !(head->flags & QY__PAGE_F_REPORTED), "B1",
			  "small block at %u says that the system has its memory", pfn);
	}
	return i;
}

/* The pages behind the head of an allocated block: all point at it, or (not compound) none does. */
static bool check_tail(struct qy__check *ck, const struct census *c, uint32_t pfn, uint32_t i,
		       bool compound)
{
	const struct qy_page *head = qy__check_page(ck, pfn), *page = head + i;

	if (likely(page->zone == c->z)) {
		if (compound && page->type == QY__PAGE_TAIL && page->head == pfn)
			return true;
		if (!compound && page->type == QY__PAGE_INSIDE && !page->flags)
			return true;
	}
	check_zone_id(ck, c, pfn + i);
	if (is_head(page)) {
		qy__violation(ck, "B2",
			      "%s block at %u of order %u reaches over the %s block at %u",
			      page_type(head), pfn, head->order, page_type(page), pfn + i);
		return false;
	}
	if (compound)
		qy__holds(ck, page->type == QY__PAGE_TAIL && page->head == pfn, "B8",
			  "page %u in the %s block at %u: %s with head %u", pfn + i,
			  page_type(head), pfn, page_type(page), page->head);
	else
		qy__holds(ck, page->type == QY__PAGE_INSIDE && !page->flags, "B8",
			  "page %u in the %s block at %u: %s, flags %02x", pfn + i, page_type(head),
			  pfn, page_type(page), page->flags);
	return true;
}

static uint32_t check_used_block(struct qy__check *ck, struct census *c, uint32_t pfn)
{
	const struct qy_page *head = qy__check_page(ck, pfn);
	bool compound = head->type != QY__PAGE_ALLOC && head->type != QY__PAGE_PCP;
	uint32_t n, i;

	if (!check_extent(ck, c, pfn, "B8"))
		return 1;
	n = 1u << head->order;
	if (head->type == QY__PAGE_ALLOC)
		qy__holds(ck, !(head->flags & ~(QY__PAGE_F_RETIRED | QY__PAGE_F_MOVABLE)), "B8",
			  "alloc block at %u has flags %02x", pfn, head->flags);
	if (head->type == QY__PAGE_PCP)
		qy__holds(ck, !head->flags && head->migratetype < QY_MIGRATE_ISOLATE, "P4",
			  "block at %u on a CPU's list: flags %02x, type %u", pfn, head->flags,
			  head->migratetype);
	if (!compound && n > 1 && head->type == QY__PAGE_ALLOC)
		compound = head[1].type == QY__PAGE_TAIL;
	for (i = 1; i < n; i++)
		if (!check_tail(ck, c, pfn, i, compound))
			break;
	ck->tests += i - 1;
	if (head->type == QY__PAGE_PCP)
		c->pcp += i;
	else
		c->used += i;
	return i;
}

/* May [pfn, pfn + 2^order) be one free block, by the types of its page blocks? */
static bool types_agree(const struct qy__check *ck, uint32_t pfn, unsigned int order)
{
	uint32_t step = 1u << ck->mm->pageblock_order;

	for (uint32_t at = pfn + step; at < pfn + (1u << order); at += step) {
		if (!may_be_one(block_type(ck, pfn), block_type(ck, at)))
			return false;
	}
	return true;
}

/*
 * A run of free pages ended before @pfn: take from its start the largest aligned block that fits,
 * again and again. The allocator must have just those.
 */
static void check_run(struct qy__check *ck, struct census *c, uint32_t pfn)
{
	uint32_t at = c->run;

	c->run = QY__PFN_NONE;
	while (at < pfn) {
		const struct qy_page *page = qy__check_page(ck, at);
		unsigned int order = at ? qy__ctz(at) : ck->mm->max_order;

		order = min(order, ck->mm->max_order);
		order = min(order, qy__ilog2(pfn - at));
		while (order > ck->mm->pageblock_order && !types_agree(ck, at, order))
			order--;
		if (!qy__holds(ck, is_free(page) && page->order == order, "B10",
			       "%s: free pages %u-%u should begin with a block of order %u",
			       c->name, at, pfn - 1, order))
			return; /* the rest would only repeat it */
		at += 1u << order;
	}
}

/* The descriptors of a zone, from block to block. */
static void check_descriptors(struct qy__check *ck, struct census *c)
{
	bool orphan = false;
	uint32_t pfn = c->start;

	while (pfn < c->end) {
		const struct qy_page *page = qy__check_page(ck, pfn);
		bool was_orphan = orphan;

		check_zone_id(ck, c, pfn);
		orphan = false;
		if (is_free(page)) {
			c->run = min(c->run, pfn);
			pfn += check_free_block(ck, c, pfn);
			continue;
		}
		if (c->run != QY__PFN_NONE)
			check_run(ck, c, pfn);
		if (page->type == QY__PAGE_ALLOC || page->type == QY__PAGE_SLAB ||
		    page->type == QY__PAGE_LARGE || page->type == QY__PAGE_PCP) {
			pfn += check_used_block(ck, c, pfn);
			continue;
		}
		if (page->type == QY__PAGE_RESERVED) {
			c->reserved++;
		} else if (page->type == QY__PAGE_HOLE) {
			c->holes++;
		} else { /* one violation for a run of them */
			orphan = true;
			qy__holds(ck, was_orphan, page->type < QY__NR_PAGE_TYPES ? "B2" : "B1",
				  "%s: page %u (%s, type %u) belongs to no block",
				  c->name, pfn, page_type(page), page->type);
		}
		pfn++;
	}
	if (c->run != QY__PFN_NONE)
		check_run(ck, c, c->end);
}

/*
 * A free list. Links that agree in both directions, no more steps than there are heads, and as many
 * steps as there are: then it holds each of them once.
 */
static void check_list(struct qy__check *ck, const struct census *c, unsigned int order,
		       unsigned int type)
{
	const struct qy__free_area *area = &c->zone->area[order];
	uint32_t prev = QY__PFN_NONE, n = 0, heads = c->heads[order][type];

	for (uint32_t pfn = area->head[type]; pfn != QY__PFN_NONE && n <= heads; n++) {
		const struct qy_page *page;

		if (!qy__holds(ck, pfn >= c->start && pfn < c->end, "B4",
			       "%s order %u: link to page %u, not in the zone", c->name, order, pfn))
			return;
		page = qy__check_page(ck, pfn);
		if (!qy__holds(ck, page->type == QY__PAGE_BUDDY && page->order == order, "B1",
			       "%s order %u: page %u on the list is %s of order %u", c->name, order,
			       pfn, page_type(page), page->order))
			return;
		if (!qy__holds(ck, page->migratetype == type, "B6",
			       "%s order %u: page %u of type %u is on the list of type %u", c->name,
			       order, pfn, page->migratetype, type))
			return;
		if (!qy__holds(ck, page->prev == prev, "B4",
			       "%s order %u: page %u has prev %d, not %d", c->name, order, pfn,
			       (int)page->prev, (int)prev))
			return;
		prev = pfn;
		pfn = page->next;
	}
	qy__holds(ck, n == heads, "B4", "%s order %u type %u: %u blocks, %s%u on the list", c->name,
		  order, type, heads, n > heads ? "at least " : "", n);
	qy__holds(ck, n != heads || area->tail[type] == prev, "B4",
		  "%s order %u type %u: tail is %d, last is %d", c->name, order, type,
		  (int)area->tail[type], (int)prev);
}

static void check_lists(struct qy__check *ck, const struct census *c)
{
	for (unsigned int order = 0; order < QY__NR_ORDERS; order++) {
		uint32_t blocks = 0;

		for (unsigned int type = 0; type < QY_NR_MIGRATETYPES; type++) {
			check_list(ck, c, order, type);
			blocks += c->heads[order][type];
		}
		qy__holds(ck, c->zone->area[order].nr_free == blocks, "B4",
			  "%s order %u: %u blocks, nr_free says %u", c->name, order, blocks,
			  c->zone->area[order].nr_free);
	}
}

static void check_counter(struct qy__check *ck, const struct census *c, const char *id,
			  const char *what, uint32_t counter, uint32_t found)
{
	qy__holds(ck, counter == found, id, "%s: %s says %u, counted %u", c->name, what, counter,
		  found);
}

static void check_counters(struct qy__check *ck, const struct census *c)
{
	const struct qy__zone *zone = c->zone;
	uint32_t accounted = c->free + c->isolated + c->guard + c->pcp + c->used;

	check_counter(ck, c, "B5", "nr_free_pages", zone->nr_free_pages, c->free);
	check_counter(ck, c, "B5", "nr_free_cma", zone->nr_free_cma, c->cma);
	check_counter(ck, c, "B5", "nr_free_highatomic", zone->nr_free_highatomic, c->highatomic);
	check_counter(ck, c, "B5", "nr_free_blocks", zone->nr_free_blocks, c->blocks);
	check_counter(ck, c, "B5", "unreported", zone->unreported, c->unreported);
	check_counter(ck, c, "B14", "nr_free_isolate", zone->nr_free_isolate, c->isolated);
	check_counter(ck, c, "B12", "nr_guard", zone->nr_guard, c->guard);
	check_counter(ck, c, "B7", "managed", zone->managed, accounted);
	check_counter(ck, c, "B7", "present", zone->present, accounted + c->reserved);
}

static void check_zone_locked(struct qy__check *ck, struct census *c)
{
	const struct qy__zone *zone = c->zone;

	c->start = zone->start_pfn;
	c->end = zone->end_pfn;
	if (!qy__holds(ck,
		       c->start == c->end ? !zone->present
					  : c->start < c->end && c->start >= ck->min_pfn &&
						    c->end <= ck->end_pfn,
		       "Z1", "%s: pages %u-%u of %u-%u", c->name, c->start, c->end, ck->min_pfn,
		       ck->end_pfn))
		return;
	qy__holds(ck, zone->present <= c->end - c->start && zone->managed <= zone->present, "Z1",
		  "%s: spans %u pages, present %u, managed %u", c->name, c->end - c->start,
		  zone->present, zone->managed);
	check_descriptors(ck, c);
	check_lists(ck, c);
	check_counters(ck, c);
}

/* Zones follow each other and do not overlap; together they have every page. */
static void check_span(struct qy__check *ck, const struct census *c, uint32_t *last,
		       uint64_t *pages)
{
	if (c->start == c->end)
		return;
	qy__holds(ck, c->start >= *last, "Z1", "%s begins at %u, before %u", c->name, c->start,
		  *last);
	*last = c->end;
	*pages += c->end - c->start;
}

void qy__check_buddy_locked(struct qy__check *ck)
{
	struct qy_mm *mm = ck->mm;
	uint32_t last = ck->min_pfn;
	uint64_t used = 0, pages = 0;

	for (unsigned int z = 0; z < mm->nr_zones; z++) {
		struct census c = {.z = z, .run = QY__PFN_NONE};

		qy__snprintf(c.name, sizeof(c.name), "node %u zone %s", z / QY_NR_ZONES,
			     zone_name[z % QY_NR_ZONES]);
		if (!qy__check_lock(ck, &mm->zone[z].lock, c.name))
			continue;
		c.zone = &mm->zone[z];
		check_zone_locked(ck, &c);
		qy__unlock(&mm->zone[z].lock);
		used += c.used + c.pcp;
		check_span(ck, &c, &last, &pages);
	}
	qy__holds(ck, pages >= ck->end_pfn - ck->min_pfn, "Z8", "the zones span %llu of %u pages",
		  (unsigned long long)pages, ck->end_pfn - ck->min_pfn);
	/*
	 * With a CPU set by hand there is one caller, and so nobody between the zone and this
	 * counter.
	 */
	if (mm->cpu_provider == QY_CPU_MANUAL)
		qy__holds(ck, mm->pages_in_use == used && mm->pages_in_use <= mm->pages_high_water,
			  "B7",
			  "%llu pages are allocated, the counter says %zu, the high-water mark %zu",
			  (unsigned long long)used, mm->pages_in_use, mm->pages_high_water);
}
