/* SPDX-License-Identifier: MIT */
/*
 * test_mm.c - where an instance lies and how it grows: arenas of every size and place, anonymous
 * spans, and every configuration that has to be refused.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>
#include <sys/mman.h>

#include "page/mm.h"
#include "page/page_alloc.h"

static void refuse(const struct qy_mm_config *cfg, int err)
{
	errno = 0;
	assert_null(qy_mm_create(cfg));
	assert_int_equal(errno, err);
}

/* ---- configuration ---- */

#define REFUSE_WITH(change)                                                                        \
	do {                                                                                       \
		cfg = good;                                                                        \
		cfg.change;                                                                        \
		refuse(&cfg, EINVAL);                                                              \
	} while (0)

static void create_bad_config_gives_einval(void **state)
{
	static char *buf;
	struct qy_mm_config good = QY_MM_CONFIG_INIT, cfg;

	(void)state;
	buf = aligned_alloc(PAGE_BYTES, 512 * PAGE_BYTES);
	good.backing = QY_BACKING_ARENA;
	good.base = buf;
	good.size = 512 * PAGE_BYTES;

	REFUSE_WITH(struct_size = 0);
	REFUSE_WITH(struct_size = sizeof(cfg) - 8);
	REFUSE_WITH(struct_size = sizeof(cfg) + 8);
	REFUSE_WITH(max_order = QY_CONFIG_MAX_ORDER_LIMIT + 1);
	REFUSE_WITH(max_order = UINT32_MAX);
	REFUSE_WITH(nr_cpus = 65);
	REFUSE_WITH(red_zone = 7);
	REFUSE_WITH(red_zone = 4097);
	REFUSE_WITH(policy = (enum qy_policy)2);
	REFUSE_WITH(backing = (enum qy_backing)2);
	REFUSE_WITH(classes = (enum qy_classes)2);
	REFUSE_WITH(cpu_provider = (enum qy_cpu_provider)2);
	REFUSE_WITH(debug = "quarantine=x");
	/* An anonymous span is given back. */
	cfg = good;
	cfg.backing = QY_BACKING_ANON;
	cfg.size = PAGE_BYTES << 14;
	cfg.zone_limit[QY_ZONE_HIGHMEM] = 1;
	refuse(&cfg, EINVAL);
	free(buf);
}

static void create_arena_without_room_gives_enomem(void **state)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	static char small[100];

	(void)state;
	cfg.backing = QY_BACKING_ARENA;
	refuse(&cfg, EINVAL); /* no buffer */
	cfg.base = small;
	refuse(&cfg, ENOMEM); /* of no bytes */
	cfg.size = sizeof(small);
	refuse(&cfg, ENOMEM); /* without a page border, or without a whole page */
	cfg.size = SIZE_MAX;
	refuse(&cfg, ENOMEM); /* wraps */
	cfg.base = NULL;
	refuse(&cfg, EINVAL);
}

static void create_keeps_errno_when_it_works(void **state)
{
	(void)state;
	errno = EDOM;
	instance_make(&in, 256, NULL);
	assert_int_equal(errno, EDOM);
}

/*
 * Every size from nothing upwards: refused with ENOMEM, until it works; from then on it always
 * works. Under the address sanitizer each byte beside the buffer is watched.
 */
static void create_arena_of_any_size_works_or_is_refused(void **state)
{
	static const char *const debug[] = {NULL, "slab_debug=FZPU quarantine=1M"};

	(void)state;
	for (int d = 0; d < 2; d++) {
		bool worked = false;

		for (size_t pages = 0; pages < 160; pages++) {
			char *buf = malloc(pages * PAGE_BYTES + 1);

			instance_init(&in, pages);
			in.config.base = buf;
			in.config.debug = debug[d];
			errno = 0;
			in.mm = qy_mm_create(&in.config);
			if (!in.mm) {
				assert_int_equal(errno, ENOMEM);
				assert_false(worked);
			} else {
				void *p = qy_kmalloc(in.mm, 64, 0);

				if (p)
					memset(p, 1, 64);
				qy_kfree(in.mm, p);
				assert_clean(&in);
				worked = true;
			}
			qy_mm_destroy(in.mm);
			in.mm = NULL;
			free(buf);
		}
		assert_true(worked);
	}
}

/* Page frame 0 is the border of a largest block; frames before the buffer do not exist. */
static void create_arena_anywhere_in_a_block(void **state)
{
	char *buf = aligned_alloc(PAGE_BYTES << 6, PAGE_BYTES << 9);

	(void)state;
	for (size_t off = 0; off < PAGE_BYTES << 6; off += off % PAGE_BYTES ? 4033 : 63) {
		size_t skip = (off + PAGE_BYTES - 1) / PAGE_BYTES;

		instance_init(&in, 256);
		in.config.base = buf + off;
		in.mm = qy_mm_create(&in.config);
		assert_non_null(in.mm);
		/* Beyond the last page border the next block begins. */
		assert_ptr_equal(qy_mm_base(in.mm), buf + skip / 64 * 64 * PAGE_BYTES);
		assert_int_equal(in.mm->min_pfn, skip % 64);
		assert_ptr_equal(in.mm, buf + skip * PAGE_BYTES);
		assert_int_equal(in.mm->end_pfn, (off + in.size) / PAGE_BYTES - skip / 64 * 64);
		assert_clean(&in);
		qy_mm_destroy(in.mm);
		in.mm = NULL;
	}
	free(buf);
}

