/* SPDX-License-Identifier: MIT */
/*
 * slab_common.c - caches: making and ending them, and the way of an object in and out.
 *
 * Place in an object's life: kmalloc.c (or the user) comes in here; the sheaf answers, or the
 * flavour behind it.
 *
 * Boot states: DOWN (nothing) → PARTIAL (the cache of cache heads works; its own head comes from
 * the boot map) → UP (sheaves can be made) → FULL (size classes exist; set by kmalloc).
 *
 * Lock order: slab_state->lock (the list of caches) → cache->lock.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug/debug.h"
#include "page/mm.h"
#include "page/page_alloc.h"
#include "slab/slab.h"
#include "util/align.h"
#include "util/assert.h"
#include "util/bitops.h"
#include "util/fmt.h"
#include "util/plant.h"

#define KNOWN_FLAGS                                                                                \
	(QY_SLAB_DEBUG_FLAGS | QY_SLAB_KMALLOC | QY_SLAB_HWCACHE_ALIGN | QY_SLAB_CACHE_DMA |       \
	 QY_SLAB_PANIC | QY_SLAB_NO_MERGE | QY_SLAB_RECLAIM_ACCOUNT)
#define CACHE_LINE 64

static size_t priv_offset(const struct qy_mm *mm)
{
	return qy__align_up(
		sizeof(struct qy_cache) + (mm->cpus.nr + 2) * sizeof(struct qy__sheaf *), 16);
}

static size_t head_size(const struct qy_mm *mm)
{
	return priv_offset(mm) + qy__slub_ops.priv_size;
}

static size_t calculate_alignment(qy_slab_flags_t flags, size_t align, size_t size)
{
	size_t line = CACHE_LINE;

	if (flags & QY_SLAB_HWCACHE_ALIGN) {
		while (size <= line / 2)
			line /= 2;
		align = max(align, line);
	}
	return qy__align_up(max(align, sizeof(void *)), sizeof(void *));
}

/* Fill in a zeroed head. 0 / -EINVAL / -ENOSPC. */
static int init_cache(struct qy_mm *mm, struct qy_cache *c, const char *name, size_t size,
		      size_t align, qy_slab_flags_t flags, qy_ctor_fn ctor, unsigned int red_zone)
{
	int err;

	c->mm = mm;
	c->ops = &qy__slub_ops;
	c->flags = flags;
	c->manual_cpu = mm->cpus.provider == QY_CPU_MANUAL;
	c->ctor = ctor;
	c->magic = QY__CACHE_MAGIC;
	c->priv = (char *)c + priv_offset(mm);
	strncpy(c->name, name, sizeof(c->name) - 1);
	for (unsigned int cpu = 0; cpu < mm->cpus.nr + 2; cpu++)
		c->sheaf[cpu] = (struct qy__sheaf *)&qy__nobody_sheaf;
	err = qy__layout_object(&c->layout, size, calculate_alignment(flags, align, size), flags,
				ctor != NULL, red_zone);
	return err ? err : c->ops->init(c);
}

static void link_cache(struct qy__slab_state *st, struct qy_cache *c)
{
	qy__lock(&st->lock);
	c->prev = st->last;
	c->next = NULL;
	if (st->last)
		st->last->next = c;
	else
		st->first = c;
	st->last = c;
	st->nr_caches++;
	qy__unlock(&st->lock);
}

static void unlink_cache(struct qy__slab_state *st, struct qy_cache *c)
{
	qy__lock(&st->lock);
	*(c->prev ? &c->prev->next : &st->first) = c->next;
	*(c->next ? &c->next->prev : &st->last) = c->prev;
	st->nr_caches--;
	qy__unlock(&st->lock);
}

struct qy_cache *qy__cache_create(struct qy_mm *mm, const char *name, size_t size, size_t align,
				  qy_slab_flags_t flags, qy_ctor_fn ctor)
{
	struct qy__slab_state *st = mm->slab;
	void *head;
	int err;

	if (st->cache_cache->ops->refill(st->cache_cache, QY_GFP_KERNEL, &head, 1) != 1) {
		errno = ENOMEM;
		return NULL;
	}
	memset(head, 0, head_size(mm));
	err = init_cache(mm, head, name, size, align, flags, ctor, mm->debug->config.red_zone);
	if (err) {
		st->cache_cache->ops->flush(st->cache_cache, &head, 1);
		errno = err == -ENOSPC ? EINVAL : -err;
		return NULL;
	}
	link_cache(st, head);
	return head;
}

