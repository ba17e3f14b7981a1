/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.h - kmalloc for the floors above: with a family, an alignment and the caller's address.
 */
#ifndef QY_KMALLOC_KMALLOC_H
#define QY_KMALLOC_KMALLOC_H

#include <quarry/debug.h>
#include <quarry/kmalloc.h>

#include "kmalloc/locate.h"
#include "kmalloc/size_class.h"

/* NULL, and for kernel-style callers what stands for no bytes: C has no such pointer. */
static inline bool qy__is_nothing(const void *p, const struct qy__call *call)
{
	return call->libc ? !p : QY_ZERO_OR_NULL_PTR(p);
}

/* The public calls, with everything that an entry point knows in @call. */
void *qy__kmalloc_call(struct qy_mm *mm, struct qy__call *call, qy_gfp_t gfp);
/* Return: 0; -EINVAL after a report, nothing freed. */
int qy__kfree_call(struct qy_mm *mm, void *p, struct qy__call *call);
void *qy__krealloc_call(struct qy_mm *mm, void *p, struct qy__call *call, qy_gfp_t gfp);
/*
 * The bytes the user asked for, where tracked; else what he may use. As qy_ksize(), with the
 * caller.
 */
size_t qy__ksize_call(struct qy_mm *mm, const void *p, struct qy__call *call);
/* Largest request kmalloc can ever serve. */
size_t qy__kmalloc_max(const struct qy_mm *mm);

#endif
