/* SPDX-License-Identifier: MIT */
/*
 * test_kmalloc.c - memory by size: each size and alignment, realloc in all directions, arithmetic
 * that overflows, and that what was zeroed is zero under each set of debug letters.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "debug/debug.h"
#include "kmalloc/kmalloc.h"
#include "page/page_alloc.h"

/* With all debug options. */
static bool is_full_build(void)
{
	return !strcmp(qy_build_debug_letters(), "FZPU");
}

static const char *const letters[] = {
	NULL,
	"slab_debug=F",
	"slab_debug=Z",
	"slab_debug=P",
	"slab_debug=U",
	"slab_debug=ZU",
	"slab_debug=PU",
	"slab_debug=ZP",
	"slab_debug=FZPU",
	"slab_debug=FZPU red_zone=64",
	"slab_debug=FZPU quarantine=64K",
};
#define NR_LETTERS (sizeof(letters) / sizeof(letters[0]))

static void make(size_t pages, const char *debug, enum qy_classes classes)
{
	instance_init(&in, pages);
	in.config.debug = debug;
	in.config.classes = classes;
	instance_create(&in);
}

static bool all(const unsigned char *p, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* Around the edges of all classes, and beyond. */
static size_t next_size(size_t size)
{
	static const size_t around[] = {64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192, 20000};

	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
		if (size + 1 >= around[i] && size <= around[i])
			return size + 1;
	return size < 40 ? size + 1 : size + size / 6;
}

static void kmalloc_every_size_is_usable_and_aligned(void **state)
{
	(void)state;
	for (int classes = 0; classes < 2; classes++)
		for (size_t d = 0; d < NR_LETTERS; d++) {
			make(512, letters[d], (enum qy_classes)classes);
			for (size_t size = 1; size < 30000; size = next_size(size)) {
				size_t low = size & -size, align = classes ? 16 : 8;
				unsigned char *p = qy_kmalloc(in.mm, size, 0);

				assert_non_null(p);
				if (!classes && low == size)
					align = size; /* powers of two: natural */
				if ((uintptr_t)p % align)
					fail_msg("%s: %zu bytes at %p", letters[d], size,
						 (void *)p);
				memset(p, 0xff, size);
				assert_true(qy_ksize(in.mm, p) >= size);
				assert_true(all(hide(p), size, 0xff));
				qy_kfree(in.mm, p);
			}
			assert_int_equal(qy_validate(in.mm), 0);
			assert_clean(&in);
			instance_destroy(&in);
		}
}

static void kmalloc_impossible_requests_are_null(void **state)
{
	static const size_t huge[] = {SIZE_MAX,		SIZE_MAX - 7,	 SIZE_MAX - 4096,
				      SIZE_MAX / 2 + 1, (size_t)1 << 40, 65 * PAGE_BYTES};

	(void)state;
	for (size_t d = 0; d < NR_LETTERS; d++) {
		make(512, letters[d], QY_CLASSES_KERNEL);
		for (size_t i = 0; i < 6; i++) {
			assert_null(qy_kmalloc(in.mm, huge[i], 0));
			assert_null(qy_kzalloc(in.mm, huge[i], 0));
			assert_null(qy_kmalloc_aligned(in.mm, huge[i], 64, 0));
			assert_null(qy_krealloc(in.mm, NULL, huge[i], 0));
			assert_int_equal(qy_kmalloc_size_roundup(in.mm, huge[i]), huge[i]);
		}
		assert_null(qy_kmalloc_array(in.mm, SIZE_MAX, 2, 0));
		assert_null(qy_kmalloc_array(in.mm, (size_t)1 << 33, (size_t)1 << 33, 0));
		assert_null(qy_kcalloc(in.mm, SIZE_MAX / 8 + 1, 8, 0));
		assert_null(qy_kcalloc(in.mm, 3, SIZE_MAX / 2, 0));
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void zero_size_pointer_everywhere(void **state)
{
	void *p;

	(void)state;
	make(512, "slab_debug", QY_CLASSES_KERNEL);
	assert_ptr_equal(qy_kmalloc(in.mm, 0, 0), QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_kzalloc(in.mm, 0, 0), QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_kmalloc_array(in.mm, 0, SIZE_MAX, 0), QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_kcalloc(in.mm, SIZE_MAX, 0, 0), QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_kmalloc_aligned(in.mm, 0, 64, 0), QY_ZERO_SIZE_PTR);
	assert_ptr_equal(qy_krealloc(in.mm, NULL, 0, 0), QY_ZERO_SIZE_PTR);
	qy_kfree(in.mm, QY_ZERO_SIZE_PTR);
	qy_kfree(in.mm, NULL);
	assert_int_equal(qy_ksize(in.mm, QY_ZERO_SIZE_PTR), 0);
	assert_int_equal(qy_ksize(in.mm, NULL), 0);
	p = qy_krealloc(in.mm, QY_ZERO_SIZE_PTR, 10, QY_GFP_ZERO);
	assert_true(all(p, 10, 0));
	assert_ptr_equal(qy_krealloc(in.mm, p, 0, 0), QY_ZERO_SIZE_PTR);
	if (is_full_build()) { /* realloc to nothing had freed it */
		qy_kfree(in.mm, p);
		take_report(&in, QY_REPORT_DOUBLE_FREE);
	}
	assert_int_equal(qy_kmalloc_size_roundup(in.mm, 0), 0);
	assert_clean(&in);
}

static void kmalloc_aligned_every_alignment(void **state)
{
	(void)state;
	for (int classes = 0; classes < 2; classes++)
		for (size_t d = 0; d < NR_LETTERS; d++) {
			make(1024, letters[d], (enum qy_classes)classes);
			for (size_t align = 1; align <= 16 * PAGE_BYTES; align *= 2)
				for (size_t size = 1; size < 20000; size = size * 3 + 1) {
					unsigned char *p =
						qy_kmalloc_aligned(in.mm, size, align, QY_GFP_ZERO);

					assert_non_null(p);
					assert_int_equal((uintptr_t)p % align, 0);
					assert_true(all(p, size, 0));
					memset(p, 0xff, size);
					qy_kfree(in.mm, hide(p));
				}
			assert_clean(&in);
			instance_destroy(&in);
		}
}

static void ksize_answers_what_may_be_used(void **state)
{
	unsigned char *p;

	(void)state;
	make(512, NULL, QY_CLASSES_KERNEL);
	p = qy_kmalloc(in.mm, 33, 0);
	assert_int_equal(qy_ksize(in.mm, p), 64);
	memset(p, 1, 64);
	p = qy_kmalloc(in.mm, 3 * PAGE_BYTES, 0);
	assert_int_equal(qy_ksize(in.mm, p), 4 * PAGE_BYTES);
	instance_destroy(&in);
	if (!is_full_build())
		return;
	make(512, "slab_debug=ZU", QY_CLASSES_KERNEL); /* tracked */
	assert_int_equal(qy_ksize(in.mm, qy_kmalloc(in.mm, 33, 0)), 33);
	assert_int_equal(qy_ksize(in.mm, qy_kmalloc(in.mm, 3 * PAGE_BYTES, 0)), 3 * PAGE_BYTES);
	instance_destroy(&in);
	make(512, "slab_debug=Z", QY_CLASSES_KERNEL);
	assert_int_equal(qy_ksize(in.mm, qy_kmalloc(in.mm, 33, 0)), 64);
	instance_destroy(&in);
	make(512, "slab_debug=P", QY_CLASSES_KERNEL);
	assert_int_equal(qy_ksize(in.mm, qy_kmalloc(in.mm, 33, 0)), 64);
}

static void size_roundup_is_what_ksize_says(void **state)
{
	(void)state;
	for (int classes = 0; classes < 2; classes++) {
		make(1024, NULL, (enum qy_classes)classes);
		for (size_t size = 1; size < 30000; size = next_size(size)) {
			void *p = qy_kmalloc(in.mm, size, 0);

			assert_int_equal(qy_kmalloc_size_roundup(in.mm, size), qy_ksize(in.mm, p));
			qy_kfree(in.mm, p);
		}
		instance_destroy(&in);
	}
	make(1024, NULL, QY_CLASSES_KERNEL);
	assert_int_equal(qy_kmalloc_size_roundup(in.mm, 95), 96);
	assert_int_equal(qy_kmalloc_size_roundup(in.mm, 96), 96);
	assert_int_equal(qy_kmalloc_size_roundup(in.mm, 97), 128);
	assert_int_equal(qy_kmalloc_size_roundup(in.mm, 193), 256);
	if (PAGE_BYTES == 4096) {
		assert_int_equal(qy_kmalloc_size_roundup(in.mm, 8192), 8192);
		assert_int_equal(qy_kmalloc_size_roundup(in.mm, 8193), 16384);
	}
}

/*
 * kzalloc(18), then krealloc to all of the slot with ZERO: every byte must be 0 (a kernel bug of
 * 2026).
 */
static void krealloc_zero_after_kzalloc_is_all_zero(void **state)
{
	(void)state;
	for (size_t d = 0; d < NR_LETTERS; d++) {
		make(512, letters[d], QY_CLASSES_KERNEL);
		for (int dirt = 0; dirt < 20; dirt++) {
			/* What was there before must not come through. */
			unsigned char *p = qy_kmalloc(in.mm, 32, 0);

			memset(p, 0xff, 32);
			qy_kfree(in.mm, hide(p));
			p = qy_kzalloc(in.mm, 18, 0);
			assert_true(all(p, 18, 0));
			p = qy_krealloc(in.mm, p, 32, QY_GFP_ZERO);
			if (!all(p, 32, 0))
				fail_msg("%s: not zero", letters[d]);
			qy_kfree(in.mm, p);
		}
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* Where the request is tracked: stale bytes do not come back after a shrink. */
static void krealloc_zero_after_a_shrink_clears_what_it_gains(void **state)
{
	unsigned char *p;

	(void)state;
	if (!is_full_build())
		skip();
	for (size_t d = 0; d < NR_LETTERS; d++) {
		if (!letters[d] || !strchr(letters[d], 'U'))
			continue;
		make(512, letters[d], QY_CLASSES_KERNEL);
		p = qy_kmalloc(in.mm, 48, 0);
		memset(p, 0x41, 48);
		p = qy_krealloc(in.mm, p, 40, QY_GFP_ZERO);
		p = qy_krealloc(in.mm, p, 56, QY_GFP_ZERO);
		assert_true(all(p, 40, 0x41));
		assert_true(all(p + 40, 16, 0));
		p = qy_krealloc(in.mm, p, 112, QY_GFP_ZERO);
		assert_true(all(p, 40, 0x41));
		assert_true(all(p + 40, 72, 0));
		qy_kfree(in.mm, p);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void krealloc_in_all_directions_keeps_the_contents(void **state)
{
	(void)state;
	srand(11);
	for (int classes = 0; classes < 2; classes++)
		for (size_t d = 0; d < NR_LETTERS; d++) {
			size_t size = 1, old;
			unsigned char *p;

			make(1024, letters[d], (enum qy_classes)classes);
			p = qy_kmalloc(in.mm, size, 0);
			memset(p, 0, size);
			for (int i = 1; i < 400; i++) {
				old = size;
				size = 1 + (size_t)rand() % (i % 7 ? 600 : 40000);
				p = qy_krealloc(in.mm, p, size, i % 2 ? QY_GFP_ZERO : 0);
				assert_non_null(p);
				if (!all(p, old < size ? old : size, (i - 1) & 0xff))
					fail_msg("%s: %zu to %zu", letters[d], old, size);
				memset(p, i, size);
				hide(p);
				if (i % 50 == 0)
					assert_int_equal(qy_validate(in.mm), 0);
			}
			qy_kfree(in.mm, p);
			assert_clean(&in);
			instance_destroy(&in);
		}
}

/* In place where it fits: the pointer stays, and the red zone follows to the byte. */
static void krealloc_in_place_moves_the_red_zone(void **state)
{
	unsigned char *p;

	(void)state;
	if (!is_full_build())
		skip();
	make(512, "slab_debug=FZPU", QY_CLASSES_KERNEL);
	p = qy_kmalloc(in.mm, 64, 0);
	for (size_t size = 1; size <= 64; size++) {
		assert_ptr_equal(qy_krealloc(in.mm, p, size, 0), p);
		assert_int_equal(qy_ksize(in.mm, p), size);
		p[size] = 0;
		assert_int_equal(qy_validate(in.mm), 1);
		assert_int_equal(take_report(&in, QY_REPORT_OVERFLOW).damage_offset, size);
	}
	/* Damage before a realloc is told by it. */
	p[64] = 1;
	assert_ptr_equal(qy_krealloc(in.mm, p, 20, 0), p);
	take_report(&in, QY_REPORT_OVERFLOW);
	qy_kfree(in.mm, p);
	assert_clean(&in);
}

static void krealloc_failure_keeps_the_old_object(void **state)
{
	static const size_t huge[] = {SIZE_MAX, (size_t)1 << 40, 65 * PAGE_BYTES};
	static void *rest[20000];

	(void)state;
	for (size_t d = 0; d < NR_LETTERS; d++) {
		size_t n = 0;
		unsigned char *p;

		make(128, letters[d], QY_CLASSES_KERNEL);
		p = qy_kmalloc(in.mm, 100, 0);
		memset(p, 5, 100);
		for (size_t i = 0; i < 3; i++)
			assert_null(qy_krealloc(in.mm, p, huge[i], QY_GFP_ZERO));
		while (n < 20000 && (rest[n] = qy_kmalloc(in.mm, 1000, 0)))
			n++;
		assert_true(n < 20000);
		assert_null(qy_krealloc(in.mm, p, 1000, 0));
		assert_true(all(p, 100, 5));
		while (n)
			qy_kfree(in.mm, rest[--n]);
		qy_kfree(in.mm, p);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void freed_objects_are_refused_by_every_call(void **state)
{
	unsigned char *p, *keep;

	(void)state;
	if (!is_full_build())
		skip();
	make(512, "slab_debug=FZPU", QY_CLASSES_KERNEL);
	keep = qy_kmalloc(in.mm, 100, 0);
	p = hide(qy_kmalloc(in.mm, 100, 0));
	qy_kfree(in.mm, p);
	qy_kfree(in.mm, p);
	take_report(&in, QY_REPORT_DOUBLE_FREE);
	assert_int_equal(qy_ksize(in.mm, p), 0);
	take_report(&in, QY_REPORT_BAD_REALLOC);
	for (size_t size = 50; size < 20000; size *= 3) {
		assert_null(qy_krealloc(in.mm, p, size, 0));
		take_report(&in, QY_REPORT_BAD_REALLOC);
	}
	assert_ptr_equal(qy_krealloc(in.mm, p, 0, 0), QY_ZERO_SIZE_PTR);
	take_report(&in, QY_REPORT_DOUBLE_FREE);
	/* Neither do pointers into live ones work. */
	for (int i = 1; i < 100; i += 7) {
		assert_null(qy_krealloc(in.mm, keep + i, 10, 0));
		take_report(&in, QY_REPORT_BAD_REALLOC);
		assert_int_equal(qy_ksize(in.mm, keep + i), 0);
		take_report(&in, QY_REPORT_BAD_REALLOC);
		qy_kfree(in.mm, keep + i);
		take_report(&in, QY_REPORT_INVALID_FREE);
	}
	qy_kfree(in.mm, keep);
	assert_clean(&in);
}

/* In every build: what is no slab object is told, and nothing is freed. */
static void kfree_of_pages_and_foreign_memory_is_refused(void **state)
{
	char local[64], *page, *large;

	(void)state;
	make(512, NULL, QY_CLASSES_KERNEL);
	page = qy_get_free_pages(in.mm, 0, 2);
	large = qy_kmalloc(in.mm, 5 * PAGE_BYTES, 0);
	const void *const bad[] = {
		local,	page,	    page + PAGE_BYTES,	 large + 1,	  large + PAGE_BYTES,
		in.buf, (void *)17, (void *)UINTPTR_MAX, in.buf + in.size};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		qy_kfree(in.mm, bad[i]);
		take_report(&in, QY_REPORT_INVALID_FREE);
		assert_int_equal(qy_ksize(in.mm, bad[i]), 0);
		take_report(&in, QY_REPORT_BAD_REALLOC);
		assert_null(qy_krealloc(in.mm, (void *)bad[i], 10, 0));
		take_report(&in, QY_REPORT_BAD_REALLOC);
	}
	qy_kfree(in.mm, large);
	qy_kfree(in.mm, large);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_int_equal(qy_free_pages_addr(in.mm, page, 2), 0);
	assert_clean(&in);
}

static void overflow_by_one_is_found_for_every_size(void **state)
{
	(void)state;
	if (!is_full_build())
		skip();
	for (int classes = 0; classes < 2; classes++) {
		make(1024, "slab_debug=FZPU", (enum qy_classes)classes);
		for (size_t size = 1; size < 30000; size = next_size(size)) {
			unsigned char *p = hide(qy_kmalloc(in.mm, size, 0));
			struct record r;

			p[size] = 0;
			qy_kfree(in.mm, p);
			r = take_report(&in, QY_REPORT_OVERFLOW);
			assert_ptr_equal(r.object, p);
			assert_int_equal(r.object_size, size);
			assert_int_equal(r.damage_offset, size);
			/* A damaged object is retired: make room. */
			if (size > 4000 || size % 64 == 0) {
				instance_destroy(&in);
				make(1024, "slab_debug=FZPU", (enum qy_classes)classes);
			}
		}
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void family_and_size_mismatch_are_told_once_and_freed(void **state)
{
	struct qy__call get = {.size = 40, .libc = true, .family = QY_FAMILY_MALLOC};
	struct qy__call put = {
		.libc = true, .family = QY_FAMILY_NEW_ARRAY, .sized = true, .size = 1};
	void *p;

	(void)state;
	if (!is_full_build())
		skip();
	make(512, "slab_debug=FZPU", QY_CLASSES_FINE);
	for (int from = 0; from < QY_NR_FAMILIES; from++)
		for (int to = 0; to < QY_NR_FAMILIES; to++) {
			get.family = (enum qy_family)from;
			put = (struct qy__call){.libc = true, .family = (enum qy_family)to};
			p = qy__kmalloc_call(in.mm, &get, 0);
			assert_int_equal(qy__kfree_call(in.mm, p, &put), 0);
			if (from && to && from != to)
				take_report(&in, QY_REPORT_FAMILY_MISMATCH);
			assert_int_equal(in.reports.nr, 0);
		}
	get.family = put.family = QY_FAMILY_NEW;
	put.sized = true;
	for (size_t claimed = 0; claimed < 100; claimed++) {
		put.size = claimed;
		p = qy__kmalloc_call(in.mm, &get, 0);
		assert_int_equal(qy__kfree_call(in.mm, p, &put), 0);
		if (claimed != 40)
			take_report(&in, QY_REPORT_SIZE_MISMATCH);
		assert_int_equal(in.reports.nr, 0);
	}
	/* Both at once: one report. */
	put.family = QY_FAMILY_MALLOC;
	p = qy__kmalloc_call(in.mm, &get, 0);
	qy__kfree_call(in.mm, p, &put);
	take_report(&in, QY_REPORT_FAMILY_MISMATCH);
	/* malloc(0) is an object of no bytes. */
	get.size = 0;
	put = (struct qy__call){.libc = true, .family = QY_FAMILY_NEW};
	p = qy__kmalloc_call(in.mm, &get, 0);
	assert_true(p && p != QY_ZERO_SIZE_PTR);
	assert_int_equal(qy_ksize(in.mm, p), 0);
	*(char *)hide(p) = 1;
	qy__kfree_call(in.mm, p, &put);
	assert_int_equal(take_report(&in, QY_REPORT_OVERFLOW).damage_offset, 0);
	assert_clean(&in);
}

/* Any mixture of calls, every object with its own bytes, the checker now and then. */
static void random_traffic_stays_sound(void **state)
{
	struct {
		unsigned char *p;
		size_t size;
	} o[150];

	(void)state;
	srand(5);
	for (size_t d = 0; d < NR_LETTERS; d++) {
		make(768, letters[d], (enum qy_classes)(d % 2));
		memset(o, 0, sizeof(o));
		for (int step = 0; step < 3000; step++) {
			int i = rand() % 150;
			size_t size = 1 + (size_t)rand() % (rand() % 20 ? 700 : 20000);
			unsigned char *q;

			assert_true(!o[i].p || all(o[i].p, o[i].size, i));
			if (o[i].p && rand() % 3) {
				qy_kfree(in.mm, o[i].p);
				o[i].p = NULL;
				continue;
			}
			q = o[i].p ? qy_krealloc(in.mm, o[i].p, size, 0)
				   : qy_kmalloc(in.mm, size, 0);
			if (!q)
				continue;
			o[i].p = memset(q, i, size);
			o[i].size = size;
			if (step % 250 == 0)
				assert_clean(&in);
		}
		assert_int_equal(qy_validate(in.mm), 0);
		for (int i = 0; i < 150; i++)
			qy_kfree(in.mm, o[i].p);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_teardown(test, tear_down)
		T(kmalloc_every_size_is_usable_and_aligned),
		T(kmalloc_impossible_requests_are_null),
		T(zero_size_pointer_everywhere),
		T(kmalloc_aligned_every_alignment),
		T(ksize_answers_what_may_be_used),
		T(size_roundup_is_what_ksize_says),
		T(krealloc_zero_after_kzalloc_is_all_zero),
		T(krealloc_zero_after_a_shrink_clears_what_it_gains),
		T(krealloc_in_all_directions_keeps_the_contents),
		T(krealloc_in_place_moves_the_red_zone),
		T(krealloc_failure_keeps_the_old_object),
		T(freed_objects_are_refused_by_every_call),
		T(kfree_of_pages_and_foreign_memory_is_refused),
		T(overflow_by_one_is_found_for_every_size),
		T(family_and_size_mismatch_are_told_once_and_freed),
		T(random_traffic_stays_sound),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
