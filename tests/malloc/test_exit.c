/* SPDX-License-Identifier: MIT */
/*
 * test_exit.c - ways out of a process: argv[2] says which. The object that was written past its end
 * is never freed, so only the last look at the heap can find it. With argv[3] "sound" nothing is
 * written.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../harness/patience.h"
#include "check.h"

#define MOST_WAITED 10000 /* naps of a millisecond */

static char *volatile object;

static void damage(void)
{
	object[opaque(100)] = 'A';
}

static void leave_from_handler(int sig)
{
	(void)sig;
	_exit(0);
}

/* Small objects, page blocks and areas, one after the other, for ever. */
static void *spin(void *arg)
{
	static const size_t sizes[] = {100, 30000, 3000, 70000, 300000, 5000000};

	for (unsigned int i = 0;; i++) {
		char *p = malloc(opaque(sizes[i % 6]));

		if (p)
			p[0] = p[sizes[i % 6] - 1] = 1;
		free(p);
	}
	return arg;
}

/* Often, since it matters where in malloc the signal comes. A child that hangs is ended. */
static void leave_from_signal(void)
{
	signal(SIGALRM, leave_from_handler);
	for (unsigned int i = 0; i < 60; i++) {
		int status;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			ualarm(1000 + i * 371, 0);
			spin(NULL);
		}
		for (int waited = 0; waitpid(pid, &status, WNOHANG) == 0; waited++) {
			if (waited > MOST_WAITED * (int)patience())
				kill(pid, SIGKILL);
			usleep(1000);
		}
		CHECK(status == 0);
	}
	exit(0);
}

/* The child's damage is the child's. */
static void leave_child(void)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		damage();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void leave_vfork_child(void)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0)
		_exit(7);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(int argc, char **argv)
{
	const char *way = argc > 2 ? argv[2] : "";
	bool sound = argc > 3 && strcmp(argv[3], "sound") == 0;
	pthread_t t;

	require_drop_in(argc, argv);
	object = malloc(opaque(100));
	CHECK(object != NULL);
	if (strcmp(way, "child") == 0 && !sound)
		leave_child();
	if (!sound)
		damage();
	if (strcmp(way, "return") == 0)
		return 0;
	if (strcmp(way, "exit") == 0)
		exit(0);
	if (strcmp(way, "_exit") == 0)
		_exit(0);
	if (strcmp(way, "_Exit") == 0)
		_Exit(0);
	if (strcmp(way, "quick_exit") == 0)
		quick_exit(0);
	if (strcmp(way, "signal") == 0)
		leave_from_signal();
	if (strcmp(way, "threads") == 0) {
		for (int i = 0; i < 4; i++)
			CHECK(pthread_create(&t, NULL, spin, NULL) == 0);
		usleep(10000);
		exit(0);
	}
	if (strcmp(way, "vfork") == 0)
		leave_vfork_child();
	return 0;
}