static void create_every_max_order(void **state)
{
	char *buf = aligned_alloc(PAGE_BYTES, 512 * PAGE_BYTES);

	(void)state;
	for (unsigned int order = 1; order <= QY_CONFIG_MAX_ORDER_LIMIT; order++) {
		instance_init(&in, 512);
		in.config.base = buf;
		in.config.max_order = order;
		in.mm = qy_mm_create(&in.config);
		assert_non_null(in.mm);
		assert_int_equal(qy_mm_max_order(in.mm), order);
		assert_int_equal((uintptr_t)qy_mm_base(in.mm) & ((PAGE_BYTES << order) - 1), 0);
		assert_clean(&in);
		qy_mm_destroy(in.mm);
	}
	in.mm = NULL;
	free(buf);
}

static void set_cpu_knows_its_limits(void **state)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	struct qy_mm *mm;

	(void)state;
	instance_init(&in, 512);
	in.config.nr_cpus = 64;
	instance_create(&in);
	assert_int_equal(qy_mm_set_cpu(in.mm, 63), 0);
	assert_int_equal(qy_mm_set_cpu(in.mm, 64), -EINVAL);
	assert_int_equal(in.mm->cpus.current, 63);
	instance_destroy(&in);
	instance_init(&in, 512);
	in.config.nr_cpus = 0; /* means one */
	instance_create(&in);
	assert_int_equal(qy_mm_set_cpu(in.mm, 0), 0);
	assert_int_equal(qy_mm_set_cpu(in.mm, 1), -EINVAL);
	cfg.size = PAGE_BYTES << 13;
	mm = qy_mm_create(&cfg);
	assert_int_equal(qy_mm_set_cpu(mm, 0), -EPERM);
	qy_mm_destroy(mm);
}

/* ---- anonymous spans ---- */

/* Small spans, page by page: refused, or it works; the instance's own struct needs room, too. */
static void create_anon_of_any_size_works_or_is_refused(void **state)
{
	bool worked = false;

	(void)state;
	for (size_t pages = 1; pages < 200; pages++) {
		struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
		struct qy_mm *mm;

		cfg.size = pages * PAGE_BYTES;
		cfg.max_order_zero = true;
		errno = 0;
		mm = qy_mm_create(&cfg);
		if (mm) {
			worked = true;
			assert_sound(mm);
		} else {
			assert_int_equal(errno, ENOMEM);
			assert_false(worked);
		}
		qy_mm_destroy(mm);
	}
	assert_true(worked);
}

static void create_anon_absurd_sizes(void **state)
{
	static const size_t size[] = {1, 4095, SIZE_MAX, SIZE_MAX - 4096, (size_t)1 << 62};
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		struct qy_mm *mm;

		cfg.size = size[i];
		errno = 0;
		mm = qy_mm_create(&cfg); /* a span that cannot be had is halved */
		if (!mm)
			assert_int_equal(errno, ENOMEM);
		else
			assert_sound(mm);
		qy_mm_destroy(mm);
	}
}

static void create_anon_initial_beyond_the_span_is_the_span(void **state)
{
	static const size_t initial[] = {PAGE_BYTES << 14, SIZE_MAX / 2, SIZE_MAX - 4095, SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
		struct qy_mm *mm;

		cfg.size = PAGE_BYTES << 13;
		cfg.initial = initial[i];
		mm = qy_mm_create(&cfg);
		assert_non_null(mm);
		assert_int_equal(mm->end_pfn, mm->max_pfn);
		assert_sound(mm);
		qy_mm_destroy(mm);
	}
}

static void anon_grows_until_the_span_is_used_up(void **state)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	static char *p[40];
	struct qy_mm *mm;
	uint32_t first;
	int n = 0;

	(void)state;
	cfg.size = PAGE_BYTES << 15;
	mm = qy_mm_create(&cfg);
	assert_non_null(mm);
	first = mm->end_pfn;
	assert_true(first < mm->max_pfn);
	while (n < 40 && (p[n] = qy_get_free_pages(mm, 0, 10))) {
		memset(p[n], n + 1, PAGE_BYTES << 10);
		n++;
		assert_sound(mm);
	}
	assert_true(n >= 28 && n < 32);
	assert_null(qy_get_free_pages(mm, 0, 10));
	for (int i = 0; i < n; i++) {
		assert_int_equal(p[i][0], i + 1);
		assert_int_equal(p[i][(PAGE_BYTES << 10) - 1], i + 1);
		assert_int_equal(qy_free_pages_addr(mm, p[i], 10), 0);
	}
	/* The odd rest at the end is used in smaller blocks. */
	while (qy_get_free_pages(mm, 0, 0))
		;
	assert_int_equal(mm->end_pfn, mm->max_pfn);
	assert_int_equal(qy__nr_free_pages(mm), 0);
	assert_sound(mm);
	qy_mm_destroy(mm);
}

