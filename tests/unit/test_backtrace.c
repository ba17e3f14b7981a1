/* SPDX-License-Identifier: MIT */
/*
 * test_backtrace.c - the right frames from each of the three sources, and no fault whatever the
 * stack holds.
 *
 * The search for an unwinder is done once per process and decides for good; each test therefore
 * runs in a child. dlopen() is ours: it can hide the libraries, and plays an allocation inside the
 * unwinder's loading.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "patience.h"
#include "sanitized.h"
#include "util/backtrace.h"
#include "util/compiler.h"
#include "util/percpu.h"

#define MAX 64

enum source { BY_FRAMES, BY_LIBGCC, BY_LIBUNWIND, BY_ANY };

static enum source allowed = BY_ANY;
static unsigned int nr_nested_frames, nr_dlopen;

/* In the child: no assert of cmocka's, whose long jump would leave through fork(). */
#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);       \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

void *dlopen(const char *name, int flags)
{
	static void *(*real)(const char *, int);
	uintptr_t pcs[MAX];

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "dlopen");
	nr_dlopen++;
	if (!name || !strstr(name, "unwind")) {
		if (!name || !strstr(name, "libgcc_s") || allowed == BY_FRAMES)
			return real(name && allowed == BY_FRAMES ? "/nonexistent.so" : name, flags);
	}
	nr_nested_frames += qy__backtrace(pcs, MAX, 0);
	if (strstr(name, "unwind") && allowed < BY_LIBUNWIND)
		return real("/nonexistent.so", flags);
	return real(name, flags);
}

static void run_in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		patient_alarm(60); /* a hang is a failure, too */
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- a stack that knows itself -------------------------------------------------------------- */

static uintptr_t true_pc[MAX]; /* return addresses, innermost first, from trace_here()'s on */
static uintptr_t got[MAX];
static unsigned int nr_got;

/*
 * Each level notes its own return address. That it asks for its frame address makes the compiler
 * keep a frame pointer, so that the chain is whole in any build.
 */
#define NOTE(level)                                                                                \
	do {                                                                                       \
		true_pc[level] = (uintptr_t)__builtin_return_address(0);                           \
		frame_sink = (uintptr_t)__builtin_frame_address(0);                                \
	} while (0)
static volatile uintptr_t frame_sink;

/* Frame 0 is in here, frame 1 where this returns to. */
QY_NOINLINE static void trace_here(unsigned int max, unsigned int skip, bool fp_only)
{
	NOTE(0);
	nr_got = fp_only ? qy__backtrace_fp(got, max, skip) : qy__backtrace(got, max, skip);
	__asm__ volatile("" ::: "memory");
}

QY_NOINLINE static void level1(unsigned int max, unsigned int skip, bool fp_only)
{
	NOTE(1);
	trace_here(max, skip, fp_only);
	__asm__ volatile("" ::: "memory");
}

QY_NOINLINE static void level2(unsigned int max, unsigned int skip, bool fp_only)
{
	NOTE(2);
	level1(max, skip, fp_only);
	__asm__ volatile("" ::: "memory");
}

QY_NOINLINE static void level3(unsigned int max, unsigned int skip, bool fp_only)
{
	NOTE(3);
	level2(max, skip, fp_only);
	__asm__ volatile("" ::: "memory");
}

#define NR_TRUE 4

/*
 * got[] must be trace_here() itself, then true_pc[], less @skip frames at the front, cut at @max.
 */
static void check_frames(unsigned int max, unsigned int skip)
{
	unsigned int i = 0;

	if (skip == 0 && max > 0) {
		CHECK(nr_got >= 1);
		CHECK(got[0] - (uintptr_t)trace_here < 400);
		i = 1;
	}
	for (; i < max && i + skip < 1 + NR_TRUE; i++) {
		CHECK(i < nr_got);
		CHECK(got[i] == true_pc[i + skip - 1]);
	}
	CHECK(nr_got <= max);
}

