/* SPDX-License-Identifier: MIT */
/* test_osif_claim.c - a span that is claimed: mapped as far as it is used, where nobody else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include "osif/osif.h"
#include "util/align.h"
#include "util/compiler.h"

#define PAGE QY_PAGE_SIZE
#define SPAN ((size_t)64 << 30)
#define ALIGN ((size_t)4 << 20)

static struct qy__osif os;

static bool is_mapped(const void *addr)
{
	unsigned char vec;

	return !mincore((void *)qy__align_down((uintptr_t)addr, PAGE), PAGE, &vec);
}

static int set_up(void **state)
{
	(void)state;
	memset(&os, 0, sizeof(os));
	if (qy__osif_claim(&os, SPAN, ALIGN, 0))
		os.base = NULL; /* a sanitizer's runtime has all places */
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (os.base)
		qy__osif_ops(&os)->release(&os);
	return 0;
}

static char *base(void)
{
	if (!os.base)
		skip();
	return os.base;
}

static int commit(size_t page, size_t pages)
{
	return qy__osif_ops(&os)->commit(&os, (char *)os.base + page * PAGE, pages * PAGE);
}

static void claim_maps_nothing(void **state)
{
	char *p = base();

	(void)state;
	assert_int_equal(os.size, SPAN);
	assert_int_equal((uintptr_t)p % ALIGN, 0);
	for (size_t at = 0; at < SPAN; at += SPAN / 64)
		assert_false(is_mapped(p + at));
}

static void commit_maps_what_is_asked_for_and_once(void **state)
{
	char *p = base();

	(void)state;
	errno = E2BIG;
	assert_int_equal(commit(4, 3), 0);
	assert_int_equal(errno, E2BIG);
	assert_false(is_mapped(p + 3 * PAGE) || is_mapped(p + 7 * PAGE));
	memset(p + 4 * PAGE, 0x5a, 3 * PAGE);
	assert_int_equal(commit(2, 8), 0);
	assert_true(is_mapped(p + 2 * PAGE) && is_mapped(p + 9 * PAGE));
	assert_false(is_mapped(p + PAGE) || is_mapped(p + 10 * PAGE));
	assert_int_equal(p[4 * PAGE] + p[7 * PAGE - 1], 2 * 0x5a);
	assert_int_equal(p[4 * PAGE - 1] + p[7 * PAGE], 0);
	assert_int_equal(os.nr_runs, 1);
}

static void commit_over_several_runs_joins_them(void **state)
{
	char *p = base();

	(void)state;
	for (size_t page = 1; page < 20; page += 4)
		assert_int_equal(commit(page, 2), 0);
	assert_int_equal(os.nr_runs, 5);
	assert_int_equal(commit(0, 24), 0);
	assert_int_equal(os.nr_runs, 1);
	memset(p, 1, 24 * PAGE);
	qy__osif_ops(&os)->release(&os);
	for (size_t page = 0; page < 24; page++)
		assert_false(is_mapped(p + page * PAGE));
	os.nr_runs = 0;
}

static void commit_of_more_runs_than_can_be_noted_is_enomem(void **state)
{
	char *p = base();

	(void)state;
	for (size_t i = 0; i < QY__OSIF_RUNS; i++)
		assert_int_equal(commit(2 * i, 1), 0);
	assert_int_equal(commit(2 * QY__OSIF_RUNS, 1), -ENOMEM);
	assert_false(is_mapped(p + 2 * QY__OSIF_RUNS * PAGE));
	assert_int_equal(commit(1, 1), 0); /* two become one */
	assert_int_equal(commit(2 * QY__OSIF_RUNS, 1), 0);
}

