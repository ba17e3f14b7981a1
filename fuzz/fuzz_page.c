/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page.c - target "page": the page floor against the exact model.
 *
 * The model says beforehand which block a request gets, from which zone, or that it fails; for
 * everything that is freed, what comes back and what is reported; what shrinkers are asked; and
 * after each step what every counter says.
 *
 * Called by harness.c through struct fz_target; the operations are in the other fuzz_page_*.c.
 */
#include "page_state.h"

#include <stdio.h>
#include <string.h>

static struct fzp_state saved;
static char saved_arena[(size_t)FZ_MAX_PFN << FZ_PAGE_SHIFT];
static bool have_saved;

/* ---- snapshots: the arena is the instance ---- */

static void do_snapshot(struct fz_log *log)
{
	memcpy(saved_arena, fz.arena, fz.arena_size);
	saved = fzp;
	have_saved = true;
	log->ran = true;
}

static void do_restore(struct fz_log *log)
{
	if (!have_saved)
		return;
	memcpy(fz.arena, saved_arena, fz.arena_size);
	fzp = saved;
	log->ran = true;
}

/* Another instance in the place of this one: planted faults of the start show. */
static void do_recreate(struct fz_log *log)
{
	fz.starting = true;
	fz.in.geo.guard_order = 0;
	fz_recreate();
	have_saved = false;
	fzp_begin();
	fz.starting = false;
	log->ran = true;
}

static void page_begin(void)
{
	have_saved = false;
	fzp_begin();
}

static void page_step(const struct fz_op *op, struct fz_log *log)
{
	fzp_script_begin();
	fzp.m.tell = 0;
	fzp.stale_reports = 0;
	fzp.moved = false;
	if (fzp_step_alloc(op, log) || fzp_step_reclaim(op, log) || fzp_step_marks(op, log) ||
	    fzp_step_runs(op, log) || fzp_step_frag(op, log))
		return;
	switch ((enum fz_opcode)op->op) {
	case FZ_PAGE_TEXT:
	case FZ_PAGE_TEXTS: fzp_text(op, log); break;
	case FZ_ANON: fzp_anon(op, log); break;
	case FZ_RECREATE: do_recreate(log); break;
	case FZ_SNAPSHOT: do_snapshot(log); break;
	case FZ_RESTORE: do_restore(log); break;
	default: break;
	}
}

/* ---- comparison ---- */

static void same(const char *id, const struct pm_zone *z, const char *what, uint64_t got,
		 uint64_t want)
{
	if (got != want)
		fz_fail(id, "node %u zone %u: %s is %llu, the model says %llu", z->node, z->type,
			what, (unsigned long long)got, (unsigned long long)want);
}

static void compare_lists(const struct pm_zone *z, const struct qy_zone_stat *s)
{
	for (unsigned int o = 0; o <= fzp.m.max_order; o++) {
		for (unsigned int t = 0; t < QY_NR_MIGRATETYPES; t++) {
			if (s->nr_free[o][t] != z->list[o][t].nr)
				fz_fail("B10",
					"node %u zone %u: %zu free blocks of order %u, type %u, "
					"the model says %u",
					z->node, z->type, s->nr_free[o][t], o, t, z->list[o][t].nr);
		}
	}
}

static void compare_zone(const struct pm_zone *z)
{
	static struct qy_zone_stat s;
	size_t types[QY_NR_MIGRATETYPES] = {0};

	s.struct_size = sizeof(s);
	if (qy_zone_stat_get(fz.mm, z->node, (enum qy_zone_type)z->type, &s))
		fz_fail("model", "no figures of a zone");
	same("B5", z, "free", s.free, z->free);
	same("B5", z, "free CMA", s.free_cma, z->free_cma);
	same("B5", z, "free high-atomic", s.free_highatomic, z->free_highatomic);
	same("B5", z, "free in whole blocks", s.free_blocks, z->free_blocks);
	same("Z8", z, "span", s.spanned, z->end - z->start);
	same("Z8", z, "present", s.present, z->present);
	same("Z8", z, "managed", s.managed, z->managed);
	same("B11", z, "reserved high-atomic", s.reserved_highatomic, z->reserved_highatomic);
	same("model", z, "CMA", s.cma, z->cma);
	same("P1", z, "count on CPUs' lists", s.pcp_count, pm_pcp_count(&fzp.m, z));
	same("Z2", z, "boost", s.boost, z->boost);
	for (unsigned int i = 0; i < QY_NR_WMARK; i++)
		same("Z2", z, "mark", s.mark[i], z->mark[i]);
	for (unsigned int i = 0; i < QY_NR_ZONES; i++)
		same("Z3", z, "reserve", s.lowmem_reserve[i], z->reserve[i]);
	if (fzp.m.pcp_on && z->possible) {
		same("P2", z, "batch", s.pcp_batch, z->batch);
		same("P2", z, "high", s.pcp_high, z->high);
	}
	same("model", z, "hits", s.numa_hit, z->hit);
	same("model", z, "misses", s.numa_miss, z->miss);
	same("model", z, "foreign", s.numa_foreign, z->foreign);
	same("model", z, "local", s.numa_local, z->local);
	same("model", z, "other", s.numa_other, z->other);
	compare_lists(z, &s);
	for (uint32_t pfn = z->start; pfn < z->end;
	     pfn = ((pfn >> fzp.m.block_order) + 1) << fzp.m.block_order)
		types[pm_type(&fzp.m, pfn)]++;
	for (unsigned int t = 0; t < QY_NR_MIGRATETYPES; t++)
		same("B6", z, "page blocks of a type", s.nr_pageblocks[t], types[t]);
}

