/* SPDX-License-Identifier: MIT */
/*
 * osif.c - what the back ends share: time and the name of the thread.
 *
 * The constructors leave os->clock to their caller. errno is kept by everything on this floor.
 */
#include "osif/osif_internal.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const struct qy__osif_ops *qy__osif_back_end[QY__NR_OSIF] = {
	[QY__OSIF_ANON] = &qy__osif_anon_ops,
	[QY__OSIF_CLAIM] = &qy__osif_claim_ops,
	[QY__OSIF_ARENA] = &qy__osif_arena_ops,
};

#define NSEC_PER_SEC UINT64_C(1000000000)

uint64_t qy__osif_now(const struct qy__osif *os)
{
	struct timespec ts = {.tv_sec = 0};

	if (os->clock.fn)
		return os->clock.fn(os->clock.ctx);
	if (os->back_end == QY__OSIF_ARENA)
		return 0; /* nothing is asked of the system, and a run can be repeated */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Not cached: a child of fork() or vfork() must not answer with its parent's number. */
int qy__osif_tid(void)
{
	return (int)syscall(SYS_gettid);
}
