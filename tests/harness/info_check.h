/* SPDX-License-Identifier: MIT */
/*
 * info_check.h - all texts of an instance, now: what they say is what qy_zone_stat_get() says, read
 * back they are printed the same.
 *
 * White-box tests only.
 */
#ifndef TESTS_HARNESS_INFO_CHECK_H
#define TESTS_HARNESS_INFO_CHECK_H

#include "damage.h"
#include "fixture.h"

#include "info/info.h"

#define TEXT_MAX (1 << 20)

static char text[TEXT_MAX], again[TEXT_MAX];

typedef size_t text_fn(struct qy_mm *mm, char *buf, size_t size);

static inline size_t take_text(text_fn *fn)
{
	size_t len = fn(in.mm, text, sizeof(text));

	assert_true(len < sizeof(text));
	assert_int_equal(len, strlen(text));
	return len;
}

/* ---- any instance: the texts against the figures ---- */

#define TEXT_ZONES 32
#define TEXT_CPUS 256

static struct qy_buddyinfo_zone buddy_zones[TEXT_ZONES];
static struct qy_buddyinfo buddy = {sizeof(buddy), buddy_zones, TEXT_ZONES, 0, 0};
static struct qy_pagetypeinfo_zone type_zones[TEXT_ZONES];
static struct qy_pagetypeinfo types = {sizeof(types), type_zones, TEXT_ZONES, 0, 0, 0, 0, false};
static struct qy_zoneinfo_zone zone_zones[TEXT_ZONES];
static struct qy_zoneinfo_cpu zone_cpus[TEXT_CPUS];
static struct qy_zoneinfo zones = {sizeof(zones), zone_zones, TEXT_ZONES, 0,
				   zone_cpus,	  TEXT_CPUS,  0};
static struct qy_meminfo mem = {.struct_size = sizeof(mem)};

static inline void assert_same_again(size_t len, size_t printed)
{
	assert_int_equal(len, printed);
	assert_string_equal(text, again);
}

static inline void check_buddyinfo(const struct qy_zone_stat *stat, unsigned int nr)
{
	size_t len = take_text(qy_buddyinfo);

	assert_int_equal(qy_buddyinfo_parse(text, len, &buddy, NULL), 0);
	assert_same_again(len, qy_buddyinfo_print(&buddy, again, sizeof(again)));
	assert_int_equal(buddy.nr_zones, nr);
	assert_int_equal(buddy.nr_orders, qy_mm_max_order(in.mm) + 1);
	for (unsigned int i = 0; i < nr; i++) {
		const struct qy_buddyinfo_zone *z = &buddy.zone[i];
		uint64_t pages = 0, isolated = 0;

		assert_int_equal(z->node, stat[i].node);
		assert_string_equal(z->name, stat[i].name);
		for (unsigned int order = 0; order < buddy.nr_orders; order++) {
			uint64_t n = 0;

			for (int type = 0; type < QY_NR_MIGRATETYPES; type++)
				n += stat[i].nr_free[order][type];
			assert_int_equal(z->nr_free[order], n);
			pages += n << order;
			isolated += stat[i].nr_free[order][QY_MIGRATE_ISOLATE] << order;
		}
		assert_int_equal(pages, stat[i].free + isolated);
	}
}

static inline void check_pagetypeinfo(const struct qy_zone_stat *stat, unsigned int nr)
{
	size_t len = take_text(qy_pagetypeinfo);

	assert_int_equal(qy_pagetypeinfo_parse(text, len, &types, NULL), 0);
	assert_same_again(len, qy_pagetypeinfo_print(&types, again, sizeof(again)));
	assert_int_equal(types.nr_zones, nr);
	assert_int_equal(types.nr_orders, qy_mm_max_order(in.mm) + 1);
	assert_int_equal(types.pageblock_order, in.mm->pageblock_order);
	assert_int_equal(types.types, 0x3f);
	assert_int_equal(types.has_mixed, in.mm->page_debug.owner != NULL);
	for (unsigned int i = 0; i < nr; i++) {
		const struct qy_pagetypeinfo_zone *z = &types.zone[i];

		assert_int_equal(z->node, stat[i].node);
		assert_string_equal(z->name, stat[i].name);
		for (int type = 0; type < QY_NR_MIGRATETYPES; type++) {
			assert_int_equal(z->blocks[type], stat[i].nr_pageblocks[type]);
			for (unsigned int order = 0; order < types.nr_orders; order++)
				assert_int_equal(z->nr_free[type][order],
						 stat[i].nr_free[order][type]);
		}
	}
}

