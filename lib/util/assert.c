/* SPDX-License-Identifier: MIT */
/*
 * assert.c - the end of a process whose allocator has found itself broken.
 *
 * A handler of the program's for SIGABRT could call malloc on the broken instance: it does not run.
 */
#include "util/assert.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "util/fmt.h"

void qy__assert_fail(const char *expr, const char *file, int line)
{
	char text[512];
	struct qy__buf buf = QY__BUF(text);
	struct sigaction dfl;
	sigset_t set;

	qy__fmt(&buf, "quarry: %s:%d: assertion failed: %s", file, line, expr);
	buf.len = min(buf.len, sizeof(text) - 1);
	text[buf.len++] = '\n';
	qy__write_all(2, text, buf.len);

	memset(&dfl, 0, sizeof(dfl));
	dfl.sa_handler = SIG_DFL;
	sigaction(SIGABRT, &dfl, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGABRT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	abort();
}
