/* SPDX-License-Identifier: MIT */
/*
 * ops.h - a fuzzing input as operations: decode, encode, say in words.
 *
 * Knows nothing of the library: what an operation does is in fuzz_*.c. What the bytes of the header
 * and the fields of an operation mean is a matter of each target, which brings its format (struct
 * fz_format). A file calls only those below it:
 *
 *   ops_page.c   ops_slab.c    ops_bootmem.c   ops_memblock.c     the formats
 *        ops_instance.c                                           what page and slab share
 *                       ops.c                                     any format; ops.def
 */
#ifndef QY_FUZZ_OPS_H
#define QY_FUZZ_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FZ_HEADER 16
#define FZ_OP_BYTES 8
#define FZ_MAX_OPS 4096
#define FZ_MAX_INPUT (FZ_HEADER + FZ_MAX_OPS * FZ_OP_BYTES)

#define FZ_NR_BLOCKS 256
#define FZ_NR_OBJS 1024
#define FZ_NR_CACHES 8

/* Whose operation it is, in ops.def. */
enum fz_which {
	FZ_T_PAGE = 1,
	FZ_T_SLAB = 2,
	FZ_T_BOTH = 3,
	FZ_T_BOOTMEM = 4,
	FZ_T_MEMBLOCK = 8,
	FZ_T_END = 16
};

/* What an operation gives back, for the printer. */
enum fz_result {
	FZ_R_NONE,
	FZ_R_INT,
	FZ_R_BLOCK,
	FZ_R_CACHE,
	FZ_R_PTR,
	FZ_R_SIZE,
	FZ_R_COUNT,
	FZ_R_ADDR, /* an address if y, else an error */
};

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
	/* bootmem */
	FZ_K_BM_ADDR,  /* an address in or around the nodes; rarely an absurd one */
	FZ_K_BM_GOAL,  /* ditto, often 0 */
	FZ_K_BM_SIZE,  /* bytes: small, pages, rarely absurd */
	FZ_K_BM_NID,   /* a node; any; rarely one that does not exist */
	FZ_K_BM_MARK,  /* ditto, and whether exclusively */
	FZ_K_BM_CALL,  /* ditto, and which of the calls */
	FZ_K_BM_ALIGN, /* alignment and limit */
	FZ_K_BM_MAP,   /* where a node's map is */
	/* page */
	FZ_K_REQUEST,	  /* what a request may do, and its node */
	FZ_K_PRIORITY,	  /* 0 … 12; rarely more */
	FZ_K_SHRINKER,	  /* which, and how it behaves */
	FZ_K_MARKS,	  /* figures that marks are computed from */
	FZ_K_PAGES,	  /* a number of pages: few; rarely absurd */
	FZ_K_CMA,	  /* how an area is asked for */
	FZ_K_ALIGN_ORDER, /* 0 … 4; rarely absurd */
};

enum fz_opcode {
#define FZ_OP(id, words, targets, result, f, a, b, h, weight) FZ_##id,
#include "ops.def"
	FZ_NR_OPS
};

#define FZ_MAX_NODES 4
#define FZ_MAX_HOLES 2

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

	/*
	 * Target page, from version 2 on; pages are counted from the arena's first. Limits and
	 * holes follow when the arena's size is known: fz_page_place().
	 */
	unsigned int nr_nodes;
	bool node_limits, distances, by_zone, cpu_nodes;
	uint32_t node_limit[FZ_MAX_NODES];
	uint8_t distance[FZ_MAX_NODES * FZ_MAX_NODES], cpu_node[4];
	uint32_t high_pages;   /* 0: there is no HIGHMEM */
	uint32_t normal_pages; /* the end of NORMAL, if there is */
	unsigned int nr_holes;
	uint32_t hole_back[FZ_MAX_HOLES]; /* each begins so far before the end */
	uint32_t hole_len[FZ_MAX_HOLES];
	uint32_t hole[FZ_MAX_HOLES][2]; /* [start, end) */
	bool pcp;
	unsigned int pcp_batch, pcp_high;
	bool grouping;
	unsigned int block_order;  /* of page blocks; 0: 9 */
	unsigned int page_debug;   /* QY_PAGE_* */
	unsigned int guard_wanted; /* guardpage_minorder, when the pages are known */
	unsigned int guard_order;
	bool hook, migrate; /* there is a hook for reclaim; for migration */
	bool bootmem;
	unsigned int marks; /* FZ_K_MARKS */
	unsigned int marks_more;
	bool marks_late; /* set when the instance is there */
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

#define FZ_BM_NODES 4	  /* at the start */
#define FZ_BM_MAX_LEN 190 /* pages of a node */
#define FZ_BM_OUTSIDE UINT64_MAX

/* The nodes that an input for bootmem asks for, from the same bytes. */
struct fz_bm_geometry {
	unsigned int shift, nr;
	struct {
		int nid;
		uint64_t min, end;
		uint64_t map_pfn; /* FZ_BM_OUTSIDE: the map is elsewhere */
	} node[FZ_BM_NODES];
	uint64_t first, last; /* pages around which addresses lie */
	enum { FZ_BM_BASE, FZ_BM_CALLBACK, FZ_BM_UNTOUCHED } zero;
	bool log;
	bool all_free; /* at the start */
};

#define FZ_MB_CELLS 127

/* The line of addresses that an input for memblock asks for, from the same bytes. */
struct fz_mb_geometry {
	bool bytes;	   /* cells are bytes, else pages */
	bool resize, hook; /* arrays grow; and are taken from outside */
	bool bottom_up;
	unsigned int nr;    /* cells */
	unsigned int nodes; /* that all of it belongs to at the start; 0: there is no memory */
	uint32_t max;	    /* regions of an array at the start */
	uint64_t lowest, unit;
};

