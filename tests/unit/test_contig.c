/* SPDX-License-Identifier: MIT */
/*
 * test_contig.c - a run of pages at a given place: what is free is taken; what is in use and cannot
 * be moved leaves everything as it was.
 */
#include "contig_rig.h"

/* ---- what is free ---- */

/*
 *   [ ------------ free, order 6 ------------ ]
 *            [ start … end )
 *   Expect: the run is ours, page by page; what lies beside it is free; given back, all is as
 *   before.
 */
static void range_of_free_pages_is_taken_and_the_rest_given_back(void **state)
{
	uint32_t at;

	(void)state;
	make();
	at = a_free_run(64);
	for (uint32_t off = 0; off < 64; off += 3) {
		for (uint32_t nr = 1; off + nr <= 64; nr += 5) {
			assert_int_equal(take(at + off, at + off + nr), 0);
			assert_singles(in.mm, at + off, nr);
			assert_int_equal(in.mm->usage.pages, before.in_use + nr);
			assert_int_equal(qy__nr_free_pages(in.mm) + nr,
					 before.zone[QY_ZONE_NORMAL].free);
			assert_sound(in.mm);
			give(at + off, nr);
			assert_map(&before, in.mm);
		}
	}
	assert_int_equal(users.moved + users.unknown, 0);
	assert_clean(&in);
}

