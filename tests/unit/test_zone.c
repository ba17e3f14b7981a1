/* SPDX-License-Identifier: MIT */
/* test_zone.c - which pages belong to which zone, and which zones a request may use. */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "page/page_alloc.h"
#include "page/zone.h"

static void make(size_t dma_pages, size_t dma32_pages)
{
	instance_init(&in, 512);
	in.config.zone_limit[QY_ZONE_DMA] = dma_pages * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_DMA32] = dma32_pages * PAGE_BYTES;
	instance_create(&in);
}

static void gfp_zone_highest_zone_allowed(void **state)
{
	(void)state;
	assert_int_equal(qy__gfp_zone(0), QY_ZONE_NORMAL);
	assert_int_equal(qy__gfp_zone(QY_GFP_KERNEL | QY_GFP_ZERO | QY_GFP_COMP), QY_ZONE_NORMAL);
	assert_int_equal(qy__gfp_zone(QY_GFP_DMA), QY_ZONE_DMA);
	assert_int_equal(qy__gfp_zone(QY_GFP_DMA32), QY_ZONE_DMA32);
	assert_int_equal(qy__gfp_zone(QY_GFP_HIGHMEM), QY_ZONE_HIGHMEM);
	assert_int_equal(qy__gfp_zone(QY_GFP_DMA | QY_GFP_HIGHMEM), QY_ZONE_DMA);
}

static unsigned int type_at(uint32_t pfn)
{
	uint32_t stop;

	return qy__pfn_zone(in.mm, pfn, UINT32_MAX, &stop)->type;
}

static void pfn_zone_changes_at_the_limits(void **state)
{
	(void)state;
	make(100, 301);
	assert_int_equal(type_at(0), QY_ZONE_DMA);
	assert_int_equal(type_at(99), QY_ZONE_DMA);
	assert_int_equal(type_at(100), QY_ZONE_DMA32);
	assert_int_equal(type_at(300), QY_ZONE_DMA32);
	assert_int_equal(type_at(301), QY_ZONE_NORMAL);
	assert_int_equal(type_at(UINT32_MAX - 1), QY_ZONE_NORMAL);
	for (uint32_t pfn = in.mm->min_pfn; pfn < in.mm->end_pfn; pfn++)
		assert_int_equal(qy__pfn_page(in.mm, pfn)->zone, type_at(pfn));
	assert_int_equal(in.mm->zone[QY_ZONE_DMA].present, 100);
	assert_int_equal(in.mm->zone[QY_ZONE_DMA32].present, 201);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].present, 512 - 301);
	assert_clean(&in);
}

static void zones_without_a_limit_are_empty(void **state)
{
	(void)state;
	make(0, 0);
	assert_int_equal(in.mm->zone[QY_ZONE_DMA].present, 0);
	assert_int_equal(in.mm->zone[QY_ZONE_DMA32].present, 0);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_DMA, 0));
	assert_null(qy_alloc_pages(in.mm, QY_GFP_DMA32, 0));
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_HIGHMEM, 0));
	assert_clean(&in);
	instance_destroy(&in);

	make(0, 200); /* DMA falls back to nothing: it is the lowest */
	assert_null(qy_alloc_pages(in.mm, QY_GFP_DMA, 0));
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_DMA32, 0));
	assert_clean(&in);
	instance_destroy(&in);

	/* All of the buffer below the DMA limit: NORMAL is empty, and requests fall down. */
	instance_init(&in, 512);
	in.config.zone_limit[QY_ZONE_DMA] = (size_t)1 << 40;
	in.config.zone_limit[QY_ZONE_DMA32] = (size_t)1 << 40;
	instance_create(&in);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].present, 0);
	assert_non_null(qy_alloc_pages(in.mm, 0, 3));
	assert_clean(&in);
}

