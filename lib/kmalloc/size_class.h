/* SPDX-License-Identifier: MIT */
/*
 * size_class.h - from a size and an alignment to a class.
 *
 * Two tables of classes for requests that need no more than the usual alignment (kernel's, or
 * fine), and one of powers of two, naturally aligned, for those that do. On KERNEL instances the
 * first is also used for the second.
 */
#ifndef QY_KMALLOC_SIZE_CLASS_H
#define QY_KMALLOC_SIZE_CLASS_H

#include "slab/slab.h"

#define QY__KMALLOC_MAX_CLASS (2 * QY_PAGE_SIZE) /* above: page blocks */
#define QY__KMALLOC_CLASSES 64
#define QY__KMALLOC_TABLE                                                                          \
	(QY__KMALLOC_MAX_CLASS / 16 +                                                              \
	 1) /* by (size + 15) / 16, fine; (size + 7) / 8 below 192 for kernel */

struct qy__size_class {
	uint32_t size, align;
	struct qy_cache *cache; /* made at boot */
};

struct qy__kmalloc_state {
	unsigned int nr_classes; /* plain classes, ascending */
	unsigned int nr_aligned; /* classes[nr_classes … +nr_aligned): powers of two */
	struct qy__size_class classes[QY__KMALLOC_CLASSES];
	uint8_t index[QY__KMALLOC_MAX_CLASS / 8 + 1]; /* (size + 7) / 8 → plain class */
};

int qy__size_classes_init(struct qy_mm *mm);

/* The plain class of 1 … QY__KMALLOC_MAX_CLASS bytes. */
static QY_ALWAYS_INLINE const struct qy__size_class *qy__size_class(const struct qy_mm *mm,
								    size_t size)
{
	return &mm->kmalloc->classes[mm->kmalloc->index[(size + 7) / 8]];
}

/* The smallest class of at least @size bytes with at least @align; NULL: it takes a page block. */
const struct qy__size_class *qy__size_class_aligned(const struct qy_mm *mm, size_t size,
						    size_t align);

#endif
