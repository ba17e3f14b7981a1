/* SPDX-License-Identifier: MIT */
/*
 * test_watermark_set.c - marks and reserves of an instance: what its configuration and
 * qy_mm_set_watermarks() make of them, and how far down each kind of request gets.
 *
 * Two zones in an arena, no lists on CPUs: free pages can be counted.
 *
 *   | DMA 1024 pages, the books in it | NORMAL 3072 pages |
 */
#include "fixture.h"

#include <errno.h>

#include "page/watermark.h"

#define KB_PER_PAGE (PAGE_BYTES / 1024)
#define QUIET QY_GFP_NOWARN

static void configured(struct qy_watermark_config cfg)
{
	instance_init(&in, 4096);
	in.config.zone_limit[QY_ZONE_DMA] = 1024 * PAGE_BYTES;
	in.config.watermark = cfg;
	instance_create(&in);
}

/* MIN of NORMAL and DMA together are 400 pages; DMA keeps 300 from those who may take NORMAL. */
static void marks_on(void)
{
	configured((struct qy_watermark_config){.marks = QY_WATERMARKS_KERNEL,
						.min_free_kbytes = 400 * KB_PER_PAGE,
						.lowmem_reserve_ratio = {10, 10, 10, 10}});
}

static struct qy_zone_stat stat_of(enum qy_zone_type type)
{
	struct qy_zone_stat stat = {.struct_size = sizeof(stat)};

	assert_int_equal(qy_zone_stat_get(in.mm, 0, type, &stat), 0);
	return stat;
}

/* Single pages until there are none. Return: how many. */
static unsigned int take_all(qy_gfp_t gfp)
{
	unsigned int nr = 0;

	while (qy_alloc_pages(in.mm, gfp | QUIET, 0))
		assert_true(++nr <= 4096);
	return nr;
}

/* What the formulas say, from what the zones manage. */
static void assert_by_formula(size_t min_free_kbytes, unsigned int scale, unsigned int ratio)
{
	size_t all = stat_of(QY_ZONE_DMA).managed + stat_of(QY_ZONE_NORMAL).managed;

	for (int i = 0; i < 2; i++) {
		struct qy_zone_stat z = stat_of(i ? QY_ZONE_NORMAL : QY_ZONE_DMA);
		size_t least = min_free_kbytes / KB_PER_PAGE * z.managed / all;
		size_t step = max(least / 4, z.managed * scale / 10000);

		for (unsigned int m = 0; m < QY_NR_WMARK; m++)
			assert_int_equal(z.mark[m], least + m * step);
		assert_int_equal(z.boost, 0);
		assert_int_equal(z.lowmem_reserve[z.type], 0);
	}
	assert_int_equal(stat_of(QY_ZONE_DMA).lowmem_reserve[QY_ZONE_DMA32], 0);
	for (unsigned int j = QY_ZONE_NORMAL; j < QY_NR_ZONES; j++)
		assert_int_equal(stat_of(QY_ZONE_DMA).lowmem_reserve[j],
				 stat_of(QY_ZONE_NORMAL).managed / ratio);
	for (unsigned int j = 0; j < QY_NR_ZONES; j++)
		assert_int_equal(stat_of(QY_ZONE_NORMAL).lowmem_reserve[j], 0);
}

static void create_figures_follow_the_formulas(void **state)
{
	size_t kbytes;

	(void)state;
	marks_on();
	assert_by_formula(400 * KB_PER_PAGE, 10, 10);
	assert_clean(&in);
	instance_destroy(&in);
	/* All by default. */
	configured((struct qy_watermark_config){.marks = QY_WATERMARKS_KERNEL});
	kbytes = (stat_of(QY_ZONE_DMA).managed + stat_of(QY_ZONE_NORMAL).managed) * KB_PER_PAGE;
	assert_by_formula(qy__min_free_kbytes(kbytes), 10, 256);
	assert_clean(&in);
}

static void create_without_marks_every_page_can_be_had(void **state)
{
	size_t free;

	(void)state;
	configured((struct qy_watermark_config){.min_free_kbytes = 400 * KB_PER_PAGE,
						.lowmem_reserve_ratio = {1, 1, 1, 1}});
	free = stat_of(QY_ZONE_DMA).free + stat_of(QY_ZONE_NORMAL).free;
	assert_int_equal(stat_of(QY_ZONE_DMA).lowmem_reserve[QY_ZONE_NORMAL], 0);
	assert_int_equal(stat_of(QY_ZONE_NORMAL).mark[QY_WMARK_PROMO], 0);
	assert_int_equal(take_all(QY_GFP_NOWAIT), free);
	assert_clean(&in);
}

