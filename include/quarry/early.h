/* SPDX-License-Identifier: MIT */
/*
 * quarry/early.h - memblock: a range set with attributes, and the allocator an instance boots from.
 *
 * Usable alone (firmware maps, guest memory maps): it only counts in addresses and never touches
 * the memory they name. Not locked: the caller serialises.
 */
#ifndef QUARRY_EARLY_H
#define QUARRY_EARLY_H

#include <quarry/types.h>

QY_BEGIN_DECLS

typedef uint64_t qy_addr_t;

#define QY_MEMBLOCK_NONE 0u
#define QY_MEMBLOCK_HOTPLUG 1u
#define QY_MEMBLOCK_MIRROR 2u
#define QY_MEMBLOCK_NOMAP 4u
#define QY_MEMBLOCK_REGIONS 128

struct qy_memblock_region {
	qy_addr_t base, size;
	uint32_t flags;
	int32_t nid;
};

struct qy_memblock_type {
	uint32_t cnt, max;
	qy_addr_t total_size;
	struct qy_memblock_region regions[QY_MEMBLOCK_REGIONS];
};

struct qy_memblock {
	size_t struct_size;
	bool bottom_up;
	qy_addr_t current_limit; /* exclusive end for "accessible" searches */
	struct qy_memblock_type memory, reserved;
};

#define QY_MEMBLOCK_ALLOC_ANYWHERE (~(qy_addr_t)0)
#define QY_MEMBLOCK_ALLOC_ACCESSIBLE ((qy_addr_t)0)

QY_API void qy_memblock_init(struct qy_memblock *mb);
/**
 * qy_memblock_add, _remove, _reserve, _free - set algebra on the two types. What exists keeps its
 * attributes; only gaps are added. @size is cut so that the end does not wrap; 0 is success.
 * Return: 0, or -ENOMEM with nothing changed: more than 128 regions would be needed.
 */
QY_API int qy_memblock_add(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size, int nid,
			   uint32_t flags);
QY_API int qy_memblock_remove(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size);
QY_API int qy_memblock_reserve(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size);
QY_API int qy_memblock_free(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size);
/**
 * qy_memblock_find - a free range; top-down gives the highest, bottom-up the lowest.
 * Return: its base, or 0 iff there is none (the first page is never given out).
 */
QY_API qy_addr_t qy_memblock_find(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
				  qy_addr_t size, qy_addr_t align);
/**
 * qy_memblock_alloc - find and reserve. @align 0: 64. Return: base, or 0 as above or if the
 * reserved array is full.
 */
QY_API qy_addr_t qy_memblock_alloc(struct qy_memblock *mb, qy_addr_t size, qy_addr_t align,
				   qy_addr_t start, qy_addr_t end);
QY_API bool qy_memblock_is_memory(const struct qy_memblock *mb, qy_addr_t addr);
QY_API bool qy_memblock_is_reserved(const struct qy_memblock *mb, qy_addr_t addr);
QY_API bool qy_memblock_is_region_memory(const struct qy_memblock *mb, qy_addr_t base,
					 qy_addr_t size); /* fully inside */
QY_API bool qy_memblock_is_region_reserved(const struct qy_memblock *mb, qy_addr_t base,
					   qy_addr_t size); /* any overlap */
/**
 * qy_memblock_next_free - iterate memory minus reserved, upwards. Start with *@cursor = 0.
 * Return: false at the end; else [*@start, *@end) is a free range.
 */
QY_API bool qy_memblock_next_free(const struct qy_memblock *mb, uint64_t *cursor, qy_addr_t *start,
				  qy_addr_t *end);

QY_END_DECLS

#endif
