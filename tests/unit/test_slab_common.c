/* SPDX-License-Identifier: MIT */
/*
 * test_slab_common.c - caches: what is refused, the registry, boot states, bulk, destroy and what
 * follows it.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "debug/debug.h"
#include "page/page_alloc.h"

static bool has_red_zones(void)
{
	return strchr(qy_build_debug_letters(), 'Z');
}

static void refuse(const char *name, size_t size, size_t align, qy_slab_flags_t flags)
{
	errno = 0;
	assert_null(qy_cache_create(in.mm, name, size, align, flags, NULL));
	assert_int_equal(errno, EINVAL);
}

static void create_bad_arguments_give_einval(void **state)
{
	size_t most = (PAGE_BYTES << 6) / 2;

	(void)state;
	instance_make(&in, 512, NULL);
	refuse(NULL, 8, 0, 0);
	refuse("", 8, 0, 0);
	refuse("c", 0, 0, 0);
	refuse("c", most + 1, 0, 0);
	refuse("c", SIZE_MAX, 0, 0);
	refuse("c", SIZE_MAX - 7, 8, QY_SLAB_RED_ZONE);
	refuse("c", (size_t)1 << 32, 0, 0);
	refuse("c", 8, 3, 0);
	refuse("c", 8, 24, 0);
	refuse("c", 8, PAGE_BYTES * 2, 0);
	refuse("c", 8, SIZE_MAX, 0);
	refuse("c", 8, (size_t)1 << 63, 0);
	refuse("c", 8, 0, 1);
	refuse("c", 8, 0, 0x80000000u);
	refuse("c", 8, 0, UINT32_MAX & ~QY_SLAB_PANIC);
	assert_non_null(qy_cache_create(in.mm, "c", most, PAGE_BYTES, 0, NULL));
	assert_clean(&in);
}

/* Refusals cost nothing: the heads come back. */
static void create_refused_leaks_nothing(void **state)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)}, after = info;

	(void)state;
	instance_make(&in, 512, NULL);
	qy_cache_info(in.mm->slab->cache_cache, &info);
	for (int i = 0; i < 1000; i++)
		refuse("c", (PAGE_BYTES << 6) / 2 + (size_t)i + 1, 0, 0);
	qy_cache_info(in.mm->slab->cache_cache, &after);
	assert_int_equal(after.live_objects, info.live_objects);
	/* Fits by its size, but not with its zones. */
	instance_destroy(&in);
	instance_init(&in, 512);
	in.config.max_order = 1;
	instance_create(&in);
	qy_cache_info(in.mm->slab->cache_cache, &info);
	for (int i = 0; i < 100 && has_red_zones(); i++)
		refuse("c", PAGE_BYTES, PAGE_BYTES, QY_SLAB_RED_ZONE);
	qy_cache_info(in.mm->slab->cache_cache, &after);
	assert_int_equal(after.live_objects, info.live_objects);
	assert_clean(&in);
}

static void name_is_cut_to_31_characters(void **state)
{
	char name[40] = "0123456789012345678901234567890123456789";
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	struct qy_cache *c;

	(void)state;
	instance_make(&in, 512, NULL);
	name[39] = 0;
	c = qy_cache_create(in.mm, name, 8, 0, 0, NULL);
	memset(name, 'x', 39);
	qy_cache_info(c, &info);
	assert_string_equal(info.name, "0123456789012345678901234567890");
}

static void create_without_memory_gives_enomem_then_works(void **state)
{
	static struct qy_cache *c[4096];
	struct qy_cache *one;
	unsigned int n = 0;

	(void)state;
	instance_make(&in, 64, NULL);
	errno = 0;
	while (n < 4096 && (c[n] = qy_cache_create(in.mm, "c", 64, 0, 0, NULL)))
		n++;
	assert_true(n > 10 && n < 4096);
	assert_int_equal(errno, ENOMEM);
	assert_clean(&in);
	while (n)
		assert_int_equal(qy_cache_destroy(c[--n]), 0);
	one = qy_cache_create(in.mm, "c", 64, 0, 0, NULL);
	assert_non_null(qy_cache_alloc(one, 0));
	assert_clean(&in);
}

