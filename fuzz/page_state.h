/* SPDX-License-Identifier: MIT */
/*
 * page_state.h - target "page": what the program holds, and what it will be asked for.
 *
 * A step is played twice: the model first (page_model.h), which also plays the program's shrinkers
 * and its hook and writes down what they are asked and what they do (struct fzp_event); then the
 * library, whose calls to the real ones must be those, one by one.
 *
 * The target in floors; a file calls only those below it:
 *
 *   fuzz_page.c           the target: which operation, comparison after each
 *   page_start.c          how an instance begins
 *   fuzz_page_*.c         operations: alloc blocks, reclaim, marks and lists of zones, runs of
 *                         pages, frag small pieces, text, anon another instance
 *   page_script.c         what the program does when the library calls it
 *   page_state.c          what the program holds
 *   page_model_*.c        the model, and harness.c
 */
#ifndef QY_FUZZ_PAGE_STATE_H
#define QY_FUZZ_PAGE_STATE_H

#include "harness.h"
#include "page_model.h"

#define FZP_GHOSTS 16
#define FZP_SHRINKERS 3
#define FZP_EVENTS (1u << 18)

struct fzp_block {
	uint32_t pfn, seed;
};

/* A small piece of a block, as qy_page_frag_alloc() cuts them. */
struct fzp_piece {
	char *p; /* NULL: none */
	uint32_t head, size, seed;
};

struct fzp_frag {
	struct qy_page_frag_cache cache;
	uint32_t head, offset, size; /* head FZ_NONE: there is no block */
};

/* How a shrinker's scan() goes about what it is asked for. */
enum fzp_mode {
	FZP_NORMAL,
	FZP_HALF,    /* tries half */
	FZP_NOTHING, /* frees nothing */
	FZP_GIVES_UP,
	FZP_LEAVES, /* unregisters itself */
	FZP_TAKES,  /* allocates a page meanwhile */
	FZP_TRIES_NOTHING,
	FZP_BOASTS, /* says that it freed more than there is */
};

/* A shrinker of the program's: every third block, as so many objects each. */
struct fzp_shrinker {
	struct qy_shrinker s;
	bool registered, by_node;
	enum fzp_mode mode;
	unsigned int seeks, scale;
	size_t batch;
	uint64_t deferred[FZ_MAX_NODES];
};

enum fzp_kind {
	FZP_COUNT, /* a shrinker is asked how much it has */
	FZP_SCAN,  /* and is to free some: until RETURN */
	FZP_FREE,
	FZP_TAKE,  /* takes a page and gives it back */
	FZP_LEAVE, /* unregisters itself */
	FZP_RETURN,
	FZP_HOOK,
	FZP_MOVE, /* a block is to be moved */
};

struct fzp_event {
	enum fzp_kind kind;
	unsigned int who, gfp, node, order; /* node: COUNT, SCAN; order: HOOK, FREE */
	uint32_t pfn, to;
	uint64_t n, scanned, ret;
};

#define FZP_PIECES 32
#define FZP_FRAGS 2

struct fzp_state {
	struct pm_model m;
	struct fzp_block block[FZ_NR_BLOCKS];
	uint64_t live[FZ_NR_BLOCKS / 64];
	struct {
		uint32_t pfn, order;
	} ghost[FZP_GHOSTS];
	unsigned int nr_ghosts;
	uint32_t seed, next_look, next_zone;
	struct fzp_shrinker shrinker[FZP_SHRINKERS];
	uint8_t order[FZP_SHRINKERS]; /* registered, newest first */
	unsigned int nr_registered, next_victim, hook_left;
	bool moved;		       /* in this step, by the model: contents are elsewhere yet */
	uint32_t stale_pfn, stale_off; /* a byte of a free page that was written: FZ_NONE: none */
	bool stale_single;
	unsigned int stale_reports; /* that this step must bring */
	struct pm_area area[PM_AREAS];
	struct qy_cma *cma[PM_AREAS];
	unsigned int nr_areas;
	struct fzp_frag frag[FZP_FRAGS];
	struct fzp_piece piece[FZP_PIECES];
	uint32_t pieces[FZ_MAX_PFN]; /* out, of the block with this head */
	bool held[FZ_MAX_PFN];	     /* by its cache */
};

