/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - the figures of zones and caches, for texts. Each link is tested before it is
 * followed, and each walk ends: what is read may be a copy that was taken while others wrote.
 *
 * Pages may come in while a text is printed, and then they are on lists. So the end is read anew
 * for every zone and cache.
 *
 * Locks: grow_lock, then one zone->lock; or one cache->lock, then grow_lock.
 */
#include "check/snapshot.h"

#include <string.h>

#include "check/check_slab.h"
#include "page/pcp.h"
#include "page/zone.h"
#include "util/fmt.h"

bool qy__snapshot_begin(struct qy__check *ck, struct qy_mm *mm)
{
	*ck = (struct qy__check){.mm = mm};
	return mm && qy__check_books(ck);
}

/* ---- zones ---- */

void qy__snapshot_span(const struct qy__check *ck, unsigned int z, uint32_t *start, uint32_t *end)
{
	const struct qy__zone *zone = &ck->mm->zone[z];

	*start = max(qy__load_relaxed(&zone->start_pfn), ck->min_pfn);
	*end = min(qy__load_relaxed(&zone->end_pfn), ck->end_pfn);
	*end = max(*start, *end);
}

const struct qy__pcp *qy__snapshot_pcp(const struct qy__check *ck, unsigned int z)
{
	const struct qy__pcp *pcp = ck->mm->zone[z].pcp;

	if (!pcp || (uintptr_t)pcp % _Alignof(struct qy__pcp) ||
	    !qy__check_readable(ck, pcp, ck->mm->cpus.nr * sizeof(*pcp)))
		return NULL;
	return pcp;
}

static void read_pcp(const struct qy__check *ck, unsigned int z, struct qy_zone_stat *st)
{
	const struct qy__pcp *pcp = qy__snapshot_pcp(ck, z);
	uint32_t count = 0;

	if (!pcp)
		return;
	for (unsigned int cpu = 0; cpu < ck->mm->cpus.nr; cpu++)
		count += qy__load_relaxed(&pcp[cpu].count);
	st->pcp_count = count;
	st->pcp_batch = qy__load_relaxed(&ck->mm->zone[z].pcp_batch);
	st->pcp_high = qy__load_relaxed(&ck->mm->zone[z].pcp_high);
}

/* A list cannot have more blocks than the zone has room for, if it leads in circles. */
static void count_lists(const struct qy__check *ck, const struct qy__zone *zone, uint32_t pages,
			struct qy_zone_stat *st)
{
	for (unsigned int o = 0; o <= ck->mm->max_order; o++) {
		const struct qy__free_area *area = &zone->area[o];

		for (unsigned int t = 0; t < QY_NR_MIGRATETYPES; t++) {
			uint32_t left = min(area->nr_free, pages >> o), pfn = area->head[t];

			for (; left && qy__check_pfn(ck, pfn); left--) {
				const struct qy_page *page = qy__check_page(ck, pfn);

				if (page->type != QY__PAGE_BUDDY || page->order != o)
					break;
				st->nr_free[o][t]++;
				pfn = page->next;
			}
		}
	}
}

static void count_pageblocks(const struct qy__check *ck, uint32_t start, uint32_t end,
			     struct qy_zone_stat *st)
{
	uint32_t step = 1u << ck->mm->pageblock_order, block;

	for (uint32_t pfn = start; pfn < end; pfn += step - block) {
		unsigned int type = qy__pageblock_type(ck->mm, pfn);

		block = pfn & (step - 1);
		if (type < QY_NR_MIGRATETYPES)
			st->nr_pageblocks[type]++;
		if (step - block > end - pfn)
			break;
	}
}

void qy__snapshot_zone(struct qy__check *ck, unsigned int z, struct qy_zone_stat *st)
{
	struct qy__zone *zone = &ck->mm->zone[z];
	bool books, locked;
	uint32_t start, end;

	*st = (struct qy_zone_stat){.struct_size = sizeof(*st)};
	st->node = z / QY_NR_ZONES;
	st->type = (enum qy_zone_type)(z % QY_NR_ZONES);
	qy__snprintf(st->name, sizeof(st->name), "%s", qy__check_zone_name(z));
	books = qy__check_books_lock(ck);
	locked = qy__check_lock(ck, &zone->lock, "zone");
	qy__snapshot_span(ck, z, &start, &end);
	qy__zone_figures(zone, st);
	read_pcp(ck, z, st);
	count_lists(ck, zone, end - start, st);
	count_pageblocks(ck, start, end, st);
	if (locked)
		qy__check_unlock(ck, &zone->lock);
	if (books)
		qy__check_books_unlock(ck);
}

/* ---- caches ---- */

bool qy__snapshot_caches(struct qy__cache_walk *w, struct qy__check *ck)
{
	bool ok = qy__cache_walk_begin(w, ck);

	if (ok)
		qy__check_books(ck);
	return ok;
}

/* With the cache's lock, as far as it can be had. */
static void read_slabs(struct qy__check *ck, const struct qy_cache *c, struct qy_cache_info *info,
		       bool live)
{
	const struct qy__check_flavour *flavour = qy__check_flavour_of(ck, c);

	if (!flavour)
		return;
	flavour->stats(c, info);
	if (live && qy__cache_is_debug(c))
		info->live_objects = flavour->count_live(ck, c);
}

void qy__snapshot_slabs(struct qy__check *ck, struct qy_cache *c, struct qy_cache_info *info)
{
	bool locked = qy__check_lock(ck, &c->lock, c->name);

	read_slabs(ck, c, info, false);
	if (locked)
		qy__check_unlock(ck, &c->lock);
}

static uint64_t count_parked(const struct qy__check *ck, const struct qy_cache *c)
{
	uint64_t n = 0;

	for (unsigned int cpu = 0; cpu < ck->mm->cpus.nr; cpu++) {
		const struct qy__sheaf *sheaf = qy__check_sheaf(ck, c, cpu);

		n += sheaf ? qy__load_relaxed(&sheaf->size) : 0;
	}
	return n;
}

void qy__snapshot_cache(struct qy__check *ck, struct qy_cache *c, struct qy_cache_info *info)
{
	uint64_t parked;
	bool locked;

	qy__cache_figures(c, info);
	info->name[sizeof(info->name) - 1] = '\0';
	locked = qy__check_lock(ck, &c->lock, c->name);
	qy__check_books(ck);
	read_slabs(ck, c, info, true);
	info->high_water = c->high_water;
	if (locked)
		qy__check_unlock(ck, &c->lock);
	if (qy__cache_is_debug(c))
		return;
	parked = count_parked(ck, c);
	info->live_objects -= min((uint64_t)info->live_objects, parked);
}
