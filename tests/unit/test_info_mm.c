/* SPDX-License-Identifier: MIT */
/*
 * test_info_mm.c - the texts of instances, to the letter for zones whose figures are known; marks,
 * slabs, areas, CPUs, mixed page blocks.
 */
#include "info_check.h"

#include <errno.h>

#include "page/buddy.h"

/* @want is in @text, at the start of a line. */
static inline void assert_has(const char *want)
{
	const char *at = text;

	while (at && strncmp(at, want, strlen(want))) {
		at = strchr(at, '\n');
		at = at && at[1] ? at + 1 : NULL;
	}
	if (!at)
		printf("expected:\n%s\nin:\n%s\n", want, text);
	assert_non_null(at);
}

/* ---- an instance whose upper zones are known to the page ---- */

/*
 *   0           320           383             448         509
 *   | DMA: books | DMA32       | Normal: books | HighMem   |
 *                 32 16 8 4 2 1                 32 16 8 4 1
 *
 * Two CPUs, page blocks of 8 pages; the one at the border of DMA32 and Normal counts in both.
 */
static void make_known(void)
{
	instance_init(&in, 509);
	in.config.zone_limit[QY_ZONE_DMA] = 320 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_DMA32] = 383 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_NORMAL] = 448 * PAGE_BYTES;
	in.config.grouping = QY_ON;
	in.config.pageblock_order = 3;
	in.config.nr_cpus = 2;
	in.config.pcp = QY_ON;
	in.config.pcp_batch = 2;
	in.config.pcp_high = 8;
	instance_create(&in);
}

static void known_instance_is_printed_to_the_letter(void **state)
{
	static const char types_head[] =
		"Page block order: 3\nPages per block:  8\n\n"
		"Free pages count per migrate type at order       0      1      2      3      4"
		"      5      6 \nNode    0, zone      DMA, type    Unmovable ";

	(void)state;
	make_known();
	take_text(qy_buddyinfo);
	assert_has("Node 0, zone    DMA32      1      1      1      1      1      1      0 \n");
	assert_has("Node 0, zone  HighMem      1      0      1      1      1      1      0 \n");
	take_text(qy_unusable_index);
	assert_has("Node 0, zone    DMA32 0.000 0.015 0.047 0.111 0.238 0.492 1.000 \n");
	assert_has("Node 0, zone  HighMem 0.000 0.016 0.016 0.081 0.213 0.475 1.000 \n");
	take_text(qy_extfrag_index);
	assert_has("Node 0, zone    DMA32 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000  0.670 \n");
	assert_has("Node 0, zone  HighMem -1.000 -1.000 -1.000 -1.000 -1.000 -1.000  0.610 \n");
	take_text(qy_pagetypeinfo);
	assert_memory_equal(text, types_head, strlen(types_head));
	assert_has("Node    0, zone    DMA32, type    Unmovable      0      0      0      0      0"
		   "      0      0 \n"
		   "Node    0, zone    DMA32, type      Movable      1      1      1      1      1"
		   "      1      0 \n"
		   "Node    0, zone    DMA32, type  Reclaimable      0      0      0      0      0"
		   "      0      0 \n"
		   "Node    0, zone    DMA32, type   HighAtomic      0      0      0      0      0"
		   "      0      0 \n"
		   "Node    0, zone    DMA32, type          CMA      0      0      0      0      0"
		   "      0      0 \n"
		   "Node    0, zone    DMA32, type      Isolate      0      0      0      0      0"
		   "      0      0 \n"
		   "Node    0, zone   Normal, type    Unmovable ");
	assert_has("Node    0, zone  HighMem, type    Unmovable      0      0      0      0      0"
		   "      0      0 \n"
		   "Node    0, zone  HighMem, type      Movable      1      0      1      1      1"
		   "      1      0 \n");
	assert_has("\nNumber of blocks type     Unmovable      Movable  Reclaimable   HighAtomic"
		   "          CMA      Isolate \nNode 0, zone      DMA ");
	assert_has("Node 0, zone    DMA32            0            8            0            0"
		   "            0            0 \n");
	assert_has("Node 0, zone  HighMem            0            8            0            0"
		   "            0            0 \n");
}

