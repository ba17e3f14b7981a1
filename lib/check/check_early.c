/* SPDX-License-Identifier: MIT */
/*
 * check_early.c - the boot map: MB1-MB3; MB8, that bigger arrays are reserved; MB10, that the buddy
 * was given just what was free in it; of an instance that booted with bitmaps BM1-BM4, and BM8,
 * which is its MB10.
 *
 * A set that names an array outside the instance is not looked into. Bitmaps are gone with the
 * hand-over: from then on there must not be a node left to look into.
 *
 * Lock: mm->grow_lock, held by the caller.
 */
#include "check/check.h"

/* A set, and the array that it begins with. */
struct set {
	const struct qy_memblock_type *type;
	const struct qy_memblock_region *first;
	uint32_t first_max;
	const char *name;
};

/* @first doubled once or more. */
static bool is_doubled(uint32_t max, uint32_t first)
{
	uint32_t times = max / first;

	return max > first && max % first == 0 && !(times & (times - 1));
}

/* May regions[0] … regions[cnt - 1] be read? */
static bool check_array(struct qy__check *ck, const struct set *set)
{
	const struct qy_memblock_type *type = set->type;
	uint64_t least = (uint64_t)type->max * sizeof(type->regions[0]);

	if (!qy__holds(ck, type->max && type->cnt <= type->max, "MB3", "%s: %u of %u regions",
		       set->name, type->cnt, type->max))
		return false;
	if (!type->array_size)
		return qy__holds(ck, type->max == set->first_max, "MB3",
				 "%s: room for %u regions, not %u", set->name, set->first_max,
				 type->max) &&
		       qy__holds(ck, type->regions == set->first && !type->array_addr, "MB8",
				 "%s: array at %p, not where a small one is", set->name,
				 (const void *)type->regions);
	return qy__holds(ck, is_doubled(type->max, set->first_max), "MB8",
			 "%s: %u regions are not %u, doubled", set->name, type->max,
			 set->first_max) &&
	       qy__holds(ck, type->array_size >= least, "MB8", "%s: %zu bytes for %u regions",
			 set->name, type->array_size, type->max) &&
	       qy__holds(ck,
			 !((uintptr_t)type->regions % _Alignof(struct qy_memblock_region)) &&
				 qy__check_readable(ck, type->regions, (size_t)least),
			 "MB8", "%s: array at %p, outside the instance", set->name,
			 (const void *)type->regions);
}

static bool check_type(struct qy__check *ck, const struct set *set)
{
	const struct qy_memblock_type *type = set->type;
	const struct qy_memblock_region *r = type->regions;
	qy_addr_t total = 0;

	if (!check_array(ck, set))
		return false;
	for (uint32_t i = 0; i < type->cnt; i++) {
		total += r[i].size;
		qy__holds(ck, r[i].size && r[i].base + r[i].size > r[i].base, "MB1",
			  "%s[%u]: empty, or wraps", set->name, i);
		if (!i)
			continue;
		qy__holds(ck, r[i].base >= r[i - 1].base + r[i - 1].size, "MB1",
			  "%s[%u]: lies before or in the one before it", set->name, i);
		qy__holds(ck,
			  r[i].base != r[i - 1].base + r[i - 1].size || r[i].nid != r[i - 1].nid ||
				  r[i].flags != r[i - 1].flags,
			  "MB2", "%s[%u]: not merged with the one before it", set->name, i);
	}
	qy__holds(ck, total == type->total_size, "MB3",
		  "%s: regions have %llu bytes, total says %llu", set->name,
		  (unsigned long long)total, (unsigned long long)type->total_size);
	return true;
}

/* Regions that touch count as one. */
static bool covers(const struct qy_memblock_type *type, qy_addr_t at, qy_addr_t end)
{
	for (uint32_t i = 0; i < type->cnt && at < end; i++) {
		const struct qy_memblock_region *r = &type->regions[i];

		if (r->base <= at && at - r->base < r->size)
			at = r->base + r->size;
	}
	return at >= end;
}

/* An array in memory that memblock took itself must not be handed out. */
static void check_own_array(struct qy__check *ck, const struct qy_memblock *mb,
			    const struct set *set)
{
	const struct qy_memblock_type *type = set->type;
	qy_addr_t end = type->array_addr + type->array_size;

	if (!type->array_size || !type->array_addr)
		return;
	qy__holds(ck, end > type->array_addr && covers(&mb->reserved, type->array_addr, end), "MB8",
		  "%s: array 0x%llx-0x%llx is not reserved", set->name,
		  (unsigned long long)type->array_addr, (unsigned long long)end);
}

