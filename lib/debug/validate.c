/* SPDX-License-Identifier: MIT */
/*
 * validate.c - every byte that nobody may write, of every object, on demand; and what is left at a
 * cache's end.
 *
 * Damage is reported and repaired, so a second pass finds nothing.
 * Locks: registry → cache, one cache at a time; large_lock for the state of large blocks.
 */
#include <string.h>

#include "debug/debug.h"

/*
 * The freelist of a slab, bounded: number of objects on it, or -1 after a report and with the list
 * cut.
 */
static int check_freelist(struct qy_cache *c, struct qy_page *slab)
{
	const struct qy__slab_ops *ops = qy__slab_ops(c);
	void *object = ops->next_free(c, slab, NULL), *before = NULL;
	unsigned int n = 0;

	for (; object && n <= slab->slab.objects; n++) {
		if (qy__slab_index(c, slab, object) < 0 || qy__debug_is_live(c->mm, object)) {
			qy__debug_object_bug(c, slab, before, QY_REPORT_FREELIST,
					     before ? "Freechain corrupt" : "Freepointer corrupt",
					     "Freelist cleared", NULL);
			break;
		}
		before = object;
		object = ops->next_free(c, slab, object);
	}
	if (!object)
		return (int)n;
	if (n > slab->slab.objects)
		qy__debug_object_bug(c, slab, NULL, QY_REPORT_FREELIST, "Freelist cycle detected",
				     "Freelist cleared", NULL);
	return -1;
}

static unsigned int check_count(struct qy_cache *c, struct qy_page *slab, int on_list)
{
	unsigned int should = slab->slab.objects - slab->slab.inuse;
	struct qy_report r;

	if (on_list < 0 || (unsigned int)on_list == should)
		return 0;
	qy__report_init(&r, c->mm, QY_REPORT_METADATA, c->name);
	qy__debug_describe(&r, c, slab, NULL, NULL);
	qy__report_title(&r, "Wrong object count. Counter is %u but counted were %u",
			 slab->slab.inuse, slab->slab.objects - (unsigned int)on_list);
	qy__report_fix(&r, "Object count adjusted");
	qy__report_emit(&r);
	slab->slab.inuse = (uint16_t)(slab->slab.objects - (unsigned int)on_list);
	qy__slab_ops(c)->recount_locked(c);
	return 1;
}

static unsigned int validate_slab_locked(struct qy_cache *c, struct qy_page *slab)
{
	unsigned int n = qy__debug_check_slab(c, slab, NULL, NULL);

	if (!(slab->flags & QY__PAGE_F_FROZEN)) {
		int on_list = check_freelist(c, slab);

		n += on_list < 0;
		n += check_count(c, slab, on_list);
		/* Cut at its head, or somewhere: what lies behind is not looked for. */
		if (on_list < 0 || (!on_list && (slab->flags & QY__PAGE_F_PARTIAL)))
			qy__slab_ops(c)->give_up_locked(c, slab);
	}
	for (unsigned int i = 0; i < slab->slab.objects; i++) {
		void *object = qy__slab_object(c, slab, i);

		n += qy__debug_check_object(c, slab, object, qy__debug_is_live(c->mm, object), NULL,
					    NULL);
	}
	return n;
}

unsigned int qy__debug_validate_cache(struct qy_cache *c)
{
	struct qy__slab_iter it;
	struct qy_page *slab;
	unsigned int n = 0;

	if (!qy__cache_is_debug(c))
		return 0;
	qy__lock(&c->lock);
	it = qy__slab_iter_locked(c);
	while ((slab = qy__slab_iter_next(&it)))
		n += validate_slab_locked(c, slab);
	qy__unlock(&c->lock);
	return n;
}

static unsigned int validate_large(struct qy_mm *mm)
{
	unsigned int n = 0;

	for (uint32_t pfn = mm->min_pfn; pfn < qy__load_acquire(&mm->end_pfn); pfn++) {
		struct qy_page *head = qy__pfn_page(mm, pfn);

		if (qy__load_acquire(&head->type) != QY__PAGE_LARGE || !qy__debug_large_flags(mm))
			continue;
		/* Whoever allocates or frees it meanwhile waits: the state is held. */
		qy__lock(&mm->debug->large_lock);
		if (qy__load_acquire(&head->type) == QY__PAGE_LARGE &&
		    head->large.live != QY__LARGE_IN_CHANGE)
			n += qy__debug_large_check(mm, head);
		qy__unlock(&mm->debug->large_lock);
	}
	return n;
}

