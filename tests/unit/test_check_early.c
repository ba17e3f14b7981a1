/* SPDX-License-Identifier: MIT */
/*
 * test_check_early.c - the checker on the boot map and the instance's head: MB1-MB3, MB8, MB10, MM,
 * LK.
 */
#include "damage.h"
#include "fixture.h"

#include "vmalloc/vmap_area.h"

static int set_up(void **state)
{
	(void)state;
	instance_make(&in, 128, NULL);
	assert_clean(&in);
	instance_save(&in);
	return 0;
}

static void check_empty_region_MB1(void **state)
{
	struct qy_memblock_type *type = &in.mm->early.memblock.reserved;

	(void)state;
	type->total_size -= type->regions[0].size;
	type->regions[0].size = 0;
	expect_violation(&in, "MB1");
}

static void check_wrapping_region_MB1(void **state)
{
	struct qy_memblock_type *type = &in.mm->early.memblock.memory;

	(void)state;
	type->regions[0].size = -type->regions[0].base + 1;
	expect_violation(&in, "MB1");
}

static void check_overlapping_regions_MB1(void **state)
{
	struct qy_memblock_type *type = &in.mm->early.memblock.reserved;

	(void)state;
	type->regions[type->cnt] = type->regions[type->cnt - 1];
	type->regions[type->cnt++].base--;
	expect_violation(&in, "MB1");
}

static void check_unmerged_neighbours_MB2(void **state)
{
	struct qy_memblock_type *type = &in.mm->early.memblock.memory;

	(void)state;
	assert_int_equal(type->cnt, 1);
	type->regions[1] = type->regions[0];
	type->regions[0].size = 4096;
	type->regions[1].base += 4096;
	type->regions[1].size -= 4096;
	type->cnt = 2;
	expect_violation(&in, "MB2");

	/* Another attribute is a reason not to merge. */
	type->regions[1] = type->regions[0];
	type->regions[0].size = 4096;
	type->regions[1].base += 4096;
	type->regions[1].size -= 4096;
	type->regions[1].nid = 1;
	type->cnt = 2;
	assert_sound(in.mm);
	instance_restore(&in);
}

static void check_counts_MB3(void **state)
{
	struct qy_memblock *mb = &in.mm->early.memblock;

	(void)state;
	mb->memory.total_size++;
	expect_violation(&in, "MB3");
	mb->reserved.total_size--;
	expect_violation(&in, "MB3");
	mb->memory.cnt = QY_MEMBLOCK_REGIONS + 1;
	expect_violation(&in, "MB3");
	mb->reserved.cnt = UINT32_MAX;
	expect_violation(&in, "MB3");
	mb->reserved.max = 0;
	expect_violation(&in, "MB3");
}

/* What is read to answer any question about the map. */
static void check_options_MB3(void **state)
{
	struct qy_memblock *mb = &in.mm->early.memblock;

	(void)state;
	*(unsigned char *)&mb->movable_node = 7;
	expect_violation(&in, "MB3");
	*(unsigned char *)&mb->can_resize = 0x80;
	expect_violation(&in, "MB3");
	mb->struct_size--;
	expect_violation(&in, "MB3");
	mb->physmem.max = 5;
	expect_violation(&in, "MB3");
}

/* The reserved set in an array of 256 in pages of the instance, as from a hook. */
static struct qy_memblock_type *move_reserved(void)
{
	struct qy_memblock_type *type = &in.mm->early.memblock.reserved;
	size_t size = 256 * sizeof(type->regions[0]);
	struct qy_page *page = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 1);

	assert_non_null(page);
	type->regions = memcpy(qy__page_addr(in.mm, page), type->regions,
			       type->cnt * sizeof(type->regions[0]));
	type->max = 256;
	type->array_size = (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	return type;
}

