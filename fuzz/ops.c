/* SPDX-License-Identifier: MIT */
/*
 * ops.c - decode, encode and print operations; everything is generated from ops.def.
 *
 * Decoding is by modulo and never fails, so that any change a fuzzer makes is again an input.
 */
#include "ops.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <quarry/types.h>

struct op_def {
	const char *name;
	uint8_t targets, result;
	uint8_t flags, a, b, h; /* enum fz_kind */
	uint8_t weight;
};

static const struct op_def defs[FZ_NR_OPS] = {
#define FZ_OP(id, words, targets, result, f, a, b, h, weight)                                      \
	[FZ_##id] = {words, targets, result, FZ_K_##f, FZ_K_##a, FZ_K_##b, FZ_K_##h, weight},
#include "ops.def"
};

/* Opcode of a target → operation. */
struct op_set {
	unsigned int nr, weight;
	uint8_t op[FZ_NR_OPS];
	uint8_t code[FZ_NR_OPS]; /* the other way */
};

static const struct op_set *op_set(enum fz_which which)
{
	static struct op_set sets[FZ_T_END];
	struct op_set *s = &sets[which];

	if (s->nr)
		return s;
	for (unsigned int i = 0; i < FZ_NR_OPS; i++) {
		if (!(defs[i].targets & which))
			continue;
		s->code[i] = (uint8_t)s->nr;
		s->op[s->nr++] = (uint8_t)i;
		s->weight += defs[i].weight;
	}
	return s;
}

unsigned int fz_nr_ops(enum fz_which which)
{
	return op_set(which)->nr;
}

enum fz_opcode fz_pick(enum fz_which which, uint32_t r)
{
	const struct op_set *s = op_set(which);
	unsigned int i = 0;

	r %= s->weight;
	while (r >= defs[s->op[i]].weight)
		r -= defs[s->op[i++]].weight;
	return (enum fz_opcode)s->op[i];
}

const char *fz_op_name(enum fz_opcode op)
{
	return defs[op].name;
}

enum fz_which fz_op_targets(enum fz_opcode op)
{
	return (enum fz_which)defs[op].targets;
}

enum fz_kind fz_kind_of(enum fz_opcode op, char field)
{
	const struct op_def *d = &defs[op];

	return (enum fz_kind)(field == 'f'   ? d->flags
			      : field == 'a' ? d->a
			      : field == 'b' ? d->b
					     : d->h);
}

void fz_op_decode(struct fz_op *op, enum fz_which which, const uint8_t *data)
{
	const struct op_set *s = op_set(which);

	op->op = s->op[data[0] % s->nr];
	op->flags = data[1];
	op->a = (uint16_t)(data[2] | data[3] << 8);
	op->b = (uint16_t)(data[4] | data[5] << 8);
	op->h = (uint16_t)(data[6] | data[7] << 8);
}

void fz_op_encode(const struct fz_op *op, enum fz_which which, uint8_t *data)
{
	data[0] = op_set(which)->code[op->op];
	data[1] = op->flags;
	data[2] = (uint8_t)op->a;
	data[3] = (uint8_t)(op->a >> 8);
	data[4] = (uint8_t)op->b;
	data[5] = (uint8_t)(op->b >> 8);
	data[6] = (uint8_t)op->h;
	data[7] = (uint8_t)(op->h >> 8);
}

static const struct {
	enum fz_which which;
	uint8_t letter;
	const char *name;
} targets[] = {
	{FZ_T_PAGE, 'P', "page"},
	{FZ_T_SLAB, 'S', "slab"},
	{FZ_T_BOOTMEM, 'B', "bootmem"},
	{FZ_T_MEMBLOCK, 'M', "memblock"},
};

#define NR_TARGETS (sizeof(targets) / sizeof(targets[0]))

enum fz_which fz_guess(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < NR_TARGETS && size >= 2 && data[0] == 'Q'; i++)
		if (targets[i].letter == data[1])
			return targets[i].which;
	return (enum fz_which)0;
}

enum fz_which fz_which_named(const char *name)
{
	for (size_t i = 0; i < NR_TARGETS; i++)
		if (!strcmp(targets[i].name, name))
			return targets[i].which;
	return (enum fz_which)0;
}

const char *fz_which_name(enum fz_which which)
{
	for (size_t i = 0; i < NR_TARGETS; i++)
		if (targets[i].which == which)
			return targets[i].name;
	return "?";
}

uint8_t fz_version(enum fz_which which)
{
	return which == FZ_T_PAGE ? FZ_VERSION : 1;
}

