/* SPDX-License-Identifier: MIT */
/*
 * bad_pointer.c - a pointer that was given back, or asked about, and is not a live object's start.
 *
 * Only descriptors are read to find out what it is, never the memory it points to (CVE-2025-39902:
 * a report about an invalid pointer must not touch it).
 */
#include <string.h>

#include "debug/debug.h"
#include "util/backtrace.h"
#include "util/bitops.h"

static unsigned long addr(const void *p)
{
	return (unsigned long)(uintptr_t)p;
}

static void describe_freed(struct qy_report *r)
{
	qy__report_title(r, "Object already free");
	if (r->kind == QY_REPORT_INVALID_FREE)
		r->kind = QY_REPORT_DOUBLE_FREE;
}

/* In the object, or in the red zones around it. */
static void title_inside(struct qy_report *r, const void *p, const struct qy__place *at, bool live)
{
	long offset = (long)at->offset;
	bool behind = offset >= (long)r->object_size;
	long by = offset < 0 ? -offset : behind ? offset - (long)r->object_size : offset;

	if (!offset)
		qy__report_title(r,
				 "Invalid object pointer 0x%lx: the start of a %s%zu-byte object",
				 addr(p), live ? "" : "free ", r->object_size);
	else
		qy__report_title(r,
				 "Invalid object pointer 0x%lx: %ld byte%s %s the %s%zu-byte "
				 "object 0x%lx",
				 addr(p), by, by == 1 ? "" : "s",
				 offset < 0 ? "before"
				 : behind   ? "behind the end of"
					    : "into",
				 live ? "" : "free ", r->object_size, addr(at->object));
}

static void describe_large(struct qy_report *r, struct qy_mm *mm, const struct qy__place *at,
			   const void *p)
{
	r->cache = "kmalloc-large";
	r->object = at->object;
	r->object_size = at->head->large.size;
	if (qy__debug_large_flags(mm))
		qy__debug_large_describe(r, mm, at->head);
	r->damage_offset = at->offset;
	if (at->offset)
		title_inside(r, p, at, at->head->large.live == QY__LARGE_LIVE);
	else if (at->head->large.live == QY__LARGE_LIVE)
		qy__report_title(r, "Object 0x%lx is one of kmalloc's, not of this cache",
				 addr(at->object));
	else
		describe_freed(r);
}

/* The registry's lock is held; @name is filled: the cache may be gone when the report is told. */
static void describe_slab_locked(struct qy_report *r, struct qy_mm *mm, const struct qy__place *at,
				 const void *p, char *name)
{
	struct qy_cache *c = at->cache;

	if (!c || !qy__registry_has_locked(mm, c)) {
		qy__report_title(r, "page slab pointer corrupt.");
		return;
	}
	memcpy(name, c->name, sizeof(c->name));
	r->slab = qy__page_addr(mm, at->head);
	if (!at->object)
		qy__report_title(r,
				 "Invalid object pointer 0x%lx: behind the last object of a slab",
				 addr(p));
	if (qy__cache_is_debug(c) && at->object)
		qy__debug_describe(r, c, at->head, at->object, NULL);
	if (at->object) {
		if (!r->object_size)
			r->object_size = c->layout.object_size;
		title_inside(r, p, at, !qy__cache_is_debug(c) || qy__debug_is_live(mm, at->object));
	}
	r->cache = name;
	r->damage_offset = at->offset;
}

void qy__debug_bad_pointer(struct qy_mm *mm, enum qy_report_kind kind, const void *p,
			   const struct qy__call *call)
{
	struct qy__place at = qy__locate(mm, p);
	char name[QY__CACHE_NAME] = "unknown";
	uintptr_t pc[QY_STACK_MAX];
	struct qy_report r;

	qy__report_init(&r, mm, kind, name);
	r.object = p;
	if (at.kind == QY__PLACE_LARGE) {
		describe_large(&r, mm, &at, p);
	} else if (at.kind == QY__PLACE_SLAB) {
		qy__lock(&mm->slab->lock);
		describe_slab_locked(&r, mm, &at, p, name);
		qy__unlock(&mm->slab->lock);
	} else {
		r.foreign = at.kind != QY__PLACE_PAGES && at.kind != QY__PLACE_UNUSED;
		qy__report_title(&r, "Invalid object pointer 0x%lx: %s", addr(p),
				 at.kind == QY__PLACE_PAGES    ? "in a page block"
				 : at.kind == QY__PLACE_UNUSED ? "in free or reserved pages"
							       : "not from this allocator");
	}
	r.family_free = call->family;
	r.here.nr = qy__backtrace_from(pc, QY_STACK_MAX, call->caller);
	r.here.pc = pc;
	r.here.tid = qy__osif_tid();
	if (kind == QY_REPORT_INVALID_FREE)
		qy__report_fix(&r, "Object at 0x%lx not freed", (unsigned long)(uintptr_t)p);
	qy__report_emit(&r);
}
