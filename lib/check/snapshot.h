/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - the figures of zones and caches, for texts: as qy_zone_stat_get() and
 * qy_cache_info() give them, but of an instance that may be damaged.
 *
 * What cannot be read counts 0. A lock that cannot be had is done without.
 */
#ifndef QY_CHECK_SNAPSHOT_H
#define QY_CHECK_SNAPSHOT_H

#include "check/walk.h"

struct qy__pcp;

/* Begin. False: nothing that @mm says of itself may be believed. */
bool qy__snapshot_begin(struct qy__check *ck, struct qy_mm *mm);

/* The zone with index @z, below mm->nr_zones. Takes grow_lock, then the zone's. */
void qy__snapshot_zone(struct qy__check *ck, unsigned int z, struct qy_zone_stat *stat);
/* The pages of the zone with index @z that exist. */
void qy__snapshot_span(const struct qy__check *ck, unsigned int z, uint32_t *start, uint32_t *end);
/* Its CPUs' lists, mm->cpus.nr of them; NULL: none. */
const struct qy__pcp *qy__snapshot_pcp(const struct qy__check *ck, unsigned int z);

/* As qy__cache_walk_begin(), for all caches that are there then. */
bool qy__snapshot_caches(struct qy__cache_walk *w, struct qy__check *ck);
/* A cache that a walk gave out, its name ended in any case. Takes its lock. */
void qy__snapshot_cache(struct qy__check *ck, struct qy_cache *c, struct qy_cache_info *info);
/* Only nr_slabs, nr_partial, total_objects, and live_objects with those in sheaves. */
void qy__snapshot_slabs(struct qy__check *ck, struct qy_cache *c, struct qy_cache_info *info);

#endif
