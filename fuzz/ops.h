/* SPDX-License-Identifier: MIT */
/*
 * ops.h - a fuzzing input as operations: decode, encode, say in words.
 *
 * Knows nothing of the library: what an operation does is in fuzz_page.c and fuzz_slab.c.
 */
#ifndef QY_FUZZ_OPS_H
#define QY_FUZZ_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FZ_VERSION 1
#define FZ_HEADER 16
#define FZ_OP_BYTES 8
#define FZ_MAX_OPS 4096
#define FZ_MAX_INPUT (FZ_HEADER + FZ_MAX_OPS * FZ_OP_BYTES)

#define FZ_NR_BLOCKS 256
#define FZ_NR_OBJS 1024
#define FZ_NR_CACHES 8

enum fz_which { FZ_T_PAGE = 1, FZ_T_SLAB = 2, FZ_T_BOTH = 3 };

/* What an operation gives back, for the printer. */
enum fz_result { FZ_R_NONE, FZ_R_INT, FZ_R_BLOCK, FZ_R_CACHE, FZ_R_PTR, FZ_R_SIZE, FZ_R_COUNT };

/* What a field of an operation means. */
enum fz_kind {
	FZ_K_NONE,
	FZ_K_GFP,     /* zone, ZERO and COMP of a page request */
	FZ_K_ORDER,   /* 0 … max order; rarely something absurd */
	FZ_K_PFN,     /* a page frame, a few outside the span too */
	FZ_K_OFFSET,  /* bytes or pages into something, cut to fit where it is used */
	FZ_K_VARIANT, /* which of several ways */
	FZ_K_CPU,     /* a CPU; rarely one that does not exist */
	FZ_K_SIZE,    /* bytes: small, at class borders, pages, absurd */
	FZ_K_ALIGN,   /* power of two; rarely not */
	FZ_K_COUNT,   /* 0 … 71; rarely absurd */
	FZ_K_LEN,     /* 1 … 8 */
	FZ_K_BYTE,
	FZ_K_ZERO,   /* bool */
	FZ_K_CFLAGS, /* cache flags and constructor */
	FZ_K_CACHE,  /* a cache that exists */
	FZ_K_BLOCK,  /* handles, looked for from the number given onwards */
	FZ_K_NEW_BLOCK,
	FZ_K_NEW_CACHE,
	FZ_K_COBJ, /* live object of a cache */
	FZ_K_KOBJ, /* live kmalloc object */
	FZ_K_OBJ,  /* either */
	FZ_K_NEW_OBJ,
	FZ_K_GHOST, /* something freed not long ago */
};

enum fz_opcode {
#define FZ_OP(id, words, targets, result, f, a, b, h, weight) FZ_##id,
#include "ops.def"
	FZ_NR_OPS
};

/* The instance that an input asks for. */
struct fz_geometry {
	uint8_t version;
	unsigned int pages; /* besides the books: 16 … 256 */
	unsigned int
		start_page; /* where the arena begins, pages past an aligned address: 0 … 255 */
	unsigned int skew;  /* bytes by which both ends are off a page border */
	unsigned int max_order;		 /* 0 … 10 */
	uint32_t dma_pages, dma32_pages; /* from the arena's start; 0: none */
	unsigned int zone_skew;		 /* bytes added to the limits */
	unsigned int nr_cpus;
	bool fine_classes;
	bool fresh; /* a second instance after the free set is learned */
	char debug[96];
	bool quarantine;
	uint32_t debug_flags;	  /* QY_SLAB_* of the debug string, for the caches it names */
	unsigned int debug_scope; /* 0: none, 1: all, 2: kmalloc-*, 3: caches named c… */
	unsigned int red_zone;
	uint8_t fill; /* what the arena held before */
	uint8_t seed;
	unsigned int bad; /* 1…: a configuration that must be refused */
};

struct fz_op {
	uint8_t op; /* enum fz_opcode */
	uint8_t flags;
	uint16_t a, b, h;
};

/* What happened when it ran, as numbers: said in words only when somebody reads it. */
struct fz_log {
	bool ran;
	int16_t h;     /* the handle it was about, or -1 */
	uint32_t x, y; /* pfn and order, or size */
	int64_t ret;   /* result; pointers as offset from page frame 0, or one of these: */
#define FZ_LOG_NULL INT64_MIN
#define FZ_LOG_ZERO_SIZE (INT64_MIN + 1) /* ZERO_SIZE_PTR */
};

struct fz_input {
	enum fz_which which;
	struct fz_geometry geo;
	unsigned int nr;
	struct fz_op ops[FZ_MAX_OPS];
};

/* Any bytes at all are an input; what is short is filled with zeros, what is too long is cut. */
void fz_decode(struct fz_input *in, enum fz_which which, const uint8_t *data, size_t size);
/* The other way. Returns bytes written (at most @size; whole operations only). */
size_t fz_encode(uint8_t *data, size_t size, enum fz_which which, const uint8_t header[FZ_HEADER],
		 const struct fz_op *ops, unsigned int nr);
/* Which target the header names; 0: neither. */
enum fz_which fz_guess(const uint8_t *data, size_t size);

void fz_op_decode(struct fz_op *op, enum fz_which which, const uint8_t *data);
void fz_op_encode(const struct fz_op *op, enum fz_which which, uint8_t *data);

/* The meaning of a field. */
uint64_t fz_value(enum fz_kind kind, unsigned int raw, const struct fz_geometry *geo);
enum fz_kind fz_kind_of(enum fz_opcode op, char field); /* 'f', 'a', 'b', 'h' */
const char *fz_op_name(enum fz_opcode op);
enum fz_which fz_op_targets(enum fz_opcode op);

unsigned int fz_nr_ops(enum fz_which which);
/* An operation by weight; @r is a random number. */
enum fz_opcode fz_pick(enum fz_which which, uint32_t r);

/* In words; the length as snprintf. */
int fz_print_geometry(char *buf, size_t size, const struct fz_input *in);
int fz_print_op(char *buf, size_t size, const struct fz_input *in, unsigned int step,
		const struct fz_log *log);

#endif
