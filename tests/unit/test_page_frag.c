/* SPDX-License-Identifier: MIT */
/* test_page_frag.c - pieces: where they are cut, when their block goes, what is refused. */
#include "fixture.h"
#include "page_map.h"

#include <pthread.h>

#define BLOCK ((size_t)32 << 10) /* with pages of 16 KiB and less */
#define BLOCK_PAGES (BLOCK / PAGE_BYTES)

static struct page_map before;
static struct qy_page_frag_cache cache;

static void make(void)
{
	instance_make(&in, 512, NULL);
	memset(&cache, 0, sizeof(cache));
	map_take(&before, in.mm);
}

static void *cut(size_t size, size_t align)
{
	return qy_page_frag_alloc(in.mm, &cache, size, QY_GFP_NOWARN, align);
}

static void give(const void *p)
{
	assert_int_equal(qy_page_frag_free(in.mm, p), 0);
}

static void refuse(const void *p)
{
	struct page_map now;

	map_take(&now, in.mm);
	assert_int_equal(qy_page_frag_free(in.mm, p), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	assert_map(&now, in.mm);
}

static void pieces_come_from_the_end_and_do_not_overlap(void **state)
{
	static const size_t size[] = {1, 100, 64, 1500, 7, 4096, 300, 4097, 1};
	static const size_t align[] = {1, 8, 64, 2, 128, 4096, 1, 16, 4096};
	unsigned char *p[9], *below;

	(void)state;
	make();
	p[0] = cut(size[0], align[0]);
	below = (unsigned char *)cache.va + BLOCK;
	assert_int_equal(cache.size, BLOCK);
	assert_int_equal((uintptr_t)cache.va % BLOCK, (uintptr_t)in.mm->base % BLOCK);
	for (int i = 0; i < 9; i++) {
		size_t off;

		if (i)
			p[i] = cut(size[i], align[i]);
		off = (size_t)(below - (unsigned char *)cache.va) - size[i];
		assert_ptr_equal(p[i], (char *)cache.va + off / align[i] * align[i]);
		assert_int_equal(cache.pieces, i + 1);
		memset(p[i], i + 1, size[i]);
		below = p[i];
	}
	for (int i = 0; i < 9; i++) {
		for (size_t n = 0; n < size[i]; n++)
			assert_int_equal(p[i][n], i + 1);
		give(p[i]);
	}
	assert_sound(in.mm);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void bad_sizes_and_alignments_are_null(void **state)
{
	static const size_t align[] = {0, 3, 6, 4095, 2 * PAGE_BYTES, SIZE_MAX, SIZE_MAX / 2 + 1};
	void *p;

	(void)state;
	make();
	assert_null(cut(0, 1));
	assert_null(cut(BLOCK + 1, 1));
	assert_null(cut(SIZE_MAX, 1));
	assert_null(cut(SIZE_MAX - PAGE_BYTES + 1, 1));
	for (size_t i = 0; i < sizeof(align) / sizeof(align[0]); i++)
		assert_null(cut(8, align[i]));
	assert_null(cache.va);
	assert_map(&before, in.mm);
	/* The largest piece is a whole block, whatever its alignment. */
	p = cut(BLOCK, PAGE_BYTES);
	assert_ptr_equal(p, cache.va);
	give(p);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void block_goes_with_its_last_piece_after_the_cache(void **state)
{
	void *p[8];

	(void)state;
	make();
	for (int i = 0; i < 8; i++)
		p[i] = cut(500, 4);
	qy_page_frag_drain(in.mm, &cache);
	assert_null(cache.va);
	assert_int_equal(cache.size, 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(in.mm->usage.pages, before.in_use + BLOCK_PAGES);
		give(p[(i + 3) % 8]);
	}
	assert_map(&before, in.mm);
	refuse(p[0]);
	/* An empty cache has nothing to let go of. */
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
}

static void block_goes_with_the_cache_after_its_last_piece(void **state)
{
	void *p;

	(void)state;
	make();
	p = cut(500, 4);
	give(p);
	assert_int_equal(in.mm->usage.pages, before.in_use + BLOCK_PAGES);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* All pieces came back: the cache begins again at the end of the same block. */
static void block_without_pieces_is_used_again(void **state)
{
	char *va;

	(void)state;
	make();
	assert_non_null(cut(BLOCK / 2, 1));
	va = cache.va;
	give(va + BLOCK / 2);
	for (int round = 0; round < 5; round++) {
		char *p = cut(BLOCK - 100, 1);

		assert_ptr_equal(p, va + 100);
		assert_ptr_equal(cache.va, va);
		assert_int_equal(cache.pieces, 1);
		assert_int_equal(in.mm->usage.pages, before.in_use + BLOCK_PAGES);
		give(p);
	}
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void block_with_a_piece_out_is_not_used_again(void **state)
{
	unsigned char *first, *second, *third;

	(void)state;
	make();
	first = cut(1000, 1);
	memset(first, 0x11, 1000);
	second = cut(BLOCK - 999, 1);
	memset(second, 0x22, BLOCK - 999);
	assert_ptr_not_equal(qy_page_head(in.mm, qy_page_of(in.mm, first)),
			     qy_page_head(in.mm, qy_page_of(in.mm, second)));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(first[i], 0x11);
	assert_int_equal(in.mm->usage.pages, before.in_use + 2 * BLOCK_PAGES);
	/* The first block has no cache any more: it goes with its piece. */
	give(first);
	assert_int_equal(in.mm->usage.pages, before.in_use + BLOCK_PAGES);
	third = cut(2000, 1);
	assert_int_equal(in.mm->usage.pages, before.in_use + 2 * BLOCK_PAGES);
	give(second);
	give(third);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void block_that_somebody_holds_is_not_used_again(void **state)
{
	struct qy_page *head;
	char *p;

	(void)state;
	make();
	p = cut(BLOCK, 1);
	head = qy_page_head(in.mm, qy_page_of(in.mm, p + BLOCK - 1));
	assert_int_equal(qy_page_get(in.mm, head), 2);
	give(p);
	p = cut(BLOCK, 1);
	assert_ptr_not_equal(qy_page_head(in.mm, qy_page_of(in.mm, p)), head);
	assert_int_equal(in.mm->usage.pages, before.in_use + 2 * BLOCK_PAGES);
	/* The pieces are gone, the holder is not; no piece was cut from it since. */
	refuse(qy_page_address(in.mm, head));
	assert_int_equal(qy_page_put(in.mm, head), 0);
	assert_int_equal(in.mm->usage.pages, before.in_use + BLOCK_PAGES);
	give(p);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void more_frees_than_pieces_are_refused(void **state)
{
	void *p, *q;

	(void)state;
	make();
	p = cut(64, 1);
	q = cut(64, 1);
	give(p);
	give(q);
	refuse(p);
	refuse(q);
	/* The cache still has its block. */
	p = cut(64, 1);
	memset(p, 0x77, 64);
	give(p);
	refuse(p);
	qy_page_frag_drain(in.mm, &cache);
	refuse(p);
	assert_map(&before, in.mm);
}

static void what_is_no_piece_is_refused(void **state)
{
	struct qy_page *single, *compound;
	void *small, *large;
	char local;

	(void)state;
	make();
	single = qy_alloc_pages(in.mm, 0, 0);
	compound = qy_alloc_pages(in.mm, QY_GFP_COMP, 2);
	small = qy_kmalloc(in.mm, 40, 0);
	large = qy_kmalloc(in.mm, 5 * PAGE_BYTES, 0);
	refuse(NULL);
	refuse(&local);
	refuse((void *)UINTPTR_MAX);
	refuse(in.buf);
	refuse(in.buf + in.size);
	refuse(qy_page_address(in.mm, single));
	refuse(qy_page_address(in.mm, compound));
	refuse((char *)qy_page_address(in.mm, compound) + 3 * PAGE_BYTES);
	refuse(small);
	refuse(large);
	refuse((char *)large + 4 * PAGE_BYTES);
	assert_int_equal(qy_free_pages(in.mm, single, 0), 0);
	refuse(qy_page_address(in.mm, single));
	assert_int_equal(qy_free_pages(in.mm, compound, 2), 0);
	qy_kfree(in.mm, small);
	qy_kfree(in.mm, large);
	assert_clean(&in);
}

static struct qy_page *held[512];

/* Everything is taken; then free blocks of @order, one in two of them. Return: pages taken. */
static unsigned int fragment(unsigned int order)
{
	unsigned int nr = 0;

	for (unsigned int o = 7; o-- > order;)
		while ((held[nr] = qy_alloc_pages(in.mm, QY_GFP_NOWARN, order)))
			nr++;
	for (unsigned int i = 0; i < nr; i++) {
		if (qy_page_pfn(in.mm, held[i]) >> order & 1)
			continue;
		assert_int_equal(qy_free_pages(in.mm, held[i], order), 0);
		held[i] = NULL;
	}
	return nr;
}

static void small_blocks_serve_when_there_is_no_large_one(void **state)
{
	unsigned int nr, in_use;
	void *p, *q;

	(void)state;
	make();
	nr = fragment(0);
	in_use = (unsigned int)in.mm->usage.pages;
	p = cut(100, 1);
	assert_non_null(p);
	assert_int_equal(cache.size, PAGE_BYTES);
	assert_int_equal(in.mm->usage.pages, in_use + 1);
	/* A piece that no single page holds: there is nothing, and the cache keeps what it has. */
	assert_null(cut(PAGE_BYTES + 1, 1));
	assert_int_equal(cache.size, PAGE_BYTES);
	q = cut(100, 1);
	assert_ptr_equal(q, (char *)p - 100);
	give(p);
	give(q);
	qy_page_frag_drain(in.mm, &cache);
	assert_int_equal(in.mm->usage.pages, in_use);
	for (unsigned int i = 0; i < nr; i++)
		if (held[i])
			assert_int_equal(qy_free_pages(in.mm, held[i], 0), 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void blocks_in_between_serve_large_pieces(void **state)
{
	char *p, *q;

	(void)state;
	make();
	fragment(1);
	p = cut(PAGE_BYTES + 1, 1);
	assert_non_null(p);
	assert_int_equal(cache.size, 2 * PAGE_BYTES);
	assert_null(cut(2 * PAGE_BYTES + 1, 1));
	/* A block too small for this piece is let go of; its own piece keeps it. */
	give(p);
	q = cut(100, 1);
	assert_ptr_equal(q, (char *)cache.va + PAGE_BYTES - 1 - 100);
	give(q);
	qy_page_frag_drain(in.mm, &cache);
	assert_clean(&in);
}

static void block_too_small_gives_way_to_a_larger_one(void **state)
{
	unsigned int nr;
	void *p, *q;

	(void)state;
	make();
	nr = fragment(0);
	p = cut(10, 1);
	assert_int_equal(cache.size, PAGE_BYTES);
	for (unsigned int i = 0; i < nr; i++)
		if (held[i])
			assert_int_equal(qy_free_pages(in.mm, held[i], 0), 0);
	q = cut(PAGE_BYTES + 1, 1);
	assert_ptr_equal(q, (char *)cache.va + BLOCK - PAGE_BYTES - 1);
	assert_int_equal(cache.size, BLOCK);
	assert_int_equal(in.mm->usage.pages, before.in_use + BLOCK_PAGES + 1);
	give(p);
	assert_int_equal(in.mm->usage.pages, before.in_use + BLOCK_PAGES);
	give(q);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* No piece of it is out; still it cannot be used again for what is larger. */
static void small_block_without_pieces_gives_way_too(void **state)
{
	unsigned int nr;
	void *p;

	(void)state;
	make();
	nr = fragment(0);
	p = cut(10, 1);
	give(p);
	for (unsigned int i = 0; i < nr; i++)
		if (held[i])
			assert_int_equal(qy_free_pages(in.mm, held[i], 0), 0);
	p = cut(PAGE_BYTES + 1, 1);
	assert_ptr_equal(p, (char *)cache.va + BLOCK - PAGE_BYTES - 1);
	assert_int_equal(in.mm->usage.pages, before.in_use + BLOCK_PAGES);
	give(p);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void without_memory_it_is_null(void **state)
{
	unsigned int nr = 0;

	(void)state;
	make();
	while ((held[nr] = qy_alloc_pages(in.mm, QY_GFP_NOWARN, 0)))
		nr++;
	assert_null(cut(1, 1));
	assert_null(cache.va);
	while (nr--)
		assert_int_equal(qy_free_pages(in.mm, held[nr], 0), 0);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

static void largest_order_bounds_the_pieces(void **state)
{
	(void)state;
	for (unsigned int order = 0; PAGE_BYTES << order < BLOCK; order++) {
		size_t size = PAGE_BYTES << order;
		void *p;

		instance_init(&in, 512);
		in.config.max_order = order;
		in.config.max_order_zero = !order;
		instance_create(&in);
		memset(&cache, 0, sizeof(cache));
		map_take(&before, in.mm);
		assert_null(qy_page_frag_alloc(in.mm, &cache, size + 1, 0, 1));
		assert_int_equal(in.reports.nomem, 0);
		p = cut(1, 1);
		assert_int_equal(cache.size, size);
		assert_int_equal(qy_split_page(in.mm, qy_page_of(in.mm, cache.va), order), -EINVAL);
		give(p);
		p = cut(size, 1);
		assert_ptr_equal(p, cache.va);
		give(p);
		qy_page_frag_drain(in.mm, &cache);
		assert_map(&before, in.mm);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void zero_flag_clears_the_piece_also_in_a_used_block(void **state)
{
	unsigned char *p;

	(void)state;
	make();
	p = cut(BLOCK, 1);
	memset(p, 0xff, BLOCK);
	give(p);
	p = qy_page_frag_alloc(in.mm, &cache, 5000, QY_GFP_ZERO, 64);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(p[-1], 0xff);
	give(p);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

/* ---- another thread frees ---- */

#define SHARED 256

static void *volatile mailbox[SHARED];

static void *free_what_comes(void *arg)
{
	unsigned int *rounds = arg;

	for (unsigned int i = 0; i < *rounds; i++) {
		void *p;

		while (!(p = __atomic_exchange_n(&mailbox[i % SHARED], NULL, __ATOMIC_ACQ_REL)))
			sched_yield();
		assert_int_equal(*(unsigned char *)p, i & 0xff);
		assert_int_equal(qy_page_frag_free(in.mm, p), 0);
	}
	return NULL;
}

static void pieces_may_be_freed_by_another_thread(void **state)
{
	unsigned int rounds = 20000;
	pthread_t thread;

	(void)state;
	instance_init(&in, 512);
	in.config.cpu_provider = QY_CPU_THREAD;
	instance_create(&in);
	memset(&cache, 0, sizeof(cache));
	map_take(&before, in.mm);
	assert_int_equal(pthread_create(&thread, NULL, free_what_comes, &rounds), 0);
	for (unsigned int i = 0; i < rounds; i++) {
		unsigned char *p = cut(1 + i * 37 % 3000, (size_t)1 << i % 7);

		assert_non_null(p);
		*p = (unsigned char)i;
		while (__atomic_load_n(&mailbox[i % SHARED], __ATOMIC_ACQUIRE))
			sched_yield();
		__atomic_store_n(&mailbox[i % SHARED], p, __ATOMIC_RELEASE);
	}
	pthread_join(thread, NULL);
	qy_page_frag_drain(in.mm, &cache);
	assert_map(&before, in.mm);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(pieces_come_from_the_end_and_do_not_overlap, tear_down),
		cmocka_unit_test_teardown(bad_sizes_and_alignments_are_null, tear_down),
		cmocka_unit_test_teardown(block_goes_with_its_last_piece_after_the_cache,
					  tear_down),
		cmocka_unit_test_teardown(block_goes_with_the_cache_after_its_last_piece,
					  tear_down),
		cmocka_unit_test_teardown(block_without_pieces_is_used_again, tear_down),
		cmocka_unit_test_teardown(block_with_a_piece_out_is_not_used_again, tear_down),
		cmocka_unit_test_teardown(block_that_somebody_holds_is_not_used_again, tear_down),
		cmocka_unit_test_teardown(more_frees_than_pieces_are_refused, tear_down),
		cmocka_unit_test_teardown(what_is_no_piece_is_refused, tear_down),
		cmocka_unit_test_teardown(small_blocks_serve_when_there_is_no_large_one, tear_down),
		cmocka_unit_test_teardown(blocks_in_between_serve_large_pieces, tear_down),
		cmocka_unit_test_teardown(block_too_small_gives_way_to_a_larger_one, tear_down),
		cmocka_unit_test_teardown(small_block_without_pieces_gives_way_too, tear_down),
		cmocka_unit_test_teardown(without_memory_it_is_null, tear_down),
		cmocka_unit_test_teardown(largest_order_bounds_the_pieces, tear_down),
		cmocka_unit_test_teardown(zero_flag_clears_the_piece_also_in_a_used_block,
					  tear_down),
		cmocka_unit_test_teardown(pieces_may_be_freed_by_another_thread, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
