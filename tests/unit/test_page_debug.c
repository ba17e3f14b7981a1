/* SPDX-License-Identifier: MIT */
/*
 * test_page_debug.c - work on pages at allocation and free: what memory holds, damage to the last
 * bit, which switches there are, and long runs under all of them.
 */
#include "pages.h"

#include <errno.h>

#include "debug/debug.h"

/* ---- zeroing ---- */

static void init_on_alloc_zeroes_every_byte(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < 4; order += 3) {
		struct qy_page *only;

		make(QY_PAGE_INIT_ON_ALLOC, QY_OFF);
		only = the_only_block(order);
		for (size_t i = 0; i < nr_held; i++)
			assert_true(all_are(held[i], order, 0));
		assert_true(all_are(only, order, 0x77));
		take_it_again(only, order, QY_GFP_KERNEL);
		assert_true(all_are(only, order, 0));
		assert_clean(&in);
		tear_down(NULL);
	}
}

static void init_on_free_zeroes_what_was_freed_and_what_is_fresh(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < 4; order += 3) {
		struct qy_page *only;

		make(QY_PAGE_INIT_ON_FREE, QY_AUTO);
		only = the_only_block(order);
		for (size_t i = 0; i < nr_held; i++)
			assert_true(all_are(held[i], order, 0));
		assert_true(all_are(only, order, 0));
		take_it_again(only, order, QY_GFP_KERNEL | QY_GFP_ZERO);
		assert_true(all_are(only, order, 0));
		assert_clean(&in);
		tear_down(NULL);
	}
}

static void nothing_on_leaves_bytes_alone(void **state)
{
	struct qy_page *only;

	(void)state;
	make(0, QY_OFF);
	only = the_only_block(3);
	assert_true(all_are(only, 3, 0x77));
	take_it_again(only, 3, QY_GFP_KERNEL);
	assert_true(all_are(only, 3, 0x77));
	assert_clean(&in);
}

static void zero_request_is_zeroed_under_every_flag(void **state)
{
	unsigned int known = QY_PAGE_INIT_ON_ALLOC | QY_PAGE_INIT_ON_FREE | QY_PAGE_POISON;

	(void)state;
	for (unsigned int flags = 0; flags <= known; flags++) {
		for (unsigned int order = 0; order < 4; order += 3) {
			struct qy_page *only;

			make(flags, flags & 1 ? QY_ON : QY_OFF);
			only = the_only_block(order);
			take_it_again(only, order, QY_GFP_KERNEL | QY_GFP_ZERO);
			assert_true(all_are(only, order, 0));
			assert_clean(&in);
			tear_down(NULL);
		}
	}
}

/* ---- poison ---- */

static void poison_fills_what_is_fresh_and_what_was_freed(void **state)
{
	(void)state;
	for (int pcp = QY_ON; pcp <= QY_OFF; pcp++) {
		struct qy_page *only;

		make(QY_PAGE_POISON | QY_PAGE_INIT_ON_FREE, (enum qy_switch)pcp);
		only = the_only_block(0);
		for (size_t i = 0; i < nr_held; i++)
			assert_true(all_are(held[i], 0, POISON)); /* as it came */
		assert_true(all_are(only, 0, POISON));
		assert_clean(&in);
		tear_down(NULL);
	}
}

static struct record damage_and_take(struct qy_page *only, unsigned int order, size_t at,
				     uint8_t value)
{
	uint8_t *p = bytes_of(only);

	p[at] = value;
	take_it_again(only, order, QY_GFP_KERNEL);
	return take_report(&in, QY_REPORT_USE_AFTER_FREE);
}

static void assert_damage(struct qy_page *only, unsigned int order, const struct record *r,
			  size_t at, size_t len, uint8_t found, const char *title)
{
	assert_string_equal(r->title, title);
	assert_string_equal(r->cache, "page");
	assert_ptr_equal(r->object, bytes_of(only));
	assert_int_equal(r->object_size, PAGE_BYTES << order);
	assert_int_equal(r->damage_offset, at);
	assert_int_equal(r->damage_len, len);
	assert_int_equal(r->expected, POISON);
	assert_int_equal(r->found, found);
	assert_true(all_are(only, order, POISON));
}

