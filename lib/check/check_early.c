/* SPDX-License-Identifier: MIT */
/*
 * check_early.c - the boot map: MB1-MB3; MB10, that the buddy was given just what was free in it.
 *
 * Lock: mm->grow_lock, held by the caller.
 */
#include "check/check.h"

static bool check_type(struct qy__check *ck, const struct qy_memblock_type *type, const char *name)
{
	const struct qy_memblock_region *r = type->regions;
	qy_addr_t total = 0;

	if (!qy__holds(ck, type->max == QY_MEMBLOCK_REGIONS && type->cnt <= type->max, "MB3",
		       "%s: %u of %u regions", name, type->cnt, type->max))
		return false;
	for (uint32_t i = 0; i < type->cnt; i++) {
		total += r[i].size;
		qy__holds(ck, r[i].size && r[i].base + r[i].size > r[i].base, "MB1",
			  "%s[%u]: empty, or wraps", name, i);
		if (!i)
			continue;
		qy__holds(ck, r[i].base >= r[i - 1].base + r[i - 1].size, "MB1",
			  "%s[%u]: lies before or in the one before it", name, i);
		qy__holds(ck,
			  r[i].base != r[i - 1].base + r[i - 1].size || r[i].nid != r[i - 1].nid ||
				  r[i].flags != r[i - 1].flags,
			  "MB2", "%s[%u]: not merged with the one before it", name, i);
	}
	qy__holds(ck, total == type->total_size, "MB3",
		  "%s: regions have %llu bytes, total says %llu", name, (unsigned long long)total,
		  (unsigned long long)type->total_size);
	return true;
}

/*
 * Every page that was free at the end of the boot, or was brought in later, is managed by a zone:
 * no more, no less.
 */
static void check_handover(struct qy__check *ck, const struct qy_memblock *mb)
{
	qy_addr_t from, to, total = mb->memory.total_size;
	uint64_t free = 0, managed = 0, cursor = 0;
	uint64_t pages = ck->end_pfn - ck->min_pfn;

	while (qy_memblock_next_free(mb, &cursor, &from, &to)) {
		from = (from + QY_PAGE_MASK) >> QY_CONFIG_PAGE_SHIFT;
		to >>= QY_CONFIG_PAGE_SHIFT;
		free += from < to ? to - from : 0;
	}
	for (int z = 0; z < QY_NR_ZONES; z++)
		managed += qy__load_relaxed(&ck->mm->zone[z].managed);
	total >>= QY_CONFIG_PAGE_SHIFT;
	if (qy__holds(ck, total <= pages, "MB10", "boot map has %llu pages, the instance %llu",
		      (unsigned long long)total, (unsigned long long)pages))
		qy__holds(ck, managed == free + (pages - total), "MB10",
			  "%llu pages are managed; %llu were free at boot, %llu came later",
			  (unsigned long long)managed, (unsigned long long)free,
			  (unsigned long long)(pages - total));
}

void qy__check_early_locked(struct qy__check *ck)
{
	const struct qy_memblock *mb = &ck->mm->early;
	bool sane = check_type(ck, &mb->memory, "memory");

	sane &= check_type(ck, &mb->reserved, "reserved");
	if (sane && qy__check_flag(&ck->mm->early_done))
		check_handover(ck, mb);
}