/* What is brought in for an order is a whole aligned block of it. */
static void anon_grows_for_each_order_at_once(void **state)
{
	(void)state;
	for (unsigned int order = 8; order <= 13 && order <= QY_CONFIG_MAX_ORDER_LIMIT; order++) {
		struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
		struct qy_mm *mm;
		char *p;

		cfg.size = PAGE_BYTES << 16;
		cfg.max_order = QY_CONFIG_MAX_ORDER_LIMIT < 13 ? QY_CONFIG_MAX_ORDER_LIMIT : 13;
		mm = qy_mm_create(&cfg);
		assert_non_null(mm);
		for (int i = 0; i < 3; i++) {
			p = qy_get_free_pages(mm, 0, order);
			assert_non_null(p);
			p[0] = p[(PAGE_BYTES << order) - 1] = 1;
		}
		assert_sound(mm);
		qy_mm_destroy(mm);
	}
}

/* Only requests that the zone at the end of the span serves bring pages in. */
static void anon_growth_fills_zones_by_their_limits(void **state)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	struct qy_page *page;
	struct qy_mm *mm;
	size_t dma = 0;

	(void)state;
	cfg.size = PAGE_BYTES << 14;
	cfg.zone_limit[QY_ZONE_DMA] = 3075 * PAGE_BYTES;
	cfg.zone_limit[QY_ZONE_DMA32] = 5125 * PAGE_BYTES;
	mm = qy_mm_create(&cfg);
	assert_non_null(mm);
	while ((page = qy_alloc_pages(mm, QY_GFP_DMA, 0))) {
		assert_int_equal(page->zone, QY_ZONE_DMA);
		dma++;
	}
	assert_true(dma > 2800);
	assert_sound(mm);
	while (qy_alloc_pages(mm, 0, 3))
		;
	assert_int_equal(mm->end_pfn, mm->max_pfn);
	assert_sound(mm);
	while (qy_alloc_pages(mm, 0, 0))
		;
	assert_int_equal(qy__nr_free_pages(mm), 0);
	assert_sound(mm);
	qy_mm_destroy(mm);
}

static void boot_alloc_is_zeroed_and_apart(void **state)
{
	char *buf = aligned_alloc(PAGE_BYTES, 64 * PAGE_BYTES), *last = NULL;
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	struct qy_mm *mm;

	(void)state;
	memset(buf, 0xee, 64 * PAGE_BYTES);
	cfg.backing = QY_BACKING_ARENA;
	cfg.base = buf;
	cfg.size = 64 * PAGE_BYTES;
	mm = qy__mm_place(&cfg);
	assert_non_null(mm);
	for (size_t size = 1; size < 5000; size = size * 2 + 1) {
		char *p = qy__mm_boot_alloc(mm, size, 64);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 64, 0);
		assert_true(p > last);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 1, size);
		last = p + size - 1;
	}
	assert_null(qy__mm_boot_alloc(mm, 64 * PAGE_BYTES, 64));
	/* Everything taken: no page for the buddy. */
	while (qy__mm_boot_alloc(mm, 2048, 64))
		;
	assert_int_equal(qy__mm_handover(mm), -ENOMEM);
	qy__mm_release(mm);
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(create_bad_config_gives_einval, tear_down),
		cmocka_unit_test_teardown(create_arena_without_room_gives_enomem, tear_down),
		cmocka_unit_test_teardown(create_keeps_errno_when_it_works, tear_down),
		cmocka_unit_test_teardown(create_arena_of_any_size_works_or_is_refused, tear_down),
		cmocka_unit_test_teardown(create_arena_anywhere_in_a_block, tear_down),
		cmocka_unit_test_teardown(create_every_max_order, tear_down),
		cmocka_unit_test_teardown(set_cpu_knows_its_limits, tear_down),
		cmocka_unit_test_teardown(create_anon_of_any_size_works_or_is_refused, tear_down),
		cmocka_unit_test_teardown(create_anon_absurd_sizes, tear_down),
		cmocka_unit_test_teardown(create_anon_initial_beyond_the_span_is_the_span,
					  tear_down),
		cmocka_unit_test_teardown(anon_grows_until_the_span_is_used_up, tear_down),
		cmocka_unit_test_teardown(anon_grows_for_each_order_at_once, tear_down),
		cmocka_unit_test_teardown(anon_growth_fills_zones_by_their_limits, tear_down),
		cmocka_unit_test_teardown(boot_alloc_is_zeroed_and_apart, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
