/* SPDX-License-Identifier: MIT */
/*
 * zoneinfo.c - marks, reserves and counters of every zone as /proc/zoneinfo prints them.
 *
 *   Node 0, zone   Normal
 *     per-node stats               the first zone of a node that has pages
 *         nr_slab_reclaimable …
 *     pages free     …             to "cma"
 *           protection: (…)        here ends a zone without pages
 *         nr_free_pages …          to "numa_other"
 *     pagesets
 *       cpu: 0 …                   per CPU
 *     node_unreclaimable: …        to "free_highatomic"
 *
 * Lock: one zone->lock at a time. The counts of the CPUs' lists are read as they fly by.
 */
#include <errno.h>
#include <string.h>

#include "info/info.h"
#include "page/pcp.h"
#include "util/plant.h"

#define ZONE(prefix, member) QY__FIGURE(prefix, struct qy_zoneinfo_zone, member)
#define CPU(prefix, member) QY__FIGURE(prefix, struct qy_zoneinfo_cpu, member)

static const struct qy__figure node_figures[] = {
	ZONE("nr_slab_reclaimable", nr_slab_reclaimable),
	ZONE("nr_slab_unreclaimable", nr_slab_unreclaimable),
};

static const struct qy__figure page_figures[] = {
	ZONE("  pages free     ", free),    ZONE("        boost    ", boost),
	ZONE("        min      ", min),	    ZONE("        low      ", low),
	ZONE("        high     ", high),    ZONE("        promo    ", promo),
	ZONE("        spanned  ", spanned), ZONE("        present  ", present),
	ZONE("        managed  ", managed), ZONE("        cma      ", cma),
};

static const struct qy__figure counter_figures[] = {
	ZONE("nr_free_pages", nr_free_pages),
	ZONE("nr_free_pages_blocks", nr_free_pages_blocks),
	ZONE("nr_zone_inactive_anon", nr_zone_inactive_anon),
	ZONE("nr_zone_active_anon", nr_zone_active_anon),
	ZONE("nr_zone_inactive_file", nr_zone_inactive_file),
	ZONE("nr_zone_active_file", nr_zone_active_file),
	ZONE("nr_zone_unevictable", nr_zone_unevictable),
	ZONE("nr_zone_write_pending", nr_zone_write_pending),
	ZONE("nr_mlock", nr_mlock),
	ZONE("nr_zspages", nr_zspages),
	ZONE("nr_free_cma", nr_free_cma),
	ZONE("numa_hit", numa_hit),
	ZONE("numa_miss", numa_miss),
	ZONE("numa_foreign", numa_foreign),
	ZONE("numa_interleave", numa_interleave),
	ZONE("numa_local", numa_local),
	ZONE("numa_other", numa_other),
};

static const struct qy__figure cpu_figures[] = {
	CPU("              count:    ", count),	   CPU("              high:     ", high),
	CPU("              batch:    ", batch),	   CPU("              high_min: ", high_min),
	CPU("              high_max: ", high_max), CPU("  vm stats threshold: ", stat_threshold),
};

static const struct qy__figure last_figures[] = {
	ZONE("  node_unreclaimable:  ", node_unreclaimable),
	ZONE("  start_pfn:           ", start_pfn),
	ZONE("  reserved_highatomic: ", reserved_highatomic),
	ZONE("  free_highatomic:     ", free_highatomic),
};

/* ---- printing ---- */

static void print_figures(struct qy__buf *buf, const struct qy__figure *table, unsigned int nr,
			  const void *of)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t x = qy__figure_of(&table[i], of);

		if (x != QY_INFO_NONE)
			qy__fmt(buf, "%s%llu\n", table[i].prefix, (unsigned long long)x);
	}
}

static void print_counters(struct qy__buf *buf, const struct qy__figure *table, unsigned int nr,
			   const void *of)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t x = qy__figure_of(&table[i], of);

		if (x != QY_INFO_NONE)
			qy__fmt(buf, "      %-12s %llu\n", table[i].prefix, (unsigned long long)x);
	}
}

