/* SPDX-License-Identifier: MIT */
/*
 * harness.c - one input from decoding to verdict.
 *
 * Life of an input: decode → place the arena → create the instance → learn the free pages → for
 * each operation: run, compare with the model, run the checker → end. A failure prints the step,
 * the invariant and everything before it.
 *
 * Called by the programs (*_main.c, replay.c) with a target, which it knows only as struct
 * fz_target; called by the targets for verdicts, reports and another instance.
 */
#include "harness.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define ARENA_BYTES ((size_t)FZ_MAX_PFN << FZ_PAGE_SHIFT)

extern int qy__plant_id;

struct fz_harness fz;

static int wanted_plant;

void fz_set_plant(int id)
{
	wanted_plant = id;
}

unsigned int fz_bucket(size_t n)
{
	unsigned int b = 0;

	while (n && b < 7) {
		n >>= 1;
		b++;
	}
	return b;
}

/* ---- verdicts ---- */

#define PRINT_MAX 400u

const char *fz_where(void)
{
	static char buf[40];

	if (fz.starting)
		return "the start";
	if (fz.step >= fz.in.nr)
		return "the end";
	snprintf(buf, sizeof(buf), "step %u of %u", fz.step, fz.in.nr);
	return buf;
}

void fz_print_run(void)
{
	char line[512];
	unsigned int last = fz.running ? fz.step : fz.in.nr;
	unsigned int first = last > PRINT_MAX ? last - PRINT_MAX : 0;

	fz_print_geometry(line, sizeof(line), &fz.in);
	fprintf(stderr, "%s\n", line);
	if (first)
		fprintf(stderr, "… %u operations before\n", first);
	for (unsigned int i = first; i <= last && i < fz.in.nr && !fz.starting; i++) {
		fz_print_op(line, sizeof(line), &fz.in, i, &fz.log[i]);
		fprintf(stderr, "  %s\n", line);
	}
}

void fz_fail(const char *id, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (fz.opts.failed)
		fz.opts.failed(id, text);
	fprintf(stderr, "\nFAILED at %s: %s: %s\n", fz_where(), id, text);
	for (unsigned int i = 0; i < fz.nr_seen && i < 8; i++)
		fprintf(stderr, "  reported: %s: %s (%s)\n", qy_report_kind_name(fz.seen[i].kind),
			fz.seen[i].title, fz.seen[i].cache);
	fz_print_run();
	abort();
}

/* ---- reports ---- */

static void sink(const struct qy_report *r, void *ctx)
{
	struct fz_seen *s;

	(void)ctx;
	if (r->kind == QY_REPORT_TRACE || fz.nr_seen >= FZ_MAX_SEEN)
		return;
	if (r->kind == QY_REPORT_NOMEM && !(fz.target && fz.target->configure))
		return;
	s = &fz.seen[fz.nr_seen++];
	s->kind = r->kind;
	s->object = r->object;
	s->object_size = r->object_size;
	s->damage = r->damage;
	s->damage_len = r->damage_len;
	s->damage_offset = r->damage_offset;
	s->taken = false;
	snprintf(s->cache, sizeof(s->cache), "%s", r->cache ? r->cache : "");
	snprintf(s->title, sizeof(s->title), "%.95s", r->title);
}

struct fz_seen *fz_seen_find(enum qy_report_kind kind, const void *object)
{
	for (unsigned int i = 0; i < fz.nr_seen; i++) {
		struct fz_seen *s = &fz.seen[i];

		if (s->taken || s->kind != kind || (object && s->object != object))
			continue;
		s->taken = true;
		return s;
	}
	return NULL;
}

/* "base+0x1230", or that it is nothing. */
static const char *place(const void *p)
{
	static char buf[32];

	if (!p)
		return "no object";
	snprintf(buf, sizeof(buf), "base+0x%llx", (unsigned long long)fz_log_ptr(p));
	return buf;
}

