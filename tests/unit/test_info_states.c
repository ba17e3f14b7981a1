/* SPDX-License-Identifier: MIT */
/*
 * test_info_states.c - the texts of instances of all kinds in many states.
 */
#include "info_check.h"

static uint64_t seed;

static unsigned int rnd(unsigned int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned int)(seed % n);
}

#define HELD 200

static struct {
	struct qy_page *page;
	unsigned int order;
} held[HELD];

static void random_step(void)
{
	static const qy_gfp_t gfps[] = {
		QY_GFP_NOWAIT,
		QY_GFP_NOWAIT | QY_GFP_MOVABLE,
		QY_GFP_NOWAIT | QY_GFP_RECLAIMABLE,
		QY_GFP_DMA | QY_GFP_NOWARN,
		QY_GFP_DMA32 | QY_GFP_NOWARN | QY_GFP_MOVABLE,
		QY_GFP_ATOMIC | QY_GFP_NOWARN,
		QY_GFP_HIGHUSER_MOVABLE | QY_GFP_NOWARN,
	};
	unsigned int i = rnd(HELD);

	qy_mm_set_cpu(in.mm, rnd(in.mm->cpus.nr));
	if (held[i].page) {
		assert_int_equal(qy_free_pages(in.mm, held[i].page, held[i].order), 0);
		held[i].page = NULL;
		return;
	}
	held[i].order = rnd(3) ? 0 : rnd(qy_mm_max_order(in.mm) + 1);
	held[i].page = qy_alloc_pages_node(in.mm, rnd(qy_mm_nr_nodes(in.mm)),
					   gfps[rnd(ARRAY_SIZE(gfps))], held[i].order);
}

static struct qy_range hole[2];

static void random_config(unsigned int round)
{
	instance_init(&in, 900 + rnd(600));
	in.config.max_order = 1 + rnd(8);
	in.config.max_order_zero = round % 16 == 9;
	in.config.nr_nodes = round % 3 ? 1 : 1 + rnd(5);
	if (rnd(2)) {
		in.config.zone_limit[QY_ZONE_DMA] = (1 + rnd(300)) * PAGE_BYTES;
		in.config.zone_limit[QY_ZONE_DMA32] =
			in.config.zone_limit[QY_ZONE_DMA] + rnd(500) * PAGE_BYTES;
		if (rnd(2))
			in.config.zone_limit[QY_ZONE_NORMAL] =
				in.config.zone_limit[QY_ZONE_DMA32] + (1 + rnd(90)) * PAGE_BYTES;
	}
	if (rnd(3) == 0) {
		hole[0].start = (400 + rnd(200)) * PAGE_BYTES;
		hole[0].end = hole[0].start + (1 + rnd(90)) * PAGE_BYTES;
		hole[1].start = hole[0].end + rnd(50) * PAGE_BYTES;
		hole[1].end = hole[1].start + rnd(90) * PAGE_BYTES + 1;
		in.config.hole = hole;
		in.config.nr_holes = 2;
	}
	in.config.nr_cpus = 1 + rnd(4);
	in.config.grouping = rnd(2) ? QY_ON : QY_OFF;
	in.config.pageblock_order = 1 + rnd(5);
	in.config.pcp = rnd(2) ? QY_ON : QY_OFF;
	in.config.shuffle = rnd(2);
	if (rnd(2)) {
		in.config.watermark.marks = QY_WATERMARKS_KERNEL;
		in.config.watermark.min_free_kbytes = 16 + rnd(200);
		in.config.watermark.scale_factor = 1 + rnd(300);
	}
	if (is_debug_build() && rnd(4) == 0)
		in.config.page_debug = QY_PAGE_OWNER;
}

static void random_instances_say_what_they_are(void **state)
{
	unsigned int made = 0;

	(void)state;
	seed = 0x5eed;
	for (unsigned int round = 0; round < 60; round++) {
		random_config(round);
		instance_try(&in);
		if (!in.mm) { /* too small for its books, or limits that leave a node nothing */
			free(in.buf);
			in.buf = NULL;
			continue;
		}
		made++;
		memset(held, 0, sizeof(held));
		check_texts();
		for (int i = 0; i < 6; i++) {
			for (unsigned int steps = rnd(200); steps; steps--)
				random_step();
			check_texts();
		}
		assert_sound(in.mm);
		tear_down(NULL);
	}
	assert_true(made > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(random_instances_say_what_they_are, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
