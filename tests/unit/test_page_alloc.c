/* SPDX-License-Identifier: MIT */
/*
 * test_page_alloc.c - the public entry points of the page floor: what is given, what is refused and
 * told.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "page/page_alloc.h"

static void make(void)
{
	instance_make(&in, 512, NULL);
}

/* Refused with @err, told as @kind; nothing changed hands. */
static void refuse(struct qy_page *page, unsigned int order, int err, enum qy_report_kind kind)
{
	size_t free_pages = qy__nr_free_pages(in.mm);

	assert_int_equal(qy_free_pages(in.mm, page, order), err);
	take_report(&in, kind);
	assert_int_equal(qy__nr_free_pages(in.mm), free_pages);
	assert_sound(in.mm);
}

static void alloc_order_above_max_is_null(void **state)
{
	static const unsigned int order[] = {7, 8, 24, 31, 32, 33, 64, 1u << 31, UINT32_MAX};

	(void)state;
	make();
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		assert_null(qy_alloc_pages(in.mm, 0, order[i]));
		assert_null(qy_get_free_pages(in.mm, QY_GFP_ZERO, order[i]));
	}
	assert_clean(&in);
}

static void alloc_gives_pages_that_do_not_overlap(void **state)
{
	static uint8_t owner[1024];
	struct qy_page *page[512];
	unsigned int nr = 0;

	(void)state;
	make();
	memset(owner, 0, sizeof(owner));
	while ((page[nr] = qy_alloc_pages(in.mm, 0, nr % 5))) {
		unsigned int order = nr % 5;
		uint32_t pfn = qy_page_pfn(in.mm, page[nr]);
		char *p = qy_page_address(in.mm, page[nr]);

		assert_int_equal(qy_page_order(page[nr]), order);
		assert_int_equal(pfn % (1u << order), 0);
		assert_ptr_equal(p, (char *)qy_mm_base(in.mm) + pfn * PAGE_BYTES);
		assert_ptr_equal(qy_page_of(in.mm, p + (PAGE_BYTES << order) - 1),
				 page[nr] + (1u << order) - 1);
		for (uint32_t i = 0; i < 1u << order; i++)
			assert_int_equal(owner[pfn + i]++, 0);
		memset(p, (int)nr, PAGE_BYTES << order);
		nr++;
	}
	assert_clean(&in);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned char *p = qy_page_address(in.mm, page[i]);

		assert_int_equal(p[0], i & 0xff);
		assert_int_equal(p[(PAGE_BYTES << (i % 5)) - 1], i & 0xff);
		assert_int_equal(qy_free_pages_addr(in.mm, p, i % 5), 0);
	}
	assert_clean(&in);
}

static void alloc_zero_clears_the_whole_block(void **state)
{
	(void)state;
	make();
	for (unsigned int order = 0; order <= 6; order++) {
		unsigned char *p = qy_get_free_pages(in.mm, 0, order);

		memset(p, 0xff, PAGE_BYTES << order);
		assert_int_equal(qy_free_pages_addr(in.mm, p, order), 0);
		p = qy_get_free_pages(in.mm, QY_GFP_ZERO, order);
		for (size_t i = 0; i < PAGE_BYTES << order; i++)
			assert_int_equal(p[i], 0);
		assert_int_equal(qy_free_pages_addr(in.mm, p, order), 0);
	}
}

