/* SPDX-License-Identifier: MIT */
/*
 * sink.c - reports of the drop-in: as text, to the tool or the file that QUARRY_DEBUG names, else
 * to standard error; see out.c.
 *
 * The text is built in a fixed buffer under a lock of its own, the last one taken. A child of
 * fork() cannot find it held: the report lock, which every caller holds, is taken over fork().
 */
#include <errno.h>

#include "malloc/malloc_internal.h"
#include "util/compiler.h"
#include "util/lock.h"

static struct qy__lock lock;
static char text[64 << 10];

static void tell(const struct qy_report *report, void *ctx)
{
	int saved = errno;
	size_t len;

	(void)ctx;
	qy__lock(&lock);
	len = qy_report_text(report, text, sizeof(text));
	len = min(len, sizeof(text) - 1);
	if (!qy__out_tool(text, len))
		qy__out_stderr(text, len);
	qy__unlock(&lock);
	errno = saved;
}

void qy__malloc_sink_init(struct qy_mm *mm)
{
	qy__out_init(mm);
	qy_mm_set_sink(mm, (struct qy_report_sink){.fn = tell});
}
