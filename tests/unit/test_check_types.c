/* SPDX-License-Identifier: MIT */
/*
 * test_check_types.c - the checker on page blocks and their types, guard blocks, what free memory
 * holds, and contiguous-memory areas: each test breaks one thing.
 *
 * Page blocks of 8 pages; one of them lies over the border of the zones:
 *
 *   DMA: 0…147    page blocks … | 136 … 143 | 144 … 147 148 … 151 | 152 …    Normal: 148…511
 */
#include "damage.h"
#include "fixture.h"

#include "page/buddy.h"
#include "page/buddy_internal.h"
#include "page/page_alloc.h"
#include "page/page_debug.h"
#include "page/rmqueue.h"
#include "util/bitops.h"

#define BORDER 148u
#define BLOCK 8u

static struct qy__zone *normal(void)
{
	return &in.mm->zone[QY_ZONE_NORMAL];
}

static struct qy_page *page_at(uint32_t pfn)
{
	return qy__pfn_page(in.mm, pfn);
}

static uint8_t *entry(uint32_t pfn)
{
	return &in.mm->pageblock[(pfn >> in.mm->pageblock_order) - in.mm->pageblock_first];
}

static void make(unsigned int page_debug)
{
	instance_init(&in, 512);
	in.config.zone_limit[QY_ZONE_DMA] = BORDER * PAGE_BYTES;
	in.config.pageblock_order = 3;
	in.config.grouping = QY_ON;
	in.config.pcp = QY_ON;
	in.config.pcp_batch = in.config.pcp_high = 8;
	in.config.page_debug = page_debug;
	instance_create(&in);
	assert_int_equal(in.mm->min_pfn, 0);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0));
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_MOVABLE, 1));
	assert_clean(&in);
	instance_save(&in);
}

static int set_up(void **state)
{
	(void)state;
	make(0);
	return 0;
}

/* A page block in the middle of free ones: its neighbours are free, too. */
static uint32_t free_pageblock(void)
{
	struct qy_page *page = free_block(in.mm, 6);

	return qy__page_pfn(in.mm, page) + 2 * BLOCK;
}

static void change_type(uint32_t pfn, unsigned int type)
{
	assert_true(qy__move_pageblock_locked(in.mm, normal(), pfn, type));
}

static void check_type_of_free_block_B6(void **state)
{
	struct qy_page *page = free_block(in.mm, 4), *small = free_block(in.mm, 0);
	uint32_t pfn = qy__page_pfn(in.mm, page);

	(void)state;
	small->migratetype = QY_NR_MIGRATETYPES;
	expect_violation(&in, "B6");
	small->migratetype = QY_MIGRATE_RECLAIMABLE; /* its list is another's */
	expect_violation(&in, "B6");
	*entry(qy__page_pfn(in.mm, small)) = QY_MIGRATE_CMA;
	expect_violation(&in, "B6");
	*entry(pfn + BLOCK) = QY_MIGRATE_RECLAIMABLE; /* one of several page blocks */
	expect_violation(&in, "B6");
	unlist(in.mm, &normal()->area[page->order], page);
	page->migratetype = QY_MIGRATE_RECLAIMABLE; /* and on that list */
	enlist(in.mm, &normal()->area[page->order], page);
	expect_violation(&in, "B6");
}

/* A list head is moved to another type's list. */
static void check_type_of_list_B6(void **state)
{
	struct qy__free_area *area = &normal()->area[free_block(in.mm, 4)->order];
	unsigned int from = free_block(in.mm, 4)->migratetype, to = QY_MIGRATE_ISOLATE;

	(void)state;
	area->head[to] = area->head[from];
	area->tail[to] = area->tail[from];
	area->head[from] = area->tail[from] = QY__PFN_NONE;
	expect_violation(&in, "B4");
	area->head[to] = area->head[from];
	expect_violation(&in, "B6");
}

static void check_type_of_page_block_B6(void **state)
{
	uint32_t first = in.mm->min_pfn;

	(void)state;
	*entry(first) = QY_NR_MIGRATETYPES; /* all of it is reserved */
	expect_violation(&in, "B6");
	*entry(first) = 0xff;
	expect_violation(&in, "B6");
	*entry(BORDER) = QY_MIGRATE_UNMOVABLE; /* as big a part of it as is free is B6, too */
	expect_violation(&in, "B6");
	in.mm->grouping = false; /* then there are no types */
	expect_violation(&in, "B6");
}

static void check_unmovable_border_block_is_damage_B6(void **state)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	struct qy_page *page[1024];
	unsigned int n = 0;

	(void)state;
	/* All is in use: no free block contradicts the type. */
	while (n < 1024 && (page[n] = qy_alloc_pages(in.mm, QY_GFP_NOWAIT | QY_GFP_MOVABLE, 0)))
		n++;
	assert_sound(in.mm);
	*entry(BORDER) = QY_MIGRATE_RECLAIMABLE;
	assert_int_equal(qy_check(in.mm, QY_CHECK_ALL, &r), 2); /* both zones have a part of it */
	assert_true(has_violation(&r, "B6"));
	instance_restore(&in);
}

