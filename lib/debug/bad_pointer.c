/* SPDX-License-Identifier: MIT */
/*
 * bad_pointer.c - a pointer that was given back, or asked about, and is not the start of a live object.
 *
 * Only descriptors are read to find out what it is, never the memory it points to (CVE-2025-39902: a report about an
 * invalid pointer must not touch it).
 */
#include "debug/debug.h"
#include "util/backtrace.h"
#include "util/bitops.h"

/* "inside object 0x… of kmalloc-64 (offset 8)", or what else is there. */
static void describe(struct qy_report *r, struct qy_mm *mm, const struct qy_page *page, const void *p)
{
	const struct qy_page *head = qy__page_head(mm, (struct qy_page *)page);
	struct qy_cache *c;
	ptrdiff_t off;

	if (head->type == QY__PAGE_LARGE) {
		const char *object = (char *)qy__page_addr(mm, head) + head->large.offset;

		r->cache = "kmalloc-large";
		qy__report_title(r, "Invalid object pointer 0x%lx: offset %ld of the %zu-byte object 0x%lx",
				 (unsigned long)(uintptr_t)p, (long)((const char *)p - object),
				 (size_t)head->large.size, (unsigned long)(uintptr_t)object);
		return;
	}
	if (head->type != QY__PAGE_SLAB) {
		qy__report_title(r, "Invalid object pointer 0x%lx: %s", (unsigned long)(uintptr_t)p,
				 head->type == QY__PAGE_ALLOC ? "in a page block" : "in free or reserved pages");
		return;
	}
	c = qy__ref_cache(mm, head->slab.cache);
	if (!qy__cache_is_known(mm, c)) {
		qy__report_title(r, "page slab pointer corrupt.");
		return;
	}
	r->cache = c->name;
	r->slab = qy__page_addr(mm, head);
	off = (const char *)p - qy__slab_first(c, head);
	if (off < 0)
		off += c->layout.slot;
	off %= c->layout.slot;
	qy__report_title(r, "Invalid object pointer 0x%lx: offset %ld of the object 0x%lx",
			 (unsigned long)(uintptr_t)p, (long)off,
			 (unsigned long)(uintptr_t)((const char *)p - off));
	if (qy__cache_is_debug(c) && qy__slab_index(c, head, (const char *)p - off) >= 0)
		qy__debug_describe(r, c, (struct qy_page *)head, (const char *)p - off, NULL);
}

void qy__debug_bad_pointer(struct qy_mm *mm, enum qy_report_kind kind, const void *p, const struct qy__call *call)
{
	const struct qy_page *page = qy__addr_page(mm, p);
	uintptr_t pc[QY_STACK_MAX];
	struct qy_report r;

	qy__report_init(&r, mm, kind, "unknown");
	if (page)
		describe(&r, mm, page, p);
	else
		qy__report_title(&r, "Invalid object pointer 0x%lx: not from this allocator",
				 (unsigned long)(uintptr_t)p);
	r.object = p;
	r.family_free = call->family;
	r.here.nr = qy__backtrace_from(pc, QY_STACK_MAX, call->caller);
	r.here.pc = pc;
	r.here.tid = qy__osif_tid();
	if (kind == QY_REPORT_INVALID_FREE)
		qy__report_fix(&r, "Object at 0x%lx not freed", (unsigned long)(uintptr_t)p);
	qy__report_emit(&r);
}
