/* SPDX-License-Identifier: MIT */
/*
 * A unit test of code that allocates with qy_kmalloc(), linked to the debug library: each test has
 * an instance of its own, and its tear-down fails if the test damaged the heap.
 *
 *     cc -g test_array.c $(pkg-config --cflags --libs quarry-debug cmocka) && ./a.out
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <quarry/quarry.h>

#ifdef BUG
#define WRITES 5
#else
#define WRITES 4
#endif

static struct qy_mm *mm;

static int set_up(void **state)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;

	(void)state;
	config.size = (size_t)64 << 20;
	config.debug = "slab_debug=FZPU";
	mm = qy_mm_create(&config);
	if (!mm)
		return -1;
	/* Go on after a finding, so that the test ends and cmocka can say which one it was. */
	qy_mm_set_policy(mm, QY_POLICY_REPORT);
	return 0;
}

/* A tear-down that fails is a test that fails; the report stands above it. */
static int tear_down(void **state)
{
	int bad;

	(void)state;
	qy_validate(mm);
	bad = qy_mm_reports(mm) != 0;
	qy_mm_destroy(mm);
	return bad ? -1 : 0;
}

static void array_is_filled(void **state)
{
	int *array = qy_kmalloc_array(mm, 4, sizeof(*array), QY_GFP_KERNEL);

	(void)state;
	assert_non_null(array);
	for (volatile int i = 0; i < WRITES; i++)
		array[i] = i;
	assert_int_equal(array[3], 3);
	/* Not freed: qy_validate() in the tear-down finds what is wrong all the same. */
}

static void block_is_given_back(void **state)
{
	void *block = qy_kmalloc(mm, 100000, QY_GFP_KERNEL);

	(void)state;
	assert_non_null(block);
	qy_kfree(mm, block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(array_is_filled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(block_is_given_back, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
