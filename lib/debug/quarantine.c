/* SPDX-License-Identifier: MIT */
/*
 * quarantine.c - freed objects kept back, oldest first, until their bytes exceed a limit.
 *
 * While an object waits here it is poisoned and not handed out: a write through a stale pointer
 * damages nobody and is found when the object leaves, or when everything is validated. The entries
 * lie in pages of their own, apart from the objects:
 *
 *   head page [ …, entry, entry ] → page [ entry … ] → tail page [ entry, entry, … ]
 *                  ^head_pos                                                ^tail_pos
 *
 * A store and no more: who puts objects in and takes them out is free.c.
 *
 * Lock: quarantine.lock.
 */
#include "debug/debug.h"
#include "page/page_alloc.h"

struct entry {
	void *object; /* NULL: taken out from the middle */
	size_t bytes;
};

#define ENTRIES (QY_PAGE_SIZE / sizeof(struct entry))

static struct entry *entry_at(struct qy_mm *mm, uint32_t pfn, uint32_t pos)
{
	return (struct entry *)qy__pfn_addr(mm, pfn) + pos;
}

/* Room for one more entry at the tail. */
static bool make_room_locked(struct qy_mm *mm, struct qy__quarantine *q)
{
	struct qy_page *page;

	if (!qy__page_list_is_empty(&q->pages) && q->tail_pos < ENTRIES)
		return true;
	page = qy__alloc_block(mm, QY_GFP_NOWAIT | QY_GFP_RECLAIMABLE, 0, QY__PAGE_ALLOC);
	if (!page)
		return false;
	if (qy__page_list_is_empty(&q->pages))
		q->head_pos = 0;
	qy__page_list_add_tail(mm, &q->pages, page);
	q->tail_pos = 0;
	return true;
}

bool qy__quarantine_put(struct qy_mm *mm, void *object, size_t bytes)
{
	struct qy__quarantine *q = &mm->debug->quarantine;
	bool kept = false;

	if (bytes > q->limit)
		return false;
	qy__lock(&q->lock);
	if (make_room_locked(mm, q)) {
		*entry_at(mm, q->pages.tail, q->tail_pos++) = (struct entry){object, bytes};
		qy__store_relaxed(&q->bytes, q->bytes + bytes);
		q->count++;
		kept = true;
	}
	qy__unlock(&q->lock);
	return kept;
}

void *qy__quarantine_newest(const struct qy_mm *mm)
{
	const struct qy__quarantine *q = &mm->debug->quarantine;
	uint32_t pos = qy__load_relaxed(&q->tail_pos), tail = qy__load_relaxed(&q->pages.tail);

	if (qy__page_list_is_empty(&q->pages) || !pos || pos > ENTRIES)
		return NULL;
	return qy__load_relaxed(&entry_at((struct qy_mm *)mm, tail, pos - 1)->object);
}

/* The oldest entry that is still there. */
static bool take_oldest_locked(struct qy_mm *mm, struct qy__quarantine *q, struct entry *e)
{
	while (!qy__page_list_is_empty(&q->pages)) {
		if (q->pages.head == q->pages.tail && q->head_pos == q->tail_pos)
			return false;
		if (q->head_pos == ENTRIES) {
			qy__free_block(mm, qy__page_list_pop(mm, &q->pages));
			q->head_pos = 0;
			continue;
		}
		*e = *entry_at(mm, q->pages.head, q->head_pos++);
		if (!e->object)
			continue;
		qy__store_relaxed(&q->bytes, q->bytes - e->bytes);
		q->count--;
		return true;
	}
	return false;
}

void *qy__quarantine_take(struct qy_mm *mm, size_t limit)
{
	struct qy__quarantine *q = &mm->debug->quarantine;
	struct entry e = {NULL, 0};

	qy__lock(&q->lock);
	if (q->bytes <= limit || !take_oldest_locked(mm, q, &e))
		e.object = NULL;
	qy__unlock(&q->lock);
	return e.object;
}

/* Take the next object of @c, from *@pfn / *@pos on, out of the middle. */
static void *take_of_cache_locked(struct qy_mm *mm, const struct qy_cache *c, uint32_t *pfn,
				  uint32_t *pos)
{
	struct qy__quarantine *q = &mm->debug->quarantine;

	for (; *pfn != QY__PFN_NONE; *pfn = qy__pfn_page(mm, *pfn)->next, *pos = 0) {
		uint32_t end = *pfn == q->pages.tail ? q->tail_pos : (uint32_t)ENTRIES;

		while (*pos < end) {
			struct entry *e = entry_at(mm, *pfn, (*pos)++);
			void *object = e->object;

			if (!object || qy__locate(mm, object).cache != c)
				continue;
			e->object = NULL;
			qy__store_relaxed(&q->bytes, q->bytes - e->bytes);
			q->count--;
			return object;
		}
	}
	return NULL;
}

unsigned int qy__quarantine_take_of(struct qy_mm *mm, const struct qy_cache *c, void **objects,
				    unsigned int most)
{
	struct qy__quarantine *q = &mm->debug->quarantine;
	uint32_t pfn, pos;
	unsigned int n;

	qy__lock(&q->lock);
	pfn = q->pages.head;
	pos = q->head_pos;
	for (n = 0; n < most; n++) {
		objects[n] = take_of_cache_locked(mm, c, &pfn, &pos);
		if (!objects[n])
			break;
	}
	qy__unlock(&q->lock);
	return n;
}
