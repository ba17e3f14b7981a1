/* SPDX-License-Identifier: MIT */
/*
 * test_boot.c - from a buffer to zones of free pages, by either boot allocator and in every shape;
 * what is refused, and that nothing is written beside the buffer then.
 */
#include "damage.h"

#include <errno.h>

#include "page/mm.h"
#include "page/page_alloc.h"
#include "page/zone.h"
#include "util/rng.h"

#define MOST_PAGES 1400u
#define GUARD 0x5a

static struct instance in;
static char *area; /* room for every shape, with a guard page on both sides */

static const enum qy_early_allocator early[2] = {QY_EARLY_MEMBLOCK, QY_EARLY_BOOTMEM};

static int set_up(void **state)
{
	(void)state;
	area = aligned_alloc(PAGE_BYTES << 12, PAGE_BYTES << 13);
	assert_non_null(area);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		qy_mm_destroy(in.mm);
	in.mm = NULL;
	free(area);
	area = NULL;
	return 0;
}

/* ---- shapes ---- */

struct shape {
	uint32_t pages, start; /* start: pages behind the first guard page */
	unsigned int nodes;
	size_t node_limit[QY_MAX_NODES], dma, dma32, normal;
	struct qy_range hole[16];
	unsigned int nr_holes;
	struct qy_mm_config cfg;
	bool by_limits;
};

/* The first page frame. */
static size_t base_pages(const struct shape *s)
{
	unsigned int order = s->cfg.max_order_zero ? 0 : s->cfg.max_order;

	return (s->start + 1) & ((1u << order) - 1);
}

static void *where(const struct shape *s)
{
	return area + (s->start + 1) * PAGE_BYTES;
}

static struct shape shape_of(uint32_t pages, uint32_t start)
{
	struct shape s = {.pages = pages, .start = start, .nodes = 1};

	instance_init(&in, pages);
	s.cfg = in.config;
	return s;
}

static bool create(struct shape *s, enum qy_early_allocator allocator)
{
	instance_init(&in, s->pages);
	in.config = s->cfg;
	in.config.sink = (struct qy_report_sink){record_report, &in.reports};
	in.config.base = where(s);
	in.config.size = s->pages * PAGE_BYTES;
	in.config.nr_nodes = s->nodes;
	in.config.node_limit = s->by_limits ? s->node_limit : NULL;
	in.config.hole = s->hole;
	in.config.nr_holes = s->nr_holes;
	in.config.zone_limit[QY_ZONE_DMA] = s->dma;
	in.config.zone_limit[QY_ZONE_DMA32] = s->dma32;
	in.config.zone_limit[QY_ZONE_NORMAL] = s->normal;
	in.config.early_allocator = allocator;
	memset(in.config.base, 0x11, in.config.size);
	errno = 0;
	in.mm = qy_mm_create(&in.config);
	return in.mm != NULL;
}

static bool in_hole(uint32_t pfn)
{
	for (unsigned int i = 0; i < in.mm->topology.nr_holes; i++)
		if (pfn >= in.mm->topology.hole[i].start && pfn < in.mm->topology.hole[i].end)
			return true;
	return false;
}

/* Descriptors and zones against the limits, page by page. Return: pages managed. */
static size_t check_pages(const struct shape *s)
{
	size_t reserved = 0, holes = 0, managed = 0, present = 0;

	assert_int_equal(in.mm->end_pfn - in.mm->min_pfn, s->pages);
	for (uint32_t pfn = in.mm->min_pfn; pfn < in.mm->end_pfn; pfn++) {
		const struct qy_page *page = qy__pfn_page(in.mm, pfn);
		uint32_t stop;

		assert_ptr_equal(qy__page_zone(in.mm, page),
				 qy__pfn_zone(in.mm, pfn, UINT32_MAX, &stop));
		assert_int_equal(page->type == QY__PAGE_HOLE, in_hole(pfn));
		reserved += page->type == QY__PAGE_RESERVED;
		holes += page->type == QY__PAGE_HOLE;
	}
	for (unsigned int z = 0; z < in.mm->nr_zones; z++) {
		managed += in.mm->zone[z].managed;
		present += in.mm->zone[z].present;
	}
	assert_int_equal(present, s->pages - holes);
	assert_int_equal(managed, s->pages - holes - reserved);
	return managed;
}

