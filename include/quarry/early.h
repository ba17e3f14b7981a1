/* SPDX-License-Identifier: MIT */
/*
 * quarry/early.h - memblock: a range set with attributes, and the allocator an instance boots from;
 * bootmem, a bitmap of pages, which is older.
 *
 * Usable alone (firmware maps, guest memory maps): it only counts in addresses and never touches
 * the memory they name.
 *
 * Context: nothing here takes a lock or calls the system. The caller sees to it that nobody changes
 * a set while others use it; questions may be asked by many at once. With that it is as good in a
 * signal handler, or after fork(), as anywhere. Hooks are called by the functions that need them.
 */
#ifndef QUARRY_EARLY_H
#define QUARRY_EARLY_H

#include <quarry/types.h>

QY_BEGIN_DECLS

typedef uint64_t qy_addr_t;

/* ---- memblock: the memory there is, and the part of it that is taken ---- */

/* What a region can be. Memory: the first four and SCRATCH; reserved: RSRV_*. */
#define QY_MEMBLOCK_NONE 0u
#define QY_MEMBLOCK_HOTPLUG 0x1u	/* may be unplugged: not used if movable_node is set */
#define QY_MEMBLOCK_MIRROR 0x2u		/* kept twice by the machine: used first, once marked */
#define QY_MEMBLOCK_NOMAP 0x4u		/* memory that is never touched, nor given out */
#define QY_MEMBLOCK_DRIVER_MANAGED 0x8u /* memory that a driver added: never given out */
#define QY_MEMBLOCK_RSRV_NOINIT 0x10u	/* its page descriptors need no initialisation */
#define QY_MEMBLOCK_RSRV_KERN 0x20u	/* taken by an allocation, not by a map of the machine */
#define QY_MEMBLOCK_KHO_SCRATCH 0x40u	/* the only memory used if scratch_only is set */

#define QY_NO_NODE (-1)
#define QY_MEMBLOCK_REGIONS 128	      /* of memory and of reserved, before an array grows */
#define QY_MEMBLOCK_PHYSMEM_REGIONS 4 /* ditto of physmem */
#define QY_MEMBLOCK_NAMES 8
#define QY_MEMBLOCK_NAME_LEN 16

struct qy_memblock_region {
	qy_addr_t base, size;
	uint32_t flags;
	int32_t nid;
};

/**
 * struct qy_memblock_type - one set of regions: ascending, apart or different; an empty set has
 * @cnt 0. Read what you like; change it through the functions only.
 * @regions: the array in struct qy_memblock, or a bigger one
 * @array_size: bytes of the bigger one; 0: there is none
 * @array_addr: where it lies, as a reserved range; 0: it came from the array_alloc() hook
 */
struct qy_memblock_type {
	const char *name;
	uint32_t cnt, max;
	qy_addr_t total_size;
	struct qy_memblock_region *regions;
	qy_addr_t array_addr;
	size_t array_size;
};

struct qy_memblock_name {
	char name[QY_MEMBLOCK_NAME_LEN + 1];
	qy_addr_t start, size;
};

struct qy_memblock_ops;

/**
 * struct qy_memblock - both sets, and how they are searched. Never copied to another address: the
 * types point into it. Fields down to @ops may be set at any time.
 */
struct qy_memblock {
	size_t struct_size;
	bool bottom_up;	   /* the lowest place that fits instead of the highest */
	bool has_mirror;   /* mirrored memory first; qy_memblock_mark_mirror() sets it */
	bool movable_node; /* leave HOTPLUG memory out */
	bool scratch_only; /* leave all but KHO_SCRATCH memory out */
	bool debug;	   /* a log line for each change */
	bool can_resize;
	uint32_t nr_names;
	qy_addr_t current_limit; /* exclusive end for "accessible" searches */
	const struct qy_memblock_ops *ops;
	void *ctx;
	struct qy_memblock_type memory, reserved, physmem;
	struct qy_memblock_name names[QY_MEMBLOCK_NAMES];
	struct qy_memblock_region memory_regions[QY_MEMBLOCK_REGIONS];
	struct qy_memblock_region reserved_regions[QY_MEMBLOCK_REGIONS];
	struct qy_memblock_region physmem_regions[QY_MEMBLOCK_PHYSMEM_REGIONS];
};

/**
 * struct qy_memblock_ops - how memblock reaches what it otherwise only counts in. Every hook may be
 * NULL; none may call back into the same memblock.
 * @map: pointer to the memory at an address, for virt allocations and arrays; NULL: out of reach
 * @zero: makes memory zero; without it, what @map gives is written
 * @array_alloc: memory for a bigger array of regions; without it memblock takes a free range of its
 *		 own, page aligned, and reserves it
 * @array_free: takes it back
 * @log: a line of text, without newline: warnings, and debug lines
 * @panic: qy_memblock_virt_or_panic() failed; abort() follows if it returns
 */
