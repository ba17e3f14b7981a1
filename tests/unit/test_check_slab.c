/* SPDX-License-Identifier: MIT */
/*
 * test_check_slab.c - the checker on caches, slabs, freelists and sheaves: each test breaks one
 * thing.
 *
 * The cache has no debug flag, two CPUs with sheaves, and slabs that are full, partial and empty.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "kmalloc/size_class.h"
#include "util/bitops.h"

#define OBJECTS 280

static struct qy_cache *cache;
static struct qy__slub *slub;
static struct qy__sheaf *sheaf, *sheaf_1; /* of CPUs 0 and 1 */
static struct qy_page *partial, *full;
static void *object[OBJECTS];

static void fill_cache(void)
{
	for (int i = 0; i < OBJECTS; i++) {
		object[i] = qy_cache_alloc(cache, QY_GFP_KERNEL);
		assert_non_null(object[i]);
	}
	/*
	 * Two slabs lose every other object, one all of them; the last frees stay in the sheaves.
	 */
	for (int i = 1; i < 110; i += 2)
		qy_cache_free(cache, object[i]);
	for (int i = 112; i < 168; i++)
		qy_cache_free(cache, object[i]);
	assert_int_equal(qy_mm_set_cpu(in.mm, 1), 0);
	for (int i = 0; i < 20; i += 2)
		qy_cache_free(cache, object[i]);
}

static int set_up(void **state)
{
	(void)state;
	instance_init(&in, 192);
	in.config.nr_cpus = 2;
	instance_create(&in);
	cache = qy_cache_create(in.mm, "broken", 72, 0, 0, NULL);
	assert_non_null(cache);
	fill_cache();
	slub = qy__slub(cache);
	sheaf = cache->sheaf[0];
	sheaf_1 = cache->sheaf[1];
	assert_true(sheaf->size > 8 && sheaf_1->size > 8);
	assert_true(slub->partial.nr >= 2);
	partial = qy__pfn_page(in.mm, slub->partial.head);
	full = slab_of_object(in.mm, object[OBJECTS - 60]);
	assert_null(full->slab.freelist);
	assert_clean(&in);
	instance_save(&in);
	return 0;
}

static void mark_live(const void *p)
{
	qy__set_bit(in.mm->live, qy__live_bit(in.mm, p));
}

static void *free_after(void *p)
{
	return qy__slub_get_free(cache, p);
}

static void check_freelist_head_S1(void **state)
{
	(void)state;
	partial->slab.freelist = (char *)partial->slab.freelist + 8;
	expect_violation(&in, "S1");
	partial->slab.freelist = qy__slab_object(cache, partial, partial->slab.objects);
	expect_violation(&in, "S1");
	partial->slab.freelist = object[OBJECTS - 1]; /* of another slab */
	expect_violation(&in, "S1");
	partial->slab.freelist = &in;
	expect_violation(&in, "S1");
	partial->slab.freelist = (void *)8;
	expect_violation(&in, "S3");
}

static void check_free_pointer_U13(void **state)
{
	void *first = partial->slab.freelist;

	(void)state;
	qy__slub_set_free(cache, first, (void *)~(uintptr_t)free_after(first));
	expect_violation(&in, "U13");
	qy__slub_set_free(cache, first, (char *)first + 1);
	expect_violation(&in, "U13");
	qy__slub_set_free(cache, first, (void *)(uintptr_t)0x4141414141414141);
	expect_violation(&in, "S3");
}

static void check_counts_S2(void **state)
{
	(void)state;
	partial->slab.inuse++;
	expect_violation(&in, "S2");
	full->slab.inuse--;
	expect_violation(&in, "S2");
	partial->slab.objects--;
	expect_violation(&in, "S2");
	full->slab.objects++;
	expect_violation(&in, "S2");
	partial->slab.objects = partial->slab.inuse = UINT16_MAX;
	expect_violation(&in, "S2");
	qy__slub_set_free(cache, partial->slab.freelist, NULL); /* the rest of the list is lost */
	expect_violation(&in, "S2");
	partial->slab.freelist = NULL;
	expect_violation(&in, "S2");
	full->slab.freelist = qy__slab_object(cache, full, 0);
	expect_violation(&in, "S2");
}

