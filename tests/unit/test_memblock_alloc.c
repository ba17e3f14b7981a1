/* SPDX-License-Identifier: MIT */
/*
 * test_memblock_alloc.c - memblock: finding, the ladder of an allocation, questions, iterators;
 * each case with what is to be expected.
 */
#include "memblock_machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/compiler.h"

#define ANYWHERE QY_MEMBLOCK_ALLOC_ANYWHERE

static struct qy_memblock before;
static char memory[64 * QY_PAGE_SIZE] __attribute__((aligned(QY_PAGE_SIZE)));
static qy_addr_t reach;
static unsigned int zeroed, warnings;
static char last_text[128];

static void *map(void *ctx, qy_addr_t addr, qy_addr_t size)
{
	return addr + size <= reach ? qy_memblock_map_at(ctx, addr, size) : NULL;
}

static void zero(void *ctx, qy_addr_t addr, qy_addr_t size)
{
	memset(qy_memblock_map_at(ctx, addr, size), 0, size);
	zeroed++;
}

static void keep_text(void *ctx, const char *text)
{
	assert_ptr_equal(ctx, memory);
	warnings++;
	strncpy(last_text, text, sizeof(last_text) - 1);
}

static void panic(void *ctx, const char *text)
{
	_exit(ctx == memory && !strcmp(text, "memblock: Failed to allocate 99999999 bytes") ? 42
											    : 1);
}

static struct qy_memblock_ops ops;

static int set_up(void **state)
{
	(void)state;
	ops = (struct qy_memblock_ops){
		.struct_size = sizeof(ops), .map = map, .log = keep_text, .panic = panic};
	qy_memblock_init(&mb);
	assert_int_equal(qy_memblock_set_ops(&mb, &ops, memory), 0);
	memset(memory, 0xee, sizeof(memory));
	memset(last_text, 0, sizeof(last_text));
	reach = ANYWHERE;
	zeroed = warnings = 0;
	return 0;
}

/* ---- finding ---- */

static void find_first_page_is_never_given(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0, 2 * QY_PAGE_SIZE, 0, 0), 0);
	mb.bottom_up = true;
	assert_true(qy_memblock_alloc(&mb, 64, 64, 0, 0) == QY_PAGE_SIZE);
	assert_int_equal(qy_memblock_alloc(&mb, QY_PAGE_SIZE, 64, 0, 0), 0);
	mb.bottom_up = false;
	assert_int_equal(qy_memblock_alloc(&mb, 2 * QY_PAGE_SIZE, 64, 0, 0), 0);
	assert_int_equal(qy_memblock_find(&mb, 0, QY_PAGE_SIZE, 64, 64), 0);
}

static void find_zero_size_is_none(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x10000, 0, 0), 0);
	assert_int_equal(qy_memblock_find(&mb, 0, 0, 0, 1), 0);
	assert_int_equal(qy_memblock_alloc(&mb, 0, 0, 0, 0), 0);
	assert_int_equal(mb.reserved.cnt, 0);
}

static void find_directions_give_highest_and_lowest(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10010, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x20010, 0x1000, 0, 0), 0);
	assert_true(qy_memblock_find(&mb, 0, 0, 0x80, 0x100) == 0x20f00);
	mb.bottom_up = true;
	assert_true(qy_memblock_find(&mb, 0, 0, 0x80, 0x100) == 0x10100);
	assert_true(qy_memblock_find(&mb, 0x10101, 0, 0x80, 0x100) == 0x10200);
	assert_true(qy_memblock_find(&mb, 0x11000, 0, 0x80, 0x100) == 0x20100);
	assert_true(qy_memblock_find(&mb, 0, 0x10180, 0x80, 0x100) == 0x10100);
	assert_true(qy_memblock_find(&mb, 0, 0x1017f, 0x80, 0x100) == 0);
}

static void find_current_limit_binds_accessible_only(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x10000, 0, 0), 0);
	mb.current_limit = 0x14000;
	assert_true(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ACCESSIBLE, 0x1000, 1) == 0x13000);
	assert_true(qy_memblock_find(&mb, 0, QY_MEMBLOCK_ALLOC_ANYWHERE, 0x1000, 1) == 0x1f000);
	assert_true(qy_memblock_find(&mb, 0, 0x18000, 0x1000, 1) == 0x17000);
}

