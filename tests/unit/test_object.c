/* SPDX-License-Identifier: MIT */
/*
 * test_object.c - the bytes of one object: what each of them is in each state, that damage to any
 * of them is found with its exact place, and that repair makes it whole.
 */
#include "damage.h"
#include "fixture.h"

#include "debug/debug.h"
#include "util/bytes.h"

#define Z QY_SLAB_RED_ZONE
#define P QY_SLAB_POISON
#define U QY_SLAB_STORE_USER
#define F QY_SLAB_CONSISTENCY_CHECKS
#define K QY_SLAB_KMALLOC

static struct qy_cache *cache(size_t size, qy_slab_flags_t flags)
{
	struct qy_cache *c;

	if (!in.mm)
		instance_make(&in, 512, NULL);
	c = qy_cache_create(in.mm, "c", size, 0, flags, NULL);
	assert_non_null(c);
	return c;
}

static void assert_bytes(const void *p, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(((const uint8_t *)p)[i], value);
}

static void assert_poisoned(const uint8_t *p, size_t size)
{
	if (!size)
		return;
	assert_bytes(p, size - 1, QY_POISON_FREE);
	assert_int_equal(p[size - 1], QY_POISON_END);
}

static void find_not_gives_first_and_last(void **state)
{
	uint8_t buf[70], *last;

	(void)state;
	memset(buf, 7, sizeof(buf));
	assert_null(qy__find_not(buf, 0, 7, NULL));
	assert_null(qy__find_not(buf, 0, 8, NULL));
	for (size_t n = 1; n <= 64; n++) {
		assert_null(qy__find_not(buf, n, 7, &last));
		for (size_t i = 0; i < n; i++)
			for (size_t j = i; j < n; j++) {
				buf[i] = 1;
				buf[j] = 2;
				assert_ptr_equal(qy__find_not(buf, n, 7, &last), buf + i);
				assert_ptr_equal(last, buf + j);
				buf[i] = buf[j] = 7;
			}
		buf[n] = 1; /* behind the range */
		assert_null(qy__find_not(buf, n, 7, &last));
		buf[n] = 7;
	}
	/* All equal, but not to what is wanted. */
	assert_ptr_equal(qy__find_not(buf, 64, 8, &last), buf);
	assert_ptr_equal(last, buf + 63);
}

/* Every byte of a slot, free and live, under each set of flags and for each tracked request. */
static void check_bytes(struct qy_cache *c, uint8_t *p, size_t request, bool live)
{
	const struct qy__layout *l = &c->layout;
	size_t size = live && l->orig_size ? request : l->object_size;
	uint8_t zone = live ? QY_RED_ACTIVE : QY_RED_INACTIVE;

	assert_int_equal(qy__debug_is_live(in.mm, p), live);
	if (c->flags & Z) {
		assert_bytes(p - l->red_left_pad, l->red_left_pad, zone);
		assert_bytes(p + size, l->inuse - size, zone);
	} else if (c->flags & P) {
		assert_bytes(p + l->object_size, l->inuse - l->object_size, QY_POISON_INUSE);
	}
	if (c->flags & P) {
		assert_poisoned(p, size);
		assert_bytes(p + l->meta_end, l->slot - l->red_left_pad - l->meta_end,
			     QY_POISON_INUSE);
	}
	if (live)
		assert_int_equal(qy__debug_object_size(c, p),
				 l->orig_size ? request : l->object_size);
}

static void fill_sets_every_byte_in_both_states(void **state)
{
	static const qy_slab_flags_t letter[] = {F, Z, P, U, K};
	static const size_t sizes[] = {1, 7, 8, 9, 16, 24, 33, 100, 200};

	(void)state;
	for (unsigned int set = 0; set < 32; set++)
		for (size_t s = 0; s < 9; s++) {
			qy_slab_flags_t flags = 0;
			struct qy_cache *c;

			for (unsigned int i = 0; i < 5; i++)
				flags |= set >> i & 1 ? letter[i] : 0;
			if (!(flags & QY_SLAB_DEBUG_FLAGS))
				continue;
			c = cache(sizes[s], flags);
			for (size_t request = 0; request <= sizes[s]; request++) {
				struct qy__call call = {
					.size = request, .libc = true, .family = QY_FAMILY_MALLOC};
				uint8_t *p = qy__cache_alloc_slow(c, 0, &call);

				assert_non_null(p);
				check_bytes(c, p, request, true);
				memset(p, 0x41, flags & U && flags & K ? request : sizes[s]);
				assert_int_equal(qy_cache_free(c, p), 0);
				check_bytes(c, p, request, false);
			}
			assert_clean(&in);
			assert_int_equal(qy_cache_destroy(c), 0);
		}
}

/*
 * The first and last byte of each region, and runs within it: found where they are, and repaired.
 */
