/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the machine that tests of runs and areas work on: the instance of fixture.h with page
 * blocks of four pages, lifetimes kept apart, users whose blocks can be moved, and what its page
 * floor knew at first.
 *
 * make() is all of it; who wants another configuration changes it between init() and create().
 *
 * White-box tests only.
 */
#ifndef TESTS_HARNESS_MACHINE_H
#define TESTS_HARNESS_MACHINE_H

#include "fixture.h"
#include "page_map.h"

static struct page_map before;
static struct users users;

static inline void init(size_t pages)
{
	instance_init(&in, pages);
	in.config.pageblock_order = 2;
	in.config.grouping = QY_ON;
	users_init(&users, &in.config);
}

static inline void create(void)
{
	instance_create(&in);
	users.mm = in.mm;
	map_take(&before, in.mm);
}

static inline void make(void)
{
	init(512);
	create();
}

/* A run of single pages goes back. */
static inline void give(uint32_t start, uint32_t nr)
{
	assert_int_equal(qy_free_contig_range(in.mm, start, nr), 0);
}

#endif
