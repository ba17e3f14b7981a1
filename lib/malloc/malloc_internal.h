/* SPDX-License-Identifier: MIT */
/*
 * malloc_internal.h - what the files of the drop-in share. Read by C and C++.
 *
 *   malloc.c      the C library's calls            new.cc    operator new and delete
 *   start.c       the instance comes up            boot_arena.c  memory while it does not stand yet
 *   fork.c        locks over fork()                sink.c    where reports go
 *   reserve.c     memory for signal handlers       handler.c what they ask of the heap
 *   exit.c        the last look at the heap        foreign.c other modules' operator new
 *   exec.c        … before exec                    crash.c   … when a signal ends the program
 *   explain.c     why a crash was one              touched.c what a forked child has written
 *   family.c      what parents and children told
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
/* Is the calling thread inside a slow half of the drop-in, that is: may it hold locks? */
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

/* ---- reserve.c: any context ---- */

/* Zeroed; NULL: used up, or above 1 MiB. */
void *qy__reserve_alloc(size_t size, size_t align);
bool qy__reserve_owns(const void *p);
size_t qy__reserve_size(const void *p);
void qy__reserve_free(void *p);
/* @object, of the heap, is to be released by the next call that may. */
void qy__reserve_defer(void *object, const struct qy__call *call);
/* Is there something to be followed, or to be told? */
bool qy__reserve_has_news(void);
/* Is the caller the one to tell that a handler came amid a call? Once yes. */
bool qy__reserve_to_tell(void);
void qy__reserve_follow(void (*release)(void *object, struct qy__call *call));

/* ---- handler.c ---- */

/*
 * Bytes that may be read of an object of the heap; 0: not to be had without a lock. Takes none.
 */
size_t qy__malloc_peek_size(const struct qy_mm *mm, const void *p);
/* Say that a signal handler came amid a call. */
void qy__malloc_tell_handler(struct qy_mm *mm);

/* ---- foreign.c ---- */

void qy__malloc_foreign_init(void);
/* Is @caller code of a module with an operator new of its own? */
bool qy__malloc_is_foreign(uintptr_t caller);

/* ---- fork.c, exit.c ---- */

void qy__malloc_fork_init(void);
void qy__malloc_exit_init(void);
void qy__malloc_exit_forked(void); /* in the child */
bool qy__malloc_exit_is_forked(void);
/* Is the caller the one to take the last look? If so, nobody else is until it is unclaimed. */
bool qy__malloc_exit_claim(void);
void qy__malloc_exit_unclaim(void);
/* @hurried: within bounds. */
void qy__malloc_exit_look(bool hurried);

/* ---- family.c, touched.c, exec.c, crash.c, explain.c: debug build only ---- */

void qy__family_init(void);
/* While @on, damage that a relative has told is not told. */
void qy__family_look(bool on);
/* Find out what was written since fork(); false: it cannot be had. */
bool qy__touched_find(const struct qy_mm *mm);
bool qy__touched_is(void *mm, const void *start, size_t len);
void qy__exec_init(void);
/* Watch the signals that end the program. */
void qy__crash_init(struct qy_mm *mm);
/* Say why the access was refused, if it is known; @info, @context: of the handler. */
void qy__crash_explain(struct qy_mm *mm, int sig, const void *info, void *context);

/* ---- sink.c ---- */

/* Reports of @mm go to the file that the debug string names, or to standard error. */
void qy__malloc_sink_init(struct qy_mm *mm);

QY_END_DECLS

#endif
