/* SPDX-License-Identifier: MIT */
/*
 * osif_claim.c - a span that is not reserved: a stretch of address space where nobody maps
 * anything, of which just what is used is mapped.
 *
 *   span: [ descriptors |   …   | live bits |  …  | page blocks | … | pages |       …        ]
 *           run 0                 run 1             run 2             run 3    not mapped
 *
 * A reservation without access costs no memory, but it counts: against a limit of address space, as
 * locked memory after mlockall(), in an emulator that keeps books of all there is. A run grows at
 * its end, so its mappings become one.
 *
 * That the addresses are free is not known beforehand. Each mapping says that it replaces none; who
 * commits is told (-EEXIST) and goes on behind. The kernel puts mappings without an address near
 * the stack or above the program, all of them far from here. A sanitizer's runtime allows no other
 * place: in its company nothing is claimed.
 *
 * Lock: whoever commits holds mm->grow_lock.
 */
#include "osif/osif_internal.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/random.h>

#include "util/align.h"
#include "util/atomic.h"
#include "util/compiler.h"
#include "util/hash.h"
#include "util/sys.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define ASK_PERSONALITY 0xffffffffu
#define GIB ((size_t)1 << 30)

/*
 * Where the bases of spans may lie. The first area is above what programs, Go's and Java's
 * runtimes and AddressSanitizer's shadow have at fixed places and far below stack and libraries; it
 * is there with 46 bits of address space. The second is for 39 bits and less.
 */
static const struct area {
	size_t start, size;
} area[] = {
	{24 * 1024 * GIB, 32 * 1024 * GIB},
	{64 * GIB, 64 * GIB},
};

#define TRIES 4 /* in each area */

/*
 * Dice, the same each time where the user wants addresses to be the same each time (gdb,
 * setarch -R).
 */
static uint64_t throw_dice(void)
{
	uint64_t bits = 0;
	long now = qy__sys1(SYS_personality, ASK_PERSONALITY);

	if (!qy__sys_failed(now) && (now & ADDR_NO_RANDOMIZE))
		return 0;
	if (qy__sys3(SYS_getrandom, &bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits = qy__mix64((uintptr_t)&bits ^ qy__mix64((uintptr_t)area));
	return bits;
}

/* The @nr-th span of the process from the dice on: whole spans apart, as long as there are any. */
static uintptr_t place_in(const struct area *a, size_t size, size_t align, uint64_t nr)
{
	static uint64_t dice, thrown;
	size_t slots = a->size / size;
	uint64_t slot, offset;

	if (!qy__load_acquire(&thrown)) {
		qy__store_relaxed(&dice, throw_dice());
		qy__store_release(&thrown, 1);
	}
	offset = qy__load_relaxed(&dice) % (size / align) * align;
	slot = slots > 1 ? ((qy__load_relaxed(&dice) >> 32) + nr) % (slots - 1) * size : 0;
	return qy__align_up(a->start + slot + offset, align);
}

int qy__osif_claim(struct qy__osif *os, size_t size, size_t align, unsigned int attempt)
{
	static uint64_t claimed;

	if (qy__osif_page_size() > QY_PAGE_SIZE || qy__osif_is_sanitized() ||
	    attempt >= TRIES * ARRAY_SIZE(area))
		return -ENOMEM;
	align = max(align, QY_PAGE_SIZE);
	os->back_end = QY__OSIF_CLAIM;
	os->size = qy__align_down(size, QY_PAGE_SIZE);
	os->base = (void *)place_in(&area[attempt / TRIES], os->size, align,
				    qy__fetch_add(&claimed, 1));
	os->nr_runs = 0;
	return 0;
}

/* ---- what is mapped ---- */

/* The end of the stretch from @at that is all mapped by us, or all not. */
static uintptr_t stretch(const struct qy__osif *os, uintptr_t at, uintptr_t end, bool *mapped)
{
	*mapped = false;
	for (unsigned int i = 0; i < os->nr_runs; i++) {
		const struct qy__osif_run *r = &os->run[i];

		if (at >= r->start && at < r->end) {
			*mapped = true;
			return min(end, r->end);
		}
		if (at < r->start)
			end = min(end, r->start);
	}
	return end;
}

/* Note [start, end); false: no room, nothing noted. */
static bool note(struct qy__osif *os, uintptr_t start, uintptr_t end)
{
	struct qy__osif_run *before = NULL, *after = NULL;

	for (unsigned int i = 0; i < os->nr_runs; i++) {
		if (os->run[i].end == start)
			before = &os->run[i];
		if (os->run[i].start == end)
			after = &os->run[i];
	}
	if (before && after) {
		before->end = after->end;
		*after = os->run[--os->nr_runs];
	} else if (before) {
		before->end = end;
	} else if (after) {
		after->start = start;
	} else {
		if (os->nr_runs == QY__OSIF_RUNS)
			return false;
		os->run[os->nr_runs++] = (struct qy__osif_run){start, end};
	}
	return true;
}

/* A kernel without MAP_FIXED_NOREPLACE takes the address as a wish. */
static int map_free(struct qy__osif *os, uintptr_t start, uintptr_t end)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	long at = qy__osif_mmap((void *)start, end - start, PROT_READ | PROT_WRITE, flags);
	int err = -ENOMEM;

	if (qy__sys_failed(at))
		return at == -EEXIST ? -EEXIST : -ENOMEM;
	if ((uintptr_t)at != start)
		err = -EEXIST;
	else if (note(os, start, end))
		return 0;
	qy__osif_munmap((void *)at, end - start);
	return err;
}

/* What is mapped already stays as it is, also what was mapped before the call failed. */
static int claim_commit(struct qy__osif *os, void *addr, size_t len)
{
	uintptr_t at = (uintptr_t)addr, end = at + len, stop;
	int err = 0;

	if (at - (uintptr_t)os->base >= os->size) /* of a mapping of its own */
		return qy__osif_access(os, addr, len, true);
	for (; !err && at < end; at = stop) {
		bool mapped;

		stop = stretch(os, at, end, &mapped);
		if (!mapped)
			err = map_free(os, at, stop);
	}
	return err;
}

static void claim_release(struct qy__osif *os)
{
	for (unsigned int i = 0; i < os->nr_runs; i++)
		qy__osif_munmap((void *)os->run[i].start, os->run[i].end - os->run[i].start);
}

const struct qy__osif_ops qy__osif_claim_ops = {
	.commit = claim_commit,
	.discard = qy__osif_discard,
	.map = qy__osif_map,
	.unmap = qy__osif_unmap,
	.move = qy__osif_move,
	.protect = qy__osif_protect,
	.access = qy__osif_access,
	.release = claim_release,
};
