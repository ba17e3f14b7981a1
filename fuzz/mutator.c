/* SPDX-License-Identifier: MIT */
/*
 * mutator.c - changes at operation borders: insert, delete, duplicate, swap ranges, repeat a run,
 * free everything, splice.
 *
 * An engine's own mutations, which know bytes only, come beside these: fuzz_main.c. Called by the
 * programs; of an input it knows what ops.c and the format say.
 */
#include "mutator.h"

#include <string.h>

struct rng {
	uint64_t s;
};

static uint32_t rnd(struct rng *r)
{
	uint64_t z = r->s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(z >> 32);
}

static uint32_t below(struct rng *r, uint32_t n)
{
	return n ? rnd(r) % n : 0;
}

/* Small numbers often, any number sometimes: handles and orders near 0 meet again. */
static uint16_t skewed(struct rng *r)
{
	uint32_t v = rnd(r);

	return (uint16_t)((v & 0x70000) ? (v & 0xffff) >> (v >> 20 & 15) : v);
}

static void random_op(struct rng *r, const struct fz_format *format, uint8_t *out)
{
	struct fz_op op;

	op.op = (uint8_t)fz_pick(format, rnd(r));
	op.flags = (uint8_t)skewed(r);
	if (!below(r, 4))
		op.flags = (uint8_t)rnd(r);
	op.a = below(r, 3) ? (uint16_t)rnd(r) : skewed(r);
	op.b = below(r, 3) ? (uint16_t)rnd(r) : skewed(r);
	op.h = skewed(r);
	fz_op_encode(&op, format, out);
}

static void random_header_byte(struct rng *r, uint8_t *h)
{
	unsigned int at = 3 + below(r, 12);

	if (at == 14 && h[2] != 2)
		at = 15;
	h[at] = (uint8_t)rnd(r);
	if (at == 15 && below(r, 8))
		h[15] = 0; /* configurations that are refused are soon learned */
}

struct input {
	uint8_t *h, *ops;
	size_t nr, max; /* operations */
};

static uint8_t *op_at(const struct input *in, size_t i)
{
	return in->ops + i * FZ_OP_BYTES;
}

/* Make room for @n operations at @at (cut at the maximum); returns how many. */
static size_t open_gap(struct input *in, size_t at, size_t n)
{
	if (n > in->max - in->nr)
		n = in->max - in->nr;
	memmove(op_at(in, at + n), op_at(in, at), (in->nr - at) * FZ_OP_BYTES);
	in->nr += n;
	return n;
}

static void remove_range(struct input *in, size_t at, size_t n)
{
	memmove(op_at(in, at), op_at(in, at + n), (in->nr - at - n) * FZ_OP_BYTES);
	in->nr -= n;
}

static void insert_random(struct rng *r, const struct fz_format *format, struct input *in)
{
	size_t at = below(r, (uint32_t)in->nr + 1), n = open_gap(in, at, 1 + below(r, 8));

	for (size_t i = 0; i < n; i++)
		random_op(r, format, op_at(in, at + i));
}

/* Copy a short run elsewhere, once or several times. */
static void repeat_run(struct rng *r, struct input *in, size_t times)
{
	uint8_t run[16 * FZ_OP_BYTES];
	size_t len = 1 + below(r, 16), from, at;

	if (len > in->nr)
		len = in->nr;
	from = below(r, (uint32_t)(in->nr - len + 1));
	memcpy(run, op_at(in, from), len * FZ_OP_BYTES);
	at = below(r, (uint32_t)in->nr + 1);
	for (; times && in->nr + len <= in->max; times--) {
		open_gap(in, at, len);
		memcpy(op_at(in, at), run, len * FZ_OP_BYTES);
	}
}

static void swap_ranges(struct rng *r, struct input *in)
{
	uint8_t tmp[16 * FZ_OP_BYTES];
	size_t len = 1 + below(r, 16), a, b;

	if (2 * len > in->nr)
		return;
	a = below(r, (uint32_t)(in->nr - 2 * len + 1));
	b = a + len + below(r, (uint32_t)(in->nr - 2 * len - a + 1));
	memcpy(tmp, op_at(in, a), len * FZ_OP_BYTES);
	memcpy(op_at(in, a), op_at(in, b), len * FZ_OP_BYTES);
	memcpy(op_at(in, b), tmp, len * FZ_OP_BYTES);
}

/* One field of one operation: another value, or a little more or less. */
static void change_field(struct rng *r, const struct fz_format *format, struct input *in)
{
	uint8_t *p = op_at(in, below(r, (uint32_t)in->nr));
	struct fz_op op;
	uint16_t *field;

	fz_op_decode(&op, format, p);
	field = (uint16_t *[]){&op.a, &op.b, &op.h}[below(r, 3)];
	switch (below(r, 6)) {
	case 0: op.flags = (uint8_t)rnd(r); break;
	case 1: op.op = (uint8_t)fz_pick(format, rnd(r)); break;
	case 2: *field = (uint16_t)(*field + below(r, 9) - 4); break;
	case 3: *field = skewed(r); break;
	default: *field = (uint16_t)rnd(r); break;
	}
	fz_op_encode(&op, format, p);
}