/* No book of the instance lies where there is no memory. */
static void check_books(void)
{
	const void *const book[] = {
		in.mm,	       in.mm->zone,	 in.mm->topology.distance, in.mm->zonelist.index,
		in.mm->pages,  in.mm->pageblock, in.mm->early.bootmem,	   in.mm->slab,
		in.mm->kmalloc};

	for (size_t i = 0; i < sizeof(book) / sizeof(book[0]); i++)
		if (book[i])
			assert_int_equal(qy__addr_page(in.mm, book[i])->type, QY__PAGE_RESERVED);
	for (uint32_t pfn = in.mm->min_pfn; pfn < in.mm->end_pfn; pfn++) {
		const struct qy_page *page = qy__pfn_page(in.mm, pfn);

		assert_int_equal(qy__addr_page(in.mm, page)->type, QY__PAGE_RESERVED);
	}
}

static struct qy_page *all[MOST_PAGES];

/* Every free page can be had once, and given back in any order all is as it was. */
static void take_all_and_give_back(uint64_t seed)
{
	struct qy_page_stats before = {.struct_size = sizeof(before)}, after = before;
	struct qy__rng rng;
	struct qy_page *page;
	uint32_t nr = 0;

	qy__rng_seed(&rng, seed);
	qy_mm_drain_pages(in.mm);
	qy_page_stats(in.mm, &before);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_HIGHMEM | QY_GFP_NOWARN, 0))) {
		assert_int_equal(page->type, QY__PAGE_ALLOC);
		assert_false(in_hole(qy__page_pfn(in.mm, page)));
		memset(qy_page_address(in.mm, page), 0x33, PAGE_BYTES);
		all[nr++] = page;
	}
	assert_int_equal(nr, before.free);
	assert_sound(in.mm);
	for (uint32_t left = nr; left; left--) {
		uint32_t i = qy__rng_below(&rng, left);

		assert_int_equal(qy_free_pages(in.mm, all[i], 0), 0);
		all[i] = all[left - 1];
	}
	qy_mm_drain_pages(in.mm);
	qy_page_stats(in.mm, &after);
	assert_memory_equal(before.nr_free, after.nr_free, sizeof(before.nr_free));
	assert_int_equal(before.free, after.free);
	assert_clean(&in);
}

/* One shape through both: equally usable. Return: it can be had. */
static bool try_shape(struct shape *s, uint64_t seed)
{
	/* Two books never share a page over the border of a node, or of what did not suffice. */
	bool pieces = s->nodes > 1 || s->nr_holes;
	size_t most_apart = sizeof(struct qy_bootmem) / PAGE_BYTES + (pieces ? 16 : 2);
	size_t managed[2] = {0, 0};
	bool worked[2];

	for (int i = 0; i < 2; i++) {
		worked[i] = create(s, early[i]);
		if (!worked[i]) {
			assert_int_equal(errno, ENOMEM);
			continue;
		}
		assert_int_equal(in.mm->early.bootmem != NULL, early[i] == QY_EARLY_BOOTMEM);
		managed[i] = check_pages(s);
		check_books();
		take_all_and_give_back(seed);
		qy_mm_destroy(in.mm);
		in.mm = NULL;
	}
	/* The bitmaps need room; where there is some, they take little of it and give it back. */
	/* (Between holes, either may happen to pack its books better by a page.) */
	if (worked[1])
		assert_true(worked[0] && managed[0] + (pieces ? 2 : 0) >= managed[1]);
	if (worked[0] && managed[0] >= (pieces ? 120 : 20))
		assert_true(worked[1] && managed[0] <= managed[1] + most_apart);
	return worked[0];
}

