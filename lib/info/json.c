/* SPDX-License-Identifier: MIT */
/*
 * json.c - everything as one JSON object, without blanks or line ends.
 *
 * Locks: see check/snapshot.c, and meminfo.c; then the registry, one cache at a time.
 */
#include "info/info.h"

/* In quotes. Bytes that are not ASCII are written as the characters of these numbers. */
static void put_string(struct qy__buf *buf, const char *s)
{
	qy__fmt(buf, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c > '~')
			qy__fmt(buf, "\\u%04x", c);
		else
			qy__fmt(buf, c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	qy__fmt(buf, "\"");
}

/* "name":number and a comma, in front of another member. */
static void put(struct qy__buf *buf, const char *name, uint64_t x)
{
	qy__fmt(buf, "\"%s\":%llu,", name, (unsigned long long)x);
}

static void put_sizes(struct qy__buf *buf, const size_t *x, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		qy__fmt(buf, "%s%zu", i ? "," : "[", x[i]);
	qy__fmt(buf, "]");
}

/* 255: not known. */
static void put_nodes(struct qy__buf *buf, const struct qy__check *ck)
{
	unsigned int nr = ck->mm->nr_nodes;
	const uint8_t *distance = ck->mm->topology.distance;

	if (!qy__check_readable(ck, distance, (size_t)nr * nr))
		distance = NULL;
	for (unsigned int node = 0; node < nr; node++) {
		qy__fmt(buf, "%s{\"node\":%u,\"distance\":", node ? "," : "[", node);
		for (unsigned int to = 0; to < nr; to++)
			qy__fmt(buf, "%s%u", to ? "," : "[",
				distance ? distance[node * nr + to] : 255u);
		qy__fmt(buf, "]}");
	}
	qy__fmt(buf, "]");
}

static void put_marks(struct qy__buf *buf, const struct qy_zone_stat *stat)
{
	static const char *const names[QY_NR_WMARK] = {"min", "low", "high", "promo"};

	for (int mark = 0; mark < QY_NR_WMARK; mark++)
		qy__fmt(buf, "%s\"%s\":%zu", mark ? "," : "\"mark\":{", names[mark],
			stat->mark[mark]);
	qy__fmt(buf, "},\"lowmem_reserve\":");
	put_sizes(buf, stat->lowmem_reserve, QY_NR_ZONES);
	qy__fmt(buf, ",");
}

static void put_types(struct qy__buf *buf, const struct qy_zone_stat *stat, unsigned int nr_orders)
{
	for (int type = 0; type < QY_NR_MIGRATETYPES; type++) {
		qy__fmt(buf, "%s\"%s\":", type ? "," : "\"nr_free\":{",
			qy__migratetype_names[type]);
		for (unsigned int order = 0; order < nr_orders; order++)
			qy__fmt(buf, "%s%zu", order ? "," : "[", stat->nr_free[order][type]);
		qy__fmt(buf, "]");
	}
	for (int type = 0; type < QY_NR_MIGRATETYPES; type++)
		qy__fmt(buf, "%s\"%s\":%zu", type ? "," : "},\"nr_pageblocks\":{",
			qy__migratetype_names[type], stat->nr_pageblocks[type]);
	qy__fmt(buf, "}");
}

static void put_zone(struct qy__buf *buf, const struct qy_zone_stat *stat, unsigned int nr_orders)
{
	qy__fmt(buf, "{");
	put(buf, "node", stat->node);
	put(buf, "type", stat->type);
	qy__fmt(buf, "\"name\":\"%s\",", stat->name);
	put(buf, "start_pfn", stat->start_pfn);
	put(buf, "spanned", stat->spanned);
	put(buf, "present", stat->present);
	put(buf, "managed", stat->managed);
	put(buf, "free", stat->free);
	put(buf, "free_cma", stat->free_cma);
	put(buf, "free_highatomic", stat->free_highatomic);
	put(buf, "free_blocks", stat->free_blocks);
	put(buf, "cma", stat->cma);
	put(buf, "reserved_highatomic", stat->reserved_highatomic);
	put(buf, "boost", stat->boost);
	put_marks(buf, stat);
	put(buf, "pcp_count", stat->pcp_count);
	put(buf, "pcp_batch", stat->pcp_batch);
	put(buf, "pcp_high", stat->pcp_high);
	put(buf, "numa_hit", stat->numa_hit);
	put(buf, "numa_miss", stat->numa_miss);
	put(buf, "numa_foreign", stat->numa_foreign);
	put(buf, "numa_interleave", stat->numa_interleave);
	put(buf, "numa_local", stat->numa_local);
	put(buf, "numa_other", stat->numa_other);
	put_types(buf, stat, nr_orders);
	qy__fmt(buf, "}");
}

static void put_zones(struct qy__buf *buf, struct qy__check *ck)
{
	struct qy_zone_stat stat;

	for (unsigned int i = 0; i < ck->mm->nr_zones; i++) {
		qy__snapshot_zone(ck, i, &stat);
		qy__fmt(buf, i ? "," : "[");
		put_zone(buf, &stat, ck->mm->max_order + 1);
	}
	qy__fmt(buf, "]");
}

static void put_cache(struct qy__buf *buf, struct qy__check *ck, struct qy_cache *c)
{
	struct qy_cache_info info;

	qy__snapshot_cache(ck, c, &info);
	qy__fmt(buf, "{\"name\":");
	put_string(buf, info.name);
	qy__fmt(buf, ",");
	put(buf, "flags", info.flags);
	put(buf, "object_size", info.object_size);
	put(buf, "slot_size", info.slot_size);
	put(buf, "align", info.align);
	put(buf, "objs_per_slab", info.objs_per_slab);
	put(buf, "order", info.order);
	put(buf, "red_left_pad", info.red_left_pad);
	put(buf, "offset", info.offset);
	put(buf, "inuse", info.inuse);
	put(buf, "nr_slabs", info.nr_slabs);
	put(buf, "nr_partial", info.nr_partial);
	put(buf, "total_objects", info.total_objects);
	put(buf, "live_objects", info.live_objects);
	put(buf, "high_water", info.high_water);
	qy__fmt(buf, "\"sheaf_capacity\":%u}", info.sheaf_capacity);
}

static void put_caches(struct qy__buf *buf, struct qy__check *ck)
{
	struct qy__cache_walk w;
	struct qy_cache *c;
	bool first = true;

	qy__fmt(buf, "[");
	if (qy__snapshot_caches(&w, ck)) {
		for (; (c = qy__cache_walk_next(&w)) != NULL; first = false) {
			qy__fmt(buf, first ? "" : ",");
			put_cache(buf, ck, c);
		}
		qy__cache_walk_end(&w);
	}
	qy__fmt(buf, "]");
}

size_t qy_info_json(struct qy_mm *mm, char *text, size_t size)
{
	struct qy__buf buf = qy__text(text, size);
	struct qy__check ck;

	qy__fmt(&buf, "{");
	if (qy__snapshot_begin(&ck, mm)) {
		put(&buf, "page_size", QY_PAGE_SIZE);
		put(&buf, "max_order", mm->max_order);
		put(&buf, "pageblock_order", mm->pageblock_order);
		qy__fmt(&buf, "\"nodes\":");
		put_nodes(&buf, &ck);
		qy__fmt(&buf, ",\"zones\":");
		put_zones(&buf, &ck);
		qy__fmt(&buf, ",\"meminfo\":");
		qy__meminfo_json(&buf, &ck);
		qy__fmt(&buf, ",\"caches\":");
		put_caches(&buf, &ck);
	}
	qy__fmt(&buf, "}");
	return buf.len;
}
