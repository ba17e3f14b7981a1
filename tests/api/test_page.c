/* SPDX-License-Identifier: MIT */
/*
 * test_page.c - page blocks: what the header promises, and each way to be refused.
 */
#include "fixture.h"

#include <errno.h>

static struct qy_page_stats stats(void)
{
	struct qy_page_stats s = {.struct_size = sizeof(s)};

	qy_page_stats(in.mm, &s);
	return s;
}

static void alloc_pages_block_is_aligned_and_disjoint(void **state)
{
	struct {
		struct qy_page *page;
		unsigned int order;
	} block[256];
	unsigned int n = 0, order = 0;

	(void)state;
	instance_make(&in, 300, NULL);
	for (;; order = (order + 1) % 4) {
		struct qy_page *page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, order);
		uint32_t pfn;

		if (!page && order)
			continue;
		if (!page)
			break;
		pfn = qy_page_pfn(in.mm, page);
		assert_int_equal(pfn % (1u << order), 0);
		assert_int_equal(qy_page_order(page), order);
		memset(qy_page_address(in.mm, page), (int)n, PAGE_BYTES << order);
		block[n].page = page;
		block[n++].order = order;
	}
	assert_true(n > 60);
	assert_int_equal(stats().free, 0);
	for (unsigned int i = 0; i < n; i++) {
		const unsigned char *at = qy_page_address(in.mm, block[i].page);

		for (size_t b = 0; b < PAGE_BYTES << block[i].order; b += 64)
			assert_int_equal(at[b], i & 0xff);
	}
	assert_clean(&in);
	for (unsigned int step = 0; step < 3; step++) /* not in the order they came */
		for (unsigned int i = step; i < n; i += 3)
			assert_int_equal(qy_free_pages(in.mm, block[i].page, block[i].order), 0);
	assert_clean(&in);
	tear_down(NULL);
}

static void alloc_pages_too_large_order_gives_null(void **state)
{
	(void)state;
	instance_make(&in, 300, NULL);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 7));
	assert_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 64));
	assert_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, UINT32_MAX));
	assert_null(qy_get_free_pages(in.mm, QY_GFP_NOWAIT, 7));
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 6));
	assert_clean(&in);
	tear_down(NULL);
}

static void alloc_pages_order_zero_instance_has_single_pages(void **state)
{
	(void)state;
	instance_init(&in, 64);
	in.config.max_order_zero = true;
	instance_create(&in);
	assert_int_equal(qy_mm_max_order(in.mm), 0);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 1));
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0));
	assert_clean(&in);
	tear_down(NULL);
}

static void alloc_pages_zero_clears_all(void **state)
{
	unsigned char *p;

	(void)state;
	instance_make(&in, 200, NULL);
	p = qy_get_free_pages(in.mm, QY_GFP_KERNEL, 5);
	memset(p, 0xff, PAGE_BYTES << 5);
	assert_int_equal(qy_free_pages_addr(in.mm, p, 5), 0);
	p = qy_get_free_pages(in.mm, QY_GFP_KERNEL | QY_GFP_ZERO, 5);
	for (size_t i = 0; i < PAGE_BYTES << 5; i++)
		assert_int_equal(p[i], 0);
	tear_down(NULL);
}

static void alloc_pages_zones_are_kept(void **state)
{
	struct qy_page *page;
	unsigned int dma = 0, normal = 0;

	(void)state;
	instance_init(&in, 200);
	in.config.zone_limit[QY_ZONE_DMA] = 100 * PAGE_BYTES;
	instance_create(&in);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_DMA | QY_GFP_NOWARN, 0)) != NULL) {
		assert_true(qy_page_pfn(in.mm, page) < 100);
		dma++;
	}
	assert_true(dma > 0 && stats().free > 50);
	/* Normal still has pages; when it has none, there is nothing left below it. */
	while ((page = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 0)) != NULL) {
		assert_true(qy_page_pfn(in.mm, page) >= 100);
		normal++;
	}
	assert_true(normal > 50);
	assert_int_equal(stats().free, 0);
	assert_clean(&in);
	tear_down(NULL);
}

