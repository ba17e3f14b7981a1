/* SPDX-License-Identifier: MIT */
/*
 * test_memblock_random.c - memblock against the model of cells: random calls, each compared in what
 * it returns, in both sets to the last attribute, in the arrays it took and gave back.
 *
 * Four machines:
 *   bytes     a cell is a byte, any bounds and alignments; 128 regions, no more
 *   hook      the same, arrays begin with one region and come from outside, or fail to
 *   own       a cell is a page; arrays begin with two regions and grow into the machine's memory
 *   mixed     the same; hook, reach of map() and permission to grow change on the way
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "memblock_compare.h"
#include "util/compiler.h"
#include "util/rng.h"

#define NR_BYTES 700
#define NR_PAGES 300

struct machine {
	const char *name;
	unsigned int steps;
	bool bytes, hook, mixed;
	uint32_t max;
};

static struct qy_memblock mb;
static struct cells m;
static struct qy__rng rng;
static char *memory; /* of the machine whose cells are pages; address 0 */
static unsigned int arrays_out, warnings;

static unsigned int below(unsigned int n)
{
	return qy__rng_below(&rng, n);
}

static bool one_in(unsigned int n)
{
	return !below(n);
}

static void *map(void *ctx, qy_addr_t addr, qy_addr_t size)
{
	return addr + size <= m.map_end ? qy_memblock_map_at(ctx, addr, size) : NULL;
}

static void *array_alloc(void *ctx, size_t size)
{
	(void)ctx;
	if (m.hook_fails)
		return NULL;
	arrays_out++;
	return malloc(size);
}

static void array_free(void *ctx, void *array, size_t size)
{
	(void)ctx;
	assert_true(size >= sizeof(struct qy_memblock_region));
	arrays_out--;
	free(array);
}

static void count_warnings(void *ctx, const char *text)
{
	(void)ctx;
	warnings += strstr(text, "bytes of mirrored memory") != NULL;
}

static const struct qy_memblock_ops own_ops = {
	.struct_size = sizeof(own_ops),
	.map = map,
	.log = count_warnings,
	.array_free = array_free, /* for those that came from the hook */
};
static const struct qy_memblock_ops hook_ops = {
	.struct_size = sizeof(hook_ops),
	.map = map,
	.log = count_warnings,
	.array_alloc = array_alloc,
	.array_free = array_free,
};

static void start(const struct machine *mc)
{
	memset(&m, 0, sizeof(m));
	m.page = QY_PAGE_SIZE;
	m.unit = mc->bytes ? 1 : QY_PAGE_SIZE;
	m.nr = mc->bytes ? NR_BYTES : NR_PAGES;
	m.lowest = mc->bytes ? QY_PAGE_SIZE - 64 : 0; /* the first cells lie in page 0 */
	m.limit = m.map_end = QY_MEMBLOCK_ALLOC_ANYWHERE;
	m.hook = mc->hook;
	m.can_resize = mc->hook || !mc->bytes;
	for (int s = 0; s < CELLS_SETS; s++)
		m.array[s] = (struct cells_array){.max = mc->max, .at = ARRAY_STATIC};
	qy_memblock_init(&mb);
	assert_int_equal(qy_memblock_set_ops(&mb, m.hook ? &hook_ops : &own_ops, memory), 0);
	if (m.can_resize)
		qy_memblock_allow_resize(&mb);
	mb.memory.max = mb.reserved.max = mc->max;
	warnings = 0;
	qy__rng_seed(&rng, 4711 + mc->max);
}

/* ---- steps ---- */

struct range {
	int from, to;
	qy_addr_t base, size;
};

static struct range any_range(unsigned int longest)
{
	unsigned int at = below((unsigned int)m.nr);
	unsigned int n = below(min(longest, (unsigned int)m.nr - at) + 1);

	return (struct range){(int)at, (int)(at + n), cells_addr(&m, (int)at), n * m.unit};
}