struct fz_seen *fz_expect(enum qy_report_kind kind, const void *object)
{
	struct fz_seen *s = fz_seen_find(kind, object);

	if (!s)
		fz_fail("model", "no report \"%s\" about %s", qy_report_kind_name(kind),
			place(object));
	return s;
}

void fz_expect_no_more(void)
{
	for (unsigned int i = 0; i < fz.nr_seen; i++) {
		const struct fz_seen *s = &fz.seen[i];

		if (!s->taken)
			fz_fail("model", "false report \"%s\": %s, offset %td, length %zu (%s): %s",
				qy_report_kind_name(s->kind), place(s->object), s->damage_offset,
				s->damage_len, s->cache, s->title);
	}
}

/* ---- the instance ---- */

static void map_arena(void)
{
	static void *at;

	if (at)
		return;
	at = mmap((void *)(uintptr_t)FZ_ARENA_BASE, ARENA_BYTES, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (at != (void *)(uintptr_t)FZ_ARENA_BASE) {
		perror("cannot map the arena");
		exit(2);
	}
}

static void config_from(struct qy_mm_config *cfg, const struct fz_geometry *geo)
{
	uint32_t block = 1u << geo->max_order;
	uint32_t first =
		(geo->start_page + (geo->skew ? 1 : 0)) % block; /* pfn of the first whole page */

	*cfg = (struct qy_mm_config)QY_MM_CONFIG_INIT;
	cfg->backing = QY_BACKING_ARENA;
	cfg->base = fz.arena;
	cfg->size = fz.arena_size;
	cfg->max_order = geo->max_order;
	cfg->max_order_zero = geo->max_order == 0;
	if (geo->dma_pages)
		cfg->zone_limit[QY_ZONE_DMA] =
			((size_t)(first + geo->dma_pages) << FZ_PAGE_SHIFT) + geo->zone_skew;
	if (geo->dma32_pages)
		cfg->zone_limit[QY_ZONE_DMA32] =
			((size_t)(first + geo->dma32_pages) << FZ_PAGE_SHIFT) + geo->zone_skew;
	cfg->classes = geo->fine_classes ? QY_CLASSES_FINE : QY_CLASSES_KERNEL;
	cfg->cpu_provider = QY_CPU_MANUAL;
	cfg->nr_cpus = geo->nr_cpus;
	cfg->seed = geo->seed;
	cfg->debug = geo->debug[0] ? geo->debug : NULL;
	cfg->red_zone = geo->red_zone;
	cfg->sink.fn = sink;
	cfg->policy = QY_POLICY_REPORT;
	if (fz.target->configure)
		fz.target->configure(cfg);
}

/* Pages that an instance of @n pages needs for itself. */
static size_t books_of(size_t n, const struct fz_geometry *geo)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};
	struct qy_mm *mm;

	cfg.backing = QY_BACKING_ARENA;
	cfg.base = (void *)(uintptr_t)FZ_ARENA_BASE;
	cfg.size = n << FZ_PAGE_SHIFT;
	cfg.cpu_provider = QY_CPU_MANUAL;
	cfg.nr_cpus = 4;
	cfg.nr_nodes = geo->nr_nodes;
	cfg.pcp = geo->pcp ? QY_ON : QY_OFF;
	cfg.debug = "slab_debug=FZPU";
	cfg.sink.fn = sink;
	cfg.policy = QY_POLICY_REPORT;
	mm = qy_mm_create(&cfg);
	if (!mm) {
		fprintf(stderr, "no instance of %zu pages: %s\n", n, strerror(errno));
		exit(2);
	}
	qy_page_stats(mm, &stats);
	qy_mm_destroy(mm);
	return n - stats.free;
}

