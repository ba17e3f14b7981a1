/* SPDX-License-Identifier: MIT */
/*
 * object.c - the bytes of one object: filled when its state changes, compared when it is looked at.
 *
 *   state   left zone   body            request…object_size   right zone   padding
 *   free    0xbb        poison.c        (body)                0xbb         0x5a
 *   live    0xcc        the user's      0xcc if tracked       0xcc         0x5a
 *
 * Whether an object is live stands in a bitmap apart from all memory an overflow can reach.
 */
#include <string.h>

#include "debug/debug.h"
#include "util/bitops.h"
#include "util/bytes.h"
#include "util/plant.h"

/*
 * The request word: 40 bits of size, 8 for the alignment's order (0: the usual), 8 of family, 8 to
 * tell an overwritten word from a real one.
 */
#define REQUEST_ALIGN 40
#define REQUEST_FAMILY 48
#define REQUEST_MARK 0x51u

static bool has(const struct qy_cache *c, qy_slab_flags_t flag)
{
	return qy__debug_has(c->flags, flag);
}

static bool poisons(const struct qy_cache *c)
{
	return has(c, QY_SLAB_POISON) && !c->ctor;
}

/* One lock guards all objects of a slab, and with them a word; who only asks holds none. */
static uint64_t *live_word(const struct qy_mm *mm, const void *object, uint64_t *bit)
{
	size_t nr = qy__live_bit(mm, object);

	*bit = UINT64_C(1) << nr % 64;
	return mm->live + nr / 64;
}

bool qy__debug_is_live(const struct qy_mm *mm, const void *object)
{
	uint64_t bit, *word = live_word(mm, object, &bit);

	return qy__load_relaxed(word) & bit;
}

void qy__debug_set_live(struct qy_mm *mm, const void *object, bool live)
{
	uint64_t bit, *word = live_word(mm, object, &bit), old = qy__load_relaxed(word);

	qy__store_relaxed(word, live ? old | bit : old & ~bit);
}

static void set_request(struct qy_cache *c, void *object, const struct qy__origin *o)
{
	uint64_t order = o->align ? qy__ilog2(o->align) : 0;
	uint64_t word = (uint64_t)REQUEST_MARK << 56 | (uint64_t)o->family << REQUEST_FAMILY |
			order << REQUEST_ALIGN | o->size;

	if (c->layout.orig_size)
		memcpy(qy__object_books(c, object) + c->layout.orig_size, &word, sizeof(word));
}

/* false: not tracked, or overwritten. */
static bool get_request(const struct qy_cache *c, const void *object, struct qy__origin *o)
{
	uint64_t word, order;

	if (!c->layout.orig_size)
		return false;
	memcpy(&word, qy__object_books(c, object) + c->layout.orig_size, sizeof(word));
	order = word >> REQUEST_ALIGN & 0xff;
	o->size = word & ((UINT64_C(1) << REQUEST_ALIGN) - 1);
	o->align = order && order < 64 ? (size_t)1 << order : 0;
	o->family = (enum qy_family)(word >> REQUEST_FAMILY & 0xff);
	return word >> 56 == REQUEST_MARK && o->size <= c->layout.object_size &&
	       o->family < QY_NR_FAMILIES;
}

size_t qy__debug_object_size(const struct qy_cache *c, const void *object)
{
	return qy__debug_object_origin(c, object).size;
}

struct qy__origin qy__debug_object_origin(const struct qy_cache *c, const void *object)
{
	struct qy__origin o = {.known = true};

	return get_request(c, object, &o) ? o : (struct qy__origin){.size = c->layout.object_size};
}

static void fill_zones(struct qy_cache *c, char *object, size_t size, uint8_t value)
{
	if (!has(c, QY_SLAB_RED_ZONE))
		return;
	memset(object - c->layout.red_left_pad, qy__planted(ZONE_VALUE) ? QY_RED_ACTIVE : value,
	       c->layout.red_left_pad);
	memset(object + size, value, c->layout.inuse - size);
}

static void fill_poison(struct qy_cache *c, char *object, size_t size)
{
	if (!poisons(c) || !size)
		return;
	memset(object, QY_POISON_FREE, size - 1);
	object[size - 1] = (char)QY_POISON_END;
}

/* Freed objects of malloc's classes hold a word of their own; 0: the kernel's poison. */
static uint64_t own_word(const struct qy_cache *c, const void *object)
{
	bool own = (c->flags & QY_SLAB_KMALLOC) && c->mm->classes == QY_CLASSES_FINE;

	return own ? qy__poison_word(c->mm, object) : 0;
}

