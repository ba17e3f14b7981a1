/* SPDX-License-Identifier: MIT */
/*
 * pointer.h - what a pointer that is none of the allocator's points to.
 *
 *   Pointer 0x56385f6b4040 (/usr/bin/prog+0x4040)   in the variable or function of that name
 *   Pointer 0x7f1234567000                          as the mappings of the process say, if it lives
 */
#ifndef QUARRY_POINTER_H
#define QUARRY_POINTER_H

#include <stdbool.h>

#include "symbolize.h"

/*
 * @line: a line of a report; @pid: who wrote it, 0: not known; @symbols: may be NULL.
 * Return: what to print instead, to be freed; NULL: another line, or nothing more is known.
 */
char *pointer_explain(const char *line, long pid, struct symbolizer *symbols);

#endif
