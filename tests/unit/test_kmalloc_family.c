/* SPDX-License-Identifier: MIT */
/*
 * test_kmalloc_family.c - krealloc as malloc's realloc calls it: it gives memory back, below a
 * quarter of the room and not above, and only if it can; what moves goes on as what it was asked
 * for.
 */
#include "request.h"

static const char *const letters[] = {NULL, "slab_debug=Z", "slab_debug=FZPU",
				      "slab_debug=FZPU red_zone=256"};
#define NR_LETTERS (is_full_build() ? sizeof(letters) / sizeof(letters[0]) : 1)

static void make(const char *debug, enum qy_classes classes)
{
	instance_init(&in, 1024);
	in.config.debug = debug;
	in.config.classes = classes;
	instance_create(&in);
}

static void fill(unsigned char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		p[i] = (unsigned char)(i * 7 + i / 256 + 1);
}

static void assert_filled(const unsigned char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != (unsigned char)(i * 7 + i / 256 + 1))
			fail_msg("byte %zu of %zu is lost", i, size);
}

/* From an object of @from bytes that lies where @room are: what stays, and what moves. */
static void check_border(size_t from, size_t room)
{
	const struct {
		enum qy_family family;
		size_t to;
		bool moves;
	} row[] = {
		{QY_FAMILY_MALLOC, room / 2, false},
		{QY_FAMILY_MALLOC, room / 2 - 1, false},
		{QY_FAMILY_MALLOC, room / 4 + 1, false},
		{QY_FAMILY_MALLOC, room / 4, false},
		{QY_FAMILY_MALLOC, room / 4 - 1, true},
		{QY_FAMILY_MALLOC, 1, true},
		{QY_FAMILY_NEW, room / 4 - 1, true},
		{QY_FAMILY_NONE, room / 4 - 1, false},
		{QY_FAMILY_NONE, 1, false},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		unsigned char *p = get_as(row[i].family, from, 0), *q;

		assert_non_null(p);
		fill(p, from);
		q = resize_as(row[i].family, p, row[i].to, 0);
		assert_non_null(q);
		if ((q != p) != row[i].moves)
			fail_msg("family %d: %zu of %zu bytes, room for %zu: %s", row[i].family,
				 row[i].to, from, room, q == p ? "stays" : "moves");
		assert_filled(q, row[i].to);
		put_as(row[i].family, q);
		assert_clean(&in);
	}
}

static void realloc_of_an_object_moves_below_a_quarter(void **state)
{
	(void)state;
	for (size_t d = 0; d < NR_LETTERS; d++)
		for (int classes = 0; classes < 2; classes++) {
			make(letters[d], (enum qy_classes)classes);
			check_border(1024, 1024);
			check_border(1000, 1024);
			check_border(192, 192);
			check_border(2 * PAGE_BYTES, 2 * PAGE_BYTES);
			tear_down(NULL);
		}
}

static void realloc_of_a_block_moves_below_a_quarter(void **state)
{
	static const size_t zones[] = {0, 64 + 64, 64 + 64, 256 + 256};

	(void)state;
	for (size_t d = 0; d < NR_LETTERS; d++) {
		make(letters[d], QY_CLASSES_FINE);
		check_border(3 * PAGE_BYTES, 4 * PAGE_BYTES - zones[d]);
		check_border(6 * PAGE_BYTES + 1, 8 * PAGE_BYTES - zones[d]);
		tear_down(NULL);
	}
}

/* Without memory for a smaller place the old one does: to get less cannot fail. */
static void realloc_to_less_without_memory_stays(void **state)
{
	static struct qy_page *page[1024];
	static void *small[1000];

	(void)state;
	for (size_t d = 0; d < NR_LETTERS; d++) {
		unsigned char *p, *block;
		size_t n = 0, pages = 0;

		make(letters[d], QY_CLASSES_FINE);
		p = get_as(QY_FAMILY_MALLOC, 1024, 0);
		block = get_as(QY_FAMILY_MALLOC, 3 * PAGE_BYTES, 0);
		assert_true(p && block);
		fill(p, 1024);
		fill(block, 3 * PAGE_BYTES);
		while ((page[pages] = qy_alloc_pages(in.mm, QY_GFP_NOWAIT, 0)))
			pages++;
		while (n < 1000 && (small[n] = get_as(QY_FAMILY_MALLOC, 16, 0)))
			n++;
		assert_true(n < 1000);
		assert_ptr_equal(resize_as(QY_FAMILY_MALLOC, p, 10, 0), p);
		assert_filled(p, 10);
		assert_ptr_equal(resize_as(QY_FAMILY_MALLOC, block, 11, 0), block);
		assert_filled(block, 11);
		assert_true(qy_ksize(in.mm, p) >= 10 && qy_ksize(in.mm, block) >= 11);
		/* More is not to be had, and changes nothing. */
		assert_null(resize_as(QY_FAMILY_MALLOC, p, 5000, 0));
		assert_filled(p, 10);
		put_as(QY_FAMILY_MALLOC, p);
		put_as(QY_FAMILY_MALLOC, block);
		while (n)
			put_as(QY_FAMILY_MALLOC, small[--n]);
		while (pages)
			assert_int_equal(qy_free_pages(in.mm, page[--pages], 0), 0);
		assert_clean(&in);
		tear_down(NULL);
	}
}

/* An alignment that the old place has not: the object moves to one that has. */
static void realloc_with_an_alignment_is_aligned(void **state)
{
	(void)state;
	for (size_t d = 0; d < NR_LETTERS; d++) {
		make(letters[d], QY_CLASSES_FINE);
		for (size_t align = 32; align <= PAGE_BYTES; align *= 2)
			for (size_t size = 40; size < 3 * PAGE_BYTES; size *= 5) {
				unsigned char *p = get_as(QY_FAMILY_MALLOC, size, 0), *q, *other;

				/* The first may lie well by chance, two neighbours do not. */
				other = get_as(QY_FAMILY_MALLOC, size, 0);
				assert_true(p && other);
				fill(p, size);
				fill(other, size);
				q = resize_as(QY_FAMILY_MALLOC, p, size, align);
				assert_true(q && (uintptr_t)q % align == 0);
				assert_filled(q, size);
				put_as(QY_FAMILY_MALLOC, q);
				q = resize_as(QY_FAMILY_MALLOC, other, size, align);
				assert_true(q && (uintptr_t)q % align == 0);
				assert_filled(q, size);
				put_as(QY_FAMILY_MALLOC, q);
			}
		assert_clean(&in);
		tear_down(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_teardown(test, tear_down)
		T(realloc_of_an_object_moves_below_a_quarter),
		T(realloc_of_a_block_moves_below_a_quarter),
		T(realloc_to_less_without_memory_stays),
		T(realloc_with_an_alignment_is_aligned),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
