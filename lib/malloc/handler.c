/* SPDX-License-Identifier: MIT */
/*
 * handler.c - what a signal handler that came amid a call of malloc's asks of the heap: answered by
 * reading alone.
 */
#include "debug/debug.h"
#include "kmalloc/locate.h"
#include "malloc/malloc_internal.h"

size_t qy__malloc_peek_size(const struct qy_mm *mm, const void *p)
{
	struct qy__place at = qy__locate(mm, p);

	if (!qy__place_is_live(mm, &at))
		return 0;
	if (at.kind == QY__PLACE_LARGE)
		return at.head->large.size;
	return qy__cache_is_debug(at.cache) ? qy__debug_object_size(at.cache, at.object)
					    : at.cache->layout.object_size;
}

/* A message, no finding: the program goes on. */
void qy__malloc_tell_handler(struct qy_mm *mm)
{
	struct qy_report r;

	qy__report_init(&r, mm, QY_REPORT_TRACE, "malloc");
	qy__report_title(&r, "quarry: a signal handler that interrupted malloc or free called one "
			     "of them: served from a reserve");
	qy__report_emit(&r);
}