static void known_instance_has_this_zoneinfo(void **state)
{
	(void)state;
	make_known();
	qy_mm_set_cpu(in.mm, 1);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_DMA32 | QY_GFP_MOVABLE, 0));
	take_text(qy_zoneinfo);
	assert_memory_equal(text,
			    "Node 0, zone      DMA\n  per-node stats\n      nr_slab_reclaimable 0\n"
			    "      nr_slab_unreclaimable ",
			    91);
	/* 63 pages, one allocated, one on the list of CPU 1; of the rest 56 in whole page blocks */
	assert_has("Node 0, zone    DMA32\n"
		   "  pages free     61\n"
		   "        boost    0\n"
		   "        min      0\n"
		   "        low      0\n"
		   "        high     0\n"
		   "        promo    0\n"
		   "        spanned  63\n"
		   "        present  63\n"
		   "        managed  63\n"
		   "        cma      0\n"
		   "        protection: (0, 0, 0, 0)\n"
		   "      nr_free_pages 61\n"
		   "      nr_free_pages_blocks 56\n"
		   "      nr_zone_inactive_anon 0\n"
		   "      nr_zone_active_anon 0\n"
		   "      nr_zone_inactive_file 0\n"
		   "      nr_zone_active_file 0\n"
		   "      nr_zone_unevictable 0\n"
		   "      nr_zone_write_pending 0\n"
		   "      nr_mlock     0\n"
		   "      nr_zspages   0\n"
		   "      nr_free_cma  0\n"
		   "      numa_hit     0\n"
		   "      numa_miss    0\n"
		   "      numa_foreign 0\n"
		   "      numa_interleave 0\n"
		   "      numa_local   0\n"
		   "      numa_other   0\n"
		   "  pagesets\n"
		   "    cpu: 0\n"
		   "              count:    0\n"
		   "              high:     8\n"
		   "              batch:    2\n"
		   "              high_min: 8\n"
		   "              high_max: 8\n"
		   "  vm stats threshold: 0\n"
		   "    cpu: 1\n"
		   "              count:    1\n"
		   "              high:     8\n"
		   "              batch:    2\n"
		   "              high_min: 8\n"
		   "              high_max: 8\n"
		   "  vm stats threshold: 0\n"
		   "  node_unreclaimable:  0\n"
		   "  start_pfn:           320\n"
		   "  reserved_highatomic: 0\n"
		   "  free_highatomic:     0\n"
		   "Node 0, zone   Normal\n"
		   "  pages free     ");
}

static void zone_without_pages_ends_with_its_protection(void **state)
{
	static const char dma[] = "Node 0, zone      DMA\n"
				  "  pages free     0\n"
				  "        boost    0\n"
				  "        min      0\n"
				  "        low      0\n"
				  "        high     0\n"
				  "        promo    0\n"
				  "        spanned  0\n"
				  "        present  0\n"
				  "        managed  0\n"
				  "        cma      0\n"
				  "        protection: (0, 0, 0, 0)\n"
				  "Node 0, zone    DMA32\n"
				  "  pages free     0\n";
	static const char normal[] = "        protection: (0, 0, 0, 0)\n"
				     "Node 0, zone   Normal\n"
				     "  per-node stats\n";

	(void)state;
	instance_make(&in, 300, NULL);
	take_text(qy_zoneinfo);
	assert_memory_equal(text, dma, strlen(dma));
	assert_has(normal);
	assert_string_equal(text + strlen(text) - 33, "        protection: (0, 0, 0, 0)\n");
	take_text(qy_buddyinfo);
	assert_memory_equal(text, "Node 0, zone   Normal ", 22);
	assert_int_equal(strchr(text, '\n') - text, strlen(text) - 1);
}

static text_fn *const text_fns[] = {
	qy_slabinfo, qy_buddyinfo,	qy_pagetypeinfo,  qy_zoneinfo,
	qy_meminfo,  qy_unusable_index, qy_extfrag_index, qy_info_json,
};

static void every_text_is_cut_to_the_buffer(void **state)
{
	(void)state;
	make_known();
	for (size_t i = 0; i < ARRAY_SIZE(text_fns); i++) {
		size_t len = take_text(text_fns[i]);
		char *small = malloc(len + 2);

		assert_int_equal(text_fns[i](in.mm, NULL, 0), len);
		for (size_t size = 1; size <= len + 1; size += 1 + size / 64) {
			memset(small, 'x', len + 2);
			assert_int_equal(text_fns[i](in.mm, small, size), len);
			assert_int_equal(strlen(small), size - 1);
			assert_memory_equal(small, text, size - 1);
			assert_int_equal(small[size], 'x');
		}
		assert_int_equal(text_fns[i](in.mm, small, len + 1), len);
		assert_string_equal(small, text);
		free(small);
	}
}