/* For @geo->pages pages besides: measured once for each kind of instance, generously. */
static size_t book_pages(const struct fz_geometry *geo)
{
	static struct {
		size_t fixed, per_page_256;
	} known[FZ_MAX_NODES + 1][2], *k;

	k = &known[geo->nr_nodes][geo->pcp];
	if (!k->fixed) {
		size_t small = books_of(1024, geo), large = books_of(2048, geo);

		k->per_page_256 = (large - small) / 4 + 1;
		k->fixed = small - (large - small) + 1;
	}
	return k->fixed + geo->pages * k->per_page_256 / 256;
}

/* A build may lack some of the debug letters: they have no effect then. */
static uint32_t known_flags(void)
{
	const char *letters = qy_build_debug_letters();

	return (strchr(letters, 'F') ? QY_SLAB_CONSISTENCY_CHECKS : 0) |
	       (strchr(letters, 'Z') ? QY_SLAB_RED_ZONE : 0) |
	       (strchr(letters, 'P') ? QY_SLAB_POISON : 0) |
	       (strchr(letters, 'U') ? QY_SLAB_STORE_USER : 0);
}

void fz_prepare(void)
{
	static const struct fz_geometry usual = {.nr_nodes = 1};

	map_arena();
	book_pages(&usual);
}

static void place_arena(void)
{
	struct fz_geometry *geo = &fz.in.geo;
	size_t pages;

	map_arena();
	pages = geo->pages + book_pages(geo);
	if (fz.target->place)
		fz.target->place(geo, (uint32_t)pages);
	fz.arena = (char *)(uintptr_t)FZ_ARENA_BASE + ((size_t)geo->start_page << FZ_PAGE_SHIFT) +
		   geo->skew;
	fz.arena_size = pages << FZ_PAGE_SHIFT;
	if (geo->skew)
		fz.arena_size += FZ_PAGE_SIZE - geo->skew;
	memset(fz.arena, geo->fill, fz.arena_size);
}

/* Configurations that must be refused, with the errno that says why. */
static void try_bad_config(struct qy_mm_config *cfg, unsigned int bad)
{
	struct qy_mm *mm;
	int want = EINVAL;

	switch (bad) {
	case 1: cfg->struct_size = 8; break;
	case 2:
		cfg->max_order_zero = false;
		cfg->max_order = QY_MAX_ORDER_LIMIT + 1;
		break;
	case 3: cfg->nr_cpus = 65; break;
	case 4: cfg->red_zone = 7; break;
	case 5:
		cfg->zone_limit[QY_ZONE_DMA] = (size_t)40 << FZ_PAGE_SHIFT;
		cfg->zone_limit[QY_ZONE_DMA32] = (size_t)39 << FZ_PAGE_SHIFT;
		break;
	case 6: cfg->debug = "slab_debug=FZ nonsense=1"; break;
	case 7:
		cfg->size = 4096;
		want = ENOMEM;
		break;
	default:
		cfg->size = 0;
		want = ENOMEM;
		break;
	}
	if (fz.target->spoil && fz.in.geo.version == 2 && (fz.in.geo.seed & 1)) {
		fz.target->spoil(cfg, fz.in.geo.seed >> 1);
		want = EINVAL;
	}
	errno = 0;
	mm = qy_mm_create(cfg);
	if (mm || errno != want)
		fz_fail("model", "bad configuration %u: %s, errno %d, expected NULL and %d", bad,
			mm ? "an instance" : "NULL", errno, want);
}

