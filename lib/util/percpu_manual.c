/* SPDX-License-Identifier: MIT */
/*
 * percpu_manual.c - the caller says which CPU it is: fuzzers, models, programs without threads.
 */
#include "util/percpu.h"

#include <errno.h>

int qy__percpu_set(struct qy__cpus *cpus, unsigned int cpu)
{
	if (cpus->provider != QY_CPU_MANUAL)
		return -EPERM;
	if (cpu >= cpus->nr)
		return -EINVAL;
	cpus->current = cpu;
	return 0;
}
