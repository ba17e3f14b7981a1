/* SPDX-License-Identifier: MIT */
/*
 * buddyinfo.c - free blocks by zone and order as /proc/buddyinfo prints them; zones without pages
 * are left out.
 *
 * Lock: one zone->lock at a time.
 */
#include <errno.h>
#include <string.h>

#include "info/info.h"
#include "util/plant.h"

static void print_zone(struct qy__buf *buf, const struct qy_buddyinfo_zone *zone,
		       unsigned int nr_orders)
{
	qy__print_zone(buf, zone->node, zone->name);
	for (unsigned int order = 0; order < nr_orders; order++)
		qy__fmt(buf, "%6llu ", (unsigned long long)zone->nr_free[order]);
	qy__fmt(buf, "\n");
}

static void fill_zone(struct qy_buddyinfo_zone *zone, const struct qy_zone_stat *stat)
{
	*zone = (struct qy_buddyinfo_zone){.node = stat->node};
	memcpy(zone->name, stat->name, sizeof(zone->name));
	for (unsigned int order = 0; order < QY_INFO_ORDERS; order++)
		for (int type = 0; type < QY_NR_MIGRATETYPES; type++)
			zone->nr_free[order] += stat->nr_free[order][type];
}

size_t qy_buddyinfo(struct qy_mm *mm, char *text, size_t size)
{
	struct qy__buf buf = qy__text(text, size);
	struct qy_buddyinfo_zone zone;
	struct qy_zone_stat stat;
	struct qy__check ck;

	if (!qy__snapshot_begin(&ck, mm))
		return 0;
	for (unsigned int i = 0; i < mm->nr_zones; i++) {
		qy__snapshot_zone(&ck, i, &stat);
		if (!stat.present)
			continue;
		fill_zone(&zone, &stat);
		print_zone(&buf, &zone, mm->max_order + (qy__planted(TEXT_ORDER) ? 0 : 1));
	}
	return buf.len;
}

size_t qy_buddyinfo_print(const struct qy_buddyinfo *info, char *text, size_t size)
{
	struct qy__buf buf = qy__text(text, size);

	for (unsigned int i = 0; i < min(info->nr_zones, info->max_zones); i++)
		print_zone(&buf, &info->zone[i],
			   min(info->nr_orders, (unsigned int)QY_INFO_ORDERS));
	return buf.len;
}

static bool is_known(const struct qy_buddyinfo *info, const struct qy_buddyinfo_zone *zone)
{
	for (unsigned int i = 0; i < min(info->nr_zones, info->max_zones); i++)
		if (info->zone[i].node == zone->node && !strcmp(info->zone[i].name, zone->name))
			return true;
	return false;
}

/* 0, also if the line is none of ours; -EINVAL. */
static int read_line(struct qy_buddyinfo *info, struct qy__scan *s)
{
	struct qy_buddyinfo_zone zone = {0};
	unsigned int orders = 0;
	int ret = qy__scan_zone(s, &zone.node, zone.name);

	if (ret <= 0)
		return ret;
	while (!qy__scan_done(s)) {
		if (orders == QY_INFO_ORDERS || !qy__scan_u64(s, &zone.nr_free[orders++]))
			return -EINVAL;
	}
	if (!orders || (info->nr_zones && orders != info->nr_orders) || is_known(info, &zone))
		return -EINVAL;
	info->nr_orders = orders;
	if (info->nr_zones < info->max_zones)
		info->zone[info->nr_zones] = zone;
	info->nr_zones++;
	return 0;
}

int qy_buddyinfo_parse(const char *text, size_t len, struct qy_buddyinfo *info, unsigned int *line)
{
	struct qy__scan s = QY__SCAN(text, len);
	int ret = -EINVAL;

	if (info->struct_size == sizeof(*info)) {
		info->nr_zones = info->nr_orders = 0;
		while ((ret = qy__scan_line(&s)) > 0 && !(ret = read_line(info, &s)))
			;
	}
	if (line)
		*line = s.line;
	if (ret)
		return ret;
	return info->nr_zones > info->max_zones ? -ENOSPC : 0;
}