static uint32_t any_flags(bool reserved)
{
	static const uint32_t mem[] = {QY_MEMBLOCK_HOTPLUG,
				       QY_MEMBLOCK_MIRROR,
				       QY_MEMBLOCK_NOMAP,
				       QY_MEMBLOCK_DRIVER_MANAGED,
				       QY_MEMBLOCK_KHO_SCRATCH,
				       QY_MEMBLOCK_MIRROR,
				       QY_MEMBLOCK_HOTPLUG | QY_MEMBLOCK_MIRROR};

	if (!one_in(4))
		return 0;
	if (reserved)
		return one_in(2) ? QY_MEMBLOCK_RSRV_NOINIT : QY_MEMBLOCK_RSRV_KERN;
	return mem[below(ARRAY_SIZE(mem))];
}

static int any_node(void)
{
	return (int)below(3) - 1;
}

static void step_set(unsigned int longest)
{
	struct range r = any_range(longest);
	int nid = any_node(), reserved = (int)below(2);
	uint32_t flags = any_flags(reserved);

	switch (below(5)) {
	case 0:
	case 1:
		if (reserved)
			assert_int_equal(qy_memblock_reserve_node(&mb, r.base, r.size, nid, flags),
					 cells_add(&m, CELLS_RESERVED, r.from, r.to, nid, flags));
		else
			assert_int_equal(qy_memblock_add(&mb, r.base, r.size, nid, flags),
					 cells_add(&m, CELLS_MEMORY, r.from, r.to, nid, flags));
		break;
	case 2:
		assert_int_equal(reserved ? qy_memblock_free(&mb, r.base, r.size)
					  : qy_memblock_remove(&mb, r.base, r.size),
				 cells_drop(&m, reserved, r.from, r.to));
		break;
	case 3:
		assert_int_equal(qy_memblock_add(&mb, r.base, r.size, nid, 0),
				 cells_add(&m, CELLS_MEMORY, r.from, r.to, nid, 0));
		break;
	default:
		assert_int_equal(qy_memblock_reserve(&mb, r.base, r.size),
				 cells_add(&m, CELLS_RESERVED, r.from, r.to, QY_NO_NODE, 0));
		break;
	}
}

static void step_attributes(unsigned int longest)
{
	struct range r = any_range(longest);
	int nid = any_node(), set = (int)below(2), got, want;
	struct qy_memblock_type *type = set ? &mb.reserved : &mb.memory;
	uint32_t flags = any_flags(set);

	switch (below(4)) {
	case 0:
		assert_int_equal(qy_memblock_set_flags(&mb, type, r.base, r.size, flags),
				 cells_flag(&m, set, r.from, r.to, flags, 0));
		break;
	case 1:
		assert_int_equal(qy_memblock_clear_flags(&mb, type, r.base, r.size, flags),
				 cells_flag(&m, set, r.from, r.to, 0, flags));
		break;
	case 2:
		assert_int_equal(qy_memblock_set_node(&mb, type, r.base, r.size, nid),
				 cells_set_node(&m, set, r.from, r.to, nid));
		break;
	default:
		got = qy_memblock_mark_mirror(&mb, r.base, r.size);
		want = cells_flag(&m, CELLS_MEMORY, r.from, r.to, QY_MEMBLOCK_MIRROR, 0);
		m.has_mirror |= !want;
		assert_int_equal(got, want);
		break;
	}
}

static void any_options(void)
{
	mb.bottom_up = m.bottom_up = one_in(2);
	mb.movable_node = m.movable_node = one_in(2);
	mb.scratch_only = m.scratch_only = one_in(8);
	if (one_in(4))
		mb.has_mirror = m.has_mirror = one_in(2);
	mb.current_limit = m.limit = one_in(3) ? QY_MEMBLOCK_ALLOC_ANYWHERE
					       : cells_addr(&m, (int)below((unsigned int)m.nr + 1));
}