static void zones_bad_limits_give_einval(void **state)
{
	static const size_t limit[][QY_NR_ZONES] = {
		{200 << 12, 100 << 12, 0, 0}, /* not ascending */
		{SIZE_MAX, 1 << 20, 0, 0},
		{0, 0, 0, 1 << 20}, /* no HIGHMEM without frames beyond the map */
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		instance_init(&in, 512);
		memcpy(in.config.zone_limit, limit[i], sizeof(limit[i]));
		errno = 0;
		instance_try(&in);
		assert_null(in.mm);
		assert_int_equal(errno, EINVAL);
		free(in.buf);
	}
}

/*
 * The border is odd, so that two pages that are buddies lie in two zones:
 *
 *   pfn   … 298 299 | 300 301 302 …     limit at 299: 298 and 299 are buddies, and of two zones
 *
 * Expect: freed, they do not become one block.
 */
static void free_does_not_merge_over_a_zone_border(void **state)
{
	struct qy_page *page[512];
	unsigned int nr = 0;

	(void)state;
	make(0, 299);
	while (nr < 512 && (page[nr] = qy_alloc_pages(in.mm, 0, 0)))
		nr++;
	assert_true(nr > 300);
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(qy_free_pages(in.mm, page[i], 0), 0);
		if (i % 37 == 0)
			assert_sound(in.mm);
	}
	for (uint32_t pfn = in.mm->min_pfn; pfn < in.mm->end_pfn; pfn++) {
		const struct qy_page *head = qy__pfn_page(in.mm, pfn);
		uint32_t last;

		if (head->type != QY__PAGE_BUDDY)
			continue;
		last = pfn + (1u << head->order) - 1;
		assert_int_equal(type_at(pfn), type_at(last));
	}
	/* The odd page below the border stands alone; the one above it went into a slab at boot. */
	assert_int_equal(qy__pfn_page(in.mm, 298)->type, QY__PAGE_BUDDY);
	assert_int_equal(qy__pfn_page(in.mm, 298)->order, 0);
	assert_int_equal(qy__pfn_page(in.mm, 299)->order, 0);
	assert_clean(&in);
}

/*
 * Every border there is: what is free is one maximal decomposition, whatever the order of the
 * frees.
 */
static void zone_border_anywhere_full_cycle_is_sound(void **state)
{
	(void)state;
	for (size_t border = 1; border <= 520; border += 13) {
		struct qy_page *page[512];
		size_t free_pages;
		unsigned int nr = 0;

		make(border / 3, border);
		free_pages = qy__nr_free_pages(in.mm);
		while ((page[nr] = qy_alloc_pages(in.mm, 0, nr % 3)))
			nr++;
		for (unsigned int i = 0; i < nr; i++) {
			unsigned int k = i * 7919 % nr;

			/* 7919 is a prime above nr: each once. */
			assert_int_equal(qy_free_pages(in.mm, page[k], k % 3), 0);
		}
		assert_int_equal(qy__nr_free_pages(in.mm), free_pages);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void alloc_falls_back_downwards_never_upwards(void **state)
{
	unsigned int dma = 0, dma32 = 0;
	struct qy_page *page;
	uint32_t last = QY_ZONE_NORMAL, normal;

	(void)state;
	make(128, 256);
	normal = in.mm->zone[QY_ZONE_NORMAL].nr_free_pages;
	while ((page = qy_alloc_pages(in.mm, QY_GFP_DMA32, 0))) {
		assert_true(page->zone <= QY_ZONE_DMA32);
		assert_true(page->zone <= last);
		last = page->zone;
		dma += page->zone == QY_ZONE_DMA;
		dma32 += page->zone == QY_ZONE_DMA32;
	}
	assert_true(dma && dma32);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_DMA, 0));
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_pages, normal);
	assert_non_null(qy_alloc_pages(in.mm, 0, 0));
	assert_clean(&in);
}