static void alloc_align_zero_is_64(void **state)
{
	qy_addr_t at;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10001, 0x1000, 0, 0), 0);
	at = qy_memblock_alloc(&mb, 5, 0, 0, 0);
	assert_true(at && at % 64 == 0);
	assert_true(qy_memblock_is_region_reserved(&mb, at, 5));
	assert_true(mb.reserved.total_size == 5);
	/* As a range by itself, or joined to the one it touches: reserved grows by the size. */
	assert_true(qy_memblock_alloc(&mb, 64, 0, 0, 0) == at - 64);
	assert_true(mb.reserved.total_size == 69);
	assert_int_equal(mb.reserved.cnt, 1);
}

static void next_free_nomap_is_left_out(void **state)
{
	qy_addr_t start, end;
	uint64_t cursor = 0;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x1000, 0, QY_MEMBLOCK_NOMAP), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x20000, 0x1000, 0, 0), 0);
	assert_true(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_true(start == 0x20000 && end == 0x21000);
	assert_false(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_true(cursor == ~UINT64_C(0));
	assert_true(qy_memblock_is_memory(&mb, 0x10000)); /* memory it is */
}

static void is_region_edges_are_exact(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x1000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x2000, 0x1000, 1, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0x1800, 0x100), 0);
	assert_true(qy_memblock_is_region_memory(&mb, 0x1000, 0x2000)); /* both nodes */
	assert_false(qy_memblock_is_region_memory(&mb, 0x1000, 0x2001));
	assert_false(qy_memblock_is_region_memory(&mb, 0xfff, 2));
	assert_true(qy_memblock_is_region_memory(&mb, 0x1000, 0));
	assert_false(qy_memblock_is_region_memory(&mb, 0x3000, 0));
	assert_false(qy_memblock_is_region_reserved(&mb, 0x1700, 0x100));
	assert_true(qy_memblock_is_region_reserved(&mb, 0x1700, 0x101));
	assert_true(qy_memblock_is_region_reserved(&mb, 0x18ff, 1));
	assert_false(qy_memblock_is_region_reserved(&mb, 0x1900, 1));
	assert_false(qy_memblock_is_region_reserved(&mb, 0x1880, 0));
}

/*
 * A goal in a hole is no goal: bottom-up the range above is found, top-down what is highest; and
 * nothing if all lies below.
 */
static void find_start_in_a_hole(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x10000, 0x4000, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 0x20000, 0x4000, 0, 0), 0);
	mb.bottom_up = true;
	assert_true(qy_memblock_find(&mb, 0x18000, ANYWHERE, 0x1000, 0x1000) == 0x20000);
	assert_true(qy_memblock_find(&mb, 0x28000, ANYWHERE, 0x1000, 0x1000) == 0);
	mb.bottom_up = false;
	assert_true(qy_memblock_find(&mb, 0x18000, ANYWHERE, 0x1000, 0x1000) == 0x23000);
	assert_true(qy_memblock_find(&mb, 0, 0x18000, 0x1000, 0x1000) == 0x13000);
}

/* The last place, aligned up, would end a byte behind the memory. */
static void find_bottom_up_near_the_end(void **state)
{
	(void)state;
	mb.bottom_up = true;
	assert_int_equal(qy_memblock_add(&mb, 0x10001, 0x1fff, 0, 0), 0);
	assert_true(qy_memblock_find(&mb, 0, 0, 0x1000, 0x1000) == 0x11000);
	assert_true(qy_memblock_find(&mb, 0x11001, 0, 0x1000, 0x1000) == 0);
	assert_true(qy_memblock_find(&mb, 0, 0x11fff, 0x1000, 0x1000) == 0);
	assert_true(qy_memblock_find(&mb, 0, ANYWHERE, 0x1000, (qy_addr_t)1 << 63) == 0);
}

