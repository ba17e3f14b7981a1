/* SPDX-License-Identifier: MIT */
/*
 * ops_page.c - the format of target page: what an input says about nodes, lists, marks and
 * requests, besides what every instance has (ops_instance.c).
 *
 * Version 2 of the header; where version 1 has the debug string, which is none here:
 *
 *   byte  8  …, 0x04 init_on_alloc, 0x40 page_poison, 0x80 init_on_free
 *   byte  9  nodes, their limits, distances and CPUs      byte 10  CPUs' lists: on, batch, high
 *   byte 11  marks                                         byte 14  page blocks, hole, HIGHMEM, …
 *
 * Called by fuzz_page*.c and page_start.c; decoder, printer and mutator have the table at the end.
 */
#include "ops.h"

#include <string.h>

#include <quarry/page.h>

static void decode_nodes(struct fz_geometry *geo, unsigned int h, unsigned int seed)
{
	geo->nr_nodes = 1 + (h & 3);
	geo->node_limits = h & 4;
	geo->by_zone = h & 8;
	geo->distances = h & 0x30;
	geo->cpu_nodes = h & 0x40;
	for (unsigned int i = 0; i < geo->nr_nodes; i++) {
		for (unsigned int j = 0; j < geo->nr_nodes; j++) {
			unsigned int far = (i > j ? i - j : j - i) * 10 + 10;

			if ((h & 0x30) == 0x20)
				far = 11 + (i * 3 + j * 5 + seed) % 4 * 10;
			else if ((h & 0x30) == 0x30)
				far = i / 2 == j / 2 ? 15 : 30;
			geo->distance[i * geo->nr_nodes + j] = (uint8_t)(i == j ? 10 : far);
		}
	}
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		geo->cpu_node[cpu] = (uint8_t)((seed >> cpu) % geo->nr_nodes);
}

static void decode_lists(struct fz_geometry *geo, unsigned int h)
{
	static const uint8_t batch[] = {0, 1, 2, 3, 4, 7, 15, 31};
	static const uint8_t high[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 5, 10, 100};

	geo->pcp = h & 1;
	geo->pcp_batch = batch[h >> 1 & 7];
	geo->pcp_high = high[h >> 4];
	if (geo->pcp_high && geo->pcp_high < geo->pcp_batch)
		geo->pcp_high = geo->pcp_batch;
}

static void decode_blocks(struct fz_geometry *geo, unsigned int h, unsigned int seed)
{
	geo->block_order = h & 7;
	geo->grouping = h & 8;
	geo->hook = h & 0x40;
	geo->bootmem = h & 0x80;
	if (h & 0x20)
		geo->high_pages = geo->pages / 2 - (seed & 7);
	if (!(h & 0x10))
		return;
	geo->nr_holes = 1 + (seed & 1);
	geo->hole_back[0] = geo->pages / 2;
	geo->hole_len[0] = 1 + (seed >> 1 & 3);
	geo->hole_back[1] = geo->pages / 4;
	geo->hole_len[1] = 1 + (seed >> 3 & 3);
}

static void decode_page(struct fz_geometry *geo, const uint8_t *h)
{
	decode_nodes(geo, h[9], h[13]);
	decode_lists(geo, h[10]);
	decode_blocks(geo, h[14], h[13]);
	geo->marks = h[11];
	geo->page_debug = (h[8] & 0x04 ? QY_PAGE_INIT_ON_ALLOC : 0) |
			  (h[8] & 0x40 ? QY_PAGE_POISON : 0) |
			  (h[8] & 0x80 ? QY_PAGE_INIT_ON_FREE : 0);
	/* They cost a page each time: every fourth input. */
	if (h[13] & 0x60)
		geo->page_debug = 0;
	if (!(h[13] & 0x1c) && (h[12] & 1))
		geo->guard_wanted = 1 + (h[12] >> 1 & 3);
	geo->migrate = (h[13] & 0x80) || geo->hook;
	geo->fresh = geo->fresh && !(h[13] & 0x1c);
}

