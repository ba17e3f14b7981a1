/* SPDX-License-Identifier: MIT */
/*
 * test_check_buddy.c - the checker on zones and free blocks: each test breaks one thing.
 *
 * Two zones, and blocks of all kinds in them:  DMA: 0…47, Normal: 48…191 (the books lie in DMA)
 */
#include "damage.h"
#include "fixture.h"

static struct qy_page *plain, *compound; /* blocks of order 2 */
static void *large;

static int set_up(void **state)
{
	(void)state;
	instance_init(&in, 192);
	in.config.zone_limit[QY_ZONE_DMA] = 48 * PAGE_BYTES;
	instance_create(&in);
	plain = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 2);
	compound = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_COMP, 2);
	large = qy_kmalloc(in.mm, 5 * PAGE_BYTES, QY_GFP_KERNEL);
	assert_non_null(plain);
	assert_non_null(compound);
	assert_non_null(large);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_DMA, 0));
	assert_clean(&in);
	instance_save(&in);
	return 0;
}

static struct qy__zone *normal(void)
{
	return &in.mm->zone[QY_ZONE_NORMAL];
}

static void check_zone_figures_Z1(void **state)
{
	(void)state;
	normal()->managed = normal()->present + 1;
	expect_violation(&in, "Z1");
	normal()->start_pfn = normal()->end_pfn;
	expect_violation(&in, "Z1");
	normal()->end_pfn++;
	expect_violation(&in, "Z1");
	in.mm->zone[QY_ZONE_DMA32].start_pfn++;
	expect_violation(&in, "Z1");
	normal()->start_pfn -= 2; /* into DMA */
	expect_violation(&in, "Z1");
}

static void check_zone_of_page_Z4(void **state)
{
	(void)state;
	plain->zone = QY_ZONE_DMA;
	expect_violation(&in, "Z4");
	plain[1].zone = QY_ZONE_HIGHMEM;
	expect_violation(&in, "Z4");
	free_block(in.mm, 3)[5].zone = QY_ZONE_DMA;
	expect_violation(&in, "Z4");
	in.mm->pages[0].zone = QY_ZONE_NORMAL;
	expect_violation(&in, "Z4");
}

static void check_pages_lost_between_zones_Z8(void **state)
{
	(void)state;
	normal()->present--;
	expect_violation(&in, "Z8");
}

static void check_free_head_B1(void **state)
{
	struct qy_page *page = free_block(in.mm, 2);

	(void)state;
	page->flags = QY__PAGE_F_SLAB;
	expect_violation(&in, "B1");
	page->order = 31;
	expect_violation(&in, "B1");
	page->order = (uint8_t)(in.mm->max_order + 1);
	expect_violation(&in, "B1");
	page[1].type = QY__PAGE_TAIL;
	expect_violation(&in, "B1");
	page[3].flags = QY__PAGE_F_RETIRED;
	expect_violation(&in, "B1");
	page[2].type = 200;
	expect_violation(&in, "B1");
}

static void check_misaligned_free_block_B1(void **state)
{
	struct qy_page *page = free_block(in.mm, 2);

	(void)state;
	/* The same pages, with a head one page further on. */
	page->type = QY__PAGE_INSIDE;
	page[1] = page[0];
	page[1].type = QY__PAGE_BUDDY;
	expect_violation(&in, "B1");
}

static void check_list_of_other_order_B1(void **state)
{
	struct qy_page *page = free_block(in.mm, 1);

	(void)state;
	unlist(in.mm, &normal()->area[page->order], page);
	enlist(in.mm, &normal()->area[page->order - 1], page);
	expect_violation(&in, "B1");
	enlist(in.mm, &normal()->area[2], plain);
	expect_violation(&in, "B1");
}

static void check_overlap_B2(void **state)
{
	struct qy_page *page = free_block(in.mm, 2);

	(void)state;
	page[2].type = QY__PAGE_ALLOC;
	page[2].order = 0;
	expect_violation(&in, "B2");
	page[2].type = QY__PAGE_BUDDY;
	page[2].order = 1;
	expect_violation(&in, "B2");
	plain[1].type = QY__PAGE_BUDDY;
	plain[1].order = 0;
	expect_violation(&in, "B2");
	compound[3].type = QY__PAGE_ALLOC;
	compound[3].order = 0;
	expect_violation(&in, "B2");
}

static void check_page_of_no_block_B2(void **state)
{
	struct qy_page *page = free_block(in.mm, 0);

	(void)state;
	page->type = QY__PAGE_INSIDE; /* the head is gone */
	expect_violation(&in, "B2");
	plain->order = 1; /* half of the block is nobody's */
	expect_violation(&in, "B2");
	plain->type = QY__PAGE_OFFLINE;
	expect_violation(&in, "B2");
}

/* A block is cut in two halves, and the books are kept: only that they were not merged is wrong. */
static void cut_free_block(void)
{
	struct qy_page *page = free_block(in.mm, 2);
	unsigned int half = page->order - 1u;

	unlist(in.mm, &normal()->area[page->order], page);
	page->order = (uint8_t)half;
	page[1u << half].type = QY__PAGE_BUDDY;
	page[1u << half].order = (uint8_t)half;
	enlist(in.mm, &normal()->area[half], page);
	enlist(in.mm, &normal()->area[half], page + (1u << half));
}

