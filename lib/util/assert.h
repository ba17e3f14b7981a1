/* SPDX-License-Identifier: MIT */
/*
 * assert.h - our own invariants. Levels are cumulative; a disabled assertion still compiles.
 *   1 cheap, argument-sized   2 walks something short   3 walks anything
 */
#ifndef QY_UTIL_ASSERT_H
#define QY_UTIL_ASSERT_H

#include "util/compiler.h"

QY_NORETURN QY_COLD void qy__assert_fail(const char *expr, const char *file, int line);

#define qy__assert_level(level, cond)                                                              \
	do {                                                                                       \
		if (QY_CONFIG_ASSERT_LEVEL >= (level) && unlikely(!(cond)))                        \
			qy__assert_fail(#cond, __FILE__, __LINE__);                                \
	} while (0)
#define qy__assert(cond) qy__assert_level(1, cond)
#define qy__assert_slow(cond) qy__assert_level(2, cond)
#define qy__assert_paranoid(cond) qy__assert_level(3, cond)

#endif
