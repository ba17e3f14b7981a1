/* SPDX-License-Identifier: MIT */
/*
 * test_check_vmap.c - the checker on instances that map memory: areas (V1 V3 V6), growing, threads'
 * sheaves.
 */
#include "damage.h"
#include "fixture.h"

#include "vmalloc/vmap_area.h"

#define AREAS 12

static struct qy__vmap_state *v;
static void *area[AREAS];

static int set_up(void **state)
{
	(void)state;
	instance_init(&in, 0);
	in.config.backing = QY_BACKING_ANON;
	in.config.size = (size_t)256 << 20;
	in.config.initial = (size_t)1 << 20;
	in.config.cpu_provider = QY_CPU_THREAD;
	in.config.nr_cpus = 0;
	in.config.debug = "slab_debug=FZ,vmalloc";
	instance_create(&in);
	v = in.mm->vmap;
	for (int i = 0; i < AREAS; i++) {
		area[i] = hide(qy_vmalloc(in.mm, (size_t)i * 5000 + 100));
		assert_non_null(area[i]);
	}
	qy_vfree(in.mm, area[3]);
	qy_vfree(in.mm, area[7]);
	assert_clean(&in);
	return 0;
}

static void finds(const char *id, const char *what)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	qy_check(in.mm, QY_CHECK_ALL, &r);
	if (!has_violation(&r, id)) {
		printf("%s: expected %s\n", what, id);
		print_violations(&r);
	}
	assert_true(has_violation(&r, id));
}

/* Give @field another value, look, and put the old one back. */
#define expect_with(id, field, value)                                                              \
	do {                                                                                       \
		__typeof__(field) was_before = (field);                                            \
                                                                                                   \
		(field) = (__typeof__(field))(value);                                              \
		finds(id, #field " = " #value);                                                    \
		(field) = was_before;                                                              \
		assert_sound(in.mm);                                                               \
	} while (0)

static struct qy__vmap_area *record_of(int i)
{
	struct qy__vmap_area *a = qy__vmap_find_locked(v, area[i]);

	assert_non_null(a);
	return a;
}

static void check_areas_V1(void **state)
{
	struct qy__vmap_area *a = record_of(2);

	(void)state;
	expect_with("V1", v->nr_live, v->nr_live - 1);
	expect_with("V1", v->live_bytes, 0);
	expect_with("V1", v->nr_dead, 3);
	expect_with("V1", v->dead_bytes, v->dead_bytes + 1);
	expect_with("V1", a->dead, true);
	expect_with("V1", a->len, (size_t)1 << 40);
	expect_with("V1", v->dead_first, (void *)24);
	if (!is_debug_build())
		return; /* what is freed is unmapped at once */
	expect_with("V1", v->dead_first, NULL);
	expect_with("V1", v->dead_last, v->dead_first);
	expect_with("V1", v->dead_first->next, v->dead_first); /* a cycle */
}

static void check_sizes_V3(void **state)
{
	struct qy__vmap_area *a = record_of(5);

	(void)state;
	expect_with("V3", a->size, a->len + 1);
	expect_with("V3", a->offset, SIZE_MAX);
	expect_with("V3", a->len, a->len + 1);
	expect_with("V3", a->start, a->start + 1);
}

static void check_tree_V6(void **state)
{
	struct qy__vmap_area *a = v->root;

	(void)state;
	assert_true(a->left || a->right);
	expect_with("V6", v->root, (void *)0x1234567);
	expect_with("V6", a->left, a);
	expect_with("V6", a->right, a);
	expect_with("V6", a->start, NULL);
	expect_with("V6", a->right, (void *)(in.mm->base - 64));
	expect_with("V1", v->root, a->left ? a->left : a->right); /* half the tree is lost */
}

static void check_locks_LK(void **state)
{
	(void)state;
	expect_with("LK", v->lock.word, 3);
	expect_with("LK", in.mm->slab->lock.word, 0x80000000);
}

/* Memory beyond the end is not there: nobody may look at it. */
static void check_end_of_pages(void **state)
{
	(void)state;
	expect_with("Z8", in.mm->end_pfn, in.mm->max_pfn);
	expect_with("Z8", in.mm->end_pfn, in.mm->end_pfn + 1);
	expect_with("MM", in.mm->pages, in.mm->pages + 1);
	expect_with("MM", in.mm->max_pfn, in.mm->max_pfn + 1);
	expect_with("MM", in.mm->cpus.nr, 3);
}

static void check_grown_instance_is_sound(void **state)
{
	uint32_t end = in.mm->end_pfn;
	struct qy_page *page[64];

	(void)state;
	for (int i = 0; i < 64; i++) {
		page[i] = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 6);
		assert_non_null(page[i]);
		assert_sound(in.mm);
	}
	assert_true(in.mm->end_pfn > end);
	for (int i = 0; i < 64; i++)
		qy_free_pages(in.mm, page[i], 6);
	assert_clean(&in);
	qy_mm_trim(in.mm);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_areas_V1),
		cmocka_unit_test(check_sizes_V3),
		cmocka_unit_test(check_tree_V6),
		cmocka_unit_test(check_locks_LK),
		cmocka_unit_test(check_end_of_pages),
		cmocka_unit_test(check_grown_instance_is_sound),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
