/* SPDX-License-Identifier: MIT */
/*
 * test_watermark.c - the formulas of marks, reserves and list sizes against figures of a running
 * kernel, at each border, and as they are applied to zones made by hand.
 */
#include "instance.h"

#include <errno.h>

#include "page/watermark.h"

/* A machine of two zones: min_free_kbytes 32232, pages of 4 kB. */
#define DMA_PAGES 3840
#define DMA32_PAGES 772917
#define MIN_PAGES 8058

static struct qy_mm mm;
static struct qy__zone zone[2 * QY_NR_ZONES];

/* What @pages are in kB: the formulas think in pages. */
static uint64_t kb(uint64_t pages)
{
	return pages << (QY_CONFIG_PAGE_SHIFT - 10);
}

static void hand_made(unsigned int nr_nodes)
{
	memset(&mm, 0, sizeof(mm));
	memset(zone, 0, sizeof(zone));
	mm.zone = zone;
	mm.nr_nodes = nr_nodes;
	mm.nr_zones = nr_nodes * QY_NR_ZONES;
	mm.max_order = 10;
	mm.pageblock_order = 9;
	mm.cpus.provider = QY_CPU_MANUAL;
	mm.cpus.nr = 2;
	for (unsigned int i = 0; i < mm.nr_zones; i++) {
		zone[i].node = (uint8_t)(i / QY_NR_ZONES);
		zone[i].type = (uint8_t)(i % QY_NR_ZONES);
	}
}

static void configure(struct qy_watermark_config cfg)
{
	assert_int_equal(qy__watermark_config(&mm.marks.config, &cfg), 0);
	qy__watermarks_setup(&mm);
}

static void live_machine(void)
{
	hand_made(1);
	zone[QY_ZONE_DMA].managed = DMA_PAGES;
	zone[QY_ZONE_DMA32].managed = DMA32_PAGES;
	configure((struct qy_watermark_config){.marks = QY_WATERMARKS_KERNEL,
					       .min_free_kbytes = kb(MIN_PAGES)});
}

static void assert_marks(const struct qy__zone *z, uint32_t least, uint32_t low, uint32_t high,
			 uint32_t promo)
{
	assert_int_equal(z->mark[QY_WMARK_MIN], least);
	assert_int_equal(z->mark[QY_WMARK_LOW], low);
	assert_int_equal(z->mark[QY_WMARK_HIGH], high);
	assert_int_equal(z->mark[QY_WMARK_PROMO], promo);
}

static void min_free_kbytes_known_sizes_give_the_kernels_figures(void **state)
{
	static const unsigned int mb_kb[][2] = {
		{16, 512},    {32, 724},     {64, 1024},     {128, 1448},
		{256, 2048},  {512, 2896},   {1024, 4096},   {2048, 5792},
		{4096, 8192}, {8192, 11585}, {16384, 16384},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mb_kb); i++)
		assert_int_equal(qy__min_free_kbytes((uint64_t)mb_kb[i][0] * 1024), mb_kb[i][1]);
}

static void min_free_kbytes_is_the_root_rounded_down_within_its_limits(void **state)
{
	(void)state;
	assert_int_equal(qy__min_free_kbytes(0), 128);
	assert_int_equal(qy__min_free_kbytes(1040), 128);
	assert_int_equal(qy__min_free_kbytes(1041), 129);
	for (uint64_t root = 129; root < 262144; root += 1 + root / 100) {
		uint64_t least = (root * root + 15) / 16; /* the first kB with this root */

		assert_int_equal(qy__min_free_kbytes(least), root);
		assert_int_equal(qy__min_free_kbytes(least - 1), root - 1);
	}
	assert_int_equal(qy__min_free_kbytes((UINT64_C(1) << 32) - 1), 262143);
	assert_int_equal(qy__min_free_kbytes(UINT64_C(1) << 32), 262144);
	assert_int_equal(qy__min_free_kbytes(UINT64_MAX), 262144);
}

