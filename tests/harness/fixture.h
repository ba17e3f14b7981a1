/* SPDX-License-Identifier: MIT */
/*
 * fixture.h - the one instance that a test program works on at a time, and the tear-down that takes
 * it away, also from a test that failed half-way.
 *
 * A test makes it (instance.h), cmocka is given tear_down.
 */
#ifndef TESTS_HARNESS_FIXTURE_H
#define TESTS_HARNESS_FIXTURE_H

#include "instance.h"

static struct instance in;

/* Nothing, if a test has made none or has destroyed it itself. */
static inline int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

#endif
