/* SPDX-License-Identifier: MIT */
/*
 * fork.c - the child of a threaded program gets an instance on which nobody is at work.
 *
 *   prepare   takes every lock of the instance, so that no other thread is amid anything
 *   parent    gives them back
 *   child     resets them; the slots of the threads that are no more are free again
 *
 * Handlers run in reverse order of registration before the fork, in order after it. Others may
 * allocate, and so ours have to be the first that are registered: the C library's call for that is
 * stood in for, and registers ours before it passes any other on. What may nevertheless come
 * between prepare and parent or child, a signal handler for one, is served from the reserve.
 *
 * A handler of a signal that came amid a call of malloc's may fork, too: the thread holds locks
 * that it cannot take again. Then none is taken; in the child the handler, and what it calls, goes
 * on with the reserve.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include <quarry/page.h>

#include "malloc/malloc_internal.h"
#include "util/atomic.h"
#include "util/compiler.h"
#include "util/inside.h"

typedef int (*register_fn)(void (*)(void), void (*)(void), void (*)(void), void *);

/* Forks of this thread in which prepare() did nothing: handlers may fork, too. */
static __thread unsigned int nr_left_alone __attribute__((tls_model("initial-exec")));
static uint32_t registered;

static void prepare(void)
{
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);

	if (!mm || qy__inside) {
		nr_left_alone++;
		return;
	}
	qy_mm_fork_prepare(mm);
	qy__inside++;
}

static bool was_left_alone(void)
{
	if (!nr_left_alone)
		return false;
	nr_left_alone--;
	return true;
}

static void parent(void)
{
	if (was_left_alone())
		return;
	qy__inside--;
	qy_mm_fork_parent(qy__malloc_mm);
}

static void child(void)
{
	if (!was_left_alone()) {
		qy__inside--;
		qy_mm_fork_child(qy__malloc_mm);
	}
	qy__malloc_exit_forked();
}

static int call_library(void (*before)(void), void (*here)(void), void (*there)(void), void *dso)
{
	static register_fn library;
	register_fn fn = qy__load_relaxed(&library);

	if (!fn) {
		*(void **)&fn = dlsym(RTLD_NEXT, "__register_atfork");
		qy__store_relaxed(&library, fn);
	}
	return fn ? fn(before, here, there, dso) : ENOSYS;
}

void qy__malloc_fork_init(void)
{
	uint32_t no = 0;

	if (qy__cas_acq_rel(&registered, &no, 1))
		pthread_atfork(prepare, parent, child);
}

/* pthread_atfork() of the GNU C library is this, with the module that asks. */
QY_API int __register_atfork(void (*before)(void), void (*here)(void), void (*there)(void),
			     void *dso);
QY_API int __register_atfork(void (*before)(void), void (*here)(void), void (*there)(void),
			     void *dso)
{
	qy__malloc_fork_init();
	return call_library(before, here, there, dso);
}
