/* SPDX-License-Identifier: MIT */
/*
 * shrinker.h - a shrinker that does as it is told, and keeps count of what it was asked for.
 *
 * The instance is the one of fixture.h.
 */
#ifndef TESTS_HARNESS_SHRINKER_H
#define TESTS_HARNESS_SHRINKER_H

#include "fixture.h"

/* A cache of the program's that does as it is told. */
struct fake {
	struct qy_shrinker s;
	size_t objects;	   /* what count() says */
	size_t scan_part;  /* nr_scanned is nr_to_scan / this */
	unsigned int stop; /* this scan() call says STOP (1: the first) */
	size_t returns;	   /* what scan() returns, if @lies */
	size_t scans;	   /* … and says it tried */
	bool lies;
	void (*inside)(struct fake *f); /* what scan() does besides */
	void (*counting)(struct fake *f);
	void *arg;
	/* what happened */
	unsigned int counted, scanned;
	size_t asked;
	unsigned int node[16];
	qy_gfp_t gfp;
};

static inline size_t fake_count(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	struct fake *f = s->ctx;
	size_t objects = f->objects;

	f->counted++;
	f->gfp = sc->gfp;
	if (f->counting)
		f->counting(f);
	return objects;
}

static inline size_t fake_scan(struct qy_shrinker *s, struct qy_shrink_control *sc)
{
	struct fake *f = s->ctx;
	size_t n = sc->nr_to_scan, ret = f->lies ? f->returns : n;

	assert_int_equal(sc->nr_scanned, n);
	assert_true(n > 0);
	f->node[f->scanned++ % 16] = sc->node;
	f->asked += n;
	if (f->scan_part)
		sc->nr_scanned = n / f->scan_part;
	if (f->lies)
		sc->nr_scanned = f->scans;
	if (f->stop && f->scanned == f->stop)
		ret = QY_SHRINK_STOP;
	if (f->inside)
		f->inside(f); /* f may be gone */
	return ret;
}

static inline struct fake *fake_init(struct fake *f, size_t objects)
{
	*f = (struct fake){
		.s = {.count = fake_count, .scan = fake_scan, .seeks = QY_DEFAULT_SEEKS},
		.objects = objects,
	};
	f->s.ctx = f;
	return f;
}

static inline struct fake *fake_new(size_t objects)
{
	struct fake *f = malloc(sizeof(*f));

	assert_non_null(f);
	return fake_init(f, objects);
}

static inline void join(struct fake *f)
{
	assert_int_equal(qy_shrinker_register(in.mm, &f->s), 0);
}

static inline void leave(struct fake *f)
{
	assert_int_equal(qy_shrinker_unregister(&f->s), 0);
}

static inline size_t shrink(unsigned int priority)
{
	return qy_mm_shrink(in.mm, QY_GFP_KERNEL, 0, priority);
}

static inline int set_up(void **state)
{
	(void)state;
	instance_make(&in, 1024, NULL);
	return 0;
}

#endif
