/* SPDX-License-Identifier: MIT */
/*
 * plant.h - faults planted on purpose, to prove that checker, model and fuzzers find them.
 *
 * QY_CONFIG_PLANT is 0 in every library that is installed: qy__planted(NAME) folds to false. In the
 * "planted" variant it is 1 and qy__plant_id picks the fault at run time (0: none). The list of the
 * faults, with who must find each, is plants.def.
 */
#ifndef QY_UTIL_PLANT_H
#define QY_UTIL_PLANT_H

#include <stdbool.h>

#include "util/compiler.h"

enum qy__plant {
	QY__PLANT_NONE,
#define PLANT(number, name, target, file, what) QY__PLANT_##name = (number),
#include "util/plants.def"
};

#if QY_CONFIG_PLANT
extern int qy__plant_id;
static inline bool qy__is_plant(enum qy__plant plant)
{
	return unlikely(qy__plant_id == (int)plant);
}
#else
static inline bool qy__is_plant(enum qy__plant plant)
{
	(void)plant;
	return false;
}
#endif

/* Is this fault planted? @name: as in plants.def. */
#define qy__planted(name) qy__is_plant(QY__PLANT_##name)

#endif
