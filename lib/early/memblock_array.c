/* SPDX-License-Identifier: MIT */
/*
 * memblock_array.c - bigger arrays for sets that have outgrown theirs.
 *
 * The memory comes from the array_alloc() hook if there is one. Else it is a free range of
 * memblock's own, where map() can reach it: the new array is then reserved, the old one, if it lay
 * there too, is free again. Both are changes of `reserved`, which may be full, and has to get a
 * bigger array itself then; or it is `reserved` that outgrew its array in the first place.
 *
 * So all is made in the new arrays, beside the sets in use, which are only read; when everything
 * fits the new ones take their place. Until then nothing has changed (MB11) but free memory, which
 * means nothing to anybody.
 */
#include "early/memblock.h"

#include <errno.h>
#include <string.h>

#include "util/plant.h"

/* A set with its next array, and the ranges in which that must not lie. */
struct next {
	struct qy_memblock_type type;
	const struct qy_memblock_type *old;
	struct {
		qy_addr_t base, end;
	} avoid[2]; /* of the call; of another new array that is not reserved yet */
};

static bool is_own(const struct qy_memblock_type *type)
{
	return type->array_size && type->array_addr;
}

bool qy__memblock_holds_array(const struct qy_memblock *mb, qy_addr_t base, qy_addr_t end)
{
	const struct qy_memblock_type *const type[] = {&mb->memory, &mb->reserved, &mb->physmem};

	for (size_t i = 0; i < ARRAY_SIZE(type); i++)
		if (is_own(type[i]) && base < type[i]->array_addr + type[i]->array_size &&
		    type[i]->array_addr < end)
			return true;
	return false;
}

/* Above what is to be avoided rather than between, between rather than below. */
static qy_addr_t find_place(const struct qy_memblock *mb, const struct next *n, qy_addr_t size)
{
	int upper = n->avoid[1].base > n->avoid[0].base;
	qy_addr_t end = mb->current_limit, at;

	for (int i = 0; i < 2; i++) {
		int which = i ? !upper : upper;

		if (n->avoid[which].base == n->avoid[which].end || qy__planted(ARRAY_IN_RANGE))
			continue;
		at = qy__memblock_find_any(mb, n->avoid[which].end, end, size, QY_PAGE_SIZE);
		if (at)
			return at;
		end = min(end, n->avoid[which].base);
	}
	return qy__memblock_find_any(mb, 0, end, size, QY_PAGE_SIZE);
}

/* Back to the hook; what is memblock's own is free as soon as it is not reserved. */
static void put_array(const struct qy_memblock *mb, const struct qy_memblock_type *type)
{
	if (type->array_size && !type->array_addr && mb->ops && mb->ops->array_free)
		mb->ops->array_free(mb->ctx, type->regions, type->array_size);
}

/* The old set in an array of @max regions. */
static int new_array(const struct qy_memblock *mb, struct next *n, uint32_t max)
{
	const struct qy_memblock_ops *ops = mb->ops;
	uint64_t size = (uint64_t)max * sizeof(n->type.regions[0]);
	qy_addr_t at = 0;
	void *array = NULL;

	if (size + QY_PAGE_MASK > SIZE_MAX)
		return -ENOMEM;
	if (ops->array_alloc) {
		array = ops->array_alloc(mb->ctx, (size_t)size);
	} else if (ops->map) {
		size = (size + QY_PAGE_MASK) & ~(uint64_t)QY_PAGE_MASK;
		at = find_place(mb, n, size);
		if (at)
			array = ops->map(mb->ctx, at, size);
	}
	if (!array)
		return -ENOMEM;
	n->type = *n->old;
	n->type.regions = array;
	n->type.max = max;
	n->type.array_addr = at;
	n->type.array_size = (size_t)size;
	if ((uintptr_t)array % _Alignof(struct qy_memblock_region)) {
		put_array(mb, &n->type);
		return -ENOMEM;
	}
	memcpy(array, n->old->regions, n->old->cnt * sizeof(n->type.regions[0]));
	return 0;
}

static void commit(const struct qy_memblock *mb, struct qy_memblock_type *type,
		   const struct next *n)
{
	put_array(mb, type);
	*type = n->type;
}

