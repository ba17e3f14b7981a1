/* SPDX-License-Identifier: MIT */
/*
 * test_check_debug.c - the checker on debug caches: each single byte that is not the user's, in
 * objects that are live and in objects that are free, under each set of letters. U12, U14, and S4
 * of full lists.
 */
#include "damage.h"
#include "fixture.h"

#include "debug/debug.h"
#include "util/bitops.h"

static const qy_slab_flags_t letters[] = {
	QY_SLAB_CONSISTENCY_CHECKS,
	QY_SLAB_RED_ZONE,
	QY_SLAB_POISON,
	QY_SLAB_STORE_USER,
	QY_SLAB_RED_ZONE | QY_SLAB_POISON,
	QY_SLAB_RED_ZONE | QY_SLAB_STORE_USER,
	QY_SLAB_POISON | QY_SLAB_STORE_USER,
	QY_SLAB_CONSISTENCY_CHECKS | QY_SLAB_RED_ZONE | QY_SLAB_POISON | QY_SLAB_STORE_USER,
};

static void zero_ctor(void *object)
{
	memset(object, 0, 8);
}

/* A test of what this build may lack. */
static void needs(bool compiled_in)
{
	if (!compiled_in)
		skip();
}

/*
 * The violation that has to be found when the byte at @off of a slot is damaged; NULL: none has to.
 */
static const char *expected_at(const struct qy_cache *c, bool live, long off)
{
	const struct qy__layout *l = &c->layout;
	bool red = c->flags & QY_SLAB_RED_ZONE, poison = c->flags & QY_SLAB_POISON;

	if (off < 0)
		return "U12"; /* left red zone */
	if (off >= (long)l->offset && off < (long)l->offset + 8 && (!live || l->offset >= l->inuse))
		return NULL; /* free pointer: other tests */
	if (off < (long)l->object_size)
		return !live && poison && !c->ctor ? "U12" : NULL;
	if (off < (long)l->inuse)
		return red || poison ? "U12" : NULL;
	if (l->track && off >= (long)l->track && off < (long)l->track + 64)
		return "tracks";
	if (l->orig_size && off >= (long)l->orig_size && off < (long)l->orig_size + 8)
		return NULL;
	return poison && off >= (long)l->meta_end ? "U12" : NULL;
}

static bool finds(const char *id)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	qy_check(in.mm, QY_CHECK_SLAB, &r);
	return has_violation(&r, id);
}

/* Each byte of the slot of @object, changed in two ways. */
static void damage_slot(struct qy_cache *c, char *object, bool live)
{
	const struct qy__layout *l = &c->layout;

	for (long off = -(long)l->red_left_pad; off < (long)(l->slot - l->red_left_pad); off++) {
		const char *id = expected_at(c, live, off);
		char was = object[off];

		for (int way = 0; id && way < 2; way++) {
			object[off] = (char)(way ? was ^ 1 : ~was);
			/* Of an object that was never freed the free track says nothing. */
			if (!finds(strcmp(id, "tracks") ? id : "U14")) {
				printf("%s flags %x, %s object, offset %ld: %s not found\n",
				       c->name, c->flags, live ? "live" : "free", off, id);
				fail();
			}
			object[off] = was;
		}
	}
}

static void damage_everything(struct qy_cache *c)
{
	char *p[5];
	struct qy_page *slab;
	size_t used;

	for (int i = 0; i < 5; i++) {
		p[i] = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
		assert_non_null(p[i]);
		memset(p[i], 0x41, c->layout.object_size);
	}
	qy_cache_free(c, p[1]);
	qy_cache_free(c, p[3]);
	assert_clean(&in);
	damage_slot(c, p[2], true);
	damage_slot(c, p[3], false);
	slab = slab_of_object(in.mm, p[0]);
	damage_slot(c, qy__slab_object(c, slab, slab->slab.objects - 1u), false); /* never used */
	used = (size_t)slab->slab.objects * c->layout.slot;
	for (char *at = (char *)qy__page_addr(in.mm, slab) + used;
	     (c->flags & QY_SLAB_POISON) && used < PAGE_BYTES << slab->order; used++, at++) {
		*at ^= 4;
		assert_true(finds("U12"));
		*at ^= 4;
	}
	assert_clean(&in);
	for (int i = 0; i < 5; i += 2)
		assert_int_equal(qy_cache_free(c, p[i]), 0);
	assert_clean(&in);
}

static void check_each_byte_of_each_layout_U12_U14(void **state)
{
	static const size_t sizes[] = {1, 4, 8, 20, 24, 100};

	(void)state;
	instance_make(&in, 256, NULL);
	for (size_t l = 0; l < sizeof(letters) / sizeof(letters[0]); l++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct qy_cache *c =
				qy_cache_create(in.mm, "bytes", sizes[s], 0, letters[l], NULL);

			assert_non_null(c);
			damage_everything(c);
			assert_int_equal(qy_cache_destroy(c), 0);
		}
	}
	tear_down(NULL);
}

