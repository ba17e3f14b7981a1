/* SPDX-License-Identifier: MIT */
/*
 * percpu.h - "which CPU am I": the slot whose sheaves the caller may use without a lock.
 *
 * thread provider: a slot per thread, process-wide (a thread has the same slot in every instance).
 * The slot is taken at the thread's first call and handed back by a thread-exit hook, with whatever
 * its sheaves hold: the next thread to get the slot goes on with them. A thread without a slot (all
 * taken, or so late in its exit that the hook has run) is QY__NO_CPU and uses the locked path.
 *
 * manual provider: the caller says which CPU it is (percpu_manual.c).
 *
 * The thread slots (percpu_thread.c) are the one piece of state outside the instances: they belong
 * to the process.
 */
#ifndef QY_UTIL_PERCPU_H
#define QY_UTIL_PERCPU_H

#include <stdint.h>

#include <quarry/page.h>

#include "util/compiler.h"

#define QY__MAX_CPUS 256u	/* thread slots */
#define QY__NO_CPU QY__MAX_CPUS /* index of the "nobody" sheaf, which is always empty and full */
#define QY__CPU_UNSET (QY__MAX_CPUS + 1)

/* An instance's part in it: who runs. */
struct qy__cpus {
	unsigned int current; /* MANUAL: the CPU that the caller set */
	unsigned int nr;      /* sheaves per cache, page lists per zone */
	enum qy_cpu_provider provider;
	unsigned int online; /* THREAD: how many can run at once */
};

/* ---- percpu_manual.c ---- */

/* The caller is @cpu from now on. 0; -EPERM: another provider; -EINVAL: there is no such CPU. */
int qy__percpu_set(struct qy__cpus *cpus, unsigned int cpu);

/* ---- percpu_thread.c ---- */

extern __thread unsigned int qy__thread_cpu __attribute__((tls_model("initial-exec")));

QY_COLD unsigned int qy__thread_cpu_slow(void); /* takes a slot, or answers QY__NO_CPU */

/* The calling thread's slot, QY__NO_CPU if it has none; takes one at the first call. */
static inline unsigned int qy__thread_slot(void)
{
	unsigned int cpu = qy__thread_cpu;

	return likely(cpu != QY__CPU_UNSET) ? cpu : qy__thread_cpu_slow();
}

/* The calling CPU: an index below cpus->nr, or QY__NO_CPU. */
static inline unsigned int qy__this_cpu(const struct qy__cpus *cpus)
{
	return cpus->provider == QY_CPU_MANUAL ? cpus->current : qy__thread_slot();
}

/* fork(): prepare takes the slot lock; in the child every slot but the caller's is free again. */
void qy__percpu_fork_prepare(void);
void qy__percpu_fork_parent(void);
void qy__percpu_fork_child(void);

#endif
