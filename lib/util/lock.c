/* SPDX-License-Identifier: MIT */
/*
 * lock.c - the contended half of a one-word mutex.
 *
 * The classic three states (Drepper, "Futexes Are Tricky", mutex 2): whoever has slept takes the
 * lock as "held with sleepers", for it cannot know whether it was the last; that costs one spare
 * wake and loses none. errno is kept: these are called from malloc.
 */
#include "util/lock.h"

#include <linux/futex.h>

#include "util/cpu_relax.h"
#include "util/sys.h"

/* The critical sections are short: most holders are gone before a sleep in the kernel would pay. */
#define NR_SPINS 100

static void futex(uint32_t *word, int op, uint32_t val)
{
	qy__sys6(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, 0, 0, 0);
}

void qy__lock_slow(struct qy__lock *lock)
{
	for (int i = 0; i < NR_SPINS; i++) {
		uint32_t word = qy__load_relaxed(&lock->word);

		if (word == 0 && qy__trylock(lock))
			return;
		if (word == 2)
			break; /* others sleep already: queue behind them */
		qy__cpu_relax();
	}
	while (qy__xchg_acquire(&lock->word, 2) != 0)
		futex(&lock->word, FUTEX_WAIT, 2);
}

void qy__unlock_slow(struct qy__lock *lock)
{
	futex(&lock->word, FUTEX_WAKE, 1);
}