static void print_protection(struct qy__buf *buf, const struct qy_zoneinfo_zone *zone)
{
	unsigned int nr = min(zone->nr_protection, (unsigned int)QY_INFO_PROTECTION);

	qy__fmt(buf, "        protection: (");
	for (unsigned int i = 0; i < nr; i++)
		qy__fmt(buf, "%s%llu", i ? ", " : "", (unsigned long long)zone->protection[i]);
	qy__fmt(buf, ")\n");
}

/* All that stands before the CPUs. */
static void print_head(struct qy__buf *buf, const struct qy_zoneinfo_zone *zone)
{
	qy__fmt(buf, "Node %d, zone %8s\n", (int)zone->node, zone->name);
	if (zone->per_node)
		qy__fmt(buf, "  per-node stats\n");
	print_counters(buf, node_figures, ARRAY_SIZE(node_figures), zone);
	print_figures(buf, page_figures, ARRAY_SIZE(page_figures), zone);
	print_protection(buf, zone);
	print_counters(buf, counter_figures, ARRAY_SIZE(counter_figures), zone);
	if (zone->pagesets)
		qy__fmt(buf, "  pagesets\n");
}

static void print_cpu(struct qy__buf *buf, const struct qy_zoneinfo_cpu *cpu)
{
	qy__fmt(buf, "    cpu: %d\n", (int)cpu->cpu);
	print_figures(buf, cpu_figures, ARRAY_SIZE(cpu_figures), cpu);
}

static void print_last(struct qy__buf *buf, const struct qy_zoneinfo_zone *zone)
{
	print_figures(buf, last_figures, ARRAY_SIZE(last_figures), zone);
}

size_t qy_zoneinfo_print(const struct qy_zoneinfo *info, char *text, size_t size)
{
	struct qy__buf buf = qy__text(text, size);

	for (unsigned int i = 0; i < min(info->nr_zones, info->max_zones); i++) {
		const struct qy_zoneinfo_zone *zone = &info->zone[i];

		print_head(&buf, zone);
		for (unsigned int cpu = 0; cpu < zone->nr_cpus; cpu++)
			if (zone->first_cpu + cpu < min(info->nr_cpus, info->max_cpus))
				print_cpu(&buf, &info->cpu[zone->first_cpu + cpu]);
		print_last(&buf, zone);
	}
	return buf.len;
}

/* ---- an instance ---- */

static void clear_zone(struct qy_zoneinfo_zone *zone)
{
	qy__figures_clear(node_figures, ARRAY_SIZE(node_figures), zone);
	qy__figures_clear(page_figures, ARRAY_SIZE(page_figures), zone);
	qy__figures_clear(counter_figures, ARRAY_SIZE(counter_figures), zone);
	qy__figures_clear(last_figures, ARRAY_SIZE(last_figures), zone);
}

static void fill_pages(struct qy_zoneinfo_zone *zone, const struct qy_zone_stat *stat)
{
	zone->free = stat->free;
	zone->boost = stat->boost;
	zone->min = stat->mark[QY_WMARK_MIN] + stat->boost;
	zone->low = stat->mark[QY_WMARK_LOW] + stat->boost;
	zone->high =
		stat->mark[qy__planted(TEXT_MARK) ? QY_WMARK_LOW : QY_WMARK_HIGH] + stat->boost;
	zone->promo = stat->mark[QY_WMARK_PROMO] + stat->boost;
	zone->spanned = stat->spanned;
	zone->present = stat->present;
	zone->managed = stat->managed;
	zone->cma = stat->cma;
	zone->nr_protection = QY_NR_ZONES;
	for (int type = 0; type < QY_NR_ZONES; type++)
		zone->protection[type] = stat->lowmem_reserve[type];
}

/* What only a zone with pages has. */
static void fill_counters(struct qy_zoneinfo_zone *zone, const struct qy_zone_stat *stat)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(counter_figures); i++)
		*qy__figure_at(&counter_figures[i], zone) = 0;
	zone->nr_free_pages = stat->free;
	zone->nr_free_pages_blocks = stat->free_blocks;
	zone->nr_free_cma = stat->free_cma;
	zone->numa_hit = stat->numa_hit;
	zone->numa_miss = stat->numa_miss;
	zone->numa_foreign = stat->numa_foreign;
	zone->numa_interleave = stat->numa_interleave;
	zone->numa_local = stat->numa_local;
	zone->numa_other = stat->numa_other;
	zone->pagesets = true;
	zone->node_unreclaimable = 0;
	zone->start_pfn = stat->start_pfn;
	zone->reserved_highatomic = stat->reserved_highatomic;
	zone->free_highatomic = stat->free_highatomic;
}

