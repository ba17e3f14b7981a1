/* SPDX-License-Identifier: MIT */
/*
 * check_object.c - the bytes around and in the objects of debug caches: U12, U14. Debug builds
 * only.
 *
 * The expected bytes are written down here once more, apart from the code that fills and compares
 * them in debug/: a fault there must not hide itself. What an object should look like follows from
 * its live bit, which lies out of reach of any overflow, and nothing is repaired.
 *
 *   [ left red zone | object | right red zone | free pointer | tracks | request | padding ]
 *     bb/cc           6b…a5     bb/cc                                             5a
 *                     if free   from the request's end if live and tracked
 *
 * With records the slot ends with the right red zone. Freed objects of malloc's classes hold words
 * of their own instead of 6b…a5.
 */
#include "check/check_slab.h"

#include <string.h>

#include "debug/debug.h"
#include "util/hash.h"

/* The request word: 48 bits of size, 8 of family, and this on top. */
#define REQUEST_MARK 0x51u
#define REQUEST_SIZE ((UINT64_C(1) << 40) - 1)

struct subject {
	struct qy__check *ck;
	const struct qy_cache *c;
	const char *object;
	const char *books; /* where free pointer, tracks and request are */
	uint32_t pfn;
	bool live;
};

static bool has(const struct qy_cache *c, qy_slab_flags_t flag)
{
	return qy__debug_has(c->flags, flag);
}

static void check_region(const struct subject *s, const char *from, size_t len, uint8_t value,
			 const char *what)
{
	const uint8_t *bad = qy__check_bytes(from, value, len);

	qy__holds(s->ck, !bad, "U12",
		  "%.31s: slab at %u, %s object +0x%zx: %s has 0x%02x, not 0x%02x, at %d",
		  s->c->name, s->pfn, s->live ? "live" : "free",
		  (size_t)(s->object - qy__check_pfn_addr(s->ck, s->pfn)), what, bad ? *bad : 0,
		  value, (int)((const char *)bad - s->object));
}

/* Where the user's bytes end. */
static size_t user_end(const struct subject *s)
{
	const struct qy__layout *l = &s->c->layout;
	uint64_t word;

	if (!s->live || !l->orig_size || !s->books)
		return l->object_size;
	memcpy(&word, s->books + l->orig_size, sizeof(word));
	if (!qy__holds(s->ck,
		       word >> 56 == REQUEST_MARK && (word & REQUEST_SIZE) <= l->object_size &&
			       (word >> 48 & 0xff) < QY_NR_FAMILIES,
		       "U12", "%.31s: slab at %u, live object +0x%zx: the request is overwritten",
		       s->c->name, s->pfn, (size_t)(s->object - qy__check_pfn_addr(s->ck, s->pfn))))
		return l->object_size;
	return word & REQUEST_SIZE;
}

/* A track that was never written is all zero; one that was carries a check word. */
static bool track_is_whole(const struct qy__track *t)
{
	uint64_t x = t->addr ^ t->when ^ ((uint64_t)t->stack << 32 | t->cpu);

	return (!t->tid && !t->check && !x) ||
	       t->check == (uint32_t)qy__mix64(x ^ (uint64_t)(uint32_t)t->tid << 16 ^ 0x51);
}

static void check_tracks(const struct subject *s)
{
	size_t at = (size_t)(s->object - qy__check_pfn_addr(s->ck, s->pfn));
	size_t out = s->c->layout.record ? sizeof(uintptr_t) : 0,
	       size = sizeof(struct qy__track) - out;
	struct qy__track track[2] = {{.addr = 0}};

	for (int i = 0; i < 2; i++)
		memcpy((char *)&track[i] + out, s->books + s->c->layout.track + (size_t)i * size,
		       size);
	if (!qy__holds(s->ck, track_is_whole(&track[0]) && track_is_whole(&track[1]), "U14",
		       "%.31s: slab at %u, object +0x%zx: a track is overwritten", s->c->name,
		       s->pfn, at))
		return;
	if (s->live)
		qy__holds(s->ck, track[QY__TRACK_ALLOC].tid != 0, "U14",
			  "%.31s: slab at %u, live object +0x%zx: nobody allocated it", s->c->name,
			  s->pfn, at);
	else if (track[QY__TRACK_FREE].tid)
		qy__holds(s->ck,
			  track[QY__TRACK_ALLOC].tid &&
				  track[QY__TRACK_FREE].when >= track[QY__TRACK_ALLOC].when,
			  "U14", "%.31s: slab at %u, free object +0x%zx: freed before allocated",
			  s->c->name, s->pfn, at);
}