struct fz_format;

struct fz_input {
	const struct fz_format *format;
	/* Of these the format fills in its own: */
	struct fz_geometry geo;
	struct fz_bm_geometry bm;
	struct fz_mb_geometry mb;
	unsigned int nr;
	struct fz_op ops[FZ_MAX_OPS];
};

/* A line of words that grows; @len is what it would be if there were room enough. */
struct fz_text {
	char *buf;
	size_t size, len;
};

/* What the bytes of an input mean to a target. */
struct fz_format {
	const char *name;    /* the target's */
	enum fz_which which; /* its operations */
	uint8_t letter;	     /* behind the Q */
	uint8_t version;     /* the newest of its header */
	/* What the mutator fills a run of frees with: one kind of these. */
	const uint8_t *frees;
	unsigned int nr_frees;
	void (*decode_header)(struct fz_input *in, const uint8_t header[FZ_HEADER]);
	void (*say_header)(struct fz_text *t, const struct fz_input *in);
	/* An operation's fields: one by one, or as they belong together. NULL: nothing to say. */
	void (*say_field)(struct fz_text *t, enum fz_kind kind, unsigned int raw,
			  const struct fz_input *in);
	void (*say_op)(struct fz_text *t, const struct fz_op *op, const struct fz_input *in);
};

/* ---- ops.c ---- */

/* Any bytes at all are an input; what is short is filled with zeros, what is too long is cut. */
void fz_decode(struct fz_input *in, const struct fz_format *format, const uint8_t *data,
	       size_t size);
/* The other way. Returns bytes written (at most @size; whole operations only). */
size_t fz_encode(uint8_t *data, size_t size, const struct fz_format *format,
		 const uint8_t header[FZ_HEADER], const struct fz_op *ops, unsigned int nr);
/* Whose header it is, and a version that exists. */
void fz_put_magic(const struct fz_format *format, uint8_t header[FZ_HEADER]);

void fz_op_decode(struct fz_op *op, const struct fz_format *format, const uint8_t *data);
void fz_op_encode(const struct fz_op *op, const struct fz_format *format, uint8_t *data);
/* An operation by weight; @r is a random number. */
enum fz_opcode fz_pick(const struct fz_format *format, uint32_t r);

/* In words; the length as snprintf. */
int fz_print_geometry(char *buf, size_t size, const struct fz_input *in);
int fz_print_op(char *buf, size_t size, const struct fz_input *in, unsigned int step,
		const struct fz_log *log);
/* Some more words. */
__attribute__((format(printf, 2, 3))) void fz_say(struct fz_text *t, const char *fmt, ...);

/* ---- ops_instance.c ---- */

/* The part of the header that page and slab share, and the debug string. */
void fz_instance_decode_header(struct fz_geometry *geo, const uint8_t header[FZ_HEADER]);
void fz_instance_decode_debug(struct fz_geometry *geo, const uint8_t header[FZ_HEADER]);
/* @more: what the target has to say besides; or NULL. */
void fz_instance_say_header(struct fz_text *t, const struct fz_input *in,
			    void (*more)(struct fz_text *t, const struct fz_geometry *geo));
void fz_instance_say_field(struct fz_text *t, enum fz_kind kind, unsigned int raw,
			   const struct fz_input *in);
/* The meaning of a field. */
uint64_t fz_value(enum fz_kind kind, unsigned int raw, const struct fz_geometry *geo);

/* ---- ops_slab.c ---- */

extern const struct fz_format fz_slab_format;

/* ---- ops_page.c ---- */

struct qy_watermark_config;

extern const struct fz_format fz_page_format;

/* The arena has so many pages, books included. */
void fz_page_place(struct fz_geometry *geo, uint32_t pages);
/* A request's flags from both fields; the node it names, or -1: the caller's own. */
unsigned int fz_page_gfp(unsigned int flags, unsigned int request);
int fz_page_node(unsigned int request, const struct fz_geometry *geo);
/* Marks and reserves that two fields ask for; now and then figures that are refused. */
void fz_page_marks(unsigned int flags, unsigned int more, struct qy_watermark_config *config);

/* ---- ops_bootmem.c ---- */

extern const struct fz_format fz_bootmem_format;

uint64_t fz_bm_value(enum fz_kind kind, unsigned int raw, const struct fz_bm_geometry *geo);
/* The second half of FZ_K_BM_ALIGN. */
uint64_t fz_bm_limit(unsigned int raw, const struct fz_bm_geometry *geo);
/* Of MARK and CALL: which node, or -1; which way. */
int fz_bm_nid(unsigned int raw, const struct fz_bm_geometry *geo);
unsigned int fz_bm_flags(unsigned int raw);
unsigned int fz_bm_call(unsigned int raw);

/* ---- ops_memblock.c ---- */

extern const struct fz_format fz_memblock_format;

struct fz_mb_range {
	int from, to; /* cells */
	uint64_t base, size;
	bool absurd; /* as much as there can be */
};

struct fz_mb_request {
	unsigned int call;
	int nid;
	bool exact;
	uint32_t flags;
	uint64_t size, align, start, end;
};

int fz_mb_index(unsigned int raw, const struct fz_mb_geometry *geo);
struct fz_mb_range fz_mb_range(unsigned int a, unsigned int b, const struct fz_mb_geometry *geo);
int fz_mb_nid(unsigned int raw);
uint32_t fz_mb_flags(unsigned int raw, bool reserved);
struct fz_mb_request fz_mb_request(const struct fz_op *op, const struct fz_mb_geometry *geo);
uint64_t fz_mb_align(unsigned int raw, const struct fz_mb_geometry *geo);

#endif
