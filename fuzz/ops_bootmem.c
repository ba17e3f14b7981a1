/* SPDX-License-Identifier: MIT */
/*
 * ops_bootmem.c - the format of target bootmem, what the bytes of an input mean to it: nodes and
 * their maps, and addresses, sizes and alignments around them; and the same in words.
 *
 * Called by fuzz_bootmem.c; decoder, printer and mutator are given the table at the end.
 */
#include "ops.h"

#include <string.h>

#define NR_CALLS 10

static const char *const call_names[NR_CALLS] = {
	"core",	 "core",	  "core",   "panicking", "nopanic",
	"_node", "_node_nopanic", "_pages", "_low",	 "_low_node",
};

/* Nodes side by side or with a hole; at page 0, somewhere, or up to the last page there is. */
static void place_nodes(struct fz_bm_geometry *geo, const uint8_t *h)
{
	uint64_t at = h[4] < 0xf0 ? h[4] : 0, end = ~UINT64_C(0) >> geo->shift, up;

	for (unsigned int i = 0; i < geo->nr; i++) {
		uint64_t len = 1 + h[6 + 2 * i] % FZ_BM_MAX_LEN;
		uint64_t map = ((len + 63) / 64 * 8 + (UINT64_C(1) << geo->shift) - 1) >>
			       geo->shift;

		if (!(h[5 + 2 * i] & 0x80))
			at += h[5 + 2 * i] % 24;
		geo->node[i].nid = (int)(i + h[13]) % 4;
		geo->node[i].min = at;
		geo->node[i].end = at += len;
		geo->node[i].map_pfn = FZ_BM_OUTSIDE;
		if (h[14] >> i & 1)
			geo->node[i].map_pfn = at - len + (h[14] >> 4) % (len - map + 1);
	}
	up = h[4] < 0xf0 ? 0 : end - at - (h[4] & 3);
	for (unsigned int i = 0; i < geo->nr; i++) {
		geo->node[i].min += up;
		geo->node[i].end += up;
		if (geo->node[i].map_pfn != FZ_BM_OUTSIDE)
			geo->node[i].map_pfn += up;
	}
	geo->first = geo->node[0].min;
	geo->last = geo->node[geo->nr - 1].end;
}

static void decode_header(struct fz_input *in, const uint8_t h[FZ_HEADER])
{
	static const uint8_t shifts[4] = {6, 4, 7, 12};
	struct fz_bm_geometry *geo = &in->bm;

	memset(geo, 0, sizeof(*geo));
	geo->shift = shifts[h[3] & 3];
	geo->nr = 1 + (h[3] >> 2 & 3);
	geo->zero = (h[3] & 0x10) ? FZ_BM_CALLBACK : FZ_BM_BASE;
	if (geo->shift == 12)
		geo->zero = FZ_BM_CALLBACK;
	if (h[3] & 0x20)
		geo->zero = FZ_BM_UNTOUCHED;
	geo->log = h[3] & 0x40;
	geo->all_free = h[3] & 0x80;
	place_nodes(geo, h);
}

static uint64_t addr_value(unsigned int raw, const struct fz_bm_geometry *geo)
{
	const uint64_t page = UINT64_C(1) << geo->shift;
	const uint64_t absurd[8] = {0,
				    1,
				    ~UINT64_C(0),
				    ~UINT64_C(0) << geo->shift,
				    UINT64_C(1) << 63,
				    UINT64_C(1) << 32,
				    (geo->last + 1000) << geo->shift,
				    (geo->first << geo->shift) - 1};
	uint64_t span = geo->last - geo->first + 4, pfn;
	unsigned int part = raw >> 10;

	if (raw >= 0xff00)
		return absurd[raw & 7];
	pfn = geo->first - (geo->first < 2 ? 0 : 2) + (raw & 0x3ff) % span;
	return (pfn << geo->shift) + (part < 40 ? 0 : part * 37 % page);
}

static uint64_t size_value(unsigned int raw, const struct fz_bm_geometry *geo)
{
	const uint64_t page = UINT64_C(1) << geo->shift;
	const uint64_t absurd[8] = {0,
				    ~UINT64_C(0),
				    UINT64_C(1) << 63,
				    (geo->last - geo->first) << geo->shift,
				    UINT64_C(1) << 40,
				    ~UINT64_C(0) - page,
				    0,
				    1000 << geo->shift};

	if (raw >= 0xff00)
		return absurd[raw & 7];
	switch (raw >> 14) {
	case 0: return 1 + (raw & 0x3f);
	case 1: return (raw & 7) << geo->shift;
	case 2: return ((raw & 7) << geo->shift) + (raw >> 3 & 0x7ff) % page;
	default: return (raw & 0x80 ? raw & 0xff : raw & 0x1f) << geo->shift;
	}
}