/* Each page of the block, its first and last byte, and one in between; each bit of it. */
static void single_bit_is_told_wherever_it_is(void **state)
{
	static const size_t in_page[] = {0, 1234, PAGE_BYTES - 1};

	(void)state;
	for (int pcp = QY_ON; pcp <= QY_OFF; pcp++) {
		for (unsigned int order = 0; order < 4; order += 3) {
			struct qy_page *only;

			make(QY_PAGE_POISON, (enum qy_switch)pcp);
			only = the_only_block(order);
			for (size_t i = 0; i < (size_t)3 << order; i++) {
				size_t at = i / 3 * PAGE_BYTES + in_page[i % 3];
				uint8_t value = (uint8_t)(POISON ^ (1u << i % 8));
				struct record r = damage_and_take(only, order, at, value);

				assert_damage(only, order, &r, at, 1, value,
					      "pagealloc: single bit error");
				assert_int_equal(qy_free_pages(in.mm, only, order), 0);
			}
			assert_clean(&in);
			tear_down(NULL);
		}
	}
}

static void two_bits_of_a_byte_are_corruption(void **state)
{
	struct qy_page *only;
	struct record r;

	(void)state;
	make(QY_PAGE_POISON, QY_OFF);
	only = the_only_block(0);
	r = damage_and_take(only, 0, 17, POISON ^ 0x81);
	assert_damage(only, 0, &r, 17, 1, POISON ^ 0x81, "pagealloc: memory corruption");
}

static void two_single_bits_are_corruption_from_first_to_last(void **state)
{
	size_t last = (PAGE_BYTES << 3) - 1;
	struct qy_page *only;
	struct record r;

	(void)state;
	make(QY_PAGE_POISON, QY_OFF);
	only = the_only_block(3);
	bytes_of(only)[last] = POISON ^ 1;
	r = damage_and_take(only, 3, 5, POISON ^ 2);
	assert_damage(only, 3, &r, 5, last - 4, POISON ^ 2, "pagealloc: memory corruption");
}

static void whole_block_overwritten_is_one_report(void **state)
{
	struct qy_page *only;
	struct record r;

	(void)state;
	make(QY_PAGE_POISON, QY_ON);
	only = the_only_block(3);
	memset(bytes_of(only), 0, PAGE_BYTES << 3);
	r = damage_and_take(only, 3, 0, 0);
	assert_damage(only, 3, &r, 0, PAGE_BYTES << 3, 0, "pagealloc: memory corruption");
	assert_string_equal(strstr(r.fix, "=0x"), "=0xaa");
	assert_memory_equal(r.fix, "Restoring Poison 0x", 19);
}

static void damage_in_other_orders_is_found_by_whoever_gets_the_page(void **state)
{
	unsigned int pages = 0;
	struct qy_page *only;

	(void)state;
	make(QY_PAGE_POISON, QY_OFF);
	only = the_only_block(3);
	bytes_of(only)[3 * PAGE_BYTES + 7] = 1;
	while (qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 0)) {
		pages++;
		if (in.reports.nr)
			break;
	}
	assert_true(pages >= 1);
	assert_int_equal(take_report(&in, QY_REPORT_USE_AFTER_FREE).damage_offset, 7);
	while (qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 0))
		;
	assert_int_equal(in.reports.nr, 0);
}

static void validate_finds_damage_on_the_lists_once(void **state)
{
	struct qy_page *only;
	struct record r;

	(void)state;
	make(QY_PAGE_POISON, QY_OFF);
	only = the_only_block(3);
	assert_int_equal(qy_validate(in.mm), 0);
	bytes_of(only)[2 * PAGE_BYTES] = POISON ^ 0x10;
	assert_int_equal(qy_validate(in.mm), 1);
	r = take_report(&in, QY_REPORT_USE_AFTER_FREE);
	assert_string_equal(r.title, "pagealloc: single bit error");
	assert_int_equal(qy_validate(in.mm), 0);
	take_it_again(only, 3, QY_GFP_KERNEL);
	memset(bytes_of(only), 0x42, PAGE_BYTES << 3); /* it is ours now */
	assert_int_equal(qy_validate(in.mm), 0);
	assert_clean(&in);
}

