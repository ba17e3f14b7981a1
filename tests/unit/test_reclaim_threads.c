/* SPDX-License-Identifier: MIT */
/*
 * test_reclaim_threads.c - shrinkers that go while other threads are inside them, and fork().
 *
 * Also to be run under the thread sanitizer: what a shrinker wrote is to be seen by whoever
 * unregistered it.
 */
#include "fixture.h"
#include "patience.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "page/reclaim.h"

#define ALARM 60 /* seconds until a child that hangs is given up */

static int set_up(void **state)
{
	(void)state;
	instance_make(&in, 512, NULL);
	return 0;
}

static uint32_t get(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void set(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void wait_for(const uint32_t *word, uint32_t value)
{
	while (get(word) < value)
		sched_yield();
}

/* Time for another to do what he should not. */
static void linger(void)
{
	for (int i = 0; i < 2000; i++)
		sched_yield();
}

static void start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	assert_int_equal(pthread_create(thread, NULL, fn, arg), 0);
}

static void join(pthread_t thread)
{
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void *shrink_once(void *arg)
{
	(void)arg;
	qy_mm_shrink(in.mm, QY_GFP_KERNEL, 0, 1);
	return NULL;
}

static size_t count_some(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	(void)s;
	(void)sc;
	return 100;
}

/* ---- one waits for another ---- */

struct slow {
	struct qy_shrinker s;
	uint32_t entered, leaving;
	uint32_t plain; /* no atomic access: ordered by the library */
};

static size_t slow_scan(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	struct slow *slow = s->ctx;

	(void)sc;
	__atomic_fetch_add(&slow->entered, 1, __ATOMIC_ACQ_REL);
	wait_for(&slow->leaving, 1);
	linger();
	slow->plain++;
	return 0;
}

static struct slow *slow_new(void)
{
	struct slow *slow = calloc(1, sizeof(*slow));

	assert_non_null(slow);
	slow->s = (struct qy_shrinker){.count = count_some, .scan = slow_scan, .seeks = 2};
	slow->s.ctx = slow;
	assert_int_equal(qy_shrinker_register(in.mm, &slow->s), 0);
	return slow;
}

static void unregister_waits_for_a_call_under_way(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct slow *slow = slow_new();
		pthread_t thread;

		start(&thread, shrink_once, NULL);
		wait_for(&slow->entered, 1);
		assert_int_equal(get(&in.mm->reclaim.active), 1);
		set(&slow->leaving, 1);
		assert_int_equal(qy_shrinker_unregister(&slow->s), 0);
		assert_int_equal(slow->plain, 1);
		memset(slow, 0x5a, sizeof(*slow));
		free(slow);
		join(thread);
		assert_int_equal(in.mm->reclaim.active, 0);
		assert_null(in.mm->reclaim.walks);
	}
}

/* ---- two inside the same, one of them sends it away ---- */

struct shared {
	struct qy_shrinker s;
	uint32_t entered, leaving, plain;
};

static size_t shared_scan(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	struct shared *shared = s->ctx;

	(void)sc;
	if (__atomic_fetch_add(&shared->entered, 1, __ATOMIC_ACQ_REL) == 0) {
		wait_for(&shared->entered, 2);
		set(&shared->leaving, 1);
		assert_int_equal(qy_shrinker_unregister(s), 0);
		assert_int_equal(shared->plain, 1);
		memset(shared, 0x5a, sizeof(*shared));
		free(shared);
		return 100;
	}
	wait_for(&shared->leaving, 1);
	linger();
	assert_int_equal(qy_shrinker_unregister(s), -ENOENT); /* too late */
	shared->plain = 1;
	return 100;
}

static void shrinker_that_goes_waits_for_others_inside_it(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct shared *shared = calloc(1, sizeof(*shared));
		pthread_t thread[2];

		assert_non_null(shared);
		shared->s =
			(struct qy_shrinker){.count = count_some, .scan = shared_scan, .seeks = 2};
		shared->s.ctx = shared;
		assert_int_equal(qy_shrinker_register(in.mm, &shared->s), 0);
		start(&thread[0], shrink_once, NULL);
		start(&thread[1], shrink_once, NULL);
		join(thread[0]);
		join(thread[1]);
		assert_null(in.mm->reclaim.first);
	}
}

/* ---- a crowd ---- */

#define SHRINKING 3
#define CHANGING 2
#define LIVES 400

struct mortal {
	struct qy_shrinker s;
	bool goes_itself;
	uint32_t alive; /* dies once */
	size_t calls;
};

static uint32_t changing, total_calls;

static size_t mortal_scan(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	struct mortal *m = s->ctx;

	__atomic_fetch_add(&total_calls, 1, __ATOMIC_RELAXED);
	assert_int_equal(get(&m->alive), 0xa11fe);
	__atomic_fetch_add(&m->calls, 1, __ATOMIC_RELAXED);
	if (m->goes_itself && !qy_shrinker_unregister(s)) {
		set(&m->alive, 0);
		free(m);
	}
	return sc->nr_to_scan;
}

static void *shrink_on(void *arg)
{
	unsigned int priority = 0;

	(void)arg;
	while (get(&changing))
		qy_mm_shrink(in.mm, QY_GFP_KERNEL, 0, priority++ % 3);
	return NULL;
}

