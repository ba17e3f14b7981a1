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
#include "slab/slab.h"
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
static uint64_t cache_pages(struct qy_cache *c)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	uint64_t objects, small = 0;

	qy__lock(&c->lock);
	c->ops->stats(c, &info);
	qy__unlock(&c->lock);
	objects = (uint64_t)info.nr_slabs * c->objs_per_slab;
	if (c->min_objs < c->objs_per_slab && info.total_objects < objects)
		small = (objects - info.total_objects) / (c->objs_per_slab - c->min_objs);
	small = min(small, (uint64_t)info.nr_slabs);
	return ((info.nr_slabs - small) << c->order) + (small << c->min_order);
}

static void count_slabs(struct qy_mm *mm, uint64_t *reclaimable, uint64_t *unreclaimable)
{
	qy__lock(&mm->slab->lock);
	for (struct qy_cache *c = mm->slab->first; c; c = c->next)
		*(c->flags & QY_SLAB_RECLAIM_ACCOUNT ? reclaimable : unreclaimable) +=
			cache_pages(c);
	qy__unlock(&mm->slab->lock);
}

/*
 * Pages of kmalloc's large blocks: a head and the tails behind it. Blocks come and go meanwhile,
 * but what is free is skipped under its zone's lock, which is let go now and then.
 */
static uint64_t large_pages(struct qy_mm *mm)
{
	uint32_t pfn = mm->min_pfn, end = qy__load_acquire(&mm->end_pfn);
	bool is_large = false;
	uint64_t n = 0;

	while (pfn < end) {
		struct qy__zone *zone = qy__page_zone(mm, qy__pfn_page(mm, pfn));

		qy__lock(&zone->lock);
		for (unsigned int steps = 4096; steps && pfn < end; steps--) {
			const struct qy_page *page = qy__pfn_page(mm, pfn);
			unsigned int type = qy__load_relaxed(&page->type);

			if (type == QY__PAGE_BUDDY && qy__page_zone(mm, page) != zone)
				break;
			is_large = type == QY__PAGE_LARGE || (is_large && type == QY__PAGE_TAIL);
			n += is_large;
			pfn += type == QY__PAGE_BUDDY ? 1u << page->order : 1;
		}
		qy__unlock(&zone->lock);
	}
	return n;
}

static void count_zones(struct qy_mm *mm, struct qy_meminfo *info, uint64_t *low)
{
	struct qy_zone_stat stat;

	for (unsigned int i = 0; i < mm->nr_zones; i++) {
		qy__zone_snapshot(mm, i, &stat);
		info->mem_total += stat.managed;
		info->mem_free += stat.free;
		info->cma_total += stat.cma;
		info->cma_free += stat.free_cma;
		*low += stat.mark[QY_WMARK_LOW] + stat.boost;
		if (mm->pcp.on && mm->zone[i].pcp)
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

static void count_areas(struct qy_mm *mm, struct qy_meminfo *info)
{
	struct qy__vmap_state *v = mm->vmap;

	if (!v)
		return;
	qy__lock(&v->lock);
	info->vmalloc_used = v->live_bytes;
	info->vmalloc_total = v->live_bytes + v->dead_bytes + v->idle_bytes;
	qy__unlock(&v->lock);
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

int qy_meminfo_get(struct qy_mm *mm, struct qy_meminfo *info)
{
	uint64_t low = 0;

	if (info->struct_size != sizeof(*info))
		return -EINVAL;
	*info = (struct qy_meminfo){.struct_size = sizeof(*info)};
	count_zones(mm, info, &low);
	count_slabs(mm, &info->s_reclaimable, &info->s_unreclaim);
	info->s_unreclaim += large_pages(mm);
	info->slab = info->s_reclaimable + info->s_unreclaim;
	info->kreclaimable = info->s_reclaimable;
	info->mem_available = available(mm, info, low);
	count_areas(mm, info);
	to_kb(info);
	return 0;
}

/* ---- text ---- */

void qy__meminfo_json(struct qy__buf *buf, struct qy_mm *mm)
{
	struct qy_meminfo info = {.struct_size = sizeof(info)};

	qy_meminfo_get(mm, &info);
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

	qy_meminfo_get(mm, &info);
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