static void find_nid_flags_demand_and_permit(void **state)
{
	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_mark_nomap(&mb, 15 * PAGE, PAGE), 0);
	assert_int_equal(
		qy_memblock_set_flags(&mb, &mb.memory, 14 * PAGE, PAGE, QY_MEMBLOCK_DRIVER_MANAGED),
		0);
	assert_true(qy_memblock_find_nid(&mb, 0, 0, PAGE, PAGE, 0, 0) == 31 * PAGE);
	mb.movable_node = true;
	assert_true(qy_memblock_find_nid(&mb, 0, 0, PAGE, PAGE, 0, 0) == 13 * PAGE);
	assert_true(qy_memblock_find_nid(&mb, 0, 0, PAGE, PAGE, 0, QY_MEMBLOCK_HOTPLUG) ==
		    31 * PAGE);
	assert_true(qy_memblock_find_nid(&mb, 0, 0, PAGE, PAGE, 0, QY_MEMBLOCK_NOMAP) == 15 * PAGE);
	assert_true(qy_memblock_find_nid(&mb, 0, 0, PAGE, PAGE, 0, QY_MEMBLOCK_DRIVER_MANAGED) ==
		    14 * PAGE);
	assert_true(qy_memblock_find_nid(&mb, 0, 0, PAGE, PAGE, 0, QY_MEMBLOCK_MIRROR) == 0);
	assert_true(qy_memblock_find_nid(&mb, 0, 0, PAGE, PAGE, 1, QY_MEMBLOCK_MIRROR) ==
		    63 * PAGE);
	assert_true(qy_memblock_find_nid(&mb, 0, 0, PAGE, PAGE, 2, 0) == 0);
	assert_true(qy_memblock_find_nid(&mb, 0, 0, PAGE, PAGE, QY_NO_NODE,
					 QY_MEMBLOCK_KHO_SCRATCH) == 0);
}

/* ---- the ladder ---- */

static void alloc_nid_then_any_unless_exact(void **state)
{
	(void)state;
	make_machine();
	assert_true(qy_memblock_phys_alloc_try_nid(&mb, 8 * PAGE, PAGE, 0) == 24 * PAGE);
	assert_int_equal(mb.reserved.regions[0].nid, 0);
	assert_int_equal(mb.reserved.regions[0].flags, QY_MEMBLOCK_RSRV_KERN);
	/* Node 2 has nothing: on another one, noted without. */
	assert_true(qy_memblock_alloc_range_nid(&mb, PAGE, PAGE, 0, 0, 2, true) == 0);
	assert_true(qy_memblock_alloc_range_nid(&mb, PAGE, PAGE, 0, 0, 2, false) == 63 * PAGE);
	assert_int_equal(mb.reserved.regions[1].nid, QY_NO_NODE);
	assert_true(qy_memblock_reserved_size(&mb) == 9 * PAGE);
	assert_true(qy_memblock_reserved_kern_size(&mb, ANYWHERE, 0) == 8 * PAGE);
	assert_true(qy_memblock_reserved_kern_size(&mb, 25 * PAGE, QY_NO_NODE) == PAGE);
	assert_int_equal(warnings, 0);
}

static void alloc_mirror_first_then_any_with_a_warning(void **state)
{
	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_mark_mirror(&mb, 4 * PAGE, 2 * PAGE), 0);
	mb.bottom_up = true;
	/* On the node, mirrored; mirrored elsewhere; then of any kind. */
	assert_true(qy_memblock_phys_alloc_try_nid(&mb, 2 * PAGE, PAGE, 0) == 4 * PAGE);
	assert_true(qy_memblock_phys_alloc_try_nid(&mb, 16 * PAGE, PAGE, 0) == 48 * PAGE);
	assert_int_equal(warnings, 0);
	assert_true(qy_memblock_phys_alloc(&mb, PAGE, PAGE) == PAGE);
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(last_text, "Could not allocate 0x00000000000"));
	assert_non_null(strstr(last_text, "000 bytes of mirrored memory"));
	/* Nothing at all: one warning more. */
	assert_true(qy_memblock_phys_alloc(&mb, 64 * PAGE, PAGE) == 0);
	assert_int_equal(warnings, 2);
	assert_true(qy_memblock_find(&mb, 0, 0, PAGE, PAGE) == 2 * PAGE);
	assert_int_equal(warnings, 3);
}

static void alloc_mirror_marked_but_all_taken(void **state)
{
	(void)state;
	assert_int_equal(qy_memblock_add(&mb, PAGE, PAGE, 0, 0), 0);
	assert_int_equal(qy_memblock_mark_mirror(&mb, 0x1000000, PAGE), 0); /* no memory there */
	assert_true(mb.has_mirror);
	assert_true(qy_memblock_phys_alloc(&mb, 64, 0) == 2 * PAGE - 64);
	assert_int_equal(warnings, 1);
}