static void registry_is_in_order_of_creation(void **state)
{
	struct qy_cache *c[20];
	unsigned int first = 0, i;

	(void)state;
	instance_make(&in, 512, NULL);
	while (qy_cache_at(in.mm, first))
		first++;
	assert_int_equal(first, in.mm->slab->nr_caches);
	for (i = 0; i < 20; i++)
		c[i] = qy_cache_create(in.mm, "c", 8 * (i + 1), 0, 0, NULL);
	for (i = 0; i < 20; i++)
		assert_ptr_equal(qy_cache_at(in.mm, first + i), c[i]);
	assert_null(qy_cache_at(in.mm, first + 20));
	assert_null(qy_cache_at(in.mm, UINT32_MAX));
	for (i = 0; i < 20; i++)
		assert_true(qy__registry_has_locked(in.mm, c[i]));
	for (i = 0; i < 20; i += 2)
		assert_int_equal(qy_cache_destroy(c[i]), 0);
	for (i = 0; i < 10; i++)
		assert_ptr_equal(qy_cache_at(in.mm, first + i), c[2 * i + 1]);
	assert_false(qy__registry_has_locked(in.mm, NULL));
	assert_false(qy__registry_has_locked(in.mm, (struct qy_cache *)&in));
	assert_false(qy__registry_has_locked(in.mm, c[0]));
	assert_int_equal(in.mm->slab->state, QY__SLAB_FULL);
	assert_clean(&in);
}

static void destroy_and_create_again_thousands_of_times(void **state)
{
	size_t free_pages = 0;

	(void)state;
	instance_make(&in, 512, NULL);
	for (int i = 0; i < 2000; i++) {
		struct qy_cache *c =
			qy_cache_create(in.mm, "same", 8 + (size_t)i % 500, 0, 0, NULL);
		void *p = qy_cache_alloc(c, 0);

		qy_cache_free(c, p);
		assert_int_equal(qy_cache_destroy(c), 0);
		if (i == 600)
			free_pages = qy__nr_free_pages(in.mm);
	}
	assert_int_equal(qy__nr_free_pages(in.mm), free_pages);
	assert_int_equal(qy_cache_destroy(NULL), 0);
	assert_clean(&in);
}

/* Live objects: told, leaked, and their pages never used again; other caches are untouched. */
static void destroy_with_live_objects_leaks_their_slabs(void **state)
{
	struct qy_cache *c, *other;
	struct qy_page *slab, *page;
	char *p, *q;

	(void)state;
	instance_make(&in, 512, NULL);
	c = qy_cache_create(in.mm, "c", 100, 0, 0, NULL);
	other = qy_cache_create(in.mm, "other", 100, 0, 0, NULL);
	p = qy_cache_alloc(c, 0);
	q = qy_cache_alloc(other, 0);
	memset(p, 1, 100);
	slab = slab_of_object(in.mm, p);
	assert_int_equal(qy_cache_destroy(c), -EBUSY);
	assert_int_equal(take_report(&in, QY_REPORT_LEAK).alloc_frames, 0);
	assert_clean(&in);
	qy_kfree(in.mm, p);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_int_equal(qy_free_pages(in.mm, slab, slab->order), -EINVAL);
	take_report(&in, QY_REPORT_BAD_PAGE_FREE);
	while ((page = qy_alloc_pages(in.mm, 0, 0)))
		assert_false(page >= slab && page < slab + (1u << slab->order));
	assert_int_equal(p[99], 1);
	qy_cache_free(other, q);
	assert_clean(&in);
}

