/* SPDX-License-Identifier: MIT */
/*
 * test_build_options.c - whatever set of debug options the library was built with: legal use makes
 * no report, and what was compiled in finds what it is there to find. Run by the matrix of options.
 */
#include "fixture.h"

#include "debug/debug.h"
#include "util/rng.h"

#define SLOTS 200
#define STEPS 4000

static int set_up(void **state)
{
	(void)state;
	instance_make(&in, 4096, "slab_debug=FZPU quarantine=256K");
	return 0;
}

static bool has(char letter)
{
	return strchr(qy_build_debug_letters(), letter);
}

static void letters_of_the_build_are_those_compiled_in(void **state)
{
	(void)state;
	assert_int_equal(has('F'), QY_CONFIG_SLAB_CONSISTENCY_CHECKS);
	assert_int_equal(has('Z'), QY_CONFIG_SLAB_RED_ZONE);
	assert_int_equal(has('P'), QY_CONFIG_SLAB_POISON);
	assert_int_equal(has('U'), QY_CONFIG_SLAB_STORE_USER);
}

static size_t any_size(struct qy__rng *rng)
{
	size_t most = qy__rng_below(rng, 10) ? 300 : 5 * PAGE_BYTES;

	return 1 + qy__rng_below(rng, (uint32_t)most);
}

static void legal_use_makes_no_report(void **state)
{
	static struct {
		unsigned char *p;
		size_t size;
	} slot[SLOTS];
	struct qy__rng rng;

	(void)state;
	memset(slot, 0, sizeof(slot));
	qy__rng_seed(&rng, 1);
	for (int step = 0; step < STEPS; step++) {
		unsigned int i = qy__rng_below(&rng, SLOTS);
		size_t size = any_size(&rng);

		if (slot[i].p)
			assert_int_equal(slot[i].p[slot[i].size - 1], i);
		if (slot[i].p && qy__rng_below(&rng, 3)) {
			qy_kfree(in.mm, slot[i].p);
			slot[i].p = NULL;
			continue;
		}
		slot[i].p = hide(qy_krealloc(in.mm, slot[i].p, size, QY_GFP_KERNEL));
		assert_non_null(slot[i].p);
		assert_true(qy_ksize(in.mm, slot[i].p) >= size);
		memset(slot[i].p, (int)i, size);
		slot[i].size = size;
		if (step % 500 == 0)
			assert_clean(&in);
	}
	assert_int_equal(qy_validate(in.mm), 0);
	for (int i = 0; i < SLOTS; i++)
		qy_kfree(in.mm, slot[i].p);
	assert_int_equal(qy_validate(in.mm), 0);
	assert_clean(&in);
}

static void overflow_is_reported_where_red_zones_are_built(void **state)
{
	char *p;

	(void)state;
	if (!has('Z'))
		skip();
	for (size_t size = 8; size <= 3 * PAGE_BYTES; size *= 2) {
		p = hide(qy_kmalloc(in.mm, size, QY_GFP_KERNEL));
		assert_non_null(p);
		p[size] = 1;
		assert_int_equal(qy_validate(in.mm), 1); /* kfree looks only under F */
		assert_int_equal(take_report(&in, QY_REPORT_OVERFLOW).damage_offset, size);
		qy_kfree(in.mm, p);
	}
	assert_clean(&in);
}

static void write_after_free_is_reported_where_poison_is_built(void **state)
{
	struct record r;
	char *p;

	(void)state;
	if (!has('P'))
		skip();
	p = hide(qy_kmalloc(in.mm, 100, QY_GFP_KERNEL));
	qy_kfree(in.mm, p);
	p[40] = 1;
	assert_int_equal(qy_validate(in.mm), 1);
	r = take_report(&in, QY_REPORT_USE_AFTER_FREE);
	assert_int_equal(r.damage_offset, 40);
	assert_int_equal(qy_validate(in.mm), 0);
	assert_clean(&in);
}

static void double_free_is_reported_under_any_letter(void **state)
{
	struct record r;
	void *p;

	(void)state;
	if (!*qy_build_debug_letters())
		skip();
	p = hide(qy_kmalloc(in.mm, 100, QY_GFP_KERNEL));
	qy_kfree(in.mm, p);
	qy_kfree(in.mm, p);
	r = take_report(&in, QY_REPORT_DOUBLE_FREE);
	assert_ptr_equal(r.object, p);
	assert_int_equal(r.alloc_frames > 0, has('U'));
	assert_int_equal(r.free_frames > 0, has('U'));
	assert_clean(&in);
}

/* A freed object comes back at once without a quarantine, and late with one. */
static void freed_object_waits_where_quarantine_is_built(void **state)
{
	void *p;

	(void)state;
	if (!*qy_build_debug_letters())
		skip();
	p = hide(qy_kmalloc(in.mm, 100, QY_GFP_KERNEL));
	qy_kfree(in.mm, p);
	assert_int_equal(hide(qy_kmalloc(in.mm, 100, QY_GFP_KERNEL)) != p, QY_CONFIG_QUARANTINE);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(letters_of_the_build_are_those_compiled_in, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(legal_use_makes_no_report, set_up, tear_down),
		cmocka_unit_test_setup_teardown(overflow_is_reported_where_red_zones_are_built,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(write_after_free_is_reported_where_poison_is_built,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(double_free_is_reported_under_any_letter, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(freed_object_waits_where_quarantine_is_built,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
