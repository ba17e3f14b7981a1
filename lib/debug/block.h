/* SPDX-License-Identifier: MIT */
/*
 * block.h - one debugged block that holds one object: a large kmalloc block, an area of vmalloc's.
 *
 *   start                                                            start + length
 *   [ (not watched) | left red zone | object: size | right red zone ]
 *                   ^ offset - left ^ offset
 *
 * A view: whoever keeps such blocks fills it from his own records, which lie out of reach of any
 * overflow, and writes back what changes. Whose turn it is with the block is his business, too: all
 * functions here expect that nobody else changes it meanwhile.
 */
#ifndef QY_DEBUG_BLOCK_H
#define QY_DEBUG_BLOCK_H

#include "debug/poison.h"
#include "page/page_report.h"
#include "slab/call.h"

/* Who allocated or freed an object, 32 bytes: as it lies in a slot, too. */
struct qy__track {
	uintptr_t addr;
	uint32_t stack, cpu;
	int32_t tid;
	uint32_t check; /* of the other fields: an overwritten record is not believed */
	uint64_t when;
};
_Static_assert(sizeof(struct qy__track) == 32, "linux-mm: a track is 32 bytes");
enum { QY__TRACK_ALLOC, QY__TRACK_FREE };

/* How a live object was asked for. */
struct qy__origin {
	bool known;	    /* false: not tracked or overwritten; size is the object's then */
	size_t size, align; /* align 0: the usual */
	enum qy_family family;
};

struct qy__block {
	struct qy_mm *mm;
	const char *cache;     /* what reports call it */
	qy_slab_flags_t flags; /* debug letters that hold for it */
	char *start;
	size_t length, offset, left;
	size_t size, align; /* asked for; align 0: the usual */
	enum qy_family family;
	struct qy__track alloc, free;
	uint64_t poison; /* once freed; 0: the kernel's (poison.h) */
	bool freed;
	bool closed; /* no access passes: its bytes cannot be shown */
};

static inline char *qy__block_object(const struct qy__block *b)
{
	return b->start + b->offset;
}

/* ---- bytes ---- */

/* Both zones get @value, if there are such. */
void qy__block_fill_zones(const struct qy__block *b, uint8_t value);
/* The object's bytes from @from on are poisoned, if that is wanted. */
void qy__block_fill_poison(const struct qy__block *b, size_t from);
/* Regions that may be damaged, each at most once: zones, body, its end. */
#define QY__BLOCK_REGIONS 4
/* The first damage there is. Reads only. */
bool qy__block_find_damage(const struct qy__block *b, struct qy__damage *d);
bool qy__block_find_poison(const struct qy__block *b, struct qy__damage *d);
/* Report it, and repair. */
void qy__block_tell_damage(const struct qy__block *b, const struct qy__damage *d,
			   const struct qy__call *call);
/* Report and repair what was written where nobody may write. Return: number of reports. */
unsigned int qy__block_check(const struct qy__block *b, const struct qy__call *call);

/* ---- reports ---- */

/* All that is known of the block, but not who asks. */
void qy__block_describe(struct qy_report *r, const struct qy__block *b);
/* A report about @b, all but title and fix. @call: who asks; NULL: nobody in particular. */
void qy__block_report(struct qy_report *r, const struct qy__block *b, enum qy_report_kind kind,
		      const struct qy__call *call);
/* Does the way it is given back fit the way it was asked for? Reports if not. */
void qy__block_check_claim(const struct qy__block *b, const struct qy__call *call);

#endif
