/* SPDX-License-Identifier: MIT */
/*
 * report.h - found → described → decided: a floor of its own, so that every floor above the
 * operating system may report. In every build.
 *
 * A finder fills a struct qy_report on its stack (init, then the fields it knows), and emits it:
 * sequence number, hash, sink, policy. Nothing here allocates. Locks of the finder may be held; the
 * report lock is the last of all.
 *
 * Text form (report_text.c):
 *   77 '='
 *   BUG <cache> (<comm>[<pid>]): <title>
 *   77 '-'
 *   <blank>
 *   Quarry: <kind>: <in words>
 *   [The write happened some time before this point. …]   (where damage was found, not its making)
 *   [Pointer 0x…: on the stack of thread T | Pointer 0x… (<file>+0x…) | Pointer 0x…]
 *   QY seq=1 kind=heap-overflow cache=kmalloc-32 object=0x… size=24 offset=24 len=1
 *      expected=0xcc found=0x41 alloc=malloc free=- hash=0x… pid=… tid=…           (one line)
 *   [0x…-0x… @offset=N. First byte 0x41 instead of 0xcc]
 *   Allocated age=2.500s cpu=… tid=…     (frames follow, also under the next two)
 *   Freed age=… cpu=… tid=…
 *   Found at tid=…
 *       #0 0x55d0c0de1234 (/usr/bin/prog+0x1234)
 *   Slab 0x… objects=… used=… fp=0x… flags=…
 *   Object 0x… @offset=… fp=0x…
 *   Redzone  0x…: bb bb … / Object   … / Redzone  … / Padding  …
 *                 ^^                       (below each damaged byte)
 *   FIX <cache>: Restoring Right Redzone 0x…-0x…=0xcc
 *
 * offset= (QY line) counts from the object's start, @offset= from the slab's (there is none without
 * a slab). alloc= is the family of functions that the object came from, free= that of the call
 * which found the fault; "-": the kernel's API, or no release. age= is the time up to the report.
 * pid= is the process, tid= the thread that found it; under a stack: the thread of that stack.
 *   77 '='
 */
#ifndef QY_REPORT_REPORT_H
#define QY_REPORT_REPORT_H

#include <quarry/debug.h>

#include "util/compiler.h"
#include "util/lock.h"

/* An instance's part in it. */
struct qy__report_state {
	struct qy__lock lock;
	struct qy_report_sink sink;
	enum qy_policy policy;
	uint64_t found; /* reports that are bugs */
	uint64_t seq;
};

void qy__report_init(struct qy_report *r, struct qy_mm *mm, enum qy_report_kind kind,
		     const char *cache);
__attribute__((format(printf, 2, 3))) void qy__report_title(struct qy_report *r, const char *fmt,
							    ...);
__attribute__((format(printf, 2, 3))) void qy__report_fix(struct qy_report *r, const char *fmt,
							  ...);
/* A process's own: true of what another process has told already. NULL: nothing is. */
extern bool (*qy__report_is_told)(const struct qy_report *r);
/* A report ends the process: nothing more is to be looked at. */
extern bool qy__dying;
/* Is the calling thread inside a sink? */
bool qy__in_report(void);
/*
 * Number, hash, tell, decide: @st is that of the instance the report speaks of. Does not return
 * under QY_POLICY_ABORT when the kind is a bug. Floors that know the instance call
 * qy__report_emit() (page/page_report.h), which also says when it was.
 */
void qy__report_tell(struct qy__report_state *st, struct qy_report *r);

/* The default sink: text on standard error. */
void qy__report_to_stderr(const struct qy_report *r, void *ctx);

#endif
