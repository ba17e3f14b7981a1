/* SPDX-License-Identifier: MIT */
/*
 * check_buddy.c - zones and free blocks: Z1 Z4 Z8, B1-B5 B7 B8 B10.
 *
 * Two views of a zone are compared. The descriptors, read in one pass from block to block, say
 * which pages are free and how they should be grouped; the free lists say what the allocator would
 * hand out:
 *
 *   descriptors   [ used ][ free 2 ][ free 2 ][ used ][ f0 ]   B3: two buddies, not merged
 *   lists         order 2: two heads, order 0: one             B4: as many, linked both ways
 *
 * With one migratetype the free pages of a zone have one right grouping: B10 is that, computed anew
 * from the runs of free pages (and so B9: what is all free looks as it did at the start). B6 has
 * nothing to say with one type.
 *
 * Locks: mm->grow_lock is held by the caller; one zone->lock at a time. A block in the hands of a
 * thread that is just taking it or giving it back belongs to nobody's lock: for a verdict on the
 * used blocks the instance must be quiescent.
 */
#include "check/check.h"

#include "util/bitops.h"

static const char *const zone_name[QY_NR_ZONES] = {"DMA", "DMA32", "Normal", "HighMem"};
static const char *const type_name[QY__NR_PAGE_TYPES] = {"offline", "reserved", "inside", "buddy",
							 "alloc",   "slab",	"large",  "tail"};

/* One zone, and what the pass over its descriptors found; all figures in pages but heads. */
struct census {
	int z;
	struct qy__zone *zone;
	uint32_t start, end;
	uint32_t free, used, reserved;
	uint32_t heads[QY__NR_ORDERS]; /* free blocks by order */
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
	       page->type == QY__PAGE_RESERVED;
}

/* Is the block of @order at @pfn aligned and inside its zone? If not, it cannot be walked. */
static bool check_extent(struct qy__check *ck, const struct census *c, uint32_t pfn, const char *id)
{
	const struct qy_page *page = qy__check_page(ck, pfn);

	return qy__holds(ck,
			 page->order <= ck->mm->max_order && !(pfn & ((1u << page->order) - 1)) &&
				 1u << page->order <= c->end - pfn,
			 id, "zone %s: %s block at %u cannot have order %u", zone_name[c->z],
			 page_type(page), pfn, page->order);
}

static void check_zone_id(struct qy__check *ck, const struct census *c, uint32_t pfn)
{
	const struct qy_page *page = qy__check_page(ck, pfn);

	qy__holds(ck, page->zone == c->z, "Z4", "page %u lies in zone %s and says zone %u", pfn,
		  zone_name[c->z], page->zone);
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
	page = qy__check_page(ck, buddy);
	qy__holds(ck, page->type != QY__PAGE_BUDDY || page->order != order, "B3",
		  "zone %s: free blocks %u and %u of order %u are not merged", zone_name[c->z],
		  buddy, pfn, order);
}

