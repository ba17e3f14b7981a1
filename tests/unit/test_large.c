/* SPDX-License-Identifier: MIT */
/*
 * test_large.c - kmalloc blocks above the size classes under debugging: zones to the byte, states,
 * quarantine.
 */
#include "damage.h"
#include "fixture.h"

#include "debug/debug.h"
#include "kmalloc/kmalloc.h"
#include "page/page_alloc.h"

#define BIG (5 * PAGE_BYTES - 480) /* no size class */

static void make(const char *debug)
{
	instance_make(&in, 1024, debug);
}

static unsigned char *get(size_t size)
{
	unsigned char *p = qy_kmalloc(in.mm, size, 0);

	assert_non_null(p);
	assert_int_equal(slab_of_object(in.mm, p)->type, QY__PAGE_LARGE);
	return hide(p);
}

static const size_t sizes[] = {
	2 * PAGE_BYTES + 1,  3 * PAGE_BYTES,	 3 * PAGE_BYTES + 7, 4 * PAGE_BYTES,
	5 * PAGE_BYTES - 64, 5 * PAGE_BYTES + 1, 8 * PAGE_BYTES,     9 * PAGE_BYTES + 13,
};
#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void large_every_byte_is_the_users(void **state)
{
	static const char *const debug[] = {NULL,
					    "slab_debug=F",
					    "slab_debug=Z",
					    "slab_debug=P",
					    "slab_debug=U",
					    "slab_debug=FZPU",
					    "slab_debug=FZPU red_zone=512"};

	(void)state;
	for (size_t d = 0; d < 7; d++) {
		make(debug[d]);
		for (size_t i = 0; i < NR_SIZES; i++) {
			unsigned char *p = get(sizes[i]);

			assert_int_equal((uintptr_t)p % 16, 0);
			if (!(sizes[i] & (sizes[i] - 1)))
				assert_int_equal((uintptr_t)p % sizes[i], 0);
			memset(p, 0xff, sizes[i]);
			if (d)
				assert_int_equal(qy_ksize(in.mm, p), sizes[i]);
			else
				assert_true(qy_ksize(in.mm, p) >= sizes[i]);
			assert_int_equal(qy_validate(in.mm), 0);
			qy_kfree(in.mm, p);
			p = qy_kzalloc(in.mm, sizes[i], 0);
			for (size_t b = 0; b < sizes[i]; b++)
				assert_int_equal(p[b], 0);
			qy_kfree(in.mm, p);
		}
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void large_overflow_and_underwrite_are_exact(void **state)
{
	static const long off[] = {0, 1, 7, 31, 63, -1, -2, -16, -64};

	(void)state;
	make("slab_debug=FZPU");
	for (size_t i = 0; i < NR_SIZES; i++)
		for (size_t o = 0; o < 9; o++) {
			unsigned char *p = get(sizes[i]);
			long at = off[o] < 0 ? off[o] : (long)sizes[i] + off[o];
			struct record r;

			p[at] = 0;
			qy_kfree(in.mm, p);
			r = take_report(&in,
					off[o] < 0 ? QY_REPORT_UNDERWRITE : QY_REPORT_OVERFLOW);
			assert_string_equal(r.cache, "kmalloc-large");
			assert_ptr_equal(r.object, p);
			assert_int_equal(r.object_size, sizes[i]);
			assert_int_equal(r.damage_offset, at);
			assert_int_equal(r.damage_len, 1);
			assert_int_equal(r.expected, QY_RED_ACTIVE);
			assert_int_equal(r.found, 0);
			assert_true(r.alloc_frames > 0);
			assert_int_equal(qy_validate(in.mm), 0);
			instance_destroy(&in);
			make("slab_debug=FZPU");
		}
}

/* Damaged: freed, but the block is never used again. */
static void large_damaged_block_is_retired(void **state)
{
	unsigned char *p;
	struct qy_page *head, *page;

	(void)state;
	make("slab_debug=FZPU");
	p = get(5 * PAGE_BYTES);
	head = slab_of_object(in.mm, p);
	p[5 * PAGE_BYTES] = 1;
	qy_kfree(in.mm, p);
	take_report(&in, QY_REPORT_OVERFLOW);
	qy_kfree(in.mm, p);
	take_report(&in, QY_REPORT_DOUBLE_FREE);
	while ((page = qy_alloc_pages(in.mm, 0, 0)))
		assert_false(page >= head && page < head + 8);
	assert_clean(&in);
}

static void large_double_free_is_found_while_it_waits_and_after(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU quarantine=1M");
	p = get(5 * PAGE_BYTES);
	qy_kfree(in.mm, p);
	for (int i = 0; i < 3; i++) {
		qy_kfree(in.mm, p);
		take_report(&in, QY_REPORT_DOUBLE_FREE);
		assert_null(qy_krealloc(in.mm, p, 6 * PAGE_BYTES, 0));
		take_report(&in, QY_REPORT_BAD_REALLOC);
		assert_int_equal(qy_ksize(in.mm, p), 0);
		take_report(&in, QY_REPORT_BAD_REALLOC);
	}
	qy__quarantine_reduce(in.mm, 0);
	qy_kfree(in.mm, p);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_null(qy_krealloc(in.mm, p, 6 * PAGE_BYTES, 0));
	take_report(&in, QY_REPORT_BAD_REALLOC);
	assert_clean(&in);
}

static void large_write_after_free_is_one_finding(void **state)
{
	static const struct {
		size_t from, len;
	} row[] = {{0, 1},
		   {100, 50},
		   {5 * PAGE_BYTES - 1, 1},
		   {5 * PAGE_BYTES - 10, 10},
		   {0, 5 * PAGE_BYTES}};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		unsigned char *p;
		struct record r;

		make("slab_debug=FZPU quarantine=1M");
		p = get(5 * PAGE_BYTES);
		qy_kfree(in.mm, p);
		memset(p + row[i].from, 0x41, row[i].len);
		qy__quarantine_reduce(in.mm, 0);
		r = take_report(&in, QY_REPORT_USE_AFTER_FREE);
		assert_int_equal(r.damage_offset, row[i].from);
		assert_int_equal(r.damage_len, row[i].len);
		assert_true(r.alloc_frames && r.free_frames);
		/* Given up, repaired. */
		assert_int_equal(qy_validate(in.mm), 0);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void large_interior_and_outer_pointers_are_refused(void **state)
{
	static const long off[] = {
		1, 16, (long)PAGE_BYTES, 5 * (long)PAGE_BYTES - 1, 5 * (long)PAGE_BYTES, -1, -16,
	};

	(void)state;
	for (int debug = 0; debug < 2; debug++) {
		unsigned char *p;

		make(debug ? "slab_debug=FZPU" : NULL);
		do /* not behind a slab: without debugging its pointers are trusted */
			p = get(5 * PAGE_BYTES);
		while (slab_of_object(in.mm, p - 1)->type == QY__PAGE_SLAB);
		for (size_t i = 0; i < 7; i++) {
			struct record r;

			qy_kfree(in.mm, p + off[i]);
			r = take_report(&in, QY_REPORT_INVALID_FREE);
			if (debug) {
				assert_ptr_equal(r.object, p);
				assert_int_equal(r.damage_offset, off[i]);
			}
			if (i < 4 || debug) {
				assert_int_equal(qy_ksize(in.mm, p + off[i]), 0);
				take_report(&in, QY_REPORT_BAD_REALLOC);
				assert_null(qy_krealloc(in.mm, p + off[i], 100, 0));
				take_report(&in, QY_REPORT_BAD_REALLOC);
			}
		}
		qy_kfree(in.mm, p);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void large_resize_in_place_moves_the_zone(void **state)
{
	unsigned char *p;
	size_t old = BIG;

	(void)state;
	make("slab_debug=FZPU");
	p = get(old);
	memset(p, 1, old);
	for (int i = 1; i < 200; i++) {
		size_t size = 2 * PAGE_BYTES + 800 + (size_t)i * 7919 % (4 * PAGE_BYTES);
		unsigned char *q = qy_krealloc(in.mm, p, size, i % 2 ? QY_GFP_ZERO : 0);

		assert_non_null(q);
		for (size_t b = 0; b < size; b++) {
			if (b < old)
				assert_int_equal(q[b], i & 0xff);
			else if (i % 2)
				assert_int_equal(q[b], 0);
		}
		assert_int_equal(qy_ksize(in.mm, q), size);
		memset(q, i + 1, size);
		assert_int_equal(qy_validate(in.mm), 0);
		p = q;
		old = size;
	}
	/* A byte over the new end is one over. */
	p[old] = 1;
	qy_kfree(in.mm, p);
	assert_int_equal(take_report(&in, QY_REPORT_OVERFLOW).damage_offset, old);
	assert_clean(&in);
}

static void large_resize_finds_earlier_damage(void **state)
{
	unsigned char *p, *q;

	(void)state;
	make("slab_debug=FZPU");
	p = get(BIG);
	p[BIG] = 1;
	q = qy_krealloc(in.mm, p, BIG + 100, 0);
	take_report(&in, QY_REPORT_OVERFLOW);
	assert_non_null(q);
	qy_kfree(in.mm, q);
	assert_clean(&in);
}

static void large_failing_grow_keeps_the_old_block(void **state)
{
	static const size_t huge[] = {SIZE_MAX, SIZE_MAX - 100, (size_t)1 << 40, 65 * PAGE_BYTES};
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU");
	p = get(BIG);
	memset(p, 7, BIG);
	for (size_t i = 0; i < 4; i++) {
		assert_null(qy_kmalloc(in.mm, huge[i], 0));
		assert_null(qy_krealloc(in.mm, p, huge[i], 0));
		for (size_t b = 0; b < BIG; b += 77)
			assert_int_equal(p[b], 7);
	}
	qy_kfree(in.mm, p);
	assert_clean(&in);
}

/* malloc / delete, sized delete: told once, and freed all the same. */
static void large_mismatch_is_reported_and_freed(void **state)
{
	struct qy__call req = {.size = BIG, .libc = true, .family = QY_FAMILY_MALLOC};
	struct qy__call del = {.libc = true, .family = QY_FAMILY_NEW};
	struct qy__call sized = {
		.libc = true, .family = QY_FAMILY_NEW, .size = BIG - 1, .sized = true};
	size_t free_pages;
	void *p;

	(void)state;
	make("slab_debug=FZPU");
	qy_kfree(in.mm, get(BIG));
	free_pages = qy__nr_free_pages(in.mm);
	p = qy__kmalloc_call(in.mm, &req, 0);
	assert_int_equal(qy__kfree_call(in.mm, p, &del), 0);
	take_report(&in, QY_REPORT_FAMILY_MISMATCH);
	req.family = QY_FAMILY_NEW;
	p = qy__kmalloc_call(in.mm, &req, 0);
	assert_int_equal(qy__kfree_call(in.mm, p, &sized), 0);
	take_report(&in, QY_REPORT_SIZE_MISMATCH);
	sized.size = BIG;
	p = qy__kmalloc_call(in.mm, &req, 0);
	assert_int_equal(qy__kfree_call(in.mm, p, &sized), 0);
	assert_true(qy__nr_free_pages(in.mm) + 1 >= free_pages); /* a depot page */
	assert_clean(&in);
}

static void large_aligned_keeps_alignment_and_zones(void **state)
{
	(void)state;
	make("slab_debug=FZPU");
	for (size_t align = 16; align <= 16 * PAGE_BYTES; align *= 2) {
		unsigned char *p = qy_kmalloc_aligned(in.mm, (2 * PAGE_BYTES + 809), align, 0);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % align, 0);
		memset(p, 1, (2 * PAGE_BYTES + 809));
		assert_int_equal(qy_validate(in.mm), 0);
		p[-1] = 0;
		qy_kfree(in.mm, p);
		assert_int_equal(take_report(&in, QY_REPORT_UNDERWRITE).damage_offset, -1);
	}
	assert_null(qy_kmalloc_aligned(in.mm, (2 * PAGE_BYTES + 809), (size_t)1 << 40, 0));
	assert_null(qy_kmalloc_aligned(in.mm, (2 * PAGE_BYTES + 809), (size_t)1 << 63, 0));
	assert_null(qy_kmalloc_aligned(in.mm, (2 * PAGE_BYTES + 809), 48, 0));
	assert_null(qy_kmalloc_aligned(in.mm, (2 * PAGE_BYTES + 809), 0, 0));
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_teardown(test, tear_down)
		T(large_every_byte_is_the_users),
		T(large_overflow_and_underwrite_are_exact),
		T(large_damaged_block_is_retired),
		T(large_double_free_is_found_while_it_waits_and_after),
		T(large_write_after_free_is_one_finding),
		T(large_interior_and_outer_pointers_are_refused),
		T(large_resize_in_place_moves_the_zone),
		T(large_resize_finds_earlier_damage),
		T(large_failing_grow_keeps_the_old_block),
		T(large_mismatch_is_reported_and_freed),
		T(large_aligned_keeps_alignment_and_zones),
#undef T
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
