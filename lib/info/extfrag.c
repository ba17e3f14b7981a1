/* SPDX-License-Identifier: MIT */
/*
 * extfrag.c - how far the free memory of a zone is in pieces, as debugfs' extfrag/unusable_index
 * and extfrag/extfrag_index print it.
 *
 * The formulas are Mel Gorman's. The kernel prints what lies between -1 and 0 as
 * "0.-500"; here it is "-0.500".
 *
 * Lock: one zone->lock at a time.
 */
#include <stdlib.h>

#include "info/info.h"

typedef int index_fn(unsigned int order, uint64_t free_pages, uint64_t suitable, uint64_t blocks);

int qy__unusable_index(unsigned int order, uint64_t free_pages, uint64_t suitable)
{
	return free_pages ? (int)((free_pages - (suitable << order)) * 1000 / free_pages) : 1000;
}

int qy__fragmentation_index(unsigned int order, uint64_t free_pages, uint64_t suitable,
			    uint64_t blocks)
{
	if (!blocks)
		return 0;
	if (suitable)
		return -1000;
	return 1000 - (int)((1000 + free_pages * 1000 / (UINT64_C(1) << order)) / blocks);
}

static int unusable(unsigned int order, uint64_t free_pages, uint64_t suitable, uint64_t blocks)
{
	(void)blocks;
	return qy__unusable_index(order, free_pages, suitable);
}

static int index_of(const struct qy_zone_stat *stat, unsigned int order, index_fn *index)
{
	uint64_t free_pages = 0, suitable = 0, blocks = 0;

	for (unsigned int k = 0; k < QY__NR_ORDERS; k++) {
		uint64_t n = 0;

		for (int type = 0; type < QY_NR_MIGRATETYPES; type++)
			n += stat->nr_free[k][type];
		blocks += n;
		free_pages += n << k;
		if (k >= order)
			suitable += n << (k - order);
	}
	return index(order, free_pages, suitable, blocks);
}

static size_t print_indexes(struct qy_mm *mm, char *text, size_t size, index_fn *index,
			    unsigned int width)
{
	struct qy__buf buf = qy__text(text, size);
	struct qy_zone_stat stat;
	struct qy__check ck;

	if (!qy__snapshot_begin(&ck, mm))
		return 0;
	for (unsigned int i = 0; i < mm->nr_zones; i++) {
		qy__snapshot_zone(&ck, i, &stat);
		if (!stat.present)
			continue;
		qy__print_zone(&buf, stat.node, stat.name);
		for (unsigned int order = 0; order <= mm->max_order; order++) {
			int x = index_of(&stat, order, index);

			qy__fmt(&buf, "%*s%d.%03d ", (int)width, x < 0 ? "-" : "", abs(x) / 1000,
				abs(x) % 1000);
		}
		qy__fmt(&buf, "\n");
	}
	return buf.len;
}

size_t qy_unusable_index(struct qy_mm *mm, char *text, size_t size)
{
	return print_indexes(mm, text, size, unusable, 0);
}

size_t qy_extfrag_index(struct qy_mm *mm, char *text, size_t size)
{
	return print_indexes(mm, text, size, qy__fragmentation_index, 1);
}
