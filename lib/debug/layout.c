/* SPDX-License-Identifier: MIT */
/*
 * layout.c - where everything in a slot is. The only place that knows: all offsets are computed
 * here, once.
 *
 *   [ left red zone | object | right red zone | free pointer | tracks | request | padding ]
 *                   ^0       ^object_size     ^inuse                            ^meta_end
 *
 * The order of the steps is that of linux-mm.md 2.2; red_zone = 8 gives the kernel's figures to the
 * byte. With a larger red_zone what is known of an object lies in a record apart from all objects,
 * out of reach of an overflow (slab.h), and no byte of a slot is without a watch:
 *
 *   [ left red zone | object | right red zone ]      record: [ free pointer | tracks | request ]
 */
#include <errno.h>

#include "debug/debug.h"
#include "util/align.h"
#include "util/bitops.h"
#include "util/plant.h"

#define WORD QY__LEAST_RED_ZONE

static bool pointer_goes_outside(qy_slab_flags_t flags, bool has_ctor, size_t object_size,
				 bool tracked)
{
	return (qy__debug_has(flags, QY_SLAB_POISON) && !qy__planted(POINTER_UNDER_POISON)) ||
	       has_ctor ||
	       (qy__debug_has(flags, QY_SLAB_RED_ZONE) &&
		(tracked || object_size < sizeof(void *)));
}

/* Red zones and nothing else in the slot. 0 / -EINVAL. */
static int layout_apart(struct qy__layout *l, size_t object_size, size_t align,
			qy_slab_flags_t flags, unsigned int red_zone)
{
	bool user = qy__debug_has(flags, QY_SLAB_STORE_USER);
	size_t left = qy__align_up(red_zone, align);
	size_t slot = qy__align_up(left + object_size + red_zone, max(align, (size_t)WORD));

	if (object_size > UINT32_MAX / 4 || slot > UINT32_MAX / 2)
		return -EINVAL;
	l->red_left_pad = (uint32_t)left;
	l->slot = (uint32_t)slot;
	l->inuse = l->meta_end = l->slot - l->red_left_pad;
	l->record = user ? QY__RECORD_SIZE : sizeof(void *);
	l->track = user ? QY__RECORD_TRACK : 0;
	l->orig_size = user && (flags & QY_SLAB_KMALLOC) ? QY__RECORD_REQUEST : 0;
	return 0;
}

int qy__layout_object(struct qy__layout *l, size_t object_size, size_t align, qy_slab_flags_t flags,
		      bool has_ctor, unsigned int red_zone)
{
	bool zones = qy__debug_has(flags, QY_SLAB_RED_ZONE);
	bool user = qy__debug_has(flags, QY_SLAB_STORE_USER);
	bool tracked = user && (flags & QY_SLAB_KMALLOC);
	size_t size = qy__align_up(object_size, WORD);

	*l = (struct qy__layout){.object_size = (uint32_t)object_size, .align = (uint32_t)align};
	if (zones && red_zone > WORD)
		return layout_apart(l, object_size, align, flags, red_zone);
	if (zones && size == object_size)
		size += WORD;
	l->inuse = (uint32_t)size;
	if (pointer_goes_outside(flags, has_ctor, object_size, tracked)) {
		l->offset = (uint32_t)size;
		size += sizeof(void *);
	} else {
		l->offset = (uint32_t)qy__align_down(object_size / 2, WORD);
	}
	if (user) {
		l->track = (uint32_t)size;
		size += 2 * sizeof(struct qy__track);
	}
	if (tracked) {
		l->orig_size = (uint32_t)size;
		size += sizeof(uint64_t);
	}
	l->meta_end = (uint32_t)size;
	if (zones) {
		size += WORD;
		l->red_left_pad = (uint32_t)qy__align_up(WORD, align);
		size += l->red_left_pad;
	}
	size = qy__align_up(size, align);
	if (object_size > UINT32_MAX / 4 || size > UINT32_MAX / 2)
		return -EINVAL;
	l->slot = (uint32_t)size;
	return 0;
}

void qy__layout_large(struct qy__large_layout *l, size_t size, size_t align, unsigned int red_zone,
		      bool left)
{
	size_t zone = qy__large_red_zone(red_zone);

	l->offset = left ? qy__align_up(zone, max(align, (size_t)16)) : 0;
	l->total = l->offset + size + zone;
}
