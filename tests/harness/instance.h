/* SPDX-License-Identifier: MIT */
/*
 * instance.h - an instance in a buffer, with its reports recorded: what most tests begin with.
 *
 * The buffer lies at a multiple of the largest block, so that page frame 0 is its first page, and
 * two instances of one configuration have the same relative addresses. A copy of the buffer is a
 * copy of the instance: save, break something, restore.
 */
#ifndef TESTS_HARNESS_INSTANCE_H
#define TESTS_HARNESS_INSTANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/quarry.h>

#define PAGE_BYTES ((size_t)1 << QY_PAGE_SHIFT)
#define RECORDED 64

/*
 * The compiler knows what an allocator is: what is written to an object that nobody is given is
 * never written. A pointer that went through here may have been given to anybody.
 */
static inline void *hide(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/* What a report said, kept after the sink returned. */
struct record {
	enum qy_report_kind kind;
	char cache[32], title[256], fix[96];
	const void *object;
	size_t object_size, damage_len;
	ptrdiff_t damage_offset;
	uint8_t expected, found;
	unsigned int alloc_frames, free_frames;
	uint64_t hash;
};

struct recorder {
	unsigned int nr; /* findings; the first RECORDED of them are kept */
	struct record at[RECORDED];
	/* messages that an allocation failed are no findings: how many, and the last */
	unsigned int nomem;
	struct record last_nomem;
};

struct instance {
	struct qy_mm_config config;
	struct qy_mm *mm;
	char *buf; /* the arena */
	size_t size;
	char *saved; /* its copy */
	struct recorder reports;
};

static inline void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

/* The sink: ctx is a struct recorder. */
static inline void record_report(const struct qy_report *r, void *ctx)
{
	struct recorder *rec = ctx;
	struct record *to = &rec->at[rec->nr < RECORDED ? rec->nr : RECORDED - 1];

	if (r->kind == QY_REPORT_NOMEM) {
		to = &rec->last_nomem;
		rec->nomem++;
	} else {
		rec->nr++;
	}
	*to = (struct record){
		.kind = r->kind,
		.object = r->object,
		.object_size = r->object_size,
		.damage_len = r->damage_len,
		.damage_offset = r->damage_offset,
		.expected = r->expected,
		.found = r->found,
		.alloc_frames = r->alloc.nr,
		.free_frames = r->free.nr,
		.hash = r->hash,
	};
	copy_text(to->cache, sizeof(to->cache), r->cache);
	copy_text(to->title, sizeof(to->title), r->title);
	copy_text(to->fix, sizeof(to->fix), r->fix);
}

static inline void print_reports(const struct recorder *rec)
{
	for (unsigned int i = 0; i < rec->nr && i < RECORDED; i++)
		printf("report %u: %s, cache %s: %s; %s\n", i, qy_report_kind_name(rec->at[i].kind),
		       rec->at[i].cache, rec->at[i].title, rec->at[i].fix);
}

/*
 * A configuration to be changed before instance_create(): @pages in an arena, one CPU set by hand,
 * blocks of at most 64 pages, reports are recorded.
 */
static inline void instance_init(struct instance *in, size_t pages)
{
	*in = (struct instance){
		.config = QY_MM_CONFIG_INIT,
		.size = pages * PAGE_BYTES,
	};
	in->config.backing = QY_BACKING_ARENA;
	in->config.size = in->size;
	in->config.max_order = 6;
	in->config.cpu_provider = QY_CPU_MANUAL;
	in->config.nr_cpus = 1;
	in->config.policy = QY_POLICY_REPORT;
	in->config.sink = (struct qy_report_sink){record_report, &in->reports};
}

/* Create; the instance may be refused, then in->mm is NULL. */
static inline void instance_try(struct instance *in)
{
	size_t align = PAGE_BYTES << (in->config.max_order_zero ? 0 : in->config.max_order);

	if (in->config.backing == QY_BACKING_ARENA) {
		in->buf = aligned_alloc(align, (in->size + align - 1) / align * align);
		assert_non_null(in->buf);
		memset(in->buf, 0x11, in->size); /* what a buffer holds is unknown */
		in->config.base = in->buf;
	}
	in->mm = qy_mm_create(&in->config);
}

static inline void instance_create(struct instance *in)
{
	instance_try(in);
	assert_non_null(in->mm);
}

/* The usual in one call. */
static inline void instance_make(struct instance *in, size_t pages, const char *debug)
{
	instance_init(in, pages);
	in->config.debug = debug;
	instance_create(in);
}

static inline void instance_destroy(struct instance *in)
{
	qy_mm_destroy(in->mm);
	free(in->buf);
	free(in->saved);
	in->mm = NULL;
	in->buf = in->saved = NULL;
}

static inline void instance_save(struct instance *in)
{
	if (!in->saved)
		in->saved = malloc(in->size);
	assert_non_null(in->saved);
	memcpy(in->saved, in->buf, in->size);
}

static inline void instance_restore(struct instance *in)
{
	memcpy(in->buf, in->saved, in->size);
}

static inline void print_violations(const struct qy_check_result *r)
{
	printf("%u violations\n", r->nr);
	for (unsigned int i = 0; i < r->nr && i < QY_CHECK_MAX; i++)
		printf("  %s: %s\n", r->v[i].id, r->v[i].text);
}

/* The checker finds nothing, and has looked. */
static inline void assert_sound(struct qy_mm *mm)
{
	struct qy_check_result r = {.struct_size = sizeof(r)};

	if (qy_check(mm, QY_CHECK_ALL, &r))
		print_violations(&r);
	assert_int_equal(r.nr, 0);
	assert_true(r.assertions > 100);
}

/* Sound, and nothing was reported so far. */
static inline void assert_clean(struct instance *in)
{
	if (in->reports.nr)
		print_reports(&in->reports);
	assert_int_equal(in->reports.nr, 0);
	assert_sound(in->mm);
}

/* Just one report, of this kind; it is taken off the record. */
static inline struct record take_report(struct instance *in, enum qy_report_kind kind)
{
	if (in->reports.nr != 1 || in->reports.at[0].kind != kind) {
		printf("expected one %s\n", qy_report_kind_name(kind));
		print_reports(&in->reports);
	}
	assert_int_equal(in->reports.nr, 1);
	assert_int_equal(in->reports.at[0].kind, kind);
	in->reports.nr = 0;
	return in->reports.at[0];
}

static inline bool is_debug_build(void)
{
	return *qy_build_debug_letters() != '\0';
}

#endif
