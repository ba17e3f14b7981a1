/* SPDX-License-Identifier: MIT */
/*
 * report_text.c - a report as SLUB words it, with one line for people and one for machines before
 * it. The form is drawn in report.h. No stdio, no locale, no memory.
 */
#include <string.h>

#include "report/report.h"
#include "util/backtrace.h"
#include "util/fmt.h"
#include "util/module.h"
#include "util/sys.h"

#define RULE 77
#define DUMP_MAX 128 /* bytes of an object that are dumped, around the damage */
#define DUMP_LABEL 9 /* letters of "Object   " */

static void rule(struct qy__buf *b, char ch)
{
	char line[RULE + 2];

	memset(line, ch, RULE);
	line[RULE] = '\n';
	line[RULE + 1] = 0;
	qy__fmt(b, "%s", line);
}

const char *qy_report_kind_name(enum qy_report_kind kind)
{
	static const char *const name[QY_NR_REPORT_KINDS] = {
		[QY_REPORT_NONE] = "none",
		[QY_REPORT_OVERFLOW] = "heap-overflow",
		[QY_REPORT_UNDERWRITE] = "heap-underwrite",
		[QY_REPORT_USE_AFTER_FREE] = "use-after-free-write",
		[QY_REPORT_DOUBLE_FREE] = "double-free",
		[QY_REPORT_INVALID_FREE] = "invalid-free",
		[QY_REPORT_FAMILY_MISMATCH] = "alloc-dealloc-mismatch",
		[QY_REPORT_SIZE_MISMATCH] = "size-mismatch",
		[QY_REPORT_WRONG_CACHE] = "wrong-cache",
		[QY_REPORT_PADDING] = "padding-overwritten",
		[QY_REPORT_FREELIST] = "freelist-corrupt",
		[QY_REPORT_METADATA] = "metadata-corrupt",
		[QY_REPORT_LEAK] = "leak",
		[QY_REPORT_BAD_PAGE_FREE] = "bad-page-free",
		[QY_REPORT_PAGE_ORDER] = "wrong-page-order",
		[QY_REPORT_BAD_REALLOC] = "bad-realloc",
		[QY_REPORT_NOMEM] = "out-of-memory",
		[QY_REPORT_TRACE] = "trace",
	};

	return (unsigned int)kind < QY_NR_REPORT_KINDS ? name[kind] : "unknown";
}

static unsigned long addr(const void *p)
{
	return (unsigned long)(uintptr_t)p;
}

