/* SPDX-License-Identifier: MIT */
/*
 * test_track.c - who allocated, who freed: records in the object, believed only while they are
 * whole.
 */
#include "damage.h"
#include "fixture.h"

#include "debug/debug.h"

static struct qy_cache *c;
static uint64_t now;

static uint64_t clock_fn(void *ctx)
{
	return *(uint64_t *)ctx;
}

static void make(const char *debug)
{
	instance_init(&in, 512);
	in.config.debug = debug;
	in.config.clock = (struct qy_clock){clock_fn, &now};
	in.config.nr_cpus = 4;
	instance_create(&in);
	c = qy_cache_create(in.mm, "tracked", 64, 0, 0, NULL);
}

static struct qy_stack track(const void *p, int which)
{
	struct qy_stack s;

	qy__debug_get_track(c, p, which, &s);
	return s;
}

/* The function's code, and nothing else, lies in 512 bytes from its start. */
#define OWN_BLOCK __attribute__((noinline, aligned(512)))

static OWN_BLOCK void *alloc_here(void)
{
	void *p = qy_cache_alloc(c, 0);

	return hide(p);
}

static OWN_BLOCK void free_here(void *p)
{
	qy_cache_free(c, p);
	hide(p);
}

static bool is_in(const struct qy_stack *s, uintptr_t fn)
{
	for (unsigned int i = 0; i < s->nr; i++)
		if (s->pc[i] > fn && s->pc[i] < fn + 512)
			return true;
	return false;
}

static void track_tells_who_when_and_where(void **state)
{
	struct qy_stack a, f;
	void *p;

	(void)state;
	now = 1000;
	make("slab_debug=U");
	qy_mm_set_cpu(in.mm, 2);
	p = alloc_here();
	a = track(p, QY__TRACK_ALLOC);
	f = track(p, QY__TRACK_FREE);
	assert_int_equal(a.when, 1000);
	assert_int_equal(a.cpu, 2);
	assert_int_equal(a.tid, qy__osif_tid());
	assert_false(a.damaged);
	assert_true(is_in(&a, (uintptr_t)alloc_here));
	assert_int_equal(f.nr, 0);
	assert_int_equal(f.tid, 0);
	assert_false(f.damaged);

	now = 5000;
	qy_mm_set_cpu(in.mm, 3);
	free_here(p);
	a = track(p, QY__TRACK_ALLOC);
	f = track(p, QY__TRACK_FREE);
	assert_int_equal(a.when, 1000);
	assert_int_equal(f.when, 5000);
	assert_int_equal(f.cpu, 3);
	assert_true(is_in(&f, (uintptr_t)free_here));
	assert_false(is_in(&f, (uintptr_t)alloc_here));
}

/* The first frame is the public function, the second whoever called it. */
static void stack_begins_at_the_public_function(void **state)
{
	struct qy_stack a;

	(void)state;
	make("slab_debug=U");
	a = track(alloc_here(), QY__TRACK_ALLOC);
	assert_true(a.nr >= 2);
	assert_false(a.pc[0] > (uintptr_t)alloc_here && a.pc[0] < (uintptr_t)alloc_here + 512);
	assert_true(a.pc[1] > (uintptr_t)alloc_here && a.pc[1] < (uintptr_t)alloc_here + 512);
}

/* One call place, one stack: a thousand objects cost one depot record. */
static void depot_keeps_equal_stacks_once(void **state)
{
	uint64_t stacks = 0;

	(void)state;
	make("slab_debug=U");
	for (int i = 0; i < 3; i++) {
		void *p = NULL;

		for (int n = 0; n < 100; n++) {
			p = alloc_here();
			free_here(p);
		}
		if (!i)
			stacks = in.mm->debug->depot.nr_stacks;
		else
			assert_true(in.mm->debug->depot.nr_stacks <= stacks + 4);
	}
}

/* Any byte of a record changed: said to be damaged, nothing of it is told, nothing crashes. */
static void damaged_record_is_not_believed(void **state)
{
	unsigned char *p, was;

	(void)state;
	make("slab_debug=FZPU");
	p = alloc_here();
	for (unsigned int i = 0; i < sizeof(struct qy__track); i++) {
		unsigned char *at = p + c->layout.track + i;
		struct qy_stack a;

		was = *at;
		*at ^= 0x10;
		a = track(p, QY__TRACK_ALLOC);
		assert_true(a.damaged);
		assert_int_equal(a.nr, 0);
		assert_int_equal(a.tid, 0);
		*at = was;
		assert_false(track(p, QY__TRACK_ALLOC).damaged);
	}
	memset(p + c->layout.track, 0x41, sizeof(struct qy__track));
	assert_true(track(p, QY__TRACK_ALLOC).damaged);
	memset(p + c->layout.track, 0xff, sizeof(struct qy__track));
	assert_true(track(p, QY__TRACK_ALLOC).damaged);
	/* A report about the object goes without the stack. */
	p[64] = 1;
	qy_cache_free(c, p);
	assert_int_equal(take_report(&in, QY_REPORT_OVERFLOW).alloc_frames, 0);
}

static void no_record_without_the_letter(void **state)
{
	void *p;

	(void)state;
	make("slab_debug=FZP");
	p = alloc_here();
	assert_int_equal(c->layout.track, 0);
	assert_int_equal(track(p, QY__TRACK_ALLOC).nr, 0);
	assert_false(track(p, QY__TRACK_ALLOC).damaged);
}

/* A stack that was never given out, and the depot's limits: no frames. */
static void stack_of_unknown_handle_is_empty(void **state)
{
	static const uint32_t handle[] = {0, 1, 77777, UINT32_MAX / 2, UINT32_MAX};
	struct qy_stack s = {0};

	(void)state;
	make("slab_debug=FZP");
	for (size_t i = 1; i < 5; i++) {
		qy__debug_get_stack(in.mm, handle[i], &s);
		if (in.mm->debug->depot.nr_stacks == 0)
			assert_int_equal(s.nr, 0);
	}
	qy__debug_get_stack(in.mm, 0, &s);
	assert_int_equal(s.nr, 0);
}

static __attribute__((noinline)) void *alloc_deep(int depth)
{
	void *p = depth ? alloc_deep(depth - 1) : alloc_here();

	return hide(p);
}

/* Deeper than a stack may be kept, and so many different ones that the depot is full: no harm. */
static void depot_full_and_deep_stacks_are_harmless(void **state)
{
	(void)state;
	instance_make(&in, 96, "slab_debug=U");
	c = qy_cache_create(in.mm, "tracked", 64, 0, 0, NULL);
	for (int depth = 0; depth < 60; depth++) {
		void *p = alloc_deep(depth);

		if (!p)
			continue;
		assert_true(track(p, QY__TRACK_ALLOC).nr <= QY_STACK_MAX);
		free_here(p);
	}
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(track_tells_who_when_and_where, tear_down),
		cmocka_unit_test_teardown(stack_begins_at_the_public_function, tear_down),
		cmocka_unit_test_teardown(depot_keeps_equal_stacks_once, tear_down),
		cmocka_unit_test_teardown(damaged_record_is_not_believed, tear_down),
		cmocka_unit_test_teardown(no_record_without_the_letter, tear_down),
		cmocka_unit_test_teardown(stack_of_unknown_handle_is_empty, tear_down),
		cmocka_unit_test_teardown(depot_full_and_deep_stacks_are_harmless, tear_down),
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
