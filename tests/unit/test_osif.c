/* SPDX-License-Identifier: MIT */
/* test_osif.c - the two back ends through one contract, clocks, thread ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "osif/osif.h"
#include "util/align.h"
#include "util/compiler.h"

#define NR_PAGES 16
#define SPAN (NR_PAGES * QY_PAGE_SIZE)

static struct qy__osif os;
static int probe_fd[2];

/* Whether a byte may be read: the kernel tries, and says EFAULT. */
static bool is_readable(const void *addr)
{
	char byte;

	if (write(probe_fd[1], addr, 1) != 1)
		return false;
	return read(probe_fd[0], &byte, 1) == 1;
}

static bool is_zero(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static int set_up_group(void **state)
{
	(void)state;
	return pipe(probe_fd);
}

static int set_up_anon(void **state)
{
	(void)state;
	memset(&os, 0, sizeof(os));
	return qy__osif_anon(&os, SPAN, SPAN, QY_PAGE_SIZE);
}

static int set_up_arena(void **state)
{
	static char *buffer;

	memset(&os, 0, sizeof(os));
	free(buffer);
	buffer = malloc(SPAN + QY_PAGE_SIZE);
	memset(buffer, 0xee, SPAN + QY_PAGE_SIZE);
	*state = buffer;
	return qy__osif_arena(&os, buffer, SPAN + QY_PAGE_SIZE);
}

static int tear_down(void **state)
{
	(void)state;
	qy__osif_ops(&os)->release(&os);
	return 0;
}

/* --- both back ends ------------------------------------------------------------------------- */

static void span_is_of_whole_pages(void **state)
{
	(void)state;
	assert_true(qy__is_aligned((uintptr_t)os.base, QY_PAGE_SIZE));
	assert_int_equal(os.size % QY_PAGE_SIZE, 0);
	assert_true(os.size >= SPAN);
}

static void commit_gives_zeroed_memory(void **state)
{
	char *p = (char *)os.base + 2 * QY_PAGE_SIZE;

	(void)state;
	errno = E2BIG;
	assert_int_equal(qy__osif_ops(&os)->commit(&os, p, 3 * QY_PAGE_SIZE), 0);
	assert_true(is_zero(p, 3 * QY_PAGE_SIZE));
	memset(p, 0x5a, 3 * QY_PAGE_SIZE);
	assert_int_equal(p[3 * QY_PAGE_SIZE - 1], 0x5a);
	assert_int_equal(errno, E2BIG);
}

static void commit_after_discard_gives_zeroed_memory(void **state)
{
	char *p = os.base;

	(void)state;
	assert_int_equal(qy__osif_ops(&os)->commit(&os, p, 4 * QY_PAGE_SIZE), 0);
	memset(p, 0x5a, 4 * QY_PAGE_SIZE);
	qy__osif_ops(&os)->discard(&os, p + QY_PAGE_SIZE, 2 * QY_PAGE_SIZE);
	/* Discarded memory reads as zero or as before; its neighbours are untouched. */
	for (size_t i = 0; i < 2 * QY_PAGE_SIZE; i++)
		assert_true(p[QY_PAGE_SIZE + i] == 0 || p[QY_PAGE_SIZE + i] == 0x5a);
	assert_int_equal(qy__osif_ops(&os)->commit(&os, p + QY_PAGE_SIZE, 2 * QY_PAGE_SIZE), 0);
	assert_true(is_zero(p + QY_PAGE_SIZE, 2 * QY_PAGE_SIZE));
	assert_int_equal(p[0], 0x5a);
	assert_int_equal(p[3 * QY_PAGE_SIZE], 0x5a);
}

static uint64_t count_calls(void *ctx)
{
	return ++*(uint64_t *)ctx;
}

static void now_own_clock_is_asked(void **state)
{
	uint64_t calls = 40;

	(void)state;
	os.clock = (struct qy_clock){.fn = count_calls, .ctx = &calls};
	assert_int_equal(qy__osif_now(&os), 41);
	assert_int_equal(qy__osif_now(&os), 42);
}

/* --- anonymous memory ----------------------------------------------------------------------- */

static void anon_uncommitted_memory_is_out_of_reach(void **state)
{
	char *p = os.base;

	(void)state;
	assert_false(is_readable(p));
	assert_int_equal(qy__osif_ops(&os)->commit(&os, p + QY_PAGE_SIZE, QY_PAGE_SIZE), 0);
	assert_false(is_readable(p + QY_PAGE_SIZE - 1));
	assert_true(is_readable(p + QY_PAGE_SIZE));
	assert_false(is_readable(p + 2 * QY_PAGE_SIZE));
}

static void anon_discard_gives_memory_back(void **state)
{
	char *p = os.base;

	(void)state;
	assert_int_equal(qy__osif_ops(&os)->commit(&os, p, SPAN), 0);
	memset(p, 0x5a, SPAN);
	assert_int_equal(qy__osif_ops(&os)->discard(&os, p, SPAN), SPAN);
	assert_true(is_zero(p, SPAN));
}

static void anon_release_gives_addresses_back(void **state)
{
	struct qy__osif other;
	char *p;

	(void)state;
	assert_int_equal(qy__osif_anon(&other, SPAN, SPAN, QY_PAGE_SIZE), 0);
	p = other.base;
	assert_int_equal(qy__osif_ops(&other)->commit(&other, p, SPAN), 0);
	qy__osif_ops(&other)->release(&other);
	assert_false(is_readable(p));
}

static void anon_large_alignment_is_kept(void **state)
{
	struct qy__osif other;

	(void)state;
	for (size_t align = 1; align <= (size_t)1 << 30; align <<= 3) {
		assert_int_equal(qy__osif_anon(&other, SPAN, SPAN, align), 0);
		assert_true(qy__is_aligned((uintptr_t)other.base, align));
		assert_int_equal(other.size, SPAN);
		assert_int_equal(qy__osif_ops(&other)->commit(&other, other.base, SPAN), 0);
		qy__osif_ops(&other)->release(&other);
	}
}

static void anon_more_than_there_is_is_halved(void **state)
{
	struct qy__osif other;

	(void)state;
	assert_int_equal(qy__osif_anon(&other, (size_t)1 << 60, SPAN, QY_PAGE_SIZE), 0);
	assert_true(other.size < (size_t)1 << 60);
	assert_true(other.size >= SPAN);
	assert_int_equal(other.size & (other.size - 1), 0);
	qy__osif_ops(&other)->release(&other);
}

static void anon_less_than_least_is_enomem_without_effect(void **state)
{
	struct qy__osif other = {.size = 7};

	(void)state;
	errno = E2BIG;
	assert_int_equal(qy__osif_anon(&other, (size_t)1 << 60, (size_t)1 << 59, 1), -ENOMEM);
	assert_int_equal(qy__osif_anon(&other, QY_PAGE_SIZE, SPAN, 1), -ENOMEM);
	assert_int_equal(qy__osif_anon(&other, 0, 0, 1), -ENOMEM);
	assert_int_equal(qy__osif_anon(&other, SIZE_MAX, SIZE_MAX - SPAN, SPAN), -ENOMEM);
	assert_int_equal(other.size, 7);
	assert_int_equal(errno, E2BIG);
}

static void anon_map_stands_between_guards(void **state)
{
	static const size_t len[] = {1, 100, 4096, 4097, 1000000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(len); i++) {
		size_t guard = i % 2 ? QY_PAGE_SIZE : 3 * QY_PAGE_SIZE;
		size_t whole = qy__align_up(len[i], QY_PAGE_SIZE);
		char *p = qy__osif_ops(&os)->map(&os, len[i], 64, guard);

		assert_non_null(p);
		assert_true(is_zero(p, whole));
		memset(p, 0x5a, whole);
		assert_false(is_readable(p - 1));
		assert_false(is_readable(p - guard));
		assert_false(is_readable(p + whole));
		assert_false(is_readable(p + whole + guard - 1));
		qy__osif_ops(&os)->unmap(&os, p, len[i], guard);
		assert_false(is_readable(p));
	}
}

static void anon_map_large_alignment_is_kept(void **state)
{
	(void)state;
	for (size_t align = QY_PAGE_SIZE; align <= (size_t)1 << 28; align <<= 2) {
		char *p = qy__osif_ops(&os)->map(&os, 10 * QY_PAGE_SIZE, align, QY_PAGE_SIZE);

		assert_non_null(p);
		assert_true(qy__is_aligned((uintptr_t)p, align));
		assert_false(is_readable(p - 1));
		p[10 * QY_PAGE_SIZE - 1] = 1;
		qy__osif_ops(&os)->unmap(&os, p, 10 * QY_PAGE_SIZE, QY_PAGE_SIZE);
	}
}

static void anon_map_absurd_requests_are_null(void **state)
{
	(void)state;
	errno = E2BIG;
	assert_null(qy__osif_ops(&os)->map(&os, 0, 1, QY_PAGE_SIZE));
	assert_null(qy__osif_ops(&os)->map(&os, SIZE_MAX, 1, QY_PAGE_SIZE));
	assert_null(qy__osif_ops(&os)->map(&os, SIZE_MAX - QY_PAGE_SIZE, 1, QY_PAGE_SIZE));
	assert_null(qy__osif_ops(&os)->map(&os, SIZE_MAX / 2, 1, QY_PAGE_SIZE));
	assert_null(qy__osif_ops(&os)->map(&os, QY_PAGE_SIZE, (size_t)1 << 63, QY_PAGE_SIZE));
	assert_int_equal(errno, E2BIG);
}

static void anon_protect_then_commit_is_zero_again(void **state)
{
	char *p = qy__osif_ops(&os)->map(&os, 3 * QY_PAGE_SIZE, 1, QY_PAGE_SIZE);

	(void)state;
	assert_non_null(p);
	memset(p, 0x5a, 3 * QY_PAGE_SIZE);
	qy__osif_ops(&os)->protect(&os, p, 3 * QY_PAGE_SIZE);
	assert_false(is_readable(p));
	assert_false(is_readable(p + 3 * QY_PAGE_SIZE - 1));
	assert_int_equal(qy__osif_ops(&os)->commit(&os, p, 3 * QY_PAGE_SIZE), 0);
	assert_true(is_zero(p, 3 * QY_PAGE_SIZE));
	qy__osif_ops(&os)->unmap(&os, p, 3 * QY_PAGE_SIZE, QY_PAGE_SIZE);
}

static void anon_access_keeps_the_contents(void **state)
{
	char *p = os.base;

	(void)state;
	assert_int_equal(qy__osif_ops(&os)->commit(&os, p, 3 * QY_PAGE_SIZE), 0);
	memset(p, 0x5a, 3 * QY_PAGE_SIZE);
	assert_int_equal(qy__osif_ops(&os)->access(&os, p + QY_PAGE_SIZE, QY_PAGE_SIZE, false), 0);
	assert_true(is_readable(p + QY_PAGE_SIZE - 1));
	assert_false(is_readable(p + QY_PAGE_SIZE));
	assert_false(is_readable(p + 2 * QY_PAGE_SIZE - 1));
	assert_true(is_readable(p + 2 * QY_PAGE_SIZE));
	assert_int_equal(qy__osif_ops(&os)->access(&os, p, 3 * QY_PAGE_SIZE, true), 0);
	for (size_t i = 0; i < 3 * QY_PAGE_SIZE; i++)
		assert_int_equal(p[i], 0x5a);
	p[QY_PAGE_SIZE] = 1;
	/* Addresses that nobody has. */
	errno = E2BIG;
	assert_int_equal(qy__osif_ops(&os)->access(&os, (void *)-QY_PAGE_SIZE, QY_PAGE_SIZE, false),
			 -ENOMEM);
	assert_int_equal(errno, E2BIG);
}

static void arena_access_lets_everything_pass(void **state)
{
	char *p = os.base;

	(void)state;
	memset(p, 0x5a, QY_PAGE_SIZE);
	assert_int_equal(qy__osif_ops(&os)->access(&os, p, QY_PAGE_SIZE, false), 0);
	assert_int_equal(p[17], 0x5a);
	p[17] = 1;
	assert_int_equal(qy__osif_ops(&os)->access(&os, p, QY_PAGE_SIZE, true), 0);
	assert_int_equal(p[17], 1);
}

static uint64_t clock_nanoseconds(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void anon_now_is_monotonic_and_runs(void **state)
{
	uint64_t before = clock_nanoseconds(), start = qy__osif_now(&os), now;

	(void)state;
	assert_true(start >= before);
	usleep(2000);
	now = qy__osif_now(&os);
	assert_true(now - start >= 2000000);
	assert_true(now <= clock_nanoseconds());
}

/* --- a caller's buffer ---------------------------------------------------------------------- */

static void arena_is_rounded_inwards(void **state)
{
	char *page = (char *)qy__align_up((uintptr_t)*state, QY_PAGE_SIZE);

	assert_int_equal(qy__osif_arena(&os, page, SPAN - 1), 0);
	assert_ptr_equal(os.base, page);
	assert_int_equal(os.size, SPAN - QY_PAGE_SIZE);
	assert_int_equal(qy__osif_arena(&os, page + 1, 2 * QY_PAGE_SIZE - 1), 0);
	assert_ptr_equal(os.base, page + QY_PAGE_SIZE);
	assert_int_equal(os.size, QY_PAGE_SIZE);
}

static void arena_without_a_whole_page_is_enomem(void **state)
{
	char *page = (char *)qy__align_up((uintptr_t)*state, QY_PAGE_SIZE);
	struct qy__osif other = {.size = 7};

	assert_int_equal(qy__osif_arena(&other, NULL, SPAN), -ENOMEM);
	assert_int_equal(qy__osif_arena(&other, page, 0), -ENOMEM);
	assert_int_equal(qy__osif_arena(&other, page, QY_PAGE_SIZE - 1), -ENOMEM);
	assert_int_equal(qy__osif_arena(&other, page + 1, 2 * QY_PAGE_SIZE - 2), -ENOMEM);
	assert_int_equal(qy__osif_arena(&other, page, SIZE_MAX), -ENOMEM);
	assert_int_equal(qy__osif_arena(&other, (void *)(UINTPTR_MAX - 5), 3), -ENOMEM);
	assert_int_equal(other.size, 7);
}

static void arena_has_no_mappings_and_gives_nothing_back(void **state)
{
	(void)state;
	assert_null(qy__osif_ops(&os)->map(&os, QY_PAGE_SIZE, 1, QY_PAGE_SIZE));
	assert_int_equal(qy__osif_ops(&os)->discard(&os, os.base, QY_PAGE_SIZE), 0);
	assert_int_equal(qy__osif_ops(&os)->commit(&os, os.base, QY_PAGE_SIZE), 0);
	qy__osif_ops(&os)->protect(&os, os.base, QY_PAGE_SIZE);
	assert_true(is_readable(os.base));
}

static void arena_commit_touches_nothing_else(void **state)
{
	char *p = os.base;

	(void)state;
	assert_int_equal(qy__osif_ops(&os)->commit(&os, p + QY_PAGE_SIZE, QY_PAGE_SIZE), 0);
	assert_int_equal((unsigned char)p[QY_PAGE_SIZE - 1], 0xee);
	assert_int_equal((unsigned char)p[2 * QY_PAGE_SIZE], 0xee);
}

static void arena_now_is_always_zero(void **state)
{
	(void)state;
	assert_int_equal(qy__osif_now(&os), 0);
	usleep(1000);
	assert_int_equal(qy__osif_now(&os), 0);
}

/* --- threads -------------------------------------------------------------------------------- */

static void tid_in_child_is_the_childs(void **state)
{
	int tid = qy__osif_tid(), status;
	pid_t pid;

	(void)state;
	assert_int_equal(tid, syscall(SYS_gettid));
	pid = fork();
	if (pid == 0)
		_exit(qy__osif_tid() == getpid() && qy__osif_tid() != tid ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define BOTH(fn)                                                                                   \
	cmocka_unit_test_setup_teardown(fn, set_up_anon, tear_down),                               \
		cmocka_unit_test_setup_teardown(fn, set_up_arena, tear_down)
#define ANON(fn) cmocka_unit_test_setup_teardown(fn, set_up_anon, tear_down)
#define ARENA(fn) cmocka_unit_test_setup_teardown(fn, set_up_arena, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(span_is_of_whole_pages),
		BOTH(commit_gives_zeroed_memory),
		BOTH(commit_after_discard_gives_zeroed_memory),
		BOTH(now_own_clock_is_asked),
		ANON(anon_uncommitted_memory_is_out_of_reach),
		ANON(anon_discard_gives_memory_back),
		ANON(anon_release_gives_addresses_back),
		ANON(anon_large_alignment_is_kept),
		ANON(anon_more_than_there_is_is_halved),
		ANON(anon_less_than_least_is_enomem_without_effect),
		ANON(anon_map_stands_between_guards),
		ANON(anon_map_large_alignment_is_kept),
		ANON(anon_map_absurd_requests_are_null),
		ANON(anon_protect_then_commit_is_zero_again),
		ANON(anon_access_keeps_the_contents),
		ARENA(arena_access_lets_everything_pass),
		ANON(anon_now_is_monotonic_and_runs),
		ARENA(arena_is_rounded_inwards),
		ARENA(arena_without_a_whole_page_is_enomem),
		ARENA(arena_has_no_mappings_and_gives_nothing_back),
		ARENA(arena_commit_touches_nothing_else),
		ARENA(arena_now_is_always_zero),
		cmocka_unit_test(tid_in_child_is_the_childs),
	};

	return cmocka_run_group_tests(tests, set_up_group, NULL);
}
