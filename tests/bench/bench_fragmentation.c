/* SPDX-License-Identifier: MIT */
/*
 * bench_fragmentation.c - what keeping lifetimes apart is good for: the same long run of mixed
 * lifetimes with migratetype grouping on and off.
 *
 * The load: few unmovable pages that live long, some reclaimable ones of medium life, and movable
 * pages, one by one (page cache) and in runs that end together and have a few unmovable pages of
 * their own (processes). The movable ones come and go in waves that leave none and then fill almost
 * all of the memory. The same seed gives the same run to the page; nothing depends on time.
 *
 * Sampled with the CPU's lists drained: the share of the free memory that lies in blocks of order 9
 * and more (1 minus that is the unusable free space index of that order), and the share of page
 * blocks in which no page is unmovable or reclaimable: they become whole when movable pages are
 * moved away or reclaimed. At the end that is done, and blocks of order 9 are asked for.
 *
 * The exit code is 1 if the library counts other whole blocks than the run's own books, refuses a
 * block that it has, loses a page, or if grouping does not pay.
 *
 *   bench_fragmentation [--seed N] [--steps N] [--svg PATH]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <quarry/quarry.h>

#include "svg.h"

#define MEMORY ((size_t)256 << 20)
#define PAGES 65536u /* at most */
#define ORDER 9
#define MAX_ORDER 10
#define BLOCKS (PAGES >> ORDER)
#define SAMPLES 240
#define ROWS 12
#define WAVES 16
#define RUN_MAX 1024 /* pages of a process */
#define RUNS 512
#define PER_TABLE 64 /* pages of a process per unmovable one */

enum kind { UNMOVABLE, RECLAIMABLE, MOVABLE, NR_KINDS };

static const qy_gfp_t gfp_of[NR_KINDS] = {QY_GFP_KERNEL, QY_GFP_KERNEL | QY_GFP_RECLAIMABLE,
					  QY_GFP_HIGHUSER_MOVABLE};
/* Thousandths of the requests of each kind that have order 0, up to order 1, 2; others: order 3. */
static const unsigned int up_to_order[NR_KINDS][3] = {
	{750, 880, 960}, {600, 800, 900}, {940, 960, 980}};
/* How many of 1000 events make a block of this kind end: one over its life. The rest: processes. */
static const unsigned int turnover[NR_KINDS] = {4, 60, 930};

struct block {
	struct qy_page *page;
	unsigned int order;
};

/* All blocks of a kind that are not a process's. */
struct pool {
	struct block block[PAGES];
	unsigned int nr, pages;
};

struct process {
	struct block block[RUN_MAX + RUN_MAX / PER_TABLE];
	unsigned int nr, pages;
};

struct run {
	struct qy_mm *mm;
	void *memory;
	uint64_t rng;
	unsigned int managed, free_at_start, whole_at_start;
	struct pool pool[NR_KINDS];
	struct process process[RUNS];
	unsigned int nr_processes, process_pages;
	/* the run's own books: pages of each kind in each page block; can it be whole at all */
	unsigned int in_block[BLOCKS][NR_KINDS];
	bool usable[BLOCKS];
	unsigned int refused[NR_KINDS];
	double time_ns; /* without sampling */
	/* per sample */
	double when[SAMPLES], used[SAMPLES], share[SAMPLES], movable_blocks[SAMPLES];
};

/* What remained at the end: blocks of order 9 in the free lists, and those that could be had. */
struct outcome {
	unsigned int listed[3], got[3];
	struct qy_zone_stat zone;
};

static uint64_t steps = 3000000, seed = 1;
static bool wrong;

static void complain(const char *what, unsigned int library, unsigned int ours)
{
	printf("WRONG: %s: the library says %u, the run's books %u\n", what, library, ours);
	wrong = true;
}

static uint64_t next_random(struct run *r)
{
	r->rng ^= r->rng << 13;
	r->rng ^= r->rng >> 7;
	r->rng ^= r->rng << 17;
	return r->rng >> 11;
}

/* ---- blocks ---- */

static void book(struct run *r, const struct block *b, enum kind kind, int sign)
{
	uint32_t pfn = qy_page_pfn(r->mm, b->page);

	r->in_block[pfn >> ORDER][kind] += (unsigned int)(sign * (1 << b->order));
}