static void range_over_blocks_of_every_size_is_taken(void **state)
{
	struct qy_page *page[7];
	uint32_t at;

	(void)state;
	make();
	at = a_free_run(128);
	/* Free blocks of 1, 1, 2, 4, … pages, and beyond. */
	assert_int_equal(take(at, at + 2), 0);
	give(at + 1, 1);
	assert_sound(in.mm);
	assert_int_equal(take(at + 1, at + 128), 0);
	assert_singles(in.mm, at, 128);
	assert_sound(in.mm);
	for (int i = 0; i < 7; i++)
		page[i] = qy_alloc_pages(in.mm, QY_GFP_NOWARN, 0);
	for (int i = 0; i < 7; i++) {
		uint32_t pfn;

		if (!page[i])
			continue;
		pfn = qy__page_pfn(in.mm, page[i]);
		assert_true(pfn < at || pfn >= at + 128);
		assert_int_equal(qy_free_pages(in.mm, page[i], 0), 0);
	}
	for (uint32_t i = 0; i < 128; i++)
		assert_int_equal(qy_free_pages(in.mm, qy__pfn_page(in.mm, at + i * 37 % 128), 0),
				 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void range_is_zeroed_if_asked(void **state)
{
	unsigned char *p;
	uint32_t at;

	(void)state;
	make();
	at = a_free_run(8);
	p = qy__pfn_addr(in.mm, at);
	assert_int_equal(take(at, at + 8), 0);
	memset(p, 0xff, 8 * PAGE_BYTES);
	give(at, 8);
	assert_int_equal(qy_alloc_contig_range(in.mm, at + 1, at + 7, QY_GFP_ZERO), 0);
	for (size_t i = PAGE_BYTES; i < 7 * PAGE_BYTES; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(p[0], 0xff);
	assert_int_equal(p[7 * PAGE_BYTES], 0xff);
	give(at + 1, 6);
	assert_map(&before, in.mm);
}

static void range_that_is_none_or_of_two_zones_is_einval(void **state)
{
	uint32_t border = 256;

	(void)state;
	init(512);
	in.config.zone_limit[QY_ZONE_DMA] = border * PAGE_BYTES;
	instance_create(&in);
	refuse(100, 100, -EINVAL);
	refuse(101, 100, -EINVAL);
	refuse(0, UINT32_MAX, -EINVAL);
	refuse(UINT32_MAX - 1, UINT32_MAX, -EINVAL);
	refuse(511, 513, -EINVAL);
	refuse(512, 513, -EINVAL);
	refuse(border - 1, border + 1, -EINVAL);
	refuse(0, 512, -EINVAL);
	assert_int_equal(take(border, border + 1), 0);
	assert_int_equal(take(border - 1, border), 0);
	assert_int_equal(take(511, 512), 0);
	give(border, 1);
	give(border - 1, 1);
	give(511, 1);
	assert_clean(&in);
}

static void range_with_a_hole_is_einval(void **state)
{
	static struct qy_range hole = {300 * PAGE_BYTES, 303 * PAGE_BYTES};

	(void)state;
	init(512);
	in.config.hole = &hole;
	in.config.nr_holes = 1;
	instance_create(&in);
	map_take(&before, in.mm);
	assert_int_equal(take(299, 301), -EINVAL);
	assert_int_equal(take(300, 303), -EINVAL);
	assert_int_equal(take(302, 304), -EINVAL);
	assert_map(&before, in.mm);
	/* Beside it, in page blocks that it is part of. */
	assert_int_equal(take(303, 304), 0);
	assert_int_equal(take(290, 300), 0);
	give(303, 1);
	give(290, 10);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* ---- what is in use ---- */

/* One live page that cannot be moved, anywhere in the run: all or nothing. */
static void range_with_one_live_page_is_ebusy_and_undone(void **state)
{
	uint32_t at;

	(void)state;
	make();
	at = a_free_run(32);
	for (uint32_t i = 0; i < 32; i++) {
		assert_int_equal(take(at + i, at + i + 1), 0);
		refuse(at, at + 32, -EBUSY);
		refuse(at + i, at + i + 1, -EBUSY);
		if (i)
			refuse(at, at + i + 1, -EBUSY);
		give(at + i, 1);
		assert_map(&before, in.mm);
	}
	assert_int_equal(users.moved + users.unknown, 0);
	assert_clean(&in);
}

static void what_stays_where_it_is_is_ebusy(void **state)
{
	struct qy_page_frag_cache cache = {0};
	struct qy_page *page;
	void *p;
	uint32_t pfn;

	(void)state;
	make();
	refuse(in.mm->min_pfn, in.mm->min_pfn + 1, -EBUSY);
	/* Slabs and kmalloc blocks, heads and tails. */
	p = qy_kmalloc(in.mm, 3 * PAGE_BYTES, QY_GFP_MOVABLE);
	pfn = qy__page_pfn(in.mm, qy_page_of(in.mm, p));
	for (uint32_t i = 0; i < 4; i++)
		refuse(pfn + i, pfn + i + 1, -EBUSY);
	qy_kfree(in.mm, p);
	p = qy_kmalloc(in.mm, 100, 0);
	pfn = qy__page_pfn(in.mm, qy_page_of(in.mm, p));
	refuse(pfn, pfn + 1, -EBUSY);
	qy_kfree(in.mm, p);
	/* A block that is not movable: each of its pages. */
	page = qy_alloc_pages(in.mm, 0, 3);
	pfn = qy__page_pfn(in.mm, page);
	for (uint32_t i = 0; i < 8; i++)
		refuse(pfn + i, pfn + i + 1, -EBUSY);
	assert_int_equal(qy_free_pages(in.mm, page, 3), 0);
	/* Pieces, though cut from a movable block. */
	p = qy_page_frag_alloc(in.mm, &cache, 10, QY_GFP_MOVABLE, 1);
	pfn = qy__page_pfn(in.mm, qy_page_of(in.mm, cache.va));
	refuse(pfn + 1, pfn + 2, -EBUSY);
	assert_int_equal(qy_page_frag_free(in.mm, p), 0);
	qy_page_frag_drain(in.mm, &cache);
	/* Somebody else holds it, too. */
	page = users_add(&users, in.mm, 0, 1);
	pfn = qy__page_pfn(in.mm, page);
	assert_int_equal(qy_page_get(in.mm, page), 2);
	refuse(pfn, pfn + 2, -EBUSY);
	assert_int_equal(qy_page_put(in.mm, page), 1);
	assert_int_equal(users.unknown, 0);
	/* Given up after a report. */
	assert_int_equal(qy_free_pages(in.mm, page, 0), -ERANGE);
	take_report(&in, QY_REPORT_PAGE_ORDER);
	refuse(pfn, pfn + 2, -EBUSY);
	users.page[0] = NULL;
	assert_int_equal(users.unknown + users.moved, 0);
}

static void movable_block_without_a_hook_is_ebusy(void **state)
{
	struct qy_page *page;
	uint32_t pfn;

	(void)state;
	init(512);
	in.config.migrate.fn = NULL;
	instance_create(&in);
	page = qy_alloc_pages(in.mm, QY_GFP_MOVABLE, 0);
	pfn = qy__page_pfn(in.mm, page);
	refuse(pfn, pfn + 1, -EBUSY);
	assert_int_equal(qy_free_pages(in.mm, page, 0), 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(range_of_free_pages_is_taken_and_the_rest_given_back,
					  tear_down),
		cmocka_unit_test_teardown(range_over_blocks_of_every_size_is_taken, tear_down),
		cmocka_unit_test_teardown(range_is_zeroed_if_asked, tear_down),
		cmocka_unit_test_teardown(range_that_is_none_or_of_two_zones_is_einval, tear_down),
		cmocka_unit_test_teardown(range_with_a_hole_is_einval, tear_down),
		cmocka_unit_test_teardown(range_with_one_live_page_is_ebusy_and_undone, tear_down),
		cmocka_unit_test_teardown(what_stays_where_it_is_is_ebusy, tear_down),
		cmocka_unit_test_teardown(movable_block_without_a_hook_is_ebusy, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