static void fill_node(struct qy__check *ck, struct qy_zoneinfo_zone *zone)
{
	unsigned int pages_to_kb = QY_CONFIG_PAGE_SHIFT - 10;
	struct qy_meminfo info;

	zone->per_node = true;
	if (ck->mm->nr_nodes > 1)
		return; /* slabs are counted by instance */
	qy__meminfo_read(ck, &info);
	zone->nr_slab_reclaimable = info.s_reclaimable >> pages_to_kb;
	zone->nr_slab_unreclaimable = info.s_unreclaim >> pages_to_kb;
}

static void print_cpus(struct qy__buf *buf, const struct qy__check *ck, unsigned int i,
		       const struct qy_zone_stat *stat)
{
	const struct qy__pcp *pcp = qy__snapshot_pcp(ck, i);
	const struct qy_mm *mm = ck->mm;

	if (!qy__check_flag(&mm->pcp.on))
		return;
	for (unsigned int n = 0; pcp && n < mm->cpus.nr; n++) {
		struct qy_zoneinfo_cpu cpu = {
			.cpu = n,
			.count = qy__load_relaxed(&pcp[n].count),
			.high = stat->pcp_high,
			.batch = stat->pcp_batch,
			.high_min = stat->pcp_high,
			.high_max = stat->pcp_high,
			.stat_threshold = 0, /* nothing is counted apart */
		};

		if (mm->cpus.provider == QY_CPU_MANUAL || cpu.count)
			print_cpu(buf, &cpu);
	}
}

size_t qy_zoneinfo(struct qy_mm *mm, char *text, size_t size)
{
	struct qy__buf buf = qy__text(text, size);
	struct qy_zoneinfo_zone zone;
	struct qy_zone_stat stat;
	bool told = false; /* of this node */
	struct qy__check ck;

	if (!qy__snapshot_begin(&ck, mm))
		return 0;
	for (unsigned int i = 0; i < mm->nr_zones; i++) {
		qy__snapshot_zone(&ck, i, &stat);
		zone = (struct qy_zoneinfo_zone){.node = stat.node};
		memcpy(zone.name, stat.name, sizeof(zone.name));
		clear_zone(&zone);
		fill_pages(&zone, &stat);
		told &= i % QY_NR_ZONES != 0;
		if (stat.present) {
			if (!told)
				fill_node(&ck, &zone);
			told = true;
			fill_counters(&zone, &stat);
		}
		print_head(&buf, &zone);
		if (stat.present)
			print_cpus(&buf, &ck, i, &stat);
		print_last(&buf, &zone);
	}
	return buf.len;
}

/* ---- reading ---- */

struct reader {
	struct qy_zoneinfo *info;
	struct qy__scan s;
	struct qy_zoneinfo_zone *zone, spare_zone;
	struct qy_zoneinfo_cpu *cpu, spare_cpu; /* NULL: none of this zone yet */
};

/* The zone is read: what every zone has is there. */
static bool is_whole(const struct qy_zoneinfo_zone *zone)
{
	return !zone || (zone->free != QY_INFO_NONE && zone->nr_protection);
}

static int begin_zone(struct reader *r, unsigned int node, const char *name)
{
	struct qy_zoneinfo *info = r->info;

	if (!is_whole(r->zone) || !qy__scan_done(&r->s))
		return -EINVAL;
	for (unsigned int i = 0; i < min(info->nr_zones, info->max_zones); i++)
		if (info->zone[i].node == node && !strcmp(info->zone[i].name, name))
			return -EINVAL;
	r->zone = info->nr_zones < info->max_zones ? &info->zone[info->nr_zones] : &r->spare_zone;
	r->cpu = NULL;
	info->nr_zones++;
	*r->zone = (struct qy_zoneinfo_zone){.node = node, .first_cpu = info->nr_cpus};
	memcpy(r->zone->name, name, sizeof(r->zone->name));
	clear_zone(r->zone);
	return 0;
}

