/* SPDX-License-Identifier: MIT */
/*
 * buddyinfo.c - free blocks by zone and order as /proc/buddyinfo prints them; zones without pages
 * are left out.
 *
 * Lock: one zone->lock at a time.
 */
#include <quarry/info.h>

#include "page/page.h"
#include "util/fmt.h"

static void print_zone(struct qy__buf *buf, struct qy_mm *mm, struct qy__zone *zone)
{
	qy__lock(&zone->lock);
	if (zone->present) {
		qy__fmt(buf, "Node %d, zone %8s ", zone->node, zone->name);
		for (unsigned int order = 0; order <= mm->max_order; order++)
			qy__fmt(buf, "%6lu ", (unsigned long)zone->area[order].nr_free);
		qy__fmt(buf, "\n");
	}
	qy__unlock(&zone->lock);
}

size_t qy_buddyinfo(struct qy_mm *mm, char *text, size_t size)
{
	struct qy__buf buf = {.p = text, .cap = size};

	if (size)
		text[0] = '\0'; /* there may be no zone */
	for (unsigned int z = 0; z < mm->nr_zones; z++)
		print_zone(&buf, mm, &mm->zone[z]);
	return buf.len;
}
