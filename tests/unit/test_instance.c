/* SPDX-License-Identifier: MIT */
/*
 * test_instance.c - instances as a whole: thousands of them, snapshots, determinism, two side by
 * side, the default one, fork.
 */
#include "damage.h"
#include "fixture.h"
#include "patience.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "debug/debug.h"
#include "page/page_alloc.h"

/* ---- many ---- */

static void thousands_of_arenas_in_one_buffer(void **state)
{
	char *buf = aligned_alloc(PAGE_BYTES << 6, PAGE_BYTES << 7);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		void *p;

		instance_init(&in, 128);
		in.config.base = buf;
		in.config.debug = i % 3 ? NULL : "slab_debug=FZPU";
		in.config.classes = (enum qy_classes)(i % 2);
		in.mm = qy_mm_create(&in.config);
		assert_non_null(in.mm);
		p = qy_kmalloc(in.mm, (size_t)i % 5000 + 1, 0);
		if (p)
			memset(p, i, (size_t)i % 5000 + 1);
		if (i % 100 == 0)
			assert_clean(&in);
		qy_mm_destroy(in.mm);
	}
	in.mm = NULL;
	free(buf);
}

static void hundreds_of_anonymous_instances_side_by_side(void **state)
{
	static struct qy_mm *mm[300];
	static char *p[300];
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;

	(void)state;
	cfg.size = PAGE_BYTES << 13;
	for (int i = 0; i < 300; i++) {
		mm[i] = qy_mm_create(&cfg);
		assert_non_null(mm[i]);
		p[i] = qy_kmalloc(mm[i], 100, 0);
		memset(p[i], i, 100);
	}
	for (int i = 0; i < 300; i++) {
		assert_int_equal(p[i][99], (char)i);
		qy_kfree(mm[i], p[i]);
		if (i % 50 == 0)
			assert_sound(mm[i]);
		qy_mm_destroy(mm[i]);
	}
	qy_mm_destroy(NULL);
}

/* Over and over: address space and descriptors come back. */
static void anonymous_create_and_destroy_gives_all_back(void **state)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT; /* 64 GiB each */

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct qy_mm *mm = qy_mm_create(&cfg);

		assert_non_null(mm);
		*(char *)qy_kmalloc(mm, 10, 0) = 1;
		qy_mm_destroy(mm);
	}
}

/* One's pointers are not another's. */
static void instances_do_not_know_one_anothers_memory(void **state)
{
	struct instance other;
	void *p, *q;

	(void)state;
	instance_make(&in, 256, "slab_debug");
	instance_make(&other, 256, "slab_debug");
	p = qy_kmalloc(in.mm, 50, 0);
	q = qy_kmalloc(other.mm, 50, 0);
	qy_kfree(in.mm, q);
	take_report(&in, QY_REPORT_INVALID_FREE);
	qy_kfree(other.mm, p);
	take_report(&other, QY_REPORT_INVALID_FREE);
	qy_kfree(in.mm, p);
	qy_kfree(other.mm, q);
	assert_clean(&in);
	assert_clean(&other);
	instance_destroy(&other);
}

/* ---- determinism and snapshots ---- */

#define NR_OPS 1500

/* What the player has in his hands. */
static struct player {
	void *p[64];
	struct qy_cache *c;
} players[2];

/*
 * Calls drawn from a seed, of which those from @from to @to are made; what they answered, relative
 * to the base, as one number per call.
 */
static void play(struct instance *i, unsigned int seed, size_t *log, unsigned int from,
		 unsigned int to)
{
	struct player *who = &players[i == &in];
	uint64_t rng = seed;

	if (!from) {
		memset(who, 0, sizeof(*who));
		who->c = qy_cache_create(i->mm, "played", 72, 0, 0, NULL);
	}
	for (unsigned int step = 0; step < to; step++) {
		unsigned int at, kind;
		size_t size;

		rng = rng * 6364136223846793005u + 1442695040888963407u;
		at = rng >> 33 & 63;
		kind = rng >> 39 & 3;
		size = rng >> 41 & 0xfff;
		if (step < from)
			continue;
		assert_int_equal(qy_mm_set_cpu(i->mm, kind % i->config.nr_cpus), 0);
		if (at < 20) {
			if (who->p[at])
				qy_cache_free(who->c, who->p[at]);
			who->p[at] = who->p[at] ? NULL : qy_cache_alloc(who->c, 0);
		} else if (who->p[at] && kind) {
			qy_kfree(i->mm, who->p[at]);
			who->p[at] = NULL;
		} else {
			who->p[at] = qy_krealloc(i->mm, who->p[at], size + 1, 0);
		}
		log[step] = who->p[at] ? (size_t)((char *)who->p[at] - i->buf) : 0;
	}
}

