/* SPDX-License-Identifier: MIT */
/*
 * test_atfork.c - fork handlers that allocate, registered before the drop-in was asked for memory
 * (atfork_lib.c) and after it, one of which forks itself, in a program with 12 threads that
 * allocate. argv[2]: how many forks. A hang is ended by alarm().
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "check.h"

#define NR_THREADS 12
#define NESTED_EVERY 50

extern unsigned int atfork_lib_ran __attribute__((weak));

static atomic_bool stop;
static unsigned int late_ran;
static bool nesting;

static void *busy(void *arg)
{
	static const size_t sizes[] = {24, 700, 5000, 70000};

	for (unsigned int i = 0; !stop; i++) {
		char *p = malloc(sizes[i % 4]);

		CHECK(p != NULL);
		p[0] = 1;
		free(p);
		if (i % 64 == 0)
			usleep(500);
	}
	return arg;
}

static void wait_for(pid_t pid)
{
	int status;

	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void late(void)
{
	free(malloc(opaque(3000)));
	late_ran++;
}

/* A handler that forks: the handlers run for that fork, too. */
static void late_prepare(void)
{
	pid_t pid;

	late();
	if (nesting || late_ran % NESTED_EVERY)
		return;
	nesting = true;
	pid = fork();
	if (pid == 0) {
		free(malloc(opaque(200)));
		_exit(0);
	}
	wait_for(pid);
	nesting = false;
}

int main(int argc, char **argv)
{
	unsigned int nr_forks = argc > 2 ? (unsigned int)atoi(argv[2]) : 1000;
	pthread_t t[NR_THREADS];

	require_drop_in(argc, argv);
	alarm(230);
	CHECK(pthread_atfork(late_prepare, late, late) == 0);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, busy, NULL) == 0);
	for (unsigned int i = 0; i < nr_forks; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(30);
			free(malloc(opaque(100 + i)));
			_exit(0);
		}
		wait_for(pid);
	}
	stop = true;
	for (unsigned int i = 0; i < NR_THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(late_ran >= 2 * nr_forks);
	CHECK(&atfork_lib_ran && atfork_lib_ran >= 2 * nr_forks);
	puts("fork handlers hold");
	return 0;
}
