/* SPDX-License-Identifier: MIT */
/*
 * test_bootmem_random.c - bootmem against a model of single pages (bootmem_model.h) and against the
 * memory itself: every byte knows whether it belongs to somebody, and nothing may be written but
 * the zeros of what is handed out.
 *
 *   page   5         110        200          230       300      64 bytes each; node 7 holds its
 *          [ node 3  ][ node 0  ]   (hole)    [m node 7 ]       own map
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <quarry/check.h>

#include "bootmem_model.h"

#include "util/compiler.h"
#include "util/rng.h"

#define SHIFT 6
#define PAGE 64u
#define FIRST 5u
#define END 300u
#define MAP_PAGE 230u
#define BYTES ((END - FIRST) * PAGE)
#define UNTOUCHED ((qy_addr_t)0xdead)
#define NR_STEPS 40000

static struct qy_bootmem bm;
static struct bm_model model;
static unsigned long maps[2][4];
static _Alignas(64) uint8_t memory[BYTES];
static uint8_t shadow[BYTES]; /* what memory must be */
static bool owned[BYTES];
static struct qy__rng rng;
static unsigned int panics;
static struct {
	unsigned int ok, packed, nomem, inval, range, busy, already, dropped;
} count;

static uint32_t below(uint32_t n)
{
	return qy__rng_below(&rng, n);
}

static void panic(void *ctx, const char *text)
{
	assert_null(ctx);
	assert_non_null(strstr(text, "bootmem alloc of "));
	panics++;
}

static void *map_in_memory(void)
{
	return memory + (MAP_PAGE - FIRST) * PAGE;
}

static int set_up(void **state)
{
	struct qy_bootmem_config cfg = QY_BOOTMEM_CONFIG_INIT;

	(void)state;
	cfg.page_shift = SHIFT;
	cfg.base = memory;
	cfg.base_addr = FIRST * PAGE;
	cfg.panic = panic;
	memset(memory, 0xee, sizeof(memory));
	memset(&model, 0, sizeof(model));
	memset(owned, true, sizeof(owned));
	memset(&count, 0, sizeof(count));
	model.shift = SHIFT;
	assert_int_equal(qy_bootmem_init(&bm, &cfg), 0);
	assert_int_equal(
		qy_bootmem_init_node(&bm, 7, map_in_memory(), MAP_PAGE * PAGE, MAP_PAGE, END), 0);
	assert_int_equal(qy_bootmem_init_node(&bm, 3, maps[0], QY_BOOTMEM_OUTSIDE, FIRST, 110), 0);
	assert_int_equal(qy_bootmem_init_node(&bm, 0, maps[1], QY_BOOTMEM_OUTSIDE, 110, 200), 0);
	memcpy(shadow, memory, sizeof(shadow));
	bm_model_add(&model, 3, FIRST, 110);
	bm_model_add(&model, 0, 110, 200);
	bm_model_add(&model, 7, MAP_PAGE, END);
	qy__rng_seed(&rng, 20020225);
	return 0;
}

static void tally(int err)
{
	switch (err) {
	case 0: count.ok++; break;
	case -ENOMEM: count.nomem++; break;
	case -EINVAL: count.inval++; break;
	case -ERANGE: count.range++; break;
	case -EBUSY: count.busy++; break;
	case -EALREADY: count.already++; break;
	default: fail_msg("error %d", err);
	}
}

/* Everything but the map that lies in it, which the library may write. */
static void check_memory(void)
{
	const size_t at = (MAP_PAGE - FIRST) * PAGE;

	assert_memory_equal(memory, shadow, at);
	assert_memory_equal(memory + at + PAGE, shadow + at + PAGE, BYTES - at - PAGE);
}

static void check_state(void)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	const char *what = bm_model_differs(&model, &bm);

	if (what)
		fail_msg("not as the model says: %s", what);
	if (qy_bootmem_check(&bm, &r))
		fail_msg("%s: %s", r.v[0].id, r.v[0].text);
	assert_int_equal(qy_bootmem_nr_free(&bm), bm_model_nr_free(&model));
	check_memory();
}

/* ---- allocate ---- */

static uint64_t random_size(void)
{
	switch (below(40)) {
	case 0: return 0;
	case 1: return PAGE * (1 + below(40));
	case 2: return qy__rng_next(&rng) >> below(64);
	default: return 1 + below(1 + below(3 * PAGE));
	}
}

static uint64_t random_addr(void)
{
	return (FIRST - 2) * PAGE + below((END - FIRST + 8) * PAGE);
}

