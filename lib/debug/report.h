/* SPDX-License-Identifier: MIT */
/*
 * report.h - found → described → decided. In every build: the page floor reports too.
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
 *   Quarry: <kind in words>
 *   QY seq=1 kind=heap-overflow cache=kmalloc-32 object=0x… size=24 offset=24 len=1
 *      expected=0xcc found=0x41 alloc=malloc free=- hash=0x…                       (one line)
 *   [0x…-0x… @offset=N. First byte 0x41 instead of 0xcc]
 *   Allocated age=… cpu=… pid=…          (frames follow, also under the next two)
 *   Freed age=… cpu=… pid=…
 *   Found at
 *       #0 0x55d0c0de1234 (/usr/bin/prog+0x1234)
 *   Slab 0x… objects=… used=… fp=0x… flags=…
 *   Object 0x… @offset=… fp=0x…
 *   Redzone  0x…: bb bb … / Object   … / Redzone  … / Padding  …
 *   FIX <cache>: Restoring Right Redzone 0x…-0x…=0xcc
 *   77 '='
 */
#ifndef QY_DEBUG_REPORT_H
#define QY_DEBUG_REPORT_H

#include <quarry/debug.h>

#include "page/page.h"
#include "util/fmt.h"

void qy__report_init(struct qy_report *r, struct qy_mm *mm, enum qy_report_kind kind,
		     const char *cache);
__attribute__((format(printf, 2, 3))) void qy__report_title(struct qy_report *r, const char *fmt,
							    ...);
__attribute__((format(printf, 2, 3))) void qy__report_fix(struct qy_report *r, const char *fmt,
							  ...);
/* Is the calling thread inside a sink? */
bool qy__in_report(void);
/* Number, hash, tell, decide. Does not return under QY_POLICY_ABORT when the kind is a bug. */
void qy__report_emit(struct qy_report *r);

/* A finding of the page floor about @page (may be NULL: no such page) or @addr. */
void qy__report_bad_page(struct qy_mm *mm, enum qy_report_kind kind, const void *addr,
			 const struct qy_page *page, const char *title, uintptr_t caller);

/*
 * The stack from the public function's caller on, with that function itself as first frame. @caller
 * is the return address of the public function; a stack in which it does not occur is given whole.
 * No lock may be held.
 */
unsigned int qy__backtrace_from(uintptr_t *pcs, unsigned int max, uintptr_t caller);

/* The default sink: text on standard error. */
void qy__report_to_stderr(const struct qy_report *r, void *ctx);

#endif
