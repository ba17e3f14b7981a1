/* SPDX-License-Identifier: MIT */
/*
 * test_warn_alloc.c - the message that an allocation failed: its words, how often it is told, and
 * that it is no finding.
 */
#include "fixture.h"

#include <errno.h>
#include <sys/prctl.h>

#include "page/reclaim.h"

static uint64_t now;

static uint64_t fake_clock(void *ctx)
{
	(void)ctx;
	return now;
}

static int set_up(void **state)
{
	(void)state;
	now = 0;
	prctl(PR_SET_NAME, "quarry-test");
	instance_init(&in, 512);
	in.config.clock.fn = fake_clock;
	instance_create(&in);
	return 0;
}

/* ---- names ---- */

static void names_are_joined_composites_first(void **state)
{
	static const struct {
		qy_gfp_t gfp;
		const char *names;
	} t[] = {
		{0, ""},
		{QY_GFP_KERNEL, "GFP_KERNEL"},
		{QY_GFP_KERNEL | QY_GFP_ZERO, "GFP_KERNEL|__GFP_ZERO"},
		{QY_GFP_KERNEL | QY_GFP_COMP | QY_GFP_ZERO, "GFP_KERNEL|__GFP_COMP|__GFP_ZERO"},
		{QY_GFP_KERNEL | QY_GFP_ACCOUNT | QY_GFP_ZERO, "GFP_KERNEL_ACCOUNT|__GFP_ZERO"},
		{QY_GFP_ATOMIC, "GFP_ATOMIC"},
		{QY_GFP_ATOMIC | QY_GFP_NOMEMALLOC, "GFP_ATOMIC|__GFP_NOMEMALLOC"},
		{QY_GFP_NOWAIT, "GFP_NOWAIT"},
		{QY_GFP_NOIO, "GFP_NOIO"},
		{QY_GFP_NOFS, "GFP_NOFS"},
		{QY_GFP_USER, "GFP_USER"},
		{QY_GFP_HIGHUSER, "GFP_HIGHUSER"},
		{QY_GFP_HIGHUSER_MOVABLE | QY_GFP_COMP | QY_GFP_ZERO,
		 "GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO"},
		{0x140dca, "GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO"},
		{0x40dc0, "GFP_KERNEL|__GFP_COMP|__GFP_ZERO"},
		{0xcc1, "GFP_KERNEL|GFP_DMA"},
		{0xcc4, "GFP_KERNEL|GFP_DMA32"},
		{0xcc2, "GFP_KERNEL|__GFP_HIGHMEM"},
		{QY_GFP_KERNEL | QY_GFP_THISNODE | QY_GFP_NOFAIL,
		 "GFP_KERNEL|__GFP_NOFAIL|__GFP_THISNODE"},
		{QY_GFP_DIRECT_RECLAIM, "__GFP_DIRECT_RECLAIM"},
		{QY_GFP_KSWAPD_RECLAIM, "__GFP_KSWAPD_RECLAIM"},
		{QY_GFP_KERNEL | 0x200, "GFP_KERNEL|0x200"}, /* bits without a name */
		{0x80000000, "0x80000000"},
	};
	char buf[256];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		size_t len = strlen(t[i].names);

		assert_int_equal(qy__gfp_names(t[i].gfp, buf, sizeof(buf)), len);
		assert_string_equal(buf, t[i].names);
		for (size_t size = 0; size <= len; size++) {
			memset(buf, '#', sizeof(buf));
			assert_int_equal(qy__gfp_names(t[i].gfp, size ? buf : NULL, size), len);
			if (size) {
				assert_int_equal(strlen(buf), size - 1);
				assert_memory_equal(buf, t[i].names, size - 1);
			}
			assert_int_equal(buf[size], '#');
		}
	}
}

static qy_gfp_t value_of(const char *name)
{
	static const struct {
		const char *name;
		qy_gfp_t bits;
	} t[] = {
#define BIT(n) {"__GFP_" #n, QY_GFP_##n}
#define ALL(n)                                                                                     \
	{                                                                                          \
		"GFP_" #n, QY_GFP_##n                                                              \
	}
		BIT(HIGHMEM),
		BIT(MOVABLE),
		BIT(RECLAIMABLE),
		BIT(HIGH),
		BIT(IO),
		BIT(FS),
		BIT(ZERO),
		BIT(DIRECT_RECLAIM),
		BIT(KSWAPD_RECLAIM),
		BIT(WRITE),
		BIT(NOWARN),
		BIT(RETRY_MAYFAIL),
		BIT(NOFAIL),
		BIT(NORETRY),
		BIT(MEMALLOC),
		BIT(COMP),
		BIT(NOMEMALLOC),
		BIT(HARDWALL),
		BIT(THISNODE),
		BIT(ACCOUNT),
		ALL(DMA),
		ALL(DMA32),
		ALL(KERNEL),
		ALL(ATOMIC),
		ALL(NOWAIT),
		ALL(NOIO),
		ALL(NOFS),
		ALL(USER),
		ALL(HIGHUSER),
		ALL(HIGHUSER_MOVABLE),
		{"GFP_KERNEL_ACCOUNT", QY_GFP_KERNEL | QY_GFP_ACCOUNT},
		{"GFP_TRANSHUGE_LIGHT", 0x1c20ca},
		{"GFP_TRANSHUGE", 0x1c20ca | QY_GFP_DIRECT_RECLAIM},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (!strcmp(name, t[i].name))
			return t[i].bits;
	}
	return (qy_gfp_t)strtoul(name, NULL, 0);
}

