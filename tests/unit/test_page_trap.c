/* SPDX-License-Identifier: MIT */
/*
 * test_page_trap.c - free pages that trap, guard pages beside what was split, and pages that come
 * damaged from a list.
 */
#include "os_stand_in.h"
#include "pages.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "page/buddy.h"

/* ---- memory that traps ---- */

static int probe[2] = {-1, -1};

/* Whether a byte may be read: the kernel tries, and says EFAULT. */
static bool is_readable(const void *p)
{
	char byte;

	if (probe[0] < 0)
		assert_int_equal(pipe(probe), 0);
	return write(probe[1], p, 1) == 1 && read(probe[0], &byte, 1) == 1;
}

static int signal_of_access(volatile uint8_t *p, bool is_write)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		if (is_write)
			*p = 1;
		else
			(void)*p;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void free_pages_trap(void **state)
{
	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	for (int pcp = QY_ON; pcp <= QY_OFF; pcp++) {
		for (unsigned int order = 0; order < 4; order += 3) {
			struct qy_page *page;
			uint8_t *last;

			make_anon(QY_PAGE_UNMAP, (enum qy_switch)pcp);
			page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, order);
			last = bytes_of(page) + (PAGE_BYTES << order) - 1;
			*last = 5;
			assert_int_equal(signal_of_access(last, true), 0);
			assert_int_equal(signal_of_access(last, false), 0);
			assert_int_equal(qy_free_pages(in.mm, page, order), 0);
			assert_int_equal(signal_of_access(last, true), SIGSEGV);
			assert_int_equal(signal_of_access(last, false), SIGSEGV);
			assert_int_equal(signal_of_access(bytes_of(page), true), SIGSEGV);
			assert_clean(&in);
			tear_down(NULL);
		}
	}
}

static void every_free_page_traps_and_no_other(void **state)
{
	uint32_t readable = 0, trapping = 0;

	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	make_anon(QY_PAGE_UNMAP, QY_OFF);
	for (nr_held = 0; nr_held < 40; nr_held++)
		held[nr_held] = qy_alloc_pages(in.mm, QY_GFP_KERNEL, nr_held % 4);
	for (size_t i = 0; i < 40; i += 3)
		qy_free_pages(in.mm, held[i], i % 4);
	for (uint32_t pfn = in.mm->min_pfn; pfn < in.mm->end_pfn; pfn++) {
		struct qy_page *page = qy__pfn_page(in.mm, pfn);
		struct qy_page *block = qy__free_block_of(in.mm, qy__page_zone(in.mm, page), pfn);

		assert_int_equal(is_readable(bytes_of(page)), !block);
		readable += !block;
		trapping += !!block;
	}
	assert_true(readable > 40 && trapping > 100);
	assert_clean(&in);
}

static void contents_survive_trapping(void **state)
{
	struct qy_page *page;

	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	make_anon(QY_PAGE_UNMAP | QY_PAGE_POISON, QY_OFF);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 2);
	assert_true(all_are(page, 2, POISON));
	qy_free_pages(in.mm, page, 2);
	assert_false(is_readable(bytes_of(page)));
	assert_int_equal(qy_validate(in.mm), 0);
	for (int i = 0; i < 100; i++)
		assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 2));
	assert_clean(&in);
}

static void trapping_memory_can_be_discarded(void **state)
{
	struct qy_page *page;

	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	make_anon(QY_PAGE_UNMAP | QY_PAGE_INIT_ON_FREE, QY_OFF);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 6);
	memset(bytes_of(page), 0x33, PAGE_BYTES << 6);
	qy_free_pages(in.mm, page, 6);
	assert_true(qy_mm_trim(in.mm) >= PAGE_BYTES << 6);
	assert_false(is_readable(bytes_of(page)));
	for (int i = 0; i < 16; i++) {
		page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 6);
		assert_true(all_are(page, 6, 0));
	}
	assert_clean(&in);
}

static struct qy__osif_ops failing_ops;
static const struct qy__osif_ops *real_ops;
static unsigned int refused;

/* As if the system had no mapping left for less than everything. */
static int failing_access(struct qy__osif *os, void *addr, size_t len, bool on)
{
	if (len < (size_t)1 << 20) {
		refused++;
		return -ENOMEM;
	}
	return real_ops->access(os, addr, len, on);
}