/* ---- special states ---- */

/* Marks and reserves are those of the kernel's formulas, a boost is in all of them. */
static void zoneinfo_marks_have_the_boost_in_them(void **state)
{
	(void)state;
	make_known();
	in.mm->zone[QY_ZONE_DMA32].mark[QY_WMARK_MIN] = 10;
	in.mm->zone[QY_ZONE_DMA32].mark[QY_WMARK_LOW] = 12;
	in.mm->zone[QY_ZONE_DMA32].mark[QY_WMARK_HIGH] = 14;
	in.mm->zone[QY_ZONE_DMA32].mark[QY_WMARK_PROMO] = 16;
	in.mm->zone[QY_ZONE_DMA32].boost = 100;
	in.mm->zone[QY_ZONE_DMA32].lowmem_reserve[QY_ZONE_NORMAL] = 5;
	in.mm->zone[QY_ZONE_DMA32].lowmem_reserve[QY_ZONE_HIGHMEM] = 7;
	take_text(qy_zoneinfo);
	assert_has("  pages free     63\n"
		   "        boost    100\n"
		   "        min      110\n"
		   "        low      112\n"
		   "        high     114\n"
		   "        promo    116\n"
		   "        spanned  63\n"
		   "        present  63\n"
		   "        managed  63\n"
		   "        cma      0\n"
		   "        protection: (0, 0, 5, 7)\n");
	check_zoneinfo();
}

/* Nothing is free, one page is free: the ends of both indices. */
static void indices_of_nearly_full_zones(void **state)
{
	struct qy_page *page[64];
	unsigned int n = 0;

	(void)state;
	instance_init(&in, 512);
	in.config.zone_limit[QY_ZONE_DMA] = 400 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_DMA32] = 432 * PAGE_BYTES;
	in.config.max_order = 2;
	instance_create(&in);
	while (n < 64) {
		struct qy_page *p = qy_alloc_pages(in.mm, QY_GFP_NOWAIT | QY_GFP_DMA32, 0);

		assert_non_null(p);
		if (qy_page_zone(in.mm, p) != QY_ZONE_DMA32) {
			assert_int_equal(qy_free_pages(in.mm, p, 0), 0);
			break;
		}
		page[n++] = p;
	}
	assert_int_equal(n, 32);
	take_text(qy_unusable_index);
	assert_has("Node 0, zone    DMA32 1.000 1.000 1.000 \n");
	take_text(qy_extfrag_index);
	assert_has("Node 0, zone    DMA32  0.000  0.000  0.000 \n");
	assert_int_equal(qy_free_pages(in.mm, page[7], 0), 0);
	take_text(qy_unusable_index);
	assert_has("Node 0, zone    DMA32 0.000 1.000 1.000 \n");
	take_text(qy_extfrag_index);
	assert_has("Node 0, zone    DMA32 -1.000 -0.500 -0.250 \n");
}

