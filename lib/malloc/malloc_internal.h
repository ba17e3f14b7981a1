/* SPDX-License-Identifier: MIT */
/*
 * malloc_internal.h - what the files of the drop-in share. Read by C and C++.
 *
 *   malloc.c      the C library's calls            new.cc    operator new and delete
 *   start.c       the instance comes up            boot_arena.c  memory while it does not stand yet
 *   fork.c        locks over fork()                sink.c    reports as text
 *   reserve.c     memory for signal handlers       handler.c what they ask of the heap
 *   exit.c        the last look at the heap        foreign.c other modules' operator new
 *   out.c         where text goes                  announce.c    the tool is told of processes
 *   exec.c        … before exec, and the tool is told   crash.c  … when a signal ends the program
 *   explain.c     why a crash was one              touched.c     what a forked child has written
 *   family.c      what parents and children told   strict.c      threads without system calls
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
/* Is the calling thread inside a slow half of the drop-in, that is: may it hold locks? */
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

/* Is @caller code of a module with an operator new or delete of its own? */
bool qy__malloc_is_foreign(uintptr_t caller);
void qy__malloc_foreign_forget(void); /* modules may come */

/* ---- dl.c, libc_block.c ---- */

void qy__malloc_dl_init(void);
void qy__libc_block_init(void);
/* Is @p, which is in no memory of ours, a block of the C library's malloc? @usable: its bytes. */
bool qy__libc_block(const void *p, size_t *usable);
void qy__libc_block_free(void *p);

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

/* ---- family.c, touched.c, crash.c, explain.c: debug build only ---- */

void qy__family_init(void);
/* While @on, damage that a relative has told is not told. */
void qy__family_look(bool on);
/* Find out what was written since fork(); false: it cannot be had. */
bool qy__touched_find(const struct qy_mm *mm);
bool qy__touched_is(void *mm, const void *start, size_t len);
/* Watch the signals that end the program. */
void qy__crash_init(struct qy_mm *mm);
/* Say why the access was refused, if it is known; @info, @context: of the handler. */
void qy__crash_explain(struct qy_mm *mm, int sig, const void *info, void *context);

/* ---- sink.c ---- */

/* Reports of @mm go where the debug string says, or to standard error. */
void qy__malloc_sink_init(struct qy_mm *mm);

/* ---- out.c ---- */

/* Takes over where the debug string of @mm sends text, and remembers standard error. */
void qy__out_init(const struct qy_mm *mm);
/* To the tool, by its socket or the file. false: it did not get there. */
bool qy__out_tool(const char *text, size_t len);
/* To what was standard error at the start, if that still is to be had. */
void qy__out_stderr(const char *text, size_t len);
/* Does a tool listen? */
bool qy__out_has_channel(void);

/* ---- announce.c ---- */

void qy__announce_start(void);
void qy__announce_exec(const char *path);
void qy__announce_stay(void);
void qy__announce_spawn(long pid, const char *path);

QY_END_DECLS

#endif
