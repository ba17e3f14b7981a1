/* SPDX-License-Identifier: MIT */
/*
 * slab_model.c - target "slab": handles, objects and their contents, and when an allocation may
 * fail.
 *
 * Called by fuzz_slab.c, fuzz_cache.c, fuzz_kmalloc.c and fuzz_errors.c. Compared: places with
 * all live objects', contents with what was written, failures with the memory that is left.
 */
#include <string.h>

#include "slab_state.h"

struct fz_slab_state fz_slab;
struct fz_granules fz_granules;

#define st fz_slab

/* ---- handles ---- */

int fz_find_bit(const uint64_t *a, const uint64_t *b, unsigned int words, unsigned int from,
		bool set)
{
	for (unsigned int i = 0; i <= words; i++) {
		unsigned int w = (from / 64 + i) % words;
		uint64_t bits = a[w] | (b ? b[w] : 0);

		if (!set)
			bits = ~bits;
		if (i == 0)
			bits &= ~UINT64_C(0) << (from % 64);
		if (bits)
			return (int)(w * 64 + (unsigned int)__builtin_ctzll(bits));
	}
	return -1;
}

int fz_find_object(unsigned int from, enum fz_kind kind)
{
	from %= FZ_NR_OBJS;
	if (kind == FZ_K_COBJ)
		return fz_find_bit(st.cobj, NULL, FZ_NR_OBJS / 64, from, true);
	if (kind == FZ_K_KOBJ)
		return fz_find_bit(st.kobj, NULL, FZ_NR_OBJS / 64, from, true);
	return fz_find_bit(st.cobj, st.kobj, FZ_NR_OBJS / 64, from, true);
}

int fz_find_new_object(unsigned int from)
{
	return fz_find_bit(st.cobj, st.kobj, FZ_NR_OBJS / 64, from % FZ_NR_OBJS, false);
}

int fz_find_cache(unsigned int from)
{
	for (unsigned int i = 0; i < FZ_NR_CACHES; i++) {
		unsigned int at = (from + i) % FZ_NR_CACHES;

		if (st.cache[at].c)
			return (int)at;
	}
	return -1;
}

int fz_object_at(const void *p)
{
	for (unsigned int w = 0; w < FZ_NR_OBJS / 64; w++) {
		for (uint64_t bits = st.cobj[w] | st.kobj[w]; bits; bits &= bits - 1) {
			int h = (int)(w * 64 + (unsigned int)__builtin_ctzll(bits));

			if (st.obj[h].p == p)
				return h;
		}
	}
	return -1;
}

const struct fz_cache *fz_cache_of(const struct fz_object *o)
{
	return o->cache == FZ_BY_SIZE ? NULL : &st.cache[o->cache];
}

uint32_t fz_flags_of(const struct fz_object *o)
{
	if (o->large)
		return st.large_flags;
	return o->cache == FZ_BY_SIZE ? st.kflags : st.cache[o->cache].flags;
}

bool fz_is_debug(const struct fz_object *o)
{
	return fz_flags_of(o) & FZ_DEBUG_FLAGS;
}

void fz_object_log(int h, struct fz_log *log)
{
	log->ran = true;
	log->h = (int16_t)h;
	log->x = (uint32_t)fz_log_ptr(st.obj[h].p);
	log->y = (uint32_t)st.obj[h].size;
}

/* ---- objects ---- */

static void check_fresh_contents(const struct fz_object *o)
{
	const struct fz_cache *c = fz_cache_of(o);
	uint32_t flags = fz_flags_of(o);

	if (c && c->ctor) {
		ptrdiff_t bad =
			fz_pattern_check(o->p, c->size, c->size, 0xc0de0000u + (uint32_t)o->cache);

		if (bad >= 0)
			fz_fail("S11", "byte %td of a new object of c%d is not the constructor's",
				bad, o->cache);
	} else if ((flags & QY_SLAB_POISON) && o->cap) {
		uint8_t first = o->cap > 1 ? QY_POISON_FREE : QY_POISON_END;

		if ((uint8_t)o->p[0] != first || (uint8_t)o->p[o->cap - 1] != QY_POISON_END)
			fz_fail("U12", "a new object of %zu bytes is not poisoned: %02x … %02x",
				o->cap, (uint8_t)o->p[0], (uint8_t)o->p[o->cap - 1]);
	}
}

void fz_object_born(int h, void *p, size_t size, size_t cap, int cache, bool large)
{
	struct fz_object *o = &st.obj[h];

	*o = (struct fz_object){.p = p,
				.size = size,
				.cap = cap,
				.cache = cache,
				.large = large,
				.seed = ++st.seed};
	if (cap && !fz_granules_claim(&fz_granules, (uintptr_t)p, cap))
		fz_fail("S7",
			"object base+0x%llx of %zu bytes overlaps another one, or lies outside",
			(unsigned long long)fz_log_ptr(p), cap);
	if (cache == FZ_BY_SIZE)
		st.kobj[h / 64] |= UINT64_C(1) << (h % 64);
	else
		st.cobj[h / 64] |= UINT64_C(1) << (h % 64);
	if (cache != FZ_BY_SIZE)
		st.cache[cache].live++;
}

void fz_object_fill(int h, bool zero)
{
	struct fz_object *o = &st.obj[h];
	const struct fz_cache *c = fz_cache_of(o);

	if (zero && !(c && c->ctor)) {
		ptrdiff_t bad = fz_zero_check(o->p, o->size);

		if (bad >= 0)
			fz_fail("model", "ZERO: byte %td of h%d (%zu bytes) is not 0", bad, h,
				o->size);
	} else {
		check_fresh_contents(o);
	}
	fz_pattern_write(o->p, o->cap, o->seed);
}