static void alloc_compound_every_tail_knows_its_head(void **state)
{
	struct qy_page *head;

	(void)state;
	make();
	head = qy_alloc_pages(in.mm, QY_GFP_COMP, 3);
	for (int i = 1; i < 8; i++) {
		assert_int_equal(head[i].type, QY__PAGE_TAIL);
		assert_ptr_equal(qy__page_head(in.mm, head + i), head);
	}
	assert_clean(&in);
	refuse(head + 3, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse(head + 4, 2, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages(in.mm, head, 3), 0);
	for (int i = 0; i < 8; i++)
		assert_int_not_equal(head[i].type, QY__PAGE_TAIL);
	assert_clean(&in);
}

static void free_wrong_order_is_erange_and_leaks_the_block(void **state)
{
	struct qy_page *page;
	uint32_t pfn;

	(void)state;
	make();
	page = qy_alloc_pages(in.mm, 0, 2);
	pfn = qy__page_pfn(in.mm, page);
	refuse(page, 3, -ERANGE, QY_REPORT_PAGE_ORDER);
	/* Given up: also the right order comes too late. */
	refuse(page, 2, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	page = qy_alloc_pages(in.mm, 0, 1);
	refuse(page, 0, -ERANGE, QY_REPORT_PAGE_ORDER);
	page = qy_alloc_pages(in.mm, 0, 1);
	refuse(page, UINT32_MAX, -ERANGE, QY_REPORT_PAGE_ORDER);
	/* Never handed out again. */
	while ((page = qy_alloc_pages(in.mm, 0, 0)))
		assert_false(qy__page_pfn(in.mm, page) >= pfn &&
			     qy__page_pfn(in.mm, page) < pfn + 4);
	assert_sound(in.mm);
}

static void free_twice_is_einval(void **state)
{
	struct qy_page *page, *other;

	(void)state;
	make();
	for (unsigned int order = 0; order <= 6; order++) {
		page = qy_alloc_pages(in.mm, 0, order);
		assert_int_equal(qy_free_pages(in.mm, page, order), 0);
		refuse(page, order, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	}
	/* Merged into a larger block meanwhile, as its head or in its middle. */
	page = qy_alloc_pages(in.mm, 0, 0);
	other = qy_alloc_pages(in.mm, 0, 0);
	assert_int_equal(qy_free_pages(in.mm, page, 0), 0);
	assert_int_equal(qy_free_pages(in.mm, other, 0), 0);
	refuse(page, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse(other, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
}

static void free_middle_page_is_einval(void **state)
{
	struct qy_page *page;

	(void)state;
	make();
	page = qy_alloc_pages(in.mm, 0, 3);
	for (unsigned int i = 1; i < 8; i++)
		refuse(page + i, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages(in.mm, page, 3), 0);
}

static void free_reserved_slab_and_kmalloc_pages_is_einval(void **state)
{
	void *small, *large;

	(void)state;
	make();
	refuse(qy__pfn_page(in.mm, in.mm->min_pfn), 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	small = qy_kmalloc(in.mm, 100, 0);
	large = qy_kmalloc(in.mm, 5 * PAGE_BYTES, 0);
	refuse(slab_of_object(in.mm, small), slab_of_object(in.mm, small)->order, -EINVAL,
	       QY_REPORT_BAD_PAGE_FREE);
	refuse(slab_of_object(in.mm, large), 3, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse(slab_of_object(in.mm, large) + 1, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	qy_kfree(in.mm, small);
	qy_kfree(in.mm, large);
	assert_clean(&in);
}

static void free_foreign_pointers_are_einval(void **state)
{
	struct qy_page stack, *first, *heap = malloc(sizeof(*heap));
	struct instance other;

	(void)state;
	make();
	first = in.mm->pages;
	memset(&stack, 0xff, sizeof(stack));
	instance_make(&other, 256, NULL);
	refuse(NULL, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse(&stack, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse(heap, 3, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse((struct qy_page *)16, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse((struct qy_page *)UINTPTR_MAX, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse((struct qy_page *)((char *)qy_alloc_pages(in.mm, 0, 0) + 8), 0, -EINVAL,
	       QY_REPORT_BAD_PAGE_FREE);
	refuse(first - 1, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse(first + (in.mm->end_pfn - in.mm->min_pfn), 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse(qy_alloc_pages(other.mm, 0, 0), 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(other.reports.nr, 0);
	instance_destroy(&other);
	free(heap);
}

static void free_addr_off_the_page_border_is_einval(void **state)
{
	char *p, local;

	(void)state;
	make();
	p = qy_get_free_pages(in.mm, 0, 1);
	for (size_t off = 1; off < 2 * PAGE_BYTES; off = off * 2 + 1) {
		assert_int_equal(qy_free_pages_addr(in.mm, p + off, 1), -EINVAL);
		take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	}
	assert_int_equal(qy_free_pages_addr(in.mm, NULL, 0), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages_addr(in.mm, &local, 0), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages_addr(in.mm, p, 1), 0);
	assert_clean(&in);
}

static void page_of_knows_only_its_own(void **state)
{
	char local;

	(void)state;
	make();
	assert_null(qy_page_of(in.mm, NULL));
	assert_null(qy_page_of(in.mm, &local));
	assert_null(qy_page_of(in.mm, in.buf - 1));
	assert_null(qy_page_of(in.mm, in.buf + in.size));
	assert_null(qy_page_of(in.mm, (void *)UINTPTR_MAX));
	assert_non_null(qy_page_of(in.mm, in.buf));
	assert_non_null(qy_page_of(in.mm, in.buf + in.size - 1));
}

static void stats_count_what_is_there(void **state)
{
	struct qy_page_stats s = {.struct_size = sizeof(s)}, t = s;
	struct qy_page *a, *b;
	size_t sum = 0;

	(void)state;
	make();
	qy_page_stats(in.mm, &s);
	assert_int_equal(s.struct_size, sizeof(s));
	assert_int_equal(s.spanned, 512);
	assert_true(s.managed < 512 && s.free <= s.managed);
	for (int o = 0; o < 32; o++)
		sum += s.nr_free[o] << o;
	assert_int_equal(sum, s.free);
	assert_int_equal(s.free_max, 64);
	a = qy_alloc_pages(in.mm, 0, 4);
	b = qy_alloc_pages(in.mm, 0, 4);
	qy_page_stats(in.mm, &t);
	assert_int_equal(t.free, s.free - 32);
	assert_int_equal(t.high_water, s.managed - s.free + 32);
	qy_free_pages(in.mm, a, 4);
	qy_free_pages(in.mm, b, 4);
	qy_page_stats(in.mm, &t);
	assert_int_equal(t.high_water, s.managed - s.free + 32);
	assert_int_equal(t.free, s.free);
	while (qy_alloc_pages(in.mm, 0, 0))
		;
	qy_page_stats(in.mm, &t);
	assert_int_equal(t.free, 0);
	assert_int_equal(t.free_max, 0);
	assert_int_equal(t.high_water, s.managed);
}

static void trim_arena_gives_nothing_anon_gives_all_that_is_free(void **state)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	struct qy_page_stats s = {.struct_size = sizeof(s)};
	unsigned char *p, *q;
	struct qy_mm *mm;

	(void)state;
	make();
	assert_int_equal(qy_mm_trim(in.mm), 0);

	cfg.size = PAGE_BYTES << 14;
	cfg.initial = PAGE_BYTES << 12;
	mm = qy_mm_create(&cfg);
	assert_non_null(mm);
	p = qy_get_free_pages(mm, 0, 4);
	q = qy_get_free_pages(mm, 0, 4);
	memset(p, 0x11, 16 * PAGE_BYTES);
	memset(q, 0x22, 16 * PAGE_BYTES);
	assert_int_equal(qy_free_pages_addr(mm, p, 4), 0);
	qy_page_stats(mm, &s);
	assert_int_equal(qy_mm_trim(mm), s.free * PAGE_BYTES);
	assert_int_equal(q[0], 0x22);
	assert_int_equal(q[16 * PAGE_BYTES - 1], 0x22);
	assert_int_equal(p[0], 0); /* gone, and still there to be used */
	assert_ptr_equal(qy_get_free_pages(mm, 0, 4), p);
	memset(p, 0x33, 16 * PAGE_BYTES);
	assert_sound(mm);
	qy_mm_destroy(mm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(alloc_order_above_max_is_null, tear_down),
		cmocka_unit_test_teardown(alloc_gives_pages_that_do_not_overlap, tear_down),
		cmocka_unit_test_teardown(alloc_zero_clears_the_whole_block, tear_down),
		cmocka_unit_test_teardown(alloc_compound_every_tail_knows_its_head, tear_down),
		cmocka_unit_test_teardown(free_wrong_order_is_erange_and_leaks_the_block,
					  tear_down),
		cmocka_unit_test_teardown(free_twice_is_einval, tear_down),
		cmocka_unit_test_teardown(free_middle_page_is_einval, tear_down),
		cmocka_unit_test_teardown(free_reserved_slab_and_kmalloc_pages_is_einval,
					  tear_down),
		cmocka_unit_test_teardown(free_foreign_pointers_are_einval, tear_down),
		cmocka_unit_test_teardown(free_addr_off_the_page_border_is_einval, tear_down),
		cmocka_unit_test_teardown(page_of_knows_only_its_own, tear_down),
		cmocka_unit_test_teardown(stats_count_what_is_there, tear_down),
		cmocka_unit_test_teardown(trim_arena_gives_nothing_anon_gives_all_that_is_free,
					  tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
