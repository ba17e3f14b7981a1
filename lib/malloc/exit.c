/* SPDX-License-Identifier: MIT */
/*
 * exit.c - the last look at the heap: damage to objects that are never freed is found when the
 * process ends.
 *
 * Ways out: return from main and exit() → destructor; quick_exit() → its handler; _exit() and
 * _Exit(), which end a forked child → stood in for. One look per process. None
 *   - in a child of vfork(), which has another process number but its parent's memory;
 *   - if the calling thread is inside the allocator (a signal handler may call _exit()): it holds
 *     locks.
 * In the release build nothing is looked at.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <quarry/slab.h>

#include "malloc/malloc_internal.h"
#include "util/atomic.h"
#include "util/compiler.h"

static pid_t owner; /* 0: not wanted */
static uint32_t looked;

static void last_look(void)
{
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);
	uint32_t no = 0;

	if (!QY_CONFIG_DEBUG || !mm || !owner || owner != getpid() || qy__malloc_is_inside())
		return;
	if (qy__cas_acq_rel(&looked, &no, 1))
		qy_validate(mm);
}

void qy__malloc_exit_init(void)
{
	owner = getpid();
	at_quick_exit(last_look);
}

void qy__malloc_exit_forked(void)
{
	if (owner)
		owner = getpid();
	looked = 0;
}

__attribute__((destructor(101))) static void destructor(void)
{
	last_look();
}

QY_API QY_NORETURN void _exit(int status)
{
	last_look();
	for (;;)
		syscall(SYS_exit_group, status);
}

QY_API QY_NORETURN void _Exit(int status)
{
	_exit(status);
}
