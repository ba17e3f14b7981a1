/* SPDX-License-Identifier: MIT */
/*
 * mm.h - the page floor's half of an instance's life: placing it, booting it, growing it.
 * Who calls it: lib/instance.c, which builds the floors from the ground up.
 */
#ifndef QY_PAGE_MM_H
#define QY_PAGE_MM_H

#include "page/page.h"

/* That of this build. */
struct qy__abi qy__abi(void);
/*
 * Step 1: put the instance at the start of its span and fill the boot map (early.memory /
 * .reserved).
 * Return: the instance, or NULL with errno EINVAL / ENOMEM.
 */
struct qy_mm *qy__mm_place(const struct qy_mm_config *cfg);
/*
 * Step 2, by each floor in turn: @size zeroed bytes that live as long as the instance; NULL: none
 * left.
 */
void *qy__mm_boot_alloc(struct qy_mm *mm, size_t size, size_t align);
/* Step 3: size the zones and hand all that is free to the buddy. 0 / -ENOMEM (no page left). */
int qy__mm_handover(struct qy_mm *mm);
/*
 * Bring in at least @npages more in one run. 0, or -ENOMEM: the span is used up or the system
 * refuses.
 */
int qy__mm_grow(struct qy_mm *mm, uint32_t npages);
/* Give the span back; @mm is gone. */
void qy__mm_release(struct qy_mm *mm);
/* fork(): the page floor's locks. */
void qy__mm_lock_all(struct qy_mm *mm);
void qy__mm_unlock_all(struct qy_mm *mm);

#endif
