/* SPDX-License-Identifier: MIT */
/*
 * test_slub_kunit_debug.c - the cases of the kernel's own test of slab debugging, with exact
 * figures.
 *
 * The kernel counts lines: one for a finding, one for its repair. Here a finding is one report that
 * names its repair.
 */
#include "fixture.h"

#include <errno.h>

static int set_up(void **state)
{
	(void)state;
	instance_make(&in, 128, NULL);
	return 0;
}

static struct qy_cache *make(const char *name, size_t size, qy_slab_flags_t flags)
{
	struct qy_cache *c = qy_cache_create(in.mm, name, size, 0, flags | QY_SLAB_NO_MERGE, NULL);

	assert_non_null(c);
	return c;
}

/* Validating finds one thing: @kind at @offset, @len bytes, repaired; and a second time nothing. */
static struct record finds_one(struct qy_cache *c, enum qy_report_kind kind, long offset,
			       size_t len)
{
	struct record r;

	assert_int_equal(qy_cache_validate(c), 1);
	r = take_report(&in, kind);
	assert_int_equal(r.damage_offset, offset);
	assert_int_equal(r.damage_len, len);
	assert_true(strstr(r.fix, "Restoring") != NULL);
	assert_int_equal(qy_cache_validate(c), 0);
	assert_clean(&in);
	return r;
}

static void clobber_zone(void **state)
{
	struct qy_cache *c = make("TestSlub_RZ_alloc", 64, QY_SLAB_RED_ZONE);
	uint8_t *p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	struct record r;

	(void)state;
	p[64] = 0x12;
	r = finds_one(c, QY_REPORT_OVERFLOW, 64, 1);
	assert_int_equal(r.found, 0x12);
	assert_int_equal(r.expected, 0xcc);
	assert_ptr_equal(r.object, p);
	assert_string_equal(r.title, "Right Redzone overwritten");
	assert_int_equal(qy_cache_free(c, p), 0); /* repaired: not told twice */
	assert_clean(&in);
	assert_int_equal(qy_cache_destroy(c), 0);
}

static void next_pointer(void **state)
{
	struct qy_cache *c = make("TestSlub_next_ptr_free", 64, QY_SLAB_POISON);
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	uint8_t *p = hide(qy_cache_alloc(c, QY_GFP_KERNEL)), *q;
	uintptr_t *link, was;

	(void)state;
	qy_cache_info(c, &info);
	assert_int_equal(qy_cache_free(c, p), 0);
	link = (uintptr_t *)(p + info.offset);
	was = *link;
	*link = ~was;
	/* The list is cut and its slab given up, in one go: the count is right again. */
	assert_int_equal(qy_cache_validate(c), 1);
	assert_true(take_report(&in, QY_REPORT_FREELIST).fix[0]);
	*link = was;
	assert_int_equal(qy_cache_validate(c), 0);
	assert_int_equal(qy_cache_validate(c), 0);
	assert_clean(&in);
	/* The cache goes on, with other memory. */
	q = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	assert_non_null(q);
	assert_ptr_not_equal(qy_page_of(in.mm, p), qy_page_of(in.mm, q));
	assert_int_equal(qy_cache_free(c, q), 0);
	assert_clean(&in);
}

static void first_word(void **state)
{
	struct qy_cache *c =
		make("TestSlub_1th_word_free", 64, QY_SLAB_POISON | QY_SLAB_STORE_USER);
	uint8_t *p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	struct record r;

	(void)state;
	assert_int_equal(qy_cache_free(c, p), 0);
	*p = 0x78;
	r = finds_one(c, QY_REPORT_USE_AFTER_FREE, 0, 1);
	assert_int_equal(r.expected, 0x6b);
	assert_int_equal(r.found, 0x78);
	assert_true(r.alloc_frames > 0 && r.free_frames > 0);
	assert_string_equal(r.title, "Poison overwritten");
	assert_int_equal(qy_cache_destroy(c), 0);
}

