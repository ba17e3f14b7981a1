/* SPDX-License-Identifier: MIT */
/*
 * crash.c - the last look where a signal ends the program: a crash is explained, the heap looked
 * at, and then the signal does what it would have done. Debug build only; "signals=off" in the
 * debug string switches it off.
 *
 *   at start   signals that are at their default and would end the process get our handler
 *   signal     handler → (own stack) explain, look → the same signal again, at its default: the
 *              kernel has reset it when it called us. Same number, same code, same registers
 *
 * The program shall not notice: calls that set or ask for handlers are stood in for. One that sets
 * the default gets ours; one that asks is told what the program has set. Handlers of its own,
 * ignored signals and those of children that exec are none of our business: a handler that ends the
 * process does so by _exit(), or by setting the default, and both are seen.
 *
 * What happens in here may go wrong: the heap is damaged, perhaps our own records. A fault within
 * ends the look, not the way to the end.
 *
 * Locks: none is waited for that the interrupted thread may hold (see struct qy__look).
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "debug/debug.h"
#include "malloc/malloc_internal.h"
#include "util/align.h"
#include "util/atomic.h"
#include "util/compiler.h"
#include "util/context.h"

#define STACK_SIZE ((size_t)256 << 10) /* for the look */
#define ALT_STACK ((size_t)1 << 20) /* that the main thread's handlers run on: could be others' */
#define NR_SIGNALS 65

typedef void (*handler_fn)(int);
typedef int (*sigaction_fn)(int, const struct sigaction *, struct sigaction *);

/* Those that end a process by default. Not SIGSYS: whoever gets that may do few calls only. */
static const uint8_t deadly[] = {
	SIGHUP,	 SIGINT,  SIGQUIT, SIGILL,  SIGTRAP,   SIGABRT, SIGBUS,	 SIGFPE,  SIGUSR1, SIGSEGV,
	SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGPOLL,
};

static bool on;
static char *stack, *alt_stack;
static struct sigaction told[NR_SIGNALS]; /* what the program believes is set, where ours is */
static int looker;			  /* thread in the look */
static jmp_buf way_out;

static void on_signal(int sig, siginfo_t *info, void *context);

static bool is_deadly(int sig)
{
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
		if (deadly[i] == sig)
			return true;
	return false;
}

static void *library(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static int real_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	static sigaction_fn fn;

	if (!fn)
		*(void **)&fn = library("sigaction");
	return fn(sig, act, old);
}

static bool is_ours(const struct sigaction *act)
{
	return (act->sa_flags & SA_SIGINFO) && act->sa_sigaction == on_signal;
}

static struct sigaction ours(void)
{
	struct sigaction act = {
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_RESTART,
	};

	act.sa_sigaction = on_signal;
	sigfillset(&act.sa_mask);
	return act;
}

/* ---- the signal ---- */

/* A fault in the look: it ends. In another thread: the process ends, at once. */
static void on_fault(int sig)
{
	struct sigaction fault = {.sa_handler = SIG_DFL};

	if (qy__load_relaxed(&looker) == qy__osif_tid())
		_longjmp(way_out, 1);
	real_sigaction(sig, &fault, NULL);
}

struct event {
	int sig;
	siginfo_t *info;
	void *context;
};

static void look(void *arg)
{
	const struct event *e = arg;
	struct qy_mm *mm = qy__load_acquire(&qy__malloc_mm);

	if (_setjmp(way_out))
		return;
	/* The process ends by its signal, whatever is found. */
	mm->report.policy = QY_POLICY_REPORT;
	if (e->sig == SIGSEGV || e->sig == SIGBUS)
		qy__crash_explain(mm, e->sig, e->info, e->context);
	qy__malloc_exit_look(true);
}

