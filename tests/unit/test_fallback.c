/* SPDX-License-Identifier: MIT */
/*
 * test_fallback.c - lifetimes: which page block a request takes when its own lists are empty, when
 * the page block changes its type, what is set aside for atomic requests, what merges.
 *
 * Page blocks have 8 pages here, the largest block 32.
 */
#include "damage.h"
#include "fixture.h"

#include "page/buddy.h"
#include "page/page_alloc.h"

#define PB_ORDER 3u
#define PB 8u

static struct qy_page *got[1024];
static unsigned int nr_got;

static void make(size_t pages)
{
	instance_init(&in, pages);
	in.config.max_order = 5;
	in.config.pageblock_order = PB_ORDER;
	in.config.grouping = QY_ON;
	instance_create(&in);
	nr_got = 0;
}

static struct qy_page *take(qy_gfp_t gfp, unsigned int order)
{
	return qy_alloc_pages(in.mm, gfp | QY_GFP_NOWARN, order);
}

static uint32_t pfn_of(const struct qy_page *page)
{
	return qy_page_pfn(in.mm, page);
}

static unsigned int type_of(const struct qy_page *page)
{
	return qy_page_migratetype(in.mm, page);
}

/* All memory, page by page. */
static void take_all(qy_gfp_t gfp)
{
	while ((got[nr_got] = take(gfp, 0)))
		nr_got++;
}

/* The first page of a page block whose pages were all taken by take_all(). */
static struct qy_page *whole_block(unsigned int skip)
{
	for (uint32_t pfn = (in.mm->min_pfn + PB - 1) & ~(PB - 1); pfn + PB <= in.mm->end_pfn;
	     pfn += PB) {
		unsigned int n = 0;

		while (n < PB && qy__pfn_page(in.mm, pfn + n)->type == QY__PAGE_ALLOC)
			n++;
		if (n == PB && !skip--)
			return qy__pfn_page(in.mm, pfn);
	}
	fail();
	return NULL;
}

static void give(struct qy_page *page, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(qy_free_pages(in.mm, page + i, 0), 0);
}

static void fresh_memory_is_movable(void **state)
{
	(void)state;
	make(256);
	for (uint32_t pfn = in.mm->min_pfn; pfn < in.mm->end_pfn; pfn++) {
		const struct qy_page *page = qy__pfn_page(in.mm, pfn);

		if (page->type == QY__PAGE_BUDDY && page->order == 5)
			assert_int_equal(type_of(page), QY_MIGRATE_MOVABLE);
	}
	assert_clean(&in);
}

/* The largest block goes, all its page blocks change: the next requests find them. */
static void a_large_block_is_taken_for_good(void **state)
{
	struct qy_page *first, *next;
	uint32_t start;

	(void)state;
	make(512);
	/* Boot has its own page blocks by now; a lifetime that nobody has used yet has none. */
	first = take(QY_GFP_RECLAIMABLE, 0);
	assert_int_equal(type_of(first), QY_MIGRATE_RECLAIMABLE);
	start = pfn_of(first) & ~31u;
	for (uint32_t pfn = start; pfn < start + 32; pfn += PB)
		assert_int_equal(type_of(qy__pfn_page(in.mm, pfn)), QY_MIGRATE_RECLAIMABLE);
	next = take(QY_GFP_RECLAIMABLE, 4);
	assert_true(pfn_of(next) >= start && pfn_of(next) < start + 32);
	assert_clean(&in);
}

/*
 * A page block with @nr_free free pages, @nr_alike that reclaimable requests hold and the rest in
 * movable hands: does it change when an unmovable request takes a page?
 */