struct qy_memblock_ops {
	size_t struct_size;
	void *(*map)(void *ctx, qy_addr_t addr, qy_addr_t size);
	void (*zero)(void *ctx, qy_addr_t addr, qy_addr_t size);
	void *(*array_alloc)(void *ctx, size_t size);
	void (*array_free)(void *ctx, void *array, size_t size);
	void (*log)(void *ctx, const char *text);
	void (*panic)(void *ctx, const char *text);
};

#define QY_MEMBLOCK_ALLOC_ANYWHERE (~(qy_addr_t)0)
#define QY_MEMBLOCK_ALLOC_ACCESSIBLE ((qy_addr_t)0)   /* as an end: current_limit */
#define QY_MEMBLOCK_ALLOC_NOLEAKTRACE ((qy_addr_t)1)  /* ditto */
#define QY_MEMBLOCK_LOW_LIMIT ((qy_addr_t)0xffffffff) /* end of what virt_low gives */

/*
 * Two kinds of failure run through all of this, and neither leaves anything changed:
 *
 * -ENOMEM  the set needs more regions than its array holds, and there is no bigger one to be had:
 *	    resizing was not allowed, there is neither hook nor room, or @map does not reach it.
 *	    An array grows if and only if the result does not fit; max doubles until it does; the
 *	    new array never lies in the range of the call that needs it.
 * -EBUSY   the range holds an array that is in use.
 *
 * Ranges are cut so that their end does not wrap; the last byte of the address space is in none. A
 * range of size 0 is success without effect. Time is linear in the number of regions.
 */
/** qy_memblock_init - @mb is empty, whatever it was before. Cannot fail. */
QY_API void qy_memblock_init(struct qy_memblock *mb);
/**
 * qy_memblock_set_ops - @ops stay the caller's and must outlive @mb; NULL: none.
 * Return: 0, or -EINVAL: struct_size is not known.
 */
QY_API int qy_memblock_set_ops(struct qy_memblock *mb, const struct qy_memblock_ops *ops,
			       void *ctx);
/** qy_memblock_map_at - a ready @map: the memory begins at @ctx (NULL: addresses are pointers). */
QY_API void *qy_memblock_map_at(void *ctx, qy_addr_t addr, qy_addr_t size);
/** qy_memblock_allow_resize - arrays may grow from now on: what is in use has been reserved. */
QY_API void qy_memblock_allow_resize(struct qy_memblock *mb);

/**
 * qy_memblock_add, _reserve, _reserve_node - union with memory or reserved. What exists keeps its
 * attributes; only gaps are added.
 * qy_memblock_remove, _free - difference.
 * qy_memblock_physmem_add - a third set, for whoever wants to keep the machine's map as it was.
 * Return: 0; -ENOMEM; -EBUSY (remove, free); -EINVAL: a flag that does not exist.
 */
QY_API int qy_memblock_add(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size, int nid,
			   uint32_t flags);
QY_API int qy_memblock_remove(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size);
QY_API int qy_memblock_reserve(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size);
QY_API int qy_memblock_reserve_node(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size, int nid,
				    uint32_t flags);
QY_API int qy_memblock_free(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size);
QY_API int qy_memblock_physmem_add(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size);

/**
 * qy_memblock_set_flags, _clear_flags, _set_node - change attributes of what @type (one of @mb's)
 * has in a range; regions are split at its borders, and joined where they have become alike.
 * qy_memblock_mark_mirror - set MIRROR, and prefer mirrored memory from now on.
 * Return: 0, -ENOMEM, or -EINVAL: no such flag, or not a type of @mb.
 */
QY_API int qy_memblock_set_flags(struct qy_memblock *mb, struct qy_memblock_type *type,
				 qy_addr_t base, qy_addr_t size, uint32_t flags);
QY_API int qy_memblock_clear_flags(struct qy_memblock *mb, struct qy_memblock_type *type,
				   qy_addr_t base, qy_addr_t size, uint32_t flags);
QY_API int qy_memblock_set_node(struct qy_memblock *mb, struct qy_memblock_type *type,
				qy_addr_t base, qy_addr_t size, int nid);
QY_API int qy_memblock_mark_mirror(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size);

/* ---- finding and taking ---- */

/**
 * qy_memblock_find - a free range inside [max(@start, one page), @end): the highest that fits, or,
 * bottom-up, the lowest. @end may be ACCESSIBLE. @align 0: 1. HOTPLUG memory (if movable_node),
 * NOMAP and DRIVER_MANAGED memory are left out. Of mirrored memory, if there is some; else, with a
 * warning, of any.
 * qy_memblock_find_nid - the same on one node (QY_NO_NODE: any), with exactly these @flags: MIRROR
 * and KHO_SCRATCH demand, HOTPLUG, NOMAP and DRIVER_MANAGED permit.
 * Return: its base, or 0 iff there is none (the first page is never given out).
 */
