/* SPDX-License-Identifier: MIT */
/* plant.c - which planted fault is active; part of the "planted" variant only. 0: none. */
#include "util/plant.h"

int qy__plant_id = QY_CONFIG_PLANT_ID; /* 0 unless -Dplant= names one */
