/* SPDX-License-Identifier: MIT */
/*
 * malloc_internal.h - what the files of the drop-in share. Read by C and C++.
 *
 *   malloc.c      the C library's calls            new.cc    operator new and delete
 *   start.c       the instance comes up            boot_arena.c  memory while it does not stand yet
 *   fork.c        locks over fork()                sink.c    where reports go
 *   exit.c        the last look at the heap        foreign.c other modules' operator new
 *   strict.c      threads without system calls
 */
#ifndef QY_MALLOC_MALLOC_INTERNAL_H
#define QY_MALLOC_MALLOC_INTERNAL_H

#include <quarry/debug.h>

#include "slab/call.h"

QY_BEGIN_DECLS

/* ---- malloc.c ---- */

/*
 * Memory for operator new: NULL iff there is none, errno untouched. @align 0: the usual; else a
 * power of two.
 * @caller: return address of the operator.
 */
void *qy__malloc_new(size_t size, size_t align, enum qy_family family, uintptr_t caller);
/* The way back for operator delete; @call tells which, and what it claims. */
void qy__malloc_delete(void *p, struct qy__call *call);
/* The same for a delete that says nothing but its family. */
void qy__malloc_delete_plain(void *p, enum qy_family family, uintptr_t caller);
/* Is the calling thread inside a call of the drop-in? Known in the debug build only. */
bool qy__malloc_is_inside(void);

/* ---- start.c ---- */

/* The instance once it stands, else NULL. Read it once per call. */
extern struct qy_mm *qy__malloc_mm;
/*
 * Bring the instance up, or wait until another thread has. NULL: the caller is the one that does so
 * (memory comes from the boot arena), or it could not be done (*@failed).
 */
struct qy_mm *qy__malloc_start(bool *failed);
/*
 * The value of an environment variable, also before the C library knows of the environment; NULL:
 * not set, or the program runs with other rights than its user's. Valid until the next call.
 */
const char *qy__malloc_getenv(const char *name);

/* ---- boot_arena.c ---- */

void *qy__boot_alloc(size_t size, size_t align); /* zeroed; NULL: used up */
bool qy__boot_owns(const void *p);
size_t qy__boot_size(const void *p);

/* ---- foreign.c ---- */

void qy__malloc_foreign_init(void);
/* Is @caller code of a module with an operator new of its own? */
bool qy__malloc_is_foreign(uintptr_t caller);

/* ---- fork.c, exit.c, sink.c ---- */

void qy__malloc_fork_init(void);
void qy__malloc_exit_init(void);
void qy__malloc_exit_forked(void); /* in the child */
/* Reports of @mm go to the file that the debug string names, or to standard error. */
void qy__malloc_sink_init(struct qy_mm *mm);

QY_END_DECLS

#endif
