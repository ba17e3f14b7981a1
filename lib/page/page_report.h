/* SPDX-License-Identifier: MIT */
/*
 * page_report.h - reports about an instance: for page/ and every floor above it.
 *
 * Locks of the finder may be held; the report lock is the last of all.
 */
#ifndef QY_PAGE_REPORT_H
#define QY_PAGE_REPORT_H

#include "page/page.h"
#include "report/report.h"

/* Say when it was, then tell it: see qy__report_tell(). @r->mm is set. */
void qy__report_emit(struct qy_report *r);

/* A finding of the page floor about @page (may be NULL: no such page) or @addr. */
void qy__report_bad_page(struct qy_mm *mm, enum qy_report_kind kind, const void *addr,
			 const struct qy_page *page, const char *title, uintptr_t caller);

#endif