static void names_say_all_bits_once(void **state)
{
	unsigned int seed = 7;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		qy_gfp_t gfp = (qy_gfp_t)rand_r(&seed) << 8 ^ (qy_gfp_t)rand_r(&seed), sum = 0;
		char buf[512], *save, *name;

		gfp &= i % 4 ? 0x7fffff : UINT32_MAX;
		if (i % 3)
			gfp |= QY_GFP_KERNEL;
		assert_true(qy__gfp_names(gfp, buf, sizeof(buf)) < sizeof(buf));
		for (name = strtok_r(buf, "|", &save); name; name = strtok_r(NULL, "|", &save)) {
			qy_gfp_t bits = value_of(name);

			assert_int_not_equal(bits, 0);
			assert_int_equal(sum & bits, 0);
			sum |= bits;
		}
		assert_int_equal(sum, gfp);
	}
}

/* ---- the line ---- */

static unsigned int told(void)
{
	unsigned int n = in.reports.nomem;

	in.reports.nomem = 0;
	assert_int_equal(in.reports.nr, 0);
	return n;
}

/* Until nothing is left; the message of the request that failed is taken. */
static void exhaust(qy_gfp_t gfp, unsigned int order)
{
	while (qy_alloc_pages(in.mm, gfp, order))
		;
}

static void failure_is_told_in_the_kernels_words(void **state)
{
	(void)state;
	exhaust(QY_GFP_KERNEL | QY_GFP_ZERO, 2);
	assert_int_equal(told(), 1);
	assert_string_equal(in.reports.last_nomem.title,
			    "quarry-test: page allocation failure: order:2, "
			    "mode:0xdc0(GFP_KERNEL|__GFP_ZERO), nodemask=(null)");
	assert_string_equal(in.reports.last_nomem.fix, "");
	assert_string_equal(in.reports.last_nomem.cache, "page");
	assert_int_equal(in.reports.last_nomem.object_size, 4 * PAGE_BYTES);
	exhaust(QY_GFP_ATOMIC, 0);
	assert_int_equal(told(), 1);
	assert_string_equal(in.reports.last_nomem.title,
			    "quarry-test: page allocation failure: order:0, mode:0x820(GFP_ATOMIC)"
			    ", nodemask=(null)");
	exhaust(0, 0);
	assert_int_equal(told(), 1);
	assert_string_equal(in.reports.last_nomem.title,
			    "quarry-test: page allocation failure: order:0, mode:0x0(), "
			    "nodemask=(null)");
	assert_int_equal(qy_mm_reports(in.mm), 0);
}

static void order_too_large_is_told_too(void **state)
{
	static const unsigned int order[] = {7, 24, 31, 32, 63, 64, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		char want[64];

		assert_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, order[i]));
		assert_int_equal(told(), 1);
		snprintf(want, sizeof(want), " failure: order:%u, mode:0xcc0(", order[i]);
		assert_non_null(strstr(in.reports.last_nomem.title, want));
	}
	assert_clean(&in);
}

static void thread_name_cannot_break_the_line(void **state)
{
	(void)state;
	prctl(PR_SET_NAME, "a\nb\x7f\t%s:c\x80\xff");
	qy__warn_alloc(in.mm, QY_GFP_KERNEL, 0);
	assert_int_equal(told(), 1);
	assert_memory_equal(in.reports.last_nomem.title, "a?b??%s:c\x80\xff: page allocation", 27);
	prctl(PR_SET_NAME, "fifteen letters");
	qy__warn_alloc(in.mm, QY_GFP_KERNEL | QY_GFP_COMP | QY_GFP_ZERO | QY_GFP_NORETRY, 10);
	assert_int_equal(told(), 1);
	assert_string_equal(in.reports.last_nomem.title,
			    "fifteen letters: page allocation failure: order:10, mode:0x50dc0("
			    "GFP_KERNEL|__GFP_NORETRY|__GFP_COMP|__GFP_ZERO), nodemask=(null)");
	qy__warn_alloc(in.mm, 0x7fd5ff, UINT32_MAX); /* more words than fit */
	assert_int_equal(told(), 1);
	assert_int_equal(strlen(in.reports.last_nomem.title), 255);
}