static void check_cycles_S3(void **state)
{
	void *first = partial->slab.freelist;

	(void)state;
	qy__slub_set_free(cache, first, first);
	expect_violation(&in, "S3");
	qy__slub_set_free(cache, free_after(first), first);
	expect_violation(&in, "S3");
}

static void check_lists_S4(void **state)
{
	(void)state;
	partial->flags &= (uint8_t)~QY__PAGE_F_PARTIAL;
	expect_violation(&in, "S4");
	full->flags |= QY__PAGE_F_PARTIAL;
	expect_violation(&in, "S4");
	full->flags |= QY__PAGE_F_FULL;
	expect_violation(&in, "S4");
	slub->partial.head = QY__PFN_NONE;
	expect_violation(&in, "S4");
	slub->partial.head = 100000;
	expect_violation(&in, "S4");
	slub->partial.tail = qy__page_pfn(in.mm, full);
	expect_violation(&in, "S4");
	partial->next = slub->partial.head; /* a cycle of one */
	expect_violation(&in, "S4");
	partial->next = QY__PFN_NONE; /* the tail is lost */
	expect_violation(&in, "S4");
	partial->prev = 1;
	expect_violation(&in, "S4");
	partial->next = qy__page_pfn(in.mm, slab_of_object(in.mm, sheaf));
	expect_violation(&in, "S4");
	slub->full.head = qy__page_pfn(in.mm, full);
	expect_violation(&in, "S4");
}

static void check_counters_S5(void **state)
{
	(void)state;
	slub->partial.nr++;
	expect_violation(&in, "S5");
	slub->full.nr++;
	expect_violation(&in, "S5");
	slub->nr_slabs--;
	expect_violation(&in, "S5");
	slub->total_objects += 56;
	expect_violation(&in, "S5");
}

static void check_slab_pages_S6(void **state)
{
	struct qy_cache *other = in.mm->slab->sheaf_cache[0];

	(void)state;
	full->slab.cache = UINT32_MAX;
	expect_violation(&in, "S6");
	full->slab.cache++;
	expect_violation(&in, "S6");
	full->flags = 0;
	expect_violation(&in, "S6");
	full->order = 77;
	expect_violation(&in, "S6");
	/* It is now another cache's: that one did not expect it. */
	full->slab.cache = qy__cache_ref(other);
	expect_violation(&in, "S5");
	full->type = QY__PAGE_ALLOC;
	expect_violation(&in, "S5");
}

static void check_live_bits_S7(void **state)
{
	(void)state;
	if (!is_debug_build())
		return;
	/* Only objects of debug caches are live there. */
	mark_live(object[OBJECTS - 1]);
	expect_violation(&in, "S7");
	mark_live(partial->slab.freelist);
	expect_violation(&in, "S7");
	mark_live(in.mm);
	expect_violation(&in, "S7");
	mark_live(in.buf + in.size - 8);
	expect_violation(&in, "S7");
}

static void check_size_classes_S8(void **state)
{
	struct qy__kmalloc_state *km = in.mm->kmalloc;

	(void)state;
	km->index[13]++;
	expect_violation(&in, "S8");
	km->index[1] = 255;
	expect_violation(&in, "S8");
	km->classes[2].size = 8;
	expect_violation(&in, "S8");
	km->classes[3].cache = km->classes[4].cache;
	expect_violation(&in, "S8");
	km->classes[3].align *= 2;
	expect_violation(&in, "S8");
	km->nr_classes = 65;
	expect_violation(&in, "S8");
	km->nr_classes--;
	expect_violation(&in, "S8");
	km->classes[1].cache = (void *)object[0];
	expect_violation(&in, "S12");
}