static void commit_leaves_other_peoples_mappings_alone(void **state)
{
	char *p = base(), *theirs;

	(void)state;
	assert_int_equal(commit(0, 2), 0);
	theirs = mmap(p + 6 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(theirs, p + 6 * PAGE);
	memset(theirs, 0x77, PAGE);
	assert_int_equal(commit(0, 8), -EEXIST);
	assert_int_equal(commit(6, 1), -EEXIST);
	assert_int_equal(commit(7, 1), 0);
	assert_int_equal(theirs[0] + theirs[PAGE - 1], 2 * 0x77);
	qy__osif_ops(&os)->release(&os);
	os.nr_runs = 0;
	assert_true(is_mapped(theirs));
	assert_int_equal(theirs[PAGE - 1], 0x77);
	assert_false(is_mapped(p + 7 * PAGE));
	munmap(theirs, PAGE);
}

static void commit_of_a_mapping_of_its_own_makes_it_accessible(void **state)
{
	const struct qy__osif_ops *ops;
	char *p;

	(void)state;
	base();
	ops = qy__osif_ops(&os);
	p = ops->map(&os, PAGE, PAGE, 4 * PAGE);
	assert_non_null(p);
	assert_int_equal(ops->commit(&os, p + PAGE, 2 * PAGE), 0);
	memset(p, 1, 3 * PAGE);
	assert_int_equal(os.nr_runs, 0);
	ops->unmap(&os, p, PAGE, 4 * PAGE);
}

static void claim_has_an_end_of_attempts(void **state)
{
	struct qy__osif other = {.size = 7};
	unsigned int n = 0;

	(void)state;
	base();
	while (n < 100 && !qy__osif_claim(&other, SPAN, ALIGN, n))
		n++;
	assert_in_range(n, 2, 99);
	other.size = 7;
	assert_int_equal(qy__osif_claim(&other, SPAN, ALIGN, n), -ENOMEM);
	assert_int_equal(other.size, 7);
}

static void claims_of_a_process_lie_apart(void **state)
{
	uintptr_t at[64];

	(void)state;
	base();
	for (size_t i = 0; i < 64; i++) {
		struct qy__osif other;

		assert_int_equal(qy__osif_claim(&other, SPAN, ALIGN, 0), 0);
		at[i] = (uintptr_t)other.base;
		for (size_t k = 0; k < i; k++)
			assert_true(at[k] > at[i] ? at[k] - at[i] >= SPAN : at[i] - at[k] >= SPAN);
	}
}

/* The first claim of a new process, which prints it. */
static uintptr_t claim_elsewhere(bool same_each_time)
{
	uintptr_t at = 0;
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (same_each_time)
			personality(ADDR_NO_RANDOMIZE);
		dup2(fd[1], STDOUT_FILENO);
		execl("/proc/self/exe", "test_osif_claim", "print", NULL);
		_exit(1);
	}
	close(fd[1]);
	if (read(fd[0], &at, sizeof(at)) != sizeof(at))
		at = 0;
	close(fd[0]);
	waitpid(pid, NULL, 0);
	assert_int_not_equal(at, 0);
	return at;
}

static void places_differ_unless_the_user_wants_them_alike(void **state)
{
	uintptr_t first;
	unsigned int same = 0;

	(void)state;
	base();
	first = claim_elsewhere(false);
	for (int i = 0; i < 4; i++)
		same += claim_elsewhere(false) == first;
	/* Where all programs have randomization off, they are alike, too. */
	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE))
		assert_true(same < 2);
	first = claim_elsewhere(true);
	if (personality(0xffffffff) == -1)
		skip();
	assert_int_equal(claim_elsewhere(true), first);
}

#define CLAIM(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CLAIM(claim_maps_nothing),
		CLAIM(commit_maps_what_is_asked_for_and_once),
		CLAIM(commit_over_several_runs_joins_them),
		CLAIM(commit_of_more_runs_than_can_be_noted_is_enomem),
		CLAIM(commit_leaves_other_peoples_mappings_alone),
		CLAIM(commit_of_a_mapping_of_its_own_makes_it_accessible),
		CLAIM(claim_has_an_end_of_attempts),
		CLAIM(claims_of_a_process_lie_apart),
		CLAIM(places_differ_unless_the_user_wants_them_alike),
	};

	if (argc > 1 && !strcmp(argv[1], "print")) {
		set_up(NULL);
		return write(STDOUT_FILENO, &os.base, sizeof(os.base)) == sizeof(os.base) ? 0 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