void fz_object_check(int h)
{
	const struct fz_object *o = &st.obj[h];
	ptrdiff_t bad = fz_pattern_check(o->p, o->cap, o->cap, o->seed);

	if (bad >= 0)
		fz_fail("S7", "byte %td of h%d (base+0x%llx, %zu bytes) changed", bad, h,
			(unsigned long long)fz_log_ptr(o->p), o->size);
}

void fz_object_prepare_free(int h)
{
	const struct fz_object *o = &st.obj[h];
	const struct fz_cache *c = fz_cache_of(o);

	/* Nobody looks at a free without F, and not all of it is filled anew. */
	if (o->damage.kind && !(fz_flags_of(o) & QY_SLAB_CONSISTENCY_CHECKS))
		fz_settle_all();
	fz_object_check(h);
	if (c && c->ctor)
		fz_pattern_write(o->p, c->size, 0xc0de0000u + (uint32_t)o->cache);
}

/* The report of one object's damage. */
static void expect_one_damage(struct fz_object *o)
{
	const struct fz_seen *s = fz_expect(o->damage.kind, o->p);

	if (s->damage_offset != o->damage.off || s->damage_len != o->damage.len)
		fz_fail("model", "%s: offset %td, %zu bytes were reported; %td, %u were written",
			qy_report_kind_name(s->kind), s->damage_offset, s->damage_len,
			o->damage.off, o->damage.len);
	o->damage.kind = QY_REPORT_NONE;
	st.nr_damaged--;
}

void fz_object_gone(int h)
{
	struct fz_object *o = &st.obj[h];
	uint64_t bit = ~(UINT64_C(1) << (h % 64));

	if (o->damage.kind) {
		expect_one_damage(o);
		if (o->cache != FZ_BY_SIZE)
			st.cache[o->cache].damaged = true;
	}
	if (o->cap)
		fz_granules_release(&fz_granules, (uintptr_t)o->p, o->cap);
	st.cobj[h / 64] &= bit;
	st.kobj[h / 64] &= bit;
	if (o->cache != FZ_BY_SIZE)
		st.cache[o->cache].live--;
	if (!o->cap)
		return;
	st.ghost[st.nr_ghosts++ % FZ_GHOSTS] = (struct fz_ghost){
		.p = o->p,
		.size = o->size,
		.cache = o->cache,
		.c = o->cache == FZ_BY_SIZE ? NULL : st.cache[o->cache].c,
		.debug = fz_is_debug(o),
		.large = o->large,
		.epoch = st.epoch,
	};
}

unsigned int fz_expect_damage(int cache)
{
	unsigned int n = 0;

	for (unsigned int w = 0; st.nr_damaged && w < FZ_NR_OBJS / 64; w++) {
		for (uint64_t bits = st.cobj[w] | st.kobj[w]; bits; bits &= bits - 1) {
			struct fz_object *o = &st.obj[w * 64 + (unsigned int)__builtin_ctzll(bits)];

			if (!o->damage.kind || (cache >= FZ_BY_SIZE && o->cache != cache))
				continue;
			expect_one_damage(o);
			n++;
		}
	}
	return n;
}

void fz_settle_all(void)
{
	unsigned int said, expected;

	if (!st.nr_damaged)
		return;
	said = qy_validate(fz.mm);
	expected = fz_expect_damage(FZ_BY_SIZE - 1);
	if (said != expected)
		fz_fail("model", "validate made %u reports, the model expects %u", said, expected);
}

/* ---- when may an allocation fail? ---- */

void fz_must_lack_block(unsigned int order)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};

	qy_page_stats(fz.mm, &stats);
	if (order <= fz.in.geo.max_order && stats.free_max >= (size_t)1 << order)
		fz_fail("model", "NULL, but a block of %zu pages is free and order %u would do",
			stats.free_max, order);
}

void fz_must_lack(const struct fz_cache *c, size_t n)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	unsigned int order = c->min_order;
	size_t room = 0, each = ((size_t)FZ_PAGE_SIZE << c->min_order) / c->slot;

	qy_page_stats(fz.mm, &stats);
	qy_cache_info(c->c, &info);
	/* Records take a block of their own: with the slab's never more than four such blocks. */
	if ((c->flags & QY_SLAB_RED_ZONE) && fz.in.geo.red_zone > 8)
		order += 2;
	for (unsigned int o = order; o <= fz.in.geo.max_order; o++)
		room += stats.nr_free[o] << (o - order);
	room *= each < 32767 ? each : 32767;
	/* What is in another CPU's sheaf, in quarantine or in a slab given up cannot be had. */
	if (fz.in.geo.nr_cpus == 1 && !fz.in.geo.quarantine && !c->damaged)
		room += info.total_objects - info.live_objects;
	if (n > 1 && fz.in.geo.quarantine)
		return; /* what went back may have pushed others out */
	if (room >= n)
		fz_fail("model", "NULL for %zu objects, but there is room for %zu", n, room);
}

void fz_check_aligned(const void *p, uint32_t align)
{
	if ((uintptr_t)p & (align - 1))
		fz_fail("S1", "base+0x%llx is not aligned to %u", (unsigned long long)fz_log_ptr(p),
			align);
}
