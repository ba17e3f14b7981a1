/* SPDX-License-Identifier: MIT */
/* test_exact.c - blocks that are split, as many pages as the bytes need, pages by the array. */
#include "fixture.h"
#include "page_map.h"

#include "page/page_debug.h"

static struct page_map before;

static void make(void)
{
	instance_make(&in, 512, NULL);
	map_take(&before, in.mm);
}

static size_t free_pages(void)
{
	return qy__nr_free_pages(in.mm);
}

/* ---- split ---- */

static void split_pieces_are_freed_in_any_order_and_merge_fully(void **state)
{
	(void)state;
	make();
	for (unsigned int order = 0; order <= 6; order++) {
		/* Steps that are odd reach every page of the block. */
		for (uint32_t step = 1; step < 8; step += 2) {
			struct qy_page *page = qy_alloc_pages(in.mm, 0, order);
			uint32_t n = 1u << order;

			assert_int_equal(qy_split_page(in.mm, page, order), 0);
			assert_singles(in.mm, qy_page_pfn(in.mm, page), n);
			assert_sound(in.mm);
			for (uint32_t i = 0; i < n; i++)
				assert_int_equal(qy_free_pages(in.mm, page + (i * step + 3) % n, 0),
						 0);
			assert_map(&before, in.mm);
		}
	}
	assert_clean(&in);
}

static void split_pieces_have_references_of_their_own(void **state)
{
	struct qy_page *page;

	(void)state;
	make();
	page = qy_alloc_pages(in.mm, 0, 2);
	assert_int_equal(qy_split_page(in.mm, page, 2), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(qy_page_get(in.mm, page + i), 2);
		assert_int_equal(qy_page_put(in.mm, page + i), 1);
		assert_int_equal(qy_page_put(in.mm, page + i), 0);
	}
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* What a slab, a large block and a block of pieces write into descriptors is gone. */
static void split_leaves_nothing_of_earlier_owners(void **state)
{
	struct qy_page_frag_cache cache = {0};
	struct qy_page *page;
	void *p;

	(void)state;
	make();
	p = qy_kmalloc(in.mm, 6 * PAGE_BYTES, 0);
	qy_kfree(in.mm, p);
	p = qy_page_frag_alloc(in.mm, &cache, 100, 0, 1);
	assert_int_equal(qy_page_frag_free(in.mm, p), 0);
	qy_page_frag_drain(in.mm, &cache);
	page = qy_alloc_pages(in.mm, 0, 6);
	for (int i = 1; i < 64; i++)
		memset(&page[i].track, 0xff, sizeof(page[i].track));
	assert_int_equal(qy_split_page(in.mm, page, 6), 0);
	assert_singles(in.mm, qy_page_pfn(in.mm, page), 64);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(page[i].flags, 0);
		assert_int_equal(page[i].next, QY__PFN_NONE);
		assert_int_equal(page[i].prev, QY__PFN_NONE);
		assert_int_equal(qy_free_pages(in.mm, page + i, 0), 0);
	}
	assert_clean(&in);
}

static void refuse_split(struct qy_page *page, unsigned int order, int err)
{
	struct page_map now;

	map_take(&now, in.mm);
	assert_int_equal(qy_split_page(in.mm, page, order), err);
	assert_map(&now, in.mm);
}

static void split_of_what_is_no_block_is_refused(void **state)
{
	struct qy_page *page, stack;
	char *small;

	(void)state;
	make();
	memset(&stack, 0, sizeof(stack));
	refuse_split(NULL, 0, -EINVAL);
	refuse_split(&stack, 0, -EINVAL);
	refuse_split(in.mm->pages - 1, 0, -EINVAL);
	refuse_split(in.mm->pages + (in.mm->end_pfn - in.mm->min_pfn), 0, -EINVAL);
	refuse_split(qy__pfn_page(in.mm, in.mm->min_pfn), 0, -EINVAL);
	page = qy_alloc_pages(in.mm, 0, 3);
	refuse_split(page + 1, 0, -EINVAL);
	refuse_split((struct qy_page *)((char *)page + 4), 3, -EINVAL);
	refuse_split(page, 2, -ERANGE);
	refuse_split(page, 4, -ERANGE);
	refuse_split(page, UINT32_MAX, -ERANGE);
	/* The error cost nothing: the block is still whole. */
	assert_int_equal(qy_page_get(in.mm, page), 2);
	refuse_split(page, 3, -EINVAL);
	assert_int_equal(qy_page_put(in.mm, page), 1);
	assert_int_equal(qy_free_pages(in.mm, page, 3), 0);
	refuse_split(page, 3, -EINVAL);
	page = qy_alloc_pages(in.mm, QY_GFP_COMP, 3);
	refuse_split(page, 3, -EINVAL);
	refuse_split(page + 2, 0, -EINVAL);
	assert_int_equal(qy_free_pages(in.mm, page, 3), 0);
	small = qy_kmalloc(in.mm, 100, 0);
	page = qy_page_of(in.mm, small);
	refuse_split(page, page->order, -EINVAL);
	qy_kfree(in.mm, small);
	assert_clean(&in);
}