static void panic_aborts_when_the_cache_cannot_be_made(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	instance_make(&in, 512, NULL);
	assert_non_null(qy_cache_create(in.mm, "fine", 8, 0, QY_SLAB_PANIC, NULL));
	pid = fork();
	if (!pid) {
		close(2);
		(void)!qy_cache_create(in.mm, "not", 0, 0, QY_SLAB_PANIC, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void bulk_is_all_or_nothing(void **state)
{
	static const char *const debug[] = {NULL, "slab_debug"};
	static void *p[100000];

	(void)state;
	for (int d = 0; d < 2; d++) {
		struct qy_cache_info info = {.struct_size = sizeof(info)};
		struct qy_cache *c;
		size_t most = 0;

		instance_make(&in, 128, debug[d]);
		c = qy_cache_create(in.mm, "c", 500, 0, 0, NULL);
		assert_int_equal(qy_cache_alloc_bulk(c, 0, 0, p), 0);
		for (size_t n = 1; n < 2000; n += 97) {
			size_t got = qy_cache_alloc_bulk(c, n % 2 ? QY_GFP_ZERO : 0, n, p);

			assert_true(got == n || got == 0);
			if (got) {
				most = n;
				for (size_t i = 0; i < n; i++)
					for (size_t b = 0; n % 2 && b < 500; b += 50)
						assert_int_equal(((char *)p[i])[b], 0);
				for (size_t i = 0; i < n; i++)
					memset(p[i], 0xff, 500);
				qy_cache_free_bulk(c, n, p);
			}
			qy_cache_info(c, &info);
			assert_int_equal(info.live_objects, 0);
			assert_clean(&in);
		}
		assert_true(most > 0);
		/* Cannot be had: nothing is kept, and what could be had still can. */
		assert_int_equal(qy_cache_alloc_bulk(c, 0, 100000, p), 0);
		assert_int_equal(qy_cache_alloc_bulk(c, 0, most, p), most);
		qy_cache_free_bulk(c, most, p);
		assert_int_equal(qy_cache_destroy(c), 0);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void gfp_zero_clears_recycled_objects(void **state)
{
	static const qy_slab_flags_t flags[] = {
		0,
		QY_SLAB_RED_ZONE,
		QY_SLAB_POISON,
		QY_SLAB_STORE_USER,
		QY_SLAB_DEBUG_FLAGS & ~QY_SLAB_TRACE,
		(QY_SLAB_DEBUG_FLAGS & ~QY_SLAB_TRACE) | QY_SLAB_KMALLOC,
	};

	(void)state;
	instance_make(&in, 512, NULL);
	for (size_t f = 0; f < 6; f++)
		for (size_t size = 1; size < 300; size += 23) {
			struct qy_cache *c = qy_cache_create(in.mm, "z", size, 0, flags[f], NULL);

			for (int i = 0; i < 100; i++) {
				unsigned char *p = qy_cache_alloc(c, QY_GFP_ZERO);

				for (size_t b = 0; b < size; b++)
					assert_int_equal(p[b], 0);
				memset(p, 0xff, size);
				qy_cache_free(c, p);
			}
			assert_int_equal(qy_cache_destroy(c), 0);
		}
	assert_clean(&in);
}

static void info_tells_the_geometry(void **state)
{
	struct qy_cache_info i = {.struct_size = sizeof(i)};
	struct qy_cache *c;
	void *p[100];

	(void)state;
	instance_make(&in, 512, NULL);
	c = qy_cache_create(in.mm, "geometry", 100, 32, QY_SLAB_RED_ZONE, NULL);
	for (int n = 0; n < 100; n++)
		p[n] = qy_cache_alloc(c, 0);
	for (int n = 0; n < 50; n++)
		qy_cache_free(c, p[n]);
	qy_cache_info(c, &i);
	assert_int_equal(i.struct_size, sizeof(i));
	assert_string_equal(i.name, "geometry");
	assert_int_equal(i.object_size, 100);
	assert_int_equal(i.align, 32);
	assert_int_equal(i.slot_size, c->layout.slot);
	assert_int_equal(i.objs_per_slab, (PAGE_BYTES << i.order) / i.slot_size);
	assert_int_equal(i.red_left_pad, has_red_zones() ? 32 : 0);
	assert_int_equal(i.live_objects, 50);
	assert_true(i.high_water >= 100 && i.high_water <= 200);
	assert_int_equal(i.total_objects, i.nr_slabs * i.objs_per_slab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(create_bad_arguments_give_einval, tear_down),
		cmocka_unit_test_teardown(create_refused_leaks_nothing, tear_down),
		cmocka_unit_test_teardown(name_is_cut_to_31_characters, tear_down),
		cmocka_unit_test_teardown(create_without_memory_gives_enomem_then_works, tear_down),
		cmocka_unit_test_teardown(registry_is_in_order_of_creation, tear_down),
		cmocka_unit_test_teardown(destroy_and_create_again_thousands_of_times, tear_down),
		cmocka_unit_test_teardown(destroy_with_live_objects_leaks_their_slabs, tear_down),
		cmocka_unit_test_teardown(panic_aborts_when_the_cache_cannot_be_made, tear_down),
		cmocka_unit_test_teardown(bulk_is_all_or_nothing, tear_down),
		cmocka_unit_test_teardown(gfp_zero_clears_recycled_objects, tear_down),
		cmocka_unit_test_teardown(info_tells_the_geometry, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
