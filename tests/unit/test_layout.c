/* SPDX-License-Identifier: MIT */
/*
 * test_layout.c - where everything in a slot is: the kernel's figures to the byte, and a sweep over
 * sizes, alignments and flags in which no two regions may touch.
 */
#include "instance.h"

#include <errno.h>

#include "debug/debug.h"
#include "util/align.h"

#define Z QY_SLAB_RED_ZONE
#define P QY_SLAB_POISON
#define U QY_SLAB_STORE_USER
#define F QY_SLAB_CONSISTENCY_CHECKS
#define K QY_SLAB_KMALLOC

static void layout_table_of_the_kernel_matches(void **state)
{
	static const struct {
		size_t size;
		qy_slab_flags_t flags;
		uint32_t slot, offset, inuse, left;
	} row[] = {
		{100, 0, 104, 48, 104, 0},
		{100, Z, 120, 48, 104, 8},
		{100, P, 112, 104, 104, 0},
		{100, Z | P, 128, 104, 104, 8},
		{100, Z | P | U, 192, 104, 104, 8},
		{96, Z, 120, 48, 104, 8},
		{4, Z, 32, 8, 8, 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct qy__layout l;

		assert_int_equal(qy__layout_object(&l, row[i].size, 8, row[i].flags, false, 8), 0);
		assert_int_equal(l.slot, row[i].slot);
		assert_int_equal(l.offset, row[i].offset);
		assert_int_equal(l.inuse, row[i].inuse);
		assert_int_equal(l.red_left_pad, row[i].left);
	}
}

/* Nothing but the object: a slot is the object, rounded to a word, and the pointer is inside. */
static void layout_plain_small_object_takes_one_word(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 8; size++) {
		struct qy__layout l;

		assert_int_equal(qy__layout_object(&l, size, 8, 0, false, 8), 0);
		assert_int_equal(l.slot, 8);
		assert_int_equal(l.inuse, 8);
		assert_int_equal(l.offset, 0);
	}
}

/*
 * The steps of the kernel, written once more and differently: only the end of the slot is compared.
 */
static uint32_t slot_by_the_book(size_t object_size, size_t align, qy_slab_flags_t f, bool ctor)
{
	size_t at = (object_size + 7) / 8 * 8;
	bool tracked = (f & U) && (f & K);

	if ((f & Z) && at == object_size)
		at += 8;
	if ((f & P) || ctor || ((f & Z) && (object_size < 8 || tracked)))
		at += 8;
	at += f & U ? 64 : 0;
	at += tracked ? 8 : 0;
	at += f & Z ? 8 + (8 + align - 1) / align * align : 0;
	return (uint32_t)((at + align - 1) / align * align);
}

struct region {
	const char *name;
	long from, to;
};

/* All regions of a slot lie in it, and no two have a byte in common. */
static void check_regions(const struct qy__layout *l, qy_slab_flags_t f)
{
	bool apart = l->record != 0, inside = !apart && l->offset < l->inuse;
	const struct region r[] = {
		{"left", -(long)l->red_left_pad, 0},
		{"object", 0, l->object_size},
		{"right", l->object_size, l->inuse},
		{"pointer", inside || apart ? 0 : l->offset, inside || apart ? 0 : l->offset + 8},
		{"tracks", apart ? 0 : l->track, l->track && !apart ? l->track + 64 : 0},
		{"request", apart ? 0 : l->orig_size,
		 l->orig_size && !apart ? l->orig_size + 8 : 0},
		{"padding", l->meta_end, (long)l->slot - l->red_left_pad},
	};
	const size_t nr = sizeof(r) / sizeof(r[0]);

	for (size_t i = 0; i < nr; i++) {
		assert_true(r[i].from <= r[i].to);
		assert_true(r[i].from >= -(long)l->red_left_pad);
		assert_true(r[i].to <= (long)l->slot - l->red_left_pad);
		for (size_t j = i + 1; j < nr; j++) {
			if (r[i].from == r[i].to || r[j].from == r[j].to)
				continue;
			if (r[i].from < r[j].to && r[j].from < r[i].to)
				fail_msg("size %u flags %x: %s and %s overlap", l->object_size, f,
					 r[i].name, r[j].name);
		}
	}
	/* Inside means inside the object's own bytes, where no red zone is. */
	if (inside && (f & Z))
		assert_true(l->offset + 8 <= l->object_size);
}

