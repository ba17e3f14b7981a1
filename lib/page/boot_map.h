/* SPDX-License-Identifier: MIT */
/* boot_map.h - an instance's memory before there is a buddy: memblock, or a bitmap per node. */
#ifndef QY_PAGE_BOOT_MAP_H
#define QY_PAGE_BOOT_MAP_H

#include "page/page.h"

/*
 * All pages that are there but the holes are free, the instance itself is not. Nodes, limits and
 * holes are known. Afterwards qy__mm_boot_alloc() serves (page/mm.h). 0 / -ENOMEM.
 */
int qy__boot_map_init(struct qy_mm *mm, enum qy_early_allocator which);
/*
 * The end: pass each run of free whole pages to @give, once; the maps' own pages are among them.
 * Sets early.done, early.free.
 */
void qy__boot_map_hand_over(struct qy_mm *mm,
			    void (*give)(struct qy_mm *mm, uint32_t start, uint32_t end));

#endif
