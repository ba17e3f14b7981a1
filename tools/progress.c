/* SPDX-License-Identifier: MIT */
/*
 * progress.c - see progress.h.
 */
#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 1000
#define INTERVAL_MS 500
#define ERASE "\r\033[K" /* to the line's begin, clear it */

static bool shown, running;
static long begin, next;
static unsigned long steps;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_step(const char *what)
{
	long now = now_ms();

	if (!running) {
		running = true;
		begin = now;
		next = now + PATIENCE_MS;
	}
	steps++;
	if (now < next || !isatty(STDERR_FILENO))
		return;
	next = now + INTERVAL_MS;
	shown = true;
	fprintf(stderr, ERASE "quarry: looking up names, %lu frames, %ld s: %.60s", steps,
		(now - begin) / 1000, what);
}

void progress_end(void)
{
	if (shown)
		fputs(ERASE, stderr);
	shown = running = false;
}