static void create_bad_figures_give_einval(void **state)
{
	static const struct qy_watermark_config bad[] = {
		{.scale_factor = 3001},
		{.marks = (enum qy_watermarks)2},
		{.marks = QY_WATERMARKS_KERNEL, .scale_factor = UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		instance_init(&in, 512);
		in.config.watermark = bad[i];
		errno = 0;
		instance_try(&in);
		assert_null(in.mm);
		assert_int_equal(errno, EINVAL);
		free(in.buf);
	}
}

static void set_watermarks_computes_everything_anew(void **state)
{
	struct qy_watermark_config cfg = {.marks = QY_WATERMARKS_KERNEL,
					  .min_free_kbytes = 400 * KB_PER_PAGE,
					  .lowmem_reserve_ratio = {10, 10, 10, 10}};

	(void)state;
	marks_on();
	cfg.lowmem_reserve_ratio[QY_ZONE_DMA] = 7;
	assert_int_equal(qy_mm_set_watermarks(in.mm, &cfg), 0);
	assert_by_formula(400 * KB_PER_PAGE, 10, 7);
	cfg.scale_factor = 3000;
	cfg.min_free_kbytes = 100 * KB_PER_PAGE;
	assert_int_equal(qy_mm_set_watermarks(in.mm, &cfg), 0);
	assert_by_formula(100 * KB_PER_PAGE, 3000, 7);
	cfg.lowmem_reserve_ratio[QY_ZONE_DMA] = QY_NO_RESERVE;
	assert_int_equal(qy_mm_set_watermarks(in.mm, &cfg), 0);
	assert_int_equal(stat_of(QY_ZONE_DMA).lowmem_reserve[QY_ZONE_NORMAL], 0);
	assert_false(qy__is_locked(&in.mm->grow_lock));
	assert_clean(&in);
	cfg.marks = QY_WATERMARKS_NONE;
	assert_int_equal(qy_mm_set_watermarks(in.mm, &cfg), 0);
	for (unsigned int m = 0; m < QY_NR_WMARK; m++)
		assert_int_equal(stat_of(QY_ZONE_NORMAL).mark[m], 0);
	assert_clean(&in);
}

static void set_watermarks_bad_figures_change_nothing(void **state)
{
	const struct qy_watermark_config bad[] = {
		{.marks = QY_WATERMARKS_KERNEL, .scale_factor = 3001, .min_free_kbytes = 1},
		{.marks = (enum qy_watermarks)2, .min_free_kbytes = 1},
		{.marks = (enum qy_watermarks) - 1, .lowmem_reserve_ratio = {1, 1, 1, 1}},
		{.marks = QY_WATERMARKS_KERNEL, .min_free_kbytes = SIZE_MAX},
	};

	(void)state;
	marks_on();
	instance_save(&in);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(qy_mm_set_watermarks(in.mm, &bad[i]), -EINVAL);
	assert_int_equal(qy_mm_set_watermarks(in.mm, NULL), -EINVAL);
	assert_memory_equal(in.buf, in.saved, in.size);
	assert_clean(&in);
}

/* The last page is had when one more than mark and reserve is free: Z7 at its border. */
static void alloc_stops_at_min_and_reserve(void **state)
{
	struct qy_zone_stat dma, normal;

	(void)state;
	marks_on();
	take_all(QY_GFP_NOWAIT);
	dma = stat_of(QY_ZONE_DMA);
	normal = stat_of(QY_ZONE_NORMAL);
	assert_int_equal(normal.free, normal.mark[QY_WMARK_MIN]);
	assert_int_equal(dma.free, dma.mark[QY_WMARK_MIN] + dma.lowmem_reserve[QY_ZONE_NORMAL]);
	/* The reserve is for those who can take nothing else. */
	assert_int_equal(take_all(QY_GFP_DMA | QY_GFP_KSWAPD_RECLAIM),
			 dma.lowmem_reserve[QY_ZONE_NORMAL]);
	assert_int_equal(stat_of(QY_ZONE_DMA).free, dma.mark[QY_WMARK_MIN]);
	assert_int_equal(stat_of(QY_ZONE_NORMAL).free, normal.free);
	assert_clean(&in);
}

static void alloc_urgent_requests_go_below_min(void **state)
{
	size_t least;

	(void)state;
	marks_on();
	least = stat_of(QY_ZONE_NORMAL).mark[QY_WMARK_MIN];
	take_all(QY_GFP_KERNEL);
	assert_int_equal(stat_of(QY_ZONE_NORMAL).free, least);
	take_all(QY_GFP_KERNEL | QY_GFP_HIGH);
	least -= least / 2;
	assert_int_equal(stat_of(QY_ZONE_NORMAL).free, least);
	take_all(QY_GFP_ATOMIC);
	least -= least / 4;
	assert_int_equal(stat_of(QY_ZONE_NORMAL).free, least);
	/* A request that gives up the reserves gets nothing of them. */
	assert_int_equal(take_all(QY_GFP_ATOMIC | QY_GFP_MEMALLOC | QY_GFP_NOMEMALLOC), 0);
	take_all(QY_GFP_KERNEL | QY_GFP_MEMALLOC);
	assert_int_equal(stat_of(QY_ZONE_NORMAL).free, 0);
	assert_int_equal(stat_of(QY_ZONE_DMA).free, 0);
	assert_clean(&in);
}

static void alloc_larger_block_stops_above_its_own_size(void **state)
{
	struct qy_zone_stat normal;

	(void)state;
	marks_on();
	while (qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 3))
		;
	normal = stat_of(QY_ZONE_NORMAL);
	assert_true(normal.free < normal.mark[QY_WMARK_MIN] + 8);
	assert_true(normal.free >= normal.mark[QY_WMARK_MIN]);
	assert_clean(&in);
}