static void boot_every_size_start_and_order(void **state)
{
	static const uint32_t size[] = {40, 41, 63, 64, 65, 100, 127, 128, 129, 200, 257, 511};
	static const uint32_t start[] = {0, 1, 2, 31, 63, 64, 1023};
	unsigned int worked = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		for (size_t k = 0; k < sizeof(start) / sizeof(start[0]); k++)
			for (unsigned int order = 0; order <= 12; order++) {
				struct shape s = shape_of(size[i], start[k]);

				if (order > QY_CONFIG_MAX_ORDER_LIMIT)
					continue;
				s.cfg.max_order = order;
				s.cfg.max_order_zero = !order;
				worked += try_shape(&s, i * 1000 + k * 100 + order);
			}
	assert_true(worked > 12 * 7 * 9);
}

/* Limits of nodes that ascend, in pages or askew. */
static void draw_nodes(struct shape *s, struct qy__rng *rng)
{
	size_t at = base_pages(s) * PAGE_BYTES;

	s->nodes = 1 + qy__rng_below(rng, qy__rng_below(rng, 4) ? 5 : QY_MAX_NODES);
	s->by_limits = qy__rng_below(rng, 2);
	for (unsigned int n = 0; n < s->nodes; n++) {
		at += qy__rng_below(rng, (uint32_t)(2 * s->pages / s->nodes + 2)) * PAGE_BYTES;
		s->node_limit[n] = at;
		if (qy__rng_below(rng, 2))
			s->node_limit[n] += qy__rng_below(rng, PAGE_BYTES);
	}
}

static void draw_holes(struct shape *s, struct qy__rng *rng)
{
	size_t at = base_pages(s) * PAGE_BYTES + sizeof(struct qy_mm) + PAGE_BYTES - 1;
	uint32_t nr = qy__rng_below(rng, 2) ? qy__rng_below(rng, 17) : 0;

	at &= ~(PAGE_BYTES - 1);
	for (s->nr_holes = 0; s->nr_holes < nr; s->nr_holes++) {
		bool odd = qy__rng_below(rng, 2);

		at += qy__rng_below(rng, 1 + 2 * s->pages / nr) * PAGE_BYTES;
		at += odd ? qy__rng_below(rng, PAGE_BYTES) : 0;
		s->hole[s->nr_holes].start = at;
		at += qy__rng_below(rng, 1 + s->pages / (2 * nr)) * PAGE_BYTES;
		at += odd ? qy__rng_below(rng, PAGE_BYTES) : 0;
		s->hole[s->nr_holes].end = at;
	}
}

static void draw_zones(struct shape *s, struct qy__rng *rng)
{
	size_t base = base_pages(s), unit = s->pages / 3 + 1;

	if (qy__rng_below(rng, 2))
		s->dma = (base + qy__rng_below(rng, (uint32_t)unit)) * PAGE_BYTES;
	if (qy__rng_below(rng, 2))
		s->dma32 = (base + unit + qy__rng_below(rng, (uint32_t)unit)) * PAGE_BYTES;
	if (qy__rng_below(rng, 2))
		s->normal = (base + 2 * unit + qy__rng_below(rng, (uint32_t)unit)) * PAGE_BYTES;
}

static void boot_drawn_shapes(void **state)
{
	unsigned int worked = 0;
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 4711);
	for (int i = 0; i < 700; i++) {
		uint32_t pages = 40 + qy__rng_below(&rng, i % 5 ? 300 : MOST_PAGES - 40);
		uint32_t start = max(qy__rng_below(&rng, 140), 70u) - 70u;
		struct shape s = shape_of(pages, start);

		s.cfg.max_order = qy__rng_below(&rng, min(13u, QY_CONFIG_MAX_ORDER_LIMIT + 1u));
		s.cfg.max_order_zero = !s.cfg.max_order;
		s.cfg.pageblock_order = qy__rng_below(&rng, 2) ? 0 : 1 + qy__rng_below(&rng, 6);
		s.cfg.grouping = qy__rng_below(&rng, 2) ? QY_ON : QY_OFF;
		s.cfg.pcp = qy__rng_below(&rng, 2) ? QY_ON : QY_OFF;
		s.cfg.shuffle = qy__rng_below(&rng, 2);
		s.cfg.nr_cpus = 1 + qy__rng_below(&rng, 3);
		s.cfg.zonelist_order = qy__rng_below(&rng, 2) ? QY_ZONELIST_NODE : QY_ZONELIST_ZONE;
		draw_nodes(&s, &rng);
		draw_holes(&s, &rng);
		draw_zones(&s, &rng);
		worked += try_shape(&s, (uint64_t)i);
	}
	assert_true(worked > 400);
}