/* ---- how often ---- */

static void nowarn_is_silent(void **state)
{
	(void)state;
	exhaust(QY_GFP_KERNEL | QY_GFP_NOWARN, 0);
	assert_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 99));
	for (int i = 0; i < 100; i++)
		assert_null(qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0));
	assert_int_equal(told(), 0);
	/* Nor do they use up what may be told. */
	for (int i = 0; i < 10; i++)
		assert_null(qy_alloc_pages(in.mm, QY_GFP_ATOMIC, 0));
	assert_int_equal(told(), 10);
	assert_string_equal(in.reports.last_nomem.fix, "");
}

static void ten_are_told_in_five_seconds(void **state)
{
	(void)state;
	exhaust(QY_GFP_NOWAIT, 0);
	now = 1000;
	for (int i = 0; i < 10; i++)
		assert_null(qy_alloc_pages(in.mm, 0, 0));
	assert_int_equal(told(), 10);
	for (int i = 0; i < 7; i++)
		assert_null(qy_alloc_pages(in.mm, 0, 0));
	now = 1000 + UINT64_C(4999999999);
	assert_null(qy_alloc_pages(in.mm, 0, 0));
	assert_int_equal(told(), 0);
	now++;
	assert_null(qy_alloc_pages(in.mm, 0, 0));
	assert_int_equal(told(), 1);
	assert_string_equal(in.reports.last_nomem.fix, "8 such messages suppressed before");
	assert_null(qy_alloc_pages(in.mm, 0, 0));
	assert_int_equal(told(), 1);
	assert_string_equal(in.reports.last_nomem.fix, "");
	/* The five seconds begin with a message, not at their multiples. */
	now += UINT64_C(4999999999);
	for (int i = 0; i < 9; i++)
		assert_null(qy_alloc_pages(in.mm, 0, 0));
	assert_int_equal(told(), 8);
	now += UINT64_C(1) << 62;
	assert_null(qy_alloc_pages(in.mm, 0, 0));
	assert_int_equal(told(), 1);
	assert_string_equal(in.reports.last_nomem.fix, "1 such message suppressed before");
}

/* ---- no finding ---- */

static char text[1024];
static size_t text_len;

static void to_text(const struct qy_report *r, void *ctx)
{
	(void)ctx;
	text_len = qy_report_text(r, text, sizeof(text));
}

static void text_is_one_line(void **state)
{
	static const char line[] = "quarry-test: page allocation failure: order:0, mode:0xcc0("
				   "GFP_KERNEL), nodemask=(null)";

	(void)state;
	qy_mm_set_sink(in.mm, (struct qy_report_sink){to_text, NULL});
	qy_mm_set_policy(in.mm, QY_POLICY_ABORT); /* which is for bugs */
	qy__warn_alloc(in.mm, QY_GFP_KERNEL, 0);
	assert_int_equal(text_len, sizeof(line));
	assert_memory_equal(text, line, sizeof(line) - 1);
	assert_string_equal(text + sizeof(line) - 1, "\n");
	for (int i = 0; i < 12; i++)
		qy__warn_alloc(in.mm, QY_GFP_KERNEL, 0);
	now = UINT64_C(6000000000);
	qy__warn_alloc(in.mm, QY_GFP_KERNEL, 0);
	assert_memory_equal(text, line, sizeof(line) - 1);
	assert_string_equal(text + sizeof(line) - 1, "; 3 such messages suppressed before\n");
	assert_int_equal(qy_mm_reports(in.mm), 0);
	assert_sound(in.mm);
}

static unsigned int sunk;

/* It must not, but it does: it allocates, and there is nothing. */
static void careless(const struct qy_report *r, void *ctx)
{
	(void)ctx;
	sunk++;
	assert_null(qy_alloc_pages(r->mm, QY_GFP_KERNEL, 99));
}

static void sink_that_allocates_does_not_wait_for_itself(void **state)
{
	(void)state;
	qy_mm_set_sink(in.mm, (struct qy_report_sink){careless, NULL});
	sunk = 0;
	for (unsigned int i = 1; i <= 10; i++) {
		qy__warn_alloc(in.mm, QY_GFP_KERNEL, 0); /* ten: nobody else used them up */
		assert_int_equal(sunk, i);
	}
	assert_int_equal(qy_free_pages(in.mm, NULL, 0), -EINVAL); /* a finding */
	assert_int_equal(sunk, 11);
	assert_int_equal(qy_mm_reports(in.mm), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(names_are_joined_composites_first),
		TEST(names_say_all_bits_once),
		TEST(failure_is_told_in_the_kernels_words),
		TEST(order_too_large_is_told_too),
		TEST(thread_name_cannot_break_the_line),
		TEST(nowarn_is_silent),
		TEST(ten_are_told_in_five_seconds),
		TEST(text_is_one_line),
		TEST(sink_that_allocates_does_not_wait_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
