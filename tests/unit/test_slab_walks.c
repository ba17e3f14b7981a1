/* SPDX-License-Identifier: MIT */
/*
 * test_slab_walks.c - walks over a cache's slabs end although the links are damaged, and counters
 * that are put right are right for the whole cache. A walk that does not end ends the program.
 */
#include "damage.h"
#include "fixture.h"
#include "patience.h"

#include <unistd.h>

#include "slab/slub.h"

#define SLABS 4
#define MOST_OBJECTS 4096

static struct qy_cache *c;
static void *p[MOST_OBJECTS];

static int set_up(void **state)
{
	unsigned int n;

	(void)state;
	patient_alarm(60);
	instance_make(&in, 1024, "slab_debug=FZPU");
	c = qy_cache_create(in.mm, "walked", 200, 0, 0, NULL);
	assert_non_null(c);
	n = SLABS * c->objs_per_slab;
	assert_true(n <= MOST_OBJECTS);
	for (unsigned int i = 0; i < n; i++)
		assert_non_null(p[i] = qy_cache_alloc(c, QY_GFP_KERNEL));
	/* One free object in each slab: all are partial. */
	for (unsigned int i = 0; i < n; i += c->objs_per_slab)
		assert_int_equal(qy_cache_free(c, p[i]), 0);
	qy_cache_shrink(c); /* out of quarantine */
	assert_int_equal(qy__slub(c)->partial.nr, SLABS);
	instance_save(&in);
	return 0;
}

static struct qy_page *first_slab(void)
{
	return qy__pfn_page(in.mm, qy__slub(c)->partial.head);
}

static void walk_along_a_cycle_ends(void **state)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};

	(void)state;
	first_slab()->next = qy__slub(c)->partial.head;
	qy_cache_info(c, &info);
	assert_int_equal(info.nr_slabs, qy__slub(c)->nr_slabs);
	qy_cache_validate(c);
	instance_restore(&in);
	assert_clean(&in);
}

static void slab_iter_gives_each_slab_once(void **state)
{
	struct qy__slab_iter it = qy__slab_iter_locked(c);
	struct qy_page *slab;
	unsigned int n = 0;

	(void)state;
	while ((slab = qy__slab_iter_next(&it))) {
		n++;
		if (n == 1) /* it goes to the end of the other list, and is not met again */
			qy__slab_ops(c)->give_up_locked(c, slab);
	}
	assert_int_equal(n, qy__slub(c)->nr_slabs);
}

/* Validation reports it, and what is left is sound. */
static void assert_put_right(enum qy_report_kind kind)
{
	assert_true(qy_cache_validate(c) > 0);
	assert_true(in.reports.nr > 0);
	assert_int_equal(in.reports.at[0].kind, kind);
	in.reports.nr = 0;
	assert_clean(&in);
	instance_restore(&in);
}

static void counters_put_right_are_right_for_the_cache(void **state)
{
	(void)state;
	first_slab()->slab.inuse--;
	qy__slub(c)->inuse_objects--;
	assert_put_right(QY_REPORT_METADATA);
	first_slab()->slab.objects = (uint16_t)(c->objs_per_slab - 1u);
	qy__slub(c)->total_objects--;
	assert_put_right(QY_REPORT_METADATA);
	qy__slub(c)->inuse_objects += 7;
	first_slab()->slab.inuse = UINT16_MAX;
	assert_true(qy_cache_validate(c) > 0);
	in.reports.nr = 0;
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(walk_along_a_cycle_ends),
		T(slab_iter_gives_each_slab_once),
		T(counters_put_right_are_right_for_the_cache),
#undef T
	};

	if (strcmp(qy_build_debug_letters(), "FZPU") != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
