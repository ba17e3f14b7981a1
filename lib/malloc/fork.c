/* SPDX-License-Identifier: MIT */
/*
 * fork.c - the child of a threaded program gets an instance on which nobody is at work.
 *
 *   prepare   takes every lock of the instance, so that no other thread is amid anything
 *   parent    gives them back
 *   child     resets them; the slots of the threads that are no more are free again
 *
 * Handlers run in reverse order of registration before the fork. Ours are registered when the first
 * memory is asked for, that is before nearly all others, and so run after those, which may still
 * allocate.
 */
#include <pthread.h>

#include <quarry/page.h>

#include "malloc/malloc_internal.h"

static void prepare(void)
{
	if (qy__malloc_mm)
		qy_mm_fork_prepare(qy__malloc_mm);
}

static void parent(void)
{
	if (qy__malloc_mm)
		qy_mm_fork_parent(qy__malloc_mm);
}

static void child(void)
{
	if (!qy__malloc_mm)
		return;
	qy_mm_fork_child(qy__malloc_mm);
	qy__malloc_exit_forked();
}

void qy__malloc_fork_init(void)
{
	pthread_atfork(prepare, parent, child);
}