static void check_constructed_objects_are_not_poisoned(void **state)
{
	struct qy_cache *c;

	(void)state;
	instance_make(&in, 256, NULL);
	for (size_t l = 0; l < sizeof(letters) / sizeof(letters[0]); l++) {
		c = qy_cache_create(in.mm, "ctor", 40, 32, letters[l], zero_ctor);
		assert_non_null(c);
		damage_everything(c);
		assert_int_equal(qy_cache_destroy(c), 0);
	}
	tear_down(NULL);
}

static void check_wide_red_zones_U12(void **state)
{
	struct qy_cache *c;

	(void)state;
	needs(QY_CONFIG_SLAB_RED_ZONE);
	instance_init(&in, 256);
	in.config.red_zone = 100;
	instance_create(&in);
	c = qy_cache_create(in.mm, "wide", 33, 16, letters[7], NULL);
	assert_non_null(c);
	assert_true(c->layout.red_left_pad >= 100 && c->layout.inuse >= 133);
	damage_everything(c);
	tear_down(NULL);
}

/* Where the request is tracked the red zone begins behind it. */
static void check_slack_of_kmalloc_U12(void **state)
{
	char *p;

	(void)state;
	needs(QY_CONFIG_SLAB_RED_ZONE && QY_CONFIG_SLAB_STORE_USER);
	instance_make(&in, 256, "slab_debug=FZPU");
	for (size_t size = 1; size <= 200; size++) {
		p = hide(qy_kmalloc(in.mm, size, QY_GFP_KERNEL));
		memset(p, 0xcc, size); /* what the user writes may look like a red zone */
		assert_sound(in.mm);
		p[size] = 0;
		assert_true(finds("U12"));
		p[size] = (char)0xcc;
		p[-1] = 0;
		assert_true(finds("U12"));
		p[-1] = (char)0xcc;
		qy_kfree(in.mm, p);
	}
	assert_clean(&in);
	tear_down(NULL);
}

static void check_large_blocks_U12(void **state)
{
	const size_t size = 3 * PAGE_BYTES + 5;
	struct qy_page *head;
	char *p;

	(void)state;
	needs(QY_CONFIG_SLAB_RED_ZONE && QY_CONFIG_SLAB_POISON && QY_CONFIG_QUARANTINE);
	instance_make(&in, 256, "slab_debug=FZPU quarantine=1M");
	p = hide(qy_kmalloc(in.mm, size, QY_GFP_KERNEL));
	assert_non_null(p);
	assert_clean(&in);
	instance_save(&in);
	p[-1] = 1;
	expect_violation(&in, "U12");
	p[size] = 1;
	expect_violation(&in, "U12");
	head = slab_of_object(in.mm, p);
	*(char *)qy__page_addr(in.mm, head) = 1;
	expect_violation(&in, "U12");
	((char *)qy__page_addr(in.mm, head))[(PAGE_BYTES << head->order) - 1] = 1;
	expect_violation(&in, "U12");
	head->large.size = UINT64_MAX;
	expect_violation(&in, "U12");
	head->large.offset = UINT32_MAX;
	expect_violation(&in, "U12");
	head->large.live = 9;
	expect_violation(&in, "U12");

	qy_kfree(in.mm, p); /* it waits in quarantine */
	assert_clean(&in);
	instance_save(&in);
	p[0] = 1;
	expect_violation(&in, "U12");
	p[size - 1] = 0x6b;
	expect_violation(&in, "U12");
	p[size] = (char)0xcc;
	expect_violation(&in, "U12");
	tear_down(NULL);
}

/* Objects in quarantine are neither live nor on a freelist; their bytes count. */
static void check_quarantine_U12(void **state)
{
	char *p[20];

	(void)state;
	needs(QY_CONFIG_SLAB_POISON && QY_CONFIG_QUARANTINE);
	instance_make(&in, 256, "slab_debug=FZPU quarantine=4K");
	for (int i = 0; i < 20; i++)
		p[i] = hide(qy_kmalloc(in.mm, 50, QY_GFP_KERNEL));
	for (int i = 0; i < 20; i++) {
		qy_kfree(in.mm, p[i]);
		assert_clean(&in);
	}
	instance_save(&in);
	p[19][13] = 'x';
	expect_violation(&in, "U12");
	tear_down(NULL);
}