QY_API qy_addr_t qy_memblock_find(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
				  qy_addr_t size, qy_addr_t align);
QY_API qy_addr_t qy_memblock_find_nid(const struct qy_memblock *mb, qy_addr_t start, qy_addr_t end,
				      qy_addr_t size, qy_addr_t align, int nid, uint32_t flags);
/**
 * qy_memblock_alloc - find and reserve (as RSRV_KERN). @align 0: 64, a cache line.
 * qy_memblock_alloc_range_nid - the ladder: on @nid; on any node, unless @exact; all again without
 * insisting on mirrored memory, with a warning. The reservation is noted with the node only if it
 * was found there.
 * Return: base, or 0: none was found, or it could not be noted (as -ENOMEM above).
 */
QY_API qy_addr_t qy_memblock_alloc(struct qy_memblock *mb, qy_addr_t size, qy_addr_t align,
				   qy_addr_t start, qy_addr_t end);
QY_API qy_addr_t qy_memblock_alloc_range_nid(struct qy_memblock *mb, qy_addr_t size,
					     qy_addr_t align, qy_addr_t start, qy_addr_t end,
					     int nid, bool exact);

#define QY_MEMBLOCK_RAW 0x1u	   /* not zeroed */
#define QY_MEMBLOCK_EXACT_NID 0x2u /* this node or none */
/**
 * qy_memblock_virt_alloc - the same as a pointer (@map), zeroed unless RAW (@zero), below
 * current_limit in any case; if there is nothing at or above @min_addr, then anywhere below.
 * qy_memblock_virt_or_panic - never NULL: panics.
 * Return: the memory, or NULL: as above, or there is no @map, or it does not reach what was found.
 */
QY_API void *qy_memblock_virt_alloc(struct qy_memblock *mb, size_t size, size_t align,
				    qy_addr_t min_addr, qy_addr_t max_addr, int nid,
				    unsigned int how);
QY_API void *qy_memblock_virt_or_panic(struct qy_memblock *mb, size_t size, size_t align);

/* ---- questions ---- */

/*
 * None of these can fail or changes anything. Sizes and addresses are in bytes; ranges are
 * [base, base + size), cut where they would wrap. Complexity: O(log regions), unless said
 * otherwise.
 */
/** qy_memblock_phys_mem_size - bytes of memory. qy_memblock_reserved_size - of reserved. O(1). */
QY_API qy_addr_t qy_memblock_phys_mem_size(const struct qy_memblock *mb);
QY_API qy_addr_t qy_memblock_reserved_size(const struct qy_memblock *mb);
/**
 * qy_memblock_reserved_kern_size - bytes below @limit taken by allocations (RSRV_KERN) on @nid, or
 * QY_NO_NODE: on any. O(regions).
 */
QY_API qy_addr_t qy_memblock_reserved_kern_size(const struct qy_memblock *mb, qy_addr_t limit,
						int nid);
/**
 * qy_memblock_estimated_nr_free_pages - bytes of memory less bytes of reserved, in whole pages, at
 * least 0. O(1): reserved ranges that are no memory count, too.
 */
QY_API uint64_t qy_memblock_estimated_nr_free_pages(const struct qy_memblock *mb);
/**
 * qy_memblock_start_of_DRAM, _end_of_DRAM - the first byte of memory, and the first behind it all;
 * both 0 if there is none. O(1).
 */
QY_API qy_addr_t qy_memblock_start_of_DRAM(const struct qy_memblock *mb);
QY_API qy_addr_t qy_memblock_end_of_DRAM(const struct qy_memblock *mb);
/**
 * qy_memblock_is_memory - is the byte at @addr in a region of memory?
 * qy_memblock_is_map_memory - … in one that is not NOMAP?
 * qy_memblock_is_reserved - … in a region of reserved, be it memory or not?
 */
QY_API bool qy_memblock_is_memory(const struct qy_memblock *mb, qy_addr_t addr);
QY_API bool qy_memblock_is_map_memory(const struct qy_memblock *mb, qy_addr_t addr);
QY_API bool qy_memblock_is_reserved(const struct qy_memblock *mb, qy_addr_t addr);
/**
 * qy_memblock_is_region_memory - is all of the range memory, in one region or in several that
 * touch? With @size 0: is the byte at @base? O(regions).
 * qy_memblock_is_region_reserved - is a byte of the range reserved? false for @size 0.
 * qy_memblock_overlaps_region - the same with any set, one of struct qy_memblock's or another.
 */
QY_API bool qy_memblock_is_region_memory(const struct qy_memblock *mb, qy_addr_t base,
					 qy_addr_t size);
QY_API bool qy_memblock_is_region_reserved(const struct qy_memblock *mb, qy_addr_t base,
					   qy_addr_t size);
