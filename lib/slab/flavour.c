/* SPDX-License-Identifier: MIT */
/* flavour.c - the flavours by number: what the head of a cache says instead of a pointer. */
#include "slab/slab.h"
#include "slab/slub.h"

const struct qy__slab_ops *const qy__flavours[QY__NR_FLAVOURS] = {
	[QY__FLAVOUR_SLUB] = &qy__slub_ops,
};