static void check_bigger_array_MB8(void **state)
{
	struct qy_memblock_type *type;

	(void)state;
	move_reserved();
	assert_sound(in.mm);
	instance_restore(&in);

	type = move_reserved();
	type->max = 192;
	expect_violation(&in, "MB8");
	type = move_reserved();
	type->max = QY_MEMBLOCK_REGIONS;
	expect_violation(&in, "MB8");
	type = move_reserved();
	type->array_size = 256 * sizeof(type->regions[0]) - 1;
	expect_violation(&in, "MB8");
	type = move_reserved();
	type->max = 32768; /* longer than it is */
	expect_violation(&in, "MB8");
	type = move_reserved();
	type->regions = (void *)((char *)type->regions + 4);
	expect_violation(&in, "MB8");
	type = move_reserved();
	type->regions = (void *)(in.buf + in.size - 2048);
	expect_violation(&in, "MB8");
	type = move_reserved();
	type->regions = (void *)(in.buf - PAGE_BYTES);
	expect_violation(&in, "MB8");
	type = &in.mm->early.memblock.memory;
	type->regions = in.mm->early.memblock.reserved_regions;
	expect_violation(&in, "MB8");
	type->array_addr = PAGE_BYTES;
	expect_violation(&in, "MB8");
}

/* An array that memblock took itself is among the reserved ranges, all of it. */
static void check_own_array_is_reserved_MB8(void **state)
{
	struct qy_memblock_type *type;
	struct qy_memblock_region *r;

	(void)state;
	type = move_reserved();
	type->array_addr = (uintptr_t)type->regions;
	expect_violation(&in, "MB8");

	/* Two reserved regions that touch hold it; then a byte is missing. */
	for (int missing = 0; missing < 2; missing++) {
		struct qy_check_result result = {.struct_size = sizeof(result)};

		type = move_reserved();
		type->array_addr = (uintptr_t)type->regions;
		r = &type->regions[type->cnt];
		r[0] = (struct qy_memblock_region){type->array_addr, 64, 0, 5};
		r[1] = (struct qy_memblock_region){type->array_addr + 64,
						   type->array_size - 64 - (size_t)missing, 0, 6};
		type->cnt += 2;
		type->total_size += r[0].size + r[1].size;
		qy_check(in.mm, QY_CHECK_EARLY, &result);
		assert_int_equal(has_violation(&result, "MB8"), missing);
		instance_restore(&in);
	}
	type = move_reserved();
	type->array_addr = ~(qy_addr_t)0 - 8;
	expect_violation(&in, "MB8");
}

static void check_handover_MB10(void **state)
{
	struct qy_memblock_type *type = &in.mm->early.memblock.reserved;

	(void)state;
	/* A page is forgotten by the map: it was managed though nobody gave it. */
	type->regions[type->cnt - 1].size += PAGE_BYTES;
	type->total_size += PAGE_BYTES;
	expect_violation(&in, "MB10");
	in.mm->zone[QY_ZONE_NORMAL].managed--;
	expect_violation(&in, "MB10");
}

static void check_head_MM(void **state)
{
	struct qy_mm *mm = in.mm;

	(void)state;
	mm->magic ^= 1;
	expect_violation(&in, "MM");
	mm->base += PAGE_BYTES;
	expect_violation(&in, "MM");
	mm->base = NULL;
	expect_violation(&in, "MM");
	mm->pages = (struct qy_page *)16;
	expect_violation(&in, "MM");
	mm->pages = (struct qy_page *)(in.buf + in.size - 64);
	expect_violation(&in, "MM");
	mm->min_pfn++;
	expect_violation(&in, "MM");
	mm->max_pfn = UINT32_MAX;
	expect_violation(&in, "MM");
	mm->end_pfn = mm->max_pfn + 1;
	expect_violation(&in, "MM");
	mm->os.size *= 2;
	expect_violation(&in, "MM");
	mm->os.base = NULL;
	expect_violation(&in, "MM");
	mm->max_order = 200;
	expect_violation(&in, "MM");
	mm->cpus.nr = 0;
	expect_violation(&in, "MM");
	mm->cpus.current = 1;
	expect_violation(&in, "MM");
	mm->slab = (void *)(in.buf + 3);
	expect_violation(&in, "MM");
	mm->kmalloc = (void *)(in.buf + in.size);
	expect_violation(&in, "MM");
	mm->vmap = (void *)(in.buf - PAGE_BYTES);
	expect_violation(&in, "MM");
	if (is_debug_build()) {
		mm->live = (void *)(in.buf + in.size - 8);
		expect_violation(&in, "MM");
	}
}

