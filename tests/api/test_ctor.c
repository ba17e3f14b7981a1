/* SPDX-License-Identifier: MIT */
/*
 * test_ctor.c - what a constructor may do: its slab is made before any lock is taken, and nobody
 * knows it yet. A call that hangs ends the program (alarm).
 */
#include "instance.h"
#include "patience.h"

#include <unistd.h>

#define OBJECTS 200u

static struct instance in;
static struct qy_cache *own;
static unsigned int calls;

static void make_with(const char *debug, qy_ctor_fn ctor)
{
	patient_alarm(60);
	calls = 0;
	instance_init(&in, 2048);
	in.config.debug = debug;
	instance_create(&in);
	own = qy_cache_create(in.mm, "own", 100, 0, 0, ctor);
	assert_non_null(own);
}

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	alarm(0);
	return 0;
}

/* Each object is constructed once, and comes as it was constructed. */
static void use(void)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	unsigned char *p[OBJECTS];

	for (unsigned int i = 0; i < OBJECTS; i++) {
		p[i] = qy_cache_alloc(own, QY_GFP_KERNEL);
		assert_non_null(p[i]);
		assert_int_equal(p[i][99], 0x77);
	}
	qy_cache_info(own, &info);
	assert_int_equal(info.live_objects, OBJECTS);
	assert_int_equal(calls, info.total_objects);
	for (unsigned int i = 0; i < OBJECTS; i++)
		assert_int_equal(qy_cache_free(own, p[i]), 0);
	assert_int_equal(qy_cache_destroy(own), 0);
	assert_clean(&in);
	assert_int_equal(qy_mm_reports(in.mm), 0);
}

static void construct(void *object)
{
	memset(object, 0x77, 100);
	calls++;
}

static void construct_and_ask(void *object)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};

	construct(object);
	qy_cache_info(own, &info);
	assert_int_equal(info.object_size, 100);
}

static void construct_and_allocate(void *object)
{
	void *p = qy_kmalloc(in.mm, 40, QY_GFP_KERNEL);

	construct(object);
	assert_non_null(p);
	qy_kfree(in.mm, p);
}

static void construct_and_check(void *object)
{
	construct(object);
	if (calls % 16 == 1)
		assert_int_equal(qy_check(in.mm, QY_CHECK_ALL, NULL), 0);
	assert_int_equal(qy_validate(in.mm), 0);
}

static void ctor_may_ask_about_its_own_cache(void **state)
{
	(void)state;
	make_with(NULL, construct_and_ask);
	use();
}

static void ctor_may_allocate_while_everything_is_validated(void **state)
{
	(void)state;
	make_with("slab_debug=FZPU validate=1", construct_and_allocate);
	use();
}

static void ctor_sees_a_sound_instance(void **state)
{
	(void)state;
	make_with(NULL, construct_and_check);
	use();
}

static void ctor_sees_a_sound_instance_with_debug_letters(void **state)
{
	(void)state;
	make_with("slab_debug=FZPU", construct_and_check);
	use();
}

/* A slab that could not be had leaves nothing behind. */
static void ctor_is_not_called_without_memory(void **state)
{
	struct qy_page *first = NULL, *page;

	(void)state;
	make_with(NULL, construct);
	while ((page = qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0)))
		first = page;
	assert_null(qy_cache_alloc(own, QY_GFP_NOWAIT));
	assert_int_equal(calls, 0);
	assert_int_equal(qy_free_pages(in.mm, first, 0), 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
		T(ctor_may_ask_about_its_own_cache),
		T(ctor_may_allocate_while_everything_is_validated),
		T(ctor_sees_a_sound_instance),
		T(ctor_sees_a_sound_instance_with_debug_letters),
		T(ctor_is_not_called_without_memory),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
