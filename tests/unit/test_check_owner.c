/* SPDX-License-Identifier: MIT */
/*
 * test_check_owner.c - C6: the checker on the records of page owners, for each kind of block and
 * each page of it.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "page/page_owner.h"

static void make(enum qy_switch pcp)
{
	instance_init(&in, 512);
	in.config.page_debug = QY_PAGE_OWNER | QY_PAGE_UNMAP;
	in.config.guardpage_minorder = 2;
	in.config.pcp = pcp;
	in.config.pcp_batch = pcp == QY_ON ? 4 : 0;
	in.config.pcp_high = pcp == QY_ON ? 64 : 0;
	instance_create(&in);
}

static struct qy__page_owner *record(const struct qy_page *page, unsigned int i)
{
	return qy__page_owner_of(in.mm, qy_page_pfn(in.mm, page) + i);
}

static void assert_used_block_is_watched(const struct qy_page *head, unsigned int pages)
{
	instance_save(&in);
	for (unsigned int i = 0; i < pages; i++) {
		record(head, i)->live = 0;
		expect_violation(&in, "C6");
		record(head, i)->live = 2;
		expect_violation(&in, "C6");
		record(head, i)->order++;
		expect_violation(&in, "C6");
	}
	assert_clean(&in);
}

static void assert_free_block_is_watched(const struct qy_page *head, unsigned int pages)
{
	instance_save(&in);
	for (unsigned int i = 0; i < pages; i++) {
		record(head, i)->live = 1;
		expect_violation(&in, "C6");
		record(head, i)->ts = record(head, i)->free_ts + 1;
		expect_violation(&in, "C6");
	}
	assert_clean(&in);
}

static void owners_of_allocated_blocks(void **state)
{
	struct qy_page *page;

	(void)state;
	make(QY_OFF);
	assert_used_block_is_watched(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0), 1);
	assert_used_block_is_watched(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 3), 8);
	assert_used_block_is_watched(qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_COMP, 2), 4);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 2);
	assert_int_equal(qy_split_page(in.mm, page, 2), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_used_block_is_watched(page + i, 1);
}

static void owners_of_slabs_and_large_objects(void **state)
{
	struct qy_page *slab, *large;

	(void)state;
	make(QY_OFF);
	slab = slab_of_object(in.mm, qy_kmalloc(in.mm, 600, QY_GFP_KERNEL));
	assert_used_block_is_watched(slab, 1u << slab->order);
	large = slab_of_object(in.mm, qy_kmalloc(in.mm, 5 * PAGE_BYTES, QY_GFP_KERNEL));
	assert_used_block_is_watched(large, 8);
}

static void owners_of_free_blocks(void **state)
{
	struct qy_page *page;

	(void)state;
	make(QY_OFF);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 6);
	assert_int_equal(qy_free_pages(in.mm, page, 6), 0);
	assert_int_equal(page->type, QY__PAGE_BUDDY);
	assert_free_block_is_watched(page, 64);
}

static void owners_of_pages_on_cpus_lists(void **state)
{
	struct qy_page *page;

	(void)state;
	make(QY_ON);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 2);
	assert_int_equal(qy_free_pages(in.mm, page, 2), 0);
	assert_int_equal(page->type, QY__PAGE_PCP);
	assert_free_block_is_watched(page, 4);
}

static void owners_of_guard_pages(void **state)
{
	struct qy_page *page, *guard;

	(void)state;
	make(QY_OFF);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
	guard = qy__pfn_page(in.mm, qy_page_pfn(in.mm, page) ^ 2);
	assert_int_equal(guard->type, QY__PAGE_GUARD);
	assert_free_block_is_watched(guard, 2);
}

static void retired_blocks_say_nothing(void **state)
{
	struct qy_page *page;

	(void)state;
	make(QY_OFF);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 1);
	assert_int_equal(qy_free_pages(in.mm, page, 0), -ERANGE);
	take_report(&in, QY_REPORT_PAGE_ORDER);
	record(page, 0)->live = 0;
	assert_sound(in.mm);
}

static void records_that_are_elsewhere(void **state)
{
	static struct qy__page_owner elsewhere[4096];

	(void)state;
	make(QY_OFF);
	instance_save(&in);
	in.mm->page_debug.owner = NULL;
	expect_violation(&in, "MM");
	in.mm->page_debug.owner = elsewhere;
	expect_violation(&in, "MM");
	in.mm->page_debug.owner = (struct qy__page_owner *)((char *)in.mm->page_debug.owner + 1);
	expect_violation(&in, "MM");
	in.mm->page_debug.owner = (struct qy__page_owner *)(in.buf + in.size - PAGE_BYTES);
	expect_violation(&in, "MM");
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(owners_of_allocated_blocks, tear_down),
		cmocka_unit_test_teardown(owners_of_slabs_and_large_objects, tear_down),
		cmocka_unit_test_teardown(owners_of_free_blocks, tear_down),
		cmocka_unit_test_teardown(owners_of_pages_on_cpus_lists, tear_down),
		cmocka_unit_test_teardown(owners_of_guard_pages, tear_down),
		cmocka_unit_test_teardown(retired_blocks_say_nothing, tear_down),
		cmocka_unit_test_teardown(records_that_are_elsewhere, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