/* In @reserved the new array of @n is noted, the old one forgotten: both or neither. */
static int note_move(struct qy_memblock_type *reserved, const struct next *n)
{
	struct qy__memblock_change come = {
		.verb = QY__MEMBLOCK_ADD,
		.base = n->type.array_addr,
		.end = n->type.array_addr + n->type.array_size,
		.nid = QY_NO_NODE,
		.set = QY_MEMBLOCK_RSRV_KERN,
	};
	struct qy__memblock_change go = {
		.verb = QY__MEMBLOCK_DROP,
		.base = n->old->array_addr,
		.end = n->old->array_addr + n->old->array_size,
	};
	int err = is_own(&n->type) ? qy__memblock_apply(reserved, &come) : 0;

	if (err || !is_own(n->old) || qy__planted(ARRAY_OLD_KEPT))
		return err;
	err = qy__memblock_apply(reserved, &go);
	if (err && is_own(&n->type) && !qy__planted(ARRAY_HALF)) {
		/* It was free before, so the set is what it was. */
		come.verb = QY__MEMBLOCK_DROP;
		qy__memblock_apply(reserved, &come);
	}
	return err;
}

/*
 * A bigger array for `reserved`, for @change (or NULL) to fit, and the move of @other (or NULL).
 */
static int grow_reserved(struct qy_memblock *mb, const struct qy__memblock_change *change,
			 const struct next *other, struct next *n)
{
	n->old = &mb->reserved;
	if (other && is_own(&other->type)) {
		n->avoid[1].base = other->type.array_addr;
		n->avoid[1].end = other->type.array_addr + other->type.array_size;
	}
	for (uint64_t max = (uint64_t)n->old->max * 2; max && max <= UINT32_MAX; max *= 2) {
		int err = new_array(mb, n, (uint32_t)max);

		if (err)
			return err;
		err = note_move(&n->type, n);
		if (!err && other)
			err = note_move(&n->type, other);
		if (!err && change)
			err = qy__memblock_apply(&n->type, change);
		if (!err) {
			commit(mb, &mb->reserved, n);
			return 0;
		}
		put_array(mb, &n->type);
	}
	return -ENOMEM;
}

static int grow_other(struct qy_memblock *mb, struct qy_memblock_type *type,
		      const struct qy__memblock_change *change, struct next *n)
{
	struct next reserved = {.avoid[0] = n->avoid[0]};
	int err = -ENOMEM;

	n->old = type;
	for (uint64_t max = (uint64_t)type->max * 2; err && max && max <= UINT32_MAX; max *= 2) {
		err = new_array(mb, n, (uint32_t)max);
		if (err)
			return err;
		err = qy__memblock_apply(&n->type, change);
		if (err)
			put_array(mb, &n->type);
	}
	if (err)
		return err;
	err = note_move(&mb->reserved, n);
	if (err)
		err = grow_reserved(mb, NULL, n, &reserved);
	if (err)
		put_array(mb, &n->type);
	else
		commit(mb, type, n);
	return err;
}

int qy__memblock_change_bigger(struct qy_memblock *mb, struct qy_memblock_type *type,
			       const struct qy__memblock_change *change)
{
	struct next n = {.avoid[0] = {change->base, change->end}};
	uint32_t old_max = type->max;
	int err;

	if (!mb->can_resize || !mb->ops)
		return -ENOMEM;
	err = type == &mb->reserved ? grow_reserved(mb, change, NULL, &n)
				    : grow_other(mb, type, change, &n);
	if (err)
		qy__memblock_log(mb, "memblock: Failed to double %s array from %u to %u entries !",
				 type->name, old_max, old_max * 2);
	else if (mb->debug)
		qy__memblock_log(mb, "memblock: %s array is doubled to %u entries", type->name,
				 type->max);
	return err;
}

int qy_memblock_set_ops(struct qy_memblock *mb, const struct qy_memblock_ops *ops, void *ctx)
{
	if (ops && ops->struct_size != sizeof(*ops))
		return -EINVAL;
	mb->ops = ops;
	mb->ctx = ctx;
	return 0;
}

void *qy_memblock_map_at(void *ctx, qy_addr_t addr, qy_addr_t size)
{
	uintptr_t most = UINTPTR_MAX - (uintptr_t)ctx;

	if (addr > most || size > most - addr)
		return NULL;
	return (void *)((uintptr_t)ctx + (uintptr_t)addr);
}

void qy_memblock_allow_resize(struct qy_memblock *mb)
{
	mb->can_resize = true;
}