/* B9, B10: types that must not mix part what would be one block. */
static void check_barriers_B10(void **state)
{
	static const uint8_t type[] = {QY_MIGRATE_CMA, QY_MIGRATE_ISOLATE, QY_MIGRATE_HIGHATOMIC};
	uint32_t pfn = free_pageblock();
	unsigned int order = free_block(in.mm, 6)->order;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		change_type(pfn, type[i]);
		normal()->nr_cma += type[i] == QY_MIGRATE_CMA ? BLOCK : 0;
		normal()->nr_reserved_highatomic += type[i] == QY_MIGRATE_HIGHATOMIC ? BLOCK : 0;
		assert_sound(in.mm);
		assert_int_equal(page_at(pfn)->order, 3);
		change_type(pfn, QY_MIGRATE_MOVABLE);
		normal()->nr_cma = normal()->nr_reserved_highatomic = 0;
		assert_sound(in.mm);
		assert_int_equal(free_block(in.mm, 6)->order, order);
		/* The barrier goes, and nobody merges what it parted. */
		change_type(pfn, type[i]);
		*entry(pfn) = QY_MIGRATE_MOVABLE;
		unlist(in.mm, &normal()->area[3], page_at(pfn));
		page_at(pfn)->migratetype = QY_MIGRATE_MOVABLE;
		enlist(in.mm, &normal()->area[3], page_at(pfn));
		expect_violation(&in, "B10");
	}
}

static void check_free_counters_B5(void **state)
{
	uint32_t pfn = free_pageblock();

	(void)state;
	normal()->nr_free_cma++;
	expect_violation(&in, "B5");
	normal()->nr_free_highatomic = 1;
	expect_violation(&in, "B5");
	normal()->nr_free_blocks -= BLOCK;
	expect_violation(&in, "B5");
	normal()->unreported++;
	expect_violation(&in, "B5");
	page_at(pfn - 2 * BLOCK)->flags = QY__PAGE_F_REPORTED; /* and still counted */
	expect_violation(&in, "B5");
	change_type(pfn, QY_MIGRATE_CMA);
	normal()->nr_cma += BLOCK;
	assert_int_equal(normal()->nr_free_cma, BLOCK);
	normal()->nr_free_cma--;
	expect_violation(&in, "B5");
}

static void check_reported_block_B1(void **state)
{
	struct qy_page *large = free_block(in.mm, 4), *small = free_block(in.mm, 0);

	(void)state;
	large->flags = QY__PAGE_F_REPORTED;
	normal()->unreported -= 1u << large->order;
	assert_sound(in.mm);
	instance_restore(&in);
	assert_true(small->order < 3);
	small->flags = QY__PAGE_F_REPORTED; /* too small to be told of */
	expect_violation(&in, "B1");
	large->flags = QY__PAGE_F_REPORTED | QY__PAGE_F_MOVABLE;
	expect_violation(&in, "B1");
}

static void check_references_of_free_pages_B1(void **state)
{
	struct qy_page *large = free_block(in.mm, 4);

	(void)state;
	large->alloc.refcount = 1;
	expect_violation(&in, "B1");
	large[9].alloc.refcount = 1;
	expect_violation(&in, "B1");
}

static void check_highatomic_B11(void **state)
{
	uint32_t pfn = free_pageblock();

	(void)state;
	normal()->nr_reserved_highatomic = BLOCK;
	expect_violation(&in, "B11");
	in.mm->zone[QY_ZONE_DMA32].nr_reserved_highatomic = BLOCK; /* no pages */
	expect_violation(&in, "B11");
	change_type(pfn, QY_MIGRATE_HIGHATOMIC); /* not counted */
	expect_violation(&in, "B11");
	qy__reserve_highatomic_locked(in.mm, normal(), pfn);
	assert_int_equal(normal()->nr_reserved_highatomic, BLOCK);
	assert_sound(in.mm);
	/* Two more, and counted: more than may be, for 1 % is less than one. */
	for (unsigned int i = 1; i < 3; i++) {
		change_type(pfn + i * BLOCK, QY_MIGRATE_HIGHATOMIC);
		normal()->nr_reserved_highatomic += BLOCK;
	}
	expect_violation(&in, "B11");
}

/* As a split leaves it. */
static struct qy_page *make_guard(void)
{
	struct qy_page *page = free_block(in.mm, 0);