static void check_missing_merge_B3_B10(void **state)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	(void)state;
	cut_free_block();
	assert_int_equal(qy_check(in.mm, QY_CHECK_ALL, &r), 2);
	assert_true(has_violation(&r, "B3"));
	assert_true(has_violation(&r, "B10"));
	expect_violation(&in, "B3");
	cut_free_block();
	expect_violation(&in, "B10");
}

static void check_lists_B4(void **state)
{
	struct qy_page *page = free_block(in.mm, 0);
	struct qy__free_area *area = &normal()->area[page->order];

	(void)state;
	area->nr_free++;
	expect_violation(&in, "B4");
	area->nr_free = 0;
	expect_violation(&in, "B4");
	area->head[0] = QY__PFN_NONE;
	expect_violation(&in, "B4");
	area->tail[0] = 5;
	expect_violation(&in, "B4");
	area->head[0] = 1u << 31;
	expect_violation(&in, "B4");
	page->prev = 3;
	expect_violation(&in, "B4");
	page->next = qy__page_pfn(in.mm, page); /* a cycle of one */
	expect_violation(&in, "B4");
	page->next = 1; /* into the other zone */
	expect_violation(&in, "B4");
	normal()->area[24].head[0] = 0;
	expect_violation(&in, "B4");
	in.mm->zone[QY_ZONE_DMA32].area[0].nr_free = 1;
	expect_violation(&in, "B4");
}

static void check_block_off_its_list_B4(void **state)
{
	struct qy_page *page = free_block(in.mm, 1);

	(void)state;
	unlist(in.mm, &normal()->area[page->order], page);
	expect_violation(&in, "B4");
}

static void check_free_counter_B5(void **state)
{
	(void)state;
	normal()->nr_free_pages++;
	expect_violation(&in, "B5");
	normal()->nr_free_pages -= 4;
	expect_violation(&in, "B5");
}

static void check_accounts_B7(void **state)
{
	(void)state;
	normal()->managed--;
	expect_violation(&in, "B7");
	in.mm->usage.pages++;
	expect_violation(&in, "B7");
	in.mm->usage.high_water = 0;
	expect_violation(&in, "B7");
	plain->type = QY__PAGE_RESERVED;
	plain->order = 0;
	expect_violation(&in, "B7");
}

static void check_used_blocks_B8(void **state)
{
	struct qy_page *head = slab_of_object(in.mm, large);

	(void)state;
	plain->order = 60;
	expect_violation(&in, "B8");
	plain->order = 6; /* not aligned to that */
	expect_violation(&in, "B8");
	plain->flags = QY__PAGE_F_PARTIAL;
	expect_violation(&in, "B8");
	plain[2].type = QY__PAGE_TAIL;
	expect_violation(&in, "B8");
	compound[2].type = QY__PAGE_INSIDE;
	expect_violation(&in, "B8");
	compound[1].head++;
	expect_violation(&in, "B8");
	assert_int_equal(head->type, QY__PAGE_LARGE);
	head[7].head = UINT32_MAX;
	expect_violation(&in, "B8");
}

/* B9: what is all free looks as it did at the start. */
static void check_everything_freed_is_as_at_start_B9(void **state)
{
	struct qy_page_stats before = {.struct_size = sizeof(before)}, after = before;
	struct qy_page *page[128];
	unsigned int n = 0;

	(void)state;
	qy_page_stats(in.mm, &before);
	while (n < 128 && (page[n] = qy_alloc_pages(in.mm, QY_GFP_NOWAIT, n % 3)) != NULL) {
		assert_sound(in.mm);
		n++;
	}
	assert_true(n > 20);
	for (unsigned int i = 0; i < n; i += 2)
		assert_int_equal(qy_free_pages(in.mm, page[i], i % 3), 0);
	assert_sound(in.mm);
	for (unsigned int i = 1; i < n; i += 2)
		assert_int_equal(qy_free_pages(in.mm, page[i], i % 3), 0);
	qy_page_stats(in.mm, &after);
	assert_memory_equal(before.nr_free, after.nr_free, sizeof(before.nr_free));
	assert_sound(in.mm);
	instance_restore(&in);
}

/* A block that was given up after a report is not damage. */
static void check_retired_block_is_sound(void **state)
{
	(void)state;
	assert_int_not_equal(qy_free_pages(in.mm, plain, 1), 0);
	take_report(&in, QY_REPORT_PAGE_ORDER);
	assert_sound(in.mm);
	instance_restore(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_zone_figures_Z1),
		cmocka_unit_test(check_zone_of_page_Z4),
		cmocka_unit_test(check_pages_lost_between_zones_Z8),
		cmocka_unit_test(check_free_head_B1),
		cmocka_unit_test(check_misaligned_free_block_B1),
		cmocka_unit_test(check_list_of_other_order_B1),
		cmocka_unit_test(check_overlap_B2),
		cmocka_unit_test(check_page_of_no_block_B2),
		cmocka_unit_test(check_missing_merge_B3_B10),
		cmocka_unit_test(check_lists_B4),
		cmocka_unit_test(check_block_off_its_list_B4),
		cmocka_unit_test(check_free_counter_B5),
		cmocka_unit_test(check_accounts_B7),
		cmocka_unit_test(check_used_blocks_B8),
		cmocka_unit_test(check_everything_freed_is_as_at_start_B9),
		cmocka_unit_test(check_retired_block_is_sound),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
