/* SPDX-License-Identifier: MIT */
/*
 * backtrace.c - return addresses of the callers.
 *
 *   state: NONE → SEARCHING → LIBUNWIND | LIBGCC | FRAME_POINTERS | STATIC
 *   A child of fork() may fall back to the last.
 *
 * The unwinder takes locks of its own and of the dynamic linker, and may allocate. So
 *   - a backtrace must not be taken with a lock held that malloc takes: a thread in dlopen() holds
 *     the linker's lock and calls malloc, the unwinder waits for that lock (dl_iterate_phdr);
 *   - what it allocates comes back here and gets an empty backtrace (in_unwinder);
 *   - fork() while another thread holds such a lock would leave it held in the child, for ever.
 *     Each thread in the unwinder is therefore counted, and fork() waits, within reason, until
 *     there is none.
 */
#include "util/backtrace.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unwind.h>

#include <quarry/debug.h>

#include "util/align.h"
#include "util/atomic.h"
#include "util/compiler.h"
#include "util/context.h"
#include "util/inside.h"
#include "util/libunwind_fix.h"
#include "util/percpu.h"
#include "util/sys.h"

#define MAX_DEPTH 128u		       /* frames looked at, the skipped ones included */
#define MAX_OWN_FRAMES 6u	       /* of this file, in an unwinder's answer */
#define MAX_FRAME_SIZE (1024ul * 1024) /* a link longer than this is taken for a stray register */
#define SMALLEST_PAGE 4096ul
#define MAX_STACK (8ul << 20) /* the usual limit of a stack */
#define NR_COUNTERS 16u
#define FORK_PATIENCE_US 50000u
#define DEEPEST QY_STACK_MAX /* frames of a stack that is kept … */
#define OWN_FRAMES 12	     /* … and of the library, on top of it */

/* Stray links may lead to red zones of the program's own sanitizer. */
#define NO_SANITIZE __attribute__((no_sanitize("address", "thread")))

enum { NONE, SEARCHING, LIBUNWIND, LIBGCC, FRAME_POINTERS, STATIC };
static int state;

static int (*unw_backtrace)(void **buffer, int size);
static int (*unw_start)(void *cursor, void *context, int flag);
static int (*unw_step)(void *cursor);
static int (*unw_reg)(void *cursor, int reg, uintptr_t *value);
static _Unwind_Reason_Code (*unwind_backtrace)(_Unwind_Trace_Fn fn, void *arg);
static uintptr_t (*unwind_get_ip)(struct _Unwind_Context *context);

static __thread bool in_unwinder __attribute__((tls_model("initial-exec")));
static __thread bool forbidden __attribute__((tls_model("initial-exec")));

/* Threads in the unwinder, spread over cache lines by slot. */
static struct counter {
	unsigned int nr;
} __attribute__((aligned(64))) inside[NR_COUNTERS];
static unsigned int forking; /* no thread may enter */

extern void *__libc_stack_end __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

static bool find_libunwind(void)
{
	void *lib;

	/*
	 * libunwind has a cache for each thread and takes a mutex when it drops one, at the
	 * thread's exit. ThreadSanitizer may be done with the thread by then, and its mutex
	 * functions fault.
	 */
	if (&__tsan_init)
		return false;
	lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return false;
	*(void **)&unw_backtrace = dlsym(lib, "unw_backtrace");
	*(void **)&unw_start = dlsym(lib, "_ULx86_64_init_local2");
	*(void **)&unw_step = dlsym(lib, "_ULx86_64_step");
	*(void **)&unw_reg = dlsym(lib, "_ULx86_64_get_reg");
	return unw_backtrace && qy__libunwind_fix(lib);
}

static bool find_libgcc(void)
{
	void *lib = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		return false;
	*(void **)&unwind_backtrace = dlsym(lib, "_Unwind_Backtrace");
	*(void **)&unwind_get_ip = dlsym(lib, "_Unwind_GetIP");
	return unwind_backtrace && unwind_get_ip;
}

/*
 * A program without an interpreter. A library that it loads brings another C library with it, and
 * the unwinder that may be linked aborts before the C library is up: there are frame pointers only.
 */
static bool is_static_program(void)
{
	const ElfW(Phdr) *phdr = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	size_t nr = getauxval(AT_PHNUM);

	for (size_t i = 0; phdr && i < nr; i++)
		if (phdr[i].p_type == PT_INTERP)
			return false;
	return phdr != NULL;
}

void qy__backtrace_init(void)
{
	int saved = errno, none = NONE, found = FRAME_POINTERS;
	unsigned int depth;

	if (in_unwinder || !qy__cas_acq_rel(&state, &none, SEARCHING))
		return;
	in_unwinder = true;
	depth = qy__inside_put_aside();
	if (is_static_program())
		found = STATIC;
	else if (find_libunwind())
		found = LIBUNWIND;
	else if (find_libgcc())
		found = LIBGCC;
	if (found == FRAME_POINTERS || found == LIBGCC)
		dlerror(); /* the failure is ours: the program shall not read it */
	qy__inside_restore(depth);
	in_unwinder = false;
	qy__store_release(&state, found);
	errno = saved;
}

