/* SPDX-License-Identifier: MIT */
/*
 * memblock.h - between memblock's files: a change of a set, and the two ways to make it.
 *
 *   memblock.c          set algebra, on one set in the array it has
 *   memblock_array.c    the same with a bigger array, if that one is too small
 *   memblock_find.c     finding and taking              memblock_iter.c      iterators
 *   memblock_query.c    questions                       memblock_limit.c     limits
 *   memblock_named.c    reservations with a name        memblock_handover.c  the end
 *   memblock_text.c     dumps, log lines
 */
#ifndef QY_EARLY_MEMBLOCK_H
#define QY_EARLY_MEMBLOCK_H

#include <quarry/early.h>

#include "util/compiler.h"

#define QY__ADDR_MAX (~(qy_addr_t)0)
#define QY__MEMBLOCK_ALIGN 64 /* what align 0 means to an allocation */
#define QY__MEMBLOCK_FLAGS 0x7fu

enum qy__memblock_verb {
	QY__MEMBLOCK_ADD,    /* fill the gaps of [base, end) with @nid and @set */
	QY__MEMBLOCK_DROP,   /* [base, end) goes */
	QY__MEMBLOCK_KEEP,   /* all but [base, end) goes, regions with a flag of @set stay whole */
	QY__MEMBLOCK_CHANGE, /* flags @clear go, @set come; @nid if @set_nid */
	QY__MEMBLOCK_TRIM,   /* regions shrink to multiples of @align */
	QY__MEMBLOCK_SPREAD, /* take the nodes of the regions of @nodes that overlap */
};

struct qy__memblock_change {
	enum qy__memblock_verb verb;
	qy_addr_t base, end;
	uint32_t set, clear;
	int32_t nid;
	bool set_nid;
	qy_addr_t align;
	const struct qy_memblock_type *nodes;
};

/* In the array that @type has. Return: 0, or -ENOMEM and nothing is changed: it is too small. */
int qy__memblock_apply(struct qy_memblock_type *type, const struct qy__memblock_change *change);
/* In a bigger one, if that is what it takes. */
int qy__memblock_change(struct qy_memblock *mb, struct qy_memblock_type *type,
			const struct qy__memblock_change *change);
/* What qy__memblock_change() does when it did not fit. */
int qy__memblock_change_bigger(struct qy_memblock *mb, struct qy_memblock_type *type,
			       const struct qy__memblock_change *change);
/* Does [base, end) touch an array that memblock holds in its own memory? */
bool qy__memblock_holds_array(const struct qy_memblock *mb, qy_addr_t base, qy_addr_t end);
void qy__memblock_reset_type(struct qy_memblock_type *type, const char *name,
			     struct qy_memblock_region *regions, uint32_t max);
void qy__memblock_reset(struct qy_memblock *mb);

/* The first region that ends behind @addr; cnt if there is none. */
uint32_t qy__memblock_lower_bound(const struct qy_memblock_type *type, qy_addr_t addr);

/* Is all of [base, end) in the set, and in no region with a flag of @without? */
bool qy__memblock_covers(const struct qy_memblock_type *type, qy_addr_t base, qy_addr_t end,
			 uint32_t without);

/* As qy_memblock_find_nid(), but @end is what it says. */
qy_addr_t qy__memblock_find_in(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
			       qy_addr_t size, qy_addr_t align, int nid, uint32_t flags);
/* Mirrored memory if there is some, and, with a warning, any. */
qy_addr_t qy__memblock_find_any(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
				qy_addr_t size, qy_addr_t align);

__attribute__((format(printf, 2, 3))) void qy__memblock_log(const struct qy_memblock *mb,
							    const char *fmt, ...);
/* The log line of a change, if debug is on. */
void qy__memblock_trace(const struct qy_memblock *mb, const char *what, qy_addr_t base,
			qy_addr_t size);

static inline qy_addr_t qy__region_end(const struct qy_memblock_region *r)
{
	return r->base + r->size;
}

/* The end of a range whose size is cut so that it does not wrap. */
static inline qy_addr_t qy__range_end(qy_addr_t base, qy_addr_t size)
{
	return base + min(size, QY__ADDR_MAX - base);
}

static inline uint64_t qy__pfn_up(qy_addr_t addr)
{
	return (addr >> QY_CONFIG_PAGE_SHIFT) + !!(addr & QY_PAGE_MASK);
}

static inline uint64_t qy__pfn_down(qy_addr_t addr)
{
	return addr >> QY_CONFIG_PAGE_SHIFT;
}

#endif
