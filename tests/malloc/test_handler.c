/* SPDX-License-Identifier: MIT */
/*
 * test_handler.c - signal handlers that come amid malloc and do what they must not: argv[2] is
 * "plain" (allocate and release), "keep" (release in the program what the handler got, and the
 * other way round; debug only, see README), "grow" (realloc), "exit" (leave by exit()), "fork".
 * Nothing may hang: alarm() and, for a child, the parent see to that.
 */
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define NR_TURNS 150000
#define NR_CHILDREN 100
#define NR_SHARED 64

static volatile sig_atomic_t ran;
static const char *how;
static void *_Atomic shared[NR_SHARED]; /* released by whoever takes it out */
static char *_Atomic growing;

static timer_t timer;

static void start_timer(void (*handler)(int), long us)
{
	struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec it = {{0, us * 1000}, {0, us * 1000}};

	CHECK(sigaction(SIGUSR1, &act, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &it, NULL) == 0);
}

static void stop_timer(void)
{
	signal(SIGUSR1, SIG_IGN);
	CHECK(timer_delete(timer) == 0);
}

static void swap_shared(unsigned int i, size_t size)
{
	unsigned char *p = calloc(1, opaque(size)), *old;

	if (p) {
		CHECK(p[0] == 0 && p[size - 1] == 0);
		p[0] = p[size - 1] = 0x77;
	}
	old = atomic_exchange(&shared[i % NR_SHARED], p);
	if (old)
		CHECK(old[0] == 0x77);
	free(old);
}

static void plain(void)
{
	size_t size = opaque((unsigned int)ran * 37u % 9000 + 1);
	unsigned char *p = malloc(size);

	if (p) {
		CHECK(malloc_usable_size(p) >= size);
		memset(p, 0xee, size);
	}
	free(p);
}

static void grow(void)
{
	char *p = atomic_exchange(&growing, NULL), *more;

	more = realloc(p, opaque((unsigned int)ran % 3000 + 8));
	atomic_store(&growing, more ? more : p);
}

static void fork_here(void)
{
	pid_t pid;
	int status;

	if (ran % 16)
		return;
	pid = fork();
	if (pid == 0) {
		free(malloc(opaque(100)));
		_exit(3);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void handler(int sig)
{
	(void)sig;
	ran++;
	plain();
	if (strcmp(how, "keep") == 0)
		swap_shared((unsigned int)ran, (unsigned int)ran % 700 + 1);
	if (strcmp(how, "grow") == 0)
		grow();
	if (strcmp(how, "fork") == 0)
		fork_here();
	if (strcmp(how, "exit") == 0 && ran > 3)
		exit(3);
}

static void work(unsigned int turns)
{
	static const size_t sizes[] = {16, 300, 2000, 40000, 100000, 4500000};

	for (unsigned int i = 0; i < turns; i++) {
		size_t size = opaque(i % 1000 ? i % 1999 : sizes[i / 1000 % 6]);
		unsigned char *p = malloc(size);

		CHECK(p != NULL);
		if (size)
			p[0] = p[size - 1] = 1;
		if (i % 3 == 0)
			p = realloc(p, size + 50);
		if (strcmp(how, "keep") == 0)
			swap_shared(i, i % 900 + 1);
		free(p);
	}
}

static void leave_often(void)
{
	for (unsigned int i = 0; i < NR_CHILDREN; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (pid == 0) {
			alarm(20);
			start_timer(handler, 200 + i);
			for (;;)
				work(NR_TURNS);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	}
}

int main(int argc, char **argv)
{
	require_drop_in(argc, argv);
	how = argc > 2 ? argv[2] : "plain";
	alarm(200);
	if (strcmp(how, "exit") == 0) {
		leave_often();
		return 0;
	}
	start_timer(handler, 150);
	work(NR_TURNS);
	stop_timer();
	for (unsigned int i = 0; i < NR_SHARED; i++)
		free(atomic_exchange(&shared[i], NULL));
	free(growing);
	CHECK(ran > 0);
	return 0;
}