static void mark_min_live_zones_give_live_figures(void **state)
{
	const uint64_t lowmem = DMA_PAGES + DMA32_PAGES;

	(void)state;
	assert_int_equal(qy__mark_min(kb(MIN_PAGES), DMA_PAGES, lowmem, false), 39);
	assert_int_equal(qy__mark_min(kb(MIN_PAGES), DMA32_PAGES, lowmem, false), 8018);
	/* All of it to the only zone; none to a zone without pages. */
	assert_int_equal(qy__mark_min(kb(MIN_PAGES), lowmem, lowmem, false), MIN_PAGES);
	assert_int_equal(qy__mark_min(kb(MIN_PAGES), 0, lowmem, false), 0);
	assert_int_equal(qy__mark_min(kb(MIN_PAGES), 0, 0, false), 0);
	assert_int_equal(qy__mark_min(0, DMA_PAGES, lowmem, false), 0);
	/* kB that are no whole page are not kept. */
	assert_int_equal(qy__mark_min(kb(2) - 1, 1000, 1000, false), 1);
}

static void mark_min_highmem_is_a_token_between_32_and_128(void **state)
{
	static const uint32_t pages_mark[][2] = {
		{0, 0},		 {1, 32},	    {32 * 1024, 32},   {33 * 1024 - 1, 32},
		{33 * 1024, 33}, {128 * 1024, 128}, {129 * 1024, 128}, {UINT32_MAX, 128},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pages_mark); i++) {
		assert_int_equal(qy__mark_min(0, pages_mark[i][0], 1000, true), pages_mark[i][1]);
		assert_int_equal(qy__mark_min(262144, pages_mark[i][0], 0, true), pages_mark[i][1]);
	}
}

static void mark_step_is_the_larger_of_share_and_scale(void **state)
{
	(void)state;
	assert_int_equal(qy__mark_step(39, DMA_PAGES, 10), 9);	      /* 9 of 39, 3 of 3840 */
	assert_int_equal(qy__mark_step(8018, DMA32_PAGES, 10), 2004); /* 772 by scale */
	assert_int_equal(qy__mark_step(39, DMA_PAGES, 23), 9);	      /* 8.8 */
	assert_int_equal(qy__mark_step(39, DMA_PAGES, 27), 10);	      /* 10.4 */
	assert_int_equal(qy__mark_step(8018, DMA32_PAGES, 3000), 231875);
	assert_int_equal(qy__mark_step(3, 999, 10), 0);
	assert_int_equal(qy__mark_step(4, 999, 10), 1);
	assert_int_equal(qy__mark_step(0, 1000, 10), 1);
}

/* The largest figures anybody can ask for: sums do not wrap, the order stays. */
static void marks_of_the_largest_zone_do_not_wrap(void **state)
{
	(void)state;
	hand_made(1);
	zone[QY_ZONE_NORMAL].managed = UINT32_MAX;
	zone[QY_ZONE_HIGHMEM].managed = UINT32_MAX;
	configure((struct qy_watermark_config){.marks = QY_WATERMARKS_KERNEL,
					       .min_free_kbytes = UINT32_MAX,
					       .scale_factor = 3000,
					       .boost_factor = UINT32_MAX - 1,
					       .lowmem_reserve_ratio = {1, 1, 1, 1}});
	for (unsigned int z = QY_ZONE_NORMAL; z <= QY_ZONE_HIGHMEM; z++) {
		const uint32_t *mark = zone[z].mark;

		for (unsigned int i = 1; i < QY_NR_WMARK; i++) {
			assert_true(mark[i] > mark[i - 1]);
			assert_int_equal(mark[i] - mark[i - 1], mark[1] - mark[0]);
		}
		for (unsigned int i = 0; i < 100; i++)
			qy__boost_watermark(&mm, &zone[z]);
		assert_true(qy__wmark(&zone[z], QY_WMARK_PROMO) > mark[QY_WMARK_PROMO]);
	}
	assert_int_equal(zone[QY_ZONE_NORMAL].lowmem_reserve[QY_ZONE_HIGHMEM], UINT32_MAX);
}