static void boot_as_many_nodes_as_there_can_be(void **state)
{
	(void)state;
	for (unsigned int nodes = 1; nodes <= QY_MAX_NODES; nodes++) {
		struct shape s = shape_of(MOST_PAGES, 3);

		s.nodes = nodes;
		s.cfg.max_order = 3;
		assert_true(try_shape(&s, nodes));
	}
}

/* ---- holes ---- */

/*
 * The first page behind the instance is no memory: zones and all other books lie elsewhere.
 */
static void hole_right_behind_the_instance_holds_no_book(void **state)
{
	(void)state;
	for (uint32_t len = 1; len < 40; len += 3) {
		struct shape s = shape_of(300, 0);
		size_t at = (sizeof(struct qy_mm) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

		at += base_pages(&s) * PAGE_BYTES;
		s.hole[0] = (struct qy_range){at, at + len * PAGE_BYTES};
		s.nr_holes = 1;
		assert_true(try_shape(&s, len));
	}
}

static void hole_is_widened_to_whole_pages(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct shape s = shape_of(300, 0);

		s.hole[0] = (struct qy_range){200 * PAGE_BYTES + 1, 200 * PAGE_BYTES + 2};
		s.hole[1] = (struct qy_range){210 * PAGE_BYTES - 1, 210 * PAGE_BYTES + 1};
		s.hole[2] = (struct qy_range){211 * PAGE_BYTES - 1, 212 * PAGE_BYTES};
		s.hole[3] = (struct qy_range){250 * PAGE_BYTES, 250 * PAGE_BYTES}; /* no hole */
		s.nr_holes = 4;
		assert_true(create(&s, early[i]));
		for (uint32_t pfn = 190; pfn < 300; pfn++)
			assert_int_equal(qy__pfn_page(in.mm, pfn)->type == QY__PAGE_HOLE,
					 pfn == 200 || (pfn >= 209 && pfn <= 211));
		assert_int_equal(qy_free_pages(in.mm, qy__pfn_page(in.mm, 200), 0), -EINVAL);
		take_report(&in, QY_REPORT_BAD_PAGE_FREE);
		qy_mm_destroy(in.mm);
		in.mm = NULL;
	}
}

/* ---- refused ---- */

static void assert_guards(const struct shape *s, size_t bytes)
{
	const char *at = where(s);

	for (size_t i = 1; i <= PAGE_BYTES; i++)
		assert_int_equal(at[-(ptrdiff_t)i], GUARD);
	for (size_t i = 0; i < PAGE_BYTES; i++)
		assert_int_equal(at[bytes + i], GUARD);
}

/* A page less a byte, a page, a page and a byte. */
static size_t step(size_t size)
{
	return size % PAGE_BYTES == 1 ? PAGE_BYTES - 2 : 1;
}

/*
 * Buffers of every number of pages, and one byte more and less. A buffer of the C library's own has
 * an end that the address sanitizer watches; the guards are for builds without it.
 */
static void create_below_the_least_size_gives_enomem_and_writes_nothing_beside(void **state)
{
	static const char *const debug[] = {NULL, "slab_debug=FZPU quarantine=64K"};

	(void)state;
	for (int i = 0; i < 8; i++) {
		size_t least = 0;

		for (size_t size = 0; size < 100 * PAGE_BYTES; size += step(size)) {
			struct shape s = shape_of(0, i & 4);

			s.cfg.debug = debug[i & 1];
			s.nodes = i & 4 ? 3 : 1;
			memset(area, GUARD, PAGE_BYTES * (s.start + 3) + size);
			in.config = s.cfg;
			in.config.base = where(&s);
			in.config.size = size;
			in.config.early_allocator = early[i >> 1 & 1];
			errno = 0;
			in.mm = qy_mm_create(&in.config);
			if (in.mm) {
				least = least ? least : size;
				assert_sound(in.mm);
			} else {
				assert_int_equal(errno, ENOMEM);
				assert_int_equal(least, 0);
			}
			assert_guards(&s, size);
			qy_mm_destroy(in.mm);
			in.mm = NULL;
		}
		assert_true(least && least % PAGE_BYTES == 0);
	}
}

