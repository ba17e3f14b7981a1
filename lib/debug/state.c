/* SPDX-License-Identifier: MIT */
/*
 * state.c - the debug state of an instance: what it starts with, and its locks over fork().
 *
 * Lock order: large and quarantine are taken before the page floor's locks, the depot's after them.
 */
#include <errno.h>

#include "debug/debug.h"
#include "page/mm.h"
#include "util/backtrace.h"
#include "util/bitops.h"

/* Tables of the depot: in proportion to the instance. */
static int init_depot(struct qy_mm *mm, struct qy__stackdepot *d)
{
	size_t pages = mm->max_pfn - mm->min_pfn;
	uint32_t nr_buckets =
		(uint32_t)qy__roundup_pow2(min(max(pages / 2, (size_t)64), (size_t)65536));
	uint32_t max_pools = (uint32_t)min(max(pages / 8, (size_t)4), (size_t)8192);
	bool small = pages < 4096;
	uint32_t *bucket = qy__mm_boot_alloc(mm, nr_buckets * sizeof(*bucket), 64);
	void **pool = qy__mm_boot_alloc(mm, max_pools * sizeof(*pool), 64);

	if (!bucket || !pool)
		return -ENOMEM;
	qy__depot_init(d, bucket, nr_buckets, pool, max_pools,
		       small ? QY_CONFIG_PAGE_SHIFT : max(16u, (unsigned int)QY_CONFIG_PAGE_SHIFT));
	mm->depot = d;
	return 0;
}

int qy__debug_init(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	struct qy__debug_state *st = mm->debug;

	/* Where nobody chose a seed, each run is another one. */
	qy__poison_init(mm, cfg->seed || cfg->backing != QY_BACKING_ANON
				    ? cfg->seed
				    : (uint64_t)(uintptr_t)mm->base);
	if (!QY_CONFIG_DEBUG)
		return 0;
	st->quarantine.limit = QY_CONFIG_QUARANTINE ? st->config.quarantine : 0;
	qy__page_list_init(&st->quarantine.pages);
	if (cfg->backing == QY_BACKING_ANON && (st->config.global & QY_SLAB_STORE_USER))
		qy__backtrace_init();
	return init_depot(mm, &st->depot);
}

void qy__debug_lock_all(struct qy_mm *mm)
{
	qy__lock(&mm->debug->large_lock);
	qy__lock(&mm->debug->quarantine.lock);
}

void qy__debug_unlock_all(struct qy_mm *mm)
{
	qy__unlock(&mm->debug->quarantine.lock);
	qy__unlock(&mm->debug->large_lock);
}

void qy__depot_lock_all(struct qy_mm *mm)
{
	qy__lock(&mm->debug->depot.lock);
}

void qy__depot_unlock_all(struct qy_mm *mm)
{
	qy__unlock(&mm->debug->depot.lock);
}
