/* SPDX-License-Identifier: MIT */
/*
 * test_check_states.c - the checker on states in which every list and counter agrees, and one rule
 * is broken all the same: more empty slabs than a cache keeps (U5), an object that was freed before
 * it was allocated (U14). Each border from both sides.
 */
#include "damage.h"

#include <errno.h>

static struct instance in;

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

/* Violations; the first is @id. */
static unsigned int violations(const char *id)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	unsigned int nr = qy_check(in.mm, QY_CHECK_ALL, &r);

	for (unsigned int i = 0; i < nr && i < QY_CHECK_MAX; i++)
		if (strcmp(r.v[i].id, id))
			fail_msg("%s: %s", r.v[i].id, r.v[i].text);
	return nr;
}

/* What a free does that forgets to look how many empty slabs there are. */
static void put_back(struct qy_cache *c, void *object)
{
	struct qy_page *slab = slab_of_object(in.mm, object);

	assert_int_equal(slab->slab.inuse, 1);
	qy__slub_set_free(c, object, slab->slab.freelist);
	slab->slab.freelist = object;
	slab->slab.inuse--;
	qy__slub(c)->inuse_objects--;
}

static void check_more_empty_slabs_than_are_kept_U5(void **state)
{
	struct qy_page *slab = NULL;
	struct qy_cache *c;
	void *p[400], *last[16];
	unsigned int nr = 0, n = 0, keep;

	(void)state;
	instance_make(&in, 512, NULL);
	c = qy_cache_create(in.mm, "empties", PAGE_BYTES / 8, 0, 0, NULL);
	assert_non_null(c);
	keep = qy__slub(c)->min_partial;
	assert_true(keep > 0 && keep + 2 <= 16);
	/* One object of each of so many slabs stays. */
	while (nr < keep + 2) {
		p[n] = qy_cache_alloc(c, QY_GFP_KERNEL);
		assert_non_null(p[n]);
		if (slab_of_object(in.mm, p[n]) != slab) {
			slab = slab_of_object(in.mm, p[n]);
			last[nr++] = p[n];
		} else {
			n++;
		}
		assert_true(n < 400);
	}
	while (n)
		assert_int_equal(qy_cache_free(c, p[--n]), 0);
	assert_int_equal(qy_cache_shrink(c), 1);
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(violations("U5"), i > keep ? 1 : 0);
		put_back(c, last[i]);
	}
	assert_int_equal(violations("U5"), 1);
	/* They are given up on demand, and then all is well. */
	assert_int_equal(qy_cache_shrink(c), 0);
	assert_clean(&in);
}

static uint64_t clock_fn(void *ctx)
{
	return *(uint64_t *)ctx;
}

/* By the clock: a record of an earlier free belongs to an earlier life. */
static void check_freed_before_allocated_U14(void **state)
{
	struct qy_cache *c;
	uint64_t now;
	void *p;

	(void)state;
	if (!strchr(qy_build_debug_letters(), 'U'))
		skip();
	for (int later = -1; later <= 1; later++) {
		instance_init(&in, 256);
		in.config.clock = (struct qy_clock){clock_fn, &now};
		now = 1000;
		instance_create(&in);
		c = qy_cache_create(in.mm, "tracks", 64, 0, QY_SLAB_STORE_USER, NULL);
		assert_non_null(c);
		p = qy_cache_alloc(c, QY_GFP_KERNEL);
		assert_non_null(p);
		now = 1000 + (uint64_t)later;
		assert_int_equal(qy_cache_free(c, p), 0);
		assert_int_equal(violations("U14"), later < 0 ? 1 : 0);
		/* Of an object in use the free says nothing. */
		assert_ptr_equal(qy_cache_alloc(c, QY_GFP_KERNEL), p);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(check_more_empty_slabs_than_are_kept_U5, tear_down),
		cmocka_unit_test_teardown(check_freed_before_allocated_U14, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
