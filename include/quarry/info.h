/* SPDX-License-Identifier: MIT */
/*
 * quarry/info.h - the state in the kernel's text formats, and those texts read back. Read-only.
 *
 * Nothing here allocates. Texts are those of Linux 6.18, byte for byte; the parsers take ours and a
 * kernel's.
 */
#ifndef QUARRY_INFO_H
#define QUARRY_INFO_H

#include <quarry/types.h>

QY_BEGIN_DECLS

/**
 * Texts of an instance. Return: length of the whole text; at most @size - 1 bytes of it are in
 * @buf, always terminated. Context: each zone is a consistent view (as qy_zone_stat_get()), one
 * zone after another; takes the zone locks and those of the caches in turn.
 * A damaged instance is read as qy_check() reads it: never a crash or an endless loop. What cannot
 * be read counts 0; if the head of the instance cannot be believed, the text is empty.
 *
 * qy_slabinfo - the caches, as /proc/slabinfo (version 2.1).
 * qy_buddyinfo - free blocks by order, a line per zone that has pages.
 * qy_pagetypeinfo - free blocks by order and migratetype, page blocks by migratetype. Counts from
 *   100000 on are printed as ">100000". With page_owner also the "mixed blocks": with an allocated
 *   page of another migratetype. Complexity: O(free blocks), with page_owner O(pages).
 * qy_zoneinfo - marks, reserves and counters of all zones; what follows `protection` only of those
 *   that have pages. Counters that mean nothing here (of page cache, of swap) are 0. With several
 *   nodes the "per-node stats" are empty: slabs are counted by instance. "pagesets" lists all CPUs;
 *   with QY_CPU_THREAD, which has 256, those whose lists hold something; none without such lists.
 * qy_meminfo - see qy_meminfo_get(). Complexity: O(pages), for the large blocks of kmalloc.
 * qy_unusable_index - for each order the share of free memory that blocks of this order cannot be
 *   made of, 0.000…1.000 (1.000 too if nothing is free).
 * qy_extfrag_index - would a failure be for want of memory (towards 0) or because it is in small
 *   pieces (towards 1.000)? -1.000: a block is there; 0.000 also if nothing at all is free. Below 0
 *   otherwise: one small block is all there is.
 */
QY_API size_t qy_slabinfo(struct qy_mm *mm, char *buf, size_t size);
QY_API size_t qy_buddyinfo(struct qy_mm *mm, char *buf, size_t size);
QY_API size_t qy_pagetypeinfo(struct qy_mm *mm, char *buf, size_t size);
QY_API size_t qy_zoneinfo(struct qy_mm *mm, char *buf, size_t size);
QY_API size_t qy_meminfo(struct qy_mm *mm, char *buf, size_t size);
QY_API size_t qy_unusable_index(struct qy_mm *mm, char *buf, size_t size);
QY_API size_t qy_extfrag_index(struct qy_mm *mm, char *buf, size_t size);

/**
 * qy_info_json - all of it as one JSON object: "page_size", "max_order", "pageblock_order",
 * "nodes" (number and distances), "zones" (struct qy_zone_stat, zones without pages too),
 * "meminfo" (kB, by the names of its lines), "caches" (struct qy_cache_info). A byte of a cache's
 * name above 0x7e is the character of that number. "{}" if the instance's head cannot be believed.
 * Return: as above.
 */
QY_API size_t qy_info_json(struct qy_mm *mm, char *buf, size_t size);

/**
 * qy_page_owner - who allocated each block, as the kernel's page_owner prints it; for tools such as
 * page_owner_sort. Nothing, if QY_PAGE_OWNER is off.
 * Return: as qy_slabinfo(). Context: as qy_slabinfo(). Complexity: O(pages).
 */
QY_API size_t qy_page_owner(struct qy_mm *mm, char *buf, size_t size);

/* ---- texts read back ---- */

/*
 * qy_*_parse - fill a struct from @len bytes of text; a zero byte is no end. Lines that are not
 * known are skipped, figures that are not in the text are QY_INFO_NONE. What a cut text lacks
 * cannot always be known, but a last line without its newline is an error.
 * The caller sets struct_size (it stands for the structs that are pointed to, too) and the arrays
 * with their max_…; all else is written.
 * @line: number of the line at which the parser stopped, the first is 1; 0: struct_size is unknown.
 *        Or NULL.
 * Return: 0; -EINVAL: struct_size is unknown, or a line is malformed, contradicts those before it,
 * or is missing (the struct means nothing then); -ENOSPC: an array is too small: it is full, and
 * nr_… says how many entries it should have.
 *
 * Context: neither asks an instance or takes a lock: as good in a signal handler as anywhere.
 *
 * qy_*_print - the struct as text, in the order and with the blanks of the kernel: a text of
 * qy_buddyinfo() and so on, parsed and printed, is the same bytes. Return: as qy_buddyinfo().
 */