static void check_totals_S9(void **state)
{
	(void)state;
	slub->inuse_objects--;
	expect_violation(&in, "S9");
	cache->high_water = 3;
	expect_violation(&in, "S9");
}

static void check_registry_S12(void **state)
{
	struct qy__slab_state *st = in.mm->slab;

	(void)state;
	cache->magic ^= 0x10000;
	expect_violation(&in, "S12");
	cache->mm = NULL;
	expect_violation(&in, "S12");
	cache->flavour = QY__NR_FLAVOURS;
	expect_violation(&in, "S12");
	cache->priv = (char *)cache->priv - 8;
	expect_violation(&in, "S12");
	cache->priv = NULL;
	expect_violation(&in, "S12");
	cache->prev = cache;
	expect_violation(&in, "S12");
	cache->next = st->first; /* a cycle */
	expect_violation(&in, "S12");
	st->first->next = NULL;
	expect_violation(&in, "S12");
	st->first->next = (struct qy_cache *)((char *)cache + 8);
	expect_violation(&in, "S12");
	st->last = st->first;
	expect_violation(&in, "S12");
	st->nr_caches--;
	expect_violation(&in, "S12");
	cache->provider = QY_CPU_THREAD;
	expect_violation(&in, "S12");
}

static void check_min_partial_U5(void **state)
{
	(void)state;
	slub->min_partial++;
	expect_violation(&in, "U5");
}

/* Slabs that are empty are kept only while few are on the list. */
static void check_empty_slabs_U5(void **state)
{
	struct qy_cache *c = qy_cache_create(in.mm, "empties", 2048, 0, 0, NULL);
	void *p[64];
	unsigned int kept;

	(void)state;
	for (int i = 0; i < 64; i++)
		p[i] = qy_cache_alloc(c, QY_GFP_KERNEL);
	for (int i = 0; i < 64; i++)
		qy_cache_free(c, p[i]);
	kept = qy__slub(c)->partial.nr;
	assert_sound(in.mm);
	assert_true(kept <= qy__slub(c)->min_partial);
	instance_restore(&in);
}

static void check_sheaf_sizes_U6(void **state)
{
	(void)state;
	sheaf->size = sheaf->capacity + 1;
	expect_violation(&in, "U6");
	sheaf->capacity *= 2;
	expect_violation(&in, "U6");
	cache->sheaf[0] = (struct qy__sheaf *)(in.buf + in.size - 4);
	expect_violation(&in, "U6");
	cache->sheaf[0] = NULL;
	expect_violation(&in, "U6");
	cache->sheaf[2] = sheaf; /* the place of those who have none */
	expect_violation(&in, "U6");
	cache->sheaf_capacity = 61;
	expect_violation(&in, "U6");
	sheaf_1->size = UINT32_MAX;
	expect_violation(&in, "U6");
}

static void check_sheaf_objects_U6(void **state)
{
	(void)state;
	sheaf->objects[1] = sheaf->objects[3];
	expect_violation(&in, "U6");
	sheaf_1->objects[0] = sheaf->objects[0]; /* given to two CPUs */
	expect_violation(&in, "U6");
	sheaf->objects[2] = partial->slab.freelist;
	expect_violation(&in, "U6");
	sheaf->objects[2] = (char *)sheaf->objects[2] + 8;
	expect_violation(&in, "U6");
	sheaf->objects[4] = NULL;
	expect_violation(&in, "U6");
	sheaf->objects[4] = &in;
	expect_violation(&in, "U6");
	sheaf->objects[4] = sheaf; /* of another cache */
	expect_violation(&in, "U6");
}

/* The release library cannot tell a double free; the checker can. */
static void check_double_free_U6(void **state)
{
	(void)state;
	qy_mm_set_cpu(in.mm, 0);
	qy_cache_free(cache, object[200]);
	assert_sound(in.mm);
	qy_cache_free(cache, object[200]);
	expect_violation(&in, "U6");
}

