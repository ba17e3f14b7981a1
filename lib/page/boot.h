/* SPDX-License-Identifier: MIT */
/* boot.h - from a span of memory to zones of free pages: between mm.c and boot.c. */
#ifndef QY_PAGE_BOOT_H
#define QY_PAGE_BOOT_H

#include "page/page.h"

/*
 * The boot map of a fresh instance, and the books that the page floor needs: descriptors (arena),
 * zones, lists of zones, per-CPU page lists. 0 / -EINVAL / -ENOMEM.
 */
int qy__boot_books(struct qy_mm *mm, const struct qy_mm_config *cfg);
/* Pages [start, end) are committed: they become free pages of their zones. Lock: grow_lock. */
void qy__boot_online(struct qy_mm *mm, uint32_t start, uint32_t end);

#endif
