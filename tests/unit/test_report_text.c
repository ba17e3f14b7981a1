/* SPDX-License-Identifier: MIT */
/*
 * test_report_text.c - the text of a report to the line: rules, title, machine line, damage,
 * stacks, dumps, repair; the hash of an origin; the policies.
 */
#include "damage.h"
#include "fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "debug/debug.h"
#include "util/module.h"

static struct qy_cache *c;
static char text[32768], *line[600];
static unsigned int nr_lines;
static uint64_t hash, now;
static size_t full_len;

static void split_lines(void)
{
	nr_lines = 0;
	for (char *p = text; *p && nr_lines < 600;) {
		char *end = strchr(p, '\n');

		assert_non_null(end);
		*end = 0;
		line[nr_lines++] = p;
		p = end + 1;
	}
}

static void print_report(const struct qy_report *r, void *ctx)
{
	record_report(r, ctx);
	hash = r->hash;
	full_len = qy_report_text(r, text, sizeof(text));
	assert_int_equal(full_len, strlen(text));
	/* Any smaller buffer holds as much as fits, terminated; the length is that of the whole. */
	for (size_t size = 0; size < 700; size += 1 + size / 9) {
		char *small = malloc(size + 1);

		memset(small, 'x', size + 1);
		assert_int_equal(qy_report_text(r, size ? small : NULL, size), full_len);
		if (size) {
			assert_int_equal(strlen(small), size - 1 < full_len ? size - 1 : full_len);
			assert_memory_equal(small, text, strlen(small));
		}
		assert_int_equal(small[size], 'x');
		free(small);
	}
}

static uint64_t clock_fn(void *ctx)
{
	return *(uint64_t *)ctx;
}

static void make(const char *debug, size_t size)
{
	instance_init(&in, 512);
	in.config.debug = debug;
	in.config.sink.fn = print_report;
	in.config.clock = (struct qy_clock){clock_fn, &now};
	instance_create(&in);
	c = qy_cache_create(in.mm, "dentry", size, 0, 0, NULL);
}

/* The line that begins with @start, from line @from on. */
static unsigned int find_line(const char *start, unsigned int from)
{
	for (unsigned int i = from; i < nr_lines; i++)
		if (!strncmp(line[i], start, strlen(start)))
			return i;
	fail_msg("no line begins with \"%s\"", start);
	return 0;
}

static void assert_rule(const char *s, char ch)
{
	assert_int_equal(strlen(s), 77);
	for (int i = 0; i < 77; i++)
		assert_int_equal(s[i], ch);
}

/* Frames: "    #0 0x… (file+0x…)". */
static unsigned int assert_frames(unsigned int at)
{
	unsigned int n = 0;

	for (; at < nr_lines && !strncmp(line[at], "    #", 5); at++, n++) {
		unsigned long pc, off;
		unsigned int number;
		char file[512];
		int got = sscanf(line[at], "    #%u 0x%lx (%511[^+]+0x%lx)", &number, &pc, file,
				 &off);

		assert_true(got == 4 || got == 2);
		assert_int_equal(number, n);
		assert_true(pc);
	}
	assert_true(n > 0);
	return at;
}

