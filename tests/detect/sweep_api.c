/* SPDX-License-Identifier: MIT */
/*
 * sweep_api.c - each class of bug over all sizes, on instances in a buffer, by the public calls.
 *
 * A fresh instance for each size; after each bug just one report must have come, with the right
 * kind, object, size, offset and length, and a further look at everything must find nothing.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <quarry/quarry.h>

#include "sizes.h"

#define MARK 0x41
#define ARENA ((size_t)48 << 20)

static char arena[ARENA] __attribute__((aligned(4 << 20)));
static struct qy_mm *mm;
static unsigned long planted, found;
static unsigned int complaints;

static struct {
	unsigned int nr;
	struct qy_report last;
} heard;

static void hear(const struct qy_report *r, void *ctx)
{
	(void)ctx;
	heard.nr++;
	heard.last = *r;
}

enum trigger { VALIDATE, FREE, REALLOC, NR_TRIGGERS };

struct setting {
	const char *name;
	enum qy_classes classes;
	unsigned int red_zone;
};

static const struct setting *setting;

static void start(size_t size)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;

	cfg.backing = QY_BACKING_ARENA;
	cfg.base = arena;
	cfg.size = size < 10000 ? ARENA / 8 : ARENA;
	cfg.classes = setting->classes;
	cfg.cpu_provider = QY_CPU_MANUAL;
	cfg.red_zone = setting->red_zone;
	cfg.debug = "slab_debug=FZPU quarantine=16M";
	cfg.policy = QY_POLICY_REPORT;
	cfg.sink.fn = hear;
	mm = qy_mm_create(&cfg);
	if (!mm) {
		fprintf(stderr, "sweep_api: no instance\n");
		exit(1);
	}
}

static char *make(size_t size)
{
	char *p = qy_kmalloc(mm, size, QY_GFP_KERNEL);

	if (!p) {
		fprintf(stderr, "sweep_api: no memory for %zu\n", size);
		exit(1);
	}
	heard.nr = 0;
	return p;
}

static bool is_right(enum qy_report_kind kind, const char *p, size_t size, long offset, size_t len)
{
	const struct qy_report *r = &heard.last;

	return heard.nr == 1 && r->kind == kind && r->object == p && r->object_size == size &&
	       r->damage_offset == offset && r->damage_len == len &&
	       (len == 0) == (r->damage == NULL) && r->alloc.nr > 0 &&
	       (len == 0 || (r->found == MARK && r->damage == p + offset));
}

static void check(enum qy_report_kind kind, const char *p, size_t size, long offset, size_t len)
{
	const struct qy_report *r = &heard.last;
	bool right = is_right(kind, p, size, offset, len);

	planted++;
	/* What was found is repaired. */
	if (right && qy_validate(mm) == 0) {
		found++;
	} else if (++complaints <= 20) {
		printf("%s: %s of %zu bytes, offset %ld, %zu bytes: %u reports", setting->name,
		       qy_report_kind_name(kind), size, offset, len, heard.nr);
		if (heard.nr)
			printf("; %s, object %+td, size %zu, offset %td, %zu bytes",
			       qy_report_kind_name(r->kind), (const char *)r->object - p,
			       r->object_size, r->damage_offset, r->damage_len);
		printf("\n");
	}
}

static void damage(enum qy_report_kind kind, size_t size, long offset, size_t len,
		   enum trigger trigger)
{
	char *p = make(size), *q = p;

	memset(p + offset, MARK, len);
	if (trigger == VALIDATE)
		qy_validate(mm);
	else if (trigger == REALLOC)
		q = qy_krealloc(mm, p, size + 1, QY_GFP_KERNEL);
	else
		qy_kfree(mm, p);
	check(kind, p, size, offset, len);
	heard.nr = 0;
	if (trigger != FREE)
		qy_kfree(mm, q);
	if (heard.nr && ++complaints <= 20)
		printf("%s: a second report at the free\n", setting->name);
}

static void stale_write(size_t size, size_t offset)
{
	char *p = make(size);

	qy_kfree(mm, p);
	p[offset] = MARK;
	qy_validate(mm);
	check(QY_REPORT_USE_AFTER_FREE, p, size, (long)offset, 1);
}

static void free_inside(size_t size, size_t offset)
{
	char *p = make(size);

	qy_kfree(mm, p + offset);
	check(QY_REPORT_INVALID_FREE, p, size, (long)offset, 0);
	heard.nr = 0;
	qy_kfree(mm, p);
	if (heard.nr && ++complaints <= 20)
		printf("%s: a report at the proper free\n", setting->name);
}

static void wrong_releases(size_t size)
{
	char *p = make(size);

	qy_kfree(mm, p);
	qy_kfree(mm, p);
	check(QY_REPORT_DOUBLE_FREE, p, size, 0, 0);
	heard.nr = 0;
	if (qy_krealloc(mm, p, size + 1, QY_GFP_KERNEL))
		complaints++;
	check(QY_REPORT_BAD_REALLOC, p, size, 0, 0);
	heard.nr = 0;
	if (qy_ksize(mm, p))
		complaints++;
	check(QY_REPORT_BAD_REALLOC, p, size, 0, 0);
	free_inside(size, 1);
	if (size >= 4)
		free_inside(size, size / 2);
}

static void sweep_size(size_t size)
{
	for (int trigger = 0; trigger < NR_TRIGGERS; trigger++) {
		start(size);
		for (size_t i = 0; i < NR(overflow_lens); i++)
			if (overflow_lens[i] <= setting->red_zone)
				damage(QY_REPORT_OVERFLOW, size, (long)size, overflow_lens[i],
				       (enum trigger)trigger);
		for (size_t i = 0; i < NR(underwrite_lens); i++)
			if (underwrite_lens[i] <= setting->red_zone)
				damage(QY_REPORT_UNDERWRITE, size, -(long)underwrite_lens[i],
				       underwrite_lens[i], (enum trigger)trigger);
		qy_mm_destroy(mm);
	}
	start(size);
	stale_write(size, 0);
	stale_write(size, size / 2);
	stale_write(size, size - 1);
	wrong_releases(size);
	qy_mm_destroy(mm);
}

int main(void)
{
	static const struct setting settings[] = {
		{"kernel classes, red zone 8", QY_CLASSES_KERNEL, 8},
		{"kernel classes, red zone 64", QY_CLASSES_KERNEL, 64},
		{"fine classes, red zone 32", QY_CLASSES_FINE, 32},
	};

	make_sizes();
	for (size_t i = 0; i < NR(settings); i++) {
		setting = &settings[i];
		planted = found = 0;
		for (size_t j = 0; j < nr_sizes; j++)
			sweep_size(sizes[j]);
		printf("%s: %lu of %lu over %zu sizes\n", setting->name, found, planted, nr_sizes);
		complaints += found != planted;
	}
	return complaints != 0;
}