	assert_true(page->order < 3);
	unlist(in.mm, &normal()->area[page->order], page);
	page->type = QY__PAGE_GUARD;
	normal()->nr_guard += 1u << page->order;
	normal()->nr_free_pages -= 1u << page->order;
	in.mm->page_debug.guard_minorder = 3;
	return page;
}

static void check_guards_B12(void **state)
{
	struct qy_page *page;

	(void)state;
	normal()->nr_guard++;
	expect_violation(&in, "B12");
	page = make_guard();
	if (!QY_CONFIG_DEBUG) { /* nobody makes them */
		expect_violation(&in, "B12");
		return;
	}
	assert_sound(in.mm);
	in.mm->page_debug.guard_minorder = page->order;
	expect_violation(&in, "B12");
	make_guard();
	normal()->nr_guard = 0;
	expect_violation(&in, "B12");
	make_guard();
	normal()->nr_free_pages++; /* a guard is not free */
	expect_violation(&in, "B5");
	page = make_guard();
	enlist(in.mm, &normal()->area[page->order], page); /* nor on a list */
	expect_violation(&in, "B1");
	page = make_guard();
	page->alloc.refcount = 1;
	expect_violation(&in, "B1");
}

/* A guard block that is its buddy's like should have been merged. */
static void check_unmerged_guard_B3(void **state)
{
	struct qy_page *page = free_block(in.mm, 4);
	unsigned int half = page->order - 1u;

	(void)state;
	unlist(in.mm, &normal()->area[page->order], page);
	normal()->nr_free_blocks -= 1u << half;
	normal()->unreported -= 1u << half;
	normal()->nr_free_pages -= 1u << half;
	normal()->nr_guard = 1u << half;
	in.mm->page_debug.guard_minorder = page->order;
	page->order = (uint8_t)half;
	enlist(in.mm, &normal()->area[half], page);
	page += 1u << half;
	page->type = QY__PAGE_GUARD;
	page->order = (uint8_t)half;
	page->migratetype = page[-(1 << half)].migratetype;
	expect_violation(&in, "B3");
}

static void check_isolated_B14(void **state)
{
	uint32_t pfn = free_pageblock();

	(void)state;
	normal()->nr_free_isolate = 1;
	expect_violation(&in, "B14");
	change_type(pfn, QY_MIGRATE_ISOLATE);
	assert_int_equal(normal()->nr_free_isolate, BLOCK);
	assert_sound(in.mm);
	normal()->nr_free_isolate = 0; /* nowhere counted */
	expect_violation(&in, "B14");
	change_type(pfn, QY_MIGRATE_ISOLATE);
	normal()->nr_free_pages += BLOCK; /* counted as free, too */
	expect_violation(&in, "B5");
	change_type(pfn, QY_MIGRATE_ISOLATE);
	page_at(pfn)->flags = QY__PAGE_F_REPORTED;
	expect_violation(&in, "B1");
}

/* ---- contents ---- */

static bool finds(unsigned int what, const char *id)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	qy_check(in.mm, what, &r);
	return has_violation(&r, id);
}

static void check_contents_of(unsigned int page_debug, uint8_t byte)
{
	struct qy_page *page;
	uint8_t *p;
	size_t len;

	tear_down(NULL);
	make(page_debug);
	page = free_block(in.mm, 3);
	len = PAGE_BYTES << page->order;
	p = qy__page_addr(in.mm, page);
	assert_int_equal(p[0], byte);
	p[0] ^= 1;
	assert_true(finds(QY_CHECK_BUDDY, "B13"));
	expect_violation(&in, "B13");
	p[len - 1] ^= 0x80;
	assert_true(finds(QY_CHECK_BUDDY, "B13"));
	expect_violation(&in, "B13");
	p[PAGE_BYTES + 77] ^= 4; /* only who reads all of it can find that */
	assert_false(finds(QY_CHECK_BUDDY | QY_CHECK_ZONE, "B13"));
	assert_true(finds(QY_CHECK_CONTENTS, "B13"));
	expect_violation(&in, "B13");
	page = find_block(in.mm, QY__PAGE_PCP, 0, NULL);
	assert_non_null(page);
	((uint8_t *)qy__page_addr(in.mm, page))[100] ^= 1;
	expect_violation(&in, "B13");
}

static void check_free_memory_B13(void **state)
{
	(void)state;
	check_contents_of(QY_PAGE_POISON, 0xaa);
	check_contents_of(QY_PAGE_POISON | QY_PAGE_INIT_ON_FREE, 0xaa);
	check_contents_of(QY_PAGE_INIT_ON_FREE, 0);
	tear_down(NULL);
	make(QY_PAGE_INIT_ON_ALLOC); /* says nothing about free pages */
	((uint8_t *)qy__page_addr(in.mm, free_block(in.mm, 3)))[0] ^= 1;
	assert_false(finds(QY_CHECK_ALL, "B13"));
}

/* ---- contiguous-memory areas ---- */

