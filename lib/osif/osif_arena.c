/* SPDX-License-Identifier: MIT */
/*
 * osif_arena.c - memory out of a caller's buffer: nothing is asked of the system, nothing is given
 * back.
 *
 * What the buffer holds at the start is unknown, and discarded memory keeps its contents; so commit
 * clears, each time. It must therefore not be asked for memory that is in use.
 */
#include "osif/osif_internal.h"

#include <errno.h>
#include <string.h>

#include "util/align.h"
#include "util/compiler.h"

static int arena_commit(struct qy__osif *os, void *addr, size_t len)
{
	(void)os;
	memset(addr, 0, len);
	return 0;
}

static size_t arena_discard(struct qy__osif *os, void *addr, size_t len)
{
	(void)os;
	(void)addr;
	(void)len;
	return 0;
}

static void *arena_map(struct qy__osif *os, size_t len, size_t align, size_t guard)
{
	(void)os;
	(void)len;
	(void)align;
	(void)guard;
	return NULL;
}

static void arena_unmap(struct qy__osif *os, void *addr, size_t len, size_t guard)
{
	(void)os;
	(void)addr;
	(void)len;
	(void)guard;
}

static bool arena_move(struct qy__osif *os, void *to, void *from, size_t len, size_t guard)
{
	(void)os;
	(void)to;
	(void)from;
	(void)len;
	(void)guard;
	return false;
}

static void arena_protect(struct qy__osif *os, void *addr, size_t len)
{
	(void)os;
	(void)addr;
	(void)len;
}

static int arena_access(struct qy__osif *os, void *addr, size_t len, bool on)
{
	(void)os;
	(void)addr;
	(void)len;
	(void)on;
	return 0;
}

static void arena_release(struct qy__osif *os)
{
	(void)os;
}

const struct qy__osif_ops qy__osif_arena_ops = {
	.commit = arena_commit,
	.discard = arena_discard,
	.map = arena_map,
	.unmap = arena_unmap,
	.move = arena_move,
	.protect = arena_protect,
	.access = arena_access,
	.release = arena_release,
};

int qy__osif_arena(struct qy__osif *os, void *base, size_t size)
{
	uintptr_t start = (uintptr_t)base, end;

	if (!base || __builtin_add_overflow(start, size, &end) ||
	    start > UINTPTR_MAX - QY_PAGE_MASK)
		return -ENOMEM;
	start = qy__align_up(start, QY_PAGE_SIZE);
	end = qy__align_down(end, QY_PAGE_SIZE);
	if (start >= end)
		return -ENOMEM;
	os->back_end = QY__OSIF_ARENA;
	os->base = (char *)base + (start - (uintptr_t)base);
	os->size = end - start;
	return 0;
}