/* What comes behind the stacks of the report about @p, from line @at on. */
static void assert_dumps(unsigned char *p, unsigned int at)
{
	char want[256];

	snprintf(want, sizeof(want), "Slab 0x%lx objects=%u used=1 fp=0x",
		 (unsigned long)(uintptr_t)qy__page_addr(in.mm, slab_of_object(in.mm, p)),
		 c->objs_per_slab);
	assert_memory_equal(line[at], want, strlen(want));
	snprintf(want, sizeof(want), "Object 0x%lx @offset=%u fp=0x", (unsigned long)(uintptr_t)p,
		 c->layout.red_left_pad);
	at = find_line(want, at);
	assert_string_equal(line[at + 1], "");
	snprintf(want, sizeof(want), "Redzone  0x%lx: cc cc cc cc cc cc cc cc",
		 (unsigned long)(uintptr_t)(p - 8));
	at = find_line(want, at);
	snprintf(want, sizeof(want),
		 "Object   0x%lx: 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41  "
		 "AAAAAAAAAAAAAAAA",
		 (unsigned long)(uintptr_t)p);
	assert_string_equal(line[at + 1], want);
	snprintf(want, sizeof(want),
		 "Object   0x%lx: 41 41 41 41 41 41 41 41                          AAAAAAAA",
		 (unsigned long)(uintptr_t)(p + 16));
	assert_string_equal(line[at + 2], want);
	snprintf(want, sizeof(want),
		 "Redzone  0x%lx: 41 cc cc cc cc cc cc cc                          A.......",
		 (unsigned long)(uintptr_t)(p + 24));
	assert_string_equal(line[at + 3], want);
	snprintf(want, sizeof(want), "%*s ^^",
		 (int)strlen("Redzone  0x:") +
			 snprintf(NULL, 0, "%lx", (unsigned long)(uintptr_t)p),
		 "");
	assert_string_equal(line[at + 4], want);
	at = find_line("Padding  0x", at);
	snprintf(want, sizeof(want), "FIX dentry: Restoring Right Redzone 0x%lx-0x%lx=0xcc",
		 (unsigned long)(uintptr_t)(p + 24), (unsigned long)(uintptr_t)(p + 24));
	at = find_line(want, at);
	assert_string_equal(line[at], want);
	assert_rule(line[at + 1], '=');
	assert_int_equal(nr_lines, at + 2);
}

static void overflow_text_is_exact(void **state)
{
	char want[256], name[256];
	unsigned char *p;
	unsigned int at;

	(void)state;
	now = 1000000000;
	make("slab_debug=FZPU", 24);
	p = hide(qy_cache_alloc(c, 0));
	memset(p, 'A', 25);
	now = 3500000000;
	qy_cache_free(c, p);
	take_report(&in, QY_REPORT_OVERFLOW);
	split_lines();
	assert_rule(line[0], '=');
	snprintf(want, sizeof(want), "BUG dentry (%s[%d]): Right Redzone overwritten",
		 qy__program_name(name, sizeof(name)), (int)getpid());
	assert_string_equal(line[1], want);
	assert_rule(line[2], '-');
	assert_string_equal(line[3], "");
	assert_string_equal(line[4],
			    "Quarry: heap-overflow: 1 byte written past the end of a 24-byte "
			    "object, at offset 24 (right behind its last byte)");
	assert_string_equal(line[5], "The write happened some time before this point. Checking "
				     "more often comes nearer to it: validate=1");
	snprintf(want, sizeof(want),
		 "QY seq=1 kind=heap-overflow cache=dentry object=0x%lx size=24 offset=24 len=1 "
		 "expected=0xcc found=0x41 alloc=- free=- hash=0x%016lx pid=%d tid=%d",
		 (unsigned long)(uintptr_t)p, (unsigned long)hash, (int)getpid(), qy__osif_tid());
	assert_string_equal(line[6], want);
	snprintf(want, sizeof(want), "0x%lx-0x%lx @offset=%td. First byte 0x41 instead of 0xcc",
		 (unsigned long)(uintptr_t)(p + 24), (unsigned long)(uintptr_t)(p + 24),
		 (char *)p + 24 - (char *)qy__page_addr(in.mm, slab_of_object(in.mm, p)));
	assert_string_equal(line[7], want);
	snprintf(want, sizeof(want), "Allocated age=2.500s cpu=0 tid=%d", qy__osif_tid());
	assert_string_equal(line[8], want);
	at = assert_frames(9);
	snprintf(want, sizeof(want), "Found at tid=%d", qy__osif_tid());
	assert_string_equal(line[at], want);
	at = assert_frames(at + 1);
	assert_dumps(p, at);
}

