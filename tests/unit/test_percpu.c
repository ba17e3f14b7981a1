/* SPDX-License-Identifier: MIT */
/* test_percpu.c - thread slots: taken once, handed back at exit, run out, survive fork(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sanitized.h"
#include "util/percpu.h"

#define NR_CROWD (QY__MAX_CPUS + 20)
#define STACK_SIZE (256 * 1024)

static pthread_barrier_t barrier;

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	assert_int_equal(pthread_create(&thread, &attr, fn, arg), 0);
	pthread_attr_destroy(&attr);
	return thread;
}

static void *report_slot(void *arg)
{
	__atomic_store_n((unsigned int *)arg, qy__thread_slot(), __ATOMIC_RELEASE);
	return NULL;
}

static unsigned int slot_of_new_thread(void)
{
	unsigned int slot = QY__CPU_UNSET;

	pthread_join(start(report_slot, &slot), NULL);
	return slot;
}

static void thread_slot_asked_twice_is_the_same(void **state)
{
	unsigned int slot;

	(void)state;
	errno = E2BIG;
	slot = qy__thread_slot();
	assert_true(slot < QY__MAX_CPUS);
	assert_int_equal(qy__thread_slot(), slot);
	assert_int_equal(qy__thread_cpu_slow(), slot);
	assert_int_equal(errno, E2BIG);
}

static void thread_slot_after_exit_is_used_again(void **state)
{
	unsigned int mine = qy__thread_slot(), first = slot_of_new_thread();

	(void)state;
	assert_int_not_equal(first, mine);
	assert_true(first < QY__MAX_CPUS);
	for (int i = 0; i < 300; i++)
		assert_int_equal(slot_of_new_thread(), first);
}

static void *wait_with_slot(void *arg)
{
	report_slot(arg);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void thread_slot_all_taken_is_no_cpu(void **state)
{
	static unsigned int slot[NR_CROWD];
	static pthread_t thread[NR_CROWD];
	bool seen[QY__MAX_CPUS] = {false};
	unsigned int without = 0;

	(void)state;
	seen[qy__thread_slot()] = true;
	pthread_barrier_init(&barrier, NULL, NR_CROWD + 1);
	for (unsigned int i = 0; i < NR_CROWD; i++)
		thread[i] = start(wait_with_slot, &slot[i]);
	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < NR_CROWD; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&barrier);

	for (unsigned int i = 0; i < NR_CROWD; i++) {
		if (slot[i] == QY__NO_CPU) {
			without++;
			continue;
		}
		assert_true(slot[i] < QY__MAX_CPUS);
		assert_false(seen[slot[i]]);
		seen[slot[i]] = true;
	}
	assert_int_equal(without, NR_CROWD - (QY__MAX_CPUS - 1));
	assert_true(slot_of_new_thread() < QY__MAX_CPUS);
}

/* Keys' destructors run in the order of the keys; this one is younger than the slots' key. */
static pthread_key_t late_key;
static unsigned int slot_seen_late;

static void look_late(void *arg)
{
	(void)arg;
	slot_seen_late = qy__thread_slot();
}

static void *set_late_key(void *arg)
{
	pthread_setspecific(late_key, arg);
	return report_slot(arg);
}

static void thread_slot_after_exit_hook_is_no_cpu(void **state)
{
	unsigned int slot = QY__CPU_UNSET;

	(void)state;
	qy__thread_slot();
	assert_int_equal(pthread_key_create(&late_key, look_late), 0);
	pthread_join(start(set_late_key, &slot), NULL);
	assert_true(slot < QY__MAX_CPUS);
	assert_int_equal(slot_seen_late, QY__NO_CPU);
	assert_int_equal(slot_of_new_thread(), slot);
	pthread_key_delete(late_key);
}

/* In a child: the parent's other thread is gone, its slot is free; the caller keeps its own. */
static int check_child(unsigned int mine, unsigned int others)
{
	unsigned int slot = QY__CPU_UNSET;
	pthread_t thread;

	if (qy__thread_slot() != mine)
		return 1;
	if (SANITIZED)
		return 0;
	if (pthread_create(&thread, NULL, report_slot, &slot))
		return 2;
	pthread_join(thread, NULL);
	return slot == others ? 0 : 3;
}

static void percpu_fork_child_frees_the_others_slots(void **state)
{
	unsigned int mine = qy__thread_slot(), others = QY__CPU_UNSET;
	pthread_t thread;
	int status;
	pid_t pid;

	(void)state;
	pthread_barrier_init(&barrier, NULL, 2);
	thread = start(wait_with_slot, &others);
	while (__atomic_load_n(&others, __ATOMIC_ACQUIRE) == QY__CPU_UNSET)
		usleep(1000);
	/* Two instances ask for it: it must not lock itself out. */
	qy__percpu_fork_prepare();
	qy__percpu_fork_prepare();
	pid = fork();
	if (pid == 0) {
		qy__percpu_fork_child();
		qy__percpu_fork_child();
		_exit(check_child(mine, others));
	}
	qy__percpu_fork_parent();
	qy__percpu_fork_parent();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_not_equal(slot_of_new_thread(), others); /* in the parent it is still taken */
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
}

static void *fork_without_slot(void *arg)
{
	unsigned int *slot = arg;

	qy__percpu_fork_prepare();
	slot[0] = qy__thread_slot(); /* would take the lock that is held */
	qy__percpu_fork_parent();
	slot[1] = qy__thread_slot();
	return NULL;
}

static void thread_slot_during_fork_does_not_lock_up(void **state)
{
	unsigned int slot[2];

	(void)state;
	pthread_join(start(fork_without_slot, slot), NULL);
	assert_int_equal(slot[0], QY__NO_CPU);
	assert_true(slot[1] < QY__MAX_CPUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_slot_asked_twice_is_the_same),
		cmocka_unit_test(thread_slot_after_exit_is_used_again),
		cmocka_unit_test(thread_slot_all_taken_is_no_cpu),
		cmocka_unit_test(thread_slot_after_exit_hook_is_no_cpu),
		cmocka_unit_test(percpu_fork_child_frees_the_others_slots),
		cmocka_unit_test(thread_slot_during_fork_does_not_lock_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
