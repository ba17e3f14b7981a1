/* SPDX-License-Identifier: MIT */
/*
 * test_debug_family.c - what debugging remembers of a request, for objects and blocks alike: its
 * family and alignment, compared when it is given back; and that a resized object is realloc's from
 * then on, with its family, its alignment and its stack.
 */
#include "request.h"

#define SMALL ((size_t)100)
#define BIG (2 * PAGE_BYTES + 808)

static const size_t sizes[] = {SMALL, BIG};

static uintptr_t alloc_pc[QY_STACK_MAX];
static unsigned int alloc_nr;

static void keep_stack(const struct qy_report *r, void *ctx)
{
	record_report(r, ctx);
	alloc_nr = r->alloc.nr;
	if (r->alloc.nr)
		memcpy(alloc_pc, r->alloc.pc, alloc_nr * sizeof(alloc_pc[0]));
}

static void make(const char *debug)
{
	instance_init(&in, 1024);
	in.config.debug = debug;
	in.config.classes = QY_CLASSES_FINE;
	in.config.sink.fn = keep_stack;
	instance_create(&in);
}

/* ---- alignment ---- */

enum { NOT_SAID = -1 };

static const struct {
	enum qy_family from, to;
	size_t asked;
	int claimed;	   /* NOT_SAID: a plain free or delete */
	const char *title; /* NULL: nothing is wrong */
} claim[] = {
	/* Up to malloc's own alignment there is no difference. */
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 0, NOT_SAID, NULL},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 8, NOT_SAID, NULL},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 16, NOT_SAID, NULL},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 0, 16, NULL},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 16, 8, NULL},
	/* Beyond, both must say the same. */
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 32, NOT_SAID, "Freed with alignment 0, allocated with 32"},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 64, NOT_SAID, "Freed with alignment 0, allocated with 64"},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 32, 32, NULL},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 4096, 4096, NULL},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 64, 32, "Freed with alignment 32, allocated with 64"},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 32, 64, "Freed with alignment 64, allocated with 32"},
	{QY_FAMILY_NEW, QY_FAMILY_NEW, 0, 32, "Freed with alignment 32, allocated with 0"},
	{QY_FAMILY_NEW_ARRAY, QY_FAMILY_NEW_ARRAY, 64, NOT_SAID,
	 "Freed with alignment 0, allocated with 64"},
	{QY_FAMILY_NEW_ARRAY, QY_FAMILY_NEW_ARRAY, 64, 64, NULL},
	/* free() takes what any of its family gave; free_aligned_sized() says an alignment. */
	{QY_FAMILY_MALLOC, QY_FAMILY_MALLOC, 64, NOT_SAID, NULL},
	{QY_FAMILY_MALLOC, QY_FAMILY_MALLOC, 64, 64, NULL},
	{QY_FAMILY_MALLOC, QY_FAMILY_MALLOC, 64, 128,
	 "Freed with alignment 128, allocated with 64"},
	/* The kernel's calls are never compared. */
	{QY_FAMILY_NONE, QY_FAMILY_NEW, 64, NOT_SAID, NULL},
	{QY_FAMILY_NONE, QY_FAMILY_NEW_ARRAY, 64, NOT_SAID, NULL},
	{QY_FAMILY_NEW, QY_FAMILY_NONE, 64, NOT_SAID, NULL},
	/* What comes from another family need not be right in alignment: one report. */
	{QY_FAMILY_MALLOC, QY_FAMILY_NEW, 64, NOT_SAID,
	 "Allocated by the family of malloc, given to that of operator new"},
};

