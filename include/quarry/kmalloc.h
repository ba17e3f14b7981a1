/* SPDX-License-Identifier: MIT */
/*
 * quarry/kmalloc.h - memory by size: a cache per size class, page blocks above two pages.
 *
 * Context: as types.h says. What has a size class usually takes no lock; else the lock of the
 * class's cache, then those of the page floor. With QY_GFP_DIRECT_RECLAIM shrinkers and the reclaim
 * hook may be called.
 */
#ifndef QUARRY_KMALLOC_H
#define QUARRY_KMALLOC_H

#include <quarry/types.h>

QY_BEGIN_DECLS

/**
 * qy_kmalloc, qy_kzalloc - memory for @size bytes; kzalloc: zeroed, as with QY_GFP_ZERO.
 * @size: bytes, at most the largest page block (2^max_order pages; debug: red zones included).
 * @gfp: QY_GFP_*. Zone and lifetime bits hold above two pages only, see types.h.
 * Return: memory aligned to the class's largest power-of-two divisor (KERNEL classes: a power of
 * two is naturally aligned) or to 16 bytes (FINE classes); QY_ZERO_SIZE_PTR for @size == 0; NULL
 * (errno ENOMEM) iff @size exceeds the largest page block or there are no free pages for it, as
 * qy_alloc_pages() says: that is reported there (QY_REPORT_NOMEM, not with NOWARN).
 * Complexity: O(1) if the calling CPU has an object at hand.
 */
QY_API void *qy_kmalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
QY_API void *qy_kzalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
/**
 * qy_kmalloc_array, qy_kcalloc - as qy_kmalloc() of @n * @size bytes; kcalloc: zeroed.
 * @n: elements. @size: bytes of one. Return: NULL too if the product overflows (errno
 * EOVERFLOW).
 */
QY_API void *qy_kmalloc_array(struct qy_mm *mm, size_t n, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
QY_API void *qy_kcalloc(struct qy_mm *mm, size_t n, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
/**
 * qy_kmalloc_aligned - as qy_kmalloc(), at a multiple of @align.
 * @align: bytes, a power of two up to the largest page block.
 * Return: as qy_kmalloc(); NULL too if @align is no power of two or too large (errno EINVAL).
 * @size == 0 gives QY_ZERO_SIZE_PTR.
 */
QY_API void *qy_kmalloc_aligned(struct qy_mm *mm, size_t size, size_t align,
				qy_gfp_t gfp) QY_MALLOC_LIKE;

/**
 * qy_krealloc - change the size; contents are kept up to the smaller size.
 * @p: a live object; NULL and QY_ZERO_SIZE_PTR: as qy_kmalloc().
 * @size: bytes; 0 frees @p and gives QY_ZERO_SIZE_PTR.
 * @gfp: QY_GFP_ZERO: every byte beyond the old request reads as zero (if the request is not
 *       tracked, beyond the old capacity).
 * Return: the new place (maybe the old), or NULL iff qy_kmalloc() would have nothing for @size
 * (errno ENOMEM), or @p is not a live object's start (EINVAL; reported, as far as qy_kfree() would
 * see it); then @p is as before.
 */
QY_API void *qy_krealloc(struct qy_mm *mm, void *p, size_t size, qy_gfp_t gfp) QY_MUST_CHECK;

/**
 * qy_kfree - give memory back.
 * @p: of this instance's kmalloc or one of its caches. NULL and QY_ZERO_SIZE_PTR are allowed.
 * A pointer that is not a live object's start is reported and nothing is freed: if it points to no
 * slab, in every build; if it points into a slab, where the cache has debug flags. Without them
 * such a mistake is not seen and does its damage.
 */
QY_API void qy_kfree(struct qy_mm *mm, const void *p);

/**
 * qy_ksize - bytes that may be used at @p.
 * Return: 0 for NULL and QY_ZERO_SIZE_PTR; the requested size where it is tracked; object_size
 * under RED_ZONE or POISON; else the slot's. 0 also, after a report, if @p is not a live object's
 * start (seen as with qy_kfree()).
 */
QY_API size_t qy_ksize(struct qy_mm *mm, const void *p);
/**
 * qy_kmalloc_size_roundup - bytes that a request of @size would really get, debugging aside.
 * Return: those; 0 for 0; @size if it exceeds the largest page block. Never fails, takes no lock.
 */
QY_API size_t qy_kmalloc_size_roundup(struct qy_mm *mm, size_t size);

QY_END_DECLS

#endif
