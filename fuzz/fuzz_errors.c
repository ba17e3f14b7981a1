/* SPDX-License-Identifier: MIT */
/*
 * fuzz_errors.c - target "slab": the errors of a user, and the report that each must bring: kind,
 * object and offset.
 *
 * Only where the contract promises detection: objects of debug caches, and pointers that are
 * nobody's. What a stale pointer points to now is asked of qy_ksize(), which has to report it too.
 *
 * Called by fuzz_slab.c; stands on slab_model.c and on fuzz_kmalloc.c, for the size that a
 * block must have. Compared: the report that came with the one that the damage calls for.
 */
#include <errno.h>
#include <string.h>

#include "slab_state.h"

#define st fz_slab

/* ---- pointers that must not be given back ---- */

/* The report about @p: as itself, or as an offset of the object that it points into. */
static struct fz_seen *find_pointer_report(enum qy_report_kind kind, const void *p)
{
	for (unsigned int i = 0; i < fz.nr_seen; i++) {
		struct fz_seen *s = &fz.seen[i];

		if (s->taken || s->kind != kind ||
		    (s->object != p &&
		     (const char *)s->object + s->damage_offset != (const char *)p))
			continue;
		s->taken = true;
		return s;
	}
	return NULL;
}

static struct fz_seen *expect_pointer_report(enum qy_report_kind kind, const void *p)
{
	struct fz_seen *s = find_pointer_report(kind, p);

	return s ? s : fz_expect(kind, p);
}

enum pointer_state { P_UNKNOWN, P_FREED, P_NOTHING };

/*
 * Nothing that could have given its slab back has happened since. Pages that the library takes for
 * itself while it frees (quarantine, stacks) may hide that.
 */
static bool just_freed(const struct fz_ghost *g)
{
	return g->epoch == st.epoch && !fz.in.geo.quarantine && !st.tracks;
}

/* What does the library think @g is? BAD_REALLOC must come for whatever is dead. */
static enum pointer_state probe(const struct fz_ghost *g)
{
	size_t cap = qy_ksize(fz.mm, g->p);
	const struct fz_seen *s = find_pointer_report(QY_REPORT_BAD_REALLOC, g->p);

	if (!s)
		return P_UNKNOWN; /* its page belongs to a cache without debugging now */
	if (cap)
		fz_fail("model", "ksize of a dead object gave %zu", cap);
	if (strstr(s->title, "already free"))
		return P_FREED;
	if (just_freed(g) && !g->large)
		fz_fail("model", "an object freed a moment ago is not known any more: %s",
			s->title);
	return P_NOTHING;
}

static const struct fz_ghost *find_ghost(unsigned int from)
{
	const struct fz_ghost *g;

	if (!st.nr_ghosts)
		return NULL;
	g = &st.ghost[from % (st.nr_ghosts < FZ_GHOSTS ? st.nr_ghosts : FZ_GHOSTS)];
	/* Somebody else's now, or never watched over. */
	if (!g->debug || fz_granules_taken(&fz_granules, (uintptr_t)g->p, 1))
		return NULL;
	return g;
}

static void ghost_log(const struct fz_ghost *g, unsigned int at, struct fz_log *log)
{
	log->ran = true;
	log->h = (int16_t)(at % FZ_GHOSTS);
	log->x = (uint32_t)fz_log_ptr(g->p);
	log->y = (uint32_t)g->size;
}

/* The report of a bad free of @p: double if it was an object's start, invalid if not. */
static void expect_bad_free(const struct fz_ghost *g, enum pointer_state state)
{
	enum qy_report_kind kind = state == P_FREED ? QY_REPORT_DOUBLE_FREE
						    : QY_REPORT_INVALID_FREE;

	/* A block in quarantine lies where the object was, or still is the object. */
	if ((g->large || !just_freed(g)) && (fz_seen_find(QY_REPORT_DOUBLE_FREE, g->p) ||
					     fz_seen_find(QY_REPORT_INVALID_FREE, g->p)))
		return;
	expect_pointer_report(kind, g->p);
}

