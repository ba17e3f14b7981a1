/* SPDX-License-Identifier: MIT */
/*
 * bootmem.c - a bitmap of page frames per node: what an instance may boot from instead of memblock.
 *
 *   map            [11110000000000000111]       1: not available
 *   last_end_off         ^                      in bytes; inside of a page more often than not
 *   hint_idx              ^                     the search begins here, and once more at the start
 *
 * BM1 Bits behind a node's end are ones, and stay so: no search finds a page there.
 * BM2 Nodes ascend and share nothing.
 * BM3 The page that last_end_off lies in is reserved, and its rest belongs to nobody: the next
 *     small allocation goes there. Who frees this page, or reserves it once more, ends that.
 * BM4 hint_idx and last_end_off lie in the node; a free lowers the hint to its first page.
 * BM5 Every call looks at all nodes first and changes them afterwards, when nothing can fail any
 *     more: there is nothing to roll back.
 * BM6 Reservations are rounded outwards, frees inwards.
 *
 * Stricter than the original in three places: a goal is never undercut by rounding it down or by
 * moving the result into the page before; a limit inside of the first page leaves nothing instead
 * of being no limit; and a page that somebody else was told about is not filled up.
 * Not locked: the caller serialises.
 */
#include "early/bootmem.h"

#include <errno.h>
#include <string.h>

#include "util/fmt.h"
#include "util/plant.h"

#define NONE UINT64_MAX

struct request {
	qy_addr_t size, align, goal, limit;
};

enum marking { FREE, RESERVE, RESERVE_EXCLUSIVE };

/* A power of two may be larger than a size_t. */
static uint64_t align_up(uint64_t x, uint64_t a)
{
	return (x + a - 1) & ~(a - 1);
}

