/* SPDX-License-Identifier: MIT */
/*
 * frame.h - one line of a stack, and whose code it is.
 *
 *       #0 0x55d0c0de1234 (/usr/bin/prog+0x1234)
 *
 * A stack begins in the allocator, goes through the C or C++ library and functions that only hand
 * memory on, and comes to the code that the reader wants to know about: the first frame that is
 * FRAME_USER names a report.
 */
#ifndef QUARRY_FRAME_H
#define QUARRY_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "symbolize.h"

struct raw_frame {
	unsigned int number;
	char pc[20];  /* as it was written */
	char *module; /* to be freed; NULL: code that belongs to no file */
	uint64_t offset;
};

enum frame_owner {
	FRAME_OURS,    /* the allocator */
	FRAME_LIBRARY, /* libc, libstdc++, their headers' inline functions */
	FRAME_WRAPPER, /* xmalloc() and the like */
	FRAME_USER
};

/* @line: no newline at its end. false: no frame, @frame is undefined. */
bool frame_parse(const char *line, struct raw_frame *frame);
/* Whose it is as far as the module's name tells: OURS, LIBRARY or USER. */
enum frame_owner frame_module_owner(const struct raw_frame *frame);
/* @sym: what is known of it, or NULL. */
enum frame_owner frame_owner(const struct raw_frame *frame, const struct sym_frame *sym);
/* Functions of this name only hand memory on. The string is kept. */
void frame_add_wrapper(const char *name);

#endif
