/* SPDX-License-Identifier: MIT */
/* zone.h - which pages belong to which zone, and which zones an allocation may use. */
#ifndef QY_PAGE_ZONE_H
#define QY_PAGE_ZONE_H

#include "page/page.h"

/* Names, empty spans, ends from the configuration (bytes from base). 0 / -EINVAL: not ascending. */
int qy__zones_init(struct qy_mm *mm, const size_t limit[QY_NR_ZONES]);
/* Pages [start, end) exist now: widen the zones they fall in and mark the pages with their zone. */
void qy__zones_add(struct qy_mm *mm, uint32_t start, uint32_t end);
/* The highest zone @gfp allows; fallback goes downwards from there. */
enum qy_zone_type qy__gfp_zone(qy_gfp_t gfp);
/* The zone a pfn falls into by the limits. */
enum qy_zone_type qy__pfn_zone(const struct qy_mm *mm, uint32_t pfn);

#endif