static void do_cache_free_again(const struct fz_op *op, struct fz_log *log)
{
	const struct fz_ghost *g = find_ghost(op->h);
	enum pointer_state state;
	int ret;

	if (!g || !g->c || st.cache[g->cache].c != g->c)
		return;
	ghost_log(g, op->h, log);
	state = probe(g);
	if (state == P_UNKNOWN)
		return;
	ret = qy_cache_free(g->c, g->p);
	log->ret = ret;
	if (ret != -EINVAL)
		fz_fail("model", "the second free of an object of c%d gave %d", g->cache, ret);
	if (!fz_seen_find(QY_REPORT_WRONG_CACHE, g->p)) /* the page may be another cache's by now */
		expect_bad_free(g, state);
	else if (just_freed(g))
		fz_fail("model", "an object freed a moment ago belongs to another cache");
}

static void do_kfree_again(const struct fz_op *op, struct fz_log *log)
{
	const struct fz_ghost *g = find_ghost(op->h);
	enum pointer_state state;

	if (!g)
		return;
	ghost_log(g, op->h, log);
	state = probe(g);
	if (state == P_UNKNOWN || op->flags % 3 == 2)
		return;
	if (op->flags % 3 == 0) {
		qy_kfree(fz.mm, g->p);
		expect_bad_free(g, state);
		return;
	}
	if (qy_krealloc(fz.mm, g->p, 64, QY_GFP_NOWARN))
		fz_fail("model", "krealloc of a dead object gave memory");
	expect_pointer_report(QY_REPORT_BAD_REALLOC, g->p);
}

/* Inside an object, not its start. */
static void do_free_interior(const struct fz_op *op, struct fz_log *log)
{
	bool by_cache = op->op == FZ_CACHE_FREE_INTERIOR;
	int h = fz_find_object(op->h, by_cache ? FZ_K_COBJ : FZ_K_OBJ);
	const struct fz_object *o;
	const struct fz_seen *s;
	char *p;

	if (h < 0)
		return;
	o = &st.obj[h];
	if (o->cap < 2 || !(fz_is_debug(o) || o->large))
		return;
	fz_object_log(h, log);
	p = o->p + 1 + op->a % (o->cap - 1);
	if (by_cache) {
		log->ret = qy_cache_free(st.cache[o->cache].c, p);
		if (log->ret != -EINVAL)
			fz_fail("model", "free inside an object gave %d", (int)log->ret);
	} else if (op->flags & 1) {
		if (qy_krealloc(fz.mm, p, 64, QY_GFP_NOWARN))
			fz_fail("model", "krealloc inside an object gave memory");
	} else {
		qy_kfree(fz.mm, p);
	}
	s = expect_pointer_report(
		!by_cache && (op->flags & 1) ? QY_REPORT_BAD_REALLOC : QY_REPORT_INVALID_FREE, p);
	if (s->object != o->p || s->damage_offset != p - o->p)
		fz_fail("model",
			"offset %td of base+0x%llx was reported, it is offset %td of base+0x%llx",
			s->damage_offset, (unsigned long long)fz_log_ptr(s->object), p - o->p,
			(unsigned long long)fz_log_ptr(o->p));
	fz_object_check(h);
}

static void do_free_wrong(const struct fz_op *op, struct fz_log *log)
{
	int h = fz_find_object(op->h, FZ_K_OBJ), at = fz_find_cache(op->a % FZ_NR_CACHES);
	const struct fz_object *o;

	if (h < 0 || at < 0)
		return;
	o = &st.obj[h];
	if (!o->cap || o->cache == at || !(st.cache[at].flags & FZ_DEBUG_FLAGS))
		return;
	fz_object_log(h, log);
	log->ret = qy_cache_free(st.cache[at].c, o->p);
	if (log->ret != -EINVAL)
		fz_fail("model", "free to c%d, where it does not belong, gave %d", at,
			(int)log->ret);
	fz_expect(o->large ? QY_REPORT_INVALID_FREE : QY_REPORT_WRONG_CACHE, o->p);
	fz_object_check(h);
}

/* Pointers that were never an object's. */
static void *foreign_pointer(unsigned int way, unsigned int offset)
{
	static uint64_t in_data[4];

	switch (way % 5) {
	case 0: return in_data;
	case 1: return fz.mm; /* the instance's own books */
	case 2: return fz.base + ((size_t)fz.end_pfn << FZ_PAGE_SHIFT) + offset;
	case 3: return (void *)(uintptr_t)(32 + offset);
	default:
		for (unsigned int h = 0; h < FZ_NR_BLOCKS; h++) {
			if (st.blocks[h / 64] >> (h % 64) & 1)
				return fz.base + ((size_t)st.block[h].pfn << FZ_PAGE_SHIFT) +
				       offset % 4096;
		}
		return NULL;
	}
}