static bool take(struct run *r, enum kind kind, unsigned int order, struct block *b)
{
	b->order = order;
	b->page = qy_alloc_pages(r->mm, gfp_of[kind] | QY_GFP_NOWARN, order);
	if (!b->page) {
		r->refused[kind]++;
		return false;
	}
	book(r, b, kind, 1);
	return true;
}

static void give(struct run *r, enum kind kind, const struct block *b)
{
	book(r, b, kind, -1);
	if (qy_free_pages(r->mm, b->page, b->order))
		complain("a free", 1, 0);
}

static bool pool_add(struct run *r, enum kind kind)
{
	struct pool *pool = &r->pool[kind];
	unsigned int draw = (unsigned int)(next_random(r) % 1000), order = 0;

	while (order < 3 && draw >= up_to_order[kind][order])
		order++;
	if (!take(r, kind, order, &pool->block[pool->nr]))
		return false;
	pool->nr++;
	pool->pages += 1u << order;
	return true;
}

static void pool_drop(struct run *r, enum kind kind, unsigned int at)
{
	struct pool *pool = &r->pool[kind];

	give(r, kind, &pool->block[at]);
	pool->pages -= 1u << pool->block[at].order;
	pool->block[at] = pool->block[--pool->nr];
}

/* ---- processes: every PER_TABLE pages begin with an unmovable one ---- */

static enum kind process_kind(unsigned int nr)
{
	return nr % (PER_TABLE + 1) == 0 ? UNMOVABLE : MOVABLE;
}

static void process_start(struct run *r)
{
	unsigned int pages = 64 + (unsigned int)(next_random(r) % (RUN_MAX - 64));
	struct process *p;

	if (r->nr_processes == RUNS)
		return;
	p = &r->process[r->nr_processes++];
	p->nr = 0;
	while (p->nr < pages && take(r, process_kind(p->nr), 0, &p->block[p->nr]))
		p->nr++;
	r->process_pages += p->nr;
}

static void process_end(struct run *r, unsigned int at)
{
	struct process *p = &r->process[at];

	for (unsigned int i = 0; i < p->nr; i++)
		if (p->block[i].page)
			give(r, process_kind(i), &p->block[i]);
	r->process_pages -= p->nr;
	*p = r->process[--r->nr_processes];
}

/* ---- the load ---- */

/* Up and down WAVES times, and half way up at the end: 0 … 1000. */
static unsigned int wave(uint64_t step)
{
	uint64_t period = steps * 4 / (4 * WAVES + 1) + 1, at = step % period * 2000 / period;

	return (unsigned int)(at <= 1000 ? at : 2000 - at);
}

/* Pages of the pools, and of all processes, that are wanted now. */
static unsigned int wanted(const struct run *r, unsigned int kind, uint64_t step)
{
	static const unsigned int low[NR_KINDS + 1] = {45, 90, 0, 0};
	static const unsigned int high[NR_KINDS + 1] = {45, 130, 440, 340};

	return r->managed / 1000 * (low[kind] + (high[kind] - low[kind]) * wave(step) / 1000);
}

static void process_event(struct run *r, uint64_t step)
{
	if (r->nr_processes > 0 && next_random(r) % 2)
		process_end(r, (unsigned int)(next_random(r) % r->nr_processes));
	while (r->nr_processes > 0 && r->process_pages > wanted(r, NR_KINDS, step))
		process_end(r, (unsigned int)(next_random(r) % r->nr_processes));
	if (r->process_pages + RUN_MAX <= wanted(r, NR_KINDS, step))
		process_start(r);
}

static void event(struct run *r, uint64_t step)
{
	unsigned int draw = (unsigned int)(next_random(r) % 1000);
	unsigned int kind = 0;

	while (kind < NR_KINDS && draw >= turnover[kind])
		draw -= turnover[kind++];
	if (kind == NR_KINDS) {
		process_event(r, step);
		return;
	}
	if (r->pool[kind].nr > 0)
		pool_drop(r, kind, (unsigned int)(next_random(r) % r->pool[kind].nr));
	/* a wave comes by small steps: at most three new ones for one that went */
	for (int i = 0; i < 3 && r->pool[kind].pages < wanted(r, kind, step); i++)
		if (!pool_add(r, kind))
			break;
	if (r->pool[kind].nr > 0 && r->pool[kind].pages > wanted(r, kind, step))
		pool_drop(r, kind, (unsigned int)(next_random(r) % r->pool[kind].nr));
}

