/* SPDX-License-Identifier: MIT */
/*
 * test_late_free.c - objects that outlive their cache: whatever is done with a pointer to one of
 * them is told and changes nothing, in whichever page of its slab it lies. Not even the cache that
 * is made next, perhaps where the old one was, may take it for its own.
 */
#include "instance.h"

#include <errno.h>

static struct instance in;

#define NR 40 /* objects: several slabs */
#define SIZE                                                                                       \
	(PAGE_BYTES * 3 / 4) /* a slab has several pages, most objects begin behind its first */

static char *late[NR];
static struct qy_cache *next;

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

/* A cache ends with live objects; another one of the same kind is made, and in use. */
static void make(const char *debug)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	struct qy_cache *gone;

	instance_make(&in, 512, debug);
	gone = qy_cache_create(in.mm, "gone", SIZE, 0, 0, NULL);
	assert_non_null(gone);
	for (int i = 0; i < NR; i++) {
		late[i] = hide(qy_cache_alloc(gone, QY_GFP_KERNEL));
		assert_non_null(late[i]);
		memset(late[i], 0x5e, SIZE);
	}
	qy_cache_info(gone, &info);
	if (QY_PAGE_SHIFT == 12)
		assert_true(info.order > 0);
	assert_int_equal(qy_cache_destroy(gone), -EBUSY);
	assert_true(in.reports.nr >= 1);
	for (unsigned int i = 0; i < in.reports.nr; i++)
		assert_int_equal(in.reports.at[i].kind, QY_REPORT_LEAK);
	in.reports.nr = 0;
	next = qy_cache_create(in.mm, "next", SIZE, 0, 0, NULL);
	assert_non_null(next);
	assert_int_equal(qy_cache_free(next, qy_cache_alloc(next, QY_GFP_KERNEL)), 0);
	assert_clean(&in);
}

/* The new cache hands out its own objects only, and the late ones are as they were. */
static void assert_untouched(void)
{
	void *p[NR];

	for (int i = 0; i < NR; i++) {
		p[i] = hide(qy_cache_alloc(next, QY_GFP_KERNEL));
		assert_non_null(p[i]);
		memset(p[i], 0xe1, SIZE);
		for (int k = 0; k < NR; k++)
			assert_true(p[i] != late[k] && p[i] != late[k] + 8);
	}
	for (int i = 0; i < NR; i++) {
		assert_int_equal(qy_cache_free(next, p[i]), 0);
		for (size_t b = 0; b < SIZE; b++)
			assert_int_equal(late[i][b], 0x5e);
	}
	assert_clean(&in);
	assert_int_equal(qy_cache_destroy(next), 0);
	assert_clean(&in);
}

static const char *const letters[] = {NULL, "slab_debug=F", "slab_debug=FZPU",
				      "slab_debug=FZPU quarantine=1M"};

static void late_kfree_is_told_for_each_page_of_the_slab(void **state)
{
	(void)state;
	for (size_t d = 0; d < sizeof(letters) / sizeof(letters[0]); d++) {
		make(letters[d]);
		for (int round = 0; round < 2; round++)
			for (int i = 0; i < NR; i++) {
				qy_kfree(in.mm, late[i]);
				take_report(&in, QY_REPORT_INVALID_FREE);
				qy_kfree(in.mm, late[i] + 8);
				take_report(&in, QY_REPORT_INVALID_FREE);
			}
		assert_untouched();
		instance_destroy(&in);
	}
}

static void late_krealloc_and_ksize_are_told_for_each_page_of_the_slab(void **state)
{
	(void)state;
	for (size_t d = 0; d < sizeof(letters) / sizeof(letters[0]); d++) {
		make(letters[d]);
		for (int i = 0; i < NR; i++) {
			assert_null(qy_krealloc(in.mm, late[i], 20, QY_GFP_KERNEL));
			take_report(&in, QY_REPORT_BAD_REALLOC);
			assert_int_equal(qy_ksize(in.mm, late[i]), 0);
			take_report(&in, QY_REPORT_BAD_REALLOC);
		}
		assert_untouched();
		instance_destroy(&in);
	}
}

/* Where caches look at what they are given: it is no object, not one that is already free. */
static void late_cache_free_is_told_for_each_page_of_the_slab(void **state)
{
	(void)state;
	if (strcmp(qy_build_debug_letters(), "FZPU"))
		skip();
	for (size_t d = 1; d < sizeof(letters) / sizeof(letters[0]); d++) {
		make(letters[d]);
		for (int i = 0; i < NR; i++) {
			assert_int_equal(qy_cache_free(next, late[i]), -EINVAL);
			take_report(&in, QY_REPORT_INVALID_FREE);
		}
		assert_untouched();
		instance_destroy(&in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
		T(late_kfree_is_told_for_each_page_of_the_slab),
		T(late_krealloc_and_ksize_are_told_for_each_page_of_the_slab),
		T(late_cache_free_is_told_for_each_page_of_the_slab),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