/* Slabs of both kinds, smaller slabs made in need, large blocks: all are counted. */
static void meminfo_counts_slabs_of_all_orders(void **state)
{
	struct qy_cache *plain, *reclaimable;
	struct qy_page *page[1024];
	unsigned int n = 0, small = 0;
	uint64_t unreclaim, reclaim;
	struct qy_cache_info info = {.struct_size = sizeof(info)};

	(void)state;
	instance_make(&in, 700, NULL);
	plain = qy_cache_create(in.mm, "plain", PAGE_BYTES / 4 + 8, 0, 0, NULL);
	reclaimable = qy_cache_create(in.mm, "reclaimable", 200, 0, QY_SLAB_RECLAIM_ACCOUNT, NULL);
	qy_cache_info(plain, &info);
	assert_true(info.order > 0);
	check_zoneinfo();
	check_meminfo();
	unreclaim = mem.s_unreclaim;
	reclaim = mem.s_reclaimable;
	assert_int_equal(reclaim, 0);
	assert_non_null(hide(qy_cache_alloc(plain, QY_GFP_KERNEL)));
	assert_non_null(hide(qy_cache_alloc(reclaimable, QY_GFP_KERNEL)));
	assert_non_null(hide(qy_kmalloc(in.mm, 5 * PAGE_BYTES, QY_GFP_KERNEL)));
	check_zoneinfo();
	check_meminfo();
	assert_true(mem.s_unreclaim >= unreclaim + (8 + (1u << info.order)) * PAGE_BYTES / 1024);
	assert_true(mem.s_reclaimable > reclaim);

	/* Only single pages are left, every other one. */
	while (n < 1024 && (page[n] = qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0)))
		n++;
	assert_true(n > 100 && n < 1024);
	for (unsigned int i = 0; i < n; i++)
		if (qy_page_pfn(in.mm, page[i]) % 2)
			assert_int_equal(qy_free_pages(in.mm, page[i], 0), 0);
	for (int i = 0; i < 100 && hide(qy_cache_alloc(plain, QY_GFP_NOWAIT)); i++)
		;
	for (uint32_t pfn = in.mm->min_pfn; pfn < in.mm->end_pfn; pfn++) {
		const struct qy_page *p = qy__pfn_page(in.mm, pfn);

		small += p->type == QY__PAGE_SLAB && p->slab.cache == qy__cache_ref(plain) &&
			 p->order < info.order;
	}
	assert_true(small > 3);
	check_zoneinfo();
	check_meminfo();
}

static void meminfo_reserve_is_not_available(void **state)
{
	struct qy_cache *c;

	(void)state;
	instance_init(&in, 2048);
	in.config.watermark.marks = QY_WATERMARKS_KERNEL;
	in.config.watermark.min_free_kbytes = 400;
	instance_create(&in);
	check_zoneinfo();
	check_meminfo();
	assert_int_equal(mem.mem_available,
			 mem.mem_free - zones.zone[QY_ZONE_NORMAL].high * PAGE_BYTES / 1024);
	/* Of reclaimable slabs half is counted, or what is above the LOW mark. */
	c = qy_cache_create(in.mm, "reclaimable", PAGE_BYTES / 2, 0, QY_SLAB_RECLAIM_ACCOUNT, NULL);
	assert_non_null(hide(qy_cache_alloc(c, QY_GFP_KERNEL)));
	check_zoneinfo();
	check_meminfo();
	assert_true(mem.s_reclaimable > 0);
	assert_true(mem.s_reclaimable / 2 < zones.zone[QY_ZONE_NORMAL].low * PAGE_BYTES / 1024);
	for (int i = 0; i < 800; i++)
		assert_non_null(hide(qy_cache_alloc(c, QY_GFP_KERNEL)));
	check_zoneinfo();
	check_meminfo();
	assert_true(mem.s_reclaimable / 2 > zones.zone[QY_ZONE_NORMAL].low * PAGE_BYTES / 1024);
	assert_true(zones.zone[QY_ZONE_NORMAL].high >= 400 * 1024 / PAGE_BYTES);
	qy_mm_set_watermarks(in.mm, &(struct qy_watermark_config){.marks = QY_WATERMARKS_KERNEL,
								  .min_free_kbytes = 100000});
	check_zoneinfo();
	check_meminfo();
	assert_int_equal(mem.mem_available, 0);
}

/* Areas of an instance that can map; what is freed is kept for a while, but not used. */
static void meminfo_areas_are_counted(void **state)
{
	const size_t size = 64 << 20;
	struct qy_meminfo got = {.struct_size = 1};
	void *p;

	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = 256 << 20;
	in.config.max_order = 10;
	in.config.cpu_provider = QY_CPU_THREAD;
	instance_create(&in);
	assert_int_equal(qy_meminfo_get(in.mm, &got), -EINVAL);
	check_texts();
	assert_int_equal(mem.vmalloc_used, 0);
	p = hide(qy_vmalloc(in.mm, size));
	assert_non_null(p);
	check_texts();
	assert_in_range(mem.vmalloc_used, size / 1024, size / 1024 + 128);
	assert_true(mem.vmalloc_total >= mem.vmalloc_used);
	qy_vfree(in.mm, p);
	check_texts();
	assert_int_equal(mem.vmalloc_used, 0);
	p = hide(qy_vmalloc(in.mm, 1 << 20));
	assert_non_null(p);
	qy_vfree(in.mm, p); /* kept for the next one, or for a second free to be named */
	check_texts();
	assert_int_equal(mem.vmalloc_used, 0);
	assert_true(mem.vmalloc_total >= 1024);
}