static void lowmem_reserve_is_the_part_of_what_lies_above(void **state)
{
	(void)state;
	assert_int_equal(qy__lowmem_reserve(DMA_PAGES, DMA32_PAGES, 256), 3019);
	assert_int_equal(qy__lowmem_reserve(DMA_PAGES, DMA32_PAGES, 1), DMA32_PAGES);
	assert_int_equal(qy__lowmem_reserve(DMA_PAGES, 255, 256), 0);
	assert_int_equal(qy__lowmem_reserve(DMA_PAGES, 256, 256), 1);
	assert_int_equal(qy__lowmem_reserve(1, 256, 256), 1);
	assert_int_equal(qy__lowmem_reserve(0, DMA32_PAGES, 256), 0);
	assert_int_equal(qy__lowmem_reserve(DMA_PAGES, DMA32_PAGES, 0), 0);
	assert_int_equal(qy__lowmem_reserve(DMA_PAGES, UINT32_MAX, QY_NO_RESERVE), 0);
}

static void pcp_batch_is_one_less_than_a_power_of_two(void **state)
{
	static const uint32_t pages_batch[][2] = {
		{0, 1},
		{DMA_PAGES, 1}, /* a quarter of 3 */
		{8 * 1024, 1},	/* 2 * 1.5 = 3, down to 2 */
		{12 * 1024 - 1, 1},
		{12 * 1024, 3}, /* 3 * 1.5 = 4.5 */
		{16 * 1024, 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pages_batch); i++)
		assert_int_equal(qy__pcp_batch(pages_batch[i][0]), pages_batch[i][1]);
	if (QY_CONFIG_PAGE_SHIFT != 12) /* 1 MB at most: how many pages is that? */
		return;
	assert_int_equal(qy__pcp_batch(24 * 1024 - 1), 3); /* 5 * 1.5 = 7.5 */
	assert_int_equal(qy__pcp_batch(24 * 1024), 7);
	assert_int_equal(qy__pcp_batch(172 * 1024 - 1), 31);
	assert_int_equal(qy__pcp_batch(172 * 1024), 63); /* 43 * 1.5 = 64.5 */
	assert_int_equal(qy__pcp_batch(DMA32_PAGES), 63);
	assert_int_equal(qy__pcp_batch(UINT32_MAX), 63);
}

static void pcp_high_is_the_share_of_a_cpu_or_four_batches(void **state)
{
	(void)state;
	assert_int_equal(qy__pcp_high(DMA_PAGES, 48, 0, 2, 1), 24);
	assert_int_equal(qy__pcp_high(DMA_PAGES, 48, 0, 1, 1), 48);
	assert_int_equal(qy__pcp_high(DMA_PAGES, 48, 0, 0, 1), 48); /* no CPU: as one */
	assert_int_equal(qy__pcp_high(DMA_PAGES, 48, 0, 12, 1), 4);
	assert_int_equal(qy__pcp_high(DMA_PAGES, 48, 0, 13, 1), 4);
	assert_int_equal(qy__pcp_high(DMA_PAGES, 0, 0, 1, 63), 252);
	assert_int_equal(qy__pcp_high(DMA_PAGES, 48, 8, 2, 1), 240);
	assert_int_equal(qy__pcp_high(DMA_PAGES, 48, 7, 2, 1), 24); /* below 8: not asked for */
	assert_int_equal(qy__pcp_high(UINT32_MAX, UINT32_MAX, 0, 1, 63), UINT32_MAX);
}

