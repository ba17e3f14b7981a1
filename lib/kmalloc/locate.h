/* SPDX-License-Identifier: MIT */
/*
 * locate.h - the one answer to "what is this address".
 *
 * Only descriptors are read, never the memory that @p points to (CVE-2025-39902: a report about an
 * invalid pointer must not touch it). The answer is as good as the caller's hold on the object: who
 * frees or resizes it owns it. What lies in no page of the instance may be an area of vmalloc's:
 * that floor looks there.
 */
#ifndef QY_KMALLOC_LOCATE_H
#define QY_KMALLOC_LOCATE_H

#include "slab/slab.h"

enum qy__place_kind {
	QY__PLACE_NOWHERE, /* in no page of the instance */
	QY__PLACE_UNUSED,  /* in free or reserved pages, or in pages that are not there */
	QY__PLACE_PAGES,   /* in a page block of alloc_pages */
	QY__PLACE_SLAB,	   /* in a slab */
	QY__PLACE_LARGE,   /* in a kmalloc block above the size classes */
};

struct qy__place {
	enum qy__place_kind kind;
	int index;	      /* SLAB: of the object whose slot holds it; -1: behind the last one */
	struct qy_page *head; /* of the block; NULL for NOWHERE */
	struct qy_cache *cache; /* SLAB: whose; NULL: the descriptor is damaged */
	char *object;		/* SLAB, LARGE: its start; NULL: there is none */
	ptrdiff_t offset;	/* from there; negative: in the red zone before it */
};

/* O(1), no lock. */
struct qy__place qy__locate(const struct qy_mm *mm, const void *p);

/* Is it the start of an object? */
static inline bool qy__place_is_start(const struct qy__place *at)
{
	return at->object && !at->offset;
}

/* Is it the start of an object that is live, as far as this build can tell? Reports nothing. */
bool qy__place_is_live(const struct qy_mm *mm, const struct qy__place *at);

#endif