/* What searches go by. A byte that is no truth value would be undefined to read. */
static bool check_options(struct qy__check *ck, const struct qy_memblock *mb)
{
	const bool *const option[] = {&mb->bottom_up,	 &mb->has_mirror, &mb->movable_node,
				      &mb->scratch_only, &mb->debug,	  &mb->can_resize};
	bool sane = true;

	for (size_t i = 0; i < ARRAY_SIZE(option); i++)
		sane &= *(const unsigned char *)option[i] <= 1;
	return qy__holds(ck, sane && mb->struct_size == sizeof(*mb), "MB3",
			 "options, or the size of the struct");
}

/* Pages that are there, holes not counted; of them, those that a zone manages. */
static uint64_t sum_pages(const struct qy__check *ck, uint64_t *managed)
{
	uint64_t present = 0;

	*managed = 0;
	for (unsigned int z = 0; z < ck->mm->nr_zones; z++) {
		present += qy__load_relaxed(&ck->mm->zone[z].present);
		*managed += qy__load_relaxed(&ck->mm->zone[z].managed);
	}
	return present;
}

/*
 * Every page that was free at the end of the boot, or was brought in later, is managed by a zone:
 * no more, no less.
 */
static void check_handover(struct qy__check *ck, const char *id, uint64_t total, uint64_t free)
{
	uint64_t managed, pages = sum_pages(ck, &managed);

	if (qy__holds(ck, total <= pages, id, "boot map has %llu pages, the instance %llu",
		      (unsigned long long)total, (unsigned long long)pages))
		qy__holds(ck, managed == free + (pages - total), id,
			  "%llu pages are managed; %llu were free at boot, %llu came later",
			  (unsigned long long)managed, (unsigned long long)free,
			  (unsigned long long)(pages - total));
}

static void check_memblock_handover(struct qy__check *ck, const struct qy_memblock *mb)
{
	qy_addr_t from, to;
	uint64_t free = 0, cursor = 0;

	while (qy_memblock_next_free(mb, &cursor, &from, &to)) {
		from = (from + QY_PAGE_MASK) >> QY_CONFIG_PAGE_SHIFT;
		to >>= QY_CONFIG_PAGE_SHIFT;
		free += from < to ? to - from : 0;
	}
	qy__holds(ck, ck->mm->early.free == free, "MB10",
		  "%u pages were handed over, %llu are free in the boot map", ck->mm->early.free,
		  (unsigned long long)free);
	check_handover(ck, "MB10", mb->memory.total_size >> QY_CONFIG_PAGE_SHIFT, free);
}

/* Of the nodes' maps only those of a boot under way may be read. */
static void check_bootmem(struct qy__check *ck)
{
	const struct qy_bootmem *bm = ck->mm->early.bootmem;
	struct qy_check_result found = {.struct_size = sizeof(found)};

	if (!qy__holds(ck, qy__check_struct(ck, bm), "BM", "no struct qy_bootmem at %p",
		       (const void *)bm))
		return;
	if (!qy__holds(ck, !bm->nr_nodes && !ck->mm->early.map, "BM8",
		       "%u nodes were not handed over", bm->nr_nodes))
		return;
	qy_bootmem_check(bm, &found);
	ck->tests += found.assertions;
	for (unsigned int i = 0; i < found.nr && i < QY_CHECK_MAX; i++)
		qy__violation(ck, found.v[i].id, "%s", found.v[i].text);
	check_handover(ck, "BM8", ck->mm->early.pages, ck->mm->early.free);
}

void qy__check_early_locked(struct qy__check *ck)
{
	const struct qy_memblock *mb = &ck->mm->early.memblock;
	const struct set set[] = {
		{&mb->memory, mb->memory_regions, QY_MEMBLOCK_REGIONS, "memory"},
		{&mb->reserved, mb->reserved_regions, QY_MEMBLOCK_REGIONS, "reserved"},
		{&mb->physmem, mb->physmem_regions, QY_MEMBLOCK_PHYSMEM_REGIONS, "physmem"},
	};
	bool sane = check_options(ck, mb);

	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		sane &= check_type(ck, &set[i]);
	if (!sane)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		check_own_array(ck, mb, &set[i]);
	if (!qy__holds(ck, qy__check_flag(&ck->mm->early.done), "MM",
		       "the boot is over, its map was not handed over"))
		return;
	if (ck->mm->early.bootmem)
		check_bootmem(ck);
	else
		check_memblock_handover(ck, mb);
}
