/* SPDX-License-Identifier: MIT */
/*
 * test_fork.c - fork() out of a program whose threads are inside malloc at every moment: no lock
 * may be left held in the child, no object may be handed out twice on either side. A hang is ended
 * by alarm().
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../harness/patience.h"
#include "check.h"

#define NR_THREADS 3
#define NR_FORKS 200

static atomic_bool stop;
static atomic_ulong turns;

static void work(unsigned int seed, unsigned int steps)
{
	enum { SLOTS = 64 };
	unsigned char *slot[SLOTS] = {NULL};
	size_t size[SLOTS];
	uint32_t x = seed * 2654435761u + 1;

	for (unsigned int s = 0; s < steps; s++) {
		unsigned int i;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		i = x % SLOTS;
		if (slot[i]) {
			CHECK(slot[i][0] == (unsigned char)i &&
			      slot[i][size[i] - 1] == (unsigned char)i);
			free(slot[i]);
			slot[i] = NULL;
		} else {
			size[i] = 1 + (x >> 8) % (x % 31 ? 600 : 40000);
			slot[i] = malloc(size[i]);
			CHECK(slot[i] != NULL);
			slot[i][0] = slot[i][size[i] - 1] = (unsigned char)i;
		}
	}
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (slot[i])
			CHECK(slot[i][0] == (unsigned char)i &&
			      slot[i][size[i] - 1] == (unsigned char)i);
		free(slot[i]);
	}
}

static void *busy(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	while (!stop) {
		work(seed++, 500);
		turns++;
	}
	return NULL;
}

static void *once(void *arg)
{
	work((unsigned int)(uintptr_t)arg, 300);
	return NULL;
}

/* The child works alone, with threads of its own, and forks again. */
static void child(unsigned int i, unsigned char *inherited)
{
	pthread_t t;
	pid_t pid;
	int status;

	patient_alarm(30);
	CHECK(pattern_is(inherited, 5000, i));
	free(inherited);
	work(i, 300);
	if (i % 4 == 0) {
		CHECK(pthread_create(&t, NULL, once, (void *)(uintptr_t)i) == 0);
		work(i + 1, 300);
		CHECK(pthread_join(t, NULL) == 0);
	}
	if (i % 8 == 0) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			work(i + 2, 300);
			exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	}
	if (i % 2)
		_exit(0);
	exit(0);
}

int main(int argc, char **argv)
{
	pthread_t t[NR_THREADS];
	int status;

	require_drop_in(argc, argv);
	patient_alarm(200);
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, busy, (void *)(i * 1000)) == 0);
	for (unsigned int i = 0; i < NR_FORKS; i++) {
		unsigned char *p = malloc(5000);
		pid_t pid;

		CHECK(p != NULL);
		pattern_fill(p, 5000, i);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			child(i, p);
		work(i, 200);
		CHECK(waitpid(pid, &status, 0) == pid);
		if (status)
			fprintf(stderr, "child %u: status 0x%x\n", i, (unsigned int)status);
		CHECK(status == 0);
		CHECK(pattern_is(p, 5000, i));
		free(p);
	}
	stop = true;
	for (unsigned int i = 0; i < NR_THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(turns > 0);
	puts("fork holds");
	return 0;
}