static void plain_words_for_each_kind(void **state)
{
	unsigned char *p, *q;

	(void)state;
	make("slab_debug=FZPU", 24);
	p = hide(qy_cache_alloc(c, 0));
	q = hide(qy_cache_alloc(c, 0));
	p[-3] = p[-2] = 0;
	qy_cache_validate(c);
	split_lines();
	find_line(
		"Quarry: heap-underwrite: 2 bytes written before the start of a 24-byte object, at "
		"offset -3",
		0);
	qy_cache_free(c, p);
	p[5] = 0;
	qy_cache_validate(c);
	split_lines();
	find_line("Quarry: use-after-free-write: 1 byte of a freed 24-byte object written, at "
		  "offset 5",
		  0);
	find_line("Allocated age=", 0);
	find_line("Freed age=", 0);
	qy_cache_free(c, p);
	split_lines();
	find_line("Quarry: double-free: the 24-byte object at 0x", 0);
	find_line("Freed age=", 0);
	find_line("Found at", 0);
	qy_cache_free(c, q + 4);
	split_lines();
	find_line("Quarry: invalid-free: Invalid object pointer 0x", 0);
	in.reports.nr = 0;
}

/* Below the byte it belongs to; bytes of the range that are as they should be have no mark. */
static void damaged_bytes_are_marked(void **state)
{
	char want[128];
	unsigned char *p;
	unsigned int at;

	(void)state;
	make("slab_debug=FZPU", 24);
	p = hide(qy_cache_alloc(c, 0));
	qy_cache_free(c, p);
	p[1] = p[4] = 0;
	qy_cache_validate(c);
	split_lines();
	snprintf(want, sizeof(want), "Object   0x%lx: 6b 00 6b 6b 00 6b ",
		 (unsigned long)(uintptr_t)p);
	at = find_line(want, 0);
	snprintf(want, sizeof(want), "%*s    ^^       ^^",
		 (int)(strchr(line[at], ':') + 1 - line[at]), "");
	assert_string_equal(line[at + 1], want);
	in.reports.nr = 0;
}

static void articles_and_ages_read_well(void **state)
{
	static const struct {
		size_t size;
		uint64_t age;
		const char *words, *stack;
	} cases[] = {
		{8, 999000, " of an 8-byte object", "Allocated age=999us cpu=0 tid="},
		{11, 1000000, " of an 11-byte object", "Allocated age=1.000ms cpu=0 tid="},
		{18, 12345678, " of an 18-byte object", "Allocated age=12.345ms cpu=0 tid="},
		{81, 999999000, " of an 81-byte object", "Allocated age=999.999ms cpu=0 tid="},
		{800, 1000000000, " of an 800-byte object", "Allocated age=1.000s cpu=0 tid="},
		{8000, 61002000000, " of an 8000-byte object", "Allocated age=61.002s cpu=0 tid="},
		{1, 0, " of a 1-byte object", "Allocated age=0us cpu=0 tid="},
		{12, 0, " of a 12-byte object", "Allocated age=0us cpu=0 tid="},
		{180, 0, " of a 180-byte object", "Allocated age=0us cpu=0 tid="},
		{110, 0, " of a 110-byte object", "Allocated age=0us cpu=0 tid="},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char *p;

		now = 1000;
		make("slab_debug=FZPU", cases[i].size);
		p = hide(qy_cache_alloc(c, 0));
		p[cases[i].size] = 0;
		now += cases[i].age;
		qy_cache_free(c, p);
		split_lines();
		assert_non_null(strstr(line[4], cases[i].words));
		find_line(cases[i].stack, 0);
		in.reports.nr = 0;
		instance_destroy(&in);
	}
	make("slab_debug=FZPU", 24);
}

