/* SPDX-License-Identifier: MIT */
/*
 * test_check_image.c - another program's instance: what points out of its span leads nowhere, its
 * locks are held for ever. It is sound all the same, its texts are those of before, and nothing is
 * written. And what is no instance, or another build's, is not opened.
 */
#include "all_texts.h"
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include <quarry/info.h>

#include "debug/debug.h"
#include "page/pcp.h"
#include "vmalloc/vmap_area.h"

#define NOWHERE ((void *)(uintptr_t)0x7ead00000000)
#define TEXT_MAX (1 << 18)

static char before[NR_TEXTS][TEXT_MAX];

static void construct(void *object)
{
	memset(object, 7, 48);
}

static void use_instance(void)
{
	struct qy_cache *c = qy_cache_create(in.mm, "made", 48, 0, 0, construct);
	void *p[300];

	assert_non_null(c);
	for (int i = 0; i < 300; i++)
		p[i] = i & 1 ? qy_kmalloc(in.mm, 1 + 37 * (size_t)i % 3000, QY_GFP_KERNEL)
			     : qy_cache_alloc(c, QY_GFP_KERNEL);
	for (int i = 0; i < 300; i += 3)
		qy_kfree(in.mm, p[i]);
	assert_non_null(qy_kmalloc(in.mm, 40000, QY_GFP_KERNEL));
	assert_non_null(qy_vmalloc(in.mm, 3 * PAGE_BYTES));
}

/* Everything that is an address in the program, and every lock. */
static void move_away(struct qy_mm *mm)
{
	mm->os.clock.fn = NOWHERE;
	mm->report.sink.fn = NOWHERE;
	mm->reclaim.first = NOWHERE;
	mm->reclaim.walks = NOWHERE;
	memset(&mm->reclaim.hook, 0x7e, sizeof(mm->reclaim.hook));
	memset(&mm->migrate, 0x7e, sizeof(mm->migrate));
	mm->grow_lock.word = mm->pcp.lock.word = mm->slab->lock.word = mm->vmap->lock.word = 2;
	for (unsigned int z = 0; z < mm->nr_zones; z++)
		mm->zone[z].lock.word = 1;
	for (struct qy_cache *c = mm->slab->first; c; c = c->next) {
		c->lock.word = 2;
		if (c->ctor)
			c->ctor = (qy_ctor_fn)NOWHERE;
	}
}

static void image(const char *debug, unsigned int page_debug)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	static char now[TEXT_MAX];
	uint64_t sum;

	instance_init(&in, 700);
	in.config.nr_cpus = 3;
	in.config.pcp = QY_ON;
	in.config.debug = debug;
	in.config.page_debug = page_debug;
	instance_create(&in);
	use_instance();
	assert_clean(&in);
	for (size_t i = 0; i < NR_TEXTS; i++)
		all_texts[i].print(in.mm, before[i], TEXT_MAX);
	instance_save(&in);
	move_away(in.mm);
	assert_int_equal(qy_image_open(in.mm), 0);
	sum = checksum(&in);
	if (qy_check(in.mm, QY_CHECK_ALL, &r))
		print_violations(&r);
	assert_int_equal(r.nr, 0);
	for (size_t i = 0; i < NR_TEXTS; i++) {
		all_texts[i].print(in.mm, now, TEXT_MAX);
		/* Whose addresses these are is not known here: no names. */
		if (all_texts[i].print != qy_page_owner)
			assert_string_equal(now, before[i]);
	}
	assert_int_equal(checksum(&in), sum);
	instance_restore(&in);
	instance_destroy(&in);
}

static void check_image_is_sound_and_has_the_same_texts(void **state)
{
	(void)state;
	image(NULL, 0);
	if (QY_CONFIG_DEBUG) {
		image("slab_debug=FZPU quarantine=8K", 0);
		image(NULL, QY_PAGE_OWNER);
	}
}

static void assert_refused(void *field, size_t len, int err)
{
	uint64_t sum;

	memset(field, 0x5a, len);
	sum = checksum(&in);
	assert_int_equal(qy_image_open(in.mm), err);
	assert_int_equal(checksum(&in), sum);
	instance_restore(&in);
}

static void image_of_something_else_is_refused(void **state)
{
	struct qy__abi *abi;

	(void)state;
	instance_make(&in, 64, NULL);
	instance_save(&in);
	abi = &in.mm->abi;
	assert_int_equal(qy_image_open(NULL), -EINVAL);
	assert_int_equal(qy_image_open((struct qy_mm *)((char *)in.mm + 1)), -EINVAL);
	assert_refused(&in.mm->magic, 1, -EINVAL);
	assert_refused(&abi->version, 1, -ENOTSUP);
	assert_refused(&abi->letters, 1, -ENOTSUP);
	assert_refused(&abi->page_shift, 1, -ENOTSUP);
	assert_refused(&abi->pointer, 1, -ENOTSUP);
	assert_refused(&abi->mm, 1, -ENOTSUP);
	assert_refused(&abi->page, 1, -ENOTSUP);
	assert_refused(&abi->zone, 1, -ENOTSUP);
	assert_refused(&abi->debug, 1, -ENOTSUP);
	assert_int_equal(qy_image_open(in.mm), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_image_is_sound_and_has_the_same_texts),
		cmocka_unit_test_teardown(image_of_something_else_is_refused, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