static void damage(struct qy_cache *c, uint8_t *p, bool live, long from, long to,
		   enum qy_report_kind kind, const char *what)
{
	struct qy__damage d;

	for (long i = from; i < to; i++)
		for (long len = 1; i + len <= to && len < 12; len += 3) {
			uint8_t was[12];

			memcpy(was, p + i, (size_t)len);
			for (long b = 0; b < len; b++)
				p[i + b] ^= 0xff;
			if (!qy__debug_find_damage(c, p, live, &d))
				fail_msg("%s: %ld bytes at %ld not found", what, len, i);
			assert_int_equal(d.kind, kind);
			assert_string_equal(d.what, what);
			assert_ptr_equal(d.start, p + i);
			assert_int_equal(d.end - d.start, len);
			assert_int_equal(d.expected, was[0]);
			qy__debug_repair(&d);
			assert_memory_equal(was, p + i, (size_t)len);
			assert_false(qy__debug_find_damage(c, p, live, &d));
		}
}

static void find_damage_names_region_and_place(void **state)
{
	struct qy_cache *c = cache(100, F | Z | P | U | K);
	const struct qy__layout *l = &c->layout;
	struct qy__call call = {.size = 90};
	uint8_t *p = qy__cache_alloc_slow(c, 0, &call);
	long left = l->red_left_pad, end = (long)l->slot - l->red_left_pad;

	(void)state;
	damage(c, p, true, -left, 0, QY_REPORT_UNDERWRITE, "Left Redzone");
	damage(c, p, true, 90, 100, QY_REPORT_OVERFLOW, "kmalloc Redzone");
	damage(c, p, true, 100, l->inuse, QY_REPORT_OVERFLOW, "Right Redzone");
	damage(c, p, true, l->meta_end, end, QY_REPORT_PADDING, "Object padding");
	qy_cache_free(c, p);
	damage(c, p, false, -left, 0, QY_REPORT_UNDERWRITE, "Left Redzone");
	damage(c, p, false, 100, l->inuse, QY_REPORT_OVERFLOW, "Right Redzone");
	damage(c, p, false, 0, 99, QY_REPORT_USE_AFTER_FREE, "Poison");
	damage(c, p, false, 99, 100, QY_REPORT_USE_AFTER_FREE, "End Poison");
	damage(c, p, false, l->meta_end, end, QY_REPORT_PADDING, "Object padding");
	assert_clean(&in);
}

static void find_damage_without_red_zone_sees_the_alignment_padding(void **state)
{
	struct qy_cache *c = cache(101, P);
	uint8_t *p = qy_cache_alloc(c, 0);

	(void)state;
	damage(c, p, true, 101, 104, QY_REPORT_OVERFLOW, "Alignment padding");
	qy_cache_free(c, p);
	damage(c, p, false, 101, 104, QY_REPORT_OVERFLOW, "Alignment padding");
}

/*
 * A write that runs to the last byte of a freed object is one finding, and the end byte comes back.
 */
static void find_damage_over_the_poison_end_is_one_run(void **state)
{
	struct qy_cache *c = cache(64, P);
	uint8_t *p = qy_cache_alloc(c, 0);
	struct qy__damage d;

	(void)state;
	qy_cache_free(c, p);
	for (size_t from = 0; from < 63; from++) {
		memset(p + from, 0x41, 64 - from);
		assert_true(qy__debug_find_damage(c, p, false, &d));
		assert_ptr_equal(d.start, p + from);
		assert_ptr_equal(d.end, p + 64);
		qy__debug_repair(&d);
		assert_poisoned(p, 64);
		assert_false(qy__debug_find_damage(c, p, false, &d));
	}
	/* What a write of the poison itself would leave: only the end byte tells. */
	memset(p, QY_POISON_FREE, 64);
	assert_true(qy__debug_find_damage(c, p, false, &d));
	assert_ptr_equal(d.start, p + 63);
	assert_int_equal(d.expected, QY_POISON_END);
	/* One byte: it is the end byte. */
	qy__debug_repair(&d);
	assert_poisoned(p, 64);
}

/* Objects of one byte: the body is empty, there is only the end. */
static void one_byte_object_is_its_own_poison_end(void **state)
{
	struct qy_cache *c = cache(1, F | Z | P | U);
	uint8_t *p = qy_cache_alloc(c, 0);

	(void)state;
	assert_int_equal(*p, QY_POISON_END);
	qy_cache_free(c, p);
	damage(c, p, false, 0, 1, QY_REPORT_USE_AFTER_FREE, "End Poison");
	assert_clean(&in);
}

