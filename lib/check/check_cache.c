/* SPDX-License-Identifier: MIT */
/*
 * check_cache.c - heads of caches and their numbers, size classes: S8, S12, U6, U10, U11.
 *
 * U10 is checked twice: the inequalities that any layout has to meet, written down here; and that
 * the numbers are those that a cache made just now would get.
 *
 * Locks: those of the caches are held by the caller.
 */
#include "check/check_slab.h"

#include <string.h>

#include "debug/debug.h"
#include "kmalloc/size_class.h"
#include "util/align.h"
#include "util/bitops.h"

bool qy__check_head(struct qy__check *ck, const struct qy_cache *c)
{
	size_t len = sizeof(*c) + ((size_t)ck->mm->cpus.nr + 2) * sizeof(c->sheaf[0]);

	return qy__holds(ck,
			 !((uintptr_t)c % QY__CACHE_ALIGN) && qy__check_readable(ck, c, len) &&
				 c->magic == QY__CACHE_MAGIC && c->mm == ck->mm,
			 "S12", "registry: 0x%llx is no cache", (unsigned long long)(uintptr_t)c);
}

/* A record has its free pointer first; tracks and request are all there, or none is. */
static bool record_is_sane(struct qy__check *ck, const struct qy_cache *c)
{
	const struct qy__layout *l = &c->layout;
	bool user = l->record == QY__RECORD_SIZE;

	return qy__holds(ck,
			 (user || l->record == sizeof(void *)) && !l->offset &&
				 l->track == (user ? QY__RECORD_TRACK : 0) &&
				 (!l->orig_size || (user && l->orig_size == QY__RECORD_REQUEST)) &&
				 l->inuse == l->slot - l->red_left_pad,
			 "U10", "%.31s: a record of %u bytes with tracks at %u and request at %u",
			 c->name, l->record, l->track, l->orig_size);
}

/* What any layout has to meet, so that a slot can be walked without stepping on the next one. */
static bool slot_is_sane(struct qy__check *ck, const struct qy_cache *c)
{
	const struct qy__layout *l = &c->layout;
	uint32_t end = l->slot - l->red_left_pad;

	if (!qy__holds(ck, qy__is_pow2(l->align) && l->align >= sizeof(void *), "U10",
		       "%.31s: alignment %u", c->name, l->align))
		return false;
	if (!qy__holds(ck,
		       l->object_size && l->object_size <= l->inuse && l->red_left_pad < l->slot &&
			       l->inuse <= end && l->meta_end <= end && l->inuse <= l->meta_end &&
			       end >= sizeof(void *) &&
			       l->offset <= (l->record ? l->record : end) - sizeof(void *),
		       "U10",
		       "%.31s: object %u inuse %u meta %u pad %u offset %u do not fit in slot %u",
		       c->name, l->object_size, l->inuse, l->meta_end, l->red_left_pad, l->offset,
		       l->slot))
		return false;
	if (!qy__holds(ck,
		       !(l->slot % l->align) && !(l->red_left_pad % l->align) &&
			       !(l->offset % sizeof(void *)),
		       "U10", "%.31s: slot %u, pad %u or offset %u is not aligned", c->name,
		       l->slot, l->red_left_pad, l->offset))
		return false;
	if (l->record)
		return record_is_sane(ck, c);
	return qy__holds(
		ck,
		(!l->track || (l->track >= l->inuse && !(l->track % 8) &&
			       l->track + 2 * sizeof(struct qy__track) <= l->meta_end)) &&
			(!l->orig_size || (l->orig_size >= l->inuse && !(l->orig_size % 8) &&
					   l->orig_size + sizeof(uint64_t) <= l->meta_end)),
		"U10", "%.31s: tracks at %u or request at %u reach beyond %u", c->name, l->track,
		l->orig_size, l->meta_end);
}

/* The same numbers, from what the cache was made of. */
static void check_layout_anew(struct qy__check *ck, const struct qy_cache *c)
{
	const struct qy__debug_state *debug = ck->mm->debug;
	unsigned int red_zone = 8;
	struct qy__layout l;

	if (qy__debug_has(c->flags, QY_SLAB_RED_ZONE)) {
		if (!qy__holds(ck, qy__check_struct(ck, debug), "MM",
			       "the debug state is not where it can be"))
			return;
		red_zone = debug->config.red_zone;
	}
	qy__holds(ck,
		  !qy__layout_object(&l, c->layout.object_size, c->layout.align, c->flags,
				     c->ctor != NULL, red_zone) &&
			  !memcmp(&l, &c->layout, sizeof(l)),
		  "U10", "%.31s: object %u align %u flags %x: slot %u and offset %u, not %u and %u",
		  c->name, c->layout.object_size, c->layout.align, c->flags, l.slot, l.offset,
		  c->layout.slot, c->layout.offset);
}