static bool is_claimed(unsigned int nr_free, unsigned int nr_alike)
{
	struct qy_page *block, *page;
	bool claimed;

	make(256);
	take_all(QY_GFP_MOVABLE);
	block = whole_block(0);
	assert_int_equal(type_of(block), QY_MIGRATE_MOVABLE);
	for (unsigned int i = 0; i < nr_alike; i++) {
		give(block + i, 1);
		assert_ptr_equal(take(QY_GFP_RECLAIMABLE, 0), block + i);
		assert_int_equal(type_of(block),
				 i + 1 < PB / 2 ? QY_MIGRATE_MOVABLE : type_of(block));
	}
	give(block + PB - nr_free, nr_free);
	assert_int_equal(type_of(block), QY_MIGRATE_MOVABLE);
	page = take(0, 0);
	assert_true(page >= block && page < block + PB);
	claimed = type_of(block) == QY_MIGRATE_UNMOVABLE;
	assert_true(claimed || type_of(block) == QY_MIGRATE_MOVABLE);
	assert_clean(&in);
	instance_destroy(&in);
	return claimed;
}

static void half_of_a_page_block_decides(void **state)
{
	(void)state;
	assert_false(is_claimed(1, 0));
	assert_false(is_claimed(3, 0));
	assert_true(is_claimed(4, 0)); /* exactly half */
	assert_true(is_claimed(7, 0));
	assert_false(is_claimed(2, 1));
	assert_true(is_claimed(3, 1));
	assert_true(is_claimed(1, 3));
	assert_false(is_claimed(1, 2));
}