static void check_all_cuts(bool fp_only)
{
	for (unsigned int max = 0; max <= MAX; max = max < 8 ? max + 1 : max * 2)
		for (unsigned int skip = 0; skip <= NR_TRUE; skip++) {
			memset(got, 0, sizeof(got));
			errno = E2BIG;
			level3(max, skip, fp_only);
			CHECK(errno == E2BIG);
			check_frames(max, skip);
			for (unsigned int i = max; i < MAX; i++)
				CHECK(got[i] == 0); /* nothing is written behind */
		}
}

/* --- sources -------------------------------------------------------------------------------- */

static void use_before_init(void)
{
	check_all_cuts(false);
	check_all_cuts(true);
}

static void backtrace_before_init_uses_frame_pointers(void **state)
{
	(void)state;
	run_in_child(use_before_init);
}

static void use_source(void)
{
	errno = E2BIG;
	qy__backtrace_init();
	CHECK(errno == E2BIG);
	CHECK(nr_nested_frames == 0); /* what happens inside the search has no stack */
	check_all_cuts(false);
	check_all_cuts(true);
	if (allowed < BY_LIBUNWIND)
		CHECK(dlerror() == NULL); /* our failure is not the program's */
}

static void backtrace_by_libunwind_gives_the_callers(void **state)
{
	(void)state;
	allowed = BY_LIBUNWIND;
	run_in_child(use_source);
}

static void backtrace_by_libgcc_gives_the_callers(void **state)
{
	(void)state;
	allowed = BY_LIBGCC;
	run_in_child(use_source);
}

static void backtrace_without_unwinder_gives_the_callers(void **state)
{
	(void)state;
	allowed = BY_FRAMES;
	run_in_child(use_source);
}

static void init_twice(void)
{
	unsigned int before;

	qy__backtrace_init();
	before = nr_dlopen;
	CHECK(before > 0);
	qy__backtrace_init();
	CHECK(nr_dlopen == before);
}

static void backtrace_init_again_is_without_effect(void **state)
{
	(void)state;
	allowed = BY_ANY;
	run_in_child(init_twice);
}

static void ask_too_much(void)
{
	static uintptr_t many[4096];

	qy__backtrace_init();
	CHECK(qy__backtrace(many, 4096, 0) >= 1);
	CHECK(qy__backtrace(many, UINT32_MAX, 0) >= 1);
	CHECK(qy__backtrace(many, 4096, 4000) == 0);
	CHECK(qy__backtrace(many, 4096, UINT32_MAX) == 0);
	CHECK(qy__backtrace_fp(many, 4096, UINT32_MAX) == 0);
	CHECK(qy__backtrace(NULL, 0, 0) == 0);
}

static void backtrace_absurd_bounds_are_harmless(void **state)
{
	(void)state;
	allowed = BY_ANY;
	run_in_child(ask_too_much);
}

static void *trace_in_thread(void *arg)
{
	(void)arg;
	check_all_cuts(false);
	check_all_cuts(true);
	return NULL;
}

static void trace_in_threads(void)
{
	pthread_t thread;

	qy__backtrace_init();
	for (int i = 0; i < 20; i++) {
		CHECK(pthread_create(&thread, NULL, trace_in_thread, NULL) == 0);
		pthread_join(thread, NULL);
	}
}

static void backtrace_in_another_thread_gives_its_callers(void **state)
{
	(void)state;
	allowed = BY_ANY;
	run_in_child(trace_in_threads);
}

/* --- stacks that lie ------------------------------------------------------------------------ */

#if defined(__x86_64__)
/* Call qy__backtrace_fp() as a caller does that keeps @value in the frame pointer's register. */
__attribute__((naked, noinline)) static unsigned int trace_with_rbp(QY_UNUSED uintptr_t value,
								    QY_UNUSED uintptr_t *pcs,
								    QY_UNUSED unsigned int max)
{
	__asm__("push %rbp\n\t"
		"mov %rdi, %rbp\n\t"
		"mov %rsi, %rdi\n\t"
		"mov %edx, %esi\n\t"
		"xor %edx, %edx\n\t"
		"call qy__backtrace_fp\n\t"
		"pop %rbp\n\t"
		"ret");
}
#else
static unsigned int trace_with_rbp(uintptr_t value, uintptr_t *pcs, unsigned int max)
{
	(void)value;
	return qy__backtrace_fp(pcs, max, 0);
}
#endif