static void create_instance(void)
{
	struct qy_mm_config cfg;
	const struct fz_geometry *geo = &fz.in.geo;
	uintptr_t first, block = (uintptr_t)FZ_PAGE_SIZE << geo->max_order;

	config_from(&cfg, geo);
	fz.mm = qy_mm_create(&cfg);
	if (!fz.mm && errno == ENOMEM && cfg.watermark.marks) {
		/* They leave nothing for its own caches: such marks come later. */
		fz.in.geo.marks_late = true;
		fz.nr_seen = 0;
		cfg.watermark.marks = QY_WATERMARKS_NONE;
		fz.mm = qy_mm_create(&cfg);
	}
	if (!fz.mm)
		fz_fail("model", "qy_mm_create refused a good configuration: %s", strerror(errno));
	fz.base = qy_mm_base(fz.mm);
	first = ((uintptr_t)fz.arena + FZ_PAGE_SIZE - 1) & ~(uintptr_t)(FZ_PAGE_SIZE - 1);
	if ((uintptr_t)fz.base != (first & ~(block - 1)))
		fz_fail("B8", "page frame 0 is at %p, expected %p", (void *)fz.base,
			(void *)(first & ~(block - 1)));
	if (qy_mm_max_order(fz.mm) != geo->max_order || qy_mm_page_size(fz.mm) != FZ_PAGE_SIZE)
		fz_fail("model", "max order %u, page size %zu", qy_mm_max_order(fz.mm),
			qy_mm_page_size(fz.mm));
	fz.min_pfn = (uint32_t)((first - (uintptr_t)fz.base) >> FZ_PAGE_SHIFT);
	fz.end_pfn = (uint32_t)(((uintptr_t)fz.arena + fz.arena_size - (uintptr_t)fz.base) >>
				FZ_PAGE_SHIFT);
}

void fz_recreate(void)
{
	char *base = fz.base;

	qy_mm_destroy(fz.mm);
	create_instance();
	if (fz.base != base)
		fz_fail("model", "the second instance has another base");
}

/* ---- the loop ---- */

static void run_checker(void)
{
	static struct qy_check_result res;
	bool all = fz.starting || fz.step % 16 == 0 || fz.step >= fz.in.nr;

	res.struct_size = sizeof(res);
	if (qy_check(fz.mm, all ? QY_CHECK_ALL : fz.target->check, &res)) {
		for (unsigned int i = 0; i < res.nr && i < QY_CHECK_MAX; i++) {
			if (!fz.target->excuses || !fz.target->excuses(&res.v[i]))
				fz_fail(res.v[i].id, "%s", res.v[i].text);
		}
	}
	if (!res.assertions)
		fz_fail("model", "the checker looked at nothing");
}

static void verify(void)
{
	fz_expect_no_more();
	fz.target->compare();
	if (!fz.opts.no_check && !fz.target->alone)
		run_checker();
}

static void run_steps(void)
{
	fz.step = 0;
	fz.nr_seen = 0;
	if (!fz.target->alone)
		create_instance();
	fz.target->begin();
	verify();
	fz.starting = false;
	qy__plant_id = wanted_plant;
	for (fz.step = 0; fz.step < fz.in.nr; fz.step++) {
		struct fz_log *log = &fz.log[fz.step];

		*log = (struct fz_log){.h = -1};
		fz.nr_seen = 0;
		if (fz.opts.before)
			fz.opts.before(fz.step);
		fz.target->step(&fz.in.ops[fz.step], log);
		verify();
		fz.operations++;
		if (fz.target->feedback)
			fz.target->feedback(fz.feedback);
		if (fz.opts.after)
			fz.opts.after(fz.step);
	}
	fz.nr_seen = 0;
	fz.target->end();
	verify();
}

void fz_run(const struct fz_target *target, const uint8_t *data, size_t size,
	    const struct fz_options *opts)
{
	fz.target = target;
	fz.opts = opts ? *opts : (struct fz_options){0};
	fz_decode(&fz.in, target->format, data, size);
	fz.known_flags = known_flags();
	fz.in.geo.debug_flags &= fz.known_flags;
	fz.step = fz.nr_seen = 0;
	fz.running = fz.starting = true;
	qy__plant_id = 0;
	if (target->alone) {
		fz.mm = NULL;
		run_steps();
		fz.running = false;
		return;
	}
	place_arena();
	if (fz.in.geo.bad) {
		struct qy_mm_config cfg;

		config_from(&cfg, &fz.in.geo);
		try_bad_config(&cfg, fz.in.geo.bad);
	} else {
		run_steps();
		qy_mm_destroy(fz.mm);
	}
	fz.running = false;
}