static void validate_looks_at_cpus_lists(void **state)
{
	struct qy_page *only;

	(void)state;
	make(QY_PAGE_POISON, QY_ON);
	only = the_only_block(0);
	assert_int_equal(only->type, QY__PAGE_PCP);
	bytes_of(only)[PAGE_BYTES - 1] = 0;
	assert_int_equal(qy_validate(in.mm), 1);
	assert_int_equal(take_report(&in, QY_REPORT_USE_AFTER_FREE).damage_offset, PAGE_BYTES - 1);
	assert_int_equal(qy_validate(in.mm), 0);
	take_it_again(only, 0, QY_GFP_KERNEL);
	assert_clean(&in);
}

static void validate_without_poison_looks_at_nothing(void **state)
{
	struct qy_page *only;

	(void)state;
	make(QY_PAGE_INIT_ON_FREE, QY_OFF);
	only = the_only_block(3);
	bytes_of(only)[0] = 1;
	assert_int_equal(qy_validate(in.mm), 0);
	assert_int_equal(in.reports.nr, 0);
}

static void damage_is_found_by_whoever_takes_a_range(void **state)
{
	struct qy_page *only;
	uint32_t pfn;

	(void)state;
	make(QY_PAGE_POISON, QY_OFF);
	only = the_only_block(3);
	pfn = qy_page_pfn(in.mm, only);
	bytes_of(only + 5)[100] = 0;
	assert_int_equal(qy_alloc_contig_range(in.mm, pfn, pfn + 5, QY_GFP_KERNEL), 0);
	assert_int_equal(in.reports.nr, 0);
	assert_int_equal(qy_alloc_contig_range(in.mm, pfn + 5, pfn + 8, QY_GFP_KERNEL), 0);
	assert_int_equal(take_report(&in, QY_REPORT_USE_AFTER_FREE).damage_offset, 100);
	memset(bytes_of(only), 1, PAGE_BYTES << 3);
	assert_int_equal(qy_free_contig_range(in.mm, pfn, 8), 0);
	assert_true(all_are(only, 3, POISON));
	assert_clean(&in);
}

static void poisoned_memory_is_not_discarded(void **state)
{
	struct qy_page *page[8];

	(void)state;
	make_anon(QY_PAGE_POISON, QY_ON);
	for (int i = 0; i < 8; i++)
		page[i] = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 6);
	for (int i = 0; i < 8; i++)
		qy_free_pages(in.mm, page[i], 6);
	assert_int_equal(qy_mm_trim(in.mm), 0);
	for (int i = 0; i < 8; i++) {
		page[i] = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 6);
		assert_non_null(page[i]);
		assert_true(all_are(page[i], 6, POISON));
	}
	assert_clean(&in);
}

static void pages_that_come_in_later_are_poisoned_too(void **state)
{
	size_t before;

	(void)state;
	make_anon(QY_PAGE_POISON, QY_AUTO);
	before = in.mm->end_pfn;
	for (nr_held = 0; nr_held < ARRAY_SIZE(held); nr_held++) {
		held[nr_held] = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 0);
		if (!held[nr_held])
			break;
		assert_true(all_are(held[nr_held], 0, POISON));
	}
	assert_true(in.mm->end_pfn > before);
	assert_clean(&in);
}

/* ---- switches ---- */

static void flags_the_build_does_not_know_are_refused(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < 32; bit++) {
		unsigned int flag = 1u << bit;
		bool known = bit < 3 || (bit < 5 && QY_CONFIG_DEBUG);

		instance_init(&in, PAGES);
		in.config.page_debug = flag;
		errno = 0;
		instance_try(&in);
		assert_int_equal(in.mm != NULL, known);
		if (known) {
			assert_int_equal(in.mm->page_debug.on, flag);
			assert_clean(&in);
		} else {
			assert_int_equal(errno, EINVAL);
		}
		instance_destroy(&in);
	}
}