int qy__slab_init(struct qy_mm *mm)
{
	static const char *const sheaf_name[QY__NR_SHEAF_SIZES] = {"sheaf-4", "sheaf-12",
								   "sheaf-26", "sheaf-60"};
	static const uint16_t capacity[QY__NR_SHEAF_SIZES] = {4, 12, 26, QY__SHEAF_MAX};
	struct qy__slab_state *st = mm->slab;
	int err = init_cache(mm, st->cache_cache, "qy_cache", head_size(mm), QY__CACHE_ALIGN, 0,
			     NULL, 8);

	if (err)
		return -ENOMEM;
	link_cache(st, st->cache_cache);
	st->state = QY__SLAB_PARTIAL;
	for (int i = 0; i < QY__NR_SHEAF_SIZES; i++) {
		size_t size = sizeof(struct qy__sheaf) + capacity[i] * sizeof(void *);

		st->sheaf_cache[i] = qy__cache_create(mm, sheaf_name[i], size, 0, 0, NULL);
		if (!st->sheaf_cache[i])
			return -ENOMEM;
	}
	st->state = QY__SLAB_UP;
	return 0;
}

int qy__slab_boot(struct qy_mm *mm)
{
	mm->slab = qy__mm_boot_alloc(mm, sizeof(*mm->slab), 64);
	if (!mm->slab)
		return -ENOMEM;
	mm->slab->cache_cache = qy__mm_boot_alloc(mm, head_size(mm), QY__CACHE_ALIGN);
	return mm->slab->cache_cache ? 0 : -ENOMEM;
}

struct qy_cache *qy__cache_create_user(struct qy_mm *mm, const char *name, size_t size,
				       size_t align, qy_slab_flags_t flags, qy_ctor_fn ctor)
{
	struct qy_cache *c;

	flags = qy__debug_cache_flags(&mm->debug->config, name, flags);
	if ((align && !qy__is_pow2(align)) || !size || size > (QY_PAGE_SIZE << mm->max_order) / 2) {
		errno = EINVAL;
		return NULL;
	}
	c = qy__cache_create(mm, name, size, align, flags, ctor);
	if (c && !qy__cache_is_debug(c))
		qy__store_release(&c->sheaf_capacity, (uint16_t)qy__sheaf_capacity(c->layout.slot));
	return c;
}

struct qy_cache *qy_cache_create(struct qy_mm *mm, const char *name, size_t size, size_t align,
				 qy_slab_flags_t flags, qy_ctor_fn ctor)
{
	struct qy_cache *c = NULL;

	if (!name || !*name || flags & ~KNOWN_FLAGS || align > QY_PAGE_SIZE)
		errno = EINVAL;
	else
		c = qy__cache_create_user(mm, name, size, align, flags, ctor);
	if (!c && (flags & QY_SLAB_PANIC)) {
		char text[128];
		size_t n = qy__snprintf(text, sizeof(text),
					"qy_cache_create(%s) failed with error %d\n",
					name ? name : "(null)", -errno);

		qy__write_all(2, text, min(n, sizeof(text) - 1));
		abort();
	}
	return c;
}

/*
 * Slabs with live objects stay where they are when their cache goes: their pages become blocks that
 * nobody can free, and no longer point to a cache.
 */
static void retire_slabs(struct qy_cache *c)
{
	struct qy_mm *mm = c->mm;

	for (uint32_t pfn = mm->min_pfn; pfn < mm->end_pfn; pfn++) {
		struct qy_page *slab = qy__pfn_page(mm, pfn);

		if (slab->type != QY__PAGE_SLAB || slab->slab.cache != qy__cache_ref(c))
			continue;
		for (uint32_t i = 0; i < 1u << slab->order; i++)
			qy__page_set_flags(&slab[i], i ? 0 : QY__PAGE_F_RETIRED);
		slab->next = slab->prev = QY__PFN_NONE;
		slab->type = QY__PAGE_ALLOC;
	}
}

