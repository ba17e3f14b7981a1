/* SPDX-License-Identifier: MIT */
/*
 * quarry/check.h - the invariant checker: walks every list, writes nothing.
 *
 * Every walk is bounded by what the instance can hold, and every link is range-checked before it is
 * followed: a corrupted heap gives a violation, never a crash or an endless loop.
 * It cannot prove that a live object's user bytes are what the user wrote.
 */
#ifndef QUARRY_CHECK_H
#define QUARRY_CHECK_H

#include <quarry/types.h>

QY_BEGIN_DECLS

#define QY_CHECK_EARLY 0x1u /* MB*: the boot map */
/* B1-B10, B12, B14, C6, P1, P2, P4, Z1, Z4, Z8; B13: the ends of free blocks */
#define QY_CHECK_BUDDY 0x2u
#define QY_CHECK_SLAB 0x4u	/* S1-S10, U5, U6, U10-U14 */
#define QY_CHECK_VMAP 0x8u	/* V1, V3, V6 */
#define QY_CHECK_ZONE 0x10u	/* as BUDDY, and B11, B15, C1, Z2, Z3, Z5, CMA areas (CM) */
#define QY_CHECK_CONTENTS 0x20u /* as BUDDY, with every byte of free blocks (B13) */
#define QY_CHECK_ALL 0xffu

#define QY_CHECK_MAX 16 /* violations described; more are only counted */

struct qy_violation {
	char id[8];	/* "B3", "S2", … */
	char text[120]; /* in words, with the numbers */
};

struct qy_check_result {
	size_t struct_size; /* sizeof, set by the caller */
	unsigned int nr;    /* violations found */
	struct qy_violation v[QY_CHECK_MAX];
	uint64_t assertions; /* how many single tests were made: 0 means nothing was looked at */
};

/**
 * qy_check - verify the invariants named in @what.
 * @result: filled in; may be NULL.
 * Return: number of violations.
 * Context: takes the locks of what it walks, one after the other; the CPUs' page lists are stopped
 * for the walk over the page floor. Sheaves of other threads, and blocks on their way from a list
 * to a caller or back, are read without a lock: for a verdict on those the instance must be
 * quiescent.
 * The contents of free pages (B13) are looked at where they are known (page_poison, init_on_free),
 * but not in an anonymous instance of the debug build, where pages can be made to trap.
 * Complexity: linear in pages and objects.
 */
QY_API unsigned int qy_check(struct qy_mm *mm, unsigned int what, struct qy_check_result *result);

QY_END_DECLS

#endif
