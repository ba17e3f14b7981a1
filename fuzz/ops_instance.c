/* SPDX-License-Identifier: MIT */
/*
 * ops_instance.c - what the bytes of an input mean to the targets that drive an instance, page and
 * slab: its size, place and zones, the debug string, and the fields of operations; and the same in
 * words.
 *
 *   byte  3  pages        4  where it starts      5  max order       6, 7  DMA, DMA32
 *   byte  8  CPUs, classes, off a page border      9-11  debug string, or page's own (ops_page.c)
 *   byte 12  what the arena held before           13  seed           15  a bad configuration
 *
 * Called by ops_page.c and ops_slab.c, and fz_value() by whoever runs an operation.
 */
#include "ops.h"

#include <stdio.h>
#include <string.h>

#include <quarry/types.h>

/* ---- the header ---- */

/* Header byte 9: which letters, for whom; byte 10: red zone; byte 11: quarantine. */
void fz_instance_decode_debug(struct fz_geometry *geo, const uint8_t h[FZ_HEADER])
{
	static const unsigned int red_zones[] = {0, 0, 0, 8, 16, 24, 64, 200};
	static const char *const quarantines[] = {"", "", "", "0", "1", "2K", "16K", "1M"};
	static const char *const scopes[] = {"", "", ",kmalloc-*", ",c*"};
	const char *q = quarantines[h[11] & 7];
	char letters[8];
	size_t n = 0;

	geo->debug_scope = (h[9] >> 4) & 3;
	for (unsigned int i = 0; i < 4; i++) {
		if (!(h[9] & (1u << i)))
			continue;
		letters[n++] = "FZPU"[i];
		geo->debug_flags |= (const uint32_t[]){QY_SLAB_CONSISTENCY_CHECKS, QY_SLAB_RED_ZONE,
						       QY_SLAB_POISON, QY_SLAB_STORE_USER}[i];
	}
	letters[n] = 0;
	if (!n)
		geo->debug_scope = 0;
	if (!geo->debug_scope)
		geo->debug_flags = 0;
	geo->red_zone = red_zones[h[10] & 7];
	geo->quarantine = q[0] > '0';
	n = 0;
	if (geo->debug_scope)
		n = (size_t)snprintf(geo->debug, sizeof(geo->debug), "slab_debug=%s%s", letters,
				     scopes[geo->debug_scope]);
	if (*q)
		snprintf(geo->debug + n, sizeof(geo->debug) - n, "%squarantine=%s", n ? " " : "",
			 q);
}

void fz_instance_decode_header(struct fz_geometry *geo, const uint8_t h[FZ_HEADER])
{
	memset(geo, 0, sizeof(*geo));
	geo->version = h[2];
	geo->pages = 16 + h[3] % 241;
	geo->start_page = h[4];
	geo->max_order = h[5] % 11;
	if (h[6])
		geo->dma_pages = 1 + h[6] % (geo->pages + 24);
	if (h[7])
		geo->dma32_pages = geo->dma_pages + h[7] % (geo->pages + 24);
	geo->nr_cpus = 1 + (h[8] & 3);
	geo->fine_classes = h[8] & 4;
	geo->fresh = h[8] & 8;
	geo->skew = (h[8] & 0x10) ? 1 + h[8] * 13u : 0;
	geo->zone_skew = (h[8] & 0x20) ? 777 : 0;
	geo->nr_nodes = 1;
	geo->fill = h[12];
	geo->seed = h[13];
	geo->bad = h[15] >= 0xf8 ? h[15] - 0xf7u : 0;
}

void fz_instance_say_header(struct fz_text *t, const struct fz_input *in,
			    void (*more)(struct fz_text *t, const struct fz_geometry *geo))
{
	const struct fz_geometry *geo = &in->geo;

	fz_say(t, "%s: %u pages from page %u, max order %u", in->format->name, geo->pages,
	       geo->start_page, geo->max_order);
	if (geo->skew)
		fz_say(t, ", %u bytes off a page border", geo->skew);
	if (geo->dma_pages)
		fz_say(t, ", DMA %u pages", geo->dma_pages);
	if (geo->dma32_pages)
		fz_say(t, ", DMA32 up to page %u", geo->dma32_pages);
	if (geo->zone_skew && (geo->dma_pages || geo->dma32_pages))
		fz_say(t, " (+%u bytes)", geo->zone_skew);
	fz_say(t, ", %u CPU%s, seed %u", geo->nr_cpus, geo->nr_cpus > 1 ? "s" : "", geo->seed);
	if (more)
		more(t, geo);
	if (geo->bad)
		fz_say(t, ", bad configuration %u", geo->bad);
}

/* ---- fields ---- */

static uint64_t gfp_value(unsigned int raw)
{
	static const unsigned int zones[] = {0, QY_GFP_DMA, QY_GFP_DMA32, QY_GFP_HIGHMEM};
	unsigned int gfp = zones[raw & 3];

	gfp |= (raw & 4) ? QY_GFP_ZERO : 0;
	gfp |= (raw & 8) ? QY_GFP_COMP : 0;
	gfp |= (raw & 16) ? QY_GFP_NOWARN : 0;
	gfp |= (raw & 32) ? QY_GFP_KERNEL : 0;
	gfp |= (raw & 64) ? QY_GFP_MOVABLE : 0;
	return gfp;
}

static uint64_t order_value(unsigned int raw, unsigned int max_order)
{
	static const uint32_t absurd[] = {1,  2,  20, 21,  31,	     32,
					  33, 63, 64, 128, 1u << 31, UINT32_MAX};
	const unsigned int nr = sizeof(absurd) / sizeof(absurd[0]);

	if (raw >= 0xfc00)
		return absurd[raw % nr] <= 2 ? max_order + absurd[raw % nr] : absurd[raw % nr];
	if (raw & 0x80)
		return raw % (max_order + 1);
	return raw % 4 < max_order ? raw % 4 : max_order;
}