static void config_zeroes_become_the_kernels_figures(void **state)
{
	struct qy_watermark_config to, from = {.marks = QY_WATERMARKS_KERNEL}, again;

	(void)state;
	assert_int_equal(qy__watermark_config(&to, &from), 0);
	assert_int_equal(to.marks, QY_WATERMARKS_KERNEL);
	assert_int_equal(to.min_free_kbytes, 0); /* by formula, from what is there then */
	assert_int_equal(to.scale_factor, 10);
	assert_int_equal(to.boost_factor, 15000);
	assert_int_equal(to.lowmem_reserve_ratio[QY_ZONE_DMA], 256);
	assert_int_equal(to.lowmem_reserve_ratio[QY_ZONE_DMA32], 256);
	assert_int_equal(to.lowmem_reserve_ratio[QY_ZONE_NORMAL], 32);
	assert_int_equal(qy__watermark_config(&again, &to), 0);
	assert_memory_equal(again.lowmem_reserve_ratio, to.lowmem_reserve_ratio,
			    sizeof(to.lowmem_reserve_ratio));

	from = (struct qy_watermark_config){.marks = QY_WATERMARKS_NONE,
					    .min_free_kbytes = 1,
					    .scale_factor = 3000,
					    .boost_factor = QY_NO_RESERVE,
					    .lowmem_reserve_ratio = {1, QY_NO_RESERVE, 3, 4}};
	assert_int_equal(qy__watermark_config(&to, &from), 0);
	assert_int_equal(to.marks, QY_WATERMARKS_NONE);
	assert_int_equal(to.min_free_kbytes, 1);
	assert_int_equal(to.scale_factor, 3000);
	assert_int_equal(to.boost_factor, QY_NO_RESERVE);
	assert_memory_equal(to.lowmem_reserve_ratio, from.lowmem_reserve_ratio,
			    sizeof(to.lowmem_reserve_ratio));
}

static void config_out_of_range_gives_einval_untouched(void **state)
{
	struct qy_watermark_config to, before, good = {.min_free_kbytes = UINT32_MAX}, bad;

	(void)state;
	memset(&to, 0x5a, sizeof(to));
	before = to;
	bad = (struct qy_watermark_config){.scale_factor = 3001};
	assert_int_equal(qy__watermark_config(&to, &bad), -EINVAL);
	bad = (struct qy_watermark_config){.scale_factor = UINT32_MAX};
	assert_int_equal(qy__watermark_config(&to, &bad), -EINVAL);
	bad = (struct qy_watermark_config){.marks = (enum qy_watermarks)2};
	assert_int_equal(qy__watermark_config(&to, &bad), -EINVAL);
	bad = (struct qy_watermark_config){.marks = (enum qy_watermarks) - 1};
	assert_int_equal(qy__watermark_config(&to, &bad), -EINVAL);
	if (sizeof(size_t) > 4) {
		bad = (struct qy_watermark_config){.min_free_kbytes = (size_t)UINT32_MAX + 1};
		assert_int_equal(qy__watermark_config(&to, &bad), -EINVAL);
	}
	assert_memory_equal(&to, &before, sizeof(to));
	assert_int_equal(qy__watermark_config(&to, &good), 0);
}

static void setup_live_machine_gives_live_figures(void **state)
{
	static const uint32_t dma_reserve[QY_NR_ZONES] = {0, 3019, 3019, 3019};
	static const uint32_t none[QY_NR_ZONES];

	(void)state;
	live_machine();
	assert_true(mm.marks.on);
	assert_marks(&zone[QY_ZONE_DMA], 39, 48, 57, 66);
	assert_marks(&zone[QY_ZONE_DMA32], 8018, 10022, 12026, 14030);
	assert_marks(&zone[QY_ZONE_NORMAL], 0, 0, 0, 0);
	assert_marks(&zone[QY_ZONE_HIGHMEM], 0, 0, 0, 0);
	assert_memory_equal(zone[QY_ZONE_DMA].lowmem_reserve, dma_reserve, sizeof(dma_reserve));
	for (unsigned int z = QY_ZONE_DMA32; z < QY_NR_ZONES; z++)
		assert_memory_equal(zone[z].lowmem_reserve, none, sizeof(none));
	assert_int_equal(zone[QY_ZONE_DMA].pcp_batch, 1);
	assert_int_equal(zone[QY_ZONE_DMA].pcp_high, 24);
	assert_int_equal(zone[QY_ZONE_DMA32].pcp_high, 5011);
	assert_int_equal(zone[QY_ZONE_NORMAL].pcp_batch, 1);
	assert_int_equal(zone[QY_ZONE_NORMAL].pcp_high, 0);
	assert_int_equal(qy__totalreserve_pages(&mm), 3019 + 57 + 12026);
	/* A reserve above all that the zone has counts as that. */
	zone[QY_ZONE_DMA].managed = 3075;
	assert_int_equal(qy__totalreserve_pages(&mm), 3075 + 12026);
}