QY_API bool qy_memblock_overlaps_region(const struct qy_memblock_type *type, qy_addr_t base,
					qy_addr_t size);
/**
 * qy_memblock_search_pfn_nid - the region of memory that holds the first byte of page @pfn: its
 * node, and its bounds as page numbers, rounded down.
 * @nid: QY_NO_NODE if the region has none.
 * Return: true, or false: not memory, nothing was written.
 */
QY_API bool qy_memblock_search_pfn_nid(const struct qy_memblock *mb, uint64_t pfn, int *nid,
				       uint64_t *start_pfn, uint64_t *end_pfn);
/**
 * qy_memblock_validate_numa_coverage - is at most @threshold bytes of memory without a node? If it
 * is more, a line goes to the log() hook. O(regions).
 */
QY_API bool qy_memblock_validate_numa_coverage(const struct qy_memblock *mb, qy_addr_t threshold);

/* ---- iterators ---- */

/**
 * qy_memblock_next_range - the parts of @type_a that are not in @type_b (NULL: all of them), one
 * by one, upwards; of @type_a's regions only those of @nid (QY_NO_NODE: any), and, if it is memory,
 * those that @flags (see find_nid) let through. A part never reaches over the border of a region.
 * @cursor: 0 at first; then the low half is the index in @type_a, the high half the index of the
 *	    gap in @type_b (gap i lies before region i, the last one behind them all); all ones: the
 *	    end
 * @out_nid: may be NULL
 * qy_memblock_next_range_rev - the same parts downwards. @cursor: all ones at first.
 * Return: false at the end, else [*@start, *@end) is the next part. A cursor may be kept as long as
 * the sets are not changed.
 */
QY_API bool qy_memblock_next_range(const struct qy_memblock *mb,
				   const struct qy_memblock_type *type_a,
				   const struct qy_memblock_type *type_b, int nid, uint32_t flags,
				   uint64_t *cursor, qy_addr_t *start, qy_addr_t *end,
				   int *out_nid);
QY_API bool qy_memblock_next_range_rev(const struct qy_memblock *mb,
				       const struct qy_memblock_type *type_a,
				       const struct qy_memblock_type *type_b, int nid,
				       uint32_t flags, uint64_t *cursor, qy_addr_t *start,
				       qy_addr_t *end, int *out_nid);
/**
 * qy_memblock_next_pfn_range - whole pages of memory, region by region; of @nid only (QY_NO_NODE:
 * any). @cursor: 0 at first. @out_nid: may be NULL. Return: false at the end.
 */
QY_API bool qy_memblock_next_pfn_range(const struct qy_memblock *mb, int nid, uint64_t *cursor,
				       uint64_t *start_pfn, uint64_t *end_pfn, int *out_nid);
/**
 * qy_memblock_next_free - memory minus reserved, upwards, of any node, as qy_memblock_next_range()
 * with QY_MEMBLOCK_NONE.
 */
QY_API bool qy_memblock_next_free(const struct qy_memblock *mb, uint64_t *cursor, qy_addr_t *start,
				  qy_addr_t *end);

/* ---- limits ---- */

/**
 * qy_memblock_enforce_memory_limit - keep the lowest @limit bytes of memory; what lies above is
 * neither memory nor reserved any more. 0: no limit.
 * qy_memblock_cap_memory_range - keep [base, base + size) of both sets, and all NOMAP memory.
 * qy_memblock_mem_limit_remove_map - cap to the lowest @limit bytes of memory.
 * qy_memblock_trim_memory - shrink each region of memory inwards to multiples of @align; what
 * vanishes is dropped.
 * Return: 0, -EBUSY, or -EINVAL: @align is 0.
 */
QY_API int qy_memblock_enforce_memory_limit(struct qy_memblock *mb, qy_addr_t limit);
QY_API int qy_memblock_cap_memory_range(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size);
QY_API int qy_memblock_mem_limit_remove_map(struct qy_memblock *mb, qy_addr_t limit);
QY_API int qy_memblock_trim_memory(struct qy_memblock *mb, qy_addr_t align);

/* ---- named reservations ---- */

/**
 * qy_memblock_reserve_named - take @size bytes that others find by name. @align: at least 64.
 * qy_memblock_reserve_mem - the same from "size:align:name"; numbers as C writes them, with a
 * suffix K, M, G or T.
 * Return: 0; -EINVAL: size 0, name empty, of blanks, or longer than 16; -EBUSY: the name is taken,
 * or there are 8; -ENOMEM: no place, or no region to note it.
 */
QY_API int qy_memblock_reserve_named(struct qy_memblock *mb, const char *name, qy_addr_t size,
				     qy_addr_t align);
QY_API int qy_memblock_reserve_mem(struct qy_memblock *mb, const char *option);
/** qy_memblock_find_named - false: no such name, nothing was written. */
QY_API bool qy_memblock_find_named(const struct qy_memblock *mb, const char *name, qy_addr_t *start,
				   qy_addr_t *size);