static struct mortal *mortal_new(bool goes_itself)
{
	struct mortal *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->s = (struct qy_shrinker){.count = count_some, .scan = mortal_scan, .batch = 10};
	m->s.ctx = m;
	m->alive = 0xa11fe;
	m->goes_itself = goes_itself;
	assert_int_equal(qy_shrinker_register(in.mm, &m->s), 0);
	return m;
}

static void *come_and_go(void *arg)
{
	struct mortal *mine[4] = {NULL};

	(void)arg;
	for (unsigned int i = 0; i < LIVES; i++) {
		struct mortal **m = &mine[i % 4];

		if (*m) {
			assert_int_equal(qy_shrinker_unregister(&(*m)->s), 0);
			set(&(*m)->alive, 0);
			free(*m);
		}
		*m = mortal_new(false);
		if (i % 5 == 0)
			mortal_new(true); /* whoever runs it sends it away */
	}
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(qy_shrinker_unregister(&mine[i]->s), 0);
		free(mine[i]);
	}
	__atomic_fetch_sub(&changing, 1, __ATOMIC_ACQ_REL);
	return NULL;
}

static void shrinkers_come_and_go_under_the_feet_of_many(void **state)
{
	pthread_t thread[SHRINKING + CHANGING];

	(void)state;
	changing = CHANGING;
	total_calls = 0;
	for (int i = 0; i < SHRINKING + CHANGING; i++)
		start(&thread[i], i < SHRINKING ? shrink_on : come_and_go, NULL);
	for (int i = 0; i < SHRINKING + CHANGING; i++)
		join(thread[i]);
	while (in.mm->reclaim.first)
		qy_mm_shrink(in.mm, QY_GFP_KERNEL, 0, 0); /* those that go by themselves */
	assert_true(total_calls > 0);
	assert_int_equal(in.mm->reclaim.active, 0);
	assert_null(in.mm->reclaim.walks);
	assert_clean(&in);
}

/* ---- fork() ---- */

static int exit_code(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void child_does_not_wait_for_threads_it_has_not(void **state)
{
	struct slow *slow = slow_new();
	pthread_t thread;
	pid_t child;

	(void)state;
	start(&thread, shrink_once, NULL);
	wait_for(&slow->entered, 1);
	qy_mm_fork_prepare(in.mm);
	child = fork();
	if (!child) {
		patient_alarm(ALARM);
		qy_mm_fork_child(in.mm);
		if (in.mm->reclaim.active || in.mm->reclaim.walks || qy__in_reclaim(in.mm))
			_exit(1);
		slow->leaving = 1;
		if (qy_mm_shrink(in.mm, QY_GFP_KERNEL, 0, 1) || slow->plain != 1)
			_exit(2);
		_exit(qy_shrinker_unregister(&slow->s) ? 3 : 0);
	}
	qy_mm_fork_parent(in.mm);
	assert_int_equal(exit_code(child), 0);
	assert_int_equal(get(&in.mm->reclaim.active), 1);
	set(&slow->leaving, 1);
	assert_int_equal(qy_shrinker_unregister(&slow->s), 0);
	join(thread);
	free(slow);
}

static pid_t forked;

static void fork_here(void)
{
	qy_mm_fork_prepare(in.mm);
	forked = fork();
	if (forked) {
		qy_mm_fork_parent(in.mm);
		return;
	}
	patient_alarm(ALARM);
	qy_mm_fork_child(in.mm);
	if (!qy__in_reclaim(in.mm) || in.mm->reclaim.active != 1)
		_exit(1);
}

/* In the child this leaves with what it found, in the parent with what the child found. */
static void after_fork(bool good)
{
	if (!forked)
		_exit(!good || in.mm->reclaim.active || in.mm->reclaim.walks ||
		      qy__in_reclaim(in.mm));
	assert_true(good);
	assert_int_equal(exit_code(forked), 0);
	assert_int_equal(in.mm->reclaim.active, 0);
}

static size_t forking_scan(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	fork_here();
	if (s->ctx)
		qy_shrinker_unregister(s);
	return sc->nr_to_scan;
}

static void shrinker_may_fork(void **state)
{
	(void)state;
	for (int goes = 0; goes < 2; goes++) {
		struct qy_shrinker s = {.count = count_some, .scan = forking_scan, .seeks = 2};
		bool good;

		s.ctx = goes ? &s : NULL;
		assert_int_equal(qy_shrinker_register(in.mm, &s), 0);
		good = qy_mm_shrink(in.mm, QY_GFP_KERNEL, 0, 1) == 100;
		good &= qy_shrinker_unregister(&s) == (goes ? -ENOENT : 0);
		after_fork(good);
	}
}

static bool forking_hook(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order, void *ctx)
{
	(void)mm;
	(void)gfp;
	(void)order;
	(void)ctx;
	fork_here();
	return true;
}

static void hook_may_fork(void **state)
{
	(void)state;
	instance_destroy(&in);
	instance_init(&in, 512);
	in.config.reclaim.fn = forking_hook;
	instance_create(&in);
	after_fork(qy__reclaim_hook(in.mm, QY_GFP_KERNEL, 0));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(unregister_waits_for_a_call_under_way),
		TEST(shrinker_that_goes_waits_for_others_inside_it),
		TEST(shrinkers_come_and_go_under_the_feet_of_many),
		TEST(child_does_not_wait_for_threads_it_has_not),
		TEST(shrinker_may_fork),
		TEST(hook_may_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
