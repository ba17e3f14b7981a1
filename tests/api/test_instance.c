/* SPDX-License-Identifier: MIT */
/*
 * test_instance.c - an instance's life: configurations that are refused, buffers of every size,
 * thousands of instances, snapshots, and that the same calls always give the same addresses and
 * reports.
 */
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- configurations ---- */

static void refused(int err)
{
	errno = 0;
	instance_try(&in);
	assert_null(in.mm);
	assert_int_equal(errno, err);
	instance_destroy(&in);
}

static void create_bad_configuration_is_refused(void **state)
{
	(void)state;
	instance_init(&in, 64);
	in.config.struct_size = 0;
	refused(EINVAL);
	instance_init(&in, 64);
	in.config.struct_size++;
	refused(EINVAL);
	instance_init(&in, 64);
	in.config.nr_cpus = 65;
	refused(EINVAL);
	instance_init(&in, 64);
	in.config.red_zone = 7;
	refused(EINVAL);
	instance_init(&in, 64);
	in.config.red_zone = 4097;
	refused(EINVAL);
	instance_init(&in, 64);
	in.config.zone_limit[QY_ZONE_DMA] = 50 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_DMA32] = 40 * PAGE_BYTES;
	refused(EINVAL);
	instance_init(&in, 64);
	in.config.backing = (enum qy_backing)9;
	refused(EINVAL);
	instance_init(&in, 64);
	in.config.policy = (enum qy_policy)9;
	refused(EINVAL);
	instance_init(&in, 64);
	in.config.classes = (enum qy_classes)9;
	refused(EINVAL);
	instance_init(&in, 64);
	in.config.cpu_provider = (enum qy_cpu_provider)9;
	refused(EINVAL);
}

static void create_too_large_order_is_refused(void **state)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;

	(void)state;
	config.backing = QY_BACKING_ANON;
	config.size = (size_t)16 << 20;
	for (unsigned int order = QY_MAX_ORDER_LIMIT + 1; order; order *= 2) {
		config.max_order = order;
		errno = 0;
		assert_null(qy_mm_create(&config));
		assert_int_equal(errno, EINVAL);
	}
}

static void create_bad_debug_string_is_refused(void **state)
{
	static const char *const bad[] = {
		"nonsense",	  "slab_debug=FZ nonsense=1",
		"quarantine=12X", "red_zone=1",
		"red_zone=9999",  "policy=maybe",
		"validate=x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		instance_init(&in, 64);
		in.config.debug = bad[i];
		refused(EINVAL);
	}
}

static void create_zones_that_end_together_are_empty(void **state)
{
	(void)state;
	instance_init(&in, 128);
	in.config.zone_limit[QY_ZONE_DMA] = 64 * PAGE_BYTES;
	in.config.zone_limit[QY_ZONE_DMA32] = 64 * PAGE_BYTES;
	instance_create(&in);
	assert_clean(&in);
	tear_down(NULL);
	instance_init(&in, 128);
	in.config.zone_limit[QY_ZONE_DMA] = 1000 * PAGE_BYTES; /* all of it */
	instance_create(&in);
	assert_non_null(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0));
	assert_clean(&in);
	tear_down(NULL);
}

/* ---- buffers ---- */

/* Either there is no room, or there is an instance with at least one page to give. */
static unsigned int pages_in(void *base, size_t size, unsigned int max_order)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	struct qy_check_result r = {.struct_size = sizeof(r)};
	unsigned int pages = 0;
	struct qy_mm *mm;

	config.backing = QY_BACKING_ARENA;
	config.base = base;
	config.size = size;
	config.max_order = max_order;
	config.cpu_provider = QY_CPU_MANUAL;
	errno = 0;
	mm = qy_mm_create(&config);
	if (!mm) {
		assert_int_equal(errno, base ? ENOMEM : EINVAL);
		return 0;
	}
	assert_true((char *)mm >= (char *)base && (char *)mm < (char *)base + size);
	for (;; pages++) {
		char *p = qy_get_free_pages(mm, QY_GFP_NOWAIT, 0);

		if (!p)
			break;
		assert_true(p >= (char *)base && p + PAGE_BYTES <= (char *)base + size);
		memset(p, 0xff, PAGE_BYTES);
	}
	if (qy_check(mm, QY_CHECK_ALL, &r))
		print_violations(&r);
	assert_int_equal(r.nr, 0);
	qy_mm_destroy(mm);
	return pages;
}

