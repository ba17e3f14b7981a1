/* SPDX-License-Identifier: MIT */
/* test_lock.c - the one-word mutex: states, exclusion, sleepers, fork. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/lock.h"

#define NR_THREADS 4
#define NR_ROUNDS 20000

static struct qy__lock lock;
static unsigned long counter; /* guarded by lock */

static void nap(void)
{
	const struct timespec ts = {.tv_nsec = 1000000};

	nanosleep(&ts, NULL);
}

static void trylock_free_takes_it(void **state)
{
	(void)state;
	assert_false(qy__is_locked(&lock));
	assert_true(qy__trylock(&lock));
	assert_true(qy__is_locked(&lock));
	qy__unlock(&lock);
	assert_int_equal(lock.word, 0);
}

static void trylock_held_refuses_without_effect(void **state)
{
	(void)state;
	qy__lock(&lock);
	assert_false(qy__trylock(&lock));
	assert_int_equal(lock.word, 1);
	qy__unlock(&lock);
}

static void *count_up(void *arg)
{
	(void)arg;
	for (int i = 0; i < NR_ROUNDS; i++) {
		qy__lock(&lock);
		counter++;
		qy__unlock(&lock);
	}
	return NULL;
}

static void lock_contended_excludes(void **state)
{
	pthread_t thread[NR_THREADS];

	(void)state;
	counter = 0;
	for (int i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, count_up, NULL), 0);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(counter, (unsigned long)NR_THREADS * NR_ROUNDS);
	assert_int_equal(lock.word, 0);
}

static void ignore(int sig)
{
	(void)sig;
}

static void *take_and_count(void *arg)
{
	(void)arg;
	errno = E2BIG;
	qy__lock(&lock);
	counter++;
	qy__unlock(&lock);
	return (void *)(uintptr_t)errno;
}

static void lock_held_long_sleepers_all_get_it(void **state)
{
	const struct sigaction act = {.sa_handler = ignore};
	pthread_t thread[NR_THREADS];
	void *err;

	(void)state;
	counter = 0;
	sigaction(SIGUSR1, &act, NULL);
	qy__lock(&lock);
	for (int i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_and_count, NULL), 0);
	while (qy__load_relaxed(&lock.word) != 2)
		nap();
	for (int round = 0; round < 5; round++) {
		nap(); /* the futex is reached by most; a signal interrupts its sleep (EINTR) */
		for (int i = 0; i < NR_THREADS; i++)
			pthread_kill(thread[i], SIGUSR1);
	}
	nap();
	qy__unlock(&lock);
	for (int i = 0; i < NR_THREADS; i++) {
		pthread_join(thread[i], &err);
		assert_int_equal((uintptr_t)err, E2BIG);
	}
	assert_int_equal(counter, NR_THREADS);
	assert_int_equal(lock.word, 0);
}

static void lock_reset_in_child_frees_it(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	qy__lock(&lock);
	pid = fork();
	if (pid == 0) {
		qy__lock_reset(&lock);
		_exit(qy__trylock(&lock) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(qy__is_locked(&lock)); /* the child's lock was another */
	qy__unlock(&lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trylock_free_takes_it),
		cmocka_unit_test(trylock_held_refuses_without_effect),
		cmocka_unit_test(lock_contended_excludes),
		cmocka_unit_test(lock_held_long_sleepers_all_get_it),
		cmocka_unit_test(lock_reset_in_child_frees_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
