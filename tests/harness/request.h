/* SPDX-License-Identifier: MIT */
/*
 * request.h - kmalloc as malloc, operator new and their likes call it: with a family, an alignment,
 * and at the end with what the program claims about size and alignment.
 *
 * White-box tests only. The instance is the test's `in`.
 */
#ifndef TESTS_HARNESS_REQUEST_H
#define TESTS_HARNESS_REQUEST_H

#include "damage.h"

#include "kmalloc/kmalloc.h"

static struct instance in;

static inline int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

static inline bool is_full_build(void)
{
	return !strcmp(qy_build_debug_letters(), "FZPU");
}

static inline unsigned char *get_as(enum qy_family family, size_t size, size_t align)
{
	struct qy__call req = {
		.size = size, .align = align, .family = family, .libc = family != QY_FAMILY_NONE};

	return hide(qy__kmalloc_call(in.mm, &req, QY_GFP_KERNEL | QY_GFP_NOWARN));
}

static inline unsigned char *resize_as(enum qy_family family, void *p, size_t size, size_t align)
{
	struct qy__call req = {
		.size = size, .align = align, .family = family, .libc = family != QY_FAMILY_NONE};

	return hide(qy__krealloc_call(in.mm, p, &req, QY_GFP_KERNEL | QY_GFP_NOWARN));
}

static inline void put_as(enum qy_family family, void *p)
{
	struct qy__call req = {.family = family, .libc = family != QY_FAMILY_NONE};

	assert_int_equal(qy__kfree_call(in.mm, p, &req), 0);
}

/* @aligned: the program says that it asked for @align. */
static inline void put_aligned_as(enum qy_family family, void *p, size_t align, bool aligned)
{
	struct qy__call req = {.family = family,
			       .libc = family != QY_FAMILY_NONE,
			       .align = align,
			       .aligned = aligned};

	assert_int_equal(qy__kfree_call(in.mm, p, &req), 0);
}

#endif