/* The word of a freed object of malloc's classes at @object; 0: such objects have none. */
static uint64_t word_of(const struct qy__check *ck, const char *object)
{
	const struct qy__debug_state *debug = ck->mm->debug;
	uint64_t place =
		(uintptr_t)object - ck->start + ((uint64_t)ck->min_pfn << QY_CONFIG_PAGE_SHIFT);
	uint64_t word;

	if (ck->mm->classes != QY_CLASSES_FINE || !qy__check_struct(ck, debug))
		return 0;
	word = qy__mix64(debug->poison_seed ^ place * UINT64_C(0x9e3779b97f4a7c15));
	for (int byte = 0; byte < 48; byte += 8) {
		word |= UINT64_C(0x80) << byte;
		if ((word >> byte & 0xff) == 0xff)
			word ^= UINT64_C(0x40) << byte;
	}
	word = (word & UINT64_C(0x0000ffff0fffffff)) | UINT64_C(0xa0000000);
	return debug->poison_high | word;
}

/* The first of @len bytes that is not a byte of @word, which stands at each multiple of 8. */
static const char *find_other(const char *p, size_t len, uint64_t word)
{
	const char *byte = (const char *)&word;

	for (size_t i = 0; i < len; i++)
		if (p[i] != byte[i % 8])
			return p + i;
	return NULL;
}

static void check_poison(const struct subject *s)
{
	size_t size = s->c->layout.object_size;
	uint64_t word = s->c->flags & QY_SLAB_KMALLOC ? word_of(s->ck, s->object) : 0;
	const char *bad = word ? find_other(s->object, size, word) : NULL;

	qy__holds(s->ck, !bad, "U12",
		  "%.31s: slab at %u, free object +0x%zx: poison has 0x%02x at %d", s->c->name,
		  s->pfn, (size_t)(s->object - qy__check_pfn_addr(s->ck, s->pfn)),
		  bad ? (uint8_t)*bad : 0, bad ? (int)(bad - s->object) : 0);
	if (word)
		return;
	check_region(s, s->object, size - 1, QY_POISON_FREE, "poison");
	check_region(s, s->object + size - 1, 1, QY_POISON_END, "end of poison");
}

static void check_object(const struct subject *s)
{
	const struct qy__layout *l = &s->c->layout;
	size_t end = l->slot - l->red_left_pad, size = user_end(s);
	uint8_t zone = s->live ? QY_RED_ACTIVE : QY_RED_INACTIVE;

	if (has(s->c, QY_SLAB_RED_ZONE)) {
		check_region(s, s->object - l->red_left_pad, l->red_left_pad, zone,
			     "left red zone");
		check_region(s, s->object + size, l->inuse - size, zone, "right red zone");
	} else if (has(s->c, QY_SLAB_POISON)) {
		check_region(s, s->object + l->object_size, l->inuse - l->object_size,
			     QY_POISON_INUSE, "alignment padding");
	}
	if (has(s->c, QY_SLAB_POISON)) {
		check_region(s, s->object + l->meta_end, end - l->meta_end, QY_POISON_INUSE,
			     "padding");
		if (!s->live && !s->c->ctor)
			check_poison(s);
	}
	if (has(s->c, QY_SLAB_STORE_USER) && s->books)
		check_tracks(s);
}