/* ---- what is measured ---- */

static void zone_stat(struct run *r, struct qy_zone_stat *zone)
{
	*zone = (struct qy_zone_stat){.struct_size = sizeof(*zone)};
	qy_mm_drain_pages(r->mm);
	if (qy_zone_stat_get(r->mm, 0, QY_ZONE_NORMAL, zone)) {
		complain("zone NORMAL", 0, 1);
		exit(1);
	}
}

/* Page blocks without a page of these kinds. */
static unsigned int blocks_without(const struct run *r, bool unmovable, bool reclaimable,
				   bool movable)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < BLOCKS; i++) {
		const unsigned int *in = r->in_block[i];

		nr += r->usable[i] && !(unmovable && in[UNMOVABLE]) &&
		      !(reclaimable && in[RECLAIMABLE]) && !(movable && in[MOVABLE]);
	}
	return nr;
}

/* Whole blocks on the free lists, counted in three ways. */
static unsigned int whole_blocks(const struct run *r, const struct qy_zone_stat *zone)
{
	unsigned int by_order = 0, ours = blocks_without(r, true, true, true);

	for (unsigned int order = ORDER; order < 32; order++)
		for (int type = 0; type < QY_NR_MIGRATETYPES; type++)
			by_order += (unsigned int)zone->nr_free[order][type] << (order - ORDER);
	if (by_order != ours)
		complain("whole blocks by order", by_order, ours);
	if (zone->free_blocks >> ORDER != ours)
		complain("pages in whole blocks", (unsigned int)zone->free_blocks, ours << ORDER);
	return by_order;
}

static void sample(struct run *r, unsigned int at, uint64_t step)
{
	struct qy_zone_stat zone;
	unsigned int whole;

	zone_stat(r, &zone);
	whole = whole_blocks(r, &zone);
	r->when[at] = (double)step / 1000;
	r->used[at] = 1 - (double)zone.free / (double)zone.managed;
	r->share[at] = zone.free ? (double)(whole << ORDER) / (double)zone.free : 0;
	r->movable_blocks[at] = (double)blocks_without(r, true, true, false) / r->whole_at_start;
}

/* Ask for blocks of order 9 until there are none; give them back. */
static unsigned int burst(struct run *r, bool mark_usable)
{
	static struct qy_page *got[BLOCKS];
	unsigned int nr = 0;

	while (nr < BLOCKS) {
		got[nr] = qy_alloc_pages(r->mm, QY_GFP_HIGHUSER_MOVABLE | QY_GFP_NOWARN, ORDER);
		if (!got[nr])
			break;
		nr++;
	}
	for (unsigned int i = 0; i < nr; i++) {
		if (mark_usable)
			r->usable[qy_page_pfn(r->mm, got[i]) >> ORDER] = true;
		if (qy_free_pages(r->mm, got[i], ORDER))
			complain("a free", 1, 0);
	}
	return nr;
}

/* ---- a run ---- */