unsigned int qy__debug_validate(struct qy_mm *mm)
{
	struct qy_cache *c;
	unsigned int n = 0;

	qy__lock(&mm->slab->lock);
	c = mm->slab->first;
	for (uint32_t left = mm->slab->nr_caches; c && left; left--, c = c->next)
		n += qy__debug_validate_cache(c);
	qy__unlock(&mm->slab->lock);
	return n + validate_large(mm);
}

/* ---- not everything, or not at any price ---- */

#define LOOK_PATIENCE 1000 /* times that others may run first */

bool qy__look_lock(const struct qy__look *look, struct qy__lock *lock)
{
	for (int i = 0; i < LOOK_PATIENCE; i++) {
		if (qy__trylock(lock))
			return true;
		if (look->at_once)
			break;
		qy__osif_yield();
	}
	return false;
}

bool qy__look_at(struct qy__look *look, const void *start, size_t len)
{
	if (look->left < len || (look->is_wanted && !look->is_wanted(look->arg, start, len)))
		return false;
	look->left -= len;
	return true;
}

static unsigned int look_at_slab_locked(struct qy_cache *c, struct qy_page *slab)
{
	unsigned int n = qy__debug_check_slab(c, slab, NULL, NULL);

	for (unsigned int i = 0; i < slab->slab.objects; i++) {
		void *object = qy__slab_object(c, slab, i);

		n += qy__debug_check_object(c, slab, object, qy__debug_is_live(c->mm, object), NULL,
					    NULL);
	}
	return n;
}

static unsigned int look_at_cache(struct qy_cache *c, struct qy__look *look)
{
	struct qy__slab_iter it;
	struct qy_page *slab;
	unsigned int n = 0;

	if (!qy__cache_is_debug(c) || !qy__look_lock(look, &c->lock))
		return 0;
	it = qy__slab_iter_locked(c);
	while ((slab = qy__slab_iter_next(&it)))
		if (qy__look_at(look, qy__page_addr(c->mm, slab), QY_PAGE_SIZE << slab->order))
			n += look_at_slab_locked(c, slab);
	qy__unlock(&c->lock);
	return n;
}

static unsigned int look_at_large(struct qy_mm *mm, struct qy__look *look)
{
	unsigned int n = 0;

	if (!qy__debug_large_flags(mm) || !qy__look_lock(look, &mm->debug->large_lock))
		return 0;
	for (uint32_t pfn = mm->min_pfn; pfn < qy__load_acquire(&mm->end_pfn); pfn++) {
		struct qy_page *head = qy__pfn_page(mm, pfn);

		if (qy__load_acquire(&head->type) == QY__PAGE_LARGE &&
		    head->large.live != QY__LARGE_IN_CHANGE &&
		    qy__look_at(look, qy__page_addr(mm, head), QY_PAGE_SIZE << head->order))
			n += qy__debug_large_check(mm, head);
	}
	qy__unlock(&mm->debug->large_lock);
	return n;
}

unsigned int qy__debug_look(struct qy_mm *mm, struct qy__look *look)
{
	struct qy_cache *c;
	unsigned int n = 0;

	if (qy__look_lock(look, &mm->slab->lock)) {
		c = mm->slab->first;
		for (uint32_t left = mm->slab->nr_caches; c && left; left--, c = c->next)
			n += look_at_cache(c, look);
		qy__unlock(&mm->slab->lock);
	}
	return n + look_at_large(mm, look);
}

void qy__debug_tick(struct qy_mm *mm)
{
	struct qy__debug_state *st = mm->debug;

	if (st->config.validate_every &&
	    qy__fetch_add(&st->calls, 1) % st->config.validate_every == 0)
		qy__debug_validate(mm);
}

static unsigned int report_leaks_of_slab(struct qy_cache *c, struct qy_page *slab)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < slab->slab.objects; i++) {
		void *object = qy__slab_object(c, slab, i);

		if (!qy__debug_is_live(c->mm, object))
			continue;
		qy__debug_object_bug(c, slab, object, QY_REPORT_LEAK,
				     "Objects remaining on cache destroy", NULL, NULL);
		/*
		 * Its slab becomes a block that nobody can free: no object starts there any more.
		 */
		qy__debug_set_live(c->mm, object, false);
		n++;
	}
	return n;
}

unsigned int qy__debug_report_leaks(struct qy_cache *c)
{
	struct qy__slab_iter it;
	struct qy_page *slab;
	unsigned int n = 0;

	qy__lock(&c->lock);
	it = qy__slab_iter_locked(c);
	while ((slab = qy__slab_iter_next(&it)))
		n += report_leaks_of_slab(c, slab);
	qy__unlock(&c->lock);
	return n;
}
