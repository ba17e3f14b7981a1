/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cache.c - target "slab": making, using and ending caches.
 *
 * The model knows the layout that the flags give, how often a constructor runs, and what is left
 * when a cache ends.
 *
 * Called by fuzz_slab.c; stands on slab_model.c. Compared: the result of each call, the
 * layout that qy_cache_info() tells, objects' places and contents, and the constructor's count.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "slab_state.h"

#define st fz_slab

#define CTOR(i)                                                                                    \
	static void ctor_##i(void *object)                                                         \
	{                                                                                          \
		st.cache[i].ctor_calls++;                                                          \
		fz_pattern_write(object, st.cache[i].size, 0xc0de0000u + i);                       \
	}
CTOR(0)
CTOR(1)
CTOR(2)
CTOR(3)
CTOR(4)
CTOR(5)
CTOR(6)
CTOR(7)
static const qy_ctor_fn ctors[FZ_NR_CACHES] = {ctor_0, ctor_1, ctor_2, ctor_3,
					       ctor_4, ctor_5, ctor_6, ctor_7};

static uint32_t wanted_flags(unsigned int raw)
{
	static const uint32_t bits[8] = {QY_SLAB_HWCACHE_ALIGN,
					 0,
					 QY_SLAB_CONSISTENCY_CHECKS,
					 QY_SLAB_RED_ZONE,
					 QY_SLAB_POISON,
					 QY_SLAB_STORE_USER,
					 QY_SLAB_NO_MERGE,
					 QY_SLAB_RECLAIM_ACCOUNT};
	uint32_t flags = 0;

	for (unsigned int i = 0; i < 8; i++)
		flags |= (raw & (1u << i)) ? bits[i] : 0;
	return flags & (fz.known_flags | ~FZ_DEBUG_FLAGS);
}

static uint32_t wanted_align(size_t size, size_t align, uint32_t flags)
{
	size_t line = 64;

	if (flags & QY_SLAB_HWCACHE_ALIGN) {
		while (size <= line / 2)
			line /= 2;
		align = line > align ? line : align;
	}
	return (uint32_t)(align < 8 ? 8 : align);
}