/* Not all of an object: the bytes around the damage. */
static void dump_of_a_large_object_shows_the_damage(void **state)
{
	unsigned int objects = 0;
	unsigned char *p;
	char want[64];

	(void)state;
	make("slab_debug=FZPU", 2000);
	p = hide(qy_cache_alloc(c, 0));
	qy_cache_free(c, p);
	p[1500] = 0;
	qy_cache_validate(c);
	split_lines();
	for (unsigned int i = 0; i < nr_lines; i++)
		objects += !strncmp(line[i], "Object   0x", 11);
	assert_true(objects >= 4 && objects <= 16);
	snprintf(want, sizeof(want),
		 "Object   0x%lx: ", (unsigned long)(uintptr_t)(p + 1500 - 1500 % 16));
	find_line(want, 0);
	in.reports.nr = 0;
}

static void damaged_track_is_said_to_be(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU", 24);
	p = hide(qy_cache_alloc(c, 0));
	memset(p + 24, 0x41, c->layout.track - 24 + 40);
	qy_cache_free(c, p);
	split_lines();
	find_line("Allocated: the record was overwritten", 0);
	in.reports.nr = 0;
}

static void trace_and_page_reports_in_text(void **state)
{
	void *p;

	(void)state;
	make("slab_debug=T", 24);
	p = hide(qy_cache_alloc(c, 0));
	split_lines();
	assert_int_equal(nr_lines, 1);
	assert_memory_equal(line[0], "TRACE dentry alloc 0x", 21);
	qy_cache_free(c, p);
	qy_free_pages(in.mm, NULL, 0);
	split_lines();
	assert_rule(line[0], '=');
	assert_memory_equal(line[1], "BUG page (", 10);
	find_line("QY seq=3 kind=bad-page-free cache=page object=0x0 size=0 alloc=- free=- hash=0x",
		  0);
	find_line("Found at", 0);
	assert_rule(line[nr_lines - 1], '=');
	in.reports.nr = 0;
}

static __attribute__((noinline)) void overflow_once(ptrdiff_t from)
{
	unsigned char *p = hide(qy_cache_alloc(c, 0));

	p[from] = 1;
	qy_cache_free(c, p);
}

static __attribute__((noinline)) void overflow_elsewhere(void)
{
	unsigned char *p = hide(qy_cache_alloc(c, 0));

	p[24] = 2;
	qy_cache_free(c, p);
	hide(p);
}

/* Equal for findings of one origin, whatever the object, the bytes and the time; else not. */
static void hash_is_that_of_the_origin(void **state)
{
	uint64_t all[6];

	(void)state;
	make("slab_debug=FZPU", 24);
	/* One call for all, also after optimisation; the last one is of another kind. */
	for (volatile int i = 0; i < 6; i++) {
		now += 1000;
		overflow_once(i < 5 ? 24 + i : -1);
		all[i] = hash;
	}
	for (int i = 1; i < 5; i++)
		assert_int_equal(all[i], all[0]);
	assert_int_not_equal(all[5], all[0]);
	overflow_elsewhere();
	assert_int_not_equal(hash, all[0]);
	in.reports.nr = 0;
}

static void kind_names_are_unique_and_stable(void **state)
{
	(void)state;
	for (int i = 0; i < QY_NR_REPORT_KINDS; i++) {
		const char *name = qy_report_kind_name((enum qy_report_kind)i);

		assert_true(strlen(name) > 0 && !strchr(name, ' '));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, qy_report_kind_name((enum qy_report_kind)j));
	}
	assert_string_equal(qy_report_kind_name(QY_NR_REPORT_KINDS), "unknown");
	assert_string_equal(qy_report_kind_name((enum qy_report_kind) - 1), "unknown");
	assert_string_equal(qy_report_kind_name(QY_REPORT_OVERFLOW), "heap-overflow");
	assert_string_equal(qy_report_kind_name(QY_REPORT_DOUBLE_FREE), "double-free");
}

/* ---- policy ---- */

static void exit_in_handler(int sig)
{
	(void)sig;
	_exit(9);
}