#define REFUSE(change)                                                                             \
	do {                                                                                       \
		struct qy_mm_config cfg = good;                                                    \
                                                                                                   \
		cfg.change;                                                                        \
		errno = 0;                                                                         \
		assert_null(qy_mm_create(&cfg));                                                   \
		assert_int_equal(errno, EINVAL);                                                   \
		assert_guards(s, cfg.size);                                                        \
	} while (0)

static void refuse_enumerations(const struct qy_mm_config good, const struct shape *s)
{
	REFUSE(struct_size--);
	REFUSE(backing = (enum qy_backing)2);
	REFUSE(early_allocator = (enum qy_early_allocator)2);
	REFUSE(classes = (enum qy_classes)2);
	REFUSE(cpu_provider = (enum qy_cpu_provider)2);
	REFUSE(policy = (enum qy_policy)2);
	REFUSE(zonelist_order = (enum qy_zonelist_order)2);
	REFUSE(grouping = (enum qy_switch)3);
	REFUSE(pcp = (enum qy_switch) - 1);
	REFUSE(watermark.marks = (enum qy_watermarks)2);
}

static void refuse_numbers(const struct qy_mm_config good, const struct shape *s)
{
	REFUSE(max_order = QY_CONFIG_MAX_ORDER_LIMIT + 1);
	REFUSE(pageblock_order = QY_CONFIG_MAX_ORDER_LIMIT + 1);
	REFUSE(nr_cpus = 65);
	REFUSE(red_zone = 7);
	REFUSE(red_zone = 4097);
	REFUSE(nr_nodes = QY_MAX_NODES + 1);
	REFUSE(nr_nodes = QY_NODES_MACHINE - 1);
	REFUSE(watermark.scale_factor = 3001);
	REFUSE(page_debug = QY_PAGE_DEBUG_FLAGS + 1);
	REFUSE(percpu_pagelist_high_fraction = 7);
	REFUSE(pcp_batch = 8; cfg.pcp_high = 7);
	REFUSE(debug = "slab_debug=?");
	REFUSE(nr_holes = 17);
	REFUSE(nr_holes = 1); /* NULL */
}

static void refuse_tables(const struct qy_mm_config good, const struct shape *s)
{
	static const uint8_t far[4] = {10, 10, 20, 10}, near[4] = {10, 9, 20, 10};
	static const uint8_t self[4] = {10, 20, 20, 11}, none[4] = {10, 0, 20, 10};
	static const uint8_t cpu[2] = {0, 2};
	static const size_t falling[3] = {200 << 12, 100 << 12, 0};
	static const size_t first_all[3] = {SIZE_MAX, 100 << 12, SIZE_MAX};

	REFUSE(nr_nodes = 2; cfg.distance = far);
	REFUSE(nr_nodes = 2; cfg.distance = near);
	REFUSE(nr_nodes = 2; cfg.distance = self);
	REFUSE(nr_nodes = 2; cfg.distance = none);
	REFUSE(nr_nodes = 2; cfg.nr_cpus = 2; cfg.cpu_node = cpu);
	REFUSE(nr_nodes = 3; cfg.node_limit = first_all);
	REFUSE(nr_nodes = 3; cfg.node_limit = falling);
	REFUSE(zone_limit[QY_ZONE_HIGHMEM] = 1);
	REFUSE(zone_limit[QY_ZONE_DMA] = 200 << 12; cfg.zone_limit[QY_ZONE_DMA32] = 100 << 12);
	REFUSE(zone_limit[QY_ZONE_DMA32] = 200 << 12; cfg.zone_limit[QY_ZONE_NORMAL] = 100 << 12);
}