/* NORMAL ends: the rest is HIGHMEM, and only for those who say that they can use it. */
static void highmem_is_what_lies_above_normal(void **state)
{
	struct qy_page *page;
	uint32_t highmem;

	(void)state;
	instance_init(&in, 512);
	in.config.zone_limit[QY_ZONE_DMA] = 64 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_NORMAL] = 301 * PAGE_BYTES;
	instance_create(&in);
	for (uint32_t pfn = 0; pfn < 512; pfn++)
		assert_int_equal(qy_page_zone(in.mm, qy__pfn_page(in.mm, pfn)),
				 pfn < 64    ? QY_ZONE_DMA
				 : pfn < 301 ? QY_ZONE_NORMAL
					     : QY_ZONE_HIGHMEM);
	assert_int_equal(in.mm->zone[QY_ZONE_DMA32].present, 0);
	assert_int_equal(in.mm->zone[QY_ZONE_HIGHMEM].managed, 512 - 301);
	page = qy_alloc_pages(in.mm, QY_GFP_HIGHUSER, 0);
	assert_int_equal(qy_page_zone(in.mm, page), QY_ZONE_HIGHMEM);
	highmem = in.mm->zone[QY_ZONE_HIGHMEM].nr_free_pages;
	while ((page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0)))
		assert_true(qy_page_zone(in.mm, page) <= QY_ZONE_NORMAL);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_free_pages, 0);
	assert_int_equal(in.mm->zone[QY_ZONE_HIGHMEM].nr_free_pages, highmem);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_HIGHUSER_MOVABLE, 2));
	assert_clean(&in);
}

/* Limits beyond the memory leave HIGHMEM nothing; a NORMAL that ends where it begins is empty. */
static void highmem_empty_or_normal_empty(void **state)
{
	struct qy_page *page;

	(void)state;
	instance_init(&in, 512);
	in.config.zone_limit[QY_ZONE_NORMAL] = 512 * PAGE_BYTES;
	instance_create(&in);
	assert_int_equal(in.mm->zone[QY_ZONE_HIGHMEM].present, 0);
	page = qy_alloc_pages(in.mm, QY_GFP_HIGHUSER, 0);
	assert_int_equal(qy_page_zone(in.mm, page), QY_ZONE_NORMAL);
	assert_clean(&in);
	instance_destroy(&in);

	instance_init(&in, 512);
	in.config.zone_limit[QY_ZONE_DMA] = 300 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_NORMAL] = 300 * PAGE_BYTES;
	instance_create(&in);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].present, 0);
	assert_int_equal(in.mm->zone[QY_ZONE_HIGHMEM].present, 212);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
	assert_int_equal(qy_page_zone(in.mm, page), QY_ZONE_DMA);
	assert_clean(&in);
}

/* A DMA cache's slabs come from the DMA zone. */
static void cache_dma_takes_pages_from_the_dma_zone(void **state)
{
	struct qy_cache *c;

	(void)state;
	make(200, 200);
	c = qy_cache_create(in.mm, "dma", 100, 0, QY_SLAB_CACHE_DMA, NULL);
	for (int i = 0; i < 200; i++) {
		void *p = qy_cache_alloc(c, 0);

		assert_non_null(p);
		assert_int_equal(slab_of_object(in.mm, p)->zone, QY_ZONE_DMA);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gfp_zone_highest_zone_allowed),
		cmocka_unit_test_teardown(pfn_zone_changes_at_the_limits, tear_down),
		cmocka_unit_test_teardown(zones_without_a_limit_are_empty, tear_down),
		cmocka_unit_test_teardown(zones_bad_limits_give_einval, tear_down),
		cmocka_unit_test_teardown(free_does_not_merge_over_a_zone_border, tear_down),
		cmocka_unit_test_teardown(zone_border_anywhere_full_cycle_is_sound, tear_down),
		cmocka_unit_test_teardown(alloc_falls_back_downwards_never_upwards, tear_down),
		cmocka_unit_test_teardown(highmem_is_what_lies_above_normal, tear_down),
		cmocka_unit_test_teardown(highmem_empty_or_normal_empty, tear_down),
		cmocka_unit_test_teardown(cache_dma_takes_pages_from_the_dma_zone, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
