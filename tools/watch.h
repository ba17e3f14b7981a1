/* SPDX-License-Identifier: MIT */
/*
 * watch.h - which processes were checked, and which were not.
 *
 *   EXPECTED ──"start ours"───▶ WATCHED ──"exec"──▶ EXPECTED …
 *      │     ──"start other"──▶ OTHER ──"reached"──▶ WATCHED
 *      ▼ ends
 *   not checked
 *
 * The drop-in says "start" in each program that loads it, and names each program that its process
 * is about to become (lib/malloc/announce.c). A program that is expected and ends without a word
 * was not checked. Programs started by one that is not checked are not seen.
 */
#ifndef QUARRY_WATCH_H
#define QUARRY_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define WATCH_MARK "QYM " /* begins what is no report */

struct watch;

struct watch *watch_new(const char *library);
void watch_free(struct watch *w);
/* The program at @path runs as @pid. */
void watch_expect(struct watch *w, long pid, const char *path);
/* A line of the drop-in's, WATCH_MARK included. */
void watch_line(struct watch *w, long pid, const char *line);
/* Is @pid, or any process, checked as the program it is now? */
bool watch_is_watched(const struct watch *w, long pid);
unsigned int watch_nr_watched(const struct watch *w);
/*
 * One line for each process that was not checked, with the reason (NULL: none). Those that still
 * run and may yet say something are left out.
 * Return: "prog[123], helper[130] and 5 more", to be freed; NULL: none.
 */
char *watch_unchecked(const struct watch *w, const char *who, FILE *out);

#endif