static inline void check_zone(const struct qy_zoneinfo_zone *z, const struct qy_zone_stat *s)
{
	assert_int_equal(z->node, s->node);
	assert_string_equal(z->name, s->name);
	assert_int_equal(z->free, s->free);
	assert_int_equal(z->boost, s->boost);
	assert_int_equal(z->min, s->mark[QY_WMARK_MIN] + s->boost);
	assert_int_equal(z->low, s->mark[QY_WMARK_LOW] + s->boost);
	assert_int_equal(z->high, s->mark[QY_WMARK_HIGH] + s->boost);
	assert_int_equal(z->promo, s->mark[QY_WMARK_PROMO] + s->boost);
	assert_int_equal(z->spanned, s->spanned);
	assert_int_equal(z->present, s->present);
	assert_int_equal(z->managed, s->managed);
	assert_int_equal(z->cma, s->cma);
	assert_int_equal(z->nr_protection, QY_NR_ZONES);
	for (int type = 0; type < QY_NR_ZONES; type++)
		assert_int_equal(z->protection[type], s->lowmem_reserve[type]);
	assert_int_equal(z->pagesets, s->present != 0);
	if (!s->present) {
		assert_true(z->nr_free_pages == QY_INFO_NONE && z->start_pfn == QY_INFO_NONE);
		assert_int_equal(z->nr_cpus, 0);
		return;
	}
	assert_int_equal(z->nr_free_pages, s->free);
	assert_int_equal(z->nr_free_pages_blocks, s->free_blocks);
	assert_int_equal(z->nr_free_cma, s->free_cma);
	assert_int_equal(z->numa_hit, s->numa_hit);
	assert_int_equal(z->numa_miss, s->numa_miss);
	assert_int_equal(z->numa_foreign, s->numa_foreign);
	assert_int_equal(z->numa_interleave, s->numa_interleave);
	assert_int_equal(z->numa_local, s->numa_local);
	assert_int_equal(z->numa_other, s->numa_other);
	assert_int_equal(z->start_pfn, s->start_pfn);
	assert_int_equal(z->reserved_highatomic, s->reserved_highatomic);
	assert_int_equal(z->free_highatomic, s->free_highatomic);
	for (unsigned int i = 0, count = 0; i < z->nr_cpus; i++) {
		const struct qy_zoneinfo_cpu *cpu = &zones.cpu[z->first_cpu + i];

		assert_int_equal(cpu->high, s->pcp_high);
		assert_int_equal(cpu->batch, s->pcp_batch);
		count += (unsigned int)cpu->count;
		if (i + 1 == z->nr_cpus)
			assert_int_equal(count, s->pcp_count);
	}
}

static inline void check_zoneinfo(void)
{
	unsigned int nr_nodes = qy_mm_nr_nodes(in.mm), node = UINT32_MAX;
	size_t len = take_text(qy_zoneinfo);

	assert_int_equal(qy_zoneinfo_parse(text, len, &zones, NULL), 0);
	assert_same_again(len, qy_zoneinfo_print(&zones, again, sizeof(again)));
	assert_int_equal(zones.nr_zones, nr_nodes * QY_NR_ZONES);
	for (unsigned int i = 0; i < zones.nr_zones; i++) {
		const struct qy_zoneinfo_zone *z = &zones.zone[i];
		struct qy_zone_stat stat = {.struct_size = sizeof(stat)};

		assert_int_equal(qy_zone_stat_get(in.mm, i / QY_NR_ZONES,
						  (enum qy_zone_type)(i % QY_NR_ZONES), &stat),
				 0);
		check_zone(z, &stat);
		/* the first one with pages of each node */
		assert_int_equal(z->per_node, stat.present && stat.node != node);
		if (z->per_node) {
			node = stat.node;
			assert_int_equal(z->nr_slab_unreclaimable != QY_INFO_NONE, nr_nodes == 1);
		}
		if (in.config.cpu_provider == QY_CPU_MANUAL && stat.present)
			assert_int_equal(z->nr_cpus, in.mm->pcp.on ? in.mm->cpus.nr : 0);
	}
}