/* A run of frees of one kind: from the first handle, from the last, or anywhere. */
static void free_all(struct rng *r, const struct fz_format *format, struct input *in)
{
	struct fz_op op = {0};
	size_t at = below(r, (uint32_t)in->nr + 1), n = open_gap(in, at, 4 + below(r, 60));
	unsigned int way = below(r, 3);

	op.op = format->frees[format->nr_frees > 1 ? below(r, format->nr_frees) : 0];
	for (size_t i = 0; i < n; i++) {
		op.h = (uint16_t)(way == 0 ? i : way == 1 ? n - 1 - i : rnd(r));
		op.a = op.h;
		op.b = (uint16_t)rnd(r);
		fz_op_encode(&op, format, op_at(in, at + i));
	}
}

static void mutate_once(struct rng *r, const struct fz_format *format, struct input *in)
{
	size_t at, n;

	switch (in->nr ? below(r, 12) : 0) {
	case 0:
	case 1: insert_random(r, format, in); break;
	case 2:
		at = below(r, (uint32_t)in->nr);
		n = 1 + below(r, 8);
		remove_range(in, at, n < in->nr - at ? n : in->nr - at);
		break;
	case 3: repeat_run(r, in, 1); break;
	case 4: repeat_run(r, in, 2 + below(r, 14)); break;
	case 5: swap_ranges(r, in); break;
	case 6: free_all(r, format, in); break;
	case 7: random_header_byte(r, in->h); break;
	default: change_field(r, format, in); break;
	}
}

size_t fz_mutate(const struct fz_format *format, uint8_t *data, size_t size, size_t max,
		 uint32_t seed)
{
	struct rng r = {seed};
	struct input in = {data, data + FZ_HEADER, 0, 0};

	if (max > FZ_MAX_INPUT)
		max = FZ_MAX_INPUT;
	if (max < FZ_HEADER + FZ_OP_BYTES)
		return size;
	if (size < FZ_HEADER) {
		memset(data + size, 0, FZ_HEADER - size);
		size = FZ_HEADER;
	}
	in.max = (max - FZ_HEADER) / FZ_OP_BYTES;
	in.nr = (size - FZ_HEADER) / FZ_OP_BYTES;
	if (in.nr > in.max)
		in.nr = in.max;
	fz_put_magic(format, in.h);
	for (unsigned int n = 1 + below(&r, 4); n; n--)
		mutate_once(&r, format, &in);
	return FZ_HEADER + in.nr * FZ_OP_BYTES;
}

size_t fz_splice(const struct fz_format *format, const uint8_t *a, size_t a_size, const uint8_t *b,
		 size_t b_size, uint8_t *out, size_t max, uint32_t seed)
{
	struct rng r = {seed};
	size_t a_ops, b_ops, from, n = FZ_HEADER;

	if (a_size < FZ_HEADER || b_size < FZ_HEADER || max < FZ_HEADER)
		return 0;
	a_ops = below(&r, (uint32_t)((a_size - FZ_HEADER) / FZ_OP_BYTES) + 1);
	b_ops = (b_size - FZ_HEADER) / FZ_OP_BYTES;
	from = below(&r, (uint32_t)b_ops + 1);
	memcpy(out, below(&r, 2) ? a : b, FZ_HEADER);
	fz_put_magic(format, out);
	for (size_t i = 0; i < a_ops && n + FZ_OP_BYTES <= max; i++, n += FZ_OP_BYTES)
		memcpy(out + n, a + FZ_HEADER + i * FZ_OP_BYTES, FZ_OP_BYTES);
	for (size_t i = from; i < b_ops && n + FZ_OP_BYTES <= max; i++, n += FZ_OP_BYTES)
		memcpy(out + n, b + FZ_HEADER + i * FZ_OP_BYTES, FZ_OP_BYTES);
	return n;
}

size_t fz_generate(const struct fz_format *format, uint8_t *out, size_t max, unsigned int nr,
		   uint64_t seed)
{
	struct rng r = {seed};
	size_t n = FZ_HEADER;

	if (max < FZ_HEADER)
		return 0;
	for (size_t i = 0; i < FZ_HEADER; i++)
		out[i] = (uint8_t)rnd(&r);
	out[15] = below(&r, 64) ? 0 : out[15];
	out[2] = format->version;
	fz_put_magic(format, out);
	for (; nr && n + FZ_OP_BYTES <= max; nr--, n += FZ_OP_BYTES)
		random_op(&r, format, out + n);
	return n;
}