static void refuse_holes(const struct qy_mm_config good, const struct shape *s)
{
	static const struct qy_range start[] = {{0, 1 << 12}};
	static const struct qy_range self[] = {{sizeof(struct qy_mm), sizeof(struct qy_mm) + 1}};
	static const struct qy_range ends_first[] = {{200 << 12, 199 << 12}};
	static const struct qy_range overlap[] = {{200 << 12, 210 << 12}, {209 << 12, 220 << 12}};
	static const struct qy_range falls[] = {{200 << 12, 210 << 12}, {100 << 12, 101 << 12}};

	REFUSE(nr_holes = 1; cfg.hole = start);
	if (sizeof(struct qy_mm) % PAGE_BYTES)
		REFUSE(nr_holes = 1; cfg.hole = self);
	REFUSE(nr_holes = 1; cfg.hole = ends_first);
	REFUSE(nr_holes = 2; cfg.hole = overlap);
	REFUSE(nr_holes = 2; cfg.hole = falls);
}

static void create_bad_field_gives_einval(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct shape s = shape_of(400, 0);
		struct qy_mm_config good = s.cfg;

		memset(area, GUARD, 403 * PAGE_BYTES);
		good.base = where(&s);
		good.size = 400 * PAGE_BYTES;
		good.early_allocator = early[i];
		in.mm = qy_mm_create(&good);
		assert_non_null(in.mm);
		assert_sound(in.mm);
		qy_mm_destroy(in.mm);
		in.mm = NULL;
		refuse_enumerations(good, &s);
		refuse_numbers(good, &s);
		refuse_tables(good, &s);
		refuse_holes(good, &s);
	}
}

/* ---- bitmaps ---- */

static void bootmem_is_sound_while_the_boot_goes_on(void **state)
{
	struct shape s = shape_of(600, 5);
	struct qy_check_result r = {.struct_size = sizeof(r)};
	uint64_t free_pages;
	char *p;

	(void)state;
	s.cfg.base = where(&s);
	s.cfg.size = 600 * PAGE_BYTES;
	s.cfg.nr_nodes = 7;
	s.cfg.max_order = 3;
	s.cfg.early_allocator = QY_EARLY_BOOTMEM;
	in.mm = qy__mm_place(&s.cfg);
	assert_non_null(in.mm);
	assert_int_equal(in.mm->early.bootmem->nr_nodes, 7);
	assert_int_equal(qy_bootmem_check(in.mm->early.bootmem, &r), 0);
	free_pages = qy_bootmem_nr_free(in.mm->early.bootmem);

	/* Small ones share a page, a large one may lie in two nodes, and no part of any is lost. */
	p = qy__mm_boot_alloc(in.mm, 2 * PAGE_BYTES, PAGE_BYTES);
	assert_ptr_equal(qy__mm_boot_alloc(in.mm, 8, 8), p + 2 * PAGE_BYTES);
	assert_ptr_equal(qy__mm_boot_alloc(in.mm, 8, 64), p + 2 * PAGE_BYTES + 64);
	assert_int_equal(qy_bootmem_nr_free(in.mm->early.bootmem), free_pages - 3);
	p = qy__mm_boot_alloc(in.mm, 200 * PAGE_BYTES, PAGE_BYTES);
	assert_non_null(p);
	assert_ptr_equal(hide(p), (char *)in.mm->base + (p - in.mm->base));
	assert_int_equal(qy_bootmem_nr_free(in.mm->early.bootmem), free_pages - 203);
	for (size_t i = 0; i < 200 * PAGE_BYTES; i += 512)
		assert_int_equal(p[i], 0);
	assert_null(qy__mm_boot_alloc(in.mm, 600 * PAGE_BYTES, 64));
	assert_int_equal(qy_bootmem_check(in.mm->early.bootmem, &r), 0);

	/* Expect: what is free and the pages of the maps. */
	assert_int_equal(qy__mm_handover(in.mm), 0);
	assert_int_equal(in.mm->early.free, free_pages - 203 + 1);
	assert_int_equal(in.mm->early.bootmem->nr_nodes, 0);
	qy__mm_release(in.mm);
	in.mm = NULL;
}

