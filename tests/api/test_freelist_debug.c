/* SPDX-License-Identifier: MIT */
/*
 * test_freelist_debug.c - a write through a stale pointer hits the free pointer of a freed object:
 * it is told when the object is to be handed out again, before anybody gets it, whichever letters
 * are on.
 */
#include "instance.h"

static struct instance in;

#define SIZE 200

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

/* Where in the freed object @p the address of the next one stands. */
static char *find_link(char *p, const void *next)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};

	for (unsigned int i = 0; qy_cache_at(in.mm, i); i++) {
		qy_cache_info(qy_cache_at(in.mm, i), &info);
		if (!strcmp(info.name, "linked"))
			break;
	}
	assert_string_equal(info.name, "linked");
	assert_memory_equal(p + info.offset, &next, sizeof(next));
	return p + info.offset;
}

/* Two objects are freed; the link of the one that would come next becomes @target(…). */
static void damage_link(const char *debug, void *(*target)(char *first, char *second, char *live))
{
	char *first, *second, *live, *link, *p[60];
	struct qy_cache *c;
	struct record r;
	void *to;

	instance_make(&in, 256, debug);
	c = qy_cache_create(in.mm, "linked", SIZE, 0, 0, NULL);
	assert_non_null(c);
	first = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	second = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	live = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	qy_cache_free(c, second);
	qy_cache_free(c, first);
	assert_clean(&in);
	link = find_link(first, second);
	to = target(first, second, live);
	memcpy(link, &to, sizeof(to));
	p[0] = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	r = take_report(&in, QY_REPORT_FREELIST);
	if (strcmp(r.title, "Freepointer corrupt"))
		fail_msg("%s: %s", debug, r.title);
	assert_ptr_equal(r.object, first);
	/* What is handed out now comes from elsewhere, each once. */
	for (int i = 0; i < 60; i++) {
		if (i)
			p[i] = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
		assert_non_null(p[i]);
		assert_true(p[i] != first && p[i] != second && p[i] != live);
		for (int k = 0; k < i; k++)
			assert_ptr_not_equal(p[i], p[k]);
	}
	for (int i = 0; i < 60; i++)
		assert_int_equal(qy_cache_free(c, p[i]), 0);
	assert_int_equal(qy_cache_free(c, live), 0);
	assert_clean(&in);
	assert_int_equal(qy_cache_destroy(c), 0);
	assert_clean(&in);
	instance_destroy(&in);
}

static void *itself(char *first, char *second, char *live)
{
	(void)second, (void)live;
	return first;
}

static void *one_in_use(char *first, char *second, char *live)
{
	(void)first, (void)second;
	return live;
}

static void *between_objects(char *first, char *second, char *live)
{
	(void)first, (void)live;
	return second + 8;
}

static void *elsewhere(char *first, char *second, char *live)
{
	(void)first, (void)second, (void)live;
	return &in;
}

static const char *const letters[] = {
	"slab_debug=F",	 "slab_debug=Z",  "slab_debug=P",  "slab_debug=U",   "slab_debug=ZP",
	"slab_debug=ZU", "slab_debug=PU", "slab_debug=FZ", "slab_debug=ZPU", "slab_debug=FZPU",
};

static void for_all_letters(void *(*target)(char *first, char *second, char *live))
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		damage_link(letters[i], target);
}

static void object_linked_to_itself_is_not_handed_out(void **state)
{
	(void)state;
	for_all_letters(itself);
}

static void object_linked_to_one_in_use_is_not_handed_out(void **state)
{
	(void)state;
	for_all_letters(one_in_use);
}

static void object_linked_to_no_object_is_not_handed_out(void **state)
{
	(void)state;
	for_all_letters(between_objects);
	for_all_letters(elsewhere);
}

/* Consistency checks know how long the list must be: it ended too soon, or too late. */
static void list_that_ends_too_soon_is_told_at_once(void **state)
{
	char *first, *second, *link, *p;
	struct qy_cache *c;

	(void)state;
	instance_make(&in, 256, "slab_debug=F");
	c = qy_cache_create(in.mm, "linked", SIZE, 0, 0, NULL);
	first = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	second = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	qy_cache_free(c, second);
	qy_cache_free(c, first);
	link = find_link(first, second);
	memset(link, 0, sizeof(void *));
	p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	assert_string_equal(take_report(&in, QY_REPORT_FREELIST).title, "Freepointer corrupt");
	assert_true(p && p != first && p != second);
	assert_int_equal(qy_cache_free(c, p), 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
		T(object_linked_to_itself_is_not_handed_out),
		T(object_linked_to_one_in_use_is_not_handed_out),
		T(object_linked_to_no_object_is_not_handed_out),
		T(list_that_ends_too_soon_is_told_at_once),
#undef T
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
