/* SPDX-License-Identifier: MIT */
/*
 * memblock_find.c - a free range: found, reserved, mapped, zeroed.
 *
 * MB6  What is found lies in memory that node and flags allow, outside reserved, inside
 *	[max(start, one page), end), aligned; top-down there is nothing higher, bottom-up nothing
 *	lower.
 * MB7  An allocation adds just its size to reserved.
 * MB12 Page 0 is never found: 0 means failure.
 */
#include "early/memblock.h"

#include <stdlib.h>
#include <string.h>

#include "util/fmt.h"
#include "util/plant.h"

/* The place of an aligned @size in [lo, hi): the highest, or the lowest. 0: none (lo > 0). */
static qy_addr_t fit(qy_addr_t lo, qy_addr_t hi, qy_addr_t size, qy_addr_t align, bool lowest)
{
	qy_addr_t at;

	if (lo >= hi || hi - lo < size)
		return 0;
	if (lowest) {
		qy_addr_t over = lo % align, step = over ? align - over : 0;

		return step <= hi - lo - size ? lo + step : 0;
	}
	at = hi - size;
	at -= at % align;
	return at >= lo ? at : 0;
}

static qy_addr_t find_bottom_up(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
				qy_addr_t size, qy_addr_t align, int nid, uint32_t flags)
{
	qy_addr_t lo, hi, at;
	uint64_t cursor = 0;

	while (qy_memblock_next_range(mb, &mb->memory, &mb->reserved, nid, flags, &cursor, &lo, &hi,
				      NULL) &&
	       lo < end) {
		at = fit(max(lo, start), min(hi, end), size, align, true);
		if (at)
			return at;
	}
	return 0;
}

static qy_addr_t find_top_down(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
			       qy_addr_t size, qy_addr_t align, int nid, uint32_t flags)
{
	qy_addr_t lo, hi, at;
	uint64_t cursor = ~UINT64_C(0);

	while (qy_memblock_next_range_rev(mb, &mb->memory, &mb->reserved, nid, flags, &cursor, &lo,
					  &hi, NULL) &&
	       hi > start) {
		at = fit(max(lo, start), min(hi, end), size, align, false);
		if (at)
			return at;
	}
	return 0;
}

qy_addr_t qy__memblock_find_in(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
			       qy_addr_t size, qy_addr_t align, int nid, uint32_t flags)
{
	if (!size)
		return 0;
	start = max(start, (qy_addr_t)(qy__planted(MAP_PAGE_ZERO) ? 1 : QY_PAGE_SIZE));
	align = max(align, (qy_addr_t)1);
	return mb->bottom_up ? find_bottom_up(mb, start, end, size, align, nid, flags)
			     : find_top_down(mb, start, end, size, align, nid, flags);
}

/* What memory an allocation wants if it may choose. */
static uint32_t choose_flags(const struct qy_memblock *mb)
{
	if (mb->scratch_only)
		return QY_MEMBLOCK_KHO_SCRATCH;
	return mb->has_mirror ? QY_MEMBLOCK_MIRROR : QY_MEMBLOCK_NONE;
}

static void warn_mirror(const struct qy_memblock *mb, qy_addr_t size)
{
	qy__memblock_log(mb, "Could not allocate 0x%016llx bytes of mirrored memory",
			 (unsigned long long)size);
}

static qy_addr_t resolve_end(const struct qy_memblock *mb, qy_addr_t end)
{
	if (qy__planted(MAP_LIMIT) && end == QY_MEMBLOCK_ALLOC_NOLEAKTRACE)
		return QY__ADDR_MAX;
	return end <= QY_MEMBLOCK_ALLOC_NOLEAKTRACE ? mb->current_limit : end;
}

qy_addr_t qy__memblock_find_any(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
				qy_addr_t size, qy_addr_t align)
{
	uint32_t flags = choose_flags(mb);
	qy_addr_t at = qy__memblock_find_in(mb, start, end, size, align, QY_NO_NODE, flags);

	if (at || !(flags & QY_MEMBLOCK_MIRROR))
		return at;
	warn_mirror(mb, size);
	return qy__memblock_find_in(mb, start, end, size, align, QY_NO_NODE, QY_MEMBLOCK_NONE);
}