static void alignment_is_compared_when_it_is_given_back(void **state)
{
	(void)state;
	make("slab_debug=FZPU");
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < sizeof(claim) / sizeof(claim[0]); i++) {
			unsigned char *p = get_as(claim[i].from, sizes[s], claim[i].asked);
			bool said = claim[i].claimed != NOT_SAID;

			assert_non_null(p);
			put_aligned_as(claim[i].to, p, said ? (size_t)claim[i].claimed : 0, said);
			if (!claim[i].title && in.reports.nr)
				fail_msg("row %zu: %s", i, in.reports.at[0].title);
			if (!claim[i].title)
				continue;
			if (in.reports.nr != 1)
				fail_msg("row %zu: %u reports", i, in.reports.nr);
			assert_string_equal(in.reports.at[0].title, claim[i].title);
			in.reports.nr = 0;
		}
	assert_clean(&in);
}

/* An alignment that is there but not said is none. */
static void alignment_that_is_not_said_is_none(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU");
	p = get_as(QY_FAMILY_NEW, SMALL, 64);
	put_aligned_as(QY_FAMILY_NEW, p, 64, false);
	assert_string_equal(take_report(&in, QY_REPORT_SIZE_MISMATCH).title,
			    "Freed with alignment 0, allocated with 64");
	assert_clean(&in);
}

/* ---- resized ---- */

/* Where it is, or somewhere else. */
static size_t new_size(size_t size, bool moves)
{
	return moves ? size * 3 : size - 2;
}

/* new, realloc, free: told once, by realloc; new, realloc, delete: told by both. */
static void resized_object_has_the_family_of_realloc(void **state)
{
	(void)state;
	make("slab_debug=FZPU");
	for (size_t s = 0; s < 2; s++)
		for (int way = 0; way < 4; way++) {
			unsigned char *p = get_as(QY_FAMILY_NEW, sizes[s], 0), *q;
			bool moves = way % 2;

			q = resize_as(QY_FAMILY_MALLOC, p, new_size(sizes[s], moves), 0);
			assert_true(q && (q != p) == moves);
			assert_string_equal(
				take_report(&in, QY_REPORT_FAMILY_MISMATCH).title,
				"Allocated by the family of operator new, given to that of malloc");
			if (way < 2) {
				put_as(QY_FAMILY_MALLOC, q);
			} else {
				put_as(QY_FAMILY_NEW, q);
				assert_string_equal(
					take_report(&in, QY_REPORT_FAMILY_MISMATCH).title,
					"Allocated by the family of malloc, given to that of "
					"operator new");
			}
			assert_clean(&in);
		}
}

/* malloc, realloc, free: nothing is told; the kernel's krealloc takes anything. */
static void resized_object_of_one_family_is_no_mismatch(void **state)
{
	(void)state;
	make("slab_debug=FZPU");
	for (size_t s = 0; s < 2; s++)
		for (int moves = 0; moves < 2; moves++)
			for (int f = 0; f < QY_NR_FAMILIES; f++) {
				enum qy_family family = (enum qy_family)f;
				unsigned char *p = get_as(family, sizes[s], 0);

				p = resize_as(family, p, new_size(sizes[s], moves), 0);
				put_as(family, p);
				p = get_as(family, sizes[s], 0);
				p = hide(qy_krealloc(in.mm, p, new_size(sizes[s], moves), 0));
				put_as(QY_FAMILY_NEW, p); /* nobody's any more */
				assert_clean(&in);
			}
}

/* The alignment it was born with is forgotten, as if it had moved. */
static void resized_object_has_the_usual_alignment(void **state)
{
	(void)state;
	make("slab_debug=FZPU");
	for (size_t s = 0; s < 2; s++)
		for (int moves = 0; moves < 2; moves++) {
			unsigned char *p = get_as(QY_FAMILY_MALLOC, sizes[s], 64);

			p = resize_as(QY_FAMILY_MALLOC, p, new_size(sizes[s], moves), 0);
			put_aligned_as(QY_FAMILY_MALLOC, p, 16, true);
			assert_clean(&in);
			p = get_as(QY_FAMILY_MALLOC, sizes[s], 64);
			p = resize_as(QY_FAMILY_MALLOC, p, new_size(sizes[s], moves), 0);
			put_aligned_as(QY_FAMILY_MALLOC, p, 64, true);
			assert_string_equal(take_report(&in, QY_REPORT_SIZE_MISMATCH).title,
					    "Freed with alignment 64, allocated with 0");
			assert_clean(&in);
		}
}