static void create_in_buffers_of_every_size_and_place(void **state)
{
	unsigned int smallest = 0;
	char *buf = malloc(200 * PAGE_BYTES);

	(void)state;
	for (size_t pages = 0; pages <= 100; pages++)
		for (unsigned int order = 1; order <= 10; order += 3) {
			size_t shift = (pages * 1237 + order) % (2 * PAGE_BYTES);
			unsigned int got;

			memset(buf, 0xee, 200 * PAGE_BYTES);
			got = pages_in(buf + shift, pages * PAGE_BYTES + pages % 7, order);
			/* Nothing is written outside. */
			for (size_t i = 0; i < shift; i++)
				assert_int_equal((unsigned char)buf[i], 0xee);
			for (size_t i = shift + pages * PAGE_BYTES + pages % 7;
			     i < 200 * PAGE_BYTES; i += 97)
				assert_int_equal((unsigned char)buf[i], 0xee);
			assert_true(!smallest || got || pages < smallest + 3);
			if (got && !smallest)
				smallest = (unsigned int)pages;
		}
	assert_true(smallest && smallest <= 40);
	assert_int_equal(pages_in(NULL, 1 << 20, 4), 0);
	assert_int_equal(pages_in((void *)(UINTPTR_MAX - 100), 1 << 20, 4), 0);
	free(buf);
}

static void create_thousands_of_instances(void **state)
{
	struct instance *many = calloc(200, sizeof(*many));

	(void)state;
	for (int round = 0; round < 3000; round++) {
		instance_make(&in, 64, round & 1 ? "slab_debug=FZPU" : NULL);
		assert_non_null(hide(qy_kmalloc(in.mm, 100, QY_GFP_KERNEL)));
		tear_down(NULL);
	}
	/* Side by side they know nothing of each other. */
	for (int i = 0; i < 200; i++)
		instance_make(&many[i], 64, NULL);
	for (int i = 0; i < 200; i++)
		for (int k = 0; k <= i % 20; k++)
			memset(hide(qy_kmalloc(many[i].mm, 50, QY_GFP_KERNEL)), i, 50);
	for (int i = 0; i < 200; i++) {
		assert_clean(&many[i]);
		instance_destroy(&many[i]);
	}
	free(many);
}

static void create_and_destroy_mapped_instances(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		char *p;

		instance_init(&in, 0);
		in.config.backing = QY_BACKING_ANON;
		in.config.size = (size_t)32 << 20;
		instance_create(&in);
		p = hide(qy_kvmalloc(in.mm, 100000, QY_GFP_KERNEL));
		memset(p, 1, 100000);
		p = hide(qy_vmalloc(in.mm, 100000));
		memset(p, 1, 100000);
		if (round % 50 == 0)
			assert_clean(&in);
		tear_down(NULL);
	}
	qy_mm_destroy(NULL);
}

static void default_instance_is_one(void **state)
{
	struct qy_mm *mm = qy_mm_default();
	void *p;

	(void)state;
	assert_non_null(mm);
	assert_ptr_equal(qy_mm_default(), mm);
	p = hide(qy_kmalloc(mm, 100, QY_GFP_KERNEL));
	assert_non_null(p);
	qy_kfree(mm, p);
	assert_sound(mm);
}

/* ---- the same calls give the same answers ---- */

struct script {
	uint64_t rng;
	struct qy_cache *cache[4];
	void *object[64];
	struct qy_page *page[32];
	unsigned int order[32];
	uint64_t trace; /* of all that was answered */
};

static uint64_t next(struct script *s)
{
	s->rng = s->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return s->rng >> 33;
}

static void note(struct script *s, uint64_t what)
{
	s->trace = (s->trace ^ what) * UINT64_C(0x100000001b3);
}

static uint64_t place(const struct instance *i, const void *p)
{
	return p ? (uint64_t)((const char *)p - i->buf) : 0;
}

static void step(struct instance *i, struct script *s)
{
	unsigned int n = (unsigned int)next(s) % 64, c = n % 4, k = n % 32;

	qy_mm_set_cpu(i->mm, (unsigned int)next(s) % i->config.nr_cpus);
	switch (next(s) % 5) {
	case 0:
		qy_kfree(i->mm, s->object[n]);
		s->object[n] = qy_kmalloc(i->mm, next(s) % 3000, QY_GFP_NOWAIT);
		note(s, place(i, s->object[n]));
		break;
	case 1:
		qy_kfree(i->mm, s->object[n]);
		s->object[n] = qy_cache_alloc(s->cache[c], QY_GFP_NOWAIT);
		note(s, place(i, s->object[n]));
		break;
	case 2:
		if (s->page[k])
			qy_free_pages(i->mm, s->page[k], s->order[k]);
		s->order[k] = (unsigned int)next(s) % 3;
		s->page[k] = qy_alloc_pages(i->mm, QY_GFP_NOWAIT, s->order[k]);
		note(s, place(i, s->page[k]));
		break;
	case 3: qy_cache_shrink(s->cache[c]); break;
	default: /* a mistake now and then: its report is an answer, too */
		if (next(s) % 16 == 0)
			qy_kfree(i->mm, (void *)(i->buf + 8 + next(s) % 8));
		break;
	}
	note(s, i->reports.nr);
}

static void script_start(struct instance *i, struct script *s)
{
	char name[] = "c0";

	*s = (struct script){.rng = 99};
	for (int c = 0; c < 4; c++, name[1]++)
		s->cache[c] = qy_cache_create(i->mm, name, (size_t)(c * 37 + 9), 0, 0, NULL);
}