/* One line, "bootmem: " in front. */
static void log_line(const struct qy_bootmem *bm, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void log_line(const struct qy_bootmem *bm, const char *fmt, ...)
{
	char line[160];
	struct qy__buf buf = QY__BUF(line);
	va_list ap;

	if (!bm->cfg.log)
		return;
	qy__fmt(&buf, "bootmem: ");
	va_start(ap, fmt);
	qy__vfmt(&buf, fmt, ap);
	va_end(ap);
	bm->cfg.log(bm->cfg.ctx, line);
}

static struct qy_bootmem_node *find_node(struct qy_bootmem *bm, int nid)
{
	for (unsigned int i = 0; i < bm->nr_nodes; i++)
		if (bm->node[i].nid == nid)
			return &bm->node[i];
	return NULL;
}

static bool is_chosen(const struct qy_bootmem_node *n, int nid)
{
	return nid == QY_BOOTMEM_ANY_NODE || n->nid == nid;
}

/* ---- nodes ---- */

int qy_bootmem_init(struct qy_bootmem *bm, const struct qy_bootmem_config *cfg)
{
	struct qy_bootmem_config defaults = QY_BOOTMEM_CONFIG_INIT;

	if (!cfg)
		cfg = &defaults;
	if (cfg->struct_size != sizeof(*cfg) || cfg->page_shift > QY__BOOTMEM_MAX_SHIFT)
		return -EINVAL;
	memset(bm, 0, sizeof(*bm));
	bm->struct_size = sizeof(*bm);
	bm->cfg = *cfg;
	if (!bm->cfg.page_shift)
		bm->cfg.page_shift = QY_CONFIG_PAGE_SHIFT;
	return 0;
}

size_t qy_bootmem_map_bytes(uint64_t pages)
{
	uint64_t longs = pages / QY__MAP_BITS + !!(pages % QY__MAP_BITS);

	return (size_t)longs * sizeof(unsigned long);
}

uint64_t qy_bootmem_map_pages(const struct qy_bootmem *bm, uint64_t pages)
{
	return qy__pages_up(bm, qy_bootmem_map_bytes(pages));
}

static bool node_is_sane(const struct qy_bootmem *bm, const struct qy_bootmem_node *n)
{
	struct qy__span map;

	if (n->nid < 0 || n->nid >= QY_BOOTMEM_NODES || n->min_pfn >= n->end_pfn)
		return false;
	if (n->end_pfn > ~(qy_addr_t)0 >> bm->cfg.page_shift ||
	    n->end_pfn - n->min_pfn > SIZE_MAX / 2)
		return false;
	if (bm->cfg.base && n->min_pfn << bm->cfg.page_shift < bm->cfg.base_addr)
		return false;
	if (!n->map || (uintptr_t)n->map % _Alignof(unsigned long))
		return false;
	if (n->map_addr == QY_BOOTMEM_OUTSIDE)
		return true;
	map = qy__map_span(bm, n);
	return !(n->map_addr & qy__page_mask(bm)) && map.first >= n->min_pfn &&
	       map.end <= n->end_pfn;
}

int qy_bootmem_init_node(struct qy_bootmem *bm, int nid, void *map, qy_addr_t map_addr,
			 uint64_t min_pfn, uint64_t end_pfn)
{
	struct qy_bootmem_node node = {
		.nid = nid,
		.min_pfn = min_pfn,
		.end_pfn = end_pfn,
		.map = map,
		.map_bytes = min_pfn < end_pfn ? qy_bootmem_map_bytes(end_pfn - min_pfn) : 0,
		.map_addr = map_addr,
	};
	unsigned int at = 0;

	if (!node_is_sane(bm, &node))
		return -EINVAL;
	for (unsigned int i = 0; i < bm->nr_nodes; i++) {
		const struct qy_bootmem_node *n = &bm->node[i];

		if (n->nid == nid || (n->min_pfn < end_pfn && min_pfn < n->end_pfn))
			return -EEXIST;
		if (n->min_pfn < min_pfn)
			at = i + 1;
	}
	for (unsigned int i = 0; i < bm->nr_nodes; i++)
		if (qy__maps_overlap(&bm->node[i], &node))
			return -EINVAL;
	/* There is room: each of them has a number of its own. */
	memmove(&bm->node[at + 1], &bm->node[at], (bm->nr_nodes - at) * sizeof(node));
	bm->node[at] = node;
	bm->nr_nodes++;
	memset(map, 0xff, node.map_bytes);
	log_line(bm, "node %d: pages 0x%llx-0x%llx, map of %zu bytes", nid,
		 (unsigned long long)min_pfn, (unsigned long long)end_pfn, node.map_bytes);
	return 0;
}

/* ---- reserve and free ---- */

/* May every page of @s be marked so? Nothing is changed. */
static int judge(const struct qy_bootmem *bm, int nid, struct qy__span s, enum marking how)
{
	uint64_t at = s.first;
	int err = 0;

	for (unsigned int i = 0; i < bm->nr_nodes && at < s.end; i++) {
		const struct qy_bootmem_node *n = &bm->node[i];
		uint64_t to = min(s.end, n->end_pfn);

		if (!is_chosen(n, nid) || n->end_pfn <= at)
			continue;
		if (n->min_pfn > at)
			break;
		if (how == FREE && !qy__planted(BOOT_DOUBLE_FREE) &&
		    qy__map_has(n->map, at - n->min_pfn, to - n->min_pfn, false))
			err = -EALREADY;
		if (how == RESERVE_EXCLUSIVE &&
		    qy__map_has(n->map, at - n->min_pfn, to - n->min_pfn, true))
			err = -EBUSY;
		at = to;
	}
	return at < s.end ? -ERANGE : err;
}

/* Bits [from, to) are free, or not; see BM3 and BM4. */
static void mark_bits(const struct qy_bootmem *bm, struct qy_bootmem_node *n, uint64_t from,
		      uint64_t to, enum marking how)
{
	uint64_t last = n->last_end_off >> bm->cfg.page_shift;

	qy__map_fill(n->map, from, to, how != FREE);
	if (how == FREE && !qy__planted(BOOT_HINT_STAYS))
		n->hint_idx = min(n->hint_idx, from);
	if (!qy__planted(BOOT_STALE_PAGE) && (n->last_end_off & qy__page_mask(bm)) &&
	    from <= last && last < to)
		n->last_end_off = 0;
}

static void apply(struct qy_bootmem *bm, struct qy__span s, enum marking how)
{
	for (unsigned int i = 0; i < bm->nr_nodes; i++) {
		struct qy_bootmem_node *n = &bm->node[i];
		uint64_t from = max(s.first, n->min_pfn), to = min(s.end, n->end_pfn);
		const char *again = "";

		if (from >= to)
			continue;
		if (how != FREE && qy__map_has(n->map, from - n->min_pfn, to - n->min_pfn, true))
			again = ", part of it once more";
		log_line(bm, "node %d: %s pages 0x%llx-0x%llx%s", n->nid,
			 how == FREE ? "free" : "reserve", (unsigned long long)from,
			 (unsigned long long)to, again);
		mark_bits(bm, n, from - n->min_pfn, to - n->min_pfn, how);
	}
}

static int mark(struct qy_bootmem *bm, int nid, qy_addr_t addr, qy_addr_t size, enum marking how)
{
	qy_addr_t last = addr + size - 1; /* the end itself may be no address */
	unsigned int shift = bm->cfg.page_shift;
	struct qy__span s;
	int err;

	if (!size)
		return 0;
	if (last < addr)
		return -ERANGE;
	if (how == FREE && !qy__planted(BOOT_FREE_OUTWARDS))
		s = (struct qy__span){qy__pages_up(bm, addr),
				      (last >> shift) +
					      ((last & qy__page_mask(bm)) == qy__page_mask(bm))};
	else
		s = (struct qy__span){addr >> shift, (last >> shift) + 1};
	if (s.first >= s.end)
		return 0;
	err = judge(bm, nid, s, how);
	if (!err || (qy__planted(BOOT_HALF_RESERVED) && err == -EBUSY))
		apply(bm, s, how);
	return err;
}

static int reserve(struct qy_bootmem *bm, int nid, qy_addr_t addr, qy_addr_t size,
		   unsigned int flags)
{
	if (flags & ~QY_BOOTMEM_EXCLUSIVE)
		return -EINVAL;
	return mark(bm, nid, addr, size, flags ? RESERVE_EXCLUSIVE : RESERVE);
}

int qy_bootmem_reserve(struct qy_bootmem *bm, qy_addr_t addr, qy_addr_t size, unsigned int flags)
{
	return reserve(bm, QY_BOOTMEM_ANY_NODE, addr, size, flags);
}

int qy_bootmem_reserve_node(struct qy_bootmem *bm, int nid, qy_addr_t addr, qy_addr_t size,
			    unsigned int flags)
{
	return find_node(bm, nid) ? reserve(bm, nid, addr, size, flags) : -EINVAL;
}

int qy_bootmem_free(struct qy_bootmem *bm, qy_addr_t addr, qy_addr_t size)
{
	return mark(bm, QY_BOOTMEM_ANY_NODE, addr, size, FREE);
}

int qy_bootmem_free_node(struct qy_bootmem *bm, int nid, qy_addr_t addr, qy_addr_t size)
{
	return find_node(bm, nid) ? mark(bm, nid, addr, size, FREE) : -EINVAL;
}

uint64_t qy_bootmem_nr_free(const struct qy_bootmem *bm)
{
	uint64_t nr = 0;

	for (unsigned int i = 0; i < bm->nr_nodes; i++)
		for (size_t w = 0; w < bm->node[i].map_bytes / sizeof(unsigned long); w++)
			nr += (unsigned int)__builtin_popcountl(~bm->node[i].map[w]);
	return nr;
}

/* ---- allocation ---- */

/* The first run of @pages clear bits from page @at on that begins at a multiple of @step. */
static uint64_t find_run(const struct qy_bootmem_node *n, uint64_t at, uint64_t end, uint64_t pages,
			 uint64_t step)
{
	uint64_t min_pfn = n->min_pfn, taken;

	for (;;) {
		if (at >= end)
			return NONE;
		at = align_up(min_pfn + qy__map_find(n->map, at - min_pfn, end - min_pfn, false),
			      step);
		if (at >= end || end - at < pages)
			return NONE;
		taken = min_pfn + qy__map_find(n->map, at - min_pfn, at + pages - min_pfn, true);
		if (taken == at + pages)
			return at;
		at = align_up(taken + 1, step);
	}
}

/*
 * Take @size bytes of the run that begins at page @at, or from behind the last allocation on:
 *
 *   [last alloc|.....][  run  ][       ]
 *               [ the new one ]
 */
static qy_addr_t take_run(const struct qy_bootmem *bm, struct qy_bootmem_node *n, uint64_t at,
			  const struct request *rq)
{
	unsigned int shift = bm->cfg.page_shift;
	qy_addr_t base = n->min_pfn << shift, start = at << shift;
	uint64_t last = n->last_end_off, end;

	if ((last & qy__page_mask(bm)) && (last >> shift) + 1 == at - n->min_pfn) {
		qy_addr_t packed = align_up(base + last, rq->align);

		if (qy__planted(BOOT_PACKED_ASKEW))
			packed = base + last;
		if (packed >= rq->goal || qy__planted(BOOT_GOAL_UNDERCUT))
			start = packed;
	}
	n->last_end_off = start - base + rq->size;
	end = qy__pages_up(bm, n->last_end_off);
	n->hint_idx = end;
	qy__map_fill(n->map, at - n->min_pfn, end, true);
	return start;
}

/* In this node only. @rq is valid. */
static bool alloc_from(const struct qy_bootmem *bm, struct qy_bootmem_node *n, struct request rq,
		       qy_addr_t *addr)
{
	unsigned int shift = bm->cfg.page_shift;
	uint64_t pages = qy__pages_up(bm, rq.size), step = max(rq.align >> shift, UINT64_C(1));
	uint64_t start = n->min_pfn, end = n->end_pfn, from, at;

	if (rq.limit)
		end = min(end, qy__planted(BOOT_LIMIT_PAGE) ? qy__pages_up(bm, rq.limit)
							    : rq.limit >> shift);
	if (rq.goal >> shift >= n->end_pfn)
		rq.goal = 0;
	start = align_up(max(start, qy__pages_up(bm, rq.goal)), step);
	from = max(start, align_up(n->min_pfn + n->hint_idx, step));
	at = find_run(n, from, end, pages, step);
	if (at == NONE && from > start && !qy__planted(BOOT_NO_RETRY))
		at = find_run(n, start, end, pages, step);
	if (at == NONE)
		return false;
	*addr = take_run(bm, n, at, &rq);
	return true;
}

static void zero(const struct qy_bootmem *bm, qy_addr_t addr, qy_addr_t size)
{
	if (bm->cfg.zero)
		bm->cfg.zero(bm->cfg.ctx, addr, size);
	else if (bm->cfg.base)
		memset((char *)bm->cfg.base + (addr - bm->cfg.base_addr), 0, (size_t)size);
}

/* One pass over the nodes: the given one, or all that reach above the goal. */
static bool alloc_pass(struct qy_bootmem *bm, int nid, const struct request *rq, qy_addr_t *addr)
{
	for (unsigned int i = 0; i < bm->nr_nodes; i++) {
		struct qy_bootmem_node *n = &bm->node[i];

		if (!is_chosen(n, nid) ||
		    (nid == QY_BOOTMEM_ANY_NODE && rq->goal >> bm->cfg.page_shift >= n->end_pfn))
			continue;
		if (!alloc_from(bm, n, *rq, addr))
			continue;
		zero(bm, *addr, rq->size);
		log_line(bm, "node %d: alloc 0x%llx bytes, align 0x%llx: 0x%llx", n->nid,
			 (unsigned long long)rq->size, (unsigned long long)rq->align,
			 (unsigned long long)*addr);
		return true;
	}
	return false;
}

static bool is_valid(struct qy_bootmem *bm, int nid, const struct request *rq)
{
	if (!rq->size || !rq->align || (rq->align & (rq->align - 1)))
		return false;
	if (rq->limit && (rq->goal > rq->limit || rq->size > rq->limit - rq->goal))
		return false;
	return nid == QY_BOOTMEM_ANY_NODE || find_node(bm, nid);
}

int qy_bootmem_alloc_core(struct qy_bootmem *bm, int nid, qy_addr_t size, qy_addr_t align,
			  qy_addr_t goal, qy_addr_t limit, qy_addr_t *addr)
{
	struct request rq = {size, align, goal, limit};

	if (!is_valid(bm, nid, &rq))
		return -EINVAL;
	return alloc_pass(bm, nid, &rq, addr) ? 0 : -ENOMEM;
}

/* The node asked for comes first, the others after it; all of that without the goal once more. */
static int alloc_nopanic(struct qy_bootmem *bm, int nid, struct request rq, qy_addr_t *addr)
{
	bool again;

	if (!is_valid(bm, nid, &rq))
		return -EINVAL;
	do {
		if (nid != QY_BOOTMEM_ANY_NODE && alloc_pass(bm, nid, &rq, addr))
			return 0;
		if (alloc_pass(bm, QY_BOOTMEM_ANY_NODE, &rq, addr))
			return 0;
		again = rq.goal != 0;
		rq.goal = 0;
	} while (again);
	return -ENOMEM;
}

static int alloc_or_panic(struct qy_bootmem *bm, int nid, struct request rq, qy_addr_t *addr)
{
	int err = alloc_nopanic(bm, nid, rq, addr);
	char text[80];

	if (err == -ENOMEM && bm->cfg.panic) {
		qy__snprintf(text, sizeof(text), "bootmem alloc of %llu bytes failed!",
			     (unsigned long long)rq.size);
		bm->cfg.panic(bm->cfg.ctx, text);
	}
	return err;
}

int qy_bootmem_alloc(struct qy_bootmem *bm, qy_addr_t size, qy_addr_t align, qy_addr_t goal,
		     qy_addr_t *addr)
{
	return alloc_or_panic(bm, QY_BOOTMEM_ANY_NODE, (struct request){size, align, goal, 0},
			      addr);
}

int qy_bootmem_alloc_nopanic(struct qy_bootmem *bm, qy_addr_t size, qy_addr_t align, qy_addr_t goal,
			     qy_addr_t *addr)
{
	return alloc_nopanic(bm, QY_BOOTMEM_ANY_NODE, (struct request){size, align, goal, 0}, addr);
}

int qy_bootmem_alloc_node(struct qy_bootmem *bm, int nid, qy_addr_t size, qy_addr_t align,
			  qy_addr_t goal, qy_addr_t *addr)
{
	if (!find_node(bm, nid))
		return -EINVAL;
	return alloc_or_panic(bm, nid, (struct request){size, align, goal, 0}, addr);
}

int qy_bootmem_alloc_node_nopanic(struct qy_bootmem *bm, int nid, qy_addr_t size, qy_addr_t align,
				  qy_addr_t goal, qy_addr_t *addr)
{
	if (!find_node(bm, nid))
		return -EINVAL;
	return alloc_nopanic(bm, nid, (struct request){size, align, goal, 0}, addr);
}

int qy_bootmem_alloc_pages(struct qy_bootmem *bm, qy_addr_t size, qy_addr_t goal, qy_addr_t *addr)
{
	return qy_bootmem_alloc(bm, size, qy__page_mask(bm) + 1, goal, addr);
}

int qy_bootmem_alloc_low(struct qy_bootmem *bm, qy_addr_t size, qy_addr_t align, qy_addr_t goal,
			 qy_addr_t *addr)
{
	struct request rq = {size, align, goal, QY_BOOTMEM_LOW_LIMIT};

	return alloc_or_panic(bm, QY_BOOTMEM_ANY_NODE, rq, addr);
}

int qy_bootmem_alloc_low_node(struct qy_bootmem *bm, int nid, qy_addr_t size, qy_addr_t align,
			      qy_addr_t goal, qy_addr_t *addr)
{
	struct request rq = {size, align, goal, QY_BOOTMEM_LOW_LIMIT};

	if (!find_node(bm, nid))
		return -EINVAL;
	return alloc_or_panic(bm, nid, rq, addr);
}

/* ---- hand-over ---- */

/* The first available page from @pfn on; or the node's end. */
static uint64_t next_free(const struct qy_bootmem_node *n, uint64_t pfn)
{
	return n->min_pfn + qy__map_find(n->map, pfn - n->min_pfn, n->end_pfn - n->min_pfn, false);
}

/* Is this the start of a block that can be given away as one? */
static bool is_whole_word(const struct qy_bootmem_node *n, uint64_t pfn, struct qy__span map)
{
	uint64_t end = pfn + QY__MAP_BITS;

	return !(pfn % QY__MAP_BITS) && n->end_pfn - pfn >= QY__MAP_BITS &&
	       (end <= map.first || pfn >= map.end) &&
	       !qy__map_has(n->map, pfn - n->min_pfn, end - n->min_pfn, true);
}

/* The map is read to the end before its own pages go, whether or not they are marked free. */
static uint64_t hand_over(const struct qy_bootmem *bm, const struct qy_bootmem_node *n,
			  qy_bootmem_give_fn give, void *ctx)
{
	const struct qy__span map = qy__map_span(bm, n);
	uint64_t pfn = next_free(n, n->min_pfn), count = 0, pages;

	for (; pfn < n->end_pfn; pfn = next_free(n, pfn + pages)) {
		pages = is_whole_word(n, pfn, map) ? QY__MAP_BITS : 1;
		if (pfn >= map.first && pfn < map.end)
			continue;
		if (qy__planted(BOOT_WORD_LOST) && pages > 1)
			pages--;
		if (give)
			give(ctx, n->nid, pfn, (unsigned int)__builtin_ctzll(pages));
		count += pages;
	}
	for (pfn = map.first; pfn < map.end; pfn++, count++)
		if (give)
			give(ctx, n->nid, pfn, 0);
	return count;
}

uint64_t qy_bootmem_free_all_node(struct qy_bootmem *bm, int nid, qy_bootmem_give_fn give,
				  void *ctx)
{
	struct qy_bootmem_node *n = find_node(bm, nid);
	uint64_t count;

	if (!n)
		return 0;
	count = hand_over(bm, n, give, ctx);
	log_line(bm, "node %d: %llu pages handed over", nid, (unsigned long long)count);
	memmove(n, n + 1, (size_t)(&bm->node[--bm->nr_nodes] - n) * sizeof(*n));
	return count;
}

uint64_t qy_bootmem_free_all(struct qy_bootmem *bm, qy_bootmem_give_fn give, void *ctx)
{
	uint64_t count = 0;

	while (bm->nr_nodes)
		count += qy_bootmem_free_all_node(bm, bm->node[0].nid, give, ctx);
	return count;
}
