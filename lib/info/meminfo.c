/* SPDX-License-Identifier: MIT */
/*
 * meminfo.c - the sums over an instance, as /proc/meminfo prints them: its lines that mean
 * something here.
 *
 * Slab pages are those of the caches and, not reclaimable, the large blocks of kmalloc, which
 * nobody counts: they are looked for.
 *
 * Locks: one zone->lock at a time; the registry, then one cache at a time; the areas' lock.
 */
#include <errno.h>
#include <string.h>

#include "info/info.h"
#include "page/pcp.h"
#include "page/watermark.h"
#include "vmalloc/vmap_area.h"

#define LINE(prefix, member) QY__FIGURE(prefix, struct qy_meminfo, member)

static const struct qy__figure lines[] = {
	LINE("MemTotal:", mem_total),
	LINE("MemFree:", mem_free),
	LINE("MemAvailable:", mem_available),
	LINE("KReclaimable:", kreclaimable),
	LINE("Slab:", slab),
	LINE("SReclaimable:", s_reclaimable),
	LINE("SUnreclaim:", s_unreclaim),
	LINE("VmallocTotal:", vmalloc_total),
	LINE("VmallocUsed:", vmalloc_used),
	LINE("VmallocChunk:", vmalloc_chunk),
	LINE("Percpu:", percpu),
	LINE("CmaTotal:", cma_total),
	LINE("CmaFree:", cma_free),
};

/* ---- the figures ---- */

/*
 * Slabs have the cache's order or, made in need, its least: how many are of which kind follows from
 * the number of objects. (Unless both hold the same number; then the order is the same, too, but
 * for slots that are tiny on huge pages.)
 */
static uint64_t cache_pages(struct qy__check *ck, struct qy_cache *c)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	uint64_t objects, small = 0;

	if (c->order > ck->mm->max_order || c->min_order > c->order)
		return 0;
	qy__snapshot_slabs(ck, c, &info);
	objects = (uint64_t)info.nr_slabs * c->objs_per_slab;
	if (c->min_objs < c->objs_per_slab && info.total_objects < objects)
		small = (objects - info.total_objects) / (c->objs_per_slab - c->min_objs);
	small = min(small, (uint64_t)info.nr_slabs);
	return ((uint64_t)(info.nr_slabs - small) << c->order) + (small << c->min_order);
}

static void count_slabs(struct qy__check *ck, uint64_t *reclaimable, uint64_t *unreclaimable)
{
	struct qy__cache_walk w;
	struct qy_cache *c;

	if (!qy__snapshot_caches(&w, ck))
		return;
	while ((c = qy__cache_walk_next(&w)) != NULL)
		*(c->flags & QY_SLAB_RECLAIM_ACCOUNT ? reclaimable : unreclaimable) +=
			cache_pages(ck, c);
	qy__cache_walk_end(&w);
}

/* From @pfn on, in zone @z, whose lock is held if it can be. Return: where to go on. */
static uint32_t large_in_zone(const struct qy__check *ck, unsigned int z, uint32_t pfn,
			      bool *is_large, uint64_t *n)
{
	for (unsigned int steps = 4096; steps && pfn < ck->end_pfn; steps--) {
		const struct qy_page *page = qy__check_page(ck, pfn);
		unsigned int type = qy__load_relaxed(&page->type);

		if (type == QY__PAGE_BUDDY && qy__load_relaxed(&page->zone) != z)
			break;
		*is_large = type == QY__PAGE_LARGE || (*is_large && type == QY__PAGE_TAIL);
		*n += *is_large;
		pfn += type == QY__PAGE_BUDDY ? qy__check_block_pages(ck, pfn) : 1;
	}
	return pfn;
}

/*
 * Pages of kmalloc's large blocks: a head and the tails behind it. Blocks come and go meanwhile,
 * but what is free is skipped under its zone's lock, which is let go now and then.
 */
static uint64_t large_pages(struct qy__check *ck)
{
	uint32_t pfn = ck->min_pfn;
	bool is_large = false;
	uint64_t n = 0;

	while (pfn < ck->end_pfn) {
		unsigned int z = qy__load_relaxed(&qy__check_page(ck, pfn)->zone);
		struct qy__zone *zone = z < ck->mm->nr_zones ? &ck->mm->zone[z] : NULL;
		bool locked = zone && qy__check_lock(ck, &zone->lock, "zone");
		uint32_t from = pfn;

		pfn = large_in_zone(ck, z, pfn, &is_large, &n);
		if (locked)
			qy__check_unlock(ck, &zone->lock);
		if (pfn == from) /* its zone changed under our eyes */
			pfn++;
	}
	return n;
}