uint8_t fz_which_letter(enum fz_which which)
{
	for (size_t i = 0; i < NR_TARGETS; i++)
		if (targets[i].which == which)
			return targets[i].letter;
	return '?';
}

/* Header byte 9: which letters, for whom; byte 10: red zone; byte 11: quarantine. */
static void decode_debug(struct fz_geometry *geo, const uint8_t *h)
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

static void decode_header(struct fz_geometry *geo, enum fz_which which, const uint8_t *h)
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
	if (which == FZ_T_PAGE && geo->version == 2)
		fz_page_decode_header(geo, h);
	else
		decode_debug(geo, h);
	geo->fill = h[12];
	geo->seed = h[13];
	geo->bad = h[15] >= 0xf8 ? h[15] - 0xf7u : 0;
}

void fz_decode(struct fz_input *in, enum fz_which which, const uint8_t *data, size_t size)
{
	uint8_t header[FZ_HEADER] = {0};

	memcpy(header, data, size < FZ_HEADER ? size : FZ_HEADER);
	in->which = which;
	decode_header(&in->geo, which, header);
	fz_bm_decode_header(&in->bm, header);
	fz_mb_decode_header(&in->mb, header);
	data += FZ_HEADER;
	size = size > FZ_HEADER ? size - FZ_HEADER : 0;
	for (in->nr = 0; in->nr < FZ_MAX_OPS && size; in->nr++) {
		uint8_t raw[FZ_OP_BYTES] = {0};
		size_t n = size < FZ_OP_BYTES ? size : FZ_OP_BYTES;

		memcpy(raw, data, n);
		fz_op_decode(&in->ops[in->nr], which, raw);
		data += n;
		size -= n;
	}
}

size_t fz_encode(uint8_t *data, size_t size, enum fz_which which, const uint8_t header[FZ_HEADER],
		 const struct fz_op *ops, unsigned int nr)
{
	size_t n = FZ_HEADER;

	if (size < FZ_HEADER)
		return 0;
	memcpy(data, header, FZ_HEADER);
	data[0] = 'Q';
	data[1] = fz_which_letter(which);
	if (!data[2] || data[2] > fz_version(which))
		data[2] = fz_version(which);
	for (unsigned int i = 0; i < nr && n + FZ_OP_BYTES <= size; i++, n += FZ_OP_BYTES)
		fz_op_encode(&ops[i], which, data + n);
	return n;
}

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

/* ---- in words ---- */

struct text {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	size_t room = t->len < t->size ? t->size - t->len : 0;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room ? t->buf + t->len : NULL, room, fmt, ap);
	va_end(ap);
	t->len += n > 0 ? (size_t)n : 0;
}

int fz_print_geometry(char *buf, size_t size, const struct fz_input *in)
{
	const struct fz_geometry *geo = &in->geo;
	struct text t = {buf, size, 0};

	if (in->which == FZ_T_BOOTMEM || in->which == FZ_T_MEMBLOCK) {
		if (in->which == FZ_T_BOOTMEM)
			fz_bm_print_geometry(buf, size, &in->bm);
		else
			fz_mb_print_geometry(buf, size, &in->mb);
		t.len = strlen(buf);
		say(&t, "; %u operations", in->nr);
		return (int)t.len;
	}
	say(&t, "%s: %u pages from page %u, max order %u", fz_which_name(in->which), geo->pages,
	    geo->start_page, geo->max_order);
	if (geo->skew)
		say(&t, ", %u bytes off a page border", geo->skew);
	if (geo->dma_pages)
		say(&t, ", DMA %u pages", geo->dma_pages);
	if (geo->dma32_pages)
		say(&t, ", DMA32 up to page %u", geo->dma32_pages);
	if (geo->zone_skew && (geo->dma_pages || geo->dma32_pages))
		say(&t, " (+%u bytes)", geo->zone_skew);
	say(&t, ", %u CPU%s, seed %u", geo->nr_cpus, geo->nr_cpus > 1 ? "s" : "", geo->seed);
	if (in->which == FZ_T_SLAB)
		say(&t, ", %s classes, debug \"%s\", red zone %u",
		    geo->fine_classes ? "fine" : "kernel", geo->debug, geo->red_zone);
	if (in->which == FZ_T_PAGE && t.len < t.size)
		t.len += (size_t)fz_page_print_geometry(buf + t.len, size - t.len, geo);
	if (geo->bad)
		say(&t, ", bad configuration %u", geo->bad);
	say(&t, "; %u operations", in->nr);
	return (int)t.len;
}

static void say_gfp(struct text *t, unsigned int gfp)
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
		say(t, "%s%s", sep, names[i].name);
		sep = "|";
	}
}

