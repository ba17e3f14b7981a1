/* SPDX-License-Identifier: MIT */
/*
 * test_struct_size.c - structs whose size the caller says: of every size, no byte too many and none
 * too few is written; and the public calls that fill one.
 */
#include "instance.h"

#include "util/struct_size.h"

#define KNOWN 40u
#define BYTES 96u
#define UNTOUCHED 0xee

static struct instance in;

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

static void fill_writes_what_the_caller_has_room_for(void **state)
{
	_Alignas(size_t) uint8_t from[KNOWN], to[BYTES];

	(void)state;
	for (unsigned int i = 0; i < KNOWN; i++)
		from[i] = (uint8_t)(i + 1);
	for (size_t size = 0; size <= BYTES; size++) {
		memset(to, UNTOUCHED, sizeof(to));
		memcpy(to, &size, sizeof(size));
		qy__struct_fill(to, from, KNOWN);
		assert_memory_equal(to, &size, sizeof(size));
		for (size_t i = sizeof(size); i < BYTES; i++) {
			uint8_t want = i < KNOWN ? from[i] : 0;

			assert_int_equal(to[i], i < size ? want : UNTOUCHED);
		}
	}
}

static void fill_of_an_absurd_size_writes_nothing(void **state)
{
	static const size_t size[] = {0, 1, sizeof(size_t) - 1, QY__STRUCT_SIZE_MOST + 1, SIZE_MAX};
	_Alignas(size_t) uint8_t from[KNOWN] = {0}, to[BYTES], before[BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		memset(to, UNTOUCHED, sizeof(to));
		memcpy(to, &size[i], sizeof(size[i]));
		memcpy(before, to, sizeof(to));
		qy__struct_fill(to, from, KNOWN);
		assert_memory_equal(before, to, sizeof(to));
	}
}

/* Programs that were compiled with a shorter struct, and with a longer one. */
static void page_stats_fill_the_size_that_the_caller_says(void **state)
{
	struct qy_page_stats whole = {.struct_size = sizeof(whole)};
	struct {
		struct qy_page_stats s;
		uint8_t more[64];
	} got;

	(void)state;
	instance_make(&in, 128, NULL);
	qy_page_stats(in.mm, &whole);
	assert_int_equal(whole.struct_size, sizeof(whole));
	assert_true(whole.managed && whole.free && whole.free_max);
	for (size_t size = 0; size <= sizeof(got); size++) {
		const uint8_t *bytes = (const uint8_t *)&got, *want = (const uint8_t *)&whole;

		memset(&got, UNTOUCHED, sizeof(got));
		got.s.struct_size = size;
		qy_page_stats(in.mm, &got.s);
		assert_int_equal(got.s.struct_size, size);
		for (size_t i = sizeof(size); i < sizeof(got); i++) {
			if (i >= size || size < sizeof(size))
				assert_int_equal(bytes[i], UNTOUCHED);
			else
				assert_int_equal(bytes[i], i < sizeof(whole) ? want[i] : 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fill_writes_what_the_caller_has_room_for),
		cmocka_unit_test(fill_of_an_absurd_size_writes_nothing),
		cmocka_unit_test_teardown(page_stats_fill_the_size_that_the_caller_says, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
