/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.h - kmalloc for the floors above: with a family, an alignment and the caller's address.
 */
#ifndef QY_KMALLOC_KMALLOC_H
#define QY_KMALLOC_KMALLOC_H

#include <quarry/debug.h>
#include <quarry/kmalloc.h>

#include "kmalloc/size_class.h"

/* What an entry point knows about a request. */
struct qy__request {
	size_t size, align; /* align 0: the usual */
	enum qy_family family;
	uintptr_t caller;    /* return address of the public function */
	bool sized, aligned; /* free: size / align were given and must match (0: not given) */
};

void *qy__kmalloc_request(struct qy_mm *mm, const struct qy__request *req, qy_gfp_t gfp);
/* Return: 0; -EINVAL after a report, nothing freed. */
int qy__kfree_request(struct qy_mm *mm, void *p, const struct qy__request *req);
void *qy__krealloc_request(struct qy_mm *mm, void *p, const struct qy__request *req, qy_gfp_t gfp);
/*
 * The bytes the user asked for, where tracked; else what he may use. As qy_ksize(), with the
 * caller.
 */
size_t qy__ksize_request(struct qy_mm *mm, const void *p, const struct qy__request *req);
/* Largest request kmalloc can ever serve. */
size_t qy__kmalloc_max(const struct qy_mm *mm);

#endif