static void count_zones(struct qy__check *ck, struct qy_meminfo *info, uint64_t *low)
{
	const struct qy_mm *mm = ck->mm;
	struct qy_zone_stat stat;

	for (unsigned int i = 0; i < mm->nr_zones; i++) {
		qy__snapshot_zone(ck, i, &stat);
		info->mem_total += stat.managed;
		info->mem_free += stat.free;
		info->cma_total += stat.cma;
		info->cma_free += stat.free_cma;
		*low += stat.mark[QY_WMARK_LOW] + stat.boost;
		if (qy__check_flag(&mm->pcp.on) && qy__snapshot_pcp(ck, i))
			info->percpu += mm->cpus.nr * sizeof(struct qy__pcp);
	}
}

/* All but the reserves, and of reclaimable slabs what leaves half of them, or the LOW marks. */
static uint64_t available(const struct qy_mm *mm, const struct qy_meminfo *info, uint64_t low)
{
	uint64_t pages = info->mem_free + info->s_reclaimable - min(info->s_reclaimable / 2, low),
		 reserve = qy__totalreserve_pages(mm);

	return pages > reserve ? pages - reserve : 0;
}

static void count_areas(struct qy__check *ck, struct qy_meminfo *info)
{
	struct qy__vmap_state *v = ck->mm->vmap;
	bool locked;

	if (!v || !qy__check_struct(ck, v))
		return;
	locked = qy__check_lock(ck, &v->lock, "areas");
	info->vmalloc_used = v->live_bytes;
	info->vmalloc_total = v->live_bytes + v->dead_bytes + v->idle_bytes;
	if (locked)
		qy__check_unlock(ck, &v->lock);
}

/* So far the figures are pages, of areas and CPUs bytes. */
static void to_kb(struct qy_meminfo *info)
{
	unsigned int shift = QY_CONFIG_PAGE_SHIFT - 10;

	info->mem_total <<= shift;
	info->mem_free <<= shift;
	info->mem_available <<= shift;
	info->kreclaimable <<= shift;
	info->slab <<= shift;
	info->s_reclaimable <<= shift;
	info->s_unreclaim <<= shift;
	info->cma_total <<= shift;
	info->cma_free <<= shift;
	info->vmalloc_total >>= 10;
	info->vmalloc_used >>= 10;
	info->percpu >>= 10;
}

void qy__meminfo_read(struct qy__check *ck, struct qy_meminfo *info)
{
	uint64_t low = 0;

	*info = (struct qy_meminfo){.struct_size = sizeof(*info)};
	count_zones(ck, info, &low);
	count_slabs(ck, &info->s_reclaimable, &info->s_unreclaim);
	info->s_unreclaim += large_pages(ck);
	info->slab = info->s_reclaimable + info->s_unreclaim;
	info->kreclaimable = info->s_reclaimable;
	info->mem_available = available(ck->mm, info, low);
	count_areas(ck, info);
	to_kb(info);
}

int qy_meminfo_get(struct qy_mm *mm, struct qy_meminfo *info)
{
	struct qy__check ck;

	if (info->struct_size != sizeof(*info) || !qy__snapshot_begin(&ck, mm))
		return -EINVAL;
	qy__meminfo_read(&ck, info);
	return 0;
}

/* ---- text ---- */

void qy__meminfo_json(struct qy__buf *buf, struct qy__check *ck)
{
	struct qy_meminfo info;

	qy__meminfo_read(ck, &info);
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++)
		qy__fmt(buf, "%s\"%.*s\":%llu", i ? "," : "{", (int)strlen(lines[i].prefix) - 1,
			lines[i].prefix, (unsigned long long)qy__figure_of(&lines[i], &info));
	qy__fmt(buf, "}");
}

size_t qy_meminfo_print(const struct qy_meminfo *info, char *text, size_t size)
{
	struct qy__buf buf = qy__text(text, size);

	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		uint64_t kb = qy__figure_of(&lines[i], info);

		if (kb != QY_INFO_NONE)
			qy__fmt(&buf, "%-15s %8llu kB\n", lines[i].prefix, (unsigned long long)kb);
	}
	return buf.len;
}

size_t qy_meminfo(struct qy_mm *mm, char *text, size_t size)
{
	struct qy_meminfo info = {.struct_size = sizeof(info)};

	if (qy_meminfo_get(mm, &info))
		qy__figures_clear(lines, ARRAY_SIZE(lines), &info);
	return qy_meminfo_print(&info, text, size);
}

int qy_meminfo_parse(const char *text, size_t len, struct qy_meminfo *info, unsigned int *line)
{
	struct qy__scan s = QY__SCAN(text, len);
	int ret = -EINVAL;

	if (info->struct_size == sizeof(*info)) {
		qy__figures_clear(lines, ARRAY_SIZE(lines), info);
		while ((ret = qy__scan_line(&s)) > 0 &&
		       (ret = qy__figures_scan(&s, lines, ARRAY_SIZE(lines), info, "kB")) >= 0)
			;
	}
	if (line)
		*line = s.line;
	return ret;
}
