/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page_reclaim.c - target "page": the operations that make the library ask for memory back:
 * shrinkers come and go, shrink, drain, trim, what the hook gives.
 *
 * Called by fuzz_page.c. The number of pages or objects that a call says it freed is compared with
 * the model's; what is called on the way, with the script (page_script.c).
 */
#include "page_state.h"

#include <errno.h>
#include <string.h>

/* How it behaves follows from @how; it comes before those that are registered. */
static void set_up(unsigned int who, unsigned int how)
{
	static const unsigned int seeks[] = {2, 0, 1, 4}, scales[] = {1, 1, 16, 64};
	static const uint8_t batches[] = {0, 16, 32, 64};
	struct fzp_shrinker *s = &fzp.shrinker[who];

	s->mode = (how & 7) > 3 ? (enum fzp_mode)(how >> 3 & 7) : FZP_NORMAL;
	s->seeks = seeks[how >> 6 & 3];
	s->batch = batches[how >> 8 & 3];
	s->scale = scales[how >> 10 & 3];
	s->by_node = how >> 12 & 1;
	if (s->scale == 1 && s->batch == 64)
		s->batch = 1;
	memset(s->deferred, 0, sizeof(s->deferred));
	memmove(fzp.order + 1, fzp.order, fzp.nr_registered++);
	fzp.order[0] = (uint8_t)who;
	s->registered = true;
	s->s.count = fzp_count;
	s->s.scan = fzp_scan;
	s->s.batch = s->batch;
	s->s.seeks = s->seeks;
	s->s.flags = s->by_node ? QY_SHRINKER_NUMA_AWARE : 0;
}

static void do_shrinker(const struct fz_op *op, struct fz_log *log)
{
	unsigned int who = op->a % FZP_SHRINKERS;
	struct fzp_shrinker *s = &fzp.shrinker[who];
	int want = s->registered ? -EBUSY : 0;

	log->ran = true;
	if (op->flags % 4 == 3) {
		want = s->registered ? 0 : -ENOENT;
		if (s->registered)
			fzp_unlist(who);
		log->ret = qy_shrinker_unregister(&s->s);
	} else if (op->flags % 16 == 4) {
		struct qy_shrinker none = {.count = fzp_count};

		want = -EINVAL;
		log->ret = qy_shrinker_register(fz.mm, &none);
	} else {
		if (!s->registered)
			set_up(who, op->a / 4);
		log->ret = qy_shrinker_register(fz.mm, &s->s);
	}
	if (log->ret != want)
		fz_fail("model", "shrinker %u: %d, expected %d", who, (int)log->ret, want);
}

static void do_shrink(const struct fz_op *op, struct fz_log *log)
{
	unsigned int priority = (unsigned int)fz_value(FZ_K_PRIORITY, op->a, &fz.in.geo);
	unsigned int node = op->flags % 8 == 7 ? fzp.m.nr_nodes : op->flags % fzp.m.nr_nodes;
	size_t want = fzp_shrink(QY_GFP_NOIO, node, 1, priority);

	fzp_same_size(log, "shrink", qy_mm_shrink(fz.mm, QY_GFP_NOIO, node, priority), want);
}

static void do_drain(struct fz_log *log)
{
	size_t want = pm_drain(&fzp.m);

	fzp_same_size(log, "drain", qy_mm_drain_pages(fz.mm), want);
}

static void do_trim(struct fz_log *log)
{
	fzp_shrink(QY_GFP_KERNEL, fzp.m.cpu_node[fzp.m.cpu], 1, 0);
	pm_drain(&fzp.m);
	fzp_same_size(log, "trim of an arena", qy_mm_trim(fz.mm), 0);
}

static void do_hook(const struct fz_op *op, struct fz_log *log)
{
	log->ran = true;
	fzp.hook_left = op->a % 20;
}

bool fzp_step_reclaim(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_SHRINKER: do_shrinker(op, log); return true;
	case FZ_SHRINK: do_shrink(op, log); return true;
	case FZ_DRAIN: do_drain(log); return true;
	case FZ_MM_TRIM: do_trim(log); return true;
	case FZ_HOOK: do_hook(op, log); return true;
	default: return false;
	}
}