/* Lower marks at once serve whoever was refused before. */
static void set_watermarks_lower_marks_serve_again(void **state)
{
	struct qy_watermark_config cfg = {.marks = QY_WATERMARKS_KERNEL,
					  .min_free_kbytes = 40 * KB_PER_PAGE,
					  .lowmem_reserve_ratio = {QY_NO_RESERVE}};

	(void)state;
	marks_on();
	take_all(QY_GFP_NOWAIT);
	assert_int_equal(qy_mm_set_watermarks(in.mm, &cfg), 0);
	assert_true(take_all(QY_GFP_NOWAIT) > 300);
	assert_int_equal(stat_of(QY_ZONE_NORMAL).free, stat_of(QY_ZONE_NORMAL).mark[0]);
	assert_int_equal(stat_of(QY_ZONE_DMA).free, stat_of(QY_ZONE_DMA).mark[0]);
	cfg.min_free_kbytes = 1000 * KB_PER_PAGE; /* and higher ones refuse again */
	assert_int_equal(qy_mm_set_watermarks(in.mm, &cfg), 0);
	assert_int_equal(take_all(QY_GFP_NOWAIT), 0);
	assert_clean(&in);
}

static void add_memory_marks_follow(void **state)
{
	struct qy_zone_stat before, after;

	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = (size_t)64 << 20;
	in.config.pcp = QY_OFF;
	in.config.watermark.marks = QY_WATERMARKS_KERNEL;
	instance_create(&in);
	before = stat_of(QY_ZONE_NORMAL);
	assert_int_equal(before.mark[QY_WMARK_MIN],
			 qy__min_free_kbytes(before.managed * KB_PER_PAGE) / KB_PER_PAGE);
	assert_int_equal(qy_mm_add_memory(in.mm, (size_t)32 << 20), 0);
	after = stat_of(QY_ZONE_NORMAL);
	assert_true(after.managed > before.managed);
	assert_true(after.mark[QY_WMARK_MIN] > before.mark[QY_WMARK_MIN]);
	assert_int_equal(after.mark[QY_WMARK_MIN],
			 qy__min_free_kbytes(after.managed * KB_PER_PAGE) / KB_PER_PAGE);
	assert_true(after.pcp_high >= after.pcp_batch);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(create_figures_follow_the_formulas, tear_down),
		cmocka_unit_test_teardown(create_without_marks_every_page_can_be_had, tear_down),
		cmocka_unit_test_teardown(create_bad_figures_give_einval, tear_down),
		cmocka_unit_test_teardown(set_watermarks_computes_everything_anew, tear_down),
		cmocka_unit_test_teardown(set_watermarks_bad_figures_change_nothing, tear_down),
		cmocka_unit_test_teardown(alloc_stops_at_min_and_reserve, tear_down),
		cmocka_unit_test_teardown(alloc_urgent_requests_go_below_min, tear_down),
		cmocka_unit_test_teardown(alloc_larger_block_stops_above_its_own_size, tear_down),
		cmocka_unit_test_teardown(set_watermarks_lower_marks_serve_again, tear_down),
		cmocka_unit_test_teardown(add_memory_marks_follow, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
