/* SPDX-License-Identifier: MIT */
/*
 * module.h - which file an instruction comes from, so that a tool can find its name later.
 */
#ifndef QY_UTIL_MODULE_H
#define QY_UTIL_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The file @pc was loaded from, in @path, and its address in that file's own terms (load bias taken
 * off). false: not code that the dynamic linker loaded. No lock, no memory, async-signal-safe.
 */
bool qy__module_of(uintptr_t pc, char *path, size_t size, uintptr_t *offset);

/*
 * The same without a system call: the name as the dynamic linker has it, "" for the program itself,
 * or NULL.
 */
const char *qy__module_name(uintptr_t pc, uintptr_t *offset);

/* The program's short name, for messages; never NULL. */
const char *qy__program_name(char *buf, size_t size);

#endif
