/* SPDX-License-Identifier: MIT */
/*
 * quarry/kmalloc.h - memory by size: a cache per size class, page blocks above two pages.
 *
 * Context: any thread; not from signal handlers.
 */
#ifndef QUARRY_KMALLOC_H
#define QUARRY_KMALLOC_H

#include <quarry/types.h>

QY_BEGIN_DECLS

/**
 * qy_kmalloc - @size bytes.
 * Return: memory aligned to the class's largest power-of-two divisor (KERNEL classes: a power of
 * two is naturally aligned) or to 16 bytes (FINE classes); QY_ZERO_SIZE_PTR for @size == 0; NULL
 * iff @size exceeds the largest page block or memory is exhausted.
 */
QY_API void *qy_kmalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
QY_API void *qy_kzalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
/**
 * qy_kmalloc_array, qy_kcalloc - @n * @size bytes (kcalloc: zeroed); NULL too if the product
 * overflows.
 */
QY_API void *qy_kmalloc_array(struct qy_mm *mm, size_t n, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
QY_API void *qy_kcalloc(struct qy_mm *mm, size_t n, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
/**
 * qy_kmalloc_aligned - as qy_kmalloc(), at a multiple of @align (a power of two, up to the largest
 * page block). NULL too if @align is no power of two. @size == 0 gives QY_ZERO_SIZE_PTR.
 */
QY_API void *qy_kmalloc_aligned(struct qy_mm *mm, size_t size, size_t align,
				qy_gfp_t gfp) QY_MALLOC_LIKE;

/**
 * qy_krealloc - change the size; contents are kept up to the smaller size.
 * @size: 0 frees @p and gives QY_ZERO_SIZE_PTR.
 * @gfp: QY_GFP_ZERO: every byte beyond the old request reads as zero (if the request is not
 *       tracked, beyond the old capacity).
 * Return: the new place (maybe the old), or NULL iff memory is exhausted, the size is impossible or
 * @p is not a live object (reported); then @p is as before.
 */
QY_API void *qy_krealloc(struct qy_mm *mm, void *p, size_t size, qy_gfp_t gfp) QY_MUST_CHECK;

/**
 * qy_kfree - give memory back. NULL and QY_ZERO_SIZE_PTR are allowed.
 * A pointer that is not a live object's start is reported and nothing is freed (page blocks: in
 * every build; slab objects: in the debug build).
 */
QY_API void qy_kfree(struct qy_mm *mm, const void *p);

/**
 * qy_ksize - bytes that may be used at @p.
 * Return: 0 for NULL and QY_ZERO_SIZE_PTR; the requested size where it is tracked; object_size
 * under RED_ZONE or POISON; else the slot's. 0 after a report if @p is not a live object (debug
 * build).
 */
QY_API size_t qy_ksize(struct qy_mm *mm, const void *p);
/**
 * qy_kmalloc_size_roundup - what a request of @size would really get; 0 → 0; impossible → @size.
 */
QY_API size_t qy_kmalloc_size_roundup(struct qy_mm *mm, size_t size);

QY_END_DECLS

#endif
