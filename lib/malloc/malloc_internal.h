/* SPDX-License-Identifier: MIT */
/*
 * malloc_internal.h - what the files of the drop-in share. Read by C and C++.
 *
 *   malloc.c      the C library's calls            new.cc    operator new and delete
 *   start.c       the instance comes up            boot_arena.c  memory while it does not stand yet
 *   fork.c        locks over fork()                sink.c    where reports go
 *   exit.c        the last look at the heap        foreign.c other modules' operator new
 *   dl.c          dlopen without RTLD_DEEPBIND     libc_block.c  the C library's own blocks
 *   operators.c   operators that the program replaced   module.c  the program's modules
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
/* The way back for an operator delete that claims a size or an alignment, as @form says. */
void qy__malloc_delete(void *p, unsigned int form, size_t size, size_t align, enum qy_family family,
		       uintptr_t caller);
/* The same for a delete that says nothing but its family. */
void qy__malloc_delete_plain(void *p, enum qy_family family, uintptr_t caller);
/* Is the calling thread inside a call of the drop-in? Known in the debug build only. */
bool qy__malloc_is_inside(void);

/* ---- start.c ---- */

/* The instance once it stands, else NULL. Read it once per call. */
extern struct qy_mm *qy__malloc_mm __attribute__((visibility("hidden")));
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

/* Is @caller code of a module with an operator new or delete of its own? */
bool qy__malloc_is_foreign(uintptr_t caller);
void qy__malloc_foreign_forget(void); /* modules may come */

/* ---- dl.c, libc_block.c ---- */

void qy__malloc_dl_init(void);
void qy__libc_block_init(void);
/* Is @p, which is in no memory of ours, a block of the C library's malloc? @usable: its bytes. */
bool qy__libc_block(const void *p, size_t *usable);
void qy__libc_block_free(void *p);

/* ---- fork.c, exit.c, sink.c ---- */

void qy__malloc_fork_init(void);
void qy__malloc_exit_init(void);
void qy__malloc_exit_forked(void); /* in the child */
/* Reports of @mm go to the file that the debug string names, or to standard error. */
void qy__malloc_sink_init(struct qy_mm *mm);

QY_END_DECLS

#endif
