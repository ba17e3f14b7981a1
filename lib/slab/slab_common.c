/* SPDX-License-Identifier: MIT */
/*
 * slab_common.c - caches: making and ending them.
 *
 * Boot states: DOWN (nothing) → PARTIAL (the cache of cache heads works; its own head comes from
 * the boot map) → UP (sheaves can be made) → FULL (size classes exist; set by kmalloc).
 *
 * Lock order: slab_state->lock (registry.c) → cache->lock.
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
	return qy__align_up(sizeof(struct qy_cache) +
				    (mm->cpus.nr + 2) * sizeof(struct qy__sheaf *),
			    QY__PRIV_ALIGN);
}

static size_t head_size(const struct qy_mm *mm)
{
	return priv_offset(mm) + qy__flavours[mm->slab->flavour]->priv_size;
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

/*
 * The rounding adds less than one slot's worth per object: exact while slot * (slab + slot) is at
 * most 2^32. Red zones in front of objects, and slabs larger than that, have none.
 */
static uint32_t reciprocal(const struct qy_cache *c)
{
	uint64_t slot = c->layout.slot, bytes = (uint64_t)QY_PAGE_SIZE << c->order;

	if (c->layout.red_left_pad || slot * (bytes + slot) > (uint64_t)1 << 32)
		return 0;
	return (uint32_t)((((uint64_t)1 << 32) + slot - 1) / slot);
}

/* Fill in a zeroed head. 0 / -EINVAL / -ENOSPC. */
static int init_cache(struct qy_mm *mm, struct qy_cache *c, const char *name, size_t size,
		      size_t align, qy_slab_flags_t flags, qy_ctor_fn ctor, unsigned int red_zone)
{
	int err;

	c->mm = mm;
	c->flags = flags;
	c->flavour = mm->slab->flavour;
	c->provider = (uint8_t)mm->cpus.provider;
	c->ctor = ctor;
	c->magic = QY__CACHE_MAGIC;
	c->priv = (char *)c + priv_offset(mm);
	strncpy(c->name, name, sizeof(c->name) - 1);
	for (unsigned int cpu = 0; cpu < mm->cpus.nr + 2; cpu++)
		c->sheaf[cpu] = &mm->slab->nobody;
	err = qy__layout_object(&c->layout, size, calculate_alignment(flags, align, size), flags,
				ctor != NULL, red_zone);
	if (!err)
		err = qy__slab_ops(c)->init(c);
	if (!err)
		c->reciprocal = reciprocal(c);
	return err;
}

struct qy_cache *qy__cache_create(struct qy_mm *mm, const char *name, size_t size, size_t align,
				  qy_slab_flags_t flags, qy_ctor_fn ctor)
{
	struct qy_cache *heads = mm->slab->cache_cache;
	void *head;
	int err;

	if (qy__slab_ops(heads)->refill(heads, QY_GFP_KERNEL, &head, 1) != 1) {
		errno = ENOMEM;
		return NULL;
	}
	memset(head, 0, head_size(mm));
	err = init_cache(mm, head, name, size, align, flags, ctor, mm->debug->config.red_zone);
	if (err) {
		qy__slab_ops(heads)->flush(heads, &head, 1);
		errno = err == -ENOSPC ? EINVAL : -err;
		return NULL;
	}
	qy__registry_add(head);
	return head;
}

int qy__slab_init(struct qy_mm *mm)
{
	static const char *const sheaf_name[QY__NR_SHEAF_SIZES] = {"sheaf-4", "sheaf-12",
								   "sheaf-26", "sheaf-60"};
	struct qy__slab_state *st = mm->slab;
	int err = init_cache(mm, st->cache_cache, "qy_cache", head_size(mm), QY__CACHE_ALIGN, 0,
			     NULL, QY__LEAST_RED_ZONE);

	if (err)
		return -ENOMEM;
	qy__registry_add(st->cache_cache);
	st->state = QY__SLAB_PARTIAL;
	for (unsigned int i = 0; i < QY__NR_SHEAF_SIZES; i++) {
		size_t size = sizeof(struct qy__sheaf) + qy__sheaf_size(i) * sizeof(void *);

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
		if (QY_CONFIG_DEBUG && c->layout.record)
			qy__free_block(mm, qy__pfn_page(mm, slab->records));
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
	struct qy_cache *heads;
	void *head = c;
	int err = 0;

	if (!c)
		return 0;
	heads = c->mm->slab->cache_cache;
	if (qy__cache_is_debug(c))
		qy__quarantine_drop(c->mm, c);
	qy__sheaf_drain_all(c);
	if (qy__slab_ops(c)->shrink(c)) {
		err = report_leaks(c) ? -EBUSY : 0;
		retire_slabs(c);
	}
	qy__registry_del(c);
	c->magic = 0;
	qy__slab_ops(heads)->flush(heads, &head, 1);
	return err;
}
