/* SPDX-License-Identifier: MIT */
/*
 * ops.c - inputs of any format: decode, encode and print; the operations are generated from
 * ops.def.
 *
 * Decoding is by modulo and never fails, so that any change a fuzzer makes is again an input. What
 * header and fields mean the target's format says (struct fz_format), which this file is given.
 *
 * Called by harness.c, mutator.c and the programs.
 */
#include "ops.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

static const struct op_set *op_set(const struct fz_format *format)
{
	static struct op_set sets[FZ_T_END];
	struct op_set *s = &sets[format->which];

	if (s->nr)
		return s;
	for (unsigned int i = 0; i < FZ_NR_OPS; i++) {
		if (!(defs[i].targets & format->which))
			continue;
		s->code[i] = (uint8_t)s->nr;
		s->op[s->nr++] = (uint8_t)i;
		s->weight += defs[i].weight;
	}
	return s;
}

enum fz_opcode fz_pick(const struct fz_format *format, uint32_t r)
{
	const struct op_set *s = op_set(format);
	unsigned int i = 0;

	r %= s->weight;
	while (r >= defs[s->op[i]].weight)
		r -= defs[s->op[i++]].weight;
	return (enum fz_opcode)s->op[i];
}

void fz_op_decode(struct fz_op *op, const struct fz_format *format, const uint8_t *data)
{
	const struct op_set *s = op_set(format);

	op->op = s->op[data[0] % s->nr];
	op->flags = data[1];
	op->a = (uint16_t)(data[2] | data[3] << 8);
	op->b = (uint16_t)(data[4] | data[5] << 8);
	op->h = (uint16_t)(data[6] | data[7] << 8);
}

void fz_op_encode(const struct fz_op *op, const struct fz_format *format, uint8_t *data)
{
	data[0] = op_set(format)->code[op->op];
	data[1] = op->flags;
	data[2] = (uint8_t)op->a;
	data[3] = (uint8_t)(op->a >> 8);
	data[4] = (uint8_t)op->b;
	data[5] = (uint8_t)(op->b >> 8);
	data[6] = (uint8_t)op->h;
	data[7] = (uint8_t)(op->h >> 8);
}

void fz_put_magic(const struct fz_format *format, uint8_t header[FZ_HEADER])
{
	header[0] = 'Q';
	header[1] = format->letter;
	if (!header[2] || header[2] > format->version)
		header[2] = format->version;
}

void fz_decode(struct fz_input *in, const struct fz_format *format, const uint8_t *data,
	       size_t size)
{
	uint8_t header[FZ_HEADER] = {0};

	memcpy(header, data, size < FZ_HEADER ? size : FZ_HEADER);
	in->format = format;
	format->decode_header(in, header);
	data += FZ_HEADER;
	size = size > FZ_HEADER ? size - FZ_HEADER : 0;
	for (in->nr = 0; in->nr < FZ_MAX_OPS && size; in->nr++) {
		uint8_t raw[FZ_OP_BYTES] = {0};
		size_t n = size < FZ_OP_BYTES ? size : FZ_OP_BYTES;

		memcpy(raw, data, n);
		fz_op_decode(&in->ops[in->nr], format, raw);
		data += n;
		size -= n;
	}
}

size_t fz_encode(uint8_t *data, size_t size, const struct fz_format *format,
		 const uint8_t header[FZ_HEADER], const struct fz_op *ops, unsigned int nr)
{
	size_t n = FZ_HEADER;

	if (size < FZ_HEADER)
		return 0;
	memcpy(data, header, FZ_HEADER);
	fz_put_magic(format, data);
	for (unsigned int i = 0; i < nr && n + FZ_OP_BYTES <= size; i++, n += FZ_OP_BYTES)
		fz_op_encode(&ops[i], format, data + n);
	return n;
}

/* ---- in words ---- */

void fz_say(struct fz_text *t, const char *fmt, ...)
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
	struct fz_text t = {buf, size, 0};

	in->format->say_header(&t, in);
	fz_say(&t, "; %u operations", in->nr);
	return (int)t.len;
}

static void say_handle(struct fz_text *t, enum fz_kind kind, const struct fz_log *log)
{
	if (kind == FZ_K_NONE || kind == FZ_K_NEW_BLOCK || kind == FZ_K_NEW_OBJ ||
	    kind == FZ_K_NEW_CACHE)
		return;
	if (kind == FZ_K_BLOCK)
		fz_say(t, " h%d (pfn %u, order %u)", log->h, log->x, log->y);
	else if (kind == FZ_K_GHOST)
		fz_say(t, " g%d (0x%x, %u)", log->h, log->x, log->y);
	else
		fz_say(t, " h%d (base+0x%x, %u bytes)", log->h, log->x, log->y);
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

static void say_result(struct fz_text *t, enum fz_result kind, const struct fz_log *log)
{
	if (kind == FZ_R_NONE)
		return;
	fz_say(t, " → ");
	if (log->ret == FZ_LOG_NULL)
		fz_say(t, "NULL");
	else if (log->ret == FZ_LOG_ZERO_SIZE)
		fz_say(t, "ZERO_SIZE_PTR");
	else if (kind == FZ_R_BLOCK)
		fz_say(t, "h%d = pfn %u, order %u", log->h, log->x, log->y);
	else if (kind == FZ_R_PTR)
		fz_say(t, "h%d = base+0x%llx", log->h, (unsigned long long)log->ret);
	else if (kind == FZ_R_CACHE)
		fz_say(t, "c%d", log->h);
	else if (kind == FZ_R_ADDR && log->y)
		fz_say(t, "0x%llx", (unsigned long long)log->ret);
	else if ((kind == FZ_R_INT || kind == FZ_R_ADDR) && errno_name(log->ret))
		fz_say(t, "%s", errno_name(log->ret));
	else
		fz_say(t, "%lld", (long long)log->ret);
}

static void say_field(struct fz_text *t, uint8_t kind, unsigned int raw, const struct fz_input *in)
{
	if (kind != FZ_K_NONE && in->format->say_field)
		in->format->say_field(t, (enum fz_kind)kind, raw, in);
}

int fz_print_op(char *buf, size_t size, const struct fz_input *in, unsigned int step,
		const struct fz_log *log)
{
	const struct fz_op *op = &in->ops[step];
	const struct op_def *d = &defs[op->op];
	struct fz_text t = {buf, size, 0};

	fz_say(&t, "#%u %s", step, d->name);
	if (log && log->h >= 0)
		say_handle(&t, (enum fz_kind)d->h, log);
	if (in->format->say_op)
		in->format->say_op(&t, op, in);
	say_field(&t, d->a, op->a, in);
	say_field(&t, d->b, op->b, in);
	if (d->h >= FZ_K_BM_ADDR)
		say_field(&t, d->h, op->h, in);
	say_field(&t, d->flags, op->flags, in);
	if (log && log->ran)
		say_result(&t, (enum fz_result)d->result, log);
	else
		fz_say(&t, " (nothing to do it to)");
	return (int)t.len;
}