static void step_find(bool bytes)
{
	static const qy_addr_t aligns[] = {1, 2, 3, 4, 7, 8, 16, 48, 64, 256};
	qy_addr_t from = cells_addr(&m, (int)below((unsigned int)m.nr + 1));
	qy_addr_t to = cells_addr(&m, (int)below((unsigned int)m.nr + 1)), align;
	qy_addr_t size = (1 + below(1u << below(bytes ? 8 : 5))) * m.unit;
	int nid = any_node();
	uint32_t flags = any_flags(false);
	bool exact = one_in(2);
	void *p;

	align = bytes ? aligns[below(ARRAY_SIZE(aligns))] : one_in(4) ? 0 : m.unit << below(4);
	switch (below(4)) {
	case 0: from = 0; break;
	case 1: to = QY_MEMBLOCK_ALLOC_ANYWHERE; break;
	case 2: to = below(2); break; /* accessible, no leak trace */
	default: break;
	}
	any_options();
	switch (below(8)) {
	case 0:
	case 1:
		assert_true(qy_memblock_find_nid(&mb, from, to, size, align, nid, flags) ==
			    cells_find(&m, from, cells_end(&m, to), size, align ? align : 1, nid,
				       flags));
		break;
	case 2:
	case 3:
		assert_true(qy_memblock_find(&mb, from, to, size, align) ==
			    cells_find_any(&m, from, cells_end(&m, to), size, align ? align : 1));
		break;
	case 4:
		assert_true(qy_memblock_alloc(&mb, size, align, from, to) ==
			    cells_alloc(&m, size, align, from, to, QY_NO_NODE, false));
		break;
	case 5:
	case 6:
		assert_true(qy_memblock_alloc_range_nid(&mb, size, align, from, to, nid, exact) ==
			    cells_alloc(&m, size, align, from, to, nid, exact));
		break;
	default:
		if (bytes)
			break;
		p = qy_memblock_virt_alloc(&mb, size, align, from, to, nid,
					   exact ? QY_MEMBLOCK_EXACT_NID : 0);
		from = cells_virt_alloc(&m, size, align, from, to, nid, exact);
		assert_ptr_equal(p, from ? memory + from : NULL);
		for (qy_addr_t i = 0; i < size && p; i++)
			assert_int_equal(memory[from + i], 0);
		break;
	}
}

/* Rarely: these empty the machine. */
static void step_limit(void)
{
	struct range r = any_range((unsigned int)m.nr);
	qy_addr_t limit = (m.nr / 2 + below((unsigned int)m.nr)) * m.unit;
	qy_addr_t align = one_in(2) ? m.page : (1 + below(5)) * m.unit;

	switch (below(4)) {
	case 0:
		assert_int_equal(qy_memblock_enforce_memory_limit(&mb, limit),
				 cells_enforce_limit(&m, limit));
		break;
	case 1:
		r = any_range((unsigned int)m.nr);
		assert_int_equal(qy_memblock_cap_memory_range(&mb, r.base, r.size),
				 cells_cap(&m, r.from, r.to));
		break;
	case 2:
		r.to = cells_limit_index(&m, limit);
		assert_int_equal(qy_memblock_mem_limit_remove_map(&mb, limit),
				 r.to < 0 ? 0 : cells_cap(&m, 0, r.to));
		break;
	default:
		assert_int_equal(qy_memblock_trim_memory(&mb, align), cells_trim(&m, align));
		break;
	}
}

static bool given[NR_PAGES];
static unsigned int max_order;

static void take_block(void *ctx, uint64_t pfn, unsigned int order)
{
	(void)ctx;
	assert_true(order <= max_order && pfn % (UINT64_C(1) << order) == 0);
	for (uint64_t i = pfn; i < pfn + (UINT64_C(1) << order); i++) {
		assert_true(i < NR_PAGES && !given[i]);
		given[i] = true;
	}
}

static void drop_block(void *ctx, uint64_t pfn, unsigned int order)
{
	(void)ctx;
	assert_true(pfn > 0 && pfn + (UINT64_C(1) << order) <= NR_PAGES);
}

