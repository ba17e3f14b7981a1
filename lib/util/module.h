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

/*
 * Remember which files these addresses lie in, @when (a clock that does not go back; not 0): they
 * may be unloaded later. For addresses of the calling thread's stack. No lock, no memory.
 */
void qy__module_note(const uintptr_t *pc, unsigned int n, uint64_t when);

/* As the first two, of the file that lay there @when; 0, or not noted: what lies there now. */
bool qy__module_at(uintptr_t pc, uint64_t when, char *path, size_t size, uintptr_t *offset);
const char *qy__module_name_at(uintptr_t pc, uint64_t when, uintptr_t *offset);

/* The program's short name, for messages; never NULL. */
const char *qy__program_name(char *buf, size_t size);

#endif