/* The instance of a thread has 256 CPUs: only those that hold pages are told. */
static void zoneinfo_of_threads_lists_used_cpus(void **state)
{
	unsigned int cpus = 0;
	struct qy_page *page;

	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = 1024 << 20;
	in.config.max_order = 10;
	in.config.cpu_provider = QY_CPU_THREAD;
	in.config.pcp = QY_ON;
	instance_create(&in);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
	assert_non_null(page);
	assert_int_equal(qy_free_pages(in.mm, page, 0), 0);
	check_texts();
	for (unsigned int i = 0; i < zones.nr_zones; i++)
		cpus += zones.zone[i].nr_cpus;
	assert_int_equal(cpus, 1);
	assert_true(zones.cpu[0].count > 0);
	qy_mm_drain_pages(in.mm);
	check_texts();
	assert_int_equal(zones.nr_cpus, 0);
	assert_true(mem.percpu > 0);
}

static void orders_up_to_the_limit_have_columns(void **state)
{
	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = (size_t)16 << 30;
	in.config.max_order = min(QY_MAX_ORDER_LIMIT, 34 - QY_PAGE_SHIFT);
	instance_create(&in);
	check_texts();
	assert_int_equal(buddy.nr_orders, in.config.max_order + 1);
}

/* page_owner: blocks with an allocated page of another type, and those only. */
static void pagetypeinfo_counts_mixed_blocks(void **state)
{
	struct qy_page *page[32];
	uint64_t mixed;

	(void)state;
	if (!is_debug_build())
		skip();
	instance_init(&in, 1024);
	in.config.zone_limit[QY_ZONE_DMA] = 896 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_DMA32] = 960 * PAGE_BYTES;
	in.config.grouping = QY_ON;
	in.config.pageblock_order = 3;
	in.config.page_debug = QY_PAGE_OWNER;
	instance_create(&in);
	/* DMA32: 64 pages, 8 page blocks; all Movable, and so is what is in them. */
	for (int i = 0; i < 32; i++) {
		page[i] = qy_alloc_pages(in.mm, QY_GFP_DMA32 | QY_GFP_MOVABLE, 0);
		assert_int_equal(qy_page_zone(in.mm, page[i]), QY_ZONE_DMA32);
	}
	check_texts();
	assert_string_equal(types.zone[1].name, "DMA32");
	assert_int_equal(types.zone[1].blocks[QY_MIGRATE_MOVABLE], 8);
	for (int type = 0; type < QY_NR_MIGRATETYPES; type++)
		assert_int_equal(types.zone[1].mixed[type], 0);
	/* Page blocks are called something else: what is in them is of another type now. */
	for (int k = 0; k < 2; k++) {
		uint8_t type = k ? QY_MIGRATE_CMA : QY_MIGRATE_RECLAIMABLE;

		for (uint32_t pfn = 896; pfn < 960; pfn += 8)
			if (qy__pfn_page(in.mm, pfn)->type == QY__PAGE_ALLOC)
				in.mm->pageblock[(pfn >> 3) - in.mm->pageblock_first] = type;
		check_texts();
		mixed = types.zone[1].mixed[k ? QY_MIGRATE_MOVABLE : QY_MIGRATE_RECLAIMABLE];
		assert_int_equal(mixed, types.zone[1].blocks[type]);
		assert_in_range(mixed, 4, 7);
	}
	for (uint32_t pfn = 896; pfn < 960; pfn += 8)
		in.mm->pageblock[(pfn >> 3) - in.mm->pageblock_first] = QY_MIGRATE_MOVABLE;
	for (int i = 0; i < 32; i++)
		assert_int_equal(qy_free_pages(in.mm, page[i], 0), 0);
	check_texts();
	assert_int_equal(types.zone[1].mixed[QY_MIGRATE_MOVABLE], 0);
}