/* Pages of slabs and of large blocks, by their descriptors. */
static inline uint64_t count_slab_pages(void)
{
	uint64_t n = 0;

	for (uint32_t pfn = in.mm->min_pfn; pfn < in.mm->end_pfn; pfn++) {
		const struct qy_page *page = qy__pfn_page(in.mm, pfn);

		if (page->type == QY__PAGE_SLAB || page->type == QY__PAGE_LARGE)
			n += 1u << page->order;
	}
	return n;
}

/*
 * Pages: free and reclaimable ones, less what all zones keep back, and half of the reclaimable, but
 * no more of those than the LOW marks.
 */
static inline uint64_t expected_available(void)
{
	uint64_t kb = PAGE_BYTES / 1024, half = mem.s_reclaimable / kb / 2;
	int64_t pages = (int64_t)((mem.mem_free + mem.s_reclaimable) / kb), low = 0;

	for (unsigned int i = 0; i < zones.nr_zones; i++) {
		const struct qy_zoneinfo_zone *z = &zones.zone[i];
		uint64_t reserve = 0;

		for (int type = 0; type < QY_NR_ZONES; type++)
			if (z->protection[type] > reserve)
				reserve = z->protection[type];
		reserve += z->high - z->boost;
		pages -= (int64_t)(reserve < z->managed ? reserve : z->managed);
		low += (int64_t)z->low;
	}
	pages -= (int64_t)half < low ? (int64_t)half : low;
	return pages > 0 ? (uint64_t)pages : 0;
}

static inline void check_meminfo(void)
{
	struct qy_meminfo got = {.struct_size = sizeof(got)};
	uint64_t managed = 0, free = 0, cma = 0, free_cma = 0, kb = PAGE_BYTES / 1024;
	size_t len = take_text(qy_meminfo);

	assert_int_equal(qy_meminfo_parse(text, len, &mem, NULL), 0);
	assert_same_again(len, qy_meminfo_print(&mem, again, sizeof(again)));
	assert_int_equal(qy_meminfo_get(in.mm, &got), 0);
	assert_memory_equal(&got, &mem, sizeof(got));
	for (unsigned int i = 0; i < zones.nr_zones; i++) {
		managed += zones.zone[i].managed;
		free += zones.zone[i].free;
		cma += zones.zone[i].cma;
		free_cma += zones.zone[i].nr_free_cma == QY_INFO_NONE ? 0
								      : zones.zone[i].nr_free_cma;
	}
	assert_int_equal(mem.mem_total, managed * kb);
	assert_int_equal(mem.mem_free, free * kb);
	assert_int_equal(mem.cma_total, cma * kb);
	assert_int_equal(mem.cma_free, free_cma * kb);
	assert_int_equal(mem.slab, mem.s_reclaimable + mem.s_unreclaim);
	assert_int_equal(mem.slab, count_slab_pages() * kb);
	assert_int_equal(mem.kreclaimable, mem.s_reclaimable);
	assert_int_equal(mem.mem_available, expected_available() * kb);
	assert_int_equal(mem.vmalloc_chunk, 0);
	assert_true(mem.vmalloc_used <= mem.vmalloc_total);
	if (zones.zone[0].per_node && qy_mm_nr_nodes(in.mm) == 1) {
		assert_int_equal(zones.zone[0].nr_slab_reclaimable * kb, mem.s_reclaimable);
		assert_int_equal(zones.zone[0].nr_slab_unreclaimable * kb, mem.s_unreclaim);
	}
}