static void split_of_a_block_of_pieces_is_refused(void **state)
{
	struct qy_page_frag_cache cache = {0};
	void *p;

	(void)state;
	make();
	p = qy_page_frag_alloc(in.mm, &cache, 10, 0, 1);
	assert_non_null(p);
	refuse_split(qy_page_of(in.mm, cache.va), 3, -EINVAL);
	assert_int_equal(qy_page_frag_free(in.mm, p), 0);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void split_of_a_block_given_up_is_refused(void **state)
{
	struct qy_page *page;

	(void)state;
	make();
	page = qy_alloc_pages(in.mm, 0, 2);
	assert_int_equal(qy_free_pages(in.mm, page, 1), -ERANGE);
	take_report(&in, QY_REPORT_PAGE_ORDER);
	refuse_split(page, 2, -EINVAL);
}

/* ---- exact ---- */

/*
 *   nine pages: order 4   [ 0 1 2 3 4 5 6 7 8 | 9 | 10 11 | 12 13 14 15 ]
 *   Expect: nine are ours, the seven are free again: blocks of 1, 2 and 4.
 */
static void exact_nine_pages_seven_come_back(void **state)
{
	struct qy_page *page;
	uint32_t pfn;
	char *p;

	(void)state;
	make();
	p = qy_alloc_pages_exact(in.mm, 0, 9 * PAGE_BYTES);
	assert_non_null(p);
	page = qy_page_of(in.mm, p);
	pfn = qy_page_pfn(in.mm, page);
	assert_int_equal(pfn % 16, 0);
	assert_singles(in.mm, pfn, 9);
	for (int i = 9; i < 16; i++) {
		bool head = i == 9 || i == 10 || i == 12;

		assert_int_equal(page[i].type, head ? QY__PAGE_BUDDY : QY__PAGE_INSIDE);
	}
	assert_int_equal(page[9].order, 0);
	assert_int_equal(page[10].order, 1);
	assert_int_equal(page[12].order, 2);
	assert_int_equal(in.mm->usage.pages, before.in_use + 9);
	assert_sound(in.mm);
	assert_int_equal(qy_free_pages_exact(in.mm, p, 9 * PAGE_BYTES), 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void exact_every_size_takes_what_it_needs(void **state)
{
	(void)state;
	make();
	for (size_t pages = 1; pages <= 64; pages++) {
		size_t bytes[] = {(pages - 1) * PAGE_BYTES + 1, pages * PAGE_BYTES - 1,
				  pages * PAGE_BYTES};

		for (int i = 0; i < 3; i++) {
			char *p = qy_alloc_pages_exact(in.mm, 0, bytes[i]);

			assert_non_null(p);
			assert_int_equal(in.mm->usage.pages, before.in_use + pages);
			memset(p, 0x5b, bytes[i]);
			assert_sound(in.mm);
			assert_int_equal(qy_free_pages_exact(in.mm, p, bytes[i]), 0);
			assert_map(&before, in.mm);
		}
	}
	assert_clean(&in);
}

static void exact_zero_and_absurd_sizes_and_compound_are_null(void **state)
{
	static const size_t bytes[] = {0,
				       64 * PAGE_BYTES + 1,
				       128 * PAGE_BYTES,
				       SIZE_MAX / 2,
				       SIZE_MAX / 2 + 1,
				       SIZE_MAX - PAGE_BYTES,
				       SIZE_MAX - PAGE_BYTES + 1,
				       SIZE_MAX};

	(void)state;
	make();
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		assert_null(qy_alloc_pages_exact(in.mm, QY_GFP_NOWARN, bytes[i]));
	assert_null(qy_alloc_pages_exact(in.mm, QY_GFP_COMP, PAGE_BYTES));
	assert_null(qy_alloc_pages_exact(in.mm, QY_GFP_COMP, 3 * PAGE_BYTES));
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void exact_zero_flag_clears_all_bytes(void **state)
{
	unsigned char *p;

	(void)state;
	make();
	p = qy_get_free_pages(in.mm, 0, 3);
	memset(p, 0xff, 8 * PAGE_BYTES);
	assert_int_equal(qy_free_pages_addr(in.mm, p, 3), 0);
	p = qy_alloc_pages_exact(in.mm, QY_GFP_ZERO, 5 * PAGE_BYTES);
	for (size_t i = 0; i < 5 * PAGE_BYTES; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(qy_free_pages_exact(in.mm, p, 5 * PAGE_BYTES), 0);
}

static void exact_without_memory_is_null_and_loses_nothing(void **state)
{
	struct qy_page *page[512];
	struct page_map empty;
	unsigned int nr = 0;

	(void)state;
	make();
	while ((page[nr] = qy_alloc_pages(in.mm, QY_GFP_NOWARN, 0)))
		nr++;
	assert_null(qy_alloc_pages_exact(in.mm, QY_GFP_NOWARN, 1));
	/* Three pages, no two of them in one block of four. */
	assert_int_equal(qy_free_pages(in.mm, page[0], 0), 0);
	map_take(&empty, in.mm);
	assert_null(qy_alloc_pages_exact(in.mm, QY_GFP_NOWARN, PAGE_BYTES + 1));
	assert_map(&empty, in.mm);
	page[0] = qy_page_of(in.mm, qy_alloc_pages_exact(in.mm, 0, 1));
	assert_int_equal(free_pages(), 0);
	while (nr--)
		assert_int_equal(qy_free_pages(in.mm, page[nr], 0), 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void refuse_exact(const void *p, size_t bytes, int err, enum qy_report_kind kind)
{
	struct page_map now;

	map_take(&now, in.mm);
	assert_int_equal(qy_free_pages_exact(in.mm, p, bytes), err);
	take_report(&in, kind);
	assert_map(&now, in.mm);
}

/* Whatever is wrong with one page, none is freed: afterwards the right call still succeeds. */
static void free_exact_with_one_bad_page_frees_none(void **state)
{
	struct qy_page *block;
	char *p, local;

	(void)state;
	make();
	p = qy_alloc_pages_exact(in.mm, 0, 5 * PAGE_BYTES);
	refuse_exact(p, 5 * PAGE_BYTES + 1, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse_exact(p, SIZE_MAX, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse_exact(p, 0, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse_exact(p + 1, 4 * PAGE_BYTES, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse_exact(p - PAGE_BYTES * 64, 6 * PAGE_BYTES, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse_exact(NULL, PAGE_BYTES, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse_exact(&local, PAGE_BYTES, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
	refuse_exact(in.buf + in.size - PAGE_BYTES, 3 * PAGE_BYTES, -EINVAL,
		     QY_REPORT_BAD_PAGE_FREE);
	for (int i = 0; i < 5; i++) {
		struct qy_page *page = qy_page_of(in.mm, p + (size_t)i * PAGE_BYTES);

		/* One of them is freed already … */
		assert_int_equal(qy_free_pages(in.mm, page, 0), 0);
		refuse_exact(p, 5 * PAGE_BYTES, -EINVAL, QY_REPORT_BAD_PAGE_FREE);
		/* … and, as long as nobody else asks, comes back. */
		assert_int_equal(qy_alloc_contig_range(in.mm, qy_page_pfn(in.mm, page),
						       qy_page_pfn(in.mm, page) + 1, 0),
				 0);
	}
	assert_int_equal(qy_free_pages_exact(in.mm, p, 5 * PAGE_BYTES), 0);
	block = qy_alloc_pages(in.mm, 0, 2);
	refuse_exact(qy_page_address(in.mm, block), 4 * PAGE_BYTES, -ERANGE, QY_REPORT_PAGE_ORDER);
	assert_int_equal(qy_free_pages(in.mm, block, 2), 0);
	block = qy_alloc_pages(in.mm, QY_GFP_COMP, 2);
	refuse_exact(qy_page_address(in.mm, block + 1), PAGE_BYTES, -EINVAL,
		     QY_REPORT_BAD_PAGE_FREE);
	assert_int_equal(qy_free_pages(in.mm, block, 2), 0);
	assert_map(&before, in.mm);
}

static void free_exact_leaves_a_page_that_somebody_holds(void **state)
{
	struct qy_page *page;
	char *p;

	(void)state;
	make();
	p = qy_alloc_pages_exact(in.mm, 0, 7 * PAGE_BYTES);
	page = qy_page_of(in.mm, p + 3 * PAGE_BYTES);
	assert_int_equal(qy_page_get(in.mm, page), 2);
	assert_int_equal(qy_free_pages_exact(in.mm, p, 7 * PAGE_BYTES), 0);
	assert_int_equal(in.mm->usage.pages, before.in_use + 1);
	assert_sound(in.mm);
	assert_int_equal(qy_page_put(in.mm, page), 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void exact_pages_may_be_freed_one_by_one(void **state)
{
	char *p;

	(void)state;
	make();
	p = qy_alloc_pages_exact(in.mm, 0, 11 * PAGE_BYTES);
	for (size_t i = 0; i < 11; i++)
		assert_int_equal(qy_free_pages_addr(in.mm, p + i * 7 % 11 * PAGE_BYTES, 0), 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* ---- bulk ---- */

static void bulk_fills_all_empty_slots(void **state)
{
	struct qy_page *array[40] = {0};

	(void)state;
	make();
	assert_int_equal(qy_alloc_pages_bulk(in.mm, 0, 40, array), 40);
	assert_int_equal(in.mm->usage.pages, before.in_use + 40);
	for (int i = 0; i < 40; i++) {
		assert_singles(in.mm, qy_page_pfn(in.mm, array[i]), 1);
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(array[i], array[j]);
	}
	assert_sound(in.mm);
	for (int i = 0; i < 40; i++)
		assert_int_equal(qy_free_pages(in.mm, array[i], 0), 0);
	assert_map(&before, in.mm);
	assert_int_equal(qy_alloc_pages_bulk(in.mm, 0, 0, NULL), 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void bulk_leaves_filled_slots_alone(void **state)
{
	struct qy_page *array[8] = {0}, *mark = (struct qy_page *)16;

	(void)state;
	make();
	array[0] = array[1] = array[5] = mark;
	assert_int_equal(qy_alloc_pages_bulk(in.mm, 0, 8, array), 8);
	assert_int_equal(in.mm->usage.pages, before.in_use + 5);
	for (int i = 0; i < 8; i++) {
		if (i == 0 || i == 1 || i == 5)
			assert_ptr_equal(array[i], mark);
		else
			assert_int_equal(qy_free_pages(in.mm, array[i], 0), 0);
	}
	for (int i = 0; i < 8; i++)
		array[i] = mark;
	assert_int_equal(qy_alloc_pages_bulk(in.mm, 0, 8, array), 8);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static struct qy_page *held[512];
static unsigned int nr_held;

/* All but @left pages are in use. */
static void fill_up(unsigned int left)
{
	nr_held = 0;
	while ((held[nr_held] = qy_alloc_pages(in.mm, QY_GFP_NOWARN, 0)))
		nr_held++;
	while (left--)
		assert_int_equal(qy_free_pages(in.mm, held[--nr_held], 0), 0);
}

static void let_go(void)
{
	while (nr_held)
		assert_int_equal(qy_free_pages(in.mm, held[--nr_held], 0), 0);
	assert_map(&before, in.mm);
}

static void bulk_counts_what_could_be_had(void **state)
{
	(void)state;
	make();
	for (unsigned int left = 0; left < 6; left++) {
		struct qy_page *array[9] = {0}, *mark = (struct qy_page *)16;
		unsigned int full = 0;

		fill_up(left);
		array[2] = array[8] = mark;
		assert_int_equal(qy_alloc_pages_bulk(in.mm, QY_GFP_NOWARN, 9, array), left + 2);
		assert_int_equal(free_pages(), 0);
		/* The first empty slots are filled; what stands there is valid. */
		for (int i = 0; i < 9; i++) {
			if (array[i] == mark)
				continue;
			if (full < left)
				held[nr_held++] = array[i];
			else
				assert_null(array[i]);
			full++;
		}
		assert_ptr_equal(array[2], mark);
		assert_ptr_equal(array[8], mark);
		let_go();
	}
	assert_clean(&in);
}

static unsigned int hook_calls, hook_gives;

static bool give_held_pages(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order, void *ctx)
{
	(void)gfp;
	(void)order;
	(void)ctx;
	hook_calls++;
	if (!hook_gives)
		return false;
	for (; hook_gives; hook_gives--)
		assert_int_equal(qy_free_pages(mm, held[--nr_held], 0), 0);
	return true;
}

/* Nothing is there: one page is worth the whole effort; something is there: nothing is. */
static void bulk_reclaims_for_the_first_page_only(void **state)
{
	struct qy_page *array[4] = {0};

	(void)state;
	instance_init(&in, 512);
	in.config.reclaim = (struct qy_reclaim_hook){give_held_pages, NULL};
	instance_create(&in);
	map_take(&before, in.mm);
	hook_calls = hook_gives = 0;
	fill_up(2);
	assert_int_equal(qy_alloc_pages_bulk(in.mm, QY_GFP_KERNEL, 4, array), 2);
	assert_int_equal(hook_calls, 0);
	assert_null(array[2]);
	held[nr_held++] = array[0];
	held[nr_held++] = array[1];
	array[0] = array[1] = NULL;

	hook_gives = 3;
	assert_int_equal(qy_alloc_pages_bulk(in.mm, QY_GFP_KERNEL, 4, array), 1);
	assert_int_equal(hook_calls, 1);
	assert_non_null(array[0]);
	assert_null(array[1]);
	assert_int_equal(free_pages(), 2);
	held[nr_held++] = array[0];
	fill_up(0);
	assert_int_equal(free_pages(), 0);

	/* It may not wait: no reclaim at all. */
	hook_calls = 0;
	array[0] = NULL;
	assert_int_equal(qy_alloc_pages_bulk(in.mm, QY_GFP_NOWAIT, 4, array), 0);
	assert_int_equal(hook_calls, 0);
	assert_clean(&in);
}

/* Without reclaim is not the same as unable to wait: it stops where a single request does. */
static void bulk_leaves_the_reserves_alone(void **state)
{
	struct qy_page *array[512] = {0};
	struct qy__zone *zone;
	unsigned int nr;

	(void)state;
	instance_init(&in, 512);
	in.config.watermark.marks = QY_WATERMARKS_KERNEL;
	in.config.watermark.min_free_kbytes = 64 * PAGE_BYTES / 1024;
	instance_create(&in);
	zone = &in.mm->zone[QY_ZONE_NORMAL];
	assert_int_equal(zone->mark[QY_WMARK_MIN], 64);
	nr = qy_alloc_pages_bulk(in.mm, QY_GFP_KERNEL | QY_GFP_HIGH, 512, array);
	assert_int_equal(zone->nr_free_pages, 64);
	assert_int_equal(in.reports.nomem, 0);
	/* All that one request may have, but one page at a time. */
	assert_int_equal(qy_alloc_pages_bulk(in.mm, QY_GFP_KERNEL | QY_GFP_HIGH, 512, array),
			 nr + 1);
	assert_int_equal(zone->nr_free_pages, 63);
	/* Who may not wait has them at once. */
	nr = qy_alloc_pages_bulk(in.mm, QY_GFP_ATOMIC, 512, array);
	assert_true(zone->nr_free_pages < 32);
	assert_sound(in.mm);
	while (nr--)
		assert_int_equal(qy_free_pages(in.mm, array[nr], 0), 0);
	assert_clean(&in);
}

/* ---- page debugging ---- */

static void assert_poisoned(const struct qy_page *page, bool yes)
{
	const unsigned char *p = qy_page_address(in.mm, page);

	for (size_t i = 0; i < PAGE_BYTES; i++)
		assert_true((p[i] == 0xaa) == yes);
}

/* Free pages are poisoned, each page has a record of its own: live, of order 0, or not. */
static void assert_each(const struct qy_page *page, uint32_t nr, bool live)
{
	for (uint32_t i = 0; i < nr; i++) {
		const struct qy__page_owner *rec = in.mm->page_debug.owner;

		assert_poisoned(page + i, !live);
		if (!rec)
			continue;
		rec += qy__page_pfn(in.mm, page + i) - in.mm->min_pfn;
		assert_int_equal(rec->live, live);
		if (live)
			assert_int_equal(rec->order, 0);
	}
}

static void page_debugging_follows_each_page(void **state)
{
	struct qy_page *page;
	uint32_t pfn;
	char *p;

	(void)state;
	instance_init(&in, 512);
	in.config.page_debug = QY_PAGE_POISON | (QY_CONFIG_DEBUG ? QY_PAGE_OWNER : 0);
	instance_create(&in);
	map_take(&before, in.mm);
	p = qy_alloc_pages_exact(in.mm, 0, 9 * PAGE_BYTES);
	memset(p, 1, 9 * PAGE_BYTES);
	page = qy_page_of(in.mm, p);
	assert_int_equal(in.mm->page_debug.owner != NULL, QY_CONFIG_DEBUG);
	assert_each(page, 9, true);
	assert_each(page + 9, 7, false);
	assert_int_equal(qy_free_pages(in.mm, page + 4, 0), 0);
	assert_each(page, 4, true);
	assert_each(page + 4, 1, false);
	assert_each(page + 5, 4, true);
	/* A free page in the middle, by its number, and all of them. */
	pfn = qy_page_pfn(in.mm, page);
	assert_int_equal(qy_alloc_contig_range(in.mm, pfn + 4, pfn + 5, QY_GFP_ZERO), 0);
	assert_each(page, 9, true);
	assert_int_equal(qy_free_pages_exact(in.mm, p, 9 * PAGE_BYTES), 0);
	assert_each(page, 16, false);
	page = qy_alloc_pages(in.mm, QY_GFP_ZERO, 3);
	assert_int_equal(qy_split_page(in.mm, page, 3), 0);
	assert_each(page, 8, true);
	assert_int_equal(qy_free_contig_range(in.mm, qy_page_pfn(in.mm, page), 8), 0);
	assert_each(page, 8, false);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(split_pieces_are_freed_in_any_order_and_merge_fully,
					  tear_down),
		cmocka_unit_test_teardown(split_pieces_have_references_of_their_own, tear_down),
		cmocka_unit_test_teardown(split_leaves_nothing_of_earlier_owners, tear_down),
		cmocka_unit_test_teardown(split_of_what_is_no_block_is_refused, tear_down),
		cmocka_unit_test_teardown(split_of_a_block_of_pieces_is_refused, tear_down),
		cmocka_unit_test_teardown(split_of_a_block_given_up_is_refused, tear_down),
		cmocka_unit_test_teardown(exact_nine_pages_seven_come_back, tear_down),
		cmocka_unit_test_teardown(exact_every_size_takes_what_it_needs, tear_down),
		cmocka_unit_test_teardown(exact_zero_and_absurd_sizes_and_compound_are_null,
					  tear_down),
		cmocka_unit_test_teardown(exact_zero_flag_clears_all_bytes, tear_down),
		cmocka_unit_test_teardown(exact_without_memory_is_null_and_loses_nothing,
					  tear_down),
		cmocka_unit_test_teardown(free_exact_with_one_bad_page_frees_none, tear_down),
		cmocka_unit_test_teardown(free_exact_leaves_a_page_that_somebody_holds, tear_down),
		cmocka_unit_test_teardown(exact_pages_may_be_freed_one_by_one, tear_down),
		cmocka_unit_test_teardown(bulk_fills_all_empty_slots, tear_down),
		cmocka_unit_test_teardown(bulk_leaves_filled_slots_alone, tear_down),
		cmocka_unit_test_teardown(bulk_counts_what_could_be_had, tear_down),
		cmocka_unit_test_teardown(bulk_reclaims_for_the_first_page_only, tear_down),
		cmocka_unit_test_teardown(bulk_leaves_the_reserves_alone, tear_down),
		cmocka_unit_test_teardown(page_debugging_follows_each_page, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
