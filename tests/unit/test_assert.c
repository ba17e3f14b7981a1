/* SPDX-License-Identifier: MIT */
/*
 * test_assert.c - a failed assertion tells where, and ends the process whatever it does about
 * SIGABRT.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/assert.h"

static void leave_quietly(int sig)
{
	(void)sig;
	_exit(0);
}

/* Run qy__assert_fail() in a child; its standard error in @text. Return: wait status. */
static int fail_in_child(const char *expr, bool catch, char *text, size_t size)
{
	int fd[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		struct rlimit no_core = {0, 0};
		sigset_t abrt;

		setrlimit(RLIMIT_CORE, &no_core);
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		if (catch) {
			signal(SIGABRT, leave_quietly);
			sigemptyset(&abrt);
			sigaddset(&abrt, SIGABRT);
			sigprocmask(SIG_BLOCK, &abrt, NULL);
		}
		qy__assert_fail(expr, "file.c", 42);
	}
	close(fd[1]);
	while (len < size - 1 && (n = read(fd[0], text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_fail_plain_tells_and_aborts(void **state)
{
	char text[1024];
	int status = fail_in_child("a == b", false, text, sizeof(text));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_string_equal(text, "quarry: file.c:42: assertion failed: a == b\n");
}

static void assert_fail_signal_handled_aborts_all_the_same(void **state)
{
	char text[1024];
	int status = fail_in_child("x", true, text, sizeof(text));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void assert_fail_long_text_is_cut_at_a_line(void **state)
{
	char expr[2000], text[4096];

	(void)state;
	memset(expr, 'e', sizeof(expr) - 1);
	expr[sizeof(expr) - 1] = '\0';
	fail_in_child(expr, false, text, sizeof(text));
	assert_int_equal(strlen(text), 512);
	assert_int_equal(text[511], '\n');
}

static void assert_true_condition_passes(void **state)
{
	(void)state;
	qy__assert(1 + 1 == 2);
	qy__assert_paranoid(1 + 1 == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assert_fail_plain_tells_and_aborts),
		cmocka_unit_test(assert_fail_signal_handled_aborts_all_the_same),
		cmocka_unit_test(assert_fail_long_text_is_cut_at_a_line),
		cmocka_unit_test(assert_true_condition_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