static void check_one(size_t size, size_t align, qy_slab_flags_t f, bool ctor, unsigned int red)
{
	struct qy__layout l;

	assert_int_equal(qy__layout_object(&l, size, align, f, ctor, red), 0);
	assert_int_equal(l.object_size, size);
	assert_int_equal(l.align, align);
	assert_int_equal(l.slot % align, 0);
	assert_int_equal(l.red_left_pad % align, 0);
	assert_int_equal(l.offset % 8, 0);
	assert_int_equal(l.track % 8, 0);
	assert_int_equal(l.orig_size % 8, 0);
	assert_true(l.offset + 8 <= (l.record ? l.record : l.slot));
	assert_int_equal(l.record != 0, (f & Z) && red > 8);
	assert_int_equal(l.track != 0, (f & U) != 0);
	assert_int_equal(l.orig_size != 0, (f & U) && (f & K));
	if (f & Z) {
		assert_true(l.inuse - size >= (red > 8 ? red : 1));
		assert_true(l.red_left_pad >= red);
	} else {
		assert_int_equal(l.red_left_pad, 0);
		assert_int_equal(l.inuse, (size + 7) / 8 * 8);
	}
	/* Poison and constructed objects keep their bytes while they are free. */
	if ((f & P) || ctor)
		assert_true(l.record || l.offset >= l.inuse);
	if (red == 8)
		assert_int_equal(l.slot, slot_by_the_book(size, align, f, ctor));
	check_regions(&l, f);
}

static void layout_sweep_regions_never_overlap(void **state)
{
	static const qy_slab_flags_t letter[] = {Z, P, U, F, K};

	(void)state;
	for (size_t size = 1; size <= 5000; size += size < 300 ? 1 : 37)
		for (size_t align = 8; align <= 4096; align *= 2)
			for (unsigned int set = 0; set < 32; set++) {
				qy_slab_flags_t f = 0;

				for (unsigned int i = 0; i < 5; i++)
					f |= set >> i & 1 ? letter[i] : 0;
				check_one(size, align, f, set % 3 == 1, 8);
				check_one(size, align, f, set % 3 != 1, 8);
			}
}

/* Records lie apart: no byte of the slot is unwatched, and a record's parts do not overlap. */
static void layout_larger_red_zone_leaves_nothing_between(void **state)
{
	struct qy__layout l;

	(void)state;
	for (size_t size = 1; size <= 300; size++) {
		assert_int_equal(qy__layout_object(&l, size, 16, Z | P | U | K, false, 64), 0);
		assert_int_equal(l.inuse, l.slot - l.red_left_pad);
		assert_int_equal(l.meta_end, l.inuse);
		assert_int_equal(l.record, 64);
		assert_true(l.offset + 8 <= l.track);
		assert_true(l.track + 2 * (sizeof(struct qy__track) - 8) <= l.orig_size);
		assert_true(l.orig_size + 8 <= l.record);
		assert_int_equal(qy__layout_object(&l, size, 16, Z, false, 64), 0);
		assert_int_equal(l.record, 8);
		assert_int_equal(l.track, 0);
	}
}

static void layout_larger_red_zone_widens_both_sides(void **state)
{
	static const unsigned int width[] = {9, 15, 16, 64, 100, 1000, 4096};

	(void)state;
	for (size_t i = 0; i < sizeof(width) / sizeof(width[0]); i++)
		for (size_t size = 1; size <= 200; size++)
			for (size_t align = 8; align <= 64; align *= 8) {
				check_one(size, align, Z, false, width[i]);
				check_one(size, align, Z | P | U | K, false, width[i]);
				check_one(size, align, Z | U, true, width[i]);
			}
}

static void layout_impossible_size_is_refused(void **state)
{
	static const size_t size[] = {(size_t)UINT32_MAX / 4 + 1,
				      UINT32_MAX,
				      (size_t)UINT32_MAX + 9,
				      SIZE_MAX / 2,
				      SIZE_MAX - 7,
				      SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		struct qy__layout l;

		assert_int_equal(qy__layout_object(&l, size[i], 8, 0, false, 8), -EINVAL);
		assert_int_equal(qy__layout_object(&l, size[i], 8, Z | P | U | K, true, 64),
				 -EINVAL);
	}
}

/* A large block: room for both zones in front and behind, the object at its alignment. */
static void layout_large_has_zones_and_alignment(void **state)
{
	(void)state;
	for (size_t size = 1; size < 100000; size = size * 3 / 2 + 1)
		for (size_t align = 1; align <= 65536; align *= 2)
			for (unsigned int red = 8; red <= 4096; red *= 8) {
				size_t zone = red < 64 ? 64 : red;
				struct qy__large_layout l;

				qy__layout_large(&l, size, align, red, true);
				assert_true(l.offset >= zone);
				assert_int_equal(l.offset % align, 0);
				assert_int_equal(l.offset % 16, 0);
				assert_true(l.total >= l.offset + size + zone);
				qy__layout_large(&l, size, align, red, false);
				assert_int_equal(l.offset, 0);
				assert_int_equal(l.total, size + zone);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_table_of_the_kernel_matches),
		cmocka_unit_test(layout_plain_small_object_takes_one_word),
		cmocka_unit_test(layout_sweep_regions_never_overlap),
		cmocka_unit_test(layout_larger_red_zone_widens_both_sides),
		cmocka_unit_test(layout_larger_red_zone_leaves_nothing_between),
		cmocka_unit_test(layout_impossible_size_is_refused),
		cmocka_unit_test(layout_large_has_zones_and_alignment),
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