static void alloc_scratch_only_takes_no_other(void **state)
{
	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_mark_kho_scratch(&mb, 8 * PAGE, PAGE), 0);
	mb.scratch_only = true;
	assert_true(qy_memblock_phys_alloc(&mb, PAGE, PAGE) == 8 * PAGE);
	assert_true(qy_memblock_phys_alloc(&mb, PAGE, PAGE) == 0);
	mb.scratch_only = false;
	assert_true(qy_memblock_phys_alloc(&mb, PAGE, PAGE) == 63 * PAGE);
}

/* ---- as pointers ---- */

static bool is_all(const char *p, int value, size_t n)
{
	while (n--)
		if (*p++ != (char)value)
			return false;
	return true;
}

static void virt_alloc_is_zeroed_unless_raw(void **state)
{
	char *p, *raw, *hooked;

	(void)state;
	make_machine();
	p = qy_memblock_virt(&mb, 100, 0);
	raw = qy_memblock_virt_raw(&mb, 100, 0);
	assert_true(p && raw && (uintptr_t)p % 64 == 0);
	assert_true(is_all(p, 0, 100) && is_all(p + 100, 0xee, 28) && is_all(raw, 0xee, 100));
	assert_true(qy_memblock_is_reserved(&mb, (qy_addr_t)(p - memory)));
	ops.zero = zero;
	hooked = qy_memblock_virt_node(&mb, 100, 8, 0);
	assert_true(hooked && is_all(hooked, 0, 100));
	assert_true(hooked >= memory + 16 * PAGE && hooked < memory + 32 * PAGE);
	assert_non_null(qy_memblock_virt_exact_nid_raw(&mb, 100, 8, 0, 0, 1));
	assert_int_equal(zeroed, 1);
}

static void virt_alloc_retries_without_lower_bound(void **state)
{
	(void)state;
	make_machine();
	assert_ptr_equal(qy_memblock_virt_from(&mb, PAGE, PAGE, 32 * PAGE), memory + 63 * PAGE);
	assert_ptr_equal(qy_memblock_virt_from(&mb, PAGE, PAGE, 64 * PAGE), memory + 62 * PAGE);
	assert_ptr_equal(qy_memblock_virt_alloc(&mb, PAGE, PAGE, 40 * PAGE, 16 * PAGE, 0, 0),
			 memory + 15 * PAGE);
	assert_null(qy_memblock_virt_exact_nid_raw(&mb, PAGE, PAGE, 40 * PAGE, 0, 2));
	assert_true(qy_memblock_alloc(&mb, PAGE, PAGE, 64 * PAGE, 0) == 0);
	/* Never above the limit, whatever the caller says. */
	mb.current_limit = 4 * PAGE;
	assert_ptr_equal(qy_memblock_virt_alloc(&mb, PAGE, PAGE, 0, ANYWHERE, 0, 0),
			 memory + 3 * PAGE);
	assert_ptr_equal(qy_memblock_virt_low(&mb, PAGE, PAGE), memory + 2 * PAGE);
}

static void virt_alloc_out_of_reach_is_not_reserved(void **state)
{
	(void)state;
	make_machine();
	reach = 2 * PAGE;
	before = mb;
	assert_null(qy_memblock_virt(&mb, PAGE, PAGE));
	assert_memory_equal(&mb, &before, sizeof(mb));
	mb.bottom_up = true;
	assert_ptr_equal(qy_memblock_virt(&mb, PAGE, PAGE), memory + PAGE);
	assert_int_equal(qy_memblock_set_ops(&mb, NULL, NULL), 0);
	assert_null(qy_memblock_virt(&mb, PAGE, PAGE));
	assert_true(qy_memblock_phys_alloc(&mb, PAGE, PAGE) == 2 * PAGE);
}