/** qy_memblock_release_named - free it. Return: 0, -ENOENT, or what qy_memblock_free() says. */
QY_API int qy_memblock_release_named(struct qy_memblock *mb, const char *name);

/* ---- the end: handing over to a page allocator ---- */

/* A free block: page number and order (2^order pages, at a multiple of its size). */
typedef void (*qy_memblock_give_fn)(void *ctx, uint64_t pfn, unsigned int order);

/**
 * qy_memblock_free_all - HOTPLUG marks go, reserved regions learn the node of the memory under them
 * (where it has one), then each free range is given in the largest aligned blocks: order = the
 * lowest set bit of the page number, at most @max_order, lowered until it fits. Part pages are not
 * given. @pages: their number; may be NULL.
 * Return: 0, or -ENOMEM: nodes split reserved regions into more than can be noted; nothing was
 * given.
 */
QY_API int qy_memblock_free_all(struct qy_memblock *mb, unsigned int max_order,
				qy_memblock_give_fn give, void *ctx, uint64_t *pages);
/**
 * qy_memblock_free_late - free after free_all: the whole pages of the range are given.
 * Return: 0, -ENOMEM, -EBUSY, or -EINVAL: not all of the range is reserved memory that may be used.
 */
QY_API int qy_memblock_free_late(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size,
				 unsigned int max_order, qy_memblock_give_fn give, void *ctx,
				 uint64_t *pages);
/** qy_memblock_discard - the sets' end: arrays that grew are given too. Return: pages given. */
QY_API uint64_t qy_memblock_discard(struct qy_memblock *mb, unsigned int max_order,
				    qy_memblock_give_fn give, void *ctx);

/* ---- text ---- */

/**
 * qy_memblock_dump_all - what the kernel logs with memblock=debug.
 * qy_memblock_dump_type - a set as /sys/kernel/debug/memblock/… shows it.
 * Return: length of the whole text; at most @size - 1 bytes of it are in @buf, always terminated.
 */
QY_API size_t qy_memblock_dump_all(const struct qy_memblock *mb, char *buf, size_t size);
QY_API size_t qy_memblock_dump_type(const struct qy_memblock_type *type, char *buf, size_t size);

/* ---- the kernel's other names for these ---- */

static inline bool qy_memblock_addrs_overlap(qy_addr_t base1, qy_addr_t size1, qy_addr_t base2,
					     qy_addr_t size2)
{
	return size1 && size2 && (base1 < base2 ? base2 - base1 < size1 : base1 - base2 < size2);
}

static inline int qy_memblock_reserve_kern(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return qy_memblock_reserve_node(mb, base, size, QY_NO_NODE, QY_MEMBLOCK_RSRV_KERN);
}

static inline int qy_memblock_mark_hotplug(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return qy_memblock_set_flags(mb, &mb->memory, base, size, QY_MEMBLOCK_HOTPLUG);
}

static inline int qy_memblock_clear_hotplug(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return qy_memblock_clear_flags(mb, &mb->memory, base, size, QY_MEMBLOCK_HOTPLUG);
}

static inline int qy_memblock_mark_nomap(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return qy_memblock_set_flags(mb, &mb->memory, base, size, QY_MEMBLOCK_NOMAP);
}

static inline int qy_memblock_clear_nomap(struct qy_memblock *mb, qy_addr_t base, qy_addr_t size)
{
	return qy_memblock_clear_flags(mb, &mb->memory, base, size, QY_MEMBLOCK_NOMAP);
}

static inline int qy_memblock_mark_kho_scratch(struct qy_memblock *mb, qy_addr_t base,
					       qy_addr_t size)
{
	return qy_memblock_set_flags(mb, &mb->memory, base, size, QY_MEMBLOCK_KHO_SCRATCH);
}

static inline int qy_memblock_clear_kho_scratch(struct qy_memblock *mb, qy_addr_t base,
						qy_addr_t size)
{
	return qy_memblock_clear_flags(mb, &mb->memory, base, size, QY_MEMBLOCK_KHO_SCRATCH);
}

static inline int qy_memblock_reserved_mark_noinit(struct qy_memblock *mb, qy_addr_t base,
						   qy_addr_t size)
{
	return qy_memblock_set_flags(mb, &mb->reserved, base, size, QY_MEMBLOCK_RSRV_NOINIT);
}

static inline int qy_memblock_reserved_mark_kern(struct qy_memblock *mb, qy_addr_t base,
						 qy_addr_t size)
{
	return qy_memblock_set_flags(mb, &mb->reserved, base, size, QY_MEMBLOCK_RSRV_KERN);
}

