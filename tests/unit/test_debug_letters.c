/* SPDX-License-Identifier: MIT */
/*
 * test_debug_letters.c - consistency checks are what makes debugging look at an object by itself:
 * without the letter F a damaged one is found on demand only. And a slab whose list of free objects
 * is gone is given up, on either way.
 */
#include "damage.h"

static struct instance in;
static struct qy_cache *c;

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

static void make(const char *debug)
{
	instance_make(&in, 512, debug);
	c = qy_cache_create(in.mm, "things", 200, 0, 0, NULL);
	assert_non_null(c);
}

static unsigned char *take(void)
{
	unsigned char *p = qy_cache_alloc(c, QY_GFP_KERNEL);

	assert_non_null(p);
	return hide(p);
}

static const struct {
	const char *debug;
	bool looks;
} row[] = {
	{"slab_debug=P quarantine=1M", false},	 {"slab_debug=ZP quarantine=1M", false},
	{"slab_debug=ZPU quarantine=1M", false}, {"slab_debug=FP quarantine=1M", true},
	{"slab_debug=FZPU quarantine=1M", true},
};
#define NR_ROWS (sizeof(row) / sizeof(row[0]))

/* Written while it waits in quarantine; shrinking lets it out. */
static void object_that_leaves_quarantine_is_looked_at_with_F_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ROWS; i++) {
		unsigned char *p, *keep;

		make(row[i].debug);
		p = take();
		keep = take();
		assert_int_equal(qy_cache_free(c, p), 0);
		p[20] = 0x41;
		assert_int_equal(in.reports.nr, 0);
		qy_cache_shrink(c);
		if (row[i].looks)
			assert_int_equal(take_report(&in, QY_REPORT_USE_AFTER_FREE).damage_offset,
					 20);
		assert_int_equal(in.reports.nr, 0);
		/* On demand it is found. */
		assert_int_equal(qy_cache_validate(c), !row[i].looks);
		in.reports.nr = 0;
		assert_int_equal(qy_cache_free(c, keep), 0);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void object_that_is_handed_out_is_looked_at_with_F_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ROWS; i++) {
		unsigned char *p, *keep;

		make(row[i].debug);
		p = take();
		keep = take();
		assert_int_equal(qy_cache_free(c, p), 0);
		qy_cache_shrink(c);
		p[20] = 0x41;
		if (row[i].looks) {
			assert_ptr_not_equal(take(), p);
			take_report(&in, QY_REPORT_USE_AFTER_FREE);
		} else {
			assert_ptr_equal(take(), p);
			assert_int_equal(p[20], 0x6b);
		}
		assert_int_equal(qy_cache_free(c, keep), 0);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* A slab with free objects that has lost its list, and one object in use. */
static struct qy_page *lose_list(unsigned char **live)
{
	struct qy_page *slab;
	unsigned char *p;

	make("slab_debug=FZPU");
	*live = take();
	p = take();
	slab = slab_of_object(in.mm, *live);
	assert_ptr_equal(slab_of_object(in.mm, p), slab);
	assert_int_equal(qy_cache_free(c, p), 0);
	assert_ptr_equal(slab->slab.freelist, p);
	slab->slab.freelist = NULL;
	return slab;
}

/* Everything comes from other slabs, and all can be given back. */
static void go_on_without(const struct qy_page *slab, unsigned char *live)
{
	unsigned char *p[100];

	for (int i = 0; i < 100; i++) {
		p[i] = take();
		assert_ptr_not_equal(slab_of_object(in.mm, p[i]), slab);
	}
	assert_int_equal(in.reports.nr, 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(qy_cache_free(c, p[i]), 0);
	assert_int_equal(qy_cache_free(c, live), 0);
	assert_clean(&in);
	assert_int_equal(qy_cache_validate(c), 0);
	assert_int_equal(qy_cache_destroy(c), 0);
	assert_clean(&in);
}

static void lost_list_is_told_at_allocation(void **state)
{
	unsigned char *live, *p;
	struct qy_page *slab = lose_list(&live);

	(void)state;
	p = take();
	assert_string_equal(take_report(&in, QY_REPORT_FREELIST).title,
			    "Freelist Pointer check fails");
	assert_ptr_not_equal(slab_of_object(in.mm, p), slab);
	assert_int_equal(qy_cache_free(c, p), 0);
	go_on_without(slab, live);
}

static void lost_list_is_told_on_demand(void **state)
{
	unsigned char *live;
	struct qy_page *slab = lose_list(&live);

	(void)state;
	assert_int_equal(qy_cache_validate(c), 1);
	assert_non_null(strstr(take_report(&in, QY_REPORT_METADATA).title, "Wrong object count"));
	assert_int_equal(qy_cache_validate(c), 0);
	assert_clean(&in);
	go_on_without(slab, live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_teardown(test, tear_down)
		T(object_that_leaves_quarantine_is_looked_at_with_F_only),
		T(object_that_is_handed_out_is_looked_at_with_F_only),
		T(lost_list_is_told_at_allocation),
		T(lost_list_is_told_on_demand),
#undef T
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
