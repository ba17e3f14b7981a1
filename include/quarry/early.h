/* SPDX-License-Identifier: MIT */
/*
 * quarry/early.h - memblock: a range set with attributes, and the allocator an instance boots from;
 * bootmem, a bitmap of pages, which is older.
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

#define QY_BOOTMEM_CONFIG_INIT                                                                     \
	{                                                                                          \
		.struct_size = sizeof(struct qy_bootmem_config)                                    \
	}

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