extern struct fzp_state fzp;

static inline char *fzp_addr(uint32_t pfn)
{
	return fz.base + ((size_t)pfn << FZ_PAGE_SHIFT);
}

static inline struct qy_page *fzp_page(uint32_t pfn)
{
	return qy_page_of(fz.mm, fzp_addr(pfn));
}

static inline bool fzp_is_live(unsigned int h)
{
	return fzp.live[h / 64] >> (h % 64) & 1;
}

static inline struct pm_page *fzp_head(int h)
{
	return &fzp.m.page[fzp.block[h].pfn];
}

/* ---- page_state.c ---- */

/* The handle at @from or the next one that is live, or that is not; -1: none. */
int fzp_find(unsigned int from, bool live);
unsigned int fzp_free_handles(void);
void fzp_stamp(int h);
void fzp_check(int h);
/* struct pm_program: a byte of these pages may have been written while they were free. */
void fzp_handed_out(uint32_t pfn, unsigned int order);
/* Reports of failures and of stale writes that the model foresaw in this step. */
void fzp_expect_reports(void);
/* The model gave @pfn, the library @page. */
void fzp_same_block(uint32_t pfn, const struct qy_page *page, unsigned int order);
/* A block of the program's from now on; @gfp says what must be in it. */
#define FZP_NOT_FRESH 0xffffffffu
void fzp_own(int h, uint32_t pfn, unsigned int gfp);
/* What the model does in place of the library; the block's handle is forgotten. */
void fzp_model_free(int h);
/* The model gives it back: one reference, or the block. */
void fzp_play_free(int h);
/* struct pm_program: as fzp_play_free(), also of a block without a handle. */
void fzp_frees(uint32_t pfn);
/* The library's own block would be freed: the program's fault, and not seen. */
bool fzp_is_own(uint32_t pfn);

/* ---- page_script.c ---- */

/* What the model calls; it writes the script. */
extern const struct pm_program fzp_program;
size_t fzp_shrink(unsigned int gfp, unsigned int node, unsigned int nodes, unsigned int priority);
/* It is on no list any more; what it owes is kept. */
void fzp_unlist(unsigned int who);
/* What the library calls; they follow the script. */
size_t fzp_count(struct qy_shrinker *s, struct qy_shrink_control *sc);
size_t fzp_scan(struct qy_shrinker *s, struct qy_shrink_control *sc);
bool fzp_hook(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order, void *ctx);
int fzp_move(struct qy_mm *mm, struct qy_page *from, struct qy_page *to, unsigned int order,
	     void *ctx);
/* Nothing is foreseen yet; and at the step's end: all that was foreseen has happened. */
void fzp_script_begin(void);
void fzp_script_end(void);
/* What @what gave; all that was foreseen has happened. */
void fzp_same_size(struct fz_log *log, const char *what, size_t got, size_t want);

/* ---- page_start.c ---- */

void fzp_configure(struct qy_mm_config *cfg);
void fzp_spoil(struct qy_mm_config *cfg, unsigned int way);
void fzp_begin(void);

/* ---- fuzz_page_*.c: the operations; false: not one of these ---- */

bool fzp_step_alloc(const struct fz_op *op, struct fz_log *log);
bool fzp_step_reclaim(const struct fz_op *op, struct fz_log *log);
bool fzp_step_marks(const struct fz_op *op, struct fz_log *log);
bool fzp_step_runs(const struct fz_op *op, struct fz_log *log);
bool fzp_step_frag(const struct fz_op *op, struct fz_log *log);
void fzp_text(const struct fz_op *op, struct fz_log *log);
void fzp_anon(const struct fz_op *op, struct fz_log *log);

/* fuzz_page_frag.c: every piece that is out holds what was written. */
void fzp_check_pieces(void);
/* fuzz_page_marks.c: the library's lists of zones are the model's. */
void fzp_check_zonelists(void);

#endif