static inline qy_addr_t qy_memblock_phys_alloc(struct qy_memblock *mb, qy_addr_t size,
					       qy_addr_t align)
{
	return qy_memblock_alloc(mb, size, align, 0, QY_MEMBLOCK_ALLOC_ACCESSIBLE);
}

static inline qy_addr_t qy_memblock_phys_alloc_try_nid(struct qy_memblock *mb, qy_addr_t size,
						       qy_addr_t align, int nid)
{
	return qy_memblock_alloc_range_nid(mb, size, align, 0, QY_MEMBLOCK_ALLOC_ACCESSIBLE, nid,
					   false);
}

static inline void *qy_memblock_virt(struct qy_memblock *mb, size_t size, size_t align)
{
	return qy_memblock_virt_alloc(mb, size, align, 0, QY_MEMBLOCK_ALLOC_ACCESSIBLE, QY_NO_NODE,
				      0);
}

static inline void *qy_memblock_virt_raw(struct qy_memblock *mb, size_t size, size_t align)
{
	return qy_memblock_virt_alloc(mb, size, align, 0, QY_MEMBLOCK_ALLOC_ACCESSIBLE, QY_NO_NODE,
				      QY_MEMBLOCK_RAW);
}

static inline void *qy_memblock_virt_from(struct qy_memblock *mb, size_t size, size_t align,
					  qy_addr_t min_addr)
{
	return qy_memblock_virt_alloc(mb, size, align, min_addr, QY_MEMBLOCK_ALLOC_ACCESSIBLE,
				      QY_NO_NODE, 0);
}

static inline void *qy_memblock_virt_low(struct qy_memblock *mb, size_t size, size_t align)
{
	return qy_memblock_virt_alloc(mb, size, align, 0, QY_MEMBLOCK_LOW_LIMIT, QY_NO_NODE, 0);
}

static inline void *qy_memblock_virt_node(struct qy_memblock *mb, size_t size, size_t align,
					  int nid)
{
	return qy_memblock_virt_alloc(mb, size, align, 0, QY_MEMBLOCK_ALLOC_ACCESSIBLE, nid, 0);
}

static inline void *qy_memblock_virt_exact_nid_raw(struct qy_memblock *mb, size_t size,
						   size_t align, qy_addr_t min_addr,
						   qy_addr_t max_addr, int nid)
{
	return qy_memblock_virt_alloc(mb, size, align, min_addr, max_addr, nid,
				      QY_MEMBLOCK_RAW | QY_MEMBLOCK_EXACT_NID);
}

/*
 * ---- bootmem ----
 *
 * The boot allocator that came before memblock: a node is a range of page frames with one bit for
 * each, 1: not available. Usable alone, too.
 *
 *   qy_bootmem_init()          no node yet
 *   qy_bootmem_init_node()     a node and the memory for its map: every page is reserved
 *   qy_bootmem_free()          what is memory
 *   qy_bootmem_reserve()       what of it is in use; not least the maps, where they lie in it
 *   qy_bootmem_alloc()…        first fit from the end of the last one; small ones share a page
 *   qy_bootmem_free_all()      the rest goes to another allocator, then the maps; no node is left
 *
 * It only counts in addresses and page frames (address >> page_shift); memory is touched only by
 * the zeroing of what is handed out, if the configuration says how. All state is in struct
 * qy_bootmem and in the maps: a copy of both is a snapshot. Not locked: the caller serialises.
 *
 * A call that fails leaves all state as it was, bit for bit, and output parameters untouched. What
 * a kernel would die of is an error here, too. These are all of them:
 *
 *   -EINVAL    the arguments make no sense: see each call
 *   -ERANGE    a page of the range belongs to no node (or, _node: not to that one)
 *   -EBUSY     EXCLUSIVE: a page of the range is reserved already
 *   -EALREADY  a page to be freed is free
 *   -EEXIST    the node is there already, or shares pages with another
 *   -ENOMEM    no run of free pages
 */
#define QY_BOOTMEM_NODES 64
#define QY_BOOTMEM_ANY_NODE (-1)

/* qy_bootmem_reserve(): pages may be reserved before; or not one of them. */
#define QY_BOOTMEM_DEFAULT 0u
#define QY_BOOTMEM_EXCLUSIVE 1u

/* qy_bootmem_init_node(): the map is no part of the memory that the nodes describe. */
#define QY_BOOTMEM_OUTSIDE (~(qy_addr_t)0)
/* The _low calls: not above this address. */
#define QY_BOOTMEM_LOW_LIMIT ((qy_addr_t)0xffffffffu)