/* A count ends at 100000, as the kernel's; buddyinfo's does not. */
static void pagetypeinfo_count_is_capped(void **state)
{
	struct qy_zone_stat stat = {.struct_size = sizeof(stat)};
	char row[80];

	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = in.config.initial = 150000 * PAGE_BYTES;
	in.config.max_order_zero = true;
	in.config.grouping = QY_OFF;
	instance_create(&in);
	assert_int_equal(qy_zone_stat_get(in.mm, 0, QY_ZONE_NORMAL, &stat), 0);
	assert_true(stat.free > 120000);
	take_text(qy_pagetypeinfo);
	assert_has("Node    0, zone   Normal, type    Unmovable >100000 \n");
	assert_int_equal(qy_pagetypeinfo_parse(text, strlen(text), &types, NULL), 0);
	assert_int_equal(types.zone[0].nr_free[QY_MIGRATE_UNMOVABLE][0], 100000);
	take_text(qy_buddyinfo);
	snprintf(row, sizeof(row), "Node 0, zone   Normal %6zu \n", stat.free);
	assert_string_equal(text, row);
}

/* Areas, page blocks being emptied, a block set aside for atomic requests: each has its row. */
static void types_of_every_kind_have_their_rows(void **state)
{
	struct qy_cma *area;

	(void)state;
	instance_init(&in, 1024);
	in.config.grouping = QY_ON;
	in.config.pageblock_order = 4;
	in.config.watermark.marks = QY_WATERMARKS_KERNEL;
	in.config.watermark.min_free_kbytes = 256;
	instance_create(&in);
	assert_int_equal(qy_cma_declare(in.mm, 0, 64, 0, 0, 0, false, NULL, &area), 0);
	check_texts();
	assert_int_equal(mem.cma_total, 64 * PAGE_BYTES / 1024);
	assert_int_equal(mem.cma_free, mem.cma_total);
	assert_int_equal(types.zone[0].blocks[QY_MIGRATE_CMA], 4);
	assert_non_null(qy_cma_alloc(area, 5, 0, false));
	check_texts();
	assert_int_equal(mem.cma_free, mem.cma_total - 5 * PAGE_BYTES / 1024);
	/* The first that finds the LOW mark not met has its page block set aside. */
	while (!in.mm->zone[QY_ZONE_NORMAL].nr_reserved_highatomic)
		assert_non_null(qy_alloc_pages(in.mm, QY_GFP_ATOMIC, 2));
	check_texts();
	assert_int_equal(zones.zone[QY_ZONE_NORMAL].reserved_highatomic, 16);
	assert_int_equal(types.zone[0].blocks[QY_MIGRATE_HIGHATOMIC], 1);

	/* As alloc_contig_range() leaves it while it works. */
	qy__lock(&in.mm->zone[QY_ZONE_NORMAL].lock);
	assert_true(qy__move_pageblock_locked(in.mm, &in.mm->zone[QY_ZONE_NORMAL], 512,
					      QY_MIGRATE_ISOLATE));
	qy__unlock(&in.mm->zone[QY_ZONE_NORMAL].lock);
	check_texts();
	assert_int_equal(types.zone[0].blocks[QY_MIGRATE_ISOLATE], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(known_instance_is_printed_to_the_letter, tear_down),
		cmocka_unit_test_teardown(known_instance_has_this_zoneinfo, tear_down),
		cmocka_unit_test_teardown(zone_without_pages_ends_with_its_protection, tear_down),
		cmocka_unit_test_teardown(every_text_is_cut_to_the_buffer, tear_down),
		cmocka_unit_test_teardown(zoneinfo_marks_have_the_boost_in_them, tear_down),
		cmocka_unit_test_teardown(indices_of_nearly_full_zones, tear_down),
		cmocka_unit_test_teardown(meminfo_counts_slabs_of_all_orders, tear_down),
		cmocka_unit_test_teardown(meminfo_reserve_is_not_available, tear_down),
		cmocka_unit_test_teardown(meminfo_areas_are_counted, tear_down),
		cmocka_unit_test_teardown(zoneinfo_of_threads_lists_used_cpus, tear_down),
		cmocka_unit_test_teardown(orders_up_to_the_limit_have_columns, tear_down),
		cmocka_unit_test_teardown(pagetypeinfo_counts_mixed_blocks, tear_down),
		cmocka_unit_test_teardown(pagetypeinfo_count_is_capped, tear_down),
		cmocka_unit_test_teardown(types_of_every_kind_have_their_rows, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