static struct run *start(bool grouping)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	struct run *r = calloc(1, sizeof(*r));
	struct qy_zone_stat zone;

	/* a buffer at a multiple of the largest block: the same page frames in every run */
	config.backing = QY_BACKING_ARENA;
	config.base = aligned_alloc((size_t)4096 << MAX_ORDER, MEMORY);
	config.size = MEMORY;
	config.max_order = MAX_ORDER;
	config.pcp = QY_ON;
	config.cpu_provider = QY_CPU_MANUAL;
	config.pageblock_order = ORDER;
	config.grouping = grouping ? QY_ON : QY_OFF;
	config.seed = seed;
	if (!r || !config.base || !(r->mm = qy_mm_create(&config)) ||
	    qy_mm_page_size(r->mm) * PAGES != MEMORY) {
		fprintf(stderr, "no instance of 256 MiB in %u pages\n", PAGES);
		exit(77);
	}
	r->memory = config.base;
	r->rng = seed * 0x9e3779b97f4a7c15u + 1;
	zone_stat(r, &zone);
	r->managed = (unsigned int)zone.managed;
	r->free_at_start = (unsigned int)zone.free;
	r->whole_at_start = burst(r, true);
	zone_stat(r, &zone);
	whole_blocks(r, &zone);
	return r;
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void load(struct run *r)
{
	uint64_t done = 0;

	for (unsigned int at = 0; at < SAMPLES; at++) {
		uint64_t until = steps * at / (SAMPLES - 1);
		double begin = now_ns();

		while (done < until)
			event(r, done++);
		r->time_ns += now_ns() - begin;
		sample(r, at, until);
	}
}

static void ask(struct run *r, struct outcome *o, unsigned int nr)
{
	struct qy_zone_stat zone;

	zone_stat(r, &zone);
	o->listed[nr] = whole_blocks(r, &zone);
	o->got[nr] = burst(r, false);
	if (o->got[nr] != o->listed[nr])
		complain("blocks of order 9 that can be had", o->got[nr], o->listed[nr]);
}

static void free_pool(struct run *r, enum kind kind)
{
	while (r->pool[kind].nr > 0)
		pool_drop(r, kind, r->pool[kind].nr - 1);
}

/* Movable pages are moved away or reclaimed; then reclaimable ones; then all must be free. */
static void finish(struct run *r, struct outcome *o)
{
	struct qy_zone_stat zone;

	zone_stat(r, &o->zone);
	ask(r, o, 0);
	free_pool(r, MOVABLE);
	for (unsigned int i = 0; i < r->nr_processes; i++) {
		struct process *p = &r->process[i];

		for (unsigned int k = 0; k < p->nr; k++) {
			if (process_kind(k) == MOVABLE) {
				give(r, MOVABLE, &p->block[k]);
				p->block[k].page = NULL;
			}
		}
	}
	ask(r, o, 1);
	free_pool(r, RECLAIMABLE);
	ask(r, o, 2);
	free_pool(r, UNMOVABLE);
	while (r->nr_processes > 0)
		process_end(r, 0);
	zone_stat(r, &zone);
	if (zone.free != r->free_at_start)
		complain("pages free at the end", (unsigned int)zone.free, r->free_at_start);
	if (whole_blocks(r, &zone) != r->whole_at_start)
		complain("whole blocks at the end", blocks_without(r, true, true, true),
			 r->whole_at_start);
	qy_mm_destroy(r->mm);
	free(r->memory);
}

/* ---- what is said ---- */

static double average(const double *values)
{
	double sum = 0;

	/* the first wave fills the memory: not counted */
	for (unsigned int i = SAMPLES / WAVES; i < SAMPLES; i++)
		sum += values[i];
	return sum / (SAMPLES - SAMPLES / WAVES);
}

static void print_runs(struct run *const run[2])
{
	printf("%10s %8s | %19s | %19s | %19s\n", "", "", "free in order >= 9", "unusable, order 9",
	       "without unmovable");
	printf("%10s %8s | %9s %9s | %9s %9s | %9s %9s\n", "step", "in use", "on", "off", "on",
	       "off", "on", "off");
	for (unsigned int i = 0; i < ROWS; i++) {
		unsigned int at = i * (SAMPLES - 1) / (ROWS - 1);

		printf("%9.0fk %7.1f%% | %8.1f%% %8.1f%% | %9.3f %9.3f | %8.1f%% %8.1f%%\n",
		       run[0]->when[at], 100 * run[0]->used[at], 100 * run[0]->share[at],
		       100 * run[1]->share[at], 1 - run[0]->share[at], 1 - run[1]->share[at],
		       100 * run[0]->movable_blocks[at], 100 * run[1]->movable_blocks[at]);
	}
	printf("%10s %7.1f%% | %8.1f%% %8.1f%% | %9.3f %9.3f | %8.1f%% %8.1f%%\n", "average",
	       100 * average(run[0]->used), 100 * average(run[0]->share),
	       100 * average(run[1]->share), 1 - average(run[0]->share), 1 - average(run[1]->share),
	       100 * average(run[0]->movable_blocks), 100 * average(run[1]->movable_blocks));
}