static int status_of_panic(bool with_hook, size_t size)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		ops.panic = with_hook ? panic : NULL;
		_exit(qy_memblock_virt_or_panic(&mb, size, 8) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void virt_or_panic_never_returns_null(void **state)
{
	(void)state;
	make_machine();
	assert_int_equal(status_of_panic(true, 100), 0);
	assert_int_equal(status_of_panic(true, 99999999), 42);
	assert_true(status_of_panic(false, 99999999) < 0);
}

/* ---- questions ---- */

static void questions_about_nothing(void **state)
{
	uint64_t start = 7, end = 7;
	int nid = 7;

	(void)state;
	assert_true(qy_memblock_phys_mem_size(&mb) == 0 && qy_memblock_reserved_size(&mb) == 0);
	assert_true(qy_memblock_estimated_nr_free_pages(&mb) == 0);
	assert_false(qy_memblock_search_pfn_nid(&mb, 0, &nid, &start, &end));
	assert_false(qy_memblock_is_map_memory(&mb, 0));
	assert_true(qy_memblock_validate_numa_coverage(&mb, 0));
	assert_true(nid == 7 && start == 7 && end == 7);
	/* More reserved than there is memory. */
	assert_int_equal(qy_memblock_add(&mb, PAGE, 4 * PAGE, 0, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0, 64 * PAGE), 0);
	assert_true(qy_memblock_estimated_nr_free_pages(&mb) == 0);
}

static void search_pfn_nid_gives_the_region(void **state)
{
	uint64_t start = 0, end = 0;
	int nid = -5;

	(void)state;
	make_machine();
	assert_true(qy_memblock_search_pfn_nid(&mb, 40, &nid, &start, &end));
	assert_true(nid == 1 && start == 32 && end == 48);
	assert_true(qy_memblock_search_pfn_nid(&mb, 1, &nid, &start, &end));
	assert_true(nid == 0 && start == 1 && end == 16);
	assert_false(qy_memblock_search_pfn_nid(&mb, 0, &nid, &start, &end));
	assert_false(qy_memblock_search_pfn_nid(&mb, 64, &nid, &start, &end));
	assert_false(qy_memblock_search_pfn_nid(&mb, UINT64_MAX, &nid, &start, &end));
	/* The last page there is. */
	assert_int_equal(qy_memblock_add(&mb, ~(PAGE - 1), PAGE, 3, 0), 0);
	assert_true(qy_memblock_search_pfn_nid(&mb, UINT64_MAX / PAGE, &nid, &start, &end));
	assert_int_equal(nid, 3);
}

static void overlaps_at_the_edges(void **state)
{
	const qy_addr_t top = ~(qy_addr_t)0;

	(void)state;
	assert_true(qy_memblock_addrs_overlap(10, 10, 19, 1));
	assert_false(qy_memblock_addrs_overlap(10, 10, 20, 1));
	assert_true(qy_memblock_addrs_overlap(10, 10, 9, 2));
	assert_false(qy_memblock_addrs_overlap(10, 10, 9, 1));
	assert_false(qy_memblock_addrs_overlap(10, 10, 15, 0));
	assert_false(qy_memblock_addrs_overlap(10, 0, 5, 10));
	assert_true(qy_memblock_addrs_overlap(top, 1, top - 1, 2));
	make_machine();
	assert_true(qy_memblock_overlaps_region(&mb.memory, 0, PAGE + 1));
	assert_false(qy_memblock_overlaps_region(&mb.memory, 0, PAGE));
	assert_false(qy_memblock_overlaps_region(&mb.memory, 2 * PAGE, 0));
	assert_true(qy_memblock_overlaps_region(&mb.memory, 64 * PAGE - 1, top));
	assert_false(qy_memblock_overlaps_region(&mb.reserved, 0, top));
}

static void validate_numa_coverage_has_a_threshold(void **state)
{
	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_add(&mb, 1 << 30, 5 << 20, QY_NO_NODE, 0), 0);
	assert_true(qy_memblock_validate_numa_coverage(&mb, 5 << 20));
	assert_false(qy_memblock_validate_numa_coverage(&mb, (5 << 20) - 1));
	assert_non_null(strstr(last_text, "NUMA: no nodes coverage for 5MB of "));
}

/* ---- iterators ---- */

static void next_pfn_range_gives_whole_pages(void **state)
{
	uint64_t cursor = 0, start, end;
	int nid;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, PAGE + 1, 3 * PAGE, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 8 * PAGE + 1, PAGE, 1, 0), 0); /* none */
	assert_int_equal(qy_memblock_add(&mb, 16 * PAGE, PAGE, 1, 0), 0);
	assert_true(qy_memblock_next_pfn_range(&mb, QY_NO_NODE, &cursor, &start, &end, &nid));
	assert_true(start == 2 && end == 4 && nid == 0);
	assert_true(qy_memblock_next_pfn_range(&mb, QY_NO_NODE, &cursor, &start, &end, &nid));
	assert_true(start == 16 && end == 17 && nid == 1);
	assert_false(qy_memblock_next_pfn_range(&mb, QY_NO_NODE, &cursor, &start, &end, &nid));
	assert_true(cursor == ~UINT64_C(0));
	cursor = 0;
	assert_true(qy_memblock_next_pfn_range(&mb, 1, &cursor, &start, &end, NULL));
	assert_true(start == 16);
}