/* What lies in 512 bytes from its start is this function, if the next one has its own, too. */
#define OWN_BLOCK __attribute__((noinline, aligned(512)))

static OWN_BLOCK unsigned char *alloc_here(size_t size)
{
	return hide(qy_kmalloc(in.mm, size, QY_GFP_KERNEL));
}

static OWN_BLOCK unsigned char *resize_here(unsigned char *p, size_t size)
{
	return hide(qy_krealloc(in.mm, p, size, QY_GFP_KERNEL));
}

static OWN_BLOCK bool is_allocated_in(uintptr_t fn)
{
	for (unsigned int i = 0; i < alloc_nr; i++)
		if (alloc_pc[i] > fn && alloc_pc[i] < fn + 512)
			return true;
	return false;
}

/* A report shows who resized it last: that is who knows how large it is. */
static void resized_object_has_the_stack_of_realloc(void **state)
{
	(void)state;
	make("slab_debug=FZPU");
	for (size_t s = 0; s < 2; s++)
		for (int way = 0; way < 3; way++) {
			size_t size = way ? new_size(sizes[s], way == 2) : sizes[s];
			unsigned char *p = alloc_here(sizes[s]);

			if (way)
				p = resize_here(p, size);
			assert_non_null(p);
			p[size] = 0;
			qy_kfree(in.mm, p);
			take_report(&in, QY_REPORT_OVERFLOW);
			assert_int_equal(is_allocated_in((uintptr_t)alloc_here), !way);
			assert_int_equal(is_allocated_in((uintptr_t)resize_here), way != 0);
		}
	assert_clean(&in);
}

/* realloc() to nothing: what is malloc's stays an object, of no bytes. */
static void object_resized_to_nothing_is_one_of_no_bytes(void **state)
{
	(void)state;
	make("slab_debug=FZPU");
	for (size_t s = 0; s < 2; s++) {
		unsigned char *p = get_as(QY_FAMILY_MALLOC, sizes[s], 0);

		p = resize_as(QY_FAMILY_MALLOC, p, 0, 0);
		assert_true(p && (void *)p != QY_ZERO_SIZE_PTR);
		assert_int_equal(qy_ksize(in.mm, p), 0);
		put_as(QY_FAMILY_MALLOC, p);
		assert_clean(&in);
	}
}

/* Of an object whose own cache has no debugging there is the place to be told, and no more. */
static void plain_object_given_to_a_debug_cache_is_named(void **state)
{
	struct qy_cache *debug, *plain;
	struct record r;
	char *p;

	(void)state;
	make("slab_debug=FZPU,debug");
	debug = qy_cache_create(in.mm, "debug", SMALL, 0, 0, NULL);
	plain = qy_cache_create(in.mm, "plain", SMALL, 0, 0, NULL);
	p = hide(qy_cache_alloc(plain, QY_GFP_KERNEL));
	assert_int_not_equal(qy_cache_free(debug, p), 0);
	r = take_report(&in, QY_REPORT_WRONG_CACHE);
	assert_ptr_equal(r.object, p);
	assert_string_equal(r.cache, "debug");
	assert_non_null(strstr(r.title, "belongs to different cache plain"));
	assert_int_equal(r.object_size, 0);
	assert_int_equal(r.alloc_frames, 0);
	assert_int_equal(qy_cache_free(plain, p), 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_teardown(test, tear_down)
		T(alignment_is_compared_when_it_is_given_back),
		T(alignment_that_is_not_said_is_none),
		T(resized_object_has_the_family_of_realloc),
		T(resized_object_of_one_family_is_no_mismatch),
		T(resized_object_has_the_usual_alignment),
		T(resized_object_has_the_stack_of_realloc),
		T(object_resized_to_nothing_is_one_of_no_bytes),
		T(plain_object_given_to_a_debug_cache_is_named),
#undef T
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (!is_full_build())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