static void alloc_pages_falls_back_to_lower_zones(void **state)
{
	struct qy_page *page;
	bool below = false;

	(void)state;
	instance_init(&in, 200);
	in.config.zone_limit[QY_ZONE_DMA] = 100 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_DMA32] = 130 * PAGE_BYTES;
	instance_create(&in);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0)) != NULL) {
		bool low = qy_page_pfn(in.mm, page) < 130;

		assert_true(low || !below); /* first what is highest */
		below |= low;
	}
	assert_true(below);
	tear_down(NULL);
}

static void free_pages_restores_the_block_structure(void **state)
{
	struct qy_page_stats before, after;
	struct qy_page *page[256];
	unsigned int n = 0;

	(void)state;
	instance_make(&in, 250, NULL);
	before = stats();
	while (n < 256 && (page[n] = qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0)) != NULL)
		n++;
	for (unsigned int step = 0; step < 5; step++)
		for (unsigned int i = step; i < n; i += 5)
			assert_int_equal(qy_free_pages(in.mm, page[i], 0), 0);
	after = stats();
	assert_memory_equal(before.nr_free, after.nr_free, sizeof(before.nr_free));
	assert_int_equal(before.free_max, after.free_max);
	assert_int_equal(after.high_water, after.managed);
	assert_clean(&in);
	tear_down(NULL);
}

static void free_pages_twice_is_refused(void **state)
{
	struct qy_page *page;

	(void)state;
	instance_make(&in, 128, NULL);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 1);
	assert_int_equal(qy_free_pages(in.mm, page, 1), 0);
	assert_int_equal(qy_free_pages(in.mm, page, 1), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_clean(&in);
	tear_down(NULL);
}

static void free_pages_with_another_order_is_refused_and_leaks(void **state)
{
	struct qy_page *page;
	size_t free;

	(void)state;
	instance_make(&in, 128, NULL);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 2);
	free = stats().free;
	assert_int_equal(qy_free_pages(in.mm, page, 1), -ERANGE);
	take_report(&in, QY_REPORT_PAGE_ORDER);
	assert_int_equal(stats().free, free);
	/* Given up: the right order comes too late. */
	assert_int_equal(qy_free_pages(in.mm, page, 2), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(stats().free, free);
	assert_clean(&in);
	tear_down(NULL);
}

static void refuses(struct qy_page *page, unsigned int order)
{
	size_t free = stats().free;

	assert_int_equal(qy_free_pages(in.mm, page, order), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(stats().free, free);
	assert_clean(&in);
}

static void free_pages_of_what_is_no_block_is_refused(void **state)
{
	struct qy_page *page, *compound;
	struct instance other;
	void *object;

	(void)state;
	instance_make(&in, 128, NULL);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 2);
	compound = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_COMP, 2);
	object = qy_kmalloc(in.mm, 100, QY_GFP_KERNEL);
	refuses(NULL, 0);
	refuses(qy_page_of(in.mm, (char *)qy_page_address(in.mm, page) + PAGE_BYTES), 0);
	refuses(qy_page_of(in.mm, (char *)qy_page_address(in.mm, compound) + PAGE_BYTES), 0);
	refuses((struct qy_page *)((char *)page + 8), 2);
	refuses(qy_page_of(in.mm, object), 0);
	refuses(qy_page_of(in.mm, in.mm), 0); /* the instance's own */
	refuses((struct qy_page *)&in, 0);
	instance_make(&other, 64, NULL);
	refuses(qy_alloc_pages(other.mm, QY_GFP_KERNEL, 0), 0);
	instance_destroy(&other);
	assert_int_equal(qy_free_pages(in.mm, page, 2), 0);
	assert_int_equal(qy_free_pages(in.mm, compound, 2), 0);
	assert_clean(&in);
	tear_down(NULL);
}

