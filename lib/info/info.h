/* SPDX-License-Identifier: MIT */
/*
 * info.h - what the texts share: the head of a text, lines and their words read back.
 *
 * A text may be asked of an instance that is damaged, or of a copy that was taken while others
 * wrote. So it reads as the checker does (check/): by bounded walks, and nothing is followed that
 * was not tested. An instance whose head cannot be believed has empty texts.
 */
#ifndef QY_INFO_INFO_H
#define QY_INFO_INFO_H

#include <quarry/info.h>

#include "check/snapshot.h"
#include "util/fmt.h"

/* An empty text is one, too. */
static inline struct qy__buf qy__text(char *p, size_t size)
{
	if (size)
		p[0] = '\0';
	return (struct qy__buf){.p = p, .cap = size};
}

extern const char *const qy__migratetype_names[QY_NR_MIGRATETYPES];

/* "Node %d, zone %8s ", as most lines begin. */
static inline void qy__print_zone(struct qy__buf *buf, unsigned int node, const char *name)
{
	qy__fmt(buf, "Node %d, zone %8s ", (int)node, name);
}

/* As qy__gfp_migratetype(), of an instance that may be damaged. */
static inline unsigned int qy__owner_migratetype(const struct qy_mm *mm, qy_gfp_t gfp)
{
	if (!qy__check_flag(&mm->grouping) || !(gfp & (QY_GFP_MOVABLE | QY_GFP_RECLAIMABLE)))
		return QY_MIGRATE_UNMOVABLE;
	return gfp & QY_GFP_MOVABLE ? QY_MIGRATE_MOVABLE : QY_MIGRATE_RECLAIMABLE;
}

/* ---- parse.c ---- */

struct qy__scan {
	const char *at, *eol;	/* what is left of the present line */
	const char *next, *end; /* the lines behind it */
	unsigned int line;	/* number of the present one */
};

#define QY__SCAN(text, len) ((struct qy__scan){.next = (text), .end = (text) + (len)})

/* The next line. 1; 0: there is none; -EINVAL: it has no end. */
int qy__scan_line(struct qy__scan *s);
/* @word, if it comes next as a whole; blanks around it, there and here, mean nothing. */
bool qy__scan_word(struct qy__scan *s, const char *word);
/* A character, if it comes next, behind blanks. */
bool qy__scan_char(struct qy__scan *s, char c);
/* A number of its own, below QY_INFO_NONE. */
bool qy__scan_u64(struct qy__scan *s, uint64_t *x);
/* A number that an int can hold. */
bool qy__scan_uint(struct qy__scan *s, unsigned int *x);
/* A name, up to a blank or comma, of at most @size - 1 characters. */
bool qy__scan_name(struct qy__scan *s, char *name, size_t size);
/* "Node", if that comes next: 1, and what follows up to the zone's name; 0; -EINVAL. */
int qy__scan_zone(struct qy__scan *s, unsigned int *node, char name[12]);
/* Nothing but blanks is left. */
bool qy__scan_done(struct qy__scan *s);

/*
 * A line "prefix number" of a format: where the number is kept. The lines of a format are a table;
 * a figure that is not there is QY_INFO_NONE.
 */
struct qy__figure {
	const char *prefix;
	size_t offset;
};
#define QY__FIGURE(prefix, type, member)                                                           \
	{                                                                                          \
		prefix, offsetof(type, member)                                                     \
	}

static inline uint64_t *qy__figure_at(const struct qy__figure *f, void *to)
{
	return (uint64_t *)((char *)to + f->offset);
}

static inline uint64_t qy__figure_of(const struct qy__figure *f, const void *of)
{
	return *(const uint64_t *)((const char *)of + f->offset);
}

/* All figures of a table become QY_INFO_NONE. */
void qy__figures_clear(const struct qy__figure *table, unsigned int nr, void *to);
/*
 * A line of a table: 1; 0: it is in none of its lines; -EINVAL: it is not well formed, or was there
 * before. @unit: what follows the number, or NULL.
 */
int qy__figures_scan(struct qy__scan *s, const struct qy__figure *table, unsigned int nr, void *to,
		     const char *unit);

/* ---- meminfo.c ---- */

/* As qy_meminfo_get(), for texts under way. */
void qy__meminfo_read(struct qy__check *ck, struct qy_meminfo *info);
/* The figures as a JSON object. */
void qy__meminfo_json(struct qy__buf *buf, struct qy__check *ck);

/* ---- extfrag.c: thousandths ---- */

/*
 * The share of @free_pages that is not in blocks of 2^@order pages and more, of which there are
 * @suitable, counted in blocks of 2^@order. 1000 if nothing is free.
 */
int qy__unusable_index(unsigned int order, uint64_t free_pages, uint64_t suitable);
/*
 * -1000: there is a suitable block; else 1 - (1 + free_pages / 2^order) / blocks, where @blocks are
 * the free blocks of any order (0: 0): towards 0 memory is short, towards 1000 it is in pieces.
 */
int qy__fragmentation_index(unsigned int order, uint64_t free_pages, uint64_t suitable,
			    uint64_t blocks);

#endif