/*
 * Where the stack that holds @sp ends at the latest. Both marks lie at the end of a stack or in no
 * stack at all (the control block of a thread stands at the top of its stack), so no stack reaches
 * across one.
 */
static uintptr_t stack_limit(uintptr_t sp)
{
	uintptr_t limit = UINTPTR_MAX, self = (uintptr_t)pthread_self();

	if (self > sp)
		limit = self;
	if (&__libc_stack_end) {
		uintptr_t end = (uintptr_t)__libc_stack_end;

		if (end > sp)
			limit = min(limit, end);
	}
	return limit;
}

bool qy__is_on_own_stack(uintptr_t p)
{
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0), limit = stack_limit(sp);

	/* Farther away the mark need not be this stack's. */
	return p >= sp && p < limit && limit != UINTPTR_MAX && p - sp < MAX_STACK;
}

/*
 * Follow the chain from @fp, the frame of a function that is still running. A caller built without
 * frame pointers leaves any value in the register, so a link counts only if it leads upwards, not
 * too far, within the stack, and to memory that can be read.
 */
NO_SANITIZE static unsigned int walk_frames(uintptr_t fp, uintptr_t *pcs, unsigned int max,
					    unsigned int skip)
{
	uintptr_t limit = stack_limit(fp);
	uintptr_t good_end = qy__align_up(fp + 1, SMALLEST_PAGE); /* memory below is readable */
	unsigned int n = 0;

	for (unsigned int depth = 0; n < max && depth < MAX_DEPTH; depth++) {
		const volatile uintptr_t *frame = (const volatile uintptr_t *)fp;
		uintptr_t next, pc;

		if (fp + 16 > good_end) {
			if (!qy__is_readable(fp) || !qy__is_readable(fp + 8))
				break;
			good_end = qy__align_up(fp + 16, SMALLEST_PAGE);
		}
		next = frame[0];
		pc = frame[1];
		if (pc < SMALLEST_PAGE)
			break;
		if (depth >= skip)
			pcs[n++] = pc;
		if (next <= fp || next - fp > MAX_FRAME_SIZE || !qy__is_aligned(next, sizeof(next)))
			break;
		if (next > limit - 16)
			break;
		fp = next;
	}
	return n;
}

struct collector {
	void **pc;
	unsigned int nr, max;
};

static _Unwind_Reason_Code collect(struct _Unwind_Context *context, void *arg)
{
	struct collector *c = arg;

	if (c->nr == c->max)
		return _URC_NORMAL_STOP;
	c->pc[c->nr++] = (void *)unwind_get_ip(context);
	return _URC_NO_REASON;
}

/* Count the caller in; false: fork() is under way, or there is no unwinder. */
static bool enter_unwinder(unsigned int counter)
{
	in_unwinder = true;
	qy__barrier();
	/*
	 * Full order, as in qy__backtrace_fork_prepare(): of two that come together one sees the
	 * other.
	 */
	__atomic_fetch_add(&inside[counter].nr, 1, __ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(&forking, __ATOMIC_SEQ_CST)))
		return true;
	__atomic_fetch_sub(&inside[counter].nr, 1, __ATOMIC_RELEASE);
	in_unwinder = false;
	return false;
}

static void leave_unwinder(unsigned int counter)
{
	__atomic_fetch_sub(&inside[counter].nr, 1, __ATOMIC_RELEASE);
	qy__barrier();
	in_unwinder = false;
}

/* All frames from some function of this file outwards. */
static unsigned int unwind(int how, void **pc, unsigned int max)
{
	struct collector c = {.pc = pc, .max = max};

	if (how == LIBUNWIND)
		return (unsigned int)max(unw_backtrace(pc, (int)max), 0);
	unwind_backtrace(collect, &c);
	return c.nr;
}

/*
 * The frames from @caller's outwards. How many stand before it depends on what the compiler inlined
 * here; it is known by its address. Return: false if it is not there: the unwinder went astray.
 */
static bool unwind_from(int how, uintptr_t caller, uintptr_t *pcs, unsigned int max,
			unsigned int skip, unsigned int *n)
{
	void *pc[MAX_DEPTH];
	unsigned int want = min(max, MAX_DEPTH) + min(skip, MAX_DEPTH) + MAX_OWN_FRAMES;
	unsigned int nr = unwind(how, pc, min(want, MAX_DEPTH));
	unsigned int first = 0;

	while (first < nr && first < MAX_OWN_FRAMES && (uintptr_t)pc[first] != caller)
		first++;
	if (first == nr || first == MAX_OWN_FRAMES)
		return false;
	for (size_t i = (size_t)first + skip; i < nr && *n < max; i++)
		pcs[(*n)++] = (uintptr_t)pc[i];
	return true;
}