static int begin_cpu(struct reader *r)
{
	struct qy_zoneinfo *info = r->info;
	unsigned int cpu;

	if (!r->zone->pagesets || !qy__scan_uint(&r->s, &cpu) || !qy__scan_done(&r->s))
		return -EINVAL;
	r->cpu = info->nr_cpus < info->max_cpus ? &info->cpu[info->nr_cpus] : &r->spare_cpu;
	info->nr_cpus++;
	r->zone->nr_cpus++;
	*r->cpu = (struct qy_zoneinfo_cpu){.cpu = cpu};
	qy__figures_clear(cpu_figures, ARRAY_SIZE(cpu_figures), r->cpu);
	return 0;
}

/* A line that says only that it is there. */
static int read_mark(struct reader *r, bool *mark)
{
	if (*mark || !qy__scan_done(&r->s))
		return -EINVAL;
	*mark = true;
	return 0;
}

static int read_protection(struct reader *r)
{
	struct qy_zoneinfo_zone *zone = r->zone;

	if (zone->nr_protection || !qy__scan_char(&r->s, '('))
		return -EINVAL;
	do {
		if (zone->nr_protection == QY_INFO_PROTECTION ||
		    !qy__scan_u64(&r->s, &zone->protection[zone->nr_protection++]))
			return -EINVAL;
	} while (qy__scan_char(&r->s, ','));
	return qy__scan_char(&r->s, ')') && qy__scan_done(&r->s) ? 0 : -EINVAL;
}

static int read_figure(struct reader *r)
{
	struct qy_zoneinfo_cpu none = {0}; /* there is no figure of a CPU before the first CPU */
	struct qy__scan *s = &r->s;
	int ret = qy__figures_scan(s, cpu_figures, ARRAY_SIZE(cpu_figures), r->cpu ? r->cpu : &none,
				   NULL);

	if (!ret)
		ret = qy__figures_scan(s, page_figures, ARRAY_SIZE(page_figures), r->zone, NULL);
	if (!ret)
		ret = qy__figures_scan(s, counter_figures, ARRAY_SIZE(counter_figures), r->zone,
				       NULL);
	if (!ret)
		ret = qy__figures_scan(s, node_figures, ARRAY_SIZE(node_figures), r->zone, NULL);
	if (!ret)
		ret = qy__figures_scan(s, last_figures, ARRAY_SIZE(last_figures), r->zone, NULL);
	return min(ret, 0);
}

/* 0, also if the line is none of ours; -EINVAL. */
static int read_line(struct reader *r)
{
	struct qy__scan *s = &r->s;
	unsigned int node;
	char name[12];
	int ret = qy__scan_zone(s, &node, name);

	if (ret)
		return ret < 0 ? ret : begin_zone(r, node, name);
	if (!r->zone)
		return 0;
	if (qy__scan_word(s, "per-node stats"))
		return read_mark(r, &r->zone->per_node);
	if (qy__scan_word(s, "protection:"))
		return read_protection(r);
	if (qy__scan_word(s, "pagesets"))
		return read_mark(r, &r->zone->pagesets);
	if (qy__scan_word(s, "cpu:"))
		return begin_cpu(r);
	return read_figure(r);
}

int qy_zoneinfo_parse(const char *text, size_t len, struct qy_zoneinfo *info, unsigned int *line)
{
	struct reader r = {.info = info, .s = QY__SCAN(text, len)};
	int ret = -EINVAL;

	if (info->struct_size == sizeof(*info)) {
		info->nr_zones = info->nr_cpus = 0;
		while ((ret = qy__scan_line(&r.s)) > 0 && !(ret = read_line(&r)))
			;
	}
	if (!ret && !is_whole(r.zone))
		ret = -EINVAL;
	if (line)
		*line = r.s.line;
	if (ret)
		return ret;
	return info->nr_zones > info->max_zones || info->nr_cpus > info->max_cpus ? -ENOSPC : 0;
}