static void same_config_and_calls_give_the_same_addresses(void **state)
{
	static size_t log[2][NR_OPS];
	static const char *const debug[] = {NULL, "slab_debug=FZPU quarantine=8K"};

	(void)state;
	for (int d = 0; d < 2; d++)
		for (unsigned int seed = 1; seed < 4; seed++) {
			struct instance other;

			instance_init(&in, 512);
			instance_init(&other, 512);
			in.config.debug = other.config.debug = debug[d];
			in.config.nr_cpus = other.config.nr_cpus = 3;
			instance_create(&in);
			instance_create(&other);
			play(&in, seed, log[0], 0, NR_OPS);
			play(&other, seed, log[1], 0, NR_OPS);
			assert_memory_equal(log[0], log[1], sizeof(log[0]));
			assert_clean(&in);
			assert_clean(&other);
			instance_destroy(&in);
			instance_destroy(&other);
		}
}

/* A copy of the buffer is a copy of everything: from it, the same calls give the same answers. */
static void snapshot_restores_everything(void **state)
{
	static size_t log[2][NR_OPS];
	static const char *const debug[] = {NULL, "slab_debug=FZPU quarantine=8K"};

	(void)state;
	for (int d = 0; d < 2; d++) {
		struct qy_page_stats before = {.struct_size = sizeof(before)}, after = before;
		struct player kept;
		uint64_t sum;

		instance_make(&in, 512, debug[d]);
		play(&in, 9, log[0], 0, NR_OPS / 2);
		instance_save(&in);
		kept = players[1];
		sum = checksum(&in);
		qy_page_stats(in.mm, &before);
		/* Whatever is done then … */
		for (size_t size = 1; size < 20000; size = size * 2 + 1)
			(void)!hide(qy_kmalloc(in.mm, size, QY_GFP_ZERO));
		while (qy_alloc_pages(in.mm, 0, 0))
			;
		assert_int_not_equal(checksum(&in), sum);
		instance_restore(&in);
		assert_int_equal(checksum(&in), sum);
		qy_page_stats(in.mm, &after);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_clean(&in);
		/* … after a restore is as if it had not been: it goes on in the same way, twice. */
		play(&in, 9, log[0], NR_OPS / 2, NR_OPS);
		instance_restore(&in);
		players[1] = kept;
		play(&in, 9, log[1], NR_OPS / 2, NR_OPS);
		assert_memory_equal(log[0] + NR_OPS / 2, log[1] + NR_OPS / 2,
				    NR_OPS / 2 * sizeof(size_t));
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* Looking changes nothing. */
static void checks_and_infos_write_nothing(void **state)
{
	static size_t log[NR_OPS];
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	uint64_t sum;

	(void)state;
	instance_make(&in, 512, "slab_debug=FZPU quarantine=8K");
	play(&in, 4, log, 0, NR_OPS);
	sum = checksum(&in);
	assert_sound(in.mm);
	assert_int_equal(qy_validate(in.mm), 0);
	qy_page_stats(in.mm, &stats);
	for (unsigned int i = 0; qy_cache_at(in.mm, i); i++)
		qy_cache_info(qy_cache_at(in.mm, i), &info);
	assert_int_equal(qy_mm_trim(in.mm), 0);
	qy_page_of(in.mm, in.buf);
	assert_int_equal(checksum(&in), sum);
}

/* ---- the default instance ---- */

static void *get_default(void *arg)
{
	(void)arg;
	return qy_mm_default();
}

static void default_instance_is_one_for_all_threads(void **state)
{
	pthread_t t[4];
	struct qy_mm *mm;
	void *p;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, get_default, NULL), 0);
	mm = qy_mm_default();
	assert_non_null(mm);
	for (int i = 0; i < 4; i++) {
		void *theirs;

		pthread_join(t[i], &theirs);
		assert_ptr_equal(theirs, mm);
	}
	p = qy_kmalloc(mm, 100, 0);
	assert_non_null(p);
	memset(p, 1, 100);
	qy_kfree(mm, p);
	assert_sound(mm);
}

