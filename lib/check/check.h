/* SPDX-License-Identifier: MIT */
/*
 * check.h - what the walkers share: where violations go, and what of the instance may be believed.
 *
 * Nothing the instance says about itself is believed before it was compared with something else it
 * says. What passed stands in struct qy__check; the walkers use those copies, and never follow a
 * pointer or a page number that they have not tested against them.
 */
#ifndef QY_CHECK_CHECK_H
#define QY_CHECK_CHECK_H

#include <quarry/check.h>

#include "page/page.h"
#include "util/compiler.h"
#include "util/lock.h"

struct qy__check {
	struct qy_mm *mm;
	struct qy_check_result *result; /* NULL: only count */
	unsigned int what;		/* QY_CHECK_* */
	unsigned int nr;
	uint64_t tests;
	uint32_t min_pfn, end_pfn; /* pages that exist */
	struct qy_page *pages;	   /* descriptor of min_pfn */
	uint64_t *live;		   /* debug builds: the live bits, from min_pfn on */
	uintptr_t start, end;	   /* addresses that may be read */
	bool in_vain;		   /* a lock was waited for, and did not come back */
};

/*
 * Is @mm a copy of another program's instance, mapped here to be read? Then nobody works in it, and
 * who held its locks when it was taken is not here. What points out of the span (callbacks,
 * constructors, names, mappings of their own) points into the other program.
 */
static inline bool qy__is_image(const struct qy_mm *mm)
{
	return mm->image == QY__MM_IMAGE;
}

/*
 * Make one test. The rest of the arguments tell the violation: id, format, …; the value is the
 * verdict.
 */
#define qy__holds(ck, cond, ...)                                                                   \
	({                                                                                         \
		bool holds_it = (cond);                                                            \
                                                                                                   \
		(ck)->tests++;                                                                     \
		if (unlikely(!holds_it))                                                           \
			qy__violation(ck, __VA_ARGS__);                                            \
		holds_it;                                                                          \
	})

__attribute__((format(printf, 3, 4))) QY_COLD void qy__violation(struct qy__check *ck,
								 const char *id, const char *fmt,
								 ...);

/*
 * A lock is taken for the walk, unless its word was damaged or its holder does not come back: that
 * is a violation too. False: not taken; the checker leaves the thing alone, a text reads it all the
 * same. The locks of an image are left as they are.
 */
bool qy__check_lock(struct qy__check *ck, struct qy__lock *lock, const char *what);
void qy__check_unlock(const struct qy__check *ck, struct qy__lock *lock);

/* Where the CPU is set by hand there is one caller: nobody else is between two words. */
static inline bool qy__check_alone(const struct qy__check *ck)
{
	return ck->mm->cpus.provider == QY_CPU_MANUAL;
}

/* May [p, p + len) be read? */
static inline bool qy__check_readable(const struct qy__check *ck, const void *p, size_t len)
{
	uintptr_t at = (uintptr_t)p;

	return at >= ck->start && at < ck->end && len <= ck->end - at;
}

/* Ditto for a struct of the library's. */
#define qy__check_struct(ck, p)                                                                    \
	(!((uintptr_t)(p) % _Alignof(__typeof__(*(p)))) && qy__check_readable(ck, p, sizeof(*(p))))

static inline bool qy__check_pfn(const struct qy__check *ck, uint32_t pfn)
{
	return pfn >= ck->min_pfn && pfn < ck->end_pfn;
}

/* The descriptor of a pfn that passed qy__check_pfn(). */
static inline struct qy_page *qy__check_page(const struct qy__check *ck, uint32_t pfn)
{
	return ck->pages + (pfn - ck->min_pfn);
}

/* The pfn of an address that passed qy__check_readable(). */
static inline uint32_t qy__check_addr_pfn(const struct qy__check *ck, const void *p)
{
	return ck->min_pfn + (uint32_t)(((uintptr_t)p - ck->start) >> QY_CONFIG_PAGE_SHIFT);
}

static inline char *qy__check_pfn_addr(const struct qy__check *ck, uint32_t pfn)
{
	return (char *)ck->start + ((size_t)(pfn - ck->min_pfn) << QY_CONFIG_PAGE_SHIFT);
}

/* The pages of the block at @pfn; 1 if it cannot be believed: it is stepped through. */
uint32_t qy__check_block_pages(const struct qy__check *ck, uint32_t pfn);

/* A flag that may be damaged: the compiler must not take it for 0 or 1. */
static inline bool qy__check_flag(const bool *flag)
{
	return *(const unsigned char *)flag != 0;
}

/* The first of @len bytes that is not @value, or NULL. */
const uint8_t *qy__check_bytes(const void *p, uint8_t value, size_t len);

/* The name of a zone: its own pointer to it leads out of the span. */
const char *qy__check_zone_name(unsigned int z);

/* ---- check_books.c ---- */

/*
 * Take mm->grow_lock and see what the head of the instance says. True: @ck's copies of it are set,
 * and the lock is held, so that no pages come in.
 */
bool qy__check_books_lock(struct qy__check *ck);
void qy__check_books_unlock(const struct qy__check *ck);
/* Let pages that came in meanwhile count. Takes mm->grow_lock for a moment. False: damaged. */
bool qy__check_books(struct qy__check *ck);

/* ---- check_owner.c, for texts ---- */

/* The record of min_pfn; there are some for the pages before *@end. NULL: none can be read. */
const struct qy__page_owner *qy__check_owner_records(const struct qy__check *ck, uint32_t *end);
/* The depot of stacks, if all that qy__depot_fetch() follows can be read; or NULL. */
const struct qy__stackdepot *qy__check_depot(const struct qy__check *ck);

/* ---- one file each ---- */

void qy__check_early_locked(struct qy__check *ck); /* mm->grow_lock */
void qy__check_zones_locked(struct qy__check *ck); /* mm->grow_lock */
void qy__check_slab(struct qy__check *ck);
void qy__check_owner(struct qy__check *ck);
void qy__check_vmap(struct qy__check *ck);

#endif
