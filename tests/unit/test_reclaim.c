/* SPDX-License-Identifier: MIT */
/*
 * test_reclaim.c - shrinkers in one thread: what they may do inside, how they come and go while
 * they run, whom they are asked for; the hook.
 */
#include "shrinker.h"

#include <errno.h>

#include "page/reclaim.h"

#define MANY 8

/* ---- inside ---- */

static void allocate_inside(struct fake *f)
{
	struct qy_page *page[64];
	unsigned int nr = 0;

	(void)f;
	assert_true(qy__in_reclaim(in.mm));
	assert_int_equal(shrink(0), 0);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL, 0, 0), 0);
	assert_false(qy__reclaim_hook(in.mm, QY_GFP_KERNEL, 0));
	while (nr < 64 && (page[nr] = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 5)))
		nr++;
	while (nr)
		assert_int_equal(qy_free_pages(in.mm, page[--nr], 5), 0);
}

static void shrinker_may_allocate_without_reclaim_of_its_own(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, 100);
	f.inside = allocate_inside;
	join(&f);
	assert_int_equal(shrink(1), 100);
	assert_int_equal(f.scanned, 1);
	assert_int_equal(f.counted, 1);
	assert_false(qy__in_reclaim(in.mm));
	leave(&f);
}

static struct instance other;

static void shrink_other(struct fake *f)
{
	assert_true(qy__in_reclaim(in.mm));
	assert_false(qy__in_reclaim(other.mm));
	assert_int_equal(qy_mm_shrink(other.mm, QY_GFP_KERNEL, 0, 1), 100);
	assert_true(qy__in_reclaim(in.mm));
	(void)f;
}

static void shrink_first_from_second(struct fake *f)
{
	(void)f;
	assert_true(qy__in_reclaim(in.mm));
	assert_true(qy__in_reclaim(other.mm));
	assert_int_equal(shrink(0), 0);
}

static void instances_do_not_shut_each_other_out(void **state)
{
	struct fake f, g;

	(void)state;
	instance_make(&other, 256, NULL);
	fake_init(&f, 100)->inside = shrink_other;
	fake_init(&g, 100)->inside = shrink_first_from_second;
	join(&f);
	assert_int_equal(qy_shrinker_register(other.mm, &g.s), 0);
	assert_int_equal(shrink(1), 100);
	assert_int_equal(g.scanned, 1);
	assert_int_equal(f.scanned, 1);
	leave(&f);
	leave(&g);
	instance_destroy(&other);
}

/* ---- coming and going ---- */

static void register_and_unregister_say_what_is_wrong(void **state)
{
	struct fake f, g;

	(void)state;
	fake_init(&f, 1);
	assert_int_equal(qy_shrinker_unregister(&f.s), -ENOENT);
	f.s.scan = NULL;
	assert_int_equal(qy_shrinker_register(in.mm, &f.s), -EINVAL);
	fake_init(&f, 1)->s.count = NULL;
	assert_int_equal(qy_shrinker_register(in.mm, &f.s), -EINVAL);
	assert_int_equal(qy_shrinker_unregister(&f.s), -ENOENT);
	join(fake_init(&f, 1));
	join(fake_init(&g, 1));
	assert_int_equal(qy_shrinker_register(in.mm, &f.s), -EBUSY);
	assert_int_equal(qy_shrinker_register(in.mm, &g.s), -EBUSY);
	instance_make(&other, 256, NULL);
	assert_int_equal(qy_shrinker_register(other.mm, &f.s), -EBUSY);
	leave(&f);
	assert_int_equal(qy_shrinker_unregister(&f.s), -ENOENT);
	assert_int_equal(qy_shrinker_register(other.mm, &f.s), 0);
	assert_int_equal(qy_mm_shrink(other.mm, 0, 0, 0), 2);
	shrink(0);
	assert_int_equal(f.counted, 1);
	assert_int_equal(g.counted, 1);
	leave(&f);
	leave(&g);
	instance_destroy(&other);
}

static void registering_forgets_what_was_owed(void **state)
{
	struct fake f;

	(void)state;
	join(fake_init(&f, 100));
	shrink(2);
	assert_int_equal(f.s.deferred[0], 50);
	leave(&f);
	f.s.deferred[QY_MAX_NODES - 1] = 5;
	join(&f);
	assert_int_equal(f.s.deferred[0], 0);
	assert_int_equal(f.s.deferred[QY_MAX_NODES - 1], 0);
	leave(&f);
}

/* The instance is as it was before; the shrinker's own memory does not know. */
static void registering_works_after_an_arena_was_restored(void **state)
{
	struct fake f;

	(void)state;
	instance_save(&in);
	join(fake_init(&f, 100));
	instance_restore(&in);
	assert_int_equal(qy_shrinker_unregister(&f.s), -ENOENT);
	join(&f);
	assert_int_equal(qy_shrinker_register(in.mm, &f.s), -EBUSY);
	assert_int_equal(shrink(1), 100);
	leave(&f);
}