/* With the CPU set by hand there is nobody to wait for: a lock that is held was left so. */
static void check_lock_left_held_LK(void **state)
{
	struct qy_mm *mm = in.mm;

	(void)state;
	mm->grow_lock.word = 1;
	expect_violation(&in, "LK");
	mm->zone[QY_ZONE_NORMAL].lock.word = 2;
	expect_violation(&in, "LK");
	mm->slab->lock.word = 0xdeadbeef;
	expect_violation(&in, "LK");
	mm->slab->first->lock.word = 1;
	expect_violation(&in, "LK");
	mm->vmap->lock.word = 7;
	expect_violation(&in, "LK");
}

static void check_end_moved_Z8(void **state)
{
	(void)state;
	in.mm->end_pfn--;
	expect_violation(&in, "Z8");
}

static void check_arguments(void **state)
{
	struct qy_check_result r = {.struct_size = 1, .nr = 77};

	(void)state;
	assert_int_equal(qy_check(NULL, QY_CHECK_ALL, NULL), 1);
	assert_int_equal(qy_check(in.mm, QY_CHECK_ALL, &r), 0);
	assert_int_equal(r.nr, 77); /* a struct of unknown size is not written */
	r.struct_size = sizeof(r);
	assert_int_equal(qy_check(in.mm, 0, &r), 0);
	assert_int_equal(r.nr, 0);
}

/* Only what is asked for is looked at. */
static void check_masks(void **state)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	(void)state;
	in.mm->early.memblock.memory.total_size++;
	in.mm->zone[QY_ZONE_NORMAL].nr_free_pages++;
	in.mm->slab->nr_caches++;
	assert_true(qy_check(in.mm, QY_CHECK_EARLY, &r) > 0);
	assert_true(has_violation(&r, "MB3") && !has_violation(&r, "B5"));
	assert_true(qy_check(in.mm, QY_CHECK_BUDDY, &r) > 0);
	assert_true(has_violation(&r, "B5") && !has_violation(&r, "S12"));
	assert_true(qy_check(in.mm, QY_CHECK_SLAB, &r) > 0);
	assert_true(has_violation(&r, "S12") && !has_violation(&r, "MB3"));
	assert_int_equal(qy_check(in.mm, QY_CHECK_VMAP, &r), 0);
	instance_restore(&in);
}

/* Beyond the last place violations are only counted. */
static void check_many_violations_are_counted(void **state)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};
	unsigned int nr;

	(void)state;
	for (uint32_t pfn = in.mm->min_pfn; pfn < in.mm->end_pfn; pfn++)
		qy__pfn_page(in.mm, pfn)->zone = 0;
	nr = qy_check(in.mm, QY_CHECK_ALL, &r);
	assert_true(nr > QY_CHECK_MAX);
	assert_int_equal(nr, r.nr);
	for (int i = 0; i < QY_CHECK_MAX; i++)
		assert_true(r.v[i].id[0] && r.v[i].text[0]);
	instance_restore(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_empty_region_MB1),
		cmocka_unit_test(check_wrapping_region_MB1),
		cmocka_unit_test(check_overlapping_regions_MB1),
		cmocka_unit_test(check_unmerged_neighbours_MB2),
		cmocka_unit_test(check_counts_MB3),
		cmocka_unit_test(check_options_MB3),
		cmocka_unit_test(check_bigger_array_MB8),
		cmocka_unit_test(check_own_array_is_reserved_MB8),
		cmocka_unit_test(check_handover_MB10),
		cmocka_unit_test(check_head_MM),
		cmocka_unit_test(check_lock_left_held_LK),
		cmocka_unit_test(check_end_moved_Z8),
		cmocka_unit_test(check_arguments),
		cmocka_unit_test(check_masks),
		cmocka_unit_test(check_many_violations_are_counted),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