static void make_scripted(struct instance *i, const char *debug)
{
	instance_init(i, 256);
	i->config.nr_cpus = 3;
	i->config.seed = 5;
	i->config.debug = debug;
	instance_create(i);
}

static const char *const strings[] = {NULL, "slab_debug=FZP quarantine=20K",
				      "slab_debug=FZP,kmalloc-*"};

static void same_calls_give_the_same_addresses(void **state)
{
	static struct instance a, b;
	struct script sa, sb;

	(void)state;
	for (int d = 0; d < 3; d++) {
		make_scripted(&a, strings[d]);
		make_scripted(&b, strings[d]);
		assert_ptr_not_equal(a.buf, b.buf);
		script_start(&a, &sa);
		script_start(&b, &sb);
		for (int i = 0; i < 5000; i++) {
			step(&a, &sa);
			step(&b, &sb);
			assert_int_equal(sa.trace, sb.trace);
		}
		assert_true(a.reports.nr > 0);
		assert_int_equal(a.reports.nr, b.reports.nr);
		for (unsigned int i = 0; i < a.reports.nr && i < RECORDED; i++)
			assert_int_equal(a.reports.at[i].kind, b.reports.at[i].kind);
		assert_sound(a.mm);
		instance_destroy(&a);
		instance_destroy(&b);
	}
}

static void snapshot_restored_goes_on_as_before(void **state)
{
	struct script s, then;
	uint64_t trace;

	(void)state;
	for (int d = 0; d < 3; d++) {
		make_scripted(&in, strings[d]);
		script_start(&in, &s);
		for (int i = 0; i < 1000; i++)
			step(&in, &s);
		in.reports.nr = 0;
		instance_save(&in);
		then = s;
		for (int i = 0; i < 2000; i++)
			step(&in, &s);
		trace = s.trace;
		for (int round = 0; round < 3; round++) {
			instance_restore(&in);
			in.reports.nr = 0;
			s = then;
			assert_sound(in.mm);
			for (int i = 0; i < 2000; i++)
				step(&in, &s);
			assert_int_equal(s.trace, trace);
		}
		tear_down(NULL);
	}
}

/* ---- time, policy, fork ---- */

static uint64_t ticks;

static uint64_t tick(void *ctx)
{
	(void)ctx;
	return ticks++;
}

static void clock_of_the_configuration_is_used(void **state)
{
	(void)state;
	instance_init(&in, 128);
	in.config.clock.fn = tick;
	instance_create(&in);
	ticks = 1000;
	qy_kfree(in.mm, in.buf + 8);
	assert_int_equal(in.reports.nr, 1);
	assert_true(ticks > 1000);
	ticks = 0;
	in.reports.nr = 0;
	assert_clean(&in); /* the checker asks nobody for the time */
	assert_int_equal(ticks, 0);
	tear_down(NULL);
}

static void policy_abort_ends_the_process(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	instance_make(&in, 128, NULL);
	pid = fork();
	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		qy_mm_set_policy(in.mm, QY_POLICY_ABORT);
		qy_kfree(in.mm, in.buf + 8);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	qy_kfree(in.mm, in.buf + 8); /* here it is only told */
	assert_int_equal(qy_mm_reports(in.mm), 1);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_clean(&in);
	tear_down(NULL);
}

static void fork_both_sides_go_on(void **state)
{
	void *p;
	pid_t pid;
	int status;

	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = (size_t)64 << 20;
	in.config.cpu_provider = QY_CPU_THREAD;
	in.config.debug = "slab_debug=FZPU,kmalloc-64 quarantine=64K";
	instance_create(&in);
	p = hide(qy_kmalloc(in.mm, 64, QY_GFP_KERNEL));
	qy_mm_fork_prepare(in.mm);
	pid = fork();
	if (pid)
		qy_mm_fork_parent(in.mm);
	else
		qy_mm_fork_child(in.mm);
	for (int i = 0; i < 1000; i++)
		qy_kfree(in.mm, hide(qy_kmalloc(in.mm, (size_t)i, QY_GFP_KERNEL)));
	qy_vfree(in.mm, hide(qy_vmalloc(in.mm, 10000)));
	qy_kfree(in.mm, p);
	if (!pid)
		_exit(qy_check(in.mm, QY_CHECK_ALL, NULL) || in.reports.nr ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_clean(&in);
	tear_down(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
		T(create_bad_configuration_is_refused),
		T(create_too_large_order_is_refused),
		T(create_bad_debug_string_is_refused),
		T(create_zones_that_end_together_are_empty),
		T(create_in_buffers_of_every_size_and_place),
		T(create_thousands_of_instances),
		T(create_and_destroy_mapped_instances),
		T(default_instance_is_one),
		T(same_calls_give_the_same_addresses),
		T(snapshot_restored_goes_on_as_before),
		T(clock_of_the_configuration_is_used),
		T(policy_abort_ends_the_process),
		T(fork_both_sides_go_on),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