static void try_strays(uintptr_t top)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), pcs[MAX], heap[4] = {0};
	const uintptr_t stray[] = {
		0,
		1,
		7,
		8,
		4096,
		0xdeadbeef,
		UINTPTR_MAX,
		UINTPTR_MAX - 7,
		UINTPTR_MAX - 15,
		(uintptr_t)1 << 63,
		here,
		here - 8,
		here - 64,
		here + 1,
		here + 4,
		here + (1 << 20),
		here + (2 << 20),
		here + (1 << 30),
		(uintptr_t)heap,
		(uintptr_t)trace_in_thread,
		top,
		top - 8,
		top - 16,
		top - 24,
		top + 8,
		top + 4096,
	};

	for (size_t i = 0; i < ARRAY_SIZE(stray); i++) {
		unsigned int n = trace_with_rbp(stray[i], pcs, MAX);

		CHECK(n >= 1 && n <= MAX);
	}
	/* Every word between here and (well past) the end of the stack. */
	for (uintptr_t fp = here - 512; fp < here + (1 << 18); fp += 8)
		CHECK(trace_with_rbp(fp, pcs, MAX) >= 1);
}

static void *try_strays_in_thread(void *arg)
{
	(void)arg;
	try_strays((uintptr_t)pthread_self());
	return NULL;
}

static void stray_everywhere(void)
{
	extern void *__libc_stack_end __attribute__((weak));
	uintptr_t top = &__libc_stack_end ? (uintptr_t)__libc_stack_end : 0;
	pthread_t thread;

	try_strays(top);
	CHECK(pthread_create(&thread, NULL, try_strays_in_thread, NULL) == 0);
	pthread_join(thread, NULL);
}

static void backtrace_fp_stray_register_does_not_fault(void **state)
{
	(void)state;
	run_in_child(stray_everywhere);
}

/* A chain that goes round, or downwards, ends. */
static void loop_in_chain(void)
{
	uintptr_t frame[8], pcs[MAX];

	for (unsigned int i = 0; i < 8; i += 2) {
		frame[i] = (uintptr_t)&frame[(i + 2) % 8];
		frame[i + 1] = 0x400000 + i;
	}
	/*
	 * frame 0 → 2 → 4 → 6, which leads down to 0 again: its caller is shown, and no more
	 */
	CHECK(trace_with_rbp((uintptr_t)&frame[0], pcs, MAX) <= 5);
	frame[0] = (uintptr_t)&frame[0];
	CHECK(trace_with_rbp((uintptr_t)&frame[0], pcs, MAX) <= 2);
}

static void backtrace_fp_circular_chain_ends(void **state)
{
	(void)state;
	run_in_child(loop_in_chain);
}

/* A coroutine's stack: 64 KiB that end at memory which cannot be read. */
#define CO_STACK (64 * 1024)
static ucontext_t main_context, co_context;
static char *co_stack;

static void coroutine(void)
{
	try_strays((uintptr_t)co_stack + CO_STACK);
	check_all_cuts(false);
	check_all_cuts(true);
}