static const char *family_name(enum qy_family family)
{
	static const char *const name[QY_NR_FAMILIES] = {"-", "malloc", "new", "new[]"};

	return (unsigned int)family < QY_NR_FAMILIES ? name[family] : "?";
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* "an 8-byte", "an 11-byte", "an 80-byte", "an 18000-byte"; else "a". */
static const char *article(size_t n)
{
	while (n >= 1000)
		n /= 1000;
	return n == 8 || n == 11 || n == 18 || n / 10 == 8 || n / 100 == 8 ? "an" : "a";
}

/* An access that was stopped left no damage to speak of: the title says all. */
static enum qy_report_kind words_of(const struct qy_report *r)
{
	bool of_damage = r->kind == QY_REPORT_OVERFLOW || r->kind == QY_REPORT_UNDERWRITE ||
			 r->kind == QY_REPORT_USE_AFTER_FREE;

	return of_damage && !r->damage ? QY_REPORT_NONE : r->kind;
}

/* What happened, in words: "1 byte written past the end …". */
static void plain_words(struct qy__buf *b, const struct qy_report *r)
{
	size_t size = r->object_size, len = r->damage_len;
	long off = (long)r->damage_offset;

	qy__fmt(b, "Quarry: %s: ", qy_report_kind_name(r->kind));
	switch (words_of(r)) {
	case QY_REPORT_OVERFLOW:
		qy__fmt(b, "%zu byte%s written past the end of %s %zu-byte object, at offset %ld",
			len, plural(len), article(size), size, off);
		if ((size_t)off == size)
			qy__fmt(b, " (right behind its last byte)");
		break;
	case QY_REPORT_UNDERWRITE:
		qy__fmt(b,
			"%zu byte%s written before the start of %s %zu-byte object, at offset %ld",
			len, plural(len), article(size), size, off);
		break;
	case QY_REPORT_USE_AFTER_FREE:
		qy__fmt(b, "%zu byte%s of a freed %zu-byte object written, at offset %ld", len,
			plural(len), size, off);
		break;
	case QY_REPORT_DOUBLE_FREE:
		qy__fmt(b, "the %zu-byte object at 0x%lx was freed before", size, addr(r->object));
		break;
	case QY_REPORT_FAMILY_MISMATCH:
		qy__fmt(b, "memory from %s given to the release of %s",
			family_name(r->family_alloc), family_name(r->family_free));
		break;
	default: qy__fmt(b, "%s", r->title); break;
	}
	qy__fmt(b, "\n");
	if (r->damage)
		qy__fmt(b, "The write happened some time before this point. Checking more often "
			   "comes nearer to it: validate=1\n");
}

/*
 * A pointer that is none of ours: the loaded file it points into, or this thread's stack. Else the
 * bare address, for a tool that can look at the process's mappings.
 */
static void pointer_line(struct qy__buf *b, const struct qy_report *r)
{
	uintptr_t offset, p = (uintptr_t)r->object;
	char path[512];

	if (!r->foreign)
		return;
	qy__fmt(b, "Pointer 0x%lx", (unsigned long)p);
	if (qy__is_on_own_stack(p))
		qy__fmt(b, ": on the stack of thread %d", r->here.tid);
	else if (qy__module_of(p, path, sizeof(path), &offset))
		qy__fmt(b, " (%s+0x%lx)", path, (unsigned long)offset);
	qy__fmt(b, "\n");
}

static void machine_line(struct qy__buf *b, const struct qy_report *r)
{
	qy__fmt(b, "QY seq=%lu kind=%s cache=%s object=0x%lx size=%zu", (unsigned long)r->seq,
		qy_report_kind_name(r->kind), r->cache, addr(r->object), r->object_size);
	if (r->damage)
		qy__fmt(b, " offset=%ld len=%zu expected=0x%02x found=0x%02x",
			(long)r->damage_offset, r->damage_len, r->expected, r->found);
	else if (r->damage_offset)
		qy__fmt(b, " offset=%ld", (long)r->damage_offset);
	qy__fmt(b, " alloc=%s free=%s hash=0x%016lx pid=%d tid=%d\n", family_name(r->family_alloc),
		family_name(r->family_free), (unsigned long)r->hash, (int)getpid(), r->here.tid);
}

/* The kernel's @offset counts from the slab; without a slab there is none. */
static void damage_line(struct qy__buf *b, const struct qy_report *r)
{
	if (!r->damage)
		return;
	qy__fmt(b, "0x%lx-0x%lx", addr(r->damage),
		addr((const char *)r->damage + r->damage_len - 1));
	if (r->slab)
		qy__fmt(b, " @offset=%ld", (long)((const char *)r->damage - (const char *)r->slab));
	qy__fmt(b, ". First byte 0x%x instead of 0x%x\n", r->found, r->expected);
}

static void frames(struct qy__buf *b, const struct qy_stack *stack)
{
	char path[512];
	uintptr_t offset;

	for (unsigned int i = 0; i < stack->nr; i++) {
		if (qy__module_at(stack->pc[i] - 1, stack->when, path, sizeof(path), &offset))
			qy__fmt(b, "    #%u 0x%lx (%s+0x%lx)\n", i, (unsigned long)stack->pc[i],
				path, (unsigned long)offset + 1);
		else
			qy__fmt(b, "    #%u 0x%lx\n", i, (unsigned long)stack->pc[i]);
	}
}

/* "62us", "12.345ms", "2.500s" */
static void age(struct qy__buf *b, uint64_t ns)
{
	unsigned long us = (unsigned long)(ns / 1000u);

	if (us < 1000)
		qy__fmt(b, "age=%luus", us);
	else if (us < 1000000)
		qy__fmt(b, "age=%lu.%03lums", us / 1000, us % 1000);
	else
		qy__fmt(b, "age=%lu.%03lus", us / 1000000, us / 1000 % 1000);
}

static void stack(struct qy__buf *b, const char *what, const struct qy_stack *st, uint64_t now)
{
	if (st->damaged)
		qy__fmt(b, "%s: the record was overwritten\n", what);
	if (st->damaged || !(st->nr || st->when || st->tid))
		return;
	qy__fmt(b, "%s ", what);
	age(b, now - st->when);
	qy__fmt(b, " cpu=%u tid=%d\n", st->cpu, st->tid);
	frames(b, st);
}

static void hex_line(struct qy__buf *b, const char *label, const uint8_t *p, size_t n)
{
	qy__fmt(b, "%s0x%lx:", label, addr(p));
	for (size_t i = 0; i < 16; i++) {
		if (i < n)
			qy__fmt(b, " %02x", p[i]);
		else
			qy__fmt(b, "   ");
	}
	qy__fmt(b, "  ");
	for (size_t i = 0; i < n; i++)
		qy__fmt(b, "%c", p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '.');
	qy__fmt(b, "\n");
}

static bool is_damaged(const struct qy_report *r, const uint8_t *p)
{
	const uint8_t *damage = r->damage;

	return damage && p >= damage && p < damage + r->damage_len && *p != r->expected;
}

/* "^^" below each damaged byte of the line before. */
static void mark_line(struct qy__buf *b, const struct qy_report *r, const uint8_t *p, size_t n)
{
	char text[DUMP_LABEL + 24];
	size_t last = n, width = qy__snprintf(text, sizeof(text), "0x%lx:", addr(p));

	while (last && !is_damaged(r, p + last - 1))
		last--;
	if (!last)
		return;
	qy__fmt(b, "%*s", (int)(DUMP_LABEL + width), "");
	for (size_t i = 0; i < last; i++)
		qy__fmt(b, is_damaged(r, p + i) ? " ^^" : "   ");
	qy__fmt(b, "\n");
}

/* At most DUMP_MAX of @n bytes: those around the damage, else the first. */
static void section(struct qy__buf *b, const struct qy_report *r, const char *label,
		    const uint8_t *p, size_t n)
{
	const uint8_t *damage = r->damage;
	size_t from = 0;

	if (!p)
		return;
	if (n > DUMP_MAX) {
		if (damage > p + DUMP_MAX / 2 && damage < p + n)
			from = min((size_t)(damage - p) - DUMP_MAX / 2, n - DUMP_MAX) & ~(size_t)15;
		n = min(n - from, (size_t)DUMP_MAX);
	}
	for (p += from; n; p += min(n, (size_t)16), n -= min(n, (size_t)16)) {
		hex_line(b, label, p, min(n, (size_t)16));
		mark_line(b, r, p, min(n, (size_t)16));
	}
}

static void dumps(struct qy__buf *b, const struct qy_report *r)
{
	if (r->slab && r->slab_objects)
		qy__fmt(b, "Slab 0x%lx objects=%u used=%u fp=0x%lx flags=0x%x\n", addr(r->slab),
			r->slab_objects, r->slab_inuse, addr(r->freepointer), r->flags);
	if (r->object && r->slab)
		qy__fmt(b, "Object 0x%lx @offset=%ld fp=0x%lx\n\n", addr(r->object),
			(long)((const char *)r->object - (const char *)r->slab),
			addr(r->freepointer));
	section(b, r, "Redzone  ", r->left, r->left_len);
	section(b, r, "Object   ", r->object, r->object_dump_len);
	section(b, r, "Redzone  ", r->right, r->right_len);
	section(b, r, "Padding  ", r->padding, r->padding_len);
}

static void overrun_line(struct qy__buf *b, const struct qy_report *r)
{
	if (r->victims || r->at_least)
		qy__fmt(b, "Overrun: %s%zu bytes, and %zu object%s after it\n",
			r->at_least ? "at least " : "", r->damage_len, r->victims,
			plural(r->victims));
}

size_t qy_report_text(const struct qy_report *r, char *buf, size_t size)
{
	struct qy__buf b = {.p = buf, .cap = size};
	char name[512];

	if (r->kind == QY_REPORT_TRACE || r->kind == QY_REPORT_NOMEM) {
		qy__fmt(&b, "%s%s%s\n", r->title, r->fix[0] ? "; " : "", r->fix);
		return b.len;
	}
	rule(&b, '=');
	qy__fmt(&b, "BUG %s (%s[%d]): %s\n", r->cache, qy__program_name(name, sizeof(name)),
		(int)qy__sys0(SYS_getpid), r->title);
	rule(&b, '-');
	qy__fmt(&b, "\n");
	plain_words(&b, r);
	pointer_line(&b, r);
	machine_line(&b, r);
	damage_line(&b, r);
	overrun_line(&b, r);
	stack(&b, "Allocated", &r->alloc, r->when);
	stack(&b, "Freed", &r->free, r->when);
	if (r->here.nr) {
		qy__fmt(&b, r->here.tid ? "Found at tid=%d\n" : "Found at\n", r->here.tid);
		frames(&b, &r->here);
	}
	dumps(&b, r);
	if (r->fix[0])
		qy__fmt(&b, "FIX %s: %s\n", r->cache, r->fix);
	rule(&b, '=');
	return b.len;
}
