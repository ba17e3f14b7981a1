/* SPDX-License-Identifier: MIT */
/*
 * quarry/vmalloc.h - virtually contiguous memory beyond the largest page block.
 *
 * On ANON instances an area is a mapping of its own between two guard pages; on ARENA instances
 * there is nothing to map, and vmalloc takes a page block.
 */
#ifndef QUARRY_VMALLOC_H
#define QUARRY_VMALLOC_H

#include <quarry/types.h>

QY_BEGIN_DECLS

/**
 * qy_vmalloc - @size bytes on a page border. Return: NULL iff @size is 0, impossible, or memory is
 * exhausted.
 */
QY_API void *qy_vmalloc(struct qy_mm *mm, size_t size) QY_MALLOC_LIKE;
QY_API void *qy_vzalloc(struct qy_mm *mm, size_t size) QY_MALLOC_LIKE;
/** qy_vfree - NULL is allowed; an address that starts no area is reported, nothing is freed. */
QY_API void qy_vfree(struct qy_mm *mm, const void *p);
/** qy_is_vmalloc_addr - is @p inside an area (guard pages excluded)? */
QY_API bool qy_is_vmalloc_addr(struct qy_mm *mm, const void *p);

/** qy_kvmalloc - kmalloc, else vmalloc. qy_kvfree picks by address. */
QY_API void *qy_kvmalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
QY_API void *qy_kvrealloc(struct qy_mm *mm, void *p, size_t size, qy_gfp_t gfp) QY_MUST_CHECK;
QY_API void qy_kvfree(struct qy_mm *mm, const void *p);

QY_END_DECLS

#endif