/*
 * Slabs are left: have they live objects? In a debug cache they may only be given up after damage.
 */
static bool report_leaks(struct qy_cache *c)
{
	struct qy_report r;

	if (qy__cache_is_debug(c))
		return qy__debug_report_leaks(c) != 0;
	qy__report_init(&r, c->mm, QY_REPORT_LEAK, c->name);
	qy__report_title(&r, "Objects remaining on cache destroy");
	qy__report_emit(&r);
	return true;
}

int qy_cache_destroy(struct qy_cache *c)
{
	struct qy__slab_state *st;
	void *head = c;
	int err = 0;

	if (!c)
		return 0;
	st = c->mm->slab;
	if (qy__cache_is_debug(c))
		qy__quarantine_drop(c->mm, c);
	qy__sheaf_drain_all(c);
	if (c->ops->shrink(c)) {
		err = report_leaks(c) ? -EBUSY : 0;
		retire_slabs(c);
	}
	unlink_cache(st, c);
	c->magic = 0;
	st->cache_cache->ops->flush(st->cache_cache, &head, 1);
	return err;
}

static QY_ALWAYS_INLINE struct qy__sheaf *this_sheaf(struct qy_cache *c)
{
	return c->sheaf[c->manual_cpu ? c->mm->cpus.current : qy__thread_cpu];
}

/* What every allocation ends with. */
static QY_ALWAYS_INLINE void *post_alloc(struct qy_cache *c, void *object, qy_gfp_t gfp)
{
	if (unlikely(gfp & QY_GFP_ZERO) && object && !c->ctor)
		memset(object, 0, c->layout.object_size);
	return object;
}

static void *alloc_debug(struct qy_cache *c, qy_gfp_t gfp, const struct qy__call *given)
{
	struct qy__call call = *given;
	void *object;

	qy__debug_tick(c->mm);
	qy__debug_call(c->mm, &call);
	object = c->ops->alloc_debug(c, gfp, &call);
	/* Zero what was asked for where that is tracked: the rest is red zone. */
	if (object && (gfp & QY_GFP_ZERO) && !c->ctor)
		memset(object, 0,
		       c->layout.orig_size ? qy__debug_object_size(c, object)
					   : c->layout.object_size);
	return object;
}

void *qy__cache_alloc_slow(struct qy_cache *c, qy_gfp_t gfp, const struct qy__call *call)
{
	struct qy__sheaf *sheaf;
	void *object = NULL;

	if (qy__cache_is_debug(c))
		return alloc_debug(c, gfp, call);
	sheaf = qy__sheaf_get(c, qy__this_cpu(c->mm));
	if (sheaf)
		object = sheaf->size ? qy__sheaf_pop(sheaf) : qy__sheaf_refill(c, sheaf, gfp);
	else if (c->ops->refill(c, gfp, &object, 1) != 1)
		object = NULL;
	return post_alloc(c, object, gfp);
}

void *qy_cache_alloc(struct qy_cache *c, qy_gfp_t gfp)
{
	void *object = qy__sheaf_pop(this_sheaf(c));

	if (unlikely(!object)) {
		struct qy__call call = {.caller = (uintptr_t)__builtin_return_address(0)};

		return qy__cache_alloc_slow(c, gfp, &call);
	}
	return post_alloc(c, object, gfp);
}

void qy__cache_free_slow(struct qy_cache *c, void *object)
{
	struct qy__sheaf *sheaf = qy__sheaf_get(c, qy__this_cpu(c->mm));

	if (!sheaf) {
		c->ops->flush(c, &object, 1);
		return;
	}
	if (sheaf->size == sheaf->capacity)
		qy__sheaf_flush(c, sheaf, sheaf->capacity / 2);
	qy__sheaf_push(sheaf, object);
}

int qy_cache_free(struct qy_cache *c, void *object)
{
	if (unlikely(!object))
		return 0;
	if (likely(qy__sheaf_push(this_sheaf(c), object)))
		return 0;
	if (qy__cache_is_debug(c)) {
		struct qy__call call = {.caller = (uintptr_t)__builtin_return_address(0)};

		return qy__debug_cache_free(c, object, &call);
	}
	qy__cache_free_slow(c, object);
	return 0;
}

