/* SPDX-License-Identifier: MIT */
/*
 * fuzz_kmalloc.c - target "slab": memory by size. The model knows the class of each request, what
 * may be used of it, its alignment, and when it must be refused.
 *
 * Called by fuzz_slab.c; stands on slab_model.c. Compared: place, usable size, alignment and
 * contents of what came with what model.c says of the request.
 */
#include <string.h>

#include "slab_state.h"

#define st fz_slab

#define MAX_CLASS (2u * FZ_PAGE_SIZE)

static size_t largest_block(void)
{
	return (size_t)FZ_PAGE_SIZE << fz.in.geo.max_order;
}

static unsigned int order_for(size_t bytes)
{
	unsigned int order = 0;

	while (((size_t)FZ_PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

static uint32_t class_align(uint32_t class)
{
	uint32_t align = class & (0u - class);

	/* In the fine set no class is aligned to more than a page. */
	return fz.in.geo.fine_classes && align > FZ_PAGE_SIZE ? FZ_PAGE_SIZE : align;
}

/* The smallest class that holds @size and is aligned to @align; 0: none. */
static uint32_t class_for(size_t size, size_t align, uint32_t *promise)
{
	bool fine = fz.in.geo.fine_classes;
	uint32_t class;

	if (!size || size > MAX_CLASS)
		return 0;
	class = fz_class_size(fine, size);
	*promise = fine ? 16 : class_align(class);
	if (*promise >= align)
		return class;
	if (fine) {
		for (class = 32; class < size || class_align(class) < align; class *= 2) {
			if (class >= MAX_CLASS)
				return 0;
		}
	} else {
		while (class <= MAX_CLASS && class_align(class) < align)
			class = fz_class_size(false, class + 1);
		if (!class)
			return 0;
	}
	*promise = class_align(class);
	return class;
}

static void large_place(struct fz_place *pl, size_t size, size_t align)
{
	bool debug = st.large_flags & FZ_DEBUG_FLAGS;
	size_t zone = fz.in.geo.red_zone > 64 ? fz.in.geo.red_zone : 64, total = size;
	unsigned int least;

	pl->large = true;
	pl->align = (uint32_t)(align < 16 ? 16 : align);
	if (size > largest_block() || align > largest_block()) {
		pl->impossible = true;
		return;
	}
	if (!fz.in.geo.fine_classes && !(size & (size - 1)) && size > pl->align)
		pl->align = (uint32_t)size;
	if (debug)
		total += zone + (zone + pl->align - 1) / pl->align * pl->align;
	pl->order = order_for(total);
	least = order_for(pl->align);
	pl->order = pl->order < least ? least : pl->order;
	if (debug && pl->order < 2)
		pl->order = 2;
	pl->impossible = pl->order > fz.in.geo.max_order;
	pl->cap = debug ? size : (size_t)FZ_PAGE_SIZE << pl->order;
}

struct fz_place fz_place_of(size_t size, size_t align)
{
	struct fz_place pl = {0};
	struct fz_layout l;

	pl.class = class_for(size, align, &pl.align);
	if (pl.class && pl.class <= largest_block() / 2) {
		uint32_t class_promise =
			fz.in.geo.fine_classes && pl.align == 16 ? 16 : class_align(pl.class);

		fz_layout(&l, pl.class, class_promise < 8 ? 8 : class_promise, st.kflags, false,
			  fz.in.geo.red_zone);
		pl.slot = l.slot;
		pl.order = order_for(l.slot);
		pl.cap = l.tracked					     ? size
			 : (st.kflags & (QY_SLAB_RED_ZONE | QY_SLAB_POISON)) ? pl.class
									     : l.slot;
		if (pl.order <= fz.in.geo.max_order)
			return pl;
	}
	pl.class = 0;
	large_place(&pl, size, align);
	return pl;
}

/* NULL came for a request with place @pl. */
static void must_lack(const struct fz_place *pl)
{
	/* Records of a slab take a block of their own: never more than four such blocks. */
	bool records = !pl->large && (st.kflags & QY_SLAB_RED_ZONE) && fz.in.geo.red_zone > 8;

	if (!pl->impossible)
		fz_must_lack_block(pl->order + (records ? 2 : 0));
}

static void check_capacity(const void *p, const struct fz_place *pl, size_t size)
{
	size_t cap = qy_ksize(fz.mm, p);

	if (cap != pl->cap)
		fz_fail("S8", "ksize of a request of %zu is %zu, expected %zu", size, cap, pl->cap);
}

/* What came for a request; the object is the model's from now on. */
static void take(int h, void *p, size_t size, size_t align, bool zero, struct fz_log *log)
{
	struct fz_place pl;

	log->ran = true;
	log->h = (int16_t)h;
	log->ret = fz_log_ptr(p);
	if (!size) {
		if (p != QY_ZERO_SIZE_PTR)
			fz_fail("S8", "a request of 0 bytes gave %p", p);
		log->ret = FZ_LOG_ZERO_SIZE;
		fz_object_born(h, p, 0, 0, FZ_BY_SIZE, false);
		return;
	}
	pl = fz_place_of(size, align);
	if (!p) {
		must_lack(&pl);
		return;
	}
	if (pl.impossible)
		fz_fail("S8", "%zu bytes aligned to %zu are impossible, but came", size, align);
	fz_check_aligned(p, pl.align);
	check_capacity(p, &pl, size);
	fz_object_born(h, p, size, pl.cap, FZ_BY_SIZE, pl.large);
	fz_object_fill(h, zero);
}

static void do_kmalloc(const struct fz_op *op, struct fz_log *log)
{
	size_t size = fz_value(FZ_K_SIZE, op->a, &fz.in.geo);
	int h = fz_find_new_object(op->h);
	void *p;

	if (h < 0)
		return;
	if (op->flags & 1)
		p = op->flags & 2 ? qy_kzalloc(fz.mm, size, QY_GFP_NOWARN)
				  : qy_kmalloc(fz.mm, size, QY_GFP_ZERO | QY_GFP_NOWARN);
	else
		p = qy_kmalloc(fz.mm, size, QY_GFP_NOWARN);
	take(h, p, size, 0, op->flags & 1, log);
}

static void do_array(const struct fz_op *op, struct fz_log *log)
{
	size_t n = fz_value(FZ_K_COUNT, op->a, &fz.in.geo),
	       size = fz_value(FZ_K_SIZE, op->b, &fz.in.geo);
	size_t bytes;
	int h = fz_find_new_object(op->h);
	void *p;

	if (h < 0)
		return;
	p = op->flags & 1 ? qy_kcalloc(fz.mm, n, size, QY_GFP_NOWARN)
			  : qy_kmalloc_array(fz.mm, n, size, QY_GFP_NOWARN);
	if (__builtin_mul_overflow(n, size, &bytes)) {
		log->ran = true;
		log->ret = fz_log_ptr(p);
		if (p)
			fz_fail("S8", "%zu times %zu bytes overflow, but memory came", n, size);
		return;
	}
	take(h, p, bytes, 0, op->flags & 1, log);
}

static void do_aligned(const struct fz_op *op, struct fz_log *log)
{
	size_t size = fz_value(FZ_K_SIZE, op->a, &fz.in.geo),
	       align = fz_value(FZ_K_ALIGN, op->b, &fz.in.geo);
	int h = fz_find_new_object(op->h);
	void *p;

	if (h < 0)
		return;
	p = qy_kmalloc_aligned(fz.mm, size, align, QY_GFP_NOWARN);
	if (!align || (align & (align - 1))) {
		log->ran = true;
		log->ret = fz_log_ptr(p);
		if (p)
			fz_fail("S8", "alignment %zu was accepted", align);
		return;
	}
	take(h, p, size, align, false, log);
}

static void do_kfree(const struct fz_op *op, struct fz_log *log)
{
	int h = fz_find_object(op->h, FZ_K_OBJ);

	if (h < 0)
		return;
	fz_object_log(h, log);
	fz_object_prepare_free(h);
	qy_kfree(fz.mm, st.obj[h].p);
	fz_object_gone(h);
}

/*
 * Where it was, and what it held, against where it is now. @old: a copy of the model's object
 * before.
 */
static void check_resized(const struct fz_object *old, char *q, size_t size, bool zero,
			  bool tracked)
{
	size_t keep = old->size < size ? old->size : size;
	size_t zeroed = tracked ? old->size : old->cap;
	ptrdiff_t bad;

	if (q != old->p && q < old->p + old->cap && old->p < q + size)
		fz_fail("S7", "krealloc moved to a place that overlaps the old one");
	bad = fz_pattern_check(q, keep, old->cap, old->seed);
	if (bad >= 0)
		fz_fail("model", "krealloc from %zu to %zu: byte %td was lost", old->size, size,
			bad);
	if (!zero || zeroed >= size)
		return;
	bad = fz_zero_check(q + zeroed, size - zeroed);
	if (bad >= 0)
		fz_fail("model", "krealloc with ZERO from %zu to %zu: byte %zu is not 0", old->size,
			size, zeroed + (size_t)bad);
}

/* In place or not, the usable size must be one that fits. */
static void reborn(int h, char *q, size_t size, const struct fz_object *old)
{
	struct fz_place pl = fz_place_of(size, 0);
	size_t cap = qy_ksize(fz.mm, q);
	bool large = q == old->p ? old->large : pl.large;

	if (q == old->p) {
		uint32_t flags = large ? st.large_flags : st.kflags;
		bool tracked = flags & QY_SLAB_STORE_USER || (large && (flags & FZ_DEBUG_FLAGS));

		if (cap != (tracked ? size : old->cap))
			fz_fail("S8", "ksize is %zu after krealloc to %zu in place", cap, size);
	} else if (cap != pl.cap) {
		fz_fail("S8", "ksize is %zu after krealloc to %zu, expected %zu", cap, size,
			pl.cap);
	}
	if (q != old->p)
		fz_check_aligned(q, pl.align);
	fz_object_born(h, q, size, cap, FZ_BY_SIZE, large);
	fz_pattern_write(q, cap, st.obj[h].seed);
}

static void do_krealloc(const struct fz_op *op, struct fz_log *log)
{
	size_t size = fz_value(FZ_K_SIZE, op->a, &fz.in.geo);
	int h = fz_find_object(op->h, FZ_K_KOBJ);
	bool zero = op->flags & 1, tracked;
	struct fz_object old;
	struct fz_place pl;
	char *q;

	if (h < 0)
		return;
	fz_settle_all();
	fz_object_check(h);
	fz_object_log(h, log);
	old = st.obj[h];
	tracked = fz_flags_of(&old) & (old.large ? FZ_DEBUG_FLAGS : QY_SLAB_STORE_USER);
	q = qy_krealloc(fz.mm, old.p, size, (zero ? QY_GFP_ZERO : 0) | QY_GFP_NOWARN);
	log->ret = fz_log_ptr(q);
	if (size && !q) {
		pl = fz_place_of(size, 0);
		must_lack(&pl);
		fz_object_check(h);
		return;
	}
	fz_object_gone(h);
	if (!size) {
		if (q != QY_ZERO_SIZE_PTR)
			fz_fail("S8", "krealloc to 0 gave %p", (void *)q);
		log->ret = FZ_LOG_ZERO_SIZE;
		return;
	}
	if (q == old.p)
		st.nr_ghosts--; /* it lives on */
	if (!old.size) {
		take(h, q, size, 0, zero, log);
		return;
	}
	check_resized(&old, q, size, zero, tracked);
	reborn(h, q, size, &old);
}

static void do_ksize(const struct fz_op *op, struct fz_log *log)
{
	int h = fz_find_object(op->h, FZ_K_OBJ);

	if (h < 0)
		return;
	fz_object_log(h, log);
	log->ret = (int64_t)qy_ksize(fz.mm, st.obj[h].p);
	if (st.obj[h].cache == FZ_BY_SIZE && (size_t)log->ret != st.obj[h].cap)
		fz_fail("S8", "ksize gave %lld, expected %zu", (long long)log->ret, st.obj[h].cap);
	if ((size_t)log->ret < st.obj[h].size)
		fz_fail("S8", "ksize gave %lld of %zu", (long long)log->ret, st.obj[h].size);
	if (qy_ksize(fz.mm, NULL) || qy_ksize(fz.mm, QY_ZERO_SIZE_PTR))
		fz_fail("S8", "ksize of nothing is not 0");
}

static void do_roundup(const struct fz_op *op, struct fz_log *log)
{
	size_t size = fz_value(FZ_K_SIZE, op->a, &fz.in.geo), want = size, got;

	if (size && size <= largest_block()) {
		struct fz_place pl = fz_place_of(size, 0);

		want = pl.large ? (size_t)FZ_PAGE_SIZE << order_for(size) : pl.class;
	}
	got = qy_kmalloc_size_roundup(fz.mm, size);
	log->ran = true;
	log->ret = (int64_t)got;
	if (got != want)
		fz_fail("S8", "roundup of %zu gave %zu, expected %zu", size, got, want);
}

bool fz_kmalloc_step(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_KMALLOC: do_kmalloc(op, log); return true;
	case FZ_KFREE: do_kfree(op, log); return true;
	case FZ_KCALLOC: do_array(op, log); return true;
	case FZ_KMALLOC_ALIGNED: do_aligned(op, log); return true;
	case FZ_KREALLOC: do_krealloc(op, log); return true;
	case FZ_KSIZE: do_ksize(op, log); return true;
	case FZ_KROUNDUP: do_roundup(op, log); return true;
	default: return false;
	}
}
