/* SPDX-License-Identifier: MIT */
/*
 * tool.h - what the subcommands of `quarry` share.
 *
 *   quarry.c        dispatch
 *   cmd_*.c         one subcommand each: options, order of steps
 *   target.c        the program to be run: found? can it be preloaded?
 *   target_symbols.c what it defines
 *   debug_string.c  what the checking malloc is told: options and the user's own
 *   child.c         the program under the tool     living.c  processes that go on
 *   channel.c       the socket that reports and announcements come by
 *   watch.c         which processes were checked   cleanup.c no folder is left
 *   preload.c       where the preload library is, how it gets into the environment
 *   reports.c       report files → whole reports → printed once, counted
 *   origins.c       which reports are the same bug seen again
 *   text.c          report text with raw frames → text with symbols
 *   frame.c         whose code a frame is: ours, the C library's, a wrapper's, the user's
 *   pointer.c       what a pointer that is none of the allocator's points to
 *   symbolize.c     module and offset → function, file, line
 *   functions.c     … by an index of each compilation unit's functions
 *   symbols.c       … and of the symbol table
 *   progress.c      a line on the terminal while that takes long
 *   util.c          strings, messages
 */
#ifndef QUARRY_TOOL_H
#define QUARRY_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes; those above 2 are what env(1), timeout(1) and the shells use. */
enum {
	TOOL_USAGE = 2,
	TOOL_FAILED = 125, /* the tool itself could not do its work */
	TOOL_NOT_EXECUTABLE = 126,
	TOOL_NOT_FOUND = 127,
};

/* Subcommands. argv[0] is "quarry NAME", for messages. */
int cmd_check(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_symbolize(int argc, char **argv);
int cmd_fuzz(int argc, char **argv);

/* ---- util.c: memory is never exhausted here, the tool ends with a message instead ---- */

void *tool_alloc(size_t size);
void *tool_grow(void *p, size_t size);
char *tool_dup(const char *s);
char *tool_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "WHO: text\n" on standard error. */
void tool_error(const char *who, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Directory of the running executable, with no '/' at its end. */
char *tool_directory(void);
const char *tool_basename(const char *path);
/* A whole decimal number in @min..@max. */
bool tool_parse_number(const char *s, unsigned long min, unsigned long max, unsigned long *value);
/* Digits with K, M or G behind them. */
bool tool_is_size(const char *s);

/*
 * Descriptors 0-2 that were closed at the start lead nowhere while this process runs, so that none
 * of its files becomes one of them; they are closed again before it becomes another program.
 */
void tool_hold_standard(void);
void tool_release_standard(void);

/* ---- target.c ---- */

/*
 * Find @name as a shell would (PATH when there is no slash in it).
 * Return: 0 and *@path, else TOOL_NOT_FOUND or TOOL_NOT_EXECUTABLE after a message.
 */
int target_find(const char *who, const char *name, char **path);

/*
 * Can @library be slipped under @path? Scripts are judged by their interpreter.
 * Return: 0, or TOOL_USAGE after a message that says why not.
 */
int target_check(const char *who, const char *path, const char *library);

/* Why @library cannot be slipped under @name, without that name; to be freed. NULL: it can. */
char *target_obstacle(const char *name, const char *library);

/* ---- target_symbols.c ---- */

/* Does the program at @path define the function @name - or, if @undefined_too, ask for it? */
bool target_has_symbol(const char *path, const char *name, bool undefined_too);

/* ---- debug_string.c ---- */

/* What the command line says; NULL: nothing. */
struct debug_items {
	const char *slab_debug, *quarantine, *red_zone, *policy, *validate;
};

/*
 * QUARRY_DEBUG for the program: the command line's items, the user's where the command line says
 * nothing, the defaults, then @ours. What cannot be taken of the user's is told.
 */
char *debug_string(const char *who, const struct debug_items *items, const char *user,
		   const char *ours);

/* ---- living.c ---- */

bool process_is_alive(long pid); /* and no zombie */
/*
 * Other processes that are alive and have @mark in their environment, or hold the socket with
 * @inode at @fd: "123 (prog), 130 (helper)", to be freed, and how many. NULL: none.
 */
char *processes_living(const char *mark, int fd, unsigned long inode, unsigned int *nr);

/* ---- cleanup.c ---- */

/* The folder to be removed, with the files in it. */
void cleanup_folder(const char *path);
void cleanup_now(void);
/* Remove it, and end by that signal. */
void cleanup_die(int signal_number);

/* ---- preload.c ---- */

/*
 * Full path of the library @file, from the environment's @variable, the build tree or the place of
 * installation. Return: NULL after a message.
 */
char *preload_find(const char *who, const char *variable, const char *file);
/* Put @library in front of LD_PRELOAD in this process's environment. */
void preload_set(const char *library);

#endif
