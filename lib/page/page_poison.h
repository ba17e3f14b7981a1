/* SPDX-License-Identifier: MIT */
/*
 * page_poison.h - what the memory of free pages holds: between page_debug.c and page_poison.c. More
 * of the latter is in page_debug.h.
 */
#ifndef QY_PAGE_PAGE_POISON_H
#define QY_PAGE_PAGE_POISON_H

#include "page/page_debug.h"

/* Memory that is given back: poison, or zeroes, and no access, as far as they are on. */
void qy__fill_free(struct qy_mm *mm, uint8_t *p, size_t len);
/* UNMAP: memory that is handed out can be accessed again. */
void qy__map_pages(struct qy_mm *mm, void *p, size_t len);
/*
 * The poison of a block is whole, or is reported, from its first to its last damaged byte, and
 * restored. @caller, @locked: see qy__page_backtrace(). Return: reports, 0 or 1.
 */
unsigned int qy__check_poison(struct qy_mm *mm, uint8_t *start, size_t len, uintptr_t caller,
			      bool locked);

#endif
