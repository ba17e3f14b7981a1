/* SPDX-License-Identifier: MIT */
/*
 * test_claimed_span.c - an instance of default size: its span is not reserved, so others may have
 * mapped something where it is to grow.
 */
#include "fixture.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "page/page.h"

#define MIB ((size_t)1 << 20)

static void create(void)
{
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = 0;
	in.config.max_order = 0; /* the default */
	instance_create(&in);
	if (in.mm->os.back_end != QY__OSIF_CLAIM)
		skip(); /* a sanitizer's runtime has all places */
}

static void *occupy(char *at, size_t len)
{
	char *p = mmap(at, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	assert_ptr_equal(p, at);
	memset(p, 0x77, len);
	return p;
}

static char *end_of_pages(void)
{
	return qy__pfn_addr(in.mm, in.mm->end_pfn);
}

/* Blocks of @order, until page @end is there. */
static void fill_up_to(const char *end, unsigned int order)
{
	while (end_of_pages() < end) {
		struct qy_page *page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, order);

		assert_non_null(page);
		memset(qy__page_addr(in.mm, page), 0x11, PAGE_BYTES << order);
	}
}

static size_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%zu", &pages), 1);
	fclose(f);
	return pages * PAGE_BYTES;
}

static void instance_takes_no_more_than_it_uses(void **state)
{
	size_t before = address_space();

	(void)state;
	create();
	assert_true(address_space() - before < 4 * MIB);
	assert_true(in.mm->max_pfn > (60ull << 30) / PAGE_BYTES);
	fill_up_to((char *)in.mm->base + 100 * MIB, 5);
	assert_true(address_space() - before < 140 * MIB);
	assert_clean(&in);
	instance_destroy(&in);
	assert_true(address_space() - before < 4 * MIB);
}

static void growth_goes_on_behind_other_peoples_mappings(void **state)
{
	char *theirs, *last;

	(void)state;
	create();
	theirs = occupy(end_of_pages() + 20 * MIB, 3 * MIB);
	last = theirs + 200 * MIB;
	fill_up_to(last, 3);
	assert_int_equal(in.mm->topology.nr_holes, 1);
	assert_clean(&in);
	for (size_t i = 0; i < 3 * MIB; i += PAGE_BYTES)
		assert_int_equal(theirs[i], 0x77);
	instance_destroy(&in);
	assert_int_equal(theirs[3 * MIB - 1], 0x77);
	munmap(theirs, 3 * MIB);
}

static void growth_right_behind_the_end_and_twice(void **state)
{
	char *first, *second;

	(void)state;
	create();
	first = occupy(end_of_pages(), PAGE_BYTES);
	fill_up_to(first + 40 * MIB, 10); /* only in the largest blocks */
	second = occupy(end_of_pages(), 64 * MIB);
	assert_int_equal(qy_mm_add_memory(in.mm, 3 * PAGE_BYTES), 0);
	assert_ptr_equal(end_of_pages(), second + 64 * MIB + 3 * PAGE_BYTES);
	assert_int_equal(in.mm->topology.nr_holes, 2);
	assert_clean(&in);
	fill_up_to(second + 128 * MIB, 0);
	assert_clean(&in);
	munmap(first, PAGE_BYTES);
	munmap(second, 64 * MIB);
}

static void growth_ends_with_the_holes_that_can_be_noted(void **state)
{
	char *theirs[QY__MAX_HOLES + 1];
	unsigned int n = 0;

	(void)state;
	create();
	for (; n <= QY__MAX_HOLES; n++) {
		theirs[n] = occupy(end_of_pages(), PAGE_BYTES);
		if (qy_mm_add_memory(in.mm, PAGE_BYTES))
			break;
	}
	assert_int_equal(n, QY__MAX_HOLES);
	assert_int_equal(in.mm->topology.nr_holes, QY__MAX_HOLES);
	while (qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, 0))
		;
	assert_clean(&in);
	for (unsigned int i = 0; i <= n; i++)
		munmap(theirs[i], PAGE_BYTES);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0)); /* they are gone again */
	assert_clean(&in);
}

/* What was to be a hole anyway and what others have overlap, touch, or lie apart. */
static void growth_past_configured_holes(void **state)
{
	const struct qy_range hole[] = {
		{8 * MIB, 9 * MIB}, {40 * MIB, 60 * MIB}, {100 * MIB, 101 * MIB}};
	char *theirs, *base;

	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = 0;
	in.config.max_order = 0;
	in.config.hole = hole;
	in.config.nr_holes = 3;
	instance_create(&in);
	if (in.mm->os.back_end != QY__OSIF_CLAIM)
		skip();
	base = in.mm->base;
	theirs = occupy(base + 32 * MIB, 16 * MIB);
	fill_up_to(base + 128 * MIB, 2);
	assert_int_equal(in.mm->topology.nr_holes, 3);
	assert_int_equal(in.mm->topology.hole[1].end, 60 * MIB / PAGE_BYTES);
	assert_clean(&in);
	munmap(theirs, 16 * MIB);
}

/* All limits at once leave the boot map enough. */
static void many_zones_fit_into_the_first_pages(void **state)
{
	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = 0;
	in.config.cpu_provider = QY_CPU_THREAD;
	in.config.zone_limit[QY_ZONE_DMA] = 16 * MIB;
	in.config.zone_limit[QY_ZONE_DMA32] = 32 * MIB;
	in.config.zone_limit[QY_ZONE_NORMAL] = 64 * MIB;
	in.config.pcp = QY_ON;
	instance_create(&in);
	assert_non_null(in.mm);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0));
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(instance_takes_no_more_than_it_uses, tear_down),
		cmocka_unit_test_teardown(growth_goes_on_behind_other_peoples_mappings, tear_down),
		cmocka_unit_test_teardown(growth_right_behind_the_end_and_twice, tear_down),
		cmocka_unit_test_teardown(growth_ends_with_the_holes_that_can_be_noted, tear_down),
		cmocka_unit_test_teardown(growth_past_configured_holes, tear_down),
		cmocka_unit_test_teardown(many_zones_fit_into_the_first_pages, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
