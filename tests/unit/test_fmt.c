/* SPDX-License-Identifier: MIT */
/*
 * test_fmt.c - the same text as snprintf for what is understood; nothing dangerous for what is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/fmt.h"
#include "util/rng.h"

#define ALIKE(...)                                                                                 \
	do {                                                                                       \
		char ours[256], theirs[256];                                                       \
		int len = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                           \
                                                                                                   \
		assert_int_equal(qy__snprintf(ours, sizeof(ours), __VA_ARGS__), len);              \
		assert_string_equal(ours, theirs);                                                 \
	} while (0)

/* For formats that the compiler would refuse. */
static size_t unchecked(char *p, size_t size, const char *fmt, ...)
{
	struct qy__buf buf = {.p = p, .cap = size};
	va_list ap;

	va_start(ap, fmt);
	qy__vfmt(&buf, fmt, ap);
	va_end(ap);
	return buf.len;
}

static void fmt_integers_match_libc(void **state)
{
	(void)state;
	ALIKE("%d %i %u %x %X", 0, -1, 42u, 0xbeefu, 0xBEEFu);
	ALIKE("%d %d", INT_MIN, INT_MAX);
	ALIKE("%ld %lu %lx", LONG_MIN, ULONG_MAX, ULONG_MAX);
	ALIKE("%lld %llu %llX", LLONG_MIN, ULLONG_MAX, ULLONG_MAX);
	ALIKE("%zu %zd %zx %td", SIZE_MAX, (ssize_t)-5, (size_t)255, (ptrdiff_t)-7);
	ALIKE("%p", (void *)0x7fff12345678);
	ALIKE("%d%%", 50);
}

static void fmt_width_and_flags_match_libc(void **state)
{
	(void)state;
	ALIKE("[%5d] [%-5d] [%05d]", 42, 42, 42);
	ALIKE("[%5d] [%-5d] [%05d]", -42, -42, -42);
	ALIKE("[%2d] [%02x] [%016lx]", 12345, 0xabcu, 0xdeadbeeful);
	ALIKE("[%*d] [%*d] [%0*x]", 8, 1, -8, 2, 6, 0x3u);
	ALIKE("[%20p] [%-20p]", (void *)0x1234, (void *)0x1234);
	ALIKE("[%3c] [%-3c] [%c]", 'a', 'b', 'c');
	ALIKE("[%8s] [%-8s] [%2s]", "abc", "abc", "abc");
	ALIKE("[%.2s] [%8.2s] [%-8.2s] [%.*s] [%.*s] [%.0s]", "abc", "abc", "abc", 1, "abc", -1,
	      "abc", "abc");
}

static void fmt_random_numbers_match_libc(void **state)
{
	struct qy__rng rng;

	(void)state;
	qy__rng_seed(&rng, 7);
	for (int i = 0; i < 5000; i++) {
		unsigned long long x = qy__rng_next(&rng) >> qy__rng_below(&rng, 64);
		int width = (int)qy__rng_below(&rng, 50) - 25;

		ALIKE("<%*lld|%llu|%-*llx|%0*d>", width, (long long)x, x, width, x, width, (int)x);
	}
}

static void fmt_null_string_is_named(void **state)
{
	char text[32];

	(void)state;
	unchecked(text, sizeof(text), "[%s] [%p]", (char *)NULL, NULL);
	assert_string_equal(text, "[(null)] [0x0]");
}

static void fmt_unterminated_string_stops_at_precision(void **state)
{
	const char raw[3] = {'a', 'b', 'c'};
	char text[32];

	(void)state;
	qy__snprintf(text, sizeof(text), "%.3s", raw);
	assert_string_equal(text, "abc");
}

