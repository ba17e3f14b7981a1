/* SPDX-License-Identifier: MIT */
/*
 * pagetypeinfo.c - free blocks by zone, migratetype and order, and page blocks by migratetype, as
 * /proc/pagetypeinfo prints them; zones without pages are left out.
 *
 *   Page block order: 9
 *   Pages per block:  512
 *
 *   Free pages count per migrate type at order       0      1 …
 *   Node    0, zone   Normal, type    Unmovable      3      0 …      a row per zone and type
 *
 *   Number of blocks type     Unmovable      Movable …               and perhaps the same table of
 *   Node 0, zone   Normal           12           34 …                "mixed blocks"
 *
 * A page block is mixed if an allocated page in it is of another type, by its flags: page_owner
 * knows them.
 *
 * Lock: one zone->lock at a time; each table is a look of its own.
 */
#include <errno.h>
#include <string.h>

#include "info/info.h"
#include "page/page_debug.h"
#include "util/plant.h"

#define FREE_TITLE "Free pages count per migrate type at order"
#define BLOCKS_TITLE "Number of blocks type"
#define MIXED_TITLE "Number of mixed blocks"
#define COUNT_CAP 100000u /* as the kernel, which counts no further under its lock */
#define ALL_TYPES ((1u << QY_NR_MIGRATETYPES) - 1)

const char *const qy__migratetype_names[QY_NR_MIGRATETYPES] = {
	"Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate",
};

/* ---- printing ---- */

static void print_head(struct qy__buf *buf, unsigned int pageblock_order, unsigned int nr_orders)
{
	qy__fmt(buf, "Page block order: %d\n", (int)pageblock_order);
	qy__fmt(buf, "Pages per block:  %lu\n\n", 1ul << pageblock_order);
	qy__fmt(buf, "%-43s ", FREE_TITLE);
	for (unsigned int order = 0; order < nr_orders; order++)
		qy__fmt(buf, "%6d ", (int)order);
	qy__fmt(buf, "\n");
}

static void print_free(struct qy__buf *buf, const struct qy_pagetypeinfo_zone *zone, uint32_t types,
		       unsigned int nr_orders)
{
	for (int type = 0; type < QY_NR_MIGRATETYPES; type++) {
		if (!(types >> type & 1))
			continue;
		qy__fmt(buf, "Node %4d, zone %8s, type %12s ", (int)zone->node, zone->name,
			qy__migratetype_names[type]);
		for (unsigned int order = 0; order < nr_orders; order++) {
			uint64_t n = zone->nr_free[type][order];

			qy__fmt(buf, "%s%6llu ", n >= COUNT_CAP ? ">" : "",
				(unsigned long long)min(n, (uint64_t)COUNT_CAP));
		}
		qy__fmt(buf, "\n");
	}
}

static void print_blocks_head(struct qy__buf *buf, const char *title, uint32_t types)
{
	qy__fmt(buf, "\n%-22s ", title);
	for (int type = 0; type < QY_NR_MIGRATETYPES; type++)
		if (types >> type & 1)
			qy__fmt(buf, "%12s ", qy__migratetype_names[type]);
	qy__fmt(buf, "\n");
}

static void print_blocks(struct qy__buf *buf, const struct qy_pagetypeinfo_zone *zone,
			 const uint64_t blocks[QY_NR_MIGRATETYPES], uint32_t types)
{
	qy__print_zone(buf, zone->node, zone->name);
	for (int type = 0; type < QY_NR_MIGRATETYPES; type++)
		if (types >> type & 1)
			qy__fmt(buf, "%12llu ", (unsigned long long)blocks[type]);
	qy__fmt(buf, "\n");
}

/* false: it has no pages. */
static bool fill_zone(struct qy__check *ck, unsigned int i, struct qy_pagetypeinfo_zone *zone)
{
	struct qy_zone_stat stat;

	qy__snapshot_zone(ck, i, &stat);
	*zone = (struct qy_pagetypeinfo_zone){.node = stat.node};
	memcpy(zone->name, stat.name, sizeof(zone->name));
	for (int type = 0; type < QY_NR_MIGRATETYPES; type++) {
		zone->blocks[type] = stat.nr_pageblocks[type];
		for (unsigned int order = 0; order < QY_INFO_ORDERS; order++)
			zone->nr_free[type][order] =
				stat.nr_free[order][qy__planted(TEXT_TYPE) ? type & ~1 : type];
	}
	return stat.present;
}