/* Two page blocks; their owner has the first page, the second is lent. */
static struct qy_cma *make_area(void)
{
	struct qy_page *map = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_ZERO, 0);
	uint32_t pfn = free_pageblock();
	struct qy_cma *area = &in.mm->cma[1];

	assert_non_null(map);
	change_type(pfn, QY_MIGRATE_CMA);
	change_type(pfn + BLOCK, QY_MIGRATE_CMA);
	normal()->nr_cma += 2 * BLOCK;
	for (unsigned int i = 0; i < 2; i++) {
		struct qy_page *page = qy__rmqueue_smallest(in.mm, normal(), 0, QY_MIGRATE_CMA);

		assert_ptr_equal(page, page_at(pfn + i));
		page->type = QY__PAGE_ALLOC;
		page->order = 0;
		page->alloc.refcount = 1;
		page->flags = i ? QY__PAGE_F_MOVABLE : 0;
		qy__count_in_use_locked(in.mm, 1);
	}
	area->mm = in.mm;
	area->base = pfn;
	area->pages = 2 * BLOCK;
	area->map = qy__page_addr(in.mm, map);
	area->map[0] = 1;
	area->used_bits = 1;
	return area;
}

/* @change is done to a sound area, and is damage. */
#define expect_broken_area(id, ...)                                                                \
	do {                                                                                       \
		struct qy_cma *area QY_UNUSED = make_area();                                       \
                                                                                                   \
		assert_sound(in.mm);                                                               \
		__VA_ARGS__;                                                                       \
		expect_violation(&in, id);                                                         \
	} while (0)

static void check_place_of_area_CM(void **state)
{
	(void)state;
	expect_broken_area("CM", area->mm = (struct qy_mm *)in.buf + 1);
	expect_broken_area("CM", area->base++);
	expect_broken_area("CM", area->base = 1u << 30);
	expect_broken_area("CM", area->pages = 0);
	expect_broken_area("CM", area->pages--);
	expect_broken_area("CM", area->pages = 512);
	expect_broken_area("CM", area->pages = UINT32_MAX & ~(BLOCK - 1));
	expect_broken_area("CM", area->base = 144; area->pages = 16); /* in two zones */
	expect_broken_area("CM", area->order_per_bit = 5);
	expect_broken_area("CM", area->order_per_bit = 90);
	expect_broken_area("CM", in.mm->cma[5] = *area); /* the same twice */
	expect_broken_area("LK", area->lock.word = 9);
}

static void check_bitmap_of_area_CM(void **state)
{
	(void)state;
	expect_broken_area("CM", area->map = NULL);
	expect_broken_area("CM", area->map++);
	expect_broken_area("CM", area->map = (uint64_t *)(in.buf + in.size));
	expect_broken_area("CM", area->map = qy__pfn_addr(in.mm, area->base + 5)); /* free */
	expect_broken_area("CM", area->map = qy__pfn_addr(in.mm, area->base));	   /* in the area */
	expect_broken_area("CM", area->used_bits++);
	expect_broken_area("CM", area->map[0] = 3);			 /* not counted */
	expect_broken_area("CM", area->map[0] = 5; area->used_bits = 2); /* a free page */
	expect_broken_area("CM", area->map[0] = 0; area->used_bits = 0); /* cannot be moved */
	expect_broken_area("CM", page_at(area->base)->type = QY__PAGE_PCP);
}

static void check_page_blocks_of_area_Z1(void **state)
{
	(void)state;
	expect_broken_area("Z1", normal()->nr_cma -= BLOCK);
	expect_broken_area("Z1", normal()->nr_cma = normal()->managed + BLOCK);
	expect_broken_area("Z1", change_type(area->base + BLOCK, QY_MIGRATE_MOVABLE));
	in.mm->zone[QY_ZONE_DMA32].nr_cma = 1;
	expect_violation(&in, "Z1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_type_of_free_block_B6),
		cmocka_unit_test(check_type_of_list_B6),
		cmocka_unit_test(check_type_of_page_block_B6),
		cmocka_unit_test(check_unmovable_border_block_is_damage_B6),
		cmocka_unit_test(check_barriers_B10),
		cmocka_unit_test(check_free_counters_B5),
		cmocka_unit_test(check_reported_block_B1),
		cmocka_unit_test(check_references_of_free_pages_B1),
		cmocka_unit_test(check_highatomic_B11),
		cmocka_unit_test(check_guards_B12),
		cmocka_unit_test(check_unmerged_guard_B3),
		cmocka_unit_test(check_isolated_B14),
		cmocka_unit_test(check_place_of_area_CM),
		cmocka_unit_test(check_bitmap_of_area_CM),
		cmocka_unit_test(check_page_blocks_of_area_Z1),
		cmocka_unit_test(check_free_memory_B13),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