static void decode_header(struct fz_input *in, const uint8_t h[FZ_HEADER])
{
	fz_instance_decode_header(&in->geo, h);
	if (in->geo.version == 2)
		decode_page(&in->geo, h);
	else
		fz_instance_decode_debug(&in->geo, h);
}

void fz_page_place(struct fz_geometry *geo, uint32_t pages)
{
	for (unsigned int i = 0; i < geo->nr_nodes; i++)
		geo->node_limit[i] = pages * (i + 1) / geo->nr_nodes + (geo->seed >> i & 3);
	for (unsigned int i = 0; i < geo->nr_holes; i++) {
		geo->hole[i][0] = pages - geo->hole_back[i];
		geo->hole[i][1] = geo->hole[i][0] + geo->hole_len[i];
	}
	geo->normal_pages = geo->high_pages ? pages - geo->high_pages : 0;
	if (!geo->high_pages)
		return;
	if (geo->normal_pages < geo->dma_pages)
		geo->normal_pages = geo->dma_pages;
	if (geo->normal_pages < geo->dma32_pages)
		geo->normal_pages = geo->dma32_pages;
}

/* ---- requests ---- */

static const struct {
	unsigned int gfp;
	const char *name;
} manners[16] = {
	{QY_GFP_KERNEL, "KERNEL"},
	{QY_GFP_ATOMIC, "ATOMIC"},
	{QY_GFP_KERNEL | QY_GFP_RECLAIMABLE, "KERNEL|RECLAIMABLE"},
	{QY_GFP_KERNEL | QY_GFP_MOVABLE, "KERNEL|MOVABLE"},
	{QY_GFP_KERNEL | QY_GFP_NORETRY, "KERNEL|NORETRY"},
	{QY_GFP_MEMALLOC, "MEMALLOC"},
	{QY_GFP_ATOMIC | QY_GFP_NOMEMALLOC, "ATOMIC|NOMEMALLOC"},
	{QY_GFP_KERNEL | QY_GFP_HIGH, "KERNEL|HIGH"},
	{QY_GFP_NOWAIT, "NOWAIT"},
	{QY_GFP_KERNEL | QY_GFP_RETRY_MAYFAIL, "KERNEL|RETRY_MAYFAIL"},
	{QY_GFP_NOFS | QY_GFP_MOVABLE | QY_GFP_RECLAIMABLE, "NOFS|MOVABLE|RECLAIMABLE"},
	{0, ""},
	{QY_GFP_ATOMIC | QY_GFP_MOVABLE, "ATOMIC|MOVABLE"},
	{QY_GFP_KERNEL | QY_GFP_NOFAIL, "KERNEL|NOFAIL"},
	{QY_GFP_MEMALLOC | QY_GFP_NOMEMALLOC, "MEMALLOC|NOMEMALLOC"},
	{QY_GFP_RECLAIMABLE | QY_GFP_HIGH | QY_GFP_DIRECT_RECLAIM, "RECLAIMABLE|HIGH|DIRECT"},
};

unsigned int fz_page_gfp(unsigned int flags, unsigned int request)
{
	unsigned int gfp = (unsigned int)fz_value(FZ_K_GFP, flags, NULL);

	gfp = (gfp & ~QY_GFP_KERNEL) | manners[request & 15].gfp;
	return gfp | ((request & 0x30) == 0x30 ? QY_GFP_THISNODE : 0);
}

int fz_page_node(unsigned int request, const struct fz_geometry *geo)
{
	unsigned int n = request >> 8 & 0x1f;

	if (n < 12)
		return (int)(n % geo->nr_nodes);
	return n == 12 ? (int)(geo->nr_nodes + (request >> 13)) : -1;
}