static void say_cflags(struct text *t, unsigned int raw)
{
	static const char *const names[8] = {"HWCACHE_ALIGN", "ctor",		"F", "Z", "P", "U",
					     "NO_MERGE",      "RECLAIM_ACCOUNT"};
	const char *sep = " ";

	for (unsigned int i = 0; i < 8; i++) {
		if (!(raw & (1u << i)))
			continue;
		say(t, "%s%s", sep, names[i]);
		sep = "|";
	}
}

static void say_field(struct text *t, enum fz_kind kind, unsigned int raw,
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
	char words[128];

	fz_bm_print_field(words, sizeof(words), kind, raw, &in->bm);
	say(t, "%s", words);
	fz_page_print_field(words, sizeof(words), kind, raw, &in->geo);
	say(t, "%s", words);
	if (kind == FZ_K_GFP)
		say_gfp(t, (unsigned int)v);
	else if (kind == FZ_K_CFLAGS)
		say_cflags(t, raw);
	else if (kind == FZ_K_ZERO)
		say(t, v ? " ZERO" : "");
	else if (kind == FZ_K_CACHE)
		say(t, " from c%u", (unsigned int)v);
	else if (kind < sizeof(labels) / sizeof(labels[0]) && labels[kind])
		say(t, " %s %llu", labels[kind], (unsigned long long)v);
}

static void say_handle(struct text *t, enum fz_kind kind, const struct fz_log *log)
{
	if (kind == FZ_K_NONE || kind == FZ_K_NEW_BLOCK || kind == FZ_K_NEW_OBJ ||
	    kind == FZ_K_NEW_CACHE)
		return;
	if (kind == FZ_K_BLOCK)
		say(t, " h%d (pfn %u, order %u)", log->h, log->x, log->y);
	else if (kind == FZ_K_GHOST)
		say(t, " g%d (0x%x, %u)", log->h, log->x, log->y);
	else
		say(t, " h%d (base+0x%x, %u bytes)", log->h, log->x, log->y);
}

static const char *errno_name(int64_t err)
{
	switch (err) {
	case -EINVAL: return "-EINVAL";
	case -ERANGE: return "-ERANGE";
	case -EBUSY: return "-EBUSY";
	case -EPERM: return "-EPERM";
	case -ENOMEM: return "-ENOMEM";
	case -EEXIST: return "-EEXIST";
	case -EALREADY: return "-EALREADY";
	default: return NULL;
	}
}

static void say_result(struct text *t, enum fz_result kind, const struct fz_log *log)
{
	if (kind == FZ_R_NONE)
		return;
	say(t, " → ");
	if (log->ret == FZ_LOG_NULL)
		say(t, "NULL");
	else if (log->ret == FZ_LOG_ZERO_SIZE)
		say(t, "ZERO_SIZE_PTR");
	else if (kind == FZ_R_BLOCK)
		say(t, "h%d = pfn %u, order %u", log->h, log->x, log->y);
	else if (kind == FZ_R_PTR)
		say(t, "h%d = base+0x%llx", log->h, (unsigned long long)log->ret);
	else if (kind == FZ_R_CACHE)
		say(t, "c%d", log->h);
	else if (kind == FZ_R_ADDR && log->y)
		say(t, "0x%llx", (unsigned long long)log->ret);
	else if ((kind == FZ_R_INT || kind == FZ_R_ADDR) && errno_name(log->ret))
		say(t, "%s", errno_name(log->ret));
	else
		say(t, "%lld", (long long)log->ret);
}

int fz_print_op(char *buf, size_t size, const struct fz_input *in, unsigned int step,
		const struct fz_log *log)
{
	const struct fz_op *op = &in->ops[step];
	const struct op_def *d = &defs[op->op];
	struct text t = {buf, size, 0};
	char words[160];

	say(&t, "#%u %s", step, d->name);
	if (log && log->h >= 0)
		say_handle(&t, (enum fz_kind)d->h, log);
	if (in->which == FZ_T_MEMBLOCK) {
		fz_mb_print_op(words, sizeof(words), op, &in->mb);
		say(&t, "%s", words);
	}
	say_field(&t, (enum fz_kind)d->a, op->a, in);
	say_field(&t, (enum fz_kind)d->b, op->b, in);
	if (d->h >= FZ_K_BM_ADDR)
		say_field(&t, (enum fz_kind)d->h, op->h, in);
	say_field(&t, (enum fz_kind)d->flags, op->flags, in);
	if (log && log->ran)
		say_result(&t, (enum fz_result)d->result, log);
	else
		say(&t, " (nothing to do it to)");
	return (int)t.len;
}