static void check_live_bits_S7(void **state)
{
	struct qy_cache *c;
	char *p, *q;

	(void)state;
	needs(QY_CONFIG_SLAB_RED_ZONE);
	instance_make(&in, 256, NULL);
	c = qy_cache_create(in.mm, "live", 64, 0, letters[7], NULL);
	p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	q = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	qy_cache_free(c, q);
	instance_save(&in);
	qy__debug_set_live(in.mm, p, false); /* its red zones are those of a live object */
	expect_violation(&in, "U12");
	qy__debug_set_live(in.mm, q, true); /* handed out while on the freelist */
	expect_violation(&in, "S7");
	qy__debug_set_live(in.mm, p + 8, true); /* no object begins there */
	expect_violation(&in, "S7");
	tear_down(NULL);
}

static void check_tracks_U14(void **state)
{
	struct qy__track *alloc, *free;
	struct qy_stack stack;
	struct qy_cache *c;
	char *p, *q;

	(void)state;
	needs(QY_CONFIG_SLAB_STORE_USER);
	instance_make(&in, 256, NULL);
	c = qy_cache_create(in.mm, "tracks", 64, 0, QY_SLAB_STORE_USER, NULL);
	p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	q = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	qy_cache_free(c, q);
	instance_save(&in);
	alloc = (struct qy__track *)(p + c->layout.track);
	free = (struct qy__track *)(q + c->layout.track) + 1;
	qy__debug_get_track(c, q, QY__TRACK_FREE, &stack);
	assert_int_not_equal(stack.tid, 0);
	alloc->tid++;
	expect_violation(&in, "U14");
	free->when++;
	expect_violation(&in, "U14");
	memset(alloc, 0, sizeof(*alloc)); /* live, and nobody allocated it */
	expect_violation(&in, "U14");
	memset(free - 1, 0, sizeof(*free)); /* freed, and nobody allocated it */
	expect_violation(&in, "U14");
	tear_down(NULL);
}

/* A full slab of a debug cache is on the full list. */
static void check_full_list_S4(void **state)
{
	struct qy_cache *c;
	struct qy__slub *s;
	struct qy_page *full;
	void *p = NULL;

	(void)state;
	needs(*qy_build_debug_letters());
	instance_make(&in, 256, NULL);
	c = qy_cache_create(in.mm, "full", 500, 0, letters[7], NULL);
	s = qy__slub(c);
	while (!s->full.nr || s->partial.nr)
		p = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	full = slab_of_object(in.mm, p);
	assert_clean(&in);
	instance_save(&in);
	full->flags &= (uint8_t)~QY__PAGE_F_FULL;
	expect_violation(&in, "S4");
	full->flags |= QY__PAGE_F_PARTIAL;
	expect_violation(&in, "S4");
	s->full.head = QY__PFN_NONE;
	expect_violation(&in, "S4");
	s->full.nr = 0;
	expect_violation(&in, "S5");
	tear_down(NULL);
}

/* A slab that was given up is not damage. */
static void check_frozen_slab_is_sound(void **state)
{
	struct qy_cache *c;
	char *p[4];

	(void)state;
	needs(QY_CONFIG_SLAB_POISON && QY_CONFIG_SLAB_CONSISTENCY_CHECKS);
	instance_make(&in, 256, NULL);
	c = qy_cache_create(in.mm, "frozen", 64, 0, letters[7], NULL);
	for (int i = 0; i < 4; i++)
		p[i] = hide(qy_cache_alloc(c, QY_GFP_KERNEL));
	qy_cache_free(c, p[1]);
	p[1][5] = 'x';
	assert_non_null(qy_cache_alloc(c, QY_GFP_KERNEL));
	assert_int_equal(in.reports.nr, 1);
	assert_sound(in.mm);
	assert_int_equal(qy_cache_free(c, p[0]), 0);
	assert_int_equal(qy_cache_free(c, p[2]), 0);
	assert_sound(in.mm);
	assert_int_equal(qy_validate(in.mm), 0);
	tear_down(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(check_each_byte_of_each_layout_U12_U14, tear_down),
		cmocka_unit_test_teardown(check_constructed_objects_are_not_poisoned, tear_down),
		cmocka_unit_test_teardown(check_wide_red_zones_U12, tear_down),
		cmocka_unit_test_teardown(check_slack_of_kmalloc_U12, tear_down),
		cmocka_unit_test_teardown(check_large_blocks_U12, tear_down),
		cmocka_unit_test_teardown(check_quarantine_U12, tear_down),
		cmocka_unit_test_teardown(check_live_bits_S7, tear_down),
		cmocka_unit_test_teardown(check_tracks_U14, tear_down),
		cmocka_unit_test_teardown(check_full_list_S4, tear_down),
		cmocka_unit_test_teardown(check_frozen_slab_is_sound, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
