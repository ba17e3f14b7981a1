/* SPDX-License-Identifier: MIT */
/*
 * origins.h - which reports are the same bug seen again.
 *
 * Equal are reports of one kind with equal stacks: where the object was allocated, where it was
 * freed, where the damage was found. A frame counts as file and offset, never as an address, so
 * processes that loaded their files at different places agree; frames of the allocator and of the
 * C and C++ libraries do not count.
 */
#ifndef QUARRY_ORIGINS_H
#define QUARRY_ORIGINS_H

#include <stdbool.h>
#include <stdio.h>

#include "text.h"

struct origins;
struct origin;

struct origins *origins_new(void);
void origins_free(struct origins *o);
/* One more @report (raw text) came from process @pid; *@is_new: the first of its origin. */
struct origin *origins_note(struct origins *o, long pid, const char *report, bool *is_new);
/* Takes "function file:line" of each stack over: @place becomes NULLs. */
void origin_set_places(struct origin *origin, char *place[TEXT_NR_STACKS]);

/* "… and N more like number M of process P (KIND)" for each that came again. */
void origins_print_rest(const struct origins *o, FILE *out);
/* How many; @by_line: lines of the table. */
unsigned int origins_different(const struct origins *o, bool by_line);
/* "WHO: COUNT x KIND, allocated in PLACE, …"; lines that would read the same are one. */
void origins_print_table(const struct origins *o, const char *who, FILE *out);

#endif
