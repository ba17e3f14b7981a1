/* SPDX-License-Identifier: MIT */
/*
 * text.h - the text of a report, line by line: raw frames become symbolised ones.
 *
 *       #0 0x55d0c0de1234 (/usr/bin/prog+0x1234)
 *   =>  #0 0x55d0c0de1234 in copy_name prog.c:31 (inlined)
 *       #0 0x55d0c0de1234 in main+0x51 prog.c:40 (/usr/bin/prog+0x1234)
 *
 * "Allocated", "Freed" and "Found at" lines name the first frame of the user's (frame.h): that line
 * has to wait for its frames. Every other line passes as it is.
 */
#ifndef QUARRY_TEXT_H
#define QUARRY_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "frame.h"
#include "symbolize.h"

enum text_stack { TEXT_NONE, TEXT_ALLOCATED, TEXT_FREED, TEXT_FOUND, TEXT_NR_STACKS };

struct text {
	FILE *out;
	struct symbolizer *symbols; /* NULL: frames stay raw */
	long pid;		    /* of the writer, 0: not known */
	enum text_stack stack;	    /* whose frames are coming */
	char *header;		    /* of that stack, held back; NULL: none */
	char *name;		    /* the function that names the stack, once known */
	FILE *frames;		    /* frames behind the held header */
	char *frames_text;
	size_t frames_len;
	char *place[TEXT_NR_STACKS]; /* per stack: "function file:line" of that frame, or NULL */
	enum frame_owner named_by[TEXT_NR_STACKS]; /* whose frame that is */
};

/* Which stack's frames follow raw @line? */
enum text_stack text_stack_of(const char *line);

void text_init(struct text *t, FILE *out, struct symbolizer *symbols);
/* @line: one line with no newline. */
void text_line(struct text *t, const char *line);
/* What is held back comes out. May be followed by more lines. */
void text_flush(struct text *t);
/* Flush, and forget everything. */
void text_end(struct text *t);

#endif
