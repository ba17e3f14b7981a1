/* SPDX-License-Identifier: MIT */
/*
 * exit.c - the last look at the heap: damage to objects that are never freed is found when the
 * process ends.
 *
 * Ways out: return from main and exit() → destructor; quick_exit() → its handler; _exit() and
 * _Exit(), which end a forked child → stood in for; a signal → crash.c; the exec family → exec.c.
 * One look per process; none in a child of vfork(), which has another process number but its
 * parent's memory.
 *   - If the calling thread is amid a call of the allocator (a signal handler may call _exit()), it
 *     holds locks: what is locked is left out.
 *   - A child of fork() looks at what was written since (touched.c): the rest is its parent's
 *     business, and a program may have many children. What is told once is not told again by
 *     another process of the family (family.c).
 * In the release build nothing is looked at.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "debug/debug.h"
#include "instance.h"
#include "malloc/malloc_internal.h"
#include "util/atomic.h"
#include "util/compiler.h"

#define MOST_BYTES ((size_t)4 << 30) /* of objects that a hurried look looks at */

static pid_t owner; /* 0: not wanted */
static bool is_forked;
static uint32_t looked;

bool qy__malloc_exit_claim(void)
{
	uint32_t no = 0;

	return QY_CONFIG_DEBUG && qy__load_acquire(&qy__malloc_mm) && owner && owner == getpid() &&
	       !qy__load_relaxed(&qy__dying) && qy__cas_acq_rel(&looked, &no, 1);
}

void qy__malloc_exit_unclaim(void)
{
	qy__store_release(&looked, 0);
}

void qy__malloc_exit_look(bool hurried)
{
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);
	struct qy__look look = {.left = SIZE_MAX, .at_once = qy__malloc_is_inside()};

	if (!QY_CONFIG_DEBUG)
		return;
	if (hurried)
		look.left = MOST_BYTES;
	if (is_forked && qy__touched_find(mm)) {
		look.is_wanted = qy__touched_is;
		look.arg = mm;
	}
	qy__family_look(true);
	if (hurried || look.at_once || look.is_wanted)
		qy__validate_look(mm, &look);
	else
		qy_validate(mm);
	qy__family_look(false);
}

static void last_look(void)
{
	if (qy__malloc_exit_claim())
		qy__malloc_exit_look(false);
}

bool qy__malloc_exit_is_forked(void)
{
	return is_forked;
}

void qy__malloc_exit_init(void)
{
	owner = getpid();
	if (QY_CONFIG_DEBUG)
		qy__family_init();
	at_quick_exit(last_look);
}

void qy__malloc_exit_forked(void)
{
	if (owner)
		owner = getpid();
	is_forked = true;
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