static void fmt_unknown_conversion_ends_interpretation(void **state)
{
	char text[64];

	(void)state;
	unchecked(text, sizeof(text), "a %d %q %s", 1, 2);
	assert_string_equal(text, "a 1 %q %s");
	unchecked(text, sizeof(text), "%hd %s", 1);
	assert_string_equal(text, "%hd %s");
	unchecked(text, sizeof(text), "%.3d", 1);
	assert_string_equal(text, "%.3d");
	unchecked(text, sizeof(text), "%ls", L"x");
	assert_string_equal(text, "%ls");
	unchecked(text, sizeof(text), "100%");
	assert_string_equal(text, "100%");
	unchecked(text, sizeof(text), "%lld and %5", 3ll);
	assert_string_equal(text, "3 and %5");
}

static void fmt_small_buffer_counts_and_terminates(void **state)
{
	char text[8] = "ZZZZZZZ";

	(void)state;
	assert_int_equal(qy__snprintf(text, 4, "%d", 123456), 6);
	assert_string_equal(text, "123");
	assert_int_equal(text[4], 'Z');
	assert_int_equal(qy__snprintf(text, 1, "abc"), 3);
	assert_string_equal(text, "");
	assert_int_equal(qy__snprintf(NULL, 0, "%s-%d", "abc", 7), 5);
}

static void fmt_huge_width_is_counted_without_a_loop(void **state)
{
	char text[16];

	(void)state;
	assert_int_equal(qy__snprintf(text, sizeof(text), "%*d", INT_MAX, 1), INT_MAX);
	assert_string_equal(text, "               ");
	assert_int_equal(unchecked(text, sizeof(text), "%99999999999999999999d", 1), INT_MAX);
	assert_int_equal(unchecked(text, sizeof(text), "%*d", INT_MIN, 1), (size_t)INT_MAX + 1);
}

static void fmt_buffer_is_appended_to(void **state)
{
	char text[16];
	struct qy__buf buf = QY__BUF(text);

	(void)state;
	qy__fmt(&buf, "one");
	qy__fmt(&buf, " %d", 2);
	assert_string_equal(text, "one 2");
	assert_int_equal(buf.len, 5);
	for (int i = 0; i < 10; i++)
		qy__fmt(&buf, " more");
	assert_int_equal(buf.len, 55);
	assert_string_equal(text, "one 2 more more");
}

static void *drain(void *arg)
{
	static char got[300000];
	size_t len = 0;
	ssize_t n;

	while ((n = read(*(int *)arg, got + len, sizeof(got) - len)) > 0)
		len += (size_t)n;
	for (size_t i = 0; i < len; i++)
		if (got[i] != (char)(i % 251))
			return NULL;
	return (void *)len;
}

static void write_all_more_than_a_pipe_holds_arrives_whole(void **state)
{
	static char data[200000];
	pthread_t reader;
	void *got;
	int fd[2];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i % 251);
	for (int nonblock = 0; nonblock < 2; nonblock++) {
		assert_int_equal(pipe(fd), 0);
		assert_int_equal(fcntl(fd[1], F_SETFL, nonblock ? O_NONBLOCK : 0), 0);
		assert_int_equal(pthread_create(&reader, NULL, drain, &fd[0]), 0);
		qy__write_all(fd[1], data, sizeof(data));
		close(fd[1]);
		pthread_join(reader, &got);
		close(fd[0]);
		assert_int_equal((uintptr_t)got, sizeof(data));
	}
}

static void write_all_bad_descriptor_keeps_errno(void **state)
{
	(void)state;
	errno = E2BIG;
	qy__write_all(-1, "x", 1);
	assert_int_equal(errno, E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fmt_integers_match_libc),
		cmocka_unit_test(fmt_width_and_flags_match_libc),
		cmocka_unit_test(fmt_random_numbers_match_libc),
		cmocka_unit_test(fmt_null_string_is_named),
		cmocka_unit_test(fmt_unterminated_string_stops_at_precision),
		cmocka_unit_test(fmt_unknown_conversion_ends_interpretation),
		cmocka_unit_test(fmt_small_buffer_counts_and_terminates),
		cmocka_unit_test(fmt_huge_width_is_counted_without_a_loop),
		cmocka_unit_test(fmt_buffer_is_appended_to),
		cmocka_unit_test(write_all_more_than_a_pipe_holds_arrives_whole),
		cmocka_unit_test(write_all_bad_descriptor_keeps_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