void qy__debug_fill_free(struct qy_cache *c, void *object)
{
	uint64_t word = own_word(c, object);

	fill_zones(c, object, c->layout.object_size, QY_RED_INACTIVE);
	if (word && poisons(c))
		qy__poison_fill(object, c->layout.object_size, word);
	else
		fill_poison(c, object, c->layout.object_size);
}

void qy__debug_fill_live(struct qy_cache *c, void *object, const struct qy__origin *o)
{
	size_t size = c->layout.orig_size ? o->size : c->layout.object_size;

	set_request(c, object, o);
	fill_zones(c, object, size, QY_RED_ACTIVE);
	fill_poison(c, object, size);
}

void qy__debug_resize_bytes(struct qy_cache *c, void *object, size_t old,
			    const struct qy__origin *o)
{
	size_t size = o->size;

	if (!c->layout.orig_size)
		return;
	set_request(c, object, o);
	if (has(c, QY_SLAB_RED_ZONE) && !(qy__planted(ZONE_STAYS) && size < old))
		memset((char *)object + size, QY_RED_ACTIVE, c->layout.inuse - size);
	if (poisons(c) && size > old)
		memset((char *)object + old, QY_POISON_FREE, size - old);
}

static bool find_in(const void *from, size_t n, uint8_t value, enum qy_report_kind kind,
		    const char *what, struct qy__damage *d)
{
	uint8_t *last = NULL, *first = qy__find_not(from, n, value, &last);

	if (!first)
		return false;
	*d = (struct qy__damage){.kind = kind,
				 .what = what,
				 .start = first,
				 .end = last + 1,
				 .expected = value,
				 .fill = value};
	return true;
}

bool qy__debug_find_poison(const struct qy_cache *c, const void *object, struct qy__damage *d)
{
	if (!poisons(c))
		return false;
	if (qy__poison_find(object, c->layout.object_size, own_word(c, object), d))
		return !(qy__planted(POISON_END) && d->poison_end && d->start + 1 == d->end);
	return false;
}

bool qy__debug_find_damage(const struct qy_cache *c, const void *object, bool live,
			   struct qy__damage *d)
{
	const struct qy__layout *l = &c->layout;
	uint8_t zone = live ? QY_RED_ACTIVE : QY_RED_INACTIVE;
	size_t size = live && !qy__planted(REQUEST_IGNORED) ? qy__debug_object_size(c, object)
							    : l->object_size;
	const char *p = object;

	if (has(c, QY_SLAB_RED_ZONE)) {
		if (find_in(p - l->red_left_pad, l->red_left_pad, zone, QY_REPORT_UNDERWRITE,
			    "Left Redzone", d))
			return true;
		if (!qy__planted(OVERFLOW_UNSEEN) &&
		    find_in(p + size, l->inuse - size, zone, QY_REPORT_OVERFLOW, "Right Redzone",
			    d)) {
			if (d->start < (const uint8_t *)p + l->object_size)
				d->what = "kmalloc Redzone";
			return true;
		}
	} else if (has(c, QY_SLAB_POISON) &&
		   find_in(p + l->object_size, l->inuse - l->object_size, QY_POISON_INUSE,
			   QY_REPORT_OVERFLOW, "Alignment padding", d)) {
		return true;
	}
	if (!live && qy__debug_find_poison(c, object, d))
		return true;
	if (!has(c, QY_SLAB_POISON) || l->meta_end >= l->slot - l->red_left_pad)
		return false;
	return find_in(p + l->meta_end, l->slot - l->red_left_pad - l->meta_end, QY_POISON_INUSE,
		       QY_REPORT_PADDING, "Object padding", d);
}

bool qy__debug_find_slab_damage(const struct qy_cache *c, const struct qy_page *slab,
				struct qy__damage *d)
{
	const char *start = qy__page_addr(c->mm, slab);
	size_t used = (size_t)slab->slab.objects * c->layout.slot,
	       bytes = QY_PAGE_SIZE << slab->order;

	if (!has(c, QY_SLAB_POISON) || used > bytes)
		return false;
	return find_in(start + used, bytes - used, QY_POISON_INUSE, QY_REPORT_PADDING, "Padding",
		       d);
}

void qy__debug_repair(const struct qy__damage *d)
{
	if (d->word) {
		qy__poison_fill(d->start, (size_t)(d->end - d->start), d->word);
		return;
	}
	memset(d->start, d->fill,
	       (size_t)(d->end - d->start) - (qy__planted(REPAIR_SHORT) ? 1 : 0));
	if (d->poison_end)
		d->end[-1] = QY_POISON_END;
}