/* Pages [start, end) of one page block; @owner: the record of the first page that exists. */
static bool is_mixed_locked(const struct qy__check *ck, const struct qy__page_owner *owner,
			    uint32_t start, uint32_t end)
{
	unsigned int type = qy__pageblock_type(ck->mm, start);

	for (uint32_t pfn = start; pfn < end; pfn++) {
		const struct qy__page_owner *rec = owner + (pfn - ck->min_pfn);

		if (qy__load_relaxed(&qy__check_page(ck, pfn)->type) == QY__PAGE_BUDDY)
			pfn += qy__check_block_pages(ck, pfn) - 1;
		else if (qy__load_relaxed(&rec->live) &&
			 qy__owner_migratetype(ck->mm, qy__load_relaxed(&rec->gfp)) != type)
			return true;
	}
	return false;
}

/* As the kernel does it, those of CMA blocks are told as Movable ones. */
static void count_mixed(struct qy__check *ck, unsigned int z, const struct qy__page_owner *owner,
			uint32_t owner_end, uint64_t mixed[QY_NR_MIGRATETYPES])
{
	struct qy__zone *zone = &ck->mm->zone[z];
	uint32_t step = 1u << ck->mm->pageblock_order, pfn, next, end;
	bool locked = qy__check_lock(ck, &zone->lock, "zone");

	memset(mixed, 0, QY_NR_MIGRATETYPES * sizeof(*mixed));
	qy__snapshot_span(ck, z, &pfn, &end);
	end = min(end, owner_end);
	for (; pfn < end; pfn = next) {
		unsigned int type = qy__pageblock_type(ck->mm, pfn);

		next = min((pfn & ~(step - 1)) + step, end);
		if (type < QY_NR_MIGRATETYPES && is_mixed_locked(ck, owner, pfn, next))
			mixed[type == QY_MIGRATE_CMA ? QY_MIGRATE_MOVABLE : type]++;
	}
	if (locked)
		qy__check_unlock(ck, &zone->lock);
}

static void print_mixed(struct qy__buf *buf, struct qy__check *ck)
{
	struct qy_pagetypeinfo_zone zone;
	const struct qy__page_owner *owner;
	uint32_t end;

	owner = qy__check_owner_records(ck, &end);
	if (!owner)
		return;
	print_blocks_head(buf, MIXED_TITLE, ALL_TYPES);
	for (unsigned int i = 0; i < ck->mm->nr_zones; i++) {
		if (fill_zone(ck, i, &zone)) {
			count_mixed(ck, i, owner, end, zone.mixed);
			print_blocks(buf, &zone, zone.mixed, ALL_TYPES);
		}
	}
}

size_t qy_pagetypeinfo(struct qy_mm *mm, char *text, size_t size)
{
	struct qy__buf buf = qy__text(text, size);
	struct qy_pagetypeinfo_zone zone;
	struct qy__check ck;

	if (!qy__snapshot_begin(&ck, mm))
		return 0;
	print_head(&buf, mm->pageblock_order, mm->max_order + 1);
	for (unsigned int i = 0; i < mm->nr_zones; i++)
		if (fill_zone(&ck, i, &zone))
			print_free(&buf, &zone, ALL_TYPES, mm->max_order + 1);
	print_blocks_head(&buf, BLOCKS_TITLE, ALL_TYPES);
	for (unsigned int i = 0; i < mm->nr_zones; i++)
		if (fill_zone(&ck, i, &zone))
			print_blocks(&buf, &zone, zone.blocks, ALL_TYPES);
	print_mixed(&buf, &ck);
	return buf.len;
}

size_t qy_pagetypeinfo_print(const struct qy_pagetypeinfo *info, char *text, size_t size)
{
	unsigned int zones = min(info->nr_zones, info->max_zones);
	struct qy__buf buf = qy__text(text, size);

	print_head(&buf, info->pageblock_order, info->nr_orders);
	for (unsigned int i = 0; i < zones; i++)
		print_free(&buf, &info->zone[i], info->types, info->nr_orders);
	print_blocks_head(&buf, BLOCKS_TITLE, info->types);
	for (unsigned int i = 0; i < zones; i++)
		print_blocks(&buf, &info->zone[i], info->zone[i].blocks, info->types);
	if (!info->has_mixed)
		return buf.len;
	print_blocks_head(&buf, MIXED_TITLE, info->types);
	for (unsigned int i = 0; i < zones; i++)
		print_blocks(&buf, &info->zone[i], info->zone[i].mixed, info->types);
	return buf.len;
}