/* The rest of a line after "Node n, zone name": each index by its formula in floating point. */
static inline void check_indices(const struct qy_zone_stat *stat, unsigned int nr, text_fn *fn)
{
	const char *at = text;

	take_text(fn);
	for (unsigned int i = 0; i < nr; i++, at++) {
		int skip = -1;

		sscanf(at, "Node %*d, zone %*s%n", &skip);
		assert_true(skip == 21 || skip == 22); /* node of two digits */
		at += skip;
		for (unsigned int order = 0; order <= qy_mm_max_order(in.mm); order++) {
			double free = 0, large = 0, blocks = 0, want, is;
			char *end;

			for (unsigned int k = 0; k < 32; k++) {
				for (int type = 0; type < QY_NR_MIGRATETYPES; type++) {
					double n = (double)stat[i].nr_free[k][type];

					blocks += n;
					free += n * (double)(1u << k);
					large += k < order ? 0 : n * (double)(1u << k);
				}
			}
			if (fn == qy_unusable_index)
				want = free > 0 ? (free - large) / free : 1;
			else if (blocks > 0)
				want = large > 0 ? -1 : 1 - (1 + free / (1u << order)) / blocks;
			else
				want = 0;
			is = strtod(at, &end);
			assert_true(is - want < 0.0021 && want - is < 0.0021);
			at = end;
		}
		assert_int_equal(*at++, ' ');
		assert_int_equal(*at, '\n');
	}
	assert_int_equal(*at, '\0');
}

/* ---- is it JSON? ---- */

static inline const char *json_value(const char *at);

static inline const char *json_string(const char *at)
{
	assert_int_equal(*at++, '"');
	for (; *at != '"'; at++) {
		assert_in_range(*at, ' ', '~');
		if (*at == '\\' && *++at == 'u')
			for (int i = 0; i < 4; i++)
				assert_non_null(strchr("0123456789abcdef", *++at));
		else if (at[-1] == '\\')
			assert_true(*at == '"' || *at == '\\');
	}
	return at + 1;
}

static inline const char *json_list(const char *at, char close, bool names)
{
	if (*++at == close)
		return at + 1;
	for (;; at++) {
		if (names) {
			at = json_string(at);
			assert_int_equal(*at++, ':');
		}
		at = json_value(at);
		if (*at == close)
			return at + 1;
		assert_int_equal(*at, ',');
	}
}

static inline const char *json_value(const char *at)
{
	size_t digits = strspn(at, "0123456789");

	if (*at == '{')
		return json_list(at, '}', true);
	if (*at == '[')
		return json_list(at, ']', false);
	if (*at == '"')
		return json_string(at);
	assert_true(digits > 0 && (digits == 1 || *at != '0'));
	return at + digits;
}

static inline void check_json(void)
{
	take_text(qy_info_json);
	assert_int_equal(*json_value(text), '\0');
}

/* All texts, now. */
static inline void check_texts(void)
{
	struct qy_zone_stat stat[TEXT_ZONES];
	unsigned int nr = 0;

	for (unsigned int node = 0; node < qy_mm_nr_nodes(in.mm); node++) {
		for (int type = 0; type < QY_NR_ZONES; type++) {
			struct qy_zone_stat *s = &stat[nr];

			s->struct_size = sizeof(*s);
			assert_int_equal(qy_zone_stat_get(in.mm, node, (enum qy_zone_type)type, s),
					 0);
			nr += s->present != 0;
		}
	}
	assert_true(nr > 0);
	check_buddyinfo(stat, nr);
	check_pagetypeinfo(stat, nr);
	check_zoneinfo();
	check_meminfo();
	check_indices(stat, nr, qy_unusable_index);
	check_indices(stat, nr, qy_extfrag_index);
	check_json();
}

#endif