static void string_goes_before_configuration(void **state)
{
	static const struct {
		const char *string;
		unsigned int given, on;
	} table[] = {
		{"", QY_PAGE_POISON, QY_PAGE_POISON},
		{"page_poison", 0, QY_PAGE_POISON},
		{"page_poison=off", QY_PAGE_POISON, 0},
		{"page_poison=0 page_poison=1", 0, QY_PAGE_POISON},
		{"page_poison=y:page_poison=n", QY_PAGE_POISON, 0},
		{"init_on_alloc init_on_free=1", QY_PAGE_POISON,
		 QY_PAGE_INIT_ON_ALLOC | QY_PAGE_INIT_ON_FREE | QY_PAGE_POISON},
		{"init_on_free=off", QY_PAGE_DEBUG_FLAGS & 7,
		 QY_PAGE_INIT_ON_ALLOC | QY_PAGE_POISON},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		instance_init(&in, PAGES);
		in.config.page_debug = table[i].given;
		in.config.debug = table[i].string;
		instance_create(&in);
		assert_int_equal(in.mm->page_debug.on, table[i].on);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void order_0_in_the_string_means_no_guards(void **state)
{
	(void)state;
	instance_init(&in, PAGES);
	in.config.page_debug = QY_CONFIG_DEBUG ? QY_PAGE_UNMAP : 0;
	in.config.guardpage_minorder = 3;
	in.config.debug = "debug_guardpage_minorder=0";
	instance_create(&in);
	assert_false(qy__guardpage(in.mm, 0));
	tear_down(NULL);
	in.config.debug = NULL;
	instance_create(&in);
	assert_int_equal(qy__guardpage(in.mm, 2), QY_CONFIG_DEBUG);
	assert_false(qy__guardpage(in.mm, 3));
}

static void string_of_the_other_build_is_accepted_without_effect(void **state)
{
	unsigned int expected = QY_CONFIG_DEBUG ? QY_PAGE_UNMAP | QY_PAGE_OWNER : 0;

	(void)state;
	instance_make(&in, PAGES, "debug_pagealloc=on page_owner=on debug_guardpage_minorder=1");
	assert_int_equal(in.mm->page_debug.on, expected);
	assert_int_equal(qy__guardpage(in.mm, 0), QY_CONFIG_DEBUG);
	assert_false(qy__guardpage(in.mm, 1));
	assert_clean(&in);
}

/* ---- long runs ---- */

struct live {
	struct qy_page *page;
	unsigned int order;
	uint8_t value;
};

/* One block in eight goes page by page. */
static void check_and_free(struct live *l)
{
	assert_true(all_are(l->page, l->order, l->value));
	if (l->value & 7) {
		assert_int_equal(qy_free_pages(in.mm, l->page, l->order), 0);
	} else {
		assert_int_equal(qy_split_page(in.mm, l->page, l->order), 0);
		assert_int_equal(
			qy_free_contig_range(in.mm, qy_page_pfn(in.mm, l->page), 1u << l->order),
			0);
	}
	l->page = NULL;
}

static void take(struct live *l, unsigned int random)
{
	qy_gfp_t gfp = QY_GFP_KERNEL | QY_GFP_NOWARN;

	l->order = random % 7 == 6 ? random / 7 % 6 : random % 3;
	gfp |= random & 0x1000 ? QY_GFP_ZERO : 0;
	gfp |= random & 0x2000 ? QY_GFP_MOVABLE : 0;
	l->page = qy_alloc_pages(in.mm, gfp, l->order);
	if (!l->page)
		return;
	if (gfp & QY_GFP_ZERO || in.mm->page_debug.on & QY_PAGE_INIT_ON_ALLOC)
		assert_true(all_are(l->page, l->order, 0));
	l->value = (uint8_t)random;
	memset(bytes_of(l->page), l->value, PAGE_BYTES << l->order);
}

static void run_random(unsigned int steps)
{
	static struct live live[64];
	unsigned int seed = 12345;
	uint32_t guards = nr_guard();

	memset(live, 0, sizeof(live));
	for (unsigned int i = 0; i < steps; i++) {
		struct live *l;

		seed = seed * 1103515245 + 12345;
		l = &live[seed >> 8 & 63];
		if (l->page)
			check_and_free(l);
		else
			take(l, seed >> 14);
		if (i % 512 == 0)
			assert_clean(&in);
	}
	for (size_t i = 0; i < ARRAY_SIZE(live); i++)
		if (live[i].page)
			check_and_free(&live[i]);
	qy_mm_drain_pages(in.mm);
	assert_int_equal(nr_guard(), guards);
	assert_int_equal(qy_validate(in.mm), 0);
	assert_clean(&in);
}

static void long_run_under_all_flags_reports_nothing(void **state)
{
	unsigned int known = QY_CONFIG_DEBUG ? QY_PAGE_DEBUG_FLAGS : 7;

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int flags = known & ~(i & 1 ? QY_PAGE_UNMAP : 0u) &
				     ~(i & 2 ? QY_PAGE_POISON : 0u);

		instance_init(&in, i & 4 ? 0 : 512);
		if (i & 4) {
			in.config.backing = QY_BACKING_ANON;
			in.config.size = 4096 * PAGE_BYTES;
		}
		in.config.page_debug = flags;
		in.config.guardpage_minorder = i & 1 ? 0 : 2;
		in.config.pcp = i & 2 ? QY_ON : QY_OFF;
		instance_create(&in);
		run_random(4000);
		tear_down(NULL);
	}
}

static void slabs_and_large_objects_live_under_all_flags(void **state)
{
	static void *object[200];

	(void)state;
	for (int anon = 0; anon < 2; anon++) {
		instance_init(&in, anon ? 0 : 1024);
		if (anon) {
			in.config.backing = QY_BACKING_ANON;
			in.config.size = 8192 * PAGE_BYTES;
		}
		in.config.page_debug = QY_CONFIG_DEBUG ? QY_PAGE_DEBUG_FLAGS : 7;
		in.config.debug = "slab_debug=FZPU quarantine=256K";
		instance_create(&in);
		for (unsigned int round = 0; round < 5; round++) {
			for (size_t i = 0; i < ARRAY_SIZE(object); i++) {
				size_t size = i % 20 ? 8 + i * 37 % 3000 : 20000;

				object[i] = qy_kmalloc(in.mm, size, QY_GFP_KERNEL);
				assert_non_null(object[i]);
				memset(object[i], (int)i, size);
			}
			for (size_t i = 0; i < ARRAY_SIZE(object); i++)
				qy_kfree(in.mm, object[i]);
			assert_int_equal(qy_validate(in.mm), 0);
			assert_clean(&in);
		}
		tear_down(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(init_on_alloc_zeroes_every_byte, tear_down),
		cmocka_unit_test_teardown(init_on_free_zeroes_what_was_freed_and_what_is_fresh,
					  tear_down),
		cmocka_unit_test_teardown(nothing_on_leaves_bytes_alone, tear_down),
		cmocka_unit_test_teardown(zero_request_is_zeroed_under_every_flag, tear_down),
		cmocka_unit_test_teardown(poison_fills_what_is_fresh_and_what_was_freed, tear_down),
		cmocka_unit_test_teardown(single_bit_is_told_wherever_it_is, tear_down),
		cmocka_unit_test_teardown(two_bits_of_a_byte_are_corruption, tear_down),
		cmocka_unit_test_teardown(two_single_bits_are_corruption_from_first_to_last,
					  tear_down),
		cmocka_unit_test_teardown(whole_block_overwritten_is_one_report, tear_down),
		cmocka_unit_test_teardown(damage_in_other_orders_is_found_by_whoever_gets_the_page,
					  tear_down),
		cmocka_unit_test_teardown(validate_finds_damage_on_the_lists_once, tear_down),
		cmocka_unit_test_teardown(validate_looks_at_cpus_lists, tear_down),
		cmocka_unit_test_teardown(validate_without_poison_looks_at_nothing, tear_down),
		cmocka_unit_test_teardown(damage_is_found_by_whoever_takes_a_range, tear_down),
		cmocka_unit_test_teardown(poisoned_memory_is_not_discarded, tear_down),
		cmocka_unit_test_teardown(pages_that_come_in_later_are_poisoned_too, tear_down),
		cmocka_unit_test_teardown(flags_the_build_does_not_know_are_refused, tear_down),
		cmocka_unit_test_teardown(string_goes_before_configuration, tear_down),
		cmocka_unit_test_teardown(order_0_in_the_string_means_no_guards, tear_down),
		cmocka_unit_test_teardown(string_of_the_other_build_is_accepted_without_effect,
					  tear_down),
		cmocka_unit_test_teardown(long_run_under_all_flags_reports_nothing, tear_down),
		cmocka_unit_test_teardown(slabs_and_large_objects_live_under_all_flags, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