/* MB10; then all of it is there again, but without the marks. */
static void step_hand_over(void)
{
	uint64_t pages = 77, expected = 0;
	int err = cells_hand_over(&m);

	memset(given, 0, sizeof(given));
	max_order = below(8);
	assert_int_equal(qy_memblock_free_all(&mb, max_order, take_block, NULL, &pages), err);
	for (int i = 0; i < m.nr; i++) {
		bool is_free = !err && cells_allowed(&m, m.set[CELLS_MEMORY][i], QY_NO_NODE, 0) &&
			       !m.set[CELLS_RESERVED][i];

		assert_int_equal(given[i], is_free);
		expected += is_free;
	}
	assert_int_equal(pages, err ? 77 : expected);
}

/* ---- after each step ---- */

static void check_queries(void)
{
	struct range r = any_range(20);
	bool inside = r.size != 0, touched = false;

	for (int i = r.from; i < r.to; i++) {
		cell_t mem = m.set[CELLS_MEMORY][i], res = m.set[CELLS_RESERVED][i];
		qy_addr_t at = cells_addr(&m, i) + below((unsigned int)m.unit);

		inside &= mem != 0;
		touched |= res != 0;
		assert_int_equal(qy_memblock_is_memory(&mb, at), mem != 0);
		assert_int_equal(qy_memblock_is_map_memory(&mb, at),
				 mem && !(cell_flags(mem) & QY_MEMBLOCK_NOMAP));
		assert_int_equal(qy_memblock_is_reserved(&mb, at), res != 0);
	}
	if (r.size)
		assert_int_equal(qy_memblock_is_region_memory(&mb, r.base, r.size), inside);
	assert_int_equal(qy_memblock_is_region_reserved(&mb, r.base, r.size), touched);
}

static void check_sums(void)
{
	uint64_t mem = 0, res = 0, kern = 0, without = 0, low = 0, high = 0;
	int nid = any_node(), below_cell = (int)below((unsigned int)m.nr);

	for (int i = m.nr - 1; i >= 0; i--) {
		cell_t c = m.set[CELLS_MEMORY][i], k = m.set[CELLS_RESERVED][i];

		mem += c ? m.unit : 0;
		res += k ? m.unit : 0;
		without += c && cell_nid(c) == QY_NO_NODE ? m.unit : 0;
		kern += i < below_cell && (cell_flags(k) & QY_MEMBLOCK_RSRV_KERN) &&
					(nid == QY_NO_NODE || nid == cell_nid(k))
				? m.unit
				: 0;
		low = c ? cells_addr(&m, i) : low;
		high = c && !high ? cells_addr(&m, i + 1) : high;
	}
	assert_true(qy_memblock_phys_mem_size(&mb) == mem);
	assert_true(qy_memblock_reserved_size(&mb) == res);
	assert_true(qy_memblock_reserved_kern_size(&mb, cells_addr(&m, below_cell), nid) == kern);
	assert_true(qy_memblock_estimated_nr_free_pages(&mb) ==
		    (mem > res ? mem - res : 0) / QY_PAGE_SIZE);
	assert_true(qy_memblock_start_of_DRAM(&mb) == low);
	assert_true(qy_memblock_end_of_DRAM(&mb) == high);
	assert_true(qy_memblock_validate_numa_coverage(&mb, without));
	assert_true(!without || !qy_memblock_validate_numa_coverage(&mb, without - 1));
}

static void check(const struct machine *mc, unsigned int step)
{
	const char *wrong = cells_compare(&m, &mb);
	int nid = any_node();
	uint32_t flags = any_flags(false);

	if (!wrong)
		wrong = cells_compare_parts(&m, &mb, false, true, QY_NO_NODE, 0);
	if (!wrong)
		wrong = cells_compare_parts(&m, &mb, false, one_in(2), nid, flags);
	if (!wrong)
		wrong = cells_compare_parts(&m, &mb, true, false, nid, flags);
	if (!wrong)
		wrong = cells_compare_pfns(&m, &mb, nid);
	if (wrong)
		fail_msg("%s, step %u: %s", mc->name, step, wrong);
	assert_int_equal(warnings, m.warnings);
	assert_int_equal(arrays_out, (m.array[0].at == ARRAY_HOOK) + (m.array[1].at == ARRAY_HOOK));
	check_queries();
	check_sums();
}