static void trace_in_coroutine(void)
{
	char *map = mmap(NULL, CO_STACK + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(map != MAP_FAILED);
	co_stack = map + 4096;
	CHECK(mprotect(co_stack, CO_STACK, PROT_READ | PROT_WRITE) == 0);
	qy__backtrace_init();
	CHECK(getcontext(&co_context) == 0);
	co_context.uc_stack.ss_sp = co_stack;
	co_context.uc_stack.ss_size = CO_STACK;
	co_context.uc_link = &main_context;
	makecontext(&co_context, coroutine, 0);
	CHECK(swapcontext(&main_context, &co_context) == 0);
}

static void backtrace_in_coroutine_stays_on_its_stack(void **state)
{
	(void)state;
	allowed = BY_ANY;
	run_in_child(trace_in_coroutine);
}

/* --- descriptors ---------------------------------------------------------------------------- */

static unsigned int nr_descriptors(void)
{
	unsigned int nr = 0;

	for (int fd = 0; fd < 256; fd++)
		nr += fcntl(fd, F_GETFD) != -1;
	return nr;
}

/*
 * A program that owns every descriptor it sees: it opens the lowest free ones, and checks that
 * nobody reads from or writes to them while backtraces come from stacks that the unwinder has not
 * met.
 */
static void trace_among_own_descriptors(void)
{
	unsigned int before = nr_descriptors();
	int fd[2];
	char byte;

	qy__backtrace_init();
	check_all_cuts(false);
	trace_in_coroutine();
	CHECK(nr_descriptors() == before);
	CHECK(pipe(fd) == 0);
	CHECK(fcntl(fd[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK(write(fd[1], "x", 1) == 1);
	trace_in_threads();
	trace_in_coroutine();
	CHECK(read(fd[0], &byte, 1) == 1 && byte == 'x');
	CHECK(read(fd[0], &byte, 1) == -1 && errno == EAGAIN);
	CHECK(nr_descriptors() == before + 2);
}

static void backtrace_uses_no_descriptor(void **state)
{
	(void)state;
	for (allowed = BY_FRAMES; allowed <= BY_LIBUNWIND; allowed++)
		run_in_child(trace_among_own_descriptors);
}

/* --- fork ----------------------------------------------------------------------------------- */

static bool stop;

/* New threads all the time: their first backtraces make the unwinder take its locks. */
static void *trace_once(void *arg)
{
	uintptr_t pcs[MAX];

	for (int i = 0; i < 50; i++)
		CHECK(qy__backtrace(pcs, MAX, 0) >= 1);
	return arg;
}

static void *keep_tracing(void *arg)
{
	pthread_t thread;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		CHECK(pthread_create(&thread, NULL, trace_once, NULL) == 0);
		pthread_join(thread, NULL);
	}
	return arg;
}

static void *use_after_fork(void *arg)
{
	level3(MAX, 0, false);
	check_frames(MAX, 0);
	return arg;
}

static void fork_while_others_trace(void)
{
	pthread_t thread[2];
	int status;

	qy__backtrace_init();
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&thread[i], NULL, keep_tracing, NULL) == 0);
	for (int i = 0; i < 100; i++) {
		pid_t pid;

		qy__percpu_fork_prepare();
		pid = fork();
		if (pid == 0) {
			pthread_t other;

			patient_alarm(20);
			qy__percpu_fork_child();
			use_after_fork(NULL);
			if (!SANITIZED) {
				CHECK(pthread_create(&other, NULL, use_after_fork, NULL) == 0);
				pthread_join(other, NULL);
			}
			_exit(0);
		}
		qy__percpu_fork_parent();
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	use_after_fork(NULL);
}

static void backtrace_after_fork_does_not_hang(void **state)
{
	(void)state;
	allowed = BY_ANY;
	run_in_child(fork_while_others_trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backtrace_before_init_uses_frame_pointers),
		cmocka_unit_test(backtrace_by_libunwind_gives_the_callers),
		cmocka_unit_test(backtrace_by_libgcc_gives_the_callers),
		cmocka_unit_test(backtrace_without_unwinder_gives_the_callers),
		cmocka_unit_test(backtrace_init_again_is_without_effect),
		cmocka_unit_test(backtrace_absurd_bounds_are_harmless),
		cmocka_unit_test(backtrace_in_another_thread_gives_its_callers),
		cmocka_unit_test(backtrace_fp_stray_register_does_not_fault),
		cmocka_unit_test(backtrace_fp_circular_chain_ends),
		cmocka_unit_test(backtrace_in_coroutine_stays_on_its_stack),
		cmocka_unit_test(backtrace_uses_no_descriptor),
		cmocka_unit_test(backtrace_after_fork_does_not_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
