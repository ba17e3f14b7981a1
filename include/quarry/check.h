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

/**
 * qy_image_open - read another process's instance, out of a copy of its memory (a core file, an
 * arena that was written to a file, process_vm_readv()).
 * @mm: the instance in the copy. The copy lies at the addresses that the span has in the process
 *      that it comes from, is private, and may be written; what was not copied reads as zero. The
 *      span of an arena is its buffer, with the instance at its start.
 *
 * Afterwards qy_check() and everything in info.h may be called with it, and nothing else: the
 * program's callbacks and constructors are not here. A copy taken while the instance was in use is
 * torn; reading it is bounded and does not crash, but finds violations that were none.
 * The default instance of a process is found by the symbol qy_root of the library it has loaded.
 * Context: no other thread uses @mm.
 * Return: 0; -EINVAL: that is no instance; -ENOTSUP: one of another version or build of the library
 * (the debug library does not read the release library's instances). It is unchanged then.
 */
QY_API int qy_image_open(struct qy_mm *mm) QY_MUST_CHECK;

/**
 * struct qy_root - where another process finds the default instance: read the symbol qy_root from
 * its memory. Fields are only ever added at the end. For reading only.
 */
struct qy_root {
	char magic[8];	      /* "QYROOT" and zeros */
	uint32_t version;     /* 1 */
	uint32_t struct_size; /* sizeof, in that process */
	struct qy_mm *mm;     /* the default instance; NULL: there is none yet */
	void *span;	      /* its span: start, … */
	size_t span_size;     /* … and bytes, most of them not in use */
};
extern QY_API struct qy_root qy_root;

QY_END_DECLS

#endif
