/* SPDX-License-Identifier: MIT */
/*
 * bad_pointer.c - a pointer that was given back, or asked about, and is not a live object's start.
 *
 * Only descriptors are read to find out what it is, never the memory it points to (CVE-2025-39902:
 * a report about an invalid pointer must not touch it).
 */
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

static void describe_large(struct qy_report *r, struct qy_mm *mm, struct qy_page *head,
			   const void *p)
{
	const char *object = (char *)qy__page_addr(mm, head) + head->large.offset;

	r->cache = "kmalloc-large";
	r->object = object;
	r->object_size = head->large.size;
	if (qy__debug_large_flags(mm))
		qy__debug_large_describe(r, mm, head);
	r->damage_offset = (const char *)p - object;
	if (r->damage_offset)
		qy__report_title(r,
				 "Invalid object pointer 0x%lx: offset %ld of the %zu-byte object "
				 "0x%lx",
				 addr(p), (long)r->damage_offset, (size_t)head->large.size,
				 addr(object));
	else if (head->large.live == QY__LARGE_LIVE)
		qy__report_title(r, "Object 0x%lx is one of kmalloc's, not of this cache",
				 addr(object));
	else
		describe_freed(r);
}

/* The object whose slot, red zone in front included, holds @p. */
static void describe_slab(struct qy_report *r, struct qy_mm *mm, struct qy_page *head,
			  const void *p)
{
	struct qy_cache *c = qy__ref_cache(mm, head->slab.cache);
	ptrdiff_t pad, off;
	const char *object;

	if (!qy__cache_is_known(mm, c)) {
		qy__report_title(r, "page slab pointer corrupt.");
		return;
	}
	pad = c->layout.red_left_pad;
	off = ((const char *)p - qy__slab_first(c, head) + pad) % c->layout.slot - pad;
	object = (const char *)p - off;
	r->cache = c->name;
	r->slab = qy__page_addr(mm, head);
	qy__report_title(r, "Invalid object pointer 0x%lx: offset %ld of the object 0x%lx", addr(p),
			 (long)off, addr(object));
	if (!qy__cache_is_debug(c) || qy__slab_index(c, head, object) < 0)
		return;
	qy__debug_describe(r, c, head, object, NULL);
	r->damage_offset = off;
}

/* What @p points into, and where in it. */
static void describe(struct qy_report *r, struct qy_mm *mm, const struct qy_page *page,
		     const void *p)
{
	struct qy_page *head = qy__page_head(mm, (struct qy_page *)page);

	if (head->type == QY__PAGE_LARGE)
		describe_large(r, mm, head, p);
	else if (head->type == QY__PAGE_SLAB)
		describe_slab(r, mm, head, p);
	else
		qy__report_title(r, "Invalid object pointer 0x%lx: %s", addr(p),
				 head->type == QY__PAGE_ALLOC ? "in a page block"
							      : "in free or reserved pages");
}

void qy__debug_bad_pointer(struct qy_mm *mm, enum qy_report_kind kind, const void *p,
			   const struct qy__call *call)
{
	const struct qy_page *page = qy__addr_page(mm, p);
	uintptr_t pc[QY_STACK_MAX];
	struct qy_report r;

	qy__report_init(&r, mm, kind, "unknown");
	r.object = p;
	if (page)
		describe(&r, mm, page, p);
	else
		qy__report_title(&r, "Invalid object pointer 0x%lx: not from this allocator",
				 (unsigned long)(uintptr_t)p);
	r.family_free = call->family;
	r.here.nr = qy__backtrace_from(pc, QY_STACK_MAX, call->caller);
	r.here.pc = pc;
	r.here.tid = qy__osif_tid();
	if (kind == QY_REPORT_INVALID_FREE)
		qy__report_fix(&r, "Object at 0x%lx not freed", (unsigned long)(uintptr_t)p);
	qy__report_emit(&r);
}
