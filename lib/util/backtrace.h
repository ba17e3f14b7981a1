/* SPDX-License-Identifier: MIT */
/*
 * backtrace.h - return addresses of the callers.
 *
 * Most programs are built without frame pointers, so an unwinder is used where one can be had:
 * libunwind is loaded at run time (RTLD_LOCAL: its _Unwind_* names must not shadow libgcc's), else
 * libgcc's, else the frame pointer chain, each link of which is checked to lie on the caller's
 * stack before it is followed. The unwinder may allocate; a thread inside it gets empty backtraces
 * for those allocations.
 */
#ifndef QY_UTIL_BACKTRACE_H
#define QY_UTIL_BACKTRACE_H

#include <stdbool.h>
#include <stdint.h>

/* Look for an unwinder. Idempotent; called once before the first backtrace that matters. */
void qy__backtrace_init(void);

/*
 * Up to @max return addresses, innermost first, leaving out this function and @skip callers.
 * Return: how many. Never fails, never blocks on a lock of the library.
 */
unsigned int qy__backtrace(uintptr_t *pcs, unsigned int max, unsigned int skip);

/*
 * The stack from a public function's caller on, with that function itself as first frame. @caller:
 * its return address; a stack in which it does not occur is given whole; no stack: @caller alone.
 * No lock may be held: the unwinder has its own, and may allocate.
 */
unsigned int qy__backtrace_from(uintptr_t *pcs, unsigned int max, uintptr_t caller);

/*
 * Is @p on the calling thread's stack, between here and its end? false is no proof: the thread may
 * run on a stack that the program made. No lock, no memory, no system call.
 */
bool qy__is_on_own_stack(uintptr_t p);

/*
 * The stack that a signal handler was called upon; @context: its ucontext_t. The first address is
 * one behind the instruction that was interrupted. Neither the handler's own stack nor any lock of
 * ours is needed.
 */
unsigned int qy__backtrace_of(uintptr_t *pcs, unsigned int max, void *context);

/* Frame pointers only: async-signal-safe. */
unsigned int qy__backtrace_fp(uintptr_t *pcs, unsigned int max, unsigned int skip);

/*
 * fork(): prepare keeps other threads out of the unwinder, for a moment at most, and waits for
 * those inside; a child in whose unwinder a thread may have been caught uses frame pointers. Called
 * by qy__percpu_fork_*().
 */
void qy__backtrace_fork_prepare(void);
void qy__backtrace_fork_parent(void);
void qy__backtrace_fork_child(void);

/* May the calling thread make the system calls that the above make? At first, yes. */
void qy__backtrace_allow(bool on);

#endif