/* What the books leave is less than a page: no instance. */
static void bootmem_all_memory_taken_gives_enomem(void **state)
{
	struct shape s = shape_of(64, 0);

	(void)state;
	s.cfg.base = where(&s);
	s.cfg.size = 64 * PAGE_BYTES;
	for (int i = 0; i < 2; i++) {
		s.cfg.early_allocator = early[i];
		in.mm = qy__mm_place(&s.cfg);
		assert_non_null(in.mm);
		while (qy__mm_boot_alloc(in.mm, PAGE_BYTES, 64))
			;
		while (qy__mm_boot_alloc(in.mm, 64, 64))
			;
		/* The bitmap's own page remains. */
		assert_int_equal(qy__mm_handover(in.mm), i ? 0 : -ENOMEM);
		assert_int_equal(in.mm->early.free, i);
		qy__mm_release(in.mm);
	}
	in.mm = NULL;
}

/* ---- the checker ---- */

static void make(enum qy_early_allocator allocator)
{
	instance_init(&in, 256);
	in.config.early_allocator = allocator;
	in.config.nr_nodes = 2;
	instance_create(&in);
	assert_clean(&in);
	instance_save(&in);
}

static void drop(void)
{
	instance_destroy(&in);
}

static void check_bootmem_head_BM(void **state)
{
	(void)state;
	make(QY_EARLY_BOOTMEM);
	in.mm->early.bootmem->struct_size++;
	expect_violation(&in, "BM");
	in.mm->early.bootmem->cfg.page_shift = 0;
	expect_violation(&in, "BM");
	in.mm->early.bootmem = (void *)((char *)in.mm->early.bootmem + 1);
	expect_violation(&in, "BM");
	in.mm->early.bootmem = (void *)(in.buf + in.size - 8);
	expect_violation(&in, "BM");
	in.mm->early.bootmem = (void *)in.buf - 4096;
	expect_violation(&in, "BM");
	drop();
}

static void check_bootmem_not_handed_over_BM8(void **state)
{
	(void)state;
	make(QY_EARLY_BOOTMEM);
	in.mm->early.bootmem->nr_nodes = 1;
	expect_violation(&in, "BM8");
	in.mm->early.bootmem->nr_nodes = UINT32_MAX;
	expect_violation(&in, "BM8");
	in.mm->early.map = in.buf;
	expect_violation(&in, "BM8");
	in.mm->early.free++;
	expect_violation(&in, "BM8");
	in.mm->early.free--;
	expect_violation(&in, "BM8");
	in.mm->early.pages++;
	expect_violation(&in, "BM8");
	in.mm->early.pages--;
	expect_violation(&in, "BM8");
	in.mm->zone[QY_ZONE_NORMAL].managed--;
	expect_violation(&in, "BM8");
	drop();
}

static void check_memblock_hand_over_MB10(void **state)
{
	struct qy_memblock_type *reserved;

	(void)state;
	make(QY_EARLY_MEMBLOCK);
	reserved = &in.mm->early.memblock.reserved;
	in.mm->early.free++;
	expect_violation(&in, "MB10");
	/* Two pages behind the last book that are free. */
	reserved->regions[reserved->cnt - 1].size += 2 * PAGE_BYTES;
	reserved->total_size += 2 * PAGE_BYTES;
	expect_violation(&in, "MB10");
	in.mm->zone[QY_ZONE_NORMAL].managed++;
	expect_violation(&in, "MB10");
	in.mm->early.done = false;
	expect_violation(&in, "MM");
	/* Whoever forgets which of the two it was finds a map without memory. */
	drop();
	make(QY_EARLY_BOOTMEM);
	in.mm->early.bootmem = NULL;
	expect_violation(&in, "MB10");
	drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(boot_every_size_start_and_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(boot_drawn_shapes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(boot_as_many_nodes_as_there_can_be, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(hole_right_behind_the_instance_holds_no_book,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(hole_is_widened_to_whole_pages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			create_below_the_least_size_gives_enomem_and_writes_nothing_beside, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(create_bad_field_gives_einval, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bootmem_is_sound_while_the_boot_goes_on, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(bootmem_all_memory_taken_gives_enomem, set_up,
						tear_down),
		cmocka_unit_test(check_bootmem_head_BM),
		cmocka_unit_test(check_bootmem_not_handed_over_BM8),
		cmocka_unit_test(check_memblock_hand_over_MB10),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