static void clobber_50th_byte(void **state)
{
	struct qy_cache *c = make("TestSlub_50th_word_free", 64, QY_SLAB_POISON);
	uint8_t *p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	struct record r;

	(void)state;
	assert_int_equal(qy_cache_free(c, p), 0);
	p[50] = 0x9a;
	r = finds_one(c, QY_REPORT_USE_AFTER_FREE, 50, 1);
	assert_int_equal(r.found, 0x9a);
	assert_ptr_equal(r.object, p);
	assert_int_equal(qy_cache_destroy(c), 0);
}

static void clobber_redzone_free(void **state)
{
	struct qy_cache *c = make("TestSlub_RZ_free", 64, QY_SLAB_RED_ZONE);
	uint8_t *p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	struct record r;

	(void)state;
	assert_int_equal(qy_cache_free(c, p), 0);
	p[64] = 0xab;
	r = finds_one(c, QY_REPORT_OVERFLOW, 64, 1);
	assert_int_equal(r.expected, 0xbb);
	assert_int_equal(r.found, 0xab);
	assert_int_equal(qy_cache_destroy(c), 0);
}

static void kmalloc_redzone_access(void **state)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	struct qy_cache *c = NULL;
	struct record r;
	uint8_t *p;

	(void)state;
	tear_down(NULL);
	instance_make(&in, 128, "slab_debug=ZU,kmalloc-32");
	for (unsigned int i = 0; (c = qy_cache_at(in.mm, i)) != NULL; i++) {
		qy_cache_info(c, &info);
		if (!strcmp(info.name, "kmalloc-32"))
			break;
	}
	assert_non_null(c);
	p = hide(qy_kmalloc(in.mm, 18, QY_GFP_KERNEL));
	p[18] = 0xab;
	p[19] = 0xab;
	r = finds_one(c, QY_REPORT_OVERFLOW, 18, 2);
	assert_int_equal(r.object_size, 18);
	assert_int_equal(r.expected, 0xcc);
	assert_true(r.alloc_frames > 0);
	qy_kfree(in.mm, p);
	assert_clean(&in);
}

static void leak_destroy(void **state)
{
	struct qy_cache *c = make("TestSlub_leak", 64, QY_SLAB_RED_ZONE | QY_SLAB_STORE_USER);
	uint8_t *p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	struct record r;

	(void)state;
	assert_int_equal(qy_cache_destroy(c), -EBUSY);
	r = take_report(&in, QY_REPORT_LEAK);
	assert_ptr_equal(r.object, p);
	assert_true(r.alloc_frames > 0);
	assert_string_equal(r.cache, "TestSlub_leak");
	assert_clean(&in);
}

static void assert_bytes(const uint8_t *p, size_t from, size_t to, int value)
{
	for (size_t i = from; i < to; i++)
		assert_int_equal(p[i], value);
}

static void krealloc_redzone_zeroing(void **state)
{
	uint8_t *p, *q;

	(void)state;
	tear_down(NULL);
	instance_make(&in, 128, "slab_debug=ZU,kmalloc-64");
	p = hide(qy_kzalloc(in.mm, 48, QY_GFP_KERNEL));
	memset(p, 0xff, 48);
	q = hide(qy_krealloc(in.mm, p, 40, QY_GFP_KERNEL | QY_GFP_ZERO));
	assert_ptr_equal(p, q);
	assert_bytes(q, 40, 64, 0xcc);
	q = hide(qy_krealloc(in.mm, p, 56, QY_GFP_KERNEL | QY_GFP_ZERO));
	assert_ptr_equal(p, q);
	assert_bytes(q, 0, 40, 0xff);
	assert_bytes(q, 40, 56, 0);
	assert_bytes(q, 56, 64, 0xcc);
	assert_int_equal(qy_validate(in.mm), 0);
	assert_clean(&in);
	q = hide(qy_krealloc(in.mm, p, 112, QY_GFP_KERNEL | QY_GFP_ZERO));
	assert_ptr_not_equal(p, q);
	assert_bytes(q, 0, 40, 0xff);
	assert_bytes(q, 40, 112, 0);
	qy_kfree(in.mm, q);
	assert_int_equal(qy_validate(in.mm), 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(clobber_zone),	 T(next_pointer),
		T(first_word),		 T(clobber_50th_byte),
		T(clobber_redzone_free), T(kmalloc_redzone_access),
		T(leak_destroy),	 T(krealloc_redzone_zeroing),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