static void setup_min_free_zero_follows_the_memory(void **state)
{
	uint64_t kbytes;

	(void)state;
	hand_made(1);
	for (uint32_t pages = 1 << 12; pages <= 1 << 18; pages <<= 1) {
		zone[QY_ZONE_NORMAL].managed = pages;
		configure((struct qy_watermark_config){.marks = QY_WATERMARKS_KERNEL});
		kbytes = qy__min_free_kbytes(kb(pages));
		assert_int_equal(zone[QY_ZONE_NORMAL].mark[QY_WMARK_MIN], kbytes / kb(1));
	}
}

/* min_free is for what lies below HIGHMEM; HIGHMEM's steps are still by its share. */
static void setup_highmem_has_no_part_in_min_free(void **state)
{
	(void)state;
	hand_made(1);
	zone[QY_ZONE_NORMAL].managed = 100000;
	zone[QY_ZONE_HIGHMEM].managed = 200000;
	configure((struct qy_watermark_config){.marks = QY_WATERMARKS_KERNEL,
					       .min_free_kbytes = kb(1000)});
	assert_marks(&zone[QY_ZONE_NORMAL], 1000, 1250, 1500, 1750);
	assert_marks(&zone[QY_ZONE_HIGHMEM], 128, 628, 1128, 1628);
	assert_int_equal(zone[QY_ZONE_NORMAL].lowmem_reserve[QY_ZONE_HIGHMEM], 200000 / 32);
	assert_int_equal(zone[QY_ZONE_NORMAL].lowmem_reserve[QY_ZONE_NORMAL], 0);
	/* Nothing below: no share, and no division by it. */
	zone[QY_ZONE_NORMAL].managed = 0;
	qy__watermarks_setup(&mm);
	assert_marks(&zone[QY_ZONE_HIGHMEM], 128, 328, 528, 728); /* 200000 * 10 / 10000 */
}

static void setup_reserves_count_only_the_zones_own_node(void **state)
{
	static const uint32_t dma[QY_NR_ZONES] = {0, 10, 10 + 40, 10 + 40 + 2};

	(void)state;
	hand_made(2);
	zone[QY_ZONE_DMA].managed = 1000;
	zone[QY_ZONE_DMA32].managed = 1000;
	zone[QY_ZONE_NORMAL].managed = 4000;
	zone[QY_ZONE_HIGHMEM].managed = 200;
	zone[QY_NR_ZONES + QY_ZONE_NORMAL].managed = 6000;
	configure((struct qy_watermark_config){.marks = QY_WATERMARKS_KERNEL,
					       .min_free_kbytes = kb(1200),
					       .lowmem_reserve_ratio = {100, QY_NO_RESERVE, 0, 1}});
	assert_memory_equal(zone[QY_ZONE_DMA].lowmem_reserve, dma, sizeof(dma));
	for (unsigned int j = 0; j < QY_NR_ZONES; j++) {
		assert_int_equal(zone[QY_ZONE_DMA32].lowmem_reserve[j], 0);
		assert_int_equal(zone[QY_ZONE_HIGHMEM].lowmem_reserve[j], 0);
		assert_int_equal(zone[QY_NR_ZONES + QY_ZONE_NORMAL].lowmem_reserve[j], 0);
	}
	assert_int_equal(zone[QY_ZONE_NORMAL].lowmem_reserve[QY_ZONE_HIGHMEM], 200 / 32);
	/* Marks: a part of all 12000 pages below HIGHMEM, wherever they are. */
	assert_int_equal(zone[QY_ZONE_DMA].mark[QY_WMARK_MIN], 100);
	assert_int_equal(zone[QY_NR_ZONES + QY_ZONE_NORMAL].mark[QY_WMARK_MIN], 600);
}