static void do_free_foreign(const struct fz_op *op, struct fz_log *log)
{
	uint64_t on_stack = 0;
	bool by_cache = op->op == FZ_CACHE_FREE_FOREIGN;
	int at = by_cache ? fz_find_cache(op->a % FZ_NR_CACHES) : -1;
	void *p = op->flags % 6 == 5 ? &on_stack : foreign_pointer(op->flags, op->a);

	if (!p || (by_cache && (at < 0 || !(st.cache[at].flags & FZ_DEBUG_FLAGS))))
		return;
	log->ran = true;
	if (by_cache) {
		log->ret = qy_cache_free(st.cache[at].c, p);
		if (log->ret != -EINVAL)
			fz_fail("model", "free of a foreign pointer gave %d", (int)log->ret);
	} else {
		qy_kfree(fz.mm, p);
	}
	expect_pointer_report(QY_REPORT_INVALID_FREE, p);
	if (by_cache)
		return;
	if (qy_ksize(fz.mm, p) || qy_krealloc(fz.mm, p, 32, QY_GFP_NOWARN))
		fz_fail("model", "a foreign pointer has a size");
	expect_pointer_report(QY_REPORT_BAD_REALLOC, p);
	expect_pointer_report(QY_REPORT_BAD_REALLOC, p);
}

/* ---- bytes that must not be written ---- */

/*
 * [*from, *to) behind an object that the library watches, and what an intact byte there is; false:
 * none.
 */
static bool right_zone(const struct fz_object *o, size_t *from, size_t *to, uint8_t *intact)
{
	const struct fz_cache *c = fz_cache_of(o);
	uint32_t flags = fz_flags_of(o);
	struct fz_layout l;

	*intact = QY_RED_ACTIVE;
	*from = o->cap;
	if (o->large) {
		*to = o->cap + 64;
		return flags & QY_SLAB_RED_ZONE;
	}
	if (c) {
		l = c->layout;
	} else {
		struct fz_place pl = fz_place_of(o->size, 0);

		if (pl.large || (!(flags & QY_SLAB_STORE_USER) && pl.class != o->cap))
			return false; /* by krealloc or alignment: the zone is elsewhere */
		fz_layout(&l, pl.class, 8, flags, false, fz.in.geo.red_zone);
	}
	*to = l.inuse;
	if (flags & QY_SLAB_RED_ZONE)
		return *from < *to;
	*intact = QY_POISON_INUSE;
	return (flags & QY_SLAB_POISON) && !l.tracked && *from < *to;
}

/* Write @len bytes that are not what is expected there. */
static void destroy_bytes(char *p, size_t len, uint8_t value, uint8_t intact)
{
	memset(p, value == intact ? value ^ 0x80 : value, len);
}

/* The checker must see it as well as the validation that may follow. */
static void checker_must_see(void)
{
	static struct qy_check_result res;

	res.struct_size = sizeof(res);
	if (!qy_check(fz.mm, QY_CHECK_SLAB, &res))
		fz_fail("model", "the checker does not see the damage");
	if (strcmp(res.v[0].id, "U12"))
		fz_fail(res.v[0].id, "%s", res.v[0].text);
}

static void damage_done(int h, enum qy_report_kind kind, ptrdiff_t off, size_t len,
			const struct fz_op *op, struct fz_log *log)
{
	struct fz_object *o = &st.obj[h];

	o->damage = (struct fz_damage){kind, off, (uint32_t)len};
	st.nr_damaged++;
	fz_object_log(h, log);
	log->ret = (int64_t)len;
	if (!o->large)
		checker_must_see();
	if (op->b & 1)
		fz_settle_all();
}

