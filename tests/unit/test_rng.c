/* SPDX-License-Identifier: MIT */
/* test_rng.c - splitmix64 against published values; bounds without bias. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/rng.h"

static void rng_next_known_seed_gives_published_values(void **state)
{
	/* As printed by the public-domain reference implementation for this seed. */
	static const uint64_t expected[] = {
		UINT64_C(6457827717110365317),	UINT64_C(3203168211198807973),
		UINT64_C(9817491932198370423),	UINT64_C(4593380528125082431),
		UINT64_C(16408922859458223821),
	};
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 1234567);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_true(qy__rng_next(&rng) == expected[i]);
}

static void rng_seed_same_gives_same_sequence(void **state)
{
	struct qy__rng a, b, c;
	int same = 0;

	(void)state;
	qy__rng_seed(&a, 5);
	qy__rng_seed(&b, 5);
	qy__rng_seed(&c, 6);
	for (int i = 0; i < 100; i++) {
		uint64_t x = qy__rng_next(&a);

		assert_true(x == qy__rng_next(&b));
		same += x == qy__rng_next(&c);
	}
	assert_int_equal(same, 0);
}

static void rng_below_any_bound_stays_below(void **state)
{
	static const uint32_t bound[] = {1,    2,	    3,		 7,	    64,
					 1000, 0x80000000u, 0x80000001u, UINT32_MAX};
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 1);
	for (size_t i = 0; i < sizeof(bound) / sizeof(bound[0]); i++)
		for (int k = 0; k < 2000; k++)
			assert_true(qy__rng_below(&rng, bound[i]) < bound[i]);
}

/*
 * Of 3 * 2^30 values, those of a plain remainder of 32 random bits would fall on the first third
 * twice as often as on the others. Expect: each third about as often as the next (standard
 * deviation: 82).
 */
static void rng_below_large_bound_is_unbiased(void **state)
{
	unsigned int third[3] = {0, 0, 0};
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 99);
	for (int i = 0; i < 30000; i++)
		third[qy__rng_below(&rng, 3u << 30) >> 30]++;
	for (int i = 0; i < 3; i++)
		assert_in_range(third[i], 9600, 10400);
}

static void rng_below_small_bound_is_even(void **state)
{
	unsigned int seen[10] = {0};
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 3);
	for (int i = 0; i < 100000; i++)
		seen[qy__rng_below(&rng, 10)]++;
	for (int i = 0; i < 10; i++)
		assert_in_range(seen[i], 9500, 10500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rng_next_known_seed_gives_published_values),
		cmocka_unit_test(rng_seed_same_gives_same_sequence),
		cmocka_unit_test(rng_below_any_bound_stays_below),
		cmocka_unit_test(rng_below_large_bound_is_unbiased),
		cmocka_unit_test(rng_below_small_bound_is_even),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
