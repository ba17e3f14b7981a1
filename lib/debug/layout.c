/* SPDX-License-Identifier: MIT */
/*
 * layout.c - where everything in a slot is. The only place that knows: all offsets are computed
 * here, once.
 *
 *   [ left red zone | object | right red zone | free pointer | tracks | request | padding ]
 *                   ^0       ^object_size     ^inuse                            ^meta_end
 *
 * The order of the steps is that of linux-mm.md 2.2; red_zone = 8 gives the kernel's figures to the
 * byte. A larger red_zone widens both zones, so that a longer overflow does not reach the tracks
 * that tell who allocated.
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

int qy__layout_object(struct qy__layout *l, size_t object_size, size_t align, qy_slab_flags_t flags,
		      bool has_ctor, unsigned int red_zone)
{
	bool zones = qy__debug_has(flags, QY_SLAB_RED_ZONE);
	bool user = qy__debug_has(flags, QY_SLAB_STORE_USER);
	bool tracked = user && (flags & QY_SLAB_KMALLOC);
	size_t size = qy__align_up(object_size, WORD);

	*l = (struct qy__layout){.object_size = (uint32_t)object_size, .align = (uint32_t)align};
	if (zones && red_zone > WORD)
		size = qy__align_up(object_size + red_zone, WORD);
	else if (zones && size == object_size)
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
		l->red_left_pad = (uint32_t)qy__align_up(max(red_zone, WORD), align);
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
