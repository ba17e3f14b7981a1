/* SPDX-License-Identifier: MIT */
/*
 * sink.c - reports of the drop-in: as text, to the file that report=PATH names, else to standard
 * error.
 *
 * The file is opened for each report and closed again: a program that closes all descriptors, or
 * forks, cannot make a report land in a file of its own. "%p" in the path is the process number.
 * One write() per report; lines of two processes do not mix (O_APPEND). The text is built in a
 * fixed buffer under a lock of its own, the last one taken. A child of fork() cannot find it held:
 * the report lock, which every caller holds, is taken over fork().
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "debug/debug.h"
#include "malloc/malloc_internal.h"
#include "util/fmt.h"
#include "util/lock.h"

static struct qy__lock lock;
static char text[64 << 10];
static char path_pattern[256];

static void make_path(char *path, size_t size)
{
	struct qy__buf buf = {.p = path, .cap = size};
	const char *p = path_pattern, *mark;

	while ((mark = strstr(p, "%p")) != NULL) {
		qy__fmt(&buf, "%.*s%d", (int)(mark - p), p, (int)getpid());
		p = mark + 2;
	}
	qy__fmt(&buf, "%s", p);
}

static void tell(const struct qy_report *report, void *ctx)
{
	char path[sizeof(path_pattern) + 64];
	int saved = errno, fd = -1;
	size_t len;

	(void)ctx;
	qy__lock(&lock);
	len = qy_report_text(report, text, sizeof(text));
	len = min(len, sizeof(text) - 1);
	if (path_pattern[0]) {
		make_path(path, sizeof(path));
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	}
	qy__write_all(fd >= 0 ? fd : STDERR_FILENO, text, len);
	if (fd >= 0)
		close(fd);
	qy__unlock(&lock);
	errno = saved;
}

void qy__malloc_sink_init(struct qy_mm *mm)
{
	if (mm->debug)
		memcpy(path_pattern, mm->debug->config.report_path, sizeof(path_pattern));
	qy_mm_set_sink(mm, (struct qy_report_sink){.fn = tell});
}
