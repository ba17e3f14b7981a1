/* SPDX-License-Identifier: MIT */
/*
 * bootmem_check.c - what must hold of a bootmem allocator, seen from its state alone: BM1 to BM4;
 * BM, that its head is one.
 *
 * A node that contradicts itself is not looked into any further: its map is read only if the size
 * that was noted when it was made fits to its pages.
 */
#include "early/bootmem.h"

#include <quarry/check.h>

#include "util/fmt.h"

struct walk {
	const struct qy_bootmem *bm;
	struct qy_check_result *result; /* NULL: only count */
	unsigned int nr;
	uint64_t tests;
};

static bool holds(struct walk *w, bool cond, const char *id, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Make one test; the rest tells the violation. */
static bool holds(struct walk *w, bool cond, const char *id, const char *fmt, ...)
{
	struct qy_violation *v;
	struct qy__buf buf;
	va_list ap;

	w->tests++;
	if (cond)
		return true;
	if (w->nr++ >= QY_CHECK_MAX || !w->result)
		return false;
	v = &w->result->v[w->nr - 1];
	qy__snprintf(v->id, sizeof(v->id), "%s", id);
	buf = QY__BUF(v->text);
	va_start(ap, fmt);
	qy__vfmt(&buf, fmt, ap);
	va_end(ap);
	return false;
}

/* Number, pages and neighbours. False: the pages cannot be counted. */
static bool check_place(struct walk *w, unsigned int i)
{
	const struct qy_bootmem *bm = w->bm;
	const struct qy_bootmem_node *n = &bm->node[i];
	bool sane;

	holds(w, n->nid >= 0 && n->nid < QY_BOOTMEM_NODES, "BM2", "node[%u]: number is %d", i,
	      n->nid);
	sane = holds(w,
		     n->min_pfn < n->end_pfn && n->end_pfn <= ~(qy_addr_t)0 >> bm->cfg.page_shift,
		     "BM2", "node[%u]: pages 0x%llx-0x%llx", i, (unsigned long long)n->min_pfn,
		     (unsigned long long)n->end_pfn);
	holds(w, !i || n->min_pfn >= n[-1].end_pfn, "BM2",
	      "node[%u]: begins at page 0x%llx, before the end of the one before it", i,
	      (unsigned long long)n->min_pfn);
	for (unsigned int j = 0; j < i; j++) {
		holds(w, bm->node[j].nid != n->nid, "BM2", "node[%u] and node[%u] are both %d", j,
		      i, n->nid);
		holds(w, !qy__maps_overlap(&bm->node[j], n), "BM2",
		      "node[%u] and node[%u] share their map", j, i);
	}
	return sane;
}

static bool check_map(struct walk *w, unsigned int i)
{
	const struct qy_bootmem_node *n = &w->bm->node[i];
	uint64_t pages = n->end_pfn - n->min_pfn, bits = n->map_bytes * UINT64_C(8), zero;

	if (!holds(w, n->map && !((uintptr_t)n->map % _Alignof(unsigned long)), "BM1",
		   "node[%u]: there is no map", i))
		return false;
	if (!holds(w, n->map_bytes == qy_bootmem_map_bytes(pages), "BM1",
		   "node[%u]: a map of %zu bytes for %llu pages", i, n->map_bytes,
		   (unsigned long long)pages))
		return false;
	zero = qy__map_find(n->map, pages, bits, false);
	holds(w, zero == bits, "BM1", "node[%u]: bit %llu is clear, there are %llu pages", i,
	      (unsigned long long)zero, (unsigned long long)pages);
	return true;
}

static void check_marks(struct walk *w, unsigned int i)
{
	const struct qy_bootmem_node *n = &w->bm->node[i];
	uint64_t pages = n->end_pfn - n->min_pfn, last = n->last_end_off >> w->bm->cfg.page_shift;
	bool partial = n->last_end_off & qy__page_mask(w->bm);

	holds(w, n->hint_idx <= pages, "BM4", "node[%u]: hint is bit %llu of %llu", i,
	      (unsigned long long)n->hint_idx, (unsigned long long)pages);
	if (holds(w, last + partial <= pages, "BM4",
		  "node[%u]: last allocation ends at 0x%llx, there are %llu pages", i,
		  (unsigned long long)n->last_end_off, (unsigned long long)pages) &&
	    partial)
		holds(w, !qy__map_has(n->map, last, last + 1, false), "BM3",
		      "node[%u]: last allocation ends at 0x%llx, in a page that is free", i,
		      (unsigned long long)n->last_end_off);
}

static void check_own_map(struct walk *w, unsigned int i)
{
	const struct qy_bootmem_node *n = &w->bm->node[i];
	struct qy__span map = qy__map_span(w->bm, n);
	uint64_t free;

	if (n->map_addr == QY_BOOTMEM_OUTSIDE)
		return;
	if (!holds(w,
		   !(n->map_addr & qy__page_mask(w->bm)) && map.first >= n->min_pfn &&
			   map.end <= n->end_pfn,
		   "BM3", "node[%u]: the map's address 0x%llx is not in it", i,
		   (unsigned long long)n->map_addr))
		return;
	free = n->min_pfn +
	       qy__map_find(n->map, map.first - n->min_pfn, map.end - n->min_pfn, false);
	holds(w, free == map.end, "BM3", "node[%u]: page 0x%llx is free, the map lies in it", i,
	      (unsigned long long)free);
}

int qy_bootmem_check(const struct qy_bootmem *bm, struct qy_check_result *result)
{
	struct walk w = {.bm = bm};

	if (result && result->struct_size >= sizeof(*result)) {
		w.result = result;
		for (unsigned int i = 0; i < QY_CHECK_MAX; i++)
			result->v[i].id[0] = result->v[i].text[0] = '\0';
	}
	if (holds(&w, bm->struct_size == sizeof(*bm), "BM", "struct_size is %zu",
		  bm->struct_size) &&
	    holds(&w, bm->cfg.page_shift - 1 < QY__BOOTMEM_MAX_SHIFT, "BM", "page shift is %u",
		  bm->cfg.page_shift) &&
	    holds(&w, bm->nr_nodes <= QY_BOOTMEM_NODES, "BM2", "%u nodes", bm->nr_nodes)) {
		for (unsigned int i = 0; i < bm->nr_nodes; i++) {
			if (!check_place(&w, i) || !check_map(&w, i))
				continue;
			check_marks(&w, i);
			check_own_map(&w, i);
		}
	}
	if (w.result) {
		result->nr = w.nr;
		result->assertions = w.tests;
	}
	return (int)w.nr;
}