/* Returns the pages to step over: up to the first one that is marked as another block's head. */
static uint32_t check_free_block(struct qy__check *ck, struct census *c, uint32_t pfn)
{
	const struct qy_page *head = qy__check_page(ck, pfn);
	uint32_t n, i;

	qy__holds(ck, !head->flags, "B1", "free block at %u has flags %02x", pfn, head->flags);
	if (!check_extent(ck, c, pfn, "B1"))
		return 1;
	n = 1u << head->order;
	c->heads[head->order]++;
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
	c->free += i;
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
	bool compound = head->type != QY__PAGE_ALLOC;
	uint32_t n, i;

	if (!check_extent(ck, c, pfn, "B8"))
		return 1;
	n = 1u << head->order;
	if (head->type == QY__PAGE_ALLOC)
		qy__holds(ck, !(head->flags & ~QY__PAGE_F_RETIRED), "B8",
			  "alloc block at %u has flags %02x", pfn, head->flags);
	if (!compound && n > 1)
		compound = head[1].type == QY__PAGE_TAIL;
	for (i = 1; i < n; i++)
		if (!check_tail(ck, c, pfn, i, compound))
			break;
	ck->tests += i - 1;
	c->used += i;
	return i;
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
		if (!qy__holds(ck, page->type == QY__PAGE_BUDDY && page->order == order, "B10",
			       "zone %s: free pages %u-%u should begin with a block of order %u",
			       zone_name[c->z], at, pfn - 1, order))
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
		if (page->type == QY__PAGE_BUDDY) {
			c->run = min(c->run, pfn);
			pfn += check_free_block(ck, c, pfn);
			continue;
		}
		if (c->run != QY__PFN_NONE)
			check_run(ck, c, pfn);
		if (page->type == QY__PAGE_ALLOC || page->type == QY__PAGE_SLAB ||
		    page->type == QY__PAGE_LARGE) {
			pfn += check_used_block(ck, c, pfn);
			continue;
		}
		if (page->type == QY__PAGE_RESERVED) {
			c->reserved++;
		} else { /* one violation for a run of them */
			orphan = true;
			qy__holds(ck, was_orphan, page->type < QY__NR_PAGE_TYPES ? "B2" : "B1",
				  "zone %s: page %u (%s, type %u) belongs to no block",
				  zone_name[c->z], pfn, page_type(page), page->type);
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
static void check_list(struct qy__check *ck, const struct census *c, unsigned int order)
{
	const struct qy__free_area *area = &c->zone->area[order];
	uint32_t prev = QY__PFN_NONE, n = 0;

	for (uint32_t pfn = area->head; pfn != QY__PFN_NONE && n <= c->heads[order]; n++) {
		const struct qy_page *page;

		if (!qy__holds(ck, pfn >= c->start && pfn < c->end, "B4",
			       "zone %s order %u: link to page %u, not in the zone",
			       zone_name[c->z], order, pfn))
			return;
		page = qy__check_page(ck, pfn);
		if (!qy__holds(ck, page->type == QY__PAGE_BUDDY && page->order == order, "B1",
			       "zone %s order %u: page %u on the list is %s of order %u",
			       zone_name[c->z], order, pfn, page_type(page), page->order))
			return;
		if (!qy__holds(ck, page->prev == prev, "B4",
			       "zone %s order %u: page %u has prev %d, not %d", zone_name[c->z],
			       order, pfn, (int)page->prev, (int)prev))
			return;
		prev = pfn;
		pfn = page->next;
	}
	qy__holds(ck, n == c->heads[order], "B4", "zone %s order %u: %u blocks, %s%u on the list",
		  zone_name[c->z], order, c->heads[order], n > c->heads[order] ? "at least " : "",
		  n);
	qy__holds(ck, n != c->heads[order] || area->tail == prev, "B4",
		  "zone %s order %u: tail is %d, last is %d", zone_name[c->z], order,
		  (int)area->tail, (int)prev);
	qy__holds(ck, area->nr_free == c->heads[order], "B4",
		  "zone %s order %u: %u blocks, nr_free says %u", zone_name[c->z], order,
		  c->heads[order], area->nr_free);
}

static void check_zone_locked(struct qy__check *ck, struct census *c)
{
	const struct qy__zone *zone = c->zone;
	const char *name = zone_name[c->z];

	c->start = zone->start_pfn;
	c->end = zone->end_pfn;
	if (!qy__holds(ck,
		       zone->present ? c->start < c->end && c->start >= ck->min_pfn &&
					       c->end <= ck->end_pfn
				     : c->start == c->end,
		       "Z1", "zone %s: pages %u-%u of %u-%u", name, c->start, c->end, ck->min_pfn,
		       ck->end_pfn))
		return;
	qy__holds(ck, zone->present <= c->end - c->start && zone->managed <= zone->present, "Z1",
		  "zone %s: spans %u pages, present %u, managed %u", name, c->end - c->start,
		  zone->present, zone->managed);
	check_descriptors(ck, c);
	for (unsigned int order = 0; order < QY__NR_ORDERS; order++)
		check_list(ck, c, order);
	qy__holds(ck, zone->nr_free_pages == c->free, "B5",
		  "zone %s: %u pages are free, nr_free_pages says %u", name, c->free,
		  zone->nr_free_pages);
	qy__holds(ck, zone->managed == c->free + c->used, "B7",
		  "zone %s: %u pages managed, but %u free and %u allocated", name, zone->managed,
		  c->free, c->used);
	qy__holds(ck, zone->present == c->free + c->used + c->reserved, "B7",
		  "zone %s: %u pages present, but %u free, %u allocated, %u reserved", name,
		  zone->present, c->free, c->used, c->reserved);
}

/* Zones follow each other and do not overlap; together they have every page. */
static void check_spans(struct qy__check *ck, const struct census census[QY_NR_ZONES])
{
	uint32_t last = ck->min_pfn;
	uint64_t pages = 0;

	for (int z = 0; z < QY_NR_ZONES; z++) {
		if (!census[z].zone || census[z].start == census[z].end)
			continue;
		qy__holds(ck, census[z].start >= last, "Z1", "zone %s begins at %u, before %u",
			  zone_name[z], census[z].start, last);
		last = census[z].end;
		pages += census[z].end - census[z].start;
	}
	qy__holds(ck, pages >= ck->end_pfn - ck->min_pfn, "Z8", "the zones span %llu of %u pages",
		  (unsigned long long)pages, ck->end_pfn - ck->min_pfn);
}

void qy__check_buddy_locked(struct qy__check *ck)
{
	struct census census[QY_NR_ZONES];
	struct qy_mm *mm = ck->mm;
	uint64_t used = 0;

	for (int z = 0; z < QY_NR_ZONES; z++) {
		struct census *c = &census[z];

		*c = (struct census){.z = z, .run = QY__PFN_NONE};
		if (!qy__check_lock(ck, &mm->zone[z].lock, zone_name[z]))
			continue;
		c->zone = &mm->zone[z];
		check_zone_locked(ck, c);
		qy__unlock(&mm->zone[z].lock);
		used += c->used;
	}
	check_spans(ck, census);
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
