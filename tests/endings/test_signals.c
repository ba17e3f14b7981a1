/* SPDX-License-Identifier: MIT */
/*
 * test_signals.c - the program does not notice that signals are watched: what it asks is what it
 * set, what it set is what happens, and a program that it executes starts as it would have.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../malloc/check.h"

static volatile sig_atomic_t ran;

static void handler(int sig)
{
	(void)sig;
	ran++;
}

static void (*asked(int sig))(int)
{
	struct sigaction act;

	CHECK(sigaction(sig, NULL, &act) == 0);
	CHECK(!(act.sa_flags & SA_SIGINFO));
	return act.sa_handler;
}

static void test_default_is_told(void)
{
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			CHECK(asked(sig) == SIG_DFL);
}

static void test_flags_come_back(void)
{
	struct sigaction act = {.sa_handler = SIG_DFL, .sa_flags = SA_RESTART | SA_NODEFER}, old;

	sigemptyset(&act.sa_mask);
	sigaddset(&act.sa_mask, SIGHUP);
	CHECK(sigaction(SIGTERM, &act, NULL) == 0);
	CHECK(sigaction(SIGTERM, NULL, &old) == 0);
	CHECK(old.sa_handler == SIG_DFL);
	CHECK((old.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)) ==
	      (SA_RESTART | SA_NODEFER));
	CHECK(sigismember(&old.sa_mask, SIGHUP) == 1 && sigismember(&old.sa_mask, SIGINT) == 0);
	CHECK(sigaction(SIGTERM, &old, NULL) == 0 && asked(SIGTERM) == SIG_DFL);
}

static void test_signal_returns_the_old(void)
{
	CHECK(signal(SIGINT, handler) == SIG_DFL);
	CHECK(signal(SIGINT, SIG_IGN) == handler);
	CHECK(signal(SIGINT, SIG_DFL) == SIG_IGN);
	CHECK(signal(SIGINT, handler) == SIG_DFL);
	ran = 0;
	raise(SIGINT);
	CHECK(ran == 1);
	CHECK(signal(SIGINT, SIG_DFL) == handler);
	CHECK(signal(SIGKILL, SIG_DFL) == SIG_ERR);
}

static void test_alternate_stack_is_none(void)
{
	static char mine[1 << 16];
	stack_t set = {.ss_sp = mine, .ss_size = sizeof(mine)}, old;

	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE);
	CHECK(sigaltstack(&set, &old) == 0 && old.ss_flags == SS_DISABLE);
	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == mine);
}

/* -1: not there */
static long mask_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtol(at + strlen(name), NULL, 16) : -1;
}

static void test_executed_program_starts_clean(void)
{
	char text[8192] = "";
	FILE *f;

	CHECK(signal(SIGUSR2, SIG_IGN) == SIG_DFL);
	f = popen("env -u LD_PRELOAD cat /proc/self/status", "r");
	CHECK(f != NULL);
	CHECK(fread(text, 1, sizeof(text) - 1, f) > 0);
	CHECK(pclose(f) == 0);
	CHECK(mask_of(text, "SigCgt:\t") == 0);
	CHECK(mask_of(text, "SigIgn:\t") & (1L << (SIGUSR2 - 1)));
	CHECK(!(mask_of(text, "SigIgn:\t") & (1L << (SIGTERM - 1))));
	CHECK(!(mask_of(text, "SigBlk:\t") & (1L << (SIGTERM - 1))));
}

static void test_ends_by_the_signal(void)
{
	static const int sigs[] = {SIGTERM, SIGINT, SIGSEGV, SIGABRT, SIGPIPE, SIGALRM};

	for (unsigned int i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		pid_t pid = fork();
		siginfo_t info;

		CHECK(pid >= 0);
		if (pid == 0) {
			signal(sigs[i], SIG_DFL);
			kill(getpid(), sigs[i]);
			_exit(1);
		}
		CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0);
		CHECK(info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
		CHECK(info.si_status == sigs[i]);
	}
}

int main(int argc, char **argv)
{
	require_drop_in(argc, argv);
	test_default_is_told();
	test_flags_come_back();
	test_signal_returns_the_old();
	test_alternate_stack_is_none();
	test_executed_program_starts_clean();
	test_ends_by_the_signal();
	puts("signals are the program's");
	return 0;
}