size_t qy_cache_alloc_bulk(struct qy_cache *c, qy_gfp_t gfp, size_t n, void **objects)
{
	struct qy__call call = {.caller = (uintptr_t)__builtin_return_address(0)};

	for (size_t got = 0; got < n; got++) {
		objects[got] = qy__sheaf_pop(this_sheaf(c));
		if (objects[got])
			post_alloc(c, objects[got], gfp);
		else
			objects[got] = qy__cache_alloc_slow(c, gfp, &call);
		if (!objects[got]) {
			qy_cache_free_bulk(c, qy__planted(BULK_LEAK) && got ? got - 1 : got,
					   objects);
			return 0;
		}
	}
	return n;
}

void qy_cache_free_bulk(struct qy_cache *c, size_t n, void **objects)
{
	for (size_t i = 0; i < n; i++)
		qy_cache_free(c, objects[i]);
}

int qy_cache_shrink(struct qy_cache *c)
{
	struct qy__sheaf *sheaf = this_sheaf(c);

	if (qy__cache_is_debug(c))
		qy__quarantine_drop(c->mm, c);
	if (sheaf->size)
		qy__sheaf_flush(c, sheaf, 0);
	return c->ops->shrink(c);
}

unsigned int qy_cache_validate(struct qy_cache *c)
{
	return qy__debug_validate_cache(c);
}

bool qy__cache_is_known(struct qy_mm *mm, const struct qy_cache *c)
{
	const struct qy_cache *at = mm->slab->first;

	for (uint32_t n = mm->slab->nr_caches; at && n; n--, at = at->next)
		if (at == c)
			return true;
	return false;
}

struct qy_cache *qy_cache_at(struct qy_mm *mm, unsigned int i)
{
	struct qy_cache *c;

	qy__lock(&mm->slab->lock);
	for (c = mm->slab->first; c && i; i--)
		c = c->next;
	qy__unlock(&mm->slab->lock);
	return c;
}

static size_t parked_objects(const struct qy_cache *c)
{
	size_t n = 0;

	for (unsigned int cpu = 0; cpu < c->mm->cpus.nr; cpu++)
		n += qy__load_relaxed(&qy__load_acquire(&c->sheaf[cpu])->size);
	return n;
}

static size_t count_live_locked(struct qy_cache *c)
{
	size_t n = 0;

	for (struct qy_page *slab = c->ops->next_slab_locked(c, NULL); slab;
	     slab = c->ops->next_slab_locked(c, slab))
		for (unsigned int i = 0; i < slab->slab.objects; i++)
			n += qy__debug_is_live(c->mm, qy__slab_object(c, slab, i));
	return n;
}

void qy_cache_info(struct qy_cache *c, struct qy_cache_info *info)
{
	const struct qy__layout *l = &c->layout;

	*info = (struct qy_cache_info){
		.struct_size = sizeof(*info),
		.flags = c->flags,
		.object_size = l->object_size,
		.slot_size = l->slot,
		.align = l->align,
		.objs_per_slab = c->objs_per_slab,
		.order = c->order,
		.red_left_pad = l->red_left_pad,
		.offset = l->offset,
		.inuse = l->inuse,
		.sheaf_capacity = c->sheaf_capacity,
	};
	memcpy(info->name, c->name, sizeof(info->name));
	qy__lock(&c->lock);
	c->ops->stats(c, info);
	if (qy__cache_is_debug(c))
		info->live_objects = count_live_locked(c);
	info->high_water = c->high_water;
	qy__unlock(&c->lock);
	if (!qy__cache_is_debug(c))
		info->live_objects -= min(info->live_objects, parked_objects(c));
}

void qy__slab_lock_all(struct qy_mm *mm)
{
	qy__lock(&mm->slab->lock);
	for (struct qy_cache *c = mm->slab->first; c; c = c->next)
		qy__lock(&c->lock);
}

void qy__slab_unlock_all(struct qy_mm *mm)
{
	for (struct qy_cache *c = mm->slab->first; c; c = c->next)
		qy__unlock(&c->lock);
	qy__unlock(&mm->slab->lock);
}
