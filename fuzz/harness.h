/* SPDX-License-Identifier: MIT */
/*
 * harness.h - one input from decoding to verdict: a fresh instance, the operations one by one,
 * after each of them the model's comparison and the library's checker.
 *
 * What an input means and what is compared is the target's (struct fz_target); the harness knows
 * none of them, targets.h lists them. Only the public API is used. There is one run at a time in a
 * process (struct fz_harness fz); the instance lies at a fixed address, so that nothing that
 * happens depends on where the system puts memory.
 */
#ifndef QY_FUZZ_HARNESS_H
#define QY_FUZZ_HARNESS_H

#include <quarry/quarry.h>

#include "model.h"
#include "ops.h"

#define FZ_ARENA_BASE UINT64_C(0x200000000000)
#define FZ_MAX_SEEN 1100
#define FZ_FEEDBACK 512

/* A report that the library made during the current step. */
struct fz_seen {
	enum qy_report_kind kind;
	const void *object, *damage;
	size_t object_size, damage_len;
	ptrdiff_t damage_offset;
	bool taken; /* foreseen by the model */
	char cache[32];
	char title[96];
};

struct fz_target {
	const struct fz_format *format; /* what the bytes mean, and the target's name */
	/* QY_CHECK_*: after every step; everything at every 16th and at the end. */
	unsigned int check;
	/* The arena's size is known, in pages: what of the geometry follows from it. */
	void (*place)(struct fz_geometry *geo, uint32_t pages);
	/* What the instance is to have besides; page: NOMEM reports are foreseen, too. */
	void (*configure)(struct qy_mm_config *cfg);
	/* Make the configuration one that must be refused (EINVAL), in one of many ways. */
	void (*spoil)(struct qy_mm_config *cfg, unsigned int way);
	void (*begin)(void); /* the instance is fresh */
	void (*step)(const struct fz_op *op, struct fz_log *log);
	void (*compare)(void); /* after every step */
	void (*end)(void);     /* after the last */
	/* May this violation stand, because the input planted it? */
	bool (*excuses)(const struct qy_violation *v);
	void (*feedback)(uint8_t counters[FZ_FEEDBACK]); /* state buckets for the engine */
	/*
	 * There is no instance: begin() makes what is needed, compare() calls the checker (unless
	 * opts.no_check).
	 */
	bool alone;
	size_t (*print)(char *buf, size_t size); /* the state in words, as snprintf */
};

struct fz_options {
	bool no_check;			   /* model only (measuring) */
	void (*before)(unsigned int step); /* replay: show */
	void (*after)(unsigned int step);
	/* What to do with a failure; must not return. NULL: print and abort. */
	void (*failed)(const char *id, const char *text);
};

struct fz_harness {
	const struct fz_target *target;
	struct fz_options opts;
	struct fz_input in;
	struct fz_log log[FZ_MAX_OPS];
	unsigned int step, steps_done; /* steps_done: finished, in the log */
	uint32_t known_flags;	       /* debug letters of this build, as QY_SLAB_* */
	bool running, starting;	       /* starting: before the first operation */
	struct qy_mm *mm;
	char *arena; /* what the instance was given */
	size_t arena_size;
	char *base; /* page frame 0 */
	uint32_t min_pfn, end_pfn;
	struct fz_seen seen[FZ_MAX_SEEN];
	unsigned int nr_seen;
	uint64_t operations; /* since the process began */
	uint8_t feedback[FZ_FEEDBACK];
};

extern struct fz_harness fz;

/* Map the arena and measure the books: once, before the first input (fz_run does it else). */
void fz_prepare(void);
/* Run one input. Returns only if nothing is wrong (or opts->failed leaves by longjmp). */
void fz_run(const struct fz_target *target, const uint8_t *data, size_t size,
	    const struct fz_options *opts);

/* The verdict: @id is an invariant's, or "model". Does not return. */
__attribute__((noreturn, format(printf, 2, 3))) void fz_fail(const char *id, const char *fmt, ...);
/* Print geometry and operations so far to stderr. */
void fz_print_run(void);

/*
 * The model foresees a report of @kind about @object (NULL: whatever) in this step: find it and
 * mark it. Returns it, or NULL: it did not come.
 */
struct fz_seen *fz_seen_find(enum qy_report_kind kind, const void *object);
/* It must have come. */
struct fz_seen *fz_expect(enum qy_report_kind kind, const void *object);
/* No report is left that nobody foresaw. Called after every step. */
void fz_expect_no_more(void);

/* "step 12 of 40", "the start", "the end". */
const char *fz_where(void);

/* The same instance again, untouched: nothing may have become different. */
void fz_recreate(void);

/* 0 … 7 for 0, 1, 2-3, 4-7, …: what a state counter is worth. */
unsigned int fz_bucket(size_t n);
/* The planted fault @id, which plants.def knows; it acts from the first operation on. 0: none. */
void fz_set_plant(int id);
/* … by its number in words. false after a message: there is none such. */
bool fz_choose_plant(const char *text);
/* The same, or that of the environment (QUARRY_PLANT); exit(2) where there is none such. */
void fz_require_plant(const char *text);
void fz_plant_from_env(void);

static inline int64_t fz_log_ptr(const void *p)
{
	return p ? (int64_t)((uintptr_t)p - (uintptr_t)fz.base) : FZ_LOG_NULL;
}

#endif
