/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page_marks.c - target "page": marks, balancing, lists of zones, CPUs.
 *
 * Called by fuzz_page.c, and page_start.c for the lists of zones. Compared: lists, results, and
 * through fuzz_page.c each zone's marks and reserves, with page_model.c's.
 */
#include <errno.h>
#include <string.h>

#include "page_state.h"

static bool below_high(const struct pm_zone *z)
{
	return z->managed && z->free < z->mark[QY_WMARK_HIGH] + z->boost;
}

/* Rounds from lightly to everything, as long as they bring something. */
static void balance_zone(const struct pm_zone *z)
{
	uint32_t before;

	do {
		before = z->free;
		for (int priority = 12; priority >= 0 && below_high(z); priority--)
			if (fzp_shrink(QY_GFP_KERNEL, z->node, 1, (unsigned int)priority))
				pm_drain(&fzp.m);
	} while (z->free > before && below_high(z));
}

static uint32_t all_free(void)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < fzp.m.nr_zones; i++)
		n += fzp.m.zone[i].free;
	return n;
}

static size_t play_balance(void)
{
	uint32_t before = all_free();
	bool drained = false;

	fzp.m.balance_wanted = false;
	if (!fzp.m.marks_on)
		return 0;
	for (unsigned int i = 0; i < fzp.m.nr_zones; i++) {
		if (!below_high(&fzp.m.zone[i]))
			continue;
		if (!drained)
			pm_drain(&fzp.m);
		drained = true;
		balance_zone(&fzp.m.zone[i]);
	}
	for (unsigned int i = 0; i < fzp.m.nr_zones; i++)
		fzp.m.zone[i].boost = 0;
	return all_free() > before ? all_free() - before : 0;
}

static void do_balance(struct fz_log *log)
{
	size_t want = play_balance();

	fzp_same_size(log, "balance", qy_mm_balance(fz.mm), want);
}

static void do_marks(const struct fz_op *op, struct fz_log *log)
{
	struct qy_watermark_config config;
	int want;

	fz_page_marks(op->flags, op->a, &config);
	want = pm_marks_valid(&config) ? 0 : -EINVAL;
	if (!want)
		pm_set_marks(&fzp.m, &config);
	log->ran = true;
	log->ret = qy_mm_set_watermarks(fz.mm, &config);
	if (log->ret != want)
		fz_fail("model", "set_watermarks gave %d, expected %d", (int)log->ret, want);
}

static unsigned int check_zonelist(unsigned int node, unsigned int gfp, unsigned int max)
{
	uint16_t list[PM_ZONES + 4] = {0}, want[PM_ZONES];
	unsigned int nr = 0, got;

	if (node < fzp.m.nr_nodes) {
		const uint8_t *at = fzp.m.zonelist[node][!!(gfp & QY_GFP_THISNODE)];

		for (; *at != PM_ZONE_END; at++)
			if (fzp.m.zone[*at].type <= pm_highest_zone(gfp))
				want[nr++] = *at;
	}
	got = qy_zonelist(fz.mm, node, gfp, list, max);
	if (got != nr || memcmp(list, want, (nr < max ? nr : max) * sizeof(list[0])))
		fz_fail("Z5", "the list of node %u (gfp %x) has %u zones, or another order", node,
			gfp, got);
	return got;
}

void fzp_check_zonelists(void)
{
	for (unsigned int node = 0; node < fzp.m.nr_nodes; node++) {
		check_zonelist(node, QY_GFP_HIGHMEM, PM_ZONES);
		check_zonelist(node, QY_GFP_HIGHMEM | QY_GFP_THISNODE, PM_ZONES);
	}
}

static void do_zonelist(const struct fz_op *op, struct fz_log *log)
{
	log->ran = true;
	log->ret = check_zonelist(op->b >> 8 & 7, fz_page_gfp(op->flags, op->b), op->a % 20);
}

static void do_set_cpu(const struct fz_op *op, struct fz_log *log)
{
	unsigned int cpu = (unsigned int)fz_value(FZ_K_CPU, op->flags, &fz.in.geo);
	int want = cpu < fz.in.geo.nr_cpus ? 0 : -EINVAL;

	log->ran = true;
	log->ret = qy_mm_set_cpu(fz.mm, cpu);
	if (log->ret != want)
		fz_fail("model", "set_cpu(%u) of %u gave %d", cpu, fz.in.geo.nr_cpus,
			(int)log->ret);
	if (!want)
		fzp.m.cpu = cpu;
	if (qy_mm_this_node(fz.mm) != fzp.m.cpu_node[fzp.m.cpu])
		fz_fail("model", "CPU %u is on node %u, not on %u", fzp.m.cpu,
			qy_mm_this_node(fz.mm), fzp.m.cpu_node[fzp.m.cpu]);
}

/* An arena has what it has. */
static void do_add_memory(const struct fz_op *op, struct fz_log *log)
{
	size_t bytes = op->a & 1 ? SIZE_MAX - op->a : (size_t)op->a << 6;

	log->ran = true;
	log->ret = qy_mm_add_memory(fz.mm, bytes);
	if (log->ret != (bytes ? -ENOMEM : 0))
		fz_fail("model", "add_memory(%zu) gave %d", bytes, (int)log->ret);
}

bool fzp_step_marks(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_BALANCE: do_balance(log); return true;
	case FZ_SET_MARKS: do_marks(op, log); return true;
	case FZ_ZONELIST: do_zonelist(op, log); return true;
	case FZ_SET_CPU: do_set_cpu(op, log); return true;
	case FZ_ADD_MEMORY: do_add_memory(op, log); return true;
	default: return false;
	}
}