static void go(struct fake *f)
{
	leave(f);
	memset(f, 0x5a, sizeof(*f));
	free(f);
}

static void leave_and_join(struct fake *f)
{
	leave(f);
	join(f);
}

/* @arg is one that goes, and is gone. */
static void send_away(struct fake *f)
{
	struct fake *victim = f->arg;

	if (!victim)
		return;
	f->arg = NULL;
	go(victim);
}

static void shrinker_may_go_from_inside(void **state)
{
	struct fake *f[3], last;

	(void)state;
	join(fake_init(&last, 100)); /* whoever came first is asked last */
	for (int i = 0; i < 3; i++) {
		f[i] = fake_new(100000);
		f[i]->s.flags = i == 2 ? QY_SHRINKER_NUMA_AWARE : 0;
		*(i == 1 ? &f[i]->counting : &f[i]->inside) = go;
		join(f[i]);
	}
	assert_int_equal(shrink(0), 2 * 128 + 128);
	assert_int_equal(last.scanned, 1);
	assert_int_equal(shrink(0), 128);
	leave(&last);
}

static void shrinker_that_comes_back_is_not_called_again(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, 1000)->inside = leave_and_join;
	join(&f);
	for (unsigned int i = 1; i < 5; i++) {
		assert_int_equal(shrink(0), 128);
		assert_int_equal(f.scanned, i);
		assert_int_equal(f.s.deferred[0], 0);
	}
	leave(&f);
}

/* Any of them goes while any of them runs: the others are asked, once each. */
static void any_other_may_go_while_one_runs(void **state)
{
	(void)state;
	for (unsigned int runs = 0; runs < 4; runs++) {
		for (unsigned int goes = 0; goes < 4; goes++) {
			struct fake *f[4];

			if (runs == goes)
				continue;
			for (unsigned int i = 0; i < 4; i++)
				join(f[i] = fake_new(100));
			f[runs]->inside = send_away;
			f[runs]->arg = f[goes];
			/* Newest first: an older one has not been asked yet when it goes. */
			assert_int_equal(shrink(1), goes < runs ? 300 : 400);
			for (unsigned int i = 0; i < 4; i++) {
				if (i == goes)
					continue;
				assert_int_equal(f[i]->scanned, 1);
				go(f[i]);
			}
			assert_int_equal(shrink(0), 0);
		}
	}
}

static struct fake *crowd[MANY];

static void send_all_away(struct fake *f)
{
	for (unsigned int i = 0; i < MANY; i++) {
		struct fake *one = crowd[i];

		crowd[i] = NULL;
		if (one && one != f)
			go(one);
	}
	go(f);
}

static void all_may_go_while_one_runs(void **state)
{
	(void)state;
	for (unsigned int runs = 0; runs < MANY; runs++) {
		for (unsigned int i = 0; i < MANY; i++)
			join(crowd[i] = fake_new(100));
		crowd[runs]->inside = send_all_away;
		assert_int_equal(shrink(1), 100 * (MANY - runs));
		assert_int_equal(shrink(1), 0);
	}
}

static void bring_another(struct fake *f)
{
	struct fake *one = fake_new(100);

	one->inside = f->inside;
	crowd[f->scanned % MANY] = one;
	f->inside = NULL;
	join(one);
}

static void those_who_come_wait_for_the_next_walk(void **state)
{
	struct fake f;

	(void)state;
	memset(crowd, 0, sizeof(crowd));
	fake_init(&f, 100)->inside = bring_another;
	join(&f);
	assert_int_equal(shrink(1), 100);
	assert_non_null(crowd[1]);
	assert_int_equal(crowd[1]->counted, 0);
	crowd[1]->inside = NULL;
	assert_int_equal(shrink(1), 200);
	go(crowd[1]);
	leave(&f);
}

/* ---- nodes ---- */

