/* SPDX-License-Identifier: MIT */
/*
 * ops_memblock.c - the format of target memblock, what the bytes of an input mean to it: a line of
 * cells, arrays that grow or do not, ranges, attributes and requests; and the same in words.
 *
 * Called by fuzz_memblock.c; decoder, printer and mutator are given the table at the end.
 */
#include "ops.h"

#include <string.h>

#include <quarry/early.h>

#define PAGE UINT64_C(4096)
#define NR_CALLS 8

static const char *const call_names[NR_CALLS] = {
	"alloc", "alloc_range_nid", "find",	      "find_nid",
	"virt",	 "virt_raw",	    "phys_alloc_try", "find_nid with flags",
};

static const uint32_t memory_flags[8] = {
	0,
	0,
	QY_MEMBLOCK_HOTPLUG,
	QY_MEMBLOCK_MIRROR,
	QY_MEMBLOCK_NOMAP,
	QY_MEMBLOCK_DRIVER_MANAGED,
	QY_MEMBLOCK_KHO_SCRATCH,
	QY_MEMBLOCK_HOTPLUG | QY_MEMBLOCK_MIRROR,
};

static const uint32_t reserved_flags[8] = {
	0,
	0,
	QY_MEMBLOCK_RSRV_NOINIT,
	QY_MEMBLOCK_RSRV_KERN,
	0,
	QY_MEMBLOCK_RSRV_NOINIT | QY_MEMBLOCK_RSRV_KERN,
	QY_MEMBLOCK_RSRV_KERN,
	0,
};

/* At address 0, somewhere, or up to the last address there is. */
static void decode_header(struct fz_input *in, const uint8_t h[FZ_HEADER])
{
	struct fz_mb_geometry *geo = &in->mb;

	memset(geo, 0, sizeof(*geo));
	geo->bytes = h[3] & 1;
	geo->hook = (h[3] & 6) == 6 || (geo->bytes && (h[3] & 6));
	geo->resize = h[3] & 6;
	geo->bottom_up = h[3] & 8;
	geo->max = 1u << (h[3] >> 4 & 7);
	geo->nr = 8 + h[4] % (h[4] < 0xf0 ? 57 : FZ_MB_CELLS - 7);
	geo->nodes = h[5] % 4;
	geo->unit = geo->bytes ? 1 : PAGE;
	if (h[6] >= 0xe0)
		geo->lowest = geo->bytes ? ~UINT64_C(0) - geo->nr : -(geo->nr + 1) * PAGE;
	else if (h[6] >= 0xc0)
		geo->lowest = UINT64_C(1) << 32;
	else
		geo->lowest = geo->bytes ? PAGE - h[7] % 64 : 0;
}

static int length(unsigned int raw, const struct fz_mb_geometry *geo)
{
	switch (raw >> 14) {
	case 0: return (int)(raw % 4);
	case 1: return (int)(raw % 16);
	case 2: return 1 + (int)(raw % geo->nr);
	default: return raw >= 0xff00 ? (int)geo->nr : 1 + (int)(raw % 5);
	}
}

int fz_mb_index(unsigned int raw, const struct fz_mb_geometry *geo)
{
	return (int)(raw % (geo->nr + 1));
}

struct fz_mb_range fz_mb_range(unsigned int a, unsigned int b, const struct fz_mb_geometry *geo)
{
	struct fz_mb_range r = {.from = fz_mb_index(a, geo)};

	r.to = r.from + length(b, geo);
	if (r.to > (int)geo->nr)
		r.to = (int)geo->nr;
	r.base = geo->lowest + (uint64_t)r.from * geo->unit;
	r.size = (uint64_t)(r.to - r.from) * geo->unit;
	r.absurd = b >= 0xff80; /* the size is cut where the address space ends */
	return r;
}

int fz_mb_nid(unsigned int raw)
{
	return (int)(raw & 3) - 1;
}

uint32_t fz_mb_flags(unsigned int raw, bool reserved)
{
	if (raw >= 0xf8)
		return 0x80u << (raw & 7); /* none of them exists */
	return (reserved ? reserved_flags : memory_flags)[raw >> 2 & 7];
}

/* Half of all calls are about allocations that have to succeed if there is room. */
struct fz_mb_request fz_mb_request(const struct fz_op *op, const struct fz_mb_geometry *geo)
{
	static const uint16_t byte_aligns[16] = {1,  2,	 3, 4,	 7,  8, 16, 48,
						 64, 96, 0, 256, 32, 1, 1,  5};
	static const uint8_t page_aligns[16] = {1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 4, 8, 16, 0, 5, 0};
	struct fz_mb_request rq = {.nid = fz_mb_nid(op->flags), .exact = op->flags & 4};
	unsigned int end = op->h >> 4;