void fz_page_marks(unsigned int flags, unsigned int more, struct qy_watermark_config *config)
{
	static const uint16_t kbytes[] = {16, 0, 32, 64, 8, 128, 4, 300};
	static const uint16_t scale[] = {0, 100, 1000, 3000};
	static const unsigned int ratio[] = {0, 4, QY_NO_RESERVE, 16};

	memset(config, 0, sizeof(*config));
	config->marks = (flags & 1) ? QY_WATERMARKS_KERNEL : QY_WATERMARKS_NONE;
	config->min_free_kbytes = kbytes[flags >> 1 & 7];
	config->scale_factor = scale[flags >> 4 & 3];
	for (unsigned int i = 0; i < QY_NR_ZONES; i++)
		config->lowmem_reserve_ratio[i] = ratio[flags >> 6];
	if (more & 1)
		config->boost_factor = (more & 2) ? QY_NO_RESERVE : 1 + (more >> 2 & 0xfff) * 8;
	switch (more >> 12) {
	case 15: config->scale_factor = 3001; break;
	case 14: config->marks = (enum qy_watermarks)2; break;
	case 13: config->min_free_kbytes = (size_t)UINT32_MAX + (more & 1); break;
	case 12: config->lowmem_reserve_ratio[more & 3] = 1; break;
	default: break;
	}
}

/* ---- in words ---- */

static void say_page(struct fz_text *t, const struct fz_geometry *geo)
{
	if (geo->nr_nodes > 1)
		fz_say(t, ", %u nodes%s%s%s%s", geo->nr_nodes,
		       geo->node_limits ? " of their own size" : "",
		       geo->distances ? ", distances" : "", geo->cpu_nodes ? ", CPUs placed" : "",
		       geo->by_zone ? ", lists by zone" : "");
	if (geo->high_pages)
		fz_say(t, ", HIGHMEM the last %u pages", geo->high_pages);
	for (unsigned int i = 0; i < geo->nr_holes; i++)
		fz_say(t, ", a hole of %u pages %u before the end", geo->hole_len[i],
		       geo->hole_back[i]);
	if (geo->pcp)
		fz_say(t, ", page lists (batch %u, high %u)", geo->pcp_batch, geo->pcp_high);
	if (geo->grouping)
		fz_say(t, ", grouping");
	if (geo->block_order)
		fz_say(t, ", page blocks of order %u", geo->block_order);
	if (geo->marks & 1)
		fz_say(t, ", marks %02x", geo->marks);
	if (geo->page_debug)
		fz_say(t, ", page debug %x", geo->page_debug);
	if (geo->guard_wanted)
		fz_say(t, ", guards below order %u", geo->guard_wanted);
	if (geo->hook)
		fz_say(t, ", a hook");
	if (geo->migrate)
		fz_say(t, ", blocks can move");
	if (geo->bootmem)
		fz_say(t, ", bootmem");
}

static void say_header(struct fz_text *t, const struct fz_input *in)
{
	fz_instance_say_header(t, in, say_page);
}

static void say_marks(struct fz_text *t, unsigned int raw)
{
	struct qy_watermark_config c;

	fz_page_marks(raw, 0, &c);
	fz_say(t, " %s min %zu kB, scale %u, ratio %u", c.marks ? "on" : "off", c.min_free_kbytes,
	       c.scale_factor, c.lowmem_reserve_ratio[0]);
}

static void say_field(struct fz_text *t, enum fz_kind kind, unsigned int raw,
		      const struct fz_input *in)
{
	switch (kind) {
	case FZ_K_REQUEST:
		fz_say(t, " %s%s, node %d", manners[raw & 15].name,
		       (raw & 0x30) == 0x30 ? "|THISNODE" : "", fz_page_node(raw, &in->geo));
		break;
	case FZ_K_MARKS: say_marks(t, raw); break;
	case FZ_K_SHRINKER: fz_say(t, " %u, manner %04x", raw & 1, raw >> 1); break;
	default: fz_instance_say_field(t, kind, raw, in); break;
	}
}

static const uint8_t frees[] = {FZ_FREE_PAGES, FZ_FREE_PAGES_ADDR, FZ_FREE_ALL_PAGES};

const struct fz_format fz_page_format = {
	.name = "page",
	.which = FZ_T_PAGE,
	.letter = 'P',
	.version = 2,
	.frees = frees,
	.nr_frees = sizeof(frees),
	.decode_header = decode_header,
	.say_header = say_header,
	.say_field = say_field,
};