/* ---- reading ---- */

#define MAX_COLUMNS 16

enum table { TABLE_NONE, TABLE_FREE, TABLE_BLOCKS, TABLE_MIXED };

struct reader {
	struct qy_pagetypeinfo *info;
	struct qy__scan s;
	enum table table;
	bool has_order, has_pages, has_blocks;
	/* blocks, mixed: the migratetype of each column; QY_NR_MIGRATETYPES: none that is known */
	int column[MAX_COLUMNS];
	unsigned int nr_columns;
	/* the zone of the row before, stored or not */
	struct qy_pagetypeinfo_zone *zone, spare;
};

static int type_of(const char *name)
{
	int type = 0;

	while (type < QY_NR_MIGRATETYPES && strcmp(name, qy__migratetype_names[type]))
		type++;
	return type;
}

static int read_order(struct reader *r)
{
	if (r->has_order || !qy__scan_uint(&r->s, &r->info->pageblock_order) ||
	    !qy__scan_done(&r->s) || r->info->pageblock_order >= QY_INFO_ORDERS)
		return -EINVAL;
	r->has_order = true;
	return 0;
}

static int read_pages(struct reader *r)
{
	uint64_t pages;

	if (!r->has_order || r->has_pages || !qy__scan_u64(&r->s, &pages) ||
	    !qy__scan_done(&r->s) || pages != UINT64_C(1) << r->info->pageblock_order)
		return -EINVAL;
	r->has_pages = true;
	return 0;
}

/* The orders, from 0 on. */
static int read_free_head(struct reader *r)
{
	struct qy_pagetypeinfo *info = r->info;
	unsigned int order;

	if (!r->has_pages || info->nr_orders)
		return -EINVAL;
	r->table = TABLE_FREE;
	while (!qy__scan_done(&r->s)) {
		if (!qy__scan_uint(&r->s, &order) || order != info->nr_orders ||
		    order >= QY_INFO_ORDERS)
			return -EINVAL;
		info->nr_orders++;
	}
	return info->nr_orders ? 0 : -EINVAL;
}

/* The types of a table of page blocks: those that have rows in the first table, no more. */
static int read_blocks_head(struct reader *r, enum table table)
{
	uint32_t types = 0;

	if (!r->info->nr_orders || (table == TABLE_BLOCKS) == r->has_blocks || r->info->has_mixed)
		return -EINVAL;
	r->table = table;
	r->zone = NULL;
	for (r->nr_columns = 0; !qy__scan_done(&r->s); r->nr_columns++) {
		char name[32];
		int type;

		if (r->nr_columns == MAX_COLUMNS || !qy__scan_name(&r->s, name, sizeof(name)))
			return -EINVAL;
		type = r->column[r->nr_columns] = type_of(name);
		if (type < QY_NR_MIGRATETYPES && types >> type & 1)
			return -EINVAL;
		types |= 1u << type & ALL_TYPES;
	}
	if (!types || (r->info->nr_zones && types != r->info->types))
		return -EINVAL;
	r->info->types = types;
	*(table == TABLE_BLOCKS ? &r->has_blocks : &r->info->has_mixed) = true;
	return 0;
}

static bool is_zone(const struct qy_pagetypeinfo_zone *zone, unsigned int node, const char *name)
{
	return zone->node == node && !strcmp(zone->name, name);
}

/* The zone of a row. NULL: it is not known, and none can be added here. */
static struct qy_pagetypeinfo_zone *find_zone(struct reader *r, unsigned int node, const char *name)
{
	struct qy_pagetypeinfo *info = r->info;

	if (r->zone && is_zone(r->zone, node, name))
		return r->zone;
	for (unsigned int i = 0; i < min(info->nr_zones, info->max_zones); i++)
		if (is_zone(&info->zone[i], node, name))
			return &info->zone[i];
	if (r->table == TABLE_FREE)
		r->zone = info->nr_zones < info->max_zones ? &info->zone[info->nr_zones]
							   : &r->spare;
	else if (info->nr_zones > info->max_zones)
		r->zone = &r->spare;
	else
		return NULL;
	*r->zone = (struct qy_pagetypeinfo_zone){.node = node};
	memcpy(r->zone->name, name, sizeof(r->zone->name));
	for (int type = 0; type < QY_NR_MIGRATETYPES; type++) {
		r->zone->blocks[type] = r->zone->mixed[type] = QY_INFO_NONE;
		r->zone->nr_free[type][0] = QY_INFO_NONE;
	}
	info->nr_zones += r->table == TABLE_FREE;
	return r->zone;
}

