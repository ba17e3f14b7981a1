/* SPDX-License-Identifier: MIT */
/*
 * plant.h - faults planted on purpose, to prove that checker, model and fuzzers find them.
 *
 * QY_CONFIG_PLANT is 0 in every library that is installed: qy__planted(n) folds to false. In the
 * "planted" variant it is 1 and qy__plant_id picks the fault at run time (0: none). A list of the
 * faults, with who must find each, is in tests/mutate/plants.def.
 */
#ifndef QY_UTIL_PLANT_H
#define QY_UTIL_PLANT_H

#include <stdbool.h>

#include "util/compiler.h"

#if QY_CONFIG_PLANT
extern int qy__plant_id;
static inline bool qy__planted(int n)
{
	return unlikely(qy__plant_id == n);
}
#else
static inline bool qy__planted(int n)
{
	(void)n;
	return false;
}
#endif

#endif