static void free_pages_addr_wants_a_page_border(void **state)
{
	char *p;

	(void)state;
	instance_make(&in, 128, NULL);
	p = qy_get_free_pages(in.mm, QY_GFP_KERNEL, 1);
	assert_int_equal(qy_free_pages_addr(in.mm, p + 1, 1), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages_addr(in.mm, p + PAGE_BYTES, 0), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages_addr(in.mm, &in, 0), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages_addr(in.mm, NULL, 0), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages_addr(in.mm, p, 1), 0);
	assert_clean(&in);
	tear_down(NULL);
}

static void page_of_and_address_are_inverse(void **state)
{
	struct qy_page *page;
	char *p;

	(void)state;
	instance_make(&in, 128, NULL);
	assert_ptr_equal(qy_mm_base(in.mm), in.buf);
	assert_int_equal(qy_mm_page_size(in.mm), PAGE_BYTES);
	p = qy_get_free_pages(in.mm, QY_GFP_KERNEL, 3);
	for (size_t off = 0; off < PAGE_BYTES << 3; off += 1000) {
		page = qy_page_of(in.mm, p + off);
		assert_non_null(page);
		assert_ptr_equal(qy_page_address(in.mm, page), p + off / PAGE_BYTES * PAGE_BYTES);
		assert_int_equal(qy_page_pfn(in.mm, page),
				 (size_t)(p + off - (char *)qy_mm_base(in.mm)) / PAGE_BYTES);
	}
	assert_null(qy_page_of(in.mm, in.buf - 1));
	assert_null(qy_page_of(in.mm, in.buf + in.size));
	assert_null(qy_page_of(in.mm, NULL));
	assert_non_null(qy_page_of(in.mm, in.buf + in.size - 1));
	tear_down(NULL);
}

static void page_stats_add_up(void **state)
{
	struct qy_page_stats s;
	struct qy_page *page;
	size_t sum = 0;

	(void)state;
	instance_make(&in, 128, NULL);
	s = stats();
	assert_int_equal(s.spanned, 128);
	assert_true(s.managed < s.spanned && s.free <= s.managed);
	for (unsigned int order = 0; order < 32; order++)
		sum += s.nr_free[order] << order;
	assert_int_equal(sum, s.free);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 4);
	assert_int_equal(stats().free, s.free - 16);
	assert_true(stats().high_water >= s.managed - s.free + 16);
	assert_int_equal(qy_free_pages(in.mm, page, 4), 0);
	assert_true(stats().high_water >= s.managed - s.free + 16);
	assert_int_equal(qy_mm_trim(in.mm), 0); /* an arena has nothing to give back */
	tear_down(NULL);
}

static void anon_instance_grows_and_trims(void **state)
{
	struct qy_page_stats before;
	char *p[40];
	size_t bytes;

	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = (size_t)64 << 20;
	in.config.initial = (size_t)1 << 20;
	in.config.max_order = 8;
	instance_create(&in);
	before = stats();
	for (int i = 0; i < 40; i++) {
		p[i] = qy_get_free_pages(in.mm, QY_GFP_KERNEL, 8);
		assert_non_null(p[i]);
		memset(p[i], i, PAGE_BYTES << 8);
	}
	assert_true(stats().managed > before.managed);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(p[i][(PAGE_BYTES << 8) - 1], i);
		assert_int_equal(qy_free_pages_addr(in.mm, p[i], 8), 0);
	}
	bytes = qy_mm_trim(in.mm);
	assert_true(bytes >= 40 * (PAGE_BYTES << 8));
	p[0] = qy_get_free_pages(in.mm, QY_GFP_KERNEL, 8);
	memset(p[0], 7, PAGE_BYTES << 8);
	assert_clean(&in);
	/* The span ends somewhere, and the state survives it. */
	while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 8))
		;
	while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0))
		;
	assert_int_equal(stats().free, 0);
	assert_clean(&in);
	tear_down(NULL);
}