static void resize_bytes_moves_the_red_zone(void **state)
{
	struct qy_cache *c = cache(96, F | Z | P | U | K);
	struct qy__call call = {.size = 50};
	uint8_t *p = qy__cache_alloc_slow(c, 0, &call);

	(void)state;
	for (size_t i = 0; i < 500; i++) {
		size_t old = qy__debug_object_size(c, p), size = i * 37 % 97;
		struct qy__damage d;

		memset(p, 0x41, old);
		qy__debug_resize_bytes(c, p, old, &(struct qy__origin){.size = size});
		assert_int_equal(qy__debug_object_size(c, p), size);
		assert_bytes(p, old < size ? old : size, 0x41);
		if (size > old)
			assert_bytes(p + old, size - old, QY_POISON_FREE);
		assert_bytes(p + size, c->layout.inuse - size, QY_RED_ACTIVE);
		assert_false(qy__debug_find_damage(c, p, true, &d));
	}
}

/*
 * The word that holds the request was overwritten: the cache's size is believed, nothing crashes.
 */
static void damaged_request_word_is_not_believed(void **state)
{
	static const uint64_t word[] = {0,
					1,
					UINT64_MAX,
					UINT64_C(0x4141414141414141),
					UINT64_C(0x51) << 56 | 97 /* larger than the object */,
					UINT64_C(0x51) << 56 | UINT64_C(0xff) << 48};
	struct qy_cache *c = cache(96, F | Z | P | U | K);
	struct qy__call call = {.size = 50, .libc = true, .family = QY_FAMILY_NEW};

	(void)state;
	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		uint8_t *p = qy__cache_alloc_slow(c, 0, &call);

		assert_int_equal(qy__debug_object_origin(c, p).family, QY_FAMILY_NEW);
		memcpy(p + c->layout.orig_size, &word[i], 8);
		assert_int_equal(qy__debug_object_size(c, p), 96);
		assert_int_equal(qy__debug_object_origin(c, p).family, QY_FAMILY_NONE);
		assert_int_equal(qy__debug_object_origin(c, p).align, 0);
		qy_cache_free(c, p);
		in.reports.nr = 0;
	}
	assert_clean(&in);
}

static void object_origin_keeps_size_alignment_and_family(void **state)
{
	struct qy_cache *c = cache(256, F | Z | P | U | K);

	(void)state;
	for (size_t size = 0; size <= 256; size += 13)
		for (size_t align = 0; align <= 4096; align = align ? align * 2 : 16)
			for (int f = 0; f < QY_NR_FAMILIES; f++) {
				struct qy__call call = {.size = size,
							.align = align,
							.family = (enum qy_family)f,
							.libc = f != QY_FAMILY_NONE};
				void *p = qy__cache_alloc_slow(c, 0, &call);
				struct qy__origin o = qy__debug_object_origin(c, p);

				assert_int_equal(o.size, size || f ? size : 256);
				assert_int_equal(o.align, align);
				assert_int_equal(o.family, f);
				assert_int_equal(qy_cache_free(c, p), 0);
			}
	assert_clean(&in);
}

static void slab_tail_damage_is_found_and_repaired(void **state)
{
	struct qy_cache *c = cache(1000, F | P);
	uint8_t *p = qy_cache_alloc(c, 0), *tail;
	struct qy_page *slab = slab_of_object(in.mm, p);
	size_t bytes = PAGE_BYTES << slab->order,
	       used = (size_t)slab->slab.objects * c->layout.slot;
	struct qy__damage d;

	(void)state;
	tail = (uint8_t *)qy__page_addr(in.mm, slab) + used;
	assert_true(bytes > used);
	assert_bytes(tail, bytes - used, QY_POISON_INUSE);
	assert_false(qy__debug_find_slab_damage(c, slab, &d));
	tail[0] = 1;
	tail[bytes - used - 1] = 2;
	assert_true(qy__debug_find_slab_damage(c, slab, &d));
	assert_ptr_equal(d.start, tail);
	assert_ptr_equal(d.end, tail + (bytes - used));
	qy__debug_repair(&d);
	assert_bytes(tail, bytes - used, QY_POISON_INUSE);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_not_gives_first_and_last),
		cmocka_unit_test_teardown(fill_sets_every_byte_in_both_states, tear_down),
		cmocka_unit_test_teardown(find_damage_names_region_and_place, tear_down),
		cmocka_unit_test_teardown(find_damage_without_red_zone_sees_the_alignment_padding,
					  tear_down),
		cmocka_unit_test_teardown(find_damage_over_the_poison_end_is_one_run, tear_down),
		cmocka_unit_test_teardown(one_byte_object_is_its_own_poison_end, tear_down),
		cmocka_unit_test_teardown(resize_bytes_moves_the_red_zone, tear_down),
		cmocka_unit_test_teardown(damaged_request_word_is_not_believed, tear_down),
		cmocka_unit_test_teardown(object_origin_keeps_size_alignment_and_family, tear_down),
		cmocka_unit_test_teardown(slab_tail_damage_is_found_and_repaired, tear_down),
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