static void setup_none_clears_everything(void **state)
{
	static const uint32_t none[QY_NR_ZONES];

	(void)state;
	live_machine();
	zone[QY_ZONE_DMA].boost = 512;
	configure((struct qy_watermark_config){.marks = QY_WATERMARKS_NONE});
	assert_false(mm.marks.on);
	for (unsigned int z = 0; z < QY_NR_ZONES; z++) {
		assert_marks(&zone[z], 0, 0, 0, 0);
		assert_memory_equal(zone[z].lowmem_reserve, none, sizeof(none));
		assert_int_equal(zone[z].boost, 0);
	}
	assert_int_equal(qy__totalreserve_pages(&mm), 0);
	assert_int_equal(zone[QY_ZONE_DMA].pcp_high, 4); /* no LOW mark to share */
}

static void setup_list_sizes_follow_cpus_and_configuration(void **state)
{
	(void)state;
	live_machine();
	mm.cpus.provider = QY_CPU_THREAD;
	mm.cpus.online = 6;
	qy__watermarks_setup(&mm);
	assert_int_equal(zone[QY_ZONE_DMA].pcp_high, 8);
	mm.cpus.provider = QY_CPU_MANUAL;
	mm.cpus.nr = 3;
	mm.topology.cpu_node[2] = 1;
	qy__watermarks_setup(&mm);
	assert_int_equal(zone[QY_ZONE_DMA].pcp_high, 24); /* two of three are here */
	mm.topology.cpu_node[0] = mm.topology.cpu_node[1] = 1;
	qy__watermarks_setup(&mm);
	assert_int_equal(zone[QY_ZONE_DMA].pcp_high, 16); /* none is: all share */
	mm.pcp.high_fraction = 8;
	qy__watermarks_setup(&mm);
	assert_int_equal(zone[QY_ZONE_DMA].pcp_high, 160);
	mm.pcp.batch = 5;
	qy__watermarks_setup(&mm);
	assert_int_equal(zone[QY_ZONE_DMA].pcp_batch, 5);
	mm.pcp.high = 17;
	qy__watermarks_setup(&mm);
	assert_int_equal(zone[QY_ZONE_DMA].pcp_high, 17);
	assert_int_equal(zone[QY_ZONE_DMA32].pcp_high, 17);
	mm.pcp.batch = 0;
	qy__watermarks_setup(&mm);
	assert_int_equal(zone[QY_ZONE_DMA].pcp_batch, 1);
	assert_true(zone[QY_ZONE_DMA32].pcp_batch <= 17); /* never above high */
	assert_int_equal(zone[QY_ZONE_NORMAL].pcp_high, 0);
}

static void setup_leaves_the_locks_free(void **state)
{
	(void)state;
	live_machine();
	for (unsigned int z = 0; z < QY_NR_ZONES; z++)
		assert_false(qy__is_locked(&zone[z].lock));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(min_free_kbytes_known_sizes_give_the_kernels_figures),
		cmocka_unit_test(min_free_kbytes_is_the_root_rounded_down_within_its_limits),
		cmocka_unit_test(mark_min_live_zones_give_live_figures),
		cmocka_unit_test(mark_min_highmem_is_a_token_between_32_and_128),
		cmocka_unit_test(mark_step_is_the_larger_of_share_and_scale),
		cmocka_unit_test(marks_of_the_largest_zone_do_not_wrap),
		cmocka_unit_test(lowmem_reserve_is_the_part_of_what_lies_above),
		cmocka_unit_test(pcp_batch_is_one_less_than_a_power_of_two),
		cmocka_unit_test(pcp_high_is_the_share_of_a_cpu_or_four_batches),
		cmocka_unit_test(config_zeroes_become_the_kernels_figures),
		cmocka_unit_test(config_out_of_range_gives_einval_untouched),
		cmocka_unit_test(setup_live_machine_gives_live_figures),
		cmocka_unit_test(setup_min_free_zero_follows_the_memory),
		cmocka_unit_test(setup_highmem_has_no_part_in_min_free),
		cmocka_unit_test(setup_reserves_count_only_the_zones_own_node),
		cmocka_unit_test(setup_none_clears_everything),
		cmocka_unit_test(setup_list_sizes_follow_cpus_and_configuration),
		cmocka_unit_test(setup_leaves_the_locks_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