/** struct qy_bootmem_config - start from QY_BOOTMEM_CONFIG_INIT. */
struct qy_bootmem_config {
	size_t struct_size;
	unsigned int page_shift; /* log2 of the bytes in a page, 1 … 30; 0: the library's own */
	/*
	 * What is handed out is zeroed by @zero; without it at @base, which is where the memory of
	 * address @base_addr is; without both it is not touched.
	 */
	void (*zero)(void *ctx, qy_addr_t addr, qy_addr_t size);
	void *base;
	qy_addr_t base_addr;
	/*
	 * No memory is left, in a call without "nopanic" in its name. May return: then the call
	 * fails.
	 */
	void (*panic)(void *ctx, const char *text);
	void (*log)(void *ctx, const char *line); /* a line for every operation that has effect */
	void *ctx;
};

#define QY_BOOTMEM_CONFIG_INIT QY_STRUCT_INIT(struct qy_bootmem_config)

/** struct qy_bootmem_node - to be read by anybody, written by the library. */
struct qy_bootmem_node {
	int32_t nid;
	uint64_t min_pfn, end_pfn; /* its pages: [min_pfn, end_pfn) */
	unsigned long *map; /* bit i: page min_pfn + i is not available; ones behind the end */
	size_t map_bytes;
	qy_addr_t map_addr;    /* or QY_BOOTMEM_OUTSIDE */
	uint64_t last_end_off; /* where the last allocation ended, in bytes from the node's start */
	uint64_t hint_idx;     /* the bit at which the next search begins */
};

struct qy_bootmem {
	size_t struct_size;
	struct qy_bootmem_config cfg;
	unsigned int nr_nodes;
	struct qy_bootmem_node node[QY_BOOTMEM_NODES]; /* ascending by min_pfn */
};

/**
 * qy_bootmem_init - an allocator without a node.
 * @cfg: copied; NULL: all defaults.
 * Return: 0, or -EINVAL iff cfg->struct_size or cfg->page_shift is none of the above.
 */
QY_API int qy_bootmem_init(struct qy_bootmem *bm, const struct qy_bootmem_config *cfg);
/** qy_bootmem_map_bytes - size of the map of @pages pages: a bit for each, in whole longs. */
QY_API size_t qy_bootmem_map_bytes(uint64_t pages);
/** qy_bootmem_map_pages - the same in whole pages: what the map takes if it lies in the memory. */
QY_API uint64_t qy_bootmem_map_pages(const struct qy_bootmem *bm, uint64_t pages);
/**
 * qy_bootmem_init_node - node @nid has the pages [@min_pfn, @end_pfn), all of them reserved.
 * @nid: 0 … QY_BOOTMEM_NODES - 1
 * @map: qy_bootmem_map_bytes(@end_pfn - @min_pfn) bytes, aligned as a long; written.
 * @map_addr: the address of @map, if it lies in this node's memory: a page border, and all its
 *   pages in the node; qy_bootmem_free_all() gives them away, too. Else QY_BOOTMEM_OUTSIDE. As in
 *   the kernel they are free after a qy_bootmem_free() over them: reserve them again.
 * Return: 0;
 *   -EINVAL: @nid, @map or @map_addr is not as described; another node has (part of) that map;
 *     there is no page; the end, in bytes, is no address; or it begins before cfg.base_addr.
 *   -EEXIST: @nid is there already, or one of the pages belongs to another node.
 * Complexity: linear in pages and nodes.
 */
QY_API int qy_bootmem_init_node(struct qy_bootmem *bm, int nid, void *map, qy_addr_t map_addr,
				uint64_t min_pfn, uint64_t end_pfn);

/**
 * qy_bootmem_reserve - every page that [@addr, @addr + @size) touches is not available. The rest of
 * the page that the last allocation ended in is nobody's: if it is among them, it is not used.
 * @flags: QY_BOOTMEM_DEFAULT or QY_BOOTMEM_EXCLUSIVE. The range may span nodes. @size 0 is
 *   success without effect.
 * Return: 0; -EINVAL: other flags; -ERANGE; -EBUSY.
 */
QY_API int qy_bootmem_reserve(struct qy_bootmem *bm, qy_addr_t addr, qy_addr_t size,
			      unsigned int flags);
/** qy_bootmem_reserve_node - within one node. -EINVAL too if there is no such node. */
QY_API int qy_bootmem_reserve_node(struct qy_bootmem *bm, int nid, qy_addr_t addr, qy_addr_t size,
				   unsigned int flags);
/**
 * qy_bootmem_free - every page that lies wholly in [@addr, @addr + @size) becomes available. What
 * is left at the ends stays reserved; a range without a whole page is success without effect.
 * The next search begins at the first of these pages or before.
 * Return: 0; -ERANGE; -EALREADY.
 */
QY_API int qy_bootmem_free(struct qy_bootmem *bm, qy_addr_t addr, qy_addr_t size);
/** qy_bootmem_free_node - within one node. -EINVAL if there is no such node. */
QY_API int qy_bootmem_free_node(struct qy_bootmem *bm, int nid, qy_addr_t addr, qy_addr_t size);
/** qy_bootmem_nr_free - pages that are available. */
QY_API uint64_t qy_bootmem_nr_free(const struct qy_bootmem *bm);

