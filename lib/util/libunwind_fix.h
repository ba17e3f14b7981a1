/* SPDX-License-Identifier: MIT */
/* libunwind_fix.h - keep libunwind off the program's file descriptors. */
#ifndef QY_UTIL_LIBUNWIND_FIX_H
#define QY_UTIL_LIBUNWIND_FIX_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Redirect what the loaded libunwind imports for its pipe; @lib is from dlopen().
 * Return: false if it would still use a pipe: then it must not be used at all.
 */
bool qy__libunwind_fix(void *lib);

/* Whether the word that holds @addr can be read. Async-signal-safe. */
bool qy__is_readable(uintptr_t addr);

#endif
