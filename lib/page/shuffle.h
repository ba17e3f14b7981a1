/* SPDX-License-Identifier: MIT */
/*
 * shuffle.h - free lists in random order, so that the next block's address cannot be foreseen.
 * The same seed and the same calls give the same order.
 */
#ifndef QY_PAGE_SHUFFLE_H
#define QY_PAGE_SHUFFLE_H

#include "page/page.h"

/*
 * The free blocks of the largest order change places on their lists; no other block, no memory and
 * no figure changes. Lock: zone->lock. Complexity: linear in the zone's blocks.
 */
void qy__shuffle_zone(struct qy_mm *mm, struct qy__zone *zone);

/* 63 new random bits, and above them a set bit that says where they end. */
QY_COLD uint64_t qy__shuffle_refill(struct qy_mm *mm);

/*
 * Does a free block go to the tail of its list? One random bit. Called under any zone's lock: two
 * zones may draw the same bit, which does no harm.
 */
static inline bool qy__shuffle_pick_tail(struct qy_mm *mm)
{
	uint64_t bits = qy__load_relaxed(&mm->shuffle.bits);

	if (unlikely(bits <= 1))
		bits = qy__shuffle_refill(mm);
	qy__store_relaxed(&mm->shuffle.bits, bits >> 1);
	return bits & 1;
}

#endif