/* UNMOVABLE asks RECLAIMABLE first, then MOVABLE; and so on: the table. */
static void fallbacks_are_asked_in_order(void **state)
{
	static const qy_gfp_t gfp[] = {0, QY_GFP_MOVABLE, QY_GFP_RECLAIMABLE};
	static const unsigned int first[] = {QY_MIGRATE_RECLAIMABLE, QY_MIGRATE_RECLAIMABLE,
					     QY_MIGRATE_UNMOVABLE};

	(void)state;
	for (unsigned int want = 0; want < 3; want++) {
		struct qy_page *block[3];
		unsigned int nr = 0;

		make(512);
		take_all(QY_GFP_MOVABLE);
		for (unsigned int type = 0; type < 3; type++) {
			if (type == want)
				continue;
			block[nr] = whole_block(nr);
			qy__move_pageblock_locked(in.mm, &in.mm->zone[QY_ZONE_NORMAL],
						  pfn_of(block[nr]), type);
			nr++;
		}
		/* One page in each: as large as each other, so that the table decides. */
		give(block[0] + 2, 1);
		give(block[1] + 2, 1);
		block[2] = take(gfp[want], 0);
		assert_int_equal(type_of(block[2]), first[want]);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* The largest is stolen from, unless a movable request cannot keep it: then the smallest. */
static void movable_takes_the_smallest_it_may_not_keep(void **state)
{
	struct qy_page *a, *b, *page;

	(void)state;
	for (int movable = 0; movable < 2; movable++) {
		make(512);
		in.mm->pageblock_order = PB_ORDER;
		take_all(QY_GFP_MOVABLE);
		a = whole_block(0);
		b = whole_block(1);
		for (int i = 0; i < 2; i++)
			qy__move_pageblock_locked(in.mm, &in.mm->zone[QY_ZONE_NORMAL],
						  pfn_of(i ? b : a), QY_MIGRATE_RECLAIMABLE);
		give(a + 4, 1); /* a lone page */
		give(b + 4, 2); /* a pair: order 1 is half of a page block's order 3 */
		page = take(movable ? QY_GFP_MOVABLE : 0, 0);
		/* Order 1 >= 3 / 2: both may keep the larger one's page block. */
		assert_true(page >= b + 4 && page < b + 6);
		give(page, 1);
		assert_clean(&in);
		instance_destroy(&in);
	}
	/* With larger page blocks a pair is too small to keep. */
	instance_init(&in, 1024);
	in.config.max_order = 6;
	in.config.pageblock_order = 6;
	in.config.grouping = QY_ON;
	instance_create(&in);
	nr_got = 0;
	take_all(QY_GFP_MOVABLE);
	a = got[nr_got - 1];
	a = qy__pfn_page(in.mm, (pfn_of(a) & ~63u) - 64);
	b = a - 64;
	for (int i = 0; i < 2; i++)
		qy__move_pageblock_locked(in.mm, &in.mm->zone[QY_ZONE_NORMAL], pfn_of(i ? b : a),
					  QY_MIGRATE_RECLAIMABLE);
	give(a + 7, 1);
	give(b + 4, 2);
	assert_ptr_equal(take(QY_GFP_MOVABLE, 0), a + 7);
	assert_int_equal(type_of(a), QY_MIGRATE_RECLAIMABLE);
	assert_clean(&in);
}

static void grouping_off_has_one_type(void **state)
{
	(void)state;
	instance_init(&in, 256);
	in.config.pageblock_order = PB_ORDER;
	instance_create(&in);
	assert_int_equal(type_of(take(QY_GFP_MOVABLE, 0)), QY_MIGRATE_UNMOVABLE);
	assert_int_equal(type_of(take(QY_GFP_RECLAIMABLE, 2)), QY_MIGRATE_UNMOVABLE);
	assert_int_equal(type_of(take(QY_GFP_ATOMIC, 1)), QY_MIGRATE_UNMOVABLE);
	assert_int_equal(in.mm->zone[QY_ZONE_NORMAL].nr_reserved_highatomic, 0);
	assert_clean(&in);
}

/* ---- set aside for those who may not wait ---- */

static void make_with_marks(void)
{
	instance_init(&in, 512);
	in.config.max_order = 5;
	in.config.pageblock_order = PB_ORDER;
	in.config.grouping = QY_ON;
	in.config.watermark.marks = QY_WATERMARKS_KERNEL;
	in.config.watermark.min_free_kbytes = 400; /* 100 pages */
	instance_create(&in);
	nr_got = 0;
}

static void an_atomic_request_sets_a_page_block_aside(void **state)
{
	struct qy__zone *zone;
	struct qy_page *page, *other;

	(void)state;
	make_with_marks();
	zone = &in.mm->zone[QY_ZONE_NORMAL];
	take_all(QY_GFP_MOVABLE); /* down to the MIN mark */
	assert_true(zone->nr_free_pages >= zone->mark[QY_WMARK_MIN]);
	page = take(QY_GFP_ATOMIC, 1);
	assert_non_null(page);
	assert_int_equal(type_of(page), QY_MIGRATE_HIGHATOMIC);
	assert_int_equal(zone->nr_reserved_highatomic, PB);
	assert_sound(in.mm);
	/* The limit, one per cent and a page block, is reached: the next one sets nothing aside. */
	other = take(QY_GFP_ATOMIC, 2);
	assert_non_null(other);
	assert_int_equal(zone->nr_reserved_highatomic, zone->managed / 100 >= PB ? 2 * PB : PB);
	assert_sound(in.mm);
	assert_int_equal(qy_free_pages(in.mm, page, 1), 0);
	assert_int_equal(qy_free_pages(in.mm, other, 2), 0);
	assert_clean(&in);
}

/* Who finds nothing else gets what was set aside; the type and the counter go back. */
static void what_was_set_aside_is_given_back(void **state)
{
	struct qy__zone *zone;
	struct qy_page *page;

	(void)state;
	make_with_marks();
	zone = &in.mm->zone[QY_ZONE_NORMAL];
	take_all(QY_GFP_MOVABLE);
	page = take(QY_GFP_ATOMIC, 1);
	assert_int_equal(zone->nr_reserved_highatomic, PB);
	take_all(QY_GFP_MOVABLE | QY_GFP_MEMALLOC); /* no mark holds: to the last page */
	assert_int_equal(zone->nr_free_pages, 0);
	assert_int_equal(zone->nr_reserved_highatomic, 0);
	assert_int_not_equal(type_of(page), QY_MIGRATE_HIGHATOMIC);
	assert_clean(&in);
}

/* Page blocks of types that must not mix stay apart, and meet again when the type goes back. */
static void merging_ends_where_types_must_not_mix(void **state)
{
	struct qy__zone *zone;
	struct qy_page *head;
	uint32_t pfn;

	(void)state;
	make(512);
	zone = &in.mm->zone[QY_ZONE_NORMAL];
	head = find_block(in.mm, QY__PAGE_BUDDY, 5, NULL);
	assert_non_null(head);
	pfn = pfn_of(head);
	assert_ptr_equal(qy__free_block_of(in.mm, zone, pfn + 31), head);
	assert_true(qy__move_pageblock_locked(in.mm, zone, pfn + PB, QY_MIGRATE_ISOLATE));
	assert_int_equal(qy__free_block_of(in.mm, zone, pfn)->order, 3);
	assert_int_equal(qy__free_block_of(in.mm, zone, pfn + PB)->order, 3);
	assert_int_equal(qy__free_block_of(in.mm, zone, pfn + 2 * PB)->order, 4);
	assert_int_equal(zone->nr_free_isolate, PB);
	assert_sound(in.mm);
	assert_true(qy__move_pageblock_locked(in.mm, zone, pfn + PB, QY_MIGRATE_UNMOVABLE));
	assert_int_equal(qy__free_block_of(in.mm, zone, pfn)->order, 5);
	assert_int_equal(zone->nr_free_isolate, 0);
	assert_clean(&in);
}

/* A block whose page blocks got different types while it was in use comes back in pieces. */
static void a_block_of_several_types_is_freed_in_pieces(void **state)
{
	struct qy__zone *zone;
	struct qy_page *page;
	uint32_t pfn;

	(void)state;
	make(512);
	zone = &in.mm->zone[QY_ZONE_NORMAL];
	page = take(QY_GFP_MOVABLE, 5);
	pfn = pfn_of(page);
	assert_true(qy__move_pageblock_locked(in.mm, zone, pfn + 3 * PB, QY_MIGRATE_ISOLATE));
	assert_int_equal(qy_free_pages(in.mm, page, 5), 0);
	assert_int_equal(qy__free_block_of(in.mm, zone, pfn)->order, 4);
	assert_int_equal(qy__free_block_of(in.mm, zone, pfn + 2 * PB)->order, 3);
	assert_int_equal(zone->nr_free_isolate, PB);
	assert_sound(in.mm);
	assert_true(qy__move_pageblock_locked(in.mm, zone, pfn + 3 * PB, QY_MIGRATE_MOVABLE));
	assert_int_equal(qy__free_block_of(in.mm, zone, pfn)->order, 5);
	assert_clean(&in);
}

/* The free block around a range is cut: what lies outside stays free. */
static void a_range_is_cut_out_of_free_blocks(void **state)
{
	struct qy__zone *zone;
	uint32_t pfn, n;

	(void)state;
	make(512);
	zone = &in.mm->zone[QY_ZONE_NORMAL];
	pfn = pfn_of(find_block(in.mm, QY__PAGE_BUDDY, 5, NULL));
	n = qy__take_free_locked(in.mm, zone, pfn + 3, pfn + 21);
	assert_int_equal(n, 18);
	for (uint32_t i = 0; i < 32; i++)
		assert_int_equal(qy__free_block_of(in.mm, zone, pfn + i) != NULL, i < 3 || i >= 21);
	assert_int_equal(qy__take_free_locked(in.mm, zone, pfn + 3, pfn + 21), 0);
	for (uint32_t i = 3; i < 21; i++)
		qy__free_one_locked(in.mm, zone, pfn + i, 0, QY__FPI_NONE);
	assert_int_equal(qy__free_block_of(in.mm, zone, pfn)->order, 5);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown(f, tear_down)
		T(fresh_memory_is_movable),
		T(a_large_block_is_taken_for_good),
		T(half_of_a_page_block_decides),
		T(fallbacks_are_asked_in_order),
		T(movable_takes_the_smallest_it_may_not_keep),
		T(grouping_off_has_one_type),
		T(an_atomic_request_sets_a_page_block_aside),
		T(what_was_set_aside_is_given_back),
		T(merging_ends_where_types_must_not_mix),
		T(a_block_of_several_types_is_freed_in_pieces),
		T(a_range_is_cut_out_of_free_blocks),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