qy_addr_t qy_memblock_find(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
			   qy_addr_t size, qy_addr_t align)
{
	return qy__memblock_find_any(mb, start, resolve_end(mb, end), size, align);
}

qy_addr_t qy_memblock_find_nid(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
			       qy_addr_t size, qy_addr_t align, int nid, uint32_t flags)
{
	return qy__memblock_find_in(mb, start, resolve_end(mb, end), size, align, nid, flags);
}

/* ---- allocation ---- */

struct request {
	qy_addr_t size, align, start, end;
	int nid;
	bool exact, mapped;
};

/* One rung of the ladder. @virt: the pointer of a mapped one; without it that is no find. */
static qy_addr_t take(struct qy_memblock *mb, const struct request *rq, int nid, uint32_t flags,
		      void **virt)
{
	qy_addr_t at =
		qy__memblock_find_in(mb, rq->start, rq->end, rq->size, rq->align, nid, flags);

	if (at && rq->mapped) {
		*virt = mb->ops->map(mb->ctx, at, rq->size);
		if (!*virt)
			return 0;
	}
	if (at && qy_memblock_reserve_node(mb, at, rq->size, nid, QY_MEMBLOCK_RSRV_KERN))
		return 0;
	return at;
}

static qy_addr_t climb(struct qy_memblock *mb, const struct request *rq, void **virt)
{
	uint32_t flags = choose_flags(mb);
	qy_addr_t at;

	for (;;) {
		at = take(mb, rq, rq->nid, flags, virt);
		if (!at && rq->nid != QY_NO_NODE && (!rq->exact || qy__planted(MAP_EXACT)))
			at = take(mb, rq, QY_NO_NODE, flags, virt);
		if (at || !(flags & QY_MEMBLOCK_MIRROR))
			return at;
		warn_mirror(mb, rq->size);
		flags &= ~QY_MEMBLOCK_MIRROR;
	}
}

qy_addr_t qy_memblock_alloc_range_nid(struct qy_memblock *mb, qy_addr_t size, qy_addr_t align,
				      qy_addr_t start, qy_addr_t end, int nid, bool exact)
{
	struct request rq = {
		.size = size,
		.align = align ? align : QY__MEMBLOCK_ALIGN,
		.start = start,
		.end = resolve_end(mb, end),
		.nid = nid,
		.exact = exact,
	};

	return climb(mb, &rq, NULL);
}

qy_addr_t qy_memblock_alloc(struct qy_memblock *mb, qy_addr_t size, qy_addr_t align,
			    qy_addr_t start, qy_addr_t end)
{
	return qy_memblock_alloc_range_nid(mb, size, align, start, end, QY_NO_NODE, false);
}

void *qy_memblock_virt_alloc(struct qy_memblock *mb, size_t size, size_t align, qy_addr_t min_addr,
			     qy_addr_t max_addr, int nid, unsigned int how)
{
	struct request rq = {
		.size = size,
		.align = align ? align : QY__MEMBLOCK_ALIGN,
		.start = min_addr,
		.end = min(resolve_end(mb, max_addr), mb->current_limit),
		.nid = nid,
		.exact = how & QY_MEMBLOCK_EXACT_NID,
		.mapped = true,
	};
	void *virt = NULL;
	qy_addr_t at;

	if (!mb->ops || !mb->ops->map)
		return NULL;
	at = climb(mb, &rq, &virt);
	if (!at && min_addr) {
		rq.start = 0;
		at = climb(mb, &rq, &virt);
	}
	if (!at)
		return NULL;
	if (how & QY_MEMBLOCK_RAW)
		return virt;
	if (mb->ops->zero)
		mb->ops->zero(mb->ctx, at, size);
	else
		memset(virt, 0, size);
	return virt;
}

void *qy_memblock_virt_or_panic(struct qy_memblock *mb, size_t size, size_t align)
{
	void *virt = qy_memblock_virt(mb, size, align);
	char text[80];

	if (virt)
		return virt;
	qy__snprintf(text, sizeof(text), "memblock: Failed to allocate %zu bytes", size);
	if (mb->ops && mb->ops->panic)
		mb->ops->panic(mb->ctx, text);
	abort();
}