static void nodes_are_told_apart_by_those_who_know_them(void **state)
{
	struct fake f, g;

	(void)state;
	instance_destroy(&in);
	instance_init(&in, 1024);
	in.config.nr_nodes = 3;
	instance_create(&in);
	fake_init(&f, 100)->s.flags = QY_SHRINKER_NUMA_AWARE;
	join(&f);
	join(fake_init(&g, 100));
	assert_int_equal(qy_mm_shrink(in.mm, QY_GFP_KERNEL, 2, 2), 0);
	assert_int_equal(f.s.deferred[2], 50);
	assert_int_equal(f.s.deferred[0], 0);
	assert_int_equal(g.s.deferred[0], 50);
	assert_int_equal(g.s.deferred[2], 0);
	assert_int_equal(f.counted, 1);
	assert_int_equal(qy_mm_shrink(in.mm, QY_GFP_KERNEL, 1, 1), 100 + 125);
	assert_int_equal(f.node[0], 1);
	assert_int_equal(f.asked, 100); /* what another node owes is another's */
	assert_int_equal(qy_mm_shrink(in.mm, QY_GFP_KERNEL, 3, 0), 0);
	assert_int_equal(f.counted, 2);
	assert_int_equal(g.counted, 2);

	/* A request asks its own node first, then the others, unless it may not go there. */
	memset(f.s.deferred, 0, sizeof(f.s.deferred));
	memset(g.s.deferred, 0, sizeof(g.s.deferred));
	f.scanned = g.scanned = 0;
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL, 1, 1), 4 * 100);
	assert_int_equal(f.scanned, 3);
	assert_int_equal(g.scanned, 1);
	assert_int_equal(f.node[0], 1);
	assert_int_equal(f.node[1], 2);
	assert_int_equal(f.node[2], 0);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL | QY_GFP_THISNODE, 2, 1), 200);
	assert_int_equal(f.scanned, 4);
	assert_int_equal(f.node[3], 2);
	leave(&f);
	leave(&g);
}

static void leave_when_asked_for_the_second_node(struct fake *f)
{
	if (f->scanned == 2)
		go(f);
}

static void shrinker_may_go_between_two_nodes(void **state)
{
	struct fake *f = fake_new(100);

	(void)state;
	instance_destroy(&in);
	instance_init(&in, 1024);
	in.config.nr_nodes = 4;
	instance_create(&in);
	f->s.flags = QY_SHRINKER_NUMA_AWARE;
	f->inside = leave_when_asked_for_the_second_node;
	join(f);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL, 3, 1), 200);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_KERNEL, 3, 1), 0);
}

/* ---- who may, and the hook ---- */

static void only_requests_that_may_wait_reclaim(void **state)
{
	struct fake f;

	(void)state;
	join(fake_init(&f, 100));
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_ATOMIC, 0, 1), 0);
	assert_int_equal(f.counted, 0);
	assert_int_equal(qy__reclaim(in.mm, QY_GFP_NOIO, 0, 1), 100);
	assert_int_equal(f.gfp, QY_GFP_NOIO);
	assert_int_equal(qy_mm_shrink(in.mm, QY_GFP_ATOMIC, 0, 1), 100); /* the program says so */
	leave(&f);
}

static struct {
	unsigned int calls, order;
	qy_gfp_t gfp;
	bool answer;
} hooked;

static bool hook(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order, void *ctx)
{
	assert_ptr_equal(mm, in.mm);
	assert_ptr_equal(ctx, &hooked);
	assert_true(qy__in_reclaim(mm));
	assert_int_equal(shrink(0), 0);
	assert_false(qy__reclaim_hook(mm, gfp, order));
	hooked.calls++;
	hooked.gfp = gfp;
	hooked.order = order;
	return hooked.answer;
}

static void hook_is_called_with_the_request(void **state)
{
	struct fake f;

	(void)state;
	assert_false(qy__reclaim_hook(in.mm, QY_GFP_KERNEL, 0)); /* there is none */
	instance_destroy(&in);
	instance_init(&in, 1024);
	in.config.reclaim = (struct qy_reclaim_hook){hook, &hooked};
	instance_create(&in);
	join(fake_init(&f, 100));
	for (int i = 0; i < 2; i++) {
		memset(&hooked, 0, sizeof(hooked));
		hooked.answer = i;
		assert_int_equal(qy__reclaim_hook(in.mm, QY_GFP_NOFS, 3), i);
		assert_int_equal(hooked.calls, 1);
		assert_int_equal(hooked.gfp, QY_GFP_NOFS);
		assert_int_equal(hooked.order, 3);
		assert_false(qy__in_reclaim(in.mm));
	}
	assert_false(qy__reclaim_hook(in.mm, QY_GFP_ATOMIC, 3));
	assert_int_equal(hooked.calls, 1);
	assert_int_equal(f.counted, 0);
	leave(&f);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(shrinker_may_allocate_without_reclaim_of_its_own),
		TEST(instances_do_not_shut_each_other_out),
		TEST(register_and_unregister_say_what_is_wrong),
		TEST(registering_forgets_what_was_owed),
		TEST(registering_works_after_an_arena_was_restored),
		TEST(shrinker_may_go_from_inside),
		TEST(shrinker_that_comes_back_is_not_called_again),
		TEST(any_other_may_go_while_one_runs),
		TEST(all_may_go_while_one_runs),
		TEST(those_who_come_wait_for_the_next_walk),
		TEST(nodes_are_told_apart_by_those_who_know_them),
		TEST(shrinker_may_go_between_two_nodes),
		TEST(only_requests_that_may_wait_reclaim),
		TEST(hook_is_called_with_the_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
