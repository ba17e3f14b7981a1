/* SPDX-License-Identifier: MIT */
/*
 * locate.c - what an address is: from the page's descriptor to the object.
 *
 * Asked by kfree, ksize and krealloc, by the debug path, by reports about wrong pointers and by the
 * quarantine.
 */
#include "kmalloc/locate.h"

#include "debug/debug.h"

/* The object whose slot, red zone in front included, holds @p. */
static struct qy__place in_slab(const struct qy_mm *mm, struct qy_page *head, const void *p)
{
	struct qy_cache *c = qy__object_cache(mm, head, p);
	size_t off = (size_t)((const char *)p - (const char *)qy__page_addr(mm, head)), slot;
	struct qy__place at = {.kind = QY__PLACE_SLAB, .head = head, .index = -1};

	/* A damaged reference may lead anywhere. */
	if (unlikely(!qy__addr_page(mm, c)) || unlikely(c->magic != QY__CACHE_MAGIC))
		return at;
	at.cache = c;
	slot = off / c->layout.slot;
	if (unlikely(slot >= head->slab.objects))
		return at;
	at.index = (int)slot;
	at.offset = (ptrdiff_t)(off - slot * c->layout.slot) - (ptrdiff_t)c->layout.red_left_pad;
	at.object = (char *)p - at.offset;
	return at;
}

struct qy__place qy__locate(const struct qy_mm *mm, const void *p)
{
	struct qy__place at = {.kind = QY__PLACE_NOWHERE, .index = -1};
	struct qy_page *page = qy__addr_page(mm, p);

	if (!page)
		return at;
	at.head = qy__page_head(mm, page);
	switch (at.head->type) {
	case QY__PAGE_SLAB: return in_slab(mm, at.head, p);
	case QY__PAGE_LARGE:
		at.kind = QY__PLACE_LARGE;
		at.object = (char *)qy__page_addr(mm, at.head) + at.head->large.offset;
		at.offset = (const char *)p - at.object;
		return at;
	case QY__PAGE_ALLOC: at.kind = QY__PLACE_PAGES; return at;
	default: at.kind = QY__PLACE_UNUSED; return at;
	}
}

bool qy__place_is_live(const struct qy_mm *mm, const struct qy__place *at)
{
	if (!qy__place_is_start(at))
		return false;
	if (at->kind == QY__PLACE_LARGE)
		return at->head->large.live == QY__LARGE_LIVE;
	return !qy__cache_is_debug(at->cache) || qy__debug_is_live(mm, at->object);
}