static void compare_totals(void)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};
	size_t free = 0, managed = 0, largest = 0;

	qy_page_stats(fz.mm, &stats);
	for (unsigned int i = 0; i < fzp.m.nr_zones; i++) {
		const struct pm_zone *z = &fzp.m.zone[i];

		free += z->free + (fzp.m.pcp_on ? pm_pcp_count(&fzp.m, z) : 0);
		managed += z->managed;
	}
	if (stats.free != free || stats.managed != managed)
		fz_fail("B5", "%zu of %zu pages free, the model says %zu of %zu", stats.free,
			stats.managed, free, managed);
	for (unsigned int o = 0; o <= fzp.m.max_order; o++)
		if (stats.nr_free[o])
			largest = (size_t)1 << o;
	if (stats.free_max != largest)
		fz_fail("model", "largest free block %zu, expected %zu", stats.free_max, largest);
	if (stats.high_water != fzp.m.high_water)
		fz_fail("model", "high water %zu, the model says %u", stats.high_water,
			fzp.m.high_water);
	if (qy_mm_needs_balance(fz.mm) != fzp.m.balance_wanted)
		fz_fail("model", "balancing is%s called for", fzp.m.balance_wanted ? " not" : "");
}

/* The next zone that has pages, or all of them. */
static void compare_zones(bool all)
{
	for (unsigned int i = 0; i < fzp.m.nr_zones; i++) {
		const struct pm_zone *z = &fzp.m.zone[fzp.next_zone++ % fzp.m.nr_zones];
		uint32_t pfn;

		if (!z->present && !all)
			continue;
		compare_zone(z);
		if (!all)
			break;
		if (fz.step % 64 == 63 && !pm_is_greedy(&fzp.m, z, &pfn))
			fz_fail("B10", "the model itself does not merge at %u", pfn);
	}
}

static void page_compare(void)
{
	bool all = fz.starting || fz.step % 16 == 15 || fz.step >= fz.in.nr;
	int h;

	compare_totals();
	if (fz.step % 4 == 0 || all)
		compare_zones(all);
	h = fzp_find(fzp.next_look++ % FZ_NR_BLOCKS, true);
	if (h >= 0)
		fzp_check(h);
}

static void page_end(void)
{
	for (int h = 0; h < FZ_NR_BLOCKS; h++)
		if (fzp_is_live((unsigned int)h))
			fzp_check(h);
	fzp_check_pieces();
}

/* Blocks by order and type of the lowest zones, lists on CPUs, how far from the marks. */
static void page_feedback(uint8_t counters[FZ_FEEDBACK])
{
	unsigned int at = 0, nr = 0;

	for (unsigned int i = 0; i < fzp.m.nr_zones && nr < 3; i++) {
		const struct pm_zone *z = &fzp.m.zone[i];

		if (!z->managed)
			continue;
		nr++;
		for (unsigned int o = 0; o < 5; o++)
			for (unsigned int t = 0; t < QY_NR_MIGRATETYPES; t++, at += 4)
				counters[at + (z->list[o][t].nr > 3 ? 3 : z->list[o][t].nr)] = 1;
		counters[at + fz_bucket(pm_pcp_count(&fzp.m, z))] = 1;
		at += 8;
		for (unsigned int w = 0; w < 3; w++, at += 4)
			counters[at + (z->free > z->mark[w] + z->boost ? 3
				       : z->free > z->mark[w]	       ? 2
				       : z->free == z->mark[w]	       ? 1
								       : 0)] = 1;
		counters[at + fz_bucket(z->boost)] = 1;
		at += 8;
	}
}

/* A byte of a free page that the input wrote stands until somebody gets the page. */
static bool is_stale_byte(const struct qy_violation *v)
{
	char text[sizeof(v->text)];

	snprintf(text, sizeof(text), "free page %u holds ", fzp.stale_pfn);
	return fzp.stale_pfn != FZ_NONE && !strcmp(v->id, "B13") &&
	       !strncmp(v->text, text, strlen(text));
}

/*
 * The program gave an area's page back, but not to the area; or to the area while it still had a
 * reference.
 */
static bool is_lost_page(const struct qy_violation *v)
{
	const char *at = strstr(v->text, ": page ");
	const struct pm_page *p;
	unsigned int pfn, off;
	int n = 0;

	if (strcmp(v->id, "CM") || !at || sscanf(at, ": page %u is %n", &pfn, &n) != 1 || !n)
		return false;
	p = &fzp.m.page[pfn % FZ_MAX_PFN];
	for (unsigned int i = 0; i < fzp.nr_areas; i++) {
		const struct pm_area *a = &fzp.area[i];

		off = pfn - a->base;
		if (pfn < a->base || off >= a->pages)
			continue;
		if (!a->used[off >> a->order_per_bit])
			return p->state == PM_USED && p->owner && !(p->flags & PM_F_MOVABLE);
		return pm_check_single(&fzp.m, pfn) != 0;
	}
	return false;
}

static bool page_excuses(const struct qy_violation *v)
{
	return is_stale_byte(v) || is_lost_page(v);
}

static size_t page_print(char *buf, size_t size)
{
	return qy_buddyinfo(fz.mm, buf, size);
}

const struct fz_target fz_page_target = {
	.format = &fz_page_format,
	.check = QY_CHECK_BUDDY,
	.excuses = page_excuses,
	.place = fz_page_place,
	.configure = fzp_configure,
	.spoil = fzp_spoil,
	.begin = page_begin,
	.step = page_step,
	.compare = page_compare,
	.end = page_end,
	.feedback = page_feedback,
	.print = page_print,
};
