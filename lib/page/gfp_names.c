/* SPDX-License-Identifier: MIT */
/*
 * gfp_names.c - allocation flags in words, as the kernel's messages have them.
 */
#include "page/reclaim.h"
#include "util/fmt.h"

#define GFP_TRANSHUGE_LIGHT                                                                        \
	((QY_GFP_HIGHUSER_MOVABLE | QY_GFP_COMP | QY_GFP_NOMEMALLOC | QY_GFP_NOWARN) &             \
	 ~QY_GFP_RECLAIM)

/* What holds more comes first: a name takes its bits from those that follow. */
static const struct {
	qy_gfp_t bits;
	const char *name;
} names[] = {
	{GFP_TRANSHUGE_LIGHT | QY_GFP_DIRECT_RECLAIM, "GFP_TRANSHUGE"},
	{GFP_TRANSHUGE_LIGHT, "GFP_TRANSHUGE_LIGHT"},
	{QY_GFP_HIGHUSER_MOVABLE, "GFP_HIGHUSER_MOVABLE"},
	{QY_GFP_HIGHUSER, "GFP_HIGHUSER"},
	{QY_GFP_USER, "GFP_USER"},
	{QY_GFP_KERNEL | QY_GFP_ACCOUNT, "GFP_KERNEL_ACCOUNT"},
	{QY_GFP_KERNEL, "GFP_KERNEL"},
	{QY_GFP_NOFS, "GFP_NOFS"},
	{QY_GFP_ATOMIC, "GFP_ATOMIC"},
	{QY_GFP_NOIO, "GFP_NOIO"},
	{QY_GFP_NOWAIT, "GFP_NOWAIT"},
	{QY_GFP_DMA, "GFP_DMA"},
	{QY_GFP_HIGHMEM, "__GFP_HIGHMEM"},
	{QY_GFP_DMA32, "GFP_DMA32"},
	{QY_GFP_HIGH, "__GFP_HIGH"},
	{QY_GFP_IO, "__GFP_IO"},
	{QY_GFP_FS, "__GFP_FS"},
	{QY_GFP_NOWARN, "__GFP_NOWARN"},
	{QY_GFP_RETRY_MAYFAIL, "__GFP_RETRY_MAYFAIL"},
	{QY_GFP_NOFAIL, "__GFP_NOFAIL"},
	{QY_GFP_NORETRY, "__GFP_NORETRY"},
	{QY_GFP_COMP, "__GFP_COMP"},
	{QY_GFP_ZERO, "__GFP_ZERO"},
	{QY_GFP_NOMEMALLOC, "__GFP_NOMEMALLOC"},
	{QY_GFP_MEMALLOC, "__GFP_MEMALLOC"},
	{QY_GFP_HARDWALL, "__GFP_HARDWALL"},
	{QY_GFP_THISNODE, "__GFP_THISNODE"},
	{QY_GFP_RECLAIMABLE, "__GFP_RECLAIMABLE"},
	{QY_GFP_MOVABLE, "__GFP_MOVABLE"},
	{QY_GFP_ACCOUNT, "__GFP_ACCOUNT"},
	{QY_GFP_WRITE, "__GFP_WRITE"},
	{QY_GFP_DIRECT_RECLAIM, "__GFP_DIRECT_RECLAIM"},
	{QY_GFP_KSWAPD_RECLAIM, "__GFP_KSWAPD_RECLAIM"},
};

size_t qy__gfp_names(qy_gfp_t gfp, char *buf, size_t size)
{
	struct qy__buf b = {.p = buf, .cap = size};

	if (size)
		buf[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if ((gfp & names[i].bits) != names[i].bits)
			continue;
		qy__fmt(&b, "%s%s", b.len ? "|" : "", names[i].name);
		gfp &= ~names[i].bits;
	}
	if (gfp)
		qy__fmt(&b, "%s0x%x", b.len ? "|" : "", gfp);
	return b.len;
}