/* Behind "type": its name, then a count for each order. */
static int read_free(struct reader *r, struct qy_pagetypeinfo_zone *zone)
{
	unsigned int order = 0;
	char name[32];
	int type;

	if (!qy__scan_char(&r->s, ',') || !qy__scan_word(&r->s, "type") ||
	    !qy__scan_name(&r->s, name, sizeof(name)))
		return -EINVAL;
	type = type_of(name);
	if (type == QY_NR_MIGRATETYPES)
		return 0;
	if (zone->nr_free[type][0] != QY_INFO_NONE)
		return -EINVAL;
	for (; order < r->info->nr_orders; order++) {
		bool more = qy__scan_char(&r->s, '>');
		uint64_t *n = &zone->nr_free[type][order];

		if (!qy__scan_u64(&r->s, n) || (more && *n != COUNT_CAP))
			return -EINVAL;
	}
	r->info->types |= 1u << type;
	return qy__scan_done(&r->s) ? 0 : -EINVAL;
}

static int read_blocks(struct reader *r, uint64_t blocks[QY_NR_MIGRATETYPES])
{
	for (unsigned int i = 0; i < r->nr_columns; i++) {
		int type = r->column[i];
		uint64_t n;

		if (!qy__scan_u64(&r->s, &n))
			return -EINVAL;
		if (type == QY_NR_MIGRATETYPES)
			continue;
		if (blocks[type] != QY_INFO_NONE)
			return -EINVAL;
		blocks[type] = n;
	}
	return qy__scan_done(&r->s) ? 0 : -EINVAL;
}

static int read_row(struct reader *r)
{
	struct qy_pagetypeinfo_zone *zone;
	unsigned int node;
	char name[12];
	int ret = qy__scan_zone(&r->s, &node, name);

	if (ret <= 0)
		return ret;
	zone = r->table == TABLE_NONE ? NULL : find_zone(r, node, name);
	if (!zone)
		return -EINVAL;
	if (r->table == TABLE_FREE)
		return read_free(r, zone);
	return read_blocks(r, r->table == TABLE_BLOCKS ? zone->blocks : zone->mixed);
}

/* 0, also if the line is none of ours; -EINVAL. */
static int read_line(struct reader *r)
{
	if (qy__scan_word(&r->s, "Page block order:"))
		return read_order(r);
	if (qy__scan_word(&r->s, "Pages per block:"))
		return read_pages(r);
	if (qy__scan_word(&r->s, FREE_TITLE))
		return read_free_head(r);
	if (qy__scan_word(&r->s, BLOCKS_TITLE))
		return read_blocks_head(r, TABLE_BLOCKS);
	if (qy__scan_word(&r->s, MIXED_TITLE))
		return read_blocks_head(r, TABLE_MIXED);
	return read_row(r);
}

/* Every zone has a row for each type, and one in the other tables. */
static int check_whole(const struct qy_pagetypeinfo *info)
{
	for (unsigned int i = 0; i < min(info->nr_zones, info->max_zones); i++) {
		const struct qy_pagetypeinfo_zone *zone = &info->zone[i];

		for (int type = 0; type < QY_NR_MIGRATETYPES; type++) {
			if (!(info->types >> type & 1))
				continue;
			if (zone->nr_free[type][0] == QY_INFO_NONE ||
			    zone->blocks[type] == QY_INFO_NONE ||
			    (info->has_mixed && zone->mixed[type] == QY_INFO_NONE))
				return -EINVAL;
		}
	}
	return 0;
}

int qy_pagetypeinfo_parse(const char *text, size_t len, struct qy_pagetypeinfo *info,
			  unsigned int *line)
{
	struct reader r = {.info = info, .s = QY__SCAN(text, len)};
	int ret = -EINVAL;

	if (info->struct_size == sizeof(*info)) {
		info->nr_zones = info->nr_orders = info->types = 0;
		info->has_mixed = false;
		while ((ret = qy__scan_line(&r.s)) > 0 && !(ret = read_line(&r)))
			;
	}
	if (!ret)
		ret = r.has_blocks ? check_whole(info) : -EINVAL;
	if (line)
		*line = r.s.line;
	if (ret)
		return ret;
	return info->nr_zones > info->max_zones ? -ENOSPC : 0;
}
