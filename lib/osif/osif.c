/* SPDX-License-Identifier: MIT */
/*
 * osif.c - what the back ends share: their table, and the time.
 *
 * The constructors leave os->clock to their caller. errno is kept by everything on this floor.
 */
#include "osif/osif_internal.h"

const struct qy__osif_ops *qy__osif_back_end[QY__NR_OSIF] = {
	[QY__OSIF_ANON] = &qy__osif_anon_ops,
	[QY__OSIF_CLAIM] = &qy__osif_claim_ops,
	[QY__OSIF_ARENA] = &qy__osif_arena_ops,
};

uint64_t qy__osif_now(const struct qy__osif *os)
{
	if (os->clock.fn)
		return os->clock.fn(os->clock.ctx);
	if (os->back_end == QY__OSIF_ARENA)
		return 0; /* nothing is asked of the system, and a run can be repeated */
	return qy__osif_monotonic();
}