static bool check_orders(struct qy__check *ck, const struct qy__tally *t)
{
	const struct qy_cache *c = t->c;

	if (!qy__holds(ck, c->order <= ck->mm->max_order && c->min_order <= c->order, "U11",
		       "%.31s: slab order %u, least %u, of %u", c->name, c->order, c->min_order,
		       ck->mm->max_order))
		return false;
	return t->flavour->check_orders(ck, c);
}

/* By flavour: who knows its private part. */
static const struct qy__check_flavour *const flavours[QY__NR_FLAVOURS] = {
	[QY__FLAVOUR_SLUB] = &qy__check_slub,
};

const struct qy__check_flavour *qy__check_flavour_of(struct qy__check *ck, const struct qy_cache *c)
{
	const struct qy__check_flavour *flavour =
		c->flavour < QY__NR_FLAVOURS ? flavours[c->flavour] : NULL;
	uintptr_t end = (uintptr_t)&c->sheaf[ck->mm->cpus.nr + 2], priv = (uintptr_t)c->priv;

	if (!qy__holds(ck, flavour && c->provider == (unsigned int)ck->mm->cpus.provider, "S12",
		       "%.31s: flavour or CPU provider is damaged", c->name))
		return NULL;
	if (!qy__holds(ck,
		       priv == qy__align_up(end, QY__PRIV_ALIGN) &&
			       qy__check_readable(ck, c->priv, flavour->priv_size),
		       "S12", "%.31s: the flavour's part is not behind the head", c->name))
		return NULL;
	return flavour;
}

void qy__check_layout(struct qy__check *ck, struct qy__tally *t)
{
	const struct qy_cache *c = t->c;

	t->debug = qy__cache_is_debug(c);
	qy__holds(ck, !(c->flags & QY_SLAB_DEBUG_FLAGS & ~QY__DEBUG_MASK), "U10",
		  "%.31s: flags %x are not in this build", c->name, c->flags);
	qy__holds(ck, c->sheaf_capacity <= (t->debug ? 0 : QY__SHEAF_MAX), "U6",
		  "%.31s: sheaf capacity is %u", c->name, c->sheaf_capacity);
	t->flavour = qy__check_flavour_of(ck, c);
	if (!t->flavour)
		return;
	t->flavour->check_priv(ck, c);
	t->sane = slot_is_sane(ck, c) && check_orders(ck, t);
	if (!t->sane)
		return;
	t->inverse = (uint32_t)(((UINT64_C(1) << 32) + c->layout.slot - 1) / c->layout.slot);
	check_layout_anew(ck, c);
}

/* ---- size classes ---- */

/* The class of each size is the smallest that holds it. */
static void check_index(struct qy__check *ck, const struct qy__kmalloc_state *km)
{
	uint32_t from = 1;

	for (unsigned int i = 0; i < km->nr_classes; i++) {
		uint32_t end = km->classes[i].size / 8 + 1;
		const uint8_t *bad = NULL;

		if (!qy__holds(ck, end > from && end <= sizeof(km->index), "S8",
			       "class %u of %u bytes is not larger than the one before it", i,
			       km->classes[i].size))
			return;
		bad = qy__check_bytes(&km->index[from], (uint8_t)i, end - from);
		qy__holds(ck, !bad, "S8", "%zu bytes have class %u, not %u of %u bytes",
			  bad ? (size_t)(bad - km->index) * 8 : 0, bad ? *bad : 0, i,
			  km->classes[i].size);
		from = end;
	}
	qy__holds(ck, from == sizeof(km->index), "S8", "the largest class has %u bytes, not %zu",
		  (from - 1) * 8, (sizeof(km->index) - 1) * 8);
}

void qy__check_kmalloc(struct qy__check *ck)
{
	const struct qy__kmalloc_state *km = ck->mm->kmalloc;
	size_t most = (QY_PAGE_SIZE << ck->mm->max_order) / 2;
	unsigned int nr;

	if (!km || !qy__holds(ck, qy__check_struct(ck, km), "MM",
			      "the size classes are not where they can be"))
		return;
	nr = km->nr_classes + km->nr_aligned;
	if (!nr) /* not up yet */
		return;
	if (!qy__holds(ck, km->nr_classes <= QY__KMALLOC_CLASSES && nr <= QY__KMALLOC_CLASSES, "S8",
		       "%u and %u size classes", km->nr_classes, km->nr_aligned))
		return;
	check_index(ck, km);
	for (unsigned int i = 0; i < nr; i++) {
		const struct qy__size_class *class = &km->classes[i];

		/* A class that no block can hold, with its red zones, has none. */
		if (!class->cache) {
			qy__holds(ck, QY_CONFIG_DEBUG || class->size > most, "S8",
				  "class of %u bytes has no cache", class->size);
			continue;
		}
		if (!qy__check_head(ck, class->cache))
			return;
		qy__holds(ck,
			  class->cache->layout.object_size == class->size &&
				  class->cache->layout.align >= class->align &&
				  qy__is_pow2(class->align),
			  "S8", "class of %u bytes aligned to %u has cache %.31s", class->size,
			  class->align, class->cache->name);
	}
}