static void check_layout_U10(void **state)
{
	struct qy__layout *l = &cache->layout;

	(void)state;
	l->slot += 8;
	expect_violation(&in, "U10");
	l->slot = 0;
	expect_violation(&in, "U10");
	l->object_size = 80;
	expect_violation(&in, "U10");
	l->object_size = 0;
	expect_violation(&in, "U10");
	l->align = 24;
	expect_violation(&in, "U10");
	l->align = 16;
	expect_violation(&in, "U10");
	l->inuse = 200;
	expect_violation(&in, "U10");
	l->offset = 68;
	expect_violation(&in, "U10");
	l->offset = 8;
	expect_violation(&in, "U10");
	l->red_left_pad = 72;
	expect_violation(&in, "U10");
	l->track = 72;
	expect_violation(&in, "U10");
	l->orig_size = 64;
	expect_violation(&in, "U10");
	l->meta_end = UINT32_MAX;
	expect_violation(&in, "U10");
	cache->objs_per_slab++;
	expect_violation(&in, "U10");
	cache->min_objs = 0;
	expect_violation(&in, "U10");
	partial->order = 1;
	expect_violation(&in, "U10");
}

static void check_orders_U11(void **state)
{
	(void)state;
	cache->order++;
	expect_violation(&in, "U11");
	cache->order = 40;
	expect_violation(&in, "U11");
	cache->min_order = 1;
	expect_violation(&in, "U11");
	cache->min_order = 1;
	cache->order = 1;
	expect_violation(&in, "U11");
}

/* Objects left at destroy: head and slabs stay, which is no damage. */
static void check_leaked_cache_is_sound(void **state)
{
	(void)state;
	qy_mm_set_cpu(in.mm, 0);
	assert_int_equal(qy_cache_destroy(cache), -EBUSY);
	take_report(&in, QY_REPORT_LEAK);
	assert_sound(in.mm);
	instance_restore(&in);
}

/* More caches than a batch holds: each is looked at. */
static void check_many_caches_in_batches(void **state)
{
	struct qy_cache *c[150];
	void *p[150];
	char name[16];

	(void)state;
	instance_destroy(&in);
	instance_make(&in, 512, NULL);
	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		c[i] = qy_cache_create(in.mm, name, (size_t)i + 1, 0, 0, NULL);
		assert_non_null(c[i]);
		p[i] = qy_cache_alloc(c[i], QY_GFP_KERNEL);
		assert_non_null(p[i]);
	}
	assert_sound(in.mm);
	instance_save(&in);
	for (int i = 0; i < 150; i++) {
		qy__slub(c[i])->nr_slabs++;
		expect_violation(&in, "S5");
	}
	for (int i = 0; i < 150; i++) {
		slab_of_object(in.mm, p[i])->slab.inuse--;
		expect_violation(&in, "S2");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_freelist_head_S1),
		cmocka_unit_test(check_free_pointer_U13),
		cmocka_unit_test(check_counts_S2),
		cmocka_unit_test(check_cycles_S3),
		cmocka_unit_test(check_lists_S4),
		cmocka_unit_test(check_counters_S5),
		cmocka_unit_test(check_slab_pages_S6),
		cmocka_unit_test(check_live_bits_S7),
		cmocka_unit_test(check_size_classes_S8),
		cmocka_unit_test(check_totals_S9),
		cmocka_unit_test(check_registry_S12),
		cmocka_unit_test(check_min_partial_U5),
		cmocka_unit_test(check_empty_slabs_U5),
		cmocka_unit_test(check_sheaf_sizes_U6),
		cmocka_unit_test(check_sheaf_objects_U6),
		cmocka_unit_test(check_double_free_U6),
		cmocka_unit_test(check_layout_U10),
		cmocka_unit_test(check_orders_U11),
		cmocka_unit_test(check_leaked_cache_is_sound),
		cmocka_unit_test(check_many_caches_in_batches),
	};

	if (QY_PAGE_SHIFT != 12)
		return 77; /* skipped: the slabs that are damaged are of 4 KiB pages */
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