	rq.call = op->flags >> 3 & (NR_CALLS - 1);
	rq.flags = rq.call == 7 ? memory_flags[op->flags >> 5] : 0;
	rq.size = (uint64_t)length(op->a, geo) * geo->unit;
	rq.start = op->b < 0xa000 ? 0 : geo->lowest + (uint64_t)fz_mb_index(op->b, geo) * geo->unit;
	rq.align = geo->bytes ? byte_aligns[op->h & 15] : page_aligns[op->h & 15] * PAGE;
	rq.end = QY_MEMBLOCK_ALLOC_ACCESSIBLE;
	if (end >= 0xa00)
		rq.end = geo->lowest + (uint64_t)fz_mb_index(end, geo) * geo->unit;
	else if (end >= 0x800)
		rq.end = end & 1 ? QY_MEMBLOCK_ALLOC_ANYWHERE : QY_MEMBLOCK_ALLOC_NOLEAKTRACE;
	return rq;
}

uint64_t fz_mb_align(unsigned int raw, const struct fz_mb_geometry *geo)
{
	if (raw >= 0xff00)
		return 0;
	return raw & 0x8000 ? PAGE : (1 + raw % (geo->bytes ? 64 : 5)) * geo->unit;
}

static void say_header(struct fz_text *t, const struct fz_input *in)
{
	const struct fz_mb_geometry *geo = &in->mb;

	fz_say(t, "memblock: %u %s from 0x%llx, %u nodes at first, arrays of %u%s%s%s", geo->nr,
	       geo->bytes ? "bytes" : "pages", (unsigned long long)geo->lowest, geo->nodes,
	       geo->max, geo->resize ? ", growing" : "",
	       geo->hook     ? " outside"
	       : geo->resize ? " inside"
			     : "",
	       geo->bottom_up ? ", bottom-up" : "");
}

static void say_options(struct fz_text *t, unsigned int raw)
{
	fz_say(t, "%s%s%s%s%s", raw & 1 ? ", bottom-up" : "", raw & 2 ? ", movable_node" : "",
	       raw >= 0xe0 ? ", scratch_only" : "", raw & 4 ? ", has_mirror" : "",
	       raw & 8 ? ", no resize" : "");
}

/* The operation without its name: its fields belong together. */
static void say_op(struct fz_text *t, const struct fz_op *op, const struct fz_input *in)
{
	const struct fz_mb_geometry *geo = &in->mb;
	struct fz_mb_range r = fz_mb_range(op->a, op->b, geo);
	struct fz_mb_request rq = fz_mb_request(op, geo);
	bool reserved = op->op == FZ_MB_RESERVE || (op->op != FZ_MB_ADD && (op->h & 1));

	switch ((enum fz_opcode)op->op) {
	case FZ_MB_ADD:
	case FZ_MB_RESERVE:
		fz_say(t, " [%d, %d)%s node %d flags 0x%x", r.from, r.to, r.absurd ? " and on" : "",
		       fz_mb_nid(op->flags), fz_mb_flags(op->flags, reserved));
		break;
	case FZ_MB_FLAGS:
		fz_say(t, " %s [%d, %d) %s 0x%x", reserved ? "reserved" : "memory", r.from, r.to,
		       op->h & 2 ? "off" : "on", fz_mb_flags(op->flags, reserved));
		break;
	case FZ_MB_SET_NODE:
		fz_say(t, " %s [%d, %d) node %d", reserved ? "reserved" : "memory", r.from, r.to,
		       fz_mb_nid(op->flags));
		break;
	case FZ_MB_ALLOC:
		fz_say(t, " %s size 0x%llx align 0x%llx from 0x%llx to 0x%llx node %d%s flags 0x%x",
		       call_names[rq.call], (unsigned long long)rq.size,
		       (unsigned long long)rq.align, (unsigned long long)rq.start,
		       (unsigned long long)rq.end, rq.nid, rq.exact ? " exact" : "", rq.flags);
		break;
	case FZ_MB_OPTIONS: say_options(t, op->flags); break;
	case FZ_MB_TRIM: fz_say(t, " 0x%llx", (unsigned long long)fz_mb_align(op->a, geo)); break;
	case FZ_MB_FREE_ALL: fz_say(t, " max order %u", op->flags % 12u); break;
	case FZ_MB_NAMED:
		fz_say(t, " %s %c", op->flags & 1 ? "release" : "reserve",
		       'a' + op->flags / 2 % 10);
		break;
	default: fz_say(t, " [%d, %d)", r.from, r.to); break;
	}
}

static const uint8_t frees[] = {FZ_MB_FREE};

const struct fz_format fz_memblock_format = {
	.name = "memblock",
	.which = FZ_T_MEMBLOCK,
	.letter = 'M',
	.version = 1,
	.frees = frees,
	.nr_frees = sizeof(frees),
	.decode_header = decode_header,
	.say_header = say_header,
	.say_op = say_op,
};