/* Two reserved regions that touch, but differ, have no gap between them. */
static void next_range_gap_of_nothing_is_no_part(void **state)
{
	uint64_t cursor = 0;
	qy_addr_t start, end;

	(void)state;
	assert_int_equal(qy_memblock_add(&mb, 0x1000, 0x3000, 0, 0), 0);
	assert_int_equal(qy_memblock_reserve(&mb, 0x1800, 0x800), 0);
	assert_int_equal(qy_memblock_reserve_kern(&mb, 0x2000, 0x800), 0);
	assert_true(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_true(start == 0x1000 && end == 0x1800);
	assert_true(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_true(start == 0x2800 && end == 0x4000);
	assert_false(qy_memblock_next_free(&mb, &cursor, &start, &end));
}

/* The cursor is what it is said to be: region in the low half, gap in the high half. */
static void next_range_cursor_halves(void **state)
{
	uint64_t cursor = 0;
	qy_addr_t start, end;

	(void)state;
	make_machine();
	assert_int_equal(qy_memblock_reserve(&mb, 2 * PAGE, PAGE), 0);
	assert_true(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_true(cursor == UINT64_C(1) << 32 && start == PAGE && end == 2 * PAGE);
	assert_true(qy_memblock_next_free(&mb, &cursor, &start, &end));
	assert_true(cursor == (UINT64_C(1) << 32 | 1) && start == 3 * PAGE);
	cursor = ~UINT64_C(0);
	assert_true(qy_memblock_next_range_rev(&mb, &mb.memory, &mb.reserved, 0, 0, &cursor, &start,
					       &end, NULL));
	assert_true(cursor == UINT64_C(1) << 32 && start == 16 * PAGE && end == 32 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(find_first_page_is_never_given, set_up),
		cmocka_unit_test_setup(find_zero_size_is_none, set_up),
		cmocka_unit_test_setup(find_directions_give_highest_and_lowest, set_up),
		cmocka_unit_test_setup(find_current_limit_binds_accessible_only, set_up),
		cmocka_unit_test_setup(alloc_align_zero_is_64, set_up),
		cmocka_unit_test_setup(next_free_nomap_is_left_out, set_up),
		cmocka_unit_test_setup(is_region_edges_are_exact, set_up),
		cmocka_unit_test_setup(find_start_in_a_hole, set_up),
		cmocka_unit_test_setup(find_bottom_up_near_the_end, set_up),
		cmocka_unit_test_setup(find_nid_flags_demand_and_permit, set_up),
		cmocka_unit_test_setup(alloc_nid_then_any_unless_exact, set_up),
		cmocka_unit_test_setup(alloc_mirror_first_then_any_with_a_warning, set_up),
		cmocka_unit_test_setup(alloc_mirror_marked_but_all_taken, set_up),
		cmocka_unit_test_setup(alloc_scratch_only_takes_no_other, set_up),
		cmocka_unit_test_setup(virt_alloc_is_zeroed_unless_raw, set_up),
		cmocka_unit_test_setup(virt_alloc_retries_without_lower_bound, set_up),
		cmocka_unit_test_setup(virt_alloc_out_of_reach_is_not_reserved, set_up),
		cmocka_unit_test_setup(virt_or_panic_never_returns_null, set_up),
		cmocka_unit_test_setup(questions_about_nothing, set_up),
		cmocka_unit_test_setup(search_pfn_nid_gives_the_region, set_up),
		cmocka_unit_test_setup(overlaps_at_the_edges, set_up),
		cmocka_unit_test_setup(validate_numa_coverage_has_a_threshold, set_up),
		cmocka_unit_test_setup(next_pfn_range_gives_whole_pages, set_up),
		cmocka_unit_test_setup(next_range_gap_of_nothing_is_no_part, set_up),
		cmocka_unit_test_setup(next_range_cursor_halves, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
