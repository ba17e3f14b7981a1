/* SPDX-License-Identifier: MIT */
/*
 * memblock_machine.h - the boot map that tests of memblock work on, filled with the memory of a
 * small machine of two nodes.
 */
#ifndef TESTS_HARNESS_MEMBLOCK_MACHINE_H
#define TESTS_HARNESS_MEMBLOCK_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <quarry/early.h>

#include "util/compiler.h"

#define PAGE ((qy_addr_t)QY_PAGE_SIZE)

static struct qy_memblock mb;

/*
 *   pages    1 … 15   16 … 31   32 … 47   48 … 63
 *   node     0        0         1         1
 *   flags    -        HOTPLUG   -         MIRROR     (not yet preferred)
 */
static inline void make_machine(void)
{
	assert_int_equal(qy_memblock_add(&mb, PAGE, 15 * PAGE, 0, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 16 * PAGE, 16 * PAGE, 0, QY_MEMBLOCK_HOTPLUG), 0);
	assert_int_equal(qy_memblock_add(&mb, 32 * PAGE, 16 * PAGE, 1, 0), 0);
	assert_int_equal(qy_memblock_add(&mb, 48 * PAGE, 16 * PAGE, 1, QY_MEMBLOCK_MIRROR), 0);
}

#endif