static uint64_t size_value(unsigned int raw)
{
	static const uint16_t edges[16] = {8,	16,  32,  64,	96,   128,  192,  256,
					   320, 512, 768, 1024, 2048, 4096, 8192, 12288};
	static const uint64_t absurd[8] = {SIZE_MAX,
					   SIZE_MAX - 7,
					   SIZE_MAX / 2 + 1,
					   UINT64_C(1) << 32,
					   UINT64_C(1) << 40,
					   UINT64_C(1) << 24,
					   (UINT64_C(1) << 22) + 1,
					   (UINT64_C(1) << 31) - 1};

	if (raw >= 0xff00)
		return absurd[raw & 7];
	switch (raw >> 14) {
	case 0: return raw & 0x1ff;
	case 1: return edges[raw & 15] + ((raw >> 4) & 7) - 4u;
	case 2: return raw & 0xfff;
	default: return ((raw & 0x1f) << 12) + ((raw >> 5) & 0x1ff);
	}
}

uint64_t fz_value(enum fz_kind kind, unsigned int raw, const struct fz_geometry *geo)
{
	switch (kind) {
	case FZ_K_GFP: return gfp_value(raw);
	case FZ_K_ORDER: return order_value(raw, geo->max_order);
	case FZ_K_CPU:
		return raw == 0xff   ? UINT32_MAX
		       : raw >= 0xf0 ? geo->nr_cpus + (raw & 15)
				     : raw % geo->nr_cpus;
	case FZ_K_SIZE: return size_value(raw);
	case FZ_K_ALIGN: return raw >= 0xf000 ? raw : raw % 14 ? UINT64_C(1) << (raw % 14 - 1) : 0;
	case FZ_K_COUNT: return raw >= 0xd000 ? UINT64_C(1) << (63 - raw % 16) : raw % 72;
	case FZ_K_PAGES: return raw >= 0xf800 ? raw - 0xf7ffu : raw >= 0xc000 ? raw % 96 : raw % 18;
	case FZ_K_ALIGN_ORDER: return raw >= 0xf000 ? raw % 70 : raw % 5;
	case FZ_K_PRIORITY: return raw >= 0xf000 ? raw % 100 : raw % 13;
	case FZ_K_LEN: return 1 + raw % 8;
	case FZ_K_BYTE: return raw & 0xff;
	case FZ_K_ZERO: return raw & 1;
	case FZ_K_CACHE:
	case FZ_K_NEW_CACHE: return raw % FZ_NR_CACHES;
	case FZ_K_BLOCK:
	case FZ_K_NEW_BLOCK: return raw % FZ_NR_BLOCKS;
	case FZ_K_COBJ:
	case FZ_K_KOBJ:
	case FZ_K_OBJ:
	case FZ_K_NEW_OBJ: return raw % FZ_NR_OBJS;
	default: return raw;
	}
}

static void say_gfp(struct fz_text *t, unsigned int gfp)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {{QY_GFP_DMA, "DMA"},	  {QY_GFP_DMA32, "DMA32"},
		     {QY_GFP_HIGHMEM, "HIGHMEM"}, {QY_GFP_ZERO, "ZERO"},
		     {QY_GFP_COMP, "COMP"},	  {QY_GFP_NOWARN, "NOWARN"},
		     {QY_GFP_MOVABLE, "MOVABLE"}, {QY_GFP_KERNEL, "KERNEL"}};
	const char *sep = " ";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(gfp & names[i].bit))
			continue;
		fz_say(t, "%s%s", sep, names[i].name);
		sep = "|";
	}
}

static void say_cflags(struct fz_text *t, unsigned int raw)
{
	static const char *const names[8] = {"HWCACHE_ALIGN", "ctor",		"F", "Z", "P", "U",
					     "NO_MERGE",      "RECLAIM_ACCOUNT"};
	const char *sep = " ";

	for (unsigned int i = 0; i < 8; i++) {
		if (!(raw & (1u << i)))
			continue;
		fz_say(t, "%s%s", sep, names[i]);
		sep = "|";
	}
}

void fz_instance_say_field(struct fz_text *t, enum fz_kind kind, unsigned int raw,
			   const struct fz_input *in)
{
	static const char *const labels[] = {
		[FZ_K_ORDER] = "order",	      [FZ_K_PFN] = "pfn-index",
		[FZ_K_OFFSET] = "offset",     [FZ_K_VARIANT] = "way",
		[FZ_K_CPU] = "cpu",	      [FZ_K_SIZE] = "size",
		[FZ_K_ALIGN] = "align",	      [FZ_K_COUNT] = "count",
		[FZ_K_LEN] = "bytes",	      [FZ_K_BYTE] = "value",
		[FZ_K_PRIORITY] = "priority", [FZ_K_PAGES] = "pages",
		[FZ_K_CMA] = "manner",	      [FZ_K_ALIGN_ORDER] = "align order",
	};
	uint64_t v = fz_value(kind, raw, &in->geo);

	if (kind == FZ_K_GFP)
		say_gfp(t, (unsigned int)v);
	else if (kind == FZ_K_CFLAGS)
		say_cflags(t, raw);
	else if (kind == FZ_K_ZERO)
		fz_say(t, v ? " ZERO" : "");
	else if (kind == FZ_K_CACHE)
		fz_say(t, " from c%u", (unsigned int)v);
	else if (kind < sizeof(labels) / sizeof(labels[0]) && labels[kind])
		fz_say(t, " %s %llu", labels[kind], (unsigned long long)v);
}