static uint64_t align_value(unsigned int raw)
{
	static const uint64_t odd[4] = {0, 3, UINT64_C(1) << 63, UINT64_C(1) << 32};

	return (raw & 15) < 12 ? UINT64_C(1) << (raw & 15) : odd[raw & 3];
}

uint64_t fz_bm_limit(unsigned int raw, const struct fz_bm_geometry *geo)
{
	raw >>= 4;
	if (raw < 0x800)
		return 0;
	if (raw >= 0xff0)
		return (raw & 1) ? 1 + (raw & 15) : (UINT64_C(1) << geo->shift) - 1;
	return addr_value((raw & 0x400 ? 0xf000 : 0) | (raw & 0x3ff), geo);
}

/* Half of them any, some of one of the first nodes, some that there may or cannot be. */
int fz_bm_nid(unsigned int raw, const struct fz_bm_geometry *geo)
{
	raw &= 15;
	if (raw < 8)
		return -1;
	return raw < 14 ? geo->node[raw % geo->nr].nid : raw == 14 ? 63 : (int)geo->first % 5;
}

/* DEFAULT and EXCLUSIVE, rarely something that is none. */
unsigned int fz_bm_flags(unsigned int raw)
{
	return (raw >> 5) == 7 ? 2 : raw >> 4 & 1;
}

unsigned int fz_bm_call(unsigned int raw)
{
	return (raw >> 4) % NR_CALLS;
}

uint64_t fz_bm_value(enum fz_kind kind, unsigned int raw, const struct fz_bm_geometry *geo)
{
	switch (kind) {
	case FZ_K_BM_ADDR: return addr_value(raw, geo);
	case FZ_K_BM_GOAL: return raw < 0x8000 ? 0 : addr_value(raw << 1 & 0xffff, geo);
	case FZ_K_BM_SIZE: return size_value(raw, geo);
	case FZ_K_BM_ALIGN: return align_value(raw);
	default: return raw;
	}
}

static void say_header(struct fz_text *t, const struct fz_input *in)
{
	static const char *const zero[] = {"zeroed", "zeroed by a callback", "not touched"};
	const struct fz_bm_geometry *geo = &in->bm;

	fz_say(t, "bootmem: pages of %u bytes, memory %s%s%s", 1u << geo->shift, zero[geo->zero],
	       geo->log ? ", logged" : "", geo->all_free ? ", all free" : "");
	for (unsigned int i = 0; i < geo->nr; i++) {
		fz_say(t, ", node %d 0x%llx-0x%llx", geo->node[i].nid,
		       (unsigned long long)geo->node[i].min, (unsigned long long)geo->node[i].end);
		if (geo->node[i].map_pfn != FZ_BM_OUTSIDE)
			fz_say(t, " (map at 0x%llx)", (unsigned long long)geo->node[i].map_pfn);
	}
}

static void say_field(struct fz_text *t, enum fz_kind kind, unsigned int raw,
		      const struct fz_input *in)
{
	static const char *const manners[] = {"", ", exclusive", ", bad flags"};
	const struct fz_bm_geometry *geo = &in->bm;
	unsigned long long v = fz_bm_value(kind, raw, geo);

	if (kind == FZ_K_BM_NID || kind == FZ_K_BM_MARK || kind == FZ_K_BM_CALL)
		if (fz_bm_nid(raw, geo) != -1)
			fz_say(t, ", node %d", fz_bm_nid(raw, geo));
	switch (kind) {
	case FZ_K_BM_ADDR: fz_say(t, " 0x%llx", v); break;
	case FZ_K_BM_GOAL: fz_say(t, " goal 0x%llx", v); break;
	case FZ_K_BM_SIZE: fz_say(t, " size 0x%llx", v); break;
	case FZ_K_BM_MARK: fz_say(t, "%s", manners[fz_bm_flags(raw)]); break;
	case FZ_K_BM_CALL: fz_say(t, " (%s)", call_names[fz_bm_call(raw)]); break;
	case FZ_K_BM_ALIGN:
		fz_say(t, " align 0x%llx limit 0x%llx", v,
		       (unsigned long long)fz_bm_limit(raw, geo));
		break;
	case FZ_K_BM_MAP: fz_say(t, " map %u", raw % 8); break;
	case FZ_K_OFFSET: fz_say(t, " offset %u", raw); break;
	default: break;
	}
}

static const uint8_t frees[] = {FZ_BM_FREE_RUN};

const struct fz_format fz_bootmem_format = {
	.name = "bootmem",
	.which = FZ_T_BOOTMEM,
	.letter = 'B',
	.version = 1,
	.frees = frees,
	.nr_frees = sizeof(frees),
	.decode_header = decode_header,
	.say_header = say_header,
	.say_field = say_field,
};
