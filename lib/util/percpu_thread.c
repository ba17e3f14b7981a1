/* SPDX-License-Identifier: MIT */
/*
 * percpu_thread.c - thread slots: which thread may use which per-CPU data of every instance without
 * a lock.
 *
 *   first call → slow path takes the lowest free slot → … → thread exit: hook hands it back
 *                     └ none free, or no hook to be had: QY__NO_CPU for good
 *
 * Lock: slot_lock guards the bitmap, and nothing is called under it. It also carries the contents
 * of a slot's sheaves from the thread that leaves to the one that comes (release, acquire).
 *
 * This is process-wide state; fork() therefore also settles the other such state, the unwinder's.
 */
#include "util/percpu.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "util/backtrace.h"
#include "util/bitops.h"
#include "util/inside.h"
#include "util/lock.h"

__thread unsigned int qy__thread_cpu __attribute__((tls_model("initial-exec"))) = QY__CPU_UNSET;

/* How often this thread is between prepare and parent/child: several instances may ask for it. */
static __thread unsigned int fork_depth __attribute__((tls_model("initial-exec")));

static struct qy__lock slot_lock;
static uint64_t taken[QY__MAX_CPUS / 64];
static enum { KEY_NONE, KEY_MADE, KEY_REFUSED } key_state;
static pthread_key_t key;

__thread unsigned int qy__inside __attribute__((tls_model("initial-exec")));

static void put_slot(unsigned int slot)
{
	qy__lock(&slot_lock);
	qy__clear_bit(taken, slot);
	qy__unlock(&slot_lock);
}

/* The C library and later hooks go on allocating and freeing after this: without a slot. */
static void thread_exit_hook(void *arg)
{
	unsigned int slot = (unsigned int)(uintptr_t)arg - 1;

	qy__thread_cpu = QY__NO_CPU;
	qy__barrier();
	put_slot(slot);
}

static unsigned int get_slot_locked(void)
{
	if (key_state == KEY_NONE)
		key_state = pthread_key_create(&key, thread_exit_hook) ? KEY_REFUSED : KEY_MADE;
	if (key_state == KEY_REFUSED)
		return QY__NO_CPU; /* a slot that no hook hands back would be lost */

	for (unsigned int i = 0; i < ARRAY_SIZE(taken); i++) {
		if (~taken[i]) {
			unsigned int slot = i * 64 + qy__ctz(~taken[i]);

			qy__set_bit(taken, slot);
			return slot;
		}
	}
	return QY__NO_CPU;
}

/* The C library may allocate for it: no lock is held here. */
static bool set_hook(unsigned int slot)
{
	unsigned int depth = qy__inside_put_aside();
	int err = pthread_setspecific(key, (void *)((uintptr_t)slot + 1));

	qy__inside_restore(depth);
	return !err;
}

unsigned int qy__thread_cpu_slow(void)
{
	int saved = errno;
	unsigned int slot;

	if (qy__thread_cpu != QY__CPU_UNSET)
		return qy__thread_cpu;
	if (fork_depth) /* this thread holds the lock; it gets a slot after the fork */
		return QY__NO_CPU;

	qy__lock(&slot_lock);
	slot = get_slot_locked();
	qy__unlock(&slot_lock);

	/* First the slot, then the hook: to set the hook may allocate, which comes back here. */
	qy__thread_cpu = slot;
	qy__barrier();
	if (slot != QY__NO_CPU && !set_hook(slot)) {
		qy__thread_cpu = QY__NO_CPU;
		qy__barrier();
		put_slot(slot);
	}
	errno = saved;
	return qy__thread_cpu;
}

void qy__percpu_fork_prepare(void)
{
	if (fork_depth++)
		return;
	qy__backtrace_fork_prepare();
	qy__lock(&slot_lock);
}

void qy__percpu_fork_parent(void)
{
	if (--fork_depth)
		return;
	qy__unlock(&slot_lock);
	qy__backtrace_fork_parent();
}

void qy__percpu_fork_child(void)
{
	if (--fork_depth)
		return;
	memset(taken, 0, sizeof(taken));
	if (qy__thread_cpu < QY__MAX_CPUS)
		qy__set_bit(taken, qy__thread_cpu);
	qy__lock_reset(&slot_lock);
	qy__backtrace_fork_child();
}
