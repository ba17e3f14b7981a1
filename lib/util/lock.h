/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a mutex of one word, in memory the instance owns.
 *
 * 0 free, 1 held, 2 held with sleepers. A contended lock sleeps in the kernel (futex). The zero
 * word is an unlocked lock; a lock held over fork() is released in the child with qy__lock_reset().
 *
 * As long as the process has one thread, as the C library knows, plain loads and stores do: nobody
 * is there to be kept out, and a second thread sees all that came before it was started.
 */
#ifndef QY_UTIL_LOCK_H
#define QY_UTIL_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "util/atomic.h"
#include "util/compiler.h"

#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define QY__SINGLE_THREADED __libc_single_threaded
#endif
#endif
#ifndef QY__SINGLE_THREADED
#define QY__SINGLE_THREADED false
#endif

struct qy__lock {
	uint32_t word;
};

QY_COLD void qy__lock_slow(struct qy__lock *lock);
QY_COLD void qy__unlock_slow(struct qy__lock *lock);

static inline bool qy__trylock(struct qy__lock *lock)
{
	uint32_t zero = 0;

	return qy__cas_acquire(&lock->word, &zero, 1);
}

static inline void qy__lock(struct qy__lock *lock)
{
	if (QY__SINGLE_THREADED && likely(!qy__load_relaxed(&lock->word)))
		qy__store_relaxed(&lock->word, 1);
	else if (unlikely(!qy__trylock(lock)))
		qy__lock_slow(lock);
}

static inline void qy__unlock(struct qy__lock *lock)
{
	if (QY__SINGLE_THREADED)
		qy__store_release(&lock->word, 0);
	else if (unlikely(qy__xchg_release(&lock->word, 0) == 2))
		qy__unlock_slow(lock);
}

static inline bool qy__is_locked(const struct qy__lock *lock)
{
	return qy__load_relaxed(&lock->word) != 0;
}

static inline void qy__lock_reset(struct qy__lock *lock)
{
	qy__store_release(&lock->word, 0);
}

#endif
