/* SPDX-License-Identifier: MIT */
/*
 * memblock_compare.h - a memblock against the model of cells: regions, arrays, iterators.
 */
#ifndef TESTS_HARNESS_MEMBLOCK_COMPARE_H
#define TESTS_HARNESS_MEMBLOCK_COMPARE_H

#include "memblock_cells.h"

/* All of these return NULL, or what is wrong. */

static inline const char *cells_wrong(const char *fmt, const char *name, int where)
{
	static char text[120];

	snprintf(text, sizeof(text), fmt, name, where);
	return text;
}

/* MB1-MB4, MB8. */
static inline const char *cells_compare_set(const struct cells *m, const struct qy_memblock *mb,
					    int set)
{
	const struct qy_memblock_type *t = set == CELLS_MEMORY ? &mb->memory : &mb->reserved;
	const struct qy_memblock_region *first = set == CELLS_MEMORY ? mb->memory_regions
								     : mb->reserved_regions;
	const struct cells_array *a = &m->array[set];
	const cell_t *c = m->set[set];
	uint64_t total = 0;
	uint32_t nr = 0;

	for (int i = 0, end; i < m->nr; i = end) {
		const struct qy_memblock_region *r = &t->regions[nr];

		for (end = i + 1; end < m->nr && c[end] == c[i]; end++)
			;
		if (!c[i])
			continue;
		if (nr++ >= t->cnt)
			return cells_wrong("MB4: %s: %d regions are too few", t->name, (int)t->cnt);
		if (r->base != cells_addr(m, i) || r->size != (uint64_t)(end - i) * m->unit)
			return cells_wrong("MB4: %s[%d]: bounds", t->name, (int)nr - 1);
		if (r->nid != cell_nid(c[i]) || r->flags != cell_flags(c[i]))
			return cells_wrong("MB4: %s[%d]: node or flags", t->name, (int)nr - 1);
		total += r->size;
	}
	if (nr != t->cnt || total != t->total_size)
		return cells_wrong("MB3: %s: %d regions, or total", t->name, (int)t->cnt);
	if (t->max != a->max || t->cnt > t->max)
		return cells_wrong("MB3: %s: max %d", t->name, (int)t->max);
	if ((a->at == ARRAY_STATIC) != (t->regions == first) ||
	    (a->at == ARRAY_STATIC) != !t->array_size)
		return cells_wrong("MB8: %s: which array (%d)", t->name, a->at);
	if (t->array_addr != (a->at >= 0 ? cells_addr(m, a->at) : 0) ||
	    (a->at >= 0 && t->array_size != (uint64_t)a->len * m->unit))
		return cells_wrong("MB8: %s: where the array lies (%d)", t->name, a->at);
	return NULL;
}

static inline const char *cells_compare(const struct cells *m, const struct qy_memblock *mb)
{
	const char *wrong = cells_compare_set(m, mb, CELLS_MEMORY);

	if (!wrong)
		wrong = cells_compare_set(m, mb, CELLS_RESERVED);
	if (!wrong && mb->has_mirror != m->has_mirror)
		wrong = "has_mirror";
	return wrong;
}

struct cells_part {
	uint64_t start, end;
	int nid;
};

/* The parts of memory (or, @of_reserved, of reserved) less (@less) reserved, upwards. */
static inline int cells_parts(const struct cells *m, bool of_reserved, bool less, int nid,
			      uint32_t flags, struct cells_part *part)
{
	const cell_t *a = m->set[of_reserved ? CELLS_RESERVED : CELLS_MEMORY];
	bool open = false;
	int nr = 0;

	for (int i = 0; i < m->nr; i++) {
		bool in = of_reserved ? a[i] && (nid == QY_NO_NODE || cell_nid(a[i]) == nid)
				      : cells_allowed(m, a[i], nid, flags);

		in = in && !(less && m->set[CELLS_RESERVED][i]);
		if (in && open && a[i] == a[i - 1])
			part[nr - 1].end = cells_addr(m, i + 1);
		else if (in)
			part[nr++] = (struct cells_part){cells_addr(m, i), cells_addr(m, i + 1),
							 cell_nid(a[i])};
		open = in;
	}
	return nr;
}

/* MB9: upwards and downwards, and a cursor that was kept. */
static inline const char *cells_compare_parts(const struct cells *m, const struct qy_memblock *mb,
					      bool of_reserved, bool less, int nid, uint32_t flags)
{
	static struct cells_part part[CELLS_MAX];
	const struct qy_memblock_type *a = of_reserved ? &mb->reserved : &mb->memory;
	const struct qy_memblock_type *b = less ? &mb->reserved : NULL;
	int nr = cells_parts(m, of_reserved, less, nid, flags, part), got_nid;
	uint64_t cursor = 0, kept = 0, start, end;

	for (int i = 0; i <= nr; i++) {
		bool more = qy_memblock_next_range(mb, a, b, nid, flags, &cursor, &start, &end,
						   &got_nid);

		if (more != (i < nr))
			return cells_wrong("MB9: %s: upwards: part %d", a->name, i);
		if (more &&
		    (start != part[i].start || end != part[i].end || got_nid != part[i].nid))
			return cells_wrong("MB9: %s: upwards: bounds of part %d", a->name, i);
		qy_memblock_next_range(mb, a, b, nid, flags, &kept, &start, &end, NULL);
		if (kept != cursor)
			return cells_wrong("MB9: %s: kept cursor at %d", a->name, i);
	}
	if (cursor != ~UINT64_C(0))
		return cells_wrong("MB9: %s: the end is all ones (%d)", a->name, nr);
	for (int i = nr - 1; i >= -1; i--) {
		bool more = qy_memblock_next_range_rev(mb, a, b, nid, flags, &cursor, &start, &end,
						       &got_nid);

		if (more != (i >= 0))
			return cells_wrong("MB9: %s: downwards: part %d", a->name, i);
		if (more &&
		    (start != part[i].start || end != part[i].end || got_nid != part[i].nid))
			return cells_wrong("MB9: %s: downwards: bounds of part %d", a->name, i);
	}
	return cursor == ~UINT64_C(0) ? NULL : cells_wrong("MB9: %s: end (%d)", a->name, nr);
}

/* Whole pages of memory, region by region. */
static inline const char *cells_compare_pfns(const struct cells *m, const struct qy_memblock *mb,
					     int nid)
{
	const cell_t *c = m->set[CELLS_MEMORY];
	uint64_t cursor = 0, start, end;
	int got_nid;

	for (int i = 0, to; i < m->nr; i = to) {
		uint64_t from_pfn = cells_addr(m, i) / m->page + !!(cells_addr(m, i) % m->page);

		for (to = i + 1; to < m->nr && c[to] == c[i]; to++)
			;
		if (!c[i] || (nid != QY_NO_NODE && cell_nid(c[i]) != nid) ||
		    from_pfn >= cells_addr(m, to) / m->page)
			continue;
		if (!qy_memblock_next_pfn_range(mb, nid, &cursor, &start, &end, &got_nid))
			return cells_wrong("%s: pages of cell %d are left out", "MB9", i);
		if (start != from_pfn || end != cells_addr(m, to) / m->page ||
		    got_nid != cell_nid(c[i]))
			return cells_wrong("%s: pages of cell %d", "MB9", i);
	}
	if (qy_memblock_next_pfn_range(mb, nid, &cursor, &start, &end, &got_nid) || ~cursor)
		return cells_wrong("%s: pages behind cell %d", "MB9", m->nr);
	return NULL;
}

#endif
