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
static void locate_in_slab(const struct qy_mm *mm, struct qy__place *at, const void *p)
{
	const struct qy__layout *l;
	size_t slot;

	at->cache = qy__object_cache(mm, at->head, p);
	if (unlikely(!qy__addr_page(mm, at->cache)) ||
	    unlikely(at->cache->magic != QY__CACHE_MAGIC)) {
		at->cache = NULL;
		return;
	}
	l = &at->cache->layout;
	slot = (size_t)((const char *)p - (const char *)qy__page_addr(mm, at->head)) / l->slot;
	if (slot >= at->head->slab.objects)
		return;
	at->index = (int)slot;
	at->object = qy__slab_object(at->cache, at->head, (unsigned int)slot);
	at->offset = (const char *)p - at->object;
}

struct qy__place qy__locate(const struct qy_mm *mm, const void *p)
{
	struct qy__place at = {.kind = QY__PLACE_NOWHERE, .index = -1};
	struct qy_page *page = qy__addr_page(mm, p);

	if (!page)
		return at;
	at.head = qy__page_head(mm, page);
	switch (at.head->type) {
	case QY__PAGE_SLAB:
		at.kind = QY__PLACE_SLAB;
		locate_in_slab(mm, &at, p);
		break;
	case QY__PAGE_LARGE:
		at.kind = QY__PLACE_LARGE;
		at.object = (char *)qy__page_addr(mm, at.head) + at.head->large.offset;
		at.offset = (const char *)p - at.object;
		break;
	case QY__PAGE_ALLOC: at.kind = QY__PLACE_PAGES; break;
	default: at.kind = QY__PLACE_UNUSED;
	}
	return at;
}

bool qy__place_is_live(const struct qy_mm *mm, const struct qy__place *at)
{
	if (!qy__place_is_start(at))
		return false;
	if (at->kind == QY__PLACE_LARGE)
		return at->head->large.live == QY__LARGE_LIVE;
	return !qy__cache_is_debug(at->cache) || qy__debug_is_live(mm, at->object);
}