static void mix(void)
{
	m.hook = one_in(3);
	assert_int_equal(qy_memblock_set_ops(&mb, m.hook ? &hook_ops : &own_ops, memory), 0);
	m.map_end = one_in(2) ? QY_MEMBLOCK_ALLOC_ANYWHERE
			      : cells_addr(&m, (int)below((unsigned int)m.nr));
	mb.can_resize = m.can_resize = !one_in(4);
}

static void step_once(const struct machine *mc, unsigned int step)
{
	bool long_ones = step % 1500 > 1450;
	unsigned int longest = long_ones ? 300 : mc->bytes ? 3 : 6;

	m.hook_fails = one_in(3);
	if (mc->mixed && one_in(50))
		mix();
	switch (below(16)) {
	case 0:
	case 1:
	case 2: step_find(mc->bytes); break;
	case 3:
	case 4: step_attributes(longest); break;
	case 5:
		if (one_in(300))
			step_limit();
		else if (!mc->bytes && one_in(40))
			step_hand_over();
		break;
	default: step_set(longest); break;
	}
}

/* Short ranges fragment the sets, long ones clear them again. */
static void run(const struct machine *mc)
{
	unsigned int most[CELLS_SETS] = {0}, moves = 0;
	struct cells_array last[CELLS_SETS];

	start(mc);
	for (unsigned int step = 0; step < mc->steps; step++) {
		memcpy(last, m.array, sizeof(last));
		step_once(mc, step);
		check(mc, step);
		moves += memcmp(last, m.array, sizeof(last)) != 0;
		most[CELLS_MEMORY] = max(most[CELLS_MEMORY], mb.memory.cnt);
		most[CELLS_RESERVED] = max(most[CELLS_RESERVED], mb.reserved.cnt);
		if (!mc->bytes && step % 3000 == 2999) {
			/* Arrays small again. */
			qy_memblock_discard(&mb, 0, drop_block, NULL);
			assert_int_equal(arrays_out, 0);
			start(mc);
			qy__rng_seed(&rng, step);
		}
	}
	print_message("%s: at most %u and %u regions, %u moves, %u warnings\n", mc->name, most[0],
		      most[1], moves, m.warnings);
	/* The walk has reached what it is for. */
	assert_true(most[0] > 60 && most[1] > 60);
	assert_true(!mc->bytes || mc->hook || most[0] == QY_MEMBLOCK_REGIONS);
	assert_true(mc->bytes || moves > 10);
	qy_memblock_discard(&mb, 0, drop_block, NULL);
	assert_int_equal(arrays_out, 0);
}

static void random_calls_bytes(void **state)
{
	(void)state;
	run(&(struct machine){.name = "bytes", .steps = 6000, .bytes = true, .max = 128});
}

static void random_calls_hook(void **state)
{
	(void)state;
	run(&(struct machine){
		.name = "hook", .steps = 3000, .bytes = true, .hook = true, .max = 1});
}

static void random_calls_own_arrays(void **state)
{
	(void)state;
	run(&(struct machine){.name = "own", .steps = 30000, .max = 2});
}

static void random_calls_mixed_arrays(void **state)
{
	(void)state;
	run(&(struct machine){.name = "mixed", .steps = 30000, .mixed = true, .max = 1});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_bytes),
		cmocka_unit_test(random_calls_hook),
		cmocka_unit_test(random_calls_own_arrays),
		cmocka_unit_test(random_calls_mixed_arrays),
	};
	int failed;

	memory = aligned_alloc(QY_PAGE_SIZE, NR_PAGES * QY_PAGE_SIZE);
	failed = memory ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
	free(memory);
	return failed;
}