static void print_outcome(struct run *const run[2], const struct outcome outcome[2])
{
	static const char *const when[] = {"as it is", "movable pages moved or reclaimed",
					   "reclaimable pages reclaimed as well"};

	printf("\nblocks of order 9 that a burst of requests gets, of %u\n%-40s %9s %9s\n",
	       run[0]->whole_at_start, "", "on", "off");
	for (int i = 0; i < 3; i++)
		printf("%-40s %9u %9u\n", when[i], outcome[0].got[i], outcome[1].got[i]);
	printf("%-40s %9u %9u\n", "requests refused in the run",
	       run[0]->refused[0] + run[0]->refused[1] + run[0]->refused[2],
	       run[1]->refused[0] + run[1]->refused[1] + run[1]->refused[2]);
	printf("%-40s %9.0f %9.0f\n", "ns per event", run[0]->time_ns / (double)steps,
	       run[1]->time_ns / (double)steps);
	printf("page blocks by type at the end, grouping on: %zu unmovable, %zu movable, "
	       "%zu reclaimable\n",
	       outcome[0].zone.nr_pageblocks[QY_MIGRATE_UNMOVABLE],
	       outcome[0].zone.nr_pageblocks[QY_MIGRATE_MOVABLE],
	       outcome[0].zone.nr_pageblocks[QY_MIGRATE_RECLAIMABLE]);
	if (outcome[0].got[1] <= outcome[1].got[1]) {
		printf("WRONG: grouping does not pay\n");
		wrong = true;
	}
}

static void draw(const char *path, const struct run *on, const struct run *off)
{
	const struct svg_curve share[] = {
		{"grouping on", "#1f77b4", on->when, on->share, SAMPLES},
		{"grouping off", "#d62728", off->when, off->share, SAMPLES},
		{"memory in use", "#999999", on->when, on->used, SAMPLES}};
	const struct svg_curve blocks[] = {
		{"grouping on", "#1f77b4", on->when, on->movable_blocks, SAMPLES},
		{"grouping off", "#d62728", off->when, off->movable_blocks, SAMPLES}};
	struct svg_panel panel = {"Free memory that lies in blocks of order 9 and more",
				  "thousand events",
				  "share",
				  (double)steps / 1000,
				  1,
				  share,
				  3,
				  80,
				  80,
				  640,
				  240};
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		wrong = true;
		return;
	}
	svg_begin(f, 880, 760, "Fragmentation under mixed lifetimes, 256 MiB");
	svg_panel(f, &panel);
	panel.title =
		"Page blocks without unmovable or reclaimable pages: whole once the rest moves";
	panel.curve = blocks;
	panel.nr_curves = 2;
	panel.top = 440;
	svg_panel(f, &panel);
	svg_end(f);
	if (fclose(f)) {
		perror(path);
		wrong = true;
		return;
	}
	printf("plot: %s\n", path);
}

int main(int argc, char **argv)
{
	const char *path = "fragmentation.svg";
	static struct outcome outcome[2];
	struct run *run[2];

	for (int i = 1; i < argc; i += 2) {
		if (i + 1 < argc && !strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (i + 1 < argc && !strcmp(argv[i], "--steps"))
			steps = strtoull(argv[i + 1], NULL, 0);
		else if (i + 1 < argc && !strcmp(argv[i], "--svg"))
			path = argv[i + 1];
		else
			return fprintf(stderr, "usage: %s [--seed N] [--steps N] [--svg PATH]\n",
				       argv[0]),
			       2;
	}
	for (int i = 0; i < 2; i++) {
		run[i] = start(i == 0);
		load(run[i]);
		finish(run[i], &outcome[i]);
	}
	printf("mixed lifetimes in 256 MiB, %llu events, seed %llu, grouping on and off\n\n",
	       (unsigned long long)steps, (unsigned long long)seed);
	print_runs(run);
	print_outcome(run, outcome);
	draw(path, run[0], run[1]);
	free(run[0]);
	free(run[1]);
	return wrong;
}