static struct bm_model_request random_request(void)
{
	struct bm_model_request rq = {.size = random_size(), .align = 1u << below(10)};

	if (below(30) == 0)
		rq.align = below(2) ? below(100) : UINT64_C(1) << below(64);
	if (below(3) == 0)
		rq.goal = random_addr();
	if (below(4) == 0)
		rq.limit = below(8) ? random_addr() : below(2 * PAGE);
	return rq;
}

/* One of the calls, in the library and in the model. */
static int call(struct bm_model_request *rq, qy_addr_t *addr, int *expected, uint64_t *want,
		bool *may_drop)
{
	static const int nids[] = {-1, -1, 3, 0, 7, 5, 64};
	int nid = nids[below(ARRAY_SIZE(nids))];
	unsigned int which = below(10);
	struct bm_model copy = model;
	bool node = which == 6 || which == 7 || which == 9;

	*may_drop = which > 2;
	if (which > 2)
		rq->limit = which >= 8 ? 0xffffffff : 0;
	if (which == 5)
		rq->align = PAGE;
	if (!*may_drop)
		*expected = bm_model_core(&model, nid, *rq, want);
	else if (node && nid == -1)
		*expected = -EINVAL;
	else
		*expected = bm_model_alloc(&model, node ? nid : -1, *rq, want);
	if (*expected)
		model = copy;
	switch (which) {
	default:
		return qy_bootmem_alloc_core(&bm, nid, rq->size, rq->align, rq->goal, rq->limit,
					     addr);
	case 3: return qy_bootmem_alloc(&bm, rq->size, rq->align, rq->goal, addr);
	case 4: return qy_bootmem_alloc_nopanic(&bm, rq->size, rq->align, rq->goal, addr);
	case 5: return qy_bootmem_alloc_pages(&bm, rq->size, rq->goal, addr);
	case 6: return qy_bootmem_alloc_node(&bm, nid, rq->size, rq->align, rq->goal, addr);
	case 7: return qy_bootmem_alloc_node_nopanic(&bm, nid, rq->size, rq->align, rq->goal, addr);
	case 8: return qy_bootmem_alloc_low(&bm, rq->size, rq->align, rq->goal, addr);
	case 9: return qy_bootmem_alloc_low_node(&bm, nid, rq->size, rq->align, rq->goal, addr);
	}
}

/* BM3 and BM7, by the bytes. */
static void take_bytes(const struct bm_model_request *rq, qy_addr_t addr, bool may_drop)
{
	size_t at = (size_t)addr - FIRST * PAGE;

	assert_true(addr % rq->align == 0);
	assert_true(addr >= FIRST * PAGE && addr + rq->size <= END * PAGE);
	assert_true(!rq->limit || addr + rq->size <= rq->limit);
	count.dropped += may_drop && addr < rq->goal;
	count.packed += at % PAGE != 0;
	for (size_t i = at; i < at + rq->size; i++) {
		assert_false(owned[i]);
		owned[i] = true;
	}
	memset(shadow + at, 0, rq->size);
	check_memory();
	memset(shadow + at, (int)(1 + below(255)), rq->size);
	memcpy(memory + at, shadow + at, rq->size);
}

static void step_alloc(void)
{
	struct bm_model_request rq = random_request();
	qy_addr_t addr = UNTOUCHED;
	uint64_t want = 0;
	bool may_drop;
	int expected, err = call(&rq, &addr, &expected, &want, &may_drop);

	assert_int_equal(err, expected);
	tally(err);
	if (err)
		assert_int_equal(addr, UNTOUCHED);
	else {
		assert_int_equal(addr, want);
		take_bytes(&rq, addr, may_drop);
	}
}

/* ---- reserve and free ---- */

/* Who has the pages of the range afterwards; what is free is full of something. */
static void own(uint64_t first, uint64_t end, bool yes)
{
	for (uint64_t pfn = max(first, (uint64_t)FIRST); pfn < min(end, (uint64_t)END); pfn++) {
		size_t at = (size_t)(pfn - FIRST) * PAGE;

		if (pfn >= 200 && pfn < MAP_PAGE)
			continue;
		memset(owned + at, yes, PAGE);
		if (yes)
			continue;
		memset(shadow + at, 0xdd, PAGE);
		memset(memory + at, 0xdd, PAGE);
	}
}