/* ---- fork ---- */

static volatile bool stop;

static void *churn(void *arg)
{
	struct qy_mm *mm = arg;

	for (unsigned int i = 0; !stop; i++) {
		void *p = qy_kmalloc(mm, i % 3000 + 1, 0), *q = qy_kmalloc(mm, i % 50 + 1, 0);

		qy_kfree(mm, p);
		qy_kfree(mm, q);
	}
	return NULL;
}

static int use_in_child(struct qy_mm *mm)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	patient_alarm(20); /* a lock that was left held would be for ever */
	for (size_t size = 1; size < 30000; size = size * 2 + 1) {
		char *p = qy_kmalloc(mm, size, 0);

		if (!p)
			return 2;
		memset(p, 1, size);
		qy_kfree(mm, p);
	}
	if (qy_mm_reports(mm))
		return 3;
	return qy_check(mm, QY_CHECK_ALL, &r) ? 4 : 0;
}

static void fork_child_has_a_usable_copy(void **state)
{
	static const char *const debug[] = {NULL, "slab_debug=FZPU quarantine=64K"};

	(void)state;
	for (int d = 0; d < 2; d++) {
		struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
		struct qy_mm *mm;
		pthread_t t[2];

		cfg.size = PAGE_BYTES << 16;
		cfg.debug = debug[d];
		mm = qy_mm_create(&cfg);
		assert_non_null(mm);
		stop = false;
		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_create(&t[i], NULL, churn, mm), 0);
		for (int round = 0; round < 15; round++) {
			int status;
			pid_t pid;

			qy_mm_fork_prepare(mm);
			pid = fork();
			if (!pid) {
				qy_mm_fork_child(mm);
				_exit(use_in_child(mm));
			}
			qy_mm_fork_parent(mm);
			assert_true(pid > 0);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), 0);
		}
		stop = true;
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
		assert_sound(mm);
		qy_mm_destroy(mm);
	}
}

static bool any_lock_held(struct qy_mm *mm)
{
	bool held = qy__is_locked(&mm->grow_lock) || qy__is_locked(&mm->report.lock) ||
		    qy__is_locked(&mm->slab->lock);

	for (int z = 0; z < QY_NR_ZONES; z++)
		held |= qy__is_locked(&mm->zone[z].lock);
	for (struct qy_cache *c = mm->slab->first; c; c = c->next)
		held |= qy__is_locked(&c->lock);
	return held || qy__is_locked(&mm->debug->quarantine.lock) ||
	       qy__is_locked(&mm->debug->large_lock) || qy__is_locked(&mm->debug->depot.lock);
}

static void fork_prepare_and_parent_leave_no_lock_behind(void **state)
{
	(void)state;
	instance_make(&in, 512, "slab_debug");
	for (int i = 0; i < 3; i++) {
		assert_false(any_lock_held(in.mm));
		qy_mm_fork_prepare(in.mm);
		assert_true(any_lock_held(in.mm));
		if (i % 2)
			qy_mm_fork_child(in.mm);
		else
			qy_mm_fork_parent(in.mm);
		assert_false(any_lock_held(in.mm));
		qy_kfree(in.mm, qy_kmalloc(in.mm, 100, 0));
	}
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(thousands_of_arenas_in_one_buffer, tear_down),
		cmocka_unit_test(hundreds_of_anonymous_instances_side_by_side),
		cmocka_unit_test(anonymous_create_and_destroy_gives_all_back),
		cmocka_unit_test_teardown(instances_do_not_know_one_anothers_memory, tear_down),
		cmocka_unit_test_teardown(same_config_and_calls_give_the_same_addresses, tear_down),
		cmocka_unit_test_teardown(snapshot_restores_everything, tear_down),
		cmocka_unit_test_teardown(checks_and_infos_write_nothing, tear_down),
		cmocka_unit_test(default_instance_is_one_for_all_threads),
		cmocka_unit_test(fork_child_has_a_usable_copy),
		cmocka_unit_test_teardown(fork_prepare_and_parent_leave_no_lock_behind, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