static void do_overflow(const struct fz_op *op, struct fz_log *log)
{
	int h = fz_find_object(op->h, FZ_K_OBJ);
	size_t from, to, len = fz_value(FZ_K_LEN, op->flags, &fz.in.geo);
	struct fz_object *o;
	uint8_t intact;

	if (h < 0)
		return;
	o = &st.obj[h];
	if (!o->cap || o->damage.kind || !right_zone(o, &from, &to, &intact))
		return;
	len = len < to - from ? len : to - from;
	destroy_bytes(o->p + from, len, (uint8_t)op->a, intact);
	damage_done(h, QY_REPORT_OVERFLOW, (ptrdiff_t)from, len, op, log);
}

static void do_underwrite(const struct fz_op *op, struct fz_log *log)
{
	int h = fz_find_object(op->h, FZ_K_OBJ);
	size_t len = fz_value(FZ_K_LEN, op->flags, &fz.in.geo);
	struct fz_object *o;

	if (h < 0)
		return;
	o = &st.obj[h];
	if (!o->cap || o->damage.kind || !(fz_flags_of(o) & QY_SLAB_RED_ZONE))
		return;
	destroy_bytes(o->p - len, len, (uint8_t)op->a, QY_RED_ACTIVE);
	damage_done(h, QY_REPORT_UNDERWRITE, -(ptrdiff_t)len, len, op, log);
}

/* The report of a write to a freed object, made by whoever looks first. */
static void expect_stale(char *p, size_t off, size_t len)
{
	const struct fz_seen *s = fz_expect(QY_REPORT_USE_AFTER_FREE, p);

	if (s->damage_offset != (ptrdiff_t)off || s->damage_len != len)
		fz_fail("model",
			"use after free: %td, %zu bytes were reported; %zu, %zu were written",
			s->damage_offset, s->damage_len, off, len);
}

/*
 * Free an object, write to it, and let somebody look. Where its slab went back to the page floor
 * the write would hit nobody, or somebody else: then it is left out.
 */
static void do_stale_write(const struct fz_op *op, struct fz_log *log)
{
	int h = fz_find_object(op->h, FZ_K_OBJ);
	size_t len = fz_value(FZ_K_LEN, op->flags, &fz.in.geo), off, size;
	struct fz_object o;
	struct fz_ghost g;
	struct fz_cache *c;

	if (h < 0)
		return;
	o = st.obj[h];
	c = o.cache == FZ_BY_SIZE ? NULL : &st.cache[o.cache];
	if (!o.cap || o.large || o.damage.kind || !(fz_flags_of(&o) & QY_SLAB_POISON) ||
	    (c && c->ctor))
		return;
	fz_settle_all();
	size = c ? c->size : o.cap;
	fz_object_log(h, log);
	fz_object_prepare_free(h);
	qy_kfree(fz.mm, o.p);
	fz_object_gone(h);
	g = (struct fz_ghost){.p = o.p, .large = true};
	if (fz.nr_seen || probe(&g) != P_FREED)
		return;
	fz_expect_no_more();
	fz.nr_seen = 0;
	off = op->b & 0x8000 ? size - 1 - op->b % (size < 16 ? size : 16) : op->b % size;
	len = len < size - off ? len : size - off;
	/* Whatever the poison is: each byte becomes another one. */
	for (size_t i = off; i < off + len; i++)
		o.p[i] = (char)((uint8_t)o.p[i] == (uint8_t)op->a ? op->a ^ 0x80 : op->a);
	checker_must_see();
	if (qy_validate(fz.mm) != 1)
		fz_fail("model", "validate made %u reports of a write to a freed object",
			fz.nr_seen);
	expect_stale(o.p, off, len);
	if (c)
		c->damaged = true;
	log->ret = (int64_t)len;
}

bool fz_error_step(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_CACHE_FREE_AGAIN: do_cache_free_again(op, log); return true;
	case FZ_KFREE_AGAIN: do_kfree_again(op, log); return true;
	case FZ_CACHE_FREE_INTERIOR:
	case FZ_KFREE_INTERIOR: do_free_interior(op, log); return true;
	case FZ_CACHE_FREE_WRONG: do_free_wrong(op, log); return true;
	case FZ_CACHE_FREE_FOREIGN:
	case FZ_KFREE_FOREIGN: do_free_foreign(op, log); return true;
	case FZ_OVERFLOW: do_overflow(op, log); return true;
	case FZ_UNDERWRITE: do_underwrite(op, log); return true;
	case FZ_STALE_WRITE: do_stale_write(op, log); return true;
	default: return false;
	}
}