/**
 * qy_bootmem_alloc_core - the search itself; nothing is dropped or tried twice.
 * @nid: this node only; or QY_BOOTMEM_ANY_NODE: all, ascending.
 * @size: bytes, not 0
 * @align: a power of two, of the address
 * @goal: not below this address; 0: anywhere. In one given node a goal behind its end counts as 0.
 * @limit: the end, at most; in whole pages. 0: none.
 * @addr: the result. Zeroed, if the configuration says how.
 *
 * Looks for a run of free pages that holds @size and begins at a multiple of @align: from the
 * node's hint on, then from the goal or the node's start. If the last allocation of the node ended
 * inside of the page right before the run, the result begins in that page, right behind it.
 *
 * Return: 0; -ENOMEM;
 *   -EINVAL: @size is 0, @align no power of two, @goal + @size is above a @limit, no such node.
 * Complexity: linear in the node's pages, a long of the map at a time.
 */
QY_API int qy_bootmem_alloc_core(struct qy_bootmem *bm, int nid, qy_addr_t size, qy_addr_t align,
				 qy_addr_t goal, qy_addr_t limit, qy_addr_t *addr);
/**
 * qy_bootmem_alloc - from any node; if there is nothing at or above the goal, from below it.
 * qy_bootmem_alloc_node - from this node; from any at or above the goal; then both without it.
 * qy_bootmem_alloc_pages - qy_bootmem_alloc() of whole pages: begins at a page border.
 * qy_bootmem_alloc_low, _low_node - below QY_BOOTMEM_LOW_LIMIT, goal included.
 * The rest is as with qy_bootmem_alloc_core(). All but the _nopanic calls report -ENOMEM to
 * cfg.panic.
 */
QY_API int qy_bootmem_alloc(struct qy_bootmem *bm, qy_addr_t size, qy_addr_t align, qy_addr_t goal,
			    qy_addr_t *addr);
QY_API int qy_bootmem_alloc_nopanic(struct qy_bootmem *bm, qy_addr_t size, qy_addr_t align,
				    qy_addr_t goal, qy_addr_t *addr);
QY_API int qy_bootmem_alloc_node(struct qy_bootmem *bm, int nid, qy_addr_t size, qy_addr_t align,
				 qy_addr_t goal, qy_addr_t *addr);
QY_API int qy_bootmem_alloc_node_nopanic(struct qy_bootmem *bm, int nid, qy_addr_t size,
					 qy_addr_t align, qy_addr_t goal, qy_addr_t *addr);
QY_API int qy_bootmem_alloc_pages(struct qy_bootmem *bm, qy_addr_t size, qy_addr_t goal,
				  qy_addr_t *addr);
QY_API int qy_bootmem_alloc_low(struct qy_bootmem *bm, qy_addr_t size, qy_addr_t align,
				qy_addr_t goal, qy_addr_t *addr);
QY_API int qy_bootmem_alloc_low_node(struct qy_bootmem *bm, int nid, qy_addr_t size,
				     qy_addr_t align, qy_addr_t goal, qy_addr_t *addr);

/** qy_bootmem_give_fn - takes over 2^@order pages from @pfn on, which is a multiple of that. */
typedef void (*qy_bootmem_give_fn)(void *ctx, int nid, uint64_t pfn, unsigned int order);
/**
 * qy_bootmem_free_all - the end: hand every available page over and forget the nodes.
 * @give: gets as many pages at once as a long has bits, where all of them are available and the
 *   first is a multiple of that number; else one by one. When all pages of a node are through, the
 *   pages of its map follow, one by one, reserved or not. May be NULL. Must not call back.
 * Return: number of pages.
 */
QY_API uint64_t qy_bootmem_free_all(struct qy_bootmem *bm, qy_bootmem_give_fn give, void *ctx);
/** qy_bootmem_free_all_node - the same with one node; 0 if there is no such node. */
QY_API uint64_t qy_bootmem_free_all_node(struct qy_bootmem *bm, int nid, qy_bootmem_give_fn give,
					 void *ctx);

struct qy_check_result;
/**
 * qy_bootmem_check - verify what can be seen from the state alone; writes nothing but @result.
 *   BM1  a map has its right size, and only ones behind the node's end
 *   BM2  nodes ascend, are not empty and share nothing: neither pages nor number nor map
 *   BM3  pages known to be in use are not available: the one that the last allocation ended in,
 *        those of the map
 *   BM4  last_end_off and hint_idx lie in the node
 * @result: check.h; filled in; may be NULL.
 * Return: number of violations.
 * A map is read only as far as min_pfn, end_pfn and map_bytes agree.
 */
QY_API int qy_bootmem_check(const struct qy_bootmem *bm, struct qy_check_result *result);

QY_END_DECLS

#endif
