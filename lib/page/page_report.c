/* SPDX-License-Identifier: MIT */
/*
 * page_report.c - reports about an instance: what the floor of reports does not know, for it lies
 * below the instance.
 *
 * Lock: report.lock, the last of all.
 */
#include "page/page_report.h"

#include "util/backtrace.h"

void qy__report_emit(struct qy_report *r)
{
	r->when = qy__osif_now(&r->mm->os);
	qy__report_tell(&r->mm->report, r);
}

void qy__report_bad_page(struct qy_mm *mm, enum qy_report_kind kind, const void *addr,
			 const struct qy_page *page, const char *title, uintptr_t caller)
{
	uintptr_t pc[QY_STACK_MAX];
	struct qy_report r;

	qy__report_init(&r, mm, kind, "page");
	qy__report_title(&r, "%s", title);
	r.object = addr;
	if (page) {
		r.object = r.slab = qy__page_addr(mm, page);
		r.object_size = QY_PAGE_SIZE << (page->order <= mm->max_order ? page->order : 0);
	}
	r.here.nr = qy__backtrace_from(pc, QY_STACK_MAX, caller);
	r.here.pc = pc;
	r.here.tid = qy__osif_tid();
	qy__report_fix(&r, "Object at 0x%lx not freed", (unsigned long)(uintptr_t)r.object);
	qy__report_emit(&r);
}

void qy_mm_set_sink(struct qy_mm *mm, struct qy_report_sink sink)
{
	qy__lock(&mm->report.lock);
	mm->report.sink = sink;
	qy__unlock(&mm->report.lock);
}

void qy_mm_set_policy(struct qy_mm *mm, enum qy_policy policy)
{
	qy__lock(&mm->report.lock);
	mm->report.policy = policy;
	qy__unlock(&mm->report.lock);
}

uint64_t qy_mm_reports(const struct qy_mm *mm)
{
	return qy__load_relaxed(&mm->report.found);
}