static void do_mark(int nid, uint64_t addr, uint64_t size, enum bm_mark how)
{
	int expected = bm_model_mark(&model, nid, addr, size, how), err;
	unsigned int flags = how == BM_EXCLUSIVE ? QY_BOOTMEM_EXCLUSIVE : QY_BOOTMEM_DEFAULT;

	if (nid == 5)
		expected = -EINVAL; /* no such node */
	if (how == BM_FREE)
		err = nid == -1 ? qy_bootmem_free(&bm, addr, size)
				: qy_bootmem_free_node(&bm, nid, addr, size);
	else
		err = nid == -1 ? qy_bootmem_reserve(&bm, addr, size, flags)
				: qy_bootmem_reserve_node(&bm, nid, addr, size, flags);
	assert_int_equal(err, expected);
	tally(err);
	if (err || !size)
		return;
	if (how == BM_FREE)
		own((addr + PAGE - 1) / PAGE, (addr + size) / PAGE, false);
	else
		own(addr / PAGE, (addr + size + PAGE - 1) / PAGE, true);
}

static void step_mark(void)
{
	static const int nids[] = {-1, -1, -1, 3, 0, 7, 5};
	int nid = nids[below(ARRAY_SIZE(nids))];
	uint64_t addr = random_addr(), size = below(1 + below(8 * PAGE));
	enum bm_mark how = (enum bm_mark)below(3);

	if (below(2))
		addr -= addr % PAGE;
	if (below(200) == 0)
		size = qy__rng_next(&rng);
	/* The map stays where it is: it is in use. */
	if (how == BM_FREE && addr <= MAP_PAGE * PAGE && size > MAP_PAGE * PAGE - addr)
		return;
	do_mark(nid, addr, size, how);
}

/* Most of what is taken becomes free, page by page. */
static void drain(void)
{
	for (uint64_t pfn = FIRST; pfn < END; pfn++)
		if (pfn != MAP_PAGE && below(8))
			do_mark(-1, pfn * PAGE, PAGE, BM_FREE);
}

static uint64_t handed;

static void take(void *ctx, int nid, uint64_t pfn, unsigned int order)
{
	assert_ptr_equal(ctx, &handed);
	for (uint64_t p = pfn; p < pfn + (1u << order); p++) {
		const struct bm_model_node *n = bm_model_find(&model, nid);

		assert_true(p >= n->min && p < n->end);
		assert_true(p == MAP_PAGE || !n->taken[p - n->min]);
	}
	handed += UINT64_C(1) << order;
}

static void random_operations_equal_the_model(void **state)
{
	(void)state;
	for (unsigned int step = 0; step < NR_STEPS; step++) {
		if (step % 500 == 0)
			drain();
		if (below(3))
			step_alloc();
		else
			step_mark();
		check_state();
	}
	drain();
	assert_int_equal(qy_bootmem_free_all(&bm, take, &handed), bm_model_nr_free(&model) + 1);
	assert_int_equal(handed, bm_model_nr_free(&model) + 1);
	/* The walk has reached what it is for. */
	assert_true(count.ok > NR_STEPS / 4 && count.packed > 1000 && count.nomem > 1000);
	assert_true(count.inval > 100 && count.range > 100 && count.busy > 100);
	assert_true(count.already > 100 && count.dropped > 100 && panics > 100);
}

/*
 * As long as the next page is free, packing is nothing but counting on: each one begins where the
 * last one ended, aligned. Pages are used up accordingly, no more.
 */
static void packing_is_counting_on(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		uint64_t at = 0, size, align, start;
		qy_addr_t addr;

		set_up(state);
		qy__rng_seed(&rng, round);
		assert_int_equal(qy_bootmem_free_node(&bm, 0, 110 * PAGE, 90 * PAGE), 0);
		for (;;) {
			size = 1 + below(1 + below(round % 2 ? 40 : 200));
			align = 1u << below(7);
			start = (at + align - 1) & ~(align - 1);
			if (qy_bootmem_alloc_core(&bm, 0, size, align, 0, 0, &addr))
				break;
			assert_int_equal(addr, 110 * PAGE + start);
			at = start + size;
			assert_int_equal(qy_bootmem_nr_free(&bm), 90 - (at + PAGE - 1) / PAGE);
		}
		/* It wants new pages for all of it, though less might do. */
		assert_true((at + PAGE - 1) / PAGE + (size + PAGE - 1) / PAGE > 90);
		assert_int_equal(qy_bootmem_check(&bm, NULL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_operations_equal_the_model, set_up),
		cmocka_unit_test_setup(packing_is_counting_on, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