QY_NOINLINE unsigned int qy__backtrace(uintptr_t *pcs, unsigned int max, unsigned int skip)
{
	uintptr_t caller = (uintptr_t)__builtin_return_address(0);
	unsigned int counter = qy__thread_cpu % NR_COUNTERS;
	int saved = errno, how = qy__load_acquire(&state);
	unsigned int n = 0;
	bool done = false;

	if (in_unwinder || forbidden)
		return 0;
	if ((how == LIBUNWIND || how == LIBGCC) && enter_unwinder(counter)) {
		unsigned int depth = qy__inside_put_aside();

		done = unwind_from(how, caller, pcs, max, skip, &n);
		qy__inside_restore(depth);
		leave_unwinder(counter);
	}
	if (!done)
		n = walk_frames((uintptr_t)__builtin_frame_address(0), pcs, max, skip);
	errno = saved;
	return n;
}

QY_NOINLINE unsigned int qy__backtrace_fp(uintptr_t *pcs, unsigned int max, unsigned int skip)
{
	if (forbidden)
		return 0;
	return walk_frames((uintptr_t)__builtin_frame_address(0), pcs, max, skip);
}

void qy__backtrace_allow(bool on)
{
	forbidden = !on;
}

static bool is_unwinder_empty(void)
{
	for (unsigned int i = 0; i < NR_COUNTERS; i++)
		if (__atomic_load_n(&inside[i].nr, __ATOMIC_SEQ_CST))
			return false;
	return true;
}

void qy__backtrace_fork_prepare(void)
{
	const struct timespec nap = {.tv_nsec = 100000};
	int saved = errno;

	__atomic_fetch_add(&forking, 1, __ATOMIC_SEQ_CST);
	/*
	 * Not for ever: one of them may wait, in the unwinder, for a lock that this thread holds.
	 */
	for (unsigned int us = 0; !is_unwinder_empty() && us < FORK_PATIENCE_US; us += 100)
		qy__sys2(SYS_nanosleep, &nap, 0);
	errno = saved;
}

void qy__backtrace_fork_parent(void)
{
	__atomic_fetch_sub(&forking, 1, __ATOMIC_SEQ_CST);
}

void qy__backtrace_fork_child(void)
{
	bool caught = !is_unwinder_empty() || qy__load_relaxed(&state) == SEARCHING;

	if (caught)
		qy__store_release(&state, FRAME_POINTERS);
	for (unsigned int i = 0; i < NR_COUNTERS; i++)
		qy__store_relaxed(&inside[i].nr, 0);
	__atomic_store_n(&forking, 0, __ATOMIC_SEQ_CST);
}

unsigned int qy__backtrace_from(uintptr_t *pcs, unsigned int max, uintptr_t caller)
{
	uintptr_t all[DEEPEST + OWN_FRAMES];
	unsigned int n = qy__backtrace(all, ARRAY_SIZE(all), 0), first = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (all[i] != caller)
			continue;
		first = i ? i - 1 : 0;
		break;
	}
	n = min(n - first, max);
	memcpy(pcs, all + first, n * sizeof(pcs[0]));
	if (!n && max && caller) {
		pcs[0] = caller;
		n = 1;
	}
	return n;
}

/* ---- of an interrupted context ---- */

#define CURSOR_WORDS 1024 /* libunwind's cursor takes 127 on x86_64 */
#define IN_SIGNAL_FRAME 1 /* UNW_INIT_SIGNAL_FRAME */
#define PC_COLUMN 16	  /* UNW_REG_IP on x86_64, where alone it is looked for */

static unsigned int step_from(void *context, uintptr_t *pcs, unsigned int max)
{
	uintptr_t cursor[CURSOR_WORDS] = {0}, pc;
	unsigned int n = 0;

	if (unw_start(cursor, context, IN_SIGNAL_FRAME))
		return 0;
	do {
		if (unw_reg(cursor, PC_COLUMN, &pc) || !pc)
			break;
		pcs[n++] = pc;
	} while (n < max && unw_step(cursor) > 0);
	return n;
}

unsigned int qy__backtrace_of(uintptr_t *pcs, unsigned int max, void *context)
{
	unsigned int counter = qy__thread_cpu % NR_COUNTERS, n = 0;
	struct qy__context c;

	qy__context_read(&c, context);
	if (!c.pc || !max)
		return 0;
	if (!in_unwinder && qy__load_acquire(&state) == LIBUNWIND && unw_start && unw_step &&
	    unw_reg && enter_unwinder(counter)) {
		n = step_from(context, pcs, max);
		leave_unwinder(counter);
	}
	if (!n) {
		n = 1;
		if (qy__is_aligned(c.fp, sizeof(c.fp)) && qy__is_readable(c.fp))
			n += walk_frames(c.fp, pcs + 1, max - 1, 0);
	}
	pcs[0] = c.pc + 1;
	return n;
}
