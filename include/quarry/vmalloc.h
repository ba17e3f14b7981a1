/* SPDX-License-Identifier: MIT */
/*
 * quarry/vmalloc.h - virtually contiguous memory beyond the largest page block.
 *
 * On ANON instances an area is a mapping of its own between two guard pages; on ARENA instances
 * there is nothing to map, and vmalloc takes a page block.
 *
 * Context: as types.h says. Takes the vmap lock, which is not held while the system maps or unmaps.
 * The record of a new area is allocated with QY_GFP_KERNEL: shrinkers and the reclaim hook may be
 * called, whatever the request's own flags are.
 */
#ifndef QUARRY_VMALLOC_H
#define QUARRY_VMALLOC_H

#include <quarry/types.h>

QY_BEGIN_DECLS

/**
 * qy_vmalloc, qy_vzalloc - memory that begins at a page border; vzalloc: every byte is zero.
 * @size: bytes, 1 … PTRDIFF_MAX less two red zones and rounding up; ARENA: the largest page block.
 * Return: the memory, or NULL iff @size is 0 (errno EINVAL) or too large, the system maps no more
 * (address space, limits), or there is no memory for the area's record; ARENA: there is no such
 * block (all ENOMEM). But for @size 0 a report of kind QY_REPORT_NOMEM says so.
 * Complexity: the system's for a mapping, plus expected O(log areas).
 */
QY_API void *qy_vmalloc(struct qy_mm *mm, size_t size) QY_MALLOC_LIKE;
QY_API void *qy_vzalloc(struct qy_mm *mm, size_t size) QY_MALLOC_LIKE;
/**
 * qy_vfree - give an area back.
 * @p: what qy_vmalloc(), qy_vzalloc() or, for an area, qy_kvmalloc() returned; NULL is allowed.
 * Anything else is reported in every build (an address inside of an area, one that was freed, one
 * that belongs to no area), and nothing is freed.
 * Context: debug instances keep the dead area, closed to access, for a while.
 */
QY_API void qy_vfree(struct qy_mm *mm, const void *p);
/**
 * qy_is_vmalloc_addr - does @p point into the pages of a live area (guard pages excluded)?
 * Return: false also for what vmalloc took from page blocks (ARENA), and for an area that was
 * freed. Nothing is reported.
 */
QY_API bool qy_is_vmalloc_addr(struct qy_mm *mm, const void *p);

/**
 * qy_kvmalloc - as qy_kmalloc(), and where no block is large enough, or none is free, an area.
 * @size: bytes. Up to a page there is kmalloc only; above, kmalloc fails without a report.
 * @gfp: as with qy_kmalloc(); for an area only ZERO and NOWARN. NOFAIL: kmalloc's last resort, the
 *       end of the program, comes before an area is tried.
 * Return: the memory: aligned as qy_kmalloc() says, or, an area, to 16 bytes at least;
 * QY_ZERO_SIZE_PTR iff @size is 0; or NULL (errno ENOMEM) iff kmalloc and then (above a page)
 * vmalloc have none, for the reasons they give. Unless NOWARN, that is reported (QY_REPORT_NOMEM).
 */
QY_API void *qy_kvmalloc(struct qy_mm *mm, size_t size, qy_gfp_t gfp) QY_MALLOC_LIKE;
/**
 * qy_kvrealloc - change the size; contents are kept up to the smaller size. Memory may change from
 * a block to an area and back.
 * @p: memory of qy_kmalloc(), qy_vmalloc(), qy_kvmalloc() and their relatives; NULL and
 *     QY_ZERO_SIZE_PTR: as qy_kvmalloc().
 * @size: bytes; 0 frees @p and gives QY_ZERO_SIZE_PTR.
 * @gfp: as with qy_kvmalloc(); ZERO: as with qy_krealloc().
 * Return: the new place (maybe the old), or NULL iff qy_kvmalloc() would have none for @size (errno
 * ENOMEM), or @p is not a live object's start (EINVAL; reported as qy_krealloc() and qy_vfree()
 * say); then @p is as before.
 */
QY_API void *qy_kvrealloc(struct qy_mm *mm, void *p, size_t size, qy_gfp_t gfp) QY_MUST_CHECK;
/**
 * qy_kvfree - qy_kfree() or qy_vfree(), by the address; what is wrong is reported as there.
 * @p: NULL and QY_ZERO_SIZE_PTR are allowed.
 */
QY_API void qy_kvfree(struct qy_mm *mm, const void *p);

QY_END_DECLS

#endif
