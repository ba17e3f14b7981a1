/* SPDX-License-Identifier: MIT */
/*
 * pages.h - blocks of pages in a test's hands, and what their memory holds.
 *
 * To get a certain block again, all others are held: then it is the only one that can come.
 *
 * White-box tests only.
 */
#ifndef TESTS_HARNESS_PAGES_H
#define TESTS_HARNESS_PAGES_H

#include "fixture.h"

#include "page/page_debug.h"

#define POISON QY__PAGE_POISON
#define PAGES ((size_t)128) /* of a test's arena */

static struct qy_page *held[4096];
static size_t nr_held;

static inline void make(unsigned int flags, enum qy_switch pcp)
{
	instance_init(&in, PAGES);
	in.config.page_debug = flags;
	in.config.pcp = pcp;
	instance_create(&in);
}

static inline void make_anon(unsigned int flags, enum qy_switch pcp)
{
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = 4096 * PAGE_BYTES;
	in.config.page_debug = flags;
	in.config.pcp = pcp;
	instance_create(&in);
}

static inline uint8_t *bytes_of(const struct qy_page *page)
{
	return qy_page_address(in.mm, page);
}

static inline bool all_are(const struct qy_page *page, unsigned int order, uint8_t value)
{
	const uint8_t *p = bytes_of(page);

	for (size_t i = 0; i < PAGE_BYTES << order; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* Hold every block of @order but one, which is given back. */
static inline struct qy_page *the_only_block(unsigned int order)
{
	struct qy_page *page, *only;

	nr_held = 0;
	while ((page = qy_alloc_pages(in.mm, QY_GFP_KERNEL | QY_GFP_NOWARN, order)))
		held[nr_held++] = page;
	assert_true(nr_held > 1);
	only = held[--nr_held];
	memset(hide(bytes_of(only)), 0x77, PAGE_BYTES << order);
	assert_int_equal(qy_free_pages(in.mm, only, order), 0);
	return only;
}

static inline void take_it_again(struct qy_page *only, unsigned int order, qy_gfp_t gfp)
{
	assert_ptr_equal(qy_alloc_pages(in.mm, gfp, order), only);
}

static inline uint32_t nr_guard(void)
{
	uint32_t n = 0;

	for (unsigned int z = 0; z < in.mm->nr_zones; z++)
		n += in.mm->zone[z].nr_guard;
	return n;
}

#endif
