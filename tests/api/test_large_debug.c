/* SPDX-License-Identifier: MIT */
/*
 * test_large_debug.c - kmalloc blocks above the size classes, by public calls alone: what they hold
 * when they are new or have grown, how far they grow where they are, and that the red zone behind
 * them keeps its width.
 */
#include "instance.h"

static struct instance in;

#define BIG (2 * PAGE_BYTES + 808)

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

static void make(const char *debug)
{
	instance_make(&in, 1024, debug);
}

static unsigned char *get(size_t size)
{
	unsigned char *p = qy_kmalloc(in.mm, size, QY_GFP_KERNEL);

	assert_non_null(p);
	return hide(p);
}

static void assert_bytes(const unsigned char *p, size_t from, size_t to, int value)
{
	for (size_t i = from; i < to; i++)
		if (p[i] != value)
			fail_msg("byte %zu is 0x%02x, not 0x%02x", i, p[i], value);
}

/* What was not written reads as what nobody takes for data. */
static void new_block_is_poisoned(void **state)
{
	static const char *const debug[] = {"slab_debug=P", "slab_debug=ZP", "slab_debug=FZPU"};

	(void)state;
	for (int d = 0; d < 3; d++) {
		unsigned char *p;

		make(debug[d]);
		/* The block was another's before, and is not kept from use. */
		p = get(BIG);
		memset(p, 0x11, BIG);
		qy_kfree(in.mm, p);
		p = get(BIG);
		assert_bytes(p, 0, BIG - 1, 0x6b);
		assert_bytes(p, BIG - 1, BIG, 0xa5);
		qy_kfree(in.mm, p);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* The old contents stay; what is gained is poison, wherever the block ends then. */
static void grown_block_is_poisoned_behind_its_old_end(void **state)
{
	static const char *const debug[] = {"slab_debug=P", "slab_debug=ZP", "slab_debug=FZPU"};
	static const size_t more[] = {1, 2, 63, 64, 65, 500, 1000};

	(void)state;
	for (int d = 0; d < 3; d++) {
		size_t size = BIG;
		unsigned char *p;

		make(debug[d]);
		p = get(size);
		memset(p, 0x11, size);
		for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
			size_t old = size;

			size += more[i];
			assert_ptr_equal(qy_krealloc(in.mm, p, size, QY_GFP_KERNEL), p);
			assert_bytes(p, 0, old, 0x11);
			assert_bytes(p, old, size - 1, 0x6b);
			assert_bytes(p, size - 1, size, 0xa5);
			assert_clean(&in);
			memset(p, 0x11, size);
		}
		/* What was given up and taken again is not what it was. */
		assert_ptr_equal(qy_krealloc(in.mm, p, BIG, QY_GFP_KERNEL), p);
		assert_ptr_equal(qy_krealloc(in.mm, p, BIG + 300, QY_GFP_KERNEL), p);
		assert_bytes(p, 0, BIG, 0x11);
		assert_bytes(p, BIG, BIG + 299, 0x6b);
		assert_bytes(p, BIG + 299, BIG + 300, 0xa5);
		qy_kfree(in.mm, p);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

struct width {
	const char *debug;
	size_t left, right;
};

static const struct width widths[] = {
	{"slab_debug=FZPU red_zone=8", 64, 64},	    {"slab_debug=FZPU red_zone=64", 64, 64},
	{"slab_debug=FZPU red_zone=65", 80, 65},    {"slab_debug=FZPU red_zone=100", 112, 100},
	{"slab_debug=FZPU red_zone=256", 256, 256}, {"slab_debug=FZPU red_zone=1000", 1008, 1000},
};
#define NR_WIDTHS (sizeof(widths) / sizeof(widths[0]))

/* A block of four pages: so much is left of it between its zones. */
static size_t most(const struct width *w)
{
	return 4 * PAGE_BYTES - w->left - w->right;
}

/* The byte @off behind the end is still red zone. */
static void assert_watched(unsigned char *p, size_t size, size_t off)
{
	struct record r;

	p[size + off] = 0x41;
	assert_int_equal(qy_validate(in.mm), 1);
	r = take_report(&in, QY_REPORT_OVERFLOW);
	assert_ptr_equal(r.object, p);
	assert_int_equal(r.object_size, size);
	assert_int_equal(r.damage_offset, size + off);
}

static void block_grows_in_place_as_far_as_both_zones_stay(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_WIDTHS; i++) {
		size_t end = most(&widths[i]);
		unsigned char *p, *q;

		make(widths[i].debug);
		p = get(BIG);
		assert_int_equal((uintptr_t)p % PAGE_BYTES, widths[i].left % PAGE_BYTES);
		assert_ptr_equal(qy_krealloc(in.mm, p, end, QY_GFP_KERNEL), p);
		assert_watched(p, end, 0);
		assert_watched(p, end, widths[i].right - 1);
		q = hide(qy_krealloc(in.mm, p, end + 1, QY_GFP_KERNEL));
		assert_non_null(q);
		if (q == p)
			fail_msg("%s: %zu bytes are too many", widths[i].debug, end + 1);
		assert_watched(q, end + 1, 0);
		assert_watched(q, end + 1, widths[i].right - 1);
		qy_kfree(in.mm, q);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* A new block of as many bytes is as wide. */
static void new_block_has_room_for_both_zones(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_WIDTHS; i++) {
		make(widths[i].debug);
		for (size_t size = most(&widths[i]) - 2; size < most(&widths[i]) + 3; size++) {
			unsigned char *p = get(size);

			assert_watched(p, size, 0);
			assert_watched(p, size, widths[i].right - 1);
			p[-(long)widths[i].left] = 0;
			assert_int_equal(qy_validate(in.mm), 1);
			take_report(&in, QY_REPORT_UNDERWRITE);
			qy_kfree(in.mm, p);
			assert_clean(&in);
		}
		instance_destroy(&in);
	}
}

/* What a report shows beside the object is what lies beside it. */
static const unsigned char *shown_left, *shown_right;
static size_t left_len, right_len;

static void keep_dumps(const struct qy_report *r, void *ctx)
{
	record_report(r, ctx);
	shown_left = r->left;
	shown_right = r->right;
	left_len = r->left_len;
	right_len = r->right_len;
}

static void report_shows_the_bytes_beside_the_block(void **state)
{
	unsigned char *p;

	(void)state;
	instance_init(&in, 1024);
	in.config.debug = "slab_debug=FZPU";
	in.config.sink.fn = keep_dumps;
	instance_create(&in);
	p = get(BIG);
	p[BIG] = 0;
	qy_kfree(in.mm, p);
	take_report(&in, QY_REPORT_OVERFLOW);
	assert_true(left_len > 0 && right_len > 0);
	assert_ptr_equal(shown_left + left_len, p);
	assert_ptr_equal(shown_right, p + BIG);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
		T(new_block_is_poisoned),
		T(grown_block_is_poisoned_behind_its_old_end),
		T(block_grows_in_place_as_far_as_both_zones_stay),
		T(new_block_has_room_for_both_zones),
		T(report_shows_the_bytes_beside_the_block),
#undef T
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