static void trapping_ends_when_the_system_has_no_mapping_left(void **state)
{
	struct qy_page *page, *other;

	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	make_anon(QY_PAGE_UNMAP, QY_OFF);
	other = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
	qy_free_pages(in.mm, other, 0);
	assert_false(is_readable(bytes_of(other)));
	real_ops = qy__osif_ops(&in.mm->os);
	failing_ops = *real_ops;
	failing_ops.access = failing_access;
	os_stand_in(in.mm, &failing_ops);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 1);
	assert_int_equal(refused, 1);
	memset(bytes_of(page), 1, PAGE_BYTES << 1);
	assert_true(is_readable(bytes_of(other)));
	os_stand_in(in.mm, NULL);
	qy_free_pages(in.mm, page, 1);
	assert_true(is_readable(bytes_of(page)));
	assert_clean(&in);
}

/* ---- guard pages ---- */

static void splits_below_the_order_leave_guards_that_merge_again(void **state)
{
	struct qy_page_stats before = {.struct_size = sizeof(before)}, after = before;
	struct qy_page *page;
	uint32_t guards;

	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	for (unsigned int minorder = 0; minorder < 8; minorder++) {
		instance_init(&in, PAGES * 2);
		in.config.page_debug = QY_PAGE_UNMAP;
		in.config.guardpage_minorder = minorder;
		instance_create(&in);
		qy_page_stats(in.mm, &before);
		guards = nr_guard(); /* beside slabs of the instance's own */
		page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
		assert_non_null(page);
		assert_sound(in.mm);
		qy_page_stats(in.mm, &after);
		assert_int_equal(after.free, before.free - 1 - (nr_guard() - guards));
		assert_true(nr_guard() - guards < 1u << minorder);
		assert_true(nr_guard() > 0 || minorder < 3);
		assert_int_equal(qy_free_pages(in.mm, page, 0), 0);
		qy_page_stats(in.mm, &after);
		assert_int_equal(nr_guard(), guards);
		assert_int_equal(after.free, before.free);
		assert_memory_equal(after.nr_free, before.nr_free, sizeof(after.nr_free));
		assert_clean(&in);
		tear_down(NULL);
	}
}

static void guards_are_the_halves_next_to_a_page(void **state)
{
	struct qy_page *page[3];
	uint32_t guards;

	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = 4096 * PAGE_BYTES;
	in.config.debug = "debug_pagealloc debug_guardpage_minorder=2";
	in.config.pcp = QY_OFF;
	instance_create(&in);
	guards = nr_guard();
	for (int i = 0; i < 3; i++) {
		uint32_t pfn;

		page[i] = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
		pfn = qy_page_pfn(in.mm, page[i]);
		assert_true(is_readable(bytes_of(page[i])));
		assert_false(is_readable(qy__pfn_addr(in.mm, pfn ^ 1)));
		assert_false(is_readable(qy__pfn_addr(in.mm, pfn ^ 2)));
		assert_false(is_readable(qy__pfn_addr(in.mm, pfn ^ 3)));
		assert_int_equal(qy__pfn_page(in.mm, pfn ^ 1)->type, QY__PAGE_GUARD);
	}
	assert_int_equal(nr_guard(), guards + 9);
	for (int i = 0; i < 3; i++)
		qy_free_pages(in.mm, page[i], 0);
	assert_int_equal(nr_guard(), guards);
	assert_clean(&in);
}

static void guard_order_without_trapping_is_nothing(void **state)
{
	(void)state;
	instance_init(&in, PAGES);
	in.config.guardpage_minorder = 3;
	instance_create(&in);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0));
	assert_int_equal(nr_guard(), 0);
	assert_false(qy__guardpage(in.mm, 0));
	assert_clean(&in);
}

/* ---- bad pages ---- */

static uint64_t now;

static uint64_t tell_time(void *ctx)
{
	(void)ctx;
	return now;
}

/* One free block of order 3, which is not as it should be. */
static struct qy_page *make_with_one_block(void)
{
	instance_init(&in, PAGES);
	in.config.pcp = QY_OFF;
	in.config.clock.fn = tell_time;
	instance_create(&in);
	return the_only_block(3);
}

static void break_flags(struct qy_page *page)
{
	qy__page_set_flags(page, QY__PAGE_F_SLAB);
}

static void break_references(struct qy_page *page)
{
	page->alloc.refcount = 1;
}

static void break_type(struct qy_page *page)
{
	page->type = QY__PAGE_LARGE;
}

