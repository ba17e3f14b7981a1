/* SPDX-License-Identifier: MIT */
/* page_debug_report.h - what page debugging finds, told. */
#ifndef QY_PAGE_PAGE_DEBUG_REPORT_H
#define QY_PAGE_PAGE_DEBUG_REPORT_H

#include "page/page_debug.h"

/*
 * The stack from @caller on, at most QY_STACK_MAX frames; all of it if @caller is not in it.
 * @locked: a lock is held that malloc takes: frame pointers only. Return: how many.
 */
unsigned int qy__page_backtrace(uintptr_t *pc, uintptr_t caller, bool locked);
/* The poison of the free block @start is damaged from @first to @last; it is restored. */
void qy__report_poison(struct qy_mm *mm, uint8_t *start, size_t len, uint8_t *first, uint8_t *last,
		       uintptr_t caller, bool locked);
/* @page, of the block @head from a free list, is not free: @reason. Told 60 times a minute. */
void qy__report_bad_page_state(struct qy_mm *mm, struct qy_page *head, const struct qy_page *page,
			       unsigned int order, const char *reason, uintptr_t caller);

#endif