/* What the child's end was, and what it wrote to standard error. */
static int run_child(void (*body)(void), char *out, size_t size)
{
	int fd[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (!pid) {
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		body();
		_exit(7);
	}
	close(fd[1]);
	while ((n = read(fd[0], out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = 0;
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void die_by_double_free(void)
{
	void *p;

	signal(SIGABRT, exit_in_handler); /* must not run */
	instance_init(&in, 512);
	in.config.policy = QY_POLICY_ABORT;
	in.config.sink.fn = NULL; /* standard error */
	in.config.debug = "slab_debug";
	instance_create(&in);
	p = hide(qy_kmalloc(in.mm, 10, 0));
	qy_kfree(in.mm, p);
	qy_kfree(in.mm, p);
}

static void live_through_trace(void)
{
	instance_init(&in, 512);
	in.config.policy = QY_POLICY_ABORT;
	in.config.sink.fn = NULL;
	in.config.debug = "slab_debug=T";
	instance_create(&in);
	qy_kfree(in.mm, hide(qy_kmalloc(in.mm, 10, 0)));
}

static void live_by_policy(void)
{
	void *p;

	instance_init(&in, 512);
	in.config.policy = QY_POLICY_ABORT;
	in.config.sink.fn = NULL;
	in.config.debug = "slab_debug policy=report";
	instance_create(&in);
	p = hide(qy_kmalloc(in.mm, 10, 0));
	qy_kfree(in.mm, p);
	qy_kfree(in.mm, p);
	qy_mm_set_policy(in.mm, QY_POLICY_ABORT);
	qy_kfree(in.mm, p);
}

static void policy_abort_tells_then_dies_by_sigabrt(void **state)
{
	static char out[65536];
	int status = run_child(die_by_double_free, out, sizeof(out));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(out, ": Object already free\n"));
	assert_non_null(strstr(out, "Quarry: double-free: "));
	assert_memory_equal(out, "=====", 5);

	/* A trace line is no bug. */
	status = run_child(live_through_trace, out, sizeof(out));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_non_null(strstr(out, "TRACE kmalloc-16 alloc 0x"));

	/* Told twice: the first did not kill. */
	status = run_child(live_by_policy, out, sizeof(out));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(out, "QY seq=1 "));
	assert_non_null(strstr(out, "QY seq=2 "));
}

static void reports_are_numbered_and_counted(void **state)
{
	void *p;

	(void)state;
	make("slab_debug=FZPU", 24);
	p = hide(qy_cache_alloc(c, 0));
	qy_cache_free(c, p);
	for (int i = 1; i < 10; i++) {
		char want[32];

		qy_cache_free(c, p);
		split_lines();
		snprintf(want, sizeof(want), "QY seq=%d kind=double-free ", i);
		find_line(want, 0);
		assert_int_equal(qy_mm_reports(in.mm), i);
	}
	qy_mm_set_sink(in.mm, (struct qy_report_sink){record_report, &in.reports});
	in.reports.nr = 0;
	text[0] = 0;
	qy_cache_free(c, p);
	assert_int_equal(text[0], 0);
	take_report(&in, QY_REPORT_DOUBLE_FREE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(overflow_text_is_exact, tear_down),
		cmocka_unit_test_teardown(plain_words_for_each_kind, tear_down),
		cmocka_unit_test_teardown(damaged_bytes_are_marked, tear_down),
		cmocka_unit_test_teardown(articles_and_ages_read_well, tear_down),
		cmocka_unit_test_teardown(dump_of_a_large_object_shows_the_damage, tear_down),
		cmocka_unit_test_teardown(damaged_track_is_said_to_be, tear_down),
		cmocka_unit_test_teardown(trace_and_page_reports_in_text, tear_down),
		cmocka_unit_test_teardown(hash_is_that_of_the_origin, tear_down),
		cmocka_unit_test(kind_names_are_unique_and_stable),
		cmocka_unit_test(policy_abort_tells_then_dies_by_sigabrt),
		cmocka_unit_test_teardown(reports_are_numbered_and_counted, tear_down),
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