static void bad_page_is_told_and_never_handed_out(void **state)
{
	static const struct {
		void (*fn)(struct qy_page *page);
		uint32_t at; /* page of the block */
		const char *reason;
	} damage[] = {
		{break_flags, 0, "PAGE_FLAGS_CHECK_AT_PREP flag(s) set"},
		{break_flags, 1, "PAGE_FLAGS_CHECK_AT_PREP flag(s) set"},
		{break_flags, 7, "PAGE_FLAGS_CHECK_AT_PREP flag(s) set"},
		{break_references, 0, "nonzero _refcount"},
		{break_references, 7, "nonzero _refcount"},
		{break_type, 1, "nonzero mapcount"},
		{break_type, 7, "nonzero mapcount"},
	};

	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
		struct qy_page *only = make_with_one_block(), *page;
		char pfn[32];
		struct record r;

		damage[i].fn(only + damage[i].at);
		page = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 3);
		assert_null(page);
		r = take_report(&in, QY_REPORT_METADATA);
		assert_string_equal(r.cache, "page");
		assert_memory_equal(r.title, "Bad page state in process ", 26);
		snprintf(pfn, sizeof(pfn),
			 "  pfn:%05lx: ", (unsigned long)qy_page_pfn(in.mm, only) + damage[i].at);
		assert_non_null(strstr(r.title, pfn));
		assert_non_null(strstr(r.title, damage[i].reason));
		assert_string_equal(r.fix, "Block is never used again");
		assert_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 3));
		assert_int_equal(in.reports.nr, 0);
		assert_int_equal(qy_free_pages(in.mm, only, 3), -EINVAL);
		take_report(&in, QY_REPORT_BAD_PAGE_FREE);
		tear_down(NULL);
	}
}

static void damage_on_cpus_lists_is_told_too(void **state)
{
	struct qy_page *only;

	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	make(0, QY_ON);
	only = the_only_block(0);
	assert_int_equal(only->type, QY__PAGE_PCP);
	break_references(only);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 0));
	assert_non_null(strstr(take_report(&in, QY_REPORT_METADATA).title, ": nonzero _refcount"));
	assert_int_equal(qy_free_pages(in.mm, only, 0), -EINVAL);
}

static void another_block_comes_in_place_of_a_bad_page(void **state)
{
	struct qy_page *only, *page;

	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	only = make_with_one_block();
	qy_free_pages(in.mm, held[--nr_held], 3);
	only = held[nr_held];
	break_flags(only);
	page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 3);
	assert_non_null(page);
	assert_ptr_not_equal(page, only);
	take_report(&in, QY_REPORT_METADATA);
	qy_free_pages(in.mm, page, 3);
	assert_sound(in.mm);
}

/* Take a page that is bad; all others are held. */
static void take_bad_page(void)
{
	struct qy_page *page = held[--nr_held];

	assert_int_equal(qy_free_pages(in.mm, page, 0), 0);
	break_flags(page);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 0));
}

static void bad_pages_are_told_sixty_times_a_minute(void **state)
{
	(void)state;
	if (!QY_CONFIG_DEBUG)
		skip();
	instance_init(&in, PAGES);
	in.config.pcp = QY_OFF;
	in.config.clock.fn = tell_time;
	now = 1000;
	instance_create(&in);
	take_it_again(the_only_block(0), 0, QY_GFP_KERNEL);
	for (unsigned int i = 1; i <= 60; i++) {
		take_bad_page();
		assert_int_equal(in.reports.nr, i);
	}
	now += UINT64_C(60000000000) - 1;
	for (unsigned int i = 61; i <= 67; i++)
		take_bad_page();
	assert_int_equal(in.reports.nr, 60);
	assert_int_equal(qy_mm_reports(in.mm), 67);
	in.reports.nr = 0;
	now++;
	take_bad_page();
	assert_string_equal(take_report(&in, QY_REPORT_METADATA).fix,
			    "Block is never used again; 7 reports before were suppressed");
	take_bad_page();
	assert_string_equal(take_report(&in, QY_REPORT_METADATA).fix, "Block is never used again");
	assert_int_equal(qy_mm_reports(in.mm), 69);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(free_pages_trap, tear_down),
		cmocka_unit_test_teardown(every_free_page_traps_and_no_other, tear_down),
		cmocka_unit_test_teardown(contents_survive_trapping, tear_down),
		cmocka_unit_test_teardown(trapping_memory_can_be_discarded, tear_down),
		cmocka_unit_test_teardown(trapping_ends_when_the_system_has_no_mapping_left,
					  tear_down),
		cmocka_unit_test_teardown(splits_below_the_order_leave_guards_that_merge_again,
					  tear_down),
		cmocka_unit_test_teardown(guards_are_the_halves_next_to_a_page, tear_down),
		cmocka_unit_test_teardown(guard_order_without_trapping_is_nothing, tear_down),
		cmocka_unit_test_teardown(bad_page_is_told_and_never_handed_out, tear_down),
		cmocka_unit_test_teardown(damage_on_cpus_lists_is_told_too, tear_down),
		cmocka_unit_test_teardown(another_block_comes_in_place_of_a_bad_page, tear_down),
		cmocka_unit_test_teardown(bad_pages_are_told_sixty_times_a_minute, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