#define QY_INFO_NONE UINT64_MAX
#define QY_INFO_ORDERS 32
#define QY_INFO_PROTECTION 8

/** struct qy_buddyinfo - @nr_orders is the same in all rows. */
struct qy_buddyinfo_zone {
	unsigned int node;
	char name[12];
	uint64_t nr_free[QY_INFO_ORDERS];
};
struct qy_buddyinfo {
	size_t struct_size;
	struct qy_buddyinfo_zone *zone;
	unsigned int max_zones, nr_zones;
	unsigned int nr_orders;
};
QY_API int qy_buddyinfo_parse(const char *text, size_t len, struct qy_buddyinfo *info,
			      unsigned int *line);
QY_API size_t qy_buddyinfo_print(const struct qy_buddyinfo *info, char *buf, size_t size);

/** struct qy_pagetypeinfo - 100000 in @nr_free is "100000 or more". */
struct qy_pagetypeinfo_zone {
	unsigned int node;
	char name[12];
	uint64_t nr_free[QY_NR_MIGRATETYPES][QY_INFO_ORDERS];
	uint64_t blocks[QY_NR_MIGRATETYPES];
	uint64_t mixed[QY_NR_MIGRATETYPES];
};
struct qy_pagetypeinfo {
	size_t struct_size;
	struct qy_pagetypeinfo_zone *zone;
	unsigned int max_zones, nr_zones;
	unsigned int nr_orders;
	unsigned int pageblock_order;
	uint32_t types; /* bit per migratetype: which there are */
	bool has_mixed; /* the table of mixed blocks is there */
};
QY_API int qy_pagetypeinfo_parse(const char *text, size_t len, struct qy_pagetypeinfo *info,
				 unsigned int *line);
QY_API size_t qy_pagetypeinfo_print(const struct qy_pagetypeinfo *info, char *buf, size_t size);

struct qy_zoneinfo_cpu {
	unsigned int cpu;
	uint64_t count, high, batch, high_min, high_max;
	uint64_t stat_threshold; /* vm stats threshold */
};
struct qy_zoneinfo_zone {
	unsigned int node;
	char name[12];
	bool per_node, pagesets; /* the line that says so is there */
	unsigned int nr_protection;
	uint64_t protection[QY_INFO_PROTECTION];
	unsigned int first_cpu, nr_cpus;		     /* in qy_zoneinfo.cpu */
	uint64_t nr_slab_reclaimable, nr_slab_unreclaimable; /* per node */
	uint64_t free, boost, min, low, high, promo;
	uint64_t spanned, present, managed, cma;
	uint64_t nr_free_pages, nr_free_pages_blocks;
	uint64_t nr_zone_inactive_anon, nr_zone_active_anon;
	uint64_t nr_zone_inactive_file, nr_zone_active_file;
	uint64_t nr_zone_unevictable, nr_zone_write_pending;
	uint64_t nr_mlock, nr_zspages, nr_free_cma;
	uint64_t numa_hit, numa_miss, numa_foreign, numa_interleave, numa_local, numa_other;
	uint64_t node_unreclaimable, start_pfn;
	uint64_t reserved_highatomic, free_highatomic;
};
struct qy_zoneinfo {
	size_t struct_size;
	struct qy_zoneinfo_zone *zone;
	unsigned int max_zones, nr_zones;
	struct qy_zoneinfo_cpu *cpu;
	unsigned int max_cpus, nr_cpus;
};
QY_API int qy_zoneinfo_parse(const char *text, size_t len, struct qy_zoneinfo *info,
			     unsigned int *line);
QY_API size_t qy_zoneinfo_print(const struct qy_zoneinfo *info, char *buf, size_t size);

/** struct qy_meminfo - kB. */
struct qy_meminfo {
	size_t struct_size;
	uint64_t mem_total, mem_free; /* pages managed; on the free lists, per-CPU lists not */
	/* could be had: free less all reserves, and what reclaimable slabs can spare */
	uint64_t mem_available;
	uint64_t kreclaimable;
	uint64_t slab, s_reclaimable, s_unreclaim; /* unreclaim: large blocks of kmalloc, too */
	/* mapped for areas: in all, also those freed that are kept; live; 0 */
	uint64_t vmalloc_total, vmalloc_used, vmalloc_chunk;
	uint64_t percpu; /* heads of the CPUs' page lists */
	uint64_t cma_total, cma_free;
};
/**
 * qy_meminfo_get - the figures. Return: 0; -EINVAL: struct_size is unknown, or the head of the
 * instance cannot be believed (@info is untouched).
 * Context: as qy_meminfo().
 */
QY_API int qy_meminfo_get(struct qy_mm *mm, struct qy_meminfo *info);
QY_API int qy_meminfo_parse(const char *text, size_t len, struct qy_meminfo *info,
			    unsigned int *line);
QY_API size_t qy_meminfo_print(const struct qy_meminfo *info, char *buf, size_t size);

QY_END_DECLS

#endif