static unsigned int order_for(size_t bytes)
{
	unsigned int order = 0;

	while (((size_t)FZ_PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

/* The library's figures against the model's. */
static void check_layout(int at)
{
	const struct fz_cache *c = &st.cache[at];
	struct qy_cache_info info = {.struct_size = sizeof(info)};
	size_t bytes;

	qy_cache_info(c->c, &info);
	if (info.object_size != c->size || info.align != c->align ||
	    info.inuse != c->layout.inuse || info.slot_size != c->slot ||
	    info.red_left_pad != c->layout.red_left_pad || info.offset != c->layout.offset)
		fz_fail("U10",
			"c%d: size %u align %u inuse %u offset %u slot %u left %u, "
			"expected %u %u %u %u %u %u",
			at, info.object_size, info.align, info.inuse, info.offset, info.slot_size,
			info.red_left_pad, c->size, c->align, c->layout.inuse, c->layout.offset,
			c->slot, c->layout.red_left_pad);
	if ((info.flags & FZ_DEBUG_FLAGS) != (c->flags & FZ_DEBUG_FLAGS))
		fz_fail("model", "c%d: flags %x, expected %x", at, info.flags, c->flags);
	bytes = (size_t)FZ_PAGE_SIZE << info.order;
	if (info.order > fz.in.geo.max_order || !info.objs_per_slab || info.objs_per_slab > 32767 ||
	    (size_t)info.objs_per_slab * info.slot_size > bytes ||
	    (info.objs_per_slab < 32767 &&
	     (size_t)(info.objs_per_slab + 1) * info.slot_size <= bytes))
		fz_fail("U10", "c%d: %u objects of %u bytes in order %u", at, info.objs_per_slab,
			info.slot_size, info.order);
	if (info.order > 3 && info.objs_per_slab > 1 && info.slot_size <= 8 * FZ_PAGE_SIZE / 2)
		fz_fail("U11", "c%d: order %u for slots of %u bytes", at, info.order,
			info.slot_size);
	if (((c->flags & FZ_DEBUG_FLAGS) && info.sheaf_capacity) || info.live_objects ||
	    info.nr_slabs)
		fz_fail("model", "c%d is new, but has a sheaf of %u, %zu live objects, %zu slabs",
			at, info.sheaf_capacity, info.live_objects, info.nr_slabs);
}

static void do_cache_create(const struct fz_op *op, struct fz_log *log)
{
	const struct fz_geometry *geo = &fz.in.geo;
	size_t size = fz_value(FZ_K_SIZE, op->a, geo), align = fz_value(FZ_K_ALIGN, op->b, geo);
	size_t largest = (size_t)FZ_PAGE_SIZE << geo->max_order;
	uint32_t flags = wanted_flags(op->flags), more = 0;
	bool bad = !size || size > largest / 2 || align > FZ_PAGE_SIZE || (align & (align - 1));
	int at = op->h % FZ_NR_CACHES;
	char name[8] = "c?";
	struct fz_cache *c = &st.cache[at];

	if (c->c)
		return;
	log->ran = true;
	log->ret = FZ_LOG_NULL;
	log->h = (int16_t)at;
	if (geo->debug_scope == 1 || geo->debug_scope == 3)
		more = geo->debug_flags;
	*c = (struct fz_cache){
		.size = (uint32_t)size, .flags = flags | more, .ctor = op->flags & 2};
	if (!bad) {
		c->align = wanted_align(size, align, flags);
		fz_layout(&c->layout, c->size, c->align, c->flags, c->ctor, geo->red_zone);
		c->slot = c->layout.slot;
		c->min_order = order_for(c->slot);
		bad = c->min_order > geo->max_order;
	}
	name[1] = (char)('0' + at);
	errno = 0;
	c->c = qy_cache_create(fz.mm, name, size, align, flags, c->ctor ? ctors[at] : NULL);
	/* What no slab can hold is only found out with a head in hand. */
	if (!c->c && c->slot && errno == ENOMEM) {
		fz_must_lack_block(0);
		return;
	}
	if (bad != !c->c || (bad && errno != EINVAL))
		fz_fail("model", "cache of size %zu, align %zu: %s, errno %d", size, align,
			c->c ? "made" : "refused", errno);
	if (bad)
		return;
	log->ret = 0;
	c->ctor_calls = 0;
	st.tracks |= (c->flags & QY_SLAB_STORE_USER) != 0;
	check_layout(at);
}

static void do_create_bad(const struct fz_op *op, struct fz_log *log)
{
	const char *name = "bad";
	size_t size = 64, align = 8;
	qy_slab_flags_t flags = 0;

	switch (op->flags % 7) {
	case 0: name = NULL; break;
	case 1: name = ""; break;
	case 2: size = 0; break;
	case 3: size = ((size_t)FZ_PAGE_SIZE << fz.in.geo.max_order) / 2 + 1 + op->a; break;
	case 4: align = 24; break;
	case 5: align = (size_t)2 * FZ_PAGE_SIZE; break;
	default: flags = 0x80000000u; break;
	}
	errno = 0;
	log->ran = true;
	log->ret = fz_log_ptr(qy_cache_create(fz.mm, name, size, align, flags, NULL));
	if (log->ret != FZ_LOG_NULL || errno != EINVAL)
		fz_fail("model", "a bad cache (way %u) was %s, errno %d", op->flags % 7,
			log->ret == FZ_LOG_NULL ? "refused" : "made", errno);
}

/* Objects of a cache that is gone: their memory is leaked, and stays claimed. */
static unsigned int orphan_objects(int at)
{
	unsigned int n = 0;

	for (unsigned int w = 0; w < FZ_NR_OBJS / 64; w++) {
		for (uint64_t bits = st.cobj[w]; bits; bits &= bits - 1) {
			unsigned int h = w * 64 + (unsigned int)__builtin_ctzll(bits);

			if (st.obj[h].cache != at)
				continue;
			st.cobj[w] &= ~(UINT64_C(1) << (h % 64));
			if (st.cache[at].flags & FZ_DEBUG_FLAGS)
				fz_expect(QY_REPORT_LEAK, st.obj[h].p);
			n++;
		}
	}
	return n;
}

static void do_cache_destroy(const struct fz_op *op, struct fz_log *log)
{
	int at = fz_find_cache(op->a % FZ_NR_CACHES), ret;
	struct fz_cache *c;
	bool live;

	/* Every cache that is leaked takes memory with it: mostly only empty ones go. */
	if (at < 0 || (st.cache[at].live && op->flags % 4))
		return;
	fz_settle_all();
	fz_expect_no_more();
	fz.nr_seen = 0;
	c = &st.cache[at];
	live = c->live != 0;
	ret = qy_cache_destroy(c->c);
	log->ran = true;
	log->h = (int16_t)at;
	log->ret = ret;
	if (ret != (live ? -EBUSY : 0) && !(c->damaged && ret == -EBUSY))
		fz_fail("S12", "destroy of c%d with %u live objects gave %d", at, c->live, ret);
	orphan_objects(at);
	if (ret && (!(c->flags & FZ_DEBUG_FLAGS) || !live))
		fz_expect(QY_REPORT_LEAK, NULL);
	/* A new cache may get the same head. */
	for (unsigned int i = 0; i < FZ_GHOSTS; i++) {
		if (st.ghost[i].c == c->c)
			st.ghost[i].c = NULL;
	}
	*c = (struct fz_cache){0};
	st.epoch++;
}

/* A new object of @at: right place, right contents. */
static void cache_object_born(int at, int h, void *p, bool zero)
{
	const struct fz_cache *c = &st.cache[at];

	fz_check_aligned(p, c->align);
	fz_object_born(h, p, c->size, c->size, at, false);
	fz_object_fill(h, zero);
}

static size_t total_objects(const struct fz_cache *c)
{
	struct qy_cache_info info = {.struct_size = sizeof(info)};

	qy_cache_info(c->c, &info);
	return info.total_objects;
}

static void do_cache_alloc(const struct fz_op *op, struct fz_log *log)
{
	int at = fz_find_cache(op->a % FZ_NR_CACHES), h = fz_find_new_object(op->h);
	struct fz_cache *c;
	size_t before = 0;
	uint64_t calls;
	void *p;

	if (at < 0 || h < 0)
		return;
	c = &st.cache[at];
	calls = c->ctor_calls;
	if (c->ctor)
		before = total_objects(c);
	p = qy_cache_alloc(c->c, (op->flags & 1 ? QY_GFP_ZERO : 0) | QY_GFP_NOWARN);
	log->ran = true;
	log->h = (int16_t)h;
	log->ret = fz_log_ptr(p);
	if (c->ctor && c->ctor_calls - calls != total_objects(c) - before)
		fz_fail("S11", "c%d: %llu calls of the constructor for %zu new objects", at,
			(unsigned long long)(c->ctor_calls - calls), total_objects(c) - before);
	if (p)
		cache_object_born(at, h, p, op->flags & 1);
	else
		fz_must_lack(c, 1);
}

static void do_cache_free(const struct fz_op *op, struct fz_log *log)
{
	int h = fz_find_object(op->h, FZ_K_COBJ), ret;

	if (h < 0)
		return;
	fz_object_log(h, log);
	fz_object_prepare_free(h);
	ret = qy_cache_free(st.cache[st.obj[h].cache].c, st.obj[h].p);
	log->ret = ret;
	if (ret)
		fz_fail("model", "free of a live object of c%d gave %d", st.obj[h].cache, ret);
	fz_object_gone(h);
}

static void do_alloc_bulk(const struct fz_op *op, struct fz_log *log)
{
	int at = fz_find_cache(op->a % FZ_NR_CACHES);
	size_t n = op->b % 72, got;
	void *objs[72];

	if (at < 0)
		return;
	got = qy_cache_alloc_bulk(st.cache[at].c, (op->flags & 1 ? QY_GFP_ZERO : 0) | QY_GFP_NOWARN,
				  n, objs);
	log->ran = true;
	log->ret = (int64_t)got;
	if (got != n && got)
		fz_fail("S13", "bulk of %zu gave %zu", n, got);
	if (got != n)
		fz_must_lack(&st.cache[at], n);
	for (size_t i = 0; i < got; i++) {
		int h = fz_find_new_object(0);

		if (h >= 0) {
			cache_object_born(at, h, objs[i], op->flags & 1);
			continue;
		}
		/* No handle is left: it goes back at once. */
		if (qy_cache_free(st.cache[at].c, objs[i]))
			fz_fail("model", "a new object could not be freed");
	}
}

static void do_free_bulk(const struct fz_op *op, struct fz_log *log)
{
	int at = fz_find_cache(op->a % FZ_NR_CACHES), handles[72];
	size_t n = 0, want = op->b % 72;
	void *objs[72];

	if (at < 0)
		return;
	for (unsigned int i = 0; i < FZ_NR_OBJS && n < want; i++) {
		unsigned int h = op->flags & 1 ? FZ_NR_OBJS - 1 - i : i;

		if (!(st.cobj[h / 64] >> (h % 64) & 1) || st.obj[h].cache != at)
			continue;
		fz_object_prepare_free((int)h);
		handles[n] = (int)h;
		objs[n++] = st.obj[h].p;
	}
	qy_cache_free_bulk(st.cache[at].c, n, objs);
	for (size_t i = 0; i < n; i++)
		fz_object_gone(handles[i]);
	log->ran = true;
	log->ret = (int64_t)n;
}

static void do_shrink(const struct fz_op *op, struct fz_log *log)
{
	int at = fz_find_cache(op->a % FZ_NR_CACHES);
	struct qy_cache_info info = {.struct_size = sizeof(info)};

	if (at < 0)
		return;
	log->ran = true;
	log->ret = qy_cache_shrink(st.cache[at].c);
	qy_cache_info(st.cache[at].c, &info);
	if (log->ret != (info.nr_slabs != 0) || (st.cache[at].live && !log->ret))
		fz_fail("model", "shrink gave %d with %zu slabs, %u objects live", (int)log->ret,
			info.nr_slabs, st.cache[at].live);
	if (fz.in.geo.nr_cpus == 1 && !st.cache[at].live && !st.cache[at].damaged && log->ret)
		fz_fail("U5", "c%d has no live object, but %zu slabs after shrink", at,
			info.nr_slabs);
	st.epoch++;
}

static void do_cache_validate(const struct fz_op *op, struct fz_log *log)
{
	int at = fz_find_cache(op->a % FZ_NR_CACHES);
	unsigned int expected;

	if (at < 0)
		return;
	log->ran = true;
	log->ret = qy_cache_validate(st.cache[at].c);
	expected = fz_expect_damage(at);
	if (log->ret != expected)
		fz_fail("model", "validate of c%d made %d reports, the model expects %u", at,
			(int)log->ret, expected);
}

void fz_validate(struct fz_log *log)
{
	unsigned int expected;

	log->ran = true;
	log->ret = qy_validate(fz.mm);
	expected = fz_expect_damage(FZ_BY_SIZE - 1);
	if (log->ret != expected)
		fz_fail("model", "validate made %d reports, the model expects %u", (int)log->ret,
			expected);
}

void fz_cache_walk(struct fz_log *log)
{
	unsigned int n = 0, mine = 0, kmalloc_live = 0, small = 0;
	struct qy_cache *c;

	for (; (c = qy_cache_at(fz.mm, n)); n++) {
		struct qy_cache_info info = {.struct_size = sizeof(info)};

		if (n > 4096)
			fz_fail("S12", "the list of caches has no end");
		qy_cache_info(c, &info);
		if (info.flags & QY_SLAB_KMALLOC)
			kmalloc_live += (unsigned int)info.live_objects;
		for (int i = 0; i < FZ_NR_CACHES; i++)
			mine += st.cache[i].c == c;
	}
	for (int i = 0; i < FZ_NR_CACHES; i++)
		small += st.cache[i].c != NULL;
	if (mine != small)
		fz_fail("S12", "%u of the %u caches are in the list", mine, small);
	small = 0;
	for (int h = 0; h < FZ_NR_OBJS; h++)
		small += (st.kobj[h / 64] >> (h % 64) & 1) && st.obj[h].cap && !st.obj[h].large;
	if (kmalloc_live != small)
		fz_fail("S9", "kmalloc caches say %u live objects, the model %u", kmalloc_live,
			small);
	log->ran = true;
	log->ret = n;
}

bool fz_cache_step(const struct fz_op *op, struct fz_log *log)
{
	switch ((enum fz_opcode)op->op) {
	case FZ_CACHE_CREATE: do_cache_create(op, log); return true;
	case FZ_CACHE_DESTROY: do_cache_destroy(op, log); return true;
	case FZ_CACHE_ALLOC: do_cache_alloc(op, log); return true;
	case FZ_CACHE_FREE: do_cache_free(op, log); return true;
	case FZ_CACHE_ALLOC_BULK: do_alloc_bulk(op, log); return true;
	case FZ_CACHE_FREE_BULK: do_free_bulk(op, log); return true;
	case FZ_CACHE_SHRINK: do_shrink(op, log); return true;
	case FZ_CACHE_VALIDATE: do_cache_validate(op, log); return true;
	case FZ_VALIDATE: fz_validate(log); return true;
	case FZ_CACHE_CREATE_BAD: do_create_bad(op, log); return true;
	case FZ_CACHE_WALK: fz_cache_walk(log); return true;
	default: return false;
	}
}
