/* SPDX-License-Identifier: MIT */
/*
 * reports.h - what the checked processes write, on its way to the reader.
 *
 *   channel's messages ──take──┐
 *   report.PID files ────poll──┴▶ whole reports ──origin seen before?──▶ symbolised, printed
 *                                                       └─▶ only counted
 *
 * A process that cannot reach the channel appends to a file of its own, one write() per report: a
 * report is never mixed with another, but the tool may read only a part of it. Either way
 * announcing lines (watch.h) may come, too.
 */
#ifndef QUARRY_REPORTS_H
#define QUARRY_REPORTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "symbolize.h"

struct reports_options {
	FILE *out;
	bool symbols;
	bool count_only;					  /* print none in full */
	void (*announced)(void *ctx, long pid, const char *line); /* NULL: nobody wants to know */
	void *ctx;
};

struct reports;

/* @dir: holds, or will hold, files named report.PID. */
struct reports *reports_new(const char *dir, const struct reports_options *options);
/* Print what has come since the last time. */
void reports_poll(struct reports *r);
/* A message of process @pid. */
void reports_take(struct reports *r, long pid, const char *text, size_t len);
/* No more will come: print what is left, complete or not, then how many were only counted. */
void reports_finish(struct reports *r);
/* One line for each different report; those that would read the same are one. */
void reports_print_table(const struct reports *r, const char *who, FILE *out);

uint64_t reports_total(const struct reports *r);
/* Of different origin (origins.h), processes put together; with count_only: lines of the table. */
unsigned int reports_different(const struct reports *r);
/* "prog[123], helper[130]": the processes that reported, at most a few of them. */
char *reports_processes(const struct reports *r);
/* Removes the files, too. */
void reports_free(struct reports *r);

#endif