/* Nodes as a program sees them: shares, preference, fallback, this node only. */
static void alloc_pages_node_prefers_and_falls_back(void **state)
{
	struct qy_zone_stat st = {.struct_size = sizeof(st)};
	uint16_t list[16];
	struct qy_page *page;
	size_t managed = 0;

	(void)state;
	instance_init(&in, 512);
	in.config.nr_nodes = 4;
	in.config.nr_cpus = 4;
	instance_create(&in);
	assert_int_equal(qy_mm_nr_nodes(in.mm), 4);
	assert_int_equal(qy_node_distance(in.mm, 1, 1), 10);
	assert_int_equal(qy_node_distance(in.mm, 1, 2), 20);
	for (unsigned int node = 0; node < 4; node++) {
		assert_int_equal(qy_zone_stat_get(in.mm, node, QY_ZONE_NORMAL, &st), 0);
		assert_int_equal(st.node, node);
		assert_int_equal(st.present, 128);
		managed += st.managed;
		assert_int_equal(qy_mm_set_cpu(in.mm, node), 0);
		assert_int_equal(qy_mm_this_node(in.mm), node);
		page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
		assert_int_equal(qy_page_node(in.mm, page), node);
		assert_int_equal(qy_zonelist(in.mm, node, QY_GFP_KERNEL, list, 16), 4);
		assert_int_equal(list[0], node * QY_NR_ZONES + QY_ZONE_NORMAL);
		assert_int_equal(
			qy_zonelist(in.mm, node, QY_GFP_KERNEL | QY_GFP_THISNODE, list, 16), 1);
	}
	assert_int_equal(stats().managed, managed);
	while ((page = qy_alloc_pages_node(in.mm, 2, QY_GFP_KERNEL | QY_GFP_THISNODE, 0)))
		assert_int_equal(qy_page_node(in.mm, page), 2);
	page = qy_alloc_pages_node(in.mm, 2, QY_GFP_KERNEL, 0);
	assert_true(page && qy_page_node(in.mm, page) != 2);
	assert_clean(&in);
}

static void set_cpu_refuses_what_is_not_there(void **state)
{
	(void)state;
	instance_init(&in, 128);
	in.config.nr_cpus = 3;
	instance_create(&in);
	assert_int_equal(qy_mm_set_cpu(in.mm, 2), 0);
	assert_int_equal(qy_mm_set_cpu(in.mm, 3), -EINVAL);
	assert_int_equal(qy_mm_set_cpu(in.mm, UINT32_MAX), -EINVAL);
	tear_down(NULL);
	instance_init(&in, 512);
	in.config.cpu_provider = QY_CPU_THREAD;
	instance_create(&in);
	assert_int_equal(qy_mm_set_cpu(in.mm, 0), -EPERM);
	tear_down(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(alloc_pages_block_is_aligned_and_disjoint, tear_down),
		cmocka_unit_test_teardown(alloc_pages_too_large_order_gives_null, tear_down),
		cmocka_unit_test_teardown(alloc_pages_order_zero_instance_has_single_pages,
					  tear_down),
		cmocka_unit_test_teardown(alloc_pages_zero_clears_all, tear_down),
		cmocka_unit_test_teardown(alloc_pages_zones_are_kept, tear_down),
		cmocka_unit_test_teardown(alloc_pages_falls_back_to_lower_zones, tear_down),
		cmocka_unit_test_teardown(free_pages_restores_the_block_structure, tear_down),
		cmocka_unit_test_teardown(free_pages_twice_is_refused, tear_down),
		cmocka_unit_test_teardown(free_pages_with_another_order_is_refused_and_leaks,
					  tear_down),
		cmocka_unit_test_teardown(free_pages_of_what_is_no_block_is_refused, tear_down),
		cmocka_unit_test_teardown(free_pages_addr_wants_a_page_border, tear_down),
		cmocka_unit_test_teardown(page_of_and_address_are_inverse, tear_down),
		cmocka_unit_test_teardown(page_stats_add_up, tear_down),
		cmocka_unit_test_teardown(anon_instance_grows_and_trims, tear_down),
		cmocka_unit_test_teardown(alloc_pages_node_prefers_and_falls_back, tear_down),
		cmocka_unit_test_teardown(set_cpu_refuses_what_is_not_there, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