void qy__check_slab_bytes(struct qy__slab_walk *w, struct qy__tally *t, uint32_t pfn)
{
	const struct qy_page *slab = qy__check_page(w->ck, pfn);
	struct subject s = {.ck = w->ck, .c = t->c, .pfn = pfn};
	char *start = qy__check_pfn_addr(w->ck, pfn);
	size_t slot = t->c->layout.slot, used = slab->slab.objects * slot;

	for (unsigned int i = 0; i < slab->slab.objects; i++) {
		s.object = start + t->c->layout.red_left_pad + i * slot;
		s.live = qy__check_live(w->ck, s.object);
		s.books = qy__check_record(w->ck, t->c, pfn, s.object);
		t->live += s.live;
		check_object(&s);
	}
	s.object = start + used;
	s.live = false;
	if (has(t->c, QY_SLAB_POISON))
		check_region(&s, start + used, (QY_PAGE_SIZE << slab->order) - used,
			     QY_POISON_INUSE, "slab padding");
}

/* ---- large blocks ---- */

/* The debug letters of large blocks; 0 if the string they are worked out from is damaged. */
qy_slab_flags_t qy__check_large_flags(struct qy__check *ck)
{
	const struct qy__debug_state *debug = ck->mm->debug;
	const struct qy__debug_config *cfg;

	if (!qy__holds(ck,
		       qy__check_struct(ck, debug) && debug->config.nr_blocks <= QY__DEBUG_BLOCKS,
		       "MM", "the debug state is damaged"))
		return 0;
	cfg = &debug->config;
	for (unsigned int i = 0; i < cfg->nr_blocks; i++)
		if (!qy__holds(ck,
			       (size_t)cfg->block[i].names + cfg->block[i].names_len <=
				       sizeof(cfg->text),
			       "MM", "block %u of the debug string is damaged", i))
			return 0;
	return qy__debug_large_flags(ck->mm) & QY__DEBUG_MASK;
}

static void check_large_region(struct qy__check *ck, uint32_t pfn, size_t from, size_t to,
			       uint8_t value, const char *what)
{
	const char *start = qy__check_pfn_addr(ck, pfn);
	const uint8_t *bad = qy__check_bytes(start + from, value, to - from);

	qy__holds(ck, !bad, "U12", "kmalloc block at %u: %s has 0x%02x, not 0x%02x, at +0x%zx", pfn,
		  what, bad ? *bad : 0, value, bad ? (size_t)((const char *)bad - start) : 0);
}

static void check_large_poison(struct qy__check *ck, uint32_t pfn, size_t begin, size_t end)
{
	const char *start = qy__check_pfn_addr(ck, pfn), *bad;
	uint64_t word = word_of(ck, start + begin);

	if (!word) {
		check_large_region(ck, pfn, begin, end - 1, QY_POISON_FREE, "poison");
		check_large_region(ck, pfn, end - 1, end, QY_POISON_END, "end of poison");
		return;
	}
	bad = find_other(start + begin, end - begin, word);
	qy__holds(ck, !bad, "U12", "kmalloc block at %u: poison has 0x%02x at +0x%zx", pfn,
		  bad ? (uint8_t)*bad : 0, bad ? (size_t)(bad - start) : 0);
}

void qy__check_large(struct qy__check *ck, uint32_t pfn, qy_slab_flags_t flags)
{
	const struct qy_page *head = qy__check_page(ck, pfn);
	size_t bytes = QY_PAGE_SIZE << head->order, begin = head->large.offset;
	size_t end = begin + head->large.size;
	bool live = head->large.live == 1;
	uint8_t zone = live ? QY_RED_ACTIVE : QY_RED_INACTIVE;

	if (!flags)
		return;
	if (!qy__holds(ck,
		       begin <= bytes && head->large.size <= bytes - begin && head->large.live <= 1,
		       "U12", "kmalloc block at %u of order %u: %llu bytes at %zu, state %u", pfn,
		       head->order, (unsigned long long)head->large.size, begin, head->large.live))
		return;
	if (flags & QY_SLAB_RED_ZONE) {
		check_large_region(ck, pfn, 0, begin, zone, "left red zone");
		check_large_region(ck, pfn, end, bytes, zone, "right red zone");
	}
	if ((flags & QY_SLAB_POISON) && !live && end > begin)
		check_large_poison(ck, pfn, begin, end);
}
