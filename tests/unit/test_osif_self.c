/* SPDX-License-Identifier: MIT */
/*
 * test_osif_self.c - the calling thread's number, which is kept but is never another's; the clock
 * that is read without the C library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "osif/osif.h"

#define NR_THREADS 8

static bool is_right(void)
{
	/* Twice: asked for, and kept. */
	return qy__osif_tid() == syscall(SYS_gettid) && qy__osif_tid() == syscall(SYS_gettid);
}

static void expect_success(pid_t pid)
{
	int status = -1;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void *thread(void *arg)
{
	for (int i = 0; i < 100; i++) {
		if (!is_right())
			return NULL;
	}
	return arg;
}

static void tid_of_threads_is_their_own(void **state)
{
	pthread_t t[NR_THREADS];
	void *ret;

	(void)state;
	assert_true(is_right());
	for (int i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, thread, state), 0);
	for (int i = 0; i < NR_THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &ret), 0);
		assert_non_null(ret);
	}
	assert_true(is_right());
}

static void tid_in_children_and_their_children_is_theirs(void **state)
{
	pid_t pid;

	(void)state;
	assert_true(is_right());
	pid = fork();
	if (!pid) {
		int status;

		if (!is_right())
			_exit(1);
		pid = fork();
		if (!pid)
			_exit(is_right() ? 0 : 2);
		if (waitpid(pid, &status, 0) != pid || status || !is_right())
			_exit(3);
		_exit(0);
	}
	expect_success(pid);
	assert_true(is_right());
}

/* No handler of pthread_atfork() runs. */
static void tid_in_a_child_of_the_bare_system_call_is_the_childs(void **state)
{
	pid_t pid;

	(void)state;
	assert_true(is_right());
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid)
		syscall(SYS_exit_group, is_right() ? 0 : 1);
	expect_success(pid);
}

/* It may be given its parent's, but leaves nothing of its own behind. */
static void *after_vfork(void *arg)
{
	volatile int tid = -1;
	pid_t pid = vfork();

	if (!pid) {
		tid = qy__osif_tid();
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) != pid)
		return NULL;
	/* -1: a sanitizer's vfork() is fork(). */
	if (tid != -1 && tid != pid && tid != syscall(SYS_gettid))
		return NULL;
	return is_right() ? arg : NULL;
}

static void tid_after_a_child_of_vfork_is_the_parents(void **state)
{
	pthread_t t;
	void *ret;

	(void)state;
	assert_non_null(after_vfork(state));
	/* A thread that has not asked before its child does. */
	assert_int_equal(pthread_create(&t, NULL, after_vfork, state), 0);
	assert_int_equal(pthread_join(t, &ret), 0);
	assert_non_null(ret);
}

static uint64_t now_of_libc(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void monotonic_is_the_c_librarys(void **state)
{
	uint64_t before, now, after;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		before = now_of_libc();
		now = qy__osif_monotonic();
		after = now_of_libc();
		assert_true(before <= now && now <= after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tid_of_threads_is_their_own),
		cmocka_unit_test(tid_in_children_and_their_children_is_theirs),
		cmocka_unit_test(tid_in_a_child_of_the_bare_system_call_is_the_childs),
		cmocka_unit_test(tid_after_a_child_of_vfork_is_the_parents),
		cmocka_unit_test(monotonic_is_the_c_librarys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
