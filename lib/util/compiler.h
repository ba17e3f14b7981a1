/* SPDX-License-Identifier: MIT */
/* compiler.h - the few things C11 lacks. */
#ifndef QY_UTIL_COMPILER_H
#define QY_UTIL_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#include "qy_config.h" /* generated: QY_CONFIG_* are 0, 1 or a number, always defined */

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define QY_NOINLINE __attribute__((noinline))
#define QY_COLD __attribute__((cold, noinline))
#define QY_ALWAYS_INLINE inline __attribute__((always_inline))
#define QY_UNUSED __attribute__((unused))
#define QY_NORETURN __attribute__((noreturn))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define min(a, b)                                                                                  \
	({                                                                                         \
		__auto_type min_a = (a);                                                           \
		__auto_type min_b = (b);                                                           \
		min_a < min_b ? min_a : min_b;                                                     \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__auto_type max_a = (a);                                                           \
		__auto_type max_b = (b);                                                           \
		max_a > max_b ? max_a : max_b;                                                     \
	})

/* A compiler barrier: what a fork() or a signal on this thread sees keeps program order. */
#define qy__barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#define QY_PAGE_SIZE ((size_t)1 << QY_CONFIG_PAGE_SHIFT)
#define QY_PAGE_MASK (QY_PAGE_SIZE - 1)

/*
 * Planted faults: qy__plant(n) is false in every build but the one the self-tests use, where one
 * fault is chosen at run time. See lib/util/plant.h.
 */

#endif