static void look_guarded(struct event *e)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	struct sigaction fault = {.sa_flags = SA_NODEFER}, was[ARRAY_SIZE(faults)];
	sigset_t open, mask;

	fault.sa_handler = on_fault;
	sigfillset(&fault.sa_mask);
	sigemptyset(&open);
	qy__store_relaxed(&looker, qy__osif_tid());
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		sigaddset(&open, faults[i]);
		real_sigaction(faults[i], &fault, &was[i]);
	}
	pthread_sigmask(SIG_UNBLOCK, &open, &mask);
	qy__call_on(stack + STACK_SIZE, look, e);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		real_sigaction(faults[i], &was[i], NULL);
	qy__store_relaxed(&looker, 0);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	struct event e = {sig, info, context};
	int saved = errno;

	if (qy__malloc_exit_claim())
		look_guarded(&e);
	/*
	 * Blocked here, it comes when this returns. Should that be refused: a fault happens again
	 * by itself.
	 */
	syscall(SYS_rt_tgsigqueueinfo, getpid(), qy__osif_tid(), sig, info);
	errno = saved;
}

/* ---- what the program sets and asks ---- */

/* Ours stands where the default stood. */
static void watch(int sig)
{
	struct sigaction act;

	if (real_sigaction(sig, NULL, &act) || (act.sa_flags & SA_SIGINFO) ||
	    act.sa_handler != SIG_DFL)
		return;
	told[sig] = act;
	act = ours();
	real_sigaction(sig, &act, NULL);
}

static bool is_watched(int sig)
{
	return on && is_deadly(sig) && !qy__load_relaxed(&qy__dying);
}

QY_API int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction given, was, mine = ours();
	bool replace;
	int ret;

	if (!is_watched(sig))
		return real_sigaction(sig, act, old);
	replace = act && !(act->sa_flags & SA_SIGINFO) && act->sa_handler == SIG_DFL;
	if (replace)
		given = *act;
	ret = real_sigaction(sig, replace ? &mine : act, &was);
	if (ret)
		return ret;
	if (old)
		*old = is_ours(&was) ? told[sig] : was;
	if (replace)
		told[sig] = given;
	return 0;
}

/* What signal() or one of its kin answered, and what has to be done after it. */
static handler_fn settle(int sig, handler_fn was)
{
	if (is_watched(sig))
		watch(sig);
	return was == (handler_fn)(void (*)(void))on_signal ? SIG_DFL : was;
}

#define STAND_IN(fn)                                                                               \
	QY_API handler_fn fn(int sig, handler_fn handler);                                         \
	QY_API handler_fn fn(int sig, handler_fn handler)                                          \
	{                                                                                          \
		static handler_fn (*real)(int, handler_fn);                                        \
                                                                                                   \
		if (!real)                                                                         \
			*(void **)&real = library(#fn);                                            \
		return settle(sig, real(sig, handler));                                            \
	}

STAND_IN(signal)
STAND_IN(bsd_signal)
STAND_IN(ssignal)
STAND_IN(sysv_signal)
STAND_IN(__sysv_signal)
STAND_IN(sigset)

QY_API int sigaltstack(const stack_t *set, stack_t *old)
{
	static int (*real)(const stack_t *, stack_t *);
	int ret;

	if (!real)
		*(void **)&real = library("sigaltstack");
	ret = real(set, old);
	if (!ret && old && alt_stack && old->ss_sp == alt_stack)
		*old = (stack_t){.ss_flags = SS_DISABLE};
	return ret;
}

/* As the C library's, but it ends by the signal as the program has it set, and then as watched. */
QY_API QY_NORETURN void abort(void)
{
	struct sigaction act = {.sa_handler = SIG_DFL};
	sigset_t only;

	sigemptyset(&only);
	sigaddset(&only, SIGABRT);
	pthread_sigmask(SIG_UNBLOCK, &only, NULL);
	raise(SIGABRT);
	sigaction(SIGABRT, &act, NULL);
	for (;;)
		raise(SIGABRT);
}

/* ---- at start ---- */

static char *map_stack(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void set_alt_stack(void)
{
	stack_t now, mine = {.ss_size = ALT_STACK};

	if (sigaltstack(NULL, &now) || !(now.ss_flags & SS_DISABLE))
		return;
	mine.ss_sp = map_stack(ALT_STACK);
	if (!mine.ss_sp)
		return;
	alt_stack = mine.ss_sp;
	sigaltstack(&mine, NULL);
}

void qy__crash_init(struct qy_mm *mm)
{
	/* The first process of all gets no signal that is at its default. */
	if (mm->debug->config.no_signals || getpid() == 1)
		return;
	stack = map_stack(STACK_SIZE);
	if (!stack)
		return;
	set_alt_stack();
	on = true;
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
		watch(deadly[i]);
}
